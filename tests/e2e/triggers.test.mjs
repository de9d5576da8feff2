// Triggers that nobody calls: recurrences, windows, polls, webhooks; across kill -9, disabling, deletion.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { serve, temporary, until } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const loopback = ['--set', 'egress.allow=127.0.0.0/8'];

// A backend that remembers what it was asked; answer(request, body) gives [status, headers, value].
async function backend(t, answer) {
  const asked = [];
  const server = createServer((q, r) => {
    let body = '';
    q.on('data', (d) => { body += d; });
    q.on('end', () => {
      asked.push({ method: q.method, url: q.url, body });
      const [status, headers = {}, value] = answer(q, body, asked);
      r.writeHead(status, { 'content-type': 'application/json', ...headers });
      r.end(value === undefined ? '' : JSON.stringify(value));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { asked, url: `http://127.0.0.1:${server.address().port}` };
}

const workflow = (trigger) => ({ definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { t: trigger }, actions: { Seen: { type: 'Compose', inputs: '@triggerOutputs()', runAfter: {} } } } });
const every = (interval) => ({ frequency: 'Second', interval });

async function put(s, name, trigger) {
  const r = await s.api('PUT', `/api/v1/workflows/${name}`, workflow(trigger));
  assert.ok([200, 201].includes(r.status), r.text);
}
const list = async (s, name, what) => {
  const r = await s.api('GET', `/api/v1/workflows/${name}/${what}`);
  assert.equal(r.status, 200, r.text);
  return r.json.value;
};
const runs = (s, name) => list(s, name, 'runs');
const history = (s, name) => list(s, name, 'triggers/t/histories');

test('a recurrence fires on its own, a window misses none across kill -9', async (t) => {
  const dir = temporary(t);
  let s = await serve(t, { dir });
  await put(s, 'tick', { type: 'Recurrence', recurrence: every(1) });
  await put(s, 'windows', { type: 'SlidingWindow', recurrence: every(1) });
  await until('two windows', async () => (await runs(s, 'windows')).length >= 2);
  assert.ok((await runs(s, 'tick')).length >= 1);
  s.child.kill('SIGKILL');
  await once(s.child, 'exit');
  await new Promise((done) => setTimeout(done, 1500)); // windows pass while nobody is there
  s = await serve(t, { dir });
  const later = await until('windows after the restart', async () => { const v = await runs(s, 'windows'); return v.length >= 6 && v; });
  const starts = [];
  for (const r of later) {
    const a = await s.api('GET', `/api/v1/workflows/windows/runs/${r.name}/actions/Seen/outputs`);
    const b = a.status === 200 ? a : await s.api('GET', `/api/v1/runs/${r.name}/actions/Seen/outputs`);
    if (b.status === 200) starts.push(Date.parse((b.json.body ?? b.json).windowStartTime));
  }
  starts.sort((x, y) => x - y);
  for (let i = 1; i < starts.length; i++) assert.equal(starts[i] - starts[i - 1], 1000, 'every window, once, in order');
  assert.equal(await s.stop(), 0);
});

test('a poll: 202 is skipped, 200 fires, an array splits, conditions choose, Location is followed', async (t) => {
  let n = 0;
  const b = await backend(t, () => (++n % 2 ? [200, { location: `${b.url}/items?state=${n}` }, { value: [{ n }, { n: -n }] }] : [202]));
  const s = await serve(t, { args: loopback });
  await put(s, 'poll', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/items` }, recurrence: every(1), splitOn: "@triggerBody()?['value']", conditions: [{ expression: "@greater(triggerBody()['n'], 0)" }] });
  const h = await until('a poll that fired, one that did not', async () => { const v = await history(s, 'poll'); return n >= 3 && v.some((x) => x.fired) && v.filter((x) => !x.fired).length >= 2 && v; });
  assert.ok(h.every((x) => x.status === (x.fired ? 'Succeeded' : 'Skipped')), JSON.stringify(h));
  assert.ok((await runs(s, 'poll')).length >= 1);
  assert.equal(b.asked[0].url, '/items');
  assert.match(b.asked[1].url, /^\/items\?state=1$/);
});

test('the Location of a poll is resolved against the URL that was polled; the trigger sees it as it came', async (t) => {
  const next = { '/a/items?x=1': '../b/items?triggerState=1', '/b/items?triggerState=1': '?triggerState=2', '/b/items?triggerState=2': '/c#part', '/c': 'ftp://127.0.0.1/', '/moved': '/d/e' };
  const b = await backend(t, (q) => (q.url === '/from' ? [302, { location: '/moved' }] : [200, next[q.url] ? { location: next[q.url] } : {}, { at: q.url }]));
  const s = await serve(t, { args: loopback });
  await put(s, 'relative', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/a/items`, queries: { x: '1' } }, recurrence: every(1) });
  await until('five polls', async () => b.asked.length >= 5);
  assert.deepEqual(b.asked.slice(0, 5).map((x) => x.url), ['/a/items?x=1', '/b/items?triggerState=1', '/b/items?triggerState=2', '/c', '/c']);
  const done = await until('a run', async () => { const v = (await runs(s, 'relative')).filter((x) => x.status === 'Succeeded'); return v.length >= 1 && v; });
  const first = await s.api('GET', `/api/v1/runs/${done.at(-1).id}/actions/Seen/outputs`);
  assert.equal(first.json.headers.Location ?? first.json.headers.location, '../b/items?triggerState=1', first.text);
  assert.deepEqual(Object.keys(first.json).sort(), ['body', 'headers', 'statusCode']);
  const asked = await (await fetch(done[0].trigger.inputsLink.uri)).json();
  assert.deepEqual(asked, { method: 'GET', uri: `${b.url}/a/items`, queries: { x: '1' } });
  b.asked.length = 0;
  await put(s, 'relative', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/from` }, recurrence: every(1) });
  await until('the redirect, then what its target named', async () => b.asked.some((x) => x.url === '/d/e'));
});

test('a Location at an address that is not allowed is not followed', async (t) => {
  const b = await backend(t, () => [200, { location: `//127.0.0.9:${new URL(b.url).port}/inside` }, {}]);
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/31'] });
  await put(s, 'guarded', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/x`, retryPolicy: { type: 'none' } }, recurrence: every(1) });
  const h = await until('a poll that was refused', async () => { const v = (await history(s, 'guarded')).filter((x) => x.status === 'Failed'); return v.length > 0 && v; });
  assert.match(JSON.stringify(h[0].error), /127\.0\.0\.9/);
  assert.deepEqual(b.asked.map((x) => x.url), ['/x']);
});

test('a poll that is refused is Failed in history and goes on', async (t) => {
  const b = await backend(t, () => [403, {}, { error: 'no' }]);
  const s = await serve(t, { args: loopback });
  await put(s, 'refused', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/x` }, recurrence: every(1) });
  await until('a second poll', async () => b.asked.length >= 2);
  const h = await until('history', async () => { const v = await history(s, 'refused'); return v.length > 0 && v; });
  assert.equal(h[0].status, 'Failed');
  assert.equal(h[0].code, 'Forbidden');
  assert.equal((await runs(s, 'refused')).length, 0);
});

test('a webhook subscribes, fires when it is called, unsubscribes when disabled, changed or deleted', async (t) => {
  const b = await backend(t, (q) => (q.url === '/subscribe' ? [201, { location: `${b.url}/subscriptions/1` }] : [200]));
  const s = await serve(t, { args: loopback });
  const hook = (tag) => ({ type: 'HttpWebhook', inputs: {
    subscribe: { method: 'POST', uri: `${b.url}/subscribe`, body: { url: '@{listCallbackUrl()}', tag } },
    unsubscribe: { method: 'POST', uri: `${b.url}/unsubscribe`, body: {} } } });
  const of = (path) => b.asked.filter((x) => x.url === path);
  await put(s, 'hook', hook('a'));
  await until('the subscription', async () => of('/subscribe').length === 1);
  const { url } = JSON.parse(of('/subscribe')[0].body);
  const r = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"hello":1}' });
  assert.equal(r.status, 202);
  await until('the run', async () => (await runs(s, 'hook')).length === 1);
  const bad = await fetch(url.replace(/sig=.{4}/, 'sig=AAAA'), { method: 'POST' });
  assert.equal(bad.status, 401);
  await put(s, 'hook', hook('b'));
  await until('a new subscription, then the end of the old one', async () => of('/subscribe').length === 2 && of('/unsubscribe').length === 1);
  assert.equal((await s.api('POST', '/api/v1/workflows/hook:disable')).status < 300, true);
  await until('the end when it was disabled', async () => of('/unsubscribe').length === 2);
  assert.equal((await s.api('POST', '/api/v1/workflows/hook:enable')).status < 300, true);
  await until('the subscription when it was enabled', async () => of('/subscribe').length === 3);
  assert.equal((await s.api('DELETE', '/api/v1/workflows/hook')).status < 300, true);
  await until('the end when it was deleted', async () => of('/unsubscribe').length === 3);
});

test('the end of a subscription is that of the version that subscribed, also when its trigger is gone or another', async (t) => {
  const b = await backend(t, () => [200]);
  const s = await serve(t, { args: loopback });
  const hook = (tag) => ({ type: 'HttpWebhook', inputs: {
    subscribe: { method: 'POST', uri: `${b.url}/subscribe/${tag}`, body: { url: '@{listCallbackUrl()}' } },
    unsubscribe: { method: 'POST', uri: `${b.url}/unsubscribe/${tag}`, body: { url: '@{listCallbackUrl()}' } } } });
  const save = async (triggers, actions = {}) => {
    const r = await s.api('PUT', '/api/v1/workflows/ends', { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers, actions } });
    assert.ok(r.status < 300, r.text);
  };
  const urls = (path) => b.asked.filter((x) => x.url === path).map((x) => JSON.parse(x.body).url);
  const request = { manual: { type: 'Request', kind: 'Http' } };
  await save({ t: hook('a') });
  await until('the subscription', async () => urls('/subscribe/a').length === 1);
  await save({ t: hook('a') }, { C: { type: 'Compose', inputs: 1, runAfter: {} } }); // another version, the same subscription
  await save(request);
  await until('its end when the trigger was removed', async () => urls('/unsubscribe/a').length === 1);
  assert.deepEqual(urls('/unsubscribe/a'), urls('/subscribe/a'));
  await save({ t: hook('b') });
  await until('the subscription', async () => urls('/subscribe/b').length === 1);
  await save({ t: hook('c') });
  await until('its end when the trigger has changed', async () => urls('/unsubscribe/b').length === 1);
  assert.deepEqual(urls('/unsubscribe/b'), urls('/subscribe/b'));
  assert.equal(urls('/subscribe/c').length, 1);
  await save({ t: { type: 'Request', kind: 'Http' } });
  await until('its end when it became another one', async () => urls('/unsubscribe/c').length === 1);
  assert.deepEqual(urls('/unsubscribe/c'), urls('/subscribe/c'));
  await save({ t: hook('d') });
  await until('the subscription', async () => urls('/subscribe/d').length === 1);
  await save({ t: hook('d') }, { C: { type: 'Compose', inputs: 1, runAfter: {} } });
  assert.ok((await s.api('DELETE', '/api/v1/workflows/ends')).status < 300);
  await until('its end with the workflow', async () => urls('/unsubscribe/d').length === 1);
  assert.deepEqual(urls('/unsubscribe/d'), urls('/subscribe/d'));
});

test('accessKeyType names the key that signs the callback URL; exchanging that one subscribes anew', async (t) => {
  const b = await backend(t, (q) => (q.url.startsWith('/subscribe') ? [201, { location: `${b.url}/subscriptions/1` }] : [200]));
  const s = await serve(t, { args: loopback });
  const hook = { type: 'HttpWebhook', inputs: { accessKeyType: "@parameters('key')",
    subscribe: { method: 'POST', uri: `${b.url}/subscribe`, body: { url: '@{listCallbackUrl()}' } },
    unsubscribe: { method: 'POST', uri: `${b.url}/unsubscribe`, body: {} } } };
  const actions = { Wait: { type: 'HttpWebhook', inputs: { accessKeyType: 'Secondary', subscribe: { method: 'POST', uri: `${b.url}/subscribe/action`, body: { url: '@{listCallbackUrl()}' } }, unsubscribe: {} }, runAfter: {} } };
  const definition = { $schema: schema, contentVersion: '1.0.0.0', parameters: { key: { type: 'String', defaultValue: 'Secondary' } }, triggers: { t: hook }, actions };
  const saved = await s.api('PUT', '/api/v1/workflows/keys', { definition });
  assert.equal(saved.status, 201, saved.text);
  const urls = (path) => b.asked.filter((x) => x.url === path).map((x) => JSON.parse(x.body).url);
  const exchange = async (keyType) => assert.equal((await s.api('POST', '/api/v1/workflows/keys:regenerateKey', { keyType })).status, 204);
  const call = async (url) => (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status;
  await until('the subscription', async () => urls('/subscribe').length === 1);
  const callback = async (body) => s.api('POST', '/api/v1/workflows/keys/triggers/t:callback', body);
  const [first] = urls('/subscribe');
  assert.equal((await callback({})).json.value, first);
  assert.equal((await callback({ keyType: 'Secondary' })).json.value, first);
  assert.notEqual((await callback({ keyType: 'Primary' })).json.value, first);
  assert.equal((await callback({ keyType: 'Tertiary' })).status, 400);
  await exchange('Primary');
  assert.equal(await call(first), 202);
  await until('the subscription of the action', async () => urls('/subscribe/action').length === 1);
  const [action] = urls('/subscribe/action');
  await exchange('Primary');
  assert.equal(await call(action), 200);
  assert.equal(urls('/subscribe').length, 1);
  await exchange('Secondary');
  await until('a new subscription', async () => urls('/subscribe').length === 2);
  assert.equal(await call(first), 401);
  assert.equal(await call(urls('/subscribe')[1]), 202);
});

test('a subscription that is refused shows in history', async (t) => {
  const b = await backend(t, () => [400, {}, { error: 'bad callback' }]);
  const s = await serve(t, { args: loopback });
  await put(s, 'unlucky', { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `${b.url}/subscribe`, body: {} } } });
  const h = await until('history', async () => { const v = await history(s, 'unlucky'); return v.length > 0 && v; });
  assert.equal(h[0].status, 'Failed');
  assert.equal(h[0].code, 'BadRequest');
});

test('a trigger that allows one run at a time has one, whichever worker was asked; too many are refused', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=4'] });
  const r = await s.api('PUT', '/api/v1/workflows/single', { definition: { $schema: schema, contentVersion: '1.0.0.0',
    triggers: { t: { type: 'Request', runtimeConfiguration: { concurrency: { runs: 1, maximumWaitingRuns: 11 } } } },
    actions: { Pause: { type: 'Wait', inputs: { interval: { count: 1, unit: 'Second' } }, runAfter: {} } } } });
  assert.equal(r.status, 201, r.text);
  const { value } = (await s.api('POST', '/api/v1/workflows/single/triggers/t:callback', {})).json;
  const statuses = (await Promise.all(Array.from({ length: 20 }, () => fetch(value, { method: 'POST' })))).map((x) => x.status);
  assert.equal(statuses.filter((x) => x === 202).length, 12, statuses.join());
  assert.equal(statuses.filter((x) => x === 429).length, 8, statuses.join());
  const states = (await runs(s, 'single')).map((x) => x.status);
  assert.equal(states.filter((x) => x === 'Running').length, 1, states.join());
  assert.equal(states.filter((x) => x === 'Waiting').length, 11, states.join());
});

test('each trigger of a workflow has its own limit and its own line', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=4'] });
  const single = { type: 'Request', runtimeConfiguration: { concurrency: { runs: 1, maximumWaitingRuns: 11 } } };
  const r = await s.api('PUT', '/api/v1/workflows/several', { definition: { $schema: schema, contentVersion: '1.0.0.0',
    triggers: { first: single, second: single, free: { type: 'Request' } },
    actions: { Pause: { type: 'Wait', inputs: { interval: { count: 20, unit: 'Second' } }, runAfter: {} } } } });
  assert.equal(r.status, 201, r.text);
  const call = async (name, n) => {
    const { value } = (await s.api('POST', `/api/v1/workflows/several/triggers/${name}:callback`, {})).json;
    return (await Promise.all(Array.from({ length: n }, () => fetch(value, { method: 'POST' })))).map((x) => x.status);
  };
  const refused = (statuses) => statuses.filter((x) => x === 429).length;
  assert.equal(refused(await call('first', 15)), 3);
  assert.equal(refused(await call('second', 13)), 1);
  assert.equal(refused(await call('free', 5)), 0);
  const all = [];
  for (let url = '/api/v1/workflows/several/runs'; url;) {
    const page = (await s.api('GET', url)).json;
    all.push(...page.value);
    url = page.nextLink?.slice(page.nextLink.indexOf('/api/'));
  }
  const of = (name, status) => all.filter((x) => x.trigger.name === name && x.status === status).length;
  assert.deepEqual([of('first', 'Running'), of('first', 'Waiting'), of('second', 'Running'), of('second', 'Waiting'), of('free', 'Running')], [1, 11, 1, 11, 5]);
});

test('a nested workflow that allows one run at a time has one, whichever worker its parent is on', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=4'] });
  const make = async (name, trigger, actions) => {
    const r = await s.api('PUT', `/api/v1/workflows/${name}`, { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { t: trigger }, actions } });
    assert.equal(r.status, 201, r.text);
  };
  await make('child', { type: 'Request', runtimeConfiguration: { concurrency: { runs: 1, maximumWaitingRuns: 50 } } }, {
    Pause: { type: 'Wait', inputs: { interval: { count: 1, unit: 'Second' } }, runAfter: {} } });
  await make('parent', { type: 'Request' }, { Call: { type: 'Workflow', inputs: { host: { workflow: { id: 'child' }, triggerName: 't' } }, runAfter: {} } });
  const { value } = (await s.api('POST', '/api/v1/workflows/parent/triggers/t:callback', {})).json;
  await Promise.all(Array.from({ length: 6 }, () => fetch(value, { method: 'POST', headers: { connection: 'close' } })));
  await until('every child had its turn', async () => {
    const states = (await runs(s, 'child')).map((x) => x.status);
    assert.ok(states.filter((x) => x === 'Running').length <= 1, states.join());
    return states.length === 6 && states.every((x) => x === 'Succeeded');
  });
});

test('conditions and splitOn of a nested workflow hold for the workflow that calls it', async (t) => {
  const s = await serve(t);
  const make = async (name, trigger, actions) => {
    const r = await s.api('PUT', `/api/v1/workflows/${name}`, { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { t: trigger }, actions } });
    assert.equal(r.status, 201, r.text);
  };
  const calls = async (name, child, body) => {
    await make(name, { type: 'Request' }, { Call: { type: 'Workflow', inputs: { host: { workflow: { id: child }, triggerName: 't' }, body } } });
    const r = await s.api('POST', `/api/v1/workflows/${name}:run`);
    assert.equal(r.status, 202, r.text);
    const run = await until('the end of the parent', async () => (await runs(s, name)).find((x) => x.endTime));
    assert.equal(run.status, 'Succeeded');
    return (await s.api('GET', `/api/v1/runs/${run.id}/actions/Call/outputs`)).json;
  };
  const seen = { Seen: { type: 'Compose', inputs: '@triggerBody()', runAfter: {} } };
  await make('picky', { type: 'Request', conditions: [{ expression: "@equals(triggerBody()?['go'], true)" }] }, { ...seen, R: { type: 'Response', inputs: { statusCode: 200, body: 'went' }, runAfter: { Seen: ['Succeeded'] } } });
  await make('each', { type: 'Request', splitOn: '@triggerBody()' }, seen);
  assert.equal((await calls('yes', 'picky', { go: true })).body, 'went');
  const no = await calls('no', 'picky', { go: false });
  assert.deepEqual(no, { statusCode: 202, headers: {} });
  assert.equal((await runs(s, 'picky')).length, 1);
  assert.deepEqual((await history(s, 'picky')).map((h) => h.status).sort(), ['Skipped', 'Succeeded']);
  assert.equal((await calls('split', 'each', [1, 2, 3])).statusCode, 202);
  assert.equal((await runs(s, 'each')).length, 3);
});

test('a trigger that polls does so when it is run by hand; with a body it is run with that', async (t) => {
  const b = await backend(t, () => [200, {}, { from: 'poll' }]);
  const s = await serve(t, { args: loopback });
  await put(s, 'hand', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/items` }, recurrence: { frequency: 'Day', interval: 1, startTime: '2060-01-01T00:00:00Z' } });
  assert.equal((await runs(s, 'hand')).length, 0);
  const polls = await s.api('POST', '/api/v1/workflows/hand/triggers/t:run');
  assert.equal(polls.status, 202, polls.text);
  await until('the run of the poll', async () => (await runs(s, 'hand')).length === 1);
  assert.equal(b.asked.length, 1);
  const given = await s.api('POST', '/api/v1/workflows/hand/triggers/t:run', { from: 'hand' });
  assert.equal(given.status, 202, given.text);
  assert.equal((await runs(s, 'hand')).length, 2);
  assert.equal(b.asked.length, 1);
});

test('trigger() has the members of its kind, in their order, and the history the same', async (t) => {
  const b = await backend(t, (q) => [q.url === '/teapot' ? 418 : 200, {}, { n: 1 }]);
  const s = await serve(t, { args: loopback });
  const common = ['startTime', 'endTime', 'trackingId', 'clientTrackingId'], last = ['originHistoryName', 'status'];
  const see = { See: { type: 'Compose', inputs: '@trigger()', runAfter: {} } };
  const make = async (name, trigger, more = {}) => {
    const r = await s.api('PUT', `/api/v1/workflows/${name}`, { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { t: trigger }, actions: see, ...more } });
    assert.equal(r.status, 201, r.text);
  };
  // What the only run saw and shows: [trigger(), the inputs its history links to, that entry of history].
  const told = async (name) => {
    const [run] = await until(`${name} runs`, async () => { const v = await runs(s, name); return v[0]?.endTime && v; });
    const seen = (await s.api('GET', `/api/v1/runs/${run.id}/actions/See/outputs`)).json;
    const whole = (await s.api('GET', `/api/v1/runs/${run.id}`)).json.trigger;
    const entry = (await s.api('GET', `/api/v1/workflows/${name}/triggers/t/histories/${run.name}`)).json;
    const linked = async (link) => link && (await fetch(link.uri)).json();
    assert.deepEqual(await linked(whole.outputsLink), seen.outputs, name);
    for (const x of [whole, entry]) {
      assert.deepEqual(await linked(x.inputsLink), seen.inputs, name);
      assert.equal(x.code, seen.code, name);
      assert.equal(x.scheduledTime === undefined, seen.scheduledTime === undefined, name);
      for (const link of [x.inputsLink, x.outputsLink]) assert.ok(link === undefined || (link.contentSize > 0 && /^[0-9a-f]{64}$/.test(link.contentHash.value)), name);
    }
    assert.deepEqual([run.trigger.inputsLink !== undefined, run.trigger.code], [seen.inputs !== undefined, seen.code], name);
    return [seen, seen.inputs];
  };
  const call = async (name) => {
    const { value } = (await s.api('POST', `/api/v1/workflows/${name}/triggers/t:callback`, {})).json;
    assert.equal((await fetch(value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' })).status, 202);
  };

  const inputs = { method: 'POST', schema: { type: 'object' } };
  await make('request', { type: 'Request', kind: 'Http', inputs });
  await make('bare', { type: 'Request', kind: 'Http' });
  await make('judged', { type: 'Manual', kind: 'Http', inputs, conditions: [{ expression: "@equals(trigger()['inputs']['method'], 'POST')" }] });
  for (const name of ['request', 'bare', 'judged']) {
    await call(name);
    const [seen, given] = await told(name);
    assert.deepEqual(Object.keys(seen), ['name', ...(name === 'bare' ? [] : ['inputs']), 'outputs', ...common, ...last], name);
    assert.deepEqual(given, name === 'bare' ? undefined : inputs);
  }
  await make('tick', { type: 'Recurrence', recurrence: { frequency: 'Day', interval: 1 } });
  assert.deepEqual(Object.keys((await told('tick'))[0]), ['name', ...common, 'scheduledTime', ...last]);
  await make('window', { type: 'SlidingWindow', inputs: { delay: 'PT0S' }, recurrence: { frequency: 'Second', interval: 1, startTime: new Date(Date.now() - 1500).toISOString().slice(0, 19) + 'Z', endTime: new Date(Date.now() - 300).toISOString().slice(0, 19) + 'Z' } });
  const [window, delay] = await told('window');
  assert.deepEqual([Object.keys(window), delay], [['name', 'inputs', 'outputs', ...common, 'scheduledTime', ...last], { delay: 'PT0S' }]);

  // a poll shows what it sent, and the status of the answer; without credentials
  const authentication = { type: 'Basic', username: 'u', password: "@parameters('p')" };
  const far = { frequency: 'Day', interval: 1, startTime: '2060-01-01T00:00:00Z' }, secret = { parameters: { p: { type: 'SecureString', defaultValue: 'geheim' } } };
  await make('poll', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/items`, authentication }, recurrence: far }, secret);
  await make('odd', { type: 'Http', inputs: { method: 'GET', uri: `${b.url}/teapot`, retryPolicy: { type: 'none' } }, recurrence: far, conditions: [{ expression: "@and(equals(triggers().code, '418'), equals(triggers().status, 'Failed'))" }] });
  for (const name of ['poll', 'odd']) {
    await s.api('POST', `/api/v1/workflows/${name}/triggers/t:run`);
    const [seen, sent] = await told(name);
    assert.deepEqual(Object.keys(seen), ['name', 'inputs', 'outputs', ...common, ...last, 'code'], name);
    assert.deepEqual([seen.code, sent.method, sent.authentication], [name === 'poll' ? 'OK' : '418', 'GET', name === 'poll' ? '*sanitized*' : undefined]);
  }
  // a webhook shows what it subscribed with
  await make('hook', { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `${b.url}/subscribe`, body: { url: '@listCallbackUrl()', who: "@parameters('who')" }, authentication }, unsubscribe: {} } }, { parameters: { ...secret.parameters, who: { type: 'String', defaultValue: 'me' } } });
  const { body } = await until('it subscribes', () => b.asked.find((x) => x.url === '/subscribe'));
  assert.equal((await fetch(JSON.parse(body).url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status, 202);
  const [hook, subscribed] = await told('hook');
  assert.deepEqual(Object.keys(hook), ['name', 'inputs', 'outputs', ...common, ...last]);
  assert.deepEqual(subscribed, { subscribe: { method: 'POST', uri: `${b.url}/subscribe`, body: { url: '*sanitized*', who: 'me' }, authentication: '*sanitized*' }, unsubscribe: {} });
  // a batch shows what releases it
  const release = { mode: 'Inline', configurations: { b: { releaseCriteria: { messageCount: 1 } } } };
  await make('batch', { type: 'Batch', inputs: release });
  await make('sends', { type: 'Request', kind: 'Http' }, { actions: { Send: { type: 'SendToBatch', inputs: { batchName: 'b', content: 1, host: { triggerName: 't', workflow: { id: 'batch' } } }, runAfter: {} } } });
  await call('sends');
  assert.deepEqual((await told('batch'))[1], release);
  // an entry of history belongs to its trigger
  await s.api('PUT', '/api/v1/workflows/pair', { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { t: { type: 'Request', kind: 'Http' }, u: { type: 'Request', kind: 'Http' } }, actions: see } });
  await call('pair');
  const [run] = await until('pair runs', async () => { const v = await runs(s, 'pair'); return v.length && v; });
  assert.equal((await s.api('GET', `/api/v1/workflows/pair/triggers/u/histories/${run.name}`)).status, 404);
});
