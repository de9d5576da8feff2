/*
 * Binding. The named form walks the parameters in document order, so query keys and form fields
 * come out in that order; the raw form passes on what arrived and only adds what is required.
 */
#include "connector/bind.h"

#include "base/str.h"
#include "connector/notification.h"
#include "connector/shape.h"
#include "connector/text_priv.h"

struct bind {
    const struct rac_connector *c;
    const struct rac_op *op;
    const struct rac_op_plan *plan;
    struct rac_request *r;
    struct rac_arena *a;
    const struct rac_json **given;     /* by parameter; NULL: not given */
    const struct rac_json **file_name; /* by parameter: its companion */
    struct rac_json deep;              /* body put together from "body/a/b" arguments */
    struct rac_bound *bound;
    struct rac_call_error *e;
};

static rac_str pointer_of(const struct bind *b, const struct rac_param_plan *p)
{
    return rac_json_pointer_join(b->a, RAC_S(""), p->name);
}

/* --- arguments to parameters ------------------------------------------------------------------ */

static rac_str near_param(const struct bind *b, rac_str name)
{
    rac_str best = RAC_STR_NULL;
    unsigned best_distance = (unsigned)(name.n / 3 + 1);
    for (uint32_t i = 0; i < b->plan->params_n; i++) {
        rac_str candidate = b->plan->params[i].name;
        unsigned d = rac_str_eqi(candidate, name) ? 0 : rac_str_distance(candidate, name);
        if (d <= best_distance && (best.p == NULL || d < best_distance)) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

/* "body/ship/name" sets one property of the body (workflows.md §6.5). */
static bool argument_deep(struct bind *b, rac_str name, const struct rac_json *v)
{
    if (b->plan->body < 0)
        return false;
    rac_str body = b->plan->params[b->plan->body].name, rest;
    size_t slash = rac_str_find_char(name, '/');
    if (slash == RAC_STR_NPOS)
        return false;
    rac_str head = rac_str_sub(name, 0, slash);
    if (!rac_str_eqi(head, body) && !rac_str_eq(head, RAC_S("body")))
        return false;
    rest = rac_str_from(name, slash);
    if (b->deep.type == RAC_JSON_NONE) {
        const struct rac_json *whole = b->given[b->plan->body];
        b->deep =
            rac_json_is_object(whole) ? rac_json_copy(b->a, whole) : rac_json_new_object(b->a);
    }
    /* a copy: what is put below it later must not end up in the caller's value */
    return rac_json_pointer_put(b->a, &b->deep, rest, rac_json_copy(b->a, v));
}

static enum rac_call_code argument_unknown(struct bind *b, rac_str name)
{
    rac_str hint = near_param(b, name);
    return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, NULL,
                         rac_json_pointer_join(b->a, RAC_S(""), name),
                         "operation %.*s has no parameter \"%.*s\"%s%.*s%s", RAC_FMT(b->op->id),
                         RAC_FMT(name), hint.p ? "; did you mean \"" : "", hint.p ? (int)hint.n : 0,
                         hint.p ? hint.p : "", hint.p ? "\"?" : "");
}

/* "query.id": a parameter by its place, where a name alone would mean several. */
static bool argument_placed(struct bind *b, rac_str name, const struct rac_json *v)
{
    enum rac_param_in in;
    size_t dot = rac_str_find_char(name, '.');
    if (dot == RAC_STR_NPOS || !rac_param_in_parse(rac_str_sub(name, 0, dot), &in))
        return false;
    for (uint32_t i = 0; i < b->plan->params_n; i++)
        if (b->plan->params[i].in == in &&
            rac_str_eq(b->plan->params[i].name, rac_str_from(name, dot + 1))) {
            b->given[i] = v;
            return true;
        }
    return false;
}

static enum rac_call_code argument_take(struct bind *b, rac_str name, const struct rac_json *v)
{
    bool found = false;
    for (uint32_t i = 0; i < b->plan->params_n; i++) {
        const struct rac_param_plan *p = &b->plan->params[i];
        if (rac_str_eq(p->name, name)) {
            b->given[i] = v;
            found = true;
        } else if (p->file_name.p != NULL && rac_str_eq(p->file_name, name)) {
            b->file_name[i] = v;
            found = true;
        }
    }
    if (!found && b->plan->body >= 0 && rac_str_eq(name, RAC_S("body"))) {
        b->given[b->plan->body] = v; /* whatever the body parameter is called */
        found = true;
    }
    return found || argument_placed(b, name, v) || argument_deep(b, name, v)
               ? RAC_CALL_NONE
               : argument_unknown(b, name);
}

static enum rac_call_code arguments_take(struct bind *b, const struct rac_json *args)
{
    b->given = RAC_NEW_N(b->a, const struct rac_json *, b->plan->params_n);
    b->file_name = RAC_NEW_N(b->a, const struct rac_json *, b->plan->params_n);
    if (args == NULL || args->type == RAC_JSON_NULL)
        return RAC_CALL_NONE;
    if (!rac_json_is_object(args))
        return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, NULL, RAC_S(""),
                             "parameters must be an object of names and values");
    for (int pass = 0; pass < 2; pass++) /* whole bodies before parts of them */
        RAC_JSON_EACH_MEMBER(m, args)
        {
            rac_str name = rac_json_key(m);
            bool deep = rac_str_find_char(name, '/') != RAC_STR_NPOS;
            if (deep != (pass == 1))
                continue;
            enum rac_call_code code = argument_take(b, name, &m->value);
            if (code != RAC_CALL_NONE)
                return code;
        }
    if (b->deep.type != RAC_JSON_NONE)
        b->given[b->plan->body] = &b->deep;
    return RAC_CALL_NONE;
}

/* The callback URL, into the argument that takes it. */
static void notification_take(struct bind *b, const struct rac_call_req *q)
{
    const struct rac_notification_place *at = b->plan->notification;
    if (at == NULL || q->notification_url.n == 0)
        return;
    struct rac_json *v = RAC_NEW(b->a, struct rac_json);
    if (b->given[at->param] != NULL)
        *v = rac_json_copy(b->a, b->given[at->param]);
    rac_notification_put(at, v, q->notification_url, b->a);
    b->given[at->param] = v;
}

/* --- one parameter ---------------------------------------------------------------------------- */

static bool envelope_like(const struct rac_json *v)
{
    return rac_json_is_string(RAC_JSON_GET(v, "$content")) ||
           rac_json_is_string(RAC_JSON_GET(v, "contentBytes")) ||
           rac_json_is_array(RAC_JSON_GET(v, "$multipart"));
}

/* Is the name declared in another place, too? One argument then serves both. */
static bool is_namesake(const struct bind *b, uint32_t i)
{
    for (uint32_t k = 0; k < b->plan->params_n; k++)
        if (k != i && rac_str_eq(b->plan->params[k].name, b->plan->params[i].name))
            return true;
    return false;
}

/* The value to send, fitted; NONE type: nothing is sent. */
static enum rac_call_code param_value(struct bind *b, uint32_t i, struct rac_json *out)
{
    const struct rac_param_plan *p = &b->plan->params[i];
    const struct rac_json *v = b->given[i];
    *out = (struct rac_json){0};
    if (v == NULL || v->type == RAC_JSON_NULL) {
        if (!p->required)
            return RAC_CALL_NONE;
        if (p->shape->has_fallback) {
            *out = p->shape->fallback;
            return RAC_CALL_NONE;
        }
        if (p->in == RAC_IN_BODY && p->shape->makes) {
            *out = rac_shape_make(p->shape, b->a);
            return RAC_CALL_NONE;
        }
        if (p->refused)
            return RAC_CALL_NONE;
        return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, "RC-RUN-01", pointer_of(b, p),
                             "parameter \"%.*s\" is required%s", RAC_FMT(p->name),
                             p->visibility == RAC_VISIBILITY_INTERNAL
                                 ? ", internal, and has no default in the definition"
                                 : "");
    }
    if ((p->in == RAC_IN_BODY || p->in == RAC_IN_FORM) && envelope_like(v)) {
        *out = *v;
        return RAC_CALL_NONE;
    }
    rac_str below;
    const char *want;
    if (rac_shape_fit(p->shape, v, b->a, out, &below, &want))
        return RAC_CALL_NONE;
    if (!p->required && is_namesake(b, i)) { /* it was meant for the other place of this name */
        *out = (struct rac_json){0};
        return RAC_CALL_NONE;
    }
    return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, NULL,
                         rac_str_concat(b->a, pointer_of(b, p), below),
                         "parameter \"%.*s\"%s%.*s must be %s", RAC_FMT(p->name),
                         below.n > 0 ? " at " : "", RAC_FMT(below), want);
}

static char separator_of(enum rac_collection c)
{
    return c == RAC_COLLECTION_SSV     ? ' '
           : c == RAC_COLLECTION_TSV   ? '\t'
           : c == RAC_COLLECTION_PIPES ? '|'
                                       : ',';
}

static rac_str array_text(struct bind *b, const struct rac_json *v, enum rac_collection c,
                          int encode);

/* An element that is an array itself is a list with commas. */
static rac_str element_text(struct bind *b, const struct rac_json *v)
{
    return v->type == RAC_JSON_ARRAY ? array_text(b, v, RAC_COLLECTION_CSV, -1)
                                     : rac_value_text(b->a, v);
}

/* An array as one text; each element encoded when encode >= 0, separators as they are (blank and
 * tab, which no URL may hold, encoded). */
static rac_str array_text(struct bind *b, const struct rac_json *v, enum rac_collection c,
                          int encode)
{
    struct rac_cat cat = rac_cat_new(b->a, 32);
    char sep = separator_of(c);
    size_t i = 0;
    RAC_JSON_EACH(e, v)
    {
        rac_str text = element_text(b, e);
        if (i++ > 0) {
            if (encode >= 0 && sep != ',')
                rac_cat_url(&cat, (rac_str){&sep, 1}, RAC_URL_COMPONENT);
            else
                rac_cat_char(&cat, sep);
        }
        if (encode >= 0)
            text = rac_url_encode_set(b->a, text, (enum rac_url_set)encode);
        rac_cat_add(&cat, text);
    }
    return rac_cat_str(&cat);
}

static rac_str value_text(struct bind *b, const struct rac_param_plan *p, const struct rac_json *v)
{
    if (v->type == RAC_JSON_ARRAY)
        return array_text(b, v, (enum rac_collection)p->collection, -1);
    return rac_value_text(b->a, v);
}

static enum rac_call_code bind_path(struct bind *b, uint32_t i, const struct rac_json *v)
{
    const struct rac_param_plan *p = &b->plan->params[i];
    rac_str text = value_text(b, p, v);
    if (text.n == 0)
        return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, "RC-RUN-02", pointer_of(b, p),
                             "path parameter \"%.*s\" must not be empty", RAC_FMT(p->name));
    text = v->type == RAC_JSON_ARRAY
               ? array_text(b, v, (enum rac_collection)p->collection, RAC_URL_COMPONENT)
               : rac_url_encode_set(b->a, text, RAC_URL_COMPONENT);
    if (p->encode_twice)
        text = rac_url_encode_set(b->a, text, RAC_URL_COMPONENT);
    /* "." and ".." would leave the path they stand in: an API never sees them as values */
    if (rac_str_eq(text, RAC_S(".")) || rac_str_eq(text, RAC_S("..")))
        text = rac_str_replace(b->a, text, RAC_S("."), RAC_S("%2E"));
    b->bound->path_values[i] = text;
    return RAC_CALL_NONE;
}

static void bind_query(struct bind *b, uint32_t i, const struct rac_json *v)
{
    const struct rac_param_plan *p = &b->plan->params[i];
    if (v->type == RAC_JSON_ARRAY && p->collection == RAC_COLLECTION_MULTI) {
        RAC_JSON_EACH(e, v)
        {
            rac_str text = rac_url_encode_set(b->a, element_text(b, e), RAC_URL_COMPONENT);
            rac_request_add_query(b->r, p->wire, text, RAC_REQUEST_ENCODED);
        }
        return;
    }
    rac_str text = v->type == RAC_JSON_ARRAY
                       ? array_text(b, v, (enum rac_collection)p->collection, RAC_URL_COMPONENT)
                       : rac_url_encode_set(b->a, rac_value_text(b->a, v), RAC_URL_COMPONENT);
    if (text.n == 0 && !p->allow_empty && b->given[i] == NULL)
        return; /* an empty default is not worth a key */
    rac_request_add_query(b->r, p->wire, text, RAC_REQUEST_ENCODED);
}

static enum rac_call_code bind_header(struct bind *b, uint32_t i, const struct rac_json *v)
{
    const struct rac_param_plan *p = &b->plan->params[i];
    if (p->refused)
        return RAC_CALL_NONE;
    rac_str text = rac_str_trim(value_text(b, p, v));
    for (size_t k = 0; k < text.n; k++) {
        unsigned char ch = (unsigned char)text.p[k];
        if (ch == '\r' || ch == '\n' || ch == 0)
            return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, NULL, pointer_of(b, p),
                                 "header \"%.*s\" must not hold line breaks", RAC_FMT(p->name));
    }
    if (text.n == 0 && (rac_str_eqi(p->wire, RAC_S("content-type")) ||
                        rac_str_eqi(p->wire, RAC_S("accept")) || b->given[i] == NULL))
        return RAC_CALL_NONE;
    rac_request_set_header(b->r, p->wire, text, 0);
    return RAC_CALL_NONE;
}

static void part_add(struct rac_request *r, struct rac_request_part part)
{
    struct rac_request_body *body = &r->body;
    if (body->parts_n == body->parts_cap) {
        size_t cap = body->parts_cap ? body->parts_cap * 2 : 4;
        body->parts =
            rac_arena_grow(r->a, body->parts, body->parts_n * sizeof part, cap * sizeof part);
        body->parts_cap = cap;
    }
    body->parts[body->parts_n++] = part;
}

static void form_field_add(struct rac_request *r, rac_str name, rac_str value)
{
    struct rac_request_pairs *f = &r->body.form;
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 8;
        f->v = rac_arena_grow(r->a, f->v, f->cap * sizeof *f->v, cap * sizeof *f->v);
        f->cap = cap;
    }
    f->v[f->n++] = (struct rac_request_pair){name, value, 0};
}

static void bind_form_one(struct bind *b, uint32_t i, const struct rac_json *v)
{
    const struct rac_param_plan *p = &b->plan->params[i];
    rac_str type, bytes, name;
    bool envelope = rac_envelope_read(v, b->a, &type, &bytes, &name);
    if (b->r->body.kind == RAC_BODY_FORM) {
        form_field_add(b->r, p->wire, envelope ? bytes : value_text(b, p, v));
        return;
    }
    struct rac_request_part part = {.name = p->wire,
                                    .body = envelope ? bytes : value_text(b, p, v)};
    if (envelope)
        part.content_type = type.p != NULL ? type : RAC_S("application/octet-stream");
    if (envelope || p->shape->type == RAC_TYPE_FILE) {
        rac_str given = rac_json_str(b->file_name[i], RAC_STR_NULL);
        part.filename = given.p != NULL ? given : envelope && name.p != NULL ? name : p->name;
        if (part.content_type.p == NULL)
            part.content_type = RAC_S("application/octet-stream");
    }
    part_add(b->r, part);
}

static void bind_form(struct bind *b, uint32_t i, const struct rac_json *v)
{
    const struct rac_param_plan *p = &b->plan->params[i];
    if (v->type != RAC_JSON_ARRAY || p->collection != RAC_COLLECTION_MULTI) {
        bind_form_one(b, i, v);
        return;
    }
    RAC_JSON_EACH(e, v)
    {
        bind_form_one(b, i, e);
    }
}

/* --- the whole request ------------------------------------------------------------------------ */

/* multipart or urlencoded (corpus-survey §11.30): what consumes says first, but a file needs
 * multipart; a Content-Type header parameter wins. */
static void form_start(struct bind *b)
{
    struct rac_request_pair *header = rac_request_header(b->r, RAC_S("content-type"));
    rac_str chosen = RAC_STR_NULL;
    for (uint32_t i = 0; i < b->plan->consumes_n && chosen.p == NULL; i++) {
        rac_str media = rac_media_type(b->plan->consumes[i], b->a);
        if (rac_str_eq(media, RAC_S("multipart/form-data")) ||
            (rac_str_eq(media, RAC_S("application/x-www-form-urlencoded")) && !b->plan->has_file))
            chosen = media;
    }
    if (header != NULL && !b->plan->has_file) {
        rac_str media = rac_media_type(header->value, b->a);
        if (rac_str_eq(media, RAC_S("multipart/form-data")) ||
            rac_str_eq(media, RAC_S("application/x-www-form-urlencoded")))
            chosen = media;
    }
    bool multipart = b->plan->has_file || rac_str_eq(chosen, RAC_S("multipart/form-data"));
    b->r->body.kind = multipart ? RAC_BODY_MULTIPART : RAC_BODY_FORM;
    b->r->body.content_type =
        multipart ? RAC_S("multipart/form-data") : RAC_S("application/x-www-form-urlencoded");
}

static rac_str path_text(struct bind *b)
{
    const struct rac_op_plan *plan = b->plan;
    if (plan->path_n == 1)
        return plan->path[0].literal;
    struct rac_cat c = rac_cat_new(b->a, b->op->path.n + 64);
    for (uint32_t i = 0; i < plan->path_n; i++) {
        const struct rac_path_piece *p = &plan->path[i];
        rac_cat_add(&c, p->literal);
        if (p->param >= 0)
            rac_cat_add(&c, b->bound->path_values[p->param]);
    }
    return rac_cat_str(&c);
}

static void request_base(const struct rac_connector *c, const struct rac_op *op,
                         struct rac_request *r)
{
    r->method = op->method;
    r->scheme = c->scheme;
    r->host = c->host;
    r->base_path = c->base_path;
}

static enum rac_call_code path_check(struct bind *b)
{
    for (uint32_t i = 0; i < b->plan->path_n; i++)
        if (b->plan->path[i].param == -2)
            return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, "RC-RUN-02", RAC_STR_NULL,
                                 "the path %.*s of the definition names {%.*s}, which no path "
                                 "parameter declares",
                                 RAC_FMT(b->op->path), RAC_FMT(b->plan->path[i].name));
    return RAC_CALL_NONE;
}

/* Headers first (a Content-Type among them decides the body), then the rest in document order. */
static enum rac_call_code params_bind(struct bind *b)
{
    const struct rac_op_plan *plan = b->plan;
    struct rac_json *values = RAC_NEW_N(b->a, struct rac_json, plan->params_n);
    for (uint32_t i = 0; i < plan->params_n; i++) {
        enum rac_call_code code = param_value(b, i, &values[i]);
        if (code == RAC_CALL_NONE && values[i].type != RAC_JSON_NONE &&
            plan->params[i].in == RAC_IN_HEADER)
            code = bind_header(b, i, &values[i]);
        if (code != RAC_CALL_NONE)
            return code;
    }
    for (uint32_t i = 0; i < plan->params_n; i++) {
        const struct rac_json *v = &values[i];
        enum rac_call_code code = RAC_CALL_NONE;
        if (v->type == RAC_JSON_NONE)
            continue;
        switch ((enum rac_param_in)plan->params[i].in) {
        case RAC_IN_PATH:
            code = bind_path(b, i, v);
            break;
        case RAC_IN_QUERY:
            bind_query(b, i, v);
            break;
        case RAC_IN_BODY:
            if ((int32_t)i == plan->body)
                rac_body_bind(plan, plan->params[i].shape, v, b->r);
            break;
        case RAC_IN_FORM:
            if (b->r->body.kind == RAC_BODY_NONE)
                form_start(b);
            bind_form(b, i, v);
            break;
        case RAC_IN_HEADER:
            break;
        }
        if (code != RAC_CALL_NONE)
            return code;
    }
    return RAC_CALL_NONE;
}

enum rac_call_code rac_bind(const struct rac_connector *c, const struct rac_op *op,
                            const struct rac_call_req *q, struct rac_request *r,
                            struct rac_bound *bound, struct rac_call_error *e)
{
    struct bind b = {.c = c, .op = op, .plan = op->plan, .r = r, .a = r->a, .bound = bound, .e = e};
    bound->path_values = RAC_NEW_N(b.a, rac_str, op->plan->params_n);
    request_base(c, op, r);
    enum rac_call_code code = arguments_take(&b, q->parameters);
    if (code == RAC_CALL_NONE)
        notification_take(&b, q);
    if (code == RAC_CALL_NONE)
        code = path_check(&b);
    if (code == RAC_CALL_NONE)
        code = params_bind(&b);
    if (code != RAC_CALL_NONE)
        return code;
    r->path = path_text(&b);
    if (rac_request_header(r, RAC_S("accept")) == NULL)
        rac_request_add_header(r, RAC_S("Accept"), op->plan->accept, 0);
    return RAC_CALL_NONE;
}

/* --- raw form --------------------------------------------------------------------------------- */

static bool notifies(const struct rac_op_plan *plan, const struct rac_call_req *q)
{
    return plan->notification != NULL && q->notification_url.n > 0;
}

bool rac_bind_wants_body(const struct rac_op *op, const struct rac_call_req *raw)
{
    const struct rac_op_plan *plan = op->plan;
    if (plan->request_body_needed || notifies(plan, raw))
        return true;
    return plan->body >= 0 &&
           (plan->params[plan->body].shape->forced || plan->params[plan->body].shape->strips);
}

/* Headers of the caller that stay with us: its transport's, and its own credentials. */
static bool raw_header_kept_back(rac_str name)
{
    static const rac_str names[] = {RAC_S_INIT("host"),
                                    RAC_S_INIT("content-length"),
                                    RAC_S_INIT("te"),
                                    RAC_S_INIT("upgrade"),
                                    RAC_S_INIT("transfer-encoding"),
                                    RAC_S_INIT("trailer"),
                                    RAC_S_INIT("connection"),
                                    RAC_S_INIT("authorization"),
                                    RAC_S_INIT("cookie"),
                                    RAC_S_INIT("keep-alive"),
                                    RAC_S_INIT("accept-encoding"),
                                    RAC_S_INIT("expect"),
                                    RAC_S_INIT("proxy-connection"),
                                    RAC_S_INIT("proxy-authorization")};
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (names[i].n == name.n && rac_str_eqi(names[i], name))
            return true;
    return false;
}

/* What Connection: names is hop-by-hop too (RFC 9110 §7.6.1). */
static bool named_by_connection(const struct rac_headers *h, rac_str name)
{
    for (rac_str rest = rac_headers_get(h, RAC_S("connection")); rest.p != NULL && rest.n > 0;)
        if (rac_str_eqi(rac_str_trim(rac_str_cut(rest, ',', &rest)), name))
            return true;
    return false;
}

static void raw_headers(const struct rac_call_req *raw, struct rac_request *r)
{
    bool connection = raw->headers != NULL && rac_headers_get(raw->headers, RAC_S("connection")).n >
                                                  sizeof "keep-alive" - 1;
    for (size_t i = 0; raw->headers != NULL && i < raw->headers->n; i++) {
        const struct rac_header *h = &raw->headers->v[i];
        if (!raw_header_kept_back(h->name) &&
            !(connection && named_by_connection(raw->headers, h->name)))
            rac_request_add_header(r, h->name, h->value, 0);
    }
}

/* Required query and header parameters that did not arrive. */
static enum rac_call_code raw_fill(struct bind *b)
{
    for (uint32_t i = 0; i < b->plan->params_n; i++) {
        const struct rac_param_plan *p = &b->plan->params[i];
        if ((!p->required && b->given[i] == NULL) ||
            (p->in != RAC_IN_QUERY && p->in != RAC_IN_HEADER) || p->refused)
            continue;
        if (p->in == RAC_IN_QUERY ? rac_request_query(b->r, p->name) != NULL
                                  : rac_request_header(b->r, p->wire) != NULL)
            continue;
        struct rac_json v;
        enum rac_call_code code = param_value(b, i, &v);
        if (code == RAC_CALL_NONE && p->in == RAC_IN_HEADER)
            code = bind_header(b, i, &v);
        else if (code == RAC_CALL_NONE)
            bind_query(b, i, &v);
        if (code != RAC_CALL_NONE)
            return code;
    }
    return RAC_CALL_NONE;
}

static enum rac_call_code raw_body(struct bind *b, const struct rac_call_req *raw,
                                   const struct rac_json *body_json)
{
    struct rac_request_body *body = &b->r->body;
    struct rac_request_pair *type = rac_request_header(b->r, RAC_S("content-type"));
    struct rac_json notified = {0};
    if (b->plan->body >= 0 && notifies(b->plan, raw) &&
        (int32_t)b->plan->notification->param == b->plan->body &&
        (body_json != NULL || (raw->source == NULL && raw->body.n == 0))) {
        if (body_json != NULL)
            notified = rac_json_copy(b->a, body_json);
        rac_notification_put(b->plan->notification, &notified, raw->notification_url, b->a);
        body_json = &notified;
    }
    if (body_json != NULL) {
        struct rac_json fitted = *body_json;
        rac_str below;
        const char *want;
        if (b->plan->body >= 0 && !rac_shape_fit(b->plan->params[b->plan->body].shape, body_json,
                                                 b->a, &fitted, &below, &want))
            return rac_call_fail(b->e, b->a, RAC_CALL_INVALID_INPUT, NULL,
                                 rac_str_concat(b->a, RAC_S("/body"), below),
                                 "the body%s%.*s must be %s", below.n ? " at " : "", RAC_FMT(below),
                                 want);
        body->kind = RAC_BODY_JSON;
        body->json = fitted;
    } else if (raw->source != NULL || raw->body.n > 0) {
        body->kind = RAC_BODY_RAW;
        body->source = raw->source;
        body->bytes = raw->body;
    } else {
        return RAC_CALL_NONE;
    }
    body->content_type = type != NULL ? type->value : RAC_S("application/json; charset=utf-8");
    return RAC_CALL_NONE;
}

/* "." and "..", encoded or not, would make a path of another operation once somebody resolves them.
 */
static bool has_dot_segment(rac_str path, struct rac_arena *a)
{
    for (rac_str rest = path; rest.p != NULL;) {
        rac_str segment = rac_str_cut(rest, '/', &rest);
        if (segment.n == 0 || segment.n > 6 || (segment.p[0] != '.' && segment.p[0] != '%'))
            continue;
        segment = rac_url_decode(a, segment, false);
        if (rac_str_eq(segment, RAC_S(".")) || rac_str_eq(segment, RAC_S("..")))
            return true;
    }
    return false;
}

enum rac_call_code rac_bind_raw(const struct rac_connector *c, const struct rac_route_match *m,
                                const struct rac_call_req *raw, const struct rac_json *body_json,
                                struct rac_request *r, struct rac_bound *bound,
                                struct rac_call_error *e)
{
    const struct rac_op_plan *plan = m->op->plan;
    struct bind b = {.c = c, .op = m->op, .plan = plan, .r = r, .a = r->a, .bound = bound, .e = e};
    b.given = RAC_NEW_N(b.a, const struct rac_json *, plan->params_n);
    bound->path_values = RAC_NEW_N(b.a, rac_str, plan->params_n);
    for (size_t k = 0; k < m->captures_n; k++)
        for (uint32_t i = 0; i < plan->params_n; i++)
            if (plan->params[i].in == RAC_IN_PATH &&
                rac_str_eq(plan->params[i].name, m->captures[k].name))
                bound->path_values[i] = m->captures[k].value;
    request_base(c, m->op, r);
    if (has_dot_segment(raw->path, b.a))
        return rac_call_fail(e, b.a, RAC_CALL_INVALID_INPUT, "RC-RUN-02", RAC_STR_NULL,
                             "the path must not hold \".\" or \"..\" as a segment");
    r->path = raw->path;
    rac_request_add_query_string(r, raw->query);
    raw_headers(raw, r);
    if (plan->notification != NULL && (int32_t)plan->notification->param != plan->body)
        notification_take(&b, raw);
    enum rac_call_code code = raw_fill(&b);
    if (code == RAC_CALL_NONE)
        code = raw_body(&b, raw, body_json);
    if (code == RAC_CALL_NONE && rac_request_header(r, RAC_S("accept")) == NULL)
        rac_request_add_header(r, RAC_S("Accept"), plan->accept, 0);
    return code;
}
