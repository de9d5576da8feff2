/* Postman collections of every version through the converter. */
#include "conversion.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    converts(data, n, 1u << RAC_DOC_POSTMAN1 | 1u << RAC_DOC_POSTMAN20 | 1u << RAC_DOC_POSTMAN21);
    return 0;
}
