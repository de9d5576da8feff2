#include "cli/output.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "openapi/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

static const char *paint(const struct rac_cli *cli, enum rac_severity s, bool on)
{
    if (!cli->color_err)
        return "";
    if (!on)
        return "\033[0m";
    return s == RAC_SEV_ERROR ? "\033[1;31m" : s == RAC_SEV_WARNING ? "\033[1;33m" : "\033[1m";
}

/* Bytes of the control character at s[i], 0 when it is none: C0, DEL, and C1 as UTF-8. */
static size_t is_control(rac_str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    if (c < ' ' || c == 0x7f)
        return 1;
    if (c != 0xc2 || i + 1 == s.n)
        return 0;
    unsigned char next = (unsigned char)s.p[i + 1];
    return next >= 0x80 && next < 0xa0 ? 2 : 0;
}

bool rac_cli_is_folder(const char *source)
{
    struct stat st;
    return stat(source, &st) != 0 || !S_ISREG(st.st_mode) ||
           rac_str_endsi(rac_str_of(source), RAC_S(".zip"));
}

rac_str rac_cli_place(struct rac_arena *a, rac_str source, bool folder, rac_str file)
{
    if (file.n == 0 || rac_str_ends(source, file))
        return source;
    if (file.p[0] == '/')
        return file;
    size_t slash =
        folder ? source.n - rac_str_ends(source, RAC_S("/")) : rac_str_rfind_char(source, '/');
    return slash == RAC_STR_NPOS
               ? file
               : rac_arena_printf(a, "%.*s/%.*s", (int)slash, source.p, RAC_FMT(file));
}

void rac_cli_diag(struct rac_cli *cli, rac_str source, const struct rac_diag *d)
{
    rac_cli_progress_end(cli);
    bool folder = d->file.n > 0 && rac_cli_is_folder(rac_arena_cstr(cli->a, source));
    fprintf(cli->err, "%.*s",
            RAC_FMT(rac_cli_clean(cli->a, rac_cli_place(cli->a, source, folder, d->file))));
    if (d->line > 0)
        fprintf(cli->err, ":%u:%u", d->line, d->column > 0 ? d->column : 1);
    else if (d->pointer.n > 0)
        fprintf(cli->err, ":%.*s", RAC_FMT(rac_cli_clean(cli->a, d->pointer)));
    fprintf(cli->err, ": %s%s%s: %s: %.*s\n", paint(cli, d->severity, true),
            rac_severity_name(d->severity), paint(cli, d->severity, false), d->code,
            RAC_FMT(rac_cli_clean(cli->a, d->message)));
    rac_str fix = rac_rule_fix(d);
    if (fix.n > 0)
        fprintf(cli->err, "    %.*s\n", RAC_FMT(rac_cli_clean(cli->a, fix)));
}

void rac_cli_diags(struct rac_cli *cli, rac_str source, const struct rac_diags *d)
{
    for (size_t i = 0; i < d->n; i++)
        rac_cli_diag(cli, source, &d->v[i]);
    if (d->dropped_total > 0)
        fprintf(cli->err, "%.*s: and %zu more like these\n", RAC_FMT(source), d->dropped_total);
}

struct rac_json rac_cli_finding(struct rac_arena *a, const struct rac_diag *d)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "code", rac_str_of(d->code));
    RAC_JSON_PUT_STR(a, &o, "severity", rac_str_of(rac_severity_name(d->severity)));
    RAC_JSON_PUT_STR(a, &o, "pointer", d->pointer);
    if (d->file.n > 0)
        RAC_JSON_PUT_STR(a, &o, "file", d->file);
    if (d->line > 0) {
        RAC_JSON_PUT(a, &o, "line", rac_json_of_int(d->line));
        RAC_JSON_PUT(a, &o, "column", rac_json_of_int(d->column > 0 ? d->column : 1));
    }
    RAC_JSON_PUT_STR(a, &o, "message", d->message);
    rac_str fix = rac_rule_fix(d);
    if (fix.n > 0)
        RAC_JSON_PUT_STR(a, &o, "fix", fix);
    return o;
}

rac_str rac_cli_clean(struct rac_arena *a, rac_str s)
{
    size_t i = 0;
    while (i < s.n && !is_control(s, i))
        i++;
    if (i == s.n)
        return s;
    char *p = rac_arena_alloc_dirty(a, s.n + 1);
    size_t n = 0;
    for (i = 0; i < s.n; i++) {
        size_t bytes = is_control(s, i);
        p[n++] = bytes > 0 ? '?' : s.p[i];
        i += bytes > 1;
    }
    p[n] = 0;
    return (rac_str){p, n};
}

/* Columns a text takes on a terminal. */
static size_t columns(rac_str s)
{
    static const struct {
        uint32_t from, to;
        size_t width;
    } table[] = {{0x300, 0x36f, 0},   {0x200b, 0x200f, 0},   {0xfe00, 0xfe0f, 0},
                 {0x1100, 0x115f, 2}, {0x2e80, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
                 {0xf900, 0xfaff, 2}, {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
                 {0xffe0, 0xffe6, 2}, {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2}};
    size_t n = 0;
    uint32_t cp;
    for (size_t i = 0, len; i<s.n; i += len> 0 ? len : 1) {
        size_t width = 1;
        len = rac_utf8_decode(s.p + i, s.n - i, &cp);
        for (size_t k = 0; len > 1 && k < RAC_COUNT(table); k++)
            if (cp >= table[k].from && cp <= table[k].to)
                width = table[k].width;
        n += width;
    }
    return n;
}

static size_t character_start(rac_str s, size_t at)
{
    while (at > 0 && at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
        at--;
    return at;
}

void rac_cli_underline(struct rac_cli *cli, FILE *out, int indent, char mark, rac_str text,
                       size_t offset, size_t length)
{
    enum { AROUND_BYTES = 50, MARKS_MAX = 100 };
    if (offset > text.n)
        return;
    size_t start = rac_str_rfind_char(rac_str_sub(text, 0, offset), '\n');
    start = start == RAC_STR_NPOS ? 0 : start + 1;
    rac_str line = rac_str_from(text, start);
    line = rac_str_sub(line, 0, rac_str_find_char(line, '\n'));
    size_t at = offset - start, end = length < line.n - at ? at + length : line.n;
    end = character_start(line, end - at > MARKS_MAX ? at + MARKS_MAX : end);
    size_t from = at > AROUND_BYTES ? character_start(line, at - AROUND_BYTES) : 0;
    size_t to = line.n - end > AROUND_BYTES ? character_start(line, end + AROUND_BYTES) : line.n;
    rac_str before = rac_cli_clean(cli->a, rac_str_sub(line, from, at - from)),
            part = rac_cli_clean(cli->a, rac_str_sub(line, at, end - at)),
            behind = rac_cli_clean(cli->a, rac_str_sub(line, end, to - end));
    fprintf(out, "%*s%.*s%.*s%.*s\n", indent, "", RAC_FMT(before), RAC_FMT(part), RAC_FMT(behind));
    fprintf(out, "%*s", indent + (int)columns(before), "");
    for (size_t i = 0, n = columns(part); i < n || i == 0; i++)
        fputc(mark, out);
    fputc('\n', out);
}

void rac_cli_progress(struct rac_cli *cli, const char *what, size_t done, size_t total,
                      rac_str name)
{
    rac_str shown = rac_cli_clean(cli->a, rac_str_sub(name, 0, 50));
    if (!cli->progress)
        return;
    fprintf(cli->err, "\r\033[K%s %zu", what, done);
    if (total > 0)
        fprintf(cli->err, "/%zu", total);
    fprintf(cli->err, " %.*s", RAC_FMT(shown));
    cli->progress_shown = true;
}

void rac_cli_progress_end(struct rac_cli *cli)
{
    if (cli->progress_shown)
        fputs("\r\033[K", cli->err);
    cli->progress_shown = false;
}

/* Lines as they are meant, without what acts on a terminal. */
RAC_PRINTF(3, 0)
static void put(struct rac_cli *cli, FILE *to, const char *fmt, va_list ap)
{
    rac_str rest = rac_arena_vprintf(cli->a, fmt, ap);
    rac_cli_progress_end(cli);
    while (rest.p != NULL) {
        rac_str line = rac_cli_clean(cli->a, rac_str_cut(rest, '\n', &rest));
        fprintf(to, "%.*s%s", RAC_FMT(line), rest.p != NULL ? "\n" : "");
    }
}

void rac_cli_put(struct rac_cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put(cli, cli->out, fmt, ap);
    va_end(ap);
}

void rac_cli_say(struct rac_cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put(cli, cli->out, fmt, ap);
    va_end(ap);
    fputc('\n', cli->out);
}

void rac_cli_note(struct rac_cli *cli, const char *fmt, ...)
{
    va_list ap;
    fflush(cli->out);
    va_start(ap, fmt);
    put(cli, cli->err, fmt, ap);
    va_end(ap);
    fputc('\n', cli->err);
}

int rac_cli_fail(struct rac_cli *cli, int status, const char *fmt, ...)
{
    va_list ap;
    fflush(cli->out); /* two streams into one pipe keep their order */
    rac_cli_progress_end(cli);
    fputs("raccord: ", cli->err);
    va_start(ap, fmt);
    put(cli, cli->err, fmt, ap);
    va_end(ap);
    fputc('\n', cli->err);
    return status;
}

int rac_cli_status_of(rac_err e)
{
    switch (e) {
    case RAC_OK:
        return RAC_EXIT_OK;
    case RAC_E_INVALID:
    case RAC_E_SYNTAX:
    case RAC_E_CONFLICT:
    case RAC_E_EXISTS:
        return RAC_EXIT_FINDINGS;
    case RAC_E_DENIED:
    case RAC_E_UNAUTHENTICATED:
    case RAC_E_LIMIT:
    case RAC_E_BUSY:
        return RAC_EXIT_REFUSED;
    default:
        return RAC_EXIT_UNREACHABLE;
    }
}

static void print_json(struct rac_cli *cli, const struct rac_json *v, unsigned flags)
{
    struct rac_buf b;
    rac_cli_progress_end(cli);
    rac_buf_init(&b, SIZE_MAX / 2);
    rac_json_print(v, flags, &b);
    rac_buf_add_char(&b, '\n');
    rac_str s = rac_buf_str(&b);
    fwrite(s.p, 1, s.n, cli->out);
    rac_buf_fini(&b);
}

void rac_cli_print_json(struct rac_cli *cli, const struct rac_json *v)
{
    print_json(cli, v, RAC_JSON_PRETTY);
}

void rac_cli_print_json_line(struct rac_cli *cli, const struct rac_json *v)
{
    print_json(cli, v, 0);
}

void rac_cli_print_table(struct rac_cli *cli, const char *const *titles, const rac_str *cells,
                         size_t rows_n, size_t columns_n)
{
    size_t *widths = RAC_NEW_N(cli->a, size_t, columns_n);
    rac_str *clean = RAC_NEW_N(cli->a, rac_str, rows_n * columns_n + 1);
    for (size_t i = 0; i < rows_n * columns_n; i++)
        clean[i] = rac_cli_clean(cli->a, cells[i]);
    for (size_t c = 0; c < columns_n; c++) {
        widths[c] = titles ? strlen(titles[c]) : 0;
        for (size_t r = 0; r < rows_n; r++) {
            size_t w = rac_utf8_count(clean[r * columns_n + c]);
            widths[c] = w > widths[c] ? w : widths[c];
        }
    }
    for (size_t r = titles ? 0 : 1; r <= rows_n; r++) {
        size_t n = columns_n; /* nothing is padded towards cells that are empty */
        while (r > 0 && n > 0 && clean[(r - 1) * columns_n + n - 1].n == 0)
            n--;
        for (size_t c = 0; c < n; c++) {
            rac_str cell = r == 0 ? rac_str_of(titles[c]) : clean[(r - 1) * columns_n + c];
            size_t pad = c + 1 < n ? widths[c] - rac_utf8_count(cell) + 2 : 0;
            fprintf(cli->out, "%.*s%*s", RAC_FMT(cell), (int)pad, "");
        }
        fputc('\n', cli->out);
    }
}

rac_err rac_cli_read(struct rac_cli *cli, const char *path, size_t bytes_max, struct rac_arena *a,
                     rac_str *bytes, rac_str *why)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    struct rac_buf b;
    rac_err e = RAC_OK;
    (void)cli;
    rac_buf_init(&b, bytes_max);
    if (fd < 0) {
        e = errno == ENOENT ? RAC_E_NOT_FOUND : errno == EACCES ? RAC_E_DENIED : RAC_E_IO;
        *why = rac_arena_printf(a, "cannot open %s: %s", path, strerror(errno));
        return e;
    }
    for (;;) {
        size_t room = b.bytes_max - b.n < 65536 ? b.bytes_max - b.n : 65536;
        char past_the_end;
        char *p = room > 0 ? rac_buf_reserve(&b, room) : NULL;
        ssize_t got = p != NULL ? read(fd, p, room) : read(fd, &past_the_end, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            *why = rac_arena_printf(a, "cannot read %s: %s", path, strerror(errno));
            e = RAC_E_IO;
            break;
        }
        if (got == 0)
            break;
        if (p == NULL) {
            *why = rac_arena_printf(a, "%s is larger than the limit of %zu bytes", path, bytes_max);
            e = RAC_E_LIMIT;
            break;
        }
        rac_buf_added(&b, (size_t)got);
    }
    if (e == RAC_OK)
        *bytes = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    if (!standard_input)
        close(fd);
    return e;
}

/* All of bytes into fd, and fd closed. 0 or an errno. */
static int write_all(int fd, rac_str bytes)
{
    size_t done = 0;
    int error = 0;
    while (done < bytes.n && error == 0) {
        ssize_t n = write(fd, bytes.p + done, bytes.n - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            error = errno;
    }
    return close(fd) != 0 && error == 0 ? errno : error;
}

static int write_beside(struct rac_cli *cli, const char *path, rac_str bytes, mode_t mode)
{
    rac_str temporary = rac_arena_printf(cli->a, "%s.%d.tmp", path, (int)getpid());
    int fd = open(temporary.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return errno;
    int error = write_all(fd, bytes);
    if (error == 0 && rename(temporary.p, path) != 0)
        error = errno;
    if (error != 0)
        unlink(temporary.p);
    return error;
}

/* A device or a pipe is written to, never replaced; a link stays, what it leads to is written. */
rac_err rac_cli_write(struct rac_cli *cli, const char *path, rac_str bytes, unsigned mode,
                      rac_str *why)
{
    struct stat st;
    int error = 0;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode)) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        error = fd < 0 ? errno : write_all(fd, bytes);
    } else {
        char *real = there ? realpath(path, NULL) : NULL;
        error = write_beside(cli, real != NULL ? real : path, bytes, (mode_t)mode);
        if (real != NULL)
            rac_mem_free_libc(real);
    }
    if (error == 0)
        return RAC_OK;
    *why = rac_arena_printf(cli->a, "cannot write %s: %s", path, strerror(error));
    return error == ENOSPC ? RAC_E_FULL : error == EACCES ? RAC_E_DENIED : RAC_E_IO;
}

void rac_cli_put_duration(struct rac_cli *cli, int64_t ms)
{
    if (ms >= 60000)
        rac_cli_put(cli, "  %lld min %lld s", (long long)(ms / 60000), (long long)(ms / 1000 % 60));
    else if (ms >= 1000)
        rac_cli_put(cli, "  %lld.%lld s", (long long)(ms / 1000), (long long)(ms / 100 % 10));
    else if (ms > 0)
        rac_cli_put(cli, "  %lld ms", (long long)ms);
}
