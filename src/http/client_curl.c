/* A request through libcurl: its options, its callbacks, its end; and connections for the direct
 * way. */
#include "base/secret.h"
#include "base/str.h"
#include "http/client_priv.h"

enum { USES_MAX = 256 };

#define MUST(call) RAC_CURL_MUST(call)

/* ---- what a transfer receives and sends ---- */

static bool head_line(struct rac_fetch *f, rac_str line)
{
    f->head_bytes += line.n;
    if (f->head_bytes > f->client->o.response_head_bytes_max)
        return rac_fetch_stopped(f, RAC_E_LIMIT);
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    if (f->head_done && !rac_str_starts(line, RAC_S("HTTP/")))
        return true;                            /* trailers */
    if (rac_str_starts(line, RAC_S("HTTP/"))) { /* the answer's, or after an interim 1xx */
        long status = 0;
        curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
        f->res.status = (int)status;
        f->res.headers = (struct rac_headers){0};
        return true;
    }
    if (line.n == 0)
        return f->res.status / 100 == 1 || rac_fetch_head_end(f);
    rac_str value, name = rac_str_trim(rac_str_cut(line, ':', &value));
    if (name.n > 0)
        rac_headers_add(&f->res.headers, f->a, rac_arena_str(f->a, name),
                        rac_arena_str(f->a, rac_str_trim(value)));
    return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct rac_fetch *f = rac_fetch_of(arg);
    return f->state == FETCH_RUNNING && head_line(f, (rac_str){p, size * n}) ? size * n : 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct rac_fetch *f = rac_fetch_of(arg);
    if (f->state != FETCH_RUNNING)
        return 0;
    switch (rac_fetch_take(f, (rac_str){p, size * n})) {
    case RAC_TAKEN_STOP:
        return 0;
    case RAC_TAKEN_PAUSE:
        curl_easy_pause(f->easy, CURLPAUSE_RECV); /* these bytes count as taken */
        break;
    case RAC_TAKEN:
        break;
    }
    return size * n;
}

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
    struct rac_fetch *f = rac_fetch_of(arg);
    if (f->state != FETCH_RUNNING || f->source == NULL)
        return CURL_READFUNC_ABORT;
    size_t got = 0;
    bool eof = false;
    f->client->calling = f;
    rac_err e = f->source->read(f->source->self, p, size * n, &got, &eof);
    f->client->calling = NULL;
    if (e != RAC_OK) {
        f->why = e;
        return CURL_READFUNC_ABORT;
    }
    return got == 0 && !eof ? CURL_READFUNC_PAUSE : got;
}

/* ---- easy handles ---- */

/* What is the same for every request of this client. */
static void easy_options(struct rac_fetch *f)
{
    struct rac_http_client *c = f->client;
    CURL *e = f->easy;
    MUST(curl_easy_setopt(e, CURLOPT_PRIVATE, f));
    MUST(curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error));
    MUST(curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L)); /* a cancel never waits for a resolver */
    MUST(curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https"));
    MUST(curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L));
    MUST(curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                          c->o.http1_only ? (long)CURL_HTTP_VERSION_1_1
                                          : (long)CURL_HTTP_VERSION_2TLS));
    MUST(curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br"));
    MUST(curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    MUST(curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L));
    MUST(curl_easy_setopt(e, CURLOPT_SSLCERTTYPE, "PEM"));
    MUST(curl_easy_setopt(e, CURLOPT_SSLKEYTYPE, "PEM"));
    if (c->ca_file != NULL) /* CAPATH keeps its default: the system's authorities */
        MUST(curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file));
    MUST(curl_easy_setopt(e, CURLOPT_PROXY, "")); /* also: no proxy from the environment */
    MUST(curl_easy_setopt(e, CURLOPT_NOPROXY, ""));
    MUST(curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->o.connect_timeout_ms));
    MUST(curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header));
    MUST(curl_easy_setopt(e, CURLOPT_HEADERDATA, f));
    MUST(curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body));
    MUST(curl_easy_setopt(e, CURLOPT_WRITEDATA, f));
    MUST(curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read));
    MUST(curl_easy_setopt(e, CURLOPT_READDATA, f));
    if (c->resolve != NULL)
        MUST(curl_easy_setopt(e, CURLOPT_RESOLVE, c->resolve));
    if (c->o.user_agent.n > 0)
        MUST(curl_easy_setopt(e, CURLOPT_USERAGENT, c->o.user_agent.p));
    rac_http_sock_options(f);
}

static void easy_ready(struct rac_fetch *f)
{
    if (f->easy == NULL) {
        f->easy = curl_easy_init();
        RAC_ASSERT(f->easy != NULL);
    } else if (f->worn) {
        curl_easy_reset(f->easy);
        f->uses = 0;
    } else {
        return;
    }
    f->worn = false;
    easy_options(f);
}

/*
 * curl counts how often it replaced a kept connection that had died, gives up at five, and forgets
 * the count only when the handle is reset. So a handle that made a connection or failed is reset
 * before it is used again, and any other after a while.
 */
static void handle_worn(struct rac_fetch *f, CURLcode code)
{
    long connects = 1;
    curl_easy_getinfo(f->easy, CURLINFO_NUM_CONNECTS, &connects);
    f->worn = code != CURLE_OK || connects > 0 || ++f->uses >= USES_MAX;
}

/* ---- setting up a transfer ---- */

struct header_list {
    struct curl_slist *first, **end;
    struct rac_arena *a;
};

static void header_put(struct header_list *l, char *line)
{
    struct curl_slist *node = rac_arena_alloc_dirty(l->a, sizeof *node);
    *node = (struct curl_slist){line, NULL};
    *l->end = node;
    l->end = &node->next;
}

/* curl's own way to say things: "Name: value", "Name;" for an empty value, "Name:" for none. */
static char *header_line(struct rac_arena *a, rac_str name, rac_str value)
{
    char *p = rac_arena_alloc_dirty(a, name.n + value.n + 3), *at = p;
    memcpy(at, name.p, name.n);
    at += name.n;
    if (value.n == 0) {
        *at++ = ';';
    } else {
        *at++ = ':';
        *at++ = ' ';
        memcpy(at, value.p, value.n);
        at += value.n;
    }
    *at = '\0';
    return p;
}

static void set_headers(struct rac_fetch *f, const struct rac_headers *headers)
{
    static char no_accept[] = "Accept:", no_expect[] = "Expect:", no_type[] = "Content-Type:";
    struct header_list l = {.a = f->a};
    bool accept = false, type = false;
    l.end = &l.first;
    for (size_t i = 0; headers != NULL && i < headers->n; i++) {
        const struct rac_header *h = &headers->v[i];
        if (rac_fetch_header_is_ours(h->name))
            continue;
        accept |= rac_str_eqi(h->name, RAC_S("Accept"));
        type |= rac_str_eqi(h->name, RAC_S("Content-Type"));
        header_put(&l, header_line(f->a, h->name, h->value));
    }
    if (!accept)
        header_put(&l, no_accept);
    if (f->body.p != NULL || f->source != NULL) {
        header_put(&l, no_expect);
        if (!type)
            header_put(&l, no_type);
    }
    MUST(curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, l.first));
}

static void set_method(struct rac_fetch *f)
{
    CURL *e = f->easy;
    MUST(curl_easy_setopt(e, CURLOPT_HTTPGET, 1L));
    const char *plain = "GET";
    if (f->is_head) {
        MUST(curl_easy_setopt(e, CURLOPT_NOBODY, 1L));
        plain = "HEAD";
    } else if (f->source != NULL) {
        MUST(curl_easy_setopt(e, CURLOPT_UPLOAD, 1L));
        MUST(curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)f->source->length));
        plain = "PUT";
    } else if (f->body.p != NULL) {
        MUST(curl_easy_setopt(e, CURLOPT_POST, 1L));
        MUST(curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body.n));
        MUST(curl_easy_setopt(e, CURLOPT_POSTFIELDS, f->body.n ? f->body.p : ""));
        plain = "POST";
    }
    bool custom = strcmp(plain, f->method.p) != 0;
    MUST(curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, custom ? f->method.p : NULL));
    MUST(curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, f->keep_encoded ? 0L : 1L));
}

/* The key is copied into the arena, wiped with it, and only lent to curl. */
static struct curl_blob pem_blob(struct rac_fetch *f, rac_str pem)
{
    rac_str copy = rac_arena_str(f->a, pem);
    rac_secret_wipe_with(f->a, copy);
    return (struct curl_blob){(void *)(uintptr_t)copy.p, copy.n, CURL_BLOB_NOCOPY};
}

static void set_cert(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    if (req->client_cert_pem.n == 0)
        return;
    f->cert_set = true;
    struct curl_blob cert = pem_blob(f, req->client_cert_pem);
    struct curl_blob key =
        req->client_key_pem.n > 0 ? pem_blob(f, req->client_key_pem) : cert; /* one PEM with both */
    MUST(curl_easy_setopt(f->easy, CURLOPT_SSLCERT_BLOB, &cert));
    MUST(curl_easy_setopt(f->easy, CURLOPT_SSLKEY_BLOB, &key));
}

void rac_fetch_curl_forget(struct rac_fetch *f)
{
    if (!f->cert_set)
        return;
    f->cert_set = false;
    MUST(curl_easy_setopt(f->easy, CURLOPT_SSLCERT_BLOB, NULL));
    MUST(curl_easy_setopt(f->easy, CURLOPT_SSLKEY_BLOB, NULL));
}

bool rac_fetch_curl_set_up(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    easy_ready(f);
    if (curl_easy_setopt(f->easy, CURLOPT_URL, f->url.p) != CURLE_OK) {
        rac_fetch_fail(f, RAC_E_INVALID, RAC_S("the URL is too long"));
        return false;
    }
    if (f->client->proxy != NULL)
        MUST(curl_easy_setopt(f->easy, CURLOPT_PROXY, f->via_proxy ? f->client->proxy : ""));
    set_method(f);
    set_headers(f, req->headers);
    set_cert(f, req);
    return true;
}

/* ---- life of a transfer ---- */

static void add(struct rac_fetch *f, enum fetch_state state)
{
    f->state = state;
    f->added = true;
    RAC_ASSERT(curl_multi_add_handle(f->client->multi, f->easy) == CURLM_OK);
}

void rac_fetch_curl_begin(struct rac_fetch *f)
{
    add(f, FETCH_RUNNING);
}

void rac_fetch_curl_connect(struct rac_fetch *f)
{
    f->worn = true; /* nothing of an earlier request is left in it */
    easy_ready(f);
    MUST(curl_easy_setopt(f->easy, CURLOPT_URL, f->url.p));
    MUST(curl_easy_setopt(f->easy, CURLOPT_CONNECT_ONLY, 1L));
    MUST(curl_easy_setopt(f->easy, CURLOPT_FRESH_CONNECT, 1L));
    f->worn = true; /* whatever comes of it */
    add(f, FETCH_CONNECTING);
}

void rac_fetch_curl_remove(struct rac_fetch *f)
{
    if (!f->added)
        return;
    f->added = false;
    if (f->state == FETCH_RUNNING)
        f->state = FETCH_OVER; /* nothing of it is for the owner any more */
    curl_multi_remove_handle(f->client->multi, f->easy);
}

void rac_fetch_curl_resume(struct rac_fetch *f)
{
    f->client->in_curl = true;
    curl_easy_pause(f->easy, CURLPAUSE_CONT); /* may deliver what curl held back */
    f->client->in_curl = false;
}

bool rac_fetch_curl_connected(struct rac_fetch *f)
{
    curl_off_t pretransfer = 0;
    curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
    return pretransfer > 0;
}

void rac_fetch_curl_times(struct rac_fetch *f)
{
    static const struct {
        CURLINFO info;
        size_t at;
    } wanted[] = {
        {CURLINFO_NAMELOOKUP_TIME_T, offsetof(struct rac_fetch_res, dns_ns)},
        {CURLINFO_CONNECT_TIME_T, offsetof(struct rac_fetch_res, connect_ns)},
        {CURLINFO_APPCONNECT_TIME_T, offsetof(struct rac_fetch_res, tls_ns)},
        {CURLINFO_STARTTRANSFER_TIME_T, offsetof(struct rac_fetch_res, first_byte_ns)},
        {CURLINFO_TOTAL_TIME_T, offsetof(struct rac_fetch_res, total_ns)},
    };
    for (size_t i = 0; i < RAC_COUNT(wanted); i++) {
        curl_off_t us = 0;
        curl_easy_getinfo(f->easy, wanted[i].info, &us);
        *(rac_ns *)(void *)((char *)&f->res + wanted[i].at) = (rac_ns)us * 1000;
    }
}

static void ended(struct rac_fetch *f, CURLcode code)
{
    rac_fetch_curl_times(f);
    if (code == CURLE_OK && f->head_done)
        rac_fetch_body_give(f);
    else
        rac_fetch_fail_curl(f, code == CURLE_OK ? CURLE_GOT_NOTHING : code);
    handle_worn(f, code);
    rac_fetch_curl_remove(f);
    rac_fetch_finish(f);
}

void rac_http_curl_collect(struct rac_http_client *c)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        struct rac_fetch *f = rac_fetch_of(private);
        if (f->state == FETCH_RUNNING)
            ended(f, code);
        else if (f->state == FETCH_CONNECTING)
            rac_fetch_direct_connected(f, code);
    }
}
