/* Parameters, variables, loops: what a template's own names stand for. */
#include "base/str.h"
#include "workflow/template/template_priv.h"

static struct rac_json given_value(struct resolver *r, struct scope *s, rac_str name,
                                   const struct rac_json *given)
{
    const struct rac_json *value = rac_json_geti(given, RAC_S("value"));
    if (value == NULL)
        return unknown_becausef(r, "the value of the template parameter '%.*s' is kept elsewhere",
                                RAC_FMT(name));
    if (s->outer == NULL) /* of a file: as it is */
        return *value;
    struct scope *own = r->scope; /* of a nested deployment: said outside of it */
    r->scope = s->outer;
    struct rac_json v = resolve(r, value, RAC_STR_NULL);
    r->scope = own;
    return v;
}

bool template_is_expression(const struct rac_json *v)
{
    return rac_json_is_string(v) && v->n > 1 && v->s[0] == '[' && v->s[v->n - 1] == ']';
}

static struct rac_json parameter_value(struct resolver *r, struct scope *s, rac_str name)
{
    const struct rac_json *p = rac_json_geti(s->declared, name),
                          *given = rac_json_geti(s->given, name),
                          *value = rac_json_geti(p, RAC_S("defaultValue"));
    if (given == NULL && rac_json_geti(p, RAC_S("reference")) != NULL)
        given = p; /* a parameters file says where it is kept */
    size_t placed = r->placed;
    if (given != NULL) {
        struct rac_json v = given_value(r, s, name, given);
        return template_permitted(
            r, p, name, v,
            (struct origin){!template_is_expression(rac_json_geti(given, RAC_S("value"))),
                            r->placed != placed});
    }
    if (p == NULL)
        return unknown_becausef(r, "there is no template parameter '%.*s'", RAC_FMT(name));
    if (value != NULL) {
        struct rac_json v = resolve(r, value, RAC_STR_NULL);
        return template_permitted(
            r, p, name, v, (struct origin){!template_is_expression(value), r->placed != placed});
    }
    if (rac_json_bool(rac_json_geti(p, RAC_S("nullable")), false))
        return rac_json_of_null();
    return unknown_becausef(r, "the template parameter '%.*s' has neither a value nor a default",
                            RAC_FMT(name));
}

static struct rac_json *remembered(struct resolver *r, const char *prefix, rac_str name,
                                   struct rac_json (*make)(struct resolver *r, struct scope *s,
                                                           rac_str name))
{
    struct scope *s = r->scope;
    rac_str key = rac_str_lower(r->a, rac_arena_printf(r->a, "%s%.*s", prefix, RAC_FMT(name)));
    struct rac_json *v = rac_map_get(&s->values, key);
    if (v == NULL) {
        v = RAC_NEW(r->a, struct rac_json);
        *v = unknown_because(r, "its expressions refer to each other in a circle");
        rac_map_put(&s->values, key, v);
        size_t placed = r->placed;
        *v = make(r, s, name);
        if (r->placed != placed)
            v->flags |= TEMPLATE_PLACED;
    }
    r->placed += (v->flags & TEMPLATE_PLACED) != 0;
    return v;
}

/* A copy, without what is for us. */
static struct rac_json taken(const struct rac_json *kept)
{
    struct rac_json v = *kept;
    v.flags &= (uint8_t)~TEMPLATE_PLACED;
    return v;
}

struct rac_json template_remembered(struct resolver *r, const char *prefix, rac_str name,
                                    struct rac_json (*make)(struct resolver *r, struct scope *s,
                                                            rac_str name))
{
    return taken(remembered(r, prefix, name, make));
}

struct rac_json *template_parameter(struct resolver *r, rac_str name)
{
    return remembered(r, "p:", name, parameter_value);
}

struct rac_json tf_parameters(struct resolver *r, const struct arguments *x)
{
    rac_str name = rac_json_str(&x->v[0], RAC_S(""));
    if (r->scope->arguments.type != RAC_JSON_NONE) {
        const struct rac_json *v = rac_json_geti(&r->scope->arguments, name);
        return v != NULL
                   ? *v
                   : unknown_becausef(r, "the function has no parameter '%.*s'", RAC_FMT(name));
    }
    struct rac_json *v = template_parameter(r, name);
    if (value_is_unknown(v))
        v->flags |= TEMPLATE_USED;
    return taken(v);
}

static struct rac_json variable_value(struct resolver *r, struct scope *s, rac_str name)
{
    const struct rac_json *variables = rac_json_geti(s->root, RAC_S("variables")),
                          *v = rac_json_geti(variables, name);
    RAC_JSON_EACH(copy, rac_json_geti(variables, RAC_S("copy")))
    if (rac_str_eqi(rac_json_str(rac_json_geti(copy, RAC_S("name")), RAC_S("")), name))
        return template_copy(r, copy);
    return v != NULL ? resolve(r, v, RAC_STR_NULL)
                     : unknown_becausef(r, "there is no template variable '%.*s'", RAC_FMT(name));
}

struct rac_json tf_variables(struct resolver *r, const struct arguments *x)
{
    return template_remembered(r, "v:", rac_json_str(&x->v[0], RAC_S("")), variable_value);
}

struct rac_json tf_lambda_variables(struct resolver *r, const struct arguments *x)
{
    rac_str name = rac_json_str(&x->v[0], RAC_S(""));
    for (const struct binding *b = r->bound; b != NULL; b = b->up)
        if (rac_str_eqi(b->name, name))
            return *b->v;
    return unknown_becausef(r, "no lambda around it has a variable '%.*s'", RAC_FMT(name));
}

/* --- loops ------------------------------------------------------------------------------------ */

struct rac_json template_copy(struct resolver *r, const struct rac_json *copy)
{
    const struct rac_json *count = rac_json_geti(copy, RAC_S("count")),
                          *input = rac_json_geti(copy, RAC_S("input"));
    struct rac_json n = count != NULL ? resolve(r, count, RAC_STR_NULL) : rac_json_of_null(),
                    list = rac_json_new_array(r->a);
    if (value_is_unknown(&n))
        return n;
    if (n.type != RAC_JSON_INT || n.i < 0 || n.i > TEMPLATE_LIST_MAX || input == NULL ||
        r->copies == RAC_COUNT(r->copy))
        return unknown_because(r, "the count of a copy is no number that it may be");
    size_t at = r->copies++;
    r->copy_name[at] = rac_json_str(rac_json_geti(copy, RAC_S("name")), RAC_S(""));
    for (int64_t i = 0; i < n.i && r->budget > 0; i++) {
        r->copy[at] = i;
        rac_json_add(r->a, &list, resolve(r, input, RAC_STR_NULL));
    }
    r->copies = at;
    return r->budget > 0 ? list : unknown_because(r, "the value is too large");
}

struct rac_json tf_copy_index(struct resolver *r, const struct arguments *x)
{
    bool named = x->n > 0 && x->v[0].type == RAC_JSON_STRING;
    int64_t offset = x->n > 0 ? rac_json_int(&x->v[x->n - 1], 0) : 0, i;
    for (size_t at = r->copies; at-- > 0;)
        if (!named || rac_str_eqi(rac_json_str(&x->v[0], RAC_S("")), r->copy_name[at]))
            return __builtin_add_overflow(r->copy[at], offset, &i)
                       ? unknown_because(r, "the number is too large")
                       : rac_json_of_int(i);
    return unknown_because(r, "copyIndex() stands outside of a copy");
}
