/*
 * config - settings from one table (config.def). Last wins: DIR/raccord.conf, RACCORD_<KEY> in the
 * environment (egress.allow is RACCORD_EGRESS_ALLOW), --set KEY=VALUE. Read once at start, then
 * read-only and shared by all threads.
 *
 * raccord.conf: one `key = value` a line, `#` starts a comment.
 */
#ifndef RAC_BASE_CONFIG_H
#define RAC_BASE_CONFIG_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"

enum rac_conf {
#define CONF(id, key, kind, value, min, max, reload, text) RAC_CONF_##id,
#include "base/config.def"
#undef CONF
    RAC_CONF_N
};

struct rac_config {
    struct rac_arena *a;
    struct {
        rac_str text;     /* as given */
        int64_t number;   /* INT, BYTES, MS, BOOL */
        const char *from; /* "default", "file", "environment", "command line" */
    } v[RAC_CONF_N];
};

void rac_config_init(struct rac_config *c, struct rac_arena *a); /* all defaults */
/* One setting. A wrong key or value is a diag (with the nearest key as fix) and RAC_E_INVALID. */
rac_err rac_config_set(struct rac_config *c, rac_str key, rac_str value, const char *from,
                       struct rac_diags *d) RAC_MUST_CHECK;
rac_err rac_config_read_file(struct rac_config *c, rac_str text, rac_str name,
                             struct rac_diags *d) RAC_MUST_CHECK;
rac_err rac_config_read_environment(struct rac_config *c, char **environment,
                                    struct rac_diags *d) RAC_MUST_CHECK;

static inline int64_t rac_config_int(const struct rac_config *c, enum rac_conf k)
{
    return c->v[k].number;
}
static inline bool rac_config_bool(const struct rac_config *c, enum rac_conf k)
{
    return c->v[k].number != 0;
}
static inline rac_str rac_config_str(const struct rac_config *c, enum rac_conf k)
{
    return c->v[k].text;
}

/* For `raccord config` and the manual. */
struct rac_conf_info {
    const char *key, *kind, *value, *reload, *text;
    int64_t min, max;
};
struct rac_conf_info rac_config_info(enum rac_conf k);

#endif
