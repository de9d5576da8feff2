/* From a trigger's outputs to runs or history: rac_trigger_fire of scheduler.h. */
#include "base/mem.h"
#include "base/str.h"
#include "workflow/scheduler/scheduler.h"
#include "workflow/definition/secure.h"

enum {
    FIRING_BYTES_MAX = 512 << 20,
    UNDER_WAY_MAX = 1000, /* commits asked for and not answered: a few batches of the store's */
};

/* Freed when everything it began has answered. */
struct firing {
    struct rac_arena a;
    struct rac_firing f; /* strings and values in a */
    struct rac_flow_trigger trigger;
    struct rac_flow_trigger_row row;
    struct rac_namer namer;
    struct rac_engine_company company;
    rac_firing_fn done;
    void *arg;
    struct rac_trigger_verdict v;
    const struct rac_flow_release **release; /* by item */
    size_t at;                               /* how far it is: history of all items, then runs */
    size_t last, fires;                      /* of the items: the last to be kept, those that run */
    size_t under_way, started;
    bool answered, single;
    struct rac_fire_answer worst; /* of several: what went wrong */
};

static void go_on(struct firing *g);

static void finish(struct firing *g)
{
    if (!g->answered)
        g->done(g->arg, g->started, &g->worst);
    rac_engine_part(&g->company);
    rac_flow_unref(g->f.flow);
    rac_arena_fini(&g->a);
    rac_mem_free(g);
}

static void one_less(struct firing *g)
{
    g->under_way--;
    go_on(g);
    if (g->under_way == 0)
        finish(g);
}

static void run_answered(void *arg, const struct rac_fire_answer *answer)
{
    struct firing *g = arg;
    bool refused = answer->outcome == RAC_FIRE_BUSY || answer->outcome == RAC_FIRE_FAILED;
    g->started += !refused;
    if (g->single) {
        g->answered = true;
        g->done(g->arg, g->started, answer);
    } else if (refused) {
        g->worst.outcome = answer->outcome;
        g->worst.status = answer->status;
        g->worst.too_large = answer->too_large;
        g->worst.retry_after_ms = answer->retry_after_ms;
        g->worst.code = rac_arena_str(&g->a, answer->code);
        g->worst.message = rac_arena_str(&g->a, answer->message);
    }
    one_less(g);
}

static void event_kept(void *arg, const struct rac_commit *c)
{
    struct firing *g = arg;
    if (c->err != RAC_OK && g->worst.outcome == RAC_FIRE_STARTED) {
        bool gone = c->err == RAC_E_NOT_FOUND, full = c->err == RAC_E_FULL;
        g->worst.outcome = RAC_FIRE_FAILED;
        g->worst.status = gone ? 404 : full ? 507 : 503;
        g->worst.code = gone   ? RAC_S("WorkflowNotFound")
                        : full ? RAC_S("StorageFull")
                               : RAC_S("ServiceUnavailable");
        g->worst.too_large = c->err == RAC_E_LIMIT;
        g->worst.message = rac_arena_str(&g->a, c->error);
    }
    one_less(g);
}

/* Rows of events are not of a version, so what a later one would show is not kept (§4.10). */
static rac_str kept_text(struct firing *g, const struct rac_json *v, enum rac_secure_bits bit,
                         const char *what)
{
    const struct rac_plan *p = g->f.flow->plan;
    struct rac_json shown = (rac_secure_of_trigger(p) & bit) != 0
                                ? rac_secure_instead(what, &g->a)
                                : rac_secure_mask(rac_secure_values_of_plan(p), v, &g->a);
    return rac_json_print_str(&shown, 0, &g->a);
}

/* History of what started no run; row goes with it when it is the last thing to be kept. outputs:
 * what was judged, of splitOn the element alone. */
static void keep_event(struct firing *g, const struct rac_trigger_item *i,
                       const struct rac_flow_release *release, bool with_row)
{
    const struct rac_firing *f = &g->f;
    rac_ms now = rac_env_wall_ms(f->env);
    if (f->store == NULL)
        return;
    struct rac_flow_event_row e =
        rac_trigger_event(f->trigger, &g->namer, i->outcome, i->code, i->message, now, now, &g->a);
    e.scheduled_ms = f->scheduled_ms;
    if (f->inputs != NULL)
        e.inputs = kept_text(g, f->inputs, RAC_SECURE_INPUTS, "inputs");
    const struct rac_json *outputs = i->outputs.type != RAC_JSON_NONE ? &i->outputs : f->outputs;
    if (outputs != NULL)
        e.outputs = kept_text(g, outputs, RAC_SECURE_OUTPUTS, "outputs");
    e.release = release;
    g->under_way++;
    if (with_row && f->row != NULL)
        f->store->trigger_save(f->store->self, f->row, &e, event_kept, g);
    else
        f->store->event_add(f->store->self, f->flow->key, f->flow->tenant, &e, event_kept, g);
}

static void start_run(struct firing *g, const struct rac_trigger_item *i,
                      const struct rac_flow_release *release, bool with_row)
{
    const struct rac_firing *f = &g->f;
    struct rac_fire fire = {
        .flow = f->flow,
        .trigger = f->trigger->name,
        .inputs = f->inputs,
        .outputs = i->outputs.type != RAC_JSON_NONE ? &i->outputs : NULL,
        .tracking = i->tracking.p != NULL ? i->tracking : f->tracking,
        .correlation = f->correlation,
        .depth = f->depth,
        .scheduled_ms = f->scheduled_ms,
        .waits = f->waits && g->single,
        .trigger_row = with_row && !f->flow->stateless ? f->row : NULL,
        .release = release,
        .in_company = !g->single && f->release == NULL,
    };
    if (with_row && f->row != NULL && f->flow->stateless && f->store != NULL) {
        g->under_way++; /* the run keeps nothing, its trigger does */
        f->store->trigger_save(f->store->self, f->row, NULL, event_kept, g);
    }
    g->under_way++;
    rac_engine_fire(f->engine, &fire, run_answered, g);
}

static void copy_in(struct firing *g, const struct rac_firing *f)
{
    struct rac_arena *a = &g->a;
    g->f = *f;
    g->f.flow = rac_flow_ref(f->flow);
    g->f.tracking = f->tracking.p != NULL ? rac_arena_str(a, f->tracking) : RAC_STR_NULL;
    g->f.correlation = f->correlation.p != NULL ? rac_arena_str(a, f->correlation) : RAC_STR_NULL;
    if (f->row == NULL)
        return;
    g->row = *f->row;
    rac_str *const texts[] = {&g->row.tenant, &g->row.trigger, &g->row.state, &g->row.status};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        if (texts[i]->p != NULL)
            *texts[i] = rac_arena_str(a, *texts[i]);
    g->f.row = &g->row;
}

/* What the elements of splitOn are begun with later, when the caller is gone. False: no room. */
static bool copy_values(struct firing *g)
{
    struct rac_arena *a = &g->a;
    const struct rac_json **const values[] = {&g->f.inputs, &g->f.outputs};
    g->trigger = *g->f.trigger;
    g->trigger.name = rac_arena_str(a, g->trigger.name);
    g->f.trigger = &g->trigger;
    for (size_t i = 0; i < RAC_COUNT(values) && g->trigger.splits; i++) {
        if (*values[i] == NULL)
            continue;
        struct rac_json *copy = RAC_NEW(a, struct rac_json);
        *copy = rac_json_copy(a, *values[i]);
        *values[i] = copy;
    }
    return !rac_arena_over(a);
}

/* Inputs as of now, where a trigger of this kind has some (§2.1); those that cannot be evaluated are
 * not shown. The callback URL would let every reader of the history fire the trigger. */
static void evaluate_inputs(struct firing *g)
{
    struct rac_firing *f = &g->f;
    struct rac_json *v = RAC_NEW(&g->a, struct rac_json);
    struct rac_trigger_context c = {
        .flow = f->flow, .env = f->env, .callback_url = RAC_S("*sanitized*")};
    rac_str why;
    if (f->inputs == NULL && f->trigger->inputs != NULL &&
        rac_trigger_evaluate(f->trigger, &c, NULL, f->trigger->inputs, &g->a, v, &why))
        f->inputs = v;
}

/* --- messages of a batch ---------------------------------------------------------------------- */

/* Whether the items are the messages, one by one. */
static bool items_are_messages(const struct rac_firing *f, const struct rac_trigger_verdict *v)
{
    const struct rac_json *items =
        rac_json_get(rac_json_get(f->outputs, RAC_S("body")), RAC_S("items"));
    bool same = f->trigger->splits && (int64_t)v->n == f->release->n && rac_json_len(items) == v->n;
    for (size_t i = 0; i < v->n && same; i++)
        same = rac_json_equal(rac_json_at(items, i),
                              rac_json_get(&v->items[i].outputs, RAC_S("body")));
    return same;
}

/* For each item the messages that go with it: its own, or all with the one that is kept last. */
static const struct rac_flow_release **
releases(struct firing *g, const struct rac_trigger_verdict *v, size_t last, bool own)
{
    const struct rac_flow_release **out = RAC_NEW_N(&g->a, const struct rac_flow_release *, v->n);
    const struct rac_firing *f = &g->f;
    if (f->release == NULL)
        return out;
    if (!own) {
        out[last] = f->release;
        return out;
    }
    for (size_t i = 0; i < v->n; i++) {
        struct rac_flow_release *one = RAC_NEW(&g->a, struct rac_flow_release);
        *one = *f->release;
        one->first = one->last = f->numbers[i];
        one->n = 1;
        out[i] = one;
    }
    return out;
}

/* Runs that share the messages they begin with: were only some of them taken, those would start
 * again with the rest, or the rest never. True: there is no room for all, which is answered. */
static bool refuses(struct firing *g)
{
    const struct rac_firing *f = &g->f;
    size_t fires = g->fires, most,
           room = rac_engine_room(f->engine, f->flow, f->trigger->name, &most);
    if (fires <= room)
        return false;
    if (fires <= most) {
        g->worst.outcome = RAC_FIRE_BUSY;
        g->worst.status = 429;
        return true;
    }
    struct rac_trigger_item all = {
        .outcome = RAC_TRIGGER_FAILS,
        .code = RAC_S("SplitOnItemsLimitExceeded"),
        .message = rac_arena_printf(&g->a,
                                    "The 'splitOn' of trigger '%.*s' made %zu runs of one batch; "
                                    "at most %zu may run and wait at once.",
                                    RAC_FMT(f->trigger->name), fires, most)};
    g->worst.code = all.code;
    g->worst.message = all.message;
    keep_event(g, &all, f->release, true);
    return true;
}

/* Runs of one answer or call: were only some of them taken, whoever asks again would start those
 * twice. More than there may ever be are taken all the same when little else goes on. */
static bool too_busy(struct firing *g, size_t fires)
{
    const struct rac_firing *f = &g->f;
    size_t most, room = rac_engine_room(f->engine, f->flow, RAC_STR_NULL, &most);
    if (fires <= room || (fires > most && room > most / 2))
        return false;
    g->worst.outcome = RAC_FIRE_BUSY;
    g->worst.status = 503;
    g->worst.code = RAC_S("ServiceUnavailable");
    g->worst.message = RAC_S("Too many runs are waiting; try again in a moment.");
    g->worst.retry_after_ms = 1000;
    return true;
}

/* --- beginning -------------------------------------------------------------------------------- */

/* Those that end without a run first, so that the trigger's new state is committed last. */
static void begin(struct firing *g, const struct rac_trigger_verdict *v)
{
    g->last = v->n - 1;
    for (size_t i = 0; i < v->n; i++)
        if (v->items[i].outcome == RAC_TRIGGER_FIRES) {
            g->last = i;
            g->fires++;
        }
    bool own = g->f.release != NULL && items_are_messages(&g->f, v);
    if (g->fires > 1 && g->f.release != NULL && !own && refuses(g))
        return;
    if (g->fires > 1 && g->f.release == NULL && too_busy(g, g->fires))
        return;
    /* the row of a stateless one is kept apart from its run: answered when both are done */
    g->single = g->fires == 1 && v->n == 1 && !(g->f.row != NULL && g->f.flow->stateless);
    g->release = releases(g, v, g->last, own);
    g->v = *v;
    go_on(g);
}

/* As many as may be under way; a batch's at once, for its messages are borrowed. */
static void go_on(struct firing *g)
{
    const struct rac_trigger_verdict *v = &g->v;
    while (g->at < 2 * v->n && g->company.engine != NULL &&
           (g->under_way <= UNDER_WAY_MAX || g->f.release != NULL)) {
        size_t i = g->at % v->n;
        bool runs = g->at++ >= v->n, fires = v->items[i].outcome == RAC_TRIGGER_FIRES;
        if (fires && runs)
            start_run(g, &v->items[i], g->release[i], i == g->last);
        else if (!fires && !runs)
            keep_event(g, &v->items[i], g->release[i], g->fires == 0 && i == g->last);
    }
}

static void judge(struct firing *g)
{
    const struct rac_firing *f = &g->f;
    struct rac_trigger_context c = {.flow = f->flow, .env = f->env, .inputs = f->inputs};
    struct rac_trigger_verdict v;
    rac_trigger_judge(f->trigger, &c, f->outputs, &g->a, &v);
    if (v.outcome == RAC_TRIGGER_FIRES) {
        begin(g, &v);
        return;
    }
    if (v.outcome == RAC_TRIGGER_FAILS) {
        g->worst.code = v.code;
        g->worst.message = v.message;
    }
    struct rac_trigger_item all = {.outcome = v.outcome, .code = v.code, .message = v.message};
    keep_event(g, &all, f->release, true);
}

void rac_trigger_fire(const struct rac_firing *f, rac_firing_fn done, void *arg)
{
    struct firing *g = rac_mem_alloc(sizeof *g);
    *g = (struct firing){.namer = {.env = f->env}, .done = done, .arg = arg, .under_way = 1};
    rac_arena_init(&g->a, FIRING_BYTES_MAX);
    rac_engine_join(f->engine, &g->company);
    copy_in(g, f);
    evaluate_inputs(g);
    g->worst.outcome = RAC_FIRE_STARTED;
    g->worst.flow = f->flow;
    if (copy_values(g)) {
        judge(g);
    } else {
        g->worst.outcome = RAC_FIRE_FAILED;
        g->worst.status = 503;
        g->worst.too_large = true;
        g->worst.code = RAC_S("ServiceUnavailable");
        g->worst.message = RAC_S("it takes more memory than a trigger may have");
    }
    if (!g->trigger.splits) /* borrowed until here, and no more needed */
        g->f.inputs = g->f.outputs = NULL;
    g->f.release = NULL;
    one_less(g);
}
