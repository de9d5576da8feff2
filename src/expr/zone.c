#include "expr/zone.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#include <fcntl.h>

enum { FILE_MAX = 65536, NAME_MAX_BYTES = 96, TYPES_MAX = 256 };

/* One end of daylight time in the footer: the n-th weekday of a month, or a day of the year. */
struct rule {
    enum { RULE_MONTH, RULE_JULIAN, RULE_DAY } kind;
    int month, week, day;
    int32_t at_s; /* local time of the change, seconds from midnight */
};

struct rac_zone {
    struct rac_zone *next;
    char name[NAME_MAX_BYTES];
    int64_t *at; /* transitions, ascending */
    uint8_t *to; /* type after each */
    size_t n;
    int32_t offsets_s[TYPES_MAX]; /* of each type */
    bool has_footer, footer_daylight;
    int32_t standard_s, daylight_s;
    struct rule start, end;
};

static struct rac_zone *zones; /* grows only; pushed by compare-and-swap */

static const struct {
    rac_str windows, iana;
} windows_names[] = {
#define ZONE(w, i) {RAC_S_INIT(w), RAC_S_INIT(i)},
#include "expr/zones.def"
#undef ZONE
};

/* --- the file (RFC 8536) ---------------------------------------------------------------------- */

static int64_t big_endian(const unsigned char *p, int n)
{
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

struct counts {
    int64_t isut, isstd, leap, time, type, chars;
};

static bool header(const unsigned char *p, size_t n, struct counts *c)
{
    if (n < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    int64_t v[6];
    for (int i = 0; i < 6; i++) {
        v[i] = big_endian(p + 20 + 4 * i, 4);
        if (v[i] < 0 || v[i] > 100000)
            return false;
    }
    *c = (struct counts){v[0], v[1], v[2], v[3], v[4], v[5]};
    return c->type > 0 && c->type <= TYPES_MAX;
}

static size_t body_length(const struct counts *c, int time_size)
{
    return (size_t)(c->time * time_size + c->time + c->type * 6 + c->chars +
                    c->leap * (time_size + 4) + c->isstd + c->isut);
}

/* --- the footer: a POSIX TZ string ------------------------------------------------------------ */

static bool footer_name(rac_str *s)
{
    size_t n = 0;
    if (s->n > 0 && s->p[0] == '<') {
        n = rac_str_find_char(*s, '>');
        if (n == RAC_STR_NPOS)
            return false;
        n++;
    } else {
        while (n < s->n && rac_is_alpha(s->p[n]))
            n++;
    }
    *s = rac_str_from(*s, n);
    return n > 0;
}

static bool footer_number(rac_str *s, int *out)
{
    size_t n = 0;
    int v = 0;
    while (n < s->n && n < 4 && rac_is_digit(s->p[n]))
        v = v * 10 + (s->p[n++] - '0');
    *s = rac_str_from(*s, n);
    *out = v;
    return n > 0;
}

static bool footer_byte(rac_str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = rac_str_from(*s, 1);
    return true;
}

static bool footer_time(rac_str *s, int32_t *out) /* [+-]hh[:mm[:ss]] */
{
    int h, m = 0, sec = 0;
    bool neg = footer_byte(s, '-');
    if (!neg)
        (void)footer_byte(s, '+');
    if (!footer_number(s, &h) || (footer_byte(s, ':') && !footer_number(s, &m)) ||
        (footer_byte(s, ':') && !footer_number(s, &sec)))
        return false;
    *out = h * 3600 + m * 60 + sec;
    if (neg)
        *out = -*out;
    return true;
}

static bool footer_rule(rac_str *s, struct rule *r)
{
    if (!footer_byte(s, ','))
        return false;
    bool ok;
    if (footer_byte(s, 'M')) {
        r->kind = RULE_MONTH;
        ok = footer_number(s, &r->month) && footer_byte(s, '.') && footer_number(s, &r->week) &&
             footer_byte(s, '.') && footer_number(s, &r->day);
    } else {
        r->kind = footer_byte(s, 'J') ? RULE_JULIAN : RULE_DAY;
        ok = footer_number(s, &r->day);
    }
    r->at_s = 7200;
    return ok && (!footer_byte(s, '/') || footer_time(s, &r->at_s));
}

static bool footer(rac_str s, struct rac_zone *z)
{
    int32_t west;
    if (!footer_name(&s) || !footer_time(&s, &west))
        return false;
    z->standard_s = -west;
    z->footer_daylight = s.n > 0;
    if (!z->footer_daylight)
        return true;
    if (!footer_name(&s))
        return false;
    z->daylight_s = z->standard_s + 3600;
    if (s.n > 0 && s.p[0] != ',') {
        if (!footer_time(&s, &west))
            return false;
        z->daylight_s = -west;
    }
    return footer_rule(&s, &z->start) && footer_rule(&s, &z->end);
}

static bool parse(const unsigned char *p, size_t n, struct rac_zone *z)
{
    struct counts c;
    if (!header(p, n, &c) || p[4] < '2')
        return false;
    size_t skip = 44 + body_length(&c, 4);
    if (skip > n || !header(p + skip, n - skip, &c) || skip + 44 + body_length(&c, 8) > n)
        return false;
    const unsigned char *times = p + skip + 44, *kinds = times + c.time * 8,
                        *types = kinds + c.time;
    z->n = (size_t)c.time;
    z->at = rac_mem_alloc(z->n * sizeof *z->at + 1);
    z->to = rac_mem_alloc(z->n + 1);
    for (size_t i = 0; i < z->n; i++) {
        z->at[i] = big_endian(times + 8 * i, 8);
        z->to[i] = kinds[i];
        if (z->to[i] >= c.type)
            return false;
    }
    for (int64_t i = 0; i < c.type; i++)
        z->offsets_s[i] = (int32_t)big_endian(types + 6 * i, 4);
    rac_str tail = {(const char *)p + skip + 44 + body_length(&c, 8), 0};
    tail.n = n - (size_t)((const unsigned char *)tail.p - p);
    tail = rac_str_trim(tail);
    z->has_footer = tail.n > 0 && footer(tail, z);
    return true;
}

/* --- finding ---------------------------------------------------------------------------------- */

/* No way out of the directory, nor to what is no zone of the world: "localtime", "right/UTC". */
static bool sound_name(rac_str s)
{
    if (s.n == 0 || s.n >= NAME_MAX_BYTES || s.p[0] < 'A' || s.p[0] > 'Z')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && strchr("/_+-", s.p[i]) == NULL)
            return false;
    return true;
}

static struct rac_zone *load(rac_str name)
{
    char path[32 + NAME_MAX_BYTES];
    unsigned char *bytes = rac_mem_alloc(FILE_MAX);
    struct rac_zone *z = rac_mem_alloc(sizeof *z);
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", RAC_FMT(name));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, FILE_MAX) : -1;
    if (fd >= 0)
        close(fd);
    snprintf(z->name, sizeof z->name, "%.*s", RAC_FMT(name));
    bool ok = n > 0 && parse(bytes, (size_t)n, z);
    rac_mem_free(bytes);
    if (ok)
        return z;
    rac_mem_free(z->at);
    rac_mem_free(z->to);
    rac_mem_free(z);
    return NULL;
}

const struct rac_zone *rac_zone_get(rac_str name)
{
    for (size_t i = 0; i < RAC_COUNT(windows_names); i++)
        if (rac_str_eqi(name, windows_names[i].windows)) {
            name = windows_names[i].iana;
            break;
        }
    if (!sound_name(name))
        return NULL;
    struct rac_zone *head = __atomic_load_n(&zones, __ATOMIC_ACQUIRE);
    for (struct rac_zone *z = head; z != NULL; z = z->next)
        if (rac_str_eq(name, rac_str_of(z->name)))
            return z;
    struct rac_zone *z = load(name);
    if (z == NULL)
        return NULL;
    z->next = head;
    while (
        !__atomic_compare_exchange_n(&zones, &z->next, z, true, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
        ; /* two threads may both load a zone: the list then holds it twice, which is harmless */
    return z;
}

bool rac_zone_is_windows(rac_str name, bool any_case)
{
    for (size_t i = 0; i < RAC_COUNT(windows_names); i++)
        if (any_case ? rac_str_eqi(name, windows_names[i].windows)
                     : rac_str_eq(name, windows_names[i].windows))
            return true;
    return false;
}

bool rac_zone_is_utc(const struct rac_zone *z)
{
    return z->n == 0 && z->offsets_s[0] == 0;
}

/* --- offsets ---------------------------------------------------------------------------------- */

static int64_t rule_second(const struct rule *r, int64_t year) /* local seconds since 1970 */
{
    int64_t day;
    if (r->kind == RULE_MONTH) {
        int64_t first = rac_time_days(year, r->month, 1);
        int weekday = (int)(((first % 7) + 11) % 7);
        day = first + (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
        int64_t next =
            r->month == 12 ? rac_time_days(year + 1, 1, 1) : rac_time_days(year, r->month + 1, 1);
        while (day >= next)
            day -= 7;
    } else {
        day = rac_time_days(year, 1, 1) + r->day;
        bool leap = rac_time_days(year, 3, 1) - rac_time_days(year, 2, 1) == 29;
        if (r->kind == RULE_JULIAN)
            day += leap && r->day >= 60 ? 0 : -1;
    }
    return day * 86400 + r->at_s;
}

static int32_t footer_offset(const struct rac_zone *z, int64_t utc_s)
{
    if (!z->footer_daylight)
        return z->standard_s;
    int64_t year = rac_time_civil((utc_s + z->standard_s) * 1000).year;
    int64_t start = rule_second(&z->start, year) - z->standard_s;
    int64_t end = rule_second(&z->end, year) - z->daylight_s;
    bool summer = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
    return summer ? z->daylight_s : z->standard_s;
}

int32_t rac_zone_offset(const struct rac_zone *z, int64_t utc_s)
{
    if (z->n == 0)
        return z->has_footer ? footer_offset(z, utc_s) : z->offsets_s[0];
    if (utc_s < z->at[0])
        return z->offsets_s[0];
    if (utc_s >= z->at[z->n - 1])
        return z->has_footer ? footer_offset(z, utc_s) : z->offsets_s[z->to[z->n - 1]];
    size_t low = 0, high = z->n; /* at[low] <= utc_s < at[high] */
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (z->at[mid] <= utc_s)
            low = mid;
        else
            high = mid;
    }
    return z->offsets_s[z->to[low]];
}

bool rac_zone_to_utc(const struct rac_zone *z, int64_t local_s, int64_t *utc_s)
{
    /* Offsets in force within a day of it are the only candidates. Of two, the later instant is
     * that of standard time, also where a file calls the winter's time the shifted one. */
    int32_t near[3] = {rac_zone_offset(z, local_s - 86400), rac_zone_offset(z, local_s),
                       rac_zone_offset(z, local_s + 86400)};
    bool found = false;
    for (int i = 0; i < 3; i++) {
        int64_t candidate = local_s - near[i];
        if (rac_zone_offset(z, candidate) == near[i] && (!found || candidate > *utc_s)) {
            *utc_s = candidate;
            found = true;
        }
    }
    return found;
}
