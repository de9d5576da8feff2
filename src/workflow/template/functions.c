/* The table of functions, and how one is called. */
#include "base/str.h"
#include "expr/expr.h"
#include "workflow/template/template_priv.h"

enum { ARGS_MAX = TEMPLATE_ARGS_MAX, STEPS_PER_UNIT = 8 };
enum known { KNOWN, PARTS, ANY };

static const struct row {
    const char *name;
    unsigned min, max;
    template_function fn; /* NULL: shared, or known to a deployment only */
    enum known known;
    const char *shared, *why;
} rows[] = {
#define FN(name, min, max, fn, args) {name, min, max, fn, args, NULL, NULL},
#define SHARED(name, min, max, own)  {name, min, max, NULL, KNOWN, own, NULL},
#define DEPLOYED(name, why)          {name, 0, ARGS_MAX, NULL, ANY, NULL, why},
#include "workflow/template/functions.def"
};

/* --- what functions share --------------------------------------------------------------------- */

rac_str template_text(struct resolver *r, const struct rac_json *v)
{
    if (v->type == RAC_JSON_STRING)
        return (rac_str){v->s, v->n};
    return v->type != RAC_JSON_NULL && affordable(r, v) ? rac_expr_text(v, r->a) : RAC_S("");
}

struct rac_json template_string(struct resolver *r, rac_str s)
{
    return affordable_bytes(r, s.n) ? rac_json_of_str(s)
                                    : unknown_because(r, "the text is too long");
}

struct rac_json template_shared(struct resolver *r, const char *name, const struct rac_json *v,
                                size_t n)
{
    struct rac_json out;
    struct rac_expr_run run = {
        .a = r->a,
        .limits = {.steps_max = (uint64_t)(r->budget > 0 ? r->budget : 0) + 1,
                   .string_max = 1 << 24}};
    rac_err e = rac_expr_call(rac_str_of(name), v, n, &run, &out);
    r->budget -= (int64_t)run.steps;
    if (e == RAC_E_LIMIT)
        return unknown_because(r, "the value is too large");
    if (e != RAC_OK)
        return unknown_becausef(r, "%.*s", RAC_FMT(run.error.message));
    if (out.type != RAC_JSON_STRING)
        return out;
    return affordable_bytes(r, out.n) ? rac_expr_mend(r->a, out)
                                      : unknown_because(r, "the text is too long");
}

size_t template_length(struct resolver *r, const struct rac_json *string)
{
    struct rac_json n = template_shared(r, "length", string, 1);
    return (size_t)rac_json_int(&n, 0);
}

struct rac_json template_part(struct resolver *r, const struct rac_json *string, size_t from,
                              size_t n)
{
    size_t length = template_length(r, string);
    from = from < length ? from : length;
    n = n < length - from ? n : length - from;
    struct rac_json v[3] = {*string, rac_json_of_int((int64_t)from), rac_json_of_int((int64_t)n)};
    return template_shared(r, "substring", v, 3);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* The first part of a value that is not known, or NULL; *costly: there is too much to look at, for
 * this and for the function that looks at its texts. */
static const struct rac_json *unknown_part(struct resolver *r, const struct rac_json *v,
                                           bool *costly)
{
    if (value_is_unknown(v))
        return v;
    const struct rac_json *found = NULL;
    *costly |= !affordable_bytes(r, v->type == RAC_JSON_STRING ? v->n / 8 : 0) ||
               r->levels >= TEMPLATE_LEVELS_MAX;
    r->levels++;
    for (size_t i = 0; i < rac_json_len(v) && found == NULL && !*costly; i++) {
        const struct rac_json_member *m = rac_json_member_at(v, i);
        found = unknown_part(r, m != NULL ? &m->value : rac_json_at(v, i), costly);
    }
    r->levels--;
    return found;
}

struct rac_json template_missing(struct resolver *r, const struct rac_json *v)
{
    bool costly = false;
    const struct rac_json *found = unknown_part(r, v, &costly);
    return found != NULL ? *found
           : costly      ? unknown_because(r, "the value is too large")
                         : rac_json_none;
}

/* Of a function of the template's own: functions[].namespace.members.NAME. */
static const struct rac_json *own_member(const struct resolver *r, rac_str name)
{
    rac_str rest, space = rac_str_cut(name, '.', &rest);
    RAC_JSON_EACH(f, rac_json_geti(r->scope->root, RAC_S("functions")))
    if (rac_str_eqi(rac_json_str(rac_json_geti(f, RAC_S("namespace")), RAC_S("")), space))
        return rac_json_geti(rac_json_geti(f, RAC_S("members")), rest);
    return NULL;
}

static struct rac_json own_function(struct resolver *r, rac_str name, const struct arguments *x)
{
    const struct rac_json *found = own_member(r, name),
                          *output = rac_json_geti(found, RAC_S("output")),
                          *value = rac_json_geti(output, RAC_S("value"));
    if (value == NULL)
        return unknown_becausef(r, "the template has no function '%.*s'", RAC_FMT(name));
    struct scope *outer = r->scope, own = {.root = outer->root, .source = outer->source};
    own.arguments = rac_json_new_object(r->a);
    rac_map_init(&own.values, r->a);
    size_t i = 0;
    RAC_JSON_EACH(p, rac_json_geti(found, RAC_S("parameters")))
    {
        if (i < x->n)
            rac_json_put(r->a, &own.arguments,
                         rac_json_str(rac_json_geti(p, RAC_S("name")), RAC_S("")), x->v[i]);
        i++;
    }
    if (i != x->n)
        return unknown_becausef(r, "%.*s() is given %zu values and takes %zu", RAC_FMT(name), x->n,
                                i);
    const struct binding *bound = r->bound;
    r->scope = &own;
    r->bound = NULL;
    struct rac_json v = resolve(r, value, RAC_STR_NULL);
    r->scope = outer;
    r->bound = bound;
    return v;
}

/* UNKNOWN when an argument that has to be known is not, else NONE. */
static struct rac_json argument_missing(struct resolver *r, const struct row *row,
                                        const struct arguments *x)
{
    struct rac_json missing = rac_json_none;
    for (size_t i = 0; i < x->n && row->known != ANY && missing.type == RAC_JSON_NONE; i++)
        if (row->known == KNOWN)
            missing = template_missing(r, &x->v[i]);
        else if (value_is_unknown(&x->v[i]))
            missing = x->v[i];
    return missing;
}

static struct rac_json call_row(struct resolver *r, const struct row *row, struct arguments *x)
{
    if (x->n < row->min || x->n > row->max)
        return unknown_becausef(r, "%s() is given %zu values", row->name, x->n);
    if (row->why != NULL)
        return unknown_because(r, row->why);
    struct rac_json missing = argument_missing(r, row, x);
    if (missing.type != RAC_JSON_NONE)
        return missing;
    return row->fn != NULL ? row->fn(r, x) : template_shared(r, row->shared, x->v, x->n);
}

static bool takes_lambda(template_function fn)
{
    return fn == tf_filter || fn == tf_map || fn == tf_map_values || fn == tf_reduce ||
           fn == tf_sort || fn == tf_to_object || fn == tf_group_by;
}

static bool has_lambda(const struct arguments *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->v[i].type == RAC_JSON_STRING && (x->v[i].flags & TEMPLATE_LAMBDA) != 0)
            return true;
    return false;
}

struct rac_json template_call(struct resolver *r, rac_str name, struct arguments *x)
{
    const struct row *row = NULL;
    for (size_t i = 0; i < RAC_COUNT(rows) && row == NULL; i++)
        if (rac_str_eqi(name, rac_str_of(rows[i].name)))
            row = &rows[i];
    if (has_lambda(x) && (row == NULL || !takes_lambda(row->fn)))
        return unknown_because(r, "a lambda stands where no function takes one");
    if (row != NULL)
        return call_row(r, row, x);
    if (rac_str_find_char(name, '.') != RAC_STR_NPOS)
        return own_function(r, name, x);
    if (rac_str_startsi(name, RAC_S("list")))
        return unknown_becausef(r, "%.*s() is asked of a resource, which exists when deployed",
                                RAC_FMT(name));
    return unknown_becausef(r, "templates have no function '%.*s'", RAC_FMT(name));
}
