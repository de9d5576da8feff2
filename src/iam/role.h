/*
 * role - the five roles of architecture §2. A role is granted to a user for one resource group or
 * for the whole tenant; operator, which concerns the installation, for the tenant only.
 */
#ifndef RAC_IAM_ROLE_H
#define RAC_IAM_ROLE_H

#include "base/arena.h"
#include "base/base.h"

enum rac_role { /* bits */
                RAC_ROLE_READER = 1,
                RAC_ROLE_MAKER = 2,
                RAC_ROLE_CERTIFIER = 4,
                RAC_ROLE_ADMINISTRATOR = 8,
                RAC_ROLE_OPERATOR = 16,
                RAC_ROLE_ALL = 31,
};
enum { RAC_ROLES_N = 5 };

struct rac_role_grant {
    rac_str group;  /* id; absent: the whole tenant */
    unsigned roles; /* RAC_ROLE_* */
};

rac_str rac_role_name(unsigned role);                                   /* of one bit: "maker" */
bool rac_role_parse(rac_str name, unsigned *role);                      /* letter case ignored */
rac_str rac_roles_print(struct rac_arena *a, unsigned roles, char sep); /* "reader,maker" */

#endif
