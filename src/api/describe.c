#include "api/describe.h"

#include "api/ask.h"
#include "api/schemas.h"
#include "base/mem.h"
#include "text/url.h"

/*
 * The 2.0 and the 3.0 document differ in where things stand; what they say of an operation is
 * gathered by the same functions.
 */

struct out {
    struct rac_arena *a;
    bool three;
};

static struct rac_json str(const char *s)
{
    return rac_json_of_str(rac_str_of(s));
}

static struct rac_json strs(struct out *o, const char *one)
{
    struct rac_json v = rac_json_new_array(o->a);
    rac_json_add(o->a, &v, str(one));
    return v;
}

static struct rac_json schema_ref(struct out *o, const char *name)
{
    struct rac_json v = rac_json_new_object(o->a);
    if (strcmp(name, "Bytes") == 0) {
        RAC_JSON_PUT(o->a, &v, "type", str("string"));
        RAC_JSON_PUT(o->a, &v, "format", str("binary"));
    } else {
        RAC_JSON_PUT_STR(o->a, &v, "$ref",
                         rac_arena_printf(o->a, "#/%s/%s",
                                          o->three ? "components/schemas" : "definitions", name));
    }
    return v;
}

/* {"application/json": {"schema": ...}} of 3.0. */
static struct rac_json content(struct out *o, const char *type, const char *schema)
{
    struct rac_json v = rac_json_new_object(o->a), m = rac_json_new_object(o->a);
    RAC_JSON_PUT(o->a, &m, "schema", schema_ref(o, schema));
    rac_json_put(o->a, &v, rac_str_of(type), m);
    return v;
}

static struct rac_json *param(struct out *o, struct rac_json *list, rac_str name, const char *in,
                              const char *type, const char *text)
{
    struct rac_json p = rac_json_new_object(o->a), s = rac_json_new_object(o->a);
    RAC_JSON_PUT_STR(o->a, &p, "name", name);
    RAC_JSON_PUT(o->a, &p, "in", str(in));
    if (strcmp(in, "path") == 0)
        RAC_JSON_PUT(o->a, &p, "required", rac_json_of_bool(true));
    RAC_JSON_PUT(o->a, &p, "description", str(text));
    if (strcmp(type, "integer") == 0 && rac_str_eq(name, RAC_S("$top"))) {
        struct rac_json *to = o->three ? &s : &p;
        RAC_JSON_PUT(o->a, to, "minimum", rac_json_of_int(1));
        RAC_JSON_PUT(o->a, to, "maximum", rac_json_of_int(RAC_PAGE_MAX));
    }
    if (o->three) {
        RAC_JSON_PUT(o->a, &s, "type", str(type));
        RAC_JSON_PUT(o->a, &p, "schema", s);
    } else {
        RAC_JSON_PUT(o->a, &p, "type", str(type));
        rac_json_put(o->a, &p, RAC_S("x-ms-summary"), rac_json_of_str(name));
        if (strcmp(in, "path") == 0)
            RAC_JSON_PUT(o->a, &p, "x-ms-url-encoding", str("single"));
    }
    return rac_json_add(o->a, list, p);
}

static const char *path_text(rac_str name)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"connectorId", "Id of the connector"},
        {"connectionId", "Id of the connection"},
        {"map", "Name of the map"},
        {"schema", "Name of the schema"},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rac_str_eq(name, rac_str_of(rows[i].name)))
            return rows[i].text;
    return "Name or id";
}

static void path_params(struct out *o, struct rac_json *list, rac_str path)
{
    size_t from;
    while ((from = rac_str_find_char(path, '{')) != RAC_STR_NPOS) {
        path = rac_str_from(path, from + 1);
        rac_str name = rac_str_sub(path, 0, rac_str_find_char(path, '}'));
        param(o, list, name, "path", "string", path_text(name));
    }
}

/* Parameters that a flag of the row stands for. */
static const struct {
    unsigned flag;
    const char *name, *in, *type, *text;
} flag_params[] = {
    {OP_LIST, "$top", "query", "integer", "How many at most, 1 to 250"},
    {OP_LIST, "$skiptoken", "query", "string",
     "Where to go on; comes in nextLink, never made by hand"},
    {OP_GROUP, "group", "query", "string", "Resource group"},
    {OP_SEARCH, "search", "query", "string", "Only those whose name or id contains this"},
    {OP_DELETED, "deleted", "query", "boolean",
     "The deleted ones that can be brought back, instead of those there are"},
    {OP_REVISION, "revision", "query", "integer", "An earlier revision instead of the newest"},
    {OP_CONFIRM, "confirm", "query", "integer",
     "Number of connections that will be deleted with it"},
    {OP_KIND, "kind", "query", "string",
     "Only what was done to things of that kind; subscription: those that could not be ended"},
    {OP_KIND, "target", "query", "string", "Only what was done to what has this id"},
    {OP_MATCH, "If-Match", "header", "string",
     "Tag of the version to change; 412 when it is another by now"},
};

static struct rac_json parameters(struct out *o, const struct rac_ask_row *r)
{
    struct rac_json list = rac_json_new_array(o->a);
    path_params(o, &list, rac_str_of(r->path));
    for (size_t i = 0; i < RAC_COUNT(flag_params); i++)
        if (r->flags & flag_params[i].flag)
            param(o, &list, rac_str_of(flag_params[i].name), flag_params[i].in, flag_params[i].type,
                  flag_params[i].text);
    if (!o->three && strcmp(r->request, "NONE") != 0) {
        struct rac_json b = rac_json_new_object(o->a);
        RAC_JSON_PUT(o->a, &b, "name", str("body"));
        RAC_JSON_PUT(o->a, &b, "in", str("body"));
        RAC_JSON_PUT(o->a, &b, "required",
                     rac_json_of_bool(!(r->flags & OP_MAY_BE_EMPTY) &&
                                      ((r->flags & OP_RAW) || strcmp(r->method, "PATCH") == 0)));
        RAC_JSON_PUT(o->a, &b, "schema", schema_ref(o, r->request));
        rac_json_add(o->a, &list, b);
    }
    return list;
}

static const char *answer_type(const struct rac_ask_row *r)
{
    return strcmp(r->response, "Bytes") == 0 ? "application/octet-stream" : "application/json";
}

static struct rac_json response(struct out *o, const char *text, const char *type,
                                const char *schema)
{
    struct rac_json v = rac_json_new_object(o->a);
    RAC_JSON_PUT(o->a, &v, "description", str(text));
    if (strcmp(schema, "NONE") == 0)
        return v;
    if (o->three)
        RAC_JSON_PUT(o->a, &v, "content", content(o, type, schema));
    else
        RAC_JSON_PUT(o->a, &v, "schema", schema_ref(o, schema));
    return v;
}

/* Other successes than the one of the row; their bodies are of the same schema. */
static const struct {
    unsigned flag;
    const char *status, *text;
} successes[] = {
    {OP_CREATES, "201", "Created"},
    {OP_PENDING, "202", "Not yet: ask again"},
};

static struct rac_json operation(struct out *o, const struct rac_ask_row *r)
{
    struct rac_json v = rac_json_new_object(o->a), res = rac_json_new_object(o->a);
    RAC_JSON_PUT(o->a, &v, "operationId", str(r->id));
    RAC_JSON_PUT(o->a, &v, "summary", str(r->summary));
    RAC_JSON_PUT_STR(o->a, &v, "description", rac_arena_printf(o->a, "%s.", r->summary));
    RAC_JSON_PUT(o->a, &v, "tags", strs(o, r->tag));
    struct rac_json list = parameters(o, r);
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(o->a, &v, "parameters", list);
    if (o->three && strcmp(r->request, "NONE") != 0) {
        struct rac_json b = rac_json_new_object(o->a);
        const char *type =
            strcmp(r->request, "Bytes") == 0 ? "application/octet-stream" : "application/json";
        RAC_JSON_PUT(o->a, &b, "content", content(o, type, r->request));
        RAC_JSON_PUT(o->a, &v, "requestBody", b);
    }
    if (!o->three && strcmp(r->request, "Bytes") == 0)
        RAC_JSON_PUT(o->a, &v, "consumes", strs(o, "application/octet-stream"));
    if (!o->three && strcmp(r->response, "NONE") != 0)
        RAC_JSON_PUT(o->a, &v, "produces", strs(o, answer_type(r)));
    rac_json_put(o->a, &res, rac_arena_printf(o->a, "%d", r->status),
                 response(o, "Done", answer_type(r), r->response));
    for (size_t i = 0; i < RAC_COUNT(successes); i++)
        if (r->flags & successes[i].flag)
            rac_json_put(o->a, &res, rac_str_of(successes[i].status),
                         response(o, successes[i].text, answer_type(r), r->response));
    RAC_JSON_PUT(o->a, &res, "default", response(o, "Error", "application/json", "Error"));
    RAC_JSON_PUT(o->a, &v, "responses", res);
    if (r->action == RAC_MAY_ANYONE)
        RAC_JSON_PUT(o->a, &v, "security", rac_json_new_array(o->a));
    RAC_JSON_PUT_STR(o->a, &v, "x-raccord-permission", rac_ask_action_name(r->action));
    if (!o->three && (r->flags & OP_LIST)) {
        struct rac_json page = rac_json_new_object(o->a);
        RAC_JSON_PUT(o->a, &page, "nextLinkName", str("nextLink"));
        RAC_JSON_PUT(o->a, &v, "x-ms-pageable", page);
    }
    return v;
}

static struct rac_json paths(struct out *o)
{
    struct rac_json v = rac_json_new_object(o->a);
    for (size_t i = 0; i < RAC_ASKS_N; i++) {
        const struct rac_ask_row *r = &rac_ask_table[i];
        struct rac_json *item = rac_json_get(&v, rac_str_of(r->path));
        if (item == NULL)
            item = rac_json_put(o->a, &v, rac_str_of(r->path), rac_json_new_object(o->a));
        rac_json_put(o->a, item, rac_str_lower(o->a, rac_str_of(r->method)), operation(o, r));
    }
    return v;
}

/* References of schemas.json stand as 2.0 has them. */
static void move_refs(struct out *o, struct rac_json *v)
{
    RAC_JSON_EACH(e, v)
    move_refs(o, e);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str s = rac_json_str(&m->value, RAC_STR_NULL);
        if (rac_str_eq(rac_json_key(m), RAC_S("$ref")) && s.p != NULL)
            m->value = rac_json_of_str(
                rac_str_replace(o->a, s, RAC_S("#/definitions/"), RAC_S("#/components/schemas/")));
        else
            move_refs(o, &m->value);
    }
}

static struct rac_json definitions(struct out *o)
{
    struct rac_json v;
    rac_err e = rac_json_parse(rac_api_schemas_json, o->a, RAC_JSON_COPY, &v, NULL);
    RAC_ASSERT(e == RAC_OK);
    if (o->three)
        move_refs(o, &v);
    return v;
}

static struct rac_json info(struct out *o)
{
    struct rac_json v = rac_json_new_object(o->a);
    RAC_JSON_PUT(o->a, &v, "title", str("Raccord"));
    RAC_JSON_PUT(o->a, &v, "version", str(RAC_VERSION));
    RAC_JSON_PUT(
        o->a, &v, "description",
        str("Management API of a Raccord server: connectors, connections, users and tokens. "
            "Every request carries a token: Authorization: Bearer <token>."));
    return v;
}

static struct rac_json security(struct out *o)
{
    struct rac_json v = rac_json_new_array(o->a), one = rac_json_new_object(o->a);
    RAC_JSON_PUT(o->a, &one, "api_key", rac_json_new_array(o->a));
    rac_json_add(o->a, &v, one);
    return v;
}

static struct rac_json scheme(struct out *o)
{
    struct rac_json all = rac_json_new_object(o->a), v = rac_json_new_object(o->a);
    RAC_JSON_PUT(o->a, &v, "type", str("apiKey"));
    RAC_JSON_PUT(o->a, &v, "in", str("header"));
    RAC_JSON_PUT(o->a, &v, "name", str("Authorization"));
    RAC_JSON_PUT(o->a, &v, "description", str("Bearer, a space, and the token"));
    RAC_JSON_PUT(o->a, &all, "api_key", v);
    return all;
}

rac_str rac_describe_swagger(rac_str base_url, struct rac_arena *a)
{
    struct out o = {.a = a};
    struct rac_json v = rac_json_new_object(a);
    struct rac_url u = {0};
    if (!rac_url_split(base_url, &u))
        u = (struct rac_url){.scheme = RAC_S("http"), .host = RAC_S("127.0.0.1")};
    const char *bracket[2] = {u.host_is_ipv6 ? "[" : "", u.host_is_ipv6 ? "]" : ""};
    rac_str host = rac_arena_printf(a, "%s%.*s%s%s%.*s", bracket[0], RAC_FMT(u.host), bracket[1],
                                    u.port.n > 0 ? ":" : "", RAC_FMT(u.port));
    rac_str path = rac_str_eq(u.path, RAC_S("/")) ? RAC_S("") : u.path;
    RAC_JSON_PUT(a, &v, "swagger", str("2.0"));
    RAC_JSON_PUT(a, &v, "info", info(&o));
    RAC_JSON_PUT_STR(a, &v, "host", host);
    RAC_JSON_PUT_STR(a, &v, "basePath", rac_arena_printf(a, "%.*s/api/v1", RAC_FMT(path)));
    struct rac_json schemes = rac_json_new_array(a);
    rac_json_add(a, &schemes, rac_json_of_str(u.scheme));
    RAC_JSON_PUT(a, &v, "schemes", schemes);
    RAC_JSON_PUT(a, &v, "consumes", strs(&o, "application/json"));
    RAC_JSON_PUT(a, &v, "produces", strs(&o, "application/json"));
    RAC_JSON_PUT(a, &v, "paths", paths(&o));
    RAC_JSON_PUT(a, &v, "definitions", definitions(&o));
    RAC_JSON_PUT(a, &v, "securityDefinitions", scheme(&o));
    RAC_JSON_PUT(a, &v, "security", security(&o));
    return rac_json_print_str(&v, 0, a);
}

rac_str rac_describe_openapi(rac_str base_url, struct rac_arena *a)
{
    struct out o = {.a = a, .three = true};
    struct rac_json v = rac_json_new_object(a), components = rac_json_new_object(a);
    struct rac_json servers = rac_json_new_array(a), server = rac_json_new_object(a);
    RAC_JSON_PUT(a, &v, "openapi", str("3.0.3"));
    RAC_JSON_PUT(a, &v, "info", info(&o));
    RAC_JSON_PUT_STR(a, &server, "url", rac_arena_printf(a, "%.*s/api/v1", RAC_FMT(base_url)));
    rac_json_add(a, &servers, server);
    RAC_JSON_PUT(a, &v, "servers", servers);
    RAC_JSON_PUT(a, &v, "paths", paths(&o));
    RAC_JSON_PUT(a, &components, "schemas", definitions(&o));
    RAC_JSON_PUT(a, &components, "securitySchemes", scheme(&o));
    RAC_JSON_PUT(a, &v, "components", components);
    RAC_JSON_PUT(a, &v, "security", security(&o));
    return rac_json_print_str(&v, 0, a);
}

/* --- kept ------------------------------------------------------------------------------------- */

enum { KEPT_BYTES_MAX = 64 << 20 };

struct rac_descriptions {
    rac_str base_url, text[2];
};

struct rac_descriptions *rac_descriptions_new(rac_str base_url)
{
    struct rac_descriptions *d = rac_mem_alloc(sizeof *d);
    d->base_url = base_url;
    return d;
}

void rac_descriptions_free(struct rac_descriptions *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < RAC_COUNT(d->text); i++)
        rac_mem_free((void *)(uintptr_t)d->text[i].p);
    rac_mem_free(d);
}

rac_str rac_descriptions_get(struct rac_descriptions *d, bool openapi3)
{
    rac_str *kept = &d->text[openapi3];
    struct rac_arena a;
    if (kept->p != NULL)
        return *kept;
    rac_arena_init(&a, KEPT_BYTES_MAX);
    rac_str made =
        openapi3 ? rac_describe_openapi(d->base_url, &a) : rac_describe_swagger(d->base_url, &a);
    char *p = rac_mem_alloc_dirty(made.n);
    memcpy(p, made.p, made.n);
    rac_arena_fini(&a);
    return *kept = (rac_str){p, made.n};
}
