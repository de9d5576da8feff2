/*
 * Texts of secure parameters, replaced wherever they stand. Long values are read once, however many
 * texts there are, and the text of a value is not parsed unless something of it is replaced.
 */
#include "workflow/definition/secure.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "text/finder.h"
#include "text/url.h"
#include "workflow/definition/secure_priv.h"

enum {
    DEPTH_MAX = RAC_JSON_OWN_DEPTH_MAX,
    PARTS_MAX = 256, /* longer texts first; those beyond are found as whole strings only */
};
#define SANITIZED RAC_S("*sanitized*")

struct rac_secure_values {
    struct rac_map texts;
    size_t text_max; /* the longest has so many bytes */
    rac_str parts[PARTS_MAX];
    size_t parts_n, parts_left_out;
    const struct rac_finder *in_strings; /* parts */
    const struct rac_finder *in_json;    /* parts and texts as JSON writes them; NULL: too many */
};

bool secure_declared(const struct rac_json *declarations, rac_str name)
{
    return rac_workflow_declares_secure(rac_json_geti(declarations, name));
}

bool secure_any_declared(const struct rac_json *declarations)
{
    RAC_JSON_EACH_MEMBER(m, declarations)
    if (secure_declared(declarations, rac_json_key(m)))
        return true;
    return false;
}

/* --- collecting ------------------------------------------------------------------------------- */

static void collect(struct rac_secure_values *s, const struct rac_json *v, unsigned depth)
{
    if (rac_json_is_string(v) && v->n > 0) {
        rac_map_put(&s->texts, rac_json_str(v, RAC_S("")), s);
        s->text_max = v->n > s->text_max ? v->n : s->text_max;
    }
    if (depth == DEPTH_MAX)
        return;
    RAC_JSON_EACH(e, v)
    collect(s, e, depth + 1);
    RAC_JSON_EACH_MEMBER(m, v)
    collect(s, &m->value, depth + 1);
}

/* By length, so that what is part of another is not cut out of it. */
static void add_part(struct rac_secure_values *s, rac_str text)
{
    size_t at = s->parts_n;
    if (text.n < RAC_SECURE_PART_MIN)
        return;
    for (size_t i = 0; i < s->parts_n; i++)
        if (rac_str_eq(s->parts[i], text))
            return;
    while (at > 0 && s->parts[at - 1].n < text.n)
        at--;
    s->parts_left_out += s->parts_n == PARTS_MAX;
    if (at == PARTS_MAX)
        return;
    size_t moved = (s->parts_n < PARTS_MAX ? s->parts_n : PARTS_MAX - 1) - at;
    memmove(&s->parts[at + 1], &s->parts[at], moved * sizeof s->parts[0]);
    s->parts[at] = text;
    s->parts_n += s->parts_n < PARTS_MAX;
}

/* As JSON writes it, with its quotes. */
static rac_str quoted(rac_str text, struct rac_arena *a)
{
    struct rac_json v = rac_json_of_str(text);
    return rac_json_print_str(&v, 0, a);
}

/* A text, and what becomes of it inside of a URL and of JSON in a string. */
static void add_parts(struct rac_secure_values *s, rac_str text, struct rac_arena *a)
{
    static const enum rac_url_set sets[] = {RAC_URL_STRICT, RAC_URL_COMPONENT, RAC_URL_FORM,
                                            RAC_URL_PATH};
    add_part(s, text);
    if (text.n < RAC_SECURE_PART_MIN)
        return;
    rac_str in_json = quoted(text, a);
    add_part(s, rac_str_sub(in_json, 1, in_json.n - 2));
    for (size_t i = 0; i < RAC_COUNT(sets); i++)
        add_part(s, rac_url_encode_set(a, text, sets[i]));
}

/* Short texts with their quotes, for they are found as whole strings only. */
static const struct rac_finder *in_json(const struct rac_secure_values *s, struct rac_arena *a)
{
    size_t n = 0;
    if (s->parts_left_out > 0 || s->texts.n > RAC_FINDER_TEXTS_MAX - PARTS_MAX)
        return NULL;
    rac_str *v = RAC_NEW_N(a, rac_str, s->parts_n + s->texts.n);
    for (size_t i = 0; i < s->parts_n; i++) {
        rac_str text = quoted(s->parts[i], a);
        v[n++] = rac_str_sub(text, 1, text.n - 2);
    }
    for (size_t i = 0; i < s->texts.n; i++)
        if (s->texts.entries[i].key.n < RAC_SECURE_PART_MIN)
            v[n++] = quoted(s->texts.entries[i].key, a);
    return rac_finder_new(v, n, a);
}

const struct rac_secure_values *rac_secure_values_of(const struct rac_json *declarations,
                                                     const struct rac_json *values,
                                                     struct rac_arena *a)
{
    if (!secure_any_declared(declarations))
        return NULL;
    struct rac_secure_values *s = RAC_NEW(a, struct rac_secure_values);
    rac_map_init(&s->texts, a);
    RAC_JSON_EACH_MEMBER(m, declarations)
    {
        if (!secure_declared(declarations, rac_json_key(m)))
            continue;
        const struct rac_json *v = rac_json_geti(values, rac_json_key(m));
        collect(s, v != NULL ? v : rac_json_geti(&m->value, RAC_S("defaultValue")), 0);
    }
    if (s->texts.n == 0)
        return NULL;
    for (size_t i = 0; i < s->texts.n; i++)
        add_parts(s, s->texts.entries[i].key, a);
    s->in_strings = rac_finder_new(s->parts, s->parts_n, a);
    s->in_json = in_json(s, a);
    return s;
}

/* --- replacing -------------------------------------------------------------------------------- */

/* Parts that overlap go as one. */
static rac_str without_parts(const struct rac_finder *f, rac_str text, size_t first, size_t n,
                             struct rac_arena *a)
{
    struct rac_buf b;
    size_t done = 0;
    rac_buf_init(&b, UINT32_MAX);
    b.secret = a->secret;
    for (size_t at = first; at != RAC_STR_NPOS;) {
        size_t end = at + n;
        rac_buf_add(&b, rac_str_sub(text, done, at - done));
        rac_buf_add(&b, SANITIZED);
        while ((at = rac_finder_next(f, text, at + 1, &n)) != RAC_STR_NPOS && at < end)
            end = at + n > end ? at + n : end;
        done = end;
    }
    rac_buf_add(&b, rac_str_from(text, done));
    rac_str out = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return rac_arena_over(a) ? SANITIZED : out;
}

/* False: nothing of the text is replaced. */
static bool mask_string(const struct rac_secure_values *s, rac_str text, struct rac_arena *a,
                        struct rac_json *out)
{
    size_t n;
    if (text.n > 0 && text.n <= s->text_max && rac_map_has(&s->texts, text)) {
        *out = rac_json_of_str(SANITIZED);
        return true;
    }
    size_t first = rac_finder_next(s->in_strings, text, 0, &n);
    if (first == RAC_STR_NPOS)
        return false;
    *out = rac_json_of_str(without_parts(s->in_strings, text, first, n, a));
    return true;
}

/* False: nothing in v is replaced, *out is not written. */
static bool mask(const struct rac_secure_values *s, const struct rac_json *v, unsigned depth,
                 struct rac_arena *a, struct rac_json *out)
{
    struct rac_json changed, copy;
    bool any = false;
    if (rac_json_is_string(v))
        return mask_string(s, (rac_str){v->s, v->n}, a, out);
    bool array = rac_json_is_array(v);
    size_t n = depth < DEPTH_MAX ? rac_json_len(v) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct rac_json *e = array ? rac_json_at(v, i) : &rac_json_member_at(v, i)->value;
        if (!mask(s, e, depth + 1, a, &changed))
            continue;
        if (!any) { /* a copy of this level only */
            copy = array ? rac_json_new_array(a) : rac_json_new_object(a);
            for (size_t k = 0; k < n; k++)
                if (array)
                    rac_json_add(a, &copy, *rac_json_at(v, k));
                else
                    rac_json_add_new(a, &copy, rac_json_key(rac_json_member_at(v, k)),
                                     rac_json_member_at(v, k)->value);
        }
        any = true;
        *(array ? rac_json_at(&copy, i) : &rac_json_member_at(&copy, i)->value) = changed;
    }
    if (any)
        *out = copy;
    return any;
}

struct rac_json rac_secure_mask(const struct rac_secure_values *values, const struct rac_json *v,
                                struct rac_arena *a)
{
    struct rac_json out;
    return values != NULL && mask(values, v, 0, a, &out) ? out : *v;
}

bool rac_secure_holds(const struct rac_secure_values *values, const struct rac_json *v,
                      struct rac_arena *a)
{
    struct rac_json out;
    return values != NULL && mask(values, v, 0, a, &out);
}

/* Does the text escape as our printer does? Then what is looked for stands in it as it is. */
static bool written_by_us(rac_str text)
{
    const char *p = text.p, *end = text.p + text.n;
    while (p < end && (p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        rac_str rest = {p + 1, (size_t)(end - p - 1)};
        if (rac_str_starts(rest, RAC_S("u00")) && rest.n >= 5 &&
            (rest.p[3] == '1' || (rest.p[3] == '0' && strchr("89acd", rest.p[4]) == NULL)) &&
            !(rest.p[4] >= 'A' && rest.p[4] <= 'F'))
            p += 6;
        else if (rest.n > 0 && strchr("\"\\bfnrt", rest.p[0]) != NULL && rest.p[0] != '\0')
            p += 2;
        else
            return false;
    }
    return true;
}

rac_str rac_secure_mask_text(const struct rac_secure_values *values, rac_str text,
                             struct rac_arena *a)
{
    struct rac_json v, masked;
    size_t n;
    if (values == NULL || (values->in_json != NULL && written_by_us(text) &&
                           rac_finder_next(values->in_json, text, 0, &n) == RAC_STR_NPOS))
        return text;
    if (rac_json_parse(text, a, RAC_JSON_OWN, &v, NULL) != RAC_OK ||
        !mask(values, &v, 0, a, &masked))
        return text;
    return rac_json_print_str(&masked, 0, a);
}
