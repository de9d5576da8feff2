/*
 * Policy instances compiled: which template, which section and operations, its parameters as
 * templates and places. What is wrong is reported and makes the instance `broken`: a call that it
 * applies to answers PolicyFailed instead of being sent half right.
 */
#include "base/str.h"
#include "connector/policy_priv.h"
#include "openapi/rules.h"

enum { INSTANCES_MAX = 4096 }; /* the largest published connector has some forty */

#define P(name) RAC_S("x-ms-apimTemplateParameter." name)

static const struct {
    rac_str name;
    uint8_t sections;
} policies[] = {
#define POLICY(id, name, sections) {RAC_S_INIT(name), sections},
#include "connector/policies.def"
#undef POLICY
};

struct compile {
    struct rac_arena *a;
    const struct rac_map *operation_ids;
    struct rac_diags *d;
    const struct rac_json *params;
    struct rac_policy *p;
    rac_str pointer; /* of the instance */
};

static void finding(struct compile *x, const char *code, rac_str pointer, rac_str message)
{
    const struct rac_rule *rule = rac_rule_by_code(rac_str_of(code));
    rac_diags_add(x->d, &(struct rac_diag){
                            .code = code,
                            .severity = rule != NULL ? rule->severity[RAC_PROFILE_REGISTRATION]
                                                     : RAC_SEV_ERROR,
                            .file = RAC_S("apiProperties.json"),
                            .pointer = pointer,
                            .message = message,
                            .fix = rule != NULL ? rac_str_of(rule->fix) : RAC_STR_NULL,
                        });
}

static void broken(struct compile *x, const char *code, rac_str pointer, rac_str message)
{
    finding(x, code, pointer, message);
    if (x->p->broken.p == NULL)
        x->p->broken = message;
}

static rac_str param_pointer(struct compile *x, rac_str name)
{
    return rac_json_pointer_join(x->a, rac_json_pointer_join(x->a, x->pointer, RAC_S("parameters")),
                                 name);
}

static rac_str short_name(rac_str name)
{
    return rac_str_from(name, rac_str_find_char(name, '.') + 1);
}

static const struct rac_json *param(struct compile *x, rac_str name, bool required)
{
    const struct rac_json *v = rac_json_geti(x->params, name);
    if (v == NULL) /* without the prefix, as hand-written files sometimes have it */
        v = rac_json_geti(x->params, short_name(name));
    if ((v == NULL || v->type == RAC_JSON_NULL) && required)
        broken(x, RAC_RULE_CODE(PROP_07),
               rac_json_pointer_join(x->a, x->pointer, RAC_S("parameters")),
               rac_arena_printf(x->a, "policy %.*s lacks its parameter %.*s",
                                RAC_FMT(policies[x->p->id].name), RAC_FMT(short_name(name))));
    return v;
}

static rac_str param_text(struct compile *x, rac_str name, bool required)
{
    const struct rac_json *v = param(x, name, required);
    rac_str text = rac_json_str(v, RAC_STR_NULL);
    if (v != NULL && v->type != RAC_JSON_NULL && text.p == NULL)
        text = rac_json_print_str(v, 0, x->a);
    return text.p != NULL ? rac_arena_str(x->a, text) : text;
}

static const struct rac_template *template_of(struct compile *x, rac_str text, rac_str name,
                                              unsigned flags)
{
    rac_str why = RAC_STR_NULL, warning = RAC_STR_NULL;
    const struct rac_template *t = rac_template_compile(text, flags, x->a, &why, &warning);
    if (t == NULL)
        broken(x, RAC_RULE_CODE(POL_03), param_pointer(x, name), why);
    else if (warning.p != NULL)
        finding(x, RAC_RULE_CODE(POL_03), param_pointer(x, name), warning);
    return t;
}

static const struct rac_template *param_template(struct compile *x, rac_str name, bool required,
                                                 unsigned flags)
{
    rac_str text = param_text(x, name, required);
    const struct rac_template *t = text.p != NULL ? template_of(x, text, name, flags) : NULL;
    if (t != NULL)
        x->p->reads_body |= t->reads_body;
    return t;
}

/* A path without a function: "a/b", "a.b", "['x']"; "null" and "" are no steps. */
static void bare_steps(struct compile *x, rac_str text, struct rac_place *place)
{
    text = rac_str_trim(text);
    if (text.n == 0 || rac_str_eq(text, RAC_S("null")))
        return;
    if (text.p[0] == '[' || (text.p[0] != '@' && rac_str_find_char(text, '[') != RAC_STR_NPOS)) {
        rac_str why, warning;
        const char *dot = text.p[0] == '[' ? "" : ".";
        const struct rac_template *t =
            rac_template_compile(rac_arena_printf(x->a, "body()%s%.*s", dot, RAC_FMT(text)),
                                 RAC_TEMPLATE_BARE, x->a, &why, &warning);
        if (t != NULL && t->whole) {
            place->steps = t->pieces[0].steps;
            place->steps_n = t->pieces[0].steps_n;
            return;
        }
    }
    char sep = text.p[0] == '@' ? '/' : rac_str_find_char(text, '/') != RAC_STR_NPOS ? '/' : '.';
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == sep;
    place->steps = RAC_NEW_N(x->a, struct rac_path_step, n);
    for (rac_str rest = text; rest.p != NULL;) {
        rac_str name = rac_str_cut(rest, sep, &rest);
        if (name.n > 0)
            place->steps[place->steps_n++].name = name;
    }
}

static struct rac_place param_place(struct compile *x, rac_str name, bool required)
{
    struct rac_place place = {0};
    rac_str text = param_text(x, name, required), why = RAC_STR_NULL, warning = RAC_STR_NULL;
    if (text.p == NULL)
        return place;
    place.present = true;
    const struct rac_template *t =
        rac_template_compile(text, RAC_TEMPLATE_BARE, x->a, &why, &warning);
    if (t == NULL) {
        broken(x, RAC_RULE_CODE(POL_03), param_pointer(x, name), why);
        return place;
    }
    if (!t->whole) {
        bare_steps(x, text, &place);
        return place;
    }
    const struct rac_template_piece *e = &t->pieces[0];
    if (e->fn != RAC_FN_BODY && e->fn != RAC_FN_ITEM && e->fn != RAC_FN_TRIGGER_BODY) {
        broken(x, RAC_RULE_CODE(POL_03), param_pointer(x, name),
               rac_arena_printf(x->a, "\"%.*s\" is no place in a body", RAC_FMT(text)));
        return place;
    }
    place.item = e->fn == RAC_FN_ITEM;
    place.steps = e->steps;
    place.steps_n = e->steps_n;
    return place;
}

static bool param_flag(struct compile *x, rac_str name, bool otherwise)
{
    rac_str text = param_text(x, name, false);
    return text.p == NULL ? otherwise : rac_str_eqi(text, RAC_S("true"));
}

/* --- one template each ----------------------------------------------------------------------- */

static void exists_compile(struct compile *x)
{
    rac_str text = param_text(x, P("existsAction"), false);
    x->p->exists = text.p != NULL && rac_str_eqi(text, RAC_S("skip"))     ? RAC_EXISTS_SKIP
                   : text.p != NULL && rac_str_eqi(text, RAC_S("append")) ? RAC_EXISTS_APPEND
                                                                          : RAC_EXISTS_OVERRIDE;
}

static void named_value_compile(struct compile *x) /* setheader, setqueryparameter */
{
    x->p->name = rac_str_trim(param_text(x, P("name"), true));
    x->p->value = param_template(x, P("value"), true, 0);
    exists_compile(x);
}

static void array_to_object_compile(struct compile *x)
{
    x->p->parent = param_place(x, P("propertyParentPath"), true);
    x->p->sub = param_place(x, P("propertySubPath"), false);
    x->p->text1 = param_text(x, P("keyWithinCollectionPath"), true);
    x->p->target = param_place(x, P("newPropertyPath"), true);
    x->p->flag = param_flag(x, P("retainKey"), true);
}

static void object_to_array_compile(struct compile *x)
{
    x->p->parent = param_place(x, P("propertyParentPath"), true);
    x->p->sub = param_place(x, P("propertySubPath"), false);
    x->p->target = param_place(x, P("newPropertyPath"), true);
    x->p->text1 = param_text(x, P("keyName"), false);
    x->p->text2 = param_text(x, P("valueName"), false);
    if (x->p->text1.n == 0)
        x->p->text1 = RAC_S("key");
    if (x->p->text2.n == 0)
        x->p->text2 = RAC_S("value");
}

static void
string_compile(struct compile *x) /* stringtoarray, stringreplace, encodepropertyvalue */
{
    x->p->parent = param_place(x, P("propertyParentPath"), true);
    x->p->sub = param_place(x, P("propertySubPath"), false);
    x->p->target = param_place(x, P("newPropertyPath"), true);
    if (x->p->id == RAC_POLICY_STRING_TO_ARRAY) {
        x->p->text1 = param_text(x, P("delimiterList"), true);
        x->p->name = param_text(x, P("childPropertyName"), true);
    } else if (x->p->id == RAC_POLICY_STRING_REPLACE) {
        x->p->text1 = param_text(x, P("sourceString"), true);
        x->p->text2 = param_text(x, P("replacementString"), true);
    }
}

static void move_compile(struct compile *x)
{
    x->p->parent = param_place(x, P("srcParentPath"), false);
    x->p->sub = param_place(x, P("srcSubPath"), false);
    x->p->target = param_place(x, P("dstParentPath"), false);
    struct rac_place sub = param_place(x, P("dstSubPath"), false);
    struct rac_place *t = &x->p->target;
    struct rac_path_step *steps = RAC_NEW_N(x->a, struct rac_path_step, t->steps_n + sub.steps_n);
    if (t->steps_n > 0)
        memcpy(steps, t->steps, t->steps_n * sizeof *steps);
    if (sub.steps_n > 0)
        memcpy(steps + t->steps_n, sub.steps, sub.steps_n * sizeof *steps);
    t->steps = steps;
    t->steps_n += sub.steps_n;
    x->p->flag = param_flag(x, P("copyOnlySubProperties"), false);
}

static void trigger_compile(struct compile *x)
{
    const struct rac_json *config = param(x, P("triggerConfig"), true);
    x->p->parent = param_place(x, P("triggerDataPath"), true);
    x->p->reads_body = false; /* the poller reads the answer, not the request's body */
    x->p->next_link = RAC_S("@odata.nextLink");
    x->p->trigger_values = RAC_NEW_N(x->a, struct rac_trigger_value, rac_json_len(config));
    RAC_JSON_EACH_MEMBER(m, config)
    {
        rac_str name = rac_arena_str(x->a, rac_json_key(m));
        rac_str text = rac_json_str(&m->value, RAC_STR_NULL);
        if (text.p == NULL)
            text = rac_json_print_str(&m->value, 0, x->a);
        if (rac_str_eqi(name, RAC_S("x-ms-triggerConfig-nextLink"))) {
            x->p->next_link = rac_arena_str(x->a, text);
            continue;
        }
        const struct rac_template *t = template_of(x, text, P("triggerConfig"), 0);
        if (t != NULL)
            x->p->trigger_values[x->p->trigger_values_n++] = (struct rac_trigger_value){name, t};
    }
}

static void url_value_compile(struct compile *x) /* setvaluefromurl */
{
    x->p->from = param_template(x, P("parameterValuePathTemplate"), true, RAC_TEMPLATE_BARE);
    x->p->reads_body = false; /* that is the side answer's body */
    x->p->value = param_template(x, P("parameterValueUrl"), true, RAC_TEMPLATE_PARAMS);
    rac_str method = param_text(x, P("httpMethod"), false);
    x->p->text1 = method.n > 0 ? rac_str_upper(x->a, method) : RAC_S("GET");
    rac_str to = param_text(x, P("parameterTemplate"), true);
    const struct rac_template *t =
        to.p != NULL ? template_of(x, to, P("parameterTemplate"), RAC_TEMPLATE_BARE) : NULL;
    x->p->method = t; /* the one expression that says where the value goes */
    if (t != NULL &&
        (!t->whole || t->pieces[0].fn == RAC_FN_CONNECTION || t->pieces[0].fn == RAC_FN_METHOD))
        broken(x, RAC_RULE_CODE(POL_03), param_pointer(x, P("parameterTemplate")),
               rac_arena_printf(x->a,
                                "\"%.*s\" names no header, query parameter or place in the body",
                                RAC_FMT(to)));
    x->p->writes_body |= t != NULL && t->reads_body;
}

static void parameters_compile(struct compile *x)
{
    struct rac_policy *p = x->p;
    switch (p->id) {
    case RAC_POLICY_SET_HEADER:
    case RAC_POLICY_SET_QUERY_PARAMETER:
        named_value_compile(x);
        break;
    case RAC_POLICY_DYNAMIC_HOST_URL:
    case RAC_POLICY_DYNAMIC_SUBDOMAIN:
        p->value = param_template(x, P("urlTemplate"), true, 0);
        break;
    case RAC_POLICY_ROUTE_REQUEST:
        p->value = param_template(x, P("newPath"), true, RAC_TEMPLATE_PARAMS);
        p->method = param_template(x, P("httpMethod"), false, 0);
        break;
    case RAC_POLICY_SET_PROPERTY:
        p->parent = param_place(x, P("newPropertyParentPathTemplate"), true);
        p->sub = param_place(x, P("newPropertySubPathTemplate"), true);
        p->value = param_template(x, P("propertyValuePathTemplate"), true, 0);
        break;
    case RAC_POLICY_ARRAY_TO_OBJECT:
        array_to_object_compile(x);
        break;
    case RAC_POLICY_OBJECT_TO_ARRAY:
        object_to_array_compile(x);
        break;
    case RAC_POLICY_STRING_TO_ARRAY:
    case RAC_POLICY_STRING_REPLACE:
    case RAC_POLICY_ENCODE_PROPERTY_VALUE:
        string_compile(x);
        break;
    case RAC_POLICY_MOVE_PROPERTIES:
        move_compile(x);
        break;
    case RAC_POLICY_SET_VALUE_FROM_URL:
        url_value_compile(x);
        break;
    case RAC_POLICY_UPDATE_NEXT_LINK:
        p->name = param_text(x, P("nextLinkPropertyName"), true);
        p->parent = param_place(x, P("nextLinkParentPropertyPath"), false);
        break;
    case RAC_POLICY_POLLING_TRIGGER:
        trigger_compile(x);
        break;
    case RAC_POLICY_SET_CONNECTION_STATUS:
        if (!rac_str_to_i64(param_text(x, P("statusCode"), true), &p->status))
            p->status = 0;
        break;
    case RAC_POLICY_N:
        break;
    }
    p->writes_body |= (p->id >= RAC_POLICY_SET_PROPERTY && p->id <= RAC_POLICY_MOVE_PROPERTIES) ||
                      p->id == RAC_POLICY_UPDATE_NEXT_LINK;
}

/* --- instances -------------------------------------------------------------------------------- */

static void operations_compile(struct compile *x)
{
    const struct rac_json *list =
        rac_json_geti(x->params, RAC_S("x-ms-apimTemplate-operationName"));
    if (!rac_json_is_array(list))
        return;
    x->p->operations = RAC_NEW_N(x->a, rac_str, rac_json_len(list));
    RAC_JSON_EACH(e, list)
    {
        rac_str id = rac_json_str(e, RAC_STR_NULL);
        if (id.p == NULL)
            continue;
        x->p->operations[x->p->operations_n++] = rac_arena_str(x->a, id);
        if (x->operation_ids != NULL && !rac_map_has(x->operation_ids, id))
            finding(x, RAC_RULE_CODE(PROP_07),
                    param_pointer(x, RAC_S("x-ms-apimTemplate-operationName")),
                    rac_arena_printf(x->a, "there is no operation \"%.*s\"", RAC_FMT(id)));
    }
}

static void section_compile(struct compile *x)
{
    uint8_t allowed = policies[x->p->id].sections;
    rac_str text = rac_json_str(rac_json_geti(x->params, RAC_S("x-ms-apimTemplate-policySection")),
                                RAC_S("Request"));
    uint8_t wanted = rac_str_eqi(text, RAC_S("Response"))  ? RAC_SECTION_RESPONSE
                     : rac_str_eqi(text, RAC_S("Failure")) ? RAC_SECTION_FAILURE
                                                           : RAC_SECTION_REQUEST;
    x->p->section = allowed & wanted                ? wanted
                    : allowed & RAC_SECTION_REQUEST ? RAC_SECTION_REQUEST
                                                    : RAC_SECTION_RESPONSE;
}

static void instance_compile(struct compile *x, const struct rac_json *node)
{
    rac_str id = rac_str_trim(rac_json_str(rac_json_geti(node, RAC_S("templateId")), RAC_S("")));
    struct rac_policy *p = x->p;
    p->title = rac_arena_str(x->a, rac_json_str(RAC_JSON_GET(node, "title"), id));
    p->id = RAC_POLICY_N;
    for (int i = 0; i < RAC_POLICY_N; i++)
        if (rac_str_eqi(policies[i].name, id))
            p->id = (enum rac_policy_id)i;
    x->params = RAC_JSON_GET(node, "parameters");
    operations_compile(x);
    if (p->id == RAC_POLICY_N) {
        p->section = RAC_SECTION_REQUEST;
        broken(x, RAC_RULE_CODE(POL_01),
               rac_json_pointer_join(x->a, x->pointer, RAC_S("templateId")),
               rac_arena_printf(x->a, "there is no policy template \"%.*s\"", RAC_FMT(id)));
        return;
    }
    section_compile(x);
    parameters_compile(x);
}

static void ids_add(struct rac_policy_ids *ids, uint32_t index, struct rac_arena *a)
{
    if (ids->n > 0 && ids->v[ids->n - 1] == index)
        return; /* an operation named twice by one instance */
    if (ids->n == ids->cap) {
        uint32_t cap = ids->cap ? ids->cap * 2 : 2;
        ids->v = rac_arena_grow(a, ids->v, ids->cap * sizeof *ids->v, cap * sizeof *ids->v);
        ids->cap = cap;
    }
    ids->v[ids->n++] = index;
}

static void index_operations(struct rac_policy_set *set, const struct rac_policy *p,
                             struct rac_arena *a)
{
    if (p->operations_n == 0)
        ids_add(&set->all, p->index, a);
    for (uint32_t k = 0; k < p->operations_n; k++) {
        struct rac_policy_ids *ids = rac_map_get(&set->by_operation, p->operations[k]);
        if (ids == NULL) {
            ids = RAC_NEW(a, struct rac_policy_ids);
            rac_map_put(&set->by_operation, p->operations[k], ids);
        }
        ids_add(ids, p->index, a);
    }
}

struct rac_policy_set *rac_policies_compile(const struct rac_json *instances,
                                            const struct rac_map *operation_ids,
                                            struct rac_arena *a, struct rac_diags *d)
{
    struct rac_policy_set *set = RAC_NEW(a, struct rac_policy_set);
    size_t n = rac_json_is_array(instances) ? rac_json_len(instances) : 0;
    if (n > INSTANCES_MAX) {
        rac_diags_add(d, &(struct rac_diag){.code = RAC_RULE_CODE(PROP_07),
                                            .severity = RAC_SEV_ERROR,
                                            .file = RAC_S("apiProperties.json"),
                                            .pointer = RAC_S("/properties/policyTemplateInstances"),
                                            .message = RAC_S("more policies than can be kept")});
        n = INSTANCES_MAX;
    }
    set->v = RAC_NEW_N(a, struct rac_policy, n);
    rac_map_init(&set->by_operation, a);
    for (size_t i = 0; i < n && !rac_arena_over(a); i++) {
        struct compile x = {.a = a, .operation_ids = operation_ids, .d = d};
        x.p = &set->v[set->n++];
        x.p->index = (uint32_t)i;
        x.pointer = rac_arena_printf(a, "/properties/policyTemplateInstances/%zu", i);
        instance_compile(&x, rac_json_at(instances, i));
        index_operations(set, x.p, a);
    }
    return set;
}

void rac_policies_check(const struct rac_json *instances, const struct rac_map *operation_ids,
                        struct rac_arena *a, struct rac_diags *d)
{
    (void)rac_policies_compile(instances, operation_ids, a, d);
}

/* Both lists of an operation, merged by index. */
struct rac_policy_list rac_policies_for(const struct rac_policy_set *s, rac_str operation_id,
                                        enum rac_policy_section section, struct rac_arena *a)
{
    static const struct rac_policy_ids none;
    const struct rac_policy_ids *named = rac_map_get(&s->by_operation, operation_id);
    struct rac_policy_list list = {0};
    if (named == NULL)
        named = &none;
    size_t room = (size_t)s->all.n + named->n;
    for (uint32_t i = 0, k = 0; i < s->all.n || k < named->n;) {
        bool first = k == named->n || (i < s->all.n && s->all.v[i] < named->v[k]);
        const struct rac_policy *p = &s->v[first ? s->all.v[i++] : named->v[k++]];
        if (p->section != section)
            continue;
        if (list.v == NULL)
            list.v = rac_arena_alloc_n(a, room, sizeof *list.v);
        list.v[list.n++] = p;
    }
    return list;
}
