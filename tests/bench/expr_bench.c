/*
 * expr_bench [MS [CASE]] - how many times a second a compiled expression is evaluated: one thread, the
 * context as a trigger's body, results in an arena that is emptied now and then as a run's would be.
 *
 * E1 a call in a call, E2 a condition over a sum, E3 the length of an array, E4 an object of these.
 * One JSON line: {"E1": evaluations a second, ...}, each the median of five windows.
 */
#include "base/str.h"
#include "expr/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char context[] =
    "{\"first\":\"Ada\",\"last\":\"Lovelace\",\"amount\":120,\"tax\":24.5,\"items\":["
    "{\"sku\":\"a\",\"qty\":2},{\"sku\":\"b\",\"qty\":1},{\"sku\":\"c\",\"qty\":7}],\"ok\":true}";

#define E1 "@toUpper(concat(triggerBody()?['first'],' ',triggerBody()?['last']))"
#define E2 "@if(greater(add(triggerBody()?['amount'],triggerBody()?['tax']),100),'gold','basic')"
#define E3 "@length(triggerBody()?['items'])"
static const struct {
    const char *name, *input, *expected;
} cases[] = {
    {"E1", "\"" E1 "\"", "\"ADA LOVELACE\""},
    {"E2", "\"" E2 "\"", "\"gold\""},
    {"E3", "\"" E3 "\"", "3"},
    {"E4", "{\"a\":\"" E1 "\",\"b\":\"" E2 "\",\"n\":\"" E3 "\"}",
     "{\"a\":\"ADA LOVELACE\",\"b\":\"gold\",\"n\":3}"},
};
enum { WINDOWS = 5, /* the median of them */ ARENA_TURN = 1000 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool get(void *self, enum rac_expr_ref ref, rac_str name RAC_UNUSED,
                struct rac_arena *a RAC_UNUSED, struct rac_json *out)
{
    *out = *(const struct rac_json *)self;
    return ref == RAC_EXPR_REF_TRIGGER;
}

static double window(const struct rac_expr *x, struct rac_expr_run *run, double seconds)
{
    struct rac_json v;
    size_t n = 0;
    double start = now_s(), spent;
    do {
        for (size_t i = 0; i < ARENA_TURN; i++) {
            run->steps = 0;
            RAC_ASSERT(rac_expr_eval(x, run, &v) == RAC_OK);
        }
        rac_arena_reset(run->a);
        n += ARENA_TURN;
    } while ((spent = now_s() - start) < seconds);
    return (double)n / spent;
}

static int double_cmp(const void *x, const void *y)
{
    double d = *(const double *)x - *(const double *)y;
    return (d > 0) - (d < 0);
}

static double rate(const char *input, const char *expected, struct rac_expr_run *run,
                   struct rac_arena *plan, double seconds)
{
    struct rac_json node, v;
    const struct rac_expr *x;
    double r[WINDOWS];
    RAC_ASSERT(rac_json_parse(rac_str_of(input), plan, 0, &node, NULL) == RAC_OK);
    RAC_ASSERT(rac_expr_compile_tree(&node, 0, plan, &x, NULL, NULL) == RAC_OK);
    RAC_ASSERT(rac_expr_eval(x, run, &v) == RAC_OK);
    RAC_ASSERT(rac_str_eq(rac_json_print_str(&v, 0, plan), rac_str_of(expected)));
    (void)window(x, run, seconds);
    for (int i = 0; i < WINDOWS; i++)
        r[i] = window(x, run, seconds);
    qsort(r, WINDOWS, sizeof *r, double_cmp);
    return r[WINDOWS / 2];
}

int main(int argc, char **argv)
{
    struct rac_arena plan, a;
    struct rac_json body, trigger, outputs;
    double seconds = (argc > 1 ? strtod(argv[1], NULL) : 300) / 1e3;
    rac_arena_init(&plan, 1 << 24);
    rac_arena_init(&a, 1 << 26);
    RAC_ASSERT(rac_json_parse(rac_str_of(context), &plan, 0, &body, NULL) == RAC_OK);
    outputs = rac_json_new_object(&plan);
    RAC_JSON_PUT(&plan, &outputs, "headers", rac_json_new_object(&plan));
    RAC_JSON_PUT(&plan, &outputs, "body", body);
    trigger = rac_json_new_object(&plan);
    RAC_JSON_PUT_STR(&plan, &trigger, "name", RAC_S("manual"));
    RAC_JSON_PUT(&plan, &trigger, "outputs", outputs);
    struct rac_expr_scope scope = {
        .trigger_outputs = &outputs, .trigger_body = &body, .get = get, .self = &trigger};
    struct rac_expr_run run = {.scope = &scope, .env = &rac_env_system, .a = &a};
    const char *separator = "{";
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        if (argc > 2 && strcmp(argv[2], cases[i].name) != 0)
            continue;
        printf("%s\"%s\":%.0f", separator, cases[i].name,
               rate(cases[i].input, cases[i].expected, &run, &plan, seconds));
        separator = ",";
    }
    printf("}\n");
    rac_arena_fini(&a);
    rac_arena_fini(&plan);
    return 0;
}
