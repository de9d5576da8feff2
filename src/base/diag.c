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

void rac_diags_charge(struct rac_diags *d, size_t bytes)
{
    if (d == NULL)
        return;
    d->text_bytes += bytes;
    if (d->text_bytes > RAC_DIAGS_TEXT_BYTES_MAX && d->n_max > d->n)
        d->n_max = d->n;
}

struct rac_diag *rac_diags_addf(struct rac_diags *d, const char *code, enum rac_severity severity,
                                const char *fmt, ...)
{
    if (d == NULL)
        return NULL;
    struct rac_diag diag = {.code = code, .severity = severity};
    if (d->n < d->n_max) {
        va_list ap;
        va_start(ap, fmt);
        diag.message = rac_arena_vprintf(d->a, fmt, ap);
        va_end(ap);
        struct rac_diag *kept = rac_diags_add(d, &diag);
        rac_diags_charge(d, diag.message.n);
        return kept;
    }
    return rac_diags_add(d, &diag);
}

const char *rac_severity_name(enum rac_severity s)
{
    static const char *const names[] = {"info", "warning", "error"};
    return names[s];
}
