#include "iam/role.h"
#include "base/buf.h"
#include "base/str.h"

static const rac_str names[RAC_ROLES_N] = {
    RAC_S_INIT("reader"),        RAC_S_INIT("maker"),    RAC_S_INIT("certifier"),
    RAC_S_INIT("administrator"), RAC_S_INIT("operator"),
};

rac_str rac_role_name(unsigned role)
{
    RAC_ASSERT(role != 0 && (role & (role - 1)) == 0 && role <= RAC_ROLE_ALL);
    return names[__builtin_ctz(role)];
}

bool rac_role_parse(rac_str name, unsigned *role)
{
    for (unsigned i = 0; i < RAC_ROLES_N; i++)
        if (rac_str_eqi(names[i], name)) {
            *role = 1u << i;
            return true;
        }
    return false;
}

rac_str rac_roles_print(struct rac_arena *a, unsigned roles, char sep)
{
    char text[64];
    size_t n = 0;
    for (unsigned i = 0; i < RAC_ROLES_N; i++) {
        if (!(roles & 1u << i))
            continue;
        if (n > 0)
            text[n++] = sep;
        memcpy(text + n, names[i].p, names[i].n);
        n += names[i].n;
    }
    return rac_arena_str(a, (rac_str){text, n});
}
