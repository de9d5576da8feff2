/* "deflate" means the zlib format; some servers send the bare format by that name, which the first
 * byte tells. A gzip body may be several members in a row; what follows the last is ignored. */
#include "http/inflate.h"
#include "base/mem.h"
#include "base/str.h"

#include <zlib.h>

enum { WINDOW_BITS = 15, GZIP = 16, BARE = -1 };

struct rac_inflate {
    z_stream z;
    bool gzip, begun, over, damaged;
};

static void *z_alloc(void *arg RAC_UNUSED, unsigned n, unsigned size)
{
    size_t bytes;
    RAC_ASSERT(rac_size_mul(n, size, &bytes));
    return rac_mem_block_alloc(bytes);
}

static void z_free(void *arg RAC_UNUSED, void *p)
{
    rac_mem_block_free(p);
}

struct rac_inflate *rac_inflate_new(rac_str coding)
{
    bool gzip = rac_str_eqi(coding, RAC_S("gzip")) || rac_str_eqi(coding, RAC_S("x-gzip"));
    if (!gzip && !rac_str_eqi(coding, RAC_S("deflate")))
        return NULL;
    struct rac_inflate *d = rac_mem_alloc(sizeof *d);
    d->gzip = gzip;
    d->z.zalloc = z_alloc;
    d->z.zfree = z_free;
    return d;
}

void rac_inflate_free(struct rac_inflate *d)
{
    if (d == NULL)
        return;
    if (d->begun)
        inflateEnd(&d->z);
    rac_mem_free(d);
}

static void begin(struct rac_inflate *d, unsigned char first)
{
    int bits = d->gzip ? WINDOW_BITS + GZIP : (first & 15) == 8 ? WINDOW_BITS : BARE * WINDOW_BITS;
    RAC_ASSERT(inflateInit2(&d->z, bits) == Z_OK);
    d->begun = true;
}

rac_err rac_inflate_step(struct rac_inflate *d, rac_str *in, char *out, size_t cap, size_t *n)
{
    *n = 0;
    RAC_ASSERT(cap > 0 && cap <= INT_MAX);
    if (d->damaged)
        return RAC_E_SYNTAX;
    if (!d->begun && in->n == 0)
        return RAC_OK;
    if (!d->begun)
        begin(d, (unsigned char)in->p[0]);
    if (d->over && in->n > 0 && d->gzip && (unsigned char)in->p[0] == 0x1f) {
        RAC_ASSERT(inflateReset(&d->z) == Z_OK);
        d->over = false;
    }
    if (d->over) {
        *in = rac_str_from(*in, in->n);
        return RAC_OK;
    }
    unsigned given = in->n > INT_MAX ? INT_MAX : (unsigned)in->n;
    d->z.next_in = (Bytef *)(uintptr_t)in->p;
    d->z.avail_in = given;
    d->z.next_out = (Bytef *)out;
    d->z.avail_out = (unsigned)cap;
    int r = inflate(&d->z, Z_NO_FLUSH);
    *in = rac_str_from(*in, given - d->z.avail_in);
    *n = cap - d->z.avail_out;
    d->over = r == Z_STREAM_END;
    /* Z_BUF_ERROR: nothing to do without more input. */
    d->damaged = r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR;
    return d->damaged ? RAC_E_SYNTAX : RAC_OK;
}

bool rac_inflate_whole(const struct rac_inflate *d)
{
    return !d->begun || d->over;
}
