// CPU time (user and system) of the server's process per request, beside nginx doing the like:
// 64 connections, one worker each, pairs in turn. The backend is an nginx in a process of its own.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf, cpuSeconds, number, pairs, row, spreadOf } from './lib/measure.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 3), connections = 64;
const item = '{"id":42,"sku":"RC-0042","name":"Raccord fitting 15 mm","price":12.5,"currency":"EUR","stock":{"warehouse":"LYS-1","qty":318},"tags":["brass","compression","15mm"]}';

async function freePort() {
  const s = createServer().listen(0, '127.0.0.1');
  await once(s, 'listening');
  const { port } = s.address();
  s.close();
  await once(s, 'close');
  return port;
}

async function listening(port) {
  for (let i = 0; i < 200; i++) {
    const s = connect(port, '127.0.0.1');
    const ok = await new Promise((done) => { s.on('connect', () => done(true)); s.on('error', () => done(false)); });
    s.destroy();
    if (ok) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`nothing listens on ${port}`);
}

async function nginx(dir, name, port, locations, upstream = '') {
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

async function raccord(dir) {
  const child = spawn(process.env.RACCORD, ['serve', '--data', join(dir, 'data'), '--listen', '127.0.0.1:0', '--format', 'json', '--set', 'workers=1', '--set', 'egress.allow=127.0.0.0/8'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const line = await new Promise((ok, fail) => {
    let text = '';
    child.stdout.on('data', (d) => { text += d; if (text.includes('\n')) ok(text); });
    child.on('exit', (c) => fail(new Error(`serve ended with ${c}`)));
  });
  return { child, url: JSON.parse(line).url, cpu: () => cpuSeconds(child.pid) };
}

const stop = async (s) => { s.child.removeAllListeners('exit'); s.child.kill('SIGTERM'); await once(s.child, 'exit'); };

// Microseconds of the server's CPU per request.
async function load(server, path, headers = {}) {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, ...Object.entries(headers).flatMap(([k, v]) => ['-H', `${k}: ${v}`]), server.url + path];
  const before = server.cpu();
  const out = await new Promise((ok, fail) => execFile('wrk', args, (e, text) => (e ? fail(e) : ok(text))));
  const used = server.cpu() - before;
  if (/Non-2xx|Socket errors/.test(out)) throw new Error(`${path}: ${out}`);
  return (used * 1e6) / Number(/(\d+) requests in/.exec(out)[1]);
}

function definition(host) {
  return {
    swagger: '2.0', info: { title: 'Bench', version: '1.0', description: 'Fittings.' }, host, basePath: '/', schemes: ['http'],
    securityDefinitions: { api_key: { type: 'apiKey', in: 'header', name: 'X-Key' } }, security: [{ api_key: [] }],
    paths: { '/items/{id}': { get: { operationId: 'GetItem', summary: 'Get an item', produces: ['application/json'],
      parameters: [{ name: 'id', in: 'path', type: 'string', required: true, 'x-ms-url-encoding': 'single' }],
      responses: { 200: { description: 'OK', schema: { type: 'object' } } } } } },
  };
}
const properties = { properties: {
  iconBrandColor: '#1b5e7a',
  connectionParameters: { api_key: { type: 'securestring', uiDefinition: { displayName: 'Key', description: 'Key', tooltip: 'Key', constraints: { required: 'true' } } } },
  policyTemplateInstances: [
    { templateId: 'setheader', title: 'Header', parameters: { 'x-ms-apimTemplateParameter.name': 'X-Client', 'x-ms-apimTemplateParameter.value': 'bench', 'x-ms-apimTemplateParameter.existsAction': 'override', 'x-ms-apimTemplate-policySection': 'Request' } },
    { templateId: 'setqueryparameter', title: 'Query', parameters: { 'x-ms-apimTemplateParameter.name': 'api-version', 'x-ms-apimTemplateParameter.value': '2', 'x-ms-apimTemplateParameter.existsAction': 'override', 'x-ms-apimTemplate-policySection': 'Request' } },
  ],
} };

async function post(server, token, path, body) {
  const r = await fetch(server.url + path, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await r.text();
  if (r.status !== 201) throw new Error(`${path}: ${r.status} ${text}`);
  return JSON.parse(text);
}

async function compare(measure, bar, ours, theirs) {
  await ours(); // caches, connections
  await theirs();
  const p = await pairs(ours, theirs, Number(process.env.BENCH_PAIRS ?? 7));
  row({ measure, ours: `${number(p.ours)} us`, reference: `${number(p.theirs)} us`, value: p.ratio, spread: spreadOf(p), bar: { most: bar } });
}

export async function run() {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-'));
  const running = [];
  const add = async (s) => { running.push(await s); return running.at(-1); };
  try {
    const port = await freePort();
    await add(nginx(dir, 'backend', port, `location / { return 200 '${item}'; }`));
    const front = await add(nginx(dir, 'front', await freePort(), "location = /healthz { return 200 'ok\\n'; } location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection \"\"; }",
      `upstream backend { server 127.0.0.1:${port}; keepalive 128; keepalive_requests 100000000; }`));
    const ours = await add(raccord(dir));
    const token = readFileSync(join(dir, 'data/admin.token'), 'utf8').trim(), auth = { authorization: `Bearer ${token}` };
    const connector = await post(ours, token, '/api/v1/connectors', { displayName: 'Bench', definition: definition(`127.0.0.1:${port}`), properties });
    const connection = await post(ours, token, '/api/v1/connections', { connectorId: connector.id, parameterValues: { api_key: 'sesame' } });
    const gateway = new URL(connection.runtimeUrl).pathname;
    const check = await fetch(`${ours.url}${gateway}/items/42`, { headers: auth });
    if (check.status !== 200 || (await check.text()) !== item) throw new Error(`the gateway answers ${check.status}`);

    await compare('small GET `/healthz`, CPU per request, 64 connections, beside nginx `return 200`', 1.2, () => load(ours, '/healthz'), () => load(front, '/healthz'));
    await compare('one connector by id with a token, the same', 2.5, () => load(ours, `/api/v1/connectors/${connector.id}`, auth), () => load(front, '/healthz'));
    await compare('gateway call (API key, two policies, path parameter), CPU per request, 64 connections, beside nginx `proxy_pass` with keep-alive', 2, () => load(ours, `${gateway}/items/42`, auth), () => load(front, '/items/42'));
  } finally {
    for (const s of running) await stop(s);
    rmSync(dir, { recursive: true, force: true });
  }
}
