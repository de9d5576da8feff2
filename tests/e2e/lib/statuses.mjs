// What becomes of every action of a run (spec workflows §4.2 to §4.4), worked out by itself from the definition
// and what its leaves do; and random definitions to work it out for. Shares nothing with the engine.
export const orders = { Failed: 4, TimedOut: 3, Cancelled: 2, Succeeded: 1, Skipped: 0 };
const first = ['Failed', 'TimedOut', 'Cancelled'];
export const worst = (list) => first.find((s) => list.includes(s)) ?? 'Succeeded';
const same = (a, b) => a.toLowerCase() === b.toLowerCase();
const failed = { code: 'ActionFailed', error: 'ActionFailed' }, ended = { Succeeded: { code: 'NotSpecified' }, Failed: failed, TimedOut: { code: 'ActionTimedOut' }, Cancelled: {} };

/** Status of a graph that ran: leaves, a skipped one replaced by what it waited for. */
export function leafRule(actions, status) {
  let list = Object.keys(actions).filter((n) => !Object.values(actions).some((x) => Object.keys(x.runAfter ?? {}).includes(n)));
  while (list.some((n) => status[n] === 'Skipped')) list = [...new Set(list.flatMap((n) => (status[n] === 'Skipped' ? Object.keys(actions[n].runAfter ?? {}) : [n])))];
  return worst(list.map((n) => status[n]));
}

/** leaf(name, action, path): {status, code?, error?} of an action without children. Returns {status, records:
 * name -> [{path, status, code?, error?, message?}]}. */
export function predict(definition, leaf) {
  const records = {};
  const put = (name, path, x) => { (records[name] ??= []).push({ path: path.join('-'), ...x }); return x.status; };
  const index = (i) => String(i).padStart(6, '0');

  function skipGraph(actions, path, owner, why) {
    for (const [name, x] of Object.entries(actions)) {
      const after = Object.entries(x.runAfter ?? {});
      const first = after.find(([, wanted]) => !wanted.some((w) => same(w, 'Skipped')));
      if (after.length > 0) put(name, path, { status: 'Skipped', code: 'ActionSkipped', error: 'ActionConditionFailed', message: first && condition(name, first, 'Skipped') });
      else if (why === 'branch') put(name, path, { status: 'Skipped', code: 'ActionSkipped', error: 'ActionBranchingConditionNotSatisfied', message: `The execution of template action '${name}' skipped: the branching condition for this action is not satisfied.` });
      else if (why === 'container') put(name, path, { status: 'Skipped', code: 'ActionSkipped', error: 'ActionDependencyFailed', message: `The execution of template action '${name}' is skipped: dependant action '${owner}' completed with status 'Skipped' and code 'ActionSkipped'.` });
      else put(name, path, { status: 'Skipped' }); // a loop that had nothing to do
      skipInside(name, x, path);
    }
  }
  const skipInside = (name, x, path) => { for (const g of graphs(x) ?? []) skipGraph(g, path, name, 'container'); };
  const condition = (name, [other, wanted], actual) => `The execution of template action '${name}' is skipped: the 'runAfter' condition for action '${other}' is not satisfied. Expected status values '${wanted.map((w) => Object.keys(orders).find((s) => same(s, w)) ?? w).join(', ')}' and actual value '${actual}'.`;

  function run(actions, path, ctx) {
    const status = {}, left = new Set(Object.keys(actions));
    while (left.size > 0) {
      const name = [...left].find((n) => Object.keys(actions[n].runAfter ?? {}).every((p) => status[p]));
      left.delete(name);
      const x = actions[name], missed = Object.entries(x.runAfter ?? {}).find(([p, wanted]) => !wanted.some((w) => same(w, status[p])));
      if (missed) {
        status[name] = put(name, path, { status: 'Skipped', code: 'ActionSkipped', error: 'ActionConditionFailed', message: condition(name, missed, status[missed[0]]) });
        skipInside(name, x, path);
      } else status[name] = graphs(x) ? container(name, x, path, ctx) : put(name, path, leaf(name, x, path, ctx));
    }
    return leafRule(actions, status);
  }

  function container(name, x, path, ctx) {
    const done = (status) => put(name, path, { status, ...ended[status] });
    const inside = graphs(x);
    if (x.type === 'Scope') return done(run(x.actions, path, ctx));
    if (x.type === 'If' || x.type === 'Switch') {
      const taken = x.type === 'If' ? (truth(x.expression, ctx) ? x.actions : x.else?.actions) : (Object.values(x.cases).find((c) => c.case === value(x.expression, ctx)) ?? x.default)?.actions;
      for (const g of inside) if (g !== taken) skipGraph(g, path, name, 'branch');
      return done(taken ? run(taken, path, ctx) : 'Succeeded');
    }
    if (x.type === 'Foreach') {
      const list = x.foreach;
      if (list.length === 0) for (const g of inside) skipGraph(g, path, name, 'empty');
      return done(worst(list.map((item, i) => run(x.actions, [...path, index(i)], { ...ctx, item, n: item }))));
    }
    let status;
    for (let i = 0; ; i++) {
      status = run(x.actions, [...path, index(i)], { ...ctx, n: i });
      if (i === x.stops) return done(status);
      if (i + 1 === x.limit.count) return done(/FailWhenLimitsReached/i.test(x.operationOptions ?? '') ? 'Failed' : status);
    }
  }
  const status = run(definition.actions, [], { n: 1 });
  return { status, records };
}
const truth = (e, ctx) => (typeof e === 'object' ? e.equals[0] === e.equals[1] : /item|iteration/.test(e) ? ctx.n % 2 === 0 : e === '@equals(1,1)');
const value = (e, ctx) => (typeof e === 'string' && e[0] === '@' ? ctx.n : e);
export const graphs = (x) => ({ Scope: () => [x.actions], If: () => [x.actions, ...(x.else ? [x.else.actions] : [])], Switch: () => [...Object.values(x.cases).map((c) => c.actions), ...(x.default ? [x.default.actions] : [])], Foreach: () => [x.actions], Until: () => [x.actions] }[x.type]?.());

/** A generator of numbers below n. */
export function dice(seed) {
  let s = seed >>> 0;
  return (n) => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return Math.floor((s / 4294967296) * n); };
}

const statuses = ['Succeeded', 'Failed', 'Skipped', 'TimedOut'];
/** A random definition; leaf(r, loop): a leaf. Loops know how often they go around (Until: stops). */
export function grow(r, leaf, { depth = 4, size = 4 } = {}) {
  let serial = 0;
  const pick = (list) => list[r(list.length)];
  function list(level, loop) {
    const actions = {}, names = [];
    for (let i = 0, n = 1 + r(level === 0 ? size + 2 : size); i < n; i++) {
      const runAfter = {};
      for (const p of names) if (r(5) < 2) { const s = statuses.filter(() => r(2)); runAfter[p] = (s.length > 0 ? s : [pick(statuses)]).map((w) => (r(4) === 0 ? w.toUpperCase() : w)); }
      const name = `${pick(['A', 'act ', 'Ünïx_', 'b.'])}${serial++}`;
      actions[name] = { ...(level >= depth || r(10) < 5 ? leaf(r, loop, name) : box(level, loop, name)), ...(Object.keys(runAfter).length > 0 || r(2) ? { runAfter } : {}) };
      names.push(name);
    }
    return r(12) === 0 && level > 0 ? {} : actions;
  }
  function box(level, loop, name) {
    const inner = (l = loop) => list(level + 1, l);
    const n = loop === undefined ? undefined : loop === 'each' ? 'item()' : `iterationIndexes('${loop.replace(/'/g, "''")}')`;
    switch (r(7)) {
      case 0: return { type: 'Scope', actions: inner() };
      case 1: return { type: 'If', expression: n && r(2) ? `@equals(mod(${n},2),0)` : pick(['@equals(1,1)', '@equals(1,2)', { equals: [1, 1] }, { equals: [1, 2] }]), actions: inner(), ...(r(3) ? { else: { actions: inner() } } : {}) };
      case 2: return { type: 'Switch', expression: n && r(2) ? `@${n}` : r(4), cases: Object.fromEntries(Array.from({ length: r(4) }, (_, i) => [`Case ${i}`, { case: i, actions: inner() }])), ...(r(2) ? { default: { actions: inner() } } : {}) };
      case 3: return { type: 'Foreach', foreach: Array.from({ length: r(4) }, () => r(4)), actions: inner('each'), ...(r(3) === 0 ? { operationOptions: 'Sequential' } : r(2) ? { runtimeConfiguration: { concurrency: { repetitions: 1 + r(50) } } } : {}) };
      case 4: { const stops = r(3), count = 1 + r(3); return { type: 'Until', stops, expression: `@equals(iterationIndexes('${name}'),${stops})`, limit: { count, ...(r(2) ? { timeout: 'PT1H' } : {}) }, actions: inner(name), ...(r(2) ? { operationOptions: 'FailWhenLimitsReached' } : {}) }; }
      default: return { type: 'Scope', actions: inner() };
    }
  }
  return list(0);
}
