/*
 * Fuzz: any bytes as a description. Read, placed, indexed, checked in both profiles, as definition
 * and as properties; every finding must have what a finding has.
 */
#include "tree.h"

#include "connector/check.h"
#include "openapi/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct rac_document *doc, const struct rac_json *v, int depth)
{
    uint32_t place[4];
    if (depth > 40)
        return;
    rac_document_place(doc, v, &place[0], &place[1], &place[2], &place[3]);
    RAC_ASSERT((place[0] == 0) == (place[1] == 0));
    RAC_JSON_EACH(e, v)
    look_at(doc, e, depth + 1);
    RAC_JSON_EACH_MEMBER(m, v)
    look_at(doc, &m->value, depth + 1);
}

static void look_at_findings(const struct rac_diags *d)
{
    for (size_t i = 0; i < d->n; i++) {
        RAC_ASSERT(d->v[i].code != NULL && d->v[i].message.n > 0);
        RAC_ASSERT(d->v[i].end_line == 0 || d->v[i].end_line >= d->v[i].line);
        RAC_ASSERT(d->v[i].pointer.n == 0 || d->v[i].pointer.p[0] == '/');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char properties[] =
        "{\"properties\":{\"iconBrandColor\":\"#112233\",\"connectionParameters\":{\"api_key\":"
        "{\"type\":\"securestring\"}}}}";
    rac_str bytes = {(const char *)data, size};
    struct rac_arena a;
    struct rac_diags d;
    struct rac_document *doc;
    rac_arena_init(&a, 64 << 20);
    rac_diags_init(&d, &a, 200);
    if (rac_document_read(bytes, RAC_S("x/y.json"), &a, &doc, &d) != RAC_OK) {
        RAC_ASSERT(d.n > 0);
        goto out;
    }
    look_at(doc, &doc->root, 0);
    struct rac_connector_check_input in = {.profile = (enum rac_profile)(size & 1)};
    in.package = doc->kind == RAC_DOC_PROPERTIES
                     ? rac_package_new(&a, RAC_STR_NULL, bytes, RAC_STR_NULL, RAC_STR_NULL)
                     : rac_package_new(&a, bytes, (rac_str){properties, sizeof(properties) - 1},
                                       RAC_STR_NULL, RAC_STR_NULL);
    if (rac_package_read(in.package, &d) == RAC_OK && rac_connector_check(&in, &d) == RAC_OK) {
        in.former = in.package;
        (void)!rac_connector_check(&in, &d);
    }
    look_at_findings(&d);
out:
    rac_arena_fini(&a);
    return 0;
}
