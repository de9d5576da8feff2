/*
 * Postman collections to OpenAPI 2.0 (connectors.md §2.3): postman_read.c maps every version to
 * one list of requests, postman_url.c finds hosts and paths, postman_body.c parameters, bodies and
 * answers, postman_auth.c the credential; here the operations are put together.
 */
#include "openapi/postman_priv.h"

static const rac_str methods[] = {RAC_S_INIT("GET"),    RAC_S_INIT("PUT"),     RAC_S_INIT("POST"),
                                  RAC_S_INIT("DELETE"), RAC_S_INIT("OPTIONS"), RAC_S_INIT("HEAD"),
                                  RAC_S_INIT("PATCH")};

/* Headers that a connector sets itself (§2.3.4). */
static const rac_str own_headers[] = {
    RAC_S_INIT("content-type"),  RAC_S_INIT("accept"),        RAC_S_INIT("content-length"),
    RAC_S_INIT("host"),          RAC_S_INIT("user-agent"),    RAC_S_INIT("cookie"),
    RAC_S_INIT("connection"),    RAC_S_INIT("cache-control"), RAC_S_INIT("postman-token"),
    RAC_S_INIT("authorization"),
};

static bool header_is_own(struct pm *p, const struct pm_request *r, rac_str key)
{
    for (size_t i = 0; i < RAC_COUNT(own_headers); i++)
        if (rac_str_eqi(key, own_headers[i])) {
            if (rac_str_eqi(key, RAC_S("cookie")))
                rac_once_note(p->c, &p->once[PM_ONCE_COOKIES], RAC_RULE_PM_13, r->at);
            return true;
        }
    return pm_auth_consumes(p, "header", key);
}

static bool is_header_name(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && memchr("!#$%&'*+-.^_`|~", s.p[i], 15) == NULL)
            return false;
    return s.n > 0;
}

/* A key with variables in it becomes a plain name. */
static struct pm_entry with_plain_key(struct pm *p, struct pm_request *r, const struct pm_entry *e)
{
    struct pm_entry out = *e;
    if (rac_str_find_char(e->key, '{') == RAC_STR_NPOS)
        return out;
    out.key = pm_substitute(p, r, e->key);
    out.key = rac_str_replace(p->a, out.key, RAC_S("{{"), RAC_S(""));
    out.key = rac_str_trim(rac_str_replace(p->a, out.key, RAC_S("}}"), RAC_S("")));
    rac_loss(p->c, RAC_RULE_PM_19, r->at, "the parameter '%.*s' is called '%.*s'", RAC_FMT(e->key),
             RAC_FMT(out.key));
    return out;
}

static struct rac_json parameters_of(struct pm *p, struct pm_request *r, struct rac_json *op)
{
    struct rac_json params = rac_json_shallow(p->a, &r->path_params);
    struct rac_map seen;
    rac_map_init(&seen, p->a);
    for (size_t i = 0; i < r->query.n; i++) {
        struct pm_entry e = with_plain_key(p, r, &r->query.v[i]);
        if (e.key.n > 0 && !pm_auth_consumes(p, "query", e.key))
            pm_parameter_add(p, r, &params, &seen, &e, "query");
    }
    for (size_t i = 0; i < r->headers.n; i++) {
        struct pm_entry e = with_plain_key(p, r, &r->headers.v[i]);
        if (header_is_own(p, r, e.key))
            continue;
        if (is_header_name(e.key))
            pm_parameter_add(p, r, &params, &seen, &e, "header");
        else
            rac_loss(p->c, RAC_RULE_PM_19, r->at, "'%.*s' is no name of a header; it was dropped",
                     RAC_FMT(e.key));
    }
    pm_body(p, r, op, &params, &seen);
    return params;
}

static bool method_known(rac_str m)
{
    for (size_t i = 0; i < RAC_COUNT(methods); i++)
        if (rac_str_eq(m, methods[i]))
            return true;
    return false;
}

/* Every name of "/a/{b}/{c}" replaced by nothing: what two equal paths share. */
static rac_str shape_of(struct pm *p, rac_str path)
{
    struct rac_buf b;
    rac_buf_init(&b, path.n + 1);
    bool inside = false;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '}')
            inside = false;
        if (!inside)
            rac_buf_add_char(&b, path.p[i]);
        if (path.p[i] == '{')
            inside = true;
    }
    return rac_buf_finish(&b, p->a);
}

static rac_str key_of(struct pm *p, const struct rac_json *param)
{
    return pm_param_key(p, rac_json_str(RAC_JSON_GET(param, "in"), RAC_S("")),
                        rac_json_str(RAC_JSON_GET(param, "name"), RAC_S("")));
}

/* The parameters of an operation that others are merged into, to be looked up. */
static struct rac_map *params_of(struct pm *p, struct pm_request *first,
                                 const struct rac_json *params)
{
    if (first->params == NULL) {
        first->params = RAC_NEW(p->a, struct rac_map);
        rac_map_init(first->params, p->a);
        RAC_JSON_EACH(v, params)
        {
            rac_map_add(first->params, key_of(p, v), first);
        }
    }
    return first->params;
}

static bool has_in(const struct rac_json *params, const char *in)
{
    RAC_JSON_EACH(v, params)
    {
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(v, "in"), RAC_S("")), rac_str_of(in)))
            return true;
    }
    return false;
}

/* §2.3.7: the first request stays, optional parameters of the second join it. */
static void merge(struct pm *p, struct pm_request *r, struct pm_request *first)
{
    struct rac_json scratch = rac_json_new_object(p->a);
    struct rac_json more = parameters_of(p, r, &scratch);
    struct rac_json *params = RAC_JSON_GET(first->operation, "parameters");
    const struct rac_json *consumes = RAC_JSON_GET(first->operation, "consumes");
    bool form =
        has_in(params, "formData") && rac_json_equal(consumes, RAC_JSON_GET(&scratch, "consumes"));
    bool body_lost = false;
    struct rac_map *seen = params_of(p, first, params);
    RAC_JSON_EACH(v, &more)
    {
        rac_str in = rac_json_str(RAC_JSON_GET(v, "in"), RAC_S(""));
        bool wanted = rac_str_eq(in, RAC_S("query")) || rac_str_eq(in, RAC_S("header")) ||
                      (form && rac_str_eq(in, RAC_S("formData")));
        if (wanted && rac_json_len(params) >= PM_PARAMETERS_MAX)
            rac_once_note(p->c, &p->once[PM_ONCE_PARAMETERS], RAC_RULE_PM_19, r->at);
        else if (wanted && rac_map_add(seen, key_of(p, v), first))
            rac_json_add(p->a, params, *v);
        else if (rac_str_eq(in, RAC_S("body")) && pm_body_join(p, first, r, params))
            continue;
        else if (!wanted && !rac_str_eq(in, RAC_S("path")))
            body_lost = true;
    }
    rac_loss(p->c, RAC_RULE_PM_08, r->at,
             "'%.*s' has the same method and path as '%.*s': merged into %.*s%s%s",
             RAC_FMT(r->name), RAC_FMT(first->name), RAC_FMT(first->id),
             body_lost ? ", without its body" : "",
             rac_str_eqi(r->host, first->host) ? "" : ", without its host");
}

static void put_op(struct pm *p, struct pm_request *r, rac_str path, struct rac_json op)
{
    struct rac_json *paths = RAC_JSON_GET(p->definition, "paths");
    struct rac_json *item = rac_json_get(paths, path);
    if (item == NULL)
        item = rac_json_put(p->a, paths, path, rac_json_new_object(p->a));
    r->operation = RAC_NEW(p->a, struct rac_json);
    *r->operation = op; /* containers are shared: later changes are seen through the item too */
    rac_json_put(p->a, item, rac_str_lower(p->a, r->method), op);
}

static void write_operation(struct pm *p, struct pm_request *r, rac_str path)
{
    struct rac_arena *a = p->a;
    struct rac_json op = rac_json_new_object(a);
    rac_str tag = r->folder->tag;
    rac_str name = rac_str_trim(r->name);
    if (name.n == 0)
        name = rac_arena_printf(a, "%.*s %.*s", RAC_FMT(r->method), RAC_FMT(path));
    if (tag.n > 0)
        RAC_JSON_PUT(a, &op, "tags", rac_json_string_array(a, &tag, 1));
    RAC_JSON_PUT_STR(a, &op, "summary", rac_text_trim(name, 80));
    if (r->description.n > 0)
        RAC_JSON_PUT_STR(a, &op, "description", r->description);
    r->id = rac_operation_id_make(p->c, name, r->folder->name);
    RAC_JSON_PUT_STR(a, &op, "operationId", r->id);
    struct rac_json params = parameters_of(p, r, &op), tail = rac_json_new_object(a);
    pm_responses(p, r, &tail);
    const struct rac_json *produces = RAC_JSON_GET(&tail, "produces");
    if (produces != NULL)
        RAC_JSON_PUT(a, &op, "produces", *produces);
    RAC_JSON_PUT(a, &op, "parameters", params);
    RAC_JSON_PUT(a, &op, "responses", *RAC_JSON_GET(&tail, "responses"));
    put_op(p, r, path, op);
}

static void write_tags(struct pm *p)
{
    struct rac_json list = rac_json_new_array(p->a);
    struct rac_map seen;
    rac_map_init(&seen, p->a);
    for (size_t i = 0; i < p->folders_n; i++) {
        rac_str tag = p->folders[i]->tag;
        if (p->folders[i]->description.n == 0 || tag.n == 0 || !rac_map_add(&seen, tag, p))
            continue;
        struct rac_json o = rac_json_new_object(p->a);
        RAC_JSON_PUT_STR(p->a, &o, "name", tag);
        RAC_JSON_PUT_STR(p->a, &o, "description", p->folders[i]->description);
        rac_json_add(p->a, &list, o);
    }
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(p->a, p->definition, "tags", list);
}

static rac_str first_names(struct pm *p)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < p->unset.n && i < 8; i++)
        rac_buf_printf(&b, "%s%.*s", i > 0 ? ", " : "", RAC_FMT(p->unset.entries[i].key));
    if (p->unset.n > 8)
        RAC_BUF_ADD_LIT(&b, ", ...");
    return rac_buf_finish(&b, p->a);
}

static void report_once(struct pm *p)
{
    static const char *const texts[PM_ONCE_N] = {
        [PM_ONCE_SCRIPTS] = "%zu script(s) before requests or after answers were dropped",
        [PM_ONCE_EXAMPLES] = "%zu request(s) have further saved responses; one was used of each",
        [PM_ONCE_COOKIES] = "cookies of %zu request(s) or answers were dropped",
        [PM_ONCE_CERTIFICATES] = "client certificates of %zu request(s) were dropped",
        [PM_ONCE_PROXY] = "proxy settings of %zu request(s) were dropped",
        [PM_ONCE_PROTOCOL] = "protocol settings in %zu place(s) were dropped",
        [PM_ONCE_AUTH] =
            "%zu request(s) have another authentication than the rest; they use that of the rest",
        [PM_ONCE_PARAMETERS] = "%zu parameter(s) beyond the first 1000 of a request were left out",
        [PM_ONCE_PARTS] = "the media types of %zu part(s) of forms were dropped",
        [PM_ONCE_TWICE] = "%zu header(s) or file(s) that stand twice in a request were left out; "
                          "the first counts",
        [PM_ONCE_TAGS] = "the names of %zu folder(s) are too long for a tag; they were cut",
        [PM_ONCE_SUBSTITUTION] =
            "variables in %zu text(s) were left in place: their values are too long, or hold each "
            "other",
        [PM_ONCE_RESPONSE_HEADERS] = "headers of %zu saved response(s) were left out",
    };
    p->once[PM_ONCE_UNSET].n = p->unset.n;
    for (int i = 0; i < PM_ONCE_N; i++) {
        size_t n = p->once[i].n;
        if (i == PM_ONCE_UNSET)
            rac_once_report(p->c, &p->once[i],
                            "%zu variable(s) have no value in the collection: %.*s", n,
                            RAC_FMT(first_names(p)));
        else {
            rac_str text = rac_str_replace(p->a, rac_str_of(texts[i]), RAC_S("%zu"),
                                           rac_arena_printf(p->a, "%zu", n));
            rac_once_report(p->c, &p->once[i], "%.*s", RAC_FMT(text));
        }
    }
}

static void write_head(struct pm *p)
{
    struct rac_arena *a = p->a;
    RAC_JSON_PUT_STR(a, p->definition, "swagger", RAC_S("2.0"));
    struct rac_json info = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &info, "title", p->title.n > 0 ? p->title : RAC_S("Untitled"));
    if (p->description.n > 0)
        RAC_JSON_PUT_STR(a, &info, "description", p->description);
    RAC_JSON_PUT_STR(a, &info, "version", p->version);
    RAC_JSON_PUT(a, p->definition, "info", info);
}

/* Requests that no operation can be made of lose their method and are told. */
static void sort_out(struct pm *p)
{
    for (size_t i = 0; i < p->requests_n; i++) {
        struct pm_request *r = p->requests[i];
        bool known = method_known(r->method);
        if (known && pm_url(p, r))
            continue;
        if (known)
            rac_loss(p->c, RAC_RULE_PM_02, r->at,
                     "the request '%.*s' was left out: its path has more than %d bytes or %d "
                     "variables",
                     RAC_FMT(r->name), PM_PATH_BYTES_MAX, PM_PATH_VARIABLES_MAX);
        else
            rac_loss(p->c, RAC_RULE_PM_02, r->at,
                     "the request '%.*s' was left out: connectors have no method %.*s",
                     RAC_FMT(r->name), RAC_FMT(r->method));
        r->method = RAC_STR_NULL;
    }
}

static rac_err write_operations(struct pm *p, size_t base_n)
{
    struct rac_map seen; /* method and shape of the path -> first request */
    rac_map_init(&seen, p->a);
    for (size_t i = 0; i < p->requests_n; i++) {
        struct pm_request *r = p->requests[i];
        if (rac_arena_over(p->a))
            return RAC_E_LIMIT;
        if (r->method.n == 0)
            continue;
        rac_str path = pm_path(p, r, base_n);
        rac_str word =
            rac_arena_printf(p->a, "%.*s %.*s", RAC_FMT(r->method), RAC_FMT(shape_of(p, path)));
        struct pm_request *first = rac_map_get(&seen, word);
        if (first != NULL) {
            merge(p, r, first);
            continue;
        }
        rac_map_put(&seen, word, r);
        write_operation(p, r, path);
    }
    return RAC_OK;
}

rac_err rac_convert_postman(struct rac_convert_state *c, struct rac_json *definition)
{
    struct pm p = {.c = c, .a = c->a, .definition = definition};
    rac_map_init(&p.root.vars, p.a);
    rac_map_init(&p.unknown, p.a);
    rac_map_init(&p.unset, p.a);
    rac_map_init(&p.hosts, p.a);
    rac_map_init(&p.vault, p.a);
    rac_map_init(&p.vault_heads, p.a);
    rac_err e = pm_read(&p);
    if (e != RAC_OK)
        return e;
    if (p.requests_n == 0) {
        struct rac_place at = rac_place_root(&c->main, RAC_S(""), &c->main.doc->root);
        rac_loss(c, RAC_RULE_PM_01, &at, "the collection holds no request");
        return RAC_E_INVALID;
    }
    sort_out(&p);
    pm_auth_begin(&p);
    write_head(&p);
    size_t base_n;
    pm_hosts_begin(&p, definition, &base_n);
    RAC_JSON_PUT(c->a, definition, "paths", rac_json_new_object(c->a));
    e = write_operations(&p, base_n);
    if (e != RAC_OK)
        return e;
    RAC_JSON_PUT(c->a, definition, "definitions", rac_json_new_object(c->a));
    pm_auth_write(&p, definition);
    pm_hosts_end(&p, definition);
    write_tags(&p);
    report_once(&p);
    return rac_arena_over(c->a) ? RAC_E_LIMIT : RAC_OK;
}
