/*
 * native - the management API of connectors.md §10.4 and workflows.md §7.1: operations.def as a
 * surface (surface.h), each row at its own path below /api/v1, nothing translated.
 */
#ifndef RAC_API_NATIVE_H
#define RAC_API_NATIVE_H

#include "api/surface.h"

extern const struct rac_surface_def rac_native_surface;

#endif
