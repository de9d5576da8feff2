#include "api/account_door.h"

#include "api/service.h"
#include "base/secret.h"
#include "workflow/definition/signature.h"

static void not_there(struct rac_http_exchange *x)
{
    rac_api_reply_error(
        x, 404, RAC_S("NotFound"),
        RAC_S("There is no such content of an integration account; it may have been "
              "deleted."));
}

/* Answers when not. */
static bool signed_by(struct rac_api_worker *w, struct rac_http_exchange *x,
                      const struct rac_callback *c, const struct rac_account_row *account)
{
    struct rac_sas_keys keys = {.primary = account->key1, .secondary = account->key2};
    struct rac_wf_fault fault;
    enum rac_sas_verdict verdict =
        rac_sas_accept(&keys, c, x->query, rac_http_header(x, "Authorization"),
                       rac_env_wall_ms(w->env), x->arena, &fault);
    if (verdict == RAC_SAS_ACCEPTED)
        return true;
    if (verdict == RAC_SAS_TOKEN)
        rac_api_reply_error(x, 401, RAC_S("DirectApiAuthorizationRequired"),
                            RAC_S("The request must be authenticated only by Shared Access scheme; "
                                  "with a token, the content is below /api/v1."));
    else
        rac_api_reply_error(x, fault.status, rac_str_of(fault.code), fault.message);
    return false;
}

static void send_content(struct rac_api_worker *w, struct rac_http_exchange *x,
                         const struct rac_callback *c, const struct rac_account_row *account)
{
    enum rac_artifact_kind kind =
        c->form == RAC_CALLBACK_MAP_CONTENT ? RAC_ARTIFACT_MAP : RAC_ARTIFACT_SCHEMA;
    struct rac_artifact_row r;
    struct rac_headers h = {0};
    rac_err e = w->as->artifact_get(w->as->self, account->tenant, account->id, kind, c->artifact,
                                    x->arena, &r);
    if (e != RAC_OK || !rac_str_eqi(c->content, RAC_S("Content"))) {
        not_there(x);
        return;
    }
    rac_headers_add(&h, x->arena, RAC_S("Content-Type"), r.content_type);
    rac_headers_add(&h, x->arena, RAC_S("Cache-Control"), RAC_S("no-store"));
    rac_api_tame(&h, x->arena);
    rac_http_reply(x, 200, &h, r.bytes);
}

void rac_account_door_handle(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    struct rac_callback c;
    struct rac_account_row account;
    if (!rac_str_eq(x->method, RAC_S("GET")) && !rac_str_eq(x->method, RAC_S("HEAD"))) {
        rac_api_reply_method(x, RAC_S("GET"));
        return;
    }
    if (!rac_callback_parse(x->path, x->arena, &c) || c.form < RAC_CALLBACK_ACCOUNTS ||
        w->as->account_any(w->as->self, c.workflow_id, x->arena, &account) != RAC_OK) {
        not_there(x);
        return;
    }
    rac_secret_wipe_with(x->arena, account.key1);
    rac_secret_wipe_with(x->arena, account.key2);
    if (signed_by(w, x, &c, &account))
        send_content(w, x, &c, &account);
}
