#include "cli/source.h"
#include "base/str.h"
#include "cli/output.h"
#include "text/url.h"

#include <sys/stat.h>

enum { REDIRECTS_MAX = 5, DOWNLOAD_TIMEOUT_MS = 30000 };

bool rac_cli_is_url(rac_str s)
{
    return rac_str_startsi(s, RAC_S("http://")) || rac_str_startsi(s, RAC_S("https://"));
}

rac_err rac_cli_http_options(struct rac_cli *cli, struct rac_http_client_options *out)
{
    struct rac_http_guard *guard = RAC_NEW(cli->a, struct rac_http_guard);
    rac_str why, allow = rac_config_str(cli->config, RAC_CONF_EGRESS_ALLOW);
    allow =
        rac_arena_printf(cli->a, "127.0.0.0/8,::1%s%.*s", allow.n > 0 ? "," : "", RAC_FMT(allow));
    rac_err e = rac_http_guard_parse(allow, cli->a, guard, &why);
    if (e != RAC_OK) {
        rac_cli_fail(cli, RAC_EXIT_USAGE, "setting egress.allow: %.*s", RAC_FMT(why));
        return e;
    }
    const struct rac_config *c = cli->config;
    *out = (struct rac_http_client_options){
        .guard = guard,
        .ca_file = rac_config_str(c, RAC_CONF_EGRESS_CA_FILE),
        .proxy = rac_config_str(c, RAC_CONF_EGRESS_PROXY),
        .connect_timeout_ms = rac_config_int(c, RAC_CONF_EGRESS_CONNECT_MS),
        .timeout_ms = rac_config_int(c, RAC_CONF_EGRESS_TOTAL_MS),
        .response_bytes_max = (size_t)rac_config_int(c, RAC_CONF_EGRESS_RESPONSE_MAX),
        .user_agent = RAC_S("Raccord/" RAC_VERSION),
    };
    return RAC_OK;
}

rac_err rac_cli_server_options(struct rac_cli *cli, struct rac_http_client_options *out)
{
    struct rac_http_guard *all = RAC_NEW(cli->a, struct rac_http_guard);
    rac_str why;
    rac_err e = rac_http_guard_parse(RAC_S("0.0.0.0/0,::/0"), cli->a, all, &why);
    RAC_ASSERT(e == RAC_OK);
    e = rac_cli_http_options(cli, out);
    if (e == RAC_OK)
        out->guard = all;
    return e;
}

rac_err rac_cli_download(struct rac_cli *cli, rac_str url, size_t bytes_max, struct rac_arena *a,
                         rac_str *bytes, rac_str *why)
{
    struct rac_http_client_options o;
    rac_err e = rac_cli_http_options(cli, &o);
    if (e != RAC_OK)
        return e;
    for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
        struct rac_headers none = {0};
        struct rac_fetch_req req = {.method = RAC_S("GET"),
                                    .url = url,
                                    .headers = &none,
                                    .timeout_ms = DOWNLOAD_TIMEOUT_MS,
                                    .response_bytes_max = bytes_max};
        struct rac_fetch_res res;
        rac_http_fetch_blocking(&o, &req, a, &res);
        if (res.err != RAC_OK) {
            *why = rac_arena_printf(a, "cannot get %.*s: %.*s", RAC_FMT(url), RAC_FMT(res.error));
            return res.err;
        }
        rac_str location = rac_headers_get(&res.headers, RAC_S("location"));
        if (res.status >= 300 && res.status < 400 && location.n > 0) {
            rac_str next;
            if (rac_url_resolve(url, location, a, &next) != RAC_OK) {
                *why = rac_arena_printf(a, "%.*s redirects to \"%.*s\", which is no URL",
                                        RAC_FMT(url), RAC_FMT(location));
                return RAC_E_IO;
            }
            url = next;
            continue;
        }
        if (res.status != 200) {
            *why = rac_arena_printf(a, "cannot get %.*s: the server answered %d", RAC_FMT(url),
                                    res.status);
            return RAC_E_UNREACHABLE;
        }
        *bytes = res.body;
        return RAC_OK;
    }
    *why = rac_arena_printf(a, "more than %d redirects, the last one to %.*s", REDIRECTS_MAX,
                            RAC_FMT(url));
    return RAC_E_LIMIT;
}

int rac_cli_source_fail(struct rac_cli *cli, const char *src, rac_err e, const struct rac_diags *d)
{
    int status = e == RAC_E_SYNTAX        ? RAC_EXIT_UNREACHABLE
                 : e == RAC_E_UNSUPPORTED ? RAC_EXIT_FINDINGS
                                          : rac_cli_status_of(e);
    return d->errors_total > 0 ? status : rac_cli_fail(cli, status, "%s: %s", src, rac_err_text(e));
}

static rac_err failed(struct rac_diags *d, rac_err e, rac_str why)
{
    struct rac_diag *g = rac_diags_addf(d, e == RAC_E_LIMIT ? "RC-IMP-01" : "RC-IMP-04",
                                        RAC_SEV_ERROR, "%.*s", RAC_FMT(why));
    if (g != NULL && e == RAC_E_DENIED)
        g->fix = RAC_S("Allow its network with --set egress.allow=NETWORK if you trust it.");
    return e;
}

static rac_err from_server(struct rac_cli *cli, const char *name, size_t bytes_max,
                           struct rac_arena *a, rac_str *bytes, rac_str *why)
{
    rac_str escaped = rac_url_encode(a, rac_str_of(name));
    struct rac_http_client_options o;
    rac_err e = rac_cli_server_options(cli, &o);
    if (e != RAC_OK)
        return e;
    struct rac_headers headers = {0};
    if (cli->token.n > 0)
        rac_headers_add(&headers, a, RAC_S("Authorization"),
                        rac_arena_printf(a, "Bearer %.*s", RAC_FMT(cli->token)));
    struct rac_fetch_req req = {.method = RAC_S("GET"),
                                .url = rac_arena_printf(a, "%.*s/api/v1/connectors/%.*s/package",
                                                        RAC_FMT(cli->server), RAC_FMT(escaped)),
                                .headers = &headers,
                                .response_bytes_max = bytes_max};
    struct rac_fetch_res res;
    rac_http_fetch_blocking(&o, &req, a, &res);
    if (res.err != RAC_OK) {
        *why = rac_arena_printf(a, "cannot reach the server %.*s: %.*s", RAC_FMT(cli->server),
                                RAC_FMT(res.error));
        return res.err;
    }
    if (res.status != 200) {
        struct rac_json v;
        rac_str message = RAC_STR_NULL;
        if (rac_json_parse(res.body, a, 0, &v, NULL) == RAC_OK)
            message =
                rac_json_str(RAC_JSON_GET(RAC_JSON_GET(&v, "error"), "message"), RAC_STR_NULL);
        *why = rac_arena_printf(a,
                                "there is no file %s, and the server has no connector of that name "
                                "for you (%d): %.*s",
                                name, res.status, RAC_FMT(message));
        return res.status == 404                        ? RAC_E_NOT_FOUND
               : res.status == 401 || res.status == 403 ? RAC_E_DENIED
                                                        : RAC_E_UNREACHABLE;
    }
    *bytes = res.body;
    return RAC_OK;
}

/* A folder or zip without a definition in it: what was asked for is not there. */
static rac_err package_of(rac_err e)
{
    return e == RAC_E_INVALID ? RAC_E_NOT_FOUND : e;
}

rac_err rac_cli_source_load(struct rac_cli *cli, const char *arg, size_t bytes_max,
                            struct rac_arena *a, struct rac_package **out, struct rac_diags *d)
{
    rac_str bytes, why;
    rac_err e;
    struct stat st;
    if (strcmp(arg, "-") == 0)
        e = rac_cli_read(cli, arg, bytes_max, a, &bytes, &why);
    else if (rac_cli_is_url(rac_str_of(arg)))
        e = rac_cli_download(cli, rac_str_of(arg), bytes_max, a, &bytes, &why);
    else if (!cli->server_named || stat(arg, &st) == 0)
        return package_of(rac_package_load(rac_str_of(arg), bytes_max, a, out, d));
    else
        e = from_server(cli, arg, bytes_max, a, &bytes, &why);
    if (e != RAC_OK)
        return failed(d, e, why);
    return package_of(rac_package_load_bytes(bytes, rac_str_of(arg), bytes_max, a, out, d));
}
