/*
 * Policies that say where a request goes: dynamichosturl, routerequesttoendpoint, and the side call
 * of setvaluefromurl.
 *
 * Two rules run through all of it. A value that is only part of a host name stays part of it: it
 * cannot end the name, put a user before it or escape anything, so that whoever gives the value
 * chooses among the hosts the connector's author meant. And what holds a credential is made a second
 * time with "***" in its place: the `shown` twins of struct rac_request.
 */
#include "base/str.h"
#include "connector/policy_run.h"
#include "connector/text_priv.h"

/* The template's text, and in *shown the same without secrets: absent when there are none in it. */
static rac_str text_of(struct rac_policy_run *run, const struct rac_template *t, int encode,
                       rac_str *shown)
{
    struct rac_scope scope = rac_policy_scope(run);
    rac_str text = rac_template_text(t, &scope, encode);
    *shown = RAC_STR_NULL;
    if (!run->secret)
        return text;
    bool mask = run->mask, missing = run->missing;
    run->mask = true;
    scope = rac_policy_scope(run);
    *shown = rac_template_text(t, &scope, encode);
    run->mask = mask;
    run->missing = missing;
    return text;
}

/* The pairs of a query a template made, encoded already. shown: the query without secrets, or
 * absent; a pair that differs there holds one. */
static void query_take(struct rac_request *r, rac_str query, rac_str shown, bool replace)
{
    bool secret = shown.p != NULL;
    for (rac_str rest = query; rest.p != NULL && rest.n > 0;) {
        rac_str value, pair = rac_str_cut(rest, '&', &rest);
        rac_str open = secret ? rac_str_cut(shown, '&', &shown) : pair;
        rac_str name = rac_str_cut(pair, '=', &value);
        unsigned flags =
            RAC_REQUEST_ENCODED | (rac_str_eq(open, pair) ? 0 : (unsigned)RAC_REQUEST_SECRET);
        if (replace && name.n > 0)
            rac_request_set_query(r, name, value, flags);
        else if (!replace && pair.n > 0)
            rac_request_add_query(r, name, value, flags);
    }
}

/* --- hosts ------------------------------------------------------------------------------------ */

static bool host_is_good(rac_str host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (rac_is_space(c) || c == '@' || c == '\\' || c == '{' || c == '}' || c == '<' ||
            c == '>' || c == '"' || c == '#' || c == '%' || (unsigned char)c < 0x20 || c == 0x7F)
            return false;
    }
    size_t from = host.n > 0 && host.p[0] == '[' ? rac_str_find_char(host, ']') : 0, colon;
    if (from == RAC_STR_NPOS)
        return false;
    rac_str port = rac_str_from(host, from);
    colon = rac_str_find_char(port, ':');
    for (size_t i = colon == RAC_STR_NPOS ? port.n : colon + 1; i < port.n; i++)
        if (!rac_is_digit(port.p[i]))
            return false;
    return host.n > 0 && host.p[0] != '.' && host.p[0] != ':';
}

/* May stand inside a host name whatever is around it. */
static bool part_is_good(rac_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (rac_str_find_char(RAC_S("/?#\\@% "), c) != RAC_STR_NPOS || (unsigned char)c < 0x20 ||
            c == 0x7F)
            return false;
    }
    return true;
}

/* s behind "http://" or "https://"; *scheme is set when there was one. */
static rac_str without_scheme(rac_str s, rac_str *scheme)
{
    static const rac_str schemes[] = {RAC_S_INIT("https://"), RAC_S_INIT("http://")};
    for (size_t i = 0; i < RAC_COUNT(schemes); i++)
        if (rac_str_startsi(s, schemes[i])) {
            *scheme = rac_str_sub(s, 0, schemes[i].n - 3);
            return rac_str_from(s, schemes[i].n);
        }
    return s;
}

static bool ends_host(rac_str text)
{
    return text.n > 0 && rac_str_find_char(RAC_S("/?#"), text.p[0]) != RAC_STR_NPOS;
}

/* How far into "scheme://host/path" the pieces have come. */
enum { AT_FRONT, IN_HOST, BEHIND_HOST };

static int after_text(int at, rac_str text, rac_str *scheme)
{
    if (at == AT_FRONT)
        text = without_scheme(rac_str_trim(text), scheme);
    if (at == IN_HOST && rac_str_starts(text, RAC_S("://"))) { /* what came before was the scheme */
        text = rac_str_from(text, 3);
        at = AT_FRONT;
    }
    for (size_t i = 0; i < text.n; i++)
        if (ends_host(rac_str_from(text, i)))
            return BEHIND_HOST;
    return text.n > 0 ? IN_HOST : at;
}

/*
 * Each value that makes part of the host. One that is all of it, up to the end or to a "/", may be
 * a whole address: that is what "Host URL" parameters hold. *scheme: the template's own, where only
 * parts come from values; it is not theirs to change.
 */
static enum rac_call_code host_values(struct rac_policy_run *run, const struct rac_policy *p,
                                      rac_str *scheme, struct rac_call_error *e)
{
    const struct rac_template *t = p->value;
    rac_str own = RAC_STR_NULL, typed = RAC_STR_NULL;
    struct rac_scope scope = rac_policy_scope(run);
    int at = AT_FRONT;
    *scheme = RAC_STR_NULL;
    for (uint32_t i = 0; i < t->pieces_n && at != BEHIND_HOST; i++) {
        const struct rac_template_piece *piece = &t->pieces[i];
        if (piece->kind != RAC_PIECE_EXPR) {
            at = after_text(at, piece->text, &own);
            continue;
        }
        bool last = i + 1 == t->pieces_n ||
                    (t->pieces[i + 1].kind == RAC_PIECE_TEXT && ends_host(t->pieces[i + 1].text));
        if (at == AT_FRONT && last)
            return RAC_CALL_NONE;
        *scheme = own;
        rac_str value = rac_template_piece_text(piece, &scope);
        if (at == AT_FRONT) /* "https://north" typed for the "north" of "https://north.x.example" */
            value = without_scheme(rac_str_trim(value), &typed);
        if (!part_is_good(value))
            return rac_policy_failed(
                run, p, e,
                rac_arena_cstr(run->a, rac_arena_printf(
                                           run->a,
                                           "the value of @%.*s is part of a host name: it must not "
                                           "hold / ? # \\ @ %%, blanks or control characters",
                                           RAC_FMT(piece->text))));
        if (value.n > 0)
            at = IN_HOST;
    }
    return RAC_CALL_NONE;
}

struct address {
    rac_str scheme, host, path, query; /* scheme, query absent: none */
};

/* An address as people type it: "https://https://host" among them. */
static struct address address_of(rac_str url)
{
    struct address x = {0};
    url = rac_str_trim(url);
    for (size_t mark; (mark = rac_str_find(url, RAC_S("://"))) != RAC_STR_NPOS;) {
        x.scheme = rac_str_sub(url, 0, mark);
        url = rac_str_from(url, mark + 3);
        if (!rac_str_startsi(url, RAC_S("http://")) && !rac_str_startsi(url, RAC_S("https://")))
            break;
    }
    rac_str whole = rac_str_cut(url, '?', &x.query);
    size_t slash = rac_str_find_char(whole, '/');
    x.host = slash == RAC_STR_NPOS ? whole : rac_str_sub(whole, 0, slash);
    x.path = slash == RAC_STR_NPOS ? RAC_S("") : rac_str_from(whole, slash);
    while (rac_str_ends(x.path, RAC_S("/")))
        x.path.n--;
    return x;
}

static rac_str encoded(struct rac_arena *a, rac_str text, enum rac_url_set set)
{
    return text.p != NULL ? rac_url_encode_set(a, text, set) : text;
}

/* Scheme and host from a URL that people typed; with a path, that replaces the base path. */
enum rac_call_code rac_policy_set_host(struct rac_policy_run *run, const struct rac_policy *p,
                                       struct rac_call_error *e)
{
    struct rac_request *r = run->request;
    rac_str own, masked;
    enum rac_call_code code = host_values(run, p, &own, e);
    if (code != RAC_CALL_NONE)
        return code;
    struct address x = address_of(text_of(run, p->value, -1, &masked)), shown = {0};
    bool good =
        host_is_good(x.host) && (x.scheme.p == NULL || rac_str_eqi(x.scheme, RAC_S("http")) ||
                                 rac_str_eqi(x.scheme, RAC_S("https")));
    if (run->lenient && !good) { /* a dry run without the values that make the host */
        rac_policy_note(run, p,
                        "the host stays as it is: what the policy makes is no http(s) address");
        return RAC_CALL_NONE;
    }
    if (!good)
        return rac_policy_failed(run, p, e,
                                 run->missing ? "the connection lacks the value that makes the host"
                                              : "what it makes is no http(s) address");
    if (masked.p != NULL)
        shown = address_of(masked);
    if (x.scheme.p != NULL)
        r->scheme = rac_str_lower(run->a, own.p != NULL ? own : x.scheme);
    r->host = x.host;
    r->shown_host = shown.host;
    if (x.path.n > 0) {
        r->base_path = rac_url_encode_set(run->a, x.path, RAC_URL_PATH);
        r->shown_base_path = encoded(run->a, shown.path, RAC_URL_PATH);
    }
    query_take(r, encoded(run->a, x.query, RAC_URL_QUERY),
               encoded(run->a, shown.query, RAC_URL_QUERY), false);
    return RAC_CALL_NONE;
}

/* --- paths ------------------------------------------------------------------------------------ */

/* newPath is below the base path, as every published connector has it, unless it repeats it. */
static rac_str path_below(const struct rac_request *r, rac_str path)
{
    rac_str base = r->base_path;
    while (rac_str_starts(path, RAC_S("//")))
        path = rac_str_from(path, 1);
    if (path.n == 0 || path.p[0] != '/')
        path = rac_str_concat(r->a, RAC_S("/"), path);
    if (base.n > 0 && rac_str_starts(path, base) && (path.n == base.n || path.p[base.n] == '/'))
        path = rac_str_from(path, base.n);
    return rac_url_encode_set(r->a, path, RAC_URL_PATH);
}

/* Path and query of a path template; values are encoded for where they stand. */
static void path_take(struct rac_policy_run *run, const struct rac_template *t,
                      struct rac_request *r, bool replace)
{
    bool has_query = rac_str_find_char(t->source, '?') != RAC_STR_NPOS;
    rac_str masked, query, shown_query = RAC_STR_NULL;
    rac_str text = text_of(run, t, has_query ? RAC_URL_COMPONENT : RAC_URL_PATH, &masked);
    r->path = path_below(r, rac_str_cut(text, '?', &query));
    r->shown_path = RAC_STR_NULL;
    if (masked.p != NULL)
        r->shown_path = path_below(r, rac_str_cut(masked, '?', &shown_query));
    if (masked.p != NULL && shown_query.p == NULL)
        shown_query = RAC_S("");
    query_take(r, query, shown_query, replace);
}

void rac_policy_set_path(struct rac_policy_run *run, const struct rac_policy *p)
{
    path_take(run, p->value, run->request, true);
    if (p->method == NULL)
        return;
    struct rac_scope scope = rac_policy_scope(run);
    rac_str method = rac_str_trim(rac_template_text(p->method, &scope, -1));
    if (method.n > 0)
        run->request->method = rac_str_upper(run->a, method);
}

void rac_policy_side_request(struct rac_policy_run *run, const struct rac_policy *p,
                             struct rac_request *out)
{
    const struct rac_request *r = run->request;
    rac_request_init(out, run->a);
    out->method = p->text1;
    out->scheme = r->scheme;
    out->host = r->host;
    out->shown_host = r->shown_host;
    out->base_path = r->base_path;
    out->shown_base_path = r->shown_base_path;
    path_take(run, p->value, out, false);
    rac_request_add_header(out, RAC_S("Accept"), RAC_S("application/json"), 0);
}
