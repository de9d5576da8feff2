/* Variables (spec workflows §3.8). Each operation is one step of the run: none interleaves. */
#include "base/str.h"
#include "workflow/run_priv.h"

enum { ARRAY_ITEMS_MAX = 100000, STRING_MAX = 104857600, STATELESS_STRING_MAX = 1024 };

static const struct rac_json *member(const struct rac_json *o, rac_str name)
{
    const struct rac_json *v = rac_json_get(o, name);
    return v != NULL ? v : rac_json_geti(o, name);
}

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

static bool assign(struct rac_run *r, struct rac_wf_record *x, struct variable *var,
                   const struct rac_json *v)
{
    int type = type_of(var->type);
    if (v->type == RAC_JSON_NULL && (type == STRING || type == ARRAY || type == OBJECT)) {
        var->value = initial(r, type);
        return true;
    }
    if (!fits(type, v)) {
        run_fail(
            r, x, "BadRequest", "BadRequest",
            "The variable '%.*s' of type '%.*s' cannot be initialized or updated with value of "
            "type '%s'. The variable '%.*s' only supports values of types '%.*s'.",
            RAC_FMT(var->name), RAC_FMT(var->type), rac_expr_type_name(v), RAC_FMT(var->name),
            RAC_FMT(var->type));
        return false;
    }
    size_t most = r->plan->workflow->stateless ? STATELESS_STRING_MAX : STRING_MAX;
    if (v->type == RAC_JSON_STRING && v->n > most) {
        run_fail(r, x, "VariableSizeLimitExceeded", "VariableSizeLimitExceeded",
                 "The value of variable '%.*s' has %u characters; at most %zu are allowed.",
                 RAC_FMT(var->name), v->n, most);
        return false;
    }
    if (v->type == RAC_JSON_ARRAY && rac_json_len(v) > ARRAY_ITEMS_MAX) {
        run_fail(r, x, "BadRequest", "BadRequest",
                 "The number of array items in variable '%.*s' reached the limit: maximum '%d' and "
                 "actual '%zu'.",
                 RAC_FMT(var->name), ARRAY_ITEMS_MAX, rac_json_len(v));
        return false;
    }
    var->value = *v;
    var->own = false;
    return true;
}

static bool initialize(struct rac_run *r, struct rac_wf_record *x, const struct rac_json *v)
{
    rac_str name = rac_json_str(member(v, RAC_S("name")), RAC_S("")),
            word = rac_json_str(member(v, RAC_S("type")), RAC_S(""));
    const struct rac_json *value = member(v, RAC_S("value"));
    int type = type_of(word);
    if (name.n == 0 || type < 0) {
        run_fail(r, x, "BadRequest", "InvalidTemplate",
                 "The action '%.*s' needs a name and a type of String, Integer, Float, Boolean, "
                 "Object or Array.",
                 RAC_FMT(x->action->name));
        return false;
    }
    rac_str key = rac_str_lower(r->a, name);
    if (rac_map_has(&r->variables, key)) {
        run_fail(r, x, "BadRequest", "InvalidVariableInitialization",
                 "The variable '%.*s' is initialized already.", RAC_FMT(name));
        return false;
    }
    struct variable *var = RAC_NEW(r->a, struct variable);
    *var = (struct variable){.name = name, .type = types[type], .value = initial(r, type)};
    if (value != NULL && value->type != RAC_JSON_NULL && !assign(r, x, var, value))
        return false;
    rac_map_put(&r->variables, key, var);
    return true;
}

void act_initialize_variable(struct rac_run *r, struct rac_wf_record *x)
{
    const struct rac_json *list = member(&x->inputs, RAC_S("variables"));
    if (list == NULL) {
        if (initialize(r, x, &x->inputs))
            run_succeed(x, "NotSpecified");
        return;
    }
    RAC_JSON_EACH(v, list)
    if (!initialize(r, x, v))
        return;
    run_succeed(x, "NotSpecified");
}

static struct variable *find(struct rac_run *r, struct rac_wf_record *x)
{
    rac_str name = rac_json_str(member(&x->inputs, RAC_S("name")), RAC_S(""));
    struct variable *v = rac_map_get(&r->variables, rac_str_lower(r->a, name));
    if (v == NULL)
        run_fail(r, x, "BadRequest", "InvalidVariableOperation",
                 "The inputs of workflow run action '%.*s' of type '%.*s' are not valid. The "
                 "variable '%.*s' must be initialized before it can be used inside action '%.*s'.",
                 RAC_FMT(x->action->name), RAC_FMT(x->action->type_word), RAC_FMT(name),
                 RAC_FMT(x->action->name));
    return v;
}

static void put_outputs(struct rac_run *r, struct rac_wf_record *x, const struct variable *v)
{
    struct rac_json body = rac_json_new_object(r->a);
    RAC_JSON_PUT_STR(r->a, &body, "name", v->name);
    RAC_JSON_PUT(r->a, &body, "value", v->value);
    x->outputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &x->outputs, "body", body);
    run_succeed(x, "NotSpecified");
}

void act_set_variable(struct rac_run *r, struct rac_wf_record *x)
{
    struct variable *v = find(r, x);
    const struct rac_json *value = member(&x->inputs, RAC_S("value"));
    struct rac_json null = rac_json_of_null();
    if (v != NULL && assign(r, x, v, value ? value : &null))
        put_outputs(r, x, v);
}

static void step_by(struct rac_run *r, struct rac_wf_record *x, int sign)
{
    struct variable *v = find(r, x);
    const struct rac_json *by = member(&x->inputs, RAC_S("value"));
    struct rac_json one = rac_json_of_int(1), sum;
    if (v == NULL)
        return;
    by = by == NULL || by->type == RAC_JSON_NULL ? &one : by;
    int64_t i;
    if (!rac_json_is_number(&v->value) || !rac_json_is_number(by)) {
        run_fail(r, x, "BadRequest", "BadRequest",
                 "The variable '%.*s' of type '%.*s' cannot be incremented or decremented by a "
                 "value of type '%s'.",
                 RAC_FMT(v->name), RAC_FMT(v->type), rac_expr_type_name(by));
        return;
    }
    if (v->value.type == RAC_JSON_INT && by->type == RAC_JSON_INT) {
        if (sign > 0 ? __builtin_add_overflow(v->value.i, by->i, &i)
                     : __builtin_sub_overflow(v->value.i, by->i, &i)) {
            run_fail(r, x, "BadRequest", "BadRequest", "The value of variable '%.*s' overflows.",
                     RAC_FMT(v->name));
            return;
        }
        sum = rac_json_of_int(i);
    } else {
        sum = rac_json_of_double(rac_json_double(&v->value, 0) + sign * rac_json_double(by, 0));
    }
    if (assign(r, x, v, &sum))
        put_outputs(r, x, v);
}

void act_increment_variable(struct rac_run *r, struct rac_wf_record *x)
{
    step_by(r, x, 1);
}

void act_decrement_variable(struct rac_run *r, struct rac_wf_record *x)
{
    step_by(r, x, -1);
}

void act_append_to_string(struct rac_run *r, struct rac_wf_record *x)
{
    struct variable *v = find(r, x);
    const struct rac_json *value = member(&x->inputs, RAC_S("value"));
    if (v == NULL)
        return;
    if (v->value.type != RAC_JSON_STRING) {
        run_fail(r, x, "BadRequest", "BadRequest", "The variable '%.*s' is not a string.",
                 RAC_FMT(v->name));
        return;
    }
    rac_str tail = value ? rac_expr_text(value, r->a) : RAC_S("");
    struct rac_json sum =
        rac_json_of_str(rac_str_concat(r->a, (rac_str){v->value.s, v->value.n}, tail));
    if (assign(r, x, v, &sum))
        run_succeed(x, "NotSpecified");
}

/* A new head over the same elements: whoever read the variable before keeps its shorter view. Only
 * the variable's own head is appended to, so the place behind its last element is free. */
static struct rac_json longer_by(struct rac_run *r, const struct rac_json *v, struct rac_json last)
{
    const struct rac_json_array *old = v->array;
    struct rac_json_array *head = RAC_NEW(r->a, struct rac_json_array);
    *head = *old;
    if (head->n == head->cap) {
        head->cap = head->cap ? head->cap * 2 : 8;
        head->v = rac_arena_alloc_dirty(r->a, head->cap * sizeof *head->v);
        if (old->n > 0)
            memcpy(head->v, old->v, old->n * sizeof *head->v);
    }
    head->v[head->n++] = last;
    return (struct rac_json){.type = RAC_JSON_ARRAY, .array = head};
}

void act_append_to_array(struct rac_run *r, struct rac_wf_record *x)
{
    struct variable *v = find(r, x);
    const struct rac_json *value = member(&x->inputs, RAC_S("value"));
    if (v == NULL)
        return;
    if (v->value.type != RAC_JSON_ARRAY) {
        run_fail(r, x, "BadRequest", "BadRequest", "The variable '%.*s' is not an array.",
                 RAC_FMT(v->name));
        return;
    }
    if (!v->own) { /* its elements may be somebody else's: they are copied once */
        struct rac_json copy = rac_json_new_array(r->a);
        RAC_JSON_EACH(e, &v->value)
        rac_json_add(r->a, &copy, *e);
        v->value = copy;
    }
    struct rac_json longer = longer_by(r, &v->value, value ? *value : rac_json_of_null());
    if (assign(r, x, v, &longer)) {
        v->own = true;
        run_succeed(x, "NotSpecified");
    }
}
