#include "workflow/definition/document.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/map.h"
#include "openapi/read.h"
#include "text/path.h"
#include "workflow/template/template.h"

enum { TEXT_SHOWN_MAX = 300, REPEATS_MAX = 1000, FINDINGS_MAX = 1000, LINKED_MAX = 200 };

static const struct rac_json *member(const struct rac_json *o, rac_str name)
{
    const struct rac_json *v = rac_json_get(o, name);
    return v != NULL ? v : rac_json_geti(o, name);
}

static bool looks_like_definition(const struct rac_json *v)
{
    rac_str schema = rac_json_str(member(v, RAC_S("$schema")), RAC_S(""));
    return rac_json_is_object(v) &&
           ((member(v, RAC_S("triggers")) != NULL && member(v, RAC_S("actions")) != NULL) ||
            rac_str_findi(schema, RAC_S("workflowdefinition.json")) != RAC_STR_NPOS);
}

static struct rac_json object_or_empty(const struct rac_json *v, struct rac_arena *a)
{
    return rac_json_is_object(v) ? *v : rac_json_new_object(a);
}

static rac_err invalid(struct rac_workflow *w, struct rac_diags *d, const char *code,
                       const struct rac_json *node, rac_str pointer, const char *message)
{
    struct rac_diag *g = rac_diags_addf(d, code, RAC_SEV_ERROR, "%s", message);
    if (g != NULL) {
        g->pointer = pointer;
        rac_document_place(w->doc, node, &g->line, &g->column, &g->end_line, &g->end_column);
    }
    return RAC_E_INVALID;
}

static struct rac_workflow *workflow_new(struct rac_document *doc, struct rac_arena *a)
{
    struct rac_workflow *w = RAC_NEW(a, struct rac_workflow);
    w->a = a;
    w->doc = doc;
    w->name = RAC_S("");
    w->parameters_pointer = w->access_pointer = RAC_S("");
    w->parameters = w->connections = w->references = w->settings = rac_json_new_object(a);
    return w;
}

static rac_err kind_of(struct rac_workflow *w, const struct rac_json *kind, rac_str pointer,
                       struct rac_diags *d)
{
    static const rac_str kinds[] = {RAC_S_INIT("Stateful"), RAC_S_INIT("Stateless"),
                                    RAC_S_INIT("Agentic"), RAC_S_INIT("Agent")};
    bool absent = kind == NULL || kind->type == RAC_JSON_NONE || kind->type == RAC_JSON_NULL;
    w->kind = absent ? RAC_S("Stateful") : rac_json_str(kind, RAC_S(""));
    for (size_t i = 0; i < RAC_COUNT(kinds); i++)
        if (rac_str_eqi(w->kind, kinds[i])) {
            w->stateless = i == 1;
            return RAC_OK;
        }
    w->kind = RAC_S("Stateful");
    return invalid(w, d, "InvalidWorkflowKind", kind, pointer,
                   "the kind of a workflow is Stateful, Stateless, Agentic or Agent");
}

/* Values that declare their type beside them, as parameters.json has them. */
static bool declares(const struct rac_json *parameters)
{
    RAC_JSON_EACH_MEMBER(m, parameters)
    if (rac_json_get(&m->value, RAC_S("type")) != NULL)
        return true;
    return false;
}

bool rac_workflow_declares_secure(const struct rac_json *declaration)
{
    rac_str type = rac_json_str(member(declaration, RAC_S("type")), RAC_S(""));
    return rac_str_eqi(type, RAC_S("SecureString")) || rac_str_eqi(type, RAC_S("SecureObject"));
}

bool rac_workflow_parameter_is_secure(const struct rac_workflow *w, rac_str name)
{
    return rac_workflow_declares_secure(
               rac_json_geti(member(w->definition, RAC_S("parameters")), name)) ||
           rac_workflow_declares_secure(rac_json_geti(&w->parameters, name));
}

/* {definition, kind?, parameters?, connectionReferences?, connections?} */
static rac_err of_wrapper(struct rac_workflow *w, const struct rac_json *root, struct rac_diags *d)
{
    const struct rac_json *kind = member(root, RAC_S("kind")),
                          *parameters = member(root, RAC_S("parameters")),
                          *references = member(root, RAC_S("connectionReferences"));
    w->definition = member(root, RAC_S("definition"));
    w->pointer = RAC_S("/definition");
    w->parameters = object_or_empty(parameters, w->a);
    w->parameters_pointer = RAC_S("/parameters");
    w->connections = object_or_empty(member(root, RAC_S("connections")), w->a);
    w->access = member(root, RAC_S("accessControl"));
    w->access_pointer = RAC_S("/accessControl");
    if (rac_json_is_object(references))
        w->references = *references;
    rac_str type = rac_json_str(member(root, RAC_S("type")), RAC_S(""));
    bool resource = rac_str_eqi(type, RAC_S("Microsoft.Logic/workflows")); /* as clients print it */
    if (!resource && (kind != NULL || declares(parameters)))
        w->profile = RAC_WF_STANDARD;
    w->values_complete = w->profile == RAC_WF_CONSUMPTION && rac_json_is_object(parameters);
    return kind != NULL && !resource ? kind_of(w, kind, RAC_S("/kind"), d) : RAC_OK;
}

static void of_flow(struct rac_workflow *w, const struct rac_json *properties)
{
    w->profile = RAC_WF_FLOW;
    w->values_complete = false;
    w->references = object_or_empty(member(properties, RAC_S("connectionReferences")), w->a);
    w->name = rac_json_str(member(properties, RAC_S("displayName")), RAC_S(""));
}

static rac_err of_properties(struct rac_workflow *w, const struct rac_json *root,
                             struct rac_diags *d)
{
    const struct rac_json *properties = member(root, RAC_S("properties")),
                          *kind = member(root, RAC_S("kind"));
    rac_str type = rac_json_str(member(root, RAC_S("type")), RAC_S(""));
    w->definition = member(properties, RAC_S("definition"));
    w->pointer = RAC_S("/properties/definition");
    w->name = rac_json_str(member(root, RAC_S("name")), RAC_S(""));
    w->parameters = object_or_empty(member(properties, RAC_S("parameters")), w->a);
    w->parameters_pointer = RAC_S("/properties/parameters");
    w->access = member(properties, RAC_S("accessControl"));
    w->access_pointer = RAC_S("/properties/accessControl");
    w->values_complete = rac_str_eqi(type, RAC_S("Microsoft.Logic/workflows"));
    bool gallery = rac_str_startsi(type, RAC_S("Microsoft.Logic/"));
    if ((member(properties, RAC_S("connectionReferences")) != NULL && !gallery) ||
        member(root, RAC_S("schemaVersion")) != NULL ||
        rac_str_findi(type, RAC_S("/flows")) != RAC_STR_NPOS)
        of_flow(w, properties);
    else if (rac_str_eqi(rac_json_str(kind, RAC_S("")), RAC_S("Stateless")))
        return kind_of(w, kind, RAC_S("/kind"), d);
    return RAC_OK;
}

/* --- templates -------------------------------------------------------------------------------- */

struct unknowns {
    struct rac_document *doc;
    struct rac_diags *d;
    bool any;
};

/* What to do about it. */
static rac_str fix_of(const struct rac_template_value *v)
{
    return v->rest     ? RAC_S("Deploy the template in parts.")
           : v->unread ? RAC_S("The workflows of that file are not looked at.")
           : v->refused
               ? RAC_S("Give the parameter a value it permits, in a parameters file or as its "
                       "default, or change what it permits.")
           : v->replaced
               ? RAC_S("Nothing is needed where a connection has the name of the reference.")
               : RAC_S("Give a parameter its value in a parameters file; of anything "
                       "else, deploy the template once and use the definition it "
                       "gives, or put the value in its place.");
}

static void unknown_value(void *arg, const struct rac_template_value *v)
{
    struct unknowns *u = arg;
    rac_str text = rac_utf8_mend(u->d->a, rac_str_sub(v->text, 0, TEXT_SHOWN_MAX));
    bool harmless = v->replaced || v->unread || v->idle;
    enum rac_severity severity = harmless ? RAC_SEV_WARNING : RAC_SEV_ERROR;
    struct rac_diag *g =
        v->refused || v->rest
            ? rac_diags_addf(u->d, "InvalidTemplateDeployment", severity, "%s", v->why)
            : rac_diags_addf(u->d, "InvalidTemplateDeployment", severity,
                             "the %s%s%.*s cannot be known here: %s%s",
                             v->unread ? "template of the deployment" : "value",
                             text.n > 0 ? " " : "", RAC_FMT(text), v->why,
                             v->replaced ? "; the reference stands for it" : "");
    u->any |= !harmless;
    if (g == NULL)
        return;
    g->pointer = v->pointer;
    g->fix = fix_of(v);
    struct rac_document *linked = v->source;
    g->file = linked != NULL ? linked->name : g->file;
    rac_document_place(linked != NULL ? linked : u->doc, v->node, &g->line, &g->column,
                       &g->end_line, &g->end_column);
}

/* Linked templates, each read once. */
struct links {
    struct rac_arena *a;
    const struct rac_workflow_files *files;
    struct rac_map read; /* path -> struct linked */
};

struct linked {
    struct rac_document *doc; /* NULL: why */
    const char *why;
};

static const char *sentence(struct links *l, rac_str path, const char *what)
{
    return rac_arena_cstr(
        l->a, rac_arena_printf(l->a, "the file '%.*s' it links to %s", RAC_FMT(path), what));
}

static void read_linked(struct links *l, rac_str path, struct linked *out)
{
    struct rac_diags d;
    rac_str bytes;
    rac_diags_init(&d, l->a, 5);
    rac_err e =
        l->read.n < LINKED_MAX ? l->files->read(l->files->self, path, l->a, &bytes) : RAC_E_LIMIT;
    if (e == RAC_E_LIMIT)
        out->why = sentence(l, path, "is one too many, or too large");
    else if (e == RAC_E_DENIED)
        out->why = sentence(l, path, "lies outside of the folder, which is not read");
    else if (e != RAC_OK)
        out->why = sentence(l, path, "is not there");
    else if (rac_document_read(bytes, path, l->a, &out->doc, &d) != RAC_OK)
        out->why = sentence(
            l, path,
            d.n == 0 ? "cannot be read"
                     : rac_arena_cstr(l->a, rac_arena_printf(l->a, "cannot be read (%u:%u: %.*s)",
                                                             d.v[0].line, d.v[0].column,
                                                             RAC_FMT(d.v[0].message))));
    else if (!rac_json_is_array(member(&out->doc->root, RAC_S("resources"))) &&
             !rac_json_is_object(member(&out->doc->root, RAC_S("resources"))))
        out->why = sentence(l, path, "is no template");
}

static const struct rac_json *linked_template(void *self, void *from, rac_str path, void **source,
                                              const char **why)
{
    struct links *l = self;
    const struct rac_document *doc = from;
    rac_str name;
    path = rac_str_replace(l->a, path, RAC_S("\\"), RAC_S("/"));
    if (!rac_path_join(doc != NULL ? doc->name : l->files->file, path, l->a, &name)) {
        *why = sentence(l, path, "is no path inside of the folder, and nothing else is read");
        return NULL;
    }
    struct linked *found = rac_map_get(&l->read, name);
    if (found == NULL) {
        found = RAC_NEW(l->a, struct linked);
        read_linked(l, name, found);
        rac_map_put(&l->read, name, found);
    }
    *why = found->why;
    *source = found->doc;
    return found->why == NULL ? &found->doc->root : NULL;
}

static rac_err of_template(struct rac_workflow *w, struct rac_template_workflow *t,
                           struct rac_diags *d)
{
    rac_str properties = rac_str_concat(w->a, t->pointer, RAC_S("/properties"));
    if (t->source != NULL)
        w->doc = t->source;
    w->is_template = true;
    w->again = t->again;
    w->resource = t->resource;
    w->definition = &t->definition;
    w->pointer = rac_str_concat(w->a, properties, RAC_S("/definition"));
    w->name = rac_json_str(&t->name, RAC_S(""));
    w->parameters = object_or_empty(&t->parameters, w->a);
    w->parameters_pointer = rac_str_concat(w->a, properties, RAC_S("/parameters"));
    w->values_complete =
        !(t->parameters.type == RAC_JSON_NULL && (t->parameters.flags & RAC_WF_UNKNOWN) != 0);
    if (t->access.type == RAC_JSON_OBJECT)
        w->access = &t->access;
    w->access_pointer = rac_str_concat(w->a, properties, RAC_S("/accessControl"));
    if (rac_str_eqi(rac_json_str(&t->kind, RAC_S("")), RAC_S("Stateless")))
        return kind_of(w, &t->kind, rac_str_concat(w->a, t->pointer, RAC_S("/kind")), d);
    return RAC_OK;
}

static rac_err of_templates(struct rac_document *doc, const struct rac_workflow_files *files,
                            struct rac_arena *a, struct rac_workflow ***out, size_t *n,
                            struct rac_diags *d)
{
    struct unknowns u = {doc, d, false};
    struct links l = {.a = a, .files = files};
    struct rac_template_links links = {linked_template, &l};
    struct rac_template_workflow *t;
    rac_err e = RAC_OK;
    rac_map_init(&l.read, a);
    rac_template_read(&doc->root, files != NULL ? &links : NULL, a, &t, n, unknown_value, &u);
    *out = RAC_NEW_N(a, struct rac_workflow *, *n);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = workflow_new(doc, a);
        if (of_template((*out)[i], &t[i], d) != RAC_OK)
            e = RAC_E_INVALID;
    }
    return u.any ? RAC_E_INVALID : e;
}

/* Where keys of the file stand twice, by what reading it has said: only the last is in the tree. */
static void note_repeats(struct rac_workflow *w, const struct rac_diags *d)
{
    for (size_t i = 0; d != NULL && i < d->n && w->repeats_n < REPEATS_MAX; i++) {
        const struct rac_diag *g = &d->v[i];
        if (strcmp(g->code, "RC-JSON-01") != 0 ||
            rac_str_find(g->message, RAC_S("stands twice")) == RAC_STR_NPOS)
            continue;
        if (w->repeats == NULL)
            w->repeats = RAC_NEW_N(w->a, struct rac_workflow_place, d->n);
        w->repeats[w->repeats_n++] = (struct rac_workflow_place){g->line, g->column};
    }
}

rac_err rac_workflows_of_document(struct rac_document *doc, const struct rac_workflow_files *files,
                                  struct rac_arena *a, struct rac_workflow ***out, size_t *n,
                                  struct rac_diags *d)
{
    const struct rac_json *root = &doc->root, *properties = member(root, RAC_S("properties")),
                          *of_run =
                              member(member(properties, RAC_S("workflow")), RAC_S("properties"));
    rac_err e = RAC_OK;
    if (!looks_like_definition(root) && rac_template_is(root))
        return of_templates(doc, files, a, out, n, d);
    struct rac_workflow *w = workflow_new(doc, a);
    note_repeats(w, d);
    w->gallery = rac_str_find(doc->text, RAC_S("#workflowname#")) != RAC_STR_NPOS;
    *out = RAC_NEW_N(a, struct rac_workflow *, 1);
    (*out)[0] = w;
    *n = 1;
    if (looks_like_definition(root)) {
        w->definition = root;
        w->pointer = RAC_S("");
    } else if (member(root, RAC_S("definition")) != NULL) {
        e = of_wrapper(w, root, d);
    } else if (member(properties, RAC_S("definition")) != NULL) {
        e = of_properties(w, root, d);
    } else if (member(of_run, RAC_S("definition")) != NULL) {
        w->definition = member(of_run, RAC_S("definition"));
        w->pointer = RAC_S("/properties/workflow/properties/definition");
        w->name =
            rac_json_str(member(member(properties, RAC_S("workflow")), RAC_S("name")), RAC_S(""));
    }
    if (w->definition == NULL) {
        *n = 0;
        return invalid(
            w, d, "InvalidTemplate", root, RAC_S(""),
            "the file holds no workflow definition: an object with triggers and actions");
    }
    return e;
}

static rac_err with_definition(struct rac_workflow *w, struct rac_workflow **out,
                               struct rac_diags *d)
{
    if (!rac_json_is_object(w->definition))
        return invalid(w, d, "InvalidTemplate", w->definition, w->pointer,
                       "the definition is not an object");
    *out = w;
    return RAC_OK;
}

rac_err rac_workflow_of_document(struct rac_document *doc, const struct rac_workflow_files *files,
                                 struct rac_arena *a, struct rac_workflow **out,
                                 struct rac_diags *d)
{
    struct rac_workflow **all;
    size_t n = 0;
    rac_err e = rac_workflows_of_document(doc, files, a, &all, &n, d);
    if (e != RAC_OK)
        return e;
    return n > 0 ? with_definition(all[0], out, d)
                 : invalid(workflow_new(doc, a), d, "InvalidTemplate", &doc->root, RAC_S(""),
                           "the template deploys no workflow");
}

static bool is_below(rac_str pointer, rac_str top)
{
    return rac_str_starts(pointer, top) && (pointer.n == top.n || pointer.p[top.n] == '/');
}

/* Whether pointer is that of a parameter, "TEMPLATE/parameters/NAME", of a template with the resource
 * in it. */
static bool is_parameter_around(rac_str pointer, rac_str resource)
{
    size_t name = rac_str_rfind_char(pointer, '/');
    rac_str list = name == RAC_STR_NPOS ? RAC_S("") : rac_str_sub(pointer, 0, name);
    if (!rac_str_ends(list, RAC_S("/parameters")))
        return false;
    list.n -= sizeof "/parameters" - 1;
    return is_below(resource, list);
}

/* The findings below a resource of a file, and of the parameters it may use; RAC_E_INVALID when one of them is an
 * error. */
static rac_err findings_of(const struct rac_diags *all, rac_str file, rac_str resource,
                           struct rac_diags *d)
{
    rac_err e = RAC_OK;
    for (size_t i = 0; i < all->n; i++) {
        const struct rac_diag *g = &all->v[i];
        bool here = rac_str_eq(g->file, file), around = is_parameter_around(g->pointer, resource);
        if (!(here && (is_below(g->pointer, resource) || around)) && !(g->file.n == 0 && around))
            continue;
        (void)rac_diags_add(d, g);
        if (g->severity == RAC_SEV_ERROR)
            e = RAC_E_INVALID;
    }
    return e;
}

rac_err rac_workflow_of_template(struct rac_document *doc, const struct rac_workflow_files *files,
                                 rac_str name, struct rac_arena *a, struct rac_workflow **out,
                                 struct rac_diags *d)
{
    struct rac_workflow **all;
    struct rac_diags found;
    size_t n = 0;
    rac_diags_init(&found, a, FINDINGS_MAX);
    if (!rac_template_is(&doc->root))
        return RAC_E_NOT_FOUND;
    rac_err e = rac_workflows_of_document(doc, files, a, &all, &n, &found);
    for (size_t i = 0; i < n; i++) {
        if (!rac_str_eqi(all[i]->name, name))
            continue;
        rac_str resource = all[i]->pointer;
        resource.n -= sizeof "/properties/definition" - 1;
        rac_err own =
            findings_of(&found, all[i]->doc == doc ? RAC_S("") : all[i]->doc->name, resource, d);
        e = found.dropped_total > 0 ? e : own;
        return e == RAC_OK ? with_definition(all[i], out, d) : e;
    }
    return RAC_E_NOT_FOUND;
}

static rac_err read_app_file(struct rac_workflow *w, rac_str text, const char *name,
                             struct rac_json *out, struct rac_diags *d)
{
    struct rac_json_error where;
    if (text.n == 0)
        return RAC_E_NOT_FOUND;
    if (rac_json_parse_lenient(text, w->a, out, d, &where) == RAC_OK && rac_json_is_object(out))
        return RAC_OK;
    struct rac_diag *g = rac_diags_addf(d, "InvalidRequestContent", RAC_SEV_ERROR,
                                        "%s is not a JSON object: %s", name, where.message);
    if (g != NULL) {
        g->file = rac_str_of(name);
        g->line = where.line;
        g->column = where.column;
    }
    return RAC_E_INVALID;
}

rac_err rac_workflow_add_app(struct rac_workflow *w, rac_str connections, rac_str parameters,
                             rac_str local_settings, struct rac_diags *d)
{
    struct rac_json v;
    rac_err e = read_app_file(w, connections, "connections.json", &v, d);
    if (e == RAC_OK) {
        w->connections = v;
        w->connections_known = true;
    } else if (e != RAC_E_NOT_FOUND)
        return e;
    e = read_app_file(w, parameters, "parameters.json", &v, d);
    if (e == RAC_OK) {
        RAC_JSON_EACH_MEMBER(m, &v)
        rac_json_put(w->a, &w->parameters, rac_json_key(m), m->value);
        w->values_complete = true;
    } else if (e != RAC_E_NOT_FOUND) {
        return e;
    }
    e = read_app_file(w, local_settings, "local.settings.json", &v, d);
    if (e == RAC_OK)
        w->settings = object_or_empty(member(&v, RAC_S("Values")), w->a);
    return e == RAC_E_NOT_FOUND ? RAC_OK : e;
}

rac_str rac_workflow_connection_key(rac_str expression)
{
    static const rac_str before[] = {RAC_S_INIT("$connections')['"),
                                     RAC_S_INIT("['$connections']['")};
    for (size_t i = 0; i < RAC_COUNT(before); i++) {
        size_t at = rac_str_find(expression, before[i]);
        if (at == RAC_STR_NPOS)
            continue;
        rac_str rest = rac_str_from(expression, at + before[i].n);
        size_t end = rac_str_find_char(rest, '\'');
        return end == RAC_STR_NPOS ? RAC_STR_NULL : rac_str_sub(rest, 0, end);
    }
    return RAC_STR_NULL;
}
