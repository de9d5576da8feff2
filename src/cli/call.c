/*
 * raccord call - one operation from the shell, or a whole batch of them.
 *
 * A batch keeps one process busy: a source is loaded and compiled once, each line has an arena that
 * is reset after it, and every line is answered, whatever is wrong with it.
 */
#include "base/base64.h"
#include "base/map.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/live.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/source.h"
#include "cli/remote.h"
#include "connector/auth.h"
#include "connector/call.h"
#include "connector/connection.h"
#include "connector/plan.h"
#include "text/mime.h"
#include "text/url.h"

enum {
    FILE_BYTES_MAX = 256 << 20,
    BATCH_BYTES_MAX = 1 << 30,
    LINE_ARENA_BYTES_MAX = 512 << 20,
};

static const struct rac_option options[] = {
    {"parameters", 'p', "FILE", "JSON object of arguments; NAME=VALUE is laid over it"},
    {"connection", 'c', "FILE|NAME",
     "JSON of a connection, {parameter: value} or {\"set\", \"values\"}; or a server's connection"},
    {"dry-run", 'n', NULL, "build the request and print it; nothing is sent"},
    {"show-secrets", 0, NULL, "print secrets instead of ***"},
    {"retry", 0, "N", "retry up to N times what is worth retrying (default 0)"},
    {"batch", 0, "FILE", "JSON Lines of {id, source, operationId, parameters, connection}"},
    {"include", 'i', NULL, "print status and headers before the body"},
    {NULL, 0, NULL, NULL},
};

struct source {
    rac_str name;
    struct rac_connector *connector; /* NULL: could not be loaded */
    rac_str problem;
};

struct run {
    struct rac_cli *cli;
    struct rac_map sources; /* by name; in cli->a */
    bool dry, masked;
    unsigned retries;
    struct rac_live *live; /* network, opened at the first use */
};

static struct source *source_get(struct run *run, rac_str name)
{
    struct source *s = rac_map_get(&run->sources, name);
    if (s != NULL)
        return s;
    s = RAC_NEW(run->cli->a, struct source);
    s->name = rac_arena_str(run->cli->a, name);
    struct rac_diags d;
    rac_diags_init(&d, run->cli->a, 20);
    rac_err e = rac_cli_connector(run->cli, s->name.p, &s->connector, &d);
    if (e != RAC_OK) {
        rac_cli_diags(run->cli, s->name, &d);
        s->connector = NULL;
        s->problem = d.n > 0 ? d.v[0].message : rac_str_of(rac_err_text(e));
    }
    rac_map_put(&run->sources, s->name, s);
    return s;
}

static void sources_free(struct run *run)
{
    for (size_t i = 0; i < run->sources.n; i++)
        rac_connector_unref(((struct source *)run->sources.entries[i].value)->connector);
}

/* --- one call --------------------------------------------------------------------------------- */

struct outcome {
    struct rac_call_error error;
    struct rac_json request;  /* dry run */
    struct rac_json response; /* live: {"statusCode", "headers", "body"} */
    const struct rac_call_res *res;
    int status; /* live */
};

static bool connection_make(struct run *run, const struct rac_connector *c,
                            const struct rac_json *input, struct rac_arena *a,
                            struct rac_connection **out, struct rac_call_error *e)
{
    *out = NULL;
    if (input == NULL || input->type == RAC_JSON_NULL)
        return true;
    struct rac_diags d;
    rac_diags_init(&d, a, 10);
    if (rac_connection_make(c, input, run->dry ? RAC_CONNECTION_PARTIAL : 0,
                            rac_env_wall_ms(run->cli->env), a, out, &d) == RAC_OK)
        return true;
    *e = (struct rac_call_error){.code = RAC_CALL_INVALID_INPUT, .http_status = 400};
    e->message = d.n > 0 ? d.v[0].message : RAC_S("the connection is not valid");
    e->pointer = rac_str_concat(a, RAC_S("/connection"), d.n > 0 ? d.v[0].pointer : RAC_S(""));
    return false;
}

/* How the connection's token is renewed. The connector's client is the definition's, or that of
 * RACCORD_CLIENT_ID and RACCORD_CLIENT_SECRET. */
static const struct rac_oauth_settings *
oauth_settings(struct rac_cli *cli, const struct rac_connection *c, struct rac_arena *a)
{
    const struct rac_conn_param *p = rac_conn_param_oauth(c->set);
    if (p == NULL)
        return NULL;
    struct rac_oauth_client *client = RAC_NEW(a, struct rac_oauth_client);
    client->client_id = rac_str_of(rac_cli_env(cli, "RACCORD_CLIENT_ID"));
    client->client_secret = rac_str_of(rac_cli_env(cli, "RACCORD_CLIENT_SECRET"));
    return rac_oauth_settings_parse(RAC_JSON_GET(&p->node, "oAuthSettings"), client, p->name,
                                    RAC_STR_NULL, a, NULL);
}

static void call_one(struct run *run, struct rac_connector *c, rac_str operation,
                     const struct rac_json *parameters, const struct rac_json *connection,
                     struct rac_arena *a, struct outcome *out)
{
    memset(out, 0, sizeof *out);
    struct rac_connection *conn;
    if (!connection_make(run, c, connection, a, &conn, &out->error))
        return;
    struct rac_call_req req = {.connector = c,
                               .connection = conn,
                               .operation_id = operation,
                               .parameters = parameters,
                               .mask_secrets = run->masked,
                               .lenient_connection = run->dry};
    if (!run->dry) {
        if (conn != NULL)
            req.oauth = oauth_settings(run->cli, conn, a);
        rac_live_call(run->live, &req, run->retries, a, &out->res);
        out->error = out->res->error;
        out->status = out->res->status;
        return;
    }
    struct rac_request request;
    struct rac_diags notes;
    rac_diags_init(&notes, a, 50);
    if (rac_call_build(&req, run->cli->env, a, &request, &out->error, &notes) == RAC_CALL_NONE)
        out->request = rac_request_json(&request, run->masked, a);
    for (size_t i = 0; i < notes.n; i++)
        fprintf(run->cli->err, "%.*s: note: %.*s\n", RAC_FMT(operation),
                RAC_FMT(notes.v[i].message));
}

static struct rac_json response_json(const struct rac_call_res *res, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a), headers = rac_json_new_object(a);
    RAC_JSON_PUT(a, &v, "statusCode", rac_json_of_int(res->status));
    for (size_t i = 0; i < res->headers.n; i++) {
        const struct rac_header *h = &res->headers.v[i];
        struct rac_json *old = rac_json_geti(&headers, h->name);
        if (old != NULL)
            *old = rac_json_of_str(rac_arena_printf(
                a, "%.*s, %.*s", RAC_FMT(rac_json_str(old, RAC_S(""))), RAC_FMT(h->value)));
        else
            rac_json_put(a, &headers, h->name, rac_json_of_str(h->value));
    }
    RAC_JSON_PUT(a, &v, "headers", headers);
    if (res->body.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &v, "body", res->body);
    return v;
}

/* §6.5: what is no 2xx failed, a redirect that was not followed among it. */
static bool answered_well(int64_t status)
{
    return status >= 200 && status < 300;
}

static struct rac_json error_json(const struct rac_call_error *e, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &v, "code", rac_str_of(rac_call_code_word(e->code)));
    RAC_JSON_PUT_STR(a, &v, "message", e->message);
    RAC_JSON_PUT(a, &v, "pointer",
                 e->pointer.p != NULL ? rac_json_of_str(e->pointer) : rac_json_of_null());
    return v;
}

/* --- batch ------------------------------------------------------------------------------------ */

static void line_error(struct rac_call_error *e, rac_str pointer, rac_str message)
{
    *e = (struct rac_call_error){.code = RAC_CALL_INVALID_INPUT, .http_status = 400};
    e->pointer = pointer;
    e->message = message;
}

static void line_run(struct run *run, const struct rac_json *line, struct rac_arena *a,
                     struct outcome *out)
{
    memset(out, 0, sizeof *out);
    const struct rac_json *source = RAC_JSON_GET(line, "source");
    rac_str name = rac_json_str(source, RAC_STR_NULL);
    rac_str operation = rac_json_str(RAC_JSON_GET(line, "operationId"), RAC_STR_NULL);
    if (source == NULL && run->cli->args_n > 0)
        name = rac_str_of(run->cli->args[0]);
    if (name.p == NULL || operation.p == NULL) {
        line_error(&out->error, name.p == NULL ? RAC_S("/source") : RAC_S("/operationId"),
                   RAC_S("a line needs \"source\" and \"operationId\", both strings"));
        return;
    }
    struct source *s = source_get(run, name);
    if (s->connector == NULL) {
        line_error(&out->error, RAC_S("/source"), s->problem);
        return;
    }
    call_one(run, s->connector, operation, RAC_JSON_GET(line, "parameters"),
             RAC_JSON_GET(line, "connection"), a, out);
}

static bool batch_line(struct run *run, rac_str text, struct rac_arena *a)
{
    struct rac_json line, answer = rac_json_new_object(a), id = rac_json_of_null();
    struct rac_json_error where = {0};
    struct outcome out = {0};
    if (rac_json_parse(text, a, 0, &line, &where) != RAC_OK) {
        line_error(&out.error, RAC_STR_NULL,
                   rac_arena_printf(a, "the line is not JSON: %s at column %u", where.message,
                                    where.column));
    } else {
        const struct rac_json *given = RAC_JSON_GET(&line, "id");
        if (given != NULL)
            id = *given;
        line_run(run, &line, a, &out);
    }
    RAC_JSON_PUT(a, &answer, "id", id);
    if (out.error.code != RAC_CALL_NONE)
        RAC_JSON_PUT(a, &answer, "error", error_json(&out.error, a));
    else if (run->dry)
        RAC_JSON_PUT(a, &answer, "request", out.request);
    else
        RAC_JSON_PUT(a, &answer, "response", response_json(out.res, a));
    rac_cli_print_json_line(run->cli, &answer);
    return out.error.code == RAC_CALL_NONE && (run->dry || answered_well(out.status));
}

static int batch(struct run *run, const char *path)
{
    rac_str text, why;
    rac_err e = rac_cli_read(run->cli, path, BATCH_BYTES_MAX, run->cli->a, &text, &why);
    if (e != RAC_OK)
        return rac_cli_fail(run->cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    struct rac_arena a;
    rac_arena_init(&a, LINE_ARENA_BYTES_MAX);
    bool good = true;
    while (text.p != NULL) {
        rac_str line = rac_str_trim(rac_str_cut(text, '\n', &text));
        if (line.n == 0)
            continue;
        good &= batch_line(run, line, &a);
        rac_arena_reset(&a);
    }
    rac_arena_fini(&a);
    return good ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

/* --- arguments from the shell ----------------------------------------------------------------- */

static const struct rac_param_plan *param_find(const struct rac_op *op, rac_str name)
{
    const struct rac_op_plan *plan = op != NULL ? op->plan : NULL;
    for (uint32_t i = 0; plan != NULL && i < plan->params_n; i++)
        if (rac_str_eq(plan->params[i].name, name))
            return &plan->params[i];
    return plan != NULL && plan->body >= 0 && rac_str_eq(name, RAC_S("body"))
               ? &plan->params[plan->body]
               : NULL;
}

static struct rac_json file_value(struct rac_cli *cli, const struct rac_param_plan *p, rac_str path,
                                  rac_str bytes)
{
    struct rac_json v;
    bool binary = p != NULL && p->shape->binary;
    if (!binary && rac_json_parse(bytes, cli->a, 0, &v, NULL) == RAC_OK)
        return v;
    if (!binary && rac_utf8_check(bytes) == bytes.n)
        return rac_json_of_str(bytes);
    size_t slash = rac_str_rfind_char(path, '/');
    v = rac_json_new_object(cli->a);
    RAC_JSON_PUT_STR(cli->a, &v, "$content-type", rac_mime_of_name(path));
    RAC_JSON_PUT_STR(cli->a, &v, "$content", rac_base64_encode(cli->a, bytes));
    RAC_JSON_PUT_STR(cli->a, &v, "name",
                     slash == RAC_STR_NPOS ? path : rac_str_from(path, slash + 1));
    return v;
}

/* Text from the shell as the value its parameter wants: strings stay text, arrays may be written
 * "a,b" or as JSON, bodies as JSON. */
static struct rac_json shell_value(struct rac_cli *cli, const struct rac_param_plan *p,
                                   rac_str text)
{
    struct rac_json v;
    uint8_t type = p != NULL ? p->shape->type : RAC_TYPE_ANY;
    bool json = type == RAC_TYPE_ANY || type == RAC_TYPE_OBJECT || type == RAC_TYPE_ARRAY ||
                type == RAC_TYPE_FILE;
    if (json && rac_json_parse(text, cli->a, 0, &v, NULL) == RAC_OK &&
        (type != RAC_TYPE_ARRAY || rac_json_is_array(&v)))
        return v;
    if (type != RAC_TYPE_ARRAY)
        return rac_json_of_str(text);
    v = rac_json_new_array(cli->a);
    for (rac_str rest = text; rest.p != NULL && text.n > 0;)
        rac_json_add(cli->a, &v, rac_json_of_str(rac_str_cut(rest, ',', &rest)));
    return v;
}

static int arguments(struct run *run, const struct rac_op *op, struct rac_json *out)
{
    struct rac_cli *cli = run->cli;
    const char *file = rac_cli_opt(cli, "parameters");
    *out = rac_json_new_object(cli->a);
    rac_str text, why;
    if (file != NULL) {
        struct rac_json_error where = {0};
        rac_err e = rac_cli_read(cli, file, FILE_BYTES_MAX, cli->a, &text, &why);
        if (e != RAC_OK)
            return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
        if (rac_json_parse(text, cli->a, 0, out, &where) != RAC_OK || !rac_json_is_object(out))
            return rac_cli_fail(cli, RAC_EXIT_USAGE, "%s:%u:%u: %s", file, where.line, where.column,
                                where.message ? where.message : "a JSON object is expected");
    }
    for (size_t i = 2; i < cli->args_n; i++) {
        rac_str value, name = rac_str_cut(rac_str_of(cli->args[i]), '=', &value);
        if (value.p == NULL)
            return rac_cli_usage(cli, "an argument is written NAME=VALUE, not %s", cli->args[i]);
        const struct rac_param_plan *p = param_find(op, name);
        struct rac_json v;
        if (value.n > 1 && value.p[0] == '@') {
            rac_str path = rac_str_from(value, 1);
            rac_err e = rac_cli_read(cli, rac_arena_cstr(cli->a, path), FILE_BYTES_MAX, cli->a,
                                     &text, &why);
            if (e != RAC_OK)
                return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
            v = file_value(cli, p, path, text);
        } else {
            v = shell_value(cli, p, value);
        }
        rac_json_put(cli->a, out, name, v);
    }
    return RAC_EXIT_OK;
}

static int connection_file(struct rac_cli *cli, struct rac_json *out)
{
    const char *file = rac_cli_opt(cli, "connection");
    rac_str text, why;
    if (file == NULL) {
        *out = rac_json_of_null();
        return RAC_EXIT_OK;
    }
    rac_err e = rac_cli_read(cli, file, FILE_BYTES_MAX, cli->a, &text, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    struct rac_json_error where = {0};
    if (rac_json_parse(text, cli->a, 0, out, &where) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_USAGE, "%s:%u:%u: %s", file, where.line, where.column,
                            where.message);
    return RAC_EXIT_OK;
}

/* A token renewed on the way goes back into the connection file, because the provider may have
 * taken the old refresh token out of use. */
static void token_keep(struct rac_cli *cli, struct rac_json *connection,
                       const struct rac_oauth_token *t)
{
    const char *file = rac_cli_opt(cli, "connection");
    struct rac_json *values = RAC_JSON_GET(connection, "values");
    struct rac_json v = rac_json_new_object(cli->a);
    rac_str why;
    if (file == NULL || strcmp(file, "-") == 0) {
        fprintf(cli->err, "raccord: note: the access token was renewed and is not kept\n");
        return;
    }
    RAC_JSON_PUT_STR(cli->a, &v, "access_token", t->access);
    if (t->refresh.n > 0)
        RAC_JSON_PUT_STR(cli->a, &v, "refresh_token", t->refresh);
    else if (t->assertion.n > 0)
        RAC_JSON_PUT_STR(cli->a, &v, "assertion", t->assertion);
    if (t->expires_at_ms > 0)
        RAC_JSON_PUT(cli->a, &v, "expires_at", rac_json_of_int(t->expires_at_ms / 1000));
    if (rac_json_get(values, t->parameter) == NULL)
        values = connection;
    rac_json_put(cli->a, values, t->parameter, v);
    rac_str text = rac_json_print_str(connection, RAC_JSON_PRETTY, cli->a);
    if (rac_cli_write(cli, file, text, 0600, &why) == RAC_OK)
        fprintf(cli->err, "raccord: note: the access token was renewed; %s holds the new one\n",
                file);
    else
        fprintf(cli->err,
                "raccord: warning: the access token was renewed and cannot be kept: %.*s\n",
                RAC_FMT(why));
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_request(struct rac_cli *cli, const struct rac_json *r)
{
    fprintf(cli->out, "%.*s %.*s\n", RAC_FMT(rac_json_str(RAC_JSON_GET(r, "method"), RAC_S(""))),
            RAC_FMT(rac_json_str(RAC_JSON_GET(r, "url"), RAC_S(""))));
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(r, "headers"))
    {
        fprintf(cli->out, "%.*s: %.*s\n", RAC_FMT(rac_json_key(m)),
                RAC_FMT(rac_json_str(&m->value, RAC_S(""))));
    }
    const struct rac_json *body = RAC_JSON_GET(r, "body");
    if (body == NULL)
        return;
    fputc('\n', cli->out);
    if (rac_json_is_string(body)) {
        fwrite(body->s, 1, body->n, cli->out);
        fputc('\n', cli->out);
    } else {
        rac_str text = rac_json_print_str(body, RAC_JSON_PRETTY, cli->a);
        fprintf(cli->out, "%.*s\n", RAC_FMT(text));
    }
}

static void print_response(struct rac_cli *cli, const struct rac_call_res *res)
{
    if (rac_cli_has(cli, "include")) {
        fprintf(cli->out, "HTTP %d\n", res->status);
        for (size_t i = 0; i < res->headers.n; i++)
            fprintf(cli->out, "%.*s: %.*s\n", RAC_FMT(res->headers.v[i].name),
                    RAC_FMT(res->headers.v[i].value));
        fputc('\n', cli->out);
    }
    if (res->body.type == RAC_JSON_OBJECT && cli->color_out &&
        RAC_JSON_GET(&res->body, "$content") == NULL) {
        rac_cli_print_json(cli, &res->body);
        return;
    }
    fwrite(res->bytes.p ? res->bytes.p : "", 1, res->bytes.n, cli->out);
    if (cli->color_out && res->bytes.n > 0)
        fputc('\n', cli->out);
}

static int print_outcome(struct run *run, const struct outcome *out)
{
    struct rac_cli *cli = run->cli;
    if (out->error.code != RAC_CALL_NONE) {
        if (cli->format == RAC_FORMAT_JSON) {
            struct rac_json v = rac_json_new_object(cli->a);
            RAC_JSON_PUT(cli->a, &v, "error", error_json(&out->error, cli->a));
            rac_cli_print_json(cli, &v);
        }
        rac_cli_fail(cli, RAC_EXIT_FINDINGS, "%s: %.*s%s%.*s%s",
                     rac_call_code_word(out->error.code), RAC_FMT(out->error.message),
                     out->error.pointer.n ? " (" : "", RAC_FMT(out->error.pointer),
                     out->error.pointer.n ? ")" : "");
        return out->error.code == RAC_CALL_EGRESS_DENIED         ? RAC_EXIT_REFUSED
               : out->error.code == RAC_CALL_BACKEND_UNREACHABLE ? RAC_EXIT_UNREACHABLE
                                                                 : RAC_EXIT_FINDINGS;
    }
    if (run->dry && cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, &out->request);
    else if (run->dry)
        print_request(cli, &out->request);
    else if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json v = response_json(out->res, cli->a);
        rac_cli_print_json(cli, &v);
    } else {
        print_response(cli, out->res);
    }
    if (!run->dry && !answered_well(out->status))
        return rac_cli_fail(cli, RAC_EXIT_FINDINGS, "the backend answered %d", out->status);
    return RAC_EXIT_OK;
}

/* --- through a server ------------------------------------------------------------------------- */

/* A connection that is no file is one of the server's: its secrets stay there, and it is called
 * there. */
static bool names_server_connection(struct rac_cli *cli)
{
    const char *name = rac_cli_opt(cli, "connection");
    return name != NULL && strcmp(name, "-") != 0 && access(name, F_OK) != 0 &&
           strchr(name, '/') == NULL;
}

static void print_answer(struct rac_cli *cli, const struct rac_json *answer)
{
    const struct rac_json *body = RAC_JSON_GET(answer, "body");
    rac_str bytes;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, answer);
    } else if (rac_json_is_string(body)) {
        fwrite(body->s, 1, body->n, cli->out);
    } else if (rac_base64_decode(cli->a, rac_json_str(RAC_JSON_GET(body, "$content"), RAC_S("")),
                                 &bytes) &&
               RAC_JSON_GET(body, "$content") != NULL) {
        fwrite(bytes.p, 1, bytes.n, cli->out);
    } else if (body != NULL) {
        rac_cli_print_json(cli, body);
    }
}

static int remote_call(struct rac_cli *cli, rac_str operation, const struct rac_json *parameters)
{
    rac_str name = rac_str_of(rac_cli_opt(cli, "connection"));
    struct rac_remote *remote = NULL;
    struct rac_json body = rac_json_new_object(cli->a), answer;
    RAC_JSON_PUT_STR(cli->a, &body, "operationId", operation);
    RAC_JSON_PUT(cli->a, &body, "parameters", *parameters);
    rac_str path = rac_arena_printf(cli->a, "/api/v1/connections/%.*s:invoke",
                                    RAC_FMT(rac_url_encode(cli->a, name)));
    int status = rac_remote_open(cli, &remote);
    if (status == RAC_EXIT_OK)
        status = rac_remote_json(remote, "POST", path, &body, &answer);
    if (status == RAC_EXIT_OK) {
        int64_t code = rac_json_int(RAC_JSON_GET(&answer, "statusCode"), 0);
        print_answer(cli, &answer);
        if (!answered_well(code))
            status = rac_cli_fail(cli, RAC_EXIT_FINDINGS, "the backend answered %d", (int)code);
    }
    rac_remote_close(remote);
    return status;
}

static int single(struct run *run)
{
    struct rac_cli *cli = run->cli;
    if (cli->args_n < 2)
        return rac_cli_usage(cli, "call needs a source and an operation");
    struct rac_connector *c = NULL;
    struct rac_diags d;
    rac_diags_init(&d, cli->a, 100);
    rac_err e = rac_cli_connector(cli, cli->args[0], &c, &d);
    rac_cli_diags(cli, rac_str_of(cli->args[0]), &d);
    if (e != RAC_OK)
        return rac_cli_source_fail(cli, cli->args[0], e, &d);
    rac_str operation = rac_str_of(cli->args[1]);
    struct rac_json parameters, connection;
    int status = arguments(run, rac_connector_operation(c, operation), &parameters);
    if (status == RAC_EXIT_OK && names_server_connection(cli)) {
        status = run->dry ? rac_cli_usage(cli,
                                          "%s is no file, and the secrets of a server's "
                                          "connection stay there: no dry run with it",
                                          rac_cli_opt(cli, "connection"))
                          : remote_call(cli, operation, &parameters);
        rac_connector_unref(c);
        return status;
    }
    if (status == RAC_EXIT_OK)
        status = connection_file(cli, &connection);
    if (status == RAC_EXIT_OK) {
        struct outcome out;
        call_one(run, c, operation, &parameters, &connection, cli->a, &out);
        if (out.res != NULL && out.res->refreshed != NULL)
            token_keep(cli, &connection, out.res->refreshed);
        status = print_outcome(run, &out);
    }
    rac_connector_unref(c);
    return status;
}

static int run_call(struct rac_cli *cli)
{
    struct run run = {.cli = cli, .dry = rac_cli_has(cli, "dry-run")};
    run.masked = run.dry && !rac_cli_has(cli, "show-secrets");
    rac_map_init(&run.sources, cli->a);
    const char *retry = rac_cli_opt(cli, "retry"), *file = rac_cli_opt(cli, "batch");
    uint64_t n = 0;
    if (retry != NULL && (!rac_str_to_u64(rac_str_of(retry), &n) || n > 90))
        return rac_cli_usage(cli, "--retry takes a number from 0 to 90, not %s", retry);
    run.retries = (unsigned)n;
    if (!run.dry && rac_live_open(cli, &run.live) != RAC_OK)
        return RAC_EXIT_USAGE;
    int status = file != NULL ? batch(&run, file) : single(&run);
    rac_live_close(run.live);
    sources_free(&run);
    return status;
}

const struct rac_command rac_command_call = {
    .words = "call",
    .synopsis = "SRC OPERATION [NAME=VALUE...] [options]",
    .summary = "Call one operation of a connector, no server needed",
    .details =
        "NAME=@FILE takes the value from a file. Arrays are written a,b or as JSON. Addresses of\n"
        "this machine (loopback) may be called from the command line; other private networks only\n"
        "with --set egress.allow=NETWORK.\n"
        "\n"
        "An OAuth token with a refresh_token is renewed when it is about to expire or the service\n"
        "refuses it, and the connection file then holds the new one. RACCORD_CLIENT_ID and\n"
        "RACCORD_CLIENT_SECRET stand for what the definition leaves to be filled in.\n"
        "\n"
        "  raccord call ./quai ListCalls berth=12\n"
        "  raccord call ./quai ListCalls --connection quai.json --dry-run --format json\n"
        "  raccord call --dry-run --batch requests.jsonl",
    .options = options,
    .run = run_call,
};
