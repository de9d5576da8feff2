/* The cache of what was used last, and its home for the whole process. */
#include "unit.h"

#include "api/cache.h"

#include <pthread.h>
#include <stdatomic.h>

struct value {
    _Atomic int refs;
    int64_t version;
};

static void value_ref(void *v)
{
    ((struct value *)v)->refs++;
}

static void value_unref(void *v)
{
    struct value *x = v;
    assert_true(x->refs > 0);
    x->refs--;
}

static int64_t value_version(const void *v)
{
    return ((const struct value *)v)->version;
}

static const struct rac_cache_kind kind = {value_ref, value_unref, value_version};

static bool has(struct rac_cache *c, const char *key)
{
    return rac_cache_find(c, rac_str_of(key)) != NULL;
}

static void test_last_used_stay(void **state)
{
    (void)state;
    struct value v[5] = {0};
    struct rac_cache *c = rac_cache_new(&kind, 3);
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(rac_cache_put(c, rac_str_of(keys[i]), &v[i])->value, &v[i]);
    assert_int_equal(rac_cache_n(c), 3);
    assert_ptr_equal(rac_cache_use(c, rac_cache_find(c, RAC_S("a"))), &v[0]);
    (void)rac_cache_put(c, RAC_S("d"), &v[3]); /* b was used longest ago */
    assert_true(has(c, "a") && !has(c, "b") && has(c, "c") && has(c, "d"));
    assert_int_equal(v[1].refs, 0);
    (void)rac_cache_find(c, RAC_S("c")); /* looking is no use */
    (void)rac_cache_put(c, RAC_S("e"), &v[4]);
    assert_true(has(c, "a") && !has(c, "c"));
    assert_int_equal(rac_cache_n(c), 3);
    rac_cache_free(c);
    for (int i = 0; i < 5; i++)
        assert_int_equal(v[i].refs, 0);
    rac_cache_free(NULL);
}

static void test_replaced_and_dropped(void **state)
{
    (void)state;
    struct value one = {0}, two = {0};
    struct rac_cache *c = rac_cache_new(&kind, 1);
    struct rac_cache_entry *e = rac_cache_put(c, RAC_S("k"), &one);
    e->seen = 7;
    assert_ptr_equal(rac_cache_put(c, RAC_S("k"), &two), e);
    assert_int_equal(one.refs, 0);
    assert_int_equal(two.refs, 1);
    (void)rac_cache_put(c, RAC_S("k"), &two); /* the same once more */
    assert_int_equal(two.refs, 1);
    value_ref(&two); /* somebody uses it */
    rac_cache_drop(c, rac_cache_find(c, RAC_S("k")));
    assert_int_equal(two.refs, 1);
    assert_int_equal(rac_cache_n(c), 0);
    value_unref(&two);
    (void)rac_cache_put(c, RAC_S("x"), &one);
    (void)rac_cache_put(c, RAC_S("y"), &two); /* the only place changes hands */
    assert_true(!has(c, "x") && has(c, "y"));
    assert_int_equal(one.refs, 0);
    rac_cache_free(c);
    assert_int_equal(two.refs, 0);
}

/* Keys are bytes: zeros count, and the empty one is one. */
static void test_keys(void **state)
{
    (void)state;
    struct value v[3] = {0};
    struct rac_cache *c = rac_cache_new(&kind, 2000);
    const rac_str ab = {"a\0b", 3}, ac = {"a\0c", 3};
    (void)rac_cache_put(c, ab, &v[0]);
    (void)rac_cache_put(c, ac, &v[1]);
    (void)rac_cache_put(c, RAC_S(""), &v[2]);
    assert_ptr_equal(rac_cache_find(c, ab)->value, &v[0]);
    assert_ptr_equal(rac_cache_find(c, ac)->value, &v[1]);
    assert_ptr_equal(rac_cache_find(c, RAC_S(""))->value, &v[2]);
    assert_null(rac_cache_find(c, RAC_S("a")));
    rac_cache_free(c);
}

/* Against a plain list, over many operations in an order that looks random. */
static void test_like_a_list(void **state)
{
    (void)state;
    enum { KEYS = 64, ROOM = 20, STEPS = 20000 };
    static struct value v[KEYS];
    memset(v, 0, sizeof v);
    int used[ROOM], n = 0; /* oldest first */
    uint64_t r = 1;
    struct rac_cache *c = rac_cache_new(&kind, ROOM);
    for (int step = 0; step < STEPS; step++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        int k = (int)(r >> 33) % KEYS, what = (int)(r >> 60) % 4, at = 0;
        char key[8];
        snprintf(key, sizeof key, "k%d", k);
        while (at < n && used[at] != k)
            at++;
        struct rac_cache_entry *e = rac_cache_find(c, rac_str_of(key));
        assert_int_equal(e != NULL, at < n);
        if (what == 0 && e != NULL)
            rac_cache_drop(c, e);
        else if (what == 1 && e != NULL)
            assert_ptr_equal(rac_cache_use(c, e), &v[k]);
        else if (what >= 2)
            (void)rac_cache_put(c, rac_str_of(key), &v[k]);
        else
            continue;
        if (at < n) {
            memmove(&used[at], &used[at + 1], (size_t)(--n - at) * sizeof *used);
        } else if (n == ROOM) {
            memmove(used, used + 1, (size_t)--n * sizeof *used);
        }
        if (what != 0)
            used[n++] = k;
        assert_int_equal(rac_cache_n(c), n);
    }
    rac_cache_free(c);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(v[i].refs, 0);
}

static void test_home(void **state)
{
    (void)state;
    struct value one = {.version = 1}, two = {.version = 2}, other = {.version = 1};
    struct rac_cache_home *h = rac_cache_home_new(&kind, 2);
    assert_null(rac_cache_home_get(h, RAC_S("k"), 0));
    assert_int_equal(rac_cache_home_put(h, RAC_S("k"), &two), 1);
    assert_int_equal(rac_cache_home_put(h, RAC_S("k"), &one), 1); /* older: not taken */
    assert_int_equal(one.refs, 0);
    assert_null(rac_cache_home_get(h, RAC_S("k"), 1));
    assert_ptr_equal(rac_cache_home_get(h, RAC_S("k"), 2), &two);
    assert_ptr_equal(rac_cache_home_get(h, RAC_S("k"), 0), &two);
    assert_int_equal(two.refs, 3);
    (void)rac_cache_home_put(h, RAC_S("x"), &other);
    assert_ptr_equal(rac_cache_home_get(h, RAC_S("k"), 0), &two); /* so x goes first */
    assert_int_equal(rac_cache_home_put(h, RAC_S("y"), &one), 2);
    assert_null(rac_cache_home_get(h, RAC_S("x"), 0));
    rac_cache_home_free(h);
    rac_cache_home_free(NULL);
    assert_int_equal(two.refs, 3); /* ours */
    assert_int_equal(one.refs, 0);
}

static struct rac_cache_home *crowded;
static struct value crowd[8];

static void *work(void *arg)
{
    unsigned r = *(unsigned *)arg;
    for (int i = 0; i < 20000; i++) {
        r = r * 1103515245 + 12345;
        struct value *v = &crowd[r >> 16 & 7];
        char key = (char)('a' + (r >> 19 & 3));
        if (r >> 30 & 1) {
            (void)rac_cache_home_put(crowded, (rac_str){&key, 1}, v);
        } else {
            struct value *got = rac_cache_home_get(crowded, (rac_str){&key, 1}, 0);
            if (got != NULL)
                value_unref(got);
        }
    }
    return NULL;
}

static void test_home_of_many_threads(void **state)
{
    (void)state;
    crowded = rac_cache_home_new(&kind, 3);
    for (int i = 0; i < 8; i++)
        crowd[i].version = i + 1;
    pthread_t threads[3];
    unsigned seeds[3] = {1, 2, 3};
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &seeds[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    rac_cache_home_free(crowded);
    for (int i = 0; i < 8; i++)
        assert_int_equal(crowd[i].refs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_used_stay), cmocka_unit_test(test_replaced_and_dropped),
        cmocka_unit_test(test_keys),           cmocka_unit_test(test_like_a_list),
        cmocka_unit_test(test_home),           cmocka_unit_test(test_home_of_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
