/*
 * dynamic_call - the invoker of dynamic runs over the call pipeline. A handle lives until its call
 * has ended; the call's results are copied out, because they go with the call.
 */
#include "connector/dynamic.h"

#include "base/mem.h"

struct handle {
    struct rac_dynamic_call *owner;
    struct rac_call *call;
    struct rac_arena *a;
    struct rac_json parameters;
    rac_dynamic_answered done;
    void *arg;
};

static void called(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    struct handle *h = arg;
    struct rac_call_error error = res->error;
    struct rac_dynamic_answer x = {
        .status = res->status,
        .body = rac_json_copy(h->a, &res->body),
        .url = rac_arena_str(h->a, res->base),
    };
    if (error.code != RAC_CALL_NONE) {
        error.message = rac_arena_str(h->a, error.message);
        error.pointer = rac_arena_str(h->a, error.pointer);
        error.inner_body = rac_arena_str(h->a, error.inner_body);
        x.error = &error;
    }
    rac_dynamic_answered done = h->done;
    void *to = h->arg;
    rac_call_free(call);
    rac_mem_free(h);
    done(to, &x);
}

static void *start(void *self, rac_str operation_id, const struct rac_json *parameters,
                   rac_str follow_url, struct rac_arena *a, rac_dynamic_answered done, void *arg)
{
    struct rac_dynamic_call *c = self;
    struct handle *h = rac_mem_alloc(sizeof *h);
    *h = (struct handle){.owner = c, .a = a, .done = done, .arg = arg};
    h->parameters = parameters != NULL ? *parameters : rac_json_new_object(a);
    struct rac_call_req req = {
        .connector = c->connector,
        .connection = c->connection,
        .operation_id = rac_arena_str(a, operation_id),
        .parameters = &h->parameters,
        .follow_url = follow_url,
    };
    h->call = rac_call_start(&req, c->env, called, h);
    return h;
}

static void cancel(void *self, void *handle)
{
    struct handle *h = handle;
    (void)self;
    rac_call_cancel(h->call);
    rac_call_free(h->call);
    rac_mem_free(h);
}

void rac_dynamic_call_init(struct rac_dynamic_call *c, const struct rac_call_env *env,
                           struct rac_connector *connector, const struct rac_connection *connection)
{
    *c = (struct rac_dynamic_call){
        .env = env,
        .connector = connector,
        .connection = connection,
        .invoker = {.start = start, .cancel = cancel, .self = c},
    };
}
