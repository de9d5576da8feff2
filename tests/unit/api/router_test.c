/* Method and path to row: every pattern kind, which wins, 405, letter case, and all of our own. */
#include "test_arena.h"

#include "api/ask.h"
#include "api/native.h"
#include "api/router.h"

static struct rac_router *router_of(unsigned flags, const char *const (*rows)[2], size_t n)
{
    struct rac_router *r = rac_router_new(flags);
    for (size_t i = 0; i < n; i++)
        rac_router_add(r, rows[i][0], rows[i][1], rows[i][1]);
    return r;
}

/* "pattern arg|arg", or "405 methods", or "404". */
static const char *found(const struct rac_router *r, const char *method, const char *path)
{
    struct rac_router_match m;
    rac_str out;
    if (!rac_router_find(r, rac_str_of(method), rac_str_of(path), &a, &m))
        return m.allow.n == 0 ? "404" : rac_arena_printf(&a, "405 %.*s", RAC_FMT(m.allow)).p;
    out = rac_str_of(m.row);
    for (size_t i = 0; i < m.args_n; i++)
        out = rac_arena_printf(&a, "%.*s%c%.*s", RAC_FMT(out), i == 0 ? ' ' : '|',
                               RAC_FMT(m.args[i]));
    return rac_arena_cstr(&a, out);
}

static void patterns(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"GET", "/a"},           {"POST", "/a"},          {"GET", "/a/{x}"},
        {"POST", "/a/{x}:go"},   {"POST", "/a/{x}:gogo"}, {"GET", "/a/me"},
        {"GET", "/a/{x}/b/{y}"}, {"PUT", "/a/{x}/b"},     {"*", "/files/{rest*}"},
        {"GET", "/files/one"},   {"DELETE", "/a/me"},     {"GET", "/a/{x}/{y}/deep"},
    };
    struct rac_router *r = router_of(RAC_ROUTER_VERBS, rows, RAC_COUNT(rows));
    assert_string_equal(found(r, "GET", "/a"), "/a");
    assert_string_equal(found(r, "PUT", "/a"), "405 GET, POST");
    assert_string_equal(found(r, "GET", "/a/"), "404");
    assert_string_equal(found(r, "GET", "/a/7"), "/a/{x} 7");
    assert_string_equal(found(r, "GET", "/a/me"), "/a/me");
    assert_string_equal(found(r, "POST", "/a/7:go"), "/a/{x}:go 7");
    assert_string_equal(found(r, "POST", "/a/7:gogo"), "/a/{x}:gogo 7");
    assert_string_equal(found(r, "POST", "/a/:go"), "404");
    assert_string_equal(found(r, "GET", "/a/7:nope"), "404");
    assert_string_equal(found(r, "GET", "/a/7:go"), "405 POST");
    assert_string_equal(found(r, "GET", "/a/7/b/8"), "/a/{x}/b/{y} 7|8");
    assert_string_equal(found(r, "GET", "/a/me/b/8"), "/a/{x}/b/{y} me|8");
    assert_string_equal(found(r, "GET", "/a/7/b/deep"), "/a/{x}/b/{y} 7|deep");
    assert_string_equal(found(r, "GET", "/a/7/c/deep"), "/a/{x}/{y}/deep 7|c");
    assert_string_equal(found(r, "GET", "/a/7/b/8/9"), "404");
    assert_string_equal(found(r, "GET", "/A/7"), "404");
    assert_string_equal(found(r, "GET", "//a/7"), "404");
    assert_string_equal(found(r, "PATCH", "/files/x/y//z:q"), "/files/{rest*} x/y//z:q");
    assert_string_equal(found(r, "GET", "/files"), "/files/{rest*} ");
    assert_string_equal(found(r, "GET", "/files/"), "/files/{rest*} ");
    assert_string_equal(found(r, "GET", "/files/one"), "/files/one");
    assert_string_equal(found(r, "GET", "/files/one/two"), "/files/{rest*} one/two");
    assert_string_equal(found(r, "POST", "/files/one"), "/files/{rest*} one");
    assert_string_equal(found(r, "GET", ""), "404");
    assert_string_equal(found(r, "GET", "*"), "404");
    rac_router_free(r);
}

static void head_is_get_without_its_body(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"GET", "/a/{x}"}, {"POST", "/b"}};
    struct rac_router *r = router_of(0, rows, RAC_COUNT(rows));
    assert_string_equal(found(r, "HEAD", "/a/7"), "/a/{x} 7");
    assert_string_equal(found(r, "HEAD", "/b"), "405 POST");
    assert_string_equal(found(r, "GET", "/a/7:x"), "/a/{x} 7:x");
    rac_router_free(r);
}

static void any_case(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"POST", "/subscriptions/{s}/resourceGroups/{g}/providers/P.L/w/{w}/listCallbackUrl"},
        {"GET", "/subscriptions/{s}/resourceGroups/{g}/providers/P.L/w"},
    };
    struct rac_router *r = router_of(RAC_ROUTER_ANY_CASE, rows, RAC_COUNT(rows));
    assert_string_equal(
        found(r, "POST",
              "//SUBSCRIPTIONS/aB/resourcegroups/G/Providers/p.l/W/Mine/listCallbackURL"),
        "/subscriptions/{s}/resourceGroups/{g}/providers/P.L/w/{w}/listCallbackUrl aB|G|Mine");
    assert_string_equal(found(r, "GET", "///subscriptions/a/resourceGroups/b/providers/P.L/w"),
                        "/subscriptions/{s}/resourceGroups/{g}/providers/P.L/w a|b");
    assert_string_equal(found(r, "GET", "/subscriptions//resourceGroups/b/providers/P.L/w"), "404");
    rac_router_free(r);
}

static void long_paths_end(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"GET", "/a/{rest*}"}, {"GET", "/b/{x}"}};
    struct rac_router *r = router_of(RAC_ROUTER_ANY_CASE, rows, RAC_COUNT(rows));
    char path[2048] = "/a";
    for (size_t i = 2; i + 2 < sizeof path; i += 2)
        memcpy(path + i, "/x", 3);
    assert_int_equal(strncmp(found(r, "GET", path), "/a/{rest*} x/x/", 15), 0);
    path[1] = 'b';
    assert_string_equal(found(r, "GET", path), "404");
    rac_router_free(r);
}

/* Every row of operations.def is found by a path of its own, and by no other row. */
static void our_own_operations(void **state)
{
    (void)state;
    const struct rac_surface_def *def = &rac_native_surface;
    struct rac_router *r = rac_router_new(def->router_flags);
    assert_int_equal(def->routes_n, RAC_ASKS_N);
    for (size_t i = 0; i < def->routes_n; i++)
        rac_router_add(r, def->routes[i].method, def->routes[i].path, &def->routes[i]);
    for (size_t i = 0; i < def->routes_n; i++) {
        struct rac_router_match m;
        assert_true(rac_router_find(r, rac_str_of(def->routes[i].method),
                                    rac_str_of(def->routes[i].path), &a, &m));
        assert_ptr_equal(m.row, &def->routes[i]);
    }
    rac_router_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),           cmocka_unit_test(head_is_get_without_its_body),
        cmocka_unit_test(any_case),           cmocka_unit_test(long_paths_end),
        cmocka_unit_test(our_own_operations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
