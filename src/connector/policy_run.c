/*
 * Policies at work. Requests: headers and query; host and path are in policy_url.c. Bodies of either
 * direction: the transformations, which all go over "the parent, or each element of it when it is an
 * array".
 */
#include "connector/policy_run.h"

#include "base/str.h"
#include "connector/connection.h"
#include "connector/text_priv.h"

/* --- scope ------------------------------------------------------------------------------------ */

static rac_str scope_connection(void *self, rac_str name, bool has_default)
{
    struct rac_policy_run *run = self;
    const struct rac_conn_set *set = run->connection != NULL && run->connection->set != NULL
                                         ? run->connection->set
                                         : rac_connector_set(run->connector, RAC_STR_NULL);
    const struct rac_conn_param *p = set != NULL ? rac_conn_param_find(set, name) : NULL;
    rac_str text = RAC_STR_NULL;
    if (run->connection != NULL)
        text = rac_connection_value(run->connection, name, run->a);
    if (text.n == 0 && p != NULL && p->type != RAC_CONN_OAUTH && p->default_value.n > 0)
        text = p->default_value;
    if (text.n == 0) {
        run->missing |= !has_default;
        return RAC_STR_NULL;
    }
    if (p != NULL && p->secret) {
        run->secret = true;
        if (run->mask)
            return RAC_S("***");
    }
    return text;
}

static rac_str scope_path_param(void *self, rac_str name)
{
    struct rac_policy_run *run = self;
    const struct rac_op_plan *plan = run->op->plan;
    for (uint32_t i = 0; i < plan->params_n; i++)
        if (plan->params[i].in == RAC_IN_PATH && rac_str_eq(plan->params[i].name, name) &&
            run->bound->path_values[i].p != NULL)
            return run->bound->path_values[i];
    return RAC_STR_NULL;
}

struct rac_scope rac_policy_scope(struct rac_policy_run *run)
{
    struct rac_request *r = run->request;
    run->missing = run->secret = false;
    return (struct rac_scope){
        .a = run->a,
        .request = r,
        .body = r->body.kind == RAC_BODY_JSON ? &r->body.json : NULL,
        .connection = scope_connection,
        .path_param = scope_path_param,
        .self = run,
        .mask = run->mask,
        .secret = &run->secret,
        .original_method = run->op->method,
    };
}

enum rac_call_code rac_policy_failed(struct rac_policy_run *run, const struct rac_policy *p,
                                     struct rac_call_error *e, const char *why)
{
    return rac_call_fail(e, run->a, RAC_CALL_POLICY_FAILED, NULL, RAC_STR_NULL,
                         "policy %u \"%.*s\": %s", p->index, RAC_FMT(p->title), why);
}

void rac_policy_note(struct rac_policy_run *run, const struct rac_policy *p, const char *what)
{
    rac_diags_addf(run->notes, "RC-POL-00", RAC_SEV_INFO, "policy %u \"%.*s\": %s", p->index,
                   RAC_FMT(p->title), what);
}

/* --- requests --------------------------------------------------------------------------------- */

static bool has_line_break(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == 0)
            return true;
    return false;
}

static enum rac_call_code set_header(struct rac_policy_run *run, const struct rac_policy *p,
                                     struct rac_call_error *e)
{
    struct rac_scope scope = rac_policy_scope(run);
    rac_str value = rac_str_trim(rac_template_text(p->value, &scope, -1));
    if (run->lenient && run->missing) {
        rac_policy_note(run, p, "left out: the connection has no value for it");
        return RAC_CALL_NONE;
    }
    if (has_line_break(value) || has_line_break(p->name))
        return rac_policy_failed(run, p, e, "the header value must not hold line breaks");
    unsigned flags = run->secret ? RAC_REQUEST_SECRET : 0;
    struct rac_request_pair *old = rac_request_header(run->request, p->name);
    bool stays =
        old != NULL && !(old->flags & RAC_REQUEST_ARGUMENT); /* a link goes without those */
    if (stays && p->exists == RAC_EXISTS_SKIP)
        return RAC_CALL_NONE;
    if (old != NULL && p->exists == RAC_EXISTS_APPEND) {
        old->value = rac_arena_printf(run->a, "%.*s, %.*s", RAC_FMT(old->value), RAC_FMT(value));
        old->flags = (uint8_t)((old->flags & ~RAC_REQUEST_ARGUMENT) | flags);
        return RAC_CALL_NONE;
    }
    rac_request_set_header(run->request, p->name, value, flags);
    return RAC_CALL_NONE;
}

static void set_query(struct rac_policy_run *run, const struct rac_policy *p)
{
    struct rac_scope scope = rac_policy_scope(run);
    rac_str value = rac_template_text(p->value, &scope, -1);
    if (run->lenient && run->missing) {
        rac_policy_note(run, p, "left out: the connection has no value for it");
        return;
    }
    unsigned flags = run->secret ? RAC_REQUEST_SECRET : 0;
    const struct rac_request_pair *old = rac_request_query(run->request, p->name);
    bool exists = old != NULL;
    if (exists && !(old->flags & RAC_REQUEST_ARGUMENT) && p->exists == RAC_EXISTS_SKIP)
        return;
    if (exists && p->exists == RAC_EXISTS_APPEND)
        rac_request_add_query(run->request, p->name, value, flags);
    else
        rac_request_set_query(run->request, p->name, value, flags);
}

/* --- bodies ----------------------------------------------------------------------------------- */

static struct rac_json *place_get(struct rac_json *root, const struct rac_place *place)
{
    struct rac_json *v = root;
    for (uint32_t i = 0; v != NULL && i < place->steps_n; i++)
        v = place->steps[i].name.p != NULL ? rac_json_get(v, place->steps[i].name)
                                           : rac_json_at(v, (size_t)place->steps[i].index);
    return v;
}

/* Writes value at the steps below root; missing objects on the way are made. */
static bool place_put(struct rac_arena *a, struct rac_json *root, const struct rac_place *place,
                      struct rac_json value)
{
    struct rac_json *v = root;
    for (uint32_t i = 0; i < place->steps_n; i++) {
        const struct rac_path_step *step = &place->steps[i];
        if (step->name.p == NULL) {
            v = rac_json_at(v, (size_t)step->index);
            if (v == NULL)
                return false;
            continue;
        }
        if (v->type == RAC_JSON_NULL)
            *v = rac_json_new_object(a);
        if (v->type != RAC_JSON_OBJECT)
            return false;
        struct rac_json *next = rac_json_get(v, step->name);
        v = next != NULL ? next : rac_json_put(a, v, step->name, rac_json_new_object(a));
    }
    *v = value;
    return true;
}

static bool place_del(struct rac_json *root, const struct rac_place *parent,
                      const struct rac_place *sub)
{
    struct rac_json *v = place_get(root, parent);
    if (sub->steps_n == 0 || sub->steps[sub->steps_n - 1].name.p == NULL)
        return false;
    struct rac_place up = *sub;
    up.steps_n--;
    v = v != NULL ? place_get(v, &up) : NULL;
    return v != NULL && rac_json_del(v, sub->steps[sub->steps_n - 1].name);
}

static bool same_place(const struct rac_policy *p)
{
    uint32_t n = p->target.item ? 0 : p->parent.steps_n;
    if (p->target.steps_n != n + p->sub.steps_n)
        return false;
    for (uint32_t i = 0; i < p->target.steps_n; i++) {
        const struct rac_path_step *x = &p->target.steps[i],
                                   *y = i < n ? &p->parent.steps[i] : &p->sub.steps[i - n];
        if (!rac_str_eq(x->name, y->name) || x->index != y->index)
            return false;
    }
    return true;
}

static bool array_to_object(struct rac_arena *a, const struct rac_policy *p,
                            const struct rac_json *v, struct rac_json *out)
{
    if (!rac_json_is_array(v))
        return false;
    rac_str key = p->text1; /* "id", or "@item().id" */
    size_t dot = rac_str_startsi(key, RAC_S("@item()."))  ? 8
                 : rac_str_startsi(key, RAC_S("item().")) ? 7
                                                          : 0;
    key = rac_str_from(key, dot);
    *out = rac_json_new_object(a);
    RAC_JSON_EACH(e, v)
    {
        const struct rac_json *k = rac_json_get(e, key);
        if (k == NULL)
            continue;
        struct rac_json value = rac_json_copy(a, e);
        rac_str name = rac_value_text(a, k);
        if (!p->flag)
            rac_json_del(&value, key);
        rac_json_put(a, out, name, value);
    }
    return true;
}

static bool object_to_array(struct rac_arena *a, const struct rac_policy *p,
                            const struct rac_json *v, struct rac_json *out)
{
    if (!rac_json_is_object(v))
        return false;
    *out = rac_json_new_array(a);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct rac_json pair = rac_json_new_object(a);
        rac_json_put(a, &pair, p->text1, rac_json_of_str(rac_json_key(m)));
        rac_json_put(a, &pair, p->text2, rac_json_copy(a, &m->value));
        rac_json_add(a, out, pair);
    }
    return true;
}

static bool string_to_array(struct rac_arena *a, const struct rac_policy *p,
                            const struct rac_json *v, struct rac_json *out)
{
    if (!rac_json_is_string(v))
        return false;
    rac_str text = {v->s, v->n};
    *out = rac_json_new_array(a);
    for (size_t from = 0, i = 0; i <= text.n; i++) {
        if (i < text.n && rac_str_find_char(p->text1, text.p[i]) == RAC_STR_NPOS)
            continue;
        rac_str piece = rac_str_sub(text, from, i - from);
        from = i + 1;
        if (piece.n == 0)
            continue;
        struct rac_json o = rac_json_new_object(a);
        rac_json_put(a, &o, p->name, rac_json_of_str(piece));
        rac_json_add(a, out, o);
    }
    return true;
}

static bool string_change(struct rac_arena *a, const struct rac_policy *p, const struct rac_json *v,
                          struct rac_json *out)
{
    if (!rac_json_is_string(v))
        return false;
    rac_str text = {v->s, v->n};
    if (p->id == RAC_POLICY_ENCODE_PROPERTY_VALUE)
        *out = rac_json_of_str(rac_url_encode_set(a, text, RAC_URL_COMPONENT));
    else
        *out =
            rac_json_of_str(p->text1.n == 0 ? text : rac_str_replace(a, text, p->text1, p->text2));
    return true;
}

/* One source transformed to one target. item: the element of the parent array, or the parent. */
static bool convert_one(struct rac_arena *a, const struct rac_policy *p, struct rac_json *root,
                        struct rac_json *item)
{
    struct rac_json *source = place_get(item, &p->sub), out;
    if (source == NULL)
        return false;
    bool done = p->id == RAC_POLICY_ARRAY_TO_OBJECT   ? array_to_object(a, p, source, &out)
                : p->id == RAC_POLICY_OBJECT_TO_ARRAY ? object_to_array(a, p, source, &out)
                : p->id == RAC_POLICY_STRING_TO_ARRAY ? string_to_array(a, p, source, &out)
                                                      : string_change(a, p, source, &out);
    return done && place_put(a, p->target.item ? item : root, &p->target, out);
}

static bool convert(struct rac_arena *a, const struct rac_policy *p, struct rac_json *root)
{
    struct rac_json *parent = place_get(root, &p->parent);
    if (parent == NULL)
        return false;
    /* an array is walked unless it is itself the source (no sub path, array to object) */
    if (!rac_json_is_array(parent) ||
        (p->sub.steps_n == 0 && (p->id == RAC_POLICY_ARRAY_TO_OBJECT || same_place(p))))
        return convert_one(a, p, root, parent);
    bool changed = false;
    for (size_t i = 0; i < rac_json_len(parent); i++)
        changed |= convert_one(a, p, root, rac_json_at(parent, i));
    return changed;
}

static bool set_property_one(const struct rac_policy *p, struct rac_scope *scope,
                             struct rac_json *item)
{
    if (!rac_json_is_object(item) && p->sub.steps_n > 0)
        return false;
    scope->item = item;
    struct rac_json v = rac_template_value(p->value, scope);
    if (v.type == RAC_JSON_NONE)
        return false;
    return place_put(scope->a, item, &p->sub, rac_json_copy(scope->a, &v));
}

static bool set_property(const struct rac_policy *p, struct rac_scope *scope, struct rac_json *root)
{
    struct rac_json *parent = place_get(root, &p->parent);
    scope->body = root;
    if (parent == NULL)
        return false;
    if (!rac_json_is_array(parent))
        return set_property_one(p, scope, parent);
    bool changed = false;
    for (size_t i = 0; i < rac_json_len(parent); i++)
        changed |= set_property_one(p, scope, rac_json_at(parent, i));
    return changed;
}

static bool move(struct rac_arena *a, const struct rac_policy *p, struct rac_json *root)
{
    struct rac_json *parent = place_get(root, &p->parent);
    struct rac_json *source = parent != NULL ? place_get(parent, &p->sub) : NULL;
    if (source == NULL)
        return false;
    struct rac_json value = rac_json_copy(a, source);
    if (p->flag && !rac_json_is_object(&value))
        return false;
    place_del(root, &p->parent, &p->sub);
    if (!p->flag) {
        struct rac_place to = p->target;
        if (to.steps_n == p->parent.steps_n &&
            p->sub.steps_n > 0) { /* into the parent: same name */
            struct rac_path_step *steps = RAC_NEW_N(a, struct rac_path_step, to.steps_n + 1);
            if (to.steps_n > 0)
                memcpy(steps, to.steps, to.steps_n * sizeof *steps);
            steps[to.steps_n++] = p->sub.steps[p->sub.steps_n - 1];
            to.steps = steps;
        }
        return place_put(a, root, &to, value);
    }
    struct rac_json *target = place_get(root, &p->target);
    if (target == NULL) {
        if (!place_put(a, root, &p->target, rac_json_new_object(a)))
            return false;
        target = place_get(root, &p->target);
    }
    if (!rac_json_is_object(target))
        return false;
    RAC_JSON_EACH_MEMBER(m, &value)
    {
        rac_json_put(a, target, rac_json_key(m), m->value);
    }
    return true;
}

/* True when the body changed. */
static bool transform(struct rac_policy_run *run, const struct rac_policy *p,
                      struct rac_scope *scope, struct rac_json *root)
{
    switch (p->id) {
    case RAC_POLICY_SET_PROPERTY:
        return set_property(p, scope, root);
    case RAC_POLICY_MOVE_PROPERTIES:
        return move(run->a, p, root);
    default:
        return convert(run->a, p, root);
    }
}

static void transform_request(struct rac_policy_run *run, const struct rac_policy *p)
{
    struct rac_request_body *body = &run->request->body;
    if (body->kind != RAC_BODY_JSON) {
        rac_policy_note(run, p, "nothing done: the request has no JSON body");
        return;
    }
    if (!run->own_body) { /* it may share nodes with the caller's arguments */
        body->json = rac_json_copy(run->a, &body->json);
        run->own_body = true;
    }
    struct rac_scope scope = rac_policy_scope(run);
    (void)transform(run, p, &scope, &body->json);
}

/* --- sections --------------------------------------------------------------------------------- */

enum rac_call_code rac_policies_request(struct rac_policy_run *run, const struct rac_policy **side,
                                        struct rac_call_error *e)
{
    const struct rac_policy_list *list = &run->op->plan->request;
    *side = NULL;
    while (run->at < list->n) {
        const struct rac_policy *p = list->v[run->at++];
        enum rac_call_code code = RAC_CALL_NONE;
        if (rac_arena_over(run->a))
            return rac_policy_failed(run, p, e,
                                     "what the policies make is larger than a call may hold");
        if (run->follow && p->id > RAC_POLICY_DYNAMIC_SUBDOMAIN)
            continue;
        if (p->broken.p != NULL)
            return rac_policy_failed(run, p, e, p->broken.p);
        switch (p->id) {
        case RAC_POLICY_SET_HEADER:
            code = set_header(run, p, e);
            break;
        case RAC_POLICY_SET_QUERY_PARAMETER:
            set_query(run, p);
            break;
        case RAC_POLICY_DYNAMIC_HOST_URL:
        case RAC_POLICY_DYNAMIC_SUBDOMAIN:
            code = rac_policy_set_host(run, p, e);
            if (code != RAC_CALL_NONE && run->follow) { /* where it goes is known all the same */
                run->homeless = true;
                *e = (struct rac_call_error){.code = code = RAC_CALL_NONE};
            }
            break;
        case RAC_POLICY_ROUTE_REQUEST:
            rac_policy_set_path(run, p);
            break;
        case RAC_POLICY_SET_VALUE_FROM_URL:
            *side = p;
            return RAC_CALL_NONE;
        case RAC_POLICY_POLLING_TRIGGER: /* the poller's business (§7.1) */
            break;
        default:
            transform_request(run, p);
        }
        if (code != RAC_CALL_NONE)
            return code;
    }
    return RAC_CALL_NONE;
}

void rac_policy_side_answer(struct rac_policy_run *run, const struct rac_policy *p,
                            struct rac_json *body)
{
    struct rac_scope scope = rac_policy_scope(run);
    scope.body = body;
    struct rac_json v = rac_template_value(p->from, &scope);
    const struct rac_template_piece *to = &p->method->pieces[0];
    if (to->fn == RAC_FN_QUERY) {
        rac_request_set_query(run->request, to->argument, rac_value_text(run->a, &v),
                              RAC_REQUEST_SECRET);
    } else if (to->fn == RAC_FN_HEADERS || to->fn == RAC_FN_HEADER) {
        rac_str text = rac_value_text(run->a, &v);
        if (!has_line_break(text))
            rac_request_set_header(run->request, to->argument, text, RAC_REQUEST_SECRET);
    } else if (run->request->body.kind == RAC_BODY_JSON) {
        struct rac_place place = {.steps = to->steps, .steps_n = to->steps_n};
        if (!run->own_body)
            run->request->body.json = rac_json_copy(run->a, &run->request->body.json);
        run->own_body = true;
        if (v.type != RAC_JSON_NONE)
            (void)place_put(run->a, &run->request->body.json, &place, rac_json_copy(run->a, &v));
    }
}

static enum rac_call_code answer_header(struct rac_policy_run *run, const struct rac_policy *p,
                                        struct rac_policy_answer *x, struct rac_call_error *e)
{
    struct rac_scope scope = rac_policy_scope(run);
    scope.answer = x->headers;
    scope.body = x->body;
    rac_str value = rac_str_trim(rac_template_text(p->value, &scope, -1));
    if (has_line_break(value) || has_line_break(p->name))
        return rac_policy_failed(run, p, e, "the header value must not hold line breaks");
    rac_str old = rac_headers_get(x->headers, p->name);
    if (old.p != NULL && p->exists == RAC_EXISTS_SKIP)
        return RAC_CALL_NONE;
    if (old.p != NULL && p->exists == RAC_EXISTS_APPEND)
        value = rac_arena_printf(run->a, "%.*s, %.*s", RAC_FMT(old), RAC_FMT(value));
    rac_headers_set(x->headers, run->a, p->name, value);
    return RAC_CALL_NONE;
}

/* The next page's URL through the platform: runtime URL, path below the base path, query. */
static void next_link(struct rac_policy_run *run, const struct rac_policy *p,
                      struct rac_policy_answer *x)
{
    struct rac_json *parent = x->body != NULL ? place_get(x->body, &p->parent) : NULL;
    struct rac_json *link = rac_json_get(parent, p->name);
    if (link == NULL) /* "a/b" or "a.b" as one path would be unusual: names hold dots */
        return;
    rac_str url = rac_json_str(link, RAC_STR_NULL);
    if (url.n == 0 || run->runtime_url.n == 0)
        return;
    size_t mark = rac_str_find(url, RAC_S("://"));
    if (mark != RAC_STR_NPOS) {
        url = rac_str_from(url, mark + 3);
        size_t slash = rac_str_find_char(url, '/');
        url = slash == RAC_STR_NPOS ? RAC_S("/") : rac_str_from(url, slash);
    } else if (url.p[0] != '/') {
        return;
    }
    rac_str base = run->request->base_path;
    if (base.n > 0 && rac_str_starts(url, base) &&
        (url.n == base.n || url.p[base.n] == '/' || url.p[base.n] == '?'))
        url = rac_str_from(url, base.n);
    *link = rac_json_of_str(rac_str_concat(run->a, run->runtime_url, url));
    x->body_changed = true;
}

static enum rac_call_code answer_policies(struct rac_policy_run *run,
                                          const struct rac_policy_list *list,
                                          struct rac_policy_answer *x, struct rac_call_error *e)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct rac_policy *p = list->v[i];
        enum rac_call_code code = RAC_CALL_NONE;
        if (rac_arena_over(run->a))
            return rac_policy_failed(run, p, e,
                                     "what the policies make is larger than a call may hold");
        if (p->broken.p != NULL)
            return rac_policy_failed(run, p, e, p->broken.p);
        if (p->id == RAC_POLICY_SET_HEADER) {
            code = answer_header(run, p, x, e);
        } else if (p->id == RAC_POLICY_SET_CONNECTION_STATUS) {
            x->unauthenticated |= x->status != 0 && x->status == p->status;
        } else if (p->id == RAC_POLICY_UPDATE_NEXT_LINK) {
            next_link(run, p, x);
        } else if (x->body != NULL) {
            struct rac_scope scope = rac_policy_scope(run);
            scope.answer = x->headers;
            scope.body = x->body;
            x->body_changed |= transform(run, p, &scope, x->body);
        }
        if (code != RAC_CALL_NONE)
            return code;
    }
    return RAC_CALL_NONE;
}

enum rac_call_code rac_policies_response(struct rac_policy_run *run, struct rac_policy_answer *x,
                                         struct rac_call_error *e)
{
    enum rac_call_code code = RAC_CALL_NONE;
    if (x->status != 0)
        code = answer_policies(run, &run->op->plan->response, x, e);
    if (code == RAC_CALL_NONE && (x->status == 0 || x->status >= 400))
        code = answer_policies(run, &run->op->plan->failure, x, e);
    return code;
}
