/* The tables of shapes and types, and the one walk over them. */
#include "base/str.h"
#include "workflow/check/check_priv.h"

#define SHAPE(id, closed)                     static const struct member_row id##_rows[] = {
#define ROW(name, types, flags, words, shape) {name, types, flags, words, shape},
#define END(id)                                                                                    \
    }                                                                                              \
    ;
#include "workflow/check/shapes.def"
#undef SHAPE
#undef ROW
#undef END

#define SHAPE(id, closed) const struct shape shape_##id = {id##_rows, RAC_COUNT(id##_rows), closed};
#define ROW(...)
#define END(id)
#include "workflow/check/shapes.def"
#undef SHAPE
#undef ROW
#undef END

const struct type_row type_rows[A_UNKNOWN + 1] = {
#define TYPE(ID, name, children, flags, shape) {RAC_S_INIT(name), children, flags, shape},
#include "workflow/check/types.def"
#undef TYPE
    {RAC_S_INIT(""), CHILDREN_ANY,
     TAKES_CHUNKS | TAKES_PAGES | TAKES_RETRY | TAKES_CALLBACK | INPUTS_OPTIONAL | UNSUPPORTED,
     NULL},
};

enum type type_of(rac_str word)
{
    for (size_t i = 0; i < A_UNKNOWN; i++)
        if (rac_str_eqi(word, type_rows[i].name))
            return (enum type)i;
    return A_UNKNOWN;
}

static const char *type_words(unsigned types)
{
    static const struct {
        unsigned types;
        const char *words;
    } rows[] = {
        {T_STR, "a string"},
        {T_INT, "a whole number"},
        {T_NUM, "a number"},
        {T_BOOL, "true or false"},
        {T_ARR, "an array"},
        {T_OBJ, "an object"},
        {T_STR | T_ARR, "a string or an array"},
        {T_STR | T_OBJ, "a string or an object"},
        {T_INT | T_STR, "a number or a string"},
        {T_NUM | T_STR, "a number or a string"},
        {T_OBJ | T_BOOL, "an object"},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rows[i].types == types)
            return rows[i].words;
    return "something else";
}

/* Text with holes stays a string; of a number its written parts have to be those of one. */
static bool may_be(unsigned types, const struct rac_json *v)
{
    int64_t i;
    double d;
    rac_str s = rac_json_str(v, RAC_S(""));
    switch (v->type) {
    case RAC_JSON_INT:
        return (types & (T_INT | T_NUM)) != 0;
    case RAC_JSON_NUMBER:
    case RAC_JSON_DOUBLE:
        return (types & T_NUM) != 0 || ((types & T_INT) != 0 && whole_number(v, &i));
    case RAC_JSON_BOOL:
        return (types & T_BOOL) != 0;
    case RAC_JSON_ARRAY:
        return (types & T_ARR) != 0;
    case RAC_JSON_OBJECT:
        return (types & T_OBJ) != 0;
    case RAC_JSON_STRING:
        break;
    default:
        return true;
    }
    if ((types & T_STR) != 0)
        return true;
    if (is_dynamic(v))
        return (types & (T_INT | T_NUM)) == 0 || fits_characters(s, "+-0123456789. ");
    if ((types & T_INT) != 0 && rac_str_to_i64(rac_str_trim(s), &i))
        return true;
    if ((types & T_NUM) != 0 && rac_str_to_double(rac_str_trim(s), &d))
        return true;
    return (types & T_BOOL) != 0 &&
           (rac_str_eqi(s, RAC_S("true")) || rac_str_eqi(s, RAC_S("false")));
}

rac_str choice(struct check *c, const char *words)
{
    rac_str rest = rac_str_of(words), out = RAC_S("");
    while (rest.p != NULL) {
        rac_str word = rac_str_cut(rest, '|', &rest);
        out = out.n == 0 ? word
                         : rac_arena_printf(c->d->a, "%.*s%s%.*s", RAC_FMT(out),
                                            rest.p != NULL ? ", " : " or ", RAC_FMT(word));
    }
    return out;
}

static rac_str last_key(const struct at *at)
{
    if (at->up == NULL) {
        size_t slash = rac_str_rfind_char(at->key, '/');
        return slash == RAC_STR_NPOS ? at->key : rac_str_from(at->key, slash + 1);
    }
    return at->is_index ? last_key(at->up) : at->key;
}

bool check_type(struct check *c, unsigned types, const struct at *at)
{
    if ((types & T_ANY) != 0 || may_be(types, at->node))
        return true;
    rac_str address = {(const char *)&at->node, sizeof at->node};
    if (rac_map_has(&c->mistyped, address)) /* several rules look at it */
        return false;
    rac_map_put(&c->mistyped, rac_arena_str(c->a, address), c);
    wrong(c, F_STRUCTURE, at, "the property '%.*s' is of type '%s', expected is %s",
          RAC_FMT(last_key(at)), rac_expr_type_name(at->node), type_words(types));
    return false;
}

bool take_member(struct check *c, const struct at *at, rac_str name, unsigned types, struct at *out)
{
    const struct rac_json *v = rac_json_geti(at->node, name);
    *out = AT_KEY(at, name, v);
    if (is_absent(v) || !check_type(c, types, out) || is_unknown(v))
        return false;
    return !(is_dynamic(v) && (types & T_STR) == 0);
}

static const struct member_row *row_of(const struct shape *s, rac_str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (rac_str_eqi(name, rac_str_of(s->rows[i].name)))
            return &s->rows[i];
    return NULL;
}

static bool in_inputs(const struct at *at)
{
    for (; at != NULL; at = at->up)
        if (!at->is_index && rac_str_eqi(last_key(at), RAC_S("inputs")))
            return true;
    return false;
}

static void missing(struct check *c, const struct at *at, const char *name)
{
    bool trigger = c->noun != NULL && strcmp(c->noun, "trigger") == 0;
    if (!in_inputs(at))
        wrong(c, F_STRUCTURE, at, "the property '%s' is missing", name);
    else if (trigger)
        found(c, F_TRIGGER_INPUT, at,
              "The 'inputs' of workflow trigger '%.*s' is missing required property '%s'.",
              RAC_FMT(c->name), name);
    else
        found(c, F_INPUT_MISSING, at,
              "The 'inputs' of workflow run action '%.*s' of type '%.*s' is missing required "
              "property '%s'.",
              RAC_FMT(c->name), RAC_FMT(rac_json_str(RAC_JSON_GETI(c->subject, "type"), RAC_S(""))),
              name);
}

static void unknown(struct check *c, const struct at *at)
{
    bool trigger = c->noun != NULL && strcmp(c->noun, "trigger") == 0;
    rac_str type = rac_json_str(RAC_JSON_GETI(c->subject, "type"), RAC_S(""));
    if (!in_inputs(at))
        wrong(c, F_STRUCTURE, at, "the property '%.*s' is not known here", RAC_FMT(at->key));
    else
        found(c, trigger ? F_TRIGGER_INPUT : F_INPUT_EXTRA, at,
              "The 'inputs' of workflow %s '%.*s' of type '%.*s' should not have the property "
              "'%.*s'.",
              trigger ? "trigger" : "run action", RAC_FMT(c->name), RAC_FMT(type),
              RAC_FMT(at->key));
}

static void check_row(struct check *c, const struct member_row *row, const struct at *at)
{
    rac_str s = rac_json_str(at->node, RAC_S(""));
    if (!check_type(c, row->types, at) || is_unknown(at->node))
        return;
    if (row->words != NULL && rac_json_is_string(at->node) && !fits_words(s, row->words))
        wrong(c, (row->flags & USUAL) != 0 ? F_VALUE_UNUSUAL : F_STRUCTURE, at,
              "the value '%.*s' of the property '%s' is not %.*s", RAC_FMT(s), row->name,
              RAC_FMT(choice(c, row->words)));
    if (row->shape == NULL)
        return;
    if (rac_json_is_object(at->node))
        check_shape(c, row->shape, at);
    for (size_t i = 0; i < rac_json_len(at->node) && rac_json_is_array(at->node); i++) {
        struct at e = AT_INDEX(at, i, rac_json_at(at->node, i));
        if (!is_open(e.node) && check_type(c, T_OBJ, &e))
            check_shape(c, row->shape, &e);
    }
}

void check_shape(struct check *c, const struct shape *s, const struct at *at)
{
    if (!rac_json_is_object(at->node))
        return;
    for (size_t i = 0; i < s->n; i++) {
        const struct rac_json *v = rac_json_geti(at->node, rac_str_of(s->rows[i].name));
        if ((s->rows[i].flags & REQUIRED) != 0 && is_absent(v) && !is_unknown(v) &&
            s->rows[i].types != T_ANY)
            missing(c, at, s->rows[i].name);
        else if ((s->rows[i].flags & REQUIRED) != 0 && v == NULL)
            missing(c, at, s->rows[i].name);
    }
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        const struct member_row *row = row_of(s, rac_json_key(m));
        struct at here = AT_KEY(at, rac_json_key(m), &m->value);
        if (row == NULL && s->closed && !is_absent(&m->value))
            unknown(c, &here);
        if (row != NULL && !is_absent(&m->value))
            check_row(c, row, &here);
    }
}
