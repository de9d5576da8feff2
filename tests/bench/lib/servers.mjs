// What a bench starts and stops: nginx, Raccord, and others, each on a free port of the loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { childrenOf, cpuSeconds } from './measure.mjs';

export async function freePort() {
  const s = createServer().listen(0, '127.0.0.1');
  await once(s, 'listening');
  const { port } = s.address();
  s.close();
  await once(s, 'close');
  return port;
}

export async function listening(port) {
  for (let i = 0; i < 1200; i++) { // half a minute: some servers load a lot
    const s = connect(port, '127.0.0.1');
    const ok = await new Promise((done) => { s.on('connect', () => done(true)); s.on('error', () => done(false)); });
    s.destroy();
    if (ok) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`nothing listens on ${port}`);
}

export async function nginx(dir, name, port, locations, upstream = '') {
  const prefix = join(dir, name);
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'nginx.conf'), `daemon off; worker_processes 1; pid nginx.pid; error_log error.log warn;
events { worker_connections 4096; }
http {
  access_log off; default_type application/json; keepalive_requests 100000000;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  ${upstream}
  server { listen 127.0.0.1:${port} backlog=1024; ${locations} }
}
`);
  const child = spawn('nginx', ['-p', prefix, '-c', 'nginx.conf', '-e', 'error.log'], { stdio: 'ignore' });
  await listening(port);
  return { child, url: `http://127.0.0.1:${port}`, cpu: () => cpuSeconds(child.pid) + childrenOf(child.pid).reduce((a, p) => a + cpuSeconds(p), 0) };
}

// settings: {key: value}; its data is in dir/data.
export async function raccord(dir, settings = {}, port = 0) {
  const child = spawn(process.env.RACCORD, ['serve', '--data', join(dir, 'data'), '--listen', `127.0.0.1:${port}`, '--format', 'json', '--set', 'egress.allow=127.0.0.0/8', ...Object.entries(settings).flatMap(([k, v]) => ['--set', `${k}=${v}`])], { stdio: ['ignore', 'pipe', 'ignore'] });
  const line = await new Promise((ok, fail) => {
    let text = '';
    child.stdout.on('data', (d) => { text += d; if (text.includes('\n')) ok(text); });
    child.on('exit', (c) => fail(new Error(`serve ended with ${c}`)));
  });
  return { child, url: JSON.parse(line).url, cpu: () => cpuSeconds(child.pid) };
}

export const stop = async (s) => { s.child.removeAllListeners('exit'); s.child.kill('SIGTERM'); await once(s.child, 'exit'); };

// PUT, then the signed URL of its trigger.
export async function createWorkflow(server, token, name, body, kind) {
  const base = `${server.url}/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/workflows/${name}`, query = '?api-version=2019-05-01';
  const ask = async (method, path, content) => {
    const r = await fetch(base + path + query, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: content && JSON.stringify(content) });
    if (!r.ok) throw new Error(`${method} ${name}${path}: ${r.status} ${await r.text()}`);
    return r.json();
  };
  await ask('PUT', '', { location: 'local', kind, properties: { definition: body } });
  return (await ask('POST', '/triggers/manual/listCallbackUrl')).value;
}
