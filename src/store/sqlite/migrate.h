/*
 * migrate - numbered schema changes, forward only. The number of the last one applied is kept in
 * the database's user_version; each runs in a transaction of its own together with that number.
 * src/store/migrations/NNNN_name.sql are embedded at build time.
 */
#ifndef RAC_STORE_SQLITE_MIGRATE_H
#define RAC_STORE_SQLITE_MIGRATE_H

#include "base/arena.h"
#include "base/base.h"

struct rac_db;

/* "RCRD" in the database's header: tells our files from other people's databases. */
enum { RAC_APPLICATION_ID = 0x52435244 };

struct rac_migration {
    const char *name, *sql;
};
extern const struct rac_migration rac_migrations[];
extern const size_t rac_migrations_n;

/* Applies what is missing of the first upto migrations (0: all). *from, *to: version before and
 * after; 0 is an empty database. RAC_E_UNSUPPORTED: the database is newer than this program, or
 * not ours; *why in a. */
rac_err rac_migrate(struct rac_db *db, size_t upto, struct rac_arena *a, int64_t *from, int64_t *to,
                    rac_str *why) RAC_MUST_CHECK;

#endif
