/*
 * template - ARM templates: which workflows one deploys, and the value of each of its expressions
 * ("[concat('a', parameters('b'))]") as far as it can be known without a deployment (spec
 * workflows §1.2).
 *
 * A deployment that links to a template has it read by whoever reads the first one; nothing is
 * fetched. Subscription, group and tenant are those Raccord has from the start (architecture §2). Nested
 * deployments, conditions, copies, functions of the template's own: as the language has them. What
 * stands for a value nobody can know is a null with RAC_WF_UNKNOWN in its flags.
 */
#ifndef RAC_WORKFLOW_TEMPLATE_H
#define RAC_WORKFLOW_TEMPLATE_H

#include "base/arena.h"
#include "base/diag.h"
#include "json/json.h"

enum { RAC_WF_UNKNOWN = 0x40 };

/* A resource Microsoft.Logic/workflows with its expressions resolved. */
struct rac_template_workflow {
    rac_str pointer;                                            /* of the resource */
    void *source;                                               /* of a linked template; or NULL */
    struct rac_json name, kind, definition, parameters, access; /* NONE: has none */
    struct rac_json resource; /* all of it that is known, without what is for the deployment only */
    bool again;               /* the same resource as one before it, deployed once more by a copy */
};

struct rac_template_value { /* what could not be known */
    rac_str pointer, text;
    void *source; /* of a linked template; or NULL */
    const char *why;
    const struct rac_json *node;
    bool unread;   /* a linked template: nothing is wrong */
    bool replaced; /* of a connection, found by its reference (§6.1), which stands in */
    bool refused;  /* a parameter has a value that its declaration does not permit; why says all */
    bool idle;     /* which is a default, and of no matter to the workflows */
    bool rest;     /* what comes after is not read, or not all of it; why says all */
};

/* Reads what templates link to. */
struct rac_template_links {
    /* The template at path, as the one known by `from` (NULL: the first) calls it; what it is known
     * by goes to *source. NULL, with *why, when there is none; both live as long as what is read. */
    const struct rac_json *(*read)(void *self, void *from, rac_str path, void **source,
                                   const char **why);
    void *self;
};

/* Is it a template: does it deploy resources? */
bool rac_template_is(const struct rac_json *root);
/*
 * Gives the parameters of a template the values of a parameters file, {"parameters": {name:
 * {"value"}}} or {name: value}, in place of their defaults; null gives nothing. root is changed, in a. rest, which may
 * be NULL, is told of each that the template does not declare.
 */
void rac_template_give(struct rac_json *root, const struct rac_json *file, struct rac_arena *a,
                       void (*rest)(void *arg, const struct rac_json_member *m), void *arg);
/*
 * Every workflow the template deploys, in order; perhaps none. links may be NULL: what is linked is
 * not read. unknown, which may be NULL, is told of each value that cannot be known, once however
 * often its resource is deployed.
 */
void rac_template_read(const struct rac_json *root, const struct rac_template_links *links,
                       struct rac_arena *a, struct rac_template_workflow **out, size_t *n,
                       void (*unknown)(void *arg, const struct rac_template_value *v), void *arg);

#endif
