/* Maps with a sandbox the test plays: what a use of them may hold in memory. */
#include "engine_world.h"
#include "text/xml_work.h"
#include "unit.h"
#include "workflow/history/history.h"

#define REQUEST "{\"type\": \"Request\", \"kind\": \"Http\"}"
#define ACTIONS                                                                                    \
    "{\"X\": {\"type\": \"Xslt\", \"inputs\": {\"content\": \"<a/>\", "                            \
    "\"integrationAccount\": {\"map\": {\"name\": \"M\"}}}}}"

enum { INCLUDED_BYTES = 64 << 10, USE_BYTES_MAX = 2 << 20 };

static struct {
    rac_sandbox_fn done; /* NULL: it has no job */
    void *arg;
    unsigned rounds;
    size_t body_n;
} box;

static struct rac_sandbox_job *box_start(void *self RAC_UNUSED, rac_str tenant RAC_UNUSED,
                                         rac_str body, rac_sandbox_fn done, void *arg)
{
    box.done = done;
    box.arg = arg;
    box.rounds++;
    box.body_n = body.n;
    return (struct rac_sandbox_job *)&box;
}

static void box_cancel(void *self RAC_UNUSED, struct rac_sandbox_job *job RAC_UNUSED)
{
    box.done = NULL;
}

static void artifact(void *w RAC_UNUSED, const struct rac_flow *flow RAC_UNUSED,
                     enum rac_artifact_kind kind RAC_UNUSED, rac_str name,
                     void (*done)(void *arg, rac_err err, rac_str why,
                                  const struct rac_artifact_content *c),
                     void *arg)
{
    static char bytes[INCLUDED_BYTES];
    done(arg, RAC_OK, RAC_STR_NULL,
         &(struct rac_artifact_content){.name = name, .bytes = {bytes, sizeof bytes}});
}

/* Each round asks for one more; after that many it is done. False: the action ended before. */
static bool play(struct world *w, unsigned includes)
{
    for (unsigned i = 0; i <= includes; i++) {
        rac_sandbox_fn done = box.done;
        struct rac_xml_answer x = {.verdict = RAC_XML_NEED,
                                   .message = rac_arena_printf(&w->a, "n%u", i)};
        if (done == NULL)
            return false;
        if (i == includes)
            x = (struct rac_xml_answer){.verdict = RAC_XML_DONE,
                                        .output = RAC_S("<r/>"),
                                        .media_type = RAC_S("application/xml")};
        box.done = NULL;
        done(box.arg,
             &(struct rac_sandbox_res){.err = RAC_OK, .body = rac_xml_answer_print(&x, &w->a)});
        world_settle(w);
    }
    return true;
}

static struct world *begin(struct world_answer *a)
{
    struct world *w = world_new(1, true);
    memset(&box, 0, sizeof box);
    w->artifact = artifact;
    w->sandbox = (struct rac_sandbox){box_start, box_cancel, NULL};
    w->limits.transform_bytes_max = USE_BYTES_MAX;
    struct rac_flow *f = world_flow(w, REQUEST, ACTIONS);
    world_restart(w);
    world_fire(w, f, "{}", false, a);
    world_settle(w);
    return w;
}

/* Ten rounds with one document more each: 3.5 MiB were sent, 640 KiB at once. */
static void rounds_do_not_add_up(void **state)
{
    (void)state;
    struct world_answer a;
    struct world *w = begin(&a);
    assert_true(play(w, 9));
    assert_int_equal(box.rounds, 10);
    assert_true(box.body_n > 10 * (size_t)INCLUDED_BYTES);
    assert_false(world_recorded(w, &a, "TransformLimitExceeded"));
    world_free(w);
}

static void too_much_included(void **state)
{
    (void)state;
    struct world_answer a;
    struct world *w = begin(&a);
    assert_false(play(w, 40));
    assert_true(box.rounds >= 10 && box.rounds <= 32);
    assert_true(world_recorded(w, &a, "TransformLimitExceeded"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_do_not_add_up),
        cmocka_unit_test(too_much_included),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
