#include "test_arena.h"

#include <stdio.h>

#include <jpeglib.h>

#include "base/mem.h"
#include "connector/icon.h"

static rac_str slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *p = rac_arena_alloc(&a, 1 << 16);
    size_t n = fread(p, 1, 1 << 16, f);
    fclose(f);
    return (rac_str){p, n};
}

static rac_str make_jpeg(unsigned width, unsigned height)
{
    struct jpeg_compress_struct info = {0};
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    uint8_t *row = rac_arena_alloc(&a, (size_t)width * 3);
    for (unsigned x = 0; x < width * 3; x++)
        row[x] = x % 3 == 0 ? 0x1b : x % 3 == 1 ? 0x5e : 0x7a;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &n);
    info.image_width = width;
    info.image_height = height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_start_compress(&info, TRUE);
    for (unsigned y = 0; y < height; y++)
        jpeg_write_scanlines(&info, &row, 1);
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    rac_str copy = rac_arena_str(&a, (rac_str){(char *)bytes, n});
    rac_mem_free_libc(bytes);
    return copy;
}

static void png_frame_and_transparency(void **state RAC_UNUSED)
{
    struct rac_icon icon;
    assert_int_equal(rac_icon_read(slurp("tests/data/check/base/icon.png"), &a, &icon), RAC_OK);
    assert_int_equal(icon.format, RAC_ICON_PNG);
    assert_int_equal(icon.width, 230);
    assert_false(icon.transparent);
    assert_int_equal(icon.frame[0], 0x1b);
    assert_int_equal(icon.frame[2], 0x7a);
    rac_str clear = slurp("tests/data/check/icons/transparent.png");
    assert_int_equal(rac_icon_read(clear, &a, &icon), RAC_OK);
    assert_true(icon.transparent);
}

static void jpeg_is_read(void **state RAC_UNUSED)
{
    struct rac_icon icon;
    assert_int_equal(rac_icon_read(make_jpeg(64, 32), &a, &icon), RAC_OK);
    assert_int_equal(icon.format, RAC_ICON_JPEG);
    assert_int_equal(icon.width, 64);
    assert_int_equal(icon.height, 32);
    assert_in_range(icon.frame[1], 0x5e - 4, 0x5e + 4);
}

static void damaged_pictures_are_refused(void **state RAC_UNUSED)
{
    struct rac_icon icon;
    rac_str whole[] = {slurp("tests/data/check/base/icon.png"), make_jpeg(64, 64)};
    for (size_t k = 0; k < 2; k++)
        for (size_t n = 0; n < whole[k].n; n += 13) {
            rac_err e = rac_icon_read(rac_str_sub(whole[k], 0, n), &a, &icon);
            assert_true(e == RAC_E_SYNTAX || e == RAC_OK || e == RAC_E_LIMIT);
            assert_true(k == 1 || n + 13 >= whole[k].n || e != RAC_OK);
        }
    assert_int_equal(rac_icon_read(RAC_S("GIF89a"), &a, &icon), RAC_E_SYNTAX);
    assert_int_equal(rac_icon_read(RAC_STR_NULL, &a, &icon), RAC_E_SYNTAX);
}

static void colours(void **state RAC_UNUSED)
{
    uint8_t rgb[3];
    assert_true(rac_icon_parse_colour(RAC_S("#1B5e7a"), rgb));
    assert_int_equal(rgb[1], 0x5e);
    assert_false(rac_icon_parse_colour(RAC_S("#1b5"), rgb));
    assert_false(rac_icon_parse_colour(RAC_S("#1b5e7g"), rgb));
    assert_false(rac_icon_parse_colour(RAC_S("blue"), rgb));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(png_frame_and_transparency, setup, teardown),
        cmocka_unit_test_setup_teardown(jpeg_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_pictures_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(colours, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
