/*
 * icon - what the rules and the server want to know of a connector's picture (connectors.md §3.3):
 * format, size, whether its frame is see-through, and the colour of the frame.
 *
 * Decoding is capped in pixels and takes milliseconds: blocking pool or command, not a loop.
 */
#ifndef RAC_CONNECTOR_ICON_H
#define RAC_CONNECTOR_ICON_H

#include "base/arena.h"
#include "base/base.h"

enum {
    RAC_ICON_BYTES_MAX = 1 << 20,
    RAC_ICON_PIXELS_MAX = 4096 * 4096, /* larger pictures are not decoded */
};

enum rac_icon_format { RAC_ICON_UNKNOWN, RAC_ICON_PNG, RAC_ICON_JPEG };

struct rac_icon {
    enum rac_icon_format format;
    uint32_t width, height;
    bool decoded;     /* the fields below are known */
    bool transparent; /* alpha below 255 somewhere on the outer two pixels */
    uint8_t frame[3]; /* the most frequent colour there: red, green, blue */
};

/* The format by its first bytes. */
enum rac_icon_format rac_icon_sniff(rac_str bytes);

/* RAC_OK; RAC_E_SYNTAX for no picture or a damaged one; RAC_E_LIMIT for too many pixels (size is
 * known then, decoded is false). a is scratch. */
rac_err rac_icon_read(rac_str bytes, struct rac_arena *a, struct rac_icon *out) RAC_MUST_CHECK;

/* "#rrggbb" in any letter case. */
bool rac_icon_parse_colour(rac_str text, uint8_t rgb[3]);

#endif
