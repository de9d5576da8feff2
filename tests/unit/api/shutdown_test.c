/* A worker that goes while the pool still works for it. */
#include "rig.h"

#include "api/flows.h"

static rac_str first; /* id of a workflow that is in no map of compiled ones */
static int answers;

static void ready(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    (void)arg;
    (void)why;
    assert_int_equal(err, RAC_OK);
    assert_str(f->flow->id, rac_arena_cstr(&f->flow->a, first));
    answers++;
}

static void want_first(struct rig *r)
{
    rac_flows_want(r->w->flows, first, ready, NULL);
    assert_int_equal(answers, 0);
}

static rac_str make(struct rig *r, const char *name)
{
    struct reply p = rig_expect(
        r, 201, "PUT", printed(r, "/api/v1/workflows/%s", name).p,
        "{\"definition\":{\"$schema\":\"https://schema.management.azure.com/providers/"
        "Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#\",\"contentVersion\":"
        "\"1.0.0.0\",\"triggers\":{\"t\":{\"type\":\"Request\"}},\"actions\":{}}}");
    return rac_arena_str(&r->a, at(&p, "/id"));
}

static void what_is_compiled_finds_its_worker(void **state)
{
    static const char *const settings[] = {"workflow.cache=1", NULL};
    struct rig r;
    (void)state;
    answers = 0;
    rig_open(&r, settings);
    first = make(&r, "first");
    (void)make(&r, "second");
    r.at_the_end = want_first;
    rig_close(&r);
    assert_int_equal(answers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_compiled_finds_its_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
