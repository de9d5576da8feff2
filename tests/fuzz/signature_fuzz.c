/* First line a path, second a query, third an Authorization header: a path that is read can be
 * written and read again, and no input is accepted without the key. */
#include "workflow/definition/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct rac_callback *c, bool standard, struct rac_arena *a)
{
    struct rac_callback_place p = {.public_url = RAC_S("https://h"),
                                   .standard = standard,
                                   .key = RAC_S("0123456789abcdef0123456789abcdef")};
    struct rac_callback back, named = *c;
    struct rac_wf_fault fault;
    if (named.workflow_id.p == NULL)
        named.workflow_id = RAC_S("0123456789abcdef0123456789abcdef");
    if (named.workflow.p == NULL)
        named.workflow = RAC_S("w");
    named.relative = RAC_STR_NULL;
    rac_str url = rac_callback_url(&p, &named, a);
    size_t mark = rac_str_find_char(url, '?');
    if (url.n > 60000 || mark == RAC_STR_NPOS)
        return; /* longer than a URL may be */
    RAC_ASSERT(rac_callback_parse(rac_str_sub(url, 9, mark - 9), a, &back));
    back.workflow_id = named.workflow_id;
    RAC_ASSERT(back.form == c->form &&
               rac_str_eq(rac_callback_scope(&back, a), rac_callback_scope(c, a)));
    struct rac_sas_keys keys = {p.key, RAC_STR_NULL};
    RAC_ASSERT(rac_sas_accept(&keys, &back, rac_str_from(url, mark + 1), RAC_STR_NULL, 1, a,
                              &fault) == RAC_SAS_ACCEPTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_callback c;
    struct rac_wf_fault fault;
    struct rac_sas_keys keys = {RAC_S("one key of the workflow"), RAC_S("and another")};
    rac_arena_init(&a, 16 << 20);
    rac_str rest, path = rac_str_cut((rac_str){(const char *)data, size}, '\n', &rest);
    rac_str query = rac_str_cut(rest, '\n', &rest);
    if (rac_callback_parse(path, &a, &c)) {
        again(&c, false, &a);
        again(&c, true, &a);
        if (c.workflow_id.p == NULL)
            c.workflow_id = RAC_S("0123456789abcdef0123456789abcdef");
        RAC_ASSERT(rac_sas_accept(&keys, &c, query, rest, 1700000000000, &a, &fault) !=
                   RAC_SAS_ACCEPTED);
    }
    rac_arena_fini(&a);
    return 0;
}
