// What happens around a run of a server while it is open - deleted, cancelled, called wrongly, answered
// wrongly - and values that only a run shows to be wrong: nobody waits for ever, and every error says what
// happened, where, and what to do.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { backend, serve, until } from './lib/raccord.mjs';
import { client, compose, document, pause } from './lib/workflows.mjs';

const after = (...names) => Object.fromEntries(names.map((n) => [n, ['Succeeded']]));
const response = (runAfter = {}) => ({ type: 'Response', inputs: { statusCode: 200, body: 'x' }, runAfter });
const nested = (id, triggerName = 'manual') => ({ type: 'Workflow', inputs: { host: { workflow: { id }, triggerName } } });
const allow = ['--set', 'egress.allow=127.0.0.0/8'];

test('a workflow that is deleted: callers and parents are told at once, its requests end, its subscriptions too', async (t) => {
  const asked = [];
  let dropped = 0;
  const service = await backend(t, (req, res) => {
    asked.push(`${req.method} ${req.url}`);
    if (req.url === '/hang') { res.on('close', () => { dropped++; }); return; }
    res.end('{}');
  });
  const s = await serve(t, { args: [...allow, '--set', 'workers=3'] });
  const { ok, start, ended, running } = client(s);
  const hook = { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `${service.url}/sub`, body: '@listCallbackUrl()' }, unsubscribe: { method: 'POST', uri: `${service.url}/unsub` } } };
  await ok('PUT', '/workflows/child', document({ P: pause(3600), Hang: { type: 'Http', inputs: { method: 'GET', uri: `${service.url}/hang` } }, Hook: hook, R: response(after('P')) }));
  const { value } = await ok('POST', '/workflows/child/triggers/manual:callback', {});
  const callers = Array.from({ length: 6 }, () => fetch(value, { method: 'POST' }).then(async (r) => [r.status, (await r.json()).error.code]));
  const parent = await start('parent', { Call: nested('child') });
  await until('seven runs wait', async () => (await running('child')).length === 7 && asked.length === 14);
  await ok('DELETE', '/workflows/child');
  const told = await Promise.race([Promise.all(callers), sleep(120000, ['nobody was told'], { ref: false })]);
  assert.deepEqual(told, Array(6).fill([502, 'NoResponse']));
  const run = await ended(parent);
  assert.deepEqual([run.status, run.actions.Call.code, run.actions.Call.error.code], ['Failed', 'BadGateway', 'NoResponse']);
  await until('the requests are gone', () => dropped === 7);
  await until('every subscription is ended', () => asked.filter((x) => x === 'POST /unsub').length === 7);
});

test('a nested call that cannot be made says why: nobody there, disabled, no such trigger, no request to make', async (t) => {
  const s = await serve(t);
  const { ok, start, ended } = client(s);
  await ok('PUT', '/workflows/child', document({ R: response() }));
  await ok('PUT', '/workflows/clock', { definition: { triggers: { tick: { type: 'Recurrence', recurrence: { frequency: 'Day', interval: 1 } } }, actions: { A: compose(1) } } });
  const call = async (id, trigger) => { const a = (await ended(await start('parent', { Call: nested(id, trigger) }))).actions.Call; return [a.status, a.code, a.error?.code, a.error?.message]; };
  assert.equal((await call('child'))[0], 'Succeeded');
  const says = async (id, trigger, code, error, message) => { const got = await call(id, trigger); assert.deepEqual(got.slice(0, 3), ['Failed', code, error]); assert.match(got[3], message); };
  await says('nobody', 'manual', 'NotFound', 'WorkflowNotFound', /'nobody'.*'Call'/);
  await says('child', 'other', 'NotFound', 'WorkflowTriggerNotFound', /'child'.*'Call'.*'other'.*triggerName/);
  await says('clock', 'tick', 'NotFound', 'WorkflowTriggerNotFound', /no Request trigger 'tick'/);
  await ok('POST', '/workflows/child:disable');
  await says('child', 'manual', 'BadRequest', 'WorkflowTriggerIsNotEnabled', /'child'.*disabled/);
});

test('cancelled: what was open is Cancelled, what had not begun is Skipped, in loops too, all by that code', async (t) => {
  const s = await serve(t, { args: allow });
  const { ok, start, ended } = client(s);
  const id = await start('w', { L: { type: 'Foreach', foreach: [1, 2, 3], actions: { P: pause(3600), Q: compose(1, after('P')), Box: { type: 'Scope', runAfter: after('P'), actions: { In: compose(1) } } } }, S: { type: 'Scope', actions: { T: pause(3600), U: compose(1, after('T')) } }, B: compose(1, after('L')) });
  await until('it waits', async () => (await ok('GET', `/runs/${id}/actions`)).value.find((a) => a.name === 'P')?.repetitionCount === 3);
  await ok('POST', `/runs/${id}:cancel`);
  const run = await ended(id);
  assert.deepEqual([run.status, run.code], ['Cancelled', 'Cancelled']);
  const want = { L: 'Cancelled', P: 'Cancelled', Q: 'Skipped', Box: 'Skipped', In: 'Skipped', S: 'Cancelled', T: 'Cancelled', U: 'Skipped', B: 'Skipped' };
  for (const [name, status] of Object.entries(want)) assert.deepEqual([name, run.actions[name]?.status, run.actions[name]?.code], [name, status, 'Cancelled']);
  const again = await s.api('POST', `/api/v1/runs/${id}:cancel`);
  assert.deepEqual([again.status, again.json.error.code], [409, 'WorkflowRunNotCancellable']);
});

test('limits, waits and policies that evaluate to nonsense fail the action that has them, by name', async (t) => {
  const s = await serve(t, { args: allow });
  const { start, ended } = client(s);
  const http = (inputs, top = {}) => ({ type: 'Http', inputs: { method: 'GET', uri: 'http://127.0.0.1:9', ...inputs }, ...top });
  const loop = (limit, actions = { A: compose(1) }) => ({ type: 'Until', expression: '@true', limit, actions });
  const wrong = {
    CountFails: [loop({ count: '@div(1,0)' }, { A1: compose(1) }), /divide by zero/],
    CountText: [loop({ count: "@string('many')" }, { A2: compose(1) }), /'limit.count' of action 'CountText'.*1 to 5000.*'many'/],
    CountHigh: [loop({ count: '@add(5000,1)' }, { A3: compose(1) }), /'5001'/],
    CountNone: [loop({ count: '@sub(1,1)' }, {}), /'limit.count'.*'0'/],
    Hour: [loop({ timeout: "@string('1h')" }, { A4: compose(1) }), /'limit.timeout' of action 'Hour'.*duration.*'1h'/],
    Limit: [http({ retryPolicy: { type: 'none' } }, { limit: { timeout: "@string('soon')" } }), /'limit.timeout' of action 'Limit'.*'soon'/],
    LimitFails: [http({ retryPolicy: { type: 'none' } }, { limit: { timeout: '@string(div(1,0))' } }), /'limit' of action 'LimitFails'.*zero/],
    Retry: [http({ retryPolicy: { type: "@concat('lin','ear')" } }), /'retryPolicy' of action 'Retry'.*fixed, exponential/],
    Count: [http({ retryPolicy: { type: 'fixed', count: '@add(90,1)', interval: 'PT5S' } }), /'retryPolicy' of action 'Count'.*1 to 90/],
    WaitText: [{ type: 'Wait', inputs: { interval: { count: "@string('a')", unit: 'Second' } } }, /action 'WaitText'.*the count is 'a'/],
    WaitUnit: [{ type: 'Wait', inputs: { interval: { count: 1, unit: "@concat('Fort','night')" } } }, /the unit 'Fortnight'/],
    WaitTime: [{ type: 'Wait', inputs: { until: { timestamp: "@string('noon')" } } }, /'until.timestamp' of action 'WaitTime'.*'noon'/],
    Uri: [http({ uri: '@null' }), /'uri'.*of type 'Null'/],
    UriList: [http({ uri: '@createArray(1)' }), /'uri'.*of type 'Array'/],
  };
  const run = await ended(await start('w', Object.fromEntries(Object.entries(wrong).map(([k, [x]]) => [k, x]))));
  for (const [name, [, message]] of Object.entries(wrong)) {
    const a = run.actions[name];
    assert.deepEqual([name, a?.status, a?.code], [name, 'Failed', 'BadRequest']);
    assert.match(a.error.message, message);
  }
  // null is nothing said
  assert.equal((await ended(await start('v', { U: loop({ count: '@null', timeout: '@null' }) }))).status, 'Succeeded');
});

test('an error that Terminate gives the run is texts, whatever its expressions came to', async (t) => {
  const s = await serve(t);
  const { start, ended } = client(s);
  const run = await ended(await start('w', { T: { type: 'Terminate', inputs: { runStatus: 'Failed', runError: { code: '@add(400,4)', message: '@createArray(1)' } } } }));
  assert.deepEqual([run.status, run.error], ['Failed', { code: '404', message: '[1]' }]);
});

test('an answer to another request than the one written is told: redirections, polls, pages', async (t) => {
  const json = (res, v) => { res.setHeader('content-type', 'application/json'); res.end(JSON.stringify(v)); };
  const service = await backend(t, (req, res) => {
    const at = (path) => `${service.url}${path}?sig=secret`;
    switch (req.url.split('?')[0]) {
      case '/loop': res.writeHead(302, { location: at('/loop') }); return res.end();
      case '/file': res.writeHead(302, { location: 'file:///etc/passwd' }); return res.end();
      case '/lost': res.writeHead(202, { location: at('/gone'), 'retry-after': '1' }); return res.end();
      case '/begun': res.writeHead(202, { 'azure-asyncoperation': at('/state'), 'retry-after': '1' }); return res.end();
      case '/state': return json(res, { status: 'Canceled' });
      case '/pages': return json(res, { value: [1], nextLink: at('/gone') });
      case '/same': res.writeHead(304); return res.end();
      default: res.statusCode = 404; return json(res, {});
    }
  });
  const s = await serve(t, { args: allow });
  const { start, ended } = client(s);
  const http = (path, top = {}) => ({ type: 'Http', inputs: { method: 'GET', uri: service.url + path, retryPolicy: { type: 'none' } }, ...top });
  const run = await ended(await start('w', { Loop: http('/loop'), File: http('/file'), Lost: http('/lost'), Begun: http('/begun'), Pages: http('/pages', { runtimeConfiguration: { paginationPolicy: { minimumItemCount: 9 } } }), Same: http('/same'), Plain: http('/x') }));
  const want = { Loop: ['Found', /redirection.*\/loop.*ten/], File: ['Found', /file:.*not followed/], Lost: ['NotFound', /accepted.*\/gone' answered 404/], Begun: ['Failed', /\/state' says.*Canceled/], Pages: ['NotFound', /next page.*\/gone'.*404/] };
  for (const [name, [code, message]] of Object.entries(want)) {
    assert.deepEqual([name, run.actions[name].status, run.actions[name].code, run.actions[name].error?.code], [name, 'Failed', code, code]);
    assert.match(run.actions[name].error.message, message);
    assert.doesNotMatch(run.actions[name].error.message, /secret/);
  }
  // here the outputs say it all
  assert.deepEqual(['Same', 'Plain'].map((n) => [run.actions[n].code, run.actions[n].error]), [['NotModified', undefined], ['NotFound', undefined]]);
});

test('what a check refuses is named: the circle, the position, the words that can stand there', async (t) => {
  const s = await serve(t);
  const a = (actions) => document(actions);
  const wait = (x) => a({ W: { type: 'Wait', inputs: x } });
  const refused = [
    [a({ A: compose(1, after('C')), B: compose(1, after('A')), C: compose(1, after('B')), D: compose(1, after('C')) }), '/definition/actions/B/runAfter', /'B' waits for 'A', which waits for 'C', which waits for 'B'/],
    [a(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`A${i}`, compose(1, after(`A${(i + 1) % 20}`))]))), '/definition/actions/A3/runAfter', /'A3' waits for 'A4', which waits for .*'A11', and on/],
    [a({ Box: { type: 'Scope', actions: { A: compose(1) } }, B: compose(1, after('A')) }), '/definition/actions/B/runAfter/A', /non-existent action: 'A'. There is one, inside or outside/],
    [a({ B: compose(1, after('A')) }), '/definition/actions/B/runAfter/A', /non-existent action: 'A'.$/],
    [a({ A: compose(1), B: { type: 'Compose', inputs: 1, runAfter: { A: ['Success'] } } }), '/definition/actions/B/runAfter/A/0', /'Success'.*Succeeded, Failed, Skipped and TimedOut/],
    [a({ A: compose("@concat('it's')") }), '/definition/actions/A/inputs', /actual 'Identifier' at position 11/],
    [a({ A: compose('@concat(') }), '/definition/actions/A/inputs', /actual 'EndOfData' at position 7/],
    [a({ A: { type: 'Http', inputs: { method: 'GET', uri: 'http://a' }, limit: { timeout: '10' } } }), '/definition/actions/A/limit/timeout', /'10' is no duration \(ISO 8601: PT30S/],
    [wait({ until: { timestamp: 'noon' } }), '/definition/actions/W/inputs/until/timestamp', /'noon' is no timestamp \(20/],
    [a({ S: { type: 'Switch', expression: 1, cases: { a: { case: 'x', actions: {} }, b: { case: 'x', actions: {} } } } }), '/definition/actions/S/cases/b/case', /another case is for "x" too/],
  ];
  for (const [body, pointer, message] of refused) {
    const r = await s.api('PUT', '/api/v1/workflows/w', body);
    assert.equal(r.status, 400, r.text);
    const found = r.json.error.details.find((d) => d.pointer === pointer);
    assert.ok(found && message.test(found.message) && found.fix, `${pointer}: ${r.text}`);
  }
});

test('what is too large says how much may be sent; what is not there says what to do', async (t) => {
  const hooks = [];
  const service = await backend(t, (req, res, body) => { hooks.push(body.toString()); if (req.url === '/no') res.statusCode = 403; res.end(); });
  const s = await serve(t, { args: [...allow, '--set', 'http.body_bytes_max=100KiB'] });
  const { ok, start, ended } = client(s);
  const hook = (path) => ({ type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: service.url + path, body: '@listCallbackUrl()', retryPolicy: { type: 'none' } } } });
  const id = await start('w', { Hook: hook('/yes') });
  await until('subscribed', () => hooks.length === 1);
  const { value } = await ok('POST', '/workflows/w/triggers/manual:callback', {});
  for (const url of [value, hooks[0], `${s.url}/api/v1/workflows/w:run`]) {
    const r = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...(url.includes('sig=') ? {} : { authorization: `Bearer ${s.token}` }) }, body: JSON.stringify('x'.repeat(110000)) });
    const { error } = await r.json();
    assert.deepEqual([r.status, /102400 bytes.*http\.body_bytes_max/.test(error.message)], [413, true], `${url}: ${error.message}`);
  }
  assert.equal((await fetch(hooks[0], { method: 'POST', body: '{}' })).status, 200); // it still waits
  assert.equal((await ended(id)).status, 'Succeeded');
  const refused = (await ended(await start('v', { Hook: hook('/no') }))).actions.Hook;
  assert.deepEqual([refused.status, refused.code, refused.error.code], ['Failed', 'Forbidden', 'Forbidden']);
  assert.match(refused.error.message, /subscription at .*\/no' was answered with 403/);
  const nobody = (await ended(await start('v', { C: { type: 'ApiConnection', inputs: { host: { connection: { referenceName: 'nobody' } }, method: 'get', path: '/', retryPolicy: { type: 'none' } } } }))).actions.C;
  assert.match(nobody.error.message, /no connection 'nobody'.*Correct the reference, or make one: raccord connection create CONNECTOR/);
});

test('saved, run, disabled and deleted by several at once: each is answered as one order of them would be', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=3'] });
  const { ok } = client(s);
  const gone = /^(20\d|404|412) ?(WorkflowNotFound|PreconditionFailed)?$/;
  for (let i = 0; i < 25; i++) {
    await ok('PUT', '/workflows/w', document({ A: compose(i), P: pause(0) }));
    const { value } = await ok('POST', '/workflows/w/triggers/manual:callback', {});
    const call = async (p) => { const r = await p, text = r.text instanceof Function ? await r.text() : r.text; return `${r.status} ${text ? JSON.parse(text).error?.code ?? '' : ''}`; };
    const said = await Promise.all([s.api('POST', '/api/v1/workflows/w:run', {}), fetch(value, { method: 'POST' }), s.api('DELETE', '/api/v1/workflows/w'), s.api('POST', '/api/v1/workflows/w:run', {}), fetch(value, { method: 'POST' }), s.api('PUT', '/api/v1/workflows/w', document({ A: compose(-i) })), s.api('POST', '/api/v1/workflows/w:run', {})].map(call));
    for (const x of said) assert.match(x, gone, `round ${i}: ${said}`);
  }
});

test('runs that wait in the store alone are cancelled with their workflow: their subscriptions end; not if it stays', async (t) => {
  const asked = [];
  const service = await backend(t, (req, res) => { asked.push(req.url); res.end(); });
  const s = await serve(t, { args: [...allow, '--set', 'workers=2'] });
  const { ok, running } = client(s);
  await ok('PUT', '/workflows/w', document({ Hook: { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `${service.url}/sub`, body: '@listCallbackUrl()' }, unsubscribe: { method: 'POST', uri: `${service.url}/unsub` } } } }));
  for (let i = 0; i < 12; i++) await ok('POST', '/workflows/w:run', {});
  await until('all have subscribed', () => asked.length === 12);
  await sleep(3000); // out of memory
  const refused = await s.api('DELETE', '/api/v1/workflows/w', undefined, { 'if-match': '"99"' });
  assert.deepEqual([refused.status, (await running('w')).length, asked.length], [412, 12, 12]);
  await ok('DELETE', '/workflows/w');
  await until('every subscription is ended', () => asked.filter((x) => x === '/unsub').length === 12);
});

test('a full disk: runs are refused in words, none that began is lost', { skip: process.getuid() !== 0 && 'needs root for a small file system' }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-full-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=700', 'tmpfs', dir]).status !== 0) { rmSync(dir, { recursive: true }); return t.skip('mounting is not allowed here'); }
  let s;
  t.after(async () => { await s?.stop(); execFileSync('umount', ['-l', dir]); rmSync(dir, { recursive: true, force: true }); });
  const service = await backend(t, (req, res) => setTimeout(() => res.end('ok'), 300));
  s = await serve(undefined, { dir, args: allow });
  const { ok, ended } = client(s);
  await ok('PUT', '/workflows/w', document({ A: compose("@join(range(0, 60000), '-')"), H: { type: 'Http', inputs: { method: 'GET', uri: service.url, retryPolicy: { type: 'none' } }, runAfter: after('A') }, B: compose("@concat(outputs('A'), guid())", after('H')) }));
  const { value } = await ok('POST', '/workflows/w/triggers/manual:callback', {}), begun = [];
  let refused;
  for (let i = 0; i < 100 && !refused; i++, await sleep(20)) {
    const r = await s.api('POST', '/api/v1/workflows/w:run', {});
    if (r.status === 202) begun.push(r.json.id); else refused = r;
  }
  assert.deepEqual([refused.status, refused.json.error.code], [507, 'StorageFull'], refused.text);
  assert.match(refused.json.error.message, /disk is full/);
  const called = await fetch(value, { method: 'POST' });
  assert.deepEqual([called.status, (await called.json()).error.code], [507, 'StorageFull']);
  execFileSync('mount', ['-o', 'remount,size=256m', dir]);
  for (const id of begun) assert.equal((await ended(id)).status, 'Succeeded');
  return undefined;
});
