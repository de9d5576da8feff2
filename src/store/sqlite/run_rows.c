/*
 * Runs: turns, lists, journals, large values, timers, retention.
 *
 * A turn is the hot path. Everything that can refuse it is looked at before the first row is
 * written, so that it needs no savepoint (store_priv.h, RAC_APPLY_WHOLE). A run that ends in the
 * turn that started it is two appends and one index entry: its row and its journal have ascending
 * numbers.
 */
#include "store/sqlite/store_priv.h"

enum {
    PIECE_BITS = 24, /* a journal piece's row is run << PIECE_BITS | number of the piece */
    PIECES_MAX = 1 << PIECE_BITS,
    NAME_SLACK_MS = 3600000, /* how far the order of names may be off that of starts */
    RETAIN_LOOK_MAX = 2000,  /* rows looked at, */
    RETAIN_DROP_MAX = 200,   /* runs and events removed in one commit */
};

static int64_t piece_row(int64_t run, int64_t n)
{
    return run * PIECES_MAX + n;
}

rac_str rac_status_list(struct rac_arena *a, const rac_str *v, size_t n)
{
    return n == 0 ? RAC_STR_NULL : rac_id_list(a, RAC_STR_NULL, v, n);
}

/* --- turns --- */

struct turn {
    struct rac_flow_turn t;
    const struct rac_flow_trigger_row *trigger; /* NULL: none */
};

/* Of the open runs of a trigger: one less as before was, one more as now is; absent is ended. */
static rac_err count_open(struct rac_store *s, int64_t flow, rac_str trigger, rac_str before,
                          rac_str now)
{
    const rac_str waiting = RAC_S("Waiting");
    bool was = before.p != NULL && rac_str_eq(before, waiting);
    bool is = now.p != NULL && rac_str_eq(now, waiting);
    int64_t waits = (int64_t)is - was;
    int64_t runs = (int64_t)(now.p != NULL && !is) - (before.p != NULL && !was);
    if (waits == 0 && runs == 0)
        return RAC_OK;
    return RAC_DB_RUN(&s->db, OPEN_PUT, NULL, V_I64(flow), V_TEXT(trigger), V_I64(runs),
                      V_I64(waits));
}

/* The trigger's row before the messages, which may say that it is due all the same. */
static rac_err put_content(struct rac_store *s, struct rac_write *w, int64_t run, int64_t piece)
{
    const struct turn *q = w->req;
    rac_err e = RAC_OK;
    if (q->t.journal.n > 0)
        e = RAC_DB_RUN(&s->db, JOURNAL_ADD, NULL, V_I64(piece_row(run, piece)),
                       V_BLOB(q->t.journal));
    for (size_t i = 0; i < q->t.values_n && e == RAC_OK; i++)
        e = RAC_DB_RUN(&s->db, VALUE_ADD, NULL, V_I64(run),
                       V_STR(rac_str_of(q->t.values[i].digest)), V_BLOB(q->t.values[i].bytes));
    if (e == RAC_OK && q->trigger != NULL)
        e = rac_trigger_put(s, q->trigger);
    if (e == RAC_OK && q->t.release != NULL)
        e = rac_release_put(s, w, q->t.release);
    for (size_t i = 0; i < q->t.messages_n && e == RAC_OK; i++)
        e = rac_message_put(s, w, &q->t.messages[i]);
    return e;
}

/* Numbers are not given twice while the process lives, so that nobody holds on to a wrong row. */
static rac_err next_run(struct rac_store *s, int64_t *id)
{
    rac_err e = RAC_OK;
    if (s->run_next == 0)
        e = RAC_DB_NUMBER(&s->db, RUN_NEXT, &s->run_next);
    *id = e == RAC_OK ? s->run_next++ : 0;
    return e == RAC_OK && *id >= INT64_MAX / PIECES_MAX ? RAC_E_LIMIT : e;
}

static rac_err turn_create(struct rac_store *s, struct rac_write *w)
{
    const struct turn *q = w->req;
    const struct rac_flow_turn *t = &q->t;
    int64_t one, id = 0;
    rac_err e = RAC_DB_NUMBER(&s->db, FLOW_ALIVE, &one, V_STR(w->tenant), V_I64(t->flow));
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "there is no such workflow");
    if (e == RAC_OK && t->release != NULL && (e = rac_release_check(s, w, t->release)) != RAC_OK)
        return e;
    if (e == RAC_OK)
        e = next_run(s, &id);
    if (e != RAC_OK)
        return e;
    e = RAC_DB_RUN(&s->db, RUN_ADD, NULL, V_I64(t->flow), V_I64(id), V_TEXT(t->name),
                   V_TEXT(t->status), V_I64(t->start_ms), V_I64(t->end_ms),
                   V_I64(t->end_ms ? 0 : t->due_ms), V_I64(t->journal.n > 0), V_I64(t->journal.n),
                   V_TEXT(t->revision), V_TEXT(t->trigger), V_STR(t->code), V_STR(t->error),
                   V_STR(rac_str_eq(t->tracking, t->name) ? RAC_STR_NULL : t->tracking),
                   V_STR(t->correlation));
    if (e == RAC_E_EXISTS) /* nothing was written: the row is refused as a whole */
        return rac_write_fail(w, e, "a run of this name exists");
    w->wrote = true;
    if (e == RAC_OK)
        e = put_content(s, w, id, 0);
    if (e == RAC_OK && t->end_ms == 0)
        e = count_open(s, t->flow, t->trigger, RAC_STR_NULL, t->status);
    w->commit.version = id;
    return e;
}

struct head {
    int64_t pieces_n, end_ms, deleted_ms;
    rac_str status, trigger;
};

static rac_err head_of(struct rac_store *s, struct rac_write *w, int64_t flow, int64_t id,
                       struct head *h)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, RUN_HEAD, V_I64(flow), V_I64(id));
    bool found = rac_db_next(&r);
    if (found)
        *h = (struct head){rac_db_i64(&r, 0), rac_db_i64(&r, 2), rac_db_i64(&r, 3),
                           rac_db_str(&r, 1, &w->a), rac_db_str(&r, 4, &w->a)};
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err turn_append(struct rac_store *s, struct rac_write *w)
{
    const struct turn *q = w->req;
    const struct rac_flow_turn *t = &q->t;
    struct head h;
    rac_err e = head_of(s, w, t->flow, t->id, &h);
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, RAC_E_CONFLICT, "there is no such run any more");
    if (e == RAC_OK && h.end_ms > 0)
        return rac_write_fail(w, RAC_E_CONFLICT, "the run has ended");
    if (e == RAC_OK && h.deleted_ms > 0)
        return rac_write_fail(w, RAC_E_CONFLICT, "the workflow was deleted");
    if (e == RAC_OK && h.pieces_n >= PIECES_MAX - (t->end_ms == 0)) /* the last one is its end */
        return rac_write_fail(w, RAC_E_LIMIT, "the run has taken too many turns");
    if (e != RAC_OK)
        return e;
    w->wrote = true;
    e = RAC_DB_RUN(&s->db, RUN_SET, NULL, V_I64(t->flow), V_I64(t->id), V_TEXT(t->status),
                   V_STR(t->code), V_STR(t->error), V_I64(t->end_ms),
                   V_I64(t->end_ms ? 0 : t->due_ms), V_I64(t->journal.n > 0), V_I64(t->journal.n));
    if (e == RAC_OK)
        e = put_content(s, w, t->id, h.pieces_n);
    if (e == RAC_OK)
        e = count_open(s, t->flow, h.trigger, h.status, t->end_ms > 0 ? RAC_STR_NULL : t->status);
    w->commit.version = t->id;
    return e;
}

static rac_err turn_apply(struct rac_store *s, struct rac_write *w)
{
    return RAC_WRITE_REQ(w, struct turn)->t.create ? turn_create(s, w) : turn_append(s, w);
}

static void turn_finish(struct rac_store_session *ses, struct rac_write *w)
{
    (void)ses;
    rac_flow_turn_fn done = (rac_flow_turn_fn)w->finish_fn;
    bool ok = w->commit.err == RAC_OK;
    if (done != NULL)
        done(w->arg, w->commit.err, w->commit.error, ok ? w->commit.version : 0);
}

static void copy_turn(struct rac_arena *a, const struct rac_flow_turn *t, struct turn *q)
{
    q->t = *t;
    rac_str *const texts[] = {&q->t.status, &q->t.code, &q->t.error, &q->t.journal};
    rac_str *const created[] = {&q->t.name, &q->t.revision, &q->t.trigger, &q->t.tracking,
                                &q->t.correlation};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(a, *texts[i]);
    for (size_t i = 0; i < RAC_COUNT(created); i++)
        *created[i] = t->create ? rac_copy(a, *created[i]) : RAC_STR_NULL;
    struct rac_flow_message *messages = RAC_NEW_N(a, struct rac_flow_message, t->messages_n);
    for (size_t i = 0; i < t->messages_n; i++) {
        messages[i] = t->messages[i];
        rac_message_copy(a, &messages[i]);
    }
    q->t.messages = messages;
    q->t.release = t->create ? rac_release_copy(a, t->release) : NULL;
}

/* Values are not copied, but count: what is committed at once must fit. */
static bool fits(const struct rac_arena *a, const struct rac_flow_turn *t)
{
    size_t bytes = a->used_bytes;
    for (size_t i = 0; i < t->values_n; i++)
        bytes += t->values[i].bytes.n;
    return !rac_arena_over(a) && bytes <= a->bytes_max;
}

static void turn(void *self, const struct rac_flow_turn *t,
                 const struct rac_flow_trigger_row *trigger, rac_flow_turn_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), turn_apply, t->tenant, NULL, RAC_APPLY_WHOLE, NULL, arg);
    struct rac_arena *a = &w->a;
    struct turn *q = RAC_NEW(a, struct turn);
    copy_turn(a, t, q);
    q->t.tenant = w->tenant;
    if (trigger != NULL) {
        struct rac_flow_trigger_row *copy = RAC_NEW(a, struct rac_flow_trigger_row);
        *copy = *trigger;
        rac_trigger_copy(a, copy);
        q->trigger = copy;
    }
    w->req = q;
    w->finish = turn_finish;
    w->finish_fn = (void *)done;
    if (!fits(a, t))
        rac_write_refuse(w, RAC_E_LIMIT, "what the run did is too large to be kept");
    else
        rac_write_submit(w);
}

/* --- reading --- */

static void read_run(struct rac_db_rows *r, struct rac_arena *a, struct rac_flow_run_row *v)
{
    *v = (struct rac_flow_run_row){.id = rac_db_i64(r, 0),
                                   .flow = rac_db_i64(r, 1),
                                   .tenant = rac_db_str(r, 2, a),
                                   .name = rac_db_str(r, 3, a),
                                   .revision = rac_db_str(r, 4, a),
                                   .trigger = rac_db_str(r, 5, a),
                                   .status = rac_db_str(r, 6, a),
                                   .code = rac_db_str(r, 7, a),
                                   .error = rac_db_str(r, 8, a),
                                   .correlation = rac_db_str(r, 10, a),
                                   .start_ms = rac_db_i64(r, 11),
                                   .end_ms = rac_db_i64(r, 12),
                                   .due_ms = rac_db_i64(r, 13),
                                   .journal_bytes = rac_db_i64(r, 14)};
    v->tracking = rac_db_is_null(r, 9) ? v->name : rac_db_str(r, 9, a);
    rac_ms deleted_ms = rac_db_i64(r, 15);
    if (deleted_ms > 0 && v->end_ms == 0) { /* its workflow went, and took it along */
        v->status = RAC_S("Cancelled");
        v->end_ms = deleted_ms;
        v->due_ms = 0;
    }
}

static rac_err run_get(void *self, int64_t flow, rac_str name, struct rac_arena *a,
                       struct rac_flow_run_row *out)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, RUN_GET, V_I64(flow), V_STR(name));
    bool found = rac_db_next(&r);
    if (found)
        read_run(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

/* Whether all statuses asked for are among these; false when none is. */
static bool only(const struct rac_flow_run_query *q, const rac_str *among, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < q->statuses_n; i++)
        for (size_t j = 0; j < n; j++)
            found += rac_str_eq(q->statuses[i], among[j]);
    return found > 0 && found == q->statuses_n;
}

/* The narrowest index that has all that can match. */
static struct rac_db_rows list_rows(struct rac_db *db, int64_t flow,
                                    const struct rac_flow_run_query *q, struct rac_arena *a)
{
    static const rac_str open[] = {RAC_S_INIT("Running"), RAC_S_INIT("Waiting"),
                                   RAC_S_INIT("Paused"), RAC_S_INIT("Suspended")};
    static const rac_str unlucky[] = {RAC_S_INIT("Failed"),  RAC_S_INIT("Cancelled"),
                                      RAC_S_INIT("Skipped"), RAC_S_INIT("TimedOut"),
                                      RAC_S_INIT("Aborted"), RAC_S_INIT("Faulted"),
                                      RAC_S_INIT("Ignored")};
    const struct rac_db_value v[] = {V_I64(flow),
                                     V_TEXT(q->after),
                                     V_STR(rac_status_list(a, q->statuses, q->statuses_n)),
                                     V_I64(q->start_to_ms ? q->start_to_ms : INT64_MAX),
                                     V_STR(q->trigger),
                                     V_STR(q->tracking)};
    if (q->tracking.p != NULL)
        return rac_db_query(db, RAC_STMT_RUN_LIST_TRACKED, v, 6);
    return rac_db_query(db,
                        only(q, open, RAC_COUNT(open))         ? RAC_STMT_RUN_LIST_OPEN
                        : only(q, unlucky, RAC_COUNT(unlucky)) ? RAC_STMT_RUN_LIST_UNLUCKY
                                                               : RAC_STMT_RUN_LIST,
                        v, 5);
}

static rac_err run_list(void *self, int64_t flow, const struct rac_flow_run_query *q,
                        struct rac_arena *a, struct rac_flow_run_row **v, size_t *n, bool *more)
{
    RAC_ASSERT(q->statuses_n <= RAC_COUNT(q->statuses));
    size_t page = q->n_max ? rac_page_size(q->n_max) : 30, got = 0, cap = 0;
    struct rac_flow_run_row *rows = NULL;
    struct rac_db_rows r = list_rows(&rac_session(self)->db, flow, q, a);
    *more = false;
    while (rac_db_next(&r)) {
        rac_ms start_ms = rac_db_i64(&r, 11);
        if (start_ms < q->start_from_ms - NAME_SLACK_MS) /* newest first: so are all that follow */
            break;
        if (start_ms < q->start_from_ms)
            continue;
        if (got == page) {
            *more = true;
            break;
        }
        read_run(&r, a, rac_db_room(a, &rows, got, &cap, sizeof *rows));
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

static rac_err journal(void *self, int64_t run, bool (*piece)(void *arg, rac_str bytes), void *arg)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, JOURNAL_LIST,
                                        V_I64(piece_row(run, 0)), V_I64(piece_row(run + 1, 0)));
    while (rac_db_next(&r) && piece(arg, rac_db_borrow(&r, 0)))
        ;
    return rac_db_end(&r);
}

static rac_err value_get(void *self, int64_t run, const char *digest, struct rac_arena *a,
                         rac_str *bytes)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, VALUE_GET, V_I64(run), V_STR(rac_str_of(digest)));
    bool found = rac_db_next(&r);
    if (found)
        *bytes = rac_db_str(&r, 0, a);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err open_count(void *self, int64_t flow, rac_str trigger, int64_t *running,
                          int64_t *waiting)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, OPEN_GET, V_I64(flow), V_TEXT(trigger));
    bool found = rac_db_next(&r);
    *running = found ? rac_db_i64(&r, 0) : 0;
    *waiting = found ? rac_db_i64(&r, 1) : 0;
    return rac_db_end(&r);
}

/* --- timers --- */

static void read_due(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_flow_due *)row = (struct rac_flow_due){.flow = rac_db_i64(r, 0),
                                                        .id = rac_db_i64(r, 1),
                                                        .tenant = rac_db_str(r, 2, a),
                                                        .name = rac_db_str(r, 3, a),
                                                        .due_ms = rac_db_i64(r, 4)};
}

rac_err rac_due_rows(struct rac_db_rows *r, size_t page, struct rac_arena *a,
                     struct rac_flow_due **v, size_t *n)
{
    return RAC_DB_ALL(r, page, read_due, a, v, n, NULL);
}

static rac_err due_runs(void *self, const struct rac_flow_due *after, rac_ms to_ms, size_t n_max,
                        struct rac_arena *a, struct rac_flow_due **v, size_t *n, rac_ms *next_ms)
{
    struct rac_db *db = &rac_session(self)->db;
    const struct rac_flow_due from = after != NULL ? *after : (struct rac_flow_due){0};
    size_t page = rac_page_size(n_max);
    struct rac_db_rows r =
        RAC_DB_QUERY(db, RUN_DUE, V_I64(from.due_ms), V_I64(from.id), V_I64(to_ms), V_I64(page));
    rac_err e = rac_due_rows(&r, page, a, v, n);
    *next_ms = 0;
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(db, RUN_DUE_NEXT, next_ms, V_I64(to_ms));
    return e == RAC_E_NOT_FOUND ? RAC_OK : e;
}

/* --- retention --- */

/* A flag of the connection; nothing is read or written. */
void rac_drops_begin(struct rac_store *s)
{
    (void)!rac_db_script(&s->db, "pragma secure_delete=fast");
}

void rac_drops_end(struct rac_store *s)
{
    (void)!rac_db_script(&s->db, "pragma secure_delete=on");
}

rac_err rac_run_drop(struct rac_store *s, int64_t flow, int64_t id, bool open_too, int64_t *n)
{
    int64_t gone = 0;
    rac_err e = RAC_DB_RUN(&s->db, RUN_DEL, &gone, V_I64(flow), V_I64(id), V_I64(open_too));
    if (n != NULL)
        *n += gone;
    if (e != RAC_OK || gone == 0)
        return e;
    e = RAC_DB_RUN(&s->db, JOURNAL_DEL, NULL, V_I64(piece_row(id, 0)), V_I64(piece_row(id + 1, 0)));
    return e == RAC_OK ? RAC_DB_RUN(&s->db, VALUE_DEL, NULL, V_I64(id)) : e;
}

struct retain {
    int64_t flow;
    rac_str stop; /* absent: everything was looked at */
    size_t runs_n, events_n;
    int64_t runs[RETAIN_DROP_MAX], events[RETAIN_DROP_MAX];
};

static rac_err retain_apply(struct rac_store *s, struct rac_write *w)
{
    const struct retain *q = w->req;
    rac_err e = RAC_OK;
    w->commit.id = q->stop;
    rac_drops_begin(s);
    for (size_t i = 0; i < q->runs_n && e == RAC_OK; i++)
        e = rac_run_drop(s, q->flow, q->runs[i], false, &w->commit.version);
    for (size_t i = 0; i < q->events_n && e == RAC_OK; i++) {
        int64_t n = 0;
        e = RAC_DB_RUN(&s->db, EVENT_DEL, &n, V_I64(q->flow), V_I64(q->events[i]));
        w->commit.version += n;
    }
    rac_drops_end(s);
    return e;
}

/* Name of the last one that count_max spares; absent: all are spared. */
static rac_err edge(struct rac_db *db, enum rac_stmt nth, int64_t flow, int64_t count_max,
                    struct rac_arena *a, rac_str *name)
{
    *name = RAC_STR_NULL;
    if (count_max <= 0)
        return RAC_OK;
    const struct rac_db_value v[] = {V_I64(flow), V_I64(count_max - 1)};
    struct rac_db_rows r = rac_db_query(db, nth, v, RAC_COUNT(v));
    if (rac_db_next(&r))
        *name = rac_db_str(&r, 0, a);
    return rac_db_end(&r);
}

static bool is_old(rac_str name, rac_ms start_ms, rac_str edge_name, rac_ms before_ms)
{
    return start_ms < before_ms || (edge_name.p != NULL && rac_str_cmp(name, edge_name) > 0);
}

static rac_err find_runs(struct rac_db *db, struct retain *q, rac_ms before_ms, int64_t count_max,
                         rac_str after, struct rac_arena *a)
{
    rac_str spared, last = RAC_S("\xf4\x8f\xbf\xbf"); /* beyond every name */
    rac_err e = edge(db, RAC_STMT_RUN_NTH, q->flow, count_max, a, &spared);
    if (e != RAC_OK)
        return e;
    size_t looked = 0;
    struct rac_db_rows r =
        RAC_DB_QUERY(db, RUN_OLDEST, V_I64(q->flow), V_STR(after.p != NULL ? after : last),
                     V_I64(RETAIN_LOOK_MAX));
    while (q->runs_n < RETAIN_DROP_MAX && rac_db_next(&r)) {
        rac_str name = rac_db_str(&r, 1, a);
        if (!is_old(name, rac_db_i64(&r, 2), spared, before_ms))
            break;
        if (rac_db_i64(&r, 3) > 0)
            q->runs[q->runs_n++] = rac_db_i64(&r, 0);
        looked++;
        last = name;
    }
    if (q->runs_n == RETAIN_DROP_MAX || looked == RETAIN_LOOK_MAX)
        q->stop = last;
    return rac_db_end(&r);
}

static rac_err find_events(struct rac_db *db, struct retain *q, rac_ms before_ms, int64_t count_max,
                           struct rac_arena *a)
{
    rac_str spared;
    rac_err e = edge(db, RAC_STMT_EVENT_NTH, q->flow, count_max, a, &spared);
    if (e != RAC_OK)
        return e;
    struct rac_db_rows r = RAC_DB_QUERY(db, EVENT_OLDEST, V_I64(q->flow), V_I64(RETAIN_DROP_MAX));
    while (rac_db_next(&r) && is_old(rac_db_str(&r, 1, a), rac_db_i64(&r, 2), spared, before_ms))
        q->events[q->events_n++] = rac_db_i64(&r, 0);
    if (q->events_n == RETAIN_DROP_MAX && q->stop.p == NULL)
        q->stop = RAC_S(""); /* before every name: the runs are done, events are left */
    return rac_db_end(&r);
}

static void retain(void *self, int64_t flow, rac_ms before_ms, int64_t count_max, rac_str after,
                   rac_commit_fn done, void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w = rac_write_new(ses, retain_apply, RAC_STR_NULL, NULL, 0, done, arg);
    struct retain *q = RAC_NEW(&w->a, struct retain);
    q->flow = flow;
    w->req = q;
    rac_err e = find_runs(&ses->db, q, before_ms, count_max, after, &w->a);
    if (e == RAC_OK)
        e = find_events(&ses->db, q, before_ms, count_max, &w->a);
    if (e != RAC_OK)
        rac_write_refuse(w, e, "the history could not be looked through");
    else
        rac_write_submit(w);
}

void rac_run_rows_port(struct rac_flow_store *p)
{
    p->turn = turn;
    p->run_get = run_get;
    p->run_list = run_list;
    p->journal = journal;
    p->value_get = value_get;
    p->open_count = open_count;
    p->due_runs = due_runs;
    p->retain = retain;
}
