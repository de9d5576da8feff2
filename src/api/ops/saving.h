/*
 * saving - the one way a connector is created or gets a new revision: whatever was handed in
 * becomes a package, is converted, checked by the registration profile, compiled, and saved.
 *
 *   gather (pool) -> fetch, when a URL was given (loop) -> check (pool) -> store -> answer
 *
 * The revision is live when the answer is sent. What was handed in is kept beside the definition
 * when it was something else (Postman, OpenAPI 3, YAML).
 */
#ifndef RAC_API_OPS_SAVING_H
#define RAC_API_OPS_SAVING_H

#include "api/ask.h"
#include "connector/package.h"
#include "connector/store.h"
#include "openapi/rules.h"

/* What checking a package found; in an arena, no thread of its own. */
struct rac_checked {
    struct rac_package *package;     /* definition and properties as they are to be saved */
    rac_str original, original_name; /* what was converted; absent: nothing was */
    struct rac_diags findings, losses;
    rac_str title, description, meta;
    int64_t operations_n, triggers_n;
    bool readable;
};
struct rac_checked_input {
    struct rac_package *package;
    struct rac_package *former; /* the revision before; NULL: there is none */
    rac_str url;                /* where the description came from, or absent */
    size_t definition_max;
    enum rac_profile profile;
};
/* Pure and slow: for the blocking pool. False: findings has errors. */
bool rac_checked_run(const struct rac_checked_input *in, struct rac_arena *a,
                     struct rac_checked *out);

#endif
