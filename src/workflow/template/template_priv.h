/*
 * template_priv - evaluating the expressions of a template; for template*.c only.
 *
 * A value that cannot be known says why: it is a null with RAC_WF_UNKNOWN in its flags and a
 * sentence. It goes where values go, into lists and objects too, and matters only where it is used.
 */
#ifndef RAC_WORKFLOW_TEMPLATE_PRIV_H
#define RAC_WORKFLOW_TEMPLATE_PRIV_H

#include "base/map.h"
#include "workflow/template/template.h"

enum {
    TEMPLATE_ARGS_MAX = 1000,
    TEMPLATE_LIST_MAX = 10000, /* of range(), of a copy */
    TEMPLATE_LOOP_MAX = 800,   /* instances of a resource, as many as a deployment may have */
    TEMPLATE_WIDTH_MAX = 10000,
    TEMPLATE_LEVELS_MAX = 1500, /* of objects and lists: what walks a value calls itself for each */
    TEMPLATE_LAMBDA = 0x20,     /* flag of a string that is the text of a lambda */
    TEMPLATE_REFUSED = 0x20,    /* flag of an unknown: a value that its parameter may not have, told
                                   of where that is declared */
    TEMPLATE_USED = 0x10,       /* flag of such a one: somebody asked for it */
    TEMPLATE_PLACED = 0x08,     /* flag of what is remembered: it depends on where this is */
};

/* What names mean: one for each template, one for each call of a function of its own. */
struct scope {
    const struct rac_json *root;     /* the template */
    void *source;                    /* where it was linked from; NULL: the first */
    const struct rac_json *given;    /* parameters: {name: {value}}, literals when outer is NULL */
    struct scope *outer;             /* of a nested deployment: where `given` is resolved */
    const struct rac_json *declared; /* parameters */
    struct rac_map values;           /* "p:name", "v:name", "d:name" -> value, once evaluated */
    struct rac_json arguments;       /* of a function: name -> value; NONE: a template */
};

/* What a lambda calls its arguments, innermost first; lives while it is evaluated. */
struct binding {
    const struct binding *up;
    rac_str name;
    const struct rac_json *v;
};

struct resolver {
    struct rac_arena *a;
    struct scope *scope;
    unsigned depth, levels; /* of expressions; of objects and lists */
    int64_t budget;         /* nodes and bytes that may still be looked at */
    const char *broken;     /* why the expression at hand cannot be read */
    int64_t copy[16];       /* current index of each loop */
    rac_str copy_name[16];
    size_t copies;
    size_t
        placed; /* values taken from where the template is deployed, which here is no real place */
    const struct binding *bound;
    const struct rac_template_links *links; /* NULL: none is read */
    void (*unknown)(void *arg, const struct rac_template_value *v);
    void *arg;
};

struct arguments {
    rac_str name; /* of the function */
    struct rac_json *v;
    size_t n;
};

typedef struct rac_json (*template_function)(struct resolver *r, const struct arguments *x);

/* --- values (expr.c) -------------------------------------------------------------------------- */

struct rac_json unknown_because(struct resolver *r, const char *why); /* keeps why */
struct rac_json unknown_becausef(struct resolver *r, const char *fmt, ...) RAC_PRINTF(2, 3);
bool value_is_unknown(const struct rac_json *v);
/* Takes what looking at all of v costs; false: there is too much of it, or it is too deep. */
bool affordable(struct resolver *r, const struct rac_json *v);
bool affordable_bytes(struct resolver *r, size_t n);
/* The value of any part of a template; pointer absent: quietly. */
struct rac_json resolve(struct resolver *r, const struct rac_json *v, rac_str pointer);
/* The value of the text of an expression, without its brackets. */
struct rac_json template_value_of(struct resolver *r, rac_str text);
/* Reads the next argument of a lambda that is a name, and the comma behind it. False: it is not. */
bool template_take_name(struct resolver *r, rac_str *text, rac_str *name);
/* Tells that v, at pointer, came to an unknown; unless that is told of elsewhere, or pointer is absent. */
void template_tell(struct resolver *r, const struct rac_json *v, const struct rac_json *unknown,
                   rac_str pointer);

/* --- functions (functions.c) ------------------------------------------------------------------ */

/* Looks up or makes the value of a name, once; prefix says of what kind the name is. */
struct rac_json template_remembered(struct resolver *r, const char *prefix, rac_str name,
                                    struct rac_json (*make)(struct resolver *r, struct scope *s,
                                                            rac_str name));
/* The same of a parameter of the template at hand: what is kept, to be marked. */
struct rac_json *template_parameter(struct resolver *r, rac_str name);
/* The list that a copy {name, count, input} makes. */
struct rac_json template_copy(struct resolver *r, const struct rac_json *copy);
struct rac_json template_call(struct resolver *r, rac_str name, struct arguments *x);
/* A function of the workflow language. */
struct rac_json template_shared(struct resolver *r, const char *name, const struct rac_json *v,
                                size_t n);
/* NONE: v is known to its last part; else why it is not. */
struct rac_json template_missing(struct resolver *r, const struct rac_json *v);
/* A value as text; the text as a value, unless it is too long. */
rac_str template_text(struct resolver *r, const struct rac_json *v);
struct rac_json template_string(struct resolver *r, rac_str s);
/* Characters as the language counts them, and a part by them. */
size_t template_length(struct resolver *r, const struct rac_json *string);
struct rac_json template_part(struct resolver *r, const struct rac_json *string, size_t from,
                              size_t n);

/* --- what a declaration permits (declared.c) ----------------------------------------------------- */

/* A value, by how it came about. */
struct origin {
    bool literal; /* somebody wrote it: it may be shown, unless it is secure */
    bool placed;  /* it depends on where the template is deployed: its type counts only */
};
/* v, if the parameter declared as p may have it; else an unknown that says why. */
struct rac_json template_permitted(struct resolver *r, const struct rac_json *p, rac_str name,
                                   struct rac_json v, struct origin from);
/* Text in brackets, which is an expression. */
bool template_is_expression(const struct rac_json *v);

/* --- deployments inside of a template (nested.c) ---------------------------------------------- */

bool template_is_deployment(const struct rac_json *resource);
/* The template of a deployment: written in it, or linked to. */
struct nested {
    const struct rac_json *root; /* NULL: there is none; else perhaps no object */
    const struct rac_json *link; /* NULL: it is written in it */
    void *source;
    const char *why; /* a linked one is not read; NULL: it is */
};
void template_nested(struct resolver *r, const struct rac_json *resource, struct nested *out);
/* What names mean inside of it; in the arena. */
struct scope *template_nested_scope(struct resolver *r, const struct rac_json *resource,
                                    const struct nested *n);

#define FN(name, min, max, fn, args)                                                               \
    struct rac_json fn(struct resolver *r, const struct arguments *x);
#include "workflow/template/functions.def"

#endif
