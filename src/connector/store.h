/*
 * connector/store - the port: what must be kept of connectors, connections and their credentials.
 *
 * Declared here, implemented by store/ (SQLite) and by fakes in tests. One struct
 * rac_connector_store belongs to one thread (a worker, or a command): main hands each worker its
 * own.
 *
 * Reads run on the caller's thread, are short, and see every write that was answered before.
 * Results live in the arena given. RAC_E_NOT_FOUND when there is nothing (also: of another
 * tenant), RAC_E_IO, RAC_E_CORRUPT. Writes are asynchronous: base/commit.h.
 *
 * Every function takes the tenant (its id) first; ids are unique within a tenant. Deleted
 * connectors are invisible except to connector_list with q.deleted and to connector_restore.
 *
 * Secrets go in and come out in the clear here and are sealed by the implementation (per-tenant
 * key, bound to table and row); opened ones are wiped when their arena ends. Nothing secret is
 * ever part of a row struct other than those marked "secret".
 *
 * Optimistic concurrency: rows have a version (1, 2, ...) that every change increments;
 * if_version 0 means "whatever it is", else a difference is RAC_E_CONFLICT.
 */
#ifndef RAC_CONNECTOR_STORE_H
#define RAC_CONNECTOR_STORE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/commit.h"

/* --- ids and ETags (connectors.md §1.4) ---------------------------------------------------- */

/* `shared_<slug>-<16 hex>`: slug is the lower-case title, each character outside [a-z0-9] written
 * `-` and 2 hex digits per byte, cut to keep the id within 128 bytes. tail: 8 random bytes. */
rac_str rac_connector_id(struct rac_arena *a, rac_str title, const uint8_t tail[8]);
/* Connection ids: `<slug of the connector's title, without "shared_">-<16 hex>`. */
rac_str rac_connection_id(struct rac_arena *a, rac_str connector_id, const uint8_t tail[8]);
/* `"7"` (quotes included) for version 7. */
rac_str rac_etag(struct rac_arena *a, int64_t version);
/* If-Match value -> if_version: absent or `*` gives 0; a tag of ours its version; anything else
 * (weak tags included) gives -1, which matches nothing. Of a list the first is taken. */
int64_t rac_etag_version(rac_str if_match);

/* --- connectors ---------------------------------------------------------------------------- */

enum rac_audience { /* who may see and use it besides owner and grantees; architecture §2 */
                    RAC_AUDIENCE_KEEP,   /* in requests: as it is; for a new connector AUTHOR */
                    RAC_AUDIENCE_AUTHOR, /* nobody */
                    RAC_AUDIENCE_ENVIRONMENT, /* everyone with a role in its resource group */
                    RAC_AUDIENCE_PUBLISHED,   /* certified: every tenant of the installation
                                                 (published_revision) */
};
rac_str rac_audience_name(enum rac_audience v); /* "author" */
bool rac_audience_parse(rac_str name, enum rac_audience *out);

enum rac_level { RAC_LEVEL_NONE, RAC_LEVEL_VIEW, RAC_LEVEL_EDIT, RAC_LEVEL_OWN }; /* §8.2 */
rac_str rac_level_name(enum rac_level v);                /* "none", "view", "edit", "own" */
bool rac_level_parse(rac_str name, enum rac_level *out); /* also "use": view */

struct rac_connector_row {
    rac_str id, group, owner; /* group, owner: ids */
    rac_str display_name, description;
    enum rac_audience audience;
    rac_str state;              /* §9.3: "draft" unless certification moved it */
    int64_t revision;           /* newest; 1, 2, ... */
    int64_t published_revision; /* 0: none */
    int64_t version;            /* for the ETag */
    int64_t operations_n, triggers_n;
    rac_str
        meta; /* JSON object of the caller's making for listings: host, colour, ...; or absent */
    rac_ms created_ms, changed_ms, deleted_ms; /* deleted_ms 0: it is there */
    rac_str created_by, changed_by;
};

/* Files of a revision. All are kept byte for byte, content-addressed. */
enum rac_file_kind {
    RAC_FILE_DEFINITION, /* apiDefinition.swagger.json as registered */
    RAC_FILE_PROPERTIES,
    RAC_FILE_ICON,
    RAC_FILE_SCRIPT,
    RAC_FILE_README,
    RAC_FILE_SETTINGS,
    RAC_FILE_ORIGINAL, /* what the user handed in, before repair and conversion: for audit */
    RAC_FILE_OTHER,    /* any number of them, told apart by name */
    RAC_FILE_KINDS,
};
struct rac_file {
    enum rac_file_kind kind;
    rac_str name;   /* file name in the package */
    rac_str bytes;  /* requests: contents, absent removes the file; reads: absent, ask file_get */
    rac_str digest; /* reads: SHA-256, 64 hex digits. Ignored in requests */
    int64_t bytes_n;
};
struct rac_revision_row {
    int64_t revision;
    int64_t operations_n, triggers_n;
    rac_str created_by, note;
    rac_ms created_ms;
    struct rac_file *files;
    size_t files_n;
};

/* A page of connectors in the order of id. */
struct rac_connector_query {
    rac_str group;        /* absent: all groups */
    rac_str search;       /* absent: all; else a part of display name or id, ASCII case ignored */
    rac_str visible_to;   /* a user id: only what that user may see; absent: all */
    const rac_str *teams; /* ids of teams of that user */
    size_t teams_n;
    const rac_str *groups; /* groups in which that user has a role: their ENVIRONMENT ones */
    size_t groups_n;
    bool all_groups;       /* that user has a role for the whole tenant */
    const rac_str *all_of; /* groups of which that user sees everything (administrators) */
    size_t all_of_n;
    rac_str after; /* last id of the page before; absent: from the start */
    size_t n_max;  /* page size; 0: 250 */
    bool deleted;  /* the recoverable ones instead */
};

struct rac_connector_save {
    bool create; /* id must be new (RAC_E_EXISTS), else must be there (RAC_E_NOT_FOUND) */
    rac_str id, group, owner; /* group: create only. owner: create, or a transfer; absent keep */
    rac_str display_name, description, state, meta; /* absent: as it is */
    enum rac_audience audience;
    int64_t published_revision; /* 0: as it is */
    int64_t if_version;
    const struct rac_file *files; /* the files that change; none: no new revision */
    size_t files_n;
    bool files_all; /* these are all: other files of the revision before are dropped */
    int64_t operations_n,
        triggers_n; /* of the new revision, -1: as before; ignored without files */
    /* The way connections sign in changed: every connection becomes Error, AuthenticationChanged.
     */
    bool authentication_changed;
    struct rac_actor actor;
};
struct rac_connector_delete {
    rac_str id;
    int64_t if_version;
    int64_t confirm; /* connections the caller knows of; -1: not said, right only when there are
                        none, and no workflow that calls it either */
    struct rac_actor actor;
};

/* --- sharing -------------------------------------------------------------------------------- */

enum rac_shared_kind { RAC_SHARED_CONNECTOR, RAC_SHARED_CONNECTION };
struct rac_share_row {
    enum rac_shared_kind kind;
    rac_str resource; /* connector or connection id */
    rac_str grantee;  /* user or team id */
    enum rac_level level;
    rac_str created_by;
    rac_ms created_ms;
};
struct rac_share_save {
    enum rac_shared_kind kind;
    rac_str resource, grantee;
    enum rac_level level; /* VIEW or EDIT; NONE revokes (connections of a user who loses a
                             connector become Error, ConnectorAccessRevoked) */
    struct rac_actor actor;
};

/* --- connections (§4.11) ---------------------------------------------------------------------- */

enum rac_connection_status {
    RAC_CONNECTION_CONNECTED,
    RAC_CONNECTION_ERROR,
    RAC_CONNECTION_UNAUTHENTICATED,
};
rac_str rac_connection_status_name(enum rac_connection_status v); /* "Connected" */

/* Code of a connection whose owner can no longer see its connector: nothing is called with it. */
#define RAC_CONNECTION_REVOKED RAC_S("ConnectorAccessRevoked")

struct rac_status {
    enum rac_connection_status status;
    rac_str target;        /* parameter it is about; absent: the connection */
    rac_str code, message; /* why, and what to do; absent when Connected */
};

struct rac_connection_row {
    rac_str id, connector, group, owner;
    rac_str display_name;
    rac_str set;    /* name of the parameter set; absent: none */
    rac_str values; /* JSON object of the values that are not secret; "{}" at least */
    bool has_secrets;
    bool shareable; /* allowSharing of its set (§4.9) */
    struct rac_status status;
    int64_t version;
    rac_ms created_ms, changed_ms, tested_ms; /* tested_ms 0: never */
    rac_str created_by, changed_by;
};
struct rac_connection_query {
    rac_str group, connector; /* absent: any */
    rac_str visible_to;       /* a user id: own and shared; absent: all */
    const rac_str *teams;
    size_t teams_n;
    const rac_str *all_of; /* groups of which that user sees everything */
    size_t all_of_n;
    rac_str after;
    size_t n_max; /* 0: 250 */
};
struct rac_connection_save {
    bool create;
    rac_str id, connector, group, owner; /* connector, group: create only */
    rac_str display_name;                /* absent: as it is */
    rac_str set;                         /* absent: as it is; "" none */
    rac_str values;                      /* JSON object; absent: as they are */
    rac_str secrets;                     /* secret: JSON object; absent: as they are; "" removes */
    int shareable;                       /* 1, 0, or -1: as it is (new: 1) */
    const struct rac_status *status;     /* NULL: as it is (new: Unauthenticated without code) */
    bool forget_tokens;                  /* drops the OAuth tokens as well */
    int64_t if_version;
    struct rac_actor actor;
};
/*
 * Status alone. What was found out about values or tokens that have been replaced since is no
 * longer true: if_version and if_generation say which ones it was, else RAC_E_CONFLICT.
 */
struct rac_connection_mark {
    rac_str id;
    struct rac_status status;
    bool tested;           /* it is the result of a test */
    int64_t if_version;    /* of the connection; 0: whatever */
    int64_t if_generation; /* of the tokens of status.target; 0: whatever; -1: there are none */
    struct rac_actor actor;
};
struct rac_connection_delete {
    rac_str id;
    int64_t if_version;
    struct rac_actor actor;
};

/* --- OAuth tokens and consents (§4.7) --------------------------------------------------------- */

/*
 * Tokens of one OAuth parameter of a connection. generation grows with every oauth_save and when
 * tokens are forgotten; as long as the connection is there, none comes twice.
 * Refreshing: oauth_intent (durable) -> request -> oauth_save with if_generation. An intent that is
 * still there at start belongs to a refresh whose answer was lost: oauth_intents lists them, and
 * the owner tries again with the refresh token at hand. A save with an actor's user is a sign-in: it
 * counts the connection's version as well, whatever its status was.
 */
struct rac_oauth_row {
    rac_str connection, parameter;
    rac_str access, refresh, id_token; /* secret; absent: none */
    rac_str type, scope;               /* token_type as received; absent: none */
    rac_str extra;                     /* secret: JSON of further answer members; or absent */
    rac_ms obtained_ms, expires_ms;    /* expires_ms 0: unknown */
    int64_t generation;                /* from 1 on */
    rac_ms intent_ms;                  /* a refresh was begun then; 0: none under way */
};
struct rac_oauth_save {
    struct rac_oauth_row tokens;     /* generation, intent_ms ignored; absent refresh is none: the
                                        caller hands the old one when the answer had none */
    int64_t if_generation;           /* 0: whatever; -1: there must be none yet */
    const struct rac_status *status; /* of the connection from now on; NULL: as it is */
    struct rac_actor actor;
};
struct rac_oauth_intent {
    rac_str connection, parameter;
    int64_t if_generation; /* RAC_E_CONFLICT: somebody else was faster, read again */
    bool clear;            /* the refresh ended without new tokens: takes the intent away */
    struct rac_actor actor;
};
struct rac_oauth_pending {
    rac_str tenant, connection, parameter;
    int64_t generation;
    rac_ms intent_ms;
};

/* A consent under way. Kept under the digest of its state, where it replaces what is there; taken
 * once. */
struct rac_consent {
    rac_str state; /* secret, 22 or more characters; not part of what consent_take gives back */
    rac_str tenant, user, connection, parameter;
    rac_str redirect_url; /* sent to the provider; needed again in the exchange */
    rac_str return_url;   /* where the browser goes afterwards; absent: none */
    rac_str verifier;     /* secret: PKCE; absent: none */
    rac_str detail;       /* secret: JSON of the caller's making; absent: none */
    rac_ms expires_ms;
};
/* row NULL unless RAC_OK; RAC_E_NOT_FOUND: unknown, used or expired. Valid until done returns. */
typedef void (*rac_consent_fn)(void *arg, rac_err err, const struct rac_consent *row);

/* --- the port --------------------------------------------------------------------------------- */

/* Counters that move with every committed change of a kind: load one before reading, keep what was
 * read while it stands still. Cheap (one atomic load). */
enum rac_store_counter { RAC_STORE_CONNECTORS, RAC_STORE_CONNECTIONS, RAC_STORE_TOKENS };

struct rac_connector_store {
    void *self;
    uint64_t (*counter)(void *self, enum rac_store_counter which);

    /* connectors */
    rac_err (*connector_get)(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                             struct rac_connector_row *out) RAC_MUST_CHECK;
    rac_err (*connector_list)(void *self, rac_str tenant, const struct rac_connector_query *q,
                              struct rac_arena *a, struct rac_connector_row **v, size_t *n,
                              bool *more) RAC_MUST_CHECK;
    rac_err (*connector_impact)(void *self, rac_str tenant, rac_str id,
                                struct rac_impact *out) RAC_MUST_CHECK;
    /* revision 0: the newest. Newest first in the list, at most n_max. */
    rac_err (*revision_get)(void *self, rac_str tenant, rac_str id, int64_t revision,
                            struct rac_arena *a, struct rac_revision_row *out) RAC_MUST_CHECK;
    rac_err (*revision_list)(void *self, rac_str tenant, rac_str id, int64_t before, size_t n_max,
                             struct rac_arena *a, struct rac_revision_row **v,
                             size_t *n) RAC_MUST_CHECK; /* rows without files; before 0: all */
    /* Bytes of a file; name is only looked at for RAC_FILE_OTHER. */
    rac_err (*file_get)(void *self, rac_str tenant, rac_str id, int64_t revision,
                        enum rac_file_kind kind, rac_str name, struct rac_arena *a,
                        struct rac_file *out) RAC_MUST_CHECK;
    void (*connector_save)(void *self, rac_str tenant, const struct rac_connector_save *r,
                           rac_commit_fn done, void *arg);
    /* Recoverable for 30 days without its secrets; its connections go for good. */
    void (*connector_delete)(void *self, rac_str tenant, const struct rac_connector_delete *r,
                             rac_commit_fn done, void *arg);
    void (*connector_restore)(void *self, rac_str tenant, rac_str id, const struct rac_actor *actor,
                              rac_commit_fn done, void *arg);

    /* secrets of a connector: OAuth client secrets, client certificates; name as the caller likes,
     * e.g. "token.clientSecret", "set/token.clientSecret". secret value absent removes it. */
    rac_err (*secret_get)(void *self, rac_str tenant, rac_str connector, rac_str name,
                          struct rac_arena *a, rac_str *secret) RAC_MUST_CHECK;
    rac_err (*secret_names)(void *self, rac_str tenant, rac_str connector, struct rac_arena *a,
                            rac_str **v, size_t *n) RAC_MUST_CHECK;
    void (*secret_save)(void *self, rac_str tenant, rac_str connector, rac_str name, rac_str secret,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg);

    /* sharing */
    rac_err (*share_list)(void *self, rac_str tenant, enum rac_shared_kind kind, rac_str resource,
                          struct rac_arena *a, struct rac_share_row **v, size_t *n) RAC_MUST_CHECK;
    /* Highest level given to any of the grantees (a user and its teams). */
    rac_err (*share_level)(void *self, rac_str tenant, enum rac_shared_kind kind, rac_str resource,
                           const rac_str *grantees, size_t n, enum rac_level *out) RAC_MUST_CHECK;
    void (*share_save)(void *self, rac_str tenant, const struct rac_share_save *r,
                       rac_commit_fn done, void *arg);

    /* connections */
    rac_err (*connection_get)(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                              struct rac_connection_row *out) RAC_MUST_CHECK;
    rac_err (*connection_secrets)(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                                  rac_str *json) RAC_MUST_CHECK; /* "{}" when there are none */
    rac_err (*connection_list)(void *self, rac_str tenant, const struct rac_connection_query *q,
                               struct rac_arena *a, struct rac_connection_row **v, size_t *n,
                               bool *more) RAC_MUST_CHECK;
    void (*connection_save)(void *self, rac_str tenant, const struct rac_connection_save *r,
                            rac_commit_fn done, void *arg);
    void (*connection_mark)(void *self, rac_str tenant, const struct rac_connection_mark *r,
                            rac_commit_fn done, void *arg);
    void (*connection_delete)(void *self, rac_str tenant, const struct rac_connection_delete *r,
                              rac_commit_fn done, void *arg);

    /* OAuth */
    rac_err (*oauth_list)(void *self, rac_str tenant, rac_str connection, struct rac_arena *a,
                          struct rac_oauth_row **v, size_t *n) RAC_MUST_CHECK;
    rac_err (*oauth_get)(void *self, rac_str tenant, rac_str connection, rac_str parameter,
                         struct rac_arena *a, struct rac_oauth_row *out) RAC_MUST_CHECK;
    /* Refreshes whose answer was lost, of all tenants: asked once, at start. */
    rac_err (*oauth_intents)(void *self, struct rac_arena *a, struct rac_oauth_pending **v,
                             size_t *n) RAC_MUST_CHECK;
    void (*oauth_intent)(void *self, rac_str tenant, const struct rac_oauth_intent *r,
                         rac_commit_fn done, void *arg);
    /* done: version is the new generation. */
    void (*oauth_save)(void *self, rac_str tenant, const struct rac_oauth_save *r,
                       rac_commit_fn done, void *arg);
    void (*consent_begin)(void *self, const struct rac_consent *c, const struct rac_actor *actor,
                          rac_commit_fn done, void *arg);
    void (*consent_take)(void *self, rac_str state, const struct rac_actor *actor,
                         rac_consent_fn done, void *arg);
};

#endif
