/*
 * openapi/check, private: what the files of the checker share.
 *
 * The checker walks the tree once. Where it stands is a chain of `struct where` on the C stack;
 * a JSON pointer is written out only when something is found there. What a definition looks like
 * after `$ref` expansion (size, depth) is measured once for each definition.
 */
#ifndef RAC_OPENAPI_CHECK_PRIV_H
#define RAC_OPENAPI_CHECK_PRIV_H

#include "base/map.h"
#include "openapi/check.h"

/* --- where we are -------------------------------------------------------------------------- */

struct where {
    const struct where *up; /* NULL: the root */
    rac_str key;
    uint32_t index;
    bool is_index;
    bool is_pointer; /* key is a whole pointer */
};

#define AT_KEY(u, k)                                                                               \
    (struct where)                                                                                 \
    {                                                                                              \
        .up = (u), .key = (k)                                                                      \
    }
#define AT_LIT(u, lit) AT_KEY(u, RAC_S(lit))
#define AT_INDEX(u, i)                                                                             \
    (struct where)                                                                                 \
    {                                                                                              \
        .up = (u), .index = (uint32_t)(i), .is_index = true                                        \
    }
#define AT_POINTER(p)                                                                              \
    (struct where)                                                                                 \
    {                                                                                              \
        .key = (p), .is_pointer = true                                                             \
    }

/* --- keywords ------------------------------------------------------------------------------- */

enum { /* JSON types a value may have */
       T_STR = 1,
       T_NUM = 2,
       T_INT = 4, /* a whole number */
       T_BOOL = 8,
       T_ARR = 16,
       T_OBJ = 32,
       T_NULL = 64,
       T_ANY = 127,
};

enum keyword {
#define KW(name, text)                 KW_##name,
#define NEWER(name, text)              KW_##name,
#define EXT(name, text, types, effect) KW_##name,
#include "openapi/keywords.def"
#undef KW
#undef NEWER
#undef EXT
    KW_N,
    KW_UNKNOWN = KW_N,
};

/* Kinds of objects; which keys each may have is in check_keys.c. */
enum kind {
    KIND_ROOT,
    KIND_INFO,
    KIND_CONTACT,
    KIND_LICENSE,
    KIND_EXTERNAL_DOCS,
    KIND_TAG,
    KIND_PATH_ITEM,
    KIND_OPERATION,
    KIND_BODY_PARAM,
    KIND_PARAM,
    KIND_ITEMS,
    KIND_RESPONSE,
    KIND_HEADER,
    KIND_SCHEMA,
    KIND_XML,
    KIND_SCHEME,
    KIND_NOTIFICATION,
    KIND_N,
};

/* The members of one object by keyword. m[k] is set only where the bit of k is. */
struct members {
    uint64_t has[(KW_N + 63) / 64];
    const struct rac_json_member *m[KW_N];
};

static inline bool has_member(const struct members *s, enum keyword k)
{
    return (s->has[k >> 6] >> (k & 63)) & 1;
}
static inline const struct rac_json *member_value(const struct members *s, enum keyword k)
{
    return has_member(s, k) ? &s->m[k]->value : NULL;
}

/* Keys that say something about values: type's facets, enum, default, visibility. */
extern uint64_t rac_check_value_keys[(KW_N + 63) / 64];
static inline bool rac_check_has_values(const struct members *s)
{
    for (size_t i = 0; i < (KW_N + 63) / 64; i++)
        if ((s->has[i] & rac_check_value_keys[i]) != 0)
            return true;
    return false;
}

/* --- the check ------------------------------------------------------------------------------ */

/* How a finding is judged (connectors.md §9.4). */
enum level {
    LV_TABLE,  /* as the rule's row says */
    LV_REFUSE, /* error in both profiles */
    LV_E,      /* E and C: a warning at registration, an error for certification */
    LV_W,      /* a warning in both */
};

struct measure {
    uint32_t nodes, depth; /* after expansion, saturating */
    bool open;             /* being measured: a circle */
};

struct check {
    const struct rac_check_input *in;
    struct rac_document *doc;
    struct rac_api *api;
    const struct rac_json *root;
    struct rac_diags *d;
    struct rac_arena *a;
    enum rac_profile profile;
    rac_str file;                       /* base name of the definition, for findings */
    const struct rac_api_operation *op; /* being checked, or NULL */
    struct rac_map measures;            /* address of a definition -> struct measure */
    struct rac_map inputs;              /* definitions already checked as part of a body */
    struct rac_map strange;             /* unknown key -> the name it nearly is, or "" */
    struct rac_map families;            /* x-ms-api-annotation.family -> struct family */
    struct rac_map revisions;           /* "family revision" -> operation */
    bool preview;                       /* the connector's status is not Production */
    bool has_delete;                    /* some operation is a DELETE */
};

/*
 * Reports. text holds {} for each argument, clipped when long. node or key say where it stands; the
 * pointer is that of at.
 */
void rac_check_found(struct check *c, enum rac_rule_id rule, enum level level,
                     const struct where *at, const struct rac_json *node,
                     const struct rac_json_member *key, const char *text, const rac_str *args);

#define FIND_AS(c, rule, level, at, node, text, ...)                                               \
    rac_check_found((c), RAC_RULE_##rule, (level), (at), (node), NULL, (text),                     \
                    (const rac_str[]){__VA_ARGS__ __VA_OPT__(, ) RAC_STR_NULL})
#define FIND(c, rule, at, node, text, ...)                                                         \
    FIND_AS(c, rule, LV_TABLE, at, node, text __VA_OPT__(, ) __VA_ARGS__)
#define FIND_KEY(c, rule, level, at, member, text, ...)                                            \
    rac_check_found((c), RAC_RULE_##rule, (level), (at), NULL, (member), (text),                   \
                    (const rac_str[]){__VA_ARGS__ __VA_OPT__(, ) RAC_STR_NULL})

/* Collects the members of an object; reports unknown keys and wrong types (DOC-03, -04, -09). */
void rac_check_members(struct check *c, enum kind kind, const struct rac_json *node,
                       const struct where *at, struct members *out);
enum keyword rac_check_keyword(rac_str key);
const char *rac_check_keyword_text(enum keyword k);
/* Reports the members of a map that may hold anything but other than x- keys as values' names. */
void rac_check_extension_name(struct check *c, const struct rac_json_member *m,
                              const struct where *at);

/* A string member, absent otherwise. */
rac_str rac_check_str(const struct members *s, enum keyword k);

/* References: reports REF-01 and REF-02, answers the target or NULL. */
enum ref_place { REF_SCHEMA, REF_PARAMETER, REF_RESPONSE };
const struct rac_json *rac_check_ref(struct check *c, const struct rac_json *node,
                                     const struct where *at, enum ref_place place);

/* Schemas. */
enum schema_place {
    IN_DEFINITIONS,
    IN_BODY,
    IN_RESPONSE,
    IN_NOTIFICATION,
};
enum schema_role { ROLE_ROOT, ROLE_PROPERTY, ROLE_ITEMS, ROLE_PART, ROLE_ADDITIONAL };

struct schema_context {
    enum schema_place place;
    enum schema_role role;
    bool required; /* a property its parent requires */
    rac_str name;  /* of a property */
};

struct measure rac_check_schema(struct check *c, const struct rac_json *node,
                                const struct where *at, const struct schema_context *ctx);
/* What a schema amounts to after expansion; remembered by address. */
struct measure rac_check_measure(struct check *c, const struct rac_json *schema);
void rac_check_required_loops(struct check *c);

/* --- check_values.c: what schemas, parameters, items and headers have in common --------------- */

/* What items, headers and parameters that are no bodies have to say. */
void rac_check_simple(struct check *c, const struct members *s, const struct rac_json *node,
                      const struct where *at);
/* enum, default, bounds, pattern, format, visibility. */
void rac_check_values(struct check *c, const struct members *s, const struct where *at,
                      rac_str type);
bool rac_check_is_type(rac_str type); /* a type of OpenAPI 2.0 */
void rac_check_unknown_type(struct check *c, const struct members *s, const struct where *at,
                            rac_str type);
/* Defaults and examples that look like credentials (SEC-03). */
void rac_check_secret(struct check *c, const struct members *s, const struct where *at,
                      rac_str name);
/* True unless the value is plainly of another type than the one named. */
bool rac_check_value_fits(const struct rac_json *v, rac_str type, bool nullable);
/* A list without repetition (DOC-08). */
void rac_check_distinct(struct check *c, const struct rac_json *list, const struct where *at);
/* The values of a list that is asked often: a map once it is long. */
struct check_set {
    const struct rac_json *list;
    struct rac_map map;
    bool mapped;
};
void rac_check_set_init(struct check *c, struct check_set *set, const struct rac_json *list);
bool rac_check_set_has(struct check *c, const struct check_set *set, const struct rac_json *v);

void rac_check_paths(struct check *c);
/* The schema of a body, of a response: what it amounts to. */
struct measure rac_check_parameter(struct check *c, const struct rac_json *node,
                                   const struct where *at);
struct measure rac_check_response(struct check *c, const struct rac_json *node,
                                  const struct where *at);
void rac_check_operation(struct check *c, const struct rac_api_operation *op,
                         const struct where *at);
/* Counts the bodies of a list of parameters and reports repetitions; each is checked. */
size_t rac_check_parameter_list(struct check *c, const struct rac_json *list,
                                const struct where *at, struct measure *bodies);
void rac_check_media_types(struct check *c, const struct rac_json *list, const struct where *at);
void rac_check_schemes(struct check *c, const struct rac_json *list, const struct where *at);

void rac_check_security(struct check *c);
void rac_check_requirements(struct check *c, const struct rac_json *list, const struct where *at);

/* The dynamic extensions of a node (parameter or schema). in_param: directly on a parameter. */
void rac_check_dynamic(struct check *c, const struct members *s, const struct where *at,
                       bool on_body_param);
void rac_check_capabilities(struct check *c, const struct rac_json *node, const struct where *at);
void rac_check_context(struct check *c, const struct rac_json *node, const struct where *at);
void rac_check_trigger(struct check *c, const struct members *op, const struct where *at);

/* Texts. */
enum { WORDS_PRODUCTS = 1, WORDS_TITLE = 2, WORDS_API = 4 };
/* The first restricted word in s, as a whole word in any letter case; absent when there is none. */
rac_str rac_check_restricted_word(rac_str s, unsigned sets);
bool rac_check_is_latin(rac_str s);
bool rac_check_is_absolute_url(rac_str s);

#endif
