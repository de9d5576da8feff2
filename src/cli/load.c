#include "cli/load.h"

#include "base/str.h"
#include "cli/output.h"
#include "cli/source.h"
#include "openapi/read.h"

enum { ARENA_BYTES_MAX = 1 << 30 };

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
