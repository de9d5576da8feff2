/* The one form in which workflows are stored: from every form handed in, and back. */
#include "unit.h"

#include "api/flow_document.h"

#define DEFINITION                                                                                 \
    "{\"parameters\":{\"key\":{\"type\":\"SecureString\"},\"open\":{\"type\":\"String\"}},"        \
    "\"triggers\":{\"t\":{\"type\":\"Request\",\"inputs\":{}}},\"actions\":{}}"
#define VALUES "{\"key\":{\"value\":\"geheim\"},\"open\":{\"value\":\"o\"}}"

static rac_str member(const struct rac_json *v, const char *pointer)
{
    return rac_json_str(rac_json_pointer_get(v, rac_str_of(pointer)), RAC_STR_NULL);
}

/* Stores and opens again; the workflow has everything, the stored form no secret. */
static void round_trip(const char *text, const char *profile, const char *kind)
{
    struct rac_arena a;
    struct rac_diags d;
    struct rac_flow_document x, y;
    rac_arena_init(&a, 1 << 24);
    rac_diags_init(&d, &a, 20);
    rac_err e = rac_flow_document_read(rac_str_of(text), RAC_S("w"), 1 << 20, &a, &x, &d);
    if (e != RAC_OK)
        fail_msg("%s: %s", text, rac_err_name(e));
    rac_str stored = rac_json_print_str(&x.resource, 0, &a);
    rac_str secrets = rac_json_print_str(&x.secrets, 0, &a);
    assert_true(rac_str_find(stored, RAC_S("geheim")) == RAC_STR_NPOS);
    assert_true(rac_str_eq(member(&x.resource, "/profile"), rac_str_of(profile)));
    assert_true(rac_str_eq(member(&x.resource, "/kind"), rac_str_of(kind)));
    assert_int_equal(rac_flow_document_open(stored, secrets, &a, &y, &d), RAC_OK);
    assert_int_equal(y.workflow->profile, x.workflow->profile);
    assert_int_equal(y.workflow->stateless, x.workflow->stateless);
    assert_true(rac_json_equal(y.workflow->definition, x.workflow->definition));
    assert_true(rac_json_equal(&y.workflow->connections, &x.workflow->connections));
    assert_true(rac_json_equal(&y.workflow->references, &x.workflow->references));
    assert_true(rac_json_equal(&y.workflow->settings, &x.workflow->settings));
    assert_true(rac_str_eq(member(&y.workflow->parameters, "/key/value"),
                           member(&x.workflow->parameters, "/key/value")));
    rac_arena_fini(&a);
}

static void every_form(void **state)
{
    (void)state;
    round_trip("{\"definition\":" DEFINITION ",\"parameters\":" VALUES "}", "Consumption", NULL);
    round_trip(DEFINITION, "Consumption", NULL);
    round_trip("{\"location\":\"x\",\"properties\":{\"definition\":" DEFINITION
               ",\"parameters\":" VALUES ",\"state\":\"Disabled\"}}",
               "Consumption", NULL);
    round_trip("{\"kind\":\"Stateless\",\"definition\":" DEFINITION
               ",\"files\":{\"parameters.json\":" VALUES
               ",\"connections.json\":{\"managedApiConnections\""
               ":{}},\"local.settings.json\":{\"Values\":{\"A\":\"geheim\"}}}}",
               "Standard", "Stateless");
    round_trip(
        "{\"name\":\"g\",\"type\":\"Microsoft.Flow/flows\",\"properties\":{\"displayName\":\"F\","
        "\"definition\":" DEFINITION
        ",\"connectionReferences\":{\"a\":{\"connectionName\":\"b\"}}}}",
        "Flow", NULL);
}

static void what_is_none(void **state)
{
    static const char *const texts[] = {"", "{", "[]", "{\"definition\":1}", "{\"a\":{}}"};
    (void)state;
    for (size_t i = 0; i < RAC_COUNT(texts); i++) {
        struct rac_arena a;
        struct rac_diags d;
        struct rac_flow_document x;
        rac_arena_init(&a, 1 << 24);
        rac_diags_init(&d, &a, 20);
        assert_int_not_equal(
            rac_flow_document_read(rac_str_of(texts[i]), RAC_S("w"), 1 << 20, &a, &x, &d), RAC_OK);
        assert_true(d.n > 0);
        rac_arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
