#include "workflow/definition/batch.h"

#include "base/str.h"

enum { OUTPUTS_BYTES_MAX = 192 << 20 }; /* of the values of one batch, in memory */

static const struct rac_json *get(const struct rac_json *o, const char *name)
{
    const struct rac_json *v = rac_json_geti(o, rac_str_of(name));
    return v != NULL && v->type != RAC_JSON_NULL ? v : NULL;
}

/* --- one batch -------------------------------------------------------------------------------- */

static bool whole(const struct rac_json *v, int64_t *out)
{
    if (rac_json_is_string(v))
        return rac_str_to_i64(rac_json_str(v, RAC_S("")), out);
    *out = rac_json_int(v, INT64_MIN);
    return *out != INT64_MIN;
}

static bool limit(const struct rac_json *criteria, const char *member, int64_t most,
                  struct rac_arena *a, int64_t *out, rac_str *why)
{
    const struct rac_json *v = get(criteria, member);
    *out = most;
    if (v == NULL || (whole(v, out) && *out >= 1 && *out <= most))
        return true;
    *why = rac_arena_printf(a, "its '%s' is not a whole number from 1 to %lld", member,
                            (long long)most);
    return false;
}

static bool read_recurrence(struct rac_batch *b, struct rac_arena *a, rac_str *why)
{
    struct rac_recurrence_options o = {0};
    struct rac_diags d;
    rac_diags_init(&d, a, 5);
    b->recurs = rac_recurrence_parse(&o, b->recurrence_node, RAC_S("/recurrence"), a,
                                     &b->recurrence, &d) == RAC_OK;
    if (!b->recurs) {
        *why = rac_arena_printf(a, "its recurrence is not valid: %.*s",
                                RAC_FMT(d.n > 0 ? d.v[0].message : RAC_S("it cannot be read")));
        return false;
    }
    if (b->recurrence.frequency == RAC_FREQUENCY_SECOND &&
        b->recurrence.interval < RAC_BATCH_EVERY_SECONDS_MIN) {
        *why = rac_arena_printf(a, "its recurrence is shorter than %d seconds",
                                RAC_BATCH_EVERY_SECONDS_MIN);
        return false;
    }
    return true;
}

bool rac_batch_read(rac_str name, const struct rac_json *criteria, struct rac_arena *a,
                    struct rac_batch *out, rac_str *why)
{
    *out = (struct rac_batch){.name = name, .recurrence_node = get(criteria, "recurrence")};
    if (criteria != NULL && !rac_json_is_object(criteria)) {
        *why = RAC_S("its releaseCriteria is no object");
        return false;
    }
    return limit(criteria, "messageCount", RAC_BATCH_MESSAGES_MAX, a, &out->full.messages, why) &&
           limit(criteria, "batchSize", RAC_BATCH_BYTES_MAX, a, &out->full.bytes, why) &&
           (out->recurrence_node == NULL || read_recurrence(out, a, why));
}

/* --- all of a trigger ------------------------------------------------------------------------- */

static bool add(struct rac_batches *b, rac_str name, const struct rac_json *criteria,
                struct rac_arena *a, rac_str *why)
{
    rac_str because;
    if (rac_batch_read(name, criteria, a, &b->v[b->n], &because)) {
        b->n++;
        return true;
    }
    *why = rac_arena_printf(a, "The batch '%.*s' is not valid: %.*s.", RAC_FMT(name),
                            RAC_FMT(because));
    return false;
}

/* "configurations", and the short form with the criteria beside the mode. */
static bool read_inline(const struct rac_json *in, struct rac_arena *a, struct rac_batches *b,
                        rac_str *why)
{
    const struct rac_json *all = get(in, "configurations"), *own = get(in, "releaseCriteria");
    rac_str name = rac_json_str(get(in, "batchGroupName"), RAC_S("DEFAULT"));
    b->v = RAC_NEW_N(a, struct rac_batch, rac_json_len(all) + 1);
    RAC_JSON_EACH_MEMBER(m, all)
    if (!add(b, rac_json_key(m), get(&m->value, "releaseCriteria"), a, why))
        return false;
    return own == NULL || add(b, rac_json_str(get(in, "batchName"), name), own, a, why);
}

bool rac_batches_of(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                    struct rac_arena *a, struct rac_batches *out, rac_str *why)
{
    struct rac_json *in = RAC_NEW(a, struct rac_json);
    *out = (struct rac_batches){0};
    if (!rac_trigger_evaluate(t, c, NULL, t->inputs, a, in, why)) {
        *why = rac_arena_printf(a, "The inputs of trigger '%.*s' cannot be evaluated: %.*s",
                                RAC_FMT(t->name), RAC_FMT(*why));
        return false;
    }
    rac_str mode = rac_json_str(get(in, "mode"), RAC_S("Inline"));
    out->in_account = rac_str_eqi(mode, RAC_S("IntegrationAccount"));
    if (!out->in_account)
        return read_inline(in, a, out, why);
    out->group = rac_json_str(get(in, "batchGroupName"), RAC_STR_NULL);
    out->only = rac_json_len(get(in, "configurations")) > 0 ? get(in, "configurations") : NULL;
    return true;
}

const struct rac_batch *rac_batches_find(const struct rac_batches *b, rac_str name)
{
    for (size_t i = 0; i < b->n; i++)
        if (rac_str_eqi(b->v[i].name, name))
            return &b->v[i];
    return NULL;
}

rac_str rac_batches_names(const struct rac_batches *b, struct rac_arena *a)
{
    enum { SHOWN = 5 };
    rac_str s = RAC_S("");
    for (size_t i = 0; i < b->n && i < SHOWN; i++)
        s = rac_arena_printf(a, "%.*s%s'%.*s'", RAC_FMT(s), i > 0 ? ", " : "",
                             RAC_FMT(b->v[i].name));
    if (b->n > SHOWN)
        s = rac_arena_printf(a, "%.*s and %zu more", RAC_FMT(s), b->n - SHOWN);
    return b->n > 0 ? s : RAC_S("none");
}

bool rac_batches_has(const struct rac_batches *b, rac_str name, const struct rac_json *properties)
{
    return (b->group.p == NULL ||
            rac_str_eqi(b->group, rac_json_str(get(properties, "batchGroupName"), RAC_S("")))) &&
           (b->only == NULL || rac_json_geti(b->only, name) != NULL);
}

bool rac_batches_add(struct rac_batches *b, const struct rac_json *artifacts, struct rac_arena *a,
                     rac_str *why)
{
    b->v = RAC_NEW_N(a, struct rac_batch, rac_json_len(artifacts) + 1);
    RAC_JSON_EACH(x, artifacts)
    {
        rac_str name = rac_json_str(get(x, "name"), RAC_S(""));
        if (rac_batches_has(b, name, x) && !add(b, name, get(x, "releaseCriteria"), a, why))
            return false;
    }
    return true;
}

/* --- what a run begins with ------------------------------------------------------------------- */

bool rac_batch_outputs(const struct rac_flow_part_row *part, const struct rac_flow_message_row *v,
                       size_t n_max, struct rac_arena *a, struct rac_json *out, size_t *n)
{
    struct rac_json body = rac_json_new_object(a), items = rac_json_new_array(a);
    size_t before = a->used_bytes;
    for (*n = 0; *n < n_max; ++*n) {
        struct rac_json item = rac_json_new_object(a), content;
        if (rac_json_parse(v[*n].content, a, RAC_JSON_OWN, &content, NULL) != RAC_OK)
            break;
        RAC_JSON_PUT(a, &item, "content", content);
        RAC_JSON_PUT_STR(a, &item, "messageId", v[*n].id);
        if (rac_arena_over(a) || (*n > 0 && a->used_bytes - before > OUTPUTS_BYTES_MAX))
            break;
        rac_json_add(a, &items, item);
    }
    RAC_JSON_PUT_STR(a, &body, "batchName", part->batch);
    RAC_JSON_PUT_STR(a, &body, "partitionName", part->partition);
    RAC_JSON_PUT(a, &body, "items", items);
    *out = rac_json_new_object(a);
    RAC_JSON_PUT(a, out, "body", body);
    return *n > 0 && !rac_arena_over(a);
}
