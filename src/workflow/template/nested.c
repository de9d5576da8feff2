/* Deployments inside of a template: their own templates, and what they answer. */
#include "base/str.h"
#include "workflow/template/template_priv.h"

/* What a link names that only a deployment can read: an address, the id of a template spec. */
static const char *not_fetched(struct resolver *r, const struct rac_json *link)
{
    static const rac_str members[] = {RAC_S_INIT("uri"), RAC_S_INIT("id")};
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        const struct rac_json *v = rac_json_geti(link, members[i]);
        if (!rac_json_is_string(v))
            continue;
        struct rac_json known = resolve(r, v, RAC_STR_NULL);
        rac_str text = rac_json_str(value_is_unknown(&known) ? v : &known, RAC_S(""));
        return unknown_becausef(r,
                                "it is linked to by '%.*s', and nothing is fetched; give that "
                                "template by itself",
                                RAC_FMT(text))
            .s;
    }
    return "its templateLink has neither a relativePath nor a uri";
}

static void read_link(struct resolver *r, struct nested *n)
{
    const struct rac_json *path = rac_json_geti(n->link, RAC_S("relativePath"));
    if (!rac_json_is_string(path)) {
        n->why = not_fetched(r, n->link);
        return;
    }
    struct rac_json v = resolve(r, path, RAC_STR_NULL);
    rac_str text = rac_json_str(&v, RAC_S(""));
    if (value_is_unknown(&v))
        n->why = v.s;
    else if (r->links == NULL)
        n->why = unknown_becausef(r, "it stands in another file, '%.*s'; give that one by itself",
                                  RAC_FMT(text))
                     .s;
    else
        n->root = r->links->read(r->links->self, r->scope->source, text, &n->source, &n->why);
}

void template_nested(struct resolver *r, const struct rac_json *resource, struct nested *out)
{
    const struct rac_json *properties = rac_json_geti(resource, RAC_S("properties"));
    *out = (struct nested){.root = rac_json_geti(properties, RAC_S("template")),
                           .link = rac_json_geti(properties, RAC_S("templateLink")),
                           .source = r->scope->source};
    if (out->root == NULL && rac_json_is_object(out->link)) {
        read_link(r, out);
        return;
    }
    out->link = NULL;
    if (rac_json_is_string(out->root)) {
        struct rac_json *made = RAC_NEW(r->a, struct rac_json);
        *made = resolve(r, out->root, RAC_STR_NULL);
        out->root = made;
    }
}

static bool is_inner(const struct resolver *r, const struct rac_json *properties)
{
    const struct rac_json *o = rac_json_geti(properties, RAC_S("expressionEvaluationOptions"));
    rac_str scope = rac_json_str(rac_json_geti(o, RAC_S("scope")), RAC_S(""));
    rac_str version =
        rac_json_str(rac_json_geti(r->scope->root, RAC_S("languageVersion")), RAC_S(""));
    if (scope.n > 0)
        return rac_str_eqi(scope, RAC_S("inner"));
    return rac_str_starts(version, RAC_S("2"));
}

struct scope *template_nested_scope(struct resolver *r, const struct rac_json *resource,
                                    const struct nested *n)
{
    const struct rac_json *properties = rac_json_geti(resource, RAC_S("properties"));
    if (n->link == NULL && !is_inner(r, properties))
        return r->scope;
    struct scope *own = RAC_NEW(r->a, struct scope);
    own->root = n->root;
    own->source = n->source;
    own->outer = r->scope;
    own->declared = rac_json_geti(n->root, RAC_S("parameters"));
    own->given = rac_json_geti(properties, RAC_S("parameters"));
    rac_map_init(&own->values, r->a);
    return own;
}

bool template_is_deployment(const struct rac_json *resource)
{
    return rac_str_eqi(rac_json_str(rac_json_geti(resource, RAC_S("type")), RAC_S("")),
                       RAC_S("Microsoft.Resources/deployments"));
}

/* --- reference(), which is known of a deployment that stands in the same template -------------- */

/* Whether a resource is called so, by its name or by what the template calls it: "app", and in a
 * loop "app[1]". */
static bool is_called(struct resolver *r, const struct rac_json_member *m, const struct rac_json *v,
                      const int64_t *index, rac_str name)
{
    struct rac_json text = resolve(r, rac_json_geti(v, RAC_S("name")), RAC_STR_NULL);
    if (rac_str_eqi(rac_json_str(&text, RAC_S("")), name))
        return true;
    if (m == NULL)
        return false;
    rac_str symbol = rac_json_key(m);
    if (index != NULL)
        symbol = rac_arena_printf(r->a, "%.*s[%lld]", RAC_FMT(symbol), (long long)*index);
    return rac_str_eqi(symbol, name);
}

/* The same for each instance of a loop; it stays in the instance that is found. */
static bool is_called_in_loop(struct resolver *r, const struct rac_json_member *m,
                              const struct rac_json *v, rac_str name)
{
    const struct rac_json *copy = rac_json_geti(v, RAC_S("copy")),
                          *count = rac_json_geti(copy, RAC_S("count"));
    if (copy == NULL || count == NULL || r->copies == RAC_COUNT(r->copy))
        return is_called(r, m, v, NULL, name);
    struct rac_json n = resolve(r, count, RAC_STR_NULL);
    size_t at = r->copies++;
    r->copy_name[at] = rac_json_str(rac_json_geti(copy, RAC_S("name")), RAC_S(""));
    for (int64_t i = 0; i < rac_json_int(&n, 0) && i < TEMPLATE_LOOP_MAX && affordable_bytes(r, 0);
         i++) {
        r->copy[at] = i;
        if (is_called(r, m, v, &i, name))
            return true;
    }
    r->copies = at;
    return false;
}

static const struct rac_json *deployment_of(struct resolver *r, rac_str name)
{
    const struct rac_json *resources = rac_json_geti(r->scope->root, RAC_S("resources"));
    for (size_t i = 0; i < rac_json_len(resources); i++) {
        const struct rac_json_member *m = rac_json_member_at(resources, i);
        const struct rac_json *v = m != NULL ? &m->value : rac_json_at(resources, i);
        if (template_is_deployment(v) && rac_json_geti(v, RAC_S("name")) != NULL &&
            is_called_in_loop(r, m, v, name))
            return v;
    }
    return NULL;
}

static struct rac_json output_of(struct resolver *r, const struct rac_json *declared)
{
    const struct rac_json *value = rac_json_geti(declared, RAC_S("value")),
                          *copy = rac_json_geti(declared, RAC_S("copy"));
    struct rac_json o = rac_json_new_object(r->a);
    RAC_JSON_PUT_STR(r->a, &o, "type",
                     rac_json_str(rac_json_geti(declared, RAC_S("type")), RAC_S("")));
    RAC_JSON_PUT(r->a, &o, "value",
                 value != NULL  ? resolve(r, value, RAC_STR_NULL)
                 : copy != NULL ? template_copy(r, copy)
                                : rac_json_of_null());
    return o;
}

static struct rac_json deployed(struct resolver *r, struct scope *s, rac_str name)
{
    size_t copies = r->copies;
    const struct rac_json *resource = deployment_of(r, name);
    struct nested n = {0};
    if (resource != NULL)
        template_nested(r, resource, &n);
    if (!rac_json_is_object(n.root)) {
        r->copies = copies;
        return unknown_becausef(r, "reference() is asked of '%.*s', which exists when deployed",
                                RAC_FMT(name));
    }
    struct rac_json answer = rac_json_new_object(r->a), outputs = rac_json_new_object(r->a);
    r->scope = template_nested_scope(r, resource, &n);
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(n.root, RAC_S("outputs")))
    rac_json_put(r->a, &outputs, rac_json_key(m), output_of(r, &m->value));
    r->scope = s;
    r->copies = copies;
    RAC_JSON_PUT_STR(r->a, &answer, "provisioningState", RAC_S("Succeeded"));
    RAC_JSON_PUT(r->a, &answer, "outputs", outputs);
    return answer;
}

struct rac_json tf_reference(struct resolver *r, const struct arguments *x)
{
    rac_str id = rac_json_str(&x->v[0], RAC_S(""));
    size_t slash = rac_str_rfind_char(id, '/');
    bool plain = slash == RAC_STR_NPOS,
         deployment = rac_str_findi(id, RAC_S("Microsoft.Resources/deployments/")) != RAC_STR_NPOS;
    if (x->n > 2 || r->scope->arguments.type != RAC_JSON_NONE || !(plain || deployment))
        return unknown_because(r, "reference() is asked of a resource, which exists when deployed");
    return template_remembered(r, "d:", plain ? id : rac_str_from(id, slash + 1), deployed);
}
