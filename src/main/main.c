/* The program: one table of commands. */
#include "main/commands.h"
#include "sandbox/sandbox.h"

extern char **environ;

static const struct rac_command *const commands[] = {
#define COMMAND(name)             &rac_command_##name,
#define VERB(resource, verb, ...) &rac_verb_##resource##_##verb.command,
#include "main/commands.def"
#undef COMMAND
#undef VERB
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], RAC_SANDBOX_WORD) == 0)
        return rac_sandbox_main(argc, argv);
    return rac_cli_main(argc, argv, environ, commands, RAC_COUNT(commands));
}
