/* The place of a callback URL: looked for once per operation, through properties, allOf and items. */
#include "connector/notification.h"

enum { DEPTH_MAX = 12, NODES_MAX = 512 };

struct search {
    struct rac_api *api;
    rac_str steps[DEPTH_MAX];
    uint32_t n;
    int nodes;
};

static bool is_marked(const struct rac_json *node)
{
    return rac_json_bool(RAC_JSON_GET(node, "x-ms-notification-url"), false);
}

static bool found(struct search *s, const struct rac_json *schema, unsigned depth);

static bool found_below(struct search *s, rac_str step, const struct rac_json *schema,
                        unsigned depth)
{
    if (s->n == DEPTH_MAX)
        return false;
    s->steps[s->n++] = step;
    if (found(s, schema, depth + 1))
        return true;
    s->n--;
    return false;
}

static bool found(struct search *s, const struct rac_json *schema, unsigned depth)
{
    if (is_marked(schema)) /* beside a $ref, too */
        return true;
    schema = rac_api_deref(s->api, schema);
    if (schema == NULL || depth > DEPTH_MAX || s->nodes++ > NODES_MAX)
        return false;
    if (is_marked(schema))
        return true;
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(schema, "properties"))
    {
        if (found_below(s, rac_json_key(m), &m->value, depth))
            return true;
    }
    const struct rac_json *all = RAC_JSON_GET(schema, "allOf"),
                          *items = RAC_JSON_GET(schema, "items");
    if (rac_json_is_array(all))
        RAC_JSON_EACH(part, all)
        {
            if (found(s, part, depth + 1))
                return true;
        }
    return items != NULL && found_below(s, RAC_STR_NULL, items, depth);
}

const struct rac_notification_place *
rac_notification_find(struct rac_api *api, const struct rac_api_operation *op, struct rac_arena *a)
{
    for (size_t i = 0; i < op->params_n; i++) {
        const struct rac_api_param *p = &op->params[i];
        struct search s = {.api = api};
        if (p->in == RAC_IN_PATH || (!is_marked(p->node) && !found(&s, p->schema, 0)))
            continue;
        struct rac_notification_place *place = RAC_NEW(a, struct rac_notification_place);
        place->param = (uint32_t)i;
        place->steps = RAC_NEW_N(a, rac_str, s.n);
        place->steps_n = s.n;
        for (uint32_t k = 0; k < s.n; k++)
            place->steps[k] = s.steps[k].p != NULL ? rac_arena_str(a, s.steps[k]) : RAC_STR_NULL;
        return place;
    }
    return NULL;
}

static bool is_open(const struct rac_json *v)
{
    return v->type == RAC_JSON_NONE || v->type == RAC_JSON_NULL;
}

static void put(const rac_str *steps, uint32_t n, struct rac_json *v, rac_str url,
                struct rac_arena *a)
{
    if (n == 0) {
        if (is_open(v) || (v->type == RAC_JSON_STRING && v->n == 0))
            *v = rac_json_of_str(url);
        return;
    }
    if (is_open(v))
        *v = steps->p != NULL ? rac_json_new_object(a) : rac_json_new_array(a);
    if (steps->p != NULL && v->type == RAC_JSON_OBJECT) {
        struct rac_json *next = rac_json_get(v, *steps);
        if (next == NULL)
            next = rac_json_put(a, v, *steps, rac_json_of_null());
        put(steps + 1, n - 1, next, url, a);
    } else if (steps->p == NULL && v->type == RAC_JSON_ARRAY) {
        if (rac_json_len(v) == 0)
            rac_json_add(a, v, rac_json_of_null());
        for (size_t i = 0; i < rac_json_len(v); i++)
            put(steps + 1, n - 1, rac_json_at(v, i), url, a);
    }
}

void rac_notification_put(const struct rac_notification_place *p, struct rac_json *value,
                          rac_str url, struct rac_arena *a)
{
    put(p->steps, p->steps_n, value, url, a);
}
