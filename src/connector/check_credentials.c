/*
 * SEC-03: what a connection asks for is what calls need, and no file holds a secret. Binding goes
 * by convention (connectors.md §4.2), so a scheme is fed when some parameter could feed it.
 */
#include "base/str.h"
#include "connector/check_priv.h"
#include "openapi/check.h"

enum { KEY_BYTES_MIN = 20, SECRETS_MAX = 64 };

struct asked {
    size_t strings, secrets, oauth;
    size_t looked_for; /* secrets searched in the whole file */
};

static void count_param(struct package_check *c RAC_UNUSED, rac_str name,
                        const struct rac_json *param, rac_str pointer RAC_UNUSED, void *arg)
{
    struct asked *n = arg;
    rac_str type = rac_json_str(RAC_JSON_GET(param, "type"), RAC_S(""));
    if (rac_str_find_char(name, ':') != RAC_STR_NPOS)
        return; /* companions feed templates */
    if (rac_str_eqi(type, RAC_S("securestring")))
        n->secrets++;
    else if (rac_str_eqi(type, RAC_S("oauthSetting")))
        n->oauth++;
    else if (rac_str_eqi(type, RAC_S("string")))
        n->strings++;
}

static bool is_required_scheme(const struct package_check *c, rac_str name)
{
    const struct rac_json *security = RAC_JSON_GET(c->api->root, "security");
    if (rac_json_len(security) == 0)
        return rac_json_len(c->api->security_definitions) == 1;
    RAC_JSON_EACH(requirement, security)
    if (rac_json_get(requirement, name) != NULL)
        return true;
    return false;
}

static void check_scheme(struct package_check *c, const struct rac_json_member *m,
                         const struct asked *n)
{
    rac_str type = rac_json_str(RAC_JSON_GET(&m->value, "type"), RAC_S(""));
    rac_str name = rac_json_key(m);
    const char *lacks = NULL;
    if (rac_str_eq(type, RAC_S("basic")) && n->secrets + n->strings < 2)
        lacks = "a user name and a password";
    else if (rac_str_eq(type, RAC_S("apiKey")) && n->secrets + n->strings == 0)
        lacks = "a key";
    else if (rac_str_eq(type, RAC_S("oauth2")) && n->oauth == 0)
        lacks = "an oauthSetting";
    if (lacks != NULL)
        FOUND_DEFINITION(c, SEC_03, BY_TABLE,
                         rac_json_pointer_join(c->a, RAC_S("/securityDefinitions"), name),
                         "scheme \"%.*s\" needs %s, but no connection parameter collects it",
                         RAC_FMT(name), lacks);
}

static bool has_scheme(const struct package_check *c, rac_str type)
{
    RAC_JSON_EACH_MEMBER(m, c->api->security_definitions)
    if (rac_str_eq(rac_json_str(RAC_JSON_GET(&m->value, "type"), RAC_S("")), type))
        return true;
    return false;
}

/* True when the name stands anywhere in a policy or an OAuth template. */
static bool is_read(const struct rac_json *v, rac_str name, rac_str braced, int depth)
{
    if (depth > 64)
        return false;
    if (rac_json_is_string(v)) {
        rac_str s = rac_json_str(v, RAC_S(""));
        return rac_str_find(s, name) != RAC_STR_NPOS || rac_str_findi(s, braced) != RAC_STR_NPOS;
    }
    RAC_JSON_EACH_MEMBER(m, v)
    if (is_read(&m->value, name, braced, depth + 1))
        return true;
    RAC_JSON_EACH(e, v)
    if (is_read(e, name, braced, depth + 1))
        return true;
    return false;
}

static void check_fed(struct package_check *c, rac_str name, const struct rac_json *param,
                      rac_str pointer, void *arg)
{
    struct asked *n = arg;
    rac_str type = rac_json_str(RAC_JSON_GET(param, "type"), RAC_S(""));
    if (rac_str_eqi(type, RAC_S("oauthSetting"))) {
        if (!has_scheme(c, RAC_S("oauth2")))
            FOUND(c, SEC_03, BY_TABLE, pointer,
                  "the token of \"%.*s\" feeds no oauth2 scheme of the definition", RAC_FMT(name));
        return;
    }
    bool scripted = rac_package_bytes(c->package, RAC_PACKAGE_SCRIPT).p != NULL ||
                    RAC_JSON_GET(c->props, "scriptOperations") != NULL ||
                    RAC_JSON_GET(c->props, "script") != NULL;
    if (!rac_str_eqi(type, RAC_S("securestring")) || scripted ||
        rac_str_find_char(name, ':') != RAC_STR_NPOS || n->looked_for++ >= SECRETS_MAX)
        return;
    rac_str quoted = rac_arena_printf(c->a, "'%.*s'", RAC_FMT(name));
    rac_str braced = rac_arena_printf(c->a, "{%.*s}", RAC_FMT(name));
    bool fed = has_scheme(c, RAC_S("apiKey")) ||
               (has_scheme(c, RAC_S("basic")) && n->secrets > 0) ||
               is_read(RAC_JSON_GET(c->props, "policyTemplateInstances"), quoted, braced, 0) ||
               is_read(RAC_JSON_GET(c->props, "connectionParameters"), quoted, braced, 0) ||
               is_read(RAC_JSON_GET(c->props, "connectionParameterSets"), quoted, braced, 0);
    if (!fed)
        FOUND(c, SEC_03, BY_TABLE, pointer,
              "the secret \"%.*s\" is collected, but no scheme or policy uses it", RAC_FMT(name));
}

/* --- secrets in the file -------------------------------------------------------------------- */

static bool is_filler(rac_str v)
{
    static const char *const marks[] = {"[[",    "<",           "{",      "YOUR", "xxx",
                                        "dummy", "placeholder", "secret", "@",    "..."};
    if (v.n < 8)
        return true;
    for (size_t i = 0; i < RAC_COUNT(marks); i++)
        if (rac_str_findi(v, rac_str_of(marks[i])) != RAC_STR_NPOS)
            return true;
    for (size_t i = 1; i < v.n; i++)
        if (v.p[i] != v.p[0])
            return false;
    return true;
}

static void check_client_secret(struct package_check *c, rac_str name RAC_UNUSED,
                                const struct rac_json *param, rac_str pointer, void *arg RAC_UNUSED)
{
    const struct rac_json_member *m =
        rac_json_member(rac_json_geti(param, RAC_S("oAuthSettings")), RAC_S("clientSecret"));
    if (m != NULL && rac_json_is_string(&m->value) &&
        !is_filler(rac_json_str(&m->value, RAC_S(""))))
        FOUND(c, SEC_03, BY_TABLE,
              rac_package_join(c, rac_package_join(c, pointer, "oAuthSettings"), "clientSecret"),
              "the client secret stands in the file; anyone with the file can read it");
    rac_str type = rac_json_str(RAC_JSON_GET(param, "type"), RAC_S(""));
    rac_str value = rac_json_str(RAC_JSON_GET(param, "defaultValue"), RAC_S(""));
    if (rac_str_eqi(type, RAC_S("securestring")) && !is_filler(value))
        FOUND(c, SEC_03, BY_TABLE, rac_package_join(c, pointer, "defaultValue"),
              "the default of a secret stands in the file; anyone with the file can read it");
}

static void check_policy_secrets(struct package_check *c)
{
    size_t i = 0;
    RAC_JSON_EACH(policy, RAC_JSON_GET(c->props, "policyTemplateInstances"))
    {
        const struct rac_json *params = RAC_JSON_GET(policy, "parameters");
        rac_str name =
            rac_json_str(RAC_JSON_GET(params, "x-ms-apimTemplateParameter.name"), RAC_S(""));
        rac_str value =
            rac_json_str(RAC_JSON_GET(params, "x-ms-apimTemplateParameter.value"), RAC_S(""));
        if (rac_str_find(value, RAC_S("@")) == RAC_STR_NPOS && rac_api_looks_secret(name, value))
            FOUND(c, SEC_03, BY_TABLE,
                  rac_arena_printf(c->a,
                                   "/properties/policyTemplateInstances/%zu/parameters/"
                                   "x-ms-apimTemplateParameter.value",
                                   i),
                  "the value of %.*s looks like a secret; collect it in a connection parameter",
                  RAC_FMT(name));
        i++;
    }
}

/* Texts that come along: only what its form alone gives away is a secret there. */
static void check_text_secrets(struct package_check *c, enum rac_package_role role)
{
    rac_str text = rac_package_bytes(c->package, role);
    for (size_t i = 0; i < text.n;) {
        size_t start = i;
        while (i < text.n && (rac_is_alnum(text.p[i]) || memchr("_-.+/=", text.p[i], 6) != NULL))
            i++;
        if (i - start >= KEY_BYTES_MIN &&
            rac_api_looks_secret(RAC_S(""), rac_str_sub(text, start, i - start))) {
            FOUND_FILE(c, SEC_03, BY_TABLE, rac_package_name(c->package, role),
                       "the file holds what looks like a key, beginning with %.4s", text.p + start);
            return;
        }
        i += i == start;
    }
}

void rac_package_check_credentials(struct package_check *c)
{
    struct asked n = {0};
    if (c->props == NULL)
        return;
    rac_package_each_param(c, count_param, &n);
    RAC_JSON_EACH_MEMBER(m, c->api->security_definitions)
    if (is_required_scheme(c, rac_json_key(m)))
        check_scheme(c, m, &n);
    rac_package_each_param(c, check_fed, &n);
    rac_package_each_param(c, check_client_secret, NULL);
    check_policy_secrets(c);
    check_text_secrets(c, RAC_PACKAGE_SCRIPT);
    check_text_secrets(c, RAC_PACKAGE_README);
    check_text_secrets(c, RAC_PACKAGE_INTRO);
}
