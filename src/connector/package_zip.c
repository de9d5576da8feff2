/*
 * package_zip - a connector out of a zip (connectors.md §9.4, "Submission archive").
 *
 * Three forms are read: a zip of a package; a solution of Power Platform, which keeps a connector
 * as separate files, Connector/NAME_openapidefinition.json and its neighbours; and archives of
 * such archives, as they are submitted for certification. Zips inside are opened up to a depth,
 * all under one budget of bytes. The plain form is the canonical one: what comes out of a solution
 * is put together as its apiDefinition.swagger.json, apiProperties.json, icon and script.
 */
#include "connector/package_priv.h"

#include "base/str.h"
#include "openapi/read.h"
#include "openapi/rules.h"
#include "text/zip.h"

enum {
    DEPTH_MAX = 3, /* submission, PkgAssets, solution */
    ENTRIES_MAX = 4096,
    NAMES_SHOWN_MAX = 12,
};
#define TOTAL_BYTES_MAX ((size_t)128 << 20)

/* One connector found. */
struct found {
    rac_str name;   /* what one calls it: the solution's prefix, or the folder */
    rac_str folder; /* "a/b/"; empty at the top */
    rac_str prefix; /* solution form: files of it start so; absent: a package */
    rac_str bytes;  /* solution form: of the definition */
    uint64_t name_hash,
        bytes_hash; /* of the name in lower case: equal things are looked at twice */
    unsigned rank, depth;
};

struct archive {
    struct rac_package *p;
    struct rac_diags *d;
    size_t bytes_max, left;
    struct rac_zip_entry *entries; /* of all levels; names hold the path of their zip */
    size_t n, cap;
    struct found *found;
    size_t found_n;
};

/* --- entries ---------------------------------------------------------------------------------- */

static void keep(struct archive *z, rac_str name, rac_str bytes)
{
    if (z->n == z->cap) {
        size_t cap = z->cap > 0 ? z->cap * 2 : 64;
        struct rac_zip_entry *v = RAC_NEW_N(z->p->a, struct rac_zip_entry, cap);
        if (z->n > 0)
            memcpy(v, z->entries, z->n * sizeof *v);
        z->entries = v;
        z->cap = cap;
    }
    z->entries[z->n++] = (struct rac_zip_entry){name, bytes};
}

static rac_err unpack(struct archive *z, rac_str bytes, rac_str prefix, unsigned depth)
{
    struct rac_zip_limits limits = {
        .entries_max = ENTRIES_MAX, .entry_bytes_max = z->bytes_max, .total_bytes_max = z->left};
    struct rac_zip_entry *v;
    size_t n;
    rac_str why = RAC_STR_NULL;
    rac_err e = rac_zip_read(bytes, &limits, z->p->a, &v, &n, &why);
    if (e != RAC_OK) {
        rac_diags_addf(z->d, e == RAC_E_LIMIT ? "RC-IMP-01" : "RC-IMP-03", RAC_SEV_ERROR,
                       "%.*s: %.*s", RAC_FMT(prefix.n > 0 ? prefix : z->p->source), RAC_FMT(why));
        return e;
    }
    for (size_t i = 0; e == RAC_OK && i < n; i++) {
        rac_str name = rac_str_concat(z->p->a, prefix, v[i].name);
        z->left -= v[i].bytes.n < z->left ? v[i].bytes.n : z->left - 1;
        bool inner = rac_zip_is(v[i].bytes) && depth < DEPTH_MAX;
        if (z->n + (inner ? 0 : 1) > ENTRIES_MAX)
            e = RAC_E_LIMIT;
        else if (inner)
            e = unpack(z, v[i].bytes, rac_str_concat(z->p->a, name, RAC_S("/")), depth + 1);
        else
            keep(z, name, v[i].bytes);
    }
    return e;
}

/* --- what is in it ---------------------------------------------------------------------------- */

static rac_str base_of(rac_str name, rac_str *folder)
{
    size_t slash = rac_str_rfind_char(name, '/');
    *folder = rac_str_sub(name, 0, slash == RAC_STR_NPOS ? 0 : slash + 1);
    return rac_str_from(name, folder->n);
}

static rac_str last_folder(rac_str folder)
{
    rac_str up;
    return folder.n == 0 ? RAC_S(".") : base_of(rac_str_sub(folder, 0, folder.n - 1), &up);
}

static unsigned depth_of(rac_str folder)
{
    unsigned n = 0;
    for (size_t i = 0; i < folder.n; i++)
        n += folder.p[i] == '/';
    return n;
}

static uint64_t name_hash(struct archive *z, rac_str name)
{
    return rac_str_hash(rac_str_lower(z->p->a, name));
}

/* A folder counts once. A submission holds the same connector in several of its solutions: once
 * too; others of the same name are called by their folder. */
static void note(struct archive *z, struct found *f)
{
    for (size_t i = 0; i < z->found_n; i++) {
        struct found *other = &z->found[i];
        if ((f->prefix.p != NULL) != (other->prefix.p != NULL))
            continue;
        if (f->prefix.p == NULL && rac_str_eq(other->folder, f->folder)) {
            if (f->rank > other->rank)
                other->rank = f->rank;
            return;
        }
        if (other->name_hash == f->name_hash && rac_str_eqi(other->name, f->name)) {
            if (f->prefix.p != NULL && other->bytes_hash == f->bytes_hash &&
                rac_str_eq(other->bytes, f->bytes))
                return;
            if (f->folder.n > 0 && !rac_str_eq(other->folder, f->folder)) {
                f->name = rac_str_sub(f->folder, 0, f->folder.n - 1);
                f->name_hash = name_hash(z, f->name);
            }
        }
    }
    z->found[z->found_n++] = *f;
}

static void look(struct archive *z)
{
    static const rac_str mark = RAC_S_INIT("_openapidefinition.json");
    z->found = RAC_NEW_N(z->p->a, struct found, z->n + 1);
    for (size_t i = 0; i < z->n; i++) {
        struct found f = {.prefix = RAC_STR_NULL};
        enum rac_package_role role;
        rac_str base = base_of(z->entries[i].name, &f.folder);
        if (rac_str_endsi(base, mark) && base.n > mark.n) {
            f.name = f.prefix = rac_str_sub(base, 0, base.n - mark.n);
            f.bytes = z->entries[i].bytes;
            f.bytes_hash = rac_str_hash(f.bytes);
            f.name_hash = name_hash(z, f.name);
            note(z, &f);
            continue;
        }
        f.rank = rac_package_rank(base, &role);
        f.name = last_folder(f.folder);
        f.depth = depth_of(f.folder);
        if (f.rank == 0 || role != RAC_PACKAGE_DEFINITION)
            continue;
        f.name_hash = name_hash(z, f.name);
        note(z, &f);
    }
}

/* Copies beside a package (an older version in a folder below, an example) do not count: the best
 * name wins, then the folder nearest to the top. */
static void keep_best(struct archive *z)
{
    unsigned rank = 0, depth = UINT32_MAX;
    size_t n = 0;
    for (size_t i = 0; i < z->found_n; i++)
        if (z->found[i].prefix.p != NULL)
            return;
        else if (z->found[i].rank > rank)
            rank = z->found[i].rank;
    for (size_t i = 0; i < z->found_n; i++)
        if (z->found[i].rank == rank && z->found[i].depth < depth)
            depth = z->found[i].depth;
    for (size_t i = 0; i < z->found_n; i++)
        if (z->found[i].rank == rank && z->found[i].depth == depth)
            z->found[n++] = z->found[i];
    z->found_n = n;
}

static bool is_called(const struct found *f, rac_str member)
{
    rac_str path = f->folder.n > 0 ? rac_str_sub(f->folder, 0, f->folder.n - 1) : RAC_S(".");
    return rac_str_eqi(f->name, member) || rac_str_eqi(path, member);
}

static rac_err several(struct archive *z, rac_str member)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < z->found_n && i < NAMES_SHOWN_MAX; i++)
        rac_buf_printf(&b, "%s%.*s", i > 0 ? ", " : "", RAC_FMT(z->found[i].name));
    if (z->found_n > NAMES_SHOWN_MAX)
        rac_buf_printf(&b, " and %zu more", z->found_n - NAMES_SHOWN_MAX);
    rac_str names = rac_buf_take(&b, z->p->a);
    rac_buf_fini(&b);
    rac_str source = z->p->source;
    struct rac_diag *g =
        member.p == NULL
            ? rac_diags_addf(z->d, RAC_RULE_CODE(IMP_05), RAC_SEV_ERROR,
                             "the archive holds %zu connectors: %.*s", z->found_n, RAC_FMT(names))
            : rac_diags_addf(z->d, RAC_RULE_CODE(IMP_05), RAC_SEV_ERROR,
                             "there is no connector \"%.*s\" in the archive; it holds %.*s",
                             RAC_FMT(member), RAC_FMT(names));
    size_t hash = rac_str_rfind_char(source, '#');
    if (member.p != NULL && hash != RAC_STR_NPOS)
        source = rac_str_sub(source, 0, hash);
    if (g != NULL)
        g->fix = rac_arena_printf(z->d->a, "Say which one: %.*s#%.*s", RAC_FMT(source),
                                  RAC_FMT(z->found[0].name));
    return RAC_E_INVALID;
}

/* --- a package -------------------------------------------------------------------------------- */

static rac_err take_package(struct archive *z, rac_str folder)
{
    for (size_t i = 0; i < z->n; i++) {
        rac_str of, base = base_of(z->entries[i].name, &of);
        if (!rac_str_eq(of, folder))
            continue;
        if (z->p->files_n == RAC_PACKAGE_FILES_MAX) {
            rac_diags_addf(z->d, RAC_RULE_CODE(IMP_01), RAC_SEV_ERROR,
                           "%.*s holds more than %d files", RAC_FMT(z->p->source),
                           RAC_PACKAGE_FILES_MAX);
            return RAC_E_LIMIT;
        }
        rac_package_add(z->p, base, z->entries[i].bytes);
    }
    return rac_package_find_roles(z->p, z->d);
}

/* --- a connector of a solution ---------------------------------------------------------------- */

static rac_str part(struct archive *z, const struct found *f, const char *suffix)
{
    for (size_t i = 0; i < z->n; i++) {
        rac_str folder, base = base_of(z->entries[i].name, &folder);
        if (rac_str_eq(folder, f->folder) && rac_str_startsi(base, f->prefix) &&
            rac_str_eqi(rac_str_from(base, f->prefix.n), rac_str_of(suffix)))
            return z->entries[i].bytes;
    }
    return RAC_STR_NULL;
}

/* Adds the JSON of a part as a property; an empty or null one is none. */
static rac_err put_part(struct archive *z, const struct found *f, const char *suffix,
                        const char *key, struct rac_json *properties)
{
    struct rac_document *doc;
    rac_str bytes = part(z, f, suffix);
    if (rac_str_trim(bytes).n == 0 || rac_str_eq(rac_str_trim(bytes), RAC_S("null")))
        return RAC_OK;
    rac_str name = rac_str_concat(z->p->a, f->prefix, rac_str_of(suffix));
    rac_err e = rac_document_read(bytes, name, z->p->a, &doc, z->d);
    if (e == RAC_OK && rac_json_len(&doc->root) > 0)
        rac_json_put(z->p->a, properties, rac_str_of(key), doc->root);
    return e;
}

/* The colour is in customizations.xml only: the text of <iconbrandcolor> in the <Connector> that
 * names our definition. One value is looked for, so no reader of XML is needed. */
static rac_str brand_color(struct archive *z, const struct found *f)
{
    static const rac_str open = RAC_S_INIT("<iconbrandcolor>"), close = RAC_S_INIT("</Connector>");
    rac_str ours = rac_str_concat(z->p->a, f->prefix, RAC_S("_openapidefinition.json"));
    for (size_t i = 0; i < z->n; i++) {
        rac_str folder, base = base_of(z->entries[i].name, &folder);
        if (!rac_str_eqi(base, RAC_S("customizations.xml")) || !rac_str_starts(f->folder, folder))
            continue;
        rac_str rest = z->entries[i].bytes;
        while (rest.n > 0) {
            size_t end = rac_str_findi(rest, close);
            rac_str one = rac_str_sub(rest, 0, end);
            rest = end == RAC_STR_NPOS ? RAC_STR_NULL : rac_str_from(rest, end + close.n);
            size_t at = rac_str_findi(one, open);
            if (at == RAC_STR_NPOS || rac_str_findi(one, ours) == RAC_STR_NPOS)
                continue;
            rac_str text = rac_str_from(one, at + open.n);
            return rac_str_trim(rac_str_sub(text, 0, rac_str_find_char(text, '<')));
        }
    }
    return RAC_STR_NULL;
}

static rac_err put_properties(struct archive *z, const struct found *f, bool scripted)
{
    static const struct {
        const char *suffix, *key;
    } parts[] = {
        {"_connectionparameters.json", "connectionParameters"},
        {"_connectionparametersets.json", "connectionParameterSets"},
        {"_policytemplateinstances.json", "policyTemplateInstances"},
        {"_scriptoperations.json", "scriptOperations"},
        {"_capabilities.json", "capabilities"},
    };
    struct rac_arena *a = z->p->a;
    struct rac_json root = rac_json_new_object(a), p = rac_json_new_object(a);
    rac_str color = brand_color(z, f);
    RAC_JSON_PUT_STR(a, &p, "iconBrandColor", color.n > 0 ? color : RAC_S("#007ee5"));
    for (size_t i = 0; i < RAC_COUNT(parts); i++) {
        rac_err e = put_part(z, f, parts[i].suffix, parts[i].key, &p);
        if (e != RAC_OK)
            return e;
    }
    if (scripted && RAC_JSON_GET(&p, "scriptOperations") == NULL) /* empty: every operation */
        RAC_JSON_PUT(a, &p, "scriptOperations", rac_json_new_array(a));
    if (RAC_JSON_GET(&p, "connectionParameters") == NULL)
        RAC_JSON_PUT(a, &p, "connectionParameters", rac_json_new_object(a));
    RAC_JSON_PUT(a, &root, "properties", p);
    rac_package_set(z->p, RAC_PACKAGE_PROPERTIES, rac_json_print_str(&root, RAC_JSON_PRETTY, a));
    return RAC_OK;
}

static rac_err take_solution(struct archive *z, const struct found *f)
{
    static const char *const scripts[] = {"_customcodeblobcontent.csx", "_customcodeblobcontent.cs",
                                          "_customcode.csx", "_script.csx"};
    static const char *const icons[] = {"_iconblob.png", "_iconblob.jpg", "_iconblob.jpeg"};
    rac_str script = RAC_STR_NULL, icon = RAC_STR_NULL;
    for (size_t i = 0; script.p == NULL && i < RAC_COUNT(scripts); i++)
        script = part(z, f, scripts[i]);
    for (size_t i = 0; icon.p == NULL && i < RAC_COUNT(icons); i++)
        icon = part(z, f, icons[i]);
    rac_package_set(z->p, RAC_PACKAGE_DEFINITION, part(z, f, "_openapidefinition.json"));
    rac_err e = put_properties(z, f, script.n > 0);
    rac_package_set(z->p, RAC_PACKAGE_ICON, icon);
    rac_package_set(z->p, RAC_PACKAGE_SCRIPT, script);
    return e;
}

/* --- the whole -------------------------------------------------------------------------------- */

rac_err rac_package_unzip(struct rac_package *p, rac_str bytes, rac_str member, size_t bytes_max,
                          struct rac_diags *d)
{
    struct archive z = {.p = p, .d = d, .bytes_max = bytes_max, .left = TOTAL_BYTES_MAX};
    rac_err e = unpack(&z, bytes, RAC_S(""), 1);
    if (e != RAC_OK)
        return e;
    look(&z);
    const struct found *chosen = NULL;
    for (size_t i = 0; member.p != NULL && i < z.found_n; i++)
        if (chosen == NULL && is_called(&z.found[i], member))
            chosen = &z.found[i];
    if (member.p == NULL)
        keep_best(&z);
    if (chosen == NULL && member.p == NULL && z.found_n == 1)
        chosen = &z.found[0];
    if (chosen == NULL && z.found_n > 0)
        return several(&z, member);
    if (chosen != NULL && chosen->prefix.p != NULL)
        return take_solution(&z, chosen);
    rac_str folder = RAC_STR_NULL; /* no name says definition: the first file's folder */
    if (chosen != NULL)
        folder = chosen->folder;
    else if (z.n > 0)
        (void)base_of(z.entries[0].name, &folder);
    return take_package(&z, folder);
}
