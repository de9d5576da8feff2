/*
 * monitor - /readyz (can it read and write?) and /metrics (Prometheus text); /healthz is answered
 * before anything else. No token: they say nothing about what is stored.
 */
#ifndef RAC_API_MONITOR_H
#define RAC_API_MONITOR_H

#include "http/server.h"

struct rac_api_worker;

void rac_monitor_handle(struct rac_api_worker *w, struct rac_http_exchange *x);

#endif
