/* Journals: any bytes are replayed, gone on from and read as history without harm. The first byte
 * says where a second piece begins. */
#include "base/str.h"
#include "openapi/read.h"
#include "workflow/definition/document.h"
#include "workflow/history/history.h"
#include "workflow/run/run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char definition[] =
    "{\"triggers\":{\"m\":{\"type\":\"Request\"}},\"actions\":{\"V\":{\"type\":"
    "\"InitializeVariable\",\"inputs\":{\"variables\":[{\"name\":\"n\",\"type\":\"Integer\"}]}},"
    "\"L\":{\"type\":\"Foreach\",\"foreach\":\"@range(0,3)\",\"runAfter\":{\"V\":[\"Succeeded\"]},"
    "\"actions\":{\"If\":{\"type\":\"If\",\"expression\":\"@equals(item(),1)\",\"actions\":{\"T\":"
    "{\"type\":\"Compose\",\"inputs\":\"@item()\"}},\"else\":{\"actions\":{\"U\":{\"type\":"
    "\"Until\",\"expression\":\"@true\",\"actions\":{\"I\":{\"type\":\"IncrementVariable\","
    "\"inputs\":{\"name\":\"n\",\"value\":1}}}}}}}}},\"H\":{\"type\":\"Http\",\"runAfter\":{\"L\":"
    "[\"Succeeded\",\"Failed\"]},\"inputs\":{\"method\":\"GET\",\"uri\":\"https://x.example\"}},"
    "\"R\":{\"type\":\"Response\",\"runAfter\":{\"H\":[\"Succeeded\"]},\"inputs\":{\"statusCode\":"
    "200,\"body\":\"@outputs('T')\"}}}}";

static const struct rac_plan *plan_of(void)
{
    static struct rac_plan *plan;
    static struct rac_arena a;
    struct rac_document *doc;
    struct rac_workflow *w;
    struct rac_diags d;
    if (plan != NULL)
        return plan;
    rac_arena_init(&a, SIZE_MAX / 2);
    rac_diags_init(&d, &a, 10);
    if (rac_document_read(rac_str_of(definition), RAC_S("plan"), &a, &doc, &d) != RAC_OK ||
        rac_workflow_of_document(doc, NULL, &a, &w, &d) != RAC_OK ||
        rac_plan_compile(w, &a, &plan, &d) != RAC_OK)
        abort();
    return plan;
}

struct input {
    rac_str pieces[2];
};

static rac_err pieces(void *self, bool (*fn)(void *arg, rac_str bytes), void *arg)
{
    struct input *in = self;
    for (int i = 0; i < 2; i++)
        if (in->pieces[i].n > 0 && !fn(arg, in->pieces[i]))
            break;
    return RAC_OK;
}

static rac_err value(void *self, const char *digest, struct rac_arena *a, rac_str *bytes)
{
    (void)self;
    (void)digest;
    (void)a;
    *bytes = RAC_S("[1,{\"body\":2}]");
    return RAC_OK;
}

static void go_on(const struct rac_plan *plan, struct input *in, struct rac_arena *a)
{
    struct rac_env_fake clock = {.wall_ms = 1767225600000, .mono_ns = 1, .seed = 1};
    struct rac_env env = rac_env_fake(&clock);
    struct rac_run_world world = {.env = &env};
    struct rac_run *r = rac_run_new(plan, &world, NULL, a);
    struct rac_run_outcome outcome = {.status = RAC_WF_SUCCEEDED, .code = RAC_S("OK")};
    size_t n;
    for (int i = 0; i < 2; i++)
        if (in->pieces[i].n > 0 && rac_run_replay(r, in->pieces[i], value, NULL) != RAC_OK)
            return;
    if (rac_run_name_of(r).p == NULL)
        return; /* not even its first entry is there: refused */
    rac_run_resume(r);
    for (int i = 0; i < 100; i++) {
        (void)rac_run_work(r, 50);
        struct rac_wf_record **wants = rac_run_wants(r, &n);
        for (size_t k = 0; k < n; k++)
            if (rac_run_settle(r, wants[k], &outcome) != RAC_OK)
                break;
    }
    (void)rac_run_json(r, a);
}

static void read_history(const struct rac_plan *plan, struct input *in, struct rac_arena *a)
{
    static const char *const names[] = {"T", "U", "I", "L", "If", "H"};
    struct rac_history_source source = {pieces, value, in};
    struct rac_history *h;
    struct rac_history_record *v, one;
    struct rac_history_request *requests;
    size_t n, total;
    if (rac_history_open(plan, &source, a, &h) != RAC_OK)
        return;
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        rac_str name = rac_str_of(names[i]);
        (void)!rac_history_repetitions(h, name, 0, 5, a, &v, &n, &total);
        (void)!rac_history_scope_repetitions(h, name, 1, 5, a, &v, &n, &total);
        (void)!rac_history_repetition(h, name, RAC_S("000001"), a, &one);
        (void)!rac_history_requests(h, name, RAC_S("000001-000000"), a, &requests, &n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rac_arena a;
    const struct rac_plan *plan = plan_of();
    if (n < 1 || n > 65536)
        return 0;
    rac_str all = {(const char *)data + 1, n - 1};
    size_t cut = data[0] * all.n / 255;
    struct input in = {{rac_str_sub(all, 0, cut), rac_str_from(all, cut)}};
    rac_arena_init(&a, 256 << 20);
    go_on(plan, &in, &a);
    read_history(plan, &in, &a);
    rac_arena_fini(&a);
    return 0;
}
