/*
 * live - calls from a command: a private loop, an HTTP client and an auth engine without a server.
 *
 * Blocking: rac_live_call returns when the answer is there, retries included. Loopback addresses
 * are allowed (and said on stderr), other private ones only by egress.allow.
 */
#ifndef RAC_CLI_LIVE_H
#define RAC_CLI_LIVE_H

#include "cli/command.h"
#include "connector/call.h"

struct rac_live;

rac_err rac_live_open(struct rac_cli *cli, struct rac_live **out) RAC_MUST_CHECK; /* owned */
void rac_live_close(struct rac_live *live);                                       /* NULL is fine */
/* *res lives until the next call or close. retries: how often to try again what is worth it. */
void rac_live_call(struct rac_live *live, const struct rac_call_req *req, unsigned retries,
                   struct rac_arena *a, const struct rac_call_res **res);

/* What an engine needs to make calls by itself; valid until close. */
struct rac_loop;
struct rac_loop *rac_live_loop(struct rac_live *live);
const struct rac_call_env *rac_live_calls(struct rac_live *live);
struct rac_auth *rac_live_auth(struct rac_live *live);
void rac_live_defer(struct rac_live *live, void (*fn)(void *arg), void *arg);

#endif
