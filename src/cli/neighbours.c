#include "cli/neighbours.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/source.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NEIGHBOUR_BYTES_MAX = 16 << 20,  /* of one file */
    NEIGHBOURS_BYTES_MAX = 64 << 20, /* of all of them */
};

/* The directory a local source stands in, NULL for anything else. */
static const char *directory_of(const char *src, struct rac_arena *a)
{
    struct stat st;
    char real[PATH_MAX];
    if (strcmp(src, "-") == 0 || rac_cli_is_url(rac_str_of(src)) || stat(src, &st) != 0)
        return NULL;
    rac_str dir = rac_str_of(src);
    if (!S_ISDIR(st.st_mode)) {
        size_t slash = rac_str_rfind_char(dir, '/');
        dir = slash == RAC_STR_NPOS ? RAC_S(".")
              : slash == 0          ? RAC_S("/")
                                    : rac_str_sub(dir, 0, slash);
    }
    return realpath(rac_arena_cstr(a, dir), real) != NULL ? rac_arena_cstr(a, rac_str_of(real))
                                                          : NULL;
}

bool rac_cli_neighbours_init(struct rac_cli_neighbours *n, struct rac_cli *cli, const char *src,
                             struct rac_arena *a)
{
    *n = (struct rac_cli_neighbours){.cli = cli, .dir = directory_of(src, a)};
    return n->dir != NULL;
}

rac_err rac_cli_neighbour(void *arg, rac_str path, struct rac_arena *a, rac_str *bytes)
{
    struct rac_cli_neighbours *n = arg;
    rac_str joined = rac_arena_printf(a, "%s/%.*s", n->dir, RAC_FMT(path)), why;
    char real[PATH_MAX];
    struct stat st;
    size_t dir_n = strlen(n->dir);
    if (realpath(joined.p, real) == NULL)
        return RAC_E_NOT_FOUND;
    if (strncmp(real, n->dir, dir_n) != 0 || (real[dir_n] != '/' && dir_n > 1) ||
        stat(real, &st) != 0 || !S_ISREG(st.st_mode))
        return RAC_E_DENIED;
    rac_err e = rac_cli_read(n->cli, real, NEIGHBOUR_BYTES_MAX, a, bytes, &why);
    if (e != RAC_OK)
        return e;
    n->bytes += bytes->n;
    return n->bytes > NEIGHBOURS_BYTES_MAX ? RAC_E_LIMIT : RAC_OK;
}
