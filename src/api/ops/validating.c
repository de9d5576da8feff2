#include "api/ops/access.h"
#include "api/ops/saving.h"
#include "api/service.h"
#include "loop/pool.h"

/* Checks without saving: the live revision of a connector, or what the request brings. */

struct validating {
    struct rac_ask *q;
    struct rac_package *package;
    enum rac_profile profile;
    size_t definition_max;
    struct rac_checked checked;
    bool ok;
};

static void check(void *arg)
{
    struct validating *v = arg;
    struct rac_checked_input in = {
        .package = v->package, .definition_max = v->definition_max, .profile = v->profile};
    v->ok = rac_checked_run(&in, v->q->a, &v->checked);
}

static void checked(void *arg, rac_err err)
{
    struct validating *v = arg;
    struct rac_arena *a = v->q->a;
    if (err != RAC_OK) {
        rac_ask_fail_err(v->q, RAC_E_BUSY, "connector");
        return;
    }
    const struct rac_diags *d = &v->checked.findings;
    rac_str status = !v->checked.readable    ? RAC_S("unreadable")
                     : d->errors_total > 0   ? RAC_S("error")
                     : d->warnings_total > 0 ? RAC_S("warning")
                                             : RAC_S("ok");
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "status", status);
    RAC_JSON_PUT(a, &o, "operations", rac_json_of_int(v->checked.operations_n));
    RAC_JSON_PUT(a, &o, "triggers", rac_json_of_int(v->checked.triggers_n));
    RAC_JSON_PUT(a, &o, "findings", rac_ask_findings(a, d));
    rac_ask_answer(v->q, o);
}

static void start(struct rac_ask *q, struct validating *v)
{
    v->q = q;
    v->definition_max = (size_t)rac_config_int(q->w->service->config, RAC_CONF_DEFINITION_MAX);
    v->profile = RAC_PROFILE_REGISTRATION;
    (void)rac_profile_parse(rac_json_str(RAC_JSON_GET(&q->json, "profile"), RAC_S("registration")),
                            &v->profile);
    if (rac_pool_start(q->w->loop, check, checked, v, NULL) != RAC_OK)
        rac_ask_fail_err(q, RAC_E_BUSY, "connector");
}

static rac_str part(struct rac_ask *q, const char *name)
{
    const struct rac_json *v = rac_json_get(&q->json, rac_str_of(name));
    return v == NULL ? RAC_STR_NULL : rac_json_print_str(v, RAC_JSON_PRETTY, q->a);
}

void rac_ops_validate(struct rac_ask *q)
{
    struct validating *v = RAC_NEW(q->a, struct validating);
    rac_str definition = part(q, "definition");
    if (definition.p == NULL) {
        rac_ask_fail(q, RAC_FAULT_BAD_REQUEST, "There is no definition in the request.");
        return;
    }
    v->package =
        rac_package_new(q->a, definition, part(q, "properties"), RAC_STR_NULL, RAC_STR_NULL);
    start(q, v);
}

static rac_str stored(struct rac_ask *q, rac_str id, enum rac_file_kind kind)
{
    struct rac_file f;
    return q->w->cs->file_get(q->w->cs->self, q->who->tenant, id, 0, kind, RAC_STR_NULL, q->a,
                              &f) == RAC_OK
               ? f.bytes
               : RAC_STR_NULL;
}

void rac_ops_connector_validate(struct rac_ask *q)
{
    struct validating *v = RAC_NEW(q->a, struct validating);
    struct rac_connector_row row;
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        return;
    rac_str definition = part(q, "definition"), properties = part(q, "properties");
    if (definition.p == NULL)
        definition = stored(q, row.id, RAC_FILE_DEFINITION);
    if (properties.p == NULL)
        properties = stored(q, row.id, RAC_FILE_PROPERTIES);
    v->package = rac_package_new(q->a, definition, properties, stored(q, row.id, RAC_FILE_ICON),
                                 stored(q, row.id, RAC_FILE_SCRIPT));
    start(q, v);
}
