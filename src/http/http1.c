/*
 * The chunked coding is a state machine over bytes; body_next is the byte-level parser and long for
 * that reason alone. Everything else works on lines of a head that is there completely.
 */
#include "http/http1.h"
#include "base/str.h"

enum { LINE_BYTES_MAX = 4096, TRAILER_BYTES_MAX = 64 * 1024, CHUNK_DIGITS_MAX = 15 };

enum body_state {
    BODY_DATA,      /* LENGTH, CLOSE, or inside a chunk */
    BODY_SIZE,      /* digits of a chunk's size */
    BODY_EXTENSION, /* the rest of that line */
    BODY_SIZE_LF,   /* CR seen */
    BODY_CHUNK_CR,  /* behind a chunk's data */
    BODY_CHUNK_LF,
    BODY_TRAILER,    /* at the beginning of a line after the last chunk */
    BODY_TRAILER_IN, /* inside such a line */
    BODY_TRAILER_LF  /* CR seen at the beginning of a line: the end follows */
};

/* ---- head ---- */

bool rac_http1_may_be_answer(rac_str s)
{
    rac_str start = RAC_S("HTTP/1.");
    return s.n < start.n ? rac_str_starts(start, s) : rac_str_starts(s, start);
}

size_t rac_http1_head_end(rac_str s, size_t from)
{
    from = from > 3 ? from - 3 : 0; /* the end may have begun before */
    while (from < s.n) {
        const char *lf = memchr(s.p + from, '\n', s.n - from);
        if (lf == NULL)
            return 0;
        size_t next = (size_t)(lf - s.p) + 1;
        if (next < s.n && s.p[next] == '\n')
            return next + 1;
        if (next + 1 < s.n && s.p[next] == '\r' && s.p[next + 1] == '\n')
            return next + 2;
        from = next;
    }
    return 0;
}

/* The next line of *rest, without its end. */
static rac_str line_next(rac_str *rest)
{
    rac_str line = rac_str_cut(*rest, '\n', rest);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static rac_err wrong(const char **why, const char *what)
{
    *why = what;
    return RAC_E_SYNTAX;
}

/* "HTTP/1.1 200 OK"; the words at the end may be missing. */
static rac_err status_line(rac_str line, struct rac_http1_head *out, const char **why)
{
    static const char shape[] = "HTTP/1.d ddd";
    if (line.n < sizeof shape - 1 || (line.n > sizeof shape - 1 && line.p[sizeof shape - 1] != ' '))
        return wrong(why, "malformed status line");
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == 'd' ? !rac_is_digit(line.p[i]) : line.p[i] != shape[i])
            return wrong(why, "malformed status line");
    out->status = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + line.p[11] - '0';
    if (out->status < 100)
        return wrong(why, "malformed status line");
    out->keep = line.p[7] != '0';
    return RAC_OK;
}

static bool has_control(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return true;
    return false;
}

static bool only_digits(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_digit(s.p[i]))
            return false;
    return s.n > 0;
}

/* Is one of the comma-separated words in list? */
static bool has_word(rac_str list, rac_str word)
{
    while (list.p != NULL)
        if (rac_str_eqi(rac_str_trim(rac_str_cut(list, ',', &list)), word))
            return true;
    return false;
}

/* What a header says about the message itself. */
struct frame_words {
    bool has_length, has_coding, chunked;
    uint64_t length;
};

static rac_err frame_header(struct rac_http1_head *out, struct frame_words *w,
                            const struct rac_header *h, const char **why)
{
    if (rac_str_eqi(h->name, RAC_S("Content-Length"))) {
        uint64_t n;
        if (!only_digits(h->value) || !rac_str_to_u64(h->value, &n) || n > INT64_MAX)
            return wrong(why, "Content-Length is not a number");
        if (w->has_length && w->length != n)
            return wrong(why, "two different Content-Length headers");
        w->has_length = true;
        w->length = n;
    } else if (rac_str_eqi(h->name, RAC_S("Transfer-Encoding"))) {
        if (w->has_coding || !rac_str_eqi(h->value, RAC_S("chunked")))
            return wrong(why, "unknown transfer coding");
        w->has_coding = w->chunked = true;
    } else if (rac_str_eqi(h->name, RAC_S("Connection"))) {
        if (has_word(h->value, RAC_S("close")))
            out->keep = false;
        else if (has_word(h->value, RAC_S("keep-alive")))
            out->keep = true;
    }
    return RAC_OK;
}

static void frame(struct rac_http1_head *out, const struct frame_words *w, bool to_head)
{
    if (to_head || out->status / 100 == 1 || out->status == 204 || out->status == 304) {
        out->framing = RAC_HTTP1_NONE;
    } else if (w->chunked) {
        out->framing = RAC_HTTP1_CHUNKED;
        out->keep = out->keep && !w->has_length; /* RFC 9112 §6.3: it may be an attack */
    } else if (w->has_length) {
        out->framing = w->length > 0 ? RAC_HTTP1_LENGTH : RAC_HTTP1_NONE;
        out->length = w->length;
    } else {
        out->framing = RAC_HTTP1_CLOSE;
        out->keep = false;
    }
}

static rac_err header_line(rac_str line, struct rac_arena *a, struct rac_headers *h,
                           const char **why)
{
    if (line.p[0] == ' ' || line.p[0] == '\t') { /* obs-fold */
        if (h->n == 0)
            return wrong(why, "malformed header");
        struct rac_header *last = &h->v[h->n - 1];
        last->value =
            rac_arena_printf(a, "%.*s %.*s", RAC_FMT(last->value), RAC_FMT(rac_str_trim(line)));
        return RAC_OK;
    }
    rac_str value, name = rac_str_cut(line, ':', &value);
    if (value.p == NULL || !rac_header_is_name(name))
        return wrong(why, "malformed header");
    if (h->n >= RAC_HTTP1_HEADERS_MAX) {
        *why = "too many headers";
        return RAC_E_LIMIT;
    }
    rac_headers_add(h, a, name, rac_str_trim(value));
    return RAC_OK;
}

rac_err rac_http1_head_parse(rac_str head, bool to_head, struct rac_arena *a,
                             struct rac_http1_head *out, const char **why)
{
    rac_str rest = rac_arena_str(a, head); /* one copy; names and values are slices of it */
    struct frame_words w = {0};
    *out = (struct rac_http1_head){0};
    rac_err e = status_line(line_next(&rest), out, why);
    while (e == RAC_OK && rest.p != NULL) {
        rac_str line = line_next(&rest);
        if (line.n == 0)
            break;
        e = has_control(line) ? wrong(why, "control character in a header")
                              : header_line(line, a, &out->headers, why);
    }
    for (size_t i = 0; e == RAC_OK && i < out->headers.n; i++)
        e = frame_header(out, &w, &out->headers.v[i], why);
    if (e == RAC_OK)
        frame(out, &w, to_head);
    return e;
}

/* ---- body ---- */

void rac_http1_body_init(struct rac_http1_body *b, const struct rac_http1_head *head)
{
    *b =
        (struct rac_http1_body){.framing = head->framing,
                                .state = head->framing == RAC_HTTP1_CHUNKED ? BODY_SIZE : BODY_DATA,
                                .left = head->length,
                                .over = head->framing == RAC_HTTP1_NONE};
}

/* The line with a chunk's size ends. */
static void size_end(struct rac_http1_body *b)
{
    b->state = b->left > 0 ? BODY_DATA : BODY_TRAILER;
    b->line_n = 0;
}

static rac_err size_char(struct rac_http1_body *b, char c, const char **why)
{
    int digit = rac_hex_value(c);
    if (digit >= 0 && b->line_n < CHUNK_DIGITS_MAX) {
        b->left = b->left * 16 + (unsigned)digit;
        b->line_n++;
        return RAC_OK;
    }
    if (digit >= 0 || b->line_n == 0)
        return wrong(why, "malformed chunk size");
    if (c == '\n')
        size_end(b);
    else if (c == '\r')
        b->state = BODY_SIZE_LF;
    else if (c == ';' || c == ' ' || c == '\t')
        b->state = BODY_EXTENSION;
    else
        return wrong(why, "malformed chunk size");
    return RAC_OK;
}

/* One byte of chunk framing. */
static rac_err frame_char(struct rac_http1_body *b, char c, const char **why)
{
    switch ((enum body_state)b->state) {
    case BODY_SIZE:
        return size_char(b, c, why);
    case BODY_EXTENSION:
        if (c == '\n')
            size_end(b);
        else if (++b->line_n > LINE_BYTES_MAX)
            return wrong(why, "chunk extension too long");
        return RAC_OK;
    case BODY_SIZE_LF:
        if (c != '\n')
            return wrong(why, "malformed chunk size");
        size_end(b);
        return RAC_OK;
    case BODY_CHUNK_CR:
        if (c == '\r') {
            b->state = BODY_CHUNK_LF;
            return RAC_OK;
        } /* fall through */
        __attribute__((fallthrough));
    case BODY_CHUNK_LF:
        if (c != '\n')
            return wrong(why, "a chunk is longer than it says");
        b->state = BODY_SIZE;
        b->left = b->line_n = 0;
        return RAC_OK;
    case BODY_TRAILER_LF:
        if (c != '\n')
            return wrong(why, "malformed trailer");
        b->over = true;
        return RAC_OK;
    default: /* trailers: dropped */
        if (++b->trailer_n > TRAILER_BYTES_MAX)
            return wrong(why, "trailers too long");
        if (b->state == BODY_TRAILER && c == '\n')
            b->over = true;
        else if (b->state == BODY_TRAILER && c == '\r')
            b->state = BODY_TRAILER_LF;
        else
            b->state = c == '\n' ? BODY_TRAILER : BODY_TRAILER_IN;
        return RAC_OK;
    }
}

rac_err rac_http1_body_next(struct rac_http1_body *b, rac_str *in, rac_str *piece, const char **why)
{
    *piece = RAC_S("");
    while (!b->over && in->n > 0) {
        if (b->state == BODY_DATA) {
            *piece = *in;
            if (b->framing != RAC_HTTP1_CLOSE && piece->n > b->left)
                piece->n = (size_t)b->left;
            return RAC_OK;
        }
        char c = in->p[0];
        *in = rac_str_from(*in, 1);
        rac_err e = frame_char(b, c, why);
        if (e != RAC_OK)
            return e;
    }
    return RAC_OK;
}

void rac_http1_body_took(struct rac_http1_body *b, rac_str *in, size_t n)
{
    RAC_ASSERT(n <= in->n && b->state == BODY_DATA);
    *in = rac_str_from(*in, n);
    if (b->framing == RAC_HTTP1_CLOSE)
        return;
    RAC_ASSERT(n <= b->left);
    b->left -= n;
    if (b->left > 0)
        return;
    if (b->framing == RAC_HTTP1_CHUNKED)
        b->state = BODY_CHUNK_CR;
    else
        b->over = true;
}

bool rac_http1_body_at_end(const struct rac_http1_body *b)
{
    return b->over || b->framing == RAC_HTTP1_CLOSE;
}
