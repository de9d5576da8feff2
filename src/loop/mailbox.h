/*
 * mailbox - the only way threads talk: a bounded queue of plain structs, many senders, one reader.
 *
 * The mailbox belongs to a loop; messages arrive as calls on that loop's thread, in the order sent
 * by each sender, in bounded batches. Ownership of what a message points to moves with it. A
 * mailbox is reference counted because senders may outlive its loop: after rac_mailbox_close sends
 * answer RAC_E_CANCELLED.
 *
 *     struct rac_mailbox *m = rac_mailbox_new(loop, 1024, sizeof(struct msg), on_msg, self);
 *     rac_mailbox_send(m, &(struct msg){...});     // any thread; copies the struct
 */
#ifndef RAC_LOOP_MAILBOX_H
#define RAC_LOOP_MAILBOX_H

#include "base/base.h"

struct rac_loop;
struct rac_mailbox;

/* capacity: messages waiting at most. msg_bytes: size of one message, at most 256. fn gets a
 * message valid during the call. Created on the loop's thread; owned: one reference. */
struct rac_mailbox *rac_mailbox_new(struct rac_loop *loop, size_t capacity, size_t msg_bytes,
                                    void (*fn)(void *arg, const void *msg), void *arg);
/* Any thread that holds a reference. RAC_E_BUSY: full, nothing was queued and the sender still
 * owns what the message points to. RAC_E_CANCELLED: closed. */
rac_err rac_mailbox_send(struct rac_mailbox *m, const void *msg) RAC_MUST_CHECK;
size_t rac_mailbox_depth(const struct rac_mailbox *m); /* any thread */
/* Loop thread. Delivers what is already queued, then nothing more; drops the loop's reference. */
void rac_mailbox_close(struct rac_mailbox *m);
struct rac_mailbox *rac_mailbox_ref(struct rac_mailbox *m); /* any thread */
void rac_mailbox_unref(struct rac_mailbox *m);              /* any thread */

#endif
