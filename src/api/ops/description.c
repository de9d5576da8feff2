#include "api/describe.h"
#include "api/ask.h"

void rac_ops_openapi_get(struct rac_ask *q)
{
    rac_ask_answer_bytes(q, rac_describe_openapi(q->base_url, q->a),
                         RAC_S("application/json; charset=utf-8"), RAC_STR_NULL);
}

void rac_ops_swagger_get(struct rac_ask *q)
{
    rac_ask_answer_bytes(q, rac_describe_swagger(q->base_url, q->a),
                         RAC_S("application/json; charset=utf-8"), RAC_STR_NULL);
}
