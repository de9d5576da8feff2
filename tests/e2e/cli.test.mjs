// What every command has in common: help, options, exit statuses, pipes, what goes to which stream;
// and the management commands over a real server.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { binary, raccord, raccordJson, root, serve, temporary } from './lib/raccord.mjs';
import { definition, properties } from './lib/harbour.mjs';

const example = join(root, 'examples/pilots.openapi3.yaml');
const pack = (dir, name, title, extra = {}) => {
  const at = join(dir, name);
  mkdirSync(at);
  const d = definition();
  writeFileSync(join(at, 'apiDefinition.swagger.json'), JSON.stringify({ ...d, info: { ...d.info, title }, ...extra }));
  writeFileSync(join(at, 'apiProperties.json'), JSON.stringify(properties()));
  return at;
};
const shell = (line, env = {}) => new Promise((ok) => {
  const child = spawn('bash', ['-c', `set -o pipefail; ${line}`], { env: { ...process.env, R: binary, NO_COLOR: '1', LC_ALL: 'C', ...env } });
  let stdout = '', stderr = '';
  child.stdout.on('data', (d) => { stdout += d; });
  child.stderr.on('data', (d) => { stderr += d; });
  child.on('close', (status, signal) => ok({ status, signal, stdout, stderr }));
});

test('help is found wherever it is looked for', async () => {
  const direct = await raccord(['connector', 'create', '--help']);
  for (const words of [['help', 'connector', 'create'], ['connector', 'create', '-h']]) {
    const r = await raccord(words);
    assert.deepEqual([r.status, r.stdout, r.stderr], [0, direct.stdout, '']);
  }
  for (const words of [['connector', '--help'], ['help', 'connector']]) {
    const r = await raccord(words);
    assert.deepEqual([r.status, r.stderr], [0, ''], words.join(' '));
    assert.match(r.stdout, /connector restore/);
    assert.doesNotMatch(r.stdout, /^ {2}connection /m);
  }
  let r = await raccord(['connector']);
  assert.deepEqual([r.status, r.stdout], [2, '']);
  r = await raccord(['help', 'nonsense']);
  assert.equal(r.status, 2);
  r = await raccord(['conector', 'list']);
  assert.match(r.stderr, /Did you mean connector\?/);
  r = await raccord(['connector', 'lst']);
  assert.match(r.stderr, /Did you mean connector list\?/);
  assert.equal((await raccord(['version', 'more'])).status, 2);
});

test('common options stand before the command as well', async () => {
  const r = await raccordJson(['--format', 'json', 'version']);
  assert.match(r.json.version, /^\d/);
  assert.equal((await raccord(['--format=json', '--server', 'http://127.0.0.1:9', 'version'])).status, 0);
  assert.match((await raccord(['--nonsense', 'version'])).stderr, /no option --nonsense/);
  assert.match((await raccord(['--format'])).stderr, /--format needs a value/);
});

test('a format that a command does not have is refused, not replaced', async () => {
  for (const words of [['version'], ['connector', 'list'], ['config']]) {
    const r = await raccord([...words, '--format', 'sarif']);
    assert.deepEqual([r.status, r.stdout], [2, ''], words.join(' '));
    assert.match(r.stderr, /sarif/);
  }
  assert.equal(JSON.parse((await raccord(['validate', join(root, 'examples/quai'), '--format', 'sarif'])).stdout).version, '2.1.0');
});

test('values right behind a short option; several letters in one', async (t) => {
  const dir = temporary(t);
  const r = await raccord(['convert', example, `-o${join(dir, 'a-long-name-for-a-folder')}`]);
  assert.equal(r.status, 0, r.stderr);
  assert.ok(existsSync(join(dir, 'a-long-name-for-a-folder/apiProperties.json')));
  assert.match((await raccord(['convert', example, '-Zverylongnonsense'])).stderr, /no option -Z/);
});

test('output goes through what is no file, and does not replace it', async (t) => {
  const dir = temporary(t), fifo = join(dir, 'pipe.json'), link = join(dir, 'null.json');
  execFileSync('mkfifo', [fifo]);
  symlinkSync('/dev/null', link);
  const reader = shell(`timeout 20 cat ${fifo}`);
  let r = await raccord(['convert', example, '-o', fifo]);
  assert.equal(r.status, 0, r.stderr);
  assert.equal(JSON.parse((await reader).stdout).swagger, '2.0');
  assert.ok(lstatSync(fifo).isFIFO());
  r = await raccord(['convert', example, '-o', link]);
  assert.equal(r.status, 0, r.stderr);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.ok(statSync('/dev/null').isCharacterDevice());
  // a link to a file: the file is written, the link stays
  const real = join(dir, 'real.json'), named = join(dir, 'named.json');
  writeFileSync(real, '');
  symlinkSync(real, named);
  r = await raccord(['convert', example, '-o', named]);
  assert.equal(r.status, 0, r.stderr);
  assert.ok(lstatSync(named).isSymbolicLink());
  assert.equal(JSON.parse(readFileSync(real, 'utf8')).swagger, '2.0');
});

test('a reader that leaves early is no error, a disk that is full is one', async () => {
  let r = await shell('"$R" config --explain | head -1');
  assert.equal(r.stderr, '');
  for (const words of ['version', 'manual', 'config --explain', 'config --format json']) {
    r = await shell(`"$R" ${words} > /dev/full`);
    assert.equal(r.status, 3, `${words}: ${r.stderr}`);
    assert.match(r.stderr, /cannot write the output: (No space left|part of it is lost)/);
  }
  r = await shell('"$R" version >&-');
  assert.ok(r.status === 3 || r.status === 0);
});

test('text of others cannot act on a terminal', async (t) => {
  const s = await serve(t), env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  const evil = 'a\u001b]0;owned\u0007\u001b[31mred\u009b31m\rover';
  const c = await s.api('POST', '/api/v1/connectors', { displayName: evil, definition: definition(), properties: properties() });
  assert.equal(c.status, 201, c.text);
  for (const words of [['connector', 'list'], ['connector', 'show', c.json.id], ['connection', 'create', 'x\u001b[2J'], ['connector', 'share', c.json.id, 'nobody\u001b[2J']]) {
    const r = await raccord(words, { env });
    assert.doesNotMatch(r.stdout + r.stderr, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/, words.join(' '));
    assert.ok((r.stdout + r.stderr).length > 10);
  }
  assert.equal((await raccordJson(['connector', 'show', c.json.id], { env })).json.displayName, evil);
});

test('every answer of a batch is a line, also that something went wrong', async (t) => {
  const s = await serve(t), dir = temporary(t), env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: ` ${s.token}\n` };
  const good = pack(dir, 'good', 'Good'), bad = pack(dir, 'bad', 'Bad', { paths: { 'no-slash': {} } }), gone = join(dir, 'gone');
  const r = await raccordJson(['connector', 'create', good, bad, gone, good], { env, jsonl: true });
  assert.equal(r.status, 1);
  assert.deepEqual(r.json.map((x) => [x.source, x.error?.code ?? null]), [[good, null], [bad, 'InvalidDefinition'], [gone, 'RC-IMP-04'], [good, null]]);
  assert.ok(r.json.every((x) => x.id || x.error.message.length > 10));
  assert.equal((await raccordJson(['connector', 'list'], { env })).json.value.length, 2);
});

test('what create prints is what is there, name and audience included', async (t) => {
  const s = await serve(t), dir = temporary(t), env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  const source = pack(dir, 'one', 'One');
  const r = await raccordJson(['connector', 'create', source, '--name', 'Renamed', '--audience', 'environment'], { env });
  const now = (await s.api('GET', `/api/v1/connectors/${r.json.id}`)).json;
  assert.deepEqual([r.json.displayName, r.json.audience, r.json.etag], [now.displayName, now.audience, now.etag]);
  assert.deepEqual([now.displayName, now.audience], ['Renamed', 'environment']);
  assert.ok(Array.isArray(r.json.findings));
  // an option that does not work leaves a connector behind: its id is said
  const half = await raccord(['connector', 'create', source, '--client-id', 'x'], { env });
  assert.equal(half.status, 1);
  assert.match(half.stderr, /registered as shared_one-[0-9a-f]{16}/);
  // --if-match is for whatever is changed
  const stale = await raccord(['connector', 'update', r.json.id, '--name', 'Again', '--if-match', '"1"'], { env });
  assert.deepEqual([stale.status, (await s.api('GET', `/api/v1/connectors/${r.json.id}`)).json.displayName], [1, 'Renamed']);
  assert.equal((await raccord(['connector', 'update', r.json.id, '--name', 'Again', '--if-match', now.etag], { env })).status, 0);
});

test('one JSON document from every management command', async (t) => {
  const s = await serve(t), dir = temporary(t), env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  const json = async (...words) => { const r = await raccordJson(words, { env }); assert.equal(r.status, 0, r.stderr); return r.json; };
  const { id } = await json('connector', 'create', pack(dir, 'one', 'One'));
  const con = (await json('connection', 'create', id, 'api_key=k', '--name', 'Mine')).id;
  assert.equal((await json('connection', 'list', '--connector', id)).value.length, 1);
  assert.equal((await json('connection', 'update', con, '--name', 'Ours')).displayName, 'Ours');
  assert.ok((await json('connection', 'key', con)).connectionKey.startsWith('rck_'));
  assert.deepEqual(await json('connection', 'key', con, '--revoke'), { id: con, revoked: true });
  assert.equal((await json('connector', 'validate', id)).status, 'warning');
  assert.equal((await json('connector', 'download', id, '-o', join(dir, 'back'))).path, join(dir, 'back'));
  assert.equal((await json('user', 'create', 'ada', '--role', 'maker@default', '--role', 'reader')).grants.length, 2);
  assert.deepEqual((await json('user', 'update', 'ada', '--disable')).disabled, true);
  assert.deepEqual((await json('user', 'update', 'ada', '--enable', '--role', 'reader')).disabled, false);
  const token = await json('token', 'create', '--user', 'ada', '--role', 'reader', '--expires', 'P1D');
  assert.deepEqual(token.roles, ['reader']);
  assert.deepEqual(await json('token', 'revoke', token.id), { id: token.id, revoked: true });
  assert.equal((await json('connector', 'share', id, 'ada')).value.length, 2);
  assert.deepEqual(await json('connection', 'delete', con), { id: con, deleted: true });
  assert.deepEqual(await json('user', 'delete', 'ada'), { id: 'ada', deleted: true });
  assert.deepEqual(await json('connector', 'delete', id), { id, connectionsDeleted: 0 });
  assert.equal((await json('connector', 'list', '--deleted')).value[0].id, id);
  assert.equal((await json('connector', 'restore', id)).id, id);
  assert.equal((await json('tenant', 'create', 'second')).administrator, 'admin');
  assert.equal((await json('tenant', 'list')).value.length, 2);
});

test('deleting asks, restoring says what does not come back', async (t) => {
  const s = await serve(t), dir = temporary(t), env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  const { id } = (await raccordJson(['connector', 'create', pack(dir, 'one', 'One')], { env })).json;
  await raccord(['connection', 'create', id, 'api_key=k'], { env });
  let r = await raccord(['connector', 'delete', id], { env });
  assert.equal(r.status, 4);
  assert.match(r.stderr, /not deleted: that would delete 1 connection made with it; repeat with --confirm 1 or --yes/);
  assert.equal((await raccord(['connector', 'delete', id, '--confirm', '7'], { env })).status, 1);
  r = await raccord(['connector', 'delete', id, '--yes'], { env });
  assert.deepEqual([r.status, r.stdout], [0, `${id} deleted, 1 connection with it\n`]);
  assert.match(r.stderr, new RegExp(`raccord connector restore ${id}`));
  r = await raccord(['connector', 'restore', id], { env });
  assert.deepEqual([r.status, r.stdout], [0, `${id}  restored, revision 1\n`]);
  assert.match(r.stderr, /do not come back/);
  r = await raccord(['connector', 'restore', id], { env });
  assert.equal(r.status, 1);
  assert.match(r.stderr, /is not deleted/);
});

test('a server is trusted whatever its address: also for what show and call read from it', async (t) => {
  const address = Object.values(networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal)?.address;
  if (!address) return t.skip('this machine has no address but loopback');
  const s = await serve(t, { args: ['--listen', '0.0.0.0:0'] });
  const url = `http://${address}:${new URL(s.url).port}`;
  const c = (await s.api('POST', '/api/v1/connectors', { definition: definition(), properties: properties() })).json;
  const r = await raccord(['show', c.id, '--server', url], { env: { RACCORD_TOKEN: s.token } });
  assert.equal(r.status, 0, r.stderr);
  assert.match(r.stdout, /ListShips/);
});

test('a stop signal right behind the ready line lets the server end by itself', async (t) => {
  for (let i = 0; i < 8; i++) {
    const child = spawn(binary, ['serve', '--data', temporary(t), '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.once('data', () => child.kill(i % 2 ? 'SIGINT' : 'SIGTERM'));
    const [code, signal] = await once(child, 'exit');
    assert.deepEqual([code, signal], [0, null]);
  }
});

test('the demo finds another port when 8080 is taken, a server says how to', async (t) => {
  const busy = createServer();
  await new Promise((ok) => { busy.once('error', ok); busy.listen(8080, '127.0.0.1', ok); }); // or somebody else has it
  t.after(() => busy.close());
  const tmp = temporary(t);
  const child = spawn(binary, ['demo', '--format', 'json'], { env: { ...process.env, TMPDIR: tmp }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (d) => { stderr += d; });
  const shown = await new Promise((ok) => {
    let text = '';
    child.stdout.on('data', (d) => { text += d; if (text.includes('\n')) ok(JSON.parse(text)); });
  });
  assert.notEqual(new URL(shown.url).port, '8080');
  assert.equal(shown.calls.length >= 5, true);
  assert.ok(execFileSync('ls', [tmp]).length > 0, 'the temporary folder is where TMPDIR says');
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.match(stderr, /8080 is taken/);
  assert.equal(execFileSync('ls', [tmp]).length, 0, 'and is removed');
  const r = await raccord(['serve', '--data', temporary(t)]);
  assert.equal(r.status, 3);
  assert.match(r.stderr, /127\.0\.0\.1:8080.*--listen/s);
  // an address that was asked for is taken or refused
  assert.equal((await raccord(['demo', '--listen', '127.0.0.1:8080'])).status, 3);
});

test('systemd is told when the server is ready and when it ends', async (t) => {
  const dir = temporary(t), path = join(dir, 'notify');
  const ear = spawn('python3', ['-c', 'import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\ns.settimeout(120)\nprint("up",flush=True)\nfor i in range(2): print(s.recv(99).decode(),flush=True)', path]);
  const closed = once(ear, 'close');
  let heard = '';
  ear.stdout.on('data', (d) => { heard += d; });
  await once(ear.stdout, 'data');
  const s = await serve(t, { env: { NOTIFY_SOCKET: path } });
  await s.stop();
  await closed;
  assert.equal(heard, 'up\nREADY=1\nSTOPPING=1\n');
  // nobody listens: it goes on all the same
  const deaf = await serve(t, { env: { NOTIFY_SOCKET: '@nobody-here' } });
  assert.equal((await fetch(`${deaf.url}/healthz`)).status, 200);
});

test('the way back in when every token is lost', async (t) => {
  const dir = temporary(t);
  let s = await serve(t, { dir });
  const busy = await raccord(['token', 'recover', '--data', dir]);
  assert.equal(busy.status, 4);
  assert.match(busy.stderr, /in use by another Raccord/);
  const boss = (await s.api('POST', '/api/v1/users', { name: 'boss', grants: [{ role: 'administrator' }, { role: 'operator' }] })).json;
  const token = (await s.api('POST', '/api/v1/tokens', { user: 'boss' })).json.token;
  assert.equal((await s.api('PATCH', '/api/v1/users/admin', { disabled: true }, { token })).status, 200);
  const { value } = (await s.api('GET', '/api/v1/tokens', undefined, { token })).json;
  for (const x of value.filter((v) => v.user === 'admin')) await s.api('DELETE', `/api/v1/tokens/${x.id}`, undefined, { token });
  assert.equal(existsSync(join(dir, 'admin.token')), false);
  for (const x of value.filter((v) => v.user === 'boss')) assert.equal((await s.api('DELETE', `/api/v1/tokens/${x.id}`, undefined, { token })).status, 204);
  await s.stop();
  // nobody is let in by a restart, whoever the tokens were of, and it starts all the same
  s = await serve(t, { dir });
  assert.equal(existsSync(join(dir, 'admin.token')), false);
  assert.equal((await fetch(`${s.url}/readyz`)).status, 200);
  await s.stop();
  assert.equal((await raccord(['token', 'recover', '--data', temporary(t)])).status, 3);
  const r = await raccordJson(['token', 'recover', '--data', dir]);
  assert.deepEqual([r.status, r.json], [0, { user: 'admin', file: join(dir, 'admin.token') }]);
  assert.equal(statSync(join(dir, 'admin.token')).mode & 0o777, 0o600);
  s = await serve(t, { dir });
  const me = (await s.api('GET', '/api/v1/me')).json;
  assert.deepEqual([me.name, me.grants.map((g) => g.role)], ['admin', ['administrator', 'operator']]);
  assert.equal((await s.api('GET', `/api/v1/users/${boss.id}`)).json.name, 'boss');
});

test('a server that dies leaves no memory behind', async (t) => {
  const s = await serve(t);
  assert.match(readFileSync(`/proc/${s.child.pid}/limits`, 'utf8'), /^Max core file size +0 /m);
});

test('the file with the first token goes with the user it is of', async (t) => {
  const dir = temporary(t);
  const s = await serve(t, { dir });
  await s.api('POST', '/api/v1/users', { name: 'boss', grants: [{ role: 'administrator' }, { role: 'operator' }] });
  await s.api('POST', '/api/v1/users', { name: 'eva', grants: [{ role: 'reader' }] });
  const token = (await s.api('POST', '/api/v1/tokens', { user: 'boss' })).json.token;
  assert.equal((await s.api('DELETE', '/api/v1/users/eva', undefined, { token })).status, 204);
  assert.equal(existsSync(join(dir, 'admin.token')), true);
  assert.equal((await s.api('DELETE', '/api/v1/users/admin', undefined, { token })).status, 204);
  assert.equal(existsSync(join(dir, 'admin.token')), false);
});

test('a start makes no second token once the audit log has forgotten the first', async (t) => {
  const dir = temporary(t);
  let s = await serve(t, { dir });
  const first = readFileSync(join(dir, 'admin.token'), 'utf8');
  await s.stop();
  execFileSync('python3', ['-c', "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('delete from audit'); c.commit()", join(dir, 'raccord.db')]);
  s = await serve(t, { dir });
  assert.equal(readFileSync(join(dir, 'admin.token'), 'utf8'), first);
  assert.equal((await s.api('GET', '/api/v1/tokens')).json.value.length, 1);
});

// Runs a command on a pseudo-terminal: {status, output}. feed is typed once a question stands there.
const python = `
import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[2], sys.argv[2:])
out, feed = b'', sys.argv[1].encode()
while True:
    if not select.select([fd], [], [], 30)[0]: os.kill(pid, 9); break
    try: d = os.read(fd, 4096)
    except OSError: break
    if not d: break
    out += d
    if feed and b'[y/N] ' in out: os.write(fd, feed); feed = b''
sys.stdout.buffer.write(out)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
const terminal = (args, { feed = '', env = {} } = {}) => new Promise((ok) => {
  const { NO_COLOR, ...rest } = process.env;
  const child = spawn('python3', ['-c', python, feed, binary, ...args], { env: { ...rest, ...env } });
  let output = '';
  child.stdout.on('data', (d) => { output += d; });
  child.on('close', (status) => ok({ status, output }));
});

test('on a terminal: colours unless NO_COLOR, progress that gives way, questions that are asked', async (t) => {
  const quai = join(root, 'examples/quai');
  let r = await terminal(['validate', quai]);
  assert.match(r.output, /\u001b\[1;33mwarning\u001b\[0m/);
  r = await terminal(['validate', quai], { env: { NO_COLOR: '1' } });
  assert.doesNotMatch(r.output, /\u001b\[[0-9;]*m/);
  r = await terminal(['validate', quai, '--format', 'json']);
  assert.doesNotMatch(r.output, /\u001b\[[0-9;]*m/);
  const s = await serve(t), env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  r = await terminal(['connector', 'create', quai, join(root, 'examples/tugs')], { env });
  assert.match(r.output, /\r\u001b\[Kregistering 0\/2 \S+\r\u001b\[Kshared_quai/);
  const id = /shared_quai-20nord-[0-9a-f]{16}/.exec(r.output)[0];
  await raccord(['connection', 'create', id, 'api_key=k'], { env });
  r = await terminal(['connector', 'delete', id], { env, feed: 'n\n' });
  assert.equal(r.status, 4);
  assert.match(r.output, /and the 1 connection made with it\? \[y\/N\]/);
  r = await terminal(['connector', 'delete', id], { env, feed: 'y\n' });
  assert.equal(r.status, 0);
  assert.match(r.output, /deleted, 1 connection with it/);
});

test('workflows of another group; one that is refused keeps no other back', async (t) => {
  const s = await serve(t), dir = temporary(t), env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  await s.api('PUT', '/api/v1/groups/dock', {});
  const json = async (...words) => { const r = await raccordJson(words, { env }); assert.equal(r.status, 0, r.stderr); return r.json; };
  const flow = (body, extra = {}) => ({ definition: { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http' } }, actions: { Say: { type: 'Compose', inputs: body } }, ...extra }, kind: 'Stateful' });
  mkdirSync(join(dir, 'hello'));
  const file = join(dir, 'hello/workflow.json');
  writeFileSync(file, JSON.stringify(flow('@triggerBody()')));
  assert.equal((await json('workflow', 'create', file, '-g', 'dock')).name, 'hello');
  assert.equal((await json('workflow', 'show', 'hello', '-g', 'dock')).state, 'Enabled');
  assert.equal((await json('workflow', 'download', 'hello', '-g', 'dock', '-o', join(dir, 'back.json'))).path, join(dir, 'back.json'));
  assert.ok((await json('workflow', 'callback', 'hello', '-g', 'dock')).value.includes('sig='));
  const run = await json('workflow', 'run', 'hello', 'a=1', '-g', 'dock');
  assert.equal(run.status, 'Succeeded');
  assert.equal((await json('runs', 'list', 'hello', '-g', 'dock')).value.length, 1);
  assert.equal((await raccord(['runs', 'list', 'hello'], { env })).status, 1);
  // an app: the one with a mistake is told, the others are there
  const app = join(dir, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'host.json'), '{"version": "2.0"}');
  for (const [name, doc] of [['a', flow('x')], ['b', flow('x', { actions: { Wrong: { type: 'Compose', inputs: '@nonsense(' } } })], ['c', flow('y')]]) {
    mkdirSync(join(app, name));
    writeFileSync(join(app, name, 'workflow.json'), JSON.stringify(doc));
  }
  const r = await raccord(['workflow', 'create', app], { env });
  assert.equal(r.status, 1);
  assert.match(r.stderr, /nonsense/);
  assert.deepEqual((await json('workflow', 'list', '-g', 'default')).value.map((w) => w.name).sort(), ['a', 'c']);
  // what comes from elsewhere stays text
  writeFileSync(file, JSON.stringify(flow('x', { actions: { Stop: { type: 'Terminate', inputs: { runStatus: 'Failed', runError: { code: 'E', message: 'bad \u001b[2J end' } } } } })));
  await json('workflow', 'create', file, '--name', 'rude');
  const shown = await raccord(['workflow', 'run', 'rude'], { env });
  assert.equal(shown.status, 1);
  assert.match(shown.stdout, /bad \?\[2J end/);
});

test('the wrong kind of folder, a misspelt setting, a role there is not: each says what there is', async (t) => {
  const s = await serve(t), cli = (...args) => raccord(args, { env: { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token } });
  const flow = await cli('connector', 'create', join(root, 'examples/flow')), connector = await cli('workflow', 'create', join(root, 'examples/quai'));
  assert.equal(flow.status, 3);
  assert.match(flow.stderr, /\n {4}It holds a workflow: raccord workflow create .*examples\/flow\n$/);
  assert.equal(connector.status, 3);
  assert.match(connector.stderr, /examples\/quai holds no workflow but a connector; `raccord connector create` registers it/);
  const setting = await raccord(['config', 'workflow.retenton']);
  assert.equal(setting.status, 2);
  assert.match(setting.stderr, /there is no setting workflow\.retenton\n {4}Did you mean workflow\.retention\?/);
  assert.match((await cli('user', 'create', 'ada', '--role', 'makr')).stderr, /"makr" is not one of the 5 allowed values: .*maker/);
});
