/* Maps and schemas as the sandbox carries them out, in this process: what they give, what is said
 * about those that are wrong, and what they may not do. */
#include "unit.h"

#include "base/buf.h"
#include "sandbox/xml.h"

#define MAP(version, body)                                                                         \
    "<xsl:stylesheet version='" version                                                            \
    "' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>\n" body "</xsl:stylesheet>"
#define SCHEMA(body) "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>\n" body "</xs:schema>"

static struct rac_arena arena;
static struct rac_xml_parameter parameters[4];
static struct rac_xml_document documents[4];
static size_t parameters_n, documents_n;

static int setup(void **state)
{
    (void)state;
    rac_arena_init(&arena, 512 << 20);
    parameters_n = documents_n = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rac_arena_fini(&arena);
    return 0;
}

static struct rac_xml_answer answer_to(const struct rac_xml_work *w)
{
    struct rac_xml_answer out;
    rac_str bytes;
    assert_int_equal(rac_sandbox_xml(rac_xml_work_print(w, &arena), &arena, &bytes), RAC_OK);
    assert_int_equal(rac_xml_answer_read(bytes, &arena, &out), RAC_OK);
    return out;
}

static struct rac_xml_answer ask(enum rac_xml_task task, const char *artifact, const char *input)
{
    struct rac_xml_work w = {.task = task,
                             .output_bytes_max = 1 << 20,
                             .artifact = {RAC_S("orders.xslt"), rac_str_of(artifact)},
                             .input = rac_str_of(input),
                             .parameters = parameters,
                             .parameters_n = parameters_n,
                             .documents = documents,
                             .documents_n = documents_n};
    return answer_to(&w);
}
#define TRANSFORM(map, input)   ask(RAC_XML_TRANSFORM, map, input)
#define VALIDATE(schema, input) ask(RAC_XML_VALIDATE, schema, input)

static void has(rac_str text, const char *part)
{
    if (rac_str_find(text, rac_str_of(part)) == RAC_STR_NPOS)
        fail_msg("\"%.*s\" does not say \"%s\"", RAC_FMT(text), part);
}

static void refused(struct rac_xml_answer x, enum rac_xml_verdict verdict, uint32_t line,
                    const char *part)
{
    has(x.message, part);
    assert_int_equal(x.verdict, verdict);
    if (line > 0 && (x.findings_n == 0 || x.findings[0].line != line))
        for (size_t i = 0; i < x.findings_n; i++)
            print_message("%u: %.*s\n", x.findings[i].line, RAC_FMT(x.findings[i].message));
    if (line > 0) {
        assert_true(x.findings_n > 0);
        assert_int_equal(x.findings[0].line, line);
    }
}

static void maps(void **state)
{
    (void)state;
    struct rac_xml_answer x =
        TRANSFORM(MAP("1.0", "<xsl:output omit-xml-declaration='yes'/>"
                             "<xsl:template match='/'><n><xsl:value-of select='sum(//p)'/></n>"
                             "</xsl:template>"),
                  "<o><p>1</p><p>2</p></o>");
    assert_int_equal(x.verdict, RAC_XML_DONE);
    assert_str(x.output, "<n>3</n>\n");
    assert_str(x.media_type, "application/xml");
    x = TRANSFORM(MAP("1.0", "<xsl:output method='text'/><xsl:template match='/'>é</xsl:template>"),
                  "<o/>");
    assert_str(x.output, "é");
    assert_str(x.media_type, "text/plain; charset=utf-8");
    x = TRANSFORM(MAP("1.0", "<xsl:output method='text' encoding='iso-8859-1'/>"
                             "<xsl:template match='/'>é</xsl:template>"),
                  "<o/>");
    assert_str(x.output, "\xe9");
    assert_str(x.media_type, "text/plain; charset=iso-8859-1");
    x = TRANSFORM(
        MAP("1.0", "<xsl:template match='/'><html><body><br/></body></html></xsl:template>"),
        "<o/>");
    assert_str(x.media_type, "text/html; charset=utf-8");
    x = TRANSFORM(MAP("1.0", "<xsl:template match='/'>"
                             "<xsl:variable name='v'><a>1</a><a>2</a></xsl:variable>"
                             "<r xmlns:m='urn:schemas-microsoft-com:xslt'>"
                             "<xsl:value-of select='count(m:node-set($v)/a)'/></r>"
                             "</xsl:template>"),
                  "<o/>");
    has(x.output, ">2</r>");
    x = TRANSFORM("<r xsl:version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>"
                  "<xsl:value-of select='/o/@k'/></r>",
                  "<o k='7'/>");
    has(x.output, "<r>7</r>");
    x = TRANSFORM(MAP("1.0", "<xsl:template match='/'>"
                             "<r><xsl:value-of select=\"count(document('')/*)\"/></r>"
                             "</xsl:template>"),
                  "<o/>");
    has(x.output, "<r>1</r>");
}

static void parameters_given(void **state)
{
    (void)state;
    parameters[0] = (struct rac_xml_parameter){RAC_S("s"), RAC_S("it's \"so\""), RAC_XML_TEXT};
    parameters[1] = (struct rac_xml_parameter){RAC_S("n"), RAC_S("2.5"), RAC_XML_EXPRESSION};
    parameters[2] = (struct rac_xml_parameter){RAC_S("b"), RAC_S("false()"), RAC_XML_EXPRESSION};
    parameters_n = 3;
    struct rac_xml_answer x =
        TRANSFORM(MAP("1.0", "<xsl:output method='text'/><xsl:param name='s'/><xsl:param name='n'/>"
                             "<xsl:param name='b'/><xsl:template match='/'>"
                             "<xsl:value-of select='$s'/>|<xsl:value-of select='$n * 2'/>|"
                             "<xsl:if test='$b'>yes</xsl:if></xsl:template>"),
                  "<o/>");
    assert_str(x.output, "it's \"so\"|5|");
}

static void includes(void **state)
{
    (void)state;
    const char *map = MAP("1.0", "<xsl:include href='../Maps/common.xslt'/>");
    refused(TRANSFORM(map, "<o/>"), RAC_XML_NEED, 0, "common.xslt");
    documents[0] = (struct rac_xml_document){
        RAC_S("common"), RAC_S(MAP("1.0", "<xsl:template match='/'><c/></xsl:template>"))};
    documents_n = 1;
    has(TRANSFORM(map, "<o/>").output, "<c/>");
    documents[0].bytes = RAC_STR_NULL;
    refused(TRANSFORM(map, "<o/>"), RAC_XML_BAD_MAP, 0, "not among the maps");
    documents[0].bytes = RAC_S(MAP("2.0", ""));
    refused(TRANSFORM(map, "<o/>"), RAC_XML_UNSUPPORTED, 1, "XSLT 2.0");
    documents[0].bytes = RAC_S("<xsl:broken");
    refused(TRANSFORM(map, "<o/>"), RAC_XML_BAD_MAP, 1, "'common' is not well-formed");
}

static void unsupported(void **state)
{
    (void)state;
    refused(TRANSFORM(MAP("2.0", ""), "<o/>"), RAC_XML_UNSUPPORTED, 1, "XSLT 2.0");
    refused(TRANSFORM(MAP("3.0", ""), "<o/>"), RAC_XML_UNSUPPORTED, 1, "XSLT 3.0");
    refused(TRANSFORM(MAP("1.0", "\n<m:script xmlns:m='urn:schemas-microsoft-com:xslt' "
                                 "language='C#'>int x;</m:script>"),
                      "<o/>"),
            RAC_XML_UNSUPPORTED, 3, "script");
}

static void wrong_maps(void **state)
{
    (void)state;
    refused(TRANSFORM("<xsl:stylesheet", "<o/>"), RAC_XML_BAD_MAP, 1, "not well-formed");
    refused(TRANSFORM("", "<o/>"), RAC_XML_BAD_MAP, 0, "not well-formed");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'>\n<xsl:value-of select='1 +'/>"
                                 "</xsl:template>"),
                      "<o/>"),
            RAC_XML_BAD_MAP, 3, "could not compile select expression '1 +'");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'><xsl:for-each/></xsl:template>"), "<o/>"),
            RAC_XML_BAD_MAP, 2, "select is missing");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'>\n\n<xsl:value-of select='foo()'/>"
                                 "</xsl:template>"),
                      "<o/>"),
            RAC_XML_STOPPED, 0, "foo");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'><xsl:message terminate='yes'>no "
                                 "orders</xsl:message></xsl:template>"),
                      "<o/>"),
            RAC_XML_STOPPED, 0, "no orders");
    refused(TRANSFORM(MAP("1.0", ""), "<o>"), RAC_XML_BAD_INPUT, 1, "content is not well-formed");
}

static void hostile_maps(void **state)
{
    (void)state;
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'>"
                                 "<xsl:copy-of select=\"document('file:///etc/passwd')\"/>"
                                 "</xsl:template>"),
                      "<o/>"),
            RAC_XML_STOPPED, 0, "");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'>"
                                 "<xsl:copy-of select=\"document('http://127.0.0.1/')\"/>"
                                 "</xsl:template>"),
                      "<o/>"),
            RAC_XML_STOPPED, 0, "");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'><xsl:document "
                                 "href='/tmp/raccord-out'>1</xsl:document></xsl:template>"),
                      "<o/>"),
            RAC_XML_STOPPED, 0, "");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/' name='t'><xsl:call-template name='t'/>"
                                 "</xsl:template>"),
                      "<o/>"),
            RAC_XML_STOPPED, 2, "recursion");
    refused(TRANSFORM(MAP("1.0", "<xsl:template match='/'><xsl:for-each select='//i'>"
                                 "<xsl:for-each select='//i'><xsl:for-each select='//i'>"
                                 "0123456789012345678901234567890123456789"
                                 "</xsl:for-each></xsl:for-each></xsl:for-each></xsl:template>"),
                      "<o><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/>"
                      "<i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/><i/></o>"),
            RAC_XML_TOO_LARGE, 0, "larger than 1048576 bytes");
    refused(TRANSFORM("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n" MAP("1.0", "&a;"),
                      "<o/>"),
            RAC_XML_BAD_MAP, 0, "");
    refused(TRANSFORM(MAP("1.0", ""),
                      "<!DOCTYPE o [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><o>&b;</o>"),
            RAC_XML_BAD_INPUT, 0, "");
}

static void schemas(void **state)
{
    (void)state;
    const char *s =
        SCHEMA("<xs:element name='o'><xs:complexType><xs:sequence>"
               "<xs:element name='n' type='xs:int' maxOccurs='unbounded'/></xs:sequence>"
               "</xs:complexType></xs:element>");
    assert_int_equal(VALIDATE(s, "<o><n>1</n></o>").verdict, RAC_XML_DONE);
    struct rac_xml_answer x = VALIDATE(s, "<o><n>1</n>\n<n>two</n>\n<n>three</n></o>");
    refused(x, RAC_XML_BAD_INPUT, 2, "not valid");
    assert_int_equal(x.findings_total, 2);
    has(x.findings[0].message, "'two' is not a valid value");
    assert_int_equal(x.findings[1].line, 3);
    refused(VALIDATE(s, "<p/>"), RAC_XML_BAD_INPUT, 1, "not valid");
    refused(VALIDATE(s, "<o>"), RAC_XML_BAD_INPUT, 1, "well-formed");
    refused(VALIDATE("<xs:schema", "<o/>"), RAC_XML_BAD_MAP, 1, "well-formed");
    refused(VALIDATE(SCHEMA("<xs:element name='o' type='nowhere'/>"), "<o/>"), RAC_XML_BAD_MAP, 2,
            "nowhere");
    /* what the document itself says about schemas is not asked for */
    assert_int_equal(VALIDATE(s, "<o xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
                                 "i:noNamespaceSchemaLocation='http://127.0.0.1/x.xsd'>"
                                 "<n>1</n></o>")
                         .verdict,
                     RAC_XML_DONE);
}

static void schemas_include(void **state)
{
    (void)state;
    const char *s = SCHEMA("<xs:include schemaLocation='.\\types.xsd'/>"
                           "<xs:element name='o' type='small'/>");
    refused(VALIDATE(s, "<o>1</o>"), RAC_XML_NEED, 0, "types.xsd");
    documents[0] = (struct rac_xml_document){
        RAC_S("types"), RAC_S(SCHEMA("<xs:simpleType name='small'><xs:restriction base='xs:int'>"
                                     "<xs:maxInclusive value='9'/></xs:restriction>"
                                     "</xs:simpleType>"))};
    documents_n = 1;
    assert_int_equal(VALIDATE(s, "<o>1</o>").verdict, RAC_XML_DONE);
    refused(VALIDATE(s, "<o>10</o>"), RAC_XML_BAD_INPUT, 1, "not valid");
    documents[0].bytes = RAC_S("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>");
    assert_int_equal(VALIDATE(s, "<o>1</o>").verdict, RAC_XML_BAD_MAP);
    documents[0].bytes = RAC_STR_NULL;
    assert_int_equal(VALIDATE(s, "<o>1</o>").verdict, RAC_XML_BAD_MAP);
}

static rac_str shape(const char *body)
{
    struct rac_xml_work w = {
        .task = RAC_XML_SHAPE,
        .output_bytes_max = 1 << 20,
        .artifact = {RAC_S("s.xsd"),
                     rac_arena_printf(&arena,
                                      "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>%s"
                                      "</xs:schema>",
                                      body)},
        .documents = documents,
        .documents_n = documents_n};
    struct rac_xml_answer out = answer_to(&w);
    assert_str(out.message, "");
    assert_int_equal(out.verdict, RAC_XML_DONE);
    return out.output;
}

/* "string", "number" and "boolean" are the types 0 to 2, 3 is anything. */
static void shapes(void **state)
{
    (void)state;
    has(shape("<xs:element name='a' type='xs:int'/><xs:element name='b' nillable='true'/>"),
        "\"roots\":[{\"ns\":\"\",\"name\":\"a\",\"type\":1},"
        "{\"ns\":\"\",\"name\":\"b\",\"type\":3,\"nillable\":true}]");
    /* a type that holds itself, a group, an element that stands there twice */
    has(shape("<xs:complexType name='t'><xs:sequence><xs:element name='t' type='t' minOccurs='0'/>"
              "<xs:group ref='g' maxOccurs='2'/><xs:element name='x' type='xs:boolean'/>"
              "<xs:element name='y' minOccurs='0'/><xs:element name='x' type='xs:boolean'/>"
              "</xs:sequence></xs:complexType><xs:group name='g'><xs:sequence>"
              "<xs:element name='n' type='u'/></xs:sequence></xs:group>"
              "<xs:simpleType name='u'><xs:union memberTypes='xs:int xs:string'/></xs:simpleType>"
              "<xs:element name='t' type='t'/>"),
        "\"children\":[{\"ns\":\"\",\"name\":\"t\",\"type\":4},"
        "{\"ns\":\"\",\"name\":\"n\",\"type\":0,\"many\":true},"
        "{\"ns\":\"\",\"name\":\"x\",\"type\":2,\"many\":true},"
        "{\"ns\":\"\",\"name\":\"y\",\"type\":3}]");
    /* restricted: its own children, the attributes of its base */
    has(shape("<xs:complexType name='b'><xs:sequence><xs:element name='p' minOccurs='0'/>"
              "<xs:element name='q' minOccurs='0'/></xs:sequence>"
              "<xs:attribute name='i' type='xs:byte'/></xs:complexType>"
              "<xs:element name='r'><xs:complexType><xs:complexContent><xs:restriction base='b'>"
              "<xs:sequence><xs:element name='q' minOccurs='0'/></xs:sequence>"
              "</xs:restriction></xs:complexContent></xs:complexType></xs:element>"),
        "{\"attributes\":[{\"name\":\"i\",\"text\":\"number\"}],"
        "\"children\":[{\"ns\":\"\",\"name\":\"q\",\"type\":3}]}");
    /* documents that include each other */
    documents[0] = (struct rac_xml_document){
        RAC_S("o.xsd"), RAC_S(SCHEMA("<xs:include schemaLocation='s.xsd'/>"
                                     "<xs:simpleType name='o'><xs:restriction base='xs:float'/>"
                                     "</xs:simpleType>"))};
    documents[1] = (struct rac_xml_document){RAC_S("s.xsd"),
                                             RAC_S(SCHEMA("<xs:include schemaLocation='o.xsd'/>"))};
    documents_n = 2;
    has(shape("<xs:include schemaLocation='o.xsd'/><xs:element name='e' type='o'/>"),
        "\"name\":\"e\",\"type\":1");
}

static void shapes_are_checked(void **state)
{
    (void)state;
    const char *s = SCHEMA("<xs:element name='o' type='xs:int'/>");
    assert_int_equal(ask(RAC_XML_SHAPE, s, "<o>1</o>").verdict, RAC_XML_DONE);
    struct rac_xml_answer x = ask(RAC_XML_SHAPE, s, "<o>x</o>");
    refused(x, RAC_XML_BAD_INPUT, 1, "not valid");
    assert_int_equal(x.output.n, 0);
    refused(ask(RAC_XML_SHAPE, SCHEMA("<xs:element name='o' type='nowhere'/>"), "<o/>"),
            RAC_XML_BAD_MAP, 2, "nowhere");
    struct rac_buf b; /* many types of many elements */
    rac_buf_init(&b, 64 << 20);
    rac_buf_add(&b, RAC_S("<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"));
    for (int i = 0; i < 400; i++) {
        rac_buf_printf(&b, "<xs:element name='e%d'><xs:complexType><xs:choice minOccurs='0'>", i);
        for (int k = 0; k < 300; k++)
            rac_buf_printf(&b, "<xs:element ref='e%d'/>", k);
        RAC_BUF_ADD_LIT(&b, "</xs:choice></xs:complexType></xs:element>");
    }
    RAC_BUF_ADD_LIT(&b, "</xs:schema>");
    rac_str large = rac_buf_take(&b, &arena);
    rac_buf_fini(&b);
    assert_int_equal(ask(RAC_XML_SHAPE, rac_arena_cstr(&arena, large), "<e0/>").verdict,
                     RAC_XML_TOO_LARGE);
}

static void damaged_requests(void **state)
{
    (void)state;
    struct rac_xml_work w = {.task = RAC_XML_TRANSFORM,
                             .output_bytes_max = 100,
                             .artifact = {RAC_S("m"), RAC_S(MAP("1.0", ""))},
                             .input = RAC_S("<o/>")},
                        got;
    rac_str whole = rac_xml_work_print(&w, &arena);
    for (size_t i = 0; i < whole.n; i++)
        assert_int_equal(rac_xml_work_read(rac_str_sub(whole, 0, i), &arena, &got), RAC_E_CORRUPT);
    assert_int_equal(rac_xml_work_read(whole, &arena, &got), RAC_OK);
    assert_str(got.input, "<o/>");
    rac_str longer = rac_str_concat(&arena, whole, RAC_S("x"));
    assert_int_equal(rac_xml_work_read(longer, &arena, &got), RAC_E_CORRUPT);
}

int main(void)
{
    rac_sandbox_xml_init(0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(maps, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_given, setup, teardown),
        cmocka_unit_test_setup_teardown(includes, setup, teardown),
        cmocka_unit_test_setup_teardown(unsupported, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_maps, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_maps, setup, teardown),
        cmocka_unit_test_setup_teardown(schemas, setup, teardown),
        cmocka_unit_test_setup_teardown(schemas_include, setup, teardown),
        cmocka_unit_test_setup_teardown(shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(shapes_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_requests, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
