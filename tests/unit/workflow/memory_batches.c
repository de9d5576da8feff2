/* Batches of the store in memory: messages in one array in the order they came, parts beside it. */
#include "memory_store.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <strings.h>

static char *copy(rac_str s)
{
    char *p = rac_mem_alloc(s.n + 1);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

static rac_ms now(const struct memory_store *s)
{
    return s->env != NULL ? rac_env_wall_ms(s->env) : 1;
}

static void call(struct memory_store *s, rac_str tenant, int64_t flow, rac_str trigger)
{
    s->ready_counter++;
    memory_store_call(s, tenant, flow, trigger, now(s));
}

static struct memory_part *part_of(struct memory_store *s, int64_t id)
{
    for (size_t i = 0; i < s->parts_n; i++)
        if (s->parts[i].id == id)
            return &s->parts[i];
    return NULL;
}

/* What is in it, and whether that makes it ready. */
static void sum(const struct memory_store *s, const struct memory_part *p, int64_t *n,
                int64_t *bytes, rac_ms *first_ms, int64_t *first)
{
    *n = *bytes = 0;
    *first = 0;
    *first_ms = 0;
    for (size_t i = 0; i < s->messages_n; i++)
        if (s->messages[i].part == p->id) {
            if (++*n == 1) {
                *first_ms = s->messages[i].at_ms;
                *first = s->messages[i].number;
            }
            *bytes += (int64_t)strlen(s->messages[i].content);
        }
}

static bool is_full(const struct rac_flow_full *f, int64_t n, int64_t bytes)
{
    return (f->messages > 0 && n >= f->messages) || (f->bytes > 0 && bytes >= f->bytes);
}

void memory_message_put(struct memory_store *s, const struct rac_flow_message *m)
{
    struct memory_part *p = NULL;
    int64_t n, bytes, first;
    rac_ms first_ms;
    for (size_t i = 0; i < s->parts_n && p == NULL; i++)
        if (s->parts[i].flow == m->flow && rac_str_eqi(rac_str_of(s->parts[i].batch), m->batch) &&
            rac_str_eq(rac_str_of(s->parts[i].partition), m->partition))
            p = &s->parts[i];
    if (p == NULL) {
        s->parts = rac_mem_realloc(s->parts, (s->parts_n + 1) * sizeof *s->parts);
        p = &s->parts[s->parts_n++];
        *p = (struct memory_part){.id = ++s->parts_total,
                                  .flow = m->flow,
                                  .batch = copy(m->batch),
                                  .partition = copy(m->partition)};
    }
    s->messages = rac_mem_realloc(s->messages, (s->messages_n + 1) * sizeof *s->messages);
    s->messages[s->messages_n++] = (struct memory_message){.part = p->id,
                                                           .number = ++p->last,
                                                           .at_ms = now(s),
                                                           .id = copy(m->id),
                                                           .content = copy(m->content)};
    s->messages_total++;
    sum(s, p, &n, &bytes, &first_ms, &first);
    if (!p->ready && is_full(&m->full, n, bytes)) {
        p->ready = true;
        call(s, m->tenant, m->flow, m->trigger);
    }
}

static bool goes(const struct memory_message *m, const struct rac_flow_release *r)
{
    return m->part == r->part && m->number >= r->first && m->number <= r->last;
}

bool memory_release_is_there(const struct memory_store *s, const struct rac_flow_release *r)
{
    int64_t n = 0;
    for (size_t i = 0; i < s->messages_n; i++)
        n += goes(&s->messages[i], r);
    return n == r->n;
}

static void part_free(struct memory_store *s, struct memory_part *p)
{
    rac_mem_free(p->batch);
    rac_mem_free(p->partition);
    memmove(p, p + 1, (size_t)(&s->parts[s->parts_n] - (p + 1)) * sizeof *p);
    s->parts_n--;
}

/* They go; NULL: it was the last of the part. */
static struct memory_part *take_out(struct memory_store *s, const struct rac_flow_release *r)
{
    size_t kept = 0;
    int64_t n, bytes, first;
    rac_ms first_ms;
    for (size_t i = 0; i < s->messages_n; i++) {
        if (!goes(&s->messages[i], r)) {
            s->messages[kept++] = s->messages[i];
            continue;
        }
        rac_mem_free(s->messages[i].id);
        rac_mem_free(s->messages[i].content);
    }
    s->messages_n = kept;
    struct memory_part *p = part_of(s, r->part);
    sum(s, p, &n, &bytes, &first_ms, &first);
    if (n == 0) {
        part_free(s, p);
        return NULL;
    }
    p->through = r->through > p->through ? r->through : p->through;
    if (first > p->through)
        p->through = 0;
    return p;
}

void memory_release_put(struct memory_store *s, rac_str tenant, const struct rac_flow_release *r)
{
    int64_t n, bytes, first;
    rac_ms first_ms;
    struct memory_part *p = take_out(s, r);
    if (p == NULL)
        return;
    sum(s, p, &n, &bytes, &first_ms, &first);
    p->ready = p->through > 0 || is_full(&r->full, n, bytes);
    if (p->ready)
        call(s, tenant, r->flow, r->trigger);
}

void memory_drop(struct memory_store *s, const struct memory_drop *d, struct rac_commit *out)
{
    struct memory_part *p = part_of(s, d->part);
    if (p == NULL || p->flow != d->flow)
        return;
    struct rac_flow_release r = {.part = d->part, .last = d->through > 0 ? d->through : p->last};
    size_t before = s->messages_n;
    out->revision = r.last;
    (void)take_out(s, &r);
    out->version = (int64_t)(before - s->messages_n);
}

int64_t memory_mark(struct memory_store *s, const struct rac_flow_mark *m)
{
    int64_t found = 0, n, bytes, first;
    rac_ms first_ms;
    for (size_t i = 0; i < s->parts_n; i++) {
        struct memory_part *p = &s->parts[i];
        if (p->flow != m->flow || !rac_str_eqi(rac_str_of(p->batch), m->batch) ||
            rac_str_cmp(rac_str_of(p->partition), m->after) <= 0)
            continue;
        sum(s, p, &n, &bytes, &first_ms, &first);
        bool old = first_ms <= m->before_ms;
        if (!old && !is_full(&m->full, n, bytes))
            continue;
        p->through = old ? p->last : p->through;
        p->ready = true;
        found++;
    }
    if (found > 0)
        call(s, m->tenant, m->flow, m->trigger);
    return found;
}

static int by_name(const void *x, const void *y)
{
    const struct memory_part *p = x, *q = y;
    int c = strcasecmp(p->batch, q->batch);
    return c != 0 ? c : strcmp(p->partition, q->partition);
}

static int by_id(const void *x, const void *y)
{
    const struct memory_part *p = x, *q = y;
    return (p->id > q->id) - (p->id < q->id);
}

static rac_err part_list(void *self, int64_t flow, const struct rac_flow_part_query *q,
                         struct rac_arena *a, struct rac_flow_part_row **v, size_t *n, bool *more)
{
    struct memory_store *s = self;
    size_t most = q->n_max > 0 ? q->n_max : 250;
    if (s->parts_n > 0)
        qsort(s->parts, s->parts_n, sizeof *s->parts, q->ready ? by_id : by_name);
    *v = RAC_NEW_N(a, struct rac_flow_part_row, s->parts_n + 1);
    *n = 0;
    *more = false;
    for (size_t i = 0; i < s->parts_n; i++) {
        const struct memory_part *p = &s->parts[i];
        if (p->flow != flow || (q->ready && (!p->ready || p->id <= q->after)) ||
            (q->batch.p != NULL && !rac_str_eqi(rac_str_of(p->batch), q->batch)))
            continue;
        if (*n == most) {
            *more = true;
            break;
        }
        struct rac_flow_part_row *row = &(*v)[(*n)++];
        int64_t first;
        *row = (struct rac_flow_part_row){.id = p->id,
                                          .batch = rac_arena_str(a, rac_str_of(p->batch)),
                                          .partition = rac_arena_str(a, rac_str_of(p->partition)),
                                          .through = p->through,
                                          .ready = p->ready};
        sum(s, p, &row->messages_n, &row->bytes_n, &row->first_ms, &first);
    }
    return RAC_OK;
}

static rac_err message_list(void *self, int64_t part, size_t n_max, int64_t bytes_max,
                            struct rac_arena *a, struct rac_flow_message_row **v, size_t *n)
{
    struct memory_store *s = self;
    int64_t bytes = 0;
    *v = RAC_NEW_N(a, struct rac_flow_message_row, s->messages_n + 1);
    *n = 0;
    for (size_t i = 0; i < s->messages_n && *n < n_max && bytes < bytes_max; i++) {
        const struct memory_message *m = &s->messages[i];
        if (m->part != part)
            continue;
        bytes += (int64_t)strlen(m->content);
        (*v)[(*n)++] =
            (struct rac_flow_message_row){.number = m->number,
                                          .id = rac_arena_str(a, rac_str_of(m->id)),
                                          .content = rac_arena_str(a, rac_str_of(m->content)),
                                          .at_ms = m->at_ms};
    }
    return RAC_OK;
}

static rac_err message_count(void *self, int64_t flow, int64_t *messages, int64_t *bytes)
{
    struct memory_store *s = self;
    *messages = *bytes = 0;
    for (size_t i = 0; i < s->messages_n; i++)
        if (part_of(s, s->messages[i].part)->flow == flow) {
            ++*messages;
            *bytes += (int64_t)strlen(s->messages[i].content);
        }
    return RAC_OK;
}

static uint64_t ready_counter(void *self)
{
    return ((struct memory_store *)self)->ready_counter;
}

void memory_batches_port(struct rac_flow_store *p)
{
    p->ready_counter = ready_counter;
    p->part_list = part_list;
    p->message_list = message_list;
    p->message_count = message_count;
}

void memory_batches_free(struct memory_store *s)
{
    for (size_t i = 0; i < s->messages_n; i++) {
        rac_mem_free(s->messages[i].id);
        rac_mem_free(s->messages[i].content);
    }
    while (s->parts_n > 0)
        part_free(s, &s->parts[s->parts_n - 1]);
    rac_mem_free(s->messages);
    rac_mem_free(s->parts);
}
