/*
 * From text to nodes. The lexer hands out one token at a time; the parser is recursive descent
 * over a grammar of calls and accessors (spec expressions §3, §4), so its depth is the depth of
 * nesting, which is capped. Literal text never reaches the lexer.
 */
#include "base/utf8.h"
#include "expr/expr_priv.h"

#include <stdarg.h>

enum { EXPRESSION_UNITS_MAX = 8192, NESTING_MAX = 200, ARGS_MAX = 1024 };

enum token_kind {
#define TOKEN(id, name) T_##id,
#include "expr/tokens.def"
#undef TOKEN
};

static const char *const token_names[] = {
#define TOKEN(id, name) name,
#include "expr/tokens.def"
#undef TOKEN
};

struct token {
    enum token_kind kind;
    uint32_t offset, length;
    rac_str text; /* identifier, or contents of a string as written */
    struct rac_json number;
};

struct parser {
    rac_str text;           /* the whole template */
    uint32_t from, at, end; /* of the expression in it */
    unsigned flags, depth;
    struct rac_arena *a;
    struct rac_expr_error *error;
    struct token token;
    bool failed;
};

static bool compile_error(struct parser *p, enum rac_expr_category category, uint32_t offset,
                          uint32_t length, const char *fmt, ...) RAC_PRINTF(5, 6);

static bool compile_error(struct parser *p, enum rac_expr_category category, uint32_t offset,
                          uint32_t length, const char *fmt, ...)
{
    enum { MESSAGE_MAX = 1024 };
    va_list ap;
    if (p->failed)
        return false;
    p->failed = true;
    va_start(ap, fmt);
    rac_str message = rac_arena_vprintf_max(p->a, MESSAGE_MAX, fmt, ap);
    va_end(ap);
    if (p->error != NULL)
        *p->error = (struct rac_expr_error){
            .category = category, .message = message, .offset = offset, .length = length};
    return false;
}

static rac_str shown(const struct parser *p) /* the expression, cut for a message */
{
    return rac_str_sub(rac_str_sub(p->text, p->from, p->end - p->from), 0, 400);
}

static uint32_t position(const struct parser *p, uint32_t offset) /* in what is shown */
{
    return offset - p->from;
}

/* --- lexer ------------------------------------------------------------------------------------ */

static uint32_t char_at(const struct parser *p, uint32_t at, uint32_t *length)
{
    uint32_t cp = 0;
    size_t n = rac_utf8_decode(p->text.p + at, p->end - at, &cp);
    *length = n > 0 ? (uint32_t)n : 1;
    return n > 0 ? cp : 0xfffd;
}

static bool is_identifier_char(uint32_t cp)
{
    return !is_white(cp) && (cp >= 0x80 || strchr(".,(){}@[]?'\"", (int)cp) == NULL) && cp != 0;
}

static bool lex_string(struct parser *p)
{
    uint32_t at = p->at + 1;
    while (at < p->end) {
        if (p->text.p[at] == '\'') {
            if (at + 1 >= p->end || p->text.p[at + 1] != '\'') {
                p->token = (struct token){
                    .kind = T_STRING,
                    .offset = p->at,
                    .length = at + 1 - p->at,
                    .text = rac_str_replace(p->a, rac_str_sub(p->text, p->at + 1, at - p->at - 1),
                                            RAC_S("''"), RAC_S("'"))};
                p->at = at + 1;
                return true;
            }
            at++;
        }
        at++;
    }
    return compile_error(p, RAC_EXPR_PARSE, p->at, p->end - p->at,
                         "Unable to parse template language expression '%.*s': the string literal "
                         "that starts at position %u is not terminated.",
                         RAC_FMT(shown(p)), position(p, p->at));
}

static uint32_t digits_from(const struct parser *p, uint32_t at)
{
    while (at < p->end && rac_is_digit(p->text.p[at]))
        at++;
    return at;
}

static bool bad_number(struct parser *p, uint32_t from, uint32_t to)
{
    return compile_error(p, RAC_EXPR_PARSE, from, to - from,
                         "Unable to parse template language expression '%.*s': '%.*s' is not a "
                         "number.",
                         RAC_FMT(shown(p)), (int)(to - from), p->text.p + from);
}

static bool lex_number(struct parser *p)
{
    uint32_t from = p->at, at = from;
    bool sign = p->text.p[at] == '+' || p->text.p[at] == '-', is_float_ = false;
    at += sign;
    uint32_t after = digits_from(p, at);
    bool leading = after > at;
    at = after;
    if (at < p->end && p->text.p[at] == '.') {
        uint32_t fraction = digits_from(p, at + 1);
        if (!leading && fraction == at + 1)
            return bad_number(p, from, fraction);
        is_float_ = true;
        at = fraction;
    } else if (!leading) {
        return bad_number(p, from, at + 1 > p->end ? p->end : at + 1);
    }
    if (at < p->end && (p->text.p[at] == 'e' || p->text.p[at] == 'E')) {
        uint32_t exponent = at + 1;
        if (exponent < p->end && (p->text.p[exponent] == '+' || p->text.p[exponent] == '-'))
            exponent++;
        uint32_t end = digits_from(p, exponent);
        if (end == exponent)
            return bad_number(p, from, end);
        is_float_ = true;
        at = end;
    }
    uint32_t length;
    if (at < p->end && (is_identifier_char(char_at(p, at, &length)) || p->text.p[at] == '.'))
        return bad_number(p, from, at + 1);
    rac_str text = rac_str_sub(p->text, from, at - from);
    rac_str unsigned_text = text.p[0] == '+' ? rac_str_from(text, 1) : text;
    struct rac_json v;
    int64_t i;
    double d;
    if (is_float_) {
        d = strtod(rac_arena_cstr(p->a, unsigned_text),
                   NULL); /* the process stays in the C locale */
        v = rac_json_of_double(d);
    } else if (rac_str_to_i64(unsigned_text, &i)) {
        v = rac_json_of_int(i);
    } else {
        return bad_number(p, from, at);
    }
    p->token = (struct token){
        .kind = is_float_ ? T_FLOAT : T_INTEGER, .offset = from, .length = at - from, .number = v};
    p->at = at;
    return true;
}

static bool next(struct parser *p)
{
    uint32_t length, cp = 0;
    while (p->at < p->end && is_white(cp = char_at(p, p->at, &length)))
        p->at += length;
    if (p->at >= p->end) {
        p->token = (struct token){.kind = T_END, .offset = p->end};
        return true;
    }
    static const char punctuation[] = ".,()[]?";
    static const enum token_kind kinds[] = {T_DOT,  T_COMMA, T_OPEN,    T_CLOSE,
                                            T_LEFT, T_RIGHT, T_QUESTION};
    const char *hit = cp != 0 && cp < 0x80 ? strchr(punctuation, (int)cp) : NULL;
    /* ".5" stands for a number where an expression may start (O17), not after a value. */
    bool value_before = p->token.kind == T_CLOSE || p->token.kind == T_RIGHT ||
                        p->token.kind == T_IDENTIFIER || p->token.kind == T_QUESTION ||
                        p->token.kind == T_STRING || p->token.kind == T_INTEGER ||
                        p->token.kind == T_FLOAT;
    bool point_number =
        cp == '.' && !value_before && p->at + 1 < p->end && rac_is_digit(p->text.p[p->at + 1]);
    if (hit != NULL && !point_number) {
        p->token = (struct token){.kind = kinds[hit - punctuation], .offset = p->at, .length = 1};
        p->at++;
        return true;
    }
    if (cp == '\'')
        return lex_string(p);
    if ((cp < 0x80 && rac_is_digit((char)cp)) || cp == '+' || cp == '-' || point_number)
        return lex_number(p);
    uint32_t from = p->at, at = from;
    while (at < p->end && is_identifier_char(char_at(p, at, &length)))
        at += length;
    if (at == from)
        return compile_error(p, RAC_EXPR_PARSE, from, length,
                             "Unable to parse template language expression '%.*s': unexpected "
                             "character '%.*s' at position %u.",
                             RAC_FMT(shown(p)), (int)length, p->text.p + from, position(p, from));
    p->token = (struct token){.kind = T_IDENTIFIER,
                              .offset = from,
                              .length = at - from,
                              .text = rac_str_sub(p->text, from, at - from)};
    p->at = at;
    return true;
}

static bool unexpected(struct parser *p, enum token_kind wanted)
{
    return compile_error(p, RAC_EXPR_PARSE, p->token.offset, p->token.length,
                         "Unable to parse template language expression '%.*s': expected token "
                         "'%s' and actual '%s' at position %u.",
                         RAC_FMT(shown(p)), token_names[wanted], token_names[p->token.kind],
                         position(p, p->token.offset));
}

/* --- parser ----------------------------------------------------------------------------------- */

static struct rac_expr *node_new(struct parser *p, enum node_kind kind, uint32_t offset)
{
    struct rac_expr *x = RAC_NEW(p->a, struct rac_expr);
    x->kind = (uint8_t)kind;
    x->offset = offset;
    x->text = p->text;
    return x;
}

static const struct rac_expr *constant(struct parser *p, uint32_t offset, struct rac_json v)
{
    struct rac_expr *x = node_new(p, NODE_CONST, offset);
    x->value = v;
    x->length = p->token.offset + p->token.length - offset;
    return x;
}

static bool parse_expression(struct parser *p, const struct rac_expr **out);

static rac_str arity_message(struct parser *p, const struct rac_expr *x)
{
    const struct rac_expr_function *f = &x->fn->info;
    char expects[64];
    if (f->args_max == RAC_EXPR_ARGS_ANY)
        snprintf(expects, sizeof expects, "at least %u parameter%s", f->args_min,
                 f->args_min == 1 ? "" : "s");
    else if (f->args_min == f->args_max)
        snprintf(expects, sizeof expects, "%u parameter%s", f->args_min,
                 f->args_min == 1 ? "" : "s");
    else
        snprintf(expects, sizeof expects, "%u to %u parameters", f->args_min, f->args_max);
    return rac_arena_printf(p->a,
                            "The template language function '%s' expects %s: %s. It was invoked "
                            "with %u.",
                            f->name, expects, f->signature, x->args_n);
}

/* A node that fails with a message when it is reached. */
static void break_node(struct rac_expr *x, enum rac_expr_category category, rac_str message)
{
    x->kind = NODE_BROKEN;
    x->args_n = (uint16_t)category;
    x->value = rac_json_of_str(message);
}

/* *checked false: the call is none any more. */
static bool check_arity(struct parser *p, struct rac_expr *x, bool *checked)
{
    *checked = true;
    if (x->fn == NULL) {
        if ((p->flags & RAC_EXPR_STRICT) == 0)
            return true;
        return compile_error(p, RAC_EXPR_FUNCTION, x->offset, (uint32_t)x->name.n,
                             "The template function '%.*s' is not defined or not valid.",
                             RAC_FMT(x->name));
    }
    if (x->args_n >= x->fn->info.args_min && x->args_n <= x->fn->info.args_max)
        return true;
    rac_str message = arity_message(p, x);
    if ((p->flags & RAC_EXPR_TOLERANT) == 0)
        return compile_error(p, RAC_EXPR_ARITY, x->offset, x->length, "%.*s", RAC_FMT(message));
    *checked = false;
    break_node(x, RAC_EXPR_ARITY, message);
    return true;
}

static bool parse_call(struct parser *p, struct token name, const struct rac_expr **out)
{
    const struct rac_expr *args[ARGS_MAX];
    struct rac_expr *x = node_new(p, NODE_CALL, name.offset);
    size_t n = 0;
    if (!next(p)) /* "(" */
        return false;
    if (p->token.kind != T_CLOSE) {
        for (;;) {
            if (n == ARGS_MAX)
                return compile_error(p, RAC_EXPR_PARSE, p->token.offset, p->token.length,
                                     "A function takes at most %d parameters.", ARGS_MAX);
            if (!parse_expression(p, &args[n++]))
                return false;
            if (p->token.kind != T_COMMA)
                break;
            if (!next(p))
                return false;
        }
    }
    if (p->token.kind != T_CLOSE)
        return unexpected(p, T_CLOSE);
    x->length = p->token.offset + 1 - x->offset;
    x->name = name.text;
    x->fn = fn_find(name.text);
    x->args_n = (uint16_t)n;
    x->way = (uint8_t)fn_short_way(x->fn, n);
    x->args = RAC_NEW_N(p->a, const struct rac_expr *, n);
    if (n > 0)
        memcpy(x->args, args, n * sizeof *args);
    *out = x;
    return next(p);
}

static bool parse_accessors(struct parser *p, const struct rac_expr **out)
{
    while (p->token.kind == T_DOT || p->token.kind == T_LEFT || p->token.kind == T_QUESTION) {
        struct rac_expr *x = node_new(p, NODE_ACCESS, (*out)->offset);
        x->object = *out;
        if (p->token.kind == T_QUESTION) {
            x->tolerant = true;
            if (!next(p))
                return false;
            if (p->token.kind != T_DOT && p->token.kind != T_LEFT)
                return unexpected(p, T_LEFT);
        }
        bool dot = p->token.kind == T_DOT;
        if (!next(p))
            return false;
        if (dot) {
            if (p->token.kind != T_IDENTIFIER)
                return unexpected(p, T_IDENTIFIER);
            x->key = constant(p, p->token.offset, str_value(p->token.text));
        } else if (!parse_expression(p, &x->key)) {
            return false;
        } else if (p->token.kind != T_RIGHT) {
            return unexpected(p, T_RIGHT);
        }
        if (x->object->kind == NODE_CALL && x->object->way > WAY_NUMBERS_END &&
            x->key->kind == NODE_CONST && x->key->value.type == RAC_JSON_STRING)
            x->way = WAY_TRIGGER_MEMBER;
        x->length = p->token.offset + p->token.length - x->offset;
        *out = x;
        if (!next(p))
            return false;
    }
    return true;
}

static bool parse_identifier(struct parser *p, const struct rac_expr **out)
{
    static const struct {
        rac_str word;
        uint8_t type;
        bool b;
    } words[] = {{RAC_S_INIT("true"), RAC_JSON_BOOL, true},
                 {RAC_S_INIT("false"), RAC_JSON_BOOL, false},
                 {RAC_S_INIT("null"), RAC_JSON_NULL, false}};
    struct token name = p->token;
    if (!next(p))
        return false;
    if (p->token.kind == T_OPEN)
        return parse_call(p, name, out) && parse_accessors(p, out);
    for (size_t i = 0; i < RAC_COUNT(words); i++) {
        if (rac_str_eqi(name.text, words[i].word)) {
            struct rac_expr *x = node_new(p, NODE_CONST, name.offset);
            x->value = (struct rac_json){.type = words[i].type};
            if (words[i].type == RAC_JSON_BOOL)
                x->value = rac_json_of_bool(words[i].b);
            x->length = name.length;
            *out = x;
            return true;
        }
    }
    return unexpected(p, T_OPEN);
}

static bool parse_expression(struct parser *p, const struct rac_expr **out)
{
    struct token t = p->token;
    bool ok;
    if (++p->depth > NESTING_MAX)
        return compile_error(p, RAC_EXPR_PARSE, t.offset, t.length,
                             "The expression is nested more than %d levels deep.", NESTING_MAX);
    if (t.kind == T_STRING || t.kind == T_INTEGER || t.kind == T_FLOAT) {
        *out = constant(p, t.offset, t.kind == T_STRING ? str_value(t.text) : t.number);
        ok = next(p);
    } else if (t.kind == T_IDENTIFIER) {
        ok = parse_identifier(p, out);
    } else {
        ok = unexpected(p, T_IDENTIFIER);
    }
    p->depth--;
    return ok;
}

/* Functions and argument counts, once the whole expression has parsed (§10: check order). */
static bool check_calls(struct parser *p, const struct rac_expr *x)
{
    if (x->kind == NODE_ACCESS)
        return check_calls(p, x->object) && check_calls(p, x->key);
    if (x->kind != NODE_CALL)
        return true;
    bool checked;
    if (!check_arity(p, (struct rac_expr *)x, &checked)) /* made by this parser, not yet shared */
        return false;
    for (size_t i = 0; checked && i < x->args_n; i++)
        if (!check_calls(p, x->args[i]))
            return false;
    return true;
}

/* text[from, to) as one expression. */
static bool parse_whole(struct parser *p, uint32_t from, uint32_t to, const struct rac_expr **out)
{
    if (to - from > EXPRESSION_UNITS_MAX &&
        u16_length(rac_str_sub(p->text, from, to - from)) > EXPRESSION_UNITS_MAX)
        return compile_error(p, RAC_EXPR_PARSE, from, to - from,
                             "The expression is longer than the limit of 8192 characters.");
    p->from = p->at = from;
    p->end = to;
    p->token = (struct token){.kind = T_COMMA};
    if (!next(p) || !parse_expression(p, out))
        return false;
    if (p->token.kind != T_END)
        return unexpected(p, T_END);
    return check_calls(p, *out);
}

/* --- templates (§2) --------------------------------------------------------------------------- */

struct parts {
    const struct rac_expr **v;
    size_t n, cap;
};

static void part_add(struct parser *p, struct parts *parts, const struct rac_expr *x)
{
    if (parts->n == parts->cap) {
        size_t cap = parts->cap ? parts->cap * 2 : 8;
        parts->v =
            rac_arena_grow(p->a, parts->v, parts->cap * sizeof *parts->v, cap * sizeof *parts->v);
        parts->cap = cap;
    }
    parts->v[parts->n++] = x;
}

static void literal_add(struct parser *p, struct parts *parts, rac_str s)
{
    if (s.n == 0)
        return;
    struct rac_expr *x = node_new(p, NODE_CONST, (uint32_t)(s.p - p->text.p));
    x->value = str_value(s);
    part_add(p, parts, x);
}

/* Offset of the "}" that ends the expression which starts at from, or the end of the text. */
static uint32_t hole_end(rac_str text, size_t from)
{
    bool in_string = false;
    for (size_t i = from; i < text.n; i++) {
        if (text.p[i] == '\'')
            in_string = !in_string;
        else if (text.p[i] == '}' && !in_string)
            return (uint32_t)i;
    }
    return (uint32_t)text.n;
}

static bool compile_interpolated(struct parser *p, const struct rac_expr **out)
{
    rac_str text = p->text;
    struct parts parts = {0};
    size_t literal = 0;
    for (size_t i = 0; i + 1 < text.n;) {
        if (text.p[i] != '@' || text.p[i + 1] != '{') {
            i++;
            continue;
        }
        if (i > literal && text.p[i - 1] == '@') { /* "@@{": one "@" goes, "{" is plain text */
            literal_add(p, &parts, rac_str_sub(text, literal, i - literal));
            literal = i + 1;
            i += 2;
            continue;
        }
        literal_add(p, &parts, rac_str_sub(text, literal, i - literal));
        uint32_t end = hole_end(text, i + 2);
        if (end == text.n)
            return compile_error(p, RAC_EXPR_PARSE, (uint32_t)i, (uint32_t)(text.n - i),
                                 "Unable to parse template language expression '%.*s': there is "
                                 "no '}' for the '@{' at position %zu.",
                                 RAC_FMT(rac_str_sub(text, 0, 400)), i);
        const struct rac_expr *hole;
        if (!parse_whole(p, (uint32_t)i + 2, end, &hole))
            return false;
        part_add(p, &parts, hole);
        i = literal = end + 1;
    }
    literal_add(p, &parts, rac_str_from(text, literal));
    if (parts.n > UINT16_MAX)
        return compile_error(p, RAC_EXPR_PARSE, 0, 0, "The template has too many parts.");
    struct rac_expr *x = node_new(p, NODE_TEXT, 0);
    x->args = parts.v;
    x->args_n = (uint16_t)parts.n;
    x->length = (uint32_t)text.n;
    *out = x;
    return true;
}

/* A template that fails with what is wrong with its text. */
static const struct rac_expr *broken(struct parser *p)
{
    struct rac_expr *x = node_new(p, NODE_BROKEN, p->error->offset);
    x->length = p->error->length;
    break_node(x, p->error->category, p->error->message);
    return x;
}

rac_err rac_expr_compile(rac_str text, unsigned flags, struct rac_arena *a,
                         const struct rac_expr **out, struct rac_expr_error *error)
{
    struct rac_expr_error unread = {0};
    struct parser p = {
        .text = text, .flags = flags, .a = a, .error = error != NULL ? error : &unread};
    const struct rac_expr *x = NULL;
    bool ok = true;
    if (text.n >= UINT32_MAX)
        return RAC_E_LIMIT;
    bool starts = text.n >= 2 && text.p[0] == '@';
    if (starts && text.p[1] != '@' && text.p[1] != '{') {
        ok = parse_whole(&p, 1, (uint32_t)text.n, &x);
    } else if (!(starts && text.p[1] == '@') && rac_str_find(text, RAC_S("@{")) != RAC_STR_NPOS) {
        ok = compile_interpolated(&p, &x);
    } else {
        struct rac_expr *literal = node_new(&p, NODE_CONST, 0);
        literal->value = str_value(starts ? rac_str_from(text, 1) : text);
        literal->length = (uint32_t)text.n;
        x = literal;
    }
    if (!ok && (flags & RAC_EXPR_TOLERANT) == 0)
        return RAC_E_SYNTAX;
    *out = ok ? x : broken(&p);
    return RAC_OK;
}

/* --- trees ------------------------------------------------------------------------------------ */

enum { TREE_DEPTH_MAX = 512 };

struct tree {
    unsigned flags, depth;
    struct rac_arena *a;
    struct rac_expr_error *error;
    rac_str *pointer;
};

static rac_err compile_node(struct tree *t, const struct rac_json *v, const struct rac_expr **out);

static const struct rac_expr *constant_of(struct tree *t, const struct rac_json *v)
{
    struct rac_expr *x = RAC_NEW(t->a, struct rac_expr);
    x->kind = NODE_CONST;
    x->value = *v;
    return x;
}

/* What changes in the value of a string template that is a constant: only its "@@". */
static bool same_constant(const struct rac_expr *x, const struct rac_json *v)
{
    return x->kind == NODE_CONST && v->type == RAC_JSON_STRING && x->value.n == v->n &&
           x->value.s == v->s;
}

static rac_err compile_container(struct tree *t, const struct rac_json *v,
                                 const struct rac_expr **out)
{
    bool object = v->type == RAC_JSON_OBJECT, changes = false;
    size_t n = rac_json_len(v);
    const struct rac_expr **parts = RAC_NEW_N(t->a, const struct rac_expr *, n);
    for (size_t i = 0; i < n; i++) {
        const struct rac_json *child =
            object ? &rac_json_member_at(v, i)->value : rac_json_at(v, i);
        if (child->type != RAC_JSON_STRING && child->type != RAC_JSON_ARRAY &&
            child->type != RAC_JSON_OBJECT)
            continue;
        const struct rac_expr *x;
        rac_err e = compile_node(t, child, &x);
        if (e != RAC_OK) {
            rac_str tail = *t->pointer,
                    here = object ? rac_json_pointer_join(t->a, RAC_S(""),
                                                          rac_json_key(rac_json_member_at(v, i)))
                                  : rac_json_pointer_join_index(t->a, RAC_S(""), i);
            *t->pointer = rac_str_concat(t->a, here, tail);
            return e;
        }
        bool same = x->kind == NODE_CONST &&
                    (child->type != RAC_JSON_STRING ? true : same_constant(x, child));
        parts[i] = same ? NULL : x;
        changes |= !same;
    }
    if (!changes) {
        *out = constant_of(t, v);
        return RAC_OK;
    }
    struct rac_json *shape = RAC_NEW(t->a, struct rac_json);
    *shape = *v;
    struct rac_expr *x = RAC_NEW(t->a, struct rac_expr);
    x->kind = object ? NODE_OBJECT : NODE_ARRAY;
    x->shape = shape;
    x->parts = parts;
    x->parts_n = (uint32_t)n;
    *out = x;
    return RAC_OK;
}

static rac_err compile_node(struct tree *t, const struct rac_json *v, const struct rac_expr **out)
{
    rac_err e = RAC_OK;
    if (v->type == RAC_JSON_STRING) {
        e = rac_expr_compile(rac_json_str(v, RAC_S("")), t->flags, t->a, out, t->error);
        if (e != RAC_OK)
            *t->pointer = RAC_S("");
    } else if (v->type != RAC_JSON_ARRAY && v->type != RAC_JSON_OBJECT) {
        *out = constant_of(t, v);
    } else if (++t->depth > TREE_DEPTH_MAX) {
        *t->pointer = RAC_S("");
        e = RAC_E_LIMIT;
    } else {
        e = compile_container(t, v, out);
        t->depth--;
    }
    return e;
}

rac_err rac_expr_compile_tree(const struct rac_json *value, unsigned flags, struct rac_arena *a,
                              const struct rac_expr **out, struct rac_expr_error *error,
                              rac_str *pointer)
{
    rac_str ignored;
    struct tree t = {
        .flags = flags, .a = a, .error = error, .pointer = pointer ? pointer : &ignored};
    return compile_node(&t, value, out);
}

bool rac_expr_is_constant(const struct rac_expr *x, struct rac_json *value)
{
    if (x->kind != NODE_CONST)
        return false;
    if (value != NULL)
        *value = x->value;
    return true;
}

struct rac_expr_call call_of(const struct rac_expr *x)
{
    struct rac_expr_call c = {.name = x->name,
                              .fn = x->fn != NULL ? &x->fn->info : NULL,
                              .ref = x->fn != NULL ? x->fn->ref : -1,
                              .args_n = x->args_n,
                              .offset = x->offset,
                              .length = x->length};
    c.literal = x->args_n > 0 && x->args[0]->kind == NODE_CONST &&
                x->args[0]->value.type == RAC_JSON_STRING;
    if (c.literal)
        c.first = rac_json_str(&x->args[0]->value, RAC_S(""));
    return c;
}

void rac_expr_calls(const struct rac_expr *x, void (*fn)(void *arg, const struct rac_expr_call *c),
                    void *arg)
{
    while (x->kind == NODE_ACCESS) { /* chains may be long; keys nest no deeper than the text */
        rac_expr_calls(x->key, fn, arg);
        x = x->object;
    }
    if (x->kind == NODE_CALL) {
        struct rac_expr_call c = call_of(x);
        fn(arg, &c);
    }
    if (x->kind == NODE_CALL || x->kind == NODE_TEXT)
        for (size_t i = 0; i < x->args_n; i++)
            rac_expr_calls(x->args[i], fn, arg);
    for (size_t i = 0; (x->kind == NODE_ARRAY || x->kind == NODE_OBJECT) && i < x->parts_n; i++)
        if (x->parts[i] != NULL)
            rac_expr_calls(x->parts[i], fn, arg);
}
