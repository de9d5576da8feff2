/*
 * unbind - an HTTP answer as outputs (connectors.md §6.5): JSON parsed, text as a string, anything
 * else as an envelope, nothing as NONE.
 */
#ifndef RAC_CONNECTOR_UNBIND_H
#define RAC_CONNECTOR_UNBIND_H

#include "base/arena.h"
#include "base/fetch.h"
#include "json/json.h"

enum rac_unbind_form { RAC_UNBIND_NONE, RAC_UNBIND_JSON, RAC_UNBIND_TEXT, RAC_UNBIND_BINARY };

/* Which form a body has by its content type; NONE for an empty one. */
enum rac_unbind_form rac_unbind_form(rac_str content_type, rac_str bytes, struct rac_arena *a);
/*
 * *out in a (and in bytes). RAC_OK, or RAC_E_SYNTAX with *why: not JSON under a JSON content type
 * (RC-RUN-07); *out is then the text. RAC_E_LIMIT: nested too deep or the arena's cap.
 */
rac_err rac_unbind(rac_str content_type, rac_str bytes, struct rac_arena *a, struct rac_json *out,
                   rac_str *why) RAC_MUST_CHECK;
/* Headers of an answer that end at the next hop are taken out. */
void rac_unbind_headers(struct rac_headers *h);

#endif
