#include "rig.h"

#include "api/native.h"
#include "http/client.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void handle(void *arg, struct rac_http_exchange *x)
{
    struct rig *r = arg;
    if (r->extra != NULL && rac_str_startsi(x->path, RAC_S("/extra/")))
        rac_surface_handle(r->extra, x);
    else
        rac_api_handle(r->w, x);
}

static void listen_and_dial(struct rig *r)
{
    rac_str why;
    struct rac_http_server *http;
    struct rac_http_server_options o = {.handle = handle, .arg = r};
    assert_int_equal(rac_http_server_start(r->loop, &o, &r->a, &http, &why), RAC_OK);
    r->url = printed(r, "http://127.0.0.1:%u", rac_http_server_port(http));
    r->service.public_url = r->url;
    assert_int_equal(rac_api_worker_new(&r->service, r->loop, 0, &r->a, &r->w, &why), RAC_OK);
    r->w->server = http;
    assert_int_equal(rac_http_guard_parse(RAC_S("127.0.0.0/8"), &r->a, &r->guard, &why), RAC_OK);
    struct rac_http_client_options c = {.guard = &r->guard, .http1_only = true};
    assert_int_equal(rac_http_client_new(r->loop, &c, &r->client), RAC_OK);
}

static void made(void *arg, const struct rac_commit *c)
{
    assert_int_equal(c->err, RAC_OK);
    *(bool *)arg = true;
}

static void first_token(struct rig *r)
{
    struct rac_token_text text;
    bool done = false;
    rac_token_new(&rac_env_system, &text);
    struct rac_token_save t = {.id = rac_str_of(text.id), .user = RAC_DEFAULT_ID};
    memcpy(t.digest, text.digest, sizeof t.digest);
    r->w->is->token_create(r->w->is->self, RAC_DEFAULT_ID, &t, made, &done);
    assert_true(rac_loop_run_until(r->loop, &done));
    r->admin = rac_arena_str(&r->a, rac_str_of(text.text));
}

void rig_open(struct rig *r, const char *const *settings)
{
    *r = (struct rig){.clock = {.wall_ms = 1700000000000, .mono_ns = 1, .seed = 7}};
    rac_arena_init(&r->a, 256 << 20);
    snprintf(r->dir, sizeof r->dir, "/tmp/raccord-api-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->env = rac_env_fake(&r->clock);
    rac_config_init(&r->config, &r->a);
    for (; settings != NULL && *settings != NULL; settings++) {
        rac_str value, key = rac_str_cut(rac_str_of(*settings), '=', &value);
        assert_int_equal(rac_config_set(&r->config, key, value, "test", NULL), RAC_OK);
    }
    struct rac_store_options o = {.dir = rac_str_of(r->dir), .env = &r->env};
    rac_str why;
    r->service = (struct rac_service){.config = &r->config, .env = &r->env, .workers_n = 1};
    assert_int_equal(rac_store_open(&o, &r->a, &r->service.store, &why), RAC_OK);
    assert_int_equal(rac_http_guard_parse(RAC_S(""), &r->a, &r->service.guard, &why), RAC_OK);
    rac_service_init(&r->service);
    r->loop = rac_loop_new();
    listen_and_dial(r);
    first_token(r);
}

static void remove_all(const char *dir)
{
    char path[600];
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

static void stopped(void *arg)
{
    *(bool *)arg = true;
}

void rig_close(struct rig *r)
{
    bool done = false;
    rac_http_client_free(r->client);
    rac_http_server_stop(r->w->server, 1000, stopped, &done);
    assert_true(rac_loop_run_until(r->loop, &done));
    if (r->at_the_end != NULL)
        r->at_the_end(r);
    rac_surface_free(r->extra);
    rac_api_worker_free(r->w);
    rac_loop_free(r->loop);
    rac_service_fini(&r->service);
    rac_store_close(r->service.store);
    remove_all(r->dir);
    rac_arena_fini(&r->a);
}

/* --- asking ----------------------------------------------------------------------------------- */

struct wait {
    struct rac_fetch_res res;
    bool done;
};

static void answered(void *arg, const struct rac_fetch_res *res)
{
    struct wait *w = arg;
    w->res = *res;
    w->done = true;
}

struct reply rig_ask(struct rig *r, const char *method, const char *path, rac_str token,
                     const char *body, const char *header)
{
    struct rac_fetcher f = rac_http_client_fetcher(r->client);
    struct rac_headers h = {0};
    struct wait w = {.done = false};
    rac_str value, name = rac_str_cut(rac_str_of(header), ':', &value);
    if (token.n > 0)
        rac_headers_add(&h, &r->a, RAC_S("Authorization"),
                        printed(r, "Bearer %.*s", RAC_FMT(token)));
    if (header != NULL)
        rac_headers_add(&h, &r->a, name, rac_str_trim(value));
    struct rac_fetch_req q = {.method = rac_str_of(method),
                              .url = printed(r, "%.*s%s", RAC_FMT(r->url), path),
                              .headers = &h,
                              .body = rac_str_of(body)};
    struct rac_fetch_events ev = {.done = answered, .arg = &w};
    f.start(f.self, &q, &r->a, &ev);
    assert_true(rac_loop_run_until(r->loop, &w.done));
    if (w.res.err != RAC_OK)
        fail_msg("%s %s: %.*s", method, path, RAC_FMT(w.res.error));
    struct reply p = {.status = w.res.status, .body = w.res.body, .headers = w.res.headers};
    if (rac_json_parse(p.body, &r->a, 0, &p.json, NULL) != RAC_OK)
        p.json = (struct rac_json){0};
    return p;
}

struct reply rig_expect(struct rig *r, int status, const char *method, const char *path,
                        const char *body)
{
    struct reply p = rig_ask(r, method, path, r->admin, body, NULL);
    if (p.status != status)
        fail_msg("%s %s: %d, not %d: %.*s", method, path, p.status, status, RAC_FMT(p.body));
    return p;
}

rac_str rig_user(struct rig *r, const char *name, const char *role)
{
    rac_str grants = role[0] ? printed(r, "[{\"role\":\"%s\"}]", role) : RAC_S("[]");
    rig_expect(r, 201, "POST", "/api/v1/users",
               printed(r, "{\"name\":\"%s\",\"grants\":%.*s}", name, RAC_FMT(grants)).p);
    struct reply p =
        rig_expect(r, 201, "POST", "/api/v1/tokens", printed(r, "{\"user\":\"%s\"}", name).p);
    return at(&p, "/token");
}

rac_str rig_connector(struct rig *r, rac_str token, const char *title)
{
    rac_str body = printed(
        r,
        "{\"definition\":{\"swagger\":\"2.0\",\"info\":{\"title\":\"%s\",\"description\":\"Made "
        "for a test.\",\"version\":\"1\"},\"host\":\"a.example\",\"schemes\":[\"https\"],"
        "\"paths\":{\"/x\":{\"get\":{\"operationId\":\"GetX\",\"summary\":\"Get x\","
        "\"description\":\"Gets x.\",\"responses\":{\"200\":{\"description\":\"ok\"}}}}}}}",
        title);
    struct reply p = rig_ask(r, "POST", "/api/v1/connectors", token, body.p, NULL);
    if (p.status != 201)
        fail_msg("connector: %d %.*s", p.status, RAC_FMT(p.body));
    return at(&p, "/id");
}

rac_str at(const struct reply *p, const char *pointer)
{
    return rac_json_str(rac_json_pointer_get(&p->json, rac_str_of(pointer)), RAC_S(""));
}

rac_str printed(struct rig *r, const char *fmt, ...)
{
    va_list ap;
    char text[8192];
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < sizeof text);
    return rac_arena_str(&r->a, (rac_str){text, (size_t)n});
}
