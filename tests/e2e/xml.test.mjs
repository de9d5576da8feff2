// Maps and schemas (spec workflows §3.16): `raccord run` with an app's Artifacts folder, and hostile ones.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { raccord, sanitized, temporary } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const flow = (actions, definition = {}) => ({ definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request' } }, actions, ...definition }, kind: 'Stateful' });
const after = (...names) => Object.fromEntries(names.map((n) => [n, ['Succeeded']]));
const map = (body, version = '1.0', more = '') => `<xsl:stylesheet version="${version}" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" ${more}>\n${body}</xsl:stylesheet>`;
const xslt = (name, content, more = {}) => ({ type: 'Xslt', inputs: { content, map: { source: 'LogicApp', name }, ...more } });
const validate = (name, content) => ({ type: 'XmlValidation', inputs: { content, schema: { source: 'LogicApp', name } } });
const xsd = (body) => `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">\n${body}</xs:schema>`;
const order = xsd('<xs:element name="order"><xs:complexType><xs:sequence><xs:element name="n" type="xs:int" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>');
const text = (v) => Buffer.from(v.$content, 'base64').toString();

// files: {path below the app: text or object}
function app(t, files) {
  const dir = temporary(t);
  for (const [name, v] of Object.entries({ 'host.json': {}, ...files })) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof v === 'string' ? v : JSON.stringify(v));
  }
  return dir;
}
async function run(path, ...args) {
  const r = await raccord(['run', path, '--format', 'json', ...args]);
  assert.equal(r.signal, null, r.stderr);
  return { ...r, json: r.stdout ? JSON.parse(r.stdout) : undefined };
}
const one = async (t, action, files = {}, ...args) => (await run(join(app(t, { 'W/workflow.json': flow({ A: action }), ...files }), 'W'), ...args)).json.actions.A;

test('an order is checked, mapped and looked up, from a folder and from a zip of it', async (t) => {
  const actions = {
    Check: validate('Order.xsd', '@triggerBody()'),
    Map: { ...xslt('order', '@triggerBody()', { parameters: { name: 'a<b', count: 2, on: true, none: null } }), runAfter: after('Check') },
    Sum: { type: 'Compose', inputs: "@xpath(xml(body('Map')), 'string(/r)')", runAfter: after('Map') },
    Text: { ...xslt('text.xslt', "@xml(triggerBody())"), runAfter: after('Sum') },
    Json: { ...xslt('json.xslt', '@triggerBody()'), runAfter: after('Text') },
    Look: { type: 'IntegrationAccountArtifactLookup', inputs: { artifactType: 'Schema', artifactName: 'Order' }, runAfter: after('Json') },
  };
  const dir = app(t, { 'W/workflow.json': flow(actions), 'Artifacts/Schemas/Order.xsd': order,
    'Artifacts/Maps/Order.xslt': map('<xsl:param name="name"/><xsl:param name="count"/><xsl:param name="on" select="false()"/><xsl:template match="/"><r><xsl:value-of select="concat($name, \' \', $count * sum(//n))"/><xsl:if test="$on"> on</xsl:if></r></xsl:template>'),
    'Artifacts/Maps/text.xslt': map('<xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="count(//n)"/> é</xsl:template>'),
    'Artifacts/Maps/json.xslt': map('<xsl:output method="text" media-type="application/json"/><xsl:template match="/">{"n": <xsl:value-of select="count(//n)"/>}</xsl:template>') });
  const trigger = join(dir, 'trigger.json');
  writeFileSync(trigger, JSON.stringify({ body: '<order><n>1</n><n>2</n></order>' }));
  const zip = join(temporary(t), 'app.zip');
  execFileSync('python3', ['-c', 'import shutil,sys; shutil.make_archive(sys.argv[1][:-4], "zip", sys.argv[2])', zip, dir]);
  for (const src of [join(dir, 'W'), join(dir, 'W/workflow.json'), dir, zip]) {
    const r = await run(src, '--trigger', trigger), a = r.json.actions;
    assert.equal(r.json.status, 'Succeeded', r.stdout);
    assert.equal(a.Check.outputs, undefined);
    assert.equal(a.Map.outputs.body['$content-type'], 'application/xml');
    assert.match(text(a.Map.outputs.body), /<r>a&lt;b 6 on<\/r>/);
    assert.equal(a.Sum.outputs, 'a<b 6 on');
    assert.equal(a.Text.outputs.body, '2 é');
    assert.deepEqual(a.Json.outputs.body, { n: 2 });
    assert.equal(a.Look.outputs.body.schemaType, 'Xml');
    assert.equal(text(a.Look.outputs.body.content), order);
  }
});

test('what is not valid says where', async (t) => {
  const files = { 'Artifacts/Schemas/Order.xsd': order };
  const a = await one(t, validate('Order', '<order><n>1</n>\n<n>two</n></order>'), files);
  assert.equal(a.status, 'Failed');
  assert.equal(a.code, 'XmlValidationFailed');
  assert.equal(a.error.code, 'XmlValidationFailed');
  assert.match(a.error.message, /content, line 2: .*'two' is not a valid value/);
  assert.equal(a.error.details.length, 1);
  assert.equal((await one(t, validate('Order', '<order>'), files)).error.code, 'XmlValidationFailed');
  assert.equal((await one(t, validate('Nothing', '<order/>'), files)).error.code, 'ArtifactNotFound');
  assert.equal((await one(t, validate('Order', null), files)).error.code, 'InvalidXmlContent');
  assert.match((await one(t, validate('Bad', '<o/>'), { 'Artifacts/Schemas/Bad.xsd': xsd('<xs:element name="o" type="nowhere"/>') })).error.message, /schema 'Bad.xsd', line 2: .*nowhere/);
  const secured = { ...validate('Order', '<order><n>covert</n></order>'), runtimeConfiguration: { secureData: { properties: ['inputs'] } } };
  const hidden = await one(t, secured, files);
  assert.equal(hidden.code, 'XmlValidationFailed');
  assert.ok(!JSON.stringify(hidden).includes('covert'));
});

test('maps and schemas include others of their folder, and nothing else', async (t) => {
  const files = {
    'Artifacts/Schemas/Types.xsd': xsd('<xs:simpleType name="small"><xs:restriction base="xs:int"><xs:maxInclusive value="9"/></xs:restriction></xs:simpleType>'),
    'Artifacts/Schemas/Order.xsd': xsd('<xs:include schemaLocation=".\\Types.xsd"/><xs:element name="n" type="small"/>'),
    'Artifacts/Maps/Common.xslt': map('<xsl:template match="n"><c/></xsl:template>'),
    'Artifacts/Maps/Order.xslt': map('<xsl:import href="../Maps/Common.xslt"/><xsl:template match="/"><r><xsl:apply-templates/></r></xsl:template>'),
    'Artifacts/Maps/Lost.xslt': map('<xsl:include href="Nowhere.xslt"/>'),
    'Artifacts/Maps/Round.xslt': map('<xsl:include href="Round.xslt"/>'),
  };
  assert.equal((await one(t, validate('Order', '<n>9</n>'), files)).status, 'Succeeded');
  assert.equal((await one(t, validate('Order', '<n>10</n>'), files)).code, 'XmlValidationFailed');
  assert.match(text((await one(t, xslt('Order', '<n/>'), files)).outputs.body), /<r><c\/><\/r>/);
  assert.match((await one(t, xslt('Lost', '<n/>'), files)).error.message, /'Nowhere.xslt', which is not among the maps/);
  assert.equal((await one(t, xslt('Round', '<n/>'), files)).status, 'Failed');
});

test('maps that are wrong, or ask for what is not done here', async (t) => {
  const of = async (body, version, content = '<o/>') => (await one(t, xslt('M', content), { 'Artifacts/Maps/M.xslt': map(body, version) })).error;
  let e = await of('', '2.0');
  assert.equal(e.code, 'ArtifactNotSupported');
  assert.match(e.message, /map 'M.xslt', line 1: The map is written in XSLT 2.0/);
  assert.equal((await of('', '3.0')).code, 'ArtifactNotSupported');
  e = await of('<m:script xmlns:m="urn:schemas-microsoft-com:xslt" language="C#">int x;</m:script>');
  assert.equal(e.code, 'ArtifactNotSupported');
  assert.match(e.message, /script/);
  e = await of('<xsl:template match="/">\n<xsl:value-of select="1 +"/></xsl:template>');
  assert.equal(e.code, 'InvalidArtifact');
  assert.match(e.message, /map 'M.xslt', line 3: .*select expression '1 \+'/);
  e = await of('<xsl:template match="/"><xsl:message terminate="yes">no orders</xsl:message></xsl:template>');
  assert.equal(e.code, 'XsltTransformFailed');
  assert.match(e.message, /no orders/);
  assert.equal((await of('', '1.0', '<o>')).code, 'InvalidXmlContent');
  assert.equal((await one(t, xslt('M', '<o/>'), { 'Artifacts/Maps/M.liquid': '{{ a }}' })).error.code, 'ArtifactNotSupported');
  assert.equal((await one(t, xslt('None', '<o/>'), {})).error.code, 'ArtifactNotFound');
});

const parse = (content, more = {}) => ({ type: 'XmlParse', inputs: { content, ...more } });
const composed = (content, xmlWriterSettings) => ({ type: 'XmlCompose', inputs: { content, ...(xmlWriterSettings && { xmlWriterSettings }) } });

test('settings of XmlParse: what is read, and how it is written as JSON', async (t) => {
  const read = async (content, reader, writer) => {
    const a = await one(t, parse(content, { ...(reader && { xmlReaderSettings: reader }), ...(writer && { jsonWriterSettings: writer }) }));
    return a.outputs?.body.outputJson ?? a.error;
  };
  const doc = '<p:a xmlns:p="u" k="1"><p:b> </p:b>\n <p:c>1</p:c>\n <c k="9">2</c><?t d?></p:a>';
  assert.deepEqual(await read(doc), { 'p:a': { '@xmlns:p': 'u', '@k': '1', 'p:b': '', 'p:c': '1', c: { '@k': '9', '#text': '2' } } });
  assert.deepEqual(await read(doc, { ignoreWhitespace: false, ignoreProcessingInstructions: 'false', xmlNormalization: true }), { 'p:a': { '@xmlns:p': 'u', '@k': '1', 'p:b': ' ', 'p:c': '1', c: { '@k': '9', '#text': '2' }, '?t': 'd' } });
  assert.deepEqual(await read(doc, undefined, { ignoreAttributes: true }), { 'p:a': { 'p:b': '', 'p:c': '1', c: '2' } });
  assert.deepEqual(await read(doc, undefined, { useFullyQualifiedNames: false }), { a: { '@k': '1', b: '', c: ['1', { '@k': '9', '#text': '2' }] } });
  assert.deepEqual(await read('<a x="1"/>', undefined, { ignoreAttributes: true }), { a: null });
  assert.deepEqual(await read('<p>x <b>y</b> <i>z</i></p>', { ignoreWhitespace: false }), { p: { '#text': ['x ', ' '], b: 'y', i: 'z' } });
  const dtd = '<!DOCTYPE a><a/>';
  assert.deepEqual(await read(dtd, { dtdProcessing: 'Parse' }), { '!DOCTYPE': { '@name': 'a' }, a: null });
  assert.deepEqual(await read(dtd, { dtdProcessing: "@concat('Ign', 'ore')" }), { a: null });
  assert.match((await read(dtd, { dtdProcessing: 'Prohibit' })).message, /DOCTYPE, which 'dtdProcessing' prohibits/);
  assert.match((await read('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')).message, /declares entities/);
  assert.match((await read(dtd, { dtdProcessing: "@concat('No', 'ne')" })).message, /'dtdProcessing' of 'xmlReaderSettings'/);
  assert.equal((await read('<a>')).code, 'InvalidXmlContent');
  assert.equal((await read(7)).code, 'InvalidXmlContent');
  assert.deepEqual(await read({ '$content-type': 'application/octet-stream', $content: Buffer.from('<a>1</a>').toString('base64') }), { a: '1' });
});

test('settings of XmlCompose: declaration, lines, indentation, characters; what was parsed comes back', async (t) => {
  const write = async (content, settings) => {
    const a = await one(t, composed(content, settings));
    return a.outputs ? text(a.outputs.body) : a.error;
  };
  const order = { order: { '@id': 'a>b', n: ['1', '2\n3'], note: { '#text': 'x ', b: 'y' }, none: null, empty: '' } };
  assert.equal(await write(order), '<order id="a&gt;b"><n>1</n><n>2\n3</n><note>x <b>y</b></note><none /><empty></empty></order>');
  assert.equal(await write(order, { indent: true, omitXmlDeclaration: false }), ['<?xml version="1.0" encoding="utf-8"?>', '<order id="a&gt;b">', '  <n>1</n>', '  <n>2', '3</n>', '  <note>x <b>y</b></note>', '  <none />', '  <empty></empty>', '</order>'].join('\n'));
  assert.equal(await write(order, { indent: 'true', indentChars: '\t', newLineChars: '\r\n', newLineHandling: 'Replace', newLineOnAttributes: true }), ['<order', '\tid="a&gt;b">', '\t<n>1</n>', '\t<n>2', '3</n>', '\t<note>x <b>y</b></note>', '\t<none />', '\t<empty></empty>', '</order>'].join('\r\n'));
  assert.equal(await write({ a: 'x\r\ny' }, { newLineHandling: 'Entitize' }), '<a>x&#xD;\ny</a>');
  assert.equal(await write({ '?xml': { '@version': '1.0' }, a: 1 }, { omitXmlDeclaration: true }), '<a>1</a>');
  assert.equal(await write({ a: 1 }, { encoding: 'UTF-8' }), '<?xml version="1.0" encoding="utf-8"?><a>1</a>');
  assert.equal(await write({ '!DOCTYPE': { '@name': 'a', '@internalSubset': '<!ELEMENT a (b)><!-- ]> -->' }, a: { b: { '#cdata-section': 'x<y>' } } }, { indent: true }), '<!DOCTYPE a[<!ELEMENT a (b)><!-- ]> -->]>\n<a>\n  <b><![CDATA[x<y>]]></b>\n</a>');
  assert.match((await write({ a: '\u0001' })).message, /U\+0001 is not allowed/);
  assert.match((await write({ a: '\ufffe' })).message, /U\+FFFE is not allowed/);
  assert.equal(await write({ a: '\u0001' }, { checkCharacters: false }), '<a>\u0001</a>');
  const doc = '<?xml version="1.0"?><?s t?><p:a xmlns:p="u" k="1"><p:b> </p:b><?t d?></p:a>';
  const actions = { P: parse(doc, { xmlReaderSettings: { ignoreWhitespace: false, ignoreProcessingInstructions: false } }), C: { ...composed("@body('P')['outputJson']"), runAfter: after('P') } };
  const r = await run(join(app(t, { 'W/workflow.json': flow(actions) }), 'W'));
  assert.equal(text(r.json.actions.C.outputs.body), doc);
});

const goods = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:goods" targetNamespace="urn:goods" elementFormDefault="qualified">
<xs:include schemaLocation="Sizes.xsd"/>
<xs:element name="order"><xs:complexType><xs:sequence>
  <xs:element name="id" type="xs:int"/>
  <xs:element name="name" type="xs:string" minOccurs="0"/>
  <xs:choice maxOccurs="unbounded"><xs:element ref="item"/><xs:element name="gift" type="xs:boolean"/></xs:choice>
  <xs:element name="paid" type="xs:decimal" nillable="true"/>
  </xs:sequence><xs:attribute name="urgent" type="xs:boolean"/><xs:attributeGroup ref="who"/></xs:complexType></xs:element>
<xs:element name="item" type="item"/>
<xs:complexType name="line"><xs:sequence><xs:element name="size" type="size"/></xs:sequence></xs:complexType>
<xs:complexType name="item"><xs:complexContent><xs:extension base="line"><xs:sequence><xs:element name="price" type="price" minOccurs="0"/><xs:element ref="item" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="price"><xs:simpleContent><xs:extension base="xs:double"><xs:attribute name="tax" type="size"/></xs:extension></xs:simpleContent></xs:complexType>
<xs:attributeGroup name="who"><xs:attribute name="by" type="xs:string"/></xs:attributeGroup>
</xs:schema>`;
const sizes = xsd('<xs:simpleType name="size"><xs:restriction base="xs:unsignedByte"/></xs:simpleType>'); // taken into urn:goods
const local = (body) => `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:g="urn:local" targetNamespace="urn:local">${body}</xs:schema>`;
const schemas = { 'Artifacts/Schemas/Goods.xsd': goods, 'Artifacts/Schemas/Sizes.xsd': sizes,
  'Artifacts/Schemas/Local.xsd': local('<xs:element name="r"><xs:complexType><xs:sequence><xs:element name="a" type="xs:long" maxOccurs="2"/><xs:element name="b" type="xs:boolean" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>'),
  'Artifacts/Schemas/Animals.xsd': xsd('<xs:element name="animal" type="xs:string" abstract="true"/><xs:element name="cat" substitutionGroup="animal"/><xs:element name="age" type="xs:int" substitutionGroup="animal"/><xs:element name="zoo"><xs:complexType><xs:sequence><xs:element ref="animal" maxOccurs="9"/></xs:sequence></xs:complexType></xs:element>'.replace('type="xs:string" abstract', 'type="xs:anySimpleType" abstract')) };
const named = (name) => ({ schema: { source: 'LogicApp', name } });
const nil = '<g:paid xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>';
const order1 = `<g:order xmlns:g="urn:goods" urgent="1" by="07"><g:id>+007</g:id><g:name/><g:item><g:size>3</g:size><g:price tax="20">1.50</g:price></g:item>${nil}</g:order>`;

test('a schema makes numbers, booleans and lists of what XmlParse reads', async (t) => {
  const read = async (name, content, more = {}) => one(t, parse(content, { ...named(name), ...more }), schemas);
  const a = await read('Goods', order1);
  assert.equal(a.status, 'Succeeded', JSON.stringify(a));
  assert.deepEqual(a.outputs.body, { outputJson: { 'g:order': { '@xmlns:g': 'urn:goods', '@urgent': true, '@by': '07', 'g:id': 7, 'g:name': '',
    'g:item': [{ 'g:size': 3, 'g:price': { '@tax': 20, '#text': 1.5 } }], 'g:paid': { '@xsi:nil': 'true', '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance' } } } });
  const plain = await read('Goods', order1, { jsonWriterSettings: { ignoreAttributes: true, useFullyQualifiedNames: false } });
  assert.deepEqual(plain.outputs.body, { outputJson: { order: { id: 7, name: '', item: [{ size: 3, price: 1.5 }], paid: null } } });
  const nested = '<order xmlns="urn:goods"><id>1</id><gift>true</gift><item><size>1</size><item><size>2</size><price>-INF</price></item></item><gift>0</gift><paid>.5</paid></order>';
  assert.deepEqual((await read('Goods', nested)).outputs.body, { outputJson: { order: { '@xmlns': 'urn:goods', id: 1, gift: [true, false], item: [{ size: 1, item: { size: 2, price: '-INF' } }], paid: 0.5 } } });
  assert.deepEqual((await read('Local', '<g:r xmlns:g="urn:local"><a>9007199254740993</a></g:r>')).outputs.body, { outputJson: { 'g:r': { '@xmlns:g': 'urn:local', a: [JSON.parse('9007199254740993')] } } });
  assert.deepEqual((await read('Animals', '<zoo><cat>Tom</cat><age>7</age></zoo>')).outputs.body, { outputJson: { zoo: { cat: ['Tom'], age: [7] } } });
  const wrong = await read('Goods', order1.replace('>3<', '>300<'));
  assert.equal(wrong.code, 'XmlValidationFailed');
  assert.match(wrong.error.message, /'300'/);
  assert.equal((await read('Nothing', '<a/>')).error.code, 'ArtifactNotFound');
  assert.match((await read('Local', '<!DOCTYPE g:r><g:r xmlns:g="urn:local"><a>1</a></g:r>', { xmlReaderSettings: { dtdProcessing: 'Prohibit' } })).error.message, /prohibits/);
  const secured = { ...parse(order1.replace('>3<', '>covert<'), named('Goods')), runtimeConfiguration: { secureData: { properties: ['inputs'] } } };
  assert.ok(!JSON.stringify(await one(t, secured, schemas)).includes('covert'));
});

test('XmlCompose with a schema: order, namespaces, attributes, nil; the outcome is checked; what was parsed comes back', async (t) => {
  const write = async (name, content, more = {}) => {
    const a = await one(t, { type: 'XmlCompose', inputs: { content, ...named(name), ...more } }, schemas);
    return a.outputs ? text(a.outputs.body) : a.error;
  };
  const content = { order: { paid: null, item: [{ price: { '#text': 2.5, tax: 7 }, size: 1 }], id: 7, urgent: true } };
  assert.equal(await write('Goods', content), '<order xmlns="urn:goods" urgent="true"><id>7</id><item><size>1</size><price tax="7">2.5</price></item><paid xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true" /></order>');
  assert.equal(await write('Local', { r: { b: false, a: [1, 2] } }), '<ns0:r xmlns:ns0="urn:local"><a>1</a><a>2</a><b>false</b></ns0:r>');
  assert.match(await write('Local', { r: { a: 1 } }, { xmlWriterSettings: { indent: true, omitXmlDeclaration: false } }), /^<\?xml version="1.0" encoding="utf-8"\?>\n<ns0:r xmlns:ns0="urn:local">\n  <a>1<\/a>\n<\/ns0:r>$/);
  const wrong = await write('Local', { r: { a: 'x' } });
  assert.equal(wrong.code, 'XmlValidationFailed');
  assert.match(wrong.message, /'x' is not a valid value/);
  assert.match((await write('Local', { s: {} })).message, /No matching global declaration/);
  assert.equal((await write('Local', { r: {}, s: {} })).code, 'InvalidXmlContent');
  assert.equal((await write('Local', 7)).code, 'InvalidXmlContent');
  const back = { C: { type: 'XmlCompose', inputs: { content: "@body('P')['outputJson']", ...named('Goods') }, runAfter: after('P') }, Q: { ...parse("@body('C')", named('Goods')), runAfter: after('C') } };
  for (const jsonWriterSettings of [{}, { useFullyQualifiedNames: false }]) {
    const doc = order1.replace(nil, '<g:paid>1</g:paid>');
    const r = await run(join(app(t, { 'W/workflow.json': flow({ P: parse(doc, { ...named('Goods'), jsonWriterSettings }), ...back }), ...schemas }), 'W'));
    assert.equal(r.json.status, 'Succeeded', r.stdout);
    if (!('useFullyQualifiedNames' in jsonWriterSettings))
      assert.deepEqual(r.json.actions.Q.outputs, r.json.actions.P.outputs);
    else
      assert.deepEqual(r.json.actions.Q.outputs.body.outputJson.order.item, r.json.actions.P.outputs.body.outputJson.order.item);
  }
});

test('values that settings cannot have are found before a run', async (t) => {
  const findings = async (action) => {
    const dir = app(t, { 'W/workflow.json': flow({ A: action }) });
    const r = await raccord(['validate', '--format', 'json', join(dir, 'W/workflow.json')]);
    return JSON.parse(r.stdout).findings.map((f) => [f.severity, f.pointer.replace('/definition/actions/A/inputs/', '')]);
  };
  assert.deepEqual(await findings(parse('<a/>', { xmlReaderSettings: { dtdProcessing: 'None', ignoreWhitespace: 1, ignoreComment: true }, jsonWriterSettings: { ignoreAttributes: 'maybe' } })),
    [['error', 'xmlReaderSettings/dtdProcessing'], ['error', 'xmlReaderSettings/ignoreWhitespace'], ['error', 'jsonWriterSettings/ignoreAttributes'], ['warning', 'xmlReaderSettings/ignoreComment']]);
  assert.deepEqual(await findings(composed({ a: 1 }, { newLineHandling: 'Keep', encoding: 'utf-16', indentation: 2 })),
    [['error', 'xmlWriterSettings/newLineHandling'], ['error', 'xmlWriterSettings/encoding'], ['warning', 'xmlWriterSettings/indentation']]);
  assert.deepEqual(await findings(parse('<a/>', { xmlReaderSettings: { dtdProcessing: "@string('Parse')" } })), []);
});

test('hostile maps end, with an error, and alone', async (t) => {
  let asked = 0;
  const server = createServer((req, res) => { asked++; res.end('<covert/>'); });
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  t.after(() => server.close());
  const secret = join(temporary(t), 'secret.xml');
  writeFileSync(secret, '<covert/>');
  const of = async (body, content = '<o/>', args = [], more = '') => one(t, xslt('M', content), { 'Artifacts/Maps/M.xslt': map(body, '1.0', more) }, ...args);
  for (const url of [secret, `file://${secret}`, `http://127.0.0.1:${server.address().port}/`]) {
    const a = await of(`<xsl:template match="/"><xsl:copy-of select="document('${url}')"/></xsl:template>`);
    assert.equal(a.status, 'Failed', url);
    assert.ok(!JSON.stringify(a.outputs ?? '').includes('covert'));
  }
  const out = join(temporary(t), 'written');
  for (const [ns, name] of [['http://exslt.org/common', 'document'], ['http://icl.com/saxon', 'output'], ['http://xml.apache.org/xalan/redirect', 'write'], ['http://www.w3.org/1999/XSL/Transform', 'document']])
    await of(`<xsl:template match="/"><x:${name} href="${out}" file="${out}">1</x:${name}></xsl:template>`, '<o/>', [], `xmlns:x="${ns}" extension-element-prefixes="x"`);
  assert.throws(() => readFileSync(out), /ENOENT/);
  assert.equal((await of('<xsl:template name="t" match="/"><xsl:call-template name="t"/></xsl:template>')).error.code, 'XsltTransformFailed');
  const loops = '<xsl:template match="/">' + '<xsl:for-each select="//i">'.repeat(6) + '<a><b/></a>' + '</xsl:for-each>'.repeat(6) + '</xsl:template>';
  const many = `<o>${'<i/>'.repeat(60)}</o>`;
  if (!sanitized()) { // their runtime does not live with a bound on memory
    const large = await of(loops, many, ['--set', 'sandbox.memory=64MiB']);
    assert.equal(large.error.code, 'TransformLimitExceeded', JSON.stringify(large.error));
  }
  const from = Date.now();
  const long = await of(loops.replace('<a><b/></a>', '<xsl:if test="count(//i) = 0">x</xsl:if>'), many, ['--set', 'sandbox.timeout=300ms']);
  assert.equal(long.error.code, 'TransformTimedOut', JSON.stringify(long.error));
  assert.equal(long.code, 'RequestTimeout');
  assert.ok(Date.now() - from < 25000); // of itself it may take 30 s
  const bomb = `<!DOCTYPE o [<!ENTITY a "${'x'.repeat(1000)}">${[...'bcdefgh'].map((c, i) => `<!ENTITY ${c} "${`&${'abcdefgh'[i]};`.repeat(10)}">`).join('')}]><o>&h;</o>`;
  assert.match((await of('', bomb)).error.message, /declares entities|entity reference loop/);
  assert.match((await of('', `<!DOCTYPE o [<!ENTITY a SYSTEM "file://${secret}">]><o>&a;</o>`)).error.message, /declares entities/);
  const external = await of('<xsl:template match="/"><r><xsl:copy-of select="."/></r></xsl:template>', `<!DOCTYPE o SYSTEM "http://127.0.0.1:${server.address().port}/x.dtd"><o/>`);
  assert.equal(external.status, 'Succeeded');
  assert.equal(asked, 0);
});

test('a failed map is one more status: the run goes on; limit.timeout ends it; a mock stands for it', async (t) => {
  const actions = { A: xslt('M', '<o/>'), B: { type: 'Compose', inputs: "@actions('A')['error']['code']", runAfter: { A: ['Failed'] } } };
  const dir = app(t, { 'W/workflow.json': flow(actions), 'Artifacts/Maps/M.xslt': map('', '2.0') });
  const r = await run(join(dir, 'W'));
  assert.equal(r.json.status, 'Succeeded');
  assert.equal(r.json.actions.B.outputs, 'ArtifactNotSupported');
  const mocks = join(dir, 'mocks.json');
  writeFileSync(mocks, JSON.stringify({ A: { outputs: { body: 'mocked' } } }));
  assert.deepEqual((await run(join(dir, 'W'), '--mocks', mocks)).json.actions.A.outputs, { body: 'mocked' });
  const loops = map('<xsl:template match="/">' + '<xsl:for-each select="//i">'.repeat(6) + '<xsl:if test="count(//i) = 0">x</xsl:if>' + '</xsl:for-each>'.repeat(6) + '</xsl:template>');
  const slow = await one(t, { ...xslt('M', `<o>${'<i/>'.repeat(60)}</o>`), limit: { timeout: 'PT0.3S' } }, { 'Artifacts/Maps/M.xslt': loops });
  assert.equal(slow.status, 'TimedOut');
});

test('many maps at once share few processes', async (t) => {
  const actions = { Each: { type: 'Foreach', foreach: '@range(1, 200)', actions: { A: xslt('M', "@concat('<o>', item(), '</o>')") }, runtimeConfiguration: { concurrency: { repetitions: 50 } } } };
  const r = await run(join(app(t, { 'W/workflow.json': flow(actions), 'Artifacts/Maps/M.xslt': map('<xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="o * 2"/></xsl:template>') }), 'W'));
  assert.equal(r.json.status, 'Succeeded', r.stderr);
  assert.deepEqual(r.json.actions.A.repetitions.map((x) => x.outputs.body), Array.from({ length: 200 }, (_, i) => String(2 * (i + 1))));
});

test('the child can do nothing else: started by hand it takes frames only', async (t) => {
  const { spawnSync } = await import('node:child_process');
  const { binary } = await import('./lib/raccord.mjs');
  const r = spawnSync(binary, ['(sandbox)'], { input: Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('junk')]), timeout: 120000 });
  assert.equal(r.status, 73);
  assert.equal(spawnSync(binary, ['(sandbox)'], { input: '', timeout: 120000 }).status, 0);
});

test('a child whose parent is gone before it can be told to die with it does not begin', async () => {
  const { spawnSync } = await import('node:child_process');
  const { binary } = await import('./lib/raccord.mjs');
  const child = (parent) => spawnSync(binary, ['(sandbox)', '536870912', '10', String(parent)], { input: '', timeout: 120000 }).status;
  assert.deepEqual([child(process.pid), child(process.ppid)], [0, 72]);
});

test('workflows of one folder call each other', async (t) => {
  const call = (id, more = {}) => ({ type: 'Workflow', inputs: { host: { workflow: { id } }, body: { n: 20 } }, ...more });
  const answer = { type: 'Response', inputs: { body: "@add(triggerBody()?['n'], 1)" } };
  const dir = app(t, {
    'Parent/workflow.json': flow({ Call: call('Child'), Full: call('/subscriptions/s/resourceGroups/g/providers/Microsoft.Logic/workflows/child', { runAfter: after('Call') }), Lost: call('Nobody', { runAfter: after('Full') }), Last: { type: 'Compose', inputs: "@add(body('Call'), body('Full'))", runAfter: { Lost: ['Failed'] } } }),
    'Child/workflow.json': flow({ Down: call('Grandchild'), Answer: { type: 'Response', inputs: { body: "@add(body('Down'), 1)" }, runAfter: after('Down') } }),
    'Grandchild/workflow.json': flow({ Answer: answer, Late: { type: 'Compose', inputs: 1, runAfter: after('Answer') } }),
    'Broken/workflow.json': flow({ A: { type: 'Compose', inputs: '@nothing(' } }),
    'Uses/workflow.json': flow({ Call: call('Broken') }),
    'Round/workflow.json': flow({ Call: call('Round'), Answer: { ...answer, runAfter: after('Call') } }),
  });
  for (const src of [join(dir, 'Parent'), join(dir, 'Parent/workflow.json')]) {
    const r = await run(src);
    assert.equal(r.json.status, 'Succeeded', r.stdout + r.stderr);
    assert.equal(r.json.actions.Last.outputs, 44);
    assert.equal(r.json.actions.Lost.error.code, 'WorkflowNotFound');
    assert.deepEqual(Object.keys(r.json.actions), ['Call', 'Full', 'Lost', 'Last']);
  }
  const broken = await run(join(dir, 'Uses'));
  assert.equal(broken.json.actions.Call.error.code, 'WorkflowNotFound');
  assert.match(broken.stderr, /Broken\/workflow.json:.*nothing/);
  const round = await run(join(dir, 'Round'));
  assert.equal(round.json.status, 'Failed');
});

test('a workflow that allows one run at a time calls another of its folder', async (t) => {
  const one = { type: 'Request', kind: 'Http', runtimeConfiguration: { concurrency: { runs: 1 } } };
  const dir = app(t, {
    'Parent/workflow.json': flow({ Call: { type: 'Workflow', inputs: { host: { workflow: { id: 'Child' } } } } }, { triggers: { manual: one } }),
    'Child/workflow.json': flow({ Answer: { type: 'Response', inputs: { body: 7 } } }),
  });
  const r = await run(join(dir, 'Parent'));
  assert.equal(r.json?.status, 'Succeeded', r.stdout + r.stderr);
  assert.equal(r.json.actions.Call.outputs.body, 7);
});
