/* Postman v1: requests and folders that name each other by id (connectors.md §2.3.1). */
#include "openapi/postman_read_priv.h"

enum { PM_FOLDER_DEPTH_MAX = 256 };

static rac_str id_of(struct pm *p, const struct rac_json *v)
{
    return pm_text(p, RAC_JSON_GET(v, "id"));
}

static const struct pm_auth *read_helper(struct pm *p, const struct rac_place *at)
{
    const struct pm_auth *own = pm_read_auth(p, at);
    rac_str helper = rac_json_str(RAC_JSON_GET(at->node, "currentHelper"), RAC_S(""));
    if (own != NULL || helper.n == 0 || rac_str_eq(helper, RAC_S("normal")))
        return own;
    struct rac_place here =
        RAC_PLACE_KEY(at, "currentHelper", RAC_JSON_GET(at->node, "currentHelper"));
    const struct rac_json *values = RAC_JSON_GET(at->node, "helperAttributes");
    if (rac_json_is_string(values)) { /* a JSON text in a string */
        struct rac_json *parsed = RAC_NEW(p->a, struct rac_json);
        struct rac_json_error error;
        if (rac_json_parse(rac_json_str(values, RAC_S("")), p->a, 0, parsed, &error) == RAC_OK)
            values = parsed;
    }
    return pm_auth_new(p, pm_auth_word(helper), values, &here);
}

static void read_data_v1(struct pm *p, struct pm_request *r, const struct rac_json *v)
{
    const struct rac_json *data = RAC_JSON_GET(v, "data");
    const struct rac_json *raw = RAC_JSON_GET(v, "rawModeData");
    r->mode = pm_mode_of(rac_json_str(RAC_JSON_GET(v, "dataMode"), RAC_S("")));
    switch (r->mode) {
    case PM_URLENCODED:
    case PM_FORMDATA:
        if (rac_json_is_string(data))
            pm_read_query_text(p, &r->fields, rac_json_str(data, RAC_S("")));
        else
            pm_read_entries(p, &r->fields, data);
        if (r->fields.n == 0)
            r->mode = PM_NONE;
        break;
    case PM_RAW:
        if (rac_json_is_array(raw) && rac_json_len(raw) > 0)
            raw = rac_json_at(raw, 0);
        r->raw = pm_text(p, rac_json_is_string(raw) ? raw : data);
        break;
    case PM_GRAPHQL:
        pm_read_graphql(p, r, RAC_JSON_GET(v, "graphqlModeData"));
        break;
    default:
        break;
    }
    r->language =
        rac_json_str(RAC_JSON_GET(RAC_JSON_GET(RAC_JSON_GET(v, "dataOptions"), "raw"), "language"),
                     RAC_STR_NULL);
}

static void read_request_v1(struct pm *p, const struct pm_folder *folder,
                            const struct rac_place *at)
{
    const struct rac_json *v = at->node;
    struct pm_request *r = pm_request_new(p, folder, at);
    if (r == NULL)
        return;
    pm_read_events(p, at);
    r->name = pm_text(p, RAC_JSON_GET(v, "name"));
    r->description = pm_description(p, RAC_JSON_GET(v, "description"));
    r->method = pm_method_of(p, RAC_JSON_GET(v, "method"));
    const struct rac_json *query = RAC_JSON_GET(v, "queryParams");
    bool listed = rac_json_len(query) > 0;
    const struct rac_json *url = RAC_JSON_GET(v, "url");
    if (rac_json_is_string(url))
        pm_read_url_text(p, r, rac_json_str(url, RAC_S("")), !listed);
    else
        pm_read_url(p, r, url);
    pm_read_entries(p, &r->query, query);
    const struct rac_json *path_data = RAC_JSON_GET(v, "pathVariableData");
    pm_read_entries(p, &r->path_vars,
                    rac_json_len(path_data) > 0 ? path_data : RAC_JSON_GET(v, "pathVariables"));
    const struct rac_json *header_data = RAC_JSON_GET(v, "headerData");
    pm_read_headers(p, &r->headers,
                    rac_json_len(header_data) > 0 ? header_data : RAC_JSON_GET(v, "headers"));
    r->auth = read_helper(p, at);
    read_data_v1(p, r, v);
    struct rac_place responses = RAC_PLACE_KEY(at, "responses", RAC_JSON_GET(v, "responses"));
    pm_read_responses(p, r, &responses);
}

struct v1 {
    struct pm *p;
    struct rac_map requests, folders; /* id -> index + 1 into the source's arrays */
    const struct rac_place *requests_at, *folders_at;
    bool *request_done;
    const struct pm_folder **folder_done; /* NULL: not yet */
    unsigned depth;
};

static void index_by_id(struct pm *p, struct rac_map *m, const struct rac_json *list)
{
    rac_map_init(m, p->a);
    for (size_t i = 0; i < rac_json_len(list); i++) {
        rac_str id = id_of(p, rac_json_at(list, i));
        if (id.n > 0)
            rac_map_add(m, id, (void *)(uintptr_t)(i + 1));
    }
}

static void v1_request(struct v1 *x, const struct pm_folder *folder, size_t i)
{
    const struct rac_json *v = rac_json_at(x->requests_at->node, i);
    if (x->request_done[i] || !rac_json_is_object(v))
        return;
    x->request_done[i] = true;
    struct rac_place at = rac_place_at(x->requests_at, i, v);
    read_request_v1(x->p, folder, pm_place_keep(x->p, at));
}

static void v1_folder(struct v1 *x, const struct pm_folder *up, size_t i);

/* The requests and folders that `owner` lists, in its order. */
static void v1_children(struct v1 *x, const struct pm_folder *folder, const struct rac_json *owner)
{
    RAC_JSON_EACH(id, RAC_JSON_GET(owner, "folders_order"))
    {
        uintptr_t i = (uintptr_t)rac_map_get(&x->folders, pm_text(x->p, id));
        if (i > 0)
            v1_folder(x, folder, i - 1);
    }
    RAC_JSON_EACH(id, RAC_JSON_GET(owner, "order"))
    {
        uintptr_t i = (uintptr_t)rac_map_get(&x->requests, pm_text(x->p, id));
        if (i > 0)
            v1_request(x, folder, i - 1);
    }
}

static void v1_folder(struct v1 *x, const struct pm_folder *up, size_t i)
{
    const struct rac_json *v = rac_json_at(x->folders_at->node, i);
    if (x->folder_done[i] != NULL || !rac_json_is_object(v) || x->depth >= PM_FOLDER_DEPTH_MAX)
        return; /* what is too deep is found at the top later */
    struct rac_place at = rac_place_at(x->folders_at, i, v);
    pm_read_events(x->p, &at);
    struct pm_folder *f = pm_folder_new(x->p, up, &at);
    x->folder_done[i] = f; /* before its children: folders may name each other in a circle */
    f->auth = pm_read_auth(x->p, &at);
    x->depth++;
    v1_children(x, f, v);
    x->depth--;
}

rac_err pm_read_v1(struct pm *p, const struct rac_place *root)
{
    const struct rac_json *v = root->node;
    struct rac_place requests = RAC_PLACE_KEY(root, "requests", RAC_JSON_GET(v, "requests"));
    struct rac_place folders = RAC_PLACE_KEY(root, "folders", RAC_JSON_GET(v, "folders"));
    size_t requests_n = rac_json_len(requests.node), folders_n = rac_json_len(folders.node);
    if (requests_n > PM_REQUESTS_MAX || folders_n > PM_FOLDERS_MAX)
        return RAC_E_LIMIT;
    struct v1 x = {.p = p,
                   .requests_at = pm_place_keep(p, requests),
                   .folders_at = pm_place_keep(p, folders),
                   .request_done = RAC_NEW_N(p->a, bool, requests_n + 1),
                   .folder_done = RAC_NEW_N(p->a, const struct pm_folder *, folders_n + 1)};
    index_by_id(p, &x.requests, requests.node);
    index_by_id(p, &x.folders, folders.node);
    v1_children(&x, &p->root, v);
    for (size_t i = 0; i < folders_n; i++) { /* not listed: top ones first, then the rest */
        const struct rac_json *f = rac_json_at(folders.node, i);
        if (rac_map_get(&x.folders, pm_text(p, RAC_JSON_GET(f, "folder"))) == NULL)
            v1_folder(&x, &p->root, i);
    }
    for (size_t i = 0; i < folders_n; i++)
        v1_folder(&x, &p->root, i);
    for (size_t i = 0; i < requests_n; i++) { /* requests that no order names */
        const struct rac_json *r = rac_json_at(requests.node, i);
        uintptr_t f = (uintptr_t)rac_map_get(&x.folders, pm_text(p, RAC_JSON_GET(r, "folder")));
        v1_request(&x, f > 0 && x.folder_done[f - 1] != NULL ? x.folder_done[f - 1] : &p->root, i);
    }
    return rac_arena_over(p->a) ? RAC_E_LIMIT : RAC_OK;
}
