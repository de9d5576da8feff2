#include "api/ops/access.h"
#include "api/service.h"
#include "base/secret.h"

/* Tenants of the installation: the operator's. A new one comes with a user who administers it and
 * that user's token, because nobody of another tenant can ever act in it. */

static struct rac_json tenant_json(struct rac_ask *q, const struct rac_tenant_row *t)
{
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "id", t->id);
    RAC_JSON_PUT_STR(q->a, &o, "name", t->name);
    rac_json_put_time(q->a, &o, RAC_S("createdTime"), t->created_ms);
    return o;
}

void rac_ops_tenant_list(struct rac_ask *q)
{
    size_t top, n, i = 0, shown = 0;
    rac_str after;
    struct rac_tenant_row *rows;
    if (!rac_ask_page(q, &top, &after) || !rac_access_tenant(q, RAC_MAY_TENANT_LIST, RAC_STR_NULL))
        return;
    rac_err e = q->w->is->tenant_list(q->w->is->self, q->a, &rows, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "tenant");
        return;
    }
    while (after.p != NULL && i < n && !rac_str_eq(rows[i].id, after))
        i++;
    i += after.p != NULL && i < n;
    struct rac_json v = rac_json_new_array(q->a);
    for (; i < n && shown < top; i++, shown++)
        rac_json_add(q->a, &v, tenant_json(q, &rows[i]));
    rac_ask_answer_page(q, v, i < n && i > 0 ? rows[i - 1].id : RAC_STR_NULL);
}

struct founding {
    struct rac_ask *q;
    rac_str id, user;
    struct rac_role_grant grant;
    struct rac_token_text text;
};

static void wipe(void *arg)
{
    struct founding *f = arg;
    rac_secret_wipe(&f->text, sizeof f->text);
}

static void token_made(void *arg, const struct rac_commit *c)
{
    struct founding *f = arg;
    struct rac_ask *q = f->q;
    struct rac_tenant_row t;
    rac_err e = c->err;
    if (e == RAC_OK)
        e = q->w->is->tenant_get(q->w->is->self, f->id, q->a, &t);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "tenant");
        return;
    }
    struct rac_json o = tenant_json(q, &t);
    RAC_JSON_PUT_STR(q->a, &o, "administrator",
                     rac_json_str(RAC_JSON_GET(&q->json, "administrator"), RAC_S("admin")));
    RAC_JSON_PUT_STR(q->a, &o, "token", rac_str_of(f->text.text));
    rac_ask_answer(q, o);
}

static void user_made(void *arg, const struct rac_commit *c)
{
    struct founding *f = arg;
    struct rac_ask *q = f->q;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "user");
        return;
    }
    rac_token_new(q->w->env, &f->text);
    rac_arena_cleanup(q->a, wipe, f);
    struct rac_token_save r = {.id = rac_str_of(f->text.id),
                               .user = f->user,
                               .actor = {.at_ms = rac_env_wall_ms(q->w->env)}};
    memcpy(r.digest, f->text.digest, sizeof r.digest);
    q->w->is->token_create(q->w->is->self, f->id, &r, token_made, f);
}

static void tenant_made(void *arg, const struct rac_commit *c)
{
    struct founding *f = arg;
    struct rac_ask *q = f->q;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "tenant");
        return;
    }
    f->grant = (struct rac_role_grant){.roles = RAC_ROLE_ADMINISTRATOR};
    struct rac_user_save r = {
        .create = true,
        .id = f->user,
        .name = rac_json_str(RAC_JSON_GET(&q->json, "administrator"), RAC_S("admin")),
        .disabled = -1,
        .grants = &f->grant,
        .grants_n = 1,
        .actor = {.at_ms = rac_env_wall_ms(q->w->env)}};
    q->w->is->user_save(q->w->is->self, f->id, &r, user_made, f);
}

static rac_str new_id(struct rac_ask *q)
{
    char id[37];
    rac_env_uuid(q->w->env, id);
    return rac_arena_str(q->a, rac_str_of(id));
}

void rac_ops_tenant_create(struct rac_ask *q)
{
    struct founding *f = RAC_NEW(q->a, struct founding);
    rac_arena_wipe_at_end(q->a);
    f->q = q;
    if (!rac_access_tenant(q, RAC_MAY_TENANT_EDIT, RAC_STR_NULL))
        return;
    if (!rac_ask_name(q, "tenant", rac_json_str(RAC_JSON_GET(&q->json, "name"), RAC_S(""))) ||
        !rac_ask_name(q, "user",
                      rac_json_str(RAC_JSON_GET(&q->json, "administrator"), RAC_S("admin"))))
        return;
    f->id = new_id(q);
    f->user = new_id(q);
    struct rac_actor actor = rac_ask_actor(q);
    q->w->is->tenant_create(q->w->is->self, f->id,
                            rac_json_str(RAC_JSON_GET(&q->json, "name"), RAC_S("")), &actor,
                            tenant_made, f);
}
