/*
 * openapi/rules - the one table of finding codes (rules.def): checks, readers, converters and the
 * runtime name their findings from it; SARIF and docs/reference/rules.md print from it.
 */
#ifndef RAC_OPENAPI_RULES_H
#define RAC_OPENAPI_RULES_H

#include "base/base.h"
#include "base/diag.h"

enum rac_rule_id {
#define RULE(name, code, anchors, registration, certification, title, text, fix) RAC_RULE_##name,
#include "openapi/rules.def"
#undef RULE
    RAC_RULE_N,
};

/* The code of a rule as a literal: RAC_RULE_CODE(OP_01) is "RC-OP-01". */
extern const char *const rac_rule_codes[RAC_RULE_N];
#define RAC_RULE_CODE(name) (rac_rule_codes[RAC_RULE_##name])

enum rac_profile { RAC_PROFILE_REGISTRATION, RAC_PROFILE_CERTIFICATION, RAC_PROFILE_N };

struct rac_rule {
    const char *code;    /* "RC-OP-01" */
    const char *anchors; /* the anchor's names of the same rule, comma separated; may be "" */
    /* The usual severity; a finding may be milder (RC-PATH-01) where the table says so in text. */
    enum rac_severity severity[RAC_PROFILE_N];
    const char *title, *text, *fix;
};

extern const struct rac_rule rac_rules[RAC_RULE_N];

const struct rac_rule *rac_rule_by_code(rac_str code); /* NULL: no such code */
rac_str rac_rule_fix(const struct rac_diag *d); /* its own, else that of its code; may be empty */
const char *rac_profile_name(enum rac_profile p);
bool rac_profile_parse(rac_str s, enum rac_profile *p);

#endif
