/*
 * dynamic - lists, schemas and trees that an API gives at design time (connectors.md §5.5-5.8).
 *
 * A parameter, property or answer names an operation whose result says which values it can have
 * (x-ms-dynamic-values and its unambiguous twin x-ms-dynamic-list), what shape it has (-schema,
 * -properties), or which nodes hang below a node (-tree, or the file-picker capability). Resolving
 * one means: take the arguments from what has been filled in so far, call the operation through the
 * connection, pick the result apart. A failure is shown and never keeps anybody from typing a
 * value.
 *
 * A run is an async object of one worker with the contract of connector/call.h.
 *
 *     struct rac_dynamic_ask ask = {.definition = root, .operation_id = id, .parameter = name, …};
 *     run = rac_dynamic_start(&ask, &invoker, a, done, arg);
 */
#ifndef RAC_CONNECTOR_DYNAMIC_H
#define RAC_CONNECTOR_DYNAMIC_H

#include "base/arena.h"
#include "base/str.h"
#include "connector/call.h"
#include "json/json.h"

enum rac_dynamic_kind {
    RAC_DYNAMIC_ANY, /* what is there: values, else tree, else schema */
    RAC_DYNAMIC_VALUES,
    RAC_DYNAMIC_SCHEMA,
    RAC_DYNAMIC_TREE,
};
bool rac_dynamic_kind_parse(rac_str word,
                            enum rac_dynamic_kind *out); /* "values", "schema", "tree" */

enum {
    RAC_DYNAMIC_DEPTH_MAX = 4,  /* schemas inside of returned schemas (§5.6) */
    RAC_DYNAMIC_CALLS_MAX = 32, /* of one run: pages and nested schemas together */
    RAC_DYNAMIC_PAGES_MAX = 20,
    RAC_DYNAMIC_ITEMS_MAX = 20000,
};

/* --- the port to the API: rac_call outside of tests ------------------------------------------- */

struct rac_dynamic_answer {
    const struct rac_call_error *error; /* NULL: the backend answered */
    int status;
    struct rac_json body;
    rac_str url; /* that was called: relative next links are resolved against it; or absent */
};
typedef void (*rac_dynamic_answered)(void *arg, const struct rac_dynamic_answer *answer);
struct rac_dynamic_invoker {
    /* Calls operation_id with parameters (object); or, follow_url present, the next page of its
     * answer. Borrows all until done, which is called exactly once and never before start
     * returns. What answer holds is valid until the arena of the run ends. */
    void *(*start)(void *self, rac_str operation_id, const struct rac_json *parameters,
                   rac_str follow_url, struct rac_arena *a, rac_dynamic_answered done, void *arg);
    void (*cancel)(void *self, void *handle);
    void *self;
};

/* Over rac_call. All members are borrowed while runs are under way; init before use. */
struct rac_dynamic_call {
    const struct rac_call_env *env;
    struct rac_connector *connector;
    const struct rac_connection *connection;
    struct rac_dynamic_invoker invoker; /* hand &x.invoker to rac_dynamic_start */
};
void rac_dynamic_call_init(struct rac_dynamic_call *c, const struct rac_call_env *env,
                           struct rac_connector *connector,
                           const struct rac_connection *connection);

/* --- asking ----------------------------------------------------------------------------------- */

struct rac_dynamic_ask {
    const struct rac_json *definition; /* root of the OpenAPI document */
    rac_str operation_id;
    rac_str parameter; /* name of one of its parameters; absent: its answer (or notification) */
    rac_str path;      /* property inside: "a/b" or "/a/b"; absent: the parameter itself */
    const struct rac_json
        *given; /* instead of parameter and path: an object that holds x-ms-dynamic-
                   members, such as a node of a schema returned before */
    enum rac_dynamic_kind kind;
    const struct rac_json *parameters; /* what has been filled in so far, by parameter name */
    const struct rac_json *selection;  /* tree: `selection` of the node to open; NULL: the root */
};

enum rac_dynamic_state {
    RAC_DYNAMIC_OK,
    RAC_DYNAMIC_NONE,        /* nothing dynamic stands there */
    RAC_DYNAMIC_NEEDS_INPUT, /* `needs` has to be filled in first; nothing was called */
    RAC_DYNAMIC_FREE_TEXT,   /* cannot be known now: type a value; nothing was called */
    RAC_DYNAMIC_FAILED,      /* the call failed: error, or status and message */
};

struct rac_dynamic_res {
    enum rac_dynamic_state state;
    enum rac_dynamic_kind kind;
    /* VALUES: array of {"value", "displayName", "description"?, "selectable"?: false}.
     * TREE: array of {"value", "displayName", "fullTitle"?, "isParent", "selectable", "mediaType"?,
     * "selection"}; give `selection` back to open the node. */
    struct rac_json value;
    struct rac_json schema; /* SCHEMA: JSON Schema laid over the static one; null: an empty one */
    bool incomplete;        /* a page failed or a limit was reached; the ones before are there */
    rac_str needs;          /* NEEDS_INPUT: the parameter, as its users see it */
    rac_str message;        /* for people, in every state but OK */
    int status;             /* FAILED: of the backend, or 0 */
    struct rac_call_error error; /* FAILED: when Raccord said no */
};

struct rac_dynamic_run;
typedef void (*rac_dynamic_done)(void *arg, const struct rac_dynamic_res *res);
/* Results live in a; ask is borrowed until done. Answers that need no call come through `defer`,
 * which runs fn(arg) from the loop. */
struct rac_dynamic_run *rac_dynamic_start(const struct rac_dynamic_ask *ask,
                                          const struct rac_dynamic_invoker *invoker,
                                          void (*defer)(void *self, void (*fn)(void *), void *arg),
                                          void *defer_self, struct rac_arena *a,
                                          rac_dynamic_done done, void *arg);
void rac_dynamic_cancel(struct rac_dynamic_run *run); /* done will not be called */

/* {"value": …, "schema": …, "incomplete"?, "needs"?, "message"?}: the native API's answer. In a. */
struct rac_json rac_dynamic_json(const struct rac_dynamic_res *res, struct rac_arena *a);

/* --- parts, for the checker and for tests ----------------------------------------------------- */

/* A path string (§5.5): keys joined by '/', a leading '/' tolerated; numbers index arrays; "" is
 * the value itself. NULL: not there. */
const struct rac_json *rac_dynamic_path(const struct rac_json *v, rac_str path);
/* The boolean mini-expression of itemIsParent, "(isDir eq true)", about an item. False too when it
 * cannot be read; *valid (or NULL) says which. */
bool rac_dynamic_is_parent(rac_str expression, const struct rac_json *item, bool *valid);

#endif
