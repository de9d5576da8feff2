#include "base/ip.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool rac_ip_parse(rac_str text, uint8_t addr[16])
{
    char host[INET6_ADDRSTRLEN + 1];
    struct in_addr v4;
    if (text.n == 0 || text.n >= sizeof host || memchr(text.p, 0, text.n) != NULL)
        return false;
    memcpy(host, text.p, text.n);
    host[text.n] = '\0';
    if (inet_pton(AF_INET, host, &v4) != 1)
        return inet_pton(AF_INET6, host, addr) == 1;
    memcpy(addr, mapped, sizeof mapped);
    memcpy(addr + sizeof mapped, &v4, 4);
    return true;
}

bool rac_ip_is_v4(const uint8_t addr[16])
{
    return memcmp(addr, mapped, sizeof mapped) == 0;
}

size_t rac_ip_print(const uint8_t addr[16], char out[RAC_IP_TEXT])
{
    bool v4 = rac_ip_is_v4(addr);
    const char *text =
        inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? addr + sizeof mapped : addr, out, RAC_IP_TEXT);
    RAC_ASSERT(text != NULL);
    return strlen(out);
}
