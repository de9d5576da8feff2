/*
 * workflow_filter - $filter of lists (spec workflows §7.3): comparisons joined by `and`; `or` in
 * parentheses over status.
 *
 *     status eq 'Failed' and startTime ge 2024-01-01T00:00:00Z
 */
#ifndef RAC_API_OPS_WORKFLOW_FILTER_H
#define RAC_API_OPS_WORKFLOW_FILTER_H

#include "api/ask.h"

enum { RAC_FILTER_STATUSES_MAX = 8 };
enum rac_flow_filter_field { /* what a filter compares */
                             RAC_FILTER_STATUS = 1,
                             RAC_FILTER_START = 2,
                             RAC_FILTER_TRACKING = 4,
                             RAC_FILTER_TRIGGER = 8,
                             RAC_FILTER_STATE = 16,
                             RAC_FILTER_MAP_TYPE = 32,
                             RAC_FILTER_SCHEMA_TYPE = 64,
};

struct rac_flow_filter {
    unsigned fields; /* enum rac_flow_filter_field */
    rac_str statuses[RAC_FILTER_STATUSES_MAX];
    size_t statuses_n;
    rac_ms from_ms, to_ms; /* inclusive; 0: open */
    rac_str tracking, trigger, state;
    rac_str artifact_type; /* mapType or schemaType */
};

/* Reads $filter (absent: matches all); fields: those the list can be filtered by, any other is
 * refused. False: the ask failed. */
bool rac_flow_filter_read(struct rac_ask *q, unsigned fields, struct rac_flow_filter *out);
/* Does a status pass? */
bool rac_flow_filter_status(const struct rac_flow_filter *f, rac_str status);
/* The same for a text; *why in a. Pure. */
bool rac_flow_filter_parse(rac_str text, struct rac_arena *a, struct rac_flow_filter *out,
                           rac_str *why);
/* Page of a list: $top (1..250, else InvalidTopParameter; absent: otherwise) and $skipToken. */
bool rac_flow_page(struct rac_ask *q, size_t otherwise, size_t *top, rac_str *after);

#endif
