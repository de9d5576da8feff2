/*
 * libzip over a buffer. Sizes in the directory are claims: entries are unpacked in pieces and the
 * caps are asked while bytes arrive.
 */
#include "text/zip.h"
#include "base/map.h"
#include "base/utf8.h"

#include <zip.h>

enum { RATIO_FREE_BYTES = 1 << 20, PIECE_BYTES = 1 << 16, NAME_BYTES_MAX = 1024 };

static const struct rac_zip_limits defaults = {
    .entries_max = 1024,
    .entry_bytes_max = (size_t)64 << 20,
    .total_bytes_max = (size_t)128 << 20,
    .ratio_max = 200,
};

struct reading {
    struct rac_arena *a;
    zip_t *zip;
    struct rac_zip_limits limits;
    size_t total, zip_bytes;
    rac_str why;
};

static rac_err refuse(struct reading *r, rac_err e, rac_str why)
{
    r->why = why;
    return e;
}

static void limits_set(struct rac_zip_limits *l, const struct rac_zip_limits *given)
{
    *l = defaults;
    if (given == NULL)
        return;
    if (given->entries_max != 0)
        l->entries_max = given->entries_max;
    if (given->entry_bytes_max != 0)
        l->entry_bytes_max = given->entry_bytes_max;
    if (given->total_bytes_max != 0)
        l->total_bytes_max = given->total_bytes_max;
    if (given->ratio_max != 0)
        l->ratio_max = given->ratio_max;
    l->foreign_names = given->foreign_names;
}

bool rac_zip_is(rac_str bytes)
{
    return rac_str_starts(bytes, RAC_S("PK\x03\x04")) || rac_str_starts(bytes, RAC_S("PK\x05\x06"));
}

static bool has_control(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

/* A name that stays below the folder it is unpacked in, on any system. */
static bool is_safe_name(rac_str name)
{
    if (name.n == 0 || name.n > NAME_BYTES_MAX || name.p[0] == '/' ||
        rac_utf8_check(name) != name.n)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '\\' || name.p[i] == ':')
            return false;
    for (rac_str rest = name; rest.p != NULL;) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        if (rac_str_eq(part, RAC_S("..")) || rac_str_eq(part, RAC_S(".")) ||
            (part.n == 0 && rest.p != NULL))
            return false;
    }
    return true;
}

static rac_str usual_name(struct rac_arena *a, rac_str name)
{
    name = rac_str_replace(a, name, RAC_S("\\"), RAC_S("/"));
    return rac_str_starts(name, RAC_S("./")) && name.n > 2 ? rac_str_from(name, 2) : name;
}

/* What macOS puts beside each file of a zip: its attributes, in "__MACOSX/folder/._file". */
static bool is_apple_double(rac_str name)
{
    size_t slash = rac_str_rfind_char(name, '/');
    rac_str base = slash == RAC_STR_NPOS ? name : rac_str_from(name, slash + 1);
    return rac_str_starts(name, RAC_S("__MACOSX/")) || rac_str_starts(base, RAC_S("._"));
}

/* Unpacks an entry in pieces; *bytes in the arena. */
static rac_err unpack(struct reading *r, zip_file_t *f, rac_str name, size_t packed, rac_str *bytes)
{
    struct rac_buf b;
    rac_err e = RAC_OK;
    rac_buf_init(&b, r->limits.entry_bytes_max);
    for (;;) {
        size_t room = r->limits.entry_bytes_max - b.n;
        size_t piece = room < PIECE_BYTES ? room : PIECE_BYTES;
        char *p = rac_buf_reserve(&b, piece), extra;
        /* at the cap one more byte is asked for, to see whether there is one */
        zip_int64_t n = zip_fread(f, room > 0 ? p : &extra, room > 0 ? piece : 1);
        if (n < 0) {
            e = refuse(r, RAC_E_SYNTAX,
                       rac_arena_printf(r->a, "\"%.*s\" is damaged or encrypted", RAC_FMT(name)));
            break;
        }
        if (n == 0)
            break;
        if (room > 0)
            rac_buf_added(&b, (size_t)n);
        bool ratio = b.n > RATIO_FREE_BYTES && b.n / r->limits.ratio_max > packed;
        if (room == 0 || ratio || r->total + b.n > r->limits.total_bytes_max) {
            e = refuse(
                r, RAC_E_LIMIT,
                rac_arena_printf(r->a, "\"%.*s\" unpacks to more than is allowed", RAC_FMT(name)));
            break;
        }
    }
    if (e == RAC_OK) {
        r->total += b.n;
        *bytes = b.n > 0 ? rac_buf_take(&b, r->a) : RAC_S("");
    }
    rac_buf_fini(&b);
    return e;
}

static rac_err read_entry(struct reading *r, zip_uint64_t i, struct rac_map *seen,
                          struct rac_zip_entry *out, bool *is_file)
{
    zip_stat_t st;
    if (zip_stat_index(r->zip, i, ZIP_FL_ENC_GUESS, &st) != 0 || (st.valid & ZIP_STAT_NAME) == 0)
        return refuse(r, RAC_E_SYNTAX, RAC_S("an entry of the zip is damaged"));
    const char *raw = zip_get_name(r->zip, i, ZIP_FL_ENC_RAW);
    rac_str name = rac_arena_str(r->a, rac_str_of(st.name));
    if (r->limits.foreign_names)
        name = usual_name(r->a, name);
    *is_file = name.n == 0 || name.p[name.n - 1] != '/';
    if (!*is_file)
        name.n--;
    /* libzip shows control characters of old zips as the signs of code page 437 */
    if (!is_safe_name(name) || raw == NULL || has_control(rac_str_of(raw)))
        return refuse(r, RAC_E_INVALID,
                      rac_arena_printf(r->a, "\"%.*s\" is not a name for a file of a package",
                                       RAC_FMT(rac_utf8_mend(r->a, name))));
    *is_file &= !(r->limits.foreign_names && is_apple_double(name));
    if (!*is_file)
        return RAC_OK;
    if (!rac_map_add(seen, name, r))
        return refuse(r, RAC_E_INVALID,
                      rac_arena_printf(r->a, "\"%.*s\" stands twice in the zip", RAC_FMT(name)));
    zip_file_t *f = zip_fopen_index(r->zip, i, 0);
    if (f == NULL)
        return refuse(r, RAC_E_SYNTAX,
                      rac_arena_printf(r->a, "\"%.*s\" cannot be unpacked: %s", RAC_FMT(name),
                                       zip_strerror(r->zip)));
    out->name = name;
    size_t packed = st.comp_size < r->zip_bytes ? (size_t)st.comp_size : r->zip_bytes;
    rac_err e = unpack(r, f, name, packed, &out->bytes);
    zip_fclose(f);
    return e;
}

static rac_err read_entries(struct reading *r, struct rac_zip_entry **entries, size_t *n)
{
    zip_int64_t count = zip_get_num_entries(r->zip, 0);
    if (count < 0 || (size_t)count > r->limits.entries_max)
        return refuse(r, RAC_E_LIMIT, RAC_S("the zip has more entries than is allowed"));
    struct rac_zip_entry *v = RAC_NEW_N(r->a, struct rac_zip_entry, (size_t)count);
    struct rac_map seen;
    size_t kept = 0;
    rac_map_init(&seen, r->a);
    for (zip_uint64_t i = 0; i < (zip_uint64_t)count; i++) {
        bool is_file = false;
        rac_err e = read_entry(r, i, &seen, &v[kept], &is_file);
        if (e == RAC_OK && rac_arena_over(r->a))
            e = refuse(r, RAC_E_LIMIT, RAC_S("the zip needs more memory than is allowed"));
        if (e != RAC_OK)
            return e;
        kept += is_file;
    }
    *entries = v;
    *n = kept;
    return RAC_OK;
}

rac_err rac_zip_read(rac_str bytes, const struct rac_zip_limits *limits, struct rac_arena *a,
                     struct rac_zip_entry **entries, size_t *n, rac_str *why)
{
    struct reading r = {.a = a, .zip_bytes = bytes.n};
    rac_err e;
    zip_error_t error;
    limits_set(&r.limits, limits);
    zip_error_init(&error);
    zip_source_t *source =
        rac_zip_is(bytes) ? zip_source_buffer_create(bytes.p, bytes.n, 0, &error) : NULL;
    r.zip = source == NULL ? NULL : zip_open_from_source(source, ZIP_RDONLY, &error);
    if (r.zip == NULL) {
        if (source != NULL)
            zip_source_free(source);
        e = refuse(&r, RAC_E_SYNTAX,
                   rac_zip_is(bytes)
                       ? rac_arena_printf(a, "the zip is damaged: %s", zip_error_strerror(&error))
                       : RAC_S("this is no zip"));
    } else {
        e = read_entries(&r, entries, n);
        zip_discard(r.zip);
    }
    zip_error_fini(&error);
    if (e != RAC_OK && why != NULL)
        *why = r.why;
    return e;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Adds one entry, deflated, dated 1980-01-01 (the first date a zip can say). */
static bool add_entry(zip_t *zip, const struct rac_zip_entry *entry, struct rac_arena *names)
{
    zip_source_t *s =
        zip_source_buffer(zip, entry->bytes.n ? entry->bytes.p : "", entry->bytes.n, 0);
    if (s == NULL)
        return false;
    zip_int64_t i = zip_file_add(zip, rac_arena_cstr(names, entry->name), s, ZIP_FL_ENC_UTF_8);
    if (i < 0) {
        zip_source_free(s);
        return false;
    }
    zip_uint16_t date = 1 << 5 | 1;
    return zip_set_file_compression(zip, (zip_uint64_t)i, ZIP_CM_DEFLATE, 6) == 0 &&
           zip_file_set_dostime(zip, (zip_uint64_t)i, 0, date, 0) == 0 &&
           zip_file_set_external_attributes(zip, (zip_uint64_t)i, 0, ZIP_OPSYS_UNIX,
                                            (zip_uint32_t)0100644 << 16) == 0;
}

/* Copies what libzip has written out of its source. */
static rac_err copy_out(zip_source_t *s, struct rac_buf *out)
{
    if (zip_source_open(s) != 0)
        return RAC_E_INTERNAL;
    rac_err e = RAC_OK;
    for (;;) {
        char piece[4096];
        zip_int64_t n = zip_source_read(s, piece, sizeof piece);
        if (n <= 0) {
            e = n < 0 ? RAC_E_INTERNAL : RAC_OK;
            break;
        }
        rac_buf_add(out, (rac_str){piece, (size_t)n});
    }
    zip_source_close(s);
    return e == RAC_OK ? rac_buf_err(out) : e;
}

/* An archive without entries: libzip writes none. */
static rac_err write_empty(struct rac_buf *out)
{
    rac_buf_add(out, RAC_S("PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    return rac_buf_err(out);
}

rac_err rac_zip_write(const struct rac_zip_entry *entries, size_t n, struct rac_buf *out)
{
    struct rac_arena names;
    zip_error_t error;
    rac_err e = RAC_E_INTERNAL;
    if (n == 0)
        return write_empty(out);
    rac_arena_init(&names, SIZE_MAX / 2);
    zip_error_init(&error);
    zip_source_t *s = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *zip = s == NULL ? NULL : zip_open_from_source(s, ZIP_CREATE | ZIP_TRUNCATE, &error);
    if (zip != NULL) {
        zip_source_keep(s);
        bool good = true;
        for (size_t i = 0; i < n && good; i++)
            good = add_entry(zip, &entries[i], &names);
        if (good && zip_close(zip) == 0)
            e = copy_out(s, out);
        else
            zip_discard(zip);
    }
    if (s != NULL)
        zip_source_free(s);
    zip_error_fini(&error);
    rac_arena_fini(&names);
    return e;
}
