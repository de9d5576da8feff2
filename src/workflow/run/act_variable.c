/* Variables (spec workflows §3.8). Each operation is one step of the run: none interleaves. */
#include "base/str.h"
#include "workflow/run/run_priv.h"

enum {
    ARRAY_ITEMS_MAX = 100000,
    STRING_MAX = 104857600,
    STATELESS_STRING_MAX = 1024,
    VARIABLES_MAX = 250
};

static const rac_str types[] = {RAC_S_INIT("String"),  RAC_S_INIT("Integer"), RAC_S_INIT("Float"),
                                RAC_S_INIT("Boolean"), RAC_S_INIT("Object"),  RAC_S_INIT("Array")};
enum { STRING, INTEGER, FLOAT, BOOLEAN, OBJECT, ARRAY };

static int type_of(rac_str word)
{
    for (size_t i = 0; i < RAC_COUNT(types); i++)
        if (rac_str_eqi(word, types[i]))
            return (int)i;
    return -1;
}

static struct rac_json initial(struct rac_run *r, int type)
{
    switch (type) {
    case STRING:
        return rac_json_of_str(RAC_S(""));
    case INTEGER:
        return rac_json_of_int(0);
    case FLOAT:
        return rac_json_of_double(0);
    case BOOLEAN:
        return rac_json_of_bool(false);
    case ARRAY:
        return rac_json_new_array(r->a);
    default:
        return rac_json_of_null();
    }
}

static bool fits(int type, const struct rac_json *v)
{
    switch (type) {
    case STRING:
        return v->type == RAC_JSON_STRING;
    case INTEGER:
        return v->type == RAC_JSON_INT;
    case FLOAT:
        return rac_json_is_number(v);
    case BOOLEAN:
        return v->type == RAC_JSON_BOOL;
    case ARRAY:
        return v->type == RAC_JSON_ARRAY;
    default:
        return v->type == RAC_JSON_OBJECT || v->type == RAC_JSON_NULL;
    }
}

/* *value becomes what the variable would hold; false: it cannot, *o has failed. */
static bool accept(struct rac_run *r, const struct variable *var, struct rac_json *value,
                   struct rac_act_result *o)
{
    int type = type_of(var->type);
    if (value->type == RAC_JSON_NULL && (type == STRING || type == ARRAY || type == OBJECT))
        *value = initial(r, type);
    if (!fits(type, value)) {
        run_fail(
            r, o, "BadRequest", "BadRequest",
            "The variable '%.*s' of type '%.*s' cannot be initialized or updated with value of "
            "type '%s'. The variable '%.*s' only supports values of types '%.*s'.",
            RAC_FMT(var->name), RAC_FMT(var->type), rac_expr_type_name(value), RAC_FMT(var->name),
            RAC_FMT(var->type));
        return false;
    }
    size_t most = r->plan->workflow->stateless ? STATELESS_STRING_MAX : STRING_MAX;
    if (value->type == RAC_JSON_STRING && value->n > most) {
        run_fail(r, o, "VariableSizeLimitExceeded", "VariableSizeLimitExceeded",
                 "The value of variable '%.*s' has %u characters; at most %zu are allowed.",
                 RAC_FMT(var->name), value->n, most);
        return false;
    }
    if (value->type == RAC_JSON_ARRAY && rac_json_len(value) > ARRAY_ITEMS_MAX) {
        run_fail(r, o, "BadRequest", "BadRequest",
                 "The number of array items in variable '%.*s' reached the limit: maximum '%d' and "
                 "actual '%zu'.",
                 RAC_FMT(var->name), ARRAY_ITEMS_MAX, rac_json_len(value));
        return false;
    }
    return true;
}

/* --- entries ---------------------------------------------------------------------------------- */

static void enter(struct rac_run *r, const struct variable *v, enum rac_variable_op op,
                  struct rac_json value)
{
    struct rac_entry e = {.kind = RAC_ENTRY_VARIABLE,
                          .reason = (uint8_t)op,
                          .index = v->index,
                          .extra = run_value(value)};
    struct rac_json made = value;
    if (op == RAC_VARIABLE_INIT) {
        made = rac_json_new_object(r->a);
        RAC_JSON_PUT_STR(r->a, &made, "name", v->name);
        RAC_JSON_PUT_STR(r->a, &made, "type", v->type);
        RAC_JSON_PUT(r->a, &made, "value", value);
        e.extra = run_value(made);
    }
    run_emit(r, &e);
}

static void variable_new(struct rac_run *r, const struct rac_json *made)
{
    struct variable *v = RAC_NEW(r->a, struct variable);
    int type = type_of(rac_json_str(RAC_JSON_GET(made, "type"), RAC_S("")));
    const struct rac_json *value = RAC_JSON_GET(made, "value");
    *v = (struct variable){.name = rac_json_str(RAC_JSON_GET(made, "name"), RAC_S("")),
                           .type = types[type < 0 ? OBJECT : type],
                           .value = value != NULL ? *value : rac_json_of_null(),
                           .index = (uint32_t)r->variables.n};
    rac_map_add(&r->variables, rac_str_lower(r->a, v->name), v);
}

/* A new head over the same elements: whoever read the variable before keeps its shorter view. Only
 * the variable's own head is appended to, so the place behind its last element is free. */
static struct rac_json longer_by(struct rac_run *r, const struct rac_json *v, struct rac_json last,
                                 bool own)
{
    const struct rac_json_array *old = v->array;
    struct rac_json_array *head = RAC_NEW(r->a, struct rac_json_array);
    *head = *old;
    if (!own || head->n == head->cap) {
        head->cap = head->n < 4 ? 8 : head->n * 2;
        head->v = rac_arena_alloc_dirty(r->a, head->cap * sizeof *head->v);
        if (old->n > 0)
            memcpy(head->v, old->v, old->n * sizeof *head->v);
    }
    head->v[head->n++] = last;
    return (struct rac_json){.type = RAC_JSON_ARRAY, .array = head};
}

/* The same for texts: v->room bytes stand at the text's place. */
static struct rac_json text_longer_by(struct rac_run *r, struct variable *v, rac_str tail)
{
    size_t n = v->value.n + tail.n;
    char *p = (char *)(uintptr_t)v->value.s;
    if (!v->own || n > v->room) {
        v->room = n < 32 ? 64 : n * 2;
        p = rac_arena_alloc_dirty(r->a, v->room);
        memcpy(p, v->value.s, v->value.n);
    }
    if (tail.n > 0)
        memcpy(p + v->value.n, tail.p, tail.n);
    return rac_json_of_str((rac_str){p, n});
}

void run_variable_apply(struct rac_run *r, const struct rac_entry *e)
{
    if (e->reason == RAC_VARIABLE_INIT) {
        variable_new(r, &e->extra.v);
        return;
    }
    if (e->index >= r->variables.n)
        return;
    struct variable *v = r->variables.entries[e->index].value;
    if (e->reason == RAC_VARIABLE_SET) {
        v->value = e->extra.v;
        v->own = false;
    } else if (v->value.type == RAC_JSON_ARRAY) {
        v->value = longer_by(r, &v->value, e->extra.v, v->own);
        v->own = true;
    } else if (v->value.type == RAC_JSON_STRING) {
        v->value = text_longer_by(r, v, rac_json_str(&e->extra.v, RAC_S("")));
        v->own = true;
    }
}

/* --- actions ---------------------------------------------------------------------------------- */

static bool initialize(struct rac_run *r, struct rac_wf_record *x, const struct rac_json *v,
                       struct rac_act_result *o)
{
    rac_str name = rac_json_str(RAC_JSON_GETI(v, "name"), RAC_S("")),
            word = rac_json_str(RAC_JSON_GETI(v, "type"), RAC_S(""));
    const struct rac_json *given = RAC_JSON_GETI(v, "value");
    int type = type_of(word);
    if (name.n == 0 || type < 0) {
        run_fail(r, o, "BadRequest", "InvalidTemplate",
                 "The action '%.*s' needs a name and a type of String, Integer, Float, Boolean, "
                 "Object or Array.",
                 RAC_FMT(x->action->name));
        return false;
    }
    if (rac_map_has(&r->variables, rac_str_lower(r->a, name))) {
        run_fail(r, o, "BadRequest", "InvalidVariableInitialization",
                 "The variable '%.*s' is initialized already.", RAC_FMT(name));
        return false;
    }
    if (r->variables.n >= VARIABLES_MAX) {
        run_fail(r, o, "BadRequest", "InvalidVariableInitialization",
                 "A workflow has at most %d variables.", VARIABLES_MAX);
        return false;
    }
    struct variable made = {.name = name, .type = types[type], .index = (uint32_t)r->variables.n};
    struct rac_json value = initial(r, type);
    if (given != NULL && given->type != RAC_JSON_NULL) {
        value = *given;
        if (!accept(r, &made, &value, o))
            return false;
    }
    enter(r, &made, RAC_VARIABLE_INIT, value);
    return true;
}

void act_initialize_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    const struct rac_json *list = RAC_JSON_GETI(&x->inputs, "variables");
    if (list == NULL && !initialize(r, x, &x->inputs, o))
        return;
    RAC_JSON_EACH(v, list)
    if (!initialize(r, x, v, o))
        return;
    run_succeed(o, "NotSpecified");
}

static struct variable *find(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    rac_str name = rac_json_str(RAC_JSON_GETI(&x->inputs, "name"), RAC_S(""));
    struct variable *v = rac_map_get(&r->variables, rac_str_lower(r->a, name));
    if (v == NULL)
        run_fail(r, o, "BadRequest", "InvalidVariableOperation",
                 "The inputs of workflow run action '%.*s' of type '%.*s' are not valid. The "
                 "variable '%.*s' must be initialized before it can be used inside action '%.*s'.",
                 RAC_FMT(x->action->name), RAC_FMT(x->action->type_word), RAC_FMT(name),
                 RAC_FMT(x->action->name));
    return v;
}

static void set_to(struct rac_run *r, struct variable *v, struct rac_json value,
                   struct rac_act_result *o)
{
    if (!accept(r, v, &value, o))
        return;
    enter(r, v, RAC_VARIABLE_SET, value);
    struct rac_json body = rac_json_new_object(r->a);
    RAC_JSON_PUT_STR(r->a, &body, "name", v->name);
    RAC_JSON_PUT(r->a, &body, "value", v->value);
    o->outputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &o->outputs, "body", body);
    run_succeed(o, "NotSpecified");
}

void act_set_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct variable *v = find(r, x, o);
    const struct rac_json *value = RAC_JSON_GETI(&x->inputs, "value");
    if (v != NULL)
        set_to(r, v, value ? *value : rac_json_of_null(), o);
}

static void step_by(struct rac_run *r, struct rac_wf_record *x, int sign, struct rac_act_result *o)
{
    struct variable *v = find(r, x, o);
    const struct rac_json *by = RAC_JSON_GETI(&x->inputs, "value");
    struct rac_json one = rac_json_of_int(1), sum;
    int64_t i;
    if (v == NULL)
        return;
    by = by == NULL || by->type == RAC_JSON_NULL ? &one : by;
    if (!rac_json_is_number(&v->value) || !rac_json_is_number(by)) {
        run_fail(r, o, "BadRequest", "BadRequest",
                 "The variable '%.*s' of type '%.*s' cannot be incremented or decremented by a "
                 "value of type '%s'.",
                 RAC_FMT(v->name), RAC_FMT(v->type), rac_expr_type_name(by));
        return;
    }
    if (v->value.type == RAC_JSON_INT && by->type == RAC_JSON_INT) {
        if (sign > 0 ? __builtin_add_overflow(v->value.i, by->i, &i)
                     : __builtin_sub_overflow(v->value.i, by->i, &i)) {
            run_fail(r, o, "BadRequest", "BadRequest", "The value of variable '%.*s' overflows.",
                     RAC_FMT(v->name));
            return;
        }
        sum = rac_json_of_int(i);
    } else {
        sum = rac_json_of_double(rac_json_double(&v->value, 0) + sign * rac_json_double(by, 0));
    }
    set_to(r, v, sum, o);
}

void act_increment_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    step_by(r, x, 1, o);
}

void act_decrement_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    step_by(r, x, -1, o);
}

void act_append_to_string(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct variable *v = find(r, x, o);
    const struct rac_json *value = RAC_JSON_GETI(&x->inputs, "value");
    if (v == NULL)
        return;
    if (v->value.type != RAC_JSON_STRING) {
        run_fail(r, o, "BadRequest", "BadRequest", "The variable '%.*s' is not a string.",
                 RAC_FMT(v->name));
        return;
    }
    rac_str tail = value ? rac_expr_text(value, r->a) : RAC_S("");
    size_t most = r->plan->workflow->stateless ? STATELESS_STRING_MAX : STRING_MAX;
    if (v->value.n + tail.n > most) {
        run_fail(r, o, "VariableSizeLimitExceeded", "VariableSizeLimitExceeded",
                 "The value of variable '%.*s' has %zu characters; at most %zu are allowed.",
                 RAC_FMT(v->name), v->value.n + tail.n, most);
        return;
    }
    enter(r, v, RAC_VARIABLE_APPEND, rac_json_of_str(tail));
    run_succeed(o, "NotSpecified");
}

void act_append_to_array(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct variable *v = find(r, x, o);
    const struct rac_json *value = RAC_JSON_GETI(&x->inputs, "value");
    if (v == NULL)
        return;
    if (v->value.type != RAC_JSON_ARRAY) {
        run_fail(r, o, "BadRequest", "BadRequest", "The variable '%.*s' is not an array.",
                 RAC_FMT(v->name));
        return;
    }
    if (rac_json_len(&v->value) >= ARRAY_ITEMS_MAX) {
        run_fail(r, o, "BadRequest", "BadRequest",
                 "The number of array items in variable '%.*s' reached the limit: maximum '%d' and "
                 "actual '%zu'.",
                 RAC_FMT(v->name), ARRAY_ITEMS_MAX, rac_json_len(&v->value) + 1);
        return;
    }
    enter(r, v, RAC_VARIABLE_APPEND, value ? *value : rac_json_of_null());
    run_succeed(o, "NotSpecified");
}
