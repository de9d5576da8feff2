/* check_priv - nodes, places and helpers of the check; for the files of this folder only. */
#ifndef RAC_WORKFLOW_CHECK_PRIV_H
#define RAC_WORKFLOW_CHECK_PRIV_H

#include "base/map.h"
#include "expr/expr.h"
#include "workflow/check/check.h"
#include "workflow/template/template.h"

/* --- places ----------------------------------------------------------------------------------- */

/* Where we are in the document, on the stack; a pointer is made of it only for a finding. */
struct at {
    const struct at *up;         /* NULL: key is a whole pointer */
    const struct rac_json *node; /* the value there, or what is nearest to it */
    rac_str key;
    uint32_t index;
    bool is_index;
    bool is_pointer; /* key is a pointer below up */
};
#define AT_POINTER(p, n)                                                                           \
    (struct at)                                                                                    \
    {                                                                                              \
        .key = (p), .node = (n)                                                                    \
    }
#define AT_KEY(u, k, n)                                                                            \
    (struct at)                                                                                    \
    {                                                                                              \
        .up = (u), .key = (k), .node = (n)                                                         \
    }
#define AT_INDEX(u, i, n)                                                                          \
    (struct at)                                                                                    \
    {                                                                                              \
        .up = (u), .index = (uint32_t)(i), .is_index = true, .node = (n)                           \
    }

/* --- findings --------------------------------------------------------------------------------- */

enum finding {
#define FINDING(ID, id, code, severity, title, text, fix) F_##ID,
#include "workflow/check/findings.def"
#undef FINDING
    FINDINGS
};

/* --- the definition --------------------------------------------------------------------------- */

enum children {
    NO_CHILDREN,
    CHILDREN_BODY,   /* actions */
    CHILDREN_IF,     /* actions, else.actions */
    CHILDREN_SWITCH, /* cases.*.actions, default.actions */
    CHILDREN_AGENT,  /* tools.*.actions */
    CHILDREN_ANY,    /* an unknown type: all of these */
};

/* What a type of action takes; types.def. */
enum {
    TAKES_CHUNKS = 1,
    TAKES_PAGES = 2,
    TAKES_RETRY = 4,
    TAKES_CALLBACK = 8,   /* webhook: listCallbackUrl() and, in unsubscribe, action() */
    INPUTS_OPTIONAL = 16, /* absent inputs are fine */
    INPUTS_DRAFT = 32,    /* absent inputs: the designer has not got to it yet */
    INPUTS_NONE = 64,     /* a container */
    UNSUPPORTED = 128,    /* §3.23 */
    IS_CONNECTOR = 256,   /* authentication is dropped unevaluated (§6.3) */
    PER_ITEM = 512,       /* item() inside inputs */
    KEEPS_STATE = 1024,   /* not in a stateless workflow */
};

enum type {
#define TYPE(ID, name, children, flags, shape) A_##ID,
#include "workflow/check/types.def"
#undef TYPE
    A_UNKNOWN
};

struct shape;
struct type_row {
    rac_str name;
    enum children children;
    unsigned flags;
    const struct shape *shape; /* of inputs; NULL: anything */
};
extern const struct type_row type_rows[A_UNKNOWN + 1];
enum type type_of(rac_str word);

enum { NOBODY = UINT32_MAX };

struct node { /* an action */
    rac_str name, type_word;
    const struct rac_json *v;
    rac_str pointer;
    enum type type;
    uint32_t parent;    /* action it stands in, or NOBODY */
    uint32_t container; /* and the list of actions */
    uint32_t order;     /* place in its container */
    uint32_t depth;     /* 1: at the root */
    uint32_t *after;    /* places of what it waits for */
    uint32_t after_n;
};

struct container {  /* one `actions` object */
    uint32_t owner; /* action, or NOBODY */
    uint32_t *nodes, n;
    uint64_t *before; /* bit per pair: row waits for column, directly or not; n * words */
    uint32_t words;
};

struct variable {
    rac_str name, type;
    uint32_t *makers; /* actions at the root that initialize it */
    uint32_t makers_n;
};

struct check {
    const struct rac_workflow *w;
    const struct rac_workflow_check_options *o;
    struct rac_arena *a;
    struct rac_diags *d;
    bool failed;       /* an error was reported */
    bool draft;        /* some action has no inputs yet */
    size_t unfinished; /* how many */
    bool circles;      /* the order of actions is not known */
    bool transitions;  /* it is given by them, not by runAfter (§3.24) */
    bool old;          /* $schema is 2015-08-01-preview */
    struct node *nodes;
    uint32_t nodes_n, nodes_cap;
    struct container *containers;
    uint32_t containers_n, containers_cap;
    struct rac_map actions;    /* lower-case name -> place + 1 */
    struct rac_map triggers;   /* lower-case name -> the trigger */
    struct rac_map parameters; /* lower-case name -> its declaration */
    struct rac_map variables;  /* lower-case name -> struct variable */
    struct rac_map mistyped;   /* address of a value whose type was reported */
    const char *noun;          /* "action", "trigger"; NULL: the definition */
    rac_str name;              /* of the action or trigger being checked */
    const struct rac_json *subject;
};

/* Reports what is said, as it is said. */
void found(struct check *c, enum finding f, const struct at *at, const char *fmt, ...)
    RAC_PRINTF(4, 5);
/* The same inside of "The template action 'X' at line 'l' and column 'c' is not valid: "…"". */
void wrong(struct check *c, enum finding f, const struct at *at, const char *fmt, ...)
    RAC_PRINTF(4, 5);

/* --- values ----------------------------------------------------------------------------------- */

/* Nobody knows it (a template) or it is not there; null is not there. */
bool is_absent(const struct rac_json *v);
bool is_unknown(const struct rac_json *v);
/* A string that is not its own value: "@…" or with "@{…}" in it. */
bool is_dynamic(const struct rac_json *v);
/* Not known before the workflow runs: dynamic or unknown. */
bool is_open(const struct rac_json *v);
/* A string that is written out, in *s. */
bool is_literal(const struct rac_json *v, rac_str *s);
/* Whether a text with holes can become one of the words of "A|B|C" / a whole number / a duration,
 * whatever stands in the holes. Letter case ignored. */
bool fits_words(rac_str text, const char *words);
bool fits_characters(rac_str text, const char *characters);
bool is_duration(rac_str s);
bool whole_number(const struct rac_json *v, int64_t *i); /* or a text of one */
size_t characters(rac_str s);
/* Literal of a parameter's or output's type? */
bool value_has_type(const struct rac_json *v, rac_str type);
#define PARAMETER_TYPES "String|SecureString|Int|Float|Bool|Array|Object|SecureObject"

/* --- shapes: which members objects have (shapes.def) ------------------------------------------ */

enum { T_STR = 1, T_INT = 2, T_NUM = 4, T_BOOL = 8, T_ARR = 16, T_OBJ = 32, T_ANY = 64 };
enum {
    REQUIRED = 1,
    USUAL = 2, /* another word is unusual, not wrong */
};

struct member_row {
    const char *name;
    uint8_t types, flags;
    const char *words;         /* "A|B|C": one of these; NULL: any */
    const struct shape *shape; /* of an object or of each element */
};
struct shape {
    const struct member_row *rows;
    size_t n;
    bool closed; /* other members are wrong */
};
#define SHAPE(id, closed) extern const struct shape shape_##id;
#define ROW(...)
#define END(id)
#include "workflow/check/shapes.def"
#undef SHAPE
#undef ROW
#undef END

void check_shape(struct check *c, const struct shape *s, const struct at *at);
/* True when v is of one of the types, or may be; reports otherwise. */
bool check_type(struct check *c, unsigned types, const struct at *at);
/* member of at: absent gives false; wrong type is reported and gives false; open values false. */
bool take_member(struct check *c, const struct at *at, rac_str name, unsigned types,
                 struct at *out);

/* --- parts ------------------------------------------------------------------------------------ */

/* "A|B|C" as "A, B or C", in a. */
rac_str choice(struct check *c, const char *words);

void check_root(struct check *c); /* schema, version */
void check_triggers(struct check *c);
void check_graph(struct check *c);      /* nodes, names, runAfter, order */
void check_variables(struct check *c);  /* who initializes what */
void check_parameters(struct check *c); /* declarations and values */
void check_action(struct check *c, uint32_t i);
void check_outputs(struct check *c);
void check_static_results(struct check *c);
void check_access(struct check *c);
void check_retry(struct check *c, const struct at *inputs);
/* What another reader found in the value at at, with pointers below it. */
void pass_on(struct check *c, const struct rac_diags *d, const struct at *at, enum finding error,
             enum finding warning);
void check_description(struct check *c, const struct at *at);
void check_old(struct check *c, const struct at *at); /* shapes of 2015-08-01-preview (§1.1) */
void check_runtime(struct check *c, const struct at *at, const struct node *x);
void check_call(struct check *c, rac_str type, const struct at *inputs); /* connectors */

/* The expressions of a value. where: what may be referred to there. */
struct place {
    uint32_t action;       /* whose inputs they are; NOBODY: a trigger, or the outputs */
    bool trigger, outputs; /* which of the two */
    bool tracked;          /* trackedProperties */
    bool until;            /* the expression of an Until: its actions have run */
    bool item;             /* item() is an element of a data operation */
    bool callback;         /* listCallbackUrl() has a value */
    bool current;          /* so has action() */
    rac_str sets;          /* the variable that gets the value */
};
void check_expressions(struct check *c, const struct place *p, const struct at *at);
bool has_expression_error(struct check *c, const struct at *at);

/* Y waits for X? Both in one container. */
bool comes_before(const struct check *c, uint32_t earlier, uint32_t later);
void check_options(struct check *c, const struct at *at, const char *owner);
void check_limit(struct check *c, const struct at *at, enum type type);
void check_tracked(struct check *c, const struct place *p, const struct at *at);
/* The inputs of a call: all but the authentication of a connector, which is dropped (§6.3). */
void check_inputs(struct check *c, const struct place *p, const struct at *inputs, unsigned flags);
/* What the shapes of calls cannot say: authentication, retry policies, addresses, hosts. */
void check_http(struct check *c, const struct at *inputs);
void check_webhook(struct check *c, const struct at *inputs);
void check_connector_host(struct check *c, const struct at *inputs);
bool in_loop(const struct check *c, uint32_t action);

#endif
