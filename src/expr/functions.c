/*
 * The table of functions. Names are looked up when an expression is compiled, never later.
 */
#include "expr/functions_priv.h"

#define FN(name, min, max, fn, section, signature, summary)                                        \
    {{name, section, signature, summary, min, max}, fn, NULL, -1},
#define LAZY(name, min, max, fn, section, signature, summary)                                      \
    {{name, section, signature, summary, min, max}, NULL, fn, -1},
#define REF(name, min, max, fn, ref, section, signature, summary)                                  \
    {{name, section, signature, summary, min, max}, fn, NULL, ref},
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

const struct fn *fn_find(rac_str name) /* compiling only: a walk over 130 short names is enough */
{
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (rac_str_eqi(name, rac_str_of(table[i].info.name)))
            return &table[i];
    return NULL;
}
