#include "api/ops/saving.h"
#include "connector/check.h"
#include "connector/connector.h"
#include "crypto/digest.h"
#include "openapi/api.h"
#include "openapi/convert.h"
#include "openapi/read.h"

/* From bytes to a package that may be saved: size, kind, conversion, rules, compilation. */

static bool is_zip(rac_str s)
{
    return rac_str_starts(s, RAC_S("PK\003\004")) || rac_str_starts(s, RAC_S("PK\005\006"));
}

static rac_str printed(const struct rac_json *v, struct rac_arena *a)
{
    return rac_str_concat(a, rac_json_print_str(v, RAC_JSON_PRETTY, a), RAC_S("\n"));
}

/* Properties are kept byte for byte when they are strict JSON, else written anew. */
static void settle_properties(struct rac_checked *c, const struct rac_converted *v,
                              struct rac_arena *a)
{
    rac_str text = rac_package_bytes(c->package, RAC_PACKAGE_PROPERTIES);
    struct rac_json scratch;
    if (text.p == NULL || rac_str_trim(text).n == 0) {
        struct rac_json props = v->properties.type != RAC_JSON_NONE
                                    ? v->properties
                                    : rac_convert_properties(&v->definition, a);
        rac_package_set(c->package, RAC_PACKAGE_PROPERTIES, printed(&props, a));
        return;
    }
    if (rac_json_parse(text, a, RAC_JSON_REJECT_DUP, &scratch, NULL) == RAC_OK)
        return;
    struct rac_document *doc;
    if (rac_document_read(text, rac_package_name(c->package, RAC_PACKAGE_PROPERTIES), a, &doc,
                          &c->findings) == RAC_OK)
        rac_package_set(c->package, RAC_PACKAGE_PROPERTIES, printed(&doc->root, a));
}

/* OpenAPI 2.0 is judged as it is: kept byte for byte when it is strict JSON, else written anew. */
static void settle_swagger(struct rac_document *doc, struct rac_converted *v, struct rac_arena *a)
{
    struct rac_json scratch;
    v->definition = doc->root;
    v->text = doc->text;
    v->changed =
        doc->yaml || rac_json_parse(doc->text, a, RAC_JSON_REJECT_DUP, &scratch, NULL) != RAC_OK;
    if (v->changed)
        v->text = printed(&doc->root, a);
}

/* Whatever the description is becomes OpenAPI 2.0. False: it cannot. */
static bool convert(struct rac_checked *c, rac_str url, struct rac_arena *a)
{
    rac_str text = rac_package_bytes(c->package, RAC_PACKAGE_DEFINITION);
    rac_str name = rac_package_name(c->package, RAC_PACKAGE_DEFINITION);
    struct rac_document *doc;
    if (rac_document_read(text, name, a, &doc, &c->findings) != RAC_OK)
        return false;
    c->readable = true;
    struct rac_converted v = {0};
    struct rac_convert_options o = {.url = url};
    if (doc->kind == RAC_DOC_UNKNOWN || doc->kind == RAC_DOC_PROPERTIES ||
        doc->kind == RAC_DOC_WORKFLOW) {
        rac_document_unknown(doc, &c->findings);
        return false;
    }
    if (doc->kind == RAC_DOC_SWAGGER2) {
        settle_swagger(doc, &v, a);
    } else if (rac_convert(doc, &o, a, &v, &c->losses) != RAC_OK) {
        for (size_t i = 0; i < c->losses.n; i++)
            rac_diags_add(&c->findings, &c->losses.v[i]);
        return false;
    }
    if (doc->kind != RAC_DOC_SWAGGER2 || doc->yaml) {
        c->original = text;
        c->original_name = name;
    }
    settle_properties(c, &v, a);
    if (v.changed || c->original.p != NULL)
        rac_package_set(c->package, RAC_PACKAGE_DEFINITION, v.text);
    return true;
}

/* What decides whether existing connections still fit: names and types of what they hold. */
static rac_str authentication(const struct rac_connector *c, struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < c->sets_n; i++) {
        rac_buf_printf(&b, "[%.*s]", RAC_FMT(c->sets[i].name));
        for (size_t k = 0; k < c->sets[i].params_n; k++) {
            const struct rac_conn_param *p = &c->sets[i].params[k];
            if (p->secret || p->type == RAC_CONN_OAUTH)
                rac_buf_printf(&b, "%.*s:%d,", RAC_FMT(p->name), (int)p->type);
        }
    }
    rac_str hex = rac_sha256_hex(a, rac_buf_str(&b));
    rac_buf_fini(&b);
    return hex;
}

static void describe(struct rac_checked *c, const struct rac_connector *k, struct rac_arena *a)
{
    struct rac_json m = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &m, "host", k->host);
    RAC_JSON_PUT_STR(a, &m, "basePath", k->base_path);
    if (k->brand_color.n > 0)
        RAC_JSON_PUT_STR(a, &m, "brandColor", k->brand_color);
    RAC_JSON_PUT(a, &m, "hasIcon",
                 rac_json_of_bool(rac_package_bytes(c->package, RAC_PACKAGE_ICON).n > 0));
    RAC_JSON_PUT(a, &m, "hasScript",
                 rac_json_of_bool(rac_package_bytes(c->package, RAC_PACKAGE_SCRIPT).n > 0));
    RAC_JSON_PUT_STR(a, &m, "authentication", authentication(k, a));
    c->meta = rac_json_print_str(&m, 0, a);
    c->title = rac_arena_str(a, k->title);
    c->description = rac_arena_str(a, k->description);
    c->operations_n = (int64_t)k->ops_n;
    for (size_t i = 0; i < k->ops_n; i++)
        c->triggers_n += k->ops[i].trigger != RAC_TRIGGER_NONE;
}

static bool too_large(struct rac_checked *c, size_t definition_max)
{
    size_t n = rac_package_bytes(c->package, RAC_PACKAGE_DEFINITION).n;
    if (n <= definition_max)
        return false;
    struct rac_diag *d = rac_diags_addf(&c->findings, "RC-IMP-01", RAC_SEV_ERROR,
                                        "The definition has %zu bytes; this server registers at "
                                        "most %zu.",
                                        n, definition_max);
    if (d != NULL)
        d->fix = RAC_S("An administrator can raise connector.definition_bytes_max.");
    return true;
}

/* Operations of a definition that did not pass, for those who ask what was in it. */
static void count_operations(struct rac_checked *c, struct rac_document *doc, struct rac_arena *a)
{
    struct rac_api *api;
    if (doc == NULL || rac_api_build(&doc->root, a, &api) != RAC_OK)
        return;
    c->operations_n = (int64_t)api->ops_n;
    c->triggers_n = (int64_t)api->triggers_n;
}

static bool compile(struct rac_checked *c, struct rac_arena *a)
{
    struct rac_connector *k = NULL;
    struct rac_diags quiet;
    rac_diags_init(&quiet, a, 100);
    if (rac_connector_compile(c->package, RAC_S("check"), 1, &k, &quiet) == RAC_OK) {
        describe(c, k, a);
        rac_connector_unref(k);
        return true;
    }
    for (size_t i = 0; i < quiet.n; i++)
        if (quiet.v[i].severity == RAC_SEV_ERROR)
            rac_diags_add(&c->findings, &quiet.v[i]);
    if (c->findings.errors_total == 0)
        rac_diags_addf(&c->findings, "RC-IMP-02", RAC_SEV_ERROR, "The definition cannot be used.");
    return false;
}

bool rac_checked_run(const struct rac_checked_input *in, struct rac_arena *a,
                     struct rac_checked *out)
{
    struct rac_package *p = in->package;
    *out = (struct rac_checked){.package = p};
    rac_diags_init(&out->findings, a, 1000);
    rac_diags_init(&out->losses, a, 1000);
    if (too_large(out, in->definition_max) ||
        is_zip(rac_package_bytes(p, RAC_PACKAGE_DEFINITION)) || !convert(out, in->url, a) ||
        too_large(out, in->definition_max))
        return false;
    struct rac_diags quiet; /* repairs were reported when the bytes were read first */
    rac_diags_init(&quiet, a, 10);
    if (rac_package_read(p, &quiet) != RAC_OK) {
        for (size_t i = 0; i < quiet.n; i++)
            rac_diags_add(&out->findings, &quiet.v[i]);
        return false;
    }
    struct rac_connector_check_input check = {
        .package = p, .profile = in->profile, .former = in->former};
    if (in->former != NULL && rac_package_read(in->former, NULL) != RAC_OK)
        check.former = NULL;
    if (rac_connector_check(&check, &out->findings) != RAC_OK || out->findings.errors_total > 0) {
        count_operations(out, p->definition_doc, a);
        return false;
    }
    return compile(out, a);
}
