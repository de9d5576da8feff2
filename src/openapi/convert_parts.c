/* What the converters share; see convert_priv.h. */
#include "openapi/convert_priv.h"

#include "base/utf8.h"

void rac_convert_begin(struct rac_convert_state *c, struct rac_document *doc,
                       const struct rac_convert_options *o, struct rac_arena *a,
                       struct rac_diags *losses)
{
    *c = (struct rac_convert_state){.a = a, .o = o, .losses = losses, .main.doc = doc};
    c->connection_parameters = rac_json_new_object(a);
    c->sets = rac_json_new_array(a);
    c->policies = rac_json_new_array(a);
    rac_map_init(&c->operation_ids, a);
    rac_map_init(&c->operation_numbers, a);
    rac_map_init(&c->parameter_numbers, a);
    rac_map_init(&c->main.anchors, a);
}

/* --- places and losses -------------------------------------------------------------------- */

/* The links from the first to `at`, written from the end: one pass, whatever the depth. */
rac_str rac_place_pointer(const struct rac_place *at, struct rac_arena *a)
{
    size_t n = 0;
    const struct rac_place *first = at;
    for (; first->up != NULL; first = first->up)
        n += first->key.p != NULL ? rac_json_pointer_token_bytes(first->key) + 1 : 1 + 20;
    n += first->base.n;
    char *start = rac_arena_alloc_dirty(a, n + 1), *p = start + n;
    for (const struct rac_place *link = at; link->up != NULL; link = link->up) {
        if (link->key.p != NULL) {
            p -= rac_json_pointer_token_bytes(link->key);
            rac_json_pointer_token_write(p, link->key);
        } else {
            size_t i = link->index;
            do
                *--p = (char)('0' + i % 10);
            while ((i /= 10) > 0);
        }
        *--p = '/';
    }
    p -= first->base.n;
    if (first->base.n > 0)
        memcpy(p, first->base.p, first->base.n);
    return (rac_str){p, (size_t)(start + n - p)};
}

const struct rac_place *rac_place_keep(struct rac_arena *a, const struct rac_place *at)
{
    if (at == NULL || at->kept)
        return at;
    struct rac_place *k = RAC_NEW(a, struct rac_place);
    *k = *at;
    k->up = rac_place_keep(a, at->up);
    k->kept = true;
    return k;
}

static const struct rac_json *placed_node(const struct rac_place *at)
{
    while (at != NULL && (at->node == NULL || at->node->pos == 0))
        at = at->up;
    return at != NULL ? at->node : NULL;
}

static void diag_place(struct rac_convert_state *c, struct rac_diag *d, const struct rac_place *at)
{
    if (at == NULL)
        return;
    d->pointer = rac_place_pointer(at, c->a);
    rac_diags_charge(c->losses, d->pointer.n);
    d->file = at->source->path;
    const struct rac_json *node = placed_node(at);
    if (node != NULL)
        rac_document_place(at->source->doc, node, &d->line, &d->column, &d->end_line,
                           &d->end_column);
}

static struct rac_diag diag_of(enum rac_rule_id rule)
{
    return (struct rac_diag){.code = rac_rule_codes[rule],
                             .severity = rac_rules[rule].severity[RAC_PROFILE_REGISTRATION],
                             .fix = rac_str_of(rac_rules[rule].fix)};
}

struct rac_diag *rac_loss(struct rac_convert_state *c, enum rac_rule_id rule,
                          const struct rac_place *at, const char *fmt, ...)
{
    if (c->losses == NULL)
        return NULL;
    if (c->losses->n >= c->losses->n_max) { /* counted, not worth building */
        struct rac_diag d = diag_of(rule);
        return rac_diags_add(c->losses, &d);
    }
    struct rac_diag d = diag_of(rule);
    va_list ap;
    va_start(ap, fmt);
    d.message = rac_arena_vprintf(c->a, fmt, ap);
    va_end(ap);
    rac_diags_charge(c->losses, d.message.n);
    diag_place(c, &d, at);
    return rac_diags_add(c->losses, &d);
}

void rac_once_note(struct rac_convert_state *c, struct rac_once *once, enum rac_rule_id rule,
                   const struct rac_place *at)
{
    if (once->n++ > 0)
        return;
    once->first = diag_of(rule);
    diag_place(c, &once->first, at);
}

void rac_once_report(struct rac_convert_state *c, const struct rac_once *once, const char *fmt, ...)
{
    if (once->n == 0)
        return;
    struct rac_diag d = once->first;
    va_list ap;
    va_start(ap, fmt);
    d.message = rac_arena_vprintf(c->a, fmt, ap);
    va_end(ap);
    rac_diags_add(c->losses, &d);
}

/* --- names and texts ---------------------------------------------------------------------- */

static char upper(char ch)
{
    return ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
}

static bool is_upper(char ch)
{
    return ch >= 'A' && ch <= 'Z';
}

static bool is_lower(char ch)
{
    return ch >= 'a' && ch <= 'z';
}

/* Appends one word: capitalised; words all in capitals ("GET") are lowered after the first. */
static void pascal_word(struct rac_buf *b, rac_str w)
{
    bool all_upper = w.n > 1;
    for (size_t i = 0; i < w.n; i++)
        all_upper = all_upper && !is_lower(w.p[i]);
    for (size_t i = 0; i < w.n; i++)
        rac_buf_add_char(b, i == 0 ? upper(w.p[i]) : all_upper ? rac_lower(w.p[i]) : w.p[i]);
}

rac_str rac_name_pascal(struct rac_arena *a, rac_str text)
{
    struct rac_buf b;
    rac_buf_init(&b, 4096);
    for (size_t i = 0; i < text.n;) {
        if (!rac_is_alnum(text.p[i])) {
            i++;
            continue;
        }
        size_t from = i++;
        while (i < text.n && rac_is_alnum(text.p[i]) &&
               !(is_lower(text.p[i - 1]) && is_upper(text.p[i])))
            i++;
        pascal_word(&b, rac_str_sub(text, from, i - from));
    }
    return rac_buf_finish(&b, a);
}

bool rac_operation_id_take(struct rac_convert_state *c, rac_str id)
{
    return rac_map_add(&c->operation_ids, id, c);
}

rac_str rac_operation_id_number(struct rac_convert_state *c, rac_str id, size_t chars_max)
{
    uintptr_t n = (uintptr_t)rac_map_get(&c->operation_numbers, id);
    for (n = n < 2 ? 2 : n;; n++) {
        rac_str suffix = rac_arena_printf(c->a, "_%zu", (size_t)n);
        rac_str next = rac_str_concat(c->a, rac_str_sub(id, 0, chars_max - suffix.n), suffix);
        if (!rac_operation_id_take(c, next))
            continue;
        rac_map_put(&c->operation_numbers, id, (void *)(n + 1));
        return next;
    }
}

rac_str rac_operation_id_make(struct rac_convert_state *c, rac_str name, rac_str more)
{
    rac_str id = rac_name_pascal(c->a, name);
    if (id.n == 0 || rac_is_digit(id.p[0]))
        id = rac_str_concat(c->a, RAC_S("Op"), id);
    id = rac_str_sub(id, 0, RAC_OPERATION_ID_MAX);
    if (rac_operation_id_take(c, id))
        return id;
    rac_str tail = rac_name_pascal(c->a, more);
    if (tail.n > 0 && id.n + tail.n <= RAC_OPERATION_ID_MAX) {
        rac_str both = rac_str_concat(c->a, id, tail);
        if (rac_operation_id_take(c, both))
            return both;
        id = both;
    }
    return rac_operation_id_number(c, id, RAC_OPERATION_ID_MAX);
}

rac_str rac_name_of_path(struct rac_arena *a, rac_str method, rac_str path)
{
    struct rac_buf b;
    rac_buf_init(&b, 4096);
    rac_buf_add(&b, method);
    rac_str rest = path;
    while (rest.p != NULL) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        rac_buf_add_char(&b, ' ');
        if (part.n > 1 && part.p[0] == '{')
            RAC_BUF_ADD_LIT(&b, "by ");
        rac_buf_add(&b, part);
    }
    return rac_buf_finish(&b, a);
}

rac_str rac_text_trim(rac_str s, size_t chars_max)
{
    s = rac_str_trim(s);
    size_t i = 0;
    for (size_t chars = 0; i < s.n && chars < chars_max; chars++) {
        uint32_t cp;
        size_t n = rac_utf8_decode(s.p + i, s.n - i, &cp);
        i += n > 0 ? n : 1;
    }
    return rac_str_trim(rac_str_sub(s, 0, i));
}

bool rac_name_looks_secret(rac_str name)
{
    static const rac_str words[] = {RAC_S_INIT("key"),       RAC_S_INIT("token"),
                                    RAC_S_INIT("secret"),    RAC_S_INIT("password"),
                                    RAC_S_INIT("signature"), RAC_S_INIT("passwd"),
                                    RAC_S_INIT("credential")};
    for (size_t i = 0; i < RAC_COUNT(words); i++)
        if (rac_str_findi(name, words[i]) != RAC_STR_NPOS)
            return true;
    return false;
}

bool rac_parameter_is_credential(rac_str name)
{
    static const rac_str ours[] = {RAC_S_INIT("username"), RAC_S_INIT("password"),
                                   RAC_S_INIT("token"), RAC_S_INIT("api_key")};
    for (size_t i = 0; i < RAC_COUNT(ours); i++)
        if (rac_str_eqi(name, ours[i]))
            return true;
    return false;
}

static bool parameter_is_taken(const struct rac_convert_state *c, rac_str name)
{
    if (rac_parameter_is_credential(name)) /* they may come later */
        return true;
    RAC_JSON_EACH(set, &c->sets)
    {
        if (rac_json_get(RAC_JSON_GET(set, "parameters"), name) != NULL)
            return true;
    }
    return rac_json_get(&c->connection_parameters, name) != NULL;
}

rac_str rac_parameter_name(struct rac_convert_state *c, rac_str name)
{
    char *p = rac_arena_alloc(c->a, name.n + 1);
    for (size_t i = 0; i < name.n; i++)
        p[i] = rac_is_alnum(name.p[i]) ? name.p[i] : '_';
    rac_str base = name.n > 0 ? (rac_str){p, name.n} : RAC_S("parameter");
    rac_str out = base;
    uintptr_t n = (uintptr_t)rac_map_get(&c->parameter_numbers, base);
    for (n = n < 2 ? 2 : n; parameter_is_taken(c, out); n++)
        out = rac_arena_printf(c->a, "%.*s_%zu", RAC_FMT(base), (size_t)n);
    rac_map_put(&c->parameter_numbers, base, (void *)n);
    return out;
}

/* --- small JSON helpers -------------------------------------------------------------------- */

struct rac_json rac_json_string_array(struct rac_arena *a, const rac_str *v, size_t n)
{
    struct rac_json out = rac_json_new_array(a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(a, &out, rac_json_of_str(v[i]));
    return out;
}

bool rac_json_array_has(const struct rac_json *array, rac_str s)
{
    RAC_JSON_EACH(e, array)
    {
        if (rac_json_is_string(e) && rac_str_eq(rac_json_str(e, RAC_S("")), s))
            return true;
    }
    return false;
}

void rac_json_add_string_once(struct rac_arena *a, struct rac_json *array, rac_str s)
{
    if (!rac_json_array_has(array, s))
        rac_json_add(a, array, rac_json_of_str(s));
}

enum { NAMES_PAIRWISE_MAX = 32 }; /* longer lists are compared through a map */

void rac_json_add_names(struct rac_arena *a, struct rac_json *array, const struct rac_json *list)
{
    struct rac_map seen;
    bool few = rac_json_len(array) + rac_json_len(list) <= NAMES_PAIRWISE_MAX;
    if (!few) {
        rac_map_init(&seen, a);
        RAC_JSON_EACH(e, array)
        {
            rac_map_add(&seen, rac_json_str(e, RAC_S("")), array);
        }
    }
    RAC_JSON_EACH(e, list)
    {
        rac_str name = rac_json_str(e, RAC_S(""));
        if (rac_json_is_string(e) &&
            (few ? !rac_json_array_has(array, name) : rac_map_add(&seen, name, array)))
            rac_json_add(a, array, rac_json_of_str(name));
    }
}

void rac_json_copy_string(struct rac_arena *a, struct rac_json *o, const struct rac_json *from,
                          rac_str key)
{
    const struct rac_json *v = rac_json_get(from, key);
    if (rac_json_is_string(v))
        rac_json_put(a, o, key, *v);
}

struct rac_json rac_json_shallow(struct rac_arena *a, const struct rac_json *v)
{
    if (rac_json_is_object(v)) {
        struct rac_json o = rac_json_new_object(a);
        RAC_JSON_EACH_MEMBER(m, v)
        {
            rac_json_put(a, &o, rac_json_key(m), m->value);
        }
        return o;
    }
    if (rac_json_is_array(v)) {
        struct rac_json o = rac_json_new_array(a);
        RAC_JSON_EACH(e, v)
        {
            rac_json_add(a, &o, *e);
        }
        return o;
    }
    return *v;
}

/* --- URLs ---------------------------------------------------------------------------------- */

void rac_convert_url_split(rac_str url, struct rac_convert_url *out)
{
    *out = (struct rac_convert_url){0};
    size_t hash = rac_str_find_char(url, '#');
    if (hash != RAC_STR_NPOS) {
        out->fragment = rac_str_from(url, hash + 1);
        url.n = hash;
    }
    size_t ask = rac_str_find_char(url, '?');
    if (ask != RAC_STR_NPOS) {
        out->query = rac_str_from(url, ask + 1);
        url.n = ask;
    }
    size_t colons = rac_str_find(url, RAC_S("://"));
    bool relative = url.n > 0 && url.p[0] == '/' && !rac_str_starts(url, RAC_S("//"));
    if (colons != RAC_STR_NPOS && !relative &&
        rac_str_find_char((rac_str){url.p, colons}, '/') == RAC_STR_NPOS) {
        out->scheme = (rac_str){url.p, colons};
        url = rac_str_from(url, colons + 3);
    } else if (rac_str_starts(url, RAC_S("//"))) {
        url = rac_str_from(url, 2);
    } else if (relative) {
        out->path = url;
        return;
    }
    size_t slash = rac_str_find_char(url, '/');
    rac_str authority = slash == RAC_STR_NPOS ? url : (rac_str){url.p, slash};
    out->path = slash == RAC_STR_NPOS ? rac_str_from(url, url.n) : rac_str_from(url, slash);
    size_t at = rac_str_rfind_char(authority, '@');
    if (at != RAC_STR_NPOS) {
        out->userinfo = (rac_str){authority.p, at};
        authority = rac_str_from(authority, at + 1);
    }
    out->host = authority;
}

bool rac_convert_host_ok(rac_str host)
{
    size_t colon = rac_str_find_char(host, ':');
    rac_str name = colon == RAC_STR_NPOS ? host : (rac_str){host.p, colon};
    if (name.n == 0)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || strchr("{}/:\\?#[]@<>\"'%", name.p[i]) != NULL)
            return false;
    if (colon == RAC_STR_NPOS)
        return true;
    rac_str port = rac_str_from(host, colon + 1);
    for (size_t i = 0; i < port.n; i++)
        if (!rac_is_digit(port.p[i]))
            return false;
    return port.n > 0 && port.n <= 5;
}

/* Removes "." and ".." segments of an absolute path. */
static rac_str path_clean(struct rac_arena *a, rac_str path)
{
    struct rac_buf b;
    rac_buf_init(&b, path.n + 2);
    rac_str rest = rac_str_from(path, 1);
    while (rest.p != NULL) {
        rac_str seg = rac_str_cut(rest, '/', &rest);
        bool up = rac_str_eq(seg, RAC_S("..")), here = rac_str_eq(seg, RAC_S("."));
        if (up) {
            size_t cut = rac_str_rfind_char(rac_buf_str(&b), '/');
            b.n = cut == RAC_STR_NPOS ? 0 : cut;
        }
        if (!up && !here) {
            rac_buf_add_char(&b, '/');
            rac_buf_add(&b, seg);
        } else if (rest.p == NULL) {
            rac_buf_add_char(&b, '/');
        }
    }
    return rac_buf_finish(&b, a);
}

rac_str rac_convert_url_resolve(struct rac_arena *a, rac_str base, rac_str url)
{
    struct rac_convert_url u, b;
    rac_convert_url_split(url, &u);
    if (u.scheme.p != NULL)
        return url;
    rac_convert_url_split(base, &b);
    if (rac_str_starts(url, RAC_S("//")))
        return rac_arena_printf(a, "%.*s:%.*s", RAC_FMT(b.scheme), RAC_FMT(url));
    rac_str path = url;
    if (url.n == 0 || url.p[0] != '/') {
        size_t cut = rac_str_rfind_char(b.path, '/');
        rac_str dir = cut == RAC_STR_NPOS ? RAC_S("/") : (rac_str){b.path.p, cut + 1};
        path = rac_str_concat(a, dir, url);
    }
    path = path_clean(a, path);
    return rac_arena_printf(a, "%.*s://%.*s%.*s", RAC_FMT(b.scheme), RAC_FMT(b.host),
                            RAC_FMT(path));
}
