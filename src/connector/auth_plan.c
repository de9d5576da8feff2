/*
 * auth_plan - from `security` and `securityDefinitions` to a plan (connectors.md §4.2 step 1).
 *
 * Effective requirements are those of the operation, else of the root, else the only definition.
 * Names without a definition are dropped, and a list of which nothing is left counts as absent: in
 * real files such names are left-overs, and the property file tells the truth.
 */
#include "connector/auth_plan.h"

#include "base/str.h"

/* Of a longer list, or a larger requirement, the first so many count; every operation has a copy. */
enum { ALTERNATIVES_MAX = 64, SCHEMES_MAX = 64 };

static rac_str copy(struct rac_arena *a, rac_str s)
{
    return s.n == 0 ? RAC_S("") : rac_arena_str(a, s);
}

/* False for a definition of a type that does not exist in OpenAPI 2.0. */
static bool scheme_of(const struct rac_json *definition, rac_str name, struct rac_arena *a,
                      struct rac_auth_scheme *out)
{
    rac_str type = rac_json_str(RAC_JSON_GET(definition, "type"), RAC_S(""));
    *out = (struct rac_auth_scheme){.name = copy(a, name), .wire_name = RAC_S("")};
    if (rac_str_eqi(type, RAC_S("basic"))) {
        out->kind = RAC_AUTH_BASIC;
    } else if (rac_str_eqi(type, RAC_S("apiKey"))) {
        rac_str wire = rac_str_trim(rac_json_str(RAC_JSON_GET(definition, "name"), RAC_S("")));
        rac_str in = rac_json_str(RAC_JSON_GET(definition, "in"), RAC_S("header"));
        out->kind = RAC_AUTH_API_KEY;
        out->wire_name = copy(a, wire);
        out->in_query = rac_str_eqi(in, RAC_S("query"));
        return wire.n > 0;
    } else if (rac_str_eqi(type, RAC_S("oauth2"))) {
        out->kind = RAC_AUTH_OAUTH2;
    } else {
        return false;
    }
    return true;
}

/* Adds what is defined of one requirement object; an empty result is not added. */
static void add_requirement(const struct rac_json *definitions, const struct rac_json *requirement,
                            struct rac_arena *a, struct rac_auth_plan *out)
{
    struct rac_auth_requirement *r = &out->v[out->n];
    size_t n = rac_json_is_object(requirement) ? rac_json_len(requirement) : 0;
    n = n < SCHEMES_MAX ? n : SCHEMES_MAX;
    r->schemes = RAC_NEW_N(a, struct rac_auth_scheme, n);
    r->schemes_n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct rac_json_member *m = rac_json_member_at(requirement, i);
        rac_str name = rac_json_key(m);
        const struct rac_json *d = rac_json_get(definitions, name);
        if (d != NULL && scheme_of(d, name, a, &r->schemes[r->schemes_n]))
            r->schemes_n++;
    }
    if (r->schemes_n > 0)
        out->n++;
}

/* True when the list says something: requirements that can be used, or "nothing" outright. */
static bool take_list(const struct rac_json *definitions, const struct rac_json *list,
                      bool of_operation, struct rac_arena *a, struct rac_auth_plan *out)
{
    if (!rac_json_is_array(list))
        return false;
    size_t n = rac_json_len(list), empty_n = 0;
    if (n == 0) { /* at the root an empty list is a generator's habit, not a statement */
        out->none = of_operation;
        return of_operation;
    }
    n = n < ALTERNATIVES_MAX ? n : ALTERNATIVES_MAX;
    out->v = RAC_NEW_N(a, struct rac_auth_requirement, n);
    for (size_t i = 0; i < n; i++) {
        const struct rac_json *r = rac_json_at(list, i);
        if (rac_json_is_object(r) && rac_json_len(r) == 0)
            empty_n++;
        else
            add_requirement(definitions, r, a, out);
    }
    out->none = out->n == 0 && empty_n > 0;
    return out->n > 0 || out->none;
}

void rac_auth_plan_build(const struct rac_json *definition, const struct rac_json *operation,
                         struct rac_arena *a, struct rac_auth_plan *out)
{
    const struct rac_json *definitions = RAC_JSON_GET(definition, "securityDefinitions");
    *out = (struct rac_auth_plan){0};
    if (take_list(definitions, RAC_JSON_GET(operation, "security"), true, a, out))
        return;
    if (take_list(definitions, RAC_JSON_GET(definition, "security"), false, a, out))
        return;
    if (rac_json_is_object(definitions) && rac_json_len(definitions) == 1) {
        struct rac_json_member *m = rac_json_member_at(definitions, 0);
        out->v = RAC_NEW(a, struct rac_auth_requirement);
        out->v->schemes = RAC_NEW(a, struct rac_auth_scheme);
        if (scheme_of(&m->value, rac_json_key(m), a, &out->v->schemes[0])) {
            out->v->schemes_n = 1;
            out->n = 1;
        }
    }
}
