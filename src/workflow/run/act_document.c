/* Documents as text: ParseDocument, ChunkText (spec workflows §3.18). */
#include "base/base64.h"
#include "base/str.h"
#include "workflow/run/run_priv.h"

enum {
    CHARACTERS_PER_TOKEN = 4, /* about that many in English; counting needs the model's own table */
    CHUNK_DEFAULT = 5000,
    CHUNKS_MAX = 100000,
    TEXT_MAX = 104857600,
};

static void put_body(struct rac_run *r, struct rac_act_result *o, struct rac_json body)
{
    o->outputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &o->outputs, "body", body);
    run_succeed(o, "OK");
}

/* --- HTML as text ----------------------------------------------------------------------------- */

/* "script" of "<script src=x>"; *end is behind the '>'. */
static rac_str tag_name(rac_str html, size_t at, size_t *end)
{
    size_t i = at + 1, from;
    char quote = 0;
    if (i < html.n && html.p[i] == '/')
        i++;
    from = i;
    while (i < html.n && (rac_is_alnum(html.p[i]) || html.p[i] == '!' || html.p[i] == '-'))
        i++;
    rac_str name = rac_str_sub(html, from, i - from);
    for (; i < html.n && (quote != 0 || html.p[i] != '>'); i++)
        if (quote != 0 ? html.p[i] == quote : html.p[i] == '"' || html.p[i] == '\'')
            quote = quote != 0 ? 0 : html.p[i];
    *end = i < html.n ? i + 1 : html.n;
    return name;
}

static bool breaks_line(rac_str name)
{
    static const rac_str blocks[] = {
        RAC_S_INIT("p"),       RAC_S_INIT("div"), RAC_S_INIT("br"), RAC_S_INIT("li"),
        RAC_S_INIT("tr"),      RAC_S_INIT("h1"),  RAC_S_INIT("h2"), RAC_S_INIT("h3"),
        RAC_S_INIT("h4"),      RAC_S_INIT("h5"),  RAC_S_INIT("h6"), RAC_S_INIT("table"),
        RAC_S_INIT("section"), RAC_S_INIT("ul"),  RAC_S_INIT("ol"), RAC_S_INIT("title")};
    for (size_t i = 0; i < RAC_COUNT(blocks); i++)
        if (rac_str_eqi(name, blocks[i]))
            return true;
    return false;
}

/* Behind the end of an element whose content is no text. */
static size_t skip_element(rac_str html, size_t at, rac_str name)
{
    for (; at < html.n; at++)
        if (html.p[at] == '<' && at + 1 < html.n && html.p[at + 1] == '/' &&
            rac_str_startsi(rac_str_from(html, at + 2), name)) {
            size_t end;
            (void)tag_name(html, at, &end);
            return end;
        }
    return html.n;
}

static size_t put_entity(struct rac_buf *b, rac_str html, size_t at)
{
    static const struct {
        rac_str name;
        const char *text;
    } table[] = {{RAC_S_INIT("&amp;"), "&"},  {RAC_S_INIT("&lt;"), "<"},
                 {RAC_S_INIT("&gt;"), ">"},   {RAC_S_INIT("&quot;"), "\""},
                 {RAC_S_INIT("&apos;"), "'"}, {RAC_S_INIT("&#39;"), "'"},
                 {RAC_S_INIT("&nbsp;"), " "}};
    rac_str rest = rac_str_from(html, at);
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (rac_str_startsi(rest, table[i].name)) {
            rac_buf_add(b, rac_str_of(table[i].text));
            return at + table[i].name.n;
        }
    rac_buf_add_char(b, '&');
    return at + 1;
}

static void put_space(struct rac_buf *b, char c)
{
    char last = b->n > 0 ? b->p[b->n - 1] : '\n';
    if (c == '\n' && last == ' ')
        b->p[b->n - 1] = '\n';
    else if (last != '\n' && last != ' ')
        rac_buf_add_char(b, c);
}

static rac_str html_text(struct rac_run *r, rac_str html)
{
    struct rac_buf b;
    rac_buf_init(&b, TEXT_MAX);
    for (size_t at = 0; at < html.n;) {
        char c = html.p[at];
        if (c == '<') {
            rac_str name;
            if (rac_str_starts(rac_str_from(html, at), RAC_S("<!--"))) {
                size_t end = rac_str_find(rac_str_from(html, at), RAC_S("-->"));
                at = end == RAC_STR_NPOS ? html.n : at + end + 3;
                continue;
            }
            bool closes = at + 1 < html.n && html.p[at + 1] == '/';
            name = tag_name(html, at, &at);
            if (breaks_line(name))
                put_space(&b, '\n');
            if (!closes &&
                (rac_str_eqi(name, RAC_S("script")) || rac_str_eqi(name, RAC_S("style"))))
                at = skip_element(html, at, name);
        } else if (c == '&') {
            at = put_entity(&b, html, at);
        } else if (rac_is_space(c)) {
            put_space(&b, ' ');
            at++;
        } else {
            rac_buf_add_char(&b, c);
            at++;
        }
    }
    rac_str out = rac_arena_str(r->a, rac_str_trim(rac_buf_str(&b)));
    rac_buf_fini(&b);
    return out;
}

/* --- ParseDocument ---------------------------------------------------------------------------- */

static bool unsupported(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o,
                        rac_str type)
{
    run_fail(r, o, "BadRequest", "UnsupportedContentType",
             "The action '%.*s' reads text and HTML; it cannot read '%.*s'.",
             RAC_FMT(x->action->name), RAC_FMT(type));
    return false;
}

/* The text of content, and whether it is HTML. */
static bool content_text(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o,
                         rac_str *text, bool *html)
{
    const struct rac_json *v = RAC_JSON_GETI(&x->inputs, "content");
    rac_str type = rac_json_str(rac_json_get(v, RAC_S("$content-type")), RAC_S("text/plain"));
    *html = rac_str_startsi(type, RAC_S("text/html"));
    if (rac_json_is_string(v)) {
        *text = (rac_str){v->s, v->n};
        *html = rac_str_startsi(rac_str_trim(*text), RAC_S("<!doctype html")) ||
                rac_str_startsi(rac_str_trim(*text), RAC_S("<html"));
        return true;
    }
    if (!rac_json_is_object(v) || rac_json_get(v, RAC_S("$content")) == NULL) {
        *text = v != NULL && v->type != RAC_JSON_NULL ? rac_expr_text(v, r->a) : RAC_S("");
        return true;
    }
    if (!rac_str_startsi(type, RAC_S("text/")))
        return unsupported(r, x, o, type);
    if (!rac_base64_decode(r->a, rac_json_str(rac_json_get(v, RAC_S("$content")), RAC_S("")), text))
        return unsupported(r, x, o, type);
    return true;
}

void act_parse_document(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct rac_json body = rac_json_new_object(r->a);
    rac_str text;
    bool html;
    if (!content_text(r, x, o, &text, &html))
        return;
    RAC_JSON_PUT_STR(r->a, &body, "text", html ? html_text(r, text) : text);
    put_body(r, o, body);
}

/* --- ChunkText -------------------------------------------------------------------------------- */

static int64_t number(struct rac_wf_record *x, const char *name, int64_t otherwise)
{
    const struct rac_json *v = rac_json_geti(&x->inputs, rac_str_of(name));
    int64_t n = otherwise;
    if (rac_json_is_string(v))
        return rac_str_to_i64((rac_str){v->s, v->n}, &n) ? n : otherwise;
    return rac_json_int(v, otherwise);
}

/* n characters from `at`, or up to the last white space among their second half. */
static size_t chunk_end(rac_str s, size_t at, int64_t n)
{
    size_t end = at, space = 0, half = 0;
    for (int64_t i = 0; i < n && end < s.n; i++) {
        if (i == n / 2)
            half = end;
        if (i >= n / 2 && rac_is_space(s.p[end]))
            space = end + 1;
        end++;
        while (end < s.n && ((unsigned char)s.p[end] & 0xc0) == 0x80)
            end++;
    }
    return end < s.n && space > half ? space : end;
}

static size_t back(rac_str s, size_t at, int64_t n)
{
    for (; n > 0 && at > 0; n--) {
        at--;
        while (at > 0 && ((unsigned char)s.p[at] & 0xc0) == 0x80)
            at--;
    }
    return at;
}

void act_chunk_text(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    const struct rac_json *given = RAC_JSON_GETI(&x->inputs, "text");
    rac_str strategy =
        rac_json_str(RAC_JSON_GETI(&x->inputs, "chunkingStrategy"), RAC_S("TokenSize"));
    rac_str text =
        given != NULL && given->type != RAC_JSON_NULL ? rac_expr_text(given, r->a) : RAC_S("");
    bool fixed = rac_str_eqi(strategy, RAC_S("FixedLength"));
    int64_t unit = fixed ? 1 : CHARACTERS_PER_TOKEN,
            size = number(x, "TokenSize", number(x, "MaxPageLength", CHUNK_DEFAULT)) * unit,
            overlap = number(x, "PageOverlapLength", 0) * unit;
    struct rac_json list = rac_json_new_array(r->a);
    if (size < 1 || size > TEXT_MAX || overlap < 0 || overlap >= size) {
        run_fail(r, o, "BadRequest", "InvalidTemplate",
                 "The action '%.*s' needs a size of at least 1 and an overlap below it.",
                 RAC_FMT(x->action->name));
        return;
    }
    for (size_t at = 0; at < text.n;) {
        size_t end = chunk_end(text, at, size), next;
        rac_json_add(r->a, &list, rac_json_of_str(rac_str_sub(text, at, end - at)));
        if (end >= text.n || rac_json_len(&list) >= CHUNKS_MAX)
            break;
        next = back(text, end, overlap);
        at = next > at ? next : end;
    }
    put_body(r, o, list);
}
