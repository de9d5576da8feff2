#include "workflow/definition/ident.h"

#include "base/str.h"

#define TICKS_PER_MS INT64_C(10000)
#define EPOCH_TICKS  INT64_C(621355968000000000) /* 1970-01-01, counted from the year 1 */

enum { RANDOM_MAX = 1000000000, TRIES_MAX = 1000000 };

static int64_t countdown(rac_ms t, uint32_t tick)
{
    return INT64_MAX - (EPOCH_TICKS + t * TICKS_PER_MS + tick);
}

static bool countdown_parse(rac_str digits, rac_ms *out)
{
    int64_t v;
    for (size_t i = 0; i < digits.n; i++)
        if (!rac_is_digit(digits.p[i]))
            return false;
    if (digits.n != 20 || !rac_str_to_i64(digits, &v))
        return false;
    int64_t ticks = INT64_MAX - v - EPOCH_TICKS, ms = ticks / TICKS_PER_MS;
    *out = ticks % TICKS_PER_MS < 0 ? ms - 1 : ms;
    return true;
}

unsigned rac_name_owner(rac_str name, unsigned shards)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3u;
    return shards > 1 ? (unsigned)(h % shards) : 0;
}

/* The next place inside the millisecond. A fresh millisecond begins at a random one, so that two
 * namers hardly ever meet. */
static uint32_t next_tick(struct rac_namer *n, rac_ms t, uint32_t random)
{
    bool same = t == n->last_ms && n->tick + 1 < TICKS_PER_MS;
    n->tick = same ? n->tick + 1 : random % (TICKS_PER_MS / 2);
    n->last_ms = t;
    return n->tick;
}

static void put_digits(char *out, size_t n, uint64_t v)
{
    while (n-- > 0) {
        out[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

void rac_run_name(struct rac_namer *n, rac_ms start_ms, unsigned shard, unsigned shards,
                  char out[RAC_RUN_NAME_TEXT])
{
    uint32_t random[2];
    RAC_ASSERT(shards >= 1 && shards <= RAC_SHARDS_MAX && shard < shards);
    rac_env_random(n->env, random, sizeof random);
    int64_t down = countdown(start_ms, next_tick(n, start_ms, random[0]));
    uint32_t digits = random[1] % RANDOM_MAX;
    RAC_ASSERT(down >= 0);
    put_digits(out, 20, (uint64_t)down);
    memcpy(out + 29, "CU00", 5);
    for (unsigned i = 0; i < TRIES_MAX; i++) { /* about as many turns as there are shards */
        put_digits(out + 20, 9, digits);
        if (rac_name_owner((rac_str){out, RAC_RUN_NAME_TEXT - 1}, shards) == shard)
            return;
        digits = (digits + 1) % RANDOM_MAX;
    }
    RAC_ASSERT(false);
}

bool rac_run_name_parse(rac_str name, rac_ms *start_ms)
{
    rac_str tail = rac_str_from(name, 20);
    if (name.n == RAC_RUN_NAME_TEXT - 1) {
        if (tail.p[9] != 'C' || tail.p[10] != 'U' || !rac_is_digit(tail.p[11]) ||
            !rac_is_digit(tail.p[12]))
            return false;
    } else if (name.n != 29) {
        return false;
    }
    for (size_t i = 0; i < 9; i++)
        if (!rac_is_digit(tail.p[i]))
            return false;
    return countdown_parse(rac_str_sub(name, 0, 20), start_ms);
}

void rac_version_name(rac_ms changed_ms, char out[RAC_VERSION_NAME_TEXT])
{
    snprintf(out, RAC_VERSION_NAME_TEXT, "%020lld", (long long)countdown(changed_ms, 0));
}

bool rac_version_name_parse(rac_str name, rac_ms *changed_ms)
{
    return countdown_parse(name, changed_ms);
}

void rac_workflow_id(const struct rac_env *env, char out[RAC_WORKFLOW_ID_TEXT])
{
    char uuid[37];
    size_t n = 0;
    rac_env_uuid(env, uuid);
    for (size_t i = 0; i < 36; i++)
        if (uuid[i] != '-')
            out[n++] = uuid[i];
    out[n] = '\0';
}

bool rac_workflow_id_is(rac_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!rac_is_digit(text.p[i]) && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
            return false;
    return text.n == RAC_WORKFLOW_ID_TEXT - 1;
}

bool rac_workflow_guid_is(rac_str text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool ok = text.n == sizeof form - 1;
    for (size_t i = 0; i < text.n && ok; i++)
        ok = form[i] == '-' ? text.p[i] == '-' : rac_hex_value(text.p[i]) >= 0;
    return ok;
}

bool rac_workflow_name_is(rac_str name, rac_str reference)
{
    size_t n = reference.n;
    if (rac_str_eqi(name, reference))
        return true;
    return rac_workflow_guid_is(reference) && name.n > n && rac_str_endsi(name, reference) &&
           name.p[name.n - n - 1] == '-';
}

enum { API_TAIL_MIN = 8, API_TAIL = 16 };

static bool api_tail(rac_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (rac_hex_value(text.p[i]) < 0 && text.p[i] != '-' && text.p[i] != '.')
            return false;
    return text.n >= API_TAIL_MIN;
}

/* Where '_' is written, as they write it in ids, at or after from. */
static size_t api_mark(rac_str name, size_t from)
{
    for (size_t i = from; i + 3 <= name.n; i++)
        if ((name.p[i] == '-' || name.p[i] == '.') && name.p[i + 1] == '5' &&
            rac_lower(name.p[i + 2]) == 'f')
            return i;
    return RAC_STR_NPOS;
}

size_t rac_workflow_api_names(rac_str api, rac_str out[RAC_API_NAMES_MAX])
{
    size_t n = 0, slash = rac_str_rfind_char(api, '/'), first;
    rac_str name = slash == RAC_STR_NPOS ? api : rac_str_from(api, slash + 1);
    if (rac_str_startsi(name, RAC_S("shared_")))
        name = rac_str_from(name, 7);
    first = api_mark(name, 1);
    for (size_t at = first; at != RAC_STR_NPOS; at = api_mark(name, at + 3))
        if (api_tail(rac_str_from(name, at + 3))) {
            name.n = at;
            break;
        }
    if (name.n > API_TAIL + 1 && name.p[name.n - API_TAIL - 1] == '-' &&
        api_tail(rac_str_from(name, name.n - API_TAIL)))
        name.n -= API_TAIL + 1;
    if (name.n > 0)
        out[n++] = name;
    if (first == RAC_STR_NPOS || first >= name.n)
        return n;
    if (first + 3 < name.n)
        out[n++] = rac_str_from(name, first + 3);
    out[n++] = rac_str_sub(name, 0, first);
    return n;
}

size_t rac_repetition_name(const uint32_t *indexes, size_t n, char out[RAC_REPETITION_NAME_TEXT])
{
    size_t at = 0;
    RAC_ASSERT(n >= 1 && n <= RAC_REPETITION_LEVELS_MAX);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, RAC_REPETITION_NAME_TEXT - at, i > 0 ? "-%06u" : "%06u",
                               indexes[i]);
    return at;
}

bool rac_repetition_name_parse(rac_str name, uint32_t indexes[RAC_REPETITION_LEVELS_MAX], size_t *n)
{
    size_t count = 0;
    while (name.p != NULL) {
        uint64_t v;
        rac_str part = rac_str_cut(name, '-', &name);
        if (count == RAC_REPETITION_LEVELS_MAX || part.n < 6 || part.n > 10 ||
            (part.n > 6 && part.p[0] == '0') || !rac_is_digit(part.p[0]) ||
            !rac_str_to_u64(part, &v) || v > UINT32_MAX)
            return false;
        indexes[count++] = (uint32_t)v;
    }
    *n = count;
    return count > 0;
}
