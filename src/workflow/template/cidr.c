/* Ranges of addresses. IPv4 is counted in the last 32 bits of 128. */
#include "base/ip.h"
#include "base/str.h"
#include "workflow/template/template_priv.h"

typedef unsigned __int128 address;

struct range {
    address first, mask; /* the network's own address; ones in front */
    unsigned bits, size; /* in front, of 32 or 128 */
    bool v4;
};

static address ones_behind(unsigned n) /* the last n bits */
{
    return n >= 128 ? ~(address)0 : ((address)1 << n) - 1;
}

static bool range_of(const struct rac_json *v, struct range *out)
{
    uint8_t addr[16];
    uint64_t bits;
    rac_str tail, host = rac_str_cut(rac_json_str(v, RAC_S("")), '/', &tail);
    if (!rac_ip_parse(host, addr) || !rac_str_to_u64(tail, &bits))
        return false;
    out->v4 = rac_str_find_char(host, ':') == RAC_STR_NPOS;
    out->size = out->v4 ? 32 : 128;
    if (bits > out->size)
        return false;
    out->bits = (unsigned)bits;
    out->first = 0;
    for (size_t i = 0; i < sizeof addr; i++)
        out->first = (out->first << 8) | addr[i];
    out->mask = ones_behind(out->size) & ~ones_behind(out->size - out->bits);
    out->first &= out->v4 ? ~ones_behind(out->size - out->bits) : out->mask;
    return true;
}

static rac_str address_text(struct resolver *r, const struct range *of, address a)
{
    uint8_t addr[16];
    char text[RAC_IP_TEXT];
    if (of->v4) /* in its mapped form */
        a = (a & ones_behind(32)) | ((address)0xffff << 32);
    for (size_t i = sizeof addr; i-- > 0; a >>= 8)
        addr[i] = (uint8_t)a;
    size_t n = rac_ip_print(addr, text);
    return rac_arena_str(r->a, (rac_str){text, n});
}

static void put_address(struct resolver *r, struct rac_json *o, rac_str name,
                        const struct range *of, address a)
{
    rac_json_put(r->a, o, name, rac_json_of_str(address_text(r, of, a)));
}

static struct rac_json no_range(struct resolver *r)
{
    return unknown_because(r, "a range of addresses is none, such as '10.0.0.0/16'");
}

struct rac_json tf_parse_cidr(struct resolver *r, const struct arguments *x)
{
    struct range n;
    struct rac_json o = rac_json_new_object(r->a);
    if (!range_of(&x->v[0], &n))
        return no_range(r);
    address last = n.first | ones_behind(n.size - n.bits);
    bool reserves = n.v4 && n.bits < 31; /* the first and the last are no host's */
    put_address(r, &o, RAC_S("network"), &n, n.first);
    put_address(r, &o, RAC_S("netmask"), &n, n.mask);
    if (n.v4)
        put_address(r, &o, RAC_S("broadcast"), &n, last);
    put_address(r, &o, RAC_S("firstUsable"), &n, n.first + reserves);
    put_address(r, &o, RAC_S("lastUsable"), &n, last - reserves);
    RAC_JSON_PUT(r->a, &o, "cidr", rac_json_of_int(n.bits));
    return o;
}

struct rac_json tf_cidr_subnet(struct resolver *r, const struct arguments *x)
{
    struct range n;
    int64_t bits = rac_json_int(&x->v[1], -1), index = rac_json_int(&x->v[2], -1);
    if (!range_of(&x->v[0], &n))
        return no_range(r);
    if (bits < n.bits || bits > n.size || index < 0 ||
        (address)index > ones_behind((unsigned)bits - n.bits))
        return unknown_because(r, "the range has no such part");
    address shift = n.size - (unsigned)bits;
    address first = shift < 128 ? n.first + ((address)index << shift) : n.first;
    return template_string(
        r, rac_arena_printf(r->a, "%.*s/%d", RAC_FMT(address_text(r, &n, first)), (int)bits));
}

struct rac_json tf_cidr_host(struct resolver *r, const struct arguments *x)
{
    struct range n;
    int64_t index = rac_json_int(&x->v[1], -1);
    if (!range_of(&x->v[0], &n))
        return no_range(r);
    address last = ones_behind(n.size - n.bits); /* as an index from the network's address */
    if (index < 0 || (address)index + 1 > last || (n.v4 && (address)index + 1 == last))
        return unknown_because(r, "the range has no such host");
    return template_string(r, address_text(r, &n, n.first + (address)index + 1));
}
