/* providers - see the header; the rows built in are providers.def. */
#include "connector/providers.h"

#include "openapi/read.h"
#include "text/url.h"

enum { PROVIDERS_MAX = 1000, TEXT_BYTES_MAX = 4096 };

static const struct rac_provider built_in[] = {
#define PROVIDER(alias, family, auth, token, query, delimiter, client, pkce)                       \
    {RAC_S_INIT(alias),     RAC_PROVIDER_##family, RAC_S_INIT(auth),                               \
     RAC_S_INIT(token),     RAC_S_INIT(""),        RAC_S_INIT(query),                              \
     RAC_S_INIT(delimiter), RAC_CLIENT_##client,   pkce},
#include "connector/providers.def"
#undef PROVIDER
};

/* Process lifetime: written at start, before other threads. */
static struct {
    const struct rac_provider *v;
    size_t n;
} of_file;

static const struct rac_provider *find(const struct rac_provider *v, size_t n, rac_str alias)
{
    for (size_t i = 0; i < n; i++)
        if (rac_str_eqi(alias, v[i].alias))
            return &v[i];
    return NULL;
}

const struct rac_provider *rac_provider_find(rac_str alias)
{
    const struct rac_provider *p = find(of_file.v, of_file.n, alias);
    return p != NULL ? p : find(built_in, RAC_COUNT(built_in), alias);
}

void rac_providers_clear(void)
{
    of_file.v = NULL;
    of_file.n = 0;
}

/* --- members of a row ------------------------------------------------------------------------- */

struct reading {
    struct rac_document *doc;
    struct rac_arena *a;
    struct rac_diags *d;
    rac_err err;
};

static void fault(struct reading *r, const struct rac_json *at, rac_str row, const char *what)
{
    rac_document_fault(r->doc, at, RAC_RULE_CONF_04, r->d,
                       rac_arena_printf(r->a, "%.*s: %s", RAC_FMT(row), what));
    r->err = RAC_E_INVALID;
}

/* https, or http for a provider of one's own network; {variables} may stand for the host too. */
static const char *set_url(const struct rac_json *v, rac_str *to)
{
    rac_str s = rac_str_trim(rac_json_str(v, RAC_STR_NULL));
    bool http = rac_str_startsi(s, RAC_S("https://")) || rac_str_startsi(s, RAC_S("http://"));
    if (s.n == 0 || s.n > TEXT_BYTES_MAX || (!http && s.p[0] != '{'))
        return "a URL begins with https://, http:// or a {variable}";
    *to = s;
    return NULL;
}

static const char *set_query(struct reading *r, const struct rac_json *v, rac_str *to)
{
    rac_str out = RAC_S("");
    if (!rac_json_is_object(v))
        return "extraAuthParams is an object of names and texts";
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (!rac_json_is_string(&m->value))
            return "extraAuthParams is an object of names and texts";
        out = rac_arena_printf(
            r->a, "%.*s%s%.*s=%.*s", RAC_FMT(out), out.n > 0 ? "&" : "",
            RAC_FMT(rac_url_encode_set(r->a, rac_json_key(m), RAC_URL_STRICT)),
            RAC_FMT(rac_url_encode_set(r->a, rac_json_str(&m->value, RAC_S("")), RAC_URL_STRICT)));
    }
    *to = out;
    return out.n > TEXT_BYTES_MAX ? "extraAuthParams is longer than 4 KiB" : NULL;
}

static const char *set_client(const struct rac_json *v, enum rac_client_auth *to)
{
    rac_str s = rac_json_str(v, RAC_S(""));
    if (!rac_str_eqi(s, RAC_S("body")) && !rac_str_eqi(s, RAC_S("basic")))
        return "clientAuth is \"body\" or \"basic\"";
    *to = rac_str_eqi(s, RAC_S("basic")) ? RAC_CLIENT_BASIC : RAC_CLIENT_BODY;
    return NULL;
}

static const char *set_member(struct reading *r, rac_str key, const struct rac_json *v,
                              struct rac_provider *p)
{
    if (rac_str_eq(key, RAC_S("authorizationUrl")))
        return set_url(v, &p->authorization_url);
    if (rac_str_eq(key, RAC_S("tokenUrl")))
        return set_url(v, &p->token_url);
    if (rac_str_eq(key, RAC_S("refreshUrl")))
        return set_url(v, &p->refresh_url);
    if (rac_str_eq(key, RAC_S("extraAuthParams")))
        return set_query(r, v, &p->query);
    if (rac_str_eq(key, RAC_S("clientAuth")))
        return set_client(v, &p->client_auth);
    if (rac_str_eq(key, RAC_S("scopeDelimiter"))) {
        p->delimiter = rac_json_str(v, RAC_S(""));
        return p->delimiter.n == 0 || p->delimiter.n > 8 ? "scopeDelimiter is a text like \" \""
                                                         : NULL;
    }
    if (rac_str_eq(key, RAC_S("pkce"))) {
        p->pkce = rac_json_bool(v, false);
        return rac_json_is_bool(v) ? NULL : "pkce is true or false";
    }
    return rac_str_starts(key, RAC_S("x-")) || rac_str_eq(key, RAC_S("description"))
               ? NULL
               : "members are authorizationUrl, tokenUrl, refreshUrl, scopeDelimiter, clientAuth, "
                 "extraAuthParams and pkce";
}

/* --- the file --------------------------------------------------------------------------------- */

static void read_row(struct reading *r, const struct rac_json_member *m, struct rac_provider *p)
{
    rac_str alias = rac_arena_str(r->a, rac_json_key(m));
    const struct rac_provider *old = find(built_in, RAC_COUNT(built_in), alias);
    *p = old != NULL ? *old
                     : (struct rac_provider){.family = RAC_PROVIDER_PLAIN,
                                             .delimiter = RAC_S(" "),
                                             .client_auth = RAC_CLIENT_BODY,
                                             .pkce = true};
    p->alias = alias;
    if (!rac_json_is_object(&m->value)) {
        fault(r, &m->value, alias, "a provider is an object");
        return;
    }
    RAC_JSON_EACH_MEMBER(x, &m->value)
    {
        const char *wrong = set_member(r, rac_json_key(x), &x->value, p);
        if (wrong != NULL)
            fault(r, &x->value, alias, wrong);
    }
    if (old == NULL && (p->authorization_url.n == 0 || p->token_url.n == 0))
        fault(r, &m->value, alias, "a new provider needs authorizationUrl and tokenUrl");
}

rac_err rac_providers_read(rac_str text, rac_str file, struct rac_arena *a, struct rac_diags *d)
{
    struct reading r = {.a = a, .d = d};
    rac_err e = rac_document_read_settings(text, file, a, &r.doc, d);
    if (e != RAC_OK)
        return e;
    size_t n = 0, most = rac_json_len(&r.doc->root);
    if (!rac_json_is_object(&r.doc->root) || most > PROVIDERS_MAX) {
        rac_document_fault(r.doc, &r.doc->root, RAC_RULE_CONF_04, d,
                           RAC_S("the file holds no object of providers (at most 1,000)"));
        return RAC_E_INVALID;
    }
    struct rac_provider *v = RAC_NEW_N(a, struct rac_provider, most + 1);
    RAC_JSON_EACH_MEMBER(m, &r.doc->root)
    {
        if (!rac_str_eq(rac_json_key(m), RAC_S("$schema")))
            read_row(&r, m, &v[n++]);
    }
    if (r.err != RAC_OK)
        return r.err;
    of_file.v = v;
    of_file.n = n;
    return RAC_OK;
}
