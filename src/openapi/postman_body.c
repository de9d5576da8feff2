/* Parameters, bodies and answers of Postman requests (connectors.md §2.3.4 to §2.3.6). */
#include "openapi/infer.h"
#include "openapi/postman_priv.h"

enum {
    PM_RAW_BYTES_MAX = 16 << 20,
    PM_DEFAULT_BYTES_MAX = 4096,
    PM_SAMPLES_MAX = 64,
    VARIABLE_BYTES_MAX = 512, /* of "{{name}}" in a body */
};

/* --- parameters ------------------------------------------------------------------------------ */

static bool is_integer(rac_str s)
{
    rac_str d = rac_str_starts(s, RAC_S("-")) ? rac_str_from(s, 1) : s;
    int64_t n;
    return d.n > 0 && d.n <= 15 && (d.p[0] != '0' || d.n == 1) && rac_str_to_i64(s, &n);
}

/* The value to keep as default, or absent; *type is refined when the value is one variable. */
static struct rac_json default_of(struct pm *p, struct pm_request *r, const struct pm_entry *e,
                                  const char **type)
{
    rac_str name;
    bool variable = pm_is_variable(e->value, &name), secret = rac_name_looks_secret(e->key);
    rac_str value = pm_substitute(p, r, e->value);
    if (variable) {
        bool hidden;
        pm_variable(p, r, name, &hidden);
        secret = secret || hidden;
    }
    if (secret && value.n > 0)
        pm_vault_add(p, value);
    if (value.n == 0 || secret || value.n > PM_DEFAULT_BYTES_MAX || pm_userinfo(value).n > 0 ||
        rac_str_find(value, RAC_S("{{")) != RAC_STR_NPOS || pm_is_secret(p, value))
        return rac_json_none;
    int64_t n;
    if (variable && is_integer(value) && rac_str_to_i64(value, &n)) {
        *type = "integer";
        return rac_json_of_int(n);
    }
    if (variable && (rac_str_eq(value, RAC_S("true")) || rac_str_eq(value, RAC_S("false")))) {
        *type = "boolean";
        return rac_json_of_bool(value.n == 4);
    }
    return rac_json_of_str(value);
}

struct rac_json pm_parameter(struct pm *p, struct pm_request *r, const struct pm_entry *e,
                             const char *in)
{
    struct rac_arena *a = p->a;
    struct rac_json o = rac_json_new_object(a);
    const char *type = e->file ? "file" : "string";
    struct rac_json def = e->file ? rac_json_none : default_of(p, r, e, &type);
    RAC_JSON_PUT_STR(a, &o, "name", e->key);
    RAC_JSON_PUT_STR(a, &o, "in", rac_str_of(in));
    if (e->description.n > 0)
        RAC_JSON_PUT_STR(a, &o, "description", e->description);
    RAC_JSON_PUT(a, &o, "required", rac_json_of_bool(false));
    RAC_JSON_PUT_STR(a, &o, "type", rac_str_of(type));
    if (def.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &o, "default", def);
    if (e->disabled)
        RAC_JSON_PUT_STR(a, &o, "x-ms-visibility", RAC_S("advanced"));
    return o;
}

rac_str pm_param_key(struct pm *p, rac_str in, rac_str name)
{
    rac_str key = rac_arena_printf(p->a, "%.*s %.*s", RAC_FMT(in), RAC_FMT(name));
    return rac_str_eq(in, RAC_S("header")) ? rac_str_lower(p->a, key) : key;
}

/* A second entry of a query key or form field: the parameter is a list (§2.3.4). */
static void make_multi(struct rac_arena *a, struct rac_json *old, const struct rac_json *more)
{
    bool array = rac_str_eq(rac_json_str(RAC_JSON_GET(old, "type"), RAC_S("")), RAC_S("array"));
    struct rac_json defaults = rac_json_new_array(a);
    const struct rac_json *d = RAC_JSON_GET(old, "default");
    if (array && d != NULL)
        defaults = *d;
    else if (d != NULL)
        rac_json_add(a, &defaults,
                     rac_json_of_str(rac_json_is_string(d) ? rac_json_str(d, RAC_S(""))
                                                           : rac_json_print_str(d, 0, a)));
    const struct rac_json *m = RAC_JSON_GET(more, "default");
    if (m != NULL)
        rac_json_add(a, &defaults,
                     rac_json_of_str(rac_json_is_string(m) ? rac_json_str(m, RAC_S(""))
                                                           : rac_json_print_str(m, 0, a)));
    RAC_JSON_PUT_STR(a, old, "type", RAC_S("array"));
    struct rac_json items = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &items, "type", RAC_S("string"));
    RAC_JSON_PUT(a, old, "items", items);
    RAC_JSON_PUT_STR(a, old, "collectionFormat", RAC_S("multi"));
    if (rac_json_len(&defaults) > 0)
        RAC_JSON_PUT(a, old, "default", defaults);
    rac_str own = rac_json_str(RAC_JSON_GET(old, "description"), RAC_S(""));
    rac_str other = rac_json_str(RAC_JSON_GET(more, "description"), RAC_S(""));
    if (own.n == 0)
        rac_json_copy_string(a, old, more, RAC_S("description"));
    else if (other.n > 0 && rac_str_find(own, other) == RAC_STR_NPOS)
        RAC_JSON_PUT_STR(a, old, "description",
                         rac_arena_printf(a, "%.*s; %.*s", RAC_FMT(own), RAC_FMT(other)));
    if (RAC_JSON_GET(more, "x-ms-visibility") == NULL)
        rac_json_del(old, RAC_S("x-ms-visibility"));
}

void pm_parameter_add(struct pm *p, struct pm_request *r, struct rac_json *params,
                      struct rac_map *seen, const struct pm_entry *e, const char *in)
{
    rac_str key = pm_param_key(p, rac_str_of(in), e->key);
    uintptr_t at = (uintptr_t)rac_map_get(seen, key);
    struct rac_json *old = at > 0 ? rac_json_at(params, at - 1) : NULL;
    if (old == NULL && rac_json_len(params) >= PM_PARAMETERS_MAX) {
        rac_once_note(p->c, &p->once[PM_ONCE_PARAMETERS], RAC_RULE_PM_19, r->at);
        return;
    }
    struct rac_json o = pm_parameter(p, r, e, in);
    if (old == NULL) {
        rac_json_add(p->a, params, o);
        rac_map_put(seen, key, (void *)(uintptr_t)rac_json_len(params));
    } else if (!rac_str_eq(rac_str_of(in), RAC_S("header")) && !e->file &&
               !rac_str_eq(rac_json_str(RAC_JSON_GET(old, "type"), RAC_S("")), RAC_S("file"))) {
        make_multi(p->a, old, &o);
    } else {
        rac_once_note(p->c, &p->once[PM_ONCE_TWICE], RAC_RULE_PM_19, r->at);
    }
}

/* --- media types ------------------------------------------------------------------------------ */

/* "Application/JSON; charset=utf-8" to "application/json"; absent when it is no media type. */
static rac_str media_type(struct pm *p, rac_str value)
{
    size_t semi = rac_str_find_char(value, ';');
    rac_str s = rac_str_trim(semi == RAC_STR_NPOS ? value : rac_str_sub(value, 0, semi));
    size_t slash = rac_str_find_char(s, '/');
    if (slash == RAC_STR_NPOS || slash == 0 || slash + 1 == s.n)
        return RAC_STR_NULL;
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && memchr("/.+-_!#$&^", s.p[i], 10) == NULL)
            return RAC_STR_NULL;
    return rac_str_lower(p->a, s);
}

static rac_str header_type(struct pm *p, struct pm_request *r, const char *name)
{
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct pm_entry *e = &r->headers.v[i];
        if (!e->disabled && rac_str_eqi(e->key, rac_str_of(name)) &&
            rac_str_find_char(e->value, ',') == RAC_STR_NPOS)
            return media_type(p, pm_substitute(p, r, e->value));
    }
    return RAC_STR_NULL;
}

static bool is_json_type(rac_str type)
{
    return rac_str_eq(type, RAC_S("application/json")) || rac_str_eq(type, RAC_S("text/json")) ||
           rac_str_ends(type, RAC_S("+json"));
}

static void put_types(struct pm *p, struct rac_json *op, rac_str key, rac_str type)
{
    struct rac_json list = rac_json_new_array(p->a);
    rac_json_add(p->a, &list, rac_json_of_str(type));
    rac_json_put(p->a, op, key, list);
}

static rac_str language_type(rac_str language)
{
    static const struct {
        rac_str language, type;
    } rows[] = {
        {RAC_S_INIT("json"), RAC_S_INIT("application/json")},
        {RAC_S_INIT("xml"), RAC_S_INIT("application/xml")},
        {RAC_S_INIT("html"), RAC_S_INIT("text/html")},
        {RAC_S_INIT("javascript"), RAC_S_INIT("application/javascript")},
        {RAC_S_INIT("text"), RAC_S_INIT("text/plain")},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rac_str_eqi(language, rows[i].language))
            return rows[i].type;
    return RAC_STR_NULL;
}

/* --- JSON bodies with variables in them ---------------------------------------------------- */

static void add_escaped(struct pm *p, struct rac_buf *b, rac_str value)
{
    struct rac_json v = rac_json_of_str(value);
    rac_str printed = rac_json_print_str(&v, 0, p->a);
    rac_buf_add(b, rac_str_sub(printed, 1, printed.n - 2));
}

static bool is_number_part(char ch)
{
    return rac_is_digit(ch) || ch == '.' || ch == '-';
}

/* A variable outside quotes: its value, or null, or 0 where it is part of a number. */
static void add_unquoted(struct pm *p, struct pm_request *r, struct rac_buf *b, rac_str whole,
                         char next, bool with_values)
{
    rac_str value = with_values ? pm_substitute(p, r, whole) : whole;
    bool in_number = (b->n > 0 && is_number_part(b->p[b->n - 1])) || is_number_part(next);
    if (rac_str_find(value, RAC_S("{{")) != RAC_STR_NPOS)
        value = in_number ? RAC_S("0") : RAC_S("null");
    rac_buf_add(b, value);
}

static rac_str fill_variables(struct pm *p, struct pm_request *r, rac_str raw, bool with_values)
{
    struct rac_buf b;
    rac_buf_init(&b, PM_RAW_BYTES_MAX);
    bool quoted = false;
    size_t last = rac_str_rfind_char(raw, '}'); /* behind it nothing is a variable */
    for (size_t i = 0; i < raw.n; i++) {
        char ch = raw.p[i];
        if (ch == '{' && i + 1 < raw.n && raw.p[i + 1] == '{' && last != RAC_STR_NPOS && i < last) {
            size_t len = rac_str_find(rac_str_sub(raw, i, VARIABLE_BYTES_MAX), RAC_S("}}"));
            rac_str name, whole = rac_str_sub(raw, i, len == RAC_STR_NPOS ? 0 : len + 2);
            if (pm_is_variable(whole, &name) && name.n < 256 &&
                rac_str_find_char(name, '"') == RAC_STR_NPOS) {
                char next = i + whole.n < raw.n ? raw.p[i + whole.n] : ' ';
                if (quoted)
                    add_escaped(p, &b, pm_substitute(p, r, whole));
                else
                    add_unquoted(p, r, &b, whole, next, with_values);
                i += whole.n - 1;
                continue;
            }
        }
        if (quoted && ch == '\\' && i + 1 < raw.n) {
            rac_buf_add_char(&b, ch);
            ch = raw.p[++i];
        } else if (ch == '"') {
            quoted = !quoted;
        }
        rac_buf_add_char(&b, ch);
    }
    return rac_buf_finish(&b, p->a);
}

static bool parse_sample(struct pm *p, struct pm_request *r, rac_str raw, struct rac_json *out)
{
    struct rac_json_error error;
    for (int with_values = 1; with_values >= 0; with_values--) {
        rac_str text = fill_variables(p, r, raw, with_values != 0);
        if (rac_json_parse_lenient(text, p->a, out, NULL, &error) == RAC_OK)
            return true;
        if (rac_str_find(raw, RAC_S("{{")) == RAC_STR_NPOS)
            break;
    }
    return false;
}

/* Infers, and tells what the inference could not see at the place of the text. */
static struct rac_json infer(struct pm *p, const struct rac_json *sample,
                             const struct rac_place *at)
{
    struct rac_diags found;
    rac_diags_init(&found, p->a, 64);
    struct rac_json schema = rac_json_none;
    if (rac_infer_schema(sample, p->a, &schema, &found) != RAC_OK)
        return rac_json_new_object(p->a);
    for (size_t i = 0; i < found.n; i++)
        rac_loss(p->c,
                 rac_str_eq(rac_str_of(found.v[i].code), RAC_S("RC-INF-01")) ? RAC_RULE_INF_01
                                                                             : RAC_RULE_INF_02,
                 at, "%.*s", RAC_FMT(found.v[i].message));
    return schema;
}

static struct rac_json schema_of_type(struct pm *p, const char *type, const char *format)
{
    struct rac_json o = rac_json_new_object(p->a);
    RAC_JSON_PUT_STR(p->a, &o, "type", rac_str_of(type));
    if (format != NULL)
        RAC_JSON_PUT_STR(p->a, &o, "format", rac_str_of(format));
    return o;
}

static void add_body(struct pm *p, struct rac_json *params, struct rac_json schema)
{
    struct rac_json o = rac_json_new_object(p->a);
    RAC_JSON_PUT_STR(p->a, &o, "name", RAC_S("body"));
    RAC_JSON_PUT_STR(p->a, &o, "in", RAC_S("body"));
    RAC_JSON_PUT(p->a, &o, "required", rac_json_of_bool(true));
    RAC_JSON_PUT(p->a, &o, "schema", schema);
    rac_json_add(p->a, params, o);
}

static void raw_body(struct pm *p, struct pm_request *r, const struct rac_place *at,
                     struct rac_json *op, struct rac_json *params)
{
    rac_str declared = header_type(p, r, "content-type");
    if (declared.n == 0)
        declared = language_type(r->language);
    struct rac_json sample = rac_json_none;
    bool parsed = parse_sample(p, r, r->raw, &sample);
    bool container = rac_json_is_object(&sample) || rac_json_is_array(&sample);
    bool plain = declared.n == 0 || rac_str_eq(declared, RAC_S("text/plain")) ||
                 rac_str_eq(declared, RAC_S("application/x-www-form-urlencoded"));
    if (is_json_type(declared) || (plain && parsed && container)) {
        put_types(p, op, RAC_S("consumes"),
                  is_json_type(declared) ? declared : RAC_S("application/json"));
        if (!parsed)
            rac_loss(p->c, RAC_RULE_PM_16, at,
                     "the body says it is JSON and is not; any value is accepted");
        if (parsed) {
            r->samples = rac_json_new_array(p->a);
            rac_json_add(p->a, &r->samples, sample);
        }
        add_body(p, params, parsed ? infer(p, &sample, at) : rac_json_new_object(p->a));
        return;
    }
    bool form = rac_str_eq(declared, RAC_S("application/x-www-form-urlencoded")) ||
                rac_str_starts(declared, RAC_S("multipart/"));
    put_types(p, op, RAC_S("consumes"), declared.n > 0 && !form ? declared : RAC_S("text/plain"));
    if (form)
        put_types(p, op, RAC_S("consumes"), declared);
    add_body(p, params, schema_of_type(p, "string", NULL));
}

bool pm_body_join(struct pm *p, struct pm_request *first, const struct pm_request *r,
                  struct rac_json *params)
{
    if (rac_json_len(&first->samples) == 0 || rac_json_len(&r->samples) == 0)
        return false;
    if (rac_json_len(&first->samples) >= PM_SAMPLES_MAX) /* it has been learnt by now */
        return true;
    RAC_JSON_EACH(e, &r->samples)
    {
        rac_json_add(p->a, &first->samples, *e);
    }
    struct rac_json list = rac_json_none; /* an array's schema: its items are the merged ones */
    if (rac_infer_schema(&first->samples, p->a, &list, NULL) != RAC_OK)
        return false;
    RAC_JSON_EACH(e, params)
    {
        const struct rac_json *items = RAC_JSON_GET(&list, "items");
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(e, "in"), RAC_S("")), RAC_S("body")) &&
            items != NULL)
            RAC_JSON_PUT(p->a, e, "schema", *items);
    }
    return true;
}

static void graphql_body(struct pm *p, struct pm_request *r, const struct rac_place *at,
                         struct rac_json *op, struct rac_json *params)
{
    struct rac_arena *a = p->a;
    put_types(p, op, RAC_S("consumes"), RAC_S("application/json"));
    struct rac_json query = schema_of_type(p, "string", NULL);
    RAC_JSON_PUT_STR(a, &query, "title", RAC_S("query"));
    RAC_JSON_PUT_STR(a, &query, "description", RAC_S("The GraphQL document"));
    rac_str text = pm_substitute(p, r, r->gql_query);
    if (text.n > 0 && !pm_is_secret(p, text))
        RAC_JSON_PUT_STR(a, &query, "default", text);
    struct rac_json vars = schema_of_type(p, "object", NULL);
    RAC_JSON_PUT_STR(a, &vars, "title", RAC_S("variables"));
    RAC_JSON_PUT_STR(a, &vars, "description", RAC_S("The variables of the GraphQL document"));
    struct rac_json sample = rac_json_none;
    if (r->gql_variables.n > 0 && parse_sample(p, r, r->gql_variables, &sample) &&
        rac_json_is_object(&sample)) {
        struct rac_json schema = infer(p, &sample, at);
        const struct rac_json *props = RAC_JSON_GET(&schema, "properties");
        if (props != NULL)
            RAC_JSON_PUT(a, &vars, "properties", *props);
        if (!pm_is_secret(p, r->gql_variables) &&
            rac_str_find(r->gql_variables, RAC_S("{{")) == RAC_STR_NPOS) {
            bool secret = false;
            RAC_JSON_EACH_MEMBER(m, &sample)
            {
                secret = secret || rac_name_looks_secret(rac_json_key(m));
            }
            if (!secret)
                RAC_JSON_PUT(a, &vars, "default", sample);
        }
    }
    struct rac_json props = rac_json_new_object(a);
    RAC_JSON_PUT(a, &props, "query", query);
    RAC_JSON_PUT(a, &props, "variables", vars);
    struct rac_json schema = schema_of_type(p, "object", NULL);
    RAC_JSON_PUT(a, &schema, "properties", props);
    add_body(p, params, schema);
    rac_loss(p->c, RAC_RULE_PM_06, at,
             "the GraphQL request became a JSON body with query and variables");
}

static void form_body(struct pm *p, struct pm_request *r, struct rac_json *op,
                      struct rac_json *params, struct rac_map *seen)
{
    if (r->fields.n == 0)
        return;
    put_types(p, op, RAC_S("consumes"),
              r->mode == PM_FORMDATA ? RAC_S("multipart/form-data")
                                     : RAC_S("application/x-www-form-urlencoded"));
    for (size_t i = 0; i < r->fields.n; i++)
        pm_parameter_add(p, r, params, seen, &r->fields.v[i], "formData");
}

void pm_body(struct pm *p, struct pm_request *r, struct rac_json *op, struct rac_json *params,
             struct rac_map *seen)
{
    bool empty = r->mode == PM_NONE || (r->mode == PM_RAW && rac_str_trim(r->raw).n == 0) ||
                 ((r->mode == PM_FORMDATA || r->mode == PM_URLENCODED) && r->fields.n == 0) ||
                 (r->mode == PM_GRAPHQL && r->gql_query.n == 0);
    if (empty)
        return;
    struct rac_place at = RAC_PLACE_KEY(r->at, "body", RAC_JSON_GET(r->at->node, "body"));
    const struct rac_place *here = at.node != NULL ? &at : r->at;
    if (rac_str_eq(r->method, RAC_S("GET")) || rac_str_eq(r->method, RAC_S("HEAD"))) {
        rac_loss(p->c, RAC_RULE_PM_05, here,
                 "the body of '%.*s' was dropped: %.*s requests have none", RAC_FMT(r->name),
                 RAC_FMT(r->method));
        return;
    }
    switch (r->mode) {
    case PM_RAW:
        raw_body(p, r, here, op, params);
        break;
    case PM_GRAPHQL:
        graphql_body(p, r, here, op, params);
        break;
    case PM_FILE: {
        rac_str declared = header_type(p, r, "content-type");
        put_types(p, op, RAC_S("consumes"),
                  declared.n > 0 ? declared : RAC_S("application/octet-stream"));
        add_body(p, params, schema_of_type(p, "string", "binary"));
        break;
    }
    default:
        form_body(p, r, op, params, seen);
        break;
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

void pm_responses(struct pm *p, struct pm_request *r, struct rac_json *op)
{
    struct rac_arena *a = p->a;
    struct rac_json one = rac_json_new_object(a);
    rac_str accept = header_type(p, r, "accept");
    rac_str produced = media_type(p, r->response_type);
    int64_t code = 200;
    if (r->response == NULL) {
        RAC_JSON_PUT_STR(a, &one, "description", RAC_S("OK"));
        rac_loss(p->c, RAC_RULE_PM_07, r->at,
                 "'%.*s' has no saved response; its outputs are unknown", RAC_FMT(r->name));
    } else {
        code = r->response_code;
        RAC_JSON_PUT_STR(a, &one, "description",
                         r->response_text.n > 0 ? r->response_text : RAC_S("OK"));
        struct rac_place at = rac_place_key(r->at, RAC_STR_NULL, r->response);
        at.up = r->at->up != NULL ? r->at->up : r->at;
        at.key = RAC_S("response");
        rac_str body = rac_str_trim(r->response_body);
        struct rac_json sample = rac_json_none;
        struct rac_json_error error;
        bool typed_text = produced.n > 0 && !is_json_type(produced) &&
                          !rac_str_starts(produced, RAC_S("text/")) &&
                          !rac_str_ends(produced, RAC_S("javascript"));
        if (body.n > 0 && !typed_text &&
            (rac_json_parse(body, a, 0, &sample, &error) == RAC_OK ||
             (is_json_type(produced) && parse_sample(p, r, body, &sample)))) {
            RAC_JSON_PUT(a, &one, "schema", infer(p, &sample, &at));
            if (!is_json_type(produced))
                produced = RAC_S("application/json");
        } else if (body.n > 0) {
            RAC_JSON_PUT(a, &one, "schema", schema_of_type(p, "string", NULL));
        } else {
            produced = RAC_STR_NULL;
        }
    }
    rac_str type =
        accept.n > 0 && rac_str_find_char(accept, '*') == RAC_STR_NPOS ? accept : produced;
    if (type.n > 0)
        put_types(p, op, RAC_S("produces"), type);
    struct rac_json all = rac_json_new_object(a);
    rac_json_put(a, &all, rac_arena_printf(a, "%d", (int)code), one);
    RAC_JSON_PUT(a, op, "responses", all);
}
