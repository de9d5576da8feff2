/*
 * Nothing is lost in silence. Each member of a description that uses everything is taken away in
 * turn: the result, or what was told about it, must change. Members that say nothing by themselves
 * (what is the default anyway, what nobody refers to) are listed in NAME.silent beside the source.
 */
#include "unit.h"

#include "base/buf.h"
#include "openapi/convert.h"

static struct rac_arena arena;

struct silence {
    struct rac_json *root;
    rac_str whole;        /* what the source becomes, with its losses */
    struct rac_buf found; /* pointers, a line each */
    struct rac_json told; /* of the source: pointers of losses about what stands there */
};

/* Told of the whole request or operation, whatever it holds. */
static bool is_general(const char *code)
{
    static const char *const codes[] = {"RC-PM-02", "RC-PM-03", "RC-PM-06",
                                        "RC-PM-07", "RC-PM-14", "RC-O3-14"};
    for (size_t i = 0; i < RAC_COUNT(codes); i++)
        if (strcmp(code, codes[i]) == 0)
            return true;
    return false;
}

/* Everything that comes of a text; absent: refused. */
static rac_str outcome(rac_str text, struct rac_arena *a, struct rac_diags *d)
{
    struct rac_document *doc = NULL;
    struct rac_converted r;
    const struct rac_convert_options options = {0};
    rac_diags_init(d, a, 1000);
    if (rac_document_read(text, RAC_S("source"), a, &doc, d) != RAC_OK ||
        rac_convert(doc, &options, a, &r, d) != RAC_OK)
        return RAC_STR_NULL;
    struct rac_buf b;
    rac_buf_init(&b, 16 << 20);
    rac_buf_add(&b, r.text);
    rac_buf_add(&b, rac_json_print_str(&r.properties, 0, a));
    for (size_t i = 0; i < d->n; i++)
        rac_buf_printf(&b, "%s %.*s %.*s\n", d->v[i].code, RAC_FMT(d->v[i].pointer),
                       RAC_FMT(d->v[i].message));
    rac_str s = rac_arena_str(a, rac_buf_str(&b));
    rac_buf_fini(&b);
    return s;
}

static bool is_told(const struct silence *s, rac_str pointer)
{
    RAC_JSON_EACH(e, &s->told)
    {
        rac_str p = rac_json_str(e, RAC_S(""));
        if (rac_str_starts(pointer, p) && (p.n == pointer.n || pointer.p[p.n] == '/'))
            return true;
    }
    return false;
}

static void walk(struct silence *s, struct rac_json *v, rac_str pointer)
{
    RAC_JSON_EACH(e, v)
    {
        long i = (long)(e - rac_json_at(v, 0));
        walk(s, e, rac_arena_printf(&arena, "%.*s/%ld", RAC_FMT(pointer), i));
    }
    for (size_t i = 0; rac_json_is_object(v) && i < rac_json_len(v); i++) {
        struct rac_json_member kept = *rac_json_member_at(v, i);
        rac_str key = rac_json_key(&kept), here = rac_json_pointer_join(&arena, pointer, key);
        struct rac_json without = rac_json_new_object(&arena), with = *v;
        struct rac_arena a;
        struct rac_diags d;
        if (is_told(s, here))
            continue;
        RAC_JSON_EACH_MEMBER(m, &with)
        {
            if (!rac_str_eq(rac_json_key(m), key))
                rac_json_put(&arena, &without, rac_json_key(m), m->value);
        }
        rac_arena_init(&a, 64 << 20);
        *v = without;
        rac_str text = rac_json_print_str(s->root, RAC_JSON_PRETTY, &a);
        *v = with;
        bool silent = rac_str_eq(outcome(text, &a, &d), s->whole);
        rac_arena_fini(&a);
        if (silent)
            rac_buf_printf(&s->found, "%.*s\n", RAC_FMT(here));
        else
            walk(s, &rac_json_member_at(v, i)->value, here);
    }
}

static rac_str slurp(const char *path)
{
    enum { BYTES_MAX = 1 << 18 };
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be read", path);
    char *p = rac_arena_alloc_dirty(&arena, BYTES_MAX);
    size_t n = fread(p, 1, BYTES_MAX, f);
    fclose(f);
    return (rac_str){p, n};
}

static void nothing_is_lost_in_silence(void **state)
{
    const char *name = *state;
    struct rac_json root;
    struct silence s = {.root = &root};
    struct rac_diags d;
    rac_arena_init(&arena, 1 << 30);
    rac_str text = slurp(rac_arena_printf(&arena, "tests/data/convert/%s.json", name).p);
    assert_int_equal(rac_json_parse(text, &arena, 0, &root, NULL), RAC_OK);
    s.told = rac_json_new_array(&arena);
    s.whole = outcome(rac_json_print_str(&root, RAC_JSON_PRETTY, &arena), &arena, &d);
    assert_true(s.whole.n > 0);
    for (size_t i = 0; i < d.n; i++)
        if (!is_general(d.v[i].code))
            rac_json_add(&arena, &s.told, rac_json_of_str(d.v[i].pointer));
    rac_buf_init(&s.found, 1 << 20);
    walk(&s, &root, RAC_S(""));
    rac_str want = slurp(rac_arena_printf(&arena, "tests/data/convert/%s.silent", name).p);
    bool same = rac_str_eq(rac_buf_str(&s.found), want);
    if (!same)
        fprintf(stderr, "%s: say nothing:\n%.*s", name, RAC_FMT(rac_buf_str(&s.found)));
    rac_buf_fini(&s.found);
    rac_arena_fini(&arena);
    assert_true(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"openapi 3.0", nothing_is_lost_in_silence, NULL, NULL, "everything30.openapi"},
        {"openapi 3.1", nothing_is_lost_in_silence, NULL, NULL, "everything31.openapi"},
        {"postman", nothing_is_lost_in_silence, NULL, NULL, "everything.postman_collection"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
