/*
 * openapi/check - the rules of connectors.md §9.4 that a definition alone can answer.
 *
 * One pass over the tree; every finding has code, severity by profile, JSON pointer, place and a
 * fix. Rules on properties, policies, icon, package, documentation and former revisions are in
 * connector/check, which calls this first. Works on the caller's thread, allocates from d->a.
 *
 *     struct rac_check_input in = {.doc = doc, .api = api, .profile = RAC_PROFILE_REGISTRATION};
 *     rac_check_definition(&in, &diags);
 */
#ifndef RAC_OPENAPI_CHECK_H
#define RAC_OPENAPI_CHECK_H

#include "base/diag.h"
#include "openapi/api.h"
#include "openapi/read.h"
#include "openapi/rules.h"

struct rac_check_input {
    struct rac_document *doc; /* the definition; kind is taken as SWAGGER2 whatever it says */
    struct rac_api *api;      /* its index, or NULL to have one built */
    enum rac_profile profile;
    /* From the properties, where known: every operation gets its host from a dynamichosturl
     * policy, so `host` may be missing (§2.2). */
    bool host_is_dynamic;
};

/* Adds all findings, in the order of the file. RAC_OK, or RAC_E_LIMIT when memory ran out. */
rac_err rac_check_definition(const struct rac_check_input *in, struct rac_diags *d) RAC_MUST_CHECK;

/* True when the value of something called name looks like a real credential. */
bool rac_api_looks_secret(rac_str name, rac_str value);

#endif
