/*
 * connection - values against parameters: the one place that decides whether a connection is whole.
 *
 * rac_connection_make walks the input once (unknown names, types, allowed values), then the
 * parameters once (defaults, dependencies, what is missing). Secret values are copied and wiped
 * with the arena; no message repeats a value of a secret parameter.
 */
#include "connector/connection.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/secret.h"
#include "base/time.h"
#include "connector/auth.h"

struct making {
    const struct rac_connector *c;
    struct rac_connection *out;
    const struct rac_connection *old; /* of a change */
    struct rac_arena *a;
    struct rac_diags *diags;
    unsigned flags;
    rac_ms now_ms;
    bool failed;
};

static struct rac_diag *RAC_PRINTF(4, 5)
    problem(struct making *m, const char *code, rac_str pointer, const char *fmt, ...)
{
    enum { MESSAGE_MAX = 512 };
    va_list ap;
    va_start(ap, fmt);
    rac_str text = rac_arena_vprintf_max(m->a, MESSAGE_MAX, fmt, ap);
    va_end(ap);
    m->failed = true;
    struct rac_diag *d = rac_diags_addf(m->diags, code, RAC_SEV_ERROR, "%.*s", RAC_FMT(text));
    if (d != NULL)
        d->pointer = pointer;
    return d;
}

/* --- dependencies --------------------------------------------------------------------------- */

static const struct rac_json *constraint(const struct rac_conn_param *p, rac_str key)
{
    const struct rac_json *ui = RAC_JSON_GET(&p->node, "uiDefinition");
    return rac_json_get(RAC_JSON_GET(ui, "constraints"), key);
}

static rac_str scalar_text(const struct rac_json *v, struct rac_arena *a)
{
    if (rac_json_is_string(v))
        return rac_json_str(v, RAC_S(""));
    if (rac_json_is_bool(v) || rac_json_is_number(v))
        return rac_json_print_str(v, 0, a);
    return RAC_S("");
}

/* What another parameter holds now: its value, or the default it will get. */
static rac_str current_text(const struct making *m, rac_str name)
{
    const struct rac_conn_param *p = rac_conn_param_find(m->out->set, name);
    if (p == NULL)
        return RAC_S("");
    const struct rac_json *v = rac_json_get(&m->out->values, p->name);
    if (v != NULL)
        return scalar_text(v, m->a);
    return p->default_value.p != NULL ? p->default_value : RAC_S("");
}

static bool holds_one_of(const struct making *m, rac_str name, const struct rac_json *values)
{
    rac_str now = current_text(m, name);
    if (!rac_json_is_array(values))
        return rac_str_eqi(now, scalar_text(values, m->a));
    RAC_JSON_EACH(v, values)
    {
        const struct rac_json *plain = rac_json_is_object(v) ? RAC_JSON_GET(v, "value") : v;
        if (rac_str_eqi(now, scalar_text(plain, m->a)))
            return true;
    }
    return false;
}

/* A parameter is asked for only while the ones it depends on hold certain values (§1.3.1). */
static bool is_asked(const struct making *m, const struct rac_conn_param *p)
{
    const struct rac_json *deps = constraint(p, RAC_S("dependencies"));
    if (rac_json_is_object(deps))
        RAC_JSON_EACH_MEMBER(d, deps)
        {
            const struct rac_json *values = RAC_JSON_GET(&d->value, "values");
            if (!holds_one_of(m, rac_json_key(d), values != NULL ? values : &d->value))
                return false;
        }
    const struct rac_json *one = constraint(p, RAC_S("dependentParameter"));
    if (rac_json_is_object(one))
        return holds_one_of(m, rac_json_str(RAC_JSON_GET(one, "parameter"), RAC_S("")),
                            RAC_JSON_GET(one, "value"));
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static rac_str keep(struct making *m, const struct rac_conn_param *p, rac_str s)
{
    rac_str copy = rac_arena_str(m->a, s);
    if (p->secret && copy.n > 0)
        rac_secret_wipe_with(m->a, copy);
    return copy;
}

static void wrong_type(struct making *m, const struct rac_conn_param *p, const struct rac_json *v,
                       const char *want, rac_str at)
{
    problem(m, "RC-CONN-04", at, "parameter \"%.*s\" must be %s, not %.*s", RAC_FMT(p->name), want,
            RAC_FMT(rac_json_type_name(v)));
}

/* v as p's type; false when it cannot be (reported). Text that spells a number or a boolean
 * exactly is taken as one, and the other way round. */
static bool coerce(struct making *m, const struct rac_conn_param *p, const struct rac_json *v,
                   rac_str at, struct rac_json *out)
{
    rac_str s = rac_str_trim(rac_json_str(v, RAC_S("")));
    int64_t i;
    switch (p->type) {
    case RAC_CONN_INT:
        if (rac_json_is_number(v) && rac_json_int(v, INT64_MIN) != INT64_MIN)
            *out = rac_json_of_int(rac_json_int(v, 0));
        else if (rac_json_is_string(v) && rac_str_to_i64(s, &i))
            *out = rac_json_of_int(i);
        else
            return wrong_type(m, p, v, "a whole number", at), false;
        return true;
    case RAC_CONN_BOOL:
        if (rac_json_is_bool(v))
            *out = *v;
        else if (rac_str_eqi(s, RAC_S("true")) || rac_str_eqi(s, RAC_S("false")))
            *out = rac_json_of_bool(rac_lower(s.p[0]) == 't');
        else
            return wrong_type(m, p, v, "true or false", at), false;
        return true;
    default:
        if (rac_json_is_string(v))
            *out = rac_json_of_str(keep(m, p, rac_json_str(v, RAC_S(""))));
        else if (rac_json_is_bool(v) || rac_json_is_number(v))
            *out = rac_json_of_str(rac_json_print_str(v, 0, m->a));
        else
            return wrong_type(m, p, v, "text", at), false;
        return true;
    }
}

/* The closed list: exact spelling first, then ignoring letter case (the list's spelling wins). */
static bool check_allowed(struct making *m, const struct rac_conn_param *p, struct rac_json *v,
                          rac_str at)
{
    if (rac_json_len(&p->allowed) == 0)
        return true;
    rac_str text = scalar_text(v, m->a);
    RAC_JSON_EACH(e, &p->allowed)
    if (rac_str_eq(text, scalar_text(RAC_JSON_GET(e, "value"), m->a)))
        return true;
    RAC_JSON_EACH(e, &p->allowed)
    {
        rac_str want = scalar_text(RAC_JSON_GET(e, "value"), m->a);
        if (rac_str_eqi(text, want)) {
            if (rac_json_is_string(v))
                *v = rac_json_of_str(want);
            return true;
        }
    }
    struct rac_buf b;
    rac_buf_init(&b, 400);
    RAC_JSON_EACH(e, &p->allowed)
    {
        rac_str want = scalar_text(RAC_JSON_GET(e, "value"), m->a);
        if (want.n + 2 > b.bytes_max - b.n - 4) {
            rac_buf_add(&b, RAC_S(", …"));
            break;
        }
        rac_buf_printf(&b, "%s%.*s", b.n > 0 ? ", " : "", RAC_FMT(want));
    }
    struct rac_diag *d = problem(m, "RC-CONN-05", at,
                                 "parameter \"%.*s\" has a value that is not one of those allowed",
                                 RAC_FMT(p->name));
    if (d != NULL)
        d->fix = rac_arena_printf(m->a, "use one of: %.*s", RAC_FMT(rac_buf_str(&b)));
    rac_buf_fini(&b);
    return false;
}

/* --- tokens ----------------------------------------------------------------------------------- */

#define SECONDS_MAX INT64_C(100000000000)
#define TIME_MS_MAX INT64_C(253402300799000) /* the year 9999 ends */

static bool token_expiry(struct making *m, const struct rac_json *v, struct rac_oauth_token *t)
{
    const struct rac_json *at = RAC_JSON_GET(v, "expires_at");
    const struct rac_json *in = RAC_JSON_GET(v, "expires_in");
    int64_t n;
    if (rac_json_is_number(at) || rac_str_to_i64(rac_json_str(at, RAC_S("")), &n)) {
        double d = rac_json_is_number(at) ? rac_json_double(at, -1) : (double)n;
        if (!(d >= 0 && d <= (double)TIME_MS_MAX))
            return false;
        n = (int64_t)d;
        /* Seconds; a number this large can only be milliseconds. */
        t->expires_at_ms = n > SECONDS_MAX ? n : n * 1000;
        return true;
    }
    if (rac_json_is_string(at))
        return rac_time_parse(rac_json_str(at, RAC_S("")), &t->expires_at_ms);
    if (rac_json_is_number(in) || rac_str_to_i64(rac_json_str(in, RAC_S("")), &n)) {
        n = rac_json_is_number(in) ? rac_json_int(in, -1) : n;
        if (n < 0 || n > SECONDS_MAX)
            return false;
        t->expires_at_ms = m->now_ms + n * 1000;
        return true;
    }
    return (at == NULL || rac_json_is_null(at)) && (in == NULL || rac_json_is_null(in));
}

static struct rac_oauth_token *token_add(struct making *m, rac_str parameter)
{
    struct rac_connection *c = m->out;
    for (size_t i = 0; i < c->tokens_n; i++)
        if (rac_str_eq(c->tokens[i].parameter, parameter)) {
            c->tokens[i] = (struct rac_oauth_token){.parameter = parameter};
            return &c->tokens[i];
        }
    /* tokens has room for one per parameter of the set. */
    c->tokens[c->tokens_n] = (struct rac_oauth_token){.parameter = parameter};
    return &c->tokens[c->tokens_n++];
}

static void token_del(struct making *m, rac_str parameter)
{
    struct rac_connection *c = m->out;
    size_t kept = 0;
    for (size_t i = 0; i < c->tokens_n; i++)
        if (!rac_str_eq(c->tokens[i].parameter, parameter))
            c->tokens[kept++] = c->tokens[i];
    c->tokens_n = kept;
}

/* Those the store keeps; one that was just typed in stays. */
static void stored_tokens_del(struct making *m)
{
    struct rac_connection *c = m->out;
    size_t kept = 0;
    for (size_t i = 0; i < c->tokens_n; i++)
        if (c->tokens[i].generation == 0)
            c->tokens[kept++] = c->tokens[i];
    c->tokens_n = kept;
}

static void take_token(struct making *m, const struct rac_conn_param *p, const struct rac_json *v,
                       rac_str at)
{
    struct rac_oauth_token t = {.parameter = p->name};
    if (rac_json_is_string(v)) {
        t.access = keep(m, p, rac_str_trim(rac_json_str(v, RAC_S(""))));
    } else if (rac_json_is_object(v)) {
        rac_str access = rac_json_str(RAC_JSON_GET(v, "access_token"), RAC_STR_NULL);
        rac_str refresh = rac_json_str(RAC_JSON_GET(v, "refresh_token"), RAC_STR_NULL);
        rac_str type = rac_json_str(RAC_JSON_GET(v, "token_type"), RAC_STR_NULL);
        rac_str scope = rac_json_str(RAC_JSON_GET(v, "scope"), RAC_STR_NULL);
        if (access.n > 0)
            t.access = keep(m, p, access);
        if (refresh.n > 0)
            t.refresh = keep(m, p, refresh);
        rac_str assertion = rac_str_trim(rac_json_str(RAC_JSON_GET(v, "assertion"), RAC_STR_NULL));
        if (assertion.n > 0)
            t.assertion = keep(m, p, assertion);
        if (type.n > 0)
            t.type = rac_arena_str(m->a, type);
        if (scope.n > 0)
            t.scope = rac_arena_str(m->a, scope);
        if (!token_expiry(m, v, &t)) {
            problem(m, "RC-CONN-07", at,
                    "expires_at of \"%.*s\" is neither seconds since 1970 nor a time such as "
                    "2026-01-31T12:00:00Z",
                    RAC_FMT(p->name));
            return;
        }
    }
    if (t.access.n == 0 && t.refresh.n == 0 && t.assertion.n == 0) {
        struct rac_diag *d = problem(m, "RC-CONN-07", at,
                                     "parameter \"%.*s\" needs an access token", RAC_FMT(p->name));
        if (d != NULL)
            d->fix = RAC_S("give the token as text, or an object with access_token and, where "
                           "there is one, refresh_token and expires_at");
        return;
    }
    *token_add(m, p->name) = t;
}

/* --- the walk over the input ------------------------------------------------------------------ */

/* Unknown name: says so, with the nearest one that exists. */
static void unknown_name(struct making *m, rac_str name, rac_str at)
{
    rac_str near = RAC_STR_NULL;
    unsigned best = 4;
    for (size_t i = 0; i < m->out->set->params_n; i++) {
        rac_str have = m->out->set->params[i].name;
        unsigned d = rac_str_distance(rac_str_lower(m->a, name), rac_str_lower(m->a, have));
        if (d < best) {
            best = d;
            near = have;
        }
    }
    bool partial = (m->flags & RAC_CONNECTION_PARTIAL) != 0;
    struct rac_diag *d =
        rac_diags_addf(m->diags, "RC-CONN-02", partial ? RAC_SEV_WARNING : RAC_SEV_ERROR,
                       "the connector has no connection parameter \"%.*s\"", RAC_FMT(name));
    if (d != NULL) {
        d->pointer = at;
        if (near.p != NULL)
            d->fix = rac_arena_printf(m->a, "did you mean \"%.*s\"?", RAC_FMT(near));
    }
    m->failed = m->failed || !partial;
}

static const struct rac_conn_param *find_param(const struct rac_conn_set *s, rac_str name)
{
    const struct rac_conn_param *p = rac_conn_param_find(s, name);
    if (p != NULL)
        return p;
    /* Companions may be given without the name of their owner: "TenantId" for "token:TenantId". */
    for (size_t i = 0; i < s->params_n; i++)
        if (rac_str_eqi(rac_conn_param_companion(&s->params[i]), name))
            return &s->params[i];
    return NULL;
}

static void take_value(struct making *m, const struct rac_conn_param *p, const struct rac_json *v,
                       rac_str at)
{
    struct rac_json value;
    if (rac_json_is_null(v)) {
        rac_json_del(&m->out->values, p->name);
        if (p->type == RAC_CONN_OAUTH)
            token_del(m, p->name);
        return;
    }
    switch (p->type) {
    case RAC_CONN_OAUTH:
        take_token(m, p, v, at);
        return;
    case RAC_CONN_GATEWAY: /* §4.8: there is nothing to choose */
        return;
    case RAC_CONN_OTHER:
        problem(m, "RC-PROP-04", at,
                "a connection cannot be made yet with a parameter of type \"%.*s\" (\"%.*s\")",
                RAC_FMT(p->type_name), RAC_FMT(p->name));
        return;
    default:
        break;
    }
    if (!coerce(m, p, v, at, &value))
        return;
    bool empty = rac_json_is_string(&value) && value.n == 0;
    if (empty && (p->default_value.p != NULL || p->required))
        return; /* left empty: the default, or missing */
    if (!empty && !check_allowed(m, p, &value, at))
        return;
    rac_json_put(m->a, &m->out->values, p->name, value);
}

/* {"value": x} stands for x, except where it is the token object itself. */
static const struct rac_json *unwrap(const struct rac_json *v)
{
    const struct rac_json *inner = RAC_JSON_GET(v, "value");
    return rac_json_is_object(v) && inner != NULL && rac_json_len(v) == 1 ? inner : v;
}

static void take_values(struct making *m, const struct rac_json *values, rac_str pointer)
{
    RAC_JSON_EACH_MEMBER(v, values)
    {
        if (rac_arena_over(m->a))
            return;
        rac_str name = rac_json_key(v);
        rac_str at = rac_json_pointer_join(m->a, pointer, name);
        const struct rac_conn_param *p = find_param(m->out->set, name);
        if (p == NULL)
            unknown_name(m, name, at);
        else
            take_value(m, p, unwrap(&v->value), at);
    }
}

static void fill_defaults(struct making *m)
{
    for (size_t i = 0; i < m->out->set->params_n; i++) {
        const struct rac_conn_param *p = &m->out->set->params[i];
        if (p->default_value.p == NULL || p->type == RAC_CONN_OAUTH || p->type >= RAC_CONN_GATEWAY)
            continue;
        if (rac_json_get(&m->out->values, p->name) != NULL || !is_asked(m, p))
            continue;
        struct rac_json text = rac_json_of_str(p->default_value), value;
        struct rac_diags *quiet = m->diags;
        bool failed = m->failed;
        m->diags = NULL; /* a default of the wrong type is the definition's fault: sent as text */
        if (!coerce(m, p, &text, RAC_STR_NULL, &value))
            value = text;
        m->diags = quiet;
        m->failed = failed;
        rac_json_put(m->a, &m->out->values, p->name, value);
    }
}

static bool is_from_identity(const struct rac_conn_param *p)
{
    return RAC_JSON_GET(RAC_JSON_GET(&p->node, "metadata"), "sourceType") != NULL;
}

static void check_missing(struct making *m, rac_str pointer)
{
    if (m->flags & RAC_CONNECTION_PARTIAL)
        return;
    for (size_t i = 0; i < m->out->set->params_n; i++) {
        const struct rac_conn_param *p = &m->out->set->params[i];
        if (!p->required || p->hidden || p->type == RAC_CONN_OAUTH || is_from_identity(p))
            continue;
        if (rac_json_get(&m->out->values, p->name) != NULL || !is_asked(m, p))
            continue;
        if (p->type == RAC_CONN_OTHER) {
            problem(m, "RC-PROP-04", pointer,
                    "a connection cannot be made yet with a parameter of type \"%.*s\" (\"%.*s\")",
                    RAC_FMT(p->type_name), RAC_FMT(p->name));
            continue;
        }
        struct rac_diag *d = problem(m, "RC-CONN-03", rac_json_pointer_join(m->a, pointer, p->name),
                                     "parameter \"%.*s\" (%.*s) is required and has no value",
                                     RAC_FMT(p->name), RAC_FMT(p->display_name));
        if (d != NULL && p->description.n > 0)
            d->fix = p->description;
    }
}

/* --- which set -------------------------------------------------------------------------------- */

/* The set a flat list of values fits best: most names known, the first of equals. */
static const struct rac_conn_set *guess_set(const struct rac_connector *c,
                                            const struct rac_json *values)
{
    const struct rac_conn_set *best = rac_conn_set_find(c, RAC_STR_NULL);
    size_t best_n = 0;
    for (size_t i = 0; i < c->sets_n && c->sets_n > 1; i++) {
        size_t n = 0;
        RAC_JSON_EACH_MEMBER(v, values)
        if (find_param(&c->sets[i], rac_json_key(v)) != NULL)
            n++;
        if (n > best_n) {
            best_n = n;
            best = &c->sets[i];
        }
    }
    return best;
}

static const struct rac_conn_set no_set = {.allow_sharing = true};

/* Reads the shape of the input: which set, and where its values stand. False: reported. */
static bool choose_set(struct making *m, const struct rac_json *input,
                       const struct rac_json **values, rac_str *pointer)
{
    const struct rac_json *inner = RAC_JSON_GET(input, "values");
    const struct rac_json *name = RAC_JSON_GET(input, "set");
    if (name == NULL)
        name = RAC_JSON_GET(input, "name");
    *values = input;
    *pointer = RAC_S("");
    if (rac_json_is_object(inner) && (rac_json_is_string(name) || rac_json_len(input) == 1)) {
        *values = inner;
        *pointer = RAC_S("/values");
        rac_str want = rac_json_str(name, RAC_S(""));
        if (want.n > 0) {
            m->out->set = rac_conn_set_find(m->c, want);
            if (m->out->set == NULL) {
                struct rac_diag *d =
                    problem(m, "RC-CONN-01", RAC_S("/set"),
                            "the connector has no parameter set \"%.*s\"", RAC_FMT(want));
                if (d != NULL && m->c->multi_auth)
                    d->fix = rac_arena_printf(m->a, "the first of its %zu sets is \"%.*s\"",
                                              m->c->sets_n, RAC_FMT(m->c->sets[0].name));
                return false;
            }
        }
    }
    if (m->out->set == NULL)
        m->out->set = guess_set(m->c, *values);
    if (m->out->set == NULL)
        m->out->set = &no_set;
    return true;
}

/* A connection with an OAuth parameter and no token waits for somebody to sign in. */
static void set_status(struct rac_connection *c)
{
    c->status = (struct rac_status){.status = RAC_CONNECTION_CONNECTED};
    if (!rac_auth_needs_sign_in(c))
        return;
    c->status = (struct rac_status){
        .status = RAC_CONNECTION_UNAUTHENTICATED,
        .target = rac_conn_param_oauth(c->set)->name,
        .code = RAC_S("ConsentRequired"),
        .message = RAC_S("Sign in: ask for a consent link (raccord connection consent) and open it "
                         "in a browser."),
    };
}

static rac_err finish(struct making *m, const struct rac_json *input, struct rac_connection **out)
{
    const struct rac_json *values = NULL;
    rac_str pointer = RAC_S("");
    if (input != NULL && !rac_json_is_null(input) && !rac_json_is_object(input)) {
        problem(m, "RC-CONN-06", RAC_S(""), "a connection must be an object, not %.*s",
                RAC_FMT(rac_json_type_name(input)));
        return RAC_E_INVALID;
    }
    if (m->out->set == NULL && !choose_set(m, input, &values, &pointer))
        return RAC_E_INVALID;
    if (values == NULL)
        values = input;
    if (m->out->tokens == NULL)
        m->out->tokens = RAC_NEW_N(m->a, struct rac_oauth_token, m->out->set->params_n);
    take_values(m, values, pointer);
    fill_defaults(m);
    check_missing(m, pointer);
    if (rac_arena_over(m->a))
        return RAC_E_LIMIT;
    if (m->failed)
        return RAC_E_INVALID;
    if (m->old != NULL && !rac_auth_keeps_tokens(m->old, m->out))
        stored_tokens_del(m);
    set_status(m->out);
    *out = m->out;
    return RAC_OK;
}

rac_err rac_connection_make(const struct rac_connector *c, const struct rac_json *input,
                            unsigned flags, rac_ms now_ms, struct rac_arena *a,
                            struct rac_connection **out, struct rac_diags *diags)
{
    struct making m = {
        .c = c, .a = a, .diags = diags, .flags = flags, .now_ms = now_ms, .failed = false};
    m.out = RAC_NEW(a, struct rac_connection);
    m.out->values = rac_json_new_object(a);
    return finish(&m, input, out);
}

/* Another set is another way to sign in: nothing of the old values is kept then. */
static bool changes_set(const struct rac_connection *old, const struct rac_json *input)
{
    const struct rac_json *name = RAC_JSON_GET(input, "set");
    if (name == NULL)
        name = RAC_JSON_GET(input, "name");
    rac_str want = rac_json_str(name, RAC_S(""));
    return want.n > 0 && rac_json_is_object(RAC_JSON_GET(input, "values")) &&
           !rac_str_eqi(want, old->set->name);
}

rac_err rac_connection_change(const struct rac_connector *c, const struct rac_connection *old,
                              const struct rac_json *input, rac_ms now_ms, struct rac_arena *a,
                              struct rac_connection **out, struct rac_diags *diags)
{
    if (changes_set(old, input))
        return rac_connection_make(c, input, 0, now_ms, a, out, diags);
    struct making m = {.c = c, .a = a, .diags = diags, .now_ms = now_ms, .old = old};
    m.out = RAC_NEW(a, struct rac_connection);
    *m.out = *old;
    m.out->values = rac_json_copy(a, &old->values);
    m.out->tokens = RAC_NEW_N(a, struct rac_oauth_token, old->set->params_n + old->tokens_n);
    memcpy(m.out->tokens, old->tokens, old->tokens_n * sizeof old->tokens[0]);
    const struct rac_json *inner = RAC_JSON_GET(input, "values");
    bool wrapped = rac_json_is_object(inner) &&
                   (rac_json_len(input) == 1 || RAC_JSON_GET(input, "set") != NULL ||
                    RAC_JSON_GET(input, "name") != NULL);
    return finish(&m, wrapped ? inner : input, out);
}

/* --- to and from the store -------------------------------------------------------------------- */

static rac_err read_object(struct rac_arena *a, rac_str text, struct rac_json *into, bool secret)
{
    struct rac_json v;
    struct rac_json_error error;
    if (text.n == 0)
        return RAC_OK;
    if (rac_json_parse(text, a, RAC_JSON_COPY, &v, &error) != RAC_OK || !rac_json_is_object(&v))
        return RAC_E_CORRUPT;
    RAC_JSON_EACH_MEMBER(m, &v)
    {
        if (secret && rac_json_is_string(&m->value) && m->value.n > 0)
            rac_secret_wipe_with(a, rac_json_str(&m->value, RAC_S("")));
        rac_json_put(a, into, rac_json_key(m), m->value);
    }
    return RAC_OK;
}

/* The assertion is among what the store keeps as further members of an answer. */
struct rac_oauth_row rac_connection_token_row(const struct rac_oauth_token *t, struct rac_arena *a)
{
    struct rac_oauth_row row = {.parameter = t->parameter,
                                .access = t->access,
                                .refresh = t->refresh,
                                .type = t->type,
                                .scope = t->scope,
                                .obtained_ms = t->obtained_ms,
                                .expires_ms = t->expires_at_ms};
    if (t->assertion.n > 0) {
        struct rac_json o = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &o, "assertion", t->assertion);
        row.extra = rac_json_print_str(&o, 0, a);
        rac_secret_wipe_with(a, row.extra);
    }
    return row;
}

struct rac_oauth_token rac_connection_token_of(const struct rac_oauth_row *row, struct rac_arena *a)
{
    struct rac_oauth_token t = {.parameter = row->parameter,
                                .access = row->access,
                                .refresh = row->refresh,
                                .type = row->type,
                                .scope = row->scope,
                                .expires_at_ms = row->expires_ms,
                                .obtained_ms = row->obtained_ms,
                                .generation = row->generation};
    struct rac_json v;
    if (row->extra.n > 0 && rac_json_parse(row->extra, a, RAC_JSON_COPY, &v, NULL) == RAC_OK)
        t.assertion = rac_json_str(RAC_JSON_GET(&v, "assertion"), RAC_STR_NULL);
    if (t.assertion.n > 0)
        rac_secret_wipe_with(a, t.assertion);
    return t;
}

rac_err rac_connection_open(const struct rac_connector *c, const struct rac_connection_row *row,
                            rac_str secrets, const struct rac_oauth_row *tokens, size_t tokens_n,
                            struct rac_arena *a, struct rac_connection **out)
{
    struct rac_connection *n = RAC_NEW(a, struct rac_connection);
    n->id = row->id;
    n->set = rac_conn_set_find(c, row->set);
    if (n->set == NULL)
        n->set = c->sets_n > 0 ? &c->sets[0] : &no_set;
    n->values = rac_json_new_object(a);
    rac_err e = read_object(a, row->values, &n->values, false);
    if (e == RAC_OK)
        e = read_object(a, secrets, &n->values, true);
    if (e != RAC_OK)
        return e;
    n->tokens = RAC_NEW_N(a, struct rac_oauth_token, tokens_n + n->set->params_n);
    for (size_t i = 0; i < tokens_n; i++)
        n->tokens[n->tokens_n++] = rac_connection_token_of(&tokens[i], a);
    n->status = row->status;
    *out = n;
    return RAC_OK;
}

rac_str rac_connection_values_json(const struct rac_connection *c, bool secret, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, &c->values)
    {
        const struct rac_conn_param *p = rac_conn_param_find(c->set, rac_json_key(m));
        /* A value whose parameter is gone is kept among the secrets: it may have been one. */
        if ((p == NULL || p->secret) == secret)
            rac_json_put(a, &o, rac_json_key(m), m->value);
    }
    return rac_json_print_str(&o, 0, a);
}

/* --- looking ---------------------------------------------------------------------------------- */

rac_str rac_connection_value(const struct rac_connection *c, rac_str name, struct rac_arena *a)
{
    if (c == NULL)
        return RAC_STR_NULL;
    const struct rac_json *v = rac_json_get(&c->values, name);
    if (v == NULL)
        v = rac_json_geti(&c->values, name);
    if (v == NULL || rac_json_is_null(v))
        return RAC_STR_NULL;
    return scalar_text(v, a);
}

struct rac_oauth_token *rac_connection_token(const struct rac_connection *c, rac_str parameter)
{
    for (size_t i = 0; c != NULL && i < c->tokens_n; i++)
        if (rac_str_eqi(c->tokens[i].parameter, parameter))
            return &c->tokens[i];
    return NULL;
}
