/*
 * Variables (connectors.md §2.3.2), URLs (§2.3.3) and the choice of one host and base path for a
 * collection. A template here is text with {{name}} for a variable that has no value.
 */
#include "openapi/postman_priv.h"

enum {
    PM_SUBST_DEPTH_MAX = 8,
    PM_TEXT_BYTES_MAX = 1 << 20,
    PM_SUBSTITUTED_MAX = 8 << 20, /* bytes written by substitution in all */
};

/* --- variables ------------------------------------------------------------------------------- */

static const struct pm_var *find_variable(const struct pm *p, const struct pm_folder *folder,
                                          rac_str name)
{
    const struct pm_var *v = rac_map_get(&p->root.vars, name);
    if (v != NULL)
        return v;
    for (const struct pm_folder *f = folder; f != NULL && f != &p->root; f = f->up) {
        v = rac_map_get(&f->vars, name);
        if (v != NULL)
            return v;
    }
    return NULL;
}

rac_str pm_variable(struct pm *p, const struct pm_request *r, rac_str name, bool *secret)
{
    const struct pm_var *v = find_variable(p, r->folder, name);
    *secret = rac_name_looks_secret(name) || (v != NULL && v->secret);
    return v == NULL ? RAC_STR_NULL : v->value;
}

bool pm_is_variable(rac_str text, rac_str *name)
{
    text = rac_str_trim(text);
    if (text.n < 5 || !rac_str_starts(text, RAC_S("{{")) || !rac_str_ends(text, RAC_S("}}")))
        return false;
    rac_str inner = rac_str_trim(rac_str_sub(text, 2, text.n - 4));
    if (inner.n == 0 || rac_str_find_char(inner, '{') != RAC_STR_NPOS ||
        rac_str_find_char(inner, '}') != RAC_STR_NPOS)
        return false;
    *name = inner;
    return true;
}

static void note_unset(struct pm *p, const struct pm_request *r, rac_str name)
{
    if (rac_map_add(&p->unset, name, p))
        rac_once_note(p->c, &p->once[PM_ONCE_UNSET], RAC_RULE_PM_12, r->at);
}

static void note_unsubstituted(struct pm *p, const struct pm_request *r)
{
    rac_once_note(p->c, &p->once[PM_ONCE_SUBSTITUTION], RAC_RULE_PM_19, r->at);
}

static void substitute(struct pm *p, const struct pm_request *r, rac_str text, struct rac_buf *b,
                       unsigned depth)
{
    while (text.n > 0) {
        size_t at = rac_str_find(text, RAC_S("{{"));
        size_t len = at == RAC_STR_NPOS ? at : rac_str_find(rac_str_from(text, at), RAC_S("}}"));
        if (len == RAC_STR_NPOS) {
            rac_buf_add(b, text);
            return;
        }
        rac_buf_add(b, rac_str_sub(text, 0, at));
        rac_str whole = rac_str_sub(text, at, len + 2), name = RAC_STR_NULL;
        bool secret = true;
        rac_str value = RAC_STR_NULL;
        if (pm_is_variable(whole, &name))
            value = pm_variable(p, r, name, &secret);
        bool fits = depth < PM_SUBST_DEPTH_MAX;
        if (value.n > 0 && !secret && fits)
            substitute(p, r, value, b, depth + 1);
        else
            rac_buf_add(b, whole);
        if (value.n > 0 && !secret && !fits)
            note_unsubstituted(p, r);
        if (name.n > 0 && value.n == 0)
            note_unset(p, r, name);
        text = rac_str_from(text, at + len + 2);
        if (rac_buf_err(b) != RAC_OK)
            return;
    }
}

rac_str pm_substitute(struct pm *p, const struct pm_request *r, rac_str text)
{
    if (rac_str_find(text, RAC_S("{{")) == RAC_STR_NPOS)
        return text;
    if (p->substituted_bytes > PM_SUBSTITUTED_MAX) { /* values that hold values that hold values */
        note_unsubstituted(p, r);
        return text;
    }
    struct rac_buf b;
    rac_buf_init(&b, PM_TEXT_BYTES_MAX);
    substitute(p, r, text, &b, 0);
    p->substituted_bytes += b.n;
    if (rac_buf_err(&b) != RAC_OK) {
        note_unsubstituted(p, r);
        rac_buf_fini(&b);
        return text;
    }
    return rac_buf_finish(&b, p->a);
}

/* --- one URL ---------------------------------------------------------------------------------- */

/*
 * The variable a URL starts with is the address, whatever its name: {{token_host}} is no secret
 * when what it holds looks like an address.
 */
static rac_str substitute_head(struct pm *p, const struct pm_request *r, rac_str url)
{
    for (unsigned depth = 0; depth < PM_SUBST_DEPTH_MAX; depth++) {
        size_t skip = rac_str_find(url, RAC_S("://{{"));
        skip = skip == RAC_STR_NPOS || skip > 8 ? 0 : skip + 3;
        rac_str head = rac_str_from(url, skip);
        size_t end = rac_str_find(head, RAC_S("}}"));
        rac_str name;
        if (!rac_str_starts(head, RAC_S("{{")) || end == RAC_STR_NPOS ||
            !pm_is_variable(rac_str_sub(head, 0, end + 2), &name))
            return url;
        bool secret;
        rac_str value = rac_str_trim(pm_variable(p, r, name, &secret));
        bool address = rac_str_find(value, RAC_S("://")) != RAC_STR_NPOS ||
                       rac_str_find_char(value, '.') != RAC_STR_NPOS ||
                       rac_str_starts(value, RAC_S("{{"));
        if (value.n == 0 || (secret && !address))
            return url;
        if (rac_str_find(value, RAC_S("://")) != RAC_STR_NPOS)
            skip = 0; /* brings its own scheme */
        rac_str rest = rac_str_from(head, end + 2);
        while (rac_str_starts(rest, RAC_S("/")) && rac_str_ends(value, RAC_S("/")) &&
               !rac_str_ends(value, RAC_S("://"))) /* "/" and "/a" are no host "a" */
            value.n--;
        url =
            rac_arena_printf(p->a, "%.*s%.*s%.*s", (int)skip, url.p, RAC_FMT(value), RAC_FMT(rest));
    }
    return url;
}

/* Name of a path parameter: what template and designer can carry. */
static rac_str path_name(struct pm *p, rac_str name)
{
    char *out = rac_arena_alloc(p->a, name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        if (rac_is_alnum(ch) || (unsigned char)ch >= 0x80 || ch == '-' || ch == '_' || ch == '.')
            out[n++] = ch;
        else if (n > 0 || i + 1 < name.n)
            out[n] = '_', n += n > 0;
    }
    return n > 0 ? (rac_str){out, n} : RAC_S("value");
}

static const struct pm_entry *path_variable(const struct pm_request *r, rac_str name)
{
    for (size_t i = 0; i < r->path_vars.n; i++)
        if (rac_str_eq(r->path_vars.v[i].key, name))
            return &r->path_vars.v[i];
    return NULL;
}

static bool has_param(const struct pm_request *r, rac_str name)
{
    RAC_JSON_EACH(v, &r->path_params)
    {
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(v, "name"), RAC_S("")), name))
            return true;
    }
    return false;
}

/* ^-?\d+$ without leading zeros and small enough to be one. */
static bool is_integer(rac_str s, int64_t *out)
{
    rac_str d = rac_str_starts(s, RAC_S("-")) ? rac_str_from(s, 1) : s;
    return d.n > 0 && d.n <= 15 && (d.p[0] != '0' || d.n == 1) && rac_str_to_i64(s, out);
}

/* Type, and default unless it is secret, from a saved value (§2.3.3). */
static void refine(struct pm *p, struct rac_json *param, rac_str value, bool secret)
{
    struct rac_json def = rac_json_of_str(value);
    const char *type = "string";
    int64_t n;
    if (is_integer(value, &n)) {
        type = "integer";
        def = rac_json_of_int(n);
    } else if (rac_str_eq(value, RAC_S("true")) || rac_str_eq(value, RAC_S("false"))) {
        type = "boolean";
        def = rac_json_of_bool(value.n == 4);
    }
    RAC_JSON_PUT_STR(p->a, param, "type", rac_str_of(type));
    bool open = rac_str_find(value, RAC_S("{{")) != RAC_STR_NPOS;
    if (value.n > 0 && !secret && !open && !pm_is_secret(p, value))
        RAC_JSON_PUT(p->a, param, "default", def);
}

/* A path parameter for a variable; returns its name in the template. */
static rac_str path_param(struct pm *p, struct pm_request *r, rac_str raw_name)
{
    rac_str base = path_name(p, raw_name), name = base;
    for (unsigned n = 2; has_param(r, name); n++)
        name = rac_arena_printf(p->a, "%.*s_%u", RAC_FMT(base), n);
    const struct pm_entry *own = path_variable(r, raw_name);
    bool secret;
    rac_str value = pm_variable(p, r, raw_name, &secret);
    if (own != NULL && own->value.n > 0)
        value = pm_substitute(p, r, own->value);
    struct rac_json o = rac_json_new_object(p->a);
    RAC_JSON_PUT_STR(p->a, &o, "name", name);
    RAC_JSON_PUT_STR(p->a, &o, "in", RAC_S("path"));
    if (own != NULL && own->description.n > 0)
        RAC_JSON_PUT_STR(p->a, &o, "description", own->description);
    RAC_JSON_PUT(p->a, &o, "required", rac_json_of_bool(true));
    refine(p, &o, value, secret);
    RAC_JSON_PUT_STR(p->a, &o, "x-ms-url-encoding", RAC_S("single"));
    rac_json_add(p->a, &r->path_params, o);
    if (value.n == 0 && own == NULL)
        note_unset(p, r, raw_name);
    return name;
}

/* End of the name after ':': the whole rest when a variable has that name, else identifier. */
static size_t colon_name(const struct pm_request *r, rac_str seg)
{
    if (path_variable(r, rac_str_from(seg, 1)) != NULL)
        return seg.n;
    size_t i = 1;
    while (i < seg.n && (rac_is_alnum(seg.p[i]) || seg.p[i] == '_' || seg.p[i] == '-' ||
                         (unsigned char)seg.p[i] >= 0x80))
        i++;
    return i;
}

/* One opening brace at seg.p[i]: adds "{name}" to b and returns the offset after it, or 0. */
static size_t braces(struct pm *p, struct pm_request *r, rac_str seg, size_t i, struct rac_buf *b)
{
    size_t open = i;
    while (open < seg.n && seg.p[open] == '{')
        open++;
    rac_str rest = rac_str_from(seg, open);
    size_t len = rac_str_find_char(rest, '}');
    if (len == RAC_STR_NPOS || len == 0)
        return 0;
    rac_str name = path_param(p, r, rac_str_trim(rac_str_sub(rest, 0, len)));
    rac_buf_printf(b, "{%.*s}", RAC_FMT(name));
    size_t end = open + len;
    while (end < seg.n && seg.p[end] == '}')
        end++;
    return end;
}

/* A segment as it stands in a path of the definition; its parameters are added. */
static rac_str segment_template(struct pm *p, struct pm_request *r, rac_str seg)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    size_t i = 0;
    if (seg.n > 1 && seg.p[0] == ':' && seg.p[1] != '{' && (i = colon_name(r, seg)) > 1) {
        rac_str name = path_param(p, r, rac_str_sub(seg, 1, i - 1));
        rac_buf_printf(&b, "{%.*s}", RAC_FMT(name));
    } else {
        i = seg.n > 1 && seg.p[0] == ':' && seg.p[1] == '{' ? 1 : 0;
    }
    while (i < seg.n) {
        char ch = seg.p[i];
        size_t next = ch == '{' ? braces(p, r, seg, i, &b) : 0;
        if (next > 0) {
            i = next;
            continue;
        }
        if (ch == '{' || ch == '}' || (unsigned char)ch <= ' ' || ch == '?' || ch == '#')
            rac_buf_printf(&b, "%%%02X", (unsigned char)ch);
        else
            rac_buf_add_char(&b, ch);
        i++;
    }
    return rac_buf_finish(&b, p->a);
}

/* "/v1/{{id}}/x": variables that hold several segments are put in place, others stay. */
static rac_str path_text(struct pm *p, struct pm_request *r, rac_str path)
{
    struct rac_buf b;
    rac_buf_init(&b, PM_TEXT_BYTES_MAX);
    rac_str rest = path;
    bool first = true;
    while (rest.p != NULL) {
        rac_str seg = rac_str_cut(rest, '/', &rest), name;
        if (!first)
            rac_buf_add_char(&b, '/');
        first = false;
        bool secret = false;
        rac_str value = RAC_STR_NULL;
        if (pm_is_variable(seg, &name))
            value = pm_variable(p, r, name, &secret);
        bool whole = value.p != NULL || pm_is_variable(seg, &name);
        if (!whole || (!secret && rac_str_find_char(value, '/') != RAC_STR_NPOS))
            seg = pm_substitute(p, r, seg);
        rac_buf_add(&b, seg);
    }
    if (rac_buf_err(&b) != RAC_OK) {
        rac_buf_fini(&b);
        return path;
    }
    return rac_buf_finish(&b, p->a);
}

static void add_segment(struct pm *p, struct pm_request *r, rac_str seg, size_t *cap)
{
    if (r->segments_n == *cap) {
        size_t n = *cap ? *cap * 2 : 8;
        r->segments =
            rac_arena_grow(p->a, r->segments, *cap * sizeof(rac_str), n * sizeof(rac_str));
        *cap = n;
    }
    r->segments[r->segments_n++] = seg;
}

static void split_path(struct pm *p, struct pm_request *r, rac_str path)
{
    size_t cap = 0;
    rac_str rest = path;
    bool slash = false;
    while (rest.p != NULL) {
        rac_str seg = rac_str_cut(rest, '/', &rest);
        slash = seg.n == 0;
        if (seg.n > 0)
            add_segment(p, r, segment_template(p, r, seg), &cap);
    }
    if (slash && r->segments_n > 0)
        add_segment(p, r, RAC_S(""), &cap);
}

/* Variables of a path as it is written: ":a", "{a}", "{{a}}". */
static size_t count_variables(rac_str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += (path.p[i] == '{' && (i == 0 || path.p[i - 1] != '{')) ||
             (path.p[i] == ':' && i > 0 && path.p[i - 1] == '/');
    return n;
}

bool pm_url(struct pm *p, struct pm_request *r)
{
    rac_str url = substitute_head(p, r, r->url);
    struct rac_convert_url u;
    rac_convert_url_split(url, &u);
    if (u.query.n > 0) { /* a variable brought one */
        rac_str rest = u.query;
        while (rest.p != NULL) {
            rac_str part = rac_str_cut(rest, '&', &rest), value;
            rac_str key = rac_str_cut(part, '=', &value);
            if (key.n > 0)
                pm_list_add(
                    p, &r->query,
                    (struct pm_entry){.key = key, .value = value, .has_value = value.p != NULL});
        }
    }
    r->scheme = rac_str_lower(p->a, rac_str_trim(pm_substitute(p, r, u.scheme)));
    r->host = rac_str_trim(pm_substitute(p, r, u.host));
    if (u.userinfo.p != NULL) {
        pm_vault_add(p, u.userinfo);
        rac_loss(p->c, RAC_RULE_PM_04, r->at, "the user name and password in the URL were dropped");
    }
    rac_str path = path_text(p, r, u.path);
    if (path.n > PM_PATH_BYTES_MAX || count_variables(path) > PM_PATH_VARIABLES_MAX)
        return false;
    split_path(p, r, path);
    if (r->host.n == 0)
        rac_loss(p->c, RAC_RULE_PM_02, r->at,
                 "the request '%.*s' names no host; the connection asks for it", RAC_FMT(r->name));
    return true;
}

/* --- host and base path of the collection -------------------------------------------------- */

static bool host_is_literal(rac_str host)
{
    return host.n > 0 && rac_convert_host_ok(host);
}

static void base_path(struct pm *p, size_t *base_n)
{
    size_t common = SIZE_MAX;
    const struct pm_request *first = NULL;
    for (size_t i = 0; i < p->requests_n; i++) {
        const struct pm_request *r = p->requests[i];
        if (r->method.n == 0)
            continue;
        if (first == NULL)
            first = r;
        /* at least one segment stays in the path: "/v1" + "/" would be another address */
        size_t n = r->segments_n > 0 ? r->segments_n - 1 : 0;
        if (n > 0 && r->segments[n].n == 0)
            n--;
        size_t same = 0;
        while (same < n && same < first->segments_n &&
               rac_str_eq(r->segments[same], first->segments[same]) &&
               rac_str_find_char(r->segments[same], '{') == RAC_STR_NPOS)
            same++;
        common = same < common ? same : common;
    }
    *base_n = common == SIZE_MAX ? 0 : common;
}

static rac_str main_host(struct pm *p)
{
    struct rac_map counts;
    rac_map_init(&counts, p->a);
    uintptr_t best_n = 0;
    rac_str best = RAC_STR_NULL;
    for (size_t i = 0; i < p->requests_n; i++) {
        const struct pm_request *r = p->requests[i];
        if (r->method.n == 0 || !host_is_literal(r->host))
            continue;
        rac_str host = rac_str_lower(p->a, r->host);
        uintptr_t n = (uintptr_t)rac_map_get(&counts, host) + 1;
        rac_map_put(&counts, host, (void *)n);
    }
    for (size_t i = 0; i < counts.n; i++)
        if ((uintptr_t)counts.entries[i].value > best_n) {
            best_n = (uintptr_t)counts.entries[i].value;
            best = counts.entries[i].key;
        }
    return best;
}

static void write_schemes(struct pm *p, struct rac_json *definition)
{
    bool http = false, https = false;
    for (size_t i = 0; i < p->requests_n; i++) {
        rac_str s = p->requests[i]->scheme;
        https = https || rac_str_eq(s, RAC_S("https"));
        http = http || rac_str_eq(s, RAC_S("http"));
    }
    struct rac_json list = rac_json_new_array(p->a);
    if (https || !http)
        rac_json_add(p->a, &list, rac_json_of_str(RAC_S("https")));
    if (http)
        rac_json_add(p->a, &list, rac_json_of_str(RAC_S("http")));
    RAC_JSON_PUT(p->a, definition, "schemes", list);
}

void pm_hosts_begin(struct pm *p, struct rac_json *definition, size_t *base_n)
{
    rac_str host = main_host(p);
    base_path(p, base_n);
    if (host.n > 0)
        RAC_JSON_PUT_STR(p->a, definition, "host", host);
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < p->requests_n && b.n == 0; i++)
        for (size_t s = 0; p->requests[i]->method.n > 0 && s < *base_n; s++)
            rac_buf_printf(&b, "/%.*s", RAC_FMT(p->requests[i]->segments[s]));
    rac_str path = rac_buf_finish(&b, p->a);
    RAC_JSON_PUT_STR(p->a, definition, "basePath", path.n > 0 ? path : RAC_S("/"));
    write_schemes(p, definition);
}

rac_str pm_path(struct pm *p, const struct pm_request *r, size_t base_n)
{
    struct rac_buf b;
    rac_buf_init(&b, PM_TEXT_BYTES_MAX);
    for (size_t i = base_n; i < r->segments_n; i++) {
        rac_buf_add_char(&b, '/');
        rac_buf_add(&b, r->segments[i]);
    }
    rac_str path = rac_buf_finish(&b, p->a);
    return path.n > 0 ? path : RAC_S("/");
}

/* The connection parameter that stands for a variable in a host. */
static rac_str host_parameter(struct pm *p, rac_str variable)
{
    rac_str *known = rac_map_get(&p->hosts, variable);
    if (known != NULL)
        return *known;
    known = RAC_NEW(p->a, rac_str);
    *known = rac_parameter_name(p->c, variable);
    rac_map_put(&p->hosts, variable, known);
    rac_connection_add(
        p->c, &(struct rac_connection_field){
                  .name = *known,
                  .type = RAC_S("string"),
                  .display = variable,
                  .description = RAC_S("Host name of the API, for example api.example.com"),
                  .required = true});
    return *known;
}

/* "{{a}}.example.com" to "https://@connectionParameters('a').example.com". */
static rac_str host_template(struct pm *p, const struct pm_request *r)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    bool http = rac_str_eq(r->scheme, RAC_S("http"));
    rac_buf_add(&b, http ? RAC_S("http://") : RAC_S("https://"));
    rac_str host = r->host.n > 0 ? r->host : RAC_S("{{host}}");
    for (size_t i = 0; i < host.n;) {
        char ch = host.p[i], close = ch == '{' ? '}' : ch == '<' ? '>' : 0;
        size_t open = i;
        while (close != 0 && open < host.n && host.p[open] == ch)
            open++;
        size_t len = close ? rac_str_find_char(rac_str_from(host, open), close) : RAC_STR_NPOS;
        if (len == RAC_STR_NPOS || len == 0) {
            if (ch == '@')
                rac_buf_add_char(&b, '@'); /* @@ is a literal @ */
            rac_buf_add_char(&b, ch);
            i++;
            continue;
        }
        rac_str name = rac_str_trim(rac_str_sub(host, open, len));
        rac_str parameter = host_parameter(p, name);
        rac_buf_printf(&b, "@connectionParameters('%.*s')", RAC_FMT(parameter));
        for (i = open + len; i < host.n && host.p[i] == close; i++)
            ;
    }
    return rac_buf_finish(&b, p->a);
}

struct host_group {
    struct rac_json operations;
    const struct pm_request *first;
    size_t n;
};

void pm_hosts_end(struct pm *p, const struct rac_json *definition)
{
    rac_str host = rac_json_str(RAC_JSON_GET(definition, "host"), RAC_STR_NULL);
    struct rac_map groups; /* template -> struct host_group */
    rac_map_init(&groups, p->a);
    size_t operations_n = 0;
    for (size_t i = 0; i < p->requests_n; i++) {
        const struct pm_request *r = p->requests[i];
        if (r->id.n == 0)
            continue;
        operations_n++;
        if (host.n > 0 && rac_str_eqi(r->host, host))
            continue;
        rac_str template = host_template(p, r);
        struct host_group *g = rac_map_get(&groups, template);
        if (g == NULL) {
            g = RAC_NEW(p->a, struct host_group);
            g->operations = rac_json_new_array(p->a);
            g->first = r;
            rac_map_put(&groups, template, g);
        }
        g->n++;
        rac_json_add(p->a, &g->operations, rac_json_of_str(r->id));
        if (host_is_literal(r->host))
            rac_loss(p->c, RAC_RULE_PM_03, r->at,
                     "'%.*s' goes to %.*s instead of %.*s; a policy keeps that host",
                     RAC_FMT(r->id), RAC_FMT(r->host), RAC_FMT(host));
    }
    for (size_t i = 0; i < groups.n; i++) {
        struct host_group *g = groups.entries[i].value;
        rac_policy_host(p->c, groups.entries[i].key, g->n == operations_n ? NULL : &g->operations);
    }
}
