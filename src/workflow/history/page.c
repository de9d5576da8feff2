/*
 * Pages of repetitions: which of them is known from the frames, what they did is read from the
 * journal once more, for those of the page alone.
 *
 * A repetition of an action is an iteration of the innermost loop around it; where a container
 * inside that iteration did not run it, it was skipped there.
 */
#include "base/str.h"
#include "workflow/history/history_priv.h"
#include "workflow/outside/outbound.h"

#include <stdlib.h>

struct pick {       /* one repetition of the page */
    uint32_t frame; /* iteration of the innermost loop */
    struct rac_history_record *x;
    uint32_t own;    /* frame in which the action itself stands, once it was begun */
    uint32_t holder; /* innermost container that ended inside it, toward the action */
    enum rac_wf_status holder_status;
    const char *holder_code;
    rac_ms holder_ms;
};

struct page {
    struct rac_history *h;
    struct rac_arena *a;
    uint32_t action;
    struct pick *v; /* by frame */
    size_t n;
    struct rac_history_request *requests; /* of the only pick; NULL: not wanted */
    uint8_t *bits;                        /* RAC_RUN_REQUEST_*, of each */
    size_t requests_n, requests_cap;
    bool wants_requests;
};

/* --- places ----------------------------------------------------------------------------------- */

static size_t path_of(const struct rac_history *h, uint32_t frame,
                      struct rac_history_index out[RAC_REPETITION_LEVELS_MAX])
{
    size_t n = 0;
    for (uint32_t f = frame; f < h->frames_n && h->frames[f].owner != UINT32_MAX;
         f = h->frames[f].parent) {
        const struct rac_wf_action *owner = &h->plan->actions[h->frames[f].owner];
        if (history_is_loop(owner) && n < RAC_REPETITION_LEVELS_MAX)
            out[n++] = (struct rac_history_index){owner->name, h->frames[f].index};
    }
    for (size_t i = 0; i < n / 2; i++) {
        struct rac_history_index swap = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = swap;
    }
    return n;
}

static void name_record(const struct rac_history *h, uint32_t frame, struct rac_history_record *x)
{
    uint32_t indexes[RAC_REPETITION_LEVELS_MAX];
    x->indexes_n = path_of(h, frame, x->indexes);
    for (size_t i = 0; i < x->indexes_n; i++)
        indexes[i] = x->indexes[i].item;
    if (x->indexes_n > 0)
        rac_repetition_name(indexes, x->indexes_n, x->repetition);
}

struct sortable {
    uint32_t frame;
    uint32_t path[RAC_REPETITION_LEVELS_MAX];
};

static int by_path(const void *p, const void *q)
{
    const struct sortable *x = p, *y = q;
    for (size_t i = 0; i < RAC_REPETITION_LEVELS_MAX; i++)
        if (x->path[i] != y->path[i])
            return x->path[i] < y->path[i] ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Every frame of a graph, by index path. One loop alone begins its iterations in order. */
static uint32_t *frames_of(struct rac_history *h, uint32_t graph, struct rac_arena *a, size_t *n)
{
    uint32_t *v = RAC_NEW_N(a, uint32_t, h->graph_frames[graph]);
    struct rac_history_index path[RAC_REPETITION_LEVELS_MAX];
    *n = 0;
    for (uint32_t f = 0; f < h->frames_n; f++)
        if (h->frames[f].graph == graph)
            v[(*n)++] = f;
    if (*n == 0 || path_of(h, v[0], path) < 2)
        return v;
    struct sortable *s = RAC_NEW_N(a, struct sortable, *n);
    for (size_t i = 0; i < *n; i++) {
        size_t levels = path_of(h, v[i], path);
        s[i].frame = v[i];
        for (size_t k = 0; k < levels; k++)
            s[i].path[k] = path[k].item;
    }
    qsort(s, *n, sizeof *s, by_path);
    for (size_t i = 0; i < *n; i++)
        v[i] = s[i].frame;
    return v;
}

/* --- reading a page --------------------------------------------------------------------------- */

static struct pick *pick_of(const struct page *p, uint32_t frame)
{
    const struct rac_history *h = p->h;
    uint32_t loop = history_loop_of(h->plan, h->plan->actions[p->action].graph);
    size_t low = 0, high = p->n;
    while (frame < h->frames_n && h->frames[frame].graph != loop &&
           h->frames[frame].owner != UINT32_MAX)
        frame = h->frames[frame].parent;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (p->v[mid].frame < frame)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->n && p->v[low].frame == frame ? &p->v[low] : NULL;
}

/* Does a container stand around the action, inside its innermost loop? */
static bool holds(const struct rac_history *h, uint32_t container, uint32_t action)
{
    uint32_t g = h->plan->actions[action].graph;
    while (h->plan->graphs[g].owner != UINT32_MAX) {
        uint32_t at = h->plan->graphs[g].owner;
        if (history_is_loop(&h->plan->actions[at]))
            return false;
        if (at == container)
            return true;
        g = h->plan->actions[at].graph;
    }
    return false;
}

static void note_holder(const struct rac_history *h, struct pick *k, const struct rac_entry *e,
                        struct rac_arena *a)
{
    bool ended = e->kind == RAC_ENTRY_ENDED, skipped = e->kind == RAC_ENTRY_SKIPPED;
    if (!ended && !skipped)
        return;
    if (k->holder != UINT32_MAX && holds(h, e->action, k->holder))
        return; /* it ends behind those inside it */
    k->holder = e->action;
    k->holder_status = skipped ? RAC_WF_SKIPPED : e->status;
    k->holder_code = skipped             ? rac_skip_code((enum rac_skip)e->reason)
                     : e->code.p != NULL ? rac_arena_cstr(a, e->code)
                                         : NULL;
    k->holder_ms = e->at_ms;
}

static void request_name(const struct page *p, rac_ms start_ms, char out[RAC_RUN_NAME_TEXT])
{
    uint64_t ticks = (uint64_t)start_ms * 10000 + 621355968000000000u;
    uint64_t down = (uint64_t)INT64_MAX - ticks;
    memset(out, '0', RAC_RUN_NAME_TEXT - 1);
    for (int i = 19; i >= 0; i--, down /= 10)
        out[i] = (char)('0' + down % 10);
    size_t n = p->requests_n;
    for (int i = 28; i >= 20; i--, n /= 10)
        out[i] = (char)('0' + n % 10);
    out[29] = 'C';
    out[30] = 'U';
    out[RAC_RUN_NAME_TEXT - 1] = '\0';
}

static struct rac_history_request *request_add(struct page *p, rac_ms start_ms, rac_ms end_ms)
{
    if (p->requests_n == p->requests_cap) {
        size_t cap = p->requests_cap ? p->requests_cap * 2 : 4;
        p->requests = rac_arena_grow(p->a, p->requests, p->requests_cap * sizeof *p->requests,
                                     cap * sizeof *p->requests);
        p->bits = rac_arena_grow(p->a, p->bits, p->requests_cap, cap);
        p->requests_cap = cap;
    }
    struct rac_history_request *q = &p->requests[p->requests_n];
    *q = (struct rac_history_request){.start_ms = start_ms, .end_ms = end_ms};
    request_name(p, start_ms, q->name);
    p->bits[p->requests_n] = RAC_RUN_REQUEST_FIRST | RAC_RUN_REQUEST_LAST;
    p->requests_n++;
    return q;
}

/* What is left of a request or response that is hidden (§4.10). */
static const struct rac_json *only(const struct rac_json *o, rac_str name, struct rac_arena *a)
{
    const struct rac_json *v = rac_json_get(o, name);
    struct rac_json *out = RAC_NEW(a, struct rac_json);
    *out = rac_json_new_object(a);
    if (v != NULL)
        rac_json_put(a, out, name, *v);
    return o != NULL ? out : NULL;
}

/* Of a hidden request its method, where that is one: it may have been worked out too. */
static const struct rac_json *only_method(const struct rac_json *o, struct rac_arena *a)
{
    static const rac_str known[] = {RAC_S_INIT("GET"),   RAC_S_INIT("HEAD"),   RAC_S_INIT("POST"),
                                    RAC_S_INIT("PUT"),   RAC_S_INIT("PATCH"),  RAC_S_INIT("DELETE"),
                                    RAC_S_INIT("TRACE"), RAC_S_INIT("OPTIONS")};
    rac_str method = rac_json_str(RAC_JSON_GET(o, "method"), RAC_S(""));
    bool is_one = false;
    for (size_t i = 0; i < RAC_COUNT(known); i++)
        is_one |= rac_str_eqi(method, known[i]);
    return only(o, is_one ? RAC_S("method") : RAC_S(""), a);
}

static void add_request(struct page *p, const struct rac_entry *e)
{
    enum { REQUESTS_MAX = 10000 };
    if (p->requests_n >= REQUESTS_MAX)
        return;
    struct rac_json what = history_json_of(p->h, &e->extra, p->a);
    if (what.type == RAC_JSON_NONE)
        return;
    struct rac_history_request *q = request_add(p, e->start_ms, e->at_ms);
    const struct rac_json *request = RAC_JSON_GET(&what, "request"),
                          *response = RAC_JSON_GET(&what, "response"),
                          *error = RAC_JSON_GET(&what, "error");
    uint8_t hidden = rac_secure_of_action(p->h->plan, p->action);
    if ((hidden & RAC_SECURE_INPUTS) != 0)
        request = only_method(request, p->a);
    if ((hidden & RAC_SECURE_OUTPUTS) != 0)
        response = only(response, RAC_S("statusCode"), p->a);
    q->request = request ? *request : rac_json_none;
    q->response = response ? *response : rac_json_none;
    q->error = error ? *error : rac_json_none;
    q->response_body =
        history_value_of(p->h, &e->outputs, (hidden & RAC_SECURE_OUTPUTS) != 0, p->a);
    p->bits[p->requests_n - 1] = e->reason;
}

static void read_entry(void *arg, const struct rac_entry *e)
{
    struct page *p = arg;
    struct pick *k;
    bool record = e->kind == RAC_ENTRY_STARTED || e->kind == RAC_ENTRY_ENDED ||
                  e->kind == RAC_ENTRY_PROGRESS || e->kind == RAC_ENTRY_REQUEST ||
                  e->kind == RAC_ENTRY_SKIPPED;
    if (!record || (e->action != p->action && !holds(p->h, e->action, p->action)) ||
        (k = pick_of(p, e->frame)) == NULL)
        return;
    if (e->action != p->action) {
        note_holder(p->h, k, e, p->a);
        return;
    }
    k->own = e->frame;
    history_take(p->h, k->x, e, p->a);
    if (p->wants_requests && e->kind == RAC_ENTRY_REQUEST)
        add_request(p, e);
}

static void complete(struct page *p, struct pick *k)
{
    struct rac_history *h = p->h;
    if (k->x->status == RAC_WF_NONE && k->holder != UINT32_MAX) {
        struct rac_skipped s = rac_skip_inside(h->plan, k->x->action, &h->plan->actions[k->holder],
                                               k->holder_status, k->holder_code);
        history_skip(h, k->x, &s, k->holder_ms, p->a);
    }
    if (h->closed)
        history_close(h, k->x, p->a);
}

static int by_frame(const void *p, const void *q)
{
    const struct pick *x = p, *y = q;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Reads the records of those iterations of the action's innermost loop, in their order. */
static rac_err read_page(struct page *p, const uint32_t *frames, size_t n,
                         struct rac_history_record **v)
{
    *v = RAC_NEW_N(p->a, struct rac_history_record, n);
    p->v = RAC_NEW_N(p->a, struct pick, n);
    p->n = n;
    for (size_t i = 0; i < n; i++) {
        struct rac_history_record *x = &(*v)[i];
        x->action = &p->h->plan->actions[p->action];
        x->repetitions = x->iterations = -1;
        name_record(p->h, frames[i], x);
        p->v[i] = (struct pick){.frame = frames[i], .x = x, .holder = UINT32_MAX};
    }
    qsort(p->v, n, sizeof *p->v, by_frame);
    rac_err err = history_each(p->h, read_entry, p);
    for (size_t i = 0; i < n && err == RAC_OK; i++)
        complete(p, &p->v[i]);
    return err;
}

/* Iterations of a loop inside loops, counted for one repetition of it. */
static void count_iterations(const struct rac_history *h, const uint32_t *frames, size_t n,
                             struct rac_history_record *v, uint32_t action)
{
    if (!history_is_loop(&h->plan->actions[action]))
        return;
    for (size_t i = 0; i < n; i++)
        v[i].iterations = 0;
    for (uint32_t f = 0; f < h->frames_n; f++) {
        if (h->frames[f].owner != action)
            continue;
        uint32_t at = h->frames[f].parent,
                 loop = history_loop_of(h->plan, h->plan->actions[action].graph);
        while (h->frames[at].graph != loop && h->frames[at].owner != UINT32_MAX)
            at = h->frames[at].parent;
        for (size_t i = 0; i < n; i++)
            v[i].iterations += frames[i] == at;
    }
}

rac_err rac_history_repetitions(struct rac_history *h, rac_str action, size_t first, size_t n_max,
                                struct rac_arena *a, struct rac_history_record **v, size_t *n,
                                size_t *total)
{
    uint32_t at = rac_plan_find(h->plan, action), loop;
    *n = *total = 0;
    if (at == UINT32_MAX)
        return RAC_E_NOT_FOUND;
    loop = history_loop_of(h->plan, h->plan->actions[at].graph);
    if (loop == UINT32_MAX)
        return RAC_OK;
    struct page p = {.h = h, .a = a, .action = at};
    uint32_t *frames = frames_of(h, loop, a, total);
    if (first >= *total)
        return RAC_OK;
    size_t wanted = *total - first < n_max ? *total - first : n_max, kept = 0;
    rac_err err = read_page(&p, frames + first, wanted, v);
    count_iterations(h, frames + first, wanted, *v, at);
    for (size_t i = 0; i < wanted; i++) /* those that are not decided yet are no repetitions */
        if ((*v)[i].status != RAC_WF_NONE)
            (*v)[kept++] = (*v)[i];
    *n = kept;
    return err;
}

static rac_err find_frame(struct rac_history *h, uint32_t graph, rac_str repetition,
                          uint32_t *frame)
{
    uint32_t indexes[RAC_REPETITION_LEVELS_MAX];
    struct rac_history_index path[RAC_REPETITION_LEVELS_MAX];
    size_t n;
    if (graph == UINT32_MAX || !rac_repetition_name_parse(repetition, indexes, &n))
        return RAC_E_NOT_FOUND;
    for (uint32_t f = 0; f < h->frames_n; f++) {
        if (h->frames[f].graph != graph || h->frames[f].index != indexes[n - 1] ||
            path_of(h, f, path) != n)
            continue;
        size_t same = 0;
        while (same < n && path[same].item == indexes[same])
            same++;
        if (same == n) {
            *frame = f;
            return RAC_OK;
        }
    }
    return RAC_E_NOT_FOUND;
}

rac_err rac_history_repetition(struct rac_history *h, rac_str action, rac_str repetition,
                               struct rac_arena *a, struct rac_history_record *out)
{
    uint32_t at = rac_plan_find(h->plan, action), frame;
    struct rac_history_record *v;
    if (at == UINT32_MAX || find_frame(h, history_loop_of(h->plan, h->plan->actions[at].graph),
                                       repetition, &frame) != RAC_OK)
        return RAC_E_NOT_FOUND;
    struct page p = {.h = h, .a = a, .action = at};
    rac_err err = read_page(&p, &frame, 1, &v);
    if (err != RAC_OK)
        return err;
    count_iterations(h, &frame, 1, v, at);
    if (v->status == RAC_WF_NONE)
        return RAC_E_NOT_FOUND;
    *out = *v;
    return RAC_OK;
}

/* --- iterations of a loop --------------------------------------------------------------------- */

static void iteration(struct rac_history *h, uint32_t frame, uint32_t action, struct rac_arena *a,
                      struct rac_history_record *x)
{
    const struct hframe *f = &h->frames[frame];
    *x = (struct rac_history_record){.action = &h->plan->actions[action],
                                     .status = f->status,
                                     .start_ms = f->start_ms,
                                     .end_ms = f->end_ms,
                                     .repetitions = -1,
                                     .iterations = -1};
    name_record(h, frame, x);
    rac_run_id(h->seed, frame, UINT32_MAX, RAC_RUN_ID_ACTION, x->tracking_id);
    if (f->status == RAC_WF_NONE) {
        x->status = h->closed ? RAC_WF_CANCELLED : RAC_WF_RUNNING;
        x->end_ms = h->closed ? h->closed_ms : 0;
    }
    if (x->status == RAC_WF_FAILED) {
        x->error = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &x->error, "code", RAC_S("ActionFailed"));
        RAC_JSON_PUT_STR(a, &x->error, "message",
                         RAC_S("An action failed. No dependent actions succeeded."));
    }
    x->code = x->status == RAC_WF_RUNNING     ? RAC_STR_NULL
              : x->status == RAC_WF_FAILED    ? RAC_S("ActionFailed")
              : x->status == RAC_WF_TIMED_OUT ? RAC_S("ActionTimedOut")
              : x->status == RAC_WF_CANCELLED ? RAC_S("Cancelled")
                                              : RAC_S("NotSpecified");
}

rac_err rac_history_scope_repetitions(struct rac_history *h, rac_str action, size_t first,
                                      size_t n_max, struct rac_arena *a,
                                      struct rac_history_record **v, size_t *n, size_t *total)
{
    uint32_t at = rac_plan_find(h->plan, action);
    *n = *total = 0;
    if (at == UINT32_MAX)
        return RAC_E_NOT_FOUND;
    if (!history_is_loop(&h->plan->actions[at]))
        return rac_history_repetitions(h, action, first, n_max, a, v, n, total);
    uint32_t *frames = frames_of(h, h->plan->actions[at].graphs[0], a, total);
    if (first >= *total)
        return RAC_OK;
    *n = *total - first < n_max ? *total - first : n_max;
    *v = RAC_NEW_N(a, struct rac_history_record, *n);
    for (size_t i = 0; i < *n; i++)
        iteration(h, frames[first + i], at, a, &(*v)[i]);
    return RAC_OK;
}

rac_err rac_history_scope_repetition(struct rac_history *h, rac_str action, rac_str repetition,
                                     struct rac_arena *a, struct rac_history_record *out)
{
    uint32_t at = rac_plan_find(h->plan, action), frame;
    if (at == UINT32_MAX)
        return RAC_E_NOT_FOUND;
    if (!history_is_loop(&h->plan->actions[at]))
        return rac_history_repetition(h, action, repetition, a, out);
    if (find_frame(h, h->plan->actions[at].graphs[0], repetition, &frame) != RAC_OK)
        return RAC_E_NOT_FOUND;
    iteration(h, frame, at, a, out);
    return RAC_OK;
}

/* --- requests (§7.6) -------------------------------------------------------------------------- */

/* The body that a recorded value holds: its own value, as far as it can be read. */
static struct rac_history_value body_in(const struct page *p, const struct rac_history_value *from,
                                        rac_str holder)
{
    struct rac_history_value out = {.secured = from->secured};
    struct rac_json all;
    rac_str text;
    if (!from->has || rac_history_value(p->h, from, p->a, &text) != RAC_OK ||
        rac_json_parse(text, p->a, RAC_JSON_OWN, &all, NULL) != RAC_OK)
        return out;
    const struct rac_json *up = holder.n > 0 ? rac_json_geti(&all, holder) : &all,
                          *body = rac_json_geti(up, RAC_S("body"));
    if (body == NULL)
        return out;
    out.has = true;
    out.text = rac_json_print_str(body, RAC_JSON_FLOATS, p->a);
    out.size = out.text.n;
    return out;
}

/* Bodies that the inputs and outputs of the action tell. */
static void add_bodies(struct page *p, const struct rac_history_record *x)
{
    bool webhook = x->action->type == RAC_WF_TYPE_HTTP_WEBHOOK;
    struct rac_history_value sent = {0}, got = {0};
    uint8_t all = 0;
    for (size_t i = 0; i < p->requests_n; i++)
        all |= p->bits[i];
    if ((all & RAC_RUN_REQUEST_FIRST) != 0)
        sent = body_in(p, &x->inputs, webhook ? RAC_S("subscribe") : RAC_S(""));
    if ((all & RAC_RUN_REQUEST_LAST) != 0)
        got = body_in(p, &x->outputs, RAC_S(""));
    for (size_t i = 0; i < p->requests_n; i++) {
        if ((p->bits[i] & RAC_RUN_REQUEST_FIRST) != 0)
            p->requests[i].request_body = sent;
        if ((p->bits[i] & RAC_RUN_REQUEST_LAST) != 0)
            p->requests[i].response_body = got;
    }
}

/* The request that evaluated inputs make: as it was sent, but for what a sender adds. */
static struct rac_json request_of(const struct rac_json *in, const char *id, struct rac_arena *a)
{
    static const rac_str members[] = {RAC_S_INIT("method"), RAC_S_INIT("uri"),
                                      RAC_S_INIT("headers"), RAC_S_INIT("queries"),
                                      RAC_S_INIT("cookie")};
    struct rac_json o = rac_json_new_object(a), headers = rac_json_new_object(a),
                    http = rac_json_new_object(a);
    struct rac_outbound_options options = {0};
    struct rac_outbound sent = {0};
    rac_str why;
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        const struct rac_json *m = rac_json_geti(in, members[i]);
        if (m != NULL)
            rac_json_put(a, &http, members[i], *m);
    }
    if (rac_outbound_request(&http, &options, a, &sent, &why) != RAC_OK) {
        sent.method = rac_json_str(rac_json_geti(in, RAC_S("method")), RAC_S(""));
        sent.url = rac_json_str(rac_json_geti(in, RAC_S("uri")), RAC_S(""));
    }
    for (size_t i = 0; i < sent.headers.n; i++)
        rac_json_put(a, &headers, sent.headers.v[i].name, rac_json_of_str(sent.headers.v[i].value));
    RAC_JSON_PUT_STR(a, &headers, "x-ms-client-request-id", rac_arena_str(a, rac_str_of(id)));
    RAC_JSON_PUT(a, &o, "headers", headers);
    RAC_JSON_PUT_STR(a, &o, "uri", sent.url);
    RAC_JSON_PUT_STR(a, &o, "method", sent.method);
    return o;
}

/* A recorded value; NONE: there is none. */
static struct rac_json value_of(const struct page *p, const struct rac_history_value *v)
{
    struct rac_json out;
    rac_str text;
    return rac_history_value(p->h, v, p->a, &text) == RAC_OK &&
                   rac_json_parse(text, p->a, RAC_JSON_OWN, &out, NULL) == RAC_OK
               ? out
               : rac_json_none;
}

/* A first request that was also the last has no entry of its own: inputs and outputs tell it. */
static void only_request(struct page *p, const struct rac_history_record *x, uint32_t frame)
{
    char id[37];
    if (x->end_ms == 0 || !x->inputs.has || /* under way; it did not come to that; */
        x->start_ms < p->h->run.start_ms)   /* another run sent it (§4.15) */
        return;
    struct rac_json in = value_of(p, &x->inputs), out = value_of(p, &x->outputs);
    struct rac_history_request *q = request_add(p, x->start_ms, x->end_ms);
    const struct rac_json *status = RAC_JSON_GET(&out, "statusCode"),
                          *answered = RAC_JSON_GET(&out, "headers");
    rac_run_id(p->h->seed, frame, p->action, 1, id);
    q->request = request_of(&in, id, p->a);
    if (x->inputs.secured)
        q->request = *only_method(&q->request, p->a);
    if (status == NULL) {
        q->error = x->error;
        return;
    }
    q->response = rac_json_new_object(p->a);
    if (answered != NULL && !x->outputs.secured)
        RAC_JSON_PUT(p->a, &q->response, "headers", *answered);
    RAC_JSON_PUT(p->a, &q->response, "statusCode", *status);
}

struct plain { /* requests of an action outside of loops */
    struct page *p;
    uint32_t frame;
};

static void plain_entry(void *arg, const struct rac_entry *e)
{
    struct plain *x = arg;
    if (e->kind == RAC_ENTRY_REQUEST && e->action == x->p->action)
        add_request(x->p, e);
    if (e->kind == RAC_ENTRY_STARTED && e->action == x->p->action)
        x->frame = e->frame;
}

rac_err rac_history_requests(struct rac_history *h, rac_str action, rac_str repetition,
                             struct rac_arena *a, struct rac_history_request **v, size_t *n)
{
    uint32_t at = rac_plan_find(h->plan, action), frame;
    struct rac_history_record *x;
    rac_err err;
    *n = 0;
    if (at == UINT32_MAX || (!h->plan->actions[at].in_loop && repetition.n > 0))
        return RAC_E_NOT_FOUND;
    if (h->plan->actions[at].in_loop && repetition.n == 0) /* §7.6: they are those of repetitions */
        return RAC_OK;
    struct page p = {.h = h, .a = a, .action = at, .wants_requests = true};
    if (h->plan->actions[at].in_loop) {
        if (find_frame(h, history_loop_of(h->plan, h->plan->actions[at].graph), repetition,
                       &frame) != RAC_OK)
            return RAC_E_NOT_FOUND;
        err = read_page(&p, &frame, 1, &x);
        frame = p.v[0].own;
    } else {
        struct plain plain = {&p, 0};
        err = history_each(h, plain_entry, &plain);
        x = &h->actions[at].record;
        frame = plain.frame;
    }
    if (err == RAC_OK && p.requests_n == 0 && h->plan->actions[at].type == RAC_WF_TYPE_HTTP)
        only_request(&p, x, frame);
    if (err == RAC_OK && p.requests_n > 0)
        add_bodies(&p, x);
    *v = p.requests;
    *n = p.requests_n;
    return err;
}
