/*
 * resource - commands over what a server keeps: `raccord connection create ...`.
 *
 * A row of resources.def is a whole command: its words and help, the request it sends, how the
 * answer is printed. Rows are made of the parts below; a command that is more than one request has
 * SPECIAL. Adding a resource to the command line is adding rows. Main thread.
 *
 *     VERB(token, revoke, 1, 1, "ID", "Revoke a token; it is refused from that moment on",
 *          REQUEST("DELETE", "tokens/{0}", NULL), DONE("revoked"))
 *
 * Path: below /api/v1; {0} is a positional argument, {--group} the value of an option, both
 * encoded. Alternatives are separated by |; the first whose options are all given is taken.
 *
 * Members: what goes into the body, "member=source" separated by spaces. A source is {0} or
 * --option; a source that is not given leaves its member out. A switch gives true (!--option:
 * false), an option whose value is called N a number, @ before the source the JSON document in the
 * file it names (- is standard input). "member[]" is the array of all values of an option that may
 * be repeated, "?name" goes into the query instead of the body.
 */
#ifndef RAC_CLI_RESOURCE_H
#define RAC_CLI_RESOURCE_H

#include "cli/remote.h"

enum { RAC_ARGS_ANY = 10000 };

struct rac_verb {
    struct rac_command command; /* words, synopsis, summary, details, options */
    size_t args_min, args_max;
    const char *method, *path, *members;
    const char *nothing; /* usage error when the body would be empty; NULL: send it */
    /* Checks the arguments, or puts more into the body, before the server is asked. Exit status. */
    int (*fill)(struct rac_cli *cli, struct rac_json *body);
    /* Prints the answer in place of rac_resource_print. Exit status. */
    int (*answer)(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
    const char *columns; /* a list: "TITLE=path/into/row ..." */
    const char *done;    /* no answer: what happened to {0}, "deleted" */
    int (*special)(struct rac_cli *cli, struct rac_remote *r); /* in place of request and answer */
};

/* --- parts of a row ------------------------------------------------------------------------- */

#define REQUEST(method_, path_, members_) .method = method_, .path = path_, .members = members_
/* A whole list, every page of it, as a table. */
#define LIST(path_, members_, columns_)                                                            \
    .method = "GET", .path = path_, .members = members_, .columns = columns_
#define SPECIAL(fn)   .special = fn
#define FILL(fn)      .fill = fn
#define ANSWER(fn)    .answer = fn
#define DONE(word)    .done = word
#define NOTHING(text) .nothing = text
#define DETAILS(text) .command.details = text
#define OPTIONS(...)                                                                               \
    .command.options = (const struct rac_option[])                                                 \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            NULL, 0, NULL, NULL                                                                    \
        }                                                                                          \
    }

#define VERB(resource, verb, ...) extern const struct rac_verb rac_verb_##resource##_##verb;
#include "cli/resources.def"
#undef VERB

int rac_resource_run(struct rac_cli *cli); /* the function of every row */

/* --- for special functions ------------------------------------------------------------------ */

/* "/api/v1/" and a path as above. */
rac_str rac_resource_path(struct rac_cli *cli, const char *path);
/* The path with --group, where a name stands for a workflow of that group. */
rac_str rac_resource_in_group(struct rac_cli *cli, rac_str path);
/* {"NAME": VALUE} from NAME=VALUE arguments from index `from` on; a value that begins with { or [
 * is JSON, one that begins with @ a file. Exit status: said what is wrong. */
int rac_resource_values(struct rac_cli *cli, size_t from, struct rac_json *out);
/* The JSON object in a file or standard input; members that out has already stay. Exit status. */
int rac_resource_add_file(struct rac_cli *cli, const char *path, struct rac_json *out);
/* JSON, or "key  value" lines of its members in order. */
void rac_resource_print(struct rac_cli *cli, const struct rac_json *v);
/* "{0} deleted", or {"id", "deleted": true}: the server has nothing more to say. */
void rac_resource_done(struct rac_cli *cli, const char *done);
/* --yes, or yes to the question on a terminal. Else says why it was not done, and returns the exit
 * status for that; RAC_EXIT_OK to go on. */
int rac_resource_confirm(struct rac_cli *cli, rac_str question, rac_str refused);

/* What rows name. */
int rac_connector_create(struct rac_cli *cli, struct rac_remote *r);
int rac_connector_check_create(struct rac_cli *cli, struct rac_json *body);
int rac_connector_update(struct rac_cli *cli, struct rac_remote *r);
int rac_connector_check_update(struct rac_cli *cli, struct rac_json *body);
int rac_connector_download(struct rac_cli *cli, struct rac_remote *r);
int rac_connector_delete(struct rac_cli *cli, struct rac_remote *r);
int rac_connector_share(struct rac_cli *cli, struct rac_remote *r);
int rac_connector_restored(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_connector_verdict(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_connection_fill(struct rac_cli *cli, struct rac_json *body);
int rac_connection_status(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_connection_tested(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_connection_link(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_connection_fill_invoke(struct rac_cli *cli, struct rac_json *body);
int rac_connection_invoked(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_connection_key(struct rac_cli *cli, struct rac_remote *r);
int rac_workflow_create(struct rac_cli *cli, struct rac_remote *r);
int rac_workflow_update(struct rac_cli *cli, struct rac_remote *r);
int rac_workflow_validate(struct rac_cli *cli, struct rac_remote *r);
int rac_workflow_download(struct rac_cli *cli, struct rac_remote *r);
int rac_workflow_shown(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_workflow_state(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_workflow_callback(struct rac_cli *cli, struct rac_remote *r);
int rac_workflow_run(struct rac_cli *cli, struct rac_remote *r);
/* A run as GetRun answers it with $expand: its tree, or JSON. Exit status by how it ended. */
int rac_run_print(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *run);
int rac_runs_list(struct rac_cli *cli, struct rac_remote *r);
int rac_runs_show(struct rac_cli *cli, struct rac_remote *r);
int rac_runs_watch(struct rac_cli *cli, struct rac_remote *r);
int rac_runs_cancel(struct rac_cli *cli, struct rac_remote *r);
int rac_runs_resubmit(struct rac_cli *cli, struct rac_remote *r);
int rac_token_shown(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v);
int rac_user_fill_grants(struct rac_cli *cli, struct rac_json *body);

#endif
