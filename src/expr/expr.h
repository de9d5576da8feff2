/*
 * expr - the workflow expression language: template strings compiled once, evaluated many times.
 *
 * A template is the text of one JSON string value of a definition: literal, `@expression`, or text
 * with `@{expression}` holes (spec expressions §2). Compiling resolves function names and literals;
 * a compiled template is immutable and may be evaluated by any number of threads at once.
 * Evaluation has no side effects, no loops and no recursion but that of the text; what it costs is
 * bounded by struct rac_expr_limits. Results live in the arena of the evaluation and share
 * structure with what the scope handed in.
 *
 * Values are struct rac_json: Integer is RAC_JSON_INT, Float is RAC_JSON_DOUBLE or a
 * RAC_JSON_NUMBER from JSON text, Decimal is a RAC_JSON_NUMBER with RAC_EXPR_DECIMAL in its flags.
 * Strings are UTF-8; a half of a surrogate pair, which slicing may leave, is kept in three bytes
 * and leaves as U+FFFD through rac_expr_mend.
 *
 *     struct rac_expr *x;
 *     if (rac_expr_compile(RAC_S("@toUpper('a')"), &plan_arena, &x, &error) == RAC_OK)
 *         e = rac_expr_eval(x, &run, &value);
 */
#ifndef RAC_EXPR_EXPR_H
#define RAC_EXPR_EXPR_H

#include "base/arena.h"
#include "base/base.h"
#include "base/env.h"
#include "json/json.h"

enum { RAC_EXPR_DECIMAL = 0x80 }; /* flag of a RAC_JSON_NUMBER */

/* Categories of failure (§10); words as in the vectors. */
enum rac_expr_category {
#define CATEGORY(id, word) RAC_EXPR_##id,
#include "expr/categories.def"
#undef CATEGORY
};
const char *rac_expr_category_word(enum rac_expr_category c);

struct rac_expr_error {
    enum rac_expr_category category;
    rac_str message;  /* names function, argument and value, in the arena of the evaluation */
    rac_str function; /* the function that failed; absent outside of calls */
    uint32_t offset, length; /* the failing part of the template's text, in bytes */
};

/* What an expression can refer to (§16.7). */
enum rac_expr_ref {
    RAC_EXPR_REF_TRIGGER,
    RAC_EXPR_REF_ACTION,            /* the current one */
    RAC_EXPR_REF_ACTIONS,           /* by name */
    RAC_EXPR_REF_VARIABLES,         /* by name */
    RAC_EXPR_REF_PARAMETERS,        /* by name */
    RAC_EXPR_REF_ITEM,              /* the current one */
    RAC_EXPR_REF_ITEMS,             /* by loop name */
    RAC_EXPR_REF_ITERATION_INDEXES, /* by loop name */
    RAC_EXPR_REF_RESULT,            /* by scope name */
    RAC_EXPR_REF_WORKFLOW,
    RAC_EXPR_REF_CALLBACK_URL,
    RAC_EXPR_REF_APPSETTING, /* by name; missing is null */
};

struct rac_expr_scope {
    /* False: it does not exist or has no value here. The value may be shared, not changed. */
    bool (*get)(void *self, enum rac_expr_ref ref, rac_str name, struct rac_arena *a,
                struct rac_json *out);
    void *self;
    /* The outputs alone of an action by name, for outputs() and body(): saves making its record.
     * *many: it ran once an iteration, *out is the array of all outputs (null where there are
     * none). Missing outputs are null. NULL, or false: get is asked for the record. */
    bool (*outputs)(void *self, rac_str name, struct rac_arena *a, struct rac_json *out,
                    bool *many);
    /* The trigger's outputs and their body, which most expressions ask for; NULL: not known here,
     * get is asked for the trigger's record. */
    const struct rac_json *trigger_outputs, *trigger_body;
};

struct rac_expr_limits { /* zero gives each default */
    uint64_t steps_max;  /* nodes evaluated and elements visited: 10,000,000 */
    size_t string_max;   /* bytes of one string: 104,857,600 */
};

/* What json() and xml() keep of documents besides what §12 says; for actions, whose author may ask
 * for it: blank text that may matter, processing instructions as members "?target", characters that
 * XML has no place for. */
enum rac_expr_xml {
    RAC_EXPR_XML_BLANKS = 1,
    RAC_EXPR_XML_INSTRUCTIONS = 2,
    RAC_EXPR_XML_ANY_CHARACTER = 4
};

struct rac_expr_run {
    const struct rac_expr_scope *scope; /* NULL: no references */
    const struct rac_env *env;
    struct rac_arena *a; /* results and messages */
    int64_t now_ticks;   /* the current time, 100 ns since the year 1; 0: env's */
    struct rac_expr_limits limits;
    struct rac_expr_error error; /* filled on failure */
    uint64_t steps;              /* used so far; the caller may carry it over */
    unsigned depth;
    unsigned xml; /* enum rac_expr_xml */
};

struct rac_expr; /* a compiled template, or a compiled tree of them */

/* RAC_OK, or RAC_E_SYNTAX with *error filled (parse, arity; function when strict). Unknown
 * functions fail when reached unless strict (spec O21). Tolerant: a text that is no template is
 * one that fails when evaluated, a call with too many or too few arguments fails when reached (§5). In a; keeps text. error may be NULL. */
enum rac_expr_compile_flags { RAC_EXPR_STRICT = 1, RAC_EXPR_TOLERANT = 2 };
rac_err rac_expr_compile(rac_str text, unsigned flags, struct rac_arena *a,
                         const struct rac_expr **out, struct rac_expr_error *error) RAC_MUST_CHECK;
/* Every string value of a JSON value is a template; keys are not. On failure *pointer says where
 * (in a). Parts without expressions are kept as they are, by reference. */
rac_err rac_expr_compile_tree(const struct rac_json *value, unsigned flags, struct rac_arena *a,
                              const struct rac_expr **out, struct rac_expr_error *error,
                              rac_str *pointer) RAC_MUST_CHECK;
/* The object form of a condition, {"and": [{"equals": ["@x", 1]}, ...]} (spec workflows §3.9): one
 * key, the name of a function; arguments are values, template strings or further conditions. */
rac_err rac_expr_compile_condition(const struct rac_json *condition, unsigned flags,
                                   struct rac_arena *a, const struct rac_expr **out,
                                   struct rac_expr_error *error, rac_str *pointer) RAC_MUST_CHECK;
bool rac_expr_is_constant(const struct rac_expr *x, struct rac_json *value);

/* A call as it stands in the text; for checks at save time. */
struct rac_expr_call {
    rac_str name;                       /* as written */
    const struct rac_expr_function *fn; /* NULL: there is none of that name */
    int ref;                            /* enum rac_expr_ref of its first argument, else -1 */
    unsigned args_n;
    bool literal;            /* the first argument is a string literal */
    rac_str first;           /* that literal */
    uint32_t offset, length; /* in the template, in bytes */
};
/* Every call, outer ones first. */
void rac_expr_calls(const struct rac_expr *x, void (*fn)(void *arg, const struct rac_expr_call *c),
                    void *arg);

/* RAC_OK, RAC_E_INVALID with run->error filled, or RAC_E_LIMIT (too costly, too large). */
rac_err rac_expr_eval(const struct rac_expr *x, struct rac_expr_run *run,
                      struct rac_json *out) RAC_MUST_CHECK;

/* One function of the table, by name, with values instead of a text: for a language that shares it
 * (the expressions of templates). The function must be there and take all its arguments as values;
 * too many or too few of them are RAC_E_INVALID. Otherwise as rac_expr_eval. */
rac_err rac_expr_call(rac_str name, const struct rac_json *v, size_t n, struct rac_expr_run *run,
                      struct rac_json *out) RAC_MUST_CHECK;

/* --- values ---------------------------------------------------------------------------------- */

rac_str rac_expr_text(const struct rac_json *v, struct rac_arena *a);    /* as §7 renders it */
bool rac_expr_equal(const struct rac_json *x, const struct rac_json *y); /* deep, §9 */
/* A timestamp in one of the forms that the functions of the language read (§13). */
bool rac_expr_timestamp(rac_str s, rac_ms *out);
const char *rac_expr_type_name(const struct rac_json *v); /* "Null", "Integer", ... */
/* Lone surrogates become U+FFFD: before a value leaves as UTF-8. */
struct rac_json rac_expr_mend(struct rac_arena *a, struct rac_json v);

/* --- the table of functions, for the reference page and editors ------------------------------- */

struct rac_expr_function {
    const char *name, *section, *signature, *summary;
    const char *example, *gives; /* what it comes to, as JSON, with examples/eval.json as context */
    unsigned args_min, args_max; /* RAC_EXPR_ARGS_ANY: no limit */
};
enum { RAC_EXPR_ARGS_ANY = 0xffff };
const struct rac_expr_function *rac_expr_function_at(size_t i); /* NULL past the last */
const char *rac_expr_section_at(size_t i); /* in the order of the reference; NULL past the last */

#endif
