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
    ARGS_FAST = 3,
    PARTS_FAST = 8,
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
    enum { MESSAGE_MAX = 2048 };
    rac_str message = rac_arena_vprintf_max(run->a, MESSAGE_MAX, fmt, ap);
    run->error = (struct rac_expr_error){
        .category = category, .message = message, .offset = node->offset, .length = node->length};
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

bool arg_culture(struct call *c, const struct rac_json *v, size_t n, size_t i,
                 const struct rac_culture **out)
{
    rac_str tag = RAC_STR_NULL;
    if (n > i && !arg_str(c, v, i, &tag))
        return false;
    return rac_culture_open(tag, c->a, out) ||
           fail(c, RAC_EXPR_ARGUMENT,
                "The template language function '%s' does not know the locale '%.*s'.",
                c->node->fn->info.name, RAC_FMT(rac_str_sub(tag, 0, 100)));
}

bool charge(struct call *c, uint64_t n)
{
    c->run->steps += n;
    if (RAC_LIKELY(c->run->steps <= c->run->limits.steps_max && !rac_arena_over(c->a)))
        return true;
    return fail_limit(c, rac_arena_over(c->a) ? "its values take more memory than allowed"
                                              : "it takes more steps than allowed");
}

bool charge_members(struct call *c, const struct rac_json *object)
{
    uint64_t cost = 0;
    RAC_JSON_EACH_MEMBER(m, object)
    cost += 1 + m->key_n / 64;
    return charge(c, cost);
}

/* Every visit but that of a constant: a step, and a level of depth until it is left. */
static inline bool enter(const struct rac_expr *x, struct rac_expr_run *run)
{
    struct call c = {run, x, run->a};
    if (RAC_UNLIKELY(++run->steps > run->limits.steps_max || run->depth >= DEPTH_MAX))
        return fail_limit(&c, run->depth >= DEPTH_MAX ? "it is nested too deeply"
                                                      : "it takes more steps than allowed");
    run->depth++;
    return true;
}

static inline const struct rac_json *leave(struct rac_expr_run *run, const struct rac_json *v)
{
    run->depth--;
    return v;
}

/* --- access (§8) ------------------------------------------------------------------------------ */

struct rac_json_member *member_meant(const struct rac_json *object, rac_str name)
{
    struct rac_json_member *exact = rac_json_member(object, name);
    if (exact != NULL)
        return exact;
    RAC_JSON_EACH_MEMBER(m, object)
    if (equal_folded(rac_json_key(m), name))
        return m;
    return NULL;
}

struct rac_json *member_lookup(const struct rac_json *object, rac_str name)
{
    struct rac_json_member *m = member_meant(object, name);
    return m != NULL ? &m->value : NULL;
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
                          const struct rac_json **out)
{
    if (key->type != RAC_JSON_STRING)
        return fail_at(run, x, RAC_EXPR_ACCESS,
                       "The template language expression '%.*s' cannot be evaluated because "
                       "properties of an object are selected by a string, not by a value of type "
                       "'%s'.",
                       RAC_FMT(source_of(x)), rac_expr_type_name(key));
    rac_str name = {key->s, key->n};
    const struct rac_json *v = rac_json_get(object, name);
    struct call c = {run, x, run->a};
    if (v == NULL && !charge(&c, rac_json_len(object) / 4)) /* all of its names are compared */
        return false;
    if (v == NULL && rac_str_find_char(name, '/') != RAC_STR_NPOS)
        v = lookup_path(object, name);
    if (v == NULL)
        v = member_lookup(object, name);
    if (v == NULL && !x->tolerant)
        return absent_property(x, run, object, name);
    *out = v != NULL ? v : &null_value;
    return true;
}

static bool access_array(const struct rac_expr *x, struct rac_expr_run *run,
                         const struct rac_json *array, const struct rac_json *key,
                         const struct rac_json **out)
{
    if (key->type != RAC_JSON_INT)
        return fail_at(run, x, RAC_EXPR_ACCESS,
                       "The template language expression '%.*s' cannot be evaluated because array "
                       "elements can only be selected using an integer index.",
                       RAC_FMT(source_of(x)));
    size_t n = rac_json_len(array);
    if (key->i >= 0 && (uint64_t)key->i < n) {
        *out = rac_json_at(array, (size_t)key->i);
        return true;
    }
    if (x->tolerant) {
        *out = &null_value;
        return true;
    }
    return fail_at(run, x, RAC_EXPR_ACCESS,
                   "The template language expression '%.*s' cannot be evaluated because array "
                   "index '%lld' is outside bounds (0, %lld) of array.",
                   RAC_FMT(source_of(x)), (long long)key->i, (long long)n - 1);
}

static bool eval_access(const struct rac_expr *x, struct rac_expr_run *run,
                        const struct rac_json **out);

/* What the trigger gave, where it lies; NULL: it has to be asked for. */
static inline const struct rac_json *of_trigger(const struct rac_expr *x,
                                                const struct rac_expr_run *run)
{
    if (RAC_LIKELY(x->way <= WAY_NUMBERS_END) || run->scope == NULL)
        return NULL;
    return x->way == WAY_TRIGGER_BODY ? run->scope->trigger_body : run->scope->trigger_outputs;
}

/* Of what the trigger gave, the member of just that name, for the same two steps; NULL: it takes
 * the long way. */
static inline const struct rac_json *member_of_trigger(const struct rac_expr *x,
                                                       struct rac_expr_run *run)
{
    const struct rac_json *object = of_trigger(x->object, run);
    if (object == NULL || run->steps + 2 > run->limits.steps_max || run->depth + 2 > DEPTH_MAX)
        return NULL;
    const struct rac_json *v = rac_json_get(object, (rac_str){x->key->value.s, x->key->value.n});
    run->steps += v != NULL ? 2 : 0;
    return v;
}

/* Where the value is, without copying what lies in a larger one; else in *room. NULL: failed. */
static RAC_NOINLINE const struct rac_json *
eval_borrow_slowly(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *room)
{
    const struct rac_json *v;
    if (x->kind == NODE_ACCESS)
        return enter(x, run) && eval_access(x, run, &v) ? leave(run, v) : NULL;
    if (x->kind == NODE_CALL && (v = of_trigger(x, run)) != NULL)
        return enter(x, run) ? leave(run, v) : NULL;
    return eval_node(x, run, room) ? room : NULL;
}

static inline const struct rac_json *eval_borrow(const struct rac_expr *x, struct rac_expr_run *run,
                                                 struct rac_json *room)
{
    const struct rac_json *v;
    if (x->kind == NODE_CONST)
        return &x->value;
    if (x->way == WAY_TRIGGER_MEMBER && (v = member_of_trigger(x, run)) != NULL)
        return v;
    return eval_borrow_slowly(x, run, room);
}

static bool eval_access(const struct rac_expr *x, struct rac_expr_run *run,
                        const struct rac_json **out)
{
    struct rac_json object_room, key_room;
    const struct rac_json *object = eval_borrow(x->object, run, &object_room), *key;
    if (object == NULL || (key = eval_borrow(x->key, run, &key_room)) == NULL)
        return false;
    if (object->type == RAC_JSON_OBJECT)
        return access_object(x, run, object, key, out);
    if (object->type == RAC_JSON_ARRAY)
        return access_array(x, run, object, key, out);
    if (object->type == RAC_JSON_NULL && x->tolerant) {
        *out = &null_value;
        return true;
    }
    rac_str name = rac_expr_text(key, run->a);
    return fail_at(run, x, RAC_EXPR_ACCESS,
                   "The template language expression '%.*s' cannot be evaluated because property "
                   "'%.*s' cannot be selected. Property selection is not supported on values of "
                   "type '%s'.",
                   RAC_FMT(source_of(x)), RAC_FMT(rac_str_sub(name, 0, 100)),
                   rac_expr_type_name(object));
}

/* --- calls, text, trees ----------------------------------------------------------------------- */

/* Two numbers that fit their type, or a double exactly. False: by the function itself. */
static inline bool of_integers(enum short_way way, int64_t x, int64_t y, struct rac_json *out)
{
    int64_t r;
    switch (way) {
    case WAY_ADD:
        return !__builtin_add_overflow(x, y, &r) && answer_int(out, r);
    case WAY_SUB:
        return !__builtin_sub_overflow(x, y, &r) && answer_int(out, r);
    case WAY_MUL:
        return !__builtin_mul_overflow(x, y, &r) && answer_int(out, r);
    case WAY_GREATER:
        return answer_bool(out, x > y);
    case WAY_GREATER_OR_EQUALS:
        return answer_bool(out, x >= y);
    case WAY_LESS:
        return answer_bool(out, x < y);
    default:
        return answer_bool(out, x <= y);
    }
}

static inline bool of_doubles(enum short_way way, double x, double y, struct rac_json *out)
{
    switch (way) {
    case WAY_ADD:
        return answer_double(out, x + y);
    case WAY_SUB:
        return answer_double(out, x - y);
    case WAY_MUL:
        return answer_double(out, x * y);
    case WAY_GREATER:
        return answer_bool(out, x > y);
    case WAY_GREATER_OR_EQUALS:
        return answer_bool(out, x >= y);
    case WAY_LESS:
        return answer_bool(out, x < y);
    default:
        return answer_bool(out, x <= y);
    }
}

/* What a double holds exactly; NaN has an order of its own. */
static inline bool plain_double(const struct rac_json *v, double *d)
{
    if (v->type == RAC_JSON_DOUBLE)
        *d = v->d;
    else if (v->type == RAC_JSON_INT && v->i > -(1LL << 53) && v->i < 1LL << 53)
        *d = (double)v->i;
    else if (v->type == RAC_JSON_NUMBER && !is_decimal(v))
        *d = rac_json_double(v, 0);
    else
        return false;
    return *d == *d;
}

/* Arguments are read where they lie: copies of them would be read back before they have left the
 * store buffer. */
static bool eval_numbers(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    struct call c = {run, x, run->a};
    struct rac_json room[2], v[2];
    double dx, dy;
    const struct rac_json *a = eval_borrow(x->args[0], run, &room[0]), *b;
    if (a == NULL || (b = eval_borrow(x->args[1], run, &room[1])) == NULL)
        return false;
    if (a->type == RAC_JSON_INT && b->type == RAC_JSON_INT) {
        if (of_integers((enum short_way)x->way, a->i, b->i, out))
            return true;
    } else if (plain_double(a, &dx) && plain_double(b, &dy)) {
        return of_doubles((enum short_way)x->way, dx, dy, out);
    }
    v[0] = *a;
    v[1] = *b;
    uint64_t bytes =
        (a->type == RAC_JSON_STRING ? a->n : 0) + (uint64_t)(b->type == RAC_JSON_STRING ? b->n : 0);
    return charge(&c, bytes / 64) && x->fn->eager(&c, v, 2, out);
}

static bool eval_eager(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *v,
                       struct rac_json *out)
{
    struct call c = {run, x, run->a};
    uint64_t bytes = 0;
    for (size_t i = 0; i < x->args_n; i++) {
        const struct rac_json *lies = eval_borrow(x->args[i], run, &v[i]);
        if (lies == NULL)
            return false;
        bytes += lies->type == RAC_JSON_STRING ? lies->n : 0;
        if (lies != &v[i])
            v[i] = *lies;
    }
    if (RAC_UNLIKELY(bytes >= 64 || rac_arena_over(run->a)) &&
        !charge(&c, bytes / 64)) /* what reads texts costs their size */
        return false;
    return x->fn->eager(&c, v, x->args_n, out);
}

/* Apart, so that calls of few arguments pay for few on the stack. */
static RAC_NOINLINE bool eval_long_call(const struct rac_expr *x, struct rac_expr_run *run,
                                        struct rac_json *out)
{
    return eval_eager(x, run, RAC_NEW_N(run->a, struct rac_json, x->args_n), out);
}

static bool eval_call(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    struct call c = {run, x, run->a};
    struct rac_json v[ARGS_FAST];
    if (x->way != WAY_NONE && x->way < WAY_NUMBERS_END)
        return eval_numbers(x, run, out);
    if (RAC_UNLIKELY(x->fn == NULL))
        return fail_at(run, x, RAC_EXPR_FUNCTION,
                       "The template function '%.*s' is not defined or not valid.",
                       RAC_FMT(x->name));
    if (x->fn->lazy != NULL)
        return x->fn->lazy(&c, x->args, x->args_n, out);
    return x->args_n <= ARGS_FAST ? eval_eager(x, run, v, out) : eval_long_call(x, run, out);
}

static RAC_NOINLINE bool eval_text(const struct rac_expr *x, struct rac_expr_run *run,
                                   struct rac_json *out)
{
    struct call c = {run, x, run->a};
    rac_str fast[PARTS_FAST],
        *parts = x->args_n <= PARTS_FAST ? fast : (rac_str *)RAC_NEW_N(run->a, rac_str, x->args_n);
    for (size_t i = 0; i < x->args_n; i++) {
        struct rac_json room;
        const struct rac_json *v = eval_borrow(x->args[i], run, &room);
        if (v == NULL || !text_of(&c, v, &parts[i]))
            return false;
    }
    return join_text(&c, parts, x->args_n, RAC_S(""), out);
}

static RAC_NOINLINE bool eval_object(const struct rac_expr *x, struct rac_expr_run *run,
                                     struct rac_json *out)
{
    const struct rac_json_object *shape = x->shape->object; /* its keys are unique */
    struct rac_json made = rac_json_new_object_n(run->a, x->parts_n);
    for (size_t i = 0; i < x->parts_n; i++) {
        struct rac_json room;
        const struct rac_json *v =
            x->parts[i] == NULL ? &shape->v[i].value : eval_borrow(x->parts[i], run, &room);
        if (v == NULL)
            return false;
        rac_json_add_new(run->a, &made, rac_json_key(&shape->v[i]), *v);
    }
    *out = made;
    return true;
}

static RAC_NOINLINE bool eval_array(const struct rac_expr *x, struct rac_expr_run *run,
                                    struct rac_json *out)
{
    struct rac_json made = rac_json_new_array(run->a);
    for (size_t i = 0; i < x->parts_n; i++) {
        struct rac_json room;
        const struct rac_json *v =
            x->parts[i] == NULL ? rac_json_at(x->shape, i) : eval_borrow(x->parts[i], run, &room);
        if (v == NULL)
            return false;
        rac_json_add(run->a, &made, *v);
    }
    *out = made;
    return true;
}

bool eval_node(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    const struct rac_json *v = &x->value;
    bool ok = true;
    if (x->kind == NODE_CONST) {
        *out = *v;
        return true;
    }
    if (!enter(x, run))
        return false;
    switch ((enum node_kind)x->kind) {
    case NODE_CALL:
        ok = eval_call(x, run, out);
        break;
    case NODE_ACCESS:
        ok = eval_access(x, run, &v);
        if (ok)
            *out = *v;
        break;
    case NODE_TEXT:
        ok = eval_text(x, run, out);
        break;
    case NODE_OBJECT:
        ok = eval_object(x, run, out);
        break;
    case NODE_BROKEN:
        ok = fail_at(run, x, (enum rac_expr_category)x->args_n, "%.*s", (int)v->n, v->s);
        break;
    default:
        ok = eval_array(x, run, out);
    }
    run->depth -= ok;
    return ok;
}

size_t string_max(const struct rac_expr_run *run)
{
    return run->limits.string_max;
}

void eval_begin(struct rac_expr_run *run)
{
    run->depth = 0;
    if (run->limits.steps_max == 0)
        run->limits.steps_max = STEPS_MAX_DEFAULT;
    if (run->limits.string_max == 0)
        run->limits.string_max = STRING_MAX_DEFAULT;
    run->error = (struct rac_expr_error){0};
}

static rac_err finish(const struct rac_expr *x, struct rac_expr_run *run, bool ok)
{
    if (!ok)
        return run->depth == UINT32_MAX ? RAC_E_LIMIT : RAC_E_INVALID;
    if (!rac_arena_over(run->a))
        return RAC_OK;
    struct call c = {run, x, run->a};
    (void)fail_limit(&c, "its values take more memory than allowed");
    return RAC_E_LIMIT;
}

rac_err rac_expr_eval(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out)
{
    struct rac_json v;
    eval_begin(run);
    rac_err e = finish(x, run, eval_node(x, run, &v));
    if (e == RAC_OK)
        *out = v;
    return e;
}

rac_err rac_expr_call(rac_str name, const struct rac_json *v, size_t n, struct rac_expr_run *run,
                      struct rac_json *out)
{
    struct rac_expr x = {.kind = NODE_CALL, .fn = fn_find(name), .name = name};
    struct call c = {run, &x, run->a};
    struct rac_json made;
    uint64_t bytes = 0;
    RAC_ASSERT(x.fn != NULL && x.fn->eager != NULL && x.fn->ref < 0);
    eval_begin(run);
    for (size_t i = 0; i < n; i++)
        bytes += v[i].type == RAC_JSON_STRING ? v[i].n : 0;
    bool ok = n >= x.fn->info.args_min && n <= x.fn->info.args_max
                  ? charge(&c, 1 + bytes / 64) && x.fn->eager(&c, v, n, &made)
                  : fail(&c, RAC_EXPR_ARGUMENT,
                         "The template function '%.*s' has another number "
                         "of parameters.",
                         RAC_FMT(name));
    rac_err e = finish(&x, run, ok);
    if (e == RAC_OK)
        *out = made;
    return e;
}
