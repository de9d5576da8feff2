/* References to the run (spec expressions §16.7), form and multipart content. */
#include "expr/functions_priv.h"

static bool get(struct call *c, enum rac_expr_ref ref, rac_str name, struct rac_json *out)
{
    const struct rac_expr_scope *s = c->run->scope;
    return s != NULL && s->get != NULL && s->get(s->self, ref, name, c->a, out);
}

static bool absent(struct call *c, rac_str name)
{
    return name.p != NULL
               ? fail(c, RAC_EXPR_REFERENCE,
                      "The template language function '%s' refers to '%.*s', which does not exist "
                      "or has no value here.",
                      c->node->fn->info.name, RAC_FMT(name))
               : fail(c, RAC_EXPR_REFERENCE,
                      "The template language function '%s' has no value here.",
                      c->node->fn->info.name);
}

static bool reference(struct call *c, enum rac_expr_ref ref, rac_str name, struct rac_json *out)
{
    return get(c, ref, name, out) || absent(c, name);
}

static bool named(struct call *c, const struct rac_json *v, enum rac_expr_ref ref,
                  struct rac_json *out)
{
    rac_str name;
    return arg_str(c, v, 0, &name) && reference(c, ref, name, out);
}

static const struct rac_json null_value = {.type = RAC_JSON_NULL};

/* A member of a record; missing parts are null. */
static const struct rac_json *part(const struct rac_json *v, rac_str name)
{
    const struct rac_json *m = member_lookup(v, name);
    return m != NULL ? m : &null_value;
}

#define PLAIN(fn, ref)                                                                             \
    bool fn(struct call *c, const struct rac_json *v RAC_UNUSED, size_t n RAC_UNUSED,              \
            struct rac_json *out)                                                                  \
    {                                                                                              \
        return reference(c, ref, RAC_STR_NULL, out);                                               \
    }
#define NAMED(fn, ref)                                                                             \
    bool fn(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)   \
    {                                                                                              \
        return named(c, v, ref, out);                                                              \
    }

PLAIN(fn_action, RAC_EXPR_REF_ACTION)
PLAIN(fn_item, RAC_EXPR_REF_ITEM)
PLAIN(fn_workflow, RAC_EXPR_REF_WORKFLOW)
PLAIN(fn_list_callback_url, RAC_EXPR_REF_CALLBACK_URL)
PLAIN(fn_trigger, RAC_EXPR_REF_TRIGGER)
NAMED(fn_items, RAC_EXPR_REF_ITEMS)
NAMED(fn_iteration_indexes, RAC_EXPR_REF_ITERATION_INDEXES)
NAMED(fn_parameters, RAC_EXPR_REF_PARAMETERS)
NAMED(fn_result, RAC_EXPR_REF_RESULT)
NAMED(fn_variables, RAC_EXPR_REF_VARIABLES)

bool fn_appsetting(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                   struct rac_json *out)
{
    rac_str name;
    if (!arg_str(c, v, 0, &name))
        return false;
    if (!get(c, RAC_EXPR_REF_APPSETTING, name, out))
        *out = rac_json_of_null();
    return true;
}

bool fn_actions(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    struct rac_json record;
    rac_str name;
    if (!arg_str(c, v, 0, &name) || !reference(c, RAC_EXPR_REF_ACTIONS, name, &record))
        return false;
    if (record.type == RAC_JSON_ARRAY ||
        rac_str_eq(rac_json_str(rac_json_get(&record, RAC_S("name")), RAC_STR_NULL), name)) {
        *out = record;
        return true;
    }
    *out = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, out, "name", name);
    RAC_JSON_EACH_MEMBER(m, &record)
    if (!rac_str_eq(rac_json_key(m), RAC_S("name")))
        rac_json_put(c->a, out, rac_json_key(m), m->value);
    return true;
}

/* The outputs of an action, an array of them when it has one record an iteration. */
static bool outputs_of(struct call *c, const struct rac_json *v, struct rac_json *out, bool *many)
{
    const struct rac_expr_scope *s = c->run->scope;
    struct rac_json record;
    rac_str name;
    *many = false;
    if (!arg_str(c, v, 0, &name))
        return false;
    if (s != NULL && s->outputs != NULL && s->outputs(s->self, name, c->a, out, many))
        return true;
    if (!reference(c, RAC_EXPR_REF_ACTIONS, name, &record))
        return false;
    *many = record.type == RAC_JSON_ARRAY;
    if (!*many) {
        *out = *part(&record, RAC_S("outputs"));
        return true;
    }
    *out = rac_json_new_array(c->a);
    RAC_JSON_EACH(each, &record)
    rac_json_add(c->a, out, *part(each, RAC_S("outputs")));
    return charge(c, rac_json_len(&record));
}

bool fn_outputs(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    bool many;
    return outputs_of(c, v, out, &many);
}

bool fn_body(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    struct rac_json outputs;
    bool many;
    if (!outputs_of(c, v, &outputs, &many))
        return false;
    if (!many) {
        *out = *part(&outputs, RAC_S("body"));
        return true;
    }
    *out = rac_json_new_array(c->a);
    RAC_JSON_EACH(each, &outputs)
    rac_json_add(c->a, out, *part(each, RAC_S("body")));
    return charge(c, rac_json_len(&outputs));
}

/* Borrowed from the scope's record; NULL: failed. */
static const struct rac_json *trigger_outputs(struct call *c)
{
    const struct rac_expr_scope *s = c->run->scope;
    struct rac_json record;
    if (s != NULL && s->trigger_outputs != NULL)
        return s->trigger_outputs;
    if (!reference(c, RAC_EXPR_REF_TRIGGER, RAC_STR_NULL, &record))
        return NULL;
    return part(&record, RAC_S("outputs"));
}

bool fn_trigger_outputs(struct call *c, const struct rac_json *v RAC_UNUSED, size_t n RAC_UNUSED,
                        struct rac_json *out)
{
    const struct rac_json *outputs = trigger_outputs(c);
    if (outputs != NULL)
        *out = *outputs;
    return outputs != NULL;
}

bool fn_trigger_body(struct call *c, const struct rac_json *v RAC_UNUSED, size_t n RAC_UNUSED,
                     struct rac_json *out)
{
    const struct rac_expr_scope *s = c->run->scope;
    if (s != NULL && s->trigger_body != NULL) {
        *out = *s->trigger_body;
        return true;
    }
    const struct rac_json *outputs = trigger_outputs(c);
    if (outputs != NULL)
        *out = *part(outputs, RAC_S("body"));
    return outputs != NULL;
}

/* --- forms ------------------------------------------------------------------------------------ */

static bool form_values(struct call *c, const struct rac_json *body, const struct rac_json *v,
                        size_t key_at, bool one, struct rac_json *out)
{
    rac_str key;
    const struct rac_json *form = RAC_JSON_GET(body, "$formdata");
    if (!arg_str(c, v, key_at, &key))
        return false;
    if (!rac_json_is_array(form))
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' expects form content "
                    "(application/x-www-form-urlencoded).",
                    c->node->fn->info.name);
    if (!charge(c, rac_json_len(form)))
        return false;
    struct rac_json all = rac_json_new_array(c->a);
    RAC_JSON_EACH(pair, form)
    if (rac_str_eq(rac_json_str(RAC_JSON_GET(pair, "key"), RAC_STR_NULL), key) &&
        RAC_JSON_GET(pair, "value") != NULL)
        rac_json_add(c->a, &all, *RAC_JSON_GET(pair, "value"));
    if (!one) {
        *out = all;
        return true;
    }
    if (rac_json_len(&all) != 1)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' expects exactly one value of key '%.*s'; "
                    "there are %zu.",
                    c->node->fn->info.name, RAC_FMT(key), rac_json_len(&all));
    *out = *rac_json_at(&all, 0);
    return true;
}

static bool multipart(struct call *c, const struct rac_json *body, const struct rac_json *v,
                      size_t index_at, struct rac_json *out)
{
    int64_t i;
    const struct rac_json *parts = RAC_JSON_GET(body, "$multipart");
    if (!arg_int(c, v, index_at, &i))
        return false;
    const struct rac_json *found = i >= 0 ? rac_json_at(parts, (size_t)i) : NULL;
    if (found == NULL)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' was asked for part %lld; there are %zu.",
                    c->node->fn->info.name, (long long)i, rac_json_len(parts));
    *out = *part(found, RAC_S("body"));
    return true;
}

bool fn_form_data_value(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct rac_json body;
    return fn_body(c, v, n, &body) && form_values(c, &body, v, 1, true, out);
}

bool fn_form_data_multi_values(struct call *c, const struct rac_json *v, size_t n,
                               struct rac_json *out)
{
    struct rac_json body;
    return fn_body(c, v, n, &body) && form_values(c, &body, v, 1, false, out);
}

bool fn_multipart_body(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct rac_json body;
    return fn_body(c, v, n, &body) && multipart(c, &body, v, 1, out);
}

bool fn_trigger_form_data_value(struct call *c, const struct rac_json *v, size_t n,
                                struct rac_json *out)
{
    struct rac_json body;
    return fn_trigger_body(c, v, n, &body) && form_values(c, &body, v, 0, true, out);
}

bool fn_trigger_form_data_multi_values(struct call *c, const struct rac_json *v, size_t n,
                                       struct rac_json *out)
{
    struct rac_json body;
    return fn_trigger_body(c, v, n, &body) && form_values(c, &body, v, 0, false, out);
}

bool fn_trigger_multipart_body(struct call *c, const struct rac_json *v, size_t n,
                               struct rac_json *out)
{
    struct rac_json body;
    return fn_trigger_body(c, v, n, &body) && multipart(c, &body, v, 0, out);
}
