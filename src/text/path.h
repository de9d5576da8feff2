/* path - names of files that files refer to. */
#ifndef RAC_TEXT_PATH_H
#define RAC_TEXT_PATH_H

#include "base/arena.h"

/* "dir/file.yaml", in a, of what the file `from` calls rel, both below one folder. False: rel is empty,
 * absolute, a URL or no name of a file, or it leads out of the folder. */
bool rac_path_join(rac_str from, rac_str rel, struct rac_arena *a, rac_str *out);

#endif
