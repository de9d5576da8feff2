#include "api/ops/access.h"
#include "api/ops/workflow_filter.h"
#include "api/ops/workflow_shape.h"
#include "api/runner.h"
#include "api/scheduling.h"
#include "api/service.h"
#include "base/secret.h"
#include "connector/store.h"

/* Workflows: listing, reading, switching on and off, moving, deleting; versions; keys. Saving is in
 * workflow_saving.c, triggers in workflow_triggers.c. */

void rac_ops_workflow_get(struct rac_ask *q)
{
    struct rac_flow_row row;
    if (!rac_access_workflow(q, RAC_MAY_WORKFLOW_READ, q->args[0], RAC_FLOW_WHOLE, &row))
        return;
    q->etag = rac_etag(q->a, row.version);
    rac_ask_answer(q, rac_shape_workflow(q, &row, true));
}

/* "name\nid" */
static rac_str cursor_make(struct rac_arena *a, const struct rac_flow_row *row)
{
    return rac_arena_printf(a, "%.*s\n%.*s", RAC_FMT(row->name), RAC_FMT(row->id));
}

/* The Standard host lists kind and triggers too, which the document has. */
static struct rac_json listed(struct rac_ask *q, const struct rac_flow_row *row)
{
    struct rac_flow_row whole;
    const struct rac_flow_store *fs = q->w->fs;
    if (q->ids == RAC_IDS_STANDARD &&
        fs->flow_get(fs->self, q->who->tenant, row->id, RAC_FLOW_WHOLE, q->a, &whole) == RAC_OK)
        return rac_shape_workflow(q, &whole, true);
    return rac_shape_workflow(q, row, false);
}

/* Does it have a trigger of that name? The document says so. */
static bool has_trigger(struct rac_ask *q, const struct rac_flow_row *row, rac_str trigger)
{
    struct rac_flow_row whole;
    struct rac_json doc;
    const struct rac_flow_store *fs = q->w->fs;
    if (trigger.n == 0)
        return true;
    if (fs->flow_get(fs->self, q->who->tenant, row->id, RAC_FLOW_WHOLE, q->a, &whole) != RAC_OK ||
        rac_json_parse(whole.document, q->a, 0, &doc, NULL) != RAC_OK)
        return false;
    const struct rac_json *definition = RAC_JSON_GET(&doc, "definition");
    return rac_json_geti(rac_json_geti(definition, RAC_S("triggers")), trigger) != NULL;
}

void rac_ops_workflow_list(struct rac_ask *q)
{
    struct rac_flow_query query = {0};
    struct rac_flow_filter f;
    struct rac_flow_row *rows;
    struct rac_group_row g;
    rac_str after, last = RAC_STR_NULL;
    size_t n;
    bool more;
    if (!rac_flow_filter_read(q, RAC_FILTER_STATE | RAC_FILTER_TRIGGER, &f) ||
        !rac_flow_page(q, RAC_PAGE_MAX, &query.n_max, &after))
        return;
    rac_str group = rac_ask_query(q, RAC_S("group"));
    if (group.n > 0 || q->who->only_group.n > 0) {
        if (!rac_access_group(q, RAC_MAY_WORKFLOW_LIST, group, &g))
            return;
        query.group = g.id;
    }
    query.search = rac_ask_query(q, RAC_S("search"));
    query.state = f.state;
    if (after.p != NULL)
        query.after = rac_str_cut(after, '\n', &query.after_id);
    struct rac_json v = rac_json_new_array(q->a);
    const struct rac_flow_store *fs = q->w->fs;
    do { /* a page of nothing but what is hidden is no page */
        rac_err e = fs->flow_list(fs->self, q->who->tenant, &query, q->a, &rows, &n, &more);
        if (e != RAC_OK) {
            rac_ask_fail_err(q, e, "workflow");
            return;
        }
        for (size_t i = 0; i < n; i++)
            if (rac_access_sees(q, RAC_MAY_WORKFLOW_READ, rows[i].group, rows[i].owner) &&
                has_trigger(q, &rows[i], f.trigger))
                rac_json_add(q->a, &v, listed(q, &rows[i]));
        if (n > 0) {
            query.after = rows[n - 1].name;
            query.after_id = rows[n - 1].id;
            last = cursor_make(q->a, &rows[n - 1]);
        }
    } while (more && n > 0 && rac_json_len(&v) == 0);
    rac_ask_answer_page(q, v, more ? last : RAC_STR_NULL);
}

/* --- changes without a new version ------------------------------------------------------------ */

struct changing {
    struct rac_ask *q;
    struct rac_flow_row row;
    const char *event; /* of the log */
    bool answers;      /* with the workflow as it is now; else 204 */
};

/* Compiled before the answer goes out: the next request finds it ready. */
static void ready(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    struct changing *g = arg;
    struct rac_ask *q = g->q;
    struct rac_flow_row row;
    (void)err;
    (void)f;
    (void)why;
    const struct rac_flow_store *fs = q->w->fs;
    rac_err e = fs->flow_get(fs->self, q->who->tenant, g->row.id, RAC_FLOW_WHOLE, q->a, &row);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "workflow");
        return;
    }
    q->etag = rac_etag(q->a, row.version);
    rac_ask_answer(q, rac_shape_workflow(q, &row, true));
}

static void saved(void *arg, const struct rac_commit *c)
{
    struct changing *g = arg;
    struct rac_ask *q = g->q;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "workflow");
        return;
    }
    rac_log(RAC_INFO, g->event, RAC_F_STR("id", g->row.id), RAC_F_STR("user", q->who->user_name));
    rac_scheduling_look(q->w);
    if (g->answers)
        rac_flows_want(q->w->flows, g->row.id, ready, g);
    else
        rac_ask_done(q);
}

static struct changing *changing_new(struct rac_ask *q, enum rac_action action, const char *event)
{
    struct changing *g = RAC_NEW(q->a, struct changing);
    g->q = q;
    g->event = event;
    g->answers = true;
    return rac_access_workflow(q, action, q->args[0], RAC_FLOW_PLAIN, &g->row) ? g : NULL;
}

static void save(struct changing *g, struct rac_flow_save *r)
{
    struct rac_ask *q = g->q;
    r->id = g->row.id;
    r->if_version = rac_etag_version(q->if_match);
    r->actor = rac_ask_actor(q);
    r->attend = true;
    q->w->fs->flow_save(q->w->fs->self, q->who->tenant, r, saved, g);
}

static void set_state(struct rac_ask *q, rac_str state, const char *event)
{
    struct changing *g = changing_new(q, RAC_MAY_WORKFLOW_EDIT, event);
    struct rac_flow_save r = {.state = state};
    if (g != NULL)
        save(g, &r);
}

void rac_ops_workflow_enable(struct rac_ask *q)
{
    set_state(q, RAC_S("Enabled"), "workflow.enabled");
}

void rac_ops_workflow_disable(struct rac_ask *q)
{
    set_state(q, RAC_S("Disabled"), "workflow.disabled");
}

void rac_ops_workflow_move(struct rac_ask *q)
{
    struct changing *g = changing_new(q, RAC_MAY_WORKFLOW_EDIT, "workflow.moved");
    struct rac_flow_save r = {0};
    struct rac_group_row group;
    if (g == NULL)
        return;
    rac_str to = rac_json_str(RAC_JSON_GET(&q->json, "group"), RAC_STR_NULL);
    r.name = rac_json_str(RAC_JSON_GET(&q->json, "name"), RAC_STR_NULL);
    if (to.n > 0) {
        if (!rac_access_group(q, RAC_MAY_WORKFLOW_CREATE, to, &group))
            return;
        r.group = group.id;
    }
    save(g, &r);
}

void rac_ops_workflow_regenerate_key(struct rac_ask *q)
{
    struct changing *g = changing_new(q, RAC_MAY_WORKFLOW_EDIT, "workflow.key_regenerated");
    struct rac_flow_save r = {0};
    if (g == NULL)
        return;
    uint8_t *key = rac_arena_alloc(q->a, 32);
    rac_env_random(q->w->env, key, 32);
    rac_str bytes = {(const char *)key, 32};
    rac_secret_wipe_with(q->a, bytes);
    rac_str type = rac_json_str(RAC_JSON_GET(&q->json, "keyType"), RAC_S("Primary"));
    *(rac_str_eqi(type, RAC_S("Secondary")) ? &r.key2 : &r.key1) = bytes;
    g->answers = false;
    save(g, &r);
}

static void deleted(void *arg, const struct rac_commit *c)
{
    struct changing *g = arg;
    struct rac_ask *q = g->q;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "workflow");
        return;
    }
    rac_log(RAC_INFO, "workflow.deleted", RAC_F_STR("id", g->row.id),
            RAC_F_STR("user", q->who->user_name));
    rac_scheduling_look(q->w);
    rac_runner_flow_gone(q->w, g->row.key);
    q->status = q->ids == RAC_IDS_NATIVE ? 204 : 200;
    rac_ask_done(q);
}

/* Open runs are cancelled before (§4.15), because those in the store alone may have subscriptions to
 * end. What is open beyond these, or begins meanwhile, goes with the rows. */
enum { CANCELLED_AT_ONCE = 250, CANCEL_ROUNDS_MAX = 40 };

struct deleting {
    struct changing *g;
    size_t left;
    unsigned rounds;
};

static void delete_now(struct changing *g)
{
    struct rac_ask *q = g->q;
    struct rac_actor actor = rac_ask_actor(q);
    q->w->fs->flow_delete(q->w->fs->self, q->who->tenant, g->row.id, rac_etag_version(q->if_match),
                          &actor, deleted, g);
}

static void cancel_open(struct deleting *x);

static void run_cancelled(void *arg, rac_err err, rac_str why)
{
    struct deleting *x = arg;
    (void)err; /* it ended by itself, or goes with the workflow */
    (void)why;
    if (--x->left == 0)
        cancel_open(x);
}

static void cancel_open(struct deleting *x)
{
    struct changing *g = x->g;
    struct rac_ask *q = g->q;
    const struct rac_flow_store *fs = q->w->fs;
    struct rac_flow_run_query open = {.statuses = {RAC_S("Running"), RAC_S("Waiting")},
                                      .statuses_n = 2,
                                      .n_max = CANCELLED_AT_ONCE};
    struct rac_store_stats st;
    struct rac_flow_run_row *rows;
    size_t n = 0;
    bool more;
    rac_store_stats(q->w->service->store, &st);
    if (st.state != RAC_OK || x->rounds++ >= CANCEL_ROUNDS_MAX ||
        fs->run_list(fs->self, g->row.key, &open, q->a, &rows, &n, &more) != RAC_OK || n == 0) {
        delete_now(g);
        return;
    }
    x->left = n;
    for (size_t i = 0; i < n; i++)
        rac_runner_cancel(q->w, g->row.key, rows[i].name, run_cancelled, x);
}

void rac_ops_workflow_delete(struct rac_ask *q)
{
    if (rac_access_workflow_gone(q, q->args[0]))
        return;
    struct changing *g = changing_new(q, RAC_MAY_WORKFLOW_EDIT, "workflow.deleted");
    if (g == NULL)
        return;
    struct deleting *x = RAC_NEW(q->a, struct deleting);
    int64_t version = rac_etag_version(q->if_match);
    *x = (struct deleting){.g = g};
    if (version != 0 && version != g->row.version)
        delete_now(g); /* refused there */
    else
        cancel_open(x);
}

/* --- versions --------------------------------------------------------------------------------- */

void rac_ops_workflow_versions(struct rac_ask *q)
{
    struct rac_flow_row row;
    struct rac_flow_version_row *rows;
    rac_str after;
    size_t top, n;
    bool more;
    if (!rac_flow_page(q, 30, &top, &after) ||
        !rac_access_workflow(q, RAC_MAY_WORKFLOW_READ, q->args[0], RAC_FLOW_PLAIN, &row))
        return;
    const struct rac_flow_store *fs = q->w->fs;
    rac_err e = fs->version_list(fs->self, row.key, after, top, q->a, &rows, &n, &more);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "workflow");
        return;
    }
    struct rac_flow_view view = rac_flow_view(q, &row);
    struct rac_json v = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(q->a, &v, rac_shape_version(&view, &rows[i], false));
    rac_ask_answer_page(q, v, more && n > 0 ? rows[n - 1].revision : RAC_STR_NULL);
}

void rac_ops_workflow_version(struct rac_ask *q)
{
    struct rac_flow_row row;
    struct rac_flow_version_row version;
    if (!rac_access_workflow(q, RAC_MAY_WORKFLOW_READ, q->args[0], RAC_FLOW_PLAIN, &row))
        return;
    const struct rac_flow_store *fs = q->w->fs;
    rac_err e = fs->version_get(fs->self, row.key, q->args[1], q->a, &version);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "version");
        return;
    }
    struct rac_flow_view view = rac_flow_view(q, &row);
    rac_ask_answer(q, rac_shape_version(&view, &version, true));
}

/* --- descriptions of it ----------------------------------------------------------------------- */

void rac_ops_workflow_upgraded(struct rac_ask *q)
{
    struct rac_flow_row row;
    struct rac_json doc;
    if (!rac_access_workflow(q, RAC_MAY_WORKFLOW_READ, q->args[0], RAC_FLOW_WHOLE, &row))
        return;
    if (rac_json_parse(row.document, q->a, 0, &doc, NULL) != RAC_OK) {
        rac_ask_fail_err(q, RAC_E_CORRUPT, "workflow");
        return;
    }
    struct rac_json definition = *RAC_JSON_GET(&doc, "definition");
    RAC_JSON_PUT_STR(q->a, &definition, "$schema",
                     RAC_S("https://schema.management.azure.com/providers/Microsoft.Logic/schemas/"
                           "2016-06-01/workflowdefinition.json#"));
    rac_ask_answer(q, definition);
}

/* What ARM calls an operation: the noun of the path it acts on, and the verb. */
void rac_ops_workflow_operations(struct rac_ask *q)
{
    static const struct {
        const char *resource, *verb, *what;
    } rows[] = {
        {"workflows", "read", "Reads the workflow."},
        {"workflows", "write", "Creates or updates the workflow."},
        {"workflows", "delete", "Deletes the workflow."},
        {"workflows", "run/action", "Starts a run of the workflow."},
        {"workflows", "disable/action", "Disables the workflow."},
        {"workflows", "enable/action", "Enables the workflow."},
        {"workflows", "validate/action", "Validates the workflow."},
        {"workflows", "move/action", "Moves the workflow."},
        {"workflows", "listSwagger/action", "Gets the workflow's description."},
        {"workflows", "regenerateAccessKey/action", "Regenerates an access key."},
        {"workflows", "listCallbackUrl/action", "Gets the callback URL of the workflow."},
        {"workflows/versions", "read", "Reads the workflow version."},
        {"workflows/triggers", "read", "Reads the trigger."},
        {"workflows/triggers", "run/action", "Fires the trigger."},
        {"workflows/triggers", "reset/action", "Resets the trigger."},
        {"workflows/triggers", "listCallbackUrl/action", "Gets the callback URL of the trigger."},
        {"workflows/triggers/histories", "read", "Reads the trigger history."},
        {"workflows/triggers/histories", "resubmit/action", "Resubmits the workflow."},
        {"workflows/runs", "read", "Reads the run."},
        {"workflows/runs", "cancel/action", "Cancels the run."},
        {"workflows/runs/actions", "read", "Reads what the action did."},
        {"workflows/runs/actions/repetitions", "read", "Reads a repetition of the action."},
        {"workflows/runs/actions/scopeRepetitions", "read", "Reads an iteration of the loop."},
    };
    struct rac_arena *a = q->a;
    struct rac_json o = rac_json_new_object(a), list = rac_json_new_array(a);
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        struct rac_json x = rac_json_new_object(a), d = rac_json_new_object(a);
        RAC_JSON_PUT_STR(
            a, &x, "name",
            rac_arena_printf(a, "Microsoft.Logic/%s/%s", rows[i].resource, rows[i].verb));
        RAC_JSON_PUT_STR(a, &x, "origin", RAC_S("user,system"));
        RAC_JSON_PUT_STR(a, &d, "provider", RAC_S("Microsoft Logic"));
        RAC_JSON_PUT_STR(a, &d, "resource", rac_str_of(rows[i].resource));
        RAC_JSON_PUT_STR(a, &d, "operation", rac_str_of(rows[i].verb));
        RAC_JSON_PUT_STR(a, &d, "description", rac_str_of(rows[i].what));
        RAC_JSON_PUT(a, &x, "display", d);
        RAC_JSON_PUT(a, &x, "properties", rac_json_new_object(a));
        rac_json_add(a, &list, x);
    }
    RAC_JSON_PUT(a, &o, "value", list);
    rac_ask_answer(q, o);
}
