// Workflows of a server: saved, called from outside, managed, their runs read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';

// A definition with a Request trigger whose Response says what `body` comes to.
export const echo = (body = "@triggerBody()", { inputs = {}, actions = {}, runAfter = {} } = {}) => ({
  definition: {
    $schema: schema, contentVersion: '1.0.0.0',
    triggers: { manual: { type: 'Request', kind: 'Http', inputs } },
    actions: { ...actions, Response: { type: 'Response', kind: 'Http', runAfter, inputs: { statusCode: 200, headers: { 'x-own': 'yes' }, body } } },
    outputs: {},
  },
});

const ok = (r, status = 200) => { assert.equal(r.status, status, r.text); return r.json; };

async function saved(s, name, document, query = '') {
  const r = await s.api('PUT', `/api/v1/workflows/${name}${query}`, document);
  assert.ok([200, 201].includes(r.status), r.text);
  return r.json;
}

const url = async (s, name, trigger = 'manual', body = {}) =>
  ok(await s.api('POST', `/api/v1/workflows/${name}/triggers/${trigger}:callback`, body)).value;

const post = async (to, body, headers = {}) => {
  const r = await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const text = await r.text();
  let json;
  try { json = JSON.parse(text); } catch { json = undefined; }
  return { status: r.status, headers: r.headers, text, json };
};

for (const kind of ['Stateful', 'Stateless']) {
  test(`a ${kind} workflow answers over its signed URL`, async (t) => {
    const s = await serve(t, { args: ['--set', 'workers=3'] });
    const w = await saved(s, 'hello', { ...echo("@concat('hello ', triggerBody()?['name'])"), kind });
    assert.match(w.id, /^[0-9a-f]{32}$/);
    const to = await url(s, 'hello');
    const all = await Promise.all(Array.from({ length: 24 }, (_, i) => post(to, { name: `w${i}` })));
    all.forEach((r, i) => { assert.equal(r.status, 200, r.text); assert.equal(r.text, `hello w${i}`); });
    const r = all[0];
    assert.equal(r.headers.get('x-own'), 'yes');
    assert.match(r.headers.get('x-ms-workflow-run-id'), /^\d{29}CU\d\d$/);
    assert.equal(r.headers.get('x-ms-workflow-name'), 'hello');
    assert.equal(r.headers.get('x-ms-workflow-id'), w.id);
    const runs = ok(await s.api('GET', '/api/v1/workflows/hello/runs')).value;
    assert.equal(runs.length, kind === 'Stateful' ? 24 : 0);
  });
}

test('history goes when its time has come; a workflow may say its own', async (t) => {
  const s = await serve(t, { args: ['--set', 'workflow.retention=2s', '--set', 'workflow.sweep=1s'] });
  await saved(s, 'short', echo());
  await saved(s, 'long', { ...echo(), runtimeConfiguration: { lifetime: { unit: 'Day', count: 1 } } });
  for (const name of ['short', 'short', 'long']) ok(await post(await url(s, name), { a: 1 }));
  const runs = async (name) => ok(await s.api('GET', `/api/v1/workflows/${name}/runs`)).value.length;
  assert.equal(await runs('short') + await runs('long'), 3);
  const until = Date.now() + 30000;
  while (await runs('short') > 0 && Date.now() < until) await new Promise((r) => setTimeout(r, 200));
  assert.equal(await runs('short'), 0);
  assert.equal(await runs('long'), 1);
});
