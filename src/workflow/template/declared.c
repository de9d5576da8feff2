/*
 * What the declaration of a parameter permits: a type, values, bounds; of lists and objects also what
 * is in them, where the declaration says so (definitions, as newer templates have them, included).
 */
#include "base/str.h"
#include "base/utf8.h"
#include "workflow/template/template_priv.h"

enum { REFERENCES_MAX = 10, SHOWN_MAX = 60 };

struct subject {
    struct resolver *r;
    rac_str name; /* of the parameter */
    bool shown;   /* its value may be */
    bool placed;
};

static const struct type {
    rac_str name;
    enum rac_json_type type;
    bool secure;
} types[] = {{RAC_S_INIT("string"), RAC_JSON_STRING, false},
             {RAC_S_INIT("securestring"), RAC_JSON_STRING, true},
             {RAC_S_INIT("int"), RAC_JSON_INT, false},
             {RAC_S_INIT("bool"), RAC_JSON_BOOL, false},
             {RAC_S_INIT("array"), RAC_JSON_ARRAY, false},
             {RAC_S_INIT("object"), RAC_JSON_OBJECT, false},
             {RAC_S_INIT("secureobject"), RAC_JSON_OBJECT, true}};

/* NULL: a type nobody knows, of which any value is. */
static const struct type *type_of(const struct rac_json *p)
{
    rac_str name = rac_json_str(rac_json_geti(p, RAC_S("type")), RAC_S(""));
    for (size_t i = 0; i < RAC_COUNT(types); i++)
        if (rac_str_eqi(name, types[i].name))
            return &types[i];
    return NULL;
}

/* The declaration that {"$ref": "#/definitions/NAME"} means; without one, p. */
static const struct rac_json *meant(const struct resolver *r, const struct rac_json *p)
{
    for (int i = 0; i < REFERENCES_MAX; i++) {
        rac_str rest, ref = rac_json_str(rac_json_geti(p, RAC_S("$ref")), RAC_S(""));
        if (!rac_str_starts(ref, RAC_S("#/definitions/")))
            return p;
        rest = rac_str_from(ref, sizeof "#/definitions/" - 1);
        p = rac_json_geti(rac_json_geti(r->scope->root, RAC_S("definitions")), rest);
    }
    return NULL;
}

/* --- how it is said --------------------------------------------------------------------------- */

/* "the value 5 of the template parameter 'p'", "... at /a/0 ..." inside of it. */
static rac_str subject_text(const struct subject *s, const struct rac_json_trail *at,
                            const struct rac_json *v)
{
    struct rac_arena *a = s->r->a;
    rac_str place = at != NULL ? rac_json_trail_pointer(a, RAC_S(""), at) : RAC_S(""),
            value = RAC_S("");
    struct rac_json part = *v;
    if (v->type == RAC_JSON_STRING)
        part = rac_json_of_str(rac_utf8_mend(a, rac_str_sub((rac_str){v->s, v->n}, 0, SHOWN_MAX)));
    if (s->shown && v->type != RAC_JSON_ARRAY && v->type != RAC_JSON_OBJECT)
        value = rac_json_print_str(&part, 0, a);
    return rac_arena_printf(a, "the value%s%.*s%s%.*s of the template parameter '%.*s'",
                            value.n > 0 ? " " : "", RAC_FMT(value), place.n > 0 ? " at " : "",
                            RAC_FMT(place), RAC_FMT(s->name));
}

static struct rac_json beyond(const struct subject *s, const struct rac_json_trail *at,
                              const struct rac_json *v, const char *is, const char *bound,
                              int64_t limit)
{
    return unknown_becausef(s->r, "%.*s %s its %s of %lld", RAC_FMT(subject_text(s, at, v)), is,
                            bound, (long long)limit);
}

/* --- what is permitted; NONE: v is ------------------------------------------------------------- */

/* One of the values a parameter may have; "[resourceGroup().location]" stands among regions. */
static bool is_one(struct resolver *r, const struct rac_json *allowed, const struct rac_json *v)
{
    size_t placed = r->placed;
    struct rac_json one =
        template_is_expression(allowed) ? resolve(r, allowed, RAC_STR_NULL) : *allowed;
    if (value_is_unknown(&one) || r->placed != placed)
        return true;
    if (one.type == RAC_JSON_STRING && v->type == RAC_JSON_STRING)
        return rac_str_eqi((rac_str){one.s, one.n}, (rac_str){v->s, v->n});
    return affordable(r, &one) && affordable(r, v) && rac_json_equal(&one, v);
}

/* Texts in any letter case; of a list each element. */
static bool is_allowed(struct resolver *r, const struct rac_json *allowed, const struct rac_json *v)
{
    if (v->type == RAC_JSON_ARRAY) {
        bool all = true;
        RAC_JSON_EACH(e, v)
        all = all && is_allowed(r, allowed, e);
        if (all)
            return true;
    }
    RAC_JSON_EACH(e, allowed)
    if (is_one(r, e, v))
        return true;
    return false;
}

/* minValue, maxValue of a number; minLength, maxLength of a text or a list. */
static struct rac_json bounds_of(const struct subject *s, const struct rac_json *p,
                                 const struct rac_json_trail *at, const struct rac_json *v)
{
    bool number = v->type == RAC_JSON_INT;
    const struct rac_json *min = rac_json_geti(p, number ? RAC_S("minValue") : RAC_S("minLength")),
                          *max = rac_json_geti(p, number ? RAC_S("maxValue") : RAC_S("maxLength"));
    if (!number && v->type != RAC_JSON_STRING && v->type != RAC_JSON_ARRAY)
        return rac_json_none;
    if (!rac_json_is(min, RAC_JSON_INT) && !rac_json_is(max, RAC_JSON_INT))
        return rac_json_none;
    int64_t n = number                       ? v->i
                : v->type == RAC_JSON_STRING ? (int64_t)template_length(s->r, v)
                                             : (int64_t)rac_json_len(v);
    if (rac_json_is(min, RAC_JSON_INT) && n < min->i)
        return number ? beyond(s, at, v, "is below", "minValue", min->i)
                      : beyond(s, at, v, "is shorter than", "minLength", min->i);
    if (rac_json_is(max, RAC_JSON_INT) && n > max->i)
        return number ? beyond(s, at, v, "is above", "maxValue", max->i)
                      : beyond(s, at, v, "is longer than", "maxLength", max->i);
    return rac_json_none;
}

static struct rac_json fault_of(struct subject s, const struct rac_json *p,
                                const struct rac_json_trail *at, const struct rac_json *v);

static struct rac_json fault_inside(const struct subject *s, const struct rac_json *p,
                                    const struct rac_json_trail *at, const struct rac_json *v)
{
    const struct rac_json *items = rac_json_geti(p, RAC_S("items")),
                          *prefix = rac_json_geti(p, RAC_S("prefixItems")),
                          *properties = rac_json_geti(p, RAC_S("properties")),
                          *others = rac_json_geti(p, RAC_S("additionalProperties"));
    struct rac_json fault = rac_json_none;
    for (size_t i = 0; i < rac_json_len(v) && fault.type == RAC_JSON_NONE; i++) {
        const struct rac_json_member *m = rac_json_member_at(v, i);
        rac_str key = m != NULL ? rac_json_key(m) : RAC_STR_NULL;
        struct rac_json_trail here = {at, key, i};
        const struct rac_json *known = m != NULL ? rac_json_geti(properties, key)
                                                 : rac_json_at(prefix, i),
                              *declared = known != NULL ? known
                                          : m != NULL   ? others
                                                        : items;
        if (!affordable_bytes(s->r, 0))
            break;
        if (rac_json_is_object(declared))
            fault = fault_of(*s, declared, &here, m != NULL ? &m->value : rac_json_at(v, i));
    }
    return fault;
}

/* Null, what nobody knows, and values of types nobody knows are permitted; of a value that depends on
 * where the template is deployed, each that has the type. */
static struct rac_json fault_of(struct subject s, const struct rac_json *p,
                                const struct rac_json_trail *at, const struct rac_json *v)
{
    p = meant(s.r, p);
    const struct type *type = type_of(p);
    const struct rac_json *allowed = rac_json_geti(p, RAC_S("allowedValues"));
    s.shown = s.shown && !(type != NULL && type->secure);
    if (v->type == RAC_JSON_NULL || s.r->levels >= TEMPLATE_LEVELS_MAX)
        return rac_json_none;
    if (type != NULL && v->type != type->type)
        return unknown_becausef(s.r, "%.*s is no %.*s", RAC_FMT(subject_text(&s, at, v)),
                                RAC_FMT(rac_json_str(rac_json_geti(p, RAC_S("type")), RAC_S(""))));
    if (s.placed)
        return rac_json_none;
    if (rac_json_is_array(allowed) && !is_allowed(s.r, allowed, v))
        return unknown_becausef(s.r, "%.*s is none it allows", RAC_FMT(subject_text(&s, at, v)));
    struct rac_json fault = bounds_of(&s, p, at, v);
    s.r->levels++;
    if (fault.type == RAC_JSON_NONE)
        fault = fault_inside(&s, p, at, v);
    s.r->levels--;
    return fault;
}

struct rac_json template_permitted(struct resolver *r, const struct rac_json *p, rac_str name,
                                   struct rac_json v, struct origin from)
{
    struct subject s = {r, name, from.literal, from.placed};
    struct rac_json fault = fault_of(s, p, NULL, &v);
    if (fault.type == RAC_JSON_NONE)
        return v;
    fault.flags |= TEMPLATE_REFUSED;
    return fault;
}
