/* Actions that wait for something outside: begun, bounded by limit.timeout, ended. Wait (§3.6). */
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "workflow/engine/engine_priv.h"

enum { OUTSIDE_BYTES_MAX = 512 << 20 };

struct outside *outside_of(const struct rac_wf_record *x)
{
    return x->inner != NULL ? x->inner->outside : NULL;
}

struct outside *outside_new(struct live *l, struct rac_wf_record *x)
{
    struct outside *o = rac_mem_alloc(sizeof *o);
    *o = (struct outside){.live = l, .x = x};
    rac_arena_init(&o->a, OUTSIDE_BYTES_MAX);
    struct outside **end = &l->outsides;
    while (*end != NULL)
        end = &(*end)->next;
    *end = o;
    rac_run_carried_by(l->run, x, o);
    return o;
}

void outside_stop(struct outside *o)
{
    struct live *l = o->live;
    struct outside **at = &l->outsides;
    timer_stop(l->e, &o->timer);
    timer_stop(l->e, &o->limit);
    exchange_free(o);
    nested_free(o);
    transform_free(o);
    send_free(o);
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    if (o->x->inner != NULL)
        o->x->inner->outside = NULL;
    rac_arena_fini(&o->a);
    rac_mem_free(o);
}

void outside_step(struct outside *o, void (*step)(struct outside *o))
{
    o->step = step;
    o->stepping = true;
    o->in_flight = false;
    live_ready(o->live);
}

bool outside_settle(struct outside *o, enum rac_wf_status status, rac_str code,
                    const struct rac_json *outputs, const struct rac_json *error)
{
    struct rac_run_outcome out = {status, code, outputs, error, o->facts};
    rac_err err = rac_run_settle(o->live->run, o->x, &out);
    outside_stop(o);
    return err == RAC_OK;
}

void outside_fail(struct outside *o, const char *code, const char *error_code, rac_str message)
{
    struct rac_json error = rac_json_new_object(&o->a);
    RAC_JSON_PUT_STR(&o->a, &error, "code", rac_str_of(error_code));
    RAC_JSON_PUT_STR(&o->a, &error, "message", message);
    outside_settle(o, RAC_WF_FAILED, rac_str_of(code), NULL, &error);
}

/* --- limit.timeout (§4.5) --------------------------------------------------------------------- */

/* limit.timeout as it evaluates; absent: none. False: *why. */
static bool limit_value(struct outside *o, struct rac_json *out, rac_str *why)
{
    struct rac_json v;
    *out = rac_json_none;
    if (o->x->action->limit == NULL)
        return true;
    if (rac_run_evaluate(o->live->run, o->x, o->x->action->limit, &v, why) != RAC_OK)
        return false;
    const struct rac_json *t = RAC_JSON_GETI(&v, "timeout");
    if (t != NULL && t->type != RAC_JSON_NULL)
        *out = *t;
    return true;
}

static rac_str limit_text(struct outside *o)
{
    struct rac_json v;
    rac_str why;
    return limit_value(o, &v, &why) ? rac_json_str(&v, RAC_S("")) : RAC_S("");
}

static void timed_out(struct outside *o)
{
    const struct rac_wf_action *x = o->x->action;
    struct rac_json error = rac_json_new_object(&o->a);
    RAC_JSON_PUT_STR(&o->a, &error, "code", RAC_S("ActionTimedOut"));
    RAC_JSON_PUT_STR(&o->a, &error, "message",
                     rac_arena_printf(&o->a,
                                      "The execution of template action '%.*s' is failed: the time "
                                      "limit '%.*s' was exceeded.",
                                      RAC_FMT(x->name), RAC_FMT(limit_text(o))));
    if (o->unsubscribe)
        exchange_unsubscribe(o->live, o->x);
    o->facts = true;
    outside_settle(o, RAC_WF_TIMED_OUT, RAC_S("ActionTimedOut"), NULL, &error);
}

static void limit_rings(void *arg)
{
    outside_step(arg, timed_out);
}

/* False: the action has failed, its limit is none. */
static bool set_limit(struct outside *o)
{
    const struct rac_wf_action *x = o->x->action;
    int64_t ms = x->timeout_ms;
    struct rac_json v = rac_json_none;
    rac_str why;
    if (x->limit == NULL)
        return true;
    if (ms < 0 && !limit_value(o, &v, &why)) {
        outside_fail(o, "BadRequest", "InvalidTemplate",
                     rac_arena_printf(&o->a,
                                      "Unable to process template language expressions in the "
                                      "'limit' of action '%.*s': '%.*s'.",
                                      RAC_FMT(x->name), RAC_FMT(why)));
        return false;
    }
    if (ms < 0 && v.type == RAC_JSON_NONE)
        return true;
    if (ms < 0 && !rac_time_parse_duration(rac_json_str(&v, RAC_S("")), &ms)) {
        outside_fail(o, "BadRequest", "InvalidTemplate",
                     rac_arena_printf(&o->a,
                                      "The 'limit.timeout' of action '%.*s' must be a duration "
                                      "(ISO 8601, PT1H); it is '%.*s'.",
                                      RAC_FMT(x->name), RAC_FMT(rac_run_shown(&v, &o->a))));
        return false;
    }
    o->limit_ms = o->x->start_ms + (ms < RAC_AGES_MS ? ms : RAC_AGES_MS);
    return true;
}

/* --- Wait ------------------------------------------------------------------------------------- */

static bool add_interval(rac_ms start, int64_t count, rac_str unit, rac_ms *out)
{
    static const struct {
        rac_str word;
        int64_t ms;
    } units[] = {{RAC_S_INIT("Second"), 1000},
                 {RAC_S_INIT("Minute"), 60000},
                 {RAC_S_INIT("Hour"), 3600000},
                 {RAC_S_INIT("Day"), 86400000},
                 {RAC_S_INIT("Week"), 7 * 86400000}};
    int64_t ms;
    for (size_t i = 0; i < RAC_COUNT(units); i++)
        if (rac_str_eqi(unit, units[i].word))
            return !__builtin_mul_overflow(count, units[i].ms, &ms) &&
                   !__builtin_add_overflow(start, ms, out);
    if (!rac_str_eqi(unit, RAC_S("Month")) || count > 12000 || count < -12000)
        return false;
    struct rac_civil c = rac_time_civil(start);
    int64_t months = c.year * 12 + c.month - 1 + count;
    c.year = months / 12;
    c.month = (int)(months % 12) + 1;
    int64_t first = rac_time_days(c.year, c.month, 1),
            next = rac_time_days(c.month == 12 ? c.year + 1 : c.year, c.month % 12 + 1, 1);
    c.day = c.day > next - first ? (int)(next - first) : c.day;
    *out = rac_time_from_civil(&c);
    return true;
}

static bool wait_until(const struct outside *o, rac_ms *due)
{
    const struct rac_json *in = &o->x->inputs, *interval = RAC_JSON_GETI(in, "interval"),
                          *until = RAC_JSON_GETI(in, "until"),
                          *count = RAC_JSON_GETI(interval, "count");
    int64_t n;
    if (rac_json_is_object(until))
        return rac_expr_timestamp(rac_json_str(RAC_JSON_GETI(until, "timestamp"), RAC_S("")), due);
    if (rac_json_is_string(count)) {
        if (!rac_str_to_i64((rac_str){count->s, count->n}, &n))
            return false;
    } else if (rac_json_is_number(count)) {
        n = rac_json_int(count, INT64_MIN);
        if (n == INT64_MIN)
            return false;
    } else {
        return false;
    }
    return add_interval(o->x->start_ms, n, rac_json_str(RAC_JSON_GETI(interval, "unit"), RAC_S("")),
                        due);
}

/* What is wrong with the inputs of a Wait. */
static rac_str wait_fault(struct outside *o)
{
    const struct rac_json *in = &o->x->inputs, *interval = RAC_JSON_GETI(in, "interval"),
                          *until = RAC_JSON_GETI(in, "until");
    rac_str name = o->x->action->name;
    if (rac_json_is_object(until))
        return rac_arena_printf(&o->a,
                                "The 'until.timestamp' of action '%.*s' must be a time such as "
                                "2026-01-31T10:00:00Z; it is '%.*s'.",
                                RAC_FMT(name),
                                RAC_FMT(rac_run_shown(RAC_JSON_GETI(until, "timestamp"), &o->a)));
    if (rac_json_is_object(interval))
        return rac_arena_printf(&o->a,
                                "The 'interval' of action '%.*s' must have a whole number, not too "
                                "large, as 'count' and Second, Minute, Hour, Day, Week or Month "
                                "as 'unit'; the count is '%.*s', the unit '%.*s'.",
                                RAC_FMT(name),
                                RAC_FMT(rac_run_shown(RAC_JSON_GETI(interval, "count"), &o->a)),
                                RAC_FMT(rac_run_shown(RAC_JSON_GETI(interval, "unit"), &o->a)));
    return rac_arena_printf(&o->a,
                            "The inputs of action '%.*s' need either an 'interval' with 'count' "
                            "and 'unit', or 'until' with a 'timestamp'.",
                            RAC_FMT(name));
}

static void wait_prepare(struct outside *o)
{
    rac_ms due;
    if (!wait_until(o, &due)) {
        outside_fail(o, "BadRequest", "InvalidTemplate", wait_fault(o));
        return;
    }
    if (due <= engine_now(o->live->e)) {
        outside_settle(o, RAC_WF_SUCCEEDED, RAC_S("OK"), NULL, NULL);
        return;
    }
    o->due_ms = due;
}

static void waited(struct outside *o)
{
    outside_settle(o, RAC_WF_SUCCEEDED, RAC_S("OK"), NULL, NULL);
}

static void wait_rings(void *arg)
{
    outside_step(arg, waited);
}

/* --- by type ---------------------------------------------------------------------------------- */

void outside_prepare(struct outside *o)
{
    if (!set_limit(o))
        return;
    switch (o->x->action->type) {
    case RAC_WF_TYPE_WAIT:
        wait_prepare(o);
        return;
    case RAC_WF_TYPE_WORKFLOW:
    case RAC_WF_TYPE_XSLT:
    case RAC_WF_TYPE_XML_VALIDATION:
    case RAC_WF_TYPE_XML_PARSE:
    case RAC_WF_TYPE_XML_COMPOSE:
    case RAC_WF_TYPE_ARTIFACT_LOOKUP:
        return;
    case RAC_WF_TYPE_SEND_TO_BATCH:
        send_prepare(o);
        return;
    default:
        exchange_prepare(o);
    }
}

void outside_start(struct outside *o)
{
    struct rac_engine *e = o->live->e;
    if (o->limit_ms != 0 && o->limit.place == 0) {
        o->limit.fn = limit_rings;
        o->limit.arg = o;
        timer_set_wall(e, &o->limit, o->limit_ms);
    }
    switch (o->x->action->type) {
    case RAC_WF_TYPE_WAIT:
        o->timer.fn = wait_rings;
        o->timer.arg = o;
        timer_set_wall(e, &o->timer, o->due_ms);
        return;
    case RAC_WF_TYPE_WORKFLOW:
        nested_start(o);
        return;
    case RAC_WF_TYPE_XSLT:
    case RAC_WF_TYPE_XML_VALIDATION:
    case RAC_WF_TYPE_XML_PARSE:
    case RAC_WF_TYPE_XML_COMPOSE:
    case RAC_WF_TYPE_ARTIFACT_LOOKUP:
        transform_start(o);
        return;
    case RAC_WF_TYPE_SEND_TO_BATCH:
        send_start(o);
        return;
    default:
        exchange_start(o);
    }
}
