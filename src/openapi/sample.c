/* Import of a sample request or response into a definition (connectors.md §2.4). */
#include "openapi/sample.h"

#include "openapi/convert_priv.h"
#include "openapi/infer.h"

/* --- small helpers ---------------------------------------------------------------------------- */

static rac_err refuse(struct rac_diags *d, enum rac_rule_id rule, rac_err e, const char *what,
                      rac_str which)
{
    struct rac_diag *g = rac_diags_addf(d, rac_rule_codes[rule], RAC_SEV_ERROR, "%s%.*s", what,
                                        (int)(which.n < 200 ? which.n : 200), which.p);
    if (g != NULL)
        g->fix = rac_str_of(rac_rules[rule].fix);
    return e;
}

static const char *method_of(rac_str verb)
{
    static const char *const all[] = {"get", "put", "post", "delete", "patch", "head", "options"};
    verb = rac_str_trim(verb);
    for (size_t i = 0; i < RAC_COUNT(all); i++)
        if (rac_str_eqi(verb, rac_str_of(all[i])))
            return all[i];
    return NULL;
}

struct found {
    rac_str path, method;
    struct rac_json *item, *op;
};

static bool find_operation(const struct rac_json *definition, rac_str id, struct found *out)
{
    RAC_JSON_EACH_MEMBER(path, RAC_JSON_GET(definition, "paths"))
    {
        RAC_JSON_EACH_MEMBER(op, &path->value)
        {
            const struct rac_json *own = RAC_JSON_GET(&op->value, "operationId");
            if (id.n == 0 || !rac_json_is_string(own) ||
                !rac_str_eq(rac_json_str(own, RAC_S("")), id))
                continue;
            *out = (struct found){rac_json_key(path), rac_json_key(op), &path->value, &op->value};
            return true;
        }
    }
    return false;
}

static struct rac_json plain(struct rac_arena *a, const char *type)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "type", rac_str_of(type));
    return o;
}

static struct rac_json param(struct rac_arena *a, rac_str name, const char *in, bool required)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "name", name);
    RAC_JSON_PUT_STR(a, &o, "in", rac_str_of(in));
    RAC_JSON_PUT(a, &o, "required", rac_json_of_bool(required));
    RAC_JSON_PUT_STR(a, &o, "type", RAC_S("string"));
    return o;
}

/* "{x}" as a whole. */
static bool placeholder(rac_str value)
{
    return value.n > 2 && value.p[0] == '{' && value.p[value.n - 1] == '}';
}

static bool has_param(const struct rac_json *params, rac_str name, const char *in)
{
    RAC_JSON_EACH(p, params)
    {
        rac_str own = rac_json_str(RAC_JSON_GET(p, "name"), RAC_S(""));
        bool same_in = rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")), rac_str_of(in));
        if (same_in && (in[0] == 'h' ? rac_str_eqi(own, name) : rac_str_eq(own, name)))
            return true;
    }
    return false;
}

static rac_err infer_body(rac_str body, struct rac_arena *a, struct rac_json *schema,
                          struct rac_diags *d)
{
    struct rac_json sample;
    struct rac_json_error error = {0};
    if (rac_json_parse_lenient(body, a, &sample, NULL, &error) != RAC_OK) {
        refuse(d, RAC_RULE_BL_04, RAC_E_SYNTAX, "the body is not JSON: ",
               rac_arena_printf(a, "line %u, column %u: %s", error.line, error.column,
                                error.message ? error.message : "syntax"));
        return RAC_E_SYNTAX;
    }
    return rac_infer_schema(&sample, a, schema, d);
}

/* --- headers ---------------------------------------------------------------------------------- */

static const char *const excluded[] = {
    "content-type", "accept",     "content-length", "host",          "user-agent",
    "cookie",       "connection", "cache-control",  "postman-token", "authorization"};

/* One line "Name: value" or "Name value"; false for an empty one. */
static bool header_line(rac_str line, rac_str *name, rac_str *value)
{
    line = rac_str_trim(line);
    size_t i = 0;
    while (i < line.n && line.p[i] != ':' && !rac_is_space(line.p[i]))
        i++;
    *name = rac_str_sub(line, 0, i);
    *value = rac_str_trim(rac_str_from(line, i));
    if (value->n > 0 && value->p[0] == ':')
        *value = rac_str_trim(rac_str_from(*value, 1));
    return name->n > 0;
}

static void put_list(struct rac_arena *a, struct rac_json *op, rac_str key, rac_str type)
{
    struct rac_json list = rac_json_new_array(a);
    size_t semi = rac_str_find_char(type, ';');
    type = rac_str_trim(semi == RAC_STR_NPOS ? type : rac_str_sub(type, 0, semi));
    if (type.n == 0 || rac_str_find_char(type, '*') != RAC_STR_NPOS ||
        rac_str_find_char(type, ',') != RAC_STR_NPOS)
        return;
    rac_json_add(a, &list, rac_json_of_str(rac_str_lower(a, type)));
    rac_json_put(a, op, key, list);
}

static void add_headers(struct rac_arena *a, rac_str text, struct rac_json *op,
                        struct rac_json *params)
{
    rac_str rest = text;
    while (rest.p != NULL) {
        rac_str name, value;
        if (!header_line(rac_str_cut(rest, '\n', &rest), &name, &value))
            continue;
        bool own = false;
        for (size_t i = 0; i < RAC_COUNT(excluded); i++)
            own = own || rac_str_eqi(name, rac_str_of(excluded[i]));
        if (rac_str_eqi(name, RAC_S("content-type")))
            put_list(a, op, RAC_S("consumes"), value);
        if (rac_str_eqi(name, RAC_S("accept")))
            put_list(a, op, RAC_S("produces"), value);
        if (own || has_param(params, name, "header"))
            continue;
        struct rac_json p = param(a, name, "header", false);
        if (value.n > 0 && !placeholder(value) && !rac_name_looks_secret(name))
            RAC_JSON_PUT_STR(a, &p, "default", value);
        rac_json_add(a, params, p);
    }
}

/* --- url -------------------------------------------------------------------------------------- */

static void add_path(struct rac_arena *a, rac_str path, struct rac_json *params)
{
    for (size_t i = 0; i < path.n; i++) {
        rac_str rest = rac_str_from(path, i + 1);
        size_t len = path.p[i] == '{' ? rac_str_find_char(rest, '}') : RAC_STR_NPOS;
        if (len == RAC_STR_NPOS || len == 0)
            continue;
        rac_str name = rac_str_sub(rest, 0, len);
        if (has_param(params, name, "path"))
            continue;
        struct rac_json p = param(a, name, "path", true);
        RAC_JSON_PUT_STR(a, &p, "x-ms-url-encoding", RAC_S("single"));
        rac_json_add(a, params, p);
    }
}

static void add_query(struct rac_arena *a, rac_str query, struct rac_json *params)
{
    rac_str rest = query;
    while (rest.p != NULL) {
        rac_str part = rac_str_cut(rest, '&', &rest), value;
        rac_str key = rac_str_cut(part, '=', &value);
        if (key.n == 0 || has_param(params, key, "query"))
            continue;
        struct rac_json p = param(a, key, "query", false);
        if (value.n > 0 && !placeholder(value) && !rac_name_looks_secret(key))
            RAC_JSON_PUT_STR(a, &p, "default", value);
        rac_json_add(a, params, p);
    }
}

/* Braces in pairs, each {name} inside one segment, none twice. */
static bool path_is_sound(rac_str path)
{
    size_t open = RAC_STR_NPOS;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '{') {
            if (open != RAC_STR_NPOS)
                return false;
            open = i;
        } else if (path.p[i] == '}') {
            if (open == RAC_STR_NPOS || open + 1 == i)
                return false;
            rac_str hole = rac_str_sub(path, open, i - open + 1);
            if (rac_str_find(rac_str_from(path, i + 1), hole) != RAC_STR_NPOS)
                return false;
            open = RAC_STR_NPOS;
        } else if (path.p[i] == '/' && open != RAC_STR_NPOS) {
            return false;
        }
    }
    return open == RAC_STR_NPOS;
}

struct target {
    rac_str path, query;
    rac_str host, scheme; /* to adopt; absent: nothing to change */
};

static rac_err read_url(const struct rac_json *definition, const struct rac_sample_request *s,
                        struct rac_arena *a, struct target *out, struct rac_diags *d)
{
    struct rac_convert_url u;
    rac_convert_url_split(rac_str_trim(s->url), &u);
    bool absolute = u.scheme.p != NULL;
    bool http = rac_str_eqi(u.scheme, RAC_S("https")) || rac_str_eqi(u.scheme, RAC_S("http"));
    rac_str host = rac_json_str(RAC_JSON_GET(definition, "host"), RAC_S(""));
    if (absolute ? !http || !rac_convert_host_ok(u.host) : u.host.n > 0 || u.path.n == 0)
        return refuse(d, RAC_RULE_BL_02, RAC_E_INVALID, "no URL of an operation: ", s->url);
    if (absolute && host.n > 0 && !rac_str_eqi(host, u.host))
        return refuse(d, RAC_RULE_BL_01, RAC_E_INVALID,
                      "the sample goes to another host than the connector: ", u.host);
    rac_str path = u.path.n > 0 ? u.path : RAC_S("/");
    rac_str base = rac_json_str(RAC_JSON_GET(definition, "basePath"), RAC_S(""));
    while (base.n > 0 && base.p[base.n - 1] == '/')
        base.n--;
    if (absolute && base.n > 0) {
        bool inside = rac_str_starts(path, base) && (path.n == base.n || path.p[base.n] == '/');
        if (!inside)
            return refuse(d, RAC_RULE_BL_02, RAC_E_INVALID,
                          "the path does not start with the basePath of the connector: ", path);
        path = path.n == base.n ? RAC_S("/") : rac_str_from(path, base.n);
    }
    if (!path_is_sound(path))
        return refuse(d, RAC_RULE_BL_02, RAC_E_INVALID,
                      "the braces of the path do not pair: ", path);
    *out = (struct target){.path = rac_arena_str(a, path), .query = u.query};
    if (absolute && host.n == 0) {
        out->host = u.host;
        out->scheme = rac_str_lower(a, u.scheme);
    }
    return RAC_OK;
}

/* --- requests --------------------------------------------------------------------------------- */

/* What the operation keeps; parameters, consumes and produces are written anew. */
static struct rac_json keep(struct rac_arena *a, const struct rac_json *op)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, op)
    {
        rac_str k = rac_json_key(m);
        if (!rac_str_eq(k, RAC_S("parameters")) && !rac_str_eq(k, RAC_S("consumes")))
            rac_json_put(a, &o, k, m->value);
    }
    return o;
}

static rac_err build(const struct rac_sample_request *s, const struct target *t, const char *method,
                     struct rac_arena *a, struct rac_json *op, struct rac_diags *d)
{
    struct rac_json params = rac_json_new_array(a);
    add_path(a, t->path, &params);
    add_query(a, t->query, &params);
    add_headers(a, s->headers, op, &params);
    bool fetch = strcmp(method, "get") == 0 || strcmp(method, "head") == 0;
    if (rac_str_trim(s->body).n > 0 && !fetch) {
        struct rac_json schema = rac_json_none, body = rac_json_new_object(a);
        rac_err e = infer_body(s->body, a, &schema, d);
        if (e != RAC_OK)
            return e;
        RAC_JSON_PUT_STR(a, &body, "name", RAC_S("body"));
        RAC_JSON_PUT_STR(a, &body, "in", RAC_S("body"));
        RAC_JSON_PUT(a, &body, "required", rac_json_of_bool(true));
        RAC_JSON_PUT(a, &body, "schema", schema);
        rac_json_add(a, &params, body);
        if (RAC_JSON_GET(op, "consumes") == NULL)
            put_list(a, op, RAC_S("consumes"), RAC_S("application/json"));
    }
    RAC_JSON_PUT(a, op, "parameters", params);
    if (rac_json_len(RAC_JSON_GET(op, "responses")) == 0) {
        struct rac_json one = rac_json_new_object(a), all = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &one, "description", RAC_S("OK"));
        RAC_JSON_PUT(a, &all, "200", one);
        RAC_JSON_PUT(a, op, "responses", all);
    }
    return RAC_OK;
}

/* An id that no operation of the definition has. */
static rac_str new_id(const struct rac_json *definition, const struct rac_sample_request *s,
                      const char *method, rac_str path, struct rac_arena *a)
{
    struct rac_convert_state c;
    rac_convert_begin(&c, NULL, NULL, a, NULL);
    RAC_JSON_EACH_MEMBER(item, RAC_JSON_GET(definition, "paths"))
    {
        RAC_JSON_EACH_MEMBER(op, &item->value)
        {
            const struct rac_json *id = RAC_JSON_GET(&op->value, "operationId");
            if (rac_json_is_string(id))
                rac_operation_id_take(&c, rac_json_str(id, RAC_S("")));
        }
    }
    if (s->operation_id.n > 0 && rac_operation_id_take(&c, s->operation_id))
        return s->operation_id;
    rac_str name = rac_str_trim(s->summary);
    if (name.n == 0)
        name = rac_name_of_path(a, rac_str_of(method), path);
    return rac_operation_id_make(&c, name, RAC_S(""));
}

static struct rac_json *paths_of(struct rac_json *definition, struct rac_arena *a)
{
    struct rac_json *paths = RAC_JSON_GET(definition, "paths");
    return rac_json_is_object(paths) ? paths
                                     : RAC_JSON_PUT(a, definition, "paths", rac_json_new_object(a));
}

static void adopt_host(struct rac_json *definition, const struct target *t, struct rac_arena *a)
{
    if (t->host.n == 0)
        return;
    struct rac_json list = rac_json_new_array(a);
    rac_json_add(a, &list, rac_json_of_str(t->scheme));
    RAC_JSON_PUT_STR(a, definition, "host", t->host);
    RAC_JSON_PUT(a, definition, "schemes", list);
}

rac_err rac_sample_import_request(struct rac_json *definition, const struct rac_sample_request *s,
                                  struct rac_arena *a, struct rac_diags *d)
{
    const char *method = method_of(s->verb);
    if (method == NULL)
        return refuse(d, RAC_RULE_BL_02, RAC_E_INVALID, "no verb of an operation: ", s->verb);
    struct target t;
    rac_err e = read_url(definition, s, a, &t, d);
    if (e != RAC_OK)
        return e;
    struct found old = {0};
    bool exists = find_operation(definition, s->operation_id, &old);
    const struct rac_json *there =
        rac_json_get(rac_json_get(RAC_JSON_GET(definition, "paths"), t.path), rac_str_of(method));
    if (there != NULL && there != old.op)
        return refuse(d, RAC_RULE_BL_03, RAC_E_INVALID, "method and path belong to ",
                      rac_json_str(RAC_JSON_GET(there, "operationId"), RAC_S("another operation")));
    struct rac_json op = exists ? keep(a, old.op) : rac_json_new_object(a);
    if (!exists) {
        rac_str id = new_id(definition, s, method, t.path, a);
        RAC_JSON_PUT_STR(a, &op, "summary", s->summary.n > 0 ? rac_text_trim(s->summary, 80) : id);
        RAC_JSON_PUT_STR(a, &op, "operationId", id);
    }
    e = build(s, &t, method, a, &op, d);
    if (e != RAC_OK)
        return e;
    if (exists) {
        rac_json_del(old.item, old.method);
        if (rac_json_len(old.item) == 0)
            rac_json_del(RAC_JSON_GET(definition, "paths"), old.path);
    }
    adopt_host(definition, &t, a);
    struct rac_json *paths = paths_of(definition, a), *item = rac_json_get(paths, t.path);
    if (!rac_json_is_object(item))
        item = rac_json_put(a, paths, t.path, rac_json_new_object(a));
    rac_json_put(a, item, rac_str_of(method), op);
    return rac_arena_over(a) ? RAC_E_LIMIT : RAC_OK;
}

/* --- responses -------------------------------------------------------------------------------- */

static void response_headers(struct rac_arena *a, rac_str text, struct rac_json *response)
{
    struct rac_json list = rac_json_new_object(a);
    rac_str rest = text;
    while (rest.p != NULL) {
        rac_str name, value;
        if (!header_line(rac_str_cut(rest, '\n', &rest), &name, &value) ||
            rac_str_eqi(name, RAC_S("content-type")))
            continue;
        rac_json_put(a, &list, name, plain(a, "string"));
    }
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(a, response, "headers", list);
}

rac_err rac_sample_import_response(struct rac_json *definition, const struct rac_sample_response *s,
                                   struct rac_arena *a, struct rac_diags *d)
{
    struct found f;
    if (!find_operation(definition, s->operation_id, &f))
        return RAC_E_NOT_FOUND;
    rac_str status = rac_str_trim(s->status);
    bool by_default = status.n == 0 || rac_str_eqi(status, RAC_S("default"));
    int64_t code = 200;
    if (!by_default && (!rac_str_to_i64(status, &code) || code < 100 || code > 599))
        return refuse(d, RAC_RULE_BL_02, RAC_E_INVALID, "no status code: ", status);
    struct rac_json one = rac_json_new_object(a), schema = rac_json_none;
    if (rac_str_trim(s->body).n > 0) {
        rac_err e = infer_body(s->body, a, &schema, d);
        if (e != RAC_OK)
            return e;
    }
    rac_str key = rac_arena_printf(a, "%d", (int)code);
    struct rac_json *all = RAC_JSON_GET(f.op, "responses");
    if (!rac_json_is_object(all))
        all = RAC_JSON_PUT(a, f.op, "responses", rac_json_new_object(a));
    rac_str old = rac_json_str(RAC_JSON_GET(rac_json_get(all, key), "description"), RAC_S(""));
    RAC_JSON_PUT_STR(a, &one, "description", old.n > 0 ? old : RAC_S("OK"));
    if (schema.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &one, "schema", schema);
    response_headers(a, s->headers, &one);
    rac_json_put(a, all, key, one);
    if (by_default && RAC_JSON_GET(all, "default") == NULL &&
        rac_str_eqi(status, RAC_S("default"))) {
        struct rac_json rest = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &rest, "description", RAC_S("Any other answer"));
        RAC_JSON_PUT(a, all, "default", rest);
    }
    return rac_arena_over(a) ? RAC_E_LIMIT : RAC_OK;
}

size_t rac_sample_would_lose(const struct rac_json *definition, rac_str operation_id,
                             struct rac_arena *a, rac_str **names)
{
    struct found f;
    *names = NULL;
    if (!find_operation(definition, operation_id, &f))
        return 0;
    const struct rac_json *params = RAC_JSON_GET(f.op, "parameters");
    *names = RAC_NEW_N(a, rac_str, rac_json_len(params) + 1);
    size_t n = 0;
    RAC_JSON_EACH(p, params)
    {
        rac_str name = rac_json_str(RAC_JSON_GET(p, "name"), RAC_S(""));
        if (name.n == 0)
            name = rac_json_str(RAC_JSON_GET(p, "$ref"), RAC_S(""));
        (*names)[n++] = name;
    }
    return n;
}
