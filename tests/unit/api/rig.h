/* rig - a whole worker of the api room on one loop, with a store in a directory of its own, a fake
 * clock, a listener and a client: requests go through HTTP and every layer of the room, and nothing
 * but the store's writer and the blocking pool runs beside the test. */
#ifndef RAC_TEST_API_RIG_H
#define RAC_TEST_API_RIG_H

#include "unit.h"

#include "api/service.h"
#include "api/surface.h"
#include "base/config.h"

struct rig {
    char dir[64];
    struct rac_arena a;
    struct rac_config config;
    struct rac_env_fake clock;
    struct rac_env env;
    struct rac_service service;
    struct rac_loop *loop;
    struct rac_api_worker *w;
    struct rac_http_guard guard;
    struct rac_http_client *client;
    struct rac_surface *extra; /* answers what is below /extra/, where a test sets it */
    rac_str url, admin;        /* token of the first administrator */
    /* Asked when the listener has stopped, before the worker goes. NULL: nothing. */
    void (*at_the_end)(struct rig *r);
};

/* settings: "key=value", ended by NULL. */
void rig_open(struct rig *r, const char *const *settings);
void rig_close(struct rig *r);

struct reply {
    int status;
    rac_str body;
    struct rac_json json; /* NONE: not JSON */
    struct rac_headers headers;
};
/* token NULL: none. body NULL: none. header "Name: value" or NULL. */
struct reply rig_ask(struct rig *r, const char *method, const char *path, rac_str token,
                     const char *body, const char *header);
/* The same as administrator; fails the test unless the status is this one. */
struct reply rig_expect(struct rig *r, int status, const char *method, const char *path,
                        const char *body);
/* Makes a user with a role ("" none) and gives its token. */
rac_str rig_user(struct rig *r, const char *name, const char *role);
/* Text at a JSON pointer of an answer; "" when there is none. */
rac_str at(const struct reply *p, const char *pointer);
rac_str printed(struct rig *r, const char *fmt, ...) RAC_PRINTF(2, 3);

/* A connector of one operation; its id. */
rac_str rig_connector(struct rig *r, rac_str token, const char *title);

#endif
