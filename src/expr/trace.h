/*
 * trace - an expression evaluated part by part: what each call and reference in it came to.
 *
 * Parts are function calls and references with the path behind them ("triggerBody()?['a']['b']" is
 * one), as they nest in the text; literals are none. Each is evaluated once, in the order and with
 * the shortcuts of rac_expr_eval, so a part that was not reached (the other branch of if, what and,
 * or, coalesce did not need, what comes after a failure) has no value. Meant for looking at one
 * expression of the past: slower than evaluating, and everything in run->a.
 */
#ifndef RAC_EXPR_TRACE_H
#define RAC_EXPR_TRACE_H

#include "expr/expr.h"

enum rac_expr_shown {
    RAC_EXPR_SHOWN,
    RAC_EXPR_CLEANED, /* it may but for the secret in it; its members are judged by themselves */
    RAC_EXPR_MASKED,  /* that it has a value may be told, not which; its members likewise */
    RAC_EXPR_HIDDEN,  /* nothing may: also whatever is made from one that is not shown as it is */
};

struct rac_expr_part {
    rac_str text;          /* as written, without "@" */
    struct rac_json value; /* NONE: it was not reached, failed, or contains what failed */
    enum rac_expr_shown shown;
    bool failed;                        /* the failure arises in this part itself */
    struct rac_expr_part *first, *next; /* parts inside of it, in order */
    struct rac_expr_part **end;         /* private */
};

struct rac_expr_trace {
    /* May the value of a call be shown? Asked for every call that is reached, and for those that
     * are evaluated without being listed. What differs from call to call (utcNow, guid, rand,
     * getFutureTime, getPastTime, appsetting, listCallbackUrl) is hidden without being asked for. */
    enum rac_expr_shown (*shown)(void *arg, const struct rac_expr_call *c);
    /* Is there a secret in a value that may be shown? NULL: there are none. */
    bool (*secret)(void *arg, const struct rac_json *v);
    void *arg;
    size_t parts_max; /* listed at most, all traces with this struct together */
    size_t parts_n;   /* so far */
};

enum { RAC_EXPR_TRACE_DEPTH_MAX = 32 }; /* parts further inside are evaluated, not listed */

/*
 * RAC_OK with root->value what x comes to, shown or not; RAC_E_INVALID with run->error; RAC_E_LIMIT.
 * *root is x itself: its parts are those of the outermost call. Filled as far as it went, in any
 * case. Limits of run as in rac_expr_eval; run->steps is carried over from call to call.
 */
rac_err rac_expr_trace(const struct rac_expr *x, struct rac_expr_run *run, struct rac_expr_trace *t,
                       struct rac_expr_part *root) RAC_MUST_CHECK;

#endif
