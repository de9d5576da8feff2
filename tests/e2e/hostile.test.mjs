// Definitions and arguments made to break what reads them: an answer or a refusal, never a crash.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { raccord, raccordJson, temporary } from './lib/raccord.mjs';

const definition = (paths, more = {}) => ({ swagger: '2.0', info: { title: 'Hostile', version: '1', description: 'Odd but readable.' }, host: 'api.example', basePath: '/', schemes: ['https'], paths, ...more });
const answers = { 200: { description: 'OK' } };
const body = { name: 'body', in: 'body', required: false, schema: { type: 'object', properties: { s: { type: 'object' } } } };

function connector(t, swagger, policies = []) {
  const dir = join(temporary(t), 'hostile');
  mkdirSync(dir);
  writeFileSync(join(dir, 'apiDefinition.swagger.json'), JSON.stringify(swagger));
  writeFileSync(join(dir, 'apiProperties.json'), JSON.stringify({ properties: { iconBrandColor: '#007ee5', policyTemplateInstances: policies } }));
  return dir;
}
const alive = (r) => { assert.equal(r.signal, null, `killed by ${r.signal}\n${r.stderr}`); return r; };

test('a policy parameter that is an object does not end the process', async (t) => {
  const dir = connector(t, definition({ '/p': { get: { operationId: 'P', responses: answers } } }),
    [{ templateId: 'setheader', title: 'H', parameters: { 'x-ms-apimTemplateParameter.name': 'X-A', 'x-ms-apimTemplateParameter.value': {}, 'x-ms-apimTemplateParameter.existsAction': 'override', 'x-ms-apimTemplate-policySection': 'Request' } }]);
  alive(await raccord(['call', dir, 'P', '--dry-run']));
});

test('what is put below a body value stays out of the caller\'s arguments', async (t) => {
  const dir = connector(t, definition({ '/p': { post: { operationId: 'P', parameters: [body], responses: answers } } }));
  const file = join(dir, 'arguments.json');
  writeFileSync(file, JSON.stringify({ 'body/s': {}, 'body/s/n': 'x' }));
  const r = alive(await raccordJson(['call', dir, 'P', '--dry-run', '--parameters', file]));
  assert.deepEqual((r.json.request ?? r.json).body, { s: { n: 'x' } });
});

test('a body of parts beside form fields', async (t) => {
  const fields = ['f', 'g', 'h', 'i'].map((name) => ({ name, in: 'formData', type: 'string' }));
  const dir = connector(t, definition({ '/p': { post: { operationId: 'P', consumes: ['multipart/form-data'], parameters: [{ name: 'body', in: 'body', schema: { type: 'object' } }, ...fields], responses: answers } } }));
  const file = join(dir, 'arguments.json');
  writeFileSync(file, JSON.stringify({ body: { a: '1', b: '2', c: '3' }, f: '4', g: '5', h: '6', i: '7' }));
  alive(await raccord(['call', dir, 'P', '--dry-run', '--parameters', file]));
});

test('policies that multiply a text are stopped, and say so', async (t) => {
  const grow = { templateId: 'stringreplace', title: 'R', parameters: { 'x-ms-apimTemplateParameter.value': '@body().a', 'x-ms-apimTemplateParameter.oldvalue': 'a', 'x-ms-apimTemplateParameter.newvalue': 'a'.repeat(3000), 'x-ms-apimTemplate-policySection': 'Request' } };
  const dir = connector(t, definition({ '/p': { post: { operationId: 'P', parameters: [{ ...body, schema: { type: 'object', properties: { a: { type: 'string' } } } }], responses: answers } } }), [grow, grow, grow, grow]);
  const file = join(dir, 'arguments.json');
  writeFileSync(file, JSON.stringify({ 'body/a': 'a' }));
  alive(await raccord(['call', dir, 'P', '--dry-run', '--parameters', file]));
});

test('definitions that is a list, with a reference to elsewhere', async (t) => {
  const file = join(temporary(t), 'd.json');
  writeFileSync(file, JSON.stringify(definition({ '/a': { get: { operationId: 'A', responses: { 200: { description: 'OK', schema: { $ref: '#/x' } } } } } }, { x: { type: 'object' }, definitions: [] })));
  alive(await raccord(['convert', file]));
});

test('an extension among the paths does not hide what follows it from the rules', async (t) => {
  const file = join(temporary(t), 'd.json');
  writeFileSync(file, JSON.stringify(definition({ 'x-a': { get: {} }, '/b/{id}': { post: { responses: answers } } })));
  const r = alive(await raccordJson(['validate', file]));
  assert.ok(r.json.findings.some((f) => f.code === 'RC-OP-01' && f.pointer.startsWith('/paths/~1b~1{id}')), JSON.stringify(r.json.findings.map((f) => [f.code, f.pointer])));
});

test('expressions that double their value at every level are stopped', async () => {
  let escaped = "'\"'", uri = "'a'", half = "substring('😀',0,1)";
  for (let i = 0; i < 35; i++) escaped = `string(createArray(${escaped}))`;
  for (let i = 0; i < 60; i++) uri = `dataUri(${uri})`;
  for (let i = 0; i < 60; i++) half = `createArray(${half})`;
  for (const x of [escaped, uri]) {
    const r = alive(await raccord(['eval', `@${x}`]));
    assert.equal(r.status, 1);
    assert.match(r.stderr, /stopped/);
  }
  assert.equal(alive(await raccord(['eval', `@${half}`])).status, 0);
});
