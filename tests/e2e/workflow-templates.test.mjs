// ARM templates as integration developers deploy them: parameters files, modules, copies, several
// workflows that call each other, connections nobody knows the name of; from files and on a server.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { raccord, raccordJson, serve, temporary } from './lib/raccord.mjs';
import { zip } from './lib/zip.mjs';

const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
const request = { manual: { type: 'Request', kind: 'Http' } };
const definition = (actions, more = {}) => ({
  $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', triggers: request, actions, ...more,
});
const compose = (inputs) => ({ type: 'Compose', inputs });
const respond = (body, runAfter = {}) => ({ type: 'Response', runAfter, inputs: { statusCode: 200, body } });
const logic = (name, actions, parameters = {}, more = {}) => ({
  type: 'Microsoft.Logic/workflows', apiVersion: '2019-05-01', name, location: "[resourceGroup().location]", ...more,
  properties: { state: 'Enabled', definition: definition(actions, Object.keys(parameters).length ? { parameters: { $connections: { type: 'Object', defaultValue: {} } } } : {}), parameters },
});
const template = (resources, more = {}) => ({ $schema: schema, contentVersion: '1.0.0.0', resources, ...more });
const put = (dir, name, v) => {
  const file = join(dir, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(v));
  return file;
};
const findings = async (file) => (await raccordJson(['validate', file], { jsonl: true })).json[0].findings.map((f) => `${f.severity} ${f.code} ${f.pointer}`);

test('the parameters file beside a template, and the one that is named', async (t) => {
  const dir = temporary(t);
  const app = template([logic("[parameters('name')]", { C: compose("[parameters('url')]") })], { parameters: { name: { type: 'string' }, url: { type: 'string' } } });
  const file = put(dir, 'main.json', app);
  assert.deepEqual(await findings(file), ['error InvalidTemplateDeployment /resources/0/properties/definition/actions/C/inputs']);
  const values = (url, more = {}) => ({ $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#', parameters: { name: { value: 'orders' }, url: { value: url }, ...more } });
  const other = put(dir, 'prod.json', values('https://prod.test'));
  const inputs = async (...args) => {
    const r = await raccordJson(['run', file, ...args]);
    assert.equal(r.status, 0, r.stderr);
    return r.json.actions.C.inputs;
  };
  assert.equal(await inputs('--parameters', other), 'https://prod.test');
  assert.equal(await inputs('--parameters', put(dir, 'plain.json', { name: 'x', url: '[as it is]' })), '[as it is]');
  assert.equal((await raccord(['validate', file, '--parameters', other])).status, 0);
  const gone = await raccord(['validate', file, '--parameters', join(dir, 'gone.json')]);
  assert.deepEqual([gone.status !== 0, /gone\.json/.test(gone.stderr)], [true, true]);
  put(dir, 'main.parameters.json', values('https://dev.test', { extra: { value: 1 } }));
  assert.equal(await inputs(), 'https://dev.test');
  assert.equal(await inputs('--parameters', other), 'https://prod.test');
  assert.equal(await inputs('--parameters', put(dir, 'url.json', { url: 'https://mine.test' })), 'https://mine.test');
  const beside = await raccord(['validate', file]);
  assert.equal(beside.status, 0);
  assert.match(beside.stderr, /main\.parameters\.json: warning: InvalidTemplateDeployment: the template declares no parameter 'extra'/);
  assert.match((await raccord(['show', file])).stdout, /^orders {2}consumption/);
  writeFileSync(join(dir, 'main.parameters.json'), '{"parameters": ');
  assert.match((await raccord(['validate', file])).stderr, /main\.parameters\.json:1:\d+: error: InvalidRequestContent: the parameters file is not JSON/);
});

test('values that a parameter may not have, and workflows beyond those that are read', async (t) => {
  const dir = temporary(t), parameters = { port: { type: 'int', maxValue: 65535 }, key: { type: 'securestring', minLength: 12 } };
  const file = put(dir, 'main.json', template([logic('w', { C: compose("[parameters('port')]") })], { parameters }));
  const bad = put(dir, 'bad.json', { parameters: { port: { value: 70000 }, key: { value: 'hunter2' } } });
  for (const args of [['validate', file], ['run', file], ['run', `${file}#w`]]) {
    const r = await raccord([...args, '--parameters', bad]);
    assert.equal(r.status, 1, r.stderr);
    assert.match(r.stderr, /main\.json:1:\d+: error: InvalidTemplateDeployment: the value 70000 of the template parameter 'port' is above its maxValue of 65535/);
    assert.match(r.stderr, /InvalidTemplateDeployment: the value of the template parameter 'key' is shorter than its minLength of 12/);
    assert.deepEqual([/hunter2/.test(r.stderr), /cannot be known/.test(r.stderr)], [false, false]);
  }
  const [row] = (await raccordJson(['validate', file, '--parameters', bad], { jsonl: true })).json;
  assert.deepEqual(row.findings.map((f) => f.pointer), ['/parameters/port', '/parameters/key']);
  assert.equal((await raccord(['run', file, '--parameters', put(dir, 'good.json', { port: 80, key: 'correct horse' })])).status, 0);
  // a default that others may need to replace: no matter to the workflow
  const sql = put(dir, 'sql.json', template([logic('w', { C: compose(1) })], { parameters: { password: { type: 'securestring', minLength: 12, defaultValue: '' } } }));
  assert.deepEqual(await findings(sql), ['warning InvalidTemplateDeployment /parameters/password']);
  assert.deepEqual(((await raccordJson(['validate', sql, '--parameters', put(dir, 'short.json', { password: 'short' })], { jsonl: true })).json)[0].findings.map((f) => f.severity), ['error']);
  const many = put(dir, 'many.json', template([logic('w', {}, {}, { copy: { name: 'c', count: 801 } })]));
  assert.deepEqual(await findings(many), ['error InvalidTemplateDeployment ']);
});

test('several workflows: copies, which of them runs, one that calls another', async (t) => {
  const dir = temporary(t);
  const copies = put(dir, 'copies.json', template([logic("[parameters('names')[copyIndex()]]", { Who: compose("[parameters('names')[copyIndex()]]") }, {}, { copy: { name: 'apps', count: "[length(parameters('names'))]" } })], { parameters: { names: { type: 'array', defaultValue: ['alpha', 'beta', 'gamma'] } } }));
  const first = await raccordJson(['run', copies]);
  assert.match(first.stderr, /deploys 3 workflows \(alpha, beta, gamma\); this runs alpha/);
  assert.equal(first.json.actions.Who.outputs, 'alpha');
  const third = await raccordJson(['run', `${copies}#Gamma`]);
  assert.deepEqual([third.json.actions.Who.outputs, third.stderr], ['gamma', '']);
  const none = await raccord(['run', `${copies}#delta`]);
  assert.deepEqual([none.status, /copies\.json holds no workflow of the name 'delta'/.test(none.stderr)], [3, true]);
  const mixed = put(dir, 'mixed.json', template([logic('open', { C: compose('[newGuid()]') }), logic('sound', { C: compose(1) })]));
  assert.deepEqual(await findings(mixed), ['error InvalidTemplateDeployment /resources/0/properties/definition/actions/C/inputs']);
  assert.equal((await raccordJson(['run', `${mixed}#sound`])).json.actions.C.outputs, 1);
  const open = await raccord(['run', `${mixed}#open`]);
  assert.deepEqual([open.status, /newGuid\(\) is another in each deployment/.test(open.stderr)], [1, true]);
  const family = put(dir, 'family.json', template([
    logic('parent', { Call: { type: 'Workflow', inputs: { host: { workflow: { id: "[resourceId('Microsoft.Logic/workflows', 'child')]" }, triggerName: 'manual' }, body: { n: 7 } } }, R: respond("@body('Call')", { Call: ['Succeeded'] }) }),
    logic('child', { R: respond("@triggerBody()?['n']") }),
  ]));
  const called = await raccordJson(['run', family]);
  assert.deepEqual([called.status, called.json.actions.R.inputs.body], [0, 7]);
});

test('modules: what one deployment gives another; a connection nobody knows the name of', async (t) => {
  const dir = temporary(t);
  const module = (name, given, inner) => ({ type: 'Microsoft.Resources/deployments', apiVersion: '2022-09-01', name, properties: { mode: 'Incremental', expressionEvaluationOptions: { scope: 'inner' }, parameters: given, template: inner } });
  const call = { type: 'ApiConnection', inputs: { host: { connection: { name: "@parameters('$connections')['sql']['connectionId']" } }, method: 'get', path: '/items' } };
  const app = (id) => logic('loader', { Rows: call }, { $connections: { value: { sql: { connectionId: id, connectionName: 'sql', id: "[subscriptionResourceId('Microsoft.Web/locations/managedApis', 'eu', 'sql')]" } } } });
  const file = put(dir, 'main.json', {
    ...template([
      module('connections', {}, template([], { outputs: { id: { type: 'string', value: "[resourceId('Microsoft.Web/connections', 'sql')]" } } })),
      module('app', { id: { value: "[reference(resourceId('Microsoft.Resources/deployments', 'connections'), '2022-09-01').outputs.id.value]" } }, template([app("[parameters('id')]")], { parameters: { id: { type: 'string' } } })),
    ]), metadata: { _generator: { name: 'bicep', version: '0.30.3', templateHash: '1' } },
  });
  assert.deepEqual(await findings(file), []);
  const mocks = put(dir, 'mocks.json', { Rows: { outputs: { body: [] } } });
  assert.equal((await raccordJson(['run', file, '--mocks', mocks])).status, 0);
  const open = put(dir, 'open.json', template([app("[resourceId('Microsoft.Web/connections', uniqueString(resourceGroup().id))]")]));
  assert.deepEqual(await findings(open), ['warning InvalidTemplateDeployment /resources/0/properties/parameters/$connections/value/sql/connectionId']);
  const run = await raccordJson(['run', open, '--mocks', mocks]);
  assert.deepEqual([run.status, run.json.actions.Rows.inputs?.host?.connection?.name ?? 'sql'], [0, 'sql']);
});

const link = (name, templateLink, parameters = {}) => ({ type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name, properties: { mode: 'Incremental', templateLink, parameters } });
// azuredeploy.json -> nested/app.json -> nested/deep/leaf.json -> ../shared.json
const linkedFiles = {
  'azuredeploy.json': template([link('app', { relativePath: 'nested/app.json' }, { who: { value: "[parameters('who')]" } })], { parameters: { who: { type: 'string', defaultValue: 'Brest' } }, outputs: { got: { type: 'string', value: "[reference('app').outputs.said.value]" } } }),
  'nested/app.json': template([link('leaf', { relativePath: './deep/leaf.json' }, { who: { value: "[concat(parameters('who'), '!')]" } }), logic('outer', { C: compose("[reference('leaf').outputs.said.value]") })], { parameters: { who: { type: 'string' } } }),
  'nested/deep/leaf.json': template([link('shared', { relativePath: '..\\shared.json' }), logic('inner', { C: compose("[parameters('who')]") })], { parameters: { who: { type: 'string', maxLength: 8 } }, outputs: { said: { type: 'string', value: "[toUpper(parameters('who'))]" } } }),
  'nested/shared.json': template([logic('shared', { C: compose("[variables('v')]") })], { variables: { v: 'of its own' } }),
};
const names = (show) => (show.json.workflows ?? [show.json]).map((w) => w.name);

test('linked templates are read from the folder or zip they stand in', async (t) => {
  const dir = temporary(t), packed = join(dir, 'p.zip'), wrapped = join(dir, 'w.zip');
  for (const [k, v] of Object.entries(linkedFiles)) put(join(dir, 'app'), k, v);
  const bytes = (fn) => zip(Object.fromEntries(Object.entries(linkedFiles).map(([k, v]) => [fn(k), JSON.stringify(v)])));
  writeFileSync(packed, bytes((k) => k));
  writeFileSync(wrapped, bytes((k) => `export-2023/${k}`));
  for (const src of [join(dir, 'app', 'azuredeploy.json'), join(dir, 'app'), packed, wrapped]) {
    assert.deepEqual(await findings(src), [], src);
    assert.deepEqual(names(await raccordJson(['show', src])), ['shared', 'inner', 'outer'], src);
    assert.deepEqual(names(await raccordJson(['show', `${src}#INNER`])), ['inner'], src);
    assert.match((await raccord(['show', `${src}#none`])).stderr, /holds no workflow of the name 'none'/);
    const out = async (name, ...more) => (await raccordJson(['run', `${src}#${name}`, ...more])).json?.actions.C.outputs;
    assert.deepEqual([await out('shared'), await out('inner'), await out('outer')], ['of its own', 'Brest!', 'BREST!'], src);
    assert.equal(await out('inner', '--parameters', put(dir, 'who.json', { who: 'Auray' })), 'Auray!', src);
    const first = await raccordJson(['run', src]);
    assert.deepEqual([first.json.actions.C.outputs, /deploys 3 workflows/.test(first.stderr)], ['of its own', true]);
    const long = await raccord(['validate', src, '--parameters', put(dir, 'long.json', { who: 'Concarneau' })]);
    assert.match(long.stderr, /nested\/deep\/leaf\.json:1:\d+: error: InvalidTemplateDeployment: the value of the template parameter 'who' is longer than its maxLength of 8/);
  }
});

test('findings of a linked template say the file and the place in it', async (t) => {
  const dir = temporary(t);
  const file = put(dir, 'main.json', template([link('l', { relativePath: 'nested/bad.json' })]));
  put(dir, 'nested/bad.json', template([logic('w', { A: compose("@body('none')"), B: compose("[parameters('p')]") })], { parameters: { p: { type: 'string' } } }));
  const [row] = (await raccordJson(['validate', file], { jsonl: true })).json;
  assert.deepEqual(row.findings.map((f) => [f.file, f.pointer, f.line > 0]), [['nested/bad.json', '/resources/0/properties/definition/actions/B/inputs', true], ['nested/bad.json', '/resources/0/properties/definition/actions/A/inputs', true]]);
  for (const command of ['validate', 'run']) assert.match((await raccord([command, file])).stderr, new RegExp(`^${dir}/nested/bad\\.json:1:\\d+: error: InvalidTemplate`, 'm'));
});

test('what a link names and cannot be read is told of: nothing outside of the folder, nothing fetched', async (t) => {
  const dir = temporary(t), secret = put(dir, 'secret.json', template([logic('stolen', { C: compose(1) })]));
  const cases = {
    'gone.json': /the file 'gone\.json' it links to is not there/,
    '../secret.json': /the file '\.\.\/secret\.json' it links to is no path inside of the folder/,
    'a/../../secret.json': /is no path inside of the folder/,
    [secret]: /is no path inside of the folder/,
    'way-out.json': /the file 'way-out\.json' it links to lies outside of the folder/,
    'broken.json': /the file 'broken\.json' it links to cannot be read \(1:\d+:/,
    'other.json': /the file 'other\.json' it links to is no template/,
  };
  const app = join(dir, 'app');
  put(app, 'other.json', { a: 1 });
  writeFileSync(join(app, 'broken.json'), '{"resources": [');
  symlinkSync(secret, join(app, 'way-out.json'));
  for (const [path, why] of Object.entries(cases)) {
    const r = await raccord(['validate', put(app, 'main.json', template([link('l', { relativePath: path }), logic('own', { C: compose(1) })]))]);
    assert.equal(r.status, 0, r.stderr);
    assert.match(r.stderr, /main\.json:1:\d+: warning: InvalidTemplateDeployment: the template of the deployment l cannot be known here: /);
    assert.match(r.stderr, why);
  }
  const uri = await raccord(['validate', put(app, 'uri.json', template([link('a', { uri: 'http://127.0.0.1:9/x.json' }), link('b', { uri: "[uri(deployment().properties.templateLink.uri, 'x.json')]" }), link('c', { id: '/subscriptions/s/templateSpecs/t' }), logic('own', { C: compose(1) })]))]);
  assert.equal(uri.status, 0, uri.stderr);
  for (const named of ["'http://127.0.0.1:9/x.json'", "'[uri(deployment().properties.templateLink.uri, 'x.json')]'", "'/subscriptions/s/templateSpecs/t'"]) assert.ok(uri.stderr.includes(`it is linked to by ${named}, and nothing is fetched`), uri.stderr);
  const circle = put(app, 'circle.json', template([link('again', { relativePath: 'circle.json' }), logic('own', { C: compose(1) })]));
  assert.match((await raccord(['validate', circle])).stderr, /deployments stand inside of each other deeper than the 8 levels/);
});

test('an exported template in a folder or zip, with its parameters', async (t) => {
  const dir = temporary(t), packed = join(dir, 'ExportedTemplate.zip');
  const exported = { 'template.json': template([logic("[parameters('workflows_tides_name')]", { C: compose("[parameters('url')]") })], { parameters: { workflows_tides_name: { defaultValue: 'tides', type: 'String' }, url: { type: 'String' } } }), 'parameters.json': { parameters: { workflows_tides_name: { value: null }, url: { value: 'https://a.test' } } } };
  for (const [k, v] of Object.entries(exported)) put(join(dir, 'folder'), k, v);
  writeFileSync(packed, zip(Object.fromEntries(Object.entries(exported).map(([k, v]) => [k, JSON.stringify(v)]))));
  for (const src of [join(dir, 'folder'), packed]) {
    assert.deepEqual(await findings(src), []);
    assert.equal((await raccordJson(['run', `${src}#tides`])).json?.actions.C.outputs, 'https://a.test');
  }
});

test('what is no workflow: a site, a linked template; names that are expressions', async (t) => {
  const dir = temporary(t);
  const linked = { type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: 'l', properties: { mode: 'Incremental', templateLink: { relativePath: 'app.json' } } };
  assert.deepEqual(await findings(put(dir, 'site.json', template([{ type: 'Microsoft.Web/sites', kind: 'functionapp,workflowapp', name: 's' }]))), ['warning InvalidTemplate ']);
  assert.deepEqual(await findings(put(dir, 'linked.json', template([linked, logic('own', { C: compose(1) })]))), ['warning InvalidTemplateDeployment /resources/0/properties/templateLink']);
  const keys = put(dir, 'keys.json', template([logic('k', { C: compose({ "[concat('a', 'b')]": 1, '[[x]': 2 }) })]));
  assert.deepEqual((await raccordJson(['run', keys])).json.actions.C.inputs, { ab: 1, '[x]': 2 });
  assert.deepEqual(await findings(put(dir, 'open.json', template([logic('k', { C: compose({ '[newGuid()]': 1 }) })]))), ['error InvalidTemplateDeployment /resources/0/properties/definition/actions/C/inputs/[newGuid()]']);
});

test('on a server: every workflow of a template, with who may call it', async (t) => {
  const dir = temporary(t), server = await serve(t);
  const guarded = logic("[concat('app-', parameters('names')[copyIndex()])]", { C: compose("[parameters('names')[copyIndex()]]") }, {}, { copy: { name: 'apps', count: 2 }, tags: { team: "[parameters('names')[0]]" } });
  guarded.properties.accessControl = { triggers: { copy: [{ name: 'allowedCallerIpAddresses', count: 1, input: { addressRange: "[concat('10.0.0.', '0/8')]" } }] } };
  guarded.properties.state = "[if(equals(copyIndex(), 1), 'Disabled', 'Enabled')]";
  const file = put(dir, 'main.json', template([guarded], { parameters: { names: { type: 'array', defaultValue: ['a', 'b'] } } }));
  const at = (...args) => raccord([...args, '--server', server.url], { env: { RACCORD_TOKEN: server.token } });
  assert.equal((await at('workflow', 'validate', file)).status, 0);
  const made = await at('workflow', 'create', file);
  assert.match(made.stdout, /^app-a {2}\S+ {2}version \d+\napp-b {2}\S+ {2}version \d+\n$/, made.stderr);
  const shown = async (name) => JSON.parse((await at('workflow', 'show', name, '--format', 'json')).stdout);
  const a = await shown('app-a'), b = await shown('app-b');
  for (const w of [a, b]) assert.deepEqual(w.accessControl?.triggers.allowedCallerIpAddresses, [{ addressRange: '10.0.0.0/8' }]);
  assert.deepEqual([a.state, b.state, a.tags], ['Enabled', 'Disabled', { team: 'a' }]);
  for (const [k, v] of Object.entries(linkedFiles)) put(join(dir, 'linked'), k, v);
  const linked = await at('workflow', 'create', join(dir, 'linked'));
  assert.match(linked.stdout, /^shared {2}.*\ninner {2}.*\nouter {2}/, linked.stderr);
  const commented = join(dir, 'commented.json');
  writeFileSync(commented, `// deployed by hand\n${JSON.stringify(template([logic('commented', { C: compose(1) })]))}`);
  assert.match((await at('workflow', 'create', commented)).stderr, new RegExp(`^${commented}:1:1: warning: RC-JSON-01`, 'm'));
  const leaf = put(dir, 'solo/main.json', template([link('l', { relativePath: 'leaf.json' })]));
  put(dir, 'solo/leaf.json', template([logic('leaf', { C: compose(1) })]));
  assert.match((await at('workflow', 'create', leaf)).stdout, /^leaf {2}/);
  const one = put(dir, 'one.json', template([{ ...guarded, name: 'solo', copy: undefined, properties: { ...guarded.properties, state: 'Enabled', definition: definition({ C: compose(1) }) } }], { parameters: { names: { type: 'array', defaultValue: ['a'] } } }));
  assert.equal((await at('workflow', 'create', one)).status, 0);
  assert.equal((await shown('solo')).accessControl?.triggers.allowedCallerIpAddresses[0].addressRange, '10.0.0.0/8');
  assert.match((await at('workflow', 'update', 'app-b', `${file}#app-b`)).stdout, /^app-b /);
});

test('on a server: the parameters file comes along', async (t) => {
  const dir = temporary(t), server = await serve(t);
  const file = put(dir, 'main.json', template([logic("[parameters('name')]", { R: respond("[parameters('word')]") })], { parameters: { name: { type: 'string' }, word: { type: 'string', defaultValue: 'none' } } }));
  put(dir, 'main.parameters.json', { parameters: { name: { value: 'speaker' }, word: { value: 'ahoy' } } });
  const at = (...args) => raccord([...args, '--server', server.url], { env: { RACCORD_TOKEN: server.token } });
  const checked = await at('workflow', 'validate', file);
  assert.equal(checked.status, 0, checked.stderr);
  const made = await at('workflow', 'create', file);
  assert.match(made.stdout, /^speaker {2}/, made.stderr);
  const kept = await at('workflow', 'download', 'speaker');
  assert.equal(JSON.parse(kept.stdout).definition.actions.R.inputs.body, 'ahoy', kept.stderr);
});
