/* A recurrence as JSON text: what is accepted has occurrences that go forward, whatever is asked. */
#include "workflow/definition/recurrence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct rac_recurrence *r, rac_ms activated)
{
    rac_ms last = activated - 1, next;
    struct rac_window w;
    for (uint64_t i = 0; i < 4 && rac_recurrence_next(r, activated, last, i, &next); i++) {
        RAC_ASSERT(next > last && (!r->has_start || next >= r->start_ms));
        RAC_ASSERT((!r->has_end || next <= r->end_ms) && (r->count == 0 || i < r->count));
        last = next;
    }
    last = RAC_WINDOW_FIRST;
    for (int i = 0; i < 4 && !r->has_schedule; i++) {
        if (!rac_recurrence_window(r, activated, last, (uint64_t)i, 5, &w))
            return;
        RAC_ASSERT(w.start_ms > last && w.end_ms > w.start_ms && w.fire_ms == w.start_ms + 5);
        last = w.start_ms;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_json v;
    struct rac_json_error where;
    struct rac_diags d;
    rac_arena_init(&a, 16 << 20);
    rac_diags_init(&d, &a, 20);
    rac_str text = {(const char *)data, size};
    if (rac_json_parse(text, &a, 0, &v, &where) == RAC_OK) {
        for (int i = 0; i < 4; i++) {
            struct rac_recurrence_options o = {i & 1, i & 2, 1700000000000};
            struct rac_recurrence r;
            size_t errors = d.errors_total;
            rac_err e = rac_recurrence_parse(&o, &v, RAC_S("/r"), &a, &r, &d);
            RAC_ASSERT((e == RAC_OK) == (d.errors_total == errors));
            RAC_ASSERT(e != RAC_OK || r.known || o.template);
            if (e == RAC_OK && r.known)
                walk(&r, 1700000000123);
        }
    }
    rac_arena_fini(&a);
    return 0;
}
