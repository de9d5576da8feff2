#include "api/monitor.h"

#include "api/service.h"

static void ready(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    struct rac_store_stats st;
    rac_store_stats(w->service->store, &st);
    if (w->stopping)
        rac_api_reply_error(x, 503, RAC_S("Stopping"), RAC_S("The server is shutting down."));
    else if (st.state == RAC_E_FULL)
        rac_api_reply_error(x, 503, RAC_S("StorageFull"),
                            RAC_S("The last write failed: the disk is full."));
    else if (st.state != RAC_OK)
        rac_api_reply_error(x, 503, RAC_S("StorageFailed"),
                            RAC_S("The last write to the data directory failed."));
    else
        rac_http_reply_text(x, 200, "text/plain", RAC_S("ready\n"));
}

static void metrics(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    struct rac_store_stats st;
    rac_store_stats(w->service->store, &st);
    rac_metric_set(RAC_METRIC_STORE_QUEUE, (int64_t)st.queue_n);
    struct rac_buf b;
    rac_buf_init(&b, 4 << 20);
    rac_metrics_print(&b);
    rac_http_reply_text(x, 200, "text/plain; version=0.0.4; charset=utf-8",
                        rac_buf_take(&b, x->arena));
    rac_buf_fini(&b);
}

void rac_monitor_handle(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    if (!rac_str_eq(x->method, RAC_S("GET")) && !rac_str_eq(x->method, RAC_S("HEAD")))
        rac_api_reply_method(x, RAC_S("GET"));
    else if (rac_str_eq(x->path, RAC_S("/readyz")))
        ready(w, x);
    else if (rac_str_eq(x->path, RAC_S("/metrics")))
        metrics(w, x);
    else
        rac_api_reply_error(x, 404, RAC_S("NotFound"), RAC_S("Nothing is here."));
}
