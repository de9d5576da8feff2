/*
 * sandbox - the program when it is a child: takes jobs about XML from its parent and can do nothing
 * else. Started by script/ as `raccord (sandbox) MEMORY SECONDS PARENT` (bytes; of
 * processor time, over its life; a process id), one socket as standard input.
 *
 * A frame is its length (8 bytes, little end first) and a piece of text/xml_work.h; each is answered
 * by one. Ends when the socket does. What it is kept from stands in confine.h.
 */
#ifndef RAC_SANDBOX_SANDBOX_H
#define RAC_SANDBOX_SANDBOX_H

#include "base/base.h"

#define RAC_SANDBOX_WORD "(sandbox)" /* the first argument; no command has parentheses */

/* How it ends when it does not end well; script/ says it in words. */
enum { RAC_SANDBOX_NO_MEMORY = 71, RAC_SANDBOX_NOT_CONFINED = 72, RAC_SANDBOX_BAD_FRAME = 73 };

/* argv of the program; the exit status. */
int rac_sandbox_main(int argc, char **argv);

#endif
