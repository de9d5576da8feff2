/*
 * The package as a whole: what is at hand is handed to the rules that need it. Findings on the
 * properties file are placed through their pointer; the file is small, so that costs nothing.
 */
#include "connector/check.h"

#include "base/str.h"
#include "connector/check_priv.h"
#include "openapi/check.h"

static const rac_str suffix = RAC_S_INIT(" (Independent Publisher)");

static enum rac_severity severity_of(const struct package_check *c, enum rac_rule_id rule,
                                     enum judged judged)
{
    switch (judged) {
    case AS_ERROR:
        return RAC_SEV_ERROR;
    case AS_E:
        return c->profile == RAC_PROFILE_CERTIFICATION ? RAC_SEV_ERROR : RAC_SEV_WARNING;
    case AS_WARNING:
        return RAC_SEV_WARNING;
    default:
        return rac_rules[rule].severity[c->profile];
    }
}

static void place(struct rac_diag *g, struct rac_document *doc, rac_str pointer)
{
    const struct rac_json *node = rac_json_pointer_get(&doc->root, pointer);
    while (node == NULL && pointer.n > 0) { /* the nearest thing that is there */
        pointer = rac_str_sub(pointer, 0, rac_str_rfind_char(pointer, '/'));
        node = rac_json_pointer_get(&doc->root, pointer);
    }
    if (node != NULL)
        rac_document_place(doc, node, &g->line, &g->column, &g->end_line, &g->end_column);
}

void rac_package_found(struct package_check *c, enum rac_rule_id rule, enum judged judged,
                       struct rac_document *doc, rac_str file, rac_str pointer, rac_str message)
{
    struct rac_diag *g =
        rac_diags_add(c->d, &(struct rac_diag){.code = rac_rules[rule].code,
                                               .severity = severity_of(c, rule, judged),
                                               .file = file,
                                               .pointer = pointer,
                                               .message = message,
                                               .fix = rac_str_of(rac_rules[rule].fix)});
    if (g != NULL)
        rac_diags_charge(c->d, pointer.n + message.n);
    if (g != NULL && doc != NULL)
        place(g, doc, pointer);
}

rac_str rac_package_join(struct package_check *c, rac_str pointer, const char *key)
{
    return rac_json_pointer_join(c->a, pointer, rac_str_of(key));
}

static void each_of(struct package_check *c, const struct rac_json *params, rac_str pointer,
                    rac_param_visit visit, void *arg)
{
    RAC_JSON_EACH_MEMBER(m, params)
    visit(c, rac_json_key(m), &m->value, rac_json_pointer_join(c->a, pointer, rac_json_key(m)),
          arg);
}

void rac_package_each_param(struct package_check *c, rac_param_visit visit, void *arg)
{
    each_of(c, RAC_JSON_GET(c->props, "connectionParameters"),
            RAC_S("/properties/connectionParameters"), visit, arg);
    size_t i = 0;
    RAC_JSON_EACH(set, RAC_JSON_GET(RAC_JSON_GET(c->props, "connectionParameterSets"), "values"))
    {
        rac_str pointer = rac_arena_printf(
            c->a, "/properties/connectionParameterSets/values/%zu/parameters", i++);
        each_of(c, RAC_JSON_GET(set, "parameters"), pointer, visit, arg);
    }
}

/* A dynamichosturl policy that every operation has: `host` may be missing then (§2.2). */
static bool host_is_dynamic(const struct package_check *c)
{
    RAC_JSON_EACH(policy, RAC_JSON_GET(c->props, "policyTemplateInstances"))
    {
        rac_str id = rac_json_str(RAC_JSON_GET(policy, "templateId"), RAC_S(""));
        const struct rac_json *operations =
            RAC_JSON_GET(RAC_JSON_GET(policy, "parameters"), "x-ms-apimTemplate-operationName");
        if ((rac_str_eqi(id, RAC_S("dynamichosturl")) ||
             rac_str_eqi(id, RAC_S("dynamicsubdomain"))) &&
            (rac_json_len(operations) == 0 || rac_json_len(operations) >= c->api->ops_n))
            return true;
    }
    return false;
}

static bool is_independent(const struct package_check *c)
{
    rac_str colour = rac_json_str(RAC_JSON_GET(c->props, "iconBrandColor"), RAC_S(""));
    if (c->in->publisher != RAC_PUBLISHER_BY_CONTENT)
        return c->in->publisher == RAC_PUBLISHER_INDEPENDENT;
    return rac_str_ends(c->api->title, suffix) || rac_str_eqi(colour, RAC_S("#da3b01"));
}

/* TITLE-04: what the title must be besides what the definition alone says. */
static void check_title(struct package_check *c)
{
    rac_str title = c->api->title;
    if (title.n == 0)
        return;
    if (c->independent && !rac_str_ends(title, suffix))
        FOUND_DEFINITION(c, TITLE_04, BY_TABLE, RAC_S("/info/title"),
                         "the title of an independent publisher's connector ends with \"%.*s\"",
                         RAC_FMT(suffix));
    if (c->in->title_is_taken != NULL && c->in->title_is_taken(c->in->self, title))
        FOUND_DEFINITION(c, TITLE_04, BY_TABLE, RAC_S("/info/title"),
                         "another listed connector has the title \"%.*s\"", RAC_FMT(title));
}

static void check_calls(struct package_check *c)
{
    enum { CALLS_MIN = 10 };
    if (c->in->successes == NULL)
        return;
    for (size_t i = 0; i < c->api->ops_n; i++) {
        const struct rac_api_operation *op = &c->api->ops[i];
        uint64_t n = c->in->successes(c->in->self, op->id);
        if (n < CALLS_MIN && !op->deprecated)
            FOUND_DEFINITION(c, TEST_01, BY_TABLE, op->pointer,
                             "operation \"%.*s\" has %llu successful calls of 10", RAC_FMT(op->id),
                             (unsigned long long)n);
    }
}

/* What an archive for certification holds besides the connector (PKG-01). */
static void check_archive(struct package_check *c)
{
    if (c->in->definition_only)
        return;
    if (c->profile == RAC_PROFILE_CERTIFICATION &&
        c->package->role_file[RAC_PACKAGE_PROPERTIES] < 0)
        FOUND_FILE(c, PKG_01, BY_TABLE, RAC_STR_NULL, "the package has no apiProperties.json");
    for (size_t i = 0; i < c->package->files_n; i++) {
        rac_str name = c->package->files[i].name;
        if (rac_str_startsi(name, RAC_S("__MACOSX")) || rac_str_eqi(name, RAC_S(".DS_Store")) ||
            rac_str_eqi(name, RAC_S("Thumbs.db")))
            FOUND_FILE(c, PKG_01, BY_TABLE, name, "\"%.*s\" does not belong in a package",
                       RAC_FMT(name));
    }
}

static rac_err index_of(struct rac_package *p, struct rac_arena *a, struct rac_api **api)
{
    return p->definition_doc == NULL ? RAC_E_INVALID
                                     : rac_api_build(&p->definition_doc->root, a, api);
}

rac_err rac_connector_check_changes(struct rac_package *former, struct rac_package *next,
                                    enum rac_profile profile, struct rac_diags *d)
{
    struct rac_connector_check_input in = {.package = next, .profile = profile};
    struct package_check c = {.in = &in, .package = next, .profile = profile, .d = d, .a = d->a};
    struct rac_api *old;
    rac_err e = index_of(next, d->a, &c.api);
    if (e == RAC_OK)
        e = index_of(former, d->a, &old);
    if (e != RAC_OK)
        return e;
    c.definition = next->definition_doc;
    c.properties = next->properties_doc;
    c.props = RAC_JSON_GET(rac_package_properties(next), "properties");
    rac_package_check_changes(&c, old, RAC_JSON_GET(rac_package_properties(former), "properties"));
    return RAC_OK;
}

rac_err rac_connector_check(const struct rac_connector_check_input *in, struct rac_diags *d)
{
    struct package_check c = {.in = in,
                              .package = in->package,
                              .api = in->api,
                              .definition = in->package->definition_doc,
                              .properties = in->package->properties_doc,
                              .profile = in->profile,
                              .d = d,
                              .a = d->a};
    static const struct rac_json_object empty_object;
    static const struct rac_json nothing = {.type = RAC_JSON_OBJECT,
                                            .object = (struct rac_json_object *)&empty_object};
    rac_err e = RAC_OK;
    if (c.definition == NULL || !rac_json_is_object(&c.definition->root)) {
        c.no_definition = true;
        e = rac_api_build(&nothing, d->a, &c.api);
    } else if (c.api == NULL) {
        e = index_of(in->package, d->a, &c.api);
    }
    if (e != RAC_OK)
        return e;
    c.props = RAC_JSON_GET(rac_package_properties(in->package), "properties");
    if (!rac_json_is_object(c.props))
        c.props = NULL;
    struct rac_check_input definition = {.doc = c.definition,
                                         .api = c.api,
                                         .profile = in->profile,
                                         .host_is_dynamic = host_is_dynamic(&c)};
    if (c.definition != NULL)
        e = rac_check_definition(&definition, d);
    if (e != RAC_OK)
        return e;
    c.independent = is_independent(&c);
    check_title(&c);
    if (c.properties != NULL) {
        rac_package_check_properties(&c);
        rac_package_check_policies(&c);
        if (!c.no_definition)
            rac_package_check_credentials(&c);
    }
    rac_package_check_icon(&c);
    if (!c.no_definition)
        rac_package_check_docs(&c);
    check_calls(&c);
    check_archive(&c);
    if (in->former != NULL)
        e = rac_connector_check_changes(in->former, in->package, in->profile, d);
    return rac_arena_over(d->a) ? RAC_E_LIMIT : e;
}
