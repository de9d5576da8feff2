/* raccord workflow ...: workflows of a server and the documents they come from. */
#include "cli/artifacts.h"
#include "cli/flows.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "openapi/read.h"
#include "workflow/template/template.h"
#include "text/url.h"
#include "text/zip.h"
#include "workflow/definition/document.h"

#include <unistd.h>

enum { DOCUMENT_MAX = 104857600 };

/* --- documents -------------------------------------------------------------------------------- */

static int put_file(struct rac_cli *cli, struct rac_json *files, const char *name, rac_str text)
{
    struct rac_json v;
    struct rac_json_error where;
    if (text.n == 0)
        return RAC_EXIT_OK;
    if (rac_json_parse_lenient(text, cli->a, &v, NULL, &where) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_FINDINGS, "%s:%u:%u: %s", name, where.line, where.column,
                            where.message);
    rac_json_put(cli->a, files, rac_str_of(name), v);
    return RAC_EXIT_OK;
}

static int option_text(struct rac_cli *cli, const char *option, rac_str *text)
{
    rac_str why;
    const char *path = rac_cli_opt(cli, option);
    if (path == NULL)
        return RAC_EXIT_OK;
    rac_err e = rac_cli_read(cli, path, DOCUMENT_MAX, cli->a, text, &why);
    return e == RAC_OK ? RAC_EXIT_OK
                       : rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
}

/* --- maps and schemas ------------------------------------------------------------------------- */

/* "app" of /x/app/Artifacts/Maps/Order.xslt and of app.zip. */
static rac_str account_of(struct rac_cli *cli, const char *src, const struct rac_cli_artifact *x)
{
    rac_str path = x->path;
    if (path.p == NULL)
        return rac_cli_flow_name(cli, rac_str_of(src));
    for (unsigned up = 0; up < 3; up++) {
        size_t at = rac_str_rfind_char(path, '/');
        path = at == RAC_STR_NPOS ? RAC_S("") : rac_str_sub(path, 0, at);
    }
    return rac_cli_flow_name(cli, path);
}

static int put(struct rac_cli *cli, struct rac_remote *r, rac_str path, rac_str body,
               const char *type, rac_str source)
{
    struct rac_remote_req req = {
        .method = "PUT", .path = path, .body = body, .content_type = rac_str_of(type)};
    struct rac_fetch_res res;
    if (!rac_remote_send(r, &req, &res))
        return RAC_EXIT_UNREACHABLE;
    (void)cli;
    return res.status < 300 ? RAC_EXIT_OK : rac_remote_explain(r, source, &res);
}

static int put_artifact(struct rac_cli *cli, struct rac_remote *r, rac_str account,
                        const struct rac_cli_artifact *x)
{
    struct rac_artifact_content c;
    struct rac_json body = rac_json_new_object(cli->a);
    rac_str why,
        path = rac_arena_printf(cli->a, "%.*s/%s/%.*s", RAC_FMT(account),
                                x->kind == RAC_ARTIFACT_MAP ? "maps" : "schemas",
                                RAC_FMT(rac_url_encode_set(cli->a, x->file, RAC_URL_STRICT)));
    if (rac_cli_artifact_read(cli, x, cli->a, &c, &why) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
    if (!rac_str_eq(c.type, RAC_S("Liquid")))
        return put(cli, r, rac_resource_in_group(cli, path), c.bytes, "application/xml", x->file);
    RAC_JSON_PUT_STR(cli->a, &body, "mapType", c.type);
    RAC_JSON_PUT_STR(cli->a, &body, "contentType", c.content_type);
    RAC_JSON_PUT_STR(cli->a, &body, "content", c.bytes);
    return put(cli, r, rac_resource_in_group(cli, path), rac_json_print_str(&body, 0, cli->a),
               "application/json", x->file);
}

/* Those of SRC's app go to an integration account of its name. *account absent: there are none. */
static int put_artifacts(struct rac_cli *cli, struct rac_remote *r, const char *src,
                         rac_str *account)
{
    struct rac_cli_artifacts list;
    struct rac_remote_req head = {.method = "GET"};
    struct rac_fetch_res res;
    *account = RAC_STR_NULL;
    rac_cli_artifacts_list(cli, rac_cli_flows_place(cli, src), cli->a, &list);
    if (list.n == 0)
        return RAC_EXIT_OK;
    rac_str name = account_of(cli, src, &list.v[0]);
    rac_str path = rac_arena_printf(cli->a, "/api/v1/integrationAccounts/%.*s",
                                    RAC_FMT(rac_url_encode_set(cli->a, name, RAC_URL_STRICT)));
    head.path = rac_resource_in_group(cli, path);
    if (!rac_remote_send(r, &head, &res))
        return RAC_EXIT_UNREACHABLE;
    int status = res.status == 404 ? put(cli, r, head.path, RAC_S("{}"), "application/json", name)
                                   : RAC_EXIT_OK;
    for (size_t i = 0; i < list.n && status == RAC_EXIT_OK; i++)
        status = put_artifact(cli, r, path, &list.v[i]);
    if (status == RAC_EXIT_OK)
        rac_cli_note(cli, "%zu maps and schemas in integration account %.*s", list.n,
                     RAC_FMT(name));
    *account = name;
    return status;
}

static void name_account(struct rac_cli *cli, struct rac_json *root, rac_str account)
{
    struct rac_json o = rac_json_new_object(cli->a);
    if (account.n == 0 || RAC_JSON_GET(root, "integrationAccount") != NULL ||
        rac_json_pointer_get(root, RAC_S("/properties/integrationAccount")) != NULL)
        return;
    RAC_JSON_PUT_STR(cli->a, &o, "id", account);
    RAC_JSON_PUT(cli->a, root, "integrationAccount", o);
}

/* --- what is sent ----------------------------------------------------------------------------- */

/* A template gets the values of its parameters here, the server has no file of them. */
static rac_err give_parameters(struct rac_cli *cli, struct rac_document *doc,
                               const struct rac_cli_flow *f, rac_str *parameters,
                               struct rac_diags *d)
{
    struct rac_cli_flow with = *f;
    if (parameters->p != NULL) {
        with.named = *parameters;
        with.named_file = rac_str_of(rac_cli_opt(cli, "parameters"));
        *parameters = RAC_STR_NULL;
    }
    return rac_cli_flow_give(doc, &with, d);
}

/* The values of a solution's variables, and over them those of the file that was named. */
static rac_str with_variables(struct rac_cli *cli, const struct rac_cli_flow *f, rac_str parameters)
{
    struct rac_json named = rac_json_new_object(cli->a), all;
    bool read = parameters.n == 0 ||
                rac_json_parse_lenient(parameters, cli->a, &named, NULL, NULL) == RAC_OK;
    if (f->values.type != RAC_JSON_OBJECT || !read || !rac_json_is_object(&named))
        return parameters; /* the server says what is wrong with it */
    all = rac_json_copy(cli->a, &f->values);
    RAC_JSON_EACH_MEMBER(m, &named)
    rac_json_put(cli->a, &all, rac_json_key(m), m->value);
    return rac_json_print_str(&all, 0, cli->a);
}

/* The document to send: the file's own with those of its app as "files". account: of its maps and
 * schemas; absent: it has none. */
static int document_of(struct rac_cli *cli, const struct rac_cli_flow *f, rac_str source,
                       rac_str account, rac_str *out, bool *says_name)
{
    struct rac_document *doc;
    struct rac_diags d;
    struct rac_json files = rac_json_new_object(cli->a);
    rac_str connections = f->connections, parameters = f->parameters, settings = f->settings;
    const char *kind = rac_cli_opt(cli, "kind");
    rac_diags_init(&d, cli->a, 20);
    if (rac_document_read(f->text, source, cli->a, &doc, &d) != RAC_OK) {
        rac_cli_diags(cli, source, &d);
        return RAC_EXIT_FINDINGS;
    }
    int status = option_text(cli, "connections", &connections);
    if (status == RAC_EXIT_OK)
        status = option_text(cli, "parameters", &parameters);
    if (status == RAC_EXIT_OK)
        status = option_text(cli, "settings", &settings);
    bool given = rac_template_is(&doc->root) && (f->given.n > 0 || parameters.n > 0);
    if (status == RAC_EXIT_OK && given) {
        if (give_parameters(cli, doc, f, &parameters, &d) != RAC_OK)
            status = RAC_EXIT_FINDINGS;
        rac_cli_diags(cli, source, &d);
    }
    if (status == RAC_EXIT_OK)
        status = put_file(cli, &files, "connections.json", connections);
    parameters = with_variables(cli, f, parameters);
    if (status == RAC_EXIT_OK)
        status = put_file(cli, &files, "parameters.json", parameters);
    if (status == RAC_EXIT_OK)
        status = put_file(cli, &files, "local.settings.json", settings);
    struct rac_json root = doc->root;
    *says_name = RAC_JSON_GET(&root, "name") != NULL || RAC_JSON_GET(&root, "resources") != NULL ||
                 rac_json_pointer_get(&root, RAC_S("/properties/displayName")) != NULL;
    bool bare = RAC_JSON_GET(&root, "triggers") != NULL;
    if (rac_json_len(&files) == 0 && kind == NULL && account.n == 0 && !given) {
        *out = f->text;
        return status;
    }
    if (bare) {
        struct rac_json wrapped = rac_json_new_object(cli->a);
        RAC_JSON_PUT(cli->a, &wrapped, "definition", root);
        root = wrapped;
    }
    if (rac_json_len(&files) > 0)
        RAC_JSON_PUT(cli->a, &root, "files", files);
    if (kind != NULL)
        RAC_JSON_PUT_STR(cli->a, &root, "kind", rac_str_of(kind));
    name_account(cli, &root, account);
    *out = rac_json_print_str(&root, 0, cli->a);
    return status;
}

/* Findings of an answer; then its line. */
static void say_saved(struct rac_cli *cli, struct rac_remote *r, rac_str source,
                      const struct rac_json *v)
{
    rac_remote_findings(r, source, v, "findings");
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json_line(cli, v);
    else
        rac_cli_put(cli, "%.*s  %.*s  version %.*s\n",
                    RAC_FMT(rac_json_str(RAC_JSON_GET(v, "name"), RAC_S("?"))),
                    RAC_FMT(rac_json_str(RAC_JSON_GET(v, "state"), RAC_S("?"))),
                    RAC_FMT(rac_json_str(RAC_JSON_GET(v, "version"), RAC_S("?"))));
}

static int send_document(struct rac_cli *cli, struct rac_remote *r, const char *method,
                         rac_str path, rac_str source, rac_str document)
{
    struct rac_remote_req req = {.method = method,
                                 .path = path,
                                 .body = document,
                                 .content_type = RAC_S("application/json")};
    struct rac_fetch_res res;
    struct rac_json v;
    rac_remote_if_match(r, rac_str_of(rac_cli_opt(cli, "if-match")));
    if (!rac_remote_send(r, &req, &res))
        return RAC_EXIT_UNREACHABLE;
    if (res.status >= 300 || rac_json_parse(res.body, cli->a, 0, &v, NULL) != RAC_OK) {
        int status = rac_remote_explain(r, source, &res);
        if (rac_str_find(res.body, RAC_S("\"AlreadyExists\"")) != RAC_STR_NPOS)
            fprintf(cli->err, "    `raccord workflow update NAME SRC` gives it a new version.\n");
        return status;
    }
    if (rac_json_get(&v, RAC_S("operations")) != NULL)
        return rac_connector_verdict(cli, r, &v);
    say_saved(cli, r, source, &v);
    return RAC_EXIT_OK;
}

/* A template's workflow as a document of its own. */
static struct rac_cli_flow resource_of(struct rac_cli *cli, const struct rac_workflow *w)
{
    struct rac_json o = rac_json_new_object(cli->a);
    RAC_JSON_PUT_STR(cli->a, &o, "type", RAC_S("Microsoft.Logic/workflows"));
    RAC_JSON_EACH_MEMBER(m, &w->resource)
    rac_json_put(cli->a, &o, rac_json_key(m), m->value);
    return (struct rac_cli_flow){.text = rac_json_print_str(&o, 0, cli->a)};
}

/* A template that deploys several workflows, or of which one is named, in place of *v: each by
 * itself, resolved. */
static int split_template(struct rac_cli *cli, const char *src, rac_str name,
                          struct rac_cli_flow **v, size_t *n)
{
    struct rac_document *doc;
    struct rac_workflow **w;
    struct rac_diags d;
    size_t found = 0, kept = 0;
    rac_str parameters = RAC_STR_NULL;
    rac_diags_init(&d, cli->a, 100);
    if (rac_document_read((*v)->text, rac_str_of(src), cli->a, &doc, &d) != RAC_OK ||
        !rac_template_is(&doc->root))
        return name.p != NULL ? rac_cli_no_flow(cli, src) : RAC_EXIT_OK;
    int status = option_text(cli, "parameters", &parameters);
    if (status != RAC_EXIT_OK)
        return status;
    rac_err e = give_parameters(cli, doc, *v, &parameters, &d);
    if (e == RAC_OK)
        e = rac_workflows_of_document(doc, rac_cli_flow_files(*v), cli->a, &w, &found, &d);
    bool linked = found == 1 && w[0]->doc != doc; /* which the server does not have */
    if (found <= 1 && name.p == NULL && !linked)
        return RAC_EXIT_OK; /* the server says what is wrong with it */
    rac_cli_diags(cli, rac_str_of(src), &d);
    if (e != RAC_OK)
        return RAC_EXIT_FINDINGS;
    *v = RAC_NEW_N(cli->a, struct rac_cli_flow, found);
    for (size_t i = 0; i < found; i++)
        if (name.p == NULL || rac_str_eqi(name, w[i]->name))
            (*v)[kept++] = resource_of(cli, w[i]);
    *n = kept;
    return kept > 0 ? RAC_EXIT_OK : rac_cli_no_flow(cli, src);
}

/* SRC as its flows; said on stderr when there is none. */
static int flows_of(struct rac_cli *cli, const char *src, struct rac_cli_flow **v, size_t *n)
{
    struct rac_diags d;
    rac_str text, why;
    rac_diags_init(&d, cli->a, 20);
    if (strcmp(src, "-") == 0) {
        if (rac_cli_read(cli, src, DOCUMENT_MAX, cli->a, &text, &why) != RAC_OK)
            return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
        *v = RAC_NEW(cli->a, struct rac_cli_flow);
        (*v)->text = text;
        *n = 1;
        return RAC_EXIT_OK;
    }
    rac_err e = rac_cli_flows(cli, src, cli->a, v, n, &d);
    const char *place = rac_cli_flows_place(cli, src);
    if (e == RAC_OK && *n == 0 &&
        rac_cli_read(cli, place, DOCUMENT_MAX, cli->a, &text, &why) == RAC_OK &&
        !rac_zip_is(text)) {
        *v = RAC_NEW(cli->a, struct rac_cli_flow); /* a file: the server says what it is */
        (*v)->text = text;
        *n = 1;
        struct rac_cli_flow beside = {.text = text};
        rac_cli_flow_app(cli, place, cli->a, &beside);
        (*v)->given = beside.given;
        (*v)->given_file = beside.given_file;
        (*v)->files = beside.files;
        (*v)->values = beside.values;
        return split_template(
            cli, src, place != src ? rac_str_of(strrchr(src, '#') + 1) : RAC_STR_NULL, v, n);
    }
    rac_cli_diags(cli, rac_str_of(src), &d);
    if (e != RAC_OK)
        return rac_cli_status_of(e);
    if (*n == 0)
        return rac_cli_no_flow(cli, src);
    return *n == 1 && (*v)->is_template ? split_template(cli, src, (*v)->wanted, v, n)
                                        : RAC_EXIT_OK;
}

static rac_str source_of(struct rac_cli *cli, const char *src, const struct rac_cli_flow *f)
{
    src = rac_cli_flows_place(cli, src);
    return f->file.n > 0 ? rac_arena_printf(cli->a, "%s/%.*s", src, RAC_FMT(f->file))
                         : rac_str_of(src);
}

int rac_workflow_create(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_cli_flow *v;
    size_t n;
    const char *src = cli->args[0], *name = rac_cli_opt(cli, "name");
    const char *group = rac_cli_opt(cli, "group");
    rac_str account;
    int status = flows_of(cli, src, &v, &n), worst = status;
    if (status != RAC_EXIT_OK)
        return status;
    if (n > 1 && name != NULL)
        return rac_cli_usage(cli, "%s holds %zu workflows: --name is for one", src, n);
    status = put_artifacts(cli, r, src, &account);
    if (status != RAC_EXIT_OK)
        return status;
    for (size_t i = 0; i < n; i++) { /* one that is refused keeps no other back */
        rac_str document, path = RAC_S("/api/v1/workflows"), source = source_of(cli, src, &v[i]);
        bool says_name = false;
        status = document_of(cli, &v[i], source, account, &document, &says_name);
        if (group != NULL)
            path = rac_url_query_add(cli->a, path, RAC_S("group"), rac_str_of(group));
        rac_str by_path = rac_cli_flow_name(cli, source);
        if (name != NULL)
            path = rac_url_query_add(cli->a, path, RAC_S("name"), rac_str_of(name));
        else if (!says_name && by_path.n > 0 && !rac_str_eq(by_path, RAC_S("-")))
            path = rac_url_query_add(cli->a, path, RAC_S("name"), by_path);
        if (status == RAC_EXIT_OK)
            status = send_document(cli, r, "POST", path, source, document);
        if (status != RAC_EXIT_OK)
            worst = n > 1 ? RAC_EXIT_FINDINGS : status;
    }
    return worst;
}

/* One SRC that holds one workflow. */
static int one_document(struct rac_cli *cli, const char *src, rac_str account, rac_str *source,
                        rac_str *document)
{
    struct rac_cli_flow *v;
    size_t n;
    bool says_name;
    int status = flows_of(cli, src, &v, &n);
    if (status == RAC_EXIT_OK && n > 1)
        return rac_cli_usage(cli, "%s holds %zu workflows: name one as %s#NAME", src, n, src);
    if (status == RAC_EXIT_OK) {
        *source = source_of(cli, src, &v[0]);
        status = document_of(cli, &v[0], *source, account, document, &says_name);
    }
    return status;
}

int rac_workflow_update(struct rac_cli *cli, struct rac_remote *r)
{
    rac_str source, document, account;
    rac_str path = rac_resource_in_group(cli, rac_resource_path(cli, "workflows/{0}"));
    struct rac_json before; /* PUT would make one of a name that is mistyped */
    int status = rac_remote_json(r, "GET", path, NULL, &before);
    if (status == RAC_EXIT_OK)
        status = put_artifacts(cli, r, cli->args[1], &account);
    if (status == RAC_EXIT_OK)
        status = one_document(cli, cli->args[1], account, &source, &document);
    if (status != RAC_EXIT_OK)
        return status;
    return send_document(cli, r, "PUT", path, source, document);
}

int rac_workflow_validate(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_cli_flow *v;
    size_t n;
    int worst = flows_of(cli, cli->args[0], &v, &n), status = worst;
    for (size_t i = 0; i < n && status == RAC_EXIT_OK; i++) {
        rac_str document, source = source_of(cli, cli->args[0], &v[i]);
        bool says_name;
        status = document_of(cli, &v[i], source, RAC_STR_NULL, &document, &says_name);
        if (status == RAC_EXIT_OK)
            status = send_document(cli, r, "POST", RAC_S("/api/v1/workflows:validate"), source,
                                   document);
        worst = status != RAC_EXIT_OK ? status : worst;
        status = status == RAC_EXIT_FINDINGS ? RAC_EXIT_OK : status; /* each has its say */
    }
    return worst;
}

int rac_workflow_download(struct rac_cli *cli, struct rac_remote *r)
{
    static const rac_str members[] = {RAC_S_INIT("definition"), RAC_S_INIT("kind"),
                                      RAC_S_INIT("parameters"), RAC_S_INIT("connectionReferences")};
    struct rac_json v, o = rac_json_new_object(cli->a);
    const char *to = rac_cli_opt(cli, "output");
    rac_str why;
    int status = rac_remote_json(
        r, "GET", rac_resource_in_group(cli, rac_resource_path(cli, "workflows/{0}")), NULL, &v);
    if (status != RAC_EXIT_OK)
        return status;
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        const struct rac_json *m = rac_json_get(&v, members[i]);
        if (m != NULL && (m->type != RAC_JSON_OBJECT || rac_json_len(m) > 0))
            rac_json_put(cli->a, &o, members[i], *m);
    }
    rac_str text =
        rac_str_concat(cli->a, rac_json_print_str(&o, RAC_JSON_PRETTY, cli->a), RAC_S("\n"));
    if (to == NULL || strcmp(to, "-") == 0) {
        fwrite(text.p, 1, text.n, cli->out);
        return RAC_EXIT_OK;
    }
    if (rac_cli_write(cli, to, text, 0644, &why) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json written = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &written, "name", rac_str_of(cli->args[0]));
        RAC_JSON_PUT_STR(cli->a, &written, "path", rac_str_of(to));
        rac_cli_print_json(cli, &written);
    } else {
        rac_cli_note(cli, "%s written; values of secure parameters are not in it", to);
    }
    return RAC_EXIT_OK;
}

/* --- showing ---------------------------------------------------------------------------------- */

int rac_workflow_shown(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    static const rac_str members[] = {
        RAC_S_INIT("name"),    RAC_S_INIT("id"),          RAC_S_INIT("group"),
        RAC_S_INIT("owner"),   RAC_S_INIT("state"),       RAC_S_INIT("kind"),
        RAC_S_INIT("version"), RAC_S_INIT("createdTime"), RAC_S_INIT("changedTime")};
    struct rac_json o = rac_json_new_object(cli->a);
    (void)r;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return RAC_EXIT_OK;
    }
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        const struct rac_json *m = rac_json_get(v, members[i]);
        if (m != NULL)
            rac_json_put(cli->a, &o, members[i], *m);
    }
    rac_resource_print(cli, &o);
    const struct rac_json *definition = RAC_JSON_GET(v, "definition");
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(definition, RAC_S("triggers")))
    rac_cli_put(cli, "trigger      %.*s (%.*s)\n", RAC_FMT(rac_json_key(m)),
                RAC_FMT(rac_json_str(rac_json_geti(&m->value, RAC_S("type")), RAC_S("?"))));
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(definition, RAC_S("actions")))
    rac_cli_put(cli, "action       %.*s (%.*s)\n", RAC_FMT(rac_json_key(m)),
                RAC_FMT(rac_json_str(rac_json_geti(&m->value, RAC_S("type")), RAC_S("?"))));
    return RAC_EXIT_OK;
}

int rac_workflow_state(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    (void)r;
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, v);
    else
        rac_cli_put(cli, "%s is %.*s\n", cli->args[0],
                    RAC_FMT(rac_json_str(RAC_JSON_GET(v, "state"), RAC_S("?"))));
    return RAC_EXIT_OK;
}

int rac_workflow_callback(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json v, body = rac_json_new_object(cli->a), list;
    const char *until = rac_cli_opt(cli, "expires");
    rac_str trigger;
    if (cli->args_n > 1) {
        trigger = rac_str_of(cli->args[1]);
    } else {
        int status = rac_remote_list(
            r, rac_resource_in_group(cli, rac_resource_path(cli, "workflows/{0}/triggers")), &list);
        if (status != RAC_EXIT_OK)
            return status;
        size_t n = rac_json_len(RAC_JSON_GET(&list, "value"));
        if (n != 1)
            return rac_cli_usage(cli, "%s has %zu triggers: name the one", cli->args[0], n);
        trigger = rac_json_str(rac_json_pointer_get(&list, RAC_S("/value/0/name")), RAC_S(""));
    }
    if (until != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "notAfter", rac_str_of(until));
    if (rac_cli_has(cli, "secondary"))
        RAC_JSON_PUT_STR(cli->a, &body, "keyType", RAC_S("Secondary"));
    rac_str path = rac_arena_printf(cli->a, "%.*s/triggers/%.*s:callback",
                                    RAC_FMT(rac_resource_path(cli, "workflows/{0}")),
                                    RAC_FMT(rac_url_encode_set(cli->a, trigger, RAC_URL_STRICT)));
    int status = rac_remote_json(r, "POST", rac_resource_in_group(cli, path), &body, &v);
    if (status != RAC_EXIT_OK)
        return status;
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, &v);
    else
        rac_cli_put(cli, "%.*s\n", RAC_FMT(rac_json_str(RAC_JSON_GET(&v, "value"), RAC_S("?"))));
    return RAC_EXIT_OK;
}
