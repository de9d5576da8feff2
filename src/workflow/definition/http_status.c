#include "workflow/definition/http_status.h"

#include "base/str.h"

static const struct {
    int number;
    rac_str name;
} names[] = {
#define HTTP_STATUS(number, name) {number, RAC_S_INIT(name)},
#include "workflow/definition/http_status.def"
#undef HTTP_STATUS
};

rac_str rac_http_status_name(int status, struct rac_arena *a)
{
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (names[i].number == status)
            return names[i].name;
    return rac_arena_printf(a, "%d", status);
}

int rac_http_status_parse(rac_str text)
{
    int64_t n;
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (rac_str_eqi(names[i].name, text))
            return names[i].number;
    return rac_str_to_i64(text, &n) && n >= 100 && n <= 599 ? (int)n : 0;
}
