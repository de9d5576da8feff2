#include "api/ops/saving.h"

#include "api/ops/access.h"
#include "api/ops/connectors.h"
#include "api/service.h"
#include "base/base64.h"
#include "crypto/digest.h"
#include "loop/pool.h"
#include "text/mime.h"
#include "text/multipart.h"
#include "text/url.h"

enum { REDIRECTS_MAX = 5, IMPORT_TIMEOUT_MS = 30000, PACKAGE_FACTOR = 4, TRIES_MAX = 20 };

/* What the request says to change; absent means: as it is. Bytes live in the ask's arena. */
struct given {
    rac_str display_name, group, audience, url;
    struct rac_package *package; /* definition, properties, icon, ...: those that were given */
    bool removes_icon, removes_script;
    bool whole; /* the package is all there is: files not in it go */
};

struct saving {
    struct rac_ask *q;
    bool create;
    struct rac_connector_row row; /* of an update */
    rac_str group;                /* id, of a create */
    struct given given;
    rac_str body, body_type, body_name;
    enum rac_package_role only; /* a PUT of one file: its role; ROLES: the body says */
    size_t definition_max;
    enum rac_fault fault; /* 0 with why absent: fine so far */
    rac_str why;
    struct rac_package *former; /* of an update: definition and properties of the live revision */
    struct rac_checked checked;
    bool ok;
    /* fetching */
    rac_str url;
    unsigned hops;
    /* saving */
    struct rac_connector_save save;
    unsigned tries;
    void (*then)(struct saving *s); /* what follows the gathering */
};

static void begin(struct rac_ask *q, struct saving *s, enum rac_package_role only,
                  void (*then)(struct saving *s));

static void wrong(struct saving *s, enum rac_fault f, rac_str why)
{
    if (s->why.p == NULL) {
        s->fault = f;
        s->why = why;
    }
}

/* --- gathering: on a pool thread; touches s and the ask's arena only -------------------------- */

static bool is_zip(rac_str b)
{
    return rac_str_starts(b, RAC_S("PK\003\004"));
}

/* A file as it was uploaded: a package, or a description under its own name. */
static void take_file(struct saving *s, rac_str name, rac_str bytes)
{
    struct rac_arena *a = s->q->a;
    if (!is_zip(bytes)) {
        s->given.package = rac_package_new(a, bytes, RAC_STR_NULL, RAC_STR_NULL, RAC_STR_NULL);
        (void)name;
        return;
    }
    struct rac_diags d;
    rac_diags_init(&d, a, 10);
    rac_err e =
        rac_package_load_bytes(bytes, name.n > 0 ? name : RAC_S("package.zip"),
                               PACKAGE_FACTOR * s->definition_max, a, &s->given.package, &d);
    s->given.whole = true;
    if (e != RAC_OK)
        wrong(s, e == RAC_E_LIMIT ? RAC_FAULT_TOO_LARGE : RAC_FAULT_BAD_REQUEST,
              d.n > 0 ? d.v[0].message
                      : RAC_S("The zip file cannot be read or holds no definition."));
}

static struct rac_package *package(struct saving *s)
{
    if (s->given.package == NULL)
        s->given.package =
            rac_package_new(s->q->a, RAC_STR_NULL, RAC_STR_NULL, RAC_STR_NULL, RAC_STR_NULL);
    return s->given.package;
}

/* The text of a value inside the body, byte for byte: order, numbers and spaces as they came. */
static rac_str slice(struct saving *s, const struct rac_json *v)
{
    if (v->type == RAC_JSON_STRING)
        return (rac_str){v->s, v->n};
    if (v->type == RAC_JSON_OBJECT && v->pos > 0 && v->object->end_pos >= v->pos)
        return rac_str_sub(s->body, v->pos - 1, v->object->end_pos - v->pos + 1);
    return rac_json_print_str(v, RAC_JSON_PRETTY, s->q->a);
}

static void take_icon(struct saving *s, rac_str text)
{
    rac_str bytes;
    if (text.n == 0)
        s->given.removes_icon = true;
    else if (rac_base64_decode(s->q->a, text, &bytes))
        rac_package_set(package(s), RAC_PACKAGE_ICON, bytes);
    else
        wrong(s, RAC_FAULT_BAD_REQUEST, RAC_S("icon is not base64."));
}

static void take_member(struct saving *s, rac_str key, const struct rac_json *v)
{
    rac_str text = rac_json_str(v, RAC_STR_NULL);
    bool is_text = text.p != NULL;
    if (rac_str_eq(key, RAC_S("definition")) && (is_text || v->type == RAC_JSON_OBJECT))
        rac_package_set(package(s), RAC_PACKAGE_DEFINITION, slice(s, v));
    else if (rac_str_eq(key, RAC_S("properties")) && (is_text || v->type == RAC_JSON_OBJECT))
        rac_package_set(package(s), RAC_PACKAGE_PROPERTIES, slice(s, v));
    else if (rac_str_eq(key, RAC_S("icon")) && is_text)
        take_icon(s, text);
    else if (rac_str_eq(key, RAC_S("script")) && is_text) {
        if (text.n > 0)
            rac_package_set(package(s), RAC_PACKAGE_SCRIPT, text);
        s->given.removes_script = text.n == 0;
    } else if (rac_str_eq(key, RAC_S("displayName")) && is_text && text.n > 0 && text.n <= 255)
        s->given.display_name = text;
    else if (rac_str_eq(key, RAC_S("group")) && is_text && s->create)
        s->given.group = text;
    else if (rac_str_eq(key, RAC_S("audience")) && is_text)
        s->given.audience = text;
    else if (rac_str_eq(key, RAC_S("url")) && is_text)
        s->given.url = text;
    else
        wrong(s, RAC_FAULT_BAD_REQUEST,
              rac_arena_printf(s->q->a, "The member \"%.*s\" is unknown here or has a wrong value.",
                               RAC_FMT(key)));
}

static bool is_request(const struct rac_json *v)
{
    if (!rac_json_is_object(v) || RAC_JSON_GET(v, "swagger") || RAC_JSON_GET(v, "openapi") ||
        RAC_JSON_GET(v, "info") || RAC_JSON_GET(v, "paths") || RAC_JSON_GET(v, "requests"))
        return false;
    return RAC_JSON_GET(v, "definition") || RAC_JSON_GET(v, "url") ||
           RAC_JSON_GET(v, "displayName") || RAC_JSON_GET(v, "properties") ||
           RAC_JSON_GET(v, "icon") || RAC_JSON_GET(v, "script") || RAC_JSON_GET(v, "audience") ||
           RAC_JSON_GET(v, "group") || rac_json_len(v) == 0;
}

static void take_part(struct saving *s, const struct rac_multipart_part_in *p)
{
    static const struct {
        const char *name;
        enum rac_package_role role;
    } fields[] = {
        {"definition", RAC_PACKAGE_DEFINITION},
        {"properties", RAC_PACKAGE_PROPERTIES},
        {"icon", RAC_PACKAGE_ICON},
        {"script", RAC_PACKAGE_SCRIPT},
        {"readme", RAC_PACKAGE_README},
        {"intro", RAC_PACKAGE_INTRO},
    };
    static const char *const texts[] = {"displayName", "group", "audience", "url"};
    for (size_t i = 0; i < RAC_COUNT(fields); i++)
        if (rac_str_eq(p->name, rac_str_of(fields[i].name))) {
            rac_package_set(package(s), fields[i].role, p->body);
            return;
        }
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        if (rac_str_eq(p->name, rac_str_of(texts[i]))) {
            struct rac_json v = rac_json_of_str(p->body);
            take_member(s, p->name, &v);
            return;
        }
    enum rac_package_role role = rac_package_role_of(p->filename);
    if (is_zip(p->body) || (p->filename.n > 0 && role == RAC_PACKAGE_OTHER))
        take_file(s, p->filename, p->body);
    else if (p->filename.n > 0)
        rac_package_set(package(s), role, p->body);
    else
        wrong(
            s, RAC_FAULT_BAD_REQUEST,
            rac_arena_printf(s->q->a, "The form has an unknown field \"%.*s\".", RAC_FMT(p->name)));
}

static void gather_multipart(struct saving *s)
{
    struct rac_multipart_part_in *parts;
    size_t n;
    if (rac_multipart_parse(s->body_type, s->body, s->q->a, &parts, &n) != RAC_OK) {
        wrong(s, RAC_FAULT_BAD_REQUEST, RAC_S("The multipart body cannot be read."));
        return;
    }
    for (size_t i = 0; i < n; i++)
        take_part(s, &parts[i]);
}

static void gather(void *arg)
{
    struct saving *s = arg;
    struct rac_json v;
    struct rac_mime mime;
    if (s->only == RAC_PACKAGE_ICON && s->body.n == 0)
        s->given.removes_icon = true;
    else if (s->only == RAC_PACKAGE_SCRIPT && s->body.n == 0)
        s->given.removes_script = true;
    else if (s->only != RAC_PACKAGE_ROLES)
        rac_package_set(package(s), s->only, s->body);
    else if (s->body.n == 0)
        wrong(
            s, RAC_FAULT_BAD_REQUEST,
            RAC_S("Send a description (OpenAPI, Postman), a package as zip or multipart/form-data,"
                  " or JSON with \"definition\" or \"url\"."));
    else if (s->body_type.n > 0 && rac_mime_parse(s->q->a, s->body_type, &mime) &&
             rac_mime_is_multipart(&mime))
        gather_multipart(s);
    else if (is_zip(s->body))
        take_file(s, s->body_name, s->body);
    else if (rac_json_parse(s->body, s->q->a, 0, &v, NULL) == RAC_OK && is_request(&v)) {
        RAC_JSON_EACH_MEMBER(m, &v)
        take_member(s, rac_json_key(m), &m->value);
    } else
        take_file(s, s->body_name, s->body);
}

/* --- checking: on a pool thread --------------------------------------------------------------- */

static void check(void *arg)
{
    struct saving *s = arg;
    struct rac_checked_input in = {.package = s->given.package,
                                   .former = s->former,
                                   .url = s->given.url,
                                   .definition_max = s->definition_max,
                                   .profile = RAC_PROFILE_REGISTRATION};
    s->ok = rac_checked_run(&in, s->q->a, &s->checked);
}

/* --- storing ---------------------------------------------------------------------------------- */

static enum rac_file_kind kind_of(enum rac_package_role role)
{
    switch (role) {
    case RAC_PACKAGE_DEFINITION:
        return RAC_FILE_DEFINITION;
    case RAC_PACKAGE_PROPERTIES:
        return RAC_FILE_PROPERTIES;
    case RAC_PACKAGE_ICON:
        return RAC_FILE_ICON;
    case RAC_PACKAGE_SCRIPT:
        return RAC_FILE_SCRIPT;
    case RAC_PACKAGE_README:
        return RAC_FILE_README;
    case RAC_PACKAGE_SETTINGS:
        return RAC_FILE_SETTINGS;
    default:
        return RAC_FILE_OTHER;
    }
}

/* A revision is completed with files of the one before, so it is stored only on top of that one;
 * when another came in between, and the caller set no condition, it is made anew. */
static bool try_again(struct saving *s, const struct rac_commit *c)
{
    if (c->err != RAC_E_CONFLICT || s->create || s->given.package == NULL ||
        rac_etag_version(s->q->if_match) != 0 || ++s->tries == TRIES_MAX)
        return false;
    s->given = (struct given){0};
    s->checked = (struct rac_checked){0};
    s->save = (struct rac_connector_save){0};
    s->former = NULL;
    s->hops = 0;
    if (rac_access_connector(s->q, RAC_MAY_CONNECTOR_EDIT, s->q->args[0], &s->row))
        begin(s->q, s, s->only, s->then);
    return true;
}

static void stored(void *arg, const struct rac_commit *c)
{
    struct saving *s = arg;
    if (try_again(s, c))
        return;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(s->q, c, "connector");
        return;
    }
    if (s->create)
        s->q->location = rac_arena_printf(s->q->a, "%.*s/api/v1/connectors/%.*s",
                                          RAC_FMT(s->q->base_url), RAC_FMT(s->save.id));
    rac_log(RAC_INFO, s->create ? "connector.created" : "connector.updated",
            RAC_F_STR("id", s->save.id), RAC_F_INT("revision", c->revision),
            RAC_F_STR("user", s->q->who->user_name));
    bool checked = s->given.package != NULL;
    rac_connector_answer(s->q, s->save.id, checked ? &s->checked.findings : NULL,
                         checked ? &s->checked.losses : NULL);
}

static void put_files(struct saving *s)
{
    const struct rac_package *p = s->checked.package;
    struct rac_arena *a = s->q->a;
    struct rac_file *v = RAC_NEW_N(a, struct rac_file, p->files_n + 1);
    size_t n = 0;
    for (size_t i = 0; i < p->files_n; i++) {
        enum rac_package_role role = RAC_PACKAGE_OTHER;
        for (size_t r = 0; r < RAC_PACKAGE_ROLES; r++)
            if (p->role_file[r] == (int)i)
                role = (enum rac_package_role)r;
        if (p->files[i].bytes.p == NULL)
            continue;
        v[n++] = (struct rac_file){
            .kind = kind_of(role), .name = p->files[i].name, .bytes = p->files[i].bytes};
    }
    if (s->checked.original.p != NULL)
        v[n++] = (struct rac_file){.kind = RAC_FILE_ORIGINAL,
                                   .name = s->checked.original_name,
                                   .bytes = s->checked.original};
    s->save.files = v;
    s->save.files_n = n;
    s->save.files_all = true; /* the package was completed from the revision before */
    s->save.description = s->checked.description;
    s->save.meta = s->checked.meta;
    s->save.operations_n = s->checked.operations_n;
    s->save.triggers_n = s->checked.triggers_n;
}

static rac_str authentication_of(struct rac_arena *a, rac_str meta)
{
    struct rac_json v;
    return meta.n > 0 && rac_json_parse(meta, a, 0, &v, NULL) == RAC_OK
               ? rac_json_str(RAC_JSON_GET(&v, "authentication"), RAC_S(""))
               : RAC_S("");
}

static bool put_audience(struct saving *s)
{
    rac_str name = s->given.audience;
    if (name.n == 0 && s->create)
        name = rac_config_str(s->q->w->service->config, RAC_CONF_AUDIENCE);
    if (name.n == 0)
        return true;
    if (rac_audience_parse(name, &s->save.audience) && s->save.audience != RAC_AUDIENCE_PUBLISHED)
        return true;
    rac_ask_fail(s->q, RAC_FAULT_BAD_VALUE, "audience must be author or environment.");
    return false;
}

static void store(struct saving *s)
{
    struct rac_ask *q = s->q;
    struct rac_connector_save *r = &s->save;
    r->create = s->create;
    r->actor = rac_ask_actor(q);
    r->display_name = s->given.display_name;
    r->if_version = rac_etag_version(q->if_match);
    if (!put_audience(s))
        return;
    if (s->given.package != NULL)
        put_files(s);
    if (s->given.package != NULL && !s->create && r->if_version == 0)
        r->if_version = s->row.version;
    if (s->create) {
        uint8_t tail[8];
        rac_env_random(q->w->env, tail, sizeof tail);
        if (r->display_name.n == 0)
            r->display_name = s->checked.title;
        r->display_name = rac_str_sub(r->display_name, 0, 255);
        r->id = rac_connector_id(q->a, r->display_name, tail);
        r->group = s->group;
        r->owner = q->who->user;
    } else {
        r->id = s->row.id;
        r->authentication_changed =
            s->given.package != NULL &&
            !rac_str_eq(authentication_of(q->a, s->row.meta), authentication_of(q->a, r->meta));
    }
    q->w->cs->connector_save(q->w->cs->self, q->who->tenant, r, stored, s);
}

static void checked(void *arg, rac_err err)
{
    struct saving *s = arg;
    if (err != RAC_OK) {
        rac_ask_fail_err(s->q, RAC_E_BUSY, "connector");
        return;
    }
    if (s->ok) {
        store(s);
        return;
    }
    const struct rac_diags *d = &s->checked.findings;
    const struct rac_diag *first = NULL;
    for (size_t i = 0; i < d->n && first == NULL; i++)
        if (d->v[i].severity == RAC_SEV_ERROR)
            first = &d->v[i];
    bool large = first != NULL && strcmp(first->code, "RC-IMP-01") == 0;
    rac_ask_fail_diags(s->q, large ? RAC_FAULT_TOO_LARGE : RAC_FAULT_BAD_DEFINITION, d,
                       "The definition was not registered (%zu error%s): %s: %.*s", d->errors_total,
                       d->errors_total == 1 ? "" : "s", first ? first->code : "RC-IMP-03",
                       RAC_FMT(first ? first->message : RAC_S("it cannot be read")));
}

static bool replaces(const struct saving *s, enum rac_package_role role, enum rac_file_kind kind)
{
    return s->given.whole || kind == RAC_FILE_ORIGINAL ||
           (role != RAC_PACKAGE_OTHER && s->given.package->role_file[role] >= 0) ||
           (role == RAC_PACKAGE_ICON && s->given.removes_icon) ||
           (role == RAC_PACKAGE_SCRIPT && s->given.removes_script);
}

static enum rac_package_role role_of(enum rac_file_kind kind)
{
    for (size_t r = 0; r < RAC_PACKAGE_OTHER; r++)
        if (kind_of((enum rac_package_role)r) == kind)
            return (enum rac_package_role)r;
    return RAC_PACKAGE_OTHER;
}

/* The live revision: what the request does not replace joins the package; definition and
 * properties are there to compare with as well. */
static rac_err complete(struct saving *s)
{
    struct rac_ask *q = s->q;
    const struct rac_connector_store *cs = q->w->cs;
    struct rac_package *p = package(s);
    struct rac_revision_row rev;
    rac_err e = cs->revision_get(cs->self, q->who->tenant, s->row.id, 0, q->a, &rev);
    if (e != RAC_OK)
        return e;
    struct rac_package_file *files =
        RAC_NEW_N(q->a, struct rac_package_file, p->files_n + rev.files_n + 1);
    if (p->files_n > 0)
        memcpy(files, p->files, p->files_n * sizeof *files);
    p->files = files;
    s->former = rac_package_new(q->a, RAC_STR_NULL, RAC_STR_NULL, RAC_STR_NULL, RAC_STR_NULL);
    for (size_t i = 0; i < rev.files_n; i++) {
        struct rac_file f;
        enum rac_package_role role = role_of(rev.files[i].kind);
        bool compared = role == RAC_PACKAGE_DEFINITION || role == RAC_PACKAGE_PROPERTIES;
        bool joins = !replaces(s, role, rev.files[i].kind);
        if (!joins && !compared)
            continue;
        e = cs->file_get(cs->self, q->who->tenant, s->row.id, rev.revision, rev.files[i].kind,
                         rev.files[i].name, q->a, &f);
        if (e != RAC_OK)
            return e;
        if (compared)
            rac_package_set(s->former, role, f.bytes);
        if (!joins)
            continue;
        if (role != RAC_PACKAGE_OTHER)
            p->role_file[role] = (int)p->files_n;
        p->files[p->files_n++] = (struct rac_package_file){.name = f.name, .bytes = f.bytes};
    }
    return RAC_OK;
}

static bool too_large(struct saving *s)
{
    const struct rac_config *c = s->q->w->service->config;
    size_t icon = rac_package_bytes(s->given.package, RAC_PACKAGE_ICON).n;
    size_t script = rac_package_bytes(s->given.package, RAC_PACKAGE_SCRIPT).n;
    if (icon > (size_t)rac_config_int(c, RAC_CONF_ICON_MAX)) {
        rac_ask_fail(s->q, RAC_FAULT_TOO_LARGE,
                     "The icon has %zu bytes; this server takes at most %lld "
                     "(connector.icon_bytes_max).",
                     icon, (long long)rac_config_int(c, RAC_CONF_ICON_MAX));
        return true;
    }
    if (script > (size_t)rac_config_int(c, RAC_CONF_SCRIPT_MAX)) {
        rac_ask_fail(s->q, RAC_FAULT_TOO_LARGE,
                     "The script has %zu bytes; this server takes at most %lld "
                     "(connector.script_bytes_max).",
                     script, (long long)rac_config_int(c, RAC_CONF_SCRIPT_MAX));
        return true;
    }
    return false;
}

static void to_check(struct saving *s)
{
    struct rac_ask *q = s->q;
    bool files = s->given.package != NULL || s->given.removes_icon || s->given.removes_script;
    if (!files && !s->create) { /* name or audience only: no new revision */
        store(s);
        return;
    }
    if (!s->create) {
        rac_err e = complete(s);
        if (e != RAC_OK) {
            rac_ask_fail_err(q, e, "connector");
            return;
        }
    }
    if (s->given.package == NULL ||
        rac_package_bytes(s->given.package, RAC_PACKAGE_DEFINITION).p == NULL) {
        rac_ask_fail(q, RAC_FAULT_BAD_REQUEST, "There is no definition in the request.");
        return;
    }
    if (too_large(s))
        return;
    if (rac_pool_start(q->w->loop, check, checked, s, NULL) != RAC_OK)
        rac_ask_fail_err(q, RAC_E_BUSY, "connector");
}

/* --- fetching --------------------------------------------------------------------------------- */

static void fetch(struct saving *s);

static void fetch_failed(struct rac_ask *q, rac_str url, const struct rac_fetch_res *res)
{
    if (res->err == RAC_E_DENIED)
        rac_ask_fail(q, RAC_FAULT_EGRESS_DENIED,
                     "%.*s. An administrator can allow the network with egress.allow.",
                     RAC_FMT(res->error));
    else if (res->err == RAC_E_LIMIT)
        rac_ask_fail(q, RAC_FAULT_TOO_LARGE,
                     "The description at %.*s is larger than this server registers.", RAC_FMT(url));
    else if (res->err != RAC_OK)
        rac_ask_fail(q, RAC_FAULT_FETCH, "The description cannot be fetched: %.*s.",
                     RAC_FMT(res->error));
    else
        rac_ask_fail(q, RAC_FAULT_FETCH, "The description cannot be fetched: %.*s answered %d.",
                     RAC_FMT(url), res->status);
}

static void fetched(void *arg, const struct rac_fetch_res *res)
{
    struct saving *s = arg;
    struct rac_ask *q = s->q;
    if (res->err == RAC_OK && res->status >= 300 && res->status < 400 &&
        s->hops++ < REDIRECTS_MAX) {
        rac_str to = rac_headers_get(&res->headers, RAC_S("Location"));
        if (to.n > 0 && rac_url_resolve(s->url, to, q->a, &s->url) == RAC_OK) {
            fetch(s);
            return;
        }
    }
    if (res->err != RAC_OK || res->status != 200) {
        fetch_failed(q, s->url, res);
        return;
    }
    struct rac_package *others = s->given.package;
    take_file(s, RAC_STR_NULL, rac_arena_str(q->a, res->body));
    if (s->why.p != NULL) {
        rac_ask_fail(q, s->fault, "%.*s", RAC_FMT(s->why));
        return;
    }
    for (size_t r = 0; others != NULL && r < RAC_PACKAGE_OTHER; r++)
        if (others->role_file[r] >= 0)
            rac_package_set(s->given.package, (enum rac_package_role)r,
                            rac_package_bytes(others, (enum rac_package_role)r));
    to_check(s);
}

static void fetch(struct saving *s)
{
    struct rac_url u;
    if (!rac_url_split_http(s->url, &u)) {
        rac_ask_fail(s->q, RAC_FAULT_BAD_VALUE, "The URL %.*s is not an http or https URL.",
                     RAC_FMT(s->url));
        return;
    }
    struct rac_headers *h = RAC_NEW(s->q->a, struct rac_headers);
    rac_headers_add(h, s->q->a, RAC_S("Accept"),
                    RAC_S("application/json, application/yaml, */*;q=0.1"));
    struct rac_fetch_req req = {.method = RAC_S("GET"),
                                .url = s->url,
                                .headers = h,
                                .timeout_ms = IMPORT_TIMEOUT_MS,
                                .response_bytes_max = PACKAGE_FACTOR * s->definition_max};
    struct rac_fetch_events ev = {.done = fetched, .arg = s};
    s->q->w->fetcher.start(s->q->w->fetcher.self, &req, s->q->a, &ev);
}

/* --- the operations --------------------------------------------------------------------------- */

static void gathered(void *arg, rac_err err)
{
    struct saving *s = arg;
    if (err != RAC_OK) {
        rac_ask_fail_err(s->q, RAC_E_BUSY, "connector");
        return;
    }
    if (s->why.p != NULL) {
        rac_ask_fail(s->q, s->fault, "%.*s", RAC_FMT(s->why));
        return;
    }
    s->then(s);
}

static void begin(struct rac_ask *q, struct saving *s, enum rac_package_role only,
                  void (*then)(struct saving *s))
{
    s->q = q;
    s->only = only;
    s->then = then;
    s->body = q->body;
    s->body_type = q->content_type;
    s->definition_max = (size_t)rac_config_int(q->w->service->config, RAC_CONF_DEFINITION_MAX);
    if (rac_pool_start(q->w->loop, gather, gathered, s, NULL) != RAC_OK)
        rac_ask_fail_err(q, RAC_E_BUSY, "connector");
}

static void fetch_or_check(struct saving *s)
{
    if (s->given.url.n > 0) {
        s->url = s->given.url;
        fetch(s);
    } else {
        to_check(s);
    }
}

static void create_gathered(struct saving *s)
{
    struct rac_group_row g;
    rac_str group = s->given.group.n > 0 ? s->given.group : rac_ask_query(s->q, RAC_S("group"));
    if (!rac_access_group(s->q, RAC_MAY_CONNECTOR_CREATE, group, &g))
        return;
    s->group = g.id;
    fetch_or_check(s);
}

void rac_ops_connector_create(struct rac_ask *q)
{
    struct saving *s = RAC_NEW(q->a, struct saving);
    s->create = true;
    s->body_name = rac_ask_query(q, RAC_S("name"));
    begin(q, s, RAC_PACKAGE_ROLES, create_gathered);
}

static void update(struct rac_ask *q, enum rac_package_role only)
{
    struct saving *s = RAC_NEW(q->a, struct saving);
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_EDIT, q->args[0], &s->row))
        return;
    int64_t wanted = rac_etag_version(q->if_match);
    if (wanted != 0 && wanted != s->row.version) { /* before the work; the store asks again */
        struct rac_commit c = {.err = RAC_E_CONFLICT, .version = s->row.version};
        rac_ask_fail_commit(q, &c, "connector");
        return;
    }
    begin(q, s, only, fetch_or_check);
}

void rac_ops_connector_import(struct rac_ask *q)
{
    update(q, RAC_PACKAGE_ROLES);
}

void rac_ops_connector_patch(struct rac_ask *q)
{
    update(q, RAC_PACKAGE_ROLES);
}

void rac_ops_definition_put(struct rac_ask *q)
{
    update(q, RAC_PACKAGE_DEFINITION);
}

void rac_ops_properties_put(struct rac_ask *q)
{
    update(q, RAC_PACKAGE_PROPERTIES);
}

void rac_ops_icon_put(struct rac_ask *q)
{
    update(q, RAC_PACKAGE_ICON);
}

void rac_ops_script_put(struct rac_ask *q)
{
    update(q, RAC_PACKAGE_SCRIPT);
}
