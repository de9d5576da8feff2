/*
 * Messages that wait in batches (spec workflows §2.10). They come with the turn of the run that sends
 * them and go with the turn of the run that gets them, so none is lost or there twice.
 */
#include "store/sqlite/store_priv.h"

enum {
    MARK_PARTS = 1000,  /* looked at in one commit */
    DROP_MESSAGES = 500 /* removed in one commit */
};

static bool is_full(const struct rac_flow_full *f, int64_t messages, int64_t bytes)
{
    return (f->messages > 0 && messages >= f->messages) || (f->bytes > 0 && bytes >= f->bytes);
}

/* Its trigger is due now; a scheduler that saves what it read before sees that it was called. */
static rac_err call_trigger(struct rac_store *s, struct rac_write *w, int64_t flow, rac_str trigger)
{
    w->touches |= RAC_TOUCH_READY;
    return RAC_DB_RUN(&s->db, TRIGGER_CALL, NULL, V_I64(flow), V_STR(trigger),
                      V_I64(rac_env_wall_ms(s->env)));
}

/* --- coming ----------------------------------------------------------------------------------- */

struct part {
    int64_t id, messages_n, bytes_n, next_n;
    bool ready;
};

static rac_err part_get(struct rac_store *s, const struct rac_flow_message *m, struct part *p)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&s->db, PART_GET, V_I64(m->flow), V_STR(m->batch), V_TEXT(m->partition));
    bool found = rac_db_next(&r);
    if (found)
        *p = (struct part){rac_db_i64(&r, 0), rac_db_i64(&r, 1), rac_db_i64(&r, 2),
                           rac_db_i64(&r, 3), rac_db_i64(&r, 4) != 0};
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

/* Numbers are not given twice while the process lives, so that nobody releases a wrong part. */
static rac_err next_part(struct rac_store *s, int64_t *id)
{
    rac_err e = RAC_OK;
    if (s->part_next == 0)
        e = RAC_DB_NUMBER(&s->db, PART_NEXT, &s->part_next);
    *id = e == RAC_OK ? s->part_next++ : 0;
    return e;
}

rac_err rac_message_put(struct rac_store *s, struct rac_write *w, const struct rac_flow_message *m)
{
    struct part p = {.next_n = 1};
    int64_t one, bytes = (int64_t)m->content.n;
    rac_ms now = rac_env_wall_ms(s->env);
    rac_err e = RAC_DB_NUMBER(&s->db, FLOW_ALIVE, &one, V_STR(m->tenant), V_I64(m->flow));
    if (e != RAC_OK)
        return e == RAC_E_NOT_FOUND ? RAC_OK : e;
    e = part_get(s, m, &p);
    bool made = e == RAC_E_NOT_FOUND;
    bool ready = p.ready || is_full(&m->full, p.messages_n + 1, p.bytes_n + bytes);
    if (made && (e = next_part(s, &p.id)) == RAC_OK)
        e = RAC_DB_RUN(&s->db, PART_ADD, NULL, V_I64(p.id), V_I64(m->flow), V_STR(m->batch),
                       V_TEXT(m->partition), V_I64(bytes), V_I64(now), V_I64(ready));
    else if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, PART_GROW, NULL, V_I64(p.id), V_I64(bytes), V_I64(ready));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, MESSAGE_ADD, NULL, V_I64(p.id), V_I64(p.next_n), V_I64(now),
                       V_I64(bytes), V_TEXT(m->id), V_TEXT(m->content));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, BATCHED_PUT, NULL, V_I64(m->flow), V_I64(1), V_I64(bytes));
    return e == RAC_OK && ready && !p.ready ? call_trigger(s, w, m->flow, m->trigger) : e;
}

void rac_message_copy(struct rac_arena *a, struct rac_flow_message *m)
{
    rac_str *const texts[] = {&m->tenant,    &m->trigger, &m->batch,
                              &m->partition, &m->id,      &m->content};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(a, *texts[i]);
}

static rac_err add_apply(struct rac_store *s, struct rac_write *w)
{
    return rac_message_put(s, w, w->req);
}

static void message_add(void *self, const struct rac_flow_message *m, rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), add_apply, m->tenant, NULL, 0, done, arg);
    struct rac_flow_message *q = RAC_NEW(&w->a, struct rac_flow_message);
    *q = *m;
    rac_message_copy(&w->a, q);
    w->req = q;
    if (rac_arena_over(&w->a))
        rac_write_refuse(w, RAC_E_LIMIT, "the message is too large to be kept");
    else
        rac_write_submit(w);
}

/* --- going ------------------------------------------------------------------------------------ */

rac_err rac_release_check(struct rac_store *s, struct rac_write *w,
                          const struct rac_flow_release *r)
{
    int64_t n = 0;
    rac_err e =
        RAC_DB_NUMBER(&s->db, MESSAGE_SUM, &n, V_I64(r->part), V_I64(r->first), V_I64(r->last));
    if (e == RAC_OK && n != r->n)
        return rac_write_fail(w, RAC_E_CONFLICT,
                              "the messages of the batch are not there any more");
    return e;
}

/* Numbers of what stays in a part after some went; settled: RAC_E_NOT_FOUND, nothing stays. */
static rac_err oldest(struct rac_store *s, int64_t part, int64_t *number, rac_ms *at_ms)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, MESSAGE_OLDEST, V_I64(part));
    bool found = rac_db_next(&r);
    if (found) {
        *number = rac_db_i64(&r, 0);
        *at_ms = rac_db_i64(&r, 1);
    }
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

struct head {
    int64_t messages_n, bytes_n, through, last;
    bool ready;
};

static rac_err head_get(struct rac_store *s, int64_t flow, int64_t part, struct head *h)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, PART_HEAD, V_I64(part), V_I64(flow));
    bool found = rac_db_next(&r);
    if (found)
        *h = (struct head){.messages_n = rac_db_i64(&r, 0),
                           .bytes_n = rac_db_i64(&r, 1),
                           .through = rac_db_i64(&r, 2),
                           .ready = rac_db_i64(&r, 3) != 0,
                           .last = rac_db_i64(&r, 4)};
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

/* Messages from first to last of a part go; the part says what is left. A release says whether that
 * is ready (*ready), a drop leaves it as it was: it does not know when it is full. */
static rac_err take_out(struct rac_store *s, const struct rac_flow_release *q, struct head *h,
                        bool drops, int64_t *gone, bool *ready)
{
    int64_t bytes = 0, number = 0;
    rac_ms at_ms = 0;
    *ready = false;
    struct rac_db_rows r =
        RAC_DB_QUERY(&s->db, MESSAGE_SUM, V_I64(q->part), V_I64(q->first), V_I64(q->last));
    if (rac_db_next(&r)) {
        *gone = rac_db_i64(&r, 0);
        bytes = rac_db_i64(&r, 1);
    }
    rac_err e = rac_db_end(&r);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, MESSAGE_DEL, NULL, V_I64(q->part), V_I64(q->first), V_I64(q->last));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, BATCHED_PUT, NULL, V_I64(q->flow), V_I64(-*gone), V_I64(-bytes));
    if (e == RAC_OK)
        e = oldest(s, q->part, &number, &at_ms);
    if (e == RAC_E_NOT_FOUND)
        return RAC_DB_RUN(&s->db, PART_DEL, NULL, V_I64(q->part));
    h->messages_n -= *gone;
    h->bytes_n -= bytes;
    h->through = q->through > h->through ? q->through : h->through;
    h->through = number > h->through ? 0 : h->through;
    *ready = h->through > 0 || (drops ? h->ready : is_full(&q->full, h->messages_n, h->bytes_n));
    return e != RAC_OK
               ? e
               : RAC_DB_RUN(&s->db, PART_SET, NULL, V_I64(q->part), V_I64(h->messages_n),
                            V_I64(h->bytes_n), V_I64(at_ms), V_I64(h->through), V_I64(*ready));
}

rac_err rac_release_put(struct rac_store *s, struct rac_write *w, const struct rac_flow_release *r)
{
    int64_t gone = 0;
    struct head h = {0};
    bool ready = false;
    rac_err e = head_get(s, r->flow, r->part, &h);
    if (e == RAC_OK)
        e = take_out(s, r, &h, false, &gone, &ready);
    return e == RAC_OK && ready ? call_trigger(s, w, r->flow, r->trigger) : e;
}

const struct rac_flow_release *rac_release_copy(struct rac_arena *a,
                                                const struct rac_flow_release *r)
{
    if (r == NULL)
        return NULL;
    struct rac_flow_release *copy = RAC_NEW(a, struct rac_flow_release);
    *copy = *r;
    copy->trigger = rac_copy(a, r->trigger);
    return copy;
}

/* --- marking, dropping ------------------------------------------------------------------------ */

static rac_err mark_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_flow_mark *m = w->req;
    rac_str edge = RAC_STR_NULL;
    int64_t one;
    rac_err e = RAC_DB_NUMBER(&s->db, FLOW_ALIVE, &one, V_STR(w->tenant), V_I64(m->flow));
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "there is no such workflow");
    if (e != RAC_OK)
        return e;
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, PART_EDGE, V_I64(m->flow), V_STR(m->batch),
                                        V_TEXT(m->after), V_I64(MARK_PARTS - 1));
    if (rac_db_next(&r))
        edge = rac_db_str(&r, 0, &w->a);
    e = rac_db_end(&r);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, PART_MARK, &w->commit.version, V_I64(m->flow), V_STR(m->batch),
                       V_TEXT(m->after), V_STR(edge), V_I64(m->before_ms), V_I64(m->full.messages),
                       V_I64(m->full.bytes));
    w->commit.id = edge;
    return e == RAC_OK && w->commit.version > 0 ? call_trigger(s, w, m->flow, m->trigger) : e;
}

static void part_mark(void *self, const struct rac_flow_mark *m, rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), mark_apply, m->tenant, NULL, 0, done, arg);
    struct rac_flow_mark *q = RAC_NEW(&w->a, struct rac_flow_mark);
    *q = *m;
    rac_str *const texts[] = {&q->tenant, &q->trigger, &q->batch, &q->after};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(&w->a, *texts[i]);
    w->req = q;
    rac_write_submit(w);
}

/* A bite of the oldest messages of a part, none beyond through. */
static rac_err drop_bite(struct rac_store *s, int64_t flow, int64_t part, struct head *h,
                         int64_t through, int64_t *gone)
{
    struct rac_flow_release r = {.flow = flow, .part = part};
    int64_t nth = through;
    bool ready;
    rac_err e = RAC_DB_NUMBER(&s->db, MESSAGE_NTH, &nth, V_I64(part), V_I64(DROP_MESSAGES - 1));
    r.last = nth < through ? nth : through;
    return e == RAC_OK || e == RAC_E_NOT_FOUND ? take_out(s, &r, h, true, gone, &ready) : e;
}

struct drop {
    int64_t flow, part, through;
};

static rac_err drop_apply(struct rac_store *s, struct rac_write *w)
{
    const struct drop *q = w->req;
    struct head h;
    int64_t one;
    rac_err e = RAC_DB_NUMBER(&s->db, FLOW_ALIVE, &one, V_STR(w->tenant), V_I64(q->flow));
    if (e == RAC_OK)
        e = head_get(s, q->flow, q->part, &h);
    if (e != RAC_OK)
        return e == RAC_E_NOT_FOUND ? RAC_OK : e;
    w->commit.revision = q->through > 0 ? q->through : h.last;
    return drop_bite(s, q->flow, q->part, &h, w->commit.revision, &w->commit.version);
}

static void part_drop(void *self, rac_str tenant, int64_t flow, int64_t part, int64_t through,
                      rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), drop_apply, tenant, NULL, 0, done, arg);
    struct drop *q = RAC_NEW(&w->a, struct drop);
    *q = (struct drop){flow, part, through};
    w->req = q;
    rac_write_submit(w);
}

rac_err rac_batch_purge(struct rac_store *s, int64_t flow, size_t *n)
{
    int64_t part, gone = 0;
    struct head h;
    rac_err e = RAC_DB_NUMBER(&s->db, FLOW_GONE_PART, &part, V_I64(flow));
    *n = e == RAC_OK;
    if (e == RAC_E_NOT_FOUND)
        return RAC_DB_RUN(&s->db, FLOW_GONE_BATCHED, NULL, V_I64(flow));
    if (e == RAC_OK)
        e = head_get(s, flow, part, &h);
    return e == RAC_OK ? drop_bite(s, flow, part, &h, INT64_MAX, &gone) : e;
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint64_t ready_counter(void *self)
{
    return atomic_load_explicit(&rac_session(self)->s->ready_counter, memory_order_acquire);
}

static void read_part(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_flow_part_row *)row = (struct rac_flow_part_row){.id = rac_db_i64(r, 0),
                                                                  .batch = rac_db_str(r, 1, a),
                                                                  .partition = rac_db_str(r, 2, a),
                                                                  .messages_n = rac_db_i64(r, 3),
                                                                  .bytes_n = rac_db_i64(r, 4),
                                                                  .first_ms = rac_db_i64(r, 5),
                                                                  .through = rac_db_i64(r, 6),
                                                                  .ready = rac_db_i64(r, 7) != 0};
}

static rac_err part_list(void *self, int64_t flow, const struct rac_flow_part_query *q,
                         struct rac_arena *a, struct rac_flow_part_row **v, size_t *n, bool *more)
{
    struct rac_db *db = &rac_session(self)->db;
    size_t page = rac_page_size(q->n_max);
    struct rac_db_rows r =
        q->ready ? RAC_DB_QUERY(db, PART_READY, V_I64(flow), V_TEXT(q->batch), V_I64(q->after),
                                V_I64(page + 1))
                 : RAC_DB_QUERY(db, PART_LIST, V_I64(flow), V_TEXT(q->after_batch),
                                V_TEXT(q->after_partition), V_STR(q->batch), V_I64(page + 1));
    return RAC_DB_ALL(&r, page, read_part, a, v, n, more);
}

static rac_err message_list(void *self, int64_t part, size_t n_max, int64_t bytes_max,
                            struct rac_arena *a, struct rac_flow_message_row **v, size_t *n)
{
    struct rac_flow_message_row *rows = NULL;
    size_t got = 0, cap = 0;
    int64_t bytes = 0;
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, MESSAGE_LIST, V_I64(part), V_I64(n_max));
    while (bytes < bytes_max && rac_db_next(&r)) {
        bytes += rac_db_i64(&r, 4);
        struct rac_flow_message_row *row = rac_db_room(a, &rows, got, &cap, sizeof *rows);
        *row = (struct rac_flow_message_row){.number = rac_db_i64(&r, 0),
                                             .id = rac_db_str(&r, 1, a),
                                             .content = rac_db_str(&r, 2, a),
                                             .at_ms = rac_db_i64(&r, 3)};
        got++;
        if (rac_arena_over(a)) {
            (void)!rac_db_end(&r);
            return RAC_E_LIMIT;
        }
    }
    *v = rows;
    *n = got;
    return rac_db_end(&r);
}

static rac_err message_count(void *self, int64_t flow, int64_t *messages, int64_t *bytes)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, BATCHED_GET, V_I64(flow));
    bool found = rac_db_next(&r);
    *messages = found ? rac_db_i64(&r, 0) : 0;
    *bytes = found ? rac_db_i64(&r, 1) : 0;
    return rac_db_end(&r);
}

void rac_batch_rows_port(struct rac_flow_store *p)
{
    p->ready_counter = ready_counter;
    p->message_add = message_add;
    p->part_list = part_list;
    p->message_list = message_list;
    p->message_count = message_count;
    p->part_mark = part_mark;
    p->part_drop = part_drop;
}
