// Live calls against mocks that check what they are sent: corpus connectors, drawn by seed, behind
// @stoplight/prism-cli. Every operation for which prism answers 2xx to swagger-client's request must
// answer 2xx to ours; the rest is attributed. RACCORD_PRISM=40 draws forty (a few minutes); CI draws three.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { argumentsFor, operations, random, readDefinition } from './lib/arguments.mjs';
import { corpus, freePort, raccord, temporary } from './lib/raccord.mjs';

const SEED = process.env.RACCORD_SEED ?? 'quai';
const COUNT = Number(process.env.RACCORD_PRISM ?? 3);
const here = dirname(fileURLToPath(import.meta.url));

async function mock(t, file, port) {
  const child = spawn(process.execPath, [join(here, 'node_modules/@stoplight/prism-cli/dist/index.js'), 'mock', '-p', String(port), '-v', 'error', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (d) => { log += d; });
  child.stderr.on('data', (d) => { log += d; });
  t.after(() => child.kill('SIGKILL'));
  for (let i = 0; i < 1200; i++) {
    if (child.exitCode !== null) return { error: log.slice(-300) };
    const up = await new Promise((ok) => {
      const req = http.get({ host: '127.0.0.1', port, path: '/', timeout: 10000 }, (res) => { res.resume(); ok(true); });
      req.on('error', () => ok(false));
      req.on('timeout', () => req.destroy());
    });
    if (up) return { child };
    await new Promise((ok) => setTimeout(ok, 100));
  }
  child.kill('SIGKILL');
  return { error: 'prism did not listen within two minutes' };
}

// Values for every connection parameter, so that no policy and no scheme lacks one.
function connectionFor(properties) {
  const set = properties.connectionParameterSets?.values?.[0];
  const parameters = { ...properties.connectionParameters, ...set?.parameters };
  const values = {};
  for (const [name, p] of Object.entries(parameters)) {
    if (String(p?.type).toLowerCase() === 'gatewaysetting') continue;
    const allowed = p?.uiDefinition?.constraints?.allowedValues ?? p?.allowedValues;
    values[name] = Array.isArray(allowed) && allowed.length ? allowed[0].value ?? allowed[0] : 'value1';
  }
  return set ? { set: set.name, values } : values;
}

function send(request, port) {
  return new Promise((ok) => {
    const url = new URL(request.url);
    const headers = { ...request.headers };
    let body = request.body;
    const finish = (payload) => {
      if (payload !== undefined) headers['content-length'] = Buffer.byteLength(payload);
      const req = http.request({ host: '127.0.0.1', port, method: request.method, path: request.url.slice(url.origin.length), headers }, (res) => {
        const chunks = [];
        res.on('data', (d) => chunks.push(d));
        res.on('end', () => ok({ status: res.statusCode, text: Buffer.concat(chunks).toString() }));
      });
      req.on('error', (e) => ok({ status: 0, text: e.message }));
      req.end(payload);
    };
    if (body instanceof FormData) {
      const r = new Response(body);
      headers['Content-Type'] = r.headers.get('content-type');
      r.arrayBuffer().then((b) => finish(Buffer.from(b)));
    } else finish(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

async function theirStatus(SwaggerClient, root, op, parameters, port) {
  const { parameters: _p, ...operation } = op.operation;
  const spec = { ...root, host: `127.0.0.1:${port}`, basePath: '/', schemes: ['http'],
    paths: { [op.path]: { [op.method]: { ...operation, operationId: 'it', parameters: op.parameters.map((p) => structuredClone(p)) } } } };
  const plain = {};
  for (const p of op.parameters) {
    const v = parameters[p.name];
    if (v !== undefined) plain[`${p.in}.${p.name}`] = v && v.$content !== undefined ? new Blob([Buffer.from(v.$content, 'base64')], { type: 'text/plain' }) : v;
  }
  const authorized = {};
  for (const [name, s] of Object.entries(root.securityDefinitions ?? {}))
    authorized[name] = s.type === 'basic' ? { username: 'u', password: 'p' } : s.type === 'apiKey' ? 'value1' : { token: { access_token: 'value1' } };
  try {
    const consumes = op.operation.consumes ?? root.consumes;
    return await send(SwaggerClient.buildRequest({ spec, ...(consumes?.length ? {} : { requestContentType: op.parameters.some((p) => p.type === 'file') ? 'multipart/form-data' : op.parameters.some((p) => p.in === 'formData') ? 'application/x-www-form-urlencoded' : 'application/json' }), operationId: 'it', parameters: plain, securities: { authorized, specSecurity: root.security ?? [] } }), port);
  } catch (e) { return { status: 0, text: 'swagger-client: ' + e.message }; }
}

async function connector(t, SwaggerClient, dir, name, tally) {
  const root = readDefinition(join(dir, name, 'apiDefinition.swagger.json'));
  let properties = {};
  try { properties = readDefinition(join(dir, name, 'apiProperties.json')).properties ?? {}; } catch { /* alone */ }
  const port = await freePort(), work = join(temporary(t), 'c');
  mkdirSync(work);
  // the same connector, pointed at the mock: only what decides the host is taken out, and scripts
  const moved = { ...root, host: `127.0.0.1:${port}`, basePath: '/', schemes: ['http'] };
  const kept = { ...properties, policyTemplateInstances: (properties.policyTemplateInstances ?? []).filter((p) => !/^dynamic/i.test(p.templateId)) };
  delete kept.scriptOperations;
  delete kept.script;
  writeFileSync(join(work, 'apiDefinition.swagger.json'), JSON.stringify(moved));
  writeFileSync(join(work, 'apiProperties.json'), JSON.stringify({ properties: kept }));
  const file = join(work, 'apiDefinition.swagger.json');
  let up = await mock(t, file, port);
  if (up.error) { tally.unmockable.push(`${name}: ${up.error.replace(/\s+/g, ' ').slice(0, 160)}`); return; }

  const accepted = [], good = (s) => s >= 200 && s < 300;
  for (const op of operations(root)) {
    const parameters = argumentsFor(root, op, random(`${SEED} ${name} ${op.id}`));
    if (up.child.exitCode !== null) { tally.died++; up = await mock(t, file, port); }
    if (up.error) break;
    const their = await theirStatus(SwaggerClient, moved, op, parameters, port);
    tally.operations++;
    if (good(their.status)) { tally.theirs++; accepted.push({ op, parameters }); }
    else { const why = their.status || their.text.slice(0, 60); tally.refused[why] = (tally.refused[why] ?? 0) + 1; }
    if (!good(their.status) && process.env.RACCORD_SHOW) console.log(name, op.id, their.status, their.text.slice(0, 300));
  }
  if (up.child.exitCode !== null) up = await mock(t, file, port);
  const connection = connectionFor(properties), batch = join(work, 'batch.jsonl');
  writeFileSync(batch, accepted.map(({ op, parameters }, id) => JSON.stringify({ id, source: work, operationId: op.id, parameters, connection })).join('\n'));
  const { stdout, stderr } = await raccord(['call', '--batch', batch, '--format', 'json']);
  const ours = stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
  assert.equal(ours.length, accepted.length, stderr);
  for (const [i, { op, parameters }] of accepted.entries()) {
    if (good(ours[i].response?.statusCode)) { tally.both++; continue; }
    const policies = kept.policyTemplateInstances.filter((p) => { const n = p.parameters?.['x-ms-apimTemplate-operationName']; return !Array.isArray(n) || !n.length || n.includes(op.id); });
    const why = ours[i].error ? ours[i].error.code + ': ' + ours[i].error.message : `${ours[i].response.statusCode} ${JSON.stringify(ours[i].response.body ?? '').slice(0, 400)}`;
    if (ours[i].response?.statusCode === 401 && Object.keys(connection.values ?? connection).length === 0)
      tally.policy.push(`${name} ${op.id}: the definition asks for credentials, its properties collect none: ${why}`);
    else if (policies.some((p) => /^(routerequest|set|convert|string|move|encode)/i.test(p.templateId))) tally.policy.push(`${name} ${op.id}: ${why}`);
    else tally.failed.push(`${name} ${op.id} ${op.method} ${op.path}: ${why} | arguments ${JSON.stringify(parameters).slice(0, 300)}`);
  }
  up.child.kill('SIGKILL');
}

test('what prism accepts from swagger-client it accepts from us', { timeout: 1800000 }, async (t) => {
  const dir = corpus('connectors');
  if (!dir) return;
  const { default: SwaggerClient } = await import('swagger-client');
  const names = readdirSync(dir).sort().filter((n) => { try { return Object.keys(readDefinition(join(dir, n, 'apiDefinition.swagger.json')).paths ?? {}).length > 0; } catch { return false; } });
  const r = random(SEED), drawn = [];
  while (drawn.length < Math.min(COUNT, names.length)) {
    const name = r.pick(names);
    if (!drawn.includes(name)) drawn.push(name);
  }
  const tally = { operations: 0, theirs: 0, both: 0, died: 0, refused: {}, failed: [], policy: [], unmockable: [] };
  for (const name of drawn) await connector(t, SwaggerClient, dir, name, tally);
  t.diagnostic(`${drawn.length} connectors, ${tally.operations} operations: 2xx to swagger-client ${tally.theirs}, to both ${tally.both}; else to swagger-client: ${JSON.stringify(tally.refused)}; prism died ${tally.died} times`);
  for (const u of tally.unmockable) t.diagnostic('prism cannot mock ' + u);
  for (const p of tally.policy) t.diagnostic('attributed to the connector: ' + p);
  for (const f of tally.failed) t.diagnostic('FAILED ' + f);
  assert.equal(tally.failed.length, 0, `${tally.failed.length} operations that prism accepts from swagger-client only; the first: ${tally.failed[0]}`);
});
