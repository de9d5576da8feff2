/*
 * raccord convert - any description to an OpenAPI 2.0 document, or to a whole package, with every
 * loss listed. The bytes of an OpenAPI 2.0 file that needs no change come out as they went in.
 */
#include "base/str.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/neighbours.h"
#include "cli/output.h"
#include "cli/source.h"
#include "openapi/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = INT32_MAX,
    LOSSES_MAX = 100000,
    DISCOVERY_BYTES_MAX = 1 << 20,
};

static const struct rac_option options[] = {
    {"output", 'o', "FILE|DIR", "write the document to FILE, or the whole package to DIR"},
    {"offline", 0, NULL, "never ask an OpenID Connect server for its endpoints"},
    {NULL, 0, NULL, NULL},
};

/* --- ports of the conversion ----------------------------------------------------------------- */

static rac_err fetch_discovery(void *arg, rac_str url, struct rac_arena *a, rac_str *bytes)
{
    rac_str why;
    if (!rac_cli_is_url(url))
        return RAC_E_INVALID;
    return rac_cli_download(arg, url, DISCOVERY_BYTES_MAX, a, bytes, &why);
}

rac_err rac_cli_convert(struct rac_cli *cli, const char *src, bool offline,
                        struct rac_document *doc, struct rac_arena *a, struct rac_converted *out,
                        struct rac_diags *losses)
{
    struct rac_cli_neighbours n;
    bool any = rac_cli_neighbours_init(&n, cli, src, a);
    struct rac_convert_options o = {.url = rac_cli_is_url(rac_str_of(src)) ? rac_str_of(src)
                                                                           : RAC_STR_NULL,
                                    .load = any ? rac_cli_neighbour : NULL,
                                    .load_arg = &n,
                                    .fetch = offline ? NULL : fetch_discovery,
                                    .fetch_arg = cli};
    return rac_convert(doc, &o, a, out, losses);
}

/* --- the command ------------------------------------------------------------------------------ */

struct run {
    struct rac_cli *cli;
    struct rac_arena *a;
    const char *src;
    struct rac_package *package;
    struct rac_converted result;
    struct rac_json properties; /* the package's own, else those of the conversion */
    struct rac_diags losses;
};

/* A package that came with properties keeps them. */
static void settle_properties(struct run *r)
{
    rac_str own = rac_package_bytes(r->package, RAC_PACKAGE_PROPERTIES);
    struct rac_document *doc;
    r->properties = r->result.properties;
    if (own.p != NULL &&
        rac_document_read(own, RAC_S("apiProperties.json"), r->a, &doc, &r->losses) == RAC_OK)
        r->properties = doc->root;
    else if (own.p != NULL)
        own = RAC_STR_NULL;
    if (own.p == NULL)
        rac_package_set(r->package, RAC_PACKAGE_PROPERTIES,
                        rac_str_concat(r->a,
                                       rac_json_print_str(&r->properties, RAC_JSON_PRETTY, r->a),
                                       RAC_S("\n")));
}

/* FILE when it is one or looks like one; else DIR. */
static bool is_directory_name(const char *path)
{
    struct stat st;
    size_t n = strlen(path);
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode);
    const char *base = strrchr(path, '/');
    base = base != NULL ? base + 1 : path;
    return n > 0 && (path[n - 1] == '/' || strchr(base, '.') == NULL);
}

static int write_package(struct run *r, const char *dir)
{
    /* whatever the description was called, in a package it has the one name */
    struct rac_package *p =
        rac_package_new(r->a, r->result.text, rac_package_bytes(r->package, RAC_PACKAGE_PROPERTIES),
                        rac_package_bytes(r->package, RAC_PACKAGE_ICON),
                        rac_package_bytes(r->package, RAC_PACKAGE_SCRIPT));
    struct rac_diags d;
    rac_diags_init(&d, r->a, 10);
    rac_err e = rac_package_save(p, rac_str_of(dir), &d);
    rac_cli_diags(r->cli, rac_str_of(dir), &d);
    return e == RAC_OK ? RAC_EXIT_OK : rac_cli_status_of(e);
}

static int write_output(struct run *r)
{
    const char *to = rac_cli_opt(r->cli, "output");
    rac_str why;
    if (to != NULL && strcmp(to, "-") != 0) {
        if (is_directory_name(to))
            return write_package(r, to);
        rac_err e = rac_cli_write(r->cli, to, r->result.text, 0666, &why);
        return e == RAC_OK ? RAC_EXIT_OK
                           : rac_cli_fail(r->cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    }
    if (r->cli->format != RAC_FORMAT_JSON)
        fwrite(r->result.text.p, 1, r->result.text.n, r->cli->out);
    return RAC_EXIT_OK;
}

static void print_json(struct run *r, bool done)
{
    struct rac_arena *a = r->a;
    struct rac_json o = rac_json_new_object(a), list = rac_json_new_array(a);
    RAC_JSON_PUT_STR(a, &o, "source", rac_str_of(r->src));
    RAC_JSON_PUT(a, &o, "document", done ? r->result.definition : rac_json_of_null());
    RAC_JSON_PUT(a, &o, "properties", done ? r->properties : rac_json_of_null());
    for (size_t i = 0; i < r->losses.n; i++)
        rac_json_add(a, &list, rac_cli_finding(a, &r->losses.v[i]));
    RAC_JSON_PUT(a, &o, "losses", list);
    rac_cli_print_json(r->cli, &o);
}

static int convert(struct run *r)
{
    struct rac_cli *cli = r->cli;
    rac_err e =
        rac_cli_source_load(cli, r->src, RAC_PACKAGE_BYTES_MAX, r->a, &r->package, &r->losses);
    struct rac_document *doc;
    if (e == RAC_OK)
        e = rac_document_read(rac_package_bytes(r->package, RAC_PACKAGE_DEFINITION),
                              rac_package_name(r->package, RAC_PACKAGE_DEFINITION), r->a, &doc,
                              &r->losses);
    if (e == RAC_OK)
        e = rac_cli_convert(cli, r->src, rac_cli_has(cli, "offline"), doc, r->a, &r->result,
                            &r->losses);
    int status = RAC_EXIT_OK;
    if (e == RAC_OK) {
        settle_properties(r);
        status = write_output(r);
    }
    if (cli->format == RAC_FORMAT_JSON)
        print_json(r, e == RAC_OK);
    else
        rac_cli_diags(cli, rac_str_of(r->src), &r->losses);
    if (r->losses.dropped_total > 0 && cli->format != RAC_FORMAT_JSON)
        fprintf(cli->err, "%s: note: %zu further losses are not shown\n", r->src,
                r->losses.dropped_total);
    if (e != RAC_OK)
        return rac_cli_source_fail(cli, r->src, e, &r->losses);
    return status != RAC_EXIT_OK        ? status
           : r->losses.errors_total > 0 ? RAC_EXIT_FINDINGS
                                        : RAC_EXIT_OK;
}

static int run_convert(struct rac_cli *cli)
{
    if (cli->args_n != 1)
        return rac_cli_usage(cli, "convert needs one source");
    struct rac_arena a;
    rac_arena_init(&a, ARENA_BYTES_MAX);
    struct run r = {.cli = cli, .a = &a, .src = cli->args[0]};
    rac_diags_init(&r.losses, &a, LOSSES_MAX);
    int status = convert(&r);
    rac_arena_fini(&a);
    return status;
}

const struct rac_command rac_command_convert = {
    .words = "convert",
    .synopsis = "SRC [-o FILE|DIR]",
    .summary = "Turn a Postman collection, OpenAPI 3 or YAML into OpenAPI 2.0",
    .details =
        "Prints the document; what it cannot say is listed on standard error. With -o DIR the\n"
        "whole connector package is written, apiProperties.json included.\n"
        "\n"
        "  raccord convert quai.postman_collection.json -o quai/\n"
        "  raccord convert openapi.yaml > apiDefinition.swagger.json\n"
        "  raccord convert https://quai.example/openapi.json --format json",
    .options = options,
    .run = run_convert,
};
