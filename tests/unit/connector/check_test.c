/* Every rule, on edits of one sound package: tests/cases/check/rules.case says how. */
#include "unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/map.h"
#include "connector/check.h"
#include "openapi/read.h"

#define BASE  "tests/data/check/base/"
#define CARET "\xe2\x80\xb8"

enum { EDITS_MAX = 16, PLACES_MAX = 8, FINDINGS_MAX = 500 };

struct place {
    rac_str file;
    uint32_t line, column;
};

struct expected {
    rac_str pointer;
    bool nowhere;
    rac_str severity[RAC_PROFILE_N];
};

struct check_case {
    rac_str title, code;
    rac_str files[4]; /* definition, properties, readme, intro: edited */
    rac_str icon, extra, calls_id;
    struct expected want[PLACES_MAX];
    size_t want_n;
    struct place at[PLACES_MAX];
    size_t at_n;
    bool former, taken, independent;
    uint64_t calls;
};

static const char *const file_names[4] = {"apiDefinition.swagger.json", "apiProperties.json",
                                          "readme.md", "intro.md"};
static const char *const file_words[4] = {"definition", "properties", "readme", "intro"};
static struct rac_arena arena;
static rac_str base_files[4], base_icon;
static struct rac_map covered;

static rac_str slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *p = rac_arena_alloc(&arena, (size_t)n + 1);
    assert_int_equal(fread(p, 1, (size_t)n, f), (size_t)n);
    fclose(f);
    return (rac_str){p, (size_t)n};
}

static rac_str join_lines(rac_str a, rac_str b)
{
    return a.p == NULL ? b : rac_arena_printf(&arena, "%.*s\n%.*s", RAC_FMT(a), RAC_FMT(b));
}

static void edit(struct check_case *c, size_t file, rac_str old, rac_str new)
{
    rac_str text = c->files[file];
    size_t at = rac_str_find(text, old);
    if (at == RAC_STR_NPOS)
        fail_msg("%.*s: not in the base: %.*s", RAC_FMT(c->title), RAC_FMT(old));
    if (rac_str_find(rac_str_from(text, at + 1), old) != RAC_STR_NPOS)
        fail_msg("%.*s: more than once in the base: %.*s", RAC_FMT(c->title), RAC_FMT(old));
    c->files[file] = rac_arena_printf(&arena, "%.*s%.*s%.*s", (int)at, text.p, RAC_FMT(new),
                                      RAC_FMT(rac_str_from(text, at + old.n)));
}

/* Takes the carets out of the texts and keeps where they stood. */
static void find_carets(struct check_case *c)
{
    for (size_t f = 0; f < 4; f++) {
        for (;;) {
            rac_str text = c->files[f];
            size_t at = rac_str_find(text, RAC_S(CARET));
            if (at == RAC_STR_NPOS)
                break;
            assert_true(c->at_n < PLACES_MAX);
            struct place *p = &c->at[c->at_n++];
            p->file = rac_str_of(file_names[f]);
            rac_json_place(text, at, &p->line, &p->column);
            c->files[f] = rac_arena_printf(&arena, "%.*s%.*s", (int)at, text.p,
                                           RAC_FMT(rac_str_from(text, at + 3)));
        }
    }
}

static void parse_expected(struct check_case *c, rac_str line)
{
    assert_true(c->want_n < PLACES_MAX);
    struct expected *w = &c->want[c->want_n++];
    /* the severities are the last two words: pointers may hold blanks */
    for (int i = RAC_PROFILE_N - 1; i >= 0; i--) {
        size_t blank = rac_str_rfind_char(line, ' ');
        w->severity[i] = rac_str_from(line, blank + 1);
        line = rac_str_sub(line, 0, blank);
    }
    w->nowhere = rac_str_eq(line, RAC_S("-"));
    w->pointer = w->nowhere ? RAC_S("") : line;
}

static void parse_word(struct check_case *c, rac_str line, size_t *file)
{
    rac_str rest, word = rac_str_cut(line, ' ', &rest);
    if (rac_str_eq(word, RAC_S("in"))) {
        for (size_t f = 0; f < 4; f++)
            if (rac_str_eq(rest, rac_str_of(file_words[f])))
                *file = f;
    } else if (rac_str_eq(word, RAC_S("="))) {
        parse_expected(c, rest);
    } else if (rac_str_eq(word, RAC_S("icon"))) {
        c->icon = slurp(rac_arena_printf(&arena, "tests/data/check/icons/%.*s", RAC_FMT(rest)).p);
    } else if (rac_str_eq(word, RAC_S("extra"))) {
        c->extra = rest;
    } else if (rac_str_eq(word, RAC_S("calls"))) {
        rac_str n = rac_str_cut(rest, ' ', &c->calls_id);
        assert_true(rac_str_to_u64(n, &c->calls));
    } else if (rac_str_eq(word, RAC_S("former"))) {
        c->former = true;
    } else if (rac_str_eq(word, RAC_S("taken"))) {
        c->taken = true;
    } else if (rac_str_eq(word, RAC_S("independent"))) {
        c->independent = true;
    } else if (word.n > 0) {
        fail_msg("%.*s: what is %.*s?", RAC_FMT(c->title), RAC_FMT(line));
    }
}

static void parse_case(struct check_case *c, rac_str body)
{
    size_t file = 0;
    rac_str old = RAC_STR_NULL, new = RAC_STR_NULL;
    memcpy(c->files, base_files, sizeof(base_files));
    c->icon = base_icon;
    for (rac_str rest = body; rest.p != NULL;) {
        rac_str line = rac_str_cut(rest, '\n', &rest);
        if (rac_str_starts(line, RAC_S("- "))) {
            if (new.p != NULL) {
                edit(c, file, old, new);
                old = new = RAC_STR_NULL;
            }
            old = join_lines(old, rac_str_from(line, 2));
        } else if (rac_str_starts(line, RAC_S("+ "))) {
            new = join_lines(new, rac_str_from(line, 2));
        } else {
            if (new.p != NULL)
                edit(c, file, old, new);
            old = new = RAC_STR_NULL;
            parse_word(c, line, &file);
        }
    }
    find_carets(c);
}

/* --- running -------------------------------------------------------------------------------- */

static struct rac_package *package_of(const rac_str files[4], rac_str icon, rac_str extra)
{
    struct rac_package *p = rac_package_new(&arena, files[0], files[1], icon, RAC_STR_NULL);
    rac_package_set(p, RAC_PACKAGE_README, files[2]);
    rac_package_set(p, RAC_PACKAGE_INTRO, files[3]);
    if (extra.n > 0) {
        rac_package_set(p, RAC_PACKAGE_SETTINGS, RAC_S("x"));
        p->files[p->role_file[RAC_PACKAGE_SETTINGS]].name = extra;
    }
    struct rac_diags d;
    rac_diags_init(&d, &arena, 10);
    assert_int_equal(rac_package_read(p, &d), RAC_OK);
    return p;
}

static bool is_taken(void *self, rac_str title RAC_UNUSED)
{
    return ((const struct check_case *)self)->taken;
}

static uint64_t successes(void *self, rac_str id)
{
    const struct check_case *c = self;
    return c->calls_id.p == NULL || !rac_str_eq(id, c->calls_id) ? 1000 : c->calls;
}

static void run_profile(const struct check_case *c, enum rac_profile profile)
{
    struct rac_diags d;
    struct rac_connector_check_input in = {
        .package = package_of(c->files, c->icon, c->extra),
        .profile = profile,
        .publisher = c->independent ? RAC_PUBLISHER_INDEPENDENT : RAC_PUBLISHER_BY_CONTENT,
        .title_is_taken = is_taken,
        .successes = successes,
        .self = (void *)c,
    };
    if (c->former)
        in.former = package_of(base_files, base_icon, RAC_STR_NULL);
    rac_diags_init(&d, &arena, FINDINGS_MAX);
    assert_int_equal(rac_connector_check(&in, &d), RAC_OK);
    size_t found = 0, placed = 0;
    for (size_t i = 0; i < d.n; i++) {
        const struct rac_diag *g = &d.v[i];
        if (!rac_str_eq(rac_str_of(g->code), c->code))
            continue;
        const struct expected *w = &c->want[found];
        if (found++ >= c->want_n)
            fail_msg("%.*s: one too many: %.*s: %.*s", RAC_FMT(c->title), RAC_FMT(g->pointer),
                     RAC_FMT(g->message));
        if (!rac_str_eq(g->pointer, w->pointer) && !w->nowhere)
            fail_msg("%.*s: at %.*s, not %.*s", RAC_FMT(c->title), RAC_FMT(g->pointer),
                     RAC_FMT(w->pointer));
        if (!rac_str_eq(rac_str_of(rac_severity_name(g->severity)), w->severity[profile]))
            fail_msg("%.*s: %s in %s", RAC_FMT(c->title), rac_severity_name(g->severity),
                     rac_profile_name(profile));
        if (c->at_n > 0) {
            assert_true(placed < c->at_n);
            const struct place *p = &c->at[placed++];
            if (g->line != p->line || g->column != p->column || !rac_str_eq(g->file, p->file))
                fail_msg("%.*s: at %.*s:%u:%u, not %.*s:%u:%u", RAC_FMT(c->title), RAC_FMT(g->file),
                         g->line, g->column, RAC_FMT(p->file), p->line, p->column);
            assert_true(g->end_line > g->line ||
                        (g->end_line == g->line && g->end_column > g->column));
        }
        assert_true(g->message.n > 0);
        assert_true(g->fix.n > 0);
    }
    if (found != c->want_n)
        fail_msg("%.*s: %zu findings, not %zu (%s)", RAC_FMT(c->title), found, c->want_n,
                 rac_profile_name(profile));
}

static void sound_package_has_no_finding(void **state RAC_UNUSED)
{
    for (enum rac_profile p = 0; p < RAC_PROFILE_N; p++) {
        struct rac_diags d;
        struct rac_connector_check_input in = {
            .package = package_of(base_files, base_icon, RAC_STR_NULL), .profile = p};
        in.former = in.package;
        rac_diags_init(&d, &arena, FINDINGS_MAX);
        assert_int_equal(rac_connector_check(&in, &d), RAC_OK);
        if (d.n > 0)
            fail_msg("%s %.*s: %.*s", d.v[0].code, RAC_FMT(d.v[0].pointer),
                     RAC_FMT(d.v[0].message));
    }
}

static void every_case_finds_what_it_names(void **state RAC_UNUSED)
{
    rac_str text = slurp("tests/cases/check/rules.case");
    size_t cases = 0;
    for (size_t at = rac_str_find(text, RAC_S("\n== ")); at != RAC_STR_NPOS;) {
        text = rac_str_from(text, at + 4);
        at = rac_str_find(text, RAC_S("\n== "));
        rac_str body, title = rac_str_cut(rac_str_sub(text, 0, at), '\n', &body), rest;
        struct check_case c = {.title = title, .code = rac_str_cut(title, ' ', &rest)};
        parse_case(&c, body);
        if (c.want_n == 0)
            fail_msg("%.*s: expects nothing", RAC_FMT(title));
        rac_map_put(&covered, c.code, &covered);
        for (enum rac_profile p = 0; p < RAC_PROFILE_N; p++)
            run_profile(&c, p);
        cases++;
    }
    assert_true(cases > 150);
}

/* Codes that no check of a package raises: they belong to readers, converters, the runtime. */
static bool is_of_others(const char *code)
{
    static const char *const families[] = {"RC-JSON-", "RC-IMP-",  "RC-PM-",    "RC-BL-",
                                           "RC-INF-",  "RC-O2-",   "RC-O3-",    "RC-RUN-",
                                           "RC-OA-02", "RC-OP-15", "RC-POL-00", "RC-SCHEMA-",
                                           "RC-CONV-", "RC-CONN-", "RC-CONF-"};
    for (size_t i = 0; i < RAC_COUNT(families); i++)
        if (rac_str_starts(rac_str_of(code), rac_str_of(families[i])))
            return true;
    return false;
}

static void every_rule_has_a_case(void **state RAC_UNUSED)
{
    for (size_t i = 0; i < RAC_RULE_N; i++)
        if (!rac_map_has(&covered, rac_str_of(rac_rules[i].code)) &&
            !is_of_others(rac_rules[i].code))
            fail_msg("%s has no case", rac_rules[i].code);
}

static void ceilings_are_counted(void **state RAC_UNUSED)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 24);
    rac_buf_printf(&b, "{\"swagger\":\"2.0\",\"info\":{\"title\":\"T\",\"version\":\"1\"},"
                       "\"host\":\"h.example\",\"paths\":{");
    for (int i = 0; i < 257; i++)
        rac_buf_printf(&b, "%s\"/p%d\":{\"get\":{\"operationId\":\"Op%d\"}}", i ? "," : "", i, i);
    rac_buf_printf(&b, ",\"/deep\":{\"post\":{\"operationId\":\"Deep\",\"parameters\":[{\"name\":"
                       "\"b\",\"in\":\"body\",\"schema\":{\"$ref\":\"#/definitions/L0\"}}]}}"
                       "},\"definitions\":{");
    for (int i = 0; i < 40; i++) /* two ways down at every step: 2^40 schemas, counted in 40 */
        rac_buf_printf(&b,
                       "%s\"L%d\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":"
                       "\"#/definitions/L%d\"},\"b\":{\"$ref\":\"#/definitions/L%d\"}}}",
                       i ? "," : "", i, i + 1, i + 1);
    rac_buf_printf(&b, ",\"L40\":{\"type\":\"string\"}}}");
    struct rac_package *p =
        rac_package_new(&arena, rac_buf_str(&b), RAC_STR_NULL, RAC_STR_NULL, RAC_STR_NULL);
    struct rac_diags d;
    rac_diags_init(&d, &arena, 10000);
    assert_int_equal(rac_package_read(p, &d), RAC_OK);
    struct rac_connector_check_input in = {.package = p, .definition_only = true};
    assert_int_equal(rac_connector_check(&in, &d), RAC_OK);
    size_t found = 0;
    for (size_t i = 0; i < d.n; i++)
        found += rac_str_eq(rac_str_of(d.v[i].code), RAC_S("RC-OP-15"));
    assert_int_equal(found, 4); /* operations; body, operation and depth of Deep */
    rac_buf_fini(&b);
}

static int setup(void **state RAC_UNUSED)
{
    rac_arena_init(&arena, (size_t)1 << 32);
    rac_map_init(&covered, &arena);
    for (size_t f = 0; f < 4; f++)
        base_files[f] = slurp(rac_arena_printf(&arena, BASE "%s", file_names[f]).p);
    base_icon = slurp(BASE "icon.png");
    return 0;
}

static int teardown(void **state RAC_UNUSED)
{
    rac_arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_package_has_no_finding),
        cmocka_unit_test(every_case_finds_what_it_names),
        cmocka_unit_test(every_rule_has_a_case),
        cmocka_unit_test(ceilings_are_counted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
