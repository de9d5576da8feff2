/* One table of networks nobody outside should be able to make us call. */
#include "http/guard.h"
#include "base/ip.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct {
    const char *net, *what;
} refused[] = {
    {"0.0.0.0/8", "an unspecified address"},
    {"10.0.0.0/8", "a private address"},
    {"100.64.0.0/10", "a shared (carrier) address"},
    {"127.0.0.0/8", "a loopback address"},
    {"169.254.0.0/16", "a link-local address (cloud metadata lives there)"},
    {"172.16.0.0/12", "a private address"},
    {"192.0.0.0/24", "a protocol assignment address"},
    {"192.0.2.0/24", "a documentation address"},
    {"192.88.99.0/24", "a relay anycast address"},
    {"192.168.0.0/16", "a private address"},
    {"198.18.0.0/15", "a benchmarking address"},
    {"198.51.100.0/24", "a documentation address"},
    {"203.0.113.0/24", "a documentation address"},
    {"224.0.0.0/4", "a multicast address"},
    {"240.0.0.0/4", "a reserved or broadcast address"},
    {"::/128", "an unspecified address"},
    {"::1/128", "a loopback address"},
    {"100::/64", "a discard address"},
    {"2001:2::/48", "a benchmarking address"},
    {"2001:10::/28", "an overlay identifier"},
    {"2001:20::/28", "an overlay identifier"},
    {"2001:db8::/32", "a documentation address"},
    {"3fff::/20", "a documentation address"},
    {"5f00::/16", "a segment-routing identifier"},
    {"64:ff9b:1::/48", "a local translation address"},
    {"fc00::/7", "a private (unique local) address"},
    {"fe80::/10", "a link-local address"},
    {"fec0::/10", "a site-local address"},
    {"ff00::/8", "a multicast address"},
};

/* IPv6 forms with an IPv4 address inside: prefix, byte where it stands, and whether inverted. */
static const struct {
    const char *net;
    uint8_t at;
    bool inverted;
} carriers[] = {
    {"::/96", 12, false},           /* compatible; :: and ::1 are in the table above */
    {"::ffff:0:0:0/96", 12, false}, /* translated, RFC 2765 */
    {"64:ff9b::/96", 12, false},    /* NAT64 */
    {"2002::/16", 2, false},        /* 6to4 */
    {"2001::/32", 12, true},        /* Teredo: the client's address, inverted */
    {"2001::/32", 4, false},        /* Teredo: its server */
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void from_v4(const void *v4, uint8_t out[16])
{
    memcpy(out, mapped, 12);
    memcpy(out + 12, v4, 4);
}

bool rac_cidr_has(const struct rac_cidr *c, const uint8_t addr[16])
{
    size_t whole = c->bits / 8, rest = c->bits % 8;
    if (memcmp(c->addr, addr, whole) != 0)
        return false;
    return rest == 0 || ((c->addr[whole] ^ addr[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_zero(const struct rac_cidr *c)
{
    for (unsigned bit = c->bits; bit < 128; bit++)
        if (c->addr[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    return true;
}

bool rac_cidr_parse(rac_str text, struct rac_cidr *out)
{
    rac_str length, addr = rac_str_cut(text, '/', &length);
    struct rac_cidr c = {.bits = 128};
    bool is_v4 = rac_str_find_char(addr, ':') == RAC_STR_NPOS;
    if (!rac_ip_parse(addr, c.addr))
        return false;
    if (length.p != NULL) {
        uint64_t bits;
        if (length.n == 0 || length.n > 3 || !rac_is_digit(length.p[0]) ||
            !rac_str_to_u64(length, &bits) || bits > (is_v4 ? 32 : 128))
            return false;
        c.bits = (uint8_t)(is_v4 ? bits + 96 : bits);
    }
    if (!host_bits_zero(&c))
        return false;
    *out = c;
    return true;
}

rac_err rac_http_guard_parse(rac_str list, struct rac_arena *a, struct rac_http_guard *out,
                             rac_str *error)
{
    struct rac_cidr *v = NULL;
    size_t n = 0, i = 0;
    while (i < list.n) {
        if (list.p[i] == ',' || rac_is_space(list.p[i])) {
            i++;
            continue;
        }
        size_t from = i;
        while (i < list.n && list.p[i] != ',' && !rac_is_space(list.p[i]))
            i++;
        rac_str one = rac_str_sub(list, from, i - from);
        struct rac_cidr c;
        if (n >= RAC_GUARD_NETWORKS_MAX) {
            *error = rac_arena_printf(a, "more than %d networks", RAC_GUARD_NETWORKS_MAX);
            return RAC_E_LIMIT;
        }
        if (!rac_cidr_parse(one, &c)) {
            *error = rac_arena_printf(a,
                                      "\"%.*s\" is not a network like 10.0.0.0/8 or fd00::/8 "
                                      "(bits after the length must be zero)",
                                      RAC_FMT(rac_str_sub(one, 0, 64)));
            return RAC_E_INVALID;
        }
        v = rac_arena_grow(a, v, n * sizeof *v, (n + 1) * sizeof *v);
        v[n++] = c;
    }
    *out = (struct rac_http_guard){v, n};
    return RAC_OK;
}

static bool allowed(const struct rac_http_guard *g, const uint8_t addr[16])
{
    for (size_t i = 0; g != NULL && i < g->allow_n; i++)
        if (rac_cidr_has(&g->allow[i], addr))
            return true;
    return false;
}

/* "::ffff:..." of the table are written as IPv4 there; a plain scan is enough, it runs once per
 * new connection. */
static const char *refused_as(const uint8_t addr[16])
{
    for (size_t i = 0; i < RAC_COUNT(refused); i++) {
        struct rac_cidr c;
        RAC_ASSERT(rac_cidr_parse(rac_str_of(refused[i].net), &c));
        if (rac_cidr_has(&c, addr))
            return refused[i].what;
    }
    return NULL;
}

/* An address counts as allowed when its outer form is, or when every address inside it is. */
static const char *judge(const struct rac_http_guard *g, const uint8_t addr[16])
{
    if (allowed(g, addr))
        return NULL;
    const char *what = refused_as(addr);
    if (what != NULL)
        return what;
    for (size_t i = 0; i < RAC_COUNT(carriers); i++) {
        struct rac_cidr c;
        RAC_ASSERT(rac_cidr_parse(rac_str_of(carriers[i].net), &c));
        if (!rac_cidr_has(&c, addr))
            continue;
        uint8_t inside[16], v4[4];
        for (int b = 0; b < 4; b++)
            v4[b] = carriers[i].inverted ? (uint8_t)~addr[carriers[i].at + b]
                                         : addr[carriers[i].at + b];
        from_v4(v4, inside);
        what = allowed(g, inside) ? NULL : refused_as(inside);
        if (what != NULL)
            return what;
    }
    return NULL;
}

const char *rac_http_guard_refuses(const struct rac_http_guard *g, const struct sockaddr *sa)
{
    uint8_t addr[16];
    if (sa->sa_family == AF_INET)
        from_v4(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, addr);
    else if (sa->sa_family == AF_INET6)
        memcpy(addr, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
    else
        return "not an internet address";
    return judge(g, addr);
}

void rac_http_addr_text(const struct sockaddr *sa, char out[64])
{
    const void *p = NULL;
    if (sa->sa_family == AF_INET)
        p = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
    else if (sa->sa_family == AF_INET6)
        p = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    if (p == NULL || inet_ntop(sa->sa_family, p, out, 64) == NULL)
        memcpy(out, "?", 2);
}
