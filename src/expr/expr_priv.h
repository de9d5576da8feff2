/* expr_priv - nodes, calls and the helpers of functions; for the files of this room only. */
#ifndef RAC_EXPR_PRIV_H
#define RAC_EXPR_PRIV_H

#include "expr/culture.h"
#include "expr/expr.h"

struct call;

/* An ordinary function: arguments are evaluated. False: the error is in the call's run. */
typedef bool (*fn_eager)(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out);
/* Evaluates its own arguments: and, or, if, coalesce. */
typedef bool (*fn_lazy)(struct call *c, const struct rac_expr *const *args, size_t n,
                        struct rac_json *out);

struct fn {
    struct rac_expr_function info;
    fn_eager eager;
    fn_lazy lazy;
    int ref; /* enum rac_expr_ref when its first argument names something, else -1 */
};

enum node_kind {
    NODE_CONST,
    NODE_CALL,
    NODE_ACCESS,
    NODE_TEXT,   /* interpolation: parts rendered and joined */
    NODE_ARRAY,  /* of a tree */
    NODE_OBJECT, /* of a tree */
    NODE_BROKEN, /* its value is the message it fails with, args_n the category */
};

/* Calls that are worth a shorter way than by copies of their arguments. */
enum short_way {
    WAY_NONE,
    WAY_ADD,
    WAY_SUB,
    WAY_MUL,
    WAY_GREATER,
    WAY_GREATER_OR_EQUALS,
    WAY_LESS,
    WAY_LESS_OR_EQUALS,
    WAY_NUMBERS_END, /* those above take two numbers */
    WAY_TRIGGER_BODY,
    WAY_TRIGGER_OUTPUTS,
    WAY_TRIGGER_MEMBER, /* NODE_ACCESS to one of those two by a constant name */
};

struct rac_expr {
    uint8_t kind;
    bool tolerant;           /* NODE_ACCESS: after "?" */
    uint8_t way;             /* enum short_way; NODE_CALL: for its fn with args_n arguments */
    uint16_t args_n;         /* NODE_CALL, NODE_TEXT */
    uint32_t offset, length; /* in the template */
    rac_str text;            /* the whole template, for messages */
    union {
        struct rac_json value;
        struct {
            const struct fn *fn; /* NULL: unknown */
            const struct rac_expr **args;
            rac_str name;
        };
        struct {
            const struct rac_expr *object, *key;
        };
        struct {
            const struct rac_json *shape;  /* keys and constant parts */
            const struct rac_expr **parts; /* one per element or member; NULL: as in shape */
            uint32_t parts_n;
        };
    };
};

struct call {
    struct rac_expr_run *run;
    const struct rac_expr *node;
    struct rac_arena *a;
};

const struct fn *fn_find(rac_str name);                         /* ASCII case ignored; NULL: none */
enum short_way fn_short_way(const struct fn *f, size_t args_n); /* f may be NULL */
bool eval_node(const struct rac_expr *x, struct rac_expr_run *run, struct rac_json *out);
void eval_begin(struct rac_expr_run *run);              /* before the first node */
struct rac_expr_call call_of(const struct rac_expr *x); /* of a NODE_CALL */

/* --- failing: each records the error and answers false ---------------------------------------- */

bool fail_at(struct rac_expr_run *run, const struct rac_expr *node, enum rac_expr_category category,
             const char *fmt, ...) RAC_PRINTF(4, 5);
bool fail(struct call *c, enum rac_expr_category category, const char *fmt, ...) RAC_PRINTF(3, 4);
bool fail_type(struct call *c, const struct rac_json *v, size_t i, const char *expected);
bool fail_convert(struct call *c, const struct rac_json *v, const char *target);
bool fail_limit(struct call *c, const char *what); /* RAC_E_LIMIT rather than RAC_E_INVALID */

/* --- arguments: argument i as a C type, else a type error ------------------------------------- */

bool arg_str(struct call *c, const struct rac_json *v, size_t i, rac_str *out);
bool arg_int(struct call *c, const struct rac_json *v, size_t i, int64_t *out);
bool arg_array(struct call *c, const struct rac_json *v, size_t i);
bool arg_object(struct call *c, const struct rac_json *v, size_t i);
/* Argument i, if there are so many, as a locale; else en-US. */
bool arg_culture(struct call *c, const struct rac_json *v, size_t n, size_t i,
                 const struct rac_culture **out);
/* Joins parts with sep between them, within the limit of a string's size. */
bool join_text(struct call *c, const rac_str *parts, size_t n, rac_str sep, struct rac_json *out);
size_t string_max(const struct rac_expr_run *run);
/* Charges n steps: for functions that visit many elements. Reading 64 bytes of text, copying or
 * comparing them, is a step; parsing 16. Texts given as arguments are charged once by the call. */
bool charge(struct call *c, uint64_t n);
bool charge_members(struct call *c, const struct rac_json *object); /* each, and its key */
/* v as §7 renders it, charged by its size. */
bool text_of(struct call *c, const struct rac_json *v, rac_str *out);
/* Deep equality (§9), charged by what is visited. */
bool equal_values(struct call *c, const struct rac_json *x, const struct rac_json *y, bool *same);

/* --- values ----------------------------------------------------------------------------------- */

static inline bool is_decimal(const struct rac_json *v)
{
    return v->type == RAC_JSON_NUMBER && (v->flags & RAC_EXPR_DECIMAL) != 0;
}
static inline bool is_float(const struct rac_json *v)
{
    return v->type == RAC_JSON_DOUBLE || (v->type == RAC_JSON_NUMBER && !is_decimal(v));
}
static inline bool is_envelope(const struct rac_json *v)
{
    return v->type == RAC_JSON_OBJECT && rac_json_get(v, RAC_S("$content-type")) != NULL &&
           rac_json_get(v, RAC_S("$content")) != NULL;
}
/* Results, written member by member: a value made aside and copied is read back before its parts
 * have left the store buffer, which costs more than most functions do. */
static inline bool answer_head(struct rac_json *out, enum rac_json_type type)
{
    out->type = (uint8_t)type;
    out->flags = 0;
    out->spare = 0;
    out->pos = 0;
    out->n = 0;
    out->spare2 = 0;
    return true;
}
static inline bool answer_bool(struct rac_json *out, bool b)
{
    out->b = b;
    return answer_head(out, RAC_JSON_BOOL);
}
static inline bool answer_int(struct rac_json *out, int64_t i)
{
    out->i = i;
    return answer_head(out, RAC_JSON_INT);
}
static inline bool answer_double(struct rac_json *out, double d)
{
    out->d = d;
    return answer_head(out, RAC_JSON_DOUBLE);
}
static inline struct rac_json str_value(rac_str s)
{
    return rac_json_of_str(s);
}
static inline bool answer_str(struct rac_json *out, rac_str s)
{
    RAC_ASSERT(s.n < UINT32_MAX);
    out->s = s.p != NULL ? s.p : "";
    (void)answer_head(out, RAC_JSON_STRING);
    out->n = (uint32_t)s.n;
    return true;
}
static inline rac_str str_of(const struct rac_json *v) /* of a string or a number as written */
{
    return (rac_str){v->s, v->n};
}
struct rac_json decimal_value(struct rac_arena *a, const char *text, size_t n);
struct rac_json envelope(struct rac_arena *a, rac_str type, rac_str bytes);
/* The standard alphabet with padding; space, tab, CR and LF between are ignored. False: it is none. */
bool base64_bytes(struct rac_arena *a, rac_str s, rac_str *out);
/* Bytes of an envelope: base64 decoded; false when its content is not base64. */
bool envelope_bytes(const struct rac_json *v, struct rac_arena *a, rac_str *out);
rac_str envelope_text(const struct rac_json *v, struct rac_arena *a);
/* -1, 0, 1 of two numbers of any kind; NaN compares as less. */
int compare_numbers(const struct rac_json *x, const struct rac_json *y);
/* Both numbers, or both strings (ordinal by UTF-16 unit): false otherwise. */
bool compare_ordered(const struct rac_json *x, const struct rac_json *y, int *order);
size_t double_text(double d, bool in_json, char out[40]); /* §7 */
/* Exact name, else the first equal but for case. */
struct rac_json_member *member_meant(const struct rac_json *object, rac_str name);
struct rac_json *member_lookup(const struct rac_json *object, rac_str name);

/* --- UTF-16 units ----------------------------------------------------------------------------- */

bool is_ascii(rac_str s);
size_t u16_length(rac_str s);
/* The part from unit `from`, n units long, clipped; may cut a pair in two. */
rac_str u16_slice(struct rac_arena *a, rac_str s, size_t from, size_t n);
/* Units of s, in a. */
uint16_t *u16_units(struct rac_arena *a, rac_str s, size_t *n);
rac_str u16_text(struct rac_arena *a, const uint16_t *units, size_t n);
uint16_t u16_fold(uint16_t unit); /* for comparisons without case */
bool equal_folded(rac_str x, rac_str y);
bool is_white(uint32_t cp); /* §3 */
rac_str trim_white(rac_str s);
int u16_compare(rac_str x, rac_str y); /* ordinal by unit */

#endif
