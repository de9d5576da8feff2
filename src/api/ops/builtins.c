#include "api/ask.h"

/* What a workflow can be made of without a connector (§7.5), flat; adapters group and wrap it. */

static const struct builtin {
    const char *group, *operation, *type;
    bool trigger, stateless;
    const char *summary;
} builtins[] = {
#define BUILTIN(group, operation, type, trigger, stateless, summary)                               \
    {group, operation, type, trigger, stateless, summary},
#include "api/ops/builtins.def"
#undef BUILTIN
};

static struct rac_json builtin_json(struct rac_arena *a, const struct builtin *b)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(
        a, &o, "id",
        rac_arena_printf(a, "/operationGroups/%s/operations/%s", b->group, b->operation));
    RAC_JSON_PUT_STR(a, &o, "name", rac_str_of(b->operation));
    RAC_JSON_PUT_STR(a, &o, "group", rac_str_of(b->group));
    RAC_JSON_PUT_STR(a, &o, "operationType", rac_str_of(b->type));
    RAC_JSON_PUT_STR(a, &o, "summary", rac_str_of(b->summary));
    RAC_JSON_PUT(a, &o, "trigger", rac_json_of_bool(b->trigger));
    RAC_JSON_PUT(a, &o, "stateless", rac_json_of_bool(b->stateless));
    return o;
}

/* ?workflowKind= narrows the list to what a stateless workflow takes; ?operationGroup= and
 * ?operation= to one, which must be there. */
void rac_ops_builtin_list(struct rac_ask *q)
{
    bool stateless = rac_str_eqi(rac_ask_query(q, RAC_S("workflowKind")), RAC_S("Stateless"));
    rac_str group = rac_ask_query(q, RAC_S("operationGroup")),
            name = rac_ask_query(q, RAC_S("operation"));
    struct rac_json list = rac_json_new_array(q->a), o = rac_json_new_object(q->a);
    for (size_t i = 0; i < RAC_COUNT(builtins); i++)
        if ((builtins[i].stateless || !stateless) &&
            (group.n == 0 || rac_str_eqi(group, rac_str_of(builtins[i].group))) &&
            (name.n == 0 || rac_str_eqi(name, rac_str_of(builtins[i].operation))))
            rac_json_add(q->a, &list, builtin_json(q->a, &builtins[i]));
    if (name.n > 0 && rac_json_len(&list) == 0) {
        rac_ask_fail_code(q, 404, RAC_S("OperationNotFound"),
                          "There is no built-in operation '%.*s' in the group '%.*s'.",
                          RAC_FMT(name), RAC_FMT(group));
        return;
    }
    RAC_JSON_PUT(q->a, &o, "value", list);
    rac_ask_answer(q, o);
}
