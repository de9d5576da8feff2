/*
 * zone - time zones from the system's zone files (TZif, RFC 8536), under Windows or IANA names.
 *
 * A zone is read once per process and kept; it is immutable, any thread may use it.
 */
#ifndef RAC_EXPR_ZONE_H
#define RAC_EXPR_ZONE_H

#include "base/base.h"

struct rac_zone;

/* Letter case is ignored for Windows names and UTC. NULL: there is no such zone. */
const struct rac_zone *rac_zone_get(rac_str name);
/* Is it a Windows name, spelt exactly so; or in any letter case? */
bool rac_zone_is_windows(rac_str name, bool any_case);
bool rac_zone_is_utc(const struct rac_zone *z);
/* Seconds east of UTC at an instant (seconds since 1970). */
int32_t rac_zone_offset(const struct rac_zone *z, int64_t utc_s);
/* Local clock (seconds as if it were UTC) to an instant; a time that occurs twice is the one in
 * standard time. False: it never occurs (the gap in spring). */
bool rac_zone_to_utc(const struct rac_zone *z, int64_t local_s, int64_t *utc_s);

#endif
