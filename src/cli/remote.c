#include "cli/remote.h"

#include "base/mem.h"
#include "base/secret.h"
#include "cli/output.h"
#include "cli/source.h"
#include "loop/worker.h"
#include "text/url.h"

struct rac_remote {
    struct rac_cli *cli;
    struct rac_loop *loop;
    struct rac_http_client *client;
    struct rac_fetcher fetcher;
    rac_str server, token, if_match;
    rac_str said, said_code; /* of the last error explained */
};

int rac_remote_open_to(struct rac_cli *cli, rac_str server, rac_str token, struct rac_remote **out)
{
    struct rac_remote *r = rac_mem_alloc(sizeof *r);
    struct rac_http_client_options o;
    r->cli = cli;
    r->token = token;
    while (server.n > 0 && server.p[server.n - 1] == '/')
        server.n--;
    r->server = server;
    *out = r;
    if (!rac_cli_is_url(server))
        return rac_cli_fail(cli, RAC_EXIT_USAGE,
                            "the server must be a URL such as http://127.0.0.1:8080, not %.*s",
                            RAC_FMT(server));
    if (rac_cli_server_options(cli, &o) != RAC_OK)
        return RAC_EXIT_USAGE;
    r->loop = rac_loop_new();
    if (rac_http_client_new(r->loop, &o, &r->client) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "the HTTP client cannot start");
    r->fetcher = rac_http_client_fetcher(r->client);
    return RAC_EXIT_OK;
}

int rac_remote_open(struct rac_cli *cli, struct rac_remote **out)
{
    rac_str server = cli->server.n > 0 ? cli->server : RAC_S("http://127.0.0.1:8080");
    return rac_remote_open_to(cli, server, cli->token, out);
}

void rac_remote_close(struct rac_remote *r)
{
    if (r == NULL)
        return;
    if (r->client != NULL)
        rac_http_client_free(r->client);
    if (r->loop != NULL)
        rac_loop_free(r->loop);
    rac_mem_free(r);
}

struct wait {
    struct rac_fetch_res *res;
    bool done;
};

static void on_done(void *arg, const struct rac_fetch_res *res)
{
    struct wait *w = arg;
    *w->res = *res;
    w->done = true;
}

void rac_remote_if_match(struct rac_remote *r, rac_str tag)
{
    r->if_match = tag;
}

bool rac_remote_send(struct rac_remote *r, const struct rac_remote_req *req,
                     struct rac_fetch_res *res)
{
    struct rac_arena *a = r->cli->a;
    struct rac_headers h = {0};
    rac_str authorization = req->authorization;
    if (authorization.p == NULL && r->token.n > 0) {
        authorization = rac_arena_printf(a, "Bearer %.*s", RAC_FMT(r->token));
        rac_secret_wipe_with(a, authorization);
    }
    if (authorization.n > 0)
        rac_headers_add(&h, a, RAC_S("Authorization"), authorization);
    rac_headers_add(&h, a, RAC_S("Accept"), RAC_S("application/json, */*;q=0.1"));
    if (req->content_type.p != NULL)
        rac_headers_add(&h, a, RAC_S("Content-Type"), req->content_type);
    if (r->if_match.p != NULL && strcmp(req->method, "GET") != 0) {
        rac_headers_add(&h, a, RAC_S("If-Match"), r->if_match);
        r->if_match = RAC_STR_NULL;
    }
    struct rac_fetch_req f = {.method = rac_str_of(req->method),
                              .url = rac_str_starts(req->path, RAC_S("/"))
                                         ? rac_str_concat(a, r->server, req->path)
                                         : req->path,
                              .headers = &h,
                              .body = req->body};
    struct wait w = {.res = res};
    struct rac_fetch_events ev = {.done = on_done, .arg = &w};
    r->fetcher.start(r->fetcher.self, &f, a, &ev);
    RAC_ASSERT(rac_loop_run_until(r->loop, &w.done));
    if (res->err == RAC_OK)
        return true;
    r->said_code = RAC_S("Unreachable");
    r->said = rac_arena_printf(
        a, "cannot reach the server %.*s: %.*s%s", RAC_FMT(r->server), RAC_FMT(res->error),
        res->err == RAC_E_UNREACHABLE ? ". Is it running? Start one with raccord serve, or name it "
                                        "with --server or RACCORD_SERVER"
                                      : "");
    rac_cli_fail(r->cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(r->said));
    return false;
}

static int status_of(int http)
{
    return http == 401 || http == 403 || http == 413 || http == 429   ? RAC_EXIT_REFUSED
           : http == 502 || http == 503 || http == 504 || http == 507 ? RAC_EXIT_UNREACHABLE
                                                                      : RAC_EXIT_FINDINGS;
}

static void print_finding(struct rac_remote *r, rac_str source, const struct rac_json *f)
{
    struct rac_arena *a = r->cli->a;
    rac_str severity = rac_json_str(RAC_JSON_GET(f, "severity"), RAC_S("error"));
    struct rac_diag d = {
        .code = rac_arena_cstr(a, rac_json_str(RAC_JSON_GET(f, "code"), RAC_S("?"))),
        .severity = rac_str_eq(severity, RAC_S("warning")) ? RAC_SEV_WARNING
                    : rac_str_eq(severity, RAC_S("info"))  ? RAC_SEV_INFO
                                                           : RAC_SEV_ERROR,
        .file = rac_json_str(RAC_JSON_GET(f, "file"), RAC_STR_NULL),
        .pointer = rac_json_str(RAC_JSON_GET(f, "pointer"), RAC_STR_NULL),
        .line = (uint32_t)rac_json_int(RAC_JSON_GET(f, "line"), 0),
        .column = (uint32_t)rac_json_int(RAC_JSON_GET(f, "column"), 0),
        .message = rac_json_str(RAC_JSON_GET(f, "message"), RAC_S("")),
        .fix = rac_json_str(RAC_JSON_GET(f, "fix"), RAC_STR_NULL),
    };
    if (!rac_cli_is_folder(rac_arena_cstr(a, source)))
        d.file = RAC_STR_NULL; /* all of it was sent as another file of a package */
    rac_cli_diag(r->cli, source, &d);
}

void rac_remote_findings(struct rac_remote *r, rac_str source, const struct rac_json *answer,
                         const char *member)
{
    const struct rac_json *list = rac_json_get(answer, rac_str_of(member));
    for (size_t i = 0; i < rac_json_len(list); i++)
        print_finding(r, source, rac_json_at(list, i));
}

/* What lists the things among which one was not found. */
static void hint_at_list(struct rac_cli *cli, rac_str code)
{
    static const struct {
        rac_str code;
        const char *hint;
    } rows[] = {
        {RAC_S_INIT("ConnectorNotFound"), "`raccord connector list` lists those you may see."},
        {RAC_S_INIT("ConnectionNotFound"), "`raccord connection list` lists those you may see."},
        {RAC_S_INIT("WorkflowNotFound"), "`raccord workflow list` lists those you may see."},
        {RAC_S_INIT("WorkflowTriggerNotFound"),
         "`raccord workflow triggers WORKFLOW` lists those it has."},
        {RAC_S_INIT("WorkflowVersionNotFound"),
         "`raccord workflow versions WORKFLOW` lists those it has."},
        {RAC_S_INIT("WorkflowRunNotFound"),
         "`raccord runs list WORKFLOW` lists those of a workflow."}};
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rac_str_eq(code, rows[i].code))
            fprintf(cli->err, "    %s\n", rows[i].hint);
}

int rac_remote_explain(struct rac_remote *r, rac_str source, const struct rac_fetch_res *res)
{
    struct rac_cli *cli = r->cli;
    struct rac_json v;
    int status = status_of(res->status);
    r->said_code = RAC_S("Unreadable");
    if (rac_json_parse(res->body, cli->a, 0, &v, NULL) != RAC_OK ||
        RAC_JSON_GET(&v, "error") == NULL) {
        r->said = rac_arena_printf(cli->a, "the server answered %d; is %.*s a Raccord server?",
                                   res->status, RAC_FMT(r->server));
        return rac_cli_fail(cli, status, "%.*s", RAC_FMT(r->said));
    }
    const struct rac_json *e = RAC_JSON_GET(&v, "error");
    rac_str message = rac_json_str(RAC_JSON_GET(e, "message"), RAC_S("no reason given"));
    rac_str code = rac_json_str(RAC_JSON_GET(e, "code"), RAC_S("Error"));
    const struct rac_json *details = RAC_JSON_GET(e, "details");
    for (size_t i = 0; i < rac_json_len(details); i++)
        print_finding(r, source.n > 0 ? source : RAC_S("request"), rac_json_at(details, i));
    if (res->status == 401 && r->token.n == 0)
        message = RAC_S("this needs a token: set RACCORD_TOKEN, or --token-file FILE (the first "
                        "one is admin.token in the server's data directory)");
    r->said = message;
    r->said_code = code;
    if (res->status == 404 && source.n == 0 && cli->args_n > 0) /* what was asked for */
        source = rac_str_of(cli->args[0]);
    (void)rac_cli_fail(cli, status, "%.*s%s%.*s (%.*s)", RAC_FMT(source), source.n > 0 ? ": " : "",
                       RAC_FMT(message), RAC_FMT(code));
    if (res->status == 404)
        hint_at_list(cli, code);
    return status;
}

struct rac_json rac_remote_said(struct rac_remote *r)
{
    struct rac_json o = rac_json_new_object(r->cli->a);
    RAC_JSON_PUT_STR(r->cli->a, &o, "code", r->said_code.n > 0 ? r->said_code : RAC_S("Error"));
    RAC_JSON_PUT_STR(r->cli->a, &o, "message", r->said);
    return o;
}

int rac_remote_json(struct rac_remote *r, const char *method, rac_str path,
                    const struct rac_json *body, struct rac_json *out)
{
    struct rac_arena *a = r->cli->a;
    struct rac_remote_req req = {.method = method, .path = path};
    struct rac_fetch_res res;
    if (body != NULL) {
        req.body = rac_json_print_str(body, 0, a);
        req.content_type = RAC_S("application/json");
    }
    if (!rac_remote_send(r, &req, &res))
        return RAC_EXIT_UNREACHABLE;
    if (res.status < 200 || res.status >= 300)
        return rac_remote_explain(r, RAC_STR_NULL, &res);
    if (out == NULL || res.status == 204)
        return RAC_EXIT_OK;
    if (rac_json_parse(res.body, a, 0, out, NULL) != RAC_OK)
        return rac_cli_fail(r->cli, RAC_EXIT_UNREACHABLE, "the server's answer is not JSON");
    return RAC_EXIT_OK;
}

int rac_remote_list(struct rac_remote *r, rac_str path, struct rac_json *out)
{
    struct rac_arena *a = r->cli->a;
    struct rac_json all = rac_json_new_array(a), page;
    while (path.n > 0) {
        int status = rac_remote_json(r, "GET", path, NULL, &page);
        if (status != RAC_EXIT_OK)
            return status;
        const struct rac_json *v = RAC_JSON_GET(&page, "value");
        for (size_t i = 0; i < rac_json_len(v); i++)
            rac_json_add(a, &all, *rac_json_at(v, i));
        rac_str next = rac_json_str(RAC_JSON_GET(&page, "nextLink"), RAC_STR_NULL);
        struct rac_url u; /* the server may call itself something else than we do */
        path = next.n > 0 && rac_url_split(next, &u)
                   ? rac_arena_printf(a, "%.*s?%.*s", RAC_FMT(u.path), RAC_FMT(u.query))
                   : RAC_STR_NULL;
    }
    *out = rac_json_new_object(a);
    RAC_JSON_PUT(a, out, "value", all);
    return RAC_EXIT_OK;
}

rac_str rac_remote_text(struct rac_arena *a, const struct rac_json *v)
{
    if (v == NULL || v->type == RAC_JSON_NULL)
        return RAC_S("");
    if (v->type == RAC_JSON_STRING)
        return rac_json_str(v, RAC_S(""));
    if (v->type != RAC_JSON_ARRAY)
        return rac_json_print_str(v, 0, a);
    rac_str s = RAC_S("");
    for (size_t i = 0; i < rac_json_len(v); i++) {
        const struct rac_json *e = rac_json_at(v, i);
        rac_str t = rac_remote_text(a, e);
        const struct rac_json *role = RAC_JSON_GET(e, "role"), *group = RAC_JSON_GET(e, "group");
        if (role != NULL) /* a grant */
            t = rac_arena_printf(a, "%.*s%s%.*s", RAC_FMT(rac_json_str(role, RAC_S(""))),
                                 group ? "@" : "", RAC_FMT(rac_json_str(group, RAC_S(""))));
        s = rac_arena_printf(a, "%.*s%s%.*s", RAC_FMT(s), i > 0 ? "," : "", RAC_FMT(t));
    }
    return s;
}

void rac_remote_print_list(struct rac_cli *cli, const struct rac_json *list,
                           const struct rac_column *columns, size_t n)
{
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, list);
        return;
    }
    const struct rac_json *v = RAC_JSON_GET(list, "value");
    size_t rows = rac_json_len(v);
    rac_str *cells = RAC_NEW_N(cli->a, rac_str, rows * n + 1);
    const char **titles = RAC_NEW_N(cli->a, const char *, n);
    for (size_t c = 0; c < n; c++)
        titles[c] = columns[c].title;
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++)
            cells[i * n + c] = rac_remote_text(
                cli->a, rac_json_pointer_get(rac_json_at(v, i), rac_str_of(columns[c].pointer)));
    rac_cli_print_table(cli, titles, cells, rows, n);
}

rac_str rac_remote_path(struct rac_arena *a, const char *before, const char *name,
                        const char *after)
{
    return rac_arena_printf(a, "/api/v1/%s%.*s%s", before,
                            RAC_FMT(rac_url_encode_set(a, rac_str_of(name), RAC_URL_STRICT)),
                            after);
}
