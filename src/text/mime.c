/* Hand-written scanners over tokens and quoted strings (RFC 9110 §5.6). */
#include "text/mime.h"
#include "base/utf8.h"
#include "text/url.h"

static bool is_token_char(char c)
{
    return rac_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip_space(rac_str *s)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t' || s->p[0] == '\r' || s->p[0] == '\n'))
        *s = rac_str_from(*s, 1);
}

static rac_str take_token(rac_str *s)
{
    size_t n = 0;
    while (n < s->n && is_token_char(s->p[n]))
        n++;
    rac_str token = rac_str_sub(*s, 0, n);
    *s = rac_str_from(*s, n);
    return token;
}

/* A quoted string that begins at *s, unquoted; one that is not closed ends with the text. */
static rac_str take_quoted(struct rac_arena *a, rac_str *s)
{
    char *p = rac_arena_alloc_dirty(a, s->n + 1);
    size_t n = 0, i = 1;
    for (; i < s->n && s->p[i] != '"'; i++) {
        /* browsers send \ in file names unescaped: only \" and \\ are escapes */
        if (s->p[i] == '\\' && i + 1 < s->n && (s->p[i + 1] == '"' || s->p[i + 1] == '\\'))
            i++;
        p[n++] = s->p[i];
    }
    p[n] = '\0';
    *s = rac_str_from(*s, i + 1);
    return (rac_str){p, n};
}

/* The next "; name=value" of *s; false at the end. Parts that are none are stepped over. */
static bool next_param(struct rac_arena *a, rac_str *s, rac_str *name, rac_str *value)
{
    for (;;) {
        skip_space(s);
        if (s->n == 0)
            return false;
        if (s->p[0] != ';') { /* junk: up to the next semicolon */
            size_t i = rac_str_find_char(*s, ';');
            if (i == RAC_STR_NPOS)
                return false;
            *s = rac_str_from(*s, i);
        }
        *s = rac_str_from(*s, 1);
        skip_space(s);
        *name = take_token(s);
        skip_space(s);
        if (name->n == 0 || s->n == 0 || s->p[0] != '=')
            continue;
        *s = rac_str_from(*s, 1);
        skip_space(s);
        if (s->n > 0 && s->p[0] == '"') {
            *value = take_quoted(a, s);
        } else { /* a token, read generously: up to the next semicolon */
            size_t i = rac_str_find_char(*s, ';');
            *value = rac_str_trim(rac_str_sub(*s, 0, i));
            *s = rac_str_from(*s, i == RAC_STR_NPOS ? s->n : i);
        }
        return true;
    }
}

/* --- media types ----------------------------------------------------------------------------- */

bool rac_mime_parse(struct rac_arena *a, rac_str text, struct rac_mime *out)
{
    struct rac_mime m = {0};
    rac_str s = rac_str_trim(text), name, value;
    m.type = take_token(&s);
    skip_space(&s);
    if (m.type.n == 0)
        return false;
    if (s.n > 0 && s.p[0] == '/') {
        s = rac_str_from(s, 1);
        skip_space(&s);
        m.subtype = take_token(&s);
    } else if (rac_str_eq(m.type, RAC_S("*"))) {
        m.subtype = m.type;
    }
    skip_space(&s);
    if (m.subtype.n == 0 || (s.n > 0 && s.p[0] != ';'))
        return false;
    size_t plus = rac_str_rfind_char(m.subtype, '+');
    if (plus != RAC_STR_NPOS)
        m.suffix = rac_str_from(m.subtype, plus + 1);
    while (m.params_n < RAC_MIME_PARAMS_MAX && next_param(a, &s, &name, &value))
        m.params[m.params_n++] = (struct rac_mime_param){name, value};
    *out = m;
    return true;
}

rac_str rac_mime_param(const struct rac_mime *m, rac_str name)
{
    for (size_t i = 0; i < m->params_n; i++)
        if (rac_str_eqi(m->params[i].name, name))
            return m->params[i].value;
    return RAC_STR_NULL;
}

/* application/x, text/x or anything/...+x */
static bool is_format(const struct rac_mime *m, rac_str format)
{
    return rac_str_eqi(m->suffix, format) ||
           (rac_str_eqi(m->subtype, format) &&
            (rac_str_eqi(m->type, RAC_S("application")) || rac_str_eqi(m->type, RAC_S("text"))));
}

bool rac_mime_is_json(const struct rac_mime *m)
{
    return is_format(m, RAC_S("json"));
}

bool rac_mime_is_xml(const struct rac_mime *m)
{
    return is_format(m, RAC_S("xml"));
}

bool rac_mime_is_text(const struct rac_mime *m)
{
    return rac_str_eqi(m->type, RAC_S("text")) || rac_mime_is_xml(m);
}

bool rac_mime_is_form(const struct rac_mime *m)
{
    return rac_str_eqi(m->type, RAC_S("application")) &&
           rac_str_eqi(m->subtype, RAC_S("x-www-form-urlencoded"));
}

bool rac_mime_is_multipart(const struct rac_mime *m)
{
    return rac_str_eqi(m->type, RAC_S("multipart"));
}

bool rac_mime_match(const struct rac_mime *range, const struct rac_mime *type)
{
    bool any_type = rac_str_eq(range->type, RAC_S("*"));
    bool any_subtype = rac_str_eq(range->subtype, RAC_S("*"));
    return (any_type || rac_str_eqi(range->type, type->type)) &&
           (any_subtype || rac_str_eqi(range->subtype, type->subtype));
}

bool rac_mime_text_is_json(rac_str text)
{
    struct rac_arena a;
    struct rac_mime m;
    rac_arena_init(&a, 1 << 16);
    bool is = rac_mime_parse(&a, text, &m) && rac_mime_is_json(&m);
    rac_arena_fini(&a);
    return is;
}

rac_str rac_mime_of_name(rac_str name)
{
    static const struct {
        rac_str extension, type;
    } known[] = {
#define TYPE(extension, type) {RAC_S_INIT(extension), RAC_S_INIT(type)},
#include "text/mime_types.def"
#undef TYPE
    };
    size_t dot = rac_str_rfind_char(name, '.');
    rac_str extension = dot == RAC_STR_NPOS ? RAC_STR_NULL : rac_str_from(name, dot + 1);
    for (size_t i = 0; i < RAC_COUNT(known) && extension.n > 0; i++)
        if (rac_str_eqi(extension, known[i].extension))
            return known[i].type;
    return RAC_S("application/octet-stream");
}

/* --- content disposition --------------------------------------------------------------------- */

/* UTF-8''na%20me (RFC 8187); ISO-8859-1 is understood as well. False when it is neither. */
static bool extended_value(struct rac_arena *a, rac_str value, rac_str *out)
{
    rac_str rest, charset = rac_str_cut(value, '\'', &rest);
    if (rest.p == NULL)
        return false;
    (void)rac_str_cut(rest, '\'', &rest); /* the language */
    rac_str bytes;
    if (rest.p == NULL || !rac_url_decode_strict(a, rest, false, &bytes))
        return false;
    if (rac_str_eqi(charset, RAC_S("UTF-8"))) {
        *out = rac_utf8_mend(a, bytes);
        return true;
    }
    if (!rac_str_eqi(charset, RAC_S("ISO-8859-1")))
        return false;
    char *p = rac_arena_alloc_dirty(a, bytes.n * 2 + 1);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i++)
        n += rac_utf8_encode((unsigned char)bytes.p[i], p + n);
    *out = (rac_str){p, n};
    return true;
}

bool rac_disposition_parse(struct rac_arena *a, rac_str text, struct rac_disposition *out)
{
    struct rac_disposition d = {0};
    rac_str s = rac_str_trim(text), name, value, extended = RAC_STR_NULL;
    d.type = take_token(&s);
    if (d.type.n == 0)
        return false;
    while (next_param(a, &s, &name, &value)) {
        if (rac_str_eqi(name, RAC_S("name")) && d.name.p == NULL)
            d.name = value;
        else if (rac_str_eqi(name, RAC_S("filename")) && d.filename.p == NULL)
            d.filename = value;
        else if (rac_str_eqi(name, RAC_S("filename*")) && extended.p == NULL)
            (void)extended_value(a, value, &extended);
    }
    if (extended.p != NULL)
        d.filename = extended;
    *out = d;
    return true;
}

static void put_quoted(struct rac_buf *b, const char *name, rac_str value)
{
    if (value.p == NULL)
        return;
    rac_buf_printf(b, "; %s=\"", name);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '"' || c == '\r' || c == '\n' || c == '\0')
            rac_buf_printf(b, "%%%02X", (unsigned)(unsigned char)c);
        else
            rac_buf_add_char(b, c);
    }
    rac_buf_add_char(b, '"');
}

void rac_disposition_print(const struct rac_disposition *d, struct rac_buf *b)
{
    rac_buf_add(b, d->type);
    put_quoted(b, "name", d->name);
    put_quoted(b, "filename", d->filename);
}
