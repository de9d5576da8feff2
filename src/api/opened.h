/*
 * opened - connections ready to be used: row, values and tokens opened, connector compiled.
 *
 * A cache of one worker (at most RAC_OPENED_MAX), kept while the store's counters stand still; a
 * change of the connection, of its tokens or of the connector is seen by the very next call.
 * Secrets in it are wiped when an entry goes. An entry in use is kept until released.
 */
#ifndef RAC_API_OPENED_H
#define RAC_API_OPENED_H

#include "base/arena.h"
#include "base/base.h"
#include "connector/auth.h"
#include "connector/connection.h"
#include "connector/connector.h"
#include "connector/store.h"

enum { RAC_OPENED_MAX = 1024 };

struct rac_api_worker;
struct rac_opened;

/* Plain data for its users; belongs to the cache. */
struct rac_opened_connection {
    struct rac_connection_row row;
    struct rac_connector *connector;   /* a reference of the entry */
    struct rac_connection *connection; /* values and tokens opened; do not change it */
    rac_str tenant, runtime_url;
    rac_str key_digests; /* 32 bytes and 8 bytes of expiry each: keys of the runtime URL */
    /* private */
    struct rac_arena arena;
    uint64_t seen_connections, seen_tokens, seen_connectors;
    unsigned refs;
};

struct rac_opened *rac_opened_new(struct rac_api_worker *w);
void rac_opened_free(struct rac_opened *o);

/* At once when everything is at hand; NULL otherwise. Release what you got. */
struct rac_opened_connection *rac_opened_peek(struct rac_opened *o, rac_str tenant, rac_str id);
/* err RAC_OK with a connection to release; RAC_E_NOT_FOUND; others as rac_compiled_want. */
typedef void (*rac_opened_done)(void *arg, rac_err err, struct rac_opened_connection *c,
                                rac_str why);
/* Never calls back before it returns; no cancel. */
void rac_opened_want(struct rac_opened *o, rac_str tenant, rac_str id, rac_opened_done done,
                     void *arg);
void rac_opened_release(struct rac_opened *o, struct rac_opened_connection *c);

/* Opens a connection with a connector at hand into a, outside the cache. */
rac_err rac_opened_load(struct rac_api_worker *w, rac_str tenant, rac_str id,
                        struct rac_connector *connector, const struct rac_connection_row *row,
                        struct rac_arena *a, struct rac_connection **out,
                        rac_str *key_digests) RAC_MUST_CHECK;

/* The port the auth engine asks for a connection and its OAuth settings. */
struct rac_auth_source rac_opened_source(struct rac_api_worker *w);
/* OAuth settings of a parameter with the client an administrator set laid over them. In a. NULL:
 * no such parameter. */
const struct rac_oauth_settings *rac_opened_settings(struct rac_api_worker *w, rac_str tenant,
                                                     const struct rac_connector *connector,
                                                     const struct rac_conn_set *set,
                                                     rac_str parameter, struct rac_arena *a);
/* Name of a stored secret of a connector: "token.clientSecret", "signin/token.clientSecret". */
rac_str rac_setting_name(struct rac_arena *a, rac_str set, rac_str parameter, const char *what);

#endif
