/*
 * The policy expression language (§6.7): templates cut into pieces once, evaluated per call.
 *
 *   template = *( literal / "@@" / "@{" expr "}" / "@" expr / "{@" expr "}" )
 *
 * Member access follows body(), item() and triggerBody() only: after the dictionary functions the
 * rest is text, as in "https://@headers('h').api.example".
 */
#include "base/str.h"
#include "connector/policy_priv.h"
#include "connector/text_priv.h"
#include "connector/variables.h"

static const struct {
    rac_str name;
    uint8_t args_max;
    bool members;
} functions[] = {
#define FN(id, name, args, members) {RAC_S_INIT(name), args, members},
#include "connector/policy_functions.def"
#undef FN
};

enum { PIECES_MAX = 512, STEPS_MAX = 64, NAME_MAX_BYTES = 256 };

struct parse {
    rac_str s;
    size_t at;
    struct rac_arena *a;
    struct rac_template *t;
    struct rac_cat literal;
    rac_str *why, *warning;
};

static char peek(const struct parse *p, size_t ahead)
{
    return p->at + ahead < p->s.n ? p->s.p[p->at + ahead] : 0;
}

static void blanks(struct parse *p)
{
    while (p->at < p->s.n && rac_is_space(p->s.p[p->at]))
        p->at++;
}

static bool fail(struct parse *p, const char *sentence, rac_str what)
{
    *p->why = rac_arena_printf(p->a, "%s \"%.*s\"", sentence, RAC_FMT(what));
    return false;
}

static struct rac_template_piece *piece_add(struct parse *p)
{
    struct rac_template *t = p->t;
    if ((t->pieces_n & (t->pieces_n - 1)) == 0) {
        size_t cap = t->pieces_n ? t->pieces_n * 2 : 1;
        t->pieces = rac_arena_grow(p->a, t->pieces, t->pieces_n * sizeof *t->pieces,
                                   cap * sizeof *t->pieces);
    }
    struct rac_template_piece *piece = &t->pieces[t->pieces_n++];
    memset(piece, 0, sizeof *piece);
    return piece;
}

static void literal_flush(struct parse *p)
{
    if (p->literal.n == 0)
        return;
    rac_str text = rac_arena_str(p->a, rac_cat_str(&p->literal));
    p->literal.n = 0;
    struct rac_template_piece *piece = piece_add(p);
    piece->kind = RAC_PIECE_TEXT;
    piece->text = text;
}

/* A quote at p->at: ' or ", or a typographic one (with a warning). 0: none; else its bytes. */
static size_t quote_at(struct parse *p, size_t at)
{
    if (at < p->s.n && (p->s.p[at] == '\'' || p->s.p[at] == '"'))
        return 1;
    if (at + 2 < p->s.n && (unsigned char)p->s.p[at] == 0xE2 &&
        (unsigned char)p->s.p[at + 1] == 0x80 &&
        (((unsigned char)p->s.p[at + 2] & 0xFC) == 0x98 ||
         ((unsigned char)p->s.p[at + 2] & 0xFC) == 0x9C)) {
        *p->warning = RAC_S("typographic quotes are read as plain ones");
        return 3;
    }
    return 0;
}

static bool quoted(struct parse *p, rac_str *out)
{
    size_t open = quote_at(p, p->at);
    if (open == 0)
        return fail(p, "a quoted name is expected at", rac_str_from(p->s, p->at));
    char mark = p->s.p[p->at];
    p->at += open;
    struct rac_cat text = rac_cat_new(p->a, 32);
    while (p->at < p->s.n) {
        size_t close = quote_at(p, p->at);
        if (close > 0 && (open == 3) == (close == 3) && (open == 3 || p->s.p[p->at] == mark)) {
            if (close == 1 && peek(p, 1) == mark) { /* '' is one quote */
                rac_cat_char(&text, mark);
                p->at += 2;
                continue;
            }
            p->at += close;
            *out = rac_cat_str(&text);
            return true;
        }
        rac_cat_char(&text, p->s.p[p->at++]);
    }
    return fail(p, "a quote is not closed in", p->s);
}

static bool is_name_char(char c)
{
    return rac_is_alnum(c) || c == '_' || c == '$' || c == '-' || (c & 0x80);
}

static bool step_add(struct parse *p, struct rac_path_step **v, uint32_t *n,
                     struct rac_path_step step)
{
    if (*n >= STEPS_MAX)
        return fail(p, "a path is too long in", p->s);
    if ((*n & (*n - 1)) == 0) {
        size_t cap = *n ? *n * 2 : 1;
        *v = rac_arena_grow(p->a, *v, *n * sizeof **v, cap * sizeof **v);
    }
    (*v)[(*n)++] = step;
    return true;
}

/* *( "." name / "[" ( int / quoted ) "]" ) */
static bool steps_parse(struct parse *p, struct rac_path_step **v, uint32_t *n)
{
    for (;;) {
        struct rac_path_step step = {0};
        if (peek(p, 0) == '?' && (peek(p, 1) == '[' || peek(p, 1) == '.'))
            p->at++; /* the workflow language's "?[...]": every step is lenient here */
        if (peek(p, 0) == '.' && is_name_char(peek(p, 1))) {
            size_t from = ++p->at;
            while (p->at < p->s.n && is_name_char(p->s.p[p->at]))
                p->at++;
            step.name = rac_str_sub(p->s, from, p->at - from);
        } else if (peek(p, 0) == '[') {
            p->at++;
            blanks(p);
            if (quote_at(p, p->at) > 0) {
                if (!quoted(p, &step.name))
                    return false;
            } else {
                size_t from = p->at;
                while (p->at < p->s.n && rac_is_digit(p->s.p[p->at]))
                    p->at++;
                if (!rac_str_to_i64(rac_str_sub(p->s, from, p->at - from), &step.index))
                    return fail(p, "an index or a quoted name is expected at",
                                rac_str_from(p->s, from));
            }
            blanks(p);
            if (peek(p, 0) != ']')
                return fail(p, "\"]\" is missing in", p->s);
            p->at++;
        } else {
            return true;
        }
        if (!step_add(p, v, n, step))
            return false;
    }
}

/* The function whose name starts at p->at, without moving; -1: none. A name with "(" after it that
 * is no function is an error. */
static int function_at(struct parse *p, bool *unknown)
{
    rac_str rest = rac_str_from(p->s, p->at);
    *unknown = false;
    if (rac_str_startsi(rest, functions[RAC_FN_METHOD].name))
        return RAC_FN_METHOD;
    size_t n = 0;
    while (n < rest.n && rac_is_alpha(rest.p[n]))
        n++;
    if (n == 0 || n >= rest.n || rest.p[n] != '(')
        return -1;
    rac_str name = rac_str_sub(rest, 0, n);
    for (int i = 0; i < RAC_FN_N; i++)
        if (rac_str_eqi(functions[i].name, name))
            return i;
    *unknown = true;
    return -1;
}

static bool expression(struct parse *p, int fn)
{
    size_t from = p->at;
    p->at += functions[fn].name.n;
    rac_str args[2] = {RAC_STR_NULL, RAC_STR_NULL};
    size_t n = 0;
    if (peek(p, 0) == '(') {
        p->at++;
        blanks(p);
        while (peek(p, 0) != ')') {
            if (n == functions[fn].args_max)
                return fail(p, "too many arguments in", rac_str_from(p->s, from));
            if (!quoted(p, &args[n++]))
                return false;
            blanks(p);
            if (peek(p, 0) == ',') {
                p->at++;
                blanks(p);
            } else if (peek(p, 0) != ')') {
                return fail(p, "\")\" is missing in", rac_str_from(p->s, from));
            }
        }
        p->at++;
    }
    if (functions[fn].args_max > 0 && n == 0)
        return fail(p, "a name is missing in", rac_str_from(p->s, from));
    struct rac_path_step *steps = NULL;
    uint32_t steps_n = 0;
    if (functions[fn].members && !steps_parse(p, &steps, &steps_n))
        return false;
    literal_flush(p);
    struct rac_template_piece *piece = piece_add(p);
    piece->kind = RAC_PIECE_EXPR;
    piece->fn = (enum rac_fn)fn;
    piece->text = rac_str_sub(p->s, from, p->at - from);
    piece->argument = args[0];
    piece->otherwise = args[1];
    piece->steps = steps;
    piece->steps_n = steps_n;
    p->t->reads_body |= fn == RAC_FN_BODY || fn == RAC_FN_ITEM || fn == RAC_FN_TRIGGER_BODY;
    return true;
}

/* What starts with '@' or "{@" at p->at; *taken false when it is only text. */
static bool special(struct parse *p, bool *taken)
{
    bool hole = peek(p, 0) == '{', brace = !hole && peek(p, 1) == '{';
    size_t start = p->at;
    *taken = false;
    p->at += hole || brace ? 2 : 1;
    if (hole || brace)
        blanks(p);
    bool unknown;
    int fn = function_at(p, &unknown);
    if (unknown) {
        size_t end = rac_str_find_char(rac_str_from(p->s, p->at), '(');
        return fail(p, "there is no function", rac_str_sub(p->s, p->at, end));
    }
    if (fn < 0) {
        if (brace)
            return fail(p, "\"@{\" without an expression in", p->s);
        p->at = start;
        return true;
    }
    *taken = true;
    if (!expression(p, fn))
        return false;
    if (!hole && !brace)
        return true;
    blanks(p);
    if (peek(p, 0) != '}')
        return fail(p, "\"}\" is missing in", p->s);
    p->at++;
    return true;
}

static bool parameter(struct parse *p) /* {name}: false when it is only text */
{
    size_t close = rac_str_find_char(rac_str_sub(p->s, p->at, NAME_MAX_BYTES), '}');
    if (close == RAC_STR_NPOS || close < 2)
        return false;
    rac_str name = rac_str_sub(p->s, p->at + 1, close - 1);
    if (rac_str_find_char(name, '{') != RAC_STR_NPOS ||
        rac_str_find_char(name, '"') != RAC_STR_NPOS)
        return false;
    literal_flush(p);
    struct rac_template_piece *piece = piece_add(p);
    piece->kind = RAC_PIECE_PARAM;
    piece->text = name;
    p->at += close + 1;
    return true;
}

static bool template_parse(struct parse *p, unsigned flags)
{
    if (flags & RAC_TEMPLATE_BARE) {
        bool unknown;
        blanks(p);
        int fn = function_at(p, &unknown);
        if (fn >= 0 && functions[fn].members && !expression(p, fn))
            return false;
        if (fn < 0 || !functions[fn].members)
            p->at = 0;
    }
    while (p->at < p->s.n) {
        if (p->t->pieces_n > PIECES_MAX)
            return fail(p, "too many expressions in", p->s);
        bool taken = false;
        char c = peek(p, 0);
        if (c == '@' && peek(p, 1) == '@') {
            rac_cat_char(&p->literal, '@');
            p->at += 2;
            continue;
        }
        if ((c == '@' || (c == '{' && peek(p, 1) == '@')) && !special(p, &taken))
            return false;
        if (taken || (c == '{' && (flags & RAC_TEMPLATE_PARAMS) && parameter(p)))
            continue;
        rac_cat_char(&p->literal, p->s.p[p->at++]);
    }
    literal_flush(p);
    return true;
}

const struct rac_template *rac_template_compile(rac_str text, unsigned flags, struct rac_arena *a,
                                                rac_str *why, rac_str *warning)
{
    struct rac_template *t = RAC_NEW(a, struct rac_template);
    t->source = rac_arena_str(a, text);
    struct parse p = {.s = t->source, .a = a, .t = t, .why = why, .warning = warning};
    p.literal = rac_cat_new(a, text.n + 1);
    if (!template_parse(&p, flags))
        return NULL;
    t->whole = t->pieces_n == 1 && t->pieces[0].kind == RAC_PIECE_EXPR;
    return t;
}

/* --- evaluation ------------------------------------------------------------------------------- */

static struct rac_json *walk(struct rac_json *v, const struct rac_path_step *steps, uint32_t n)
{
    for (uint32_t i = 0; v != NULL && i < n; i++)
        v = steps[i].name.p != NULL ? rac_json_get(v, steps[i].name)
                                    : rac_json_at(v, (size_t)steps[i].index);
    return v;
}

/* The value of a header or query pair; a credential among them is told. */
static rac_str pair_value(const struct rac_scope *s, const struct rac_request_pair *p)
{
    if (p == NULL)
        return RAC_STR_NULL;
    if (p->flags & RAC_REQUEST_SECRET) {
        if (s->secret != NULL)
            *s->secret = true;
        if (s->mask)
            return RAC_S("***");
    }
    return p->flags & RAC_REQUEST_ENCODED ? rac_url_decode(s->a, p->value, true) : p->value;
}

static rac_str header_value(const struct rac_scope *s, rac_str name)
{
    if (s->answer != NULL)
        return rac_headers_get(s->answer, name);
    return pair_value(s, rac_request_header(s->request, name));
}

/* NONE: it has no value. */
static struct rac_json piece_value(const struct rac_template_piece *p, const struct rac_scope *s)
{
    rac_str text = RAC_STR_NULL;
    struct rac_json *v = NULL;
    switch (p->fn) {
    case RAC_FN_BODY:
    case RAC_FN_TRIGGER_BODY:
        v = walk(s->body, p->steps, p->steps_n);
        return v != NULL ? *v : rac_json_none;
    case RAC_FN_ITEM:
        v = walk(s->item, p->steps, p->steps_n);
        return v != NULL ? *v : rac_json_none;
    case RAC_FN_HEADERS:
    case RAC_FN_HEADER:
        text = header_value(s, p->argument);
        break;
    case RAC_FN_QUERY:
        text = pair_value(s, rac_request_query(s->request, p->argument));
        break;
    case RAC_FN_CONNECTION:
        text = s->connection != NULL ? s->connection(s->self, p->argument, p->otherwise.p != NULL)
                                     : RAC_STR_NULL;
        if (text.n == 0)
            text = RAC_STR_NULL; /* left empty by the user: the default, if there is one */
        break;
    case RAC_FN_METHOD:
        text = s->original_method;
        break;
    case RAC_FN_ENVIRONMENT:
        text = rac_variable(p->argument, false);
        break;
    case RAC_FN_N:
        break;
    }
    if (text.p == NULL)
        text = p->otherwise;
    return text.p != NULL ? rac_json_of_str(text) : rac_json_none;
}

rac_str rac_template_piece_text(const struct rac_template_piece *p, const struct rac_scope *s)
{
    if (p->kind != RAC_PIECE_EXPR)
        return p->text;
    struct rac_json v = piece_value(p, s);
    return rac_value_text(s->a, &v);
}

rac_str rac_template_text(const struct rac_template *t, const struct rac_scope *s, int encode)
{
    if (t->pieces_n == 1 && t->pieces[0].kind == RAC_PIECE_TEXT)
        return t->pieces[0].text;
    struct rac_cat c = rac_cat_new(s->a, t->source.n + 64);
    for (uint32_t i = 0; i < t->pieces_n; i++) {
        const struct rac_template_piece *p = &t->pieces[i];
        if (p->kind == RAC_PIECE_TEXT) {
            rac_cat_add(&c, p->text);
        } else if (p->kind == RAC_PIECE_PARAM) {
            rac_str text = s->path_param != NULL ? s->path_param(s->self, p->text) : RAC_STR_NULL;
            if (text.p == NULL) { /* no such parameter: braces are text */
                rac_cat_char(&c, '{');
                rac_cat_add(&c, p->text);
                rac_cat_char(&c, '}');
            } else {
                rac_cat_add(&c, text);
            }
        } else {
            rac_str text = rac_template_piece_text(p, s);
            if (encode >= 0)
                rac_cat_url(&c, text, (enum rac_url_set)encode);
            else
                rac_cat_add(&c, text);
        }
    }
    return rac_cat_str(&c);
}

/* Whether JSON text that went as *in_string said stands inside a string behind s. */
static void strings_scan(rac_str s, bool *in_string)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '"')
            *in_string = !*in_string;
        else if (s.p[i] == '\\' && *in_string)
            i++;
}

/* Text with values in JSON spelling, or escaped where the text has opened a string: for values that
 * are wrapped as in [{@body().x}] or {"name": "Mr {@body().x}"}. */
static rac_str json_text(const struct rac_template *t, const struct rac_scope *s)
{
    struct rac_cat c = rac_cat_new(s->a, t->source.n + 64);
    bool in_string = false;
    for (uint32_t i = 0; i < t->pieces_n; i++) {
        const struct rac_template_piece *p = &t->pieces[i];
        if (p->kind != RAC_PIECE_EXPR) {
            rac_cat_add(&c, p->text);
            strings_scan(p->text, &in_string);
            continue;
        }
        struct rac_json v = piece_value(p, s);
        if (in_string)
            v = rac_json_of_str(rac_value_text(s->a, &v));
        else if (v.type == RAC_JSON_NONE)
            v = rac_json_of_null();
        rac_str text = rac_json_print_str(&v, 0, s->a);
        rac_cat_add(&c, in_string ? rac_str_sub(text, 1, text.n - 2) : text);
    }
    return rac_cat_str(&c);
}

struct rac_json rac_template_value(const struct rac_template *t, const struct rac_scope *s)
{
    if (t->whole)
        return piece_value(&t->pieces[0], s);
    bool any = false, all_missing = true;
    for (uint32_t i = 0; i < t->pieces_n; i++)
        if (t->pieces[i].kind == RAC_PIECE_EXPR) {
            any = true;
            all_missing &= piece_value(&t->pieces[i], s).type == RAC_JSON_NONE;
        }
    if (any && all_missing)
        return rac_json_none;
    rac_str trimmed = rac_str_trim(t->source);
    if (trimmed.n > 0 && (trimmed.p[0] == '[' || trimmed.p[0] == '{')) {
        struct rac_json v;
        struct rac_json_error error;
        if (rac_json_parse(json_text(t, s), s->a, RAC_JSON_COPY, &v, &error) == RAC_OK &&
            (rac_json_is_array(&v) || rac_json_is_object(&v)))
            return v;
    }
    return rac_json_of_str(rac_template_text(t, s, -1));
}
