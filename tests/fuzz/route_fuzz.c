/* URL and path matching: first line a path template, second a path to match, the rest a value that
 * is bound into the template; a bound path must be matched by its own template. */
#include <stdlib.h>

#include "base/env.h"
#include "base/str.h"
#include "connector/call.h"
#include "connector/package.h"
#include "connector/route.h"
#include "connector/text_priv.h"

static struct rac_connector *compile(rac_str template, struct rac_arena *a)
{
    struct rac_connector *c = NULL;
    struct rac_json root = rac_json_new_object(a), paths = rac_json_new_object(a),
                    item = rac_json_new_object(a), op = rac_json_new_object(a),
                    params = rac_json_new_array(a), p = rac_json_new_object(a),
                    info = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &root, "swagger", RAC_S("2.0"));
    RAC_JSON_PUT_STR(a, &info, "title", RAC_S("t"));
    RAC_JSON_PUT_STR(a, &info, "version", RAC_S("1"));
    RAC_JSON_PUT(a, &root, "info", info);
    RAC_JSON_PUT_STR(a, &root, "host", RAC_S("h.example"));
    RAC_JSON_PUT_STR(a, &op, "operationId", RAC_S("Op"));
    RAC_JSON_PUT_STR(a, &p, "name", RAC_S("id"));
    RAC_JSON_PUT_STR(a, &p, "in", RAC_S("path"));
    RAC_JSON_PUT_STR(a, &p, "type", RAC_S("string"));
    RAC_JSON_PUT(a, &p, "required", rac_json_of_bool(true));
    rac_json_add(a, &params, p);
    RAC_JSON_PUT(a, &op, "parameters", params);
    RAC_JSON_PUT(a, &item, "get", op);
    rac_json_put(a, &paths, template, item);
    RAC_JSON_PUT(a, &root, "paths", paths);
    struct rac_package *package = rac_package_new(a, rac_json_print_str(&root, 0, a), RAC_STR_NULL,
                                                  RAC_STR_NULL, RAC_STR_NULL);
    if (rac_package_read(package, NULL) != RAC_OK ||
        rac_connector_compile(package, RAC_STR_NULL, 1, &c, NULL) != RAC_OK)
        return NULL;
    return c;
}

static void bind_and_match(struct rac_connector *c, rac_str value, struct rac_arena *a)
{
    struct rac_json args = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &args, "id", value);
    struct rac_call_req req = {.connector = c,
                               .operation_id = RAC_S("Op"),
                               .parameters = &args,
                               .lenient_connection = true};
    struct rac_request r;
    struct rac_call_error e;
    struct rac_env_fake state = {0};
    struct rac_env env = rac_env_fake(&state);
    if (rac_call_build(&req, &env, a, &r, &e, NULL) != RAC_CALL_NONE)
        return;
    for (size_t i = 0; i < r.path.n; i++) /* nothing that ends a URL or a request line */
        if ((unsigned char)r.path.p[i] <= ' ' || r.path.p[i] == '?' || r.path.p[i] == '#')
            abort();
    (void)rac_request_url(&r, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rac_arena a;
    rac_arena_init(&a, 64 << 20);
    rac_str rest = {(const char *)data, n}, template = rac_str_cut(rest, '\n', &rest);
    rac_str path = rest.p ? rac_str_cut(rest, '\n', &rest) : RAC_S("/");
    struct rac_connector *c = compile(template, &a);
    if (c != NULL) {
        struct rac_route_match m;
        (void)rac_route_find(c->route, RAC_S("GET"), path, &m);
        if (rest.p != NULL)
            bind_and_match(c, rest, &a);
        rac_connector_unref(c);
    }
    (void)rac_url_decode(&a, path, true);
    rac_arena_fini(&a);
    return 0;
}
