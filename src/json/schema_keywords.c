/*
 * Each keyword is a pair: compile_X looks at the schema once, check_X at values. Their table is
 * schema_keywords.def.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "json/number_priv.h"
#include "json/schema_priv.h"

enum { SHOWN_MAX = 60 }; /* of names and texts in messages */

static int shown(rac_str s)
{
    return (int)(s.n < SHOWN_MAX ? s.n : SHOWN_MAX);
}
#define SHOWN(s) shown(s), (s).p

static bool wrong(struct compiler *c, const struct schema_node *n, const struct check *k,
                  const char *what)
{
    return schema_wrong(c, n, "\"%.*s\" must be %s", RAC_FMT(k->k->name), what);
}

/* --- any value ---------------------------------------------------------------------------- */

enum type_bits {
    TYPE_NULL = 1,
    TYPE_BOOLEAN = 2,
    TYPE_INTEGER = 4,
    TYPE_NUMBER = 8,
    TYPE_STRING = 16,
    TYPE_ARRAY = 32,
    TYPE_OBJECT = 64,
    TYPE_ALL = 127,
    TYPE_STRICT_INTEGER = 128, /* draft-04: 1.0 is no integer */
};

static unsigned type_bit(struct compiler *c, const struct schema_node *n, const struct rac_json *v)
{
    static const struct {
        rac_str name;
        unsigned bit;
    } types[] = {
        {RAC_S_INIT("null"), TYPE_NULL},       {RAC_S_INIT("boolean"), TYPE_BOOLEAN},
        {RAC_S_INIT("integer"), TYPE_INTEGER}, {RAC_S_INIT("number"), TYPE_NUMBER | TYPE_INTEGER},
        {RAC_S_INIT("string"), TYPE_STRING},   {RAC_S_INIT("array"), TYPE_ARRAY},
        {RAC_S_INIT("object"), TYPE_OBJECT},
    };
    rac_str name = rac_json_str(v, RAC_STR_NULL);
    for (size_t i = 0; i < RAC_COUNT(types); i++)
        if (rac_str_eq(types[i].name, name))
            return types[i].bit;
    if (n->draft == RAC_SCHEMA_SWAGGER2 &&
        (rac_str_eq(name, RAC_S("file")) || rac_str_eq(name, RAC_S("any"))))
        return TYPE_ALL;
    schema_wrong(c, n, "\"type\" names no type: \"%.*s\"", SHOWN(name));
    return 0;
}

static bool compile_type(struct compiler *c, struct schema_node *n, struct check *k)
{
    unsigned bits = 0;
    if (rac_json_is_string(k->arg))
        bits = type_bit(c, n, k->arg);
    else if (!rac_json_is_array(k->arg) || rac_json_len(k->arg) == 0)
        return wrong(c, n, k, "a type or a list of types");
    RAC_JSON_EACH(e, rac_json_is_array(k->arg) ? k->arg : NULL)
    bits |= type_bit(c, n, e);
    k->n = bits | (n->draft == RAC_SCHEMA_DRAFT4 ? TYPE_STRICT_INTEGER : 0);
    return bits != 0;
}

static bool is_integer(const struct rac_json *v, bool strict)
{
    if (strict && v->type == RAC_JSON_NUMBER && memchr(v->s, '.', v->n) != NULL)
        return false;
    return number_is_whole(v);
}

static bool check_type(struct run *r, const struct check *k, const struct rac_json *v,
                       const struct rac_json_trail *at)
{
    static const unsigned bits[] = {0,           TYPE_NULL,   TYPE_BOOLEAN, TYPE_INTEGER,
                                    TYPE_NUMBER, TYPE_NUMBER, TYPE_STRING,  TYPE_ARRAY,
                                    TYPE_OBJECT};
    if ((k->n & bits[v->type]) != 0)
        return true;
    if (rac_json_is_number(v) && (k->n & TYPE_INTEGER) != 0 &&
        is_integer(v, (k->n & TYPE_STRICT_INTEGER) != 0))
        return true;
    rac_str is = rac_json_type_name(v), want = rac_json_str(k->arg, RAC_S("one of several types"));
    return schema_violated(r, k, at, "The value is of type %.*s, wanted is %.*s.", RAC_FMT(is),
                           SHOWN(want));
}

static bool compile_enum(struct compiler *c, struct schema_node *n, struct check *k)
{
    return rac_json_is_array(k->arg) || wrong(c, n, k, "a list");
}

/* ": Red, Green" of a few short texts, else nothing. */
static rac_str listed(const struct run *r, const struct rac_json *values)
{
    enum { LISTED_MAX = 10, LISTED_BYTES_MAX = 40 };
    rac_str out = RAC_S("");
    if (r->quiet > 0 || !rac_diags_has_room(r->found) || rac_json_len(values) > LISTED_MAX)
        return out;
    RAC_JSON_EACH(v, values)
    {
        rac_str s = rac_json_str(v, RAC_STR_NULL);
        if (s.p == NULL || s.n > LISTED_BYTES_MAX)
            return RAC_S("");
        out = rac_arena_printf(r->found->a, "%.*s%s%.*s", RAC_FMT(out), out.n > 0 ? ", " : ": ",
                               RAC_FMT(s));
    }
    return out;
}

static bool check_enum(struct run *r, const struct check *k, const struct rac_json *v,
                       const struct rac_json_trail *at)
{
    if (!schema_steps(r, rac_json_len(k->arg)))
        return false;
    RAC_JSON_EACH(e, k->arg)
    if (rac_json_equal(e, v))
        return true;
    rac_str s = rac_json_str(v, RAC_STR_NULL);
    if (s.p != NULL)
        return schema_violated(r, k, at, "\"%.*s\" is not one of the %zu allowed values%.*s.",
                               SHOWN(s), rac_json_len(k->arg), RAC_FMT(listed(r, k->arg)));
    return schema_violated(r, k, at, "The value is not one of the %zu allowed ones.",
                           rac_json_len(k->arg));
}

static bool compile_const(struct compiler *c, struct schema_node *n, struct check *k)
{
    (void)c, (void)n, (void)k;
    return true;
}

static bool check_const(struct run *r, const struct check *k, const struct rac_json *v,
                        const struct rac_json_trail *at)
{
    return rac_json_equal(k->arg, v) ||
           schema_violated(r, k, at, "The value is not the one that is allowed.");
}

/* --- numbers -------------------------------------------------------------------------------- */

static bool compile_number(struct compiler *c, struct schema_node *n, struct check *k)
{
    return rac_json_is_number(k->arg) || wrong(c, n, k, "a number");
}

static bool compile_multiple_of(struct compiler *c, struct schema_node *n, struct check *k)
{
    return (rac_json_is_number(k->arg) && rac_json_double(k->arg, 0) > 0) ||
           wrong(c, n, k, "a number above zero");
}

static bool check_multiple_of(struct run *r, const struct check *k, const struct rac_json *v,
                              const struct rac_json_trail *at)
{
    return number_is_multiple(v, k->arg) ||
           schema_violated(r, k, at, "The number is not a multiple of %g.",
                           rac_json_double(k->arg, 0));
}

/* In draft-04 a boolean beside the bound says whether the bound itself is allowed. */
static bool compile_bound(struct compiler *c, struct schema_node *n, struct check *k,
                          rac_str beside)
{
    k->flag = n->draft != RAC_SCHEMA_DRAFT7 && rac_json_bool(rac_json_get(n->json, beside), false);
    return compile_number(c, n, k);
}

static bool compile_maximum(struct compiler *c, struct schema_node *n, struct check *k)
{
    return compile_bound(c, n, k, RAC_S("exclusiveMaximum"));
}

static bool compile_minimum(struct compiler *c, struct schema_node *n, struct check *k)
{
    return compile_bound(c, n, k, RAC_S("exclusiveMinimum"));
}

#define compile_exclusive_maximum compile_number
#define compile_exclusive_minimum compile_number

static bool above(struct run *r, const struct check *k, const struct rac_json_trail *at,
                  bool equal_too)
{
    return schema_violated(r, k, at, "The number must be %s%g.", equal_too ? "below " : "at most ",
                           rac_json_double(k->arg, 0));
}

static bool below(struct run *r, const struct check *k, const struct rac_json_trail *at,
                  bool equal_too)
{
    return schema_violated(r, k, at, "The number must be %s%g.", equal_too ? "above " : "at least ",
                           rac_json_double(k->arg, 0));
}

static bool check_maximum(struct run *r, const struct check *k, const struct rac_json *v,
                          const struct rac_json_trail *at)
{
    int d = number_cmp(v, k->arg);
    return d < 0 || (d == 0 && !k->flag) || above(r, k, at, k->flag);
}

static bool check_minimum(struct run *r, const struct check *k, const struct rac_json *v,
                          const struct rac_json_trail *at)
{
    int d = number_cmp(v, k->arg);
    return d > 0 || (d == 0 && !k->flag) || below(r, k, at, k->flag);
}

static bool check_exclusive_maximum(struct run *r, const struct check *k, const struct rac_json *v,
                                    const struct rac_json_trail *at)
{
    return number_cmp(v, k->arg) < 0 || above(r, k, at, true);
}

static bool check_exclusive_minimum(struct run *r, const struct check *k, const struct rac_json *v,
                                    const struct rac_json_trail *at)
{
    return number_cmp(v, k->arg) > 0 || below(r, k, at, true);
}

/* --- strings -------------------------------------------------------------------------------- */

/* A count, for the keywords that limit one; 2.0 counts as 2. */
static bool compile_count(struct compiler *c, struct schema_node *n, struct check *k)
{
    int64_t count = rac_json_int(k->arg, -1);
    if (count < 0)
        return wrong(c, n, k, "a whole number, not below zero");
    k->n = (size_t)count;
    return true;
}

#define compile_max_length     compile_count
#define compile_min_length     compile_count
#define compile_max_items      compile_count
#define compile_min_items      compile_count
#define compile_max_properties compile_count
#define compile_min_properties compile_count

static bool check_max_length(struct run *r, const struct check *k, const struct rac_json *v,
                             const struct rac_json_trail *at)
{
    if (v->n <= k->n) /* no more bytes, no more characters */
        return true;
    size_t n = rac_utf8_count((rac_str){v->s, v->n});
    return n <= k->n ||
           schema_violated(r, k, at, "The text has %zu characters, at most %zu are allowed.", n,
                           k->n);
}

static bool check_min_length(struct run *r, const struct check *k, const struct rac_json *v,
                             const struct rac_json_trail *at)
{
    size_t n = rac_utf8_count((rac_str){v->s, v->n});
    return n >= k->n ||
           schema_violated(r, k, at, "The text has %zu characters, at least %zu are needed.", n,
                           k->n);
}

static struct schema_pattern *pattern(struct compiler *c, const struct schema_node *n, rac_str text)
{
    rac_str why;
    struct schema_pattern *p = schema_pattern_compile(c->a, text, &why);
    if (p == NULL)
        schema_wrong(c, n, "the pattern \"%.*s\" does not compile: %.*s", SHOWN(text), SHOWN(why));
    return p;
}

static bool matches(struct run *r, const struct schema_pattern *p, rac_str s)
{
    bool yes = false;
    rac_err e = schema_pattern_match(p, s, r->s->pattern_steps_max, &r->pattern_steps, NULL, &yes);
    if (e != RAC_OK)
        r->err = e;
    return yes;
}

static bool compile_pattern(struct compiler *c, struct schema_node *n, struct check *k)
{
    if (!rac_json_is_string(k->arg))
        return wrong(c, n, k, "a text");
    struct schema_pattern *p = pattern(c, n, rac_json_str(k->arg, RAC_S("")));
    if (p == NULL)
        return false;
    k->patterns = RAC_NEW(c->a, struct schema_pattern *);
    k->patterns[0] = p;
    return true;
}

static bool check_pattern(struct run *r, const struct check *k, const struct rac_json *v,
                          const struct rac_json_trail *at)
{
    rac_str p = rac_json_str(k->arg, RAC_S(""));
    return matches(r, k->patterns[0], (rac_str){v->s, v->n}) ||
           schema_violated(r, k, at, "The text does not match \"%.*s\".", SHOWN(p));
}

static bool compile_format(struct compiler *c, struct schema_node *n, struct check *k)
{
    (void)c;
    k->flag = n->draft == RAC_SCHEMA_SWAGGER2;
    return rac_json_is_string(k->arg);
}

static bool check_format(struct run *r, const struct check *k, const struct rac_json *v,
                         const struct rac_json_trail *at)
{
    rac_str format = rac_json_str(k->arg, RAC_S(""));
    return !r->s->formats || schema_format_ok(format, v, k->flag) ||
           schema_violated(r, k, at, "The value has not the format \"%.*s\".", SHOWN(format));
}

/* --- arrays --------------------------------------------------------------------------------- */

/* Schemas of every element or member of v. */
static struct schema_node **need_each(struct compiler *c, const struct schema_node *n,
                                      const struct rac_json *v)
{
    size_t i = 0;
    struct schema_node **subs =
        RAC_NEW_N(c->a, struct schema_node *, rac_json_len(v) ? rac_json_len(v) : 1);
    RAC_JSON_EACH(e, v)
    subs[i++] = schema_need(c, n, e);
    RAC_JSON_EACH_MEMBER(m, v)
    subs[i++] = schema_need(c, n, &m->value);
    return subs;
}

/* A schema or a boolean, for the keywords where draft-04 allows both. True: sub or *nothing set. */
static bool need_or_bool(struct compiler *c, const struct schema_node *n, rac_str keyword,
                         struct schema_node **sub, bool *nothing)
{
    const struct rac_json *v = rac_json_get(n->json, keyword);
    if (v == NULL)
        return true;
    if (rac_json_is_bool(v))
        *nothing = !v->b;
    else if (rac_json_is_object(v))
        *sub = schema_need(c, n, v);
    else
        return schema_wrong(c, n, "\"%.*s\" must be a schema", RAC_FMT(keyword));
    return true;
}

/* items; subs are the schemas by place, sub the one of all, other that of the rest. */
static bool compile_items(struct compiler *c, struct schema_node *n, struct check *k)
{
    if (!rac_json_is_array(k->arg)) {
        if (!rac_json_is_object(k->arg) && !rac_json_is_bool(k->arg))
            return wrong(c, n, k, "a schema or a list of schemas");
        k->sub = schema_need(c, n, k->arg);
        return true;
    }
    k->subs = need_each(c, n, k->arg);
    k->n = rac_json_len(k->arg);
    return need_or_bool(c, n, RAC_S("additionalItems"), &k->other, &k->flag);
}

static bool check_items(struct run *r, const struct check *k, const struct rac_json *v,
                        const struct rac_json_trail *at)
{
    bool good = true;
    for (size_t i = 0; i < rac_json_len(v) && r->err == RAC_OK; i++) {
        struct rac_json_trail here = {.up = at, .index = i};
        const struct schema_node *n = k->subs == NULL ? k->sub : i < k->n ? k->subs[i] : k->other;
        if (n == NULL && k->subs != NULL && i >= k->n && k->flag) {
            good = schema_violated(r, k, &here, "The list has more than its %zu elements.", k->n);
            break;
        }
        if (n != NULL && !schema_run(r, n, rac_json_at(v, i), &here))
            good = false;
        if (!good && (r->found == NULL || r->quiet > 0))
            break;
    }
    return good;
}

static bool compile_contains(struct compiler *c, struct schema_node *n, struct check *k)
{
    k->sub = schema_need(c, n, k->arg);
    return true;
}

static bool check_contains(struct run *r, const struct check *k, const struct rac_json *v,
                           const struct rac_json_trail *at)
{
    bool any = false;
    r->quiet++;
    for (size_t i = 0; i < rac_json_len(v) && !any && r->err == RAC_OK; i++) {
        struct rac_json_trail here = {.up = at, .index = i};
        any = schema_run(r, k->sub, rac_json_at(v, i), &here);
    }
    r->quiet--;
    return any || schema_violated(r, k, at, "No element of the list is of the wanted kind.");
}

static bool check_max_items(struct run *r, const struct check *k, const struct rac_json *v,
                            const struct rac_json_trail *at)
{
    return rac_json_len(v) <= k->n ||
           schema_violated(r, k, at, "The list has %zu elements, at most %zu are allowed.",
                           rac_json_len(v), k->n);
}

static bool check_min_items(struct run *r, const struct check *k, const struct rac_json *v,
                            const struct rac_json_trail *at)
{
    return rac_json_len(v) >= k->n ||
           schema_violated(r, k, at, "The list has %zu elements, at least %zu are needed.",
                           rac_json_len(v), k->n);
}

static bool compile_unique_items(struct compiler *c, struct schema_node *n, struct check *k)
{
    if (!rac_json_is_bool(k->arg))
        return wrong(c, n, k, "true or false");
    return k->arg->b;
}

struct hashed {
    uint64_t hash;
    const struct rac_json *v;
};

static int hashed_cmp(const void *x, const void *y)
{
    const struct hashed *a = x, *b = y;
    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static bool check_unique_items(struct run *r, const struct check *k, const struct rac_json *v,
                               const struct rac_json_trail *at)
{
    size_t n = rac_json_len(v);
    bool unique = true;
    if (n < 2 || !schema_steps(r, n))
        return n < 2;
    struct hashed *h = rac_mem_alloc_dirty(n * sizeof *h);
    for (size_t i = 0; i < n; i++)
        h[i] = (struct hashed){rac_json_hash(rac_json_at(v, i)), rac_json_at(v, i)};
    qsort(h, n, sizeof *h, hashed_cmp);
    for (size_t i = 1; i < n && unique; i++)
        for (size_t j = i; j > 0 && h[j - 1].hash == h[i].hash && unique; j--)
            unique = schema_steps(r, 1) && !rac_json_equal(h[j - 1].v, h[i].v);
    rac_mem_free(h);
    return unique || schema_violated(r, k, at, "The list has two equal elements.");
}

/* --- objects -------------------------------------------------------------------------------- */

static bool compile_required(struct compiler *c, struct schema_node *n, struct check *k)
{
    if (!rac_json_is_array(k->arg)) {
        /* draft-03 had a boolean here; many Swagger files still do */
        return n->draft != RAC_SCHEMA_SWAGGER2 && wrong(c, n, k, "a list of names");
    }
    RAC_JSON_EACH(e, k->arg)
    if (!rac_json_is_string(e))
        return wrong(c, n, k, "a list of names");
    return true;
}

static bool check_required(struct run *r, const struct check *k, const struct rac_json *v,
                           const struct rac_json_trail *at)
{
    bool good = true;
    RAC_JSON_EACH(e, k->arg)
    {
        rac_str name = rac_json_str(e, RAC_S(""));
        if (rac_json_get(v, name) == NULL)
            good = schema_violated(r, k, at, "\"%.*s\" is missing.", SHOWN(name));
    }
    return good && schema_steps(r, rac_json_len(k->arg));
}

static bool check_max_properties(struct run *r, const struct check *k, const struct rac_json *v,
                                 const struct rac_json_trail *at)
{
    return rac_json_len(v) <= k->n ||
           schema_violated(r, k, at, "The object has %zu members, at most %zu are allowed.",
                           rac_json_len(v), k->n);
}

static bool check_min_properties(struct run *r, const struct check *k, const struct rac_json *v,
                                 const struct rac_json_trail *at)
{
    return rac_json_len(v) >= k->n ||
           schema_violated(r, k, at, "The object has %zu members, at least %zu are needed.",
                           rac_json_len(v), k->n);
}

static bool compile_property_names(struct compiler *c, struct schema_node *n, struct check *k)
{
    k->sub = schema_need(c, n, k->arg);
    return true;
}

static bool check_property_names(struct run *r, const struct check *k, const struct rac_json *v,
                                 const struct rac_json_trail *at)
{
    bool good = true;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct rac_json name = rac_json_of_str(rac_json_key(m));
        struct rac_json_trail here = {.up = at, .key = rac_json_key(m)};
        if (!schema_run(r, k->sub, &name, &here))
            good = false;
    }
    return good;
}

/*
 * properties, patternProperties and additionalProperties are one check: the first of them that the
 * schema has carries it. arg: properties, names: patternProperties, other: the rest.
 */
static bool compile_members(struct compiler *c, struct schema_node *n, struct check *k)
{
    const struct rac_json *properties = RAC_JSON_GET(n->json, "properties");
    const struct rac_json *patterns = RAC_JSON_GET(n->json, "patternProperties");
    for (size_t i = 0; i < n->checks_n; i++)
        if (n->checks[i].k->check == k->k->check)
            return false; /* made already */
    if ((properties != NULL && !rac_json_is_object(properties)) ||
        (patterns != NULL && !rac_json_is_object(patterns)))
        return wrong(c, n, k, "an object of schemas");
    k->arg = properties;
    k->subs = need_each(c, n, properties);
    k->names = patterns;
    k->names_subs = need_each(c, n, patterns);
    k->patterns = RAC_NEW_N(c->a, struct schema_pattern *, rac_json_len(patterns) + 1);
    for (size_t i = 0; i < rac_json_len(patterns); i++)
        k->patterns[i] = pattern(c, n, rac_json_key(rac_json_member_at(patterns, i)));
    return need_or_bool(c, n, RAC_S("additionalProperties"), &k->other, &k->flag);
}

static bool check_member(struct run *r, const struct check *k, const struct rac_json_member *m,
                         const struct rac_json_trail *at)
{
    struct rac_json_trail here = {.up = at, .key = rac_json_key(m)};
    const struct rac_json_member *known = rac_json_member(k->arg, rac_json_key(m));
    bool good = true, matched = known != NULL;
    if (known != NULL)
        good = schema_run(r, k->subs[known - k->arg->object->v], &m->value, &here);
    for (size_t i = 0; i < rac_json_len(k->names) && r->err == RAC_OK; i++) {
        if (k->patterns[i] == NULL || !matches(r, k->patterns[i], rac_json_key(m)))
            continue;
        matched = true;
        if (!schema_run(r, k->names_subs[i], &m->value, &here))
            good = false;
    }
    if (matched)
        return good;
    if (k->other != NULL)
        return schema_run(r, k->other, &m->value, &here);
    return !k->flag ||
           schema_violated(r, k, &here, "There must be no \"%.*s\" here.", SHOWN(rac_json_key(m)));
}

static bool check_members(struct run *r, const struct check *k, const struct rac_json *v,
                          const struct rac_json_trail *at)
{
    bool good = true;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (!check_member(r, k, m, at))
            good = false;
        if (r->err != RAC_OK || (!good && (r->found == NULL || r->quiet > 0)))
            break;
    }
    return good && schema_steps(r, rac_json_len(v));
}

static bool compile_dependencies(struct compiler *c, struct schema_node *n, struct check *k)
{
    if (!rac_json_is_object(k->arg))
        return wrong(c, n, k, "an object");
    size_t i = 0;
    k->subs = RAC_NEW_N(c->a, struct schema_node *, rac_json_len(k->arg) + 1);
    RAC_JSON_EACH_MEMBER(m, k->arg)
    {
        if (!rac_json_is_array(&m->value))
            k->subs[i] = schema_need(c, n, &m->value);
        i++;
    }
    return true;
}

static bool check_dependencies(struct run *r, const struct check *k, const struct rac_json *v,
                               const struct rac_json_trail *at)
{
    bool good = true;
    size_t i = 0;
    RAC_JSON_EACH_MEMBER(m, k->arg)
    {
        const struct schema_node *n = k->subs[i++];
        if (rac_json_get(v, rac_json_key(m)) == NULL)
            continue;
        if (n != NULL && !schema_run(r, n, v, at))
            good = false;
        RAC_JSON_EACH(e, n == NULL ? &m->value : NULL)
        {
            rac_str name = rac_json_str(e, RAC_S(""));
            if (rac_json_get(v, name) == NULL)
                good = schema_violated(r, k, at, "\"%.*s\" needs \"%.*s\", which is missing.",
                                       SHOWN(rac_json_key(m)), SHOWN(name));
        }
    }
    return good && schema_steps(r, rac_json_len(k->arg));
}

/* --- schemas of schemas ----------------------------------------------------------------------- */

static bool compile_list(struct compiler *c, struct schema_node *n, struct check *k)
{
    if (!rac_json_is_array(k->arg) || rac_json_len(k->arg) == 0)
        return wrong(c, n, k, "a list of schemas");
    k->subs = need_each(c, n, k->arg);
    k->n = rac_json_len(k->arg);
    return true;
}

#define compile_all_of compile_list
#define compile_any_of compile_list
#define compile_one_of compile_list

static bool check_all_of(struct run *r, const struct check *k, const struct rac_json *v,
                         const struct rac_json_trail *at)
{
    bool good = true;
    for (size_t i = 0; i < k->n && r->err == RAC_OK; i++) {
        if (!schema_run(r, k->subs[i], v, at))
            good = false;
        if (!good && (r->found == NULL || r->quiet > 0))
            break;
    }
    return good;
}

/* How many of the schemas accept v, up to enough. */
static size_t count_accepting(struct run *r, const struct check *k, const struct rac_json *v,
                              const struct rac_json_trail *at, size_t enough)
{
    size_t n = 0;
    r->quiet++;
    for (size_t i = 0; i < k->n && n < enough && r->err == RAC_OK; i++)
        n += schema_run(r, k->subs[i], v, at);
    r->quiet--;
    return n;
}

static bool check_any_of(struct run *r, const struct check *k, const struct rac_json *v,
                         const struct rac_json_trail *at)
{
    return count_accepting(r, k, v, at, 1) > 0 ||
           schema_violated(r, k, at, "The value fits none of the %zu alternatives.", k->n);
}

static bool check_one_of(struct run *r, const struct check *k, const struct rac_json *v,
                         const struct rac_json_trail *at)
{
    size_t n = count_accepting(r, k, v, at, 2);
    if (n == 1)
        return true;
    return schema_violated(r, k, at, "The value fits %s of the %zu alternatives.",
                           n == 0 ? "none" : "more than one", k->n);
}

static bool compile_not(struct compiler *c, struct schema_node *n, struct check *k)
{
    k->sub = schema_need(c, n, k->arg);
    return true;
}

static bool check_not(struct run *r, const struct check *k, const struct rac_json *v,
                      const struct rac_json_trail *at)
{
    r->quiet++;
    bool fits = schema_run(r, k->sub, v, at);
    r->quiet--;
    return r->err == RAC_OK &&
           (!fits || schema_violated(r, k, at, "The value is of a kind that is not allowed."));
}

static bool compile_if(struct compiler *c, struct schema_node *n, struct check *k)
{
    const struct rac_json *then = RAC_JSON_GET(n->json, "then"),
                          *otherwise = RAC_JSON_GET(n->json, "else");
    k->sub = schema_need(c, n, k->arg);
    k->other = then == NULL ? NULL : schema_need(c, n, then);
    k->third = otherwise == NULL ? NULL : schema_need(c, n, otherwise);
    return then != NULL || otherwise != NULL;
}

static bool check_if(struct run *r, const struct check *k, const struct rac_json *v,
                     const struct rac_json_trail *at)
{
    r->quiet++;
    bool yes = schema_run(r, k->sub, v, at);
    r->quiet--;
    const struct schema_node *next = yes ? k->other : k->third;
    return r->err == RAC_OK && (next == NULL || schema_run(r, next, v, at));
}

/* --- the table -------------------------------------------------------------------------------- */

#define compile_none NULL
#define check_none   NULL
#define D4           KEYWORD_D4
#define D7           KEYWORD_D7
#define NONE         SUB_NONE
#define ONE          SUB_ONE
#define LIST         SUB_LIST
#define MAP          SUB_MAP
#define ONE_OR_LIST  SUB_ONE_OR_LIST
#define DEPENDENCIES SUB_DEPENDENCIES
#define NUMBER       KEYWORD_NUMBER
#define STRING       KEYWORD_STRING
#define ARRAY        KEYWORD_ARRAY
#define OBJECT       KEYWORD_OBJECT
#define ANY          KEYWORD_ANY

const struct keyword schema_keywords[] = {
#define KEYWORD(name, drafts, subschemas, types, fn)                                               \
    {RAC_S_INIT(name), drafts, subschemas, types, compile_##fn, check_##fn},
#include "json/schema_keywords.def"
#undef KEYWORD
};
const size_t schema_keywords_n = RAC_COUNT(schema_keywords);
