/* Conditions. Arguments nobody knows may not matter. */
#include "workflow/template/template_priv.h"

struct rac_json tf_equals(struct resolver *r, const struct arguments *x)
{
    if (!affordable(r, &x->v[0]) || !affordable(r, &x->v[1]))
        return unknown_because(r, "the values are too large to compare");
    return rac_json_of_bool(rac_json_equal(&x->v[0], &x->v[1]));
}

struct rac_json tf_null(struct resolver *r RAC_UNUSED, const struct arguments *x RAC_UNUSED)
{
    return rac_json_of_null();
}

struct rac_json tf_true(struct resolver *r RAC_UNUSED, const struct arguments *x RAC_UNUSED)
{
    return rac_json_of_bool(true);
}

struct rac_json tf_false(struct resolver *r RAC_UNUSED, const struct arguments *x RAC_UNUSED)
{
    return rac_json_of_bool(false);
}

struct rac_json tf_if(struct resolver *r, const struct arguments *x)
{
    if (x->v[0].type == RAC_JSON_BOOL)
        return x->v[x->v[0].b ? 1 : 2];
    return value_is_unknown(&x->v[0])
               ? x->v[0]
               : unknown_because(r, "the condition of if() is neither true nor false");
}

static struct rac_json all_or_any(struct resolver *r, const struct arguments *x, bool decides)
{
    struct rac_json open = rac_json_none;
    for (size_t i = 0; i < x->n; i++) {
        const struct rac_json *v = &x->v[i];
        if (v->type == RAC_JSON_BOOL && v->b == decides)
            return *v;
        if (value_is_unknown(v))
            open = *v;
        else if (v->type != RAC_JSON_BOOL)
            open = unknown_because(r, "a condition is neither true nor false");
    }
    return open.type != RAC_JSON_NONE ? open : rac_json_of_bool(!decides);
}

struct rac_json tf_and(struct resolver *r, const struct arguments *x)
{
    return all_or_any(r, x, false);
}

struct rac_json tf_or(struct resolver *r, const struct arguments *x)
{
    return all_or_any(r, x, true);
}

struct rac_json tf_coalesce(struct resolver *r RAC_UNUSED, const struct arguments *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (value_is_unknown(&x->v[i]) || x->v[i].type != RAC_JSON_NULL)
            return x->v[i];
    return rac_json_of_null();
}
