/*
 * What breaks those who use the former revision (BRK-*). Operations are matched by id, inputs by
 * name and place, schemas property by property to a bounded depth; each pair of schemas once for
 * an operation, and as many in all as the budget allows.
 */
#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "connector/check_priv.h"

enum {
    COMPARE_DEPTH_MAX = 12,
    COMPARE_WORK_MAX = 1 << 23, /* names and values compared in all */
    LIST_MAX = 1024,            /* longer lists are not looked into */
    TYPES_BYTES_MAX = 500,      /* of the types of security schemes, in a message */
};

struct changes {
    struct package_check *c;
    struct rac_api *old;
    rac_str pointer; /* of the operation in the new definition */
    rac_str id;
    enum rac_rule_id rule; /* inputs or outputs */
    size_t work;           /* that is left */
    size_t round;          /* of one operation's inputs or outputs */
    struct rac_map pairs;  /* addresses of two schemas -> the round they were compared in */
};

/* Properties down to the schema that is compared; printed when there is something to tell. */
struct path {
    const struct path *up;
    rac_str name;
};

static rac_str path_text(struct rac_arena *a, const struct path *at)
{
    size_t n = 0;
    for (const struct path *p = at; p != NULL; p = p->up)
        n += p->name.n + 1;
    if (n == 0)
        return RAC_S("");
    char *end = (char *)rac_arena_alloc_dirty(a, n) + n, *out = end;
    for (const struct path *p = at; p != NULL; p = p->up) {
        if (p != at)
            *--out = '/';
        out -= p->name.n;
        memcpy(out, p->name.p, p->name.n);
    }
    return (rac_str){out, (size_t)(end - out)};
}

static void changed(struct changes *x, enum rac_rule_id rule, rac_str message)
{
    rac_package_found(x->c, rule, BY_TABLE, x->c->definition,
                      rac_package_name(x->c->package, RAC_PACKAGE_DEFINITION), x->pointer, message);
}
#define CHANGED(x, rule, ...) changed((x), RAC_RULE_##rule, RAC_TOLD((x)->c, __VA_ARGS__))

/* Takes n from the budget; false when it is used up. */
static bool work(struct changes *x, size_t n)
{
    bool enough = x->work >= n;
    x->work -= enough ? n : x->work;
    return enough;
}

static rac_str type_of(const struct rac_json *schema)
{
    rac_str type = rac_json_str(RAC_JSON_GET(schema, "type"), RAC_S(""));
    if (type.n == 0 && RAC_JSON_GET(schema, "properties") != NULL)
        return RAC_S("object");
    return type;
}

static bool list_has(const struct rac_json *list, const struct rac_json *v)
{
    RAC_JSON_EACH(e, list)
    if (rac_json_equal(e, v))
        return true;
    return false;
}

/* Values that were accepted and are no more. */
static void compare_enum(struct changes *x, const struct rac_json *was, const struct rac_json *is,
                         const struct path *path)
{
    const struct rac_json *before = RAC_JSON_GET(was, "enum"), *now = RAC_JSON_GET(is, "enum");
    size_t before_n = rac_json_len(before), now_n = rac_json_len(now);
    if (now == NULL)
        return;
    if (before == NULL) {
        CHANGED(x, BRK_02, "\"%.*s\" of \"%.*s\" is now limited to an enum",
                RAC_FMT(path_text(x->c->a, path)), RAC_FMT(x->id));
        return;
    }
    if (before_n > LIST_MAX || now_n > LIST_MAX || !work(x, before_n * now_n))
        return;
    RAC_JSON_EACH(v, before)
    if (!list_has(now, v)) {
        CHANGED(x, BRK_02, "\"%.*s\" of \"%.*s\" does not accept %.*s any more",
                RAC_FMT(path_text(x->c->a, path)), RAC_FMT(x->id),
                RAC_FMT(rac_json_print_str(v, 0, x->c->a)));
        return;
    }
}

static bool names_property(struct changes *x, const struct rac_json *schema, rac_str name)
{
    const struct rac_json *list = RAC_JSON_GET(schema, "required");
    if (rac_json_len(list) > LIST_MAX || !work(x, rac_json_len(list)))
        return false;
    RAC_JSON_EACH(e, list)
    if (rac_str_eq(rac_json_str(e, RAC_STR_NULL), name))
        return true;
    return false;
}

static void compare_schema(struct changes *x, const struct rac_json *was, const struct rac_json *is,
                           const struct path *path, int depth);

static void compare_property(struct changes *x, const struct rac_json *was,
                             const struct rac_json *is, const struct rac_json_member *m,
                             const struct path *path, int depth)
{
    struct path here = {.up = path, .name = rac_json_key(m)};
    if (!work(x, 1 + rac_json_len(RAC_JSON_GET(is, "allOf"))))
        return;
    const struct rac_json *now = rac_api_property(x->c->api, is, here.name);
    bool input = x->rule == RAC_RULE_BRK_02;
    if (now == NULL) {
        changed(x, x->rule,
                RAC_TOLD(x->c, "%s \"%.*s\" of \"%.*s\" is gone", input ? "input" : "output",
                         RAC_FMT(path_text(x->c->a, &here)), RAC_FMT(x->id)));
        return;
    }
    if (input && names_property(x, is, here.name) && !names_property(x, was, here.name))
        CHANGED(x, BRK_02, "input \"%.*s\" of \"%.*s\" is now required",
                RAC_FMT(path_text(x->c->a, &here)), RAC_FMT(x->id));
    compare_schema(x, rac_api_deref(x->old, &m->value), now, &here, depth + 1);
}

/* True for the second time in a round. */
static bool compared(struct changes *x, const struct rac_json *was, const struct rac_json *is)
{
    const struct rac_json *pair[2] = {was, is};
    rac_str key = {(const char *)pair, sizeof pair};
    uintptr_t round = (uintptr_t)rac_map_get(&x->pairs, key);
    if (round == x->round)
        return true;
    rac_map_put(&x->pairs, round == 0 ? rac_arena_str(x->c->a, key) : key, (void *)x->round);
    return false;
}

static void compare_schema(struct changes *x, const struct rac_json *was, const struct rac_json *is,
                           const struct path *path, int depth)
{
    bool input = x->rule == RAC_RULE_BRK_02;
    if (was == NULL || is == NULL || depth > COMPARE_DEPTH_MAX || !work(x, 1) ||
        compared(x, was, is))
        return;
    rac_str before = type_of(was), now = type_of(is);
    if (before.n > 0 && now.n > 0 && !rac_str_eq(before, now)) {
        changed(x, x->rule,
                RAC_TOLD(x->c, "%s \"%.*s\" of \"%.*s\" was of type %.*s, is %.*s",
                         input ? "input" : "output", RAC_FMT(path_text(x->c->a, path)),
                         RAC_FMT(x->id), RAC_FMT(before), RAC_FMT(now)));
        return;
    }
    if (input)
        compare_enum(x, was, is, path);
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(was, "properties"))
    compare_property(x, was, is, m, path, depth);
    RAC_JSON_EACH_MEMBER(m, input ? RAC_JSON_GET(is, "properties") : NULL)
    if (names_property(x, is, rac_json_key(m)) &&
        rac_api_property(x->old, was, rac_json_key(m)) == NULL)
        CHANGED(x, BRK_02, "the new input \"%.*s\" of \"%.*s\" is required",
                RAC_FMT(rac_json_key(m)), RAC_FMT(x->id));
    const struct rac_json *items = RAC_JSON_GET(was, "items"), *more = RAC_JSON_GET(is, "items");
    if (items != NULL && more != NULL)
        compare_schema(x, rac_api_deref(x->old, items), rac_api_deref(x->c->api, more), path,
                       depth + 1);
}

/* --- inputs and outputs --------------------------------------------------------------------- */

static void compare_param(struct changes *x, const struct rac_api_param *was,
                          const struct rac_api_operation *op)
{
    const struct rac_api_param *is =
        was->in == RAC_IN_BODY ? rac_api_body(op) : rac_api_param(op, was->name, was->in);
    if (is == NULL) {
        const struct rac_api_param *moved = rac_api_param_named(op, was->name);
        if (moved != NULL)
            CHANGED(x, BRK_02, "input \"%.*s\" of \"%.*s\" moved from %s to %s", RAC_FMT(was->name),
                    RAC_FMT(x->id), rac_param_in_name(was->in), rac_param_in_name(moved->in));
        else
            CHANGED(x, BRK_02, "input \"%.*s\" of \"%.*s\" is gone", RAC_FMT(was->name),
                    RAC_FMT(x->id));
        return;
    }
    if (is->required && !was->required)
        CHANGED(x, BRK_02, "input \"%.*s\" of \"%.*s\" is now required", RAC_FMT(was->name),
                RAC_FMT(x->id));
    x->rule = RAC_RULE_BRK_02;
    struct path path = {.name = was->name};
    compare_schema(x, was->schema, is->schema, was->in == RAC_IN_BODY ? NULL : &path, 0);
    if (was->visibility != is->visibility)
        CHANGED(x, BRK_06, "the visibility of \"%.*s\" of \"%.*s\" changed", RAC_FMT(was->name),
                RAC_FMT(x->id));
    const struct rac_json *before = RAC_JSON_GET(was->node, "default");
    const struct rac_json *now = RAC_JSON_GET(is->node, "default");
    if ((before == NULL) != (now == NULL) || (before != NULL && !rac_json_equal(before, now)))
        CHANGED(x, BRK_06, "the default of \"%.*s\" of \"%.*s\" changed", RAC_FMT(was->name),
                RAC_FMT(x->id));
}

static void compare_inputs(struct changes *x, const struct rac_api_operation *was,
                           const struct rac_api_operation *is)
{
    x->round++;
    for (size_t i = 0; i < was->params_n; i++)
        compare_param(x, &was->params[i], is);
    for (size_t i = 0; i < is->params_n; i++) {
        const struct rac_api_param *p = &is->params[i];
        bool known = p->in == RAC_IN_BODY ? rac_api_body(was) != NULL
                                          : rac_api_param_named(was, p->name) != NULL;
        if (!known && p->required && RAC_JSON_GET(p->node, "default") == NULL)
            CHANGED(x, BRK_02, "the new input \"%.*s\" of \"%.*s\" is required", RAC_FMT(p->name),
                    RAC_FMT(x->id));
    }
}

static void compare_outputs(struct changes *x, const struct rac_api_operation *was,
                            const struct rac_api_operation *is)
{
    const struct rac_json *before =
        rac_api_response_schema(x->old, rac_api_success(x->old, was, NULL));
    const struct rac_json *now =
        rac_api_response_schema(x->c->api, rac_api_success(x->c->api, is, NULL));
    if (was->webhook && is->webhook) {
        before = RAC_JSON_GET(was->notification, "schema");
        now = RAC_JSON_GET(is->notification, "schema");
        before = before ? rac_api_deref(x->old, before) : NULL;
        now = now ? rac_api_deref(x->c->api, now) : NULL;
    }
    x->rule = RAC_RULE_BRK_03;
    x->round++;
    if (before != NULL && now == NULL)
        CHANGED(x, BRK_03, "the output of \"%.*s\" is not described any more", RAC_FMT(x->id));
    compare_schema(x, before, now, NULL, 0);
}

static void compare_operation(struct changes *x, const struct rac_api_operation *was)
{
    const struct rac_api_operation *is = rac_api_operation(x->c->api, was->id);
    x->id = was->id;
    if (is == NULL) {
        x->pointer = RAC_S("/paths");
        CHANGED(x, BRK_01, "operation \"%.*s\" is gone", RAC_FMT(was->id));
        return;
    }
    x->pointer = is->pointer;
    if (was->method != is->method || !rac_str_eq(was->path, is->path))
        CHANGED(x, BRK_01, "operation \"%.*s\" was %s %.*s, is %s %.*s", RAC_FMT(was->id),
                rac_api_method_name(was->method), RAC_FMT(was->path),
                rac_api_method_name(is->method), RAC_FMT(is->path));
    if (was->trigger != is->trigger || was->webhook != is->webhook)
        CHANGED(x, BRK_04, "the kind of trigger of \"%.*s\" changed", RAC_FMT(was->id));
    compare_inputs(x, was, is);
    compare_outputs(x, was, is);
    if (!rac_str_eq(was->summary, is->summary))
        CHANGED(x, BRK_06, "the summary of \"%.*s\" changed", RAC_FMT(was->id));
    if (was->visibility != is->visibility)
        CHANGED(x, BRK_06, "the visibility of \"%.*s\" changed", RAC_FMT(was->id));
}

/* --- authentication ------------------------------------------------------------------------- */

static rac_str scheme_types(struct package_check *c, const struct rac_api *api)
{
    struct rac_buf b;
    rac_buf_init(&b, SIZE_MAX / 2); /* less than the definition it is from */
    RAC_JSON_EACH_MEMBER(m, api->security_definitions)
    rac_buf_printf(&b, "%s%.*s", b.n > 0 ? ", " : "",
                   RAC_FMT(rac_json_str(RAC_JSON_GET(&m->value, "type"), RAC_S("?"))));
    rac_str all = rac_buf_take(&b, c->a);
    rac_buf_fini(&b);
    return all.n ? all : RAC_S("none");
}

static void compare_credentials(struct package_check *c, struct rac_api *old,
                                const struct rac_json *was)
{
    rac_str before = scheme_types(c, old), now = scheme_types(c, c->api);
    if (!rac_str_eq(before, now))
        FOUND_DEFINITION(c, BRK_05, BY_TABLE, RAC_S("/securityDefinitions"),
                         "the authentication was %.*s, is %.*s",
                         RAC_FMT(rac_str_sub(before, 0, TYPES_BYTES_MAX)),
                         RAC_FMT(rac_str_sub(now, 0, TYPES_BYTES_MAX)));
    if (c->props == NULL)
        return;
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(was, "connectionParameters"))
    {
        const struct rac_json *is =
            rac_json_get(RAC_JSON_GET(c->props, "connectionParameters"), rac_json_key(m));
        rac_str pointer = RAC_S("/properties/connectionParameters");
        if (is == NULL)
            FOUND(c, BRK_05, BY_TABLE, pointer, "connection parameter \"%.*s\" is gone",
                  RAC_FMT(rac_json_key(m)));
        else if (!rac_str_eqi(rac_json_str(RAC_JSON_GET(&m->value, "type"), RAC_S("")),
                              rac_json_str(RAC_JSON_GET(is, "type"), RAC_S(""))))
            FOUND(c, BRK_05, BY_TABLE, rac_json_pointer_join(c->a, pointer, rac_json_key(m)),
                  "the type of connection parameter \"%.*s\" changed", RAC_FMT(rac_json_key(m)));
    }
}

void rac_package_check_changes(struct package_check *c, struct rac_api *former,
                               const struct rac_json *former_props)
{
    struct changes x = {.c = c, .old = former, .work = COMPARE_WORK_MAX};
    rac_map_init(&x.pairs, c->a);
    for (size_t i = 0; i < former->ops_n && !rac_arena_over(c->a); i++)
        if (former->ops[i].id.n > 0)
            compare_operation(&x, &former->ops[i]);
    if (x.work == 0)
        FOUND_DEFINITION(c, BRK_06, BY_TABLE, RAC_S("/paths"),
                         "the definitions are too large to be compared to the end");
    compare_credentials(c, former, former_props);
}
