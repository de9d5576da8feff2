/* Paths: their form, their templates, and paths that stand in each other's way. */
#include "base/str.h"
#include "openapi/check_priv.h"

enum {
    TEMPLATES_MAX = 64,     /* templates of one path that are looked at */
    SEGMENTS_MAX = 64,      /* segments of one path that are compared */
    COMPARES_MAX = 1 << 18, /* pairs of paths that are compared for PATH-03 */
    OPERATIONS_MAX = 256,   /* OP-15 */
};

struct templates {
    rac_str v[TEMPLATES_MAX];
    size_t n;
};

/* Reads a path's templates and reports what is wrong with its form. False: leave it alone. */
static bool check_form(struct check *c, const struct rac_json_member *item, const struct where *at,
                       struct templates *t)
{
    rac_str path = rac_json_key(item);
    size_t open = 0;
    bool inside = false, balanced = true, crossing = false, defaults = false;
    char odd = 0;
    t->n = 0;
    if (path.n == 0 || path.p[0] != '/')
        FIND_KEY(c, PATH_01, LV_TABLE, at, item, "the path \"{}\" does not start with a slash",
                 path);
    for (size_t i = 0; i < path.n; i++) {
        char ch = path.p[i];
        if (ch == '{') {
            balanced = balanced && !inside;
            inside = true;
            open = i + 1;
        } else if (ch == '}') {
            balanced = balanced && inside;
            inside = false;
            rac_str name = rac_str_sub(path, open, i - open);
            if (t->n < TEMPLATES_MAX && balanced)
                t->v[t->n++] = name;
            defaults |= rac_str_find_char(name, '=') != RAC_STR_NPOS;
        } else if (inside && ch == '/') {
            crossing = true;
        } else if (!inside && (ch == '?' || ch == '#' || ch == '*')) {
            odd = odd ? odd : ch;
        }
    }
    if (!balanced || inside) {
        FIND_KEY(c, PATH_01, LV_TABLE, at, item, "the braces of \"{}\" are not balanced", path);
        return false;
    }
    if (odd)
        FIND_KEY(c, PATH_01, LV_E, at, item, "the path \"{}\" has the character {}", path,
                 (rac_str){&odd, 1});
    if (crossing)
        FIND_KEY(c, PATH_01, LV_E, at, item, "a template of \"{}\" spans several segments", path);
    if (defaults)
        FIND_KEY(c, PATH_01, LV_E, at, item, "a template of \"{}\" has a default", path);
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].n == 0)
            FIND_KEY(c, PATH_01, LV_E, at, item, "a template of \"{}\" has no name", path);
    return true;
}

static bool has_template(const struct templates *t, rac_str name)
{
    for (size_t i = 0; i < t->n; i++)
        if (rac_str_eq(t->v[i], name))
            return true;
    return false;
}

static bool refs_all_resolve(struct check *c, const struct rac_json *list)
{
    RAC_JSON_EACH(p, list)
    if (rac_json_is_object(p) && rac_api_deref(c->api, p) == NULL)
        return false;
    return true;
}

/* Templates and parameters of an operation agree (PATH-04). */
static void check_agreement(struct check *c, const struct rac_api_operation *op,
                            const struct where *at, const struct templates *t)
{
    bool complete = refs_all_resolve(c, RAC_JSON_GET(op->node, "parameters")) &&
                    refs_all_resolve(c, RAC_JSON_GET(op->path_item, "parameters"));
    for (size_t i = 0; i < t->n && complete; i++)
        if (t->v[i].n > 0 && rac_str_find_char(t->v[i], '=') == RAC_STR_NPOS &&
            rac_api_param(op, t->v[i], RAC_IN_PATH) == NULL)
            FIND(c, PATH_04, at, op->node,
                 "template {{}} of the path has no path parameter in \"{}\"", t->v[i], op->id);
    for (size_t i = 0; i < op->params_n; i++) {
        const struct rac_api_param *p = &op->params[i];
        if (p->in != RAC_IN_PATH || has_template(t, p->name) || t->n == TEMPLATES_MAX ||
            !rac_str_starts(p->pointer, op->pointer))
            continue;
        struct where here = AT_POINTER(p->pointer);
        FIND(c, PATH_04, &here, p->node, "path parameter \"{}\" of \"{}\" does not stand in {}",
             p->name, op->id, op->path);
    }
}

static void check_shared_agreement(struct check *c, const struct rac_json *list,
                                   const struct where *at, const struct templates *t, rac_str path)
{
    size_t i = 0;
    RAC_JSON_EACH(raw, list)
    {
        struct where here = AT_INDEX(at, i++);
        const struct rac_json *p = rac_api_deref(c->api, raw);
        rac_str name = rac_json_str(RAC_JSON_GET(p, "name"), RAC_S(""));
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")), RAC_S("path")) &&
            !has_template(t, name) && t->n < TEMPLATES_MAX)
            FIND(c, PATH_04, &here, raw, "path parameter \"{}\" does not stand in {}", name, path);
    }
}

/* --- paths that meet ------------------------------------------------------------------------ */

/* Small letters, templates without their names. */
static rac_str skeleton(struct rac_arena *a, rac_str path)
{
    char *p = rac_arena_alloc_dirty(a, path.n + 1);
    size_t n = 0;
    bool inside = false;
    for (size_t i = 0; i < path.n; i++) {
        char ch = path.p[i];
        if (!inside || ch == '}')
            p[n++] = rac_lower(ch);
        inside = ch == '{' || (inside && ch != '}');
    }
    return (rac_str){p, n};
}

static rac_str place_name(struct rac_arena *a, enum rac_api_method m, rac_str skeleton_text)
{
    return rac_arena_printf(a, "%d %.*s", (int)m, RAC_FMT(skeleton_text));
}

static void check_redefined(struct check *c, const struct rac_json_member *item,
                            const struct where *at, struct rac_map *by_letters)
{
    rac_str path = rac_json_key(item);
    rac_str lower = rac_str_lower(c->a, path);
    const struct rac_json_member *other = rac_map_get(by_letters, lower);
    if (other != NULL)
        FIND_KEY(c, PATH_02, LV_TABLE, at, item, "the path differs from {} in letter case only",
                 rac_json_key(other));
    else
        rac_map_put(by_letters, lower, (void *)item);
}

/* One operation split into segments, for PATH-03. */
struct route {
    const struct rac_api_operation *op;
    rac_str *segment; /* absent: a template */
    size_t n;
    bool has_template;
};

static bool split(struct check *c, const struct rac_api_operation *op, struct route *r)
{
    rac_str rest = op->path;
    size_t slashes = 0;
    for (size_t i = 0; i < rest.n; i++)
        slashes += rest.p[i] == '/';
    if (slashes >= SEGMENTS_MAX)
        return false;
    *r = (struct route){.op = op, .segment = RAC_NEW_N(c->a, rac_str, slashes + 1)};
    while (rest.p != NULL) {
        rac_str s = rac_str_cut(rest, '/', &rest);
        bool template = s.n > 2 && s.p[0] == '{' && rac_str_find_char(s, '}') == s.n - 1;
        r->has_template |= template;
        r->segment[r->n++] = template ? RAC_STR_NULL : s;
    }
    return true;
}

/* True when some path fits both, and a is the freer one where they first differ. */
static bool overlap(const struct route *a, const struct route *b)
{
    bool differs = false, freer = false;
    for (size_t i = 0; i < a->n; i++) {
        rac_str x = a->segment[i], y = b->segment[i];
        if ((x.p == NULL) != (y.p == NULL)) {
            freer = differs ? freer : x.p == NULL;
            differs = true;
        } else if (x.p != NULL && !rac_str_eqi(x, y)) {
            return false;
        }
    }
    return differs && freer;
}

static size_t compare_group(struct check *c, struct route *const *group, size_t n, size_t budget)
{
    for (size_t i = 0; i < n; i++) {
        if (!group[i]->has_template)
            continue;
        for (size_t j = 0; j < n; j++) {
            if (budget == 0)
                return 0;
            budget--;
            if (i == j || !overlap(group[i], group[j]))
                continue;
            const struct rac_api_operation *op = group[i]->op;
            struct where here = AT_POINTER(op->pointer);
            FIND(c, PATH_03, &here, op->node, "{} also matches calls of {} (\"{}\")", op->path,
                 group[j]->op->path, group[j]->op->id);
            break;
        }
    }
    return budget;
}

struct group {
    struct route **v;
    size_t n, cap;
};

/* Operations of the same method and number of segments are compared with each other. */
static void check_overlaps(struct check *c)
{
    struct rac_map groups;
    size_t budget = COMPARES_MAX;
    rac_map_init(&groups, c->a);
    for (size_t i = 0; i < c->api->ops_n && !rac_arena_over(c->a); i++) {
        struct route *r = RAC_NEW(c->a, struct route);
        if (!split(c, &c->api->ops[i], r))
            continue;
        rac_str key = rac_arena_printf(c->a, "%d %zu", (int)r->op->method, r->n);
        struct group *g = rac_map_get(&groups, key);
        if (g == NULL) {
            g = RAC_NEW(c->a, struct group);
            rac_map_put(&groups, key, g);
        }
        if (g->n == g->cap) {
            size_t cap = g->cap ? g->cap * 2 : 8;
            g->v = rac_arena_grow(c->a, g->v, g->cap * sizeof(struct route *),
                                  cap * sizeof(struct route *));
            g->cap = cap;
        }
        g->v[g->n++] = r;
    }
    for (size_t i = 0; i < groups.n; i++) {
        struct group *g = groups.entries[i].value;
        budget = compare_group(c, g->v, g->n, budget);
    }
}

/* --- all paths ------------------------------------------------------------------------------ */

struct seen {
    struct rac_map letters, places;
};

static void check_duplicate(struct check *c, const struct rac_api_operation *op,
                            const struct where *at, rac_str shape, struct seen *seen)
{
    rac_str key = place_name(c->a, op->method, shape);
    const struct rac_api_operation *other = rac_map_get(&seen->places, key);
    if (other == NULL)
        rac_map_put(&seen->places, key, (void *)op);
    else if (!rac_str_eqi(other->path, op->path))
        FIND(c, PATH_02, at, op->node, "{} differs from {} in the names of templates only",
             op->path, other->path);
}

static void check_notification(struct check *c, const struct rac_json *node, const struct where *at)
{
    struct where here = AT_LIT(at, "x-ms-notification-content"), schema_at;
    struct members s;
    rac_check_members(c, KIND_NOTIFICATION, node, &here, &s);
    if (!has_member(&s, KW_SCHEMA))
        return; /* OP-11 */
    struct schema_context ctx = {.place = IN_NOTIFICATION, .role = ROLE_ROOT};
    schema_at = AT_LIT(&here, "schema");
    rac_check_schema(c, member_value(&s, KW_SCHEMA), &schema_at, &ctx);
}

/* *next is the index of the operation that comes next in the file. */
static void check_item(struct check *c, const struct rac_json_member *item, const struct where *at,
                       struct seen *seen, size_t *next)
{
    struct members s;
    struct templates t;
    rac_str path = rac_json_key(item);
    if (!rac_json_is_object(&item->value)) {
        FIND(c, DOC_03, at, &item->value, "a path is an object, not {}",
             rac_json_type_name(&item->value));
        return;
    }
    rac_check_members(c, KIND_PATH_ITEM, &item->value, at, &s);
    bool usable = check_form(c, item, at, &t);
    check_redefined(c, item, at, &seen->letters);
    if (has_member(&s, KW_REF)) {
        struct where here = AT_LIT(at, "$ref");
        FIND_KEY(c, DOC_09, LV_TABLE, &here, s.m[KW_REF], "$ref on a path is not supported");
    }
    if (has_member(&s, KW_X_NOTIFICATION_CONTENT))
        check_notification(c, member_value(&s, KW_X_NOTIFICATION_CONTENT), at);
    if (has_member(&s, KW_PARAMETERS)) {
        struct where here = AT_LIT(at, "parameters");
        struct measure unused = {0};
        rac_check_parameter_list(c, member_value(&s, KW_PARAMETERS), &here, &unused);
        if (usable)
            check_shared_agreement(c, member_value(&s, KW_PARAMETERS), &here, &t, path);
    }
    rac_str shape = skeleton(c->a, path);
    while (*next < c->api->ops_n && c->api->ops[*next].path_item == &item->value) {
        const struct rac_api_operation *op = &c->api->ops[(*next)++];
        size_t slash = rac_str_rfind_char(op->pointer, '/');
        struct where here = AT_KEY(at, rac_str_from(op->pointer, slash + 1));
        check_duplicate(c, op, &here, shape, seen);
        rac_check_operation(c, op, &here);
        if (usable)
            check_agreement(c, op, &here, &t);
    }
}

void rac_check_paths(struct check *c)
{
    struct where list = AT_LIT(NULL, "paths");
    struct seen seen;
    size_t next = 0;
    const struct rac_json *paths = RAC_JSON_GET(c->root, "paths");
    rac_map_init(&seen.letters, c->a);
    rac_map_init(&seen.places, c->a);
    RAC_JSON_EACH_MEMBER(item, paths)
    {
        if (rac_arena_over(c->a))
            return;
        struct where here = AT_KEY(&list, rac_json_key(item));
        if (rac_str_startsi(rac_json_key(item), RAC_S("x-")))
            rac_check_extension_name(c, item, &list);
        else
            check_item(c, item, &here, &seen, &next);
    }
    if (c->api->ops_n > OPERATIONS_MAX)
        FIND(c, OP_15, &list, paths, "the definition has {} operations, more than 256",
             rac_arena_printf(c->a, "%zu", c->api->ops_n));
    check_overlaps(c);
}
