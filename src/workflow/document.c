#include "workflow/document.h"
#include "base/str.h"
#include "openapi/read.h"
#include "workflow/template.h"

static const struct rac_json *member(const struct rac_json *o, rac_str name)
{
    const struct rac_json *v = rac_json_get(o, name);
    return v != NULL ? v : rac_json_geti(o, name);
}

static bool is_definition(const struct rac_json *v)
{
    return rac_json_is_object(member(v, RAC_S("triggers"))) &&
           rac_json_is_object(member(v, RAC_S("actions")));
}

static bool looks_like_definition(const struct rac_json *v)
{
    rac_str schema = rac_json_str(member(v, RAC_S("$schema")), RAC_S(""));
    return rac_json_is_object(v) &&
           (is_definition(v) ||
            rac_str_findi(schema, RAC_S("workflowdefinition.json")) != RAC_STR_NPOS);
}

/* The resource of type Microsoft.Logic/workflows in an ARM template, at *pointer. */
static const struct rac_json *arm_resource(const struct rac_json *root, struct rac_arena *a,
                                           rac_str *pointer)
{
    const struct rac_json *list = member(root, RAC_S("resources"));
    for (size_t i = 0; i < rac_json_len(list); i++) {
        const struct rac_json *r = rac_json_at(list, i);
        rac_str type = rac_json_str(member(r, RAC_S("type")), RAC_S(""));
        if (rac_str_eqi(type, RAC_S("Microsoft.Logic/workflows"))) {
            *pointer = rac_json_pointer_join_index(a, RAC_S("/resources"), i);
            return r;
        }
    }
    return NULL;
}

bool rac_workflow_is(const struct rac_json *root)
{
    struct rac_arena a;
    rac_str pointer;
    if (looks_like_definition(root) || looks_like_definition(member(root, RAC_S("definition"))))
        return true;
    const struct rac_json *properties = member(root, RAC_S("properties"));
    if (looks_like_definition(member(properties, RAC_S("definition"))))
        return true;
    rac_arena_init(&a, 1 << 16);
    bool found = arm_resource(root, &a, &pointer) != NULL;
    rac_arena_fini(&a);
    return found;
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

static void of_flow(struct rac_workflow *w, const struct rac_json *properties)
{
    w->profile = RAC_WF_FLOW;
    w->references = object_or_empty(member(properties, RAC_S("connectionReferences")), w->a);
    w->name = rac_json_str(member(properties, RAC_S("displayName")), RAC_S(""));
}

static rac_err kind_of(struct rac_workflow *w, const struct rac_json *root, struct rac_diags *d)
{
    static const rac_str kinds[] = {RAC_S_INIT("Stateful"), RAC_S_INIT("Stateless"),
                                    RAC_S_INIT("Agentic"), RAC_S_INIT("Agent")};
    const struct rac_json *kind = member(root, RAC_S("kind"));
    w->kind = rac_json_str(kind, RAC_S("Stateful"));
    for (size_t i = 0; i < RAC_COUNT(kinds); i++)
        if (rac_str_eqi(w->kind, kinds[i])) {
            w->stateless = i == 1;
            return RAC_OK;
        }
    return invalid(w, d, "InvalidWorkflowKind", kind, RAC_S("/kind"),
                   "the kind of a workflow is Stateful, Stateless, Agentic or Agent");
}

/* {definition, kind?, parameters?, connectionReferences?, connections?} */
static rac_err of_wrapper(struct rac_workflow *w, const struct rac_json *root, struct rac_diags *d)
{
    rac_err e = RAC_OK;
    w->definition = member(root, RAC_S("definition"));
    w->pointer = RAC_S("/definition");
    w->parameters = object_or_empty(member(root, RAC_S("parameters")), w->a);
    w->connections = object_or_empty(member(root, RAC_S("connections")), w->a);
    if (member(root, RAC_S("kind")) != NULL) {
        w->profile = RAC_WF_STANDARD;
        e = kind_of(w, root, d);
    }
    const struct rac_json *references = member(root, RAC_S("connectionReferences"));
    if (rac_json_is_object(references))
        w->references = *references;
    return e;
}

static rac_err of_properties(struct rac_workflow *w, const struct rac_json *root)
{
    const struct rac_json *properties = member(root, RAC_S("properties"));
    rac_str type = rac_json_str(member(root, RAC_S("type")), RAC_S(""));
    w->definition = member(properties, RAC_S("definition"));
    w->pointer = RAC_S("/properties/definition");
    w->name = rac_json_str(member(root, RAC_S("name")), RAC_S(""));
    w->parameters = object_or_empty(member(properties, RAC_S("parameters")), w->a);
    if (member(properties, RAC_S("connectionReferences")) != NULL ||
        member(root, RAC_S("schemaVersion")) != NULL ||
        rac_str_findi(type, RAC_S("/flows")) != RAC_STR_NPOS)
        of_flow(w, properties);
    return RAC_OK;
}

static rac_err of_template(struct rac_workflow *w, const struct rac_json *root, struct rac_diags *d)
{
    rac_str pointer;
    const struct rac_json *resource = arm_resource(root, w->a, &pointer);
    struct rac_json *resolved = RAC_NEW(w->a, struct rac_json);
    w->is_template = true;
    rac_err e = rac_template_resolve(root, resource, pointer, w->a, resolved, d);
    if (e != RAC_OK)
        return e;
    const struct rac_json *properties = member(resolved, RAC_S("properties"));
    w->definition = member(properties, RAC_S("definition"));
    w->pointer = rac_str_concat(w->a, pointer, RAC_S("/properties/definition"));
    w->name = rac_json_str(member(resolved, RAC_S("name")), RAC_S(""));
    w->parameters = object_or_empty(member(properties, RAC_S("parameters")), w->a);
    return RAC_OK;
}

rac_err rac_workflow_of_document(struct rac_document *doc, struct rac_arena *a,
                                 struct rac_workflow **out, struct rac_diags *d)
{
    const struct rac_json *root = &doc->root;
    struct rac_workflow *w = RAC_NEW(a, struct rac_workflow);
    rac_err e = RAC_OK;
    w->a = a;
    w->doc = doc;
    w->name = RAC_S("");
    w->parameters = w->connections = w->references = w->settings = rac_json_new_object(a);
    if (looks_like_definition(root)) {
        w->definition = root;
        w->pointer = RAC_S("");
    } else if (rac_json_is_object(member(root, RAC_S("definition")))) {
        e = of_wrapper(w, root, d);
    } else if (rac_json_is_object(member(member(root, RAC_S("properties")), RAC_S("definition")))) {
        e = of_properties(w, root);
    } else if (member(root, RAC_S("resources")) != NULL) {
        e = of_template(w, root, d);
    }
    if (e != RAC_OK)
        return e;
    if (!rac_json_is_object(w->definition))
        return invalid(
            w, d, "InvalidTemplate", root, RAC_S(""),
            "the file holds no workflow definition: an object with triggers and actions");
    *out = w;
    return RAC_OK;
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
    if (e == RAC_OK)
        w->connections = v;
    else if (e != RAC_E_NOT_FOUND)
        return e;
    e = read_app_file(w, parameters, "parameters.json", &v, d);
    if (e == RAC_OK) {
        RAC_JSON_EACH_MEMBER(m, &v)
        rac_json_put(w->a, &w->parameters, rac_json_key(m), m->value);
    } else if (e != RAC_E_NOT_FOUND) {
        return e;
    }
    e = read_app_file(w, local_settings, "local.settings.json", &v, d);
    if (e == RAC_OK)
        w->settings = object_or_empty(member(&v, RAC_S("Values")), w->a);
    return e == RAC_E_NOT_FOUND ? RAC_OK : e;
}
