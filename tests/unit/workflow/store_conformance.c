#include "unit.h"

#include "store_conformance.h"

#include "iam/store.h"

struct asked {
    const struct rac_flow_store *s;
    int64_t flow;
    void (*pump)(void *arg);
    void *arg;
    struct rac_arena a;
    rac_str pieces;
    int pieces_max;
};

struct answer {
    rac_err err;
    int64_t id;
    int n;
};

static void on_turn(void *arg, rac_err err, rac_str error, int64_t id)
{
    (void)error;
    struct answer *r = arg;
    *r = (struct answer){err, id, r->n + 1};
}

static struct rac_flow_turn begin(const struct asked *q, const char *name)
{
    return (struct rac_flow_turn){.create = true,
                                  .flow = q->flow,
                                  .tenant = RAC_DEFAULT_ID,
                                  .name = rac_str_of(name),
                                  .revision = RAC_S("08"),
                                  .trigger = RAC_S("manual"),
                                  .tracking = rac_str_of(name),
                                  .correlation = RAC_S("c"),
                                  .start_ms = 10,
                                  .status = RAC_S("Running"),
                                  .journal = RAC_S("one")};
}

static struct answer turn(const struct asked *q, const struct rac_flow_turn *t)
{
    struct answer r = {0};
    q->s->turn(q->s->self, t, NULL, on_turn, &r);
    assert_int_equal(r.n, 0); /* not within the call */
    q->pump(q->arg);
    assert_int_equal(r.n, 1);
    return r;
}

static bool on_piece(void *arg, rac_str bytes)
{
    struct asked *q = arg;
    q->pieces = rac_arena_printf(&q->a, "%.*s%.*s ", RAC_FMT(q->pieces), RAC_FMT(bytes));
    return --q->pieces_max > 0;
}

static void must_have_done(struct asked *q, int64_t id, int pieces_max, const char *want)
{
    q->pieces = RAC_S("");
    q->pieces_max = pieces_max;
    assert_int_equal(q->s->journal(q->s->self, id, on_piece, q), RAC_OK);
    assert_str(q->pieces, want);
}

static void must_be_open(const struct asked *q, int64_t running, int64_t waiting)
{
    int64_t n, m;
    assert_int_equal(q->s->open_count(q->s->self, q->flow, RAC_S("manual"), &n, &m), RAC_OK);
    assert_int_equal(n, running);
    assert_int_equal(m, waiting);
}

static void life_of_a_run(struct asked *q)
{
    struct rac_flow_turn t = begin(q, "0002");
    struct rac_flow_run_row row;
    assert_int_equal(q->s->run_get(q->s->self, q->flow, t.name, &q->a, &row), RAC_E_NOT_FOUND);
    int64_t id = turn(q, &t).id;
    assert_true(id > 0);
    must_be_open(q, 1, 0);
    assert_int_equal(turn(q, &t).err, RAC_E_EXISTS); /* its name is taken */
    must_be_open(q, 1, 0);

    struct rac_flow_value value = {.bytes = RAC_S("large")};
    memset(value.digest, 'a', 64);
    t = (struct rac_flow_turn){.id = id,
                               .flow = q->flow,
                               .tenant = RAC_DEFAULT_ID,
                               .status = RAC_S("Waiting"),
                               .due_ms = 500,
                               .journal = RAC_S("two"),
                               .values = &value,
                               .values_n = 1};
    assert_int_equal(turn(q, &t).id, id);
    assert_int_equal(turn(q, &t).err, RAC_OK); /* a value that is there already */
    must_be_open(q, 0, 1);
    t.journal = RAC_S(""); /* no piece */
    assert_int_equal(turn(q, &t).err, RAC_OK);
    must_have_done(q, id, 9, "one two two ");
    must_have_done(q, id, 2, "one two ");
    rac_str bytes;
    assert_int_equal(q->s->value_get(q->s->self, id, value.digest, &q->a, &bytes), RAC_OK);
    assert_str(bytes, "large");
    value.digest[0] = 'b';
    assert_int_equal(q->s->value_get(q->s->self, id, value.digest, &q->a, &bytes), RAC_E_NOT_FOUND);

    assert_int_equal(q->s->run_get(q->s->self, q->flow, RAC_S("0002"), &q->a, &row), RAC_OK);
    assert_int_equal(row.id, id);
    assert_int_equal(row.flow, q->flow);
    assert_str(row.revision, "08");
    assert_str(row.status, "Waiting");
    assert_int_equal(row.start_ms, 10);
    assert_int_equal(row.due_ms, 500);
    assert_int_equal(row.end_ms, 0);

    t = (struct rac_flow_turn){.id = id,
                               .flow = q->flow,
                               .tenant = RAC_DEFAULT_ID,
                               .status = RAC_S("Succeeded"),
                               .end_ms = 900,
                               .journal = RAC_S("end")};
    assert_int_equal(turn(q, &t).err, RAC_OK);
    assert_int_equal(turn(q, &t).err, RAC_E_CONFLICT); /* nothing is written twice */
    must_have_done(q, id, 9, "one two two end ");
    must_be_open(q, 0, 0);
    t.id = id + 1000;
    assert_int_equal(turn(q, &t).err, RAC_E_CONFLICT);
}

/* Answers come in the order of questions. */
static void many_at_once(struct asked *q)
{
    struct answer r[20] = {0};
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "1%03d", i);
        struct rac_flow_turn t = begin(q, name);
        t.end_ms = i % 2 ? 20 : 0;
        q->s->turn(q->s->self, &t, NULL, on_turn, &r[i]);
    }
    q->pump(q->arg);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(r[i].err, RAC_OK);
        assert_true(i == 0 || r[i].id > r[i - 1].id);
        must_have_done(q, r[i].id, 9, "one ");
    }
    must_be_open(q, 10, 0);
}

void store_conformance(const struct rac_flow_store *s, int64_t flow, void (*pump)(void *arg),
                       void *arg)
{
    struct asked q = {.s = s, .flow = flow, .pump = pump, .arg = arg};
    rac_arena_init(&q.a, 1 << 20);
    life_of_a_run(&q);
    many_at_once(&q);
    rac_arena_fini(&q.a);
}
