/* Data operations and Response (spec workflows §3.3, §3.7). */
#include "base/str.h"
#include "json/schema.h"
#include "workflow/run/run_priv.h"
#include "workflow/definition/schema_text.h"

static void body_outputs(struct rac_run *r, struct rac_act_result *o, struct rac_json body)
{
    o->outputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &o->outputs, "body", body);
}

void act_compose(struct rac_run *r RAC_UNUSED, struct rac_wf_record *x, struct rac_act_result *o)
{
    o->outputs = x->inputs;
    run_succeed(o, "OK");
}

/* --- per item --------------------------------------------------------------------------------- */

static bool from_array(struct rac_run *r, struct rac_wf_record *x, const struct rac_json *from,
                       const char *what, struct rac_act_result *o)
{
    if (rac_json_is_array(from))
        return true;
    run_fail(r, o, "BadRequest", "InvalidTemplate",
             "The execution of template action '%.*s' failed: the 'from' property value in the "
             "'%s' action inputs is of type '%s'. The value must be an array.",
             RAC_FMT(x->action->name), what, from ? rac_expr_type_name(from) : "Null");
    return false;
}

/* Evaluates the subject for one item, item() being that one. */
static bool for_item(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
                     const struct rac_json *item, struct rac_json *out, struct rac_act_result *o)
{
    struct rac_json before = r->item;
    bool had = r->has_item;
    r->item = *item;
    r->has_item = true;
    bool ok = run_eval(r, x, e, out, o);
    r->item = before;
    r->has_item = had;
    return ok;
}

void act_select(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct rac_json list = rac_json_new_array(r->a), v;
    if (!from_array(r, x, &x->inputs, "select", o))
        return;
    RAC_JSON_EACH(item, &x->inputs)
    {
        if (!for_item(r, x, x->action->subject, item, &v, o))
            return;
        rac_json_add(r->a, &list, v);
    }
    body_outputs(r, o, list);
    run_succeed(o, "NotSpecified");
}

void act_query(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct rac_json list = rac_json_new_array(r->a), v;
    if (!from_array(r, x, &x->inputs, "query", o))
        return;
    RAC_JSON_EACH(item, &x->inputs)
    {
        if (!for_item(r, x, x->action->subject, item, &v, o))
            return;
        if (v.type != RAC_JSON_BOOL) {
            run_fail(r, o, "BadRequest", "InvalidTemplate",
                     "The execution of template action '%.*s' failed: 'where' gave a value of type "
                     "'%s'. The value must be a Boolean.",
                     RAC_FMT(x->action->name), rac_expr_type_name(&v));
            return;
        }
        if (v.b)
            rac_json_add(r->a, &list, *item);
    }
    body_outputs(r, o, list);
    run_succeed(o, "NotSpecified");
}

/* Text of an item: strings raw, anything else compact JSON. */
static rac_str item_text(struct rac_run *r, const struct rac_json *v)
{
    if (v->type == RAC_JSON_STRING)
        return (rac_str){v->s, v->n};
    if (v->type == RAC_JSON_NULL)
        return RAC_S("");
    if (v->type == RAC_JSON_BOOL)
        return v->b ? RAC_S("true") : RAC_S("false");
    return rac_expr_text(v, r->a);
}

void act_join(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    const struct rac_json *from = RAC_JSON_GETI(&x->inputs, "from");
    rac_str with = rac_json_str(RAC_JSON_GETI(&x->inputs, "joinWith"), RAC_S(""));
    struct rac_buf b;
    if (!from_array(r, x, from, "join", o))
        return;
    rac_buf_init(&b, 104857600);
    for (size_t i = 0; i < rac_json_len(from); i++) {
        if (i > 0)
            rac_buf_add(&b, with);
        rac_buf_add(&b, item_text(r, rac_json_at(from, i)));
    }
    if (rac_buf_err(&b) != RAC_OK) {
        run_fail(r, o, "BadRequest", "InvalidTemplate", "The joined text is too large.");
    } else {
        body_outputs(r, o, rac_json_of_str(rac_arena_str(r->a, rac_buf_str(&b))));
        run_succeed(o, "OK");
    }
    rac_buf_fini(&b);
}

/* --- tables (§3.7.1) -------------------------------------------------------------------------- */

struct column {
    rac_str header;
    struct rac_json key;          /* of automatic columns */
    const struct rac_expr *value; /* of given ones */
};

static void put_cell(struct rac_buf *b, rac_str s, bool csv)
{
    if (csv) {
        bool quote = false;
        for (size_t i = 0; i < s.n; i++)
            quote |= strchr(",\"\r\n", s.p[i]) != NULL && s.p[i] != '\0';
        if (quote)
            rac_buf_add_char(b, '"');
        for (size_t i = 0; i < s.n; i++) {
            if (s.p[i] == '"' && quote)
                rac_buf_add_char(b, '"');
            rac_buf_add_char(b, s.p[i]);
        }
        if (quote)
            rac_buf_add_char(b, '"');
        return;
    }
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            RAC_BUF_ADD_LIT(b, "&amp;");
            break;
        case '<':
            RAC_BUF_ADD_LIT(b, "&lt;");
            break;
        case '>':
            RAC_BUF_ADD_LIT(b, "&gt;");
            break;
        case '"':
            RAC_BUF_ADD_LIT(b, "&quot;");
            break;
        case '\'':
            RAC_BUF_ADD_LIT(b, "&#39;");
            break;
        default:
            rac_buf_add_char(b, s.p[i]);
        }
    }
}

static void put_row(struct rac_buf *b, const rac_str *cells, size_t n, bool csv, bool head)
{
    if (!csv)
        RAC_BUF_ADD_LIT(b, "<tr>");
    for (size_t i = 0; i < n; i++) {
        if (csv && i > 0)
            rac_buf_add_char(b, ',');
        if (!csv)
            rac_buf_add(b, head ? RAC_S("<th>") : RAC_S("<td>"));
        put_cell(b, cells[i], csv);
        if (!csv)
            rac_buf_add(b, head ? RAC_S("</th>") : RAC_S("</td>"));
    }
    rac_buf_add(b, csv ? RAC_S("\r\n") : RAC_S("</tr>"));
}

/* Headers in first-seen order; the same header twice is one column. */
static struct rac_map columns_of(struct rac_run *r, const struct rac_json *rows)
{
    struct rac_map m;
    rac_map_init(&m, r->a);
    RAC_JSON_EACH(row, rows)
    RAC_JSON_EACH_MEMBER(cell, row)
    (void)rac_map_add(&m, rac_json_key(cell), r);
    return m;
}

/* Rows as objects header -> value: items themselves, or the given columns evaluated. */
static bool table_rows(struct rac_run *r, struct rac_wf_record *x, struct rac_json *rows,
                       struct rac_act_result *o)
{
    *rows = rac_json_new_array(r->a);
    RAC_JSON_EACH(item, &x->inputs)
    {
        struct rac_json row = rac_json_new_object(r->a), given;
        if (x->action->subject == NULL && !rac_json_is_object(item)) {
            run_fail(r, o, "BadRequest", "InvalidTemplate",
                     "The execution of template action '%.*s' failed: without 'columns' every item "
                     "must be an object.",
                     RAC_FMT(x->action->name));
            return false;
        }
        if (x->action->subject == NULL) {
            row = *item;
        } else {
            if (!for_item(r, x, x->action->subject, item, &given, o))
                return false;
            RAC_JSON_EACH(c, &given)
            {
                rac_str header = rac_json_str(RAC_JSON_GETI(c, "header"), RAC_S(""));
                const struct rac_json *v = RAC_JSON_GETI(c, "value");
                if (rac_json_get(&row, header) == NULL || !rac_json_is_null(v))
                    rac_json_put(r->a, &row, header, v ? *v : rac_json_of_null());
            }
        }
        rac_json_add(r->a, rows, row);
    }
    return true;
}

void act_table(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    const struct rac_json *inputs = RAC_JSON_GETI(x->action->node, "inputs");
    bool csv =
        !rac_str_eqi(rac_json_str(RAC_JSON_GETI(inputs, "format"), RAC_S("CSV")), RAC_S("HTML"));
    struct rac_json rows;
    struct rac_buf b;
    if (!from_array(r, x, &x->inputs, "table", o) || !table_rows(r, x, &rows, o))
        return;
    struct rac_map columns = columns_of(r, &rows);
    rac_str *cells = RAC_NEW_N(r->a, rac_str, columns.n);
    rac_buf_init(&b, 104857600);
    if (!csv)
        RAC_BUF_ADD_LIT(&b, "<table><thead>");
    for (size_t i = 0; i < columns.n; i++)
        cells[i] = columns.entries[i].key;
    if (!csv || columns.n > 0)
        put_row(&b, cells, columns.n, csv, true);
    if (!csv)
        RAC_BUF_ADD_LIT(&b, "</thead><tbody>");
    RAC_JSON_EACH(row, &rows)
    {
        for (size_t i = 0; i < columns.n; i++) {
            const struct rac_json *v = rac_json_get(row, columns.entries[i].key);
            cells[i] = v ? item_text(r, v) : RAC_S("");
        }
        put_row(&b, cells, columns.n, csv, false);
    }
    if (!csv)
        RAC_BUF_ADD_LIT(&b, "</tbody></table>");
    if (rac_buf_err(&b) != RAC_OK) {
        run_fail(r, o, "BadRequest", "InvalidTemplate", "The table is too large.");
    } else {
        body_outputs(r, o, rac_json_of_str(rac_arena_str(r->a, rac_buf_str(&b))));
        run_succeed(o, "OK");
    }
    rac_buf_fini(&b);
}

/* --- ParseJson -------------------------------------------------------------------------------- */

static bool content_of(struct rac_run *r, struct rac_wf_record *x, struct rac_json *out,
                       struct rac_act_result *o)
{
    const struct rac_json *content = RAC_JSON_GETI(&x->inputs, "content");
    struct rac_json_error where;
    *out = content != NULL ? *content : rac_json_of_null();
    if (out->type == RAC_JSON_OBJECT && rac_json_get(out, RAC_S("$content")) != NULL &&
        rac_json_get(out, RAC_S("$content-type")) != NULL)
        *out = rac_json_of_str(rac_expr_text(out, r->a));
    if (out->type != RAC_JSON_STRING)
        return true;
    if (rac_json_parse((rac_str){out->s, out->n}, r->a, 0, out, &where) == RAC_OK)
        return true;
    run_fail(r, o, "BadRequest", "InvalidJSON",
             "The 'content' of action '%.*s' is not JSON: %s at line %u, column %u.",
             RAC_FMT(x->action->name), where.message, where.line, where.column);
    return false;
}

void act_parse_json(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    enum { ERRORS_MAX = 100 };
    const struct rac_json *schema = RAC_JSON_GETI(&x->inputs, "schema");
    struct rac_schema *compiled = NULL;
    struct rac_json v;
    struct rac_diags found;
    if (!content_of(r, x, &v, o))
        return;
    body_outputs(r, o, v);
    rac_diags_init(&found, r->a, ERRORS_MAX);
    struct rac_schema_options options = rac_schema_of_workflow(schema);
    if (rac_json_is_object(schema) &&
        rac_schema_compile(schema, RAC_S(""), &options, r->a, &compiled, &found) == RAC_OK &&
        rac_schema_check(compiled, &v, &found) != RAC_OK) {
        RAC_JSON_PUT(r->a, &o->outputs, "errors", rac_schema_errors(&found, schema, &v, r->a));
        run_fail(r, o, "BadRequest", "ValidationFailed", "The schema validation failed.");
        return;
    }
    run_succeed(o, "OK");
}

/* --- Expression: time arithmetic as an action ------------------------------------------------- */

static rac_str quoted(struct rac_run *r, const struct rac_json *v)
{
    if (v == NULL)
        return RAC_S("null");
    if (v->type == RAC_JSON_INT)
        return rac_expr_text(v, r->a);
    return rac_arena_printf(
        r->a, "'%.*s'",
        RAC_FMT(rac_str_replace(r->a, rac_expr_text(v, r->a), RAC_S("'"), RAC_S("''"))));
}

void act_expression(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    static const struct {
        rac_str kind;
        const char *call;
        rac_str args[4];
    } table[] = {
        {RAC_S_INIT("AddToTime"),
         "addToTime",
         {RAC_S_INIT("baseTime"), RAC_S_INIT("interval"), RAC_S_INIT("timeUnit")}},
        {RAC_S_INIT("SubtractFromTime"),
         "subtractFromTime",
         {RAC_S_INIT("baseTime"), RAC_S_INIT("interval"), RAC_S_INIT("timeUnit")}},
        {RAC_S_INIT("GetFutureTime"),
         "getFutureTime",
         {RAC_S_INIT("interval"), RAC_S_INIT("timeUnit")}},
        {RAC_S_INIT("GetPastTime"),
         "getPastTime",
         {RAC_S_INIT("interval"), RAC_S_INIT("timeUnit")}},
        {RAC_S_INIT("CurrentTime"), "utcNow", {{NULL, 0}}},
        {RAC_S_INIT("ConvertTimeZone"),
         "convertTimeZone",
         {RAC_S_INIT("baseTime"), RAC_S_INIT("sourceTimeZone"), RAC_S_INIT("destinationTimeZone"),
          RAC_S_INIT("formatString")}},
    };
    rac_str kind = rac_json_str(RAC_JSON_GETI(x->action->node, "kind"), RAC_S(""));
    for (size_t i = 0; i < RAC_COUNT(table); i++) {
        if (!rac_str_eqi(kind, table[i].kind))
            continue;
        rac_str text = rac_arena_printf(r->a, "@%s(", table[i].call);
        for (size_t k = 0; k < 4 && table[i].args[k].n > 0; k++) {
            const struct rac_json *v = rac_json_geti(&x->inputs, table[i].args[k]);
            if (v == NULL && k == 3) /* the format is optional */
                break;
            text = rac_arena_printf(r->a, "%.*s%s%.*s", RAC_FMT(text), k > 0 ? "," : "",
                                    RAC_FMT(quoted(r, v)));
        }
        const struct rac_expr *e;
        struct rac_json v;
        text = rac_str_concat(r->a, text, RAC_S(")"));
        if (rac_expr_compile(text, 0, r->a, &e, NULL) == RAC_OK && run_eval(r, x, e, &v, o)) {
            body_outputs(r, o, v);
            run_succeed(o, "OK");
        }
        return;
    }
    run_fail(r, o, "BadRequest", "InvalidTemplate",
             "The kind '%.*s' of action '%.*s' is not one of AddToTime, SubtractFromTime, "
             "GetFutureTime, GetPastTime, CurrentTime, ConvertTimeZone.",
             RAC_FMT(kind), RAC_FMT(x->action->name));
}

/* --- Response (§3.3) -------------------------------------------------------------------------- */

static bool dropped_header(rac_str name)
{
    static const rac_str kept[] = {RAC_S_INIT("Content-Disposition"),
                                   RAC_S_INIT("Content-Encoding"), RAC_S_INIT("Content-Type")};
    static const rac_str gone[] = {RAC_S_INIT("Allow"),      RAC_S_INIT("Cookie"),
                                   RAC_S_INIT("Expires"),    RAC_S_INIT("Last-Modified"),
                                   RAC_S_INIT("Set-Cookie"), RAC_S_INIT("Transfer-Encoding")};
    for (size_t i = 0; i < RAC_COUNT(kept); i++)
        if (rac_str_eqi(name, kept[i]))
            return false;
    for (size_t i = 0; i < RAC_COUNT(gone); i++)
        if (rac_str_eqi(name, gone[i]))
            return true;
    return rac_str_startsi(name, RAC_S("Content-"));
}

static bool status_code(const struct rac_json *v, int64_t *code)
{
    *code = 200;
    if (v == NULL || v->type == RAC_JSON_NULL)
        return true;
    if (v->type == RAC_JSON_STRING)
        return rac_str_to_i64((rac_str){v->s, v->n}, code);
    *code = rac_json_int(v, 0);
    return true;
}

/* The value of a Response: {statusCode, headers, body}. False: *o has failed. */
static bool response_of(struct rac_run *r, struct rac_wf_record *x, struct rac_json *out,
                        struct rac_act_result *o)
{
    int64_t code;
    if (!status_code(RAC_JSON_GETI(&x->inputs, "statusCode"), &code) || code < 200 || code > 599 ||
        (code > 299 && code < 400)) {
        run_fail(r, o, "BadRequest", "BadRequest",
                 "The 'statusCode' of action '%.*s' must be 200 to 299 or 400 to 599.",
                 RAC_FMT(x->action->name));
        return false;
    }
    struct rac_json headers = rac_json_new_object(r->a);
    const struct rac_json *body = RAC_JSON_GETI(&x->inputs, "body");
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GETI(&x->inputs, "headers"))
    if (!dropped_header(rac_json_key(m)) && m->value.type != RAC_JSON_NULL)
        rac_json_put(r->a, &headers, rac_json_key(m),
                     rac_json_of_str(rac_expr_text(&m->value, r->a)));
    *out = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, out, "statusCode", rac_json_of_int(code));
    RAC_JSON_PUT(r->a, out, "headers", headers);
    if (body != NULL && body->type != RAC_JSON_NULL)
        RAC_JSON_PUT(r->a, out, "body", *body);
    return true;
}

void act_response(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct rac_json response;
    if (r->response_sent) {
        run_fail(r, o, "Conflict", "Conflict",
                 "The action '%.*s' cannot respond: a response was sent already.",
                 RAC_FMT(x->action->name));
        return;
    }
    if (r->caller_gone) {
        run_fail(r, o, "ActionResponseTimedOut", "ActionResponseTimedOut",
                 "The execution of template action '%.*s' is failed: the client application timed "
                 "out waiting for a response from service. This means that workflow took longer to "
                 "respond than the allowed timeout value.",
                 RAC_FMT(x->action->name));
        return;
    }
    if (!r->caller_waits) {
        o->skip = RAC_SKIP_RESPONSE;
        return;
    }
    if (!response_of(r, x, &response, o))
        return;
    struct rac_entry e = {.kind = RAC_ENTRY_RESPONSE,
                          .frame = x->frame->id,
                          .action = run_place(r, x),
                          .extra = run_value(response)};
    run_emit(r, &e);
    run_succeed(o, "OK");
}
