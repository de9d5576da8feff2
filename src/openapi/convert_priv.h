/*
 * openapi/convert_priv - what the converters share: where they are in a source, losses, names,
 * and the builder of apiProperties. Private to openapi/. One conversion, one thread.
 */
#ifndef RAC_OPENAPI_CONVERT_PRIV_H
#define RAC_OPENAPI_CONVERT_PRIV_H

#include "base/map.h"
#include "openapi/convert.h"
#include "openapi/rules.h"

/* One file of the source: the document itself, or a file a $ref named. */
struct rac_source {
    struct rac_document *doc;
    rac_str path;           /* relative to the directory of the main document; absent: main */
    struct rac_map anchors; /* 3.1: "$id", "#anchor" -> struct rac_json *; filled on demand */
    bool anchors_known;
};

/* Where we are in a source: a chain on the stack, printed as a pointer only when needed. */
struct rac_place {
    const struct rac_place *up; /* NULL: the chain starts at `base` */
    struct rac_source *source;
    rac_str base; /* pointer of the first link */
    rac_str key;  /* member name; absent: `index` counts */
    size_t index;
    const struct rac_json *node; /* what stands there; may be NULL */
    bool kept;                   /* lives in the arena, and so do all above it */
};

static inline struct rac_place rac_place_root(struct rac_source *src, rac_str base,
                                              const struct rac_json *node)
{
    return (struct rac_place){.source = src, .base = base, .node = node};
}
static inline struct rac_place rac_place_key(const struct rac_place *up, rac_str key,
                                             const struct rac_json *node)
{
    return (struct rac_place){.up = up, .source = up->source, .key = key, .node = node};
}
#define RAC_PLACE_KEY(up, lit, node) rac_place_key((up), RAC_S(lit), (node))
static inline struct rac_place rac_place_at(const struct rac_place *up, size_t i,
                                            const struct rac_json *node)
{
    return (struct rac_place){.up = up, .source = up->source, .index = i, .node = node};
}
/* The chain in the arena, for places that outlive the walk. */
const struct rac_place *rac_place_keep(struct rac_arena *a, const struct rac_place *at);
rac_str rac_place_pointer(const struct rac_place *at, struct rac_arena *a);

/* A loss that is reported once per import with a count: the first place counts. */
struct rac_once {
    size_t n;
    struct rac_diag first; /* code, pointer and place filled at the first one */
};

struct rac_convert_state {
    struct rac_arena *a;
    const struct rac_convert_options *o;
    struct rac_diags *losses;
    struct rac_source main;
    struct rac_json connection_parameters; /* object */
    struct rac_json sets;                  /* array: values of connectionParameterSets */
    struct rac_json *set;                  /* parameters of the set being made; NULL: common ones */
    bool optional;                         /* what is added now need not be filled in */
    struct rac_json policies;              /* array */
    struct rac_map operation_ids;          /* taken ids -> non-NULL */
    struct rac_map operation_numbers;      /* id -> the next number to try behind it */
    struct rac_map parameter_numbers;      /* the same for names of connection parameters */
    size_t tab_index;
};

void rac_convert_begin(struct rac_convert_state *c, struct rac_document *doc,
                       const struct rac_convert_options *o, struct rac_arena *a,
                       struct rac_diags *losses);

/* --- losses ------------------------------------------------------------------------------- */

/* Adds a loss of the rule's usual severity at a place. */
struct rac_diag *rac_loss(struct rac_convert_state *c, enum rac_rule_id rule,
                          const struct rac_place *at, const char *fmt, ...) RAC_PRINTF(4, 5);
void rac_once_note(struct rac_convert_state *c, struct rac_once *once, enum rac_rule_id rule,
                   const struct rac_place *at);
/* Adds it, if it happened, with the message "fmt"; the count is the caller's to print. */
void rac_once_report(struct rac_convert_state *c, const struct rac_once *once, const char *fmt, ...)
    RAC_PRINTF(3, 4);

/* --- names and texts ---------------------------------------------------------------------- */

rac_str rac_name_pascal(struct rac_arena *a, rac_str text); /* §2.3.7, without prefix and limit */
/*
 * An id nobody has yet, at most RAC_OPERATION_ID_MAX characters: `name` in PascalCase, else with
 * `more` (a folder) appended, else with _2, _3, ... Marks it as taken.
 */
enum { RAC_OPERATION_ID_MAX = 64 };
rac_str rac_operation_id_make(struct rac_convert_state *c, rac_str name, rac_str more);
/* Marks an id as taken; false when it was. */
bool rac_operation_id_take(struct rac_convert_state *c, rac_str id);
/* The first of id_2, id_3, ... that nobody has, id cut so that it is no longer than chars_max;
 * taken. Where the last search ended is remembered. */
rac_str rac_operation_id_number(struct rac_convert_state *c, rac_str id, size_t chars_max);
/* "GetUsersById" from "get" and "/users/{id}". */
rac_str rac_name_of_path(struct rac_arena *a, rac_str method, rac_str path);
rac_str rac_text_trim(rac_str s, size_t chars_max); /* blanks off, whole characters */
bool rac_name_looks_secret(rac_str name);           /* §2.3.4 */
/* username, password, token, api_key: what credentials are asked for by. */
bool rac_parameter_is_credential(rac_str name);
/* A name of a connection parameter: letters, digits, underscores, and not taken yet. */
rac_str rac_parameter_name(struct rac_convert_state *c, rac_str name);

/* What was written, in the arena; the buffer is finished. */
static inline rac_str rac_buf_finish(struct rac_buf *b, struct rac_arena *a)
{
    rac_str s = rac_buf_take(b, a);
    rac_buf_fini(b);
    return s;
}

/* --- small JSON helpers -------------------------------------------------------------------- */

struct rac_json rac_json_string_array(struct rac_arena *a, const rac_str *v, size_t n);
bool rac_json_array_has(const struct rac_json *array, rac_str s);
void rac_json_add_string_once(struct rac_arena *a, struct rac_json *array, rac_str s);
/* Adds the strings of list that array does not hold yet; array holds strings only. */
void rac_json_add_names(struct rac_arena *a, struct rac_json *array, const struct rac_json *list);
/* Copies member `key` of from to o when it is a string. */
void rac_json_copy_string(struct rac_arena *a, struct rac_json *o, const struct rac_json *from,
                          rac_str key);
/* A shallow copy: own list of members, shared values. */
struct rac_json rac_json_shallow(struct rac_arena *a, const struct rac_json *v);

/* --- properties ---------------------------------------------------------------------------- */

struct rac_connection_field {
    rac_str name, type; /* "string", "securestring" */
    rac_str display, description, default_value;
    bool required;
    const struct rac_json *allowed; /* array of strings, or NULL */
};
/* Where connection parameters are added now: the common ones, or those of a set. */
struct rac_json *rac_connection_target(struct rac_convert_state *c);
/* Adds a connection parameter there unless one of that name exists. */
void rac_connection_add(struct rac_convert_state *c, const struct rac_connection_field *f);

enum rac_oauth_flow { RAC_FLOW_CODE, RAC_FLOW_CLIENT, RAC_FLOW_PASSWORD };
struct rac_oauth_spec {
    enum rac_oauth_flow grant;
    rac_str authorization_url, token_url, refresh_url; /* may hold {name}: companion parameters */
    const struct rac_json *scopes;                     /* array of strings, or NULL */
};
void rac_connection_basic(struct rac_convert_state *c);
void rac_connection_api_key(struct rac_convert_state *c, rac_str name, rac_str display,
                            rac_str description);
void rac_connection_oauth(struct rac_convert_state *c, const struct rac_oauth_spec *s);

/* Adds a policy; operations NULL or empty: all of them. Returns its parameters object. */
struct rac_json *rac_policy_add(struct rac_convert_state *c, rac_str template_id, rac_str title,
                                const struct rac_json *operations);
void rac_policy_host(struct rac_convert_state *c, rac_str url_template,
                     const struct rac_json *operations);
/* Authorization: Bearer <value of the connection parameter>. */
void rac_policy_bearer(struct rac_convert_state *c, rac_str parameter,
                       const struct rac_json *operations);

struct rac_json rac_properties_build(struct rac_convert_state *c);

/* --- URLs ---------------------------------------------------------------------------------- */

struct rac_convert_url {
    rac_str scheme;   /* as written; absent: none */
    rac_str userinfo; /* without '@'; absent: none */
    rac_str host;     /* with port; may be empty */
    rac_str path;     /* from the first '/'; may be empty */
    rac_str query;    /* without '?'; absent: none */
    rac_str fragment; /* without '#'; absent: none */
};
/* Splits "scheme://user@host:port/path?query#fragment"; braces are ordinary characters. */
void rac_convert_url_split(rac_str url, struct rac_convert_url *out);
bool rac_convert_host_ok(rac_str host); /* §2.2 */
/* The path, resolved against base (an absolute URL) as browsers do; absolute URLs as they are. */
rac_str rac_convert_url_resolve(struct rac_arena *a, rac_str base, rac_str url);

/* --- the converters ------------------------------------------------------------------------ */

rac_err rac_convert_postman(struct rac_convert_state *c, struct rac_json *definition);
rac_err rac_convert_openapi3(struct rac_convert_state *c, struct rac_json *definition);
/* *changed tells whether anything had to be. */
rac_err rac_convert_swagger2(struct rac_convert_state *c, struct rac_json *definition,
                             bool *changed);

/* Connection parameters and policies for securityDefinitions/security of a definition. */
void rac_connections_from_definition(struct rac_convert_state *c,
                                     const struct rac_json *definition);

#endif
