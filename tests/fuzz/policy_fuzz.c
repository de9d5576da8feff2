/* Policy templates: the input is a file of properties; whatever compiles is run on a request and an
 * answer. What does not start with '{' is one template. */
#include <stdlib.h>

#include "base/env.h"
#include "base/str.h"
#include "connector/call.h"
#include "connector/package.h"
#include "connector/policy_priv.h"
#include "connector/policy_run.h"

static const char definition[] =
    "{\"swagger\":\"2.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"host\":\"h.example\","
    "\"basePath\":\"/v1\",\"paths\":{\"/a/{id}\":{\"post\":{\"operationId\":\"Op\",\"parameters\":["
    "{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"type\":\"string\"},"
    "{\"name\":\"q\",\"in\":\"query\",\"type\":\"string\"},"
    "{\"name\":\"body\",\"in\":\"body\",\"schema\":{\"type\":\"object\"}}],"
    "\"responses\":{\"200\":{\"description\":\"d\"}}}}}}";
static const char arguments[] =
    "{\"id\":\"x "
    "y\",\"q\":\"1\",\"body\":{\"a\":[{\"k\":\"1\",\"v\":\"x;y\"},{\"k\":\"2\"}],\"o\":{\"p\":{"
    "\"q\":1},\"r\":null},\"s\":\"t.u\"}}";

static void one_template(rac_str text, struct rac_arena *a)
{
    rac_str why = RAC_STR_NULL, warning = RAC_STR_NULL;
    const struct rac_template *t =
        rac_template_compile(text, RAC_TEMPLATE_PARAMS | RAC_TEMPLATE_BARE, a, &why, &warning);
    if (t == NULL) {
        if (why.n == 0)
            abort(); /* a refusal says why */
        return;
    }
    struct rac_request r;
    struct rac_json body;
    rac_request_init(&r, a);
    rac_request_add_header(&r, RAC_S("h"), RAC_S("v"), 0);
    rac_request_add_query(&r, RAC_S("q"), RAC_S("%41"), RAC_REQUEST_ENCODED);
    if (rac_json_parse(rac_str_of(arguments), a, 0, &body, NULL) != RAC_OK)
        abort();
    struct rac_scope scope = {.a = a, .request = &r, .body = &body, .item = &body};
    (void)rac_template_text(t, &scope, -1);
    (void)rac_template_text(t, &scope, 0);
    (void)rac_template_value(t, &scope);
}

static void properties(rac_str text, struct rac_arena *a)
{
    struct rac_connector *c;
    struct rac_package *p =
        rac_package_new(a, rac_str_of(definition), text, RAC_STR_NULL, RAC_STR_NULL);
    if (rac_package_read(p, NULL) != RAC_OK ||
        rac_connector_compile(p, RAC_STR_NULL, 1, &c, NULL) != RAC_OK)
        return;
    struct rac_json args, answer;
    if (rac_json_parse(rac_str_of(arguments), a, 0, &args, NULL) != RAC_OK ||
        rac_json_parse(rac_str_of(arguments), a, 0, &answer, NULL) != RAC_OK)
        abort();
    struct rac_call_req req = {.connector = c,
                               .operation_id = RAC_S("Op"),
                               .parameters = &args,
                               .runtime_url = RAC_S("http://r.example/apim/c/n"),
                               .lenient_connection = true};
    struct rac_request r;
    struct rac_call_error e;
    struct rac_env_fake state = {0};
    struct rac_env env = rac_env_fake(&state);
    if (rac_call_build(&req, &env, a, &r, &e, NULL) == RAC_CALL_NONE) {
        struct rac_headers headers = {0};
        struct rac_policy_answer x = {.status = 404, .headers = &headers, .body = &answer};
        struct rac_bound bound = {.path_values = RAC_NEW_N(a, rac_str, 3)};
        struct rac_policy_run run = {.a = a,
                                     .connector = c,
                                     .op = rac_connector_operation(c, RAC_S("Op")),
                                     .request = &r,
                                     .bound = &bound,
                                     .runtime_url = req.runtime_url};
        (void)rac_request_json(&r, true, a);
        (void)rac_policies_response(&run, &x, &e);
        (void)rac_json_print_str(&answer, 0, a);
    }
    rac_connector_unref(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rac_arena a;
    rac_arena_init(&a, 64 << 20);
    rac_str text = {(const char *)data, n};
    if (n > 0 && data[0] == '{' && (n < 2 || data[1] != '@'))
        properties(text, &a);
    else
        one_template(text, &a);
    rac_arena_fini(&a);
    return 0;
}
