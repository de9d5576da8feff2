/*
 * The builder of apiProperties.json (connectors.md §1.3): connection parameters, policies, and the
 * properties of a definition that came without any. What a credential asks for is in
 * convert_credentials.c.
 */
#include "openapi/convert_priv.h"

#define P "x-ms-apimTemplateParameter."

static struct rac_json constraints_of(struct rac_convert_state *c,
                                      const struct rac_connection_field *f)
{
    struct rac_json o = rac_json_new_object(c->a);
    bool required = f->required && !c->optional;
    RAC_JSON_PUT_STR(c->a, &o, "required", required ? RAC_S("true") : RAC_S("false"));
    if (rac_str_eq(f->type, RAC_S("securestring")))
        RAC_JSON_PUT(c->a, &o, "clearText", rac_json_of_bool(false));
    RAC_JSON_PUT(c->a, &o, "tabIndex", rac_json_of_int((int64_t)++c->tab_index));
    if (rac_json_len(f->allowed) > 0) {
        struct rac_json list = rac_json_new_array(c->a);
        RAC_JSON_EACH(v, f->allowed)
        {
            struct rac_json one = rac_json_new_object(c->a);
            RAC_JSON_PUT(c->a, &one, "text", *v);
            RAC_JSON_PUT(c->a, &one, "value", *v);
            rac_json_add(c->a, &list, one);
        }
        RAC_JSON_PUT(c->a, &o, "allowedValues", list);
    }
    return o;
}

struct rac_json *rac_connection_target(struct rac_convert_state *c)
{
    return c->set != NULL ? c->set : &c->connection_parameters;
}

void rac_connection_add(struct rac_convert_state *c, const struct rac_connection_field *f)
{
    struct rac_json *to = rac_connection_target(c);
    if (rac_json_get(to, f->name) != NULL)
        return;
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &o, "type", f->type);
    if (f->default_value.n > 0)
        RAC_JSON_PUT_STR(c->a, &o, "defaultValue", f->default_value);
    struct rac_json ui = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &ui, "displayName", f->display.n > 0 ? f->display : f->name);
    if (f->description.n > 0) {
        RAC_JSON_PUT_STR(c->a, &ui, "description", f->description);
        RAC_JSON_PUT_STR(c->a, &ui, "tooltip", f->description);
    }
    RAC_JSON_PUT(c->a, &ui, "constraints", constraints_of(c, f));
    RAC_JSON_PUT(c->a, &o, "uiDefinition", ui);
    rac_json_put(c->a, to, f->name, o);
}

struct rac_json *rac_policy_add(struct rac_convert_state *c, rac_str template_id, rac_str title,
                                const struct rac_json *operations)
{
    struct rac_json params = rac_json_new_object(c->a);
    if (rac_json_len(operations) > 0)
        RAC_JSON_PUT(c->a, &params, "x-ms-apimTemplate-operationName", *operations);
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &o, "templateId", template_id);
    RAC_JSON_PUT_STR(c->a, &o, "title", title);
    struct rac_json *place = rac_json_add(c->a, &c->policies, o);
    return RAC_JSON_PUT(c->a, place, "parameters", params);
}

void rac_policy_host(struct rac_convert_state *c, rac_str url_template,
                     const struct rac_json *operations)
{
    struct rac_json *p =
        rac_policy_add(c, RAC_S("dynamichosturl"), RAC_S("Set the host"), operations);
    RAC_JSON_PUT_STR(c->a, p, P "urlTemplate", url_template);
}

void rac_policy_bearer(struct rac_convert_state *c, rac_str parameter,
                       const struct rac_json *operations)
{
    struct rac_json *p =
        rac_policy_add(c, RAC_S("setheader"), RAC_S("Send the bearer token"), operations);
    RAC_JSON_PUT_STR(c->a, p, P "name", RAC_S("Authorization"));
    RAC_JSON_PUT_STR(
        c->a, p, P "value",
        rac_arena_printf(c->a, "Bearer @connectionParameters('%.*s')", RAC_FMT(parameter)));
    RAC_JSON_PUT_STR(c->a, p, P "existsAction", RAC_S("override"));
    RAC_JSON_PUT_STR(c->a, p, "x-ms-apimTemplate-policySection", RAC_S("Request"));
}

struct rac_json rac_properties_build(struct rac_convert_state *c)
{
    struct rac_json p = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &p, "iconBrandColor", RAC_S("#007ee5"));
    RAC_JSON_PUT(c->a, &p, "capabilities", rac_json_new_array(c->a));
    RAC_JSON_PUT(c->a, &p, "connectionParameters", c->connection_parameters);
    if (rac_json_len(&c->sets) > 0) {
        struct rac_json o = rac_json_new_object(c->a), ui = rac_json_new_object(c->a);
        RAC_JSON_PUT_STR(c->a, &ui, "displayName", RAC_S("How do you sign in?"));
        RAC_JSON_PUT_STR(c->a, &ui, "description", RAC_S("Choose one."));
        RAC_JSON_PUT(c->a, &o, "uiDefinition", ui);
        RAC_JSON_PUT(c->a, &o, "values", c->sets);
        RAC_JSON_PUT(c->a, &p, "connectionParameterSets", o);
    }
    RAC_JSON_PUT(c->a, &p, "policyTemplateInstances", c->policies);
    struct rac_json root = rac_json_new_object(c->a);
    RAC_JSON_PUT(c->a, &root, "properties", p);
    return root;
}

struct rac_json rac_convert_properties(const struct rac_json *definition, struct rac_arena *a)
{
    struct rac_convert_state c;
    rac_convert_begin(&c, NULL, &(struct rac_convert_options){0}, a, NULL);
    rac_connections_from_definition(&c, definition);
    return rac_properties_build(&c);
}
