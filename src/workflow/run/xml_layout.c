/* Two passes over the same pieces: which elements hold text, then the writing. */
#include "workflow/run/xml_layout.h"

#include "base/buf.h"

enum { OUTPUT_MAX = 104857600, DEPTH_MAX = 256 };

/* --- pieces ----------------------------------------------------------------------------------- */

enum piece { TEXT, CDATA, START, EMPTY, END, OTHER, NOTHING };

/* "<!DOCTYPE ...>" with whatever stands between its brackets and quotes. */
static size_t doctype_end(rac_str s)
{
    size_t depth = 0;
    char quote = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote == 0 && rac_str_starts(rac_str_from(s, i), RAC_S("<!--"))) {
            size_t end = rac_str_find(rac_str_from(s, i), RAC_S("-->"));
            if (end == RAC_STR_NPOS)
                return s.n;
            i += end + 2;
        } else if (quote != 0) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '[' || c == ']') {
            depth += c == '[' ? 1 : (size_t)-1;
        } else if (c == '>' && depth == 0) {
            return i + 1;
        }
    }
    return s.n;
}

static size_t behind(rac_str s, rac_str end)
{
    size_t at = rac_str_find(s, end);
    return at == RAC_STR_NPOS ? s.n : at + end.n;
}

static enum piece next(rac_str *rest, rac_str *piece)
{
    rac_str s = *rest;
    enum piece kind = START;
    size_t n;
    if (s.n == 0)
        return NOTHING;
    if (s.p[0] != '<') {
        kind = TEXT;
        n = rac_str_find_char(s, '<');
        n = n == RAC_STR_NPOS ? s.n : n;
    } else if (rac_str_starts(s, RAC_S("<![CDATA["))) {
        kind = CDATA;
        n = behind(s, RAC_S("]]>"));
    } else if (rac_str_starts(s, RAC_S("<!--"))) {
        kind = OTHER;
        n = behind(s, RAC_S("-->"));
    } else if (rac_str_starts(s, RAC_S("<?"))) {
        kind = OTHER;
        n = behind(s, RAC_S("?>"));
    } else if (rac_str_starts(s, RAC_S("<!"))) {
        kind = OTHER;
        n = doctype_end(s);
    } else {
        n = behind(s, RAC_S(">"));
        kind = s.n > 1 && s.p[1] == '/' ? END : n > 2 && s.p[n - 2] == '/' ? EMPTY : START;
    }
    *piece = rac_str_sub(s, 0, n);
    *rest = rac_str_from(s, n);
    return kind;
}

/* --- which elements hold text ----------------------------------------------------------------- */

/* By the order of start tags; NULL: nested too deeply. */
static bool *holding_text(rac_str xml, struct rac_arena *a)
{
    size_t starts = 0, open[DEPTH_MAX], depth = 0;
    enum piece kind;
    rac_str piece;
    for (rac_str rest = xml; (kind = next(&rest, &piece)) != NOTHING;)
        starts += kind == START;
    bool *holds = RAC_NEW_N(a, bool, starts + 1);
    starts = 0;
    for (rac_str rest = xml; (kind = next(&rest, &piece)) != NOTHING;) {
        if (kind == START && depth == DEPTH_MAX)
            return NULL;
        if (kind == START)
            open[depth++] = starts++;
        else if (kind == END && depth > 0)
            depth--;
        else if ((kind == TEXT || kind == CDATA) && depth > 0)
            holds[open[depth - 1]] = true;
    }
    return holds;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writer {
    const struct rac_xml_layout *l;
    struct rac_buf b;
    bool mixed[DEPTH_MAX + 1]; /* by depth: nothing is added in there */
    size_t depth;
};

static void new_line(struct writer *w, size_t depth)
{
    if (!w->l->indent || w->mixed[w->depth] || w->b.n == 0)
        return;
    rac_buf_add(&w->b, w->l->line_text);
    for (size_t i = 0; i < depth; i++)
        rac_buf_add(&w->b, w->l->indent_text);
}

static void put_text(struct writer *w, rac_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (w->l->entitize && c == '\r') {
            RAC_BUF_ADD_LIT(&w->b, "&#xD;");
        } else if (w->l->replace && (c == '\r' || c == '\n')) {
            i += c == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';
            rac_buf_add(&w->b, w->l->line_text);
        } else {
            rac_buf_add_char(&w->b, c);
        }
    }
}

/* The spaces between attributes become lines. */
static void put_tag(struct writer *w, rac_str tag)
{
    bool quoted = false;
    if (!w->l->indent || !w->l->attributes || w->mixed[w->depth]) {
        rac_buf_add(&w->b, tag);
        return;
    }
    for (size_t i = 0; i < tag.n; i++) {
        quoted ^= tag.p[i] == '"';
        if (tag.p[i] == ' ' && !quoted && i + 1 < tag.n && tag.p[i + 1] != '/')
            new_line(w, w->depth + 1);
        else
            rac_buf_add_char(&w->b, tag.p[i]);
    }
}

static void put_start(struct writer *w, rac_str tag, bool holds)
{
    new_line(w, w->depth);
    put_tag(w, tag);
    w->mixed[w->depth + 1] = w->mixed[w->depth] || holds;
    w->depth++;
}

/* empty: its start tag came right before. */
static void put_end(struct writer *w, rac_str tag, bool empty)
{
    bool mixed = w->mixed[w->depth];
    w->depth -= w->depth > 0;
    if (!mixed && !empty)
        new_line(w, w->depth);
    rac_buf_add(&w->b, tag);
}

rac_err rac_xml_lay_out(const struct rac_xml_layout *l, rac_str xml, struct rac_arena *a,
                        rac_str *out)
{
    struct writer w = {.l = l};
    size_t starts = 0;
    enum piece kind, before = NOTHING;
    rac_str piece;
    *out = xml;
    if (!l->indent && !l->replace && !l->entitize)
        return RAC_OK;
    const bool *holds = holding_text(xml, a);
    if (holds == NULL)
        return RAC_E_LIMIT;
    rac_buf_init(&w.b, OUTPUT_MAX);
    for (rac_str rest = xml; (kind = next(&rest, &piece)) != NOTHING; before = kind) {
        if (kind == START) {
            put_start(&w, piece, holds[starts++]);
        } else if (kind == END) {
            put_end(&w, piece, before == START);
        } else if (kind == TEXT) {
            put_text(&w, piece);
        } else {
            if (kind != CDATA)
                new_line(&w, w.depth);
            if (kind == EMPTY)
                put_tag(&w, piece);
            else
                rac_buf_add(&w.b, piece);
        }
    }
    rac_err err = rac_buf_err(&w.b);
    if (err == RAC_OK)
        *out = rac_buf_take(&w.b, a);
    rac_buf_fini(&w.b);
    return err;
}
