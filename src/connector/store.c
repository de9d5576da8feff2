/*
 * Names, ids and ETags that the port's header promises (connectors.md §1.4).
 */
#include "connector/store.h"
#include "base/str.h"
#include "crypto/digest.h"

enum { ID_BYTES_MAX = 128, TAIL_DIGITS = 16 };

/* slug + "-" + tail, within ID_BYTES_MAX; never cuts a "-xx" in two. */
static rac_str with_tail(struct rac_arena *a, rac_str prefix, rac_str slug, const uint8_t tail[8])
{
    size_t room = ID_BYTES_MAX - prefix.n - 1 - TAIL_DIGITS;
    size_t n = 0;
    while (n < slug.n) {
        size_t step = slug.p[n] == '-' && n + 2 < slug.n ? 3 : 1;
        if (n + step > room)
            break;
        n += step;
    }
    return rac_arena_printf(a, "%.*s%.*s-%.*s", RAC_FMT(prefix), (int)n, slug.p,
                            RAC_FMT(rac_hex(a, tail, 8)));
}

rac_str rac_connector_id(struct rac_arena *a, rac_str title, const uint8_t tail[8])
{
    title = rac_str_trim(title);
    if (title.n > ID_BYTES_MAX)
        title.n = ID_BYTES_MAX;
    char *slug = rac_arena_alloc_dirty(a, 3 * title.n + 1), *p = slug;
    for (size_t i = 0; i < title.n; i++) {
        char c = rac_lower(title.p[i]);
        if (rac_is_alnum(c))
            *p++ = c;
        else {
            rac_str hex = rac_hex(a, &title.p[i], 1);
            *p++ = '-';
            *p++ = hex.p[0];
            *p++ = hex.p[1];
        }
    }
    return with_tail(a, RAC_S("shared_"), (rac_str){slug, (size_t)(p - slug)}, tail);
}

rac_str rac_connection_id(struct rac_arena *a, rac_str connector_id, const uint8_t tail[8])
{
    rac_str slug = connector_id;
    if (rac_str_starts(slug, RAC_S("shared_")))
        slug = rac_str_from(slug, 7);
    if (slug.n > TAIL_DIGITS + 1 && slug.p[slug.n - TAIL_DIGITS - 1] == '-')
        slug.n -= TAIL_DIGITS + 1;
    return with_tail(a, RAC_S(""), slug, tail);
}

rac_str rac_etag(struct rac_arena *a, int64_t version)
{
    return rac_arena_printf(a, "\"%lld\"", (long long)version);
}

int64_t rac_etag_version(rac_str if_match)
{
    if (if_match.p == NULL)
        return 0;
    rac_str rest, tag = rac_str_trim(rac_str_cut(if_match, ',', &rest));
    int64_t version;
    if (rac_str_eq(tag, RAC_S("*")))
        return 0;
    if (tag.n < 3 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"' ||
        !rac_str_to_i64(rac_str_sub(tag, 1, tag.n - 2), &version) || version <= 0)
        return -1;
    return version;
}

static const rac_str audiences[] = {
    [RAC_AUDIENCE_KEEP] = RAC_S_INIT(""),
    [RAC_AUDIENCE_AUTHOR] = RAC_S_INIT("author"),
    [RAC_AUDIENCE_ENVIRONMENT] = RAC_S_INIT("environment"),
    [RAC_AUDIENCE_PUBLISHED] = RAC_S_INIT("published"),
};
static const rac_str levels[] = {
    [RAC_LEVEL_NONE] = RAC_S_INIT("none"),
    [RAC_LEVEL_VIEW] = RAC_S_INIT("view"),
    [RAC_LEVEL_EDIT] = RAC_S_INIT("edit"),
    [RAC_LEVEL_OWN] = RAC_S_INIT("own"),
};
static const rac_str statuses[] = {
    [RAC_CONNECTION_CONNECTED] = RAC_S_INIT("Connected"),
    [RAC_CONNECTION_ERROR] = RAC_S_INIT("Error"),
    [RAC_CONNECTION_UNAUTHENTICATED] = RAC_S_INIT("Unauthenticated"),
};

static bool find(const rac_str *v, size_t n, rac_str name, unsigned *out)
{
    for (unsigned i = 0; i < n; i++)
        if (v[i].n > 0 && rac_str_eqi(v[i], name)) {
            *out = i;
            return true;
        }
    return false;
}

rac_str rac_audience_name(enum rac_audience v)
{
    RAC_ASSERT((size_t)v < RAC_COUNT(audiences));
    return audiences[v];
}

bool rac_audience_parse(rac_str name, enum rac_audience *out)
{
    unsigned i;
    if (!find(audiences, RAC_COUNT(audiences), name, &i))
        return false;
    *out = (enum rac_audience)i;
    return true;
}

rac_str rac_level_name(enum rac_level v)
{
    RAC_ASSERT((size_t)v < RAC_COUNT(levels));
    return levels[v];
}

bool rac_level_parse(rac_str name, enum rac_level *out)
{
    unsigned i;
    if (rac_str_eqi(name, RAC_S("use")))
        i = RAC_LEVEL_VIEW;
    else if (!find(levels, RAC_COUNT(levels), name, &i))
        return false;
    *out = (enum rac_level)i;
    return true;
}

rac_str rac_connection_status_name(enum rac_connection_status v)
{
    RAC_ASSERT((size_t)v < RAC_COUNT(statuses));
    return statuses[v];
}
