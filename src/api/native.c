#include "api/native.h"

static const struct rac_surface_route routes[] = {
#define OP(id, method, path, perm, fn, req, res, status, flags, tag, summary)                      \
    {#method, "/api/v1" path, RAC_ASK_##id, NULL, NULL, NULL},
#include "api/operations.def"
#undef OP
};

const struct rac_surface_def rac_native_surface = {
    .router_flags = RAC_ROUTER_VERBS,
    .routes = routes,
    .routes_n = RAC_COUNT(routes),
    .nothing_here = "There is no such operation. /api/v1/openapi.json describes those there are.",
};
