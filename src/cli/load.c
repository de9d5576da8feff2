#include "cli/load.h"

#include "base/str.h"
#include "cli/output.h"
#include "cli/source.h"
#include "base/map.h"
#include "openapi/api.h"
#include "openapi/convert.h"
#include "openapi/read.h"

enum { ARENA_BYTES_MAX = 1 << 30 };

/* Postman, OpenAPI 3, YAML: read through the converter. */
static rac_err converted(struct rac_cli *cli, const char *src, struct rac_package *p,
                         struct rac_arena *a, struct rac_diags *d)
{
    struct rac_converted c;
    struct rac_diags losses;
    rac_diags_init(&losses, a, 1000);
    rac_err e = rac_cli_convert(cli, src, true, p->definition_doc, a, &c, &losses);
    if (e != RAC_OK) {
        for (size_t i = 0; i < losses.n; i++)
            if (losses.v[i].severity == RAC_SEV_ERROR)
                rac_diags_add(d, &losses.v[i]);
        return e;
    }
    p->definition_doc = rac_document_wrap(c.definition, p->definition_doc->name, a);
    if (p->properties_doc == NULL)
        p->properties_doc = rac_document_wrap(c.properties, RAC_S("apiProperties.json"), a);
    return RAC_OK;
}

/* Is an operation without an operationId of its own? The converter gives it the one it would get
 * when it is registered. */
static bool lacks_ids(const struct rac_json *root, struct rac_arena *a)
{
    struct rac_map ids;
    rac_map_init(&ids, a);
    RAC_JSON_EACH_MEMBER(path, RAC_JSON_GET(root, "paths"))
    {
        RAC_JSON_EACH_MEMBER(m, &path->value)
        {
            enum rac_api_method method;
            rac_str id = rac_json_str(RAC_JSON_GET(&m->value, "operationId"), RAC_S(""));
            if (rac_api_method_parse(rac_json_key(m), &method) && rac_json_is_object(&m->value) &&
                (id.n == 0 || !rac_map_add(&ids, id, m)))
                return true;
        }
    }
    return false;
}

rac_err rac_cli_package(struct rac_cli *cli, const char *src, struct rac_arena *a,
                        struct rac_package **out, struct rac_diags *d)
{
    struct rac_package *p;
    rac_err e = rac_cli_source_load(cli, src, RAC_PACKAGE_BYTES_MAX, a, &p, d);
    if (e == RAC_OK)
        e = rac_package_read(p, d);
    if (e == RAC_E_SYNTAX && p->definition_doc != NULL) { /* the definition is enough to go on */
        fprintf(cli->err, "%s: note: its properties cannot be read and are left out\n", src);
        e = RAC_OK;
    }
    if (e != RAC_OK)
        return e;
    struct rac_document *doc = p->definition_doc;
    if (doc->kind != RAC_DOC_SWAGGER2 || lacks_ids(&doc->root, a))
        e = converted(cli, src, p, a, d);
    else if (p->properties_doc == NULL)
        p->properties_doc = rac_document_wrap(rac_convert_properties(&doc->root, a),
                                              RAC_S("apiProperties.json"), a);
    if (e == RAC_OK)
        *out = p;
    return e;
}

rac_err rac_cli_connector(struct rac_cli *cli, const char *src, struct rac_connector **out,
                          struct rac_diags *d)
{
    struct rac_arena a;
    struct rac_package *p;
    struct rac_diags local; /* in a; what says why is copied out */
    rac_arena_init(&a, ARENA_BYTES_MAX);
    rac_diags_init(&local, &a, 1000);
    rac_err e = rac_cli_package(cli, src, &a, &p, &local);
    if (e == RAC_OK)
        e = rac_connector_compile(p, RAC_STR_NULL, 0, out, &local);
    for (size_t i = 0; e != RAC_OK && i < local.n; i++) {
        struct rac_diag g = local.v[i];
        if (g.severity != RAC_SEV_ERROR)
            continue;
        g.code = rac_arena_cstr(d->a, rac_str_of(g.code));
        g.file = rac_arena_str(d->a, g.file);
        g.pointer = g.pointer.p ? rac_arena_str(d->a, g.pointer) : g.pointer;
        g.message = rac_arena_str(d->a, g.message);
        g.fix = g.fix.p ? rac_arena_str(d->a, g.fix) : g.fix;
        rac_diags_add(d, &g);
    }
    rac_arena_fini(&a);
    return e;
}
