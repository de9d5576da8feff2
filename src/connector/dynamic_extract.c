/*
 * dynamic_extract - answers picked apart: paths, items, schemas, itemIsParent.
 */
#include "connector/dynamic_priv.h"

#include "base/str.h"

/* --- paths ------------------------------------------------------------------------------------ */

const struct rac_json *rac_dynamic_path(const struct rac_json *v, rac_str path)
{
    if (path.n > 0 && path.p[0] == '/')
        path = rac_str_from(path, 1);
    if (path.n == 0 || v == NULL)
        return v;
    const struct rac_json *whole = rac_json_get(v, path); /* a key that holds a '/' itself */
    if (whole != NULL)
        return whole;
    rac_str rest = path;
    while (rest.p != NULL && v != NULL) {
        uint64_t i;
        rac_str step = rac_str_cut(rest, '/', &rest);
        if (rac_json_is_array(v))
            v = rac_str_to_u64(step, &i) ? rac_json_at(v, (size_t)i) : NULL;
        else
            v = rac_json_get(v, step);
    }
    return v;
}

/* A path of an item; some authors write it from the root of the answer ("Data/Id"). */
static const struct rac_json *item_path(const struct rac_json *item, rac_str path,
                                        rac_str items_path)
{
    const struct rac_json *v = rac_dynamic_path(item, path);
    size_t n = items_path.n;
    if (v != NULL || n == 0 || path.n <= n + 1 || path.p[n] != '/' ||
        !rac_str_starts(path, items_path))
        return v;
    return rac_dynamic_path(item, rac_str_from(path, n + 1));
}

/* --- items ------------------------------------------------------------------------------------ */

const struct rac_json *rac_dynamic_items(const struct rac_json *body, rac_str items_path)
{
    if (items_path.n > 0) {
        const struct rac_json *v = rac_dynamic_path(body, items_path);
        if (rac_json_is_array(v))
            return v;
    }
    if (rac_json_is_array(body))
        return body;
    if (rac_json_is_object(body))
        RAC_JSON_EACH_MEMBER(m, body)
    if (rac_json_is_array(&m->value))
        return &m->value;
    return NULL;
}

static bool is_scalar(const struct rac_json *v)
{
    return rac_json_is_string(v) || rac_json_is_number(v) || rac_json_is_bool(v);
}

static struct rac_json label(const struct rac_json *v, struct rac_arena *a)
{
    if (rac_json_is_string(v))
        return *v;
    return rac_json_of_str(rac_json_print_str(v, 0, a));
}

static bool truth(const struct rac_json *v)
{
    if (rac_json_is_string(v))
        return rac_str_eqi(rac_json_str(v, RAC_S("")), RAC_S("true"));
    return rac_json_is_number(v) ? rac_json_double(v, 0) != 0 : rac_json_bool(v, false);
}

/* What the next call will want to know of this node. */
static struct rac_json selection_of(const struct rac_dynamic_def *d, const struct rac_json *item,
                                    const struct rac_json *value, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a);
    for (size_t i = 0; i < d->browse.args_n; i++) {
        const struct rac_dynamic_arg *x = &d->browse.args[i];
        if (x->kind != RAC_ARG_SELECTED)
            continue;
        const struct rac_json *v = rac_dynamic_path(item, x->path);
        if (v != NULL)
            rac_json_put(a, &o, x->path, *v);
    }
    if (rac_json_len(&o) == 0)
        RAC_JSON_PUT(a, &o, "value", *value);
    return o;
}

static void put_tree(const struct rac_dynamic_def *d, const struct rac_dynamic_call_def *c,
                     const struct rac_json *item, const struct rac_json *value, struct rac_arena *a,
                     struct rac_json *out)
{
    const struct rac_json *full =
        c->full_title_path.n > 0 ? item_path(item, c->full_title_path, c->items_path) : NULL;
    const struct rac_json *media =
        c->media_path.n > 0 ? item_path(item, c->media_path, c->items_path) : NULL;
    bool parent = c->is_parent.n > 0 ? rac_dynamic_is_parent(c->is_parent, item, NULL)
                                     : c->folder_path.n > 0 &&
                                           truth(item_path(item, c->folder_path, c->items_path));
    if (is_scalar(full))
        RAC_JSON_PUT(a, out, "fullTitle", label(full, a));
    RAC_JSON_PUT(a, out, "isParent", rac_json_of_bool(parent));
    RAC_JSON_PUT(a, out, "selectable",
                 rac_json_of_bool(parent ? d->select_parents : d->select_leaves));
    if (rac_json_is_string(media))
        RAC_JSON_PUT(a, out, "mediaType", *media);
    RAC_JSON_PUT(a, out, "selection", selection_of(d, item, value, a));
}

bool rac_dynamic_item(const struct rac_dynamic_def *d, const struct rac_dynamic_call_def *c,
                      const struct rac_json *item, struct rac_arena *a, struct rac_json *out)
{
    const struct rac_json *value = item, *title = NULL, *more = NULL;
    if (rac_json_is_object(item)) {
        title = c->title_path.n > 0 ? item_path(item, c->title_path, c->items_path) : NULL;
        value = c->value_path.n > 0 ? item_path(item, c->value_path, c->items_path) : title;
    }
    if (value == NULL || rac_json_is_null(value))
        return false;
    if (!is_scalar(title) || (rac_json_is_string(title) && title->n == 0))
        title = value;
    *out = rac_json_new_object(a);
    RAC_JSON_PUT(a, out, "value", *value);
    RAC_JSON_PUT(a, out, "displayName", label(title, a));
    if (c->description_path.n > 0)
        more = item_path(item, c->description_path, c->items_path);
    if (is_scalar(more))
        RAC_JSON_PUT(a, out, "description", label(more, a));
    if (d->kind == RAC_DYNAMIC_TREE) {
        put_tree(d, c, item, value, a, out);
    } else if (c->selectable_path.n > 0) {
        const struct rac_json *s = item_path(item, c->selectable_path, c->items_path);
        if (s != NULL && !truth(s))
            RAC_JSON_PUT(a, out, "selectable", rac_json_of_bool(false));
    }
    return true;
}

/* --- schemas ---------------------------------------------------------------------------------- */

/* §5.6: a `type`, `properties` or `$schema` of the right JSON type makes it a schema; a map of
 * properties may well have a property of such a name, but its value is an object then. */
static bool is_schema(const struct rac_json *v)
{
    const struct rac_json *type = RAC_JSON_GET(v, "type");
    static const char *const lists[] = {"allOf", "oneOf", "anyOf", "enum"};
    if (rac_json_is_string(type) || rac_json_is_array(type) ||
        rac_json_is_string(RAC_JSON_GET(v, "$schema")))
        return true;
    for (size_t i = 0; i < RAC_COUNT(lists); i++)
        if (rac_json_is_array(rac_json_get(v, rac_str_of(lists[i]))))
            return true;
    const struct rac_json *p = RAC_JSON_GET(v, "properties");
    return rac_json_is_object(p) && !rac_json_is_string(RAC_JSON_GET(p, "type"));
}

bool rac_dynamic_schema(const struct rac_json *body, rac_str path, struct rac_arena *a,
                        struct rac_json *out)
{
    struct rac_json parsed;
    struct rac_json_error where;
    const struct rac_json *v = rac_dynamic_path(body, path);
    if (v == NULL && path.n > 0) /* the path of the other twin, or an answer that is the schema */
        v = rac_str_ends(path, RAC_S("/properties"))
                ? rac_dynamic_path(body, rac_str_sub(path, 0, path.n - 11))
            : is_schema(body) ? body
                              : NULL;
    if (rac_json_is_string(v)) { /* a schema in a string */
        if (rac_json_parse(rac_json_str(v, RAC_S("")), a, RAC_JSON_COPY, &parsed, &where) != RAC_OK)
            return false;
        v = &parsed;
    }
    if (rac_json_is_null(v) || (rac_json_is_object(v) && rac_json_len(v) == 0)) {
        *out = rac_json_of_null();
        return true;
    }
    if (!rac_json_is_object(v))
        return false;
    *out = rac_json_copy(a, v);
    if (is_schema(v)) {
        if (RAC_JSON_GET(v, "type") == NULL && RAC_JSON_GET(v, "properties") != NULL)
            RAC_JSON_PUT_STR(a, out, "type", RAC_S("object"));
        return true;
    }
    struct rac_json map = *out;
    *out = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, out, "type", RAC_S("object"));
    RAC_JSON_PUT(a, out, "properties", map);
    return true;
}

static bool survives(rac_str key)
{
    static const rac_str keep[] = {RAC_S_INIT("title"), RAC_S_INIT("description"),
                                   RAC_S_INIT("summary"), RAC_S_INIT("x-ms-summary"),
                                   RAC_S_INIT("name")};
    for (size_t i = 0; i < RAC_COUNT(keep); i++)
        if (rac_str_eq(key, keep[i]))
            return true;
    return false;
}

struct rac_json rac_dynamic_merge(const struct rac_json *fixed, const struct rac_json *fresh,
                                  struct rac_arena *a)
{
    struct rac_json out = rac_json_new_object(a);
    if (rac_json_is_object(fixed))
        RAC_JSON_EACH_MEMBER(m, fixed)
    if (!rac_str_starts(rac_json_key(m), RAC_S("x-ms-dynamic-")))
        rac_json_put(a, &out, rac_json_key(m), rac_json_copy(a, &m->value));
    if (!rac_json_is_object(fresh))
        return out;
    RAC_JSON_EACH_MEMBER(m, fresh)
    {
        rac_str key = rac_json_key(m);
        struct rac_json *have = rac_json_get(&out, key);
        if (have != NULL && survives(key))
            continue;
        if (rac_str_eq(key, RAC_S("properties")) && rac_json_is_object(have)) {
            RAC_JSON_EACH_MEMBER(p, &m->value)
            rac_json_put(a, have, rac_json_key(p), p->value);
        } else {
            rac_json_put(a, &out, key, m->value);
        }
    }
    return out;
}

/* --- itemIsParent
 * ---------------------------------------------------------------------------------------
 *
 *   or   = and *( "or" and )
 *   and  = term *( "and" term )
 *   term = "not" term / "(" or ")" / path [ op literal ]
 *   op   = "eq" / "ne" / "gt" / "ge" / "lt" / "le"
 */

enum { NESTING_MAX = 16 };

struct expression {
    rac_str rest;
    const struct rac_json *item;
    bool bad;
};

static rac_str word(struct expression *x)
{
    x->rest = rac_str_trim(x->rest);
    size_t i = 0;
    if (x->rest.n == 0)
        return RAC_STR_NULL;
    char c = x->rest.p[0];
    if (c == '(' || c == ')') {
        i = 1;
    } else if (c == '\'' || c == '"') {
        size_t end = rac_str_find_char(rac_str_from(x->rest, 1), c);
        x->bad = x->bad || end == RAC_STR_NPOS;
        i = end == RAC_STR_NPOS ? x->rest.n : end + 2;
    } else {
        while (i < x->rest.n && !rac_is_space(x->rest.p[i]) && x->rest.p[i] != '(' &&
               x->rest.p[i] != ')')
            i++;
    }
    rac_str w = rac_str_sub(x->rest, 0, i);
    x->rest = rac_str_from(x->rest, i);
    return w;
}

static rac_str peek(struct expression *x)
{
    struct expression copy = *x;
    return word(&copy);
}

static rac_str unquoted(rac_str w)
{
    bool quoted = w.n >= 2 && (w.p[0] == '\'' || w.p[0] == '"') && w.p[w.n - 1] == w.p[0];
    return quoted ? rac_str_sub(w, 1, w.n - 2) : w;
}

/* -1, 0, 1; 2 when the two cannot be compared. */
static int compare(const struct rac_json *v, rac_str literal)
{
    double x, y;
    bool quoted = literal.n > 0 && (literal.p[0] == '\'' || literal.p[0] == '"');
    if (v == NULL || rac_json_is_null(v))
        return !quoted && rac_str_eqi(literal, RAC_S("null")) ? 0 : 2;
    if (rac_json_is_bool(v))
        return rac_str_eqi(unquoted(literal), v->b ? RAC_S("true") : RAC_S("false")) ? 0 : 2;
    if (rac_json_is_number(v) && rac_str_to_double(unquoted(literal), &y)) {
        x = rac_json_double(v, 0);
        return x < y ? -1 : x > y;
    }
    if (!rac_json_is_string(v))
        return 2;
    rac_str s = rac_json_str(v, RAC_S(""));
    if (!quoted && (rac_str_eqi(literal, RAC_S("true")) || rac_str_eqi(literal, RAC_S("false"))))
        return rac_str_eqi(s, literal) ? 0 : 2;
    int c = rac_str_cmp(s, unquoted(literal));
    return c < 0 ? -1 : c > 0;
}

static bool holds(rac_str op, int c, struct expression *x)
{
    static const struct {
        rac_str word;
        bool less, same, more, other;
    } ops[] = {
        {RAC_S_INIT("eq"), false, true, false, false}, {RAC_S_INIT("ne"), true, false, true, true},
        {RAC_S_INIT("gt"), false, false, true, false}, {RAC_S_INIT("ge"), false, true, true, false},
        {RAC_S_INIT("lt"), true, false, false, false}, {RAC_S_INIT("le"), true, true, false, false},
    };
    for (size_t i = 0; i < RAC_COUNT(ops); i++)
        if (rac_str_eqi(op, ops[i].word))
            return c == -1  ? ops[i].less
                   : c == 0 ? ops[i].same
                   : c == 1 ? ops[i].more
                            : ops[i].other;
    x->bad = true;
    return false;
}

static bool any_of(struct expression *x, unsigned depth);

static bool term(struct expression *x, unsigned depth)
{
    rac_str w = word(x);
    if (w.n == 0 || rac_str_eq(w, RAC_S(")")) || depth > NESTING_MAX) {
        x->bad = true;
        x->rest = RAC_STR_NULL;
        return false;
    }
    if (rac_str_eq(w, RAC_S("("))) {
        bool v = any_of(x, depth + 1);
        x->bad = x->bad || !rac_str_eq(word(x), RAC_S(")"));
        return v;
    }
    if (rac_str_eqi(w, RAC_S("not")))
        return !term(x, depth + 1);
    rac_str next = peek(x);
    bool last = next.n == 0 || rac_str_eq(next, RAC_S(")")) || rac_str_eqi(next, RAC_S("and")) ||
                rac_str_eqi(next, RAC_S("or"));
    if (last && (rac_str_eqi(w, RAC_S("true")) || rac_str_eqi(w, RAC_S("false"))))
        return rac_lower(w.p[0]) == 't';
    const struct rac_json *v = rac_dynamic_path(x->item, unquoted(w));
    if (last)
        return truth(v);
    rac_str op = word(x), literal = word(x);
    x->bad = x->bad || literal.n == 0;
    return holds(op, compare(v, literal), x);
}

static bool all_of(struct expression *x, unsigned depth)
{
    bool v = term(x, depth);
    while (rac_str_eqi(peek(x), RAC_S("and"))) {
        word(x);
        bool y = term(x, depth);
        v = v && y;
    }
    return v;
}

static bool any_of(struct expression *x, unsigned depth)
{
    bool v = all_of(x, depth);
    while (rac_str_eqi(peek(x), RAC_S("or"))) {
        word(x);
        bool y = all_of(x, depth);
        v = v || y;
    }
    return v;
}

bool rac_dynamic_is_parent(rac_str expression, const struct rac_json *item, bool *valid)
{
    struct expression x = {.rest = expression, .item = item};
    bool v = any_of(&x, 0);
    x.bad = x.bad || rac_str_trim(x.rest).n > 0;
    if (valid != NULL)
        *valid = !x.bad;
    return v && !x.bad;
}
