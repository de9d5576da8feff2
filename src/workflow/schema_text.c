#include "workflow/schema_text.h"

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
static rac_str missing(const struct rac_diags *found, rac_str pointer, struct rac_arena *a)
{
    rac_str names = RAC_S(""), sentence;
    for (size_t i = 0; i < found->n; i++) {
        if (!rac_str_eq(found->v[i].pointer, pointer) ||
            !rac_str_eq(keyword_of(found->v[i].message, &sentence), RAC_S("required")))
            continue;
        size_t end = rac_str_rfind_char(sentence, '"');
        rac_str name = rac_str_sub(sentence, 1, end > 0 && end != RAC_STR_NPOS ? end - 1 : 0);
        names = rac_arena_printf(a, "%.*s%s%.*s", RAC_FMT(names), names.n > 0 ? ", " : "",
                                 RAC_FMT(name));
    }
    return names;
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
    if (rac_str_eq(keyword, RAC_S("required")))
        return rac_arena_printf(a, "Required properties are missing from object: %.*s.",
                                RAC_FMT(missing(found, d->pointer, a)));
    return sentence;
}
