/*
 * Only the outer two pixels matter, so rows are decoded one at a time and counted as they pass.
 * libjpeg reports errors by a callback that must not return: it jumps out, and nothing allocated
 * in between is owned by anybody but the library.
 */
#include "connector/icon.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <png.h>

#include "base/str.h"

enum { FRAME = 2, COLOURS_MAX = 4096 };

/* How often each colour stands on the frame; open addressing, a handful of colours in practice. */
struct tally {
    struct {
        uint32_t colour; /* 0x01rrggbb, 0 free */
        uint32_t n;
    } slot[COLOURS_MAX];
    size_t used;
};

static void count(struct tally *t, const uint8_t *rgb)
{
    uint32_t colour = 0x01000000u | (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
    for (uint32_t i = colour * 2654435761u >> 20;; i++) {
        uint32_t k = i & (COLOURS_MAX - 1);
        if (t->slot[k].colour == colour) {
            t->slot[k].n++;
            return;
        }
        if (t->slot[k].colour == 0) {
            if (t->used < COLOURS_MAX / 2) { /* further colours are no frame colour */
                t->slot[k].colour = colour;
                t->slot[k].n = 1;
                t->used++;
            }
            return;
        }
    }
}

static void count_row(struct tally *t, struct rac_icon *icon, const uint8_t *row, uint32_t y,
                      unsigned channels)
{
    bool whole = y < FRAME || y + FRAME >= icon->height;
    for (uint32_t x = 0; x < icon->width; x++) {
        if (!whole && x == FRAME && icon->width > 2 * FRAME)
            x = icon->width - FRAME;
        const uint8_t *p = row + (size_t)x * channels;
        if (channels == 4 && p[3] < 255)
            icon->transparent = true;
        count(t, p);
    }
}

static void finish(const struct tally *t, struct rac_icon *icon)
{
    uint32_t best = 0, n = 0;
    for (size_t i = 0; i < COLOURS_MAX; i++)
        if (t->slot[i].n > n) {
            n = t->slot[i].n;
            best = t->slot[i].colour;
        }
    icon->frame[0] = (uint8_t)(best >> 16);
    icon->frame[1] = (uint8_t)(best >> 8);
    icon->frame[2] = (uint8_t)best;
    icon->decoded = true;
}

enum rac_icon_format rac_icon_sniff(rac_str bytes)
{
    if (rac_str_starts(bytes, RAC_S("\x89PNG\r\n\x1a\n")))
        return RAC_ICON_PNG;
    return rac_str_starts(bytes, RAC_S("\xff\xd8\xff")) ? RAC_ICON_JPEG : RAC_ICON_UNKNOWN;
}

static rac_err read_png(rac_str bytes, struct rac_arena *a, struct tally *t, struct rac_icon *icon)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, bytes.p, bytes.n))
        return RAC_E_SYNTAX;
    icon->width = image.width;
    icon->height = image.height;
    rac_err e = RAC_OK;
    size_t pixels = (size_t)image.width * image.height;
    image.format = PNG_FORMAT_RGBA;
    uint8_t *all =
        pixels > 0 && pixels <= RAC_ICON_PIXELS_MAX ? rac_arena_try(a, pixels * 4) : NULL;
    if (all == NULL)
        e = RAC_E_LIMIT;
    else if (!png_image_finish_read(&image, NULL, all, 0, NULL))
        e = RAC_E_SYNTAX;
    for (uint32_t y = 0; e == RAC_OK && y < icon->height; y++)
        count_row(t, icon, all + (size_t)y * icon->width * 4, y, 4);
    png_image_free(&image);
    return e;
}

struct jpeg_failure {
    struct jpeg_error_mgr manager;
    jmp_buf out;
};

static void jpeg_failed(j_common_ptr info)
{
    struct jpeg_failure *f = (struct jpeg_failure *)info->err;
    longjmp(f->out, 1);
}

static void jpeg_silent(j_common_ptr info RAC_UNUSED)
{
}

static rac_err read_jpeg(rac_str bytes, struct rac_arena *a, struct tally *t, struct rac_icon *icon)
{
    struct jpeg_decompress_struct info = {0};
    struct jpeg_failure failure;
    volatile rac_err e = RAC_OK;
    info.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = jpeg_failed;
    failure.manager.output_message = jpeg_silent;
    if (setjmp(failure.out) != 0) {
        jpeg_destroy_decompress(&info);
        return RAC_E_SYNTAX;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, (const unsigned char *)bytes.p, bytes.n);
    jpeg_read_header(&info, TRUE);
    icon->width = info.image_width;
    icon->height = info.image_height;
    if ((size_t)icon->width * icon->height > RAC_ICON_PIXELS_MAX) {
        e = RAC_E_LIMIT;
    } else {
        info.out_color_space = JCS_RGB;
        jpeg_start_decompress(&info);
        uint8_t *row = rac_arena_alloc(a, (size_t)info.output_width * 3);
        for (uint32_t y = 0; info.output_scanline < info.output_height; y++) {
            jpeg_read_scanlines(&info, &row, 1);
            count_row(t, icon, row, y, 3);
        }
        jpeg_finish_decompress(&info);
    }
    jpeg_destroy_decompress(&info);
    return e;
}

rac_err rac_icon_read(rac_str bytes, struct rac_arena *a, struct rac_icon *out)
{
    *out = (struct rac_icon){.format = rac_icon_sniff(bytes)};
    if (out->format == RAC_ICON_UNKNOWN)
        return RAC_E_SYNTAX;
    struct tally *t = RAC_NEW(a, struct tally);
    rac_err e =
        out->format == RAC_ICON_PNG ? read_png(bytes, a, t, out) : read_jpeg(bytes, a, t, out);
    if (e == RAC_OK)
        finish(t, out);
    return e;
}

bool rac_icon_parse_colour(rac_str text, uint8_t rgb[3])
{
    if (text.n != 7 || text.p[0] != '#')
        return false;
    for (int i = 0; i < 3; i++) {
        int hi = rac_hex_value(text.p[1 + 2 * i]), lo = rac_hex_value(text.p[2 + 2 * i]);
        if (hi < 0 || lo < 0)
            return false;
        rgb[i] = (uint8_t)(hi * 16 + lo);
    }
    return true;
}
