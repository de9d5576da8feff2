/*
 * The table of functions. Names are looked up when an expression is compiled, never later.
 */
#include "expr/functions_priv.h"

#define FN(name, min, max, fn, section, signature, summary, example, gives)                        \
    {{name, section, signature, summary, example, gives, min, max}, fn, NULL, -1},
#define LAZY(name, min, max, fn, section, signature, summary, example, gives)                      \
    {{name, section, signature, summary, example, gives, min, max}, NULL, fn, -1},
#define REF(name, min, max, fn, ref, section, signature, summary, example, gives)                  \
    {{name, section, signature, summary, example, gives, min, max}, fn, NULL, ref},
static const struct fn table[] = {
#include "expr/functions.def"
};
#undef FN
#undef LAZY
#undef REF

const struct rac_expr_function *rac_expr_function_at(size_t i)
{
    return i < RAC_COUNT(table) ? &table[i].info : NULL;
}

const char *rac_expr_section_at(size_t i)
{
    static const char *const sections[] = {"String",     "Collection", "Logical",
                                           "Conversion", "Math",       "Date and time",
                                           "Workflow",   "URI",        "Manipulation"};
    return i < RAC_COUNT(sections) ? sections[i] : NULL;
}

const struct fn *fn_find(rac_str name) /* compiling only: a walk over 130 short names is enough */
{
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (rac_str_eqi(name, rac_str_of(table[i].info.name)))
            return &table[i];
    return NULL;
}

enum short_way fn_short_way(const struct fn *f, size_t args_n)
{
    static const struct {
        fn_eager fn;
        size_t args_n;
        enum short_way way;
    } ways[] = {{fn_add, 2, WAY_ADD},
                {fn_sub, 2, WAY_SUB},
                {fn_mul, 2, WAY_MUL},
                {fn_greater, 2, WAY_GREATER},
                {fn_greater_or_equals, 2, WAY_GREATER_OR_EQUALS},
                {fn_less, 2, WAY_LESS},
                {fn_less_or_equals, 2, WAY_LESS_OR_EQUALS},
                {fn_trigger_body, 0, WAY_TRIGGER_BODY},
                {fn_trigger_outputs, 0, WAY_TRIGGER_OUTPUTS}};
    for (size_t i = 0; f != NULL && i < RAC_COUNT(ways); i++)
        if (f->eager == ways[i].fn && args_n == ways[i].args_n)
            return ways[i].way;
    return WAY_NONE;
}
