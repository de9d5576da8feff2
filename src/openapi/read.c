/*
 * Kind by content, never by name. Places are computed when somebody asks: a table of checkpoints
 * (line and column of every kilobyte of the text) is built on the first question,
 * so that a file of one line costs no more than one of ten thousand.
 */
#include "openapi/read.h"

#include "base/str.h"
#include "openapi/rules.h"
#include "text/yaml.h"

enum { CHECKPOINT_BYTES = 1024, COUNT_BLOCK = 64 };

struct checkpoint {
    uint32_t offset, line, column;
};

struct rac_lines {
    struct checkpoint *v;
    size_t n;
};

/* --- kinds -------------------------------------------------------------------------------- */

static bool has_any(const struct rac_json *object, const rac_str *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rac_json_get(object, keys[i]) != NULL)
            return true;
    return false;
}

static bool looks_like_definition(const struct rac_json *v)
{
    return rac_json_is_object(v) &&
           ((rac_json_geti(v, RAC_S("triggers")) != NULL &&
             rac_json_geti(v, RAC_S("actions")) != NULL) ||
            rac_str_findi(rac_json_str(RAC_JSON_GET(v, "$schema"), RAC_S("")),
                          RAC_S("workflowdefinition.json")) != RAC_STR_NPOS);
}

/* A resource of that type anywhere: in a template, its variables, nested templates. */
static bool deploys_workflow(const struct rac_json *v, unsigned depth)
{
    if (v->type == RAC_JSON_OBJECT &&
        rac_str_eqi(rac_json_str(rac_json_geti(v, RAC_S("type")), RAC_S("")),
                    RAC_S("Microsoft.Logic/workflows")))
        return true;
    for (size_t i = 0; depth < 20 && i < rac_json_len(v); i++) {
        const struct rac_json_member *m = rac_json_member_at(v, i);
        if (deploys_workflow(m != NULL ? &m->value : rac_json_at(v, i), depth + 1))
            return true;
    }
    return false;
}

/* The forms of workflows.md §1.2; workflow/definition/document reads them. */
static bool looks_like_workflow(const struct rac_json *root)
{
    const struct rac_json *properties = rac_json_geti(root, RAC_S("properties")),
                          *definition = rac_json_geti(root, RAC_S("definition")),
                          *inner = rac_json_geti(properties, RAC_S("definition")),
                          *of_run =
                              RAC_JSON_GET(RAC_JSON_GET(properties, "workflow"), "properties"),
                          *resources = rac_json_geti(root, RAC_S("resources"));
    rac_str kind = rac_json_str(RAC_JSON_GET(root, "kind"), RAC_S(""));
    if (looks_like_definition(root) || looks_like_definition(definition) ||
        looks_like_definition(inner) || looks_like_definition(RAC_JSON_GET(of_run, "definition")))
        return true;
    if (rac_json_is_object(definition) && kind.n > 0 &&
        (rac_json_geti(definition, RAC_S("triggers")) != NULL ||
         rac_json_geti(definition, RAC_S("actions")) != NULL))
        return true;
    if (rac_str_eqi(rac_json_str(RAC_JSON_GET(root, "type"), RAC_S("")),
                    RAC_S("Microsoft.Logic/workflows")))
        return true;
    rac_str schema = rac_json_str(rac_json_geti(root, RAC_S("$schema")), RAC_S(""));
    return (rac_json_is_array(resources) || rac_json_is_object(resources)) &&
           (rac_str_findi(schema, RAC_S("deploymentTemplate.json")) != RAC_STR_NPOS ||
            deploys_workflow(root, 0));
}

static bool looks_like_properties(const struct rac_json *root)
{
    static const rac_str known[] = {
        RAC_S_INIT("iconBrandColor"),
        RAC_S_INIT("connectionParameters"),
        RAC_S_INIT("connectionParameterSets"),
        RAC_S_INIT("capabilities"),
        RAC_S_INIT("policyTemplateInstances"),
        RAC_S_INIT("publisher"),
        RAC_S_INIT("stackOwner"),
        RAC_S_INIT("scriptOperations"),
    };
    const struct rac_json *p = RAC_JSON_GET(root, "properties");
    if (!rac_json_is_object(p))
        return false;
    return has_any(p, known, RAC_COUNT(known)) || RAC_JSON_GET(root, "type") == NULL;
}

static enum rac_document_kind postman_kind(const struct rac_json *root)
{
    const struct rac_json *info = RAC_JSON_GET(root, "info");
    if (rac_json_is_array(RAC_JSON_GET(root, "requests")) &&
        (RAC_JSON_GET(root, "order") != NULL || RAC_JSON_GET(root, "folders") != NULL))
        return RAC_DOC_POSTMAN1;
    if (!rac_json_is_array(RAC_JSON_GET(root, "item")) || !rac_json_is_object(info))
        return RAC_DOC_UNKNOWN;
    rac_str schema = rac_json_str(RAC_JSON_GET(info, "schema"), RAC_S(""));
    if (rac_str_find(schema, RAC_S("v2.0")) != RAC_STR_NPOS)
        return RAC_DOC_POSTMAN20;
    if (rac_str_find(schema, RAC_S("v2.1")) != RAC_STR_NPOS)
        return RAC_DOC_POSTMAN21;
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(root, "auth"))
    if (rac_json_is_object(&m->value))
        return RAC_DOC_POSTMAN20;
    return RAC_DOC_POSTMAN21;
}

enum rac_document_kind rac_document_kind_of(const struct rac_json *root)
{
    if (!rac_json_is_object(root))
        return RAC_DOC_UNKNOWN;
    if (RAC_JSON_GET(root, "swagger") != NULL)
        return RAC_DOC_SWAGGER2;
    if (RAC_JSON_GET(root, "openapi") != NULL)
        return RAC_DOC_OPENAPI3;
    enum rac_document_kind postman = postman_kind(root);
    if (postman == RAC_DOC_UNKNOWN) /* {"collection": {...}}, as Postman's own API answers */
        postman = postman_kind(RAC_JSON_GET(root, "collection"));
    if (postman != RAC_DOC_UNKNOWN)
        return postman;
    if (looks_like_workflow(root))
        return RAC_DOC_WORKFLOW;
    if (rac_json_is_object(RAC_JSON_GET(root, "paths")) && RAC_JSON_GET(root, "info") != NULL)
        return RAC_JSON_GET(root, "servers") != NULL || RAC_JSON_GET(root, "components") != NULL
                   ? RAC_DOC_OPENAPI3
                   : RAC_DOC_SWAGGER2;
    return looks_like_properties(root) ? RAC_DOC_PROPERTIES : RAC_DOC_UNKNOWN;
}

static rac_str version_of(const struct rac_json *root)
{
    const struct rac_json *v = RAC_JSON_GET(root, "swagger");
    if (v == NULL)
        v = RAC_JSON_GET(root, "openapi");
    if (v == NULL)
        v = RAC_JSON_GET(RAC_JSON_GET(root, "info"), "schema");
    if (v != NULL && v->type == RAC_JSON_NUMBER)
        return (rac_str){v->s, v->n};
    return rac_json_str(v, RAC_STR_NULL);
}

/* --- reading ------------------------------------------------------------------------------ */

static rac_str base_name(rac_str path)
{
    size_t slash = rac_str_rfind_char(path, '/');
    return slash == RAC_STR_NPOS ? path : rac_str_from(path, slash + 1);
}

static struct rac_diag *add(struct rac_diags *d, const struct rac_document *doc,
                            enum rac_rule_id rule, rac_str message, rac_str fix)
{
    return rac_diags_add(
        d, &(struct rac_diag){.code = rac_rules[rule].code,
                              .severity = rac_rules[rule].severity[RAC_PROFILE_REGISTRATION],
                              .file = base_name(doc->name),
                              .message = message,
                              .fix = fix.n ? fix : rac_str_of(rac_rules[rule].fix)});
}

/* First byte that is neither white space nor byte-order mark; 0 when there is none. */
static char first_byte(rac_str s)
{
    if (rac_str_starts(s, RAC_S("\xef\xbb\xbf")))
        s = rac_str_from(s, 3);
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_space(s.p[i]))
            return s.p[i];
    return 0;
}

/* `{ key: ...`: a YAML flow mapping, which no leniently read JSON can be. */
static bool is_flow_yaml(rac_str s)
{
    size_t brace = rac_str_find_char(s, '{');
    if (brace == RAC_STR_NPOS)
        return false;
    char c = first_byte(rac_str_from(s, brace + 1));
    return rac_is_alpha(c) || c == '\'' || c == '_' || c == '$';
}

/* What cannot be text at all, in words; NULL when it may be. */
static const char *not_text(rac_str s)
{
    static const struct {
        rac_str magic;
        const char *what;
    } known[] = {
        {RAC_S_INIT("PK\x03\x04"), "the file is a zip archive, not a definition"},
        {RAC_S_INIT("\x1f\x8b"), "the file is compressed (gzip), not a definition"},
        {RAC_S_INIT("\x89PNG"), "the file is a PNG picture, not a definition"},
        {RAC_S_INIT("%PDF"), "the file is a PDF document, not a definition"},
        {RAC_S_INIT("\xff\xfe"), "the file is UTF-16; save it as UTF-8"},
        {RAC_S_INIT("\xfe\xff"), "the file is UTF-16; save it as UTF-8"},
    };
    for (size_t i = 0; i < RAC_COUNT(known); i++)
        if (rac_str_starts(s, known[i].magic))
            return known[i].what;
    if (s.n > 0 && memchr(s.p, 0, s.n < 4096 ? s.n : 4096) != NULL)
        return "the file is binary, not text";
    if (first_byte(s) == 0)
        return "the file is empty";
    return NULL;
}

static rac_err unreadable(const struct rac_document *doc, const struct rac_json_error *where,
                          struct rac_diags *d, rac_err e)
{
    if (d == NULL)
        return e;
    rac_str message = rac_arena_printf(d->a, "not readable as %s: %s", doc->yaml ? "YAML" : "JSON",
                                       where->message ? where->message : rac_err_text(e));
    struct rac_diag *g = add(d, doc, RAC_RULE_IMP_03, message, RAC_STR_NULL);
    if (g != NULL && where->line > 0) {
        g->line = g->end_line = where->line;
        g->column = where->column;
        g->end_column = where->column + 1;
    }
    return e;
}

/* One attempt; repairs in `repairs`, the place of a fault in *where. */
static rac_err parse_as(struct rac_document *doc, bool yaml, const struct rac_diags *d,
                        struct rac_diags *repairs, struct rac_json_error *where)
{
    rac_diags_init(repairs, d != NULL ? d->a : doc->a, d != NULL ? d->n_max : 0);
    *where = (struct rac_json_error){0};
    doc->yaml = yaml;
    rac_err e = yaml ? rac_yaml_parse_lenient(doc->text, doc->a, &doc->root, repairs, where)
                     : rac_json_parse_lenient(doc->text, doc->a, &doc->root, repairs, where);
    if (e == RAC_OK && yaml && !rac_json_is_object(&doc->root) && !rac_json_is_array(&doc->root)) {
        *where = (struct rac_json_error){.line = 1, .column = 1, .message = "it is plain text"};
        e = RAC_E_SYNTAX;
    }
    return e;
}

/* What starts like JSON may be YAML all the same (`"openapi": 3.0.0` without braces, `#` comments
 * inside braces); a text that neither reader takes is told of as JSON. */
static rac_err parse(struct rac_document *doc, struct rac_diags *d)
{
    struct rac_json_error where, other;
    struct rac_diags repairs, second;
    char c = first_byte(doc->text);
    bool yaml =
        (c != '{' && c != '[' && c != '/' && c != '"') || (c == '{' && is_flow_yaml(doc->text));
    rac_err e = parse_as(doc, yaml, d, &repairs, &where);
    if (e == RAC_E_SYNTAX && !yaml) {
        if (parse_as(doc, true, d, &second, &other) == RAC_OK &&
            rac_document_kind_of(&doc->root) != RAC_DOC_UNKNOWN) {
            e = RAC_OK;
            repairs = second;
        } else {
            doc->yaml = false;
        }
    }
    for (size_t i = 0; i < repairs.n; i++) {
        repairs.v[i].file = base_name(doc->name);
        rac_diags_add(d, &repairs.v[i]);
    }
    if (d != NULL) { /* those past the cap are counted */
        d->warnings_total += repairs.warnings_total - repairs.n;
        d->dropped_total += repairs.dropped_total;
    }
    return e != RAC_OK ? unreadable(doc, &where, d, e) : RAC_OK;
}

rac_err rac_document_read_with(rac_str bytes, rac_str name, const struct rac_document_options *o,
                               struct rac_arena *a, struct rac_document **out, struct rac_diags *d)
{
    struct rac_document *doc = RAC_NEW(a, struct rac_document);
    *doc = (struct rac_document){.text = bytes, .name = name, .a = a};
    size_t bytes_max = o->bytes_max ? o->bytes_max : RAC_DOCUMENT_CLI_BYTES_MAX;
    if (bytes.n > bytes_max) {
        if (d != NULL)
            add(d, doc, RAC_RULE_IMP_01,
                rac_arena_printf(d->a, "definition larger than the limit: %zu bytes of at most %zu",
                                 bytes.n, bytes_max),
                RAC_STR_NULL);
        return RAC_E_LIMIT;
    }
    const char *what = not_text(bytes);
    if (what != NULL) {
        struct rac_json_error where = {.line = 1, .column = 1, .message = what};
        return unreadable(doc, &where, d, RAC_E_SYNTAX);
    }
    rac_err e = parse(doc, d);
    if (e != RAC_OK)
        return e;
    doc->kind = rac_document_kind_of(&doc->root);
    doc->version = version_of(&doc->root);
    *out = doc;
    return RAC_OK;
}

rac_err rac_document_read(rac_str bytes, rac_str name, struct rac_arena *a,
                          struct rac_document **out, struct rac_diags *d)
{
    return rac_document_read_with(bytes, name, &(struct rac_document_options){0}, a, out, d);
}

rac_err rac_document_read_settings(rac_str bytes, rac_str name, struct rac_arena *a,
                                   struct rac_document **out, struct rac_diags *d)
{
    struct rac_diags found;
    rac_diags_init(&found, a, 100);
    rac_err e = rac_document_read(bytes, name, a, out, &found);
    for (size_t i = 0; i < found.n; i++)
        if (found.v[i].severity == RAC_SEV_ERROR)
            rac_diags_add(d, &found.v[i]);
    return e;
}

struct rac_document *rac_document_wrap(struct rac_json root, rac_str name, struct rac_arena *a)
{
    struct rac_document *doc = RAC_NEW(a, struct rac_document);
    *doc = (struct rac_document){.text = RAC_S(""), .name = name, .root = root, .a = a};
    doc->kind = rac_document_kind_of(&root);
    doc->version = version_of(&root);
    return doc;
}

void rac_document_unknown(const struct rac_document *doc, struct rac_diags *d)
{
    if (d == NULL)
        return;
    const struct rac_json *v1 = RAC_JSON_GET(&doc->root, "swaggerVersion");
    rac_str what = v1 != NULL ? RAC_S("a Swagger 1.x description")
                   : rac_json_is_object(&doc->root)
                       ? RAC_S("an object without `swagger`, `openapi`, Postman `info` and `item`, "
                               "or connector `properties`")
                       : rac_arena_printf(d->a, "a value that is no object but %.*s",
                                          RAC_FMT(rac_json_type_name(&doc->root)));
    struct rac_diag *g = add(
        d, doc, RAC_RULE_IMP_02,
        rac_arena_printf(d->a, "unknown format: the file holds %.*s", RAC_FMT(what)), RAC_STR_NULL);
    if (g != NULL) {
        g->pointer = RAC_S("");
        g->line = g->column = 1;
    }
}

void rac_document_fault(struct rac_document *doc, const struct rac_json *node,
                        enum rac_rule_id rule, struct rac_diags *d, rac_str message)
{
    struct rac_diag *g = d != NULL ? add(d, doc, rule, message, RAC_STR_NULL) : NULL;
    if (g != NULL)
        rac_document_place(doc, node, &g->line, &g->column, &g->end_line, &g->end_column);
}

/* --- places ------------------------------------------------------------------------------- */

/* Counted in blocks of a constant size with narrow sums: compilers make vector code of that. */
static size_t count_characters(const char *p, size_t n)
{
    size_t total = 0, i = 0;
    for (; i + COUNT_BLOCK <= n; i += COUNT_BLOCK) {
        uint8_t block = 0;
        for (size_t k = 0; k < COUNT_BLOCK; k++)
            block += ((unsigned char)p[i + k] & 0xc0) != 0x80;
        total += block;
    }
    for (; i < n; i++)
        total += ((unsigned char)p[i] & 0xc0) != 0x80;
    return total;
}

static size_t count_newlines(const char *p, size_t n)
{
    size_t total = 0, i = 0;
    for (; i + COUNT_BLOCK <= n; i += COUNT_BLOCK) {
        uint8_t block = 0;
        for (size_t k = 0; k < COUNT_BLOCK; k++)
            block += p[i + k] == '\n';
        total += block;
    }
    for (; i < n; i++)
        total += p[i] == '\n';
    return total;
}

/* Moves a place over n bytes of text. */
static struct checkpoint advance(rac_str t, struct checkpoint c, size_t n)
{
    const char *p = t.p + c.offset;
    size_t newlines = count_newlines(p, n);
    if (newlines > 0) {
        const char *last = memrchr(p, '\n', n);
        c.line += (uint32_t)newlines;
        c.column = 1 + (uint32_t)count_characters(last + 1, (size_t)(p + n - last - 1));
    } else {
        c.column += (uint32_t)count_characters(p, n);
    }
    c.offset += (uint32_t)n;
    return c;
}

static struct rac_lines *lines_of(struct rac_document *doc)
{
    if (doc->lines != NULL)
        return doc->lines;
    struct rac_lines *l = RAC_NEW(doc->a, struct rac_lines);
    l->v = RAC_NEW_N(doc->a, struct checkpoint, doc->text.n / CHECKPOINT_BYTES + 2);
    struct checkpoint c = {0, 1, 1};
    if (rac_str_starts(doc->text, RAC_S("\xef\xbb\xbf")))
        c.offset = 3; /* a byte-order mark takes no room */
    for (;;) {
        l->v[l->n++] = c;
        if (doc->text.n - c.offset < CHECKPOINT_BYTES)
            break;
        c = advance(doc->text, c, CHECKPOINT_BYTES);
    }
    doc->lines = l;
    return l;
}

static struct checkpoint place(struct rac_document *doc, size_t offset)
{
    const struct rac_lines *l = lines_of(doc);
    size_t i = offset / CHECKPOINT_BYTES;
    if (i >= l->n)
        i = l->n - 1;
    if (i > 0 && l->v[i].offset > offset) /* a byte-order mark shifts them by three */
        i--;
    struct checkpoint c = l->v[i];
    return offset > c.offset ? advance(doc->text, c, offset - c.offset) : c;
}

/* One past a quoted string that starts at offset at; 0 when it has no end. */
static size_t end_of_quoted(rac_str t, size_t at, bool yaml)
{
    char quote = t.p[at];
    for (size_t i = at + 1; i < t.n; i++) {
        if (t.p[i] == '\\' && quote == '"')
            i++;
        else if (t.p[i] == quote && yaml && quote == '\'' && i + 1 < t.n && t.p[i + 1] == '\'')
            i++;
        else if (t.p[i] == quote)
            return i + 1;
    }
    return 0;
}

static size_t end_of_word(rac_str t, size_t at)
{
    size_t i = at;
    while (i < t.n && (rac_is_alnum(t.p[i]) || memchr("+-._", t.p[i], 4) != NULL))
        i++;
    return i;
}

/* Past white space, commas and comments; where an array's bracket must stand. */
static size_t skip_to_bracket(rac_str t, size_t at)
{
    while (at < t.n && t.p[at] != ']') {
        if (t.p[at] == '/' && at + 1 < t.n && t.p[at + 1] == '/') {
            while (at < t.n && t.p[at] != '\n')
                at++;
        } else if (t.p[at] == '/' && at + 1 < t.n && t.p[at + 1] == '*') {
            size_t close = rac_str_find(rac_str_from(t, at + 2), RAC_S("*/"));
            at = close == RAC_STR_NPOS ? t.n : at + 2 + close + 2;
        } else {
            at++;
        }
    }
    return at;
}

static size_t end_of_scalar(const struct rac_document *doc, size_t at, rac_str spelling)
{
    rac_str t = doc->text;
    if (at < t.n && (t.p[at] == '"' || (doc->yaml && t.p[at] == '\'')))
        return end_of_quoted(t, at, doc->yaml);
    if (!doc->yaml)
        return end_of_word(t, at);
    return spelling.n > 0 && rac_str_starts(rac_str_from(t, at), spelling) ? at + spelling.n : 0;
}

/* One past the last byte of a value that starts at offset at; 0 when not known. */
static size_t end_of(const struct rac_document *doc, const struct rac_json *v, int depth)
{
    size_t at = v->pos - 1;
    if (v->type == RAC_JSON_OBJECT)
        return v->object->end_pos;
    if (v->type == RAC_JSON_ARRAY) {
        if (doc->yaml || depth > RAC_JSON_DEPTH_MAX)
            return 0;
        const struct rac_json *last = v->array->n ? &v->array->v[v->array->n - 1] : NULL;
        size_t from = last && last->pos ? end_of(doc, last, depth + 1) : at + 1;
        size_t close = from ? skip_to_bracket(doc->text, from) : doc->text.n;
        return close < doc->text.n ? close + 1 : 0;
    }
    rac_str spelling = v->type == RAC_JSON_STRING || v->type == RAC_JSON_NUMBER
                           ? (rac_str){v->s, v->n}
                           : RAC_STR_NULL;
    if (doc->yaml && spelling.p == NULL)
        return end_of_word(doc->text, at);
    return end_of_scalar(doc, at, spelling);
}

static bool place_range(struct rac_document *doc, size_t from, size_t to, uint32_t *out[4])
{
    uint32_t place_at[4] = {0};
    if (from < doc->text.n) {
        struct checkpoint start = place(doc, from), end = {0};
        if (to > from && to <= doc->text.n) /* short tokens end near their start */
            end = to - from < CHECKPOINT_BYTES ? advance(doc->text, start, to - from)
                                               : place(doc, to);
        place_at[0] = start.line;
        place_at[1] = start.column;
        place_at[2] = end.line;
        place_at[3] = end.column;
    }
    for (int i = 0; i < 4; i++)
        if (out[i] != NULL)
            *out[i] = place_at[i];
    return place_at[0] > 0;
}

bool rac_document_place(struct rac_document *doc, const struct rac_json *node, uint32_t *line,
                        uint32_t *column, uint32_t *end_line, uint32_t *end_column)
{
    uint32_t *out[4] = {line, column, end_line, end_column};
    bool known = node != NULL && node->pos > 0 && node->pos <= doc->text.n;
    return place_range(doc, known ? node->pos - 1 : doc->text.n, known ? end_of(doc, node, 0) : 0,
                       out);
}

bool rac_document_place_key(struct rac_document *doc, const struct rac_json_member *m,
                            uint32_t *line, uint32_t *column, uint32_t *end_line,
                            uint32_t *end_column)
{
    uint32_t *out[4] = {line, column, end_line, end_column};
    bool known = m != NULL && m->key_pos > 0 && m->key_pos <= doc->text.n;
    size_t at = known ? m->key_pos - 1 : doc->text.n;
    return place_range(doc, at, known ? end_of_scalar(doc, at, rac_json_key(m)) : 0, out);
}
