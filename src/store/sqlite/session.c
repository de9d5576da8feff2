/*
 * A session: a reader's connection and the way back of its writes.
 *
 * The writer appends answered writes to the session's list and, if nothing is on its way yet,
 * posts one message to the session's loop; the loop then answers everything that has come
 * together. So a batch costs one wake-up per worker, not one per write.
 */
#include "store/sqlite/store_priv.h"

struct rac_write *rac_write_new(struct rac_store_session *ses, rac_apply_fn apply, rac_str tenant,
                                const struct rac_actor *actor, unsigned touches, rac_commit_fn done,
                                void *arg)
{
    struct rac_write *w = rac_mem_alloc(sizeof *w);
    rac_arena_init(&w->a, RAC_WRITE_ARENA_MAX);
    w->session = ses;
    w->apply = apply;
    w->tenant = rac_copy(&w->a, tenant);
    w->touches = touches;
    w->done = done;
    w->arg = arg;
    if (actor != NULL) {
        w->actor = *actor;
        w->actor.user = rac_copy(&w->a, actor->user);
        w->actor.token = rac_copy(&w->a, actor->token);
        w->actor.note = rac_copy(&w->a, actor->note);
    }
    if (w->actor.at_ms == 0)
        w->actor.at_ms = rac_env_wall_ms(ses->s->env);
    return w;
}

void rac_write_free(struct rac_write *w)
{
    rac_arena_fini(&w->a);
    rac_mem_free(w);
}

static void deliver(struct rac_store_session *ses, struct rac_write *list)
{
    size_t n = 0;
    for (struct rac_write *next; list != NULL; list = next, n++) {
        next = list->next;
        if (list->finish != NULL)
            list->finish(ses, list);
        else if (list->done != NULL)
            list->done(list->arg, &list->commit);
        rac_write_free(list);
    }
    pthread_mutex_lock(&ses->lock);
    ses->in_flight -= n;
    pthread_mutex_unlock(&ses->lock);
}

static struct rac_write *take_answers(struct rac_store_session *ses) /* under lock */
{
    struct rac_write *list = ses->done_head;
    ses->done_head = NULL;
    ses->done_tail = &ses->done_head;
    ses->posted = false;
    return list;
}

static void on_post(void *arg)
{
    struct rac_store_session *ses = rac_session(arg);
    pthread_mutex_lock(&ses->lock);
    struct rac_write *list = take_answers(ses);
    pthread_mutex_unlock(&ses->lock);
    deliver(ses, list);
}

/* Those of list's first session, in order; the others stay in *list. */
static struct rac_write *take_mine(struct rac_write **list, struct rac_write **last)
{
    struct rac_write *first = *list;
    *list = first->next;
    *last = first;
    for (struct rac_write **from = list; *from != NULL;) {
        struct rac_write *w = *from;
        if (w->session != first->session) {
            from = &w->next;
            continue;
        }
        *from = w->next;
        (*last)->next = w;
        *last = w;
    }
    (*last)->next = NULL;
    return first;
}

static void hand_over(struct rac_store_session *ses, struct rac_write *first,
                      struct rac_write *last)
{
    pthread_mutex_lock(&ses->lock);
    *ses->done_tail = first;
    ses->done_tail = &last->next;
    bool post = ses->has_loop && !ses->posted;
    ses->posted = true;
    if (post) /* under the lock: the session cannot go away in between */
        ses->loop.post(ses->loop.self, on_post, ses);
    pthread_cond_signal(&ses->answered);
    pthread_mutex_unlock(&ses->lock);
}

void rac_write_answer(struct rac_write *list)
{
    while (list != NULL) {
        struct rac_write *last, *mine = take_mine(&list, &last);
        if (mine->session != NULL) {
            hand_over(mine->session, mine, last);
            continue;
        }
        for (struct rac_write *next; mine != NULL; mine = next) {
            next = mine->next;
            rac_write_free(mine);
        }
    }
}

rac_err rac_write_fail(struct rac_write *w, rac_err e, const char *why)
{
    w->commit.error = rac_str_of(why);
    return e;
}

static void count_in(struct rac_store_session *ses)
{
    pthread_mutex_lock(&ses->lock);
    ses->in_flight++;
    pthread_mutex_unlock(&ses->lock);
}

void rac_write_refuse(struct rac_write *w, rac_err e, const char *why)
{
    count_in(w->session);
    w->commit = (struct rac_commit){.err = e, .error = rac_str_of(why)};
    rac_write_answer(w);
}

void rac_write_submit(struct rac_write *w)
{
    count_in(w->session);
    rac_err e = rac_writer_push(w->session->s, w);
    if (e == RAC_OK)
        return;
    w->commit =
        (struct rac_commit){.err = e, .error = RAC_S("too many writes are waiting for the disk")};
    rac_write_answer(w);
}

bool rac_store_session_wait(struct rac_store_session *ses)
{
    pthread_mutex_lock(&ses->lock);
    if (ses->in_flight == 0) {
        pthread_mutex_unlock(&ses->lock);
        return false;
    }
    while (ses->done_head == NULL)
        pthread_cond_wait(&ses->answered, &ses->lock);
    struct rac_write *list = take_answers(ses);
    pthread_mutex_unlock(&ses->lock);
    deliver(ses, list);
    return true;
}

static uint64_t counter(void *self, enum rac_store_counter which)
{
    struct rac_store *s = rac_session(self)->s;
    return atomic_load_explicit(which == RAC_STORE_CONNECTORS ? &s->connectors_counter
                                                              : &s->connections_counter,
                                memory_order_acquire);
}

static uint64_t iam_counter(void *self)
{
    return atomic_load_explicit(&rac_session(self)->s->iam_counter, memory_order_acquire);
}

rac_err rac_store_session_new(struct rac_store *s, const struct rac_store_loop *loop,
                              struct rac_store_session **out)
{
    struct rac_store_session *ses = rac_mem_alloc(sizeof *ses);
    struct rac_arena a;
    rac_arena_init(&a, 1 << 16);
    rac_str why;
    rac_err e = rac_db_open(&ses->db, rac_str_of(s->file), RAC_DB_READ, s->reader_cache_kib, s->vfs,
                            &a, &why);
    rac_arena_fini(&a);
    if (e != RAC_OK) {
        rac_mem_free(ses);
        return e;
    }
    ses->magic = RAC_SESSION_MAGIC;
    ses->s = s;
    ses->done_tail = &ses->done_head;
    pthread_mutex_init(&ses->lock, NULL);
    pthread_cond_init(&ses->answered, NULL);
    if (loop != NULL) {
        ses->loop = *loop;
        ses->has_loop = true;
    }
    ses->connectors = (struct rac_connector_store){.self = ses, .counter = counter};
    rac_connector_rows_port(&ses->connectors);
    rac_connection_rows_port(&ses->connectors);
    rac_oauth_rows_port(&ses->connectors);
    ses->iam = (struct rac_iam_store){.self = ses, .counter = iam_counter};
    rac_iam_rows_port(&ses->iam);
    ses->flows = (struct rac_flow_store){.self = ses};
    rac_flow_rows_port(&ses->flows);
    rac_trigger_rows_port(&ses->flows);
    rac_run_rows_port(&ses->flows);
    rac_batch_rows_port(&ses->flows);
    ses->artifacts = (struct rac_artifact_store){.self = ses};
    rac_artifact_rows_port(&ses->artifacts);
    *out = ses;
    return RAC_OK;
}

void rac_store_session_free(struct rac_store_session *ses)
{
    if (ses == NULL)
        return;
    ses = rac_session(ses);
    while (rac_store_session_wait(ses))
        ;
    pthread_mutex_lock(&ses->lock); /* the writer has left the last answer's critical section */
    pthread_mutex_unlock(&ses->lock);
    pthread_mutex_destroy(&ses->lock);
    pthread_cond_destroy(&ses->answered);
    rac_row_cache_free(ses->rows);
    rac_db_close(&ses->db);
    ses->magic = 0;
    rac_mem_free(ses);
}

const struct rac_connector_store *rac_store_connectors(struct rac_store_session *ses)
{
    return &ses->connectors;
}

const struct rac_iam_store *rac_store_iam(struct rac_store_session *ses)
{
    return &ses->iam;
}

const struct rac_flow_store *rac_store_flows(struct rac_store_session *ses)
{
    return &ses->flows;
}

const struct rac_artifact_store *rac_store_artifacts(struct rac_store_session *ses)
{
    return &ses->artifacts;
}
