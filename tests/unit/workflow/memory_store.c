#include "memory_store.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>

struct memory_commit {
    struct memory_commit *next;
    struct rac_arena a;
    struct rac_flow_turn t;
    rac_flow_turn_fn done; /* NULL: a save of a trigger, an event or both */
    rac_commit_fn saved;
    void *arg;
    struct rac_flow_trigger_row row;
    bool has_row;
    const char *event_status; /* NULL: no event */
    const struct rac_flow_release *release;
    struct rac_flow_message *messages;
    size_t messages_n;
    const struct rac_flow_mark *mark;
    const struct memory_drop *drop;
};

static char *copy(rac_str s)
{
    if (s.p == NULL)
        return NULL;
    char *p = rac_mem_alloc(s.n + 1);
    memcpy(p, s.p, s.n);
    return p;
}

struct memory_run *memory_store_run(struct memory_store *s, int64_t flow, rac_str name)
{
    for (size_t i = s->runs_n; i-- > 0;)
        if (s->runs[i].flow == flow && rac_str_eq(rac_str_of(s->runs[i].name), name))
            return &s->runs[i];
    return NULL;
}

/* --- triggers --------------------------------------------------------------------------------- */

struct memory_trigger *memory_store_trigger(struct memory_store *s, int64_t flow, rac_str trigger)
{
    for (size_t i = 0; i < s->triggers_n; i++)
        if (s->triggers[i].flow == flow && rac_str_eq(rac_str_of(s->triggers[i].name), trigger))
            return &s->triggers[i];
    return NULL;
}

static void trigger_free(struct memory_trigger *t)
{
    rac_mem_free(t->tenant);
    rac_mem_free(t->name);
    rac_mem_free(t->state);
    rac_mem_free(t->status);
    rac_mem_free(t->secret);
}

static void set(char **at, rac_str s)
{
    rac_mem_free(*at);
    *at = copy(s);
}

static struct memory_trigger *trigger_made(struct memory_store *s, rac_str tenant, int64_t flow,
                                           rac_str name)
{
    struct memory_trigger *t = memory_store_trigger(s, flow, name);
    if (t != NULL)
        return t;
    s->triggers = rac_mem_realloc(s->triggers, (s->triggers_n + 1) * sizeof *s->triggers);
    t = &s->triggers[s->triggers_n++];
    *t = (struct memory_trigger){
        .flow = flow, .tenant = copy(tenant), .name = copy(name), .calls = 1};
    return t;
}

void memory_store_attend(struct memory_store *s, rac_str tenant, int64_t flow, const char *trigger,
                         rac_ms at_ms)
{
    struct memory_trigger *t = trigger_made(s, tenant, flow, rac_str_of(trigger));
    t->due_ms = t->due_ms == at_ms ? at_ms + 1 : at_ms;
}

void memory_store_call(struct memory_store *s, rac_str tenant, int64_t flow, rac_str trigger,
                       rac_ms at_ms)
{
    struct memory_trigger *t = trigger_made(s, tenant, flow, trigger);
    if (t->due_ms == 0 || t->due_ms > at_ms)
        t->due_ms = at_ms;
    t->calls++;
}

static void write_trigger(struct memory_store *s, const struct rac_flow_trigger_row *row)
{
    struct memory_trigger *t = memory_store_trigger(s, row->flow, row->trigger);
    if (row->state.p != NULL && row->state.n == 0) {
        if (t == NULL)
            return;
        trigger_free(t);
        *t = s->triggers[--s->triggers_n];
        return;
    }
    bool is_new = t == NULL;
    t = trigger_made(s, row->tenant, row->flow, row->trigger);
    if (is_new || ((row->seen_ms == 0 || t->due_ms == row->seen_ms) &&
                   (row->calls == 0 || t->calls == row->calls)))
        t->due_ms = row->due_ms;
    t->last_ms = row->last_ms;
    set(&t->status, row->status);
    set(&t->state, row->state);
    if (row->secret.p != NULL)
        set(&t->secret, row->secret);
}

static rac_err trigger_get(void *self, int64_t flow, rac_str trigger, struct rac_arena *a,
                           struct rac_flow_trigger_row *out)
{
    struct memory_trigger *t = memory_store_trigger(self, flow, trigger);
    if (t == NULL)
        return RAC_E_NOT_FOUND;
    *out = (struct rac_flow_trigger_row){
        .flow = flow,
        .tenant = rac_arena_str(a, rac_str_of(t->tenant)),
        .trigger = rac_arena_str(a, trigger),
        .state = t->state != NULL ? rac_arena_str(a, rac_str_of(t->state)) : RAC_STR_NULL,
        .status = t->status != NULL ? rac_arena_str(a, rac_str_of(t->status)) : RAC_STR_NULL,
        .secret = t->secret != NULL ? rac_arena_str(a, rac_str_of(t->secret)) : RAC_STR_NULL,
        .due_ms = t->due_ms,
        .last_ms = t->last_ms,
        .calls = t->calls};
    return RAC_OK;
}

static int due_order(const struct rac_flow_due *x, const struct rac_flow_due *y)
{
    if (x->due_ms != y->due_ms)
        return x->due_ms < y->due_ms ? -1 : 1;
    if (x->flow != y->flow)
        return x->flow < y->flow ? -1 : 1;
    return rac_str_cmp(x->name, y->name);
}

static rac_err due_triggers(void *self, const struct rac_flow_due *after, rac_ms to_ms,
                            size_t n_max, struct rac_arena *a, struct rac_flow_due **v, size_t *n,
                            rac_ms *next_ms)
{
    struct memory_store *s = self;
    struct rac_flow_due *all = RAC_NEW_N(a, struct rac_flow_due, s->triggers_n + 1);
    size_t got = 0;
    *next_ms = 0;
    s->due_reads_total++;
    for (size_t i = 0; i < s->triggers_n; i++) {
        const struct memory_trigger *t = &s->triggers[i];
        struct rac_flow_due x = {.flow = t->flow,
                                 .tenant = rac_arena_str(a, rac_str_of(t->tenant)),
                                 .name = rac_arena_str(a, rac_str_of(t->name)),
                                 .due_ms = t->due_ms};
        if (t->due_ms > to_ms && (*next_ms == 0 || t->due_ms < *next_ms))
            *next_ms = t->due_ms;
        if (t->due_ms == 0 || t->due_ms > to_ms || (after != NULL && due_order(&x, after) <= 0))
            continue;
        size_t at = got++;
        for (; at > 0 && due_order(&x, &all[at - 1]) < 0; at--)
            all[at] = all[at - 1];
        all[at] = x;
    }
    *v = all;
    *n = got < n_max ? got : n_max;
    return RAC_OK;
}

static void row_copy(struct memory_commit *c, const struct rac_flow_trigger_row *row)
{
    if (row == NULL)
        return;
    c->has_row = true;
    c->row = *row;
    rac_str *const texts[] = {&c->row.tenant, &c->row.trigger, &c->row.state, &c->row.status,
                              &c->row.secret};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        if (texts[i]->p != NULL)
            *texts[i] = rac_arena_str(&c->a, *texts[i]);
}

static void queued(struct memory_store *s, struct memory_commit *c)
{
    *s->queue_end = c;
    s->queue_end = &c->next;
    if (++s->waiting > s->waiting_most)
        s->waiting_most = s->waiting;
}

static const struct rac_flow_release *copy_release(struct memory_commit *c,
                                                   const struct rac_flow_release *r)
{
    if (r == NULL)
        return NULL;
    struct rac_flow_release *out = RAC_NEW(&c->a, struct rac_flow_release);
    *out = *r;
    out->trigger = rac_arena_str(&c->a, r->trigger);
    return out;
}

static void copy_messages(struct memory_commit *c, const struct rac_flow_message *v, size_t n)
{
    c->messages = RAC_NEW_N(&c->a, struct rac_flow_message, n + 1);
    c->messages_n = n;
    for (size_t i = 0; i < n; i++) {
        struct rac_flow_message *m = &c->messages[i];
        *m = v[i];
        rac_str *const texts[] = {&m->tenant,    &m->trigger, &m->batch,
                                  &m->partition, &m->id,      &m->content};
        for (size_t k = 0; k < RAC_COUNT(texts); k++)
            *texts[k] = rac_arena_str(&c->a, *texts[k]);
    }
}

static void saving(struct memory_store *s, const struct rac_flow_trigger_row *row,
                   const struct rac_flow_event_row *event, rac_commit_fn done, void *arg)
{
    struct memory_commit *c = rac_mem_alloc(sizeof *c);
    *c = (struct memory_commit){.saved = done, .arg = arg};
    rac_arena_init(&c->a, SIZE_MAX / 2);
    row_copy(c, row);
    if (event != NULL)
        c->event_status = rac_arena_cstr(&c->a, event->status);
    if (event != NULL && event->outputs.n > s->event_bytes_most)
        s->event_bytes_most = event->outputs.n;
    if (event != NULL)
        c->release = copy_release(c, event->release);
    queued(s, c);
}

static void trigger_save(void *self, const struct rac_flow_trigger_row *r,
                         const struct rac_flow_event_row *event, rac_commit_fn done, void *arg)
{
    saving(self, r, event, done, arg);
}

static void event_add(void *self, int64_t flow, rac_str tenant,
                      const struct rac_flow_event_row *event, rac_commit_fn done, void *arg)
{
    (void)flow;
    (void)tenant;
    saving(self, NULL, event, done, arg);
}

static void message_add(void *self, const struct rac_flow_message *m, rac_commit_fn done, void *arg)
{
    struct memory_commit *c = rac_mem_alloc(sizeof *c);
    *c = (struct memory_commit){.saved = done, .arg = arg};
    rac_arena_init(&c->a, SIZE_MAX / 2);
    copy_messages(c, m, 1);
    queued(self, c);
}

static void part_mark(void *self, const struct rac_flow_mark *m, rac_commit_fn done, void *arg)
{
    struct memory_commit *c = rac_mem_alloc(sizeof *c);
    *c = (struct memory_commit){.saved = done, .arg = arg};
    rac_arena_init(&c->a, SIZE_MAX / 2);
    struct rac_flow_mark *copy = RAC_NEW(&c->a, struct rac_flow_mark);
    *copy = *m;
    rac_str *const texts[] = {&copy->tenant, &copy->trigger, &copy->batch, &copy->after};
    for (size_t k = 0; k < RAC_COUNT(texts); k++)
        *texts[k] = rac_arena_str(&c->a, *texts[k]);
    c->mark = copy;
    queued(self, c);
}

static void part_drop(void *self, rac_str tenant, int64_t flow, int64_t part, int64_t through,
                      rac_commit_fn done, void *arg)
{
    struct memory_commit *c = rac_mem_alloc(sizeof *c);
    *c = (struct memory_commit){.saved = done, .arg = arg};
    (void)tenant;
    rac_arena_init(&c->a, SIZE_MAX / 2);
    struct memory_drop *drop = RAC_NEW(&c->a, struct memory_drop);
    *drop = (struct memory_drop){flow, part, through};
    c->drop = drop;
    queued(self, c);
}

/* What a commit does to batches; its release is there. */
static void write_batches(struct memory_store *s, struct memory_commit *c, struct rac_commit *out)
{
    struct memory_trigger *t =
        c->release != NULL ? memory_store_trigger(s, c->release->flow, c->release->trigger) : NULL;
    char tenant[64];
    snprintf(tenant, sizeof tenant, "%s", t != NULL ? t->tenant : "");
    if (c->release != NULL)
        memory_release_put(s, rac_str_of(tenant), c->release);
    for (size_t i = 0; i < c->messages_n; i++)
        memory_message_put(s, &c->messages[i]);
    if (c->mark != NULL)
        out->version = memory_mark(s, c->mark);
    if (c->drop != NULL)
        memory_drop(s, c->drop, out);
}

static void write_save(struct memory_store *s, struct memory_commit *c, struct rac_commit *out)
{
    *out = (struct rac_commit){.err = s->save_fault != NULL ? s->save_fault(s->save_fault_arg)
                                                            : RAC_OK};
    if (out->err == RAC_OK && c->release != NULL && !memory_release_is_there(s, c->release))
        out->err = RAC_E_CONFLICT;
    if (out->err != RAC_OK)
        return;
    if (c->has_row)
        write_trigger(s, &c->row);
    write_batches(s, c, out);
    if (c->event_status == NULL)
        return;
    s->events_total++;
    memset(s->event_status, 0, sizeof s->event_status);
    memcpy(s->event_status, c->event_status, strlen(c->event_status));
}

/* --- runs ------------------------------------------------------------------------------------- */

static void turn(void *self, const struct rac_flow_turn *t, const struct rac_flow_trigger_row *row,
                 rac_flow_turn_fn done, void *arg)
{
    struct memory_store *s = self;
    struct memory_commit *c = rac_mem_alloc(sizeof *c);
    rac_arena_init(&c->a, SIZE_MAX / 2);
    row_copy(c, row);
    c->t = *t;
    c->t.name = rac_arena_str(&c->a, t->name);
    c->t.revision = rac_arena_str(&c->a, t->revision);
    c->t.trigger = rac_arena_str(&c->a, t->trigger);
    c->t.tracking = rac_arena_str(&c->a, t->tracking);
    c->t.correlation = rac_arena_str(&c->a, t->correlation);
    c->t.status = rac_arena_str(&c->a, t->status);
    c->t.code = t->code.p ? rac_arena_str(&c->a, t->code) : RAC_STR_NULL;
    c->t.error = t->error.p ? rac_arena_str(&c->a, t->error) : RAC_STR_NULL;
    c->t.journal = rac_arena_str(&c->a, t->journal);
    size_t bytes = t->journal.n;
    for (size_t i = 0; i < t->values_n; i++)
        bytes += t->values[i].bytes.n;
    s->turn_bytes_most = bytes > s->turn_bytes_most ? bytes : s->turn_bytes_most;
    s->turn_values_total += t->values_n;
    struct rac_flow_value *values = RAC_NEW_N(&c->a, struct rac_flow_value, t->values_n);
    for (size_t i = 0; i < t->values_n; i++) {
        values[i] = t->values[i];
        values[i].bytes = rac_arena_str(&c->a, t->values[i].bytes);
    }
    c->t.values = values;
    copy_messages(c, t->messages, t->messages_n);
    c->release = t->create ? copy_release(c, t->release) : NULL;
    c->done = done;
    c->arg = arg;
    queued(s, c);
}

static rac_err write_turn(struct memory_store *s, struct memory_commit *c, int64_t *id)
{
    const struct rac_flow_turn *t = &c->t;
    struct memory_run *r;
    if (t->create) {
        if (memory_store_run(s, t->flow, t->name) != NULL)
            return RAC_E_EXISTS;
        if (c->release != NULL && !memory_release_is_there(s, c->release))
            return RAC_E_CONFLICT;
        s->runs = rac_mem_realloc(s->runs, (s->runs_n + 1) * sizeof *s->runs);
        r = &s->runs[s->runs_n++];
        *r = (struct memory_run){.id = (int64_t)s->runs_n,
                                 .flow = t->flow,
                                 .name = copy(t->name),
                                 .revision = copy(t->revision),
                                 .trigger = copy(t->trigger),
                                 .tracking = copy(t->tracking),
                                 .correlation = copy(t->correlation),
                                 .start_ms = t->start_ms};
    } else {
        if (t->id < 1 || t->id > (int64_t)s->runs_n)
            return RAC_E_CONFLICT;
        r = &s->runs[t->id - 1];
        if (r->end_ms != 0)
            return RAC_E_CONFLICT;
    }
    set(&r->status, t->status);
    set(&r->code, t->code);
    set(&r->error, t->error);
    r->end_ms = t->end_ms;
    r->due_ms = t->due_ms;
    if (t->journal.n > 0) {
        r->pieces = rac_mem_realloc(r->pieces, (r->pieces_n + 1) * sizeof *r->pieces);
        r->pieces[r->pieces_n++] = (struct memory_piece){copy(t->journal), t->journal.n};
    }
    for (size_t i = 0; i < t->values_n; i++) {
        s->values = rac_mem_realloc(s->values, (s->values_n + 1) * sizeof *s->values);
        struct memory_value *v = &s->values[s->values_n++];
        memcpy(v->digest, t->values[i].digest, sizeof v->digest);
        v->p = copy(t->values[i].bytes);
        v->n = t->values[i].bytes.n;
    }
    *id = r->id;
    return RAC_OK;
}

static void commit_free(struct memory_commit *c)
{
    rac_arena_fini(&c->a);
    rac_mem_free(c);
}

bool memory_store_deliver(struct memory_store *s)
{
    struct memory_commit *c = s->queue;
    int64_t id = 0;
    if (c == NULL)
        return false;
    s->queue = c->next;
    if (s->queue == NULL)
        s->queue_end = &s->queue;
    s->waiting--;
    if (c->done == NULL) {
        struct rac_commit out;
        write_save(s, c, &out);
        c->saved(c->arg, &out);
        commit_free(c);
        return true;
    }
    s->turns_total++;
    rac_err err = s->fault != NULL ? s->fault(s->fault_arg) : RAC_OK;
    if (err == RAC_OK)
        err = write_turn(s, c, &id);
    if (err == RAC_OK && c->has_row)
        write_trigger(s, &c->row);
    if (err == RAC_OK)
        write_batches(s, c, &(struct rac_commit){0});
    c->done(c->arg, err, err == RAC_OK ? RAC_STR_NULL : RAC_S("made to fail"), id);
    commit_free(c);
    return true;
}

void memory_store_crash(struct memory_store *s, size_t written)
{
    int64_t id;
    while (s->queue != NULL) {
        struct memory_commit *c = s->queue;
        s->queue = c->next;
        if (s->queue == NULL) /* whoever hears of it may write again */
            s->queue_end = &s->queue;
        if (written > 0) {
            written--;
            rac_err err = RAC_OK;
            if (c->done != NULL)
                err = write_turn(s, c, &id);
            else if (c->release != NULL && !memory_release_is_there(s, c->release))
                err = RAC_E_CONFLICT;
            if (err == RAC_OK && c->has_row)
                write_trigger(s, &c->row);
            if (err == RAC_OK)
                write_batches(s, c, &(struct rac_commit){0});
        }
        if (c->done != NULL)
            c->done(c->arg, RAC_E_CANCELLED, RAC_S("crashed"), 0);
        else
            c->saved(c->arg, &(struct rac_commit){.err = RAC_E_CANCELLED});
        commit_free(c);
    }
    s->queue_end = &s->queue;
    s->waiting = 0;
}

static rac_err run_get(void *self, int64_t flow, rac_str name, struct rac_arena *a,
                       struct rac_flow_run_row *out)
{
    struct memory_run *r = memory_store_run(self, flow, name);
    if (r == NULL)
        return RAC_E_NOT_FOUND;
    *out = (struct rac_flow_run_row){.id = r->id,
                                     .flow = r->flow,
                                     .name = rac_arena_str(a, rac_str_of(r->name)),
                                     .revision = rac_arena_str(a, rac_str_of(r->revision)),
                                     .trigger = rac_arena_str(a, rac_str_of(r->trigger)),
                                     .status = rac_arena_str(a, rac_str_of(r->status)),
                                     .start_ms = r->start_ms,
                                     .end_ms = r->end_ms,
                                     .due_ms = r->due_ms};
    return RAC_OK;
}

static rac_err journal(void *self, int64_t run, bool (*piece)(void *arg, rac_str bytes), void *arg)
{
    struct memory_store *s = self;
    struct memory_run *r = &s->runs[run - 1];
    for (size_t i = 0; i < r->pieces_n; i++)
        if (!piece(arg, (rac_str){r->pieces[i].p, r->pieces[i].n}))
            break;
    return RAC_OK;
}

static rac_err value_get(void *self, int64_t run, const char *digest, struct rac_arena *a,
                         rac_str *bytes)
{
    struct memory_store *s = self;
    (void)run;
    for (size_t i = 0; i < s->values_n; i++)
        if (strcmp(s->values[i].digest, digest) == 0) {
            *bytes = rac_arena_str(a, (rac_str){s->values[i].p, s->values[i].n});
            return RAC_OK;
        }
    return RAC_E_NOT_FOUND;
}

static rac_err open_count(void *self, int64_t flow, rac_str trigger, int64_t *running,
                          int64_t *waiting)
{
    struct memory_store *s = self;
    *running = *waiting = 0;
    for (size_t i = 0; i < s->runs_n; i++)
        if (s->runs[i].flow == flow && s->runs[i].end_ms == 0 &&
            rac_str_eqi(rac_str_of(s->runs[i].trigger), trigger))
            ++*(strcmp(s->runs[i].status, "Waiting") == 0 ? waiting : running);
    return RAC_OK;
}

struct memory_store *memory_store_new(void)
{
    struct memory_store *s = rac_mem_alloc(sizeof *s);
    s->queue_end = &s->queue;
    s->port = (struct rac_flow_store){.self = s,
                                      .turn = turn,
                                      .run_get = run_get,
                                      .journal = journal,
                                      .value_get = value_get,
                                      .open_count = open_count,
                                      .trigger_get = trigger_get,
                                      .trigger_save = trigger_save,
                                      .event_add = event_add,
                                      .message_add = message_add,
                                      .part_mark = part_mark,
                                      .part_drop = part_drop,
                                      .due_triggers = due_triggers};
    memory_batches_port(&s->port);
    return s;
}

void memory_store_free(struct memory_store *s)
{
    memory_store_crash(s, 0);
    for (size_t i = 0; i < s->runs_n; i++) {
        struct memory_run *r = &s->runs[i];
        char *all[] = {r->name, r->revision, r->trigger,  r->status,
                       r->code, r->error,    r->tracking, r->correlation};
        for (size_t k = 0; k < RAC_COUNT(all); k++)
            rac_mem_free(all[k]);
        for (size_t k = 0; k < r->pieces_n; k++)
            rac_mem_free(r->pieces[k].p);
        rac_mem_free(r->pieces);
    }
    for (size_t i = 0; i < s->values_n; i++)
        rac_mem_free(s->values[i].p);
    for (size_t i = 0; i < s->triggers_n; i++)
        trigger_free(&s->triggers[i]);
    memory_batches_free(s);
    rac_mem_free(s->triggers);
    rac_mem_free(s->values);
    rac_mem_free(s->runs);
    rac_mem_free(s);
}
