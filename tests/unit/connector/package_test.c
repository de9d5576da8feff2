#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/zip.h"

static char dir[] = "/tmp/raccord-package-XXXXXX";
static struct rac_arena a;

static int setup(void **state)
{
    (void)state;
    rac_arena_init(&a, 64 << 20);
    return mkdtemp(dir) == NULL;
}

static void wipe(const char *sub)
{
    static const char *const names[] = {"APIDefination.swagger.json",
                                        "apiProperties.json",
                                        "apiDefinition.swagger.json",
                                        "icon.png",
                                        "Script.csx",
                                        "notes.txt",
                                        "model.yaml",
                                        "two.zip",
                                        NULL};
    char path[256];
    for (size_t i = 0; names[i] != NULL; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", dir, sub, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/%s", dir, sub);
    rmdir(path);
}

static int teardown(void **state)
{
    (void)state;
    wipe("a");
    wipe("b");
    wipe("c");
    wipe("d");
    rmdir(dir);
    rac_arena_fini(&a);
    return 0;
}

static void put(const char *sub, const char *name, rac_str bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, sub);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", dir, sub, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
}

static const char minimal[] =
    "\xEF\xBB\xBF{ \"swagger\": \"2.0\", \"info\": {\"title\": \"T\", \"version\": \"1\"}, "
    "\"host\": \"h.example\", \"paths\": {}, }";

static rac_str path_of(const char *sub)
{
    return rac_arena_printf(&a, "%s/%s", dir, sub);
}

static void test_directory(void **state)
{
    (void)state;
    put("a", "APIDefination.swagger.json", rac_str_of(minimal));
    put("a", "apiProperties.json", RAC_S("{\"properties\": {\"iconBrandColor\": \"#ffffff\"}}"));
    put("a", "icon.png", RAC_S("\x89PNG\0x"));
    put("a", "Script.csx", RAC_S("class Script\r\n"));
    put("a", "notes.txt", RAC_S("kept"));
    struct rac_package *p, *q;
    assert_int_equal(rac_package_load(path_of("a"), 1 << 20, &a, &p, NULL), RAC_OK);
    assert_int_equal(p->files_n, 5);
    assert_str(rac_package_name(p, RAC_PACKAGE_DEFINITION), "APIDefination.swagger.json");
    assert_str(rac_package_bytes(p, RAC_PACKAGE_DEFINITION), minimal);
    assert_int_equal(rac_package_bytes(p, RAC_PACKAGE_ICON).n, 6);
    assert_str(rac_package_bytes(p, RAC_PACKAGE_SCRIPT), "class Script\r\n");
    assert_int_equal(rac_package_read(p, NULL), RAC_OK);
    assert_non_null(rac_package_properties(p));

    /* written and read again: the same names, the same bytes */
    assert_int_equal(rac_package_save(p, path_of("b"), NULL), RAC_OK);
    assert_int_equal(rac_package_load(path_of("b"), 1 << 20, &a, &q, NULL), RAC_OK);
    assert_int_equal(q->files_n, p->files_n);
    for (size_t i = 0; i < p->files_n; i++) {
        assert_true(rac_str_eq(p->files[i].name, q->files[i].name));
        assert_true(rac_str_eq(p->files[i].bytes, q->files[i].bytes));
    }
}

static void test_zip(void **state)
{
    (void)state;
    struct rac_package *p, *q;
    struct rac_buf one, two;
    rac_buf_init(&one, 1 << 20);
    rac_buf_init(&two, 1 << 20);
    assert_int_equal(rac_package_load(path_of("a"), 1 << 20, &a, &p, NULL), RAC_OK);
    assert_int_equal(rac_package_zip(p, &one), RAC_OK);
    assert_int_equal(
        rac_package_load_bytes(rac_buf_str(&one), RAC_S("x.zip"), 1 << 20, &a, &q, NULL), RAC_OK);
    assert_int_equal(q->files_n, p->files_n);
    assert_str(rac_package_bytes(q, RAC_PACKAGE_DEFINITION), minimal);
    assert_int_equal(rac_package_zip(q, &two), RAC_OK);
    assert_true(rac_str_eq(rac_buf_str(&one), rac_buf_str(&two))); /* deterministic */
    rac_buf_fini(&one);
    rac_buf_fini(&two);
}

static void test_by_content(void **state)
{
    (void)state;
    struct rac_package *p;
    put("c", "notes.txt", RAC_S("no"));
    struct rac_diags d;
    rac_diags_init(&d, &a, 10);
    assert_int_equal(rac_package_load(path_of("c"), 1 << 20, &a, &p, &d), RAC_E_INVALID);
    assert_int_equal(d.errors_total, 1);
    put("c", "model.yaml", RAC_S("swagger: '2.0'\ninfo: {title: Y, version: '1'}\npaths: {}\n"));
    assert_int_equal(rac_package_load(path_of("c"), 1 << 20, &a, &p, NULL), RAC_OK);
    assert_str(rac_package_name(p, RAC_PACKAGE_DEFINITION), "model.yaml");
}

static void test_limits(void **state)
{
    (void)state;
    struct rac_package *p;
    struct rac_diags d;
    rac_diags_init(&d, &a, 10);
    assert_int_equal(rac_package_load(path_of("a"), 20, &a, &p, &d), RAC_E_LIMIT);
    assert_string_equal(d.v[0].code, "RC-IMP-01");
    assert_int_equal(rac_package_load(path_of("nowhere"), 20, &a, &p, &d), RAC_E_NOT_FOUND);
    assert_int_equal(
        rac_package_load_bytes(RAC_S("PK\3\4broken"), RAC_S("x.zip"), 1 << 20, &a, &p, &d),
        RAC_E_SYNTAX);
}

static void test_set(void **state)
{
    (void)state;
    struct rac_package *p =
        rac_package_new(&a, RAC_S("{}"), RAC_STR_NULL, RAC_S("icon"), RAC_STR_NULL);
    assert_int_equal(p->files_n, 2);
    rac_package_set(p, RAC_PACKAGE_PROPERTIES, RAC_S("{}"));
    rac_package_set(p, RAC_PACKAGE_DEFINITION, RAC_STR_NULL);
    assert_int_equal(p->files_n, 2);
    assert_str(rac_package_bytes(p, RAC_PACKAGE_ICON), "icon");
    assert_str(rac_package_bytes(p, RAC_PACKAGE_PROPERTIES), "{}");
    assert_null(rac_package_bytes(p, RAC_PACKAGE_DEFINITION).p);
}

/* --- solutions of Power Platform (§9.4) ------------------------------------------------------ */

static rac_str zip_of(const struct rac_zip_entry *v, size_t n)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    assert_int_equal(rac_zip_write(v, n, &b), RAC_OK);
    rac_str s = rac_buf_take(&b, &a);
    rac_buf_fini(&b);
    return s;
}

#define DEFINITION(title)                                                                          \
    "{\"swagger\": \"2.0\", \"info\": {\"title\": \"" title                                        \
    "\", \"version\": \"1\"}, \"paths\": {}}"

static rac_str solution(const char *name, const char *definition)
{
    struct rac_zip_entry v[] = {
        {RAC_S("solution.xml"), RAC_S("<ImportExportXml/>")},
        {RAC_S("customizations.xml"),
         rac_arena_printf(&a,
                          "<Connectors><Connector><iconbrandcolor>#000001</iconbrandcolor>"
                          "<openapidefinition>/Connector/x_openapidefinition.json"
                          "</openapidefinition></Connector><Connector><iconbrandcolor>#1b5e7a"
                          "</iconbrandcolor><openapidefinition>/Connector/"
                          "%s_openapidefinition.json</openapidefinition></Connector></Connectors>",
                          name)},
        {rac_arena_printf(&a, "Connector/%s_openapidefinition.json", name), rac_str_of(definition)},
        {rac_arena_printf(&a, "Connector/%s_connectionparameters.json", name),
         RAC_S("{\"api_key\": {\"type\": \"securestring\"}}")},
        {rac_arena_printf(&a, "Connector/%s_connectionparametersets.json", name), RAC_S("null")},
        {rac_arena_printf(&a, "Connector/%s_policytemplateinstances.json", name),
         RAC_S("[{\"templateId\": \"setheader\"}]")},
        {rac_arena_printf(&a, "Connector/%s_customcodeblobcontent.csx", name), RAC_S("class S")},
        {rac_arena_printf(&a, "Connector/%s_iconblob.Png", name), RAC_S("\x89PNG")},
    };
    return zip_of(v, RAC_COUNT(v));
}

static void test_solution(void **state)
{
    (void)state;
    struct rac_package *p;
    assert_int_equal(rac_package_load_bytes(solution("new_quai", DEFINITION("Q")), RAC_S("s.zip"),
                                            1 << 20, &a, &p, NULL),
                     RAC_OK);
    assert_str(rac_package_bytes(p, RAC_PACKAGE_DEFINITION), DEFINITION("Q"));
    assert_str(rac_package_bytes(p, RAC_PACKAGE_SCRIPT), "class S");
    assert_str(rac_package_name(p, RAC_PACKAGE_ICON), "icon.png");
    assert_int_equal(rac_package_read(p, NULL), RAC_OK);
    const struct rac_json *o = RAC_JSON_GET(rac_package_properties(p), "properties");
    assert_str(rac_json_str(RAC_JSON_GET(o, "iconBrandColor"), RAC_S("")), "#1b5e7a");
    assert_non_null(RAC_JSON_GET(RAC_JSON_GET(o, "connectionParameters"), "api_key"));
    assert_null(RAC_JSON_GET(o, "connectionParameterSets"));
    assert_int_equal(rac_json_len(RAC_JSON_GET(o, "policyTemplateInstances")), 1);
    assert_true(rac_json_is_array(RAC_JSON_GET(o, "scriptOperations")));
}

static void test_several(void **state)
{
    (void)state;
    struct rac_package *p;
    struct rac_diags d;
    rac_str one = solution("new_a", DEFINITION("A")), two = solution("new_b", DEFINITION("B"));
    struct rac_zip_entry inner[] = {{RAC_S("PkgAssets/1.zip"), one},
                                    {RAC_S("PkgAssets/2.zip"), two},
                                    {RAC_S("PkgAssets/3.zip"), one}};
    struct rac_zip_entry outer[] = {{RAC_S("intro.md"), RAC_S("# A")},
                                    {RAC_S("p.zip"), zip_of(inner, RAC_COUNT(inner))}};
    rac_str submission = zip_of(outer, RAC_COUNT(outer));
    rac_diags_init(&d, &a, 10);
    assert_int_equal(rac_package_load_bytes(submission, RAC_S("s.zip"), 1 << 20, &a, &p, &d),
                     RAC_E_INVALID);
    assert_string_equal(d.v[0].code, "RC-IMP-05");
    assert_str(d.v[0].message, "the archive holds 2 connectors: new_a, new_b");
    assert_str(d.v[0].fix, "Say which one: s.zip#new_a");
    assert_int_equal(
        rac_package_load_bytes(submission, RAC_S("s.zip#NEW_B"), 1 << 20, &a, &p, NULL), RAC_OK);
    assert_str(rac_package_bytes(p, RAC_PACKAGE_DEFINITION), DEFINITION("B"));
    assert_int_equal(rac_package_load_bytes(submission, RAC_S("s.zip#c"), 1 << 20, &a, &p, &d),
                     RAC_E_INVALID);
    put("d", "two.zip", submission); /* on disk, the same */
    assert_int_equal(
        rac_package_load(rac_arena_printf(&a, "%s/d/two.zip#new_a", dir), 1 << 20, &a, &p, NULL),
        RAC_OK);
    assert_str(rac_package_bytes(p, RAC_PACKAGE_DEFINITION), DEFINITION("A"));
    /* the same connector in every solution of a submission is one */
    inner[1].bytes = one;
    outer[1].bytes = zip_of(inner, RAC_COUNT(inner));
    assert_int_equal(rac_package_load_bytes(zip_of(outer, RAC_COUNT(outer)), RAC_S("s.zip"),
                                            1 << 20, &a, &p, NULL),
                     RAC_OK);
}

/* A package beside an older copy is the one nearest to the top; equal ones have to be chosen. */
static void test_folders(void **state)
{
    (void)state;
    struct rac_package *p;
    struct rac_zip_entry v[] = {{RAC_S("q/old/apiDefinition.swagger.json"), RAC_S(DEFINITION("O"))},
                                {RAC_S("q/apiDefinition.swagger.json"), RAC_S(DEFINITION("N"))}};
    assert_int_equal(rac_package_load_bytes(zip_of(v, 2), RAC_S("s.zip"), 1 << 20, &a, &p, NULL),
                     RAC_OK);
    assert_str(rac_package_bytes(p, RAC_PACKAGE_DEFINITION), DEFINITION("N"));
    v[0].name = RAC_S("r/apiDefinition.swagger.json");
    assert_int_equal(rac_package_load_bytes(zip_of(v, 2), RAC_S("s.zip"), 1 << 20, &a, &p, NULL),
                     RAC_E_INVALID);
    assert_int_equal(rac_package_load_bytes(zip_of(v, 2), RAC_S("s.zip#r"), 1 << 20, &a, &p, NULL),
                     RAC_OK);
    assert_str(rac_package_bytes(p, RAC_PACKAGE_DEFINITION), DEFINITION("O"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory), cmocka_unit_test(test_solution),
        cmocka_unit_test(test_several),   cmocka_unit_test(test_folders),
        cmocka_unit_test(test_zip),       cmocka_unit_test(test_by_content),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
