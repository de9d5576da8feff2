#include "sandbox/sandbox.h"

#include "base/arena.h"
#include "base/str.h"
#include "sandbox/confine.h"
#include "sandbox/xml.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CPU_SECONDS_DEFAULT = 120, MEMORY_DEFAULT = 512 << 20, JOBS_AT_ONCE = 1 };
static const uint64_t frame_max = (uint64_t)1 << 32;

/* Of the socket everything goes through. False: the parent is gone. */
static bool read_all(char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = read(STDIN_FILENO, p, n);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
    return true;
}

static bool write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(STDIN_FILENO, p, n);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            p += put;
            n -= (size_t)put;
        }
    }
    return true;
}

/* Tables of encodings are files: opened now, they stay. UTF-8, UTF-16 and Latin 1 need none. */
static void keep_encodings(void)
{
    static const char *const names[] = {"WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252",
                                        "WINDOWS-1253", "WINDOWS-1254", "ISO-8859-2",
                                        "ISO-8859-5",   "ISO-8859-15",  "SHIFT_JIS"};
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        (void)iconv_open("UTF-8", names[i]);
        (void)iconv_open(names[i], "UTF-8");
    }
}

static int serve(void)
{
    struct rac_arena a;
    unsigned char head[8];
    rac_arena_init(&a, SIZE_MAX);
    while (read_all((char *)head, sizeof head)) {
        uint64_t n = 0;
        for (unsigned i = 0; i < sizeof head; i++)
            n |= (uint64_t)head[i] << (8 * i);
        if (n > frame_max)
            return RAC_SANDBOX_BAD_FRAME;
        char *p = rac_arena_alloc_dirty(&a, (size_t)n);
        rac_str answer;
        if (!read_all(p, (size_t)n))
            break;
        if (rac_sandbox_xml((rac_str){p, (size_t)n}, &a, &answer) != RAC_OK)
            return RAC_SANDBOX_BAD_FRAME;
        for (unsigned i = 0; i < sizeof head; i++)
            head[i] = (unsigned char)(answer.n >> (8 * i));
        if (!write_all((const char *)head, sizeof head) || !write_all(answer.p, answer.n))
            break;
        rac_arena_reset(&a);
    }
    rac_arena_fini(&a);
    return 0;
}

int rac_sandbox_main(int argc, char **argv)
{
    uint64_t memory = MEMORY_DEFAULT, cpu_seconds = CPU_SECONDS_DEFAULT, parent = 0;
    if (argc > 2)
        (void)rac_str_to_u64(rac_str_of(argv[2]), &memory);
    if (argc > 3)
        (void)rac_str_to_u64(rac_str_of(argv[3]), &cpu_seconds);
    if (argc > 4)
        (void)rac_str_to_u64(rac_str_of(argv[4]), &parent);
    (void)syscall(SYS_close_range, 3U, ~0U, 0U);
    rac_sandbox_xml_init(RAC_SANDBOX_NO_MEMORY);
    keep_encodings();
    if (!rac_confine(memory, cpu_seconds, (pid_t)parent))
        _exit(RAC_SANDBOX_NOT_CONFINED);
    _exit(serve());
}
