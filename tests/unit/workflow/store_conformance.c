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

/* --- batches ---------------------------------------------------------------------------------- */

struct saved {
    rac_err err;
    int64_t version, revision;
    rac_str id;
    bool called;
    struct rac_arena *a;
};

static void on_saved(void *arg, const struct rac_commit *c)
{
    struct saved *x = arg;
    x->err = c->err;
    x->version = c->version;
    x->revision = c->revision;
    x->id = c->id.p != NULL ? rac_arena_str(x->a, c->id) : RAC_STR_NULL;
    x->called = true;
}

static struct saved answered(const struct asked *q, struct saved *x)
{
    assert_false(x->called); /* not within the call */
    q->pump(q->arg);
    assert_true(x->called);
    return *x;
}

static struct rac_flow_message message(const struct asked *q, const char *batch,
                                       const char *partition, const char *content, int64_t count)
{
    return (struct rac_flow_message){.flow = q->flow,
                                     .tenant = RAC_DEFAULT_ID,
                                     .trigger = RAC_S("collect"),
                                     .batch = rac_str_of(batch),
                                     .partition = rac_str_of(partition),
                                     .id = RAC_S("m"),
                                     .content = rac_str_of(content),
                                     .full = {count, 1000}};
}

static void put(struct asked *q, const char *batch, const char *partition, const char *content,
                int64_t count)
{
    struct rac_flow_message m = message(q, batch, partition, content, count);
    struct saved x = {.a = &q->a};
    q->s->message_add(q->s->self, &m, on_saved, &x);
    assert_int_equal(answered(q, &x).err, RAC_OK);
}

/* What waits, as "batch/partition contents", a "!" before what is ready. */
static void must_wait(struct asked *q, const char *want)
{
    struct rac_flow_part_query query = {0};
    struct rac_flow_part_row *v;
    struct rac_flow_message_row *m;
    int64_t messages = 0, bytes = 0, counted, counted_bytes;
    size_t n, k;
    bool more;
    rac_str text = RAC_S("");
    assert_int_equal(q->s->part_list(q->s->self, q->flow, &query, &q->a, &v, &n, &more), RAC_OK);
    assert_false(more);
    for (size_t i = 0; i < n; i++) {
        int64_t here = 0;
        assert_int_equal(q->s->message_list(q->s->self, v[i].id, 100, 1000, &q->a, &m, &k), RAC_OK);
        assert_int_equal(v[i].messages_n, k);
        text =
            rac_arena_printf(&q->a, "%.*s%s%s%.*s/%.*s", RAC_FMT(text), i > 0 ? "; " : "",
                             v[i].ready ? "!" : "", RAC_FMT(v[i].batch), RAC_FMT(v[i].partition));
        for (size_t j = 0; j < k; j++) {
            text = rac_arena_printf(&q->a, "%.*s %.*s", RAC_FMT(text), RAC_FMT(m[j].content));
            assert_true(j == 0 || m[j].number > m[j - 1].number);
            here += (int64_t)m[j].content.n;
        }
        assert_int_equal(v[i].bytes_n, here);
        messages += (int64_t)k;
        bytes += here;
    }
    assert_str(text, want);
    assert_int_equal(q->s->message_count(q->s->self, q->flow, &counted, &counted_bytes), RAC_OK);
    assert_int_equal(counted, messages);
    assert_int_equal(counted_bytes, bytes);
}

static struct rac_flow_part_row part(struct asked *q, const char *batch)
{
    struct rac_flow_part_query query = {.batch = rac_str_of(batch), .n_max = 1};
    struct rac_flow_part_row *v;
    size_t n;
    bool more;
    assert_int_equal(q->s->part_list(q->s->self, q->flow, &query, &q->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
    return v[0];
}

static struct rac_flow_trigger_row called_trigger(struct asked *q)
{
    struct rac_flow_trigger_row row;
    assert_int_equal(q->s->trigger_get(q->s->self, q->flow, RAC_S("collect"), &q->a, &row), RAC_OK);
    return row;
}

static void messages_come(struct asked *q)
{
    uint64_t counter = q->s->ready_counter(q->s->self);
    struct rac_flow_message_row *m;
    size_t n;
    put(q, "b", "p", "1", 3);
    put(q, "B", "p", "22", 3); /* of any letter case, named as it was first */
    put(q, "b", "P", "7", 3);  /* partitions are not */
    must_wait(q, "b/P 7; b/p 1 22");
    assert_int_equal(q->s->ready_counter(q->s->self), counter);
    put(q, "b", "p", "333", 3);
    must_wait(q, "b/P 7; !b/p 1 22 333");
    assert_int_not_equal(q->s->ready_counter(q->s->self), counter);
    struct rac_flow_trigger_row row = called_trigger(q);
    assert_true(row.due_ms > 0);
    put(q, "s", "p", "4444", 0);
    struct rac_flow_message large = message(q, "s", "p", "1", 9);
    large.full.bytes = 5;
    struct saved x = {.a = &q->a};
    q->s->message_add(q->s->self, &large, on_saved, &x);
    assert_int_equal(answered(q, &x).err, RAC_OK);
    must_wait(q, "b/P 7; !b/p 1 22 333; !s/p 4444 1"); /* full of bytes */

    /* called since the row was read: what is saved then does not put it to rest */
    row.seen_ms = row.due_ms;
    row.due_ms = 0;
    row.state = RAC_S("{}");
    row.secret = RAC_S("{\"url\":\"u\"}");
    x = (struct saved){.a = &q->a};
    q->s->trigger_save(q->s->self, &row, NULL, on_saved, &x);
    assert_int_equal(answered(q, &x).err, RAC_OK);
    assert_true(called_trigger(q).due_ms > 0);
    row = called_trigger(q);
    assert_str(row.secret, "{\"url\":\"u\"}");
    row.secret = RAC_STR_NULL; /* as it is */
    row.seen_ms = row.due_ms;
    row.due_ms = 0;
    x = (struct saved){.a = &q->a};
    q->s->trigger_save(q->s->self, &row, NULL, on_saved, &x);
    assert_int_equal(answered(q, &x).err, RAC_OK);
    assert_int_equal(called_trigger(q).due_ms, 0);
    assert_str(called_trigger(q).secret, "{\"url\":\"u\"}");

    int64_t id = 0;
    struct rac_flow_part_query query = {.batch = RAC_S("b"), .ready = true};
    struct rac_flow_part_row *v;
    bool more;
    assert_int_equal(q->s->part_list(q->s->self, q->flow, &query, &q->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
    id = query.after = v[0].id;
    assert_int_equal(q->s->part_list(q->s->self, q->flow, &query, &q->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 0);
    assert_int_equal(q->s->message_list(q->s->self, id, 2, 1000, &q->a, &m, &n), RAC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(q->s->message_list(q->s->self, id, 9, 2, &q->a, &m, &n), RAC_OK);
    assert_int_equal(n, 2); /* three bytes: enough */
    assert_int_equal(q->s->message_list(q->s->self, id, 9, 1, &q->a, &m, &n), RAC_OK);
    assert_int_equal(n, 1);
}

static struct rac_flow_release release_of(struct asked *q, int64_t first, int64_t last, int64_t n)
{
    struct rac_flow_part_query query = {.batch = RAC_S("b"), .ready = true};
    struct rac_flow_part_row *v;
    size_t parts;
    bool more;
    assert_int_equal(q->s->part_list(q->s->self, q->flow, &query, &q->a, &v, &parts, &more),
                     RAC_OK);
    assert_int_equal(parts, 1);
    return (struct rac_flow_release){.flow = q->flow,
                                     .part = v[0].id,
                                     .first = first,
                                     .last = last,
                                     .n = n,
                                     .through = 2,
                                     .trigger = RAC_S("collect"),
                                     .full = {3, 1000}};
}

static void messages_go(struct asked *q)
{
    struct rac_flow_release r = release_of(q, 1, 1, 2);
    struct rac_flow_turn t = begin(q, "3001");
    struct rac_flow_run_row row;
    t.release = &r;
    assert_int_equal(turn(q, &t).err, RAC_E_CONFLICT); /* they are not two */
    assert_int_equal(q->s->run_get(q->s->self, q->flow, t.name, &q->a, &row), RAC_E_NOT_FOUND);
    must_wait(q, "b/P 7; !b/p 1 22 333; !s/p 4444 1");
    r.n = 1;
    assert_int_equal(turn(q, &t).err, RAC_OK);
    must_wait(q, "b/P 7; !b/p 22 333; !s/p 4444 1"); /* ready through the second */
    t.name = RAC_S("3002");
    assert_int_equal(turn(q, &t).err, RAC_E_CONFLICT); /* it went */
    struct rac_flow_event_row event = {.name = RAC_S("0009"),
                                       .trigger = RAC_S("collect"),
                                       .status = RAC_S("Skipped"),
                                       .start_ms = 1,
                                       .end_ms = 1,
                                       .release = &r};
    r.first = r.last = 2;
    struct saved x = {.a = &q->a};
    q->s->event_add(q->s->self, q->flow, RAC_DEFAULT_ID, &event, on_saved, &x);
    assert_int_equal(answered(q, &x).err, RAC_OK);
    must_wait(q, "b/P 7; b/p 333; !s/p 4444 1"); /* one, and it is not full */
    event.name = RAC_S("0008");
    x = (struct saved){.a = &q->a};
    q->s->event_add(q->s->self, q->flow, RAC_DEFAULT_ID, &event, on_saved, &x);
    assert_int_equal(answered(q, &x).err, RAC_E_CONFLICT);
}

/* With the turn of the run that sends them, or not at all. */
static void messages_come_with_turns(struct asked *q)
{
    struct rac_flow_message v[] = {message(q, "b", "t", "5", 9), message(q, "b", "t", "6", 9)};
    struct rac_flow_turn t = begin(q, "3001");
    t.messages = v;
    t.messages_n = 2;
    assert_int_equal(turn(q, &t).err, RAC_E_EXISTS);
    must_wait(q, "b/P 7; b/p 333; !s/p 4444 1");
    t.name = RAC_S("3003");
    assert_int_equal(turn(q, &t).err, RAC_OK);
    must_wait(q, "b/P 7; b/p 333; b/t 5 6; !s/p 4444 1");
}

static struct saved mark(struct asked *q, rac_ms before_ms, int64_t count, rac_str after)
{
    struct rac_flow_mark m = {.flow = q->flow,
                              .tenant = RAC_DEFAULT_ID,
                              .trigger = RAC_S("collect"),
                              .batch = RAC_S("B"),
                              .before_ms = before_ms,
                              .full = {count, 1000},
                              .after = after};
    struct saved x = {.a = &q->a};
    q->s->part_mark(q->s->self, &m, on_saved, &x);
    (void)answered(q, &x);
    assert_int_equal(x.err, RAC_OK);
    return x;
}

static void parts_are_marked(struct asked *q)
{
    assert_int_equal(mark(q, INT64_MIN, 3, RAC_STR_NULL).version, 0);
    assert_int_equal(mark(q, 0, 3, RAC_STR_NULL).version, 0); /* none is so old */
    must_wait(q, "b/P 7; b/p 333; b/t 5 6; !s/p 4444 1");
    struct saved x = mark(q, INT64_MIN, 2, RAC_STR_NULL);
    assert_int_equal(x.version, 1);
    assert_null(x.id.p); /* all was looked at */
    must_wait(q, "b/P 7; b/p 333; !b/t 5 6; !s/p 4444 1");
    assert_int_equal(mark(q, INT64_MAX, 9, RAC_S("p")).version, 1); /* only those after it */
    must_wait(q, "b/P 7; b/p 333; !b/t 5 6; !s/p 4444 1");
    assert_int_equal(mark(q, INT64_MAX, 9, RAC_STR_NULL).version, 3);
    must_wait(q, "!b/P 7; !b/p 333; !b/t 5 6; !s/p 4444 1");
    assert_int_equal(part(q, "b").through, 1);
}

static void parts_are_dropped(struct asked *q)
{
    int64_t id = part(q, "s").id;
    struct saved x = {.a = &q->a};
    q->s->part_drop(q->s->self, RAC_DEFAULT_ID, q->flow, id, 0, on_saved, &x);
    assert_int_equal(answered(q, &x).version, 2);
    int64_t through = x.revision;
    put(q, "s", "p", "8", 9); /* a part of its own */
    assert_int_not_equal(part(q, "s").id, id);
    x = (struct saved){.a = &q->a};
    q->s->part_drop(q->s->self, RAC_DEFAULT_ID, q->flow, id, through, on_saved, &x);
    assert_int_equal(answered(q, &x).version, 0);
    /* what came after it was asked for stays */
    id = part(q, "b").id;
    put(q, "b", "P", "9", 9);
    x = (struct saved){.a = &q->a};
    q->s->part_drop(q->s->self, RAC_DEFAULT_ID, q->flow, id, 1, on_saved, &x);
    assert_int_equal(answered(q, &x).version, 1);
    must_wait(q, "!b/P 9; !b/p 333; !b/t 5 6; s/p 8");
    x = (struct saved){.a = &q->a};
    q->s->part_drop(q->s->self, RAC_DEFAULT_ID, q->flow, id, 1, on_saved, &x);
    assert_int_equal(answered(q, &x).version, 0);
    x = (struct saved){.a = &q->a};
    q->s->part_drop(q->s->self, RAC_DEFAULT_ID, q->flow + 1, id, 0, on_saved, &x);
    assert_int_equal(answered(q, &x).version, 0); /* somebody else's */
    must_wait(q, "!b/P 9; !b/p 333; !b/t 5 6; s/p 8");
}

void store_conformance(const struct rac_flow_store *s, int64_t flow, void (*pump)(void *arg),
                       void *arg)
{
    struct asked q = {.s = s, .flow = flow, .pump = pump, .arg = arg};
    rac_arena_init(&q.a, 1 << 20);
    life_of_a_run(&q);
    many_at_once(&q);
    messages_come(&q);
    messages_go(&q);
    messages_come_with_turns(&q);
    parts_are_marked(&q);
    parts_are_dropped(&q);
    rac_arena_fini(&q.a);
}
