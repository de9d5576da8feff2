#include "workflow/definition/literal.h"

#include "base/str.h"

bool rac_literal_split(rac_str s, rac_str *head, rac_str *tail)
{
    *head = *tail = RAC_S("");
    if (s.n == 0)
        return false;
    if (s.p[0] == '[' && s.p[s.n - 1] == ']' && !rac_str_starts(s, RAC_S("[[")))
        return true;
    size_t open = rac_str_find(s, RAC_S("@{"));
    if (open == RAC_STR_NPOS)
        return s.p[0] == '@' && !rac_str_starts(s, RAC_S("@@"));
    if (s.p[0] == '@' && open != 0)
        return true;
    *head = rac_str_sub(s, 0, open);
    size_t close = rac_str_rfind_char(s, '}');
    if (close != RAC_STR_NPOS)
        *tail = rac_str_from(s, close + 1);
    return true;
}
