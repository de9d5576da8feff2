// What is kept stays: kill -9 while connectors are registered, a full disk, a second process on the
// same directory, backup while the server works, restore, keys that do not fit.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { raccord, raccordJson, serve, temporary } from './lib/raccord.mjs';

const definition = (title, padding = 0) => ({
  swagger: '2.0', info: { title, description: 'x'.repeat(padding), version: '1' }, host: 'api.quay.example', basePath: '/', schemes: ['https'],
  paths: { '/boats': { get: { operationId: 'ListBoats', summary: 'List boats', responses: { 200: { description: 'ok', schema: { type: 'array', items: { type: 'string' } } } } } } },
});
const properties = { properties: { iconBrandColor: '#334455', connectionParameters: { api_key: { type: 'securestring', uiDefinition: { displayName: 'Key' } } } } };
const create = (s, title, padding) => s.api('POST', '/api/v1/connectors', { definition: definition(title, padding), properties });

async function everyConnector(s) {
  const found = new Map();
  for (let next = '/api/v1/connectors?$top=250'; next;) {
    const { json } = await s.api('GET', next.replace(s.url, ''));
    for (const c of json.value) found.set(c.id, c);
    next = json.nextLink;
  }
  return found;
}

test('kill -9 during registration: every acknowledged connector is there afterwards', async (t) => {
  const dir = temporary(t);
  const acknowledged = [];
  for (let round = 0; round < 3; round++) {
    const s = await serve(t, { dir });
    const enough = 40 + 30 * round;
    let got = 0, n = 0;
    const client = async () => {
      for (;;) {
        let r;
        try { r = await create(s, `Quay ${round} ${n++}`, 20000); } catch { return; }
        if (r.status !== 201) return;
        acknowledged.push(r.json.id);
        if (++got === enough) s.child.kill('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    await s.kill();
    assert.ok(got >= enough);
  }
  const s = await serve(t, { dir });
  const found = await everyConnector(s);
  for (const id of acknowledged) assert.ok(found.has(id), `${id} is lost`);
  const some = acknowledged.at(-1);
  assert.equal((await s.api('GET', `/api/v1/connectors/${some}/definition`)).json.info.description.length, 20000);
});

test('a second process is told who has the directory', async (t) => {
  const s = await serve(t);
  const r = await raccord(['serve', '--data', s.dir, '--listen', '127.0.0.1:0']);
  assert.equal(r.status, 4, r.stderr);
  assert.match(r.stderr, new RegExp(`in use by another Raccord \\(process ${s.child.pid}\\)`));
  const rotate = await raccord(['key', 'rotate', '--data', s.dir]);
  assert.notEqual(rotate.status, 0);
  assert.match(rotate.stderr, /in use/);
});

test('backup while in use, restore elsewhere, the key put back by hand', async (t) => {
  const s = await serve(t), dir = temporary(t), file = join(dir, 'copy.db'), fresh = join(dir, 'fresh');
  const made = (await create(s, 'Kept')).json;
  const connection = (await s.api('POST', '/api/v1/connections', { connectorId: made.id, parameterValues: { api_key: 'open-sesame' } })).json;
  assert.ok(connection.id, JSON.stringify(connection));
  const writing = Promise.all(Array.from({ length: 20 }, (_, i) => create(s, `Meanwhile ${i}`, 50000)));
  const backup = await raccordJson(['backup', '--data', s.dir, '-o', file]);
  assert.equal(backup.status, 0, backup.stderr);
  assert.ok(backup.json.bytes > 4096 && backup.json.leftOut.some((f) => f.endsWith('master.key')));
  assert.ok((await writing).every((r) => r.status === 201));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file).includes('open-sesame'));
  assert.match((await raccord(['backup', '--data', s.dir, '-o', file])).stderr, /exists already/);
  const text = await raccord(['backup', '--data', s.dir, '-o', join(dir, 'again.db')]);
  assert.match(text.stderr, /master key .* is not in it/);

  assert.notEqual((await raccord(['restore', file, '--data', s.dir])).status, 0, 'the directory is in use');
  const restored = await raccordJson(['restore', file, '--data', fresh]);
  assert.equal(restored.status, 0, restored.stderr);
  assert.equal(restored.json.masterKeyPresent, false);
  const locked = await raccord(['serve', '--data', fresh, '--listen', '127.0.0.1:0']);
  assert.equal(locked.status, 4, locked.stderr);
  assert.match(locked.stderr, /master key .* is missing/);
  copyFileSync(join(s.dir, 'master.key'), join(fresh, 'master.key'));
  copyFileSync(join(s.dir, 'admin.token'), join(fresh, 'admin.token'));
  const two = await serve(t, { dir: fresh });
  assert.equal((await two.api('GET', `/api/v1/connectors/${made.id}`)).status, 200);
  assert.equal((await two.api('GET', `/api/v1/connections/${connection.id}`)).status, 200);

  const piped = await raccord(['backup', '--data', s.dir, '-o', '-'], { encoding: null });
  assert.equal(piped.status, 0, piped.stderr);
  assert.equal((await raccord(['restore', '-', '--data', join(dir, 'piped')], { input: piped.stdout })).status, 0);
  assert.ok(existsSync(join(dir, 'piped/raccord.db')));

  writeFileSync(join(dir, 'cut.db'), readFileSync(file).subarray(0, 9000));
  writeFileSync(join(dir, 'no.db'), 'this is a text');
  for (const bad of ['cut.db', 'no.db', 'none.db']) {
    const r = await raccord(['restore', join(dir, bad), '--data', join(dir, 'never')]);
    assert.notEqual(r.status, 0, bad);
    assert.match(r.stderr, new RegExp(bad));
    assert.ok(!existsSync(join(dir, 'never')), 'nothing is left behind');
  }
});

test('new keys, and a key of another installation', async (t) => {
  const dir = temporary(t), elsewhere = temporary(t);
  let s = await serve(t, { dir });
  const made = (await create(s, 'Sealed')).json;
  const connection = (await s.api('POST', '/api/v1/connections', { connectorId: made.id, parameterValues: { api_key: 'k-1' } })).json;
  await s.stop();
  const before = readFileSync(join(dir, 'master.key'), 'utf8');
  const r = await raccordJson(['key', 'rotate', '--data', dir, '--master']);
  assert.equal(r.status, 0, r.stderr);
  assert.ok(r.json.records >= 1);
  assert.notEqual(readFileSync(join(dir, 'master.key'), 'utf8'), before);
  assert.equal(statSync(join(dir, 'master.key')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dir).filter((f) => f.includes('.new')), []);
  s = await serve(t, { dir });
  assert.equal((await s.api('GET', `/api/v1/connections/${connection.id}`)).status, 200);
  await s.stop();

  const other = await serve(t, { dir: elsewhere });
  await other.stop();
  renameSync(join(dir, 'master.key'), join(dir, 'kept'));
  copyFileSync(join(elsewhere, 'master.key'), join(dir, 'master.key'));
  const wrong = await raccord(['serve', '--data', dir, '--listen', '127.0.0.1:0']);
  assert.equal(wrong.status, 4, wrong.stderr);
  assert.match(wrong.stderr, /is not the one this data was sealed with/);
  const named = await serve(t, { dir, env: { RACCORD_KEY_FILE: join(dir, 'kept') } });
  assert.equal((await named.api('GET', `/api/v1/connections/${connection.id}`)).status, 200);
});

test('a key that raccord.conf names is the one that is rotated, and told of by a backup', async (t) => {
  const dir = temporary(t), keys = temporary(t), key = join(keys, 'm.key');
  writeFileSync(join(dir, 'raccord.conf'), `key.file = ${key}\n`);
  await (await serve(t, { dir })).stop();
  const before = readFileSync(key, 'utf8');
  const b = await raccordJson(['backup', '--data', dir, '-o', join(keys, 'copy.db')]);
  assert.deepEqual([b.status, b.json.leftOut[0]], [0, key], b.stderr);
  const r = await raccord(['key', 'rotate', '--data', dir, '--master']);
  assert.equal(r.status, 0, r.stderr);
  assert.notEqual(readFileSync(key, 'utf8'), before);
  assert.equal(existsSync(join(dir, 'master.key')), false);
  await (await serve(t, { dir })).stop();
});

test('a full disk: refused with 507 or 503, read on, written again when there is room', async (t) => {
  const dir = join(temporary(t), 'small');
  mkdirSync(dir);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    t.skip('mounting a small file system needs root');
    return;
  }
  let s;
  try {
    s = await serve(t, { dir });
    const first = (await create(s, 'First')).json;
    let refused;
    for (let i = 0; i < 60 && !refused; i++) {
      const r = await create(s, `Fill ${i}`, 200000);
      if (r.status !== 201) refused = r;
    }
    assert.ok(refused, 'three megabytes hold twelve megabytes?');
    assert.ok([503, 507].includes(refused.status), `${refused.status} ${refused.text}`);
    assert.ok(refused.json.error.code && refused.json.error.message, refused.text);
    assert.equal((await s.api('GET', `/api/v1/connectors/${first.id}`)).status, 200);
    assert.equal((await s.api('GET', '/healthz')).status, 200);
    execFileSync('mount', ['-o', 'remount,size=30m', dir]);
    assert.equal((await create(s, 'Room again', 200000)).status, 201);
    assert.equal((await s.api('GET', '/readyz')).status, 200);
  } finally {
    await s?.stop();
    execFileSync('umount', ['-l', dir], { stdio: 'ignore' });
  }
});
