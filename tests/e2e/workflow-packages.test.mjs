// Packages of flows as Power Automate, solutions and people with a zip program write them: read, run,
// imported; what is missing is named.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { raccord, raccordJson, serve, temporary } from './lib/raccord.mjs';
import { schema } from './lib/definitions.mjs';
import { zip } from './lib/zip.mjs';

const button = { manual: { type: 'Request', kind: 'Button', inputs: { schema: { type: 'object', properties: {}, required: [] } } } };
const declared = { $connections: { defaultValue: {}, type: 'Object' }, $authentication: { defaultValue: {}, type: 'SecureObject' } };
const definition = (actions, parameters = {}) => ({ metadata: { workflowEntityId: null }, $schema: schema, contentVersion: '1.0.0.0', parameters: { ...declared, ...parameters }, triggers: button, actions });
const call = (name) => ({ runAfter: {}, metadata: { operationMetadataId: 'x' }, type: 'OpenApiConnection', inputs: { host: { apiId: `/providers/Microsoft.PowerApps/apis/${name}`, connectionName: name, operationId: 'GetBerth' }, parameters: { number: 3 }, authentication: "@parameters('$authentication')" } });
const compose = (inputs, after) => ({ type: 'Compose', inputs, runAfter: after ? { [after]: ['Succeeded'] } : {} });
const legacy = (displayName, actions = { Berth: call('shared_quai') }) => ({ name: 'f', id: '/providers/Microsoft.Flow/flows/f', type: 'Microsoft.Flow/flows', properties: { apiId: '/providers/Microsoft.PowerApps/apis/shared_logicflows', displayName, definition: definition(actions), connectionReferences: { shared_quai: { connectionName: 'q1', source: 'Invoker', id: '/providers/Microsoft.PowerApps/apis/shared_quai', tier: 'NotSpecified' } }, flowFailureAlertSubscribed: false } });
const solution = (actions, parameters, connectionReferences = {}) => ({ properties: { connectionReferences, definition: definition(actions, parameters), templateName: '' }, schemaVersion: '1.0.0.0' });
const text = (files) => Object.fromEntries(Object.entries(files).map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)]));
const [A, B] = ['11111111-aaaa-4000-8000-000000000001', '22222222-BBBB-4000-8000-000000000002'];

const flow = { 'manifest.json': { schema: '1.0', resources: {} }, 'Microsoft.Flow/flows/manifest.json': { packageSchemaVersion: '1.0' }, [`Microsoft.Flow/flows/${A}/definition.json`]: legacy('Tides'), [`Microsoft.Flow/flows/${A}/apisMap.json`]: {}, [`Microsoft.Flow/flows/${A}/connectionsMap.json`]: {} };
const parent = solution({ Child: { type: 'Workflow', inputs: { host: { workflowReferenceName: B.toLowerCase() }, body: { text: 'Brest' } }, runAfter: {} }, After: compose("@body('Child')?['port']", 'Child') });
const child = solution({ Answer: { type: 'Response', kind: 'PowerApp', inputs: { statusCode: 200, body: { port: "@triggerBody()?['text']" } }, runAfter: {} } });
const family = { '[Content_Types].xml': '<a/>', 'solution.xml': '<a/>', 'customizations.xml': '<a/>', [`Workflows/Parent-${A}.json`]: parent, [`Workflows/Child-${B}.json`]: child };

function pack(t, files) {
  const file = join(temporary(t), 'p.zip');
  writeFileSync(file, zip(text(files)));
  return file;
}
const run = (src, ...more) => raccordJson(['run', src, ...more]);

test('names of entries as programs for zips write them', async (t) => {
  const mocks = join(temporary(t), 'mocks.json'), named = (fn) => Object.fromEntries(Object.entries(flow).map(([k, v]) => [fn(k), v]));
  writeFileSync(mocks, JSON.stringify({ Berth: { outputs: { statusCode: 200, body: {} } } }));
  for (const [what, fn] of Object.entries({ usual: (k) => k, backslashes: (k) => k.replaceAll('/', '\\'), 'a point first': (k) => `./${k}`, 'a folder around': (k) => `Tides_2023/${k}`, 'lower case': (k) => k.toLowerCase() })) {
    const r = await run(pack(t, named(fn)), '--mocks', mocks);
    assert.equal(r.json?.status, 'Succeeded', `${what}: ${r.stderr}`);
  }
  const mac = pack(t, { ...family, ...Object.fromEntries(Object.keys(family).map((k) => [`__MACOSX/${k.replace(/[^/]*$/, '._$&')}`, '\0\x05\x16\x07\0\x02\0\0Mac OS X'])), '.DS_Store': '\0' });
  assert.deepEqual((await raccordJson(['validate', mac], { jsonl: true })).json.map((r) => [r.status, r.operations]), [['ok', 3]]);
  assert.equal((await run(`${mac}#Parent`)).json?.status, 'Succeeded');
  for (const bad of ['..\\x.json', '\\x.json', 'a\\\\b', '.\\..\\x', 'C:\\x']) {
    const r = await raccord(['run', pack(t, { ...flow, [bad]: '{}' })]);
    assert.match(r.stderr, /is not a name for a file of a package/, bad);
  }
});

test('one of several is named, and flows call their children by id', async (t) => {
  const file = pack(t, family), folder = temporary(t);
  mkdirSync(join(folder, 'Workflows'));
  for (const [k, v] of Object.entries(text(family))) writeFileSync(join(folder, k), v);
  const several = await raccord(['run', file]);
  assert.equal(several.status, 2);
  assert.match(several.stderr, /p\.zip holds several workflows; name one as .*p\.zip#NAME: Workflows\/Child-.*\.json, Workflows\/Parent-.*\.json/);
  for (const src of [`${file}#Parent`, `${file}#${A}`, `${file}#Workflows/Parent-${A}.json`, `${folder}#parent`, join(folder, 'Workflows', `Parent-${A}.json`)]) {
    const { json, stderr } = await run(src);
    assert.equal(json?.actions.After.outputs, 'Brest', `${src}: ${stderr}`);
  }
  assert.equal((await raccordJson(['validate', `${file}#Child`], { jsonl: true })).json[0].operations, 1);
  const none = await raccord(['run', `${file}#Uncle`]);
  assert.match(none.stderr, /p\.zip holds no workflow of the name 'Uncle'/);
});

test('what is no flow is left out, and a package without one says what would be', async (t) => {
  const noise = { ...family, 'Workflows/Desktop-33333333-0000-4000-8000-000000000003.json': { properties: { definition: { package: 'UEs=' } }, schemaVersion: '1.0.0.0' }, 'Workflows/Classic-4.xaml': '<a/>', 'Workflows/environmentvariabledefinitions/x/environmentvariablevalues.json': {} };
  const { json: [row] } = await raccordJson(['validate', pack(t, noise)], { jsonl: true });
  assert.deepEqual([row.status, row.operations, row.findings.map((f) => [f.code, f.severity, f.file])], ['warning', 3, [['InvalidRequestContent', 'warning', 'Workflows/Desktop-33333333-0000-4000-8000-000000000003.json']]]);
  const { json: [broken] } = await raccordJson(['validate', pack(t, { ...family, 'Workflows/Broken-4.json': '{"triggers": ' })], { jsonl: true });
  assert.deepEqual([broken.status, broken.findings.map((f) => f.file)], ['unreadable', ['Workflows/Broken-4.json']]);
  // in a folder too, in the order of their names, whatever that of the file system is
  const folder = temporary(t), names = ['delta', 'Alpha', 'golf', 'bravo', 'foxtrot', 'charlie', 'echo'].map((n) => `Workflows/${n}.json`);
  mkdirSync(join(folder, 'Workflows'));
  for (const [k, v] of Object.entries(text(Object.fromEntries([...Object.entries(family), ...names.map((n) => [n, { properties: { definition: { package: 'UEs=' } } }])])))) writeFileSync(join(folder, k), v);
  const { json: [spread] } = await raccordJson(['validate', folder], { jsonl: true });
  assert.deepEqual(spread.findings.map((f) => f.file).filter((f) => names.some((n) => f.endsWith(n))), names.toSorted());
  for (const empty of [pack(t, {}), pack(t, { 'solution.xml': '<a/>', 'Workflows/Classic-4.xaml': '<a/>' })])
    for (const command of [['run', empty], ['workflow', 'create', empty, '--server', 'http://127.0.0.1:9']]) {
      const r = await raccord(command);
      assert.equal(r.status, 3);
      assert.match(r.stderr, /p\.zip holds no workflow: .*Microsoft\.Flow\/flows\/ID\/definition\.json.*Workflows\/NAME\.json/);
    }
});

test('an import names the connectors and the values that are missing', async (t) => {
  const s = await serve(t), cli = (...args) => raccord([...args, '--server', s.url], { env: { RACCORD_TOKEN: s.token } });
  const created = await cli('workflow', 'create', pack(t, flow));
  assert.equal(created.status, 0, created.stderr);
  assert.match(created.stderr, /warning: ConnectorNotFound: There is no connector 'shared_quai' on this server/);
  assert.match(created.stderr, /raccord connector create.*raccord connection create/);
  const open = pack(t, { 'Workflows/Env-1.json': solution({ C: compose("@parameters('Port (new_Port)')") }, { 'Port (new_Port)': { type: 'String', metadata: { schemaName: 'new_Port' } } }) });
  const without = await cli('workflow', 'create', open);
  assert.equal(without.status, 0, without.stderr);
  assert.match(without.stderr, /warning: InvalidTemplate: .*'Port \(new_Port\)' is not provided.*\n.*--parameters/);
  const values = join(temporary(t), 'values.json');
  writeFileSync(values, JSON.stringify({ 'Port (new_Port)': { value: 'Brest' } }));
  const given = await cli('workflow', 'create', open, '--name', 'Given', '--parameters', values);
  assert.deepEqual([given.status, given.stderr], [0, '']);
  assert.equal((await run(open, '--parameters', values)).json.actions.C.outputs, 'Brest');
});

test('values of environment variables that a solution ships', async (t) => {
  const value = (v) => ({ environmentvariablevalues: { environmentvariablevalue: { '@environmentvariablevalueid': A, iscustomizable: '1', value: v } } });
  const parameter = (type, schemaName, more = {}) => ({ type, metadata: { schemaName, description: '' }, ...more });
  const shipped = { Port: 'Brest', On: 'yes', Limit: '12', Map: '{"a":[1]}', Wrong: 'twelve', New: 'new' };
  const files = {
    [`Workflows/Env-${A}.json`]: solution({ C: compose({ port: "@parameters('Port (new_Port)')", on: "@parameters('On (new_On)')", limit: "@parameters('Limit (new_Limit)')", map: "@parameters('Map (new_Map)')", wrong: "@parameters('Wrong (new_Wrong)')", own: "@parameters('Own (new_Own)')" }) },
      { 'Port (new_Port)': parameter('String', 'new_Port', { defaultValue: 'Nantes' }), 'On (new_On)': parameter('Bool', 'new_On'), 'Limit (new_Limit)': parameter('Float', 'NEW_limit'), 'Map (new_Map)': parameter('Object', 'new_Map'), 'Wrong (new_Wrong)': parameter('Int', 'new_Wrong', { defaultValue: 1 }), 'Own (new_Own)': parameter('String', 'new_Own', { defaultValue: 'of the flow' }) }),
    'environmentvariabledefinitions/new_Own/environmentvariabledefinition.xml': '<environmentvariabledefinition schemaname="new_Own"/>',
    'environmentvariabledefinitions/new_Broken/environmentvariablevalues.json': '{',
    ...Object.fromEntries(Object.entries(shipped).map(([k, v]) => [`environmentvariabledefinitions/new_${k}/environmentvariablevalues.json`, value(v)])),
  };
  const want = { port: 'Brest', on: true, limit: 12, map: { a: [1] }, wrong: 1, own: 'of the flow' };
  const folder = temporary(t), file = pack(t, files);
  for (const [k, v] of Object.entries(text(files))) {
    mkdirSync(dirname(join(folder, k)), { recursive: true });
    writeFileSync(join(folder, k), v);
  }
  for (const src of [file, folder, join(folder, 'Workflows', `Env-${A}.json`)]) {
    const r = await run(src);
    assert.deepEqual(r.json?.actions.C.outputs, want, `${src}: ${r.stderr}`);
    assert.deepEqual((await raccordJson(['validate', src], { jsonl: true })).json[0].findings, []);
  }
  const values = join(temporary(t), 'values.json');
  writeFileSync(values, JSON.stringify({ 'Port (new_Port)': { value: 'Vannes' } }));
  assert.deepEqual((await run(file, '--parameters', values)).json.actions.C.outputs, { ...want, port: 'Vannes' });
  const s = await serve(t), cli = (...args) => raccord([...args, '--server', s.url], { env: { RACCORD_TOKEN: s.token } });
  for (const [name, expected, ...more] of [['Env', want], ['Named', { ...want, port: 'Vannes' }, '--parameters', values]]) {
    const made = await cli('workflow', 'create', file, '--name', name, ...more);
    assert.deepEqual([made.status, made.stderr], [0, '']);
    const r = JSON.parse((await cli('workflow', 'run', name, '--format', 'json')).stdout);
    assert.deepEqual((await s.api('GET', `/api/v1/runs/${r.id ?? r.name}/actions/C/outputs`)).json, expected);
  }
});

test('flows of a solution call each other on a server', async (t) => {
  const s = await serve(t), cli = (...args) => raccord([...args, '--server', s.url], { env: { RACCORD_TOKEN: s.token } });
  assert.equal((await cli('workflow', 'create', pack(t, family))).status, 0);
  const r = await cli('workflow', 'run', `Parent-${A}`);
  assert.match(r.stdout, /Succeeded[\s\S]*ok Child  Succeeded[\s\S]*ok After  Succeeded/);
});

test('nobody takes the calls of a child over by choosing a name', async (t) => {
  const s = await serve(t), cli = (...args) => raccord([...args, '--server', s.url], { env: { RACCORD_TOKEN: s.token } });
  assert.equal((await cli('workflow', 'create', pack(t, family))).status, 0);
  const called = async () => {
    const r = await raccord(['workflow', 'run', `Parent-${A}`, '--server', s.url], { env: { RACCORD_TOKEN: s.token } });
    return r.stdout + r.stderr;
  };
  const make = async (name) => assert.equal((await s.api('PUT', `/api/v1/workflows/${name}?group=default`, child)).status, 201, name);
  await Promise.all(Array.from({ length: 260 }, (_, i) => make(`A${i}-${B}-x`))); // more than a page of names that hold it, and do not end with it
  assert.match(await called(), /ok Child  Succeeded[\s\S]*ok After  Succeeded/);
  for (const name of [B, `Also-${B.toLowerCase()}`, `Zebra-${B}`]) {
    await make(name);
    const said = await called();
    assert.match(said, /!! Child  Failed \(Conflict\)[\s\S]*Several workflows of the resource group carry the id '22222222-bbbb-4000-8000-000000000002' that action 'Child' calls in their names/, name);
    assert.equal((await s.api('DELETE', `/api/v1/workflows/${name}?group=default`)).status < 300, true);
  }
  assert.match(await called(), /ok Child  Succeeded/);
});

test('a custom connector is known by the name in its id, with or without the prefix of its publisher', async (t) => {
  const connectors = temporary(t), dir = join(connectors, 'quai');
  mkdirSync(dir);
  writeFileSync(join(dir, 'apiDefinition.swagger.json'), JSON.stringify({ swagger: '2.0', info: { title: 'Quai', description: 'Berths.', version: '1' }, host: 'quai.test', basePath: '/', schemes: ['https'], paths: { '/berths/{number}': { get: { operationId: 'GetBerth', summary: 'Get a berth', description: 'One.', parameters: [{ name: 'number', in: 'path', required: true, type: 'integer' }], responses: { 200: { description: 'It.', schema: { type: 'object' } } } } } } }));
  writeFileSync(join(dir, 'apiProperties.json'), JSON.stringify({ properties: { connectionParameters: {}, iconBrandColor: '#007ee5', capabilities: [] } }));
  const s = await serve(t), cli = (...args) => raccord([...args, '--server', s.url], { env: { RACCORD_TOKEN: s.token } });
  assert.equal((await cli('connector', 'create', dir)).status, 0);
  const names = ['shared_quai', 'shared_quai-5f0123456789abcdef', 'shared_quai-5f0123456789abcdef-fedcba9876543210', 'shared_new-5fquai-5f0123456789abcdef', 'shared_quai.5fnew.5f0123456789abcdef'];
  for (const [i, name] of [...names, 'shared_new-5fother-5f0123456789abcdef'].entries()) {
    const known = i < names.length, wrong = call(name), src = (action) => pack(t, { [`Workflows/W${i}-${A}.json`]: solution({ Berth: action }, {}, { [name]: { api: { name }, connection: {}, runtimeSource: 'embedded' } }) });
    wrong.inputs.host.operationId = 'Gone';
    const { json: [row] } = await raccordJson(['validate', src(wrong), '--connectors', connectors], { jsonl: true });
    assert.equal(row.findings.some((f) => /Gone/.test(f.message)), known, `${name}: ${JSON.stringify(row.findings)}`);
    const created = await cli('workflow', 'create', src(call(name)), '--name', `W${i}`);
    assert.equal(/ConnectorNotFound/.test(created.stderr), !known, `${name}: ${created.stderr}`);
  }
});
