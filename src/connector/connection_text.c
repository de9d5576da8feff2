/*
 * connection_text - words about connections: what must not be shown, and what an API's error says.
 */
#include "connector/connection.h"

#include "base/base64.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "text/url.h"

/* --- masking ---------------------------------------------------------------------------------- */

enum { MASK_WITHIN_BYTES_MIN = 4, SECRETS_BYTES_MAX = 16 << 20 };

static void add_one(struct rac_secrets *s, rac_str v, struct rac_arena *a)
{
    if (v.n == 0 || s->over)
        return;
    s->bytes += v.n + sizeof v;
    if (s->bytes > SECRETS_BYTES_MAX || rac_arena_over(a)) {
        s->over = true;
        return;
    }
    if (s->n == s->cap) {
        size_t cap = s->cap > 0 ? 2 * s->cap : 32;
        s->v = rac_arena_grow(a, s->v, s->cap * sizeof *s->v, cap * sizeof *s->v);
        s->cap = cap;
    }
    s->v[s->n++] = v;
}

/* The same for a copy of ours, which goes with its arena. */
static void add_copy(struct rac_secrets *s, rac_str v, struct rac_arena *a)
{
    rac_secret_wipe_with(a, v);
    add_one(s, v, a);
}

void rac_secrets_add(struct rac_secrets *s, rac_str v, struct rac_arena *a)
{
    if (v.n == 0)
        return;
    const rac_str encoded[] = {rac_url_encode_set(a, v, RAC_URL_STRICT), rac_url_encode(a, v),
                               rac_url_encode_set(a, v, RAC_URL_FORM)};
    struct rac_json text = rac_json_of_str(v);
    rac_str quoted = rac_json_print_str(&text, 0, a);
    add_one(s, v, a);
    for (size_t i = 0; i < RAC_COUNT(encoded); i++)
        if (!rac_str_eq(encoded[i], v))
            add_copy(s, encoded[i], a);
    if (quoted.n > 2 && quoted.n - 2 != v.n)
        add_copy(s, rac_str_sub(quoted, 1, quoted.n - 2), a);
}

static void add_basic(struct rac_secrets *s, const struct rac_connection *c, rac_str password,
                      struct rac_arena *a)
{
    RAC_JSON_EACH_MEMBER(m, &c->values)
    {
        const struct rac_conn_param *p = rac_conn_param_find(c->set, rac_json_key(m));
        if (p == NULL || p->type != RAC_CONN_STRING || s->over)
            continue;
        rac_str user = rac_json_str(&m->value, RAC_S(""));
        rac_str pair = rac_arena_printf(a, "%.*s:%.*s", RAC_FMT(user), RAC_FMT(password));
        rac_secret_wipe_with(a, pair);
        add_copy(s, rac_base64_encode(a, pair), a);
    }
}

static int longest_first(const void *x, const void *y)
{
    const rac_str *a = x, *b = y;
    return a->n < b->n ? 1 : a->n > b->n ? -1 : memcmp(a->p, b->p, a->n);
}

void rac_secrets_ready(struct rac_secrets *s)
{
    size_t kept = 0;
    if (s->n > 0)
        qsort(s->v, s->n, sizeof *s->v, longest_first);
    for (size_t i = 0; i < s->n; i++)
        if (kept == 0 || !rac_str_eq(s->v[i], s->v[kept - 1]))
            s->v[kept++] = s->v[i];
    s->n = kept;
}

void rac_connection_secrets(const struct rac_connection *c, struct rac_arena *a,
                            struct rac_secrets *out)
{
    *out = (struct rac_secrets){0};
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->tokens_n; i++) {
        rac_secrets_add(out, c->tokens[i].access, a);
        rac_secrets_add(out, c->tokens[i].refresh, a);
        rac_secrets_add(out, c->tokens[i].assertion, a);
    }
    RAC_JSON_EACH_MEMBER(m, &c->values)
    {
        const struct rac_conn_param *p = rac_conn_param_find(c->set, rac_json_key(m));
        rac_str v = rac_json_str(&m->value, RAC_S(""));
        if ((p != NULL && !p->secret) || v.n == 0)
            continue;
        rac_secrets_add(out, v, a);
        add_basic(out, c, v, a);
    }
    rac_secrets_ready(out);
}

/* A secret that the end of the text cuts off. */
static rac_str mask_end(rac_str v, rac_str text, struct rac_arena *a)
{
    size_t n = v.n - 1 < text.n ? v.n - 1 : text.n;
    for (; n >= MASK_WITHIN_BYTES_MIN; n--)
        if (memcmp(text.p + text.n - n, v.p, n) == 0)
            return rac_str_concat(a, rac_str_sub(text, 0, text.n - n), RAC_S("***"));
    return text;
}

rac_str rac_secrets_mask(const struct rac_secrets *s, rac_str text, struct rac_arena *a)
{
    if (s->over && text.n > 0)
        return RAC_S("***");
    for (size_t i = 0; i < s->n && text.n > 0; i++) {
        rac_str v = s->v[i];
        if (rac_str_eq(text, v))
            return RAC_S("***");
        if (v.n < MASK_WITHIN_BYTES_MIN)
            continue;
        if (rac_str_find(text, v) != RAC_STR_NPOS)
            text = rac_str_replace(a, text, v, RAC_S("***"));
        text = mask_end(v, text, a);
    }
    return text;
}

/* --- messages --------------------------------------------------------------------------------- */

enum { MESSAGE_BYTES_MAX = 500 };

static rac_str text_at(const struct rac_json *v, const char *key)
{
    return rac_str_trim(rac_json_str(rac_json_get(v, rac_str_of(key)), RAC_STR_NULL));
}

static rac_str joined_errors(const struct rac_json *errors, struct rac_arena *a)
{
    rac_str out = RAC_STR_NULL;
    size_t n = 0;
    RAC_JSON_EACH(e, errors)
    {
        rac_str one = rac_json_is_string(e) ? rac_json_str(e, RAC_S("")) : text_at(e, "message");
        if (one.n == 0)
            one = text_at(e, "detail");
        if (one.n == 0)
            continue;
        out = out.n == 0 ? one : rac_arena_printf(a, "%.*s; %.*s", RAC_FMT(out), RAC_FMT(one));
        if (++n == 5 || out.n > MESSAGE_BYTES_MAX)
            break;
    }
    return out;
}

rac_str rac_connection_message_of(rac_str body, struct rac_arena *a)
{
    struct rac_json v;
    struct rac_json_error where;
    if (body.n == 0 || body.n > (1u << 20) ||
        rac_json_parse(body, a, RAC_JSON_COPY, &v, &where) != RAC_OK)
        return RAC_STR_NULL;
    const struct rac_json *error = RAC_JSON_GET(&v, "error");
    rac_str s = text_at(&v, "message");
    if (s.n == 0)
        s = text_at(&v, "Message");
    if (s.n == 0)
        s = text_at(error, "message");
    if (s.n == 0)
        s = text_at(&v, "responseText");
    if (s.n == 0)
        s = joined_errors(RAC_JSON_GET(&v, "errors"), a);
    static const char *const further[] = {"error_description", "detail", "title", "error", "msg"};
    for (size_t i = 0; s.n == 0 && i < RAC_COUNT(further); i++)
        s = text_at(&v, further[i]);
    return s.n == 0 ? RAC_STR_NULL : rac_utf8_line(a, s, MESSAGE_BYTES_MAX);
}

bool rac_connection_test_failed(int http_status)
{
    return http_status >= 400 && http_status < 500 && http_status != 429;
}
