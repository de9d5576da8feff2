/*
 * Which keys an object may have, and of what type: a row for each kind of object. Keys are looked
 * up in one hash table over all of them, made once, so that a member costs one hash and one
 * compare.
 */
#include <pthread.h>

#include "base/str.h"
#include "openapi/check_priv.h"

struct keyword_row {
    rac_str text;
    uint8_t types; /* of an extension, anywhere; 0 for others */
    bool newer, effect;
};

static const struct keyword_row rows[KW_N] = {
#define KW(name, s)              {RAC_S_INIT(s), 0, false, false},
#define NEWER(name, s)           {RAC_S_INIT(s), 0, true, false},
#define EXT(name, s, types, eff) {RAC_S_INIT(s), types, false, eff},
#include "openapi/keywords.def"
#undef KW
#undef NEWER
#undef EXT
};

struct spec {
    enum keyword k;
    uint8_t types;
};

static const struct spec root_spec[] = {
    {KW_SWAGGER, T_STR},       {KW_INFO, T_OBJ},
    {KW_HOST, T_STR},          {KW_BASE_PATH, T_STR},
    {KW_SCHEMES, T_ARR},       {KW_CONSUMES, T_ARR},
    {KW_PRODUCES, T_ARR},      {KW_PATHS, T_OBJ},
    {KW_DEFINITIONS, T_OBJ},   {KW_PARAMETERS, T_OBJ},
    {KW_RESPONSES, T_OBJ},     {KW_SECURITY_DEFINITIONS, T_OBJ},
    {KW_SECURITY, T_ARR},      {KW_TAGS, T_ARR},
    {KW_EXTERNAL_DOCS, T_OBJ}, {KW_N, 0},
};
static const struct spec info_spec[] = {
    {KW_TITLE, T_STR}, {KW_VERSION, T_STR}, {KW_DESCRIPTION, T_STR},
    {KW_TERMS, T_STR}, {KW_CONTACT, T_OBJ}, {KW_LICENSE, T_OBJ},
    {KW_N, 0},
};
static const struct spec contact_spec[] = {
    {KW_NAME, T_STR}, {KW_URL, T_STR}, {KW_EMAIL, T_STR}, {KW_N, 0}};
static const struct spec license_spec[] = {{KW_NAME, T_STR}, {KW_URL, T_STR}, {KW_N, 0}};
static const struct spec docs_spec[] = {{KW_DESCRIPTION, T_STR}, {KW_URL, T_STR}, {KW_N, 0}};
static const struct spec tag_spec[] = {
    {KW_NAME, T_STR}, {KW_DESCRIPTION, T_STR}, {KW_EXTERNAL_DOCS, T_OBJ}, {KW_N, 0}};
static const struct spec path_item_spec[] = {
    {KW_REF, T_STR},        {KW_GET, T_OBJ},     {KW_PUT, T_OBJ},  {KW_POST, T_OBJ},
    {KW_DELETE, T_OBJ},     {KW_OPTIONS, T_OBJ}, {KW_HEAD, T_OBJ}, {KW_PATCH, T_OBJ},
    {KW_PARAMETERS, T_ARR}, {KW_N, 0},
};
static const struct spec operation_spec[] = {
    {KW_TAGS, T_ARR},
    {KW_SUMMARY, T_STR},
    {KW_DESCRIPTION, T_STR},
    {KW_EXTERNAL_DOCS, T_OBJ},
    {KW_OPERATION_ID, T_STR},
    {KW_CONSUMES, T_ARR},
    {KW_PRODUCES, T_ARR},
    {KW_PARAMETERS, T_ARR},
    {KW_RESPONSES, T_OBJ},
    {KW_SCHEMES, T_ARR},
    {KW_DEPRECATED, T_BOOL},
    {KW_SECURITY, T_ARR},
    {KW_N, 0},
};
static const struct spec body_param_spec[] = {
    {KW_REF, T_STR},       {KW_NAME, T_STR},   {KW_IN, T_STR}, {KW_DESCRIPTION, T_STR},
    {KW_REQUIRED, T_BOOL}, {KW_SCHEMA, T_OBJ}, {KW_N, 0},
};
#define FACETS                                                                                     \
    {KW_FORMAT, T_STR}, {KW_DEFAULT, T_ANY}, {KW_MAXIMUM, T_NUM | T_INT},                          \
        {KW_EXCLUSIVE_MAXIMUM, T_BOOL}, {KW_MINIMUM, T_NUM | T_INT},                               \
        {KW_EXCLUSIVE_MINIMUM, T_BOOL}, {KW_MAX_LENGTH, T_INT}, {KW_MIN_LENGTH, T_INT},            \
        {KW_PATTERN, T_STR}, {KW_MAX_ITEMS, T_INT}, {KW_MIN_ITEMS, T_INT},                         \
        {KW_UNIQUE_ITEMS, T_BOOL}, {KW_ENUM, T_ARR},                                               \
    {                                                                                              \
        KW_MULTIPLE_OF, T_NUM | T_INT                                                              \
    }
static const struct spec param_spec[] = {
    {KW_REF, T_STR},
    {KW_NAME, T_STR},
    {KW_IN, T_STR},
    {KW_DESCRIPTION, T_STR},
    {KW_REQUIRED, T_BOOL},
    {KW_TYPE, T_STR},
    {KW_ALLOW_EMPTY, T_BOOL},
    {KW_ITEMS, T_OBJ},
    {KW_COLLECTION_FORMAT, T_STR},
    {KW_SCHEMA, T_OBJ}, /* reported as PAR-05 */
    FACETS,
    {KW_N, 0},
};
static const struct spec items_spec[] = {
    {KW_TYPE, T_STR}, {KW_ITEMS, T_OBJ}, {KW_COLLECTION_FORMAT, T_STR}, FACETS, {KW_N, 0}};
static const struct spec header_spec[] = {{KW_TYPE, T_STR},
                                          {KW_DESCRIPTION, T_STR},
                                          {KW_ITEMS, T_OBJ},
                                          {KW_COLLECTION_FORMAT, T_STR},
                                          FACETS,
                                          {KW_N, 0}};
static const struct spec response_spec[] = {
    {KW_REF, T_STR},     {KW_DESCRIPTION, T_STR}, {KW_SCHEMA, T_OBJ},
    {KW_HEADERS, T_OBJ}, {KW_EXAMPLES, T_OBJ},    {KW_N, 0},
};
static const struct spec schema_spec[] = {
    {KW_REF, T_STR},
    {KW_TITLE, T_STR},
    {KW_DESCRIPTION, T_STR},
    {KW_TYPE, T_STR},
    {KW_REQUIRED, T_ARR},
    {KW_MAX_PROPERTIES, T_INT},
    {KW_MIN_PROPERTIES, T_INT},
    {KW_PROPERTIES, T_OBJ},
    {KW_ADDITIONAL, T_OBJ | T_BOOL},
    {KW_ITEMS, T_OBJ},
    {KW_ALL_OF, T_ARR},
    {KW_DISCRIMINATOR, T_STR},
    {KW_READ_ONLY, T_BOOL},
    {KW_XML, T_OBJ},
    {KW_EXTERNAL_DOCS, T_OBJ},
    {KW_EXAMPLE, T_ANY},
    {KW_FILTER_FUNCTIONS, T_ARR},
    FACETS,
    {KW_N, 0},
};
static const struct spec xml_spec[] = {
    {KW_NAME, T_STR},       {KW_NAMESPACE, T_STR}, {KW_PREFIX, T_STR},
    {KW_ATTRIBUTE, T_BOOL}, {KW_WRAPPED, T_BOOL},  {KW_N, 0},
};
static const struct spec scheme_spec[] = {
    {KW_TYPE, T_STR},      {KW_DESCRIPTION, T_STR}, {KW_NAME, T_STR},
    {KW_IN, T_STR},        {KW_FLOW, T_STR},        {KW_AUTHORIZATION_URL, T_STR},
    {KW_TOKEN_URL, T_STR}, {KW_SCOPES, T_OBJ},      {KW_N, 0},
};
static const struct spec notification_spec[] = {
    {KW_DESCRIPTION, T_STR}, {KW_SCHEMA, T_OBJ}, {KW_HEADERS, T_OBJ}, {KW_N, 0}};

static const struct {
    const struct spec *v;
    const char *name;
} kinds[KIND_N] = {
    [KIND_ROOT] = {root_spec, "the root"},
    [KIND_INFO] = {info_spec, "info"},
    [KIND_CONTACT] = {contact_spec, "contact"},
    [KIND_LICENSE] = {license_spec, "license"},
    [KIND_EXTERNAL_DOCS] = {docs_spec, "externalDocs"},
    [KIND_TAG] = {tag_spec, "a tag"},
    [KIND_PATH_ITEM] = {path_item_spec, "a path"},
    [KIND_OPERATION] = {operation_spec, "an operation"},
    [KIND_BODY_PARAM] = {body_param_spec, "a body parameter"},
    [KIND_PARAM] = {param_spec, "a parameter"},
    [KIND_ITEMS] = {items_spec, "items of a parameter"},
    [KIND_RESPONSE] = {response_spec, "a response"},
    [KIND_HEADER] = {header_spec, "a header"},
    [KIND_SCHEMA] = {schema_spec, "a schema"},
    [KIND_XML] = {xml_spec, "xml"},
    [KIND_SCHEME] = {scheme_spec, "a security scheme"},
    [KIND_NOTIFICATION] = {notification_spec, "x-ms-notification-content"},
};

enum { SLOTS = 1024 };
static uint8_t slots[SLOTS];          /* keyword + 1, 0 free */
static uint8_t allowed[KIND_N][KW_N]; /* types; 0: the key does not belong here */
static pthread_once_t once = PTHREAD_ONCE_INIT;
_Static_assert(KW_N < 255, "a slot is a byte");

static inline unsigned slot_of(rac_str key)
{
    const unsigned char *p = (const unsigned char *)key.p;
    unsigned h = (unsigned)key.n * 37u + p[0] * 5u + p[key.n - 1] * 101u + p[key.n / 2] * 19u +
                 p[(key.n * 2) / 3] * 211u;
    return h & (SLOTS - 1);
}

uint64_t rac_check_value_keys[(KW_N + 63) / 64];

static void make_tables(void)
{
    static const enum keyword values[] = {
        KW_ENUM,           KW_DEFAULT,        KW_X_ENUM_VALUES,     KW_FORMAT,
        KW_PATTERN,        KW_MULTIPLE_OF,    KW_EXCLUSIVE_MAXIMUM, KW_EXCLUSIVE_MINIMUM,
        KW_MIN_LENGTH,     KW_MAX_LENGTH,     KW_MIN_ITEMS,         KW_MAX_ITEMS,
        KW_MIN_PROPERTIES, KW_MAX_PROPERTIES, KW_MINIMUM,           KW_MAXIMUM,
        KW_X_VISIBILITY};
    for (size_t i = 0; i < RAC_COUNT(values); i++)
        rac_check_value_keys[values[i] >> 6] |= (uint64_t)1 << (values[i] & 63);
    for (unsigned k = 0; k < KW_N; k++) {
        unsigned i = slot_of(rows[k].text);
        while (slots[i] != 0)
            i = (i + 1) & (SLOTS - 1);
        slots[i] = (uint8_t)(k + 1);
        for (unsigned kind = 0; kind < KIND_N; kind++)
            allowed[kind][k] = rows[k].types;
    }
    for (unsigned kind = 0; kind < KIND_N; kind++)
        for (const struct spec *s = kinds[kind].v; s->k != KW_N; s++)
            allowed[kind][s->k] = s->types;
}

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint32_t load4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* Keys are short: two overlapping loads compare most of them without a call. */
static inline bool same_bytes(const char *a, const char *b, size_t n)
{
    if (n >= 8 && n <= 16)
        return load8(a) == load8(b) && load8(a + n - 8) == load8(b + n - 8);
    if (n >= 4 && n < 8)
        return load4(a) == load4(b) && load4(a + n - 4) == load4(b + n - 4);
    return memcmp(a, b, n) == 0;
}

static inline enum keyword find_keyword(rac_str key)
{
    if (key.n == 0)
        return KW_UNKNOWN;
    for (unsigned i = slot_of(key);; i = (i + 1) & (SLOTS - 1)) {
        if (slots[i] == 0)
            return KW_UNKNOWN;
        const struct keyword_row *r = &rows[slots[i] - 1];
        if (r->text.n == key.n && same_bytes(r->text.p, key.p, key.n))
            return (enum keyword)(slots[i] - 1);
    }
}

enum keyword rac_check_keyword(rac_str key)
{
    pthread_once(&once, make_tables);
    return find_keyword(key);
}

const char *rac_check_keyword_text(enum keyword k)
{
    RAC_ASSERT(k < KW_N);
    return rows[k].text.p;
}

rac_str rac_check_str(const struct members *s, enum keyword k)
{
    return rac_json_str(member_value(s, k), RAC_STR_NULL);
}

/* --- names that are almost right ------------------------------------------------------------ */

/* Without blanks and closing colons, in small letters: "x-ms  -summary" is "x-ms-summary". */
static rac_str squeeze(struct rac_arena *a, rac_str s)
{
    char *p = rac_arena_alloc_dirty(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_space(s.p[i]) && s.p[i] != ':')
            p[n++] = rac_lower(s.p[i]);
    return (rac_str){p, n};
}

static bool is_follower(rac_str key, rac_str name) /* "x-ms-summary title" */
{
    return key.n > name.n && rac_str_startsi(key, name) && !rac_is_alnum(key.p[name.n]) &&
           key.p[name.n] != '-';
}

/* The keyword an extension's name nearly is, or KW_UNKNOWN. */
static enum keyword nearly(struct check *c, rac_str key)
{
    rac_str bare = squeeze(c->a, key);
    enum keyword best = KW_UNKNOWN;
    unsigned best_distance = 3;
    for (unsigned k = 0; k < KW_N; k++) {
        if (!rows[k].effect)
            continue;
        if (is_follower(key, rows[k].text))
            return (enum keyword)k;
        if (bare.n + 2 < rows[k].text.n || bare.n > rows[k].text.n + 2 || bare.n > 64)
            continue;
        unsigned distance = rac_str_distance(bare, rows[k].text);
        if (distance < best_distance) {
            best_distance = distance;
            best = (enum keyword)k;
        }
    }
    return best;
}

static rac_str near_name(struct check *c, rac_str key)
{
    enum { STRANGE_MAX = 4096 }; /* distinct unknown keys that are remembered */
    const rac_str *known = rac_map_get(&c->strange, key);
    if (known != NULL)
        return *known;
    enum keyword k = rac_str_startsi(key, RAC_S("x-m")) || rac_str_startsi(key, RAC_S("x_m")) ||
                             rac_str_startsi(key, RAC_S("xms")) ||
                             rac_str_startsi(key, RAC_S("x-s")) ||
                             rac_str_startsi(key, RAC_S("x m"))
                         ? nearly(c, key)
                         : KW_UNKNOWN;
    rac_str *answer = RAC_NEW(c->a, rac_str);
    *answer = k == KW_UNKNOWN ? RAC_S("") : rows[k].text;
    if (c->strange.n < STRANGE_MAX)
        rac_map_put(&c->strange, key, answer);
    return *answer;
}

void rac_check_extension_name(struct check *c, const struct rac_json_member *m,
                              const struct where *at)
{
    rac_str key = rac_json_key(m), name = near_name(c, key);
    if (name.n == 0)
        return;
    struct where here = AT_KEY(at, key);
    FIND_KEY(c, EXT_01, LV_TABLE, &here, m, "\"{}\" has no effect; is \"{}\" meant?", key, name);
}

/* --- members -------------------------------------------------------------------------------- */

static uint8_t type_bits(const struct rac_json *v)
{
    switch (v->type) {
    case RAC_JSON_STRING:
        return T_STR;
    case RAC_JSON_INT:
        return T_NUM | T_INT;
    case RAC_JSON_NUMBER:
    case RAC_JSON_DOUBLE: {
        double d = rac_json_double(v, 0.5);
        return d > -9e15 && d < 9e15 && d == (double)(int64_t)d ? T_NUM | T_INT : T_NUM;
    }
    case RAC_JSON_BOOL:
        return T_BOOL;
    case RAC_JSON_ARRAY:
        return T_ARR;
    case RAC_JSON_OBJECT:
        return T_OBJ;
    default:
        return T_NULL;
    }
}

static rac_str types_text(uint8_t types)
{
    return types & T_OBJ && types & T_BOOL ? RAC_S("an object or a boolean")
           : types & T_STR                 ? RAC_S("a string")
           : types & T_OBJ                 ? RAC_S("an object")
           : types & T_ARR                 ? RAC_S("an array")
           : types & T_BOOL                ? RAC_S("a boolean")
           : types & T_NUM                 ? RAC_S("a number")
                                           : RAC_S("an integer");
}

static void wrong_type(struct check *c, const struct rac_json_member *m, const struct where *at,
                       uint8_t types)
{
    struct where here = AT_KEY(at, rac_json_key(m));
    FIND(c, DOC_03, &here, &m->value, "\"{}\" is {}, not {}", rac_json_key(m), types_text(types),
         rac_json_type_name(&m->value));
}

static void does_not_belong(struct check *c, enum kind kind, const struct rac_json_member *m,
                            const struct where *at, enum keyword k)
{
    rac_str key = rac_json_key(m);
    struct where here = AT_KEY(at, key);
    if (key.n > 2 && (key.p[0] == 'x' || key.p[0] == 'X') && key.p[1] == '-') {
        rac_check_extension_name(c, m, at);
        return;
    }
    rac_str what = rac_str_of(kinds[kind].name);
    enum rac_api_method method;
    if (kind == KIND_PATH_ITEM && rac_api_method_parse(key, &method))
        return; /* methods in any letter case (§0) */
    if (k == KW_UNKNOWN)
        FIND_KEY(c, DOC_04, LV_TABLE, &here, m, "\"{}\" is no key of {}; own keys start with x-",
                 key, what);
    else if (rows[k].newer)
        FIND_KEY(c, DOC_09, LV_TABLE, &here, m, "\"{}\" is not supported in OpenAPI 2.0", key);
    else if (kind == KIND_BODY_PARAM && k != KW_NAME)
        FIND_KEY(c, PAR_05, LV_E, &here, m, "\"{}\" does not belong on a body parameter", key);
    else
        FIND_KEY(c, DOC_03, LV_TABLE, &here, m, "\"{}\" does not belong in {}", key, what);
}

void rac_check_members(struct check *c, enum kind kind, const struct rac_json *node,
                       const struct where *at, struct members *out)
{
    memset(out->has, 0, sizeof(out->has));
    const uint8_t *spec = allowed[kind];
    RAC_JSON_EACH_MEMBER(m, node)
    {
        enum keyword k = find_keyword(rac_json_key(m));
        if (RAC_UNLIKELY(k == KW_UNKNOWN || spec[k] == 0)) {
            does_not_belong(c, kind, m, at, k);
            continue;
        }
        if (RAC_UNLIKELY((spec[k] & type_bits(&m->value)) == 0)) {
            wrong_type(c, m, at, spec[k]);
            continue; /* what has the wrong type counts as not there */
        }
        out->has[k >> 6] |= (uint64_t)1 << (k & 63);
        out->m[k] = m;
    }
}
