// raccord validate: the command-line contract, and what hostile files get.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { backend, corpus, data, raccord, temporary } from './lib/raccord.mjs';
import { zip } from './lib/zip.mjs';

const sound = join(data, 'check/base');
const definition = readFileSync(join(sound, 'apiDefinition.swagger.json'), 'utf8');
const lines = (text) => text.split('\n').filter(Boolean);

async function json(args, options) {
  const r = await raccord(['validate', '--format', 'json', ...args], options);
  return { ...r, rows: lines(r.stdout).map((l) => JSON.parse(l)) };
}
const codes = (row) => row.findings.map((f) => f.code);

test('a sound package has no finding in either profile', async () => {
  for (const profile of ['registration', 'certification']) {
    const r = await raccord(['validate', '--profile', profile, sound]);
    assert.equal(r.status, 0);
    assert.equal(r.stderr, '');
    assert.equal(r.stdout, '0 error(s), 0 warning(s)\n');
  }
});

test('text findings go to standard error with path, line and column', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, 'a.json'), definition.replace('"operationId": "GetShip"', '"operationId": "ListShips"'));
  const r = await raccord(['validate', join(dir, 'a.json')]);
  assert.equal(r.status, 1);
  assert.match(r.stdout, /^1 error\(s\), \d+ warning\(s\)\n$/);
  const line = definition.slice(0, definition.indexOf('"operationId": "GetShip"')).split('\n').length;
  const error = lines(r.stderr).find((l) => l.includes('RC-OP-01'));
  assert.ok(error.startsWith(`${join(dir, 'a.json')}:${line}:24: error: RC-OP-01: `), error);
  const warnings = await raccord(['validate', '--profile', 'certification', join(dir, 'a.json')]);
  assert.equal(warnings.status, 1);
});

test('links in a folder are followed: of a package, of an app and of a workflow in it', async (t) => {
  const dir = temporary(t), flow = JSON.stringify({ definition: { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http' } }, actions: { A: { type: 'Compose', inputs: 1 } }, outputs: {} }, kind: 'Stateful' });
  for (const name of ['package', 'app', 'flow', 'app/Empty', 'Microsoft.Flow']) mkdirSync(join(dir, name));
  for (const name of ['apiDefinition.swagger.json', 'apiProperties.json']) symlinkSync(join(sound, name), join(dir, 'package', name));
  symlinkSync('nowhere', join(dir, 'package', 'dangling.json'));
  writeFileSync(join(dir, 'flow', 'workflow.json'), flow);
  symlinkSync(join(dir, 'flow'), join(dir, 'app', 'First'));
  symlinkSync(join(dir, 'app'), join(dir, 'linked'));
  const r = await json(['package', 'app', 'linked', 'flow'].map((n) => join(dir, n)));
  assert.equal(r.status, 0, r.stderr);
  assert.deepEqual(r.rows.map((row) => [row.kind, row.operations, row.triggers]), [['connector', 12, 2], ['workflow', 1, 1], ['workflow', 1, 1], ['workflow', 1, 1]]);
  const empty = await raccord(['validate', join(dir, 'app', 'Empty')]);
  assert.equal(empty.status, 3);
  assert.match(empty.stderr, /there is no definition/);
});

test('a description that says connector before it says API is found out', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, 'a.json'), definition.replace(/"description": "[^"]*"/, '"description": "The connector for the ships of a harbour and their API"'));
  const r = await json(['--profile', 'certification', join(dir, 'a.json')]);
  assert.deepEqual(r.rows[0].findings.filter((f) => f.code === 'RC-DESC-01').map((f) => f.message), ['the description contains "API"']);
});

test('warnings alone are status 0', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, 'a.json'), definition.replace('"host": "harbour.quai.example"', '"host": "bad host"'));
  const r = await raccord(['validate', join(dir, 'a.json')]);
  assert.equal(r.status, 0);
  assert.match(r.stderr, /: warning: RC-DOC-05: /);
  const strict = await raccord(['validate', '--profile', 'certification', join(dir, 'a.json')]);
  assert.equal(strict.status, 1);
  assert.match(strict.stderr, /: error: RC-DOC-05: /);
});

test('JSON: one line per source, in the order given, whatever the number of workers', async (t) => {
  const dir = temporary(t), sources = [];
  for (let i = 0; i < 40; i++) {
    const name = join(dir, `d${i}.json`);
    writeFileSync(name, i % 5 === 3 ? '{"swagger": "2.0",, }' : definition.replace('"1.0"', `"${i}"`));
    sources.push(name);
  }
  sources.splice(7, 0, sound, join(dir, 'missing'));
  let first;
  for (const jobs of ['-j1', '-j4', '--jobs=3']) {
    const r = await json([jobs, ...sources]);
    assert.equal(r.status, 1);
    assert.deepEqual(r.rows.map((x) => x.source), sources);
    first ??= r.stdout;
    assert.equal(r.stdout, first);
  }
  const rows = lines(first).map((l) => JSON.parse(l));
  assert.deepEqual(Object.keys(rows[0]), ['source', 'kind', 'status', 'operations', 'triggers', 'findings']);
  const good = rows[7];
  assert.deepEqual([good.kind, good.status, good.operations, good.triggers, good.findings], ['connector', 'ok', 12, 2, []]);
  const missing = rows[8];
  assert.deepEqual([missing.kind, missing.status, missing.operations], [null, 'unreadable', 0]);
  assert.deepEqual(codes(missing), ['RC-IMP-04']);
  const broken = rows[3];
  assert.deepEqual([broken.kind, broken.status], [null, 'unreadable']);
  const [finding] = broken.findings;
  assert.deepEqual([finding.code, finding.severity, finding.line, finding.column], ['RC-IMP-03', 'error', 1, 19]);
  assert.ok(finding.message && finding.fix);
});

test('SARIF 2.1.0: rules, places, fingerprints', async (t) => {
  const dir = temporary(t);
  mkdirSync(join(dir, 'my connector'));
  cpSync(sound, join(dir, 'my connector'), { recursive: true });
  writeFileSync(join(dir, 'my connector/apiDefinition.swagger.json'), definition.replace('"#/definitions/NewShip"', '"#/definitions/Boat"'));
  const r = await raccord(['validate', '--format', 'sarif', 'my connector'], { cwd: dir });
  assert.equal(r.status, 1);
  const log = JSON.parse(r.stdout);
  assert.equal(log.version, '2.1.0');
  assert.equal(log.runs.length, 1);
  const { driver } = log.runs[0].tool, { results } = log.runs[0];
  assert.ok(driver.rules.length > 90);
  for (const rule of driver.rules) assert.ok(rule.id && rule.shortDescription.text && rule.fullDescription.text && rule.help.text);
  const result = results.find((x) => x.ruleId === 'RC-REF-01');
  assert.equal(driver.rules[result.ruleIndex].id, 'RC-REF-01');
  assert.equal(result.level, 'error');
  const [place] = result.locations, { region } = place.physicalLocation;
  assert.equal(place.physicalLocation.artifactLocation.uri, 'my%20connector/apiDefinition.swagger.json');
  const at = definition.indexOf('"#/definitions/NewShip"'), before = definition.slice(0, at).split('\n');
  assert.deepEqual(region, { startLine: before.length, startColumn: before.at(-1).length + 1, endLine: before.length, endColumn: before.at(-1).length + 1 + '"#/definitions/Boat"'.length });
  assert.equal(place.logicalLocations[0].fullyQualifiedName, '/paths/~1ships/post/parameters/0/schema/$ref');
  assert.ok(Object.values(result.partialFingerprints)[0].length > 8);
  const empty = JSON.parse((await raccord(['validate', '--format', 'sarif', sound])).stdout);
  assert.deepEqual(empty.runs[0].results, []);
});

test('every kind of source: file, zip, standard input, URL, properties alone', async (t) => {
  const dir = temporary(t);
  const files = Object.fromEntries(readdirSync(sound).map((n) => [`Quai/${n}`, readFileSync(join(sound, n))]));
  writeFileSync(join(dir, 'p.zip'), zip(files));
  const server = await backend(t, (req, res) => {
    if (req.url === '/moved') { res.writeHead(302, { location: '/d.json' }); res.end(); } else res.end(definition);
  });
  const r = await json([join(dir, 'p.zip'), join(sound, 'apiDefinition.swagger.json'), `${server.url}/moved`, join(sound, 'apiProperties.json'), '-'], { input: definition });
  assert.equal(r.status, 0, r.stderr);
  assert.deepEqual(r.rows.map((x) => [x.kind, x.status, x.operations]),
    [['connector', 'ok', 12], ['connector', 'ok', 12], ['connector', 'ok', 12], ['connector', 'ok', 0], ['connector', 'ok', 12]]);
});

test('other kinds are converted and their losses listed; a workflow is named as one', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, 'o3.json'), JSON.stringify({
    openapi: '3.0.3', info: { title: 'Quai', version: '1' }, servers: [{ url: 'https://quai.example/v1' }],
    paths: { '/ships': { get: { operationId: 'ListShips', responses: { 200: { description: 'ok', content: { 'application/json': { schema: { not: { type: 'null' }, type: 'string' } } } } } } } },
  }));
  writeFileSync(join(dir, 'w.json'), '{"definition": {"triggers": {}, "actions": {}}, "kind": "Stateful"}');
  writeFileSync(join(dir, 'x.json'), '{"name": "nothing"}');
  writeFileSync(join(dir, 'y.yaml'), 'swagger: "2.0"\ninfo: {title: T, version: "1"}\nhost: h.example\npaths:\n  /a:\n    get: {operationId: A, responses: {200: {description: d}}}\n    put: {operationId: A, responses: {200: {description: d}}}\n');
  const r = await json([join(dir, 'o3.json'), join(dir, 'w.json'), join(dir, 'x.json'), join(dir, 'y.yaml')]);
  assert.equal(r.status, 1);
  const [o3, workflow, unknown, yaml] = r.rows;
  assert.deepEqual([o3.kind, o3.status, o3.operations], ['connector', 'warning', 1]);
  assert.ok(codes(o3).some((c) => c.startsWith('RC-O3-')), codes(o3).join());
  assert.deepEqual([workflow.kind, workflow.status, codes(workflow)], ['workflow', 'error', ['InvalidTemplate', 'InvalidTemplate']]);
  assert.deepEqual([unknown.kind, unknown.status, codes(unknown)], [null, 'error', ['RC-IMP-02']]);
  const twice = yaml.findings.find((f) => f.code === 'RC-OP-01');
  assert.deepEqual([yaml.kind, yaml.status, twice.line, twice.column, twice.pointer], ['connector', 'error', 7, 24, '/paths/~1a/put/operationId']);
});

test('usage and reach: 2, 3, 4', async (t) => {
  for (const args of [['validate'], ['validate', '--profile', 'strict', sound], ['validate', '-j', '0', sound], ['validate', '--nonsense', sound]])
    assert.equal((await raccord(args)).status, 2, args.join(' '));
  assert.equal((await raccord(['validate', '/nowhere/at/all'])).status, 3);
  assert.equal((await raccord(['validate', 'http://127.0.0.1:9/x.json'])).status, 3);
  const dir = temporary(t);
  writeFileSync(join(dir, 'large.json'), Buffer.alloc((64 << 20) + 1, 0x20));
  const large = await json([join(dir, 'large.json')]);
  assert.equal(large.status, 4);
  assert.deepEqual([large.rows[0].status, codes(large.rows[0])], ['unreadable', ['RC-IMP-01']]);
  const help = await raccord(['validate', '--help']);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--profile/);
});

test('hostile files get a code, a place and an end', async (t) => {
  const dir = temporary(t);
  const open = (n, a, b) => a.repeat(n) + '1' + b.repeat(n);
  const chain = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`D${i}`, { $ref: `#/definitions/D${(i + 1) % 5000}` }]));
  const base = (more) => JSON.stringify({ swagger: '2.0', info: { title: 'T', version: '1' }, host: 'h.example', paths: { '/a': { get: { operationId: 'A', responses: { 200: { description: 'd' } } } } }, ...more });
  const names = Array.from({ length: 40000 }, (_, i) => `n${i}`);
  const files = {
    truncated: [definition.slice(0, 4000), 'unreadable', 'RC-IMP-03'],
    binary: [Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) & 255)), 'unreadable', 'RC-IMP-03'],
    png: [readFileSync(join(sound, 'icon.png')), 'unreadable', 'RC-IMP-03'],
    empty: ['', 'unreadable', 'RC-IMP-03'],
    deep: [open(10000, '{"a":', '}'), 'unreadable', 'RC-IMP-03'],
    deepArray: [open(10000, '[', ']'), 'unreadable', 'RC-IMP-03'],
    deepYaml: [`a: ${open(10000, '[', ']')}`, 'unreadable', 'RC-IMP-03'],
    bomb: [`a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`).join('\n')}\n`, 'unreadable', 'RC-IMP-03'],
    circle: [base({ definitions: chain }), 'error', 'RC-REF-02'],
    twoOperations: [base({ paths: { '/a': { get: { operationId: 'A', responses: { 200: { description: 'd' } } }, put: { operationId: 'A', responses: { 200: { description: 'd' } } } } } }), 'error', 'RC-OP-01'],
    external: [base({ definitions: { D: { properties: { a: { $ref: 'https://evil.example/d.json' }, b: { $ref: '../../etc/passwd' } } } } }), 'error', 'RC-REF-01'],
    array: ['[{"swagger": "2.0"}]', 'error', 'RC-IMP-02'],
    wrong: ['{"swagger": {}, "info": [], "paths": "none", "definitions": 5, "parameters": [], "responses": true, "security": {}}', 'error', 'RC-DOC-01'],
    wide: [base({ definitions: { D: { type: 'object', required: names, properties: Object.fromEntries(names.map((n) => [n, { type: 'string', default: 'x', enum: ['x'] }])) }, E: { type: 'string', enum: names, 'x-ms-enum-values': names.map((n) => ({ value: n, displayName: n })) } } }), 'warning'],
    manyPaths: [base({ paths: Object.fromEntries(Array.from({ length: 20000 }, (_, i) => [`/a/{x}/b${i}/{y}`, { get: { operationId: `Op${i}`, responses: { 200: { description: 'd' } }, parameters: [{ name: 'x', in: 'path', required: true, type: 'string' }, { name: 'y', in: 'path', required: true, type: 'string' }] } }])) }), 'warning'],
    wideAllOf: [base({ definitions: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`D${i}`, { required: ['a', 'b'], discriminator: 'c', allOf: Array.from({ length: 40 }, () => ({ $ref: `#/definitions/D${i + 1}` })) }]).concat([['D20', { type: 'object' }]])) }), 'warning'],
    besideReferences: [base({
      parameters: { P: { name: 'p', in: 'query', type: 'string', ...Object.fromEntries(names.slice(0, 15000).map((n) => [`x-${n}`, 1])) } },
      paths: { '/a': { get: { operationId: 'A', responses: { 200: { description: 'd' } }, parameters: Array.from({ length: 8000 }, (_, i) => ({ $ref: '#/parameters/P', description: `${i}` })) } } },
    }), 'warning'],
    manyHooks: [base({ paths: Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`/h${i}`, { 'x-ms-notification-content': {}, post: { operationId: `H${i}`, 'x-ms-trigger': 'single', responses: {} } }])) }), 'warning'],
    manyParameters: [base({ paths: { '/a': { get: { operationId: 'A', responses: { 200: { description: 'd' } }, parameters: Array.from({ length: 50000 }, (_, i) => ({ name: `p${i}`, in: 'query', type: 'string' })) } } } }), 'warning'],
  };
  for (const [name, [bytes]] of Object.entries(files)) writeFileSync(join(dir, name), bytes);
  const r = await json(Object.keys(files).map((n) => join(dir, n)), { measured: true });
  assert.ok(r.cpu < 30000, 'something is quadratic');
  assert.equal(r.signal, null);
  assert.equal(r.status, 1);
  for (const [i, [name, [, status, code]]] of Object.entries(files).entries()) {
    const row = r.rows[i];
    assert.equal(row.status, status, `${name}: ${JSON.stringify(row).slice(0, 300)}`);
    const finding = row.findings.find((f) => f.code === code);
    if (!code) continue;
    assert.ok(finding, `${name}: ${codes(row).slice(0, 10)}`);
    assert.ok(finding.line >= 1 && finding.column >= 1, `${name} has no place`);
    assert.ok(finding.message.length > 10 && finding.fix.length > 5);
  }
});

test('the corpus: what a lenient reader can read is read and has no error', async (t) => {
  const dir = corpus('connectors');
  if (!dir) return t.skip('no corpus');
  const folders = readdirSync(dir).sort().map((n) => join(dir, n));
  const r = await json(folders);
  assert.equal(r.rows.length, folders.length);
  const of = (status) => r.rows.filter((x) => x.status === status);
  assert.equal(folders.length - of('unreadable').length, 597);
  assert.equal(of('error').length, 0, JSON.stringify(of('error')[0])?.slice(0, 400));
  const sum = (key) => r.rows.reduce((n, x) => n + x[key], 0);
  assert.deepEqual([sum('operations'), sum('triggers')], [9665, 463]);
  for (const row of of('unreadable')) {
    const [finding] = row.findings.filter((f) => f.code === 'RC-IMP-03');
    assert.ok(finding.line > 1 && finding.column >= 1);
  }
  const definitions = r.rows.filter((x) => x.findings.some((f) => f.code === 'RC-IMP-03' && f.file === 'apiProperties.json'));
  assert.equal(definitions.length, 2);
});
