#include "workflow/definition/signature.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/utf8.h"
#include "crypto/digest.h"
#include "text/url.h"

enum { URL_BYTES_MAX = 64 * 1024, SEGMENTS_MAX = 16 };

static const struct form {
    rac_str path, permission;
} forms[RAC_CALLBACK_FORMS] = {
#define FORM(id, path, permission) {RAC_S_INIT(path), RAC_S_INIT(permission)},
#include "workflow/definition/callbacks.def"
#undef FORM
};

#define SCALE_UNIT  "/runtime/webhooks/workflow/scaleUnits/prod-00"
#define WORKFLOWS   "/workflows/"
#define ACCOUNTS    "/integrationAccounts/"
#define VERSION     RAC_S("1.0")
#define API_C       RAC_S("2016-10-01")
#define API_S       RAC_S("2022-05-01")
#define BAD_MESSAGE "The authentication credentials are not valid."
#define HOUR_MS     INT64_C(3600000)

/* The member that a letter of a template stands for. */
static rac_str *member(struct rac_callback *c, char letter)
{
    switch (letter) {
    case 't':
        return &c->trigger;
    case 'v':
        return &c->version;
    case 'r':
        return &c->run;
    case 'a':
        return &c->action;
    case 'p':
        return &c->repetition;
    case 'o':
        return &c->operation;
    case 'h':
        return &c->history;
    case 'q':
        return &c->request;
    case 'm':
        return &c->artifact;
    default:
        RAC_ASSERT(letter == 'c');
        return &c->content;
    }
}

static void expand(rac_str template, const struct rac_callback *c, bool encode, struct rac_buf *b)
{
    struct rac_callback names = *c;
    for (size_t i = 0; i < template.n; i++) {
        if (template.p[i] != '{') {
            rac_buf_add_char(b, template.p[i]);
            continue;
        }
        rac_str name = *member(&names, template.p[i + 1]);
        if (encode)
            rac_url_encode_to(b, name, RAC_URL_STRICT);
        else
            rac_buf_add(b, name);
        i += 2;
    }
}

rac_str rac_callback_scope(const struct rac_callback *c, struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, URL_BYTES_MAX);
    expand(forms[c->form].permission, c, false, &b);
    rac_str scope = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return scope;
}

/* --- signing ----------------------------------------------------------------------------------- */

/* workflowId "\n" sp "\n" sv ["\n" se], whatever bytes they hold; in a. */
static rac_str string_to_sign(rac_str workflow_id, rac_str sp, rac_str se, struct rac_arena *a)
{
    const rac_str parts[] = {workflow_id, sp, VERSION, se};
    size_t n = se.p != NULL ? 4 : 3, at = 0;
    char *text = rac_arena_alloc_dirty(a, workflow_id.n + sp.n + VERSION.n + se.n + 4);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            text[at++] = '\n';
        if (parts[i].n > 0)
            memcpy(text + at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    return (rac_str){text, at};
}

void rac_sas_sign(rac_str key, rac_str workflow_id, rac_str sp, rac_str se, char sig[RAC_SAS_TEXT])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t mac[RAC_SHA256_BYTES + 1] = {0};
    struct rac_arena a;
    rac_arena_init(&a, URL_BYTES_MAX * 4);
    rac_hmac_sha256(key, string_to_sign(workflow_id, sp, se, &a), mac);
    rac_arena_fini(&a);
    for (size_t i = 0; i < RAC_SAS_TEXT - 1; i++) {
        size_t bit = i * 6, byte = bit / 8;
        unsigned pair = (unsigned)mac[byte] << 8 | mac[byte + 1];
        sig[i] = letters[pair >> (10 - bit % 8) & 63];
    }
    sig[RAC_SAS_TEXT - 1] = '\0';
}

/* --- making ------------------------------------------------------------------------------------ */

static void base_add(const struct rac_callback_place *p, const struct rac_callback *c,
                     struct rac_buf *b)
{
    rac_buf_add(b, p->public_url);
    if (p->standard && c->form == RAC_CALLBACK_TRIGGER) {
        RAC_BUF_ADD_LIT(b, "/api/");
        rac_url_encode_to(b, c->workflow, RAC_URL_STRICT);
        expand(RAC_S("/triggers/{t}/invoke"), c, true, b);
        return;
    }
    bool account = c->form >= RAC_CALLBACK_ACCOUNTS;
    if (p->standard && !account)
        RAC_BUF_ADD_LIT(b, SCALE_UNIT);
    rac_buf_add(b, account ? RAC_S(ACCOUNTS) : RAC_S(WORKFLOWS));
    rac_buf_add(b, c->workflow_id);
    expand(forms[c->form].path, c, true, b);
}

static rac_str expiry_text(rac_ms t, struct rac_arena *a) /* seven digits, as clients expect */
{
    struct rac_civil c = rac_time_civil(t);
    if (t == 0)
        return RAC_STR_NULL;
    return rac_arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03d0000Z", (int)c.year, c.month,
                            c.day, c.hour, c.minute, c.second, c.millis);
}

static void pair_add(struct rac_buf *b, const char *name, rac_str value)
{
    if (value.p == NULL)
        return;
    rac_buf_printf(b, "&%s=", name);
    rac_url_encode_to(b, value, RAC_URL_STRICT);
}

struct signed_parts {
    rac_str se, sp;
    char sig[RAC_SAS_TEXT];
};

static struct signed_parts sign(const struct rac_callback_place *p, const struct rac_callback *c,
                                struct rac_arena *a)
{
    struct signed_parts s = {.se = expiry_text(p->expires_ms, a), .sp = rac_callback_scope(c, a)};
    rac_sas_sign(p->key, c->workflow_id, s.sp, s.se, s.sig);
    return s;
}

static rac_str url_of(const struct rac_callback_place *p, const struct rac_callback *c,
                      const struct signed_parts *s, struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, URL_BYTES_MAX);
    base_add(p, c, &b);
    if (c->relative.n > 0) {
        if (c->relative.p[0] != '/')
            rac_buf_add_char(&b, '/');
        rac_buf_add(&b, c->relative);
    }
    RAC_BUF_ADD_LIT(&b, "?api-version=");
    rac_buf_add(&b, p->standard ? API_S : API_C);
    pair_add(&b, "se", s->se);
    pair_add(&b, "sp", s->sp);
    pair_add(&b, "sv", VERSION);
    pair_add(&b, "sig", rac_str_of(s->sig));
    pair_add(&b, "code", p->code);
    rac_str url = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return url;
}

rac_str rac_callback_url(const struct rac_callback_place *p, const struct rac_callback *c,
                         struct rac_arena *a)
{
    struct signed_parts s = sign(p, c, a);
    return url_of(p, c, &s, a);
}

/* The names in braces of "customers/{id}". */
static struct rac_json parameters_of(rac_str relative, struct rac_arena *a)
{
    struct rac_json list = rac_json_new_array(a);
    for (rac_str rest = relative; rest.p != NULL;) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        if (part.n > 2 && part.p[0] == '{' && part.p[part.n - 1] == '}')
            rac_json_add(a, &list, rac_json_of_str(rac_str_sub(part, 1, part.n - 2)));
    }
    return list;
}

struct rac_json rac_callback_json(const struct rac_callback_place *p, const struct rac_callback *c,
                                  rac_str method, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a), queries = rac_json_new_object(a);
    struct signed_parts s = sign(p, c, a);
    struct rac_buf b;
    rac_buf_init(&b, URL_BYTES_MAX);
    base_add(p, c, &b);
    rac_str base = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    RAC_JSON_PUT_STR(a, &v, "value", url_of(p, c, &s, a));
    if (method.n > 0)
        RAC_JSON_PUT_STR(a, &v, "method", method);
    RAC_JSON_PUT_STR(a, &v, "basePath", base);
    if (c->relative.n > 0) {
        RAC_JSON_PUT_STR(a, &v, "relativePath", c->relative);
        RAC_JSON_PUT(a, &v, "relativePathParameters", parameters_of(c->relative, a));
    }
    RAC_JSON_PUT_STR(a, &queries, "api-version", p->standard ? API_S : API_C);
    RAC_JSON_PUT_STR(a, &queries, "sp", s.sp);
    RAC_JSON_PUT_STR(a, &queries, "sv", VERSION);
    RAC_JSON_PUT_STR(a, &queries, "sig", rac_arena_str(a, rac_str_of(s.sig)));
    if (s.se.p != NULL)
        RAC_JSON_PUT_STR(a, &queries, "se", s.se);
    if (p->code.p != NULL)
        RAC_JSON_PUT_STR(a, &queries, "code", p->code);
    RAC_JSON_PUT(a, &v, "queries", queries);
    return v;
}

rac_ms rac_callback_content_expiry(rac_ms now_ms)
{
    return (now_ms / HOUR_MS + 1) * HOUR_MS + 3 * HOUR_MS;
}

/* --- reading ----------------------------------------------------------------------------------- */

/* path against a template. *rest: what follows it behind a slash; absent: nothing. False: it does
 * not match, or names an empty name. */
static bool match(rac_str template, rac_str path, struct rac_arena *a, struct rac_callback *c,
                  rac_str *rest)
{
    template = rac_str_from(template, 1);
    *rest = path;
    while (template.p != NULL) {
        rac_str want = rac_str_cut(template, '/', &template), got;
        if (rest->p == NULL)
            return false;
        got = rac_str_cut(*rest, '/', rest);
        if (want.p[0] != '{') {
            if (!rac_str_eqi(want, got))
                return false;
            continue;
        }
        rac_str *name = member(c, want.p[1]);
        if (got.n == 0 || !rac_url_decode_strict(a, got, false, name) ||
            rac_utf8_check(*name) != name->n)
            return false;
    }
    return true;
}

/* 32 hex digits, or a GUID. */
static bool is_id(rac_str s, bool guid)
{
    for (size_t i = 0; i < s.n; i++) {
        bool dash = guid && (i == 8 || i == 13 || i == 18 || i == 23);
        char c = rac_lower(s.p[i]);
        if (dash ? c != '-' : !rac_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return s.n == (guid ? 36 : 32);
}

static bool keyword(rac_str *path, const char *words)
{
    rac_str prefix = rac_str_of(words);
    if (!rac_str_startsi(*path, prefix))
        return false;
    *path = rac_str_from(*path, prefix.n);
    return true;
}

static bool parse_standard(rac_str path, struct rac_arena *a, struct rac_callback *out)
{
    struct rac_callback c = {.form = RAC_CALLBACK_TRIGGER};
    rac_str name = rac_str_cut(path, '/', &path);
    if (name.n == 0 || path.p == NULL || !rac_url_decode_strict(a, name, false, &c.workflow) ||
        rac_utf8_check(c.workflow) != c.workflow.n ||
        !match(RAC_S("/triggers/{t}/invoke"), path, a, &c, &c.relative))
        return false;
    *out = c;
    return true;
}

/* What stands behind "/workflows/", or "/integrationAccounts/". */
static bool parse_owned(rac_str path, bool account, struct rac_arena *a, struct rac_callback *out)
{
    rac_str id = rac_str_cut(path, '/', &path), rest;
    size_t from = account ? RAC_CALLBACK_ACCOUNTS : 0,
           to = account ? RAC_CALLBACK_FORMS : RAC_CALLBACK_ACCOUNTS;
    for (size_t i = from; path.p != NULL && is_id(id, account) && i < to; i++) {
        struct rac_callback c = {.form = (enum rac_callback_form)i};
        if (!match(forms[i].path, path, a, &c, &rest) ||
            (rest.p != NULL && i != RAC_CALLBACK_TRIGGER))
            continue;
        c.workflow_id = rac_str_lower(a, id);
        c.relative = rest;
        *out = c;
        return true;
    }
    return false;
}

bool rac_callback_parse(rac_str path, struct rac_arena *a, struct rac_callback *out)
{
    if (path.n > URL_BYTES_MAX)
        return false;
    if (rac_str_starts(path, RAC_S("//")))
        path = rac_str_from(path, 1);
    if (keyword(&path, "/api/"))
        return parse_standard(path, a, out);
    if (keyword(&path, ACCOUNTS))
        return parse_owned(path, true, a, out);
    if (keyword(&path, "/runtime/webhooks/workflow/scaleUnits/")) {
        rac_str unit = rac_str_cut(path, '/', &path);
        if (unit.n == 0 || path.p == NULL || !keyword(&path, "workflows/"))
            return false;
    } else if (!keyword(&path, WORKFLOWS)) {
        return false;
    }
    return parse_owned(path, false, a, out);
}

/* --- accepting --------------------------------------------------------------------------------- */

static enum rac_sas_verdict refuse(struct rac_wf_fault *fault, int status, const char *code,
                                   rac_str message)
{
    *fault = (struct rac_wf_fault){status, code, message};
    return RAC_SAS_REFUSED;
}

static rac_str raw_query(rac_str query, const char *name)
{
    rac_str rest = query, key, value;
    while (rac_url_query_next(&rest, &key, &value))
        if (rac_str_eqi(key, rac_str_of(name)))
            return value.p != NULL ? value : RAC_S("");
    return RAC_STR_NULL;
}

/* Both keys are tried, whatever the first says. */
static bool signature_is(const struct rac_sas_keys *keys, rac_str workflow_id, rac_str sp,
                         rac_str se, rac_str mac, struct rac_arena *a)
{
    uint8_t one[RAC_SHA256_BYTES], two[RAC_SHA256_BYTES];
    rac_str text = string_to_sign(workflow_id, sp, se, a);
    rac_hmac_sha256(keys->primary, text, one);
    rac_hmac_sha256(keys->secondary, text, two);
    bool first = rac_secret_equal(mac, (rac_str){(const char *)one, sizeof one});
    bool second = rac_secret_equal(mac, (rac_str){(const char *)two, sizeof two});
    return (first && keys->primary.n > 0) | (second && keys->secondary.n > 0);
}

/* sp as the signer wrote it: a plus is a space to most clients and itself to some. */
static bool right(const struct rac_sas_keys *keys, rac_str workflow_id, rac_str query, rac_str sig,
                  struct rac_arena *a, rac_str *sp, rac_str *se)
{
    rac_str raw = raw_query(query, "sp"), raw_se = raw_query(query, "se"), mac;
    rac_str plain = rac_str_replace(a, rac_url_decode(a, sig, false), RAC_S(" "), RAC_S("+"));
    if (raw.p == NULL || !rac_str_eq(rac_url_decode(a, raw_query(query, "sv"), true), VERSION) ||
        !rac_base64_decode(a, plain, &mac))
        return false;
    *se = raw_se.p != NULL ? rac_url_decode(a, raw_se, true) : RAC_STR_NULL;
    *sp = rac_url_decode(a, raw, true);
    if (signature_is(keys, workflow_id, *sp, *se, mac, a))
        return true;
    if (rac_str_find_char(raw, '+') == RAC_STR_NPOS)
        return false;
    *sp = rac_url_decode(a, raw, false);
    return signature_is(keys, workflow_id, *sp, *se, mac, a);
}

/* A trigger's permission holds for each of its versions. */
static bool covers(rac_str sp, const struct rac_callback *c, struct rac_arena *a)
{
    struct rac_callback trigger = {.form = RAC_CALLBACK_TRIGGER, .trigger = c->trigger};
    return rac_str_eqi(sp, rac_callback_scope(c, a)) ||
           (c->form == RAC_CALLBACK_TRIGGER_VERSION &&
            rac_str_eqi(sp, rac_callback_scope(&trigger, a)));
}

/* "You do not have permissions to perform action 'run' on scope '/triggers/manual/paths/invoke'" */
static rac_str denied(const struct rac_callback *c, struct rac_arena *a)
{
    struct rac_buf b;
    rac_str scope = rac_callback_scope(c, a);
    size_t slash = rac_str_rfind_char(scope, '/');
    rac_buf_init(&b, URL_BYTES_MAX);
    rac_buf_printf(&b, "You do not have permissions to perform action '%.*s' on scope '",
                   RAC_FMT(rac_str_from(scope, slash + 1)));
    expand(forms[c->form].path, c, false, &b);
    RAC_BUF_ADD_LIT(&b, "'.");
    rac_str text = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return text;
}

enum rac_sas_verdict rac_sas_accept(const struct rac_sas_keys *keys, const struct rac_callback *c,
                                    rac_str query, rac_str authorization, rac_ms now_ms,
                                    struct rac_arena *a, struct rac_wf_fault *fault)
{
    rac_str sig = raw_query(query, "sig"), sp, se;
    bool bearer = rac_str_startsi(rac_str_trim(authorization), RAC_S("Bearer "));
    rac_ms expires;
    if (sig.p == NULL && bearer)
        return RAC_SAS_TOKEN;
    if (sig.p == NULL)
        return refuse(fault, 401, "DirectApiAuthorizationRequired",
                      RAC_S("The request must be authenticated only by Shared Access scheme."));
    if (bearer)
        return refuse(
            fault, 401, "DirectApiRequestHasMoreThanOneAuthorization",
            RAC_S("The request has SAS authentication scheme, 'Bearer' authorization scheme or "
                  "internal token scheme. Only one scheme should be used."));
    if (query.n > URL_BYTES_MAX || !right(keys, c->workflow_id, query, sig, a, &sp, &se))
        return refuse(fault, 401, "AuthorizationFailed", RAC_S(BAD_MESSAGE));
    if (se.p != NULL && (!rac_time_parse(se, &expires) || expires <= now_ms))
        return refuse(fault, 401, "AuthorizationFailed", RAC_S(BAD_MESSAGE));
    if (!covers(sp, c, a))
        return refuse(fault, 403, "AuthorizationFailed", denied(c, a));
    return RAC_SAS_ACCEPTED;
}
