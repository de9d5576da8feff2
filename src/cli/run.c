/* raccord run: a workflow once, from files, without a server (architecture §1). */
#include "base/config.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/flows.h"
#include "cli/mocks.h"
#include "cli/output.h"
#include "cli/run_live.h"
#include "cli/run_tree.h"
#include "openapi/read.h"
#include "text/zip.h"
#include "workflow/template/template.h"
#include "workflow/check/check.h"
#include "workflow/run/run.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20 };

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

/* The one workflow of the source: a file, a folder, a zip. */
static int find_flow(struct rac_cli *cli, struct rac_cli_flow *out)
{
    struct rac_cli_flow *v;
    struct rac_diags d;
    size_t n;
    rac_diags_init(&d, cli->a, 20);
    rac_err e = rac_cli_flows(cli, cli->args[0], cli->a, &v, &n, &d);
    rac_cli_diags(cli, rac_str_of(cli->args[0]), &d);
    if (e != RAC_OK)
        return rac_cli_status_of(e);
    if (n > 1) {
        rac_str names = RAC_S("");
        for (size_t i = 0; i < n; i++)
            names = rac_arena_printf(cli->a, "%.*s%s%.*s", RAC_FMT(names), i > 0 ? ", " : "",
                                     RAC_FMT(v[i].file));
        return rac_cli_fail(cli, RAC_EXIT_USAGE,
                            "%s holds several workflows; name one as %s#NAME: "
                            "%.*s",
                            cli->args[0], cli->args[0], RAC_FMT(names));
    }
    if (n == 1) {
        *out = v[0];
        return RAC_EXIT_OK;
    }
    struct stat st;
    const char *place = rac_cli_flows_place(cli, cli->args[0]);
    *out = (struct rac_cli_flow){0};
    if (stat(place, &st) == 0 && S_ISDIR(st.st_mode))
        return rac_cli_no_flow(cli, cli->args[0]);
    int status = read_text(cli, place, &out->text);
    if (status == RAC_EXIT_OK && rac_zip_is(out->text))
        return rac_cli_no_flow(cli, cli->args[0]);
    if (status == RAC_EXIT_OK)
        rac_cli_flow_app(cli, place, cli->a, out);
    return status;
}

/* A Standard app's file has sections; the other form names connectors by reference. */
static bool is_app_file(struct rac_cli *cli, rac_str text)
{
    static const char *const sections[] = {"managedApiConnections", "serviceProviderConnections",
                                           "functionConnections",   "apiManagementConnections",
                                           "agentConnections",      "agentMcpConnections"};
    struct rac_json v;
    struct rac_json_error where;
    if (rac_json_parse_lenient(text, cli->a, &v, NULL, &where) != RAC_OK)
        return true; /* its reader says what is wrong */
    for (size_t i = 0; i < RAC_COUNT(sections); i++)
        if (rac_json_geti(&v, rac_str_of(sections[i])) != NULL)
            return true;
    return false;
}

/* --connections and --parameters stand in for the app's files. */
static int app_files(struct rac_cli *cli, struct rac_cli_flow *f)
{
    const char *connections = rac_cli_opt(cli, "connections"),
               *parameters = rac_cli_opt(cli, "parameters");
    int status = RAC_EXIT_OK;
    rac_str text;
    if (connections != NULL)
        status = read_text(cli, connections, &text);
    if (connections != NULL && status == RAC_EXIT_OK && is_app_file(cli, text))
        f->connections = text;
    if (status != RAC_EXIT_OK || parameters == NULL)
        return status;
    status = read_text(cli, parameters, &f->parameters);
    f->named = f->parameters; /* of a template */
    f->named_file = rac_str_of(parameters);
    return status;
}

/* Values of a document that is no Standard app: {name: value} or {name: {"value"}}. A template has
 * taken those it declares itself. */
static int parameter_values(struct rac_cli *cli, const struct rac_document *doc,
                            struct rac_workflow *w)
{
    struct rac_json given;
    int status = read_json(cli, "parameters", &given);
    const struct rac_json *declared =
        w->is_template ? rac_json_geti(&doc->root, RAC_S("parameters")) : NULL;
    if (w->is_template && rac_json_is_object(rac_json_geti(&given, RAC_S("parameters"))))
        return status;
    struct rac_json all = rac_json_new_object(cli->a);
    RAC_JSON_EACH_MEMBER(m, &w->parameters)
    rac_json_put(cli->a, &all, rac_json_key(m), m->value);
    RAC_JSON_EACH_MEMBER(m, &given)
    {
        struct rac_json o = m->value;
        if (rac_json_geti(declared, rac_json_key(m)) != NULL)
            continue;
        if (RAC_JSON_GET(&m->value, "value") == NULL) {
            o = rac_json_new_object(cli->a);
            RAC_JSON_PUT(cli->a, &o, "value", m->value);
        }
        rac_json_put(cli->a, &all, rac_json_key(m), o);
    }
    w->parameters = all;
    return status;
}

/* Which workflow of a file is meant, and how it is loaded. */
struct wanted {
    rac_str name; /* of a template; absent: the first */
    bool called;  /* by the one that runs: takes no --parameters of an app, says nothing twice */
};

/* A template may deploy several: which one runs, and what the others are called. */
static void note_others(struct rac_cli *cli, struct rac_document *doc, const struct rac_cli_flow *f,
                        const struct rac_workflow *w)
{
    struct rac_workflow **all;
    size_t n = 0;
    struct rac_diags d;
    rac_str names = RAC_S("");
    rac_diags_init(&d, cli->a, 20);
    if (!rac_template_is(&doc->root) ||
        rac_workflows_of_document(doc, rac_cli_flow_files(f), cli->a, &all, &n, &d) != RAC_OK ||
        n < 2)
        return;
    for (size_t i = 0; i < n && names.n < 500; i++)
        names = rac_arena_printf(cli->a, "%.*s%s%.*s", RAC_FMT(names), i > 0 ? ", " : "",
                                 RAC_FMT(all[i]->name));
    rac_cli_note(cli, "the template deploys %zu workflows (%.*s); this runs %.*s, SRC#NAME another",
                 n, RAC_FMT(names), RAC_FMT(w->name));
}

static rac_err workflow_of(struct rac_cli *cli, struct rac_document *doc,
                           const struct rac_cli_flow *f, const struct wanted *want,
                           struct rac_workflow **w, struct rac_diags *d)
{
    const struct rac_workflow_files *files = rac_cli_flow_files(f);
    if (want->name.p != NULL)
        return rac_workflow_of_template(doc, files, want->name, cli->a, w, d);
    rac_err e = rac_workflow_of_document(doc, files, cli->a, w, d);
    if (e == RAC_OK && !want->called)
        note_others(cli, doc, f, *w);
    return e;
}

/* One workflow, from its file's text: read, checked, ready to be compiled. */
static int load_flow(struct rac_cli *cli, const struct rac_cli_flow *f, rac_str path,
                     const struct wanted *want, struct rac_workflow **w)
{
    struct rac_workflow_check_options o = {
        .now = rac_env_wall_ms(cli->env),
        .actions_max = (uint32_t)rac_config_int(cli->config, RAC_CONF_WORKFLOW_ACTIONS)};
    struct rac_document *doc;
    struct rac_diags d;
    int status = RAC_EXIT_OK;
    rac_diags_init(&d, cli->a, 1000);
    rac_err e = rac_document_read(f->text, path, cli->a, &doc, &d);
    if (e == RAC_OK)
        e = rac_cli_flow_give(doc, f, &d);
    if (e == RAC_OK)
        e = workflow_of(cli, doc, f, want, w, &d);
    if (e == RAC_E_NOT_FOUND)
        return want->called ? RAC_EXIT_FINDINGS : rac_cli_no_flow(cli, cli->args[0]);
    if (e == RAC_OK)
        e = rac_cli_flow_add_app(*w, f, &d);
    if (e == RAC_OK && !want->called && (*w)->profile != RAC_WF_STANDARD &&
        rac_cli_has(cli, "parameters"))
        status = parameter_values(cli, doc, *w);
    size_t before = d.n;
    if (e == RAC_OK && status == RAC_EXIT_OK)
        e = rac_workflow_check(*w, &o, cli->a, &d);
    for (; before < d.n; before++)
        if ((*w)->doc != doc)
            d.v[before].file = (*w)->doc->name;
    if (!(want->called && want->name.p != NULL && e == RAC_OK)) /* the file was told of */
        rac_cli_diags(cli, path, &d);
    return e == RAC_OK ? status : rac_cli_status_of(e);
}

static rac_str path_of(struct rac_cli *cli, const char *src, const struct rac_cli_flow *f)
{
    src = rac_cli_flows_place(cli, src);
    return f->file.n > 0 ? rac_arena_printf(cli->a, "%s/%.*s", src, RAC_FMT(f->file))
                         : rac_str_of(src);
}

static int load(struct rac_cli *cli, struct rac_cli_flow *f, struct rac_workflow **w)
{
    bool named = rac_cli_flows_place(cli, cli->args[0]) != cli->args[0];
    int status = find_flow(cli, f);
    if (status == RAC_EXIT_OK)
        status = app_files(cli, f);
    struct wanted want = {.name = status == RAC_EXIT_OK && named && f->file.p == NULL
                                      ? rac_str_of(strrchr(cli->args[0], '#') + 1)
                                      : f->wanted};
    return status == RAC_EXIT_OK ? load_flow(cli, f, path_of(cli, cli->args[0], f), &want, w)
                                 : status;
}

static int compile(struct rac_cli *cli, const struct rac_workflow *w, rac_str path,
                   struct rac_plan **p)
{
    struct rac_diags d;
    rac_diags_init(&d, cli->a, 100);
    rac_err e = rac_plan_compile(w, cli->a, p, &d);
    rac_cli_diags(cli, path, &d);
    return e == RAC_OK ? RAC_EXIT_OK : rac_cli_status_of(e);
}

struct outcome {
    struct rac_cli *cli;
    const struct rac_cli_flow *flow; /* the file of the one that runs */
    struct rac_cli_mocks *mocks;
    int status;
};

/* --- workflows beside it ---------------------------------------------------------------------- */

/* Where the others stand: SRC when it is a zip or an app, else the folder above the workflow's. */
static char *app_of(struct rac_cli *cli)
{
    struct stat st;
    const char *src = rac_cli_flows_place(cli, cli->args[0]);
    char *whole = realpath(src, NULL);
    if (whole == NULL || stat(whole, &st) != 0) {
        rac_mem_free_libc(whole);
        return rac_arena_cstr(cli->a, rac_str_of(src));
    }
    rac_str at = rac_arena_str(cli->a, rac_str_of(whole));
    rac_mem_free_libc(whole);
    bool folder = S_ISDIR(st.st_mode),
         inner = folder &&
                 access(rac_arena_printf(cli->a, "%.*s/workflow.json", RAC_FMT(at)).p, R_OK) == 0;
    unsigned up = inner ? 1 : folder || rac_str_endsi(at, RAC_S(".zip")) ? 0 : 2;
    for (; up > 0; up--) {
        size_t slash = rac_str_rfind_char(at, '/');
        at = slash == RAC_STR_NPOS || slash == 0 ? at : rac_str_sub(at, 0, slash);
    }
    return rac_arena_cstr(cli->a, at);
}

static const struct rac_plan *called(struct rac_cli *cli, const struct rac_cli_flow *f,
                                     rac_str path, rac_str name)
{
    struct wanted want = {.name = name, .called = true};
    struct rac_workflow *w;
    struct rac_plan *p;
    return load_flow(cli, f, path, &want, &w) == RAC_EXIT_OK &&
                   compile(cli, w, path, &p) == RAC_EXIT_OK
               ? p
               : NULL;
}

/* Of the same template; else one whose file stands beside. */
static const struct rac_plan *find_sibling(struct outcome *out, rac_str name)
{
    struct rac_cli *cli = out->cli;
    struct rac_cli_flow *v;
    struct rac_diags d;
    size_t n;
    const struct rac_plan *p = called(cli, out->flow, rac_str_of(cli->args[0]), name);
    if (p != NULL)
        return p;
    char *app = app_of(cli);
    rac_diags_init(&d, cli->a, 20);
    if (rac_cli_flows(cli, app, cli->a, &v, &n, &d) != RAC_OK)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (rac_cli_flow_is(v[i].file, name))
            return called(cli, &v[i], path_of(cli, app, &v[i]), RAC_STR_NULL);
    return NULL;
}

static const struct rac_plan *sibling(void *arg, rac_str name)
{
    struct outcome *out = arg;
    const struct rac_plan *p = find_sibling(out, name);
    if (p != NULL)
        rac_cli_mocks_match(out->mocks, p);
    return p;
}

/* Others that it calls are read when they are called, and may have the actions of mocks. */
static bool calls_others(const struct rac_plan *p)
{
    for (uint32_t i = 0; i < p->actions_n; i++)
        if (p->actions[i].type == RAC_WF_TYPE_WORKFLOW ||
            p->actions[i].type == RAC_WF_TYPE_SEND_TO_BATCH)
            return true;
    return false;
}

/* --- the command ------------------------------------------------------------------------------ */

static void ended(void *arg, struct rac_run *r)
{
    struct outcome *out = arg;
    struct rac_json result;
    if (out->cli->format == RAC_FORMAT_JSON) {
        result = rac_run_json(r, rac_run_arena(r));
        rac_cli_print_json(out->cli, &result);
    } else {
        rac_cli_run_tree(out->cli, r);
    }
    out->status = rac_run_status(r) == RAC_WF_SUCCEEDED ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

/* The file of --trigger holds outputs, not the body alone: what has no member of outputs is told. */
static int read_trigger(struct rac_cli *cli, struct rac_json *out)
{
    static const char *const members[] = {
        "body", "headers", "queries", "relativePathParameters", "method", "statusCode"};
    int status = read_json(cli, "trigger", out);
    if (status != RAC_EXIT_OK || !rac_json_is_object(out) || rac_json_len(out) == 0)
        return status;
    for (size_t i = 0; i < RAC_COUNT(members); i++)
        if (rac_json_geti(out, rac_str_of(members[i])) != NULL)
            return status;
    rac_cli_note(cli,
                 "%s has neither body nor headers; it is read as the outputs of the trigger, whose "
                 "body would be {\"body\": ...}",
                 rac_cli_opt(cli, "trigger"));
    return status;
}

/* Connectors by reference: entries of the file itself, or of a Standard app's managed ones. */
static struct rac_json connectors_of(const struct rac_json *file)
{
    const struct rac_json *managed = rac_json_geti(file, RAC_S("managedApiConnections"));
    return managed != NULL ? *managed : *file;
}

static int run_run(struct rac_cli *cli)
{
    struct rac_workflow *w;
    struct rac_plan *p;
    struct rac_json trigger, connections;
    struct rac_cli_mocks mocks;
    struct rac_cli_artifacts artifacts;
    struct rac_cli_flow flow;
    struct outcome out = {cli, &flow, &mocks, RAC_EXIT_FINDINGS};
    rac_ms clock = 0;
    const char *fixed = rac_cli_opt(cli, "clock");
    if (cli->args_n != 1)
        return rac_cli_usage(cli, "one workflow: a file, a folder or a zip");
    if (fixed != NULL && !rac_time_parse(rac_str_of(fixed), &clock))
        return rac_cli_usage(cli, "--clock takes a time such as 2026-11-22T10:00:00Z");
    int status = load(cli, &flow, &w);
    if (status == RAC_EXIT_OK)
        status = rac_cli_mocks_read(cli, &mocks);
    if (status == RAC_EXIT_OK)
        status = read_trigger(cli, &trigger);
    if (status == RAC_EXIT_OK)
        status = read_json(cli, "connections", &connections);
    if (status != RAC_EXIT_OK)
        return status;
    status = compile(cli, w, rac_str_of(cli->args[0]), &p);
    if (status != RAC_EXIT_OK)
        return status;
    rac_cli_artifacts_list(cli, rac_cli_flows_place(cli, cli->args[0]), cli->a, &artifacts);
    struct rac_run_host host = rac_cli_mocks_host(&mocks);
    struct rac_json connectors = connectors_of(&connections);
    struct rac_run_live o = {
        .plan = p,
        .name = w->name.n > 0
                    ? w->name
                    : rac_cli_flow_name(cli, rac_str_of(rac_cli_flows_place(cli, cli->args[0]))),
        .host = mocks.path != NULL ? &host : NULL,
        .trigger = trigger.type == RAC_JSON_NONE ? NULL : &trigger,
        .connectors = &connectors,
        .artifacts = &artifacts,
        .sibling = sibling,
        .waits = rac_str_eqi(p->trigger_type, RAC_S("Request")),
        .clock_ms = clock,
        .ended = ended,
        .arg = &out};
    rac_cli_mocks_match(&mocks, p);
    if (!calls_others(p))
        rac_cli_mocks_unused(cli, &mocks, p);
    rac_err e = rac_cli_run_live(cli, &o);
    if (calls_others(p))
        rac_cli_mocks_unused(cli, &mocks, p);
    return e == RAC_OK ? out.status : rac_cli_status_of(e);
}

static const struct rac_option run_options[] = {
    {"trigger", 0, "FILE", "outputs of the trigger, as JSON: {\"body\": ..., \"headers\": {...}}"},
    {"mocks", 0, "FILE",
     "what actions answer instead of being executed: {name: {status, outputs}}"},
    {"connections", 0, "FILE",
     "connections.json of a Standard app, or {reference: {connector: SRC, connection: {...}}}"},
    {"parameters", 0, "FILE",
     "parameters.json of a Standard app, parameters file of a template, or {name: value}"},
    {"clock", 0, "TIME", "fixes the clock; waiting jumps over the time"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_run = {
    .words = "run",
    .synopsis = "WORKFLOW [--trigger FILE] [--mocks FILE] [--connections FILE]",
    .summary = "Run a workflow definition once, no server needed",
    .details =
        "WORKFLOW is a workflow file, the folder of one, or a zip of a flow; workflows of the "
        "same\n"
        "app that it calls run, too, maps and schemas are those of its Artifacts folder. HTTP "
        "requests and\n"
        "connector operations are made for real, waits take their time; --mocks answers for\n"
        "actions by name instead. The connector of a connection is the one its entry in\n"
        "--connections names, or the one of that name on the server.",
    .options = run_options,
    .run = run_run,
};
