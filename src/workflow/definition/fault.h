/*
 * fault - how a request from outside is refused: {"error": {"code", "message"}} under a status.
 * Codes are those of spec workflows §5.2 and appendix B. Nothing is allocated but the message.
 */
#ifndef RAC_WORKFLOW_FAULT_H
#define RAC_WORKFLOW_FAULT_H

#include "base/base.h"

struct rac_wf_fault {
    int status;       /* HTTP status to answer with */
    const char *code; /* static */
    rac_str message;  /* static, or in the arena of the call that found it; no secrets */
};

#endif
