#include "main/stream.h"

bool rac_temp_dir(struct rac_cli *cli, rac_str *dir)
{
    const char *base = rac_cli_env(cli, "TMPDIR");
    *dir = rac_arena_printf(cli->a, "%s/raccord-XXXXXX", base != NULL && *base ? base : "/tmp");
    return mkdtemp((char *)(uintptr_t)dir->p) != NULL;
}

bool rac_copy_stream(FILE *in, FILE *out)
{
    static char block[1 << 16];
    size_t n;
    while ((n = fread(block, 1, sizeof block, in)) > 0)
        if (fwrite(block, 1, n, out) != n)
            return false;
    return !ferror(in) && fflush(out) == 0;
}
