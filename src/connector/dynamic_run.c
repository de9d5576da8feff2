/*
 * dynamic_run - one dynamic question from start to answer.
 *
 *   FIRST -> (PAGE ...) -> done              values and trees, page by page
 *   FIRST -> (NESTED ...) -> done            schemas, and schemas inside of them
 *
 * A page that fails keeps the ones before and says that the list is incomplete (§5.5). A nested
 * schema whose arguments are not filled in yet, or whose call fails, stays as it was returned: its
 * reader can ask again once there is more.
 */
#include "connector/connection.h"
#include "connector/dynamic_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "text/url.h"

enum {
    RUN_MAGIC = 0x64796e00,
    NESTED_MAX = 256,
    NESTED_LEVEL_MAX = 64,
    INLINE_DEPTH_MAX = 6,
    WRITTEN_MAX = 8192
};

enum run_step { RUN_FIRST, RUN_PAGE, RUN_NESTED };

struct nested {
    struct rac_json *node; /* in res.schema; replaced as a whole */
    unsigned depth;
};

struct rac_dynamic_run {
    uint32_t magic;
    struct rac_dynamic_ask ask;
    const struct rac_dynamic_invoker *invoker;
    struct rac_arena *a;
    rac_dynamic_done done;
    void *arg;
    bool cancelled, begun;
    enum run_step step;
    void *handle; /* of the call under way, or NULL */
    struct rac_api *api;
    const struct rac_api_operation *source;
    const struct rac_json *node; /* where the extension stands, or the static schema */
    struct rac_dynamic_def def;
    const struct rac_dynamic_call_def *call; /* open or browse */
    struct rac_json args; /* of the first call: its pages are asked for with the same */
    unsigned calls, pages, written;
    struct nested *work;
    size_t work_n, work_at;
    struct rac_dynamic_def nested_def;
    struct rac_dynamic_res res;
};

bool rac_dynamic_kind_parse(rac_str word, enum rac_dynamic_kind *out)
{
    static const struct {
        rac_str word;
        enum rac_dynamic_kind kind;
    } kinds[] = {
        {RAC_S_INIT("values"), RAC_DYNAMIC_VALUES},
        {RAC_S_INIT("schema"), RAC_DYNAMIC_SCHEMA},
        {RAC_S_INIT("tree"), RAC_DYNAMIC_TREE},
    };
    for (size_t i = 0; i < RAC_COUNT(kinds); i++)
        if (rac_str_eqi(word, kinds[i].word)) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void finish(struct rac_dynamic_run *r, enum rac_dynamic_state state, rac_str message)
{
    struct rac_dynamic_res res = r->res;
    rac_dynamic_done done = r->done;
    void *arg = r->arg;
    res.state = state;
    res.message = message;
    r->magic = 0;
    rac_mem_free(r);
    done(arg, &res);
}

static void need(struct rac_dynamic_run *r, rac_str what)
{
    rac_str name = what;
    rac_str rest, head = rac_str_cut(what, '/', &rest);
    for (size_t i = 0; r->source != NULL && i < r->source->params_n; i++) {
        const struct rac_api_param *p = &r->source->params[i];
        const struct rac_json *at = p->node;
        if (!rac_str_eq(p->name, head))
            continue;
        if (rest.p != NULL)
            at = rac_api_property_path(r->api, p->schema, rest);
        name = rac_json_str(RAC_JSON_GET(at, "x-ms-summary"), name);
    }
    r->res.needs = rac_arena_str(r->a, what);
    finish(r, RAC_DYNAMIC_NEEDS_INPUT,
           rac_arena_printf(r->a, "Pick \"%.*s\" first.", RAC_FMT(name)));
}

/* --- where the extension stands --------------------------------------------------------------- */

static const struct rac_json *static_answer(struct rac_dynamic_run *r)
{
    const struct rac_json *n = RAC_JSON_GET(r->source->notification, "schema");
    if (n != NULL)
        return rac_api_deref(r->api, n);
    rac_str code;
    const struct rac_json *res = rac_api_success(r->api, r->source, &code);
    return res != NULL ? rac_api_response_schema(r->api, res) : NULL;
}

/* The node that carries it: itself, or the items of an array. */
static const struct rac_json *carrier(struct rac_dynamic_run *r, const struct rac_json *node)
{
    struct rac_dynamic_def def;
    for (unsigned i = 0; node != NULL && i < 3; i++) {
        if (rac_dynamic_read(r->ask.definition, node, r->ask.kind, r->a, &def))
            return node;
        const struct rac_json *items = RAC_JSON_GET(node, "items");
        node = items != NULL ? rac_api_deref(r->api, items) : NULL;
    }
    return NULL;
}

static const struct rac_json *locate(struct rac_dynamic_run *r)
{
    const struct rac_json *node = NULL, *schema = NULL;
    if (r->source == NULL)
        return NULL;
    if (r->ask.parameter.n == 0) {
        node = schema = static_answer(r);
    } else {
        for (size_t i = 0; i < r->source->params_n && node == NULL; i++)
            if (rac_str_eq(r->source->params[i].name, r->ask.parameter)) {
                node = r->source->params[i].node;
                schema = r->source->params[i].schema;
            }
    }
    rac_str path = r->ask.path;
    if (path.n > 0 && path.p[0] == '/')
        path = rac_str_from(path, 1);
    if (path.n > 0)
        node = schema = schema != NULL ? rac_api_property_path(r->api, schema, path) : NULL;
    const struct rac_json *at = carrier(r, schema);
    if (at == NULL && node != schema)
        at = carrier(r, node); /* on a body parameter itself: forbidden (§5.5), but read */
    return at != NULL ? at : schema;
}

/* --- calls ------------------------------------------------------------------------------------ */

static void answered(void *arg, const struct rac_dynamic_answer *x);

static void call(struct rac_dynamic_run *r, enum run_step step, rac_str operation_id,
                 const struct rac_json *args, rac_str follow_url)
{
    r->step = step;
    r->calls++;
    r->handle =
        r->invoker->start(r->invoker->self, operation_id, args, follow_url, r->a, answered, r);
}

static rac_str failure_words(const struct rac_dynamic_answer *x, struct rac_arena *a)
{
    if (x->error != NULL)
        return rac_arena_str(a, x->error->message);
    rac_str body =
        x->body.type == RAC_JSON_NONE ? RAC_STR_NULL : rac_json_print_str(&x->body, 0, a);
    rac_str said = rac_connection_message_of(body, a);
    if (said.n > 0)
        return rac_arena_printf(a, "The API answered %d: %.*s", x->status, RAC_FMT(said));
    return rac_arena_printf(a, "The API answered %d.", x->status);
}

static bool failed(const struct rac_dynamic_answer *x)
{
    return x->error != NULL || x->status >= 400 || x->status < 200;
}

static void fail(struct rac_dynamic_run *r, const struct rac_dynamic_answer *x)
{
    r->res.status = x->status;
    if (x->error != NULL)
        r->res.error = *x->error;
    finish(r, RAC_DYNAMIC_FAILED, failure_words(x, r->a));
}

/* --- values and trees ------------------------------------------------------------------------- */

/* Link to the next page, absolute; absent at the end (§5.5: only while `value` is an array). */
static rac_str next_page(const struct rac_dynamic_answer *x, struct rac_arena *a)
{
    static const char *const names[] = {"nextLink", "@odata.nextLink"};
    rac_str out;
    struct rac_url u;
    if (!rac_json_is_array(RAC_JSON_GET(&x->body, "value")))
        return RAC_STR_NULL;
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        rac_str s = rac_json_str(rac_json_get(&x->body, rac_str_of(names[i])), RAC_S(""));
        if (s.n == 0)
            continue;
        if (rac_url_split_http(s, &u))
            return rac_arena_str(a, s);
        if (x->url.n > 0 && rac_url_resolve(x->url, s, a, &out) == RAC_OK)
            return out;
    }
    return RAC_STR_NULL;
}

static void take_page(struct rac_dynamic_run *r, const struct rac_dynamic_answer *x)
{
    const struct rac_json *items = rac_dynamic_items(&x->body, r->call->items_path);
    if (rac_arena_over(r->a)) { /* of this page nothing can be relied on */
        r->res.incomplete = true;
        finish(r, r->pages > 0 ? RAC_DYNAMIC_OK : RAC_DYNAMIC_FAILED,
               RAC_S("The list is larger than fits in memory."));
        return;
    }
    if (items == NULL && r->pages == 0) {
        r->res.status = x->status;
        finish(r, RAC_DYNAMIC_FAILED,
               rac_arena_printf(
                   r->a, "The answer of %.*s holds no list%s%.*s.", RAC_FMT(r->call->operation_id),
                   r->call->items_path.n > 0 ? " at " : "", RAC_FMT(r->call->items_path)));
        return;
    }
    r->pages++;
    RAC_JSON_EACH(item, items)
    {
        struct rac_json one;
        if (rac_json_len(&r->res.value) >= RAC_DYNAMIC_ITEMS_MAX || rac_arena_over(r->a)) {
            r->res.incomplete = true;
            finish(r, RAC_DYNAMIC_OK, RAC_STR_NULL);
            return;
        }
        if (rac_dynamic_item(&r->def, r->call, item, r->a, &one))
            rac_json_add(r->a, &r->res.value, one);
    }
    rac_str next = next_page(x, r->a);
    if (next.n == 0) {
        finish(r, RAC_DYNAMIC_OK, RAC_STR_NULL);
    } else if (r->pages >= RAC_DYNAMIC_PAGES_MAX || r->calls >= RAC_DYNAMIC_CALLS_MAX) {
        r->res.incomplete = true;
        finish(r, RAC_DYNAMIC_OK, RAC_STR_NULL);
    } else {
        call(r, RUN_PAGE, r->call->operation_id, &r->args, next);
    }
}

/* --- schemas ---------------------------------------------------------------------------------- */

/* Whether find_nested would find something in v, which then is replaced there. */
static bool holds_dynamic(const struct rac_json *v, unsigned level)
{
    if (level > NESTED_LEVEL_MAX)
        return false;
    if (rac_json_is_array(v))
        RAC_JSON_EACH(e, v)
        {
            if (holds_dynamic(e, level + 1))
                return true;
        }
    if (!rac_json_is_object(v))
        return false;
    if (RAC_JSON_GET(v, "x-ms-dynamic-schema") || RAC_JSON_GET(v, "x-ms-dynamic-properties"))
        return true;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (holds_dynamic(&m->value, level + 1))
            return true;
    }
    return false;
}

/* The static schema with its references written out, as far as a reader will want to see. What is
 * not written out is the definition's own and shared with it, unless something in it will be
 * replaced. */
static struct rac_json written_out(struct rac_dynamic_run *r, const struct rac_json *node,
                                   unsigned depth)
{
    const struct rac_json *d = rac_api_deref(r->api, node);
    struct rac_json out = rac_json_new_object(r->a);
    if (!rac_json_is_object(d) || depth > INLINE_DEPTH_MAX)
        return out;
    if (++r->written > WRITTEN_MAX || rac_arena_over(r->a)) { /* references that multiply */
        r->res.incomplete = true;
        return out;
    }
    RAC_JSON_EACH_MEMBER(m, d)
    {
        rac_str key = rac_json_key(m);
        struct rac_json v = m->value;
        if (rac_str_eq(key, RAC_S("items")) && rac_json_is_object(&v)) {
            v = written_out(r, &m->value, depth + 1);
        } else if (rac_str_eq(key, RAC_S("properties")) && rac_json_is_object(&v)) {
            v = rac_json_new_object(r->a);
            RAC_JSON_EACH_MEMBER(p, &m->value)
            rac_json_put(r->a, &v, rac_json_key(p), written_out(r, &p->value, depth + 1));
        } else if (holds_dynamic(&v, 0)) {
            v = rac_json_copy(r->a, &v);
        }
        rac_json_put(r->a, &out, key, v);
    }
    return out;
}

/* Dynamic schemas below v onto the work list; not v itself. */
static void find_nested(struct rac_dynamic_run *r, struct rac_json *v, unsigned depth,
                        unsigned level)
{
    struct rac_dynamic_def def;
    if (level > NESTED_LEVEL_MAX || depth > RAC_DYNAMIC_DEPTH_MAX)
        return;
    if (rac_json_is_array(v)) {
        RAC_JSON_EACH(e, v)
        find_nested(r, e, depth, level + 1);
        return;
    }
    if (!rac_json_is_object(v))
        return;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct rac_json *x = &m->value;
        if (rac_json_is_object(x) && r->work_n < NESTED_MAX &&
            rac_dynamic_read(r->ask.definition, x, RAC_DYNAMIC_SCHEMA, r->a, &def))
            r->work[r->work_n++] = (struct nested){x, depth};
        else
            find_nested(r, x, depth, level + 1);
    }
}

static void next_nested(struct rac_dynamic_run *r)
{
    struct rac_json args;
    rac_str needs;
    while (r->work_at < r->work_n && r->calls < RAC_DYNAMIC_CALLS_MAX && !rac_arena_over(r->a)) {
        struct nested *n = &r->work[r->work_at];
        const struct rac_api_operation *target;
        if (rac_dynamic_read(r->ask.definition, n->node, RAC_DYNAMIC_SCHEMA, r->a,
                             &r->nested_def) &&
            (target = rac_api_operation(r->api, r->nested_def.call.operation_id)) != NULL &&
            rac_dynamic_args_build(&r->nested_def.call, r->source, target, r->ask.parameters, NULL,
                                   r->a, &args, &needs) == RAC_ARGS_OK) {
            call(r, RUN_NESTED, target->id, &args, RAC_STR_NULL);
            return;
        }
        r->work_at++;
    }
    r->res.incomplete = r->res.incomplete || r->work_at < r->work_n;
    finish(r, RAC_DYNAMIC_OK, RAC_STR_NULL);
}

static void take_nested(struct rac_dynamic_run *r, const struct rac_dynamic_answer *x)
{
    struct nested n = r->work[r->work_at++];
    struct rac_json fresh;
    if (failed(x) || !rac_dynamic_schema(&x->body, r->nested_def.call.value_path, r->a, &fresh)) {
        r->res.incomplete = true;
    } else {
        *n.node = rac_dynamic_merge(n.node, &fresh, r->a);
        find_nested(r, n.node, n.depth + 1, 0);
    }
    next_nested(r);
}

static void take_schema(struct rac_dynamic_run *r, const struct rac_dynamic_answer *x)
{
    struct rac_json fresh;
    r->res.status = x->status;
    if (!rac_dynamic_schema(&x->body, r->def.call.value_path, r->a, &fresh)) {
        finish(r, RAC_DYNAMIC_FAILED,
               rac_arena_printf(r->a, "The answer of %.*s holds no schema%s%.*s.",
                                RAC_FMT(r->def.call.operation_id),
                                r->def.call.value_path.n > 0 ? " at " : "",
                                RAC_FMT(r->def.call.value_path)));
        return;
    }
    if (rac_json_is_null(&fresh)) {
        r->res.schema = fresh;
        finish(r, RAC_DYNAMIC_OK, RAC_STR_NULL);
        return;
    }
    struct rac_json fixed = written_out(r, r->node, 0);
    r->res.schema = rac_dynamic_merge(&fixed, &fresh, r->a);
    find_nested(r, &r->res.schema, 1, 0);
    next_nested(r);
}

/* --- the run ---------------------------------------------------------------------------------- */

static void answered(void *arg, const struct rac_dynamic_answer *x)
{
    struct rac_dynamic_run *r = RAC_CAST(arg, struct rac_dynamic_run, RUN_MAGIC);
    r->handle = NULL;
    if (r->step == RUN_NESTED) {
        take_nested(r, x);
    } else if (r->step == RUN_PAGE && failed(x)) {
        r->res.incomplete = true;
        finish(r, RAC_DYNAMIC_OK, failure_words(x, r->a));
    } else if (failed(x)) {
        fail(r, x);
    } else if (r->def.kind == RAC_DYNAMIC_SCHEMA) {
        take_schema(r, x);
    } else {
        take_page(r, x);
    }
}

static void ask_first(struct rac_dynamic_run *r)
{
    rac_str needs;
    bool browse = r->def.kind == RAC_DYNAMIC_TREE && r->ask.selection != NULL &&
                  !rac_json_is_null(r->ask.selection);
    r->call = browse ? &r->def.browse : &r->def.call;
    r->res.kind = r->def.kind;
    r->res.value = rac_json_new_array(r->a);
    if (r->def.built_in.n > 0 && r->call->operation_id.n == 0) {
        finish(r, RAC_DYNAMIC_FREE_TEXT, RAC_S("Type a value: its list is not available here."));
        return;
    }
    const struct rac_api_operation *target = rac_api_operation(r->api, r->call->operation_id);
    if (target == NULL) {
        finish(r, RAC_DYNAMIC_FAILED,
               rac_arena_printf(r->a, "The definition has no operation \"%.*s\".",
                                RAC_FMT(r->call->operation_id)));
        return;
    }
    switch (rac_dynamic_args_build(r->call, r->source, target, r->ask.parameters, r->ask.selection,
                                   r->a, &r->args, &needs)) {
    case RAC_ARGS_NEED:
        need(r, needs);
        break;
    case RAC_ARGS_EXPRESSION:
        finish(
            r, RAC_DYNAMIC_FREE_TEXT,
            RAC_S("A value this depends on is known only when the workflow runs: type a value."));
        break;
    default:
        call(r, RUN_FIRST, target->id, &r->args, RAC_STR_NULL);
    }
}

static void begin(void *arg)
{
    struct rac_dynamic_run *r = RAC_CAST(arg, struct rac_dynamic_run, RUN_MAGIC);
    r->begun = true;
    if (r->cancelled) {
        r->magic = 0;
        rac_mem_free(r);
        return;
    }
    if (rac_api_build(r->ask.definition, r->a, &r->api) != RAC_OK) {
        finish(r, RAC_DYNAMIC_FAILED, RAC_S("The definition cannot be read."));
        return;
    }
    r->source = rac_api_operation(r->api, r->ask.operation_id);
    r->node = r->ask.given != NULL ? r->ask.given : locate(r);
    if (rac_dynamic_read(r->ask.definition, r->node, r->ask.kind, r->a, &r->def)) {
        ask_first(r);
        return;
    }
    bool schema = r->ask.kind == RAC_DYNAMIC_SCHEMA && r->node != NULL;
    if (schema) { /* dynamic further down: the static schema with those parts resolved */
        r->res.kind = RAC_DYNAMIC_SCHEMA;
        r->res.schema = written_out(r, r->node, 0);
        find_nested(r, &r->res.schema, 1, 0);
    }
    if (schema && r->work_n > 0)
        next_nested(r);
    else
        finish(r, RAC_DYNAMIC_NONE,
               r->source == NULL && r->ask.given == NULL
                   ? RAC_S("The definition has no such operation.")
                   : RAC_S("Nothing dynamic stands there."));
}

struct rac_dynamic_run *rac_dynamic_start(const struct rac_dynamic_ask *ask,
                                          const struct rac_dynamic_invoker *invoker,
                                          void (*defer)(void *self, void (*fn)(void *), void *arg),
                                          void *defer_self, struct rac_arena *a,
                                          rac_dynamic_done done, void *arg)
{
    struct rac_dynamic_run *r = rac_mem_alloc(sizeof *r);
    r->magic = RUN_MAGIC;
    r->ask = *ask;
    r->invoker = invoker;
    r->a = a;
    r->done = done;
    r->arg = arg;
    r->work = RAC_NEW_N(a, struct nested, NESTED_MAX);
    defer(defer_self, begin, r);
    return r;
}

void rac_dynamic_cancel(struct rac_dynamic_run *r)
{
    RAC_ASSERT(r->magic == RUN_MAGIC);
    r->cancelled = true;
    if (!r->begun)
        return; /* freed when the loop comes to it */
    if (r->handle != NULL)
        r->invoker->cancel(r->invoker->self, r->handle);
    r->magic = 0;
    rac_mem_free(r);
}

struct rac_json rac_dynamic_json(const struct rac_dynamic_res *res, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a);
    if (res->kind == RAC_DYNAMIC_SCHEMA)
        RAC_JSON_PUT(a, &o, "schema",
                     res->schema.type == RAC_JSON_NONE ? rac_json_of_null() : res->schema);
    else
        RAC_JSON_PUT(a, &o, "value",
                     rac_json_is_array(&res->value) ? res->value : rac_json_new_array(a));
    if (res->incomplete)
        RAC_JSON_PUT(a, &o, "incomplete", rac_json_of_bool(true));
    if (res->needs.n > 0)
        RAC_JSON_PUT_STR(a, &o, "needs", res->needs);
    if (res->message.n > 0)
        RAC_JSON_PUT_STR(a, &o, "message", res->message);
    return o;
}
