// Batches: messages that SendToBatch puts aside until a Batch trigger releases them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { serve, temporary } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const definition = (triggers, actions) => ({ definition: { $schema: schema, contentVersion: '1.0.0.0', triggers, actions } });
const inline = (configurations, more = {}) => ({ type: 'Batch', inputs: { mode: 'Inline', configurations }, ...more });
const by = (releaseCriteria) => ({ releaseCriteria });
const receiver = (trigger) => definition({ Batch_messages: trigger }, { Seen: { type: 'Compose', inputs: '@triggerBody()', runAfter: {} } });
const send = (inputs) => ({ type: 'SendToBatch', runAfter: {}, inputs: { content: '@triggerBody()', host: { triggerName: 'Batch_messages', workflow: { id: 'collect' } }, ...inputs } });
const answer = (status, body) => ({ type: 'Response', kind: 'Http', runAfter: { Send: ['Succeeded', 'Failed'] }, inputs: { statusCode: status, body } });
const sender = (inputs = {}, options = {}) => definition(
  { manual: { type: 'Request', kind: 'Http' } },
  { Send: { ...send({ batchName: 'orders', ...inputs }), ...options }, Answer: answer(200, "@actions('Send')") });

async function put(s, name, body) {
  const r = await s.api('PUT', `/api/v1/workflows/${name}`, body);
  assert.ok([200, 201].includes(r.status), r.text);
  return r;
}
async function door(s, name) {
  const r = await s.api('POST', `/api/v1/workflows/${name}/triggers/manual:callback`, {});
  assert.equal(r.status, 200, r.text);
  return async (body) => {
    const a = await fetch(r.json.value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return { status: a.status, json: await a.json().catch(() => null) };
  };
}
const list = async (s, what) => {
  const all = [];
  for (let path = `/api/v1/${what}`; path;) {
    const r = await s.api('GET', path);
    assert.equal(r.status, 200, r.text);
    all.push(...r.json.value);
    path = r.json.nextLink ? new URL(r.json.nextLink).pathname + new URL(r.json.nextLink).search : null;
  }
  return all;
};
const runs = (s, name = 'collect') => list(s, `workflows/${name}/runs?$top=250`);
async function bodies(s, name = 'collect') {
  const out = [];
  for (const r of await runs(s, name)) {
    const a = await s.api('GET', `/api/v1/runs/${r.id}/actions/Seen/outputs`);
    if (a.status === 200) out.push(a.json);
  }
  return out.reverse();
}
async function until(what, check, times = 200) {
  for (let i = 0; i < times; i++) {
    const v = await check();
    if (v) return v;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`${what} did not come to pass`);
}

test('messages wait until there are enough of them, in each partition by itself', async (t) => {
  const s = await serve(t);
  await put(s, 'collect', receiver(inline({ orders: by({ messageCount: 3 }) })));
  await put(s, 'send', sender({ partitionName: "@triggerBody()['p']", messageId: "@string(triggerBody()['n'])" }));
  const post = await door(s, 'send');
  for (const [p, n] of [['a', 1], ['b', 2], ['a', 3], ['b', 4]]) {
    const r = await post({ p, n });
    assert.equal(r.json.status, 'Succeeded', JSON.stringify(r.json));
    assert.deepEqual(r.json.outputs, { statusCode: 202, body: { messageId: String(n) } });
    assert.equal(r.json.code, 'Accepted');
  }
  assert.equal((await runs(s)).length, 0);
  await post({ p: 'a', n: 5 });
  await until('the first batch', async () => (await bodies(s)).length === 1);
  assert.deepEqual((await bodies(s))[0], { batchName: 'orders', partitionName: 'a', items: [1, 3, 5].map((n) => ({ content: { p: 'a', n }, messageId: String(n) })) });
  await post({ p: 'b', n: 6 });
  await until('the second batch', async () => (await bodies(s)).length === 2);
  assert.deepEqual((await bodies(s))[1].items.map((i) => i.messageId), ['2', '4', '6']);
});

test('kill -9 at any moment loses nothing and doubles nothing', async (t) => {
  const dir = temporary(t);
  const rounds = Number(process.env.RACCORD_BATCH_ROUNDS ?? 12);
  const acknowledged = new Set();
  let s = await serve(t, { dir, args: ['--set', 'workers=3'] });
  await put(s, 'collect', receiver(inline({ orders: by({ messageCount: 7 }) })));
  await put(s, 'send', sender({ content: "@triggerBody()['n']", partitionName: "@string(mod(triggerBody()['n'], 3))" }));
  let n = 0;
  for (let round = 0; round < rounds; round++) {
    const post = await door(s, 'send');
    let stop = false;
    const loops = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const mine = n++;
        try {
          const r = await post({ n: mine });
          if (r.json?.status === 'Succeeded') acknowledged.add(mine);
        } catch { /* the server is gone */ }
      }
    });
    await new Promise((done) => setTimeout(done, 60 + Math.random() * 250));
    s.child.kill('SIGKILL');
    await once(s.child, 'exit');
    stop = true;
    await Promise.all(loops);
    s = await serve(t, { dir, args: ['--set', 'workers=3'] });
  }
  // everything that was begun ends; what is left of the partitions is released by hand
  await until('the end of every sender', async () => (await list(s, 'workflows/send/runs?status=Running')).length === 0 || (await s.api('GET', "/api/v1/workflows/send/runs?$filter=status eq 'Running'")).json.value.length === 0);
  assert.equal((await s.api('POST', '/api/v1/workflows/collect/triggers/Batch_messages:run')).status, 202);
  const got = await until('every message', async () => {
    const all = (await bodies(s)).flatMap((b) => b.items.map((i) => i.content));
    return [...acknowledged].every((x) => all.includes(x)) && all;
  });
  assert.equal(new Set(got).size, got.length, 'no message twice');
  for (const b of await bodies(s)) assert.ok(b.items.length <= 7 && b.items.every((i) => String(i.content % 3) === b.partitionName));
  t.diagnostic(`${acknowledged.size} acknowledged, ${got.length} released in ${(await bodies(s)).length} batches over ${rounds} kills`);
});

test('batches of an integration account, whose changes release what waits; sizes; disabling; deletion', async (t) => {
  const s = await serve(t);
  const describe = async (name, body) => { const r = await s.api('PUT', `/api/v1/integrationAccounts/default/batchConfigurations/${name}`, body); assert.ok(r.status < 300, r.text); };
  await s.api('PUT', '/api/v1/integrationAccounts/default', { location: 'here' });
  await describe('orders', { batchGroupName: 'g', releaseCriteria: { batchSize: 1000 } });
  await put(s, 'collect', receiver({ type: 'Batch', inputs: { mode: 'IntegrationAccount', batchGroupName: 'g' } }));
  await put(s, 'send', sender());
  const post = await door(s, 'send');
  for (let i = 0; i < 3; i++) assert.equal((await post({ i })).json.status, 'Succeeded');
  assert.equal((await runs(s)).length, 0);
  await describe('orders', { batchGroupName: 'g', releaseCriteria: { messageCount: 2 } });
  await until('the batch that is large enough now', async () => (await bodies(s)).length === 1);
  assert.deepEqual((await bodies(s))[0].items.map((x) => x.content.i), [0, 1]);
  await describe('orders', { batchGroupName: 'g', releaseCriteria: { batchSize: 1000 } });
  await post({ i: 'x'.repeat(1000) });
  await until('the batch that is full of bytes', async () => (await bodies(s)).length === 2);
  await post({ i: 9 });
  assert.ok((await s.api('POST', '/api/v1/workflows/collect:disable')).status < 300);
  const refused = (await post({ i: 10 })).json;
  assert.deepEqual([refused.status, refused.error.code], ['Failed', 'WorkflowTriggerIsNotEnabled']);
  assert.ok((await s.api('POST', '/api/v1/workflows/collect:enable')).status < 300);
  assert.equal((await list(s, 'workflows/collect/batches')).length, 1);
  assert.ok((await s.api('DELETE', '/api/v1/workflows/collect')).status < 300);
  assert.equal((await post({ i: 11 })).json.error.code, 'WorkflowNotFound');
});

test('who may not run a workflow sends nothing to it: another group, another tenant', async (t) => {
  const s = await serve(t);
  await put(s, 'collect', receiver(inline({ orders: by({ messageCount: 1 }) })));
  const id = (await s.api('GET', '/api/v1/workflows/collect')).json.id;
  const theirs = (await s.api('POST', '/api/v1/tenants', { name: 'elsewhere' })).json;
  await s.api('PUT', '/api/v1/groups/dock', {});
  await s.api('POST', '/api/v1/users', { name: 'ada', grants: [{ role: 'maker', group: 'dock' }] });
  const ada = (await s.api('POST', '/api/v1/tokens', { user: 'ada' })).json.token;
  for (const [token, group] of [[theirs.token, ''], [ada, '?group=dock']]) {
    const made = await s.api('PUT', `/api/v1/workflows/send${group}`, sender({ host: { triggerName: 'Batch_messages', workflow: { id } } }), { token });
    assert.equal(made.status, 201, made.text);
    const { value } = (await s.api('POST', `/api/v1/workflows/send/triggers/manual:callback${group}`, {}, { token })).json;
    const r = await (await fetch(value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).json();
    assert.equal(r.error.code, 'WorkflowNotFound');
  }
  assert.equal((await runs(s)).length, 0);
});
