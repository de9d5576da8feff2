/*
 * The evaluator walks compiled nodes; each visit costs a step, each level of nesting a level of
 * depth. Lazy functions get their arguments as nodes, all others as values.
 */
#include "expr/expr_priv.h"

#include <stdarg.h>

enum {
    STEPS_MAX_DEFAULT = 10000000,
    STRING_MAX_DEFAULT = 104857600,
    DEPTH_MAX = 600,
    ARGS_FAST = 8
};

/* --- errors ----------------------------------------------------------------------------------- */

static const char *const category_words[] = {
#define CATEGORY(id, word) word,
#include "expr/categories.def"
#undef CATEGORY
};

const char *rac_expr_category_word(enum rac_expr_category c)
{
    return category_words[c];
}

RAC_PRINTF(4, 0)
static bool record(struct rac_expr_run *run, const struct rac_expr *node,
                   enum rac_expr_category category, const char *fmt, va_list ap)
{
    char message[2048];
    vsnprintf(message, sizeof message, fmt, ap);
    run->error = (struct rac_expr_error){.category = category,
                                         .message = rac_arena_str(run->a, rac_str_of(message)),
                                         .offset = node->offset,
                                         .length = node->length};
    if (node->kind == NODE_CALL)
        run->error.function = node->fn ? rac_str_of(node->fn->info.name) : node->name;
    return false;
}

bool fail_at(struct rac_expr_run *run, const struct rac_expr *node, enum rac_expr_category category,
             const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    record(run, node, category, fmt, ap);
    va_end(ap);
    return false;
}

bool fail(struct call *c, enum rac_expr_category category, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    record(c->run, c->node, category, fmt, ap);
    va_end(ap);
    return false;
}

static const char *ordinal(size_t i)
{
    static const char *const words[] = {"first", "second",  "third",  "fourth", "fifth",
                                        "sixth", "seventh", "eighth", "ninth",  "tenth"};
    return i < RAC_COUNT(words) ? words[i] : "later";
}

bool fail_type(struct call *c, const struct rac_json *v, size_t i, const char *expected)
{
    const char *name = c->node->fn->info.name;
    return fail(c, RAC_EXPR_TYPE,
                "The template language function '%s' expects its %s parameter to be %s. The "
                "provided value is of type '%s': %s.",
                name, ordinal(i), expected, rac_expr_type_name(v), c->node->fn->info.signature);
}

bool fail_convert(struct call *c, const struct rac_json *v, const char *target)
{
    rac_str shown = rac_str_sub(rac_expr_text(v, c->a), 0, 200);
    return fail(c, RAC_EXPR_CONVERT,
                "The template language function '%s' was invoked with a parameter that is not "
                "valid. The value '%.*s' of type '%s' cannot be converted to %s.",
                c->node->fn->info.name, RAC_FMT(shown), rac_expr_type_name(v), target);
}

bool fail_limit(struct call *c, const char *what)
{
    fail(c, RAC_EXPR_ARGUMENT, "The expression was stopped: %s.", what);
    c->run->depth = UINT32_MAX; /* told apart from a mistake by rac_expr_eval */
    return false;
}

/* --- arguments -------------------------------------------------------------------------------- */

bool arg_str(struct call *c, const struct rac_json *v, size_t i, rac_str *out)
{
    if (v[i].type != RAC_JSON_STRING)
        return fail_type(c, &v[i], i, "a string");
    *out = (rac_str){v[i].s, v[i].n};
    return true;
}

bool arg_int(struct call *c, const struct rac_json *v, size_t i, int64_t *out)
{
    if (v[i].type != RAC_JSON_INT)
        return fail_type(c, &v[i], i, "an integer");
    *out = v[i].i;
    return true;
}

bool arg_array(struct call *c, const struct rac_json *v, size_t i)
{
    return v[i].type == RAC_JSON_ARRAY || fail_type(c, &v[i], i, "an array");
}

bool arg_object(struct call *c, const struct rac_json *v, size_t i)
{
    return v[i].type == RAC_JSON_OBJECT || fail_type(c, &v[i], i, "an object");
}

static uint64_t steps_max(const struct rac_expr_run *run)
{
    return run->limits.steps_max ? run->limits.steps_max : STEPS_MAX_DEFAULT;
}

bool charge(struct call *c, uint64_t n)
{
    c->run->steps += n;
    if (RAC_LIKELY(c->run->steps <= steps_max(c->run) && !rac_arena_over(c->a)))
        return true;
    return fail_limit(c, rac_arena_over(c->a) ? "its values take more memory than allowed"
                                              : "it takes more steps than allowed");
}

/* --- access (§8) ------------------------------------------------------------------------------ */

struct rac_json *member_lookup(const struct rac_json *object, rac_str name)
{
    struct rac_json *v = rac_json_get(object, name);
    return v != NULL ? v : rac_json_geti(object, name);
}

static const struct rac_json null_value = {.type = RAC_JSON_NULL};

/* "body/Title": the segments one after the other; NULL when one is missing. */
static const struct rac_json *lookup_path(const struct rac_json *v, rac_str name)
{
    for (rac_str rest = name; rest.p != NULL;) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        v = member_lookup(v, part);
        if (v == NULL)
            return NULL;
    }
    return v;
}

static rac_str source_of(const struct rac_expr *x)
{
    return rac_str_sub(x->text, x->offset, x->length);
}

static bool absent_property(const struct rac_expr *x, struct rac_expr_run *run,
                            const struct rac_json *object, rac_str name)
{
    struct rac_buf names;
    rac_buf_init(&names, 512);
    RAC_JSON_EACH_MEMBER(m, object)
    {
        if (names.n > 0)
            RAC_BUF_ADD_LIT(&names, ", ");
        rac_buf_add(&names, rac_json_key(m));
    }
    rac_str list = rac_arena_str(run->a, rac_buf_str(&names));
    rac_buf_fini(&names);
    return fail_at(run, x, RAC_EXPR_ACCESS,
                   "The template language expression '%.*s' cannot be evaluated because property "
                   "'%.*s' doesn't exist, available properties are '%.*s'.",
                   RAC_FMT(source_of(x)), RAC_FMT(name), RAC_FMT(list));
}

static bool access_object(const struct rac_expr *x, struct rac_expr_run *run,
                          const struct rac_json *object, const struct rac_json *key,
                          struct rac_json *out)
{
    if (key->type != RAC_JSON_STRING)
        return fail_at(run, x, RAC_EXPR_ACCESS,
                       "The template language expression '%.*s' cannot be evaluated because "
                       "properties of an object are selected by a string, not by a value of type "
                       "'%s'.",
                       RAC_FMT(source_of(x)), rac_expr_type_name(key));
    rac_str name = {key->s, key->n};
    const struct rac_json *v = rac_json_get(object, name);
    if (v == NULL && rac_str_find_char(name, '/') != RAC_STR_NPOS)
        v = lookup_path(object, name);
    if (v == NULL)
        v = member_lookup(object, name);
    if (v == NULL && !x->tolerant)
        return absent_property(x, run, object, name);
    *out = v != NULL ? *v : null_value;
    return true;
}

static bool access_array(const struct rac_expr *x, struct rac_expr_run *run,
                         const struct rac_json *array, const struct rac_json *key,
                         struct rac_json *out)
{
    if (key->type != RAC_JSON_INT)
        return fail_at(run, x, RAC_EXPR_ACCESS,
                       "The template language expression '%.*s' cannot be evaluated because array "
                       "elements can only be selected using an integer index.",
                       RAC_FMT(source_of(x)));
    size_t n = rac_json_len(array);
    if (key->i >= 0 && (uint64_t)key->i < n) {
        *out = *rac_json_at(array, (size_t)key->i);
        return true;
    }
    if (x->tolerant) {
        *out = null_value;
        return true;
    }
    return fail_at(run, x, RAC_EXPR_ACCESS,
                   "The template language expression '%.*s' cannot be evaluated because array "
                   "index '%lld' is outside bounds (0, %lld) of array.",
                   RAC_FMT(source_of(x)), (long long)key->i, (long long)n - 1);
}

static bool eval_access(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    struct rac_json object, key;
    if (!eval_node(x->object, run, &object) || !eval_node(x->key, run, &key))
        return false;
    if (object.type == RAC_JSON_OBJECT)
        return access_object(x, run, &object, &key, out);
    if (object.type == RAC_JSON_ARRAY)
        return access_array(x, run, &object, &key, out);
    if (object.type == RAC_JSON_NULL && x->tolerant) {
        *out = null_value;
        return true;
    }
    rac_str name = rac_expr_text(&key, run->a);
    return fail_at(run, x, RAC_EXPR_ACCESS,
                   "The template language expression '%.*s' cannot be evaluated because property "
                   "'%.*s' cannot be selected. Property selection is not supported on values of "
                   "type '%s'.",
                   RAC_FMT(source_of(x)), RAC_FMT(rac_str_sub(name, 0, 100)),
                   rac_expr_type_name(&object));
}

/* --- calls, text, trees ----------------------------------------------------------------------- */

static bool eval_call(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    struct call c = {run, x, run->a};
    if (x->fn == NULL)
        return fail_at(run, x, RAC_EXPR_FUNCTION,
                       "The template function '%.*s' is not defined or not valid.",
                       RAC_FMT(x->name));
    if (x->fn->lazy != NULL)
        return x->fn->lazy(&c, x->args, x->args_n, out);
    struct rac_json fast[ARGS_FAST];
    struct rac_json *v =
        x->args_n <= ARGS_FAST ? fast : RAC_NEW_N(run->a, struct rac_json, x->args_n);
    for (size_t i = 0; i < x->args_n; i++)
        if (!eval_node(x->args[i], run, &v[i]))
            return false;
    return x->fn->eager(&c, v, x->args_n, out);
}

static bool eval_text(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    struct call c = {run, x, run->a};
    rac_str fast[ARGS_FAST],
        *parts = x->args_n <= ARGS_FAST ? fast : (rac_str *)RAC_NEW_N(run->a, rac_str, x->args_n);
    for (size_t i = 0; i < x->args_n; i++) {
        struct rac_json v;
        if (!eval_node(x->args[i], run, &v))
            return false;
        parts[i] = v.type == RAC_JSON_STRING ? (rac_str){v.s, v.n} : rac_expr_text(&v, run->a);
    }
    return join_text(&c, parts, x->args_n, RAC_S(""), out);
}

static bool eval_tree(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    bool object = x->kind == NODE_OBJECT;
    struct rac_json made = object ? rac_json_new_object(run->a) : rac_json_new_array(run->a);
    for (size_t i = 0; i < x->parts_n; i++) {
        struct rac_json v;
        if (x->parts[i] == NULL)
            v = object ? rac_json_member_at(x->shape, i)->value : *rac_json_at(x->shape, i);
        else if (!eval_node(x->parts[i], run, &v))
            return false;
        if (object)
            rac_json_put(run->a, &made, rac_json_key(rac_json_member_at(x->shape, i)), v);
        else
            rac_json_add(run->a, &made, v);
    }
    *out = made;
    return true;
}

bool eval_node(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    if (x->kind == NODE_CONST) {
        *out = x->value;
        return true;
    }
    struct call c = {run, x, run->a};
    if (RAC_UNLIKELY(++run->steps > steps_max(run) || run->depth >= DEPTH_MAX))
        return fail_limit(&c, "it takes more steps than allowed");
    run->depth++;
    bool ok = x->kind == NODE_CALL     ? eval_call(x, run, out)
              : x->kind == NODE_ACCESS ? eval_access(x, run, out)
              : x->kind == NODE_TEXT   ? eval_text(x, run, out)
                                       : eval_tree(x, run, out);
    if (ok)
        run->depth--;
    return ok;
}

size_t string_max(const struct rac_expr_run *run)
{
    return run->limits.string_max ? run->limits.string_max : STRING_MAX_DEFAULT;
}

rac_err rac_expr_eval(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    struct rac_json v;
    run->depth = 0;
    run->error = (struct rac_expr_error){0};
    if (!eval_node(x, run, &v))
        return run->depth == UINT32_MAX ? RAC_E_LIMIT : RAC_E_INVALID;
    *out = v;
    return RAC_OK;
}
