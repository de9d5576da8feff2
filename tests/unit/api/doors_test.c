/* Signed URLs called with a token instead of a signature (spec workflows §5.3): whose body is read,
 * and when. */
#include "rig.h"

#include "base/mem.h"
#include "http/client.h"
#include "workflow/access_test_data.h"

#include <stdio.h>

enum { BODY = 300000 };

/* --- an identity provider --------------------------------------------------------------------- */

struct provider {
    struct rig *r;
    struct rac_task soon;
    struct rac_fetch_events ev;
    rac_str answer;
    int asked;
    bool *over; /* set when all of it was asked for; NULL: nobody waits */
};

static void provide(void *arg)
{
    struct provider *x = arg;
    struct rac_fetch_res res = {.status = 200, .body = x->answer};
    x->ev.done(x->ev.arg, &res);
    if (x->asked == 2 && x->over != NULL)
        *x->over = true;
}

static struct rac_fetch *ask(void *self, const struct rac_fetch_req *req, struct rac_arena *a,
                             const struct rac_fetch_events *ev)
{
    struct provider *x = self;
    (void)a;
    x->asked++;
    x->ev = *ev;
    x->answer = rac_str_endsi(req->url, RAC_S("openid-configuration"))
                    ? RAC_S("{\"issuer\":\"https://sts.windows.net/t/\",\"jwks_uri\":\"https://"
                            "keys.example/\"}")
                    : printed(x->r,
                              "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e1\","
                              "\"x\":\"%s\",\"y\":\"%s\"}]}",
                              test_ec_x, test_ec_y);
    x->soon = (struct rac_task){.fn = provide, .arg = x};
    rac_loop_soon(x->r->loop, &x->soon);
    return (struct rac_fetch *)x;
}

/* --- workflows -------------------------------------------------------------------------------- */

/* Answers with what it is sent; the URL without a signature. */
static rac_str echo(struct rig *r, const char *name)
{
    struct reply p = rig_expect(
        r, 201, "PUT", printed(r, "/api/v1/workflows/%s", name).p,
        "{\"definition\":{\"$schema\":\"https://schema.management.azure.com/providers/"
        "Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#\",\"contentVersion\":"
        "\"1.0.0.0\",\"triggers\":{\"t\":{\"type\":\"Request\"}},\"actions\":{\"R\":{\"type\":"
        "\"Response\",\"inputs\":{\"body\":\"@triggerBody()\"},\"runAfter\":{}}}},"
        "\"accessControl\":{\"triggers\":{\"openAuthenticationPolicies\":{\"policies\":{\"p\":{"
        "\"type\":\"AAD\",\"claims\":[{\"name\":\"iss\",\"value\":\"https://sts.windows.net/t/\"},"
        "{\"name\":\"aud\",\"value\":\"a\"}]}}}}}}");
    rac_str id = at(&p, "/id");
    return printed(r, "/workflows/%.*s/triggers/t/paths/invoke?api-version=2016-10-01",
                   RAC_FMT(id));
}

static void open_place(struct rig *r, struct provider *x, rac_str *url)
{
    static const char *const settings[] = {"workflow.cache=1", NULL};
    rig_open(r, settings);
    *x = (struct provider){.r = r};
    r->w->fetcher = (struct rac_fetcher){.start = ask, .self = x};
    *url = echo(r, "first");
    (void)echo(r, "second"); /* takes the place of the first, which has to be compiled again */
}

static void a_body_behind_a_good_token_is_read_whole(void **state)
{
    struct rig r;
    struct provider x;
    rac_str url;
    (void)state;
    open_place(&r, &x, &url);
    char *body = rac_mem_alloc(BODY + 1);
    for (int i = 0; i < BODY; i++)
        body[i] = (char)('a' + i % 23);
    for (int i = 0; i < 2; i++) { /* not at hand and without keys; then with both */
        struct reply p =
            rig_ask(&r, "POST", url.p, rac_str_of(test_ec_token), body, "Content-Type: text/plain");
        assert_int_equal(p.status, 200);
        assert_int_equal(p.body.n, BODY);
        assert_memory_equal(p.body.p, body, BODY);
        assert_int_equal(x.asked, 2);
    }
    struct reply p = rig_ask(&r, "POST", url.p, rac_str_of(test_ec_token), NULL, NULL);
    assert_int_equal(p.status, 200);
    rac_mem_free(body);
    rig_close(&r);
}

/* --- a client that never sends its body ------------------------------------------------------- */

static void gave_up(void *arg, const struct rac_fetch_res *res)
{
    (void)res;
    *(bool *)arg = true;
}

static rac_err nothing_yet(void *self, char *p, size_t cap, size_t *n, bool *eof)
{
    (void)self;
    (void)p;
    (void)cap;
    *n = 0;
    *eof = false;
    return RAC_OK;
}

static void a_token_is_judged_before_the_body_is_there(void **state)
{
    struct rig r;
    struct provider x;
    rac_str url;
    bool over = false;
    (void)state;
    open_place(&r, &x, &url);
    x.over = &over; /* when it was asked for the keys */
    struct rac_fetcher f = rac_http_client_fetcher(r.client);
    struct rac_headers h = {0};
    struct rac_body_source source = {.read = nothing_yet, .length = 1000};
    rac_headers_add(&h, &r.a, RAC_S("Authorization"), printed(&r, "Bearer %s", test_ec_token));
    struct rac_fetch_req q = {.method = RAC_S("POST"),
                              .url = printed(&r, "%.*s%.*s", RAC_FMT(r.url), RAC_FMT(url)),
                              .headers = &h,
                              .source = &source,
                              .timeout_ms = 5000};
    struct rac_fetch_events ev = {.done = gave_up, .arg = &over};
    struct rac_fetch *fetch = f.start(f.self, &q, &r.a, &ev);
    assert_true(rac_loop_run_until(r.loop, &over));
    assert_int_equal(x.asked, 2);
    f.cancel(f.self, fetch);
    rig_close(&r);
}

static void a_bad_token_is_refused(void **state)
{
    struct rig r;
    struct provider x;
    rac_str url;
    char forged[sizeof test_ec_token];
    (void)state;
    open_place(&r, &x, &url);
    memcpy(forged, test_ec_token, sizeof forged);
    forged[sizeof forged - 5] ^= 1;
    const char *const bad[] = {"x.y.z", forged, forged};
    for (size_t i = 0; i < RAC_COUNT(bad); i++) {
        struct reply p = rig_ask(&r, "POST", url.p, rac_str_of(bad[i]), "{\"small\":1}",
                                 "Content-Type: application/json");
        assert_int_equal(p.status, 401);
        assert_str(at(&p, "/error/code"), "AuthorizationFailed");
    }
    assert_int_equal(x.asked, 2);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_behind_a_good_token_is_read_whole),
        cmocka_unit_test(a_token_is_judged_before_the_body_is_there),
        cmocka_unit_test(a_bad_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
