/*
 * store_bench DIR - the store on the disk of DIR (a new directory): writes a second one at a time
 * and 32 in flight, look-ups, authentications, opening. One JSON object on stdout.
 */
#include "base/mem.h"
#include "base/str.h"
#include "iam/iam.h"
#include "store/store.h"

#include <sqlite3.h>

static const struct rac_env *const env = &rac_env_system;

static double seconds(rac_ns from)
{
    return (double)(rac_env_mono_ns(env) - from) / 1e9;
}

static void done(void *arg, const struct rac_commit *c)
{
    RAC_ASSERT(c->err == RAC_OK);
    ++*(int *)arg;
}

/* Audit rows: one row and one index each, like an event of a run. */
static double writes(struct rac_store_session *ses, int total, int window)
{
    const struct rac_iam_store *i = rac_store_iam(ses);
    int sent = 0, got = 0;
    rac_ns from = rac_env_mono_ns(env);
    while (got < total) {
        while (sent < total && sent - got < window) {
            i->audit_add(i->self, RAC_DEFAULT_ID, RAC_S("bench.event"), RAC_S("run"),
                         RAC_S("r-0001"), 0, NULL, done, &got);
            sent++;
        }
        rac_store_session_wait(ses);
    }
    return total / seconds(from);
}

static void fill(struct rac_store_session *ses, int connectors)
{
    const struct rac_connector_store *c = rac_store_connectors(ses);
    static char text[60000];
    int got = 0;
    memset(text, ' ', sizeof text);
    for (int i = 0; i < connectors; i++) {
        char id[64];
        snprintf(id, sizeof id, "shared_bench-%016x", (unsigned)i);
        memcpy(text, id, strlen(id));
        const struct rac_file f = {
            .kind = RAC_FILE_DEFINITION, .name = RAC_S("d.json"), .bytes = {text, sizeof text}};
        const struct rac_connector_save r = {.create = true,
                                             .id = rac_str_of(id),
                                             .group = RAC_DEFAULT_ID,
                                             .display_name = rac_str_of(id),
                                             .files = &f,
                                             .files_n = 1};
        c->connector_save(c->self, RAC_DEFAULT_ID, &r, done, &got);
    }
    while (rac_store_session_wait(ses))
        ;
    RAC_ASSERT(got == connectors);
}

/* among: how many different ones; few are found in the session's cache */
static double lookups(struct rac_store_session *ses, int total, unsigned among)
{
    const struct rac_connector_store *c = rac_store_connectors(ses);
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    rac_ns from = rac_env_mono_ns(env);
    for (int i = 0; i < total; i++) {
        struct rac_connector_row row;
        char id[64];
        snprintf(id, sizeof id, "shared_bench-%016x", (unsigned)i % among);
        RAC_ASSERT(c->connector_get(c->self, RAC_DEFAULT_ID, rac_str_of(id), &a, &row) == RAC_OK);
        rac_arena_reset(&a);
    }
    double s = seconds(from);
    rac_arena_fini(&a);
    return s * 1e9 / total;
}

static double authentications(struct rac_store_session *ses, int total)
{
    const struct rac_iam_store *i = rac_store_iam(ses);
    struct rac_iam *iam = rac_iam_new(i, env);
    struct rac_token_text t;
    int got = 0;
    rac_token_new(env, &t);
    struct rac_token_save r = {.id = rac_str_of(t.id), .user = RAC_DEFAULT_ID};
    memcpy(r.digest, t.digest, sizeof r.digest);
    i->token_create(i->self, RAC_DEFAULT_ID, &r, done, &got);
    while (rac_store_session_wait(ses))
        ;
    const struct rac_principal *p;
    const struct rac_resource thing = {
        .tenant = RAC_DEFAULT_ID, .group = RAC_DEFAULT_ID, .owner = RAC_S("x")};
    rac_ns from = rac_env_mono_ns(env);
    for (int n = 0; n < total; n++) {
        RAC_ASSERT(rac_iam_authenticate(iam, rac_str_of(t.text), &p) == RAC_OK);
        RAC_ASSERT(rac_iam_may(p, RAC_MAY_CONNECTOR_READ, &thing));
    }
    double s = seconds(from);
    rac_iam_free(iam);
    return s * 1e9 / total;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    struct rac_arena a;
    rac_arena_init(&a, 1 << 24);
    struct rac_store *store;
    struct rac_store_session *ses;
    rac_str why;
    const struct rac_store_options o = {.dir = rac_str_of(argv[1]), .env = env};
    rac_ns from = rac_env_mono_ns(env);
    if (rac_store_open(&o, &a, &store, &why) != RAC_OK) {
        fprintf(stderr, "%.*s\n", RAC_FMT(why));
        return 1;
    }
    double create_ms = seconds(from) * 1e3;
    RAC_ASSERT(rac_store_session_new(store, NULL, &ses) == RAC_OK);
    double single[5], group[5];
    for (int i = 0; i < 5; i++) { /* in turn: the disk's mood is the same for both */
        single[i] = writes(ses, 300, 1);
        group[i] = writes(ses, 10000, 32);
    }
    fill(ses, 597);
    double get_ns = lookups(ses, 200000, 597), again_ns = lookups(ses, 1000000, 1),
           auth_ns = authentications(ses, 1000000);
    rac_store_session_free(ses);
    rac_store_close(store);
    from = rac_env_mono_ns(env);
    RAC_ASSERT(rac_store_open(&o, &a, &store, &why) == RAC_OK);
    RAC_ASSERT(rac_store_session_new(store, NULL, &ses) == RAC_OK);
    double open_ms = seconds(from) * 1e3;
    rac_store_session_free(ses);
    rac_store_close(store);
    printf("{\"create_ms\": %.1f, \"open_ms\": %.1f, \"get_ns\": %.0f, \"get_again_ns\": %.0f, "
           "\"authenticate_ns\": %.0f, "
           "\"pairs\": [",
           create_ms, open_ms, get_ns, again_ns, auth_ns);
    for (int i = 0; i < 5; i++)
        printf("%s[%.0f, %.0f]", i ? ", " : "", single[i], group[i]);
    printf("]}\n");
    rac_arena_fini(&a);
    return 0;
}
