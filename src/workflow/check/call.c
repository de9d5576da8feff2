/*
 * Calls of connectors: the connection an action names, where the files that list them are at hand;
 * and, where the connector is at hand, its operation and the operation's parameters (spec
 * workflows §6.1-6.5).
 */
#include "base/str.h"
#include "connector/plan.h"
#include "connector/route.h"
#include "workflow/check/check_priv.h"

enum { PATH_MAX_BYTES = 4096 };

/* A call while it is judged. */
struct call {
    struct check *c;
    const struct at *inputs;
    const struct rac_op *op;
    struct at parameters; /* of an OpenApiConnection */
};

static rac_str last_segment(rac_str path)
{
    size_t slash = rac_str_rfind_char(path, '/');
    return slash == RAC_STR_NPOS ? path : rac_str_from(path, slash + 1);
}

/* --- connections ------------------------------------------------------------------------------ */

static void reference_missing(struct check *c, const struct at *at, const char *where, rac_str key)
{
    found(c, F_CONNECTION_REFERENCE, at,
          "The connection '%.*s' that %s '%.*s' names is not in '%s'.", RAC_FMT(key), c->noun,
          RAC_FMT(c->name), where);
}

static bool is_placeholder(rac_str s)
{
    return rac_str_findi(s, RAC_S("#workflowname#")) != RAC_STR_NPOS;
}

/* A name that has to be in a section of connections.json. */
static const struct rac_json *in_section(struct check *c, const struct at *at, const char *section,
                                         rac_str key)
{
    const struct rac_json *v =
        rac_json_geti(rac_json_geti(&c->w->connections, rac_str_of(section)), key);
    if (v == NULL && c->w->connections_known && !is_placeholder(key))
        reference_missing(c, at, section, key);
    return v;
}

static bool literal_at(struct check *c, const struct at *up, const char *name, struct at *out,
                       rac_str *s)
{
    return take_member(c, up, rac_str_of(name), T_STR, out) && is_literal(out->node, s);
}

/* The API id that an entry of connectionReferences or managedApiConnections gives. */
static rac_str api_of_reference(const struct rac_json *v)
{
    const struct rac_json *api = RAC_JSON_GETI(v, "api");
    rac_str id = rac_json_str(RAC_JSON_GETI(v, "id"), RAC_STR_NULL);
    if (id.p == NULL)
        id = rac_json_str(RAC_JSON_GETI(api, "id"), RAC_STR_NULL);
    return id.p != NULL ? id : rac_json_str(RAC_JSON_GETI(api, "name"), RAC_STR_NULL);
}

/* Of a flow's host, of an OpenApiConnection: the reference's key, and what it stands for. */
static rac_str flow_api(struct check *c, const struct at *host)
{
    struct at at;
    rac_str key, api;
    bool named = literal_at(c, host, "connectionName", &at, &key) ||
                 literal_at(c, host, "connectionReferenceName", &at, &key);
    const struct rac_json *v = named ? rac_json_geti(&c->w->references, key) : NULL;
    if (named && v == NULL && c->w->profile == RAC_WF_FLOW && rac_json_len(&c->w->references) > 0)
        reference_missing(c, &at, "connectionReferences", key);
    if (literal_at(c, host, "apiId", &at, &api))
        return last_segment(api);
    return last_segment(api_of_reference(v));
}

/* Of an ApiConnection: through $connections, connections.json or connectionReferences. */
static rac_str connection_api(struct check *c, const struct at *host)
{
    struct at connection, at;
    rac_str key = RAC_STR_NULL, s;
    if (!take_member(c, host, RAC_S("connection"), T_OBJ, &connection))
        return RAC_STR_NULL;
    if (literal_at(c, &connection, "referenceName", &at, &key))
        return last_segment(api_of_reference(in_section(c, &at, "managedApiConnections", key)));
    s = rac_json_str(RAC_JSON_GETI(connection.node, "name"), RAC_S(""));
    key = rac_workflow_connection_key(s);
    if (key.p == NULL)
        return RAC_STR_NULL;
    if (c->w->profile == RAC_WF_FLOW)
        return last_segment(api_of_reference(rac_json_geti(&c->w->references, key)));
    const struct rac_json *values =
        RAC_JSON_GETI(RAC_JSON_GETI(&c->w->parameters, "$connections"), "value");
    s = rac_json_str(RAC_JSON_GETI(rac_json_geti(values, key), "id"), RAC_STR_NULL);
    return s.p != NULL ? last_segment(s) : key;
}

static const struct rac_connector *connector_of(const struct check *c, rac_str api)
{
    const struct rac_workflow_catalogue *k = c->o->catalogue;
    return k != NULL && api.n > 0 ? k->find(k->self, api) : NULL;
}

/* --- parameters ------------------------------------------------------------------------------- */

static const char *type_words(uint8_t type)
{
    static const char *const words[] = {"anything", "String", "Integer", "Number",
                                        "Boolean",  "Array",  "Object",  "File"};
    return words[type];
}

/* A constant fits when it has the type, or converts to it without loss (§6.5). */
static bool constant_fits(const struct rac_shape *s, const struct rac_json *v)
{
    int64_t i;
    double d;
    rac_str text;
    if (s == NULL || is_absent(v) || is_open(v))
        return true;
    bool string = is_literal(v, &text);
    switch (s->type) {
    case RAC_TYPE_INTEGER:
        return whole_number(v, &i);
    case RAC_TYPE_NUMBER:
        return rac_json_is_number(v) || (string && rac_str_to_double(rac_str_trim(text), &d));
    case RAC_TYPE_BOOLEAN:
        return rac_json_is_bool(v) ||
               (string && (rac_str_eqi(text, RAC_S("true")) || rac_str_eqi(text, RAC_S("false"))));
    case RAC_TYPE_ARRAY:
        return rac_json_is_array(v);
    case RAC_TYPE_OBJECT:
        return rac_json_is_object(v);
    default:
        return true;
    }
}

static void check_constant(struct call *k, const struct rac_shape *s, const struct at *at,
                           rac_str name)
{
    if (!constant_fits(s, at->node))
        found(k->c, F_OPERATION_PARAMETER, at,
              "Input parameter '%.*s' validation failed in workflow operation '%.*s': The API "
              "operation '%.*s' requires the property '%.*s' to be of type '%s' but is of type "
              "'%s'.",
              RAC_FMT(name), RAC_FMT(k->c->name), RAC_FMT(k->op->id), RAC_FMT(name),
              type_words(s->type), rac_expr_type_name(at->node));
}

static const struct rac_param_plan *param_named(const struct rac_op *op, rac_str name)
{
    for (uint32_t i = 0; i < op->plan->params_n; i++)
        if (rac_str_eq(op->plan->params[i].name, name))
            return &op->plan->params[i];
    for (uint32_t i = 0; i < op->plan->params_n; i++)
        if (rac_str_eqi(op->plan->params[i].name, name) ||
            rac_str_eqi(op->plan->params[i].file_name, name))
            return &op->plan->params[i];
    return NULL;
}

static rac_str unescape(struct check *c, rac_str part)
{
    part = rac_str_replace(c->a, part, RAC_S("~1"), RAC_S("/"));
    return rac_str_replace(c->a, part, RAC_S("~0"), RAC_S("~"));
}

static bool is_index(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_digit(s.p[i]))
            return false;
    return s.n > 0;
}

/* The shape of "B/p1/p2" below the body's; *known false when there is no such property. */
static const struct rac_shape *shape_at(struct check *c, const struct rac_shape *s, rac_str path,
                                        bool *known)
{
    *known = true;
    for (rac_str rest = path; rest.p != NULL && s != NULL;) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        if (s->type == RAC_TYPE_ARRAY && is_index(part)) {
            s = s->items;
            continue;
        }
        const struct rac_shape_prop *p = rac_shape_prop_find(s, unescape(c, part));
        if (p == NULL) {
            *known = s->props_n == 0 || s->extra != NULL;
            return s->extra;
        }
        s = p->shape;
    }
    return s;
}

static void extra_parameter(struct call *k, const struct at *at, rac_str name)
{
    found(k->c, F_OPERATION_EXTRA, at,
          "The API operation '%.*s' does not contain a definition for parameter '%.*s'.",
          RAC_FMT(k->op->id), RAC_FMT(name));
}

static void check_parameter(struct call *k, const struct rac_json_member *m)
{
    rac_str name = rac_json_key(m), rest;
    struct at at = AT_KEY(&k->parameters, name, &m->value);
    const struct rac_param_plan *p = param_named(k->op, name);
    if (p != NULL) {
        check_constant(k, p->shape, &at, name);
        return;
    }
    rac_str first = rac_str_cut(name, '/', &rest);
    p = rest.p != NULL ? param_named(k->op, first) : NULL;
    if (p == NULL || p->in != RAC_IN_BODY) {
        extra_parameter(k, &at, name);
        return;
    }
    bool known;
    const struct rac_shape *s = shape_at(k->c, p->shape, rest, &known);
    if (!known)
        extra_parameter(k, &at, name);
    else
        check_constant(k, s, &at, name);
}

/* Is there a value for name, or for something below it? */
static bool is_given(const struct rac_json *parameters, rac_str name)
{
    RAC_JSON_EACH_MEMBER(m, parameters)
    {
        rac_str key = rac_json_key(m);
        if (rac_str_startsi(key, name) && (key.n == name.n || key.p[name.n] == '/'))
            return true;
    }
    return false;
}

static void missing_parameter(struct call *k, const struct at *at, rac_str param, rac_str name)
{
    found(k->c, F_OPERATION_PARAMETER, at,
          "Input parameter '%.*s' validation failed in workflow operation '%.*s': The API "
          "operation '%.*s' is missing required property '%.*s'.",
          RAC_FMT(param), RAC_FMT(k->c->name), RAC_FMT(k->op->id), RAC_FMT(name));
}

static bool has_fallback(const struct rac_shape *s)
{
    return s != NULL && (s->has_fallback || s->makes);
}

static bool is_needed(const struct rac_param_plan *p)
{
    return p->required && !p->refused && p->visibility != RAC_VISIBILITY_INTERNAL &&
           !has_fallback(p->shape);
}

/* The required properties of a body that is given in parts. */
static void check_body_parts(struct call *k, const struct rac_param_plan *p)
{
    if (p->shape == NULL || k->op->webhook || rac_json_geti(k->parameters.node, p->name) != NULL)
        return;
    for (uint32_t i = 0; i < p->shape->props_n; i++) {
        const struct rac_shape_prop *prop = &p->shape->props[i];
        rac_str name =
            rac_arena_printf(k->c->a, "%.*s/%.*s", RAC_FMT(p->name), RAC_FMT(prop->name));
        if (prop->required && !prop->read_only && !has_fallback(prop->shape) &&
            !is_given(k->parameters.node, name))
            missing_parameter(k, &k->parameters, p->name, name);
    }
}

static void check_parameters_of(struct call *k)
{
    const struct rac_json *v = RAC_JSON_GETI(k->inputs->node, "parameters");
    k->parameters = AT_KEY(k->inputs, RAC_S("parameters"), v);
    if (is_open(v))
        return;
    RAC_JSON_EACH_MEMBER(m, v)
    check_parameter(k, m);
    for (uint32_t i = 0; i < k->op->plan->params_n; i++) {
        const struct rac_param_plan *p = &k->op->plan->params[i];
        bool given = is_given(v, p->name);
        if (!given && is_needed(p) && !(k->op->webhook && p->in == RAC_IN_BODY))
            missing_parameter(k, v != NULL ? &k->parameters : k->inputs, p->name, p->name);
        else if (p->in == RAC_IN_BODY && given)
            check_body_parts(k, p);
    }
}

/* --- the two forms ---------------------------------------------------------------------------- */

static void check_by_id(struct check *c, const struct at *inputs)
{
    struct call k = {.c = c, .inputs = inputs};
    struct at host, at;
    rac_str id;
    if (!take_member(c, inputs, RAC_S("host"), T_OBJ, &host))
        return;
    const struct rac_connector *connector = connector_of(c, flow_api(c, &host));
    if (connector == NULL || !literal_at(c, &host, "operationId", &at, &id))
        return;
    k.op = rac_connector_operation(connector, id);
    for (size_t i = 0; i < connector->ops_n && k.op == NULL; i++)
        if (rac_str_eqi(connector->ops[i].id, id))
            k.op = &connector->ops[i];
    if (k.op != NULL) {
        check_parameters_of(&k);
        return;
    }
    rac_str near = rac_connector_near_operation(connector, id);
    found(c, F_OPERATION_UNKNOWN, &at,
          "The connector '%.*s' that %s '%.*s' calls has no operation '%.*s'%s%.*s%s.",
          RAC_FMT(connector->title), c->noun, RAC_FMT(c->name), RAC_FMT(id),
          near.p != NULL ? "; did you mean '" : "", near.p != NULL ? (int)near.n : 0, near.p,
          near.p != NULL ? "'?" : "");
}

/* The path with something in the place of each hole; false when it is all expression. */
static bool sample_path(rac_str s, char out[PATH_MAX_BYTES], rac_str *path)
{
    size_t n = 0;
    if (s.n == 0 || s.n >= PATH_MAX_BYTES || (s.p[0] == '@' && (s.n < 2 || s.p[1] != '{')))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '@' || i + 1 >= s.n || s.p[i + 1] != '{') {
            out[n++] = s.p[i];
            continue;
        }
        bool in_string = false;
        while (i < s.n && (in_string || s.p[i] != '}'))
            in_string ^= s.p[i++] == '\'';
        out[n++] = 'x';
    }
    *path = (rac_str){out, n};
    size_t query = rac_str_find_char(*path, '?');
    if (query != RAC_STR_NPOS)
        path->n = query;
    return path->n > 0 && path->p[0] == '/';
}

static void check_queries(struct call *k)
{
    const struct rac_json *queries = RAC_JSON_GETI(k->inputs->node, "queries"),
                          *body = RAC_JSON_GETI(k->inputs->node, "body");
    struct at at = AT_KEY(k->inputs, RAC_S("queries"), queries);
    for (uint32_t i = 0; i < k->op->plan->params_n; i++) {
        const struct rac_param_plan *p = &k->op->plan->params[i];
        const struct rac_json *v = rac_json_geti(queries, p->name);
        struct at value = AT_KEY(&at, p->name, v);
        if (p->in == RAC_IN_QUERY && !is_open(queries)) {
            if (v != NULL)
                check_constant(k, p->shape, &value, p->name);
            else if (is_needed(p))
                missing_parameter(k, queries != NULL ? &at : k->inputs, p->name, p->name);
        }
        if (p->in == RAC_IN_BODY && body == NULL && is_needed(p) && !k->op->webhook)
            missing_parameter(k, k->inputs, p->name, p->name);
    }
}

static void check_by_path(struct check *c, const struct at *inputs)
{
    struct call k = {.c = c, .inputs = inputs};
    struct rac_route_match match;
    struct at host, at;
    char buffer[PATH_MAX_BYTES];
    rac_str path, method = rac_json_str(RAC_JSON_GETI(inputs->node, "method"), RAC_S("POST"));
    const struct rac_json *v = RAC_JSON_GETI(inputs->node, "path");
    if (!take_member(c, inputs, RAC_S("host"), T_OBJ, &host))
        return;
    const struct rac_connector *connector = connector_of(c, connection_api(c, &host));
    if (connector == NULL || !sample_path(rac_json_str(v, RAC_S("")), buffer, &path) ||
        is_dynamic(RAC_JSON_GETI(inputs->node, "method")))
        return;
    at = AT_KEY(inputs, RAC_S("path"), v);
    if (!rac_route_find(connector->route, rac_str_upper(c->a, method), path, &match)) {
        found(c, F_OPERATION_PATH, &at,
              "The connector '%.*s' that %s '%.*s' calls has no operation for %.*s %.*s.",
              RAC_FMT(connector->title), c->noun, RAC_FMT(c->name), RAC_FMT(method),
              RAC_FMT(rac_json_str(v, RAC_S(""))));
        return;
    }
    k.op = match.op;
    check_queries(&k);
}

void check_call(struct check *c, rac_str type, const struct at *inputs)
{
    struct at host, at;
    rac_str key;
    if (!rac_json_is_object(inputs->node))
        return;
    if (rac_str_startsi(type, RAC_S("OpenApiConnection"))) {
        check_by_id(c, inputs);
    } else if (rac_str_startsi(type, RAC_S("ApiConnection"))) {
        check_by_path(c, inputs);
    } else if (rac_str_eqi(type, RAC_S("ServiceProvider"))) {
        if (take_member(c, inputs, RAC_S("serviceProviderConfiguration"), T_OBJ, &host) &&
            literal_at(c, &host, "connectionName", &at, &key))
            (void)in_section(c, &at, "serviceProviderConnections", key);
    } else if (rac_str_eqi(type, RAC_S("Function"))) {
        if (take_member(c, inputs, RAC_S("function"), T_OBJ, &host) &&
            literal_at(c, &host, "connectionName", &at, &key))
            (void)in_section(c, &at, "functionConnections", key);
    }
}
