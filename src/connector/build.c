/*
 * The synchronous half of the pipeline, and the dry run made of it.
 */
#include "base/base64.h"
#include "base/str.h"
#include "base/utf8.h"
#include "connector/call_priv.h"
#include "connector/text_priv.h"

enum rac_call_code rac_prepare_resolve(struct rac_prepare *p, struct rac_call_error *e)
{
    const struct rac_call_req *q = p->req;
    p->raw = q->operation_id.p == NULL;
    if (p->raw) {
        if (!rac_route_find(q->connector->route, q->method, q->path, &p->match))
            return rac_call_fail(e, p->a, RAC_CALL_OPERATION_NOT_FOUND, NULL, RAC_STR_NULL,
                                 "no operation of %.*s answers %.*s %.*s",
                                 RAC_FMT(q->connector->title), RAC_FMT(q->method),
                                 RAC_FMT(q->path));
        p->op = p->match.op;
        return RAC_CALL_NONE;
    }
    p->op = rac_connector_operation(q->connector, q->operation_id);
    if (p->op != NULL)
        return RAC_CALL_NONE;
    rac_str near = rac_connector_near_operation(q->connector, q->operation_id);
    return rac_call_fail(e, p->a, RAC_CALL_OPERATION_NOT_FOUND, NULL, RAC_STR_NULL,
                         "there is no operation \"%.*s\"%s%.*s%s", RAC_FMT(q->operation_id),
                         near.p ? "; did you mean \"" : "", near.p ? (int)near.n : 0,
                         near.p ? near.p : "", near.p ? "\"?" : "");
}

enum rac_call_code rac_prepare_bind(struct rac_prepare *p, const struct rac_json *body_json,
                                    struct rac_call_error *e)
{
    const struct rac_call_req *q = p->req;
    rac_request_init(&p->request, p->a);
    p->run = (struct rac_policy_run){.a = p->a,
                                     .connector = q->connector,
                                     .op = p->op,
                                     .connection = q->connection,
                                     .request = &p->request,
                                     .bound = &p->bound,
                                     .mask = q->mask_secrets,
                                     .lenient = q->lenient_connection,
                                     .runtime_url = q->runtime_url};
    if (p->raw)
        return rac_bind_raw(q->connector, &p->match, q, body_json, &p->request, &p->bound, e);
    enum rac_call_code code = rac_bind(q->connector, p->op, q, &p->request, &p->bound, e);
    if (code == RAC_CALL_NONE && q->extra_query != NULL)
        RAC_JSON_EACH_MEMBER(m, q->extra_query)
        {
            rac_request_set_query(&p->request, rac_json_key(m), rac_value_text(p->a, &m->value), 0);
        }
    return code;
}

enum rac_call_code rac_call_code_of(rac_str word)
{
    for (int i = 1; i <= RAC_CALL_SCRIPT_TIMEOUT; i++)
        if (rac_str_eq(rac_str_of(rac_call_code_word((enum rac_call_code)i)), word))
            return (enum rac_call_code)i;
    return RAC_CALL_CONNECTION_UNAUTHENTICATED;
}

enum rac_call_code rac_prepare_credentials(struct rac_prepare *p, struct rac_request *r,
                                           struct rac_call_error *e)
{
    struct rac_credentials credentials = {0};
    struct rac_auth_error why = {0};
    rac_err err = rac_auth_apply(&p->op->auth, p->req->connection, p->a, &credentials, &why);
    if (err != RAC_OK) {
        enum rac_call_code code = rac_call_code_of(why.code);
        rac_call_fail(e, p->a, code, why.detail.n > 0 ? rac_arena_cstr(p->a, why.detail) : NULL,
                      RAC_STR_NULL, "%.*s", RAC_FMT(why.message));
        if (why.http_status != 0)
            e->http_status = why.http_status;
        return code;
    }
    for (size_t i = 0; i < credentials.n; i++) {
        const struct rac_credential *c = &credentials.v[i];
        rac_str value = p->req->mask_secrets ? c->masked : c->value;
        if (c->in_query)
            rac_request_set_query(r, c->name, value, RAC_REQUEST_SECRET);
        else
            rac_request_set_header(r, c->name, value, RAC_REQUEST_SECRET);
    }
    p->token = credentials.token;
    return RAC_CALL_NONE;
}

/* Pairs of the request that is followed: read by policies, not sent again. */
static void arguments_mark(struct rac_request_pairs *p)
{
    for (size_t i = 0; i < p->n; i++)
        p->v[i].flags |= RAC_REQUEST_ARGUMENT;
}

static void arguments_drop(struct rac_request_pairs *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++)
        if (!(p->v[i].flags & RAC_REQUEST_ARGUMENT))
            p->v[kept++] = p->v[i];
    p->n = kept;
}

enum rac_call_code rac_prepare_follow(struct rac_prepare *p, struct rac_call_error *e)
{
    const struct rac_call_req *q = p->req;
    struct rac_call_error unasked = {0};
    if (rac_prepare_bind(p, NULL, &unasked) != RAC_CALL_NONE) { /* its arguments are gone */
        rac_request_init(&p->request, p->a);
        p->request.scheme = q->connector->scheme;
        p->request.host = q->connector->host;
        p->bound.path_values = RAC_NEW_N(p->a, rac_str, p->op->plan->params_n);
    }
    p->run.follow = true;
    arguments_mark(&p->request.headers);
    arguments_mark(&p->request.query);
    enum rac_call_code code = rac_prepare_credentials(p, &p->request, e);
    const struct rac_policy *side = NULL;
    while (code == RAC_CALL_NONE) {
        code = rac_policies_request(&p->run, &side, e);
        if (side == NULL)
            break;
    }
    arguments_drop(&p->request.headers);
    arguments_drop(&p->request.query);
    p->request.body.kind = RAC_BODY_NONE;
    return code;
}

enum rac_call_code rac_prepare_address(const struct rac_prepare *p, struct rac_call_error *e)
{
    static const rac_str call = RAC_S_INIT("@environmentVariables(");
    const struct rac_request *r = &p->request;
    rac_str at = rac_str_startsi(r->host, call)        ? r->host
                 : rac_str_startsi(r->base_path, call) ? r->base_path
                                                       : RAC_STR_NULL;
    if (at.p == NULL && r->base_path.n > 0 && rac_str_startsi(rac_str_from(r->base_path, 1), call))
        at = rac_str_from(r->base_path, 1);
    if (at.p == NULL)
        return RAC_CALL_NONE;
    return rac_call_fail(e, p->a, RAC_CALL_BACKEND_UNREACHABLE, NULL, RAC_STR_NULL,
                         "the address is made of %.*s, which has no value: set it in the file of "
                         "connector.variables_file, or as RACCORD_VARIABLE_<name>, and start again",
                         RAC_FMT(rac_str_sub(at, 0, 200)));
}

void rac_prepare_finish(struct rac_prepare *p)
{
    struct rac_request *r = &p->request;
    if (r->body.kind != RAC_BODY_NONE && r->body.content_type.n > 0) {
        struct rac_request_pair *type = rac_request_header(r, RAC_S("content-type"));
        if (type == NULL)
            rac_request_add_header(r, RAC_S("Content-Type"), r->body.content_type, 0);
        else if (r->body.kind == RAC_BODY_MULTIPART)
            type->value = r->body.content_type; /* only we know the boundary */
    }
    if (rac_request_header(r, RAC_S("user-agent")) == NULL)
        rac_request_add_header(r, RAC_S("User-Agent"), p->user_agent, 0);
    rac_request_set_header(r, RAC_S("x-ms-client-request-id"), p->client_request_id, 0);
}

rac_str rac_prepare_request_id(const struct rac_env *env, rac_str given, struct rac_arena *a)
{
    if (given.p != NULL)
        return given;
    char uuid[37];
    rac_env_uuid(env, uuid);
    return rac_arena_str(a, rac_str_of(uuid));
}

enum rac_call_code rac_call_build(const struct rac_call_req *req, const struct rac_env *env,
                                  struct rac_arena *a, struct rac_request *out,
                                  struct rac_call_error *error, struct rac_diags *notes)
{
    struct rac_prepare p = {.a = a, .req = req, .env = env};
    p.user_agent = RAC_S("Raccord/" RAC_VERSION);
    p.client_request_id = rac_prepare_request_id(env, req->client_request_id, a);
    enum rac_call_code code = rac_prepare_resolve(&p, error);
    if (code == RAC_CALL_NONE)
        code = rac_prepare_bind(&p, NULL, error);
    p.run.notes = notes;
    if (code == RAC_CALL_NONE)
        code = rac_prepare_credentials(&p, &p.request, error);
    const struct rac_policy *side = NULL;
    while (code == RAC_CALL_NONE) {
        code = rac_policies_request(&p.run, &side, error);
        if (code != RAC_CALL_NONE || side == NULL)
            break;
        rac_diags_addf(
            notes, "RC-POL-00", RAC_SEV_INFO,
            "policy %u \"%.*s\": nothing is fetched in a dry run, so the parameter stays "
            "as it is",
            side->index, RAC_FMT(side->title));
    }
    if (code == RAC_CALL_NONE)
        code = rac_prepare_address(&p, error);
    if (code != RAC_CALL_NONE)
        return code;
    rac_prepare_finish(&p);
    *out = p.request;
    return rac_arena_over(a) ? rac_call_fail(error, a, RAC_CALL_INVALID_INPUT, NULL, RAC_STR_NULL,
                                             "the request is larger than the limit")
                             : RAC_CALL_NONE;
}

/* --- the dry-run form ------------------------------------------------------------------------- */

static struct rac_json envelope(rac_str type, rac_str bytes, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &v, "$content-type", type.p ? type : RAC_S("application/octet-stream"));
    RAC_JSON_PUT_STR(a, &v, "$content", rac_base64_encode(a, bytes));
    return v;
}

static struct rac_json part_json(const struct rac_request_part *p, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a), headers = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &v, "name", p->name);
    if (p->filename.p != NULL)
        RAC_JSON_PUT_STR(a, &v, "filename", p->filename);
    RAC_JSON_PUT_STR(a, &headers, "Content-Disposition",
                     p->filename.p != NULL
                         ? rac_arena_printf(a, "form-data; name=\"%.*s\"; filename=\"%.*s\"",
                                            RAC_FMT(p->name), RAC_FMT(p->filename))
                         : rac_arena_printf(a, "form-data; name=\"%.*s\"", RAC_FMT(p->name)));
    if (p->content_type.p != NULL)
        RAC_JSON_PUT_STR(a, &headers, "Content-Type", p->content_type);
    RAC_JSON_PUT(a, &v, "headers", headers);
    bool text = rac_utf8_check(p->body) == p->body.n &&
                memchr(p->body.p ? p->body.p : "", 0, p->body.n) == NULL;
    RAC_JSON_PUT(a, &v, "body",
                 text ? rac_json_of_str(p->body) : envelope(p->content_type, p->body, a));
    return v;
}

static struct rac_json body_json(const struct rac_request *r, struct rac_arena *a)
{
    const struct rac_request_body *b = &r->body;
    static const unsigned char zeros[16];
    rac_str type;
    switch (b->kind) {
    case RAC_BODY_JSON:
        return b->json;
    case RAC_BODY_FORM:
        return rac_json_of_str(rac_body_bytes(r, zeros, &type));
    case RAC_BODY_MULTIPART: {
        struct rac_json v = rac_json_new_object(a), parts = rac_json_new_array(a);
        RAC_JSON_PUT_STR(a, &v, "$content-type", b->content_type);
        for (size_t i = 0; i < b->parts_n; i++)
            rac_json_add(a, &parts, part_json(&b->parts[i], a));
        RAC_JSON_PUT(a, &v, "$multipart", parts);
        return v;
    }
    default:
        return rac_utf8_check(b->bytes) == b->bytes.n && b->kind != RAC_BODY_BYTES
                   ? rac_json_of_str(b->bytes)
                   : envelope(b->content_type, b->bytes, a);
    }
}

struct rac_json rac_request_json(const struct rac_request *r, bool masked, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a), headers = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &v, "method", r->method);
    RAC_JSON_PUT_STR(a, &v, "url", rac_request_url(r, masked));
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct rac_request_pair *h = &r->headers.v[i];
        rac_str value = h->value;
        if (masked && (h->flags & RAC_REQUEST_SECRET) &&
            rac_str_find(value, RAC_S("***")) == RAC_STR_NPOS)
            value = RAC_S("***");
        struct rac_json *old = rac_json_geti(&headers, h->name);
        if (old != NULL)
            *old = rac_json_of_str(rac_arena_printf(
                a, "%.*s, %.*s", RAC_FMT(rac_json_str(old, RAC_S(""))), RAC_FMT(value)));
        else
            rac_json_put(a, &headers, h->name, rac_json_of_str(value));
    }
    RAC_JSON_PUT(a, &v, "headers", headers);
    if (r->body.kind != RAC_BODY_NONE)
        RAC_JSON_PUT(a, &v, "body", body_json(r, a));
    return v;
}
