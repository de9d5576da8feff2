/*
 * Events become a tree with a stack of open collections; no recursion. A collection is attached to
 * its parent when it opens, because its children hang on a pointer that stays.
 *
 * Aliases are copied, so that the result is a tree like any other. Before a copy is made, the
 * anchor's size and height are known: the growth cap and the depth cap are asked first.
 */
#include "text/yaml.h"
#include "base/map.h"
#include "base/utf8.h"

#include <math.h>
#include <yaml.h>

#define TAG_PREFIX "tag:yaml.org,2002:"

#define STAND_IN "\xee\x80\x80" /* U+E000, one character like the tab it stands for */

enum tag { TAG_NONE, TAG_STR, TAG_INT, TAG_FLOAT, TAG_BOOL, TAG_NULL, TAG_SEQ, TAG_MAP, TAG_BAD };

struct anchor {
    struct rac_json v;
    rac_str text;  /* of a scalar, as a key needs it */
    size_t nodes;  /* size when expanded, itself included */
    size_t height; /* levels of collections, 0 for a scalar */
    bool open;     /* its collection is not finished: an alias now would contain itself */
};

struct frame {
    struct rac_json v;      /* the open array or object */
    struct rac_json merges; /* NONE, or the array of what "<<" named */
    struct anchor *anchor;
    size_t nodes_before; /* of the whole document, when it opened */
    size_t height;       /* of the highest child */
    rac_str key;         /* of the member being read */
    uint32_t key_pos;
    bool has_key, is_merge;
};

struct reader {
    rac_str text; /* as given; places are counted in it */
    struct rac_arena *a;
    bool lenient;
    bool has_stand_in; /* some tabs were replaced, see guard_tabs */
    struct rac_diags *repairs;
    struct frame *stack;
    size_t depth, stack_cap;
    struct rac_map anchors; /* name -> struct anchor *; the latest of a name counts */
    struct rac_json root;
    bool has_root;
    size_t nodes_read, nodes; /* in the text; in the tree */
    /* where the byte of a character index is */
    size_t at_char, at_byte;
    rac_err err;
    struct rac_json_error where;
};

/* --- places ---------------------------------------------------------------------------------- */

/* libyaml counts characters; values remember bytes. Marks come in order, or nearly. */
static size_t byte_of(struct reader *r, size_t index)
{
    while (r->at_char < index && r->at_byte < r->text.n) {
        uint32_t cp;
        size_t n = (signed char)r->text.p[r->at_byte] >= 0
                       ? 1
                       : rac_utf8_decode(r->text.p + r->at_byte, r->text.n - r->at_byte, &cp);
        r->at_byte += n == 0 ? 1 : n;
        r->at_char++;
    }
    while (r->at_char > index && r->at_byte > 0) {
        r->at_byte--;
        while (r->at_byte > 0 && (r->text.p[r->at_byte] & 0xc0) == 0x80)
            r->at_byte--;
        r->at_char--;
    }
    return r->at_byte;
}

static rac_err fail(struct reader *r, rac_err e, yaml_mark_t mark, const char *message)
{
    r->err = e;
    r->where.offset = byte_of(r, mark.index);
    r->where.line = (uint32_t)mark.line + 1;
    r->where.column = (uint32_t)mark.column + 1;
    r->where.message = message;
    return e;
}

/* --- scalars (YAML 1.2 §10.3.2) -------------------------------------------------------------- */

static enum tag tag_of(const yaml_char_t *tag)
{
    static const struct {
        const char *name;
        enum tag tag;
    } known[] = {{"str", TAG_STR},   {"int", TAG_INT}, {"float", TAG_FLOAT}, {"bool", TAG_BOOL},
                 {"null", TAG_NULL}, {"seq", TAG_SEQ}, {"map", TAG_MAP}};
    if (tag == NULL)
        return TAG_NONE;
    rac_str s = rac_str_of((const char *)tag);
    if (!rac_str_starts(s, RAC_S(TAG_PREFIX)))
        return TAG_BAD;
    s = rac_str_from(s, sizeof TAG_PREFIX - 1);
    for (size_t i = 0; i < RAC_COUNT(known); i++)
        if (rac_str_eq(s, rac_str_of(known[i].name)))
            return known[i].tag;
    return TAG_BAD;
}

static bool one_of(rac_str s, const char *a, const char *b, const char *c)
{
    return rac_str_eq(s, rac_str_of(a)) || rac_str_eq(s, rac_str_of(b)) ||
           rac_str_eq(s, rac_str_of(c));
}

static bool read_null(rac_str s, struct rac_json *v)
{
    if (s.n > 0 && !rac_str_eq(s, RAC_S("~")) && !one_of(s, "null", "Null", "NULL"))
        return false;
    *v = rac_json_of_null();
    return true;
}

static bool read_bool(rac_str s, struct rac_json *v)
{
    bool yes = one_of(s, "true", "True", "TRUE");
    if (!yes && !one_of(s, "false", "False", "FALSE"))
        return false;
    *v = rac_json_of_bool(yes);
    return true;
}

static bool read_radix(rac_str s, unsigned base, struct rac_json *v)
{
    uint64_t u = 0;
    double d = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = rac_lower(s.p[i]);
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 99;
        if (digit >= base)
            return false;
        u = u * base + digit;
        d = d * base + digit;
    }
    if (!isfinite(d)) /* no number that JSON could write: a text */
        return false;
    *v = d < 0x1p63 ? rac_json_of_int((int64_t)u) : rac_json_of_double(d);
    return true;
}

static size_t count_digits(rac_str s, size_t from)
{
    size_t n = 0;
    while (from + n < s.n && rac_is_digit(s.p[from + n]))
        n++;
    return n;
}

static bool read_int(struct reader *r, rac_str s, struct rac_json *v)
{
    if (rac_str_starts(s, RAC_S("0x")))
        return read_radix(rac_str_from(s, 2), 16, v);
    if (rac_str_starts(s, RAC_S("0o")))
        return read_radix(rac_str_from(s, 2), 8, v);
    bool neg = s.n > 0 && s.p[0] == '-';
    rac_str digits = rac_str_from(s, s.n > 0 && (neg || s.p[0] == '+'));
    if (digits.n == 0 || count_digits(digits, 0) != digits.n)
        return false;
    while (digits.n > 1 && digits.p[0] == '0')
        digits = rac_str_from(digits, 1);
    char *p = rac_arena_alloc_dirty(r->a, digits.n + 2);
    p[0] = '-';
    memcpy(p + 1, digits.p, digits.n);
    rac_str spelt = {p + !neg, digits.n + neg};
    int64_t i;
    if (rac_str_to_i64(spelt, &i)) {
        *v = rac_json_of_int(i);
        return true;
    }
    *v = (struct rac_json){.type = RAC_JSON_NUMBER, .n = (uint32_t)spelt.n, .s = spelt.p};
    return true;
}

/* A float as JSON spells it: no plus, digits on both sides of the point, no leading zeros. */
static bool read_float(struct reader *r, rac_str s, struct rac_json *v)
{
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    size_t whole = count_digits(s, i), whole_at = i, frac = 0, frac_at = 0;
    bool neg = i > 0 && s.p[0] == '-';
    i += whole;
    if (i < s.n && s.p[i] == '.') {
        frac_at = i + 1;
        frac = count_digits(s, frac_at);
        i = frac_at + frac;
    }
    if (whole + frac == 0)
        return false;
    rac_str exponent = rac_str_from(s, i);
    if (exponent.n > 0) {
        size_t sign = exponent.n > 1 && (exponent.p[1] == '-' || exponent.p[1] == '+');
        if ((exponent.p[0] != 'e' && exponent.p[0] != 'E') || exponent.n == 1 + sign ||
            count_digits(exponent, 1 + sign) != exponent.n - 1 - sign)
            return false;
    }
    for (; whole > 1 && s.p[whole_at] == '0'; whole--)
        whole_at++;
    rac_str text = rac_arena_printf(r->a, "%s%.*s%s%.*s%.*s", neg ? "-" : "",
                                    whole ? (int)whole : 1, whole ? s.p + whole_at : "0",
                                    frac ? "." : "", (int)frac, s.p + frac_at, RAC_FMT(exponent));
    *v = (struct rac_json){.type = RAC_JSON_NUMBER, .n = (uint32_t)text.n, .s = text.p};
    return true;
}

/* .inf and .nan: JSON has no words for them. */
static bool is_not_finite(rac_str s)
{
    if (one_of(s, ".nan", ".NaN", ".NAN"))
        return true;
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = rac_str_from(s, 1);
    return one_of(s, ".inf", ".Inf", ".INF");
}

static bool read_float_any(struct reader *r, rac_str s, yaml_mark_t mark, struct rac_json *v)
{
    if (!is_not_finite(s))
        return read_float(r, s, v);
    if (!r->lenient) {
        fail(r, RAC_E_SYNTAX, mark, "JSON has no infinity and no not-a-number");
        return true;
    }
    struct rac_diag *d =
        rac_diags_addf(r->repairs, "RC-JSON-01", RAC_SEV_WARNING,
                       "%.*s was read as null; JSON has no such number.", RAC_FMT(s));
    if (d != NULL) {
        d->line = (uint32_t)mark.line + 1;
        d->column = (uint32_t)mark.column + 1;
    }
    *v = rac_json_of_null();
    return true;
}

static void read_plain(struct reader *r, rac_str s, yaml_mark_t mark, struct rac_json *v)
{
    char c = s.n > 0 ? s.p[0] : '\0';
    bool numeric = rac_is_digit(c) || c == '-' || c == '+' || c == '.';
    if (numeric && (read_int(r, s, v) || read_float_any(r, s, mark, v)))
        return;
    if (read_null(s, v) || read_bool(s, v))
        return;
    *v = rac_json_of_str(rac_arena_str(r->a, s));
}

/* The text of a scalar event, in a when it had to change. */
static rac_str scalar_text(struct reader *r, const yaml_event_t *ev)
{
    rac_str s = {(const char *)ev->data.scalar.value, ev->data.scalar.length};
    return r->has_stand_in ? rac_str_replace(r->a, s, RAC_S(STAND_IN), RAC_S("\t")) : s;
}

static rac_err read_scalar(struct reader *r, const yaml_event_t *ev, struct rac_json *v)
{
    rac_str s = scalar_text(r, ev);
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool fits = true;
    const yaml_char_t *spelt = ev->data.scalar.tag;
    if (spelt != NULL && strcmp((const char *)spelt, "!") == 0) {
        *v = rac_json_of_str(rac_arena_str(r->a, s));
        return RAC_OK;
    }
    switch (tag_of(spelt)) {
    case TAG_NONE:
        if (plain)
            read_plain(r, s, ev->start_mark, v);
        else
            *v = rac_json_of_str(rac_arena_str(r->a, s));
        break;
    case TAG_STR:
        *v = rac_json_of_str(rac_arena_str(r->a, s));
        break;
    case TAG_INT:
        fits = read_int(r, s, v);
        break;
    case TAG_FLOAT:
        fits = read_float_any(r, s, ev->start_mark, v);
        break;
    case TAG_BOOL:
        fits = read_bool(s, v);
        break;
    case TAG_NULL:
        fits = read_null(s, v);
        break;
    default:
        return fail(r, RAC_E_SYNTAX, ev->start_mark, "this tag is not one of the core schema");
    }
    if (!fits)
        return fail(r, RAC_E_SYNTAX, ev->start_mark, "the value does not fit its tag");
    return r->err;
}

/* --- anchors --------------------------------------------------------------------------------- */

/* Where an event's anchor is kept, or NULL when it has none. */
static struct anchor *anchor_new(struct reader *r, const yaml_char_t *name)
{
    if (name == NULL)
        return NULL;
    struct anchor *n = RAC_NEW(r->a, struct anchor);
    rac_map_put(&r->anchors, rac_arena_str(r->a, rac_str_of((const char *)name)), n);
    return n;
}

/* A tree with collections of its own; strings are shared, so a copy costs what its nodes cost. */
static struct rac_json copy_tree(struct reader *r, const struct rac_json *v)
{
    struct rac_json out = *v;
    if (rac_arena_over(r->a))
        return out;
    if (v->type == RAC_JSON_ARRAY) {
        out = rac_json_new_array(r->a);
        RAC_JSON_EACH(e, v)
        rac_json_add(r->a, &out, copy_tree(r, e));
    } else if (v->type == RAC_JSON_OBJECT) {
        out = rac_json_new_object(r->a);
        RAC_JSON_EACH_MEMBER(m, v)
        {
            rac_json_put(r->a, &out, rac_json_key(m), copy_tree(r, &m->value));
            out.object->v[out.object->n - 1].key_pos = m->key_pos;
        }
        out.object->end_pos = v->object->end_pos;
    }
    out.pos = v->pos;
    return out;
}

/* Counts nodes that join the tree; false past the growth cap. */
static bool count_nodes(struct reader *r, size_t n)
{
    r->nodes_read++;
    if (!rac_size_add(r->nodes, n, &r->nodes))
        return false;
    return r->nodes <= RAC_YAML_GROWTH_FREE || r->nodes / RAC_YAML_GROWTH_MAX <= r->nodes_read;
}

/* --- collections ----------------------------------------------------------------------------- */

static struct frame *top(struct reader *r)
{
    return r->depth == 0 ? NULL : &r->stack[r->depth - 1];
}

static bool wants_key(struct reader *r)
{
    struct frame *f = top(r);
    return f != NULL && f->v.type == RAC_JSON_OBJECT && !f->has_key;
}

static rac_err take_key(struct reader *r, rac_str text, bool plain, yaml_mark_t mark)
{
    struct frame *f = top(r);
    f->is_merge = plain && rac_str_eq(text, RAC_S("<<"));
    if (f->is_merge ? f->merges.type != RAC_JSON_NONE : rac_json_member(&f->v, text) != NULL)
        return fail(r, RAC_E_SYNTAX, mark, "this key stands twice in its mapping");
    f->key = rac_arena_str(r->a, text);
    f->key_pos = (uint32_t)byte_of(r, mark.index) + 1;
    f->has_key = true;
    return RAC_OK;
}

static rac_err attach(struct reader *r, struct rac_json v, yaml_mark_t mark)
{
    struct frame *f = top(r);
    if (f == NULL) {
        r->root = v;
        r->has_root = true;
    } else if (f->v.type == RAC_JSON_ARRAY) {
        rac_json_add(r->a, &f->v, v);
    } else if (!f->has_key) {
        return fail(r, RAC_E_SYNTAX, mark, "a key must be a scalar");
    } else if (f->is_merge) {
        f->merges = rac_json_new_array(r->a);
        rac_json_add(r->a, &f->merges, v);
        f->has_key = false;
    } else {
        rac_json_put(r->a, &f->v, f->key, v);
        f->v.object->v[f->v.object->n - 1].key_pos = f->key_pos;
        f->has_key = false;
    }
    return RAC_OK;
}

static rac_err on_open(struct reader *r, bool is_map, const yaml_char_t *tag,
                       const yaml_char_t *anchor, yaml_mark_t mark)
{
    enum tag t = tag != NULL && strcmp((const char *)tag, "!") == 0 ? TAG_NONE : tag_of(tag);
    if (t != TAG_NONE && t != (is_map ? TAG_MAP : TAG_SEQ))
        return fail(r, RAC_E_SYNTAX, mark, "this tag is not one of the core schema");
    if (r->depth >= RAC_JSON_DEPTH_MAX)
        return fail(r, RAC_E_LIMIT, mark, "the values are nested too deeply");
    struct frame f = {.anchor = anchor_new(r, anchor), .nodes_before = r->nodes};
    f.v = is_map ? rac_json_new_object(r->a) : rac_json_new_array(r->a);
    f.v.pos = (uint32_t)byte_of(r, mark.index) + 1;
    if (f.anchor != NULL)
        f.anchor->open = true;
    if (!count_nodes(r, 1))
        return fail(r, RAC_E_LIMIT, mark, "aliases make the document too large");
    rac_err e = attach(r, f.v, mark);
    if (e != RAC_OK)
        return e;
    if (r->depth == r->stack_cap) {
        size_t cap = r->stack_cap ? r->stack_cap * 2 : 16;
        r->stack = rac_arena_grow(r->a, r->stack, r->stack_cap * sizeof f, cap * sizeof f);
        r->stack_cap = cap;
    }
    r->stack[r->depth++] = f;
    return RAC_OK;
}

/* Members of one merged mapping that the mapping itself has not. */
static bool merge(struct reader *r, struct frame *f, const struct rac_json *from)
{
    if (!rac_json_is_object(from))
        return false;
    RAC_JSON_EACH_MEMBER(m, from)
    {
        if (rac_json_member(&f->v, rac_json_key(m)) != NULL)
            continue;
        rac_json_put(r->a, &f->v, rac_json_key(m), m->value);
        f->v.object->v[f->v.object->n - 1].key_pos = m->key_pos;
    }
    return true;
}

static rac_err on_close(struct reader *r, const yaml_event_t *ev)
{
    struct frame *f = top(r);
    size_t end = ev->end_mark.index;
    if (f->merges.type != RAC_JSON_NONE) {
        struct rac_json *from = rac_json_at(&f->merges, 0);
        bool fits = from->type == RAC_JSON_ARRAY || merge(r, f, from);
        RAC_JSON_EACH(one, from)
        fits = fits && merge(r, f, one);
        if (!fits)
            return fail(r, RAC_E_SYNTAX, ev->start_mark,
                        "\"<<\" must name a mapping or a list of mappings");
    }
    if (f->v.type == RAC_JSON_OBJECT && end > 0 && end > ev->start_mark.index) /* flow style: "}" */
        f->v.object->end_pos = (uint32_t)byte_of(r, end - 1) + 1;
    if (f->anchor != NULL) {
        f->anchor->v = f->v;
        f->anchor->nodes = r->nodes - f->nodes_before;
        f->anchor->height = f->height + 1;
        f->anchor->open = false;
    }
    size_t height = f->height + 1;
    r->depth--;
    f = top(r);
    if (f != NULL && f->height < height)
        f->height = height;
    return RAC_OK;
}

/* --- events ---------------------------------------------------------------------------------- */

static rac_err on_scalar(struct reader *r, const yaml_event_t *ev)
{
    struct rac_json v;
    rac_err e = read_scalar(r, ev, &v);
    if (e != RAC_OK)
        return e;
    rac_str text = scalar_text(r, ev);
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct anchor *n = anchor_new(r, ev->data.scalar.anchor);
    v.pos = (uint32_t)byte_of(r, ev->start_mark.index) + 1;
    if (n != NULL)
        *n = (struct anchor){.v = v, .text = rac_arena_str(r->a, text), .nodes = 1};
    if (wants_key(r))
        return take_key(r, text, plain && ev->data.scalar.tag == NULL, ev->start_mark);
    if (!count_nodes(r, 1))
        return fail(r, RAC_E_LIMIT, ev->start_mark, "aliases make the document too large");
    return attach(r, v, ev->start_mark);
}

static rac_err on_alias(struct reader *r, const yaml_event_t *ev)
{
    struct anchor *n = rac_map_get(&r->anchors, rac_str_of((const char *)ev->data.alias.anchor));
    if (n == NULL)
        return fail(r, RAC_E_SYNTAX, ev->start_mark, "this alias names no anchor before it");
    if (n->open)
        return fail(r, RAC_E_SYNTAX, ev->start_mark, "this alias stands inside its own anchor");
    if (wants_key(r)) {
        if (n->height > 0)
            return fail(r, RAC_E_SYNTAX, ev->start_mark, "a key must be a scalar");
        return take_key(r, n->text, false, ev->start_mark);
    }
    if (!count_nodes(r, n->nodes))
        return fail(r, RAC_E_LIMIT, ev->start_mark, "aliases make the document too large");
    if (r->depth + n->height > RAC_JSON_DEPTH_MAX)
        return fail(r, RAC_E_LIMIT, ev->start_mark, "the values are nested too deeply");
    struct frame *f = top(r);
    if (f != NULL && f->height < n->height)
        f->height = n->height;
    return attach(r, copy_tree(r, &n->v), ev->start_mark);
}

static rac_err on_event(struct reader *r, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->has_root)
            return fail(r, RAC_E_SYNTAX, ev->start_mark, "there is more than one document");
        return RAC_OK;
    case YAML_SCALAR_EVENT:
        return on_scalar(r, ev);
    case YAML_ALIAS_EVENT:
        return on_alias(r, ev);
    case YAML_MAPPING_START_EVENT:
        return on_open(r, true, ev->data.mapping_start.tag, ev->data.mapping_start.anchor,
                       ev->start_mark);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(r, false, ev->data.sequence_start.tag, ev->data.sequence_start.anchor,
                       ev->start_mark);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return on_close(r, ev);
    default:
        return RAC_OK;
    }
}

/* What libyaml could not read, as an error of ours. */
static rac_err parser_error(struct reader *r, const yaml_parser_t *p)
{
    if (p->error == YAML_READER_ERROR) {
        r->err = RAC_E_SYNTAX;
        r->where.offset = p->problem_offset < r->text.n ? p->problem_offset : r->text.n;
        r->where.message = p->problem_value > 0 && p->problem_value < 0x20
                               ? "control characters are not allowed in YAML"
                               : "these bytes are not allowed in YAML";
        rac_json_place(r->text, r->where.offset, &r->where.line, &r->where.column);
        return r->err;
    }
    const char *message = p->problem ? p->problem : "this is not YAML";
    if (p->context != NULL)
        message = rac_arena_printf(r->a, "%s, %s", message, p->context).p;
    return fail(r, p->error == YAML_MEMORY_ERROR ? RAC_E_LIMIT : RAC_E_SYNTAX, p->problem_mark,
                message);
}

static rac_err read_events(struct reader *r, yaml_parser_t *p)
{
    for (bool more = true; more;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(p, &ev))
            return parser_error(r, p);
        rac_err e = on_event(r, &ev);
        more = ev.type != YAML_STREAM_END_EVENT;
        if (e == RAC_OK && rac_arena_over(r->a))
            e = fail(r, RAC_E_LIMIT, ev.start_mark, "the text needs more memory than is allowed");
        yaml_event_delete(&ev);
        if (e != RAC_OK)
            return e;
    }
    return RAC_OK;
}

/* Lenient: bytes that are not UTF-8 are mended; each place is told. */
static rac_str mend(struct reader *r, rac_str text)
{
    size_t bad = rac_utf8_check(text);
    if (bad == text.n)
        return text;
    struct rac_json_spot spot = {0};
    for (size_t at = bad; at < text.n && r->repairs != NULL;) {
        struct rac_diag *d = rac_diags_addf(r->repairs, "RC-JSON-01", RAC_SEV_WARNING,
                                            "A byte that is not UTF-8 was read as U+FFFD.");
        if (d == NULL) /* the list is full: places no longer matter */
            break;
        rac_json_spot_move(text, &spot, at);
        d->line = spot.line;
        d->column = spot.column;
        at++;
        at += rac_utf8_check(rac_str_from(text, at));
    }
    return rac_utf8_mend(r->a, text);
}

/* A line that ends in the header of a block scalar: "|", ">-", "|2+". */
static bool ends_in_block_header(rac_str line)
{
    while (line.n > 0 && rac_is_space(line.p[line.n - 1]))
        line.n--;
    while (line.n > 0 && (rac_is_digit(line.p[line.n - 1]) || line.p[line.n - 1] == '-' ||
                          line.p[line.n - 1] == '+'))
        line.n--;
    return line.n > 0 && (line.p[line.n - 1] == '|' || line.p[line.n - 1] == '>');
}

/*
 * The first line of a block scalar may begin with spaces and a tab; libyaml takes the tab for bad
 * indentation. Such a tab is replaced by a character that stands for it until the scalar is read,
 * one for one, so that places stay.
 */
static rac_str guard_tabs(struct reader *r, rac_str text)
{
    if (rac_str_find_char(text, '\t') == RAC_STR_NPOS ||
        rac_str_find(text, RAC_S(STAND_IN)) != RAC_STR_NPOS)
        return text;
    struct rac_buf b;
    rac_buf_init(&b, SIZE_MAX / 2);
    bool first = false; /* only blank lines since a header */
    for (rac_str rest = text; rest.p != NULL;) {
        rac_str line = rac_str_cut(rest, '\n', &rest);
        size_t i = 0;
        while (i < line.n && line.p[i] == ' ')
            i++;
        bool tab = first && i > 0 && i < line.n && line.p[i] == '\t';
        rac_buf_add(&b, rac_str_sub(line, 0, i));
        if (tab)
            RAC_BUF_ADD_LIT(&b, STAND_IN);
        rac_buf_add(&b, rac_str_from(line, i + tab));
        if (rest.p != NULL)
            rac_buf_add_char(&b, '\n');
        r->has_stand_in = r->has_stand_in || tab;
        if (rac_str_trim(line).n > 0 || tab)
            first = !tab && ends_in_block_header(line);
    }
    if (r->has_stand_in)
        text = rac_buf_take(&b, r->a);
    rac_buf_fini(&b);
    return text;
}

static rac_err parse(struct reader *r, struct rac_json *out, struct rac_json_error *error)
{
    rac_str text = r->text;
    yaml_parser_t p;
    if (text.n >= UINT32_MAX - 1)
        return RAC_E_LIMIT;
    if (rac_str_starts(text, RAC_S("\xef\xbb\xbf"))) {
        r->at_byte = 3;
        text = rac_str_from(text, 3);
    }
    if (r->lenient)
        text = mend(r, text);
    text = guard_tabs(r, text);
    RAC_ASSERT(yaml_parser_initialize(&p) == 1); /* fails only without memory */
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
    rac_err e = read_events(r, &p);
    yaml_parser_delete(&p);
    if (e == RAC_OK)
        *out = r->has_root ? r->root : rac_json_of_null();
    else if (error != NULL)
        *error = r->where;
    return e;
}

rac_err rac_yaml_parse(rac_str text, struct rac_arena *a, unsigned flags, struct rac_json *out,
                       struct rac_json_error *error)
{
    struct reader r = {.text = {text.p ? text.p : "", text.n}, .a = a};
    r.lenient = (flags & RAC_JSON_LENIENT) != 0;
    rac_map_init(&r.anchors, a);
    return parse(&r, out, error);
}

rac_err rac_yaml_parse_lenient(rac_str text, struct rac_arena *a, struct rac_json *out,
                               struct rac_diags *repairs, struct rac_json_error *error)
{
    struct reader r = {
        .text = {text.p ? text.p : "", text.n}, .a = a, .lenient = true, .repairs = repairs};
    rac_map_init(&r.anchors, a);
    return parse(&r, out, error);
}
