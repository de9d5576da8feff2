/*
 * connector/check - every rule of connectors.md §9.4 on a package: those of openapi/check on its
 * definition, and those on properties, policies, icon, documentation, and on what changed since a
 * former revision. What is not at hand is not judged: without a former revision no BRK rule
 * speaks, without call statistics TEST-01 is silent.
 *
 *     struct rac_connector_check_input in = {.package = p, .profile = RAC_PROFILE_REGISTRATION};
 *     rac_connector_check(&in, &diags);
 *
 * Every finding names its file (rac_diag.file). Works on the caller's thread; allocates from d->a.
 */
#ifndef RAC_CONNECTOR_CHECK_H
#define RAC_CONNECTOR_CHECK_H

#include "base/diag.h"
#include "connector/package.h"
#include "openapi/api.h"
#include "openapi/rules.h"

enum rac_publisher {
    RAC_PUBLISHER_BY_CONTENT, /* independent when title or colour say so */
    RAC_PUBLISHER_VERIFIED,
    RAC_PUBLISHER_INDEPENDENT,
};

struct rac_connector_check_input {
    /* Read with rac_package_read; its definition is Swagger 2.0 (convert other kinds first), or
     * missing: then the properties alone are checked. */
    struct rac_package *package;
    struct rac_api *api; /* index of its definition, or NULL to have one built */
    enum rac_profile profile;
    enum rac_publisher publisher;
    struct rac_package *former; /* the revision before, read; or NULL */
    bool definition_only;       /* a single file was given: a missing rest is no finding */

    /* What only a server knows; NULL when not at hand. */
    bool (*title_is_taken)(void *self, rac_str title);
    uint64_t (*successes)(void *self, rac_str operation_id); /* successful test calls */
    void *self;
};

/* Adds all findings, definition first. RAC_OK, or RAC_E_LIMIT when memory ran out. */
rac_err rac_connector_check(const struct rac_connector_check_input *in,
                            struct rac_diags *d) RAC_MUST_CHECK;

/* Breaking changes alone (BRK-*): from one revision to the next. Pointers are into the new one. */
rac_err rac_connector_check_changes(struct rac_package *former, struct rac_package *next,
                                    enum rac_profile profile, struct rac_diags *d) RAC_MUST_CHECK;

#endif
