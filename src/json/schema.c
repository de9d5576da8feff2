/*
 * Compiling: ids are found first (only where schemas can stand: an "id" inside an enum is data),
 * then the root is queued, and each schema taken from the queue is compiled and queues those it
 * names. So recursion in the schema is a pointer back, and the depth of the work does not depend on
 * it.
 */
#include "json/schema.h"
#include "base/uri.h"
#include "json/schema_priv.h"

#include <stdarg.h>

#define BASE_DEFAULT "schema:///" /* of documents that have no address */

enum { SCHEMA_NODES_MAX = 1000000 };

/* --- errors of the schema itself ------------------------------------------------------------- */

static struct rac_diag *wrong_at(struct compiler *c, const struct rac_json *json,
                                 enum rac_severity severity, rac_str message)
{
    struct rac_diag d = {.code = "RC-SCHEMA-01", .severity = severity, .message = message};
    if (c->diags != NULL && c->diags->n < c->diags->n_max)
        d.pointer = rac_json_pointer_of(c->diags->a, c->root, json);
    return rac_diags_add(c->diags, &d);
}

bool schema_wrong(struct compiler *c, const struct schema_node *n, const char *fmt, ...)
{
    bool tolerated = n->draft == RAC_SCHEMA_SWAGGER2;
    va_list ap;
    va_start(ap, fmt);
    rac_str text = rac_arena_vprintf(c->diags != NULL ? c->diags->a : c->a, fmt, ap);
    va_end(ap);
    wrong_at(c, n->json, tolerated ? RAC_SEV_WARNING : RAC_SEV_ERROR, text);
    if (!tolerated && c->err == RAC_OK)
        c->err = RAC_E_INVALID;
    return false;
}

/* --- nodes and ids --------------------------------------------------------------------------- */

/* The node of a place; made on first sight with that base and draft. */
static struct schema_node *node_of(struct compiler *c, const struct rac_json *json, rac_str base,
                                   enum rac_schema_draft draft)
{
    rac_str key = {(const char *)&json, sizeof json};
    struct schema_node *n = rac_map_get(&c->nodes, key);
    if (n != NULL)
        return n;
    n = RAC_NEW(c->a, struct schema_node);
    n->json = json;
    n->base = base;
    n->draft = draft;
    rac_map_put(&c->nodes, (rac_str){(const char *)&n->json, sizeof n->json}, n);
    return n;
}

static struct schema_node *queue(struct compiler *c, struct schema_node *n)
{
    if (!n->queued) {
        n->queued = true;
        n->next = c->queue;
        c->queue = n;
    }
    return n;
}

struct schema_node *schema_need(struct compiler *c, const struct schema_node *parent,
                                const struct rac_json *json)
{
    return queue(c, node_of(c, json, parent->base, parent->draft));
}

static enum rac_schema_draft draft_of(const struct rac_json *json, enum rac_schema_draft otherwise)
{
    rac_str s = rac_json_str(RAC_JSON_GET(json, "$schema"), RAC_STR_NULL);
    if (otherwise == RAC_SCHEMA_SWAGGER2 || s.p == NULL)
        return otherwise;
    if (rac_str_find(s, RAC_S("draft-04")) != RAC_STR_NPOS)
        return RAC_SCHEMA_DRAFT4;
    if (rac_str_find(s, RAC_S("draft-06")) != RAC_STR_NPOS ||
        rac_str_find(s, RAC_S("draft-07")) != RAC_STR_NPOS)
        return RAC_SCHEMA_DRAFT7;
    return otherwise;
}

static unsigned draft_bit(enum rac_schema_draft d)
{
    return d == RAC_SCHEMA_DRAFT7 ? KEYWORD_D7 : KEYWORD_D4;
}

static void scan(struct compiler *c, const struct rac_json *json, rac_str base,
                 enum rac_schema_draft draft);

static void scan_each(struct compiler *c, const struct rac_json *v, rac_str base,
                      enum rac_schema_draft draft)
{
    RAC_JSON_EACH(e, v)
    scan(c, e, base, draft);
    RAC_JSON_EACH_MEMBER(m, v)
    scan(c, &m->value, base, draft);
}

static void scan_keyword(struct compiler *c, enum keyword_subschemas kind, const struct rac_json *v,
                         rac_str base, enum rac_schema_draft draft)
{
    switch (kind) {
    case SUB_NONE:
        break;
    case SUB_ONE:
        scan(c, v, base, draft);
        break;
    case SUB_ONE_OR_LIST:
        if (rac_json_is_array(v))
            scan_each(c, v, base, draft);
        else
            scan(c, v, base, draft);
        break;
    case SUB_LIST:
        if (rac_json_is_array(v))
            scan_each(c, v, base, draft);
        break;
    case SUB_MAP:
    case SUB_DEPENDENCIES:
        if (rac_json_is_object(v))
            scan_each(c, v, base, draft);
        break;
    }
}

/* Remembers the base of a schema and of those inside it, and what their ids name. */
static void scan(struct compiler *c, const struct rac_json *json, rac_str base,
                 enum rac_schema_draft draft)
{
    if (!rac_json_is_object(json) || rac_arena_over(c->a))
        return;
    draft = draft_of(json, draft);
    rac_str id_key = draft == RAC_SCHEMA_DRAFT7 ? RAC_S("$id") : RAC_S("id");
    rac_str id = rac_json_str(rac_json_get(json, id_key), RAC_STR_NULL), uri, fragment;
    if (draft != RAC_SCHEMA_SWAGGER2 && id.n > 0 &&
        !rac_json_is_string(RAC_JSON_GET(json, "$ref")) &&
        rac_url_resolve(base, id, c->a, &uri) == RAC_OK) {
        rac_str address = rac_str_cut(uri, '#', &fragment);
        if (fragment.n > 0 && fragment.p[0] != '/') { /* a name inside the document */
            rac_map_add(&c->by_uri, uri, node_of(c, json, base, draft));
        } else {
            base = address;
            rac_map_add(&c->by_uri, base, node_of(c, json, base, draft));
        }
    }
    node_of(c, json, base, draft);
    for (size_t i = 0; i < schema_keywords_n; i++) {
        const struct keyword *k = &schema_keywords[i];
        if (k->subschemas == SUB_NONE || (k->drafts & draft_bit(draft)) == 0)
            continue;
        const struct rac_json *v = rac_json_get(json, k->name);
        if (v != NULL)
            scan_keyword(c, k->subschemas, v, base, draft);
    }
}

/* --- references ------------------------------------------------------------------------------ */

/* The schema that a document's address stands for: met already, supplied, or a meta-schema. */
static struct schema_node *document_node(struct compiler *c, rac_str uri,
                                         enum rac_schema_draft draft)
{
    struct schema_node *n = rac_map_get(&c->by_uri, uri);
    if (n != NULL)
        return n;
    const struct rac_json *root = NULL;
    for (size_t i = 0; c->o != NULL && i < c->o->documents_n && root == NULL; i++)
        if (rac_str_eq(c->o->documents[i].uri, uri))
            root = c->o->documents[i].root;
    const char *meta = root == NULL ? schema_meta_text(uri) : NULL;
    if (meta != NULL) {
        struct rac_json *v = RAC_NEW(c->a, struct rac_json);
        if (rac_json_parse(rac_str_of(meta), c->a, 0, v, NULL) != RAC_OK) { /* the arena's cap */
            c->err = RAC_E_LIMIT;
            return NULL;
        }
        root = v;
    }
    if (root == NULL)
        return NULL;
    draft = draft_of(root, draft);
    n = node_of(c, root, uri, draft);
    rac_map_put(&c->by_uri, rac_arena_str(c->a, uri), n);
    scan(c, root, uri, draft);
    return n;
}

/* The schema a pointer leads to; its base is that of the innermost schema on the way. */
static struct schema_node *pointer_node(struct compiler *c, struct schema_node *from,
                                        rac_str pointer)
{
    const struct rac_json *v = from->json;
    rac_str base = from->base;
    enum rac_schema_draft draft = from->draft;
    for (size_t end = 0; end < pointer.n;) {
        size_t next = rac_str_find_char(rac_str_from(pointer, end + 1), '/');
        size_t stop = next == RAC_STR_NPOS ? pointer.n : end + 1 + next;
        v = rac_json_pointer_get(v, rac_str_sub(pointer, end, stop - end));
        end = stop;
        if (v == NULL)
            return NULL;
        struct schema_node *known = rac_map_get(&c->nodes, (rac_str){(const char *)&v, sizeof v});
        if (known != NULL) {
            base = known->base;
            draft = known->draft;
        }
    }
    return rac_json_is_object(v) || rac_json_is_bool(v) ? node_of(c, v, base, draft) : NULL;
}

static struct schema_node *resolve(struct compiler *c, const struct schema_node *n, rac_str ref)
{
    rac_str uri, fragment = RAC_STR_NULL;
    if (rac_url_resolve(n->base, ref, c->a, &uri) != RAC_OK)
        return NULL;
    rac_str address = rac_str_cut(uri, '#', &fragment);
    if (fragment.n > 0 && fragment.p[0] != '/') {
        (void)document_node(c, address, n->draft); /* its names become known */
        return rac_map_get(&c->by_uri, uri);
    }
    struct schema_node *doc = document_node(c, address, n->draft);
    rac_str pointer;
    if (doc == NULL || !rac_url_decode_strict(c->a, fragment, false, &pointer))
        return NULL;
    return pointer_node(c, doc, pointer);
}

/* --- compiling ------------------------------------------------------------------------------- */

static void compile_ref(struct compiler *c, struct schema_node *n, rac_str ref)
{
    n->ref = resolve(c, n, ref);
    if (n->ref == NULL)
        schema_wrong(c, n, "the reference \"%.*s\" leads nowhere", (int)(ref.n < 150 ? ref.n : 150),
                     ref.p);
    else
        queue(c, n->ref);
}

static void compile_node(struct compiler *c, struct schema_node *n)
{
    if (rac_json_is_bool(n->json) && n->draft != RAC_SCHEMA_DRAFT4) {
        n->nothing = !n->json->b;
        return;
    }
    if (!rac_json_is_object(n->json)) {
        schema_wrong(c, n, "a schema must be an object");
        return;
    }
    bool swagger = n->draft == RAC_SCHEMA_SWAGGER2;
    n->nullable = swagger && rac_json_bool(RAC_JSON_GET(n->json, "x-nullable"), false);
    const struct rac_json *ref = RAC_JSON_GET(n->json, "$ref");
    if (rac_json_is_string(ref)) {
        compile_ref(c, n, (rac_str){ref->s, ref->n});
        if (!swagger) /* siblings count in Swagger files only: people put "required" there */
            return;
    }
    n->checks = RAC_NEW_N(c->a, struct check, schema_keywords_n);
    for (size_t i = 0; i < schema_keywords_n; i++) {
        const struct keyword *k = &schema_keywords[i];
        if (k->compile == NULL || (k->drafts & draft_bit(n->draft)) == 0)
            continue;
        struct check *check = &n->checks[n->checks_n];
        *check = (struct check){.k = k, .arg = rac_json_get(n->json, k->name)};
        if (check->arg != NULL && k->compile(c, n, check))
            n->checks_n++;
    }
    /* most schemas have few keywords: give the rest of the room back */
    char *end = (char *)(n->checks + schema_keywords_n);
    if (c->a->at == end)
        c->a->at = (char *)(n->checks + n->checks_n);
}

/* A chain of references that ends in itself checks nothing and would never end. Each node is walked
 * over once: a chain may be as long as the document. */
static void refuse_circles(struct compiler *c)
{
    for (size_t i = 0; i < c->nodes.n; i++) {
        struct schema_node *from = c->nodes.entries[i].value, *n = from;
        while (n != NULL && n->walk == NULL) {
            n->walk = from;
            n = n->ref;
        }
        if (n != NULL && n->ref != NULL && n->walk == from) {
            schema_wrong(c, n, "the reference leads back to itself");
            n->ref = NULL;
        }
    }
}

static rac_err compile_all(struct compiler *c)
{
    while (c->queue != NULL) {
        struct schema_node *n = c->queue;
        c->queue = n->next;
        compile_node(c, n);
        if (rac_arena_over(c->a) || c->nodes.n > SCHEMA_NODES_MAX)
            return RAC_E_LIMIT;
    }
    refuse_circles(c);
    return c->err;
}

rac_err rac_schema_compile(const struct rac_json *root, rac_str pointer,
                           const struct rac_schema_options *options, struct rac_arena *a,
                           struct rac_schema **out, struct rac_diags *diags)
{
    struct compiler c = {.a = a, .o = options, .diags = diags, .root = root};
    rac_map_init(&c.nodes, a);
    rac_map_init(&c.by_uri, a);
    struct rac_schema *s = RAC_NEW(a, struct rac_schema);
    s->formats = options != NULL && options->formats;
    s->steps_max = options != NULL && options->steps_max ? options->steps_max : 10000000;
    s->pattern_steps_max =
        options != NULL && options->pattern_steps_max ? options->pattern_steps_max : 1000000;
    enum rac_schema_draft draft = options != NULL ? options->draft : RAC_SCHEMA_BY_TEXT;
    if (draft == RAC_SCHEMA_BY_TEXT)
        draft = draft_of(root, RAC_SCHEMA_DRAFT7);
    rac_str base =
        options != NULL && options->base_uri.n > 0 ? options->base_uri : RAC_S(BASE_DEFAULT);
    if (root == NULL)
        return RAC_E_INVALID;
    scan(&c, root, base, draft);
    struct schema_node *doc = node_of(&c, root, base, draft);
    rac_map_put(&c.by_uri, base, doc);
    s->root = pointer_node(&c, doc, pointer);
    if (s->root == NULL) {
        wrong_at(&c, root, RAC_SEV_ERROR,
                 rac_arena_printf(a, "there is no schema at \"%.*s\"", RAC_FMT(pointer)));
        return RAC_E_INVALID;
    }
    queue(&c, s->root);
    rac_err e = compile_all(&c);
    if (e == RAC_OK)
        *out = s;
    return e;
}

enum { PATTERN_STEPS_FACTOR = 10 }; /* of all patterns of a check, in those of one start */

/* --- running --------------------------------------------------------------------------------- */

bool schema_steps(struct run *r, size_t n)
{
    r->steps += n;
    if (r->steps > r->s->steps_max)
        r->err = RAC_E_LIMIT;
    return r->err == RAC_OK;
}

bool schema_violated(struct run *r, const struct check *k, const struct rac_json_trail *at,
                     const char *fmt, ...)
{
    if (r->quiet > 0 || r->found == NULL || r->err != RAC_OK)
        return false;
    struct rac_diag *d = rac_diags_add(
        r->found, &(struct rac_diag){.code = "RC-SCHEMA-02", .severity = RAC_SEV_ERROR});
    if (d == NULL)
        return false; /* counted; not worth its text */
    va_list ap;
    va_start(ap, fmt);
    d->message = rac_arena_vprintf(r->found->a, fmt, ap);
    va_end(ap);
    if (k != NULL)
        d->message =
            rac_arena_printf(r->found->a, "%.*s (%.*s)", RAC_FMT(d->message), RAC_FMT(k->k->name));
    d->pointer = rac_json_trail_pointer(r->found->a, RAC_STR_NULL, at);
    rac_diags_charge(r->found, d->pointer.n + d->message.n);
    return false;
}

static unsigned type_bit(const struct rac_json *v)
{
    switch (v->type) {
    case RAC_JSON_INT:
    case RAC_JSON_NUMBER:
    case RAC_JSON_DOUBLE:
        return KEYWORD_NUMBER;
    case RAC_JSON_STRING:
        return KEYWORD_STRING;
    case RAC_JSON_ARRAY:
        return KEYWORD_ARRAY;
    case RAC_JSON_OBJECT:
        return KEYWORD_OBJECT;
    default:
        return 16;
    }
}

bool schema_run(struct run *r, const struct schema_node *n, const struct rac_json *v,
                const struct rac_json_trail *at)
{
    if (!schema_steps(r, 1))
        return false;
    if (n->nothing)
        return schema_violated(r, NULL, at, "No value is allowed here.");
    if (n->nullable && rac_json_is_null(v))
        return true;
    if (r->depth >= SCHEMA_RUN_DEPTH_MAX) {
        r->err = RAC_E_LIMIT;
        return false;
    }
    r->depth++;
    bool all = r->quiet == 0 && r->found != NULL; /* go on behind a violation, to tell them all */
    bool good = n->ref == NULL || schema_run(r, n->ref, v, at);
    unsigned bit = type_bit(v);
    for (size_t i = 0; i < n->checks_n && (good || all) && r->err == RAC_OK; i++) {
        const struct check *k = &n->checks[i];
        if ((k->k->types & bit) != 0 && !k->k->check(r, k, v, at))
            good = false;
    }
    r->depth--;
    return good && r->err == RAC_OK;
}

rac_err rac_schema_check(const struct rac_schema *s, const struct rac_json *value,
                         struct rac_diags *found)
{
    struct run r = {.s = s,
                    .found = found,
                    .pattern_steps = (size_t)s->pattern_steps_max * PATTERN_STEPS_FACTOR};
    bool good = schema_run(&r, s->root, value, NULL);
    return r.err != RAC_OK ? r.err : good ? RAC_OK : RAC_E_INVALID;
}
