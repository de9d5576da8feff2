/* run_priv - what the engine and the actions of this room share. */
#ifndef RAC_WORKFLOW_RUN_PRIV_H
#define RAC_WORKFLOW_RUN_PRIV_H

#include "base/map.h"
#include "workflow/run.h"

struct variable {
    rac_str name, type; /* type as the table of act_variable spells it */
    struct rac_json value;
    bool own; /* an array that nobody else appends to */
};

struct rac_run {
    const struct rac_plan *plan;
    struct rac_arena *a;
    const struct rac_env *env;
    const struct rac_run_host *host;
    bool caller_waits, response_sent, terminated;
    enum rac_wf_status status;
    struct rac_json error, response, trigger, outputs, parameters;
    const char *code;
    char tracking_id[37];
    rac_str name;             /* run name, §4.14 */
    struct rac_map variables; /* lower-case name -> struct variable * */
    struct rac_map by_name;   /* lower-case action name -> place + 1 */
    uint32_t *executions;     /* per action: how often it was asked of the host */
    struct rac_wf_frame *root;
    struct rac_wf_record **queue; /* decided next, in this order */
    size_t queue_head, queue_n, queue_cap;
    struct rac_wf_record *current; /* whose expressions are being evaluated */
    struct rac_json item;          /* of a data operation; shadows that of the loop */
    bool has_item;
};

/* An action without children: evaluated inputs in, outputs or an error in the record out. */
typedef void (*rac_act)(struct rac_run *r, struct rac_wf_record *x);

void act_response(struct rac_run *r, struct rac_wf_record *x);
void act_compose(struct rac_run *r, struct rac_wf_record *x);
void act_parse_json(struct rac_run *r, struct rac_wf_record *x);
void act_select(struct rac_run *r, struct rac_wf_record *x);
void act_query(struct rac_run *r, struct rac_wf_record *x);
void act_join(struct rac_run *r, struct rac_wf_record *x);
void act_table(struct rac_run *r, struct rac_wf_record *x);
void act_expression(struct rac_run *r, struct rac_wf_record *x);
void act_initialize_variable(struct rac_run *r, struct rac_wf_record *x);
void act_set_variable(struct rac_run *r, struct rac_wf_record *x);
void act_increment_variable(struct rac_run *r, struct rac_wf_record *x);
void act_decrement_variable(struct rac_run *r, struct rac_wf_record *x);
void act_append_to_array(struct rac_run *r, struct rac_wf_record *x);
void act_append_to_string(struct rac_run *r, struct rac_wf_record *x);

/* Evaluates in the place of x. On failure x has failed with InvalidTemplate, and false. */
bool run_eval(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
              struct rac_json *out);
/* The same without touching x: NULL error means it worked. */
bool run_try(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
             struct rac_json *out, rac_str *why);
void run_succeed(struct rac_wf_record *x, const char *code);
void run_fail(struct rac_run *r, struct rac_wf_record *x, const char *code, const char *error_code,
              const char *fmt, ...) RAC_PRINTF(5, 6);
struct rac_json run_error(struct rac_run *r, rac_str code, rac_str message);

#endif
