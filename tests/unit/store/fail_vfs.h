/*
 * fail_vfs - a SQLite VFS that fails on purpose: the n-th write, flush, truncation or open, once or
 * from then on; or every write that makes files grow past a quota, like a disk that is full. Any
 * thread.
 */
#ifndef RAC_TEST_FAIL_VFS_H
#define RAC_TEST_FAIL_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAIL_VFS "raccord-fail"

void fail_vfs_register(void);
/* n 0: nothing fails. rc: what the operation answers (SQLITE_IOERR_WRITE, SQLITE_FULL, ...). */
void fail_vfs_at(int64_t n, int rc, bool for_ever);
/* Bytes by which files may still grow; -1: no quota. */
void fail_vfs_quota(int64_t bytes);
/* The writer's operations wait from now on; it does wait; they go on. */
void fail_vfs_hold(void);
void fail_vfs_await_held(void);
void fail_vfs_release(void);
int64_t fail_vfs_count(void); /* operations since the last fail_vfs_at */
bool fail_vfs_failed(void);   /* since the last fail_vfs_at */

#endif
