// The expression language from outside: the public vectors where they are, the contract of `eval`.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { raccord, raccordJson, root, temporary } from './lib/raccord.mjs';

const lines = (text) => text.split('\n').filter(Boolean).map((l) => JSON.parse(l));
const vectors = join(process.env.RACCORD_VECTORS ?? join(root, '../shared/vectors'), 'expressions.jsonl');

// Numbers by value, objects without order, everything else exactly.
export function same(a, b) {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => same(x, b[i]));
  if (a && typeof a === 'object') return b && typeof b === 'object' && !Array.isArray(b) && Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((k) => Object.hasOwn(b, k) && same(a[k], b[k]));
  return Object.is(a, b) || a === b;
}

// One line for each vector that answers otherwise: the expression, what is expected, what came.
async function differing(file) {
  const want = lines(readFileSync(file, 'utf8'));
  const { stdout, stderr } = await raccord(['eval', '--batch', file]);
  const got = lines(stdout);
  assert.equal(got.length, want.length);
  assert.equal(stderr, '');
  const right = (v, g) => (v.error ? g.error?.category === v.error : 'value' in g && same(v.expect, g.value));
  return want.flatMap((v, i) => (right(v, got[i]) ? [] : [`${v.id}: ${v.expr}\n  expected ${v.error ?? JSON.stringify(v.expect)}\n  got ${JSON.stringify(got[i].value ?? got[i].error)}`]));
}

test('every public vector evaluates to its value or its category of error', { skip: !existsSync(vectors) && 'RACCORD_VECTORS is not at hand' }, async () => {
  assert.deepEqual(await differing(vectors), []);
});

const ours = join(root, 'tests/cases/expr');
for (const name of readdirSync(ours).filter((f) => f.endsWith('.jsonl')))
  test(`every vector of ${name} evaluates to its value or its category of error`, async () => {
    assert.deepEqual(await differing(join(ours, name)), []);
  });

test('a batch answers every line under its id, and ends with 1', async () => {
  const r = await raccord(['eval', '--batch', '-'], { input: '{"id": 1, "expr": "@add(1, 2)"}\n{"id": "b", "expr": "@nope()"}\n{"id": 3}\nno json\n' });
  assert.equal(r.status, 1);
  assert.deepEqual(r.stdout.trim().split('\n').map((l) => JSON.parse(l)).map((v) => [v.id, v.value ?? v.error.category]), [[1, 3], ['b', 'function'], [3, 'parse'], [null, 'parse']]);
});

test('one expression: value, error with its place, exit status', async () => {
  assert.equal((await raccord(['eval', "@concat('a', 1, 'b')"])).stdout, '"a1b"\n');
  assert.deepEqual((await raccordJson(['eval', '@add(1, 2)'])).json, { value: 3 });
  const bad = await raccord(['eval', "@add(1, 'x')"]);
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /type: The template language function 'add' expects its second parameter/);
  assert.match(bad.stderr, /\n {4}@add\(1, 'x'\)\n {5}\^{11}\n/);
  assert.deepEqual((await raccordJson(['eval', '@nope()'])).json.error.category, 'function');
  assert.equal((await raccord(['eval'])).status, 2);
  assert.equal((await raccord(['eval', '--batch', '/nowhere'])).status, 3);
});

test('an expression that does not parse is quoted without what stands around it', async () => {
  const said = async (x) => (await raccord(['eval', x])).stderr.split('\n')[0].replace('raccord: parse: Unable to parse template language expression ', '');
  assert.equal(await said('@add(1'), "'add(1': expected token 'RightParenthesis' and actual 'EndOfData' at position 5.");
  assert.equal(await said('Hi @{add(1, 2))}!'), "'add(1, 2))': expected token 'EndOfData' and actual 'RightParenthesis' at position 9.");
  assert.equal(await said('é @{concat("a")}'), `'concat("a")': unexpected character '"' at position 7.`);
  assert.equal(await said("@concat('a"), "'concat('a': the string literal that starts at position 7 is not terminated.");
  assert.equal(await said("x@{'a"), "'x@{'a': there is no '}' for the '@{' at position 1.");
});

test('the failing part is underlined on its own line, whatever stands before it', async () => {
  const shown = async (x) => (await raccord(['eval', x])).stderr.split('\n').slice(-3, -1);
  assert.deepEqual(await shown("@concat('a',\n  add(1, 'x'),\n  'b')"), ["      add(1, 'x'),", '      ^^^^^^^^^^^']);
  assert.deepEqual(await shown("Berth\n@{nope(1)} of\nthe quay"), ['    @{nope(1)} of', '      ^^^^^^^']);
  assert.deepEqual(await shown("@concat('日本é', nope('x'))"), ["    @concat('日本é', nope('x'))", '                     ^^^^^^^^^']);
  const [line, marks] = await shown(`@concat('${'x'.repeat(500)}', nope(), '${'y'.repeat(500)}')`);
  assert.ok(line.length < 200 && line.slice(marks.indexOf('^')).startsWith('nope()') && marks.trim() === '^^^^^^', line);
  assert.deepEqual(await shown("@concat('\u001b[31m', nope())"), ["    @concat('?[31m', nope())", '                     ^^^^^^']);
  assert.match((await raccord(['eval', "@int(base64ToString('G1szMW0='))"])).stderr, /The value '\?\[31m'/);
});

test('a context gives actions, variables and a fixed clock', async (t) => {
  const file = join(temporary(t), 'context.json');
  writeFileSync(file, JSON.stringify({ now: '2026-11-22T10:00:00Z', variables: { n: 2 }, actions: { Get: { status: 'Succeeded', outputs: { statusCode: 200, body: { berth: 'N7' } } } } }));
  const eval1 = async (x) => (await raccordJson(['eval', x, '--context', file])).json.value;
  assert.equal(await eval1("@body('Get').berth"), 'N7');
  assert.equal(await eval1("n is @{variables('n')} at @{utcNow('HH:mm')}"), 'n is 2 at 10:00');
  assert.equal((await raccordJson(['eval', "@body('Nope')", '--context', file])).json.error.category, 'reference');
});

test('a batch answers every line, also the broken ones', async () => {
  const r = await raccord(['eval', '--batch', '-'], { input: '{"id":1,"expr":"@add(1,1)"}\nnot json\n{"id":3,"expr":"@div(1,0)"}\n' });
  assert.equal(r.status, 1);
  const got = lines(r.stdout);
  assert.deepEqual(got[0], { id: 1, value: 2 });
  assert.equal(got[1].error.category, 'parse');
  assert.equal(got[2].error.category, 'math');
});

test('hostile expressions end soon and with an error', async () => {
  const deep = '@' + 'not('.repeat(50000) + 'true' + ')'.repeat(50000);
  const wide = `@concat(${Array(3000).fill("'x'").join(',')})`;
  const grow = "@replace(replace(replace(replace(replace(string(range(1,100000)),'1',string(range(1,9999))),'2',string(range(1,9999))),'3',string(range(1,9999))),'4',string(range(1,9999))),'5',string(range(1,9999)))";
  for (const [name, expr] of Object.entries({ deep, wide, grow })) {
    const r = await raccord(['eval', '--batch', '-'], { input: JSON.stringify({ id: name, expr }) + '\n', measured: true });
    assert.equal(r.status, 1, `${name}: ${r.stderr}`);
    assert.ok(lines(r.stdout)[0].error, name);
    assert.ok(r.cpu < 30000, name);
  }
});

test('the list of functions names each once', async () => {
  const { json } = await raccordJson(['eval', '--functions']);
  assert.ok(json.length > 120);
  assert.equal(new Set(json.map((f) => f.name.toLowerCase())).size, json.length);
  assert.ok(json.every((f) => f.signature.startsWith(f.name) && f.summary));
});

test('the page of functions holds what the program lists, and each example comes to its result', async () => {
  const { json } = await raccordJson(['eval', '--functions']);
  const page = readFileSync(join(root, 'docs/reference/functions.md'), 'utf8').split('\n').filter((l) => l.startsWith('| `'));
  const cells = (l) => l.split(' | ').map((c) => c.replace(/^(\| )?`|`( \|)?$/g, ''));
  assert.deepEqual(page.map((l) => cells(l).slice(0, 3)), json.map((f) => [f.signature, f.summary, f.example]));
  assert.deepEqual(page.map((l) => JSON.parse(cells(l)[3])), json.map((f) => f.gives));
  const context = JSON.parse(readFileSync(join(root, 'examples/eval.json'), 'utf8'));
  const r = await raccord(['eval', '--batch', '-'], { input: json.map((f) => JSON.stringify({ id: f.name, expr: `@${f.example}`, context })).join('\n') });
  assert.deepEqual(lines(r.stdout), json.map((f) => ({ id: f.name, value: f.gives })));
});

test('functions are found by a part of their name', async () => {
  const found = await raccord(['eval', '--functions', 'UTC']);
  assert.deepEqual(found.stdout.split('\n').filter((l) => /^ {2}\w/.test(l)).map((l) => l.trim().split('(')[0]), ['convertFromUtc', 'convertToUtc', 'utcNow']);
  assert.match(found.stdout, /\n {4}utcNow\('yyyy-MM-dd'\) = "2026-11-23"\n/);
  const none = await raccord(['eval', '--functions', 'tide']);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /no function has tide in its name; `raccord eval --functions` lists all/);
  assert.equal((await raccord(['eval', '--functions', 'a', 'b'])).status, 2);
});
