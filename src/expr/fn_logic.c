/* Logical functions and comparisons (spec expressions §9, §16.3). */
#include "expr/functions_priv.h"

static bool boolean(struct call *c, const struct rac_expr *arg, size_t i, bool *out)
{
    struct rac_json v;
    if (!eval_node(arg, c->run, &v))
        return false;
    if (v.type != RAC_JSON_BOOL)
        return fail_type(c, &v, i, "a boolean");
    *out = v.b;
    return true;
}

static bool until(struct call *c, const struct rac_expr *const *args, size_t n, bool stop,
                  struct rac_json *out)
{
    bool b = !stop;
    for (size_t i = 0; i < n && b != stop; i++)
        if (!boolean(c, args[i], i, &b))
            return false;
    return answer_bool(out, b);
}

bool fn_and(struct call *c, const struct rac_expr *const *args, size_t n, struct rac_json *out)
{
    return until(c, args, n, false, out);
}

bool fn_or(struct call *c, const struct rac_expr *const *args, size_t n, struct rac_json *out)
{
    return until(c, args, n, true, out);
}

bool fn_if(struct call *c, const struct rac_expr *const *args, size_t n RAC_UNUSED,
           struct rac_json *out)
{
    bool b = false;
    return boolean(c, args[0], 0, &b) && eval_node(args[b ? 1 : 2], c->run, out);
}

bool fn_coalesce(struct call *c, const struct rac_expr *const *args, size_t n, struct rac_json *out)
{
    *out = rac_json_of_null();
    for (size_t i = 0; i < n && out->type == RAC_JSON_NULL; i++)
        if (!eval_node(args[i], c->run, out))
            return false;
    return true;
}

bool fn_not(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    if (v[0].type != RAC_JSON_BOOL)
        return fail_type(c, &v[0], 0, "a boolean");
    return answer_bool(out, !v[0].b);
}

bool fn_equals(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    const struct rac_json *b = v[0].type == RAC_JSON_BOOL ? &v[0] : &v[1];
    const struct rac_json *i = v[0].type == RAC_JSON_INT ? &v[0] : &v[1];
    bool same;
    if (b->type == RAC_JSON_BOOL && i->type == RAC_JSON_INT)
        return answer_bool(out, b->b == (i->i != 0));
    return equal_values(c, &v[0], &v[1], &same) && answer_bool(out, same);
}

static bool ordered(struct call *c, const struct rac_json *v, int *order)
{
    if (compare_ordered(&v[0], &v[1], order))
        return true;
    return fail(c, RAC_EXPR_TYPE,
                "The template language function '%s' expects two parameters of matching types: "
                "both numbers, or both strings. Found '%s' and '%s'.",
                c->node->fn->info.name, rac_expr_type_name(&v[0]), rac_expr_type_name(&v[1]));
}

#define ORDERING(name, test)                                                                       \
    bool name(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out) \
    {                                                                                              \
        int order;                                                                                 \
        if (!ordered(c, v, &order))                                                                \
            return false;                                                                          \
        return answer_bool(out, test);                                                             \
    }

ORDERING(fn_greater, order > 0)
ORDERING(fn_greater_or_equals, order >= 0)
ORDERING(fn_less, order < 0)
ORDERING(fn_less_or_equals, order <= 0)
