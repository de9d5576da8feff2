// raccord convert: the command's contract, and every description at hand through it and through
// another reader of OpenAPI 2.0.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync, existsSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import SwaggerParser from '@apidevtools/swagger-parser';
import { corpus, data, raccord, raccordJson, temporary } from './lib/raccord.mjs';

const fixtures = join(data, 'convert');
const postman = join(fixtures, 'quai.postman_collection.json');
const openapi = join(fixtures, 'quai.openapi.yaml');
const plain = join(fixtures, 'plain.swagger.json');

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];
const operations = (doc) => Object.entries(doc.paths).flatMap(([path, item]) =>
  methods.filter((m) => item[m]).map((m) => ({ path, method: m, ...item[m], shared: item.parameters ?? [] })));
const operation = (doc, id) => operations(doc).find((o) => o.operationId === id);
const validates = (doc) => SwaggerParser.validate(structuredClone(doc));
const convert = async (file, ...args) => (await raccordJson(['convert', '--offline', file, ...args])).json;

test('prints the document on stdout and the losses with their places on stderr', async () => {
  const r = await raccord(['convert', postman]);
  assert.equal(r.status, 0, r.stderr);
  const doc = JSON.parse(r.stdout);
  assert.equal(doc.swagger, '2.0');
  assert.ok(r.stdout.endsWith('}\n'));
  assert.match(r.stderr, /quai\.postman_collection\.json:\d+:\d+: warning: RC-PM-07: .*Get a ship/);
  assert.match(r.stderr, /: warning: RC-PM-10: /);
});

test('a Postman collection: hosts, paths, parameters, bodies, auth', async () => {
  const { source, document: doc, properties, losses } = await convert(postman);
  assert.equal(source, postman);
  assert.equal(doc.host, 'api.quai.example');
  assert.equal(doc.basePath, '/v1');
  assert.deepEqual(operations(doc).map((o) => o.operationId),
    ['ListShips', 'RegisterAShip', 'GetAShip', 'UploadPlan', 'WeatherAtTheBerth']);
  const list = operation(doc, 'ListShips');
  assert.deepEqual(list.parameters.map((p) => [p.name, p.in, p.type, p.default]), [
    ['limit', 'query', 'string', '20'], ['flag', 'query', 'array', ['fr', 'nl']], ['debug', 'query', 'string', '1']]);
  const item = list.responses[200].schema.items.properties;
  assert.equal(item.id.type, 'string');
  assert.equal(item.name['x-nullable'], true);
  assert.deepEqual([item.length.type, item.arrived.format], ['number', 'date-time']);
  assert.equal(operation(doc, 'RegisterAShip').parameters[0].schema.properties.crew.items.properties.role.type, 'string');
  assert.equal(operation(doc, 'UploadPlan').parameters.find((p) => p.in === 'path').default, 12);
  assert.deepEqual(operation(doc, 'WeatherAtTheBerth').security, []);
  assert.deepEqual(doc.securityDefinitions, { api_key: { type: 'apiKey', name: 'X-Quai-Key', in: 'header' } });
  const policy = properties.properties.policyTemplateInstances[0];
  assert.equal(policy.parameters['x-ms-apimTemplateParameter.urlTemplate'], 'https://weather.example');
  assert.deepEqual(policy.parameters['x-ms-apimTemplate-operationName'], ['WeatherAtTheBerth']);
  assert.ok(losses.some((l) => l.code === 'RC-PM-03' && l.pointer === '/item/1/item/1/request' && l.severity === 'warning' && l.message));
  assert.doesNotMatch(JSON.stringify({ doc, properties }), /qk-7f31c0ffee77/);
  await validates(doc);
});

test('an OpenAPI 3.1 file in YAML, with a file beside it', async () => {
  const { document: doc, properties, losses } = await convert(openapi);
  assert.equal(doc.host, 'north.quai.example');
  assert.deepEqual(operation(doc, 'ListShips').parameters.map((p) => p.name), ['flag', 'filter[name]', 'filter[length]']);
  assert.deepEqual(doc.paths['/ships'].parameters, [{ $ref: '#/parameters/Trace' }]);
  assert.equal(doc.parameters.Trace['x-nullable'], true);
  assert.equal(doc.definitions.Ship.properties.escorts.items.$ref, '#/definitions/Ship');
  assert.deepEqual(operation(doc, 'GetPhoto').responses[200].schema, { type: 'file' });
  assert.deepEqual(operation(doc, 'PutPhoto').consumes, ['multipart/form-data']);
  assert.equal(operation(doc, 'OnArrival')['x-ms-trigger'], 'single');
  assert.deepEqual(doc.paths['/subscriptions']['x-ms-notification-content'].schema, { $ref: '#/definitions/Ship' });
  assert.ok(operation(doc, 'PostShips'), 'a missing operationId is made up');
  const p = properties.properties;
  assert.equal(p.connectionParameters.site.defaultValue, 'north');
  assert.equal(p.connectionParameters.token.oAuthSettings.customParameters.tokenUrl.value, 'https://id.quai.example/token');
  assert.deepEqual(p.connectionParameters.token.oAuthSettings.scopes, ['ships.read']);
  assert.match(p.policyTemplateInstances[0].parameters['x-ms-apimTemplateParameter.urlTemplate'], /^https:\/\/@connectionParameters\('site'\)\.quai\.example\/v1$/);
  assert.deepEqual(losses.map((l) => l.code).sort(), ['RC-O3-04', 'RC-O3-07', 'RC-O3-14']);
  await validates(doc);
});

test('OpenAPI 2.0 in strict JSON comes out byte for byte', async () => {
  const r = await raccord(['convert', plain]);
  assert.equal(r.stdout, readFileSync(plain, 'utf8'));
  assert.equal(r.stderr, '');
  assert.equal(r.status, 0);
});

test('-o writes a file or a whole package', async (t) => {
  const dir = temporary(t);
  const file = join(dir, 'out.json'), pack = join(dir, 'quai');
  assert.equal((await raccord(['convert', plain, '-o', file])).stdout, '');
  assert.equal(readFileSync(file, 'utf8'), readFileSync(plain, 'utf8'));
  assert.equal((await raccord(['convert', openapi, '--output', pack + '/'])).status, 0);
  assert.deepEqual(readdirSync(pack).sort(), ['apiDefinition.swagger.json', 'apiProperties.json']);
  assert.equal(JSON.parse(readFileSync(join(pack, 'apiProperties.json'))).properties.iconBrandColor, '#007ee5');
  const shown = await raccordJson(['show', pack]);
  assert.equal(shown.json.operations.length, 5);
});

test('standard input, wrong usage and what cannot be read', async (t) => {
  const dir = temporary(t);
  const piped = await raccord(['convert', '-'], { input: readFileSync(openapi) });
  assert.equal(piped.status, 0, piped.stderr);
  assert.match(piped.stderr, /RC-O3-03/, 'a file beside standard input does not exist');
  assert.equal((await raccord(['convert'])).status, 2);
  const write = (name, text) => { writeFileSync(join(dir, name), text); return join(dir, name); };
  const missing = await raccord(['convert', join(dir, 'none.json')]);
  assert.equal(missing.status, 3);
  const gone = await raccordJson(['convert', join(dir, 'none.json')]);
  assert.ok(gone.json.losses[0].fix, 'every finding says what to do');
  const repaired = await raccordJson(['convert', write('repaired.json', '{"swagger": "2.0", "info": {"title": "t", "version": "1",}, "paths": {}}')]);
  assert.ok(repaired.json.losses[0].fix);
  const broken = await raccord(['convert', write('broken.json', '{"openapi": "3.0.0",\n "info": ')]);
  assert.equal(broken.status, 3);
  assert.match(broken.stderr, /broken\.json:2:\d+: error: RC-IMP-03/);
  for (const args of [['show'], ['validate'], ['call', null, 'GetA']])
    assert.equal((await raccord([args[0], join(dir, 'broken.json'), ...args.slice(2)])).status, 3, `${args[0]}: what cannot be read`);
  const unknown = await raccordJson(['convert', write('unknown.json', '{"a": 1}')]);
  assert.equal(unknown.status, 1);
  assert.equal(unknown.json.document, null);
  assert.equal(unknown.json.losses[0].code, 'RC-IMP-02');
  for (const args of [['show'], ['validate'], ['call', null, 'GetA']])
    assert.equal((await raccord([args[0], join(dir, 'unknown.json'), ...args.slice(2)])).status, 1, `${args[0]}: what is no description`);
  const empty = await raccordJson(['convert', write('empty.json', JSON.stringify({ info: { name: 'x', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' }, item: [] }))]);
  assert.equal(empty.status, 1);
  assert.equal(empty.json.losses[0].code, 'RC-PM-01');
});

test('references never leave the directory of the source', async (t) => {
  const dir = temporary(t), inside = join(dir, 'in');
  mkdirSync(inside);
  writeFileSync(join(dir, 'secret.yaml'), 'type: string\ndescription: secret\n');
  symlinkSync(join(dir, 'secret.yaml'), join(inside, 'link.yaml'));
  writeFileSync(join(inside, 'api.yaml'), `openapi: 3.0.0
info: {title: t, version: '1'}
servers: [{url: 'https://q.example'}]
paths: {}
components:
  schemas:
    A: {$ref: ../secret.yaml}
    B: {$ref: link.yaml}
    C: {$ref: ${join(dir, 'secret.yaml')}}
    D: {$ref: 'file://${join(dir, 'secret.yaml')}'}
    E: {$ref: '..%2fsecret.yaml'}
`);
  const { document, losses } = await convert(join(inside, 'api.yaml'));
  assert.equal(losses.filter((l) => l.code === 'RC-O3-03').length, 5);
  assert.doesNotMatch(JSON.stringify(document), /secret/);
});

test('the same bytes give the same result', async () => {
  for (const f of [postman, openapi]) {
    const runs = await Promise.all([1, 2, 3].map(() => raccord(['convert', f])));
    assert.equal(new Set(runs.map((r) => r.stdout + r.stderr)).size, 1);
  }
});

// --- the public corpora -------------------------------------------------------------------------

async function inParallel(list, jobs, f) {
  const queue = [...list];
  await Promise.all(Array.from({ length: jobs }, async () => { while (queue.length) await f(queue.shift()); }));
}

async function registers(t, documents) {
  const dir = temporary(t), names = [];
  for (const [name, doc] of documents) {
    writeFileSync(join(dir, name + '.json'), JSON.stringify(doc));
    names.push(join(dir, name + '.json'));
  }
  for (let i = 0; i < names.length; i += 100) {
    const r = await raccordJson(['validate', ...names.slice(i, i + 100)], { jsonl: true });
    for (const line of r.json) {
      const errors = line.findings.filter((f) => f.severity === 'error');
      assert.deepEqual(errors.map((f) => `${line.source} ${f.code} ${f.pointer} ${f.message}`), []);
    }
  }
}

const withRequests = (c) => {
  const root = c.collection && !c.item && !c.requests ? c.collection : c;
  const count = (items) => (Array.isArray(items) ? items : []).reduce((n, i) =>
    n + (Array.isArray(i?.item) ? count(i.item) : i?.request !== undefined && i?.request !== null ? 1 : 0), 0);
  return Array.isArray(root.requests) ? root.requests.length : count(root.item);
};

test('every Postman collection of the corpus converts, validates and registers', async (t) => {
  const dir = corpus('postman');
  if (!dir) return t.skip();
  const files = readdirSync(dir).filter((f) => f.endsWith('.json'));
  const documents = [];
  await inParallel(files, 2, async (f) => {
    const requests = withRequests(JSON.parse(readFileSync(join(dir, f), 'utf8').replace(/^\uFEFF/, '')));
    if (requests === 0) return;
    const { document: doc, losses } = await convert(join(dir, f));
    assert.ok(doc, f);
    const told = (code) => losses.filter((l) => l.code === code).length;
    const left = losses.filter((l) => l.code === 'RC-PM-02' && /left out/.test(l.message)).length;
    assert.equal(operations(doc).length, requests - told('RC-PM-08') - left, `${f}: operations kept`);
    await validates(doc).catch((e) => assert.fail(`${f}: ${e.message}`));
    documents.push([f, doc]);
  });
  assert.ok(documents.length > 0);
  await registers(t, documents);
  t.diagnostic(`${documents.length} collections`);
});

const resolved = (root, v) => {
  for (let i = 0; i < 30 && v?.$ref?.startsWith?.('#/'); i++)
    v = v.$ref.slice(2).split('/').reduce((o, k) => o?.[decodeURIComponent(k).replace(/~1/g, '/').replace(/~0/g, '~')], root);
  return v;
};

// What must be there again: operations, simple parameters, whether there is security.
function sameMeaning(f, source, doc) {
  const of = (d) => Object.entries(d.paths ?? {}).flatMap(([path, i]) => {
    const item = resolved(d, i) ?? {};
    return methods.filter((m) => item[m]).map((m) => ({ path, method: m, op: item[m],
      params: [...(item[m].parameters ?? []), ...(item.parameters ?? [])].map((p) => resolved(d, p)) }));
  });
  const before = of(source), after = of(doc);
  assert.equal(after.length, before.length, `${f}: number of operations`);
  for (const b of before) {
    const a = after.find((o) => o.path === b.path && o.method === b.method);
    assert.ok(a, `${f}: ${b.method} ${b.path}`);
    for (const p of b.params) {
      const simple = p && ['query', 'header', 'path'].includes(p.in) && !/^(accept|content-type|authorization)$/i.test(p.name);
      const type = resolved(source, p?.schema)?.type;
      if (!simple || p.style === 'deepObject' || (source.openapi && type !== 'string' && type !== 'integer' && type !== 'boolean')) continue;
      const q = a.params.find((x) => x.name === p.name && x.in === p.in);
      assert.ok(q, `${f}: ${b.method} ${b.path}: parameter ${p.name}`);
      if (source.openapi) assert.equal(q.type, type, `${f}: type of ${p.name}`);
      if (p.required) assert.equal(q.required, true, `${f}: ${p.name} is required`);
    }
    if (b.op.operationId && before.filter((o) => o.op.operationId === b.op.operationId).length === 1)
      assert.equal(a.op.operationId, b.op.operationId, `${f}: operationId`);
    if (b.op.requestBody && !['get', 'head'].includes(b.method))
      assert.ok(a.op.consumes?.length > 0, `${f}: ${b.method} ${b.path} consumes`);
  }
}

test('every description of the corpus that swagger-parser accepts converts, validates and registers', async (t) => {
  const dir = corpus('openapi');
  if (!dir) return t.skip();
  const files = readdirSync(dir).filter((f) => /\.(json|ya?ml)$/.test(f));
  const documents = [];
  let refused = 0, lenient = 0;
  await inParallel(files, 2, async (f) => {
    const file = join(dir, f);
    const accepted = await SwaggerParser.validate(file).then(() => true, () => false);
    const r = await raccordJson(['convert', '--offline', file]);
    if (!accepted) { // as far as possible, else a reason with a place; never a crash
      assert.ok([0, 1, 3].includes(r.status) && r.signal === null, `${f}: ${r.status} ${r.signal}`);
      if (r.json.document) lenient++;
      else { refused++; assert.ok(r.json.losses[0]?.code, f); }
      return;
    }
    assert.equal(r.status, 0, `${f}: ${r.stderr}`);
    const { document: doc, losses } = r.json;
    await validates(doc).catch((e) => assert.fail(`${f}: ${e.message}`));
    const source = await SwaggerParser.parse(file);
    if (!losses.some((l) => l.code === 'RC-O3-16' || l.code === 'RC-O3-09')) sameMeaning(f, source, doc);
    documents.push([f, doc]);
  });
  assert.ok(documents.length > 0);
  await registers(t, documents);
  t.diagnostic(`${documents.length} accepted; of the others ${lenient} converted and ${refused} refused`);
});
