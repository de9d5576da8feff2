/* Many texts in one: against looking for each of them at every place. */
#include "../unit.h"

#include "base/str.h"
#include "text/finder.h"

static struct rac_arena arena;

static int setup(void **state)
{
    (void)state;
    rac_arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rac_arena_fini(&arena);
    return 0;
}

static size_t plainly(const rac_str *texts, size_t n, rac_str in, size_t from, size_t *length)
{
    for (size_t at = from; at < in.n; at++) {
        *length = 0;
        for (size_t i = 0; i < n; i++)
            if (rac_str_starts(rac_str_from(in, at), texts[i]) && texts[i].n > *length)
                *length = texts[i].n;
        if (*length > 0)
            return at;
    }
    return RAC_STR_NPOS;
}

static uint64_t seed = 1;

static unsigned any(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static rac_str word(size_t n, unsigned letters)
{
    char *p = rac_arena_alloc(&arena, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + any(letters));
    return (rac_str){p, n};
}

/* Few letters, so that texts overlap, begin alike and stand inside of each other. */
static void finds_what_is_there(void **state)
{
    (void)state;
    size_t found = 0;
    for (int round = 0; round < 3000; round++) {
        rac_str texts[12];
        size_t n = any(RAC_COUNT(texts) + 1);
        unsigned letters = 1 + any(4);
        rac_arena_reset(&arena);
        for (size_t i = 0; i < n; i++)
            texts[i] = word(RAC_FINDER_TEXT_MIN + any(any(10) == 0 ? 300 : 6), letters);
        rac_str in = word(any(600), letters);
        const struct rac_finder *f = rac_finder_new(texts, n, &arena);
        for (size_t from = 0; from <= in.n; from++) {
            size_t length = 0, want = 0, at = rac_finder_next(f, in, from, &length),
                   there = plainly(texts, n, in, from, &want);
            assert_int_equal(at, there);
            if (at == RAC_STR_NPOS)
                break;
            assert_int_equal(length, want);
            found++;
            from = at;
        }
    }
    assert_true(found > 10000);
}

static void bytes_of_any_value(void **state)
{
    (void)state;
    static const char bytes[] = "\0\xff\xfe\x80\0\0abc\xff";
    const rac_str in = {bytes, sizeof bytes - 1}, texts[] = {{"\xfe\x80\0", 3}, {"abc\xff", 4}};
    const struct rac_finder *f = rac_finder_new(texts, 2, &arena);
    size_t n;
    assert_int_equal(rac_finder_next(f, in, 0, &n), 2);
    assert_int_equal(rac_finder_next(f, in, 3, &n), 6);
    assert_int_equal(n, 4);
    assert_int_equal(rac_finder_next(f, in, 7, &n), RAC_STR_NPOS);
    assert_int_equal(rac_finder_next(f, in, 100, &n), RAC_STR_NPOS);
    assert_int_equal(rac_finder_next(f, RAC_S(""), 0, &n), RAC_STR_NPOS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(bytes_of_any_value),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
