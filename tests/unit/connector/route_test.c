#include "fixture.h"

#include "connector/route.h"

static const char definition[] =
    "{'swagger':'2.0','info':{'title':'t','version':'1'},'host':'h.example','paths':{"
    "'/':{'get':{'operationId':'Root','responses':{}}},"
    "'/ships/{id}':{'get':{'operationId':'Ship','responses':{}}},"
    "'/ships/new':{'get':{'operationId':'NewShip','responses':{}},"
    "'post':{'operationId':'MakeShip','responses':{}}},"
    "'/ships/{id}/':{'get':{'operationId':'ShipSlash','responses':{}}},"
    "'/{kind}/new':{'get':{'operationId':'AnyNew','responses':{}}},"
    "'/items({id})':{'get':{'operationId':'Item','responses':{}}},"
    "'/odata/Ships(\\'{key}\\')/{a}.{b}':{'get':{'operationId':'Odata','responses':{}}},"
    "'/twin/{one}':{'get':{'operationId':'TwinA','responses':{}}},"
    "'/twin/{two}':{'get':{'operationId':'TwinB','responses':{}}},"
    "'/a//b':{'get':{'operationId':'Double','responses':{}}},"
    "'/deep/{x}-{y}-{z}':{'get':{'operationId':'Three','responses':{}}}"
    "}}";

/* The definition above in JSON's quotes: ' stands for ", \' for '. */
static char *json_of(const char *text, char *out)
{
    char *to = out;
    for (; *text != 0; text++) {
        if (text[0] == '\\' && text[1] == '\'')
            *to++ = *++text;
        else
            *to++ = *text == '\'' ? '"' : *text;
    }
    *to = 0;
    return out;
}

static struct rac_connector *connector;

static int setup(void **state)
{
    static char text[4096];
    (void)state;
    connector = fixture_compile(json_of(definition, text), NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rac_connector_unref(connector);
    return 0;
}

static const char *route(const char *method, const char *path, struct rac_route_match *m)
{
    static char id[64];
    if (!rac_route_find(connector->route, rac_str_of(method), rac_str_of(path), m))
        return "";
    snprintf(id, sizeof id, "%.*s", RAC_FMT(m->op->id));
    return id;
}

static void test_choice(void **state)
{
    (void)state;
    struct rac_route_match m;
    assert_string_equal(route("GET", "/", &m), "Root");
    assert_string_equal(route("get", "/ships/7", &m), "Ship");
    assert_str(m.captures[0].name, "id");
    assert_str(m.captures[0].value, "7");
    assert_string_equal(route("GET", "/ships/new", &m), "NewShip"); /* most literal segments */
    assert_string_equal(route("GET", "/SHIPS/New", &m), "NewShip"); /* letter case ignored */
    assert_string_equal(route("POST", "/ships/new", &m), "MakeShip");
    assert_string_equal(route("GET", "/ports/new", &m), "AnyNew");
    assert_string_equal(route("GET", "/ships/7/", &m), "ShipSlash"); /* the slash counts */
    assert_string_equal(route("GET", "/twin/x", &m), "TwinA");       /* document order */
    assert_string_equal(route("GET", "/a//b", &m), "Double");
}

static void test_captures(void **state)
{
    (void)state;
    struct rac_route_match m;
    assert_string_equal(route("GET", "/items(12)", &m), "Item");
    assert_str(m.captures[0].value, "12");
    assert_string_equal(route("GET", "/odata/Ships('a%2Fb')/c.d.e", &m), "Odata");
    assert_int_equal(m.captures_n, 3);
    assert_str(m.captures[0].value, "a%2Fb"); /* still encoded */
    assert_str(m.captures[1].value, "c");     /* the shortest that fits */
    assert_str(m.captures[2].value, "d.e");
    assert_string_equal(route("GET", "/deep/a-b-c-d", &m), "Three");
    assert_str(m.captures[0].value, "a");
    assert_str(m.captures[1].value, "b");
    assert_str(m.captures[2].value, "c-d");
}

static void test_none(void **state)
{
    (void)state;
    struct rac_route_match m;
    static const char *const paths[] = {
        "",         "ships/7",  "/ships", "/ships//",  "/ships/",  "/ships/7/x",
        "/items()", "/items(7", "/twin/", "/deep/a-b", "/deep/--", "/odata/Ships('')/a.b"};
    for (size_t i = 0; i < RAC_COUNT(paths); i++)
        if (route("GET", paths[i], &m)[0] != 0)
            fail_msg("%s matched", paths[i]);
    assert_string_equal(route("PUT", "/ships/7", &m), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_captures),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
