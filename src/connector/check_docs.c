/* The icon (ICON-01) and the two Markdown files (DOCS-*). */
#include "base/str.h"
#include "connector/check_priv.h"
#include "connector/icon.h"

enum {
    ICON_SIDE_MIN = 100,
    ICON_SIDE_MAX = 230,
    COLOUR_DISTANCE_MAX = 8,
    SENTENCES_MAX = 8,
    OPERATIONS_MAX = 512,
    TEXT_BYTES_MAX = 1 << 20
};

/* --- icon ----------------------------------------------------------------------------------- */

static bool near_colour(const uint8_t *a, const uint8_t *b)
{
    for (int i = 0; i < 3; i++) {
        int distance = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
        if (distance > COLOUR_DISTANCE_MAX)
            return false;
    }
    return true;
}

static void check_frame(struct package_check *c, const struct rac_icon *icon, rac_str file)
{
    static const uint8_t white[3] = {0xff, 0xff, 0xff}, standard[3] = {0x00, 0x7e, 0xe5};
    uint8_t brand[3];
    rac_str colour = rac_json_str(RAC_JSON_GET(c->props, "iconBrandColor"), RAC_S(""));
    if (icon->transparent)
        FOUND_FILE(c, ICON_01, BY_TABLE, file, "the icon is transparent at its edge");
    else if (near_colour(icon->frame, white))
        FOUND_FILE(c, ICON_01, BY_TABLE, file, "the background of the icon is white");
    else if (near_colour(icon->frame, standard))
        FOUND_FILE(c, ICON_01, BY_TABLE, file, "the background of the icon is the default colour");
    else if (rac_icon_parse_colour(colour, brand) && !near_colour(icon->frame, brand))
        FOUND_FILE(c, ICON_01, BY_TABLE, file,
                   "the background of the icon is #%02x%02x%02x, not iconBrandColor %.*s",
                   icon->frame[0], icon->frame[1], icon->frame[2], RAC_FMT(colour));
}

void rac_package_check_icon(struct package_check *c)
{
    rac_str bytes = rac_package_bytes(c->package, RAC_PACKAGE_ICON);
    rac_str file = rac_package_name(c->package, RAC_PACKAGE_ICON);
    bool certification = c->profile == RAC_PROFILE_CERTIFICATION;
    if (bytes.p == NULL) {
        if (certification && !c->independent && !c->in->definition_only)
            FOUND_FILE(c, ICON_01, BY_TABLE, file, "the package has no icon");
        return;
    }
    if (c->independent) {
        FOUND_FILE(c, ICON_01, BY_TABLE, file, "an independent publisher ships no icon");
        return;
    }
    struct rac_icon icon;
    rac_err e = rac_icon_read(bytes, c->a, &icon);
    if (e == RAC_E_SYNTAX) {
        FOUND_FILE(c, ICON_01, BY_TABLE, file, "the icon is no readable PNG or JPEG picture");
        return;
    }
    if (bytes.n >= RAC_ICON_BYTES_MAX)
        FOUND_FILE(c, ICON_01, BY_TABLE, file, "the icon has %zu bytes, 1 MB or more", bytes.n);
    if (icon.format != RAC_ICON_PNG || !rac_str_eqi(file, RAC_S("icon.png")))
        FOUND_FILE(c, ICON_01, BY_TABLE, file, "the icon is not a PNG named icon.png");
    if (icon.width != icon.height || icon.width < ICON_SIDE_MIN || icon.width > ICON_SIDE_MAX)
        FOUND_FILE(c, ICON_01, BY_TABLE, file,
                   "the icon is %u by %u pixels, not a square of 100 to 230", icon.width,
                   icon.height);
    if (icon.decoded)
        check_frame(c, &icon, file);
}

/* --- Markdown ------------------------------------------------------------------------------- */

/* The heading on a line: level in *level, text trimmed of # and blanks; absent when there is none.
 */
static rac_str heading_of(rac_str line, unsigned *level)
{
    unsigned n = 0;
    line = rac_str_trim(line);
    while (n < line.n && line.p[n] == '#')
        n++;
    if (n == 0 || n > 6)
        return RAC_STR_NULL;
    rac_str text = rac_str_trim(rac_str_from(line, n));
    while (text.n > 0 && text.p[text.n - 1] == '#')
        text.n--;
    *level = n;
    return rac_str_trim(text);
}

static bool has_heading(rac_str markdown, rac_str wanted)
{
    for (rac_str rest = markdown; rest.p != NULL;) {
        unsigned level;
        rac_str text = heading_of(rac_str_cut(rest, '\n', &rest), &level);
        if (text.p != NULL && rac_str_eqi(text, wanted))
            return true;
    }
    return false;
}

static void check_headings(struct package_check *c, enum rac_rule_id rule, rac_str text,
                           rac_str file, const char *const *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!has_heading(text, rac_str_of(wanted[i])))
            rac_package_found(c, rule, BY_TABLE, NULL, file, RAC_STR_NULL,
                              rac_arena_printf(c->a, "the heading \"%s\" is missing", wanted[i]));
}

/* In small letters, once: what is looked for as it stands is found many times as fast. */
static void check_mentions(struct package_check *c, rac_str text, rac_str file)
{
    if (text.n > TEXT_BYTES_MAX)
        return;
    rac_str small = rac_str_lower(c->a, text);
    for (size_t i = 0; i < c->api->ops_n && i < OPERATIONS_MAX; i++) {
        const struct rac_api_operation *op = &c->api->ops[i];
        if (op->visibility == RAC_VISIBILITY_INTERNAL || op->deprecated || op->summary.n == 0)
            continue;
        if (rac_str_find(small, rac_str_lower(c->a, op->summary)) == RAC_STR_NPOS &&
            rac_str_find(small, rac_str_lower(c->a, op->id)) == RAC_STR_NPOS)
            FOUND_FILE(c, DOCS_01, BY_TABLE, file, "the readme does not mention operation \"%.*s\"",
                       RAC_FMT(op->summary));
    }
}

static void check_readme(struct package_check *c)
{
    static const char *const wanted[] = {"Publisher",
                                         "Prerequisites",
                                         "Supported Operations",
                                         "Obtaining Credentials",
                                         "Known Issues and Limitations",
                                         "Deployment Instructions"};
    rac_str text = rac_package_bytes(c->package, RAC_PACKAGE_README);
    rac_str file = rac_package_name(c->package, RAC_PACKAGE_README);
    if (text.p == NULL) {
        if (c->profile == RAC_PROFILE_CERTIFICATION && !c->in->definition_only)
            FOUND_FILE(c, DOCS_01, BY_TABLE, file, "the package has no readme.md");
        return;
    }
    unsigned level = 0;
    rac_str rest = text, first = RAC_STR_NULL;
    while (rest.p != NULL && first.p == NULL) {
        rac_str line = rac_str_trim(rac_str_cut(rest, '\n', &rest));
        if (line.n > 0)
            first = line;
    }
    if (heading_of(first, &level).p == NULL)
        FOUND_FILE(c, DOCS_01, BY_TABLE, file, "the readme does not start with a title");
    check_headings(c, RAC_RULE_DOCS_01, text, file, wanted, RAC_COUNT(wanted));
    check_mentions(c, text, file);
    bool oauth = false;
    RAC_JSON_EACH_MEMBER(m, c->api->security_definitions)
    oauth |= rac_str_eq(rac_json_str(RAC_JSON_GET(&m->value, "type"), RAC_S("")), RAC_S("oauth2"));
    if (c->independent && oauth && rac_str_findi(text, RAC_S("client")) == RAC_STR_NPOS &&
        rac_str_findi(text, RAC_S("app registration")) == RAC_STR_NPOS &&
        rac_str_findi(text, RAC_S("create an app")) == RAC_STR_NPOS)
        FOUND_FILE(c, DOCS_03, BY_TABLE, file, "the readme does not explain how to create the app");
}

/* Sentences of the first paragraph that is no heading. */
static size_t opening_sentences(rac_str text)
{
    size_t n = 0;
    bool inside = false;
    for (rac_str rest = text; rest.p != NULL;) {
        unsigned level;
        rac_str line = rac_str_trim(rac_str_cut(rest, '\n', &rest));
        if (line.n == 0 || heading_of(line, &level).p != NULL) {
            if (inside)
                break;
            continue;
        }
        inside = true;
        for (size_t i = 0; i < line.n; i++)
            n += memchr(".!?", line.p[i], 3) != NULL && (i + 1 == line.n || line.p[i + 1] == ' ');
    }
    return n;
}

static void check_intro(struct package_check *c)
{
    static const char *const wanted[] = {"Prerequisites", "Get started with your connector",
                                         "Known issues and limitations",
                                         "Common errors and remedies", "FAQ"};
    rac_str text = rac_package_bytes(c->package, RAC_PACKAGE_INTRO);
    rac_str file = rac_package_name(c->package, RAC_PACKAGE_INTRO);
    if (c->independent)
        return;
    if (text.p == NULL) {
        if (c->profile == RAC_PROFILE_CERTIFICATION && !c->in->definition_only)
            FOUND_FILE(c, DOCS_02, BY_TABLE, file, "the package has no intro.md");
        return;
    }
    size_t sentences = opening_sentences(text);
    if (sentences == 0 || sentences > SENTENCES_MAX)
        FOUND_FILE(c, DOCS_02, BY_TABLE, file,
                   "the opening paragraph has %zu sentences, not 1 to 8", sentences);
    check_headings(c, RAC_RULE_DOCS_02, text, file, wanted, RAC_COUNT(wanted));
    if (rac_json_len(c->api->security_definitions) > 0 &&
        !has_heading(text, RAC_S("How to get credentials")))
        FOUND_FILE(c, DOCS_02, BY_TABLE, file, "the heading \"How to get credentials\" is missing");
    if (has_heading(text, RAC_S("Actions")) || has_heading(text, RAC_S("Triggers")) ||
        has_heading(text, RAC_S("Supported Operations")))
        FOUND_FILE(c, DOCS_02, BY_TABLE, file, "actions and triggers are documented elsewhere");
}

void rac_package_check_docs(struct package_check *c)
{
    check_readme(c);
    check_intro(c);
}
