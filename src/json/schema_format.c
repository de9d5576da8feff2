/* Formats, each a small scanner; what is not in the table is never a violation. */
#include "base/uri.h"
#include "base/utf8.h"
#include "json/schema_priv.h"

/* n digits at s[*i] as a number, or -1. */
static int digits(rac_str s, size_t *i, size_t n)
{
    int u = 0;
    if (s.n - *i < n)
        return -1;
    for (size_t end = *i + n; *i < end; (*i)++) {
        if (!rac_is_digit(s.p[*i]))
            return -1;
        u = u * 10 + (s.p[*i] - '0');
    }
    return u;
}

static bool take(rac_str s, size_t *i, char c)
{
    if (*i >= s.n || s.p[*i] != c)
        return false;
    (*i)++;
    return true;
}

/* --- dates and times (RFC 3339) --------------------------------------------------------------- */

static bool date_part(rac_str s, size_t *i)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y = digits(s, i, 4);
    if (y < 0 || !take(s, i, '-'))
        return false;
    int m = digits(s, i, 2);
    if (m < 1 || m > 12 || !take(s, i, '-'))
        return false;
    int d = digits(s, i, 2);
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return d >= 1 && d <= days[m - 1] + (m == 2 && leap);
}

static bool time_part(rac_str s, size_t *i)
{
    int h = digits(s, i, 2), m, sec, minutes = 0;
    if (h < 0 || h > 23 || !take(s, i, ':'))
        return false;
    m = digits(s, i, 2);
    if (m < 0 || m > 59 || !take(s, i, ':'))
        return false;
    sec = digits(s, i, 2);
    if (sec < 0 || sec > 60)
        return false;
    if (take(s, i, '.')) {
        size_t from = *i;
        while (*i < s.n && rac_is_digit(s.p[*i]))
            (*i)++;
        if (*i == from)
            return false;
    }
    if (*i < s.n && (s.p[*i] == 'Z' || s.p[*i] == 'z')) {
        (*i)++;
    } else {
        bool west = *i < s.n && s.p[*i] == '-';
        if (!west && !(*i < s.n && s.p[*i] == '+'))
            return false;
        (*i)++;
        int oh = digits(s, i, 2);
        if (oh < 0 || oh > 23 || !take(s, i, ':'))
            return false;
        int om = digits(s, i, 2);
        if (om < 0 || om > 59)
            return false;
        minutes = (oh * 60 + om) * (west ? 1 : -1);
    }
    /* a leap second stands at 23:59:60 UTC only */
    int utc = (h * 60 + m + minutes + 2 * 1440) % 1440;
    return sec < 60 || utc == 23 * 60 + 59;
}

static bool is_date(rac_str s)
{
    size_t i = 0;
    return date_part(s, &i) && i == s.n;
}

static bool is_time(rac_str s)
{
    size_t i = 0;
    return time_part(s, &i) && i == s.n;
}

static bool is_date_time(rac_str s)
{
    size_t i = 0;
    if (!date_part(s, &i) || i >= s.n || (s.p[i] != 'T' && s.p[i] != 't'))
        return false;
    i++;
    return time_part(s, &i) && i == s.n;
}

/* --- hosts and addresses ---------------------------------------------------------------------- */

static bool is_ipv4(rac_str s)
{
    unsigned parts = 0;
    for (rac_str rest = s; rest.p != NULL; parts++) {
        uint64_t u;
        rac_str part = rac_str_cut(rest, '.', &rest);
        if (part.n == 0 || part.n > 3 || (part.n > 1 && part.p[0] == '0') ||
            !rac_is_digit(part.p[0]) || !rac_str_to_u64(part, &u) || u > 255)
            return false;
    }
    return parts == 4;
}

static bool is_ipv6(rac_str s)
{
    unsigned groups = 0;
    bool gap = false;
    size_t i = 0;
    if (rac_str_starts(s, RAC_S("::"))) {
        gap = true;
        i = 2;
    }
    while (i < s.n) {
        rac_str rest = rac_str_from(s, i);
        size_t colon = rac_str_find_char(rest, ':');
        rac_str group = rac_str_sub(rest, 0, colon);
        if (colon == RAC_STR_NPOS && rac_str_find_char(group, '.') != RAC_STR_NPOS) {
            groups += 2;
            return is_ipv4(group) && (gap ? groups < 8 : groups == 8);
        }
        if (group.n == 0 || group.n > 4)
            return false;
        for (size_t k = 0; k < group.n; k++)
            if (!rac_is_digit(group.p[k]) &&
                !(rac_lower(group.p[k]) >= 'a' && rac_lower(group.p[k]) <= 'f'))
                return false;
        groups++;
        i += group.n;
        if (i == s.n)
            break;
        i++;
        if (i == s.n)
            return false; /* a single colon at the end */
        if (s.p[i] == ':') {
            if (gap)
                return false;
            gap = true;
            i++;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

static bool is_label(rac_str s)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

static bool is_hostname(rac_str s)
{
    if (s.n == 0 || s.n > 253)
        return false;
    for (rac_str rest = s; rest.p != NULL;) {
        rac_str label = rac_str_cut(rest, '.', &rest);
        if (!is_label(label))
            return false;
    }
    return true;
}

static bool is_email_with(rac_str s, bool ascii)
{
    size_t at = rac_str_rfind_char(s, '@');
    if (at == RAC_STR_NPOS || at == 0)
        return false;
    rac_str local = rac_str_sub(s, 0, at), domain = rac_str_from(s, at + 1);
    if (local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"')
        local = rac_str_sub(local, 1, local.n - 2);
    else
        for (size_t i = 0; i < local.n; i++) {
            bool dot = local.p[i] == '.';
            if (local.p[i] == '@' || (unsigned char)local.p[i] <= ' ' || local.p[i] == '"' ||
                (ascii && (unsigned char)local.p[i] > 126) ||
                (dot && (i == 0 || i == local.n - 1 || local.p[i - 1] == '.')))
                return false;
        }
    if (domain.n > 2 && domain.p[0] == '[' && domain.p[domain.n - 1] == ']') {
        rac_str address = rac_str_sub(domain, 1, domain.n - 2);
        return is_ipv4(address) ||
               (rac_str_startsi(address, RAC_S("IPv6:")) && is_ipv6(rac_str_from(address, 5)));
    }
    return !ascii ? domain.n > 0 : is_hostname(domain);
}

static bool is_email(rac_str s)
{
    return is_email_with(s, true);
}

static bool is_idn_email(rac_str s)
{
    return is_email_with(s, false);
}

/* --- addresses of things ---------------------------------------------------------------------- */

static bool is_uri_text(rac_str s, bool ascii)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == 0x7f || strchr("\"<>\\^`{|}", c) != NULL || (ascii && c >= 0x80))
            return false;
        if (c == '%' &&
            !(s.n - i >= 3 && rac_hex_value(s.p[i + 1]) >= 0 && rac_hex_value(s.p[i + 2]) >= 0))
            return false;
    }
    return true;
}

static bool is_reference(rac_str s, bool ascii, bool absolute)
{
    struct rac_url u;
    if (!is_uri_text(s, ascii) || !rac_url_split(s, &u) || (absolute && u.scheme.p == NULL))
        return false;
    /* "#" and brackets have one place each */
    return rac_str_find_char(u.fragment, '#') == RAC_STR_NPOS &&
           rac_str_find_char(u.path, '[') == RAC_STR_NPOS &&
           rac_str_find_char(u.path, ']') == RAC_STR_NPOS &&
           rac_str_find_char(u.userinfo, '@') == RAC_STR_NPOS &&
           (!u.host_is_ipv6 || is_ipv6(u.host));
}

static bool is_uri(rac_str s)
{
    return is_reference(s, true, true);
}

static bool is_uri_reference(rac_str s)
{
    return is_reference(s, true, false);
}

static bool is_iri(rac_str s)
{
    return is_reference(s, false, true);
}

static bool is_iri_reference(rac_str s)
{
    return is_reference(s, false, false);
}

static bool is_json_pointer(rac_str s)
{
    if (s.n > 0 && s.p[0] != '/')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '~' && (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
            return false;
    return true;
}

static bool is_relative_json_pointer(rac_str s)
{
    size_t n = 0;
    while (n < s.n && rac_is_digit(s.p[n]))
        n++;
    if (n == 0 || (n > 1 && s.p[0] == '0'))
        return false;
    rac_str rest = rac_str_from(s, n);
    return rac_str_eq(rest, RAC_S("#")) || is_json_pointer(rest);
}

static bool is_uri_template(rac_str s)
{
    bool inside = false;
    for (size_t i = 0; i < s.n; i++) {
        if ((s.p[i] == '{') == inside && (s.p[i] == '{' || s.p[i] == '}'))
            if (s.p[i] == '{' || !inside)
                return false;
        if (s.p[i] == '{')
            inside = true;
        else if (s.p[i] == '}')
            inside = false;
        else if ((unsigned char)s.p[i] <= ' ' || strchr("\"<>\\^`", s.p[i]) != NULL)
            return false;
    }
    return !inside;
}

/* --- other texts ------------------------------------------------------------------------------ */

static bool is_regex(rac_str s)
{
    struct rac_arena a;
    rac_str why;
    for (size_t i = 0; i + 1 < s.n; i++) { /* what only other engines know */
        if (s.p[i] != '\\')
            continue;
        i++;
        if (strchr("AzZaeGQEKhHRX", s.p[i]) != NULL && s.p[i] != '\0')
            return false;
    }
    rac_arena_init(&a, 1 << 20);
    bool good = schema_pattern_compile(&a, s, &why) != NULL;
    rac_arena_fini(&a);
    return good;
}

static bool is_base64(rac_str s)
{
    size_t pad = 0, n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\r' || c == '\n')
            continue;
        n++;
        if (c == '=')
            pad++;
        else if (pad > 0 || (!rac_is_alnum(c) && c != '+' && c != '/' && c != '-' && c != '_'))
            return false;
    }
    return n % 4 == 0 && pad <= 2;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool is_int32(const struct rac_json *v)
{
    struct rac_json low = rac_json_of_int(INT32_MIN), high = rac_json_of_int(INT32_MAX);
    return rac_json_number_cmp(v, &low) >= 0 && rac_json_number_cmp(v, &high) <= 0;
}

static bool is_int64(const struct rac_json *v)
{
    struct rac_json low = rac_json_of_int(INT64_MIN), high = rac_json_of_int(INT64_MAX);
    return rac_json_number_cmp(v, &low) >= 0 && rac_json_number_cmp(v, &high) <= 0;
}

static const struct {
    rac_str name;
    bool (*text)(rac_str s);
    bool (*number)(const struct rac_json *v);
    bool swagger_only;
} formats[] = {
    {RAC_S_INIT("date-time"), is_date_time, NULL, false},
    {RAC_S_INIT("date"), is_date, NULL, false},
    {RAC_S_INIT("time"), is_time, NULL, false},
    {RAC_S_INIT("email"), is_email, NULL, false},
    {RAC_S_INIT("idn-email"), is_idn_email, NULL, false},
    {RAC_S_INIT("hostname"), is_hostname, NULL, false},
    {RAC_S_INIT("ipv4"), is_ipv4, NULL, false},
    {RAC_S_INIT("ipv6"), is_ipv6, NULL, false},
    {RAC_S_INIT("uri"), is_uri, NULL, false},
    {RAC_S_INIT("uri-reference"), is_uri_reference, NULL, false},
    {RAC_S_INIT("iri"), is_iri, NULL, false},
    {RAC_S_INIT("iri-reference"), is_iri_reference, NULL, false},
    {RAC_S_INIT("uri-template"), is_uri_template, NULL, false},
    {RAC_S_INIT("json-pointer"), is_json_pointer, NULL, false},
    {RAC_S_INIT("relative-json-pointer"), is_relative_json_pointer, NULL, false},
    {RAC_S_INIT("regex"), is_regex, NULL, false},
    {RAC_S_INIT("uuid"), rac_str_is_uuid, NULL, true},
    {RAC_S_INIT("byte"), is_base64, NULL, true},
    {RAC_S_INIT("int32"), NULL, is_int32, true},
    {RAC_S_INIT("int64"), NULL, is_int64, true},
};

bool schema_format_ok(rac_str format, const struct rac_json *v, bool swagger)
{
    for (size_t i = 0; i < RAC_COUNT(formats); i++) {
        if (!rac_str_eq(formats[i].name, format))
            continue;
        if (formats[i].swagger_only && !swagger)
            return true;
        if (rac_json_is_string(v))
            return formats[i].text == NULL || formats[i].text((rac_str){v->s, v->n});
        return formats[i].number == NULL || formats[i].number(v);
    }
    return true;
}
