/*
 * log - events with fields, one line each: logfmt on a terminal, JSON lines otherwise.
 *
 *     rac_log(RAC_INFO, "connector.created", RAC_F_STR("id", id), RAC_F_INT("operations", n));
 *
 * Event names are noun.past_verb. Whoever handles an error logs it, once. Never a secret, never a
 * payload. One write(2) a line, no lock, any thread; set up once at start.
 */
#ifndef RAC_BASE_LOG_H
#define RAC_BASE_LOG_H

#include "base/base.h"

enum rac_log_level { RAC_DEBUG, RAC_INFO, RAC_WARN, RAC_ERROR, RAC_SILENT };

struct rac_log_field {
    const char *key;
    enum { RAC_F_KIND_STR, RAC_F_KIND_INT, RAC_F_KIND_BOOL } kind;
    rac_str s;
    int64_t i;
};

#define RAC_F_STR(k, v) ((struct rac_log_field){.key = (k), .kind = RAC_F_KIND_STR, .s = (v)})
#define RAC_F_CSTR(k, v)                                                                           \
    ((struct rac_log_field){.key = (k), .kind = RAC_F_KIND_STR, .s = {(v), strlen(v)}})
#define RAC_F_INT(k, v)                                                                            \
    ((struct rac_log_field){.key = (k), .kind = RAC_F_KIND_INT, .i = (int64_t)(v)})
#define RAC_F_BOOL(k, v) ((struct rac_log_field){.key = (k), .kind = RAC_F_KIND_BOOL, .i = (v)})

void rac_log_setup(int fd, bool json, enum rac_log_level least);
bool rac_log_on(enum rac_log_level level);
bool rac_log_level_parse(rac_str name, enum rac_log_level *out); /* debug info warn error off */
void rac_log_fields(enum rac_log_level level, const char *event, const struct rac_log_field *fields,
                    size_t n);
#define rac_log(level, event, ...)                                                                 \
    do {                                                                                           \
        if (rac_log_on(level)) {                                                                   \
            const struct rac_log_field f_[] = {__VA_ARGS__};                                       \
            rac_log_fields((level), (event), f_, RAC_COUNT(f_));                                   \
        }                                                                                          \
    } while (0)

#endif
