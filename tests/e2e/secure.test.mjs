// Secured values under attack: everything fails in every way it can, with a secret where secrets may stand;
// whatever is answered, kept for reading or printed afterwards must not hold it (spec workflows §4.10, §1.3).
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backend, raccord, raccordJson, serve, temporary, until } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const secret = 'covert';
const secured = (...properties) => ({ runtimeConfiguration: { secureData: { properties: properties.length > 0 ? properties : ['inputs', 'outputs'] } } });
const ended = ['Succeeded', 'Failed', 'Skipped', 'TimedOut'];
const after = (...names) => Object.fromEntries(names.map((n) => [n, ended]));
const none = { retryPolicy: { type: 'none' } };

// Actions that fail of x, an expression without its "@" that comes to a secret text.
const failures = (x, url) => ({
  compose: { type: 'Compose', inputs: { a: `@int(${x})`, b: `@{${x}}` } },
  member: { type: 'Compose', inputs: `@json('{}')[${x}]` },
  unknown: { type: 'Compose', inputs: `@parameters(${x})` },
  parse: { type: 'ParseJson', inputs: { content: `@${x}`, schema: { type: 'object' } } },
  schema: { type: 'ParseJson', inputs: { content: { a: `@${x}` }, schema: { type: 'object', properties: { a: { type: 'integer' } } } } },
  select: { type: 'Select', inputs: { from: `@${x}`, select: '@item()' } },
  each: { type: 'Select', inputs: { from: `@createArray(${x})`, select: '@int(item())' } },
  query: { type: 'Query', inputs: { from: `@createArray(${x})`, where: '@item()' } },
  where: { type: 'Query', inputs: { from: `@createArray(${x})`, where: '@greater(int(item()), 1)' } },
  join: { type: 'Join', inputs: { from: `@${x}`, joinWith: ',' } },
  table: { type: 'Table', inputs: { from: `@createArray(${x})`, format: 'CSV' } },
  format: { type: 'Table', inputs: { from: '@createArray(json(\'{}\'))', format: `@${x}` } },
  if: { type: 'If', expression: { and: [{ greater: [`@int(${x})`, 1] }] }, actions: {} },
  value: { type: 'If', expression: `@${x}`, actions: {} },
  switch: { type: 'Switch', expression: `@int(${x})`, cases: { a: { case: 1, actions: {} } } },
  over: { type: 'Foreach', foreach: `@${x}`, actions: { over1: { type: 'Compose', inputs: 1 } } },
  inner: { type: 'Foreach', foreach: '@createArray(1, 2)', actions: { inner1: { type: 'Compose', inputs: `@int(${x})` }, inner2: { type: 'Compose', inputs: `@string(actions('inner1'))`, runAfter: after('inner1') } } },
  until: { type: 'Until', expression: `@greater(int(${x}), 1)`, limit: { count: 2, timeout: 'PT1M' }, actions: { until1: { type: 'Compose', inputs: 1 } } },
  set: { type: 'SetVariable', inputs: { name: 'number', value: `@${x}` } },
  name: { type: 'SetVariable', inputs: { name: `@{${x}}`, value: 1 } },
  add: { type: 'IncrementVariable', inputs: { name: 'number', value: `@${x}` } },
  append: { type: 'AppendToArrayVariable', inputs: { name: `@{${x}}`, value: 1 } },
  wait: { type: 'Wait', inputs: { interval: { count: `@${x}`, unit: 'Second' } } },
  unit: { type: 'Wait', inputs: { interval: { count: 1, unit: `@{${x}}` } } },
  host: { type: 'Http', inputs: { method: 'GET', uri: `@{concat('http://', ${x.startsWith('par') ? x : `replace(${x}, ' ', '.')`}, '.invalid/', ${x})}`, ...none } },
  scheme: { type: 'Http', inputs: { method: 'GET', uri: `@{${x}}`, ...none } },
  private: { type: 'Http', inputs: { method: 'GET', uri: `@{concat('http://10.0.0.1/', ${x})}`, ...none } },
  method: { type: 'Http', inputs: { method: `@{${x}}`, uri: url, ...none } },
  header: { type: 'Http', inputs: { method: 'GET', uri: url, headers: { a: `@{concat(${x}, '\n')}`, 'b c': `@{${x}}` }, ...none } },
  policy: { type: 'Http', inputs: { method: 'GET', uri: url, retryPolicy: { type: 'fixed', count: 1, interval: `@{${x}}` } } },
  credential: { type: 'Http', inputs: { method: 'GET', uri: url, authentication: { type: `@{${x}}`, value: `@int(${x})` }, ...none } },
  certificate: { type: 'Http', inputs: { method: 'GET', uri: url, authentication: { type: 'ClientCertificate', pfx: `@{${x}}`, password: `@{${x}}` }, ...none } },
  asks: { type: 'Http', inputs: { method: 'POST', uri: `${url}/broken`, body: { a: `@${x}` }, headers: { 'x-a': `@{${x}}` }, queries: { q: `@{${x}}` }, retryPolicy: { type: 'fixed', count: 1, interval: 'PT5S' } } },
  limit: { type: 'Http', inputs: { method: 'GET', uri: url, ...none }, limit: { timeout: `@int(${x})` } },
  webhook: { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `@{${x}}`, body: '@listCallbackUrl()', ...none }, unsubscribe: {} } },
  workflow: { type: 'Workflow', inputs: { host: { workflow: { id: `@{${x}}` }, triggerName: `@{${x}}` }, body: `@${x}` } },
  batch: { type: 'SendToBatch', inputs: { batchName: `@{${x}}`, content: `@${x}`, host: { triggerName: `@{${x}}`, workflow: { id: `@{${x}}` } } } },
  xslt: { type: 'Xslt', inputs: { content: `@${x}`, integrationAccount: { map: { name: `@{${x}}` } } } },
  validation: { type: 'XmlValidation', inputs: { content: `@{concat('<n>', ${x}, '</n>')}`, integrationAccount: { schema: { name: 'Number' } } } },
  xml: { type: 'XmlParse', inputs: { content: `@{concat('<', ${x})}` } },
  typed: { type: 'XmlParse', inputs: { content: `@{concat('<n>', ${x}, '</n>')}`, integrationAccount: { schema: { name: 'Number' } } } },
  composed: { type: 'XmlCompose', inputs: { content: `@${x}` } },
  artifact: { type: 'IntegrationAccountArtifactLookup', inputs: { artifactType: `@{${x}}`, artifactName: `@{${x}}` } },
  document: { type: 'ParseDocument', inputs: { content: { '$content-type': `@{${x}}`, $content: `@{${x}}` } } },
  chunks: { type: 'ChunkText', inputs: { chunkingStrategy: `@int(${x})`, text: `@${x}`, MaxPageLength: `@${x}` } },
  none: { type: 'NobodyKnows', inputs: { a: `@${x}`, b: `@int(${x})` } },
  response: { type: 'Response', inputs: { statusCode: `@${x}`, body: `@int(${x})` } },
  tracked: { type: 'Compose', inputs: 1, trackedProperties: { a: x.startsWith('parameters') ? `@${x}` : '@string(trigger())', b: '@action()?[\'inputs\']' } },
  trackedSelf: { type: 'Compose', inputs: `@${x}`, trackedProperties: { a: '@string(action())' } },
  result: { type: 'Compose', inputs: 1, runtimeConfiguration: { staticResult: { name: 'told', staticResultOptions: 'Enabled' } } },
});

const settable = (type) => !['If', 'Switch', 'Foreach', 'Until', 'SetVariable', 'IncrementVariable', 'AppendToArrayVariable'].includes(type);

// The service's answers all hold the secret.
const answers = (req, res) => {
  const body = { error: { code: `${secret} code`, message: `${secret} message` }, status: 'Failed' };
  if (req.url.startsWith('/open')) { res.writeHead(req.url.includes('broken') ? 500 : 200); res.end('overt'); return; }
  if (req.url.startsWith('/broken')) res.writeHead(500, { 'x-said': `${secret} header`, 'x-ms-request-id': `${secret} id` });
  else if (req.url === '/async') res.writeHead(202, { 'retry-after': '1', 'Azure-AsyncOperation': `http://${req.headers.host}/status` });
  else if (req.url === '/status') res.writeHead(200, { 'content-type': 'application/json' });
  else if (req.url === '/away') res.writeHead(302, { location: `http://${secret}.invalid/` });
  else res.writeHead(200, { 'content-type': 'text/plain' });
  res.end(req.url === '/status' || req.url.startsWith('/broken') ? JSON.stringify(body) : `${secret} answer`);
};

// One workflow: x in every failure, and what can only be tried where a service answers.
function document(x, url, { own = false, definition = {} } = {}) {
  const asks = (path, more = {}) => ({ type: 'Http', inputs: { method: 'GET', uri: `${url}${path}`, ...none }, ...secured(), ...more });
  const actions = {
    Number: { type: 'InitializeVariable', inputs: { variables: [{ name: 'number', type: 'integer', value: 7 }] } },
    Text: { type: 'InitializeVariable', inputs: { variables: [{ name: 'text', type: 'string', value: '' }] }, runAfter: after('Number') },
    Secret: { ...asks('/'), runAfter: after('Text') },
    Keep: { type: 'SetVariable', inputs: { name: 'text', value: "@{body('Secret')}" }, runAfter: after('Secret') },
    Async: asks('/async', { runAfter: after('Secret') }),
    Away: asks('/away', { runAfter: after('Secret') }),
    Broken: { ...asks('/broken', { runAfter: after('Secret') }), inputs: { method: 'GET', uri: `${url}/broken`, retryPolicy: { type: 'fixed', count: 1, interval: 'PT5S' } } },
    Told: { type: 'Compose', inputs: "@actions('Broken')?['error']", runAfter: after('Broken', 'Async', 'Away') },
  };
  let before = 'Keep';
  for (const [name, action] of Object.entries(failures(x, `${url}/open`))) {
    if (name === 'host' && x.includes('keys')) continue; // no host can hold it
    if (own && !settable(action.type)) continue;
    const one = own ? { ...action, runtimeConfiguration: { ...action.runtimeConfiguration, ...secured().runtimeConfiguration } } : action;
    if (own && name === 'inner') continue;
    actions[name] = { ...one, runAfter: after(before) };
    if (['SetVariable', 'IncrementVariable', 'AppendToArrayVariable'].includes(action.type)) before = name;
  }
  const all = Object.keys(actions);
  actions.Ends = { type: 'Terminate', inputs: { runStatus: 'Failed', runError: own ? { code: 'Over' } : { code: `@{${x}}`, message: `@{concat('it was ', ${x})}` } }, runAfter: after(...all) };
  return {
    definition: {
      $schema: schema, contentVersion: '1.0.0.0', parameters: { key: { type: 'SecureString' }, keys: { type: 'SecureObject' } },
      staticResults: { told: { status: 'Failed', outputs: { statusCode: 'OK', body: `@${x}` }, code: `@{${x}}`, error: { code: `@{${x}}`, message: `@{${x}}` } } },
      triggers: { manual: { type: 'Request', kind: 'Http', inputs: { schema: {} }, ...secured() } },
      actions, outputs: own ? {} : { a: { type: 'Int', value: `@int(${x})` }, b: { type: 'String', value: `@${x}` } }, ...definition,
    },
    parameters: { key: { value: `${secret}-key` }, keys: { value: { a: [`${secret} "inner" key/=`] } } },
  };
}

async function saved(s, name, body) {
  const r = await s.api('PUT', `/api/v1/workflows/${name}?force=true`, body);
  assert.ok([200, 201].includes(r.status), r.text);
}

// Every answer that can be reached from a workflow by names, ids and links.
async function everything(s, workflow) {
  const seen = new Map();
  const get = async (at) => {
    if (seen.has(at)) return {};
    const r = at.startsWith('/') ? await s.api('GET', at) : await fetch(at).then(async (x) => ({ status: x.status, text: await x.text() }));
    seen.set(at, r);
    for (const [, link] of r.text.matchAll(/"uri":"(http[^"]+\/contents\/[^"]+)"/g)) await get(link);
    try { return JSON.parse(r.text); } catch { return {}; }
  };
  const names = async (at) => ((await get(at)).value ?? []).map((v) => v.id.startsWith('/') || v.name ? v.name ?? v.id : v.id);
  const w = `/api/v1/workflows/${workflow}`;
  const arm = `/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/workflows/${workflow}`, v = '?api-version=2019-05-01';
  for (const at of [w, `${w}/versions`, `${w}/triggers`, `${w}/swagger`, `${arm}${v}`, `${arm}/triggers${v}`, `${arm}/runs${v}&$expand=properties/actions`]) await get(at);
  const trigger = (await get(`${w}/triggers?x`)).value[0].name;
  for (const h of await names(`${w}/triggers/${trigger}/histories`)) await get(`${w}/triggers/${trigger}/histories/${h}`);
  for (const h of await names(`${arm}/triggers/${trigger}/histories${v}`)) await get(`${arm}/triggers/${trigger}/histories/${h}${v}`);
  for (const { id, name } of (await get(`${w}/runs`)).value) {
    const run = `/api/v1/runs/${id}`, far = `${arm}/runs/${name}`;
    for (const at of [run, `${run}/trigger`, `${far}${v}`, `${far}${v}&$expand=actions,workflow`, `${far}/actions${v}`]) await get(at);
    for (const action of await names(`${run}/actions?$top=100`)) {
      const one = `${run}/actions/${action}`;
      for (const at of [one, ...['inputs', 'outputs', 'expressionTraces', 'scopeRepetitions'].map((x) => `${one}/${x}`), `${far}/actions/${action}${v}`]) await get(at);
      for (const q of await names(`${one}/requests`)) await get(`${one}/requests/${q}`);
      await names(`${far}/actions/${action}/requestHistories${v}`);
      for (const r of await names(`${one}/repetitions`)) for (const x of ['', '/outputs', '/expressionTraces', '/requests']) await get(`${one}/repetitions/${r}${x}`);
    }
  }
  return seen;
}

const shown = (all) => [...all].filter(([, r]) => r.text.includes(secret)).map(([at, r]) => {
  const i = r.text.indexOf(secret);
  return `${at}: ${r.text.slice(Math.max(0, i - 200), i + 60)}`;
});

async function attack(t, name, x, options) {
  const service = await backend(t, answers);
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  await saved(s, name, document(x, service.url, options));
  const { value } = (await s.api('POST', `/api/v1/workflows/${name}/triggers/manual:callback`, {})).json;
  const answer = await fetch(value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(`${secret} body`) });
  const told = `${[...answer.headers]} ${await answer.text()}`;
  assert.ok(!told.includes(secret), told);
  const run = await until('the end of the run', async () => (await s.api('GET', `/api/v1/workflows/${name}/runs`)).json.value.find((r) => r.endTime));
  assert.equal(run.status, 'Failed');
  const all = await everything(s, name);
  assert.ok(all.size > 150, `${all.size} answers`);
  assert.deepEqual(shown(all), []);
  assert.ok(!s.log().includes(secret), s.log());
  const actions = (await s.api('GET', `/api/v1/runs/${run.id}/actions?$top=100`)).json.value;
  return { s, run, actions };
}

test('outputs of a secured action are in no message of those that refer to them', async (t) => {
  const { actions, run } = await attack(t, 'refers', "body('Secret')");
  const of = (name) => actions.find((a) => a.name === name);
  assert.ok(actions.filter((a) => a.status === 'Failed').length > 35, JSON.stringify(actions.map((a) => [a.name, a.status])));
  assert.equal(of('compose').error.code, 'InvalidTemplate');
  assert.match(of('compose').error.message, /not shown/);
  assert.match(of('until').error.message, /not shown/);
  assert.match(run.error.message, /not shown/);
});

test('texts of secure parameters are in no message, whole or as a part', async (t) => {
  const { actions, s, run } = await attack(t, 'parameter', "parameters('key')");
  const inputs = (await s.api('GET', `/api/v1/runs/${run.id}/actions/asks/inputs`)).json;
  assert.deepEqual(inputs.body, { a: '*sanitized*' });
  assert.ok(actions.some((a) => a.name === 'tracked' && a.trackedProperties.a === '*sanitized*'));
});

test('facts of a request are told beside a secure parameter: who could not be reached, and how long it took', async (t) => {
  const file = join(temporary(t), 'w.json'), url = (await backend(t, () => {})).url;
  const http = (uri, more) => ({ type: 'Http', inputs: { method: 'GET', uri, headers: { a: "@parameters('p')" }, ...none }, runAfter: {}, ...more });
  writeFileSync(file, JSON.stringify({ definition: { $schema: schema, contentVersion: '1.0.0.0', parameters: { p: { type: 'SecureString', defaultValue: secret } }, triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: {
    Nobody: http(`@{concat('http://127.0.0.1:1/', parameters('p'))}`), Name: http(`@{concat('http://', parameters('p'), '.invalid/')}`), Slow: http(url, { limit: { timeout: 'PT1S' } }), Hidden: http('http://127.0.0.1:1/', secured()),
    Made: { type: 'Compose', inputs: "@int(parameters('p'))", runAfter: {} } } } }));
  const r = await raccordJson(['run', file]);
  const message = (name) => r.json.actions[name].error.message;
  assert.ok(!r.stdout.includes(secret), r.stdout);
  assert.match(message('Nobody'), /connection refused by 127\.0\.0\.1:1/);
  assert.match(message('Name'), /cannot be resolved: \*sanitized\*\.invalid/);
  assert.match(message('Slow'), /the time limit 'PT1S' was exceeded/);
  for (const name of ['Hidden', 'Made']) assert.match(message(name), /is not shown, because it has to do with secured values/);
});

test('a part of a text is found too, and so are texts inside of objects', async (t) => {
  await attack(t, 'part', "concat('the ', parameters('keys')?['a'][0], ' of mine')");
});

test('what a secured action fails of is in none of its messages', async (t) => {
  await attack(t, 'own', "variables('text')", { own: true });
});

test('a name that is worked out is no way around', async (t) => {
  await attack(t, 'computed', "body(concat('Sec', 'ret'))");
});

test('triggers: conditions, splitOn, schemas, tracking, polls', async (t) => {
  const service = await backend(t, answers);
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const manual = { type: 'Request', kind: 'Http', inputs: {} };
  const every = { recurrence: { frequency: 'Second', interval: 1 } };
  const triggers = {
    condition: { ...manual, conditions: [{ expression: '@greater(int(triggerBody()?[\'a\']), 1)' }], ...secured() },
    kind: { ...manual, conditions: [{ expression: '@triggerBody()?[\'a\']' }], ...secured('outputs') },
    skipped: { ...manual, conditions: [{ expression: '@equals(triggerBody()?[\'a\'], 1)' }], ...secured() },
    parameter: { ...manual, conditions: [{ expression: "@greater(int(parameters('key')), 1)" }] },
    split: { ...manual, splitOn: '@int(triggerBody()?[\'a\'])', ...secured() },
    list: { ...manual, splitOn: '@triggerBody()?[\'a\']', ...secured() },
    schema: { ...manual, inputs: { schema: { type: 'object', properties: { a: { type: 'integer' } } } }, operationOptions: 'EnableSchemaValidation', ...secured() },
    tracking: { ...manual, correlation: { clientTrackingId: "@triggerBody()?['a']" }, ...secured('outputs') },
    known: { ...manual, correlation: { clientTrackingId: "@concat('x', parameters('key'))" } },
    items: { ...manual, splitOn: '@createArray(triggerBody())', splitOnConfiguration: { correlation: { clientTrackingId: "@triggerBody()?['a']" } }, ...secured('outputs') },
    broken: { type: 'Http', inputs: { method: 'GET', uri: `${service.url}/broken`, ...none }, ...every, ...secured() },
    lost: { type: 'Http', inputs: { method: 'GET', uri: "@{concat('http://', parameters('key'), '.invalid/')}", ...none }, ...every, ...secured() },
    wrong: { type: 'Http', inputs: { method: 'GET', uri: "@{int(parameters('key'))}", ...none }, ...every },
    hook: { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: "@{parameters('key')}", body: '@listCallbackUrl()', ...none }, unsubscribe: {} } },
    times: { type: 'Recurrence', recurrence: { frequency: "@{parameters('key')}", interval: 1 } },
  };
  for (const [name, trigger] of Object.entries(triggers)) {
    const doc = document("triggerBody()?['a']", service.url);
    Object.assign(doc.definition, { triggers: { manual: trigger }, actions: { Seen: { type: 'Compose', inputs: '@triggerBody()' } }, outputs: {}, staticResults: {} });
    await saved(s, name, doc);
    if (trigger.type !== 'Request') continue;
    const body = JSON.stringify({ a: ['parameter', 'known'].includes(name) ? 'open' : `${secret} body` });
    const { value } = (await s.api('POST', `/api/v1/workflows/${name}/triggers/manual:callback`, {})).json;
    const r = await fetch(value, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const told = `${name}: ${[...r.headers]} ${await r.text()}`;
    assert.ok(!told.includes(secret) || name === 'schema', told); /* who called knows what was sent */
    const by = await s.api('POST', `/api/v1/workflows/${name}:run`, JSON.parse(body));
    assert.ok(!by.text.includes(secret) || name === 'schema', `${name}: ${by.text}`);
  }
  for (const name of Object.keys(triggers)) {
    await until(`history of ${name}`, async () => (await s.api('GET', `/api/v1/workflows/${name}/triggers/manual/histories`)).json.value.length > 0);
    const all = await everything(s, name);
    assert.deepEqual(shown(all), [], name);
  }
  assert.ok(!s.log().includes(secret), s.log());
});

test('what a version keeps secret no later one shows', async (t) => {
  const s = await serve(t);
  const version = (trigger, key) => saved(s, 'w', { definition: { $schema: schema, contentVersion: '1.0.0.0', parameters: { key: { type: 'SecureString' } }, triggers: { manual: { type: 'Request', kind: 'Http', conditions: [{ expression: '@equals(1, 2)' }], ...trigger } }, actions: {} }, parameters: { key: { value: key } } });
  await version(secured('outputs'), `${secret}-key`);
  await s.api('POST', '/api/v1/workflows/w:run', { a: `${secret} body` });
  const first = await until('the first event', async () => (await s.api('GET', '/api/v1/workflows/w/triggers/manual/histories')).json.value[0]);
  assert.deepEqual(first.outputsLink, { secureData: { properties: ['outputs'] } });
  await version({}, `${secret}-key`);
  await s.api('POST', '/api/v1/workflows/w:run', { a: `${secret}-key` });
  await version({}, 'another key');
  const all = await everything(s, 'w');
  assert.ok([...all.keys()].filter((at) => at.includes('/contents/TriggerOutputs')).length >= 2);
  assert.deepEqual(shown(all), []);
});

test('what is made from a copy of a secure parameter is in no trace, what stands beside it is', async (t) => {
  const s = await serve(t), key = `${secret}-key`;
  await saved(s, 'w', { definition: { $schema: schema, contentVersion: '1.0.0.0', parameters: { key: { type: 'SecureString' } }, triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: {
    Key: { type: 'Compose', inputs: { key: "@parameters('key')", open: 'plain' } },
    Copy: { type: 'Compose', inputs: "@outputs('Key')", runAfter: { Key: ['Succeeded'] } },
    Ask: { type: 'If', expression: "@equals(concat(toUpper(outputs('Copy').open), 'x'), concat(base64(outputs('Copy').key), substring(string(outputs('Copy')), 8, 4)))", actions: {}, runAfter: { Copy: ['Succeeded'] } },
  } }, parameters: { key: { value: key } } });
  await s.api('POST', '/api/v1/workflows/w:run', {});
  const run = await until('the run', async () => (await s.api('GET', '/api/v1/workflows/w/runs')).json.value.find((x) => x.endTime));
  const trace = (await s.api('GET', `/api/v1/runs/${run.id}/actions/Ask/expressionTraces`)).json.expression[0];
  const part = ({ text, value, subexpressions }) => [text, value, subexpressions.map(part)];
  assert.equal(trace.value, false);
  assert.deepEqual(trace.subexpressions.map(part), [
    ["concat(toUpper(outputs('Copy').open), 'x')", 'PLAINx', [["toUpper(outputs('Copy').open)", 'PLAIN', [["outputs('Copy').open", 'plain', []]]]]],
    ["concat(base64(outputs('Copy').key), substring(string(outputs('Copy')), 8, 4))", undefined, [
      ["base64(outputs('Copy').key)", undefined, [["outputs('Copy').key", '*sanitized*', []]]],
      ["substring(string(outputs('Copy')), 8, 4)", undefined, [["string(outputs('Copy'))", undefined, [["outputs('Copy')", { key: '*sanitized*', open: 'plain' }, []]]]]],
    ]]]);
});

for (const [name, x, own] of [['refers', "body('Secret')"], ['parameter', "parameters('key')"], ['own', "variables('text')", true]])
  test(`raccord run prints none of it (${name})`, async (t) => {
    const service = await backend(t, answers);
    const doc = document(x, service.url, { own });
    const dir = temporary(t), file = (f, v) => { const at = join(dir, f); writeFileSync(at, typeof v === 'string' ? v : JSON.stringify(v)); return at; };
    mkdirSync(join(dir, 'Artifacts', 'Schemas'), { recursive: true });
    file('Artifacts/Schemas/Number.xsd', '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:int"/></xs:schema>');
    const args = ['run', file('workflow.json', { definition: doc.definition, kind: 'Stateful' }), '--parameters', file('parameters.json', doc.parameters), '--trigger', file('trigger.json', { body: `${secret} body` }), '--set', 'egress.allow=127.0.0.0/8'];
    for (const format of [[], ['--format', 'json']]) {
      const r = await raccord([...args, ...format]);
      assert.equal(r.status, 1, r.stderr + r.stdout.slice(0, 2000));
      const at = (r.stdout + r.stderr).indexOf(secret);
      assert.equal(at, -1, (r.stdout + r.stderr).slice(Math.max(0, at - 300), at + 60));
    }
  });
