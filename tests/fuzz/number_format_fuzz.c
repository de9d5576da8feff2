/* A number, a format and a text: written in several cultures, and read as every kind of number.
 * Input: culture and kind, eight bytes of the number, then "format NUL text". */
#include "base/str.h"
#include "expr/expr.h"
#include "expr/number.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rac_str written(const struct rac_json *v, const char *format, struct rac_arena *a)
{
    rac_str text;
    rac_err e = rac_number_format(v, rac_str_of(format), &rac_culture_en_us, a, &text);
    RAC_ASSERT(e == RAC_OK && text.n > 0);
    return text;
}

static void integer(int64_t i, struct rac_arena *a)
{
    static const char *const formats[] = {"D", "D30", "G", "N0", "F0", "R"};
    struct rac_json v = rac_json_of_int(i);
    int64_t again;
    for (size_t k = 0; k < RAC_COUNT(formats); k++)
        RAC_ASSERT(rac_number_parse_int(written(&v, formats[k], a), &again) && again == i);
    rac_str hex = written(&v, "X16", a);
    RAC_ASSERT(hex.n == 16);
}

static void floating(double d, struct rac_arena *a)
{
    struct rac_json v = rac_json_of_double(d);
    double again;
    if (isinf(d) || isnan(d))
        return;
    RAC_ASSERT(rac_number_parse_float(written(&v, "R", a), &rac_culture_en_us, &again));
    RAC_ASSERT(again == d);
    RAC_ASSERT(rac_number_parse_float(written(&v, "E16", a), &rac_culture_en_us, &again));
    RAC_ASSERT(again == d);
}

static struct rac_json decimal(struct rac_dec d, struct rac_arena *a)
{
    char text[RAC_DEC_TEXT];
    struct rac_dec again;
    rac_str s = rac_arena_str(a, (rac_str){text, rac_dec_print(d, text)});
    RAC_ASSERT(rac_number_parse_decimal(s, &rac_culture_en_us, &again));
    RAC_ASSERT(again.c == d.c && again.scale == d.scale && (again.neg == d.neg || d.c == 0));
    return (struct rac_json){
        .type = RAC_JSON_NUMBER, .flags = RAC_EXPR_DECIMAL, .n = (uint32_t)s.n, .s = s.p};
}

static struct rac_json number_of(const uint8_t *data, struct rac_arena *a)
{
    int64_t i;
    double d;
    memcpy(&i, data + 1, sizeof i);
    memcpy(&d, data + 1, sizeof d);
    if (data[0] & 8)
        return rac_json_of_double(d);
    if (data[0] & 16)
        return decimal((struct rac_dec){.c = (unsigned __int128)(uint64_t)i << (data[8] & 31),
                                        .scale = data[7] % 29,
                                        .neg = data[0] & 32},
                       a);
    return rac_json_of_int(i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tags[] = {"en-US", "de-DE", "fr-FR", "en-IN",
                                       "de-CH", "fa-IR", "nl-NL", "ar-SA"};
    struct rac_arena a;
    const struct rac_culture *c;
    struct rac_dec dec;
    rac_str text, out;
    int64_t i;
    double d;
    if (size < 9)
        return 0;
    rac_arena_init(&a, 16 << 20);
    bool known = rac_culture_open(rac_str_of(tags[data[0] & 7]), &a, &c);
    RAC_ASSERT(known);
    struct rac_json v = number_of(data, &a);
    rac_str format = rac_str_cut((rac_str){(const char *)data + 9, size - 9}, '\0', &text);
    rac_err e = rac_number_format(&v, format, c, &a, &out);
    RAC_ASSERT(e == RAC_OK || e == RAC_E_INVALID || e == RAC_E_LIMIT);
    if (v.type == RAC_JSON_INT)
        integer(v.i, &a);
    if (v.type == RAC_JSON_DOUBLE)
        floating(v.d, &a);
    if (rac_number_parse_int(text, &i))
        integer(i, &a);
    if (rac_number_parse_float(text, c, &d))
        floating(d, &a);
    if (rac_number_parse_decimal(text, c, &dec))
        (void)decimal(dec, &a);
    rac_arena_fini(&a);
    return 0;
}
