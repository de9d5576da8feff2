/*
 * text_priv - building text in an arena.
 *
 * rac_cat grows in place while nothing else is allocated from the arena, so a whole URL costs one
 * allocation. Private to this room.
 */
#ifndef RAC_CONNECTOR_TEXT_PRIV_H
#define RAC_CONNECTOR_TEXT_PRIV_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"
#include "json/json.h"
#include "text/url.h"

struct rac_cat {
    struct rac_arena *a;
    char *p;
    size_t n, cap;
};

static inline struct rac_cat rac_cat_new(struct rac_arena *a, size_t room)
{
    return (struct rac_cat){.a = a, .p = rac_arena_alloc_dirty(a, room), .cap = room};
}
static inline char *rac_cat_room(struct rac_cat *c, size_t n)
{
    if (RAC_UNLIKELY(c->cap - c->n < n)) {
        size_t cap = (c->n + n) * 2;
        c->p = rac_arena_grow(c->a, c->p, c->cap, cap);
        c->cap = cap;
    }
    return c->p + c->n;
}
static inline void rac_cat_add(struct rac_cat *c, rac_str s)
{
    if (s.n == 0)
        return;
    memcpy(rac_cat_room(c, s.n), s.p, s.n);
    c->n += s.n;
}
static inline void rac_cat_char(struct rac_cat *c, char ch)
{
    *rac_cat_room(c, 1) = ch;
    c->n++;
}
static inline rac_str rac_cat_str(const struct rac_cat *c)
{
    return (rac_str){c->p ? c->p : "", c->n};
}

/* s percent-encoded, appended. */
void rac_cat_url(struct rac_cat *c, rac_str s, enum rac_url_set set);

/* A value as text: strings as they are, scalars in their JSON spelling, containers as JSON text,
 * null and NONE as "". */
rac_str rac_value_text(struct rac_arena *a, const struct rac_json *v);

#endif
