/* doors_priv - one request over a signed URL, for the files of doors. */
#ifndef RAC_API_DOORS_PRIV_H
#define RAC_API_DOORS_PRIV_H

#include "api/doors.h"
#include "api/flows.h"
#include "api/runner.h"
#include "api/service.h"
#include "base/buf.h"
#include "workflow/definition/fault.h"
#include "workflow/definition/signature.h"

/* Freed when the exchange is closed and nothing is under way that will call back. */
struct rac_passage {
    struct rac_doors *doors;
    struct rac_api_worker *w;
    struct rac_http_exchange *x; /* NULL: closed */
    struct rac_callback to;
    struct rac_live_flow *live; /* a reference */
    const struct rac_live_trigger *trigger;
    unsigned tenant; /* place of its count in doors */
    bool admitted;   /* counted there */
    bool firing;     /* the engine has it: leave when the client does */
    void (*then)(struct rac_passage *p, rac_err err, rac_str body); /* of its body */
    void (*door)(struct rac_passage *p, rac_str body);              /* after it */
    unsigned held; /* answers that are still to come and cannot be cancelled */
    bool by_token; /* and not by a signature: checked once the workflow is at hand */
    bool fetched;  /* the keys of its issuer were asked for */
    bool has_body; /* read ahead, while the workflow was not at hand */
    rac_err body_err;
    rac_str body;
    bool body_waits; /* with the client, until it may be had: from source into gathered */
    struct rac_body_source source;
    struct rac_buf gathered;
    rac_str issuer;
    void *more; /* of the door, from rac_mem_alloc; freed with the passage */
};

/* Something was started that will call back whatever happens: the passage stays until released. */
void rac_passage_hold(struct rac_passage *p);
/* True: the client is still there; else the passage is gone. */
bool rac_passage_release(struct rac_passage *p);

/* The body, whole: now or later. Every door that wants it goes through here; one that cannot be
 * had is refused. */
void rac_passage_body(struct rac_passage *p, void (*door)(struct rac_passage *p, rac_str body));

/* {"error": {"code", "message"}}; retry_after_s 0: no such header. */
void rac_passage_refuse(struct rac_passage *p, int status, const char *code, rac_str message,
                        int64_t retry_after_s);
/* What somebody could not do for us: 503 for RAC_E_BUSY, else 500 with why, or that if it is empty. */
void rac_passage_unable(struct rac_passage *p, rac_err err, rac_str why, const char *otherwise);
void rac_passage_too_large(struct rac_passage *p); /* 413: says what may be sent */
void rac_passage_fault(struct rac_passage *p, const struct rac_wf_fault *f);

void rac_door_trigger(struct rac_passage *p);                         /* doors_trigger.c */
void rac_door_fired(void *arg, const struct rac_fire_answer *answer); /* arg: the passage */
void rac_door_action(struct rac_passage *p);    /* doors_run.c: webhook actions called back */
void rac_door_content(struct rac_passage *p);   /* content links */
void rac_door_operation(struct rac_passage *p); /* status of an asynchronous answer */

/* Replies with a Response's {statusCode, headers?, body?} (§3.3), or with a value of history.
 * h: headers that go before those of the response, which win by name. */
void rac_door_reply_response(struct rac_passage *p, struct rac_headers *h, int status,
                             const struct rac_json *response);

#endif
