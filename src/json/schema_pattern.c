/*
 * ECMA 262 patterns on PCRE2. The engine is nearly the same language; what differs is rewritten
 * first: \s and \S are Unicode, \v is one character, long property names, "$" is only the end.
 * What ECMA has not (\A, (?i), ...) is left to PCRE2: many descriptions are written for other
 * engines.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/buf.h"
#include "json/schema_priv.h"

#include <pcre2.h>

enum { PATTERN_BYTES_MAX = 65536, PATTERN_DEPTH_MAX = 10000, PATTERN_HEAP_KIB_MAX = 20000 };

struct schema_pattern {
    pcre2_code *code;
    bool anchored; /* matches from the first character or not at all */
};

/* ECMA's white space and line ends. */
#define SPACE_SET                                                                                  \
    "\\x09-\\x0d\\x20\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f"                      \
    "\\u3000\\ufeff"

/* Long names of general categories, which PCRE2 knows by their short ones only. */
static const struct {
    rac_str name, code;
} categories[] = {
#define CATEGORY(name, code)                                                                       \
    {                                                                                              \
        RAC_S_INIT(name), RAC_S_INIT(code)                                                         \
    }
    CATEGORY("Letter", "L"),
    CATEGORY("Cased_Letter", "L&"),
    CATEGORY("Uppercase_Letter", "Lu"),
    CATEGORY("Lowercase_Letter", "Ll"),
    CATEGORY("Titlecase_Letter", "Lt"),
    CATEGORY("Modifier_Letter", "Lm"),
    CATEGORY("Other_Letter", "Lo"),
    CATEGORY("Mark", "M"),
    CATEGORY("Nonspacing_Mark", "Mn"),
    CATEGORY("Spacing_Mark", "Mc"),
    CATEGORY("Enclosing_Mark", "Me"),
    CATEGORY("Number", "N"),
    CATEGORY("Decimal_Number", "Nd"),
    CATEGORY("digit", "Nd"),
    CATEGORY("Letter_Number", "Nl"),
    CATEGORY("Other_Number", "No"),
    CATEGORY("Punctuation", "P"),
    CATEGORY("punct", "P"),
    CATEGORY("Connector_Punctuation", "Pc"),
    CATEGORY("Dash_Punctuation", "Pd"),
    CATEGORY("Open_Punctuation", "Ps"),
    CATEGORY("Close_Punctuation", "Pe"),
    CATEGORY("Initial_Punctuation", "Pi"),
    CATEGORY("Final_Punctuation", "Pf"),
    CATEGORY("Other_Punctuation", "Po"),
    CATEGORY("Symbol", "S"),
    CATEGORY("Math_Symbol", "Sm"),
    CATEGORY("Currency_Symbol", "Sc"),
    CATEGORY("Modifier_Symbol", "Sk"),
    CATEGORY("Other_Symbol", "So"),
    CATEGORY("Separator", "Z"),
    CATEGORY("Space_Separator", "Zs"),
    CATEGORY("Line_Separator", "Zl"),
    CATEGORY("Paragraph_Separator", "Zp"),
    CATEGORY("Other", "C"),
    CATEGORY("Control", "Cc"),
    CATEGORY("Format", "Cf"),
    CATEGORY("Surrogate", "Cs"),
    CATEGORY("Private_Use", "Co"),
    CATEGORY("Unassigned", "Cn"),
#undef CATEGORY
};

/* \p{Long_Name} at s; the bytes taken, 0 when it is nothing to rewrite. */
static size_t put_property(struct rac_buf *b, rac_str s)
{
    size_t close = rac_str_find_char(s, '}');
    if (s.n < 4 || s.p[2] != '{' || close == RAC_STR_NPOS)
        return 0;
    rac_str name = rac_str_sub(s, 3, close - 3), value;
    rac_str key = rac_str_cut(name, '=', &value);
    if (value.p != NULL &&
        (rac_str_eq(key, RAC_S("General_Category")) || rac_str_eq(key, RAC_S("gc"))))
        name = value;
    for (size_t i = 0; i < RAC_COUNT(categories); i++) {
        if (rac_str_eq(categories[i].name, name)) {
            rac_buf_printf(b, "\\%c{%.*s}", s.p[1], RAC_FMT(categories[i].code));
            return close + 1;
        }
    }
    return 0;
}

/* The escape at s; the bytes taken. */
static size_t put_escape(struct rac_buf *b, rac_str s, bool in_class)
{
    size_t n = s.n < 2 ? s.n : 2;
    switch (n < 2 ? '\0' : s.p[1]) {
    case 's':
        if (in_class)
            RAC_BUF_ADD_LIT(b, SPACE_SET);
        else
            RAC_BUF_ADD_LIT(b, "[" SPACE_SET "]");
        return n;
    case 'S':
        if (in_class)
            break; /* the ASCII meaning; a set cannot hold a negated set */
        RAC_BUF_ADD_LIT(b, "[^" SPACE_SET "]");
        return n;
    case 'v':
        RAC_BUF_ADD_LIT(b, "\\x0b");
        return n;
    case 'p':
    case 'P': {
        size_t taken = put_property(b, s);
        if (taken > 0)
            return taken;
        break;
    }
    default:
        break;
    }
    rac_buf_add(b, rac_str_sub(s, 0, n));
    return n;
}

static void rewrite(struct rac_buf *b, rac_str s)
{
    bool in_class = false;
    while (s.n > 0) {
        if (s.p[0] == '\\') {
            s = rac_str_from(s, put_escape(b, s, in_class));
            continue;
        }
        if (s.p[0] == '[' && in_class)
            rac_buf_add_char(b, '\\'); /* a plain character in ECMA, a POSIX class in PCRE2 */
        if (s.p[0] == '[' || s.p[0] == ']')
            in_class = s.p[0] == '[';
        rac_buf_add_char(b, s.p[0]);
        s = rac_str_from(s, 1);
    }
}

static void code_free(void *code)
{
    pcre2_code_free(code);
}

struct schema_pattern *schema_pattern_compile(struct rac_arena *a, rac_str pattern, rac_str *why)
{
    struct rac_buf b;
    int error;
    PCRE2_SIZE at;
    if (pattern.n > PATTERN_BYTES_MAX) {
        *why = RAC_S("it is too long");
        return NULL;
    }
    rac_buf_init(&b, (size_t)PATTERN_BYTES_MAX * 64);
    rewrite(&b, pattern);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    RAC_ASSERT(context != NULL);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_set_parens_nest_limit(context, 250);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)rac_buf_str(&b).p, b.n,
                                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX |
                                         PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS |
                                         PCRE2_NEVER_BACKSLASH_C,
                                     &error, &at, context);
    pcre2_compile_context_free(context);
    rac_buf_fini(&b);
    if (code == NULL) {
        PCRE2_UCHAR text[160];
        pcre2_get_error_message(error, text, sizeof text);
        *why = rac_arena_str(a, rac_str_of((const char *)text));
        return NULL;
    }
    struct schema_pattern *p = RAC_NEW(a, struct schema_pattern);
    uint32_t options = 0;
    int known = pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    RAC_ASSERT(known == 0);
    p->code = code;
    p->anchored = (options & PCRE2_ANCHORED) != 0;
    rac_arena_cleanup(a, code_free, code);
    return p;
}

/* --- matching -------------------------------------------------------------------------------- */

enum { STEPS_PER_BYTE = 8 }; /* what a text may take for its length: linear work is no trouble */

struct match {
    const struct schema_pattern *p;
    rac_str s;
    size_t allowance; /* steps left that come with the length of s; then those of *budget */
    size_t *budget;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static int match_at(struct match *m, size_t at, uint32_t options, size_t steps_max)
{
    pcre2_set_match_limit(m->context, (uint32_t)steps_max);
    return pcre2_match(m->p->code, (PCRE2_SPTR)(m->s.p ? m->s.p : ""), m->s.n, at, options, m->data,
                       m->context);
}

static bool take_steps(struct match *m, size_t n)
{
    size_t own = n < m->allowance ? n : m->allowance;
    if (n - own > *m->budget)
        return false;
    m->allowance -= own;
    *m->budget -= n - own;
    return true;
}

/* From one start, with a few steps, then more: most starts fail at once and are charged little. */
static int match_from(struct match *m, size_t at, size_t steps_max)
{
    enum { FEW_STEPS = 4, MORE = 4 };
    for (size_t steps = FEW_STEPS;; steps *= MORE) {
        bool last = steps >= steps_max;
        steps = last ? steps_max : steps;
        if (!take_steps(m, steps))
            return PCRE2_ERROR_MATCHLIMIT;
        int n = match_at(m, at, PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, steps);
        if (last || n != PCRE2_ERROR_MATCHLIMIT)
            return n;
    }
}

/* One place to start at after another: the library counts the steps of one start only, so a text
 * of many starts could take as many times the limit. */
static int match_slowly(struct match *m, size_t steps_max)
{
    size_t last = m->p->anchored ? 0 : m->s.n;
    for (size_t at = 0; at <= last; at++) {
        if (at < m->s.n && ((unsigned char)m->s.p[at] & 0xc0) == 0x80)
            continue;
        int n = match_from(m, at, steps_max);
        if (n != PCRE2_ERROR_NOMATCH)
            return n;
    }
    return PCRE2_ERROR_NOMATCH;
}

rac_err schema_pattern_match(const struct schema_pattern *p, rac_str s, unsigned steps_max,
                             size_t *budget, bool *matches)
{
    enum { CHEAP_STEPS = 1000, CHEAP_MIN = 8, CHEAP_MAX = 32 }; /* in all; of one start */
    size_t allowance = s.n < UINT32_MAX / STEPS_PER_BYTE ? s.n * STEPS_PER_BYTE : UINT32_MAX;
    size_t one_start = steps_max < UINT32_MAX - allowance ? steps_max + allowance : UINT32_MAX;
    struct match m = {.p = p,
                      .s = s,
                      .allowance = allowance,
                      .budget = budget,
                      .data = pcre2_match_data_create(1, NULL),
                      .context = pcre2_match_context_create(NULL)};
    RAC_ASSERT(m.data != NULL && m.context != NULL);
    pcre2_set_depth_limit(m.context, PATTERN_DEPTH_MAX);
    pcre2_set_heap_limit(m.context, PATTERN_HEAP_KIB_MAX);
    size_t cheap = CHEAP_STEPS / (s.n + 1);
    cheap = cheap < CHEAP_MIN ? CHEAP_MIN : cheap > CHEAP_MAX ? CHEAP_MAX : cheap;
    cheap = cheap > steps_max ? steps_max : cheap;
    int n = match_at(&m, 0, 0, cheap);
    if (n == PCRE2_ERROR_MATCHLIMIT)
        n = match_slowly(&m, one_start);
    pcre2_match_context_free(m.context);
    pcre2_match_data_free(m.data);
    *matches = n >= 0;
    return n == PCRE2_ERROR_MATCHLIMIT || n == PCRE2_ERROR_DEPTHLIMIT || n == PCRE2_ERROR_HEAPLIMIT
               ? RAC_E_LIMIT
               : RAC_OK;
}
