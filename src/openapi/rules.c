#include "openapi/rules.h"

#include "base/str.h"

#define WARNING RAC_SEV_WARNING
#define ERROR   RAC_SEV_ERROR
#define INFO    RAC_SEV_INFO

const char *const rac_rule_codes[RAC_RULE_N] = {
#define RULE(name, code, anchors, registration, certification, title, text, fix) code,
#include "openapi/rules.def"
#undef RULE
};

const struct rac_rule rac_rules[RAC_RULE_N] = {
#define RULE(name, code, anchors, registration, certification, title, text, fix)                   \
    {code, anchors, {registration, certification}, title, text, fix},
#include "openapi/rules.def"
#undef RULE
};

const struct rac_rule *rac_rule_by_code(rac_str code)
{
    for (size_t i = 0; i < RAC_RULE_N; i++)
        if (rac_str_eq(code, rac_str_of(rac_rules[i].code)))
            return &rac_rules[i];
    return NULL;
}

rac_str rac_rule_fix(const struct rac_diag *d)
{
    const struct rac_rule *r = d->fix.n > 0 ? NULL : rac_rule_by_code(rac_str_of(d->code));
    return r != NULL ? rac_str_of(r->fix) : d->fix;
}

const char *rac_profile_name(enum rac_profile p)
{
    return p == RAC_PROFILE_CERTIFICATION ? "certification" : "registration";
}

bool rac_profile_parse(rac_str s, enum rac_profile *p)
{
    for (enum rac_profile i = 0; i < RAC_PROFILE_N; i++)
        if (rac_str_eq(s, rac_str_of(rac_profile_name(i)))) {
            *p = i;
            return true;
        }
    return false;
}
