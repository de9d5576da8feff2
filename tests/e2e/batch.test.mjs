// Batches: messages that SendToBatch puts aside until a Batch trigger releases them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { serve, temporary, until } from './lib/raccord.mjs';

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

// Senders under load, a server that dies again and again: what was acknowledged is released, once.
async function killed(t, trigger, { stateless = false, most = 7, rounds = Number(process.env.RACCORD_BATCH_ROUNDS ?? 12) } = {}) {
  const dir = temporary(t);
  const acknowledged = new Set();
  let s = await serve(t, { dir, args: ['--set', 'workers=3'] });
  await put(s, 'collect', receiver(trigger));
  await put(s, 'send', { ...sender({ content: "@triggerBody()['n']", partitionName: "@string(mod(triggerBody()['n'], 3))" }), ...(stateless ? { kind: 'Stateless' } : {}) });
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
  await until('the end of every sender', async () => (await list(s, "workflows/send/runs?$filter=status eq 'Running'")).length === 0);
  assert.equal((await s.api('POST', '/api/v1/workflows/collect/triggers/Batch_messages:run')).status, 202);
  const items = (b) => b.items ?? [b];
  await until('every message has gone', async () => (await list(s, 'workflows/collect/batches')).length === 0);
  await until('every run has ended', async () => (await runs(s)).every((r) => r.status === 'Succeeded'));
  const all = await bodies(s), got = all.flatMap((b) => items(b).map((i) => i.content));
  assert.deepEqual([...acknowledged].filter((x) => !got.includes(x)), [], 'no message lost');
  assert.equal(new Set(got).size, got.length, 'no message twice');
  for (const b of all) assert.ok(items(b).length <= most && items(b).every((i) => b.items === undefined || String(i.content % 3) === b.partitionName));
  assert.ok(acknowledged.size > 0);
  t.diagnostic(`${acknowledged.size} acknowledged, ${got.length} released in ${all.length} runs over ${rounds} kills`);
}

test('kill -9 at any moment loses nothing and doubles nothing', (t) => killed(t, inline({ orders: by({ messageCount: 7 }) })));
test('the same with a run for each message, and few runs at once', (t) => killed(t, inline({ orders: by({ messageCount: 7 }) }, { splitOn: "@triggerBody()['items']", runtimeConfiguration: { concurrency: { runs: 3 } } }), { most: 1 }));
test('the same with a sender that keeps nothing', (t) => killed(t, inline({ orders: by({ batchSize: 12 }) }), { stateless: true, most: 12 }));

test('a batch that is skipped stands in history; the run of one is resubmitted and takes nothing', async (t) => {
  const s = await serve(t);
  await put(s, 'collect', receiver(inline({ orders: by({ messageCount: 2 }) }, { conditions: [{ expression: "@not(equals(triggerBody()['items'][0]['content'], 'no'))" }] })));
  await put(s, 'send', sender({ content: "@triggerBody()['c']", messageId: "@triggerBody()['c']" }));
  const post = await door(s, 'send'), histories = 'workflows/collect/triggers/Batch_messages/histories';
  for (const c of ['no', 'never']) await post({ c });
  const [skipped] = await until('its history', async () => { const v = await list(s, histories); return v.length > 0 && v; });
  assert.deepEqual([skipped.status, skipped.fired], ['Skipped', false]);
  assert.equal((await runs(s)).length, 0);
  assert.deepEqual(await list(s, 'workflows/collect/batches'), []);
  const link = (await s.api('GET', `/api/v1/${histories}/${skipped.name}`)).json.outputsLink, { body } = await (await fetch(link.uri)).json();
  assert.deepEqual(body, { batchName: 'orders', partitionName: 'DEFAULT', items: [{ content: 'no', messageId: 'no' }, { content: 'never', messageId: 'never' }] });
  // what was skipped is run all the same, by hand
  assert.equal((await s.api('POST', '/api/v1/workflows/collect/triggers/Batch_messages:run', { ...body, items: body.items.toReversed() })).status, 202);
  await until('its run', async () => (await bodies(s)).length === 1);
  for (const c of ['one', 'two', 'three']) await post({ c });
  await until('the batch', async () => (await bodies(s)).length === 2);
  const [newest] = await runs(s);
  const again = await s.api('POST', `/api/v1/runs/${newest.id}:resubmit`);
  assert.equal(again.status, 202, again.text);
  await until('the run again', async () => (await bodies(s)).length === 3);
  const all = await bodies(s);
  assert.deepEqual(all[2], all[1]);
  assert.deepEqual(all[1].items.map((i) => i.content), ['one', 'two']);
  const [left] = await list(s, 'workflows/collect/batches');
  assert.deepEqual([left.messageCount, left.state], [1, 'Waiting']);
  // dropped, it is gone
  assert.equal((await s.api('DELETE', `/api/v1/workflows/collect/batches/${left.id}`)).status, 204);
  assert.deepEqual(await list(s, 'workflows/collect/batches'), []);
  assert.equal((await s.api('DELETE', `/api/v1/workflows/collect/batches/${left.id}`)).status, 404);
});

test('the deepest message that may come in goes through a run that waits', async (t) => {
  const s = await serve(t), deep = '['.repeat(1023) + ']'.repeat(1023);
  await put(s, 'collect', definition({ Batch_messages: inline({ orders: by({ messageCount: 1 }) }) }, {
    Rest: { type: 'Wait', inputs: { interval: { count: 3, unit: 'Second' } }, runAfter: {} }, // long enough to be read back
    Seen: { type: 'Compose', inputs: "@length(string(first(triggerBody()['items'])?['content']))", runAfter: { Rest: ['Succeeded'] } },
  }));
  await put(s, 'send', sender());
  const a = await fetch((await s.api('POST', '/api/v1/workflows/send/triggers/manual:callback', {})).json.value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: deep });
  assert.equal(a.status, 200);
  await until('its end', async () => (await runs(s)).some((r) => r.status !== 'Running' && r.status !== 'Waiting'));
  assert.deepEqual((await runs(s)).map((r) => r.status), ['Succeeded']);
  assert.deepEqual(await bodies(s), [deep.length]);
});

test('a stateless workflow with a Batch trigger is refused', async (t) => {
  const s = await serve(t);
  const r = await s.api('PUT', '/api/v1/workflows/collect', { ...receiver(inline({ orders: by({ messageCount: 1 }) })), kind: 'Stateless' });
  assert.equal(r.status, 400, r.text);
  assert.match(r.text, /keeps no messages/);
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
