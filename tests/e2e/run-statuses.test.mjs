// Random definitions (nested containers, every combination of runAfter, actions that fail, time out, are
// skipped or cancelled): every record of `raccord run`, and of a server, is what spec workflows §4.2 to
// §4.4 say. A failure prints its seed.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { raccord, serve, temporary, until } from './lib/raccord.mjs';
import { schema } from './lib/definitions.mjs';
import { dice, graphs, grow, orders, predict } from './lib/statuses.mjs';

const results = ['Succeeded', 'Failed', 'TimedOut', 'Skipped', 'Cancelled', 'Failed'];
function leaf(r, loop) {
  const kind = r(8);
  if (kind === 0) return { type: 'Compose', inputs: '@div(1,0)' };
  if (kind < 3) return { type: 'Compose', inputs: 1 };
  if (kind === 3 && loop) return { type: 'Compose', inputs: `@div(1, ${loop === 'each' ? 'item()' : `iterationIndexes('${loop}')`})`, zero: true };
  return { type: 'Http', inputs: { method: 'GET', uri: 'https://example.org' }, mock: results[r(6)] };
}
function does(name, x, path, { n }) {
  if (x.mock) return { status: x.mock };
  return (x.zero ? n === 0 : x.inputs !== 1) ? { status: 'Failed', code: 'BadRequest', error: 'InvalidTemplate' } : { status: 'Succeeded', code: 'OK' };
}
function* every(actions, loops = 0) {
  for (const [name, x] of Object.entries(actions)) {
    yield [name, x, loops];
    for (const g of graphs(x) ?? []) yield* every(g, loops + (x.type === 'Foreach' || x.type === 'Until'));
  }
}
const unlike = (x, g) => g?.status !== x.status || (x.code && g.code !== x.code) || (x.error && g.error?.code !== x.error) || (x.message && g.error?.message !== x.message);

function differences(result, want, actions) {
  const out = result.status === want.status ? [] : [`the run: ${result.status}, expected ${want.status}`];
  for (const [name, , loops] of every(actions)) {
    const got = result.actions[name], own = want.records[name].filter((x) => (x.path ? x.path.split('-').length : 0) === loops);
    const all = got?.repetitions ?? [{ ...got, name: '' }];
    if (own.length === 0) { if (got?.status !== 'Skipped') out.push(`${name}: ${got?.status}, its loop never ran`); continue; }
    const together = Object.keys(orders).find((s) => own.some((x) => x.status === s));
    if (got?.status !== together || all.length !== own.length) out.push(`${name}: ${got?.status} of ${all.length}, expected ${together} of ${own.length}`);
    for (const x of own) { const g = all.find((y) => y.name === x.path); if (unlike(x, g)) out.push(`${name} ${x.path}: ${JSON.stringify(g)}, expected ${JSON.stringify(x)}`); }
  }
  return out;
}

test('every record of random runs is what the rules say', async (t) => {
  const dir = temporary(t), file = join(dir, 'w.json'), mocksFile = join(dir, 'm.json');
  for (let seed = 1; seed <= 150; seed++) {
    const actions = grow(dice(seed * 7919), leaf), mocks = {}, want = predict({ actions }, does), plain = structuredClone(actions);
    for (const [name, x] of every(plain)) { if (x.mock) mocks[name] = { status: x.mock }; delete x.mock; delete x.zero; delete x.stops; }
    writeFileSync(file, JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, triggers: { t: { type: 'Request' } }, actions: plain } }));
    writeFileSync(mocksFile, JSON.stringify(mocks));
    const r = await raccord(['run', file, '--mocks', mocksFile, '--format', 'json', '--clock', '2026-01-05T10:00:00Z']);
    assert.ok(r.stdout, `seed ${seed}: ${r.signal} ${r.stderr}`);
    assert.deepEqual(differences(JSON.parse(r.stdout), want, actions).slice(0, 4), [], `seed ${seed}`);
  }
});

test('the history of a server says the same of random runs', async (t) => {
  const s = await serve(t), staticResults = Object.fromEntries(results.map((x) => [x, { status: x, outputs: {} }]));
  const get = async (path) => (await s.api('GET', path)).json.value;
  for (let seed = 1; seed <= 30; seed++) {
    const actions = grow(dice(seed * 104729), leaf), want = predict({ actions }, does), plain = structuredClone(actions), unlike = [];
    for (const [, x] of every(plain)) { if (x.mock) x.runtimeConfiguration = { staticResult: { name: x.mock, staticResultOptions: 'Enabled' } }; delete x.mock; delete x.zero; delete x.stops; }
    const put = await s.api('PUT', '/api/v1/workflows/w', { kind: 'Stateful', definition: { $schema: schema, triggers: { manual: { type: 'Request' } }, staticResults, actions: plain } });
    assert.ok(put.status <= 201, put.text);
    await s.api('POST', '/api/v1/workflows/w/triggers/manual:run', {});
    const run = await until('the end of the run', async () => { const [v] = await get('/api/v1/workflows/w/runs'); return v && !['Running', 'Waiting'].includes(v.status) && v; });
    const all = new Map((await get(`/api/v1/runs/${run.id}/actions?$top=250`)).map((x) => [x.name, x]));
    for (const [name, , loops] of every(actions)) {
      const own = want.records[name].filter((x) => (x.path ? x.path.split('-').length : 0) === loops), got = all.get(name);
      const together = own.length > 0 ? Object.keys(orders).find((q) => own.some((x) => x.status === q)) : 'Skipped';
      if (got?.status !== together && all.size < 250) unlike.push(`${name}: ${got?.status}, expected ${together}`);
      else if (got && loops === 0 && (own[0].error ?? got.error?.code) !== got.error?.code) unlike.push(`${name}: ${got.error?.code}, expected ${own[0].error}`);
      else if (got && loops > 0 && own.length > 0 && got.repetitionCount !== own.length) unlike.push(`${name}: ${got.repetitionCount} times, expected ${own.length}`);
    }
    assert.deepEqual([run.status, unlike.slice(0, 4)], [want.status, []], `seed ${seed}`);
  }
});

test('a Switch without cases, an Until around nothing, an Until whose condition is none', async (t) => {
  const file = join(temporary(t), 'w.json');
  writeFileSync(file, JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, triggers: { t: { type: 'Request' } }, actions: {
    S: { type: 'Switch', expression: 1, cases: {} },
    U: { type: 'Until', expression: "@equals(iterationIndexes('U'), 2)", limit: { count: 3 }, operationOptions: 'FailWhenLimitsReached', actions: {} },
    V: { type: 'Until', expression: "@equals(iterationIndexes('V'), 3)", limit: { count: 3 }, operationOptions: 'FailWhenLimitsReached', actions: {} },
    W: { type: 'Until', expression: '@string(1)', limit: { count: 3 }, actions: { C: { type: 'Compose', inputs: 1 } } },
  } } }));
  const r = await raccord(['run', file, '--format', 'json']);
  const { actions } = JSON.parse(r.stdout);
  assert.deepEqual(['S', 'U', 'V', 'W'].map((n) => actions[n].status), ['Succeeded', 'Succeeded', 'Failed', 'Failed']);
  assert.equal(actions.W.error.code, 'ExpressionEvaluationFailed');
});
