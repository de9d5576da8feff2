#include "cli/artifacts.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/output.h"
#include "text/zip.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILES_MAX = 1000, FILE_BYTES_MAX = 8 << 20, ZIP_BYTES_MAX = 64 << 20 };

static const rac_str folders[RAC_ARTIFACT_KINDS] = {RAC_S_INIT("Maps"), RAC_S_INIT("Schemas")};

static struct rac_cli_artifact *add(struct rac_cli_artifacts *l, struct rac_arena *a)
{
    l->v = rac_arena_grow(a, l->v, l->n * sizeof *l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n] = (struct rac_cli_artifact){0};
    return &l->v[l->n++];
}

static int by_file(const void *x, const void *y)
{
    return rac_str_cmp(((const struct rac_cli_artifact *)x)->file,
                       ((const struct rac_cli_artifact *)y)->file);
}

/* --- folders ---------------------------------------------------------------------------------- */

static void from_folder(struct rac_cli_artifacts *l, struct rac_arena *a, rac_str app,
                        enum rac_artifact_kind kind)
{
    rac_str dir = rac_arena_printf(a, "%.*s/Artifacts/%.*s", RAC_FMT(app), RAC_FMT(folders[kind]));
    DIR *open = opendir(dir.p);
    struct dirent *e;
    size_t first = l->n;
    while (open != NULL && l->n < FILES_MAX && (e = readdir(open)) != NULL) {
        rac_str path = rac_arena_printf(a, "%.*s/%s", RAC_FMT(dir), e->d_name);
        struct stat st;
        if (e->d_name[0] == '.' || stat(path.p, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        struct rac_cli_artifact *x = add(l, a);
        x->kind = kind;
        x->path = path;
        x->file = rac_arena_str(a, rac_str_of(e->d_name));
    }
    if (open != NULL)
        closedir(open);
    if (l->n > first + 1) /* whatever the order of the file system */
        qsort(l->v + first, l->n - first, sizeof *l->v, by_file);
}

static rac_str folder_of(rac_str path)
{
    size_t at = rac_str_rfind_char(path, '/');
    return at == RAC_STR_NPOS ? RAC_S(".") : rac_str_sub(path, 0, at);
}

/* The app is the folder itself, or the one above: of a workflow file, of its folder. */
static void from_path(struct rac_cli_artifacts *l, struct rac_arena *a, const char *src,
                      bool folder)
{
    char *whole = realpath(src, NULL);
    if (whole == NULL)
        return;
    rac_str at = rac_arena_str(a, rac_str_of(whole));
    rac_mem_free_libc(whole);
    rac_str own = folder ? at : folder_of(at), places[] = {folder_of(own), own};
    for (size_t i = 0; i < RAC_COUNT(places) && l->n == 0; i++)
        for (unsigned kind = 0; kind < RAC_ARTIFACT_KINDS; kind++)
            from_folder(l, a, places[folder ? 1 - i : i], (enum rac_artifact_kind)kind);
}

/* --- zips ------------------------------------------------------------------------------------- */

static void from_zip(struct rac_cli *cli, struct rac_cli_artifacts *l, struct rac_arena *a,
                     const char *src)
{
    struct rac_zip_entry *e;
    size_t n;
    rac_str bytes, why;
    if (rac_cli_read(cli, src, ZIP_BYTES_MAX, a, &bytes, &why) != RAC_OK ||
        rac_zip_read(bytes, &(struct rac_zip_limits){.foreign_names = true}, a, &e, &n, &why) !=
            RAC_OK)
        return; /* whoever reads the workflow says so */
    for (size_t i = 0; i < n && l->n < FILES_MAX; i++)
        for (unsigned kind = 0; kind < RAC_ARTIFACT_KINDS; kind++) {
            rac_str folder = rac_arena_printf(a, "Artifacts/%.*s", RAC_FMT(folders[kind])),
                    at = folder_of(e[i].name);
            size_t slash = rac_str_rfind_char(e[i].name, '/');
            if (!rac_str_endsi(at, folder) || e[i].bytes.n > FILE_BYTES_MAX ||
                e[i].name.p[slash + 1] == '.')
                continue;
            struct rac_cli_artifact *x = add(l, a);
            x->kind = (enum rac_artifact_kind)kind;
            x->file = rac_str_from(e[i].name, slash + 1);
            x->bytes = e[i].bytes;
        }
}

/* --- any source ------------------------------------------------------------------------------- */

void rac_cli_artifacts_list(struct rac_cli *cli, const char *src, struct rac_arena *a,
                            struct rac_cli_artifacts *out)
{
    struct stat st;
    *out = (struct rac_cli_artifacts){0};
    if (stat(src, &st) != 0)
        return;
    if (S_ISREG(st.st_mode) && rac_str_endsi(rac_str_of(src), RAC_S(".zip")))
        from_zip(cli, out, a, src);
    else
        from_path(out, a, src, S_ISDIR(st.st_mode));
}

static rac_str without_extension(rac_str file)
{
    size_t dot = rac_str_rfind_char(file, '.');
    return dot == RAC_STR_NPOS || dot == 0 ? file : rac_str_sub(file, 0, dot);
}

const struct rac_cli_artifact *rac_cli_artifacts_get(const struct rac_cli_artifacts *l,
                                                     enum rac_artifact_kind kind, rac_str name)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].kind == kind && rac_str_eqi(l->v[i].file, name))
            return &l->v[i];
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].kind == kind &&
            rac_str_eqi(without_extension(l->v[i].file), without_extension(name)))
            return &l->v[i];
    return NULL;
}

rac_err rac_cli_artifact_read(struct rac_cli *cli, const struct rac_cli_artifact *x,
                              struct rac_arena *a, struct rac_artifact_content *out, rac_str *why)
{
    bool liquid = rac_str_endsi(x->file, RAC_S(".liquid"));
    *out = (struct rac_artifact_content){.name = x->file,
                                         .type = x->kind == RAC_ARTIFACT_SCHEMA ? RAC_S("Xml")
                                                 : liquid                       ? RAC_S("Liquid")
                                                                                : RAC_S("Xslt"),
                                         .content_type = liquid ? RAC_S("text/plain")
                                                                : RAC_S("application/xml"),
                                         .bytes = x->bytes};
    out->properties = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &out->properties, "name", without_extension(x->file));
    rac_json_put(a, &out->properties,
                 x->kind == RAC_ARTIFACT_MAP ? RAC_S("mapType") : RAC_S("schemaType"),
                 rac_json_of_str(out->type));
    return x->path.p == NULL
               ? RAC_OK
               : rac_cli_read(cli, rac_arena_cstr(a, x->path), FILE_BYTES_MAX, a, &out->bytes, why);
}
