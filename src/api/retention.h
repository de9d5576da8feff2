/*
 * retention - history goes when its time has come: runs and evaluations of triggers that began
 * longer ago than the server or their workflow says, and those beyond the number that is kept.
 *
 * Worker 0 has one. A round looks at one workflow after another, a bounded piece at a time, each a
 * write like any other, so that nobody waits for it. Open runs stay.
 */
#ifndef RAC_API_RETENTION_H
#define RAC_API_RETENTION_H

#include "base/base.h"

struct rac_api_worker;
struct rac_retention;

/* Begins a minute from now at the latest, then every workflow.sweep. Worker's thread. */
struct rac_retention *rac_retention_new(struct rac_api_worker *w);
void rac_retention_free(struct rac_retention *r); /* NULL is fine; what is under way ends later */

#endif
