// What goes wrong in the world: crashes, full disks, concurrent edits, hostile and broken input,
// backends that are slow, endless, gone or not allowed, credentials that end. Every one is a clear
// answer with a stable code, and nothing acknowledged is lost.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as dial, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { backend, binary, raccord, serve, temporary, until } from './lib/raccord.mjs';
import { definition, properties } from './lib/harbour.mjs';

const allow = ['--set', 'egress.allow=127.0.0.0/8,::1'];
const named = (title, host) => ({ definition: { ...definition(host), info: { ...definition().info, title } }, properties: properties() });

async function connect(s, host, extra = {}) {
  const c = await s.api('POST', '/api/v1/connectors', { definition: definition(host, extra), properties: properties() });
  assert.equal(c.status, 201, c.text);
  const con = await s.api('POST', '/api/v1/connections', { connectorId: c.json.id, parameterValues: { api_key: 'sesame' } });
  assert.equal(con.status, 201, con.text);
  return { id: c.json.id, connection: con.json.id, runtime: con.json.runtimeUrl };
}
const invoke = (s, x, parameters = {}, operationId = 'ListShips') => s.api('POST', `/api/v1/connections/${x.connection}:invoke`, { operationId, parameters });

test('kill -9 while registering: every acknowledged write is there after the restart', async (t) => {
  const dir = temporary(t);
  for (let round = 0; round < 3; round++) {
    const s = await serve(t, { dir });
    const before = (await s.api('GET', '/api/v1/connectors')).json.value.length;
    const acknowledged = [];
    let stop = false;
    const writers = Array.from({ length: 6 }, async (_, w) => {
      for (let i = 0; !stop; i++) {
        try {
          const r = await s.api('POST', '/api/v1/connectors', named(`r${round} w${w} ${i}`));
          if (r.status === 201) acknowledged.push(r.json.id);
          if (r.status === 201 && i % 2 === 0) {
            const c = await s.api('POST', '/api/v1/connections', { connectorId: r.json.id, parameterValues: { api_key: 'k' } });
            if (c.status === 201) acknowledged.push(c.json.id);
          }
        } catch { return; }
      }
    });
    while (acknowledged.length < 40) await new Promise((ok) => setTimeout(ok, 5));
    await s.kill();
    stop = true;
    await Promise.all(writers);
    const again = await serve(t, { dir });
    for (const id of acknowledged) {
      const kind = id.startsWith('shared_') ? 'connectors' : 'connections';
      const r = await again.api('GET', `/api/v1/${kind}/${id}`);
      assert.equal(r.status, 200, `${id} was acknowledged and is gone`);
    }
    const all = (await again.api('GET', '/api/v1/connectors?$top=250')).json.value;
    assert.ok(all.length >= before);
    for (const c of all.slice(0, 20)) assert.equal((await again.api('GET', `/api/v1/connectors/${c.id}/definition`)).json.swagger, '2.0');
    await again.stop();
  }
});

test('kill -9 under load of calls: the next start serves them again', async (t) => {
  const back = await backend(t, (req, res) => res.end('{"value":[]}'));
  const dir = temporary(t);
  let s = await serve(t, { dir, args: allow });
  const x = await connect(s, `127.0.0.1:${back.port}`);
  let calls = 0;
  const load = Array.from({ length: 8 }, async () => { try { for (;;) { if ((await invoke(s, x)).json?.statusCode === 200) calls++; } } catch { /* killed */ } });
  while (calls < 50) await new Promise((ok) => setTimeout(ok, 5));
  await s.kill();
  await Promise.all(load);
  s = await serve(t, { dir, args: allow });
  assert.equal((await invoke(s, x)).json.statusCode, 200);
});

test('a full disk: refused in words, nothing lost, well again when there is room', { skip: process.getuid() !== 0 && 'needs root for a small file system' }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-full-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=700', 'tmpfs', dir]);
  if (mounted.status !== 0) { rmSync(dir, { recursive: true }); return t.skip('mounting is not allowed here'); }
  let s;
  t.after(async () => { await s?.stop(); execFileSync('umount', ['-l', dir]); rmSync(dir, { recursive: true, force: true }); });
  s = await serve(undefined, { dir });
  const kept = [];
  let refusal;
  for (let i = 0; i < 200 && !refusal; i++) {
    const body = named(`full ${i}`);
    body.definition.info.description = randomBytes(60000).toString('hex');
    const r = await s.api('POST', '/api/v1/connectors', body);
    if (r.status === 201) kept.push(r.json.id); else refusal = r;
  }
  assert.equal(refusal.status, 507, refusal.text);
  assert.equal(refusal.json.error.code, 'StorageFull');
  assert.equal((await fetch(`${s.url}/readyz`)).status, 503);
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
  for (const id of kept) assert.equal((await s.api('GET', `/api/v1/connectors/${id}`)).status, 200);
  execFileSync('mount', ['-o', 'remount,size=64m', dir]);
  await until('ready again, though nobody writes', async () => (await fetch(`${s.url}/readyz`)).status === 200, { every: 100 });
  const r = await s.api('POST', '/api/v1/connectors', named('after'));
  assert.equal(r.status, 201, r.text);
  assert.equal((await fetch(`${s.url}/readyz`)).status, 200);
});

test('a full disk: no run is promised that is not kept', { skip: process.getuid() !== 0 && 'needs root for a small file system' }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-full-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', dir]);
  if (mounted.status !== 0) { rmSync(dir, { recursive: true }); return t.skip('mounting is not allowed here'); }
  let s;
  t.after(async () => { await s?.stop(); execFileSync('umount', ['-l', dir]); rmSync(dir, { recursive: true, force: true }); });
  s = await serve(undefined, { dir });
  const definition = { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: { C: { type: 'Compose', inputs: '@triggerBody()' } } };
  assert.equal((await s.api('PUT', '/api/v1/workflows/w', { definition })).status, 201);
  const run = () => s.api('POST', '/api/v1/workflows/w:run', { a: randomBytes(100000).toString('hex') });
  const { value: url } = (await s.api('POST', '/api/v1/workflows/w/triggers/manual:callback', {})).json;
  const kept = [];
  let refused;
  for (let i = 0; i < 100 && !refused; i++) {
    const r = await run();
    if (r.status === 202) kept.push(r.json); else refused = r;
  }
  assert.ok(refused.status >= 500 && kept.length > 0, refused.text);
  const again = await s.api('POST', `/api/v1/runs/${kept[0].id}:resubmit`);
  assert.ok(again.status >= 500 && again.json.error, `${again.status} ${again.text}`);
  const called = await fetch(url, { method: 'POST', body: randomBytes(100000).toString('hex') });
  assert.deepEqual([called.status, (await called.json()).error.code], [507, 'StorageFull']);
  assert.ok(Number(called.headers.get('retry-after')) > 0);
  assert.deepEqual((await s.api('GET', '/api/v1/workflows/w/runs')).json.value.map((r) => r.name), kept.map((r) => r.name).reverse());
});

test('more connections than a shell gives descriptors: all are answered', async (t) => {
  const child = spawn('prlimit', ['--nofile=128:1024', binary, 'serve', '--data', temporary(t), '--listen', '127.0.0.1:0', '--format', 'json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const { url } = JSON.parse(await new Promise((ok) => child.stdout.once('data', ok)));
  const answers = await Promise.all(Array.from({ length: 250 }, () => new Promise((ok) => {
    const c = dial(new URL(url).port, '127.0.0.1', () => c.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'));
    const timer = setTimeout(() => ok('nothing'), 60000);
    c.on('error', (e) => ok(e.code));
    c.once('data', (d) => { clearTimeout(timer); ok(d.toString().slice(9, 12)); }); // stays open
    t.after(() => c.destroy());
  })));
  assert.deepEqual([...new Set(answers)], ['200']);
});

test('no descriptor left: who waits is answered when another connection ends', async (t) => {
  const child = spawn('prlimit', ['--nofile=100:100', binary, 'serve', '--data', temporary(t), '--listen', '127.0.0.1:0', '--format', 'json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const { url } = JSON.parse(await new Promise((ok) => child.stdout.once('data', ok)));
  const answers = await Promise.all(Array.from({ length: 200 }, () => new Promise((ok) => {
    const c = dial(new URL(url).port, '127.0.0.1', () => c.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
    const timer = setTimeout(() => { c.destroy(); ok('nothing'); }, 60000);
    c.on('error', (e) => ok(e.code));
    c.once('data', (d) => { clearTimeout(timer); ok(d.toString().slice(9, 12)); });
  })));
  assert.deepEqual([...new Set(answers)], ['200']);
});

test('a stop signal: what is in flight is answered, nothing new is taken, and it ends with 0', async (t) => {
  const waiting = [];
  const calls = await backend(t, (req, res) => { waiting.push(() => { res.writeHead(200, { 'content-type': 'application/json' }); res.end('{}'); }); });
  const s = await serve(t, { args: allow });
  const x = await connect(s, `127.0.0.1:${calls.port}`);
  const flights = [invoke(s, x), fetch(`${x.runtime}/ships`, { headers: { authorization: `Bearer ${s.token}` } })];
  while (waiting.length < 2) await new Promise((ok) => setTimeout(ok, 5));
  const ended = s.stop();
  while (await fetch(`${s.url}/healthz`).then(() => true, () => false)) await new Promise((ok) => setTimeout(ok, 10));
  for (const go of waiting) go();
  for (const r of await Promise.all(flights)) assert.equal(r.status, 200);
  assert.equal(await ended, 0);
});

test('concurrent edits of different parts: none undoes another', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=4'] });
  const r = await s.api('POST', '/api/v1/connectors', { definition: definition('a.example'), properties: properties() });
  const path = `/api/v1/connectors/${r.json.id}`;
  for (let round = 0; round < 8; round++) {
    const changed = definition(`host-${round}.example`);
    const answers = await Promise.all([
      s.api('PUT', `${path}/definition`, changed),
      s.api('PUT', `${path}/properties`, properties({ publisher: `p${round}` })),
      s.api('PUT', `${path}/script`, `// ${round}`),
      s.api('PATCH', path, { displayName: `n${round}` }),
    ]);
    assert.deepEqual(answers.map((a) => a.status), [200, 200, 200, 200], answers.map((a) => a.text).join('\n'));
    assert.equal((await s.api('GET', `${path}/definition`)).json.host, `host-${round}.example`);
    assert.equal((await s.api('GET', `${path}/properties`)).json.properties.publisher, `p${round}`);
    assert.equal((await s.api('GET', `${path}/script`)).text, `// ${round}`);
    assert.equal((await s.api('GET', path)).json.displayName, `n${round}`);
  }
});

test('keys of a connection: made, revoked and kept while its values change', async (t) => {
  const calls = await backend(t, (req, res) => { res.writeHead(200, { 'content-type': 'application/json' }); res.end('{}'); });
  const s = await serve(t, { args: [...allow, '--set', 'workers=4'] });
  const x = await connect(s, `127.0.0.1:${calls.port}`);
  const path = `/api/v1/connections/${x.connection}`;
  const status = async (key) => { const r = await fetch(`${x.runtime}/ships`, { headers: { authorization: `Key ${key}` } }); await r.text(); return r.status; };
  for (let round = 0; round < 8; round++) {
    const old = await s.api('POST', `${path}:keys`, {});
    assert.equal(old.status, 200, old.text);
    const [a, revoked, b] = await Promise.all([
      s.api('PATCH', path, { parameterValues: { api_key: `sesame ${round}` } }),
      s.api('POST', `${path}:revokeKeys`),
      s.api('PATCH', path, { parameterValues: { api_key: `sesame ${round}` } }),
    ]);
    assert.deepEqual([a.status, revoked.status, b.status], [200, 204, 200], a.text + revoked.text + b.text);
    assert.equal(await status(old.json.connectionKey), 404, 'a revoked key opens nothing');
    const [, made] = await Promise.all([
      s.api('PATCH', path, { parameterValues: { api_key: `again ${round}` } }),
      s.api('POST', `${path}:keys`, {}),
    ]);
    assert.equal(made.status, 200, made.text);
    assert.equal(await status(made.json.connectionKey), 200, 'a key that was handed out works');
  }
});

test('concurrent edits: one wins, the others are told', async (t) => {
  const s = await serve(t);
  const c = (await s.api('POST', '/api/v1/connectors', named('one'))).json;
  const path = `/api/v1/connectors/${c.id}`;
  const all = await Promise.all(Array.from({ length: 12 }, (_, i) => s.api('PUT', `${path}/definition`, named(`edit ${i}`).definition, { 'if-match': c.etag })));
  assert.equal(all.filter((r) => r.status === 200).length, 1);
  for (const r of all.filter((x) => x.status !== 200)) assert.deepEqual([r.status, r.json.error.code], [412, 'PreconditionFailed']);
  assert.equal((await s.api('GET', path)).json.revision, 2);
  const free = await Promise.all(Array.from({ length: 8 }, (_, i) => s.api('PUT', `${path}/definition`, named(`free ${i}`).definition)));
  assert.ok(free.every((r) => r.status === 200));
  assert.equal((await s.api('GET', path)).json.revision, 10);
  for (const tag of ['"x"', 'W/"1"', '1']) assert.equal((await s.api('PATCH', path, { displayName: 'n' }, { 'if-match': tag })).status, 412, tag);
  assert.equal((await s.api('PATCH', path, { displayName: 'n' }, { 'if-match': '*' })).status, 200);
});

test('oversized, truncated, deep, binary and otherwise hostile descriptions', async (t) => {
  const s = await serve(t);
  const create = (body, headers) => s.api('POST', '/api/v1/connectors', body, headers);
  const big = named('big');
  big.definition.info.description = 'x'.repeat(1 << 20);
  let r = await create(big);
  assert.deepEqual([r.status, r.json.error.code, r.json.error.details[0].code], [413, 'RequestTooLarge', 'RC-IMP-01']);
  r = await create('x'.repeat(12 << 20));
  assert.equal(r.status, 413);
  const text = JSON.stringify(definition());
  r = await create(text.slice(0, -40));
  assert.deepEqual([r.status, r.json.error.details.at(-1).code], [400, 'RC-IMP-03']);
  assert.ok(r.json.error.details.some((d) => d.line >= 1 && d.column > 100));
  const deep = '['.repeat(20000) + ']'.repeat(20000);
  for (const bad of [deep, `{"swagger":"2.0","x":${deep}}`, randomBytes(5000), gzipSync(text), Buffer.from('PK\x03\x04 not a zip')]) {
    r = await create(bad);
    assert.equal(r.status, 400, r.text);
    assert.ok(r.json.error.message.length > 15);
  }
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghijk'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghij'[i]}`)}]`).join('\n')}\n`;
  r = await create(bomb, { 'content-type': 'application/yaml' });
  assert.equal(r.status, 400);
  // circular references, twice the same operationId
  const round = named('round');
  round.definition.definitions = { A: { $ref: '#/definitions/B' }, B: { $ref: '#/definitions/A' } };
  round.definition.paths['/ships'].get.responses[200].schema = { $ref: '#/definitions/A' };
  r = await create(round);
  assert.ok([201, 400].includes(r.status));
  const twice = named('twice');
  twice.definition.paths['/ships'].post.operationId = 'ListShips';
  r = await create(twice);
  assert.deepEqual([r.status, r.json.error.code, r.json.error.details.find((d) => d.severity === 'error').code], [400, 'InvalidDefinition', 'RC-OP-01']);
  assert.ok(r.json.error.details.find((d) => d.severity === 'error').pointer);
  const dangling = named('dangling');
  dangling.definition.paths['/ships'].post.parameters = [{ $ref: '#/parameters/none' }];
  r = await create(dangling);
  assert.equal(r.json.error.details.find((d) => d.severity === 'error').code, 'RC-REF-01');
  assert.equal((await s.api('GET', '/api/v1/connectors')).json.value.filter((c) => c.displayName !== 'round').length, 0);
  // broken requests
  for (const [method, path, body, status] of [
    ['POST', '/api/v1/connections', '{"connectorId":', 400], ['POST', '/api/v1/connections', '{"connectorId":"a","connectorId":"b"}', 400],
    ['POST', '/api/v1/connections', '[]', 400], ['POST', '/api/v1/connections', '{"connectorId":"none"}', 404],
    ['GET', '/api/v1/connectors/%zz', undefined, 400], ['GET', '/api/v1/connectors/a%00b', undefined, 400],
    ['GET', `/api/v1/connectors/${'x'.repeat(3000)}`, undefined, 404], ['GET', '/api/v1/connectors?$skiptoken=%21%21', undefined, 400],
    ['GET', '/api/v1/connectors/a:b', undefined, 404], ['POST', '/api/v1/users', '{"name":"a b"}', 400], ['PUT', '/api/v1/groups/a%2Fb', '{}', 400],
  ]) {
    r = await s.api(method, path, body);
    assert.equal(r.status, status, `${method} ${path}: ${r.status} ${r.text}`);
    assert.ok(r.json.error.clientRequestId);
  }
});

test('addresses that may not be called: by number, by name, by redirect, when importing', async (t) => {
  const back = await backend(t, (req, res) => {
    if (req.url.endsWith('/ships')) { res.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }); return res.end(); }
    res.end('{}');
  });
  const s = await serve(t); // nothing is allowed
  for (const host of [`127.0.0.1:${back.port}`, `localhost:${back.port}`, '169.254.169.254', '10.0.0.1', '[::1]:80', '0.0.0.0:80']) {
    const x = await connect(s, host);
    const r = await invoke(s, x);
    assert.deepEqual([r.status, r.json.error.code], [403, 'EgressDenied'], `${host}: ${r.text}`);
    const g = await fetch(`${x.runtime}/ships`, { headers: { authorization: `Bearer ${s.token}` } });
    assert.equal(g.status, 403);
    assert.equal(g.headers.get('x-ms-error-source'), 'raccord');
  }
  const r = await s.api('POST', '/api/v1/connectors', { url: `http://127.0.0.1:${back.port}/swagger.json` });
  assert.deepEqual([r.status, r.json.error.code], [403, 'EgressDenied']);
  assert.equal(back.requests.length, 0);
  const open = await serve(t, { args: allow });
  const x = await connect(open, `127.0.0.1:${back.port}`);
  const hop = await invoke(open, x);
  assert.deepEqual([hop.status, hop.json.error.code], [403, 'EgressDenied'], hop.text);
  const into = await open.api('POST', '/api/v1/connectors', { url: `http://127.0.0.1:${back.port}/v1/ships` });
  assert.deepEqual([into.status, into.json.error.code], [403, 'EgressDenied'], into.text);
});

test('backends that are gone, slow, endless, broken', async (t) => {
  const args = [...allow, '--set', 'egress.response_bytes_max=1MiB'], s = await serve(t, { args });
  const hasty = await serve(t, { args: [...args, '--set', 'egress.timeout=1500ms'] }); // for the cases that are to be late
  const raw = async (t_, handle) => { const server = createServer(handle).listen(0, '127.0.0.1'); await new Promise((ok) => server.once('listening', ok)); t_.after(() => server.close()); return `127.0.0.1:${server.address().port}`; };
  const sockets = new Set();
  t.after(() => { for (const c of sockets) c.destroy(); });
  const tcp = (reply) => raw(t, (c) => { sockets.add(c); c.on('error', () => {}); c.once('data', () => reply(c)); });
  const cases = [
    ['nobody listens', '127.0.0.1:9', 502, 'BackendUnreachable'],
    ['no such name', 'nothing.invalid', 502, 'BackendUnreachable'],
    ['never answers', await tcp(() => {}), 504, 'BackendTimeout'],
    ['hangs up', await tcp((c) => c.destroy()), 502, /BackendUnreachable|BadBackendResponse/],
    ['no HTTP', await tcp((c) => c.end('SSH-2.0-OpenSSH\r\n')), 502, 'BadBackendResponse'],
    ['not the JSON it says', await tcp((c) => c.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n<htm>')), 502, 'BadBackendResponse'],
    ['cut short', await tcp((c) => c.end('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nabc')), 502, /BackendUnreachable|BadBackendResponse/],
    ['endless', await tcp((c) => { c.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n['); const part = '1,'.repeat(32768); const push = () => { while (!c.destroyed && c.write(part)); }; c.on('drain', push); push(); }), 502, 'BadBackendResponse'],
    ['drips', await tcp((c) => { c.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n'); const i = setInterval(() => c.write(' '), 100); c.on('close', () => clearInterval(i)); }), 504, 'BackendTimeout'],
    ['loops', (await backend(t, (req, res) => { res.writeHead(302, { location: req.url }); res.end(); })).url.slice(7), 502, 'BadBackendResponse'],
  ];
  await Promise.all(cases.map(async ([what, host, status, code]) => {
    const at = status === 504 ? hasty : s, r = await invoke(at, await connect(at, host));
    assert.equal(r.status, status, `${what}: ${r.status} ${r.text.slice(0, 300)}`);
    if (code instanceof RegExp) assert.match(r.json.error.code, code, what); else assert.equal(r.json.error.code, code, `${what}: ${r.text}`);
    assert.ok(r.json.error.message.length > 10, what);
  }));
  const tls = await connect(s, (await backend(t, (req, res) => res.end('{}'))).url.slice(7), { schemes: ['https'] });
  const r = await invoke(s, tls);
  assert.equal(r.status, 502, r.text);
  assert.match(r.json.error.message, /TLS|SSL|certificate|secure/i);
  // a client that leaves in the middle of a call leaves nothing behind
  const slow = await connect(s, await tcp(() => {}));
  await Promise.all(Array.from({ length: 20 }, async () => {
    const cut = new AbortController();
    setTimeout(() => cut.abort(), 50);
    await fetch(`${slow.runtime}/ships`, { headers: { authorization: `Bearer ${s.token}` }, signal: cut.signal }).catch(() => {});
  }));
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
});

test('credentials that end: tokens, connections, passwords of the API', async (t) => {
  let key = 'sesame';
  const back = await backend(t, (req, res) => { res.writeHead(req.headers['x-key'] === key ? 200 : 401, { 'content-type': 'application/json' }); res.end('{"message":"key expired"}'); });
  const s = await serve(t, { args: allow });
  const x = await connect(s, `127.0.0.1:${back.port}`);
  await s.api('POST', '/api/v1/users', { name: 'ada', grants: [{ role: 'maker' }] });
  const token = (await s.api('POST', '/api/v1/tokens', { user: 'ada' })).json;
  const asAda = () => s.api('GET', '/api/v1/connectors', undefined, { token: token.token });
  assert.equal((await asAda()).status, 200);
  await s.api('PATCH', '/api/v1/users/ada', { disabled: true });
  assert.equal((await asAda()).status, 401);
  await s.api('PATCH', '/api/v1/users/ada', { disabled: false });
  assert.equal((await asAda()).status, 200);
  await s.api('DELETE', `/api/v1/tokens/${token.id}`);
  const gone = await asAda();
  assert.deepEqual([gone.status, gone.json.error.code], [401, 'InvalidAuthenticationToken']);
  // good until its end and not after it; where a second is over before it was used, a longer one is taken
  let brief;
  for (let seconds = 1; !brief; seconds *= 4) {
    const made = (await s.api('POST', '/api/v1/tokens', { expires: `PT${seconds}S` })).json;
    const { status } = await s.api('GET', '/api/v1/me', undefined, { token: made.token });
    if (Date.now() >= Date.parse(made.expiresTime)) continue;
    assert.equal(status, 200);
    brief = made;
  }
  await until('the end of the token', async () => (await s.api('GET', '/api/v1/me', undefined, { token: brief.token })).status === 401);
  assert.ok(Date.now() >= Date.parse(brief.expiresTime));
  key = 'another';
  const r = await invoke(s, x);
  assert.equal(r.json.statusCode, 401);
  const tested = await s.api('POST', `/api/v1/connections/${x.connection}:test`);
  assert.deepEqual([tested.json.ok, tested.json.message], [false, 'key expired']);
  const status = (await s.api('GET', `/api/v1/connections/${x.connection}`)).json;
  assert.equal(status.overallStatus, 'Unauthenticated');
  assert.equal(status.statuses[0].error.message, 'key expired');
  await s.api('DELETE', `/api/v1/connectors/${x.id}?confirm=1`);
  assert.equal((await invoke(s, x)).status, 404);
});

test('more than the server takes: 503 and 429 with Retry-After, and it recovers', async (t) => {
  const waiting = [];
  const back = await backend(t, (req, res) => new Promise((ok) => waiting.push(() => { res.end('{}'); ok(); })));
  const s = await serve(t, { args: [...allow, '--set', 'http.requests_max=4', '--set', 'workers=1'] });
  const x = await connect(s, `127.0.0.1:${back.port}`);
  const first = Array.from({ length: 4 }, () => fetch(`${x.runtime}/ships`, { headers: { authorization: `Bearer ${s.token}` } }));
  while (waiting.length < 4) await new Promise((ok) => setTimeout(ok, 5));
  const refused = await fetch(`${x.runtime}/ships`, { headers: { authorization: `Bearer ${s.token}` } });
  assert.equal(refused.status, 503);
  assert.ok(refused.headers.get('retry-after'));
  assert.equal((await refused.json()).error.code, 'ServerBusy');
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
  for (const go of waiting) go();
  for (const r of await Promise.all(first)) assert.equal(r.status, 200);
  const rated = await serve(t, { args: [...allow, '--set', 'connection.rate_per_minute=1', '--set', 'connection.rate_burst=3'] });
  const quick = await backend(t, (req, res) => res.end('{}'));
  const y = await connect(rated, `127.0.0.1:${quick.port}`);
  const codes = [];
  for (let i = 0; i < 6; i++) codes.push((await fetch(`${y.runtime}/ships`, { headers: { authorization: `Bearer ${rated.token}` } })));
  assert.deepEqual(codes.slice(0, 3).map((r) => r.status), [200, 200, 200]);
  const limited = codes.find((r) => r.status === 429);
  assert.ok(limited && Number(limited.headers.get('retry-after')) >= 1);
  assert.equal((await limited.json()).error.code, 'RateLimited');
  // whichever way it is called: by name, or for dynamic values
  assert.equal((await invoke(rated, y)).status, 429);
  assert.equal((await rated.api('POST', `/api/v1/connections/${y.connection}:dynamic`, { operationId: 'ListShips', parameter: 'flag' })).status, 429);
});

test('a data directory that is not right says so', async (t) => {
  const dir = temporary(t);
  const s = await serve(t, { dir });
  await s.stop();
  const start = () => raccord(['serve', '--data', dir, '--listen', '127.0.0.1:0']);
  const { readFileSync, chmodSync } = await import('node:fs');
  const key = readFileSync(join(dir, 'master.key'));
  writeFileSync(join(dir, 'master.key'), `${randomBytes(32).toString('base64url')}\n`);
  let r = await start();
  assert.equal(r.status, 4, r.stderr);
  assert.match(r.stderr, /key/);
  rmSync(join(dir, 'master.key'));
  r = await start();
  assert.ok(r.status === 4 || r.status === 3, r.stderr);
  writeFileSync(join(dir, 'master.key'), key, { mode: 0o600 });
  chmodSync(join(dir, 'master.key'), 0o600);
  const again = await serve(t, { dir });
  assert.equal((await again.api('GET', '/api/v1/me')).status, 200);
  assert.equal((await raccord(['serve', '--data', '/proc/nope', '--listen', '127.0.0.1:0'])).status, 3);
  assert.equal((await raccord(['serve', '--data', temporary(t), '--set', 'nonsense=1'])).status, 2);
});
