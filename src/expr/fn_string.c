/* Strings (spec expressions §16.1). Places and lengths count UTF-16 units. */
#include "base/env.h"
#include "expr/functions_priv.h"

#include <unicode/uchar.h>

static bool text_pair(struct call *c, const struct rac_json *v, rac_str *x, rac_str *y)
{
    return arg_str(c, v, 0, x) && arg_str(c, v, 1, y) && charge(c, (x->n + y->n) / 64);
}

bool fn_concat(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str fast[16], *parts = n <= RAC_COUNT(fast) ? fast : (rac_str *)RAC_NEW_N(c->a, rac_str, n);
    for (size_t i = 0; i < n; i++)
        if (!text_of(c, &v[i], &parts[i]))
            return false;
    return join_text(c, parts, n, RAC_S(""), out);
}

bool fn_substring(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str s;
    int64_t start, length = 0;
    if (!arg_str(c, v, 0, &s) || !arg_int(c, v, 1, &start) || (n > 2 && !arg_int(c, v, 2, &length)))
        return false;
    int64_t units = (int64_t)u16_length(s);
    if (n < 3)
        length = units - start;
    if (start < 0 || start > units || length < 0 || length > units - start)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'substring' parameters are out of range: "
                    "'start index' and 'length' must be non-negative integers and their sum must "
                    "be no larger than the length of the string (%lld).",
                    (long long)units);
    return answer_str(out, u16_slice(c->a, s, (size_t)start, (size_t)length));
}

bool fn_slice(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str s;
    int64_t start, end = 0;
    if (!arg_str(c, v, 0, &s) || !arg_int(c, v, 1, &start) || (n > 2 && !arg_int(c, v, 2, &end)))
        return false;
    int64_t units = (int64_t)u16_length(s);
    if (n < 3)
        end = units;
    start = start < 0 ? (start < -units ? 0 : start + units) : start;
    end = end < 0 ? (end < -units ? 0 : end + units) : end > units ? units : end;
    if (start >= units || end <= start)
        return answer_str(out, RAC_S(""));
    return answer_str(out, u16_slice(c->a, s, (size_t)start, (size_t)(end - start)));
}

bool fn_replace(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str s, old, with;
    if (!text_pair(c, v, &s, &old) || !arg_str(c, v, 2, &with))
        return false;
    if (old.n == 0)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'replace' expects its second parameter to be "
                    "a string that is not empty.");
    size_t grown;
    if (!rac_size_mul(s.n / old.n + 1, with.n, &grown) || grown + s.n > string_max(c->run)) {
        size_t hits = 0; /* only the real number of matches may refuse it */
        for (rac_str at = s; (grown = rac_str_find(at, old)) != RAC_STR_NPOS; hits++)
            at = rac_str_from(at, grown + old.n);
        if (!rac_size_mul(hits, with.n, &grown) || grown > string_max(c->run) ||
            grown + s.n - hits * old.n > string_max(c->run))
            return fail_limit(c, "a string would be larger than allowed");
    }
    return answer_str(out, rac_str_replace(c->a, s, old, with)) && charge(c, out->n / 64);
}

bool fn_guid(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str format = RAC_S("D");
    char id[37], bare[33];
    if (n > 0 && !arg_str(c, v, 0, &format))
        return false;
    char letter = format.n == 1 ? rac_lower(format.p[0]) : 0;
    if (letter == 0 || strchr("ndbpx", letter) == NULL)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'guid' knows the formats N, D, B, P and X, "
                    "not '%.*s'.",
                    RAC_FMT(format));
    rac_env_uuid(c->run->env, id);
    for (size_t i = 0, w = 0; i <= 36; i++)
        if (id[i] != '-')
            bare[w++] = id[i];
    const char *b = bare;
    switch (letter) {
    case 'n':
        return answer_str(out, rac_arena_str(c->a, rac_str_of(bare)));
    case 'd':
        return answer_str(out, rac_arena_str(c->a, rac_str_of(id)));
    case 'b':
        return answer_str(out, rac_arena_printf(c->a, "{%s}", id));
    case 'p':
        return answer_str(out, rac_arena_printf(c->a, "(%s)", id));
    default:
        return answer_str(
            out, rac_arena_printf(c->a,
                                  "{0x%.8s,0x%.4s,0x%.4s,{0x%.2s,0x%.2s,0x%.2s,0x%.2s,0x%.2s,"
                                  "0x%.2s,0x%.2s,0x%.2s}}",
                                  b, b + 8, b + 12, b + 16, b + 18, b + 20, b + 22, b + 24, b + 26,
                                  b + 28, b + 30));
    }
}

/* Simple mapping, one unit to one; what would need more units stays. */
static bool map_case(struct call *c, const struct rac_json *v, UChar32 (*map)(UChar32),
                     rac_str (*ascii)(struct rac_arena *, rac_str), struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s) || !charge(c, s.n / 64))
        return false;
    if (is_ascii(s))
        return answer_str(out, ascii(c->a, s));
    size_t n;
    uint16_t *units = u16_units(c->a, s, &n);
    for (size_t i = 0; i < n; i++) {
        if (units[i] == 0x131 || units[i] == 0x130 || (units[i] >= 0xd800 && units[i] < 0xe000))
            continue;
        UChar32 mapped = map(units[i]);
        if (mapped <= 0xffff)
            units[i] = (uint16_t)mapped;
    }
    return answer_str(out, u16_text(c->a, units, n));
}

bool fn_to_lower(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    return map_case(c, v, u_tolower, rac_str_lower, out);
}

bool fn_to_upper(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    return map_case(c, v, u_toupper, rac_str_upper, out);
}

/* --- searching, case ignored ------------------------------------------------------------------ */

struct folded {
    uint16_t *v;
    size_t n;
};

static struct folded folded_of(struct call *c, rac_str s)
{
    struct folded f;
    f.v = u16_units(c->a, s, &f.n);
    for (size_t i = 0; i < f.n; i++)
        f.v[i] = u16_fold(f.v[i]);
    return f;
}

static bool folded_pair(struct call *c, const struct rac_json *v, struct folded *text,
                        struct folded *search)
{
    rac_str s, wanted;
    if (!text_pair(c, v, &s, &wanted))
        return false;
    *text = folded_of(c, s);
    *search = folded_of(c, wanted);
    return true;
}

static bool stands_at(const struct folded *text, const struct folded *search, size_t at)
{
    return at + search->n <= text->n &&
           memcmp(text->v + at, search->v, search->n * sizeof *search->v) == 0;
}

static bool search_cost(struct call *c, const struct folded *text, const struct folded *search)
{
    return charge(c, (uint64_t)text->n * (search->n < 64 ? 1 : search->n / 64) / 64);
}

bool fn_index_of(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    struct folded x, y;
    if (!folded_pair(c, v, &x, &y) || !search_cost(c, &x, &y))
        return false;
    for (size_t i = 0; i + y.n <= x.n; i++)
        if (stands_at(&x, &y, i))
            return answer_int(out, (int64_t)i);
    return answer_int(out, -1);
}

bool fn_last_index_of(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                      struct rac_json *out)
{
    struct folded x, y;
    if (!folded_pair(c, v, &x, &y))
        return false;
    if (y.n == 0)
        return answer_int(out, x.n == 0 ? 0 : (int64_t)x.n - 1);
    if (!search_cost(c, &x, &y))
        return false;
    for (size_t i = x.n; i-- > 0;)
        if (stands_at(&x, &y, i))
            return answer_int(out, (int64_t)i);
    return answer_int(out, -1);
}

bool fn_nth_index_of(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                     struct rac_json *out)
{
    rac_str s, search;
    int64_t nth;
    if (!text_pair(c, v, &s, &search) || !arg_int(c, v, 2, &nth))
        return false;
    if (nth == 0)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'nthIndexOf' counts matches from 1, or from "
                    "-1 backwards; 0 is neither.");
    struct folded x, y; /* case counts here (O5) */
    x.v = u16_units(c->a, s, &x.n);
    y.v = u16_units(c->a, search, &y.n);
    if (!search_cost(c, &x, &y))
        return false;
    if (y.n == 0)
        return answer_int(out, nth == 1 ? 0 : -1);
    for (size_t k = 0; k < x.n; k++) {
        size_t i = nth > 0 ? k : x.n - 1 - k;
        if (!stands_at(&x, &y, i))
            continue;
        nth -= nth > 0 ? 1 : -1;
        if (nth == 0)
            return answer_int(out, (int64_t)i);
    }
    return answer_int(out, -1);
}

bool fn_starts_with(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                    struct rac_json *out)
{
    struct folded x, y;
    if (!folded_pair(c, v, &x, &y))
        return false;
    return answer_bool(out, stands_at(&x, &y, 0));
}

bool fn_ends_with(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                  struct rac_json *out)
{
    struct folded x, y;
    if (!folded_pair(c, v, &x, &y))
        return false;
    return answer_bool(out, y.n <= x.n && stands_at(&x, &y, x.n - y.n));
}

/* --- parts ------------------------------------------------------------------------------------ */

bool fn_split(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str s, delimiter;
    if (!text_pair(c, v, &s, &delimiter))
        return false;
    *out = rac_json_new_array(c->a);
    for (;;) {
        size_t at = delimiter.n > 0 ? rac_str_find(s, delimiter) : RAC_STR_NPOS;
        if (!charge(c, 1))
            return false;
        rac_json_add(c->a, out, str_value(at == RAC_STR_NPOS ? s : rac_str_sub(s, 0, at)));
        if (at == RAC_STR_NPOS)
            return true;
        s = rac_str_from(s, at + delimiter.n);
    }
}

bool fn_trim(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str s;
    return arg_str(c, v, 0, &s) && answer_str(out, trim_white(s));
}

bool fn_length(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    if (v[0].type == RAC_JSON_ARRAY)
        return answer_int(out, (int64_t)rac_json_len(&v[0]));
    if (v[0].type != RAC_JSON_STRING)
        return fail_type(c, &v[0], 0, "an array or a string");
    return answer_int(out, (int64_t)u16_length((rac_str){v[0].s, v[0].n}));
}

bool fn_utf8_length(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                    struct rac_json *out)
{
    rac_str s;
    return arg_str(c, v, 0, &s) && answer_int(out, (int64_t)s.n);
}

bool fn_utf16_length(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                     struct rac_json *out)
{
    rac_str s;
    return arg_str(c, v, 0, &s) && answer_int(out, 2 * (int64_t)u16_length(s));
}

static void chunk_array(struct call *c, const struct rac_json *v, size_t step, struct rac_json *out)
{
    size_t total = rac_json_len(v);
    for (size_t at = 0, len; at < total; at += len) {
        struct rac_json piece = rac_json_new_array(c->a);
        len = total - at < step ? total - at : step;
        for (size_t i = 0; i < len; i++)
            rac_json_add(c->a, &piece, *rac_json_at(v, at + i));
        rac_json_add(c->a, out, piece);
    }
}

/* Units are found once: a search for each piece from the start would square the length. */
static void chunk_text(struct call *c, rac_str s, size_t step, struct rac_json *out)
{
    bool ascii = is_ascii(s);
    size_t total = s.n;
    const uint16_t *units = ascii ? NULL : u16_units(c->a, s, &total);
    for (size_t at = 0, len; at < total; at += len) {
        len = total - at < step ? total - at : step;
        rac_json_add(c->a, out,
                     str_value(ascii ? rac_str_sub(s, at, len) : u16_text(c->a, units + at, len)));
    }
}

bool fn_chunk(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    int64_t size;
    bool array = v[0].type == RAC_JSON_ARRAY;
    if (!array && v[0].type != RAC_JSON_STRING)
        return fail_type(c, &v[0], 0, "an array or a string");
    if (!arg_int(c, v, 1, &size))
        return false;
    if (size < 1)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'chunk' expects a size of at least 1.");
    size_t total = array ? rac_json_len(&v[0]) : v[0].n;
    if (!charge(c, (array ? total : total / 64) + total / (uint64_t)size))
        return false;
    *out = rac_json_new_array(c->a);
    if (array)
        chunk_array(c, &v[0], (size_t)size, out);
    else
        chunk_text(c, (rac_str){v[0].s, v[0].n}, (size_t)size, out);
    return true;
}

bool fn_trim_byte_order_mark(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                             struct rac_json *out)
{
    static const rac_str mark = RAC_S_INIT("\xef\xbb\xbf");
    rac_str bytes;
    *out = v[0];
    if (v[0].type == RAC_JSON_STRING) {
        rac_str s = {v[0].s, v[0].n};
        return answer_str(out, rac_str_starts(s, mark) ? rac_str_from(s, 3) : s);
    }
    if (!is_envelope(&v[0]))
        return fail_type(c, &v[0], 0, "a string or binary content");
    if (!charge(c, rac_json_str(RAC_JSON_GET(&v[0], "$content"), RAC_S("")).n / 32))
        return false;
    if (!envelope_bytes(&v[0], c->a, &bytes))
        return fail_convert(c, &v[0], "binary content");
    if (rac_str_starts(bytes, mark))
        *out = envelope(c->a, rac_json_str(RAC_JSON_GET(&v[0], "$content-type"), RAC_S("")),
                        rac_str_from(bytes, 3));
    return true;
}
