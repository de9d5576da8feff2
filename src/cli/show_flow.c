/* raccord show, of workflows: triggers and actions - name, type, connector operation, runAfter. */
#include "base/str.h"
#include "cli/flows.h"
#include "cli/output.h"
#include "openapi/read.h"
#include "workflow/check/check.h"

#include <sys/stat.h>

enum { FILE_MAX = 64 << 20 };

struct view {
    struct rac_cli *cli;
    struct rac_arena *a;
    struct rac_json triggers, actions; /* arrays */
};

static const struct rac_json *member(const struct rac_json *o, const char *name)
{
    return rac_json_geti(o, rac_str_of(name));
}

static rac_str text(const struct rac_json *o, const char *name)
{
    return rac_json_str(member(o, name), RAC_STR_NULL);
}

static rac_str last_segment(rac_str path)
{
    size_t slash = rac_str_rfind_char(path, '/');
    return slash == RAC_STR_NPOS ? path : rac_str_from(path, slash + 1);
}

static rac_str connection_of(const struct rac_json *host)
{
    const struct rac_json *connection = member(host, "connection");
    rac_str name = text(connection, "referenceName");
    if (name.p != NULL)
        return name;
    name = text(connection, "name");
    rac_str key = rac_workflow_connection_key(name);
    return key.p != NULL ? key : name;
}

/* "shared_office365.SendEmailV2", "office365: GET /v2/Mail", "serviceBus.sendMessage"; absent for
 * what calls no connector. */
static rac_str operation_of(struct view *v, const struct rac_json *node)
{
    const struct rac_json *inputs = member(node, "inputs"), *host = member(inputs, "host"),
                          *provider = member(inputs, "serviceProviderConfiguration");
    rac_str id = text(host, "operationId"), path = text(inputs, "path");
    if (provider != NULL)
        return rac_arena_printf(v->a, "%.*s.%.*s",
                                RAC_FMT(last_segment(text(provider, "serviceProviderId"))),
                                RAC_FMT(text(provider, "operationId")));
    if (id.p != NULL) {
        rac_str api = last_segment(text(host, "apiId"));
        return rac_arena_printf(v->a, "%.*s%s%.*s", RAC_FMT(api), api.n > 0 ? "." : "",
                                RAC_FMT(id));
    }
    if (host == NULL || path.p == NULL)
        return RAC_STR_NULL;
    rac_str method = text(inputs, "method"), connection = connection_of(host);
    method = rac_str_upper(v->a, method.p != NULL ? method : RAC_S("POST"));
    return rac_arena_printf(v->a, "%.*s%s%.*s %.*s", RAC_FMT(connection),
                            connection.n > 0 ? ": " : "", RAC_FMT(method), RAC_FMT(path));
}

static struct rac_json str_or_null(rac_str s)
{
    return s.p != NULL ? rac_json_of_str(s) : rac_json_of_null();
}

static struct rac_json entry(struct view *v, rac_str name, const struct rac_json *node)
{
    struct rac_json o = rac_json_new_object(v->a);
    RAC_JSON_PUT_STR(v->a, &o, "name", name);
    RAC_JSON_PUT(v->a, &o, "type", str_or_null(text(node, "type")));
    RAC_JSON_PUT(v->a, &o, "kind", str_or_null(text(node, "kind")));
    RAC_JSON_PUT(v->a, &o, "operation", str_or_null(operation_of(v, node)));
    return o;
}

static void add_action(void *arg, const struct rac_workflow_action *x)
{
    struct view *v = arg;
    const struct rac_json *after = member(x->node, "runAfter");
    struct rac_json o = entry(v, x->name, x->node);
    RAC_JSON_PUT(v->a, &o, "parent", str_or_null(x->parent));
    RAC_JSON_PUT(v->a, &o, "depth", rac_json_of_int(x->depth));
    RAC_JSON_PUT(v->a, &o, "runAfter",
                 rac_json_is_object(after) ? *after : rac_json_new_object(v->a));
    rac_json_add(v->a, &v->actions, o);
}

static struct rac_json describe(struct view *v, const struct rac_workflow *w)
{
    static const char *const profiles[] = {"consumption", "standard", "flow"};
    struct rac_json o = rac_json_new_object(v->a);
    v->triggers = rac_json_new_array(v->a);
    v->actions = rac_json_new_array(v->a);
    RAC_JSON_EACH_MEMBER(m, member(w->definition, "triggers"))
    rac_json_add(v->a, &v->triggers, entry(v, rac_json_key(m), &m->value));
    rac_workflow_each_action(w, add_action, v);
    RAC_JSON_PUT(v->a, &o, "name", str_or_null(w->name.n > 0 ? w->name : RAC_STR_NULL));
    RAC_JSON_PUT_STR(v->a, &o, "profile", rac_str_of(profiles[w->profile]));
    RAC_JSON_PUT(v->a, &o, "stateless", rac_json_of_bool(w->stateless));
    RAC_JSON_PUT(v->a, &o, "triggers", v->triggers);
    RAC_JSON_PUT(v->a, &o, "actions", v->actions);
    return o;
}

/* --- text ------------------------------------------------------------------------------------- */

static rac_str after_text(struct view *v, const struct rac_json *after)
{
    rac_str out = RAC_S("");
    RAC_JSON_EACH_MEMBER(m, after)
    {
        rac_str statuses = RAC_S("");
        RAC_JSON_EACH(s, &m->value)
        statuses = rac_arena_printf(v->a, "%.*s%s%.*s", RAC_FMT(statuses), statuses.n ? "," : "",
                                    RAC_FMT(rac_json_str(s, RAC_S("?"))));
        bool usual = rac_str_eqi(statuses, RAC_S("Succeeded"));
        out =
            rac_arena_printf(v->a, "%.*s%s%.*s%s%.*s%s", RAC_FMT(out), out.n > 0 ? ", " : "after ",
                             RAC_FMT(rac_json_key(m)), usual ? "" : " [",
                             usual ? 0 : (int)statuses.n, statuses.p, usual ? "" : "]");
    }
    return out;
}

static void print_list(struct view *v, const char *title, const struct rac_json *list)
{
    size_t n = rac_json_len(list);
    rac_str *cells = RAC_NEW_N(v->a, rac_str, n * 4);
    for (size_t i = 0; i < n; i++) {
        const struct rac_json *o = rac_json_at(list, i);
        int64_t depth = rac_json_int(member(o, "depth"), 1);
        rac_str kind = text(o, "kind"), operation = text(o, "operation");
        cells[4 * i] =
            rac_arena_printf(v->a, "%*s%.*s", (int)depth * 2, "", RAC_FMT(text(o, "name")));
        cells[4 * i + 1] = rac_arena_printf(v->a, "%.*s%s%.*s", RAC_FMT(text(o, "type")),
                                            kind.n > 0 ? "/" : "", RAC_FMT(kind));
        cells[4 * i + 2] = operation.p != NULL ? operation : RAC_S("");
        cells[4 * i + 3] = after_text(v, member(o, "runAfter"));
    }
    rac_cli_put(v->cli, "%s\n", title);
    rac_cli_print_table(v->cli, NULL, cells, n, 4);
}

static void print(struct view *v, rac_str file, const struct rac_json *o)
{
    rac_str name = text(o, "name");
    rac_cli_say(v->cli, "%.*s  %.*s%s", RAC_FMT(name.n > 0 ? name : file),
                RAC_FMT(text(o, "profile")),
                rac_json_bool(member(o, "stateless"), false) ? ", stateless" : "");
    print_list(v, "triggers", member(o, "triggers"));
    print_list(v, "actions", member(o, "actions"));
}

/* --- the command ------------------------------------------------------------------------------ */

/* The workflow files of SRC, a single file included; n 0: it is something else. */
static rac_err find(struct view *v, struct rac_cli_flow **flows, size_t *n, struct rac_diags *d)
{
    const char *whole = v->cli->args[0], *src = rac_cli_flows_place(v->cli, whole);
    struct rac_document *doc;
    struct stat st;
    rac_str bytes, why;
    rac_err e = rac_cli_flows(v->cli, whole, v->a, flows, n, d);
    if (e != RAC_OK || *n > 0 || stat(src, &st) != 0 || !S_ISREG(st.st_mode) ||
        rac_cli_read(v->cli, src, FILE_MAX, v->a, &bytes, &why) != RAC_OK ||
        rac_document_read(bytes, rac_str_of(src), v->a, &doc, NULL) != RAC_OK ||
        doc->kind != RAC_DOC_WORKFLOW)
        return e;
    *flows = RAC_NEW(v->a, struct rac_cli_flow);
    (*flows)->text = bytes;
    if (src != whole)
        (*flows)->wanted = rac_str_of(strrchr(whole, '#') + 1);
    rac_cli_flow_app(v->cli, src, v->a, *flows);
    *n = 1;
    return RAC_OK;
}

static rac_err show_file(struct view *v, const struct rac_cli_flow *f, struct rac_json *list,
                         struct rac_diags *d)
{
    struct rac_document *doc;
    struct rac_workflow **w;
    size_t n = 0;
    rac_err e = rac_document_read(f->text, f->file, v->a, &doc, d);
    if (e != RAC_OK)
        return e;
    e = rac_cli_flow_give(doc, f, d);
    if (e != RAC_OK)
        return e;
    e = rac_workflows_of_document(doc, rac_cli_flow_files(f), v->a, &w, &n, d);
    for (size_t i = 0; i < n; i++) {
        if (f->wanted.p != NULL && !rac_str_eqi(w[i]->name, f->wanted))
            continue;
        struct rac_json o = describe(v, w[i]);
        if (f->file.n > 0)
            RAC_JSON_PUT_STR(v->a, &o, "file", f->file);
        rac_json_add(v->a, list, o);
    }
    return n > 0 ? RAC_OK : e;
}

bool rac_cli_show_flows(struct rac_cli *cli, struct rac_arena *a, int *status)
{
    struct view v = {.cli = cli, .a = a};
    struct rac_cli_flow *flows;
    struct rac_diags d;
    struct rac_json list = rac_json_new_array(a), out = rac_json_new_object(a);
    size_t n = 0;
    rac_diags_init(&d, a, 100);
    rac_err e = find(&v, &flows, &n, &d);
    if (n == 0 && e == RAC_OK)
        return false;
    for (size_t i = 0; i < n && e == RAC_OK; i++)
        e = show_file(&v, &flows[i], &list, &d);
    *status = RAC_EXIT_OK;
    if (e != RAC_OK) {
        rac_cli_diags(cli, rac_str_of(cli->args[0]), &d);
        *status = rac_cli_status_of(e);
        return true;
    }
    if (n == 1 && flows[0].wanted.p != NULL && rac_json_len(&list) == 0) {
        *status = rac_cli_no_flow(cli, cli->args[0]);
        return true;
    }
    if (cli->format != RAC_FORMAT_JSON) {
        RAC_JSON_EACH(o, &list)
        print(&v, text(o, "file").n > 0 ? text(o, "file") : rac_str_of(cli->args[0]), o);
        return true;
    }
    RAC_JSON_PUT_STR(a, &out, "source", rac_str_of(cli->args[0]));
    RAC_JSON_PUT_STR(a, &out, "kind", RAC_S("workflow"));
    if (rac_json_len(&list) == 1) {
        RAC_JSON_EACH_MEMBER(m, rac_json_at(&list, 0))
        rac_json_put(a, &out, rac_json_key(m), m->value);
    } else {
        RAC_JSON_PUT(a, &out, "workflows", list);
    }
    rac_cli_print_json(cli, &out);
    return true;
}
