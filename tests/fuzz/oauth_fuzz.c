/*
 * Fuzz: what a token endpoint answers, and the templates of OAuth settings.
 * The first byte chooses; templates and values come from the input as JSON or as plain text.
 */
#include "connector/auth_priv.h"
#include "text/url.h"

static void answer(rac_str s, struct rac_arena *a)
{
    static const int statuses[] = {200, 400, 401, 429, 500, 404, 302};
    struct rac_token_answer x;
    struct rac_fetch_res res = {.status = s.n > 0 ? statuses[(unsigned char)s.p[0] % 7] : 0};
    res.body = rac_str_from(s, 1);
    rac_token_answer_read(&res, 1700000000000, a, &x);
    RAC_ASSERT(x.verdict != RAC_TOKEN_OK || x.access.n > 0);
    RAC_ASSERT(x.expires_in_s >= 0);
    for (size_t i = 0; i < x.access.n; i++)
        RAC_ASSERT((unsigned char)x.access.p[i] >= 0x20);
    (void)rac_connection_message_of(res.body, a);
}

static void templates(rac_str s, struct rac_arena *a)
{
    struct rac_connector c = {0};
    struct rac_connection *conn = NULL;
    struct rac_json v;
    struct rac_json_error where;
    struct rac_token_request r;
    struct rac_auth_error error;
    rac_str rest, text = rac_str_cut(s, '\0', &rest);
    struct rac_oauth_template t = {text, false};
    rac_arena_init(&c.arena, 8 << 20);
    if (rac_json_parse(rest, a, 0, &v, &where) != RAC_OK)
        v = rac_json_none;
    const struct rac_json *props = rac_json_is_object(&v) ? &v : NULL;
    if (rac_conn_sets_parse(props, &c, NULL) == RAC_OK &&
        rac_connection_make(&c, RAC_JSON_GET(props, "values"), RAC_CONNECTION_PARTIAL, 0, a, &conn,
                            NULL) == RAC_OK) {
        const struct rac_conn_param *p = rac_conn_param_oauth(conn->set);
        struct rac_oauth_client client = {.client_id = RAC_S("id"), .client_secret = RAC_S("s")};
        struct rac_oauth_vars vars = {
            .settings = rac_oauth_settings_parse(p != NULL ? &p->node : NULL, &client,
                                                 RAC_S("token"), RAC_S("/"), a, NULL),
            .connection = conn,
            .code = RAC_S("c"),
            .refresh_token = RAC_S("r"),
            .state = RAC_S("st"),
            .redirect_url = RAC_S("https://r.example/oauth/redirect")};
        rac_str url = rac_oauth_expand_url(&t, &vars, a);
        rac_str form = rac_oauth_expand_form(&t, &vars, a);
        (void)rac_url_encode_set(a, rac_oauth_join(url, form, a), RAC_URL_WHOLE);
        for (int i = RAC_TOKEN_EXCHANGE; i <= RAC_TOKEN_DEVICE; i++)
            (void)!rac_token_request_build(&vars, (enum rac_token_purpose)i, false, &rac_env_system,
                                           a, &r, &error);
    }
    rac_arena_fini(&c.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rac_arena a;
    rac_arena_init(&a, 16 << 20);
    rac_str s = {(const char *)data, n};
    if (n > 0 && data[0] % 2 == 0)
        answer(rac_str_from(s, 1), &a);
    else
        templates(rac_str_from(s, 1), &a);
    rac_arena_fini(&a);
    return 0;
}
