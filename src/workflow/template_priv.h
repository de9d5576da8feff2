/* template_priv - evaluating the expressions of a template; for template*.c only. */
#ifndef RAC_WORKFLOW_TEMPLATE_PRIV_H
#define RAC_WORKFLOW_TEMPLATE_PRIV_H

#include "base/map.h"
#include "workflow/template.h"

enum { TEMPLATE_ARGS_MAX = 64 };

/* What names mean: one for each template, one for each call of a function of its own. */
struct scope {
    const struct rac_json *root;     /* the template */
    const struct rac_json *given;    /* parameters of a nested deployment: {name: {value}} */
    struct scope *outer;             /* where `given` is resolved */
    const struct rac_json *declared; /* parameters */
    struct rac_map values;           /* "p:name", "v:name" -> value, once evaluated */
    struct rac_json arguments;       /* of a function: name -> value; NONE: a template */
};

struct resolver {
    struct rac_arena *a;
    struct scope *scope;
    unsigned depth, levels; /* of expressions; of objects and lists */
    int64_t budget;         /* nodes and bytes that may still be looked at */
    const char *why;        /* why the value at hand cannot be known */
    int64_t copy[8];        /* current index of each loop */
    rac_str copy_name[8];
    size_t copies;
    void (*unknown)(void *arg, const struct rac_template_value *v);
    void *arg;
};

struct arguments {
    struct rac_json v[TEMPLATE_ARGS_MAX];
    size_t n;
};

struct rac_json unknown_because(struct resolver *r, const char *why);
bool value_is_unknown(const struct rac_json *v);
/* Takes what looking at all of v costs; false: there is too much of it. */
bool affordable(struct resolver *r, const struct rac_json *v);
bool affordable_bytes(struct resolver *r, size_t n);
/* The value of any part of a template; pointer absent: quietly. */
struct rac_json resolve(struct resolver *r, const struct rac_json *v, rac_str pointer);
/* The list that a copy {name, count, input} makes. */
struct rac_json template_copy(struct resolver *r, const struct rac_json *copy);
struct rac_json template_call(struct resolver *r, rac_str name, const struct arguments *x);

#endif
