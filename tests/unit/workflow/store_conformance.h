/*
 * store_conformance - what every implementation of workflow/store.h must do with runs and batches: asked of the
 * database, and of the memory the engine is tested with, so that the two do not drift apart.
 */
#ifndef RAC_TEST_STORE_CONFORMANCE_H
#define RAC_TEST_STORE_CONFORMANCE_H

#include "workflow/store.h"

/* flow is the key of a workflow without runs; pump answers everything that was asked for. */
void store_conformance(const struct rac_flow_store *s, int64_t flow, void (*pump)(void *arg),
                       void *arg);

#endif
