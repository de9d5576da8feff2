/* raccord runs ..., raccord workflow run: runs of a server, started, listed, watched and printed. */
#include "base/time.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/run_fault.h"
#include "workflow/definition/plan.h"
#include "text/url.h"

#include <time.h>

enum {
    PAYLOAD_MAX = 104857600,
    WATCH_MS = 300,
    WATCH_LATER_MS = 2000,
    RUNS_TOP = 30,
    TRACES_ASKED = 20
};

/* --- the tree of a run ------------------------------------------------------------------------ */

static const char *mark(rac_str status)
{
    return rac_str_eq(status, RAC_S("Succeeded"))                                         ? "ok"
           : rac_str_eq(status, RAC_S("Skipped"))                                         ? "--"
           : rac_str_eq(status, RAC_S("Running")) || rac_str_eq(status, RAC_S("Waiting")) ? ".."
           : rac_str_eq(status, RAC_S("Cancelled"))                                       ? "xx"
                                                                                          : "!!";
}

static int64_t millis(const struct rac_json *v)
{
    rac_ms from, to;
    if (!rac_time_parse(rac_json_str(RAC_JSON_GET(v, "startTime"), RAC_S("")), &from) ||
        !rac_time_parse(rac_json_str(RAC_JSON_GET(v, "endTime"), RAC_S("")), &to))
        return 0;
    return to - from;
}

static void print_action(struct rac_cli *cli, rac_str name, const struct rac_json *x, int depth)
{
    rac_str status = rac_json_str(RAC_JSON_GET(x, "status"), RAC_S("?"));
    rac_str code = rac_json_str(RAC_JSON_GET(x, "code"), RAC_S(""));
    int64_t n = rac_json_int(RAC_JSON_GET(x, "repetitionCount"), -1);
    size_t retries = rac_json_len(RAC_JSON_GET(x, "retryHistory"));
    rac_cli_put(cli, "%*s%s %.*s  %.*s", depth * 2, "", mark(status), RAC_FMT(name),
                RAC_FMT(status));
    if (!rac_str_eq(status, RAC_S("Succeeded")) && code.n > 0 && !rac_str_eq(code, status))
        rac_cli_put(cli, " (%.*s)", RAC_FMT(code));
    if (n > 1)
        rac_cli_put(cli, "  %lld times", (long long)n);
    if (retries > 0)
        rac_cli_put(cli, "  %zu %s", retries, retries == 1 ? "retry" : "retries");
    rac_cli_put_duration(cli, millis(x));
    fputc('\n', cli->out);
}

struct tree {
    struct rac_cli *cli;
    struct rac_remote *r; /* NULL: nobody to ask for more */
    rac_str run;
    const struct rac_json *records;
    unsigned asked; /* how often, for expressions that failed */
};

static rac_str run_path(struct rac_cli *cli, rac_str run, const char *verb);

static bool is(const struct rac_json *x, const char *status)
{
    return rac_str_eq(rac_json_str(RAC_JSON_GET(x, "status"), RAC_S("")), rac_str_of(status));
}

static bool failed_with(const struct rac_json *x, const char *code)
{
    return is(x, "Failed") &&
           rac_str_eq(rac_json_str(rac_json_pointer_get(x, RAC_S("/error/code")), RAC_S("")),
                      rac_str_of(code));
}

/* What an action of the run has under a name: "repetitions", "expressionTraces". */
static bool ask(const struct tree *t, rac_str name, const char *below, struct rac_json *out)
{
    rac_str path =
        rac_arena_printf(t->cli->a, "/actions/%.*s/%s",
                         RAC_FMT(rac_url_encode_set(t->cli->a, name, RAC_URL_STRICT)), below);
    return t->r != NULL &&
           rac_remote_json(t->r, "GET", run_path(t->cli, t->run, path.p), NULL, out) == RAC_EXIT_OK;
}

/* The expression because of which an action failed; below: "expressionTraces", also of one of its
 * repetitions. Of loops there are no traces. */
static void print_fault(struct tree *t, rac_str name, const struct rac_json *x,
                        const struct rac_json *node, const char *below, int indent)
{
    static const char *const subjects[] = {"foreach", "expression"};
    struct rac_cli_fault f;
    struct rac_json traces;
    if (!failed_with(x, "InvalidTemplate") || t->asked++ >= TRACES_ASKED)
        return;
    if (ask(t, name, below, &traces) && rac_cli_fault_of_traces(&traces, t->cli->a, &f)) {
        rac_cli_fault_print(t->cli, indent, &f);
        return;
    }
    for (size_t i = 0; i < RAC_COUNT(subjects); i++) {
        rac_str text = rac_json_str(rac_json_geti(node, rac_str_of(subjects[i])), RAC_STR_NULL);
        if (text.p != NULL) {
            f = rac_cli_fault_of_text(rac_str_of(subjects[i]), text);
            rac_cli_fault_print(t->cli, indent, &f);
            return;
        }
    }
}

/* Why an action failed; of one that holds others these say it. */
static void print_reason(struct tree *t, rac_str name, const struct rac_json *x,
                         const struct rac_json *node, int depth)
{
    rac_str message = rac_json_str(rac_json_pointer_get(x, RAC_S("/error/message")), RAC_S(""));
    bool holds = rac_json_geti(node, RAC_S("actions")) != NULL ||
                 rac_json_geti(node, RAC_S("cases")) != NULL;
    if (message.n == 0 || !is(x, "Failed") || (holds && failed_with(x, "ActionFailed")))
        return;
    rac_cli_put(t->cli, "%*s   %.*s\n", depth * 2, "", RAC_FMT(message));
    print_fault(t, name, x, node, "expressionTraces", depth * 2 + 3);
}

/* Why an action inside a loop failed: the first of its repetitions that did says so. */
static void print_repetition(struct tree *t, rac_str name, const struct rac_json *x,
                             const struct rac_json *node, int depth)
{
    struct rac_json list;
    if (!is(x, "Failed") || RAC_JSON_GET(x, "repetitionCount") == NULL ||
        !ask(t, name, "repetitions", &list))
        return;
    RAC_JSON_EACH(v, RAC_JSON_GET(&list, "value"))
    if (is(v, "Failed")) {
        rac_str at = rac_json_str(RAC_JSON_GET(v, "name"), RAC_S(""));
        rac_cli_put(
            t->cli, "%*s   [%.*s] %.*s\n", depth * 2, "", RAC_FMT(at),
            RAC_FMT(rac_json_str(rac_json_pointer_get(v, RAC_S("/error/message")), RAC_S(""))));
        print_fault(t, name, v, node,
                    rac_arena_printf(t->cli->a, "repetitions/%.*s/expressionTraces", RAC_FMT(at)).p,
                    depth * 2 + 3);
        return;
    }
}

static void print_actions(struct tree *t, const struct rac_json *actions, int depth);

/* Branches, cases and bodies of one action of the definition. */
static void print_inside(struct tree *t, const struct rac_json *node, int depth)
{
    print_actions(t, rac_json_geti(node, RAC_S("actions")), depth);
    print_actions(t, rac_json_geti(rac_json_geti(node, RAC_S("else")), RAC_S("actions")), depth);
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(node, RAC_S("cases")))
    print_actions(t, rac_json_geti(&m->value, RAC_S("actions")), depth);
    print_actions(t, rac_json_geti(rac_json_geti(node, RAC_S("default")), RAC_S("actions")), depth);
}

/* Does an action run after the one of that name? */
static bool follows(const struct rac_json *action, rac_str name)
{
    return rac_json_geti(rac_json_geti(action, RAC_S("runAfter")), name) != NULL;
}

/* Places of the actions so that a chain is read from top to bottom: each one, then whatever waited
 * for it alone. */
static size_t *reading_order(struct rac_arena *a, const struct rac_json *actions, size_t *n)
{
    size_t all = rac_json_len(actions), *out = RAC_NEW_N(a, size_t, all), at = 0;
    uint32_t *waits = RAC_NEW_N(a, uint32_t, all);
    *n = 0;
    for (size_t i = 0; i < all; i++)
        waits[i] = (uint32_t)rac_json_len(
            rac_json_geti(&rac_json_member_at(actions, i)->value, RAC_S("runAfter")));
    for (size_t i = 0; i < all; i++) {
        if (rac_json_len(rac_json_geti(&rac_json_member_at(actions, i)->value, RAC_S("runAfter"))) >
            0)
            continue;
        for (out[(*n)++] = i; at < *n; at++)
            for (size_t k = 0; k < all; k++) {
                rac_str name = rac_json_key(rac_json_member_at(actions, out[at]));
                if (waits[k] > 0 && follows(&rac_json_member_at(actions, k)->value, name) &&
                    --waits[k] == 0)
                    out[(*n)++] = k;
            }
    }
    for (size_t i = 0; i < all; i++)
        if (waits[i] > 0) /* it waits for what is no action: the trigger of an agent */
            out[(*n)++] = i;
    return out;
}

static void print_actions(struct tree *t, const struct rac_json *actions, int depth)
{
    size_t n, *order = reading_order(t->cli->a, actions, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rac_json_member *m = rac_json_member_at(actions, order[i]);
        const struct rac_json *x = rac_json_geti(t->records, rac_json_key(m));
        if (x == NULL) /* not decided yet */
            continue;
        print_action(t->cli, rac_json_key(m), x, depth);
        print_reason(t, rac_json_key(m), x, &m->value, depth);
        print_repetition(t, rac_json_key(m), x, &m->value, depth);
        if (!is(x, "Skipped"))
            print_inside(t, &m->value, depth + 1);
    }
}

static int run_status(const struct rac_json *v)
{
    rac_str status = rac_json_str(RAC_JSON_GET(v, "status"), RAC_S(""));
    bool open = is(v, "Running") || is(v, "Waiting");
    return open || rac_str_eq(status, RAC_S("Succeeded")) ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

int rac_run_print(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return run_status(v);
    }
    rac_str message = rac_json_str(rac_json_pointer_get(v, RAC_S("/error/message")), RAC_S(""));
    rac_cli_put(cli, "%.*s  %.*s", RAC_FMT(rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("?"))),
                RAC_FMT(rac_json_str(RAC_JSON_GET(v, "status"), RAC_S("?"))));
    rac_cli_put_duration(cli, millis(v));
    rac_cli_put(cli, "%s%.*s\n", message.n > 0 ? ": " : "", RAC_FMT(message));
    const struct rac_json *definition =
        rac_json_pointer_get(v, RAC_S("/workflow/properties/definition"));
    struct tree t = {cli, r, rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("")),
                     RAC_JSON_GET(v, "actions"), 0};
    print_actions(&t, rac_json_geti(definition, RAC_S("actions")), 0);
    return run_status(v);
}

/* Path of a run: "/api/v1/runs/ID", its workflow beside it when only the name was given. */
static rac_str run_path(struct rac_cli *cli, rac_str run, const char *verb)
{
    const char *workflow = rac_cli_opt(cli, "workflow");
    rac_str path = rac_arena_printf(cli->a, "/api/v1/runs/%.*s%s",
                                    RAC_FMT(rac_url_encode_set(cli->a, run, RAC_URL_STRICT)), verb);
    return workflow != NULL
               ? rac_url_query_add(cli->a, path, RAC_S("workflow"), rac_str_of(workflow))
               : path;
}

static int get_run(struct rac_cli *cli, struct rac_remote *r, rac_str run, struct rac_json *out)
{
    rac_str path = rac_url_query_add(cli->a, run_path(cli, run, ""), RAC_S("$expand"),
                                     RAC_S("properties/actions,workflow/properties"));
    return rac_remote_json(r, "GET", path, NULL, out);
}

int rac_runs_show(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json v;
    int status = get_run(cli, r, rac_str_of(cli->args[0]), &v);
    return status == RAC_EXIT_OK ? rac_run_print(cli, r, &v) : status;
}

/* Waits for the end; on a terminal says how far it is. */
static int watch(struct rac_cli *cli, struct rac_remote *r, rac_str run)
{
    struct rac_json v;
    for (unsigned n = 0;; n++) {
        struct rac_arena_mark before = rac_arena_mark(cli->a); /* a run may take days */
        int status = get_run(cli, r, run, &v);
        if (status != RAC_EXIT_OK)
            return status;
        if (RAC_JSON_GET(&v, "endTime") != NULL)
            break;
        const struct rac_json *actions = RAC_JSON_GET(&v, "actions");
        rac_cli_progress(cli, "running", rac_json_len(actions), 0,
                         rac_json_len(actions) > 0
                             ? rac_json_key(rac_json_member_at(actions, rac_json_len(actions) - 1))
                             : RAC_S(""));
        rac_arena_rewind(cli->a, before);
        long ms = n < 10 ? WATCH_MS : WATCH_LATER_MS;
        struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
    }
    rac_cli_progress_end(cli);
    return rac_run_print(cli, r, &v);
}

int rac_runs_watch(struct rac_cli *cli, struct rac_remote *r)
{
    return watch(cli, r, rac_str_of(cli->args[0]));
}

/* What starting a run answered: {"id", "name"}; the run to its end unless --no-wait. */
static int started(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    rac_str id = rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("?"));
    if (!rac_cli_has(cli, "no-wait"))
        return watch(cli, r, id);
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, v);
    else
        rac_cli_put(cli, "%.*s\n", RAC_FMT(id));
    return RAC_EXIT_OK;
}

int rac_runs_resubmit(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json v, body = rac_json_new_object(cli->a);
    const char *from = rac_cli_opt(cli, "from");
    if (from != NULL) {
        struct rac_json list = rac_json_new_array(cli->a), x = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &x, "name", rac_str_of(from));
        rac_json_add(cli->a, &list, x);
        RAC_JSON_PUT(cli->a, &body, "actionsToResubmit", list);
    }
    int status =
        rac_remote_json(r, "POST", run_path(cli, rac_str_of(cli->args[0]), ":resubmit"), &body, &v);
    return status == RAC_EXIT_OK ? started(cli, r, &v) : status;
}

int rac_runs_cancel(struct rac_cli *cli, struct rac_remote *r)
{
    int status =
        rac_remote_json(r, "POST", run_path(cli, rac_str_of(cli->args[0]), ":cancel"), NULL, NULL);
    if (status == RAC_EXIT_OK)
        rac_resource_done(cli, "cancelled");
    return status;
}

/* --- listing runs ----------------------------------------------------------------------------- */

static rac_str filter_of(struct rac_cli *cli)
{
    const char *status = rac_cli_opt(cli, "status"), *since = rac_cli_opt(cli, "since");
    rac_str f = RAC_S("");
    int64_t span;
    rac_ms from;
    if (status != NULL)
        f = rac_arena_printf(cli->a, "status eq '%s'", status);
    if (since == NULL)
        return f;
    rac_str text = rac_str_of(since);
    if (rac_time_parse_duration(text, &span)) {
        char at[RAC_TIME_TEXT];
        from = rac_env_wall_ms(cli->env) - span;
        size_t n = rac_time_print(from, at);
        text = rac_arena_str(cli->a, (rac_str){at, n});
    }
    return rac_arena_printf(cli->a, "%.*s%sstartTime ge %.*s", RAC_FMT(f), f.n > 0 ? " and " : "",
                            RAC_FMT(text));
}

int rac_runs_list(struct rac_cli *cli, struct rac_remote *r)
{
    const char *wanted = rac_cli_opt(cli, "status");
    enum rac_wf_status known;
    if (wanted != NULL && !rac_wf_status_parse(rac_str_of(wanted), &known))
        return rac_cli_usage(cli,
                             "there is no status %s; a run is Running, Waiting, Succeeded, "
                             "Failed, Cancelled or TimedOut",
                             wanted);
    const char *since = rac_cli_opt(cli, "since");
    int64_t span;
    if (since != NULL && !rac_time_parse_duration(rac_str_of(since), &span) &&
        (since[0] < '0' || since[0] > '9')) /* the server reads every form of a time */
        return rac_cli_usage(cli,
                             "--since takes a duration such as P1D, or a time such as "
                             "2026-11-22T10:00:00Z, not %s",
                             since);
    static const struct rac_column columns[] = {{"RUN", "/id"},
                                                {"STATUS", "/status"},
                                                {"STARTED", "/startTime"},
                                                {"ENDED", "/endTime"},
                                                {"TRIGGER", "/trigger/name"},
                                                {"TRACKING", "/correlation/clientTrackingId"}};
    struct rac_json v;
    rac_str path = rac_resource_in_group(cli, rac_resource_path(cli, "workflows/{0}/runs")),
            f = filter_of(cli);
    const char *top = rac_cli_opt(cli, "top");
    int64_t n = RUNS_TOP;
    if (top != NULL && (!rac_str_to_i64(rac_str_of(top), &n) || n < 1 || n > 250))
        return rac_cli_usage(cli, "--top takes a number from 1 to 250, not %s", top);
    path = rac_url_query_add(cli->a, path, RAC_S("$top"),
                             rac_arena_printf(cli->a, "%lld", (long long)n));
    if (f.n > 0)
        path = rac_url_query_add(cli->a, path, RAC_S("$filter"), f);
    int status = rac_remote_json(r, "GET", path, NULL, &v);
    if (status == RAC_EXIT_OK)
        rac_remote_print_list(cli, &v, columns, RAC_COUNT(columns));
    return status;
}

/* --- running ---------------------------------------------------------------------------------- */

/* The trigger's body: --data FILE, or NAME=VALUE arguments as an object. */
static int payload(struct rac_cli *cli, rac_str *out)
{
    struct rac_json values;
    rac_str why;
    const char *path = rac_cli_opt(cli, "data");
    *out = RAC_STR_NULL;
    if (path != NULL) {
        rac_err e = rac_cli_read(cli, path, PAYLOAD_MAX, cli->a, out, &why);
        return e == RAC_OK ? RAC_EXIT_OK
                           : rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
    }
    if (cli->args_n < 2)
        return RAC_EXIT_OK;
    int status = rac_resource_values(cli, 1, &values);
    if (status == RAC_EXIT_OK)
        *out = rac_json_print_str(&values, 0, cli->a);
    return status;
}

int rac_workflow_run(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_fetch_res res;
    struct rac_json v;
    struct rac_remote_req req = {
        .method = "POST",
        .path = rac_resource_path(cli, "workflows/{0}/triggers/{--trigger}:run|workflows/{0}:run"),
        .content_type = RAC_S("application/json")};
    int status = payload(cli, &req.body);
    if (status != RAC_EXIT_OK)
        return status;
    req.path = rac_resource_in_group(cli, req.path);
    if (!rac_remote_send(r, &req, &res))
        return RAC_EXIT_UNREACHABLE;
    if (res.status >= 300 || rac_json_parse(res.body, cli->a, 0, &v, NULL) != RAC_OK)
        return rac_remote_explain(r, RAC_STR_NULL, &res);
    if (RAC_JSON_GET(&v, "id") != NULL)
        return started(cli, r, &v);
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, &v);
    else
        rac_cli_put(cli,
                    "The trigger fires now; if it starts a run, `raccord runs list %s` shows it.\n",
                    cli->args[0]);
    return RAC_EXIT_OK;
}
