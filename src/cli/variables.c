/* Environment variables of a solution, by what it ships of them. */
#include "cli/variables.h"

#include "base/str.h"

static rac_str text_of(const struct rac_json *o, const char *name)
{
    return rac_json_str(rac_json_geti(o, rac_str_of(name)), RAC_STR_NULL);
}

bool rac_cli_variable_read(rac_str text, struct rac_arena *a, struct rac_cli_variable *out)
{
    struct rac_json root;
    const struct rac_json *v;
    if (rac_json_parse_lenient(text, a, &root, NULL, NULL) != RAC_OK)
        return false;
    v = rac_json_geti(&root, RAC_S("environmentvariablevalues"));
    v = rac_json_geti(v, RAC_S("environmentvariablevalue"));
    if (rac_json_is_array(v)) /* more than one environment's: nobody knows whose it is to be */
        v = rac_json_len(v) == 1 ? rac_json_at(v, 0) : NULL;
    out->value = text_of(v, "value");
    return out->value.p != NULL;
}

/* The text as a value of the type that the flow declares; NONE: it is none. */
static struct rac_json typed(rac_str type, rac_str text, struct rac_arena *a)
{
    struct rac_json v = rac_json_none;
    if (rac_str_eqi(type, RAC_S("String")))
        return rac_json_of_str(text);
    if (rac_str_eqi(type, RAC_S("Bool"))) {
        bool yes = rac_str_eqi(text, RAC_S("yes")) || rac_str_eqi(text, RAC_S("true")),
             no = rac_str_eqi(text, RAC_S("no")) || rac_str_eqi(text, RAC_S("false"));
        return yes || no ? rac_json_of_bool(yes) : rac_json_none;
    }
    if (rac_json_parse(text, a, 0, &v, NULL) != RAC_OK)
        return rac_json_none;
    bool number = v.type >= RAC_JSON_INT && v.type <= RAC_JSON_DOUBLE,
         fits = rac_str_eqi(type, RAC_S("Int"))      ? v.type == RAC_JSON_INT
                : rac_str_eqi(type, RAC_S("Float"))  ? number
                : rac_str_eqi(type, RAC_S("Object")) ? v.type == RAC_JSON_OBJECT
                : rac_str_eqi(type, RAC_S("Array"))  ? v.type == RAC_JSON_ARRAY
                                                     : false;
    v.pos = 0;
    return fits ? v : rac_json_none;
}

struct rac_json rac_cli_variable_values(rac_str flow, const struct rac_cli_variable *v, size_t n,
                                        struct rac_arena *a)
{
    struct rac_json root, values = rac_json_new_object(a);
    if (n == 0 || rac_json_parse_lenient(flow, a, &root, NULL, NULL) != RAC_OK)
        return rac_json_none;
    const struct rac_json *definition =
        rac_json_geti(rac_json_geti(&root, RAC_S("properties")), RAC_S("definition"));
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(definition, RAC_S("parameters")))
    {
        rac_str name = text_of(rac_json_geti(&m->value, RAC_S("metadata")), "schemaName"),
                type = text_of(&m->value, "type");
        for (size_t i = 0; i < n; i++) {
            struct rac_json o = rac_json_new_object(a), value = typed(type, v[i].value, a);
            if (!rac_str_eqi(v[i].name, name) || value.type == RAC_JSON_NONE)
                continue;
            RAC_JSON_PUT(a, &o, "value", value);
            rac_json_put(a, &values, rac_json_key(m), o);
        }
    }
    return rac_json_len(&values) > 0 ? values : rac_json_none;
}
