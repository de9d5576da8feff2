/*
 * What requests of every Postman version are made of (connectors.md §2.3.1): texts, variables,
 * credentials, scripts, entries, addresses, bodies and answers. Readers of the same thing in
 * several shapes stand side by side.
 */
#include "openapi/postman_read_priv.h"

#include "base/utf8.h"

enum { PM_VAULT_MAX = 4096, PM_SECRET_HEAD_BYTES = 12 };

/* --- small readers ---------------------------------------------------------------------- */

void pm_list_add(struct pm *p, struct pm_list *l, struct pm_entry e)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 4;
        l->v = rac_arena_grow(p->a, l->v, l->cap * sizeof *l->v, cap * sizeof *l->v);
        l->cap = cap;
    }
    l->v[l->n++] = e;
}

rac_str pm_text(struct pm *p, const struct rac_json *v)
{
    if (rac_json_is_string(v))
        return rac_json_str(v, RAC_S(""));
    if (rac_json_is_number(v) || rac_json_is_bool(v))
        return rac_json_print_str(v, 0, p->a);
    return RAC_STR_NULL;
}

rac_str pm_description(struct pm *p, const struct rac_json *v)
{
    if (rac_json_is_object(v))
        v = RAC_JSON_GET(v, "content");
    rac_str s = rac_str_trim(rac_json_str(v, RAC_S("")));
    return pm_is_secret(p, s) ? RAC_S("") : s;
}

/* A secret that is looked for inside of texts, among those that begin alike. */
struct pm_secret {
    rac_str text;
    struct pm_secret *next;
};

void pm_vault_add(struct pm *p, rac_str s)
{
    s = rac_str_trim(s);
    if (s.n < 4 || rac_str_find(s, RAC_S("{{")) != RAC_STR_NPOS || p->vault_n >= PM_VAULT_MAX)
        return;
    if (!rac_map_add(&p->vault, s, p))
        return;
    p->vault_n++;
    if (s.n < PM_SECRET_HEAD_BYTES)
        return;
    rac_str head = rac_str_sub(s, 0, PM_SECRET_HEAD_BYTES);
    struct pm_secret *secret = RAC_NEW(p->a, struct pm_secret);
    *secret = (struct pm_secret){.text = s, .next = rac_map_get(&p->vault_heads, head)};
    rac_map_put(&p->vault_heads, head, secret);
}

/* Short secrets ("password") are words too: only a text that is one counts. */
bool pm_is_secret(const struct pm *p, rac_str text)
{
    if (rac_map_has(&p->vault, text))
        return true;
    if (p->vault_heads.n == 0)
        return false;
    for (size_t i = 0; i + PM_SECRET_HEAD_BYTES <= text.n; i++) {
        rac_str rest = rac_str_from(text, i);
        const struct pm_secret *s =
            rac_map_get(&p->vault_heads, rac_str_sub(rest, 0, PM_SECRET_HEAD_BYTES));
        for (; s != NULL; s = s->next)
            if (rac_str_starts(rest, s->text))
                return true;
    }
    return false;
}

const struct rac_place *pm_place_keep(struct pm *p, struct rac_place at)
{
    at.kept = false; /* this copy is not */
    return rac_place_keep(p->a, &at);
}

void pm_note(struct pm *p, enum pm_once what, enum rac_rule_id rule, const struct rac_place *at)
{
    rac_once_note(p->c, &p->once[what], rule, at);
}

/* Keys a body may have; others are told once. */
static const char *const *const body_keys = PM_KEYS(
    "mode", "raw", "options", "formdata", "urlencoded", "file", "graphql", "disabled", "src");

void pm_check_keys(struct pm *p, const struct rac_place *at, const char *const *known,
                   const char *where)
{
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        bool found = false;
        for (const char *const *k = known; *k != NULL && !found; k++)
            found = rac_str_eq(rac_json_key(m), rac_str_of(*k));
        if (found)
            continue;
        rac_str name = rac_arena_printf(p->a, "%s.%.*s", where, RAC_FMT(rac_json_key(m)));
        if (!rac_map_add(&p->unknown, name, p))
            continue;
        struct rac_place here = rac_place_key(at, rac_json_key(m), &m->value);
        rac_loss(p->c, RAC_RULE_PM_17, &here, "a %s has no key '%.*s'; it was dropped", where,
                 RAC_FMT(rac_json_key(m)));
    }
}

/* --- variables, auth, scripts ---------------------------------------------------------------- */

rac_str pm_userinfo(rac_str url)
{
    struct rac_convert_url u;
    if (rac_str_find(url, RAC_S("://")) == RAC_STR_NPOS)
        return RAC_STR_NULL;
    rac_convert_url_split(url, &u);
    return u.scheme.n > 0 ? u.userinfo : RAC_STR_NULL;
}

/* A URL without the user name and password in it, which go to the vault. */
static rac_str without_userinfo(struct pm *p, rac_str url)
{
    rac_str secret, info = pm_userinfo(url);
    if (info.n == 0)
        return url;
    (void)rac_str_cut(info, ':', &secret);
    if (secret.n > 0)
        pm_vault_add(p, secret);
    size_t at = (size_t)(info.p - url.p);
    return rac_str_concat(p->a, rac_str_sub(url, 0, at), rac_str_from(url, at + info.n + 1));
}

void pm_read_variables(struct pm *p, struct rac_map *vars, const struct rac_json *list)
{
    RAC_JSON_EACH(v, list)
    {
        const struct rac_json *key = RAC_JSON_GET(v, "key");
        rac_str name = pm_text(p, key != NULL ? key : RAC_JSON_GET(v, "id"));
        rac_str value = without_userinfo(p, pm_text(p, RAC_JSON_GET(v, "value")));
        if (name.n == 0 || rac_json_bool(RAC_JSON_GET(v, "disabled"), false))
            continue;
        struct pm_var *var = RAC_NEW(p->a, struct pm_var);
        rac_str type = rac_json_str(RAC_JSON_GET(v, "type"), RAC_S(""));
        var->value = value;
        var->secret = rac_str_eqi(type, RAC_S("secret"));
        if (var->secret || rac_name_looks_secret(name))
            pm_vault_add(p, value);
        rac_map_put(vars, name, var);
    }
}

rac_str pm_auth_word(rac_str helper)
{
    static const struct {
        rac_str v1, v2;
    } words[] = {
        {RAC_S_INIT("basicAuth"), RAC_S_INIT("basic")},
        {RAC_S_INIT("bearerAuth"), RAC_S_INIT("bearer")},
        {RAC_S_INIT("digestAuth"), RAC_S_INIT("digest")},
        {RAC_S_INIT("oAuth1"), RAC_S_INIT("oauth1")},
        {RAC_S_INIT("oAuth2"), RAC_S_INIT("oauth2")},
        {RAC_S_INIT("hawkAuth"), RAC_S_INIT("hawk")},
        {RAC_S_INIT("awsSigV4"), RAC_S_INIT("awsv4")},
        {RAC_S_INIT("ntlmAuth"), RAC_S_INIT("ntlm")},
        {RAC_S_INIT("apikeyAuth"), RAC_S_INIT("apikey")},
        {RAC_S_INIT("noAuth"), RAC_S_INIT("noauth")},
    };
    for (size_t i = 0; i < RAC_COUNT(words); i++)
        if (rac_str_eqi(helper, words[i].v1))
            return words[i].v2;
    return helper;
}

/* Names whose values are no secret whatever they hold. */
static bool auth_value_is_public(rac_str name)
{
    static const rac_str words[] = {
        RAC_S_INIT("authUrl"),
        RAC_S_INIT("accessTokenUrl"),
        RAC_S_INIT("scope"),
        RAC_S_INIT("in"),
        RAC_S_INIT("key"),
        RAC_S_INIT("addTokenTo"),
        RAC_S_INIT("tokenName"),
        RAC_S_INIT("grant_type"),
        RAC_S_INIT("grantType"),
        RAC_S_INIT("tokenType"),
        RAC_S_INIT("headerPrefix"),
        RAC_S_INIT("refreshTokenUrl"),
        RAC_S_INIT("id"),
        RAC_S_INIT("algorithm"),
        RAC_S_INIT("redirect_uri"),
        RAC_S_INIT("realm"),
        RAC_S_INIT("signatureMethod"),
        RAC_S_INIT("version"),
        RAC_S_INIT("username"),
        RAC_S_INIT("client_authentication"),
    };
    for (size_t i = 0; i < RAC_COUNT(words); i++)
        if (rac_str_eq(name, words[i]))
            return true;
    return false;
}

static void auth_value(struct pm *p, struct pm_auth *auth, rac_str name, const struct rac_json *v)
{
    rac_map_put(&auth->values, name, (void *)(uintptr_t)v);
    if (rac_json_is_string(v) && !auth_value_is_public(name) &&
        (rac_name_looks_secret(name) || rac_str_eq(name, RAC_S("value"))))
        pm_vault_add(p, rac_json_str(v, RAC_S("")));
}

static void auth_values(struct pm *p, struct pm_auth *auth, const struct rac_json *v)
{
    RAC_JSON_EACH_MEMBER(m, v) /* v2.0: an object */
    {
        auth_value(p, auth, rac_json_key(m), &m->value);
    }
    RAC_JSON_EACH(e, v) /* v2.1: [{key, value, type}] */
    {
        const struct rac_json *value = RAC_JSON_GET(e, "value");
        if (value != NULL)
            auth_value(p, auth, rac_json_str(RAC_JSON_GET(e, "key"), RAC_S("")), value);
    }
}

const struct pm_auth *pm_auth_new(struct pm *p, rac_str type, const struct rac_json *values,
                                  const struct rac_place *at)
{
    struct pm_auth *auth = RAC_NEW(p->a, struct pm_auth);
    auth->type = type;
    auth->at = pm_place_keep(p, *at);
    rac_map_init(&auth->values, p->a);
    auth_values(p, auth, values);
    return auth;
}

const struct pm_auth *pm_read_auth(struct pm *p, const struct rac_place *owner)
{
    const struct rac_json *v = RAC_JSON_GET(owner->node, "auth");
    rac_str type = rac_json_str(RAC_JSON_GET(v, "type"), RAC_S(""));
    if (type.n == 0)
        return NULL;
    struct rac_place at = RAC_PLACE_KEY(owner, "auth", v);
    return pm_auth_new(p, pm_auth_word(type), rac_json_get(v, type), &at);
}

static bool script_has_text(const struct rac_json *exec)
{
    if (rac_json_is_string(exec))
        return rac_str_trim(rac_json_str(exec, RAC_S(""))).n > 0;
    RAC_JSON_EACH(line, exec)
    {
        if (rac_str_trim(rac_json_str(line, RAC_S(""))).n > 0)
            return true;
    }
    return false;
}

void pm_read_events(struct pm *p, const struct rac_place *owner)
{
    static const rac_str names[] = {RAC_S_INIT("event"), RAC_S_INIT("events")};
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        const struct rac_json *list = rac_json_get(owner->node, names[i]);
        struct rac_place at = rac_place_key(owner, names[i], list);
        RAC_JSON_EACH(e, list)
        {
            const struct rac_json *script = RAC_JSON_GET(e, "script");
            const struct rac_json *exec = RAC_JSON_GET(script, "exec");
            if (script_has_text(exec != NULL ? exec : script) ||
                RAC_JSON_GET(script, "src") != NULL)
                pm_note(p, PM_ONCE_SCRIPTS, RAC_RULE_PM_10, &at);
        }
    }
    static const rac_str old[] = {RAC_S_INIT("preRequestScript"), RAC_S_INIT("tests")};
    for (size_t i = 0; i < RAC_COUNT(old); i++) {
        const struct rac_json *v = rac_json_get(owner->node, old[i]);
        struct rac_place at = rac_place_key(owner, old[i], v);
        if (script_has_text(v))
            pm_note(p, PM_ONCE_SCRIPTS, RAC_RULE_PM_10, &at);
    }
    const struct rac_json *profile = RAC_JSON_GET(owner->node, "protocolProfileBehavior");
    struct rac_place at = RAC_PLACE_KEY(owner, "protocolProfileBehavior", profile);
    if (rac_json_len(profile) > 0)
        pm_note(p, PM_ONCE_PROTOCOL, RAC_RULE_PM_13, &at);
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct pm_entry entry_of(struct pm *p, const struct rac_json *v)
{
    const struct rac_json *key = RAC_JSON_GET(v, "key");
    if (key == NULL)
        key = RAC_JSON_GET(v, "id"); /* early v2 path variables */
    const struct rac_json *value = RAC_JSON_GET(v, "value");
    struct pm_entry e = {.key = rac_str_trim(pm_text(p, key)),
                         .value = pm_text(p, value),
                         .description = pm_description(p, RAC_JSON_GET(v, "description"))};
    e.has_value = e.value.p != NULL;
    e.disabled = rac_json_bool(RAC_JSON_GET(v, "disabled"), false) ||
                 !rac_json_bool(RAC_JSON_GET(v, "enabled"), true);
    e.file = rac_str_eq(rac_json_str(RAC_JSON_GET(v, "type"), RAC_S("")), RAC_S("file"));
    return e;
}

void pm_read_entries(struct pm *p, struct pm_list *out, const struct rac_json *list)
{
    RAC_JSON_EACH(v, list)
    {
        if (!rac_json_is_object(v))
            continue;
        struct pm_entry e = entry_of(p, v);
        if (e.key.n > 0)
            pm_list_add(p, out, e);
    }
    RAC_JSON_EACH_MEMBER(m, list) /* v1 pathVariables: {name: value} */
    {
        struct pm_entry e = {.key = rac_json_key(m), .value = pm_text(p, &m->value)};
        e.has_value = e.value.p != NULL;
        if (e.key.n > 0)
            pm_list_add(p, out, e);
    }
}

/* "K: V" lines; a line that starts with "//" is switched off. */
static void read_header_text(struct pm *p, struct pm_list *out, rac_str text)
{
    rac_str rest = text;
    while (rest.p != NULL) {
        rac_str line = rac_str_trim(rac_str_cut(rest, '\n', &rest));
        struct pm_entry e = {.disabled = rac_str_starts(line, RAC_S("//"))};
        if (e.disabled)
            line = rac_str_trim(rac_str_from(line, 2));
        size_t colon = rac_str_find_char(line, ':');
        if (colon == RAC_STR_NPOS || colon == 0)
            continue;
        e.key = rac_str_trim(rac_str_sub(line, 0, colon));
        e.value = rac_str_trim(rac_str_from(line, colon + 1));
        e.has_value = true;
        pm_list_add(p, out, e);
    }
}

void pm_read_headers(struct pm *p, struct pm_list *out, const struct rac_json *v)
{
    if (rac_json_is_string(v))
        read_header_text(p, out, rac_json_str(v, RAC_S("")));
    else
        pm_read_entries(p, out, v);
}

static int hex(char ch)
{
    return rac_is_digit(ch)                               ? ch - '0'
           : rac_lower(ch) >= 'a' && rac_lower(ch) <= 'f' ? rac_lower(ch) - 'a' + 10
                                                          : -1;
}

/* Percent escapes undone; the text itself when the result is not UTF-8. */
static rac_str unescape(struct pm *p, rac_str s)
{
    if (rac_str_find_char(s, '%') == RAC_STR_NPOS)
        return s;
    char *out = rac_arena_alloc_dirty(p->a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            out[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    rac_str r = {out, n};
    return rac_utf8_check(r) == n ? r : s;
}

void pm_read_query_text(struct pm *p, struct pm_list *out, rac_str text)
{
    rac_str rest = text;
    while (rest.p != NULL) {
        rac_str part = rac_str_cut(rest, '&', &rest);
        rac_str value;
        rac_str key = unescape(p, rac_str_cut(part, '=', &value));
        if (key.n > 0)
            pm_list_add(p, out,
                        (struct pm_entry){
                            .key = key, .value = unescape(p, value), .has_value = value.p != NULL});
    }
}

/* --- url -------------------------------------------------------------------------------------- */

/* Query off the text, unless it stands inside {{...}}. */
static rac_str cut_query(rac_str url, rac_str *query)
{
    *query = RAC_STR_NULL;
    for (size_t i = 0, depth = 0; i < url.n; i++) {
        if (url.p[i] == '{')
            depth++;
        else if (url.p[i] == '}' && depth > 0)
            depth--;
        else if (url.p[i] == '#' && depth == 0)
            return rac_str_sub(url, 0, i);
        else if (url.p[i] == '?' && depth == 0) {
            rac_str rest = rac_str_from(url, i + 1);
            size_t hash = rac_str_find_char(rest, '#');
            *query = hash == RAC_STR_NPOS ? rest : rac_str_sub(rest, 0, hash);
            return rac_str_sub(url, 0, i);
        }
    }
    return url;
}

void pm_read_url_text(struct pm *p, struct pm_request *r, rac_str url, bool with_query)
{
    rac_str query;
    r->url = cut_query(rac_str_trim(url), &query);
    if (with_query && query.p != NULL)
        pm_read_query_text(p, &r->query, query);
}

static void join(struct pm *p, struct rac_buf *b, const struct rac_json *v, char sep)
{
    if (!rac_json_is_array(v)) {
        rac_buf_add(b, pm_text(p, v));
        return;
    }
    for (size_t i = 0; i < rac_json_len(v); i++) {
        const struct rac_json *e = rac_json_at(v, i);
        if (i > 0)
            rac_buf_add_char(b, sep);
        rac_buf_add(b, pm_text(p, rac_json_is_object(e) ? RAC_JSON_GET(e, "value") : e));
    }
}

/* The parts of a URL object are the truth in Postman; `raw` is for display. */
static rac_str url_of_parts(struct pm *p, const struct rac_json *v)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    rac_str protocol = pm_text(p, RAC_JSON_GET(v, "protocol"));
    if (protocol.n > 0)
        rac_buf_printf(&b, "%.*s://", RAC_FMT(protocol));
    join(p, &b, RAC_JSON_GET(v, "host"), '.');
    rac_str port = pm_text(p, RAC_JSON_GET(v, "port"));
    if (port.n > 0)
        rac_buf_printf(&b, ":%.*s", RAC_FMT(port));
    const struct rac_json *path = RAC_JSON_GET(v, "path");
    if (path != NULL &&
        !(rac_json_is_string(path) && rac_str_starts(rac_json_str(path, RAC_S("")), RAC_S("/"))))
        rac_buf_add_char(&b, '/');
    join(p, &b, path, '/');
    return rac_buf_finish(&b, p->a);
}

void pm_read_url(struct pm *p, struct pm_request *r, const struct rac_json *v)
{
    if (rac_json_is_string(v)) {
        pm_read_url_text(p, r, rac_json_str(v, RAC_S("")), true);
        return;
    }
    const struct rac_json *query = RAC_JSON_GET(v, "query");
    bool listed = rac_json_is_array(query);
    bool parts =
        rac_json_len(RAC_JSON_GET(v, "host")) > 0 || pm_text(p, RAC_JSON_GET(v, "host")).n > 0;
    if (parts) {
        pm_read_url_text(p, r, url_of_parts(p, v), false);
        if (!listed) {
            rac_str text;
            cut_query(rac_json_str(RAC_JSON_GET(v, "raw"), RAC_S("")), &text);
            pm_read_query_text(p, &r->query, text);
        }
    } else {
        pm_read_url_text(p, r, rac_json_str(RAC_JSON_GET(v, "raw"), RAC_S("")), !listed);
    }
    if (listed) {
        size_t from = r->query.n;
        pm_read_entries(p, &r->query, query);
        for (size_t i = from; i < r->query.n; i++) {
            r->query.v[i].key = unescape(p, r->query.v[i].key);
            r->query.v[i].value = unescape(p, r->query.v[i].value);
        }
    }
    pm_read_entries(p, &r->path_vars, RAC_JSON_GET(v, "variable"));
    if (rac_json_len(RAC_JSON_GET(v, "auth")) > 0) {
        struct rac_place at = RAC_PLACE_KEY(r->at, "url", v);
        rac_loss(p->c, RAC_RULE_PM_04, &at, "the user name and password in the URL were dropped");
    }
}

/* --- bodies and responses ------------------------------------------------------------------- */

enum pm_mode pm_mode_of(rac_str word)
{
    static const struct {
        rac_str word;
        enum pm_mode mode;
    } rows[] = {
        {RAC_S_INIT("raw"), PM_RAW},           {RAC_S_INIT("params"), PM_FORMDATA},
        {RAC_S_INIT("formdata"), PM_FORMDATA}, {RAC_S_INIT("urlencoded"), PM_URLENCODED},
        {RAC_S_INIT("binary"), PM_FILE},       {RAC_S_INIT("file"), PM_FILE},
        {RAC_S_INIT("graphql"), PM_GRAPHQL},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rac_str_eq(word, rows[i].word))
            return rows[i].mode;
    return PM_NONE;
}

void pm_read_graphql(struct pm *p, struct pm_request *r, const struct rac_json *v)
{
    r->gql_query = pm_text(p, RAC_JSON_GET(v, "query"));
    const struct rac_json *vars = RAC_JSON_GET(v, "variables");
    r->gql_variables =
        rac_json_is_object(vars) ? rac_json_print_str(vars, 0, p->a) : pm_text(p, vars);
}

static void read_fields(struct pm *p, struct pm_request *r, const struct rac_place *body,
                        rac_str word)
{
    struct rac_place list = rac_place_key(body, word, rac_json_get(body->node, word));
    pm_read_entries(p, &r->fields, list.node);
    for (size_t i = 0; i < rac_json_len(list.node); i++) {
        const struct rac_json *e = rac_json_at(list.node, i);
        struct rac_place at = rac_place_at(&list, i, e);
        struct rac_place type = RAC_PLACE_KEY(&at, "contentType", RAC_JSON_GET(e, "contentType"));
        if (pm_text(p, type.node).n > 0)
            pm_note(p, PM_ONCE_PARTS, RAC_RULE_PM_13, &type);
    }
}

static void read_graphql(struct pm *p, struct pm_request *r, const struct rac_place *body)
{
    struct rac_place at = RAC_PLACE_KEY(body, "graphql", RAC_JSON_GET(body->node, "graphql"));
    struct rac_place name =
        RAC_PLACE_KEY(&at, "operationName", RAC_JSON_GET(at.node, "operationName"));
    pm_read_graphql(p, r, at.node);
    if (pm_text(p, name.node).n > 0)
        rac_loss(p->c, RAC_RULE_PM_06, &name, "the operation name '%.*s' is not sent",
                 RAC_FMT(rac_text_trim(pm_text(p, name.node), 80)));
}

void pm_read_body(struct pm *p, struct pm_request *r, const struct rac_place *at)
{
    const struct rac_json *v = at->node;
    if (rac_json_is_string(v)) {
        r->mode = PM_RAW;
        r->raw = rac_json_str(v, RAC_S(""));
        return;
    }
    if (!rac_json_is_object(v) || rac_json_bool(RAC_JSON_GET(v, "disabled"), false))
        return;
    pm_check_keys(p, at, body_keys, "body");
    rac_str word = rac_json_str(RAC_JSON_GET(v, "mode"), RAC_S(""));
    r->mode = pm_mode_of(word);
    if (r->mode == PM_NONE && word.n > 0 && !rac_str_eq(word, RAC_S("none")))
        rac_loss(p->c, RAC_RULE_PM_16, at, "the body mode '%.*s' is not known; it was dropped",
                 RAC_FMT(word));
    r->raw = pm_text(p, RAC_JSON_GET(v, "raw"));
    r->language = rac_json_str(
        RAC_JSON_GET(RAC_JSON_GET(RAC_JSON_GET(v, "options"), "raw"), "language"), RAC_STR_NULL);
    if (r->mode == PM_URLENCODED && rac_json_is_string(RAC_JSON_GET(v, "urlencoded")))
        pm_read_query_text(p, &r->fields, pm_text(p, RAC_JSON_GET(v, "urlencoded")));
    else if (r->mode == PM_URLENCODED || r->mode == PM_FORMDATA)
        read_fields(p, r, at, word);
    else if (r->mode == PM_GRAPHQL)
        read_graphql(p, r, at);
}

static int64_t response_code(const struct rac_json *v)
{
    const struct rac_json *code = RAC_JSON_GET(v, "code");
    if (code == NULL)
        code = RAC_JSON_GET(RAC_JSON_GET(v, "responseCode"), "code");
    int64_t n = rac_json_int(code, 0);
    if (n == 0 && rac_json_is_string(code) && !rac_str_to_i64(rac_json_str(code, RAC_S("")), &n))
        n = 0;
    return n >= 100 && n <= 599 ? n : 200;
}

void pm_read_responses(struct pm *p, struct pm_request *r, const struct rac_place *list)
{
    size_t chosen = 0, n = rac_json_len(list->node);
    for (size_t i = 0; i < n; i++) {
        int64_t code = response_code(rac_json_at(list->node, i));
        if (code >= 200 && code <= 299) {
            chosen = i;
            break;
        }
    }
    const struct rac_json *v = rac_json_at(list->node, chosen);
    if (!rac_json_is_object(v))
        return;
    if (n > 1)
        pm_note(p, PM_ONCE_EXAMPLES, RAC_RULE_PM_11, list);
    r->response = v;
    r->response_code = response_code(v);
    const struct rac_json *body = RAC_JSON_GET(v, "body");
    r->response_body = pm_text(p, body != NULL ? body : RAC_JSON_GET(v, "text"));
    rac_str text = pm_text(p, RAC_JSON_GET(v, "status"));
    if (text.n == 0)
        text = pm_text(p, RAC_JSON_GET(RAC_JSON_GET(v, "responseCode"), "name"));
    r->response_text = rac_str_trim(text);
    struct pm_list headers = {0};
    const struct rac_json *h = RAC_JSON_GET(v, "header");
    pm_read_headers(p, &headers, h != NULL ? h : RAC_JSON_GET(v, "headers"));
    for (size_t i = 0; i < headers.n; i++)
        if (rac_str_eqi(headers.v[i].key, RAC_S("content-type")))
            r->response_type = headers.v[i].value;
    struct rac_place at = rac_place_at(list, chosen, v);
    if (headers.n > 0)
        pm_note(p, PM_ONCE_RESPONSE_HEADERS, RAC_RULE_PM_15, &at);
    if (rac_json_len(RAC_JSON_GET(v, "cookie")) > 0 || rac_json_len(RAC_JSON_GET(v, "cookies")) > 0)
        pm_note(p, PM_ONCE_COOKIES, RAC_RULE_PM_13, &at);
}
