/* JSON pointers (RFC 6901). Tokens are unescaped into a small buffer only when they hold a "~". */
#include "json/json.h"

/* An array index: digits without a leading zero. */
static bool token_index(rac_str token, size_t *i)
{
    uint64_t u;
    if (token.n == 0 || token.n > 10 || (token.n > 1 && token.p[0] == '0') ||
        !rac_is_digit(token.p[0]) || !rac_str_to_u64(token, &u))
        return false;
    *i = (size_t)u;
    return true;
}

enum { TOKEN_BYTES_MAX = 256 }; /* longer escaped tokens are compared with every key */

/* The key a token spells, at out, which has room for it. */
static rac_str token_decode(char *out, rac_str token)
{
    size_t n = 0;
    for (size_t i = 0; i < token.n; i++) {
        bool escape = token.p[i] == '~' && i + 1 < token.n &&
                      (token.p[i + 1] == '0' || token.p[i + 1] == '1');
        out[n++] = escape ? (token.p[++i] == '0' ? '~' : '/') : token.p[i];
    }
    return (rac_str){out, n};
}

/* A token as a key: "~1" is "/", "~0" is "~". In a only when it must change. */
static rac_str token_key(struct rac_arena *a, rac_str token)
{
    if (rac_str_find_char(token, '~') == RAC_STR_NPOS)
        return token;
    return token_decode(rac_arena_alloc_dirty(a, token.n + 1), token);
}

/* Equal to the key that the token spells, without unescaping it. */
static bool token_eq(rac_str token, rac_str key)
{
    size_t k = 0;
    for (size_t i = 0; i < token.n; i++, k++) {
        char c = token.p[i];
        if (c == '~' && i + 1 < token.n && (token.p[i + 1] == '0' || token.p[i + 1] == '1'))
            c = token.p[++i] == '0' ? '~' : '/';
        if (k >= key.n || key.p[k] != c)
            return false;
    }
    return k == key.n;
}

static struct rac_json *step(const struct rac_json *v, rac_str token)
{
    size_t i;
    char key[TOKEN_BYTES_MAX];
    if (rac_json_is_array(v))
        return token_index(token, &i) ? rac_json_at(v, i) : NULL;
    if (rac_str_find_char(token, '~') == RAC_STR_NPOS)
        return rac_json_get(v, token);
    if (token.n <= sizeof key)
        return rac_json_get(v, token_decode(key, token));
    RAC_JSON_EACH_MEMBER(m, v)
    if (token_eq(token, rac_json_key(m)))
        return &m->value;
    return NULL;
}

struct rac_json *rac_json_pointer_get(const struct rac_json *root, rac_str pointer)
{
    if (pointer.n == 0 || root == NULL)
        return (struct rac_json *)root;
    if (pointer.p[0] != '/')
        return NULL;
    const struct rac_json *v = root;
    rac_str rest = rac_str_from(pointer, 1);
    while (rest.p != NULL && v != NULL) {
        rac_str token = rac_str_cut(rest, '/', &rest);
        v = step(v, token);
    }
    return (struct rac_json *)v;
}

bool rac_json_pointer_put(struct rac_arena *a, struct rac_json *root, rac_str pointer,
                          struct rac_json value)
{
    if (pointer.n == 0) {
        *root = value;
        return true;
    }
    if (pointer.p[0] != '/')
        return false;
    struct rac_json *v = root;
    rac_str rest = rac_str_from(pointer, 1);
    for (;;) {
        rac_str token = rac_str_cut(rest, '/', &rest);
        bool last = rest.p == NULL;
        struct rac_json *next = step(v, token);
        if (next == NULL) {
            if (!last && v->type != RAC_JSON_OBJECT && v->type != RAC_JSON_ARRAY)
                return false;
            struct rac_json made = last ? value : rac_json_new_object(a);
            if (v->type == RAC_JSON_OBJECT) {
                rac_str key = token_key(a, token);
                next = rac_json_put(a, v, key.p == token.p ? rac_arena_str(a, key) : key, made);
            } else if (v->type == RAC_JSON_ARRAY && rac_str_eq(token, RAC_S("-"))) {
                next = rac_json_add(a, v, made);
            } else {
                return false;
            }
        } else if (last) {
            *next = value;
        }
        if (last)
            return true;
        v = next;
    }
}

size_t rac_json_pointer_token_bytes(rac_str key)
{
    size_t n = key.n;
    for (size_t i = 0; i < key.n; i++)
        n += key.p[i] == '~' || key.p[i] == '/';
    return n;
}

char *rac_json_pointer_token_write(char *out, rac_str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~' || key.p[i] == '/') {
            *out++ = '~';
            *out++ = key.p[i] == '~' ? '0' : '1';
        } else {
            *out++ = key.p[i];
        }
    }
    return out;
}

rac_str rac_json_pointer_join(struct rac_arena *a, rac_str pointer, rac_str key)
{
    char *p = rac_arena_alloc_dirty(a, pointer.n + 1 + rac_json_pointer_token_bytes(key) + 1);
    if (pointer.n > 0)
        memcpy(p, pointer.p, pointer.n);
    p[pointer.n] = '/';
    char *end = rac_json_pointer_token_write(p + pointer.n + 1, key);
    *end = '\0';
    return (rac_str){p, (size_t)(end - p)};
}

rac_str rac_json_trail_pointer(struct rac_arena *a, rac_str prefix, const struct rac_json_trail *at)
{
    enum { INDEX_BYTES_MAX = 20 };
    size_t n = prefix.n;
    for (const struct rac_json_trail *t = at; t != NULL; t = t->up)
        n += 1 + (t->key.p != NULL ? rac_json_pointer_token_bytes(t->key) : INDEX_BYTES_MAX);
    char *end = (char *)rac_arena_alloc_dirty(a, n + 1) + n, *out = end;
    for (const struct rac_json_trail *t = at; t != NULL; t = t->up) { /* written from its end */
        if (t->key.p != NULL) {
            out -= rac_json_pointer_token_bytes(t->key);
            rac_json_pointer_token_write(out, t->key);
        } else {
            size_t i = t->index;
            do
                *--out = (char)('0' + i % 10);
            while ((i /= 10) > 0);
        }
        *--out = '/';
    }
    out -= prefix.n;
    if (prefix.n > 0)
        memcpy(out, prefix.p, prefix.n);
    *end = '\0';
    return (rac_str){out, (size_t)(end - out)};
}

rac_str rac_json_pointer_join_index(struct rac_arena *a, rac_str pointer, size_t i)
{
    return rac_arena_printf(a, "%.*s/%zu", RAC_FMT(pointer), i);
}

/* --- from a node to its pointer -------------------------------------------------------------- */

struct search {
    struct rac_arena *a;
    const struct rac_json *node;
    unsigned depth;
};

static rac_str search(struct search *s, const struct rac_json *v)
{
    rac_str found = RAC_STR_NULL;
    if (v == s->node)
        return RAC_S("");
    if (s->depth > RAC_JSON_DEPTH_MAX)
        return found;
    s->depth++;
    for (size_t i = 0; v->type == RAC_JSON_ARRAY && i < v->array->n && found.p == NULL; i++) {
        const struct rac_json *child = &v->array->v[i];
        if (child == s->node || rac_json_len(child) > 0) {
            rac_str below = search(s, child);
            if (below.p != NULL)
                found =
                    rac_str_concat(s->a, rac_json_pointer_join_index(s->a, RAC_S(""), i), below);
        }
    }
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (found.p != NULL || (&m->value != s->node && rac_json_len(&m->value) == 0))
            continue;
        rac_str below = search(s, &m->value);
        if (below.p != NULL)
            found = rac_str_concat(s->a, rac_json_pointer_join(s->a, RAC_S(""), rac_json_key(m)),
                                   below);
    }
    s->depth--;
    return found;
}

rac_str rac_json_pointer_of(struct rac_arena *a, const struct rac_json *root,
                            const struct rac_json *node)
{
    struct search s = {.a = a, .node = node};
    return root == NULL ? RAC_STR_NULL : search(&s, root);
}
