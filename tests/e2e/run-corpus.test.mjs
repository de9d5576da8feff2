// Every published workflow runs to its end with generated mocks, and the statuses are what the rules
// of spec workflows §4.2 to §4.4 say. They are evaluated here a second time, by code that shares
// nothing with the engine: what leaf actions did is taken as given, everything else follows.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpus, raccord, temporary } from './lib/raccord.mjs';

const containers = { scope: 1, if: 1, switch: 1, foreach: 1, until: 1 };
const pure = new Set(['compose', 'parsejson', 'select', 'query', 'join', 'table', 'expression', 'response', 'terminate', 'wait',
  'initializevariable', 'setvariable', 'incrementvariable', 'decrementvariable', 'appendtoarrayvariable', 'appendtostringvariable']);
const type = (node) => String(node?.type ?? '').toLowerCase();
const get = (o, name) => o?.[Object.keys(o ?? {}).find((k) => k.toLowerCase() === name.toLowerCase())];

function* graphsOf(node) {
  switch (type(node)) {
    case 'if': yield get(node, 'actions') ?? {}; yield get(get(node, 'else'), 'actions') ?? {}; break;
    case 'switch': for (const c of Object.values(get(node, 'cases') ?? {})) yield get(c, 'actions') ?? {}; if (get(node, 'default')) yield get(node.default, 'actions') ?? {}; break;
    case 'scope': case 'foreach': case 'until': yield get(node, 'actions') ?? {}; break;
    default:
  }
}
function* every(actions) {
  for (const [name, node] of Object.entries(actions)) { yield [name, node]; for (const g of graphsOf(node)) yield* every(g); }
}

/** The definitions in a document of any form. */
function definitionOf(v) {
  if (!v || typeof v !== 'object') return undefined;
  if (v.triggers && v.actions && typeof v.actions === 'object') return v;
  for (const x of Object.values(v)) { const d = definitionOf(x); if (d) return d; }
  return undefined;
}

function mocksFor(definition, variant) {
  const out = {};
  for (const [name, node] of every(definition.actions ?? {})) {
    if (containers[type(node)] || pure.has(type(node))) continue;
    const body = { value: [{ id: 1, name: 'a' }, { id: 2, name: 'b' }], id: 'x', name: 'n', text: 't' };
    out[name] = variant === 'failing' && name.length % 3 === 0
      ? { status: 'Failed', code: 'NotFound', error: { code: 'NotFound', message: 'gone' }, outputs: { statusCode: 404, headers: {}, body: {} } }
      : { outputs: { statusCode: 200, headers: {}, body } };
  }
  return out;
}

const rank = ['Failed', 'TimedOut', 'Cancelled'];
const text = (path) => path.map((i) => String(i).padStart(6, '0')).join('-');
const worst = (list) => rank.find((s) => list.includes(s)) ?? 'Succeeded';

class Check {
  constructor(result) { this.result = result; this.used = {}; this.nested = 0; this.terminated = Object.values(result.actions).some((a) => a.code === 'Terminated'); }

  /** What the run says of an action in the iterations of path, outermost loop first. */
  take(name, path) {
    const a = this.result.actions[name];
    assert.ok(a, `${name} has no record`);
    const x = a.repetitions ? this.named(name).get(text(path)) : a;
    assert.ok(x, `${name} has no repetition ${text(path)}`);
    return x;
  }

  named(name) {
    return this.used[name] ??= new Map(this.result.actions[name].repetitions.map((r) => [r.name, r]));
  }

  /** How often the loop that stands at path went around; undefined: nobody can tell. */
  iterations(graph, path) {
    const first = Object.keys(graph)[0];
    const a = this.result.actions[first];
    if (!a || a.status === 'Skipped' && !a.repetitions && Object.keys(get(graph[first], 'runAfter') ?? {}).length === 0) return 0;
    if (!a.repetitions) return path.length > 0 ? undefined : 1; // the only one of all: here or in another iteration
    const inside = path.length > 0 ? `${text(path)}-` : '';
    return [...this.named(first).keys()].filter((n) => n.startsWith(inside) && n.length === inside.length + 6).length;
  }

  container(name, node, given, path) {
    const graphs = [...graphsOf(node)];
    if (given.error && given.error.code !== 'ActionFailed') return given.status; // its own expression failed
    switch (type(node)) {
      case 'scope': return this.graph(graphs[0], path);
      case 'if': return this.graph(graphs[given.inputs.expressionResult ? 0 : 1], path);
      case 'switch': {
        const cases = Object.values(get(node, 'cases') ?? {});
        let i = cases.findIndex((c) => get(c, 'case') === given.inputs.expressionResult);
        if (i < 0) i = get(node, 'default') ? cases.length : -1;
        return i < 0 ? 'Succeeded' : this.graph(graphs[i], path);
      }
      default: {
        const n = this.iterations(graphs[0], path);
        if (n === undefined) return undefined;
        if (path.length > 0) this.nested++;
        const all = [];
        for (let i = 0; i < n; i++) all.push(this.graph(graphs[0], [...path, i]));
        return type(node) === 'until' ? all.at(-1) ?? 'Succeeded' : worst(all);
      }
    }
  }

  /** Status of a graph that ran; checks each of its actions. */
  graph(actions, path) {
    const status = {};
    const names = Object.keys(actions);
    const key = (n) => names.find((k) => k.toLowerCase() === n.toLowerCase());
    for (let left = [...names]; left.length > 0;) {
      const name = left.find((n) => Object.keys(get(actions[n], 'runAfter') ?? {}).every((p) => !key(p) || status[key(p)]));
      assert.ok(name, `a circle among ${left}`);
      left = left.filter((n) => n !== name);
      const after = Object.entries(get(actions[name], 'runAfter') ?? {}).filter(([p]) => key(p));
      const ready = after.every(([p, wanted]) => wanted.some((w) => w.toLowerCase() === status[key(p)].toLowerCase()));
      const given = this.take(name, path);
      if (this.terminated && ['Terminated', 'Cancelled'].includes(given.code)) { status[name] = given.status; continue; }
      if (!ready) { assert.equal(given.status, 'Skipped', `${name} should be skipped`); status[name] = 'Skipped'; continue; }
      if (type(actions[name]) === 'response' && given.status === 'Skipped') { assert.equal(given.code, 'ActionResponseSkipped'); status[name] = 'Skipped'; continue; }
      assert.notEqual(given.status, 'Skipped', `${name} should have run`);
      status[name] = given.status;
      if (!containers[type(actions[name])]) continue;
      const follows = this.container(name, actions[name], given, path);
      if (follows !== undefined && !this.terminated) assert.equal(given.status, follows, `${name} ended as its parts say`);
    }
    const named = new Set(names.flatMap((n) => Object.keys(get(actions[n], 'runAfter') ?? {}).map(key)));
    const leaves = new Set(names.filter((n) => !named.has(n)));
    for (let again = true; again;) {
      again = false;
      for (const n of leaves) {
        if (status[n] !== 'Skipped') continue;
        leaves.delete(n);
        for (const p of Object.keys(get(actions[n], 'runAfter') ?? {})) leaves.add(key(p));
        again = true;
      }
    }
    return worst([...leaves].map((n) => status[n]));
  }
}

test('every published workflow runs to its end as the rules say', { skip: !corpus('workflows') && 'RACCORD_CORPUS is not at hand' }, async (t) => {
  const dir = corpus('workflows'), temp = temporary(t);
  const refused = [];
  let ran = 0, nested = 0;
  for (const f of readdirSync(dir).filter((x) => !x.startsWith('naoto256__'))) {
    let definition;
    try { definition = definitionOf(JSON.parse(readFileSync(join(dir, f), 'utf8').replace(/^\uFEFF/, ''))); } catch { definition = undefined; }
    for (const variant of ['good', 'failing']) {
      const mocks = join(temp, 'mocks.json'), trigger = join(temp, 'trigger.json');
      writeFileSync(mocks, JSON.stringify(definition ? mocksFor(definition, variant) : {}));
      writeFileSync(trigger, JSON.stringify({ headers: {}, body: { value: [1, 2], name: 'n', items: [{ a: 1 }] } }));
      const r = await raccord(['run', join(dir, f), '--format', 'json', '--clock', '2026-01-05T10:00:00Z', '--mocks', mocks, '--trigger', trigger, '--set', 'limits.maxActions=2000']);
      assert.equal(r.signal, null, `${f}: ${r.stderr}`);
      if (!r.stdout) { if (variant === 'good') refused.push(f); continue; }
      const result = JSON.parse(r.stdout);
      assert.match(result.status, /^(Succeeded|Failed|Cancelled)$/, f);
      if (!definition) continue;
      try {
        const check = new Check(result);
        const status = check.graph(definition.actions ?? {}, []);
        nested += check.nested;
        if (!check.terminated) assert.equal(result.status, status, 'the run ended as its actions say');
      } catch (e) { e.message = `${f} (${variant}): ${e.message}`; throw e; }
      ran++;
    }
  }
  t.diagnostic(`${ran} runs, ${nested} loops inside of loops; refused: ${refused.join(', ')}`);
  assert.ok(refused.length <= 1, refused.join('\n'));
});

// Loops inside of loops, with failures handled and not, branches, empty lists and Untils: random
// definitions whose statuses the second evaluation must agree with.
test('random nests of loops end as the rules say', async (t) => {
  const temp = temporary(t);
  let seed = 20261123, nested = 0;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 65536) % n; };
  const statuses = ['Succeeded', 'Failed', 'Skipped', 'TimedOut'];
  const grow = (depth, loops, counter) => {
    const actions = {}, names = [];
    for (let i = 0, n = 1 + random(3); i < n; i++) {
      const name = `a${counter.n++}`, runAfter = {};
      for (const p of names) if (random(2) === 0) runAfter[p] = statuses.filter(() => random(2) === 0);
      for (const [p, wanted] of Object.entries(runAfter)) if (wanted.length === 0) runAfter[p] = ['Succeeded'];
      const item = loops > 0 ? '@equals(mod(item(), 2), 0)' : '@equals(1, 1)', kind = depth > 3 ? 0 : random(6);
      actions[name] = [
        () => ({ type: 'Compose', inputs: loops > 0 && random(2) === 0 ? '@div(1, mod(item(), 3))' : random(4) === 0 ? '@div(1, 0)' : 1 }),
        () => ({ type: 'Scope', actions: grow(depth + 1, loops, counter) }),
        () => ({ type: 'If', expression: item, actions: grow(depth + 1, loops, counter), else: { actions: grow(depth + 1, loops, counter) } }),
        () => ({ type: 'Foreach', foreach: [[], [0], [1, 2], [0, 1, 2]][random(4)], actions: grow(depth + 1, loops + 1, counter) }),
        () => ({ type: 'Foreach', foreach: loops > 0 ? '@range(0, item())' : [1, 2], actions: grow(depth + 1, loops + 1, counter) }),
        () => ({ type: 'Foreach', foreach: [3, 1], operationOptions: 'Sequential', actions: grow(depth + 1, loops + 1, counter) }),
      ][kind]();
      actions[name].runAfter = runAfter;
      names.push(name);
    }
    return actions;
  };
  for (let round = 0; round < 60; round++) {
    const definition = { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', triggers: { t: { type: 'Request' } }, actions: grow(0, 0, { n: 0 }) };
    const file = join(temp, `w${round}.json`);
    writeFileSync(file, JSON.stringify({ kind: 'Stateful', definition }));
    const r = await raccord(['run', file, '--format', 'json', '--clock', '2026-01-05T10:00:00Z']);
    assert.ok(r.stdout, r.stderr);
    const result = JSON.parse(r.stdout), check = new Check(result);
    try { assert.equal(result.status, check.graph(definition.actions, [])); } catch (e) { e.message = `${JSON.stringify(definition.actions)}: ${e.message}`; throw e; }
    nested += check.nested;
  }
  assert.ok(nested > 100, `${nested} loops inside of loops`);
});
