#include "base/config.h"
#include "base/str.h"

enum kind { STR, INT, BYTES, MS, BOOL };

static const struct {
    const char *key, *kind_name, *value, *reload, *text;
    enum kind kind;
    int64_t min, max;
} table[] = {
#define CONF(id, key, kind, value, min, max, reload, text)                                         \
    {key, #kind, value, #reload, text, kind, min, max},
#include "base/config.def"
#undef CONF
};

static const struct {
    rac_str name;
    int64_t factor;
} byte_units[] = {{RAC_S_INIT(""), 1},          {RAC_S_INIT("KiB"), 1024},
                  {RAC_S_INIT("MiB"), 1048576}, {RAC_S_INIT("GiB"), 1073741824},
                  {RAC_S_INIT("kB"), 1000},     {RAC_S_INIT("MB"), 1000000}},
  time_units[] = {{RAC_S_INIT("ms"), 1},      {RAC_S_INIT(""), 1000},
                  {RAC_S_INIT("s"), 1000},    {RAC_S_INIT("m"), 60000},
                  {RAC_S_INIT("h"), 3600000}, {RAC_S_INIT("d"), 86400000}};

static bool parse_number(enum kind kind, rac_str s, int64_t *out)
{
    size_t digits = 0;
    while (digits < s.n && rac_is_digit(s.p[digits]))
        digits++;
    rac_str unit = rac_str_trim(rac_str_from(s, digits));
    int64_t v, factor = 0;
    if (!rac_str_to_i64(rac_str_sub(s, 0, digits), &v))
        return false;
    if (kind == INT)
        factor = unit.n == 0;
    for (size_t i = 0; kind == BYTES && i < RAC_COUNT(byte_units); i++)
        if (rac_str_eqi(unit, byte_units[i].name))
            factor = byte_units[i].factor;
    for (size_t i = 0; kind == MS && i < RAC_COUNT(time_units); i++)
        if (rac_str_eqi(unit, time_units[i].name))
            factor = time_units[i].factor;
    return factor != 0 && !__builtin_mul_overflow(v, factor, out);
}

static bool parse_bool(rac_str s, int64_t *out)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no",
                                                                                "off", "0"};
    for (size_t i = 0; i < RAC_COUNT(yes); i++) {
        if (rac_str_eqi(s, rac_str_of(yes[i])) || rac_str_eqi(s, rac_str_of(no[i]))) {
            *out = rac_str_eqi(s, rac_str_of(yes[i]));
            return true;
        }
    }
    return false;
}

static const char *expected(enum kind kind)
{
    static const char *const texts[] = {"a text", "a whole number", "a size such as 512KiB or 1MiB",
                                        "a time such as 500ms, 30s, 5m or 30d", "true or false"};
    return texts[kind];
}

static rac_err assign(struct rac_config *c, int k, rac_str value, const char *from,
                      struct rac_diags *d)
{
    int64_t n = 0;
    bool ok =
        table[k].kind == STR ||
        (table[k].kind == BOOL ? parse_bool(value, &n) : parse_number(table[k].kind, value, &n));
    if (ok && (table[k].kind == INT || table[k].kind == BYTES || table[k].kind == MS) &&
        (n < table[k].min || n > table[k].max)) {
        struct rac_diag *g = rac_diags_addf(
            d, "RC-CONF-02", RAC_SEV_ERROR, "%s is %.*s; allowed is %lld to %lld", table[k].key,
            RAC_FMT(value), (long long)table[k].min, (long long)table[k].max);
        (void)g;
        return RAC_E_INVALID;
    }
    if (!ok) {
        rac_diags_addf(d, "RC-CONF-02", RAC_SEV_ERROR, "%s must be %s, not \"%.*s\"", table[k].key,
                       expected(table[k].kind), RAC_FMT(value));
        return RAC_E_INVALID;
    }
    c->v[k].text = rac_arena_str(c->a, value);
    c->v[k].number = n;
    c->v[k].from = from;
    return RAC_OK;
}

void rac_config_init(struct rac_config *c, struct rac_arena *a)
{
    *c = (struct rac_config){.a = a};
    for (int k = 0; k < RAC_CONF_N; k++) {
        rac_err e = assign(c, k, rac_str_of(table[k].value), "default", NULL);
        RAC_ASSERT(e == RAC_OK);
    }
}

rac_err rac_config_set(struct rac_config *c, rac_str key, rac_str value, const char *from,
                       struct rac_diags *d)
{
    unsigned best = UINT32_MAX;
    const char *near = NULL;
    for (int k = 0; k < RAC_CONF_N; k++) {
        if (rac_str_eq(key, rac_str_of(table[k].key)))
            return assign(c, k, value, from, d);
        unsigned distance = rac_str_distance(key, rac_str_of(table[k].key));
        if (distance < best) {
            best = distance;
            near = table[k].key;
        }
    }
    struct rac_diag *g =
        rac_diags_addf(d, "RC-CONF-01", RAC_SEV_ERROR, "there is no setting %.*s", RAC_FMT(key));
    if (g != NULL)
        g->fix = best <= 4 ? rac_arena_printf(d->a, "Did you mean %s?", near)
                           : RAC_S("`raccord config --explain` lists all settings.");
    return RAC_E_INVALID;
}

rac_err rac_config_read_file(struct rac_config *c, rac_str text, rac_str name, struct rac_diags *d)
{
    rac_err worst = RAC_OK;
    uint32_t line_no = 0;
    for (rac_str rest = text; rest.p != NULL;) {
        rac_str line = rac_str_trim(rac_str_cut(rest, '\n', &rest));
        line_no++;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        rac_str value, key = rac_str_trim(rac_str_cut(line, '=', &value));
        size_t first = d->n;
        rac_err e = RAC_E_SYNTAX;
        if (value.p == NULL)
            rac_diags_addf(d, "RC-CONF-03", RAC_SEV_ERROR, "a line must be `key = value`");
        else
            e = rac_config_set(c, key, rac_str_trim(value), "file", d);
        for (size_t i = first; i < d->n; i++) {
            d->v[i].file = name;
            d->v[i].line = line_no;
            d->v[i].column = 1;
        }
        if (e != RAC_OK)
            worst = e;
    }
    return worst;
}

rac_err rac_config_read_environment(struct rac_config *c, char **environment, struct rac_diags *d)
{
    rac_err worst = RAC_OK;
    for (int k = 0; k < RAC_CONF_N; k++) {
        char name[64] = "RACCORD_";
        size_t n = strlen(name);
        for (const char *p = table[k].key; *p != '\0' && n + 1 < sizeof name; p++)
            name[n++] = *p == '.' ? '_' : (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        name[n] = '\0';
        for (char **e = environment; *e != NULL; e++) {
            if (strncmp(*e, name, n) != 0 || (*e)[n] != '=')
                continue;
            rac_err err = assign(c, k, rac_str_of(*e + n + 1), "environment", d);
            if (err != RAC_OK)
                worst = err;
        }
    }
    return worst;
}

struct rac_conf_info rac_config_info(enum rac_conf k)
{
    return (struct rac_conf_info){table[k].key,    table[k].kind_name, table[k].value,
                                  table[k].reload, table[k].text,      table[k].min,
                                  table[k].max};
}
