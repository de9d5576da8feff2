/*
 * One process per data directory: an advisory lock on DIR/lock, which the kernel drops when the
 * process ends, however it ends. The file holds the process id for the message; the file itself
 * stays, since removing it would let two processes lock two different files.
 */
#define RAC_ALLOW_FSYNC
#include "store/sqlite/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static rac_err from_errno(int err)
{
    return err == ENOSPC || err == EDQUOT                  ? RAC_E_FULL
           : err == EACCES || err == EPERM || err == EROFS ? RAC_E_DENIED
           : err == ENOENT                                 ? RAC_E_NOT_FOUND
                                                           : RAC_E_IO;
}

rac_err rac_dir_create(rac_str dir, struct rac_arena *a, rac_str *why)
{
    const char *name = rac_arena_cstr(a, dir);
    if (mkdir(name, 0700) == 0 || errno == EEXIST)
        return RAC_OK;
    int err = errno;
    *why = rac_arena_printf(a, "data directory %s: %s", name, strerror(err));
    return from_errno(err);
}

bool rac_dir_sync(rac_str dir, struct rac_arena *a)
{
    int fd = open(rac_arena_cstr(a, dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

rac_err rac_lockfile_take(rac_str dir, struct rac_arena *a, int *fd, rac_str *why)
{
    const char *name = rac_arena_printf(a, "%.*s/lock", RAC_FMT(dir)).p;
    int f = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f < 0) {
        int err = errno;
        *why = rac_arena_printf(a, "%s: %s", name, strerror(err));
        return from_errno(err);
    }
    char pid[24] = "";
    if (flock(f, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = read(f, pid, sizeof pid - 1);
        rac_str who = rac_str_trim((rac_str){pid, n > 0 ? (size_t)n : 0});
        *why = rac_arena_printf(a,
                                "data directory %.*s is in use by another Raccord (process "
                                "%.*s); stop it, or choose another directory with --data",
                                RAC_FMT(dir), RAC_FMT(who));
        close(f);
        return RAC_E_BUSY;
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* The number is for people; a full disk must not keep a server from reading. */
    (void)!ftruncate(f, 0);
    (void)!pwrite(f, pid, (size_t)n, 0);
    *fd = f;
    return RAC_OK;
}

void rac_lockfile_drop(int fd)
{
    if (fd >= 0) {
        (void)!ftruncate(fd, 0);
        close(fd);
    }
}
