/* schema - what its files share: the compiled form, the compiler and the run. Private to json/. */
#ifndef RAC_JSON_SCHEMA_PRIV_H
#define RAC_JSON_SCHEMA_PRIV_H

#include "json/schema.h"
#include "base/map.h"

enum { SCHEMA_RUN_DEPTH_MAX = 2000 }; /* schemas applied inside schemas */

struct schema_node;
struct schema_pattern;
struct run;

enum keyword_drafts { KEYWORD_D4 = 1, KEYWORD_D7 = 2 };
enum keyword_types {
    KEYWORD_NUMBER = 1,
    KEYWORD_STRING = 2,
    KEYWORD_ARRAY = 4,
    KEYWORD_OBJECT = 8,
    KEYWORD_ANY = 31, /* with null and booleans */
};
enum keyword_subschemas {
    SUB_NONE,
    SUB_ONE,
    SUB_LIST,
    SUB_MAP,
    SUB_ONE_OR_LIST,
    SUB_DEPENDENCIES,
};

/* One keyword of one schema, compiled. What a field means is said by the keyword. */
struct check {
    const struct keyword *k;
    const struct rac_json *arg;
    struct schema_node *sub, *other, *third;
    struct schema_node **subs; /* one for each element or member of arg */
    struct schema_pattern **patterns;
    const struct rac_json *names; /* patternProperties: its object */
    struct schema_node **names_subs;
    size_t n;
    bool flag;
};

struct compiler;
/* False: nothing to check; the compiler's err says whether that is an error. */
typedef bool (*keyword_compile)(struct compiler *c, struct schema_node *n, struct check *k);
/* False: violated, and reported. */
typedef bool (*keyword_check)(struct run *r, const struct check *k, const struct rac_json *v,
                              const struct rac_json_trail *at);

struct keyword {
    rac_str name;
    unsigned drafts;
    enum keyword_subschemas subschemas;
    unsigned types;
    keyword_compile compile;
    keyword_check check;
};
extern const struct keyword schema_keywords[];
extern const size_t schema_keywords_n;

/* A schema: one place of one document. */
struct schema_node {
    const struct rac_json *json; /* its address is its identity and its key in the map */
    rac_str base;                /* what relative references start from */
    enum rac_schema_draft draft;
    bool queued;
    bool nothing; /* false: no value is allowed */
    bool nullable;
    struct schema_node *ref;
    struct check *checks;
    size_t checks_n;
    struct schema_node *next; /* in the compiler's queue */
    struct schema_node *walk; /* where the walk along references that came by here began */
};

struct rac_schema {
    struct schema_node *root;
    bool formats;
    size_t steps_max;
    unsigned pattern_steps_max;
};

/* A document that references can reach, with its ids known. */
struct compiler {
    struct rac_arena *a;
    const struct rac_schema_options *o;
    struct rac_diags *diags;
    const struct rac_json *root; /* of the document compiled, for the pointers of diagnostics */
    struct rac_map nodes;        /* address -> schema_node */
    struct rac_map by_uri;       /* absolute URI, "#anchor" included -> schema_node */
    struct schema_node *queue;
    rac_err err;
    unsigned pattern_steps_max;
};

/* The schema at that place, queued to be compiled. */
struct schema_node *schema_need(struct compiler *c, const struct schema_node *parent,
                                const struct rac_json *json);
/* The schema itself is wrong there. Swagger 2: a warning, and the keyword is ignored. Always false,
 * for compile functions to return. */
bool schema_wrong(struct compiler *c, const struct schema_node *n, const char *fmt, ...)
    RAC_PRINTF(3, 4);

/* --- running --------------------------------------------------------------------------------- */

struct run {
    const struct rac_schema *s;
    struct rac_diags *found; /* NULL: stop at the first violation */
    unsigned quiet;          /* inside anyOf and the like: violations are not reported */
    unsigned depth;
    size_t steps;
    size_t pattern_steps; /* that are left for patterns */
    rac_err err;
};

bool schema_run(struct run *r, const struct schema_node *n, const struct rac_json *v,
                const struct rac_json_trail *at);
/* A violation; always false. */
bool schema_violated(struct run *r, const struct check *k, const struct rac_json_trail *at,
                     const char *fmt, ...) RAC_PRINTF(4, 5);
/* Counts work; false past the cap. */
bool schema_steps(struct run *r, size_t n);

/* --- patterns and formats -------------------------------------------------------------------- */

/* An ECMA 262 pattern compiled by PCRE2, released with the arena. NULL, with *why, when it is none.
 */
struct schema_pattern *schema_pattern_compile(struct rac_arena *a, rac_str pattern, rac_str *why);
/* What a match took: items of the pattern entered, and characters that items ran over. */
struct schema_pattern_work {
    size_t steps, scanned;
};
/* RAC_E_LIMIT when it takes more steps than allowed from one start, or more than *budget, from which
 * they are taken; a few steps for each byte of s are free. *work, set whatever the outcome: NULL is
 * fine. */
rac_err schema_pattern_match(const struct schema_pattern *p, rac_str s, unsigned steps_max,
                             size_t *budget, struct schema_pattern_work *work, bool *matches);

/* Whether v has the format; unknown formats and values of another type always do. */
bool schema_format_ok(rac_str format, const struct rac_json *v, bool swagger);

/* The documents every schema may refer to: the meta-schemas of the drafts, in our words. NULL: not
 * one of them. */
const char *schema_meta_text(rac_str uri);

#endif
