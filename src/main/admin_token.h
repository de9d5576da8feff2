/*
 * admin_token - DIR/admin.token, the way in: a token of the first administrator, made at the first
 * start of a server, and by `raccord token recover` where every other is lost. Main thread.
 */
#ifndef RAC_MAIN_ADMIN_TOKEN_H
#define RAC_MAIN_ADMIN_TOKEN_H

#include "base/arena.h"
#include "base/env.h"
#include "store/store.h"

struct rac_cli;

rac_str rac_admin_token_path(struct rac_arena *a, rac_str dir);
/* Makes a token for user RAC_DEFAULT_ID and keeps it in the file at path, mode 0600. *id: the
 * token's, in a. *why: a sentence, in a. Waits for the writes of the session. */
rac_err rac_admin_token_make(struct rac_store_session *session, const struct rac_env *env,
                             rac_str path, rac_str note, struct rac_arena *a, rac_str *id,
                             rac_str *why) RAC_MUST_CHECK;

#endif
