/* stream - standard input and output for commands that need a real file. Main thread. */
#ifndef RAC_MAIN_STREAM_H
#define RAC_MAIN_STREAM_H

#include "cli/command.h"

/* A new directory (mode 0700) where temporary files go; the caller removes it. NUL-terminated. */
bool rac_temp_dir(struct rac_cli *cli, rac_str *dir);
/* Everything that is left of in; false when reading or writing failed. */
bool rac_copy_stream(FILE *in, FILE *out);

#endif
