/* Until openapi/convert lands: OpenAPI 2.0 as it is, everything else refused. Removed with it. */
#include "openapi/convert.h"

__attribute__((weak)) rac_err rac_convert(struct rac_document *doc,
                                          const struct rac_convert_options *o, struct rac_arena *a,
                                          struct rac_converted *out, struct rac_diags *losses)
{
    (void)o;
    (void)a;
    if (doc->kind != RAC_DOC_SWAGGER2) {
        rac_diags_addf(losses, "RC-IMP-02", RAC_SEV_ERROR, "Only OpenAPI 2.0 can be read yet.");
        return RAC_E_UNSUPPORTED;
    }
    out->definition = doc->root;
    out->text = doc->text;
    return RAC_OK;
}

__attribute__((weak)) struct rac_json rac_convert_properties(const struct rac_json *definition,
                                                             struct rac_arena *a)
{
    (void)definition;
    struct rac_json o = rac_json_new_object(a), p = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &p, "iconBrandColor", RAC_S("#007ee5"));
    RAC_JSON_PUT(a, &o, "properties", p);
    return o;
}
