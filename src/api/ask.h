/*
 * ask - one operation of the native API being carried out: who asks, with what, and the answer.
 *
 * Knows nothing of HTTP: a surface (surface.h) fills one in from a request and turns the answer
 * back into one. The functions of ops/ get it, and complete it exactly once, now
 * or later on the same thread, with rac_ask_answer, rac_ask_answer_bytes, rac_ask_done or
 * rac_ask_fail. Everything it points to lives in its arena. Belongs to one worker's thread.
 *
 * The client may leave before the answer: the ask is then told (gone), its work goes on to its
 * end, and the answer is dropped. So an arena never ends under an operation in progress.
 */
#ifndef RAC_API_ASK_H
#define RAC_API_ASK_H

#include "api/router.h"
#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/fetch.h"
#include "iam/iam.h"
#include "json/json.h"

struct rac_api_worker; /* service.h */
struct rac_ask;

/* --- the table ------------------------------------------------------------------------------ */

enum rac_ask_flags {
    OP_LIST = 1,      /* pages: $top, $skiptoken */
    OP_GROUP = 2,     /* ?group= */
    OP_MATCH = 4,     /* If-Match */
    OP_CONFIRM = 8,   /* ?confirm= */
    OP_RAW = 16,      /* the operation reads the body itself */
    OP_BYTES = 32,    /* answers bytes */
    OP_KEPT = 64,     /* the answer depends on stored rows and the caller alone (kept.h) */
    OP_PAYLOAD = 128, /* the body is data for a service or a run: as large as http.body_bytes_max */
    OP_SEARCH = 256,  /* ?search= */
    OP_DELETED = 512, /* ?deleted= */
    OP_REVISION = 1024,     /* ?revision= */
    OP_CREATES = 2048,      /* 201 when it made what it names */
    OP_MAY_BE_EMPTY = 4096, /* the body may be left out */
    OP_PENDING = 8192,      /* 202 while what is asked for goes on */
    OP_KIND = 16384,        /* ?kind= and ?target= */
};

enum { /* beside enum rac_action */
       RAC_MAY_SIGNED_IN = RAC_ACTIONS_N,
       RAC_MAY_ANYONE,
};

struct rac_ask_row {
    const char *id, *method, *path;
    unsigned action; /* enum rac_action, RAC_MAY_SIGNED_IN or RAC_MAY_ANYONE */
    void (*fn)(struct rac_ask *q);
    const char *request, *response; /* definitions of schemas.json; "NONE" */
    int status;
    unsigned flags;
    const char *tag, *summary;
};

enum rac_ask_id {
#define OP(id, method, path, perm, fn, req, res, status, flags, tag, summary) RAC_ASK_##id,
#include "api/operations.def"
#undef OP
    RAC_ASKS_N
};
extern const struct rac_ask_row rac_ask_table[RAC_ASKS_N];
rac_str rac_ask_action_name(unsigned action); /* "connector.read", "signed-in", "anyone" */

#define OP(id, method, path, perm, fn, req, res, status, flags, tag, summary)                      \
    void rac_ops_##fn(struct rac_ask *q);
#include "api/operations.def"
#undef OP

/* --- errors --------------------------------------------------------------------------------- */

enum rac_fault {
#define FAULT(id, code, http) RAC_FAULT_##id,
#include "api/faults.def"
#undef FAULT
};

/* --- one ask -------------------------------------------------------------------------------- */

enum { RAC_ASK_MAGIC = 0x52434b31, RAC_ASK_ARGS_MAX = RAC_ROUTER_ARGS_MAX, RAC_PAGE_MAX = 250 };

struct rac_surface_route; /* surface.h */

/* How things are named in answers: by a plain id, or by the path a client would ask for. */
enum rac_ids { RAC_IDS_NATIVE, RAC_IDS_ARM, RAC_IDS_STANDARD };

struct rac_ask_query {
    rac_str name, value; /* decoded */
    bool inside;         /* put there by an adapter: not repeated in nextLink */
};

struct rac_ask {
    uint32_t magic;
    const struct rac_ask_row *row;
    const struct rac_surface_route *route; /* by which it came */
    struct rac_api_worker *w;
    struct rac_arena *a;
    const struct rac_principal *who; /* a copy in a; NULL only for RAC_MAY_ANYONE */
    rac_str args[RAC_ASK_ARGS_MAX];  /* path parameters, decoded, in the order of the template */
    struct rac_ask_query *query;
    size_t query_n;
    rac_str if_match;     /* absent: no precondition */
    rac_str content_type; /* of body; absent: none given */
    rac_str body;
    struct rac_json json; /* parsed and validated body; NONE without one, or OP_RAW */
    rac_str request_id;   /* for the error envelope and the log */
    rac_str base_url;     /* "http://127.0.0.1:8080", no slash at the end */
    rac_str url_path;     /* of the request, for nextLink */
    bool gone;            /* nobody waits for the answer any more */
    enum rac_ids ids;
    rac_str ids_base; /* ARM: "/subscriptions/S" */

    /* the answer */
    int status; /* 0 until answered: that of the row; an operation may set another before */
    struct rac_headers headers;            /* beside those of the fields below; rac_ask_header */
    struct rac_json out;                   /* NONE: bytes, or nothing */
    rac_str out_bytes, out_type, out_name; /* bytes: content type, file name */
    rac_str etag, location;
    rac_str error_code; /* present: the answer is an error */
    rac_str error_message;
    int64_t retry_after_s;
    struct rac_json details;  /* array, or NONE */
    struct rac_json envelope; /* a whole error envelope instead, or NONE */
    bool finished;
    void (*done)(void *arg, struct rac_ask *q);
    void *arg;

    void *state; /* the operation's own, between its steps */
};

rac_str rac_ask_query(const struct rac_ask *q, rac_str name); /* absent: not given */

/* Adds a parameter as an adapter does, in front of those that came. */
void rac_ask_put_query(struct rac_ask *q, rac_str name, rac_str value);

/* One of these, once. */
void rac_ask_answer(struct rac_ask *q, struct rac_json v);
void rac_ask_answer_bytes(struct rac_ask *q, rac_str bytes, rac_str type, rac_str name);
void rac_ask_done(struct rac_ask *q); /* no content */
void rac_ask_fail(struct rac_ask *q, enum rac_fault f, const char *fmt, ...) RAC_PRINTF(3, 4);
/* With a code that is none of faults.def: the caller's own, static or in q->a. */
void rac_ask_fail_code(struct rac_ask *q, int status, rac_str code, const char *fmt, ...)
    RAC_PRINTF(4, 5);
/* The same with findings as details. */
void rac_ask_fail_diags(struct rac_ask *q, enum rac_fault f, const struct rac_diags *d,
                        const char *fmt, ...) RAC_PRINTF(4, 5);
/* An error of another room: q->envelope is set, or code and message are words of its own. */
void rac_ask_fail_status(struct rac_ask *q, int status, rac_str message);
/* An error of a store read, or of a commit, in words. what: "connector", ... */
void rac_ask_fail_err(struct rac_ask *q, rac_err e, const char *what);
void rac_ask_fail_commit(struct rac_ask *q, const struct rac_commit *c, const char *what);

/* A header of the answer, before it is given. */
void rac_ask_header(struct rac_ask *q, rac_str name, rac_str value);

/* --- helpers of operations ------------------------------------------------------------------ */

struct rac_actor rac_ask_actor(const struct rac_ask *q);
/* Shaped like an id (GUID): no name may be, since paths take names and ids alike. */
bool rac_ask_is_id(rac_str s);
/* A name that people type and paths carry; what: "user". False: failed already. */
bool rac_ask_name(struct rac_ask *q, const char *what, rac_str name);
/* A query parameter that is true or false; absent: false. Returns false: failed already. */
bool rac_ask_flag(struct rac_ask *q, rac_str name, bool *out);
/* Page wanted: $top (1..250), and what $skiptoken carries. False: failed already. */
bool rac_ask_page(struct rac_ask *q, size_t *top, rac_str *after);
/* {"value": array, "nextLink"?}; after absent: the last page. */
void rac_ask_answer_page(struct rac_ask *q, struct rac_json array, rac_str after);
struct rac_json rac_ask_finding(struct rac_arena *a, const struct rac_diag *d);
struct rac_json rac_ask_findings(struct rac_arena *a, const struct rac_diags *d);
/* Puts a time as RFC 3339 unless it is 0. */
void rac_json_put_time(struct rac_arena *a, struct rac_json *o, rac_str key, rac_ms t);
void rac_json_put_str(struct rac_arena *a, struct rac_json *o, rac_str key,
                      rac_str s); /* unless absent */
/* RFC 3339 or an ISO 8601 duration from now; false: neither, or in the past. */
bool rac_ask_expiry(const struct rac_ask *q, rac_str text, rac_ms *out);

#endif
