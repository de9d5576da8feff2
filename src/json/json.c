/* Looking at values and building them. Parsing, printing and pointers have files of their own. */
#include "json/json.h"
#include "json/number_priv.h"
#include "json/object_priv.h"

#include <math.h>

const struct rac_json rac_json_none = {.type = RAC_JSON_NONE};

/* Trees deeper than this are not walked by the recursive helpers: parsers stop far earlier. */
enum { WALK_DEPTH_MAX = RAC_JSON_OWN_DEPTH_MAX };

/* --- looking --------------------------------------------------------------------------------- */

/* Keys are short and mostly differ in their first bytes: no call for those of up to 16. */
static inline bool same_bytes(const char *x, const char *y, size_t n)
{
    uint64_t x8, y8, x8_end, y8_end;
    uint32_t x4, y4, x4_end, y4_end;
    if (n >= 8) {
        memcpy(&x8, x, 8);
        memcpy(&y8, y, 8);
        if (x8 != y8)
            return false;
        memcpy(&x8_end, x + n - 8, 8);
        memcpy(&y8_end, y + n - 8, 8);
        return x8_end == y8_end && (n <= 16 || memcmp(x, y, n) == 0);
    }
    if (n >= 4) {
        memcpy(&x4, x, 4);
        memcpy(&y4, y, 4);
        memcpy(&x4_end, x + n - 4, 4);
        memcpy(&y4_end, y + n - 4, 4);
        return x4 == y4 && x4_end == y4_end;
    }
    return n == 0 || (x[0] == y[0] && x[n / 2] == y[n / 2] && x[n - 1] == y[n - 1]);
}

static RAC_NOINLINE struct rac_json_member *indexed(const struct rac_json_object *o, rac_str key)
{
    uint32_t i;
    object_slot(o, key, &i);
    return i == UINT32_MAX ? NULL : &o->v[i];
}

struct rac_json_member *rac_json_member(const struct rac_json *v, rac_str key)
{
    if (v == NULL || v->type != RAC_JSON_OBJECT)
        return NULL;
    const struct rac_json_object *o = v->object;
    if (o->slots != NULL)
        return indexed(o, key);
    for (uint32_t i = 0; i < o->n; i++)
        if (o->v[i].key_n == key.n && same_bytes(o->v[i].key, key.p, key.n))
            return &o->v[i];
    return NULL;
}

struct rac_json *rac_json_get(const struct rac_json *v, rac_str key)
{
    struct rac_json_member *m = rac_json_member(v, key);
    return m == NULL ? NULL : &m->value;
}

struct rac_json *rac_json_geti(const struct rac_json *v, rac_str key)
{
    struct rac_json *exact = rac_json_get(v, key);
    if (exact != NULL)
        return exact;
    RAC_JSON_EACH_MEMBER(m, v)
    if (m->key_n == key.n && rac_str_eqi(rac_json_key(m), key))
        return &m->value;
    return NULL;
}

rac_str rac_json_str(const struct rac_json *v, rac_str otherwise)
{
    return rac_json_is_string(v) ? (rac_str){v->s, v->n} : otherwise;
}

bool rac_json_bool(const struct rac_json *v, bool otherwise)
{
    return rac_json_is_bool(v) ? v->b : otherwise;
}

double rac_json_double(const struct rac_json *v, double otherwise)
{
    switch (v == NULL ? RAC_JSON_NONE : v->type) {
    case RAC_JSON_INT:
        return (double)v->i;
    case RAC_JSON_DOUBLE:
        return v->d;
    case RAC_JSON_NUMBER:
        return number_double((rac_str){v->s, v->n});
    default:
        return otherwise;
    }
}

int64_t rac_json_int(const struct rac_json *v, int64_t otherwise)
{
    if (rac_json_is(v, RAC_JSON_INT))
        return v->i;
    if (!rac_json_is_number(v))
        return otherwise;
    double d = rac_json_double(v, NAN);
    if (!(d >= -0x1p63 && d < 0x1p63) || d != floor(d))
        return otherwise;
    return (int64_t)d;
}

rac_str rac_json_type_name(const struct rac_json *v)
{
    static const rac_str names[] = {
        RAC_S_INIT("nothing"), RAC_S_INIT("null"),   RAC_S_INIT("boolean"),
        RAC_S_INIT("integer"), RAC_S_INIT("number"), RAC_S_INIT("number"),
        RAC_S_INIT("string"),  RAC_S_INIT("array"),  RAC_S_INIT("object"),
    };
    return names[v == NULL ? RAC_JSON_NONE : v->type];
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool equal(const struct rac_json *x, const struct rac_json *y, unsigned depth)
{
    if (rac_json_is_number(x) && rac_json_is_number(y))
        return number_cmp(x, y) == 0;
    if (x->type != y->type || depth > WALK_DEPTH_MAX || rac_json_len(x) != rac_json_len(y))
        return false;
    switch (x->type) {
    case RAC_JSON_BOOL:
        return x->b == y->b;
    case RAC_JSON_STRING:
        return x->n == y->n && memcmp(x->s, y->s, x->n) == 0;
    case RAC_JSON_ARRAY:
        if (x->array == y->array)
            return true;
        for (uint32_t i = 0; i < x->array->n; i++)
            if (!equal(&x->array->v[i], &y->array->v[i], depth + 1))
                return false;
        return true;
    case RAC_JSON_OBJECT:
        if (x->object == y->object)
            return true;
        for (uint32_t i = 0; i < x->object->n; i++) {
            const struct rac_json_member *m = &x->object->v[i], *same = &y->object->v[i];
            const struct rac_json *other =
                same->key_n == m->key_n && memcmp(same->key, m->key, m->key_n) == 0
                    ? &same->value
                    : rac_json_get(y, rac_json_key(m));
            if (other == NULL || !equal(&m->value, other, depth + 1))
                return false;
        }
        return true;
    default:
        return true;
    }
}

bool rac_json_equal(const struct rac_json *x, const struct rac_json *y)
{
    if (x == NULL || y == NULL)
        return x == y;
    return equal(x, y, 0);
}

static uint64_t hash_mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t hash(const struct rac_json *v, unsigned depth)
{
    uint64_t h = v->type, sum = 0, bits;
    double d;
    if (depth > WALK_DEPTH_MAX)
        return 0;
    switch (v->type) {
    case RAC_JSON_INT:
    case RAC_JSON_NUMBER:
    case RAC_JSON_DOUBLE:
        d = rac_json_double(v, 0) + 0.0; /* -0 is 0 */
        memcpy(&bits, &d, sizeof bits);
        return hash_mix(RAC_JSON_NUMBER, bits);
    case RAC_JSON_BOOL:
        return hash_mix(h, v->b);
    case RAC_JSON_STRING:
        return hash_mix(h, rac_str_hash((rac_str){v->s, v->n}));
    case RAC_JSON_ARRAY:
        RAC_JSON_EACH(e, v)
        h = hash_mix(h, hash(e, depth + 1));
        return h;
    case RAC_JSON_OBJECT:
        RAC_JSON_EACH_MEMBER(m, v)
        sum += hash_mix(rac_str_hash(rac_json_key(m)), hash(&m->value, depth + 1));
        return hash_mix(h, sum);
    default:
        return h;
    }
}

uint64_t rac_json_hash(const struct rac_json *v)
{
    return v == NULL ? 0 : hash(v, 0);
}

int rac_json_number_cmp(const struct rac_json *x, const struct rac_json *y)
{
    RAC_ASSERT(rac_json_is_number(x) && rac_json_is_number(y));
    return number_cmp(x, y);
}

/* --- building -------------------------------------------------------------------------------- */

struct rac_json rac_json_new_array(struct rac_arena *a)
{
    return (struct rac_json){.type = RAC_JSON_ARRAY, .array = RAC_NEW(a, struct rac_json_array)};
}

struct rac_json rac_json_new_object(struct rac_arena *a)
{
    return (struct rac_json){.type = RAC_JSON_OBJECT, .object = RAC_NEW(a, struct rac_json_object)};
}

static uint32_t cap_next(uint32_t cap)
{
    RAC_ASSERT(cap < UINT32_MAX / 4);
    return cap < 4 ? 4 : cap * 2;
}

struct rac_json *rac_json_add(struct rac_arena *a, struct rac_json *array, struct rac_json v)
{
    RAC_ASSERT(array->type == RAC_JSON_ARRAY && v.type != RAC_JSON_NONE);
    struct rac_json_array *r = array->array;
    if (r->n == r->cap) {
        uint32_t cap = cap_next(r->cap);
        r->v = rac_arena_grow(a, r->v, r->cap * sizeof *r->v, cap * sizeof *r->v);
        r->cap = cap;
    }
    r->v[r->n] = v;
    return &r->v[r->n++];
}

struct rac_json rac_json_new_object_n(struct rac_arena *a, size_t n)
{
    RAC_ASSERT(n < UINT32_MAX / 4);
    struct rac_json_object *o = RAC_NEW(a, struct rac_json_object);
    o->v = rac_arena_alloc_dirty(a, n * sizeof *o->v);
    o->cap = (uint32_t)n;
    return (struct rac_json){.type = RAC_JSON_OBJECT, .object = o};
}

/* Enters the last member into the index, which large objects have. */
static void index_last(struct rac_arena *a, struct rac_json_object *o)
{
    if (o->slots == NULL || o->n > o->slots_n / 2) {
        o->slots_n = object_slots_for(o->n * 2);
        o->slots = rac_arena_alloc_dirty(a, o->slots_n * sizeof *o->slots);
        object_reindex(o);
        return;
    }
    o->n--; /* not to find itself */
    uint32_t found, at = object_slot(o, rac_json_key(&o->v[o->n]), &found);
    o->slots[at] = ++o->n;
}

struct rac_json *rac_json_add_new(struct rac_arena *a, struct rac_json *object, rac_str key,
                                  struct rac_json v)
{
    RAC_ASSERT(object->type == RAC_JSON_OBJECT && v.type != RAC_JSON_NONE && key.n < UINT32_MAX);
    struct rac_json_object *o = object->object;
    if (o->n == o->cap) {
        uint32_t cap = cap_next(o->cap);
        o->v = rac_arena_grow(a, o->v, o->cap * sizeof *o->v, cap * sizeof *o->v);
        o->cap = cap;
    }
    struct rac_json_member *m = &o->v[o->n++];
    m->key = key.p ? key.p : "";
    m->key_n = (uint32_t)key.n;
    m->key_pos = 0;
    m->value = v;
    if (RAC_UNLIKELY(o->n > OBJECT_INDEX_MIN))
        index_last(a, o);
    return &m->value;
}

struct rac_json *rac_json_put(struct rac_arena *a, struct rac_json *object, rac_str key,
                              struct rac_json v)
{
    RAC_ASSERT(object->type == RAC_JSON_OBJECT && v.type != RAC_JSON_NONE);
    struct rac_json_member *m = rac_json_member(object, key);
    if (m == NULL)
        return rac_json_add_new(a, object, key, v);
    m->value = v;
    return &m->value;
}

bool rac_json_del(struct rac_json *object, rac_str key)
{
    struct rac_json_member *m = rac_json_member(object, key);
    if (m == NULL)
        return false;
    struct rac_json_object *o = object->object;
    memmove(m, m + 1, (size_t)(o->v + o->n - (m + 1)) * sizeof *m);
    o->n--;
    if (o->slots != NULL)
        object_reindex(o);
    return true;
}

static struct rac_json copy(struct rac_arena *a, const struct rac_json *v, unsigned depth)
{
    struct rac_json out = *v;
    if (depth > WALK_DEPTH_MAX) /* nothing we build is that deep; say so rather than overflow */
        a->over = true;
    if (a->over)
        return rac_json_of_null();
    if (v->type == RAC_JSON_STRING || v->type == RAC_JSON_NUMBER) {
        out.s = rac_arena_cstr(a, (rac_str){v->s, v->n});
    } else if (v->type == RAC_JSON_ARRAY) {
        uint32_t n = v->array->n;
        out.array = RAC_NEW(a, struct rac_json_array);
        *out.array = (struct rac_json_array){
            .n = n, .cap = n, .v = rac_arena_alloc_dirty(a, n * sizeof(struct rac_json))};
        for (uint32_t i = 0; i < n; i++)
            out.array->v[i] = copy(a, &v->array->v[i], depth + 1);
    } else if (v->type == RAC_JSON_OBJECT) {
        const struct rac_json_object *o = v->object;
        out.object = RAC_NEW(a, struct rac_json_object);
        *out.object = *o;
        out.object->cap = o->n;
        out.object->v = rac_arena_alloc_dirty(a, o->n * sizeof *o->v);
        for (uint32_t i = 0; i < o->n; i++) {
            struct rac_json_member *m = &out.object->v[i];
            *m = o->v[i];
            m->key = rac_arena_cstr(a, rac_json_key(&o->v[i]));
            m->value = copy(a, &o->v[i].value, depth + 1);
        }
        if (o->slots != NULL) {
            out.object->slots = rac_arena_alloc_dirty(a, o->slots_n * sizeof *o->slots);
            memcpy(out.object->slots, o->slots, o->slots_n * sizeof *o->slots);
        }
    }
    return out;
}

struct rac_json rac_json_copy(struct rac_arena *a, const struct rac_json *v)
{
    return v == NULL ? rac_json_none : copy(a, v, 0);
}
