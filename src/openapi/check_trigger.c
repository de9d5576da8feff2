/* Triggers: the callback URL and the shape of the notification, and how to unsubscribe. */
#include "base/str.h"
#include "openapi/check_priv.h"

enum { INPUT_DEPTH_MAX = 64 };

/* --- what a body requires ------------------------------------------------------------------- */

struct chain {
    bool required, internal; /* every step so far; any step so far */
};

static bool list_names(const struct rac_json *list, rac_str name)
{
    RAC_JSON_EACH(e, list)
    if (rac_str_eq(rac_json_str(e, RAC_STR_NULL), name))
        return true;
    return false;
}

static void check_url(struct check *c, const struct rac_json *schema, const struct where *at,
                      rac_str name, struct chain chain)
{
    const struct rac_json *type = RAC_JSON_GET(schema, "type");
    struct where here = AT_LIT(at, "type");
    if (!rac_str_eq(rac_json_str(type, RAC_S("string")), RAC_S("string")))
        FIND(c, TRG_02, &here, type, "the callback URL \"{}\" is not a string", name);
    if (!chain.required)
        FIND(c, TRG_02, at, schema, "the callback URL \"{}\" is not required all the way down",
             name);
    if (!chain.internal)
        FIND(c, TRG_02, at, schema, "the callback URL \"{}\" is not internal", name);
}

static void walk_input(struct check *c, const struct rac_json *schema, const struct where *at,
                       struct chain chain, int depth);

/* Steps to the target of a reference, once for all bodies. */
static void walk_ref(struct check *c, const struct rac_json *ref, struct chain chain, int depth)
{
    rac_str text = rac_json_str(ref, RAC_S(""));
    const struct rac_json *target = rac_api_lookup(c->api, text);
    if (target == NULL || text.n < 2)
        return;
    rac_str key = {(const char *)&target, sizeof(target)};
    if (rac_map_has(&c->inputs, key))
        return;
    rac_map_put(&c->inputs, rac_arena_str(c->a, key), c);
    struct where here = AT_POINTER(rac_str_from(text, 1));
    walk_input(c, target, &here, chain, depth + 1);
}

static void walk_property(struct check *c, const struct rac_json *required,
                          const struct rac_json_member *m, const struct where *list,
                          struct chain chain, int depth)
{
    rac_str name = rac_json_key(m);
    struct where here = AT_KEY(list, name);
    const struct rac_json *p = &m->value;
    bool url = rac_json_bool(RAC_JSON_GET(p, "x-ms-notification-url"), false);
    bool read_only = rac_json_bool(RAC_JSON_GET(p, "readOnly"), false);
    struct chain inner = chain;
    if (url || read_only || rac_json_is_object(p)) {
        bool asked = url || read_only || RAC_JSON_GET(p, "properties") != NULL ||
                     RAC_JSON_GET(p, "$ref") != NULL;
        bool is_required = asked && rac_json_len(required) <= 1024 && list_names(required, name);
        inner.required = chain.required && is_required;
        inner.internal = chain.internal || rac_api_visibility(p) == RAC_VISIBILITY_INTERNAL;
        if (read_only && is_required)
            FIND(c, SCH_04, &here, p, "property \"{}\" is read-only, but a body requires it", name);
    }
    if (url)
        check_url(c, p, &here, name, inner);
    walk_input(c, p, &here, inner, depth + 1);
}

static void walk_input(struct check *c, const struct rac_json *schema, const struct where *at,
                       struct chain chain, int depth)
{
    if (!rac_json_is_object(schema) || depth > INPUT_DEPTH_MAX)
        return;
    const struct rac_json *ref = RAC_JSON_GET(schema, "$ref");
    if (rac_json_is_string(ref)) {
        walk_ref(c, ref, chain, depth);
        return;
    }
    const struct rac_json *required = RAC_JSON_GET(schema, "required");
    struct where list = AT_LIT(at, "properties");
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(schema, "properties"))
    walk_property(c, required, m, &list, chain, depth);
    struct where parts = AT_LIT(at, "allOf");
    size_t i = 0;
    RAC_JSON_EACH(part, RAC_JSON_GET(schema, "allOf"))
    {
        struct where here = AT_INDEX(&parts, i++);
        walk_input(c, part, &here, chain, depth + 1);
    }
    const struct rac_json *items = RAC_JSON_GET(schema, "items");
    struct where here = AT_LIT(at, "items");
    if (items != NULL)
        walk_input(c, items, &here, (struct chain){.internal = chain.internal}, depth + 1);
}

/* What a body requires, callback URL included; follows references, each once. */
static void check_input(struct check *c, const struct rac_api_param *body, const struct where *at)
{
    const struct rac_json *schema = RAC_JSON_GET(body->node, "schema");
    struct where here = AT_LIT(at, "schema");
    struct chain chain = {.required = body->required,
                          .internal = body->visibility == RAC_VISIBILITY_INTERNAL};
    if (rac_api_visibility(schema) == RAC_VISIBILITY_INTERNAL)
        chain.internal = true;
    walk_input(c, schema, &here, chain, 0);
}

/* --- triggers ------------------------------------------------------------------------------- */

static void check_webhook(struct check *c, const struct rac_api_operation *op,
                          const struct where *at)
{
    const struct rac_api_param *body = rac_api_body(op);
    if (body == NULL || !rac_api_has_callback_url(c->api, body->schema))
        FIND(c, TRG_01, at, op->node,
             "webhook \"{}\" has no property with x-ms-notification-url: true", op->id);
    if (op->notification == NULL)
        FIND(c, TRG_01, at, op->node, "webhook \"{}\" has no x-ms-notification-content on its path",
             op->id);
    bool can_delete = c->has_delete, location = false;
    RAC_JSON_EACH_MEMBER(m, op->responses)
    {
        const struct rac_json *headers = RAC_JSON_GET(rac_api_deref(c->api, &m->value), "headers");
        location |=
            m->key_n == 3 && m->key[0] == '2' && rac_json_geti(headers, RAC_S("Location")) != NULL;
    }
    if (!can_delete || !location)
        FIND(c, TRG_05, at, op->node,
             can_delete ? "the answer of webhook \"{}\" does not declare a Location header"
             : location ? "webhook \"{}\" has no DELETE operation to unsubscribe with"
                        : "webhook \"{}\" has neither a Location header nor a DELETE operation",
             op->id);
}

static void check_wake_up(struct check *c, const struct rac_api_operation *op,
                          const struct rac_json *node, const struct where *at)
{
    rac_str id = rac_json_str(rac_api_target(node), RAC_S(""));
    const struct rac_api_operation *target = rac_api_operation(c->api, id);
    if (op->trigger == RAC_TRIGGER_NONE)
        FIND(c, TRG_03, at, node, "\"{}\" is no trigger", op->id);
    else if (op->webhook)
        FIND(c, TRG_03, at, node, "\"{}\" is a webhook already", op->id);
    if (target == NULL) {
        FIND(c, DYN_01, at, node, "operation \"{}\" does not exist", id);
        return;
    }
    if (!target->webhook)
        FIND(c, TRG_03, at, node, "\"{}\" is no webhook", id);
    for (size_t i = 0; i < op->params_n; i++) {
        const struct rac_api_param *p = &op->params[i];
        const struct rac_api_param *q = rac_api_param(target, p->name, p->in);
        if (q == NULL || p->in == RAC_IN_BODY)
            continue;
        rac_str x = rac_json_str(RAC_JSON_GET(p->node, "type"), RAC_S(""));
        rac_str y = rac_json_str(RAC_JSON_GET(q->node, "type"), RAC_S(""));
        struct where here = AT_POINTER(p->pointer);
        if (!rac_str_eq(x, y) || p->visibility != q->visibility)
            FIND(c, PAR_07, &here, p->node,
                 "parameter \"{}\" has another type or visibility in \"{}\"", p->name, id);
    }
}

static void check_trigger_values(struct check *c, const struct members *s, const struct where *at)
{
    rac_str kind = rac_check_str(s, KW_X_TRIGGER);
    struct where here = AT_LIT(at, "x-ms-trigger");
    if (kind.p != NULL && !rac_str_eqi(kind, RAC_S("single")) && !rac_str_eqi(kind, RAC_S("batch")))
        FIND(c, DOC_03, &here, member_value(s, KW_X_TRIGGER),
             "x-ms-trigger is single or batch, not \"{}\"", kind);
    rac_str hint = rac_check_str(s, KW_X_TRIGGER_HINT);
    here = AT_LIT(at, "x-ms-trigger-hint");
    if (hint.n > 1000)
        FIND(c, TXT_01, &here, member_value(s, KW_X_TRIGGER_HINT),
             "the hint is longer than 1,000 characters");
}

void rac_check_trigger(struct check *c, const struct members *s, const struct where *at)
{
    const struct rac_api_operation *op = c->op;
    const struct rac_api_param *body = rac_api_body(op);
    check_trigger_values(c, s, at);
    if (body != NULL) {
        struct where here = AT_POINTER(body->pointer);
        check_input(c, body, &here);
    }
    if (op->webhook)
        check_webhook(c, op, at);
    const struct rac_json *node = member_value(s, KW_X_NOTIFICATION);
    struct where here = AT_LIT(at, "x-ms-notification");
    if (node != NULL)
        check_wake_up(c, op, node, &here);
    node = member_value(s, KW_X_OPERATION_CONTEXT);
    here = AT_LIT(at, "x-ms-operation-context");
    if (node != NULL)
        rac_check_context(c, node, &here);
}
