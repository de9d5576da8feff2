/*
 * metrics - counters, gauges and histograms, printed as Prometheus text.
 *
 * The list is base/metrics.def. Counters and histograms are kept per thread and added up when
 * printed, so the request path shares no cache line; gauges are process-wide. Any thread.
 */
#ifndef RAC_BASE_METRICS_H
#define RAC_BASE_METRICS_H

#include "base/base.h"
#include "base/buf.h"

enum rac_metric {
#define METRIC(id, name, kind, help)           RAC_METRIC_##id,
#define METRIC_BY(id, name, kind, label, help) RAC_METRIC_##id,
#include "base/metrics.def"
#undef METRIC
#undef METRIC_BY
    RAC_METRICS_N
};

enum { RAC_METRIC_LABELS_MAX = 192 }; /* values of one label */

void rac_metric_add(enum rac_metric m, uint64_t n);         /* counter */
void rac_metric_set(enum rac_metric m, int64_t v);          /* gauge */
void rac_metric_change(enum rac_metric m, int64_t by);      /* gauge */
void rac_metric_observe_ns(enum rac_metric m, rac_ns took); /* histogram of seconds */

/* The index of a label's value, added when it is new: once, at start, since it takes a lock. */
unsigned rac_metric_label(enum rac_metric m, const char *value /* static */);
void rac_metric_add_at(enum rac_metric m, unsigned label, uint64_t n);

uint64_t rac_metric_sum(enum rac_metric m); /* of a counter, over all threads (and labels) */
void rac_metrics_print(struct rac_buf *b);

#endif
