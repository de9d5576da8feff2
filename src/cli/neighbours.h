/*
 * neighbours - the files beside a source on disk, for what it refers to: a $ref, a linked template.
 *
 * Nothing outside of the source's folder is read, symbolic links included, and no more than 64 MB.
 */
#ifndef RAC_CLI_NEIGHBOURS_H
#define RAC_CLI_NEIGHBOURS_H

#include "cli/command.h"

struct rac_cli_neighbours {
    struct rac_cli *cli;
    const char *dir; /* real path of the folder */
    size_t bytes;    /* read so far */
};

/* False: src is no file or folder on disk. Borrows nothing; the path is in a. */
bool rac_cli_neighbours_init(struct rac_cli_neighbours *n, struct rac_cli *cli, const char *src,
                             struct rac_arena *a);
/* The file at path below the folder; arg: struct rac_cli_neighbours. RAC_E_NOT_FOUND, RAC_E_DENIED
 * (it lies outside, or is no file), RAC_E_LIMIT. */
rac_err rac_cli_neighbour(void *arg, rac_str path, struct rac_arena *a, rac_str *bytes);

#endif
