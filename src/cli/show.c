/*
 * raccord show - what is in a definition: title, host, security, connection parameters, one line
 * per operation; with an operation, its parameters and answers.
 */
#include "base/str.h"
#include "cli/command.h"
#include "cli/flows.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/source.h"
#include "connector/connection.h"
#include "openapi/api.h"
#include "openapi/read.h"

enum { ARENA_BYTES_MAX = 1 << 30 };

static const struct rac_option options[] = {{NULL, 0, NULL, NULL}};

struct show {
    struct rac_cli *cli;
    struct rac_arena *a;
    struct rac_package *package;
    struct rac_api *api;
    const struct rac_connector *connector;
    rac_str only; /* operationId, or absent */
};

static rac_str text_of(const struct rac_json *node, rac_str key)
{
    return rac_json_str(rac_json_get(node, key), RAC_STR_NULL);
}

static struct rac_json str_or_null(rac_str s)
{
    return s.p != NULL ? rac_json_of_str(s) : rac_json_of_null();
}

static const char *trigger_name(enum rac_trigger t)
{
    return t == RAC_TRIGGER_SINGLE ? "single" : t == RAC_TRIGGER_BATCH ? "batch" : NULL;
}

static const char *visibility_name(enum rac_visibility v)
{
    static const char *const names[] = {"none", "important", "advanced", "internal"};
    return names[v];
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* Which dynamic extension a parameter (or its schema) carries: its name without "x-ms-". */
static rac_str dynamic_of(const struct rac_api_param *p)
{
    static const char *const names[] = {"x-ms-dynamic-list", "x-ms-dynamic-values",
                                        "x-ms-dynamic-properties", "x-ms-dynamic-schema",
                                        "x-ms-dynamic-tree"};
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (rac_json_get(p->node, rac_str_of(names[i])) != NULL ||
            rac_json_get(p->schema, rac_str_of(names[i])) != NULL)
            return rac_str_of(names[i] + sizeof "x-ms-" - 1);
    return RAC_STR_NULL;
}

static struct rac_json param_json(struct show *s, const struct rac_api_param *p)
{
    struct rac_arena *a = s->a;
    struct rac_json v = rac_json_new_object(a);
    const struct rac_json *node = p->in == RAC_IN_BODY && p->schema != NULL ? p->schema : p->node;
    const struct rac_json *otherwise = RAC_JSON_GET(node, "default");
    RAC_JSON_PUT_STR(a, &v, "name", p->name);
    RAC_JSON_PUT_STR(a, &v, "in", rac_str_of(rac_param_in_name(p->in)));
    RAC_JSON_PUT(a, &v, "type", str_or_null(text_of(node, RAC_S("type"))));
    RAC_JSON_PUT(a, &v, "format", str_or_null(text_of(node, RAC_S("format"))));
    RAC_JSON_PUT(a, &v, "required", rac_json_of_bool(p->required));
    RAC_JSON_PUT(a, &v, "default", otherwise != NULL ? *otherwise : rac_json_of_null());
    RAC_JSON_PUT_STR(a, &v, "visibility", rac_str_of(visibility_name(p->visibility)));
    RAC_JSON_PUT(a, &v, "dynamic", str_or_null(dynamic_of(p)));
    return v;
}

static struct rac_json responses_json(struct show *s, const struct rac_api_operation *op)
{
    struct rac_json v = rac_json_new_object(s->a);
    RAC_JSON_EACH_MEMBER(m, op->responses)
    {
        const struct rac_json *node = rac_api_deref(s->api, &m->value);
        const struct rac_json *schema = rac_api_response_schema(s->api, node);
        struct rac_json r = rac_json_new_object(s->a);
        RAC_JSON_PUT(s->a, &r, "description", str_or_null(text_of(node, RAC_S("description"))));
        RAC_JSON_PUT(s->a, &r, "type", str_or_null(text_of(schema, RAC_S("type"))));
        rac_json_put(s->a, &v, rac_json_key(m), r);
    }
    return v;
}

static struct rac_json operation_json(struct show *s, const struct rac_api_operation *op)
{
    struct rac_arena *a = s->a;
    struct rac_json v = rac_json_new_object(a), params = rac_json_new_array(a);
    const char *trigger = trigger_name(op->trigger);
    RAC_JSON_PUT_STR(a, &v, "operationId", op->id);
    RAC_JSON_PUT_STR(a, &v, "method", rac_str_of(rac_api_method_name(op->method)));
    RAC_JSON_PUT_STR(a, &v, "path", op->path);
    RAC_JSON_PUT(a, &v, "summary", str_or_null(op->summary));
    RAC_JSON_PUT(a, &v, "trigger", str_or_null(rac_str_of(trigger)));
    RAC_JSON_PUT(a, &v, "deprecated", rac_json_of_bool(op->deprecated));
    RAC_JSON_PUT_STR(a, &v, "visibility", rac_str_of(visibility_name(op->visibility)));
    for (size_t i = 0; i < op->params_n; i++)
        rac_json_add(a, &params, param_json(s, &op->params[i]));
    RAC_JSON_PUT(a, &v, "parameters", params);
    RAC_JSON_PUT(a, &v, "responses", responses_json(s, op));
    return v;
}

static struct rac_json security_json(struct show *s)
{
    struct rac_json v = rac_json_new_array(s->a);
    RAC_JSON_EACH_MEMBER(m, s->api->security_definitions)
    {
        struct rac_json o = rac_json_new_object(s->a);
        RAC_JSON_PUT_STR(s->a, &o, "name", rac_json_key(m));
        RAC_JSON_PUT(s->a, &o, "type", str_or_null(text_of(&m->value, RAC_S("type"))));
        static const char *const more[] = {"in", "flow"};
        for (size_t i = 0; i < RAC_COUNT(more); i++)
            if (rac_json_get(&m->value, rac_str_of(more[i])) != NULL)
                rac_json_put(s->a, &o, rac_str_of(more[i]),
                             *rac_json_get(&m->value, rac_str_of(more[i])));
        if (text_of(&m->value, RAC_S("in")).p != NULL)
            RAC_JSON_PUT(s->a, &o, "key", str_or_null(text_of(&m->value, RAC_S("name"))));
        rac_json_add(s->a, &v, o);
    }
    return v;
}

static struct rac_json connection_parameters_json(struct show *s)
{
    struct rac_json v = rac_json_new_array(s->a);
    const struct rac_connector *c = s->connector;
    for (size_t i = 0; i < c->sets_n; i++)
        for (size_t k = 0; k < c->sets[i].params_n; k++) {
            const struct rac_conn_param *p = &c->sets[i].params[k];
            struct rac_json o = rac_json_new_object(s->a);
            RAC_JSON_PUT_STR(s->a, &o, "name", p->name);
            RAC_JSON_PUT_STR(s->a, &o, "type", p->type_name);
            RAC_JSON_PUT(s->a, &o, "required", rac_json_of_bool(p->required));
            RAC_JSON_PUT(s->a, &o, "displayName", str_or_null(p->display_name));
            if (c->multi_auth)
                RAC_JSON_PUT(s->a, &o, "set", str_or_null(c->sets[i].name));
            rac_json_add(s->a, &v, o);
        }
    return v;
}

static void show_json(struct show *s)
{
    struct rac_json v = rac_json_new_object(s->a), ops = rac_json_new_array(s->a);
    RAC_JSON_PUT_STR(s->a, &v, "source", rac_str_of(s->cli->args[0]));
    RAC_JSON_PUT_STR(s->a, &v, "kind", RAC_S("connector"));
    RAC_JSON_PUT(s->a, &v, "title", str_or_null(s->api->title));
    RAC_JSON_PUT(s->a, &v, "version", str_or_null(s->api->version));
    RAC_JSON_PUT(s->a, &v, "host", str_or_null(s->api->host));
    RAC_JSON_PUT(s->a, &v, "basePath", str_or_null(s->api->base_path));
    RAC_JSON_PUT(s->a, &v, "security", security_json(s));
    RAC_JSON_PUT(s->a, &v, "connectionParameters", connection_parameters_json(s));
    for (size_t i = 0; i < s->api->ops_n; i++)
        if (s->only.p == NULL || rac_str_eq(s->api->ops[i].id, s->only))
            rac_json_add(s->a, &ops, operation_json(s, &s->api->ops[i]));
    RAC_JSON_PUT(s->a, &v, "operations", ops);
    rac_cli_print_json(s->cli, &v);
}

/* --- text ------------------------------------------------------------------------------------- */

static rac_str marks(struct show *s, const struct rac_api_operation *op)
{
    rac_str m = RAC_S("");
    if (op->trigger != RAC_TRIGGER_NONE)
        m = rac_arena_printf(s->a, "[trigger %s] ", trigger_name(op->trigger));
    return rac_arena_printf(s->a, "%.*s%s%s", RAC_FMT(m), op->deprecated ? "[deprecated] " : "",
                            op->visibility == RAC_VISIBILITY_INTERNAL ? "[internal] " : "");
}

static void head_text(struct show *s)
{
    rac_cli_put(s->cli, "%.*s  %.*s\n", RAC_FMT(s->api->title), RAC_FMT(s->api->version));
    rac_cli_put(s->cli, "host         %.*s://%.*s%.*s\n", RAC_FMT(s->connector->scheme),
                RAC_FMT(s->api->host), RAC_FMT(s->api->base_path));
    RAC_JSON_EACH_MEMBER(m, s->api->security_definitions)
    {
        rac_str where = text_of(&m->value, RAC_S("in")), key = text_of(&m->value, RAC_S("name"));
        rac_cli_put(s->cli, "security     %.*s: %.*s", RAC_FMT(rac_json_key(m)),
                    RAC_FMT(text_of(&m->value, RAC_S("type"))));
        if (where.p != NULL)
            rac_cli_put(s->cli, " (%.*s %.*s)", RAC_FMT(where), RAC_FMT(key));
        rac_cli_put(s->cli, "\n");
    }
    for (size_t i = 0; i < s->connector->sets_n; i++) {
        const struct rac_conn_set *set = &s->connector->sets[i];
        for (size_t k = 0; k < set->params_n; k++) {
            const struct rac_conn_param *p = &set->params[k];
            rac_cli_put(s->cli, "connection   %.*s: %.*s%s", RAC_FMT(p->name),
                        RAC_FMT(p->type_name), p->required ? ", required" : "");
            if (s->connector->multi_auth)
                rac_cli_put(s->cli, "  (set %.*s)", RAC_FMT(set->name));
            rac_cli_put(s->cli, "\n");
        }
    }
}

static void operations_text(struct show *s)
{
    size_t n = s->api->ops_n;
    rac_str *cells = RAC_NEW_N(s->a, rac_str, n * 4);
    for (size_t i = 0; i < n; i++) {
        const struct rac_api_operation *op = &s->api->ops[i];
        cells[4 * i] = rac_str_upper(s->a, rac_str_of(rac_api_method_name(op->method)));
        cells[4 * i + 1] = op->path;
        cells[4 * i + 2] = op->id;
        cells[4 * i + 3] = rac_str_concat(s->a, marks(s, op), op->summary);
    }
    rac_cli_put(s->cli, "\n%zu operations\n", n);
    rac_cli_print_table(s->cli, NULL, cells, n, 4);
}

static void operation_text(struct show *s, const struct rac_api_operation *op)
{
    rac_str mark = marks(s, op);
    rac_cli_put(s->cli, "%.*s  %s %.*s\n%.*s%.*s\n", RAC_FMT(op->id),
                rac_api_method_name(op->method), RAC_FMT(op->path), RAC_FMT(mark),
                RAC_FMT(op->summary));
    if (op->description.n > 0)
        rac_cli_put(s->cli, "%.*s\n", RAC_FMT(op->description));
    rac_str *cells = RAC_NEW_N(s->a, rac_str, op->params_n * 4);
    for (size_t i = 0; i < op->params_n; i++) {
        const struct rac_api_param *p = &op->params[i];
        const struct rac_json *node =
            p->in == RAC_IN_BODY && p->schema != NULL ? p->schema : p->node;
        const struct rac_json *otherwise = RAC_JSON_GET(node, "default");
        rac_str type = text_of(node, RAC_S("type")), format = text_of(node, RAC_S("format"));
        rac_str dynamic = dynamic_of(p);
        cells[4 * i] = rac_str_concat(s->a, RAC_S("  "), p->name);
        cells[4 * i + 1] = rac_str_of(rac_param_in_name(p->in));
        cells[4 * i + 2] = rac_arena_printf(s->a, "%.*s%s%.*s", RAC_FMT(type),
                                            format.n > 0 ? "/" : "", RAC_FMT(format));
        rac_str text = otherwise != NULL ? rac_json_print_str(otherwise, 0, s->a) : RAC_S("");
        cells[4 * i + 3] = rac_arena_printf(
            s->a, "%s%s%.*s%s%s%s%.*s", p->required ? "required " : "",
            otherwise != NULL ? "default " : "", RAC_FMT(text), otherwise != NULL ? " " : "",
            p->visibility != RAC_VISIBILITY_NONE ? visibility_name(p->visibility) : "",
            dynamic.n > 0 ? " " : "", RAC_FMT(dynamic));
    }
    rac_cli_put(s->cli, "parameters\n");
    rac_cli_print_table(s->cli, NULL, cells, op->params_n, 4);
    rac_cli_put(s->cli, "answers\n");
    RAC_JSON_EACH_MEMBER(m, op->responses)
    {
        const struct rac_json *node = rac_api_deref(s->api, &m->value);
        rac_str type = text_of(rac_api_response_schema(s->api, node), RAC_S("type"));
        rac_cli_put(s->cli, "  %.*s  %.*s%s%.*s\n", RAC_FMT(rac_json_key(m)),
                    RAC_FMT(text_of(node, RAC_S("description"))), type.n > 0 ? ", " : "",
                    RAC_FMT(type));
    }
}

static int unknown_operation(struct show *s)
{
    rac_str near = rac_connector_near_operation(s->connector, s->only);
    return rac_cli_fail(s->cli, RAC_EXIT_FINDINGS, "there is no operation \"%.*s\"%s%.*s%s",
                        RAC_FMT(s->only), near.p ? "; did you mean \"" : "",
                        near.p ? (int)near.n : 0, near.p ? near.p : "", near.p ? "\"?" : "");
}

static int show(struct show *s)
{
    const struct rac_api_operation *op = NULL;
    if (s->only.p != NULL && (op = rac_api_operation(s->api, s->only)) == NULL)
        return unknown_operation(s);
    if (s->cli->format == RAC_FORMAT_JSON) {
        show_json(s);
    } else if (op != NULL) {
        operation_text(s, op);
    } else {
        head_text(s);
        operations_text(s);
    }
    return RAC_EXIT_OK;
}

static int run_show(struct rac_cli *cli)
{
    if (cli->args_n < 1 || cli->args_n > 2)
        return rac_cli_usage(cli, "show needs a source and at most one operation");
    struct rac_arena a;
    struct rac_diags d;
    struct rac_connector *c = NULL;
    rac_arena_init(&a, ARENA_BYTES_MAX);
    rac_diags_init(&d, &a, 1000);
    int status;
    if (rac_cli_show_flows(cli, &a, &status)) {
        rac_arena_fini(&a);
        return status;
    }
    struct show s = {.cli = cli, .a = &a};
    rac_err e = rac_cli_package(cli, cli->args[0], &a, &s.package, &d);
    if (e == RAC_OK)
        e = rac_api_build(&s.package->definition_doc->root, &a, &s.api);
    if (e == RAC_OK)
        e = rac_connector_compile(s.package, RAC_STR_NULL, 0, &c, NULL);
    if (e != RAC_OK) {
        rac_cli_diags(cli, rac_str_of(cli->args[0]), &d);
        status = rac_cli_source_fail(cli, cli->args[0], e, &d);
    } else {
        s.connector = c;
        s.only = cli->args_n > 1 ? rac_str_of(cli->args[1]) : RAC_STR_NULL;
        status = show(&s);
    }
    rac_connector_unref(c);
    rac_arena_fini(&a);
    return status;
}

const struct rac_command rac_command_show = {
    .words = "show",
    .synopsis = "SRC [OPERATION]",
    .summary = "Show the operations, triggers, parameters and security of a definition",
    .details =
        "Of a workflow file, the folder of an app or the zip of a flow: triggers and actions\n"
        "with their types, the operations they call and what they run after.\n\n"
        "  raccord show ./quai\n"
        "  raccord show ./quai ListCalls --format json",
    .options = options,
    .run = run_show,
};
