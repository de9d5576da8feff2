/* Values of ARM templates (spec workflows §1.2): each function of the public reference by what it
 * gives, or by why nobody can know it before a deployment; names, loops, functions of the
 * template's own, nested deployments; what could grow without end. */
#include "test_arena.h"

#include <stdio.h>

#include "base/buf.h"
#include "workflow/template/template.h"

/* What a reading told of values it cannot know: "POINTER: why" a line. */
struct told {
    struct rac_buf b;
    size_t n;
};

static void note(void *arg, const struct rac_template_value *v)
{
    struct told *t = arg;
    rac_buf_printf(&t->b, "%s%.*s: %s", t->n++ > 0 ? "\n" : "", RAC_FMT(v->pointer), v->why);
}

static rac_str quoted(const char *text) /* ` for " */
{
    char *p = rac_arena_cstr(&a, rac_str_of(text));
    for (char *c = p; *c != '\0'; c++)
        *c = *c == '`' ? '"' : *c;
    return rac_str_of(p);
}

static size_t read_template(rac_str text, struct rac_template_workflow **w, rac_str *why)
{
    struct rac_json root;
    struct rac_json_error where;
    struct told told = {.n = 0};
    size_t n = 0;
    if (rac_json_parse(text, &a, 0, &root, &where) != RAC_OK)
        fail_msg("%s at %u:%u", where.message, where.line, where.column);
    rac_buf_init(&told.b, 1 << 20);
    rac_template_read(&root, NULL, &a, w, &n, note, &told);
    *why = rac_buf_take(&told.b, &a);
    rac_buf_fini(&told.b);
    return n;
}

#define DOGS                                                                                       \
    "[{`name`:`Evie`,`age`:5},{`name`:`Casper`,`age`:3},{`name`:`Indy`,`age`:2},"                  \
    "{`name`:`Kira`,`age`:8}]"

/* The value of an expression, as JSON; "? WHY" when nobody can know it. */
static rac_str value_of(const char *expression)
{
    struct rac_template_workflow *w;
    struct rac_buf b;
    rac_str why;
    rac_buf_init(&b, 4 << 20);
    rac_buf_add(&b,
                quoted("{`parameters`:{`given`:{`type`:`string`,`defaultValue`:`x`},"
                       "`open`:{`type`:`string`},"
                       "`list`:{`type`:`array`,`defaultValue`:[1,`[parameters('open')]`]}},"
                       "`variables`:{`dogs`:" DOGS ",`o`:{`b`:1,`A`:{`x`:[1,2,3]}},"
                       "`loop`:`[variables('pool')]`,`pool`:`[variables('loop')]`,"
                       "`part`:{`known`:1,`not`:`[reference('r')]`}},"
                       "`resources`:[{`type`:`Microsoft.Logic/workflows`,`name`:`w`,`properties`:"
                       "{`definition`:{`v`:"));
    rac_json_print_string(rac_arena_printf(&a, "[%s]", expression), 0, &b);
    RAC_BUF_ADD_LIT(&b, "}}}]}");
    assert_int_equal(read_template(rac_buf_take(&b, &a), &w, &why), 1);
    rac_buf_fini(&b);
    if (why.n > 0) {
        size_t at = rac_str_find(why, RAC_S(": "));
        return rac_str_concat(&a, RAC_S("? "), rac_str_from(why, at + 2));
    }
    const struct rac_json *v = rac_json_get(&w[0].definition, RAC_S("v"));
    return v != NULL ? rac_json_print_str(v, 0, &a) : RAC_S("null");
}

struct row {
    const char *expression, *value; /* ` for " */
};

static void expect(const struct row *rows, size_t n)
{
    size_t wrong = 0;
    struct rac_arena_mark before = rac_arena_mark(&a);
    for (size_t i = 0; i < n; i++, rac_arena_rewind(&a, before)) {
        rac_str got = value_of(rows[i].expression), want = quoted(rows[i].value);
        bool open = rac_str_starts(want, RAC_S("? ")); /* a part of the reason */
        if (open ? rac_str_starts(got, RAC_S("? ")) &&
                       rac_str_find(got, rac_str_from(want, 2)) != RAC_STR_NPOS
                 : rac_str_eq(got, want))
            continue;
        wrong++;
        print_message("%s\n  is     %.*s\n  should %.*s\n", rows[i].expression, RAC_FMT(got),
                      RAC_FMT(want));
    }
    assert_int_equal(wrong, 0);
}
#define EXPECT(rows) expect(rows, RAC_COUNT(rows))

/* --- functions, by the groups of the reference ------------------------------------------------ */

static void lists(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"array('a')", "[`a`]"},
        {"array(createArray(1))", "[1]"},
        {"concat(createArray(1), createArray(2, 3))", "[1,2,3]"},
        {"concat(createArray(1), 'a')", "? concat() joins texts, or lists"},
        {"contains(createArray('one', 'two'), 'two')", "true"},
        {"contains(createArray('one', 'two'), 'Two')", "false"},
        {"contains('OneTwo', 'T')", "true"},
        {"contains('OneTwo', 't')", "false"},
        {"contains(variables('o'), 'a')", "true"},
        {"createArray()", "[]"},
        {"createArray(1, 'b', createArray())", "[1,`b`,[]]"},
        {"createObject('a', 1, 'b', true())", "{`a`:1,`b`:true}"},
        {"createObject('a')", "? names and values in turn"},
        {"empty('')", "true"},
        {"empty(createArray())", "true"},
        {"empty(createObject('a', 1))", "false"},
        {"empty(null())", "true"},
        {"first(createArray('a', 'b'))", "`a`"},
        {"first('One Two')", "`O`"},
        {"first('\xc3\xa9t\xc3\xa9')", "`\xc3\xa9`"},
        {"first(createArray())", "null"},
        {"last(createArray('a', 'b'))", "`b`"},
        {"last('One')", "`e`"},
        {"flatten(createArray(createArray(1, 2), createArray(), createArray(3)))", "[1,2,3]"},
        {"flatten(createArray(1))", "? list of lists"},
        {"indexFromEnd(createArray('a', 'b', 'c'), 1)", "`c`"},
        {"indexFromEnd(createArray('a', 'b', 'c'), 3)", "`a`"},
        {"indexFromEnd(createArray('a', 'b', 'c'), 4)", "? so far from its end"},
        {"tryIndexFromEnd(createArray('a', 'b', 'c'), 2)", "`b`"},
        {"tryIndexFromEnd(createArray('a', 'b', 'c'), 0)", "null"},
        {"tryIndexFromEnd(createArray('a', 'b', 'c'), 4)", "null"},
        {"tryIndexFromEnd(createArray(createObject('x', 7)), 1, 'x')", "7"},
        {"indexOf(createArray('a', 'b', 'a'), 'a')", "0"},
        {"indexOf(createArray('a', 'b', 'a'), 'A')", "-1"},
        {"indexOf(createArray(1, createArray(2)), createArray(2))", "1"},
        {"lastIndexOf(createArray('a', 'b', 'a'), 'a')", "2"},
        {"lastIndexOf(createArray(1, 2), 3)", "-1"},
        {"intersection(createArray(1, 2, 3), createArray(3, 2), createArray(2))", "[2]"},
        {"intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", "{`a`:1}"},
        {"items(createObject('item002', 2, 'Item001', 1))",
         "[{`key`:`Item001`,`value`:1},{`key`:`item002`,`value`:2}]"},
        {"items('a')", "? takes an object"},
        {"length(createArray(1, 2))", "2"},
        {"length('\xc3\xa9t\xc3\xa9')", "3"},
        {"length(variables('o'))", "2"},
        {"length(1)", "? takes a text"},
        {"max(1, 5, 3)", "5"},
        {"max(createArray(1, 5, 3))", "5"},
        {"min(createArray(4, -2))", "-2"},
        {"min(createArray())", "? empty"},
        {"objectKeys(variables('o'))", "[`b`,`A`]"},
        {"range(5, 3)", "[5,6,7]"},
        {"range(1, 0)", "[]"},
        {"range(0, 10001)", "? it cannot have"},
        {"range(9223372036854775807, 2)", "? it cannot have"},
        {"shallowMerge(createArray(createObject('a', createObject('x', 1)), "
         "createObject('a', createObject('y', 2))))",
         "{`a`:{`y`:2}}"},
        {"skip(createArray(1, 2, 3), 2)", "[3]"},
        {"skip('one two', 4)", "`two`"},
        {"skip('one', -1)", "`one`"},
        {"skip('one', 9)", "``"},
        {"take(createArray(1, 2, 3), 2)", "[1,2]"},
        {"take('one', 2)", "`on`"},
        {"take('one', 9)", "`one`"},
        {"take(createArray(1), -1)", "[]"},
        {"tryGet(variables('o'), 'a', 'x', 2)", "3"},
        {"tryGet(variables('o'), 'none', 'x')", "null"},
        {"tryGet(variables('o'), 'a', 'none')", "? no such property"},
        {"tryGet(createArray(1, 2), 1)", "2"},
        {"tryGet(createArray(1, 2), 2)", "null"},
        {"tryGet(createArray(1, 2), createObject('value', 1, 'fromEnd', true()))", "2"},
        {"union(createArray(1, 2), createArray(2, 3))", "[1,2,3]"},
        {"union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))",
         "{`a`:{`x`:1,`y`:2}}"},
        {"union(createObject('a', createArray(1)), createObject('a', createArray(2)))",
         "{`a`:[2]}"},
    };
    EXPECT(rows);
}

static void addresses(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"parseCidr('10.144.0.0/20')",
         "{`network`:`10.144.0.0`,`netmask`:`255.255.240.0`,`broadcast`:`10.144.15.255`,"
         "`firstUsable`:`10.144.0.1`,`lastUsable`:`10.144.15.254`,`cidr`:20}"},
        {"parseCidr('10.144.1.7/20').network", "`10.144.0.0`"},
        {"parseCidr('10.0.0.7/32').firstUsable", "`10.0.0.7`"},
        {"parseCidr('0.0.0.0/0').broadcast", "`255.255.255.255`"},
        {"parseCidr('fdad:3236:5555::/48')",
         "{`network`:`fdad:3236:5555::`,`netmask`:`ffff:ffff:ffff::`,`firstUsable`:`fdad:3236:5555"
         "::`,`lastUsable`:`fdad:3236:5555:ffff:ffff:ffff:ffff:ffff`,`cidr`:48}"},
        {"parseCidr('::/0').netmask", "`::`"},
        {"parseCidr('10.0.0.0')", "? range of addresses"},
        {"parseCidr('10.0.0.0/33')", "? range of addresses"},
        {"parseCidr('10.0.0/8')", "? range of addresses"},
        {"cidrSubnet('10.144.0.0/20', 24, 0)", "`10.144.0.0/24`"},
        {"cidrSubnet('10.144.0.0/20', 24, 15)", "`10.144.15.0/24`"},
        {"cidrSubnet('10.144.0.0/20', 24, 16)", "? no such part"},
        {"cidrSubnet('10.144.0.0/20', 19, 0)", "? no such part"},
        {"cidrSubnet('fdad:3236:5555::/48', 52, 4)", "`fdad:3236:5555:4000::/52`"},
        {"cidrSubnet('::/0', 128, 5)", "`::5/128`"},
        {"cidrHost('10.144.3.0/24', 0)", "`10.144.3.1`"},
        {"cidrHost('10.144.3.0/24', 253)", "`10.144.3.254`"},
        {"cidrHost('10.144.3.0/24', 254)", "? no such host"},
        {"cidrHost('fdad:3236:5555:3000::/52', 4)", "`fdad:3236:5555:3000::5`"},
    };
    EXPECT(rows);
}

static void conditions(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"and(true(), false(), true())", "false"},
        {"and(false(), parameters('open'))", "false"},
        {"and(true(), parameters('open'))", "? 'open' has neither a value nor a default"},
        {"or(true(), parameters('open'))", "true"},
        {"or(false(), 1)", "? neither true nor false"},
        {"not(true())", "false"},
        {"not('x')", "? not"},
        {"bool('True')", "true"},
        {"bool(0)", "false"},
        {"coalesce(null(), null(), 'x')", "`x`"},
        {"coalesce(null())", "null"},
        {"coalesce(parameters('open'), 'x')", "? 'open'"},
        {"equals(createObject('a', 1), createObject('a', 1))", "true"},
        {"equals('a', 'A')", "false"},
        {"equals(1, '1')", "false"},
        {"greater(2, 1)", "true"},
        {"greaterOrEquals('b', 'a')", "true"},
        {"less(2, 10)", "true"},
        {"lessOrEquals(2, 2)", "true"},
        {"if(equals(1, 1), 'yes', reference('x'))", "`yes`"},
        {"if(parameters('open'), 1, 2)", "? 'open'"},
        {"if('x', 1, 2)", "? neither true nor false"},
    };
    EXPECT(rows);
}

static void dates(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"dateTimeAdd('2020-04-07T14:53:14Z', 'P3Y')", "`2023-04-07T14:53:14Z`"},
        {"dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", "`2020-03-29T14:53:14Z`"},
        {"dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H')", "`2020-04-07T15:53:14Z`"},
        {"dateTimeAdd('20200407T145314Z', 'PT1H30M', 'u')", "`2020-04-07 16:23:14Z`"},
        {"dateTimeAdd('2023-01-31 00:00:00Z', 'P1M')", "`2023-03-02T00:00:00Z`"},
        {"dateTimeAdd('2024-01-31 00:00:00Z', 'P1M')", "`2024-03-01T00:00:00Z`"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', 'P1DT0.5S', 'yyyy/MM/dd HH:mm:ss.f')",
         "`2024/02/01 00:00:00.5`"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', 'P1W', 'd')", "`2/7/2024`"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', 'P1W', 'fffffffff')", "? format"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', '1D')", "? no duration"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', 'PT')", "? no duration"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', 'P1H')", "? no duration"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', 'P99999999Y')", "? no duration"},
        {"dateTimeAdd('2024-01-31T00:00:00Z', '-P3000Y')", "? outside of the years"},
        {"dateTimeAdd('soon', 'P1D')", "? no date and time"},
        {"dateTimeFromEpoch(1683040573)", "`2023-05-02T15:16:13Z`"},
        {"dateTimeFromEpoch(-1)", "`1969-12-31T23:59:59Z`"},
        {"dateTimeFromEpoch(9223372036854775807)", "? seconds since 1970"},
        {"dateTimeToEpoch('2023-05-02T15:16:13Z')", "1683040573"},
        {"dateTimeToEpoch('1969-12-31T23:59:59.5Z')", "-1"},
        {"dateTimeToEpoch(dateTimeAdd('20230502T151613Z', 'PT0S'))", "1683040573"},
        {"utcNow('yyyy')", "? the time of the deployment"},
        {"dateTimeAdd(utcNow(), 'P1D')", "? the time of the deployment"},
    };
    EXPECT(rows);
}

static void lambdas(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"filter(variables('dogs'), lambda('d', greaterOrEquals(lambdaVariables('d').age, 5)))",
         "[{`name`:`Evie`,`age`:5},{`name`:`Kira`,`age`:8}]"},
        {"filter(variables('dogs'), lambda('v', 'i', and(less(lambdaVariables('i'), 2), "
         "equals(substring(lambdaVariables('v').name, 0, 1), 'C'))))",
         "[{`name`:`Casper`,`age`:3}]"},
        {"filter(range(0, 10), lambda('i', equals(0, mod(lambdaVariables('i'), 2))))",
         "[0,2,4,6,8]"},
        {"map(variables('dogs'), lambda('dog', lambdaVariables('dog').name))",
         "[`Evie`,`Casper`,`Indy`,`Kira`]"},
        {"map(createArray('a', 'b'), lambda('x', 'i', format('{0}:{1}', lambdaVariables('i'), "
         "lambdaVariables('x'))))",
         "[`0:a`,`1:b`]"},
        {"map(createArray(), lambda('x', 1))", "[]"},
        {"map(createArray(1, 2), lambda('x', ')('))", "[`)(`,`)(`]"},
        {"map(createArray(1, 2), lambda('x', 'it''s'))", "[`it's`,`it's`]"},
        {"map(filter(range(0, 4), lambda('i', contains(filter(range(0, 4), lambda('j', equals(0, "
         "mod(lambdaVariables('j'), 2)))), lambdaVariables('i')))), lambda('x', "
         "variables('dogs')[lambdaVariables('x')].name))",
         "[`Evie`,`Indy`]"},
        {"map(range(0, 2), lambda('x', map(range(0, 2), lambda('y', add(mul(10, "
         "lambdaVariables('x')), lambdaVariables('y'))))))",
         "[[0,1],[10,11]]"},
        {"reduce(map(variables('dogs'), lambda('d', lambdaVariables('d').age)), 1, "
         "lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))",
         "19"},
        {"reduce(createArray('a', 'b'), '', lambda('cur', 'next', 'i', concat(lambdaVariables("
         "'cur'), lambdaVariables('next'), lambdaVariables('i'))))",
         "`a0b1`"},
        {"reduce(createArray(createObject('f', 1), createObject('b', 2)), createObject(), "
         "lambda('cur', 'next', union(lambdaVariables('cur'), lambdaVariables('next'))))",
         "{`f`:1,`b`:2}"},
        {"map(sort(variables('dogs'), lambda('a', 'b', less(lambdaVariables('a').age, "
         "lambdaVariables('b').age))), lambda('d', lambdaVariables('d').age))",
         "[2,3,5,8]"},
        {"sort(createArray('b1', 'a1', 'b2', 'a2'), lambda('a', 'b', less(first(lambdaVariables("
         "'a')), first(lambdaVariables('b')))))",
         "[`a1`,`a2`,`b1`,`b2`]"},
        {"toObject(variables('dogs'), lambda('d', lambdaVariables('d').name), lambda('d', "
         "lambdaVariables('d').age))",
         "{`Evie`:5,`Casper`:3,`Indy`:2,`Kira`:8}"},
        {"toObject(createArray('x', 'y'), lambda('e', lambdaVariables('e')))", "{`x`:`x`,`y`:`y`}"},
        {"toObject(createArray(1), lambda('e', lambdaVariables('e')))", "? gives no text"},
        {"groupBy(createArray('foo', 'bar', 'baz'), lambda('x', substring(lambdaVariables('x'), 0, "
         "1)))",
         "{`f`:[`foo`],`b`:[`bar`,`baz`]}"},
        {"mapValues(createObject('foo', 'fo', 'bar', 'b'), lambda('val', "
         "toUpper(lambdaVariables('val'))))",
         "{`foo`:`FO`,`bar`:`B`}"},
        {"map(1, lambda('x', 1))", "? map() takes a list"},
        {"map(createArray(1), 1)", "? needs a lambda"},
        {"map(createArray(1), lambda(1))", "? too few names"},
        {"sort(createArray(2, 1), lambda('a', 'b', 1))", "? neither true nor false"},
        {"filter(createArray(1), lambda('x', parameters('open')))", "? 'open'"},
        {"length(map(createArray(1, 2), lambda('x', parameters('open'))))", "2"},
        {"concat(lambda('x', 1))", "? where no function takes one"},
        {"lambda('x', 1)", "? where no function takes one"},
        {"map(createArray(1), lambda('x', lambdaVariables('y')))", "? has a variable 'y'"},
        {"lambdaVariables('x')", "? has a variable 'x'"},
        {"map(createArray(1), lambda('x', 1)", "? bracket"},
        {"map(createArray(1), lambda('x', oops))", "? no template expression"},
    };
    EXPECT(rows);
}

static void numbers(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"add(5, 3)", "8"},
        {"sub(7, 3)", "4"},
        {"mul(5, -3)", "-15"},
        {"div(8, 3)", "2"},
        {"div(8, 0)", "? zero"},
        {"div(-9223372036854775807, -1)", "9223372036854775807"},
        {"mod(7, 3)", "1"},
        {"mod(7, 0)", "? zero"},
        {"add(9223372036854775807, 1)", "? "},
        {"int('4')", "4"},
        {"int('four')", "? int"},
        {"float('3.5')", "3.5"},
        {"float(3)", "3"},
    };
    EXPECT(rows);
}

static void texts(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"base64('one, two, three')", "`b25lLCB0d28sIHRocmVl`"},
        {"base64ToString('b25lLCB0d28sIHRocmVl')", "`one, two, three`"},
        {"base64ToJson(base64('{''one'': ''a'', ''two'': ''b''}'))", "{`one`:`a`,`two`:`b`}"},
        {"concat('a', 1, true())", "`a1True`"},
        {"dataUri('Hello')", "`data:text/plain;charset=utf8;base64,SGVsbG8=`"},
        {"dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "`Hello, World!`"},
        {"dataUriToString(dataUri('Hello'))", "`Hello`"},
        {"dataUriToString('data:,a%20b')", "`a b`"},
        {"dataUriToString('Hello')", "? no data URI"},
        {"endsWith('abcdef', 'EF')", "true"},
        {"startsWith('abcdef', 'AB')", "true"},
        {"startsWith('abcdef', 'e')", "false"},
        {"format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
         "`Hello, User. Formatted number: 8,175,133`"},
        {"format('{0:D4}|{0:N2}|{0:X}|{0:00000}', 42)", "`0042|42.00|2A|00042`"},
        {"format('[{0,5}][{0,-5}][{0,5:D3}]', 7)", "`[    7][7    ][  007]`"},
        {"format('{{{0}}}', 'x')", "`{x}`"},
        {"format('{0}{1}', true(), null())", "`True`"},
        {"format('{1}', 'x')", "? at character 1"},
        {"format('{0', 'x')", "? at character 1"},
        {"format('a}b', 'x')", "? at character 2"},
        {"format('{0,10001}', 'x')", "? at character 1"},
        {"format('{0,99999999999999999999}', 'x')", "? at character 1"},
        {"format('{0:q}', 1)", "? format"},
        {"guid('')", "`e655a85f-3ab2-5e4a-9666-569aa72a5a10`"},
        {"equals(guid('a', 'b'), guid('a-b'))", "true"},
        {"newGuid()", "? another in each deployment"},
        {"uniqueString('a')", "? a hash that only a deployment makes"},
        {"indexOf('test', 'T')", "0"},
        {"indexOf('abcdef', 'z')", "-1"},
        {"lastIndexOf('test', 'T')", "3"},
        {"join(createArray('a', 'b', 1), ', ')", "`a, b, 1`"},
        {"join('abc', ',')", "? takes a list"},
        {"json('{\"a\":[1,null]}')", "{`a`:[1,null]}"},
        {"json('{''a'': ''it\\''s'', ''q'': ''\"''}')", "{`a`:`it's`,`q`:`\\``}"},
        {"json('null')", "null"},
        {"json('1.5')", "1.5"},
        {"json('{')", "? no JSON"},
        {"padLeft('123', 10, '0')", "`0000000123`"},
        {"padLeft(7, 3)", "`  7`"},
        {"padLeft('12345', 3, '0')", "`12345`"},
        {"padLeft('x', 10001)", "? it cannot have"},
        {"padLeft('x', 3, '00')", "? it cannot have"},
        {"replace('123-123-1234', '-', '')", "`1231231234`"},
        {"replace('x', '', 'y')", "? not empty"},
        {"split('one,two,three', ',')", "[`one`,`two`,`three`]"},
        {"split('one;two,three', createArray(',', ';'))", "[`one`,`two`,`three`]"},
        {"split('a::b:c', createArray(':', '::'))", "[`a`,`b`,`c`]"},
        {"split('abc', '')", "[`abc`]"},
        {"split(1, ',')", "? takes a text"},
        {"string(createObject('valueA', 10))", "`{\\`valueA\\`:10}`"},
        {"string(true())", "`True`"},
        {"substring('one two three', 4, 3)", "`two`"},
        {"substring('\xc3\xa9t\xc3\xa9', 1)", "`t\xc3\xa9`"},
        {"substring('1234567890', 0, 11)", "? no larger than the length"},
        {"toLower('One')", "`one`"},
        {"toUpper('\xc3\xa9t\xc3\xa9')", "`\xc3\x89T\xc3\x89`"},
        {"trim('  one ')", "`one`"},
        {"uri('http://contoso.com/resources/', 'nested/azuredeploy.json')",
         "`http://contoso.com/resources/nested/azuredeploy.json`"},
        {"uri('contoso', 'x')", "? absolute address"},
        {"uriComponent('http://contoso.com/a b')", "`http%3A%2F%2Fcontoso.com%2Fa%20b`"},
        {"uriComponentToString('http%3A%2F%2Fcontoso.com')", "`http://contoso.com`"},
        {"fail('no such plan')", "? no such plan"},
    };
    EXPECT(rows);
}

#define SUB   "/subscriptions/00000000-0000-0000-0000-000000000001"
#define GROUP SUB "/resourceGroups/default"

static void places(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"resourceGroup().location", "`default`"},
        {"subscription().subscriptionId", "`00000000-0000-0000-0000-000000000001`"},
        {"tenant().tenantId", "`00000000-0000-0000-0000-000000000001`"},
        {"resourceId('Microsoft.Web/connections', 'office365')",
         "`" GROUP "/providers/Microsoft.Web/connections/office365`"},
        {"resourceId('other', 'Microsoft.Web/connections', 'x')",
         "`" SUB "/resourceGroups/other/providers/Microsoft.Web/connections/x`"},
        {"resourceId('s', 'g', 'Microsoft.Sql/servers/databases', 'a', 'b')",
         "`/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/a/databases/b`"},
        {"resourceId('Microsoft.Sql/servers/databases', 'a')", "? as many names"},
        {"resourceId('a', 'b')", "? needs a type"},
        {"subscriptionResourceId('Microsoft.Web/locations/managedApis', 'eu', 'office365')",
         "`" SUB "/providers/Microsoft.Web/locations/eu/managedApis/office365`"},
        {"subscriptionResourceId('s', 'Microsoft.Web/locations', 'eu')",
         "`/subscriptions/s/providers/Microsoft.Web/locations/eu`"},
        {"tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
         "`/providers/Microsoft.Authorization/roleDefinitions/r`"},
        {"extensionResourceId(resourceId('Microsoft.Web/sites', 'a'), "
         "'Microsoft.Authorization/locks', 'l')",
         "`" GROUP "/providers/Microsoft.Web/sites/a/providers/Microsoft.Authorization/locks/l`"},
        {"managementGroupResourceId('m', 'Microsoft.Authorization/locks', 'l')",
         "`/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Authorization/"
         "locks/l`"},
        {"reference('x').a.b[0]", "? reference() is asked of 'x'"},
        {"listKeys('x', '2020-01-01').keys[0].value", "? listKeys() is asked of a resource"},
        {"listCallbackUrl('x', '2020-01-01').value", "? listCallbackUrl() is asked"},
        {"deployment().name", "? the deployment at work"},
        {"environment().suffixes.storage", "? the cloud"},
        {"deployer().objectId", "? whoever deploys"},
        {"managementGroup().id", "? managementGroup()"},
        {"pickZones('a', 'b', 'c')", "? region"},
        {"providers('Microsoft.Web')", "? subscription"},
        {"getSecret('a', 'b')", "? key vault"},
        {"nothing('a')", "? no function 'nothing'"},
        {"contoso.nothing('a')", "? no function 'contoso.nothing'"},
        {"toLower()", "? toLower() is given 0 values"},
    };
    EXPECT(rows);
}

static void names(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"parameters('GIVEN')", "`x`"},
        {"parameters('open')", "? 'open' has neither a value nor a default"},
        {"parameters('gone')", "? no template parameter 'gone'"},
        {"variables('gone')", "? no template variable 'gone'"},
        {"variables('loop')", "? in a circle"},
        {"variables('o').a.X[1]", "2"},
        {"variables('o').a.y", "? no property 'y'"},
        {"variables('o').?y", "null"},
        {"variables('o')[?'y']", "null"},
        {"variables('o').a.x[3]", "? no such element"},
        {"variables('o').a.x[?3]", "null"},
        {"variables('part').known", "1"},
        {"variables('part').not", "? reference()"},
        {"length(variables('part'))", "2"},
        {"string(variables('part'))", "? reference()"},
        {"equals(variables('part'), variables('part'))", "? reference()"},
        {"parameters('list')[0]", "1"},
        {"join(parameters('list'), ',')", "? 'open'"},
        {"copyIndex()", "? outside of a copy"},
        {"concat('a', 'b'", "? bracket"},
        {"concat('a' 'b')", "? bracket"},
        {"concat('a)", "? does not end"},
        {"concat", "? no template expression"},
        {"concat('a') x", "? no template expression (character 13)"},
    };
    EXPECT(rows);
}

/* --- templates -------------------------------------------------------------------------------- */

#define WORKFLOW(members) "{`type`:`Microsoft.Logic/workflows`,`name`:`w`," members "}"

/* The definition of the first workflow, or what is told. */
static void expect_template(const char *text, size_t n, const char *want)
{
    struct rac_template_workflow *w;
    rac_str why, got;
    assert_int_equal(read_template(quoted(text), &w, &why), n);
    got = why.n > 0 ? why : n > 0 ? rac_json_print_str(&w[0].definition, 0, &a) : RAC_S("");
    assert_str(got, rac_arena_cstr(&a, quoted(want)));
}

static void own_functions(void **state RAC_UNUSED)
{
    expect_template(
        "{`languageVersion`:`2.0`,`functions`:[{`namespace`:`__bicep`,`members`:{"
        "`isEven`:{`parameters`:[{`type`:`int`,`name`:`i`}],`output`:{`type`:`bool`,"
        "`value`:`[equals(mod(parameters('i'), 2), 0)]`}},"
        "`shout`:{`parameters`:[{`type`:`string`,`name`:`s`}],`output`:{`type`:`object`,`value`:"
        "{`even`:`[__bicep.isEven(length(parameters('s')))]`,`s`:`[toUpper(parameters('s'))]`}}}"
        "}}],`resources`:{`app`:" WORKFLOW(
            "`properties`:{`definition`:{`a`:`[map(createArray('ab', 'abc'), lambda('x', "
            "__bicep.shout(lambdaVariables('x'))))]`}}") "}}",
        1, "{`a`:[{`even`:true,`s`:`AB`},{`even`:false,`s`:`ABC`}]}");
    expect_template("{`functions`:[{`namespace`:`n`,`members`:{`f`:{`parameters`:[],`output`:{"
                    "`value`:`[n.f()]`}}}}],`resources`:[" WORKFLOW(
                        "`properties`:{`definition`:`[n.f()]`}") "]}",
                    1,
                    "/resources/0/properties/definition: its expressions refer to each other "
                    "without end, or too much (character 1)");
    expect_template(
        "{`functions`:[{`namespace`:`n`,`members`:{`f`:{`parameters`:[],`output`:{"
        "`value`:1}}}}],`resources`:[" WORKFLOW("`properties`:{`definition`:`[n.f(1)]`}") "]}",
        1, "/resources/0/properties/definition: n.f() is given 1 values and takes 0");
}

static void loops(void **state RAC_UNUSED)
{
    expect_template("{`variables`:{`copy`:[{`name`:`v`,`count`:2,`input`:{`n`:`[copyIndex('v', "
                    "1)]`}}]},`resources`:[" WORKFLOW(
                        "`copy`:{`name`:`w`,`count`:3},`properties`:{`definition`:{"
                        "`i`:`[copyIndex()]`,`v`:`[variables('v')]`,"
                        "`copy`:[{`name`:`p`,`count`:2,`input`:`[concat(copyIndex('w'), "
                        "copyIndex('p'))]`}]}}") "]}",
                    3, "{`i`:0,`v`:[{`n`:1},{`n`:2}],`p`:[`00`,`01`]}");
    expect_template(
        "{`resources`:[" WORKFLOW("`properties`:{`definition`:{`copy`:[{`name`:`p`,`count`:1,"
                                  "`input`:`[newGuid()]`}]}}") "]}",
        1,
        "/resources/0/properties/definition/p/0: newGuid() is another in each "
        "deployment");
    expect_template("{`resources`:[" WORKFLOW("`copy`:{`name`:`w`,`count`:0}") "]}", 0, "");
}

/* A nested deployment: its own names inside, its outputs outside. */
static void deployments(void **state RAC_UNUSED)
{
#define NESTED(name, scope, given, body)                                                           \
    "{`type`:`Microsoft.Resources/deployments`,`name`:`" name                                      \
    "`,`properties`:{`expressionEvaluationOptions`:{`scope`:`" scope "`},`parameters`:{" given     \
    "},`template`:{" body "}}}"
    static const char first[] =
        NESTED("one", "inner", "`p`:{`value`:`[parameters('p')]`}",
               "`parameters`:{`p`:{`type`:`string`}},`resources`:[],`outputs`:{"
               "`id`:{`type`:`string`,`value`:`[concat(parameters('p'), '!')]`},"
               "`open`:{`type`:`string`,`value`:`[newGuid()]`},"
               "`all`:{`type`:`array`,`copy`:{`count`:2,`input`:`[copyIndex()]`}}}");
    static const struct {
        const char *definition, *want;
    } rows[] = {
        {"[reference('one').outputs.id.value]", "`x!`"},
        {"[reference(resourceId('Microsoft.Resources/deployments', 'one'), '2022-09-01').outputs."
         "id.value]",
         "`x!`"},
        {"[reference('one').outputs.all.value]", "[0,1]"},
        {"[reference('one').outputs.open.value]", "newGuid() is another in each deployment"},
        {"[reference('one').outputs.none.value]", "a value has no property 'none'"},
        {"[reference('one', '2022-09-01', 'full').outputs]", "reference() is asked of a resource"},
        {"[reference('two').outputs]", "reference() is asked of 'two', which exists when deployed"},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        struct rac_template_workflow *w;
        rac_str why;
        rac_str text = rac_arena_printf(
            &a,
            "{`parameters`:{`p`:{`type`:`string`,`defaultValue`:`x`}},`resources`:[%s,"
            "{`type`:`Microsoft.Logic/workflows`,`properties`:{`definition`:`%s`}}]}",
            first, rows[i].definition);
        assert_int_equal(read_template(quoted(rac_arena_cstr(&a, text)), &w, &why), 1);
        rac_str got = why.n > 0 ? why : rac_json_print_str(&w[0].definition, 0, &a);
        if (rac_str_find(got, quoted(rows[i].want)) == RAC_STR_NPOS)
            fail_msg("%s: %.*s", rows[i].definition, RAC_FMT(got));
    }
    expect_template("{`parameters`:{`p`:{`defaultValue`:`outer`}},`resources`:[" NESTED(
                        "n", "inner", "",
                        "`parameters`:{`p`:{`defaultValue`:`inner`}},`resources`:[" WORKFLOW(
                            "`properties`:{`definition`:`[parameters('p')]`}") "]") "]}",
                    1, "`inner`");
    expect_template("{`parameters`:{`p`:{`defaultValue`:`outer`}},`resources`:[" NESTED(
                        "n", "outer", "",
                        "`parameters`:{`p`:{`defaultValue`:`inner`}},`resources`:[" WORKFLOW(
                            "`properties`:{`definition`:`[parameters('p')]`}") "]") "]}",
                    1, "`outer`");
}

/* Modules in a loop, by their names and by what the template calls them. */
static void deployments_in_loops(void **state RAC_UNUSED)
{
    static const char *const by[] = {
        "reference('mods[1]')", "reference(format('m-{0}', 1))",
        "reference(resourceId('Microsoft.Resources/deployments', 'm-1'), '2022-09-01')"};
    for (size_t i = 0; i < RAC_COUNT(by); i++) {
        rac_str text = rac_arena_printf(
            &a,
            "{`languageVersion`:`2.0`,`variables`:{`apis`:[`sql`,`teams`]},`resources`:{`mods`:{"
            "`copy`:{`name`:`c`,`count`:`[length(variables('apis'))]`},`type`:"
            "`Microsoft.Resources/deployments`,`name`:`[format('m-{0}', copyIndex())]`,"
            "`properties`:{`parameters`:{`api`:{`value`:`[variables('apis')[copyIndex()]]`}},"
            "`template`:{`parameters`:{`api`:{`type`:`string`}},`resources`:[],`outputs`:{`id`:{"
            "`type`:`string`,`value`:`[concat('c-', parameters('api'))]`}}}}},`w`:" WORKFLOW(
                "`properties`:{`definition`:`[%s.outputs.id.value]`}") "}}",
            by[i]);
        expect_template(rac_arena_cstr(&a, text), 1, "`c-teams`");
    }
    expect_template("{`resources`:[{`copy`:{`name`:`c`,`count`:2},`type`:"
                    "`Microsoft.Resources/deployments`,`name`:`n`,`properties`:{`template`:{"
                    "`resources`:[],`outputs`:{}}}}," WORKFLOW(
                        "`properties`:{`definition`:`[concat(string(reference('n').outputs), "
                        "copyIndex())]`}") "]}",
                    1, "/resources/1/properties/definition: copyIndex() stands outside of a copy");
}

/* A parameter has the values its declaration permits. */
static void parameters_as_declared(void **state RAC_UNUSED)
{
    static const struct {
        const char *declared, *want;
    } rows[] = {
        {"`type`:`int`,`defaultValue`:`5`", "is no int"},
        {"`type`:`String`,`defaultValue`:5", "is no String"},
        {"`type`:`secureObject`,`defaultValue`:{}", "{}"},
        {"`type`:`bool`,`defaultValue`:null,`nullable`:true", ""},
        {"`type`:`string`,`defaultValue`:`Dev`,`allowedValues`:[`dev`,`prod`]", "`Dev`"},
        {"`type`:`string`,`defaultValue`:`[concat('te', 'st')]`,`allowedValues`:[`dev`]",
         "is none it allows"},
        {"`type`:`int`,`defaultValue`:2,`allowedValues`:[1,2]", "2"},
        {"`type`:`array`,`defaultValue`:[1,1],`allowedValues`:[1,2]", "[1,1]"},
        {"`type`:`array`,`defaultValue`:[3],`allowedValues`:[1,2]", "is none it allows"},
        {"`$ref`:`#/definitions/x`,`defaultValue`:[3]", "[3]"},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        struct rac_template_workflow *w;
        rac_str why,
            text = rac_arena_printf(&a,
                                    "{`parameters`:{`p`:{%s}},`resources`:[" WORKFLOW(
                                        "`properties`:{`definition`:`[parameters('p')]`}") "]}",
                                    rows[i].declared);
        assert_int_equal(read_template(quoted(rac_arena_cstr(&a, text)), &w, &why), 1);
        rac_str got = why.n > 0 ? why : rac_json_print_str(&w[0].definition, 0, &a);
        if (rac_str_find(got, quoted(rows[i].want)) == RAC_STR_NPOS)
            fail_msg("%s: %.*s", rows[i].declared, RAC_FMT(got));
    }
}

/* What nobody knows of a connection its reference stands for, and the workflow is not refused. */
static void connections(void **state RAC_UNUSED)
{
    struct rac_template_workflow *w;
    rac_str why;
    size_t n = read_template(
        quoted("{`variables`:{`all`:{`$connections`:{`value`:{`office365-1`:{`connectionId`:"
               "`[resourceId('Microsoft.Web/connections', uniqueString('x'))]`,`connectionName`:"
               "`[uniqueString('x')]`,`id`:`[reference('x').id]`},`sql`:`[reference('y')]`,"
               "`known`:{`connectionId`:`c`}}}}},`resources`:[" WORKFLOW(
                   "`properties`:{`definition`:1,`parameters`:`[variables('all')]`}") "]}"),
        &w, &why);
    assert_int_equal(n, 1);
    assert_str(rac_json_print_str(&w[0].parameters, 0, &a),
               "{\"$connections\":{\"value\":{\"office365-1\":{\"connectionId\":\"office365-1\","
               "\"connectionName\":\"office365-1\",\"id\":\"office365\"},\"sql\":"
               "{\"connectionId\":\"sql\"},\"known\":{\"connectionId\":\"c\"}}}}");
    assert_int_not_equal(rac_str_find(why, RAC_S("/sql")), RAC_STR_NPOS);
}

static void undeclared(void *arg, const struct rac_json_member *m)
{
    rac_buf_printf(arg, "%.*s ", RAC_FMT(rac_json_key(m)));
}

/* Values of a parameters file are what they are: no expressions. */
static void parameters_files(void **state RAC_UNUSED)
{
    static const struct {
        const char *file, *want, *rest;
    } rows[] = {
        {"{`parameters`:{`P`:{`value`:`[x]`},`other`:{`value`:1}}}", "`[x]`", "other "},
        {"{`p`:{`a`:[`[1]`,null]}}", "{`a`:[`[1]`,null]}", ""},
        {"{`parameters`:{`p`:{`reference`:{`secretName`:`s`}}}}", "is kept elsewhere", ""},
        {"{}", "`default`", ""},
        {"{`parameters`:{`p`:{`value`:null}}}", "`default`", ""},
        {"{`p`:null}", "`default`", ""},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        struct rac_template_workflow *w;
        struct rac_json root, file;
        struct rac_buf rest;
        struct told told = {.n = 0};
        size_t n;
        rac_buf_init(&told.b, 1 << 20);
        rac_buf_init(&rest, 1 << 20);
        assert_int_equal(
            rac_json_parse(quoted("{`parameters`:{`p`:{`defaultValue`:`default`}},"
                                  "`resources`:[" WORKFLOW(
                                      "`properties`:{`definition`:`[parameters('p')]`}") "]}"),
                           &a, 0, &root, NULL),
            RAC_OK);
        assert_int_equal(rac_json_parse(quoted(rows[i].file), &a, 0, &file, NULL), RAC_OK);
        assert_true(rac_template_is(&root));
        rac_template_give(&root, &file, &a, undeclared, &rest);
        rac_template_read(&root, NULL, &a, &w, &n, note, &told);
        rac_str got =
            told.n > 0 ? rac_buf_str(&told.b) : rac_json_print_str(&w[0].definition, 0, &a);
        if (rac_str_find(got, quoted(rows[i].want)) == RAC_STR_NPOS)
            fail_msg("%s: %.*s", rows[i].file, RAC_FMT(got));
        assert_str(rac_buf_str(&rest), rows[i].rest);
        rac_buf_fini(&told.b);
        rac_buf_fini(&rest);
    }
}

/* Nested 50000 deep; 1000000 characters, and what is done with them for each of 10000. */
#define DEEP(step)                                                                                 \
    "reduce(range(0, 5), createObject(), lambda('c', 'm', reduce(range(0, 10000), "                \
    "lambdaVariables('c'), lambda('d', 'n', " step "))))"
#define LONG_TEXT(done)                                                                            \
    "map(map(createArray(replace(padLeft('', 10000, 'a'), 'a', padLeft('', 100, 'b'))), "          \
    "lambda('q', map(range(0, 10000), lambda('x', " done ")))), lambda('y', 1))"

/* What would grow without end stops, and soon. */
static void bounds(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {"map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', 1))))", "? too "},
        {"length(map(range(0, 10000), lambda('a', lambdaVariables('a'))))", "10000"},
        {"reduce(range(0, 10000), 'x', lambda('c', 'n', concat(lambdaVariables('c'), "
         "lambdaVariables('c'))))",
         "? too "},
        {"reduce(range(0, 10000), createArray('x'), lambda('c', 'n', createArray(lambdaVariables("
         "'c'), lambdaVariables('c'))))",
         "? too "},
        {"length(sort(range(0, 10000), lambda('a', 'b', greater(lambdaVariables('a'), "
         "lambdaVariables('b')))))",
         "10000"},
        {"length(split(padLeft('', 10000, ','), ','))", "10001"},
        {"replace(replace(padLeft('', 10000, 'a'), 'a', padLeft('', 10000, 'b')), 'b', padLeft('', "
         "10000, 'c'))",
         "? too "},
        {"length(format('{0,10000}{0,-10000}', 1))", "20000"},
        {"reduce(range(0, 10000), createArray(), lambda('c', 'n', "
         "createArray(lambdaVariables('c'))))",
         "? too large"},
        {DEEP("createArray(lambdaVariables('d'))"), "? too large"},
        {"string(" DEEP("createArray(lambdaVariables('d'))") ")", "? too large"},
        {"union(" DEEP("createObject('x', lambdaVariables('d'))") ", " DEEP(
             "createObject('x', lambdaVariables('d'))") ")",
         "? too large"},
        {LONG_TEXT("join(range(0, 20), lambdaVariables('q'))"), "? too "},
        {LONG_TEXT("guid(lambdaVariables('q'), string(lambdaVariables('x')))"), "? too "},
        {LONG_TEXT("contains(lambdaVariables('q'), 'z')"), "? too "},
        {"length(concat(padLeft('', 10000, 'x'), padLeft('', 10000, 'y')))", "20000"},
    };
    EXPECT(rows);
}

/* Where nobody is told of values, too much work is told all the same: what comes after is not read. */
static void exhausted(void **state RAC_UNUSED)
{
    static const char many[] = "{`resources`:[" WORKFLOW(
        "`copy`:{`name`:`c`,`count`:800},`properties`:{`definition`:[%.*s0]}") "]}";
    static const char template[] =
        "{`resources`:[{`type`:`T`,`condition`:`[empty(map(range(0, 10000), lambda('a', map(range("
        "0, 10000), lambda('b', 1)))))]`}," WORKFLOW("`properties`:{`definition`:{}}") "]}";
    struct rac_arena_mark before = rac_arena_mark(&a);
    struct rac_template_workflow *w;
    rac_str why;
    assert_int_equal(read_template(quoted(template), &w, &why), 0);
    assert_str(why, ": the expressions and copies of the template take too much work");
    /* a definition of 100,000 values, 800 times */
    rac_str zeros = rac_str_replace(&a, rac_str_of("0000000000"), RAC_S("0"), RAC_S("0,"));
    for (int i = 0; i < 4; i++)
        zeros = rac_str_replace(&a, RAC_S("zzzzzzzzzz"), RAC_S("z"), zeros);
    read_template(quoted(rac_arena_cstr(&a, rac_arena_printf(&a, many, RAC_FMT(zeros)))), &w, &why);
    assert_str(why, ": the expressions and copies of the template take too much work");
    /* empty deployments, 700 times 700 times …: each costs nothing but that it is one */
    rac_str nested = RAC_S("{`resources`:[]}");
    for (int i = 0; i < 7; i++)
        nested = rac_arena_printf(&a,
                                  "{`resources`:[{`type`:`Microsoft.Resources/deployments`,"
                                  "`copy`:{`name`:`c%d`,`count`:700},`properties`:{`template`:"
                                  "%.*s}}]}",
                                  i, RAC_FMT(nested));
    read_template(quoted(rac_arena_cstr(&a, nested)), &w, &why);
    assert_str(why, ": the expressions and copies of the template take too much work");
    rac_arena_rewind(&a, before);
}

/* What is beyond the limits is told of at the root, whatever told nothing before. */
static void left_unread(void **state RAC_UNUSED)
{
#define FLOW(name) "{`type`:`Microsoft.Logic/workflows`,`name`:`" name "`,`properties`:{}}"
#define DEEPER(body)                                                                               \
    "{`resources`:[{`type`:`Microsoft.Resources/"                                                  \
    "deployments`,`name`:`d`,`properties`:{`template`:" body "}}]}"
    static const char eight[] = DEEPER(
        DEEPER(DEEPER(DEEPER(DEEPER(DEEPER(DEEPER(DEEPER("{`resources`:[" FLOW("w") "]}"))))))));
    static const struct {
        const char *template;
        size_t n;
        const char *why;
    } rows[] = {
        {"{`resources`:[{`copy`:{`name`:`c`,`count`:800},`type`:`Microsoft.Logic/workflows`,"
         "`name`:`w`,`properties`:{}}]}",
         800, ""},
        {"{`resources`:[{`copy`:{`name`:`c`,`count`:800},`type`:`Microsoft.Logic/workflows`,"
         "`name`:`w`,`properties`:{}}," FLOW("one more") "]}",
         800, ": the template deploys more workflows than the 800 that are read"},
        {"{`resources`:[{`copy`:{`name`:`c`,`count`:801},`type`:`Microsoft.Logic/workflows`,"
         "`name`:`w`,`properties`:{}}]}",
         800, ": a copy makes more than the 800 instances that are read"},
        {"{`resources`:[{`copy`:{`name`:`c`,`count`:5000},`type`:`T`,`name`:`t`}," FLOW("w") "]}",
         1, ""},
        {eight, 1, ""},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        struct rac_template_workflow *w;
        rac_str why;
        assert_int_equal(read_template(quoted(rows[i].template), &w, &why), rows[i].n);
        assert_str(why, rows[i].why);
    }
    struct rac_template_workflow *w;
    rac_str why, text = rac_arena_printf(&a, DEEPER("%s"), eight);
    assert_int_equal(read_template(quoted(rac_arena_cstr(&a, text)), &w, &why), 0);
    assert_str(why, ": deployments stand inside of each other deeper than the 8 levels that are "
                    "read");
}

/* Bounds of parameters, also of those nobody uses, told of where they are declared; where they are
 * used nothing is said again. Values of secure ones are not shown. */
static void parameters_in_bounds(void **state RAC_UNUSED)
{
#define AT "/parameters/p: the value "
#define OF " of the template parameter 'p' is "
    static const struct {
        const char *declared, *why;
    } rows[] = {
        {"`type`:`string`,`minLength`:3,`defaultValue`:`ab`",
         AT "\"ab\"" OF "shorter than its minLength of 3"},
        {"`type`:`string`,`maxLength`:3,`defaultValue`:`abcd`",
         AT "\"abcd\"" OF "longer than its maxLength of 3"},
        {"`type`:`string`,`minLength`:2,`maxLength`:2,`defaultValue`:`\xc3\xa4\xc3\xb6`", ""},
        {"`type`:`string`,`maxLength`:3,`defaultValue`:`[concat('ab', 'cd')]`",
         "/parameters/p: the value" OF "longer than its maxLength of 3"},
        {"`type`:`securestring`,`minLength`:8,`defaultValue`:`hunter2`",
         "/parameters/p: the value" OF "shorter than its minLength of 8"},
        {"`type`:`secureObject`,`defaultValue`:`hunter2`",
         "/parameters/p: the value" OF "no secureObject"},
        {"`type`:`int`,`minValue`:1,`maxValue`:9,`defaultValue`:0",
         AT "0" OF "below its minValue of 1"},
        {"`type`:`int`,`minValue`:1,`maxValue`:9,`defaultValue`:10",
         AT "10" OF "above its maxValue of 9"},
        {"`type`:`int`,`minValue`:1,`maxValue`:9,`defaultValue`:9", ""},
        {"`type`:`array`,`minLength`:1,`defaultValue`:[]",
         "/parameters/p: the value" OF "shorter than its minLength of 1"},
        {"`type`:`array`,`maxLength`:1,`defaultValue`:[1,2]",
         "/parameters/p: the value" OF "longer than its maxLength of 1"},
        {"`type`:`string`,`allowedValues`:[`dev`],`defaultValue`:`prod`",
         AT "\"prod\"" OF "none it allows"},
        {"`type`:`bool`,`defaultValue`:`true`", AT "\"true\"" OF "no bool"},
        {"`type`:`array`,`items`:{`type`:`int`,`maxValue`:5},`defaultValue`:[1,7]",
         AT "7 at /1" OF "above its maxValue of 5"},
        {"`type`:`object`,`properties`:{`a`:{`type`:`securestring`,`minLength`:9}},"
         "`defaultValue`:{`a`:`hunter2`}",
         "/parameters/p: the value at /a" OF "shorter than its minLength of 9"},
        {"`$ref`:`#/definitions/port`,`defaultValue`:70000",
         AT "70000" OF "above its maxValue of 65535"},
        {"`$ref`:`#/definitions/loop`,`defaultValue`:70000", ""},
        {"`type`:`string`,`minLength`:5", ""},
        /* where it is deployed here is no region */
        {"`type`:`string`,`allowedValues`:[`[resourceGroup().location]`,`westus`],`defaultValue`:"
         "`[resourceGroup().location]`",
         ""},
        {"`type`:`string`,`allowedValues`:[`[resourceGroup().location]`,`westus`],`defaultValue`:"
         "`eastus`",
         ""},
        {"`type`:`string`,`allowedValues`:[`westus`],`maxLength`:6,`defaultValue`:"
         "`[toLower(variables('region'))]`",
         ""},
        {"`type`:`string`,`allowedValues`:[`[concat('a', 'b')]`],`defaultValue`:`AB`", ""},
        {"`type`:`string`,`allowedValues`:[`[concat('a', 'b')]`],`defaultValue`:`ac`",
         AT "\"ac\"" OF "none it allows"},
        {"`type`:`string`,`minLength`:5,`defaultValue`:`[newGuid()]`", ""},
        {"`type`:`string`,`minLength`:5,`nullable`:true", ""},
    };
    for (size_t i = 0; i < 2 * RAC_COUNT(rows); i++) {
        struct rac_template_workflow *w;
        rac_str why,
            text = rac_arena_printf(
                &a,
                "{`definitions`:{`port`:{`type`:`int`,`maxValue`:65535},`loop`:{`$ref`:"
                "`#/definitions/loop`}},`variables`:{`region`:`[resourceGroup().location]`},"
                "`parameters`:{`p`:{%s}},`resources`:[" WORKFLOW(
                    "`properties`:{`definition`:`%s`}") "]}",
                rows[i / 2].declared,
                i % 2 == 0 || rows[i / 2].why[0] == '\0' ? "x" : "[parameters('p')]");
        assert_int_equal(read_template(quoted(rac_arena_cstr(&a, text)), &w, &why), 1);
        assert_str(why, rows[i / 2].why);
    }
    struct rac_template_workflow *w;
    rac_str why;
    read_template(quoted("{`resources`:[{`type`:`Microsoft.Resources/deployments`,`name`:`n`,"
                         "`properties`:{`expressionEvaluationOptions`:{`scope`:`inner`},"
                         "`parameters`:{`p`:{`value`:5}},`template`:{`parameters`:{`p`:{`type`:"
                         "`int`,`maxValue`:4}},`resources`:[]}}}]}"),
                  &w, &why);
    assert_str(why, "/resources/0/properties/template/parameters/p: the value 5" OF
                    "above its maxValue of 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(addresses),
        cmocka_unit_test(conditions),
        cmocka_unit_test(dates),
        cmocka_unit_test(lambdas),
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts),
        cmocka_unit_test(places),
        cmocka_unit_test(names),
        cmocka_unit_test(own_functions),
        cmocka_unit_test(loops),
        cmocka_unit_test(bounds),
        cmocka_unit_test(exhausted),
        cmocka_unit_test(left_unread),
        cmocka_unit_test(parameters_in_bounds),
        cmocka_unit_test(deployments),
        cmocka_unit_test(parameters_as_declared),
        cmocka_unit_test(deployments_in_loops),
        cmocka_unit_test(connections),
        cmocka_unit_test(parameters_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
