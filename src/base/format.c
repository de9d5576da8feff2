/* Conversions are handed to the C library one by one; only "%.*s" is written here. */
#include "base/format.h"
#include "base/mem.h"

#include <stdio.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* they come out of a checked format */

enum { SPEC_MAX = 32, NUMBER_MAX = 400 };

struct output {
    char *p;
    size_t room, n;
};

struct spec { /* one conversion */
    char text[SPEC_MAX];
    size_t n;
    int stars[2], stars_n; /* width and precision given as arguments */
    bool wide;             /* l, ll, j, z, t: 64 bits */
    char conversion;
};

static void put(struct output *o, const char *p, size_t n)
{
    if (o->n < o->room && n > 0)
        memcpy(o->p + o->n, p, n < o->room - o->n ? n : o->room - o->n);
    o->n += n;
}

/* The conversion behind the percent sign at fmt; the place behind it. */
static const char *spec_read(struct spec *s, const char *fmt)
{
    const char *end = fmt + 1 + strspn(fmt + 1, "-+ #0123456789.*hljztL");
    *s = (struct spec){.n = (size_t)(end - fmt) + 1, .conversion = *end};
    RAC_ASSERT(*end != 0 && s->n < SPEC_MAX);
    memcpy(s->text, fmt, s->n);
    for (size_t i = 1; i + 1 < s->n; i++) {
        s->stars_n += s->text[i] == '*';
        s->wide |= strchr("ljzt", s->text[i]) != NULL;
    }
    RAC_ASSERT(s->stars_n <= 2);
    return end + 1;
}

/* One number, character or pointer; `value` is of the type the conversion takes. */
#define PRINT(out, room, s, value)                                                                 \
    ((s)->stars_n == 0   ? snprintf(out, room, (s)->text, value)                                   \
     : (s)->stars_n == 1 ? snprintf(out, room, (s)->text, (s)->stars[0], value)                    \
                         : snprintf(out, room, (s)->text, (s)->stars[0], (s)->stars[1], value))

#define PUT(o, s, type, value)                                                                     \
    do {                                                                                           \
        char text[NUMBER_MAX], *wide = NULL;                                                       \
        type v = (value);                                                                          \
        int n = PRINT(text, sizeof text, s, v);                                                    \
        RAC_ASSERT(n >= 0);                                                                        \
        if ((size_t)n >= sizeof text) { /* a field width of its caller's */                        \
            wide = rac_mem_alloc((size_t)n + 1);                                                   \
            PRINT(wide, (size_t)n + 1, s, v);                                                      \
        }                                                                                          \
        put(o, wide != NULL ? wide : text, (size_t)n);                                             \
        rac_mem_free(wide);                                                                        \
    } while (0)

_Static_assert(sizeof(long) == sizeof(long long) && sizeof(size_t) == sizeof(long),
               "l, ll, j, z and t are one width");

/* A width or precision written in digits at p; 0 where there is none. */
static size_t digits(const char *p)
{
    size_t n = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (size_t)(*p - '0');
    return n;
}

static void put_string(struct output *o, const struct spec *s, const char *value)
{
    const char *dot = strchr(s->text, '.');
    bool absent = value == NULL; /* as in C, but an absent slice has no bytes */
    if (absent)
        value = dot == NULL ? "(null)" : "";
    bool left = s->text[1] == '-', width_star = s->text[1 + left] == '*';
    size_t width = digits(s->text + 1 + left), n;
    int given = width_star ? s->stars[0] : 0;
    if (given < 0) { /* as in C: the other side */
        left = true;
        given = -given;
    }
    width = width_star ? (size_t)given : width;
    if (dot != NULL && dot[1] == '*')
        n = !absent && s->stars[s->stars_n - 1] > 0 ? (size_t)s->stars[s->stars_n - 1] : 0;
    else
        n = dot != NULL ? strnlen(value, digits(dot + 1)) : strlen(value);
    for (size_t i = n; i < width && !left; i++)
        put(o, " ", 1);
    put(o, value, n);
    for (size_t i = n; i < width && left; i++)
        put(o, " ", 1);
}

static void put_decimal(struct output *o, uint64_t magnitude, bool negative)
{
    char text[24], *p = text + sizeof text;
    do
        *--p = (char)('0' + magnitude % 10);
    while ((magnitude /= 10) > 0);
    if (negative)
        *--p = '-';
    put(o, p, (size_t)(text + sizeof text - p));
}

/* Those that nearly every text is made of, without reading the conversion; false: another one. */
static bool put_plain(struct output *o, const char **fmt, va_list *ap)
{
    if (memcmp(*fmt, "%s", 2) == 0) {
        const char *p = va_arg(*ap, const char *);
        p = p != NULL ? p : "(null)";
        put(o, p, strlen(p));
        *fmt += 2;
        return true;
    }
    if (strncmp(*fmt, "%.*s", 4) == 0) {
        int n = va_arg(*ap, int);
        const char *p = va_arg(*ap, const char *);
        put(o, p, p != NULL && n > 0 ? (size_t)n : 0);
        *fmt += 4;
        return true;
    }
    if (memcmp(*fmt, "%d", 2) == 0) {
        int v = va_arg(*ap, int);
        put_decimal(o, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
        *fmt += 2;
        return true;
    }
    if (memcmp(*fmt, "%u", 2) == 0) {
        put_decimal(o, va_arg(*ap, unsigned), false);
        *fmt += 2;
        return true;
    }
    if (strncmp(*fmt, "%zu", 3) == 0) {
        put_decimal(o, va_arg(*ap, size_t), false);
        *fmt += 3;
        return true;
    }
    return false;
}

size_t rac_vformat(char *out, size_t room, const char *fmt, va_list given)
{
    struct output o = {.p = out, .room = room};
    va_list ap; /* one that can be pointed to: as a parameter it may be an array */
    va_copy(ap, given);
    while (*fmt != 0) {
        const char *percent = strchrnul(fmt, '%');
        put(&o, fmt, (size_t)(percent - fmt));
        fmt = percent;
        if (*fmt == 0)
            break;
        if (put_plain(&o, &fmt, &ap))
            continue;
        struct spec s;
        fmt = spec_read(&s, fmt);
        for (int i = 0; i < s.stars_n; i++)
            s.stars[i] = va_arg(ap, int);
        if (s.conversion == '%')
            put(&o, "%", 1);
        else if (s.conversion == 's')
            put_string(&o, &s, va_arg(ap, const char *));
        else if (s.conversion == 'p')
            PUT(&o, &s, void *, va_arg(ap, void *));
        else if (strchr("feg", s.conversion) != NULL)
            PUT(&o, &s, double, va_arg(ap, double));
        else if (s.wide)
            PUT(&o, &s, long, va_arg(ap, long));
        else
            PUT(&o, &s, int, va_arg(ap, int));
    }
    va_end(ap);
    return o.n;
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

rac_str rac_format_i64(char room[RAC_I64_TEXT], int64_t i)
{
    char *end = room + RAC_I64_TEXT, *p = end;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    while (u >= 100) {
        p -= 2;
        memcpy(p, digit_pairs + u % 100 * 2, 2);
        u /= 100;
    }
    if (u >= 10) {
        p -= 2;
        memcpy(p, digit_pairs + u * 2, 2);
    } else {
        *--p = (char)('0' + u);
    }
    if (i < 0)
        *--p = '-';
    return (rac_str){p, (size_t)(end - p)};
}

/* A decimal of at most 15 digits is what its double reads back as, so that no shorter one can be the
 * same double, and "%.15g" of that double gives it again. */
bool rac_double_is_short(double d, int64_t *m, unsigned *places)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    for (unsigned k = 0; k < RAC_COUNT(powers); k++) {
        double x = d * powers[k];
        if (!(x < 1e15))
            return false;
        int64_t whole = (int64_t)x;
        if ((double)whole != x || x / powers[k] != d)
            continue;
        for (; k > 0 && whole % 10 == 0; k--) /* the product was rounded a place ago */
            whole /= 10;
        *m = whole;
        *places = k;
        return true;
    }
    return false;
}
