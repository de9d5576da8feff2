#include "cli/flows.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/neighbours.h"
#include "cli/output.h"
#include "cli/variables.h"
#include "openapi/read.h"
#include "text/zip.h"
#include "workflow/definition/ident.h"
#include "workflow/template/template.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX = 64 << 20,
    APP_FILE_MAX = 16 << 20,
    FOLDER_MAX = 4096,
    FLOWS_MAX = 1000,
    VARIABLES_MAX = 1000
};

struct list {
    struct rac_cli *cli;
    struct rac_arena *a;
    struct rac_diags *d;
    struct rac_cli_flow *v;
    size_t n, cap;
    struct rac_cli_variable *variables; /* of a solution */
    size_t variables_n;
};

static struct rac_cli_flow *add(struct list *l, rac_str file, rac_str text)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 4;
        l->v = rac_arena_grow(l->a, l->v, l->cap * sizeof *l->v, cap * sizeof *l->v);
        l->cap = cap;
    }
    l->v[l->n] = (struct rac_cli_flow){.file = file, .text = text};
    return &l->v[l->n++];
}

static rac_str folder_of(rac_str path)
{
    size_t at = rac_str_rfind_char(path, '/');
    return at == RAC_STR_NPOS ? RAC_S("") : rac_str_sub(path, 0, at);
}

static rac_str base_of(rac_str path)
{
    size_t at = rac_str_rfind_char(path, '/');
    return at == RAC_STR_NPOS ? path : rac_str_from(path, at + 1);
}

/* NAME/workflow.json, Microsoft.Flow/flows/GUID/definition.json, Workflows/NAME.json. */
static bool is_flow_name(rac_str path)
{
    rac_str folder = folder_of(path), base = base_of(path);
    if (rac_str_eqi(base, RAC_S("workflow.json")))
        return true;
    if (rac_str_eqi(base, RAC_S("definition.json")))
        return rac_str_endsi(folder_of(folder), RAC_S("Microsoft.Flow/flows"));
    return rac_str_eqi(base_of(folder), RAC_S("Workflows")) && rac_str_endsi(base, RAC_S(".json"));
}

static const char *const template_names[] = {"template.json", "azuredeploy.json",
                                             "mainTemplate.json", "main.json"};
enum { TEMPLATE_NAMES = RAC_COUNT(template_names) };

static size_t template_name(rac_str base) /* its place among them; TEMPLATE_NAMES: it is none */
{
    size_t i = 0;
    while (i < TEMPLATE_NAMES && !rac_str_eqi(base, rac_str_of(template_names[i])))
        i++;
    return i;
}

static bool is_template(rac_str text)
{
    return rac_str_findi(text, RAC_S("deploymentTemplate.json")) != RAC_STR_NPOS;
}

/* Solutions keep other things beside their flows: those of the desktop, values of settings. */
static bool is_something_else(rac_str path, rac_str text)
{
    return rac_str_eqi(base_of(folder_of(path)), RAC_S("Workflows")) &&
           rac_str_starts(rac_str_trim(text), RAC_S("{")) &&
           rac_str_findi(text, RAC_S("\"triggers\"")) == RAC_STR_NPOS;
}

static void left_out(struct rac_diags *d, rac_str file)
{
    struct rac_diag *g = rac_diags_addf(d, "InvalidRequestContent", RAC_SEV_WARNING,
                                        "the file is no cloud flow: it has no triggers; it is left "
                                        "out");
    if (g != NULL)
        g->file = file;
}

/* --- one of several --------------------------------------------------------------------------- */

const char *rac_cli_flows_place(struct rac_cli *cli, const char *src)
{
    struct stat st;
    const char *mark = strrchr(src, '#');
    if (mark == NULL || mark == src || stat(src, &st) == 0)
        return src;
    const char *place = rac_arena_cstr(cli->a, (rac_str){src, (size_t)(mark - src)});
    return stat(place, &st) == 0 ? place : src;
}

bool rac_cli_flow_is(rac_str file, rac_str name)
{
    rac_str base = base_of(file);
    if (rac_str_eqi(file, name) || rac_str_eqi(base, name))
        return true;
    if (rac_str_eqi(base, RAC_S("workflow.json")) || rac_str_eqi(base, RAC_S("definition.json")))
        return rac_str_eqi(base_of(folder_of(file)), name);
    if (rac_str_endsi(base, RAC_S(".json")))
        base.n -= 5;
    size_t tail = sizeof "-00000000-0000-0000-0000-000000000000" - 1;
    bool known = base.n > tail && base.p[base.n - tail] == '-' &&
                 rac_workflow_guid_is(rac_str_from(base, base.n - tail + 1));
    return rac_workflow_name_is(base, name) ||
           (known && rac_str_eqi(rac_str_sub(base, 0, base.n - tail), name));
}

int rac_cli_no_flow(struct rac_cli *cli, const char *src)
{
    struct stat st;
    const char *place = rac_cli_flows_place(cli, src);
    if (stat(place, &st) != 0)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "cannot open %s: %s", src, strerror(errno));
    if (place != src)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s holds no workflow of the name '%s'",
                            place, strrchr(src, '#') + 1);
    if (access(rac_arena_printf(cli->a, "%s/apiDefinition.swagger.json", src).p, F_OK) == 0)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE,
                            "%s holds no workflow but a connector; `raccord connector create` "
                            "registers it, `raccord call` calls its operations",
                            src);
    return rac_cli_fail(
        cli, RAC_EXIT_UNREACHABLE,
        "%s holds no workflow: a definition file, the folder of a workflow.json or of "
        "an app, or the zip of a flow (Microsoft.Flow/flows/ID/definition.json) or "
        "of a solution (Workflows/NAME.json)",
        src);
}

static void keep_named(struct list *l, rac_str name)
{
    size_t kept = 0;
    if (l->n == 1 && l->v[0].is_template && !rac_cli_flow_is(l->v[0].file, name)) {
        l->v[0].wanted = name; /* of those it deploys */
        return;
    }
    for (size_t i = 0; i < l->n; i++)
        if (rac_cli_flow_is(l->v[i].file, name))
            l->v[kept++] = l->v[i];
    l->n = kept;
}

static int by_name(const void *x, const void *y)
{
    return rac_str_cmp(((const struct rac_cli_flow *)x)->file,
                       ((const struct rac_cli_flow *)y)->file);
}

/* --- environment variables of a solution ------------------------------------------------------ */

static const char variables_folder[] = "environmentvariabledefinitions",
                  variables_file[] = "environmentvariablevalues.json";

/* folder: of one variable, called as it is. */
static void add_variable(struct list *l, rac_str folder, rac_str text)
{
    if (l->variables == NULL)
        l->variables = RAC_NEW_N(l->a, struct rac_cli_variable, VARIABLES_MAX);
    if (l->variables_n < VARIABLES_MAX && text.n > 0 &&
        rac_cli_variable_read(text, l->a, &l->variables[l->variables_n]))
        l->variables[l->variables_n++].name = base_of(folder);
}

static void give_variables(struct list *l)
{
    for (size_t i = 0; i < l->n && l->variables_n > 0; i++)
        l->v[i].values = rac_cli_variable_values(l->v[i].text, l->variables, l->variables_n, l->a);
}

/* --- zips ------------------------------------------------------------------------------------- */

static rac_str entry(const struct rac_zip_entry *e, size_t n, struct rac_arena *a, rac_str folder,
                     const char *name)
{
    rac_str path =
        folder.n > 0 ? rac_arena_printf(a, "%.*s/%s", RAC_FMT(folder), name) : rac_str_of(name);
    for (size_t i = 0; i < n; i++)
        if (rac_str_eqi(e[i].name, path))
            return e[i].bytes;
    return RAC_STR_NULL;
}

struct entries {
    const struct rac_zip_entry *v;
    size_t n;
};

static rac_err read_entry(void *self, rac_str path, struct rac_arena *a, rac_str *bytes)
{
    const struct entries *e = self;
    *bytes = entry(e->v, e->n, a, RAC_S(""), rac_arena_cstr(a, path));
    return bytes->p != NULL ? RAC_OK : RAC_E_NOT_FOUND;
}

/* What stands beside a template: its parameters file, by names that reading gives texts for. */
static void given_names(struct rac_arena *a, rac_str base, rac_str names[2])
{
    bool exported = template_name(base) == 0; /* what the portal calls both */
    base = rac_str_sub(base, 0, base.n - 5);
    names[0] = rac_arena_printf(a, "%.*s.parameters.json", RAC_FMT(base));
    names[1] = exported ? RAC_S("parameters.json") : RAC_STR_NULL;
}

static size_t depth_of(rac_str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

/* The templates of a package without flows that lie least deep. */
static void templates_of_zip(struct list *l, const struct rac_zip_entry *e, size_t n)
{
    struct entries *all = RAC_NEW(l->a, struct entries);
    size_t depth = SIZE_MAX;
    *all = (struct entries){e, n};
    for (size_t i = 0; i < n; i++) {
        rac_str base = base_of(e[i].name), names[2];
        if (template_name(base) == TEMPLATE_NAMES || depth_of(e[i].name) > depth ||
            !is_template(e[i].bytes))
            continue;
        if (depth_of(e[i].name) < depth)
            l->n = 0;
        depth = depth_of(e[i].name);
        struct rac_cli_flow *f = add(l, e[i].name, e[i].bytes);
        f->is_template = true;
        f->files = (struct rac_workflow_files){read_entry, all, e[i].name};
        given_names(l->a, base, names);
        for (size_t k = 0; k < RAC_COUNT(names) && f->given.p == NULL; k++)
            if (names[k].p != NULL) {
                f->given = entry(e, n, l->a, folder_of(e[i].name), names[k].p);
                f->given_file = names[k];
            }
    }
}

static rac_err from_zip(struct list *l, rac_str bytes, struct rac_diags *d)
{
    struct rac_zip_entry *e;
    size_t n;
    rac_str why;
    struct rac_zip_limits limits = {.foreign_names = true};
    rac_err err = rac_zip_read(bytes, &limits, l->a, &e, &n, &why);
    if (err != RAC_OK) {
        rac_diags_addf(d, "InvalidRequestContent", RAC_SEV_ERROR,
                       "the package cannot be unpacked: %.*s", RAC_FMT(why));
        return err;
    }
    for (size_t i = 0; i < n && l->n < FLOWS_MAX; i++) {
        rac_str folder = folder_of(e[i].name);
        if (rac_str_eqi(base_of(e[i].name), rac_str_of(variables_file)) &&
            rac_str_eqi(base_of(folder_of(folder)), rac_str_of(variables_folder)))
            add_variable(l, folder, e[i].bytes);
        if (!is_flow_name(e[i].name))
            continue;
        if (is_something_else(e[i].name, e[i].bytes)) {
            left_out(d, e[i].name);
            continue;
        }
        struct rac_cli_flow *f = add(l, e[i].name, e[i].bytes);
        rac_str app = folder_of(folder_of(e[i].name));
        f->connections = entry(e, n, l->a, app, "connections.json");
        f->parameters = entry(e, n, l->a, app, "parameters.json");
        f->settings = entry(e, n, l->a, app, "local.settings.json");
    }
    give_variables(l);
    if (l->n == 0)
        templates_of_zip(l, e, n);
    return RAC_OK;
}

/* --- folders ---------------------------------------------------------------------------------- */

static rac_str read_optional(struct rac_cli *cli, struct rac_arena *a, rac_str dir,
                             const char *name, size_t max)
{
    rac_str path = rac_arena_printf(a, "%.*s/%s", RAC_FMT(dir), name), text, why;
    struct stat st;
    if (stat(path.p, &st) != 0 || !S_ISREG(st.st_mode))
        return RAC_STR_NULL;
    return rac_cli_read(cli, path.p, max, a, &text, &why) == RAC_OK ? text : RAC_STR_NULL;
}

static void read_app(struct rac_cli *cli, struct rac_arena *a, rac_str app,
                     struct rac_cli_flow *out)
{
    out->connections = read_optional(cli, a, app, "connections.json", APP_FILE_MAX);
    out->parameters = read_optional(cli, a, app, "parameters.json", APP_FILE_MAX);
    out->settings = read_optional(cli, a, app, "local.settings.json", APP_FILE_MAX);
}

/* Of the template at path, a real one. */
static void read_given(struct rac_cli *cli, struct rac_arena *a, rac_str path,
                       struct rac_cli_flow *out)
{
    rac_str base = base_of(path), dir = folder_of(path), names[2];
    struct rac_cli_neighbours *beside = RAC_NEW(a, struct rac_cli_neighbours);
    *beside =
        (struct rac_cli_neighbours){.cli = cli, .dir = dir.n > 0 ? rac_arena_cstr(a, dir) : "/"};
    out->files = (struct rac_workflow_files){rac_cli_neighbour, beside, base};
    if (!rac_str_endsi(base, RAC_S(".json")))
        return;
    given_names(a, base, names);
    for (size_t i = 0; i < RAC_COUNT(names) && out->given.p == NULL; i++)
        if (names[i].p != NULL) {
            out->given = read_optional(cli, a, dir, names[i].p, APP_FILE_MAX);
            out->given_file = names[i];
        }
}

static void add_file(struct list *l, rac_str root, rac_str below, const char *name)
{
    rac_str dir =
        below.n > 0 ? rac_arena_printf(l->a, "%.*s/%.*s", RAC_FMT(root), RAC_FMT(below)) : root;
    rac_str text = read_optional(l->cli, l->a, dir, name, FILE_MAX);
    rac_str file = below.n > 0 ? rac_arena_printf(l->a, "%.*s/%s", RAC_FMT(below), name)
                               : rac_arena_str(l->a, rac_str_of(name));
    if (text.p == NULL || l->n >= FLOWS_MAX)
        return;
    if (is_something_else(file, text))
        left_out(l->d, file);
    else
        add(l, file, text);
}

/* Names of files, growing by doubling. */
struct names {
    const char **v;
    size_t n, cap;
};

static void add_name(struct names *x, const char *name, struct rac_arena *a)
{
    if (x->n == x->cap) {
        size_t grown = x->cap ? x->cap * 2 : 16;
        x->v = rac_arena_grow(a, x->v, x->cap * sizeof *x->v, grown * sizeof *x->v);
        x->cap = grown;
    }
    x->v[x->n++] = rac_arena_cstr(a, rac_str_of(name));
}

static int by_letters(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The order of a folder is that of its file system: none that may be seen. */
static void sort_names(struct names *x)
{
    if (x->n > 1)
        qsort(x->v, x->n, sizeof *x->v, by_letters);
}

/* Calls fn for each name in a folder that is not hidden, in their order. */
static void each_name(struct list *l, rac_str root, rac_str below,
                      void (*fn)(struct list *l, rac_str root, rac_str below, const char *name))
{
    rac_str dir = below.n > 0 ? rac_arena_printf(l->a, "%.*s/%.*s", RAC_FMT(root), RAC_FMT(below))
                              : rac_arena_str(l->a, root);
    DIR *open = opendir(dir.p);
    struct names names = {0};
    const struct dirent *e;
    for (size_t i = 0; open != NULL && i < FOLDER_MAX && (e = readdir(open)) != NULL; i++)
        if (e->d_name[0] != '.')
            add_name(&names, e->d_name, l->a);
    if (open != NULL)
        closedir(open);
    sort_names(&names);
    for (size_t i = 0; i < names.n; i++)
        fn(l, root, below, names.v[i]);
}

static void flow_folder(struct list *l, rac_str root, rac_str below, const char *name)
{
    add_file(l, root, rac_arena_printf(l->a, "%.*s/%s", RAC_FMT(below), name), "definition.json");
}

static void variable_folder(struct list *l, rac_str root, rac_str below, const char *name)
{
    rac_str folder = rac_arena_printf(l->a, "%.*s/%.*s/%s", RAC_FMT(root), RAC_FMT(below), name);
    add_variable(l, folder, read_optional(l->cli, l->a, folder, variables_file, APP_FILE_MAX));
}

static void solution_file(struct list *l, rac_str root, rac_str below, const char *name)
{
    if (rac_str_endsi(rac_str_of(name), RAC_S(".json")))
        add_file(l, root, below, name);
}

void rac_cli_flow_app(struct rac_cli *cli, const char *path, struct rac_arena *a,
                      struct rac_cli_flow *out)
{
    char *whole = realpath(path, NULL);
    if (whole == NULL)
        return;
    rac_str at = rac_arena_str(a, rac_str_of(whole));
    rac_mem_free_libc(whole);
    read_app(cli, a, folder_of(folder_of(at)), out);
    read_given(cli, a, at, out);
    if (rac_str_eqi(base_of(folder_of(at)), RAC_S("Workflows"))) {
        struct list l = {.cli = cli, .a = a, .v = out, .n = 1};
        each_name(&l, folder_of(folder_of(at)), rac_str_of(variables_folder), variable_folder);
        give_variables(&l);
    }
}

/* What stands in a folder, seen in one pass: its workflow, and the folders in it. */
struct listing {
    struct names folders;
    bool workflow, template[TEMPLATE_NAMES];
};

static void list_folder(struct list *l, DIR *dir, struct listing *out)
{
    const struct dirent *e;
    for (size_t i = 0; i < FOLDER_MAX && (e = readdir(dir)) != NULL; i++) {
        out->workflow |= strcmp(e->d_name, "workflow.json") == 0;
        size_t named = template_name(rac_str_of(e->d_name));
        if (named < TEMPLATE_NAMES)
            out->template[named] = true;
        if (e->d_name[0] == '.' || e->d_type == DT_REG)
            continue;
        add_name(&out->folders, e->d_name, l->a);
    }
    sort_names(&out->folders);
}

static void from_app(struct list *l, rac_str root, const struct listing *in)
{
    for (size_t i = 0; i < in->folders.n; i++)
        add_file(l, root, rac_str_of(in->folders.v[i]), "workflow.json");
    struct rac_cli_flow app = {0};
    if (l->n > 0)
        read_app(l->cli, l->a, root, &app);
    for (size_t i = 0; i < l->n; i++) {
        l->v[i].connections = app.connections;
        l->v[i].parameters = app.parameters;
        l->v[i].settings = app.settings;
    }
    for (size_t i = 0; i < in->folders.n; i++) {
        if (strcmp(in->folders.v[i], "Microsoft.Flow") == 0)
            each_name(l, root, RAC_S("Microsoft.Flow/flows"), flow_folder);
        else if (strcmp(in->folders.v[i], "Workflows") == 0)
            each_name(l, root, RAC_S("Workflows"), solution_file);
        else if (strcmp(in->folders.v[i], variables_folder) == 0)
            each_name(l, root, rac_str_of(variables_folder), variable_folder);
    }
    give_variables(l);
}

static void templates_of_folder(struct list *l, rac_str root, const struct listing *in)
{
    for (size_t i = 0; i < TEMPLATE_NAMES; i++) {
        size_t before = l->n;
        if (in->template[i])
            add_file(l, root, RAC_S(""), template_names[i]);
        if (l->n > before && !is_template(l->v[before].text))
            l->n = before;
        if (l->n == before)
            continue;
        rac_str path = rac_arena_printf(l->a, "%.*s/%s", RAC_FMT(root), template_names[i]);
        rac_cli_flow_app(l->cli, path.p, l->a, &l->v[before]);
        l->v[before].is_template = true;
    }
}

static void from_folder(struct list *l, const char *src, DIR *dir)
{
    struct listing in = {0};
    rac_str root = rac_str_of(src);
    while (root.n > 1 && root.p[root.n - 1] == '/')
        root.n--;
    root = rac_arena_str(l->a, root);
    list_folder(l, dir, &in);
    if (in.workflow)
        add_file(l, root, RAC_S(""), "workflow.json");
    if (l->n == 0) {
        from_app(l, root, &in);
        if (l->n == 0)
            templates_of_folder(l, root, &in);
        return;
    }
    rac_str path = rac_arena_printf(l->a, "%s/workflow.json", root.p);
    rac_cli_flow_app(l->cli, path.p, l->a, &l->v[0]);
}

/* --- any source ------------------------------------------------------------------------------- */

rac_err rac_cli_flows(struct rac_cli *cli, const char *src, struct rac_arena *a,
                      struct rac_cli_flow **out, size_t *n, struct rac_diags *d)
{
    struct list l = {.cli = cli, .a = a, .d = d};
    struct stat st;
    rac_str bytes, why;
    rac_err e = RAC_OK;
    const char *place = rac_cli_flows_place(cli, src);
    rac_str name = place != src ? rac_str_of(strrchr(src, '#') + 1) : RAC_STR_NULL;
    src = place;
    DIR *dir = opendir(src);
    *n = 0;
    if (dir != NULL) {
        from_folder(&l, src, dir);
        closedir(dir);
    } else if (rac_str_endsi(rac_str_of(src), RAC_S(".zip")) && stat(src, &st) == 0 &&
               S_ISREG(st.st_mode)) {
        e = rac_cli_read(cli, src, FILE_MAX, a, &bytes, &why);
        if (e == RAC_OK && rac_zip_is(bytes))
            e = from_zip(&l, bytes, d);
        else if (e != RAC_OK)
            rac_diags_addf(d, "InvalidRequestContent", RAC_SEV_ERROR, "%.*s", RAC_FMT(why));
    }
    if (name.p != NULL)
        keep_named(&l, name);
    if (l.n > 1)
        qsort(l.v, l.n, sizeof *l.v, by_name);
    *out = l.v;
    *n = l.n;
    return e;
}

struct giving {
    rac_str file;
    struct rac_diags *d;
};

static void undeclared(void *arg, const struct rac_json_member *m)
{
    struct giving *g = arg;
    struct rac_diag *v =
        rac_diags_addf(g->d, "InvalidTemplateDeployment", RAC_SEV_WARNING,
                       "the template declares no parameter '%.*s'", RAC_FMT(rac_json_key(m)));
    if (v != NULL)
        v->file = g->file;
}

static bool parse_given(rac_str text, struct rac_arena *a, const struct giving *g,
                        struct rac_json *out)
{
    struct rac_json_error where;
    *out = rac_json_none;
    if (text.n == 0 || rac_json_parse_lenient(text, a, out, NULL, &where) == RAC_OK)
        return true;
    struct rac_diag *x = rac_diags_addf(g->d, "InvalidRequestContent", RAC_SEV_ERROR,
                                        "the parameters file is not JSON: %s", where.message);
    if (x != NULL) {
        x->file = g->file;
        x->line = where.line;
        x->column = where.column;
    }
    return false;
}

static bool is_parameters_file(const struct rac_json *v) /* or {name: value} */
{
    return rac_json_is_object(rac_json_geti(v, RAC_S("parameters")));
}

/* A file that was named stands beside the working directory, not beside the template. */
static rac_str whole_path(rac_str path, struct rac_arena *a)
{
    char *whole = path.n > 0 ? realpath(rac_arena_cstr(a, path), NULL) : NULL;
    if (whole != NULL)
        path = rac_arena_str(a, rac_str_of(whole));
    rac_mem_free_libc(whole);
    return path;
}

rac_err rac_cli_flow_give(struct rac_document *doc, const struct rac_cli_flow *f,
                          struct rac_diags *d)
{
    struct giving given = {f->given_file, d}, named = {whole_path(f->named_file, doc->a), d};
    struct rac_json v, over;
    if (!rac_template_is(&doc->root))
        return RAC_OK;
    if (!parse_given(f->named, doc->a, &named, &over))
        return RAC_E_INVALID;
    bool whole = is_parameters_file(&over);
    if (!whole && !parse_given(f->given, doc->a, &given, &v))
        return RAC_E_INVALID;
    if (!whole)
        rac_template_give(&doc->root, &v, doc->a, is_parameters_file(&v) ? undeclared : NULL,
                          &given);
    rac_template_give(&doc->root, &over, doc->a, whole ? undeclared : NULL, &named);
    return RAC_OK;
}

rac_err rac_cli_flow_add_app(struct rac_workflow *w, const struct rac_cli_flow *f,
                             struct rac_diags *d)
{
    if (w->profile == RAC_WF_FLOW) {
        struct rac_json all = rac_json_copy(w->a, &w->parameters);
        RAC_JSON_EACH_MEMBER(m, &f->values)
        rac_json_put(w->a, &all, rac_json_key(m), m->value);
        w->parameters = all;
    }
    if (w->profile != RAC_WF_STANDARD)
        return RAC_OK;
    return rac_workflow_add_app(w, f->connections, f->parameters, f->settings, d);
}

static rac_str last_of(rac_str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    size_t at = rac_str_rfind_char(path, '/');
    return at == RAC_STR_NPOS ? path : rac_str_from(path, at + 1);
}

rac_str rac_cli_flow_name(struct rac_cli *cli, rac_str path)
{
    rac_str base = last_of(path);
    bool inner =
        rac_str_eqi(base, RAC_S("workflow.json")) || rac_str_eqi(base, RAC_S("definition.json"));
    if (inner) {
        size_t at = rac_str_rfind_char(path, '/');
        base = at == RAC_STR_NPOS ? RAC_S("") : last_of(rac_str_sub(path, 0, at));
    }
    size_t dot = rac_str_rfind_char(base, '.');
    if (dot != RAC_STR_NPOS && dot > 0)
        base = rac_str_sub(base, 0, dot);
    char *name = rac_arena_cstr(cli->a, base);
    for (size_t i = 0; i < base.n; i++)
        if (!rac_is_alnum(name[i]) && strchr("_-().", name[i]) == NULL)
            name[i] = '_';
    return rac_str_sub((rac_str){name, base.n}, 0, 80);
}
