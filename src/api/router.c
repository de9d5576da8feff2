#include "api/router.h"

#include "base/mem.h"

/*
 * A tree with a node per segment. Literals of a node are sorted by length and bytes, lower case
 * where letter case does not count. Looking a path up goes down the first alternative that leads to
 * a row of the method; at most four alternatives per segment are tried, and in practice one.
 */

enum { ROUTER_BYTES_MAX = 4 << 20, LITERAL_MAX = 128 };

struct end {
    const char *method;
    const void *row;
    struct end *next;
};

struct node {
    rac_str text; /* literal; of a parameter what stands behind it */
    struct node **literals;
    size_t literals_n;
    struct node *suffixed, *parameter, *rest; /* suffixed: a list, longest text first */
    struct node *next;                        /* in that list */
    struct end *ends;
};

struct rac_router {
    struct rac_arena a;
    unsigned flags;
    struct node root;
};

struct search {
    const struct rac_router *r;
    rac_str method;
    bool head;
    rac_str segments[RAC_ROUTER_SEGMENTS_MAX];
    size_t segments_n;
    bool longer; /* than that: only a pattern with a rest can fit */
    rac_str path;
    struct rac_arena *a;
    struct rac_router_match *m;
};

struct rac_router *rac_router_new(unsigned flags)
{
    struct rac_router *r = rac_mem_alloc(sizeof *r);
    rac_arena_init(&r->a, ROUTER_BYTES_MAX);
    r->flags = flags;
    return r;
}

void rac_router_free(struct rac_router *r)
{
    if (r == NULL)
        return;
    rac_arena_fini(&r->a);
    rac_mem_free(r);
}

/* --- building --------------------------------------------------------------------------------- */

static int by_length(rac_str a, rac_str b)
{
    return a.n != b.n ? (a.n < b.n ? -1 : 1) : a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

/* Place of a literal among those of the node; *found where it is there. */
static size_t literal_place(const struct node *n, rac_str text, bool *found)
{
    size_t low = 0, high = n->literals_n;
    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = by_length(n->literals[middle]->text, text);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct node *node_new(struct rac_router *r, rac_str text)
{
    struct node *n = RAC_NEW(&r->a, struct node);
    n->text = text;
    return n;
}

static struct node *literal_add(struct rac_router *r, struct node *n, rac_str text)
{
    bool found;
    RAC_ASSERT(text.n <= LITERAL_MAX);
    if (r->flags & RAC_ROUTER_ANY_CASE)
        text = rac_str_lower(&r->a, text);
    size_t at = literal_place(n, text, &found);
    if (found)
        return n->literals[at];
    struct node **v = RAC_NEW_N(&r->a, struct node *, n->literals_n + 1);
    for (size_t i = 0; i < n->literals_n; i++)
        v[i + (i >= at)] = n->literals[i];
    v[at] = node_new(r, text);
    n->literals = v;
    n->literals_n++;
    return v[at];
}

static struct node *suffixed_add(struct rac_router *r, struct node *n, rac_str text)
{
    struct node **link = &n->suffixed;
    while (*link != NULL && (*link)->text.n > text.n)
        link = &(*link)->next;
    for (struct node *same = *link; same != NULL && same->text.n == text.n; same = same->next)
        if (rac_str_eq(same->text, text))
            return same;
    struct node *made = node_new(r, text);
    made->next = *link;
    return *link = made;
}

static struct node *segment_add(struct rac_router *r, struct node *n, rac_str s)
{
    if (s.n == 0 || s.p[0] != '{')
        return literal_add(r, n, s);
    size_t close = rac_str_find_char(s, '}');
    RAC_ASSERT(close != RAC_STR_NPOS && close > 1);
    rac_str behind = rac_str_from(s, close + 1);
    if (behind.n > 0)
        return suffixed_add(r, n, behind);
    struct node **where = s.p[close - 1] == '*' ? &n->rest : &n->parameter;
    if (*where == NULL)
        *where = node_new(r, RAC_STR_NULL);
    return *where;
}

void rac_router_add(struct rac_router *r, const char *method, const char *path, const void *row)
{
    struct node *n = &r->root;
    size_t args = 0, segments = 0;
    rac_str rest = rac_str_from(rac_str_of(path), 1);
    RAC_ASSERT(path[0] == '/');
    while (rest.p != NULL) {
        rac_str s = rac_str_cut(rest, '/', &rest);
        args += s.n > 0 && s.p[0] == '{';
        segments++;
        n = segment_add(r, n, s);
    }
    RAC_ASSERT(args <= RAC_ROUTER_ARGS_MAX && segments <= RAC_ROUTER_SEGMENTS_MAX);
    struct end **link = &n->ends;
    for (; *link != NULL; link = &(*link)->next)
        RAC_ASSERT(strcmp((*link)->method, method) != 0);
    *link = RAC_NEW(&r->a, struct end);
    **link = (struct end){method, row, NULL};
}

/* --- finding ---------------------------------------------------------------------------------- */

static bool ends_here(struct search *s, const struct node *n, size_t args_n)
{
    const struct end *get = NULL;
    for (const struct end *e = n->ends; e != NULL; e = e->next) {
        bool any = e->method[0] == '*';
        if (any || rac_str_eq(rac_str_of(e->method), s->method)) {
            s->m->row = e->row;
            s->m->args_n = args_n;
            return true;
        }
        if (strcmp(e->method, "GET") == 0)
            get = e;
    }
    if (get != NULL && s->head) {
        s->m->row = get->row;
        s->m->args_n = args_n;
        return true;
    }
    for (const struct end *e = n->ends; e != NULL; e = e->next)
        s->m->allow = s->m->allow.n == 0
                          ? rac_str_of(e->method)
                          : rac_arena_printf(s->a, "%.*s, %s", RAC_FMT(s->m->allow), e->method);
    return false;
}

static bool down(struct search *s, const struct node *n, size_t at, size_t args_n);

static bool down_literal(struct search *s, const struct node *n, size_t at, size_t args_n)
{
    char lower[LITERAL_MAX];
    rac_str text = s->segments[at];
    bool found;
    if (n->literals_n == 0 || text.n > LITERAL_MAX)
        return false;
    if (s->r->flags & RAC_ROUTER_ANY_CASE) {
        for (size_t i = 0; i < text.n; i++)
            lower[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i];
        text.p = lower;
    }
    size_t place = literal_place(n, text, &found);
    return found && down(s, n->literals[place], at + 1, args_n);
}

static bool ends_with(const struct search *s, rac_str text, rac_str suffix)
{
    return s->r->flags & RAC_ROUTER_ANY_CASE ? rac_str_endsi(text, suffix)
                                             : rac_str_ends(text, suffix);
}

static bool down(struct search *s, const struct node *n, size_t at, size_t args_n)
{
    if (at == s->segments_n) {
        if (n->ends != NULL && !s->longer)
            return ends_here(s, n, args_n);
        if (n->rest == NULL || s->longer)
            return false;
        s->m->args[args_n] = RAC_S("");
        return ends_here(s, n->rest, args_n + 1);
    }
    if (down_literal(s, n, at, args_n))
        return true;
    rac_str text = s->segments[at];
    rac_str *arg = &s->m->args[args_n];
    for (const struct node *x = n->suffixed; x != NULL; x = x->next) {
        if (text.n <= x->text.n || !ends_with(s, text, x->text))
            continue;
        *arg = rac_str_sub(text, 0, text.n - x->text.n);
        if (down(s, x, at + 1, args_n + 1))
            return true;
    }
    bool verb = (s->r->flags & RAC_ROUTER_VERBS) && rac_str_find_char(text, ':') != RAC_STR_NPOS;
    if (n->parameter != NULL && text.n > 0 && !verb) {
        *arg = text;
        if (down(s, n->parameter, at + 1, args_n + 1))
            return true;
    }
    if (n->rest == NULL)
        return false;
    *arg = (rac_str){text.p, (size_t)(s->path.p + s->path.n - text.p)};
    return ends_here(s, n->rest, args_n + 1);
}

bool rac_router_find(const struct rac_router *r, rac_str method, rac_str path, struct rac_arena *a,
                     struct rac_router_match *m)
{
    struct search s = {
        .r = r, .method = method, .head = rac_str_eq(method, RAC_S("HEAD")), .a = a, .m = m};
    *m = (struct rac_router_match){0};
    while (r->flags & RAC_ROUTER_ANY_CASE && rac_str_starts(path, RAC_S("//")))
        path = rac_str_from(path, 1);
    if (path.n == 0 || path.p[0] != '/')
        return false;
    s.path = path;
    rac_str rest = rac_str_from(path, 1);
    while (rest.p != NULL && s.segments_n < RAC_ROUTER_SEGMENTS_MAX)
        s.segments[s.segments_n++] = rac_str_cut(rest, '/', &rest);
    s.longer = rest.p != NULL;
    bool found = down(&s, &r->root, 0, 0);
    if (found)
        m->allow = RAC_STR_NULL;
    return found;
}
