/* ip - addresses as text and as 16 bytes (IPv4 in its mapped form ::ffff:a.b.c.d). Any thread. */
#ifndef RAC_BASE_IP_H
#define RAC_BASE_IP_H

#include "base/base.h"

/* "192.0.2.1", "2001:db8::1"; no brackets, no zone, no port. False: no address. */
bool rac_ip_parse(rac_str text, uint8_t addr[16]);
bool rac_ip_is_v4(const uint8_t addr[16]);

#endif
