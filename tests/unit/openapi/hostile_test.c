/*
 * Definitions made to be expensive: what they cost is measured in processor time and memory, with
 * bounds that linear work is far below and the work they were made for is far above.
 */
#include "unit.h"

#include <time.h>

#include "base/buf.h"
#include "openapi/check.h"
#include "openapi/convert.h"

enum { ARENA_BYTES_MAX = 1 << 30, FOUND_MAX = 10000, PARTS_MAX = 7 };

/* A text: parts, each of them n times (0: once), with commas between but where a part says `run`.
 * ' is ", # the number. */
struct part {
    const char *text;
    unsigned n;
    bool run;
};

struct hostile {
    const char *name;
    bool convert; /* else check */
    rac_err e;
    struct part parts[PARTS_MAX];
};

#define HEAD  "{'swagger':'2.0','info':{'title':'x','version':'1'},'host':'a.example',"
#define HEAD3 "{'openapi':'3.0.0','info':{'title':'x','version':'1'},"
#define PM                                                                                         \
    "{'info':{'name':'x','schema':'https://schema.getpostman.com/json/collection/v2.1.0/"          \
    "collection.json'},"
#define FOLDER                                                                                     \
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" \
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define RESPONSES "'responses':{'200':{'description':'d'}}"

static const struct hostile cases[] = {
    {.name = "an operation that produces very much, and as many examples",
     .parts = {{HEAD "'produces':[", 0},
               {"'application/x#'", 22000},
               {"],'paths':{'/p':{'get':{'operationId':'O','responses':{'200':{'description':'',"
                "'examples':{",
                0},
               {"'application/y#':1", 22000},
               {"}}}}}}}", 0}}},
    {.name = "operations that consume what the root lists",
     .parts = {{HEAD "'consumes':[", 0},
               {"'application/x#'", 60000},
               {"],'paths':{", 0},
               {"'/p#':{'post':{'operationId':'O#','parameters':[{'in':'body','name':'b','schema':"
                "{'type':'object'}}]," RESPONSES "}}",
                12000},
               {"}}", 0}}},
    {.name = "references with escapes that lead nowhere",
     .parts = {{HEAD "'paths':{},'definitions':{", 0},
               {"'D#':{'$ref':'#/definitions/a~1b'}", 30000},
               {",", 0},
               {"'E#':{}", 80000},
               {"}}", 0}}},
    {.name = "triggers that share a body without a callback URL",
     .parts =
         {{HEAD "'paths':{", 0},
          {"'/p#':{'post':{'operationId':'O#','x-ms-trigger':'single','parameters':[{'in':'body',"
           "'name':'b','schema':{'allOf':[{'$ref':'#/definitions/B'}]}}]," RESPONSES "}}",
           20000},
          {"},'definitions':{'B':{'properties':{", 0},
          {"'p#':{'$ref':'#/definitions/C'}", 3000},
          {"}},'C':{'properties':{'x':{}}}}}", 0}}},
    {.name = "a long path with many findings below it",
     .parts = {{HEAD "'paths':{'/", 0},
               {"aaaaaaaaaaaaaaaaaaaa", 30000, true},
               {"':{'get':{'operationId':'O','tags':[", 0},
               {"1", 100000},
               {"]," RESPONSES "}}}}", 0}}},
    {.name = "keys that stand twice, all on one line",
     .convert = true,
     .parts = {{HEAD "'paths':{},'definitions':{", 0}, {"'A':{}", 120000}, {"}}", 0}}},
    {.name = "scopes that are asked for",
     .convert = true,
     .parts =
         {{HEAD
           "'paths':{},'securityDefinitions':{'o':{'type':'oauth2','flow':'accessCode',"
           "'authorizationUrl':'https://a/','tokenUrl':'https://a/','scopes':{}}},'security':[{"
           "'o':[",
           0},
          {"'s#'", 80000},
          {"]}]}", 0}}},
    {.name = "allOf of very many parts",
     .convert = true,
     .parts = {{HEAD3 "'paths':{'/a':{'post':{'operationId':'A','requestBody':{'content':{"
                      "'application/x-www-form-urlencoded':{'schema':{'allOf':[",
                0},
               {"{'properties':{'q#':{'type':'string'}}}", 18000},
               {"]}}}}," RESPONSES "}}}}", 0}}},
    {.name = "anyOf of very many parts",
     .convert = true,
     .e = RAC_E_LIMIT,
     .parts = {{HEAD3 "'paths':{},'components':{'schemas':{'A':{'anyOf':[", 0},
               {"{'properties':{'q#':{'type':'string'}}}", 18000},
               {"]}}}}", 0}}},
    {.name = "targets of references that have one name",
     .convert = true,
     .parts = {{HEAD3 "'paths':{},'components':{'schemas':{'A':{'properties':{", 0},
               {"'p#':{'$ref':'#/x-s/#/schema'}", 20000},
               {"}}}},'x-s':[", 0},
               {"{'schema':{}}", 20000},
               {"]}", 0}}},
    {.name = "operations that share a large form",
     .convert = true,
     .e = RAC_E_LIMIT,
     .parts = {{HEAD3 "'paths':{", 0},
               {"'/a#':{'post':{'operationId':'A#','requestBody':{'content':{'application/"
                "x-www-form-urlencoded':{'schema':{'$ref':'#/components/schemas/B'}}}}," RESPONSES
                "}}",
                4000},
               {"},'components':{'schemas':{'B':{'type':'object','properties':{", 0},
               {"'q#':{'type':'string'}", 12000},
               {"}}}}}", 0}}},
    {.name = "free values that references repeat",
     .convert = true,
     .e = RAC_E_LIMIT,
     .parts = {{HEAD3 "'paths':{},'x-a':[", 0},
               {"{'$ref':'#/x-b'}", 40000},
               {"],'x-b':{", 0},
               {"'a#':1", 10000},
               {"}}", 0}}},
    {.name = "a path of very many variables",
     .convert = true,
     .parts = {{PM "'item':[{'name':'n','request':{'method':'GET','url':'https://a.example/", 0},
               {"a/:a/:a/:a/:", 60000, true},
               {"'}}]}", 0}}},
    {.name = "braces that never close",
     .convert = true,
     .parts = {{PM "'item':[{'name':'n','request':{'method':'POST','url':'https://a.example/x',"
                   "'body':{'mode':'raw','raw':'",
                0},
               {"{{", 200000, true},
               {"'}}}]}", 0}}},
    {.name = "the scopes of a collection",
     .convert = true,
     .parts = {{PM
                "'item':[{'name':'n','request':{'method':'GET','url':'https://a.example/x'}}],"
                "'auth':{'type':'oauth2','oauth2':[{'key':'authUrl','value':'https://a/'},{'key':"
                "'accessTokenUrl','value':'https://a/'},{'key':'scope','value':'",
                0},
               {"s# ", 120000, true},
               {"'}]}}", 0}}},
    {.name = "values that hold values that hold values",
     .convert = true,
     .parts = {{PM
                "'variable':[{'key':'a','value':'{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}"
                "{{b}}{{b}}{{b}}'},{'key':'b','value':'{{c}}{{c}}{{c}}{{c}}{{c}}{{c}}{{c}}{{c}}"
                "{{c}}{{c}}{{c}}{{c}}'},{'key':'c','value':'{{d}}{{d}}{{d}}{{d}}{{d}}{{d}}{{d}}"
                "{{d}}{{d}}{{d}}{{d}}{{d}}'},{'key':'d','value':'{{e}}{{e}}{{e}}{{e}}{{e}}{{e}}'},"
                "{'key':'e','value':'0123456789012345678901234567890123456789'}],"
                "'item':[{'name':'n','request':{'method':'GET','url':'https://a.example/x',"
                "'header':[",
                0},
               {"{'key':'h#','value':'{{a}}'}", 30000},
               {"]}}]}", 0}}},
    {.name = "requests that join one with very many parameters",
     .convert = true,
     .parts =
         {{PM "'item':[{'name':'n','request':{'method':'GET','url':'https://a.example/x','header':"
              "[",
           0},
          {"{'key':'h#','value':'v'}", 900},
          {"]}},", 0},
          {"{'name':'n','request':{'method':'GET','url':'https://a.example/x?p=1','header':[{"
           "'key':'h897'},{'key':'h898'},{'key':'h898'},{'key':'h899'}]}}",
           8000},
          {"]}", 0}}},
    {.name = "folders in folders with long names",
     .convert = true,
     .parts = {{PM "'item':[", 0},
               {"{'name':'" FOLDER FOLDER FOLDER FOLDER "','item':[", 250, true},
               {"{'name':'n','request':{'method':'GET','url':'https://a.example/x#'}}", 6000},
               {"]}", 250, true},
               {"]}", 0}}},
};

static rac_str text_of(const struct hostile *h, struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 28);
    for (const struct part *p = h->parts; p->text != NULL; p++)
        for (unsigned i = 0; i < (p->n > 0 ? p->n : 1); i++) {
            if (i > 0 && !p->run)
                rac_buf_add_char(&b, ',');
            for (const char *c = p->text; *c != 0; c++)
                if (*c == '#' && c[1] != '/')
                    rac_buf_printf(&b, "%u", i);
                else
                    rac_buf_add_char(&b, *c == '\'' ? '"' : *c);
        }
    rac_str s = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return s;
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static rac_err work(const struct hostile *h, rac_str text, struct rac_arena *a)
{
    struct rac_document *doc = NULL;
    struct rac_diags found;
    struct rac_converted out;
    rac_diags_init(&found, a, FOUND_MAX);
    if (rac_document_read(text, RAC_S("hostile"), a, &doc, &found) != RAC_OK)
        fail_msg("%s: not readable", h->name);
    if (h->convert) {
        rac_err e = rac_convert(doc, &(struct rac_convert_options){0}, a, &out, &found);
        if (e != RAC_OK && found.errors_total == 0)
            fail_msg("%s: refused without a reason", h->name);
        return e;
    }
    struct rac_check_input in = {.doc = doc, .profile = RAC_PROFILE_REGISTRATION};
    return rac_check_definition(&in, &found);
}

/* Linear work takes a tenth of a second here; sanitizers are some ten times slower. */
static void hostile_definitions_cost_little(void **state RAC_UNUSED)
{
    enum { CPU_MS_MAX = 4000, BYTES_MAX = 192 << 20 };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_arena texts, a;
        rac_arena_init(&texts, ARENA_BYTES_MAX);
        rac_arena_init(&a, ARENA_BYTES_MAX);
        rac_str text = text_of(&cases[i], &texts);
        int64_t before = cpu_ms();
        rac_err e = work(&cases[i], text, &a);
        int64_t took = cpu_ms() - before;
        if (e != cases[i].e || took > CPU_MS_MAX * RAC_UNIT_SLOWER || a.used_bytes > BYTES_MAX)
            fail_msg("%s: %s, %lld ms, %zu bytes for %zu", cases[i].name, rac_err_name(e),
                     (long long)took, a.used_bytes, text.n);
        rac_arena_fini(&a);
        rac_arena_fini(&texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_definitions_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
