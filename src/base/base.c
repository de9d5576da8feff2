#include "base/base.h"

static const char *const names[] = {
#define ERR(name, word, text) word,
#include "base/errors.def"
#undef ERR
};
static const char *const texts[] = {
#define ERR(name, word, text) text,
#include "base/errors.def"
#undef ERR
};

const char *rac_err_name(rac_err e)
{
    return (size_t)e < RAC_COUNT(names) ? names[e] : "unknown";
}

const char *rac_err_text(rac_err e)
{
    return (size_t)e < RAC_COUNT(texts) ? texts[e] : "unknown error";
}

void rac_assert_failed(const char *file, int line, const char *expr)
{
    fprintf(stderr, "raccord: bug: %s:%d: %s\n", file, line, expr);
    abort();
}
