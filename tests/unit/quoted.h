/*
 * quoted - JSON in tests, written with ' where JSON has " and the other way round, and the arena it
 * lives in: one per test, as `a`.
 */
#ifndef RAC_TEST_QUOTED_H
#define RAC_TEST_QUOTED_H

#include "test_arena.h"

#include "json/json.h"

static inline rac_str quotes_swapped(rac_str text)
{
    char *p = rac_arena_cstr(&a, text);
    for (char *c = p; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c == '"' ? '\'' : *c;
    return (rac_str){p, text.n};
}

static inline struct rac_json json(const char *text)
{
    struct rac_json v;
    rac_str t = quotes_swapped(rac_str_of(text));
    if (rac_json_parse(t, &a, RAC_JSON_COPY, &v, NULL) != RAC_OK)
        fail_msg("not JSON: %s", text);
    return v;
}

#endif
