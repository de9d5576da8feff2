#include "workflow/run/skip.h"
#include "base/str.h"

const char *rac_skip_code(enum rac_skip reason)
{
    return reason == RAC_SKIP_ENDED      ? "Terminated"
           : reason == RAC_SKIP_RESPONSE ? "ActionResponseSkipped"
                                         : "ActionSkipped";
}

static rac_str condition(const struct rac_plan *p, const struct rac_wf_action *x,
                         const struct rac_skipped *s, struct rac_arena *a)
{
    rac_str expected = RAC_S("");
    if (s->other >= p->actions_n)
        return rac_arena_printf(a, "The execution of template action '%.*s' is skipped.",
                                RAC_FMT(x->name));
    for (uint32_t i = 0; i < x->after_n; i++) {
        if (x->after[i].action != s->other)
            continue;
        for (unsigned k = 1; k < RAC_WF_STATUSES; k++)
            if (x->after[i].statuses & 1u << k)
                expected =
                    rac_arena_printf(a, "%.*s%s%s", RAC_FMT(expected), expected.n > 0 ? ", " : "",
                                     rac_wf_status_word((enum rac_wf_status)k));
    }
    return rac_arena_printf(a,
                            "The execution of template action '%.*s' is skipped: the 'runAfter' "
                            "condition for action '%.*s' is not satisfied. Expected status values "
                            "'%.*s' and actual value '%s'.",
                            RAC_FMT(x->name), RAC_FMT(p->actions[s->other].name), RAC_FMT(expected),
                            rac_wf_status_word(s->other_status));
}

static rac_str dependency(const struct rac_plan *p, const struct rac_wf_action *x,
                          const struct rac_skipped *s, struct rac_arena *a)
{
    const char *code = s->other_code != NULL                 ? s->other_code
                       : s->other_status == RAC_WF_SKIPPED   ? "ActionSkipped"
                       : s->other_status == RAC_WF_SUCCEEDED ? "NotSpecified"
                                                             : "ActionFailed";
    return rac_arena_printf(a,
                            "The execution of template action '%.*s' is skipped: dependant action "
                            "'%.*s' completed with status '%s' and code '%s'.",
                            RAC_FMT(x->name), RAC_FMT(p->actions[s->other].name),
                            rac_wf_status_word(s->other_status), code);
}

struct rac_json rac_skip_error(const struct rac_plan *p, const struct rac_wf_action *x,
                               const struct rac_skipped *s, struct rac_arena *a)
{
    static const rac_str codes[] = {
        [RAC_SKIP_CONDITION] = RAC_S_INIT("ActionConditionFailed"),
        [RAC_SKIP_BRANCH] = RAC_S_INIT("ActionBranchingConditionNotSatisfied"),
        [RAC_SKIP_DEPENDENCY] = RAC_S_INIT("ActionDependencyFailed"),
        [RAC_SKIP_RESPONSE] = RAC_S_INIT("ActionResponseSkipped"),
    };
    struct rac_json o;
    rac_str message;
    switch (s->reason) {
    case RAC_SKIP_CONDITION:
        message = condition(p, x, s, a);
        break;
    case RAC_SKIP_BRANCH:
        message = rac_arena_printf(a,
                                   "The execution of template action '%.*s' skipped: the branching "
                                   "condition for this action is not satisfied.",
                                   RAC_FMT(x->name));
        break;
    case RAC_SKIP_DEPENDENCY:
        message = s->other < p->actions_n ? dependency(p, x, s, a) : condition(p, x, s, a);
        break;
    case RAC_SKIP_RESPONSE:
        message = rac_arena_printf(a,
                                   "The execution of template action '%.*s' is skipped: the client "
                                   "application is not waiting for a response from service.",
                                   RAC_FMT(x->name));
        break;
    default: /* RAC_SKIP_ENDED, and what is none of ours */
        return rac_json_none;
    }
    o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "code", codes[s->reason]);
    RAC_JSON_PUT_STR(a, &o, "message", message);
    return o;
}

struct rac_skipped rac_skip_inside(const struct rac_plan *p, const struct rac_wf_action *x,
                                   const struct rac_wf_action *container, enum rac_wf_status status,
                                   const char *code)
{
    uint32_t holder = p->graphs[x->graph].owner;
    bool direct = &p->actions[holder] == container;
    bool branches = (container->type == RAC_WF_TYPE_IF || container->type == RAC_WF_TYPE_SWITCH) &&
                    status != RAC_WF_SKIPPED;
    if (!branches && code != NULL &&
        (strcmp(code, "Terminated") == 0 || strcmp(code, "Cancelled") == 0))
        return (struct rac_skipped){.reason = RAC_SKIP_ENDED, .other = UINT32_MAX};
    if (x->after_n > 0) {
        for (uint32_t i = 0; i < x->after_n; i++)
            if (!(x->after[i].statuses & 1u << RAC_WF_SKIPPED))
                return (struct rac_skipped){.reason = RAC_SKIP_CONDITION,
                                            .other = x->after[i].action,
                                            .other_status = RAC_WF_SKIPPED};
        return (struct rac_skipped){.reason = RAC_SKIP_CONDITION, .other = UINT32_MAX};
    }
    if (!direct)
        return (struct rac_skipped){
            .reason = RAC_SKIP_DEPENDENCY, .other = holder, .other_status = RAC_WF_SKIPPED};
    if (branches && (code == NULL || strcmp(code, "BadRequest") != 0))
        return (struct rac_skipped){.reason = RAC_SKIP_BRANCH, .other = UINT32_MAX};
    return (struct rac_skipped){
        .reason = RAC_SKIP_DEPENDENCY, .other = holder, .other_status = status, .other_code = code};
}
