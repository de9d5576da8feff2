#include "memory_store.h"
#include "base/mem.h"
#include "base/str.h"

struct memory_commit {
    struct memory_commit *next;
    struct rac_arena a;
    struct rac_flow_turn t;
    rac_flow_turn_fn done;
    void *arg;
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

static void turn(void *self, const struct rac_flow_turn *t, const struct rac_flow_trigger_row *row,
                 rac_flow_turn_fn done, void *arg)
{
    struct memory_store *s = self;
    struct memory_commit *c = rac_mem_alloc(sizeof *c);
    (void)row;
    rac_arena_init(&c->a, SIZE_MAX / 2);
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
    struct rac_flow_value *values = RAC_NEW_N(&c->a, struct rac_flow_value, t->values_n);
    for (size_t i = 0; i < t->values_n; i++) {
        values[i] = t->values[i];
        values[i].bytes = rac_arena_str(&c->a, t->values[i].bytes);
    }
    c->t.values = values;
    c->done = done;
    c->arg = arg;
    *s->queue_end = c;
    s->queue_end = &c->next;
    s->waiting++;
}

static void set(char **at, rac_str s)
{
    rac_mem_free(*at);
    *at = copy(s);
}

static rac_err write_turn(struct memory_store *s, const struct rac_flow_turn *t, int64_t *id)
{
    struct memory_run *r;
    if (t->create) {
        if (memory_store_run(s, t->flow, t->name) != NULL)
            return RAC_E_EXISTS;
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
    s->turns_total++;
    rac_err err = s->fault != NULL ? s->fault(s->fault_arg) : RAC_OK;
    if (err == RAC_OK)
        err = write_turn(s, &c->t, &id);
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
        if (written > 0) {
            written--;
            (void)write_turn(s, &c->t, &id);
        }
        c->done(c->arg, RAC_E_CANCELLED, RAC_S("crashed"), 0);
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

static rac_err open_count(void *self, int64_t flow, int64_t *running, int64_t *waiting)
{
    struct memory_store *s = self;
    *running = *waiting = 0;
    for (size_t i = 0; i < s->runs_n; i++)
        if (s->runs[i].flow == flow && s->runs[i].end_ms == 0)
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
                                      .open_count = open_count};
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
    rac_mem_free(s->values);
    rac_mem_free(s->runs);
    rac_mem_free(s);
}
