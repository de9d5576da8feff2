// Everything a maker, a caller or a service can get wrong about a workflow of a server: each ends in
// a status and an error that can be acted on, and the server goes on answering.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { backend, serve } from './lib/raccord.mjs';
import { client, compose, document } from './lib/workflows.mjs';
import { definition as harbour, properties } from './lib/harbour.mjs';

const allow = ['--set', 'egress.allow=127.0.0.0/8'];

test('definitions that cannot run are refused with code, place and fix; the workflow keeps its version', async (t) => {
  const s = await serve(t);
  const { ok } = client(s);
  const before = await ok('PUT', '/workflows/w', document({ A: compose(1) }));
  let deep = compose(1);
  for (let i = 0; i < 12; i++) deep = { type: 'Scope', actions: { [`S${i}`]: deep } };
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`A${i}`, compose(i)]));
  const refused = [
    [{ A: compose(1, { B: ['Succeeded'] }), B: compose(1, { A: ['Succeeded'] }) }, /circular/, /\/actions\/[AB]/],
    [{ A: compose(1, { Nobody: ['Succeeded'] }) }, /Nobody/, /\/actions\/A\/runAfter/],
    [{ A: compose('@concat(') }, /Unable to parse/, /\/actions\/A\/inputs/],
    [{ A: compose('@nosuch(1)') }, /nosuch/, /\/actions\/A\/inputs/],
    [{ A: compose("@body('B')"), B: compose(1, { A: ['Succeeded'] }) }, /'B'/, /\/actions\/A\/inputs/],
    [{ A: { inputs: 1 } }, /type/, /\/actions\/A/],
    [{ D: deep }, /nest|depth|level/i, /\/actions\/D/],
    [many, /500/, /\/actions/],
  ];
  for (const [actions, message, place] of refused) {
    const r = await s.api('PUT', '/api/v1/workflows/w', document(actions));
    assert.equal(r.status, 400, `${message}: ${r.status} ${r.text.slice(0, 300)}`);
    assert.ok(r.json.error.code && message.test(r.text), `${message}: ${r.text.slice(0, 400)}`);
    assert.match(r.text, place);
  }
  // a type that is not built yet is saved with a warning that names it
  const r = await s.api('PUT', '/api/v1/workflows/odd', document({ A: { type: 'Telepathy', inputs: {} } }));
  assert.ok(r.status < 300, r.text);
  const started = await ok('POST', '/workflows/odd:run', {});
  const { ended } = client(s);
  const run = await ended(started.id);
  assert.equal(run.status, 'Failed');
  assert.match(JSON.stringify((await ok('GET', `/runs/${started.id}/actions/A`))), /ActionTypeNotSupported/);
  for (const text of ['', '{', '[]', '7', '\0\x01\x02', '{"definition":'.repeat(5000), `{"definition":{"actions":${'['.repeat(20000)}`]) {
    const bad = await fetch(`${s.url}/api/v1/workflows/w`, { method: 'PUT', headers: { authorization: `Bearer ${s.token}`, 'content-type': 'application/json' }, body: text });
    const e = (await bad.json()).error;
    assert.ok(bad.status === 400 && e.code && e.message.length > 10, `${text.slice(0, 20)}: ${bad.status} ${JSON.stringify(e)}`);
  }
  assert.equal((await ok('GET', '/workflows/w')).version, before.version);
});

test('what goes wrong while running names the action and the reason', async (t) => {
  const s = await serve(t, { args: ['--set', 'http.body_bytes_max=200KiB'] });
  const { ok, run } = client(s);
  let r = await run('types', { A: compose("@add('x', 1)") });
  assert.equal(r.status, 'Failed');
  assert.equal(r.actions.A.error.code, 'InvalidTemplate');
  assert.match(r.actions.A.error.message, /add/);
  r = await run('missing', { A: compose("@triggerBody()['a']['b']") });
  assert.equal(r.actions.A.status, 'Failed');
  r = await run('each', { L: { type: 'Foreach', foreach: '@range(0,100001)', actions: { A: compose(1) } } });
  assert.equal(r.status, 'Failed');
  assert.match(r.actions.L.error.message, /100,?000/);
  r = await run('text', { L: { type: 'Foreach', foreach: "@string('x')", actions: { A: compose(1) } } });
  assert.equal(r.status, 'Failed');
  assert.match(JSON.stringify(r.actions.L.error), /ExpressionEvaluationFailed|ForeachItems|array/i);
  // a loop that never ends by itself ends by its limits, whatever it repeats
  r = await run('until', { U: { type: 'Until', expression: '@equals(1, 2)', limit: { count: 5000, timeout: 'PT1H' }, actions: { A: compose(1) } } });
  assert.equal(r.actions.U.status, 'Succeeded');
  r = await run('until-time', { U: { type: 'Until', expression: '@equals(1, 2)', limit: { count: 5000, timeout: 'PT1S' }, actions: { A: { type: 'Wait', inputs: { interval: { unit: 'Second', count: 1 } } } } } });
  assert.ok(['Succeeded', 'TimedOut', 'Failed'].includes(r.actions.U.status));
  assert.equal((await s.api('PUT', '/api/v1/workflows/until', document({ U: { type: 'Until', expression: '@equals(1, 2)', limit: { count: 5001 }, actions: {} } }))).status, 400);
  // more than the cap
  const { value } = await ok('POST', '/workflows/types/triggers/manual:callback', {});
  const big = await fetch(value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify('x'.repeat(300000)) });
  assert.equal(big.status, 413);
  assert.ok((await big.json()).error.message);
  r = await run('grow', { A: compose("@join(range(0, 100000), ',')"), B: compose("@concat(string(outputs('A')), string(outputs('A')), string(outputs('A')))", { A: ['Succeeded'] }) });
  assert.ok(['Succeeded', 'Failed'].includes(r.status));
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
});

test('callbacks: a bad signature, an old key, a run that has ended, a run that is no more', async (t) => {
  const hooks = [];
  const service = await backend(t, (req, res, body) => { hooks.push(JSON.parse(body).url); res.end(); });
  const s = await serve(t, { args: allow });
  const { ok, ended } = client(s);
  await ok('PUT', '/workflows/w', document({ Hook: { type: 'HttpWebhook', limit: { timeout: 'PT4S' }, inputs: { subscribe: { method: 'POST', uri: `${service.url}/s`, body: { url: '@{listCallbackUrl()}' } } } } }));
  const never = await ok('POST', '/workflows/w:run', {});
  const run = await ended(never.id); // nobody calls back: the action's time is up
  assert.equal(run.status, 'TimedOut');
  assert.equal((await ok('GET', `/runs/${never.id}/actions/Hook`)).status, 'TimedOut');
  const post = async (url) => { const r = await fetch(url, { method: 'POST', body: '{}' }); return { status: r.status, error: (await r.json()).error }; };
  let r = await post(hooks[0]);
  assert.ok([404, 409].includes(r.status) && r.error.code && r.error.message, JSON.stringify(r));
  for (const change of [(u) => u.replace(/sig=[^&]{4}/, 'sig=AAAA'), (u) => u.replace(/&?sig=[^&]+/, ''), (u) => u.replace(/sp=[^&]+/, 'sp=%2F')]) {
    r = await post(change(hooks[0]));
    assert.ok([400, 401, 403].includes(r.status) && r.error.code, JSON.stringify(r));
  }
  await ok('POST', '/workflows/w:regenerateKey', { keyType: 'Primary' });
  r = await post(hooks[0]);
  assert.ok([401, 404, 409].includes(r.status), JSON.stringify(r));
  assert.ok((await s.api('DELETE', '/api/v1/workflows/w')).status < 300);
  r = await post(hooks[0]);
  assert.ok([401, 404, 409, 410].includes(r.status) && r.error.message, JSON.stringify(r));
});

test('a connection that is deleted or broken while a run waits', async (t) => {
  let status = 200;
  const service = await backend(t, (req, res) => { res.writeHead(status, { 'content-type': 'application/json' }); res.end('{"value":[]}'); });
  const s = await serve(t, { args: allow });
  const { ok, ended } = client(s);
  const connector = (await ok('POST', '/connectors', { definition: harbour(`127.0.0.1:${service.port}`), properties: properties() })).id;
  const connection = (await ok('POST', '/connections', { connectorId: connector, parameterValues: { api_key: 'k' } })).id;
  const name = (after) => ({
    ...document({
      Pause: { type: 'Wait', inputs: { interval: { unit: 'Second', count: 1 } } },
      Call: { type: 'ApiConnection', runAfter: { Pause: ['Succeeded'] }, inputs: { host: { connection: { referenceName: 'harbour' } }, method: 'get', path: '/ships', retryPolicy: { type: 'none' } } },
      Tell: compose(after, { Call: ['Failed', 'TimedOut'] }),
    }),
    connectionReferences: { harbour: { api: { id: connector }, connection: { id: connection }, connectionName: connection } },
  });
  const call = async () => {
    await ok('PUT', '/workflows/w', name('told'));
    return (await ok('POST', '/workflows/w:run', {})).id;
  };
  const outcome = async (id) => {
    const run = await ended(id);
    return { run: run.status, call: await ok('GET', `/runs/${id}/actions/Call`), tell: (await ok('GET', `/runs/${id}/actions/Tell`)).status };
  };
  let id = await call();
  assert.deepEqual(await outcome(id).then((o) => [o.run, o.call.status, o.tell]), ['Succeeded', 'Succeeded', 'Skipped']);
  status = 401;
  id = await call();
  let o = await outcome(id);
  assert.deepEqual([o.call.status, o.tell, o.run], ['Failed', 'Succeeded', 'Succeeded']);
  assert.match(JSON.stringify(o.call), /401|Unauthorized/);
  status = 200;
  id = await call();
  assert.ok((await s.api('DELETE', `/api/v1/connections/${connection}`)).status < 300);
  o = await outcome(id);
  assert.deepEqual([o.call.status, o.tell, o.run], ['Failed', 'Succeeded', 'Succeeded']);
  assert.match(o.call.error.message, /connection/i);
});

test('archives: a bomb, a cut one, names that lead out', async (t) => {
  const s = await serve(t);
  const put = async (bytes) => {
    const r = await fetch(`${s.url}/api/v1/workflows/w`, { method: 'PUT', headers: { authorization: `Bearer ${s.token}`, 'content-type': 'application/zip' }, body: bytes });
    return { status: r.status, text: await r.text() };
  };
  const { zip } = await import('./lib/zip.mjs');
  const flow = JSON.stringify({ properties: { definition: document({ A: compose(1) }).definition } });
  const good = zip({ 'manifest.json': '{}', 'Microsoft.Flow/flows/a/definition.json': flow });
  assert.ok((await put(good)).status < 300);
  const out = zip({ '../../manifest.json': '{}', '/etc/x/definition.json': flow });
  for (const bytes of [good.subarray(0, good.length / 2), good.subarray(10), Buffer.from('PK\x03\x04'), out, bomb()]) {
    const r = await put(bytes);
    assert.ok([400, 413].includes(r.status) && JSON.parse(r.text).error.message, `${r.status} ${r.text.slice(0, 200)}`);
  }
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
});

// One entry of 1 GiB of spaces, deflated to about a megabyte.
function bomb() {
  const name = Buffer.from('Microsoft.Flow/flows/a/definition.json'), packed = deflateRawSync(Buffer.alloc(1 << 28, 32)), size = 1 << 28;
  const head = Buffer.alloc(30), entry = Buffer.alloc(46), end = Buffer.alloc(22);
  head.writeUInt32LE(0x04034b50, 0); head.writeUInt16LE(20, 4); head.writeUInt16LE(8, 8);
  head.writeUInt32LE(packed.length, 18); head.writeUInt32LE(size, 22); head.writeUInt16LE(name.length, 26);
  entry.writeUInt32LE(0x02014b50, 0); entry.writeUInt16LE(20, 4); entry.writeUInt16LE(20, 6); entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(packed.length, 20); entry.writeUInt32LE(size, 24); entry.writeUInt16LE(name.length, 28);
  end.writeUInt32LE(0x06054b50, 0); end.writeUInt16LE(1, 8); end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length + name.length, 12); end.writeUInt32LE(head.length + name.length + packed.length, 16);
  return Buffer.concat([head, name, packed, entry, name, end]);
}
