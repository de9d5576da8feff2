/* One door for every kind of description; see convert.h. */
#include "openapi/convert_priv.h"

/* What references and forms repeat makes the result larger than the source, but not by so much. */
enum { TEXT_BYTES_FREE = 16 << 20, TEXT_GROWTH_MAX = 32 };

static rac_err by_kind(struct rac_convert_state *c, struct rac_json *definition, bool *changed)
{
    *changed = true;
    switch (c->main.doc->kind) {
    case RAC_DOC_SWAGGER2:
        return rac_convert_swagger2(c, definition, changed);
    case RAC_DOC_OPENAPI3:
        return rac_convert_openapi3(c, definition);
    case RAC_DOC_POSTMAN1:
    case RAC_DOC_POSTMAN20:
    case RAC_DOC_POSTMAN21:
        return rac_convert_postman(c, definition);
    default:
        rac_document_unknown(c->main.doc, c->losses);
        return RAC_E_UNSUPPORTED;
    }
}

/* True when the text is strict JSON as it stands, so that it may be stored byte for byte. */
static bool is_strict(const struct rac_document *doc, struct rac_arena *a)
{
    if (doc->yaml || doc->text.n == 0)
        return false;
    struct rac_arena_mark m = rac_arena_mark(a);
    struct rac_json v;
    struct rac_json_error error;
    bool ok = rac_json_parse(doc->text, a, RAC_JSON_REJECT_DUP, &v, &error) == RAC_OK;
    rac_arena_rewind(a, m);
    return ok;
}

static rac_err print_definition(const struct rac_document *doc, const struct rac_json *definition,
                                struct rac_arena *a, rac_str *text)
{
    struct rac_buf b;
    rac_buf_init(&b, TEXT_BYTES_FREE + TEXT_GROWTH_MAX * doc->text.n);
    rac_json_print(definition, RAC_JSON_PRETTY, &b);
    rac_buf_add_char(&b, '\n');
    rac_err e = rac_buf_err(&b);
    if (e == RAC_OK)
        *text = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return e;
}

static rac_err convert(struct rac_convert_state *c, struct rac_converted *r)
{
    struct rac_document *doc = c->main.doc;
    rac_err e = by_kind(c, &r->definition, &r->changed);
    if (e != RAC_OK)
        return e;
    r->properties = rac_properties_build(c);
    r->changed = r->changed || !is_strict(doc, c->a);
    r->text = doc->text;
    if (r->changed)
        e = print_definition(doc, &r->definition, c->a, &r->text);
    return e == RAC_OK && rac_arena_over(c->a) ? RAC_E_LIMIT : e;
}

rac_err rac_convert(struct rac_document *doc, const struct rac_convert_options *o,
                    struct rac_arena *a, struct rac_converted *out, struct rac_diags *losses)
{
    struct rac_convert_state c;
    rac_convert_begin(&c, doc, o, a, losses);
    struct rac_converted r = {.definition = rac_json_new_object(a)};
    rac_err e = convert(&c, &r);
    if (e == RAC_OK)
        *out = r;
    if (e == RAC_E_LIMIT && losses != NULL) { /* said whatever has been said before */
        losses->n_max = losses->n + 1 > losses->n_max ? losses->n + 1 : losses->n_max;
        struct rac_place at = rac_place_root(&c.main, RAC_S(""), &doc->root);
        rac_loss(&c, RAC_RULE_IMP_01, &at,
                 "what the description repeats by reference makes it larger than the limit");
    }
    return e;
}

void rac_convert_blank(rac_str title, struct rac_arena *a, struct rac_converted *out)
{
    struct rac_convert_state c;
    rac_convert_begin(&c, NULL, &(struct rac_convert_options){0}, a, NULL);
    struct rac_json o = rac_json_new_object(a), info = rac_json_new_object(a);
    title = rac_str_trim(title);
    RAC_JSON_PUT_STR(a, &info, "title", title.n > 0 ? title : RAC_S("Untitled"));
    RAC_JSON_PUT_STR(a, &info, "version", RAC_S("1.0.0"));
    struct rac_json schemes = rac_json_new_array(a);
    rac_json_add(a, &schemes, rac_json_of_str(RAC_S("https")));
    RAC_JSON_PUT_STR(a, &o, "swagger", RAC_S("2.0"));
    RAC_JSON_PUT(a, &o, "info", info);
    RAC_JSON_PUT_STR(a, &o, "basePath", RAC_S("/"));
    RAC_JSON_PUT(a, &o, "schemes", schemes);
    RAC_JSON_PUT(a, &o, "consumes", rac_json_new_array(a));
    RAC_JSON_PUT(a, &o, "produces", rac_json_new_array(a));
    RAC_JSON_PUT(a, &o, "paths", rac_json_new_object(a));
    RAC_JSON_PUT(a, &o, "definitions", rac_json_new_object(a));
    RAC_JSON_PUT(a, &o, "parameters", rac_json_new_object(a));
    RAC_JSON_PUT(a, &o, "responses", rac_json_new_object(a));
    RAC_JSON_PUT(a, &o, "securityDefinitions", rac_json_new_object(a));
    RAC_JSON_PUT(a, &o, "security", rac_json_new_array(a));
    RAC_JSON_PUT(a, &o, "tags", rac_json_new_array(a));
    *out = (struct rac_converted){.definition = o, .properties = rac_properties_build(&c)};
    out->changed = true;
    out->text = rac_json_print_str(&o, RAC_JSON_PRETTY, a);
}
