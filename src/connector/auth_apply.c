/*
 * auth_apply - plan + connection = headers and query parameters (connectors.md §4.2).
 *
 * Pure and on the hot path: a few comparisons of short names, no allocation but the values.
 *
 * Which parameter feeds a scheme. The rule of the specification comes first; what follows it was
 * found in published connectors (scheme "APP ID" with parameter "app_id", "secretKey" as a plain
 * string, a requirement of two schemes of which a parameter set can meet one). Fallbacks that go by
 * type alone ("the only secret") come last of all, or the password of one way to sign in would be
 * sent as the key of another.
 */
#include "connector/auth.h"

#include "base/base64.h"
#include "base/secret.h"

static bool usable(const struct rac_connection *c, const struct rac_conn_param *p)
{
    if (p == NULL || (p->type != RAC_CONN_STRING && p->type != RAC_CONN_SECURESTRING))
        return false;
    const struct rac_json *v = rac_json_get(&c->values, p->name);
    return v != NULL && !rac_json_is_null(v);
}

static rac_str value_of(const struct rac_connection *c, const struct rac_conn_param *p)
{
    return p == NULL ? RAC_STR_NULL : rac_json_str(rac_json_get(&c->values, p->name), RAC_STR_NULL);
}

/* First parameter of a type that has a value; *count how many there are. */
static const struct rac_conn_param *first_of(const struct rac_connection *c,
                                             enum rac_conn_param_type type, size_t *count)
{
    const struct rac_conn_param *first = NULL;
    *count = 0;
    for (size_t i = 0; i < c->set->params_n; i++) {
        const struct rac_conn_param *p = &c->set->params[i];
        if (p->type != type || rac_conn_param_companion(p).p != NULL)
            continue;
        ++*count;
        if (first == NULL && usable(c, p))
            first = p;
    }
    return first;
}

/* Names compared by letters and digits alone: "API Key", "api_key" and "apiKey" are one. */
static bool same_word(rac_str x, rac_str y)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < x.n && !rac_is_alnum(x.p[i]))
            i++;
        while (k < y.n && !rac_is_alnum(y.p[k]))
            k++;
        if (i == x.n || k == y.n)
            return i == x.n && k == y.n && x.n > 0;
        if (rac_lower(x.p[i++]) != rac_lower(y.p[k++]))
            return false;
    }
}

static const struct rac_conn_param *named(const struct rac_connection *c, rac_str name)
{
    const struct rac_conn_param *p = rac_conn_param_find(c->set, name);
    return usable(c, p) ? p : NULL;
}

static const struct rac_conn_param *named_like(const struct rac_connection *c, rac_str name)
{
    for (size_t i = 0; i < c->set->params_n; i++)
        if (same_word(c->set->params[i].name, name) && usable(c, &c->set->params[i]))
            return &c->set->params[i];
    return NULL;
}

/* alone: the requirement has no other API key, so "api_key" can only mean this one; loose: by
 * type alone, the only secret there is. */
static const struct rac_conn_param *
key_param(const struct rac_connection *c, const struct rac_auth_scheme *s, bool alone, bool loose)
{
    size_t secrets_n;
    const struct rac_conn_param *p = alone ? named(c, RAC_S("api_key")) : NULL;
    if (p == NULL)
        p = named(c, s->name);
    if (p == NULL)
        p = named_like(c, s->name);
    if (p == NULL)
        p = named_like(c, s->wire_name);
    if (p == NULL && (alone || same_word(s->wire_name, RAC_S("api_key"))))
        p = named_like(c, RAC_S("api_key"));
    if (p != NULL || !loose)
        return p;
    p = first_of(c, RAC_CONN_SECURESTRING, &secrets_n);
    return secrets_n == 1 ? p : NULL;
}

static void add(struct rac_credentials *out, const struct rac_auth_scheme *s, bool in_query,
                rac_str name, rac_str value, rac_str masked, struct rac_arena *a)
{
    if (out->n == out->cap) {
        size_t cap = out->cap > 0 ? 2 * out->cap : 2;
        out->v = rac_arena_grow(a, out->v, out->cap * sizeof *out->v, cap * sizeof *out->v);
        out->cap = cap;
    }
    out->v[out->n++] = (struct rac_credential){.in_query = in_query,
                                               .name = name,
                                               .value = value,
                                               .masked = masked,
                                               .scheme = s != NULL ? s->name : RAC_S("")};
}

static bool add_basic(const struct rac_auth_scheme *s, const struct rac_connection *c, bool loose,
                      struct rac_arena *a, struct rac_credentials *out)
{
    size_t n;
    const struct rac_conn_param *user = named(c, RAC_S("username"));
    const struct rac_conn_param *password = named(c, RAC_S("password"));
    if (loose && user == NULL && rac_conn_param_find(c->set, RAC_S("username")) == NULL)
        user = first_of(c, RAC_CONN_STRING, &n);
    if (loose && password == NULL && rac_conn_param_find(c->set, RAC_S("password")) == NULL)
        password = first_of(c, RAC_CONN_SECURESTRING, &n);
    if (user == NULL && password == NULL)
        return false;
    rac_str u = value_of(c, user), p = value_of(c, password);
    rac_str pair = rac_arena_printf(a, "%.*s:%.*s", RAC_FMT(u), RAC_FMT(p));
    rac_secret_wipe_with(a, pair);
    rac_str text = rac_str_concat(a, RAC_S("Basic "), rac_base64_encode(a, pair));
    add(out, s, false, RAC_S("Authorization"), text, RAC_S("Basic ***"), a);
    return true;
}

static bool add_oauth(const struct rac_auth_scheme *s, const struct rac_connection *c,
                      struct rac_arena *a, struct rac_credentials *out)
{
    const struct rac_conn_param *p = rac_conn_param_oauth(c->set);
    struct rac_oauth_token *t = p != NULL ? rac_connection_token(c, p->name) : NULL;
    if (t == NULL || t->access.n == 0)
        return false;
    rac_str text = rac_str_concat(a, RAC_S("Bearer "), t->access);
    rac_secret_wipe_with(a, text);
    add(out, s, false, RAC_S("Authorization"), text, RAC_S("Bearer ***"), a);
    out->token = t;
    return true;
}

static size_t keys_in(const struct rac_auth_requirement *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->schemes_n; i++)
        n += r->schemes[i].kind == RAC_AUTH_API_KEY;
    return n;
}

/* How many of the requirement's schemes the connection could feed; all are added to out. */
static size_t meet(const struct rac_auth_requirement *r, const struct rac_connection *c, bool loose,
                   struct rac_arena *a, struct rac_credentials *out)
{
    size_t met = 0, keys = keys_in(r);
    for (size_t i = 0; i < r->schemes_n; i++) {
        const struct rac_auth_scheme *s = &r->schemes[i];
        if (s->kind == RAC_AUTH_BASIC) {
            met += add_basic(s, c, loose, a, out);
        } else if (s->kind == RAC_AUTH_OAUTH2) {
            met += add_oauth(s, c, a, out);
        } else {
            rac_str v = value_of(c, key_param(c, s, keys == 1, loose && r->schemes_n == 1));
            if (v.n == 0)
                continue;
            add(out, s, s->in_query, s->wire_name, v, RAC_S("***"), a);
            met++;
        }
    }
    return met;
}

static rac_err check(const struct rac_credentials *out, struct rac_arena *a,
                     struct rac_auth_error *error)
{
    for (size_t i = 0; i < out->n; i++) {
        const struct rac_credential *v = &out->v[i];
        for (size_t k = 0; !v->in_query && k < v->value.n; k++) {
            unsigned char ch = (unsigned char)v->value.p[k];
            if ((ch >= 0x20 && ch != 0x7F) || ch == '\t')
                continue;
            *error = (struct rac_auth_error){
                .code = RAC_S("InvalidInput"),
                .http_status = 400,
                .message = rac_arena_printf(a,
                                            "The credential for header \"%.*s\" holds a line break "
                                            "or control character; enter it again without.",
                                            RAC_FMT(v->name)),
            };
            return RAC_E_INVALID;
        }
    }
    return RAC_OK;
}

rac_err rac_auth_apply(const struct rac_auth_plan *plan, const struct rac_connection *c,
                       struct rac_arena *a, struct rac_credentials *out,
                       struct rac_auth_error *error)
{
    *out = (struct rac_credentials){0};
    if (c == NULL || c->set == NULL || plan->none)
        return RAC_OK;
    rac_arena_wipe_at_end(a);
    /* The first that can be met whole, else the first that can be met in part. */
    for (size_t i = 0; i < 2 * plan->n; i++) {
        const struct rac_auth_requirement *r = &plan->v[i % plan->n];
        struct rac_credentials part = {0};
        size_t met = meet(r, c, i >= plan->n, a, &part);
        if (met == r->schemes_n) {
            *out = part;
            return check(out, a, error);
        }
        if (met > 0 && out->n == 0)
            *out = part;
    }
    if (out->n == 0)
        add_oauth(NULL, c, a, out); /* rule 5, and schemes that nothing can feed */
    return check(out, a, error);
}

static bool scheme_is_fed(const struct rac_auth_requirement *r, const struct rac_auth_scheme *s,
                          bool loose, const struct rac_connection *c)
{
    size_t n;
    if (s->kind == RAC_AUTH_API_KEY)
        return key_param(c, s, keys_in(r) == 1, loose && r->schemes_n == 1) != NULL;
    if (s->kind != RAC_AUTH_BASIC)
        return false;
    return named(c, RAC_S("username")) != NULL || named(c, RAC_S("password")) != NULL ||
           (loose && first_of(c, RAC_CONN_SECURESTRING, &n) != NULL);
}

bool rac_auth_wants_token(const struct rac_auth_plan *plan, const struct rac_connection *c)
{
    if (c == NULL || c->set == NULL || plan->none || rac_conn_param_oauth(c->set) == NULL)
        return false;
    for (size_t i = 0; i < 2 * plan->n; i++) { /* as rac_auth_apply chooses */
        const struct rac_auth_requirement *r = &plan->v[i % plan->n];
        size_t fed = 0;
        for (size_t k = 0; k < r->schemes_n; k++) {
            if (r->schemes[k].kind == RAC_AUTH_OAUTH2)
                return true;
            fed += scheme_is_fed(r, &r->schemes[k], i >= plan->n, c);
        }
        if (fed == r->schemes_n)
            return false;
    }
    return true;
}

bool rac_auth_is_secret_header(rac_str name)
{
    static const rac_str whole[] = {RAC_S_INIT("authorization"), RAC_S_INIT("proxy-authorization"),
                                    RAC_S_INIT("cookie"), RAC_S_INIT("set-cookie")};
    static const rac_str part[] = {RAC_S_INIT("token"),         RAC_S_INIT("secret"),
                                   RAC_S_INIT("apikey"),        RAC_S_INIT("api-key"),
                                   RAC_S_INIT("api_key"),       RAC_S_INIT("subscription-key"),
                                   RAC_S_INIT("functions-key"), RAC_S_INIT("password")};
    for (size_t i = 0; i < RAC_COUNT(whole); i++)
        if (rac_str_eqi(name, whole[i]))
            return true;
    for (size_t i = 0; i < RAC_COUNT(part); i++)
        if (rac_str_findi(name, part[i]) != RAC_STR_NPOS)
            return true;
    return false;
}
