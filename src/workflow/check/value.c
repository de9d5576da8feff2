/* Values of a definition: whether one is known before the workflow runs, and what a text with holes
 * in it can still become. */
#include "base/str.h"
#include "workflow/check/check_priv.h"

bool is_unknown(const struct rac_json *v)
{
    return v != NULL && v->type == RAC_JSON_NULL && (v->flags & RAC_WF_UNKNOWN) != 0;
}

bool is_absent(const struct rac_json *v)
{
    return v == NULL || v->type == RAC_JSON_NULL;
}

bool is_dynamic(const struct rac_json *v)
{
    rac_str s = rac_json_str(v, RAC_S(""));
    if (s.n < 2 || (s.p[0] == '@' && s.p[1] == '@'))
        return false;
    return s.p[0] == '@' || rac_str_find(s, RAC_S("@{")) != RAC_STR_NPOS;
}

bool is_open(const struct rac_json *v)
{
    return is_unknown(v) || is_dynamic(v);
}

bool is_literal(const struct rac_json *v, rac_str *s)
{
    *s = rac_json_str(v, RAC_S(""));
    return rac_json_is_string(v) && !is_dynamic(v);
}

size_t characters(rac_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* The literal parts of a template, one after the other; *at starts at 0. False: no more. */
static bool next_part(rac_str s, size_t *at, rac_str *part, bool *hole_before)
{
    *hole_before = *at > 0;
    if (*at > s.n)
        return false;
    size_t from = *at, hole = from;
    while (hole + 1 < s.n && !(s.p[hole] == '@' && s.p[hole + 1] == '{'))
        hole++;
    if (hole + 1 >= s.n) {
        *part = rac_str_from(s, from);
        *at = s.n + 1;
        return true;
    }
    *part = rac_str_sub(s, from, hole - from);
    bool in_string = false;
    for (hole += 2; hole < s.n && (in_string || s.p[hole] != '}'); hole++)
        in_string ^= s.p[hole] == '\'';
    *at = hole + 1;
    return true;
}

static bool is_whole_expression(rac_str s)
{
    return s.n >= 2 && s.p[0] == '@' && s.p[1] != '{' && s.p[1] != '@';
}

static bool fits_word(rac_str text, rac_str word)
{
    rac_str part;
    size_t at = 0, from = 0;
    bool hole;
    while (next_part(text, &at, &part, &hole)) {
        size_t found_at = rac_str_findi(rac_str_from(word, from), part);
        bool last = at > text.n;
        if (found_at == RAC_STR_NPOS || (!hole && found_at != 0))
            return false;
        if (last && !rac_str_endsi(rac_str_from(word, from), part))
            return false;
        from += found_at + part.n;
        if (last && !hole && from != word.n)
            return false;
    }
    return true;
}

bool fits_words(rac_str text, const char *words)
{
    if (is_whole_expression(text))
        return true;
    rac_str rest = rac_str_of(words);
    while (rest.p != NULL)
        if (fits_word(text, rac_str_cut(rest, '|', &rest)))
            return true;
    return false;
}

bool fits_characters(rac_str text, const char *allowed)
{
    rac_str part;
    size_t at = 0;
    bool hole;
    if (is_whole_expression(text))
        return true;
    while (next_part(text, &at, &part, &hole))
        for (size_t i = 0; i < part.n; i++)
            if (part.p[i] == 0 || strchr(allowed, part.p[i]) == NULL)
                return false;
    return true;
}

bool is_duration(rac_str s)
{
    static const char date_units[] = "YMWD", time_units[] = "HMS";
    size_t i = 0, parts = 0;
    const char *units = date_units;
    if (s.n > 0 && s.p[0] == '-')
        i++;
    if (i >= s.n || s.p[i++] != 'P')
        return false;
    while (i < s.n) {
        if (s.p[i] == 'T' && units >= date_units && units <= date_units + 4) {
            units = time_units;
            i++;
            if (i == s.n)
                return false;
            continue;
        }
        size_t from = i;
        while (i < s.n && (rac_is_digit(s.p[i]) || s.p[i] == '.'))
            i++;
        const char *unit = i > from && i < s.n ? strchr(units, s.p[i]) : NULL;
        if (unit == NULL || *unit == 0 || s.p[from] == '.')
            return false;
        units = unit + 1;
        parts++;
        i++;
    }
    return parts > 0;
}

bool whole_number(const struct rac_json *v, int64_t *i)
{
    rac_str s;
    if (rac_json_is(v, RAC_JSON_INT)) {
        *i = v->i;
        return true;
    }
    if (rac_json_is_number(v)) {
        double d = rac_json_double(v, 0.5);
        if (d < -9e15 || d > 9e15 || d != (double)(int64_t)d)
            return false;
        *i = (int64_t)d;
        return true;
    }
    return is_literal(v, &s) && rac_str_to_i64(rac_str_trim(s), i);
}

bool value_has_type(const struct rac_json *v, rac_str type)
{
    static const struct {
        rac_str type;
        uint16_t kinds; /* bit per rac_json_type */
    } rows[] = {
        {RAC_S_INIT("String"), 1 << RAC_JSON_STRING},
        {RAC_S_INIT("SecureString"), 1 << RAC_JSON_STRING},
        {RAC_S_INIT("Float"), 1 << RAC_JSON_INT | 1 << RAC_JSON_NUMBER | 1 << RAC_JSON_DOUBLE},
        {RAC_S_INIT("Bool"), 1 << RAC_JSON_BOOL},
        {RAC_S_INIT("Array"), 1 << RAC_JSON_ARRAY},
        {RAC_S_INIT("Object"), 1 << RAC_JSON_OBJECT},
        {RAC_S_INIT("SecureObject"), 1 << RAC_JSON_OBJECT},
    };
    int64_t i;
    if (rac_str_eqi(type, RAC_S("Int")))
        return rac_json_is_number(v) && whole_number(v, &i);
    for (size_t k = 0; k < RAC_COUNT(rows); k++)
        if (rac_str_eqi(type, rows[k].type))
            return (rows[k].kinds >> v->type & 1) != 0;
    return true;
}
