/*
 * Compilation: one walk over the API index of a definition, copying what calls need into the
 * connector's own arena. Order: document, connection parameters, policies, operations, routes.
 * The index and every lookup table of the walk live in a scratch arena that goes away at the end.
 */
#include "base/fetch.h"
#include "base/mem.h"
#include "base/str.h"
#include "connector/auth_plan.h"
#include "connector/connection.h"
#include "connector/connector.h"
#include "connector/notification.h"
#include "connector/package.h"
#include "connector/plan.h"
#include "connector/policy_priv.h"
#include "connector/route.h"
#include "connector/shape.h"
#include "connector/text_priv.h"
#include "connector/variables.h"
#include "openapi/api.h"
#include "openapi/read.h"

enum { ARENA_BYTES_MAX = 256 << 20 };

struct compile {
    struct rac_connector *c;
    struct rac_arena *a, *scratch; /* a: the connector's */
    struct rac_api *api;
    const struct rac_json *properties; /* below the root of the properties file; may be NULL */
    struct rac_shapes shapes;
    const struct rac_json *scripts; /* scriptOperations, or NULL */
    struct rac_diags *diags;
    bool notifies; /* the definition marks a callback URL somewhere */
};

static rac_str keep(struct compile *x, rac_str s)
{
    return s.p == NULL ? RAC_STR_NULL : rac_arena_str(x->a, s);
}

/* --- paths ----------------------------------------------------------------------------------- */

static int32_t param_index(const struct rac_op_plan *plan, rac_str name)
{
    for (uint32_t i = 0; i < plan->params_n; i++)
        if (plan->params[i].in == RAC_IN_PATH && rac_str_eq(plan->params[i].name, name))
            return (int32_t)i;
    for (uint32_t i = 0; i < plan->params_n; i++)
        if (plan->params[i].in == RAC_IN_PATH &&
            rac_str_eqi(rac_str_trim(plan->params[i].name), rac_str_trim(name)))
            return (int32_t)i;
    return -2;
}

static void path_compile(struct compile *x, rac_str path, struct rac_op_plan *plan)
{
    size_t holes = 0;
    for (size_t i = 0; i < path.n; i++)
        holes += path.p[i] == '{';
    plan->path = RAC_NEW_N(x->a, struct rac_path_piece, holes + 1);
    rac_str rest = path;
    for (;;) {
        struct rac_path_piece *p = &plan->path[plan->path_n++];
        size_t open = rac_str_find_char(rest, '{');
        size_t close =
            open == RAC_STR_NPOS ? RAC_STR_NPOS : rac_str_find_char(rac_str_from(rest, open), '}');
        if (close == RAC_STR_NPOS) {
            p->literal = rac_url_encode_set(x->a, rest, RAC_URL_PATH);
            p->param = -1;
            return;
        }
        p->literal = rac_url_encode_set(x->a, rac_str_sub(rest, 0, open), RAC_URL_PATH);
        p->name = rac_str_sub(rest, open + 1, close - 1);
        p->param = param_index(plan, p->name);
        rest = rac_str_from(rest, open + close + 1);
    }
}

/* --- parameters ------------------------------------------------------------------------------ */

static enum rac_collection collection_of(const struct rac_json *node)
{
    static const rac_str names[] = {RAC_S_INIT("csv"), RAC_S_INIT("ssv"), RAC_S_INIT("tsv"),
                                    RAC_S_INIT("pipes"), RAC_S_INIT("multi")};
    rac_str name = rac_json_str(RAC_JSON_GET(node, "collectionFormat"), RAC_S("csv"));
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (rac_str_eqi(names[i], name))
            return (enum rac_collection)i;
    return RAC_COLLECTION_CSV;
}

/* §6.3: headers that belong to the transport. */
static bool header_refused(rac_str name)
{
    static const rac_str names[] = {RAC_S_INIT("host"),    RAC_S_INIT("content-length"),
                                    RAC_S_INIT("te"),      RAC_S_INIT("transfer-encoding"),
                                    RAC_S_INIT("upgrade"), RAC_S_INIT("connection"),
                                    RAC_S_INIT("trailer"), RAC_S_INIT("keep-alive")};
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (rac_str_eqi(names[i], name))
            return true;
    return rac_str_startsi(name, RAC_S("proxy-"));
}

static void param_compile(struct compile *x, const struct rac_api_param *from,
                          struct rac_param_plan *to)
{
    to->name = keep(x, from->name);
    to->in = (uint8_t)from->in;
    to->required = from->required;
    to->visibility = (uint8_t)from->visibility;
    to->collection = (uint8_t)collection_of(from->node);
    to->allow_empty = rac_json_bool(RAC_JSON_GET(from->node, "allowEmptyValue"), false);
    to->shape = rac_shapes_of(&x->shapes, from->schema != NULL ? from->schema : from->node);
    rac_str encoding = rac_json_str(RAC_JSON_GET(from->node, "x-ms-url-encoding"), RAC_S(""));
    to->encode_twice = rac_str_eqi(encoding, RAC_S("double"));
    switch (from->in) {
    case RAC_IN_QUERY:
        to->wire = rac_url_encode_set(x->a, to->name, RAC_URL_COMPONENT);
        break;
    case RAC_IN_FORM:
        to->wire = to->name;
        if (to->shape->type == RAC_TYPE_FILE || to->shape->binary)
            to->file_name = rac_arena_printf(x->a, "%.*s (file name)", RAC_FMT(to->name));
        break;
    case RAC_IN_HEADER:
        to->wire = rac_str_trim(to->name);
        to->refused = header_refused(to->wire);
        break;
    default:
        to->wire = to->name;
    }
}

/* --- operations ------------------------------------------------------------------------------ */

static rac_str *words_copy(struct compile *x, const struct rac_json *list, uint32_t *n)
{
    size_t max = rac_json_is_array(list) ? rac_json_len(list) : 0;
    if (max > RAC_API_MEDIA_TYPES_MAX)
        max = RAC_API_MEDIA_TYPES_MAX;
    rac_str *v = RAC_NEW_N(x->a, rac_str, max);
    *n = 0;
    for (size_t i = 0; i < max; i++) {
        rac_str s = rac_str_trim(rac_json_str(rac_json_at(list, i), RAC_S("")));
        if (s.n > 0 && rac_header_is_value(s))
            v[(*n)++] = keep(x, s);
    }
    return v;
}

static rac_str accept_of(struct compile *x, const struct rac_json *produces)
{
    struct rac_cat c = rac_cat_new(x->a, 64);
    size_t n = rac_json_is_array(produces) ? rac_json_len(produces) : 0;
    for (size_t i = 0; i < n && i < RAC_API_MEDIA_TYPES_MAX; i++) {
        rac_str s = rac_str_trim(rac_json_str(rac_json_at(produces, i), RAC_S("")));
        if (s.n == 0 || !rac_header_is_value(s))
            continue;
        if (c.n > 0)
            rac_cat_add(&c, RAC_S(", "));
        rac_cat_add(&c, s);
    }
    return c.n > 0 ? rac_cat_str(&c) : RAC_S("application/json, */*;q=0.1");
}

static void policies_attach(struct compile *x, rac_str id, struct rac_op_plan *plan)
{
    const struct rac_policy_set *set = x->c->policies;
    plan->request = rac_policies_for(set, id, RAC_SECTION_REQUEST, x->a);
    plan->response = rac_policies_for(set, id, RAC_SECTION_RESPONSE, x->a);
    plan->failure = rac_policies_for(set, id, RAC_SECTION_FAILURE, x->a);
    for (size_t i = 0; i < plan->request.n; i++)
        plan->request_body_needed |=
            plan->request.v[i]->reads_body || plan->request.v[i]->writes_body;
    for (size_t i = 0; i < plan->response.n; i++)
        plan->answer_needed |= plan->response.v[i]->reads_body || plan->response.v[i]->writes_body;
    for (size_t i = 0; i < plan->failure.n; i++)
        plan->answer_needed |= plan->failure.v[i]->reads_body;
}

static const struct rac_op_plan *plan_compile(struct compile *x, const struct rac_api_operation *op,
                                              rac_str id)
{
    struct rac_op_plan *plan = RAC_NEW(x->a, struct rac_op_plan);
    plan->params = RAC_NEW_N(x->a, struct rac_param_plan, op->params_n);
    plan->params_n = (uint32_t)op->params_n;
    plan->body = -1;
    for (size_t i = 0; i < op->params_n; i++) {
        struct rac_param_plan *p = &plan->params[i];
        param_compile(x, &op->params[i], p);
        if (p->in == RAC_IN_BODY && plan->body < 0)
            plan->body = (int32_t)i;
        plan->has_form |= p->in == RAC_IN_FORM;
        plan->has_file |= p->in == RAC_IN_FORM && p->shape->binary;
    }
    path_compile(x, keep(x, op->path), plan);
    plan->consumes = words_copy(x, op->consumes, &plan->consumes_n);
    plan->accept = accept_of(x, op->produces);
    policies_attach(x, id, plan);
    if (x->notifies)
        plan->notification = rac_notification_find(x->api, op, x->a);
    return plan;
}

static bool script_wants(const struct compile *x, rac_str id)
{
    if (x->scripts == NULL)
        return false;
    if (rac_json_len(x->scripts) == 0)
        return true;
    RAC_JSON_EACH(e, x->scripts)
    {
        if (rac_str_eq(rac_json_str(e, RAC_STR_NULL), id))
            return true;
    }
    return false;
}

static void op_compile(struct compile *x, const struct rac_api_operation *from, struct rac_op *to)
{
    to->id = keep(x, from->id);
    to->path = keep(x, from->path);
    to->method = rac_str_upper(x->a, rac_str_of(rac_api_method_name(from->method)));
    to->summary = keep(x, from->summary);
    to->trigger = from->trigger;
    to->deprecated = from->deprecated;
    to->internal = from->visibility == RAC_VISIBILITY_INTERNAL;
    to->webhook = from->webhook;
    to->needs_script = script_wants(x, from->id);
    to->next_link_name = keep(
        x, rac_json_str(RAC_JSON_GET(RAC_JSON_GET(from->node, "x-ms-pageable"), "nextLinkName"),
                        RAC_STR_NULL));
    rac_auth_plan_build(x->api->root, from->node, x->a, &to->auth);
    to->plan = plan_compile(x, from, to->id);
}

static void ops_compile(struct compile *x)
{
    struct rac_connector *c = x->c;
    c->ops = RAC_NEW_N(x->a, struct rac_op, x->api->ops_n);
    rac_map_init(&c->ops_by_id, x->a);
    for (size_t i = 0; i < x->api->ops_n && !rac_arena_over(x->a); i++) {
        struct rac_op *op = &c->ops[c->ops_n++];
        op_compile(x, &x->api->ops[i], op);
        rac_map_add(&c->ops_by_id, op->id, op);
    }
    rac_shapes_finish(&x->shapes);
}

/* --- document -------------------------------------------------------------------------------- */

static rac_str scheme_of(const struct rac_json *schemes)
{
    rac_str first = RAC_STR_NULL;
    if (rac_json_is_array(schemes))
        RAC_JSON_EACH(e, schemes)
        {
            rac_str s = rac_json_str(e, RAC_S(""));
            if (rac_str_eqi(s, RAC_S("https")))
                return RAC_S("https");
            if (first.p == NULL && rac_str_eqi(s, RAC_S("http")))
                first = RAC_S("http");
        }
    return first.p != NULL ? first : RAC_S("https");
}

static rac_str base_path_of(struct compile *x)
{
    rac_str base = x->api->base_path;
    if (base.n == 0) /* spelt "basepath" in the wild */
        base = rac_json_str(rac_json_geti(x->api->root, RAC_S("basePath")), RAC_S(""));
    base = rac_str_trim(rac_variables_expand(base, false, x->scratch, NULL));
    while (rac_str_ends(base, RAC_S("/")))
        base.n--;
    if (base.n == 0)
        return RAC_S("");
    if (base.p[0] != '/')
        base = rac_str_concat(x->a, RAC_S("/"), base);
    return keep(x, rac_url_encode_set(x->a, base, RAC_URL_PATH));
}

static void document_compile(struct compile *x)
{
    struct rac_connector *c = x->c;
    c->title = keep(x, x->api->title);
    c->version = keep(x, x->api->version);
    c->description = keep(x, x->api->description);
    c->scheme = scheme_of(x->api->schemes);
    rac_str host = rac_str_trim(rac_variables_expand(x->api->host, false, x->scratch, NULL));
    size_t mark =
        rac_str_find(host, RAC_S("://")); /* "https://api.example": the scheme is a slip */
    if (mark != RAC_STR_NPOS)
        host = rac_str_from(host, mark + 3);
    while (rac_str_ends(host, RAC_S("/")))
        host.n--;
    c->host = keep(x, host);
    c->base_path = base_path_of(x);
    const struct rac_json *capabilities = RAC_JSON_GET(x->api->root, "x-ms-capabilities");
    const struct rac_json *test = RAC_JSON_GET(capabilities, "testConnection");
    if (rac_json_is_object(test))
        c->test_connection = rac_json_copy(x->a, test);
    c->brand_color =
        keep(x, rac_json_str(RAC_JSON_GET(x->properties, "iconBrandColor"), RAC_STR_NULL));
    c->publisher = keep(x, rac_json_str(RAC_JSON_GET(x->properties, "publisher"), RAC_STR_NULL));
    x->scripts = RAC_JSON_GET(x->properties, "scriptOperations");
    if (x->scripts == NULL)
        x->scripts = RAC_JSON_GET(RAC_JSON_GET(x->properties, "script"), "operationIds");
    if (!rac_json_is_array(x->scripts))
        x->scripts = NULL;
}

static rac_err compile_all(struct compile *x)
{
    document_compile(x);
    rac_err e = rac_conn_sets_parse(x->properties, x->c, x->diags);
    if (e != RAC_OK)
        return e;
    x->c->policies = rac_policies_compile(RAC_JSON_GET(x->properties, "policyTemplateInstances"),
                                          &x->api->by_id, x->a, x->diags);
    rac_shapes_init(&x->shapes, x->api, x->a, x->scratch);
    ops_compile(x);
    x->c->route = rac_route_build(x->c, x->a);
    return x->shapes.too_large || rac_arena_over(x->a) || rac_arena_over(x->scratch) ? RAC_E_LIMIT
                                                                                     : RAC_OK;
}

rac_err rac_connector_compile(struct rac_package *p, rac_str id, int64_t revision,
                              struct rac_connector **out, struct rac_diags *d)
{
    struct rac_document *doc = p->definition_doc;
    if (doc == NULL || !rac_json_is_object(&doc->root))
        return RAC_E_INVALID;
    if (doc->kind != RAC_DOC_SWAGGER2)
        return doc->kind == RAC_DOC_UNKNOWN || doc->kind == RAC_DOC_PROPERTIES ? RAC_E_INVALID
                                                                               : RAC_E_UNSUPPORTED;
    struct rac_arena scratch;
    rac_arena_init(&scratch, ARENA_BYTES_MAX);
    struct rac_connector *c = rac_mem_alloc(sizeof *c);
    c->magic = RAC_CONNECTOR_MAGIC;
    c->refs = 1;
    rac_arena_init(&c->arena, ARENA_BYTES_MAX);
    struct compile x = {.c = c, .a = &c->arena, .scratch = &scratch, .diags = d};
    c->id = keep(&x, id);
    c->revision = revision;
    x.properties = RAC_JSON_GET(rac_package_properties(p), "properties");
    x.notifies = rac_str_find(rac_package_bytes(p, RAC_PACKAGE_DEFINITION),
                              RAC_S("x-ms-notification-url")) != RAC_STR_NPOS;
    rac_err e = rac_api_build(&doc->root, &scratch, &x.api);
    if (e == RAC_OK)
        e = compile_all(&x);
    rac_arena_fini(&scratch);
    if (e != RAC_OK) {
        rac_connector_unref(c);
        return e;
    }
    *out = c;
    return RAC_OK;
}
