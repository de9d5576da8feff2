#include "cli/run_tree.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/run_fault.h"
#include "workflow/definition/secure.h"

enum { ITERATIONS_SHOWN = 10, ANSWER_SHOWN = 200 };

static const char *mark(enum rac_wf_status s)
{
    return s == RAC_WF_SUCCEEDED                         ? "ok"
           : s == RAC_WF_SKIPPED                         ? "--"
           : s == RAC_WF_FAILED || s == RAC_WF_TIMED_OUT ? "!!"
                                                         : "xx";
}

static int64_t tries(const struct rac_wf_record *x)
{
    const struct rac_json *s = x->inner != NULL ? &x->inner->state : NULL;
    return rac_json_int(rac_json_get(s, RAC_S("attempt")), 0);
}

/* Why it was skipped, in few words; the whole message is in the JSON. */
static void print_skip(struct rac_cli *cli, const struct rac_plan *p, const struct rac_wf_record *x)
{
    if (x->reason == RAC_SKIP_CONDITION && x->other < p->actions_n)
        rac_cli_put(cli, ": %.*s %s", RAC_FMT(p->actions[x->other].name),
                    rac_wf_status_word(x->other_status));
    else if (x->reason == RAC_SKIP_RESPONSE)
        rac_cli_put(cli, ": nobody waits for an answer");
    else if (x->reason == RAC_SKIP_ENDED)
        rac_cli_put(cli, ": the run ended first");
    else if (x->code != NULL)
        rac_cli_put(cli, " (%s)", x->code);
}

/* What a service answered that the action failed of: status and the beginning of the body. */
static void print_answer(struct rac_cli *cli, struct rac_run *r, const struct rac_wf_record *x,
                         int indent)
{
    const struct rac_plan *p = rac_run_plan(r);
    struct rac_arena *a = rac_run_arena(r);
    const struct rac_json *status = RAC_JSON_GET(&x->outputs, "statusCode"),
                          *body = RAC_JSON_GET(&x->outputs, "body");
    uint8_t hidden = rac_secure_of_action(p, (uint32_t)(x->action - p->actions));
    if (status == NULL || (hidden & RAC_SECURE_OUTPUTS) != 0)
        return;
    rac_str text = RAC_S("");
    if (body != NULL) {
        struct rac_json shown = rac_secure_mask(rac_secure_values_of_plan(p), body, a);
        text = rac_json_is_string(&shown) ? rac_json_str(&shown, RAC_S(""))
                                          : rac_json_print_str(&shown, 0, a);
    }
    size_t line = rac_str_find_char(text, '\n');
    text = rac_str_sub(text, 0, line == RAC_STR_NPOS ? text.n : line);
    bool cut = text.n > ANSWER_SHOWN;
    size_t n = cut ? ANSWER_SHOWN : text.n;
    while (cut && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    rac_cli_put(cli, "%*sanswered %lld%s%.*s%s\n", indent, "", (long long)rac_json_int(status, 0),
                text.n > 0 ? ": " : "", RAC_FMT(rac_str_sub(text, 0, n)), cut ? "…" : "");
}

static void print_record(struct rac_cli *cli, struct rac_run *r, struct rac_wf_record *x, int depth)
{
    struct rac_run_fault fault;
    rac_cli_put(cli, "%*s%s %.*s  %s", depth * 2, "", mark(x->status), RAC_FMT(x->action->name),
                rac_wf_status_word(x->status));
    if (x->status == RAC_WF_SKIPPED)
        print_skip(cli, rac_run_plan(r), x);
    else if (x->status != RAC_WF_SUCCEEDED && x->code != NULL)
        rac_cli_put(cli, " (%s)", x->code);
    rac_cli_put_duration(cli, x->end_ms - x->start_ms);
    if (tries(x) > 0)
        rac_cli_put(cli, "  %lld %s", (long long)tries(x), tries(x) == 1 ? "retry" : "retries");
    fputc('\n', cli->out);
    rac_str message = rac_json_str(RAC_JSON_GET(&x->error, "message"), RAC_S(""));
    bool holds = x->inner != NULL && x->inner->frames_n > 0 &&
                 rac_str_eq(rac_json_str(RAC_JSON_GET(&x->error, "code"), RAC_S("")),
                            RAC_S("ActionFailed")); /* what failed inside says why */
    if (holds || x->status == RAC_WF_SUCCEEDED || x->status == RAC_WF_SKIPPED)
        return;
    if (message.n == 0) {
        print_answer(cli, r, x, depth * 2 + 3);
        return;
    }
    rac_cli_put(cli, "%*s   %.*s\n", depth * 2, "", RAC_FMT(message));
    if (rac_str_eq(rac_json_str(RAC_JSON_GET(&x->error, "code"), RAC_S("")),
                   RAC_S("InvalidTemplate")) &&
        rac_run_fault_of(r, x, &fault))
        rac_cli_fault_print(
            cli, depth * 2 + 3,
            &(struct rac_cli_fault){fault.place, fault.text, fault.offset, fault.length});
}

static void print_frame(struct rac_cli *cli, struct rac_run *r, const struct rac_wf_frame *f,
                        int depth);

static void print_inside(struct rac_cli *cli, struct rac_run *r, const struct rac_wf_record *x,
                         int depth)
{
    bool loop = x->action->type == RAC_WF_TYPE_FOREACH || x->action->type == RAC_WF_TYPE_UNTIL;
    uint32_t n = x->inner != NULL ? x->inner->frames_n : 0, shown = 0;
    for (uint32_t k = 0; k < n; k++) {
        const struct rac_wf_frame *f = x->inner->frames[k];
        bool failed = f->status != RAC_WF_SUCCEEDED;
        if (loop && k >= ITERATIONS_SHOWN && (!failed || shown >= 2 * ITERATIONS_SHOWN))
            continue;
        shown++;
        if (loop)
            rac_cli_put(cli, "%*s[%u]\n", depth * 2 + 2, "", f->index);
        print_frame(cli, r, f, depth + (loop ? 2 : 1));
    }
    if (shown < n)
        rac_cli_put(cli, "%*s… %u more\n", depth * 2 + 2, "", n - shown);
}

struct ordering {
    const struct rac_plan *p;
    uint32_t *waits; /* for how many that were not taken yet; by place in the graph */
    uint32_t *out, n;
};

/* Takes an action, then whatever waited for it alone: a chain is read from top to bottom, whatever
 * order the document has. */
static void take(struct ordering *o, const struct rac_wf_graph *g, uint32_t i)
{
    uint32_t from = o->n;
    o->out[o->n++] = i;
    for (uint32_t at = from; at < o->n; at++) {
        const struct rac_wf_action *x = &o->p->actions[g->actions[o->out[at]]];
        for (uint32_t k = 0; k < x->next_n; k++) {
            uint32_t order = o->p->actions[x->next[k]].order;
            if (--o->waits[order] == 0)
                o->out[o->n++] = order;
        }
    }
}

static void print_frame(struct rac_cli *cli, struct rac_run *r, const struct rac_wf_frame *f,
                        int depth)
{
    const struct rac_plan *p = rac_run_plan(r);
    const struct rac_wf_graph *g = &p->graphs[f->graph];
    struct rac_arena *a = rac_run_arena(r);
    struct ordering o = {p, RAC_NEW_N(a, uint32_t, g->n), RAC_NEW_N(a, uint32_t, g->n), 0};
    for (uint32_t i = 0; i < g->n; i++)
        o.waits[i] = p->actions[g->actions[i]].after_n;
    for (uint32_t i = 0; i < g->n; i++)
        if (p->actions[g->actions[i]].after_n == 0)
            take(&o, g, i);
    for (uint32_t i = 0; i < o.n; i++) {
        struct rac_wf_record *x = (struct rac_wf_record *)(uintptr_t)&f->records[o.out[i]];
        if (x->status == RAC_WF_NONE)
            continue;
        print_record(cli, r, x, depth);
        if (x->status != RAC_WF_SKIPPED)
            print_inside(cli, r, x, depth);
    }
}

void rac_cli_run_tree(struct rac_cli *cli, struct rac_run *r)
{
    const struct rac_json *error = rac_run_error(r);
    const struct rac_wf_frame *root = rac_run_root(r);
    rac_cli_put(cli, "%s", rac_wf_status_word(rac_run_status(r)));
    rac_cli_put_duration(cli, root != NULL ? root->end_ms - rac_run_start_ms(r) : 0);
    if (error->type != RAC_JSON_NONE)
        rac_cli_put(cli, ": %.*s",
                    RAC_FMT(rac_json_str(RAC_JSON_GET(error, "message"), RAC_S(""))));
    fputc('\n', cli->out);
    if (root != NULL)
        print_frame(cli, r, root, 0);
    struct rac_json response = rac_run_response_shown(r, rac_run_arena(r));
    if (response.type != RAC_JSON_NONE) {
        fputs("response ", cli->out);
        rac_cli_print_json(cli, &response);
    }
}
