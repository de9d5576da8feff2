#include "workflow/run/xml_form.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "expr/expr.h"
#include "workflow/run/xml_layout.h"

enum { DEPTH_MAX = 1000 };

/* --- settings --------------------------------------------------------------------------------- */

static const struct rac_json *setting(const struct rac_json *inputs, const char *group,
                                      const char *name)
{
    const struct rac_json *v =
        rac_json_geti(rac_json_geti(inputs, rac_str_of(group)), rac_str_of(name));
    return rac_json_is_null(v) ? NULL : v;
}

struct reader { /* of settings: the first one that is wrong is told */
    const struct rac_json *inputs;
    const char *group;
    struct rac_arena *a;
    rac_str why; /* absent: none so far */
};

static void wrong(struct reader *r, const char *name, const char *expected)
{
    if (r->why.p == NULL)
        r->why =
            rac_arena_printf(r->a, "the setting '%s' of '%s' is not %s", name, r->group, expected);
}

/* A boolean, also as text. */
static bool flag(struct reader *r, const char *name, bool otherwise)
{
    const struct rac_json *v = setting(r->inputs, r->group, name);
    if (v == NULL)
        return otherwise;
    if (rac_json_is_bool(v))
        return rac_json_bool(v, otherwise);
    rac_str s = rac_json_str(v, RAC_S(""));
    if (rac_str_eqi(s, RAC_S("true")) || rac_str_eqi(s, RAC_S("false")))
        return rac_str_eqi(s, RAC_S("true"));
    wrong(r, name, "a boolean");
    return otherwise;
}

static bool is_set(struct reader *r, const char *name)
{
    return setting(r->inputs, r->group, name) != NULL;
}

static rac_str text(struct reader *r, const char *name, rac_str otherwise)
{
    const struct rac_json *v = setting(r->inputs, r->group, name);
    if (v != NULL && !rac_json_is_string(v))
        wrong(r, name, "a string");
    return rac_json_str(v, otherwise);
}

/* One of the words, by its place; 0 is also "not said". */
static unsigned word(struct reader *r, const char *name, const char *const *words, size_t n)
{
    rac_str s = text(r, name, rac_str_of(words[0]));
    for (unsigned i = 0; i < n; i++)
        if (rac_str_eqi(s, rac_str_of(words[i])))
            return i;
    wrong(r, name, "one of those it can be");
    return 0;
}

/* --- evaluating ------------------------------------------------------------------------------- */

static bool get_item(void *self, enum rac_expr_ref ref, rac_str name RAC_UNUSED,
                     struct rac_arena *a RAC_UNUSED, struct rac_json *out)
{
    *out = *(const struct rac_json *)self;
    return ref == RAC_EXPR_REF_ITEM;
}

/* The language converts; item() hands it the content. */
static rac_err convert(rac_str expression, const struct rac_json *item, unsigned xml,
                       const struct rac_env *env, struct rac_arena *a, struct rac_json *out,
                       rac_str *why)
{
    struct rac_json v = *item;
    struct rac_expr_scope scope = {.get = get_item, .self = &v};
    struct rac_expr_run run = {.scope = &scope, .env = env, .a = a, .xml = xml};
    const struct rac_expr *e;
    rac_err err = rac_expr_compile(expression, 0, a, &e, NULL);
    if (err == RAC_OK)
        err = rac_expr_eval(e, &run, out);
    *why = run.error.message;
    if (rac_str_ends(*why, RAC_S(".")))
        *why = rac_str_sub(*why, 0, why->n - 1);
    return err == RAC_OK ? RAC_OK : RAC_E_INVALID;
}

/* --- XML to JSON ------------------------------------------------------------------------------ */

static bool labelled(const struct rac_json *content, struct rac_arena *a, struct rac_json *out)
{
    const struct rac_json *bytes = rac_json_get(content, RAC_S("$content"));
    if (!rac_json_is_string(content) && !rac_json_is_string(bytes))
        return false;
    *out = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, out, "$content-type", RAC_S("application/xml"));
    if (rac_json_is_string(content))
        RAC_JSON_PUT_STR(a, out, "$content",
                         rac_base64_encode(a, (rac_str){content->s, content->n}));
    else
        RAC_JSON_PUT(a, out, "$content", *bytes);
    return true;
}

static rac_err check_doctype(struct rac_json *parsed, unsigned processing, rac_str *why)
{
    enum { IGNORE = 1, PROHIBIT = 3 };
    const struct rac_json *doctype = RAC_JSON_GET(parsed, "!DOCTYPE");
    if (doctype == NULL)
        return RAC_OK;
    if (processing == PROHIBIT) {
        *why = RAC_S("it has a DOCTYPE, which 'dtdProcessing' prohibits");
        return RAC_E_INVALID;
    }
    if (rac_str_find(rac_json_str(RAC_JSON_GET(doctype, "@internalSubset"), RAC_S("")),
                     RAC_S("<!ENTITY")) != RAC_STR_NPOS) {
        *why = RAC_S("it declares entities, which are not expanded here");
        return RAC_E_INVALID;
    }
    if (processing == IGNORE)
        (void)rac_json_del(parsed, RAC_S("!DOCTYPE"));
    return RAC_OK;
}

rac_err rac_xml_form_parse(const struct rac_json *inputs, const struct rac_env *env,
                           struct rac_arena *a, struct rac_json *out, rac_str *why)
{
    static const char *const processing[] = {"", "Ignore", "Parse", "Prohibit"};
    struct reader r = {.inputs = inputs, .group = "xmlReaderSettings", .a = a};
    struct rac_json content;
    unsigned keep = 0, dtd = word(&r, "dtdProcessing", processing, RAC_COUNT(processing));
    if (!flag(&r, "ignoreWhitespace", true))
        keep |= RAC_EXPR_XML_BLANKS;
    if (!flag(&r, "ignoreProcessingInstructions", true))
        keep |= RAC_EXPR_XML_INSTRUCTIONS;
    (void)flag(&r, "xmlNormalization", true); /* every XML 1.0 reader normalises */
    *why = r.why;
    if (r.why.p != NULL)
        return RAC_E_INVALID;
    if (!labelled(rac_json_geti(inputs, RAC_S("content")), a, &content)) {
        *why = RAC_S("a string, or an object with '$content-type' and '$content', is needed");
        return RAC_E_INVALID;
    }
    rac_err err = convert(RAC_S("@json(item())"), &content, keep, env, a, out, why);
    return err == RAC_OK ? check_doctype(out, dtd, why) : err;
}

struct form {
    struct rac_arena *a;
    bool no_attributes, local;
};

static bool is_attribute(rac_str key)
{
    return key.n > 1 && key.p[0] == '@';
}

static bool is_declaration(rac_str key)
{
    return rac_str_eq(key, RAC_S("@xmlns")) || rac_str_starts(key, RAC_S("@xmlns:"));
}

static bool dropped(const struct form *f, rac_str key)
{
    return is_attribute(key) && (f->no_attributes || (f->local && is_declaration(key)));
}

static rac_str renamed(const struct form *f, rac_str key)
{
    size_t colon = rac_str_find_char(key, ':');
    if (!f->local || colon == RAC_STR_NPOS || key.p[0] == '?')
        return key;
    rac_str local = rac_str_from(key, colon + 1);
    return is_attribute(key) ? rac_str_concat(f->a, RAC_S("@"), local) : local;
}

/* Two names may have become one: then they are one list. */
static void put_joined(const struct form *f, struct rac_json *o, rac_str key, struct rac_json v)
{
    struct rac_json *there = rac_json_get(o, key);
    if (there == NULL) {
        rac_json_put(f->a, o, key, v);
        return;
    }
    struct rac_json list = rac_json_new_array(f->a);
    for (int side = 0; side < 2; side++) {
        const struct rac_json *from = side == 0 ? there : &v;
        if (from->type != RAC_JSON_ARRAY)
            rac_json_add(f->a, &list, *from);
        RAC_JSON_EACH(e, from)
        rac_json_add(f->a, &list, *e);
    }
    *there = list;
}

static struct rac_json formed(const struct form *f, const struct rac_json *v, unsigned depth)
{
    struct rac_json out;
    bool gone = false;
    if (depth > DEPTH_MAX || v->type < RAC_JSON_ARRAY)
        return *v;
    if (v->type == RAC_JSON_ARRAY) {
        out = rac_json_new_array(f->a);
        RAC_JSON_EACH(e, v)
        rac_json_add(f->a, &out, formed(f, e, depth + 1));
        return out;
    }
    out = rac_json_new_object(f->a);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str key = rac_json_key(m);
        if (dropped(f, key))
            gone = true;
        else
            put_joined(f, &out, renamed(f, key), formed(f, &m->value, depth + 1));
    }
    const struct rac_json *only = RAC_JSON_GET(&out, "#text");
    if (gone && rac_json_len(&out) == 0)
        return rac_json_of_null();
    return gone && only != NULL && rac_json_len(&out) == 1 ? *only : out;
}

rac_err rac_xml_form_write_json(const struct rac_json *inputs, const struct rac_json *parsed,
                                struct rac_arena *a, struct rac_json *out, rac_str *why)
{
    struct reader r = {.inputs = inputs, .group = "jsonWriterSettings", .a = a};
    struct form f = {.a = a, .no_attributes = flag(&r, "ignoreAttributes", false)};
    f.local = !flag(&r, "useFullyQualifiedNames", true);
    *why = r.why;
    if (r.why.p != NULL)
        return RAC_E_INVALID;
    *out = *parsed;
    if (!f.no_attributes && !f.local)
        return RAC_OK;
    *out = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, parsed)
    {
        rac_str key = rac_json_key(m);
        bool prolog = rac_str_eq(key, RAC_S("?xml")) || rac_str_eq(key, RAC_S("!DOCTYPE"));
        rac_json_put(a, out, renamed(&f, key), prolog ? m->value : formed(&f, &m->value, 0));
    }
    return RAC_OK;
}

/* --- JSON to XML ------------------------------------------------------------------------------ */

static struct rac_json declaration(struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &v, "@version", RAC_S("1.0"));
    RAC_JSON_PUT_STR(a, &v, "@encoding", RAC_S("utf-8"));
    return v;
}

/* The content with the declaration that is asked for; the rest by reference. */
static struct rac_json declared(struct reader *r, const struct rac_json *content)
{
    static const char *const levels[] = {"Document", "Auto", "Fragment"};
    static const char *const encodings[] = {"utf-8", "utf8"};
    bool fragment = word(r, "conformanceLevel", levels, RAC_COUNT(levels)) == 2;
    bool omit = flag(r, "omitXmlDeclaration", fragment),
         wanted = (is_set(r, "omitXmlDeclaration") && !omit) || is_set(r, "encoding");
    (void)word(r, "encoding", encodings, RAC_COUNT(encodings));
    if (!rac_json_is_object(content) || RAC_JSON_GET(content, "$content") != NULL ||
        (!omit && (!wanted || RAC_JSON_GET(content, "?xml") != NULL)))
        return *content;
    struct rac_json o = rac_json_new_object(r->a);
    if (!omit)
        RAC_JSON_PUT(r->a, &o, "?xml", declaration(r->a));
    RAC_JSON_EACH_MEMBER(m, content)
    if (!rac_str_eq(rac_json_key(m), RAC_S("?xml")))
        rac_json_put(r->a, &o, rac_json_key(m), m->value);
    return o;
}

static struct rac_xml_layout layout(struct reader *r)
{
    static const char *const handling[] = {"None", "Replace", "Entitize"};
    struct rac_xml_layout l = {.indent = flag(r, "indent", false),
                               .attributes = flag(r, "newLineOnAttributes", false),
                               .indent_text = text(r, "indentChars", RAC_S("  ")),
                               .line_text = text(r, "newLineChars", RAC_S("\n"))};
    unsigned h = word(r, "newLineHandling", handling, RAC_COUNT(handling));
    l.replace = h == 1;
    l.entitize = h == 2;
    (void)flag(r, "doNotEscapeUriAttributes", false); /* of HTML only */
    return l;
}

static rac_str first_bad_character(rac_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
            (c == 0xef && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0xbf &&
             (unsigned char)s.p[i + 2] >= 0xbe))
            return rac_str_from(s, i);
    }
    return RAC_STR_NULL;
}

static rac_err lay_out(struct reader *r, const struct rac_xml_layout *l, bool check,
                       struct rac_json *xml, rac_str *why)
{
    rac_str bytes;
    struct rac_json *content = RAC_JSON_GET(xml, "$content");
    if (!rac_base64_decode(r->a, rac_json_str(content, RAC_S("")), &bytes))
        return RAC_E_INTERNAL;
    rac_str bad = check ? first_bad_character(bytes) : RAC_STR_NULL;
    if (bad.p != NULL) {
        *why = rac_arena_printf(r->a, "the character U+%04X is not allowed in XML",
                                bad.p[0] == (char)0xef ? 0xff00U + ((unsigned char)bad.p[2] | 0x40U)
                                                       : (unsigned)(unsigned char)bad.p[0]);
        return RAC_E_INVALID;
    }
    rac_err err = rac_xml_lay_out(l, bytes, r->a, &bytes);
    if (err != RAC_OK)
        *why = RAC_S("it would be too large");
    else
        *content = rac_json_of_str(rac_base64_encode(r->a, bytes));
    return err;
}

rac_err rac_xml_form_compose(const struct rac_json *inputs, const struct rac_json *content,
                             const struct rac_env *env, struct rac_arena *a, struct rac_json *out,
                             rac_str *why)
{
    struct reader r = {.inputs = inputs, .group = "xmlWriterSettings", .a = a};
    struct rac_json v = declared(&r, content);
    struct rac_xml_layout l = layout(&r);
    bool check = flag(&r, "checkCharacters", true);
    *why = r.why;
    if (r.why.p != NULL)
        return RAC_E_INVALID;
    rac_err err = convert(RAC_S("@xml(item())"), &v,
                          RAC_EXPR_XML_INSTRUCTIONS | RAC_EXPR_XML_ANY_CHARACTER, env, a, out, why);
    if (err != RAC_OK || rac_json_get(content, RAC_S("$content")) != NULL)
        return err; /* bytes are handed on as they are */
    return lay_out(&r, &l, check, out, why);
}
