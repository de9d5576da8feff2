// Forms in which tools and designers write workflows: each document is accepted, warned of where it is
// unusual, and runs to its end.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { raccord, raccordJson, temporary } from './lib/raccord.mjs';
import { schema } from './lib/definitions.mjs';

const request = { manual: { type: 'Request', kind: 'Http', inputs: { schema: {} } } };
const definition = (actions, more = {}) => ({ $schema: schema, contentVersion: '1.0.0.0', triggers: request, actions, ...more });
const compose = (inputs, after) => ({ type: 'Compose', inputs, ...(after && { runAfter: { [after]: ['Succeeded'] } }) });
const flow = (definition, more = {}) => ({ properties: { connectionReferences: {}, definition, ...more }, schemaVersion: '1.0.0.0' });
const standard = (definition, kind = 'Stateful') => ({ definition, kind });

/** Validates and runs a document; what findings there are, and how its actions ended. */
async function go(t, document, { mocks = {}, trigger = { headers: {}, body: {} } } = {}) {
  const dir = temporary(t), [file, m, tr] = ['w.json', 'mocks.json', 'trigger.json'].map((n) => join(dir, n));
  writeFileSync(file, typeof document === 'string' || Buffer.isBuffer(document) ? document : JSON.stringify(document));
  writeFileSync(m, JSON.stringify(mocks));
  writeFileSync(tr, JSON.stringify(trigger));
  const v = await raccordJson(['validate', file], { jsonl: true });
  const r = await raccord(['run', file, '--format', 'json', '--clock', '2026-01-05T10:00:00Z', '--mocks', m, '--trigger', tr]);
  const [row] = v.json, result = r.stdout ? JSON.parse(r.stdout) : undefined;
  return { kind: row.kind, findings: row.findings.map((f) => `${f.severity} ${f.code} ${f.pointer}`), result,
    ended: result && Object.fromEntries(Object.entries(result.actions).map(([k, a]) => [k, a.status])), stderr: r.stderr };
}
const called = { outputs: { statusCode: 200, headers: {}, body: {} } };

test('resources as clients of the management API print them', async (t) => {
  const parameters = { $connections: { description: null, metadata: null, type: 'Object', value: {} } };
  const two = { asked: { type: 'Request' }, daily: { type: 'Recurrence', recurrence: { frequency: 'Day', interval: 1 } } };
  const declared = definition({ A: compose(1) }, { triggers: two, parameters: { $connections: { type: 'Object', defaultValue: {} } } });
  const flat = await go(t, { accessControl: null, definition: declared, id: '/subscriptions/1/x', kind: null, location: 'westeurope', name: 'w', parameters, type: 'Microsoft.Logic/workflows' });
  assert.deepEqual([flat.kind, flat.findings, flat.ended], ['workflow', [], { A: 'Succeeded' }]);
  const pascal = await go(t, { Id: '/x', Name: 'w', Type: 'Microsoft.Logic/workflows', Definition: declared, Parameters: {}, State: 'Enabled' });
  assert.deepEqual([pascal.kind, pascal.findings, pascal.ended], ['workflow', [], { A: 'Succeeded' }]);
});

test('a flow made through the API has the contentVersion "undefined"', async (t) => {
  const { findings, ended } = await go(t, flow(definition({ A: compose(1) }, { contentVersion: 'undefined' })));
  assert.deepEqual([findings, ended], [['warning InvalidTemplate /properties/definition/contentVersion'], { A: 'Succeeded' }]);
  const other = await go(t, standard(definition({ A: compose(1) }, { contentVersion: 'undefined' })));
  assert.deepEqual(other.findings, ['error InvalidTemplate /definition/contentVersion']);
});

test('transitions give the order of agents, runAfter does not', async (t) => {
  const next = (...names) => Object.fromEntries(names.map((n) => [n, { when: ['SUCCEEDED'] }]));
  const agent = (set, ...after) => ({ type: 'Agent', inputs: { parameters: { messages: [{ content: "@{variables('state')}" }] } }, tools: { T: { actions: { [set]: { type: 'SetVariable', inputs: { name: 'state', value: 'x' } } } } }, transitions: next(...after) });
  const document = (more) => standard(definition({
    Writer: agent('Set_1', 'Reviewer'), Reviewer: agent('Set_2', 'Writer', 'Answer'),
    Start: { type: 'InitializeVariable', inputs: { variables: [{ name: 'state', type: 'string' }] }, transitions: next('Writer') },
    Answer: { type: 'Response', inputs: { statusCode: 200, body: '@variables(\'state\')' } }, ...more,
  }), 'Agentic');
  const { findings } = await go(t, document({}));
  assert.deepEqual(findings.filter((f) => f.startsWith('error')), []);
  const gone = await go(t, document({ Wrong: compose("@variables('gone')") }));
  assert.deepEqual(gone.findings.filter((f) => f.startsWith('error')), ['error InvalidVariableOperation /definition/actions/Wrong/inputs']);
});

test('designers give encodeURIComponent the parts of a segment', async (t) => {
  const path = "/providers/@{encodeURIComponent('Microsoft.Logic')}/@{encodeURIComponent('workflows/', triggerBody()['name'], '/runs')}";
  const { findings, result } = await go(t, { definition: definition({ Path: compose(path) }) }, { trigger: { body: { name: 'a b' } } });
  assert.deepEqual([findings, result.actions.Path.outputs], [[], '/providers/Microsoft.Logic/workflows%2Fa%20b%2Fruns']);
});

test('conditions, addresses and times as people write them', async (t) => {
  const get = (uri) => ({ type: 'Http', inputs: { method: 'GET', uri } }), until = (timestamp) => ({ type: 'Wait', inputs: { until: { timestamp } } });
  const { findings, result } = await go(t, standard(definition({
    Code: compose("@triggers()?['name']"), User: get('https://me:secret@quai.test/x'), Space: get(' https://quai.test/'),
    Minute: until('2026-01-05T11:00'), Blank: until('2026-01-05 12:00:00'), Day: until('2026-01-06'),
  }, { triggers: { manual: { ...request.manual, conditions: [{ expression: "@equals(triggers().code, 'InternalServerError')" }] } } })), { mocks: { User: called, Space: called } });
  assert.deepEqual([findings, result.status, result.actions.Code.outputs], [[], 'Succeeded', 'manual']);
  assert.deepEqual(['Minute', 'Blank', 'Day'].map((n) => result.actions[n].endTime.slice(0, 16)), ['2026-01-05T11:00', '2026-01-05T12:00', '2026-01-06T00:00']);
  const bad = await go(t, standard(definition({ A: until('tomorrow'), B: get('https://me@'), C: get('https://me@quai.test:x/') })));
  assert.deepEqual(bad.findings, ['error InvalidTemplate /definition/actions/A/inputs/until/timestamp', 'error InvalidTemplate /definition/actions/B/inputs/uri', 'error InvalidTemplate /definition/actions/C/inputs/uri']);
});

test('a flow that takes the connections of its caller out of a header', async (t) => {
  const token = (rest) => `@json(decodeBase64(triggerOutputs().headers['X-MS-APIM-Tokens']))${rest}`, api = { runtimeUrl: 'https://apim.test/apim/quai' };
  const inputs = { host: { connection: { name: token("['$connections']['shared_quai']['connectionId']") }, api }, method: 'get', path: '/berths/3', authentication: { type: 'Raw', value: token("['$ConnectionKey']") }, api };
  const document = flow(definition({ Berth: { type: 'ApiConnection', inputs }, Wait: { type: 'ApiConnectionWebhook', inputs: { ...inputs, body: { url: '@{listCallbackUrl()}' } }, runAfter: { Berth: ['Failed'] } } }), { connectionReferences: { shared_quai: { connectionName: 'q', source: 'Invoker', id: '/providers/Microsoft.PowerApps/apis/shared_quai' } } });
  const mocked = await go(t, document, { mocks: { Berth: called } });
  assert.deepEqual([mocked.findings, mocked.ended], [[], { Berth: 'Succeeded', Wait: 'Skipped' }]);
  const alone = await go(t, document, { mocks: { Wait: called } });
  assert.match(alone.result.actions.Berth.error.message, /No connector is given for 'shared_quai'/);
});

test('the tags of a flow are there for what a flow says of its failure', async (t) => {
  const link = "https://flows.test/@{workflow()['tags']['environmentName']}/flows/@{workflow()?['tags/logicAppName']}/@{workflow()['tags']['flowDisplayName']}";
  const { result } = await go(t, flow(definition({ Link: compose(link) }), { displayName: 'Tide table' }));
  assert.equal(result.actions.Link.outputs, 'https://flows.test/default/flows/Tide table/Tide table');
  const other = await go(t, standard(definition({ Tags: compose("@workflow()['tags']") })));
  assert.deepEqual(other.result.actions.Tags.outputs, {});
});
