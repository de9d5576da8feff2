/* One operation: its texts, media types, responses and bookkeeping. */
#include "base/str.h"
#include "base/utf8.h"
#include "openapi/check_priv.h"

enum {
    ID_MAX = 128,
    SUMMARY_MAX = 120,
    SUMMARY_ADVISED = 80,
    TEXT_MAX = 1000,
    BODY_NODES_MAX = 512,
    OPERATION_NODES_MAX = 16384,
    SCHEMA_DEPTH_MAX = 32,
    ACTIVE_MAX = 2, /* operations of a family that are not deprecated */
};

/* --- ids and texts -------------------------------------------------------------------------- */

/* A revision suffix: V2, _V2, _v2; digits in *n. Answers where it starts, or s.n. */
static size_t revision_suffix(rac_str id, rac_str *digits)
{
    size_t i = id.n;
    while (i > 0 && rac_is_digit(id.p[i - 1]))
        i--;
    *digits = rac_str_from(id, i);
    if (i == id.n || i == 0 || rac_lower(id.p[i - 1]) != 'v')
        return id.n;
    i--;
    return i > 0 && id.p[i - 1] == '_' ? i - 1 : i;
}

static void check_id(struct check *c, const struct rac_api_operation *op, const struct where *at)
{
    struct where here = AT_LIT(at, "operationId");
    const struct rac_json *node = RAC_JSON_GET(op->node, "operationId");
    if (op->id.n == 0) {
        FIND(c, OP_01, node ? &here : at, node ? node : op->node,
             "the operation {} {} has no operationId", rac_str_of(rac_api_method_name(op->method)),
             op->path);
        return;
    }
    const struct rac_api_operation *first = rac_map_get(&c->api->by_id, op->id);
    if (first != op)
        FIND(c, OP_01, &here, node, "operationId \"{}\" is also that of {} {}", op->id,
             rac_str_of(rac_api_method_name(first->method)), first->path);
    if (op->id.n >= ID_MAX && rac_utf8_count(op->id) >= ID_MAX)
        FIND(c, OP_03, &here, node, "operationId \"{}\" has 128 characters or more", op->id);
    rac_str digits;
    size_t stem = revision_suffix(op->id, &digits);
    bool clean = true;
    for (size_t i = 0; i < stem; i++)
        clean = clean && rac_is_alnum(op->id.p[i]);
    if (!clean)
        FIND(c, OP_02, &here, node,
             "operationId \"{}\" has characters other than letters and digits", op->id);
    else if (!(op->id.p[0] >= 'A' && op->id.p[0] <= 'Z'))
        FIND(c, OP_02, &here, node, "operationId \"{}\" is not in PascalCase", op->id);
}

/* Characters of a summary (OP-06, OP-07), and its end. */
static void check_summary_characters(struct check *c, rac_str s, const struct where *here,
                                     const struct rac_json *node)
{
    char restricted = 0, odd = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (strchr("/\\<>*%&?", ch) != NULL && ch != 0)
            restricted = restricted ? restricted : (char)ch;
        else if (ch < 0x80 && !rac_is_alnum((char)ch) && ch != ' ' && ch != '(' && ch != ')')
            odd = odd ? odd : (char)ch;
    }
    char last = s.p[s.n - 1];
    if (restricted)
        FIND(c, OP_06, here, node, "the summary \"{}\" has the character {}", s,
             (rac_str){&restricted, 1});
    bool good_end = rac_is_alnum(last) || last == ')' || (unsigned char)last >= 0x80;
    if (!good_end)
        FIND(c, OP_07, here, node, "the summary \"{}\" does not end with a letter or digit", s);
    else if (odd)
        FIND(c, OP_07, here, node, "the summary \"{}\" has the character {}", s,
             (rac_str){&odd, 1});
}

/* Every word capitalised, and more than a name's worth of them. */
static bool is_title_case(rac_str s)
{
    size_t words = 0;
    bool first = true;
    for (rac_str rest = s; rest.p != NULL;) {
        rac_str w = rac_str_cut(rest, ' ', &rest);
        if (w.n < 4)
            continue;
        if (!first && !(w.p[0] >= 'A' && w.p[0] <= 'Z'))
            return false;
        words += !first;
        first = false;
    }
    return words >= 3;
}

static void check_summary(struct check *c, const struct rac_api_operation *op,
                          const struct where *at)
{
    struct where here = AT_LIT(at, "summary");
    const struct rac_json *node = RAC_JSON_GET(op->node, "summary");
    rac_str s = rac_str_trim(op->summary);
    if (s.n == 0) {
        FIND(c, OP_08, node ? &here : at, node ? node : op->node, "operation \"{}\" has no summary",
             op->id);
        return;
    }
    size_t n = s.n > SUMMARY_ADVISED ? rac_utf8_count(s) : s.n;
    if (n >= SUMMARY_MAX)
        FIND(c, OP_05, &here, node, "the summary of \"{}\" has 120 characters or more", op->id);
    else if (n > SUMMARY_ADVISED)
        FIND_AS(c, OP_05, LV_W, &here, node, "the summary of \"{}\" has more than 80 characters",
                op->id);
    check_summary_characters(c, s, &here, node);
    if (s.p[0] >= 'a' && s.p[0] <= 'z')
        FIND(c, OP_08, &here, node, "the summary \"{}\" does not start with a capital", s);
    else if (is_title_case(s))
        FIND_AS(c, OP_08, LV_W, &here, node, "the summary \"{}\" is not in sentence case", s);
    rac_str word = rac_check_restricted_word(s, WORDS_PRODUCTS);
    if (word.p != NULL)
        FIND(c, OP_08, &here, node, "the summary \"{}\" names a platform product: {}", s, word);
    if (op->trigger != RAC_TRIGGER_NONE && !rac_str_startsi(s, RAC_S("when ")))
        FIND_AS(c, OP_08, LV_W, &here, node,
                "the summary \"{}\" of a trigger does not start with \"When\"", s);
}

static bool ends_sentence(rac_str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == ')' || s.p[s.n - 1] == '"' || s.p[s.n - 1] == '\''))
        s.n--;
    return s.n == 0 || s.p[s.n - 1] == '.' || s.p[s.n - 1] == '!' || s.p[s.n - 1] == '?' ||
           rac_str_ends(s, RAC_S("\xe3\x80\x82"));
}

static bool same_words(rac_str a, rac_str b)
{
    a = rac_str_trim(a);
    b = rac_str_trim(b);
    while (a.n > 0 && !rac_is_alnum(a.p[a.n - 1]))
        a.n--;
    while (b.n > 0 && !rac_is_alnum(b.p[b.n - 1]))
        b.n--;
    return rac_str_eqi(a, b);
}

static void check_description(struct check *c, const struct rac_api_operation *op,
                              const struct where *at)
{
    struct where here = AT_LIT(at, "description");
    const struct rac_json *node = RAC_JSON_GET(op->node, "description");
    rac_str s = rac_str_trim(op->description);
    if (s.n == 0) {
        FIND(c, OP_08, node ? &here : at, node ? node : op->node,
             "operation \"{}\" has no description", op->id);
        return;
    }
    if (!ends_sentence(s))
        FIND(c, OP_08, &here, node, "the description of \"{}\" does not end with a full stop",
             op->id);
    if (op->summary.n > 0 && same_words(s, op->summary))
        FIND(c, OP_08, &here, node, "description and summary of \"{}\" are the same", op->id);
    rac_str word = rac_check_restricted_word(s, WORDS_PRODUCTS);
    if (word.p != NULL)
        FIND(c, OP_08, &here, node, "the description of \"{}\" names a platform product: {}",
             op->id, word);
    if (s.n > TEXT_MAX && rac_utf8_count(s) > TEXT_MAX)
        FIND(c, TXT_01, &here, node, "the description of \"{}\" is longer than 1,000 characters",
             op->id);
}

/* --- media types ---------------------------------------------------------------------------- */

static bool is_token(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && (s.p[i] == 0 || strchr("!#$&^_.+-*", s.p[i]) == NULL))
            return false;
    return s.n > 0;
}

static rac_str bare_type(rac_str s)
{
    rac_str rest;
    return rac_str_trim(rac_str_cut(s, ';', &rest));
}

static bool is_media_type(rac_str s)
{
    rac_str subtype, type = rac_str_cut(bare_type(s), '/', &subtype);
    return subtype.p != NULL && is_token(type) && is_token(subtype);
}

void rac_check_media_types(struct check *c, const struct rac_json *list, const struct where *at)
{
    static const char *const supported[] = {"application/json", "text/plain", "multipart/form-data",
                                            "application/x-www-form-urlencoded"};
    size_t i = 0;
    RAC_JSON_EACH(e, list)
    {
        struct where here = AT_INDEX(at, i++);
        rac_str s = rac_json_str(e, RAC_STR_NULL), type = bare_type(s);
        bool known = false;
        for (size_t k = 0; k < RAC_COUNT(supported); k++)
            known |= rac_str_eqi(type, rac_str_of(supported[k]));
        if (s.p == NULL)
            FIND(c, DOC_03, &here, e, "a media type is a string, not {}", rac_json_type_name(e));
        else if (!is_media_type(s))
            FIND(c, OP_14, &here, e, "\"{}\" is no media type", s);
        else if (!known)
            FIND_AS(c, OP_14, LV_W, &here, e, "media type \"{}\" is not fully supported", s);
    }
    if (i > RAC_API_MEDIA_TYPES_MAX)
        FIND_AS(c, OP_14, LV_W, at, list, "the list has {} media types; only the first 64 are used",
                rac_arena_printf(c->a, "%zu", i));
    rac_check_distinct(c, list, at);
}

struct payload {
    bool body, structured, form, file;
    const struct rac_json *node;
};

static struct payload payload_of(const struct rac_api_operation *op)
{
    struct payload p = {0};
    for (size_t i = 0; i < op->params_n; i++) {
        const struct rac_api_param *q = &op->params[i];
        rac_str type = rac_json_str(RAC_JSON_GET(q->schema, "type"), RAC_S(""));
        rac_str format = rac_json_str(RAC_JSON_GET(q->schema, "format"), RAC_S(""));
        if (q->in == RAC_IN_BODY) {
            p.body = true;
            p.structured = rac_str_eq(type, RAC_S("object")) || rac_str_eq(type, RAC_S("array")) ||
                           RAC_JSON_GET(q->schema, "properties") != NULL;
        } else if (q->in == RAC_IN_FORM) {
            p.form = true;
            p.file |= rac_str_eq(type, RAC_S("file")) || rac_str_eq(format, RAC_S("binary"));
        } else {
            continue;
        }
        p.node = q->node;
    }
    return p;
}

static void check_payload(struct check *c, const struct rac_api_operation *op,
                          const struct where *at)
{
    struct payload p = payload_of(op);
    if (!p.body && !p.form)
        return;
    bool multipart = false, urlencoded = false, other = false;
    size_t n = 0;
    RAC_JSON_EACH(e, op->consumes)
    {
        if (n++ == RAC_API_MEDIA_TYPES_MAX)
            break;
        rac_str type = bare_type(rac_json_str(e, RAC_S("")));
        if (rac_str_startsi(type, RAC_S("multipart/")))
            multipart = true;
        else if (rac_str_eqi(type, RAC_S("application/x-www-form-urlencoded")))
            urlencoded = true;
        else
            other = true;
    }
    if (rac_json_len(op->consumes) == 0)
        FIND_AS(c, OP_14, LV_W, at, op->node,
                "operation \"{}\" sends content but does not declare consumes", op->id);
    else if (p.file && !multipart)
        FIND(c, OP_14, at, op->node,
             "operation \"{}\" sends a file but does not consume multipart/form-data", op->id);
    else if (p.form && !multipart && !urlencoded)
        FIND(c, OP_14, at, op->node,
             "operation \"{}\" has form fields but does not consume a form type", op->id);
    else if (p.structured && !other)
        FIND(c, OP_14, at, op->node,
             "operation \"{}\" has a structured body but consumes form types only", op->id);
}

/* GET and HEAD send nothing (OP-13). */
static void check_fetch(struct check *c, const struct rac_api_operation *op)
{
    if (op->method != RAC_METHOD_GET && op->method != RAC_METHOD_HEAD)
        return;
    for (size_t i = 0; i < op->params_n; i++) {
        const struct rac_api_param *p = &op->params[i];
        struct where here = AT_POINTER(p->pointer);
        if (p->in == RAC_IN_BODY || p->in == RAC_IN_FORM)
            FIND(c, OP_13, &here, p->node, "{} operation \"{}\" has a {} parameter \"{}\"",
                 rac_str_of(rac_api_method_name(op->method)), op->id,
                 rac_str_of(rac_param_in_name(p->in)), p->name);
    }
}

/* --- responses ------------------------------------------------------------------------------ */

static bool is_status(rac_str key)
{
    uint64_t n;
    return key.n == 3 && rac_str_to_u64(key, &n) && n >= 100 && n <= 599;
}

static bool is_extension(rac_str key)
{
    return rac_str_startsi(key, RAC_S("x-"));
}

struct answers {
    size_t n, success, with_schema, success_schema;
    bool content_expected; /* a 200 or 201, which has content */
};

static void check_answer(struct check *c, const struct rac_json_member *m, const struct where *at,
                         struct answers *found, struct measure *total)
{
    rac_str key = rac_json_key(m);
    struct where here = AT_KEY(at, key);
    bool fallback = rac_str_eq(key, RAC_S("default"));
    if (!fallback && !is_status(key))
        FIND_KEY(c, OP_12, LV_TABLE, &here, m, "\"{}\" is neither a status code nor default", key);
    struct measure size = rac_check_response(c, &m->value, &here);
    total->nodes = size.nodes > UINT32_MAX - total->nodes ? UINT32_MAX : total->nodes + size.nodes;
    if (size.depth > total->depth)
        total->depth = size.depth;
    const struct rac_json *response = rac_api_deref(c->api, &m->value);
    const struct rac_json *schema = RAC_JSON_GET(response, "schema");
    bool success = key.n == 3 && key.p[0] == '2';
    bool has_schema = schema != NULL || RAC_JSON_GET(response, "x-ms-dynamic-schema") != NULL;
    found->n++;
    found->success += success;
    found->with_schema += schema != NULL;
    found->success_schema += success && has_schema;
    found->content_expected |= rac_str_eq(key, RAC_S("200")) || rac_str_eq(key, RAC_S("201"));
    if (fallback && schema != NULL)
        FIND(c, OP_10, &here, &m->value, "the default response has a schema");
}

static void check_responses(struct check *c, const struct rac_api_operation *op,
                            const struct where *at, struct measure *total)
{
    struct answers found = {0};
    struct where list = AT_LIT(at, "responses");
    RAC_JSON_EACH_MEMBER(m, op->responses)
    if (!is_extension(rac_json_key(m)))
        check_answer(c, m, &list, &found, total);
    const struct where *here = op->responses ? &list : at;
    const struct rac_json *node = op->responses ? op->responses : op->node;
    if (found.n == 0)
        FIND(c, OP_09, here, node, "operation \"{}\" declares no response", op->id);
    else if (found.success == 0)
        FIND_AS(c, OP_09, LV_W, here, node, "operation \"{}\" declares no successful response",
                op->id);
    if (found.with_schema > 1)
        FIND_AS(c, OP_10, LV_W, here, node, "several responses of \"{}\" have a schema", op->id);
    if (op->webhook) {
        if (op->notification != NULL && RAC_JSON_GET(op->notification, "schema") == NULL)
            FIND(c, OP_11, at, op->node, "the notification of webhook \"{}\" has no schema",
                 op->id);
    } else if (found.content_expected && found.success_schema == 0 &&
               RAC_JSON_GET(op->node, "x-ms-dynamic-schema") == NULL &&
               op->method != RAC_METHOD_HEAD) {
        FIND(c, OP_11, here, node, "the successful response of \"{}\" has no schema", op->id);
    }
}

/* --- revisions ------------------------------------------------------------------------------ */

struct family {
    const struct rac_api_operation *first_empty;
    unsigned active, active_production;
};

static struct family *family_of(struct check *c, rac_str name)
{
    struct family *f = rac_map_get(&c->families, name);
    if (f == NULL) {
        f = RAC_NEW(c->a, struct family);
        rac_map_put(&c->families, name, f);
    }
    return f;
}

static void check_revision(struct check *c, const struct rac_api_operation *op,
                           const struct rac_json *annotation, rac_str family,
                           const struct where *at)
{
    const struct rac_json *revision = RAC_JSON_GET(annotation, "revision");
    struct where here = AT_LIT(at, "revision");
    struct family *f = family_of(c, family);
    if (revision == NULL) {
        if (f->first_empty != NULL)
            FIND(c, OP_16, at, annotation,
                 "family \"{}\" has a second operation without a revision", family);
        else
            FIND_AS(c, OP_16, LV_W, at, annotation, "operation \"{}\" has a family but no revision",
                    op->id);
        f->first_empty = op;
        return;
    }
    int64_t n = rac_json_int(revision, 0);
    if (n < 1) {
        FIND(c, DOC_03, &here, revision, "a revision is a number from 1");
        return;
    }
    rac_str key = rac_arena_printf(c->a, "%.*s %lld", RAC_FMT(family), (long long)n);
    const struct rac_api_operation *other = rac_map_get(&c->revisions, key);
    if (other != NULL)
        FIND(c, OP_16, &here, revision, "revision {} of family \"{}\" is already \"{}\"",
             rac_json_print_str(revision, 0, c->a), family, other->id);
    else
        rac_map_put(&c->revisions, key, (void *)op);
    rac_str digits;
    uint64_t suffix = 0;
    if (n >= 2 && (revision_suffix(op->id, &digits) == op->id.n ||
                   !rac_str_to_u64(digits, &suffix) || suffix != (uint64_t)n))
        FIND(c, OP_04, &here, revision, "operation \"{}\" of revision {} does not end with V{}",
             op->id, rac_json_print_str(revision, 0, c->a), rac_json_print_str(revision, 0, c->a));
}

static bool is_production(rac_str status)
{
    return rac_str_eqi(status, RAC_S("Production"));
}

static void check_status(struct check *c, rac_str status, const struct rac_json *node,
                         const struct where *at)
{
    if (status.p == NULL)
        return;
    if (!is_production(status) && !rac_str_eqi(status, RAC_S("Preview")))
        FIND(c, DOC_03, at, node, "status is Preview or Production, not \"{}\"", status);
    else if (is_production(status) && c->preview)
        FIND(c, META_03, at, node,
             "the operation is marked Production while the connector is in Preview");
}

static void check_replacement(struct check *c, const struct rac_api_operation *op,
                              const struct rac_json *replacement, const struct where *at)
{
    if (!op->deprecated)
        FIND(c, OP_18, at, replacement, "operation \"{}\" has a replacement but is not deprecated",
             op->id);
    if (!rac_json_is_string(RAC_JSON_GET(replacement, "api")))
        FIND(c, OP_18, at, replacement, "the replacement of \"{}\" does not name its api", op->id);
    if (!rac_json_is_string(RAC_JSON_GET(replacement, "operationId")))
        FIND(c, OP_18, at, replacement, "the replacement of \"{}\" does not name its operationId",
             op->id);
}

static void check_annotation(struct check *c, const struct rac_api_operation *op,
                             const struct where *at)
{
    const struct rac_json *annotation = RAC_JSON_GET(op->node, "x-ms-api-annotation");
    struct where here = AT_LIT(at, "x-ms-api-annotation"), inner = AT_LIT(&here, "status");
    const struct rac_json *status_node = RAC_JSON_GET(annotation, "status");
    rac_str status = rac_json_str(status_node, RAC_STR_NULL);
    rac_str family = rac_json_str(RAC_JSON_GET(annotation, "family"), RAC_S(""));
    check_status(c, status, status_node, &inner);
    if (family.n > 0)
        check_revision(c, op, annotation, family, &here);
    const struct rac_json *replacement = RAC_JSON_GET(annotation, "replacement");
    inner = AT_LIT(&here, "replacement");
    if (replacement != NULL)
        check_replacement(c, op, replacement, &inner);
    struct family *f = family.n > 0 ? family_of(c, family) : rac_map_get(&c->families, op->id);
    if (f == NULL && op->id.n > 0)
        f = family_of(c, op->id); /* a later revision may name this operation its family */
    if (f == NULL || op->deprecated)
        return;
    f->active++;
    f->active_production += is_production(status) || (status.p == NULL && !c->preview);
    const struct where *place = annotation ? &here : at;
    const struct rac_json *node = annotation ? annotation : op->node;
    if (f->active == ACTIVE_MAX + 1)
        FIND(c, OP_17, place, node, "the family of \"{}\" has more than two active operations",
             op->id);
    if (f->active_production == 2)
        FIND(c, OP_17, place, node,
             "the family of \"{}\" has more than one active operation in Production", op->id);
}

/* --- one operation -------------------------------------------------------------------------- */

static void check_sizes(struct check *c, const struct rac_api_operation *op, const struct where *at,
                        struct measure body, struct measure answers)
{
    uint32_t total =
        body.nodes > UINT32_MAX - answers.nodes ? UINT32_MAX : body.nodes + answers.nodes;
    if (body.nodes > BODY_NODES_MAX)
        FIND(c, OP_15, at, op->node, "the body of \"{}\" has {} schemas, more than 512", op->id,
             rac_arena_printf(c->a, "%u", body.nodes));
    if (total > OPERATION_NODES_MAX)
        FIND(c, OP_15, at, op->node, "operation \"{}\" has {} schemas, more than 16,384", op->id,
             rac_arena_printf(c->a, "%u", total));
    uint32_t depth = body.depth > answers.depth ? body.depth : answers.depth;
    if (depth > SCHEMA_DEPTH_MAX)
        FIND(c, OP_15, at, op->node, "a schema of \"{}\" is {} levels deep, more than 32", op->id,
             rac_arena_printf(c->a, "%u", depth));
}

/* Bodies that come together from path item and operation (PAR-02), and names (PAR-06). */
static void check_together(struct check *c, const struct rac_api_operation *op, size_t own_bodies)
{
    const struct rac_api_param *body = NULL;
    size_t bodies = 0;
    for (size_t i = 0; i < op->params_n; i++)
        if (op->params[i].in == RAC_IN_BODY) {
            body = &op->params[i];
            if (++bodies == 2 && own_bodies < 2) {
                struct where here = AT_POINTER(body->pointer);
                FIND(c, PAR_02, &here, body->node, "operation \"{}\" has a second body parameter",
                     op->id);
            }
        }
    if (body == NULL)
        return;
    for (size_t i = 0; i < op->params_n; i++) {
        const struct rac_api_param *p = &op->params[i];
        struct where here = AT_POINTER(p->pointer);
        if (p->in == RAC_IN_FORM)
            FIND(c, PAR_02, &here, p->node, "form field \"{}\" stands beside a body in \"{}\"",
                 p->name, op->id);
        else if (p->in != RAC_IN_BODY && body->schema != NULL &&
                 rac_api_property(c->api, body->schema, p->name) != NULL)
            FIND(c, PAR_06, &here, p->node,
                 "parameter \"{}\" has the name of a property of the body of \"{}\"", p->name,
                 op->id);
    }
}

static void check_strings(struct check *c, const struct rac_json *list, const struct where *at)
{
    size_t i = 0;
    RAC_JSON_EACH(e, list)
    {
        struct where here = AT_INDEX(at, i++);
        if (!rac_json_is_string(e))
            FIND(c, DOC_03, &here, e, "the list holds strings, not {}", rac_json_type_name(e));
    }
    rac_check_distinct(c, list, at);
}

static void check_lists(struct check *c, const struct members *s, const struct where *at)
{
    struct where here = AT_LIT(at, "consumes");
    if (has_member(s, KW_CONSUMES))
        rac_check_media_types(c, member_value(s, KW_CONSUMES), &here);
    here = AT_LIT(at, "produces");
    if (has_member(s, KW_PRODUCES))
        rac_check_media_types(c, member_value(s, KW_PRODUCES), &here);
    here = AT_LIT(at, "schemes");
    if (has_member(s, KW_SCHEMES))
        rac_check_schemes(c, member_value(s, KW_SCHEMES), &here);
    here = AT_LIT(at, "tags");
    if (has_member(s, KW_TAGS))
        check_strings(c, member_value(s, KW_TAGS), &here);
    here = AT_LIT(at, "security");
    if (has_member(s, KW_SECURITY))
        rac_check_requirements(c, member_value(s, KW_SECURITY), &here);
}

static void check_pageable(struct check *c, const struct members *s, const struct where *at)
{
    const struct rac_json *page = member_value(s, KW_X_PAGEABLE);
    if (page == NULL)
        return;
    struct where outer = AT_LIT(at, "x-ms-pageable"), here = AT_LIT(&outer, "nextLinkName");
    const struct rac_json *name = RAC_JSON_GET(page, "nextLinkName");
    rac_str text = rac_json_str(name, RAC_S(""));
    if (!rac_str_eq(text, RAC_S("nextLink")) && !rac_str_eq(text, RAC_S("@odata.nextLink")))
        FIND(c, EXT_04, name ? &here : &outer, name ? name : page,
             "nextLinkName is nextLink or @odata.nextLink, not \"{}\"", text);
}

void rac_check_operation(struct check *c, const struct rac_api_operation *op,
                         const struct where *at)
{
    struct members s;
    struct measure body = {0}, answers = {0};
    size_t own_bodies = 0;
    c->op = op;
    rac_check_members(c, KIND_OPERATION, op->node, at, &s);
    check_id(c, op, at);
    check_summary(c, op, at);
    check_description(c, op, at);
    if (!has_member(&s, KW_X_VISIBILITY))
        FIND(c, OP_08, at, op->node, "operation \"{}\" does not say its x-ms-visibility", op->id);
    check_lists(c, &s, at);
    if (has_member(&s, KW_PARAMETERS)) {
        struct where here = AT_LIT(at, "parameters");
        own_bodies = rac_check_parameter_list(c, member_value(&s, KW_PARAMETERS), &here, &body);
    }
    check_together(c, op, own_bodies);
    check_fetch(c, op);
    check_payload(c, op, at);
    check_responses(c, op, at, &answers);
    check_annotation(c, op, at);
    check_pageable(c, &s, at);
    rac_check_trigger(c, &s, at);
    check_sizes(c, op, at, body, answers);
    c->op = NULL;
}
