/* variables - see the header. A sorted table would be faster and is not needed: lookups happen when
 * something is compiled. */
#include "connector/variables.h"

#include "base/secret.h"
#include "openapi/read.h"

enum { VARIABLES_MAX = 10000, VALUE_BYTES_MAX = 64 << 10 };

struct variable {
    rac_str name, value;
    bool secret;
};

/* Process lifetime: written at start, before other threads. */
static struct {
    struct variable *v;
    size_t n;
} table;

static struct variable *find(struct variable *v, size_t n, rac_str name)
{
    for (size_t i = 0; i < n; i++)
        if (rac_str_eq(v[i].name, name))
            return &v[i];
    for (size_t i = 0; i < n; i++)
        if (rac_str_eqi(v[i].name, name))
            return &v[i];
    return NULL;
}

rac_str rac_variable(rac_str name, bool secret_place)
{
    const struct variable *x = find(table.v, table.n, name);
    return x == NULL || (x->secret && !secret_place) ? RAC_STR_NULL : x->value;
}

void rac_variables_clear(void)
{
    table.v = NULL;
    table.n = 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool is_text(const struct rac_json *v)
{
    return rac_json_is_string(v) || rac_json_is_number(v) || rac_json_is_bool(v);
}

static rac_str text_of(const struct rac_json *v, struct rac_arena *a)
{
    return rac_json_is_string(v) ? rac_json_str(v, RAC_S("")) : rac_json_print_str(v, 0, a);
}

/* What a value of the file says; NULL: nothing wrong with it. */
static const char *read_value(const struct rac_json *v, struct rac_arena *a, struct variable *out)
{
    const struct rac_json *value = rac_json_is_object(v) ? RAC_JSON_GET(v, "value") : v;
    const struct rac_json *secret = RAC_JSON_GET(v, "secret");
    if (!is_text(value))
        return "a value is a text, or {\"value\": text, \"secret\": true or false}";
    if (secret != NULL && !rac_json_is_bool(secret))
        return "\"secret\" is true or false";
    out->secret = rac_json_bool(secret, false);
    out->value = rac_arena_str(a, text_of(value, a));
    if (out->value.n > VALUE_BYTES_MAX)
        return "the value is longer than 64 KiB";
    if (out->secret)
        rac_secret_wipe_with(a, out->value);
    return NULL;
}

static rac_err read_file(rac_str text, rac_str file, struct rac_arena *a, struct variable *v,
                         size_t *n, struct rac_diags *d)
{
    struct rac_document *doc;
    rac_err e = rac_document_read_settings(text, file, a, &doc, d);
    if (e != RAC_OK)
        return e;
    if (!rac_json_is_object(&doc->root)) {
        rac_document_fault(doc, &doc->root, RAC_RULE_CONF_04, d,
                           RAC_S("the file holds no object of names and values"));
        return RAC_E_INVALID;
    }
    RAC_JSON_EACH_MEMBER(m, &doc->root)
    {
        struct variable x = {.name = rac_arena_str(a, rac_json_key(m))};
        const char *wrong = *n == VARIABLES_MAX ? "there are more than 10,000 variables"
                                                : read_value(&m->value, a, &x);
        if (wrong != NULL) {
            rac_document_fault(doc, &m->value, RAC_RULE_CONF_04, d,
                               rac_arena_printf(a, "%.*s: %s", RAC_FMT(x.name), wrong));
            e = RAC_E_INVALID;
        } else {
            v[(*n)++] = x;
        }
    }
    return e;
}

static void read_environment(char **environment, struct rac_arena *a, struct variable *v, size_t *n)
{
    static const rac_str prefix = RAC_S_INIT("RACCORD_VARIABLE_");
    for (char **e = environment; e != NULL && *e != NULL; e++) {
        rac_str value, name = rac_str_cut(rac_str_of(*e), '=', &value);
        if (!rac_str_starts(name, prefix) || name.n == prefix.n || value.p == NULL)
            continue;
        name = rac_str_from(name, prefix.n);
        struct variable *x = find(v, *n, name);
        if (x == NULL && *n < VARIABLES_MAX) {
            x = &v[(*n)++];
            x->name = rac_arena_str(a, name);
        }
        if (x != NULL)
            x->value = rac_arena_str(a, value);
    }
}

static size_t environment_len(char **environment)
{
    size_t n = 0;
    while (environment != NULL && environment[n] != NULL)
        n++;
    return n;
}

rac_err rac_variables_read(rac_str text, rac_str file, char **environment, struct rac_arena *a,
                           struct rac_diags *d)
{
    size_t n = 0, most = environment_len(environment);
    rac_err e = RAC_OK;
    for (size_t i = 0; i < text.n; i++) /* a member needs a colon */
        most += text.p[i] == ':';
    struct variable *v =
        RAC_NEW_N(a, struct variable, most < VARIABLES_MAX ? most + 1 : VARIABLES_MAX + 1);
    if (text.p != NULL)
        e = read_file(text, file, a, v, &n, d);
    if (e != RAC_OK)
        return e;
    read_environment(environment, a, v, &n);
    table.v = v;
    table.n = n;
    return RAC_OK;
}

/* --- expanding -------------------------------------------------------------------------------- */

/* Length of `@environmentVariables("name")` at the start of s, its name in *name; 0: not there. */
static size_t call_at(rac_str s, rac_str *name)
{
    static const rac_str function = RAC_S_INIT("@environmentVariables(");
    if (!rac_str_startsi(s, function))
        return 0;
    rac_str inner = rac_str_from(s, function.n);
    size_t close = rac_str_find_char(inner, ')');
    if (close == RAC_STR_NPOS)
        return 0;
    rac_str quoted = rac_str_trim(rac_str_sub(inner, 0, close));
    if (quoted.n < 3 || (quoted.p[0] != '"' && quoted.p[0] != '\'') ||
        quoted.p[quoted.n - 1] != quoted.p[0])
        return 0;
    *name = rac_str_sub(quoted, 1, quoted.n - 2);
    return function.n + close + 1;
}

rac_str rac_variables_expand(rac_str text, bool secret_place, struct rac_arena *a, rac_str *missing)
{
    if (rac_str_findi(text, RAC_S("@environmentVariables(")) == RAC_STR_NPOS)
        return text;
    struct rac_buf b;
    rac_buf_init(&b, (size_t)16 << 20);
    b.secret = secret_place || a->secret;
    for (size_t i = 0; i < text.n;) {
        rac_str name, value = RAC_STR_NULL;
        size_t n = text.p[i] == '@' ? call_at(rac_str_from(text, i), &name) : 0;
        if (n > 0) {
            value = rac_variable(name, secret_place);
            if (value.p == NULL && missing != NULL && missing->p == NULL)
                *missing = name;
        }
        rac_buf_add(&b, value.p != NULL ? value : rac_str_sub(text, i, n > 0 ? n : 1));
        i += n > 0 ? n : 1;
    }
    rac_str out = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    if (secret_place)
        rac_secret_wipe_with(a, out);
    return out;
}
