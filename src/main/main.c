/* The program: one table of commands. */
#include "main/commands.h"

extern char **environ;

static const struct rac_command *const commands[] = {
#define COMMAND(name) &rac_command_##name,
#include "main/commands.def"
#undef COMMAND
};

int main(int argc, char **argv)
{
    return rac_cli_main(argc, argv, environ, commands, RAC_COUNT(commands));
}
