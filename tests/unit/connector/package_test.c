#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory),  cmocka_unit_test(test_zip),
        cmocka_unit_test(test_by_content), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
