/*
 * A sample is absorbed into a "shape", a small mutable tree; merging the elements of an array is
 * absorbing them one after the other into the same shape, so a thousand alike elements cost one
 * shape. At the end the shape is written as a schema.
 */
#include "openapi/infer.h"

#include "base/map.h"
#include "base/time.h"
#include "openapi/rules.h"

enum kind { K_NONE, K_STRING, K_INTEGER, K_NUMBER, K_BOOLEAN, K_OBJECT, K_ARRAY, K_ANY };

struct shape {
    enum kind kind;
    rac_str format; /* absent: none */
    bool nullable, cut;
    struct rac_map props; /* name -> struct shape * */
    struct shape *items;
};

struct infer {
    struct rac_arena *a;
    struct rac_diags *d;
    size_t nodes;
    bool truncated;
};

static bool is_http_url(rac_str s)
{
    rac_str rest = rac_str_startsi(s, RAC_S("https://"))  ? rac_str_from(s, 8)
                   : rac_str_startsi(s, RAC_S("http://")) ? rac_str_from(s, 7)
                                                          : RAC_STR_NULL;
    if (rest.n == 0 || rest.p[0] == '/')
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] <= ' ' || memchr("<>\"{}|\\^`", rest.p[i], 10) != NULL)
            return false;
    return true;
}

rac_str rac_infer_format(rac_str v)
{
    rac_ms t;
    if (v.n == 10 && rac_time_parse_date(v, &t))
        return RAC_S("date");
    if (v.n > 10 && rac_time_parse(v, &t))
        return RAC_S("date-time");
    if (rac_str_is_uuid(v))
        return RAC_S("uuid");
    return is_http_url(v) ? RAC_S("uri") : RAC_STR_NULL;
}

static struct shape *shape_new(struct infer *f)
{
    f->nodes++;
    struct shape *s = RAC_NEW(f->a, struct shape);
    rac_map_init(&s->props, f->a);
    return s;
}

static enum kind kind_of(const struct rac_json *v, rac_str *format)
{
    *format = RAC_STR_NULL;
    switch (v->type) {
    case RAC_JSON_STRING:
        *format = rac_infer_format(rac_json_str(v, RAC_S("")));
        return K_STRING;
    case RAC_JSON_BOOL:
        return K_BOOLEAN;
    case RAC_JSON_INT:
        *format = v->i >= INT32_MIN && v->i <= INT32_MAX ? RAC_S("int32") : RAC_S("int64");
        return K_INTEGER;
    case RAC_JSON_NUMBER:
        /* an integer past 64 bits is a number without format */
        for (size_t i = 0; i < v->n; i++)
            if (v->s[i] == '.' || rac_lower(v->s[i]) == 'e')
                *format = RAC_S("double");
        return K_NUMBER;
    case RAC_JSON_DOUBLE:
        *format = RAC_S("double");
        return K_NUMBER;
    case RAC_JSON_OBJECT:
        return K_OBJECT;
    case RAC_JSON_ARRAY:
        return K_ARRAY;
    default:
        return K_NONE;
    }
}

/* The format two samples of one type share. */
static rac_str format_merge(enum kind kind, rac_str x, rac_str y)
{
    if (rac_str_eq(x, y))
        return x;
    return kind == K_INTEGER ? RAC_S("int64") : RAC_STR_NULL;
}

/* Makes *s able to hold a value of this kind; false when it has become "any". */
static bool kind_merge(struct shape *s, enum kind kind, rac_str format)
{
    if (s->kind == K_NONE) {
        s->kind = kind;
        s->format = format;
        return true;
    }
    if (s->kind == kind) {
        s->format = format_merge(kind, s->format, format);
        return true;
    }
    if ((s->kind == K_INTEGER && kind == K_NUMBER) || (s->kind == K_NUMBER && kind == K_INTEGER)) {
        s->format = s->kind == K_NUMBER ? s->format : format;
        s->kind = K_NUMBER;
        return true;
    }
    s->kind = K_ANY;
    s->format = RAC_STR_NULL;
    return false;
}

static rac_err absorb(struct infer *f, struct shape *s, const struct rac_json *v, unsigned depth);

static rac_err absorb_object(struct infer *f, struct shape *s, const struct rac_json *v,
                             unsigned depth)
{
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct shape *p = rac_map_get(&s->props, rac_json_key(m));
        if (p == NULL) {
            if (f->nodes >= RAC_INFER_NODES_MAX) {
                f->truncated = true;
                continue;
            }
            p = shape_new(f);
            rac_map_put(&s->props, rac_json_key(m), p);
        }
        rac_err e = absorb(f, p, &m->value, depth + 1);
        if (e != RAC_OK)
            return e;
    }
    return RAC_OK;
}

static rac_err absorb(struct infer *f, struct shape *s, const struct rac_json *v, unsigned depth)
{
    if (rac_arena_over(f->a))
        return RAC_E_LIMIT;
    if (s->kind == K_ANY || s->cut)
        return RAC_OK;
    rac_str format;
    enum kind kind = kind_of(v, &format);
    if (kind == K_NONE) {
        s->nullable = true;
        return RAC_OK;
    }
    bool holds = rac_json_len(v) > 0;
    bool no_room = (kind == K_ARRAY && s->items == NULL) || (kind == K_OBJECT && s->props.n == 0);
    if (holds && (depth >= RAC_INFER_DEPTH_MAX || (no_room && f->nodes >= RAC_INFER_NODES_MAX))) {
        f->truncated = true;
        s->kind = K_OBJECT;
        s->cut = true;
        return RAC_OK;
    }
    if (!kind_merge(s, kind, format))
        return RAC_OK;
    if (kind == K_OBJECT)
        return absorb_object(f, s, v, depth);
    if (kind == K_ARRAY) {
        RAC_JSON_EACH(e, v)
        {
            if (s->items == NULL)
                s->items = shape_new(f);
            rac_err err = absorb(f, s->items, e, depth + 1);
            if (err != RAC_OK)
                return err;
        }
    }
    return RAC_OK;
}

static rac_str kind_name(enum kind k)
{
    static const rac_str names[] = {
        [K_STRING] = RAC_S_INIT("string"), [K_INTEGER] = RAC_S_INIT("integer"),
        [K_NUMBER] = RAC_S_INIT("number"), [K_BOOLEAN] = RAC_S_INIT("boolean"),
        [K_OBJECT] = RAC_S_INIT("object"), [K_ARRAY] = RAC_S_INIT("array"),
    };
    return names[k];
}

static struct rac_json shape_write(struct infer *f, const struct shape *s, rac_str name,
                                   rac_str pointer)
{
    struct rac_arena *a = f->a;
    struct rac_json o = rac_json_new_object(a);
    bool typed = s->kind != K_NONE && s->kind != K_ANY;
    if (typed)
        RAC_JSON_PUT_STR(a, &o, "type", kind_name(s->kind));
    if (typed && s->format.n > 0)
        RAC_JSON_PUT_STR(a, &o, "format", s->format);
    if (name.p != NULL) {
        RAC_JSON_PUT_STR(a, &o, "title", name);
        RAC_JSON_PUT_STR(a, &o, "description", name);
    }
    if (typed && s->nullable)
        RAC_JSON_PUT(a, &o, "x-nullable", rac_json_of_bool(true));
    if (s->kind == K_OBJECT && !s->cut) {
        struct rac_json props = rac_json_new_object(a);
        for (size_t i = 0; i < s->props.n; i++) {
            const struct rac_map_entry *e = &s->props.entries[i];
            rac_json_put(
                a, &props, e->key,
                shape_write(f, e->value, e->key, rac_json_pointer_join(a, pointer, e->key)));
        }
        RAC_JSON_PUT(a, &o, "properties", props);
    }
    if (s->kind == K_ARRAY && s->items != NULL)
        RAC_JSON_PUT(
            a, &o, "items",
            shape_write(f, s->items, RAC_STR_NULL, rac_json_pointer_join_index(a, pointer, 0)));
    else if (s->kind == K_ARRAY) {
        RAC_JSON_PUT(a, &o, "items", rac_json_new_object(a));
        struct rac_diag *d = rac_diags_addf(
            f->d, RAC_RULE_CODE(INF_01), RAC_SEV_WARNING,
            "the array%s%.*s of the sample is empty: the type of its elements is unknown",
            pointer.n > 0 ? " at " : "", RAC_FMT(pointer));
        if (d != NULL) {
            d->pointer = pointer;
            d->fix = rac_str_of(rac_rules[RAC_RULE_INF_01].fix);
        }
    }
    return o;
}

rac_err rac_infer_schema(const struct rac_json *sample, struct rac_arena *a,
                         struct rac_json *schema, struct rac_diags *d)
{
    struct infer f = {.a = a, .d = d};
    struct shape *root = shape_new(&f);
    rac_err e = absorb(&f, root, sample, 1);
    if (e != RAC_OK)
        return e;
    *schema = shape_write(&f, root, RAC_STR_NULL, RAC_S(""));
    if (f.truncated) {
        struct rac_diag *x =
            rac_diags_addf(d, RAC_RULE_CODE(INF_02), RAC_SEV_WARNING,
                           "the sample is deeper than %d levels or has more than %d distinct "
                           "fields: its schema was cut off",
                           RAC_INFER_DEPTH_MAX, RAC_INFER_NODES_MAX);
        if (x != NULL) {
            x->pointer = RAC_S("");
            x->fix = rac_str_of(rac_rules[RAC_RULE_INF_02].fix);
        }
    }
    return rac_arena_over(a) ? RAC_E_LIMIT : RAC_OK;
}
