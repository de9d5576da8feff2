/* What a definition says beside its actions: schema and version, parameters and their values,
 * outputs, static results, access control. */
#include "base/str.h"
#include "workflow/check/check_priv.h"
#include "workflow/definition/access.h"

enum {
    NAME_MAX = 80,
    DESCRIPTION_MAX = 256,
    OUTPUTS_MAX = 10,
    PARAMETERS_MAX = 50,
    PARAMETERS_STANDARD_MAX = 500,
    ACCESS_FINDINGS_MAX = 100,
};

/* --- the definition --------------------------------------------------------------------------- */

void check_description(struct check *c, const struct at *at)
{
    struct at here;
    if (!take_member(c, at, RAC_S("description"), T_STR, &here))
        return;
    if (characters(rac_json_str(here.node, RAC_S(""))) > DESCRIPTION_MAX)
        found(c, F_LIMIT, &here,
              "The template validation failed: 'The description is longer than the limit of %d "
              "characters.'",
              DESCRIPTION_MAX);
}

void check_old(struct check *c, const struct at *at)
{
    static const rac_str gone[] = {RAC_S_INIT("conditions"), RAC_S_INIT("repeat")};
    struct at here = AT_KEY(at, RAC_S("type"), RAC_JSON_GETI(at->node, "type"));
    if (!c->old)
        return;
    if (rac_str_eqi(rac_json_str(here.node, RAC_S("")), RAC_S("ApiApp")))
        wrong(c, F_STRUCTURE, &here, "the type 'ApiApp' of the schema 2015-08-01-preview is gone");
    for (size_t i = 0; i < RAC_COUNT(gone); i++) {
        here = AT_KEY(at, gone[i], rac_json_geti(at->node, gone[i]));
        if (!is_absent(here.node))
            wrong(c, F_STRUCTURE, &here,
                  "the property '%.*s' of the schema 2015-08-01-preview is gone", RAC_FMT(gone[i]));
    }
}

static void check_schema(struct check *c, const struct at *at)
{
    static const rac_str hosts[] = {RAC_S_INIT("schema.management.azure.com/"),
                                    RAC_S_INIT("management.azure.com/")};
    const struct rac_json *v = RAC_JSON_GETI(at->node, "$schema");
    struct at here = AT_KEY(at, RAC_S("$schema"), v);
    if (is_absent(v)) {
        if (!is_unknown(v))
            wrong(c,
                  c->w->profile == RAC_WF_STANDARD && !c->w->gallery ? F_SCHEMA : F_SCHEMA_ABSENT,
                  v == NULL ? at : &here, "the definition has no '$schema'");
        return;
    }
    if (!check_type(c, T_STR, &here))
        return;
    rac_str s = rac_json_str(v, RAC_S(""));
    if (rac_str_ends(s, RAC_S("#")))
        s.n--;
    size_t scheme = rac_str_find(s, RAC_S("://"));
    rac_str rest = rac_str_from(s, scheme == RAC_STR_NPOS ? 0 : scheme + 3);
    bool host = scheme == RAC_STR_NPOS;
    for (size_t i = 0; i < RAC_COUNT(hosts); i++)
        host |= rac_str_startsi(rest, hosts[i]);
    c->old = rac_str_endsi(s, RAC_S("/schemas/2015-08-01-preview/workflowdefinition.json"));
    if (!host) {
        wrong(c, F_SCHEMA, &here, "the schema '%.*s' is not one of workflow definitions",
              RAC_FMT(s));
    } else if (!rac_str_endsi(s, RAC_S("/schemas/2016-06-01/workflowdefinition.json")) &&
               !rac_str_endsi(s, RAC_S("/schemas/2016-04-01-preview/workflowdefinition.json")) &&
               !c->old) {
        bool other_version = rac_str_endsi(s, RAC_S("/workflowdefinition.json"));
        wrong(c, other_version ? F_SCHEMA : F_SCHEMA_ABSENT, &here,
              "the schema '%.*s' is not one of workflow definitions", RAC_FMT(s));
    }
}

static void check_version(struct check *c, const struct at *at)
{
    struct at here;
    rac_str s;
    if (!take_member(c, at, RAC_S("contentVersion"), T_STR, &here) || !is_literal(here.node, &s))
        return;
    unsigned parts = 0;
    for (rac_str rest = s; rest.p != NULL;) {
        uint64_t n;
        rac_str part = rac_str_cut(rest, '.', &rest);
        parts = part.n > 0 && rac_str_to_u64(part, &n) ? parts + 1 : 100;
    }
    /* flows made through the API of Power Automate say "undefined" */
    bool usual = c->w->profile == RAC_WF_FLOW && rac_str_eq(s, RAC_S("undefined"));
    if (parts != 4)
        wrong(c, usual ? F_VALUE_UNUSUAL : F_STRUCTURE, &here,
              "the contentVersion '%.*s' is not four numbers with dots", RAC_FMT(s));
}

/* Limits on how many members a map has. */
static void check_count(struct check *c, const struct at *at, size_t max, const char *what)
{
    if (rac_json_len(at->node) > max)
        found(c, F_LIMIT, at,
              "The template validation failed: 'The number of %s %zu exceeds the limit of %zu.'",
              what, rac_json_len(at->node), max);
}

void check_root(struct check *c)
{
    struct at root = AT_POINTER(c->w->pointer, c->w->definition), at;
    const struct rac_json *actions = RAC_JSON_GETI(c->w->definition, "actions");
    check_schema(c, &root);
    check_version(c, &root);
    check_description(c, &root);
    (void)take_member(c, &root, RAC_S("metadata"), T_OBJ | T_STR, &at);
    if (is_absent(actions) && !is_unknown(actions))
        wrong(c, F_STRUCTURE, &root, "the definition has no 'actions'");
}

/* --- parameters (§1.3) ------------------------------------------------------------------------ */

static bool is_supplied(rac_str name)
{
    return rac_str_eqi(name, RAC_S("$connections")) || rac_str_eqi(name, RAC_S("$authentication"));
}

/* One value of a parameter: its default, or the one given. */
static void check_value(struct check *c, rac_str name, const struct rac_json *declaration,
                        const struct at *at)
{
    rac_str type = rac_json_str(RAC_JSON_GETI(declaration, "type"), RAC_S(""));
    const struct rac_json *allowed = RAC_JSON_GETI(declaration, "allowedValues");
    if (is_absent(at->node))
        return;
    if (!value_has_type(at->node, type)) {
        found(c, F_PARAMETER_VALUE, at,
              "The template validation failed: 'The value of the template parameter '%.*s' is of "
              "type '%s', expected is '%.*s'.'",
              RAC_FMT(name), rac_expr_type_name(at->node), RAC_FMT(type));
        return;
    }
    if (rac_json_len(allowed) == 0)
        return;
    RAC_JSON_EACH(e, allowed)
    if (is_unknown(e) || rac_json_equal(e, at->node))
        return;
    found(c, F_PARAMETER_VALUE, at,
          "The template validation failed: 'The value of the template parameter '%.*s' is not one "
          "of its allowed values.'",
          RAC_FMT(name));
}

static void check_name(struct check *c, rac_str name, const char *what, const struct at *at)
{
    size_t n = characters(name);
    if (n == 0 || n > NAME_MAX)
        found(c, F_NAME, at,
              "The template validation failed: 'The name of the %s '%.*s' has %zu characters; it "
              "may have 1 to %d.'",
              what, (int)(name.n < 200 ? name.n : 200), name.p, n, NAME_MAX);
}

static void check_declaration(struct check *c, const struct rac_json_member *m, const struct at *up)
{
    rac_str name = rac_json_key(m);
    struct at at = AT_KEY(up, name, &m->value), type, here;
    if (is_unknown(&m->value))
        return;
    if (!rac_json_is_object(&m->value)) {
        wrong(c, F_STRUCTURE, &at, "the parameter '%.*s' is not declared as an object",
              RAC_FMT(name));
        return;
    }
    check_name(c, name, "parameter", &at);
    check_description(c, &at);
    if (is_absent(RAC_JSON_GETI(&m->value, "type")) &&
        !is_unknown(RAC_JSON_GETI(&m->value, "type")))
        wrong(c, F_STRUCTURE, &at, "the parameter '%.*s' has no type", RAC_FMT(name));
    if (take_member(c, &at, RAC_S("type"), T_STR, &type)) {
        if (!fits_words(rac_json_str(type.node, RAC_S("")), PARAMETER_TYPES)) {
            wrong(c, F_STRUCTURE, &type, "the parameter '%.*s' has the unknown type '%.*s'",
                  RAC_FMT(name), RAC_FMT(rac_json_str(type.node, RAC_S(""))));
            return;
        }
    }
    (void)take_member(c, &at, RAC_S("allowedValues"), T_ARR, &here);
    here = AT_KEY(&at, RAC_S("defaultValue"), RAC_JSON_GETI(&m->value, "defaultValue"));
    if (!is_supplied(name))
        check_value(c, name, &m->value, &here);
}

static void check_given(struct check *c, const struct rac_json_member *m, const struct at *up)
{
    rac_str name = rac_json_key(m);
    struct at at = AT_KEY(up, name, &m->value);
    const struct rac_json *declaration = rac_map_get(&c->parameters, rac_str_lower(c->a, name));
    if (is_unknown(&m->value))
        return;
    if (!rac_json_is_object(&m->value)) {
        wrong(c, F_STRUCTURE, &at, "the value of the parameter '%.*s' is no object with 'value'",
              RAC_FMT(name));
        return;
    }
    if (declaration == NULL) { /* a Standard app declares for all its workflows */
        if (c->w->profile != RAC_WF_STANDARD && !is_supplied(name))
            found(c, F_PARAMETER_VALUE, &at,
                  "The template validation failed: 'A value is given for the template parameter "
                  "'%.*s', which is not declared.'",
                  RAC_FMT(name));
        return;
    }
    struct at value = AT_KEY(&at, RAC_S("value"), RAC_JSON_GETI(&m->value, "value"));
    if (!is_open(value.node) && !is_supplied(name))
        check_value(c, name, declaration, &value);
}

static bool has_value(const struct check *c, rac_str name, const struct rac_json *declaration)
{
    const struct rac_json *given = rac_json_geti(&c->w->parameters, name),
                          *value = RAC_JSON_GETI(given, "value"),
                          *otherwise = RAC_JSON_GETI(declaration, "defaultValue");
    return is_supplied(name) || is_unknown(given) || !is_absent(value) || is_unknown(value) ||
           !is_absent(otherwise) || is_unknown(otherwise) ||
           !is_absent(RAC_JSON_GETI(given, "reference"));
}

/* Values of environment variables stay in their environment: a flow has perhaps no more than their
 * names. */
static void require_values(struct check *c, const struct at *at)
{
    bool flow = c->w->profile == RAC_WF_FLOW;
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        struct at here = AT_KEY(at, rac_json_key(m), &m->value);
        if (rac_json_is_object(&m->value) && !has_value(c, rac_json_key(m), &m->value))
            found(c, flow ? F_PARAMETER_OPEN : F_PARAMETER_VALUE, &here,
                  "The template validation failed: 'The value for the template parameter '%.*s' "
                  "is not provided.'",
                  RAC_FMT(rac_json_key(m)));
    }
}

void check_parameters(struct check *c)
{
    struct at root = AT_POINTER(c->w->pointer, c->w->definition), at, here;
    rac_map_init(&c->parameters, c->a);
    RAC_JSON_EACH_MEMBER(m, &c->w->parameters)
    if (RAC_JSON_GETI(&m->value, "type") != NULL)
        rac_map_put(&c->parameters, rac_str_lower(c->a, rac_json_key(m)), &m->value);
    if (take_member(c, &root, RAC_S("parameters"), T_OBJ, &at)) {
        check_count(c, &at,
                    c->w->profile == RAC_WF_STANDARD ? PARAMETERS_STANDARD_MAX : PARAMETERS_MAX,
                    "parameters");
        RAC_JSON_EACH_MEMBER(m, at.node)
        {
            if (!is_absent(&m->value) || is_unknown(&m->value))
                rac_map_put(&c->parameters, rac_str_lower(c->a, rac_json_key(m)), &m->value);
            check_declaration(c, m, &at);
        }
        if (c->w->values_complete || c->w->profile == RAC_WF_FLOW)
            require_values(c, &at);
    }
    here = AT_POINTER(c->w->parameters_pointer, &c->w->parameters);
    RAC_JSON_EACH_MEMBER(m, &c->w->parameters)
    check_given(c, m, &here);
}

/* --- outputs, static results, access control -------------------------------------------------- */

static void check_output(struct check *c, const struct rac_json_member *m, const struct at *up)
{
    struct at at = AT_KEY(up, rac_json_key(m), &m->value), type;
    struct place p = {.action = NOBODY, .outputs = true};
    const struct rac_json *value = RAC_JSON_GETI(&m->value, "value");
    if (is_unknown(&m->value))
        return;
    if (!rac_json_is_object(&m->value)) {
        wrong(c, F_STRUCTURE, &at, "the output '%.*s' is no object", RAC_FMT(rac_json_key(m)));
        return;
    }
    check_description(c, &at);
    if (value == NULL)
        wrong(c, F_STRUCTURE, &at, "the output '%.*s' has no value", RAC_FMT(rac_json_key(m)));
    if (RAC_JSON_GETI(&m->value, "type") == NULL)
        wrong(c, F_STRUCTURE, &at, "the output '%.*s' has no type", RAC_FMT(rac_json_key(m)));
    bool typed = take_member(c, &at, RAC_S("type"), T_STR, &type);
    rac_str word = rac_json_str(typed ? type.node : NULL, RAC_S(""));
    struct at here = AT_KEY(&at, RAC_S("value"), value);
    if (typed && !fits_words(word, PARAMETER_TYPES))
        wrong(c, F_STRUCTURE, &type, "the output '%.*s' has the unknown type '%.*s'",
              RAC_FMT(rac_json_key(m)), RAC_FMT(word));
    else if (typed && !is_absent(value) && !is_open(value) && !value_has_type(value, word))
        wrong(c, F_STRUCTURE, &here, "the value of the output '%.*s' is not of type '%.*s'",
              RAC_FMT(rac_json_key(m)), RAC_FMT(word));
    if (value != NULL)
        check_expressions(c, &p, &here);
}

void check_outputs(struct check *c)
{
    struct at root = AT_POINTER(c->w->pointer, c->w->definition), at;
    if (!take_member(c, &root, RAC_S("outputs"), T_OBJ, &at))
        return;
    check_count(c, &at, OUTPUTS_MAX, "outputs");
    RAC_JSON_EACH_MEMBER(m, at.node)
    check_output(c, m, &at);
}

void check_static_results(struct check *c)
{
    struct at root = AT_POINTER(c->w->pointer, c->w->definition), at, outputs, list, message;
    if (!take_member(c, &root, RAC_S("staticResults"), T_OBJ, &at))
        return;
    RAC_JSON_EACH_MEMBER(m, at.node)
    {
        struct at here = AT_KEY(&at, rac_json_key(m), &m->value);
        struct place p = {.action = NOBODY, .outputs = true};
        if (is_absent(&m->value) || !check_type(c, T_OBJ, &here))
            continue;
        check_shape(c, &shape_static_result, &here);
        check_expressions(c, &p, &here);
        if (!rac_json_is_object(RAC_JSON_GETI(&m->value, "outputs")) ||
            !take_member(c, &here, RAC_S("outputs"), T_OBJ, &outputs) ||
            !take_member(c, &outputs, RAC_S("errors"), T_ARR, &list))
            continue;
        for (size_t i = 0; i < rac_json_len(list.node); i++) {
            struct at e = AT_INDEX(&list, i, rac_json_at(list.node, i));
            if (check_type(c, T_OBJ, &e) && rac_json_is_object(e.node) &&
                !take_member(c, &e, RAC_S("message"), T_STR, &message) &&
                is_absent(RAC_JSON_GETI(e.node, "message")) &&
                !is_unknown(RAC_JSON_GETI(e.node, "message")))
                wrong(c, F_STATIC_RESULT, &e, "an error of the static result '%.*s' has no message",
                      RAC_FMT(rac_json_key(m)));
        }
    }
}

void check_access(struct check *c)
{
    struct rac_access *access;
    struct rac_diags d;
    struct at at = AT_POINTER(c->w->access_pointer, c->w->access);
    if (is_absent(c->w->access))
        return;
    rac_diags_init(&d, c->d->a, ACCESS_FINDINGS_MAX);
    rac_err e = rac_access_compile(c->w->access, RAC_S(""), c->d->a, &access, &d);
    RAC_ASSERT(e == RAC_OK || d.errors_total > 0);
    for (size_t i = 0; i < d.n; i++) {
        const struct rac_json *node = rac_json_pointer_get(at.node, d.v[i].pointer);
        struct at here = AT_KEY(&at, d.v[i].pointer, node);
        bool policy = strcmp(d.v[i].code, rac_workflow_finding_at(F_ACCESS_POLICY)->code) == 0;
        here.is_pointer = true;
        found(c, policy ? F_ACCESS_POLICY : F_ACCESS, &here, "%.*s", RAC_FMT(d.v[i].message));
    }
}
