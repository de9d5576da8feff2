#include "api/ops/access.h"
#include "api/service.h"
#include "base/str.h"

/* What waits in the batches of a workflow (spec workflows §2.10): seen, and dropped by hand. */

static struct rac_json part_json(struct rac_ask *q, const struct rac_flow_part_row *p)
{
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "id", rac_arena_printf(q->a, "%lld", (long long)p->id));
    RAC_JSON_PUT_STR(q->a, &o, "batchName", p->batch);
    RAC_JSON_PUT_STR(q->a, &o, "partitionName", p->partition);
    RAC_JSON_PUT(q->a, &o, "messageCount", rac_json_of_int(p->messages_n));
    RAC_JSON_PUT(q->a, &o, "batchSize", rac_json_of_int(p->bytes_n));
    RAC_JSON_PUT_STR(q->a, &o, "state", p->ready ? RAC_S("Ready") : RAC_S("Waiting"));
    rac_json_put_time(q->a, &o, RAC_S("oldestTime"), p->first_ms);
    return o;
}

/* Pages go on after a batch and partition, which may hold any character. */
static void read_after(struct rac_ask *q, rac_str after, struct rac_flow_part_query *query)
{
    struct rac_json v;
    if (after.n == 0 || rac_json_parse(after, q->a, 0, &v, NULL) != RAC_OK)
        return;
    query->after_batch = rac_json_str(rac_json_at(&v, 0), RAC_S(""));
    query->after_partition = rac_json_str(rac_json_at(&v, 1), RAC_S(""));
}

static rac_str print_after(struct rac_ask *q, const struct rac_flow_part_row *last)
{
    struct rac_json v = rac_json_new_array(q->a);
    rac_json_add(q->a, &v, rac_json_of_str(last->batch));
    rac_json_add(q->a, &v, rac_json_of_str(last->partition));
    return rac_json_print_str(&v, 0, q->a);
}

void rac_ops_batch_list(struct rac_ask *q)
{
    const struct rac_flow_store *fs = q->w->fs;
    struct rac_flow_part_query query = {0};
    struct rac_flow_part_row *rows;
    struct rac_flow_row row;
    rac_str after;
    size_t n;
    bool more;
    if (!rac_ask_page(q, &query.n_max, &after) ||
        !rac_access_workflow(q, RAC_MAY_WORKFLOW_READ, q->args[0], RAC_FLOW_PLAIN, &row))
        return;
    read_after(q, after, &query);
    rac_err e = fs->part_list(fs->self, row.key, &query, q->a, &rows, &n, &more);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "batch");
        return;
    }
    struct rac_json v = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(q->a, &v, part_json(q, &rows[i]));
    rac_ask_answer_page(q, v, more && n > 0 ? print_after(q, &rows[n - 1]) : RAC_STR_NULL);
}

struct dropping {
    struct rac_ask *q;
    int64_t flow, part, through;
    bool found;
};

static void drop(struct dropping *d);

static void gone(struct rac_ask *q)
{
    rac_ask_fail_code(q, 404, RAC_S("BatchNotFound"),
                      "The workflow has no messages waiting under the id '%.*s'.",
                      RAC_FMT(q->args[1]));
}

static void dropped(void *arg, const struct rac_commit *c)
{
    struct dropping *d = arg;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(d->q, c, "batch");
    } else if (c->version > 0) {
        d->found = true;
        d->through = c->revision; /* what comes from now on is not meant */
        drop(d);
    } else if (d->found) {
        rac_ask_done(d->q);
    } else {
        gone(d->q);
    }
}

static void drop(struct dropping *d)
{
    const struct rac_flow_store *fs = d->q->w->fs;
    fs->part_drop(fs->self, d->q->who->tenant, d->flow, d->part, d->through, dropped, d);
}

void rac_ops_batch_delete(struct rac_ask *q)
{
    struct dropping *d = RAC_NEW(q->a, struct dropping);
    struct rac_flow_row row;
    if (!rac_access_workflow(q, RAC_MAY_WORKFLOW_EDIT, q->args[0], RAC_FLOW_PLAIN, &row))
        return;
    *d = (struct dropping){.q = q, .flow = row.key};
    if (rac_str_to_i64(q->args[1], &d->part))
        drop(d);
    else
        gone(q);
}
