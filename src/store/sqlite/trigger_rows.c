/*
 * Triggers: their state, when they are due, and the evaluations that started no run.
 */
#include "store/sqlite/store_priv.h"

static const char place[] = "flow_triggers";

static rac_str row_of(struct rac_arena *a, int64_t flow, rac_str trigger)
{
    return rac_arena_printf(a, "%lld/%.*s", (long long)flow, RAC_FMT(trigger));
}

static rac_err trigger_get(void *self, int64_t flow, rac_str trigger, struct rac_arena *a,
                           struct rac_flow_trigger_row *out)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, TRIGGER_GET, V_I64(flow), V_STR(trigger));
    bool found = rac_db_next(&r);
    rac_str sealed = found ? rac_db_str(&r, 6, a) : RAC_STR_NULL;
    if (found)
        *out = (struct rac_flow_trigger_row){.flow = flow,
                                             .tenant = rac_db_str(&r, 4, a),
                                             .trigger = rac_arena_str(a, trigger),
                                             .state = rac_db_str(&r, 0, a),
                                             .status = rac_db_str(&r, 1, a),
                                             .due_ms = rac_db_i64(&r, 2),
                                             .last_ms = rac_db_i64(&r, 3),
                                             .calls = rac_db_i64(&r, 5)};
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || sealed.p == NULL)
        return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
    return rac_store_unseal(rac_session(self)->s, out->tenant, place, row_of(a, flow, trigger),
                            sealed, a, &out->secret);
}

static rac_err due_triggers(void *self, const struct rac_flow_due *after, rac_ms to_ms,
                            size_t n_max, struct rac_arena *a, struct rac_flow_due **v, size_t *n,
                            rac_ms *next_ms)
{
    struct rac_db *db = &rac_session(self)->db;
    const struct rac_flow_due from = after != NULL ? *after : (struct rac_flow_due){0};
    struct rac_db_rows r =
        RAC_DB_QUERY(db, TRIGGER_DUE, V_I64(from.due_ms), V_I64(from.flow), V_TEXT(from.name),
                     V_I64(to_ms), V_I64(rac_page_size(n_max)));
    rac_err e = rac_due_rows(&r, rac_page_size(n_max), a, v, n);
    *next_ms = 0;
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(db, TRIGGER_DUE_NEXT, next_ms, V_I64(to_ms));
    return e == RAC_E_NOT_FOUND ? RAC_OK : e;
}

/* --- history --- */

static void read_event(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_flow_event_row *v = row;
    *v = (struct rac_flow_event_row){.name = rac_db_str(r, 0, a),
                                     .trigger = rac_db_str(r, 1, a),
                                     .status = rac_db_str(r, 2, a),
                                     .code = rac_db_str(r, 3, a),
                                     .error = rac_db_str(r, 4, a),
                                     .correlation = rac_db_str(r, 5, a),
                                     .inputs = rac_db_str(r, 6, a),
                                     .outputs = rac_db_str(r, 7, a),
                                     .start_ms = rac_db_i64(r, 8),
                                     .end_ms = rac_db_i64(r, 9),
                                     .scheduled_ms = rac_db_i64(r, 10)};
}

static rac_err event_get(void *self, int64_t flow, rac_str trigger, rac_str name,
                         struct rac_arena *a, struct rac_flow_event_row *out)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, EVENT_GET, V_I64(flow), V_STR(name), V_STR(trigger));
    bool found = rac_db_next(&r);
    if (found)
        read_event(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err event_list(void *self, int64_t flow, const struct rac_flow_event_query *q,
                          struct rac_arena *a, struct rac_flow_event_row **v, size_t *n, bool *more)
{
    size_t page = q->n_max ? rac_page_size(q->n_max) : 30;
    RAC_ASSERT(q->statuses_n <= RAC_COUNT(q->statuses));
    struct rac_db_rows r = RAC_DB_QUERY(
        &rac_session(self)->db, EVENT_LIST, V_I64(flow), V_TEXT(q->after), V_STR(q->trigger),
        V_STR(rac_status_list(a, q->statuses, q->statuses_n)), V_I64(q->start_from_ms),
        V_I64(q->start_to_ms ? q->start_to_ms : INT64_MAX), V_I64(page + 1));
    return RAC_DB_ALL(&r, page, read_event, a, v, n, more);
}

/* --- writing --- */

rac_err rac_trigger_put(struct rac_store *s, const struct rac_flow_trigger_row *t)
{
    if (t->state.p != NULL && t->state.n == 0)
        return RAC_DB_RUN(&s->db, TRIGGER_DEL, NULL, V_I64(t->flow), V_STR(t->trigger));
    return RAC_DB_RUN(&s->db, TRIGGER_PUT, NULL, V_I64(t->flow), V_STR(t->trigger),
                      V_I64(t->due_ms), V_I64(t->last_ms), V_STR(t->status), V_STR(t->state),
                      V_I64(t->seen_ms), V_I64(t->calls), V_BLOB(t->secret));
}

void rac_trigger_copy(struct rac_arena *a, struct rac_flow_trigger_row *t)
{
    rac_str *const texts[] = {&t->tenant, &t->trigger, &t->state, &t->status};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(a, *texts[i]);
    t->secret = RAC_STR_NULL;
}

struct save {
    int64_t flow;
    const struct rac_flow_trigger_row *trigger; /* NULL: only the event */
    const struct rac_flow_event_row *event;     /* NULL: none */
};

static rac_err event_put(struct rac_store *s, struct rac_write *w, int64_t flow,
                         const struct rac_flow_event_row *v)
{
    rac_err e = v->release != NULL ? rac_release_check(s, w, v->release) : RAC_OK;
    if (e != RAC_OK)
        return e;
    e = RAC_DB_RUN(&s->db, EVENT_ADD, NULL, V_I64(flow), V_TEXT(v->name), V_TEXT(v->trigger),
                   V_TEXT(v->status), V_STR(v->code), V_STR(v->error), V_STR(v->correlation),
                   V_STR(v->inputs), V_STR(v->outputs), V_I64(v->start_ms), V_I64(v->end_ms),
                   V_I64(v->scheduled_ms));
    return e == RAC_OK && v->release != NULL ? rac_release_put(s, w, v->release) : e;
}

static rac_err save_apply(struct rac_store *s, struct rac_write *w)
{
    const struct save *q = w->req;
    int64_t one;
    bool goes = q->trigger != NULL && q->trigger->state.p != NULL && q->trigger->state.n == 0;
    rac_err e = RAC_DB_NUMBER(&s->db, FLOW_ALIVE, &one, V_STR(w->tenant), V_I64(q->flow));
    if (e == RAC_E_NOT_FOUND && goes) /* the last of a deleted workflow */
        return rac_trigger_put(s, q->trigger);
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "there is no such workflow");
    if (e == RAC_OK && q->trigger != NULL)
        e = rac_trigger_put(s, q->trigger);
    if (e == RAC_OK && q->event != NULL)
        e = event_put(s, w, q->flow, q->event);
    return e;
}

static void submit(void *self, int64_t flow, rac_str tenant, const struct rac_flow_trigger_row *t,
                   const struct rac_flow_event_row *event, rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), save_apply, tenant, NULL, 0, done, arg);
    struct rac_arena *a = &w->a;
    struct save *q = RAC_NEW(a, struct save);
    rac_err sealed = RAC_OK;
    q->flow = flow;
    if (t != NULL) {
        struct rac_flow_trigger_row *copy = RAC_NEW(a, struct rac_flow_trigger_row);
        *copy = *t;
        rac_trigger_copy(a, copy);
        if (t->secret.p != NULL)
            sealed = rac_store_seal(rac_session(self)->s, tenant, place,
                                    row_of(a, flow, t->trigger), t->secret, a, &copy->secret);
        q->trigger = copy;
    }
    if (event != NULL) {
        struct rac_flow_event_row *copy = RAC_NEW(a, struct rac_flow_event_row);
        *copy = *event;
        rac_str *const texts[] = {&copy->name,  &copy->trigger,     &copy->status, &copy->code,
                                  &copy->error, &copy->correlation, &copy->inputs, &copy->outputs};
        for (size_t i = 0; i < RAC_COUNT(texts); i++)
            *texts[i] = rac_copy(a, *texts[i]);
        copy->release = rac_release_copy(a, event->release);
        q->event = copy;
    }
    w->req = q;
    if (sealed != RAC_OK)
        rac_write_refuse(w, sealed, "what the trigger remembers could not be sealed");
    else if (rac_arena_over(a))
        rac_write_refuse(w, RAC_E_LIMIT, "what the trigger left is too large to be kept");
    else
        rac_write_submit(w);
}

static void trigger_save(void *self, const struct rac_flow_trigger_row *r,
                         const struct rac_flow_event_row *event, rac_commit_fn done, void *arg)
{
    submit(self, r->flow, r->tenant, r, event, done, arg);
}

static void event_add(void *self, int64_t flow, rac_str tenant,
                      const struct rac_flow_event_row *event, rac_commit_fn done, void *arg)
{
    submit(self, flow, tenant, NULL, event, done, arg);
}

void rac_trigger_rows_port(struct rac_flow_store *p)
{
    p->trigger_get = trigger_get;
    p->trigger_save = trigger_save;
    p->event_add = event_add;
    p->event_get = event_get;
    p->event_list = event_list;
    p->due_triggers = due_triggers;
}
