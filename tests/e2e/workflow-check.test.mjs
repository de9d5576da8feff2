// Definitions of workflows from outside: `raccord validate` and `raccord show` on files, folders of
// apps and packages of flows; the public corpus, each file with its verdict.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpus, data, raccord, raccordJson, root, temporary } from './lib/raccord.mjs';
import { zip } from './lib/zip.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const request = { manual: { type: 'Request', kind: 'Http' } };
const definition = (actions, more = {}) => ({ $schema: schema, triggers: request, actions, ...more });
const standard = (actions, more) => JSON.stringify({ kind: 'Stateful', definition: definition(actions, more) });
const flow = (actions, connectionReferences = {}) => JSON.stringify({ name: 'f', properties: { displayName: 'Tides', definition: definition(actions), connectionReferences }, schemaVersion: '1.0.0.0' });
const compose = (inputs) => ({ type: 'Compose', inputs });
const errors = (r) => r.findings.filter((f) => f.severity === 'error');
const places = (r) => errors(r).map((f) => `${f.code} ${f.pointer}`);

async function validate(...args) {
  const r = await raccordJson(['validate', ...args], { jsonl: true });
  assert.equal(r.signal, null, r.stderr);
  return { ...r, rows: r.json };
}

test('a finding has code, pointer, place and fix, as text, JSON and SARIF', async (t) => {
  const file = join(temporary(t), 'w.json');
  writeFileSync(file, '{"kind": "Stateful",\n "definition": {"$schema": "' + schema + '",\n  "triggers": {"t": {"type": "Request"}},\n  "actions": {\n   "A": {"type": "Compose", "inputs": "@body(\'B\')"}}}}');
  const { rows: [row], status } = await validate(file);
  assert.equal(status, 1);
  assert.deepEqual([row.kind, row.status, row.operations, row.triggers], ['workflow', 'error', 1, 1]);
  const [f] = row.findings;
  assert.deepEqual([f.code, f.severity, f.pointer, f.line, f.column], ['InvalidTemplate', 'error', '/definition/actions/A/inputs', 5, 39]);
  assert.equal(f.message, "The template validation failed: 'The action(s) 'B' referenced by 'inputs' in action 'A' are not defined in the template.'.");
  assert.ok(f.fix.length > 5);
  const text = await raccord(['validate', file]);
  assert.match(text.stderr, /w\.json:5:39: error: InvalidTemplate: .* \[\/definition\/actions\/A\/inputs\]/);
  const sarif = JSON.parse((await raccord(['validate', '--format', 'sarif', file])).stdout).runs[0];
  const [result] = sarif.results;
  assert.equal(result.ruleId, 'InvalidTemplate');
  assert.equal(sarif.tool.driver.rules[result.ruleIndex].id, 'InvalidTemplate');
  assert.equal(result.locations[0].physicalLocation.region.startLine, 5);
});

test('the folder of a Standard app: every workflow, with what stands beside it', async (t) => {
  const app = temporary(t);
  const call = (referenceName) => ({ type: 'ApiConnection', inputs: { host: { connection: { referenceName } }, method: 'get', path: '/me' } });
  for (const [name, text] of [['one', standard({ A: call('office365'), B: compose("@parameters('port')") })], ['two', standard({ A: call('gone'), B: compose("@parameters('Gone')") }, { parameters: { need: { type: 'String' } } })]]) {
    mkdirSync(join(app, name));
    writeFileSync(join(app, name, 'workflow.json'), text);
  }
  writeFileSync(join(app, 'host.json'), '{}');
  writeFileSync(join(app, 'connections.json'), JSON.stringify({ managedApiConnections: { office365: { api: { id: '/x/managedApis/office365' } } } }));
  writeFileSync(join(app, 'parameters.json'), JSON.stringify({ port: { type: 'String', value: 'Brest' } }));
  const whole = await validate(app);
  assert.deepEqual([whole.rows.length, whole.rows[0].operations, whole.rows[0].triggers], [1, 4, 2]);
  const wanted = ['InvalidTemplate /definition/parameters/need', 'ConnectionReferenceNotFound /definition/actions/A/inputs/host/connection/referenceName', 'InvalidTemplate /definition/actions/B/inputs'];
  assert.deepEqual(places(whole.rows[0]), wanted);
  assert.deepEqual([...new Set(whole.rows[0].findings.map((f) => f.file))], ['two/workflow.json']);
  const each = await validate(join(app, 'one'), join(app, 'two', 'workflow.json'));
  assert.deepEqual(each.rows.map((r) => [r.status, places(r)]), [['ok', []], ['error', wanted]]);
  writeFileSync(join(app, 'connections.json'), '{');
  assert.deepEqual(places((await validate(join(app, 'one'))).rows[0]), ['InvalidRequestContent ']);
  const run = await raccord(['run', join(app, 'two')]);
  assert.equal(run.status, 1);
  assert.match(run.stderr, /connections\.json is not a JSON object/);
});

test('packages of flows: a legacy zip, a solution, unpacked', async (t) => {
  const dir = temporary(t);
  const call = { type: 'OpenApiConnection', inputs: { host: { apiId: '/providers/Microsoft.PowerApps/apis/shared_quai', connectionName: 'shared_quai', operationId: 'GetBerth' }, parameters: { number: 3 }, authentication: "@json(decodeBase64(triggerOutputs().headers['X-MS-APIM-Tokens']))['$ConnectionKey']" } };
  const references = { shared_quai: { id: '/providers/Microsoft.PowerApps/apis/shared_quai' } };
  const legacy = join(dir, 'flow.zip'), solution = join(dir, 'solution.zip');
  writeFileSync(legacy, zip({ 'manifest.json': '{}', 'Microsoft.Flow/flows/aaaa/definition.json': flow({ Call: call }, references), 'Microsoft.Flow/flows/aaaa/apisMap.json': '{}' }));
  writeFileSync(solution, zip({ 'solution.xml': '<a/>', 'Workflows/Tides-1.json': flow({ Call: call }, references), 'Workflows/Ebb-2.json': flow({ A: compose("@variables('v')"), 'Odd?': compose(1) }) }));
  const r = await validate(legacy, solution);
  assert.deepEqual(r.rows.map((x) => [x.kind, x.status, x.operations]), [['workflow', 'ok', 1], ['workflow', 'error', 3]]);
  assert.deepEqual(places(r.rows[1]), ['InvalidVariableOperation /properties/definition/actions/A/inputs']);
  assert.equal(errors(r.rows[1])[0].file, 'Workflows/Ebb-2.json');
  assert.match(errors(r.rows[1])[0].message, /^Flow save failed with code 'InvalidVariableOperation' and message '/);
  const shown = await raccordJson(['show', legacy]);
  assert.deepEqual(shown.json.actions, [{ name: 'Call', type: 'OpenApiConnection', kind: null, operation: 'shared_quai.GetBerth', parent: null, depth: 1, runAfter: {} }]);
  assert.equal((await raccordJson(['show', solution])).json.workflows.length, 2);
  mkdirSync(join(dir, 'out/Workflows'), { recursive: true });
  writeFileSync(join(dir, 'out/Workflows/Tides-1.json'), flow({ Call: call }, references));
  assert.deepEqual((await validate(join(dir, 'out'))).rows.map((x) => [x.kind, x.status]), [['workflow', 'ok']]);
  const mocks = join(dir, 'mocks.json');
  writeFileSync(mocks, '{"Call": {"outputs": {"body": 1}}}');
  assert.equal((await raccordJson(['run', legacy, '--mocks', mocks])).json.status, 'Succeeded');
  assert.equal((await raccord(['run', solution])).status, 2);
  writeFileSync(legacy, 'PK\u0003\u0004 no zip');
  assert.equal((await validate(legacy)).rows[0].status, 'unreadable');
});

test('calls of connectors at hand: operation, parameters, constants', async (t) => {
  const file = join(temporary(t), 'f.json');
  const call = (operationId, parameters) => ({ type: 'OpenApiConnection', inputs: { host: { apiId: '/providers/Microsoft.PowerApps/apis/shared_quai', connectionName: 'shared_quai', operationId }, parameters } });
  writeFileSync(file, flow({
    Good: call('GetBerth', { number: '@triggerBody()' }), Text: call('GetBerth', { number: '7' }),
    Typo: call('GetBerht', {}), Extra: call('GetBerth', { number: 1, colour: 'red' }), Wrong: call('GetBerth', { number: 'seven' }),
    Missing: call('BookBerth', { number: 1, 'booking/ship': 'Ys' }), Deep: call('BookBerth', { number: 1, 'booking/ship': 'Ys', 'booking/nights': 2, 'booking/none': 1 }),
  }, { shared_quai: { id: '/providers/Microsoft.PowerApps/apis/shared_quai' } }));
  const at = (name) => `/properties/definition/actions/${name}/inputs`;
  const { rows: [row] } = await validate('--connectors', join(root, 'examples'), file);
  assert.deepEqual(places(row), [
    `OpenApiOperationParameterValidationFailed ${at('Typo')}/host/operationId`,
    `WorkflowOperationParametersExtraParameter ${at('Extra')}/parameters/colour`,
    `OpenApiOperationParameterValidationFailed ${at('Wrong')}/parameters/number`,
    `OpenApiOperationParameterValidationFailed ${at('Missing')}/parameters`,
    `WorkflowOperationParametersExtraParameter ${at('Deep')}/parameters/booking~1none`,
  ]);
  assert.match(errors(row)[3].message, /is missing required property 'booking\/nights'/);
  assert.equal((await validate(file)).rows[0].status, 'ok');
});

test('large and hostile definitions end soon', async (t) => {
  const file = join(temporary(t), 'w.json');
  const chain = (n, inputs) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`a${i}`, { type: 'Compose', inputs: inputs(i), runAfter: i ? { [`a${i - 1}`]: ['Succeeded'] } : {} }]));
  const within = async (text, ms, wanted) => {
    writeFileSync(file, text);
    const r = await raccord(['validate', '--format', 'json', file], { measured: true });
    assert.ok(r.cpu < ms, `${r.cpu} ms`);
    if (wanted !== undefined) assert.equal(JSON.parse(r.stdout).status, wanted);
  };
  await within(standard(chain(500, (i) => Array.from({ length: i }, (_, k) => `@outputs('a${k}')`))), 5000, 'ok');
  await within(standard(chain(500, () => Array.from({ length: 500 }, (_, k) => `@outputs('a${499 - k}')`))), 10000, 'error');
  await within(standard({ A: compose(`@{concat('${'x'.repeat(1 << 20)}')}`) }), 5000, 'error');
  await within(standard({ A: compose('@{utcNow()}'.repeat(50000)) }), 5000, 'ok');
  await within(standard({ A: compose("@outputs('B')" + '.x'.repeat(4000)) }), 5000, 'error');
  await within(standard(chain(20000, () => 1)), 5000, 'error');
  const variables = { v0: 'xxxxxxxxxxxxxxxx', l0: [1, 2, 3, 4] };
  for (let i = 1; i < 60; i++) {
    variables[`v${i}`] = `[concat(variables('v${i - 1}'), variables('v${i - 1}'))]`;
    variables[`l${i}`] = `[createArray(variables('l${i - 1}'), variables('l${i - 1}'))]`;
  }
  const template = (inputs) => JSON.stringify({ $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', variables, resources: [{ type: 'Microsoft.Logic/workflows', properties: { definition: definition({ A: compose(inputs) }) } }] });
  await within(template("[variables('v59')]"), 5000, 'error');
  await within(template("[variables('l59')]"), 5000, 'error');
  await within(`{"definition": {"$schema": "${schema}", "triggers": {}, "actions": ${'{"a": {"type": "Scope", "actions": '.repeat(400)}{}${'}}'.repeat(400)}}}`, 5000, 'error');
});

test('the public corpus: each file with its verdict', { skip: !corpus('workflows') && 'RACCORD_CORPUS is not at hand' }, async () => {
  const dir = corpus('workflows');
  const facts = new Map(readFileSync(join(data, 'workflows/corpus.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l)).map((f) => [f.file, f]));
  const files = readdirSync(dir).filter((f) => f.endsWith('.json')).sort();
  const { rows } = await validate('-j', '2', ...files.map((f) => join(dir, f)));
  const unlike = [];
  for (const [i, row] of rows.entries()) {
    const fact = facts.get(files[i]);
    assert.equal(row.kind, 'workflow', files[i]);
    if (!fact) continue;
    const got = { verdict: errors(row).length ? 'refused' : 'accepted', findings: [...new Set(places(row))] };
    const want = { verdict: fact.verdict, findings: (fact.findings ?? []).map((f) => f.join(' ')) };
    if (JSON.stringify(got) !== JSON.stringify(want)) unlike.push([files[i], got, want]);
  }
  assert.deepEqual(unlike, []);
  const real = rows.filter((_, i) => !files[i].startsWith('naoto256__'));
  assert.equal(real.filter((r) => !errors(r).length).length, 102);
  assert.deepEqual(real.filter((r) => errors(r).length).map((r) => places(r)), [['TooManyActions /definition/actions'], ['TooManyActions /definition/actions'], ['InvalidTemplate /properties/definition/triggers']]);
  const stress = files.filter((f) => /StressTest(600|1000)/.test(f)).map((f) => join(dir, f));
  const raised = await validate('--set', 'limits.maxActions=1000', ...stress);
  assert.deepEqual(raised.rows.map((r) => errors(r).length), [0, 0]);
  const clean = [...facts.values()].filter((f) => f.file.includes('__clean__') && f.verdict === 'refused');
  for (const f of clean) assert.ok(f.findings.every(([code]) => code === 'InvalidTemplateDeployment'), f.file);
});
