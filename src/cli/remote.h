/*
 * remote - a command talking to a server: one client, one connection kept, errors in human words.
 *
 * The server is the one of --server or RACCORD_SERVER, else http://127.0.0.1:8080; the token that
 * of --token-file or RACCORD_TOKEN. Whoever names a server trusts its address, so every network is
 * allowed here. Main thread.
 *
 *     struct rac_remote *r;
 *     struct rac_json v;
 *     int status = rac_remote_open(cli, &r);
 *     if (status == RAC_EXIT_OK)
 *         status = rac_remote_json(r, "GET", RAC_S("/api/v1/me"), NULL, &v);   prints what is wrong
 *     rac_remote_close(r);
 */
#ifndef RAC_CLI_REMOTE_H
#define RAC_CLI_REMOTE_H

#include "base/diag.h"
#include "base/fetch.h"
#include "cli/command.h"
#include "json/json.h"

struct rac_remote;

int rac_remote_open(struct rac_cli *cli, struct rac_remote **out); /* exit status */
/* The same for a server and token of the caller's choice. */
int rac_remote_open_to(struct rac_cli *cli, rac_str server, rac_str token, struct rac_remote **out);
void rac_remote_close(struct rac_remote *r); /* NULL is fine */

struct rac_remote_req {
    const char *method;
    rac_str path;          /* "/api/v1/...", encoded */
    rac_str body;          /* absent: none */
    rac_str content_type;  /* of body */
    rac_str authorization; /* absent: the token's; "" none */
};
/* The next write, and that one alone, is made only if the resource is still at this tag; absent: no
 * condition. */
void rac_remote_if_match(struct rac_remote *r, rac_str tag);
/* One exchange; the answer of any status. False: no answer, said on stderr (exit status 3). */
bool rac_remote_send(struct rac_remote *r, const struct rac_remote_req *req,
                     struct rac_fetch_res *res);
/* Says what an answer of 400 or more means: "raccord: sentence", details as diagnostics below it
 * (source names the file they are about, or absent). Returns the exit status that fits. */
int rac_remote_explain(struct rac_remote *r, rac_str source, const struct rac_fetch_res *res);

/* What was explained last, for a line of a batch: {"code", "message"}. */
struct rac_json rac_remote_said(struct rac_remote *r);

/* Sends body (NULL: none) as JSON, expects 2xx and JSON back (out may be NULL); else explains.
 * Returns an exit status. */
int rac_remote_json(struct rac_remote *r, const char *method, rac_str path,
                    const struct rac_json *body, struct rac_json *out);
/* Every page of a list: {"value": [...]} with all of them. */
int rac_remote_list(struct rac_remote *r, rac_str path, struct rac_json *out);
/* Findings of an answer ("findings", "losses") as diagnostics on stderr. */
void rac_remote_findings(struct rac_remote *r, rac_str source, const struct rac_json *answer,
                         const char *member);

/* --- printing lists --- */
struct rac_column {
    const char *title;
    const char *pointer; /* into a row: "/owner/name" */
};
/* value[] of list as a table; with --format json the list itself. */
void rac_remote_print_list(struct rac_cli *cli, const struct rac_json *list,
                           const struct rac_column *columns, size_t n);
/* Text of a value for people: strings as they are, arrays with commas, objects as JSON. */
rac_str rac_remote_text(struct rac_arena *a, const struct rac_json *v);

/* ISO path segment: "/api/v1/" prefix, name encoded, suffix. */
rac_str rac_remote_path(struct rac_arena *a, const char *before, const char *name,
                        const char *after);

#endif
