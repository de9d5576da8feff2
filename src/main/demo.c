/*
 * raccord demo: the whole way in one command and without a network. A description becomes a
 * registered connector, a connection, answered calls; every step is printed with the command that
 * does the same by hand. The backend is the sample API of this same process.
 */
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "cli/resource.h"
#include "main/commands.h"
#include "main/sample_api.h"
#include "main/server.h"
#include "main/stream.h"
#include "text/url.h"

static const struct rac_option options[] = {
    {"data", 'd', "DIR", "data directory to use and keep (default: a temporary one, removed)"},
    {"listen", 'l', "HOST:PORT", "address to listen on (default 127.0.0.1:8080, or a free port)"},
    {"once", 0, NULL, "end after the calls instead of serving on"},
    {NULL, 0, NULL, NULL},
};

struct demo {
    struct rac_cli *cli;
    struct rac_remote *r;
    rac_str url, data, connector, connection, key;
    unsigned step;
    struct rac_json calls; /* for --format json */
};

static bool text(const struct demo *d)
{
    return d->cli->format != RAC_FORMAT_JSON;
}

static void step(struct demo *d, const char *what)
{
    if (text(d))
        fprintf(d->cli->out, "\n%s%u. %s%s\n", d->cli->color_out ? "\033[1m" : "", ++d->step, what,
                d->cli->color_out ? "\033[0m" : "");
}

/* The command that does it by hand. */
static void by_hand(struct demo *d, const char *fmt, ...) RAC_PRINTF(2, 3);
static void by_hand(struct demo *d, const char *fmt, ...)
{
    va_list ap;
    if (!text(d))
        return;
    va_start(ap, fmt);
    fprintf(d->cli->out, "   %s$ ", d->cli->color_out ? "\033[2m" : "");
    vfprintf(d->cli->out, fmt, ap);
    fprintf(d->cli->out, "%s\n", d->cli->color_out ? "\033[0m" : "");
    va_end(ap);
}

static void say(struct demo *d, const char *fmt, ...) RAC_PRINTF(2, 3);
static void say(struct demo *d, const char *fmt, ...)
{
    va_list ap;
    if (!text(d))
        return;
    va_start(ap, fmt);
    fputs("   ", d->cli->out);
    vfprintf(d->cli->out, fmt, ap);
    fputc('\n', d->cli->out);
    va_end(ap);
}

static int register_connector(struct demo *d)
{
    struct rac_arena *a = d->cli->a;
    struct rac_json body = rac_json_new_object(a), out, definition, properties;
    struct rac_url u;
    RAC_ASSERT(rac_url_split(d->url, &u));
    rac_str host = rac_arena_printf(a, "%.*s:%.*s", RAC_FMT(u.host), RAC_FMT(u.port));
    rac_str text_ = rac_sample_api_definition(host, a);
    rac_err e = rac_json_parse(text_, a, 0, &definition, NULL);
    RAC_ASSERT(e == RAC_OK);
    e = rac_json_parse(rac_sample_api_properties, a, 0, &properties, NULL);
    RAC_ASSERT(e == RAC_OK);
    RAC_JSON_PUT(a, &body, "definition", definition);
    RAC_JSON_PUT(a, &body, "properties", properties);
    step(d, "Register a connector from its description (OpenAPI 2.0, 5 operations, API key)");
    by_hand(d, "raccord connector create examples/quai");
    int status = rac_remote_json(d->r, "POST", RAC_S("/api/v1/connectors"), &body, &out);
    if (status != RAC_EXIT_OK)
        return status;
    d->connector = rac_json_str(RAC_JSON_GET(&out, "id"), RAC_S(""));
    say(d, "%.*s, revision %lld, %lld operations, live", RAC_FMT(d->connector),
        (long long)rac_json_int(RAC_JSON_GET(&out, "revision"), 0),
        (long long)rac_json_int(RAC_JSON_GET(&out, "operations"), 0));
    return RAC_EXIT_OK;
}

static int make_connection(struct demo *d)
{
    struct rac_arena *a = d->cli->a;
    struct rac_json body = rac_json_new_object(a), values = rac_json_new_object(a), out;
    RAC_JSON_PUT_STR(a, &values, "api_key", RAC_S(RAC_SAMPLE_KEY));
    RAC_JSON_PUT_STR(a, &body, "connectorId", d->connector);
    RAC_JSON_PUT(a, &body, "parameterValues", values);
    step(d, "Make a connection: the key is sealed on disk and never shown again");
    by_hand(d, "raccord connection create %.*s api_key=%s", RAC_FMT(d->connector), RAC_SAMPLE_KEY);
    int status = rac_remote_json(d->r, "POST", RAC_S("/api/v1/connections"), &body, &out);
    if (status != RAC_EXIT_OK)
        return status;
    d->connection = rac_json_str(RAC_JSON_GET(&out, "id"), RAC_S(""));
    say(d, "%.*s: %.*s", RAC_FMT(d->connection),
        RAC_FMT(rac_json_str(RAC_JSON_GET(&out, "overallStatus"), RAC_S("?"))));
    step(d, "Test it: the connector names the operation to try");
    by_hand(d, "raccord connection test %.*s", RAC_FMT(d->connection));
    status = rac_remote_json(
        d->r, "POST", rac_remote_path(a, "connections/", rac_arena_cstr(a, d->connection), ":test"),
        NULL, &out);
    if (status != RAC_EXIT_OK)
        return status;
    say(d, "%.*s", RAC_FMT(rac_json_str(RAC_JSON_GET(&out, "message"), RAC_S(""))));
    return rac_json_bool(RAC_JSON_GET(&out, "ok"), false) ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

static void keep(struct demo *d, const char *what, const struct rac_json *v)
{
    struct rac_json o = rac_json_new_object(d->cli->a);
    RAC_JSON_PUT_STR(d->cli->a, &o, "call", rac_str_of(what));
    RAC_JSON_PUT(d->cli->a, &o, "answer", *v);
    rac_json_add(d->cli->a, &d->calls, o);
}

/* Calls by operationId and prints the answer's body, cut to what fits a few lines. */
static int invoke(struct demo *d, const char *operation, const char *parameters)
{
    struct rac_arena *a = d->cli->a;
    struct rac_json body = rac_json_new_object(a), p, out;
    rac_err e = rac_json_parse(rac_str_of(parameters), a, 0, &p, NULL);
    RAC_ASSERT(e == RAC_OK);
    RAC_JSON_PUT_STR(a, &body, "operationId", rac_str_of(operation));
    RAC_JSON_PUT(a, &body, "parameters", p);
    by_hand(d, "raccord connection invoke %.*s %s '%s'", RAC_FMT(d->connection), operation,
            parameters);
    int status = rac_remote_json(
        d->r, "POST",
        rac_remote_path(a, "connections/", rac_arena_cstr(a, d->connection), ":invoke"), &body,
        &out);
    if (status != RAC_EXIT_OK)
        return status;
    keep(d, operation, &out);
    rac_str shown = rac_json_print_str(RAC_JSON_GET(&out, "body"), 0, a);
    say(d, "%lld %.*s%s", (long long)rac_json_int(RAC_JSON_GET(&out, "statusCode"), 0),
        (int)(shown.n > 240 ? 240 : shown.n), shown.p, shown.n > 240 ? "..." : "");
    return rac_json_int(RAC_JSON_GET(&out, "statusCode"), 0) < 300 ? RAC_EXIT_OK
                                                                   : RAC_EXIT_FINDINGS;
}

static int gateway_call(struct demo *d)
{
    struct rac_arena *a = d->cli->a;
    struct rac_json none = rac_json_new_object(a), out;
    step(d, "Call through the gateway: any HTTP client, with a key of the connection alone");
    int status = rac_remote_json(
        d->r, "POST", rac_remote_path(a, "connections/", rac_arena_cstr(a, d->connection), ":keys"),
        &none, &out);
    if (status != RAC_EXIT_OK)
        return status;
    d->key = rac_json_str(RAC_JSON_GET(&out, "connectionKey"), RAC_S(""));
    rac_str url = rac_json_str(RAC_JSON_GET(&out, "runtimeUrl"), RAC_S(""));
    by_hand(d, "curl -H 'Authorization: Key %.*s' %.*s/berths/3", RAC_FMT(d->key), RAC_FMT(url));
    struct rac_remote_req req = {
        .method = "GET",
        .path = rac_arena_printf(a, "%.*s/berths/3", RAC_FMT(url)),
        .authorization = rac_arena_printf(a, "Key %.*s", RAC_FMT(d->key)),
    };
    struct rac_fetch_res res;
    if (!rac_remote_send(d->r, &req, &res))
        return RAC_EXIT_UNREACHABLE;
    if (res.status != 200)
        return rac_remote_explain(d->r, RAC_STR_NULL, &res);
    if (rac_json_parse(res.body, a, 0, &out, NULL) == RAC_OK)
        keep(d, "GET /berths/3", &out);
    say(d, "%d %.*s", res.status, RAC_FMT(res.body));
    return RAC_EXIT_OK;
}

/* --- a workflow ------------------------------------------------------------------------------- */

enum { LOOKS = 200, LOOK_NS = 20 * 1000 * 1000 };

static const char definition[] =
    "{\"triggers\": {\"manual\": {\"type\": \"Request\", \"kind\": \"Http\", \"inputs\": {}}},"
    " \"actions\": {"
    "  \"Each\": {\"type\": \"Foreach\", \"foreach\": \"@triggerBody()['berths']\", \"actions\": {"
    "   \"Look\": {\"type\": \"OpenApiConnection\", \"inputs\": {"
    "    \"host\": {\"connectionName\": \"quai\", \"operationId\": \"GetBerth\"},"
    "    \"parameters\": {\"number\": \"@item()\"}}}}},"
    "  \"Free\": {\"type\": \"Query\", \"runAfter\": {\"Each\": [\"Succeeded\"]}, \"inputs\": {"
    "   \"from\": \"@body('Look')\", \"where\": \"@equals(item()?['state'], 'free')\"}},"
    "  \"Answer\": {\"type\": \"Response\", \"runAfter\": {\"Free\": [\"Succeeded\"]}, \"inputs\": "
    "{"
    "   \"statusCode\": 200, \"body\": {\"free\": \"@body('Free')\"}}}}}";

/* The definition with the reference to the connection made before. */
static struct rac_json workflow_document(struct demo *d)
{
    struct rac_arena *a = d->cli->a;
    struct rac_json o = rac_json_new_object(a), refs = rac_json_new_object(a),
                    ref = rac_json_new_object(a), v;
    rac_err e = rac_json_parse(rac_str_of(definition), a, 0, &v, NULL);
    RAC_ASSERT(e == RAC_OK);
    RAC_JSON_PUT(a, &o, "definition", v);
    RAC_JSON_PUT_STR(a, &ref, "connectionName", d->connection);
    RAC_JSON_PUT_STR(
        a, &ref, "id",
        rac_str_concat(a, RAC_S("/providers/Microsoft.PowerApps/apis/"), d->connector));
    RAC_JSON_PUT(a, &refs, "quai", ref);
    RAC_JSON_PUT(a, &o, "connectionReferences", refs);
    return o;
}

/* Its signed URL, called as anybody would. */
static int call_workflow(struct demo *d, rac_str url)
{
    struct rac_remote_req req = {.method = "POST",
                                 .path = url,
                                 .body = RAC_S("{\"berths\": [1, 2, 3, 4]}"),
                                 .content_type = RAC_S("application/json"),
                                 .authorization = RAC_S("")};
    struct rac_fetch_res res;
    by_hand(d,
            "curl -d '%.*s' -H 'Content-Type: application/json' \"$(raccord workflow callback "
            "look)\"",
            RAC_FMT(req.body));
    if (!rac_remote_send(d->r, &req, &res))
        return RAC_EXIT_UNREACHABLE;
    if (res.status != 200)
        return rac_remote_explain(d->r, RAC_STR_NULL, &res);
    say(d, "%d %.*s%s", res.status, (int)(res.body.n > 240 ? 240 : res.body.n), res.body.p,
        res.body.n > 240 ? "..." : "");
    return RAC_EXIT_OK;
}

/* The newest run, once it has ended. */
static int show_run(struct demo *d)
{
    struct rac_arena *a = d->cli->a;
    struct rac_json list, v;
    int status =
        rac_remote_json(d->r, "GET", RAC_S("/api/v1/workflows/look/runs?$top=1"), NULL, &list);
    rac_str id = rac_json_str(rac_json_pointer_get(&list, RAC_S("/value/0/id")), RAC_S(""));
    rac_str path = rac_arena_printf(
        a, "/api/v1/runs/%.*s?$expand=properties/actions,workflow/properties", RAC_FMT(id));
    for (int i = 0; status == RAC_EXIT_OK && i < LOOKS; i++) {
        status = rac_remote_json(d->r, "GET", path, NULL, &v);
        if (status != RAC_EXIT_OK || RAC_JSON_GET(&v, "endTime") != NULL)
            break;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    if (status != RAC_EXIT_OK)
        return status;
    keep(d, "workflow look", &v);
    by_hand(d, "raccord runs show %.*s", RAC_FMT(id));
    return text(d) ? rac_run_print(d->cli, d->r, &v) : RAC_EXIT_OK;
}

static int run_workflow(struct demo *d)
{
    struct rac_json document = workflow_document(d), out;
    step(d, "Run a workflow that calls the connector: a loop over berths, a filter, an answer");
    by_hand(d, "raccord workflow create look.json");
    int status = rac_remote_json(d->r, "PUT", RAC_S("/api/v1/workflows/look"), &document, &out);
    if (status != RAC_EXIT_OK)
        return status;
    say(d, "look, version %.*s, live",
        RAC_FMT(rac_json_str(RAC_JSON_GET(&out, "version"), RAC_S("?"))));
    struct rac_json none = rac_json_new_object(d->cli->a);
    status = rac_remote_json(d->r, "POST", RAC_S("/api/v1/workflows/look/triggers/manual:callback"),
                             &none, &out);
    if (status == RAC_EXIT_OK)
        status = call_workflow(d, rac_json_str(RAC_JSON_GET(&out, "value"), RAC_S("")));
    return status == RAC_EXIT_OK ? show_run(d) : status;
}

static int play(struct demo *d)
{
    int status = register_connector(d);
    if (status == RAC_EXIT_OK)
        status = make_connection(d);
    if (status == RAC_EXIT_OK) {
        step(d, "Call operations by name: path parameter, page, JSON body, binary answer");
        status = invoke(d, "GetBerth", "{\"number\": 6}");
    }
    if (status == RAC_EXIT_OK)
        status = invoke(d, "ListBerths", "{\"state\": \"free\"}");
    if (status == RAC_EXIT_OK)
        status = invoke(d, "BookBerth",
                        "{\"number\": 2, \"booking\": {\"ship\": \"Sterna\", \"nights\": 3}}");
    if (status == RAC_EXIT_OK)
        status = invoke(d, "GetBerthPlan", "{\"number\": 1}");
    if (status == RAC_EXIT_OK)
        status = gateway_call(d);
    if (status == RAC_EXIT_OK)
        status = run_workflow(d);
    return status;
}

static void next_steps(struct demo *d, bool serving)
{
    if (!text(d)) {
        struct rac_json o = rac_json_new_object(d->cli->a);
        RAC_JSON_PUT_STR(d->cli->a, &o, "url", d->url);
        RAC_JSON_PUT_STR(d->cli->a, &o, "connectorId", d->connector);
        RAC_JSON_PUT_STR(d->cli->a, &o, "connectionId", d->connection);
        RAC_JSON_PUT(d->cli->a, &o, "calls", d->calls);
        rac_cli_print_json_line(d->cli, &o);
        return;
    }
    if (!serving) {
        fputs("\nThat was the whole way. `raccord serve` starts a server that stays.\n",
              d->cli->out);
        return;
    }
    fprintf(d->cli->out,
            "\nThe server goes on at %.*s; Ctrl-C ends it. In another terminal:\n"
            "   $ export RACCORD_SERVER=%.*s RACCORD_TOKEN=$(cat %.*s/admin.token)\n"
            "   $ raccord connector list\n"
            "   $ raccord workflow run look berths='[5, 6]'\n"
            "   $ raccord connector create https://petstore.swagger.io/v2/swagger.json\n",
            RAC_FMT(d->url), RAC_FMT(d->url), RAC_FMT(d->data));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int run(struct rac_cli *cli)
{
    if (cli->args_n > 0)
        return rac_cli_usage(cli, "unexpected argument: %s", cli->args[0]);
    rac_str temporary = RAC_STR_NULL;
    const char *dir = rac_cli_opt(cli, "data"), *listen = rac_cli_opt(cli, "listen");
    bool once = rac_cli_has(cli, "once"), kept = dir != NULL;
    if (!kept && !rac_temp_dir(cli, &temporary))
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "cannot make a temporary directory: %s",
                            strerror(errno));
    if (!kept)
        dir = temporary.p;
    if (strcmp(cli->config->v[RAC_CONF_LOG_LEVEL].from, "default") == 0) {
        rac_err e = rac_config_set(cli->config, RAC_S("log.level"), RAC_S("warn"), "demo", NULL);
        RAC_ASSERT(e == RAC_OK);
    }
    struct rac_server *s;
    struct rac_server_options o = {.data = dir,
                                   .listen = listen ? listen
                                             : once ? "127.0.0.1:0"
                                                    : NULL,
                                   .any_port = true,
                                   .allow = "127.0.0.0/8,::1",
                                   .workers = 2,
                                   .extra = rac_sample_api_handle};
    struct demo d = {.cli = cli, .calls = rac_json_new_array(cli->a)};
    int status = rac_server_start(cli, &o, &s);
    if (status == RAC_EXIT_OK) {
        d.url = rac_server_url(s);
        d.data = rac_server_data(s);
        if (text(&d))
            fprintf(cli->out,
                    "A Raccord server is up at %.*s, and with it a small harbour API to connect "
                    "to.\nNothing leaves this machine; the demo may call loopback addresses.\n",
                    RAC_FMT(d.url));
        status = rac_remote_open_to(cli, d.url, rac_server_admin_token(s, cli->a), &d.r);
        if (status == RAC_EXIT_OK)
            status = play(&d);
        rac_remote_close(d.r);
        if (status == RAC_EXIT_OK) {
            next_steps(&d, !once);
            fflush(cli->out);
            if (!once)
                rac_server_wait(s);
        }
        rac_server_stop(s);
    }
    if (!kept)
        (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

const struct rac_command rac_command_demo = {
    .words = "demo",
    .synopsis = "[--once] [--data DIR] [--listen HOST:PORT]",
    .summary = "See the whole way: description, connector, connection, calls, a workflow's run",
    .details =
        "Starts a server with a small sample API beside it, registers a connector for it,\n"
        "makes a connection and calls it, runs a workflow that calls it too, and prints each\n"
        "step with the command that does it by hand. Needs no network. Serves on until Ctrl-C; "
        "--once ends it at once.\n",
    .options = options,
    .run = run,
};
