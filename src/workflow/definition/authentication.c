#include "workflow/definition/authentication.h"

#include "base/base64.h"
#include "base/secret.h"
#include "crypto/pkcs12.h"
#include "text/url.h"

#define SANITIZED        RAC_S("*sanitized*")
#define AUTHORITY        "https://login.microsoftonline.com/"
#define AUDIENCE_DEFAULT RAC_S("https://management.azure.com/")

enum type { TYPE_NONE, BASIC, CERTIFICATE, OAUTH, RAW, IDENTITY, QUERY, TYPES };

/* Members that must be there; alternatives are judged by the type itself. */
static const struct {
    rac_str word;
    const char *required[4];
} types[TYPES] = {
    [TYPE_NONE] = {RAC_S_INIT("None"), {NULL}},
    [BASIC] = {RAC_S_INIT("Basic"), {"username", "password"}},
    [CERTIFICATE] = {RAC_S_INIT("ClientCertificate"), {"pfx"}},
    [OAUTH] = {RAC_S_INIT("ActiveDirectoryOAuth"), {"tenant", "audience", "clientId"}},
    [RAW] = {RAC_S_INIT("Raw"), {NULL}},
    [IDENTITY] = {RAC_S_INIT("ManagedServiceIdentity"), {NULL}},
    [QUERY] = {RAC_S_INIT("QueryString"), {"name", "value"}},
};
static const char *const texts[] = {"username", "password",       "pfx",       "authority",
                                    "tenant",   "audience",       "clientId",  "secret",
                                    "value",    "credentialType", "parameter", "scheme",
                                    "name",     "identity"};

static const struct rac_json *get(const struct rac_json *v, const char *name)
{
    const struct rac_json *x = rac_json_geti(v, rac_str_of(name));
    return rac_json_is_null(x) ? NULL : x;
}

static rac_str text(const struct rac_json *v, const char *name)
{
    return rac_json_str(get(v, name), RAC_STR_NULL);
}

/* --- judging ----------------------------------------------------------------------------------- */

/* The first thing that is wrong, in words. */
struct judgement {
    struct rac_arena *a;
    rac_str wrong; /* absent: nothing */
};

static void wrong(struct judgement *j, rac_str message)
{
    if (j->wrong.p == NULL)
        j->wrong = message;
}

static void missing(struct judgement *j, enum type t, const char *what)
{
    wrong(j, rac_arena_printf(j->a, "The 'authentication' of type '%.*s' needs '%s'.",
                              RAC_FMT(types[t].word), what));
}

static void judge_alternatives(struct judgement *j, const struct rac_json *v, enum type t)
{
    const struct rac_json *kind = get(v, "credentialType");
    rac_str word = rac_json_str(kind, RAC_S(""));
    bool secret = get(v, "secret") != NULL, pfx = get(v, "pfx") != NULL;
    if (t == RAW && get(v, "value") == NULL &&
        (get(v, "scheme") == NULL || get(v, "parameter") == NULL))
        missing(j, t, "value', or 'scheme' and 'parameter");
    if (t != OAUTH)
        return;
    if (kind != NULL && !rac_str_eqi(word, RAC_S("Secret")) &&
        !rac_str_eqi(word, RAC_S("Certificate")))
        wrong(j, RAC_S("'credentialType' must be Secret or Certificate."));
    else if (rac_str_eqi(word, RAC_S("Secret")) && !secret)
        missing(j, t, "secret");
    else if (rac_str_eqi(word, RAC_S("Certificate")) && !pfx)
        missing(j, t, "pfx");
    else if (!secret && !pfx)
        missing(j, t, "secret' or 'pfx");
}

static enum type judge(struct judgement *j, const struct rac_json *v)
{
    const struct rac_json *type = get(v, "type");
    rac_str word = rac_json_str(type, RAC_STR_NULL);
    size_t t = 0;
    if (v == NULL || rac_json_is_null(v) || (rac_json_is_object(v) && rac_json_len(v) == 0))
        return TYPE_NONE;
    while (t < TYPES && !rac_str_eqi(word, types[t].word))
        t++;
    if (!rac_json_is_object(v) || type == NULL) {
        wrong(j, RAC_S("'authentication' must be an object with a 'type'."));
        return TYPES;
    }
    if (t == TYPES) {
        wrong(j, RAC_S("'type' of 'authentication' must be None, Basic, ClientCertificate, "
                       "ActiveDirectoryOAuth, Raw or ManagedServiceIdentity."));
        return TYPES;
    }
    for (size_t i = 0; i < RAC_COUNT(types[t].required) && types[t].required[i] != NULL; i++)
        if (get(v, types[t].required[i]) == NULL)
            missing(j, (enum type)t, types[t].required[i]);
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        if (get(v, texts[i]) != NULL && !rac_json_is_string(get(v, texts[i])))
            wrong(j,
                  rac_arena_printf(j->a, "'%s' of 'authentication' must be a string.", texts[i]));
    judge_alternatives(j, v, (enum type)t);
    return (enum type)t;
}

/* --- making ------------------------------------------------------------------------------------ */

static rac_err fail(struct rac_authentication_error *error, const char *code,
                    const char *error_code, rac_str message)
{
    *error = (struct rac_authentication_error){code, error_code, message};
    return RAC_E_INVALID;
}

static rac_err invalid(struct rac_authentication_error *error, rac_str message)
{
    return fail(error, "BadRequest", "BadRequest", message);
}

static rac_str wiped(struct rac_arena *a, rac_str s)
{
    rac_secret_wipe_with(a, s);
    return s;
}

static rac_err header(struct rac_authentication *out, rac_str value,
                      struct rac_authentication_error *error)
{
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' && value.p[i] != '\t')
            return invalid(error, RAC_S("The value of 'authentication' has characters that a "
                                        "header cannot have."));
    out->kind = RAC_AUTHENTICATION_HEADER;
    out->authorization = value;
    return RAC_OK;
}

static rac_err basic(const struct rac_json *v, struct rac_arena *a, struct rac_authentication *out,
                     struct rac_authentication_error *error)
{
    rac_str user = text(v, "username"), pair;
    if (rac_str_find_char(user, ':') != RAC_STR_NPOS)
        return invalid(error, RAC_S("'username' of 'authentication' cannot have a colon."));
    pair = wiped(a, rac_arena_printf(a, "%.*s:%.*s", RAC_FMT(user), RAC_FMT(text(v, "password"))));
    return header(out, wiped(a, rac_str_concat(a, RAC_S("Basic "), rac_base64_encode(a, pair))),
                  error);
}

static rac_err raw(const struct rac_json *v, struct rac_arena *a, struct rac_authentication *out,
                   struct rac_authentication_error *error)
{
    rac_str value = text(v, "value");
    if (value.p == NULL)
        value = wiped(a, rac_arena_printf(a, "%.*s %.*s", RAC_FMT(text(v, "scheme")),
                                          RAC_FMT(text(v, "parameter"))));
    return header(out, value, error);
}

static rac_err open_pfx(const struct rac_json *v, struct rac_arena *a, rac_str *certificate,
                        rac_str *key, struct rac_authentication_error *error)
{
    rac_str bytes, password = text(v, "password");
    const char *why = NULL;
    if (!rac_base64_decode(a, text(v, "pfx"), &bytes))
        return invalid(error, RAC_S("'pfx' of 'authentication' is not base64."));
    wiped(a, bytes);
    if (rac_pkcs12_open(bytes, password.p != NULL ? password : RAC_S(""), a, certificate, key,
                        &why) == RAC_OK)
        return RAC_OK;
    return invalid(error,
                   rac_arena_printf(a, "'pfx' of 'authentication' cannot be used: %s.", why));
}

static rac_err oauth(const struct rac_json *v, struct rac_arena *a, struct rac_authentication *out,
                     struct rac_authentication_error *error)
{
    rac_str authority = text(v, "authority"), kind = text(v, "credentialType");
    struct rac_url parts;
    if (authority.n == 0)
        authority = RAC_S(AUTHORITY);
    bool slash = rac_str_ends(authority, RAC_S("/"));
    out->kind = RAC_AUTHENTICATION_TOKEN;
    out->token.url =
        rac_arena_printf(a, "%.*s%s%.*s/oauth2/token", RAC_FMT(authority), slash ? "" : "/",
                         RAC_FMT(rac_url_encode(a, text(v, "tenant"))));
    if (!rac_url_split_http(out->token.url, &parts))
        return invalid(error, RAC_S("'authority' of 'authentication' must be an http or https "
                                    "URL."));
    out->token.client_id = text(v, "clientId");
    out->token.resource = text(v, "audience");
    bool certificate =
        rac_str_eqi(kind, RAC_S("Certificate")) || (kind.n == 0 && text(v, "secret").p == NULL);
    if (certificate)
        return open_pfx(v, a, &out->token.certificate_pem, &out->token.key_pem, error);
    out->token.client_secret = text(v, "secret");
    return RAC_OK;
}

static rac_err identity(const struct rac_json *v, const struct rac_authentication_options *o,
                        struct rac_authentication *out, struct rac_authentication_error *error)
{
    rac_str name = text(v, "identity"), audience = text(v, "audience");
    bool system = name.n == 0 || rac_str_eqi(name, RAC_S("SystemAssigned"));
    for (size_t i = 0; i < o->identities_n; i++) {
        const struct rac_managed_identity *m = &o->identities[i];
        if (system ? m->name.n != 0 : !rac_str_eqi(name, m->name))
            continue;
        out->kind = RAC_AUTHENTICATION_TOKEN;
        out->token =
            (struct rac_token_want){.url = m->token_url,
                                    .client_id = m->client_id,
                                    .client_secret = m->client_secret,
                                    .resource = audience.n > 0 ? audience : AUDIENCE_DEFAULT};
        return RAC_OK;
    }
    return fail(error, "Unauthorized", "ManagedIdentityNotConfigured",
                RAC_S("The action signs in with a managed identity that this host does not have. "
                      "An administrator configures it, or the action uses another kind of "
                      "authentication."));
}

rac_err rac_authentication_parse(const struct rac_json *value,
                                 const struct rac_authentication_options *o, struct rac_arena *a,
                                 struct rac_authentication *out,
                                 struct rac_authentication_error *error)
{
    struct judgement j = {.a = a};
    struct rac_authentication x = {0};
    enum type t = judge(&j, value);
    rac_err e = RAC_OK;
    if (j.wrong.p != NULL)
        return invalid(error, j.wrong);
    switch (t) {
    case BASIC:
        e = basic(value, a, &x, error);
        break;
    case CERTIFICATE:
        x.kind = RAC_AUTHENTICATION_CERTIFICATE;
        e = open_pfx(value, a, &x.certificate_pem, &x.key_pem, error);
        break;
    case OAUTH:
        e = oauth(value, a, &x, error);
        break;
    case RAW:
        e = raw(value, a, &x, error);
        break;
    case IDENTITY:
        e = identity(value, o, &x, error);
        break;
    case QUERY:
        x.kind = RAC_AUTHENTICATION_QUERY;
        x.query_name = text(value, "name");
        x.query_value = text(value, "value");
        break;
    default:
        break;
    }
    if (e == RAC_OK)
        *out = x;
    return e;
}

/* --- masking ----------------------------------------------------------------------------------- */

/* An object with its own members, values shared. */
static struct rac_json shallow(const struct rac_json *v, struct rac_arena *a)
{
    struct rac_json copy = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, v)
    rac_json_put(a, &copy, rac_json_key(m), m->value);
    return copy;
}

static bool carries_secret(rac_str key)
{
    return rac_str_eqi(key, RAC_S("Authorization"));
}

static struct rac_json mask_headers(const struct rac_json *headers, struct rac_arena *a)
{
    struct rac_json copy = *headers;
    bool own = false;
    for (size_t i = 0; i < rac_json_len(headers); i++) {
        if (!carries_secret(rac_json_key(rac_json_member_at(headers, i))))
            continue;
        if (!own)
            copy = shallow(headers, a);
        own = true;
        rac_json_member_at(&copy, i)->value = rac_json_of_str(SANITIZED);
    }
    return copy;
}

static struct rac_json mask(const struct rac_json *inputs, bool outer, struct rac_arena *a)
{
    if (!rac_json_is_object(inputs))
        return *inputs;
    struct rac_json copy = shallow(inputs, a);
    RAC_JSON_EACH_MEMBER(m, &copy)
    {
        rac_str key = rac_json_key(m);
        if (rac_str_eqi(key, RAC_S("authentication")))
            m->value = rac_json_of_str(SANITIZED);
        else if (rac_str_eqi(key, RAC_S("headers")) && rac_json_is_object(&m->value))
            m->value = mask_headers(&m->value, a);
        else if (outer &&
                 (rac_str_eqi(key, RAC_S("subscribe")) || rac_str_eqi(key, RAC_S("unsubscribe"))))
            m->value = mask(&m->value, false, a);
    }
    return copy;
}

struct rac_json rac_authentication_mask(const struct rac_json *inputs, struct rac_arena *a)
{
    return mask(inputs, true, a);
}
