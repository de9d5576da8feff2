/* Conditions written as objects: each becomes the call its key names. */
#include "expr/expr_priv.h"

enum { DEPTH_MAX = 64, ARGS_MAX = 256 };

struct builder {
    unsigned flags, depth;
    struct rac_arena *a;
    struct rac_expr_error *error;
    rac_str pointer;
};

static rac_err condition(struct builder *b, const struct rac_json *v, const struct rac_expr **out);

static rac_err wrong(struct builder *b, enum rac_expr_category category, rac_str message)
{
    if (b->error != NULL)
        *b->error = (struct rac_expr_error){.category = category, .message = message};
    return RAC_E_SYNTAX;
}

static const struct rac_expr *constant(struct builder *b, struct rac_json v)
{
    struct rac_expr *x = RAC_NEW(b->a, struct rac_expr);
    x->kind = NODE_CONST;
    x->value = v;
    return x;
}

static bool is_call(const struct rac_json *v)
{
    return v->type == RAC_JSON_OBJECT && rac_json_len(v) == 1 &&
           fn_find(rac_json_key(rac_json_member_at(v, 0))) != NULL;
}

static bool is(const struct fn *fn, const char *name)
{
    return fn != NULL && strcmp(fn->info.name, name) == 0;
}

/* An object in and, or and not is a condition; in other functions it may be a value. */
static bool joins(const struct fn *fn)
{
    return is(fn, "and") || is(fn, "or") || is(fn, "not");
}

static rac_err argument(struct builder *b, const struct fn *of, const struct rac_json *v,
                        const struct rac_expr **out)
{
    rac_str inside = RAC_S("");
    if (is_call(v) || (v->type == RAC_JSON_OBJECT && joins(of)))
        return condition(b, v, out);
    rac_err e = rac_expr_compile_tree(v, b->flags, b->a, out, b->error, &inside);
    if (e != RAC_OK)
        b->pointer = rac_str_concat(b->a, b->pointer, inside);
    return e;
}

static rac_err call_node(struct builder *b, rac_str name, const struct rac_json *args,
                         const struct rac_expr **out)
{
    const struct fn *fn = fn_find(name);
    bool list = args->type == RAC_JSON_ARRAY;
    size_t n = list ? rac_json_len(args) : 1;
    if (fn == NULL)
        return wrong(b, RAC_EXPR_FUNCTION,
                     rac_arena_printf(b->a,
                                      "The template function '%.*s' is not defined or not valid.",
                                      RAC_FMT(name)));
    if (n == 0 && (is(fn, "and") || is(fn, "or"))) {
        *out = constant(b, rac_json_of_bool(is(fn, "and")));
        return RAC_OK;
    }
    if (n < fn->info.args_min || n > fn->info.args_max || n > ARGS_MAX)
        return wrong(b, RAC_EXPR_ARITY,
                     rac_arena_printf(b->a,
                                      "The template language function '%s' was given %zu "
                                      "parameters: %s.",
                                      fn->info.name, n, fn->info.signature));
    struct rac_expr *x = RAC_NEW(b->a, struct rac_expr);
    x->kind = NODE_CALL;
    x->fn = fn;
    x->name = name;
    x->text = rac_str_of(fn->info.name);
    x->length = (uint32_t)x->text.n;
    x->args_n = (uint16_t)n;
    x->way = (uint8_t)fn_short_way(fn, n);
    x->args = RAC_NEW_N(b->a, const struct rac_expr *, n);
    rac_str here = b->pointer;
    for (size_t i = 0; i < n; i++) {
        b->pointer = list ? rac_json_pointer_join_index(b->a, here, i) : here;
        rac_err e = argument(b, fn, list ? rac_json_at(args, i) : args, &x->args[i]);
        if (e != RAC_OK)
            return e;
    }
    b->pointer = here;
    *out = x;
    return RAC_OK;
}

static rac_err condition(struct builder *b, const struct rac_json *v, const struct rac_expr **out)
{
    if (v->type != RAC_JSON_OBJECT || rac_json_len(v) != 1)
        return wrong(
            b, RAC_EXPR_PARSE,
            RAC_S("A condition is an object with exactly one key, the name of a function."));
    if (++b->depth > DEPTH_MAX)
        return wrong(b, RAC_EXPR_PARSE, RAC_S("The condition is nested too deeply."));
    const struct rac_json_member *m = rac_json_member_at(v, 0);
    rac_str here = b->pointer;
    b->pointer = rac_json_pointer_join(b->a, here, rac_json_key(m));
    rac_err e = call_node(b, rac_json_key(m), &m->value, out);
    if (e == RAC_OK)
        b->pointer = here;
    b->depth--;
    return e;
}

rac_err rac_expr_compile_condition(const struct rac_json *v, unsigned flags, struct rac_arena *a,
                                   const struct rac_expr **out, struct rac_expr_error *error,
                                   rac_str *pointer)
{
    struct builder b = {.flags = flags, .a = a, .error = error, .pointer = RAC_S("")};
    rac_err e = condition(&b, v, out);
    if (e != RAC_OK && pointer != NULL)
        *pointer = b.pointer;
    return e;
}
