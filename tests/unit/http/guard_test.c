#include "test_arena.h"

#include "http/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct rac_http_guard guard_of(const char *list)
{
    struct rac_http_guard g = {0};
    rac_str error = RAC_STR_NULL;
    assert_int_equal(rac_http_guard_parse(rac_str_of(list), &a, &g, &error), RAC_OK);
    return g;
}

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        ss.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        ss.ss_family = AF_INET6;
    else
        fail_msg("%s is not an address", text);
    return ss;
}

static const char *judged(const struct rac_http_guard *g, const char *text)
{
    struct sockaddr_storage ss = address(text);
    return rac_http_guard_refuses(g, (struct sockaddr *)&ss);
}

static const char *const refused[] = {
    /* IPv4: first, some and last address of each network */
    "0.0.0.0", "0.1.2.3", "0.255.255.255", "10.0.0.0", "10.1.2.3", "10.255.255.255", "100.64.0.0",
    "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.1.2.3", "127.255.255.255",
    "169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.255.255", "172.16.0.0",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.0",
    "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.254", "255.255.255.255",
    /* IPv6 */
    "::", "::1", "fc00::", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1",
    "feff::1", "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "2001:2::1", "2001:10::1",
    "2001:20::1", "3fff::1", "5f00::1", "64:ff9b:1::a00:1",
    /* IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo */
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
    "::127.0.0.1", "::10.1.1.1", "::ffff:0:192.168.1.1", "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::1",
    "2002:a9fe:a9fe::", "2001:0:a9fe:a9fe::", "2001:0:808:808::80ff:fffe" /* ~127.0.0.1 */};

static const char *const permitted[] = {"1.1.1.1",
                                        "8.8.8.8",
                                        "9.255.255.255",
                                        "11.0.0.0",
                                        "100.63.255.255",
                                        "100.128.0.0",
                                        "126.255.255.255",
                                        "128.0.0.1",
                                        "169.253.255.255",
                                        "169.255.0.0",
                                        "172.15.255.255",
                                        "172.32.0.0",
                                        "192.0.1.1",
                                        "192.167.255.255",
                                        "192.169.0.0",
                                        "198.17.255.255",
                                        "198.20.0.0",
                                        "223.255.255.255",
                                        "2606:4700::1111",
                                        "2a00:1450:4001::1",
                                        "2001:4860:4860::8888",
                                        "::ffff:8.8.8.8",
                                        "64:ff9b::8.8.8.8",
                                        "2002:808:808::1",
                                        "2001:0:808:808::f7f7:f7f7",
                                        "fbff::1",
                                        "2001:db9::1"};

static void closed_networks_are_refused(void **state RAC_UNUSED)
{
    struct rac_http_guard none = {0};
    for (size_t i = 0; i < RAC_COUNT(refused); i++)
        if (judged(&none, refused[i]) == NULL)
            fail_msg("%s was let through", refused[i]);
    for (size_t i = 0; i < RAC_COUNT(refused); i++)
        assert_non_null(judged(NULL, refused[i]));
}

static void public_addresses_pass(void **state RAC_UNUSED)
{
    struct rac_http_guard none = {0};
    for (size_t i = 0; i < RAC_COUNT(permitted); i++) {
        const char *what = judged(&none, permitted[i]);
        if (what != NULL)
            fail_msg("%s was refused as %s", permitted[i], what);
    }
}

static void allowed_networks_pass_and_nothing_more(void **state RAC_UNUSED)
{
    struct rac_http_guard g = guard_of("127.0.0.0/8, ::1,10.20.0.0/16\tfd00:1::/32 192.168.7.7");
    static const char *const in[] = {"127.0.0.1",   "127.9.9.9",          "::ffff:127.0.0.1",
                                     "::1",         "10.20.255.1",        "fd00:1:ffff::1",
                                     "192.168.7.7", "64:ff9b::10.20.0.1", "2002:a14:1::"};
    static const char *const out[] = {"10.21.0.1",   "10.19.255.255",     "fd00:2::1",
                                      "192.168.7.6", "169.254.169.254",   "0.0.0.0",
                                      "::",          "64:ff9b::10.21.0.1"};
    for (size_t i = 0; i < RAC_COUNT(in); i++)
        if (judged(&g, in[i]) != NULL)
            fail_msg("%s was refused", in[i]);
    for (size_t i = 0; i < RAC_COUNT(out); i++)
        if (judged(&g, out[i]) == NULL)
            fail_msg("%s was let through", out[i]);
    struct rac_http_guard v4 = guard_of("0.0.0.0/0"), all = guard_of("::/0");
    assert_null(judged(&v4, "127.0.0.1"));
    assert_non_null(judged(&v4, "::1"));
    assert_null(judged(&all, "::1"));
    assert_null(judged(&all, "10.0.0.1"));
}

static void other_families_are_refused(void **state RAC_UNUSED)
{
    struct rac_http_guard all = guard_of("::/0");
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    assert_non_null(rac_http_guard_refuses(&all, &unix_socket));
}

static void malformed_networks_are_named(void **state RAC_UNUSED)
{
    static const char *const bad[] = {
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/8x",
        "10.0.0.0/ 8",
        "/8",
        "::/129",
        "fd00::1/64",
        "localhost",
        "1.2.3.4.5",
        "0x7f.1/8",
        "010.0.0.1",
        "10.0.0.0//8",
        "10.0.0.0/8/9",
        "fe80::1%eth0",
        "10.0.0.0/0008",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++) {
        struct rac_http_guard g = {0};
        rac_str error = RAC_STR_NULL;
        rac_str list = rac_str_concat(&a, RAC_S("192.0.2.0/24,"), rac_str_of(bad[i]));
        if (rac_http_guard_parse(list, &a, &g, &error) != RAC_E_INVALID)
            fail_msg("%s was taken", bad[i]);
        assert_true(error.n > 0);
        assert_int_equal(g.allow_n, 0);
    }
    struct rac_cidr c;
    assert_false(rac_cidr_parse((rac_str){"10.0.0.0\0/8", 11}, &c));
    assert_int_equal(guard_of("").allow_n, 0);
    assert_int_equal(guard_of(" , ,").allow_n, 0);
}

static void the_list_has_a_cap(void **state RAC_UNUSED)
{
    struct rac_http_guard g = {0};
    rac_str error = RAC_STR_NULL, list = RAC_S("");
    char *text = rac_arena_alloc(&a, 16 * (RAC_GUARD_NETWORKS_MAX + 1));
    size_t n = 0;
    for (int i = 0; i <= RAC_GUARD_NETWORKS_MAX; i++)
        n += (size_t)snprintf(text + n, 16, "10.%d.%d.0/24,", i / 256, i % 256);
    list = (rac_str){text, n};
    assert_int_equal(rac_http_guard_parse(list, &a, &g, &error), RAC_E_LIMIT);
    list.n = rac_str_rfind_char((rac_str){text, n - 1}, ',');
    assert_int_equal(rac_http_guard_parse(list, &a, &g, &error), RAC_OK);
    assert_int_equal(g.allow_n, RAC_GUARD_NETWORKS_MAX);
}

/* A CIDR of every length has exactly the addresses that share its prefix. */
static void cidr_matches_bit_by_bit(void **state RAC_UNUSED)
{
    uint8_t base[16] = {0xfd, 0x12, 0xa5, 0x5a, 0xc3, 0x3c, 0x0f, 0xf0, 1, 2, 3, 4, 5, 6, 7, 0xff};
    for (unsigned bits = 0; bits <= 128; bits++) {
        struct rac_cidr c = {.bits = (uint8_t)bits};
        for (unsigned b = 0; b < bits; b++)
            c.addr[b / 8] |= base[b / 8] & (uint8_t)(0x80 >> b % 8);
        assert_true(rac_cidr_has(&c, base));
        for (unsigned flip = 0; flip < 128; flip++) {
            uint8_t other[16];
            memcpy(other, base, 16);
            other[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
            assert_int_equal(rac_cidr_has(&c, other), flip >= bits);
        }
    }
}

static void addresses_print(void **state RAC_UNUSED)
{
    char text[64];
    struct sockaddr_storage four = address("127.0.0.1"), six = address("fd00::1");
    rac_http_addr_text((struct sockaddr *)&four, text);
    assert_string_equal(text, "127.0.0.1");
    rac_http_addr_text((struct sockaddr *)&six, text);
    assert_string_equal(text, "fd00::1");
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    rac_http_addr_text(&unix_socket, text);
    assert_string_equal(text, "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_networks_are_refused),
        cmocka_unit_test(public_addresses_pass),
        cmocka_unit_test(allowed_networks_pass_and_nothing_more),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(malformed_networks_are_named),
        cmocka_unit_test(the_list_has_a_cap),
        cmocka_unit_test(cidr_matches_bit_by_bit),
        cmocka_unit_test(addresses_print),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
