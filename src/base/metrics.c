/*
 * Each thread owns a slab, linked into a list at first use and never freed: a thread's counts
 * outlive it. Only the owner writes a slab; printing reads with relaxed atomics.
 */
#include "base/metrics.h"
#include "base/mem.h"

#include <pthread.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const struct {
    const char *name, *label, *help;
    enum kind kind;
} table[] = {
#define METRIC(id, name, kind, help)           {name, NULL, help, kind},
#define METRIC_BY(id, name, kind, label, help) {name, label, help, kind},
#include "base/metrics.def"
#undef METRIC
#undef METRIC_BY
};

static const double bounds_s[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                  0.025,  0.05,    0.1,    0.25,  0.5,    1,     2.5,
                                  5,      10,      30,     60,    120};
enum { BUCKETS = RAC_COUNT(bounds_s) + 1, LABELLED_MAX = 4 };

struct slab {
    struct slab *next;
    uint64_t value[RAC_METRICS_N];
    uint64_t sum_ns[RAC_METRICS_N];
    uint64_t bucket[RAC_METRICS_N][BUCKETS];
    uint64_t labelled[LABELLED_MAX][RAC_METRIC_LABELS_MAX];
};

static struct slab *slabs;
static _Thread_local struct slab *mine;
static int64_t gauges[RAC_METRICS_N];
static pthread_mutex_t label_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *label_values[LABELLED_MAX][RAC_METRIC_LABELS_MAX];
static unsigned label_counts[LABELLED_MAX]; /* published after the value */

static struct slab *slab(void)
{
    if (RAC_UNLIKELY(mine == NULL)) {
        mine = rac_mem_alloc(sizeof *mine);
        mine->next = __atomic_load_n(&slabs, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&slabs, &mine->next, mine, true, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
            ;
    }
    return mine;
}

static void bump(uint64_t *p, uint64_t n) /* one writer: a plain add, made visible to readers */
{
    __atomic_store_n(p, __atomic_load_n(p, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static unsigned labelled_row(enum rac_metric m)
{
    unsigned row = 0;
    for (int i = 0; i < (int)m; i++)
        row += table[i].label != NULL;
    RAC_ASSERT(table[m].label != NULL && row < LABELLED_MAX);
    return row;
}

void rac_metric_add(enum rac_metric m, uint64_t n)
{
    bump(&slab()->value[m], n);
}

void rac_metric_set(enum rac_metric m, int64_t v)
{
    __atomic_store_n(&gauges[m], v, __ATOMIC_RELAXED);
}

void rac_metric_change(enum rac_metric m, int64_t by)
{
    __atomic_add_fetch(&gauges[m], by, __ATOMIC_RELAXED);
}

void rac_metric_observe_ns(enum rac_metric m, rac_ns took)
{
    struct slab *s = slab();
    double seconds = (double)took / 1e9;
    size_t b = 0;
    while (b < RAC_COUNT(bounds_s) && seconds > bounds_s[b])
        b++;
    bump(&s->bucket[m][b], 1);
    bump(&s->sum_ns[m], took > 0 ? (uint64_t)took : 0);
    bump(&s->value[m], 1);
}

unsigned rac_metric_label(enum rac_metric m, const char *value)
{
    unsigned row = labelled_row(m), i = 0;
    pthread_mutex_lock(&label_lock);
    unsigned n = label_counts[row];
    while (i < n && strcmp(label_values[row][i], value) != 0)
        i++;
    if (i == n) {
        RAC_ASSERT(n < RAC_METRIC_LABELS_MAX);
        label_values[row][n] = value;
        __atomic_store_n(&label_counts[row], n + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&label_lock);
    return i;
}

static unsigned label_count(unsigned row)
{
    return __atomic_load_n(&label_counts[row], __ATOMIC_ACQUIRE);
}

void rac_metric_add_at(enum rac_metric m, unsigned label, uint64_t n)
{
    unsigned row = labelled_row(m);
    RAC_ASSERT(label < RAC_METRIC_LABELS_MAX);
    bump(&slab()->labelled[row][label], n);
}

#define SUM_OVER_SLABS(field)                                                                      \
    ({                                                                                             \
        uint64_t total_ = 0;                                                                       \
        for (struct slab *s_ = __atomic_load_n(&slabs, __ATOMIC_ACQUIRE); s_ != NULL;              \
             s_ = s_->next)                                                                        \
            total_ += __atomic_load_n(&s_->field, __ATOMIC_RELAXED);                               \
        total_;                                                                                    \
    })

uint64_t rac_metric_sum(enum rac_metric m)
{
    if (table[m].label == NULL)
        return SUM_OVER_SLABS(value[m]);
    uint64_t total = 0;
    unsigned row = labelled_row(m);
    for (unsigned i = 0, n = label_count(row); i < n; i++)
        total += SUM_OVER_SLABS(labelled[row][i]);
    return total;
}

static void print_histogram(struct rac_buf *b, int m)
{
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += SUM_OVER_SLABS(bucket[m][i]);
        if (i < RAC_COUNT(bounds_s))
            rac_buf_printf(b, "%s_bucket{le=\"%g\"} %llu\n", table[m].name, bounds_s[i],
                           (unsigned long long)below);
        else
            rac_buf_printf(b, "%s_bucket{le=\"+Inf\"} %llu\n", table[m].name,
                           (unsigned long long)below);
    }
    rac_buf_printf(b, "%s_sum %.9g\n%s_count %llu\n", table[m].name,
                   (double)SUM_OVER_SLABS(sum_ns[m]) / 1e9, table[m].name,
                   (unsigned long long)below);
}

void rac_metrics_print(struct rac_buf *b)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    for (int m = 0; m < RAC_METRICS_N; m++) {
        rac_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", table[m].name, table[m].help,
                       table[m].name, kinds[table[m].kind]);
        if (table[m].kind == HISTOGRAM) {
            print_histogram(b, m);
        } else if (table[m].kind == GAUGE) {
            rac_buf_printf(b, "%s %lld\n", table[m].name,
                           (long long)__atomic_load_n(&gauges[m], __ATOMIC_RELAXED));
        } else if (table[m].label == NULL) {
            rac_buf_printf(b, "%s %llu\n", table[m].name,
                           (unsigned long long)rac_metric_sum((enum rac_metric)m));
        } else {
            unsigned row = labelled_row((enum rac_metric)m);
            for (unsigned i = 0, n = label_count(row); i < n; i++)
                rac_buf_printf(b, "%s{%s=\"%s\"} %llu\n", table[m].name, table[m].label,
                               label_values[row][i],
                               (unsigned long long)SUM_OVER_SLABS(labelled[row][i]));
        }
    }
}
