#include "main/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "api/scheduling.h"
#include "base/mem.h"
#include "base/secret.h"
#include "cli/output.h"
#include "main/admin_token.h"

/*
 * The composition root: configuration becomes parts, parts are handed to each other, and here
 * alone. Order of life: store, service, workers (each with listener, client, auth engine), and
 * back.
 */

enum { GRACE_MS = 10000, DRAIN_MS = 10, DESCRIPTORS_MAX = 1 << 20 };

struct slot { /* what a listener calls: the worker is made after its socket is bound */
    struct rac_server *server;
    struct rac_api_worker *w;
};

struct rac_server {
    struct rac_cli *cli;
    struct rac_arena a;
    struct rac_service service;
    struct rac_loop *loop; /* of the main thread: signals */
    struct rac_workers *workers;
    struct slot slots[RAC_WORKERS_MAX];
    rac_str data, host;
    uint16_t port;
    rac_str why;
    int signals;
};

/* --- settings --------------------------------------------------------------------------------- */

static bool split_listen(struct rac_server *s, rac_str listen)
{
    size_t colon = rac_str_rfind_char(listen, ':');
    int64_t port;
    if (colon == RAC_STR_NPOS || !rac_str_to_i64(rac_str_from(listen, colon + 1), &port) ||
        port < 0 || port > 65535)
        return false;
    rac_str host = rac_str_sub(listen, 0, colon);
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = rac_str_sub(host, 1, host.n - 2);
    s->host = host.n > 0 ? rac_arena_str(&s->a, host) : RAC_S("0.0.0.0");
    s->port = (uint16_t)port;
    return true;
}

static void set_public_url(struct rac_server *s, uint16_t port)
{
    rac_str given = rac_config_str(s->service.config, RAC_CONF_PUBLIC_URL);
    while (given.n > 0 && given.p[given.n - 1] == '/')
        given.n--;
    if (given.n > 0) {
        s->service.public_url = given;
        return;
    }
    rac_str host = rac_str_eq(s->host, RAC_S("0.0.0.0")) ? RAC_S("127.0.0.1")
                   : rac_str_eq(s->host, RAC_S("::"))    ? RAC_S("::1")
                                                         : s->host;
    bool v6 = rac_str_find_char(host, ':') != RAC_STR_NPOS;
    s->service.public_url = rac_arena_printf(&s->a, "http://%s%.*s%s:%u", v6 ? "[" : "",
                                             RAC_FMT(host), v6 ? "]" : "", port);
}

static void setup_log(const struct rac_config *c)
{
    enum rac_log_level level = RAC_INFO;
    rac_str format = rac_config_str(c, RAC_CONF_LOG_FORMAT);
    (void)rac_log_level_parse(rac_config_str(c, RAC_CONF_LOG_LEVEL), &level);
    rac_log_setup(2,
                  rac_str_eq(format, RAC_S("json")) ||
                      (!rac_str_eq(format, RAC_S("logfmt")) && isatty(2) != 1),
                  level);
}

static int setup_guard(struct rac_server *s, const char *allow)
{
    rac_str list = rac_config_str(s->service.config, RAC_CONF_EGRESS_ALLOW), error;
    if (allow != NULL)
        list = rac_arena_printf(&s->a, "%.*s%s%s", RAC_FMT(list), list.n > 0 ? "," : "", allow);
    if (rac_http_guard_parse(list, &s->a, &s->service.guard, &error) == RAC_OK)
        return RAC_EXIT_OK;
    return rac_cli_fail(s->cli, RAC_EXIT_USAGE, "egress.allow: %.*s", RAC_FMT(error));
}

/* --- the store and the first token ------------------------------------------------------------ */

static int open_store(struct rac_server *s)
{
    const struct rac_config *c = s->service.config;
    rac_str key_file = rac_config_str(c, RAC_CONF_KEY_FILE), why;
    rac_ms recover_ms = rac_config_int(c, RAC_CONF_RECOVER_DAYS);
    struct rac_store_options o = {
        .dir = s->data,
        .key_file = key_file.n > 0 ? key_file : RAC_STR_NULL,
        .env = s->service.env,
        .queue_max = (size_t)rac_config_int(c, RAC_CONF_STORE_QUEUE),
        .reader_cache_kib = (size_t)rac_config_int(c, RAC_CONF_STORE_CACHE) / 1024 / 4,
        .writer_cache_kib = (size_t)rac_config_int(c, RAC_CONF_STORE_CACHE) / 1024,
        .deleted_keep_ms = recover_ms > 0 ? recover_ms : 1,
        .audit_keep_ms = rac_config_int(c, RAC_CONF_AUDIT_RETENTION),
    };
    rac_err e = rac_store_open(&o, &s->a, &s->service.store, &why);
    if (e == RAC_OK)
        return RAC_EXIT_OK;
    int status = e == RAC_E_BUSY || e == RAC_E_DENIED ? RAC_EXIT_REFUSED : RAC_EXIT_UNREACHABLE;
    return rac_cli_fail(s->cli, status, "cannot open %.*s: %.*s", RAC_FMT(s->data), RAC_FMT(why));
}

/* Id of the token in the file, so that the file goes when the token is revoked. */
static void read_token_id(struct rac_server *s, const char *path)
{
    char text[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n > 21 && memcmp(text, "rac_", 4) == 0)
        s->service.admin_token_id = rac_arena_str(&s->a, (rac_str){text + 4, 16});
    rac_secret_wipe(text, sizeof text);
}

/* Was a token ever made here? The list has only those that still open something: when the last one
 * was revoked on purpose, a restart must not make another. The audit log forgets what is old. */
static rac_err tokens_made(const struct rac_iam_store *is, struct rac_arena *a, bool *any)
{
    const struct rac_audit_query query = {.kind = RAC_S("token"), .n_max = 1};
    struct rac_audit_row *told;
    struct rac_token_row *open;
    size_t told_n = 0, open_n = 0;
    rac_err e = is->token_list(is->self, RAC_DEFAULT_ID, RAC_STR_NULL, a, &open, &open_n);
    if (e == RAC_OK)
        e = is->audit_list(is->self, RAC_DEFAULT_ID, &query, a, &told, &told_n);
    *any = open_n > 0 || told_n > 0;
    return e;
}

static int first_token(struct rac_server *s)
{
    struct rac_store_session *session;
    bool any = false;
    s->service.admin_token_path = rac_admin_token_path(&s->a, s->data);
    rac_err e = rac_store_session_new(s->service.store, NULL, &session);
    if (e != RAC_OK)
        return rac_cli_fail(s->cli, RAC_EXIT_UNREACHABLE, "cannot read %.*s", RAC_FMT(s->data));
    const struct rac_iam_store *is = rac_store_iam(session);
    e = tokens_made(is, &s->a, &any);
    if (e == RAC_OK && !any)
        e = rac_admin_token_make(session, s->service.env, s->service.admin_token_path,
                                 RAC_S("first administrator's token"), &s->a,
                                 &s->service.admin_token_id, &s->why);
    else
        read_token_id(s, s->service.admin_token_path.p);
    rac_store_session_free(session);
    if (e == RAC_OK)
        return RAC_EXIT_OK;
    return rac_cli_fail(s->cli, RAC_EXIT_UNREACHABLE, "%.*s",
                        RAC_FMT(s->why.n > 0 ? s->why : rac_str_of(rac_err_text(e))));
}

/* --- workers ---------------------------------------------------------------------------------- */

static void handle(void *arg, struct rac_http_exchange *x)
{
    rac_api_handle(((struct slot *)arg)->w, x);
}

static rac_err worker_start(void *arg, struct rac_loop *loop, unsigned index, void **state)
{
    struct rac_server *s = arg;
    struct slot *slot = &s->slots[index];
    const struct rac_config *c = s->service.config;
    size_t connections = (size_t)rac_config_int(c, RAC_CONF_HTTP_CONNECTIONS_MAX);
    struct rac_http_server *http;
    slot->server = s;
    struct rac_http_server_options o = {
        .host = rac_arena_cstr(&s->a, s->host),
        .port = s->port,
        .reuse_port = s->service.workers_n > 1,
        .alone = index == 0,
        .handle = handle,
        .arg = slot,
        .connections_max = connections / s->service.workers_n + 1,
        .head_bytes_max = (size_t)rac_config_int(c, RAC_CONF_HTTP_HEADER_MAX),
        .idle_timeout_ms = rac_config_int(c, RAC_CONF_HTTP_IDLE_MS),
        /* A call may use all of its time and still be answered. */
        .reply_timeout_ms = 2 * rac_config_int(c, RAC_CONF_EGRESS_TOTAL_MS) + 60 * 1000,
    };
    rac_err e = rac_http_server_start(loop, &o, &s->a, &http, &s->why);
    if (e != RAC_OK)
        return e;
    if (index == 0) {
        s->port = rac_http_server_port(http);
        set_public_url(s, s->port);
    }
    e = rac_api_worker_new(&s->service, loop, index, &s->a, &slot->w, &s->why);
    if (e != RAC_OK) {
        rac_http_server_free(http);
        return e;
    }
    slot->w->server = http;
    *state = slot->w;
    return RAC_OK;
}

/* The listener is quiet; writes asked for by clients that left may still be under way. */
static void server_stopped(void *arg)
{
    struct rac_api_worker *w = RAC_CAST(arg, struct rac_api_worker, RAC_API_MAGIC);
    bool idle = rac_scheduling_drain(w->scheduling) && rac_runner_drain(w->runner);
    if ((w->requests_n == 0 && idle) || w->drains_n++ >= GRACE_MS / DRAIN_MS) {
        rac_loop_stop(w->loop);
        return;
    }
    rac_deadline_init(&w->drain, server_stopped, w);
    rac_deadline_arm(w->loop, &w->drain, DRAIN_MS);
}

static void worker_stop(void *state, struct rac_loop *loop)
{
    struct rac_api_worker *w = state;
    (void)loop;
    if (w->stopping)
        return;
    w->stopping = true;
    rac_http_server_stop(w->server, GRACE_MS, server_stopped, w);
}

static void worker_fini(void *state, struct rac_loop *loop)
{
    (void)loop;
    if (state != NULL)
        rac_api_worker_free(state);
}

static void recover(void *arg)
{
    struct rac_api_worker *w = arg;
    rac_err e = rac_auth_recover(w->auth);
    if (e != RAC_OK)
        rac_log(RAC_WARN, "refreshes.not_recovered", RAC_F_CSTR("error", rac_err_name(e)));
    rac_runner_begin(w->runner);
    w->scheduling = rac_scheduling_new(w);
}

/* Workers share the port by SO_REUSEPORT, which would also let a second server of the same user
 * share it, in silence. So the port is bound once without sharing first. */
static bool port_is_free(struct rac_server *s)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    char port[8];
    int on = 1;
    snprintf(port, sizeof port, "%u", s->port);
    if (s->port == 0 || getaddrinfo(rac_arena_cstr(&s->a, s->host), port, &hints, &found) != 0)
        return true; /* a name: the listener says what is wrong with it */
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool taken = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) != 0 && errno == EADDRINUSE;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return !taken;
}

static int start_workers(struct rac_server *s, unsigned workers, bool any_port)
{
    if (workers == 0)
        workers = (unsigned)rac_config_int(s->service.config, RAC_CONF_WORKERS);
    if (workers == 0)
        workers = rac_cpu_count();
    s->service.workers_n = workers > RAC_WORKERS_MAX ? RAC_WORKERS_MAX : workers;
    bool free_port = port_is_free(s);
    if (!free_port && any_port) {
        rac_cli_note(s->cli, "Port %u is taken by another program; another one is used.", s->port);
        s->port = 0;
    } else if (!free_port) {
        return rac_cli_fail(
            s->cli, RAC_EXIT_UNREACHABLE,
            "cannot listen on %.*s:%u: the port is in use by another program. Stop "
            "it, or choose another with --listen HOST:PORT (port 0 takes a free one)",
            RAC_FMT(s->host), s->port);
    }
    struct rac_worker_hooks hooks = {
        .start = worker_start, .stop = worker_stop, .fini = worker_fini, .arg = s};
    rac_err e = rac_workers_start(s->service.workers_n, &hooks, &s->workers);
    if (e != RAC_OK)
        return rac_cli_fail(s->cli, RAC_EXIT_UNREACHABLE, "%.*s",
                            RAC_FMT(s->why.n > 0 ? s->why : rac_str_of(rac_err_text(e))));
    (void)rac_api_post(&s->service, 0, recover, s->service.workers[0]);
    return RAC_EXIT_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void free_all(struct rac_server *s)
{
    rac_service_fini(&s->service);
    if (s->service.store != NULL)
        rac_store_close(s->service.store);
    if (s->loop != NULL)
        rac_loop_free(s->loop);
    rac_arena_fini(&s->a);
    rac_mem_free(s);
}

static void on_signal(void *arg, int signum)
{
    struct rac_server *s = arg;
    if (s->signals++ > 0) {
        rac_log(RAC_WARN, "server.cut", RAC_F_INT("signal", signum));
        _exit(RAC_EXIT_FINDINGS);
    }
    rac_log(RAC_INFO, "server.stopping", RAC_F_INT("signal", signum));
    rac_loop_stop(s->loop);
}

/* A shell gives 1024 descriptors, of which a server needs one for every connection, and lets it ask
 * for more. */
static void raise_descriptors(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur >= DESCRIPTORS_MAX)
        return;
    rlim_t most = l.rlim_max < DESCRIPTORS_MAX ? l.rlim_max : DESCRIPTORS_MAX;
    if (most <= l.rlim_cur)
        return;
    l.rlim_cur = most;
    (void)setrlimit(RLIMIT_NOFILE, &l);
}

/* A core file would hold every secret in clear. Who looks for a defect raises the limit of the running
 * process: prlimit --core=unlimited --pid. */
static void no_core(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_CORE, &l) != 0)
        return;
    l.rlim_cur = 0;
    (void)setrlimit(RLIMIT_CORE, &l);
}

static int absolute(struct rac_server *s, const char *dir)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return rac_cli_fail(s->cli, RAC_EXIT_UNREACHABLE, "cannot create %s: %s", dir,
                            strerror(errno));
    char *real = realpath(dir, NULL);
    if (real == NULL)
        return rac_cli_fail(s->cli, RAC_EXIT_UNREACHABLE, "cannot open %s: %s", dir,
                            strerror(errno));
    s->data = rac_arena_str(&s->a, rac_str_of(real));
    rac_mem_free_libc(real);
    return RAC_EXIT_OK;
}

int rac_server_start(struct rac_cli *cli, const struct rac_server_options *o,
                     struct rac_server **out)
{
    struct rac_server *s = rac_mem_alloc(sizeof *s);
    rac_arena_init(&s->a, 64 << 20);
    raise_descriptors();
    no_core();
    s->cli = cli;
    s->service = (struct rac_service){
        .config = cli->config, .env = cli->env, .extra = o->extra, .extra_arg = o->extra_arg};
    int status = absolute(s, o->data);
    if (status == RAC_EXIT_OK)
        status = rac_cli_data_config(cli, s->data.p);
    rac_str listen =
        o->listen != NULL ? rac_str_of(o->listen) : rac_config_str(cli->config, RAC_CONF_LISTEN);
    if (status == RAC_EXIT_OK && !split_listen(s, listen))
        status = rac_cli_usage(cli, "--listen takes HOST:PORT, not %.*s", RAC_FMT(listen));
    if (status == RAC_EXIT_OK)
        status = setup_guard(s, o->allow);
    if (status == RAC_EXIT_OK) {
        setup_log(cli->config);
        status = open_store(s);
    }
    if (status == RAC_EXIT_OK)
        status = first_token(s);
    if (status == RAC_EXIT_OK) {
        s->loop = rac_loop_new();
        rac_service_init(&s->service);
        status = start_workers(s, o->workers,
                               o->any_port && o->listen == NULL &&
                                   strcmp(cli->config->v[RAC_CONF_LISTEN].from, "default") == 0);
    }
    if (status != RAC_EXIT_OK) {
        free_all(s);
        return status;
    }
    rac_loop_on_stop_signal(s->loop, on_signal, s); /* before anybody is told that it is up */
    rac_log(RAC_INFO, "server.started", RAC_F_STR("url", s->service.public_url),
            RAC_F_STR("data", s->data), RAC_F_INT("workers", s->service.workers_n));
    *out = s;
    return RAC_EXIT_OK;
}

rac_str rac_server_url(const struct rac_server *s)
{
    return s->service.public_url;
}

rac_str rac_server_data(const struct rac_server *s)
{
    return s->data;
}

rac_str rac_server_admin_token(struct rac_server *s, struct rac_arena *a)
{
    rac_str text, why;
    if (rac_cli_read(s->cli, s->service.admin_token_path.p, 4096, a, &text, &why) != RAC_OK)
        return RAC_STR_NULL;
    rac_secret_wipe_with(a, text);
    return rac_str_trim(text);
}

void rac_server_wait(struct rac_server *s)
{
    rac_loop_run(s->loop);
}

void rac_server_stop(struct rac_server *s)
{
    rac_workers_stop(s->workers);
    rac_workers_join(s->workers);
    rac_log(RAC_INFO, "server.stopped", RAC_F_STR("data", s->data));
    free_all(s);
}
