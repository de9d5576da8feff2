/* fixture - connectors for the tests of this room, from files or from text. */
#ifndef RAC_TEST_CONNECTOR_FIXTURE_H
#define RAC_TEST_CONNECTOR_FIXTURE_H

#include "unit.h"

#include "connector/connector.h"
#include "connector/package.h"

/* Compiles a definition and properties (either may be NULL: a minimal one). Fails the test. */
static inline struct rac_connector *fixture_compile(const char *definition, const char *properties)
{
    struct rac_arena a;
    struct rac_connector *c = NULL;
    rac_arena_init(&a, 64 << 20);
    struct rac_package *p = rac_package_new(&a, rac_str_of(definition), rac_str_of(properties),
                                            RAC_STR_NULL, RAC_STR_NULL);
    struct rac_diags d;
    rac_diags_init(&d, &a, 50);
    if (rac_package_read(p, &d) != RAC_OK ||
        rac_connector_compile(p, RAC_STR_NULL, 1, &c, NULL) != RAC_OK)
        fail_msg("the fixture does not compile: %s", d.n > 0 ? d.v[0].message.p : "?");
    rac_arena_fini(&a);
    return c;
}

static inline struct rac_connector *fixture_load(const char *dir)
{
    struct rac_arena a;
    struct rac_connector *c = NULL;
    struct rac_package *p = NULL;
    rac_arena_init(&a, 64 << 20);
    assert_int_equal(rac_package_load(rac_str_of(dir), 1 << 20, &a, &p, NULL), RAC_OK);
    assert_int_equal(rac_package_read(p, NULL), RAC_OK);
    assert_int_equal(rac_connector_compile(p, RAC_STR_NULL, 1, &c, NULL), RAC_OK);
    rac_arena_fini(&a);
    return c;
}

#endif
