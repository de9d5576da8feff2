// What black-box tests share: run the command line, start and stop a server, temporary folders, waiting.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const binary = process.env.RACCORD ?? join(root, 'build/raccord');
export const data = join(root, 'tests/data');

// The public corpus, or undefined: then says so once and the caller skips.
export function corpus(part) {
  const dir = join(process.env.RACCORD_CORPUS ?? join(root, '../shared/corpus'), part);
  if (existsSync(dir)) return dir;
  console.log(`corpus ${part} is not at hand (RACCORD_CORPUS): its tests did not run`);
  return undefined;
}

// Waits until check() answers something true, and answers that. No outcome depends on `within`: it only ends a test that
// fails, so it is far more than a busy machine needs.
export async function until(what, check, { within = 120000, every = 20 } = {}) {
  for (const end = performance.now() + within; ;) {
    const v = await check();
    if (v) return v;
    assert.ok(performance.now() < end, `${what} did not come to pass`);
    await new Promise((ok) => setTimeout(ok, every));
  }
}

// A binary whose sanitizer needs what the system otherwise confines.
export const sanitized = () => /__[at]san_init/.test(readFileSync(binary, 'latin1'));

const environment = (extra) => {
  const { RACCORD_SERVER, RACCORD_TOKEN, ...rest } = process.env;
  return { ...rest, NO_COLOR: '1', ...extra };
};

// Runs `raccord ARGS`, waits for its end: {status, signal, stdout, stderr}. A hang is killed. `measured`: with `cpu`, the
// milliseconds of processor time it took (a fifth of them with a sanitizer): they do not depend on who else is at work.
export async function raccord(args, { input, env, cwd, timeout = 300000, encoding = 'utf8', measured = false } = {}) {
  const child = spawn(measured ? 'sh' : binary, [...(measured ? ['-c', '"$0" "$@"; s=$?; times >&2; exit $s', binary] : []), ...args], { env: environment(env), cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const out = [], err = [];
  child.stdout.on('data', (d) => out.push(d));
  child.stderr.on('data', (d) => err.push(d));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  const [status, signal] = await once(child, 'close');
  clearTimeout(timer);
  const text = (chunks) => (encoding ? Buffer.concat(chunks).toString(encoding) : Buffer.concat(chunks));
  const r = { status, signal, stdout: text(out), stderr: Buffer.concat(err).toString() };
  return measured ? { ...r, cpu: cpuOf(r.stderr) } : r;
}

// What `times` of a shell says of its children, last.
function cpuOf(text) {
  const [m, s, systemM, systemS] = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\n$/.exec(text).slice(1).map(Number);
  return ((m + systemM) * 60 + s + systemS) * 1000 / (sanitized() ? 5 : 1);
}

// The same with --format json: {..., json} (or jsonl: true for JSON Lines -> array).
export async function raccordJson(args, options = {}) {
  const r = await raccord([...args, '--format', 'json'], options);
  try {
    r.json = options.jsonl ? r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)) : JSON.parse(r.stdout);
  } catch (e) {
    throw new Error(`no JSON on stdout (status ${r.status}): ${r.stdout.slice(0, 500)}\n${r.stderr.slice(0, 2000)}`);
  }
  return r;
}

export function temporary(t) {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-test-'));
  t?.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// Starts `raccord serve`: {url, dir, token, child, stop(), kill(), log(), api(method, path, body, headers)}.
export async function serve(t, { dir = temporary(t), args = [], env, ready = 120000 } = {}) {
  const child = spawn(binary, ['serve', '--data', dir, '--listen', '127.0.0.1:0', '--format', 'json', ...args],
    { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (d) => { log += d; if (log.length > 1 << 20) log = log.slice(-(1 << 19)); });
  const gone = once(child, 'exit');
  const line = await new Promise((ok, fail) => {
    let text = '';
    const timer = setTimeout(() => { child.kill('SIGKILL'); fail(new Error(`no ready line in ${ready} ms\n${log}`)); }, ready);
    child.stdout.on('data', (d) => {
      text += d;
      if (text.includes('\n')) { clearTimeout(timer); ok(text.split('\n')[0]); }
    });
    gone.then(([code]) => { clearTimeout(timer); fail(new Error(`serve ended with ${code}\n${log}`)); });
  });
  const { url } = JSON.parse(line);
  const server = {
    url, dir, child,
    get token() { return readFileSync(join(dir, 'admin.token'), 'utf8').trim(); },
    log: () => log,
    // The value of a metric without labels.
    async metric(name) { return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await fetch(`${url}/metrics`)).text())[1]); },
    async stop() { if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM'); await gone; return child.exitCode; },
    async kill() { if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL'); await gone; },
    async api(method, path, body, headers = {}) {
      const json = body !== undefined && !(body instanceof Uint8Array) && typeof body !== 'string' && !(body instanceof FormData);
      const token = headers.token === undefined ? server.token : headers.token;
      const { token: _, ...rest } = headers;
      const res = await fetch(url + path, {
        method,
        headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(json ? { 'content-type': 'application/json' } : {}), ...rest },
        body: json ? JSON.stringify(body) : body,
        redirect: 'manual',
      });
      const text = await res.text();
      let parsed;
      try { parsed = JSON.parse(text); } catch { parsed = undefined; }
      return { status: res.status, headers: res.headers, text, json: parsed };
    },
  };
  // A sanitizer's complaint, or a crash, fails the test whatever it was about.
  t?.after(async () => {
    const code = await server.stop();
    if (/Sanitizer|runtime error:|raccord: bug:/.test(log)) throw new Error(`the server ended with ${code}\n${log.slice(-6000)}`);
  });
  return server;
}

// A port that nobody listens on, outside of those that the system gives to who asks for any: it stays free.
export async function freePort() {
  const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number);
  for (;;) {
    const port = 2000 + Math.floor(Math.random() * (Math.max(first, 12000) - 2000)), server = createServer();
    const free = await new Promise((ok) => { server.once('error', () => ok(false)).listen(port, '127.0.0.1', () => ok(true)); });
    if (!free) continue;
    await new Promise((ok) => server.close(ok));
    return port;
  }
}

// A backend on a free port: handler(req, res, bodyBuffer). {url, port, requests, close()}.
export async function backend(t, handler) {
  const requests = [];
  const server = createServer(async (req, res) => {
    const chunks = [];
    try { for await (const c of req) chunks.push(c); } catch { return; }
    const body = Buffer.concat(chunks);
    requests.push({ method: req.method, url: req.url, headers: req.headers, body });
    await handler(req, res, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = server.address().port;
  const close = () => { server.closeAllConnections(); return new Promise((ok) => server.close(ok)); };
  t?.after(close);
  return { url: `http://127.0.0.1:${port}`, port, requests, close };
}
