/*
 * raccord validate - checks definitions and packages, many at a time.
 *
 * Sources are dealt to worker threads one by one; each worker renders what it found to bytes, and
 * the main thread prints them in the order given, as soon as all before are there. A worker keeps
 * one arena and empties it between sources.
 */
#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/flows.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/source.h"
#include "connector/check.h"
#include "crypto/digest.h"
#include "openapi/convert.h"
#include "openapi/read.h"
#include "workflow/check/check.h"
#include "workflow/definition/ident.h"

enum {
    PARAMETERS_MAX = 16 << 20, /* bytes */
    FINDINGS_MAX = 20000,      /* of one source; further ones are counted */
    JOBS_MAX = 64,
    AHEAD_MAX = 512,              /* sources that may wait to be printed */
    RENDERED_BYTES_MAX = 1 << 28, /* of one source */
};
#define ARENA_BYTES_MAX ((size_t)2 << 30)

static const struct rac_option options[] = {
    {"profile", 'p', "PROFILE", "registration (default) or certification"},
    {"jobs", 'j', "N", "worker threads; default: one per core"},
    {"connectors", 0, "DIR",
     "connectors that workflows call: a package for each, named as its API"},
    {"parameters", 0, "FILE",
     "values of the parameters of a template (default: the file beside it)"},
    {NULL, 0, NULL, NULL},
};

enum status { STATUS_OK, STATUS_WARNING, STATUS_ERROR, STATUS_UNREADABLE };
static const char *const status_names[] = {"ok", "warning", "error", "unreadable"};

struct outcome {
    struct rac_buf text; /* what is printed: lines, a JSON line, or SARIF results */
    size_t errors, warnings, operations, triggers;
    enum status status;
    rac_err err; /* why a source could not be had */
    bool done;
};

struct job {
    struct rac_cli *cli;
    enum rac_profile profile;
    rac_str directory; /* the working directory, for SARIF */
    size_t n;
    struct outcome *out;
    pthread_mutex_t lock;       /* guards next, printed and done */
    pthread_mutex_t loading;    /* the network, standard input and the command's arena */
    pthread_cond_t ready, room; /* a source is done; one more was printed */
    size_t next, printed;
};

/* One source while it is checked. */
struct subject {
    struct job *job;
    const char *source;
    struct rac_arena *a;
    struct rac_diags found;
    const char *kind; /* "connector", "workflow" or NULL */
    bool unreadable, definition_only;
    rac_err err;
    size_t operations, triggers;
};

/* --- checking ------------------------------------------------------------------------------- */

static rac_err load(struct subject *s, struct rac_package **package)
{
    if (access(s->source, F_OK) == 0)
        return rac_cli_source_load(s->job->cli, s->source, RAC_PACKAGE_BYTES_MAX, s->a, package,
                                   &s->found);
    /* standard input, the network and the command's own arena are for one at a time */
    pthread_mutex_lock(&s->job->loading);
    rac_err e = rac_cli_source_load(s->job->cli, s->source, RAC_PACKAGE_BYTES_MAX, s->a, package,
                                    &s->found);
    pthread_mutex_unlock(&s->job->loading);
    return e;
}

/* Descriptions of other kinds: converted, losses listed, and the result checked without places. */
static bool convert(struct subject *s, struct rac_package *p)
{
    struct rac_converted converted;
    struct rac_document *doc = p->definition_doc;
    struct rac_convert_options o = {0};
    if (rac_cli_is_url(rac_str_of(s->source)))
        o.url = rac_str_of(s->source);
    if (rac_convert(doc, &o, s->a, &converted, &s->found) != RAC_OK)
        return false;
    p->definition_doc = rac_document_wrap(converted.definition, doc->name, s->a);
    if (p->properties_doc == NULL)
        p->properties_doc =
            rac_document_wrap(converted.properties, RAC_S("apiProperties.json"), s->a);
    return true;
}

static void check_package(struct subject *s, struct rac_package *p)
{
    struct rac_api *api = NULL;
    struct rac_connector_check_input in = {
        .package = p, .profile = s->job->profile, .definition_only = s->definition_only};
    if (p->definition_doc != NULL &&
        rac_api_build(&p->definition_doc->root, s->a, &api) == RAC_OK) {
        s->operations = api->ops_n;
        s->triggers = api->triggers_n;
    }
    in.api = api;
    rac_err e = rac_connector_check(&in, &s->found);
    if (e == RAC_E_LIMIT)
        rac_diags_addf(&s->found, RAC_RULE_CODE(IMP_01), RAC_SEV_ERROR,
                       "the definition needs more memory than is allowed");
}

/* --- workflows ------------------------------------------------------------------------------ */

/* The connectors under --connectors that a workflow asks for, compiled when it does. */
struct connectors {
    struct subject *s;
    struct rac_map found; /* api -> connector; NULL values: asked for and not there */
};

static rac_str package_path(struct subject *s, rac_str api)
{
    const char *dir = rac_cli_opt(s->job->cli, "connectors");
    rac_str names[2 + RAC_API_NAMES_MAX] = {
        api, rac_str_startsi(api, RAC_S("shared_")) ? rac_str_from(api, 7) : RAC_STR_NULL};
    size_t n = 2 + rac_workflow_api_names(api, names + 2);
    for (size_t i = 0; i < n; i++) {
        rac_str path = rac_arena_printf(s->a, "%s/%.*s", dir, RAC_FMT(names[i]));
        if (names[i].n > 0 && names[i].p[0] != '.' &&
            rac_str_find_char(names[i], '/') == RAC_STR_NPOS && access(path.p, F_OK) == 0)
            return path;
    }
    return RAC_STR_NULL;
}

static const struct rac_connector *find_connector(void *self, rac_str api)
{
    struct connectors *k = self;
    struct subject *s = k->s;
    struct rac_connector *c = rac_map_get(&k->found, api);
    if (c != NULL || rac_map_has(&k->found, api))
        return c;
    rac_str path = package_path(s, api);
    pthread_mutex_lock(&s->job->loading);
    if (path.p != NULL && rac_cli_connector(s->job->cli, path.p, &c, &s->found) != RAC_OK)
        c = NULL;
    pthread_mutex_unlock(&s->job->loading);
    rac_map_put(&k->found, rac_arena_str(s->a, api), c);
    return c;
}

/* The parameters file that --parameters names. False: it cannot be read. */
static bool named_parameters(struct subject *s, struct rac_cli_flow *f)
{
    const char *path = rac_cli_opt(s->job->cli, "parameters");
    rac_str why;
    if (path == NULL)
        return true;
    f->named_file = rac_str_of(path);
    s->err = rac_cli_read(s->job->cli, path, PARAMETERS_MAX, s->a, &f->named, &why);
    s->unreadable = s->err != RAC_OK;
    if (s->unreadable)
        rac_diags_addf(&s->found, "InvalidRequestContent", RAC_SEV_ERROR, "%.*s", RAC_FMT(why));
    return !s->unreadable;
}

/* The workflows of one file, with what stands beside it. */
static void check_workflows(struct subject *s, struct rac_document *doc, struct rac_cli_flow *f)
{
    struct rac_workflow_check_options o = {
        .now = rac_env_wall_ms(s->job->cli->env),
        .actions_max = (uint32_t)rac_config_int(s->job->cli->config, RAC_CONF_WORKFLOW_ACTIONS)};
    struct connectors k = {.s = s};
    struct rac_workflow_catalogue catalogue = {find_connector, &k};
    struct rac_workflow **v;
    size_t n, actions, triggers, before = s->found.n;
    s->kind = "workflow";
    rac_map_init(&k.found, s->a);
    if (rac_cli_opt(s->job->cli, "connectors") != NULL)
        o.catalogue = &catalogue;
    if (!named_parameters(s, f))
        return;
    rac_err e = rac_cli_flow_give(doc, f, &s->found);
    if (e != RAC_OK)
        return;
    e = rac_workflows_of_document(doc, rac_cli_flow_files(f), s->a, &v, &n, &s->found);
    RAC_ASSERT(e == RAC_OK || s->found.errors_total > 0);
    if (n == 0 && e == RAC_OK)
        rac_diags_addf(&s->found, "InvalidTemplate", RAC_SEV_WARNING,
                       "the template deploys no workflow");
    for (size_t i = 0; i < n; i++) {
        if (v[i]->again)
            continue;
        if (rac_cli_flow_add_app(v[i], f, &s->found) != RAC_OK)
            continue;
        rac_workflow_count(v[i], &actions, &triggers);
        s->operations += actions;
        s->triggers += triggers;
        size_t at = s->found.n;
        if (rac_workflow_check(v[i], &o, s->a, &s->found) == RAC_E_LIMIT)
            rac_diags_addf(&s->found, "InvalidTemplate", RAC_SEV_ERROR,
                           "the definition needs more memory than is allowed");
        for (; at < s->found.n; at++)
            if (v[i]->doc != doc)
                s->found.v[at].file = v[i]->doc->name;
    }
    for (size_t i = before; i < s->found.n; i++)
        if (s->found.v[i].file.n == 0)
            s->found.v[i].file = f->file;
    for (size_t i = 0; i < k.found.n; i++)
        rac_connector_unref(k.found.entries[i].value);
}

static bool check_flows(struct subject *s)
{
    struct rac_cli_flow *flows;
    size_t n;
    s->err = rac_cli_flows(s->job->cli, s->source, s->a, &flows, &n, &s->found);
    if (s->err != RAC_OK) {
        s->unreadable = true;
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        struct rac_document *doc;
        size_t before = s->found.n;
        s->kind = "workflow";
        if (rac_document_read(flows[i].text, flows[i].file, s->a, &doc, &s->found) == RAC_OK)
            check_workflows(s, doc, &flows[i]);
        else
            s->unreadable = true;
        for (size_t k = before; k < s->found.n; k++) {
            if (rac_str_ends(flows[i].file, s->found.v[k].file)) /* reading says its last part */
                s->found.v[k].file = flows[i].file;
            if (strcmp(s->found.v[k].code, RAC_RULE_CODE(IMP_03)) == 0)
                s->found.v[k].code = "InvalidRequestContent"; /* what it is in a workflow */
        }
    }
    return n > 0;
}

/* What a single file turns out to be. */
static void check_kind(struct subject *s, struct rac_package *p)
{
    struct rac_document *doc = p->definition_doc;
    switch (doc ? doc->kind : RAC_DOC_SWAGGER2) {
    case RAC_DOC_PROPERTIES:
        p->properties_doc = doc;
        p->definition_doc = NULL;
        break;
    case RAC_DOC_WORKFLOW: {
        struct rac_cli_flow f = {.text = doc->text};
        if (!rac_cli_is_url(rac_str_of(s->source)))
            rac_cli_flow_app(s->job->cli, s->source, s->a, &f);
        check_workflows(s, doc, &f);
        return;
    }
    case RAC_DOC_UNKNOWN:
        rac_document_unknown(doc, &s->found);
        return;
    case RAC_DOC_SWAGGER2:
        break;
    default:
        s->kind = "connector";
        if (!convert(s, p))
            return;
    }
    s->kind = "connector";
    check_package(s, p);
}

static void check(struct subject *s)
{
    struct rac_package *p = NULL;
    if (check_flows(s))
        return;
    s->err = load(s, &p);
    if (s->err != RAC_OK) {
        s->unreadable = true;
        return;
    }
    s->definition_only = p->files_n == 1;
    s->unreadable = rac_package_read(p, &s->found) != RAC_OK;
    if (p->definition_doc == NULL && p->properties_doc == NULL)
        return;
    check_kind(s, p);
}

/* --- rendering ------------------------------------------------------------------------------ */

static void put_number(struct rac_buf *b, size_t n)
{
    char digits[24];
    size_t i = sizeof(digits);
    do
        digits[--i] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    rac_buf_add(b, (rac_str){digits + i, sizeof(digits) - i});
}

static void put_member(struct rac_buf *b, const char *key, rac_str value)
{
    rac_buf_add(b, rac_str_of(key));
    rac_json_print_string(value.p ? value : RAC_S(""), 0, b);
}

static void put_json(struct rac_buf *b, const struct subject *s, enum status status)
{
    put_member(b, "{\"source\":", rac_str_of(s->source));
    rac_buf_printf(b, s->kind ? ",\"kind\":\"%s\"" : ",\"kind\":null", s->kind);
    rac_buf_printf(b, ",\"status\":\"%s\",\"operations\":%zu,\"triggers\":%zu,\"findings\":[",
                   status_names[status], s->operations, s->triggers);
    bool first = true;
    for (size_t i = 0; i < s->found.n; i++) {
        const struct rac_diag *g = &s->found.v[i];
        if (g->severity == RAC_SEV_INFO) /* what a conversion made up is no finding */
            continue;
        rac_buf_add(b, first ? RAC_S("{\"code\":\"") : RAC_S(",{\"code\":\""));
        first = false;
        rac_buf_add(b, rac_str_of(g->code));
        RAC_BUF_ADD_LIT(b, "\",\"severity\":\"");
        rac_buf_add(b, rac_str_of(rac_severity_name(g->severity)));
        put_member(b, "\",\"pointer\":", g->pointer);
        if (g->file.n > 0)
            put_member(b, ",\"file\":", g->file);
        if (g->line > 0) {
            RAC_BUF_ADD_LIT(b, ",\"line\":");
            put_number(b, g->line);
            RAC_BUF_ADD_LIT(b, ",\"column\":");
            put_number(b, g->column);
        }
        put_member(b, ",\"message\":", g->message);
        rac_str fix = rac_rule_fix(g);
        if (fix.n > 0)
            put_member(b, ",\"fix\":", fix);
        rac_buf_add_char(b, '}');
    }
    rac_buf_add_char(b, ']');
    if (s->found.dropped_total > 0)
        rac_buf_printf(b, ",\"more\":%zu", s->found.dropped_total);
    RAC_BUF_ADD_LIT(b, "}\n");
}

static void put_text(struct rac_buf *b, const struct subject *s)
{
    static const char *const colours[] = {"\033[1m", "\033[1;33m", "\033[1;31m"};
    bool colour = s->job->cli->color_err;
    rac_str source = rac_str_of(s->source);
    bool folder = s->found.n > 0 && rac_cli_is_folder(s->source);
    for (size_t i = 0; i < s->found.n; i++) {
        const struct rac_diag *g = &s->found.v[i];
        rac_buf_add(b, rac_cli_clean(s->a, rac_cli_place(s->a, source, folder, g->file)));
        if (g->line > 0) {
            rac_buf_add_char(b, ':');
            put_number(b, g->line);
            rac_buf_add_char(b, ':');
            put_number(b, g->column > 0 ? g->column : 1);
        } else if (g->pointer.n > 0) {
            rac_buf_add_char(b, ':');
            rac_buf_add(b, rac_cli_clean(s->a, g->pointer));
        }
        RAC_BUF_ADD_LIT(b, ": ");
        rac_buf_add(b, rac_str_of(colour ? colours[g->severity] : ""));
        rac_buf_add(b, rac_str_of(rac_severity_name(g->severity)));
        rac_buf_add(b, rac_str_of(colour ? "\033[0m: " : ": "));
        rac_buf_add(b, rac_str_of(g->code));
        RAC_BUF_ADD_LIT(b, ": ");
        rac_buf_add(b, rac_cli_clean(s->a, g->message));
        if (g->line > 0 && g->pointer.n > 0) {
            RAC_BUF_ADD_LIT(b, " [");
            rac_buf_add(b, rac_cli_clean(s->a, g->pointer));
            rac_buf_add_char(b, ']');
        }
        rac_buf_add_char(b, '\n');
        rac_str fix = rac_rule_fix(g);
        if (g->severity == RAC_SEV_ERROR && fix.n > 0) {
            RAC_BUF_ADD_LIT(b, "    ");
            rac_buf_add(b, rac_cli_clean(s->a, fix));
            rac_buf_add_char(b, '\n');
        }
    }
    if (s->found.dropped_total > 0)
        rac_buf_printf(b, "%s: and %zu more like these\n", s->source, s->found.dropped_total);
}

/* The path as a URI reference: relative to the working directory where it lies below it. */
static rac_str uri_of(const struct subject *s, const struct rac_diag *g)
{
    rac_str path = rac_str_of(s->source);
    if (rac_cli_is_url(path))
        return path;
    path = rac_cli_place(s->a, path, g->file.n > 0 && rac_cli_is_folder(s->source), g->file);
    rac_str base = s->job->directory;
    bool absolute = rac_str_starts(path, RAC_S("/"));
    if (absolute && base.n > 1 && rac_str_starts(path, base) && path.n > base.n &&
        path.p[base.n] == '/') {
        path = rac_str_from(path, base.n + 1);
        absolute = false;
    }
    while (!absolute && rac_str_starts(path, RAC_S("./")))
        path = rac_str_from(path, 2);
    static const char hex[] = "0123456789ABCDEF";
    char *p = rac_arena_alloc_dirty(s->a, path.n * 3 + 8), *start = p;
    if (absolute) {
        memcpy(p, "file://", 7);
        p += 7;
    }
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (rac_is_alnum((char)c) || (c != 0 && strchr("/-._~!$&'()*+,;=@", c) != NULL)) {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        }
    }
    return (rac_str){start, (size_t)(p - start)};
}

/* Codes of workflows are shared by several findings; each is listed once. */
static bool first_of_code(size_t i)
{
    const char *code = rac_workflow_finding_at(i)->code;
    for (size_t k = 0; k < i; k++)
        if (strcmp(rac_workflow_finding_at(k)->code, code) == 0)
            return false;
    return true;
}

/* Place in the list of rules, connectors' first; SIZE_MAX: not listed. */
static size_t rule_index(const char *code)
{
    const struct rac_rule *r = rac_rule_by_code(rac_str_of(code));
    const struct rac_workflow_finding *f;
    size_t at = RAC_RULE_N;
    if (r != NULL)
        return (size_t)(r - rac_rules);
    for (size_t i = 0; (f = rac_workflow_finding_at(i)) != NULL; i++) {
        if (!first_of_code(i))
            continue;
        if (strcmp(f->code, code) == 0)
            return at;
        at++;
    }
    return SIZE_MAX;
}

static void put_region(struct rac_buf *b, const struct rac_diag *g)
{
    if (g->line == 0)
        return;
    rac_buf_printf(b, ",\"region\":{\"startLine\":%u,\"startColumn\":%u", g->line,
                   g->column ? g->column : 1);
    if (g->end_line > 0)
        rac_buf_printf(b, ",\"endLine\":%u,\"endColumn\":%u", g->end_line, g->end_column);
    rac_buf_add_char(b, '}');
}

/* Results of one source, each ended by a comma; the last comma is taken away in the end. */
static void put_sarif(struct rac_buf *b, const struct subject *s)
{
    for (size_t i = 0; i < s->found.n; i++) {
        const struct rac_diag *g = &s->found.v[i];
        rac_str uri = uri_of(s, g);
        size_t index = rule_index(g->code);
        rac_str mark =
            rac_arena_printf(s->a, "%s %.*s %.*s", g->code, RAC_FMT(uri), RAC_FMT(g->pointer));
        put_member(b, "{\"ruleId\":", rac_str_of(g->code));
        if (index != SIZE_MAX)
            rac_buf_printf(b, ",\"ruleIndex\":%zu", index);
        rac_buf_printf(b, ",\"level\":\"%s\"",
                       g->severity == RAC_SEV_ERROR     ? "error"
                       : g->severity == RAC_SEV_WARNING ? "warning"
                                                        : "note");
        put_member(b, ",\"message\":{\"text\":", g->message);
        put_member(b,
                   "},\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":", uri);
        rac_buf_add_char(b, '}');
        put_region(b, g);
        put_member(b, "},\"logicalLocations\":[{\"fullyQualifiedName\":", g->pointer);
        rac_buf_printf(b, "}]}],\"partialFingerprints\":{\"raccord/v1\":\"%.16s\"}},\n",
                       rac_sha256_hex(s->a, mark).p);
    }
}

/* --- workers -------------------------------------------------------------------------------- */

static void finish(const struct subject *s, struct outcome *o)
{
    o->errors = s->found.errors_total;
    o->warnings = s->found.warnings_total;
    o->operations = s->operations;
    o->triggers = s->triggers;
    o->err = s->err;
    o->status = s->unreadable   ? STATUS_UNREADABLE
                : o->errors > 0 ? STATUS_ERROR
                : o->warnings   ? STATUS_WARNING
                                : STATUS_OK;
    rac_buf_init(&o->text, RENDERED_BYTES_MAX);
    switch (s->job->cli->format) {
    case RAC_FORMAT_JSON:
        put_json(&o->text, s, o->status);
        break;
    case RAC_FORMAT_SARIF:
        put_sarif(&o->text, s);
        break;
    default:
        put_text(&o->text, s);
    }
}

static void work_one(struct job *job, size_t i, struct rac_arena *a)
{
    struct subject s = {.job = job, .source = job->cli->args[i], .a = a};
    rac_diags_init(&s.found, a, FINDINGS_MAX);
    check(&s);
    finish(&s, &job->out[i]);
    rac_arena_reset(a);
}

static void *work(void *arg)
{
    struct job *job = arg;
    struct rac_arena a;
    rac_arena_init(&a, ARENA_BYTES_MAX);
    pthread_mutex_lock(&job->lock);
    for (size_t i; (i = job->next++) < job->n;) {
        while (i >= job->printed + AHEAD_MAX)
            pthread_cond_wait(&job->room, &job->lock);
        pthread_mutex_unlock(&job->lock);
        work_one(job, i, &a);
        pthread_mutex_lock(&job->lock);
        job->out[i].done = true;
        if (i == job->printed) /* the one that is waited for */
            pthread_cond_signal(&job->ready);
    }
    pthread_mutex_unlock(&job->lock);
    rac_arena_fini(&a);
    return NULL;
}

/* --- the command ---------------------------------------------------------------------------- */

static void sarif_head(FILE *to)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 22);
    RAC_BUF_ADD_LIT(&b,
                    "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":"
                    "\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"raccord\",\"version\":"
                    "\"" RAC_VERSION "\",\"rules\":[\n");
    for (size_t i = 0; i < RAC_RULE_N; i++) {
        const struct rac_rule *r = &rac_rules[i];
        put_member(&b, i ? ",\n{\"id\":" : "{\"id\":", rac_str_of(r->code));
        put_member(&b, ",\"shortDescription\":{\"text\":", rac_str_of(r->title));
        put_member(&b, "},\"fullDescription\":{\"text\":", rac_str_of(r->text));
        put_member(&b, "},\"help\":{\"text\":", rac_str_of(r->fix));
        rac_buf_printf(&b, "},\"defaultConfiguration\":{\"level\":\"%s\"}}",
                       r->severity[0] == RAC_SEV_ERROR     ? "error"
                       : r->severity[0] == RAC_SEV_WARNING ? "warning"
                                                           : "note");
    }
    const struct rac_workflow_finding *f;
    for (size_t i = 0; (f = rac_workflow_finding_at(i)) != NULL; i++) {
        if (!first_of_code(i))
            continue;
        put_member(&b, ",\n{\"id\":", rac_str_of(f->code));
        put_member(&b, ",\"shortDescription\":{\"text\":", rac_str_of(f->title));
        put_member(&b, "},\"fullDescription\":{\"text\":", rac_str_of(f->text));
        put_member(&b, "},\"help\":{\"text\":", rac_str_of(f->fix));
        rac_buf_add(&b, RAC_S("},\"defaultConfiguration\":{\"level\":\"error\"}}"));
    }
    RAC_BUF_ADD_LIT(&b, "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[\n");
    rac_str s = rac_buf_str(&b);
    fwrite(s.p, 1, s.n, to);
    rac_buf_fini(&b);
}

/* Prints results as they come, in order. pending: a SARIF comma not yet printed. */
static void print_outcome(struct rac_cli *cli, struct outcome *o, bool *pending)
{
    rac_str s = rac_buf_str(&o->text);
    if (cli->format == RAC_FORMAT_SARIF && s.n > 0) {
        if (*pending)
            fputs(",\n", cli->out);
        fwrite(s.p, 1, s.n - 2, cli->out);
        *pending = true;
    } else if (s.n > 0) {
        fwrite(s.p, 1, s.n, cli->format == RAC_FORMAT_JSON ? cli->out : cli->err);
    }
    rac_buf_fini(&o->text);
}

static size_t jobs_of(const struct rac_cli *cli, bool *good)
{
    const char *text = rac_cli_opt(cli, "jobs");
    uint64_t n = 0;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *good = text == NULL || (rac_str_to_u64(rac_str_of(text), &n) && n > 0);
    if (text == NULL)
        n = cores > 0 ? (uint64_t)cores : 1;
    if (n > JOBS_MAX)
        n = JOBS_MAX;
    return n < cli->args_n ? (size_t)n : cli->args_n;
}

static int exit_of(const struct job *job, size_t errors, size_t unreadable)
{
    if (job->n == 1 && job->out[0].err != RAC_OK)
        return rac_cli_status_of(job->out[0].err);
    if (job->n == 1 && unreadable > 0)
        return RAC_EXIT_UNREACHABLE;
    return errors + unreadable > 0 ? RAC_EXIT_FINDINGS : RAC_EXIT_OK;
}

/* Waits for source i; with no threads, checks it here. */
static void await(struct job *job, size_t i, size_t threads, struct rac_arena *a)
{
    if (threads == 0) {
        work_one(job, i, a);
        return;
    }
    pthread_mutex_lock(&job->lock);
    while (!job->out[i].done)
        pthread_cond_wait(&job->ready, &job->lock);
    job->printed = i + 1;
    pthread_cond_broadcast(&job->room);
    pthread_mutex_unlock(&job->lock);
}

static int collect(struct job *job, size_t threads)
{
    struct rac_cli *cli = job->cli;
    struct rac_arena a;
    size_t errors = 0, warnings = 0, unreadable = 0;
    bool pending = false;
    rac_arena_init(&a, ARENA_BYTES_MAX);
    if (cli->format == RAC_FORMAT_SARIF)
        sarif_head(cli->out);
    for (size_t i = 0; i < job->n; i++) {
        await(job, i, threads, &a);
        errors += job->out[i].errors;
        warnings += job->out[i].warnings;
        unreadable += job->out[i].status == STATUS_UNREADABLE;
        rac_cli_progress_end(cli);
        print_outcome(cli, &job->out[i], &pending);
        if (job->n > 1)
            rac_cli_progress(cli, "checked", i + 1, job->n, rac_str_of(cli->args[i]));
    }
    rac_arena_fini(&a);
    rac_cli_progress_end(cli);
    if (cli->format == RAC_FORMAT_SARIF)
        fputs("\n]}]}\n", cli->out);
    else if (cli->format == RAC_FORMAT_TEXT)
        fprintf(cli->out, "%zu error(s), %zu warning(s)\n", errors, warnings);
    return exit_of(job, errors, unreadable);
}

static int run(struct rac_cli *cli)
{
    struct job job = {.cli = cli, .n = cli->args_n};
    const char *profile = rac_cli_opt(cli, "profile");
    bool good;
    rac_mem_keep_large();
    if (cli->args_n == 0)
        return rac_cli_usage(cli, "what to validate? give a package, a definition or -");
    if (profile != NULL && !rac_profile_parse(rac_str_of(profile), &job.profile))
        return rac_cli_usage(cli, "--profile is registration or certification, not %s", profile);
    size_t threads = jobs_of(cli, &good), started = 0;
    if (!good)
        return rac_cli_usage(cli, "-j takes a number from 1");
    char *directory = getcwd(NULL, 0);
    if (directory != NULL) {
        job.directory = rac_arena_str(cli->a, rac_str_of(directory));
        rac_mem_free_libc(directory);
    }
    job.out = rac_mem_alloc(job.n * sizeof(*job.out));
    pthread_mutex_init(&job.lock, NULL);
    pthread_mutex_init(&job.loading, NULL);
    pthread_cond_init(&job.ready, NULL);
    pthread_cond_init(&job.room, NULL);
    pthread_t thread[JOBS_MAX];
    for (; threads > 1 && started < threads; started++)
        if (pthread_create(&thread[started], NULL, work, &job) != 0)
            break;
    int status = collect(&job, started);
    for (size_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    pthread_cond_destroy(&job.room);
    pthread_cond_destroy(&job.ready);
    pthread_mutex_destroy(&job.loading);
    pthread_mutex_destroy(&job.lock);
    rac_mem_free(job.out);
    return status;
}

const struct rac_command rac_command_validate = {
    .words = "validate",
    .sarif = true,
    .synopsis = "[--profile registration|certification] [--format text|json|sarif] [-j N] SRC...",
    .summary = "Check a definition or a package",
    .details =
        "SRC is a package directory, a zip of one, a solution zip of Power Platform (or zip#NAME,\n"
        "where it holds several connectors), a definition or properties file, a URL, the name of "
        "a\n"
        "connector on the server named by --server, or - for standard input. Descriptions that "
        "are\n"
        "not OpenAPI 2.0 are converted first, and what is lost is listed.\n\n"
        "A workflow file, the folder of an app and the zip of a flow are checked as workflows; "
        "what\n"
        "they say about the operations of connectors is checked for those in --connectors.\n\n"
        "Findings go to standard error, one line each; --format json prints one line per source "
        "on\n"
        "standard output, --format sarif one SARIF 2.1.0 log. Warnings alone end with status 0.\n\n"
        "  raccord validate ./my-connector\n"
        "  raccord validate --profile certification --format sarif ./my-connector > log.sarif\n"
        "  raccord validate --format json -j 4 connectors/*",
    .options = options,
    .run = run,
};
