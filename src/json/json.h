/*
 * json - values, in an arena.
 *
 * A value is a 24-byte node; arrays and objects hold their children contiguously. Parsed values
 * remember where they stood (byte offset) and how numbers were spelt; order of keys is kept.
 * Strings that need no unescaping are slices of the input text, which must therefore outlive the
 * values (or parse with RAC_JSON_COPY). Nodes are plain data: a value that nobody changes may be
 * read from any number of threads. Values share structure freely: copying a node copies a
 * reference to its children, so change a tree only if you built it or made a rac_json_copy.
 *
 *     struct rac_json v;
 *     rac_err e = rac_json_parse(text, &a, 0, &v, &where);
 *     rac_str host = rac_json_str(rac_json_get(&v, RAC_S("host")), RAC_S("localhost"));
 */
#ifndef RAC_JSON_H
#define RAC_JSON_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/str.h"

enum rac_json_type {
    RAC_JSON_NONE, /* no value: what the getters' defaults stand for; never inside a tree */
    RAC_JSON_NULL,
    RAC_JSON_BOOL,
    RAC_JSON_INT,    /* exact 64-bit integer written without fraction or exponent */
    RAC_JSON_NUMBER, /* any other number as spelt in the text; its double is made on demand */
    RAC_JSON_DOUBLE, /* a computed number */
    RAC_JSON_STRING,
    RAC_JSON_ARRAY,
    RAC_JSON_OBJECT,
};

struct rac_json_array;
struct rac_json_object;

struct rac_json {
    uint8_t type;
    uint8_t flags;
    uint16_t spare;
    uint32_t pos; /* byte offset in the text + 1; 0: not from a text */
    uint32_t n;   /* bytes of a string or spelling; children are counted in their container */
    uint32_t spare2;
    union {
        bool b;
        int64_t i;
        double d;
        const char *s; /* STRING, NUMBER: n bytes, no NUL promised */
        struct rac_json_array *array;
        struct rac_json_object *object;
    };
};

struct rac_json_member {
    const char *key;
    uint32_t key_n;
    uint32_t key_pos; /* as rac_json.pos */
    struct rac_json value;
};

struct rac_json_array {
    uint32_t n, cap;
    struct rac_json *v;
};

struct rac_json_object {
    uint32_t n, cap;
    struct rac_json_member *v; /* in order */
    uint32_t *slots;           /* hash index of large objects, or NULL */
    uint32_t slots_n;
    uint32_t end_pos; /* byte offset + 1 of the closing brace; 0 unknown */
};

/* --- reading --------------------------------------------------------------------------------- */

enum rac_json_flags {
    RAC_JSON_LENIENT = 1,    /* connectors.md §0: BOM, comments, trailing commas, raw control
                                characters, bad UTF-8 as U+FFFD; each repair is a RC-JSON-01 */
    RAC_JSON_COPY = 2,       /* strings are copied into the arena; text may go away */
    RAC_JSON_REJECT_DUP = 4, /* duplicate keys are RAC_E_SYNTAX; otherwise the last one wins, in
                                the place of the first (lenient: with a RC-JSON-01) */
    RAC_JSON_OWN = 8,        /* text that Raccord printed: as deep as it prints. What it took in was
                                put into something since, and must be read back all the same */
};

enum {
    RAC_JSON_DEPTH_MAX = 1024,        /* deeper nesting is RAC_E_LIMIT */
    RAC_JSON_OWN_DEPTH_MAX = 4 * 1024 /* of what is printed, walked and read back */
};

/* Line and column (both 1-based, columns in characters) of a byte offset of text. */
void rac_json_place(rac_str text, size_t offset, uint32_t *line, uint32_t *column);

/*
 * A place that moves: what it costs is the distance moved, so that many places of one text can be
 * told of, in order or nearly. All zeros: the start.
 */
struct rac_json_spot {
    size_t offset;
    uint32_t line, column;
};
void rac_json_spot_move(rac_str text, struct rac_json_spot *s, size_t offset);

/* Where and why a parse failed. */
struct rac_json_error {
    size_t offset;
    uint32_t line, column;
    const char *message; /* static sentence */
};

/*
 * Parses one value and nothing but white space after it. RAC_OK; RAC_E_SYNTAX with *error filled;
 * RAC_E_LIMIT (depth, arena cap) with *error filled. *out is written only on RAC_OK; values live
 * in a and in text. repairs (lenient only) receives the RC-JSON-01 warnings, or NULL.
 */
rac_err rac_json_parse(rac_str text, struct rac_arena *a, unsigned flags, struct rac_json *out,
                       struct rac_json_error *error) RAC_MUST_CHECK;
rac_err rac_json_parse_lenient(rac_str text, struct rac_arena *a, struct rac_json *out,
                               struct rac_diags *repairs,
                               struct rac_json_error *error) RAC_MUST_CHECK;

/* --- looking --------------------------------------------------------------------------------- */

extern const struct rac_json rac_json_none; /* type NONE */

static inline bool rac_json_is(const struct rac_json *v, enum rac_json_type type)
{
    return v != NULL && v->type == type;
}
static inline bool rac_json_is_object(const struct rac_json *v)
{
    return v != NULL && v->type == RAC_JSON_OBJECT;
}
static inline bool rac_json_is_array(const struct rac_json *v)
{
    return v != NULL && v->type == RAC_JSON_ARRAY;
}
static inline bool rac_json_is_string(const struct rac_json *v)
{
    return v != NULL && v->type == RAC_JSON_STRING;
}
static inline bool rac_json_is_number(const struct rac_json *v)
{
    return v != NULL && v->type >= RAC_JSON_INT && v->type <= RAC_JSON_DOUBLE;
}
static inline bool rac_json_is_null(const struct rac_json *v)
{
    return v != NULL && v->type == RAC_JSON_NULL;
}
static inline bool rac_json_is_bool(const struct rac_json *v)
{
    return v != NULL && v->type == RAC_JSON_BOOL;
}
/* Number of elements or members; 0 for anything else, NULL included. */
static inline size_t rac_json_len(const struct rac_json *v)
{
    return v == NULL                    ? 0
           : v->type == RAC_JSON_ARRAY  ? v->array->n
           : v->type == RAC_JSON_OBJECT ? v->object->n
                                        : 0;
}
/* Element i, or NULL when v is no array or i is outside. */
static inline struct rac_json *rac_json_at(const struct rac_json *v, size_t i)
{
    return v != NULL && v->type == RAC_JSON_ARRAY && i < v->array->n ? &v->array->v[i] : NULL;
}
/* Member i of an object, or NULL. */
static inline struct rac_json_member *rac_json_member_at(const struct rac_json *v, size_t i)
{
    return v != NULL && v->type == RAC_JSON_OBJECT && i < v->object->n ? &v->object->v[i] : NULL;
}
static inline rac_str rac_json_key(const struct rac_json_member *m)
{
    return (rac_str){m->key, m->key_n};
}
/* Value of a key, or NULL when v is no object or has none. All getters accept NULL for v.
 * geti: that key, else the first which is it but for the case of ASCII letters. */
struct rac_json *rac_json_get(const struct rac_json *v, rac_str key);
struct rac_json *rac_json_geti(const struct rac_json *v, rac_str key);
struct rac_json_member *rac_json_member(const struct rac_json *v, rac_str key);
#define RAC_JSON_GET(v, lit)  rac_json_get((v), RAC_S(lit))
#define RAC_JSON_GETI(v, lit) rac_json_geti((v), RAC_S(lit))

/* The value as a C type, or otherwise when it is not of that type (no conversion). */
rac_str rac_json_str(const struct rac_json *v, rac_str otherwise);
bool rac_json_bool(const struct rac_json *v, bool otherwise);
int64_t rac_json_int(const struct rac_json *v,
                     int64_t otherwise); /* INT, or a NUMBER/DOUBLE that is whole */
double rac_json_double(const struct rac_json *v, double otherwise); /* any number */
rac_str rac_json_type_name(const struct rac_json *v); /* "string", "integer", "number", ... */

#define RAC_JSON_EACH(elem, v)                                                                     \
    for (struct rac_json *elem = rac_json_at((v), 0),                                              \
                         *elem##_end = elem ? elem + rac_json_len(v) : NULL;                       \
         elem != NULL && elem < elem##_end; elem++)
#define RAC_JSON_EACH_MEMBER(m, v)                                                                 \
    for (struct rac_json_member *m = rac_json_member_at((v), 0),                                   \
                                *m##_end = m ? m + rac_json_len(v) : NULL;                         \
         m != NULL && m < m##_end; m++)

/* Deep equality; 1 and 1.0 are equal, order of keys does not matter. */
bool rac_json_equal(const struct rac_json *x, const struct rac_json *y);
/* Equal values have equal hashes; not for keeping, and not against an enemy. */
uint64_t rac_json_hash(const struct rac_json *v);
/* Two numbers by value, exactly: below 0, 0 or above 0. */
int rac_json_number_cmp(const struct rac_json *x, const struct rac_json *y);

/* --- pointers (RFC 6901) --------------------------------------------------------------------- */

struct rac_json *rac_json_pointer_get(const struct rac_json *root,
                                      rac_str pointer); /* NULL: none */
/* Creates missing objects on the way ("-" appends to an array). False when a step is impossible. */
bool rac_json_pointer_put(struct rac_arena *a, struct rac_json *root, rac_str pointer,
                          struct rac_json value);
/* Where a walk over a value is, from the inside out, on the C stack: a pointer is made of it only
 * when there is something to tell. */
struct rac_json_trail {
    const struct rac_json_trail *up; /* NULL: the outermost step */
    rac_str key;                     /* absent: index */
    size_t index;
};
/* prefix and the steps of at, which may be NULL, as one pointer in a. */
rac_str rac_json_trail_pointer(struct rac_arena *a, rac_str prefix,
                               const struct rac_json_trail *at);
rac_str rac_json_pointer_join(struct rac_arena *a, rac_str pointer, rac_str key); /* escapes key */
/* A key as a token of a pointer, "~" and "/" escaped: its size, and its bytes at out. */
size_t rac_json_pointer_token_bytes(rac_str key);
char *rac_json_pointer_token_write(char *out, rac_str key); /* one past the last byte */
rac_str rac_json_pointer_join_index(struct rac_arena *a, rac_str pointer, size_t i);
/* The pointer of a node inside root, found by address; absent when it is not inside. Slow. */
rac_str rac_json_pointer_of(struct rac_arena *a, const struct rac_json *root,
                            const struct rac_json *node);

/* --- building -------------------------------------------------------------------------------- */

static inline struct rac_json rac_json_of_null(void)
{
    return (struct rac_json){.type = RAC_JSON_NULL};
}
static inline struct rac_json rac_json_of_bool(bool b)
{
    return (struct rac_json){.type = RAC_JSON_BOOL, .b = b};
}
static inline struct rac_json rac_json_of_int(int64_t i)
{
    return (struct rac_json){.type = RAC_JSON_INT, .i = i};
}
static inline struct rac_json rac_json_of_double(double d)
{
    return (struct rac_json){.type = RAC_JSON_DOUBLE, .d = d};
}
static inline struct rac_json rac_json_of_str(rac_str s) /* by reference; s shorter than 4 GiB */
{
    RAC_ASSERT(s.n < UINT32_MAX);
    return (struct rac_json){.type = RAC_JSON_STRING, .n = (uint32_t)s.n, .s = s.p ? s.p : ""};
}
struct rac_json rac_json_new_array(struct rac_arena *a);
struct rac_json rac_json_new_object(struct rac_arena *a);
struct rac_json rac_json_new_object_n(struct rac_arena *a, size_t n); /* with room for n members */
/* Appends; returns the place, valid until the next change of that container. */
struct rac_json *rac_json_add(struct rac_arena *a, struct rac_json *array, struct rac_json v);
/* Sets or appends a member; key by reference. Returns the place. */
struct rac_json *rac_json_put(struct rac_arena *a, struct rac_json *object, rac_str key,
                              struct rac_json v);
/* Appends a member whose key the object does not have: the caller knows, nobody looks. */
struct rac_json *rac_json_add_new(struct rac_arena *a, struct rac_json *object, rac_str key,
                                  struct rac_json v);
#define RAC_JSON_PUT(a, o, lit, v)     rac_json_put((a), (o), RAC_S(lit), (v))
#define RAC_JSON_PUT_STR(a, o, lit, s) rac_json_put((a), (o), RAC_S(lit), rac_json_of_str(s))
bool rac_json_del(struct rac_json *object, rac_str key); /* true when it was there */
struct rac_json rac_json_copy(struct rac_arena *a,
                              const struct rac_json *v); /* deep; strings too */

/* --- printing -------------------------------------------------------------------------------- */

enum rac_json_print_flags {
    RAC_JSON_PRETTY = 1, /* two spaces, one member a line */
    RAC_JSON_ASCII = 2,  /* non-ASCII as \u escapes */
    RAC_JSON_SORTED = 4, /* keys by byte: canonical, for digests */
    RAC_JSON_FLOATS = 8, /* whole doubles keep ".0", so that they are read back as floats */
};
/* Numbers as they were spelt; doubles in the shortest form that reads back equal. Deterministic. */
void rac_json_print(const struct rac_json *v, unsigned flags, struct rac_buf *b);
rac_str rac_json_print_str(const struct rac_json *v, unsigned flags, struct rac_arena *a);
void rac_json_print_string(rac_str s, unsigned flags, struct rac_buf *b); /* with quotes */

#endif
