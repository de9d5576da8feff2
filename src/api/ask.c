#include "api/ask.h"

#include <stdarg.h>

#include "api/service.h"
#include "base/base64.h"
#include "base/str.h"
#include "base/time.h"
#include "openapi/rules.h"
#include "text/url.h"

/* The table, the error words, and the many small things operations say the same way. */

const struct rac_ask_row rac_ask_table[RAC_ASKS_N] = {
#define OP(id, method, path, perm, fn, req, res, status, flags, tag, summary)                      \
    [RAC_ASK_##id] = {#id,    #method, path, RAC_MAY_##perm, rac_ops_##fn, #req, #res,             \
                      status, (flags), tag,  summary},
#include "api/operations.def"
#undef OP
};

static const struct {
    const char *code;
    int http;
} faults[] = {
#define FAULT(id, code, http) [RAC_FAULT_##id] = {code, http},
#include "api/faults.def"
#undef FAULT
};

static const char *fault_code(enum rac_fault f)
{
    return faults[f].code;
}

static int fault_http(enum rac_fault f)
{
    return faults[f].http;
}

rac_str rac_ask_action_name(unsigned action)
{
    return action == RAC_MAY_ANYONE      ? RAC_S("anyone")
           : action == RAC_MAY_SIGNED_IN ? RAC_S("signed-in")
                                         : rac_action_name((enum rac_action)action);
}

rac_str rac_ask_query(const struct rac_ask *q, rac_str name)
{
    for (size_t i = 0; i < q->query_n; i++)
        if (rac_str_eq(q->query[i].name, name))
            return q->query[i].value;
    return RAC_STR_NULL;
}

void rac_ask_put_query(struct rac_ask *q, rac_str name, rac_str value)
{
    struct rac_ask_query *v = RAC_NEW_N(q->a, struct rac_ask_query, q->query_n + 1);
    v[0] = (struct rac_ask_query){.name = name, .value = value, .inside = true};
    if (q->query_n > 0)
        memcpy(v + 1, q->query, q->query_n * sizeof *v);
    q->query = v;
    q->query_n++;
}

static void finish(struct rac_ask *q)
{
    RAC_ASSERT(!q->finished);
    q->finished = true;
    q->done(q->arg, q);
}

void rac_ask_answer(struct rac_ask *q, struct rac_json v)
{
    if (q->status == 0)
        q->status = q->row->status;
    q->out = v;
    finish(q);
}

void rac_ask_answer_bytes(struct rac_ask *q, rac_str bytes, rac_str type, rac_str name)
{
    if (q->status == 0)
        q->status = q->row->status;
    q->out_bytes = bytes.p != NULL ? bytes : RAC_S("");
    q->out_type = type;
    q->out_name = name;
    finish(q);
}

void rac_ask_header(struct rac_ask *q, rac_str name, rac_str value)
{
    rac_headers_add(&q->headers, q->a, name, value);
}

void rac_ask_done(struct rac_ask *q)
{
    if (q->status == 0)
        q->status = 204;
    finish(q);
}

enum { MESSAGE_MAX = 2048 };

RAC_PRINTF(3, 0)
static void fail(struct rac_ask *q, enum rac_fault f, const char *fmt, va_list ap)
{
    q->status = fault_http(f);
    q->error_code = rac_str_of(fault_code(f));
    q->error_message = rac_arena_vprintf_max(q->a, MESSAGE_MAX, fmt, ap);
    if ((f == RAC_FAULT_BUSY || f == RAC_FAULT_RATE) && q->retry_after_s == 0)
        q->retry_after_s = 1;
    finish(q);
}

void rac_ask_fail(struct rac_ask *q, enum rac_fault f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(q, f, fmt, ap);
    va_end(ap);
}

void rac_ask_fail_code(struct rac_ask *q, int status, rac_str code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    q->error_message = rac_arena_vprintf_max(q->a, MESSAGE_MAX, fmt, ap);
    va_end(ap);
    q->status = status;
    q->error_code = code;
    finish(q);
}

void rac_ask_fail_diags(struct rac_ask *q, enum rac_fault f, const struct rac_diags *d,
                        const char *fmt, ...)
{
    q->details = rac_ask_findings(q->a, d);
    va_list ap;
    va_start(ap, fmt);
    fail(q, f, fmt, ap);
    va_end(ap);
}

void rac_ask_fail_status(struct rac_ask *q, int status, rac_str message)
{
    q->status = status;
    q->error_code = RAC_S("Error");
    q->error_message = message;
    finish(q);
}

void rac_ask_fail_err(struct rac_ask *q, rac_err e, const char *what)
{
    struct rac_commit c = {.err = e};
    rac_ask_fail_commit(q, &c, what);
}

static enum rac_fault missing(const char *what)
{
    static const struct {
        const char *what;
        enum rac_fault fault;
    } rows[] = {
        {"connector", RAC_FAULT_CONNECTOR_NOT_FOUND},
        {"connection", RAC_FAULT_CONNECTION_NOT_FOUND},
        {"workflow", RAC_FAULT_WORKFLOW_NOT_FOUND}, /* spec workflows §7.7 */
        {"version", RAC_FAULT_VERSION_NOT_FOUND},
        {"trigger", RAC_FAULT_TRIGGER_NOT_FOUND},
        {"trigger history", RAC_FAULT_HISTORY_NOT_FOUND},
        {"run", RAC_FAULT_RUN_NOT_FOUND},
        {"action", RAC_FAULT_ACTION_NOT_FOUND},
        {"repetition", RAC_FAULT_REPETITION_NOT_FOUND},
        {"request history", RAC_FAULT_REQUEST_NOT_FOUND},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (strcmp(what, rows[i].what) == 0)
            return rows[i].fault;
    return RAC_FAULT_NOT_FOUND;
}

void rac_ask_fail_commit(struct rac_ask *q, const struct rac_commit *c, const char *what)
{
    switch (c->err) {
    case RAC_E_NOT_FOUND:
        rac_ask_fail(q, missing(what), "There is no such %s, or it is not visible to you.", what);
        return;
    case RAC_E_EXISTS:
        rac_ask_fail(q, RAC_FAULT_EXISTS, "A %s of this name exists already.", what);
        return;
    case RAC_E_CONFLICT:
        if (c->error.n > 0) { /* not a tag: what is there does not allow it */
            rac_ask_fail(q, RAC_FAULT_CONFLICT, "%.*s.", RAC_FMT(c->error));
            return;
        }
        rac_ask_fail(q, RAC_FAULT_PRECONDITION,
                     "The %s was changed by someone else meanwhile: its tag is now \"%lld\". Read "
                     "it again and repeat the change.",
                     what, (long long)c->version);
        return;
    case RAC_E_BUSY:
    case RAC_E_CANCELLED:
        rac_ask_fail(q, RAC_FAULT_BUSY, "Too many writes are waiting; try again in a moment.");
        return;
    case RAC_E_FULL:
        rac_ask_fail(q, RAC_FAULT_FULL,
                     "The disk of the server is full; nothing was changed. Free some space.");
        return;
    case RAC_E_LIMIT:
        rac_ask_fail(q, RAC_FAULT_TOO_LARGE, "The request is larger than this server allows.");
        return;
    case RAC_E_INVALID:
    case RAC_E_DENIED:
        rac_ask_fail(q, c->err == RAC_E_DENIED ? RAC_FAULT_DENIED : RAC_FAULT_BAD_VALUE, "%.*s",
                     RAC_FMT(c->error.n ? c->error : rac_str_of(rac_err_text(c->err))));
        return;
    default:
        rac_log(RAC_ERROR, "request.failed", RAC_F_STR("requestId", q->request_id),
                RAC_F_CSTR("operation", q->row->id), RAC_F_CSTR("error", rac_err_name(c->err)),
                RAC_F_STR("message", c->error));
        rac_ask_fail(q, RAC_FAULT_INTERNAL,
                     "The server could not do this (%s). Its log has more under request id %.*s.",
                     rac_err_text(c->err), RAC_FMT(q->request_id));
    }
}

struct rac_actor rac_ask_actor(const struct rac_ask *q)
{
    struct rac_actor x = {.at_ms = rac_env_wall_ms(q->w->env)};
    if (q->who != NULL) {
        x.user = q->who->user;
        x.token = q->who->token_id;
    }
    return x;
}

bool rac_ask_flag(struct rac_ask *q, rac_str name, bool *out)
{
    rac_str v = rac_ask_query(q, name);
    *out = rac_str_eq(v, RAC_S("true"));
    if (v.p == NULL || *out || rac_str_eq(v, RAC_S("false")))
        return true;
    rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "%.*s must be true or false.", RAC_FMT(name));
    return false;
}

bool rac_ask_is_id(rac_str s)
{
    return rac_str_is_uuid(s);
}

bool rac_ask_name(struct rac_ask *q, const char *what, rac_str name)
{
    bool ok = name.n > 0 && !rac_ask_is_id(name);
    for (size_t i = 0; i < name.n; i++)
        ok = ok && (unsigned char)name.p[i] > ' ' && name.p[i] != 0x7f && name.p[i] != '/' &&
             name.p[i] != ':';
    if (!ok)
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "A %s name has no spaces, slashes or colons in it, and is not shaped like an "
                     "id.",
                     what);
    return ok;
}

bool rac_ask_page(struct rac_ask *q, size_t *top, rac_str *after)
{
    rac_str t = rac_ask_query(q, RAC_S("$top")), s = rac_ask_query(q, RAC_S("$skiptoken"));
    uint64_t n = RAC_PAGE_MAX;
    if (t.p != NULL && (!rac_str_to_u64(t, &n) || n == 0)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "$top must be a number from 1 to %d.", RAC_PAGE_MAX);
        return false;
    }
    *top = n > RAC_PAGE_MAX ? RAC_PAGE_MAX : (size_t)n;
    *after = RAC_STR_NULL;
    if (s.p != NULL && !rac_base64_decode(q->a, s, after)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "$skiptoken is not one of ours: follow nextLink as it is.");
        return false;
    }
    return true;
}

void rac_ask_answer_page(struct rac_ask *q, struct rac_json array, rac_str after)
{
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT(q->a, &o, "value", array);
    if (after.p != NULL) {
        struct rac_buf b;
        rac_buf_init(&b, 1 << 16);
        rac_buf_add(&b, q->base_url);
        rac_buf_add(&b, q->url_path);
        rac_buf_add_char(&b, '?');
        for (size_t i = 0; i < q->query_n; i++) {
            if (q->query[i].inside || rac_str_eq(q->query[i].name, RAC_S("$skiptoken")))
                continue;
            rac_buf_add(&b, rac_url_encode(q->a, q->query[i].name));
            rac_buf_add_char(&b, '=');
            rac_buf_add(&b, rac_url_encode(q->a, q->query[i].value));
            rac_buf_add_char(&b, '&');
        }
        RAC_BUF_ADD_LIT(&b, "$skiptoken=");
        rac_buf_add(&b, rac_base64url_encode(q->a, after));
        RAC_JSON_PUT_STR(q->a, &o, "nextLink", rac_buf_take(&b, q->a));
        rac_buf_fini(&b);
    }
    rac_ask_answer(q, o);
}

struct rac_json rac_ask_finding(struct rac_arena *a, const struct rac_diag *d)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "code", rac_str_of(d->code));
    RAC_JSON_PUT_STR(a, &o, "severity", rac_str_of(rac_severity_name(d->severity)));
    rac_json_put_str(a, &o, RAC_S("file"), d->file);
    rac_json_put_str(a, &o, RAC_S("pointer"), d->pointer);
    if (d->line != 0) {
        RAC_JSON_PUT(a, &o, "line", rac_json_of_int(d->line));
        RAC_JSON_PUT(a, &o, "column", rac_json_of_int(d->column));
    }
    RAC_JSON_PUT_STR(a, &o, "message", d->message);
    rac_json_put_str(a, &o, RAC_S("fix"), rac_rule_fix(d));
    return o;
}

struct rac_json rac_ask_findings(struct rac_arena *a, const struct rac_diags *d)
{
    struct rac_json v = rac_json_new_array(a);
    for (size_t i = 0; i < d->n; i++)
        rac_json_add(a, &v, rac_ask_finding(a, &d->v[i]));
    return v;
}

void rac_json_put_time(struct rac_arena *a, struct rac_json *o, rac_str key, rac_ms t)
{
    if (t == 0)
        return;
    char text[RAC_TIME_TEXT];
    size_t n = rac_time_print(t, text);
    rac_json_put(a, o, key, rac_json_of_str(rac_arena_str(a, (rac_str){text, n})));
}

void rac_json_put_str(struct rac_arena *a, struct rac_json *o, rac_str key, rac_str s)
{
    if (s.p != NULL)
        rac_json_put(a, o, key, rac_json_of_str(s));
}

bool rac_ask_expiry(const struct rac_ask *q, rac_str text, rac_ms *out)
{
    rac_ms now = rac_env_wall_ms(q->w->env);
    int64_t span;
    if (rac_time_parse_duration(text, &span) && span > 0) {
        *out = now + span;
        return true;
    }
    return rac_time_parse(text, out) && *out > now;
}
