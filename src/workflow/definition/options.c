#include "workflow/definition/options.h"

#include "base/str.h"

static bool is_between(char c)
{
    return c == ',' || rac_is_space(c);
}

rac_str rac_options_of(const struct rac_json *node)
{
    return rac_json_str(RAC_JSON_GETI(node, "operationOptions"), RAC_S(""));
}

bool rac_options_next(rac_str *rest, rac_str *word)
{
    size_t from = 0;
    while (from < rest->n && is_between(rest->p[from]))
        from++;
    size_t end = from;
    while (end < rest->n && !is_between(rest->p[end]))
        end++;
    *word = rac_str_sub(*rest, from, end - from);
    *rest = rac_str_from(*rest, end);
    return word->n > 0;
}

bool rac_options_have(rac_str options, rac_str word)
{
    rac_str one;
    while (rac_options_next(&options, &one))
        if (rac_str_eqi(one, word))
            return true;
    return false;
}
