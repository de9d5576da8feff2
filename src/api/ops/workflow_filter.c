#include "api/ops/workflow_filter.h"

#include "base/time.h"

/* A recursive descent over: filter = term ("and" term)*, term = "(" status ("or" status)* ")" |
 * field op value. */

struct parse {
    rac_str rest;
    struct rac_arena *a;
    struct rac_flow_filter *out;
    rac_str why;
};

static void skip(struct parse *p)
{
    while (p->rest.n > 0 && rac_is_space(p->rest.p[0]))
        p->rest = rac_str_from(p->rest, 1);
}

static bool eat(struct parse *p, char c)
{
    skip(p);
    if (p->rest.n == 0 || p->rest.p[0] != c)
        return false;
    p->rest = rac_str_from(p->rest, 1);
    return true;
}

static rac_str word(struct parse *p)
{
    skip(p);
    size_t n = 0;
    while (n < p->rest.n && !rac_is_space(p->rest.p[n]) && p->rest.p[n] != '(' &&
           p->rest.p[n] != ')' && p->rest.p[n] != '\'')
        n++;
    rac_str w = rac_str_sub(p->rest, 0, n);
    p->rest = rac_str_from(p->rest, n);
    return w;
}

static bool keyword(struct parse *p, const char *want)
{
    rac_str before = p->rest;
    if (rac_str_eqi(word(p), rac_str_of(want)))
        return true;
    p->rest = before;
    return false;
}

static bool wrong(struct parse *p, const char *text, rac_str what)
{
    if (p->why.p == NULL)
        p->why = rac_arena_printf(p->a, "%s '%.*s'.", text, RAC_FMT(what));
    return false;
}

/* 'text' with '' for a quote, or a bare word. */
static bool value(struct parse *p, rac_str *out)
{
    if (!eat(p, '\'')) {
        *out = word(p);
        return out->n > 0 || wrong(p, "The filter has no value before", p->rest);
    }
    char *text = rac_arena_alloc_dirty(p->a, p->rest.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < p->rest.n; i++) {
        bool quote = p->rest.p[i] == '\'';
        if (quote && (i + 1 == p->rest.n || p->rest.p[i + 1] != '\'')) {
            p->rest = rac_str_from(p->rest, i + 1);
            *out = (rac_str){text, n};
            return true;
        }
        text[n++] = p->rest.p[i];
        i += quote;
    }
    return wrong(p, "The filter has a text without its closing quote:", p->rest);
}

static bool put_time(struct parse *p, rac_str op, rac_str text)
{
    rac_ms t;
    if (rac_str_startsi(text, RAC_S("datetime"))) { /* datetime'...' of old clients */
        if (!value(p, &text))
            return false;
    }
    if (!rac_time_parse(text, &t) && !rac_time_parse_date(text, &t))
        return wrong(p, "The filter compares startTime with what is no time:", text);
    bool is = rac_str_eqi(op, RAC_S("eq")), after = rac_str_eqi(op, RAC_S("gt")),
         before = rac_str_eqi(op, RAC_S("lt")), from = is || after || rac_str_eqi(op, RAC_S("ge")),
         to = is || before || rac_str_eqi(op, RAC_S("le"));
    if (!from && !to)
        return wrong(p, "The filter has an unknown comparison", op);
    p->out->fields |= RAC_FILTER_START;
    if (from && t + after > p->out->from_ms) /* what several say has all to hold */
        p->out->from_ms = t + after;
    rac_ms last = t - before;
    if (last == 0) /* that says "open"; no run is so old, nor a moment older */
        last = -1;
    if (to && (p->out->to_ms == 0 || last < p->out->to_ms))
        p->out->to_ms = last;
    return true;
}

static void take(struct parse *p, enum rac_flow_filter_field field, rac_str v, rac_str *out)
{
    p->out->fields |= field;
    *out = v;
}

static bool comparison(struct parse *p, bool only_status)
{
    rac_str field = word(p), op = word(p), v;
    struct rac_flow_filter *f = p->out;
    rac_str tail = field;
    if (rac_str_startsi(tail, RAC_S("properties/")))
        tail = rac_str_from(tail, strlen("properties/"));
    if (!value(p, &v))
        return false;
    if (rac_str_eqi(tail, RAC_S("startTime")) && !only_status)
        return put_time(p, op, v);
    if (!rac_str_eqi(op, RAC_S("eq")))
        return wrong(p, "The filter has an unknown comparison", op);
    if (rac_str_eqi(tail, RAC_S("status"))) {
        if (f->statuses_n == RAC_FILTER_STATUSES_MAX)
            return wrong(p, "The filter names too many statuses at", v);
        take(p, RAC_FILTER_STATUS, v, &f->statuses[f->statuses_n++]);
    } else if (only_status) {
        return wrong(p, "The filter may have `or` over status only, not over", field);
    } else if (rac_str_eqi(tail, RAC_S("clientTrackingId"))) {
        take(p, RAC_FILTER_TRACKING, v, &f->tracking);
    } else if (rac_str_eqi(tail, RAC_S("state"))) {
        take(p, RAC_FILTER_STATE, v, &f->state);
    } else if (rac_str_eqi(tail, RAC_S("trigger"))) {
        take(p, RAC_FILTER_TRIGGER, v, &f->trigger);
    } else if (rac_str_eqi(tail, RAC_S("mapType"))) {
        take(p, RAC_FILTER_MAP_TYPE, v, &f->artifact_type);
    } else if (rac_str_eqi(tail, RAC_S("schemaType"))) {
        take(p, RAC_FILTER_SCHEMA_TYPE, v, &f->artifact_type);
    } else {
        return wrong(p, "The filter has an unknown field", field);
    }
    return true;
}

static bool term(struct parse *p)
{
    size_t statuses = p->out->statuses_n;
    bool ok = true;
    if (!eat(p, '(')) {
        ok = comparison(p, false);
    } else {
        do
            ok = comparison(p, true);
        while (ok && keyword(p, "or"));
        ok = ok &&
             (eat(p, ')') || wrong(p, "The filter has no closing parenthesis before", p->rest));
    }
    if (ok && statuses > 0 && p->out->statuses_n > statuses)
        return wrong(p, "The filter compares status twice, where `or` in parentheses is meant, at",
                     p->out->statuses[statuses]);
    return ok;
}

bool rac_flow_filter_parse(rac_str text, struct rac_arena *a, struct rac_flow_filter *out,
                           rac_str *why)
{
    struct parse p = {.rest = text, .a = a, .out = out};
    *out = (struct rac_flow_filter){0};
    bool ok;
    do
        ok = term(&p);
    while (ok && keyword(&p, "and"));
    skip(&p);
    if (ok && p.rest.n > 0)
        ok = wrong(&p, "The filter goes on with", p.rest);
    *why = p.why;
    return ok;
}

/* Query parameters whose name clients write in their own letter case. */
static rac_str query(const struct rac_ask *q, const char *name)
{
    for (size_t i = 0; i < q->query_n; i++)
        if (rac_str_eqi(q->query[i].name, rac_str_of(name)))
            return q->query[i].value;
    return RAC_STR_NULL;
}

bool rac_flow_filter_read(struct rac_ask *q, unsigned fields, struct rac_flow_filter *out)
{
    static const struct {
        unsigned field;
        const char *name;
    } names[] = {{RAC_FILTER_STATUS, "status"},
                 {RAC_FILTER_START, "startTime"},
                 {RAC_FILTER_TRACKING, "clientTrackingId"},
                 {RAC_FILTER_TRIGGER, "trigger"},
                 {RAC_FILTER_MAP_TYPE, "mapType"},
                 {RAC_FILTER_SCHEMA_TYPE, "schemaType"},
                 {RAC_FILTER_STATE, "state"}};
    rac_str text = query(q, "$filter"), why;
    *out = (struct rac_flow_filter){0};
    if (rac_str_trim(text).n == 0)
        return true;
    if (!rac_flow_filter_parse(text, q->a, out, &why)) {
        rac_ask_fail(q, RAC_FAULT_FILTER, "%.*s", RAC_FMT(why));
        return false;
    }
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if ((out->fields & names[i].field & ~fields) != 0) {
            rac_ask_fail(q, RAC_FAULT_FILTER, "This list cannot be filtered by %s.", names[i].name);
            return false;
        }
    return true;
}

bool rac_flow_filter_status(const struct rac_flow_filter *f, rac_str status)
{
    for (size_t i = 0; i < f->statuses_n; i++)
        if (rac_str_eqi(f->statuses[i], status))
            return true;
    return f->statuses_n == 0;
}

bool rac_flow_page(struct rac_ask *q, size_t otherwise, size_t *top, rac_str *after)
{
    rac_str t = query(q, "$top");
    uint64_t n = otherwise;
    if (t.p != NULL && (!rac_str_to_u64(t, &n) || n == 0 || n > RAC_PAGE_MAX)) {
        rac_ask_fail_code(q, 400, RAC_S("InvalidTopParameter"),
                          "$top must be a number from 1 to %d.", RAC_PAGE_MAX);
        return false;
    }
    size_t ignored;
    for (size_t i = 0; i < q->query_n; i++)
        if (rac_str_eqi(q->query[i].name, RAC_S("$skiptoken")))
            q->query[i].name = RAC_S("$skiptoken");
        else if (rac_str_eqi(q->query[i].name, RAC_S("$top")))
            q->query[i].name = RAC_S("$top");
    if (!rac_ask_page(q, &ignored, after))
        return false;
    *top = (size_t)n;
    return true;
}
