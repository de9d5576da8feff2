#include "cli/command.h"
#include "base/str.h"
#include "cli/deployment.h"
#include "cli/manual.h"
#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>

const struct rac_option rac_cli_common_options[] = {
    {"format", 0, "FORMAT", "text (default) or json; sarif where the command says so"},
    {"server", 0, "URL", "server to talk to (else RACCORD_SERVER)"},
    {"token-file", 0, "FILE", "file with the token for the server (else RACCORD_TOKEN)"},
    {"set", 0, "KEY=VALUE", "a setting; may be repeated (raccord config --explain lists them)"},
    {"help", 'h', NULL, "this help"},
    {NULL, 0, NULL, NULL},
};

const char *rac_cli_opt_at(const struct rac_cli *cli, const char *name, size_t i)
{
    for (size_t o = 0; o < cli->opts_n; o++)
        if (strcmp(cli->opts[o].option->name, name) == 0 && i-- == 0)
            return cli->opts[o].value ? cli->opts[o].value : "";
    return NULL;
}

const char *rac_cli_opt(const struct rac_cli *cli, const char *name)
{
    for (size_t o = cli->opts_n; o-- > 0;)
        if (strcmp(cli->opts[o].option->name, name) == 0)
            return cli->opts[o].value ? cli->opts[o].value : "";
    return NULL;
}

bool rac_cli_has(const struct rac_cli *cli, const char *name)
{
    return rac_cli_opt(cli, name) != NULL;
}

const char *rac_cli_env(const struct rac_cli *cli, const char *name)
{
    size_t n = strlen(name);
    for (char **e = cli->environment; e != NULL && *e != NULL; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

int rac_cli_usage(struct rac_cli *cli, const char *fmt, ...)
{
    va_list ap;
    fputs("raccord: ", cli->err);
    va_start(ap, fmt);
    vfprintf(cli->err, fmt, ap);
    va_end(ap);
    if (cli->command != NULL)
        fprintf(cli->err, "\nusage: raccord %s %s\n`raccord %s --help` says more.\n",
                cli->command->words, cli->command->synopsis, cli->command->words);
    else
        fputs("\n`raccord --help` lists the commands.\n", cli->err);
    return RAC_EXIT_USAGE;
}

static const struct rac_option *find_long(const struct rac_option *list, rac_str name)
{
    for (; list != NULL && list->name != NULL; list++)
        if (rac_str_eq(rac_str_of(list->name), name))
            return list;
    return NULL;
}

static const struct rac_option *find_letter(const struct rac_option *list, char letter)
{
    for (; list != NULL && list->name != NULL; list++)
        if (list->letter == letter)
            return list;
    return NULL;
}

/* Words of the command found in argv from argv[1] on, or 0. */
static size_t words_match(const struct rac_command *c, int argc, char **argv)
{
    size_t words = 0;
    for (rac_str rest = rac_str_of(c->words); rest.p != NULL; words++) {
        rac_str word = rac_str_cut(rest, ' ', &rest);
        if ((int)words + 1 >= argc || !rac_str_eq(word, rac_str_of(argv[words + 1])))
            return 0;
    }
    return words;
}

static int add_option(struct rac_cli *cli, const struct rac_option *o, const char *value)
{
    cli->opts[cli->opts_n++] = (struct rac_cli_opt){o, value};
    return RAC_EXIT_OK;
}

static int parse_long(struct rac_cli *cli, const char *arg, int *i, int argc, char **argv)
{
    rac_str value, name = rac_str_cut(rac_str_of(arg + 2), '=', &value);
    const struct rac_option *o =
        cli->command != NULL ? find_long(cli->command->options, name) : NULL;
    if (o == NULL)
        o = find_long(rac_cli_common_options, name);
    if (o == NULL)
        return rac_cli_usage(cli, "there is no option --%.*s", RAC_FMT(name));
    if (o->value == NULL) {
        if (value.p != NULL)
            return rac_cli_usage(cli, "--%s takes no value", o->name);
        return add_option(cli, o, NULL);
    }
    if (value.p != NULL)
        return add_option(cli, o, value.p);
    if (*i + 1 >= argc)
        return rac_cli_usage(cli, "--%s needs a value: --%s %s", o->name, o->name, o->value);
    return add_option(cli, o, argv[++*i]);
}

static int parse_short(struct rac_cli *cli, const char *arg, int *i, int argc, char **argv)
{
    for (const char *p = arg + 1; *p != '\0'; p++) {
        const struct rac_option *o = find_letter(cli->command->options, *p);
        if (o == NULL)
            o = find_letter(rac_cli_common_options, *p);
        if (o == NULL)
            return rac_cli_usage(cli, "there is no option -%c", *p);
        if (o->value == NULL) {
            add_option(cli, o, NULL);
            continue;
        }
        if (p[1] != '\0')
            return add_option(cli, o, p + 1);
        if (*i + 1 >= argc)
            return rac_cli_usage(cli, "-%c needs a value: -%c %s", *p, *p, o->value);
        return add_option(cli, o, argv[++*i]);
    }
    return RAC_EXIT_OK;
}

/* Room for as many options as there are letters. */
static void make_room(struct rac_cli *cli, int argc, char **argv)
{
    size_t letters = 1;
    for (int i = 1; i < argc; i++)
        letters += strlen(argv[i]);
    cli->opts = RAC_NEW_N(cli->a, struct rac_cli_opt, letters);
    cli->args = RAC_NEW_N(cli->a, char *, (size_t)argc + 1);
}

/* Common options before the command: *at is left at the first word that is none. */
static int leading_options(struct rac_cli *cli, int *at, int argc, char **argv)
{
    for (; *at < argc && argv[*at][0] == '-' && argv[*at][1] == '-' && argv[*at][2] != 0; ++*at) {
        if (strcmp(argv[*at], "--help") == 0 || strcmp(argv[*at], "--version") == 0)
            break;
        int status = parse_long(cli, argv[*at], at, argc, argv);
        if (status != RAC_EXIT_OK)
            return status;
    }
    return RAC_EXIT_OK;
}

static int parse(struct rac_cli *cli, int from, int argc, char **argv)
{
    bool only_args = false;
    for (int i = from; i < argc; i++) {
        char *arg = argv[i];
        int status = RAC_EXIT_OK;
        if (only_args || arg[0] != '-' || arg[1] == '\0')
            cli->args[cli->args_n++] = arg;
        else if (strcmp(arg, "--") == 0)
            only_args = true;
        else if (arg[1] == '-')
            status = parse_long(cli, arg, &i, argc, argv);
        else
            status = parse_short(cli, arg, &i, argc, argv);
        if (status != RAC_EXIT_OK)
            return status;
    }
    return RAC_EXIT_OK;
}

static int read_token(struct rac_cli *cli)
{
    const char *file = rac_cli_opt(cli, "token-file"), *env = rac_cli_env(cli, "RACCORD_TOKEN");
    if (file != NULL) {
        rac_str bytes, why;
        rac_err e = rac_cli_read(cli, file, 65536, cli->a, &bytes, &why);
        if (e != RAC_OK)
            return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
        cli->token = rac_str_trim(bytes);
    } else if (env != NULL) {
        cli->token = rac_str_trim(rac_str_of(env));
    }
    return RAC_EXIT_OK;
}

static int read_settings(struct rac_cli *cli)
{
    struct rac_diags d;
    rac_diags_init(&d, cli->a, 100);
    rac_err e = rac_config_read_environment(cli->config, cli->environment, &d);
    const char *set;
    for (size_t i = 0; (set = rac_cli_opt_at(cli, "set", i)) != NULL; i++) {
        rac_str value, key = rac_str_cut(rac_str_of(set), '=', &value);
        if (value.p == NULL)
            return rac_cli_usage(cli, "--set takes KEY=VALUE, not %s", set);
        rac_err one = rac_config_set(cli->config, key, value, "command line", &d);
        e = one != RAC_OK ? one : e;
    }
    rac_cli_diags(cli, RAC_S("settings"), &d);
    return e == RAC_OK ? rac_cli_deployment(cli) : RAC_EXIT_USAGE;
}

static int read_common(struct rac_cli *cli)
{
    const char *format = rac_cli_opt(cli, "format"), *server = rac_cli_opt(cli, "server");
    if (format != NULL) {
        if (strcmp(format, "json") == 0)
            cli->format = RAC_FORMAT_JSON;
        else if (strcmp(format, "sarif") == 0)
            cli->format = RAC_FORMAT_SARIF;
        else if (strcmp(format, "text") != 0)
            return rac_cli_usage(cli, "--format is text or json%s, not %s",
                                 cli->command->sarif ? " or sarif" : "", format);
        if (cli->format == RAC_FORMAT_SARIF && !cli->command->sarif)
            return rac_cli_usage(cli, "this command has no output as sarif: text or json");
    }
    if (server == NULL)
        server = rac_cli_env(cli, "RACCORD_SERVER");
    if (server != NULL) {
        cli->server = rac_str_of(server);
        cli->server_named = true;
        while (rac_str_ends(cli->server, RAC_S("/")))
            cli->server.n--;
    }
    int status = read_token(cli);
    return status != RAC_EXIT_OK ? status : read_settings(cli);
}

static void print_options(FILE *to, const struct rac_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        char left[64];
        int n = o->letter ? snprintf(left, sizeof left, "-%c, --%s", o->letter, o->name)
                          : snprintf(left, sizeof left, "    --%s", o->name);
        if (o->value != NULL)
            snprintf(left + n, sizeof left - (size_t)n, " %s", o->value);
        fprintf(to, "  %-30s %s\n", left, o->help);
    }
}

static void help_command(FILE *to, const struct rac_command *c)
{
    fprintf(to, "%s\n\nusage: raccord %s %s\n", c->summary, c->words, c->synopsis);
    if (c->details != NULL)
        fprintf(to, "\n%s\n", c->details);
    fputs("\noptions:\n", to);
    print_options(to, c->options);
    print_options(to, rac_cli_common_options);
    fputs("\nexit status: 0 done, 1 findings or a failed call, 2 wrong usage, 3 cannot reach or "
          "read, 4 refused.\n",
          to);
}

static void help_all(FILE *to, const struct rac_command *const *table, size_t table_n)
{
    fputs("Raccord: custom connectors for any REST API, on your own machine.\n\n"
          "usage: raccord COMMAND ...\n\n",
          to);
    for (size_t i = 0; i < table_n; i++)
        fprintf(to, "  %-20s %s\n", table[i]->words, table[i]->summary);
    fputs("  completion           Print the completion script for bash and zsh\n", to);
    fputs("\n`raccord COMMAND --help` says more. `raccord demo` shows the whole of it.\n", to);
}

/* Commands whose first word this is, listed; false: there is none. */
static bool list_group(FILE *to, rac_str word, const struct rac_command *const *table,
                       size_t table_n)
{
    bool any = false;
    for (size_t i = 0; i < table_n; i++) {
        rac_str second, first = rac_str_cut(rac_str_of(table[i]->words), ' ', &second);
        if (second.p == NULL || !rac_str_eq(first, word))
            continue;
        fprintf(to, "  %-20s %s\n", table[i]->words, table[i]->summary);
        any = true;
    }
    return any;
}

/* Nearest to what was typed: a whole first word, or the second word of a group. */
static rac_str nearest(rac_str typed, rac_str group, const struct rac_command *const *table,
                       size_t table_n)
{
    rac_str near = RAC_STR_NULL;
    unsigned best = 3;
    for (size_t i = 0; i < table_n; i++) {
        rac_str words = rac_str_of(table[i]->words), second;
        rac_str first = rac_str_cut(words, ' ', &second);
        if (group.p != NULL && (second.p == NULL || !rac_str_eq(first, group)))
            continue;
        unsigned distance = rac_str_distance(group.p != NULL ? second : first, typed);
        if (distance < best) {
            best = distance;
            near = group.p != NULL ? words : first;
        }
    }
    return near;
}

/* A word that is no command, or "connector" alone or with a wrong second word. */
static int unknown_command(struct rac_cli *cli, int argc, char **argv,
                           const struct rac_command *const *table, size_t table_n)
{
    rac_str word = rac_str_of(argv[1]), second = rac_str_of(argc > 2 ? argv[2] : NULL), near;
    bool group = false;
    for (size_t i = 0; i < table_n; i++)
        group = group || (rac_str_starts(rac_str_of(table[i]->words), word) &&
                          table[i]->words[word.n] == ' ');
    if (!group) {
        near = nearest(word, RAC_STR_NULL, table, table_n);
        return near.p != NULL ? rac_cli_usage(cli, "there is no command %s. Did you mean %.*s?",
                                              argv[1], RAC_FMT(near))
                              : rac_cli_usage(cli, "there is no command %s", argv[1]);
    }
    near = second.p != NULL ? nearest(second, word, table, table_n) : RAC_STR_NULL;
    if (near.p != NULL)
        return rac_cli_usage(cli, "there is no command %s %s. Did you mean %.*s?", argv[1], argv[2],
                             RAC_FMT(near));
    fprintf(cli->err, "raccord: %s needs one of these:\n\n", argv[1]);
    list_group(cli->err, word, table, table_n);
    return RAC_EXIT_USAGE;
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i]))
            return true;
    return false;
}

static int print_manual(struct rac_cli *cli, int argc, char **argv,
                        const struct rac_command *const *table, size_t table_n)
{
    if (argc > 2 && strcmp(argv[2], "raccord.conf") == 0)
        rac_cli_manual_conf(cli->out);
    else
        rac_cli_manual(cli->out, table, table_n);
    return RAC_EXIT_OK;
}

/* argv[1] is the first word of the command. */
static int run_command(struct rac_cli *cli, int argc, char **argv, bool help,
                       const struct rac_command *const *table, size_t table_n)
{
    size_t words = 0;
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = (char[]){"version"};
    for (size_t i = 0; i < table_n; i++) {
        size_t n = words_match(table[i], argc, argv);
        if (n > words) {
            words = n;
            cli->command = table[i];
        }
    }
    help = help || wants_help(argc, argv);
    if (words == 0) {
        if (help && list_group(cli->out, rac_str_of(argv[1]), table, table_n))
            return RAC_EXIT_OK;
        return unknown_command(cli, argc, argv, table, table_n);
    }
    if (help) {
        help_command(cli->out, cli->command);
        return RAC_EXIT_OK;
    }
    int status = parse(cli, (int)words + 1, argc, argv);
    if (status == RAC_EXIT_OK)
        status = read_common(cli);
    return status == RAC_EXIT_OK ? cli->command->run(cli) : status;
}

static int run(struct rac_cli *cli, int argc, char **argv, const struct rac_command *const *table,
               size_t table_n)
{
    int at = 1;
    make_room(cli, argc, argv);
    int status = leading_options(cli, &at, argc, argv);
    if (status != RAC_EXIT_OK)
        return status;
    bool help = at < argc && strcmp(argv[at], "help") == 0;
    at += help;
    if (at >= argc || is_help(argv[at])) {
        help = help || at < argc;
        help_all(help ? cli->out : cli->err, table, table_n);
        return help ? RAC_EXIT_OK : RAC_EXIT_USAGE;
    }
    argv += at - 1;
    argc -= at - 1;
    if (strcmp(argv[1], "completion") == 0) {
        rac_cli_completion(cli->out, table, table_n);
        return RAC_EXIT_OK;
    }
    if (strcmp(argv[1], "manual") == 0) /* for packaging: the text scdoc reads */
        return print_manual(cli, argc, argv, table, table_n);
    return run_command(cli, argc, argv, help, table, table_n);
}

/* Did all of it get out? A reader that left had enough, which is no error. */
static int end_of_output(struct rac_cli *cli)
{
    struct pollfd p = {.fd = 1, .events = POLLOUT};
    int error = fflush(stdout) != 0 ? errno : 0;
    if (error == 0 && !ferror(stdout))
        return RAC_EXIT_OK;
    if (error == EPIPE || (poll(&p, 1, 0) > 0 && (p.revents & POLLERR)))
        return RAC_EXIT_OK;
    return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "cannot write the output: %s",
                        error != 0 ? strerror(error) : "part of it is lost");
}

int rac_cli_main(int argc, char **argv, char **environment, const struct rac_command *const *table,
                 size_t table_n)
{
    static char out_buffer[1 << 16];
    struct rac_arena a;
    struct rac_config config;
    rac_arena_init(&a, SIZE_MAX);
    rac_config_init(&config, &a);
    if (isatty(1) == 0)
        (void)setvbuf(stdout, out_buffer, _IOFBF, sizeof out_buffer);
    struct rac_cli cli = {.a = &a,
                          .env = &rac_env_system,
                          .out = stdout,
                          .err = stderr,
                          .config = &config,
                          .environment = environment};
    const char *no_color = rac_cli_env(&cli, "NO_COLOR");
    bool color = no_color == NULL || no_color[0] == '\0';
    cli.progress = isatty(2) == 1;
    cli.color_err = color && cli.progress;
    cli.color_out = color && isatty(1) == 1;
    int status = run(&cli, argc, argv, table, table_n);
    if (status == RAC_EXIT_OK)
        status = end_of_output(&cli);
    else
        fflush(stdout);
    rac_arena_fini(&a);
    return status;
}
