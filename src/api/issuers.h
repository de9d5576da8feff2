/*
 * issuers - signing keys of identity providers that policies of workflows name (spec workflows
 * §5.3): found by OpenID discovery, kept for an hour, a failure for ten seconds. A token that names
 * a key that is not among them has them fetched again, every ten seconds at most. One per worker.
 */
#ifndef RAC_API_ISSUERS_H
#define RAC_API_ISSUERS_H

#include "json/json.h"

struct rac_api_worker;
struct rac_issuers;

struct rac_issuers *rac_issuers_new(struct rac_api_worker *w);
void rac_issuers_free(struct rac_issuers *i);

/* {"keys": [...]}; NULL: not at hand. Valid until the loop turns. Port of workflow/definition/access: self is
 * a struct rac_issuers. */
const struct rac_json *rac_issuers_keys(void *self, rac_str issuer);
/* Fetches them; done later, once, whatever comes of it; no cancel. */
void rac_issuers_fetch(struct rac_issuers *i, rac_str issuer, void (*done)(void *arg), void *arg);

#endif
