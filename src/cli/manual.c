#include "cli/manual.h"
#include "base/str.h"

/* Characters that scdoc would take for markup. */
static void print_escaped(FILE *to, const char *s)
{
    for (; *s != '\0'; s++) {
        if (strchr("_*\\#`~.", *s) != NULL)
            fputc('\\', to);
        fputc(*s, to);
    }
}

static void print_options(FILE *to, const struct rac_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        fputs("*--", to);
        print_escaped(to, o->name);
        fputs("*", to);
        if (o->letter)
            fprintf(to, ", *-%c*", o->letter);
        if (o->value != NULL) {
            fputs(" _", to);
            for (const char *p = o->value; *p != '\0'; p++)
                fputc(*p == '_' ? '-' : *p, to);
            fputs("_", to);
        }
        fputs("\n\t", to);
        print_escaped(to, o->help);
        fputs("\n\n", to);
    }
}

void rac_cli_manual(FILE *to, const struct rac_command *const *table, size_t table_n)
{
    fputs(
        "raccord(1) \"Raccord " RAC_VERSION "\" \"Raccord\"\n\n"
        "# NAME\n\nraccord - custom connectors for any REST API\n\n"
        "# SYNOPSIS\n\n*raccord* _COMMAND_ [_ARGUMENT_...] [_OPTION_...]\n\n"
        "# DESCRIPTION\n\n"
        "Turns a description of a REST API into a connector, keeps credentials for it, and calls\n"
        "it: from the shell, through a server, from workflows.\n\n"
        "A source (_SRC_) is a package folder, a zip of one, a solution zip of Power Platform\n"
        "(_ZIP#NAME_ where it holds several connectors), a definition file, a URL, - for standard\n"
        "input, or the name of a connector on the server named by --server.\n\n"
        "# OPTIONS OF EVERY COMMAND\n\n",
        to);
    print_options(to, rac_cli_common_options);
    fputs("# COMMANDS\n\n", to);
    for (size_t i = 0; i < table_n; i++) {
        fprintf(to, "## raccord %s\n\n", table[i]->words);
        print_escaped(to, table[i]->summary);
        fprintf(to, ".\n\n*raccord %s* ", table[i]->words);
        print_escaped(to, table[i]->synopsis);
        fputs("\n\n", to);
        if (table[i]->details != NULL) {
            fputs("```\n", to);
            fputs(table[i]->details, to);
            fputs("\n```\n\n", to);
        }
        print_options(to, table[i]->options);
    }
    fputs("# EXIT STATUS\n\n"
          "*0* done. *1* findings, or a call that failed. *2* wrong usage. *3* cannot reach or\n"
          "read. *4* refused: permission or limit.\n\n"
          "# ENVIRONMENT\n\n"
          "*RACCORD\\_SERVER*, *RACCORD\\_TOKEN*\n\tServer to talk to, and the token for it.\n\n"
          "*RACCORD\\_<KEY>*\n\tA setting, upper case, with \\_ for each dot.\n\n"
          "*NO\\_COLOR*\n\tNo colours.\n\n"
          "# SEE ALSO\n\n*raccord.conf*(5)\n",
          to);
}

void rac_cli_manual_conf(FILE *to)
{
    fputs("raccord.conf(5) \"Raccord " RAC_VERSION "\" \"Raccord\"\n\n"
          "# NAME\n\nraccord.conf - settings of a Raccord server\n\n"
          "# DESCRIPTION\n\n"
          "The file _raccord.conf_ in the data directory has one *key = value* a line; # starts a\n"
          "comment. The environment (*RACCORD\\_<KEY>*) and *--set* win over it.\n\n"
          "# SETTINGS\n\n",
          to);
    for (int k = 0; k < RAC_CONF_N; k++) {
        struct rac_conf_info i = rac_config_info((enum rac_conf)k);
        fputs("*", to);
        print_escaped(to, i.key);
        fprintf(to, "* (%s, default ", i.kind);
        print_escaped(to, i.value[0] != '\0' ? i.value : "empty");
        fputs(")\n\t", to);
        print_escaped(to, i.text);
        fputs("\n\n", to);
    }
    fputs("# SEE ALSO\n\n*raccord*(1)\n", to);
}

static void print_option_words(FILE *to, const struct rac_option *o)
{
    for (; o != NULL && o->name != NULL; o++)
        fprintf(to, " --%s", o->name);
}

void rac_cli_completion(FILE *to, const struct rac_command *const *table, size_t table_n)
{
    fputs("# bash completion for raccord; zsh: autoload bashcompinit && bashcompinit first\n"
          "_raccord()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} one=${COMP_WORDS[1]} two=${COMP_WORDS[2]} o=\n"
          "    case \"$one $two\" in\n",
          to);
    for (size_t i = 0; i < table_n; i++) {
        bool two_words = strchr(table[i]->words, ' ') != NULL;
        fprintf(to, "    '%s'%s) o='", table[i]->words, two_words ? "" : "' '*");
        print_option_words(to, table[i]->options);
        print_option_words(to, rac_cli_common_options);
        fputs("' ;;\n", to);
    }
    fputs("    esac\n    if [ \"$COMP_CWORD\" = 1 ]; then\n        o='", to);
    for (size_t i = 0; i < table_n; i++) {
        rac_str rest, first = rac_str_cut(rac_str_of(table[i]->words), ' ', &rest), before = {0};
        if (i > 0)
            before = rac_str_cut(rac_str_of(table[i - 1]->words), ' ', &rest);
        if (!rac_str_eq(first, before))
            fprintf(to, " %.*s", RAC_FMT(first));
    }
    fputs("'\n    elif [ \"$COMP_CWORD\" = 2 ]; then\n        case $one in\n", to);
    for (size_t i = 0; i < table_n; i++) {
        rac_str second, first = rac_str_cut(rac_str_of(table[i]->words), ' ', &second);
        if (second.p != NULL)
            fprintf(to, "        %.*s) o=\"$o %.*s\" ;;&\n", RAC_FMT(first), RAC_FMT(second));
    }
    fputs("        esac\n    fi\n"
          "    case $word in -*) ;; *) [ \"$COMP_CWORD\" -gt 1 ] && COMPREPLY=($(compgen -f -- "
          "\"$word\")) ;; esac\n"
          "    COMPREPLY+=($(compgen -W \"$o\" -- \"$word\"))\n"
          "}\ncomplete -o filenames -F _raccord raccord\n",
          to);
}
