/*
 * package - the files of one connector: definition, properties, icon, script, readme, intro.
 *
 * A package is bytes first: every file found is kept as it came, under the name it came with, and
 * is written back byte for byte (connectors.md §1.2). What the files mean is read lazily by
 * rac_package_read, which parses definition and properties leniently (§0) and reports repairs.
 * Everything lives in the arena given to the loader. Not for two threads at once; once read, any
 * number may look.
 *
 *     struct rac_package *p;
 *     rac_err e = rac_package_load(RAC_S("./quai"), RAC_PACKAGE_BYTES_MAX, &a, &p, &diags);
 *     e = rac_package_read(p, &diags);
 */
#ifndef RAC_CONNECTOR_PACKAGE_H
#define RAC_CONNECTOR_PACKAGE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "json/json.h"

struct rac_document; /* openapi/read.h */

enum {
    RAC_PACKAGE_BYTES_MAX = 64 << 20, /* of one file, the command line's cap */
    RAC_PACKAGE_FILES_MAX = 256,      /* of one package; further ones are RAC_E_LIMIT */
};

struct rac_package_file {
    rac_str name;  /* base name as found, in a zip without its folder; of a solution: as written */
    rac_str bytes; /* as found */
};

/* What a file of a package is; found by name, tolerantly (corpus-survey.md §11.9), then content. */
enum rac_package_role {
    RAC_PACKAGE_DEFINITION, /* apiDefinition.swagger.json and its misspellings, or *.swagger.json */
    RAC_PACKAGE_PROPERTIES, /* apiProperties.json */
    RAC_PACKAGE_ICON,       /* icon.png, icon.jpg, icon.jpeg */
    RAC_PACKAGE_SCRIPT,     /* script.csx */
    RAC_PACKAGE_README,     /* readme.md */
    RAC_PACKAGE_INTRO,      /* intro.md */
    RAC_PACKAGE_SETTINGS,   /* settings.json: the command line's, no part of the connector */
    RAC_PACKAGE_OTHER,
    RAC_PACKAGE_ROLES
};

struct rac_package {
    struct rac_arena *a;
    rac_str source;                 /* what load was asked for; absent for bytes */
    struct rac_package_file *files; /* all, in the order found (directories: by name) */
    size_t files_n;
    int role_file[RAC_PACKAGE_ROLES]; /* index into files of each role; -1: has none */

    /* filled by rac_package_read; NULL until then or when there is no such file */
    struct rac_document *definition_doc, *properties_doc;
};

/* Bytes of a role, absent when the package has none. */
rac_str rac_package_bytes(const struct rac_package *p, enum rac_package_role role);
/* Its name as found, else the name the role has in a written package. */
rac_str rac_package_name(const struct rac_package *p, enum rac_package_role role);
/* Sets or replaces the bytes of a role (by reference); bytes absent removes the file. */
void rac_package_set(struct rac_package *p, enum rac_package_role role, rac_str bytes);
/* The role a file name has. */
enum rac_package_role rac_package_role_of(rac_str name);

/*
 * Loads path: a directory, a zip, or one definition file (its neighbours are not looked at). A zip
 * may also be a solution of Power Platform or an archive of some; where it holds several
 * connectors, "archive.zip#NAME" says which (RC-IMP-05 lists the names).
 * RAC_OK; RAC_E_NOT_FOUND, RAC_E_IO; RAC_E_LIMIT (a file over bytes_max, RC-IMP-01 in diags);
 * RAC_E_INVALID when there is no definition in it. Nothing is parsed.
 */
rac_err rac_package_load(rac_str path, size_t bytes_max, struct rac_arena *a,
                         struct rac_package **out, struct rac_diags *d) RAC_MUST_CHECK;
/* The same from bytes in memory (borrowed while the package lives): a zip, or a definition. */
rac_err rac_package_load_bytes(rac_str bytes, rac_str name, size_t bytes_max, struct rac_arena *a,
                               struct rac_package **out, struct rac_diags *d) RAC_MUST_CHECK;
/* From its parts; absent ones are left out. Never fails. */
struct rac_package *rac_package_new(struct rac_arena *a, rac_str definition, rac_str properties,
                                    rac_str icon, rac_str script);

/* Parses definition and properties once (later calls return the same answer). RAC_OK when every
 * one of them that is there was readable; else the first failure, with diags filled. */
rac_err rac_package_read(struct rac_package *p, struct rac_diags *d) RAC_MUST_CHECK;
/* Root of the parsed properties file, or NULL. */
const struct rac_json *rac_package_properties(const struct rac_package *p);

/* Writes every file into path, which is created (its parents are not). RAC_E_IO, with diags. */
rac_err rac_package_save(const struct rac_package *p, rac_str path,
                         struct rac_diags *d) RAC_MUST_CHECK;
/* A zip of every file; deterministic (fixed dates, order of files). */
rac_err rac_package_zip(const struct rac_package *p, struct rac_buf *out) RAC_MUST_CHECK;

#endif
