#include "workflow/definition/schema_text.h"

struct rac_schema_options rac_schema_of_workflow(const struct rac_json *schema)
{
    bool named = rac_json_is_string(RAC_JSON_GET(schema, "$schema"));
    return (struct rac_schema_options){.draft = named ? RAC_SCHEMA_BY_TEXT : RAC_SCHEMA_DRAFT4};
}

/* The keyword stands in parentheses at the end of a diagnostic's message. */
static rac_str keyword_of(rac_str message, rac_str *sentence)
{
    size_t open = rac_str_rfind_char(message, '(');
    *sentence = message;
    if (open == RAC_STR_NPOS || message.p[message.n - 1] != ')')
        return RAC_S("");
    *sentence = rac_str_trim(rac_str_sub(message, 0, open));
    return rac_str_sub(message, open + 1, message.n - open - 2);
}

static rac_str type_word(const struct rac_json *v)
{
    switch (v != NULL ? v->type : RAC_JSON_NONE) {
    case RAC_JSON_BOOL:
        return RAC_S("Boolean");
    case RAC_JSON_INT:
        return RAC_S("Integer");
    case RAC_JSON_NUMBER:
    case RAC_JSON_DOUBLE:
        return RAC_S("Number");
    case RAC_JSON_STRING:
        return RAC_S("String");
    case RAC_JSON_ARRAY:
        return RAC_S("Array");
    case RAC_JSON_OBJECT:
        return RAC_S("Object");
    default:
        return RAC_S("Null");
    }
}

/* "... wanted is string." -> "String" */
static rac_str wanted_of(rac_str sentence, struct rac_arena *a)
{
    static const rac_str mark = RAC_S_INIT("wanted is ");
    size_t at = rac_str_find(sentence, mark);
    if (at == RAC_STR_NPOS)
        return RAC_S("another type");
    rac_str word = rac_str_from(sentence, at + mark.n);
    char *p = rac_arena_cstr(a, rac_str_sub(word, 0, word.n > 0 ? word.n - 1 : 0));
    if (rac_str_find_char(rac_str_of(p), ' ') == RAC_STR_NPOS && p[0] >= 'a' && p[0] <= 'z')
        p[0] = (char)(p[0] - 'a' + 'A');
    return rac_str_of(p);
}

/* Every name that is missing from the same object. */
static struct rac_json missing(const struct rac_diags *found, rac_str pointer, struct rac_arena *a)
{
    struct rac_json names = rac_json_new_array(a);
    rac_str sentence;
    for (size_t i = 0; i < found->n; i++) {
        if (!rac_str_eq(found->v[i].pointer, pointer) ||
            !rac_str_eq(keyword_of(found->v[i].message, &sentence), RAC_S("required")))
            continue;
        size_t end = rac_str_rfind_char(sentence, '"');
        rac_json_add(a, &names,
                     rac_json_of_str(
                         rac_str_sub(sentence, 1, end > 0 && end != RAC_STR_NPOS ? end - 1 : 0)));
    }
    return names;
}

static rac_str joined(const struct rac_json *names, struct rac_arena *a)
{
    rac_str text = RAC_S("");
    RAC_JSON_EACH(e, names)
    text = rac_arena_printf(a, "%.*s%s%.*s", RAC_FMT(text), text.n > 0 ? ", " : "",
                            RAC_FMT(rac_json_str(e, RAC_S(""))));
    return text;
}

rac_str rac_schema_text(const struct rac_diags *found, size_t i, const struct rac_json *value,
                        struct rac_arena *a)
{
    const struct rac_diag *d = &found->v[i];
    rac_str sentence, keyword = keyword_of(d->message, &sentence);
    if (rac_str_eq(keyword, RAC_S("type")))
        return rac_arena_printf(a, "Invalid type. Expected %.*s but got %.*s.",
                                RAC_FMT(wanted_of(sentence, a)),
                                RAC_FMT(type_word(rac_json_pointer_get(value, d->pointer))));
    if (!rac_str_eq(keyword, RAC_S("required")))
        return sentence;
    struct rac_json names = missing(found, d->pointer, a);
    return rac_arena_printf(a, "Required properties are missing from object: %.*s.",
                            RAC_FMT(joined(&names, a)));
}

/* --- violations as values ---------------------------------------------------------------------- */

static bool plain(rac_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || strchr(".'/\"[]()\\", name.p[i]) != NULL)
            return false;
    return name.n > 0;
}

/* A place in a value and, as far as names and items lead there, in its schema. */
struct where {
    const struct rac_json *value, *schema; /* schema NULL: not known any more */
    rac_str path, id;                      /* "a.b[0]"; "#/properties/a" */
};

static void enter(struct where *w, rac_str at, struct rac_arena *a)
{
    w->schema = w->schema != NULL ? rac_json_pointer_get(w->schema, at) : NULL;
    w->id = w->schema != NULL ? rac_str_concat(a, w->id, at) : w->id;
}

static void follow_reference(struct where *w, const struct rac_json *root, struct rac_arena *a)
{
    enum { HOPS_MAX = 16 };
    for (int i = 0; i < HOPS_MAX; i++) {
        rac_str to = rac_json_str(RAC_JSON_GET(w->schema, "$ref"), RAC_S(""));
        if (!rac_str_starts(to, RAC_S("#")))
            return;
        w->schema = root;
        w->id = RAC_S("#");
        enter(w, rac_str_from(to, 1), a);
    }
}

static void step(struct where *w, rac_str token, const struct rac_json *root, struct rac_arena *a)
{
    bool array = rac_json_is_array(w->value);
    rac_str escaped = rac_json_pointer_join(a, RAC_S(""), token), at;
    const struct rac_json *items = RAC_JSON_GET(w->schema, "items"),
                          *named = rac_json_get(RAC_JSON_GET(w->schema, "properties"), token);
    if (array)
        w->path = rac_arena_printf(a, "%.*s[%.*s]", RAC_FMT(w->path), RAC_FMT(token));
    else if (plain(token))
        w->path = rac_arena_printf(a, "%.*s%s%.*s", RAC_FMT(w->path), w->path.n > 0 ? "." : "",
                                   RAC_FMT(token));
    else
        w->path = rac_arena_printf(a, "%.*s['%.*s']", RAC_FMT(w->path), RAC_FMT(token));
    w->value = rac_json_pointer_get(w->value, escaped);
    if (array)
        at = rac_json_is_array(items) ? rac_str_concat(a, RAC_S("/items"), escaped)
                                      : RAC_S("/items");
    else
        at = named != NULL ? rac_str_concat(a, RAC_S("/properties"), escaped)
                           : RAC_S("/additionalProperties");
    enter(w, at, a);
    follow_reference(w, root, a);
}

static struct where locate(const struct rac_json *schema, const struct rac_json *value,
                           rac_str pointer, struct rac_arena *a)
{
    struct where w = {.value = value, .schema = schema, .path = RAC_S(""), .id = RAC_S("#")};
    follow_reference(&w, schema, a);
    rac_str rest = pointer.n > 0 ? rac_str_from(pointer, 1) : RAC_STR_NULL;
    while (rest.p != NULL) {
        rac_str token = rac_str_cut(rest, '/', &rest);
        token = rac_str_replace(a, token, RAC_S("~1"), RAC_S("/"));
        step(&w, rac_str_replace(a, token, RAC_S("~0"), RAC_S("~")), schema, a);
    }
    return w;
}

static bool told_before(const struct rac_diags *found, size_t i)
{
    rac_str sentence;
    for (size_t k = 0; k < i; k++)
        if (rac_str_eq(found->v[k].pointer, found->v[i].pointer) &&
            rac_str_eq(keyword_of(found->v[k].message, &sentence), RAC_S("required")))
            return true;
    return false;
}

struct rac_json rac_schema_errors(const struct rac_diags *found, const struct rac_json *schema,
                                  const struct rac_json *value, struct rac_arena *a)
{
    struct rac_json list = rac_json_new_array(a);
    for (size_t i = 0; i < found->n; i++) {
        rac_str sentence, keyword = keyword_of(found->v[i].message, &sentence);
        bool required = rac_str_eq(keyword, RAC_S("required"));
        if (required && told_before(found, i))
            continue;
        struct where w = locate(schema, value, found->v[i].pointer, a);
        struct rac_json e = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &e, "message", rac_schema_text(found, i, value, a));
        RAC_JSON_PUT(a, &e, "lineNumber", rac_json_of_int(0));
        RAC_JSON_PUT(a, &e, "linePosition", rac_json_of_int(0));
        RAC_JSON_PUT_STR(a, &e, "path", w.path);
        RAC_JSON_PUT(a, &e, "value",
                     required          ? missing(found, found->v[i].pointer, a)
                     : w.value != NULL ? *w.value
                                       : rac_json_of_null());
        RAC_JSON_PUT_STR(a, &e, "schemaId", w.id);
        RAC_JSON_PUT_STR(a, &e, "errorType", keyword.n > 0 ? keyword : RAC_S("valid"));
        RAC_JSON_PUT(a, &e, "childErrors", rac_json_new_array(a));
        rac_json_add(a, &list, e);
    }
    return list;
}
