#include "unit.h"

#include "base/mem.h"
#include "loop/deadline.h"
#include "loop/loop_priv.h"
#include "loop/mailbox.h"
#include "loop/pool.h"
#include "loop/worker.h"

#include <poll.h>

/* ---- deadlines ---- */
struct alarm {
    struct rac_deadline d;
    struct rac_loop *loop;
    struct alarm *other;
    uint64_t fired_at, due;
    int fired;
};

static void ring(void *arg)
{
    struct alarm *a = arg;
    a->fired++;
    a->fired_at = a->loop->wheel.now_ms;
}

static uint64_t next_random(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 33;
}

/* The wheel against the plain rule: everything with at <= now has fired, nothing else has. */
static void wheel_fires_exactly_what_is_due(void **state RAC_UNUSED)
{
    enum { N = 3000 };
    struct rac_loop *loop = rac_loop_new();
    struct rac_wheel *w = &loop->wheel;
    struct alarm *v = rac_mem_alloc(N * sizeof *v);
    uint64_t seed = 7, now = 1000;
    rac_wheel_init(w, now);
    for (int i = 0; i < N; i++) {
        rac_deadline_init(&v[i].d, ring, &v[i]);
        v[i].loop = loop;
        unsigned bits = (unsigned)(next_random(&seed) % 34);
        v[i].d.at_ms = v[i].due = now + 1 + next_random(&seed) % (UINT64_C(1) << bits);
        rac_wheel_put(w, &v[i].d);
    }
    for (int step = 0; step < 400; step++) {
        for (int k = 0; k < 3; k++) {
            struct alarm *a = &v[next_random(&seed) % N];
            if (rac_deadline_is_armed(&a->d)) {
                rac_deadline_cancel(&a->d);
                a->due = UINT64_MAX;
            }
        }
        now += next_random(&seed) % (UINT64_C(1) << (step / 14 + 1));
        uint64_t before = w->now_ms;
        rac_wheel_advance(w, now);
        for (int i = 0; i < N; i++) {
            assert_int_equal(v[i].fired, v[i].due <= now ? 1 : 0);
            if (v[i].fired && v[i].fired_at > before && v[i].due > before)
                assert_true(v[i].fired_at <= now);
        }
    }
    for (int i = 0; i < N; i++)
        rac_deadline_cancel(&v[i].d);
    assert_int_equal(w->armed, 0);
    for (int l = 0; l < WHEEL_LEVELS; l++)
        assert_true(w->bits[l] == 0);
    rac_mem_free(v);
    rac_loop_free(loop);
}

static void ring_and_cancel(void *arg)
{
    struct alarm *a = arg;
    ring(a);
    rac_deadline_cancel(&a->other->d);
}

static void deadline_cancels_its_neighbour(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    struct alarm a = {.loop = loop}, b = {.loop = loop};
    a.other = &b;
    b.other = &a;
    rac_deadline_init(&a.d, ring_and_cancel, &a);
    rac_deadline_init(&b.d, ring_and_cancel, &b);
    rac_deadline_arm(loop, &a.d, 5);
    rac_deadline_arm(loop, &b.d, 5);
    rac_loop_run(loop);
    assert_int_equal(a.fired + b.fired, 1);
    rac_loop_free(loop);
}

static void ring_three_times(void *arg)
{
    struct alarm *a = arg;
    if (++a->fired < 3)
        rac_deadline_arm(a->loop, &a->d, 1);
}

static void deadlines_fire_in_real_time(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    struct alarm again = {.loop = loop}, zero = {.loop = loop}, later = {.loop = loop};
    rac_deadline_init(&again.d, ring_three_times, &again);
    rac_deadline_init(&zero.d, ring, &zero);
    rac_deadline_init(&later.d, ring, &later);
    uint64_t start = rac_loop_now_ms(loop);
    rac_deadline_arm(loop, &again.d, 2);
    rac_deadline_arm(loop, &zero.d, -5);
    rac_deadline_arm(loop, &later.d, 100000);
    rac_deadline_arm(loop, &later.d, 70); /* re-armed nearer, past one level */
    assert_int_equal(zero.fired, 0);
    rac_loop_run(loop); /* ends: nothing armed is left */
    assert_int_equal(again.fired, 3);
    assert_int_equal(zero.fired, 1);
    assert_int_equal(later.fired, 1);
    assert_true(rac_loop_now_ms(loop) - start >= 69);
    rac_loop_free(loop);
}

/* ---- tasks ---- */
struct chain {
    struct rac_loop *loop;
    struct rac_task t, twin;
    int left;
};

static void chain_step(void *arg)
{
    struct chain *c = arg;
    rac_loop_soon_cancel(c->loop, &c->twin);
    if (--c->left > 0)
        rac_loop_soon(c->loop, &c->t);
}

static void must_not_run(void *arg RAC_UNUSED)
{
    fail();
}

static void tasks_run_before_the_loop_sleeps(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    struct chain c = {.loop = loop, .left = 100};
    c.t.fn = chain_step;
    c.twin.fn = must_not_run;
    c.t.arg = c.twin.arg = &c;
    rac_loop_soon(loop, &c.t);
    rac_loop_soon(loop, &c.t); /* once */
    rac_loop_soon(loop, &c.twin);
    struct rac_task tail = {.fn = must_not_run};
    rac_loop_soon(loop, &tail);
    rac_loop_soon_cancel(loop, &tail);
    rac_loop_run(loop);
    assert_int_equal(c.left, 0);
    rac_loop_free(loop);
}

/* ---- mailboxes ---- */
enum { SENDERS = 4, EACH = 20000 };

struct post {
    uint32_t sender, number;
};

struct office {
    struct rac_loop *loop;
    struct rac_mailbox *box;
    uint32_t next[SENDERS];
    uint32_t got;
    uint32_t busy[SENDERS];
};

struct sender {
    struct office *office;
    uint32_t id;
};

static void on_post(void *arg, const void *msg)
{
    struct office *o = arg;
    const struct post *p = msg;
    assert_int_equal(p->number, o->next[p->sender]); /* in order per sender, none lost */
    o->next[p->sender]++;
    if (++o->got == SENDERS * EACH)
        rac_loop_stop(o->loop);
}

static void send_many(void *arg)
{
    struct sender *s = arg;
    for (uint32_t i = 0; i < EACH; i++)
        while (rac_mailbox_send(s->office->box, &(struct post){s->id, i}) == RAC_E_BUSY) {
            s->office->busy[s->id]++;
            sched_yield();
        }
    rac_mailbox_unref(s->office->box);
}

static void mailbox_keeps_order_from_many_threads(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    struct office o = {.loop = loop};
    o.box = rac_mailbox_new(loop, 64, sizeof(struct post), on_post, &o);
    struct sender s[SENDERS];
    uv_thread_t t[SENDERS];
    for (uint32_t i = 0; i < SENDERS; i++) {
        s[i] = (struct sender){&o, i};
        rac_mailbox_ref(o.box);
        uv_thread_create(&t[i], send_many, &s[i]);
    }
    rac_loop_run(loop);
    for (int i = 0; i < SENDERS; i++)
        uv_thread_join(&t[i]);
    assert_int_equal(o.got, SENDERS * EACH);
    assert_int_equal(rac_mailbox_depth(o.box), 0);
    rac_mailbox_close(o.box);
    assert_int_equal(rac_mailbox_send(o.box, &(struct post){0}), RAC_E_CANCELLED);
    rac_loop_free(loop);
    assert_int_equal(rac_mailbox_send(o.box, &(struct post){0}), RAC_E_CANCELLED);
    rac_mailbox_unref(o.box);
}

static void count_post(void *arg, const void *msg RAC_UNUSED)
{
    (*(int *)arg)++;
}

static void mailbox_full_is_busy_and_close_delivers(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    int got = 0;
    struct rac_mailbox *m = rac_mailbox_new(loop, 4, sizeof(int), count_post, &got);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rac_mailbox_send(m, &i), RAC_OK);
    int more = 9;
    assert_int_equal(rac_mailbox_send(m, &more), RAC_E_BUSY);
    assert_int_equal(rac_mailbox_depth(m), 4);
    rac_loop_poll(loop);
    assert_int_equal(got, 4);
    assert_int_equal(rac_mailbox_send(m, &more), RAC_OK);
    rac_mailbox_close(m);
    assert_int_equal(got, 5);
    rac_mailbox_unref(m);
    rac_loop_free(loop);
}

static void send_until_closed(void *arg)
{
    struct office *o = arg;
    struct post p = {0};
    for (;;) {
        rac_err e = rac_mailbox_send(o->box, &p);
        if (e == RAC_E_CANCELLED)
            break;
        if (e == RAC_OK)
            p.number++;
    }
    o->busy[0] = p.number;
    rac_mailbox_unref(o->box);
}

static void count_office(void *arg, const void *msg RAC_UNUSED)
{
    struct office *o = arg;
    if (++o->got == 1000)
        rac_loop_stop(o->loop);
}

static void mailbox_close_loses_nothing(void **state RAC_UNUSED)
{
    for (int round = 0; round < 20; round++) {
        struct office o = {.loop = rac_loop_new()};
        o.box = rac_mailbox_new(o.loop, 16, sizeof(struct post), count_office, &o);
        rac_mailbox_ref(o.box);
        uv_thread_t t;
        uv_thread_create(&t, send_until_closed, &o);
        rac_loop_run(o.loop);
        rac_mailbox_close(o.box);
        uv_thread_join(&t);
        assert_int_equal(o.got, o.busy[0]); /* every send that said OK was delivered */
        rac_mailbox_unref(o.box);
        rac_loop_free(o.loop);
    }
}

/* ---- workers and pool ---- */
struct shop {
    struct rac_mailbox *main_box;
    struct rac_loop *main_loop;
    int replies, fail_at;
};

struct shop_worker {
    struct shop *shop;
    struct rac_loop *loop;
    struct rac_mailbox *box;
    bool stopped;
};

struct order {
    struct rac_mailbox *reply_to;
    int n;
};

static void on_order(void *arg RAC_UNUSED, const void *msg)
{
    struct order o = *(const struct order *)msg;
    int answer = o.n * 2;
    assert_int_equal(rac_mailbox_send(o.reply_to, &answer), RAC_OK);
}

static rac_err shop_start(void *arg, struct rac_loop *loop, unsigned index, void **state)
{
    struct shop *shop = arg;
    if ((int)index == shop->fail_at)
        return RAC_E_IO;
    assert_int_equal(rac_loop_index(loop), index);
    struct shop_worker *w = rac_mem_alloc(sizeof *w);
    *w = (struct shop_worker){.shop = shop, .loop = loop};
    w->box = rac_mailbox_new(loop, 64, sizeof(struct order), on_order, w);
    *state = w;
    return RAC_OK;
}

static void shop_stop(void *state, struct rac_loop *loop)
{
    ((struct shop_worker *)state)->stopped = true;
    rac_loop_stop(loop);
}

static void shop_fini(void *state, struct rac_loop *loop RAC_UNUSED)
{
    struct shop_worker *w = state;
    assert_true(w->stopped);
    rac_mailbox_close(w->box);
    rac_mailbox_unref(w->box);
    rac_mem_free(w);
}

static void on_reply(void *arg, const void *msg)
{
    struct shop *shop = arg;
    shop->replies += *(const int *)msg;
    if (shop->replies == 2 * (0 + 1 + 2))
        rac_loop_stop(shop->main_loop);
}

static void workers_answer_by_mail(void **state RAC_UNUSED)
{
    struct shop shop = {.main_loop = rac_loop_new(), .fail_at = -1};
    shop.main_box = rac_mailbox_new(shop.main_loop, 16, sizeof(int), on_reply, &shop);
    const struct rac_worker_hooks hooks = {shop_start, shop_stop, shop_fini, &shop};
    struct rac_workers *w = NULL;
    assert_int_equal(rac_workers_start(3, &hooks, &w), RAC_OK);
    assert_int_equal(rac_workers_count(w), 3);
    for (int i = 0; i < 3; i++) {
        struct shop_worker *sw = rac_workers_state(w, (unsigned)i);
        assert_int_equal(rac_mailbox_send(sw->box, &(struct order){shop.main_box, i}), RAC_OK);
    }
    rac_loop_run(shop.main_loop);
    rac_workers_stop(w);
    rac_workers_stop(w);
    rac_workers_join(w);
    rac_mailbox_close(shop.main_box);
    rac_mailbox_unref(shop.main_box);
    rac_loop_free(shop.main_loop);
}

static void worker_that_cannot_start_fails_all(void **state RAC_UNUSED)
{
    struct shop shop = {.fail_at = 2};
    const struct rac_worker_hooks hooks = {shop_start, shop_stop, shop_fini, &shop};
    struct rac_workers *w = NULL;
    assert_int_equal(rac_workers_start(4, &hooks, &w), RAC_E_IO);
    assert_null(w);
}

struct batch {
    uv_sem_t hold;
    int done, cancelled;
};

static void work_wait(void *arg)
{
    struct batch *b = arg;
    uv_sem_wait(&b->hold);
    uv_sem_post(&b->hold);
}

static void work_done(void *arg, rac_err err)
{
    struct batch *b = arg;
    b->done++;
    b->cancelled += err == RAC_E_CANCELLED;
}

static void pool_runs_refuses_and_cancels(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    struct batch b = {0};
    uv_sem_init(&b.hold, 0);
    int started = 0;
    struct rac_pool_job *last = NULL;
    while (rac_pool_start(loop, work_wait, work_done, &b, &last) == RAC_OK)
        started++;
    assert_int_equal(started, RAC_POOL_THREADS + RAC_POOL_WAITING_MAX);
    rac_pool_cancel(last);
    uv_sem_post(&b.hold);
    rac_loop_run(loop);
    assert_int_equal(b.done, started);
    assert_int_equal(b.cancelled, 1);
    assert_int_equal(rac_pool_depth(), 0);
    uv_sem_destroy(&b.hold);
    rac_loop_free(loop);
}

/* ---- signals, run_until ---- */
static void on_signal(void *arg, int signum)
{
    *(int *)arg = signum;
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static void stop_signal_reaches_the_loop(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    int got = 0;
    rac_loop_on_stop_signal(loop, on_signal, &got);
    raise(SIGTERM);
    for (int i = 0; i < 1000 && got == 0; i++)
        rac_loop_poll(loop);
    assert_int_equal(got, SIGTERM);
    rac_loop_free(loop);
}

static void run_until_stops_at_the_flag(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    bool flag = false, never = false;
    struct rac_deadline d;
    rac_deadline_init(&d, set_flag, &flag);
    rac_deadline_arm(loop, &d, 3);
    assert_true(rac_loop_run_until(loop, &flag));
    assert_false(rac_loop_run_until(loop, &never));
    rac_loop_free(loop);
}

static void set_flag_of(uv_timer_t *t)
{
    *(bool *)t->data = true;
}

/* What is due when the turn begins sets the flag before the poll: that must not wait. */
static void run_until_does_not_wait_once_the_flag_is_set(void **state RAC_UNUSED)
{
    struct rac_loop *loop = rac_loop_new();
    bool flag = false, late = false;
    struct rac_deadline now;
    uv_timer_t later;
    uv_timer_init(rac_loop_uv(loop), &later);
    later.data = &late;
    uv_timer_start(&later, set_flag_of, 30000, 0);
    rac_deadline_init(&now, set_flag, &flag);
    rac_deadline_arm(loop, &now, 0);
    poll(NULL, 0, 20);
    assert_true(rac_loop_run_until(loop, &flag));
    assert_false(late);
    uv_close((uv_handle_t *)&later, NULL);
    rac_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wheel_fires_exactly_what_is_due),
        cmocka_unit_test(deadline_cancels_its_neighbour),
        cmocka_unit_test(deadlines_fire_in_real_time),
        cmocka_unit_test(tasks_run_before_the_loop_sleeps),
        cmocka_unit_test(mailbox_keeps_order_from_many_threads),
        cmocka_unit_test(mailbox_full_is_busy_and_close_delivers),
        cmocka_unit_test(mailbox_close_loses_nothing),
        cmocka_unit_test(workers_answer_by_mail),
        cmocka_unit_test(worker_that_cannot_start_fails_all),
        cmocka_unit_test(pool_runs_refuses_and_cancels),
        cmocka_unit_test(stop_signal_reaches_the_loop),
        cmocka_unit_test(run_until_stops_at_the_flag),
        cmocka_unit_test(run_until_does_not_wait_once_the_flag_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
