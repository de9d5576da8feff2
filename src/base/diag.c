#include "base/diag.h"

#include <stdarg.h>

void rac_diags_init(struct rac_diags *d, struct rac_arena *a, size_t n_max)
{
    *d = (struct rac_diags){.a = a, .n_max = n_max};
}

struct rac_diag *rac_diags_add(struct rac_diags *d, const struct rac_diag *diag)
{
    if (d == NULL)
        return NULL;
    d->errors_total += diag->severity == RAC_SEV_ERROR;
    d->warnings_total += diag->severity == RAC_SEV_WARNING;
    if (d->n >= d->n_max) {
        d->dropped_total++;
        return NULL;
    }
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 16;
        d->v = rac_arena_grow(d->a, d->v, d->cap * sizeof *d->v, cap * sizeof *d->v);
        d->cap = cap;
    }
    d->v[d->n] = *diag;
    return &d->v[d->n++];
}

struct rac_diag *rac_diags_addf(struct rac_diags *d, const char *code, enum rac_severity severity,
                                const char *fmt, ...)
{
    if (d == NULL)
        return NULL;
    struct rac_diag diag = {.code = code, .severity = severity};
    if (d->n < d->n_max) {
        va_list ap, again;
        va_start(ap, fmt);
        va_copy(again, ap);
        int n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        RAC_ASSERT(n >= 0);
        char *p = rac_arena_alloc_dirty(d->a, (size_t)n + 1);
        vsnprintf(p, (size_t)n + 1, fmt, again);
        va_end(again);
        diag.message = (rac_str){p, (size_t)n};
    }
    return rac_diags_add(d, &diag);
}

const char *rac_severity_name(enum rac_severity s)
{
    static const char *const names[] = {"info", "warning", "error"};
    return names[s];
}
