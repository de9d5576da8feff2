// CPU time (user and system) of the server's process per request, beside nginx doing the like:
// 64 connections, one worker each, pairs in turn. The backend is an nginx in a process of its own.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { number, pairs, row, spreadOf } from './lib/measure.mjs';
import { freePort, nginx, raccord, stop } from './lib/servers.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 3), connections = 64;
const item = '{"id":42,"sku":"RC-0042","name":"Raccord fitting 15 mm","price":12.5,"currency":"EUR","stock":{"warehouse":"LYS-1","qty":318},"tags":["brass","compression","15mm"]}';

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
    const ours = await add(raccord(dir, { workers: 1 }));
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
