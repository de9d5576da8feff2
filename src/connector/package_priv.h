/*
 * package_priv - what the files of a package reader share. Private to connector/package*.c.
 */
#ifndef RAC_CONNECTOR_PACKAGE_PRIV_H
#define RAC_CONNECTOR_PACKAGE_PRIV_H

#include "connector/package.h"

void rac_package_add(struct rac_package *p, rac_str name, rac_str bytes); /* by reference */
/* How well a base name fits a role: larger is better, 0 not at all (the role is then OTHER). */
unsigned rac_package_rank(rac_str name, enum rac_package_role *role);
/* Finds the file of each role. RAC_E_INVALID (RC-IMP-04): there is no definition. */
rac_err rac_package_find_roles(struct rac_package *p, struct rac_diags *d) RAC_MUST_CHECK;

/*
 * Fills p from a zip (package_zip.c): one package, a solution archive of Power Platform, or an
 * archive of such archives. member says which connector where it holds several, else is absent.
 * RAC_E_INVALID: none (RC-IMP-04), or several to choose from (RC-IMP-05).
 */
rac_err rac_package_unzip(struct rac_package *p, rac_str bytes, rac_str member, size_t bytes_max,
                          struct rac_diags *d) RAC_MUST_CHECK;

#endif
