/* Words, letters and secrets in texts. */
#include <math.h>

#include "base/str.h"
#include "base/utf8.h"
#include "openapi/check_priv.h"

static const struct {
    rac_str word;
    unsigned set;
} restricted[] = {
    {RAC_S_INIT("Power Apps"), WORDS_PRODUCTS},
    {RAC_S_INIT("PowerApps"), WORDS_PRODUCTS},
    {RAC_S_INIT("Power Automate"), WORDS_PRODUCTS},
    {RAC_S_INIT("Power BI"), WORDS_PRODUCTS},
    {RAC_S_INIT("Power Platform"), WORDS_PRODUCTS},
    {RAC_S_INIT("Power Virtual Agents"), WORDS_PRODUCTS},
    {RAC_S_INIT("Microsoft Flow"), WORDS_PRODUCTS},
    {RAC_S_INIT("Logic Apps"), WORDS_PRODUCTS},
    {RAC_S_INIT("Dataverse"), WORDS_PRODUCTS},
    {RAC_S_INIT("Copilot Studio"), WORDS_PRODUCTS},
    {RAC_S_INIT("API"), WORDS_API},
    {RAC_S_INIT("Connector"), WORDS_TITLE},
};

#define LETTER(c) ((uint32_t)1 << ((c) - 'a'))

/* By first letter, the second letters of the words above: nearly every word of a text ends here. */
static const uint32_t second_letters[26] = {
    ['a' - 'a'] = LETTER('p'), ['c' - 'a'] = LETTER('o'), ['d' - 'a'] = LETTER('a'),
    ['l' - 'a'] = LETTER('o'), ['m' - 'a'] = LETTER('i'), ['p' - 'a'] = LETTER('o'),
};

static const bool in_word[256] = {
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
    ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1,
    ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1,
    ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1,
    ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,
    ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1,
    ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1,
    ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

static inline bool may_start(const unsigned char *p)
{
    unsigned first = (p[0] | 32u) - 'a', second = (p[1] | 32u) - 'a';
    return first < 26 && second < 26 && (second_letters[first] >> second & 1) != 0;
}

static rac_str word_at(rac_str rest, unsigned sets)
{
    for (size_t w = 0; w < RAC_COUNT(restricted); w++) {
        rac_str word = restricted[w].word;
        if ((restricted[w].set & sets) != 0 && rac_str_startsi(rest, word) &&
            (rest.n == word.n || !rac_is_alnum(rest.p[word.n])))
            return word;
    }
    return RAC_STR_NULL;
}

rac_str rac_check_restricted_word(rac_str s, unsigned sets)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i + 3 <= s.n;) {
        if (may_start(p + i)) {
            rac_str word = word_at(rac_str_from(s, i), sets);
            if (word.p != NULL)
                return word;
        }
        while (i < s.n && in_word[p[i]]) /* to the next word */
            i++;
        while (i < s.n && !in_word[p[i]])
            i++;
    }
    return RAC_STR_NULL;
}

bool rac_check_is_latin(rac_str s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        if ((unsigned char)s.p[i] < 0x80) {
            i++;
            continue;
        }
        size_t n = rac_utf8_decode(s.p + i, s.n - i, &cp);
        if (n == 0)
            return true; /* bytes that are no text: another rule's business */
        if ((cp >= 0x370 && cp < 0x1e00) || (cp >= 0x1f00 && cp < 0x2000) ||
            (cp >= 0x2e80 && cp < 0xa640) || (cp >= 0xac00 && cp < 0xd7b0) ||
            (cp >= 0xf900 && cp < 0xfb00) || (cp >= 0xfb1d && cp < 0xfe00))
            return false;
        i += n;
    }
    return true;
}

/* --- secrets ------------------------------------------------------------------------------- */

static bool contains_any(rac_str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rac_str_findi(s, rac_str_of(words[i])) != RAC_STR_NPOS)
            return true;
    return false;
}

static bool name_is_secret(rac_str name)
{
    static const char *const words[] = {"password",   "passwd",     "secret",        "token",
                                        "apikey",     "api_key",    "api-key",       "accesskey",
                                        "access_key", "access-key", "authorization", "credential",
                                        "private_key"};
    return name.n > 0 && contains_any(name, words, RAC_COUNT(words));
}

static bool is_placeholder(rac_str v)
{
    static const char *const words[] = {"your",    "xxx",    "example", "sample",      "dummy",
                                        "<",       "{",      "[[",      "placeholder", "...",
                                        "test",    "http:/", "https:/", "changeme",    "insert",
                                        "1234567", "abcdef"};
    return contains_any(v, words, RAC_COUNT(words));
}

/* Shannon entropy in bits of a character. */
static double entropy(rac_str v)
{
    unsigned counts[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < v.n; i++)
        counts[(unsigned char)v.p[i]]++;
    for (int i = 0; i < 256; i++)
        if (counts[i] > 0) {
            double p = (double)counts[i] / (double)v.n;
            bits -= p * log2(p);
        }
    return bits;
}

/* Keys whose form alone gives them away. */
static bool has_key_form(rac_str v)
{
    static const struct {
        rac_str prefix;
        size_t n_min;
    } forms[] = {
        {RAC_S_INIT("AKIA"), 20},     {RAC_S_INIT("ghp_"), 36},        {RAC_S_INIT("gho_"), 36},
        {RAC_S_INIT("sk_live_"), 24}, {RAC_S_INIT("xoxb-"), 24},       {RAC_S_INIT("xoxp-"), 24},
        {RAC_S_INIT("AIza"), 39},     {RAC_S_INIT("github_pat_"), 40},
    };
    for (size_t i = 0; i < RAC_COUNT(forms); i++)
        if (v.n >= forms[i].n_min && rac_str_starts(v, forms[i].prefix))
            return true;
    if (rac_str_starts(v, RAC_S("eyJ")) && v.n > 60) {
        size_t dot = rac_str_find_char(v, '.');
        return dot != RAC_STR_NPOS &&
               rac_str_find_char(rac_str_from(v, dot + 1), '.') != RAC_STR_NPOS;
    }
    return rac_str_starts(v, RAC_S("-----BEGIN")) &&
           rac_str_find(v, RAC_S("PRIVATE KEY")) != RAC_STR_NPOS;
}

bool rac_api_looks_secret(rac_str name, rac_str value)
{
    enum { SECRET_MIN = 20, SECRET_MAX = 8192 };
    rac_str v = rac_str_trim(value);
    if (rac_str_startsi(v, RAC_S("Bearer ")))
        v = rac_str_trim(rac_str_from(v, 7));
    else if (rac_str_startsi(v, RAC_S("Basic ")))
        v = rac_str_trim(rac_str_from(v, 6));
    if (v.n < SECRET_MIN || v.n > SECRET_MAX || v.p[0] == '@')
        return false;
    if (has_key_form(v))
        return true;
    if (!name_is_secret(name) || is_placeholder(v))
        return false;
    bool digit = false, letter = false;
    for (size_t i = 0; i < v.n; i++) {
        if (rac_is_space(v.p[i]) || (unsigned char)v.p[i] >= 0x80)
            return false;
        digit |= rac_is_digit(v.p[i]);
        letter |= rac_is_alpha(v.p[i]);
    }
    return digit && letter && entropy(v) > 3.3;
}

bool rac_check_is_absolute_url(rac_str s)
{
    size_t scheme = rac_str_startsi(s, RAC_S("https://"))  ? 8
                    : rac_str_startsi(s, RAC_S("http://")) ? 7
                                                           : 0;
    if (scheme == 0 || s.n == scheme)
        return false;
    for (size_t i = scheme; i < s.n; i++)
        if (rac_is_space(s.p[i]))
            return false;
    char c = s.p[scheme];
    return c != '/' && c != '?' && c != '#';
}
