/*
 * The check goes over the definition once for its graph (names, runAfter, what runs before what),
 * then over every trigger and action for shapes and expressions. What one fault makes unclear is
 * left out rather than reported as another.
 */
#include "workflow/check/check.h"
#include "base/str.h"
#include "base/utf8.h"
#include "openapi/read.h"
#include "workflow/check/check_priv.h"

#include <stdarg.h>

#define WARNING RAC_SEV_WARNING
#define ERROR   RAC_SEV_ERROR
static const struct rac_workflow_finding findings[] = {
#define FINDING(ID, id, code, severity, title, text, fix) {id, code, severity, title, text, fix},
#include "workflow/check/findings.def"
#undef FINDING
};
#undef WARNING
#undef ERROR

const struct rac_workflow_finding *rac_workflow_finding_at(size_t i)
{
    return i < RAC_COUNT(findings) ? &findings[i] : NULL;
}

/* --- findings --------------------------------------------------------------------------------- */

static rac_str pointer_of(struct check *c, const struct at *at)
{
    if (at->up == NULL)
        return at->key;
    rac_str up = pointer_of(c, at->up);
    if (at->is_pointer)
        return rac_str_concat(c->d->a, up, at->key);
    return at->is_index ? rac_json_pointer_join_index(c->d->a, up, at->index)
                        : rac_json_pointer_join(c->d->a, up, at->key);
}

/* A reference of a draft is not finished either. */
static enum finding softened(const struct check *c, enum finding f)
{
    bool reference = f == F_ACTION_UNKNOWN || f == F_ACTION_PATH || f == F_ACTION_LOOPS ||
                     f == F_VARIABLE || f == F_RESPONSE_TRIGGER;
    return c->draft && reference ? F_REFERENCE_DRAFT : f;
}

static void report(struct check *c, enum finding f, const struct at *at, rac_str message)
{
    const struct rac_workflow_finding *row = &findings[softened(c, f)];
    struct rac_diag g = {.code = row->code, .severity = row->severity, .message = message};
    c->failed |= row->severity == RAC_SEV_ERROR;
    if (c->d->n < c->d->n_max) {
        g.message = message = rac_utf8_mend(c->d->a, message); /* it may have been cut */
        g.pointer = pointer_of(c, at);
        g.fix = rac_str_of(row->fix);
        for (const struct at *near = at; near != NULL && g.line == 0; near = near->up)
            if (near->node != NULL)
                rac_document_place(c->w->doc, near->node, &g.line, &g.column, &g.end_line,
                                   &g.end_column);
        if (c->w->profile == RAC_WF_FLOW && row->severity == RAC_SEV_ERROR)
            g.message =
                rac_arena_printf(c->d->a, "Flow save failed with code '%s' and message '%.*s'.",
                                 row->code, RAC_FMT(message));
    }
    rac_diags_add(c->d, &g);
}

enum { MESSAGE_MAX = 2048 };

void found(struct check *c, enum finding f, const struct at *at, const char *fmt, ...)
{
    va_list ap;
    if (c->d->n >= c->d->n_max) { /* only counted */
        report(c, f, at, RAC_STR_NULL);
        return;
    }
    va_start(ap, fmt);
    rac_str text = rac_arena_vprintf_max(c->d->a, MESSAGE_MAX, fmt, ap);
    va_end(ap);
    report(c, f, at, text);
}

void wrong(struct check *c, enum finding f, const struct at *at, const char *fmt, ...)
{
    va_list ap;
    uint32_t line = 1, column = 1;
    if (c->d->n >= c->d->n_max) {
        report(c, f, at, RAC_STR_NULL);
        return;
    }
    va_start(ap, fmt);
    rac_str text = rac_arena_vprintf_max(c->d->a, MESSAGE_MAX, fmt, ap);
    va_end(ap);
    if (c->noun == NULL) {
        report(c, f, at,
               rac_arena_printf(c->d->a, "The template validation failed: '%.*s'", RAC_FMT(text)));
        return;
    }
    if (c->subject != NULL)
        rac_document_place(c->w->doc, c->subject, &line, &column, NULL, NULL);
    report(c, f, at,
           rac_arena_printf(c->d->a,
                            "The template validation failed: 'The template %s '%.*s' at line '%u' "
                            "and column '%u' is not valid: \"%.*s\".'",
                            c->noun, RAC_FMT(c->name), line, column, RAC_FMT(text)));
}

/* --- all of it -------------------------------------------------------------------------------- */

rac_err rac_workflow_check(const struct rac_workflow *w, const struct rac_workflow_check_options *o,
                           struct rac_arena *a, struct rac_diags *d)
{
    static const struct rac_workflow_check_options defaults = {0};
    struct check c = {.w = w, .o = o != NULL ? o : &defaults, .a = a, .d = d};
    struct at root = AT_POINTER(w->pointer, w->definition);
    if (!rac_json_is_object(w->definition)) {
        if (!is_unknown(w->definition))
            found(&c, F_NO_DEFINITION, &root,
                  "The template validation failed: 'The definition is not an object.'");
        return c.failed ? RAC_E_INVALID : RAC_OK;
    }
    rac_map_init(&c.mistyped, a);
    check_root(&c);
    check_parameters(&c);
    check_graph(&c);
    check_variables(&c);
    check_triggers(&c);
    for (uint32_t i = 0; i < c.nodes_n && !rac_arena_over(a); i++)
        check_action(&c, i);
    c.noun = NULL;
    check_outputs(&c);
    check_static_results(&c);
    check_access(&c);
    if (rac_arena_over(a))
        return RAC_E_LIMIT;
    return c.failed ? RAC_E_INVALID : RAC_OK;
}
