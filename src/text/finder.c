/*
 * Of every text the first `window` bytes count, as many as the shortest has. Three bytes that end a
 * window of what is read say how far the window can move before they could end one of a text; when
 * that is no further, the texts that end so are compared.
 */
#include "text/finder.h"

#include "base/str.h"

enum { BLOCK = 3, BITS = 12, WINDOW_MAX = 250 };

struct rac_finder {
    size_t window, n;
    const rac_str *texts;
    uint8_t shift[1 << BITS];
    uint16_t first[1 << BITS]; /* of the texts whose window ends so, the longest + 1; 0: none */
    uint16_t next[];           /* the next shorter one + 1 */
};

static unsigned block(const char *p)
{
    uint32_t v = (uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8 | (uint32_t)(uint8_t)p[2] << 16;
    return v * 2654435761U >> (32 - BITS);
}

/* Puts a text into its list, longer ones first. */
static void enter(struct rac_finder *f, size_t i)
{
    uint16_t *at = &f->first[block(f->texts[i].p + f->window - BLOCK)];
    while (*at != 0 && f->texts[*at - 1].n > f->texts[i].n)
        at = &f->next[*at - 1];
    f->next[i] = *at;
    *at = (uint16_t)(i + 1);
}

const struct rac_finder *rac_finder_new(const rac_str *texts, size_t n, struct rac_arena *a)
{
    struct rac_finder *f = rac_arena_alloc(a, sizeof *f + n * sizeof f->next[0]);
    rac_str *copy = RAC_NEW_N(a, rac_str, n);
    RAC_ASSERT(n <= RAC_FINDER_TEXTS_MAX);
    f->n = n;
    f->texts = copy;
    f->window = WINDOW_MAX;
    for (size_t i = 0; i < n; i++) {
        RAC_ASSERT(texts[i].n >= RAC_FINDER_TEXT_MIN);
        copy[i] = texts[i];
        f->window = texts[i].n < f->window ? texts[i].n : f->window;
    }
    memset(f->shift, (int)(f->window - BLOCK + 1), sizeof f->shift);
    for (size_t i = 0; i < n; i++) {
        for (size_t end = BLOCK; end <= f->window; end++) {
            uint8_t *shift = &f->shift[block(texts[i].p + end - BLOCK)];
            if (f->window - end < *shift)
                *shift = (uint8_t)(f->window - end);
        }
        enter(f, i);
    }
    return f;
}

/* Moves on by four whole windows at a time while nothing at their ends is of any text: four looks that
 * need not wait for each other. */
static size_t skip(const struct rac_finder *f, rac_str in, size_t at)
{
    size_t most = f->window - BLOCK + 1;
    const char *end = in.p + f->window - BLOCK;
    while (at <= in.n && in.n - at >= f->window + 3 * most && f->shift[block(end + at)] == most &&
           f->shift[block(end + at + most)] == most &&
           f->shift[block(end + at + 2 * most)] == most &&
           f->shift[block(end + at + 3 * most)] == most)
        at += 4 * most;
    return at;
}

size_t rac_finder_next(const struct rac_finder *f, rac_str in, size_t from, size_t *length)
{
    size_t at = from;
    while (f->n > 0 && at <= in.n && in.n - at >= f->window) {
        unsigned b = block(in.p + at + f->window - BLOCK);
        if (f->shift[b] > 0) {
            at = skip(f, in, at + f->shift[b]);
            continue;
        }
        for (unsigned i = f->first[b]; i != 0; i = f->next[i - 1])
            if (rac_str_starts(rac_str_from(in, at), f->texts[i - 1])) {
                *length = f->texts[i - 1].n;
                return at;
            }
        at++;
    }
    return RAC_STR_NPOS;
}
