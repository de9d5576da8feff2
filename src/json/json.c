/* Looking at values and building them. Parsing, printing and pointers have files of their own. */
#include "json/json.h"
#include "json/object_priv.h"

#include <math.h>

const struct rac_json rac_json_none = {.type = RAC_JSON_NONE};

/* Trees deeper than this are not walked by the recursive helpers: parsers stop far earlier. */
enum { WALK_DEPTH_MAX = 4 * RAC_JSON_DEPTH_MAX };

/* --- looking ---------------------------------------------------------------------------- */

struct rac_json_member *rac_json_member(const struct rac_json *v, rac_str key)
{
    if (v == NULL || v->type != RAC_JSON_OBJECT)
        return NULL;
    const struct rac_json_object *o = v->object;
    if (o->slots != NULL) {
        uint32_t i;
        object_slot(o, key, &i);
        return i == UINT32_MAX ? NULL : &o->v[i];
    }
    for (uint32_t i = 0; i < o->n; i++)
        if (o->v[i].key_n == key.n && memcmp(o->v[i].key, key.p ? key.p : "", key.n) == 0)
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

/*
 * A spelling of any length as a double: 768 significant digits decide the rounding of every
 * double, so the rest can only matter as "a little more", which one more digit says.
 */
static double spelling_double_slow(rac_str s)
{
    char text[768 + 1 + 32];
    size_t n = 0, i = 0, digits = 0;
    bool point = false, more = false;
    int64_t exponent = 0, e = 0;
    if (s.n > 0 && s.p[0] == '-')
        text[n++] = s.p[i++];
    for (; i < s.n && (rac_is_digit(s.p[i]) || s.p[i] == '.'); i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        if (digits == 0 && s.p[i] == '0')
            continue;
        if (digits < 768) {
            text[n++] = s.p[i];
            digits++;
        } else {
            exponent++;
            more = more || s.p[i] != '0';
        }
    }
    if (more) {
        text[n++] = '1';
        exponent--;
    }
    bool minus = i + 1 < s.n && s.p[i + 1] == '-';
    for (i += i + 1 < s.n && (minus || s.p[i + 1] == '+') ? 2 : 1; i < s.n; i++)
        if (e < INT32_MAX)
            e = e * 10 + (s.p[i] - '0');
    exponent += minus ? -e : e;
    snprintf(text + n, sizeof text - n, "%se%lld", digits == 0 ? "0" : "", (long long)exponent);
    return strtod(text, NULL); /* the process stays in the C locale */
}

/*
 * The double nearest to a spelling. Up to 15 digits and a power of ten up to 22 are exact in one
 * operation.
 */
static double spelling_double(rac_str s)
{
    static const double pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool neg = s.n > 0 && s.p[0] == '-', point = false;
    size_t i = neg, digits = 0;
    uint64_t u = 0;
    unsigned decimals = 0;
    for (; i < s.n && digits <= 15 && (rac_is_digit(s.p[i]) || s.p[i] == '.'); i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        u = u * 10 + (uint64_t)(s.p[i] - '0');
        decimals += point;
        digits++;
    }
    if (i < s.n || digits > 15)
        return spelling_double_slow(s);
    double d = (double)u / pow10[decimals];
    return neg ? -d : d;
}

double rac_json_double(const struct rac_json *v, double otherwise)
{
    switch (v == NULL ? RAC_JSON_NONE : v->type) {
    case RAC_JSON_INT:
        return (double)v->i;
    case RAC_JSON_DOUBLE:
        return v->d;
    case RAC_JSON_NUMBER:
        return spelling_double((rac_str){v->s, v->n});
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

/* --- comparing -------------------------------------------------------------------------- */

/*
 * A decimal spelling as sign, digits without leading or trailing zeros, and the power of ten of
 * the last digit. Two numbers are equal exactly when these are.
 */
struct decimal {
    bool neg;
    char digits[64];
    size_t n;
    int64_t exponent;
    bool exact; /* false: too many digits to keep */
};

static void decimal_of(rac_str s, struct decimal *d)
{
    size_t i = 0, zeros = 0;
    bool point = false;
    int64_t exponent = 0;
    *d = (struct decimal){.exact = true};
    if (s.n > 0 && s.p[0] == '-') {
        d->neg = true;
        i = 1;
    }
    for (; i < s.n && (rac_is_digit(s.p[i]) || s.p[i] == '.'); i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        if (s.p[i] == '0') {
            zeros += d->n > 0;
            if (d->n == 0)
                continue;
            continue;
        }
        for (; zeros > 0 && d->n < sizeof d->digits; zeros--)
            d->digits[d->n++] = '0';
        if (d->n == sizeof d->digits) {
            d->exact = false;
            return;
        }
        d->digits[d->n++] = s.p[i];
    }
    if (i + 1 < s.n) { /* the exponent */
        int64_t e = 0;
        bool minus = s.p[i + 1] == '-';
        for (i += s.p[i + 1] == '-' || s.p[i + 1] == '+' ? 2 : 1; i < s.n; i++)
            if (e < INT32_MAX)
                e = e * 10 + (s.p[i] - '0');
        exponent += minus ? -e : e;
    }
    d->exponent = d->n == 0 ? 0 : exponent + (int64_t)zeros;
    d->neg = d->neg && d->n > 0;
}

static bool number_equal(const struct rac_json *x, const struct rac_json *y)
{
    if (x->type == RAC_JSON_INT && y->type == RAC_JSON_INT)
        return x->i == y->i;
    if (x->type == RAC_JSON_DOUBLE || y->type == RAC_JSON_DOUBLE)
        return rac_json_double(x, 0) == rac_json_double(y, 0);
    char buf_x[24], buf_y[24];
    rac_str sx = {x->s, x->n}, sy = {y->s, y->n};
    if (x->type == RAC_JSON_INT)
        sx = (rac_str){buf_x, (size_t)snprintf(buf_x, sizeof buf_x, "%lld", (long long)x->i)};
    if (y->type == RAC_JSON_INT)
        sy = (rac_str){buf_y, (size_t)snprintf(buf_y, sizeof buf_y, "%lld", (long long)y->i)};
    struct decimal dx, dy;
    decimal_of(sx, &dx);
    decimal_of(sy, &dy);
    if (!dx.exact || !dy.exact)
        return rac_str_eq(sx, sy);
    return dx.neg == dy.neg && dx.n == dy.n && dx.exponent == dy.exponent &&
           memcmp(dx.digits, dy.digits, dx.n) == 0;
}

static bool equal(const struct rac_json *x, const struct rac_json *y, unsigned depth)
{
    if (rac_json_is_number(x) && rac_json_is_number(y))
        return number_equal(x, y);
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

/* --- building ---------------------------------------------------------------------------- */

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

struct rac_json *rac_json_put(struct rac_arena *a, struct rac_json *object, rac_str key,
                              struct rac_json v)
{
    RAC_ASSERT(object->type == RAC_JSON_OBJECT && v.type != RAC_JSON_NONE && key.n < UINT32_MAX);
    struct rac_json_object *o = object->object;
    struct rac_json_member *m = rac_json_member(object, key);
    if (m != NULL) {
        m->value = v;
        return &m->value;
    }
    if (o->n == o->cap) {
        uint32_t cap = cap_next(o->cap);
        o->v = rac_arena_grow(a, o->v, o->cap * sizeof *o->v, cap * sizeof *o->v);
        o->cap = cap;
    }
    m = &o->v[o->n];
    *m = (struct rac_json_member){
        .key = key.p ? key.p : "", .key_n = (uint32_t)key.n, .key_pos = 0, .value = v};
    o->n++;
    if (o->n <= OBJECT_INDEX_MIN)
        return &m->value;
    if (o->slots == NULL || o->n > o->slots_n / 2) {
        o->slots_n = object_slots_for(o->n * 2);
        o->slots = rac_arena_alloc_dirty(a, o->slots_n * sizeof *o->slots);
        object_reindex(o);
        return &m->value;
    }
    o->n--; /* not to find itself */
    uint32_t found, at = object_slot(o, key, &found);
    o->slots[at] = ++o->n;
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

void rac_json_remove_at(struct rac_json *array, size_t i)
{
    RAC_ASSERT(array->type == RAC_JSON_ARRAY && i < array->array->n);
    struct rac_json_array *r = array->array;
    memmove(&r->v[i], &r->v[i + 1], (r->n - i - 1) * sizeof *r->v);
    r->n--;
}

static struct rac_json copy(struct rac_arena *a, const struct rac_json *v, unsigned depth)
{
    struct rac_json out = *v;
    if (depth > WALK_DEPTH_MAX) { /* nothing we build is that deep; say so rather than overflow */
        a->over = true;
        return rac_json_of_null();
    }
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
