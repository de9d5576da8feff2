#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/map.h"
#include "base/mem.h"

static int cleaned;

static void count_cleanup(void *arg)
{
    cleaned = cleaned * 10 + *(int *)arg;
}

static void arena_runs_cleanups_last_in_first_out(void **state RAC_UNUSED)
{
    struct rac_arena a;
    int one = 1, two = 2;
    rac_arena_init(&a, 1 << 20);
    rac_arena_cleanup(&a, count_cleanup, &one);
    rac_arena_cleanup(&a, count_cleanup, &two);
    rac_arena_fini(&a);
    assert_int_equal(cleaned, 21);
}

static void arena_marks_itself_over_past_the_cap(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 10000);
    assert_non_null(rac_arena_alloc(&a, 100));
    assert_false(rac_arena_over(&a));
    assert_null(rac_arena_try(&a, 20000));
    assert_true(rac_arena_over(&a));
    assert_non_null(rac_arena_alloc(&a, 30000));
    rac_arena_fini(&a);
}

static void arena_wipes_what_it_gives_back(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 24);
    rac_arena_wipe_at_end(&a);
    char *before = rac_arena_cstr(&a, RAC_S("before"));
    struct rac_arena_mark m = rac_arena_mark(&a);
    char *s = rac_arena_cstr(&a, RAC_S("hunter2"));
    rac_arena_rewind(&a, m);
    assert_memory_equal(s, "\0\0\0\0\0\0\0", 7);
    assert_string_equal(before, "before");
    s = rac_arena_cstr(&a, RAC_S("hunter2"));
    rac_arena_reset(&a); /* keeps its first block */
    assert_memory_equal(s, "\0\0\0\0\0\0\0", 7);
    assert_memory_equal(before, "\0\0\0\0\0\0", 6);
    s = rac_arena_cstr(&a, RAC_S("again"));
    rac_arena_reset(&a); /* it stays so */
    assert_memory_equal(s, "\0\0\0\0\0", 5);
    rac_arena_fini(&a);
}

static void buffer_grows_and_wipes(void **state RAC_UNUSED)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    rac_buf_wipe_at_end(&b);
    for (int i = 0; i < 1000; i++)
        rac_buf_printf(&b, "%d;", i);
    assert_true(rac_str_ends(rac_buf_str(&b), RAC_S("997;998;999;")));
    assert_true(rac_str_starts(rac_buf_str(&b), RAC_S("0;1;2;")));
    rac_buf_fini(&b);
    assert_true(b.secret);
}

static void arena_rewinds_to_a_mark(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 24);
    char *first = rac_arena_alloc(&a, 64);
    memset(first, 'x', 64);
    struct rac_arena_mark m = rac_arena_mark(&a);
    for (int i = 0; i < 1000; i++)
        rac_arena_alloc(&a, 1000);
    rac_arena_rewind(&a, m);
    assert_int_equal(first[63], 'x');
    assert_true(a.used_bytes < 10000);
    rac_arena_fini(&a);
}

static void arena_gives_back_what_was_large(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, (size_t)1 << 30);
    char *first = rac_arena_alloc(&a, 64);
    memset(first, 'x', 64);
    size_t before = a.used_bytes;
    for (int i = 0; i < 10; i++) { /* blocks of their own, and ordinary ones between them */
        struct rac_arena_mark m = rac_arena_mark(&a);
        rac_arena_alloc(&a, 500000);
        for (int k = 0; k < 20; k++)
            rac_arena_alloc(&a, 1000);
        rac_arena_alloc(&a, 3 << 20);
        rac_arena_rewind(&a, m);
        assert_int_equal(a.used_bytes, before);
    }
    assert_int_equal(first[63], 'x');
    rac_arena_reset(&a);
    rac_arena_alloc(&a,
                    900000); /* the first block is a large one: not to be kept by an idle owner */
    rac_arena_fini(&a);
    rac_arena_alloc(&a, 900000);
    rac_arena_reset(&a);
    assert_true(a.used_bytes <= 64 * 1024);
    rac_arena_fini(&a);
}

static void buf_keeps_its_cap(void **state RAC_UNUSED)
{
    struct rac_buf b;
    rac_buf_init(&b, 8);
    rac_buf_add(&b, RAC_S("12345"));
    assert_int_equal(rac_buf_err(&b), RAC_OK);
    rac_buf_printf(&b, "%d", 6789);
    assert_int_equal(rac_buf_err(&b), RAC_E_LIMIT);
    rac_buf_add(&b, RAC_S("6"));
    assert_str(rac_buf_str(&b), "12345");
    rac_buf_fini(&b);
}

RAC_PRINTF(3, 4)
static rac_str at_most(struct rac_arena *a, size_t bytes_max, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    rac_str s = rac_arena_vprintf_max(a, bytes_max, fmt, ap);
    va_end(ap);
    return s;
}

static void what_is_printed_is_cut_between_characters(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    rac_str s = RAC_S("a\0\xc3\xa9\xf0\x9f\x98\x80z"); /* of 1, 1, 2, 4 and 1 bytes */
    static const size_t kept[] = {0, 1, 2, 2, 4, 4, 4, 4, 8, 9, 9};
    for (size_t n = 0; n < RAC_COUNT(kept); n++) {
        rac_str got = at_most(&a, n, "%.*s", RAC_FMT(s));
        assert_true(rac_str_eq(got, rac_str_sub(s, 0, kept[n])));
        assert_int_equal(got.p[got.n], 0);
    }
    assert_int_equal(at_most(&a, 3, "\x80\x80\x80\x80\x80").n, 3); /* no characters at all */
    rac_arena_fini(&a);
}

/* A key of JSON may hold zeros: "a\\u0000b" and "a\\u0000c" are two keys, and print as two. */
static void what_is_printed_holds_zeros(void **state RAC_UNUSED)
{
    struct rac_arena a;
    struct rac_buf b;
    struct rac_diags d;
    rac_arena_init(&a, 1 << 20);
    rac_buf_init(&b, 100);
    rac_diags_init(&d, &a, 1);
    rac_str s = RAC_S("a\0b");
    assert_true(rac_str_eq(rac_arena_printf(&a, "<%.*s>%d", RAC_FMT(s), 7), RAC_S("<a\0b>7")));
    rac_buf_printf(&b, "%.*s%c", RAC_FMT(s), '!');
    assert_true(rac_str_eq(rac_buf_str(&b), RAC_S("a\0b!")));
    struct rac_diag *g = rac_diags_addf(&d, "X", RAC_SEV_ERROR, "%.*s", RAC_FMT(s));
    assert_true(rac_str_eq(g->message, s));
    rac_buf_fini(&b);
    rac_arena_fini(&a);
}

/* The C library and rac_arena_printf agree. */
#define SAME(a, ...)                                                                               \
    do {                                                                                           \
        char wanted[900];                                                                          \
        snprintf(wanted, sizeof wanted, __VA_ARGS__);                                              \
        assert_string_equal(rac_arena_printf((a), __VA_ARGS__).p, wanted);                         \
    } while (0)

static void formats_mean_what_they_mean_in_c(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    SAME(&a, "%d|%5d|%-5d|%05d|%+d|%i", -7, 7, 7, 7, 7, INT32_MIN);
    SAME(&a, "%u|%x|%08X|%#x|%o|%c|%%", UINT32_MAX, 255u, 255u, 255u, 8u, 'z');
    SAME(&a, "%zu|%020lld|%llx|%ld|%jd", SIZE_MAX, -5LL, 1ULL << 60, -1L, (intmax_t)INT64_MIN);
    SAME(&a, "%s|%10s|%-10s|%.2s|%*s|%*s|%-*s|", "abc", "abc", "abc", "abc", 5, "x", -5, "x", 3,
         "y");
    SAME(&a, "%0*d|%*d|%.*f|%g|%.17g|%f|%e", 6, 42, -6, 42, 2, 3.14159, 1e300, 0.1, -1.7e308, 2.5);
    SAME(&a, "%d|%d|%d|%u|%zu|%zu|%dx%u", INT32_MIN, 0, INT32_MAX, 0u, (size_t)0, (size_t)10, 3,
         4u);
    SAME(&a, "%0*d|%700d", 100, 7, 8);
    SAME(&a, "%.*s|%.*s|%hhu|%hd", 3, "abcdef", 0, "abc", (unsigned char)200, (short)-3);
    rac_arena_fini(&a);
}

static void map_keeps_insertion_order(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    struct rac_map m;
    rac_map_init(&m, &a);
    static int values[1000];
    for (int i = 0; i < 1000; i++)
        rac_map_put(&m, rac_arena_printf(&a, "key%d", i), &values[i]);
    assert_int_equal(m.n, 1000);
    assert_ptr_equal(rac_map_get(&m, RAC_S("key999")), &values[999]);
    assert_null(rac_map_get(&m, RAC_S("key1000")));
    assert_false(rac_map_add(&m, RAC_S("key5"), NULL));
    assert_str(m.entries[7].key, "key7");
    rac_arena_fini(&a);
}

static void str_converts_numbers_exactly(void **state RAC_UNUSED)
{
    int64_t i;
    double d;
    assert_true(rac_str_is_uuid(RAC_S("0123abcd-ABCD-9999-0000-0123456789ef")));
    assert_false(rac_str_is_uuid(RAC_S("0123abcd-ABCD-9999-0000-0123456789eg")));
    assert_false(rac_str_is_uuid(RAC_S("0123abcdeABCD-9999-0000-0123456789ef")));
    assert_false(rac_str_is_uuid(RAC_S("0123abcd-ABCD-9999-0000-0123456789e")));
    assert_true(rac_str_to_i64(RAC_S("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_false(rac_str_to_i64(RAC_S("9223372036854775808"), &i));
    assert_false(rac_str_to_i64(RAC_S(""), &i));
    assert_false(rac_str_to_i64(RAC_S("-"), &i));
    assert_true(rac_str_to_double(RAC_S("1e3"), &d) && d == 1000);
    assert_false(rac_str_to_double(RAC_S("0x10"), &d));
    assert_false(rac_str_to_double(RAC_S("nan"), &d));
}

static void str_cuts_and_replaces(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    rac_str rest = RAC_S("a,b,");
    assert_str(rac_str_cut(rest, ',', &rest), "a");
    assert_str(rac_str_cut(rest, ',', &rest), "b");
    assert_str(rac_str_cut(rest, ',', &rest), "");
    assert_null(rest.p);
    assert_str(rac_str_replace(&a, RAC_S("aXbXX"), RAC_S("X"), RAC_S("yy")), "ayybyyyy");
    assert_int_equal(rac_str_distance(RAC_S("x-ms-visibilty"), RAC_S("x-ms-visibility")), 1);
    rac_arena_fini(&a);
}

/* Every size, kept and not, grown in steps: contents stay, nothing overlaps. */
static void kept_blocks_hold_what_was_put(void **state RAC_UNUSED)
{
    enum { N = 64 };
    unsigned char *v[N];
    for (int round = 0; round < 6; round++) {
        if (round == 2)
            rac_mem_blocks_keep();
        if (round == 4)
            rac_mem_blocks_let_go();
        for (size_t i = 0; i < N; i++) {
            size_t n = 1 + i * i * 17 + (size_t)round;
            v[i] = rac_mem_block_alloc(n);
            memset(v[i], (int)i, n);
        }
        for (size_t i = 0; i < N; i++) {
            size_t n = 1 + i * i * 17 + (size_t)round;
            if (i % 3 == 0) {
                v[i] = rac_mem_block_realloc_wiping(v[i], 3 * n);
                memset(v[i] + n, (int)i, 2 * n);
                n *= 3;
            }
            for (size_t k = 0; k < n; k++)
                assert_int_equal(v[i][k], i);
            if (i % 2 == 0 || round == 5)
                rac_mem_block_free(v[i]);
        }
        for (size_t i = 1; i < N && round < 5; i += 2)
            rac_mem_block_free(v[i]); /* also after the keeping ended */
    }
    rac_mem_block_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_blocks_hold_what_was_put),
        cmocka_unit_test(arena_runs_cleanups_last_in_first_out),
        cmocka_unit_test(arena_marks_itself_over_past_the_cap),
        cmocka_unit_test(arena_rewinds_to_a_mark),
        cmocka_unit_test(arena_wipes_what_it_gives_back),
        cmocka_unit_test(buffer_grows_and_wipes),
        cmocka_unit_test(arena_gives_back_what_was_large),
        cmocka_unit_test(buf_keeps_its_cap),
        cmocka_unit_test(what_is_printed_holds_zeros),
        cmocka_unit_test(what_is_printed_is_cut_between_characters),
        cmocka_unit_test(formats_mean_what_they_mean_in_c),
        cmocka_unit_test(map_keeps_insertion_order),
        cmocka_unit_test(str_converts_numbers_exactly),
        cmocka_unit_test(str_cuts_and_replaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
