/*
 * ECMA 262 patterns on PCRE2. The engine is nearly the same language; what differs is rewritten
 * first: \s and \S are Unicode, \v is one character, long property names, "$" is only the end.
 * What ECMA has not (\A, (?i), ...) is left to PCRE2: many descriptions are written for other
 * engines.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/buf.h"
#include "base/mem.h"
#include "json/schema_priv.h"

#include <pcre2.h>

enum { PATTERN_BYTES_MAX = 65536, PATTERN_DEPTH_MAX = 10000, PATTERN_HEAP_KIB_MAX = 20000 };

struct schema_pattern {
    pcre2_code *code;
    rac_str text;    /* as rewritten */
    bool looks_back; /* compares with what a group took */
    bool counted;    /* calls back; a very large pattern does not */
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

/* Calls come back before each item of the pattern: that is how the work of a match is counted. */
static pcre2_code *compile(rac_str text, uint32_t calls, int *error)
{
    PCRE2_SIZE at;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    RAC_ASSERT(context != NULL);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_set_parens_nest_limit(context, 250);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text.p, text.n,
                                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | calls |
                                         PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS |
                                         PCRE2_NEVER_BACKSLASH_C,
                                     error, &at, context);
    pcre2_compile_context_free(context);
    return code;
}

struct schema_pattern *schema_pattern_compile(struct rac_arena *a, rac_str pattern, rac_str *why)
{
    struct rac_buf b;
    int error;
    if (pattern.n > PATTERN_BYTES_MAX) {
        *why = RAC_S("it is too long");
        return NULL;
    }
    rac_buf_init(&b, (size_t)PATTERN_BYTES_MAX * 64);
    rewrite(&b, pattern);
    pcre2_code *code = compile(rac_buf_str(&b), PCRE2_AUTO_CALLOUT, &error);
    bool counted = code != NULL;
    if (!counted) /* perhaps too large with the calls only */
        code = compile(rac_buf_str(&b), 0, &error);
    struct schema_pattern *p = NULL;
    if (code == NULL) {
        PCRE2_UCHAR text[160];
        pcre2_get_error_message(error, text, sizeof text);
        *why = rac_arena_str(a, rac_str_of((const char *)text));
    } else {
        uint32_t back = 0;
        int known = pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &back);
        RAC_ASSERT(known == 0);
        p = RAC_NEW(a, struct schema_pattern);
        p->code = code;
        p->text = rac_arena_str(a, rac_buf_str(&b));
        p->looks_back = back > 0;
        p->counted = counted;
        rac_arena_cleanup(a, code_free, code);
    }
    rac_buf_fini(&b);
    return p;
}

/* --- matching -------------------------------------------------------------------------------- */

/*
 * Two ways to match. The first tries one start after another, as the language says. Its work is
 * counted in items entered (steps) and in characters an item ran over (scanned): "[a-z]*[!?]" enters
 * two items for each start, but runs to the end of the text from each. A text that is scanned more
 * often than a few dozen times over is matched the second way: all starts at once, in one pass, by
 * the automaton of PCRE2. What that cannot do (back references) or cannot do within the steps is
 * refused.
 */
enum {
    STEPS_PER_BYTE = 8, /* what a text may take for its length: linear work is no trouble */
    STEPS_FREE = 250,   /* and whatever its length */
    SCANS_PER_BYTE = 64,
    SCANS_FREE = 100000,
    SCANS_OF_A_STEP = 8,  /* an item that takes a few characters is a step and no more */
    SCANS_PER_STEP = 16,  /* to run over a character is much cheaper than to enter an item */
    STATES_PER_STEP = 16, /* of the automaton at one place: each is compared with those before it */
    PASS_INTS = 65536,    /* memory of the automaton */
    STOP_STEPS = -1000,   /* what a callout says; no error of the library is that low */
    STOP_SCANS = -1001,
};

struct match {
    const struct schema_pattern *p;
    rac_str s;
    size_t allowance; /* steps left that come with the length of s; then those of *budget */
    size_t *budget;
    struct schema_pattern_work *work;
    size_t scans_max; /* 0: no limit, in the one pass */
    size_t last;      /* where the item entered last began */
    size_t states;    /* of the automaton, at that place */
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static bool take_steps(struct match *m, size_t n)
{
    size_t own = n < m->allowance ? n : m->allowance;
    m->work->steps += n;
    if (n - own > *m->budget)
        return false;
    m->allowance -= own;
    *m->budget -= n - own;
    return true;
}

/* How much a back reference may have to compare: the longest of the groups. */
static size_t longest_group(const struct match *m, const pcre2_callout_block *b)
{
    size_t longest = 0;
    rac_str item = rac_str_from(m->p->text, b->pattern_position);
    if (!rac_str_starts(item, RAC_S("\\")) && !rac_str_starts(item, RAC_S("(?P=")))
        return 0;
    for (uint32_t i = 1; i < b->capture_top; i++) {
        PCRE2_SIZE from = b->offset_vector[2 * i], to = b->offset_vector[2 * i + 1];
        if (from != PCRE2_UNSET && to > from && to - from > longest)
            longest = to - from;
    }
    return longest;
}

static int count_item(pcre2_callout_block *b, void *arg)
{
    struct match *m = arg;
    size_t at = b->current_position, scanned = at > m->last ? at - m->last : 0;
    if (m->p->looks_back)
        scanned += longest_group(m, b);
    scanned -= scanned < SCANS_OF_A_STEP ? scanned : SCANS_OF_A_STEP;
    m->states = at == m->last ? m->states + 1 : 0;
    m->last = at;
    m->work->scanned += scanned;
    if (m->scans_max > 0 && m->work->scanned > m->scans_max)
        return STOP_SCANS;
    size_t states = m->scans_max > 0 ? 0 : m->states;
    return take_steps(m, 1 + scanned / SCANS_PER_STEP + states / STATES_PER_STEP) ? 0 : STOP_STEPS;
}

/* All starts at once. */
static int match_in_one_pass(struct match *m)
{
    int error, n = STOP_STEPS;
    struct rac_buf b;
    rac_buf_init(&b, m->p->text.n + 64);
    RAC_BUF_ADD_LIT(&b, "(?s:.*?)(?:");
    rac_buf_add(&b, m->p->text);
    RAC_BUF_ADD_LIT(&b, ")");
    pcre2_code *code = compile(rac_buf_str(&b), PCRE2_AUTO_CALLOUT, &error);
    rac_buf_fini(&b);
    if (code == NULL)
        return n;
    int *space = rac_mem_alloc(PASS_INTS * sizeof *space);
    m->scans_max = 0;
    m->last = 0;
    n = pcre2_dfa_match(code, (PCRE2_SPTR)m->s.p, m->s.n, 0,
                        PCRE2_ANCHORED | PCRE2_DFA_SHORTEST | PCRE2_NO_UTF_CHECK, m->data,
                        m->context, space, PASS_INTS);
    rac_mem_free(space);
    pcre2_code_free(code);
    return n < 0 && n != PCRE2_ERROR_NOMATCH ? STOP_STEPS : n;
}

rac_err schema_pattern_match(const struct schema_pattern *p, rac_str s, unsigned steps_max,
                             size_t *budget, struct schema_pattern_work *work, bool *matches)
{
    size_t allowance = s.n < UINT32_MAX / STEPS_PER_BYTE ? s.n * STEPS_PER_BYTE : UINT32_MAX;
    size_t one_start = steps_max < UINT32_MAX - allowance ? steps_max + allowance : UINT32_MAX;
    struct schema_pattern_work own = {0};
    struct match m = {.p = p,
                      .s = s,
                      .allowance = allowance + STEPS_FREE,
                      .budget = budget,
                      .work = work != NULL ? work : &own,
                      .scans_max = s.n * SCANS_PER_BYTE + SCANS_FREE,
                      .data = pcre2_match_data_create(1, NULL),
                      .context = pcre2_match_context_create(NULL)};
    RAC_ASSERT(m.data != NULL && m.context != NULL);
    *m.work = own;
    pcre2_set_depth_limit(m.context, PATTERN_DEPTH_MAX);
    pcre2_set_heap_limit(m.context, PATTERN_HEAP_KIB_MAX);
    pcre2_set_match_limit(m.context, (uint32_t)one_start);
    pcre2_set_callout(m.context, count_item, &m);
    size_t whole = p->counted ? 0 : (s.n / 4) * (s.n / 4); /* every character from every start */
    int n = !take_steps(&m, whole)
                ? STOP_STEPS
                : pcre2_match(p->code, (PCRE2_SPTR)(s.p ? s.p : ""), s.n, 0, 0, m.data, m.context);
    if (n == STOP_SCANS)
        n = match_in_one_pass(&m);
    pcre2_match_context_free(m.context);
    pcre2_match_data_free(m.data);
    *matches = n >= 0;
    return n == STOP_STEPS || n == PCRE2_ERROR_MATCHLIMIT || n == PCRE2_ERROR_DEPTHLIMIT ||
                   n == PCRE2_ERROR_HEAPLIMIT
               ? RAC_E_LIMIT
               : RAC_OK;
}
