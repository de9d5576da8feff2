/* functions_priv - every function of the table, declared from it. */
#ifndef RAC_EXPR_FUNCTIONS_PRIV_H
#define RAC_EXPR_FUNCTIONS_PRIV_H

#include "expr/expr_priv.h"

#define FN(name, min, max, fn, section, signature, summary, example, gives)                        \
    bool fn(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out);
#define LAZY(name, min, max, fn, section, signature, summary, example, gives)                      \
    bool fn(struct call *c, const struct rac_expr *const *args, size_t n, struct rac_json *out);
#define REF(name, min, max, fn, ref, section, signature, summary, example, gives)                  \
    bool fn(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out);
#include "expr/functions.def"
#undef FN
#undef LAZY
#undef REF

#endif
