/*
 * signature - URLs that carry their own permission (spec workflows §5.2): made, read, accepted.
 *
 * A signed URL names one resource of a workflow (struct rac_callback), the permission for it (sp),
 * perhaps an expiry (se), and an HMAC over workflow, permission and expiry under one of the two
 * keys of the workflow. Contents of an integration account are named and signed the same way, with
 * the account's id and keys in place of the workflow's. Exchanging a key ends every URL signed with it. Pure; any thread. Keys are
 * borrowed bytes that the caller wipes.
 *
 *     rac_str url = rac_callback_url(&place, &(struct rac_callback){
 *         .form = RAC_CALLBACK_ACTION, .workflow_id = id, .run = run, .action = name}, a);
 *
 *     struct rac_callback c;
 *     if (rac_callback_parse(path, a, &c)) {
 *         c.workflow_id = the id of the workflow named c.workflow, where it is absent;
 *         switch (rac_sas_accept(&keys, &c, query, authorization, now_ms, a, &fault)) ...
 */
#ifndef RAC_WORKFLOW_SIGNATURE_H
#define RAC_WORKFLOW_SIGNATURE_H

#include "base/arena.h"
#include "json/json.h"
#include "workflow/definition/fault.h"

enum rac_callback_form {
#define FORM(id, path, permission) RAC_CALLBACK_##id,
#include "workflow/definition/callbacks.def"
#undef FORM
    RAC_CALLBACK_FORMS,
    RAC_CALLBACK_ACCOUNTS = RAC_CALLBACK_MAP_CONTENT /* the first that an account owns */
};

/* What a URL is for. Names are not encoded. Which members count is said by the form. */
struct rac_callback {
    enum rac_callback_form form;
    rac_str workflow_id; /* 32 hex digits; absent after parsing a Standard trigger's URL; of an
                          * account its id, a GUID */
    rac_str workflow;    /* its name: Standard trigger URLs only */
    rac_str trigger, version, run, action, repetition, operation, history, request;
    rac_str artifact; /* name of a map or schema */
    rac_str content;  /* "ActionInputs", "TriggerOutputs", ... */
    rac_str relative; /* behind the URL of a trigger, as in the URL: "customers/7"; or absent */
};

/* The permission: "/triggers/manual/run". In a. */
rac_str rac_callback_scope(const struct rac_callback *c, struct rac_arena *a);

/* Where the URLs of a workflow begin, and with what they are signed. */
struct rac_callback_place {
    rac_str public_url; /* "https://raccord.example", no slash at the end */
    bool standard;      /* the forms of the Standard host */
    rac_str code;       /* Standard host key to add, or absent */
    rac_str key;        /* 32 bytes: primary or secondary */
    rac_ms expires_ms;  /* 0: never */
};

/* The whole signed URL. relative may be a template: "customers/{id}" stays as it is. In a. */
rac_str rac_callback_url(const struct rac_callback_place *p, const struct rac_callback *c,
                         struct rac_arena *a);
/* The CallbackUrl object of §7.4; method absent: any. relative is the trigger's template. In a. */
struct rac_json rac_callback_json(const struct rac_callback_place *p, const struct rac_callback *c,
                                  rac_str method, struct rac_arena *a);
/* Content links live until the next full hour and three hours more. */
rac_ms rac_callback_content_expiry(rac_ms now_ms);

/* Reads the path of a URL of either host (without query; a doubled first slash is one; keywords in
 * any letter case). False: it is none of these. Names decoded, in a. */
bool rac_callback_parse(rac_str path, struct rac_arena *a, struct rac_callback *out);

/* 43 characters of base64url; se absent: never expires. */
enum { RAC_SAS_TEXT = 44 };
void rac_sas_sign(rac_str key, rac_str workflow_id, rac_str sp, rac_str se, char sig[RAC_SAS_TEXT]);

struct rac_sas_keys {
    rac_str primary, secondary; /* secondary may be absent */
};
enum rac_sas_verdict {
    RAC_SAS_ACCEPTED,
    RAC_SAS_TOKEN,   /* no signature but a bearer token: workflow/definition/access decides */
    RAC_SAS_REFUSED, /* fault says how */
};
/*
 * query: as received; authorization: that header, or absent. Times do not tell which key or which
 * byte differs. c->workflow_id must be known.
 */
enum rac_sas_verdict rac_sas_accept(const struct rac_sas_keys *keys, const struct rac_callback *c,
                                    rac_str query, rac_str authorization, rac_ms now_ms,
                                    struct rac_arena *a, struct rac_wf_fault *fault);

#endif
