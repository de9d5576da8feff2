#include "api/flow_document.h"
#include "api/flow_target.h"
#include "api/ops/access.h"
#include "api/ops/workflow_shape.h"
#include "api/runner.h"
#include "api/scheduling.h"
#include "api/service.h"
#include "base/secret.h"
#include "connector/store.h"
#include "loop/pool.h"
#include "openapi/read.h"
#include "workflow/check/check.h"

/*
 * The one way a workflow is created or gets a new version: any document of §1.2 is reduced to the
 * stored form, checked with the connectors it calls at hand, saved, compiled, answered.
 *
 *   read (pool) -> connectors it names, compiled (loop) -> check (pool) -> store -> compile -> answer
 */

enum { USES_MAX = 256, NAME_MAX_BYTES = 80, FINDINGS_MAX = 200, DETAILS_MAX = 20, TRIES_MAX = 20 };

struct saving {
    struct rac_ask *q;
    bool create, only_check, patch;
    struct rac_flow_row row; /* of an update */
    rac_str group, name;     /* of a create */
    rac_str document;        /* bytes to read */
    struct rac_flow_document doc;
    struct rac_diags findings;
    rac_err err;
    struct rac_flow_use uses[USES_MAX];
    rac_str apis[USES_MAX]; /* as the document writes them, beside uses */
    bool remote[USES_MAX];  /* another host answers where no connector is here (§6.2) */
    struct rac_connector *connectors[USES_MAX];
    size_t uses_n, next;
    rac_str id;
    rac_ms now_ms;
    uint32_t actions_max;
};

/* --- refusing --------------------------------------------------------------------------------- */

/* The first error is the answer, up to 20 further ones are its details (§1.6). */
static void refuse(struct saving *s)
{
    struct rac_ask *q = s->q;
    const struct rac_diag *first = NULL;
    struct rac_json details = rac_json_new_array(q->a);
    for (size_t i = 0; i < s->findings.n; i++) {
        const struct rac_diag *d = &s->findings.v[i];
        if (d->severity != RAC_SEV_ERROR)
            continue;
        if (first == NULL)
            first = d;
        if (rac_json_len(&details) < DETAILS_MAX + 1)
            rac_json_add(q->a, &details, rac_ask_finding(q->a, d));
    }
    if (first == NULL) {
        rac_ask_fail(q, s->err == RAC_E_LIMIT ? RAC_FAULT_TOO_LARGE : RAC_FAULT_BAD_REQUEST,
                     "The workflow cannot be read.");
        return;
    }
    q->details = details;
    rac_ask_fail_code(q, 400, rac_str_of(first->code), "%.*s", RAC_FMT(first->message));
}

static struct rac_json warnings(struct saving *s)
{
    struct rac_json v = rac_json_new_array(s->q->a);
    for (size_t i = 0; i < s->findings.n; i++)
        if (s->findings.v[i].severity != RAC_SEV_ERROR)
            rac_json_add(s->q->a, &v, rac_ask_finding(s->q->a, &s->findings.v[i]));
    return v;
}

/* --- after the commit ------------------------------------------------------------------------- */

static void compiled(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    struct saving *s = arg;
    struct rac_ask *q = s->q;
    struct rac_flow_row row;
    (void)f;
    if (err != RAC_OK && err != RAC_E_BUSY)
        rac_log(RAC_WARN, "workflow.not_compiled", RAC_F_STR("id", s->id), RAC_F_STR("why", why));
    const struct rac_flow_store *fs = q->w->fs;
    rac_err e = fs->flow_get(fs->self, q->who->tenant, s->id, RAC_FLOW_WHOLE, q->a, &row);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "workflow");
        return;
    }
    rac_scheduling_look(q->w);
    struct rac_json o = rac_shape_workflow(q, &row, true), found = warnings(s);
    if (q->ids == RAC_IDS_NATIVE && rac_json_len(&found) > 0)
        RAC_JSON_PUT(q->a, &o, "findings", found);
    q->etag = rac_etag(q->a, row.version);
    q->status = s->create ? 201 : 200;
    if (s->create && q->ids == RAC_IDS_NATIVE)
        q->location = rac_arena_printf(q->a, "%.*s/api/v1/workflows/%.*s", RAC_FMT(q->base_url),
                                       RAC_FMT(s->id));
    rac_ask_answer(q, o);
}

/* What a save was completed with (secrets, members a PATCH leaves alone) must still stand when it is
 * stored. Where it does not and the caller set no condition, all of it is done again. */
static bool begin_again(struct saving *s, const struct rac_commit *c)
{
    struct rac_ask *q = s->q;
    unsigned *tries = q->state;
    if (c->err != RAC_E_CONFLICT || s->create || rac_etag_version(q->if_match) != 0)
        return false;
    if (tries == NULL)
        q->state = tries = RAC_NEW(q->a, unsigned);
    if (++*tries == TRIES_MAX)
        return false;
    q->row->fn(q);
    return true;
}

static void saved(void *arg, const struct rac_commit *c)
{
    struct saving *s = arg;
    if (begin_again(s, c))
        return;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(s->q, c, "workflow");
        return;
    }
    rac_log(RAC_INFO, s->create ? "workflow.created" : "workflow.updated", RAC_F_STR("id", s->id),
            RAC_F_STR("user", s->q->who->user_name));
    rac_flows_want(s->q->w->flows, s->id, compiled, s);
}

/* --- saving ----------------------------------------------------------------------------------- */

static rac_str new_key(struct rac_ask *q)
{
    char *key = rac_arena_alloc(q->a, 32);
    rac_env_random(q->w->env, key, 32);
    rac_secret_wipe_with(q->a, (rac_str){key, 32});
    return (rac_str){key, 32};
}

/* Versions are named by the time of their change; two of one millisecond must not meet. */
static rac_str new_revision(struct saving *s)
{
    char text[RAC_VERSION_NAME_TEXT];
    rac_ms at = s->now_ms, last;
    if (!s->create && rac_version_name_parse(s->row.revision, &last) && at <= last)
        at = last + 1;
    rac_version_name(at, text);
    return rac_arena_str(s->q->a, rac_str_of(text));
}

static void save(struct saving *s)
{
    struct rac_ask *q = s->q;
    struct rac_flow_save r = {.create = s->create,
                              .id = s->id,
                              .group = s->create ? s->group : RAC_STR_NULL,
                              .owner = s->create ? q->who->user : RAC_STR_NULL,
                              .name = s->create ? s->name : RAC_STR_NULL,
                              .revision = new_revision(s),
                              .document = rac_json_print_str(&s->doc.resource, 0, q->a),
                              .uses = s->uses,
                              .only_group = q->who->only_group,
                              .only_roles = q->who->only_roles,
                              .if_version = rac_etag_version(q->if_match),
                              .actor = rac_ask_actor(q)};
    if (r.if_version == 0 && !s->create)
        r.if_version = s->row.version;
    for (size_t i = 0; i < s->uses_n; i++)
        r.uses_n += s->uses[i].api.n > 0;
    r.secrets = rac_json_len(&s->doc.secrets) > 0 ? rac_json_print_str(&s->doc.secrets, 0, q->a)
                                                  : RAC_S("");
    rac_secret_wipe_with(q->a, r.secrets);
    if (rac_str_eqi(s->doc.state, RAC_S("Disabled")))
        r.state = RAC_S("Disabled");
    else if (s->create || rac_str_eqi(s->doc.state, RAC_S("Enabled")))
        r.state = RAC_S("Enabled");
    const struct rac_json *triggers = rac_json_geti(s->doc.workflow->definition, RAC_S("triggers"));
    rac_str *names = RAC_NEW_N(q->a, rac_str, rac_json_len(triggers) + 1);
    RAC_JSON_EACH_MEMBER(m, triggers)
    names[r.triggers_n++] = rac_json_key(m);
    r.attend = true;
    r.triggers = names;
    if (s->create) {
        r.key1 = new_key(q);
        r.key2 = new_key(q);
    }
    q->w->fs->flow_save(q->w->fs->self, q->who->tenant, &r, saved, s);
}

/* --- checking --------------------------------------------------------------------------------- */

static const struct rac_connector *catalogue_find(void *self, rac_str api)
{
    struct saving *s = self;
    for (size_t i = 0; i < s->uses_n; i++)
        if (rac_str_eqi(s->apis[i], api))
            return s->connectors[i];
    return NULL;
}

/* Pool. */
static void check(void *arg)
{
    struct saving *s = arg;
    struct rac_workflow_catalogue catalogue = {catalogue_find, s};
    struct rac_workflow_check_options o = {
        .catalogue = &catalogue, .actions_max = s->actions_max, .now = s->now_ms};
    struct rac_plan *plan;
    s->err = rac_workflow_check(s->doc.workflow, &o, s->q->a, &s->findings);
    if (s->err == RAC_OK)
        s->err = rac_plan_compile(s->doc.workflow, s->q->a, &plan, &s->findings);
}

static void release(struct saving *s)
{
    for (size_t i = 0; i < s->uses_n; i++)
        if (s->connectors[i] != NULL)
            rac_connector_unref(s->connectors[i]);
    memset(s->connectors, 0, sizeof s->connectors);
}

static struct rac_json validation(struct saving *s)
{
    struct rac_arena *a = s->q->a;
    struct rac_json o = rac_json_new_object(a);
    size_t actions = 0, triggers = 0;
    bool error = false, warning = false;
    for (size_t i = 0; i < s->findings.n; i++) {
        error |= s->findings.v[i].severity == RAC_SEV_ERROR;
        warning |= s->findings.v[i].severity == RAC_SEV_WARNING;
    }
    if (s->doc.workflow != NULL)
        rac_workflow_count(s->doc.workflow, &actions, &triggers);
    RAC_JSON_PUT_STR(a, &o, "status",
                     s->doc.workflow == NULL ? RAC_S("unreadable")
                     : error                 ? RAC_S("error")
                     : warning               ? RAC_S("warning")
                                             : RAC_S("ok"));
    RAC_JSON_PUT(a, &o, "operations", rac_json_of_int((int64_t)actions));
    RAC_JSON_PUT(a, &o, "triggers", rac_json_of_int((int64_t)triggers));
    RAC_JSON_PUT(a, &o, "findings", rac_ask_findings(a, &s->findings));
    return o;
}

static void checked(void *arg, rac_err err)
{
    struct saving *s = arg;
    release(s);
    if (err != RAC_OK)
        rac_ask_fail(s->q, RAC_FAULT_BUSY, "Too much work is waiting; try again in a moment.");
    else if (s->only_check && s->q->ids == RAC_IDS_NATIVE)
        rac_ask_answer(s->q, validation(s));
    else if (s->err != RAC_OK)
        refuse(s);
    else if (s->only_check)
        rac_ask_answer(s->q, rac_json_new_object(s->q->a));
    else
        save(s);
}

static void to_pool(struct saving *s, void (*work)(void *arg), void (*done)(void *arg, rac_err err))
{
    if (rac_pool_start(s->q->w->loop, work, done, s, NULL) == RAC_OK)
        return;
    release(s);
    rac_ask_fail(s->q, RAC_FAULT_BUSY, "Too much work is waiting; try again in a moment.");
}

/* --- the connectors it calls ------------------------------------------------------------------ */

static rac_str last_segment(rac_str path)
{
    size_t at = rac_str_rfind_char(path, '/');
    return at == RAC_STR_NPOS ? path : rac_str_from(path, at + 1);
}

static void add_use(struct saving *s, rac_str api, rac_str connection)
{
    api = last_segment(api);
    if (api.n == 0 || s->uses_n == USES_MAX)
        return;
    s->apis[s->uses_n] = api;
    s->uses[s->uses_n++].connection = connection.n > 0 ? last_segment(connection) : RAC_STR_NULL;
}

/* Every reference of §6.1 to §6.3 names its API and perhaps its connection. */
static void gather_uses(struct saving *s)
{
    const struct rac_workflow *w = s->doc.workflow;
    const struct rac_json *values =
        rac_json_geti(rac_json_geti(&w->parameters, RAC_S("$connections")), RAC_S("value"));
    RAC_JSON_EACH_MEMBER(m, values)
    add_use(s, rac_json_str(rac_json_geti(&m->value, RAC_S("id")), rac_json_key(m)),
            rac_json_str(rac_json_geti(&m->value, RAC_S("connectionId")), RAC_STR_NULL));
    RAC_JSON_EACH_MEMBER(m, &w->references)
    {
        const struct rac_json *api = rac_json_geti(&m->value, RAC_S("api"));
        rac_str id = rac_json_str(rac_json_geti(&m->value, RAC_S("id")), RAC_STR_NULL);
        if (id.n == 0)
            id = rac_json_str(rac_json_geti(api, RAC_S("id")), RAC_STR_NULL);
        if (id.n == 0)
            id = rac_json_str(rac_json_geti(api, RAC_S("name")), rac_json_key(m));
        add_use(s, id,
                rac_json_str(rac_json_geti(&m->value, RAC_S("connectionName")), RAC_STR_NULL));
    }
    const struct rac_json *managed = rac_json_geti(&w->connections, RAC_S("managedApiConnections"));
    RAC_JSON_EACH_MEMBER(m, managed)
    {
        size_t before = s->uses_n;
        add_use(
            s,
            rac_json_str(rac_json_geti(rac_json_geti(&m->value, RAC_S("api")), RAC_S("id")),
                         rac_json_key(m)),
            rac_json_str(rac_json_geti(rac_json_geti(&m->value, RAC_S("connection")), RAC_S("id")),
                         RAC_STR_NULL));
        if (s->uses_n > before)
            s->remote[before] =
                rac_json_str(rac_json_geti(&m->value, RAC_S("connectionRuntimeUrl")), RAC_S("")).n >
                0;
    }
}

/* Said once of each API. */
static void connector_missing(struct saving *s, size_t use)
{
    for (size_t i = 0; i < use; i++)
        if (rac_str_eqi(s->apis[i], s->apis[use]))
            return;
    struct rac_diag *d =
        rac_diags_addf(&s->findings, "ConnectorNotFound", RAC_SEV_WARNING,
                       "There is no connector '%.*s' on this server: actions that call it fail "
                       "when they are reached.",
                       RAC_FMT(s->apis[use]));
    if (d != NULL)
        d->fix = RAC_S("Register it (raccord connector create), then make a connection with it "
                       "(raccord connection create).");
}

static void connectors_next(struct saving *s);

static void connector_ready(void *arg, rac_err err, struct rac_connector *c, rac_str why)
{
    struct saving *s = arg;
    (void)why; /* a connector that cannot be compiled judges nothing */
    if (err == RAC_OK)
        s->connectors[s->next] = rac_connector_ref(c);
    s->next++;
    connectors_next(s);
}

static void connectors_next(struct saving *s)
{
    struct rac_api_worker *w = s->q->w;
    while (s->next < s->uses_n) {
        struct rac_connector *c = NULL;
        rac_str id = rac_flow_connector_find(w, s->q->who->tenant, s->apis[s->next], s->q->a);
        s->uses[s->next].api = id.n > 0 ? id : s->apis[s->next];
        if (id.n == 0 && !s->remote[s->next])
            connector_missing(s, s->next);
        if (id.n > 0)
            c = rac_compiled_peek(w->compiled, s->q->who->tenant, id);
        if (c != NULL) {
            s->connectors[s->next] = rac_connector_ref(c);
        } else if (id.n > 0) {
            rac_compiled_want(w->compiled, s->q->who->tenant, id, connector_ready, s);
            return;
        }
        s->next++;
    }
    to_pool(s, check, checked);
}

/* --- keeping what a GET never told ------------------------------------------------------------ */

static void keep_secret(struct saving *s, const struct rac_flow_document *former, const char *name)
{
    const struct rac_json *v = rac_json_get(&former->secrets, rac_str_of(name));
    if (v != NULL)
        rac_json_put(s->q->a, &s->doc.secrets, rac_str_of(name), *v);
}

/* A secure parameter without a value keeps the one it had, as do connections and settings that
 * were not sent along. */
static void keep_secrets(struct saving *s)
{
    struct rac_arena *a = s->q->a;
    struct rac_flow_document former;
    struct rac_diags ignored;
    rac_diags_init(&ignored, a, 1);
    if (s->create ||
        rac_flow_document_open(s->row.document, s->row.secrets, a, &former, &ignored) != RAC_OK)
        return;
    struct rac_workflow *w = s->doc.workflow;
    if (!s->doc.has_connections) {
        keep_secret(s, &former, "connections");
        w->connections = former.workflow->connections;
    }
    if (!s->doc.has_settings) {
        keep_secret(s, &former, "settings");
        w->settings = former.workflow->settings;
    }
    struct rac_json secure = rac_json_new_object(a);
    const struct rac_json *now = RAC_JSON_GET(&s->doc.secrets, "parameters");
    const struct rac_json *before = RAC_JSON_GET(&former.secrets, "parameters");
    RAC_JSON_EACH_MEMBER(m, now)
    if (rac_json_geti(&m->value, RAC_S("value")) != NULL || !rac_json_is_object(&m->value))
        rac_json_put(a, &secure, rac_json_key(m), m->value);
    RAC_JSON_EACH_MEMBER(m, before)
    if (rac_json_geti(&secure, rac_json_key(m)) == NULL &&
        rac_workflow_parameter_is_secure(w, rac_json_key(m))) {
        rac_json_put(a, &secure, rac_json_key(m), m->value);
        rac_json_put(a, &w->parameters, rac_json_key(m), m->value);
    }
    if (rac_json_len(&secure) > 0)
        RAC_JSON_PUT(a, &s->doc.secrets, "parameters", secure);
    else
        rac_json_del(&s->doc.secrets, RAC_S("parameters"));
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Pool. */
static void read_document(void *arg)
{
    struct saving *s = arg;
    size_t most = (size_t)rac_config_int(s->q->w->service->config, RAC_CONF_WORKFLOW_MAX);
    s->err = rac_flow_document_read(s->document, RAC_S(""), most, s->q->a, &s->doc, &s->findings);
    if (s->err == RAC_OK)
        keep_secrets(s);
}

static bool name_is_good(rac_str name)
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!rac_is_alnum(name.p[i]) && strchr("_-().", name.p[i]) == NULL)
            return false;
    return true;
}

/* A name out of whatever the document says of itself: "My flow" is "My_flow". */
static rac_str name_of(struct saving *s)
{
    rac_str given = rac_ask_query(s->q, RAC_S("name"));
    if (given.n > 0)
        return given;
    rac_str said = s->doc.name;
    char *name = rac_arena_alloc(s->q->a, said.n + 1);
    for (size_t i = 0; i < said.n; i++)
        name[i] = rac_is_alnum(said.p[i]) || strchr("_-().", said.p[i]) != NULL ? said.p[i] : '_';
    return rac_str_sub((rac_str){name, said.n}, 0, NAME_MAX_BYTES);
}

static void document_read(void *arg, rac_err err)
{
    struct saving *s = arg;
    if (err != RAC_OK) {
        rac_ask_fail(s->q, RAC_FAULT_BUSY, "Too much work is waiting; try again in a moment.");
        return;
    }
    if (s->err != RAC_OK && s->only_check && s->q->ids == RAC_IDS_NATIVE) {
        rac_ask_answer(s->q, validation(s));
        return;
    }
    if (s->err != RAC_OK) {
        refuse(s);
        return;
    }
    if (s->create && !s->only_check) {
        if (s->name.n == 0)
            s->name = name_of(s);
        if (!name_is_good(s->name)) {
            rac_ask_fail(s->q, RAC_FAULT_BAD_VALUE,
                         "A workflow needs a name of letters, digits and _-(). of at most %d "
                         "characters: say ?name=NAME.",
                         NAME_MAX_BYTES);
            return;
        }
    }
    gather_uses(s);
    connectors_next(s);
}

static struct saving *saving_new(struct rac_ask *q)
{
    struct saving *s = RAC_NEW(q->a, struct saving);
    s->q = q;
    s->now_ms = rac_env_wall_ms(q->w->env);
    s->document = q->body;
    s->actions_max = (uint32_t)rac_config_int(q->w->service->config, RAC_CONF_WORKFLOW_ACTIONS);
    rac_diags_init(&s->findings, q->a, FINDINGS_MAX);
    return s;
}

static void begin(struct saving *s)
{
    to_pool(s, read_document, document_read);
}

/* --- the operations --------------------------------------------------------------------------- */

static bool create_in(struct saving *s, rac_str group)
{
    struct rac_group_row g;
    char id[RAC_WORKFLOW_ID_TEXT];
    if (!rac_access_group(s->q, RAC_MAY_WORKFLOW_CREATE, group, &g))
        return false;
    s->create = true;
    s->group = g.id;
    rac_workflow_id(s->q->w->env, id);
    s->id = rac_arena_str(s->q->a, rac_str_of(id));
    return true;
}

void rac_ops_workflow_create(struct rac_ask *q)
{
    struct saving *s = saving_new(q);
    if (create_in(s, rac_ask_query(q, RAC_S("group"))))
        begin(s);
}

/* Is there a workflow of that name or id to be replaced? One that the caller cannot see is refused
 * as one that is not there. */
static bool is_there(struct rac_ask *q, rac_str name)
{
    struct rac_flow_row row;
    struct rac_group_row g;
    const struct rac_flow_store *fs = q->w->fs;
    rac_str group = rac_ask_query(q, RAC_S("group"));
    if (group.n == 0)
        group = q->who->only_group.n > 0 ? q->who->only_group : RAC_S("default");
    if (q->w->is->group_get(q->w->is->self, q->who->tenant, group, q->a, &g) == RAC_OK &&
        fs->flow_find(fs->self, q->who->tenant, g.id, name, RAC_FLOW_PLAIN, q->a, &row) == RAC_OK)
        return rac_access_sees(q, RAC_MAY_WORKFLOW_READ, row.group, row.owner);
    return q->ids == RAC_IDS_NATIVE && rac_workflow_id_is(name);
}

static bool update_of(struct saving *s)
{
    if (!rac_access_workflow(s->q, RAC_MAY_WORKFLOW_EDIT, s->q->args[0], RAC_FLOW_WHOLE, &s->row))
        return false;
    s->id = s->row.id;
    return true;
}

void rac_ops_workflow_put(struct rac_ask *q)
{
    struct saving *s = saving_new(q);
    s->name = q->args[0];
    if (is_there(q, q->args[0]) ? update_of(s) : create_in(s, rac_ask_query(q, RAC_S("group"))))
        begin(s);
}

/* The stored form with what the body gives laid over it, read again as a whole. */
void rac_ops_workflow_patch(struct rac_ask *q)
{
    static const rac_str members[] = {
        RAC_S_INIT("definition"),
        RAC_S_INIT("parameters"),
        RAC_S_INIT("tags"),
        RAC_S_INIT("location"),
        RAC_S_INIT("identity"),
        RAC_S_INIT("accessControl"),
        RAC_S_INIT("integrationAccount"),
        RAC_S_INIT("endpointsConfiguration"),
        RAC_S_INIT("runtimeConfiguration"),
        RAC_S_INIT("connectionReferences"),
        RAC_S_INIT("description"),
        RAC_S_INIT("state"),
        RAC_S_INIT("kind"),
        RAC_S_INIT("connections"),
        RAC_S_INIT("appSettings"),
    };
    struct saving *s = saving_new(q);
    struct rac_json doc;
    if (!update_of(s))
        return;
    if (rac_json_parse(s->row.document, q->a, 0, &doc, NULL) != RAC_OK) {
        rac_ask_fail_err(q, RAC_E_CORRUPT, "workflow");
        return;
    }
    const struct rac_json *properties = RAC_JSON_GET(&q->json, "properties");
    bool changes = false;
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        const struct rac_json *v = rac_json_get(&q->json, members[i]);
        if (v == NULL)
            v = rac_json_get(properties, members[i]);
        if (v != NULL)
            rac_json_put(q->a, &doc, members[i], *v);
        changes |= v != NULL;
    }
    if (!changes) {
        q->etag = rac_etag(q->a, s->row.version);
        rac_ask_answer(q, rac_shape_workflow(q, &s->row, true));
        return;
    }
    s->document = rac_json_print_str(&doc, 0, q->a);
    begin(s);
}

void rac_ops_workflow_validate(struct rac_ask *q)
{
    struct saving *s = saving_new(q);
    s->only_check = true;
    if (!update_of(s))
        return;
    if (q->body.n == 0) /* what is there */
        s->document = s->row.document;
    begin(s);
}

void rac_ops_workflow_validate_new(struct rac_ask *q)
{
    struct saving *s = saving_new(q);
    s->only_check = s->create = true;
    begin(s);
}
