/* The engine is tested on a store in memory: it must do what the database does. */
#include "unit.h"

#include "memory_store.h"
#include "store_conformance.h"

static void deliver_all(void *arg)
{
    while (memory_store_deliver(arg))
        ;
}

static void test_conforms(void **state)
{
    (void)state;
    struct memory_store *s = memory_store_new();
    store_conformance(&s->port, 7, deliver_all, s);
    memory_store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conforms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
