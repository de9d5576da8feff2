/* A moment, a format and a text: written, read freely, read in the format, in several cultures.
 * Input: culture, eight bytes of ticks, then "format NUL text". */
#include "base/str.h"
#include "expr/moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct moment moment_of(const uint8_t bytes[8], bool utc)
{
    uint64_t ticks;
    memcpy(&ticks, bytes, sizeof ticks);
    return (struct moment){(int64_t)(ticks % ((uint64_t)TICKS_MAX + 1)), utc};
}

static void is_sound(struct moment m)
{
    struct moment_parts p = moment_parts(m);
    int64_t ticks;
    RAC_ASSERT(m.ticks >= 0 && m.ticks <= TICKS_MAX);
    RAC_ASSERT(moment_of_parts(&p, &ticks) && ticks == m.ticks);
}

/* What "o" writes is read back as it was, freely and by the format. */
static void round_trip(struct moment m, const struct rac_culture *c, struct rac_arena *a)
{
    struct moment again;
    rac_str text;
    rac_err e = moment_format(m, RAC_S("o"), c, a, &text);
    RAC_ASSERT(e == RAC_OK && text.n == 27 + (size_t)m.utc);
    RAC_ASSERT(moment_parse(text, &again) && again.ticks == m.ticks && again.utc == m.utc);
    e = moment_parse_exact(text, RAC_S("o"), c, a, &again);
    RAC_ASSERT(e == RAC_OK && again.ticks == m.ticks && again.utc == m.utc);
    e = moment_format(m, RAC_S("s"), c, a, &text);
    RAC_ASSERT(e == RAC_OK && text.n == 19 && moment_parse(text, &again));
    RAC_ASSERT(again.ticks == m.ticks - m.ticks % TICKS_PER_SECOND && !again.utc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tags[] = {"en-US", "de-DE", "fr-FR", "pt-BR",
                                       "ja-JP", "fa-IR", "nl-NL", "ar-SA"};
    struct rac_arena a;
    const struct rac_culture *c;
    struct moment m, read;
    rac_str text, written;
    if (size < 9)
        return 0;
    rac_arena_init(&a, 16 << 20);
    bool known = rac_culture_open(rac_str_of(tags[data[0] & 7]), &a, &c);
    RAC_ASSERT(known);
    m = moment_of(data + 1, data[0] & 8);
    is_sound(m);
    round_trip(m, c, &a);
    rac_str format = rac_str_cut((rac_str){(const char *)data + 9, size - 9}, '\0', &text);
    rac_err e = moment_format(m, format, c, &a, &written);
    if (e == RAC_OK && moment_parse_exact(written, format, c, &a, &read) == RAC_OK)
        is_sound(read);
    if (moment_parse(text, &read))
        round_trip(read, c, &a);
    if (moment_parse_culture(text, c, &a, &read))
        is_sound(read);
    if (moment_parse_exact(text, format, c, &a, &read) == RAC_OK)
        is_sound(read);
    rac_arena_fini(&a);
    return 0;
}
