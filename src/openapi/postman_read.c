/*
 * Postman collections to one list of requests (connectors.md §2.3.1): v2.0 and v2.1, and the door
 * for every version.
 */
#include "openapi/postman_read_priv.h"

#include <stdio.h>

/* Keys each kind of object may have; one that is in no list is told once (RC-PM-17). */
static const char *const *const item_keys = PM_KEYS(
    "name", "item", "request", "response", "event", "description", "variable", "variables", "auth",
    "id", "_postman_id", "_postman_isSubFolder", "protocolProfileBehavior", "events", "responses",
    "uid", "createdAt", "updatedAt", "owner", "_postman_previewlanguage");
static const char *const *const request_keys =
    PM_KEYS("method", "header", "headers", "body", "url", "description", "auth", "name", "response",
            "data", "proxy", "certificate", "id", "_postman_id", "mode");
static const char *const *const root_keys = PM_KEYS(
    "info", "item", "auth", "event", "events", "variable", "variables", "protocolProfileBehavior",
    "id", "uid", "owner", "createdAt", "updatedAt", "_postman_id", "_collection_link");

/* --- requests and folders ------------------------------------------------------------------- */

struct pm_request *pm_request_new(struct pm *p, const struct pm_folder *folder,
                                  const struct rac_place *at)
{
    if (p->requests_n >= PM_REQUESTS_MAX)
        return NULL;
    struct pm_request *r = RAC_NEW(p->a, struct pm_request);
    r->folder = folder;
    r->at = pm_place_keep(p, *at);
    r->path_params = rac_json_new_array(p->a);
    if (p->requests_n == p->requests_cap) {
        size_t cap = p->requests_cap ? p->requests_cap * 2 : 32;
        p->requests = rac_arena_grow(p->a, p->requests, p->requests_cap * sizeof *p->requests,
                                     cap * sizeof *p->requests);
        p->requests_cap = cap;
    }
    p->requests[p->requests_n++] = r;
    return r;
}

/* The names of folders down to one, joined by slashes; a long one is cut, and that is told. */
static rac_str folder_tag(struct pm *p, const struct pm_folder *up, rac_str name,
                          const struct rac_place *at)
{
    rac_str own = rac_text_trim(name, PM_TAG_BYTES_MAX / 4), tag = own;
    if (name.n == 0)
        return up->tag;
    if (up->tag.n > 0)
        tag = rac_arena_printf(p->a, "%.*s/%.*s", RAC_FMT(up->tag), RAC_FMT(own));
    if (own.n < name.n || tag.n > PM_TAG_BYTES_MAX)
        pm_note(p, PM_ONCE_TAGS, RAC_RULE_PM_19, at);
    return tag.n > PM_TAG_BYTES_MAX ? up->tag : tag; /* folders in folders: they share a tag */
}

struct pm_folder *pm_folder_new(struct pm *p, const struct pm_folder *up,
                                const struct rac_place *at)
{
    const struct rac_json *v = at->node;
    struct pm_folder *f = RAC_NEW(p->a, struct pm_folder);
    f->up = up;
    f->name = rac_str_trim(pm_text(p, RAC_JSON_GET(v, "name")));
    f->description = pm_description(p, RAC_JSON_GET(v, "description"));
    f->tag = folder_tag(p, up, f->name, at);
    rac_map_init(&f->vars, p->a);
    pm_read_variables(p, &f->vars, RAC_JSON_GET(v, "variable"));
    pm_read_variables(p, &f->vars, RAC_JSON_GET(v, "variables"));
    if (p->folders_n == p->folders_cap) {
        size_t cap = p->folders_cap ? p->folders_cap * 2 : 32;
        p->folders = rac_arena_grow(p->a, p->folders, p->folders_cap * sizeof *p->folders,
                                    cap * sizeof *p->folders);
        p->folders_cap = cap;
    }
    p->folders[p->folders_n++] = f;
    return f;
}

rac_str pm_method_of(struct pm *p, const struct rac_json *v)
{
    rac_str m = rac_str_trim(pm_text(p, v));
    return m.n > 0 ? rac_str_upper(p->a, m) : RAC_S("GET");
}

static void read_request_v2(struct pm *p, const struct pm_folder *folder,
                            const struct rac_place *item)
{
    const struct rac_json *v = RAC_JSON_GET(item->node, "request");
    const struct rac_place *at =
        pm_place_keep(p, RAC_PLACE_KEY(pm_place_keep(p, *item), "request", v));
    struct pm_request *r = pm_request_new(p, folder, at);
    if (r == NULL)
        return;
    r->name = pm_text(p, RAC_JSON_GET(item->node, "name"));
    r->method = RAC_S("GET");
    r->description = pm_description(p, RAC_JSON_GET(item->node, "description"));
    if (rac_json_is_string(v)) {
        pm_read_url_text(p, r, rac_json_str(v, RAC_S("")), true);
    } else if (rac_json_is_object(v)) {
        pm_check_keys(p, at, request_keys, "request");
        r->method = pm_method_of(p, RAC_JSON_GET(v, "method"));
        rac_str d = pm_description(p, RAC_JSON_GET(v, "description"));
        if (d.n > 0 && r->description.n > 0 && !rac_str_eq(d, r->description))
            r->description =
                rac_arena_printf(p->a, "%.*s\n\n%.*s", RAC_FMT(d), RAC_FMT(r->description));
        else if (d.n > 0)
            r->description = d;
        pm_read_url(p, r, RAC_JSON_GET(v, "url"));
        const struct rac_json *h = RAC_JSON_GET(v, "header");
        pm_read_headers(p, &r->headers, h != NULL ? h : RAC_JSON_GET(v, "headers"));
        r->auth = pm_read_auth(p, at);
        struct rac_place body = RAC_PLACE_KEY(at, "body", RAC_JSON_GET(v, "body"));
        pm_read_body(p, r, &body);
        struct rac_place cert = RAC_PLACE_KEY(at, "certificate", RAC_JSON_GET(v, "certificate"));
        if (rac_json_len(cert.node) > 0)
            pm_note(p, PM_ONCE_CERTIFICATES, RAC_RULE_PM_13, &cert);
        struct rac_place proxy = RAC_PLACE_KEY(at, "proxy", RAC_JSON_GET(v, "proxy"));
        if (rac_json_len(proxy.node) > 0)
            pm_note(p, PM_ONCE_PROXY, RAC_RULE_PM_13, &proxy);
    }
    const struct rac_json *list = RAC_JSON_GET(item->node, "response");
    struct rac_place responses = RAC_PLACE_KEY(item, "response", list);
    pm_read_responses(p, r, &responses);
}

static rac_err read_items(struct pm *p, const struct pm_folder *folder,
                          const struct rac_place *list)
{
    for (size_t i = 0; i < rac_json_len(list->node); i++) {
        if (rac_arena_over(p->a) || p->folders_n >= PM_FOLDERS_MAX ||
            p->requests_n >= PM_REQUESTS_MAX)
            return RAC_E_LIMIT;
        const struct rac_json *v = rac_json_at(list->node, i);
        if (!rac_json_is_object(v))
            continue;
        struct rac_place at = rac_place_at(list, i, v);
        pm_check_keys(p, &at, item_keys, "item");
        pm_read_events(p, &at);
        const struct rac_json *item = RAC_JSON_GET(v, "item");
        if (rac_json_is_array(item)) {
            struct pm_folder *f = pm_folder_new(p, folder, &at);
            f->auth = pm_read_auth(p, &at);
            struct rac_place inner = RAC_PLACE_KEY(pm_place_keep(p, at), "item", item);
            rac_err e = read_items(p, f, pm_place_keep(p, inner));
            if (e != RAC_OK)
                return e;
        } else if (RAC_JSON_GET(v, "request") != NULL) {
            read_request_v2(p, folder, &at);
        } else {
            rac_str name = rac_text_trim(pm_text(p, RAC_JSON_GET(v, "name")), 80);
            rac_loss(p->c, RAC_RULE_PM_17, &at,
                     "the item '%.*s' holds neither a request nor items; it was dropped",
                     RAC_FMT(name));
        }
    }
    return RAC_OK;
}

/* --- the collection ------------------------------------------------------------------------- */

static rac_str version_of(struct pm *p, const struct rac_json *v)
{
    if (rac_json_is_object(v)) {
        rac_str major = pm_text(p, RAC_JSON_GET(v, "major"));
        rac_str minor = pm_text(p, RAC_JSON_GET(v, "minor"));
        rac_str patch = pm_text(p, RAC_JSON_GET(v, "patch"));
        return rac_arena_printf(p->a, "%.*s.%.*s.%.*s", RAC_FMT(major.n ? major : RAC_S("1")),
                                RAC_FMT(minor.n ? minor : RAC_S("0")),
                                RAC_FMT(patch.n ? patch : RAC_S("0")));
    }
    rac_str s = rac_str_trim(pm_text(p, v));
    return s.n > 0 ? s : RAC_S("1.0.0");
}

rac_err pm_read(struct pm *p)
{
    const struct rac_json *doc = &p->c->main.doc->root;
    struct rac_place top = rac_place_root(&p->c->main, RAC_S(""), doc);
    struct rac_place root = top;
    const struct rac_json *inner = RAC_JSON_GET(doc, "collection");
    if (rac_json_is_object(inner) && RAC_JSON_GET(doc, "item") == NULL &&
        RAC_JSON_GET(doc, "requests") == NULL)
        root = RAC_PLACE_KEY(pm_place_keep(p, top), "collection", inner);
    const struct rac_json *v = root.node;
    bool v1 = rac_json_is_array(RAC_JSON_GET(v, "requests"));
    const struct rac_json *info = v1 ? v : RAC_JSON_GET(v, "info");
    pm_read_variables(p, &p->root.vars, RAC_JSON_GET(v, "variable"));
    pm_read_variables(p, &p->root.vars, RAC_JSON_GET(v, "variables"));
    p->root.auth = pm_read_auth(p, &root);
    pm_read_events(p, &root);
    p->title = rac_str_trim(pm_text(p, RAC_JSON_GET(info, "name")));
    p->description = pm_description(p, RAC_JSON_GET(info, "description"));
    p->version = v1 ? RAC_S("1.0.0") : version_of(p, RAC_JSON_GET(info, "version"));
    if (v1)
        return pm_read_v1(p, pm_place_keep(p, root));
    pm_check_keys(p, &root, root_keys, "collection");
    struct rac_place items = RAC_PLACE_KEY(pm_place_keep(p, root), "item", RAC_JSON_GET(v, "item"));
    return read_items(p, &p->root, pm_place_keep(p, items));
}
