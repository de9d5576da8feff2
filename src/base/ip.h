/* ip - addresses as text and as 16 bytes (IPv4 in its mapped form ::ffff:a.b.c.d). Any thread. */
#ifndef RAC_BASE_IP_H
#define RAC_BASE_IP_H

#include "base/base.h"

/* "192.0.2.1", "2001:db8::1"; no brackets, no zone, no port. False: no address. */
bool rac_ip_parse(rac_str text, uint8_t addr[16]);
bool rac_ip_is_v4(const uint8_t addr[16]);
/* The address in its usual form (RFC 5952), mapped ones as IPv4, with a final NUL; its length. */
enum { RAC_IP_TEXT = 48 };
size_t rac_ip_print(const uint8_t addr[16], char out[RAC_IP_TEXT]);

#endif
