/*
 * The engine under random plans, slow and failing calls, store errors, clock jumps and crashes; all
 * of it out of a seed, which a failure prints. RACCORD_SIM_SEEDS says how many (200),
 * RACCORD_SIM_FIRST where to begin.
 *
 * What must hold:
 *  - a trigger that was acknowledged has its row, whatever happened since;
 *  - every run comes to an end once the world behaves;
 *  - the journal is sound: nothing is decided twice, nothing decided is lost (rac_run_replay);
 *  - every turn's end is a state a run can go on from;
 *  - a request leaves only once its start is durable, never after its end is;
 *  - statuses are those of a second evaluation of spec workflows §4.2 to §4.4;
 *  - each message of a SendToBatch that succeeded is in one batch's run, once, and no other is;
 *  - all that waits in batches comes to be released.
 */
#include "scheduler_world.h"
#include "sim_plan.h"
#include "unit.h"
#include "base/log.h"
#include "base/mem.h"
#include "workflow/run/journal.h"
#include "workflow/run/run.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUEST "{\"type\": \"Request\", \"kind\": \"Http\"}"
enum { RUNS_MAX = 6, STEPS = 400, END_ROUNDS = 60000, RECEIVER = 3 };
#define BATCH(criteria, more)                                                                      \
    "{\"type\": \"Batch\", \"inputs\": {\"mode\": \"Inline\", \"configurations\": {\"orders\": "   \
    "{\"releaseCriteria\": {" criteria "}}}}" more "}"

static uint64_t seed_now;
#define CHECK(x, ...)                                                                              \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "seed %llu: ", (unsigned long long)seed_now);                          \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Ids of messages: sent by actions that succeeded, and where they are. */
struct ids {
    char (*v)[40];
    size_t n;
};

struct sim {
    struct sim_random r;
    struct world *w;
    struct place *p;
    const char *trigger; /* of the workflow that gets batches */
    struct ids sent, there;
    struct sim_plan plan;
    struct world_answer answers[RUNS_MAX];
    size_t fired;
    unsigned store_error_percent;
    bool quiet;
};

/* --- what a request may rest on --------------------------------------------------------------- */

struct looking {
    const char *tracking;
    uint8_t seed[16];
    bool started, ended;
};

static bool look(void *arg, rac_str bytes)
{
    struct looking *x = arg;
    struct rac_journal_reader in;
    struct rac_entry e;
    char id[37];
    rac_journal_reader_init(&in, bytes);
    while (rac_journal_read(&in, &e)) {
        if (e.kind == RAC_ENTRY_RUN)
            memcpy(x->seed, e.seed, sizeof x->seed);
        if (e.kind != RAC_ENTRY_STARTED && e.kind != RAC_ENTRY_ENDED)
            continue;
        rac_run_id(x->seed, e.frame, e.action, RAC_RUN_ID_ACTION, id);
        if (strcmp(id, x->tracking) != 0)
            continue;
        x->started |= e.kind == RAC_ENTRY_STARTED;
        x->ended |= e.kind == RAC_ENTRY_ENDED;
    }
    return true;
}

static void leaves(void *arg, struct world *w, const struct world_fetch *f)
{
    rac_str run = rac_headers_get(&f->headers, RAC_S("x-ms-workflow-run-id")),
            id = rac_headers_get(&f->headers, RAC_S("x-ms-action-tracking-id"));
    char tracking[37];
    (void)arg;
    if (run.n == 0)
        return; /* an unsubscription */
    struct memory_run *r = memory_store_run(w->store, 1, run);
    CHECK(r != NULL, "a request of run %.*s left before the run was durable", RAC_FMT(run));
    snprintf(tracking, sizeof tracking, "%.*s", RAC_FMT(id));
    struct looking x = {.tracking = tracking};
    CHECK(w->store->port.journal(w->store, r->id, look, &x) == RAC_OK, "no journal");
    CHECK(x.started, "a request of run %.*s left before its start was durable", RAC_FMT(run));
    CHECK(!x.ended, "a request of run %.*s left after its end was durable", RAC_FMT(run));
}

/* --- a second evaluation of the rules --------------------------------------------------------- */

static enum rac_wf_status worst(const enum rac_wf_status *v, size_t n)
{
    static const enum rac_wf_status order[] = {RAC_WF_FAILED, RAC_WF_TIMED_OUT, RAC_WF_CANCELLED};
    for (size_t k = 0; k < RAC_COUNT(order); k++)
        for (size_t i = 0; i < n; i++)
            if (v[i] == order[k])
                return order[k];
    return RAC_WF_SUCCEEDED;
}

/* L := actions nobody names; Skipped ones are replaced by their predecessors, until none is left. */
static enum rac_wf_status leaf_rule(const struct rac_plan *p, const struct rac_wf_frame *f)
{
    enum { MOST = 64 };
    const struct rac_wf_graph *g = &p->graphs[f->graph];
    bool in[MOST] = {false}, named[MOST] = {false}, again = true;
    enum rac_wf_status left[MOST];
    size_t n = 0;
    CHECK(g->n <= MOST, "a graph of %u actions", g->n);
    for (uint32_t i = 0; i < g->n; i++)
        for (uint32_t k = 0; k < f->records[i].action->after_n; k++)
            named[p->actions[f->records[i].action->after[k].action].order] = true;
    for (uint32_t i = 0; i < g->n; i++)
        in[i] = !named[i];
    while (again) {
        again = false;
        for (uint32_t i = 0; i < g->n; i++) {
            if (!in[i] || f->records[i].status != RAC_WF_SKIPPED)
                continue;
            in[i] = false;
            again = true;
            for (uint32_t k = 0; k < f->records[i].action->after_n; k++)
                in[p->actions[f->records[i].action->after[k].action].order] = true;
        }
    }
    for (uint32_t i = 0; i < g->n; i++)
        if (in[i])
            left[n++] = f->records[i].status;
    return worst(left, n);
}

static void check_frame(const struct rac_plan *p, const struct rac_wf_frame *f);

static void check_container(const struct rac_plan *p, const struct rac_wf_record *x)
{
    enum rac_wf_status all[256];
    size_t n = 0;
    if (x->inner == NULL || x->inner->frames_n == 0)
        return;
    for (uint32_t k = 0; k < x->inner->frames_n; k++) {
        check_frame(p, x->inner->frames[k]);
        CHECK(n < RAC_COUNT(all), "too many frames");
        all[n++] = x->inner->frames[k]->status;
    }
    enum rac_wf_status want = x->action->type == RAC_WF_TYPE_FOREACH ? worst(all, n) : all[n - 1];
    CHECK(x->status == want, "%.*s is %s, its parts say %s", RAC_FMT(x->action->name),
          rac_wf_status_word(x->status), rac_wf_status_word(want));
}

static void check_frame(const struct rac_plan *p, const struct rac_wf_frame *f)
{
    for (uint32_t i = 0; i < p->graphs[f->graph].n; i++) {
        const struct rac_wf_record *x = &f->records[i];
        bool ready = true;
        for (uint32_t k = 0; k < x->action->after_n; k++) {
            const struct rac_wf_record *before =
                &f->records[p->actions[x->action->after[k].action].order];
            ready = ready && (x->action->after[k].statuses & 1u << before->status) != 0;
        }
        CHECK(x->status != RAC_WF_NONE, "%.*s was never decided", RAC_FMT(x->action->name));
        if (x->action->type == RAC_WF_TYPE_RESPONSE && ready)
            continue; /* skipped when nobody waits */
        CHECK(ready == (x->status != RAC_WF_SKIPPED), "%.*s is %s against its runAfter",
              RAC_FMT(x->action->name), rac_wf_status_word(x->status));
        check_container(p, x);
    }
    CHECK(f->status == leaf_rule(p, f), "a graph is %s, its leaves say %s",
          rac_wf_status_word(f->status), rac_wf_status_word(leaf_rule(p, f)));
}

/* --- messages --------------------------------------------------------------------------------- */

static void id_add(struct ids *x, rac_str id)
{
    x->v = rac_mem_realloc(x->v, (x->n + 1) * sizeof *x->v);
    snprintf(x->v[x->n++], sizeof *x->v, "%.*s", RAC_FMT(id));
}

static void id_of(struct ids *x, const struct rac_json *message)
{
    id_add(x, rac_json_str(rac_json_get(message, RAC_S("messageId")), RAC_S("")));
}

static void sent_in(struct ids *x, const struct rac_plan *p, const struct rac_wf_frame *f)
{
    for (uint32_t i = 0; i < p->graphs[f->graph].n; i++) {
        const struct rac_wf_record *r = &f->records[i];
        if (r->action->type == RAC_WF_TYPE_SEND_TO_BATCH && r->status == RAC_WF_SUCCEEDED)
            id_of(x, rac_json_get(&r->outputs, RAC_S("body")));
        for (uint32_t k = 0; r->inner != NULL && k < r->inner->frames_n; k++)
            sent_in(x, p, r->inner->frames[k]);
    }
}

static void note_messages(struct sim *s, const struct memory_run *row, struct rac_run *r,
                          struct rac_arena *a)
{
    if (row->flow != RECEIVER) {
        sent_in(&s->sent, s->w->flows[row->flow - 1]->plan, rac_run_root(r));
        return;
    }
    struct rac_json all = rac_run_json(r, a);
    const struct rac_json *outputs =
                              rac_json_get(rac_json_get(&all, RAC_S("trigger")), RAC_S("outputs")),
                          *body = rac_json_get(outputs, RAC_S("body")),
                          *items = rac_json_get(body, RAC_S("items"));
    if (items == NULL) /* split */
        id_of(&s->there, body);
    RAC_JSON_EACH(x, items)
    id_of(&s->there, x);
}

static int by_id(const void *x, const void *y)
{
    return strcmp(x, y);
}

static void check_messages(struct sim *s)
{
    CHECK(s->w->store->messages_n == 0, "%zu messages were never released",
          s->w->store->messages_n);
    if (s->sent.n > 0)
        qsort(s->sent.v, s->sent.n, sizeof *s->sent.v, by_id);
    if (s->there.n > 0)
        qsort(s->there.v, s->there.n, sizeof *s->there.v, by_id);
    for (size_t i = 0; i < s->sent.n || i < s->there.n; i++)
        CHECK(i < s->sent.n && i < s->there.n && strcmp(s->sent.v[i], s->there.v[i]) == 0,
              "of messages sent and released, '%s' and '%s' are the first that differ",
              i < s->sent.n ? s->sent.v[i] : "", i < s->there.n ? s->there.v[i] : "");
    rac_mem_free(s->sent.v);
    rac_mem_free(s->there.v);
}

/* --- reading a run back ----------------------------------------------------------------------- */

static rac_err value(void *self, const char *digest, struct rac_arena *a, rac_str *bytes)
{
    struct world *w = self;
    return w->store->port.value_get(w->store, 0, digest, a, bytes);
}

static void check_run(struct sim *s, const struct memory_run *row, size_t pieces)
{
    struct rac_arena a;
    struct rac_run_world world = {.env = &s->w->env};
    const struct rac_plan *p = s->w->flows[row->flow - 1]->plan;
    rac_arena_init(&a, SIZE_MAX / 2);
    struct rac_run *r = rac_run_new(p, &world, NULL, &a);
    for (size_t i = 0; i < pieces; i++) {
        rac_err err = rac_run_replay(r, (rac_str){row->pieces[i].p, row->pieces[i].n}, value, s->w);
        CHECK(err == RAC_OK, "piece %zu of run %s: %s", i, row->name, rac_err_name(err));
    }
    if (pieces < row->pieces_n) {
        CHECK(!rac_run_over(r), "run %s was over before its last piece", row->name);
        rac_run_resume(r);
        while (rac_run_work(r, 50)) /* goes on from there, as far as it can by itself */
            ;
    } else {
        CHECK(rac_run_over(r), "run %s has a row that ended and a journal that did not", row->name);
        CHECK(strcmp(rac_wf_status_word(rac_run_status(r)), row->status) == 0,
              "run %s is %s in its row and %s in its journal", row->name, row->status,
              rac_wf_status_word(rac_run_status(r)));
        note_messages(s, row, r, &a);
        bool closed = rac_run_code(r) != NULL && strcmp(rac_run_code(r), "ActionFailed") != 0;
        if (!closed) {
            check_frame(p, rac_run_root(r));
            CHECK(rac_run_status(r) == rac_run_root(r)->status, "run %s is not as its actions say",
                  row->name);
        }
    }
    rac_arena_fini(&a);
}

/* --- what happens ----------------------------------------------------------------------------- */

static rac_err store_fault(void *arg)
{
    static const rac_err errors[] = {RAC_E_BUSY, RAC_E_IO, RAC_E_FULL};
    struct sim *s = arg;
    if (s->quiet || sim_random(&s->r, 100) >= s->store_error_percent)
        return RAC_OK;
    return errors[sim_random(&s->r, 3)];
}

static void answer_one(struct sim *s)
{
    struct world_fetch *f = s->w->fetches;
    for (uint32_t skip = sim_random(&s->r, 4); skip > 0 && f != NULL && f->next != NULL; skip--)
        f = f->next;
    if (f == NULL)
        return;
    switch (s->quiet ? 9 : sim_random(&s->r, 10)) {
    case 0:
        world_answer(s->w, f, 503, "Retry-After: 2", "busy");
        break;
    case 1:
        world_answer(s->w, f, 404, "", "");
        break;
    case 2:
        world_fail(s->w, f, sim_random(&s->r, 2) ? RAC_E_UNREACHABLE : RAC_E_TIMEOUT);
        break;
    case 3:
        world_answer(s->w, f, 202, "Location: /poll\nRetry-After: 1", "");
        break;
    default:
        world_answer(s->w, f, 200, "Content-Type: application/json", "{\"ok\": true}");
    }
}

static void ignore(void *arg, rac_err err, rac_str why)
{
    (void)arg;
    (void)err;
    (void)why;
}

static void call_back(struct sim *s)
{
    struct rac_json v;
    struct rac_json_error where;
    char hook[16];
    if (s->plan.hooks == 0 || s->w->store->runs_n == 0)
        return;
    size_t at = sim_random(&s->r, (uint32_t)s->w->store->runs_n);
    while (s->quiet && s->w->store->runs[at].end_ms != 0)
        at = (at + 1) % s->w->store->runs_n; /* one that still needs it */
    const struct memory_run *r = &s->w->store->runs[at];
    snprintf(hook, sizeof hook, "Hook%u", sim_random(&s->r, s->plan.hooks));
    if (rac_json_parse(RAC_S("{\"headers\":{},\"body\":1}"), &s->w->a, 0, &v, &where) == RAC_OK)
        rac_engine_callback(s->w->engine, r->flow, rac_str_of(r->name), rac_str_of(hook), RAC_S(""),
                            &v, ignore, NULL);
}

static void jump_clock(struct sim *s)
{
    int64_t ms = (int64_t)sim_random(&s->r, 7200000) - 3600000;
    s->w->clock.wall_ms += ms;
}

static const char *const triggers[] = {
    BATCH("\"messageCount\": 3", ""),
    BATCH("\"messageCount\": 1", ""),
    BATCH("\"messageCount\": 4, \"recurrence\": {\"frequency\": \"Minute\", \"interval\": 1}", ""),
    BATCH("\"batchSize\": 15", ""),
    BATCH("\"messageCount\": 3", ", \"splitOn\": \"@triggerBody()?['items']\""),
    BATCH("\"messageCount\": 2", ", \"runtimeConfiguration\": {\"concurrency\": {\"runs\": 1}}"),
};
enum { PLAIN = 4 }; /* of these: they differ in their criteria alone */

/* The workflow that gets batches is disabled or enabled, its criteria change, it is run by hand. */
static void meddle(struct sim *s)
{
    struct rac_flow *f = s->w->flows[RECEIVER - 1];
    if (s->trigger < triggers[PLAIN] && sim_random(&s->r, 2) == 0)
        s->trigger = triggers[sim_random(&s->r, PLAIN)];
    f->enabled = s->quiet || sim_random(&s->r, 4) != 0;
    place_trigger(s->p, f, "manual", s->trigger);
    if (sim_random(&s->r, 3) == 0)
        rac_scheduler_notify(s->p->s, RECEIVER, RAC_S("manual"));
}

static void something(struct sim *s)
{
    struct world *w = s->w;
    switch (sim_random(&s->r, 42)) {
    case 0:
        place_crash(s->p, sim_random(&s->r, 3));
        break;
    case 1:
        jump_clock(s);
        break;
    case 2:
        call_back(s);
        break;
    case 3:
        if (sim_random(&s->r, 8) == 0 && w->store->runs_n > 0) {
            const struct memory_run *r =
                &w->store->runs[sim_random(&s->r, (uint32_t)w->store->runs_n)];
            rac_engine_cancel(w->engine, r->flow, rac_str_of(r->name), ignore, NULL);
        }
        break;
    case 4:
        if (s->fired < RUNS_MAX)
            world_fire(w, w->flows[0], "{\"body\": {\"n\": 1}}", sim_random(&s->r, 2) == 0,
                       &s->answers[s->fired++]);
        break;
    case 5:
    case 6:
        place_pass(s->p, sim_random(&s->r, 5000));
        break;
    case 7:
        place_pass(s->p, sim_random(&s->r, 4000000));
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        answer_one(s);
        break;
    case 12:
        if (sim_random(&s->r, 4) == 0)
            meddle(s);
        break;
    case 13:
    case 14:
        (void)place_tick(s->p);
        break;
    default:
        (void)world_step(w);
    }
}

static bool all_ended(const struct world *w)
{
    for (size_t i = 0; i < w->store->runs_n; i++)
        if (w->store->runs[i].end_ms == 0)
            return false;
    return w->store->waiting == 0;
}

static bool tell_piece(void *arg, rac_str bytes)
{
    const struct rac_plan *p = arg;
    struct rac_journal_reader in;
    struct rac_entry e;
    rac_journal_reader_init(&in, bytes);
    fprintf(stderr, "  turn\n");
    while (rac_journal_read(&in, &e))
        fprintf(stderr, "    kind %d frame %d %.*s status %s at %lld %.*s\n", (int)e.kind,
                (int)e.frame,
                RAC_FMT(e.action < p->actions_n ? p->actions[e.action].name : RAC_S("-")),
                rac_wf_status_word(e.status), (long long)e.at_ms,
                RAC_FMT(e.extra.kind == RAC_VALUE_TEXT ? e.extra.text : RAC_S("")));
    return true;
}

static void tell(struct sim *s, const struct memory_run *row)
{
    fprintf(stderr, "%.*s\nrun %s %s due %lld, now %lld\n", RAC_FMT(s->plan.actions), row->name,
            row->status, (long long)row->due_ms, (long long)s->w->clock.wall_ms);
    CHECK(s->w->store->port.journal(s->w->store, row->id, tell_piece,
                                    (void *)(uintptr_t)s->w->flows[row->flow - 1]->plan) == RAC_OK,
          "no journal");
}

/* The world behaves: everything must come to an end. */
static void come_to_an_end(struct sim *s)
{
    struct world *w = s->w;
    s->quiet = true;
    world_wake_due(w);
    meddle(s);
    for (int i = 0; i < END_ROUNDS; i++) {
        place_settle(s->p);
        if (w->fetches != NULL) {
            answer_one(s);
            continue;
        }
        if (all_ended(w)) {
            if (w->store->messages_n == 0)
                return;
            rac_scheduler_notify(s->p->s, RECEIVER, RAC_S("manual"));
        } else {
            call_back(s);
        }
        place_pass(s->p, 600000);
    }
    for (size_t i = 0; i < w->store->runs_n; i++)
        if (w->store->runs[i].end_ms == 0)
            tell(s, &w->store->runs[i]);
    for (size_t i = 0; i < w->store->runs_n; i++)
        CHECK(w->store->runs[i].end_ms != 0, "run %s of flow %lld is stuck", w->store->runs[i].name,
              (long long)w->store->runs[i].flow);
}

static void one_seed(uint64_t seed)
{
    struct sim s = {.r = {seed}};
    seed_now = seed;
    s.w = world_new(seed, true);
    s.w->limits.turn_actions_max = 1 + sim_random(&s.r, 20);
    world_crash(s.w, 0); /* an engine with those limits */
    s.p = place_in(s.w);
    sim_plan_make(&s.r, &s.w->a, &s.plan);
    world_flow(s.w, REQUEST, s.plan.actions.p);
    world_flow(s.w, REQUEST,
               "{\"W\": {\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": 1, \"unit\": "
               "\"Second\"}}}, \"R\": {\"type\": \"Response\", \"runAfter\": {\"W\": "
               "[\"Succeeded\"]}, \"inputs\": {\"body\": \"@triggerBody()\"}}}");
    s.trigger = triggers[sim_random(&s.r, RAC_COUNT(triggers))];
    place_trigger(s.p,
                  world_flow(s.w, s.trigger,
                             "{\"Seen\": {\"type\": \"Compose\", \"inputs\": \"@triggerBody()\"}}"),
                  "manual", s.trigger);
    s.store_error_percent = sim_random(&s.r, 3) == 0 ? sim_random(&s.r, 40) : 0;
    s.w->store->fault = store_fault;
    s.w->store->fault_arg = &s;
    s.w->store->save_fault = store_fault;
    s.w->store->save_fault_arg = &s;
    s.w->on_fetch = leaves;
    world_fire(s.w, s.w->flows[0], "{\"body\": {\"n\": 1}}", true, &s.answers[s.fired++]);
    for (int i = 0; i < STEPS; i++)
        something(&s);
    come_to_an_end(&s);
    for (size_t i = 0; i < s.fired; i++) {
        const struct world_answer *a = &s.answers[i];
        if (a->called && a->outcome != RAC_FIRE_FAILED && a->outcome != RAC_FIRE_BUSY)
            CHECK(memory_store_run(s.w->store, 1, rac_str_of(a->run)) != NULL,
                  "trigger %zu was acknowledged and is lost", i);
    }
    for (size_t i = 0; i < s.w->store->runs_n; i++) {
        const struct memory_run *row = &s.w->store->runs[i];
        for (size_t n = 1; n <= row->pieces_n; n++)
            if (n == row->pieces_n || n < 12 || n % 7 == 0)
                check_run(&s, row, n);
    }
    check_messages(&s);
    place_free(s.p);
}

static void seeds(void **state)
{
    const char *count = getenv("RACCORD_SIM_SEEDS"), *first = getenv("RACCORD_SIM_FIRST");
    unsigned long n = count ? strtoul(count, NULL, 10) : 200,
                  from = first ? strtoul(first, NULL, 10) : 1;
    (void)state;
    for (unsigned long i = 0; i < n; i++)
        one_seed(from + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seeds)};
    rac_log_setup(2, false, RAC_SILENT); /* thousands of faults are told of otherwise */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
