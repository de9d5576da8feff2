/* Times, UTF-8, base64, settings, metrics: what turns bytes into values and back. */
#include "unit.h"

#include <pthread.h>

#include "base/base64.h"
#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/utf8.h"
#include "json/json.h"

static void time_reads_what_it_prints(void **state RAC_UNUSED)
{
    char text[RAC_TIME_TEXT], again[RAC_TIME_TEXT];
    struct rac_env_fake f = {.seed = 7};
    struct rac_env env = rac_env_fake(&f);
    for (int i = 0; i < 2000; i++) {
        uint64_t r;
        rac_env_random(&env, &r, sizeof r);
        rac_ms t = (rac_ms)(r % 253402300800000u); /* until the year 9999 */
        rac_ms back;
        rac_time_print(t, text);
        assert_true(rac_time_parse(rac_str_of(text), &back));
        assert_true(back == t);
        rac_time_print_http(t, again);
        assert_true(rac_time_parse_http(rac_str_of(again), &back));
        assert_true(back == t - t % 1000);
    }
}

static void time_knows_known_instants(void **state RAC_UNUSED)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2000-02-29T12:00:00.5Z", 951825600500},
                {"2026-11-22T23:40:00+01:00", 1795387200000},
                {"1969-12-31T23:59:59.999Z", -1},
                {"2016-12-31t23:59:60z", 1483228799999}};
    static const char *const bad[] = {"2026-02-29T00:00:00Z",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01T24:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00Zx",
                                      ""};
    rac_ms t;
    for (size_t i = 0; i < RAC_COUNT(good); i++) {
        assert_true(rac_time_parse(rac_str_of(good[i].text), &t));
        assert_true(t == good[i].ms);
    }
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        assert_false(rac_time_parse(rac_str_of(bad[i]), &t));
    /* RFC 9110 §5.6.7 gives one instant in all three forms. */
    static const char *const http[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < RAC_COUNT(http); i++) {
        assert_true(rac_time_parse_http(rac_str_of(http[i]), &t));
        assert_true(t == 784111777000);
    }
    assert_false(rac_time_parse_http(RAC_S("120"), &t));
}

static void durations_have_fixed_lengths_only(void **state RAC_UNUSED)
{
    int64_t ms;
    assert_true(rac_time_parse_duration(RAC_S("P30D"), &ms) && ms == 30 * 86400000LL);
    assert_true(rac_time_parse_duration(RAC_S("PT1H30M"), &ms) && ms == 5400000);
    assert_true(rac_time_parse_duration(RAC_S("P1DT1S"), &ms) && ms == 86401000);
    assert_true(rac_time_parse_duration(RAC_S("PT1.25S"), &ms) && ms == 1250);
    assert_true(rac_time_parse_duration(RAC_S("PT0.0019S"), &ms) && ms == 1);
    assert_false(rac_time_parse_duration(RAC_S("PT1.S"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("PT1.5M"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("PT1.5"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("P1M"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("P1Y"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("PT"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("PT1M1H"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("P99999999999999999D"), &ms));
    assert_true(rac_time_parse_duration(RAC_S("PT9223372036854775.807S"), &ms) && ms == INT64_MAX);
    assert_false(rac_time_parse_duration(RAC_S("PT9223372036854775.808S"), &ms));
    assert_false(rac_time_parse_duration(RAC_S("PT9223372036854775.999S"), &ms));
}

static void utf8_refuses_and_mends_what_is_not(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    static const char *const bad[] = {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xff",     "\xe2\x82",     "\x80"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        assert_int_equal(rac_utf8_check(rac_str_of(bad[i])), 0);
    assert_int_equal(rac_utf8_check(RAC_S("longer than eight \xe2\x82\xac \xf0\x9f\x9a\xa2")), 26);
    assert_str(rac_utf8_mend(&a, RAC_S("Br\xf8nn\xf8ysund")), "Br\xef\xbf\xbdnn\xef\xbf\xbdysund");
    assert_int_equal(rac_utf8_count(RAC_S("\xe2\x82\xac")), 1);
    rac_arena_fini(&a);
}

static void utf8_line_is_one_line_of_others_words(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    assert_str(rac_utf8_line(&a,
                             RAC_S(" \r\n a\r\nb\tc\x7f"
                                   "d \n"),
                             100),
               "a  b c d");
    /* next line, line separator, right-to-left override, isolate */
    assert_str(rac_utf8_line(&a,
                             RAC_S("a\xc2\x85"
                                   "b\xe2\x80\xa8"
                                   "c\xe2\x80\xae"
                                   "d\xe2\x81\xa6"
                                   "e"),
                             100),
               "a b c d e");
    assert_str(rac_utf8_line(&a,
                             RAC_S("a\xff"
                                   "b\xe2\x82"),
                             100),
               "a\xef\xbf\xbd"
               "b\xef\xbf\xbd\xef\xbf\xbd");
    assert_str(rac_utf8_line(&a, RAC_S("ab\xe2\x82\xac"), 4), "ab"); /* no half a character */
    assert_str(rac_utf8_line(&a, RAC_S("ab\xe2\x82\xac"), 5), "ab\xe2\x82\xac");
    assert_str(rac_utf8_line(&a, RAC_S("ab\xff"), 4), "ab");
    assert_int_equal(rac_utf8_line(&a, RAC_STR_NULL, 4).n, 0);
    rac_arena_fini(&a);
}

static void base64_round_trips(void **state RAC_UNUSED)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 24);
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (size_t n = 0; n <= 256; n++) {
        rac_str in = {bytes, n}, out;
        assert_true(rac_base64_decode(&a, rac_base64_encode(&a, in), &out));
        assert_true(rac_str_eq(in, out));
        assert_true(rac_base64_decode(&a, rac_base64url_encode(&a, in), &out));
        assert_true(rac_str_eq(in, out));
    }
    rac_str out;
    assert_str(rac_base64_encode(&a, RAC_S("fooba")), "Zm9vYmE=");
    assert_false(rac_base64_decode(&a, RAC_S("Zm9vYmE=="), &out));
    assert_false(rac_base64_decode(&a, RAC_S("Z"), &out));
    assert_false(rac_base64_decode(&a, RAC_S("Zm9vYmF="), &out)); /* stray bits */
    assert_true(rac_base64_decode_lax(&a, RAC_S("Zm9vYmF="), &out) &&
                rac_str_eq(out, RAC_S("fooba")));
    assert_false(rac_base64_decode_lax(&a, RAC_S("Zm9vYmF=="), &out));
    assert_false(rac_base64_decode(&a, RAC_S("Zm*v"), &out));
    rac_arena_fini(&a);
}

static void settings_come_from_three_places(void **state RAC_UNUSED)
{
    struct rac_arena a;
    struct rac_config c;
    struct rac_diags d;
    rac_arena_init(&a, 1 << 24);
    rac_diags_init(&d, &a, 10);
    rac_config_init(&c, &a);
    assert_int_equal(rac_config_int(&c, RAC_CONF_DEFINITION_MAX), 1048576);
    assert_int_equal(rac_config_read_file(&c,
                                          RAC_S("# note\nconnector.definition_bytes_max = 2MiB\n"
                                                "egress.timeout=30s\n"),
                                          RAC_S("raccord.conf"), &d),
                     RAC_OK);
    char *environment[] = {(char[]){"RACCORD_EGRESS_ALLOW=10.0.0.0/8"}, (char[]){"X=1"}, NULL};
    assert_int_equal(rac_config_read_environment(&c, environment, &d), RAC_OK);
    assert_int_equal(rac_config_int(&c, RAC_CONF_DEFINITION_MAX), 2 << 20);
    assert_int_equal(rac_config_int(&c, RAC_CONF_EGRESS_TOTAL_MS), 30000);
    assert_str(rac_config_str(&c, RAC_CONF_EGRESS_ALLOW), "10.0.0.0/8");
    assert_int_equal(rac_config_set(&c, RAC_S("egres.allow"), RAC_S("x"), "command line", &d),
                     RAC_E_INVALID);
    assert_str(d.v[0].fix, "Did you mean egress.allow?");
    assert_int_equal(rac_config_set(&c, RAC_S("workers"), RAC_S("many"), "command line", &d),
                     RAC_E_INVALID);
    assert_int_equal(rac_config_set(&c, RAC_S("workers"), RAC_S("100000"), "command line", &d),
                     RAC_E_INVALID);
    assert_int_equal(rac_config_read_file(&c, RAC_S("\nworkers\n"), RAC_S("raccord.conf"), &d),
                     RAC_E_SYNTAX);
    assert_int_equal(d.v[d.n - 1].line, 2);
    rac_arena_fini(&a);
}

static void metrics_add_up_and_print(void **state RAC_UNUSED)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    unsigned label = rac_metric_label(RAC_METRIC_HTTP_RESPONSES, "2xx");
    assert_int_equal(rac_metric_label(RAC_METRIC_HTTP_RESPONSES, "2xx"), label);
    rac_metric_add(RAC_METRIC_CALLS, 3);
    rac_metric_add_at(RAC_METRIC_HTTP_RESPONSES, label, 2);
    rac_metric_set(RAC_METRIC_STORE_QUEUE, 5);
    rac_metric_change(RAC_METRIC_STORE_QUEUE, -1);
    rac_metric_observe_ns(RAC_METRIC_HTTP_SECONDS, 2000000);
    rac_metrics_print(&b);
    rac_str s = rac_buf_str(&b);
    assert_true(rac_str_find(s, RAC_S("\nraccord_calls_total 3\n")) != RAC_STR_NPOS);
    assert_true(rac_str_find(s, RAC_S("{status=\"2xx\"} 2\n")) != RAC_STR_NPOS);
    assert_true(rac_str_find(s, RAC_S("\nraccord_store_queue_depth 4\n")) != RAC_STR_NPOS);
    assert_true(rac_str_find(s, RAC_S("_seconds_bucket{le=\"0.0025\"} 1\n")) != RAC_STR_NPOS);
    rac_buf_fini(&b);
}

static void *add_labels(void *arg)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    unsigned *out = arg;
    for (int round = 0; round < 1000; round++)
        for (size_t i = 0; i < RAC_COUNT(names); i++)
            out[i] = rac_metric_label(RAC_METRIC_API_REQUESTS, names[i]);
    return NULL;
}

static void metric_labels_are_added_by_many(void **state RAC_UNUSED)
{
    pthread_t threads[4];
    unsigned got[4][8];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_labels, got[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 1; i < 4; i++)
        assert_memory_equal(got[0], got[i], sizeof got[0]);
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(got[0][i], got[0][k]);
}

/* What one event wrote. */
static rac_str logged(struct rac_arena *a, bool json, const struct rac_log_field *f, size_t n)
{
    FILE *file = tmpfile();
    char text[8192];
    assert_non_null(file);
    rac_log_setup(fileno(file), json, RAC_INFO);
    rac_log_fields(RAC_WARN, "test.happened", f, n);
    rac_log_setup(2, false, RAC_WARN);
    rewind(file);
    size_t got = fread(text, 1, sizeof text, file);
    fclose(file);
    return rac_arena_str(a, (rac_str){text, got});
}

static void log_lines_stay_well_formed(void **state RAC_UNUSED)
{
    struct rac_arena a;
    struct rac_json v;
    struct rac_json_error where;
    char *big = rac_mem_alloc(5001);
    rac_arena_init(&a, 1 << 20);
    for (int fill = 0; fill < 2; fill++) /* characters of one byte, of two */
        for (size_t n = 3900; n < 4100; n++) {
            for (size_t i = 0; i < 5000; i++)
                big[i] = fill == 0 ? 'x' : i % 2 ? '\xa9' : '\xc3';
            const struct rac_log_field f[] = {RAC_F_STR("first", ((rac_str){big, n})),
                                              RAC_F_STR("second", ((rac_str){big, 40})),
                                              RAC_F_INT("third", 12345678)};
            rac_str line = logged(&a, true, f, RAC_COUNT(f));
            if (rac_json_parse(line, &a, 0, &v, &where) != RAC_OK)
                fail_msg("%zu: %s in %.*s", n, where.message, RAC_FMT(line));
            assert_true(line.n <= 4096 && rac_str_ends(line, RAC_S("}\n")));
            rac_arena_reset(&a);
        }
    const struct rac_log_field evil[] = {RAC_F_STR("s", RAC_S("\xff\x1b[2J\xc2\x9b\x7f\nx=y"))};
    rac_str line = logged(&a, true, evil, 1);
    assert_int_equal(rac_json_parse(line, &a, 0, &v, &where), RAC_OK);
    line = logged(&a, false, evil, 1); /* nothing a terminal obeys, and one line */
    assert_true(
        rac_str_find(line, RAC_S("s=\"\xef\xbf\xbd\\u001b[2J\\u009b\\u007f\\u000ax=y\"\n")) !=
        RAC_STR_NPOS);
    rac_mem_free(big);
    rac_arena_fini(&a);
}

static void secrets_compare_whole(void **state RAC_UNUSED)
{
    assert_true(rac_secret_equal(RAC_S("hunter2"), RAC_S("hunter2")));
    assert_false(rac_secret_equal(RAC_S("hunter2"), RAC_S("hunter3")));
    assert_false(rac_secret_equal(RAC_S("hunter2"), RAC_S("hunter")));
    assert_true(rac_secret_equal(RAC_S(""), RAC_STR_NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_reads_what_it_prints),
        cmocka_unit_test(time_knows_known_instants),
        cmocka_unit_test(durations_have_fixed_lengths_only),
        cmocka_unit_test(utf8_refuses_and_mends_what_is_not),
        cmocka_unit_test(utf8_line_is_one_line_of_others_words),
        cmocka_unit_test(base64_round_trips),
        cmocka_unit_test(settings_come_from_three_places),
        cmocka_unit_test(metrics_add_up_and_print),
        cmocka_unit_test(metric_labels_are_added_by_many),
        cmocka_unit_test(log_lines_stay_well_formed),
        cmocka_unit_test(secrets_compare_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
