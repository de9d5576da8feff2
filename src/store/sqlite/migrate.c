#include "store/sqlite/migrate.h"
#include "base/log.h"
#include "base/str.h"
#include "store/sqlite/db.h"

static rac_err apply(struct rac_db *db, size_t i, struct rac_arena *a, rac_str *why)
{
    char number[96];
    snprintf(number, sizeof number, "pragma user_version=%zu; pragma application_id=%d;", i + 1,
             RAC_APPLICATION_ID);
    rac_err e = rac_db_script(db, "begin immediate");
    if (e == RAC_OK)
        e = rac_db_script(db, rac_migrations[i].sql);
    if (e == RAC_OK)
        e = rac_db_script(db, number);
    if (e == RAC_OK)
        e = rac_db_script(db, "commit");
    if (e == RAC_OK)
        return RAC_OK;
    *why = rac_arena_printf(a, "schema change %s: %.*s", rac_migrations[i].name,
                            RAC_FMT(rac_db_why(db, a)));
    (void)!rac_db_script(db, "rollback");
    return e;
}

rac_err rac_migrate(struct rac_db *db, size_t upto, struct rac_arena *a, int64_t *from, int64_t *to,
                    rac_str *why)
{
    if (upto == 0 || upto > rac_migrations_n)
        upto = rac_migrations_n;
    int64_t version = 0, application = 0, tables = 0;
    rac_err e = RAC_DB_NUMBER(db, USER_VERSION, &version);
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(db, APPLICATION_ID, &application);
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(db, TABLES, &tables);
    if (e != RAC_OK) {
        *why = rac_db_why(db, a);
        return e;
    }
    if ((tables > 0 || version > 0) && application != RAC_APPLICATION_ID) {
        *why = RAC_S("the database was not made by Raccord");
        return RAC_E_UNSUPPORTED;
    }
    if (version < 0 || (uint64_t)version > rac_migrations_n) {
        *why = rac_arena_printf(a,
                                "the data has schema %lld, this program knows up to %zu; use the "
                                "newer Raccord that wrote it",
                                (long long)version, rac_migrations_n);
        return RAC_E_UNSUPPORTED;
    }
    *from = version;
    for (size_t i = (size_t)version; i < upto && e == RAC_OK; i++) {
        e = apply(db, i, a, why);
        if (e == RAC_OK && version > 0)
            rac_log(RAC_INFO, "store.migrated", RAC_F_CSTR("to", rac_migrations[i].name));
    }
    *to = (int64_t)upto > version ? (int64_t)upto : version;
    return e;
}
