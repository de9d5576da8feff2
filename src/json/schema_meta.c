/*
 * The meta-schemas of draft-04 and draft-07, said in our own words: what each keyword's value must
 * look like. Schemas may refer to them like to any other document.
 */
#include "json/schema_priv.h"

/* clang-format off: text, one rule a line */
#define REF(name)    "{\"$ref\":\"#/definitions/" name "\"}"
#define SELF         "{\"$ref\":\"#\"}"
#define MAP(value)   "{\"type\":\"object\",\"additionalProperties\":" value "}"
#define EITHER(x, y) "{\"anyOf\":[" x "," y "]}"
#define STRING       "{\"type\":\"string\"}"
#define NUMBER       "{\"type\":\"number\"}"
#define BOOLEAN      "{\"type\":\"boolean\"}"
#define NAMES        "{\"type\":\"array\",\"items\":" STRING ",\"uniqueItems\":true}"
#define NAMES_SOME   "{\"type\":\"array\",\"items\":" STRING ",\"uniqueItems\":true,\"minItems\":1}"
#define TYPE_NAME                                                                                  \
    "{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\",\"object\",\"string\"]}"
#define TYPE_NAMES                                                                                 \
    "{\"type\":\"array\",\"items\":" TYPE_NAME ",\"minItems\":1,\"uniqueItems\":true}"
#define DEFINITIONS                                                                                \
    "\"definitions\":{\"count\":{\"type\":\"integer\",\"minimum\":0},"                             \
    "\"schemas\":{\"type\":\"array\",\"minItems\":1,\"items\":" SELF "}},"

/* The same in both. */
#define SHARED                                                                                                                      \
    "\"$schema\":" STRING ",\"title\":" STRING ",\"description\":" STRING ","                                                       \
    "\"maximum\":" NUMBER ",\"minimum\":" NUMBER ","                                                                                \
    "\"maxLength\":" REF("count") ",\"minLength\":" REF(                                                                            \
        "count") ","                                                                                                                \
                 "\"maxItems\":" REF("count") ",\"minItems\":" REF(                                                                 \
                     "count") ","                                                                                                   \
                              "\"maxProperties\":" REF("count") ",\"minProperties\":" REF(                                          \
                                  "count") ","                                                                                      \
                                           "\"pattern\":{\"type\":\"string\",\"format\":"                                           \
                                           "\"regex\"},\"uniqueItems\":" BOOLEAN ","                                                \
                                           "\"definitions\":" MAP(SELF) ",\"properties\":" MAP(SELF) ",\"patternProperties\":" MAP( \
                                               SELF) ","                                                                            \
                                                     "\"type\":" EITHER(                                                            \
                                                         TYPE_NAME,                                                                 \
                                                         TYPE_NAMES) ",\"format\":" STRING ","                                      \
                                                                     "\"items\":" EITHER(                                           \
                                                                         SELF,                                                      \
                                                                         REF("schemas")) ","                                        \
                                                                                         "\"allOf"                                  \
                                                                                         "\""                                       \
                                                                                         ":" REF("schemas") ",\"anyOf\":" REF(      \
                                                                                             "sch"                                  \
                                                                                             "ema"                                  \
                                                                                             "s") ",\"oneOf\":" REF("schemas") ","  \
                                                                                                                               "\"not\":" SELF

static const char draft4[] =
    "{\"id\":\"http://json-schema.org/draft-04/schema#\","
    "\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"type\":\"object\"," DEFINITIONS
    "\"properties\":{" SHARED ",\"id\":" STRING ","
    "\"multipleOf\":{\"type\":\"number\",\"minimum\":0,\"exclusiveMinimum\":true},"
    "\"exclusiveMaximum\":" BOOLEAN ",\"exclusiveMinimum\":" BOOLEAN ","
    "\"additionalItems\":" EITHER(BOOLEAN, SELF) ",\"additionalProperties\":" EITHER(
        BOOLEAN,
        SELF) ","
              "\"required\":" NAMES_SOME ",\"dependencies\":" MAP(EITHER(
                  SELF,
                  NAMES_SOME)) ","
                               "\"enum\":{\"type\":\"array\",\"minItems\":1,\"uniqueItems\":true}},"
                               "\"dependencies\":{\"exclusiveMaximum\":[\"maximum\"],"
                               "\"exclusiveMinimum\":[\"minimum\"]}}";

static const char draft7[] =
    "{\"$id\":\"http://json-schema.org/draft-07/schema#\","
    "\"$schema\":\"http://json-schema.org/draft-07/"
    "schema#\",\"type\":[\"object\",\"boolean\"]," DEFINITIONS "\"properties\":{" SHARED
    ",\"$comment\":" STRING ","
    "\"$id\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
    "\"$ref\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
    "\"readOnly\":" BOOLEAN ",\"writeOnly\":" BOOLEAN ",\"examples\":{\"type\":\"array\"},"
    "\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
    "\"exclusiveMaximum\":" NUMBER ",\"exclusiveMinimum\":" NUMBER ","
    "\"additionalItems\":" SELF ",\"contains\":" SELF ",\"additionalProperties\":" SELF ","
    "\"propertyNames\":" SELF ",\"required\":" NAMES ",\"dependencies\":" MAP(
        EITHER(SELF, NAMES)) ","
                             "\"const\":true,\"enum\":{\"type\":\"array\"},\"if\":" SELF
                             ",\"then\":" SELF ",\"else\":" SELF ","
                             "\"contentMediaType\":" STRING ",\"contentEncoding\":" STRING "}}";
/* clang-format on */

const char *schema_meta_text(rac_str uri)
{
    if (rac_str_eq(uri, RAC_S("http://json-schema.org/draft-04/schema")))
        return draft4;
    if (rac_str_eq(uri, RAC_S("http://json-schema.org/draft-07/schema")))
        return draft7;
    return NULL;
}
