/*
 * flow_bench - CPU time of the engine per run, no sockets and no disk: the transform workload.
 *
 *     build/tests/bench/flow_bench /path/to/transform.wdl.json [runs]
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "openapi/read.h"
#include "workflow/definition/document.h"
#include "workflow/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

struct deferred {
    void (*fn)(void *arg);
    void *arg;
};

struct bench {
    struct deferred queue[4096];
    size_t head, tail;
    struct {
        rac_flow_turn_fn done;
        void *arg;
    } commits[4096];
    size_t commits_head, commits_tail;
    uint64_t answered, journal_bytes;
};

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    struct bench *b = self;
    b->queue[b->tail++ % 4096] = (struct deferred){fn, arg};
}

static void alarm_at(void *self, rac_ns at)
{
    (void)self;
    (void)at;
}

static void turn(void *self, const struct rac_flow_turn *t, const struct rac_flow_trigger_row *row,
                 rac_flow_turn_fn done, void *arg)
{
    struct bench *b = self;
    (void)row;
    b->journal_bytes += t->journal.n;
    b->commits[b->commits_tail % 4096].done = done;
    b->commits[b->commits_tail++ % 4096].arg = arg;
}

static void fired(void *arg, const struct rac_fire_answer *a)
{
    struct bench *b = arg;
    b->answered += a->outcome == RAC_FIRE_RESPONSE;
}

static void settle(struct bench *b)
{
    for (;;) {
        if (b->head < b->tail) {
            struct deferred d = b->queue[b->head++ % 4096];
            d.fn(d.arg);
        } else if (b->commits_head < b->commits_tail) {
            size_t i = b->commits_head++ % 4096;
            b->commits[i].done(b->commits[i].arg, RAC_OK, RAC_STR_NULL, 1);
        } else {
            return;
        }
    }
}

static struct rac_flow *load(const char *path)
{
    struct rac_arena a;
    struct rac_diags d;
    struct rac_document *doc;
    struct rac_workflow *w;
    struct rac_plan *plan;
    static char text[1 << 20];
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return NULL;
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    rac_arena_init(&a, SIZE_MAX / 2);
    rac_diags_init(&d, &a, 10);
    if (rac_document_read((rac_str){text, n}, RAC_S("flow"), &a, &doc, &d) != RAC_OK ||
        rac_workflow_of_document(doc, NULL, &a, &w, &d) != RAC_OK ||
        rac_plan_compile(w, &a, &plan, &d) != RAC_OK)
        return NULL;
    struct rac_flow *flow = RAC_NEW(&a, struct rac_flow);
    *flow = (struct rac_flow){
        .key = 1, .enabled = true, .workflow = w, .plan = plan, .refs = 1, .revision = RAC_S("1")};
    flow->a = a;
    return flow;
}

static void measure(struct rac_flow *flow, bool stored, long runs)
{
    static struct bench b;
    struct rac_flow_store store = {.self = &b, .turn = turn};
    struct rac_engine_ports p = {.env = &rac_env_system,
                                 .store = stored ? &store : NULL,
                                 .alarm = alarm_at,
                                 .defer = defer,
                                 .self = &b};
    struct rac_engine *e;
    struct rac_arena a;
    struct rac_json v;
    struct rac_json_error where;
    b = (struct bench){0};
    rac_arena_init(&a, 1 << 20);
    if (rac_engine_new(&p, NULL, &e) != RAC_OK ||
        rac_json_parse(RAC_S("{\"headers\":{\"Host\":\"127.0.0.1\",\"Content-Type\":"
                             "\"application/json\"},\"body\":{\"name\":\"Ada\",\"amount\":150,"
                             "\"tags\":[\"a\",\"b\"]}}"),
                       &a, 0, &v, &where) != RAC_OK)
        abort();
    rac_ns start = rac_env_mono_ns(&rac_env_system);
    for (long i = 0; i < runs; i += 64) {
        for (int k = 0; k < 64; k++) {
            struct rac_fire fire = {.flow = flow, .outputs = &v, .waits = true};
            rac_engine_fire(e, &fire, fired, &b);
        }
        settle(&b);
    }
    rac_ns took = rac_env_mono_ns(&rac_env_system) - start;
    printf("%s: %.2f us a run, %llu answered, %.0f bytes of journal each\n",
           stored ? "durable  " : "stateless", (double)took / 1000.0 / (double)b.answered,
           (unsigned long long)b.answered, (double)b.journal_bytes / (double)b.answered);
    rac_engine_free(e);
    rac_arena_fini(&a);
}

int main(int argc, char **argv)
{
    long runs = argc > 2 ? strtol(argv[2], NULL, 10) : 200000;
    struct rac_flow *flow = argc > 1 ? load(argv[1]) : NULL;
    if (flow == NULL) {
        fprintf(stderr, "flow_bench: a workflow file, please\n");
        return 2;
    }
    rac_mem_blocks_keep();
    measure(flow, false, runs);
    measure(flow, true, runs);
    rac_flow_unref(flow);
    rac_mem_blocks_let_go();
    return 0;
}
