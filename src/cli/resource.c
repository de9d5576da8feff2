#include "cli/resource.h"

#include "cli/output.h"
#include "text/url.h"

/* One engine for every row: arguments checked, request built, sent, answer printed. */

#define VERB(resource, verb, least, most, synopsis_, summary_, ...)                                \
    const struct rac_verb rac_verb_##resource##_##verb = {.command.words = #resource " " #verb,    \
                                                          .command.synopsis = synopsis_,           \
                                                          .command.summary = summary_,             \
                                                          .command.run = rac_resource_run,         \
                                                          .args_min = least,                       \
                                                          .args_max = most,                        \
                                                          __VA_ARGS__};
#include "cli/resources.def"
#undef VERB

enum { FILE_BYTES_MAX = 64 << 20 };

/* --- sources ---------------------------------------------------------------------------------- */

/* Argument or option that a source "{0}" or "--option" names; NULL: not given. */
static const char *given(const struct rac_cli *cli, rac_str source, size_t i)
{
    if (source.p[0] == '{') {
        size_t arg = (size_t)(source.p[1] - '0');
        return i == 0 && arg < cli->args_n ? cli->args[arg] : NULL;
    }
    return rac_cli_opt_at(cli, rac_arena_cstr(cli->a, rac_str_from(source, 2)), i);
}

static const struct rac_option *option_of(const struct rac_cli *cli, rac_str source)
{
    const struct rac_option *o = cli->command->options;
    while (o != NULL && o->name != NULL && !rac_str_eq(rac_str_of(o->name), source))
        o++;
    RAC_ASSERT(o != NULL && o->name != NULL); /* a row names an option that it has not */
    return o;
}

/* Reads the file at path as JSON. */
static int json_file(struct rac_cli *cli, const char *path, struct rac_json *out)
{
    rac_str bytes, why;
    struct rac_json_error where;
    rac_err e = rac_cli_read(cli, path, FILE_BYTES_MAX, cli->a, &bytes, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
    if (rac_json_parse(bytes, cli->a, 0, out, &where) != RAC_OK)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s:%u:%u: not JSON: %s", path, where.line,
                            where.column, where.message);
    return RAC_EXIT_OK;
}

/* Value of a source that is given. */
static int value_of(struct rac_cli *cli, rac_str source, const char *text, bool file, bool no,
                    struct rac_json *out)
{
    if (file)
        return json_file(cli, text, out);
    *out = rac_json_of_str(rac_str_of(text));
    if (source.p[0] != '-')
        return RAC_EXIT_OK;
    const struct rac_option *o = option_of(cli, rac_str_from(source, 2));
    int64_t n;
    if (o->value == NULL)
        *out = rac_json_of_bool(!no);
    else if (strcmp(o->value, "N") == 0) {
        if (!rac_str_to_i64(rac_str_of(text), &n))
            return rac_cli_usage(cli, "--%s takes a number, not %s", o->name, text);
        *out = rac_json_of_int(n);
    }
    return RAC_EXIT_OK;
}

/* One "member=source". */
static int put_member(struct rac_cli *cli, rac_str row, struct rac_json *body, rac_str *query)
{
    rac_str source, member = rac_str_cut(row, '=', &source);
    bool array = rac_str_ends(member, RAC_S("[]")), in_query = member.p[0] == '?';
    bool file = source.p[0] == '@', no = source.p[0] == '!';
    struct rac_json list = rac_json_new_array(cli->a), v;
    const char *text;
    source = rac_str_from(source, file || no);
    for (size_t i = 0; (text = given(cli, source, i)) != NULL; i++) {
        int status = value_of(cli, source, text, file, no, &v);
        if (status != RAC_EXIT_OK)
            return status;
        rac_json_add(cli->a, &list, v);
    }
    size_t n = rac_json_len(&list);
    if (n == 0)
        return RAC_EXIT_OK;
    const struct rac_json *last = rac_json_at(&list, n - 1);
    if (in_query)
        *query = rac_url_query_add(cli->a, *query, rac_str_from(member, 1),
                                   rac_remote_text(cli->a, last));
    else if (array)
        rac_json_put(cli->a, body, rac_str_sub(member, 0, member.n - 2), list);
    else
        rac_json_put(cli->a, body, member, *last);
    return RAC_EXIT_OK;
}

/* The path with its placeholders filled in; false: an option it needs is not given. */
static bool fill_path(struct rac_cli *cli, rac_str path, rac_str *out)
{
    struct rac_arena *a = cli->a;
    *out = RAC_S("/api/v1/");
    while (path.n > 0) {
        rac_str rest, name;
        rac_str before = rac_str_cut(path, '{', &rest);
        *out = rac_str_concat(a, *out, before);
        if (rest.p == NULL)
            break;
        rac_str inside = rac_str_cut(rest, '}', &path);
        name = rac_arena_printf(a, inside.p[0] == '-' ? "%.*s" : "{%.*s}", RAC_FMT(inside));
        const char *text = given(cli, name, 0);
        if (text == NULL)
            return false;
        *out = rac_str_concat(a, *out, rac_url_encode_set(a, rac_str_of(text), RAC_URL_STRICT));
    }
    return true;
}

rac_str rac_resource_path(struct rac_cli *cli, const char *path)
{
    rac_str rest = rac_str_of(path), out = RAC_STR_NULL;
    bool filled = false;
    while (!filled && rest.p != NULL)
        filled = fill_path(cli, rac_str_cut(rest, '|', &rest), &out);
    RAC_ASSERT(filled);
    return out;
}

rac_str rac_resource_in_group(struct rac_cli *cli, rac_str path)
{
    const char *group = rac_cli_opt(cli, "group");
    return group != NULL ? rac_url_query_add(cli->a, path, RAC_S("group"), rac_str_of(group))
                         : path;
}

int rac_resource_add_file(struct rac_cli *cli, const char *path, struct rac_json *out)
{
    struct rac_json v;
    int status = json_file(cli, path, &v);
    if (status == RAC_EXIT_OK && !rac_json_is_object(&v))
        status = rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s: not a JSON object", path);
    if (status != RAC_EXIT_OK)
        return status;
    RAC_JSON_EACH_MEMBER(m, &v)
    if (rac_json_get(out, rac_json_key(m)) == NULL)
        rac_json_put(cli->a, out, rac_json_key(m), m->value);
    return RAC_EXIT_OK;
}

static int typed_value(struct rac_cli *cli, rac_str name, rac_str text, struct rac_json *out)
{
    rac_str why;
    struct rac_json_error where;
    if (text.n > 1 && text.p[0] == '@') {
        if (rac_cli_read(cli, text.p + 1, FILE_BYTES_MAX, cli->a, &text, &why) != RAC_OK)
            return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
        text = rac_str_trim(text);
    }
    *out = rac_json_of_str(text);
    if (text.n == 0 || (text.p[0] != '{' && text.p[0] != '['))
        return RAC_EXIT_OK;
    if (rac_json_parse(text, cli->a, 0, out, &where) == RAC_OK)
        return RAC_EXIT_OK;
    return rac_cli_usage(cli, "the value of %.*s is not JSON: column %u: %s", RAC_FMT(name),
                         where.column, where.message);
}

int rac_resource_values(struct rac_cli *cli, size_t from, struct rac_json *out)
{
    *out = rac_json_new_object(cli->a);
    for (size_t i = from; i < cli->args_n; i++) {
        rac_str text = rac_str_of(cli->args[i]), value;
        struct rac_json v;
        bool all = text.n > 0 && text.p[0] == '{'; /* all of them as one JSON object */
        rac_str name = all ? RAC_S("the arguments") : rac_str_cut(text, '=', &value);
        if (!all && (value.p == NULL || name.n == 0))
            return rac_cli_usage(cli, "%s is not of the form NAME=VALUE", cli->args[i]);
        int status = typed_value(cli, name, all ? text : value, &v);
        if (status != RAC_EXIT_OK)
            return status;
        if (!all) {
            rac_json_put(cli->a, out, name, v);
            continue;
        }
        RAC_JSON_EACH_MEMBER(m, &v)
        rac_json_put(cli->a, out, rac_json_key(m), m->value);
    }
    return RAC_EXIT_OK;
}

/* --- printing --------------------------------------------------------------------------------- */

void rac_resource_print(struct rac_cli *cli, const struct rac_json *v)
{
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return;
    }
    size_t widest = 0;
    RAC_JSON_EACH_MEMBER(m, v)
    if (m->key_n > widest)
        widest = m->key_n;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str text = rac_remote_text(cli->a, &m->value);
        const struct rac_json *name = RAC_JSON_GET(&m->value, "name");
        if (name != NULL) /* a person */
            text = rac_json_str(name, text);
        rac_cli_say(cli, "%-*.*s  %.*s", (int)widest, (int)m->key_n, m->key, RAC_FMT(text));
    }
}

static void print_columns(struct rac_cli *cli, const char *columns, const struct rac_json *list)
{
    struct rac_column v[16];
    size_t n = 0;
    for (rac_str rest = rac_str_of(columns); rest.p != NULL; n++) {
        rac_str path, title = rac_str_cut(rac_str_cut(rest, ' ', &rest), '=', &path);
        RAC_ASSERT(n < RAC_COUNT(v));
        v[n].title = rac_arena_cstr(cli->a, title);
        v[n].pointer = rac_arena_printf(cli->a, "/%.*s", RAC_FMT(path)).p;
    }
    rac_remote_print_list(cli, list, v, n);
}

void rac_resource_done(struct rac_cli *cli, const char *done)
{
    if (cli->format != RAC_FORMAT_JSON) {
        rac_cli_say(cli, "%s %s", cli->args[0], done);
        return;
    }
    struct rac_json o = rac_json_new_object(cli->a);
    RAC_JSON_PUT_STR(cli->a, &o, "id", rac_str_of(cli->args[0]));
    rac_json_put(cli->a, &o, rac_str_of(done), rac_json_of_bool(true));
    rac_cli_print_json(cli, &o);
}

int rac_resource_confirm(struct rac_cli *cli, rac_str question, rac_str refused)
{
    char line[16];
    if (rac_cli_has(cli, "yes"))
        return RAC_EXIT_OK;
    if (isatty(0) == 1 && isatty(2) == 1) {
        fprintf(cli->err, "%.*s [y/N] ", RAC_FMT(question));
        fflush(cli->err);
        if (fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
            return RAC_EXIT_OK;
    }
    return rac_cli_fail(cli, RAC_EXIT_REFUSED, "%.*s", RAC_FMT(refused));
}

/* --- the engine ------------------------------------------------------------------------------- */

static int body_of(struct rac_cli *cli, const struct rac_verb *verb, struct rac_json *body,
                   rac_str *query)
{
    int status = RAC_EXIT_OK;
    rac_str rest = rac_str_of(verb->members);
    *body = rac_json_new_object(cli->a);
    while (status == RAC_EXIT_OK && rest.p != NULL)
        status = put_member(cli, rac_str_cut(rest, ' ', &rest), body, query);
    if (status == RAC_EXIT_OK && verb->fill != NULL)
        status = verb->fill(cli, body);
    if (status == RAC_EXIT_OK && verb->nothing != NULL && rac_json_len(body) == 0)
        status = rac_cli_usage(cli, "%s", verb->nothing);
    return status;
}

static int exchange(struct rac_cli *cli, const struct rac_verb *verb, struct rac_remote *r,
                    rac_str path, const struct rac_json *body)
{
    struct rac_json v = {0};
    if (verb->columns != NULL) {
        int status = rac_remote_list(r, path, &v);
        if (status == RAC_EXIT_OK)
            print_columns(cli, verb->columns, &v);
        return status;
    }
    rac_remote_if_match(r, rac_str_of(rac_cli_opt(cli, "if-match")));
    bool sends = verb->members != NULL || verb->fill != NULL;
    int status = rac_remote_json(r, verb->method, path, sends ? body : NULL, &v);
    if (status != RAC_EXIT_OK)
        return status;
    if (verb->answer != NULL)
        return verb->answer(cli, r, &v);
    if (verb->done != NULL)
        rac_resource_done(cli, verb->done);
    else
        rac_resource_print(cli, &v);
    return status;
}

/* The argument after the given ones, as the synopsis calls it. */
static rac_str missing(const struct rac_command *c, size_t given)
{
    rac_str rest = rac_str_of(c->synopsis), word = rest;
    for (size_t i = 0; i <= given; i++)
        word = rac_str_cut(rest, ' ', &rest);
    return word;
}

int rac_resource_run(struct rac_cli *cli)
{
    const struct rac_verb *verb =
        (const struct rac_verb *)((const char *)cli->command - offsetof(struct rac_verb, command));
    struct rac_remote *r = NULL;
    struct rac_json body;
    rac_str path = RAC_STR_NULL;
    if (cli->args_n < verb->args_min)
        return rac_cli_usage(cli, "%.*s is missing", RAC_FMT(missing(cli->command, cli->args_n)));
    if (cli->args_n > verb->args_max)
        return rac_cli_usage(cli, "unexpected argument: %s", cli->args[verb->args_max]);
    if (verb->path != NULL)
        path = rac_resource_path(cli, verb->path);
    if (verb->columns != NULL)
        path = rac_url_query_add(cli->a, path, RAC_S("$top"), RAC_S("250"));
    int status = body_of(cli, verb, &body, &path);
    if (status == RAC_EXIT_OK)
        status = rac_remote_open(cli, &r);
    if (status == RAC_EXIT_OK)
        status =
            verb->special != NULL ? verb->special(cli, r) : exchange(cli, verb, r, path, &body);
    rac_remote_close(r);
    return status;
}
