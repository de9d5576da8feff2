#include "workflow/definition/access.h"

#include "base/ip.h"
#include "base/utf8.h"
#include "crypto/jwt_verify.h"
#include "expr/expr.h"
#include "text/url.h"

enum { SKEW_S = 300 };

struct range {
    uint8_t from[16], to[16];
};
struct claim {
    rac_str name, value;
};
struct policy {
    rac_str name;
    struct claim claims[RAC_ACCESS_CLAIMS_MAX];
    size_t claims_n;
};
struct section {
    bool has_list;
    struct range *ranges;
    size_t ranges_n;
    struct policy *policies;
    size_t policies_n;
};
struct rac_access {
    struct section sections[RAC_ACCESS_SECTIONS];
};

static const char *const section_names[RAC_ACCESS_SECTIONS] = {
    [RAC_ACCESS_TRIGGERS] = "triggers",
    [RAC_ACCESS_ACTIONS] = "actions",
    [RAC_ACCESS_CONTENTS] = "contents",
    [RAC_ACCESS_MANAGEMENT] = "workflowManagement",
};
static const rac_str public_issuers[] = {RAC_S_INIT("https://sts.windows.net/"),
                                         RAC_S_INIT("https://login.microsoftonline.com/")};
static struct {
    const rac_str *v; /* NULL: the public ones */
    size_t n;
} allowed;

/* --- issuers ----------------------------------------------------------------------------------- */

enum { ISSUERS_MAX = 100 };

rac_err rac_access_issuers_read(rac_str list, struct rac_arena *a, rac_str *why)
{
    rac_str *v = RAC_NEW_N(a, rac_str, ISSUERS_MAX);
    size_t n = 0;
    list = rac_arena_str(a, list);
    for (size_t i = 0; i < list.n;) {
        size_t from = i;
        while (i < list.n && list.p[i] != ',' && !rac_is_space(list.p[i]))
            i++;
        rac_str one = rac_str_sub(list, from, i - from);
        struct rac_url parts;
        i += i < list.n;
        if (one.n == 0)
            continue;
        if (!rac_url_split_http(one, &parts) || rac_str_find_char(one, '?') != RAC_STR_NPOS ||
            rac_str_find_char(one, '#') != RAC_STR_NPOS) {
            *why = rac_arena_printf(a, "\"%.*s\" is no http(s) URL without query", RAC_FMT(one));
            return RAC_E_INVALID;
        }
        if (n == ISSUERS_MAX) {
            *why = rac_arena_printf(a, "there are more than %d", ISSUERS_MAX);
            return RAC_E_INVALID;
        }
        v[n++] = one;
    }
    allowed.v = v;
    allowed.n = n;
    return RAC_OK;
}

void rac_access_issuers_clear(void)
{
    allowed.v = NULL;
    allowed.n = 0;
}

/* "https://id.example" stands for "https://id.example/x", not for "https://id.example.evil". */
static bool issuer_ok(rac_str issuer)
{
    const rac_str *list = allowed.v != NULL ? allowed.v : public_issuers;
    size_t n = allowed.v != NULL ? allowed.n : RAC_COUNT(public_issuers);
    for (size_t i = 0; i < n; i++) {
        rac_str one = list[i];
        if (rac_str_starts(issuer, one) &&
            (issuer.n == one.n || one.p[one.n - 1] == '/' || issuer.p[one.n] == '/'))
            return true;
    }
    return false;
}

/* --- compiling --------------------------------------------------------------------------------- */

struct parse {
    struct rac_arena *a;
    struct rac_diags *d;
    bool wrong;
};

static void wrong(struct parse *p, const char *code, rac_str pointer, rac_str message)
{
    struct rac_diag diag = {
        .code = code, .severity = RAC_SEV_ERROR, .pointer = pointer, .message = message};
    rac_diags_add(p->d, &diag);
    p->wrong = true;
}

static void invalid(struct parse *p, rac_str pointer, const char *message)
{
    wrong(p, "InvalidAccessControl", pointer, rac_str_of(message));
}

static rac_str child(struct parse *p, rac_str pointer, const char *name)
{
    return rac_json_pointer_join(p->a, pointer, rac_str_of(name));
}

/* Bits behind the length are 0 in from and 1 in to. */
static void mask(struct range *r, unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = bits >= i * 8 + 8 ? 8 : bits <= i * 8 ? 0 : bits - i * 8;
        uint8_t m = (uint8_t)(0xff << (8 - keep));
        r->from[i] &= m;
        r->to[i] = (uint8_t)(r->from[i] | ~m);
    }
}

/* "10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.1" */
static bool range_read(rac_str text, struct range *out)
{
    rac_str rest, first = rac_str_trim(text);
    uint64_t bits;
    if (rac_str_find_char(first, '-') != RAC_STR_NPOS) {
        first = rac_str_trim(rac_str_cut(first, '-', &rest));
        return rac_ip_parse(first, out->from) && rac_ip_parse(rac_str_trim(rest), out->to) &&
               rac_ip_is_v4(out->from) == rac_ip_is_v4(out->to) &&
               memcmp(out->from, out->to, 16) <= 0;
    }
    first = rac_str_cut(first, '/', &rest);
    if (!rac_ip_parse(first, out->from))
        return false;
    bool v4 = rac_ip_is_v4(out->from) && rac_str_find_char(first, ':') == RAC_STR_NPOS;
    if (rest.p == NULL)
        bits = v4 ? 32 : 128;
    else if (rest.n == 0 || rest.n > 3 || !rac_is_digit(rest.p[0]) ||
             !rac_str_to_u64(rest, &bits) || bits > (v4 ? 32 : 128))
        return false;
    mask(out, (unsigned)bits + (v4 ? 96 : 0));
    return true;
}

static void ranges_read(struct parse *p, const struct rac_json *v, rac_str pointer,
                        struct section *out)
{
    if (v == NULL || rac_json_is_null(v))
        return;
    if (!rac_json_is_array(v) || rac_json_len(v) > RAC_ACCESS_RANGES_MAX) {
        invalid(p, pointer, "'allowedCallerIpAddresses' must be a list of at most 1024 ranges.");
        return;
    }
    out->has_list = true;
    out->ranges = RAC_NEW_N(p->a, struct range, rac_json_len(v));
    for (size_t i = 0; i < rac_json_len(v); i++) {
        rac_str text =
            rac_json_str(rac_json_geti(rac_json_at(v, i), RAC_S("addressRange")), RAC_S(""));
        if (range_read(text, &out->ranges[out->ranges_n]))
            out->ranges_n++;
        else
            invalid(p, rac_json_pointer_join_index(p->a, pointer, i),
                    "A range is {\"addressRange\": \"10.0.0.0/8\"} or \"10.0.0.1-10.0.0.9\".");
    }
}

static void claims_read(struct parse *p, const struct rac_json *v, rac_str pointer,
                        struct policy *out)
{
    bool issuer = false;
    if (!rac_json_is_array(v) || rac_json_len(v) > RAC_ACCESS_CLAIMS_MAX) {
        invalid(p, pointer, "'claims' must be a list of at most 10 claims.");
        return;
    }
    for (size_t i = 0; i < rac_json_len(v); i++) {
        const struct rac_json *e = rac_json_at(v, i);
        struct claim c = {rac_json_str(rac_json_geti(e, RAC_S("name")), RAC_S("")),
                          rac_json_str(rac_json_geti(e, RAC_S("value")), RAC_STR_NULL)};
        if (c.name.n == 0 || c.value.p == NULL || rac_utf8_count(c.value) > RAC_ACCESS_VALUE_MAX) {
            invalid(p, rac_json_pointer_join_index(p->a, pointer, i),
                    "A claim has a name and a value of at most 150 characters.");
            continue;
        }
        bool is_issuer = rac_str_eq(c.name, RAC_S("iss"));
        if (is_issuer && !issuer_ok(c.value))
            invalid(p, rac_json_pointer_join_index(p->a, pointer, i),
                    "The claim 'iss' does not name an issuer that is allowed here "
                    "(setting workflow.issuers).");
        issuer = issuer || is_issuer;
        out->claims[out->claims_n++] = c;
    }
    if (!issuer)
        invalid(p, pointer, "A policy needs the claim 'iss'.");
}

static void policies_read(struct parse *p, const struct rac_json *v, rac_str pointer,
                          struct section *out)
{
    v = rac_json_geti(v, RAC_S("policies"));
    pointer = child(p, pointer, "policies");
    if (v == NULL || rac_json_is_null(v))
        return;
    if (!rac_json_is_object(v) || rac_json_len(v) > RAC_ACCESS_POLICIES_MAX) {
        invalid(p, pointer, "'policies' must be an object of at most 5 policies.");
        return;
    }
    out->policies = RAC_NEW_N(p->a, struct policy, rac_json_len(v));
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct policy *one = &out->policies[out->policies_n++];
        rac_str at = rac_json_pointer_join(p->a, pointer, rac_json_key(m));
        one->name = rac_json_key(m);
        if (!rac_str_eqi(rac_json_str(rac_json_geti(&m->value, RAC_S("type")), RAC_S("")),
                         RAC_S("AAD")))
            wrong(p, "OnlyAADOAuthTypeSupported", child(p, at, "type"),
                  rac_arena_printf(p->a,
                                   "OAuth authentication policy '%.*s' in access control "
                                   "configuration of workflow is not valid. The 'type' property "
                                   "of authentication policy should be set to AAD.",
                                   RAC_FMT(one->name)));
        claims_read(p, rac_json_geti(&m->value, RAC_S("claims")), child(p, at, "claims"), one);
    }
}

rac_err rac_access_compile(const struct rac_json *value, rac_str pointer, struct rac_arena *a,
                           struct rac_access **out, struct rac_diags *d)
{
    struct parse p = {.a = a, .d = d};
    struct rac_access *x = RAC_NEW(a, struct rac_access);
    bool none = value == NULL || rac_json_is_null(value);
    if (!none && !rac_json_is_object(value))
        invalid(&p, pointer, "'accessControl' must be an object.");
    for (size_t i = 0; i < RAC_ACCESS_SECTIONS && !none; i++) {
        const struct rac_json *v = rac_json_geti(value, rac_str_of(section_names[i]));
        rac_str at = child(&p, pointer, section_names[i]);
        if (v == NULL || rac_json_is_null(v))
            continue;
        if (!rac_json_is_object(v)) {
            invalid(&p, at, "A section of 'accessControl' must be an object.");
            continue;
        }
        ranges_read(&p, rac_json_geti(v, RAC_S("allowedCallerIpAddresses")),
                    child(&p, at, "allowedCallerIpAddresses"), &x->sections[i]);
        policies_read(&p, rac_json_geti(v, RAC_S("openAuthenticationPolicies")),
                      child(&p, at, "openAuthenticationPolicies"), &x->sections[i]);
    }
    *out = x;
    if (!p.wrong)
        return RAC_OK;
    for (size_t i = 0; i < RAC_ACCESS_SECTIONS; i++)
        x->sections[i] = (struct section){.has_list = true};
    return RAC_E_INVALID;
}

/* --- addresses --------------------------------------------------------------------------------- */

bool rac_access_address(const struct rac_access *x, enum rac_access_section s, rac_str address,
                        bool nested, struct rac_arena *a, struct rac_wf_fault *fault)
{
    const struct section *c = &x->sections[s];
    bool callable = s == RAC_ACCESS_TRIGGERS || s == RAC_ACCESS_ACTIONS;
    uint8_t addr[16];
    if (!c->has_list || (nested && callable) || (s == RAC_ACCESS_MANAGEMENT && c->ranges_n == 0))
        return true;
    bool known = rac_ip_parse(address, addr);
    for (size_t i = 0; i < c->ranges_n && known; i++)
        if (memcmp(c->ranges[i].from, addr, 16) <= 0 && memcmp(addr, c->ranges[i].to, 16) <= 0)
            return true;
    *fault = (struct rac_wf_fault){
        .status = callable ? 401 : 403,
        .code = "AuthorizationFailed",
        .message = rac_arena_printf(a,
                                    "The client IP address '%.*s' is not in the allowed caller IP "
                                    "address ranges specified in the workflow access control "
                                    "configuration.",
                                    RAC_FMT(rac_str_sub(address, 0, 64)))};
    return false;
}

/* --- tokens ------------------------------------------------------------------------------------ */

bool rac_access_has_policies(const struct rac_access *x, enum rac_access_section s)
{
    return x->sections[s].policies_n > 0;
}

static bool value_is(const struct rac_json *v, rac_str want, struct rac_arena *a)
{
    if (rac_json_is_string(v))
        return rac_str_eq(rac_json_str(v, RAC_S("")), want);
    return v != NULL && v->type != RAC_JSON_OBJECT && v->type != RAC_JSON_ARRAY &&
           rac_str_eq(rac_json_print_str(v, 0, a), want);
}

static bool claim_holds(const struct claim *c, const struct rac_json *claims, struct rac_arena *a)
{
    const struct rac_json *v = rac_json_get(claims, c->name);
    if (!rac_json_is_array(v))
        return value_is(v, c->value, a);
    RAC_JSON_EACH(e, v)
    if (value_is(e, c->value, a))
        return true;
    return false;
}

static const struct policy *policy_for(const struct section *s, const struct rac_json *claims,
                                       struct rac_arena *a)
{
    for (size_t i = 0; i < s->policies_n; i++) {
        const struct policy *p = &s->policies[i];
        size_t held = 0;
        while (held < p->claims_n && claim_holds(&p->claims[held], claims, a))
            held++;
        if (held == p->claims_n)
            return p;
    }
    return NULL;
}

/* A token without an end is none of these providers'. */
static bool in_time(const struct rac_json *claims, rac_ms now_ms)
{
    double now = (double)now_ms / 1000;
    double ends = rac_json_double(RAC_JSON_GET(claims, "exp"), -1);
    double begins = rac_json_double(RAC_JSON_GET(claims, "nbf"), 0);
    return ends >= 0 && now < ends + SKEW_S && now >= begins - SKEW_S;
}

static enum rac_access_verdict refuse(struct rac_access_token *out, int status, const char *code,
                                      const char *message)
{
    out->fault = (struct rac_wf_fault){status, code, rac_str_of(message)};
    return RAC_ACCESS_REFUSED;
}

enum rac_access_verdict rac_access_token(const struct rac_access *x, enum rac_access_section s,
                                         rac_str authorization, const struct rac_access_keys *keys,
                                         rac_ms now_ms, struct rac_arena *a,
                                         struct rac_access_token *out)
{
    static const char bad[] = "The authentication credentials are not valid.";
    struct rac_json header, claims;
    *out = (struct rac_access_token){.claims = rac_json_none};
    if (x->sections[s].policies_n == 0)
        return refuse(out, 401, "OpenAuthenticationPolicyNotFound",
                      "The workflow has no open authentication access control policy.");
    authorization = rac_str_trim(authorization);
    rac_str token = rac_str_trim(rac_str_from(authorization, 7));
    if (!rac_str_startsi(authorization, RAC_S("Bearer ")) ||
        !rac_jwt_peek(token, a, &header, &claims))
        return refuse(out, 401, "AuthorizationFailed", bad);
    const struct policy *p = policy_for(&x->sections[s], &claims, a);
    if (p == NULL)
        return refuse(out, 403, "MisMatchingOAuthClaims",
                      "One or more claims either missing or does not match with the open "
                      "authentication access control policy.");
    rac_str issuer = rac_json_str(RAC_JSON_GET(&claims, "iss"), RAC_S(""));
    const struct rac_json *set = keys->get(keys->self, issuer);
    rac_err e = set != NULL ? rac_jwt_verify(token, set, a, &claims) : RAC_E_NOT_FOUND;
    refuse(out, 401, "AuthorizationFailed", bad);
    if (e == RAC_E_NOT_FOUND) {
        out->issuer = issuer;
        return RAC_ACCESS_FETCH;
    }
    if (e != RAC_OK || !in_time(&claims, now_ms))
        return RAC_ACCESS_REFUSED;
    out->claims = claims;
    out->policy = p->name;
    return RAC_ACCESS_ALLOWED;
}
