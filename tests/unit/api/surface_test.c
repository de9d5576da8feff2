/* The way of a request through the room: entrances, routes, tokens, the door, bodies, tags, errors,
 * limits, kept answers, and what an adapter adds. */
#include "rig.h"

#include "api/flow_target.h"
#include "api/native.h"
#include "api/ops/access.h"
#include "api/rate.h"

static const char *const small[] = {
    "connector.definition_bytes_max=65536", "connector.icon_bytes_max=1024",
    "connector.script_bytes_max=1024", "http.body_bytes_max=65536", NULL};

static void check_error(const struct reply *p, int status, const char *code)
{
    if (p->status != status || !rac_str_eq(at(p, "/error/code"), rac_str_of(code)))
        fail_msg("got %d %.*s, want %d %s", p->status, RAC_FMT(p->body), status, code);
    assert_true(at(p, "/error/message").n > 10);
    assert_str(at(p, "/error/source"), "raccord");
    assert_int_equal(at(p, "/error/clientRequestId").n, 36);
    assert_str(rac_headers_get(&p->headers, RAC_S("Content-Type")),
               "application/json; charset=utf-8");
    assert_str(rac_headers_get(&p->headers, RAC_S("x-ms-error-source")), "raccord");
}

static void entrances_and_routes(void **state)
{
    struct rig r;
    struct reply p;
    (void)state;
    rig_open(&r, NULL);
    static const char *const nowhere[] = {
        "/",
        "/api/v1",
        "/api/v1x/me",
        "//api/v1/me",
        "/API/v1/me",
        "/apimx/a/b",
        "/readyz/x",
        "/oauth/redirectx",
        "/api/v1/nothing",
        "/api/v1/me/",
        "/api/v1//me",
        "/api/v1/x:bad",
        "/api/v1/connectors/x/definition/y",
    };
    for (size_t i = 0; i < RAC_COUNT(nowhere); i++) {
        p = rig_ask(&r, "GET", nowhere[i], r.admin, NULL, NULL);
        if (p.status != 404)
            fail_msg("%s: %d", nowhere[i], p.status);
        check_error(&p, 404, "NotFound");
    }
    p = rig_ask(&r, "DELETE", "/api/v1/connectors", r.admin, NULL, NULL);
    check_error(&p, 405, "MethodNotAllowed");
    assert_str(rac_headers_get(&p.headers, RAC_S("Allow")), "GET, POST");
    p = rig_ask(&r, "POST", "/readyz", r.admin, NULL, NULL);
    check_error(&p, 405, "MethodNotAllowed");
    p = rig_ask(&r, "HEAD", "/api/v1/me", r.admin, NULL, NULL);
    assert_int_equal(p.status, 200);
    assert_int_equal(p.body.n, 0);
    p = rig_ask(&r, "GET", "/api/v1/users/%61dmin", r.admin, NULL, NULL);
    assert_str(at(&p, "/name"), "admin");
    p = rig_ask(&r, "GET", "/api/v1/users/%zz", r.admin, NULL, NULL);
    check_error(&p, 400, "InvalidRequestContent");
    p = rig_ask(&r, "GET", "/api/v1/users/a%00b", r.admin, NULL, NULL);
    check_error(&p, 400, "InvalidRequestContent");
    p = rig_ask(&r, "GET", "/api/v1/users/%ff", r.admin, NULL, NULL);
    check_error(&p, 400, "InvalidRequestContent");
    rig_close(&r);
}

static void tokens(void **state)
{
    struct rig r;
    struct reply p;
    (void)state;
    rig_open(&r, NULL);
    size_t open = 0;
    for (size_t i = 0; i < RAC_ASKS_N; i++) { /* every row, without a token and with a wrong one */
        const struct rac_ask_row *row = &rac_ask_table[i];
        rac_str path = printed(&r, "/api/v1%s", row->path);
        path = rac_str_replace(&r.a, rac_str_replace(&r.a, path, RAC_S("{"), RAC_S("")), RAC_S("}"),
                               RAC_S(""));
        path = rac_arena_str(&r.a, path);
        p = rig_ask(&r, row->method, path.p, RAC_STR_NULL, NULL, NULL);
        if (row->action == RAC_MAY_ANYONE) {
            open++;
            continue;
        }
        check_error(&p, 401, "MissingAuthorization");
        assert_str(rac_headers_get(&p.headers, RAC_S("WWW-Authenticate")), "Bearer");
        p = rig_ask(&r, row->method, path.p, RAC_S("rac_0123456789abcdef_nonsense"), NULL, NULL);
        check_error(&p, 401, "InvalidAuthenticationToken");
    }
    assert_int_equal(open, 2); /* the two descriptions, and nothing else */
    static const char *const schemes[] = {"Authorization: Basic YTpi", "Authorization: Bearer",
                                          "Authorization: Bearer  ", "Authorization: x"};
    for (size_t i = 0; i < RAC_COUNT(schemes); i++) {
        p = rig_ask(&r, "GET", "/api/v1/me", RAC_STR_NULL, NULL, schemes[i]);
        check_error(&p, 401, "InvalidAuthenticationToken");
    }
    p = rig_ask(&r, "GET", "/api/v1/me", RAC_STR_NULL, NULL,
                printed(&r, "Authorization: bEARER   %.*s", RAC_FMT(r.admin)).p);
    assert_int_equal(p.status, 200);
    /* a token ends when its time has come, on the fake clock */
    p = rig_expect(&r, 201, "POST", "/api/v1/tokens", "{\"expires\":\"PT1H\"}");
    rac_str brief = at(&p, "/token");
    assert_int_equal(rig_ask(&r, "GET", "/api/v1/me", brief, NULL, NULL).status, 200);
    r.clock.wall_ms += 3600 * 1000;
    p = rig_ask(&r, "GET", "/api/v1/me", brief, NULL, NULL);
    check_error(&p, 401, "InvalidAuthenticationToken");
    rig_close(&r);
}

/* What each role gets at the door, by what the row asks for, written down here: R reader, M maker,
 * C certifier, A administrator, O operator. */
static const struct {
    const char *permission, *roles;
} door[] = {
    {"connector.list", "RMCA"}, {"connector.read", "RMCA"}, {"connector.create", "MA"},
    {"connector.edit", "MA"},   {"connector.delete", "MA"}, {"connector.share.view", "MA"},
    {"connection.list", "RMA"}, {"connection.read", "RMA"}, {"connection.create", "MA"},
    {"connection.use", "MA"},   {"connection.edit", "MA"},  {"connection.delete", "MA"},
    {"group.list", "RMCAO"},    {"group.read", "RMCAO"},    {"group.edit", "A"},
    {"user.list", "A"},         {"user.read", "RMCAO"},     {"user.edit", "A"},
    {"token.list", "RMCAO"},    {"token.create", "RMCAO"},  {"token.revoke", "RMCAO"},
    {"audit.read", "A"},        {"tenant.list", "O"},       {"tenant.edit", "O"},
    {"signed-in", "RMCAO-"},    {"workflow.list", "RMA"},   {"workflow.read", "RMA"},
    {"workflow.create", "MA"},  {"workflow.edit", "MA"},    {"workflow.run", "MA"},
    {"anyone", "RMCAO-"},       {"artifact.list", "RMA"},   {"artifact.read", "RMA"},
    {"artifact.create", "MA"},  {"artifact.edit", "MA"},
};

static void the_door(void **state)
{
    static const char *const roles[] = {"reader",        "maker",    "certifier",
                                        "administrator", "operator", ""};
    struct rig r;
    (void)state;
    for (size_t n = 0; n < RAC_ASKS_N; n++) {
        rac_str wants = rac_ask_action_name(rac_ask_table[n].action);
        size_t i = 0;
        while (i < RAC_COUNT(door) && !rac_str_eq(wants, rac_str_of(door[i].permission)))
            i++;
        if (i == RAC_COUNT(door))
            fail_msg("%s asks for %.*s, which this test does not know", rac_ask_table[n].id,
                     RAC_FMT(wants));
    }
    rig_open(&r, NULL);
    for (size_t k = 0; k < RAC_COUNT(roles); k++) {
        rac_str token = rig_user(&r, printed(&r, "user-%s", roles[k]).p, roles[k]);
        char letter = roles[k][0] ? (char)(roles[k][0] - 'a' + 'A') : '-';
        for (size_t i = 0; i < RAC_COUNT(door); i++)
            for (size_t n = 0; n < RAC_ASKS_N; n++) {
                const struct rac_ask_row *row = &rac_ask_table[n];
                if (!rac_str_eq(rac_ask_action_name(row->action), rac_str_of(door[i].permission)))
                    continue;
                rac_str path = printed(&r, "/api/v1%s", row->path);
                path = rac_str_replace(&r.a, path, RAC_S("{"), RAC_S("no-such-"));
                path = rac_arena_str(&r.a, rac_str_replace(&r.a, path, RAC_S("}"), RAC_S("")));
                struct reply p = rig_ask(&r, row->method, path.p, token, NULL, NULL);
                bool at_door = p.status == 403 && rac_str_starts(at(&p, "/error/message"),
                                                                 RAC_S("None of your roles"));
                bool wanted = strchr(door[i].roles, letter) == NULL;
                if (at_door != wanted)
                    fail_msg("%s as %s: %d %.*s", row->id, roles[k], p.status, RAC_FMT(p.body));
            }
    }
    /* who was turned away is in the audit trail */
    rig_expect(&r, 200, "PUT", "/api/v1/groups/behind-it", "{}");
    struct reply p = rig_expect(&r, 200, "GET", "/api/v1/audit?$top=2", NULL);
    assert_str(at(&p, "/value/1/action"), "denied");
    assert_true(at(&p, "/value/1/detail").n > 0);
    rig_close(&r);
}

static void tags(void **state)
{
    struct rig r;
    struct reply p;
    (void)state;
    rig_open(&r, NULL);
    rac_str id = rig_connector(&r, r.admin, "Tags");
    const char *path = printed(&r, "/api/v1/connectors/%.*s", RAC_FMT(id)).p;
    p = rig_expect(&r, 200, "GET", path, NULL);
    rac_str tag = at(&p, "/etag");
    assert_str(rac_headers_get(&p.headers, RAC_S("ETag")), rac_arena_cstr(&r.a, tag));
    static const char *const wrong[] = {"\"999\"", "W/\"1\"", "1", "x", "\"\"", "\"1"};
    for (size_t i = 0; i < RAC_COUNT(wrong); i++) {
        p = rig_ask(&r, "PATCH", path, r.admin, "{\"displayName\":\"n\"}",
                    printed(&r, "If-Match: %s", wrong[i]).p);
        check_error(&p, 412, "PreconditionFailed");
    }
    p = rig_ask(&r, "PATCH", path, r.admin, "{\"displayName\":\"n\"}",
                printed(&r, "If-Match: %.*s", RAC_FMT(tag)).p);
    assert_int_equal(p.status, 200);
    assert_false(rac_str_eq(at(&p, "/etag"), tag));
    p = rig_ask(&r, "PATCH", path, r.admin, "{\"displayName\":\"m\"}",
                printed(&r, "If-Match: %.*s", RAC_FMT(tag)).p);
    check_error(&p, 412, "PreconditionFailed");
    p = rig_ask(&r, "PATCH", path, r.admin, "{\"displayName\":\"m\"}", "If-Match: *");
    assert_int_equal(p.status, 200);
    p = rig_ask(&r, "DELETE", path, r.admin, NULL, "If-Match: \"1\"");
    check_error(&p, 412, "PreconditionFailed");
    p = rig_ask(&r, "PUT", "/api/v1/groups/dock", r.admin, "{}", "If-Match: *");
    check_error(&p, 412, "PreconditionFailed"); /* there is none to match */
    rig_close(&r);
}

static void bodies_and_limits(void **state)
{
    struct rig r;
    struct reply p;
    (void)state;
    rig_open(&r, small);
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, "{\"name\":", NULL);
    check_error(&p, 400, "InvalidRequestContent");
    assert_true(rac_str_find(at(&p, "/error/message"), RAC_S("line 1, column 9")) != RAC_STR_NPOS);
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, "{\"name\":\"a\",\"name\":\"b\"}", NULL);
    check_error(&p, 400, "InvalidRequestContent");
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, "{\"name\":\"a\",\"surprise\":1}", NULL);
    check_error(&p, 400, "InvalidRequestContent");
    assert_str(at(&p, "/error/details/0/pointer"), "/surprise");
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, "[]", NULL);
    check_error(&p, 400, "InvalidRequestContent");
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, NULL, NULL);
    check_error(&p, 400, "InvalidRequestContent");
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, "{\"name\":\"\xff\"}", NULL);
    check_error(&p, 400, "InvalidRequestContent");
    /* depth */
    char deep[4096] = "{\"name\":";
    memset(deep + 8, '[', sizeof deep - 9);
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, deep, NULL);
    check_error(&p, 400, "InvalidRequestContent");
    /* size: of the management API, and of payloads */
    size_t most = 2 * (65536 + 1024 + 1024) + RAC_ASK_BODY_SLACK;
    char *big = rac_arena_alloc(&r.a, most + 2);
    memset(big, ' ', most + 1);
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, big, NULL);
    check_error(&p, 413, "RequestTooLarge");
    big[most] = 0;
    p = rig_ask(&r, "POST", "/api/v1/users", r.admin, big, NULL);
    check_error(&p, 400, "InvalidRequestContent"); /* white space is no document */
    big[65536 + 1] = 0;
    p = rig_ask(&r, "POST", "/api/v1/connections/x:invoke", r.admin, big, NULL);
    check_error(&p, 413, "RequestTooLarge");
    /* query */
    rac_str query = RAC_S("/api/v1/users?");
    for (int i = 0; i < 32; i++)
        query = rac_str_concat(&r.a, query, RAC_S("a=b&"));
    query = rac_str_sub(query, 0, query.n - 1);
    assert_int_equal(rig_ask(&r, "GET", rac_arena_cstr(&r.a, query), r.admin, NULL, NULL).status,
                     200);
    query = rac_str_concat(&r.a, query, RAC_S("&c=d"));
    p = rig_ask(&r, "GET", rac_arena_cstr(&r.a, query), r.admin, NULL, NULL);
    check_error(&p, 400, "InvalidRequestContent");
    static const char *const pages[] = {"$top=0", "$top=-1", "$top=x", "$skiptoken=%21%21"};
    for (size_t i = 0; i < RAC_COUNT(pages); i++) {
        p = rig_ask(&r, "GET", printed(&r, "/api/v1/users?%s", pages[i]).p, r.admin, NULL, NULL);
        check_error(&p, 400, "InvalidInput");
    }
    p = rig_expect(&r, 200, "GET", "/api/v1/users?$top=1000", NULL);
    /* one too many at a time */
    r.w->requests_max = 0;
    p = rig_ask(&r, "GET", "/api/v1/me", r.admin, NULL, NULL);
    check_error(&p, 503, "ServerBusy");
    assert_str(rac_headers_get(&p.headers, RAC_S("Retry-After")), "1");
    assert_int_equal(rig_ask(&r, "GET", "/healthz", RAC_STR_NULL, NULL, NULL).status, 200);
    rig_close(&r);
}

static void kept_answers(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, NULL);
    rac_str id = rig_connector(&r, r.admin, "Kept"), maker = rig_user(&r, "mia", "maker");
    const char *path = printed(&r, "/api/v1/connectors/%.*s", RAC_FMT(id)).p;
    struct reply first = rig_expect(&r, 200, "GET", path, NULL);
    struct reply again = rig_expect(&r, 200, "GET", path, NULL);
    assert_str(again.body, rac_arena_cstr(&r.a, first.body));
    assert_true(rac_headers_get(&again.headers, RAC_S("ETag")).n > 0);
    /* another caller never gets it, whatever is kept */
    assert_int_equal(rig_ask(&r, "GET", path, maker, NULL, NULL).status, 404);
    assert_int_equal(rig_ask(&r, "GET", path, RAC_STR_NULL, NULL, NULL).status, 401);
    assert_int_equal(rig_ask(&r, "HEAD", path, r.admin, NULL, NULL).body.n, 0);
    /* any change anywhere makes it stale: of the thing, of who may see it, of names in it */
    rig_expect(&r, 200, "PATCH", path, "{\"displayName\":\"Changed\"}");
    again = rig_expect(&r, 200, "GET", path, NULL);
    assert_str(at(&again, "/displayName"), "Changed");
    rig_expect(&r, 200, "PUT", printed(&r, "%s/permissions", path).p,
               "{\"value\":[{\"principal\":\"mia\",\"level\":\"view\"}]}");
    assert_int_equal(rig_ask(&r, "GET", path, maker, NULL, NULL).status, 200);
    struct reply none =
        rig_expect(&r, 400, "PUT", printed(&r, "%s/permissions", path).p,
                   "{\"value\":[{\"principal\":\"a\\u0000b\",\"level\":\"view\"}]}");
    if (!rac_str_eq(at(&none, "/error/message"), RAC_S("There is no user a\0b.")))
        fail_msg("%.*s", RAC_FMT(none.body));
    rig_expect(&r, 200, "PUT", printed(&r, "%s/permissions", path).p, "{\"value\":[]}");
    assert_int_equal(rig_ask(&r, "GET", path, maker, NULL, NULL).status, 404);
    rig_expect(&r, 200, "PATCH", "/api/v1/users/mia", "{\"disabled\":true}");
    assert_int_equal(rig_ask(&r, "GET", path, maker, NULL, NULL).status, 401);
    rig_close(&r);
}

/* --- another surface over the same operations -------------------------------------------------- */

static bool has_version(struct rac_ask *q)
{
    if (rac_ask_query(q, RAC_S("api-version")).p != NULL)
        return true;
    rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "The api-version is missing from the query.");
    return false;
}

static bool user_in(struct rac_ask *q)
{
    if (q->json.type != RAC_JSON_OBJECT) { /* paths with a group first */
        q->args[0] = q->args[1];
        return true;
    }
    const struct rac_json *inner = RAC_JSON_GET(&q->json, "properties");
    if (inner != NULL)
        q->json = *inner;
    RAC_JSON_PUT_STR(q->a, &q->json, "name", q->args[1]);
    return true;
}

static void user_out(struct rac_ask *q)
{
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT(q->a, &o, "properties", q->out);
    RAC_JSON_PUT_STR(q->a, &o, "type", RAC_S("Extra/users"));
    rac_ask_header(q, RAC_S("x-extra"), RAC_S("yes"));
    q->out = o;
    q->status = 200;
}

static struct rac_json extra_error(struct rac_ask *q)
{
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "wrong", q->error_code);
    return o;
}

static const struct rac_surface_route extra_routes[] = {
    {"GET", "/Extra/groups/{group}/Users/{user}", RAC_ASK_GetUser, user_in, user_out, NULL},
    {"PUT", "/Extra/groups/{group}/Users/{user}", RAC_ASK_CreateUser, user_in, user_out, NULL},
};
static const struct rac_surface_def extra = {
    .router_flags = RAC_ROUTER_ANY_CASE,
    .routes = extra_routes,
    .routes_n = RAC_COUNT(extra_routes),
    .enter = has_version,
    .error = extra_error,
    .nothing_here = "There is nothing of that kind here.",
};

static void an_adapter(void **state)
{
    struct rig r;
    struct reply p;
    (void)state;
    rig_open(&r, NULL);
    r.extra = rac_surface_new(r.w, &extra);
    p = rig_ask(&r, "PUT", "/EXTRA/Groups/g/users/eva?api-version=1", r.admin,
                "{\"properties\":{\"grants\":[{\"role\":\"maker\"}]}}", NULL);
    assert_int_equal(p.status, 200);
    assert_str(at(&p, "/properties/name"), "eva");
    assert_str(at(&p, "/type"), "Extra/users");
    assert_str(rac_headers_get(&p.headers, RAC_S("x-extra")), "yes");
    p = rig_ask(&r, "GET", "/extra/groups/g/users/eva?api-version=1", r.admin, NULL, NULL);
    assert_str(at(&p, "/properties/grants/0/role"), "maker");
    /* its own errors, whoever finds them: entrance, token, schema, operation */
    p = rig_ask(&r, "GET", "/extra/groups/g/users/eva", RAC_STR_NULL, NULL, NULL);
    assert_int_equal(p.status, 400);
    assert_str(at(&p, "/wrong"), "InvalidInput");
    p = rig_ask(&r, "GET", "/extra/groups/g/users/eva?api-version=1", RAC_STR_NULL, NULL, NULL);
    assert_int_equal(p.status, 401);
    assert_str(at(&p, "/wrong"), "MissingAuthorization");
    p = rig_ask(&r, "PUT", "/extra/groups/g/users/eva?api-version=1", r.admin, "{\"x\":1}", NULL);
    assert_int_equal(p.status, 400);
    assert_str(at(&p, "/wrong"), "InvalidRequestContent");
    p = rig_ask(&r, "PUT", "/extra/groups/g/users/eva?api-version=1", r.admin, "{}", NULL);
    assert_int_equal(p.status, 409);
    rac_str reader = rig_user(&r, "rae", "reader");
    p = rig_ask(&r, "PUT", "/extra/groups/g/users/x?api-version=1", reader, "{}", NULL);
    assert_int_equal(p.status, 403);
    p = rig_ask(&r, "DELETE", "/extra/groups/g/users/eva?api-version=1", r.admin, NULL, NULL);
    check_error(&p, 405, "MethodNotAllowed");
    p = rig_ask(&r, "GET", "/extra/other", r.admin, NULL, NULL);
    check_error(&p, 404, "NotFound");
    rig_close(&r);
}

/* --- teams ------------------------------------------------------------------------------------- */

struct writing {
    bool done;
    rac_err err;
};

static void written(void *arg, const struct rac_commit *c)
{
    struct writing *w = arg;
    w->err = c->err;
    w->done = true;
}

/* A workflow acts with what is shared with its author's teams, and with their roles. */
static void teams_of_an_author(void **state)
{
    (void)state;
    struct rig r;
    struct writing w = {.done = false};
    struct rac_principal who;
    rig_open(&r, small);
    (void)rig_user(&r, "eva", "");
    struct reply p = rig_expect(&r, 200, "GET", "/api/v1/users/eva", NULL);
    const struct rac_iam_store *is = r.w->is;
    const struct rac_role_grant grant = {.roles = RAC_ROLE_MAKER};
    const struct rac_actor actor = {.user = RAC_DEFAULT_ID, .at_ms = 3000};
    const struct rac_user_save team = {.create = true,
                                       .id = RAC_S("team-1"),
                                       .name = RAC_S("pilots"),
                                       .kind = RAC_USER_TEAM,
                                       .disabled = -1,
                                       .grants = &grant,
                                       .grants_n = 1,
                                       .actor = actor};
    is->user_save(is->self, RAC_DEFAULT_ID, &team, written, &w);
    assert_true(rac_loop_run_until(r.loop, &w.done));
    assert_int_equal(w.err, RAC_OK);
    w.done = false;
    is->member_save(is->self, RAC_DEFAULT_ID, team.id, at(&p, "/id"), true, &actor, written, &w);
    assert_true(rac_loop_run_until(r.loop, &w.done));
    assert_int_equal(w.err, RAC_OK);
    struct rac_flow f = {.tenant = RAC_DEFAULT_ID, .author = at(&p, "/id")};
    assert_int_equal(rac_flow_author_principal(r.w, &f, &r.a, &who), RAC_OK);
    assert_int_equal(who.grantees_n, 2);
    assert_true(rac_str_eq(who.grantees[1], team.id));
    assert_int_equal(who.grants_n, 1);
    assert_int_equal(who.grants[0].roles, RAC_ROLE_MAKER);
    /* no more than the token had that it was saved with */
    f.only_group = RAC_S("g-1");
    assert_int_equal(rac_flow_author_principal(r.w, &f, &r.a, &who), RAC_OK);
    assert_int_equal(who.grants_n, 1);
    assert_true(rac_str_eq(who.grants[0].group, RAC_S("g-1")));
    assert_true(rac_str_eq(who.only_group, RAC_S("g-1")));
    f.only_roles = RAC_ROLE_READER;
    assert_int_equal(rac_flow_author_principal(r.w, &f, &r.a, &who), RAC_OK);
    assert_int_equal(who.grants_n, 0);
    rig_close(&r);
}

/* --- the rate ---------------------------------------------------------------------------------- */

static void rate(void **state)
{
    (void)state;
    int64_t after = 0;
    assert_null(rac_rate_new(0, 5));
    assert_true(rac_rate_take(NULL, RAC_S("t"), RAC_S("c"), 0, &after));
    struct rac_rate *x = rac_rate_new(60, 3); /* one a second, three at once */
    for (int i = 0; i < 3; i++)
        assert_true(rac_rate_take(x, RAC_S("t"), RAC_S("c"), 1000, &after));
    assert_false(rac_rate_take(x, RAC_S("t"), RAC_S("c"), 1000, &after));
    assert_in_range(after, 990, 1001);
    assert_true(rac_rate_take(x, RAC_S("t"), RAC_S("d"), 1000, &after)); /* each its own */
    assert_true(rac_rate_take(x, RAC_S("u"), RAC_S("c"), 1000, &after));
    assert_false(rac_rate_take(x, RAC_S("t"), RAC_S("c"), 1500, &after));
    assert_true(rac_rate_take(x, RAC_S("t"), RAC_S("c"), 2001, &after));
    assert_false(rac_rate_take(x, RAC_S("t"), RAC_S("c"), 1000, &after)); /* the clock went back */
    for (int i = 0; i < 3; i++)
        assert_true(rac_rate_take(x, RAC_S("t"), RAC_S("c"), 900000000, &after));
    assert_false(rac_rate_take(x, RAC_S("t"), RAC_S("c"), 900000000, &after));
    rac_rate_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entrances_and_routes),
        cmocka_unit_test(tokens),
        cmocka_unit_test(the_door),
        cmocka_unit_test(tags),
        cmocka_unit_test(bodies_and_limits),
        cmocka_unit_test(kept_answers),
        cmocka_unit_test(an_adapter),
        cmocka_unit_test(teams_of_an_author),
        cmocka_unit_test(rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
