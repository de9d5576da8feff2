#include "workflow/outside/pages.h"

#include "connector/verdict.h"

void rac_pages_begin(struct rac_pages *s, int64_t minimum_items, rac_str next_link_name)
{
    int64_t n = minimum_items > RAC_PAGES_ITEMS_MAX ? RAC_PAGES_ITEMS_MAX : minimum_items;
    *s = (struct rac_pages){.items_wanted = n < 0 ? 0 : n, .next_link_name = next_link_name};
}

static void append(struct rac_json *all, const struct rac_json *items, struct rac_arena *a)
{
    RAC_JSON_EACH(e, items)
    {
        if (rac_arena_over(a))
            return;
        rac_json_add(a, all, *e);
    }
}

enum rac_pages_step rac_pages_answer(struct rac_pages *s, rac_str url,
                                     const struct rac_json *outputs, struct rac_arena *a,
                                     rac_str *next)
{
    int64_t status = rac_json_int(RAC_JSON_GET(outputs, "statusCode"), 0);
    const struct rac_json *body = RAC_JSON_GET(outputs, "body");
    const struct rac_json *items = rac_page_items(body);
    if (s->pages++ == 0) {
        s->first = *outputs;
        if (status < 200 || status > 299 || items == NULL)
            return RAC_PAGES_DONE; /* as it is: the action judges it */
        s->items = rac_json_new_array(a);
    } else if (status < 200 || status > 299) {
        return RAC_PAGES_FAILED;
    }
    append(&s->items, items, a);
    if ((int64_t)rac_json_len(&s->items) >= s->items_wanted || s->pages >= RAC_PAGES_MAX)
        return RAC_PAGES_DONE;
    *next = rac_next_page(body, s->next_link_name, url, a);
    return next->p != NULL ? RAC_PAGES_NEXT : RAC_PAGES_DONE;
}

/* The members that say where the next page is. */
static bool is_link(const struct rac_pages *s, rac_str key)
{
    if (s->next_link_name.n > 0)
        return rac_str_eq(key, s->next_link_name);
    return rac_str_eq(key, RAC_S("nextLink")) || rac_str_eq(key, RAC_S("@odata.nextLink"));
}

struct rac_json rac_pages_outputs(const struct rac_pages *s, struct rac_arena *a)
{
    const struct rac_json *body = RAC_JSON_GET(&s->first, "body");
    const struct rac_json *collection = rac_page_items(body);
    struct rac_json out = rac_json_new_object(a), merged = s->items;
    if (s->items.type == RAC_JSON_NONE)
        return s->first;
    if (rac_json_is_object(body)) {
        merged = rac_json_new_object(a);
        RAC_JSON_EACH_MEMBER(m, body)
        if (&m->value == collection)
            rac_json_put(a, &merged, rac_json_key(m), s->items);
        else if (!is_link(s, rac_json_key(m)))
            rac_json_put(a, &merged, rac_json_key(m), m->value);
    }
    RAC_JSON_EACH_MEMBER(m, &s->first)
    rac_json_put(a, &out, rac_json_key(m),
                 rac_str_eq(rac_json_key(m), RAC_S("body")) ? merged : m->value);
    return out;
}
