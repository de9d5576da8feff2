/* Child processes: this test program is the child, too. */
#include "unit.h"

#include "base/buf.h"
#include "base/metrics.h"
#include "loop/worker.h"
#include "sandbox/sandbox.h"
#include "script/children.h"
#include "text/xml_work.h"

#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define MAP(body)                                                                                  \
    "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>" body         \
    "</xsl:stylesheet>"
#define HELLO MAP("<xsl:template match='/'><hello/></xsl:template>")
/* 60^5 turns: hours. */
#define ENDLESS                                                                                    \
    MAP("<xsl:template match='/'><xsl:for-each select='//i'><xsl:for-each select='//i'>"           \
        "<xsl:for-each select='//i'><xsl:for-each select='//i'><xsl:for-each select='//i'>"        \
        "<xsl:if test='count(//i) = 0'>x</xsl:if>"                                                 \
        "</xsl:for-each></xsl:for-each></xsl:for-each></xsl:for-each></xsl:for-each>"              \
        "</xsl:template>")
#define GREEDY                                                                                     \
    MAP("<xsl:template match='/'><xsl:for-each select='//i'><xsl:for-each select='//i'>"           \
        "<xsl:for-each select='//i'><xsl:for-each select='//i'><a><b><c/></b></a>"                 \
        "</xsl:for-each></xsl:for-each></xsl:for-each></xsl:for-each></xsl:template>")

/* Memory that says which strange_child() it is. */
enum { HANGS_UP = 111111111, TAKES_LONG = 222222222 };

struct asked {
    struct rac_sandbox_job *job;
    bool done;
    rac_err err;
    struct rac_xml_answer answer;
    char why[200];
};

static struct rac_arena arena;
static struct rac_loop *loop;
static struct rac_children *children;
static struct rac_sandbox sandbox;

static void open_children(const struct rac_children_options *o)
{
    rac_arena_init(&arena, 64 << 20);
    loop = rac_loop_new();
    children = rac_children_new(loop, o);
    sandbox = rac_children_sandbox(children);
}

static void close_children(void)
{
    rac_children_free(children);
    rac_loop_free(loop);
    rac_arena_fini(&arena);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
}

static void answered(void *arg, const struct rac_sandbox_res *res)
{
    struct asked *x = arg;
    assert_false(x->done);
    x->done = true;
    x->err = res->err;
    snprintf(x->why, sizeof x->why, "%.*s", RAC_FMT(res->why));
    if (res->err == RAC_OK)
        assert_int_equal(rac_xml_answer_read(rac_arena_str(&arena, res->body), &arena, &x->answer),
                         RAC_OK);
}

static void ask(struct asked *x, const char *tenant, const char *map, size_t items)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    rac_buf_add(&b, RAC_S("<o>"));
    for (size_t i = 0; i < items; i++)
        rac_buf_add(&b, RAC_S("<i/>"));
    rac_buf_add(&b, RAC_S("</o>"));
    struct rac_xml_work w = {.task = RAC_XML_TRANSFORM,
                             .output_bytes_max = 1 << 20,
                             .artifact = {RAC_S("m"), rac_str_of(map)},
                             .input = rac_buf_take(&b, &arena)};
    rac_buf_fini(&b);
    *x = (struct asked){0};
    x->job = sandbox.start(sandbox.self, rac_str_of(tenant), rac_xml_work_print(&w, &arena),
                           answered, x);
}

static void wait_for(struct asked *x)
{
    assert_true(rac_loop_run_until(loop, &x->done));
}

static void jobs_share_a_child(void **state)
{
    (void)state;
    struct asked x[8];
    open_children(&(struct rac_children_options){0});
    uint64_t before = rac_metric_sum(RAC_METRIC_SANDBOX_STARTED);
    for (size_t i = 0; i < RAC_COUNT(x); i++)
        ask(&x[i], "t", HELLO, i);
    for (size_t i = 0; i < RAC_COUNT(x); i++) {
        wait_for(&x[i]);
        assert_int_equal(x[i].err, RAC_OK);
        assert_int_equal(x[i].answer.verdict, RAC_XML_DONE);
    }
    assert_int_equal(rac_metric_sum(RAC_METRIC_SANDBOX_STARTED) - before, 1);
    ask(&x[0], "another", HELLO, 1); /* never the same process for two tenants */
    wait_for(&x[0]);
    assert_int_equal(rac_metric_sum(RAC_METRIC_SANDBOX_STARTED) - before, 2);
    close_children();
}

/* false: the machine is too busy for one that is in time. */
static bool only_the_endless_ends(int64_t timeout_ms)
{
    struct asked bad, good, third;
    open_children(&(struct rac_children_options){.timeout_ms = timeout_ms, .children_max = 2});
    ask(&bad, "t", ENDLESS, 60);
    ask(&good, "other", HELLO, 1); /* is not held up */
    wait_for(&good);
    bool in_time = good.err == RAC_OK;
    assert_true(!bad.done || !in_time);
    wait_for(&bad);
    assert_int_equal(bad.err, RAC_E_TIMEOUT);
    ask(&third, "t", HELLO, 1);
    wait_for(&third);
    in_time = in_time && third.err == RAC_OK;
    close_children();
    return in_time;
}

static void too_long_and_the_next(void **state)
{
    (void)state;
    for (int64_t ms = 300; !only_the_endless_ends(ms); ms *= 4)
        assert_true(ms < 60000);
}

#if !SANITIZED /* their runtime does not live with a bound on memory */
static void too_much_memory(void **state)
{
    (void)state;
    struct asked x;
    open_children(&(struct rac_children_options){.memory_bytes = 96 << 20});
    ask(&x, "t", GREEDY, 60);
    wait_for(&x);
    assert_int_equal(x.err, RAC_E_LIMIT);
    ask(&x, "t", HELLO, 1);
    wait_for(&x);
    assert_int_equal(x.err, RAC_OK);
    close_children();
}
#endif

static void cancelled(void **state)
{
    (void)state;
    struct asked running, waiting, fresh, next;
    open_children(&(struct rac_children_options){.children_max = 1});
    ask(&running, "t", ENDLESS, 60);
    ask(&waiting, "t", ENDLESS, 60);
    for (int i = 0; i < 20; i++)
        rac_loop_poll(loop);
    ask(&fresh, "t", ENDLESS, 60);
    sandbox.cancel(sandbox.self, fresh.job);
    sandbox.cancel(sandbox.self, waiting.job);
    sandbox.cancel(sandbox.self, running.job);
    ask(&next, "t", HELLO, 1);
    wait_for(&next);
    assert_int_equal(next.err, RAC_OK);
    assert_false(running.done || waiting.done || fresh.done);
    ask(&running, "t", ENDLESS, 60);
    ask(&waiting, "t", ENDLESS, 60);
    for (int i = 0; i < 20; i++)
        rac_loop_poll(loop);
    close_children(); /* with one under way and one waiting */
    assert_false(running.done || waiting.done);
}

/* The socket is gone, the process not yet asked about: both orders end. */
static void freed_while_ending(void **state)
{
    (void)state;
    struct asked x;
    for (int turns = 0; turns < 6; turns++) {
        open_children(&(struct rac_children_options){.timeout_ms = 20});
        ask(&x, "t", ENDLESS, 60);
        wait_for(&x);
        for (int i = 0; i < turns; i++)
            rac_loop_poll(loop);
        close_children();
    }
}

static void too_many(void **state)
{
    (void)state;
    static struct asked x[2100];
    size_t busy = 0;
    open_children(&(struct rac_children_options){.children_max = 1});
    for (size_t i = 0; i < RAC_COUNT(x); i++)
        ask(&x[i], "t", HELLO, 1);
    for (size_t i = 0; i < RAC_COUNT(x); i++) {
        wait_for(&x[i]);
        busy += x[i].err == RAC_E_BUSY;
    }
    assert_int_equal(busy, 52);
    close_children();
}

static void no_program(void **state)
{
    (void)state;
    struct asked x;
    open_children(&(struct rac_children_options){.program = "/nowhere/raccord"});
    ask(&x, "t", HELLO, 1);
    wait_for(&x);
    assert_int_equal(x.err, RAC_E_INTERNAL);
    close_children();
    open_children(&(struct rac_children_options){.program = "/bin/true"});
    ask(&x, "t", HELLO, 1);
    wait_for(&x);
    assert_int_equal(x.err, RAC_E_INTERNAL);
    close_children();
}

/* The turn of the first comes to the second, too; that one's own is still to come. */
static void none_can_be_started(void **state)
{
    (void)state;
    struct asked x[3];
    open_children(&(struct rac_children_options){.program = "/nowhere/raccord"});
    for (size_t i = 0; i < RAC_COUNT(x); i++)
        ask(&x[i], "t", HELLO, 1);
    for (size_t i = 0; i < RAC_COUNT(x); i++) {
        wait_for(&x[i]);
        assert_int_equal(x[i].err, RAC_E_INTERNAL);
    }
    for (int i = 0; i < 5; i++)
        rac_loop_poll(loop);
    close_children();
}

static void turned(void *arg)
{
    *(bool *)arg = true;
}

/* What others still have on the loop may be freed: it is not turned. */
static void free_turns_no_loop(void **state)
{
    (void)state;
    struct asked x;
    bool called = false;
    struct rac_task task = {.fn = turned, .arg = &called};
    open_children(&(struct rac_children_options){0});
    ask(&x, "t", ENDLESS, 60);
    for (int i = 0; i < 5; i++)
        rac_loop_poll(loop);
    rac_loop_soon(loop, &task);
    rac_children_free(children);
    assert_false(called);
    rac_loop_soon_cancel(loop, &task);
    children = NULL;
    close_children();
}

/* It closes its socket and lives on. */
static void hung_up(void **state)
{
    (void)state;
    struct asked x;
    open_children(&(struct rac_children_options){.memory_bytes = HANGS_UP});
    ask(&x, "t", HELLO, 1);
    wait_for(&x);
    assert_int_equal(x.err, RAC_E_INTERNAL);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it is gone, not forgotten */
    close_children();
}

/* The first child of this process there is; 0: none. */
static pid_t first_child(void)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    bool any = fgets(text, sizeof text, f) != NULL;
    (void)fclose(f);
    return any ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* The only child there is, killed by somebody else. */
static pid_t kill_child(void)
{
    pid_t pid = first_child();
    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    return pid;
}

static void killed_while_it_rests(void **state)
{
    (void)state;
    struct asked x;
    open_children(&(struct rac_children_options){0});
    for (int i = 0; i < 4; i++) { /* the next job comes before its end is heard of */
        ask(&x, "t", HELLO, 1);
        wait_for(&x);
        assert_int_equal(x.err, RAC_OK);
        kill_child();
    }
    close_children();
}

static void killed_at_work(void **state)
{
    (void)state;
    struct asked first, x;
    open_children(&(struct rac_children_options){.timeout_ms = 600000});
    ask(&first, "t", HELLO, 1);
    wait_for(&first);
    ask(&x, "t", ENDLESS, 60);
    pid_t killed = 0;
    for (int i = 0; i < 2; i++) { /* once it is begun again, and no more */
        for (int n = 0; n < 20 || first_child() == killed || first_child() == 0; n++) {
            rac_loop_poll(loop);
            (void)poll(NULL, 0, 2);
            assert_true(n < 60000);
        }
        assert_false(x.done);
        killed = kill_child();
    }
    wait_for(&x);
    assert_int_equal(x.err, RAC_E_INTERNAL);
    close_children();
}

static void many_are_killed(void **state)
{
    (void)state;
    static const char *const tenants[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct asked x[40];
    open_children(&(struct rac_children_options){.children_max = 4});
    for (size_t i = 0; i < RAC_COUNT(x); i++)
        ask(&x[i], tenants[i % RAC_COUNT(tenants)], HELLO, 1);
    for (size_t i = 0; i < RAC_COUNT(x); i++) {
        wait_for(&x[i]);
        if (x[i].err != RAC_OK && x[i].err != RAC_E_INTERNAL)
            fail_msg("%zu: %d %s", i, (int)x[i].err, x[i].why);
        if (i % 8 == 0)
            kill_child();
    }
    close_children();
}

static void counted(void *arg, const struct rac_sandbox_res *res)
{
    struct asked *x = arg;
    x->done = true;
    x->err = res->err;
}

/* false: the machine is too busy for a job that is in time. */
static bool nine_long_jobs(int64_t timeout_ms)
{
    uint64_t before = rac_metric_sum(RAC_METRIC_SANDBOX_STARTED);
    bool in_time = true;
    open_children(
        &(struct rac_children_options){.memory_bytes = TAKES_LONG, .timeout_ms = timeout_ms});
    for (int i = 0; i < 9 && in_time; i++) {
        struct asked x = {0};
        x.job = sandbox.start(sandbox.self, RAC_S("t"), RAC_S("work"), counted, &x);
        wait_for(&x);
        in_time = x.err != RAC_E_TIMEOUT;
        assert_true(!in_time || x.err == RAC_OK);
    }
    assert_true(!in_time || rac_metric_sum(RAC_METRIC_SANDBOX_STARTED) - before >= 2);
    close_children();
    return in_time;
}

/* Of 4 s, jobs may have taken 3 s when another one begins: of 400 ms, eight are too many. */
static void worn_by_long_jobs(void **state)
{
    (void)state;
    for (int64_t ms = 1000; !nine_long_jobs(ms); ms *= 4)
        assert_true(ms < 60000);
}

/* Other children than ours, chosen by their memory. */
static int strange_child(const char *memory, const char *seconds)
{
    if (strcmp(memory, "222222222") == 0) {
        char frame[8 + 4], none[8] = {0};
        int tenth_ms = 100 * (int)strtol(seconds, NULL, 10); /* of the time that it has */
        while (tenth_ms >= 400 && read(STDIN_FILENO, frame, sizeof frame) > 0) {
            (void)poll(NULL, 0, tenth_ms);
            if (write(STDIN_FILENO, none, sizeof none) < 0)
                break;
        }
        return 0;
    }
    if (strcmp(memory, "111111111") == 0) {
        (void)close(STDIN_FILENO);
        (void)alarm(20);
        for (;;)
            (void)pause();
    }
    return -1;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strange_child(argv[2], argc > 3 ? argv[3] : "4") == 0)
        return 0;
    if (argc > 1 && strcmp(argv[1], RAC_SANDBOX_WORD) == 0)
        return rac_sandbox_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_share_a_child),
        cmocka_unit_test(too_long_and_the_next),
#if !SANITIZED
        cmocka_unit_test(too_much_memory),
#endif
        cmocka_unit_test(cancelled),
        cmocka_unit_test(freed_while_ending),
        cmocka_unit_test(too_many),
        cmocka_unit_test(no_program),
        cmocka_unit_test(none_can_be_started),
        cmocka_unit_test(free_turns_no_loop),
        cmocka_unit_test(hung_up),
        cmocka_unit_test(killed_while_it_rests),
        cmocka_unit_test(killed_at_work),
        cmocka_unit_test(many_are_killed),
        cmocka_unit_test(worn_by_long_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
