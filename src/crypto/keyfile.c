/*
 * Creation goes by link(2): the key is written and flushed without a name (under another one, where
 * the file system has no such files), then given its own, which fails if somebody was faster. A
 * crash leaves no half key behind under the real name, and no copy of a key under another.
 */
#define RAC_ALLOW_FSYNC
#include "crypto/keyfile.h"
#include "base/base64.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { TEXT_BYTES = 43 };

static rac_err fail(struct rac_arena *a, rac_str *why, rac_err e, rac_str file, const char *what)
{
    *why = rac_arena_printf(a, "master key %.*s: %s", RAC_FMT(file), what);
    return e;
}

static rac_err fail_errno(struct rac_arena *a, rac_str *why, rac_str file, int err)
{
    rac_err e = err == ENOENT                    ? RAC_E_NOT_FOUND
                : err == EACCES || err == EPERM  ? RAC_E_DENIED
                : err == ENOSPC || err == EDQUOT ? RAC_E_FULL
                                                 : RAC_E_IO;
    return fail(a, why, e, file, strerror(err));
}

rac_err rac_keyfile_read(rac_str file, struct rac_arena *a, uint8_t *key, rac_str *why)
{
    int fd = open(rac_arena_cstr(a, file), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(a, why, file, errno);
    char text[TEXT_BYTES + 8];
    struct stat st;
    ssize_t n = fstat(fd, &st) == 0 ? read(fd, text, sizeof text) : -1;
    int err = errno;
    close(fd);
    if (n < 0)
        return fail_errno(a, why, file, err);
    if ((st.st_mode & 077) != 0) {
        rac_secret_wipe(text, sizeof text);
        return fail(a, why, RAC_E_DENIED, file,
                    "other users may read it; run chmod 600 on it, and rotate it if they are not "
                    "trusted");
    }
    rac_str bytes, t = rac_str_trim((rac_str){text, (size_t)n});
    rac_err e = RAC_OK;
    if (t.n != TEXT_BYTES || !rac_base64_decode(a, t, &bytes) || bytes.n != RAC_KEY_BYTES) {
        e = fail(a, why, RAC_E_SYNTAX, file,
                 "it does not hold a key (43 base64url characters); put the right file back");
    } else {
        memcpy(key, bytes.p, RAC_KEY_BYTES);
        rac_secret_wipe((char *)(uintptr_t)bytes.p, bytes.n);
    }
    rac_secret_wipe(text, sizeof text);
    return e;
}

static bool write_key(int fd, struct rac_arena *a, const uint8_t *key)
{
    rac_str text = rac_base64url_encode(a, (rac_str){(const char *)key, RAC_KEY_BYTES});
    bool ok = text.n == TEXT_BYTES && write(fd, text.p, TEXT_BYTES) == TEXT_BYTES &&
              write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    rac_secret_wipe((char *)(uintptr_t)text.p, text.n);
    return ok;
}

static rac_str dir_of(rac_str file)
{
    size_t slash = rac_str_rfind_char(file, '/');
    return slash == RAC_STR_NPOS ? RAC_S(".")
           : slash == 0          ? RAC_S("/")
                                 : rac_str_sub(file, 0, slash);
}

/* The new name survives a power failure only once its directory is flushed. */
static bool sync_dir(struct rac_arena *a, rac_str file)
{
    int fd = open(rac_arena_cstr(a, dir_of(file)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

rac_err rac_keyfile_create(rac_str file, const struct rac_env *env, struct rac_arena *a,
                           uint8_t *key, rac_str *why)
{
    char id[37];
    rac_env_uuid(env, id);
    const char *temp = rac_arena_printf(a, "%.*s.%s", RAC_FMT(file), id).p;
    const char *name = rac_arena_cstr(a, file);
    int fd = open(rac_arena_cstr(a, dir_of(file)), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    bool named = fd < 0 || access("/proc/self/fd", X_OK) != 0; /* the only way to name it later */
    if (named && fd >= 0)
        close(fd);
    if (named)
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    else
        temp = rac_arena_printf(a, "/proc/self/fd/%d", fd).p;
    if (fd < 0)
        return fail_errno(a, why, file, errno);
    rac_env_random(env, key, RAC_KEY_BYTES);
    bool ok = write_key(fd, a, key);
    int err = errno;
    bool taken = false;
    if (ok && linkat(AT_FDCWD, temp, AT_FDCWD, name, AT_SYMLINK_FOLLOW) != 0) {
        err = errno;
        ok = false;
        taken = err == EEXIST;
    }
    close(fd);
    if (named)
        unlink(temp);
    if (taken)
        return rac_keyfile_read(file, a, key, why);
    if (ok && !sync_dir(a, file)) {
        err = errno;
        ok = false;
    }
    return ok ? RAC_OK : fail_errno(a, why, file, err);
}
