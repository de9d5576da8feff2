/* The table of rules is sound, and docs/reference/rules.md says what it says (RACCORD_WRITE_DOCS=1
 * writes the page). */
#include "reference_page.h"

#include "base/map.h"
#include "openapi/check_priv.h"
#include "openapi/rules.h"

static void codes_are_unique_and_complete(void **state RAC_UNUSED)
{
    struct rac_arena a;
    struct rac_map seen;
    rac_arena_init(&a, 1 << 20);
    rac_map_init(&seen, &a);
    for (size_t i = 0; i < RAC_RULE_N; i++) {
        const struct rac_rule *r = &rac_rules[i];
        rac_str code = rac_str_of(r->code);
        assert_true(rac_map_add(&seen, code, (void *)r));
        assert_true(rac_str_starts(code, RAC_S("RC-")));
        assert_true(rac_is_digit(code.p[code.n - 1]) && rac_is_digit(code.p[code.n - 2]));
        assert_true(strlen(r->title) > 3 && strlen(r->text) > 10 && strlen(r->fix) > 5);
        assert_true(r->severity[RAC_PROFILE_CERTIFICATION] >= r->severity[0]);
        assert_ptr_equal(rac_rule_by_code(code), r);
    }
    assert_null(rac_rule_by_code(RAC_S("RC-NONE-01")));
    struct rac_diag d = {.code = "RC-IMP-01"}; /* a finding without a fix of its own */
    assert_str(rac_rule_fix(&d), rac_rules[RAC_RULE_IMP_01].fix);
    d.fix = RAC_S("Own.");
    assert_str(rac_rule_fix(&d), "Own.");
    assert_int_equal(rac_rule_fix(&(struct rac_diag){.code = "Other"}).n, 0);
    rac_arena_fini(&a);
}

/* §9.4: what the registration profile refuses, and nothing else of the catalogue. */
static void registration_refuses_what_leaves_no_request(void **state RAC_UNUSED)
{
    static const char *const refused[] = {"RC-DOC-01",  "RC-DOC-02",  "RC-OP-01",  "RC-PATH-01",
                                          "RC-PATH-04", "RC-PAR-02",  "RC-PAR-05", "RC-REF-01",
                                          "RC-REF-02",  "RC-PROP-01", "RC-IMP-01", "RC-IMP-02",
                                          "RC-IMP-03",  "RC-IMP-04",  "RC-IMP-05"};
    static const char *const catalogue[] = {
        "RC-DOC-", "RC-META-", "RC-TITLE-", "RC-DESC-", "RC-OP-",   "RC-PATH-",
        "RC-PAR-", "RC-SCH-",  "RC-REF-",   "RC-TXT-",  "RC-EXT-",  "RC-DYN-",
        "RC-TRG-", "RC-SEC-",  "RC-PROP-",  "RC-ICON-", "RC-DOCS-", "RC-TEST-",
        "RC-PKG-", "RC-BRK-",  "RC-IMP-",   "RC-GW-"};
    for (size_t i = 0; i < RAC_RULE_N; i++) {
        rac_str code = rac_str_of(rac_rules[i].code);
        bool judged = false, is_refused = false;
        for (size_t k = 0; k < RAC_COUNT(catalogue); k++)
            judged |= rac_str_starts(code, rac_str_of(catalogue[k]));
        for (size_t k = 0; k < RAC_COUNT(refused); k++)
            is_refused |= rac_str_eq(code, rac_str_of(refused[k]));
        if (judged && is_refused != (rac_rules[i].severity[0] == RAC_SEV_ERROR))
            fail_msg("%s", rac_rules[i].code);
    }
}

/* TITLE-02, DESC-01, TXT-01: whole words, in any letter case, wherever they stand. */
static void restricted_words_are_found(void **state RAC_UNUSED)
{
    static const char *const products[] = {
        "Power Apps",           "PowerApps",      "Power Automate", "Power BI",  "Power Platform",
        "Power Virtual Agents", "Microsoft Flow", "Logic Apps",     "Dataverse", "Copilot Studio"};
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < RAC_COUNT(products); i++) {
        rac_str word = rac_str_of(products[i]);
        rac_str upper = rac_arena_str(&a, word);
        for (size_t k = 0; k < upper.n; k++)
            ((char *)upper.p)[k] = (char)(rac_is_alnum(word.p[k]) ? word.p[k] & ~32 : word.p[k]);
        rac_str texts[] = {word, upper, rac_arena_printf(&a, "for (%s), daily", products[i]),
                           rac_arena_printf(&a, "\xc3\xa9 %s", products[i])};
        for (size_t k = 0; k < RAC_COUNT(texts); k++)
            assert_true(rac_str_eq(rac_check_restricted_word(texts[k], WORDS_PRODUCTS), word));
        rac_str longer = rac_arena_printf(&a, "%sx and x%s", products[i], products[i]);
        assert_null(rac_check_restricted_word(longer, WORDS_PRODUCTS).p);
        assert_null(rac_check_restricted_word(word, WORDS_TITLE | WORDS_API).p);
    }
    rac_str text = RAC_S("A connector for the Contoso API");
    assert_true(rac_str_eq(rac_check_restricted_word(text, WORDS_API), RAC_S("API")));
    assert_true(rac_str_eq(rac_check_restricted_word(text, WORDS_TITLE), RAC_S("Connector")));
    rac_arena_fini(&a);
}

static void print_page(struct rac_buf *b)
{
    rac_buf_add(b,
                RAC_S("# Codes of findings\n\n"
                      "Generated from `src/openapi/rules.def`; do not edit. Severities are those "
                      "of the two profiles of\n`raccord validate`; a finding may be milder where "
                      "the rule says so.\n"));
    for (size_t i = 0; i < RAC_RULE_N; i++) {
        const struct rac_rule *r = &rac_rules[i];
        rac_buf_printf(b, "\n## %s: %s\n\n%s\n\n*%s* at registration, *%s* for certification. %s\n",
                       r->code, r->title, r->text, rac_severity_name(r->severity[0]),
                       rac_severity_name(r->severity[1]), r->fix);
        if (r->anchors[0] != '\0')
            rac_buf_printf(b, "\nElsewhere called %s.\n", r->anchors);
    }
}

static void reference_page_is_current(void **state RAC_UNUSED)
{
    page_is_current("docs/reference/rules.md", print_page, "unit-openapi-rules");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_unique_and_complete),
        cmocka_unit_test(registration_refuses_what_leaves_no_request),
        cmocka_unit_test(restricted_words_are_found),
        cmocka_unit_test(reference_page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
