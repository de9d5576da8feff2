/* raccord eval: one expression, or a batch of vectors (spec expressions, "Vector format"). */
#include "cli/output.h"
#include "expr/expr.h"
#include "expr/moment.h"

enum { LINE_BYTES_MAX = 16 << 20, FILE_BYTES_MAX = 512 << 20, ARENA_BYTES_MAX = 1 << 30 };

/* --- the context of a vector as a scope ------------------------------------------------------- */

struct context {
    const struct rac_json *v; /* object, or NULL */
};

static bool named(const struct rac_json *map, rac_str name, struct rac_json *out)
{
    const struct rac_json *v = rac_json_get(map, name);
    if (v != NULL)
        *out = *v;
    return v != NULL;
}

static bool trigger(const struct rac_json *c, struct rac_arena *a, struct rac_json *out)
{
    const struct rac_json *outputs = RAC_JSON_GET(c, "triggerOutputs"),
                          *body = RAC_JSON_GET(c, "triggerBody");
    if (named(c, RAC_S("trigger"), out))
        return true;
    if (outputs == NULL && body == NULL)
        return false;
    struct rac_json made = rac_json_new_object(a);
    if (outputs != NULL)
        made = *outputs;
    else
        RAC_JSON_PUT(a, &made, "body", *body);
    *out = rac_json_new_object(a);
    RAC_JSON_PUT(a, out, "outputs", made);
    return true;
}

static bool context_get(void *self, enum rac_expr_ref ref, rac_str name, struct rac_arena *a,
                        struct rac_json *out)
{
    static const struct {
        enum rac_expr_ref ref;
        rac_str member;
        bool by_name;
    } table[] = {{RAC_EXPR_REF_ACTION, RAC_S_INIT("action"), false},
                 {RAC_EXPR_REF_ACTIONS, RAC_S_INIT("actions"), true},
                 {RAC_EXPR_REF_VARIABLES, RAC_S_INIT("variables"), true},
                 {RAC_EXPR_REF_PARAMETERS, RAC_S_INIT("parameters"), true},
                 {RAC_EXPR_REF_ITEM, RAC_S_INIT("item"), false},
                 {RAC_EXPR_REF_ITEMS, RAC_S_INIT("items"), true},
                 {RAC_EXPR_REF_ITERATION_INDEXES, RAC_S_INIT("iterationIndexes"), true},
                 {RAC_EXPR_REF_RESULT, RAC_S_INIT("results"), true},
                 {RAC_EXPR_REF_WORKFLOW, RAC_S_INIT("workflow"), false},
                 {RAC_EXPR_REF_CALLBACK_URL, RAC_S_INIT("callbackUrl"), false},
                 {RAC_EXPR_REF_APPSETTING, RAC_S_INIT("appsettings"), true}};
    const struct rac_json *c = ((struct context *)self)->v;
    if (ref == RAC_EXPR_REF_TRIGGER)
        return trigger(c, a, out);
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (table[i].ref == ref)
            return table[i].by_name ? named(rac_json_get(c, table[i].member), name, out)
                                    : named(c, table[i].member, out);
    return false;
}

/* --- one evaluation --------------------------------------------------------------------------- */

static rac_err evaluate(struct rac_cli *cli, rac_str text, const struct rac_json *context,
                        struct rac_arena *a, struct rac_json *value, struct rac_expr_error *error)
{
    struct context c = {context};
    struct moment m;
    rac_str now = rac_json_str(RAC_JSON_GET(context, "now"), RAC_STR_NULL);
    struct rac_expr_scope scope = {context_get, &c};
    struct rac_expr_run run = {.scope = &scope, .env = cli->env, .a = a};
    if (now.p != NULL && moment_parse(now, &m))
        run.now_ticks = m.ticks;
    const struct rac_expr *x;
    rac_err e = rac_expr_compile(text, RAC_EXPR_TOLERANT, a, &x, error);
    if (e != RAC_OK)
        return e;
    e = rac_expr_eval(x, &run, value);
    if (e == RAC_OK)
        *value = rac_expr_mend(a, *value);
    else
        *error = run.error;
    return e;
}

static struct rac_json error_json(struct rac_arena *a, const struct rac_expr_error *error)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "category", rac_str_of(rac_expr_category_word(error->category)));
    RAC_JSON_PUT_STR(a, &o, "message", error->message);
    return o;
}

/* --- batch ------------------------------------------------------------------------------------ */

static bool batch_line(struct rac_cli *cli, rac_str line, struct rac_arena *a)
{
    struct rac_json vector, value, out = rac_json_new_object(a);
    struct rac_json_error where;
    struct rac_expr_error error = {0};
    bool ok = false;
    bool read = rac_json_parse(line, a, 0, &vector, &where) == RAC_OK;
    const struct rac_json *id = read ? RAC_JSON_GET(&vector, "id") : NULL;
    RAC_JSON_PUT(a, &out, "id", id != NULL ? *id : rac_json_of_null());
    if (!read || !rac_json_is_string(RAC_JSON_GET(&vector, "expr"))) {
        error.category = RAC_EXPR_PARSE;
        error.message = RAC_S("the line is no JSON object with a member \"expr\"");
    } else {
        ok = evaluate(cli, rac_json_str(RAC_JSON_GET(&vector, "expr"), RAC_S("")),
                      RAC_JSON_GET(&vector, "context"), a, &value, &error) == RAC_OK;
    }
    if (ok)
        RAC_JSON_PUT(a, &out, "value", value);
    else
        RAC_JSON_PUT(a, &out, "error", error_json(a, &error));
    rac_cli_print_json_line(cli, &out);
    return ok;
}

static int run_batch(struct rac_cli *cli, const char *file)
{
    rac_str text, why;
    rac_err e = rac_cli_read(cli, file, FILE_BYTES_MAX, cli->a, &text, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    struct rac_arena a;
    rac_arena_init(&a, ARENA_BYTES_MAX);
    bool all = true;
    for (rac_str rest = text; rest.p != NULL;) {
        rac_str line = rac_str_trim(rac_str_cut(rest, '\n', &rest));
        if (line.n == 0)
            continue;
        all &= batch_line(cli, line, &a);
        rac_arena_reset(&a);
    }
    rac_arena_fini(&a);
    return all ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

/* --- single ----------------------------------------------------------------------------------- */

static void print_error(struct rac_cli *cli, rac_str text, const struct rac_expr_error *error)
{
    rac_cli_note(cli, "raccord: %s: %.*s", rac_expr_category_word(error->category),
                 RAC_FMT(error->message));
    rac_cli_underline(cli, cli->err, 4, '^', text, error->offset, error->length);
}

static int read_context(struct rac_cli *cli, struct rac_json *context)
{
    const char *file = rac_cli_opt(cli, "context");
    rac_str text, why;
    struct rac_json_error where;
    *context = rac_json_new_object(cli->a);
    if (file == NULL)
        return RAC_EXIT_OK;
    rac_err e = rac_cli_read(cli, file, LINE_BYTES_MAX, cli->a, &text, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    if (rac_json_parse(text, cli->a, 0, context, &where) != RAC_OK || !rac_json_is_object(context))
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s:%u:%u: it must be a JSON object (%s)",
                            file, where.line, where.column, where.message);
    return RAC_EXIT_OK;
}

static struct rac_json function_json(struct rac_arena *a, const struct rac_expr_function *f)
{
    struct rac_json o = rac_json_new_object(a), gives = rac_json_of_null();
    rac_err e = rac_json_parse(rac_str_of(f->gives), a, 0, &gives, NULL);
    RAC_ASSERT(e == RAC_OK);
    RAC_JSON_PUT_STR(a, &o, "name", rac_str_of(f->name));
    RAC_JSON_PUT_STR(a, &o, "section", rac_str_of(f->section));
    RAC_JSON_PUT_STR(a, &o, "signature", rac_str_of(f->signature));
    RAC_JSON_PUT_STR(a, &o, "summary", rac_str_of(f->summary));
    RAC_JSON_PUT_STR(a, &o, "example", rac_str_of(f->example));
    RAC_JSON_PUT(a, &o, "gives", gives);
    return o;
}

static void print_function(struct rac_cli *cli, const struct rac_expr_function *f, bool example)
{
    fprintf(cli->out, "  %-52s %s\n", f->signature, f->summary);
    if (example)
        fprintf(cli->out, "    %s = %s\n", f->example, f->gives);
}

/* Those with a word in their name, with examples; without a word all of them. */
static int list_functions(struct rac_cli *cli, rac_str word)
{
    const char *section;
    const struct rac_expr_function *f;
    struct rac_json all = rac_json_new_array(cli->a);
    for (size_t s = 0; (section = rac_expr_section_at(s)) != NULL; s++) {
        bool headed = false;
        for (size_t i = 0; (f = rac_expr_function_at(i)) != NULL; i++) {
            if (strcmp(f->section, section) != 0 ||
                rac_str_findi(rac_str_of(f->name), word) == RAC_STR_NPOS)
                continue;
            if (!headed && cli->format == RAC_FORMAT_TEXT)
                fprintf(cli->out, "%s%s\n", rac_json_len(&all) > 0 ? "\n" : "", section);
            headed = true;
            rac_json_add(cli->a, &all, function_json(cli->a, f));
            if (cli->format == RAC_FORMAT_TEXT)
                print_function(cli, f, word.n > 0);
        }
    }
    if (rac_json_len(&all) == 0)
        return rac_cli_fail(cli, RAC_EXIT_FINDINGS,
                            "no function has %.*s in its name; `raccord eval --functions` lists "
                            "all",
                            RAC_FMT(word));
    if (cli->format != RAC_FORMAT_TEXT)
        rac_cli_print_json(cli, &all);
    return RAC_EXIT_OK;
}

static int run_eval(struct rac_cli *cli)
{
    const char *batch = rac_cli_opt(cli, "batch");
    struct rac_json context, value;
    struct rac_expr_error error = {0};
    if (rac_cli_has(cli, "functions"))
        return cli->args_n > 1 || batch != NULL
                   ? rac_cli_usage(cli, "--functions takes one part of a name, or nothing")
                   : list_functions(cli, rac_str_of(cli->args_n == 1 ? cli->args[0] : ""));
    if (batch != NULL)
        return cli->args_n == 0 ? run_batch(cli, batch)
                                : rac_cli_usage(cli, "a batch takes its expressions from the file");
    if (cli->args_n != 1)
        return rac_cli_usage(cli, "one expression, in quotes");
    int status = read_context(cli, &context);
    if (status != RAC_EXIT_OK)
        return status;
    rac_str text = rac_str_of(cli->args[0]);
    rac_err e = evaluate(cli, text, &context, cli->a, &value, &error);
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json o = rac_json_new_object(cli->a);
        if (e == RAC_OK)
            RAC_JSON_PUT(cli->a, &o, "value", value);
        else
            RAC_JSON_PUT(cli->a, &o, "error", error_json(cli->a, &error));
        rac_cli_print_json(cli, &o);
    } else if (e != RAC_OK) {
        print_error(cli, text, &error);
    } else {
        rac_cli_print_json(cli, &value);
    }
    return e == RAC_OK ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

static const struct rac_option eval_options[] = {
    {"context", 0, "FILE", "what it can refer to: {trigger, actions, variables, parameters, ...}"},
    {"batch", 0, "FILE",
     "JSON Lines of {id, expr, context?}; answers one line each; - reads stdin"},
    {"functions", 0, NULL,
     "lists the functions; with NAME those that have it in their name, with examples"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_eval = {
    .words = "eval",
    .synopsis = "EXPRESSION [--context FILE] | --batch FILE | --functions [NAME]",
    .summary = "Evaluate a workflow expression",
    .details =
        "The expression is written as in a workflow: '@add(1, 2)', 'text @{utcNow()} text'.\n"
        "  raccord eval \"@toUpper(concat('a', 'b'))\"",
    .options = eval_options,
    .run = run_eval,
};
