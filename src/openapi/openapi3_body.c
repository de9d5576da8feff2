/* Request bodies and answers of OpenAPI 3 to 2.0: one media type each (connectors.md §2.6). */
#include "openapi/openapi3_priv.h"

/* --- media types ------------------------------------------------------------------------------ */

/* "application/json; charset=utf-8" without what follows the semicolon, in lower case. */
static rac_str essence(struct o3 *x, rac_str type)
{
    size_t semi = rac_str_find_char(type, ';');
    return rac_str_lower(x->a,
                         rac_str_trim(semi == RAC_STR_NPOS ? type : rac_str_sub(type, 0, semi)));
}

static bool is_json(rac_str t)
{
    return rac_str_eq(t, RAC_S("application/json")) || rac_str_eq(t, RAC_S("text/json")) ||
           rac_str_ends(t, RAC_S("+json"));
}

static bool is_form(rac_str t)
{
    return rac_str_starts(t, RAC_S("multipart/")) ||
           rac_str_eq(t, RAC_S("application/x-www-form-urlencoded"));
}

static bool is_binary_type(rac_str t)
{
    static const rac_str starts[] = {RAC_S_INIT("image/"),
                                     RAC_S_INIT("audio/"),
                                     RAC_S_INIT("video/"),
                                     RAC_S_INIT("font/"),
                                     RAC_S_INIT("application/octet"),
                                     RAC_S_INIT("application/pdf"),
                                     RAC_S_INIT("application/zip"),
                                     RAC_S_INIT("application/gzip"),
                                     RAC_S_INIT("application/vnd.openxml")};
    for (size_t i = 0; i < RAC_COUNT(starts); i++)
        if (rac_str_starts(t, starts[i]))
            return true;
    return false;
}

/* Smaller is preferred: JSON, +json, any, form, text, the rest. */
static int rank(rac_str t)
{
    if (rac_str_eq(t, RAC_S("application/json")))
        return 0;
    if (is_json(t))
        return 1;
    if (rac_str_eq(t, RAC_S("*/*")) || rac_str_eq(t, RAC_S("application/*")))
        return 2;
    if (is_form(t))
        return 3;
    return rac_str_starts(t, RAC_S("text/")) || rac_str_ends(t, RAC_S("xml")) ? 4 : 5;
}

/* The media type that counts; NULL when content is empty. */
static const struct rac_json_member *choose(struct o3 *x, const struct rac_json *content)
{
    const struct rac_json_member *best = NULL;
    int best_rank = 0;
    RAC_JSON_EACH_MEMBER(m, content)
    {
        int r = rank(essence(x, rac_json_key(m)));
        if (best == NULL || r < best_rank) {
            best = m;
            best_rank = r;
        }
    }
    return best;
}

/* A wildcard cannot be sent: what stands for it. */
static rac_str concrete(rac_str type)
{
    if (rac_str_find_char(type, '*') == RAC_STR_NPOS)
        return type;
    if (rac_str_eq(type, RAC_S("*/*")) || rac_str_eq(type, RAC_S("application/*")))
        return RAC_S("application/json");
    return rac_str_starts(type, RAC_S("text/")) ? RAC_S("text/plain")
                                                : RAC_S("application/octet-stream");
}

static void report_others(struct o3 *x, const struct rac_place *content, rac_str chosen)
{
    RAC_JSON_EACH_MEMBER(m, content->node)
    {
        if (rac_str_eq(rac_json_key(m), chosen))
            continue;
        const struct rac_json *best = rac_json_get(content->node, chosen);
        const struct rac_json *s = RAC_JSON_GET(&m->value, "schema");
        bool same = s != NULL && rac_json_equal(s, RAC_JSON_GET(best, "schema"));
        struct rac_place e = rac_place_key(content, rac_json_key(m), &m->value);
        o3_loss(x, RAC_RULE_O3_07, &e, "the media type %.*s was left out; %.*s is used%s",
                (int)(rac_json_key(m).n < 80 ? rac_json_key(m).n : 80), rac_json_key(m).p,
                (int)(chosen.n < 80 ? chosen.n : 80), chosen.p, same ? "" : ", with its schema");
    }
}

static struct rac_json media_schema(struct o3 *x, const struct rac_place *media)
{
    struct rac_place s = RAC_PLACE_KEY(media, "schema", RAC_JSON_GET(media->node, "schema"));
    return s.node != NULL ? o3_schema(x, &s) : rac_json_new_object(x->a);
}

static bool is_binary_schema(struct o3 *x, const struct rac_json *schema)
{
    struct rac_json flat = o3_flatten(x, schema);
    return rac_str_eq(rac_json_str(RAC_JSON_GET(&flat, "format"), RAC_S("")), RAC_S("binary"));
}

/* --- form bodies ------------------------------------------------------------------------------ */

struct form {
    const struct rac_place *media;
    bool multipart;
    const struct rac_json *example; /* of the whole; NULL: none */
};

static rac_str encoding_style(const struct form *f, rac_str name, bool *explode)
{
    const struct rac_json *e = rac_json_get(RAC_JSON_GET(f->media->node, "encoding"), name);
    rac_str style = rac_json_str(RAC_JSON_GET(e, "style"), RAC_S("form"));
    *explode = rac_json_bool(RAC_JSON_GET(e, "explode"), rac_str_eq(style, RAC_S("form")));
    return style;
}

static struct rac_json form_head(struct o3 *x, rac_str name, const struct rac_json *flat,
                                 bool required)
{
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, &o, "name", name);
    RAC_JSON_PUT_STR(x->a, &o, "in", RAC_S("formData"));
    rac_json_copy_string(x->a, &o, flat, RAC_S("description"));
    RAC_JSON_PUT(x->a, &o, "required", rac_json_of_bool(required));
    return o;
}

static void form_array(struct o3 *x, const struct form *f, rac_str name,
                       const struct rac_json *flat, const struct rac_place *at, struct rac_json *o)
{
    const struct rac_json *items = RAC_JSON_GET(flat, "items");
    if (f->multipart && items != NULL && is_binary_schema(x, items)) {
        RAC_JSON_PUT_STR(x->a, o, "type", RAC_S("file"));
        o3_loss(x, RAC_RULE_O3_08, at, "'%.*s' takes several files; a connector sends one",
                (int)(name.n < 100 ? name.n : 100), name.p);
        return;
    }
    bool explode;
    rac_str style = encoding_style(f, name, &explode);
    o3_primitive(x, at, flat, o);
    RAC_JSON_PUT_STR(x->a, o, "collectionFormat",
                     rac_str_eq(style, RAC_S("spaceDelimited"))          ? RAC_S("ssv")
                     : rac_str_eq(style, RAC_S("pipeDelimited"))         ? RAC_S("pipes")
                     : explode || rac_str_eq(style, RAC_S("deepObject")) ? RAC_S("multi")
                                                                         : RAC_S("csv"));
}

static void form_properties(struct o3 *x, const struct form *f, const struct rac_json *flat,
                            rac_str prefix, bool required, unsigned depth,
                            const struct rac_place *at, struct rac_json *params);

static void form_property(struct o3 *x, const struct form *f, rac_str name,
                          const struct rac_json *schema, bool required, unsigned depth,
                          const struct rac_place *at, struct rac_json *params)
{
    struct rac_json flat = o3_flatten(x, schema);
    rac_str type = o3_type(&flat);
    bool explode, object = rac_str_eq(type, RAC_S("object"));
    bool deep = depth > 0 || rac_str_eq(encoding_style(f, name, &explode), RAC_S("deepObject"));
    if (object && deep && !f->multipart && depth < 3 && rac_json_len(params) < 400 &&
        rac_json_len(RAC_JSON_GET(&flat, "properties")) > 0) {
        form_properties(x, f, &flat, name, required, depth + 1, at, params);
        return;
    }
    struct rac_json o = form_head(x, name, &flat, required);
    if (f->multipart && is_binary_schema(x, &flat)) {
        RAC_JSON_PUT_STR(x->a, &o, "type", RAC_S("file"));
    } else if (rac_str_eq(type, RAC_S("array"))) {
        form_array(x, f, name, &flat, at, &o);
    } else {
        o3_primitive(x, at, &flat, &o);
        if (object)
            o3_loss(x, RAC_RULE_O3_08, at, "the object '%.*s' of a form is given as JSON text",
                    (int)(name.n < 100 ? name.n : 100), name.p);
    }
    const struct rac_json *example = rac_json_get(f->example, name);
    if (example == NULL)
        example = RAC_JSON_GET(&flat, "example");
    if (example != NULL)
        RAC_JSON_PUT(x->a, &o, "x-example", *example);
    rac_json_add(x->a, params, o);
}

static void form_properties(struct o3 *x, const struct form *f, const struct rac_json *flat,
                            rac_str prefix, bool required, unsigned depth,
                            const struct rac_place *at, struct rac_json *params)
{
    const struct rac_json *names = RAC_JSON_GET(flat, "required");
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(flat, "properties"))
    {
        rac_str key = rac_json_key(m);
        rac_str name = prefix.n == 0
                           ? key
                           : rac_arena_printf(x->a, "%.*s[%.*s]", RAC_FMT(prefix), RAC_FMT(key));
        if (rac_json_bool(RAC_JSON_GET(&m->value, "readOnly"), false))
            continue; /* never sent */
        if (!o3_may_copy(x, O3_PARAM_MEMBERS))
            return;
        if (rac_json_len(params) >= 1000) {
            o3_loss(x, RAC_RULE_O3_08, at,
                    "the form has more than 1000 fields; the rest was left "
                    "out");
            return;
        }
        form_property(x, f, name, &m->value, required && rac_json_array_has(names, key), depth, at,
                      params);
    }
}

/* What a form says that its fields cannot: the body's own text, how a part is encoded. */
static void tell_form(struct o3 *x, const struct rac_place *body, const struct rac_place *media)
{
    static const char *const of_body[] = {"content", "required", "$ref", NULL};
    static const char *const of_part[] = {"style", "explode", NULL};
    struct rac_place all = RAC_PLACE_KEY(media, "encoding", RAC_JSON_GET(media->node, "encoding"));
    o3_lost(x, body, of_body, "a form");
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place e = rac_place_key(&all, rac_json_key(m), &m->value);
        o3_lost(x, &e, of_part, "a part of a form");
    }
}

static void form_body(struct o3 *x, const struct rac_place *body, const struct rac_place *media,
                      rac_str type, struct rac_json *params)
{
    struct rac_place at = RAC_PLACE_KEY(media, "schema", RAC_JSON_GET(media->node, "schema"));
    struct form f = {.media = media, .multipart = rac_str_starts(type, RAC_S("multipart/"))};
    struct rac_json flat = rac_json_new_object(x->a);
    if (at.node != NULL)
        flat = o3_schema_flat(x, &at);
    tell_form(x, body, media);
    struct rac_json example;
    if (o3_example(x, media, &example))
        f.example = &example;
    form_properties(x, &f, &flat, RAC_S(""), true, 0, &at, params);
    if (rac_json_len(RAC_JSON_GET(&flat, "properties")) == 0 ||
        rac_json_is_object(RAC_JSON_GET(&flat, "additionalProperties")))
        o3_loss(x, RAC_RULE_O3_08, at.node != NULL ? &at : media,
                "fields that the form does not name cannot be sent");
}

/* --- request ---------------------------------------------------------------------------------- */

static void put_list(struct o3 *x, struct rac_json *o, rac_str key, rac_str one)
{
    struct rac_json list = rac_json_new_array(x->a);
    rac_json_add(x->a, &list, rac_json_of_str(one));
    rac_json_put(x->a, o, key, list);
}

static rac_str body_name(const struct rac_place *op, const struct rac_json *body)
{
    static const rac_str keys[] = {RAC_S_INIT("x-ms-requestBody-name"),
                                   RAC_S_INIT("x-codegen-request-body-name"),
                                   RAC_S_INIT("x-body-name")};
    for (size_t i = 0; i < RAC_COUNT(keys); i++) {
        rac_str s = rac_json_str(rac_json_get(body, keys[i]), RAC_S(""));
        if (s.n == 0)
            s = rac_json_str(rac_json_get(op->node, keys[i]), RAC_S(""));
        if (s.n > 0)
            return s;
    }
    return RAC_S("body");
}

static void schema_body(struct o3 *x, const struct rac_place *op, const struct rac_place *body,
                        const struct rac_place *media, rac_str type, struct rac_json *params)
{
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, &o, "name", body_name(op, body->node));
    RAC_JSON_PUT_STR(x->a, &o, "in", RAC_S("body"));
    rac_json_copy_string(x->a, &o, body->node, RAC_S("description"));
    RAC_JSON_PUT(x->a, &o, "required",
                 rac_json_of_bool(rac_json_bool(RAC_JSON_GET(body->node, "required"), false)));
    struct rac_json schema = media_schema(x, media);
    bool untyped = rac_json_len(&schema) == 0;
    if (is_binary_type(type) && untyped) {
        RAC_JSON_PUT_STR(x->a, &schema, "type", RAC_S("string"));
        RAC_JSON_PUT_STR(x->a, &schema, "format", RAC_S("binary"));
    } else if (rac_str_starts(type, RAC_S("text/")) && !is_json(type) && untyped) {
        RAC_JSON_PUT_STR(x->a, &schema, "type", RAC_S("string"));
    }
    struct rac_json example;
    if (o3_example(x, media, &example)) {
        bool taken =
            RAC_JSON_GET(&schema, "$ref") != NULL || RAC_JSON_GET(&schema, "example") != NULL;
        if (taken)
            RAC_JSON_PUT(x->a, &o, "x-example", example);
        else
            RAC_JSON_PUT(x->a, &schema, "example", example);
    }
    RAC_JSON_PUT(x->a, &o, "schema", schema);
    o3_extensions(x, body, &o);
    rac_json_add(x->a, params, o);
}

void o3_request_body(struct o3 *x, const struct rac_place *op, rac_str method, struct rac_json *out,
                     struct rac_json *params)
{
    static const char *const known[] = {"description", "required", "content", "$ref", NULL};
    struct rac_place at = RAC_PLACE_KEY(op, "requestBody", RAC_JSON_GET(op->node, "requestBody"));
    struct rac_place body;
    o3_beside_ref(x, &at);
    if (at.node == NULL || !o3_follow(x, &at, &body))
        return;
    if (rac_str_eq(method, RAC_S("get")) || rac_str_eq(method, RAC_S("head"))) {
        o3_loss(x, RAC_RULE_O3_15, &at, "the body was dropped: %.*s requests have none",
                RAC_FMT(method));
        return;
    }
    o3_unknown(x, &body, known, "a request body");
    struct rac_place content = RAC_PLACE_KEY(&body, "content", RAC_JSON_GET(body.node, "content"));
    const struct rac_json_member *m = choose(x, content.node);
    if (m == NULL) {
        o3_loss(x, RAC_RULE_O3_16, &body, "a request body without a media type was dropped");
        return;
    }
    report_others(x, &content, rac_json_key(m));
    struct rac_place named = rac_place_key(&content, rac_json_key(m), &m->value), media;
    if (!o3_follow(x, &named, &media))
        return;
    rac_str type = concrete(essence(x, rac_json_key(m)));
    if (rac_str_starts(type, RAC_S("multipart/")))
        type = RAC_S("multipart/form-data");
    put_list(x, out, RAC_S("consumes"), type);
    if (is_form(type))
        form_body(x, &body, &media, type, params);
    else
        schema_body(x, op, &body, &media, type, params);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void headers(struct o3 *x, const struct rac_place *response, struct rac_json *o)
{
    static const char *const known[] = {"description", "schema",   "style", "explode",
                                        "example",     "examples", "$ref",  NULL};
    struct rac_place all =
        RAC_PLACE_KEY(response, "headers", RAC_JSON_GET(response->node, "headers"));
    struct rac_json list = rac_json_new_object(x->a);
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value), end;
        if (!o3_follow(x, &at, &end) || !rac_json_is_object(end.node))
            continue;
        struct rac_json h = rac_json_new_object(x->a), flat = rac_json_new_object(x->a), example;
        o3_beside_ref(x, &at);
        o3_unknown(x, &end, known, "a header");
        struct rac_place s = RAC_PLACE_KEY(&end, "schema", RAC_JSON_GET(end.node, "schema"));
        if (s.node != NULL)
            flat = o3_schema_flat(x, &s);
        rac_str d = rac_json_str(RAC_JSON_GET(end.node, "description"), RAC_S(""));
        if (d.n == 0)
            d = rac_json_str(RAC_JSON_GET(&flat, "description"), RAC_S(""));
        if (d.n > 0)
            RAC_JSON_PUT_STR(x->a, &h, "description", d);
        o3_primitive(x, s.node != NULL ? &s : &end, &flat, &h);
        if (o3_example(x, &end, &example))
            RAC_JSON_PUT(x->a, &h, "x-example", example);
        o3_extensions(x, &end, &h);
        rac_json_put(x->a, &list, rac_json_key(m), h);
    }
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(x->a, o, "headers", list);
}

static void put_file(struct o3 *x, struct rac_json *o)
{
    struct rac_json file = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, &file, "type", RAC_S("file"));
    RAC_JSON_PUT(x->a, o, "schema", file);
}

/* 2.0 keeps one example for each media type. */
static void answer_examples(struct o3 *x, const struct rac_place *content, struct rac_json *o)
{
    struct rac_json list = rac_json_new_object(x->a), example;
    RAC_JSON_EACH_MEMBER(m, content->node)
    {
        struct rac_place named = rac_place_key(content, rac_json_key(m), &m->value), media;
        if (o3_follow(x, &named, &media) && o3_example(x, &media, &example))
            rac_json_put(x->a, &list, rac_json_key(m), example);
    }
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(x->a, o, "examples", list);
}

static void answer_content(struct o3 *x, const struct rac_place *content, struct rac_json *o)
{
    const struct rac_json_member *m = choose(x, content->node);
    if (m == NULL)
        return;
    struct rac_place named = rac_place_key(content, rac_json_key(m), &m->value), media;
    if (!o3_follow(x, &named, &media))
        return;
    rac_str type = essence(x, rac_json_key(m));
    const struct rac_json *schema = RAC_JSON_GET(media.node, "schema");
    RAC_JSON_EACH_MEMBER(other, content->node)
    {
        const struct rac_json *s = RAC_JSON_GET(&other->value, "schema");
        struct rac_place e = rac_place_key(content, rac_json_key(other), &other->value);
        if (other != m && s != NULL && (schema == NULL || !rac_json_equal(s, schema)))
            o3_loss(x, RAC_RULE_O3_07, &e, "the schema of %.*s was left out; that of %.*s is used",
                    (int)(rac_json_key(other).n < 80 ? rac_json_key(other).n : 80),
                    rac_json_key(other).p, RAC_FMT(type));
    }
    struct rac_json converted = media_schema(x, &media);
    bool any = schema == NULL || rac_json_len(&converted) == 0;
    if (is_binary_schema(x, &converted) || (is_binary_type(type) && any))
        put_file(x, o);
    else if (schema != NULL)
        RAC_JSON_PUT(x->a, o, "schema", converted);
    answer_examples(x, content, o);
}

static struct rac_json answer(struct o3 *x, const struct rac_place *at)
{
    static const char *const known[] = {"description", "headers", "content", "links",
                                        "$ref",        "summary", NULL};
    struct rac_json o = rac_json_new_object(x->a);
    rac_str d = rac_json_str(RAC_JSON_GET(at->node, "description"), RAC_S(""));
    if (d.n == 0)
        d = rac_json_str(RAC_JSON_GET(at->node, "summary"), RAC_S(""));
    RAC_JSON_PUT_STR(x->a, &o, "description", d);
    struct rac_place content = RAC_PLACE_KEY(at, "content", RAC_JSON_GET(at->node, "content"));
    answer_content(x, &content, &o);
    headers(x, at, &o);
    struct rac_place links = RAC_PLACE_KEY(at, "links", RAC_JSON_GET(at->node, "links"));
    if (rac_json_len(links.node) > 0)
        o3_loss(x, RAC_RULE_O3_11, &links, "links were dropped");
    o3_unknown(x, at, known, "a response");
    o3_extensions(x, at, &o);
    return o;
}

void o3_prepare_responses(struct o3 *x, const struct rac_place *components)
{
    struct rac_place all =
        RAC_PLACE_KEY(components, "responses", RAC_JSON_GET(components->node, "responses"));
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value), end;
        if (!o3_follow(x, &at, &end) || !rac_json_is_object(end.node))
            continue;
        struct o3_part *p = RAC_NEW(x->a, struct o3_part);
        p->name = rac_json_key(m);
        p->at = rac_place_keep(x->a, &end);
        x->muted += o3_ref_of(&m->value).p != NULL;
        p->value = answer(x, &end);
        x->muted -= o3_ref_of(&m->value).p != NULL;
        p->alone = true;
        rac_map_put(&x->responses, p->name, p);
        rac_json_put(x->a, &x->out_responses, p->name, p->value);
    }
}

/* "2XX" to a code that is free: 200; "4XX" to 400. Other words are lost. */
static rac_str code_of(struct o3 *x, const struct rac_place *at, const struct rac_json *all)
{
    rac_str k = at->key;
    if (rac_str_eqi(k, RAC_S("default")))
        return RAC_S("default");
    if (k.n == 3 && rac_is_digit(k.p[0]) && rac_is_digit(k.p[1]) && rac_is_digit(k.p[2]) &&
        k.p[0] >= '1' && k.p[0] <= '5')
        return k;
    if (k.n == 3 && k.p[0] >= '1' && k.p[0] <= '5' && rac_lower(k.p[1]) == 'x' &&
        rac_lower(k.p[2]) == 'x') {
        rac_str code = rac_arena_printf(x->a, "%c00", k.p[0]);
        bool is_free = rac_json_get(all, code) == NULL;
        o3_loss(x, RAC_RULE_O3_13, at, "the answer %.*s %s %.*s", RAC_FMT(k),
                is_free ? "became" : "was dropped: there is a", RAC_FMT(code));
        return is_free ? code : RAC_STR_NULL;
    }
    o3_loss(x, RAC_RULE_O3_13, at, "'%.*s' is no status code; the answer was dropped",
            (int)(k.n < 60 ? k.n : 60), k.p);
    return RAC_STR_NULL;
}

static void add_produces(struct o3 *x, const struct rac_json *content, struct rac_json *produces)
{
    RAC_JSON_EACH_MEMBER(m, content)
    {
        rac_str type = essence(x, rac_json_key(m));
        if (type.n > 0 && rac_json_len(produces) < 64)
            rac_json_add_string_once(x->a, produces, type);
    }
}

static void one_answer(struct o3 *x, const struct rac_place *at, const struct rac_json *all,
                       struct rac_json *out, struct rac_json *produces)
{
    rac_str code = code_of(x, at, all);
    rac_str ref = o3_ref_of(at->node);
    rac_str name = ref.p != NULL ? o3_component(x, at, ref, "responses") : RAC_STR_NULL;
    o3_beside_ref(x, at);
    const struct o3_part *part = name.p != NULL ? rac_map_get(&x->responses, name) : NULL;
    if (code.p == NULL)
        return;
    if (part != NULL) {
        struct rac_json o = rac_json_new_object(x->a);
        RAC_JSON_PUT_STR(x->a, &o, "$ref", rac_json_pointer_join(x->a, RAC_S("#/responses"), name));
        rac_json_put(x->a, out, code, o);
        add_produces(x, RAC_JSON_GET(part->at->node, "content"), produces);
        return;
    }
    struct rac_place end;
    if (!o3_follow(x, at, &end) || !rac_json_is_object(end.node)) {
        struct rac_json o = rac_json_new_object(x->a);
        RAC_JSON_PUT_STR(x->a, &o, "description", RAC_S(""));
        rac_json_put(x->a, out, code, o);
        return;
    }
    rac_json_put(x->a, out, code, answer(x, &end));
    add_produces(x, RAC_JSON_GET(end.node, "content"), produces);
}

void o3_responses(struct o3 *x, const struct rac_place *op, struct rac_json *out)
{
    struct rac_place all = RAC_PLACE_KEY(op, "responses", RAC_JSON_GET(op->node, "responses"));
    struct rac_json list = rac_json_new_object(x->a), produces = rac_json_new_array(x->a);
    struct rac_json extensions = rac_json_new_object(x->a);
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value);
        if (rac_str_starts(rac_json_key(m), RAC_S("x-")))
            rac_json_put(x->a, &extensions, rac_json_key(m), o3_free(x, &at));
        else
            one_answer(x, &at, all.node, &list, &produces);
    }
    if (rac_json_len(&list) == 0) {
        struct rac_json o = rac_json_new_object(x->a);
        RAC_JSON_PUT_STR(x->a, &o, "description", RAC_S("OK"));
        RAC_JSON_PUT(x->a, &list, "200", o);
        o3_loss(x, RAC_RULE_O3_13, op, "the operation describes no answer; 200 was added");
    }
    RAC_JSON_EACH_MEMBER(m, &extensions)
    {
        rac_json_put(x->a, &list, rac_json_key(m), m->value);
    }
    if (rac_json_len(&produces) > 0)
        RAC_JSON_PUT(x->a, out, "produces", produces);
    RAC_JSON_PUT(x->a, out, "responses", list);
}
