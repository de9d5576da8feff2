/*
 * Servers of OpenAPI 3: the first one gives host, basePath and schemes; variables and servers of
 * single operations become dynamichosturl policies (connectors.md §2.6, §6.6).
 */
#include "openapi/openapi3_priv.h"

struct server {
    rac_str literal;  /* defaults put in, resolved; may be relative */
    rac_str template; /* with @connectionParameters('x') */
    bool variables;   /* the template differs from the literal */
    bool absolute;
    bool gap; /* a variable has no value: the literal is no address */
};

/* Value of a variable: its default, or its only one; *fixed when nothing is left to choose. */
static rac_str variable_default(const struct rac_json *v, bool *fixed)
{
    const struct rac_json *list = RAC_JSON_GET(v, "enum");
    rac_str def = rac_json_str(RAC_JSON_GET(v, "default"), RAC_S(""));
    if (def.n == 0)
        def = rac_json_str(rac_json_at(list, 0), RAC_S(""));
    *fixed = rac_json_len(list) == 1 && def.n > 0;
    return def;
}

static void add_parameter(struct o3 *x, rac_str name, const struct rac_json *v)
{
    bool fixed;
    rac_str description = rac_json_str(RAC_JSON_GET(v, "description"), RAC_S(""));
    struct rac_json allowed = rac_json_new_array(x->a);
    RAC_JSON_EACH(e, RAC_JSON_GET(v, "enum"))
    {
        if (rac_json_is_string(e))
            rac_json_add(x->a, &allowed, *e);
    }
    rac_connection_add(x->c, &(struct rac_connection_field){
                                 .name = name,
                                 .type = RAC_S("string"),
                                 .display = name,
                                 .description = description.n > 0
                                                    ? description
                                                    : RAC_S("Part of the address of the API"),
                                 .default_value = variable_default(v, &fixed),
                                 .required = true,
                                 .allowed = &allowed});
}

/* A name policies can carry, and no credential is asked for by. */
static rac_str plain_name(struct o3 *x, rac_str name)
{
    const struct rac_json *schemes =
        RAC_JSON_GET(RAC_JSON_GET(x->root, "components"), "securitySchemes");
    char *p = rac_arena_alloc(x->a, name.n + 1);
    for (size_t i = 0; i < name.n; i++)
        p[i] = rac_is_alnum(name.p[i]) ? name.p[i] : '_';
    rac_str plain = {p, name.n};
    bool taken = rac_parameter_is_credential(plain) || rac_json_get(schemes, name) != NULL;
    return taken ? rac_str_concat(x->a, plain, RAC_S("_2")) : plain;
}

static void server_read(struct o3 *x, const struct rac_place *at, bool add, struct server *out)
{
    *out = (struct server){0};
    rac_str url = rac_str_trim(rac_json_str(RAC_JSON_GET(at->node, "url"), RAC_S("/")));
    struct rac_buf lit, tpl;
    rac_buf_init(&lit, 1 << 16);
    rac_buf_init(&tpl, 1 << 16);
    for (size_t i = 0; i < url.n;) {
        rac_str rest = rac_str_from(url, i + 1);
        size_t len = url.p[i] == '{' ? rac_str_find_char(rest, '}') : RAC_STR_NPOS;
        if (len == RAC_STR_NPOS || len == 0) {
            rac_buf_add_char(&lit, url.p[i]);
            if (url.p[i] == '@')
                rac_buf_add_char(&tpl, '@');
            rac_buf_add_char(&tpl, url.p[i++]);
            continue;
        }
        rac_str name = rac_str_sub(rest, 0, len);
        const struct rac_json *v = rac_json_get(RAC_JSON_GET(at->node, "variables"), name);
        bool fixed;
        rac_str def = variable_default(v, &fixed);
        rac_buf_add(&lit, def);
        out->gap = out->gap || def.n == 0;
        if (fixed) {
            rac_buf_add(&tpl, def);
        } else {
            out->variables = true;
            rac_str parameter = plain_name(x, name);
            rac_buf_printf(&tpl, "@connectionParameters('%.*s')", RAC_FMT(parameter));
            if (add)
                add_parameter(x, parameter, v);
        }
        i += len + 2;
    }
    out->literal = rac_buf_finish(&lit, x->a);
    out->template = rac_buf_finish(&tpl, x->a);
    struct rac_convert_url u;
    rac_convert_url_split(out->literal, &u);
    bool relative = u.scheme.p == NULL && !rac_str_starts(out->literal, RAC_S("//"));
    if (relative && x->c->o->url.n > 0) {
        out->literal = rac_convert_url_resolve(x->a, x->c->o->url, out->literal);
        out->template = out->variables ? rac_convert_url_resolve(x->a, x->c->o->url, out->template)
                                       : out->literal;
        relative = false;
    }
    out->absolute = !relative;
}

static rac_str trim_slashes(rac_str path)
{
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

static void add_scheme(struct o3 *x, const struct rac_place *at, rac_str scheme,
                       struct rac_json *list)
{
    scheme = rac_str_lower(x->a, scheme);
    if (rac_str_eq(scheme, RAC_S("https")) || rac_str_eq(scheme, RAC_S("http")))
        rac_json_add_string_once(x->a, list, scheme);
    else if (scheme.n > 0)
        o3_loss(x, RAC_RULE_O3_02, at, "the scheme '%.*s' is not http or https",
                (int)(scheme.n < 60 ? scheme.n : 60), scheme.p);
}

/* Does the second server differ from the first in its scheme alone? */
static bool same_but_scheme(const struct rac_convert_url *p, const struct rac_convert_url *q)
{
    return rac_str_eqi(p->host, q->host) &&
           rac_str_eq(trim_slashes(p->path), trim_slashes(q->path));
}

static void other_servers(struct o3 *x, const struct rac_place *all,
                          const struct rac_convert_url *first, struct rac_json *schemes)
{
    size_t n = rac_json_is_array(all->node) ? rac_json_len(all->node) : 0;
    for (size_t i = 1; i < n; i++) {
        struct rac_place at = rac_place_at(all, i, rac_json_at(all->node, i));
        struct server s;
        struct rac_convert_url u;
        server_read(x, &at, false, &s);
        rac_convert_url_split(s.literal, &u);
        if (!s.variables && s.absolute && same_but_scheme(first, &u))
            add_scheme(x, &at, u.scheme, schemes);
        else
            o3_loss(x, RAC_RULE_O3_02, &at, "the server %.*s was left out",
                    (int)(s.literal.n < 200 ? s.literal.n : 200), s.literal.p);
    }
}

/* What a server object says beside its address. */
static void tell_server(struct o3 *x, const struct rac_place *at)
{
    static const char *const known[] = {"url", "variables", NULL};
    static const char *const of_variable[] = {"default", "enum", "description", NULL};
    struct rac_place all = RAC_PLACE_KEY(at, "variables", RAC_JSON_GET(at->node, "variables"));
    o3_lost(x, at, known, "a server");
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place v = rac_place_key(&all, rac_json_key(m), &m->value);
        o3_lost(x, &v, of_variable, "a server variable");
    }
}

/* The further servers of an operation or a path item, whose operations share them. */
static void further_servers(struct o3 *x, const struct rac_place *all)
{
    if (o3_by_address(&x->told, all->node) != NULL)
        return;
    o3_put_address(x, &x->told, all->node, x);
    for (size_t i = 1; i < rac_json_len(all->node); i++) {
        struct rac_place at = rac_place_at(all, i, rac_json_at(all->node, i));
        struct server s;
        server_read(x, &at, false, &s);
        o3_loss(x, RAC_RULE_O3_02, &at, "the server %.*s was left out",
                (int)(s.literal.n < 200 ? s.literal.n : 200), s.literal.p);
    }
}

static struct rac_place servers_place(const struct rac_place *owner)
{
    return RAC_PLACE_KEY(owner, "servers", RAC_JSON_GET(owner->node, "servers"));
}

void o3_servers_root(struct o3 *x)
{
    struct rac_place root = rac_place_root(&x->c->main, RAC_S(""), x->root);
    struct rac_place all = servers_place(&root);
    struct rac_place first = rac_place_at(&all, 0, rac_json_at(all.node, 0));
    struct server s;
    struct rac_convert_url u;
    server_read(x, &first, true, &s);
    tell_server(x, &first);
    rac_convert_url_split(s.literal, &u);
    if (s.absolute)
        x->server_url = s.literal;
    if (s.gap)
        o3_loss(x, RAC_RULE_O3_16, &first, "a variable of the server has no default");
    if (s.absolute && !s.gap && rac_convert_host_ok(u.host))
        RAC_JSON_PUT_STR(x->a, x->out, "host", u.host);
    rac_str base = trim_slashes(u.path);
    RAC_JSON_PUT_STR(x->a, x->out, "basePath", base.n > 0 && base.p[0] == '/' ? base : RAC_S("/"));
    if (u.query.n > 0)
        o3_loss(x, RAC_RULE_O3_02, &first, "the query of the server URL was dropped");
    if (u.userinfo.p != NULL)
        o3_loss(x, RAC_RULE_O3_02, &first, "the user name in the server URL was dropped");
    struct rac_json schemes = rac_json_new_array(x->a), ordered = rac_json_new_array(x->a);
    add_scheme(x, &first, u.scheme, &schemes);
    other_servers(x, &all, &u, &schemes);
    if (rac_json_len(&schemes) == 0 || rac_json_array_has(&schemes, RAC_S("https")))
        rac_json_add(x->a, &ordered, rac_json_of_str(RAC_S("https")));
    if (rac_json_array_has(&schemes, RAC_S("http")))
        rac_json_add(x->a, &ordered, rac_json_of_str(RAC_S("http")));
    RAC_JSON_PUT(x->a, x->out, "schemes", ordered);
}

void o3_servers_operation(struct o3 *x, const struct rac_place *item, const struct rac_place *op,
                          rac_str id)
{
    struct rac_place all = servers_place(op);
    if (rac_json_len(all.node) == 0)
        all = servers_place(item);
    if (rac_json_len(all.node) == 0) {
        rac_json_add(x->a, &x->base_operations, rac_json_of_str(id));
        return;
    }
    struct rac_place first = rac_place_at(&all, 0, rac_json_at(all.node, 0));
    struct server s;
    further_servers(x, &all);
    server_read(x, &first, false, &s);
    if (!s.absolute ||
        (!s.variables && rac_str_eq(trim_slashes(s.literal), trim_slashes(x->server_url)))) {
        rac_json_add(x->a, &x->base_operations, rac_json_of_str(id));
        if (!s.absolute)
            o3_loss(x, RAC_RULE_O3_01, &first,
                    "the relative server of this operation was left out");
        return;
    }
    server_read(x, &first, true, &s);
    rac_str template = trim_slashes(s.template);
    struct rac_convert_url u;
    rac_convert_url_split(template, &u);
    if (u.path.n == 0) /* a path, so that the root's basePath does not join it */
        template = rac_str_concat(x->a, template, RAC_S("/"));
    struct rac_json *known = rac_map_get(&x->own_servers, template);
    if (known == NULL) {
        known = RAC_NEW(x->a, struct rac_json);
        *known = rac_json_new_array(x->a);
        rac_map_put(&x->own_servers, template, known);
        o3_loss(x, RAC_RULE_O3_02, &first, "a policy sends this operation to %.*s",
                (int)(s.literal.n < 200 ? s.literal.n : 200), s.literal.p);
    }
    rac_json_add(x->a, known, rac_json_of_str(id));
}

void o3_servers_end(struct o3 *x)
{
    struct rac_place root = rac_place_root(&x->c->main, RAC_S(""), x->root);
    struct rac_place all = servers_place(&root);
    struct rac_place first = rac_place_at(&all, 0, rac_json_at(all.node, 0));
    size_t base_n = rac_json_len(&x->base_operations);
    const struct rac_json *some = base_n == x->operations_n ? NULL : &x->base_operations;
    struct server s;
    server_read(x, &first, false, &s);
    if (base_n > 0 && s.absolute && (s.variables || RAC_JSON_GET(x->out, "host") == NULL)) {
        rac_policy_host(x->c, trim_slashes(s.template), some);
    } else if (base_n > 0 && !s.absolute) {
        o3_loss(x, RAC_RULE_O3_01, first.node != NULL ? &first : &root,
                "%s; the connection asks for the host",
                first.node != NULL ? "the server URL is relative and the address of the file is "
                                     "not known"
                                   : "no server is named and the address of the file is not known");
        rac_str name = rac_parameter_name(x->c, RAC_S("host"));
        rac_connection_add(
            x->c, &(struct rac_connection_field){
                      .name = name,
                      .type = RAC_S("string"),
                      .display = RAC_S("Host"),
                      .description = RAC_S("Host name of the API, for example api.example.com"),
                      .required = true});
        rac_str path = s.variables ? trim_slashes(s.template) : RAC_S("");
        rac_policy_host(x->c,
                        rac_arena_printf(x->a, "https://@connectionParameters('%.*s')%s%.*s",
                                         RAC_FMT(name), path.n > 0 && path.p[0] != '/' ? "/" : "",
                                         RAC_FMT(path)),
                        some);
    }
    for (size_t i = 0; i < x->own_servers.n; i++)
        rac_policy_host(x->c, x->own_servers.entries[i].key, x->own_servers.entries[i].value);
}
