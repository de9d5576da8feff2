/*
 * openapi/postman_read_priv - what the readers of Postman versions share: parts of requests
 * (postman_parts.c), requests and folders (postman_read.c), v1 (postman_v1.c). Private to them.
 */
#ifndef RAC_OPENAPI_POSTMAN_READ_PRIV_H
#define RAC_OPENAPI_POSTMAN_READ_PRIV_H

#include "openapi/postman_priv.h"

enum { PM_REQUESTS_MAX = 20000, PM_FOLDERS_MAX = 20000 };

/* --- postman_parts.c --------------------------------------------------------------------------- */

const struct rac_place *pm_place_keep(struct pm *p, struct rac_place at);
/* Counts something that is told once per import. */
void pm_note(struct pm *p, enum pm_once what, enum rac_rule_id rule, const struct rac_place *at);

/* A list of keys for pm_check_keys. */
#define PM_KEYS(...)                                                                               \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
/* Tells, once each, members of at->node that `known` does not list; where: "item". */
void pm_check_keys(struct pm *p, const struct rac_place *at, const char *const *known,
                   const char *where);

void pm_read_variables(struct pm *p, struct rac_map *vars, const struct rac_json *list);
/* v1 words of authentication types to those of v2. */
rac_str pm_auth_word(rac_str helper);
const struct pm_auth *pm_auth_new(struct pm *p, rac_str type, const struct rac_json *values,
                                  const struct rac_place *at);
/* The `auth` member of a collection, folder or request; NULL: none of its own. */
const struct pm_auth *pm_read_auth(struct pm *p, const struct rac_place *owner);
/* Scripts and protocol settings, which are told and dropped. */
void pm_read_events(struct pm *p, const struct rac_place *owner);

/* A list of {key, value}, or the object of v1. */
void pm_read_entries(struct pm *p, struct pm_list *out, const struct rac_json *list);
void pm_read_headers(struct pm *p, struct pm_list *out,
                     const struct rac_json *v);                           /* list or text */
void pm_read_query_text(struct pm *p, struct pm_list *out, rac_str text); /* "a=b&c" */
void pm_read_url_text(struct pm *p, struct pm_request *r, rac_str url, bool with_query);
void pm_read_url(struct pm *p, struct pm_request *r, const struct rac_json *v); /* text or object */
enum pm_mode pm_mode_of(rac_str word);
void pm_read_graphql(struct pm *p, struct pm_request *r, const struct rac_json *v);
void pm_read_body(struct pm *p, struct pm_request *r, const struct rac_place *at);
/* First with a 2xx code, else the first (§2.3.6). */
void pm_read_responses(struct pm *p, struct pm_request *r, const struct rac_place *list);

/* --- postman_read.c ---------------------------------------------------------------------------- */

/* NULL past PM_REQUESTS_MAX. */
struct pm_request *pm_request_new(struct pm *p, const struct pm_folder *folder,
                                  const struct rac_place *at);
struct pm_folder *pm_folder_new(struct pm *p, const struct pm_folder *up,
                                const struct rac_place *at);
/* In upper case; GET where there is none. */
rac_str pm_method_of(struct pm *p, const struct rac_json *v);

/* --- postman_v1.c ------------------------------------------------------------------------------ */

rac_err pm_read_v1(struct pm *p, const struct rac_place *root) RAC_MUST_CHECK;

#endif
