/*
 * conversion - what fuzz targets of converters ask: whatever converts is strict JSON without an
 * error of the registration profile, and the same twice. Included by the one file of a target.
 */
#ifndef RAC_FUZZ_CONVERSION_H
#define RAC_FUZZ_CONVERSION_H

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "openapi/check.h"
#include "openapi/convert.h"

static void must(bool ok, const char *what, const struct rac_diag *d)
{
    if (ok)
        return;
    fprintf(stderr, "%s %s %.*s: %.*s\n", what, d ? d->code : "", d ? (int)d->pointer.n : 0,
            d ? d->pointer.p : "", d ? (int)d->message.n : 0, d ? d->message.p : "");
    abort();
}

static void registers(rac_str text, struct rac_arena *a)
{
    struct rac_json v;
    struct rac_document *doc;
    struct rac_diags found;
    must(rac_json_parse(text, a, RAC_JSON_REJECT_DUP, &v, NULL) == RAC_OK, "not strict", NULL);
    rac_diags_init(&found, a, 1000);
    must(rac_document_read(text, RAC_S("out"), a, &doc, &found) == RAC_OK, "not readable", NULL);
    struct rac_check_input in = {
        .doc = doc, .profile = RAC_PROFILE_REGISTRATION, .host_is_dynamic = true};
    if (rac_check_definition(&in, &found) != RAC_OK)
        return;
    for (size_t i = 0; i < found.n; i++)
        must(found.v[i].severity != RAC_SEV_ERROR, "does not register:", &found.v[i]);
}

/* wanted: one bit for each kind of document the target is about. */
static rac_err convert(rac_str text, unsigned wanted, struct rac_arena *a,
                       struct rac_converted *out)
{
    struct rac_document *doc;
    struct rac_diags losses;
    rac_diags_init(&losses, a, 1000);
    if (rac_document_read(text, RAC_S("in"), a, &doc, &losses) != RAC_OK)
        return RAC_E_SYNTAX;
    if ((wanted & 1u << doc->kind) == 0)
        return RAC_E_UNSUPPORTED;
    return rac_convert(doc, &(struct rac_convert_options){0}, a, out, &losses);
}

static void converts(const uint8_t *data, size_t n, unsigned wanted)
{
    struct rac_arena a;
    struct rac_converted one, two;
    rac_str text = {(const char *)data, n};
    rac_arena_init(&a, 256 << 20);
    if (convert(text, wanted, &a, &one) == RAC_OK && !rac_arena_over(&a)) {
        registers(one.text, &a);
        if (convert(text, wanted, &a, &two) == RAC_OK)
            must(rac_str_eq(one.text, two.text), "not the same twice", NULL);
    }
    rac_arena_fini(&a);
}

#endif
