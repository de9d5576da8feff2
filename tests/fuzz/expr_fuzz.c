/* Any text as a template, strict and not; evaluated in a small world with a tight budget, as a whole
 * and part by part, which has to come to the same. */
#include "base/env.h"
#include "expr/expr.h"
#include "expr/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool get(void *self, enum rac_expr_ref ref, rac_str name RAC_UNUSED,
                struct rac_arena *a RAC_UNUSED, struct rac_json *out)
{
    if (ref == RAC_EXPR_REF_CALLBACK_URL)
        return false;
    *out = *(struct rac_json *)self;
    return true;
}

static enum rac_expr_shown shown(void *arg RAC_UNUSED, const struct rac_expr_call *c)
{
    return c->args_n == 1 && c->literal && c->first.n == 1 ? RAC_EXPR_MASKED : RAC_EXPR_SHOWN;
}

static void trace(const struct rac_expr *x, struct rac_expr_run *run, const struct rac_json *out)
{
    struct rac_expr_trace t = {.shown = shown, .parts_max = 50};
    struct rac_expr_part root;
    run->steps = 0;
    if (rac_expr_trace(x, run, &t, &root) == RAC_OK && out != NULL && root.shown == RAC_EXPR_SHOWN)
        RAC_ASSERT(rac_str_eq(rac_expr_text(out, run->a), rac_expr_text(&root.value, run->a)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char world[] =
        "{\"outputs\":{\"body\":{\"a\":[1,2.5,\"x\"],\"b\":null,\"$formdata\":[{\"key\":\"k\","
        "\"value\":\"v\"}]}},\"a\":{\"b/c\":true},\"list\":[3,1,2]}";
    struct rac_arena a;
    struct rac_json v, out;
    struct rac_expr_error error;
    struct rac_env_fake f = {.wall_ms = 1700000000000, .seed = 1};
    struct rac_env env = rac_env_fake(&f);
    const struct rac_expr *x;
    rac_arena_init(&a, 32 << 20);
    rac_err e = rac_json_parse((rac_str){world, sizeof world - 1}, &a, 0, &v, NULL);
    RAC_ASSERT(e == RAC_OK);
    struct rac_expr_scope scope = {get, &v};
    struct rac_expr_run run = {.scope = &scope,
                               .env = &env,
                               .a = &a,
                               .limits = {.steps_max = 20000, .string_max = 1 << 20}};
    rac_str text = {(const char *)data, size};
    e = rac_expr_compile(text, size & 1, &a, &x, &error);
    if (e == RAC_OK && rac_expr_eval(x, &run, &out) == RAC_OK) {
        trace(x, &run, &out);
        out = rac_expr_mend(&a, out);
        (void)rac_expr_text(&out, &a);
        (void)rac_expr_equal(&out, &v);
    } else if (e == RAC_OK) {
        trace(x, &run, NULL);
    }
    rac_arena_fini(&a);
    return 0;
}
