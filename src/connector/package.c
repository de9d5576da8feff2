/*
 * Packages: finding out what the files of a directory or zip are, and keeping their bytes.
 *
 * Names decide first, tolerantly (people write apiDefination.swagger.json); only when no name says
 * "definition" is the content of JSON and YAML files looked at.
 */
#include "connector/package_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "openapi/read.h"
#include "text/zip.h"

/* How well a name fits a role: larger is better, 0 not at all. */
struct name_rule {
    enum rac_package_role role;
    unsigned rank;
    const char *prefix, *suffix; /* letter case ignored */
};
static const struct name_rule name_rules[] = {
    {RAC_PACKAGE_DEFINITION, 9, "apidefinition.swagger.json", "apidefinition.swagger.json"},
    {RAC_PACKAGE_DEFINITION, 8, "generatedapidefinition.", ".json"},
    {RAC_PACKAGE_DEFINITION, 7, "apidef", ".json"},
    {RAC_PACKAGE_DEFINITION, 6, "apidef", ".yaml"},
    {RAC_PACKAGE_DEFINITION, 6, "apidef", ".yml"},
    {RAC_PACKAGE_DEFINITION, 5, "", ".swagger.json"},
    {RAC_PACKAGE_DEFINITION, 5, "swagger.", ".json"},
    {RAC_PACKAGE_DEFINITION, 4, "openapi.", ".json"},
    {RAC_PACKAGE_DEFINITION, 4, "swagger.", ".yaml"},
    {RAC_PACKAGE_DEFINITION, 4, "openapi.", ".yaml"},
    {RAC_PACKAGE_PROPERTIES, 9, "apiproperties.json", "apiproperties.json"},
    {RAC_PACKAGE_PROPERTIES, 7, "apiprop", ".json"},
    {RAC_PACKAGE_ICON, 9, "icon.", ".png"},
    {RAC_PACKAGE_ICON, 8, "icon.", ".jpg"},
    {RAC_PACKAGE_ICON, 7, "icon.", ".jpeg"},
    {RAC_PACKAGE_SCRIPT, 9, "script.csx", "script.csx"},
    {RAC_PACKAGE_README, 9, "readme.md", "readme.md"},
    {RAC_PACKAGE_INTRO, 9, "intro.md", "intro.md"},
    {RAC_PACKAGE_SETTINGS, 9, "settings.json", "settings.json"},
};

static const char *const written_names[RAC_PACKAGE_ROLES] = {
    [RAC_PACKAGE_DEFINITION] = "apiDefinition.swagger.json",
    [RAC_PACKAGE_PROPERTIES] = "apiProperties.json",
    [RAC_PACKAGE_ICON] = "icon.png",
    [RAC_PACKAGE_SCRIPT] = "script.csx",
    [RAC_PACKAGE_README] = "readme.md",
    [RAC_PACKAGE_INTRO] = "intro.md",
    [RAC_PACKAGE_SETTINGS] = "settings.json",
    [RAC_PACKAGE_OTHER] = "other",
};

unsigned rac_package_rank(rac_str name, enum rac_package_role *role)
{
    for (size_t i = 0; i < RAC_COUNT(name_rules); i++) {
        const struct name_rule *r = &name_rules[i];
        if (rac_str_startsi(name, rac_str_of(r->prefix)) &&
            rac_str_endsi(name, rac_str_of(r->suffix)) && name.n >= strlen(r->suffix)) {
            *role = r->role;
            return r->rank;
        }
    }
    *role = RAC_PACKAGE_OTHER;
    return 0;
}

enum rac_package_role rac_package_role_of(rac_str name)
{
    enum rac_package_role role;
    (void)rac_package_rank(name, &role);
    return role;
}

rac_str rac_package_bytes(const struct rac_package *p, enum rac_package_role role)
{
    int i = p->role_file[role];
    return i >= 0 ? p->files[i].bytes : RAC_STR_NULL;
}

rac_str rac_package_name(const struct rac_package *p, enum rac_package_role role)
{
    int i = p->role_file[role];
    return i >= 0 ? p->files[i].name : rac_str_of(written_names[role]);
}

static struct rac_package *package_make(struct rac_arena *a, rac_str source)
{
    struct rac_package *p = RAC_NEW(a, struct rac_package);
    p->a = a;
    p->source = source;
    for (int i = 0; i < RAC_PACKAGE_ROLES; i++)
        p->role_file[i] = -1;
    return p;
}

void rac_package_add(struct rac_package *p, rac_str name, rac_str bytes)
{
    struct rac_package_file *v = RAC_NEW_N(p->a, struct rac_package_file, p->files_n + 1);
    if (p->files_n > 0)
        memcpy(v, p->files, p->files_n * sizeof *v);
    v[p->files_n++] = (struct rac_package_file){name, bytes};
    p->files = v;
}

void rac_package_set(struct rac_package *p, enum rac_package_role role, rac_str bytes)
{
    int i = p->role_file[role];
    if (bytes.p == NULL) {
        if (i < 0)
            return;
        memmove(p->files + i, p->files + i + 1, (p->files_n - (size_t)i - 1) * sizeof *p->files);
        p->files_n--;
        p->role_file[role] = -1;
        for (int k = 0; k < RAC_PACKAGE_ROLES; k++)
            p->role_file[k] -= p->role_file[k] > i;
    } else if (i >= 0) {
        p->files[i].bytes = bytes;
    } else {
        rac_package_add(p, rac_str_of(written_names[role]), bytes);
        p->role_file[role] = (int)p->files_n - 1;
    }
    if (role == RAC_PACKAGE_DEFINITION)
        p->definition_doc = NULL;
    if (role == RAC_PACKAGE_PROPERTIES)
        p->properties_doc = NULL;
}

struct rac_package *rac_package_new(struct rac_arena *a, rac_str definition, rac_str properties,
                                    rac_str icon, rac_str script)
{
    struct rac_package *p = package_make(a, RAC_STR_NULL);
    rac_package_set(p, RAC_PACKAGE_DEFINITION, definition);
    rac_package_set(p, RAC_PACKAGE_PROPERTIES, properties);
    rac_package_set(p, RAC_PACKAGE_ICON, icon);
    rac_package_set(p, RAC_PACKAGE_SCRIPT, script);
    return p;
}

/* --- what the files are ----------------------------------------------------------------------- */

static bool looks_like_description(rac_str name, rac_str bytes)
{
    if (!rac_str_endsi(name, RAC_S(".json")) && !rac_str_endsi(name, RAC_S(".yaml")) &&
        !rac_str_endsi(name, RAC_S(".yml")))
        return false;
    struct rac_arena scratch;
    struct rac_document *doc;
    rac_arena_init(&scratch, 256 << 20);
    bool yes = rac_document_read(bytes, name, &scratch, &doc, NULL) == RAC_OK &&
               doc->kind >= RAC_DOC_SWAGGER2 && doc->kind <= RAC_DOC_POSTMAN21;
    rac_arena_fini(&scratch);
    return yes;
}

rac_err rac_package_find_roles(struct rac_package *p, struct rac_diags *d)
{
    unsigned best[RAC_PACKAGE_ROLES] = {0};
    for (size_t i = 0; i < p->files_n; i++) {
        enum rac_package_role role;
        unsigned rank = rac_package_rank(p->files[i].name, &role);
        if (rank > best[role]) {
            best[role] = rank;
            p->role_file[role] = (int)i;
        }
    }
    for (size_t i = 0; p->role_file[RAC_PACKAGE_DEFINITION] < 0 && i < p->files_n; i++) {
        enum rac_package_role role;
        if (rac_package_rank(p->files[i].name, &role) == 0 &&
            looks_like_description(p->files[i].name, p->files[i].bytes))
            p->role_file[RAC_PACKAGE_DEFINITION] = (int)i;
    }
    if (p->role_file[RAC_PACKAGE_DEFINITION] >= 0)
        return RAC_OK;
    rac_diags_addf(d, "RC-IMP-04", RAC_SEV_ERROR,
                   "there is no definition (apiDefinition.swagger.json), nor a workflow, in %.*s",
                   RAC_FMT(p->source));
    return RAC_E_INVALID;
}

/* --- directories, files, zips ----------------------------------------------------------------- */

static rac_err too_large(rac_str name, size_t bytes_max, struct rac_diags *d)
{
    struct rac_diag *diag =
        rac_diags_addf(d, "RC-IMP-01", RAC_SEV_ERROR, "%.*s is larger than the limit of %zu bytes",
                       RAC_FMT(name), bytes_max);
    if (diag != NULL)
        diag->file = name;
    return RAC_E_LIMIT;
}

static rac_err file_read(int dir, const char *name, size_t bytes_max, struct rac_arena *a,
                         rac_str *out, struct rac_diags *d)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        rac_diags_addf(d, "RC-IMP-04", RAC_SEV_ERROR, "cannot read %s: %s", name, strerror(errno));
        rac_err e = errno == ENOENT ? RAC_E_NOT_FOUND : RAC_E_IO;
        if (fd >= 0)
            close(fd);
        return e;
    }
    rac_err e = RAC_OK;
    char *p = NULL;
    size_t n = 0, size = st.st_size > 0 ? (size_t)st.st_size : 0;
    if (size > bytes_max)
        e = too_large(rac_arena_str(a, rac_str_of(name)), bytes_max, d);
    else if ((p = rac_arena_try(a, size + 1)) == NULL)
        e = RAC_E_LIMIT;
    while (e == RAC_OK && n < size) {
        ssize_t got = read(fd, p + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            rac_diags_addf(d, "RC-IMP-04", RAC_SEV_ERROR, "cannot read %s: %s", name,
                           strerror(errno));
            e = RAC_E_IO;
        }
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    if (e == RAC_OK) {
        p[n] = 0;
        *out = (rac_str){p, n};
    }
    return e;
}

static int by_name(const void *x, const void *y)
{
    return rac_str_cmp(((const struct rac_package_file *)x)->name,
                       ((const struct rac_package_file *)y)->name);
}

/* What the folder itself says is enough, save for links and file systems that say nothing. */
static bool is_file(int dir, const struct dirent *entry)
{
    struct stat st;
    return entry->d_type == DT_REG ||
           ((entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) &&
            fstatat(dir, entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode));
}

static rac_err directory_load(struct rac_package *p, DIR *dir, const char *path, size_t bytes_max,
                              struct rac_diags *d)
{
    rac_err e = RAC_OK;
    struct dirent *entry;
    while (e == RAC_OK && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || !is_file(dirfd(dir), entry))
            continue;
        rac_str bytes;
        if (p->files_n == RAC_PACKAGE_FILES_MAX) {
            rac_diags_addf(d, "RC-IMP-01", RAC_SEV_ERROR, "%s holds more than %d files", path,
                           RAC_PACKAGE_FILES_MAX);
            e = RAC_E_LIMIT;
            break;
        }
        e = file_read(dirfd(dir), entry->d_name, bytes_max, p->a, &bytes, d);
        if (e == RAC_OK)
            rac_package_add(p, rac_arena_str(p->a, rac_str_of(entry->d_name)), bytes);
    }
    if (e == RAC_OK && p->files_n > 1)
        qsort(p->files, p->files_n, sizeof *p->files, by_name);
    return e == RAC_OK ? rac_package_find_roles(p, d) : e;
}

/* NAME of "archive.zip#NAME", or absent. */
static rac_str member_of(rac_str name)
{
    size_t hash = rac_str_rfind_char(name, '#');
    return hash == RAC_STR_NPOS || hash + 1 == name.n ? RAC_STR_NULL : rac_str_from(name, hash + 1);
}

static rac_err load_bytes(rac_str bytes, rac_str name, rac_str member, size_t bytes_max,
                          struct rac_arena *a, struct rac_package **out, struct rac_diags *d)
{
    struct rac_package *p = package_make(a, name);
    rac_err e = RAC_OK;
    size_t slash = rac_str_rfind_char(name, '/');
    if (bytes.n > bytes_max)
        e = too_large(name, bytes_max, d);
    else if (rac_zip_is(bytes))
        e = rac_package_unzip(p, bytes, member, bytes_max, d);
    else {
        rac_package_add(p, slash == RAC_STR_NPOS ? name : rac_str_from(name, slash + 1), bytes);
        p->role_file[RAC_PACKAGE_DEFINITION] = 0;
    }
    if (e == RAC_OK)
        *out = p;
    return e;
}

rac_err rac_package_load_bytes(rac_str bytes, rac_str name, size_t bytes_max, struct rac_arena *a,
                               struct rac_package **out, struct rac_diags *d)
{
    return load_bytes(bytes, name, member_of(name), bytes_max, a, out, d);
}

rac_err rac_package_load(rac_str path, size_t bytes_max, struct rac_arena *a,
                         struct rac_package **out, struct rac_diags *d)
{
    const char *cpath = rac_arena_cstr(a, path);
    struct stat st;
    DIR *dir = opendir(cpath);
    if (dir != NULL) {
        struct rac_package *p = package_make(a, rac_arena_str(a, path));
        rac_err e = directory_load(p, dir, cpath, bytes_max, d);
        closedir(dir);
        if (e == RAC_OK)
            *out = p;
        return e;
    }
    rac_str member = RAC_STR_NULL;
    int missing = stat(cpath, &st);
    if (missing != 0 && member_of(path).p != NULL) { /* what stands behind # is inside it */
        const char *archive =
            rac_arena_cstr(a, rac_str_sub(path, 0, rac_str_rfind_char(path, '#')));
        if (stat(archive, &st) == 0 && S_ISREG(st.st_mode)) {
            cpath = archive;
            member = member_of(path);
            missing = 0;
        }
    }
    if (missing != 0) {
        rac_diags_addf(d, "RC-IMP-04", RAC_SEV_ERROR, "cannot read %s: %s", cpath, strerror(errno));
        return errno == ENOENT || errno == ENOTDIR ? RAC_E_NOT_FOUND : RAC_E_IO;
    }
    rac_str bytes;
    rac_err e = file_read(AT_FDCWD, cpath, bytes_max, a, &bytes, d);
    return e != RAC_OK ? e
                       : load_bytes(bytes, rac_arena_str(a, path), member, bytes_max, a, out, d);
}

/* --- reading ---------------------------------------------------------------------------------- */

static rac_err role_read(struct rac_package *p, enum rac_package_role role,
                         struct rac_document **doc, struct rac_diags *d)
{
    if (*doc != NULL || p->role_file[role] < 0)
        return RAC_OK;
    size_t from = d != NULL ? d->n : 0;
    rac_str name = rac_package_name(p, role);
    rac_err e = rac_document_read(rac_package_bytes(p, role), name, p->a, doc, d);
    for (size_t i = from; d != NULL && i < d->n; i++)
        if (d->v[i].file.p == NULL && role != RAC_PACKAGE_DEFINITION)
            d->v[i].file = name;
    return e;
}

rac_err rac_package_read(struct rac_package *p, struct rac_diags *d)
{
    rac_err e1 = role_read(p, RAC_PACKAGE_DEFINITION, &p->definition_doc, d);
    rac_err e2 = role_read(p, RAC_PACKAGE_PROPERTIES, &p->properties_doc, d);
    return e1 != RAC_OK ? e1 : e2;
}

const struct rac_json *rac_package_properties(const struct rac_package *p)
{
    return p->properties_doc != NULL ? &p->properties_doc->root : NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool write_all(int fd, rac_str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes = rac_str_from(bytes, (size_t)n);
    }
    return true;
}

rac_err rac_package_save(const struct rac_package *p, rac_str path, struct rac_diags *d)
{
    const char *dir = rac_arena_cstr(p->a, path);
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        rac_diags_addf(d, "RC-IMP-04", RAC_SEV_ERROR, "cannot create %s: %s", dir, strerror(errno));
        return RAC_E_IO;
    }
    for (size_t i = 0; i < p->files_n; i++) {
        rac_str name = rac_arena_printf(p->a, "%s/%.*s", dir, RAC_FMT(p->files[i].name));
        int fd = open(rac_arena_cstr(p->a, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        bool good = fd >= 0 && write_all(fd, p->files[i].bytes);
        if (fd >= 0 && close(fd) != 0)
            good = false;
        if (!good) {
            rac_diags_addf(d, "RC-IMP-04", RAC_SEV_ERROR, "cannot write %.*s: %s", RAC_FMT(name),
                           strerror(errno));
            return errno == ENOSPC ? RAC_E_FULL : RAC_E_IO;
        }
    }
    return RAC_OK;
}

rac_err rac_package_zip(const struct rac_package *p, struct rac_buf *out)
{
    struct rac_zip_entry *entries = RAC_NEW_N(p->a, struct rac_zip_entry, p->files_n);
    for (size_t i = 0; i < p->files_n; i++)
        entries[i] = (struct rac_zip_entry){p->files[i].name, p->files[i].bytes};
    return rac_zip_write(entries, p->files_n, out);
}
