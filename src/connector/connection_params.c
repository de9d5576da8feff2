/*
 * connection_params - the connection parameters of a properties file, read into the model.
 *
 * Real files write booleans as strings, types in any letter case and put the same thing in two
 * places; everything observed is read, everything else is kept in `node` and reported.
 */
#include "connector/connection.h"

#include "base/str.h"

enum { PARAMS_MAX = 512, SETS_MAX = 64 }; /* published connectors have a dozen, and five */

static rac_str copy(struct rac_arena *a, rac_str s)
{
    return s.n == 0 ? (rac_str){s.p ? "" : NULL, 0} : rac_arena_str(a, s);
}

/* "true"/"false" in any letter case, or a real boolean (§1.3.1 accepts both). */
static bool bool_of(const struct rac_json *v, bool otherwise)
{
    if (rac_json_is_bool(v))
        return v->b;
    if (!rac_json_is_string(v))
        return otherwise;
    rac_str s = rac_str_trim(rac_json_str(v, RAC_S("")));
    if (rac_str_eqi(s, RAC_S("true")))
        return true;
    if (rac_str_eqi(s, RAC_S("false")))
        return false;
    return otherwise;
}

static int64_t int_of(const struct rac_json *v, int64_t otherwise)
{
    int64_t i;
    if (rac_json_is_number(v))
        return rac_json_int(v, otherwise);
    if (rac_json_is_string(v) && rac_str_to_i64(rac_str_trim(rac_json_str(v, RAC_S(""))), &i))
        return i;
    return otherwise;
}

/* A scalar as the text a form would hold; absent for null, arrays and objects. In a. */
static rac_str text_of(const struct rac_json *v, struct rac_arena *a)
{
    if (rac_json_is_string(v))
        return copy(a, rac_json_str(v, RAC_S("")));
    if (rac_json_is_bool(v) || rac_json_is_number(v))
        return rac_json_print_str(v, 0, a);
    return RAC_STR_NULL;
}

static const struct {
    rac_str word;
    enum rac_conn_param_type type;
} types[] = {
    {RAC_S_INIT("string"), RAC_CONN_STRING},
    {RAC_S_INIT("securestring"), RAC_CONN_SECURESTRING},
    {RAC_S_INIT("int"), RAC_CONN_INT},
    {RAC_S_INIT("integer"), RAC_CONN_INT},
    {RAC_S_INIT("bool"), RAC_CONN_BOOL},
    {RAC_S_INIT("boolean"), RAC_CONN_BOOL},
    {RAC_S_INIT("oauthsetting"), RAC_CONN_OAUTH},
    {RAC_S_INIT("gatewaysetting"), RAC_CONN_GATEWAY},
};

static void read_type(struct rac_conn_param *p, rac_str pointer, struct rac_diags *diags)
{
    const struct rac_json *t = RAC_JSON_GET(&p->node, "type");
    p->type_name = rac_json_str(t, RAC_STR_NULL);
    p->type = RAC_CONN_OTHER;
    if (p->type_name.n == 0) {
        bool oauth = rac_json_is_object(rac_json_geti(&p->node, RAC_S("oAuthSettings")));
        p->type = oauth ? RAC_CONN_OAUTH : RAC_CONN_STRING;
        p->type_name = oauth ? RAC_S("oauthSetting") : RAC_S("string");
        struct rac_diag *d =
            rac_diags_addf(diags, "RC-PROP-04", RAC_SEV_WARNING,
                           "connection parameter \"%.*s\" has no type; it is taken as %.*s",
                           RAC_FMT(p->name), RAC_FMT(p->type_name));
        if (d != NULL)
            d->pointer = pointer;
        return;
    }
    for (size_t i = 0; i < RAC_COUNT(types); i++)
        if (rac_str_eqi(p->type_name, types[i].word))
            p->type = types[i].type;
    if (p->type == RAC_CONN_OTHER) {
        struct rac_diag *d = rac_diags_addf(
            diags, "RC-PROP-04", RAC_SEV_WARNING,
            "connection parameter \"%.*s\" has type \"%.*s\", with which no connection can be "
            "made yet",
            RAC_FMT(p->name), RAC_FMT(p->type_name));
        if (d != NULL)
            d->pointer = pointer;
    } else if (p->type == RAC_CONN_GATEWAY) {
        struct rac_diag *d = rac_diags_addf(
            diags, "RC-GW-01", RAC_SEV_WARNING,
            "connection parameter \"%.*s\" chooses a gateway; it is hidden, the API is reached "
            "directly",
            RAC_FMT(p->name));
        if (d != NULL)
            d->pointer = pointer;
    }
}

/* Allowed values as an array of {value, text}: from the parameter or its constraints. */
static struct rac_json read_allowed(const struct rac_json *node, const struct rac_json *constraints,
                                    struct rac_arena *a)
{
    const struct rac_json *list = RAC_JSON_GET(constraints, "allowedValues");
    if (rac_json_len(list) == 0)
        list = RAC_JSON_GET(node, "allowedValues");
    if (!rac_json_is_array(list) || rac_json_len(list) == 0)
        return rac_json_none;
    struct rac_json out = rac_json_new_array(a);
    RAC_JSON_EACH(e, list)
    {
        const struct rac_json *value = rac_json_is_object(e) ? RAC_JSON_GET(e, "value") : e;
        if (value == NULL || rac_json_is_object(value) || rac_json_is_array(value))
            continue;
        struct rac_json o = rac_json_new_object(a);
        RAC_JSON_PUT(a, &o, "value", *value);
        const struct rac_json *text = RAC_JSON_GET(e, "text");
        if (text == NULL)
            text = RAC_JSON_GET(RAC_JSON_GET(e, "uiDefinition"), "displayName");
        RAC_JSON_PUT(a, &o, "text", text != NULL ? *text : *value);
        rac_json_add(a, &out, o);
    }
    return out;
}

/* Only for connections through a gateway, which do not exist here (§4.8). */
static bool gateway_only(const struct rac_json *constraints)
{
    const struct rac_json *list = RAC_JSON_GET(constraints, "capability");
    bool gateway = false;
    RAC_JSON_EACH(e, list)
    {
        rac_str s = rac_json_str(e, RAC_S(""));
        if (rac_str_eqi(s, RAC_S("cloud")))
            return false;
        gateway = gateway || rac_str_eqi(s, RAC_S("gateway"));
    }
    return gateway;
}

static void read_param(struct rac_conn_param *p, bool in_set, rac_str pointer, struct rac_arena *a,
                       struct rac_diags *diags)
{
    const struct rac_json *ui = RAC_JSON_GET(&p->node, "uiDefinition");
    const struct rac_json *cons = RAC_JSON_GET(ui, "constraints");
    const struct rac_json *schema = RAC_JSON_GET(ui, "schema");
    read_type(p, pointer, diags);
    p->secret = p->type == RAC_CONN_SECURESTRING || p->type == RAC_CONN_OAUTH ||
                rac_str_eqi(p->type_name, RAC_S("secureObject"));
    p->required = bool_of(RAC_JSON_GET(cons, "required"), false);
    p->hidden = bool_of(RAC_JSON_GET(cons, "hidden"), false) ||
                bool_of(RAC_JSON_GET(cons, "hideInUI"), false) || gateway_only(cons) ||
                p->type == RAC_CONN_GATEWAY;
    p->tab_index =
        int_of(RAC_JSON_GET(cons, "tabIndex"), int_of(RAC_JSON_GET(ui, "tabIndex"), INT64_MAX));
    p->display_name = rac_json_str(RAC_JSON_GET(ui, "displayName"), RAC_STR_NULL);
    if (p->display_name.n == 0)
        p->display_name = p->name;
    p->description = rac_json_str(RAC_JSON_GET(ui, "description"), RAC_STR_NULL);
    rac_str inner = rac_json_str(RAC_JSON_GET(schema, "description"), RAC_STR_NULL);
    if (inner.n > 0 && (in_set || p->description.n == 0)) /* §1.3.1: the visible one in sets */
        p->description = inner;
    p->default_value = text_of(RAC_JSON_GET(&p->node, "defaultValue"), a);
    if (p->default_value.p == NULL)
        p->default_value = text_of(RAC_JSON_GET(cons, "default"), a);
    p->allowed = read_allowed(&p->node, cons, a);
}

static bool has_param(const struct rac_conn_param *v, size_t n, rac_str name)
{
    for (size_t i = 0; i < n; i++)
        if (rac_str_eq(v[i].name, name))
            return true;
    return false;
}

static void too_many(struct rac_diags *diags, rac_str pointer, const char *what, int max)
{
    struct rac_diag *d =
        rac_diags_addf(diags, "RC-PROP-03", RAC_SEV_WARNING,
                       "there are more than %d %s; the others are left out", max, what);
    if (d != NULL)
        d->pointer = pointer;
}

/* Appends the parameters of object `from`; those already there win. */
static void read_params(struct rac_conn_set *s, const struct rac_json *from, bool in_set,
                        rac_str pointer, struct rac_arena *a, struct rac_diags *diags)
{
    if (!rac_json_is_object(from))
        return;
    RAC_JSON_EACH_MEMBER(m, from)
    {
        rac_str name = rac_json_key(m);
        if (has_param(s->params, s->params_n, name))
            continue;
        if (s->params_n == PARAMS_MAX) {
            too_many(diags, pointer, "connection parameters", PARAMS_MAX);
            return;
        }
        struct rac_conn_param *p = &s->params[s->params_n++];
        p->name = copy(a, name);
        rac_str at = rac_json_pointer_join(a, pointer, name);
        if (!rac_json_is_object(&m->value)) {
            struct rac_diag *d =
                rac_diags_addf(diags, "RC-PROP-04", RAC_SEV_WARNING,
                               "connection parameter \"%.*s\" is no object", RAC_FMT(name));
            if (d != NULL)
                d->pointer = at;
            p->node = rac_json_new_object(a);
        } else {
            p->node = rac_json_copy(a, &m->value);
        }
        read_param(p, in_set, at, a, diags);
    }
}

/* Stable insertion sort by tab index: lists have a handful of entries. */
static void sort_params(struct rac_conn_set *s)
{
    for (size_t i = 1; i < s->params_n; i++) {
        struct rac_conn_param p = s->params[i];
        size_t k = i;
        for (; k > 0 && s->params[k - 1].tab_index > p.tab_index; k--)
            s->params[k] = s->params[k - 1];
        s->params[k] = p;
    }
}

static size_t params_room(const struct rac_json *from)
{
    size_t n = rac_json_len(from);
    return n < PARAMS_MAX ? n : PARAMS_MAX;
}

static void read_set(struct rac_conn_set *s, const struct rac_json *node,
                     const struct rac_json *common, rac_str pointer, struct rac_arena *a,
                     struct rac_diags *diags)
{
    const struct rac_json *own = RAC_JSON_GET(node, "parameters");
    const struct rac_json *ui = RAC_JSON_GET(node, "uiDefinition");
    s->name = copy(a, rac_json_str(RAC_JSON_GET(node, "name"), RAC_S("")));
    s->display_name = copy(a, rac_json_str(rac_json_geti(ui, RAC_S("displayName")), s->name));
    s->description = copy(a, rac_json_str(RAC_JSON_GET(ui, "description"), RAC_STR_NULL));
    s->allow_sharing = bool_of(RAC_JSON_GET(RAC_JSON_GET(node, "metadata"), "allowSharing"), true);
    s->params = RAC_NEW_N(a, struct rac_conn_param, params_room(own) + params_room(common));
    read_params(s, own, true, rac_json_pointer_join(a, pointer, RAC_S("parameters")), a, diags);
    read_params(s, common, true, RAC_S("/properties/connectionParameters"), a, diags);
    sort_params(s);
}

rac_err rac_conn_sets_parse(const struct rac_json *properties, struct rac_connector *c,
                            struct rac_diags *diags)
{
    struct rac_arena *a = &c->arena;
    const struct rac_json *common = rac_json_geti(properties, RAC_S("connectionParameters"));
    const struct rac_json *sets = rac_json_geti(properties, RAC_S("connectionParameterSets"));
    const struct rac_json *values = RAC_JSON_GET(sets, "values");
    if (!rac_json_is_object(common))
        common = NULL;
    size_t n = rac_json_is_array(values) ? rac_json_len(values) : 0;
    if (n > SETS_MAX) {
        n = SETS_MAX;
        too_many(diags, RAC_S("/properties/connectionParameterSets/values"), "parameter sets",
                 SETS_MAX);
    }
    c->multi_auth = n > 0;
    c->sets_n = n > 0 ? n : 1;
    c->sets = RAC_NEW_N(a, struct rac_conn_set, c->sets_n);
    if (n == 0) {
        struct rac_conn_set *s = &c->sets[0];
        s->allow_sharing = true;
        s->params = RAC_NEW_N(a, struct rac_conn_param, params_room(common));
        read_params(s, common, false, RAC_S("/properties/connectionParameters"), a, diags);
        sort_params(s);
    }
    for (size_t i = 0; i < n; i++) {
        if (rac_arena_over(a))
            return RAC_E_LIMIT;
        read_set(
            &c->sets[i], rac_json_at(values, i), common,
            rac_json_pointer_join_index(a, RAC_S("/properties/connectionParameterSets/values"), i),
            a, diags);
    }
    return rac_arena_over(a) ? RAC_E_LIMIT : RAC_OK;
}

const struct rac_conn_set *rac_conn_set_find(const struct rac_connector *c, rac_str name)
{
    if (c->sets_n == 0)
        return NULL;
    if (name.n == 0)
        return &c->sets[0];
    for (size_t i = 0; i < c->sets_n; i++)
        if (rac_str_eq(c->sets[i].name, name))
            return &c->sets[i];
    for (size_t i = 0; i < c->sets_n; i++)
        if (rac_str_eqi(c->sets[i].name, name))
            return &c->sets[i];
    return NULL;
}

const struct rac_conn_param *rac_conn_param_find(const struct rac_conn_set *s, rac_str name)
{
    for (size_t i = 0; i < s->params_n; i++)
        if (rac_str_eq(s->params[i].name, name))
            return &s->params[i];
    for (size_t i = 0; i < s->params_n; i++)
        if (rac_str_eqi(s->params[i].name, name))
            return &s->params[i];
    return NULL;
}

const struct rac_conn_param *rac_conn_param_oauth(const struct rac_conn_set *s)
{
    const struct rac_conn_param *first = NULL;
    for (size_t i = 0; i < s->params_n; i++) {
        const struct rac_conn_param *p = &s->params[i];
        if (p->type != RAC_CONN_OAUTH)
            continue;
        if (rac_str_eqi(p->name, RAC_S("token")))
            return p;
        if (first == NULL)
            first = p;
    }
    return first;
}

rac_str rac_conn_param_companion(const struct rac_conn_param *p)
{
    size_t at = rac_str_find_char(p->name, ':');
    return at == RAC_STR_NPOS ? RAC_STR_NULL : rac_str_from(p->name, at + 1);
}
