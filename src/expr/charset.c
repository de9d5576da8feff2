#include "expr/charset.h"
#include "base/utf8.h"
#include "expr/expr_priv.h"

#include <unicode/ucnv.h>

enum { NAME_BYTES_MAX = 40 };

/* NULL: unknown. UTF-16 and UTF-32 without an order are little-endian here. */
static UConverter *converter_of(rac_str name)
{
    static const struct {
        rac_str name, ours;
    } table[] = {{RAC_S_INIT("utf-16"), RAC_S_INIT("utf-16le")},
                 {RAC_S_INIT("unicode"), RAC_S_INIT("utf-16le")},
                 {RAC_S_INIT("utf-32"), RAC_S_INIT("utf-32le")}};
    char text[NAME_BYTES_MAX];
    UErrorCode e = U_ZERO_ERROR;
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (rac_str_eqi(name, table[i].name))
            name = table[i].ours;
    if (name.n == 0 || name.n >= sizeof text)
        return NULL;
    for (size_t i = 0; i < name.n; i++) /* ICU reads options behind a comma */
        if (!rac_is_alnum(name.p[i]) && strchr("-_.:", name.p[i]) == NULL)
            return NULL;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    UConverter *k = ucnv_open(text, &e);
    if (U_SUCCESS(e))
        return k;
    ucnv_close(k);
    return NULL;
}

static bool is_utf8(rac_str name)
{
    return name.n == 0 || rac_str_eqi(name, RAC_S("utf-8")) || rac_str_eqi(name, RAC_S("utf8"));
}

bool charset_known(rac_str name)
{
    UConverter *k = converter_of(name);
    ucnv_close(k);
    return k != NULL;
}

/* In a; false: the bytes make more text than there is room. */
static bool converted(UConverter *k, rac_str bytes, struct rac_arena *a, rac_str *out)
{
    UErrorCode e = U_ZERO_ERROR;
    int32_t room = (int32_t)bytes.n + 16, n;
    uint16_t *units = rac_arena_alloc_dirty(a, (size_t)room * sizeof *units);
    n = ucnv_toUChars(k, (UChar *)units, room, bytes.p, (int32_t)bytes.n, &e);
    if (e == U_BUFFER_OVERFLOW_ERROR) { /* more units than bytes: some signs stand for several */
        e = U_ZERO_ERROR;
        room = n + 1;
        units = rac_arena_alloc_dirty(a, (size_t)room * sizeof *units);
        n = ucnv_toUChars(k, (UChar *)units, room, bytes.p, (int32_t)bytes.n, &e);
    }
    if (U_FAILURE(e))
        return false;
    *out = u16_text(a, units, (size_t)n);
    return true;
}

rac_str charset_text(rac_str name, rac_str bytes, struct rac_arena *a)
{
    static const rac_str mark = RAC_S_INIT("\xef\xbb\xbf");
    rac_str text;
    UConverter *k = is_utf8(name) || bytes.n > INT32_MAX / 4 ? NULL : converter_of(name);
    if (k == NULL || !converted(k, bytes, a, &text))
        text = rac_utf8_mend(a, bytes);
    ucnv_close(k);
    return rac_str_starts(text, mark) ? rac_str_from(text, mark.n) : text;
}
