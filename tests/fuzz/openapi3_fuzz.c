/* OpenAPI 3 and 2.0 through the converter. */
#include "conversion.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    converts(data, n, 1u << RAC_DOC_OPENAPI3 | 1u << RAC_DOC_SWAGGER2);
    return 0;
}
