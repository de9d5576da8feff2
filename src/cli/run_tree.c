#include "cli/run_tree.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/output.h"

enum { ITERATIONS_SHOWN = 10, EXPRESSION_SHOWN = 100 };

static const char *mark(enum rac_wf_status s)
{
    return s == RAC_WF_SUCCEEDED ? "ok" : s == RAC_WF_SKIPPED ? "--" : "!!";
}

static void print_duration(FILE *out, int64_t ms)
{
    if (ms >= 60000)
        fprintf(out, "  %lld min %lld s", (long long)(ms / 60000), (long long)(ms / 1000 % 60));
    else if (ms >= 1000)
        fprintf(out, "  %lld.%lld s", (long long)(ms / 1000), (long long)(ms / 100 % 10));
    else if (ms > 0)
        fprintf(out, "  %lld ms", (long long)ms);
}

static size_t columns(rac_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* One line of the template around the part that failed, and a line under it. */
static void print_fault(FILE *out, int indent, const struct rac_run_fault *f)
{
    size_t from = f->offset > EXPRESSION_SHOWN / 2 ? f->offset - EXPRESSION_SHOWN / 2 : 0;
    while (from > 0 && ((unsigned char)f->text.p[from] & 0xc0) == 0x80)
        from--;
    rac_str shown = rac_str_sub(f->text, from, EXPRESSION_SHOWN + f->length);
    rac_str before = rac_str_sub(f->text, from, f->offset - from),
            failing = rac_str_sub(f->text, f->offset, f->length);
    size_t end = rac_str_find_char(shown, '\n');
    if (end != RAC_STR_NPOS)
        shown = rac_str_sub(shown, 0, end);
    fprintf(out, "%*s%.*s\n%*s", indent, "", RAC_FMT(shown), indent + (int)columns(before), "");
    size_t n = columns(failing);
    for (size_t i = 0; i < (n > 0 ? n : 1) && i < EXPRESSION_SHOWN; i++)
        fputc('~', out);
    fputc('\n', out);
}

static int64_t tries(const struct rac_wf_record *x)
{
    const struct rac_json *s = x->inner != NULL ? &x->inner->state : NULL;
    return rac_json_int(rac_json_get(s, RAC_S("attempt")), 0);
}

static void print_record(struct rac_cli *cli, struct rac_run *r, struct rac_wf_record *x, int depth)
{
    struct rac_run_fault fault;
    rac_cli_put(cli, "%*s%s %.*s  %s", depth * 2, "", mark(x->status), RAC_FMT(x->action->name),
                rac_wf_status_word(x->status));
    if (x->status != RAC_WF_SUCCEEDED && x->code != NULL)
        rac_cli_put(cli, " (%s)", x->code);
    print_duration(cli->out, x->end_ms - x->start_ms);
    if (tries(x) > 0)
        rac_cli_put(cli, "  %lld retries", (long long)tries(x));
    fputc('\n', cli->out);
    rac_str message = rac_json_str(RAC_JSON_GET(&x->error, "message"), RAC_S(""));
    bool holds = x->inner != NULL && x->inner->frames_n > 0;
    if (message.n == 0 || holds || x->status == RAC_WF_SUCCEEDED || x->status == RAC_WF_SKIPPED)
        return;
    rac_cli_put(cli, "%*s   %.*s\n", depth * 2, "", RAC_FMT(message));
    if (rac_str_eq(rac_json_str(RAC_JSON_GET(&x->error, "code"), RAC_S("")),
                   RAC_S("InvalidTemplate")) &&
        rac_run_fault_of(r, x, &fault))
        print_fault(cli->out, depth * 2 + 3, &fault);
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

static void print_frame(struct rac_cli *cli, struct rac_run *r, const struct rac_wf_frame *f,
                        int depth)
{
    for (uint32_t i = 0; i < rac_run_plan(r)->graphs[f->graph].n; i++) {
        struct rac_wf_record *x = (struct rac_wf_record *)(uintptr_t)&f->records[i];
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
    rac_cli_put(cli, "%s", rac_wf_status_word(rac_run_status(r)));
    if (error->type != RAC_JSON_NONE)
        rac_cli_put(cli, ": %.*s",
                    RAC_FMT(rac_json_str(RAC_JSON_GET(error, "message"), RAC_S(""))));
    fputc('\n', cli->out);
    if (rac_run_root(r) != NULL)
        print_frame(cli, r, rac_run_root(r), 0);
    struct rac_json response = rac_run_response_shown(r, rac_run_arena(r));
    if (response.type != RAC_JSON_NONE) {
        fputs("response ", cli->out);
        rac_cli_print_json(cli, &response);
    }
}
