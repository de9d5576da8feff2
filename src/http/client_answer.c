/* What comes back: headers, then body bytes, given on as they come or collected up to the cap. Both
 * ways end here, so what an owner sees does not depend on the way. */
#include "base/mem.h"
#include "base/str.h"
#include "http/client_priv.h"

enum { EXACT_BODY_MAX = 64 * 1024 }; /* Content-Length trusted for an allocation up to here */

bool rac_fetch_stopped(struct rac_fetch *f, rac_err why)
{
    f->why = why;
    return false;
}

static int64_t content_length(const struct rac_headers *h)
{
    int64_t n;
    rac_str v = rac_headers_get(h, RAC_S("Content-Length"));
    return v.p != NULL && rac_str_to_i64(v, &n) && n >= 0 ? n : -1;
}

bool rac_fetch_head_end(struct rac_fetch *f)
{
    enum fetch_state state = f->state;
    f->head_done = true;
    if (rac_headers_get(&f->res.headers, RAC_S("Transfer-Encoding")).p != NULL)
        rac_headers_del(&f->res.headers, RAC_S("Content-Length")); /* not what frames the body */
    int64_t length = content_length(&f->res.headers);
    rac_str encoding = rac_headers_get(&f->res.headers, RAC_S("Content-Encoding"));
    f->encoded = !f->keep_encoded && encoding.n > 0 && !rac_str_eqi(encoding, RAC_S("identity"));
    if (f->encoded && !f->is_head) {
        rac_headers_del(&f->res.headers, RAC_S("Content-Encoding"));
        rac_headers_del(&f->res.headers, RAC_S("Content-Length"));
        length = -1;
    }
    if (f->ev.on_data == NULL && !f->is_head) {
        if (length > 0 && (uint64_t)length > f->bytes_max)
            return rac_fetch_stopped(f, RAC_E_LIMIT);
        if (length > 0 && length <= EXACT_BODY_MAX) {
            f->exact_cap = (size_t)length;
            f->exact = rac_arena_alloc_dirty(f->a, f->exact_cap + 1);
        }
    }
    if (f->ev.on_headers == NULL)
        return true;
    f->client->calling = f;
    bool go = f->ev.on_headers(f->ev.arg, &f->res);
    f->client->calling = NULL;
    if (f->state != state)
        return false; /* cancelled from inside */
    return go || rac_fetch_stopped(f, RAC_E_CANCELLED);
}

static enum rac_taken collect(struct rac_fetch *f, rac_str bytes)
{
    if (f->exact != NULL && bytes.n <= f->exact_cap - f->exact_n) {
        memcpy(f->exact + f->exact_n, bytes.p, bytes.n);
        f->exact_n += bytes.n;
        return RAC_TAKEN;
    }
    if (f->exact != NULL || bytes.n > f->bytes_max - f->collected.n) {
        f->why = RAC_E_LIMIT;
        return RAC_TAKEN_STOP;
    }
    rac_buf_add(&f->collected, bytes);
    return RAC_TAKEN;
}

enum rac_taken rac_fetch_take(struct rac_fetch *f, rac_str bytes)
{
    enum fetch_state state = f->state;
    if (f->ev.on_data == NULL)
        return collect(f, bytes);
    f->client->calling = f;
    bool more = f->ev.on_data(f->ev.arg, bytes);
    f->client->calling = NULL;
    if (f->state != state)
        return RAC_TAKEN_STOP; /* cancelled from inside */
    return more || f->resume ? RAC_TAKEN : RAC_TAKEN_PAUSE;
}

static void free_body(void *p)
{
    rac_mem_free(p);
}

/* The body moves to the arena by reference: the arena frees it. */
void rac_fetch_body_give(struct rac_fetch *f)
{
    if (f->ev.on_data != NULL)
        return;
    if (f->exact != NULL) {
        f->res.body = (rac_str){f->exact, f->exact_n};
    } else if (f->collected.n > 0) {
        f->res.body = rac_buf_str(&f->collected);
        rac_arena_cleanup(f->a, free_body, f->collected.p);
        f->collected.p = NULL;
        f->collected.n = f->collected.cap = 0;
    } else {
        f->res.body = RAC_S("");
    }
}
