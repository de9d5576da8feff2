#include "api/describe.h"
#include "api/ask.h"
#include "api/service.h"

void rac_ops_openapi_get(struct rac_ask *q)
{
    rac_ask_answer_bytes(q, rac_descriptions_get(q->w->descriptions, true),
                         RAC_S("application/json; charset=utf-8"), RAC_STR_NULL);
}

void rac_ops_swagger_get(struct rac_ask *q)
{
    rac_ask_answer_bytes(q, rac_descriptions_get(q->w->descriptions, false),
                         RAC_S("application/json; charset=utf-8"), RAC_STR_NULL);
}
