#include "cli/manage.h"

#include "cli/output.h"

int rac_manage(struct rac_cli *cli, int (*fn)(struct rac_cli *cli, struct rac_remote *r))
{
    struct rac_remote *r = NULL;
    int status = rac_remote_open(cli, &r);
    if (status == RAC_EXIT_OK)
        status = fn(cli, r);
    rac_remote_close(r);
    return status;
}

bool rac_manage_args(struct rac_cli *cli, size_t least, size_t most, int *status)
{
    if (cli->args_n < least)
        *status = rac_cli_usage(cli, "something is missing");
    else if (cli->args_n > most)
        *status = rac_cli_usage(cli, "unexpected argument: %s", cli->args[most]);
    else
        return true;
    return false;
}

static bool value_of(struct rac_cli *cli, rac_str name, rac_str text, struct rac_json *out)
{
    rac_str why;
    if (text.n > 1 && text.p[0] == '@') {
        if (rac_cli_read(cli, text.p + 1, 64 << 20, cli->a, &text, &why) != RAC_OK) {
            rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
            return false;
        }
        text = rac_str_trim(text);
    }
    *out = rac_json_of_str(text);
    if (text.n == 0 || (text.p[0] != '{' && text.p[0] != '['))
        return true;
    struct rac_json_error where;
    if (rac_json_parse(text, cli->a, 0, out, &where) == RAC_OK)
        return true;
    rac_cli_usage(cli, "the value of %.*s is not JSON: column %u: %s", RAC_FMT(name), where.column,
                  where.message);
    return false;
}

bool rac_manage_values(struct rac_cli *cli, size_t from, struct rac_json *out)
{
    *out = rac_json_new_object(cli->a);
    for (size_t i = from; i < cli->args_n; i++) {
        rac_str text = rac_str_of(cli->args[i]), value;
        struct rac_json v;
        if (text.n > 0 && text.p[0] == '{') { /* all of them as one JSON object */
            if (!value_of(cli, RAC_S("the arguments"), text, &v))
                return false;
            RAC_JSON_EACH_MEMBER(m, &v)
            rac_json_put(cli->a, out, rac_json_key(m), m->value);
            continue;
        }
        rac_str name = rac_str_cut(text, '=', &value);
        if (value.p == NULL || name.n == 0) {
            rac_cli_usage(cli, "%s is not of the form NAME=VALUE", cli->args[i]);
            return false;
        }
        if (!value_of(cli, name, value, &v))
            return false;
        rac_json_put(cli->a, out, name, v);
    }
    return true;
}

void rac_manage_print(struct rac_cli *cli, const struct rac_json *v)
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
        fprintf(cli->out, "%-*.*s  %.*s\n", (int)widest, (int)m->key_n, m->key, RAC_FMT(text));
    }
}

int rac_manage_show(struct rac_cli *cli, struct rac_remote *r, rac_str path)
{
    struct rac_json v;
    int status = rac_remote_json(r, "GET", path, NULL, &v);
    if (status == RAC_EXIT_OK)
        rac_manage_print(cli, &v);
    return status;
}

bool rac_manage_ask(struct rac_cli *cli, const char *question)
{
    if (isatty(0) != 1 || isatty(2) != 1)
        return false;
    char line[16];
    fprintf(cli->err, "%s [y/N] ", question);
    fflush(cli->err);
    return fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}
