/* Connectors of a server: what their rows of resources.def need beyond the table. */
#include "cli/flows.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/source.h"
#include "text/url.h"

enum { SOURCE_BYTES_MAX = RAC_PACKAGE_BYTES_MAX };

/* --- sending a description or package --------------------------------------------------------- */

/* A package of several files goes as a zip, a description alone as it is. False: *why has the
 * reason, said already. */
static bool load(struct rac_cli *cli, const char *src, struct rac_remote_req *req, rac_str *name,
                 struct rac_json *why)
{
    struct rac_diags d, unsaid;
    struct rac_package *p;
    struct rac_cli_flow *flows;
    size_t flows_n = 0;
    rac_diags_init(&d, cli->a, 100);
    rac_diags_init(&unsaid, cli->a, 0);
    rac_err e = rac_cli_source_load(cli, src, SOURCE_BYTES_MAX, cli->a, &p, &d);
    *why = rac_json_new_object(cli->a);
    if (e != RAC_OK) {
        rac_cli_diags(cli, rac_str_of(src), &d);
        if (d.n > 0)
            *why = rac_cli_finding(cli->a, &d.v[0]);
        if (rac_cli_flows(cli, src, cli->a, &flows, &flows_n, &unsaid) == RAC_OK && flows_n > 0)
            rac_cli_note(cli, "    It holds a workflow: raccord workflow create %s", src);
        return false;
    }
    if (p->files_n == 1) {
        req->body = p->files[0].bytes;
        req->content_type = RAC_S("application/octet-stream");
        *name = p->files[0].name;
        return true;
    }
    struct rac_buf b;
    rac_buf_init(&b, 512 << 20);
    e = rac_package_zip(p, &b);
    req->body = rac_buf_take(&b, cli->a);
    req->content_type = RAC_S("application/zip");
    *name = RAC_S("package.zip");
    rac_buf_fini(&b);
    if (e != RAC_OK)
        rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s: cannot be packed: %s", src, rac_err_text(e));
    return e == RAC_OK;
}

/* POSTs a source to path; *out is the connector. Exit status. */
static int upload(struct rac_cli *cli, struct rac_remote *r, rac_str path, const char *src,
                  struct rac_json *out, struct rac_json *why)
{
    struct rac_remote_req req = {.method = "POST"};
    struct rac_fetch_res res;
    const char *group = rac_cli_opt(cli, "group");
    rac_str name;
    if (!load(cli, src, &req, &name, why))
        return RAC_EXIT_UNREACHABLE;
    req.path = rac_url_query_add(cli->a, path, RAC_S("name"), name);
    if (group != NULL)
        req.path = rac_url_query_add(cli->a, req.path, RAC_S("group"), rac_str_of(group));
    int status = RAC_EXIT_UNREACHABLE;
    bool sent = rac_remote_send(r, &req, &res), ok = sent && res.status >= 200 && res.status < 300;
    if (sent && !ok)
        status = rac_remote_explain(r, rac_str_of(src), &res);
    if (!ok) {
        *why = rac_remote_said(r);
        return status;
    }
    if (rac_json_parse(res.body, cli->a, 0, out, NULL) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "the server's answer is not JSON");
    return RAC_EXIT_OK;
}

/* Name, audience, after the files: {"displayName", "audience"}. False: nothing to send. */
static bool texts(struct rac_cli *cli, struct rac_json *o)
{
    const char *name = rac_cli_opt(cli, "name"), *audience = rac_cli_opt(cli, "audience");
    *o = rac_json_new_object(cli->a);
    if (name != NULL)
        RAC_JSON_PUT_STR(cli->a, o, "displayName", rac_str_of(name));
    if (audience != NULL)
        RAC_JSON_PUT_STR(cli->a, o, "audience", rac_str_of(audience));
    return name != NULL || audience != NULL;
}

/* --- OAuth client ----------------------------------------------------------------------------- */

static bool is_set(const struct rac_json *settings, rac_str name)
{
    const struct rac_json *v = RAC_JSON_GET(settings, "value");
    for (size_t i = 0; i < rac_json_len(v); i++)
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(rac_json_at(v, i), "set"), RAC_S("")), name))
            return true;
    return false;
}

static int put_setting(struct rac_cli *cli, struct rac_remote *r, rac_str path, const char *member,
                       rac_str set, rac_str value)
{
    struct rac_json body = rac_json_new_object(cli->a);
    if (set.n > 0)
        RAC_JSON_PUT_STR(cli->a, &body, "set", set);
    rac_json_put(cli->a, &body, rac_str_of(member), rac_json_of_str(value));
    return rac_remote_json(r, "PUT", path, &body, NULL);
}

/* "SET=VALUE" where SET is a parameter set of the connector; else the whole is the value. */
static void cut_set(const struct rac_json *settings, rac_str text, rac_str *set, rac_str *value)
{
    rac_str rest;
    rac_str head = rac_str_cut(text, '=', &rest);
    bool named = rest.p != NULL && is_set(settings, head);
    *set = named ? head : RAC_STR_NULL;
    *value = named ? rest : text;
}

static bool has_settings(const struct rac_cli *cli)
{
    return rac_cli_has(cli, "client-id") || rac_cli_has(cli, "secret") ||
           rac_cli_has(cli, "secret-file") || rac_cli_has(cli, "certificate");
}

static int put_settings(struct rac_cli *cli, struct rac_remote *r, const char *id)
{
    static const struct {
        const char *option, *member;
        bool file;
    } rows[] = {{"client-id", "clientId", false},
                {"secret", "clientSecret", false},
                {"secret-file", "clientSecret", true},
                {"certificate", "certificate", true}};
    struct rac_json settings;
    rac_str path = rac_remote_path(cli->a, "connectors/", id, "/settings"), set, value, why;
    int status = rac_remote_json(r, "GET", path, NULL, &settings);
    for (size_t k = 0; status == RAC_EXIT_OK && k < RAC_COUNT(rows); k++) {
        const char *given;
        for (size_t i = 0;
             status == RAC_EXIT_OK && (given = rac_cli_opt_at(cli, rows[k].option, i)) != NULL;
             i++) {
            cut_set(&settings, rac_str_of(given), &set, &value);
            if (rows[k].file) {
                if (rac_cli_read(cli, rac_arena_cstr(cli->a, value), 1 << 20, cli->a, &value,
                                 &why) != RAC_OK)
                    return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
                value = rac_str_trim(value);
            }
            status = put_setting(cli, r, path, rows[k].member, set, value);
        }
    }
    return status;
}

/* --- create ----------------------------------------------------------------------------------- */

struct tally {
    size_t done, failed;
    int worst;
};

static void created(struct rac_cli *cli, struct rac_remote *r, const char *src,
                    const struct rac_json *v)
{
    rac_remote_findings(r, rac_str_of(src), v, "losses");
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json o = *v;
        rac_json_put(cli->a, &o, RAC_S("source"), rac_json_of_str(rac_str_of(src)));
        rac_cli_print_json_line(cli, &o);
        return;
    }
    size_t n = rac_json_len(RAC_JSON_GET(v, "findings"));
    rac_str id = rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("?")), found = RAC_S("");
    if (n > 0)
        found = rac_arena_printf(cli->a, ", %zu finding%s (raccord connector validate lists them)",
                                 n, n == 1 ? "" : "s");
    rac_cli_say(cli, "%.*s  %lld operations, revision %lld%.*s", RAC_FMT(id),
                (long long)rac_json_int(RAC_JSON_GET(v, "operations"), 0),
                (long long)rac_json_int(RAC_JSON_GET(v, "revision"), 0), RAC_FMT(found));
}

/* What was asked for besides the files: name, audience, OAuth client. */
static int finish(struct rac_cli *cli, struct rac_remote *r, struct rac_json *v)
{
    static const char *const kept[] = {"findings", "losses"}; /* of the answer to the upload */
    struct rac_json more, now;
    const char *id = rac_arena_cstr(cli->a, rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("")));
    rac_str path = rac_remote_path(cli->a, "connectors/", id, "");
    bool named = texts(cli, &more), client = has_settings(cli);
    if (!named && !client)
        return RAC_EXIT_OK;
    int status = named ? rac_remote_json(r, "PATCH", path, &more, NULL) : RAC_EXIT_OK;
    if (status == RAC_EXIT_OK && client)
        status = put_settings(cli, r, id);
    if (status == RAC_EXIT_OK)
        status = rac_remote_json(r, "GET", path, NULL, &now);
    if (status != RAC_EXIT_OK) {
        rac_cli_note(cli,
                     "It is registered as %s all the same: go on with raccord connector update, or "
                     "delete it.",
                     id);
        return status;
    }
    for (size_t i = 0; i < RAC_COUNT(kept); i++) {
        const struct rac_json *had = rac_json_get(v, rac_str_of(kept[i]));
        if (had != NULL)
            rac_json_put(cli->a, &now, rac_str_of(kept[i]), *had);
    }
    *v = now;
    return RAC_EXIT_OK;
}

static int create_one(struct rac_cli *cli, struct rac_remote *r, const char *src)
{
    struct rac_json v, why;
    int status = upload(cli, r, RAC_S("/api/v1/connectors"), src, &v, &why);
    if (status == RAC_EXIT_OK) {
        status = finish(cli, r, &v);
        why = rac_remote_said(r);
    }
    if (status == RAC_EXIT_OK) {
        created(cli, r, src, &v);
    } else if (cli->args_n > 1 && cli->format == RAC_FORMAT_JSON) {
        struct rac_json o = rac_json_new_object(cli->a);
        RAC_JSON_PUT(cli->a, &o, "error", why);
        RAC_JSON_PUT_STR(cli->a, &o, "source", rac_str_of(src));
        rac_cli_print_json_line(cli, &o);
    }
    return status;
}

int rac_connector_create(struct rac_cli *cli, struct rac_remote *r)
{
    int worst = RAC_EXIT_OK;
    struct rac_arena *whole = cli->a;
    for (size_t i = 0; i < cli->args_n; i++) {
        struct rac_arena a; /* a catalogue of hundreds would not fit one */
        rac_arena_init(&a, 1 << 30);
        cli->a = &a;
        if (cli->args_n > 1)
            rac_cli_progress(cli, "registering", i, cli->args_n, rac_str_of(cli->args[i]));
        int status = create_one(cli, r, cli->args[i]);
        cli->a = whole;
        rac_arena_fini(&a);
        if (status != RAC_EXIT_OK)
            worst = cli->args_n > 1 ? RAC_EXIT_FINDINGS : status;
    }
    if (cli->args_n > 1)
        rac_cli_progress_end(cli);
    return worst;
}

int rac_connector_check_create(struct rac_cli *cli, struct rac_json *body)
{
    (void)body;
    if (cli->args_n > 1 && (rac_cli_has(cli, "name") || has_settings(cli)))
        return rac_cli_usage(cli, "--name, --client-id and --secret are for one source");
    return RAC_EXIT_OK;
}

/* --- update ----------------------------------------------------------------------------------- */

int rac_connector_update(struct rac_cli *cli, struct rac_remote *r)
{
    const char *id = cli->args[0];
    rac_str path = rac_resource_path(cli, "connectors/{0}");
    struct rac_json v = {0}, more;
    int status = RAC_EXIT_OK;
    rac_remote_if_match(r, rac_str_of(rac_cli_opt(cli, "if-match")));
    if (cli->args_n == 2) {
        status = upload(cli, r, rac_resource_path(cli, "connectors/{0}:import"), cli->args[1], &v,
                        &more);
        if (status == RAC_EXIT_OK)
            rac_remote_findings(r, rac_str_of(cli->args[1]), &v, "losses");
    }
    if (status == RAC_EXIT_OK && texts(cli, &more))
        status = rac_remote_json(r, "PATCH", path, &more, &v);
    if (status == RAC_EXIT_OK && has_settings(cli))
        status = put_settings(cli, r, id);
    if (status == RAC_EXIT_OK)
        status = rac_remote_json(r, "GET", path, NULL, &v);
    if (status != RAC_EXIT_OK)
        return status;
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, &v);
    else
        rac_cli_say(cli, "%s  revision %lld", id,
                    (long long)rac_json_int(RAC_JSON_GET(&v, "revision"), 0));
    return RAC_EXIT_OK;
}

int rac_connector_check_update(struct rac_cli *cli, struct rac_json *body)
{
    if (cli->args_n == 1 && !has_settings(cli) && !texts(cli, body))
        return rac_cli_usage(cli,
                             "say what to change: a source, --name, --audience, --client-id or "
                             "--secret");
    return RAC_EXIT_OK;
}

/* --- validate --------------------------------------------------------------------------------- */

int rac_connector_verdict(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    rac_str verdict = rac_json_str(RAC_JSON_GET(v, "status"), RAC_S("?"));
    rac_remote_findings(r, rac_str_of(cli->args[0]), v, "findings");
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, v);
    else
        rac_cli_say(cli, "%s: %.*s, %zu findings", cli->args[0], RAC_FMT(verdict),
                    rac_json_len(RAC_JSON_GET(v, "findings")));
    return rac_str_eq(verdict, RAC_S("ok")) || rac_str_eq(verdict, RAC_S("warning"))
               ? RAC_EXIT_OK
               : RAC_EXIT_FINDINGS;
}

/* --- download --------------------------------------------------------------------------------- */

int rac_connector_download(struct rac_cli *cli, struct rac_remote *r)
{
    const char *id = cli->args[0], *to = rac_cli_opt(cli, "output");
    struct rac_remote_req req = {.method = "GET",
                                 .path = rac_resource_path(cli, "connectors/{0}/package")};
    struct rac_fetch_res res;
    rac_str why;
    if (to == NULL)
        to = id;
    if (!rac_remote_send(r, &req, &res))
        return RAC_EXIT_UNREACHABLE;
    if (res.status != 200)
        return rac_remote_explain(r, RAC_STR_NULL, &res);
    if (strcmp(to, "-") == 0) {
        fwrite(res.body.p, 1, res.body.n, cli->out);
        return RAC_EXIT_OK;
    }
    size_t files = 1;
    if (rac_str_endsi(rac_str_of(to), RAC_S(".zip"))) {
        if (rac_cli_write(cli, to, res.body, 0644, &why) != RAC_OK)
            return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
    } else {
        struct rac_diags d;
        struct rac_package *p;
        rac_diags_init(&d, cli->a, 20);
        rac_err e = rac_package_load_bytes(res.body, RAC_S("package.zip"), SOURCE_BYTES_MAX, cli->a,
                                           &p, &d);
        if (e == RAC_OK)
            e = rac_package_save(p, rac_str_of(to), &d);
        if (e != RAC_OK) {
            rac_cli_diags(cli, rac_str_of(to), &d);
            return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "cannot write %s", to);
        }
        files = p->files_n;
    }
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json o = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &o, "id", rac_str_of(id));
        RAC_JSON_PUT_STR(cli->a, &o, "path", rac_str_of(to));
        rac_cli_print_json(cli, &o);
    } else {
        rac_cli_say(cli, "%s  %zu file%s", to, files, files == 1 ? "" : "s");
    }
    return RAC_EXIT_OK;
}

/* --- delete, share ---------------------------------------------------------------------------- */

/* ", and break 2 workflows (orders, tides)", or nothing. */
static rac_str what_breaks(struct rac_cli *cli, const struct rac_json *v)
{
    long long n = rac_json_int(RAC_JSON_GET(v, "workflows"), 0);
    const struct rac_json *names = RAC_JSON_GET(v, "usedBy");
    if (n == 0)
        return RAC_S("");
    rac_str s = rac_arena_printf(cli->a, ", and break %lld workflow%s", n, n == 1 ? "" : "s");
    size_t named = names != NULL ? rac_json_len(names) : 0;
    for (size_t i = 0; i < named; i++)
        s = rac_arena_printf(cli->a, "%.*s%s%.*s%s", RAC_FMT(s), i == 0 ? " (" : ", ",
                             RAC_FMT(rac_json_str(rac_json_at(names, i), RAC_S("?"))),
                             i + 1 == named ? ")" : "");
    return s;
}

int rac_connector_delete(struct rac_cli *cli, struct rac_remote *r)
{
    const char *id = cli->args[0], *confirm = rac_cli_opt(cli, "confirm");
    rac_str path = rac_resource_path(cli, "connectors/{0}");
    struct rac_json v;
    int status = rac_remote_json(r, "GET", path, NULL, &v);
    if (status != RAC_EXIT_OK)
        return status;
    long long n = rac_json_int(RAC_JSON_GET(&v, "connections"), 0);
    const char *many = n == 1 ? "" : "s";
    rac_str breaks = what_breaks(cli, &v);
    if (confirm == NULL && (n > 0 || breaks.n > 0 || cli->progress))
        status = rac_resource_confirm(
            cli,
            rac_arena_printf(cli->a, "Delete %s, and the %lld connection%s made with it%.*s?", id,
                             n, many, RAC_FMT(breaks)),
            rac_arena_printf(cli->a,
                             "not deleted: that would delete %lld connection%s made with it%.*s; "
                             "repeat with --confirm %lld or --yes",
                             n, many, RAC_FMT(breaks), n));
    if (status != RAC_EXIT_OK)
        return status;
    rac_str number = confirm != NULL ? rac_str_of(confirm) : rac_arena_printf(cli->a, "%lld", n);
    path = rac_url_query_add(cli->a, path, RAC_S("confirm"), number);
    status = rac_remote_json(r, "DELETE", path, NULL, &v);
    if (status != RAC_EXIT_OK)
        return status;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, &v);
        return RAC_EXIT_OK;
    }
    rac_cli_say(cli, "%s deleted, %lld connection%s with it", id, n, many);
    rac_cli_note(cli, "`raccord connector restore %s` brings it back, without connections.", id);
    return RAC_EXIT_OK;
}

int rac_connector_restored(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    (void)r;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return RAC_EXIT_OK;
    }
    rac_str id = rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("?"));
    rac_cli_say(cli, "%.*s  restored, revision %lld", RAC_FMT(id),
                (long long)rac_json_int(RAC_JSON_GET(v, "revision"), 0));
    rac_cli_note(
        cli,
        "Connections made with it and the secret of its OAuth client do not come back: make "
        "them again\nwith `raccord connection create %.*s` and `raccord connector update %.*s "
        "--secret-file FILE`.",
        RAC_FMT(id), RAC_FMT(id));
    return RAC_EXIT_OK;
}

/* The list on the server with one principal set, replaced as a whole. */
int rac_connector_share(struct rac_cli *cli, struct rac_remote *r)
{
    rac_str path = rac_resource_path(cli, "connectors/{0}/permissions");
    rac_str user = rac_str_of(cli->args[1]);
    const char *level = rac_cli_opt(cli, "level");
    struct rac_json now, body = rac_json_new_object(cli->a), list_ = rac_json_new_array(cli->a);
    int status = rac_remote_json(r, "GET", path, NULL, &now);
    if (status != RAC_EXIT_OK)
        return status;
    const struct rac_json *v = RAC_JSON_GET(&now, "value");
    for (size_t i = 0; i < rac_json_len(v); i++) {
        rac_str who = rac_json_str(RAC_JSON_GET(rac_json_at(v, i), "principal"), RAC_S(""));
        rac_str has = rac_json_str(RAC_JSON_GET(rac_json_at(v, i), "level"), RAC_S(""));
        if (rac_str_eqi(who, user) || rac_str_eq(has, RAC_S("own")))
            continue;
        struct rac_json one = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &one, "principal", who);
        RAC_JSON_PUT_STR(cli->a, &one, "level", has);
        rac_json_add(cli->a, &list_, one);
    }
    if (level == NULL || strcmp(level, "none") != 0) {
        struct rac_json one = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &one, "principal", user);
        RAC_JSON_PUT_STR(cli->a, &one, "level", rac_str_of(level ? level : "view"));
        rac_json_add(cli->a, &list_, one);
    }
    RAC_JSON_PUT(cli->a, &body, "value", list_);
    status = rac_remote_json(r, "PUT", path, &body, &now);
    if (status == RAC_EXIT_OK) {
        static const struct rac_column columns[] = {{"WHO", "/principal"}, {"LEVEL", "/level"}};
        rac_remote_print_list(cli, &now, columns, RAC_COUNT(columns));
    }
    return status;
}
