#include "api/callbacks.h"

#include "api/service.h"
#include "base/mem.h"
#include "text/url.h"

/* The exchange may close while the code is being exchanged: then the page is not sent, the sign-in
 * goes on to its end all the same. */

struct landing {
    struct rac_arena a;
    struct rac_api_worker *w;
    struct rac_http_exchange *x; /* NULL: closed */
    struct rac_consent_answer answer;
    bool finished;
};

static void landing_free(struct landing *l)
{
    l->w->requests_n--;
    rac_arena_fini(&l->a);
    rac_mem_free(l);
}

static void closed(void *arg, bool replied)
{
    (void)replied;
    struct landing *l = arg;
    l->x = NULL;
    if (l->finished)
        landing_free(l);
}

static void add_escaped(struct rac_buf *b, rac_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '<')
            RAC_BUF_ADD_LIT(b, "&lt;");
        else if (c == '>')
            RAC_BUF_ADD_LIT(b, "&gt;");
        else if (c == '&')
            RAC_BUF_ADD_LIT(b, "&amp;");
        else if (c == '"')
            RAC_BUF_ADD_LIT(b, "&quot;");
        else
            rac_buf_add_char(b, c);
    }
}

static void page(struct rac_http_exchange *x, int status, rac_str title, rac_str text)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    RAC_BUF_ADD_LIT(&b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    add_escaped(&b, title);
    RAC_BUF_ADD_LIT(&b, " - Raccord</title>\n"
                        "<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;"
                        "margin:15vh auto 0;padding:0 1.5rem;color:#1d2b33;background:#fff}"
                        "h1{font-size:1.5rem}</style>\n</head>\n<body>\n<main role=\"");
    rac_buf_add(&b, status == 200 ? RAC_S("status") : RAC_S("alert"));
    RAC_BUF_ADD_LIT(&b, "\">\n<h1>");
    add_escaped(&b, title);
    RAC_BUF_ADD_LIT(&b, "</h1>\n<p>");
    add_escaped(&b, text);
    RAC_BUF_ADD_LIT(&b, "</p>\n</main>\n</body>\n</html>\n");
    struct rac_headers h = {0};
    struct rac_arena *a = x->arena;
    rac_headers_add(&h, a, RAC_S("Content-Type"), RAC_S("text/html; charset=utf-8"));
    rac_headers_add(&h, a, RAC_S("Content-Security-Policy"),
                    RAC_S("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
                          "base-uri 'none'; form-action 'none'"));
    rac_headers_add(&h, a, RAC_S("Cache-Control"), RAC_S("no-store"));
    rac_headers_add(&h, a, RAC_S("Referrer-Policy"), RAC_S("no-referrer"));
    rac_headers_add(&h, a, RAC_S("X-Content-Type-Options"), RAC_S("nosniff"));
    rac_http_reply(x, status, &h, rac_buf_take(&b, a));
    rac_buf_fini(&b);
}

static void audit(struct landing *l, const struct rac_consent_result *r,
                  const struct rac_auth_error *error)
{
    if (r == NULL || r->key.tenant.p == NULL)
        return;
    struct rac_actor actor = {.at_ms = rac_env_wall_ms(l->w->env),
                              .note = error ? error->code : RAC_S("signed in")};
    l->w->is->audit_add(l->w->is->self, r->key.tenant, RAC_S("consent"), RAC_S("connection"),
                        r->key.connection, 0, &actor, NULL, NULL);
}

static void completed(void *arg, const struct rac_consent_result *result,
                      const struct rac_auth_error *error)
{
    struct landing *l = arg;
    l->finished = true;
    audit(l, result, error);
    if (l->x == NULL) {
        landing_free(l);
        return;
    }
    if (error == NULL)
        page(l->x, 200, RAC_S("Signed in"),
             RAC_S("The connection is ready. You can close this window."));
    else
        page(l->x, error->http_status >= 400 ? error->http_status : 400,
             RAC_S("Signing in did not work"), error->message);
}

void rac_callbacks_handle(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_str rest = rac_str_from(x->path, strlen("/oauth/redirect"));
    if (!rac_str_eq(x->method, RAC_S("GET")) || (rest.n > 0 && rest.p[0] != '/')) {
        page(x, 404, RAC_S("Nothing is here"),
             RAC_S("This is the address to which sign-in pages send people back."));
        return;
    }
    struct landing *l = rac_mem_alloc(sizeof *l);
    rac_arena_init(&l->a, 8 << 20);
    rac_arena_wipe_at_end(&l->a);
    l->w = w;
    l->x = x;
    w->requests_n++;
    rac_str q = rac_arena_str(&l->a, x->query);
    l->answer = (struct rac_consent_answer){
        .state = rac_url_query_get(&l->a, q, RAC_S("state")),
        .code = rac_url_query_get(&l->a, q, RAC_S("code")),
        .error = rac_url_query_get(&l->a, q, RAC_S("error")),
        .error_description = rac_url_query_get(&l->a, q, RAC_S("error_description")),
        .path = rac_arena_str(&l->a, x->path),
    };
    rac_http_on_closed(x, closed, l);
    if (l->answer.state.n == 0) {
        l->finished = true;
        page(x, 400, RAC_S("Signing in did not work"),
             RAC_S("The address lacks its state. Start again from the connection: raccord "
                   "connection consent ID."));
        return;
    }
    rac_auth_consent_complete(w->auth, &l->answer, &l->a, completed, l);
}
