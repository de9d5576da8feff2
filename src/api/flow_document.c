#include "api/flow_document.h"

#include "base/str.h"
#include "openapi/read.h"
#include "text/zip.h"

/* Members of the resource that are kept beside the definition, as they were given. */
static const rac_str carried[] = {
    RAC_S_INIT("location"),
    RAC_S_INIT("tags"),
    RAC_S_INIT("identity"),
    RAC_S_INIT("accessControl"),
    RAC_S_INIT("integrationAccount"),
    RAC_S_INIT("endpointsConfiguration"),
    RAC_S_INIT("runtimeConfiguration"),
    RAC_S_INIT("description"),
};

static const struct rac_json *member(const struct rac_json *o, rac_str name)
{
    const struct rac_json *v = rac_json_get(o, name);
    return v != NULL ? v : rac_json_geti(o, name);
}

static struct rac_json profile_name(enum rac_profile_kind p)
{
    return rac_json_of_str(p == RAC_WF_FLOW       ? RAC_S("Flow")
                           : p == RAC_WF_STANDARD ? RAC_S("Standard")
                                                  : RAC_S("Consumption"));
}

/* What anybody may read of a secure parameter: that it is one. */
static struct rac_json without_value(struct rac_arena *a, const struct rac_json *parameter)
{
    struct rac_json o = rac_json_new_object(a);
    const struct rac_json *type = member(parameter, RAC_S("type"));
    if (type != NULL)
        RAC_JSON_PUT(a, &o, "type", *type);
    return o;
}

/* Splits parameter values into those anybody may read and those that are sealed. */
static void split_parameters(struct rac_arena *a, struct rac_flow_document *x)
{
    struct rac_json open = rac_json_new_object(a), secure = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, &x->workflow->parameters)
    {
        rac_str name = rac_json_key(m);
        if (!rac_workflow_parameter_is_secure(x->workflow, name)) {
            rac_json_put(a, &open, name, m->value);
            continue;
        }
        rac_json_put(a, &secure, name, m->value);
        if (member(&m->value, RAC_S("type")) != NULL)
            rac_json_put(a, &open, name, without_value(a, &m->value));
    }
    RAC_JSON_PUT(a, &x->resource, "parameters", open);
    if (rac_json_len(&secure) > 0)
        RAC_JSON_PUT(a, &x->secrets, "parameters", secure);
}

static void carry(struct rac_arena *a, const struct rac_json *root, struct rac_flow_document *x)
{
    const struct rac_json *properties = member(root, RAC_S("properties"));
    for (size_t i = 0; i < RAC_COUNT(carried); i++) {
        const struct rac_json *v = member(root, carried[i]);
        if (v == NULL)
            v = member(properties, carried[i]);
        if (v != NULL && v->type != RAC_JSON_NULL)
            rac_json_put(a, &x->resource, carried[i], *v);
    }
    x->state = rac_json_str(member(properties, RAC_S("state")), RAC_STR_NULL);
    if (x->state.p == NULL)
        x->state = rac_json_str(member(root, RAC_S("state")), RAC_STR_NULL);
    const struct rac_json *kind = member(root, RAC_S("kind"));
    if (kind == NULL)
        kind = member(properties, RAC_S("kind"));
    if (rac_json_is_string(kind))
        RAC_JSON_PUT(a, &x->resource, "kind", *kind);
}

/* connections.json, parameters.json and app settings that came along with a definition. */
static void beside(struct rac_arena *a, const struct rac_json *root, struct rac_flow_document *x)
{
    struct rac_workflow *w = x->workflow;
    const struct rac_json *properties = member(root, RAC_S("properties"));
    const struct rac_json *files = member(root, RAC_S("files"));
    const struct rac_json *connections = member(root, RAC_S("connections"));
    if (connections == NULL)
        connections = member(properties, RAC_S("connections"));
    if (connections == NULL)
        connections = member(files, RAC_S("connections.json"));
    if (rac_json_is_object(connections)) {
        w->connections = *connections;
        x->has_connections = true;
    }
    const struct rac_json *parameters = member(files, RAC_S("parameters.json"));
    RAC_JSON_EACH_MEMBER(m, parameters)
    rac_json_put(a, &w->parameters, rac_json_key(m), m->value);
    const struct rac_json *settings = member(root, RAC_S("appSettings"));
    if (settings == NULL)
        settings = member(properties, RAC_S("appSettings"));
    if (settings == NULL)
        settings = member(member(files, RAC_S("local.settings.json")), RAC_S("Values"));
    if (rac_json_is_object(settings)) {
        w->settings = *settings;
        x->has_settings = true;
    }
}

/* The stored form says of which profile it was made; its outer form alone would not tell. */
static void take_profile(const struct rac_json *root, struct rac_workflow *w)
{
    rac_str profile = rac_json_str(RAC_JSON_GET(root, "profile"), RAC_S(""));
    if (rac_str_eq(profile, RAC_S("Flow")))
        w->profile = RAC_WF_FLOW;
    else if (rac_str_eq(profile, RAC_S("Standard")))
        w->profile = RAC_WF_STANDARD;
    else if (rac_str_eq(profile, RAC_S("Consumption")))
        w->profile = RAC_WF_CONSUMPTION;
}

static void fill(struct rac_arena *a, const struct rac_json *file, struct rac_flow_document *x)
{
    struct rac_workflow *w = x->workflow;
    const struct rac_json *root = w->is_template ? &w->resource : file;
    take_profile(root, w);
    x->resource = rac_json_new_object(a);
    x->secrets = rac_json_new_object(a);
    x->name = w->name.n > 0 ? w->name : rac_json_str(member(root, RAC_S("name")), RAC_STR_NULL);
    RAC_JSON_PUT(a, &x->resource, "profile", profile_name(w->profile));
    carry(a, root, x);
    if (w->kind.p != NULL)
        RAC_JSON_PUT_STR(a, &x->resource, "kind", w->kind);
    else if (rac_str_eqi(rac_json_str(RAC_JSON_GET(&x->resource, "kind"), RAC_S("")),
                         RAC_S("Stateless")))
        w->stateless = true;
    beside(a, file, x);
    RAC_JSON_PUT(a, &x->resource, "definition", *w->definition);
    split_parameters(a, x);
    if (rac_json_len(&w->references) > 0)
        RAC_JSON_PUT(a, &x->resource, "connectionReferences", w->references);
    if (rac_json_len(&w->connections) > 0)
        RAC_JSON_PUT(a, &x->secrets, "connections", w->connections);
    if (rac_json_len(&w->settings) > 0)
        RAC_JSON_PUT(a, &x->secrets, "settings", w->settings);
}

/* --- zip of a flow ---------------------------------------------------------------------------- */

/* The definition inside a flow package: Microsoft.Flow/flows/<guid>/definition.json, or
 * Workflows/<name>.json of a solution, where other things stand as well. */
static bool is_flow_entry(const struct rac_zip_entry *x)
{
    rac_str name = x->name;
    size_t slash = rac_str_rfind_char(name, '/');
    rac_str folder = rac_str_sub(name, 0, slash == RAC_STR_NPOS ? 0 : slash);
    if (rac_str_endsi(name, RAC_S("/definition.json")))
        return rac_str_findi(name, RAC_S("Microsoft.Flow/flows/")) != RAC_STR_NPOS;
    return rac_str_endsi(name, RAC_S(".json")) &&
           (rac_str_eqi(folder, RAC_S("Workflows")) ||
            rac_str_endsi(folder, RAC_S("/Workflows"))) &&
           rac_str_findi(x->bytes, RAC_S("\"triggers\"")) != RAC_STR_NPOS;
}

/* Puts the definition of a package in place of its bytes. A package holds one flow; of several the
 * first is taken, in the order of the zip. */
static rac_err unzip(rac_str *bytes, rac_str *name, size_t bytes_max, struct rac_arena *a,
                     struct rac_diags *d)
{
    struct rac_zip_limits limits = {
        .entry_bytes_max = bytes_max, .total_bytes_max = 4 * bytes_max, .foreign_names = true};
    struct rac_zip_entry *v;
    rac_str why = RAC_S("this is no zip of a flow");
    size_t n;
    rac_err e = rac_zip_read(*bytes, &limits, a, &v, &n, &why);
    for (size_t i = 0; e == RAC_OK && i < n; i++)
        if (is_flow_entry(&v[i])) {
            *bytes = v[i].bytes;
            *name = v[i].name;
            return RAC_OK;
        }
    (void)rac_diags_addf(d, "InvalidRequestContent", RAC_SEV_ERROR, "%.*s",
                         RAC_FMT(e == RAC_OK ? RAC_S("the zip holds no flow: it has neither "
                                                     "Microsoft.Flow/flows/<id>/definition.json "
                                                     "nor Workflows/<name>.json")
                                             : why));
    return e == RAC_OK ? RAC_E_INVALID : e;
}

/* --- reading ---------------------------------------------------------------------------------- */

rac_err rac_flow_document_read(rac_str bytes, rac_str name, size_t bytes_max, struct rac_arena *a,
                               struct rac_flow_document *out, struct rac_diags *d)
{
    struct rac_document *doc;
    struct rac_document_options o = {.bytes_max = bytes_max};
    *out = (struct rac_flow_document){0};
    rac_err e = rac_zip_is(bytes) ? unzip(&bytes, &name, bytes_max, a, d) : RAC_OK;
    if (e == RAC_OK)
        e = rac_document_read_with(bytes, name, &o, a, &doc, d);
    if (e == RAC_OK)
        e = rac_workflow_of_document(doc, NULL, a, &out->workflow, d);
    if (e == RAC_OK)
        fill(a, &doc->root, out);
    return e;
}

rac_err rac_flow_document_open(rac_str document, rac_str secrets, struct rac_arena *a,
                               struct rac_flow_document *out, struct rac_diags *d)
{
    struct rac_document *doc;
    struct rac_json v;
    *out = (struct rac_flow_document){0};
    rac_err e = rac_document_read(document, RAC_S(""), a, &doc, d);
    if (e == RAC_OK)
        e = rac_workflow_of_document(doc, NULL, a, &out->workflow, d);
    if (e != RAC_OK)
        return e;
    struct rac_workflow *w = out->workflow;
    out->resource = doc->root;
    out->secrets = rac_json_new_object(a);
    take_profile(&doc->root, w);
    if (rac_str_eqi(rac_json_str(RAC_JSON_GET(&doc->root, "kind"), RAC_S("")), RAC_S("Stateless")))
        w->stateless = true;
    if (secrets.n == 0)
        return RAC_OK;
    if (rac_json_parse(secrets, a, 0, &v, NULL) != RAC_OK)
        return RAC_E_CORRUPT;
    out->secrets = v;
    const struct rac_json *parameters = RAC_JSON_GET(&v, "parameters");
    const struct rac_json *connections = RAC_JSON_GET(&v, "connections");
    const struct rac_json *settings = RAC_JSON_GET(&v, "settings");
    if (rac_json_len(parameters) > 0)
        w->parameters = rac_json_copy(a, &w->parameters); /* the stored form stays without them */
    RAC_JSON_EACH_MEMBER(m, parameters)
    rac_json_put(a, &w->parameters, rac_json_key(m), m->value);
    if (connections != NULL)
        w->connections = *connections;
    if (settings != NULL)
        w->settings = *settings;
    return RAC_OK;
}
