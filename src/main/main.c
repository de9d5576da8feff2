#include "base/base.h"

int main(void)
{
    puts("raccord " RAC_VERSION);
    return 0;
}
