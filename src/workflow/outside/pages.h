/*
 * pages - a collection that comes in pages, put together (spec workflows §4.8). Pure; one thread at
 * a time.
 *
 *     rac_pages_begin(&s, minimum_items, next_link_name);
 *     step = rac_pages_answer(&s, url, &outputs, a, &next);     outputs: {statusCode, headers, body}
 *     while (step == RAC_PAGES_NEXT) { GET next; step = rac_pages_answer(&s, next, &outputs, ...) }
 *     DONE: rac_pages_outputs(&s, a); FAILED: the outputs of the page that failed
 */
#ifndef RAC_WORKFLOW_PAGES_H
#define RAC_WORKFLOW_PAGES_H

#include "json/json.h"

enum { RAC_PAGES_MAX = 1000, RAC_PAGES_ITEMS_MAX = 100000 };

struct rac_pages { /* values live in the arenas given with the answers */
    int64_t items_wanted;
    rac_str next_link_name; /* x-ms-pageable; absent: nextLink, @odata.nextLink */
    uint32_t pages;
    struct rac_json first; /* outputs of the first page */
    struct rac_json items; /* array; NONE: the first page has no collection */
};

enum rac_pages_step { RAC_PAGES_DONE, RAC_PAGES_NEXT, RAC_PAGES_FAILED };

/* minimum_items: minimumItemCount, cut to RAC_PAGES_ITEMS_MAX. */
void rac_pages_begin(struct rac_pages *s, int64_t minimum_items, rac_str next_link_name);
/* The answer of url. NEXT: *next is absolute, in a. Pages share their values with outputs. */
enum rac_pages_step rac_pages_answer(struct rac_pages *s, rac_str url,
                                     const struct rac_json *outputs, struct rac_arena *a,
                                     rac_str *next);
/* statusCode and headers of the first page, its body with all items and without the next link. */
struct rac_json rac_pages_outputs(const struct rac_pages *s, struct rac_arena *a);

#endif
