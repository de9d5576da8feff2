// Every operation of the corpus becomes a request from generated arguments, and where no request policy
// and no script applies, it is the request swagger-client builds, apart from the differences listed in
// `rules`, each of which follows from a sentence of the specification. A difference without a rule fails.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { argumentsFor, operations, random, readDefinition } from './lib/arguments.mjs';
import { corpus, raccordJson, temporary } from './lib/raccord.mjs';

const SEED = process.env.RACCORD_SEED ?? 'quai';
const decode = (s) => { try { return decodeURIComponent(s); } catch { return s; } };
const same = (x, y) => { try { assert.deepEqual(x, y); return true; } catch { return false; } };
const media = (t) => String(t ?? '').split(';')[0].trim().toLowerCase();

// What both sides look like: {method, base, path, query: [[name, value]], headers: {lower: value}, body}.
function split(url) {
  const [, base, rest] = /^([a-z]+:\/\/[^/?]*)(.*)$/is.exec(url) ?? [null, '', url];
  const at = rest.indexOf('?');
  return { base, path: at < 0 ? rest : rest.slice(0, at), query: at < 0 ? [] : rest.slice(at + 1).split('&').map((kv) => kv.split(/=(.*)/s).slice(0, 2)) };
}

async function theirs(SwaggerClient, root, op, parameters) {
  const own = op.parameters.map((p) => structuredClone(p));
  const { parameters: _p, ...operation } = op.operation;
  const spec = {
    swagger: '2.0', info: root.info, host: root.host, basePath: root.basePath ?? root.basepath, schemes: root.schemes, consumes: root.consumes,
    produces: root.produces, paths: { [op.path]: { [op.method]: { ...operation, operationId: 'it', parameters: own } } },
  };
  const plain = {};
  for (const p of own) { // files as text, bodies as they are; two places for one name get the same value
    const v = parameters[p.name];
    if (v === undefined) continue;
    plain[`${p.in}.${p.name}`] = v && v.$content !== undefined ? Buffer.from(v.$content, 'base64').toString() : v;
  }
  const req = SwaggerClient.buildRequest({ spec, operationId: 'it', parameters: plain });
  let body = req.body;
  if (typeof FormData !== 'undefined' && body instanceof FormData) body = { form: await Promise.all([...body.entries()].map(async ([k, v]) => [k, typeof v === 'string' ? v : await v.text()])) };
  return { method: req.method, ...split(req.url), headers: Object.fromEntries(Object.entries(req.headers).map(([k, v]) => [k.toLowerCase(), v])), body };
}

function ours(request) {
  let body = request.body;
  if (body && body.$multipart) body = { form: body.$multipart.map((p) => [p.name, typeof p.body === 'string' ? p.body : Buffer.from(p.body.$content, 'base64').toString()]), parts: body.$multipart };
  else if (body && body.$content !== undefined) body = Buffer.from(body.$content, 'base64').toString();
  return { method: request.method, ...split(request.url), headers: Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k.toLowerCase(), v])), body };
}

// rule -> how it explains a difference of one part. Each returns true when the difference is that and no more.
const rules = {
  // §6.3 path: every {name} is replaced, percent-encoded once (or twice), whatever the value looks like.
  'path-value-encoded': (c) => c.part === 'path' && decode(c.our.path) === decode(c.their.path),
  'path-double-encoding': (c) => c.part === 'path' && c.op.parameters.some((p) => p['x-ms-url-encoding'] === 'double') && decode(decode(c.our.path)) === decode(decode(c.their.path)),
  // swagger-client leaves a template that it cannot parse (blanks, colons in names) as it is.
  'path-template-resolved': (c) => c.part === 'path' && /\{[^}]*\}/.test(decode(c.their.path)) && !/\{/.test(c.our.path),
  // the same for collection values inside a path: csv by collectionFormat
  'path-array-csv': (c) => c.part === 'path' && c.op.parameters.some((p) => p.in === 'path' && p.type === 'array'),
  // §6.3 basePath: trailing slashes trimmed, doubled slashes inside a path kept, no host-less URL
  'base-path': (c) => c.part === 'path' && decode(c.our.path).replace(/\/+/g, '/') === decode(c.their.path).replace(/\/+/g, '/'),
  // §2.2 schemes: https when listed; §2.2 host as written
  'scheme-preferred': (c) => c.part === 'base' && c.our.base.toLowerCase().split('://')[1] === c.their.base.toLowerCase().split('://')[1],
  // §6.3 query: order of definition; §6.2 an optional default is not sent; empty or false values that were given are.
  'query-order': (c) => c.part === 'query' && same([...c.our.query].sort(), [...c.their.query].sort()),
  'query-optional-default': (c) => c.part === 'query' && subset(c, 'query') && missing(c, 'query').every(([k]) => optionalDefault(c, 'query', k)),
  'query-given-falsy': (c) => c.part === 'query' && extra(c, 'query').every(([k]) => !byName(c, 'query', k) || c.parameters[decode(k)] === '' || c.parameters[decode(k)] === false || c.parameters[decode(k)] === 0),
  // §6.2 coercion: a default or enum value of the wrong JSON type is made right; defaults are text on the wire
  'query-object-as-json': (c) => c.part === 'query' && c.op.parameters.some((p) => p.in === 'query' && typeof c.parameters[p.name] === 'object'),
  // a query key already in the path template's own query string
  'headers-optional-default': (c) => c.part === 'headers' && c.only.every((h) => optionalDefault(c, 'header', h)),
  // §6.3 header: text, trimmed; csv arrays; never Host and its like
  'headers-text': (c) => c.part === 'headers' && c.only.every((h) => String(c.our.headers[h] ?? '').trim() === String(c.their.headers[h] ?? '').trim()),
  'headers-refused': (c) => c.part === 'headers' && c.only.every((h) => /^(host|content-length|te|transfer-encoding|upgrade|connection|trailer|keep-alive|proxy-.*)$/.test(h)),
  // §6.3 Accept: joined produces, else "application/json, */*;q=0.1"; an Accept parameter replaces it
  'accept': (c) => c.part === 'accept' && (byHeader(c, 'accept') || c.their.headers.accept === undefined || !Array.isArray(c.op.operation.produces)),
  // §6.3 Content-Type: compatible with the value; default JSON; a Content-Type header parameter wins
  'content-type-parameter': (c) => c.part === 'content-type' && byHeader(c, 'content-type'),
  'content-type-none-without-body': (c) => c.part === 'content-type' && c.our.body === undefined && c.our.headers['content-type'] === undefined,
  'content-type-default': (c) => c.part === 'content-type' && c.our.headers['content-type'] === 'application/json; charset=utf-8' && !compatible(c).length,
  'content-type-compatible': (c) => c.part === 'content-type' && compatible(c)[0] !== undefined && media(compatible(c)[0]) === media(c.our.headers['content-type']),
  'content-type-envelope': (c) => c.part === 'content-type' && Object.values(c.parameters).some((v) => v?.$content) && media(c.our.headers['content-type']) === 'text/plain',
  'content-type-file-needs-multipart': (c) => c.part === 'content-type' && media(c.our.headers['content-type']) === 'multipart/form-data' && c.op.parameters.some((p) => p.in === 'formData' && (p.type === 'file' || p.format === 'binary')),
  'content-type-form-default': (c) => c.part === 'content-type' && c.op.parameters.some((p) => p.in === 'formData') && media(c.our.headers['content-type']) === 'application/x-www-form-urlencoded',
  // §6.3 form-urlencoded: space as +; multipart for files; order of definition; optional defaults not sent
  'form-blank-as-plus': (c) => c.part === 'body' && typeof c.our.body === 'string' && typeof c.their.body === 'string' && same(fields(c.our.body), fields(c.their.body)),
  'form-shape': (c) => c.part === 'body' && c.op.parameters.some((p) => p.in === 'formData') && same(formOf(c, c.our.body), formOf(c, c.their.body)),
  'body-object-as-form': (c) => c.part === 'body' && /urlencoded|multipart/.test(c.our.headers['content-type']) && c.their.body && typeof c.their.body === 'object',
  // §6.2 required defaults inside a body; read-only left out; text coerced to the declared type
  'body-required-defaults': (c) => c.part === 'body' && c.our.body && typeof c.our.body === 'object' && covers(c.our.body, c.their.body ?? {}),
  'body-coerced': (c) => c.part === 'body' && loose(c.our.body, c.their.body),
};

const has = (pairs, [k, v]) => pairs.some(([x, y]) => x === k && y === v);
const missing = (c, w) => c.their[w].filter((kv) => !has(c.our[w], kv));
const extra = (c, w) => c.our[w].filter((kv) => !has(c.their[w], kv));
const subset = (c, w) => extra(c, w).length === 0;
const byName = (c, where, name) => c.op.parameters.find((p) => p.in === where && (p.name === decode(name) || (where === 'header' && p.name.toLowerCase().trim() === name)));
const byHeader = (c, name) => byName(c, 'header', name) !== undefined;
function optionalDefault(c, where, name) {
  const p = byName(c, where, name);
  return p !== undefined && !p.required && p.default !== undefined && c.parameters[p.name] === undefined;
}
function compatible(c) {
  const body = c.op.parameters.find((p) => p.in === 'body');
  const consumes = c.op.operation.consumes ?? c.root.consumes ?? [];
  const v = body && c.parameters[body.name];
  const json = (t) => /^(application|text)\/json$|\+json$/.test(t);
  return consumes.filter((t) => { t = media(t); return !t.includes('*') && (typeof v === 'string' ? t !== 'multipart/form-data' : json(t) || (v && !Array.isArray(v) && typeof v === 'object' && /urlencoded|multipart/.test(t))); });
}
const fields = (s) => s.split('&').map((kv) => kv.split('=').map((x) => decode(x.replace(/\+/g, ' '))));
function formOf(c, body) {
  const pairs = body?.form ?? (typeof body === 'string' ? fields(body) : []);
  return pairs.filter(([k, v]) => !optionalDefault(c, 'formData', k) && v !== '').map(([k, v]) => [k, String(v)]).sort();
}
const covers = (big, small) => small !== null && typeof small === 'object' ? big !== null && typeof big === 'object' && Object.entries(small).every(([k, v]) => covers(big[k], v)) : loose(big, small);
function loose(x, y) {
  if (x === y) return true;
  if (x === null || y === null || x === undefined || y === undefined) return false;
  if (Array.isArray(x) && Array.isArray(y)) return x.length === y.length && x.every((v, i) => loose(v, y[i]));
  if (typeof x === 'object' && typeof y === 'object') return same(Object.keys(x).sort(), Object.keys(y).sort()) && Object.keys(x).every((k) => loose(x[k], y[k]));
  if (typeof x === 'string') return x === (typeof y === 'object' ? JSON.stringify(y) : String(y));
  return String(x) === String(y);
}

function* differences(c) {
  const { our, their } = c;
  if (our.method !== their.method) yield { part: 'method' };
  if (our.base !== their.base) yield { part: 'base' };
  if (our.path !== their.path) yield { part: 'path' };
  if (!same(our.query, their.query)) yield { part: 'query' };
  if (our.headers.accept !== their.headers.accept) yield { part: 'accept' };
  if (our.headers['content-type'] !== their.headers['content-type']) yield { part: 'content-type' };
  const own = ['accept', 'content-type', 'user-agent', 'x-ms-client-request-id'];
  const only = [...new Set([...Object.keys(our.headers), ...Object.keys(their.headers)])].filter((h) => !own.includes(h) && our.headers[h] !== String(their.headers[h]));
  if (only.length) yield { part: 'headers', only };
  const { parts, ...plain } = our.body && our.body.form ? our.body : {};
  if (!same(our.body && our.body.form ? plain : our.body, their.body)) yield { part: 'body' };
}

function policyApplies(properties, id) {
  for (const p of properties.policyTemplateInstances ?? []) {
    const names = p.parameters?.['x-ms-apimTemplate-operationName'];
    if (!Array.isArray(names) || names.length === 0 || names.includes(id)) return true;
  }
  const scripts = properties.scriptOperations ?? properties.script?.operationIds;
  return Array.isArray(scripts) && (scripts.length === 0 || scripts.includes(id));
}

test('every operation of the corpus is built, as swagger-client builds it', async (t) => {
  const dir = corpus('connectors');
  if (!dir) return;
  const { default: SwaggerClient } = await import('swagger-client');
  const lines = [], known = new Map();
  let connectors = 0;
  for (const name of readdirSync(dir).sort()) {
    let root, properties = {};
    try { root = readDefinition(join(dir, name, 'apiDefinition.swagger.json')); } catch { continue; }
    try { properties = readDefinition(join(dir, name, 'apiProperties.json')).properties ?? {}; } catch { /* definition alone */ }
    connectors++;
    for (const op of operations(root)) {
      const id = `${name} ${op.id} ${op.method} ${op.path}`;
      const parameters = argumentsFor(root, op, random(`${SEED} ${id}`));
      known.set(id, { name, root, op, parameters, plain: !policyApplies(properties, op.id) });
      lines.push(JSON.stringify({ id, source: join(dir, name), operationId: op.id, parameters }));
    }
  }
  const file = join(temporary(t), 'batch.jsonl');
  writeFileSync(file, lines.join('\n') + '\n');
  const started = Date.now();
  const { json: answers } = await raccordJson(['call', '--dry-run', '--batch', file], { jsonl: true });
  const seconds = (Date.now() - started) / 1000;
  assert.equal(answers.length, lines.length, 'one answer a line');

  const refused = [], unknown = [], counts = {};
  let compared = 0, equal = 0;
  for (const { id, request, error } of answers) {
    const c = known.get(id);
    if (error) { refused.push(`${id}: ${error.code}: ${error.message}`); continue; }
    if (!c.plain) continue;
    let their;
    try { their = await theirs(SwaggerClient, c.root, c.op, c.parameters); } catch (e) {
      counts['swagger-client refuses: ' + e.message.replace(/parameter .* is/, 'parameter is')] = (counts['swagger-client refuses: ' + e.message.replace(/parameter .* is/, 'parameter is')] ?? 0) + 1;
      continue;
    }
    compared++;
    const x = { ...c, our: ours(request), their };
    let any = false;
    for (const d of differences(x)) {
      any = true;
      const rule = Object.keys(rules).find((k) => rules[k]({ ...x, ...d }));
      if (rule) counts[rule] = (counts[rule] ?? 0) + 1;
      else unknown.push({ id, ...d, our: x.our, their: x.their, parameters: c.parameters });
    }
    if (!any) equal++;
  }
  t.diagnostic(`${connectors} connectors, ${answers.length} operations in ${seconds.toFixed(1)} s: ${answers.length - refused.length} built, ${refused.length} refused`);
  t.diagnostic(`${compared} compared with swagger-client: ${equal} equal to the byte, differences by rule: ${JSON.stringify(counts)}`);
  for (const r of refused) t.diagnostic('refused: ' + r);
  if (process.env.RACCORD_SHOW) for (const u of unknown.slice(0, +process.env.RACCORD_SHOW)) console.log(JSON.stringify(u, null, 1));
  assert.equal(unknown.length, 0, `${unknown.length} differences without a rule, the first: ${JSON.stringify(unknown[0], null, 1)}`);
  assert.ok(refused.length <= answers.length * 0.005, `${refused.length} of ${answers.length} refused`);
});
