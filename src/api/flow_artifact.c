#include "api/flow_artifact.h"

#include "api/ask.h"
#include "api/flow_target.h"
#include "api/service.h"

enum { ARENA_MAX = 64 << 20 };

/* The account of ".../resourceGroups/G/.../integrationAccounts/NAME", of an id, of a name. */
static rac_err find_account(struct rac_api_worker *w, const struct rac_flow *flow,
                            struct rac_arena *a, struct rac_account_row *out)
{
    const struct rac_artifact_store *as = w->as;
    rac_str id = flow->account.n > 0 ? flow->account : RAC_S("default"), group = flow->group, rest;
    size_t slash = rac_str_rfind_char(id, '/'), at = rac_str_findi(id, RAC_S("/resourceGroups/"));
    rac_str name = slash == RAC_STR_NPOS ? id : rac_str_from(id, slash + 1);
    if (at != RAC_STR_NPOS) {
        struct rac_group_row g;
        rac_str said = rac_str_cut(rac_str_from(id, at + 16), '/', &rest);
        rac_err e = w->is->group_get(w->is->self, flow->tenant, said, a, &g);
        if (e != RAC_OK)
            return e;
        group = g.id;
    }
    rac_err e = as->account_find(as->self, flow->tenant, group, name, a, out);
    return e == RAC_E_NOT_FOUND
               ? as->account_get(as->self, flow->tenant, rac_str_lower(a, name), a, out)
               : e;
}

/* "Order" finds Order.xsd, and "Order.xsd" finds Order. */
static rac_err find_artifact(struct rac_api_worker *w, const struct rac_flow *flow,
                             const struct rac_account_row *x, enum rac_artifact_kind kind,
                             rac_str name, struct rac_arena *a, struct rac_artifact_row *out)
{
    static const char *const ends[] = {"", ".xslt", ".xsl", ".xsd", ".xml", ".liquid"};
    const struct rac_artifact_store *as = w->as;
    size_t dot = rac_str_rfind_char(name, '.');
    rac_str stem = dot == RAC_STR_NPOS || dot == 0 ? name : rac_str_sub(name, 0, dot);
    rac_err e = as->artifact_get(as->self, flow->tenant, x->id, kind, name, a, out);
    for (size_t i = 0; kind != RAC_ARTIFACT_BATCH && i < RAC_COUNT(ends) && e == RAC_E_NOT_FOUND;
         i++)
        e = as->artifact_get(as->self, flow->tenant, x->id, kind,
                             rac_str_concat(a, stem, rac_str_of(ends[i])), a, out);
    return e;
}

/* The account, if who saved this version may read it. */
static rac_err open_account(struct rac_api_worker *w, const struct rac_flow *flow,
                            struct rac_arena *a, struct rac_account_row *x, rac_str *why)
{
    struct rac_principal who;
    rac_err e = rac_flow_author_principal(w, flow, a, &who);
    if (e != RAC_OK) {
        *why = RAC_S("who saved this version of the workflow is gone or disabled, and it acts with "
                     "their rights.");
        return e;
    }
    e = find_account(w, flow, a, x);
    struct rac_resource thing = {.tenant = flow->tenant, .group = x->group, .owner = x->owner};
    if (e == RAC_OK && !rac_iam_may(&who, RAC_MAY_ARTIFACT_READ, &thing))
        e = RAC_E_NOT_FOUND;
    if (e == RAC_E_NOT_FOUND)
        *why = rac_arena_printf(
            a, "there is no integration account '%.*s' that who saved the workflow could read.",
            RAC_FMT(flow->account.n > 0 ? flow->account : RAC_S("default")));
    return e;
}

static rac_err find(struct rac_api_worker *w, const struct rac_flow *flow,
                    enum rac_artifact_kind kind, rac_str name, struct rac_arena *a,
                    struct rac_artifact_row *out, rac_str *why)
{
    struct rac_account_row x;
    rac_err e = open_account(w, flow, a, &x, why);
    if (e != RAC_OK)
        return e;
    e = find_artifact(w, flow, &x, kind, name, a, out);
    if (e == RAC_E_NOT_FOUND)
        *why = rac_arena_printf(a, "it is not in the integration account '%.*s'.", RAC_FMT(x.name));
    return e;
}

void rac_flow_artifact_find(void *self, const struct rac_flow *flow, enum rac_artifact_kind kind,
                            rac_str name,
                            void (*done)(void *arg, rac_err err, rac_str why,
                                         const struct rac_artifact_content *c),
                            void *arg)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    struct rac_artifact_row r;
    struct rac_artifact_content c = {0};
    struct rac_arena a;
    rac_str why = RAC_STR_NULL;
    rac_arena_init(&a, ARENA_MAX);
    rac_err e = find(w, flow, kind, name, &a, &r, &why);
    if (e == RAC_OK) {
        struct rac_json p;
        if (rac_json_parse(r.properties, &a, 0, &p, NULL) != RAC_OK)
            p = rac_json_new_object(&a);
        c = (struct rac_artifact_content){.name = r.name,
                                          .content_type = r.content_type,
                                          .bytes = r.bytes,
                                          .properties = rac_json_new_object(&a)};
        rac_str type = kind == RAC_ARTIFACT_MAP ? RAC_S("mapType") : RAC_S("schemaType");
        c.type = rac_json_str(rac_json_get(&p, type), RAC_STR_NULL);
        RAC_JSON_PUT_STR(&a, &c.properties, "name", r.name);
        RAC_JSON_EACH_MEMBER(m, &p)
        rac_json_put(&a, &c.properties, rac_json_key(m), m->value);
        rac_json_put_time(&a, &c.properties, RAC_S("createdTime"), r.created_ms);
        rac_json_put_time(&a, &c.properties, RAC_S("changedTime"), r.changed_ms);
    }
    done(arg, e, why, e == RAC_OK ? &c : NULL);
    rac_arena_fini(&a);
}

/* --- batches ---------------------------------------------------------------------------------- */

static rac_err list(struct rac_api_worker *w, const struct rac_flow *flow, struct rac_arena *a,
                    struct rac_json *out, rac_str *why)
{
    const struct rac_artifact_store *as = w->as;
    struct rac_account_row x;
    struct rac_artifact_row *rows;
    rac_str after = RAC_STR_NULL;
    size_t n;
    bool more;
    rac_err e = open_account(w, flow, a, &x, why);
    for (more = true; e == RAC_OK && more;) {
        e = as->artifact_list(as->self, flow->tenant, x.id, RAC_ARTIFACT_BATCH, after, 250, a,
                              &rows, &n, &more);
        for (size_t i = 0; e == RAC_OK && i < n; i++) {
            struct rac_json p;
            after = rows[i].name;
            if (rac_json_parse(rows[i].properties, a, 0, &p, NULL) != RAC_OK ||
                !rac_json_is_object(&p))
                continue;
            RAC_JSON_PUT_STR(a, &p, "name", rows[i].name);
            rac_json_add(a, out, p);
        }
    }
    return e;
}

void rac_flow_artifact_batches(struct rac_api_worker *w, const struct rac_flow *flow,
                               void (*done)(void *arg, rac_err err, rac_str why,
                                            const struct rac_json *artifacts),
                               void *arg)
{
    struct rac_arena a;
    rac_str why = RAC_STR_NULL;
    rac_arena_init(&a, ARENA_MAX);
    struct rac_json all = rac_json_new_array(&a);
    rac_err e = list(w, flow, &a, &all, &why);
    done(arg, e, why, &all);
    rac_arena_fini(&a);
}
