#include "base/log.h"
#include "base/env.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 4096 }; /* longer lines are cut: a log is no place for payloads */

static struct {
    int fd;
    bool json;
    enum rac_log_level least;
} setup = {2, false, RAC_WARN};

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void rac_log_setup(int fd, bool json, enum rac_log_level least)
{
    setup.fd = fd;
    setup.json = json;
    setup.least = least;
}

bool rac_log_on(enum rac_log_level level)
{
    return level >= setup.least;
}

bool rac_log_level_parse(rac_str name, enum rac_log_level *out)
{
    for (size_t i = 0; i < RAC_COUNT(level_names); i++)
        if (rac_str_eqi(name, rac_str_of(level_names[i]))) {
            *out = (enum rac_log_level)i;
            return true;
        }
    return false;
}

struct line {
    char p[LINE_MAX_BYTES];
    size_t n;
};

static void add(struct line *l, const char *s, size_t n)
{
    size_t room = sizeof l->p - 8 - l->n; /* leaves space for the closing of the line */
    n = n < room ? n : room;
    memcpy(l->p + l->n, s, n);
    l->n += n;
}

static void add_quoted(struct line *l, rac_str s)
{
    add(l, "\"", 1);
    for (size_t i = 0, n; i < s.n && l->n + 16 < sizeof l->p; i += n) {
        uint32_t c;
        char esc[8];
        n = rac_utf8_decode(s.p + i, s.n - i, &c);
        if (n == 0) {
            n = 1;
            add(l, "\xef\xbf\xbd", 3);
        } else if (c == '"' || c == '\\') {
            esc[0] = '\\';
            esc[1] = (char)c;
            add(l, esc, 2);
        } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) { /* what a terminal would obey */
            add(l, esc, (size_t)snprintf(esc, sizeof esc, "\\u%04x", c));
        } else {
            add(l, s.p + i, n);
        }
    }
    add(l, "\"", 1);
}

static bool plain(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '"' ||
            s.p[i] == '=' || s.p[i] == '\\')
            return false;
    return s.n > 0;
}

static void add_field(struct line *l, const struct rac_log_field *f)
{
    char num[32];
    if (l->n + strlen(f->key) + 64 > sizeof l->p)
        return; /* a line that is full stays well-formed */
    if (setup.json) {
        add(l, ",", 1);
        add_quoted(l, rac_str_of(f->key));
        add(l, ":", 1);
    } else {
        add(l, " ", 1);
        add(l, f->key, strlen(f->key));
        add(l, "=", 1);
    }
    if (f->kind == RAC_F_KIND_INT)
        add(l, num, (size_t)snprintf(num, sizeof num, "%lld", (long long)f->i));
    else if (f->kind == RAC_F_KIND_BOOL)
        add(l, f->i ? "true" : "false", f->i ? 4 : 5);
    else if (!setup.json && plain(f->s))
        add(l, f->s.p, f->s.n);
    else
        add_quoted(l, f->s);
}

void rac_log_fields(enum rac_log_level level, const char *event, const struct rac_log_field *fields,
                    size_t n)
{
    if (!rac_log_on(level))
        return;
    struct line l;
    char at[RAC_TIME_TEXT];
    rac_time_print(rac_env_wall_ms(&rac_env_system), at);
    l.n = (size_t)snprintf(l.p, sizeof l.p,
                           setup.json ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\""
                                      : "%s %s %s",
                           at, level_names[level], event);
    for (size_t i = 0; i < n; i++)
        add_field(&l, &fields[i]);
    if (setup.json)
        l.p[l.n++] = '}';
    l.p[l.n++] = '\n';
    ssize_t wrote = write(setup.fd, l.p, l.n); /* nobody is left to tell when the log is gone */
    (void)wrote;
}
