/* fixture - a store in a directory of its own, with one session, and writes that wait. */
#ifndef RAC_TEST_STORE_FIXTURE_H
#define RAC_TEST_STORE_FIXTURE_H

#include "unit.h"

#include "store/store.h"

#define TENANT RAC_DEFAULT_ID
#define GROUP  RAC_DEFAULT_ID

struct fixture {
    char dir[64];
    struct rac_arena a;
    struct rac_store *store;
    struct rac_store_session *ses;
    const struct rac_connector_store *c;
    const struct rac_iam_store *i;
    const struct rac_flow_store *w;
    rac_str why;
    size_t cache_kib; /* of the writer; 0: as always */
    /* the last answer */
    struct rac_commit commit;
    int answers;
};

int fixture_setup(void **state);    /* makes the directory and opens */
int fixture_teardown(void **state); /* closes and removes everything */
rac_err fixture_open(struct fixture *f, const char *vfs);
void fixture_close(struct fixture *f);
void fixture_remove(const char *dir); /* files directly in it, then itself */

/* done function of every write; arg is the fixture. */
void fixture_done(void *arg, const struct rac_commit *c);
/* Waits for all writes; the error of the last one. */
rac_err fixture_wait(struct fixture *f);

/* Short forms for the most frequent writes. */
rac_err fixture_connector(struct fixture *f, const char *id, const char *definition);
rac_err fixture_connection(struct fixture *f, const char *id, const char *connector,
                           const char *owner, const char *secrets);
rac_err fixture_user(struct fixture *f, const char *id, const char *name, const char *group,
                     unsigned roles);

#endif
