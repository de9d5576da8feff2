/*
 * guard - which addresses an outbound connection may open (spec connectors §6.9).
 *
 * Judged on the address about to be connected to, after name resolution, on every new connection:
 * neither a redirect nor a name that changes its mind can get past it. Refused unless the
 * administrator allows the network (setting egress.allow): unspecified, loopback, private, shared
 * (CGNAT), link-local with the cloud metadata services, multicast, broadcast, benchmarking,
 * documentation, reserved, unique-local, site-local; and any IPv6 form that carries such an IPv4
 * address inside (mapped, compatible, translated, NAT64, 6to4, Teredo). Immutable once parsed:
 * any thread may read it.
 */
#ifndef RAC_HTTP_GUARD_H
#define RAC_HTTP_GUARD_H

#include "base/arena.h"
#include "base/base.h"

struct sockaddr;

struct rac_cidr {
    uint8_t addr[16]; /* IPv4 as its mapped form ::ffff:a.b.c.d */
    uint8_t bits;     /* 0..128 of that form */
};

struct rac_http_guard {
    const struct rac_cidr *allow;
    size_t allow_n;
};

enum { RAC_GUARD_NETWORKS_MAX = 1024 };

/* egress.allow: networks "10.0.0.0/8, fd00::/8, 192.0.2.7" separated by commas or spaces; an
 * address without a length is that one host; host bits must be zero. List in arena a. Error:
 * RAC_E_INVALID or RAC_E_LIMIT, *error (in a) says which entry and why. */
rac_err rac_http_guard_parse(rac_str list, struct rac_arena *a, struct rac_http_guard *out,
                             rac_str *error) RAC_MUST_CHECK;
/* One network of such a list. */
bool rac_cidr_parse(rac_str text, struct rac_cidr *out);
bool rac_cidr_has(const struct rac_cidr *c, const uint8_t addr[16]);

/* NULL when addr may be connected to; else what kind of address it is: "a loopback address". */
const char *rac_http_guard_refuses(const struct rac_http_guard *g, const struct sockaddr *addr);
/* addr as text without port: "127.0.0.1", "fd00::1"; out holds at least 64 bytes. */
void rac_http_addr_text(const struct sockaddr *addr, char out[64]);

#endif
