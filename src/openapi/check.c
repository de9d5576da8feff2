/*
 * The checker's entry, its findings, and the document level: root, info, host, metadata.
 */
#include "openapi/check.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "openapi/check_priv.h"

enum {
    ARGUMENT_MAX = 120, /* bytes of an argument that a message shows */
    CATEGORIES_MAX = 2,
    PRODUCTION_BYTES_MAX = 1 << 20,
};

/* --- findings ------------------------------------------------------------------------------- */

static enum rac_severity severity_of(const struct check *c, enum rac_rule_id rule, enum level level)
{
    switch (level) {
    case LV_REFUSE:
        return RAC_SEV_ERROR;
    case LV_E:
        return c->profile == RAC_PROFILE_CERTIFICATION ? RAC_SEV_ERROR : RAC_SEV_WARNING;
    case LV_W:
        return RAC_SEV_WARNING;
    default:
        return rac_rules[rule].severity[c->profile];
    }
}

static char *put_index(char *p, uint32_t i)
{
    char digits[10];
    int n = 0;
    do
        digits[n++] = (char)('0' + i % 10);
    while ((i /= 10) > 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static size_t pointer_size(const struct where *at)
{
    size_t n = 0;
    for (; at != NULL; at = at->up)
        n += at->is_pointer ? at->key.n
                            : 1 + (at->is_index ? 10 : rac_json_pointer_token_bytes(at->key));
    return n;
}

static char *put_pointer(char *p, const struct where *at)
{
    if (at == NULL)
        return p;
    if (at->is_pointer) {
        memcpy(p, at->key.p, at->key.n);
        return p + at->key.n;
    }
    p = put_pointer(p, at->up);
    *p++ = '/';
    return at->is_index ? put_index(p, at->index) : rac_json_pointer_token_write(p, at->key);
}

static rac_str pointer_of(struct rac_arena *a, const struct where *at)
{
    if (at == NULL)
        return RAC_S("");
    char *start = rac_arena_alloc_dirty(a, pointer_size(at) + 1);
    char *end = put_pointer(start, at);
    return (rac_str){start, (size_t)(end - start)};
}

/* An argument as a message shows it: clipped between characters. */
static rac_str clip(rac_str s)
{
    if (s.n <= ARGUMENT_MAX)
        return s;
    size_t n = ARGUMENT_MAX;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return rac_str_sub(s, 0, n);
}

static rac_str message_of(struct rac_arena *a, const char *text, const rac_str *args)
{
    size_t n = strlen(text) + 1;
    for (const rac_str *arg = args; arg->p != NULL; arg++)
        n += ARGUMENT_MAX + 4;
    char *start = rac_arena_alloc_dirty(a, n), *p = start;
    for (const char *t = text; *t != 0; t++) {
        if (t[0] != '{' || t[1] != '}') {
            *p++ = *t;
            continue;
        }
        t++;
        if (args->p == NULL)
            continue;
        rac_str arg = clip(*args);
        memcpy(p, arg.p, arg.n);
        p += arg.n;
        if (arg.n < args->n) {
            memcpy(p, "...", 3);
            p += 3;
        }
        args++;
    }
    return (rac_str){start, (size_t)(p - start)};
}

void rac_check_found(struct check *c, enum rac_rule_id rule, enum level level,
                     const struct where *at, const struct rac_json *node,
                     const struct rac_json_member *key, const char *text, const rac_str *args)
{
    const struct rac_rule *r = &rac_rules[rule];
    struct rac_diag g = {.code = r->code, .severity = severity_of(c, rule, level)};
    struct rac_diag *kept = rac_diags_add(c->d, &g);
    if (kept == NULL)
        return; /* counted as dropped; not worth its text */
    kept->file = c->file;
    kept->fix = rac_str_of(r->fix);
    kept->pointer = pointer_of(c->a, at);
    kept->message = message_of(c->a, text, args);
    rac_diags_charge(c->d, kept->pointer.n + kept->message.n);
    if (key != NULL)
        rac_document_place_key(c->doc, key, &kept->line, &kept->column, &kept->end_line,
                               &kept->end_column);
    else if (node != NULL)
        rac_document_place(c->doc, node, &kept->line, &kept->column, &kept->end_line,
                           &kept->end_column);
}

static int by_place(const void *x, const void *y)
{
    const struct rac_diag *a = x, *b = y;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return strcmp(a->code, b->code);
}

/* --- texts of info -------------------------------------------------------------------------- */

static const struct rac_json *info_value(struct check *c, rac_str key)
{
    return rac_json_get(RAC_JSON_GET(c->root, "info"), key);
}

static const rac_str suffix = RAC_S_INIT(" (Independent Publisher)");

static void check_title(struct check *c)
{
    const struct rac_json *node = info_value(c, RAC_S("title"));
    rac_str title = rac_str_trim(rac_json_str(node, RAC_S("")));
    struct where info = AT_LIT(NULL, "info"), here = AT_LIT(&info, "title");
    if (title.n == 0)
        return; /* DOC-02 */
    bool independent = rac_str_ends(title, suffix);
    rac_str stem = independent ? rac_str_sub(title, 0, title.n - suffix.n) : title;
    size_t n = rac_utf8_count(stem);
    if (n == 0 || n > 30)
        FIND(c, TITLE_01, &here, node, "the title has {} characters, not 1 to 30",
             rac_arena_printf(c->a, "%zu", n));
    rac_str word = rac_check_restricted_word(stem, WORDS_TITLE | WORDS_API | WORDS_PRODUCTS);
    if (word.p != NULL)
        FIND(c, TITLE_02, &here, node, "the title contains \"{}\"", word);
    char last = stem.n ? stem.p[stem.n - 1] : 'x';
    if (!rac_check_is_latin(title))
        FIND(c, TITLE_03, &here, node, "the title is not in Latin letters");
    else if (!rac_is_alnum(last) && (unsigned char)last < 0x80 && !(independent && last == ')'))
        FIND(c, TITLE_03, &here, node, "the title does not end with a letter or digit");
}

static void check_info_description(struct check *c)
{
    const struct rac_json *node = info_value(c, RAC_S("description"));
    rac_str text = rac_str_trim(rac_json_str(node, RAC_S("")));
    struct where info = AT_LIT(NULL, "info"), here = AT_LIT(&info, "description");
    if (text.n == 0) {
        FIND(c, DESC_01, node ? &here : &info, node ? node : RAC_JSON_GET(c->root, "info"),
             "the connector has no description");
        return;
    }
    size_t n = rac_utf8_count(text);
    if (n < 30 || n > 500)
        FIND(c, DESC_01, &here, node, "the description has {} characters, not 30 to 500",
             rac_arena_printf(c->a, "%zu", n));
    rac_str word = rac_check_restricted_word(text, WORDS_PRODUCTS | WORDS_API);
    if (word.p != NULL)
        FIND(c, DESC_01, &here, node, "the description contains \"{}\"", word);
    if (!rac_check_is_latin(text))
        FIND(c, DESC_01, &here, node, "the description is not in English");
    if (rac_str_eqi(text, rac_str_trim(c->api->title)))
        FIND(c, DESC_01, &here, node, "description and title are the same");
}

static bool is_email(rac_str s)
{
    size_t at = rac_str_find_char(s, '@');
    if (at == RAC_STR_NPOS || at == 0 || rac_str_rfind_char(s, '@') != at)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
            return false;
    rac_str domain = rac_str_from(s, at + 1);
    size_t dot = rac_str_find_char(domain, '.');
    return dot != RAC_STR_NPOS && dot > 0 && dot + 1 < domain.n;
}

static void check_url(struct check *c, const struct members *s, const struct where *at)
{
    rac_str url = rac_check_str(s, KW_URL);
    struct where here = AT_LIT(at, "url");
    if (url.p != NULL && !rac_check_is_absolute_url(url))
        FIND(c, DOC_07, &here, member_value(s, KW_URL), "\"{}\" is no absolute URL", url);
}

static void check_contact(struct check *c, const struct rac_json *info)
{
    static const enum keyword keys[] = {KW_NAME, KW_URL, KW_EMAIL};
    const struct rac_json *contact = RAC_JSON_GET(info, "contact");
    struct where outer = AT_LIT(NULL, "info"), here = AT_LIT(&outer, "contact");
    if (!rac_json_is_object(contact)) {
        FIND(c, DOC_10, &outer, info, "info has no contact with name, url and email");
        return;
    }
    struct members s;
    rac_check_members(c, KIND_CONTACT, contact, &here, &s);
    for (size_t i = 0; i < RAC_COUNT(keys); i++)
        if (rac_check_str(&s, keys[i]).n == 0)
            FIND(c, DOC_10, &here, contact, "the contact has no {}",
                 rac_str_of(rac_check_keyword_text(keys[i])));
    check_url(c, &s, &here);
    rac_str email = rac_check_str(&s, KW_EMAIL);
    struct where place = AT_LIT(&here, "email");
    if (email.n > 0 && !is_email(email))
        FIND(c, DOC_07, &place, member_value(&s, KW_EMAIL), "\"{}\" is no e-mail address", email);
}

static void check_external_docs(struct check *c, const struct rac_json *node,
                                const struct where *at)
{
    struct members s;
    if (node == NULL)
        return;
    rac_check_members(c, KIND_EXTERNAL_DOCS, node, at, &s);
    if (!has_member(&s, KW_URL))
        FIND_AS(c, DOC_02, LV_E, at, node, "externalDocs has no url");
    check_url(c, &s, at);
}

static void check_info(struct check *c, const struct members *root)
{
    const struct rac_json *info = member_value(root, KW_INFO);
    struct where here = AT_LIT(NULL, "info"), place;
    struct members s;
    if (info == NULL) {
        FIND(c, DOC_02, NULL, c->root, "the definition has no info");
        return;
    }
    rac_check_members(c, KIND_INFO, info, &here, &s);
    if (rac_str_trim(rac_check_str(&s, KW_TITLE)).n == 0) {
        const struct rac_json *node = RAC_JSON_GET(info, "title");
        place = AT_LIT(&here, "title");
        FIND(c, DOC_02, node ? &place : &here, node ? node : info, "the definition has no title");
    }
    if (rac_check_str(&s, KW_VERSION).n == 0) {
        const struct rac_json *node = RAC_JSON_GET(info, "version");
        place = AT_LIT(&here, "version");
        FIND_AS(c, DOC_02, LV_E, node ? &place : &here, node ? node : info,
                "the definition has no version");
    }
    if (has_member(&s, KW_LICENSE)) {
        struct members license;
        place = AT_LIT(&here, "license");
        rac_check_members(c, KIND_LICENSE, member_value(&s, KW_LICENSE), &place, &license);
        if (!has_member(&license, KW_NAME))
            FIND_AS(c, DOC_02, LV_E, &place, member_value(&s, KW_LICENSE),
                    "the license has no name");
        check_url(c, &license, &place);
    }
    check_title(c);
    check_info_description(c);
    check_contact(c, info);
}

/* --- host and schemes ----------------------------------------------------------------------- */

static bool is_host(rac_str s)
{
    size_t colon = rac_str_rfind_char(s, ':');
    rac_str name = colon == RAC_STR_NPOS ? s : rac_str_sub(s, 0, colon);
    rac_str port = colon == RAC_STR_NPOS ? RAC_S("1") : rac_str_from(s, colon + 1);
    for (size_t i = 0; i < name.n; i++)
        if (rac_is_space(name.p[i]) || strchr("{}/:\\", name.p[i]) != NULL)
            return false;
    for (size_t i = 0; i < port.n; i++)
        if (!rac_is_digit(port.p[i]))
            return false;
    return name.n > 0 && port.n > 0;
}

static bool is_private_address(rac_str host)
{
    uint64_t part[4];
    rac_str rest = host;
    for (int i = 0; i < 4; i++)
        if (rest.p == NULL || !rac_str_to_u64(rac_str_cut(rest, '.', &rest), &part[i]) ||
            part[i] > 255)
            return false;
    if (rest.p != NULL)
        return false;
    return part[0] == 10 || part[0] == 127 || (part[0] == 192 && part[1] == 168) ||
           (part[0] == 169 && part[1] == 254) || (part[0] == 172 && part[1] >= 16 && part[1] <= 31);
}

/* A word of a host name that says it is not for production; absent when there is none. */
static rac_str rehearsal_word(rac_str host)
{
    static const char *const words[] = {"test", "dev", "staging", "sandbox", "localhost"};
    for (size_t i = 0; i < host.n;) {
        size_t start = i;
        while (i < host.n && rac_is_alpha(host.p[i]))
            i++;
        rac_str word = rac_str_sub(host, start, i - start);
        for (size_t k = 0; k < RAC_COUNT(words); k++)
            if (rac_str_eqi(word, rac_str_of(words[k])))
                return rac_str_of(words[k]);
        i += i == start;
        while (i < host.n && !rac_is_alpha(host.p[i]))
            i++;
    }
    return RAC_STR_NULL;
}

static void check_host(struct check *c, const struct members *root)
{
    rac_str host = rac_check_str(root, KW_HOST);
    const struct rac_json *node = member_value(root, KW_HOST);
    struct where here = AT_LIT(NULL, "host");
    bool from_environment = rac_str_startsi(host, RAC_S("@environmentVariables("));
    if (host.n == 0) {
        if (!c->in->host_is_dynamic)
            FIND_AS(c, DOC_02, LV_E, node ? &here : NULL, node ? node : c->root,
                    "the definition has no host");
    } else if (!from_environment && !is_host(host)) {
        FIND(c, DOC_05, &here, node,
             "\"{}\" is no host name: no scheme, path, braces or blanks belong there", host);
    } else if (!c->in->host_is_dynamic && !from_environment) {
        rac_str rest, word = rehearsal_word(host);
        if (word.p != NULL)
            FIND(c, DOC_10, &here, node, "the host \"{}\" is not for production: {}", host, word);
        else if (is_private_address(rac_str_cut(host, ':', &rest)))
            FIND(c, DOC_10, &here, node, "the host \"{}\" is a private address", host);
    }
    rac_str base = rac_check_str(root, KW_BASE_PATH);
    here = AT_LIT(NULL, "basePath");
    if (base.p != NULL && (base.n == 0 || base.p[0] != '/') &&
        !rac_str_startsi(base, RAC_S("@environmentVariables(")))
        FIND(c, DOC_05, &here, member_value(root, KW_BASE_PATH),
             "basePath \"{}\" does not start with a slash", base);
}

void rac_check_schemes(struct check *c, const struct rac_json *list, const struct where *at)
{
    size_t i = 0;
    if (rac_json_len(list) == 0)
        FIND(c, DOC_06, at, list, "the list of schemes is empty");
    RAC_JSON_EACH(e, list)
    {
        struct where here = AT_INDEX(at, i++);
        rac_str s = rac_json_str(e, RAC_S(""));
        if (rac_str_eq(s, RAC_S("ws")) || rac_str_eq(s, RAC_S("wss")))
            FIND(c, DOC_06, &here, e, "scheme \"{}\" is not supported; use https", s);
        else if (rac_str_eq(s, RAC_S("http")))
            FIND(c, DOC_10, &here, e, "http sends credentials in clear; use https");
        else if (!rac_str_eq(s, RAC_S("https")))
            FIND(c, DOC_06, &here, e, "\"{}\" is no scheme; use https", s);
    }
    rac_check_distinct(c, list, at);
}

/* --- metadata ------------------------------------------------------------------------------- */

static void check_categories(struct check *c, rac_str value, const struct rac_json *node,
                             const struct where *at)
{
    static const char *const known[] = {"AI",
                                        "Business Management",
                                        "Business Intelligence",
                                        "Collaboration",
                                        "Commerce",
                                        "Communication",
                                        "Content and Files",
                                        "Finance",
                                        "Data",
                                        "Human Resources",
                                        "Internet of Things",
                                        "IT Operations",
                                        "Lifestyle and Entertainment",
                                        "Marketing",
                                        "Productivity",
                                        "Sales and CRM",
                                        "Security",
                                        "Social Media",
                                        "Website"};
    size_t n = 0;
    for (rac_str rest = value; rest.p != NULL;) {
        rac_str category = rac_str_trim(rac_str_cut(rest, ';', &rest));
        if (category.n == 0)
            continue;
        bool found = false;
        for (size_t i = 0; i < RAC_COUNT(known); i++)
            found |= rac_str_eqi(category, rac_str_of(known[i]));
        if (!found)
            FIND(c, META_02, at, node, "\"{}\" is no category", category);
        if (++n == CATEGORIES_MAX + 1)
            FIND(c, META_02, at, node, "more than two categories are given");
        if (n > 64)
            break;
    }
}

static void check_metadata(struct check *c, const struct members *root)
{
    static const char *const names[] = {"Website", "Privacy policy", "Categories"};
    const struct rac_json *list = member_value(root, KW_X_CONNECTOR_METADATA);
    struct where here = AT_LIT(NULL, "x-ms-connector-metadata");
    if (list == NULL) {
        FIND(c, META_01, NULL, c->root,
             "x-ms-connector-metadata with Website, Privacy policy and Categories is missing");
        return;
    }
    bool found[RAC_COUNT(names)] = {false};
    size_t i = 0;
    RAC_JSON_EACH(e, list)
    {
        struct where item = AT_INDEX(&here, i++);
        const struct rac_json *value = rac_json_geti(e, RAC_S("propertyValue"));
        rac_str name = rac_json_str(rac_json_geti(e, RAC_S("propertyName")), RAC_S(""));
        rac_str text = rac_str_trim(rac_json_str(value, RAC_S("")));
        for (size_t k = 0; k < RAC_COUNT(names); k++) {
            rac_str want = rac_str_of(names[k]);
            if (!rac_str_eqi(name, want))
                continue;
            found[k] |= text.n > 0;
            if (!rac_str_eq(name, want))
                FIND_AS(c, META_01, LV_W, &item, e, "the name is spelt \"{}\", not \"{}\"", want,
                        name);
        }
        if (rac_str_eqi(name, RAC_S("Categories"))) {
            struct where place = AT_LIT(&item, "propertyValue");
            check_categories(c, text, value, value ? &place : &item);
        }
    }
    for (size_t k = 0; k < RAC_COUNT(names); k++)
        if (!found[k])
            FIND(c, META_01, &here, list, "x-ms-connector-metadata does not give \"{}\"",
                 rac_str_of(names[k]));
}

static bool has_word(rac_str s, rac_str word)
{
    for (size_t from = 0; from + word.n <= s.n;) {
        size_t i = rac_str_findi(rac_str_from(s, from), word);
        if (i == RAC_STR_NPOS)
            return false;
        i += from;
        if ((i == 0 || !rac_is_alpha(s.p[i - 1])) &&
            (i + word.n == s.n || !rac_is_alpha(s.p[i + word.n])))
            return true;
        from = i + 1;
    }
    return false;
}

static void check_status(struct check *c)
{
    const struct rac_json *annotation = info_value(c, RAC_S("x-ms-api-annotation"));
    struct where info = AT_LIT(NULL, "info"), outer = AT_LIT(&info, "x-ms-api-annotation");
    if (annotation == NULL) {
        annotation = RAC_JSON_GET(c->root, "x-ms-api-annotation");
        outer = AT_LIT(NULL, "x-ms-api-annotation");
    }
    const struct rac_json *node = RAC_JSON_GET(annotation, "status");
    rac_str status = rac_json_str(node, RAC_S("Preview"));
    struct where here = AT_LIT(&outer, "status");
    bool production = rac_str_eqi(status, RAC_S("Production"));
    c->preview = !production;
    if (!production && !rac_str_eqi(status, RAC_S("Preview")))
        FIND(c, DOC_03, &here, node, "status is Preview or Production, not \"{}\"", status);
    if (production &&
        (has_word(c->api->base_path, RAC_S("beta")) || has_word(c->api->title, RAC_S("beta")) ||
         has_word(c->api->host, RAC_S("beta"))))
        FIND(c, META_03, &here, node, "a beta service is marked Production");
}

/* --- shared parts --------------------------------------------------------------------------- */

static void check_tags(struct check *c, const struct rac_json *tags)
{
    struct where list = AT_LIT(NULL, "tags");
    struct rac_map seen;
    size_t i = 0;
    rac_map_init(&seen, c->a);
    RAC_JSON_EACH(tag, tags)
    {
        struct where here = AT_INDEX(&list, i++), docs = AT_LIT(&here, "externalDocs");
        struct members s;
        if (!rac_json_is_object(tag)) {
            FIND(c, DOC_03, &here, tag, "a tag is an object, not {}", rac_json_type_name(tag));
            continue;
        }
        rac_check_members(c, KIND_TAG, tag, &here, &s);
        rac_str name = rac_check_str(&s, KW_NAME);
        if (name.p == NULL)
            FIND_AS(c, DOC_02, LV_E, &here, tag, "a tag has no name");
        else if (!rac_map_add(&seen, name, tag))
            FIND(c, DOC_08, &here, tag, "tag \"{}\" is declared twice", name);
        check_external_docs(c, member_value(&s, KW_EXTERNAL_DOCS), &docs);
    }
}

static void check_shared(struct check *c)
{
    struct where list = AT_LIT(NULL, "definitions");
    struct schema_context ctx = {.place = IN_DEFINITIONS, .role = ROLE_ROOT};
    RAC_JSON_EACH_MEMBER(m, c->api->definitions)
    {
        struct where here = AT_KEY(&list, rac_json_key(m));
        if (rac_arena_over(c->a))
            return;
        rac_check_schema(c, &m->value, &here, &ctx);
    }
    list = AT_LIT(NULL, "parameters");
    RAC_JSON_EACH_MEMBER(m, c->api->parameters)
    {
        struct where here = AT_KEY(&list, rac_json_key(m));
        if (rac_json_is_object(&m->value) && RAC_JSON_GET(&m->value, "$ref") != NULL)
            rac_check_ref(c, &m->value, &here, REF_PARAMETER);
        else
            rac_check_parameter(c, &m->value, &here);
    }
    list = AT_LIT(NULL, "responses");
    RAC_JSON_EACH_MEMBER(m, c->api->responses)
    {
        struct where here = AT_KEY(&list, rac_json_key(m));
        rac_check_response(c, &m->value, &here);
    }
    rac_check_required_loops(c);
}

/* --- the whole ------------------------------------------------------------------------------ */

static void check_version(struct check *c)
{
    const struct rac_json *v = RAC_JSON_GET(c->root, "swagger");
    struct where here = AT_LIT(NULL, "swagger");
    if (!rac_str_eq(rac_json_str(v, RAC_S("")), RAC_S("2.0")))
        FIND(c, DOC_01, v ? &here : NULL, v ? v : c->root,
             v ? "swagger is not the string \"2.0\"" : "the definition has no swagger: \"2.0\"");
}

static void check_root(struct check *c)
{
    struct members s;
    struct where here;
    rac_check_members(c, KIND_ROOT, c->root, NULL, &s);
    check_version(c);
    check_info(c, &s);
    check_status(c);
    check_host(c, &s);
    if (!has_member(&s, KW_PATHS)) {
        FIND(c, DOC_02, NULL, c->root, "the definition has no paths");
    } else if (c->api->ops_n == 0) {
        here = AT_LIT(NULL, "paths");
        FIND_AS(c, DOC_02, LV_E, &here, member_value(&s, KW_PATHS),
                "the definition has no operation");
    }
    here = AT_LIT(NULL, "schemes");
    if (has_member(&s, KW_SCHEMES))
        rac_check_schemes(c, member_value(&s, KW_SCHEMES), &here);
    here = AT_LIT(NULL, "consumes");
    if (has_member(&s, KW_CONSUMES))
        rac_check_media_types(c, member_value(&s, KW_CONSUMES), &here);
    here = AT_LIT(NULL, "produces");
    if (has_member(&s, KW_PRODUCES))
        rac_check_media_types(c, member_value(&s, KW_PRODUCES), &here);
    here = AT_LIT(NULL, "externalDocs");
    check_external_docs(c, member_value(&s, KW_EXTERNAL_DOCS), &here);
    check_tags(c, member_value(&s, KW_TAGS));
    check_metadata(c, &s);
    here = AT_LIT(NULL, "x-ms-capabilities");
    if (has_member(&s, KW_X_CAPABILITIES))
        rac_check_capabilities(c, member_value(&s, KW_X_CAPABILITIES), &here);
    if (c->doc->text.n >= PRODUCTION_BYTES_MAX)
        FIND(c, DOC_10, NULL, c->root, "the definition has {} bytes, 1 MB or more",
             rac_arena_printf(c->a, "%zu", c->doc->text.n));
}

rac_err rac_check_definition(const struct rac_check_input *in, struct rac_diags *d)
{
    struct check c = {.in = in,
                      .doc = in->doc,
                      .root = &in->doc->root,
                      .api = in->api,
                      .d = d,
                      .a = d->a,
                      .profile = in->profile};
    size_t before = d->n, slash = rac_str_rfind_char(in->doc->name, '/');
    c.file = slash == RAC_STR_NPOS ? in->doc->name : rac_str_from(in->doc->name, slash + 1);
    if (!rac_json_is_object(c.root)) {
        FIND(&c, DOC_03, NULL, c.root, "the root is an object, not {}", rac_json_type_name(c.root));
        return RAC_OK;
    }
    if (c.api == NULL) {
        rac_err e = rac_api_build(c.root, d->a, &c.api);
        if (e != RAC_OK)
            return e;
    }
    for (size_t i = 0; i < c.api->ops_n && !c.has_delete; i++)
        c.has_delete = c.api->ops[i].method == RAC_METHOD_DELETE;
    rac_check_keyword(RAC_S("swagger")); /* makes the tables */
    rac_map_init(&c.measures, d->a);
    rac_map_init(&c.inputs, d->a);
    rac_map_init(&c.strange, d->a);
    rac_map_init(&c.families, d->a);
    rac_map_init(&c.revisions, d->a);
    check_root(&c);
    rac_check_security(&c);
    rac_check_paths(&c);
    check_shared(&c);
    if (d->n > before)
        qsort(d->v + before, d->n - before, sizeof(*d->v), by_place);
    return rac_arena_over(d->a) ? RAC_E_LIMIT : RAC_OK;
}
