/*
 * What functions charge for values that are large or shared: each expression has to cost at least
 * so many steps, so that a budget ends it. Costs are counted, not timed.
 */
#include "unit.h"

#include "base/env.h"
#include "expr/expr.h"

enum {
    TEXT_BYTES = 64000,
    SAME = 200,
    NUMBERS = 20000,
    PAIRS = 100,
    MEMBERS = 4000,
    STEPS = 200000
};

struct world {
    struct rac_arena a;
    struct rac_json object;
};

static struct rac_json repeated(struct rac_arena *a, rac_str part, size_t n)
{
    char *p = rac_arena_alloc(a, part.n * n + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * part.n, part.p, part.n);
    return rac_json_of_str((rac_str){p, part.n * n});
}

/* n references to one value. */
static struct rac_json shared(struct rac_arena *a, struct rac_json v, size_t n)
{
    struct rac_json list = rac_json_new_array(a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(a, &list, v);
    return list;
}

static struct rac_json numbers(struct rac_arena *a, int64_t first, size_t n)
{
    struct rac_json list = rac_json_new_array(a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(a, &list, rac_json_of_int(first + (int64_t)i));
    return list;
}

static void world_init(struct world *w)
{
    struct rac_arena *a = &w->a;
    rac_arena_init(a, 256 << 20);
    struct rac_json text = repeated(a, RAC_S("abcdefgh"), TEXT_BYTES / 8),
                    wide = repeated(a, RAC_S("\xc3\xa9"), TEXT_BYTES / 2),
                    lists = rac_json_new_array(a), members = rac_json_new_object(a),
                    named = rac_json_new_object(a), xml = rac_json_new_object(a);
    for (size_t i = 0; i < PAIRS; i++) /* alike but for the last element */
        rac_json_add(a, &lists, numbers(a, i % 2 == 0 ? 0 : 1, 100));
    for (size_t i = 0; i < MEMBERS; i++)
        rac_json_put(a, &members, rac_arena_printf(a, "p:m%zu", i), rac_json_of_int(1));
    RAC_JSON_PUT_STR(a, &members, "@xmlns:q", RAC_S("u"));
    rac_json_put(a, &named, (rac_str){text.s, text.n}, rac_json_of_int(1));
    RAC_JSON_PUT(a, &xml, "root", members);
    w->object = rac_json_new_object(a);
    RAC_JSON_PUT(a, &w->object, "text", text);
    RAC_JSON_PUT(a, &w->object, "wide", wide);
    RAC_JSON_PUT(a, &w->object, "same", shared(a, text, SAME));
    RAC_JSON_PUT(a, &w->object, "numbers", numbers(a, 0, NUMBERS));
    RAC_JSON_PUT(a, &w->object, "others", numbers(a, 0, NUMBERS));
    RAC_JSON_PUT(a, &w->object, "lists", lists);
    RAC_JSON_PUT(a, &w->object, "members", members);
    RAC_JSON_PUT(a, &w->object, "named", named);
    RAC_JSON_PUT(a, &w->object, "xml", xml);
}

static bool get(void *self, enum rac_expr_ref ref, rac_str name, struct rac_arena *a RAC_UNUSED,
                struct rac_json *out)
{
    const struct world *w = self;
    const struct rac_json *v = rac_json_get(&w->object, name);
    if (ref != RAC_EXPR_REF_VARIABLES || v == NULL)
        return false;
    *out = *v;
    return true;
}

static rac_err spend(struct world *w, rac_str text, uint64_t steps_max, uint64_t *steps)
{
    struct rac_arena a;
    struct rac_env_fake f = {0};
    struct rac_env env = rac_env_fake(&f);
    struct rac_expr_scope scope = {get, w};
    const struct rac_expr *x;
    struct rac_json out;
    rac_arena_init(&a, 512 << 20);
    assert_int_equal(rac_expr_compile(text, RAC_EXPR_STRICT, &a, &x, NULL), RAC_OK);
    struct rac_expr_run run = {
        .scope = &scope, .env = &env, .a = &a, .limits = {.steps_max = steps_max}};
    rac_err e = rac_expr_eval(x, &run, &out);
    if (e == RAC_E_INVALID)
        fail_msg("%.*s: %.*s", RAC_FMT(text), RAC_FMT(run.error.message));
    *steps = run.steps;
    rac_arena_fini(&a);
    return e;
}

static const struct {
    const char *text;
    uint64_t least;
} table[] = {
    /* every element, every byte of every text */
    {"@equals(variables('numbers'), variables('others'))", NUMBERS},
    {"@equals(variables('same'), variables('same'))", SAME *(TEXT_BYTES / 64)},
    {"@equals(variables('named'), variables('named'))", TEXT_BYTES / 64},
    {"@contains(variables('lists'), range(5, 100))", PAIRS},
    {"@contains(variables('lists'), range(0, 99))", PAIRS},
    {"@contains(variables('same'), concat(variables('text'), ''))", TEXT_BYTES / 64},
    {"@contains(createArray(variables('numbers')), variables('others'))", NUMBERS},
    {"@union(variables('lists'), variables('lists'))", PAIRS * 2 * 100},
    {"@intersection(variables('lists'), variables('lists'))", PAIRS * 2 * 100},
    {"@union(variables('same'), variables('same'))", 2 * SAME *(TEXT_BYTES / 64)},
    {"@intersection(variables('members'), variables('members'))", MEMBERS},
    {"@sort(variables('same'))", 3 * SAME *(TEXT_BYTES / 64)},
    {"@sort(variables('numbers'))", NUMBERS * 7},
    {"@join(take(variables('same'), 50), '')", 50 * (TEXT_BYTES / 64)},
    {"@string(variables('numbers'))", 108890 / 64},
    {"@concat(variables('numbers'), variables('members'))", 108890 / 64},
    {"x@{variables('numbers')}", 108890 / 64},
    {"@length(binary(variables('numbers'))['$content'])", 108890 / 64},
    {"@length(dataUri(variables('numbers')))", 108890 / 32},
    {"@json(string(variables('numbers')))", 108890 / 16},
    {"@json(binary(string(variables('numbers'))))", 108890 / 16},
    {"@chunk(variables('wide'), 1)", TEXT_BYTES / 2},
    {"@chunk(variables('text'), 1)", TEXT_BYTES},
    {"@split(variables('text'), 'h')", TEXT_BYTES / 8},
    {"@replace(variables('text'), 'a', 'bcd')", TEXT_BYTES / 64},
    {"@setProperty(variables('named'), 'x', 1)", TEXT_BYTES / 64},
    {"@removeProperty(variables('named'), 'x')", TEXT_BYTES / 64},
    {"@addProperty(variables('named'), 'x', 1)", TEXT_BYTES / 64},
    {"@mergeObjects(variables('named'), variables('named'))", TEXT_BYTES / 32},
    {"@union(variables('named'), variables('named'))", TEXT_BYTES / 32},
    {"@variables('members')?['absent']", MEMBERS / 4},
    {"@reverse(variables('numbers'))", NUMBERS},
    {"@range(0, 100000)", 100000},
    {"@max(variables('numbers'))", NUMBERS},
    {"@nthIndexOf(variables('text'), 'zz', 1)", TEXT_BYTES / 64},
    {"@xml(variables('xml'))", (uint64_t)MEMBERS *(MEMBERS / 16)},
    {"@xpath(xml(concat('<r>', replace(take(variables('text'), 8000), 'abcdefgh', '<a/>'), "
     "'</r>')), '//a[count(//a) > 0]')",
     1000 * 1000},
};

static void large_values_cost_what_is_done_with_them(void **state RAC_UNUSED)
{
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < RAC_COUNT(table); i++) {
        uint64_t steps;
        (void)spend(&w, rac_str_of(table[i].text), UINT64_C(1) << 40, &steps);
        if (steps < table[i].least)
            fail_msg("%s: costs %llu steps, of %llu", table[i].text, (unsigned long long)steps,
                     (unsigned long long)table[i].least);
    }
    rac_arena_fini(&w.a);
}

/* What an error quotes may hold zeros. */
static void errors_quote_zeros(void **state RAC_UNUSED)
{
    struct world w;
    struct rac_env_fake f = {0};
    struct rac_env env = rac_env_fake(&f);
    struct rac_expr_error error = {0};
    const struct rac_expr *x;
    struct rac_json out;
    world_init(&w);
    struct rac_expr_scope scope = {get, &w};
    struct rac_expr_run run = {.scope = &scope, .env = &env, .a = &w.a};
    assert_int_equal(rac_expr_compile(RAC_S("@int('a\0b')"), RAC_EXPR_STRICT, &w.a, &x, NULL),
                     RAC_OK);
    assert_int_equal(rac_expr_eval(x, &run, &out), RAC_E_INVALID);
    assert_true(rac_str_find(run.error.message, RAC_S("a\0b")) != RAC_STR_NPOS);
    assert_int_not_equal(
        rac_expr_compile(RAC_S("@nothing\0('a')"), RAC_EXPR_STRICT, &w.a, &x, &error), RAC_OK);
    assert_true(rac_str_find(error.message, RAC_S("\0(")) != RAC_STR_NPOS);
    rac_arena_fini(&w.a);
}

static void a_budget_ends_each_of_them(void **state RAC_UNUSED)
{
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < RAC_COUNT(table); i++) {
        uint64_t steps;
        if (spend(&w, rac_str_of(table[i].text), table[i].least / 2, &steps) != RAC_E_LIMIT)
            fail_msg("%s: is not ended", table[i].text);
    }
    rac_arena_fini(&w.a);
}

/* Each level holds the one below twice: 2^40 ways through 40 arrays. */
static void values_that_share_are_not_walked_forever(void **state RAC_UNUSED)
{
    struct world w;
    uint64_t steps;
    world_init(&w);
    struct rac_json x = numbers(&w.a, 0, 2), y = numbers(&w.a, 0, 2);
    for (int i = 0; i < 40; i++) {
        x = shared(&w.a, x, 2);
        y = shared(&w.a, y, 2);
    }
    RAC_JSON_PUT(&w.a, &w.object, "x", x);
    RAC_JSON_PUT(&w.a, &w.object, "y", y);
    assert_int_equal(spend(&w, RAC_S("@equals(variables('x'), variables('y'))"), STEPS, &steps),
                     RAC_E_LIMIT);
    assert_int_equal(
        spend(&w, RAC_S("@contains(createArray(variables('x')), variables('y'))"), STEPS, &steps),
        RAC_E_LIMIT);
    assert_int_equal(
        spend(&w, RAC_S("@union(createArray(variables('x'), variables('y')))"), STEPS, &steps),
        RAC_E_LIMIT);
    assert_int_equal(spend(&w, RAC_S("@string(variables('x'))"), STEPS, &steps), RAC_E_LIMIT);
    rac_arena_fini(&w.a);
}

static void values_that_are_too_deep_end(void **state RAC_UNUSED)
{
    struct world w;
    uint64_t steps;
    world_init(&w);
    struct rac_json x = numbers(&w.a, 0, 1), y = numbers(&w.a, 0, 1);
    for (int i = 0; i < 100000; i++) {
        x = shared(&w.a, x, 1);
        y = shared(&w.a, y, 1);
    }
    RAC_JSON_PUT(&w.a, &w.object, "x", x);
    RAC_JSON_PUT(&w.a, &w.object, "y", y);
    assert_int_equal(spend(&w, RAC_S("@equals(variables('x'), variables('y'))"), STEPS, &steps),
                     RAC_E_LIMIT);
    assert_int_equal(spend(&w, RAC_S("@string(variables('x'))"), STEPS, &steps), RAC_E_LIMIT);
    rac_arena_fini(&w.a);
}

/* Known by its numbers of comparisons, not by reading: attributes of one tag, namespaces. */
static void xml_is_charged_before_it_is_parsed(void **state RAC_UNUSED)
{
    struct world w;
    struct rac_buf b;
    uint64_t steps;
    world_init(&w);
    rac_buf_init(&b, 4 << 20);
    RAC_BUF_ADD_LIT(&b, "<r");
    for (int i = 0; i < 50000; i++)
        rac_buf_printf(&b, " a%d=\"\"", i);
    RAC_BUF_ADD_LIT(&b, "/>");
    RAC_JSON_PUT(&w.a, &w.object, "x", rac_json_of_str(rac_buf_str(&b)));
    assert_int_equal(spend(&w, RAC_S("@xml(variables('x'))"), STEPS, &steps), RAC_E_LIMIT);
    rac_buf_fini(&b);
    rac_arena_fini(&w.a);
}

static bool trigger_record(void *self, enum rac_expr_ref ref, rac_str name RAC_UNUSED,
                           struct rac_arena *a RAC_UNUSED, struct rac_json *out)
{
    *out = *(const struct rac_json *)self;
    return ref == RAC_EXPR_REF_TRIGGER;
}

/* Where the trigger's body is at hand its members are read the short way: same values, same
 * errors, same steps as by the record. */
static void the_short_way_to_the_trigger_is_the_same(void **state RAC_UNUSED)
{
    static const char *const texts[] = {
        "@triggerBody()?['a']",         "@length(triggerBody()?['a'])",
        "@length(triggerBody().A)",     "@concat(triggerBody()?['none'], triggerBody()['b/c'])",
        "@length(triggerBody()['no'])", "@add(triggerBody()?['n'], triggerOutputs()?['status'])",
        "a @{triggerBody()?['a']} b",   "@coalesce(triggerBody()?['a']?['x'])"};
    static const char record[] = "{\"outputs\": {\"status\": 200, \"body\": {\"a\": \"text\", "
                                 "\"n\": 1.5, \"b\": {\"c\": \"deep\"}}}}";
    struct rac_arena a;
    struct rac_json trigger, v[2];
    struct rac_env_fake f = {0};
    struct rac_env env = rac_env_fake(&f);
    rac_arena_init(&a, 1 << 20);
    assert_int_equal(rac_json_parse(rac_str_of(record), &a, 0, &trigger, NULL), RAC_OK);
    struct rac_expr_scope scopes[2] = {{trigger_record, &trigger}, {trigger_record, &trigger}};
    scopes[1].trigger_outputs = RAC_JSON_GET(&trigger, "outputs");
    scopes[1].trigger_body = RAC_JSON_GET(scopes[1].trigger_outputs, "body");
    for (size_t i = 0; i < RAC_COUNT(texts); i++) {
        const struct rac_expr *x;
        struct rac_expr_run runs[2];
        rac_err e[2];
        assert_int_equal(rac_expr_compile(rac_str_of(texts[i]), 0, &a, &x, NULL), RAC_OK);
        for (uint64_t steps = 1; steps < 12; steps++) {
            for (int k = 0; k < 2; k++) {
                runs[k] = (struct rac_expr_run){
                    .scope = &scopes[k], .env = &env, .a = &a, .limits = {.steps_max = steps}};
                e[k] = rac_expr_eval(x, &runs[k], &v[k]);
            }
            assert_int_equal(e[0], e[1]);
            assert_int_equal(runs[0].steps, runs[1].steps);
            assert_str(runs[0].error.message,
                       runs[1].error.message.p ? runs[1].error.message.p : "");
            if (e[0] == RAC_OK)
                assert_true(rac_expr_equal(&v[0], &v[1]));
        }
    }
    rac_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_values_cost_what_is_done_with_them),
        cmocka_unit_test(errors_quote_zeros),
        cmocka_unit_test(a_budget_ends_each_of_them),
        cmocka_unit_test(values_that_share_are_not_walked_forever),
        cmocka_unit_test(values_that_are_too_deep_end),
        cmocka_unit_test(xml_is_charged_before_it_is_parsed),
        cmocka_unit_test(the_short_way_to_the_trigger_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
