/* convert_unit - what the tests of the converters share. Texts use ' for ". */
#ifndef RAC_CONVERT_UNIT_H
#define RAC_CONVERT_UNIT_H

#include "unit.h"

#include "openapi/check.h"
#include "openapi/convert.h"

static struct rac_arena arena;
static struct rac_diags losses;
static struct rac_converted result;
static struct rac_convert_options options;

static int setup(void **state RAC_UNUSED)
{
    rac_arena_init(&arena, 1 << 28);
    rac_diags_init(&losses, &arena, 1000);
    options = (struct rac_convert_options){0};
    return 0;
}

static int teardown(void **state RAC_UNUSED)
{
    rac_arena_fini(&arena);
    return 0;
}

static inline rac_str quoted(const char *text)
{
    char *p = rac_arena_cstr(&arena, rac_str_of(text));
    for (char *q = p; *q; q++)
        if (*q == '\'')
            *q = '"';
    return rac_str_of(p);
}

static inline const char *rac_str_cstr(rac_str s)
{
    return rac_arena_cstr(&arena, s);
}

static inline rac_err try_convert(const char *text)
{
    struct rac_document *doc = NULL;
    rac_diags_init(&losses, &arena, 1000);
    assert_int_equal(rac_document_read(quoted(text), RAC_S("source"), &arena, &doc, &losses),
                     RAC_OK);
    return rac_convert(doc, &options, &arena, &result, &losses);
}

/* Converts; the result has no error of the registration profile and is strict JSON. */
static inline void convert(const char *text)
{
    struct rac_document *doc = NULL;
    struct rac_diags found;
    struct rac_json again;
    assert_int_equal(try_convert(text), RAC_OK);
    rac_diags_init(&found, &arena, 100);
    assert_int_equal(rac_json_parse(result.text, &arena, RAC_JSON_REJECT_DUP, &again, NULL),
                     RAC_OK);
    assert_int_equal(rac_document_read(result.text, RAC_S("out"), &arena, &doc, &found), RAC_OK);
    struct rac_check_input in = {
        .doc = doc, .profile = RAC_PROFILE_REGISTRATION, .host_is_dynamic = true};
    assert_int_equal(rac_check_definition(&in, &found), RAC_OK);
    for (size_t i = 0; i < found.n; i++)
        if (found.v[i].severity == RAC_SEV_ERROR)
            fail_msg("%s %.*s: %.*s", found.v[i].code, RAC_FMT(found.v[i].pointer),
                     RAC_FMT(found.v[i].message));
}

static inline const struct rac_json *at(const char *pointer)
{
    return rac_json_pointer_get(&result.definition, rac_str_of(pointer));
}

/* The value at a pointer of the definition, printed; "-" when there is none. */
static inline rac_str json_at(const char *pointer)
{
    const struct rac_json *v = at(pointer);
    return v != NULL ? rac_json_print_str(v, 0, &arena) : RAC_S("-");
}
static inline rac_str prop_at(const char *pointer)
{
    const struct rac_json *v = rac_json_pointer_get(&result.properties, rac_str_of(pointer));
    return v != NULL ? rac_json_print_str(v, 0, &arena) : RAC_S("-");
}
#define assert_json(pointer, text) assert_str(json_at(pointer), rac_str_cstr(quoted(text)))
#define assert_prop(pointer, text) assert_str(prop_at(pointer), rac_str_cstr(quoted(text)))

static inline const struct rac_diag *loss(const char *code)
{
    for (size_t i = 0; i < losses.n; i++)
        if (strcmp(losses.v[i].code, code) == 0)
            return &losses.v[i];
    return NULL;
}

/* A loss with this code stands at this pointer of the source. */
#define assert_loss(want_, where)                                                                  \
    do {                                                                                           \
        bool found_ = false;                                                                       \
        for (size_t i_ = 0; i_ < losses.n; i_++)                                                   \
            found_ = found_ || (strcmp(losses.v[i_].code, (want_)) == 0 &&                         \
                                rac_str_eq(losses.v[i_].pointer, rac_str_of(where)));              \
        if (!found_)                                                                               \
            fail_msg("no %s at %s; first: %s %.*s", (want_), (where),                              \
                     losses.n ? losses.v[0].code : "none",                                         \
                     losses.n ? (int)losses.v[0].pointer.n : 0,                                    \
                     losses.n ? losses.v[0].pointer.p : "");                                       \
    } while (0)
#define assert_no_loss(want_)                                                                      \
    do {                                                                                           \
        if (loss(want_) != NULL)                                                                   \
            fail_msg("unexpected %s: %.*s", (want_), RAC_FMT(loss(want_)->message));               \
    } while (0)

#endif
