/*
 * Every OAuth parameter of the published connectors: the settings can be used, a sign-in link comes
 * out, and the requests to the token endpoint can be built. Needs RACCORD_CORPUS (a folder with
 * connectors/); without it the test says so and passes.
 */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "connector/auth_priv.h"
#include "text/url.h"

enum { FILE_BYTES_MAX = 8 << 20 };

static rac_str read_file(const char *path, struct rac_arena *a)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return RAC_STR_NULL;
    char *p = rac_arena_alloc_dirty(a, FILE_BYTES_MAX);
    size_t n = fread(p, 1, FILE_BYTES_MAX, f);
    fclose(f);
    return (rac_str){p, n};
}

/* Something for every parameter a connector asks for: templates build hosts out of them. */
static struct rac_json values_for(const struct rac_conn_set *s, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a);
    for (size_t i = 0; i < s->params_n; i++) {
        const struct rac_conn_param *p = &s->params[i];
        struct rac_json v = rac_json_of_str(RAC_S("quai.example"));
        if (p->type == RAC_CONN_OAUTH || p->type >= RAC_CONN_GATEWAY)
            continue;
        if (rac_json_len(&p->allowed) > 0)
            v = *RAC_JSON_GET(rac_json_at(&p->allowed, 0), "value");
        else if (rac_str_findi(p->name, RAC_S("url")) != RAC_STR_NPOS ||
                 rac_str_eqi(p->name, RAC_S("token:env")))
            v = rac_json_of_str(RAC_S("https://quai.example"));
        else if (p->type == RAC_CONN_INT)
            v = rac_json_of_int(1);
        else if (p->type == RAC_CONN_BOOL)
            v = rac_json_of_bool(true);
        rac_json_put(a, &o, p->name, v);
    }
    return o;
}

static bool has_braces(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '{' || s.p[i] == '}')
            return true;
    return false;
}

static const char *try_param(const struct rac_connection *c, const struct rac_conn_param *p,
                             struct rac_arena *a)
{
    static const struct rac_oauth_client client = {.client_id = {"app", 3},
                                                   .client_secret = {"hush", 4}};
    struct rac_token_request r;
    struct rac_auth_error error;
    struct rac_url parts;
    const struct rac_oauth_settings *s =
        rac_oauth_settings_parse(&p->node, &client, p->name, RAC_S("/"), a, NULL);
    struct rac_oauth_vars v = {.settings = s,
                               .connection = c,
                               .code = RAC_S("c"),
                               .state = RAC_S("st"),
                               .refresh_token = RAC_S("r"),
                               .redirect_url = RAC_S("https://r.example/oauth/redirect")};
    if (s->problem.n > 0)
        return rac_arena_cstr(a, s->problem);
    if (s->client_auth == RAC_CLIENT_ASSERTION)
        return NULL; /* needs a certificate */
    if (rac_oauth_grant(&v, a) == RAC_GRANT_CODE) {
        rac_str url = rac_oauth_endpoint(&v, &s->authorization_url, "authorizationUrl", a);
        rac_str query = rac_oauth_expand_form(&s->authorization_query, &v, a);
        url = rac_url_encode_set(a, rac_oauth_join(url, query, a), RAC_URL_WHOLE);
        if (!rac_url_split_http(url, &parts) || has_braces(url))
            return rac_arena_cstr(a, url);
        if (rac_token_request_build(&v, RAC_TOKEN_EXCHANGE, false, &rac_env_system, a, &r,
                                    &error) != RAC_OK)
            return rac_arena_cstr(a, error.message);
    } else if (rac_token_request_build(&v, RAC_TOKEN_OBTAIN, false, &rac_env_system, a, &r,
                                       &error) != RAC_OK) {
        return rac_arena_cstr(a, error.message);
    }
    if (has_braces(r.url) || has_braces(r.body))
        return rac_arena_cstr(a, r.url);
    if (s->refresh_url.text.n > 0 &&
        rac_token_request_build(&v, RAC_TOKEN_REFRESH, false, &rac_env_system, a, &r, &error) !=
            RAC_OK)
        return rac_arena_cstr(a, error.message);
    return NULL;
}

static void try_folder(const char *dir, const char *name, size_t *oauth, size_t *bad)
{
    struct rac_arena a;
    struct rac_connector c = {0};
    struct rac_json root;
    struct rac_json_error where;
    rac_arena_init(&a, 64 << 20);
    rac_arena_init(&c.arena, 16 << 20);
    rac_str path = rac_arena_printf(&a, "%s/%s/apiProperties.json", dir, name);
    rac_str text = read_file(path.p, &a);
    if (text.n > 0 && rac_json_parse_lenient(text, &a, &root, NULL, &where) == RAC_OK) {
        assert_int_equal(rac_conn_sets_parse(RAC_JSON_GET(&root, "properties"), &c, NULL), RAC_OK);
        for (size_t i = 0; i < c.sets_n; i++) {
            const struct rac_conn_param *p = rac_conn_param_oauth(&c.sets[i]);
            struct rac_connection *conn = NULL;
            struct rac_json in = rac_json_new_object(&a), v = values_for(&c.sets[i], &a);
            RAC_JSON_PUT_STR(&a, &in, "set", c.sets[i].name.p ? c.sets[i].name : RAC_S(""));
            RAC_JSON_PUT(&a, &in, "values", v);
            if (rac_connection_make(&c, &in, 0, 0, &a, &conn, NULL) != RAC_OK)
                fail_msg("%s: no connection with set %zu", name, i);
            if (p == NULL)
                continue;
            const char *why = try_param(conn, p, &a);
            ++*oauth;
            if (why != NULL) {
                ++*bad;
                print_message("%s: %s\n", name, why);
            }
        }
    }
    rac_arena_fini(&c.arena);
    rac_arena_fini(&a);
}

static void test_corpus(void **state)
{
    (void)state;
    const char *root = getenv("RACCORD_CORPUS");
    char dir[4096];
    size_t oauth = 0, bad = 0;
    snprintf(dir, sizeof dir, "%s/connectors", root != NULL ? root : "../shared/corpus");
    DIR *d = opendir(dir);
    if (d == NULL) {
        print_message("corpus connectors is not at hand (RACCORD_CORPUS): its OAuth settings were "
                      "not tried\n");
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            try_folder(dir, e->d_name, &oauth, &bad);
    closedir(d);
    print_message("%zu OAuth parameters, %zu that cannot be used\n", oauth, bad);
    assert_true(oauth > 100);
    assert_true(bad * 100 <= oauth); /* at most one in a hundred: a definition's own fault */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
