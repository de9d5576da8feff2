#include "fail_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

struct fail_file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this struct */
};

static _Atomic int64_t count, fail_at, quota = -1;
static _Atomic int fail_rc;
static _Atomic bool fail_for_ever, has_failed;
static sqlite3_vfs *real_vfs, fail_vfs;
static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hold_changed = PTHREAD_COND_INITIALIZER;
static bool held;
static int held_n;

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct fail_file *)f)->real;
}

/* The writer's operations are held; what others do (a checkpointer that starts) says nothing. */
static void wait_while_held(void)
{
    char thread[16];
    if (pthread_getname_np(pthread_self(), thread, sizeof thread) != 0 ||
        strcmp(thread, "store-writer") != 0)
        return;
    pthread_mutex_lock(&hold_lock);
    held_n++;
    pthread_cond_broadcast(&hold_changed);
    while (held)
        pthread_cond_wait(&hold_changed, &hold_lock);
    held_n--;
    pthread_mutex_unlock(&hold_lock);
}

/* SQLITE_OK, or what this operation is to answer. */
static int turn(void)
{
    wait_while_held();
    int64_t n = atomic_fetch_add(&count, 1) + 1, at = atomic_load(&fail_at);
    if (at == 0 || (n != at && !(fail_for_ever && n > at)))
        return SQLITE_OK;
    atomic_store(&has_failed, true);
    return atomic_load(&fail_rc);
}

static int f_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = turn();
    if (rc != SQLITE_OK)
        return rc;
    if (atomic_load(&quota) >= 0) { /* writing over what is there needs no room */
        sqlite3_int64 size = 0, grows = 0;
        real_of(f)->pMethods->xFileSize(real_of(f), &size);
        grows = at + n > size ? at + n - size : 0;
        if (grows > atomic_load(&quota))
            return SQLITE_FULL;
        atomic_fetch_sub(&quota, grows);
    }
    return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    int rc = turn();
    return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xTruncate(real_of(f), n);
}
static int f_sync(sqlite3_file *f, int flags)
{
    int rc = turn();
    return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xSync(real_of(f), flags);
}
static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), n);
}
static int f_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}
static int f_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
static int f_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int f_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int f_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}
static int f_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}
static void f_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}
static int f_shm_unmap(sqlite3_file *f, int del)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), del);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_device,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fail_file *f = (struct fail_file *)file;
    (void)v;
    f->base.pMethods = NULL;
    int rc = turn();
    if (rc != SQLITE_OK)
        return rc == SQLITE_FULL ? SQLITE_FULL : SQLITE_CANTOPEN;
    f->real = (sqlite3_file *)(f + 1);
    memset(f->real, 0, (size_t)real_vfs->szOsFile);
    rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
    if (f->real->pMethods != NULL)
        f->base.pMethods = &methods;
    return rc;
}

void fail_vfs_register(void)
{
    if (real_vfs != NULL)
        return;
    sqlite3_initialize();
    real_vfs = sqlite3_vfs_find(NULL);
    fail_vfs = *real_vfs;
    fail_vfs.pNext = NULL;
    fail_vfs.zName = FAIL_VFS;
    fail_vfs.szOsFile = (int)sizeof(struct fail_file) + real_vfs->szOsFile;
    fail_vfs.xOpen = v_open;
    sqlite3_vfs_register(&fail_vfs, 0);
}

void fail_vfs_at(int64_t n, int rc, bool for_ever)
{
    atomic_store(&fail_rc, rc);
    atomic_store(&fail_for_ever, for_ever);
    atomic_store(&has_failed, false);
    atomic_store(&count, 0);
    atomic_store(&fail_at, n);
}

void fail_vfs_quota(int64_t bytes)
{
    atomic_store(&quota, bytes);
}

int64_t fail_vfs_count(void)
{
    return atomic_load(&count);
}

bool fail_vfs_failed(void)
{
    return atomic_load(&has_failed);
}

void fail_vfs_hold(void)
{
    pthread_mutex_lock(&hold_lock);
    held = true;
    pthread_mutex_unlock(&hold_lock);
}

void fail_vfs_await_held(void)
{
    pthread_mutex_lock(&hold_lock);
    while (held_n == 0)
        pthread_cond_wait(&hold_changed, &hold_lock);
    pthread_mutex_unlock(&hold_lock);
}

void fail_vfs_release(void)
{
    pthread_mutex_lock(&hold_lock);
    held = false;
    pthread_cond_broadcast(&hold_changed);
    pthread_mutex_unlock(&hold_lock);
}
