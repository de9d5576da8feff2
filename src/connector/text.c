#include "connector/text_priv.h"

void rac_cat_url(struct rac_cat *c, rac_str s, enum rac_url_set set)
{
    size_t room;
    RAC_ASSERT(rac_size_mul(s.n, 3, &room));
    c->n += rac_url_encode_into(rac_cat_room(c, room), s, set);
}

rac_str rac_value_text(struct rac_arena *a, const struct rac_json *v)
{
    if (v == NULL)
        return RAC_S("");
    switch (v->type) {
    case RAC_JSON_STRING:
    case RAC_JSON_NUMBER:
        return (rac_str){v->s, v->n};
    case RAC_JSON_BOOL:
        return v->b ? RAC_S("true") : RAC_S("false");
    case RAC_JSON_NONE:
    case RAC_JSON_NULL:
        return RAC_S("");
    default:
        return rac_json_print_str(v, 0, a);
    }
}
