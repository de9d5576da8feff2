// The life of a workflow and of its runs through the management API: every operation described
// under these tags is answered with success at least once, each answer as its description says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend, serve, until } from './lib/raccord.mjs';
import { described, operations } from './lib/described.mjs';

const json = (res, value) => { res.writeHead(200, { 'content-type': 'application/json' }); res.end(JSON.stringify(value)); };
const http = (url) => ({ type: 'Http', inputs: { method: 'GET', uri: `${url}/item` } });
const definition = (url, more = {}) => ({
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: { schema: { type: 'object', properties: { n: { type: 'integer' } } } } } },
  actions: {
    Twice: { type: 'Compose', inputs: "@mul(triggerBody()?['n'], 2)" },
    Ask: { ...http(url), runAfter: { Twice: ['Succeeded'] } },
    Each: { type: 'Foreach', foreach: [1, 2], runAfter: { Ask: ['Succeeded'] }, actions: { One: { type: 'Compose', inputs: '@item()' }, Fetch: http(url) } },
    ...more,
  },
});

test('life of a workflow: every operation answers as it is described', async (t) => {
  const back = await backend(t, (req, res) => json(res, req.url === '/item' ? { id: 1 } : []));
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.1/32'] });
  const { api, doc, seen } = await described(s);
  const url = `http://127.0.0.1:${back.port}`, base = '/api/v1/workflows';
  const ok = async (method, path, body, headers) => {
    const r = await api(method, path, body, headers);
    assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${r.text}`);
    return r.json;
  };
  const ended = (id) => until(`the end of ${id}`, async () => { const run = await ok('GET', `/api/v1/runs/${id}`); return !['Running', 'Waiting'].includes(run.status) && run; });

  // a workflow: checked, saved, changed, moved
  assert.equal((await ok('POST', `${base}:validate`, { definition: definition(url) })).valid ?? true, true);
  const made = await ok('POST', `${base}?name=first`, { definition: definition(url) });
  await ok('PUT', `${base}/first`, { definition: definition(url, { Last: { type: 'Compose', inputs: 1, runAfter: { Each: ['Succeeded'] } } }) });
  await ok('PATCH', `${base}/first`, { tags: { team: 'quay' } });
  await ok('POST', `${base}/first:validate`);
  assert.equal((await ok('POST', `${base}/first:disable`)).state, 'Disabled');
  assert.equal((await ok('POST', `${base}/first:enable`)).state, 'Enabled');
  await ok('POST', `${base}/first:move`, { name: 'ships' });
  assert.equal((await api('GET', `${base}/first`)).status, 404);
  const w = await ok('GET', `${base}/ships`), at = `${base}/ships`;
  assert.deepEqual([w.id, w.tags], [made.id, { team: 'quay' }]);
  assert.deepEqual((await ok('GET', base)).value.map((x) => x.name), ['ships']);
  assert.ok((await ok('GET', `${at}/upgradedDefinition`)).$schema);
  assert.equal((await ok('GET', `${at}/swagger`)).swagger, '2.0');
  const versions = (await ok('GET', `${at}/versions`)).value;
  assert.ok(versions.length >= 2);
  const old = await ok('GET', `${at}/versions/${versions.at(-1).version}`);
  assert.equal(old.definition.actions.Last, undefined);

  // its trigger
  assert.deepEqual((await ok('GET', `${at}/triggers`)).value.map((x) => x.name), ['manual']);
  assert.equal((await ok('GET', `${at}/triggers/manual`)).name, 'manual');
  assert.match(JSON.stringify(await ok('GET', `${at}/triggers/manual/schema`)), /integer/);
  const signed = (await ok('POST', `${at}/triggers/manual:callback`, {})).value;
  assert.equal((await fetch(signed, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' })).status, 202);
  const bound = (await ok('POST', `${at}/versions/${old.version}/triggers/manual:callback`, {})).value;
  assert.match(bound, new RegExp(old.version));
  await ok('POST', `${at}:regenerateKey`, { keyType: 'Primary' });
  assert.equal((await fetch(signed, { method: 'POST', body: '{}' })).status, 401);

  // runs
  const started = await ok('POST', `${at}:run`, { n: 21 });
  const run = await ended(started.id), of = `/api/v1/runs/${started.id}`;
  assert.equal(run.status, 'Succeeded');
  await ended((await ok('POST', `${at}/triggers/manual:run`, { n: 1 })).id);
  assert.equal((await ok('GET', `${at}/runs`)).value.length, 3);
  assert.equal((await ok('GET', `${of}/trigger`)).body.n, 21);
  const actions = (await ok('GET', `${of}/actions`)).value;
  assert.deepEqual(actions.map((a) => a.name).filter((n) => n !== 'One' && n !== 'Fetch'), ['Twice', 'Ask', 'Each', 'Last']);
  assert.equal((await ok('GET', `${of}/actions/Twice`)).status, 'Succeeded');
  assert.equal(await ok('GET', `${of}/actions/Twice/inputs`), 42);
  assert.equal(await ok('GET', `${of}/actions/Twice/outputs`), 42);
  await ok('GET', `${of}/actions/Twice/expressionTraces`);
  const repetitions = (await ok('GET', `${of}/actions/One/repetitions`)).value;
  assert.equal(repetitions.length, 2);
  const one = `${of}/actions/One/repetitions/${repetitions[0].repetition ?? '000000'}`;
  await ok('GET', one);
  assert.equal(await ok('GET', `${one}/inputs`), 1);
  assert.equal(await ok('GET', `${one}/outputs`), 1);
  await ok('GET', `${one}/expressionTraces`);
  assert.equal((await ok('GET', `${of}/actions/Each/scopeRepetitions`)).value.length, 2);
  await ok('GET', `${of}/actions/Each/scopeRepetitions/000001`);
  const [sent] = (await ok('GET', `${of}/actions/Ask/requests`)).value;
  assert.ok(sent, 'the request of Ask is in history');
  await ok('GET', `${of}/actions/Ask/requests/${sent.name ?? sent.id}`);
  const [again] = (await ok('GET', `${of}/actions/Fetch/repetitions/000001/requests`)).value;
  await ok('GET', `${of}/actions/Fetch/repetitions/000001/requests/${again.name ?? again.id}`);

  // again, and from trigger history
  assert.equal((await ended((await ok('POST', `${of}:resubmit`, {})).id)).status, 'Succeeded');
  const histories = (await ok('GET', `${at}/triggers/manual/histories`)).value;
  const history = await ok('GET', `${at}/triggers/manual/histories/${histories[0].name ?? histories[0].id}`);
  assert.equal(history.status, 'Succeeded');
  await ended((await ok('POST', `${at}/triggers/manual/histories/${histories[0].name ?? histories[0].id}:resubmit`)).id);

  // an answer that is asked for later, and a run that is cancelled
  await ok('PUT', `${base}/later`, { definition: { triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: {
    Pause: { type: 'Wait', inputs: { interval: { unit: 'Hour', count: 1 } } },
    Response: { type: 'Response', kind: 'Http', operationOptions: 'Asynchronous', runAfter: { Pause: ['Succeeded'] }, inputs: { statusCode: 200 } },
  } } });
  const slow = await ok('POST', `${base}/later:run`, {});
  assert.equal((await ok('GET', `/api/v1/runs/${slow.id}/operations/${(await ok('GET', `/api/v1/runs/${slow.id}`)).name}`)).status, 'Running');
  await ok('POST', `/api/v1/runs/${slow.id}:cancel`);
  assert.equal((await ended(slow.id)).status, 'Cancelled');

  // what a polling trigger has seen
  for (const name of ['poll', 'poll2']) {
    await ok('PUT', `${base}/${name}`, { definition: { triggers: { Look: { type: 'Http', recurrence: { frequency: 'Hour', interval: 1 }, inputs: { method: 'GET', uri: `${url}/none` } } }, actions: {} } });
  }
  await ok('POST', `${base}/poll/triggers/Look:reset`);
  await ok('POST', `${base}/poll2/triggers/Look:setState`, { source: { flowName: 'poll', triggerName: 'Look' } });

  // what waits in a batch
  await ok('PUT', `${base}/collect`, { definition: { triggers: { Batch: { type: 'Batch', inputs: { mode: 'Inline', configurations: { few: { releaseCriteria: { messageCount: 100 } } } } } }, actions: {} } });
  await ok('PUT', `${base}/send`, { definition: { triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: { Send: { type: 'SendToBatch', runAfter: {}, inputs: { batchName: 'few', content: 'x', host: { triggerName: 'Batch', workflow: { id: 'collect' } } } } } } });
  assert.equal((await ended((await ok('POST', `${base}/send:run`, {})).id)).status, 'Succeeded');
  const [waits] = (await ok('GET', `${base}/collect/batches`)).value;
  assert.deepEqual([waits.batchName, waits.partitionName, waits.messageCount, waits.batchSize, waits.state], ['few', 'DEFAULT', 1, 3, 'Waiting']);
  await ok('DELETE', `${base}/collect/batches/${waits.id}`);
  assert.deepEqual((await ok('GET', `${base}/collect/batches`)).value, []);
  assert.equal((await api('DELETE', `${base}/collect/batches/${waits.id}`)).status, 404);

  assert.ok((await ok('GET', '/api/v1/workflowOperations')) !== undefined);
  assert.ok((await ok('GET', '/api/v1/workflowBuiltins')).value.some((b) => b.operationType === 'Foreach'));
  await ok('DELETE', at);
  assert.equal((await api('GET', at)).status, 404);

  const missing = operations(doc).filter((r) => ['workflows', 'runs'].includes(r.op.tags[0])).map((r) => r.op.operationId).filter((o) => !seen.has(o));
  assert.deepEqual(missing, []);
});

test('a definition may be as large as the setting says, and the refusal says which', { timeout: 120000 }, async (t) => {
  const s = await serve(t, { args: ['--set', 'workflow.definition_bytes_max=16MiB'] });
  const put = (bytes) => s.api('PUT', '/api/v1/workflows/large', { definition: { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http' } }, actions: { C: { type: 'Compose', inputs: 'x'.repeat(bytes), runAfter: {} } } } });
  const large = await put(12 << 20);
  assert.equal(large.status, 201, large.text.slice(0, 500));
  const over = await put(40 << 20);
  assert.equal(over.status, 413);
  assert.match(over.text, /workflow\.definition_bytes_max/);
});
