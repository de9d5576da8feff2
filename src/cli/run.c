/* raccord run: a workflow once, from files, without a server (architecture §1). */
#include "base/str.h"
#include "base/time.h"
#include "cli/flows.h"
#include "cli/output.h"
#include "openapi/read.h"
#include "workflow/check.h"
#include "workflow/run.h"

enum { FILE_MAX = 64 << 20, RUN_BYTES_MAX = 1 << 30 };

/* --- reading ---------------------------------------------------------------------------------- */

static int read_text(struct rac_cli *cli, const char *path, rac_str *text)
{
    rac_str why;
    rac_err e = rac_cli_read(cli, path, FILE_MAX, cli->a, text, &why);
    return e == RAC_OK ? RAC_EXIT_OK
                       : rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
}

static int read_json(struct rac_cli *cli, const char *option, struct rac_json *out)
{
    const char *path = rac_cli_opt(cli, option);
    rac_str text;
    struct rac_json_error where;
    *out = rac_json_none;
    if (path == NULL)
        return RAC_EXIT_OK;
    int status = read_text(cli, path, &text);
    if (status != RAC_EXIT_OK)
        return status;
    if (rac_json_parse_lenient(text, cli->a, out, NULL, &where) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s:%u:%u: %s", path, where.line,
                            where.column, where.message);
    return RAC_EXIT_OK;
}

/* The one workflow of the source: a file, a folder or a zip. */
static int pick(struct rac_cli *cli, struct rac_cli_flow *flow, rac_str *name)
{
    struct rac_cli_flow *flows;
    struct rac_diags d;
    size_t n;
    *name = rac_str_of(cli->args[0]);
    rac_diags_init(&d, cli->a, 100);
    rac_err e = rac_cli_flows(cli, cli->args[0], cli->a, &flows, &n, &d);
    rac_cli_diags(cli, *name, &d);
    if (e != RAC_OK)
        return rac_cli_status_of(e);
    if (n > 1)
        return rac_cli_fail(cli, RAC_EXIT_USAGE, "%s holds %zu workflows; name one, such as %.*s",
                            cli->args[0], n, RAC_FMT(flows[0].file));
    *flow = n == 1 ? flows[0] : (struct rac_cli_flow){0};
    if (n == 1) {
        *name = rac_arena_printf(cli->a, "%s%s%.*s", cli->args[0],
                                 rac_str_ends(*name, RAC_S("/")) ? "" : "/", RAC_FMT(flow->file));
        return RAC_EXIT_OK;
    }
    int status = read_text(cli, cli->args[0], &flow->text);
    if (status == RAC_EXIT_OK)
        rac_cli_flow_app(cli, cli->args[0], cli->a, flow);
    return status;
}

/* Reads and checks it; what is wrong is printed. */
static int load(struct rac_cli *cli, struct rac_workflow **w)
{
    struct rac_workflow_check_options o = {
        .now = rac_env_wall_ms(cli->env),
        .actions_max = (uint32_t)rac_config_int(cli->config, RAC_CONF_LIMITS_MAX_ACTIONS)};
    const char *connections = rac_cli_opt(cli, "connections"),
               *parameters = rac_cli_opt(cli, "parameters");
    struct rac_cli_flow flow;
    struct rac_document *doc;
    struct rac_diags d;
    rac_str name;
    int status = pick(cli, &flow, &name);
    if (status == RAC_EXIT_OK && connections != NULL)
        status = read_text(cli, connections, &flow.connections);
    if (status == RAC_EXIT_OK && parameters != NULL)
        status = read_text(cli, parameters, &flow.parameters);
    if (status != RAC_EXIT_OK)
        return status;
    rac_diags_init(&d, cli->a, 1000);
    rac_err e = rac_document_read(flow.text, name, cli->a, &doc, &d);
    if (e == RAC_OK)
        e = rac_workflow_of_document(doc, cli->a, w, &d);
    if (e == RAC_OK)
        e = rac_cli_flow_add_app(*w, &flow, &d);
    if (e == RAC_OK)
        e = rac_workflow_check(*w, &o, cli->a, &d);
    rac_cli_diags(cli, name, &d);
    return e == RAC_OK ? RAC_EXIT_OK : rac_cli_status_of(e);
}

/* --- mocks: {"Name": {status?, code?, error?, outputs?}} or an array, an entry per execution --- */

static bool mocked(void *self, const struct rac_wf_action *x, uint32_t nth, struct rac_arena *a,
                   enum rac_wf_status *status, const char **code, struct rac_json *outputs,
                   struct rac_json *error)
{
    const struct rac_json *v = rac_json_geti(self, x->name);
    if (rac_json_is_array(v) && rac_json_len(v) > 0)
        v = rac_json_at(v, nth < rac_json_len(v) ? nth : rac_json_len(v) - 1);
    if (!rac_json_is_object(v))
        return false;
    const struct rac_json *o = RAC_JSON_GET(v, "outputs"), *e = RAC_JSON_GET(v, "error");
    rac_str word = rac_json_str(RAC_JSON_GET(v, "status"), RAC_S("Succeeded"));
    rac_str c = rac_json_str(RAC_JSON_GET(v, "code"), RAC_STR_NULL);
    if (!rac_wf_status_parse(word, status))
        *status = RAC_WF_FAILED;
    *code = c.p != NULL ? rac_arena_cstr(a, c) : *status == RAC_WF_SUCCEEDED ? "OK" : "BadRequest";
    if (o != NULL)
        *outputs = *o;
    if (e != NULL)
        *error = *e;
    return true;
}

/* --- the clock -------------------------------------------------------------------------------- */

static rac_ms fixed_wall(void *self)
{
    return *(rac_ms *)self;
}

static rac_ns system_mono(void *self RAC_UNUSED)
{
    return rac_env_mono_ns(&rac_env_system);
}

static void system_random(void *self RAC_UNUSED, void *p, size_t n)
{
    rac_env_random(&rac_env_system, p, n);
}

/* --- the tree --------------------------------------------------------------------------------- */

static const char *mark(enum rac_wf_status s)
{
    return s == RAC_WF_SUCCEEDED ? "ok" : s == RAC_WF_SKIPPED ? "--" : "!!";
}

static void print_frame(struct rac_cli *cli, const struct rac_plan *p, const struct rac_wf_frame *f,
                        int depth)
{
    for (uint32_t i = 0; i < p->graphs[f->graph].n; i++) {
        const struct rac_wf_record *x = &f->records[i];
        uint32_t frames_n = x->inner != NULL ? x->inner->frames_n : 0;
        rac_str message = rac_json_str(RAC_JSON_GET(&x->error, "message"), RAC_S(""));
        if (x->status == RAC_WF_NONE)
            continue;
        fprintf(cli->out, "%*s%s %.*s  %s", depth * 2, "", mark(x->status),
                RAC_FMT(x->action->name), rac_wf_status_word(x->status));
        if (x->status != RAC_WF_SUCCEEDED && x->code != NULL)
            fprintf(cli->out, " (%s)", x->code);
        if (x->end_ms > x->start_ms)
            fprintf(cli->out, "  %lld ms", (long long)(x->end_ms - x->start_ms));
        fputc('\n', cli->out);
        if (message.n > 0 && x->status == RAC_WF_FAILED && frames_n == 0)
            fprintf(cli->out, "%*s   %.*s\n", depth * 2, "", RAC_FMT(message));
        if (x->status == RAC_WF_SKIPPED)
            continue;
        bool loop = x->action->type == RAC_WF_TYPE_FOREACH || x->action->type == RAC_WF_TYPE_UNTIL;
        for (uint32_t k = 0; k < frames_n; k++) {
            if (x->inner->frames[k]->status == RAC_WF_SKIPPED)
                continue;
            if (loop && k == 10) {
                fprintf(cli->out, "%*s… %u more\n", depth * 2 + 2, "", frames_n - k);
                break;
            }
            if (loop)
                fprintf(cli->out, "%*s[%u]\n", depth * 2 + 2, "", k);
            print_frame(cli, p, x->inner->frames[k], depth + (loop ? 2 : 1));
        }
    }
}

static void print_text(struct rac_cli *cli, const struct rac_plan *p, struct rac_run *r)
{
    const struct rac_json *error = rac_run_error(r);
    fprintf(cli->out, "%s", rac_wf_status_word(rac_run_status(r)));
    if (error->type != RAC_JSON_NONE)
        fprintf(cli->out, ": %.*s",
                RAC_FMT(rac_json_str(RAC_JSON_GET(error, "message"), RAC_S(""))));
    fputc('\n', cli->out);
    print_frame(cli, p, rac_run_root(r), 0);
    if (rac_run_response(r)->type != RAC_JSON_NONE) {
        fputs("response ", cli->out);
        rac_cli_print_json(cli, rac_run_response(r));
    }
}

/* Runs to its end. Nothing outside is called: such actions fail unless they are mocked. */
static void work(struct rac_run *r)
{
    struct rac_wf_record **wants;
    size_t n;
    do {
        while (rac_run_work(r, 100000))
            ;
        wants = rac_run_wants(r, &n);
        for (size_t i = 0; i < n; i++) {
            struct rac_arena *a = rac_run_arena(r);
            const struct rac_wf_action *x = wants[i]->action;
            struct rac_json error = rac_json_new_object(a);
            RAC_JSON_PUT_STR(a, &error, "code", RAC_S("ActionTypeNotSupported"));
            RAC_JSON_PUT_STR(a, &error, "message",
                             rac_arena_printf(a,
                                              "The action type '%.*s' of action '%.*s' is not "
                                              "supported by this host.",
                                              RAC_FMT(x->type_word), RAC_FMT(x->name)));
            struct rac_run_outcome o = {RAC_WF_FAILED, RAC_S("ActionTypeNotSupported"), NULL,
                                        &error};
            if (rac_run_settle(r, wants[i], &o) != RAC_OK)
                return;
        }
    } while (n > 0);
}

static int run_run(struct rac_cli *cli)
{
    struct rac_workflow *w;
    struct rac_plan *p;
    struct rac_json mocks, trigger, result;
    struct rac_diags d;
    struct rac_env env = *cli->env;
    rac_ms clock;
    const char *fixed = rac_cli_opt(cli, "clock");
    if (cli->args_n != 1)
        return rac_cli_usage(
            cli, "one workflow: a file, the folder of a workflow.json, or the zip of a flow");
    if (fixed != NULL && !rac_time_parse(rac_str_of(fixed), &clock))
        return rac_cli_usage(cli, "--clock takes a time such as 2026-11-22T10:00:00Z");
    if (fixed != NULL)
        env = (struct rac_env){fixed_wall, system_mono, system_random, &clock};
    int status = load(cli, &w);
    if (status == RAC_EXIT_OK)
        status = read_json(cli, "mocks", &mocks);
    if (status == RAC_EXIT_OK)
        status = read_json(cli, "trigger", &trigger);
    if (status != RAC_EXIT_OK)
        return status;
    rac_diags_init(&d, cli->a, 100);
    rac_err e = rac_plan_compile(w, cli->a, &p, &d);
    rac_cli_diags(cli, rac_str_of(cli->args[0]), &d);
    if (e != RAC_OK)
        return rac_cli_status_of(e);
    struct rac_run_host host = {mocked, &mocks};
    struct rac_run_world world = {.env = &env,
                                  .host = mocks.type == RAC_JSON_OBJECT ? &host : NULL};
    struct rac_namer namer = {.env = &env};
    char name[RAC_RUN_NAME_TEXT];
    struct rac_run_facts facts = {.start_ms = rac_env_wall_ms(&env),
                                  .trigger_outputs =
                                      trigger.type == RAC_JSON_NONE ? NULL : &trigger,
                                  .caller_waits = rac_str_eqi(p->trigger_type, RAC_S("Request"))};
    struct rac_arena a;
    rac_arena_init(&a, RUN_BYTES_MAX);
    rac_run_name(&namer, facts.start_ms, 0, 1, name);
    facts.name = rac_str_of(name);
    rac_env_random(&env, facts.seed, sizeof facts.seed);
    struct rac_run *r = rac_run_new(p, &world, NULL, &a);
    rac_run_create(r, &facts);
    rac_run_begin(r);
    work(r);
    if (cli->format == RAC_FORMAT_JSON) {
        result = rac_run_json(r, &a);
        rac_cli_print_json(cli, &result);
    } else {
        print_text(cli, p, r);
    }
    status = rac_run_status(r) == RAC_WF_SUCCEEDED ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
    rac_arena_fini(&a);
    return status;
}

static const struct rac_option run_options[] = {
    {"trigger", 0, "FILE", "outputs of the trigger, as JSON"},
    {"mocks", 0, "FILE",
     "what actions answer instead of being executed: {name: {status, outputs}}"},
    {"connections", 0, "FILE", "connections.json of a Standard app"},
    {"parameters", 0, "FILE", "parameters.json of a Standard app"},
    {"clock", 0, "TIME", "fixes the clock"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_run = {
    .words = "run",
    .synopsis = "WORKFLOW [--trigger FILE] [--mocks FILE]",
    .summary = "Runs a workflow definition once, no server needed",
    .details = "Control, data and variable actions are executed. Actions that call something are\n"
               "answered by --mocks; without a mock they fail with ActionTypeNotSupported.",
    .options = run_options,
    .run = run_run,
};
