#include "cli/mocks.h"
#include "cli/output.h"

enum { FILE_MAX = 64 << 20, FINDINGS_MAX = 100 };

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct rac_cli_mocks *m;
    struct rac_diags d;
    struct rac_json_spot spot;
};

static struct rac_diag *found(struct reading *r, enum rac_severity severity, uint32_t pos,
                              rac_str message)
{
    if (pos > 0)
        rac_json_spot_move(r->m->text, &r->spot, pos - 1);
    return rac_diags_add(&r->d, &(struct rac_diag){.code = "InvalidRequestContent",
                                                   .severity = severity,
                                                   .line = pos > 0 ? r->spot.line : 0,
                                                   .column = pos > 0 ? r->spot.column : 0,
                                                   .message = message});
}

static bool ends(enum rac_wf_status s)
{
    return s != RAC_WF_NONE && s != RAC_WF_WAITING && s != RAC_WF_RUNNING && s != RAC_WF_PAUSED &&
           s != RAC_WF_SUSPENDED;
}

/* One answer: its members are known, its status is one in which an action ends. */
static void judge(struct reading *r, rac_str name, const struct rac_json *v)
{
    struct rac_arena *a = r->d.a;
    const struct rac_json *word = RAC_JSON_GET(v, "status");
    enum rac_wf_status status;
    struct rac_diag *d;
    if (!rac_json_is_object(v)) {
        d = found(r, RAC_SEV_ERROR, v->pos,
                  rac_arena_printf(a, "the mock of '%.*s' is no object", RAC_FMT(name)));
        if (d != NULL)
            d->fix = RAC_S("Write {\"outputs\": ...}, or an array of such objects.");
        return;
    }
    if (word != NULL &&
        (!rac_wf_status_parse(rac_json_str(word, RAC_S("?")), &status) || !ends(status))) {
        d = found(r, RAC_SEV_ERROR, word->pos,
                  rac_arena_printf(a, "the mock of '%.*s' has a status in which no action ends",
                                   RAC_FMT(name)));
        if (d != NULL)
            d->fix = RAC_S("Write Succeeded, Failed, Skipped, TimedOut or Cancelled.");
    }
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str key = rac_json_key(m);
        if (rac_str_eq(key, RAC_S("status")) || rac_str_eq(key, RAC_S("code")) ||
            rac_str_eq(key, RAC_S("error")) || rac_str_eq(key, RAC_S("outputs")))
            continue;
        d = found(r, RAC_SEV_WARNING, m->key_pos,
                  rac_arena_printf(a, "the mock of '%.*s' has '%.*s', which says nothing",
                                   RAC_FMT(name), RAC_FMT(key)));
        if (d != NULL)
            d->fix =
                RAC_S("A mock has status, code, error and outputs; what a call answers is "
                      "{\"outputs\": {\"statusCode\": ..., \"headers\": ..., \"body\": ...}}.");
    }
}

static void judge_all(struct reading *r)
{
    RAC_JSON_EACH_MEMBER(m, &r->m->file)
    {
        if (rac_json_is_null(&m->value))
            continue;
        if (!rac_json_is_array(&m->value))
            judge(r, rac_json_key(m), &m->value);
        RAC_JSON_EACH(v, &m->value)
        judge(r, rac_json_key(m), v);
    }
}

int rac_cli_mocks_read(struct rac_cli *cli, struct rac_cli_mocks *m)
{
    struct reading r = {.m = m};
    struct rac_json_error where;
    rac_str why;
    *m = (struct rac_cli_mocks){.path = rac_cli_opt(cli, "mocks")};
    if (m->path == NULL)
        return RAC_EXIT_OK;
    rac_err e = rac_cli_read(cli, m->path, FILE_MAX, cli->a, &m->text, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    if (rac_json_parse_lenient(m->text, cli->a, &m->file, NULL, &where) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s:%u:%u: %s", m->path, where.line,
                            where.column, where.message);
    if (!rac_json_is_object(&m->file))
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE,
                            "%s: mocks are an object, {\"NAME OF AN ACTION\": {\"outputs\": ...}}",
                            m->path);
    m->used = RAC_NEW_N(cli->a, bool, rac_json_len(&m->file));
    rac_diags_init(&r.d, cli->a, FINDINGS_MAX);
    judge_all(&r);
    rac_cli_diags(cli, rac_str_of(m->path), &r.d);
    return r.d.errors_total == 0 ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

/* --- names ------------------------------------------------------------------------------------ */

void rac_cli_mocks_match(struct rac_cli_mocks *m, const struct rac_plan *p)
{
    for (size_t i = 0; i < rac_json_len(&m->file); i++) {
        rac_str name = rac_json_key(rac_json_member_at(&m->file, i));
        for (uint32_t k = 0; k < p->actions_n && !m->used[i]; k++)
            m->used[i] = rac_str_eqi(p->actions[k].name, name);
    }
}

static rac_str nearest(const struct rac_plan *p, rac_str name)
{
    rac_str near = RAC_STR_NULL;
    unsigned best = (unsigned)(name.n / 3 + 1);
    for (uint32_t k = 0; k < p->actions_n; k++) {
        unsigned distance = rac_str_distance(p->actions[k].name, name);
        if (distance <= best && (near.p == NULL || distance < best)) {
            best = distance;
            near = p->actions[k].name;
        }
    }
    return near;
}

static bool is_trigger(const struct rac_plan *p, rac_str name)
{
    RAC_JSON_EACH_MEMBER(t, RAC_JSON_GET(p->workflow->definition, "triggers"))
    if (rac_str_eqi(rac_json_key(t), name))
        return true;
    return false;
}

void rac_cli_mocks_unused(struct rac_cli *cli, const struct rac_cli_mocks *m,
                          const struct rac_plan *p)
{
    struct rac_cli_mocks copy = *m;
    struct reading r = {.m = &copy};
    rac_diags_init(&r.d, cli->a, FINDINGS_MAX);
    for (size_t i = 0; i < rac_json_len(&m->file); i++) {
        const struct rac_json_member *x = rac_json_member_at(&m->file, i);
        rac_str name = rac_json_key(x), near = nearest(p, name);
        if (m->used[i])
            continue;
        struct rac_diag *d =
            found(&r, RAC_SEV_WARNING, x->key_pos,
                  rac_arena_printf(cli->a, "there is no action '%.*s'; its mock is not used",
                                   RAC_FMT(name)));
        if (d != NULL && is_trigger(p, name))
            d->fix = RAC_S("It is the trigger: its outputs are given by --trigger FILE.");
        else if (d != NULL && near.p != NULL)
            d->fix = rac_arena_printf(cli->a, "Did you mean '%.*s'?", RAC_FMT(near));
        else if (d != NULL)
            d->fix = RAC_S("`raccord show` lists the actions of a workflow.");
    }
    rac_cli_diags(cli, rac_str_of(m->path), &r.d);
}

/* --- answering -------------------------------------------------------------------------------- */

static bool answer(void *self, const struct rac_wf_action *x, uint32_t nth, struct rac_arena *a,
                   enum rac_wf_status *status, const char **code, struct rac_json *outputs,
                   struct rac_json *error)
{
    const struct rac_cli_mocks *m = self;
    const struct rac_json *v = rac_json_geti(&m->file, x->name);
    if (rac_json_is_array(v) && rac_json_len(v) > 0)
        v = rac_json_at(v, nth < rac_json_len(v) ? nth : rac_json_len(v) - 1);
    if (!rac_json_is_object(v))
        return false;
    const struct rac_json *o = RAC_JSON_GET(v, "outputs"), *e = RAC_JSON_GET(v, "error");
    rac_str word = rac_json_str(RAC_JSON_GET(v, "status"), RAC_S("Succeeded"));
    rac_str c = rac_json_str(RAC_JSON_GET(v, "code"), RAC_STR_NULL);
    if (!rac_wf_status_parse(word, status))
        *status = RAC_WF_FAILED;
    *code = c.p != NULL ? rac_arena_cstr(a, c) : *status == RAC_WF_SUCCEEDED ? "OK" : "BadRequest";
    if (o != NULL)
        *outputs = *o;
    if (e != NULL)
        *error = *e;
    return true;
}

struct rac_run_host rac_cli_mocks_host(struct rac_cli_mocks *m)
{
    return (struct rac_run_host){answer, m};
}
