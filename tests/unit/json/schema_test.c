/* JSON Schema: own cases, then every case of the json-schema corpus for draft-04 and draft-07. */
#include "test_arena.h"

#include "files.h"
#include "json/schema_priv.h"

#include <time.h>

static struct rac_json *parsed(const char *text)
{
    struct rac_json *v = RAC_NEW(&a, struct rac_json);
    struct rac_json_error where;
    if (rac_json_parse(rac_str_of(text), &a, 0, v, &where) != RAC_OK)
        fail_msg("%s: %s", text, where.message);
    return v;
}

/* The violations of a value, one a line: "pointer: message". */
static rac_str violations(const char *schema, const char *value, enum rac_schema_draft draft)
{
    struct rac_schema_options o = {.draft = draft, .formats = true};
    struct rac_schema *s;
    struct rac_diags d;
    rac_diags_init(&d, &a, 100);
    rac_err e = rac_schema_compile(parsed(schema), RAC_S(""), &o, &a, &s, &d);
    if (e != RAC_OK)
        fail_msg("%s: %.*s", schema, RAC_FMT(d.v[0].message));
    rac_diags_init(&d, &a, 100);
    e = rac_schema_check(s, parsed(value), &d);
    assert_int_equal(e, d.n > 0 ? RAC_E_INVALID : RAC_OK);
    assert_int_equal(rac_schema_check(s, parsed(value), NULL), e);
    struct rac_buf b;
    rac_buf_init(&b, 100000);
    for (size_t i = 0; i < d.n; i++)
        rac_buf_printf(&b, "%.*s: %.*s\n", RAC_FMT(d.v[i].pointer), RAC_FMT(d.v[i].message));
    rac_str text = rac_buf_take(&b, &a);
    rac_buf_fini(&b);
    return text;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* a0 -> a1 -> ... -> the last one, which is `last`. */
static rac_err compile_chain(int n, const char *last, struct rac_diags *d)
{
    struct rac_buf b;
    rac_buf_init(&b, 64 << 20);
    rac_buf_printf(&b, "{\"$ref\":\"#/definitions/a0\",\"definitions\":{");
    for (int i = 0; i < n; i++)
        rac_buf_printf(&b, "\"a%d\":{\"$ref\":\"#/definitions/a%d\"},", i, i + 1);
    rac_buf_printf(&b, "\"a%d\":%s}}", n, last);
    assert_int_equal(rac_buf_err(&b), RAC_OK);
    const struct rac_json *root = parsed(rac_arena_cstr(&a, rac_buf_str(&b)));
    rac_buf_fini(&b);
    const struct rac_schema_options o = {.draft = RAC_SCHEMA_DRAFT4};
    struct rac_schema *s;
    rac_diags_init(d, &a, 100);
    return rac_schema_compile(root, RAC_S(""), &o, &a, &s, d);
}

/* Time grows with the length of a chain of references, not with its square. */
static void long_chains(void **state)
{
    (void)state;
    struct rac_diags d;
    double start = cpu_s();
    assert_int_equal(compile_chain(60000, "{\"type\":\"string\"}", &d), RAC_OK);
    assert_int_equal(compile_chain(60000, "{\"$ref\":\"#/definitions/a30000\"}", &d),
                     RAC_E_INVALID);
    assert_int_equal(d.n, 1);
    assert_true(cpu_s() - start < 4.0 * RAC_UNIT_SLOWER);
    assert_str(d.v[0].message, "the reference leads back to itself");
}

static void messages(void **state)
{
    (void)state;
    assert_str(violations("{\"type\":\"object\",\"required\":[\"id\",\"name\"],\"properties\":{"
                          "\"id\":{\"type\":\"integer\","
                          "\"minimum\":1},\"tags\":{\"items\":{\"maxLength\":2}}},"
                          "\"additionalProperties\":false}",
                          "{\"id\":0.5,\"tags\":[\"ab\",\"\xc3\xa9\xc3\xa9\xc3\xa9\"],\"a/b\":1}",
                          RAC_SCHEMA_DRAFT4),
               ": \"name\" is missing. (required)\n"
               "/id: The value is of type number, wanted is integer. (type)\n"
               "/id: The number must be at least 1. (minimum)\n"
               "/tags/1: The text has 3 characters, at most 2 are allowed. (maxLength)\n"
               "/a~1b: There must be no \"a/b\" here. (properties)\n");
    assert_str(violations("{\"oneOf\":[{\"type\":\"string\"},{\"maxLength\":3}]}", "\"ab\"",
                          RAC_SCHEMA_DRAFT7),
               ": The value fits more than one of the 2 alternatives. (oneOf)\n");
    assert_str(violations("{\"type\":\"string\",\"format\":\"date-time\"}",
                          "\"2020-02-30T00:00:00Z\"", RAC_SCHEMA_DRAFT7),
               ": The value has not the format \"date-time\". (format)\n");
}

static void swagger(void **state)
{
    (void)state;
    /* null where x-nullable says so; "required": true of old; siblings of $ref; odd types */
    static const struct {
        const char *schema, *value;
        bool good;
    } cases[] = {
        {"{\"type\":\"string\",\"x-nullable\":true}", "null", true},
        {"{\"type\":\"string\"}", "null", false},
        {"{\"properties\":{\"a\":{\"type\":\"string\",\"required\":true}}}", "{}", true},
        {"{\"$ref\":\"#/definitions/"
         "a\",\"required\":[\"x\"],\"definitions\":{\"a\":{\"type\":\"object\"}}}",
         "{}", false},
        {"{\"$ref\":\"#/definitions/a\",\"definitions\":{\"a\":{\"type\":\"object\"}}}", "{}",
         true},
        {"{\"type\":\"file\"}", "1", true},
        {"{\"type\":\"integer\"}", "1.0", true},
        {"{\"type\":\"integer\",\"format\":\"int32\"}", "2147483648", false},
        {"{\"type\":\"string\",\"format\":\"int32\"}", "\"x\"", true},
        {"{\"type\":\"string\",\"format\":\"byte\"}", "\"aGk=\"", true},
        {"{\"type\":\"string\",\"format\":\"byte\"}", "\"a b\"", false},
        {"{\"type\":\"string\",\"format\":\"own thing\"}", "\"x\"", true},
        {"{\"minLength\":\"3\",\"type\":\"string\"}", "\"x\"", true},
        {"{\"pattern\":\"(\"}", "\"x\"", true},
        {"{\"discriminator\":\"kind\",\"id\":\"http://x/y\",\"allOf\":[{\"required\":[\"kind\"]}]}",
         "{\"kind\":\"a\"}", true},
        {"{\"$ref\":\"#/definitions/none\"}", "1", true},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        rac_str text = violations(cases[i].schema, cases[i].value, RAC_SCHEMA_SWAGGER2);
        if ((text.n == 0) != cases[i].good)
            fail_msg("%s %s: %.*s", cases[i].schema, cases[i].value, RAC_FMT(text));
    }
    /* a schema deep in a document, its references from the root */
    struct rac_json *doc = parsed(
        "{\"definitions\":{\"Pet\":{\"properties\":{\"owner\":{\"$ref\":\"#/definitions/Owner\"}}},"
        "\"Owner\":{\"required\":[\"name\"]}}}");
    struct rac_schema_options o = {.draft = RAC_SCHEMA_SWAGGER2};
    struct rac_schema *s;
    assert_int_equal(rac_schema_compile(doc, RAC_S("/definitions/Pet"), &o, &a, &s, NULL), RAC_OK);
    assert_int_equal(rac_schema_check(s, parsed("{\"owner\":{\"name\":1}}"), NULL), RAC_OK);
    assert_int_equal(rac_schema_check(s, parsed("{\"owner\":{}}"), NULL), RAC_E_INVALID);
    assert_int_equal(rac_schema_compile(doc, RAC_S("/definitions/None"), &o, &a, &s, NULL),
                     RAC_E_INVALID);
}

static void wrong_schemas(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"properties\":{\"a\":{\"type\":\"strin\"}}}", "/properties/a"},
        {"{\"minLength\":-1}", ""},
        {"{\"pattern\":\"(\"}", ""},
        {"{\"not\":{\"$ref\":\"#/nowhere\"}}", "/not"},
        {"{\"not\":{\"$ref\":\"http://example.com/x.json\"}}", "/not"},
        {"{\"allOf\":[{\"$ref\":\"#/allOf/0\"}]}", "/allOf/0"},
        {"{\"definitions\":{\"a\":{\"$ref\":\"#/definitions/b\"},\"b\":{\"$ref\":\"#/definitions/"
         "a\"}},"
         "\"not\":{\"$ref\":\"#/definitions/a\"}}",
         NULL},
        {"{\"items\":3}", ""},
        {"{\"required\":\"a\"}", ""},
        {"{\"enum\":1}", ""},
        {"{\"allOf\":[]}", ""},
        {"{\"type\":[]}", ""},
        {"{\"multipleOf\":0}", ""},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_schema *s;
        struct rac_diags d;
        rac_diags_init(&d, &a, 10);
        rac_err e = rac_schema_compile(parsed(cases[i][0]), RAC_S(""), NULL, &a, &s, &d);
        if (e != RAC_E_INVALID || d.n == 0)
            fail_msg("%s: %s", cases[i][0], rac_err_name(e));
        assert_string_equal(d.v[0].code, "RC-SCHEMA-01");
        if (cases[i][1] != NULL)
            assert_str(d.v[0].pointer, cases[i][1]);
    }
}

static void caps(void **state)
{
    (void)state;
    struct rac_schema *s;
    struct rac_schema_options o = {.pattern_steps_max = 10000, .steps_max = 100000};
    /* a pattern that takes forever, a schema that never ends, one that doubles, a long list */
    assert_int_equal(
        rac_schema_compile(parsed("{\"pattern\":\"^(a+)+$\"}"), RAC_S(""), &o, &a, &s, NULL),
        RAC_OK);
    assert_int_equal(
        rac_schema_check(s, parsed("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""), NULL),
        RAC_E_LIMIT);
    assert_int_equal(rac_schema_compile(parsed("{\"allOf\":[{\"allOf\":[{\"$ref\":\"#\"}]}]}"),
                                        RAC_S(""), &o, &a, &s, NULL),
                     RAC_OK);
    assert_int_equal(rac_schema_check(s, parsed("1"), NULL), RAC_E_LIMIT);
    assert_int_equal(
        rac_schema_compile(
            parsed("{\"anyOf\":[{\"not\":{\"$ref\":\"#\"}},{\"not\":{\"$ref\":\"#\"}}]}"),
            RAC_S(""), &o, &a, &s, NULL),
        RAC_OK);
    assert_int_equal(rac_schema_check(s, parsed("1"), NULL), RAC_E_LIMIT);
    struct rac_json list = rac_json_new_array(&a);
    for (int i = 0; i < 200000; i++)
        rac_json_add(&a, &list, rac_json_of_int(i));
    assert_int_equal(
        rac_schema_compile(parsed("{\"uniqueItems\":true}"), RAC_S(""), &o, &a, &s, NULL), RAC_OK);
    assert_int_equal(rac_schema_check(s, &list, NULL), RAC_E_LIMIT);
    assert_int_equal(
        rac_schema_compile(parsed("{\"uniqueItems\":true}"), RAC_S(""), NULL, &a, &s, NULL),
        RAC_OK);
    assert_int_equal(rac_schema_check(s, &list, NULL), RAC_OK);
    /* a value as deep as the parser lets through */
    char *deep = rac_arena_alloc(&a, 2 * RAC_JSON_DEPTH_MAX + 1);
    memset(deep, '[', RAC_JSON_DEPTH_MAX);
    memset(deep + RAC_JSON_DEPTH_MAX, ']', RAC_JSON_DEPTH_MAX);
    assert_int_equal(
        rac_schema_compile(parsed("{\"items\":{\"$ref\":\"#\"}}"), RAC_S(""), NULL, &a, &s, NULL),
        RAC_OK);
    rac_err e = rac_schema_check(s, parsed(deep), NULL);
    assert_true(e == RAC_OK || e == RAC_E_LIMIT);
}

static void exact_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *value;
        bool good;
    } cases[] = {
        {"{\"multipleOf\":0.01}", "1.15", true},
        {"{\"multipleOf\":0.01}", "1.155", false},
        {"{\"multipleOf\":0.0001}", "0.0075", true},
        {"{\"multipleOf\":3}", "9e20", true},
        {"{\"multipleOf\":7}", "1e300", false},
        {"{\"multipleOf\":0.5}", "1e308", true},
        {"{\"multipleOf\":1e-8}", "12391239123", true},
        {"{\"maximum\":9007199254740992}", "9007199254740993", false},
        {"{\"exclusiveMinimum\":0.1}", "0.10000000000000000001", true},
        {"{\"exclusiveMinimum\":0.1}", "0.100", false},
        {"{\"minimum\":-1e400}", "-1e401", false},
        {"{\"enum\":[1e0]}", "1", true},
        {"{\"uniqueItems\":true}", "[1,1.0]", false},
        {"{\"uniqueItems\":true}", "[1,true,\"1\",[1],{\"a\":1},{\"a\":2}]", true},
        {"{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", false},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++)
        if ((violations(cases[i].schema, cases[i].value, RAC_SCHEMA_DRAFT7).n == 0) !=
            cases[i].good)
            fail_msg("%s %s", cases[i].schema, cases[i].value);
}

/* --- corpus ----------------------------------------------------------------------------------- */

static struct rac_schema_document remotes[200];
static size_t remotes_n;

/* Loads folder below remotes/ as http://localhost:1234/folder... */
static void remotes_load(const char *root, const char *folder)
{
    rac_str *names;
    const char *dir = rac_arena_printf(&a, "%s/json-schema/remotes/%s", root, folder).p;
    size_t n = folder_read(&a, dir, ".json", &names);
    for (size_t i = 0; i < n; i++) {
        rac_str text = file_read(&a, rac_arena_printf(&a, "%s/%s", dir, names[i].p).p);
        assert_true(remotes_n < RAC_COUNT(remotes));
        remotes[remotes_n++] = (struct rac_schema_document){
            .uri = rac_arena_printf(&a, "http://localhost:1234/%s%s", folder, names[i].p),
            .root = parsed(text.p)};
    }
}

struct tally {
    size_t run, wrong;
    bool list; /* name the wrong ones */
};

static void group_run(const struct rac_json *group, const char *name, enum rac_schema_draft draft,
                      bool formats, struct tally *t)
{
    struct rac_schema_options o = {
        .draft = draft, .formats = formats, .documents = remotes, .documents_n = remotes_n};
    struct rac_schema *s;
    struct rac_diags d;
    rac_diags_init(&d, &a, 10);
    rac_err compiled = rac_schema_compile(RAC_JSON_GET(group, "schema"), RAC_S(""), &o, &a, &s, &d);
    RAC_JSON_EACH(test, RAC_JSON_GET(group, "tests"))
    {
        bool want = rac_json_bool(RAC_JSON_GET(test, "valid"), false);
        rac_err e =
            compiled != RAC_OK ? compiled : rac_schema_check(s, RAC_JSON_GET(test, "data"), NULL);
        t->run++;
        if (e == (want ? RAC_OK : RAC_E_INVALID) && compiled == RAC_OK)
            continue;
        t->wrong++;
        if (!t->list)
            continue;
        rac_str g = rac_json_str(RAC_JSON_GET(group, "description"), RAC_S("")),
                c = rac_json_str(RAC_JSON_GET(test, "description"), RAC_S(""));
        print_message("# %s: %.*s: %.*s: %s %.*s\n", name, RAC_FMT(g), RAC_FMT(c), rac_err_name(e),
                      d.n > 0 ? (int)d.v[0].message.n : 0, d.n > 0 ? d.v[0].message.p : "");
    }
}

static struct tally folder_run(const char *root, const char *folder, enum rac_schema_draft draft,
                               bool formats, bool list)
{
    struct tally t = {.list = list};
    rac_str *names;
    const char *dir = rac_arena_printf(&a, "%s/json-schema/tests/%s", root, folder).p;
    size_t n = folder_read(&a, dir, ".json", &names);
    for (size_t i = 0; i < n; i++) {
        rac_str text = file_read(&a, rac_arena_printf(&a, "%s/%s", dir, names[i].p).p);
        RAC_JSON_EACH(group, parsed(text.p))
        group_run(group, names[i].p, draft, formats, &t);
    }
    print_message("# json-schema %s: %zu of %zu\n", folder, t.run - t.wrong, t.run);
    return t;
}

static void corpus(void **state)
{
    (void)state;
    static const char *const folders[] = {"",
                                          "baseUriChange/",
                                          "baseUriChangeFolder/",
                                          "baseUriChangeFolderInSubschema/",
                                          "nested/",
                                          "draft4/",
                                          "draft6/",
                                          "draft7/",
                                          "draft2019-09/",
                                          "draft2020-12/"};
    const char *root = getenv("RACCORD_CORPUS");
    rac_str *names;
    if (root == NULL ||
        folder_read(&a, rac_arena_printf(&a, "%s/json-schema/tests", root).p, "", &names) == 0) {
        print_message("# json-schema corpus not present: skipped\n");
        return;
    }
    remotes_n = 0;
    for (size_t i = 0; i < RAC_COUNT(folders); i++)
        remotes_load(root, folders[i]);
    struct tally t = folder_run(root, "draft4", RAC_SCHEMA_DRAFT4, false, true);
    assert_true(t.run > 500 && t.wrong == 0);
    t = folder_run(root, "draft7", RAC_SCHEMA_DRAFT7, false, true);
    assert_true(t.run > 800 && t.wrong == 0);
    t = folder_run(root, "draft4/optional", RAC_SCHEMA_DRAFT4, true, true);
    assert_int_equal(t.wrong, 0);
    t = folder_run(root, "draft4/optional/format", RAC_SCHEMA_DRAFT4, true, true);
    assert_int_equal(t.wrong, 0);
    (void)folder_run(root, "draft7/optional", RAC_SCHEMA_DRAFT7, true, false);
    (void)folder_run(root, "draft7/optional/format", RAC_SCHEMA_DRAFT7, true, false);
}

/* What a pattern costs is bounded for the whole check: neither many starts in one text nor many
 * texts multiply it; what is cheap costs nothing. */
static void patterns_share_a_budget(void **state)
{
    (void)state;
    struct rac_json schema, value = rac_json_new_array(&a);
    struct rac_schema *s = NULL;
    char *text = rac_arena_alloc_dirty(&a, 400000);
    memset(text, 'b', 400000);
    assert_int_equal(rac_json_parse(RAC_S("{\"items\":{\"pattern\":"
                                          "\"(?:\\\\w|a){0,9}?b(?:\\\\w|a){0,12}?[!?]|^ok$\"}}"),
                                    &a, RAC_JSON_COPY, &schema, NULL),
                     RAC_OK);
    assert_int_equal(rac_schema_compile(&schema, RAC_S(""), NULL, &a, &s, NULL), RAC_OK);
    for (size_t i = 0; i < 50000; i++)
        rac_json_add(&a, &value, rac_json_of_str(RAC_S("ok")));
    assert_int_equal(rac_schema_check(s, &value, NULL), RAC_OK);
    rac_json_add(&a, &value, rac_json_of_str((rac_str){text, 400000}));
    assert_int_equal(rac_schema_check(s, &value, NULL), RAC_E_LIMIT);
    value = rac_json_new_array(&a);
    for (size_t i = 0; i < 20000; i++)
        rac_json_add(&a, &value, rac_json_of_str((rac_str){text, 30}));
    rac_json_add(&a, &value, rac_json_of_str(RAC_S("ok")));
    struct rac_diags found;
    rac_diags_init(&found, &a, 10);
    assert_int_equal(rac_schema_check(s, &value, &found), RAC_E_LIMIT);
}

static rac_err pattern_check(const char *schema, const struct rac_json *value)
{
    struct rac_schema *s = NULL;
    assert_int_equal(rac_schema_compile(parsed(schema), RAC_S(""), NULL, &a, &s, NULL), RAC_OK);
    return rac_schema_check(s, value, NULL);
}

/* n bytes of the filler, then the end. */
static struct rac_json long_text(size_t n, const char *filler, const char *end)
{
    size_t f = strlen(filler), e = strlen(end);
    char *text = rac_arena_alloc_dirty(&a, n + e);
    for (size_t i = 0; i < n; i++)
        text[i] = filler[i % f];
    for (size_t i = 0; i < e; i++)
        text[n + i] = end[i];
    return rac_json_of_str((rac_str){text, n + e});
}

/* Long texts and many of them are no reason to refuse what takes steps in proportion to them. */
static void long_texts_match(void **state)
{
    (void)state;
    static const char tail[] = "error 17 of module 4: code 12, seen by everybody who was there";
    static const struct {
        const char *schema;
        size_t n;
        const char *filler, *end;
        rac_err want;
    } cases[] = {
        {"{'pattern':'error.*code'}", 300000, "some text; ", tail, RAC_OK},
        {"{'pattern':'error.*code'}", 300000, "error\n", tail, RAC_OK},
        {"{'pattern':'error.*code'}", 300000, "error\n", "", RAC_E_INVALID},
        {"{'pattern':'^error|(?:e|r){1,9}17$'}", 300000, "some text; ", "err17", RAC_OK},
        {"{'pattern':'^.*foo$'}", 1 << 20, "a line without end ", "bar", RAC_E_INVALID},
        {"{'pattern':'^.*foo$'}", 1 << 20, "a line without end ", "foo", RAC_OK},
        {"{'pattern':'^(?:a|[a-f]){3,40}!'}", 1 << 20, "abc", "", RAC_E_INVALID},
        {"{'pattern':'^(?:(?:a|b|c){1,9}-){2}|^(?:a|b){2,9}!'}", 1 << 20, "abc", "", RAC_E_INVALID},
        {"{'pattern':'(a+)+$'}", 400000, "a", "b", RAC_E_LIMIT},
        {"{'pattern':'^(a+)+$'}", 1 << 20, "a", "b", RAC_E_LIMIT},
        {"{'pattern':'(a|aa)+$'}", 60, "a", "b", RAC_E_LIMIT},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json text = long_text(cases[i].n, cases[i].filler, cases[i].end);
        char *schema = rac_arena_alloc(&a, strlen(cases[i].schema) + 1);
        memcpy(schema, cases[i].schema, strlen(cases[i].schema));
        for (char *c = schema; *c != '\0'; c++)
            *c = *c == '\'' ? '"' : *c;
        double began = cpu_s();
        rac_err e = pattern_check(schema, &text);
        if (e != cases[i].want)
            fail_msg("case %zu, %s: %s", i, schema, rac_err_name(e));
        assert_true(cpu_s() - began < 10 * RAC_UNIT_SLOWER);
    }
    struct rac_json list = rac_json_new_array(&a);
    for (size_t i = 0; i < 2000; i++)
        rac_json_add(&a, &list, long_text(5000, "QUJD+/09", i % 2 ? "==" : ""));
    assert_int_equal(
        pattern_check("{\"items\":{\"pattern\":\"^([A-Za-z0-9+/]{4})*(..)?$\"}}", &list), RAC_OK);
}

/* How often a text is run over does not grow with it, whatever the pattern. */
static void patterns_do_not_scan_again_and_again(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *filler, *end;
        bool matches;
    } cases[] = {
        {"[a-z]*[!?]", "abc", "", false},
        {"[a-z]*[!?]", "abc", "!", true},
        {"[a-z]*[!?]", "abc", "7!", true},
        {"\\S+@\\S+\\.\\S+", "QUJD+/09", "", false},
        {"\\S+@\\S+\\.\\S+", "QUJD+/09", "a@b.c", true},
        {"(?:x|[a-z]*)\\d{3}$", "abc", "12", false},
        {"(?:x|[a-z]*)\\d{3}$", "abc", "123", true},
        {"^b|.*[^a-c].*[^a-d]", "abc", "d", false},
        {"^b|.*[^a-c].*[^a-d]", "abc", "dee", true},
        {"[a-z]*[!?](?<=b!)", "abc", "!", false},
        {"(?i)[A-Y]*z\\b", "abc", "Z", true},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json text = long_text(100000, cases[i].filler, cases[i].end);
        rac_str why;
        struct schema_pattern *p = schema_pattern_compile(&a, rac_str_of(cases[i].pattern), &why);
        assert_non_null(p);
        struct schema_pattern_work work;
        size_t budget = 10000000;
        bool matches = !cases[i].matches;
        rac_err e =
            schema_pattern_match(p, (rac_str){text.s, text.n}, 1000000, &budget, &work, &matches);
        if (e != RAC_OK || matches != cases[i].matches || work.scanned > 100 * text.n ||
            work.steps > 40 * text.n)
            fail_msg("%s: %s, %d, %zu scanned, %zu steps", cases[i].pattern, rac_err_name(e),
                     matches, work.scanned, work.steps);
    }
    /* a pattern too large to be counted is one all the same */
    struct rac_json large = long_text(20000, "abcdefgh", ""), inside = long_text(8000, "?", "");
    rac_str reason;
    struct schema_pattern *big = schema_pattern_compile(&a, (rac_str){large.s, large.n}, &reason);
    assert_non_null(big);
    size_t left = 10000000;
    bool found = false;
    assert_int_equal(
        schema_pattern_match(big, (rac_str){large.s, large.n}, 1000000, &left, NULL, &found),
        RAC_E_LIMIT);
    assert_int_equal(
        schema_pattern_match(big, (rac_str){inside.s, inside.n}, 1000000, &left, NULL, &found),
        RAC_OK);
    assert_false(found);
    /* what cannot be done in one pass is refused before long */
    static const char *const refused[] = {"(?=[a-z]*[!?])a", "([a-z]*)\\1[!?]",
                                          "(a|b|c)[a-z]*\\1[!?]"};
    for (size_t i = 0; i < RAC_COUNT(refused); i++) {
        struct rac_json text = long_text(100000, "abc", "");
        rac_str why;
        struct schema_pattern *p = schema_pattern_compile(&a, rac_str_of(refused[i]), &why);
        assert_non_null(p);
        struct schema_pattern_work work;
        size_t budget = 10000000;
        bool matches;
        assert_int_equal(
            schema_pattern_match(p, (rac_str){text.s, text.n}, 1000000, &budget, &work, &matches),
            RAC_E_LIMIT);
        assert_true(work.scanned < 16 * (10000000 + 10 * text.n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(patterns_share_a_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(long_texts_match, setup, teardown),
        cmocka_unit_test_setup_teardown(patterns_do_not_scan_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(messages, setup, teardown),
        cmocka_unit_test_setup_teardown(swagger, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_schemas, setup, teardown),
        cmocka_unit_test_setup_teardown(caps, setup, teardown),
        cmocka_unit_test_setup_teardown(long_chains, setup, teardown),
        cmocka_unit_test_setup_teardown(exact_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(corpus, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
