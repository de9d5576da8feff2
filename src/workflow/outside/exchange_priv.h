/* exchange_priv - one action's conversation with somebody outside: what its parts share. */
#ifndef RAC_WORKFLOW_EXCHANGE_PRIV_H
#define RAC_WORKFLOW_EXCHANGE_PRIV_H

#include "connector/verdict.h"
#include "workflow/outside/async.h"
#include "workflow/engine/engine_priv.h"
#include "workflow/outside/pages.h"

/* What came back of one request. In the arena of the action under way. */
struct answer {
    bool transport;   /* no HTTP answer: code and message say why */
    const char *code; /* of a transport failure, or of one before sending */
    const char *error_code;
    rac_str message;
    bool refused; /* nothing was sent: the message is about what was to be */
    bool final;   /* whatever the retry policy says: it cannot get better */
    int status;
    struct rac_headers headers;
    struct rac_json outputs; /* {statusCode, headers, body?} */
    rac_str url;             /* as sent, for the record: without secrets of a connection */
    rac_str base;            /* what links of the answer are resolved against */
};

enum exchange_mode {
    EXCHANGE_FIRST, /* the request of the action itself */
    EXCHANGE_POLL,  /* GET of where a 202 or an Azure-AsyncOperation pointed (§4.7) */
    EXCHANGE_PAGE,  /* GET of a next page (§4.8) */
};

struct exchange {
    struct outside *o;
    enum exchange_mode mode;
    unsigned attempt; /* retries of the request at hand */
    uint32_t sends;   /* requests made before: numbers their ids */
    rac_ms next_ms;   /* the request at hand is made then; 0: at once */
    rac_ms sent_ms;
    bool counted;               /* among the engine's calls */
    struct rac_arena_mark base; /* of the action's arena, before anything of a request */
    struct rac_retry_policy policy;
    rac_str url;      /* of a poll or page */
    bool same_origin; /* credentials go along */
    struct rac_async async;
    struct rac_pages pages;
    char request_id[ID_TEXT];

    struct rac_json request_headers; /* as sent, without credentials: for the record */
    rac_str request_method;
    struct answer answer;

    rac_str remote; /* entry of managedApiConnections that is called by its URL (§6.2); or absent */
    struct http *http;       /* exchange_http.c */
    struct call *call;       /* exchange_call.c */
    const struct rac_op *op; /* of a connector action; valid while it is answered */
    rac_str next_link;       /* of that operation */
};

bool exchange_is_webhook(enum rac_wf_type type);

/* exchange_http.c: sends through the fetcher; answered() follows. */
void exchange_http_send(struct exchange *x);
/* True where the connector can be called through x->remote instead of one that is known here. */
bool exchange_http_remote(struct exchange *x);
/* The URL (without a slash at the end) and the authentication object of an entry of
 * managedApiConnections; false: it has none to be called by. */
bool exchange_remote(const struct exchange *x, rac_str reference, rac_str *url,
                     struct rac_json *key);
bool exchange_origin_differs(struct rac_arena *a, rac_str x, rac_str y);
void exchange_http_drop(struct exchange *x);
/* exchange_call.c: sends through a connector. */
void exchange_call_send(struct exchange *x);
void exchange_call_drop(struct exchange *x);
void exchange_call_unsubscribe(struct live *l, struct rac_wf_record *record);

/* exchange_farewell.c: sent and forgotten (§3.5). */
struct farewell;
void exchange_http_unsubscribe(struct live *l, struct rac_wf_record *record);
/* DELETE of a Location with the key of that connection, which goes to its own host only; NULL: the
 * connection has no URL. To be sent, or freed where it is not needed. */
struct farewell *exchange_farewell_remote(const struct exchange *x, rac_str reference,
                                          rac_str location);
void exchange_farewell_send(struct farewell *w);
void exchange_farewell_free(struct farewell *w);

void exchange_answered(struct exchange *x); /* x->answer is filled: judged in the next turn */
/* The request cannot be made at all. */
void exchange_refused(struct exchange *x, const char *code, const char *error_code,
                      rac_str message);
/* Headers of §4.13 that stand in none of those given. */
void exchange_tracking_headers(struct exchange *x, struct rac_headers *h);
int64_t exchange_timeout_ms(const struct exchange *x);

#endif
