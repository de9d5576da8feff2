// `raccord demo`: the whole way, without a network, leaving nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { binary, raccord, raccordJson, temporary } from './lib/raccord.mjs';

test('once: every step is shown with its command, and it ends with 0', async (t) => {
  const tmp = temporary(t);
  const r = await raccord(['demo', '--once'], { env: { TMPDIR: tmp } });
  assert.equal(r.status, 0, r.stderr);
  for (const piece of ['1. Register a connector', 'raccord connector create', 'Connected', 'The connection works.', '200 {"number":6', '"booking":"QN-', '"$content-type":"image/bmp"', "curl -H 'Authorization: Key ", '6. Run a workflow', 'ok Free  Succeeded'])
    assert.ok(r.stdout.includes(piece), `${piece} is missing in\n${r.stdout}`);
  assert.deepEqual(readdirSync(tmp), []);
});

test('as JSON: one document', async () => {
  const r = await raccordJson(['demo', '--once']);
  assert.equal(r.status, 0);
  assert.equal(r.json.calls.length, 6);
  assert.equal(r.json.calls[0].answer.statusCode, 200);
});

test('serves on until it is told to end; the commands it prints work', async (t) => {
  const dir = temporary(t);
  const child = spawn(binary, ['demo', '--data', dir, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  await new Promise((ok, fail) => {
    const timer = setTimeout(() => fail(new Error(text)), 120000);
    child.stdout.on('data', (d) => { text += d; if (text.includes('connector list')) { clearTimeout(timer); ok(); } });
    child.on('exit', () => fail(new Error(text)));
  });
  const server = /RACCORD_SERVER=(\S+)/.exec(text)[1];
  const { readFileSync } = await import('node:fs');
  const token = readFileSync(`${dir}/admin.token`, 'utf8').trim();
  const list = await raccord(['connector', 'list'], { env: { RACCORD_SERVER: server, RACCORD_TOKEN: token } });
  assert.match(list.stdout, /Quai Nord/);
  child.removeAllListeners('exit');
  const gone = once(child, 'exit');
  child.kill('SIGINT');
  await gone;
  assert.equal(child.exitCode, 0);
  assert.ok(existsSync(dir) && tmpdir());
});
