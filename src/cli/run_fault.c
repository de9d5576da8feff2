#include "cli/run_fault.h"
#include "cli/output.h"

/* The part that failed stands innermost of those that say so; equal ones before it are passed. The
 * text of a condition is JSON, in which its parts stand a little differently: false then. */
static bool locate(const struct rac_json *parts, rac_str text, size_t from, size_t end,
                   struct rac_cli_fault *out)
{
    RAC_JSON_EACH(part, parts)
    {
        rac_str what = rac_json_str(RAC_JSON_GET(part, "text"), RAC_S(""));
        size_t at = rac_str_find(rac_str_sub(text, from, end - from), what);
        bool here = what.n > 0 && at != RAC_STR_NPOS, fails = RAC_JSON_GET(part, "error") != NULL;
        size_t start = here ? from + at : from, stop = here ? start + what.n : end;
        if (locate(RAC_JSON_GET(part, "subexpressions"), text, start, stop, out))
            return true;
        if (fails && !here) { /* shown by itself */
            *out = rac_cli_fault_of_text(out->place, what);
            return true;
        }
        if (fails) {
            out->text = text;
            out->offset = start;
            out->length = what.n;
            return true;
        }
        from = here ? stop : from;
    }
    return false;
}

struct rac_cli_fault rac_cli_fault_of_text(rac_str place, rac_str text)
{
    size_t at = text.n > 1 && text.p[0] == '@' && text.p[1] != '{' ? 1 : 0;
    return (struct rac_cli_fault){place, text, at, text.n - at};
}

bool rac_cli_fault_of_traces(const struct rac_json *traces, struct rac_arena *a,
                             struct rac_cli_fault *out)
{
    RAC_JSON_EACH_MEMBER(member, traces)
    RAC_JSON_EACH(root, &member->value)
    {
        if (RAC_JSON_GET(root, "error") == NULL)
            continue;
        rac_str name = rac_json_key(member),
                path = rac_json_str(RAC_JSON_GET(root, "path"), RAC_S("")),
                text = rac_json_str(RAC_JSON_GET(root, "text"), RAC_S(""));
        bool joined = path.n == 0 || path.p[0] == '[';
        *out = rac_cli_fault_of_text(
            rac_arena_printf(a, "%.*s%s%.*s", RAC_FMT(name), joined ? "" : ".", RAC_FMT(path)),
            text);
        (void)locate(RAC_JSON_GET(root, "subexpressions"), text, 0, text.n, out);
        return true;
    }
    return false;
}

void rac_cli_fault_print(struct rac_cli *cli, int indent, const struct rac_cli_fault *f)
{
    if (!rac_str_eq(f->place, RAC_S("inputs")))
        rac_cli_put(cli, "%*sin %.*s:\n", indent, "", RAC_FMT(f->place));
    rac_cli_underline(cli, cli->out, indent, '~', f->text, f->offset, f->length);
}
