/* connector/check, private: what its files share. */
#ifndef RAC_CONNECTOR_CHECK_PRIV_H
#define RAC_CONNECTOR_CHECK_PRIV_H

#include "connector/check.h"
#include "openapi/read.h"

/* How a finding is judged (connectors.md §9.4): as in openapi/check. */
enum judged { BY_TABLE, AS_ERROR, AS_E, AS_WARNING };

struct package_check {
    const struct rac_connector_check_input *in;
    struct rac_package *package;
    struct rac_api *api;
    struct rac_document *definition, *properties; /* properties may be NULL */
    const struct rac_json *props;                 /* the object `properties`, or NULL */
    enum rac_profile profile;
    bool independent;
    bool no_definition; /* api is empty: nothing is said about operations */
    struct rac_diags *d;
    struct rac_arena *a;
};

/* A finding at a pointer of a document (or of none: a file by name, without a place). */
void rac_package_found(struct package_check *c, enum rac_rule_id rule, enum judged judged,
                       struct rac_document *doc, rac_str file, rac_str pointer, rac_str message);
/* A message, which is made only when the finding is going to be kept. */
#define RAC_TOLD(c, ...)                                                                           \
    (rac_diags_has_room((c)->d) ? rac_arena_printf((c)->a, __VA_ARGS__) : RAC_STR_NULL)
#define FOUND(c, rule, judged, pointer, ...)                                                       \
    rac_package_found((c), RAC_RULE_##rule, (judged), (c)->properties,                             \
                      rac_package_name((c)->package, RAC_PACKAGE_PROPERTIES), (pointer),           \
                      RAC_TOLD(c, __VA_ARGS__))
#define FOUND_DEFINITION(c, rule, judged, pointer, ...)                                            \
    rac_package_found((c), RAC_RULE_##rule, (judged), (c)->definition,                             \
                      rac_package_name((c)->package, RAC_PACKAGE_DEFINITION), (pointer),           \
                      RAC_TOLD(c, __VA_ARGS__))
#define FOUND_FILE(c, rule, judged, file, ...)                                                     \
    rac_package_found((c), RAC_RULE_##rule, (judged), NULL, (file), RAC_STR_NULL,                  \
                      RAC_TOLD(c, __VA_ARGS__))

rac_str rac_package_join(struct package_check *c, rac_str pointer, const char *key);

/* Calls visit for every connection parameter, those of sets included. */
typedef void (*rac_param_visit)(struct package_check *c, rac_str name, const struct rac_json *param,
                                rac_str pointer, void *arg);
void rac_package_each_param(struct package_check *c, rac_param_visit visit, void *arg);

void rac_package_check_properties(struct package_check *c);
void rac_package_check_policies(struct package_check *c);
void rac_package_check_credentials(struct package_check *c);
void rac_package_check_icon(struct package_check *c);
void rac_package_check_docs(struct package_check *c);
void rac_package_check_changes(struct package_check *c, struct rac_api *former,
                               const struct rac_json *former_props);

#endif
