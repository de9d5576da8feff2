#include "workflow/outside/inbound.h"

#include "base/utf8.h"
#include "text/url.h"
#include "workflow/definition/content.h"
#include "workflow/definition/options.h"
#include "workflow/definition/schema_text.h"

enum { SEGMENTS_MAX = 64, FOUND_MAX = 20 };

struct rac_inbound {
    rac_str name, type;
    rac_str method;   /* the only one; absent: any */
    rac_str relative; /* template without its first slash; absent: none */
    rac_str options;
    const struct rac_json *schema_json;
    struct rac_schema *schema; /* NULL: not judged, or schema_broken */
    bool schema_broken;
    bool keep_authorization;
};

static bool refuse(struct rac_wf_fault *fault, int status, const char *code, rac_str message)
{
    *fault = (struct rac_wf_fault){status, code, message};
    return false;
}

/* --- compiling --------------------------------------------------------------------------------- */

bool rac_inbound_has_option(const struct rac_inbound *t, rac_str word)
{
    return rac_options_have(t->options, word);
}

/* Flow's own kinds are always judged; elsewhere the trigger has to ask for it. */
static bool judged(enum rac_profile_kind profile, rac_str kind, rac_str options)
{
    if (rac_options_have(options, RAC_S("EnableSchemaValidation")))
        return true;
    return profile == RAC_WF_FLOW &&
           (kind.n == 0 || rac_str_eqi(kind, RAC_S("Http")) || rac_str_eqi(kind, RAC_S("Button")) ||
            rac_str_eqi(kind, RAC_S("PowerApp")));
}

static rac_err compile_schema(struct rac_inbound *t, rac_str pointer, struct rac_arena *a,
                              struct rac_diags *d)
{
    struct rac_schema_options o = rac_schema_of_workflow(t->schema_json);
    size_t before = d != NULL ? d->n : 0;
    rac_err e = rac_schema_compile(t->schema_json, RAC_S(""), &o, a, &t->schema, d);
    for (size_t i = before; d != NULL && i < d->n; i++)
        d->v[i].pointer = rac_str_concat(d->a, pointer, d->v[i].pointer);
    t->schema_broken = e != RAC_OK;
    return e == RAC_OK ? RAC_OK : RAC_E_INVALID;
}

static bool is_request(rac_str type)
{
    return rac_str_eqi(type, RAC_S("Request")) || rac_str_eqi(type, RAC_S("Manual"));
}

rac_err rac_inbound_compile(enum rac_profile_kind profile, rac_str name,
                            const struct rac_json *trigger, rac_str pointer, struct rac_arena *a,
                            struct rac_inbound **out, struct rac_diags *d)
{
    const struct rac_json *inputs = rac_json_geti(trigger, RAC_S("inputs"));
    struct rac_inbound *t = RAC_NEW(a, struct rac_inbound);
    t->name = name;
    t->type = rac_json_str(rac_json_geti(trigger, RAC_S("type")), RAC_S("Request"));
    t->options = rac_options_of(trigger);
    t->keep_authorization =
        rac_options_have(t->options, RAC_S("IncludeAuthorizationHeadersInOutputs"));
    t->schema_json = rac_json_geti(inputs, RAC_S("schema"));
    if (is_request(t->type)) {
        rac_str method = rac_json_str(rac_json_geti(inputs, RAC_S("method")), RAC_STR_NULL);
        t->method = method.n > 0                 ? method
                    : profile == RAC_WF_STANDARD ? RAC_STR_NULL
                                                 : RAC_S("POST");
        t->relative = rac_json_str(rac_json_geti(inputs, RAC_S("relativePath")), RAC_STR_NULL);
        if (rac_str_starts(t->relative, RAC_S("/")))
            t->relative = rac_str_from(t->relative, 1);
        if (t->relative.n == 0)
            t->relative = RAC_STR_NULL;
    }
    *out = t;
    rac_str kind = rac_json_str(rac_json_geti(trigger, RAC_S("kind")), RAC_S(""));
    if (!rac_json_is_object(t->schema_json) || rac_json_len(t->schema_json) == 0 ||
        !judged(profile, kind, t->options))
        return RAC_OK;
    struct rac_arena *where = d != NULL ? d->a : a;
    return compile_schema(t, rac_str_concat(where, pointer, RAC_S("/inputs/schema")), a, d);
}

rac_str rac_inbound_method(const struct rac_inbound *t)
{
    return t->method;
}

rac_str rac_inbound_relative(const struct rac_inbound *t)
{
    return t->relative;
}

const struct rac_json *rac_inbound_schema(const struct rac_inbound *t)
{
    return t->schema_json;
}

/* --- reading ----------------------------------------------------------------------------------- */

static bool is_parameter(rac_str segment)
{
    return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

/* Segment by segment; what {p} stands for goes into *found. */
static bool relative_match(rac_str template, rac_str path, struct rac_arena *a,
                           struct rac_json *found)
{
    if (path.n == 0)
        path = RAC_STR_NULL;
    for (int i = 0; i < SEGMENTS_MAX && template.p != NULL && path.p != NULL; i++) {
        rac_str want = rac_str_cut(template, '/', &template), got = rac_str_cut(path, '/', &path);
        rac_str text = rac_utf8_mend(a, rac_url_decode(a, got, false));
        if (!is_parameter(want)) {
            if (!rac_str_eq(want, text) && !rac_str_eq(want, got))
                return false;
            continue;
        }
        if (text.n == 0)
            return false;
        rac_json_put(a, found, rac_str_sub(want, 1, want.n - 2), rac_json_of_str(text));
    }
    return template.p == NULL && path.p == NULL;
}

static bool is_ours(rac_str name)
{
    static const rac_str names[] = {RAC_S_INIT("api-version"), RAC_S_INIT("sp"),
                                    RAC_S_INIT("sv"),          RAC_S_INIT("se"),
                                    RAC_S_INIT("sig"),         RAC_S_INIT("code")};
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (rac_str_eqi(name, names[i]))
            return true;
    return false;
}

static struct rac_json queries_of(rac_str query, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    rac_str rest = query, name, value;
    while (rac_url_query_next(&rest, &name, &value) && !rac_arena_over(a)) {
        rac_str key = rac_utf8_mend(a, rac_url_decode(a, name, true));
        rac_str text = rac_utf8_mend(a, rac_url_decode(a, value, true));
        if (key.n == 0 || is_ours(key))
            continue;
        struct rac_json *there = rac_json_get(&v, key);
        if (there == NULL)
            rac_json_put(a, &v, key, rac_json_of_str(text));
        else
            *there = rac_json_of_str(rac_arena_printf(
                a, "%.*s,%.*s", RAC_FMT(rac_json_str(there, RAC_S(""))), RAC_FMT(text)));
    }
    return v;
}

/* §2.2: the body, or null when there is none, against the trigger's schema. */
bool rac_inbound_check_body(const struct rac_inbound *t, const struct rac_json *body,
                            struct rac_arena *a, struct rac_wf_fault *fault)
{
    struct rac_json null = rac_json_of_null();
    const struct rac_json *v = body->type == RAC_JSON_NONE ? &null : body;
    rac_str details = RAC_S("The schema of the trigger is not valid.");
    struct rac_diags found;
    rac_diags_init(&found, a, FOUND_MAX);
    if (!t->schema_broken) {
        rac_err e = t->schema != NULL ? rac_schema_check(t->schema, v, &found) : RAC_OK;
        if (e == RAC_OK)
            return true;
        details = found.n > 0 ? rac_schema_text(&found, 0, v, a)
                              : RAC_S("The body is too large to be checked.");
    }
    return refuse(fault, 400, "TriggerInputSchemaMismatch",
                  rac_arena_printf(a,
                                   "The input body for trigger '%.*s' of type '%.*s' did not match "
                                   "its schema definition. Error details: '%.*s'.",
                                   RAC_FMT(t->name), RAC_FMT(t->type), RAC_FMT(details)));
}

static bool body_of(const struct rac_inbound *t, const struct rac_inbound_request *r,
                    struct rac_arena *a, struct rac_json *body, struct rac_wf_fault *fault)
{
    rac_str why;
    rac_err e = rac_content_read(rac_headers_get(r->headers, RAC_S("Content-Type")), r->body, a,
                                 body, &why);
    if (e == RAC_E_SYNTAX)
        return refuse(fault, 400, "InvalidRequestContent",
                      rac_arena_printf(a,
                                       "The request content was invalid and could not be "
                                       "deserialized: '%.*s'.",
                                       RAC_FMT(why)));
    if (e != RAC_OK)
        return refuse(fault, 413, "RequestEntityTooLarge",
                      RAC_S("The request content is too large, or nested too deep."));
    return rac_inbound_check_body(t, body, a, fault);
}

static struct rac_json headers_of(const struct rac_inbound *t, const struct rac_headers *h,
                                  struct rac_arena *a)
{
    struct rac_json v = rac_content_headers(h, a);
    for (size_t i = rac_json_len(&v); i-- > 0 && !t->keep_authorization;) {
        rac_str name = rac_json_key(rac_json_member_at(&v, i));
        if (rac_str_eqi(name, RAC_S("Authorization")))
            (void)rac_json_del(&v, name);
    }
    return v;
}

bool rac_inbound_read(const struct rac_inbound *t, const struct rac_inbound_request *r,
                      struct rac_arena *a, struct rac_json *outputs, struct rac_wf_fault *fault)
{
    struct rac_json path = rac_json_new_object(a), out = rac_json_new_object(a), body;
    if (t->method.n > 0 && !rac_str_eqi(t->method, r->method))
        return refuse(fault, 400, "TriggerRequestMethodNotValid",
                      rac_arena_printf(a,
                                       "The HTTP method for trigger '%.*s' is not valid: expected "
                                       "'%.*s' and actual '%.*s'.",
                                       RAC_FMT(t->name), RAC_FMT(rac_str_upper(a, t->method)),
                                       RAC_FMT(r->method)));
    if (!relative_match(t->relative, r->relative, a, &path))
        return refuse(fault, 404, "TriggerRelativePathMismatch",
                      rac_arena_printf(a,
                                       "The path of the request does not match the relative path "
                                       "'%.*s' of trigger '%.*s'.",
                                       RAC_FMT(t->relative), RAC_FMT(t->name)));
    if (!body_of(t, r, a, &body, fault))
        return false;
    struct rac_json queries = queries_of(r->query, a);
    RAC_JSON_PUT(a, &out, "headers", headers_of(t, r->headers, a));
    if (rac_json_len(&queries) > 0)
        RAC_JSON_PUT(a, &out, "queries", queries);
    if (rac_json_len(&path) > 0)
        RAC_JSON_PUT(a, &out, "relativePathParameters", path);
    if (body.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &out, "body", body);
    if (rac_arena_over(a))
        return refuse(fault, 413, "RequestEntityTooLarge", RAC_S("The request is too large."));
    *outputs = out;
    return true;
}

/* --- around it --------------------------------------------------------------------------------- */

bool rac_inbound_check_version(rac_str query, struct rac_wf_fault *fault)
{
    static const char shape[] = "dddd-dd-dd";
    rac_str rest = query, name, value;
    while (rac_url_query_next(&rest, &name, &value)) {
        if (!rac_str_eqi(name, RAC_S("api-version")))
            continue;
        bool date = value.n >= sizeof shape - 1;
        for (size_t i = 0; date && i < sizeof shape - 1; i++)
            date = shape[i] == 'd' ? rac_is_digit(value.p[i]) : value.p[i] == shape[i];
        return date || refuse(fault, 400, "InvalidApiVersionParameter",
                              RAC_S("The api-version query parameter must be a date, such as "
                                    "2016-10-01."));
    }
    return refuse(fault, 400, "MissingApiVersionParameter",
                  RAC_S("The api-version query parameter (?api-version=) is required for all "
                        "requests."));
}

bool rac_inbound_check_size(size_t url_bytes, uint64_t body_bytes, struct rac_wf_fault *fault)
{
    if (url_bytes > RAC_INBOUND_URL_MAX)
        return refuse(fault, 414, "RequestUriTooLong",
                      RAC_S("The URL of the request has more than 16384 characters."));
    if (body_bytes > RAC_INBOUND_BYTES_MAX)
        return refuse(fault, 413, "RequestEntityTooLarge",
                      RAC_S("The request content has more than 104857600 bytes."));
    return true;
}

void rac_inbound_disabled(rac_str workflow, rac_str trigger, rac_str state, struct rac_arena *a,
                          struct rac_wf_fault *fault)
{
    refuse(fault, 400, "WorkflowTriggerIsNotEnabled",
           rac_arena_printf(a,
                            "Could not execute workflow '%.*s' trigger '%.*s' with state '%.*s': "
                            "trigger is not enabled.",
                            RAC_FMT(workflow), RAC_FMT(trigger), RAC_FMT(state)));
}
