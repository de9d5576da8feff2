#include "api/retention.h"

#include "api/service.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json.h"
#include "workflow/store.h"

enum {
    FIRST_MS = 60000,
    PAUSE_MS = 10, /* after a piece that removed something */
    PAGE_FLOWS = 50,
    DOCUMENT_BYTES_MAX = 128 << 20, /* of an arena that opens one workflow */
};

#define RETENTION_MAGIC 0x5254454e

struct rac_retention {
    uint32_t magic;
    struct rac_api_worker *w;
    struct rac_deadline next;
    struct rac_arena round, page; /* page: of workflows; begun anew with each */
    struct rac_tenant_row *tenants;
    size_t tenants_n, tenant;
    struct rac_flow_row *flows;
    size_t flows_n, flow;
    bool more;
    rac_ms before_ms; /* of the workflow at hand */
    char cursor[128]; /* where the store stopped in it */
    bool has_cursor;
    int64_t removed_total;
    bool waits, gone; /* for an answer of the store; freed meanwhile */
};

/* How long a workflow's history is kept: its document's runtimeConfiguration.lifetime ({"unit":
 * "Day", "count": 90}; also Hour, Week, Month, Year), else otherwise_ms. */
static rac_ms lifetime_of(rac_str document, rac_ms otherwise_ms)
{
    static const struct {
        rac_str unit;
        int64_t ms;
    } units[] = {{RAC_S_INIT("hour"), 3600000},
                 {RAC_S_INIT("day"), 86400000},
                 {RAC_S_INIT("week"), 7 * 86400000ll},
                 {RAC_S_INIT("month"), 30 * 86400000ll},
                 {RAC_S_INIT("year"), 365 * 86400000ll}};
    struct rac_arena a;
    struct rac_json doc;
    rac_ms ms = otherwise_ms;
    rac_arena_init(&a, DOCUMENT_BYTES_MAX);
    if (rac_json_parse(document, &a, 0, &doc, NULL) == RAC_OK) {
        const struct rac_json *runtime = RAC_JSON_GET(&doc, "runtimeConfiguration");
        const struct rac_json *life = runtime != NULL ? RAC_JSON_GET(runtime, "lifetime") : NULL;
        int64_t count = life != NULL ? rac_json_int(RAC_JSON_GET(life, "count"), 0) : 0;
        rac_str unit =
            life != NULL ? rac_json_str(RAC_JSON_GET(life, "unit"), RAC_S("Day")) : RAC_STR_NULL;
        for (size_t i = 0; i < RAC_COUNT(units) && count > 0 && count < 100000; i++)
            if (rac_str_eq(rac_str_lower(&a, unit), units[i].unit))
                ms = count * units[i].ms;
    }
    rac_arena_fini(&a);
    return ms;
}

static void on_piece(void *arg, const struct rac_commit *c)
{
    struct rac_retention *r = RAC_CAST(arg, struct rac_retention, RETENTION_MAGIC);
    r->waits = false;
    if (r->gone) {
        rac_retention_free(r);
        return;
    }
    if (c->err != RAC_OK) {
        rac_log(RAC_WARN, "history.not_removed", RAC_F_CSTR("error", rac_err_name(c->err)));
        r->has_cursor = false;
    } else {
        r->removed_total += c->version;
        r->has_cursor = c->id.p != NULL && c->id.n < sizeof r->cursor;
        if (r->has_cursor)
            snprintf(r->cursor, sizeof r->cursor, "%.*s", RAC_FMT(c->id));
    }
    if (!r->has_cursor)
        r->flow++;
    rac_deadline_arm(r->w->loop, &r->next, c->version > 0 ? PAUSE_MS : 0);
}

static void piece(struct rac_retention *r)
{
    const struct rac_flow_store *fs = r->w->fs;
    r->waits = true;
    fs->retain(fs->self, r->flows[r->flow].key, r->before_ms,
               rac_config_int(r->w->service->config, RAC_CONF_RUNS_KEPT),
               r->has_cursor ? rac_str_of(r->cursor) : RAC_STR_NULL, on_piece, r);
}

/* The next page of workflows of this tenant, or of the next one; false: the round is over. */
static bool next_page(struct rac_retention *r)
{
    const struct rac_flow_store *fs = r->w->fs;
    while (r->tenant < r->tenants_n) {
        struct rac_flow_query q = {.n_max = PAGE_FLOWS};
        char name[512] = "", id[64] = "";
        if (r->flows_n > 0) {
            const struct rac_flow_row *last = &r->flows[r->flows_n - 1];
            snprintf(name, sizeof name, "%.*s", RAC_FMT(last->name));
            snprintf(id, sizeof id, "%.*s", RAC_FMT(last->id));
            q.after = rac_str_of(name);
            q.after_id = rac_str_of(id);
        }
        bool first = r->flows_n == 0;
        r->flow = r->flows_n = 0;
        rac_arena_reset(&r->page);
        if ((first || r->more) && fs->flow_list(fs->self, r->tenants[r->tenant].id, &q, &r->page,
                                                &r->flows, &r->flows_n, &r->more) != RAC_OK)
            r->flows_n = 0;
        if (r->flows_n > 0)
            return true;
        r->tenant++;
    }
    return false;
}

static void end_round(struct rac_retention *r)
{
    if (r->removed_total > 0)
        rac_log(RAC_INFO, "history.removed", RAC_F_INT("records", r->removed_total));
    r->removed_total = 0;
    r->tenants_n = r->tenant = r->flows_n = r->flow = 0;
    rac_arena_fini(&r->round);
    rac_arena_fini(&r->page);
    rac_deadline_arm(r->w->loop, &r->next, rac_config_int(r->w->service->config, RAC_CONF_SWEEP));
}

static void next_flow(struct rac_retention *r)
{
    const struct rac_flow_store *fs = r->w->fs;
    struct rac_arena a;
    struct rac_flow_row row;
    if (r->has_cursor) {
        piece(r);
        return;
    }
    if (r->flow == r->flows_n && !next_page(r)) {
        end_round(r);
        return;
    }
    rac_ms keep_ms = rac_config_int(r->w->service->config, RAC_CONF_RETENTION);
    rac_arena_init(&a, DOCUMENT_BYTES_MAX);
    if (fs->flow_any(fs->self, r->flows[r->flow].key, RAC_STR_NULL, RAC_FLOW_WHOLE, &a, &row) ==
        RAC_OK)
        keep_ms = lifetime_of(row.document, keep_ms);
    rac_arena_fini(&a);
    r->before_ms = rac_env_wall_ms(r->w->env) - keep_ms;
    piece(r);
}

static void on_time(void *arg)
{
    struct rac_retention *r = RAC_CAST(arg, struct rac_retention, RETENTION_MAGIC);
    const struct rac_iam_store *is = r->w->is;
    if (r->tenants_n == 0) { /* a new round */
        rac_arena_init(&r->round, 1 << 20);
        rac_arena_init(&r->page, 16 << 20);
        if (is->tenant_list(is->self, &r->round, &r->tenants, &r->tenants_n) != RAC_OK)
            r->tenants_n = 0;
    }
    next_flow(r);
}

struct rac_retention *rac_retention_new(struct rac_api_worker *w)
{
    struct rac_retention *r = rac_mem_alloc(sizeof *r);
    r->magic = RETENTION_MAGIC;
    r->w = w;
    rac_deadline_init(&r->next, on_time, r);
    int64_t every_ms = rac_config_int(w->service->config, RAC_CONF_SWEEP);
    rac_deadline_arm(w->loop, &r->next, every_ms < FIRST_MS ? every_ms : FIRST_MS);
    return r;
}

void rac_retention_free(struct rac_retention *r)
{
    if (r == NULL)
        return;
    rac_deadline_cancel(&r->next);
    r->gone = true;
    if (r->waits) /* its answer frees it */
        return;
    rac_arena_fini(&r->round);
    rac_arena_fini(&r->page);
    r->magic = 0;
    rac_mem_free(r);
}
