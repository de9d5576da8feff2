// `raccord run`: the engine's rules (spec workflows §3, §4) seen from outside.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { raccord, temporary } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const after = (...names) => Object.fromEntries(names.map((n) => (Array.isArray(n) ? n : [n, ['Succeeded']])));
const all = ['Succeeded', 'Failed', 'Skipped', 'TimedOut'];
const fail = { type: 'Compose', inputs: "@div(1, 0)" };
const compose = (inputs, runAfter) => ({ type: 'Compose', inputs, ...(runAfter ? { runAfter } : {}) });

async function run(t, actions, { trigger, mocks, args = [], definition = {}, type = 'Request' } = {}) {
  const dir = temporary(t);
  const file = (name, v) => { const f = join(dir, name); writeFileSync(f, JSON.stringify(v)); return f; };
  const w = file('workflow.json', { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: typeof type === 'string' ? { type } : type }, actions, ...definition }, kind: 'Stateful' });
  const r = await raccord(['run', w, '--format', 'json', ...(trigger ? ['--trigger', file('trigger.json', trigger)] : []), ...(mocks ? ['--mocks', file('mocks.json', mocks)] : []), ...args]);
  assert.equal(r.signal, null, r.stderr);
  return { ...r, json: r.stdout ? JSON.parse(r.stdout) : undefined };
}
const statuses = (r) => Object.fromEntries(Object.entries(r.json.actions).map(([k, v]) => [k, v.status]));

test('the leaf rule: (a) a failure nobody handled, (b) handled, (c) joined', async (t) => {
  const a = await run(t, { A: fail, B: compose(1, after(['A', ['Failed']])), C: compose(1, after('A')) });
  assert.equal(a.json.status, 'Failed');
  assert.equal(a.status, 1);
  assert.deepEqual(a.json.error, { code: 'ActionFailed', message: 'An action failed. No dependent actions succeeded.' });
  assert.deepEqual(statuses(a), { A: 'Failed', B: 'Succeeded', C: 'Skipped' });
  assert.equal((await run(t, { A: fail, B: compose(1, after(['A', all])) })).json.status, 'Succeeded');
  const c = await run(t, { A: fail, C: compose(1, after('A')), D: compose(1, after(['A', ['Failed']])), E: compose(1, after(['C', all], ['D', all])) });
  assert.equal(c.json.status, 'Succeeded');
});

test('the four messages of skipped actions', async (t) => {
  const r = await run(t, {
    A: fail,
    B: { type: 'Scope', runAfter: after('A'), actions: { B1: compose(1), B2: compose(1, after('B1')) } },
    If: { type: 'If', expression: { equals: [1, 2] }, actions: { T1: compose(1), T2: compose(1, after('T1')) }, else: { actions: {} } },
  });
  const error = (n) => r.json.actions[n].error;
  assert.deepEqual(error('B'), { code: 'ActionConditionFailed', message: "The execution of template action 'B' is skipped: the 'runAfter' condition for action 'A' is not satisfied. Expected status values 'Succeeded' and actual value 'Failed'." });
  assert.deepEqual(error('B1'), { code: 'ActionDependencyFailed', message: "The execution of template action 'B1' is skipped: dependant action 'B' completed with status 'Skipped' and code 'ActionSkipped'." });
  assert.equal(error('B2').code, 'ActionConditionFailed');
  assert.deepEqual(error('T1'), { code: 'ActionBranchingConditionNotSatisfied', message: "The execution of template action 'T1' skipped: the branching condition for this action is not satisfied." });
  assert.equal(error('T2').code, 'ActionConditionFailed');
  assert.equal(r.json.actions.A.error.code, 'InvalidTemplate');
});

test('loops: results from outside, iterations, counts, status', async (t) => {
  const r = await run(t, {
    Init: { type: 'InitializeVariable', inputs: { variables: [{ name: 'n', type: 'integer', value: 0 }, { name: 'list', type: 'array' }] } },
    Each: { type: 'Foreach', foreach: "@createArray('a','b','c')", runAfter: after('Init'), actions: { Up: compose("@toUpper(items('Each'))"), Add: { type: 'AppendToArrayVariable', inputs: { name: 'list', value: '@item()' }, runAfter: after('Up') } } },
    Outside: compose("@outputs('Up')", after('Each')),
    Loop: { type: 'Until', expression: "@equals(variables('n'), 3)", limit: { count: 10 }, runAfter: after('Outside'), actions: { Inc: { type: 'IncrementVariable', inputs: { name: 'n' } }, Index: compose("@iterationIndexes('Loop')", after('Inc')) } },
    Last: compose("@concat(string(outputs('Index')), join(variables('list'), ''))", after('Loop')),
  });
  assert.deepEqual(r.json.actions.Outside.outputs, ['A', 'B', 'C']);
  assert.equal(r.json.actions.Up.repetitions.length, 3);
  assert.equal(r.json.actions.Inc.repetitions.length, 3);
  assert.equal(r.json.actions.Last.outputs, '2abc');
  const failing = await run(t, { Each: { type: 'Foreach', foreach: '@createArray(1,0,2)', actions: { D: compose('@div(4, item())') } } });
  assert.deepEqual(failing.json.actions.D.repetitions.map((x) => x.status), ['Succeeded', 'Failed', 'Succeeded']);
  assert.equal(failing.json.status, 'Failed');
  const limit = await run(t, { L: { type: 'Until', expression: '@false', limit: { count: 2 }, operationOptions: 'FailWhenLimitsReached', actions: { C: compose(1) } } });
  assert.equal(limit.json.status, 'Failed');
  const bad = await run(t, { L: { type: 'Foreach', foreach: "@null", actions: { C: compose(1) } } });
  assert.equal(bad.json.actions.L.error.code, 'ExpressionEvaluationFailed');
});

test('a loop over 100,000 items stays within its memory', async (t) => {
  const r = await run(t, { L: { type: 'Foreach', foreach: '@range(1,100000)', actions: { C: compose('@add(item(),1)') } }, N: compose("@last(outputs('C'))", after('L')) });
  assert.equal(r.json.actions.N.outputs, 100001);
});

test('branches, switches, terminate, response', async (t) => {
  const r = await run(t, {
    Pick: { type: 'Switch', expression: "@triggerBody()?['size']", cases: { S: { case: 'small', actions: { Small: compose('s') } }, L: { case: 'large', actions: { Large: compose('l') } } }, default: { actions: { Other: compose('o') } } },
    Answer: { type: 'Response', inputs: { statusCode: '201', headers: { 'X-A': 1, 'Content-Length': 5 }, body: { size: "@triggerBody()['size']" } }, runAfter: after('Pick') },
  }, { trigger: { body: { size: 'large' } } });
  assert.deepEqual(statuses(r), { Pick: 'Succeeded', Small: 'Skipped', Large: 'Succeeded', Other: 'Skipped', Answer: 'Succeeded' });
  assert.deepEqual(r.json.response, { statusCode: 201, headers: { 'X-A': '1' }, body: { size: 'large' } });
  const webhook = { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: 'https://quai.example/hooks' } } };
  const nobody = await run(t, { Answer: { type: 'Response', inputs: { statusCode: 200 } } }, { type: webhook });
  assert.equal(nobody.json.actions.Answer.code, 'ActionResponseSkipped');
  assert.equal(nobody.json.status, 'Succeeded');
  const end = await run(t, { Stop: { type: 'Terminate', inputs: { runStatus: 'Failed', runError: { code: 'No', message: 'enough' } } }, Never: compose(1, after('Stop')) });
  assert.equal(end.json.status, 'Failed');
  assert.deepEqual(end.json.error, { code: 'No', message: 'enough' });
  assert.deepEqual([end.json.actions.Never.status, end.json.actions.Never.code], ['Skipped', 'Terminated']);
});

test('containers with nothing in them, loops that nobody can judge, repetitions that differ', async (t) => {
  const r = await run(t, {
    Bare: { type: 'Switch', expression: 'x', cases: {} },
    Count: { type: 'Until', expression: "@equals(iterationIndexes('Count'), 3)", limit: { count: 10 }, actions: {}, operationOptions: 'FailWhenLimitsReached', runAfter: after('Bare') },
    Short: { type: 'Until', expression: "@equals(iterationIndexes('Short'), 3)", limit: { count: 3 }, actions: {}, operationOptions: 'FailWhenLimitsReached', runAfter: after('Count') },
    Text: { type: 'Until', expression: "@concat('a')", limit: { count: 2 }, actions: { C: compose(1) }, runAfter: after(['Short', ['Failed']]) },
    Each: { type: 'Foreach', foreach: [0, 1], actions: { Div: compose('@div(1, item())') }, runAfter: after(['Text', ['Failed']]) },
  });
  assert.deepEqual(statuses(r), { Bare: 'Succeeded', Count: 'Succeeded', Short: 'Failed', Text: 'Failed', C: 'Succeeded', Each: 'Failed', Div: 'Failed' });
  assert.match(r.json.actions.Text.error.message, /of type 'String'. The result must be true or false/);
  assert.deepEqual(r.json.actions.Div.repetitions.map((x) => [x.name, x.status]), [['000000', 'Failed'], ['000001', 'Succeeded']]);
});

test('data operations', async (t) => {
  const rows = "@createArray(json('{\"n\":\"a,b\",\"v\":1}'), json('{\"n\":\"<c>\",\"v\":null}'))";
  const r = await run(t, {
    Select: { type: 'Select', inputs: { from: rows, select: { name: "@item()['n']" } } },
    Query: { type: 'Query', inputs: { from: rows, where: "@equals(item()['v'], 1)" } },
    Join: { type: 'Join', inputs: { from: '@createArray(1, true, null, \'x\')', joinWith: '; ' } },
    Csv: { type: 'Table', inputs: { format: 'CSV', from: rows } },
    Html: { type: 'Table', inputs: { format: 'HTML', from: rows, columns: [{ header: 'N', value: "@item()['n']" }] } },
    Parse: { type: 'ParseJson', inputs: { content: '{"a": 1}', schema: { type: 'object', properties: { a: { type: 'integer' } } } } },
    Wrong: { type: 'ParseJson', inputs: { content: '{"a": "x"}', schema: { type: 'object', properties: { a: { type: 'integer' } } } } },
    Time: { type: 'Expression', kind: 'AddToTime', inputs: { baseTime: '2026-01-31T00:00:00Z', interval: 1, timeUnit: 'Month' } },
    None: { type: 'Select', inputs: { from: '@null', select: 1 } },
  });
  const body = (n) => r.json.actions[n].outputs.body;
  assert.deepEqual(body('Select'), [{ name: 'a,b' }, { name: '<c>' }]);
  assert.deepEqual(body('Query'), [{ n: 'a,b', v: 1 }]);
  assert.equal(body('Join'), '1; true; ; x');
  assert.equal(body('Csv'), 'n,v\r\n"a,b",1\r\n<c>,\r\n');
  assert.equal(body('Html'), '<table><thead><tr><th>N</th></tr></thead><tbody><tr><td>a,b</td></tr><tr><td>&lt;c&gt;</td></tr></tbody></table>');
  assert.deepEqual(body('Parse'), { a: 1 });
  assert.deepEqual(r.json.actions.Wrong.error, { code: 'ValidationFailed', message: 'The schema validation failed.' });
  assert.equal(body('Time'), '2026-02-28T00:00:00.0000000Z');
  assert.equal(r.json.actions.None.status, 'Failed');
});

test('ParseJson: what the schema says is wrong, in full; draft-04 unless it says otherwise', async (t) => {
  const parse = (content, schema) => ({ type: 'ParseJson', inputs: { content, schema } });
  const item = { type: 'object', properties: { t: { type: 'string' }, 'x y': { $ref: '#/definitions/n' } }, required: ['t', 'u'] };
  const schema = { definitions: { n: { type: 'integer' } }, type: 'object', properties: { list: { type: 'array', items: item } } };
  const r = await run(t, {
    Type: parse({ list: [{ t: 'a', u: 1 }, { t: null, u: 1 }] }, schema),
    Required: parse({ list: [{}] }, schema),
    Reference: parse({ list: [{ t: 'a', u: 1, 'x y': 'no' }] }, schema),
    Root: parse([1], { type: 'object' }),
    Four: parse({ n: 5 }, { properties: { n: { maximum: 5, exclusiveMaximum: true } } }),
    Seven: parse({ n: 5 }, { $schema: 'http://json-schema.org/draft-07/schema#', properties: { n: { const: 5 } } }),
    NoConst: parse({ n: 5 }, { properties: { n: { const: 6 } } }),
  });
  const errors = (n) => r.json.actions[n].outputs.errors;
  const common = { lineNumber: 0, linePosition: 0, childErrors: [] };
  assert.deepEqual(errors('Type'), [{ ...common, message: 'Invalid type. Expected String but got Null.', path: 'list[1].t', value: null, schemaId: '#/properties/list/items/properties/t', errorType: 'type' }]);
  assert.deepEqual(errors('Required'), [{ ...common, message: 'Required properties are missing from object: t, u.', path: 'list[0]', value: ['t', 'u'], schemaId: '#/properties/list/items', errorType: 'required' }]);
  assert.deepEqual(errors('Reference'), [{ ...common, message: 'Invalid type. Expected Integer but got String.', path: "list[0]['x y']", value: 'no', schemaId: '#/definitions/n', errorType: 'type' }]);
  assert.deepEqual(errors('Root'), [{ ...common, message: 'Invalid type. Expected Object but got Array.', path: '', value: [1], schemaId: '#', errorType: 'type' }]);
  assert.deepEqual([errors('Four').length, errors('Four')[0].errorType, errors('Four')[0].value], [1, 'maximum', 5]);
  assert.deepEqual(statuses(r), { Type: 'Failed', Required: 'Failed', Reference: 'Failed', Root: 'Failed', Four: 'Failed', Seven: 'Succeeded', NoConst: 'Succeeded' });
  assert.equal(r.json.actions.Type.code, 'BadRequest');
});

test('DisableAutomaticDecompression keeps the bytes that were sent', async (t) => {
  const packed = gzipSync('{"a":1}');
  const server = createServer((q, r) => { r.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }); r.end(packed); });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const get = { type: 'Http', inputs: { method: 'GET', uri: `http://127.0.0.1:${server.address().port}/` } };
  const r = await run(t, { Plain: get, Packed: { ...get, operationOptions: 'DisableAutomaticDecompression' } });
  assert.deepEqual(r.json.actions.Plain.outputs.body, { a: 1 });
  assert.deepEqual(r.json.actions.Packed.outputs.body, { '$content-type': 'application/json', '$content': packed.toString('base64') });
  assert.equal(r.json.actions.Packed.outputs.headers['content-encoding'] ?? r.json.actions.Packed.outputs.headers['Content-Encoding'], 'gzip');
});

test('mocks that nothing takes are told of, with their places', async (t) => {
  const actions = { Call: { type: 'Http', inputs: { method: 'GET', uri: 'http://127.0.0.1:1/' } }, Each: { type: 'Foreach', foreach: '@range(0, 1)', actions: { Inner: compose(1) } } };
  const told = async (mocks) => { const r = await run(t, actions, { mocks: { Call: {}, ...mocks } }); return [r.status, r.stderr.replaceAll(/^.*mocks\.json:/gm, '')]; };
  assert.deepEqual(await told({ inner: { outputs: 1 } }), [0, '']);
  assert.deepEqual(await told({ Other: null, Caall: { outputs: 1 } }), [0, "1:12: warning: InvalidRequestContent: there is no action 'Other'; its mock is not used\n    `raccord show` lists the actions of a workflow.\n1:25: warning: InvalidRequestContent: there is no action 'Caall'; its mock is not used\n    Did you mean 'Call'?\n"]);
  assert.match((await told({ manual: { outputs: { body: 1 } } }))[1], /no action 'manual'; its mock is not used\n {4}It is the trigger: its outputs are given by --trigger FILE\.\n/);
  assert.match((await told({ Inner: { body: 1 } }))[1], /1:21: warning: InvalidRequestContent: the mock of 'Inner' has 'body', which says nothing\n {4}A mock has status, code, error and outputs;/);
  const shape = await told({ Inner: 'text' }), status = await told({ Inner: [{}, { status: 'Done' }] });
  assert.equal(shape[0], 1);
  assert.match(shape[1], /1:20: error: InvalidRequestContent: the mock of 'Inner' is no object/);
  assert.equal(status[0], 1);
  assert.match(status[1], /1:34: error: InvalidRequestContent: the mock of 'Inner' has a status in which no action ends\n {4}Write Succeeded, Failed,/);
  const list = await run(t, actions, { mocks: [] });
  assert.equal(list.status, 3);
  assert.match(list.stderr, /mocks are an object/);
});

test('mocks of actions in a workflow that is called are used', async (t) => {
  const dir = temporary(t), put = (name, actions) => { mkdirSync(join(dir, name)); writeFileSync(join(dir, name, 'workflow.json'), JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, triggers: { manual: { type: 'Request' } }, actions } })); };
  put('Parent', { Child: { type: 'Workflow', inputs: { host: { workflow: { id: 'Child' } } } } });
  put('Child', { Call: { type: 'Http', inputs: { method: 'GET', uri: 'http://127.0.0.1:1/' } }, Answer: { type: 'Response', inputs: { statusCode: 200, body: "@body('Call')" }, runAfter: after('Call') } });
  writeFileSync(join(dir, 'mocks.json'), JSON.stringify({ Call: { outputs: { body: 'low tide' } }, Nobody: {} }));
  const r = await raccord(['run', join(dir, 'Parent'), '--format', 'json', '--mocks', join(dir, 'mocks.json')]);
  assert.equal(JSON.parse(r.stdout).actions.Child.outputs.body, 'low tide', r.stdout);
  assert.match(r.stderr, /no action 'Nobody'/);
  assert.doesNotMatch(r.stderr, /'Call'/);
});

test('a trigger file that is the body alone is told of', async (t) => {
  const of = async (trigger) => (await run(t, { A: compose("@triggerBody()?['berth']") }, { trigger })).stderr;
  assert.match(await of({ berth: 6 }), /trigger\.json has neither body nor headers; it is read as the outputs of the trigger/);
  assert.equal(await of({ body: { berth: 6 } }), '');
  assert.equal(await of({}), '');
});

test('mocks stand for calls; without one the type is named', async (t) => {
  const actions = { Call: { type: 'Http', inputs: { method: 'GET', uri: 'https://quai.example' } }, Use: compose("@body('Call')['x']", after('Call')) };
  const r = await run(t, actions, { mocks: { call: { outputs: { statusCode: 200, body: { x: 7 } } } } });
  assert.equal(r.json.actions.Use.outputs, 7);
  const none = await run(t, { Call: { type: 'PowerShellCode', inputs: { CodeFile: 'x.ps1' } } });
  assert.equal(none.json.actions.Call.error.code, 'ActionTypeNotSupported');
  const unknown = await run(t, { Call: { type: 'ApiConnection', inputs: { host: { connection: { referenceName: 'quai' } }, method: 'get', path: '/x' } } });
  assert.equal(unknown.json.actions.Call.error.code, 'ConnectionNotFound');
  const each = await run(t, { L: { type: 'Foreach', foreach: '@createArray(1,2)', actions: { Call: actions.Call } } },
    { mocks: { Call: [{ outputs: { body: 'one' } }, { status: 'Failed', code: 'NotFound', error: { code: 'NotFound', message: 'gone' } }] } });
  assert.deepEqual(each.json.actions.Call.repetitions.map((x) => x.status), ['Succeeded', 'Failed']);
});

test('documents as text, text in chunks, XML as JSON', async (t) => {
  const html = '<!DOCTYPE html><html><head><title>T</title><style>p{}</style></head><body><p>One &amp; two</p><script>x()</script><p>three</p></body></html>';
  const r = await run(t, {
    Html: { type: 'ParseDocument', inputs: { content: { '$content-type': 'text/html', $content: Buffer.from(html).toString('base64') } } },
    Pdf: { type: 'ParseDocument', inputs: { content: { '$content-type': 'application/pdf', $content: 'AAAA' } } },
    Chunks: { type: 'ChunkText', inputs: { chunkingStrategy: 'FixedLength', text: 'aaa bbb ccc ddd', TokenSize: 8, PageOverlapLength: 2 } },
    Xml: { type: 'XmlParse', inputs: { content: '<a><b>1</b></a>' } },
    Compose: { type: 'XmlCompose', inputs: { content: { a: { b: '1' } } } },
  });
  assert.deepEqual(r.json.actions.Html.outputs.body, { text: 'T\nOne & two\nthree' });
  assert.equal(r.json.actions.Pdf.error.code, 'UnsupportedContentType');
  assert.deepEqual(r.json.actions.Chunks.outputs.body, ['aaa bbb ', 'b ccc ', 'c ddd']);
  assert.deepEqual(r.json.actions.Xml.outputs.body, { outputJson: { a: { b: '1' } } });
  assert.match(JSON.stringify(r.json.actions.Compose.outputs.body), /xml/);
});

test('static results, tracked properties, secure inputs, timeouts of actions', async (t) => {
  const r = await run(t, {
    Fixed: { type: 'Http', inputs: { method: 'GET', uri: 'https://quai.example' }, trackedProperties: { n: "@action()['outputs']['statusCode']" }, runtimeConfiguration: { staticResult: { name: 'Fixed0', staticResultOptions: 'Enabled' } } },
    Use: compose("@body('Fixed')['x']", after('Fixed')),
    Bad: { type: 'Wait', inputs: { interval: { count: "@concat('x','y')", unit: 'Day' } } },
  }, { definition: { staticResults: { Fixed0: { status: 'Succeeded', outputs: { statusCode: 'Created', headers: {}, body: { x: "@add(1,1)" } } } } } });
  assert.equal(r.json.actions.Fixed.code, 'Created');
  assert.equal(r.json.actions.Fixed.outputs.statusCode, 201);
  assert.deepEqual(r.json.actions.Fixed.trackedProperties, { n: 201 });
  assert.equal(r.json.actions.Use.outputs, 2);
  assert.equal(r.json.actions.Bad.error.code, 'InvalidTemplate');
});

test('variables keep their types', async (t) => {
  const init = (type, value) => ({ type: 'InitializeVariable', inputs: { variables: [{ name: 'v', type, value }] } });
  const set = async (type, value, to) => (await run(t, { I: init(type, value), S: { type: 'SetVariable', inputs: { name: 'v', value: to }, runAfter: after('I') } })).json.actions.S;
  assert.equal((await set('integer', 1, 'x')).status, 'Failed');
  assert.equal((await set('float', 1.5, 2)).outputs.body.value, 2);
  assert.equal((await set('string', 'a', null)).outputs.body.value, '');
  const missing = await run(t, { S: { type: 'IncrementVariable', inputs: { name: 'nope', value: 1 } } });
  assert.equal(missing.json.actions.S.error.code, 'InvalidVariableOperation');
});

test('broken definitions are refused with their place', async (t) => {
  const refused = async (actions, pattern) => {
    const r = await run(t, actions);
    assert.equal(r.status, 1);
    assert.equal(r.stdout, '');
    assert.match(r.stderr, pattern);
  };
  await refused({ A: compose(1, after('B')), B: compose(1, after('A')) }, /workflow\.json:1:\d+: error: InvalidTemplate: The template action 'A' is not valid: .* circular/);
  await refused({ A: compose(1, after('Gone')) }, /contains non-existent action: 'Gone'/);
  await refused({ A: compose('@concat(') }, /InvalidTemplate: The template validation failed: 'The template language expression '@concat\('.* Unable to parse/);
  await refused({ A: compose(1), S: { type: 'Scope', actions: { a: compose(1) } } }, /duplicated/);
  assert.equal((await raccord(['run', '/nowhere.json'])).status, 3);
});

test('requests are made, retried, polled; waits jump under a fixed clock', async (t) => {
  const seen = [];
  const server = createServer((req, res) => {
    seen.push(`${req.method} ${req.url}`);
    if (req.url === '/flaky' && seen.filter((x) => x.endsWith('/flaky')).length < 3) return res.writeHead(503).end();
    if (req.url === '/long') return res.writeHead(202, { Location: '/poll', 'Retry-After': '60' }).end();
    if (req.url === '/poll' && seen.filter((x) => x.endsWith('/poll')).length < 2) return res.writeHead(202).end();
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ url: req.url, op: req.headers['x-ms-workflow-operation-name'] }));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${server.address().port}`;
  const http = (path, runAfter) => ({ type: 'Http', inputs: { method: 'POST', uri: base + path, body: {} }, ...(runAfter ? { runAfter } : {}) });
  const started = Date.now();
  const r = await run(t, { Flaky: http('/flaky'), Long: http('/long', after('Flaky')), W: { type: 'Wait', inputs: { interval: { count: 3, unit: 'Day' } }, runAfter: after('Long') }, T: compose('@utcNow()', after('W')) }, { args: ['--clock', '2026-01-01T00:00:00Z'] });
  assert.ok(Date.now() - started < 60000);
  assert.equal(r.json.status, 'Succeeded');
  assert.deepEqual(r.json.actions.Flaky.outputs.body, { url: '/flaky', op: 'Flaky' });
  assert.deepEqual(r.json.actions.Long.outputs.body, { url: '/poll', op: 'Long' });
  assert.deepEqual(seen, ['POST /flaky', 'POST /flaky', 'POST /flaky', 'POST /long', 'GET /poll', 'GET /poll']);
  assert.match(r.json.actions.T.outputs, /^2026-01-04T/);
});

test('connector operations are called by path and by name, with the connection given', async (t) => {
  const server = createServer((req, res) => {
    let text = '';
    req.on('data', (x) => { text += x; }).on('end', () => res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ url: req.url, key: req.headers['x-key'], body: text && JSON.parse(text) })));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const dir = temporary(t);
  const file = (name, v) => { const f = join(dir, name); writeFileSync(f, JSON.stringify(v)); return f; };
  const definition = file('quai.swagger.json', {
    swagger: '2.0', info: { title: 'Quai', version: '1' }, host: `127.0.0.1:${server.address().port}`, schemes: ['http'], basePath: '/v1',
    securityDefinitions: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } }, security: [{ key: [] }],
    paths: { '/ships/{id}': {
      get: { operationId: 'GetShip', parameters: [{ name: 'id', in: 'path', required: true, type: 'string', 'x-ms-url-encoding': 'single' }], responses: { 200: { description: 'ok' } } },
      put: { operationId: 'PutShip', parameters: [{ name: 'id', in: 'path', required: true, type: 'string' }, { name: 'ship', in: 'body', schema: { type: 'object', properties: { name: { type: 'string' } } } }], responses: { 200: { description: 'ok' } } } } },
  });
  const connections = file('connections.json', { quai: { connector: definition, connection: { api_key: 'k1' } } });
  const host = { connection: { referenceName: 'quai' } };
  const r = await run(t, {
    Get: { type: 'ApiConnection', inputs: { host, method: 'get', path: "/ships/@{encodeURIComponent('a b')}" } },
    Put: { type: 'OpenApiConnection', inputs: { host: { apiId: '/providers/Microsoft.PowerApps/apis/quai', connectionName: 'quai', operationId: 'PutShip' }, parameters: { id: '7', 'ship/name': "@body('Get')['url']" }, authentication: "@parameters('$authentication')" }, runAfter: after('Get') },
    Gone: { type: 'ApiConnection', inputs: { host, method: 'get', path: '/nowhere' }, runAfter: after('Put') },
  }, { args: ['--connections', connections], definition: { parameters: { $authentication: { type: 'SecureObject', defaultValue: {} } } } });
  assert.equal(r.json.actions.Get.outputs.body.url, '/v1/ships/a%20b');
  assert.equal(r.json.actions.Get.outputs.body.key, 'k1');
  assert.deepEqual(r.json.actions.Put.outputs.body.body, { name: '/v1/ships/a%20b' });
  assert.equal(r.json.actions.Gone.code, 'NotFound');
  assert.equal(r.json.actions.Gone.error.code, 'OperationNotFound');
});

test('a Standard connection to a connector that is not here is called by its URL', async (t) => {
  const asked = [];
  const server = createServer((req, res) => {
    let text = '';
    req.on('data', (x) => { text += x; }).on('end', () => {
      asked.push([req.method, req.url, req.headers.authorization ?? null, text]);
      if (req.url === '/r/arm/jobs') return res.writeHead(202, { Location: '/r/arm/jobs/1', 'Retry-After': '0' }).end();
      return res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ at: req.url }));
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const dir = temporary(t);
  mkdirSync(join(dir, 'w'));
  const write = (name, v) => writeFileSync(join(dir, name), JSON.stringify(v));
  const host = { connection: { referenceName: 'arm' } };
  write('host.json', { version: '2.0' });
  write('local.settings.json', { Values: { 'arm-url': `http://127.0.0.1:${server.address().port}/r/arm/`, 'arm-key': 'k3y-of-arm' } });
  write('connections.json', { managedApiConnections: { arm: {
    api: { id: '/subscriptions/s/providers/Microsoft.Web/locations/l/managedApis/arm' }, connection: { id: '/subscriptions/s/connections/arm-1' },
    connectionRuntimeUrl: "@appsetting('arm-url')", authentication: { type: 'Raw', scheme: 'Key', parameter: "@appsetting('arm-key')" } } } });
  write('w/workflow.json', { kind: 'Stateful', definition: { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0',
    triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: {
      Get: { type: 'ApiConnection', inputs: { host, method: 'get', path: "/groups/@{encodeURIComponent('a b')}", queries: { 'api-version': '2020-01-01' } }, runAfter: {} },
      Put: { type: 'ApiConnection', inputs: { host, method: 'post', path: '/jobs', body: { n: 1 } }, runAfter: { Get: ['Succeeded'] } } }, outputs: {} } });
  const r = await raccord(['run', join(dir, 'w/workflow.json'), '--format', 'json']);
  const v = JSON.parse(r.stdout);
  assert.equal(v.status, 'Succeeded', r.stdout + r.stderr);
  assert.deepEqual(asked, [
    ['GET', '/r/arm/groups/a%20b?api-version=2020-01-01', 'Key k3y-of-arm', ''],
    ['POST', '/r/arm/jobs', 'Key k3y-of-arm', '{"n":1}'],
    ['GET', '/r/arm/jobs/1', 'Key k3y-of-arm', ''],
  ]);
  assert.deepEqual(v.actions.Put.outputs.body, { at: '/r/arm/jobs/1' });
  assert.ok(!r.stdout.includes('k3y-of-arm'), 'the key is not recorded');
});

test('what secureData hides and texts of secure parameters are not printed', async (t) => {
  const secure = (...properties) => ({ runtimeConfiguration: { secureData: { properties } } });
  const actions = {
    Get: { type: 'Http', inputs: { method: 'GET', uri: 'https://api.example/' }, ...secure('outputs') },
    Copy: compose("@body('Get')", after('Get')),
    Length: compose("@length(outputs('Copy'))", after('Copy')),
    Key: compose({ k: "@parameters('key')", l: "@length(parameters('key'))" }, after('Length')),
    Each: { type: 'Foreach', foreach: '@createArray(1, 2)', runAfter: after('Key'), actions: { In: compose("@concat(body('Get'), item())") } },
  };
  const r = await run(t, actions, { type: { type: 'Request', ...secure('outputs') }, trigger: { body: 'covert' }, mocks: { Get: { outputs: { statusCode: 200, body: 'covert' } } }, definition: { parameters: { key: { type: 'SecureString', defaultValue: 'covert key' } } } });
  assert.equal(r.json.status, 'Succeeded');
  assert.ok(!r.stdout.includes('covert'), r.stdout);
  assert.deepEqual(r.json.actions.Get.outputs, { secureData: { properties: ['outputs'] } });
  assert.deepEqual(r.json.actions.Copy.inputs, { secureData: { properties: ['inputs'] } });
  assert.deepEqual(r.json.trigger.outputs, { secureData: { properties: ['outputs'] } });
  assert.equal(r.json.actions.Length.outputs, 6);
  assert.deepEqual(r.json.actions.Key.outputs, { k: '*sanitized*', l: 10 });
});

test('nor are they in outputs and responses', async (t) => {
  const secure = (...properties) => ({ runtimeConfiguration: { secureData: { properties } } });
  const actions = {
    Get: { type: 'Http', inputs: { method: 'GET', uri: 'https://api.example/' }, ...secure('outputs') },
    Copy: compose("@body('Get')", after('Get')),
    Open: compose('overt', after('Copy')),
    Answer: { type: 'Response', inputs: { statusCode: 200, body: "@concat(body('Get'), '!')" }, runAfter: after('Open') },
  };
  const definition = { parameters: { key: { type: 'SecureString', defaultValue: 'covert key' } }, outputs: {
    a: { type: 'String', value: "@concat(body('Get'), '.')" }, b: { type: 'String', value: "@outputs('Copy')" }, c: { type: 'String', value: "@parameters('key')" },
    d: { type: 'String', value: "@outputs('Open')" }, e: { type: 'Array', value: ["@triggerBody()"] } } };
  const o = { type: { type: 'Request', ...secure('outputs') }, trigger: { body: 'covert' }, mocks: { Get: { outputs: { statusCode: 200, body: 'covert' } } }, definition };
  const r = await run(t, actions, o);
  const instead = { secureData: { properties: ['outputs'] } };
  assert.equal(r.json.status, 'Succeeded');
  assert.ok(!r.stdout.includes('covert'), r.stdout);
  assert.deepEqual(r.json.response, instead);
  assert.deepEqual(r.json.outputs, { a: { ...instead, type: 'String' }, b: { ...instead, type: 'String' }, c: { type: 'String', value: '*sanitized*' }, d: { type: 'String', value: 'overt' }, e: { ...instead, type: 'Array' } });
  const dir = temporary(t), file = (name, v) => { const f = join(dir, name); writeFileSync(f, JSON.stringify(v)); return f; };
  const w = file('workflow.json', { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: o.type }, actions, ...definition }, kind: 'Stateful' });
  const tree = await raccord(['run', w, '--trigger', file('t.json', o.trigger), '--mocks', file('m.json', o.mocks)]);
  assert.match(tree.stdout, /^response .*secureData/ms);
  assert.ok(!tree.stdout.includes('covert'), tree.stdout);
  const plain = await run(t, { Answer: { type: 'Response', inputs: { body: { k: "@parameters('key')", o: 'overt' } } } }, { definition: { parameters: definition.parameters } });
  assert.deepEqual(plain.json.response.body, { k: '*sanitized*', o: 'overt' });
});

test('requestOptions.timeout bounds each attempt of a request', async (t) => {
  const slow = createServer((req, res) => { setTimeout(() => res.end('late'), 60000).unref(); });
  await new Promise((ok) => slow.listen(0, '127.0.0.1', ok));
  t.after(() => slow.closeAllConnections() ?? slow.close());
  const get = (timeout) => ({ Get: { type: 'Http', inputs: { method: 'GET', uri: `http://127.0.0.1:${slow.address().port}/`, retryPolicy: { type: 'none' } }, runtimeConfiguration: { requestOptions: { timeout } } } });
  const from = Date.now();
  const r = await run(t, get('PT0.4S'));
  assert.equal(r.json.actions.Get.code, 'RequestTimeout');
  assert.ok(Date.now() - from < 60000);
  const said = await run(t, get("@concat('PT', '0.4S')"));
  assert.equal(said.json.actions.Get.code, 'RequestTimeout');
  const wrong = await run(t, get('soon'));
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /'soon' is no duration/);
});

test('the tree reads from top to bottom, and says why each line is what it is', async (t) => {
  let asked = 0;
  const service = createServer((req, res) => {
    res.statusCode = req.url === '/flaky' ? (asked++ === 0 ? 503 : 200) : 404;
    res.setHeader('content-type', 'text/plain');
    res.end(`no ${req.url}\nmore`);
  });
  await new Promise((ok) => service.listen(0, '127.0.0.1', ok));
  t.after(() => service.closeAllConnections() ?? service.close());
  const get = (path, more) => ({ type: 'Http', inputs: { method: 'GET', uri: `http://127.0.0.1:${service.address().port}${path}`, retryPolicy: { type: 'fixed', count: 1, interval: 'PT5S' } }, ...more });
  const w = join(temporary(t), 'workflow.json');
  writeFileSync(w, JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request' } }, actions: {
    Last: compose(1, after('Gone')),
    Gone: get('/gone', { runAfter: after('Flaky') }),
    Note: { type: 'Scope', actions: { Sum: compose("a @{concat('é', int('x'))}") }, runAfter: after(['Gone', ['Failed']]) },
    Flaky: get('/flaky'),
    Stop: { type: 'Terminate', inputs: { runStatus: 'Cancelled' }, runAfter: after(['Note', all]) },
    Late: { type: 'Wait', inputs: { interval: { count: 1, unit: 'Hour' } }, runAfter: after('Flaky') },
    Never: compose(1, after('Late')),
  } } }));
  const r = await raccord(['run', w, '--clock', '2026-01-01T00:00:00Z']);
  assert.equal(r.status, 1);
  assert.equal(r.stdout.replaceAll(/ +\d+ ms/g, ''), [
    'Cancelled  5.0 s',
    'ok Flaky  Succeeded  5.0 s  1 retry',
    '!! Gone  Failed (NotFound)',
    '   answered 404: no /gone',
    'xx Late  Cancelled (Terminated)',
    '-- Last  Skipped: Gone Failed',
    '!! Note  Failed (ActionFailed)',
    '  !! Sum  Failed (BadRequest)',
    "     Unable to process template language expressions in action 'Sum' inputs at line '0' and column '0': 'The template language function 'int' was invoked with a parameter that is not valid. The value 'x' of type 'String' cannot be converted to an integer.'.",
    "     a @{concat('é', int('x'))}",
    '                     ~~~~~~~~',
    '-- Never  Skipped: the run ended first',
    'ok Stop  Succeeded',
    '',
  ].join('\n'));
});

test('a workflow of the folder that is called is shown with what it said', async (t) => {
  const dir = temporary(t);
  const put = (name, actions) => {
    mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, name, 'workflow.json'), JSON.stringify({ definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http' } }, actions }, kind: 'Stateful' }));
  };
  writeFileSync(join(dir, 'host.json'), '{"version": "2.0"}');
  put('child', { R: { type: 'Response', kind: 'Http', inputs: { statusCode: 409, body: 'no room' } } });
  put('parent', { Call: { type: 'Workflow', inputs: { host: { workflow: { id: 'child' } } } } });
  const r = await raccord(['run', join(dir, 'parent', 'workflow.json')]);
  assert.equal(r.status, 1, r.stderr);
  assert.match(r.stdout, /Call  Failed \(Conflict\)/);
  assert.match(r.stdout, /answered 409: no room/);
  assert.doesNotMatch(r.stdout + r.stderr, /retr|Sanitizer/);
});

test('a source without the workflow that is meant is refused by what it lacks', async (t) => {
  const dir = temporary(t);
  for (const name of ['one', 'two']) {
    mkdirSync(join(dir, 'app', name), { recursive: true });
    writeFileSync(join(dir, 'app', name, 'workflow.json'), JSON.stringify({ definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http' } }, actions: {} }, kind: 'Stateful' }));
  }
  mkdirSync(join(dir, 'empty'));
  const said = async (src) => { const r = await raccord(['run', src], { cwd: dir }); assert.equal(r.status, 3, r.stderr); return r.stderr; };
  assert.match(await said('app#three'), /^raccord: app holds no workflow of the name 'three'$/m);
  assert.match(await said('empty'), /^raccord: empty holds no workflow: a definition file, /);
  assert.match(await said('gone'), /^raccord: cannot open gone: No such file/);
});

test('no expression is underlined but the one that failed', async (t) => {
  const file = join(temporary(t), 'a.json');
  writeFileSync(file, JSON.stringify({ definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http' } }, actions: {
    Long: { type: 'Query', inputs: { from: "@triggerBody()?['ships']", where: "@greater(item()['length'], 40)" } },
    Sum: { type: 'Select', inputs: { from: "@int('x')", select: "@item()['length']" } } } } }));
  const r = await raccord(['run', file]);
  assert.equal(r.status, 1, r.stderr);
  assert.match(r.stdout, /'from' property value in the 'query' action inputs is of type 'Null'\. The value must be an array\.\n!! Sum/);
  assert.match(r.stdout, /   @int\('x'\)\n    ~~~~~~~~\n/);
});
