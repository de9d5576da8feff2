/*
 * auth_plan - which security schemes an operation takes, worked out when a connector is compiled.
 *
 * Immutable, in the connector's arena. rac_auth_apply (connector/auth.h) turns a plan and a
 * connection into headers and query parameters (connectors.md §4.2).
 */
#ifndef RAC_CONNECTOR_AUTH_PLAN_H
#define RAC_CONNECTOR_AUTH_PLAN_H

#include "base/arena.h"
#include "base/base.h"
#include "json/json.h"

enum rac_auth_kind { RAC_AUTH_BASIC, RAC_AUTH_API_KEY, RAC_AUTH_OAUTH2 };

struct rac_auth_scheme {
    enum rac_auth_kind kind;
    bool in_query;     /* API_KEY: query, else header */
    rac_str name;      /* its key in securityDefinitions */
    rac_str wire_name; /* API_KEY: name of the header or query parameter */
};

struct rac_auth_requirement { /* all of these together */
    struct rac_auth_scheme *schemes;
    size_t schemes_n;
};

struct rac_auth_plan {
    struct rac_auth_requirement *v; /* any one of these; the first that the connection can meet */
    size_t n;
    bool none; /* "security": [] at the operation, or only {}: credentials are never sent */
};

/*
 * definition: root of the OpenAPI document; operation: its operation object, NULL for the root's
 * requirements alone. Requirements that name undefined schemes are dropped (corpus-survey §11.31).
 * Everything is copied into a.
 */
void rac_auth_plan_build(const struct rac_json *definition, const struct rac_json *operation,
                         struct rac_arena *a, struct rac_auth_plan *out);

#endif
