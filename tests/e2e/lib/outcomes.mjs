// What actions that concern the whole run come to - Terminate (spec workflows §3.14), Response (§3.3) - and
// actions that are sent, retried, bounded in time or answered by a static result (§4.5, §4.6, §4.12), worked out
// from the definition alone. Beside lib/statuses.mjs, which knows containers; shares nothing with the engine.
import { graphs, predict } from './statuses.mjs';

/** Every action: [name, action, names of the loops around it, name of its container, its list]. */
export function* every(actions, loops = [], holder) {
  for (const [name, x] of Object.entries(actions)) {
    yield [name, x, loops, holder, actions];
    const inner = x.type === 'Foreach' || x.type === 'Until' ? [...loops, name] : loops;
    for (const g of graphs(x) ?? []) yield* every(g, inner, name);
  }
}

/** Where records differ from a prediction; records(name): [{name: path, status, code, error}]. */
export function differences(actions, want, status, records) {
  const out = status === want.status ? [] : [`the run: ${status}, expected ${want.status}`];
  for (const [name, , loops] of every(actions)) {
    const got = records(name);
    for (const x of want.records[name].filter((y) => (y.path ? y.path.split('-').length : 0) === loops.length)) {
      const g = got.find((y) => y.name === x.path);
      if (unlike(x, g)) out.push(`${name} ${x.path}: ${JSON.stringify({ status: g?.status, code: g?.code, error: g?.error })}, expected ${JSON.stringify(x)}`);
    }
  }
  return out;
}

/** name -> everything that has ended before it begins: what it waits for, what its containers wait for. */
export function befores(actions) {
  const out = {}, all = new Map([...every(actions)].map(([name, x, , holder]) => [name, { x, holder }]));
  const of = (name) => {
    if (out[name]) return out[name];
    const { x, holder } = all.get(name), set = new Set(holder ? of(holder) : []);
    for (const p of Object.keys(x.runAfter ?? {})) for (const q of [p, ...of(p)]) set.add(q);
    return (out[name] = set);
  };
  for (const name of all.keys()) of(name);
  return out;
}

/* --- Terminate -------------------------------------------------------------------------------- */

export const unlike = (x, g) => g?.status !== x.status || (x.code && g.code !== x.code) || (x.error && g.error?.code !== x.error) || (x.message && g.error?.message !== x.message);
const under = (path, n) => (path ? path.split('-').slice(0, n).join('-') : '');

/** What is wrong with the records of a run, of which any Terminate may have been the first. want: the prediction
 * in which each Terminate is an action like others; records(name): [{name: path, status, code, error}]. */
export function terminated(actions, want, run, records) {
  const list = [...every(actions)], info = new Map(list.map(([name, x, loops, holder]) => [name, { x, loops, holder }])), out = [];
  const got = new Map(), all = [];
  for (const [name, , loops] of list) {
    for (const r of records(name)) got.set(`${name} ${r.name}`, r);
    for (const x of want.records[name].filter((y) => (y.path ? y.path.split('-').length : 0) === loops.length)) all.push([name, x]);
  }
  const find = (name, path) => got.get(`${name} ${path}`);
  const winners = all.filter(([name, x]) => info.get(name).x.type === 'Terminate' && find(name, x.path)?.status === 'Succeeded');
  const reached = all.filter(([name, x]) => info.get(name).x.type === 'Terminate' && x.status === 'Succeeded');
  if (reached.length === 0) return undefined; // an ordinary run
  if (winners.length !== 1) return [`${winners.length} of ${reached.length} Terminates ended the run`];
  const [[winner, at]] = winners, { runStatus, runError } = info.get(winner).x.inputs;
  if (run.status !== runStatus) out.push(`the run: ${run.status}, ${winner} says ${runStatus}`);
  if (JSON.stringify(run.error) !== JSON.stringify(runStatus === 'Failed' ? runError : undefined)) out.push(`the run's error: ${JSON.stringify(run.error)}`);
  const holders = new Map(), after = befores(actions), around = new Set();
  for (let h = info.get(winner).holder; h; h = info.get(h).holder) { holders.set(h, under(at.path, info.get(h).loops.length)); around.add(h); }
  const ended = (name, path) => { const r = find(name, path); return r && r.code !== 'Terminated'; };
  for (const [name, x] of all) {
    const { x: action, loops, holder } = info.get(name), r = find(name, x.path), where = `${name} ${x.path}`;
    if (!r) { // an iteration that was never begun
      if (loops.length === 0 || ended(loops[0], '')) out.push(`${where}: no record`);
      continue;
    }
    const before = Object.keys(action.runAfter ?? {}).every((p) => ended(p, x.path));
    const begun = !holder || (() => { const h = find(holder, under(x.path, info.get(holder).loops.length)); return h && !(h.status === 'Skipped' && h.code === 'Terminated'); })();
    if (holders.get(name) === x.path) {
      if (r.status !== 'Cancelled' || r.code !== 'Terminated') out.push(`${where} holds ${winner}: ${r.status} ${r.code}`);
    } else if (r.code === 'Terminated') {
      if (r.error) out.push(`${where}: Terminated with an error`);
      else if (r.status === 'Cancelled') { if (x.status === 'Skipped' || !before || !begun || !graphs(action)) out.push(`${where}: Cancelled, and could not be open`); }
      else if (r.status !== 'Skipped') out.push(`${where}: ${r.status} Terminated`);
    } else if (unlike(x, r)) out.push(`${where}: ${JSON.stringify(r)}, expected ${JSON.stringify(x)}`);
    else if (!before || !begun) out.push(`${where}: ended, and what it waits for did not`);
    else if ((after[name].has(winner) || [...after[name]].some((p) => around.has(p))) && x.path.startsWith(at.path.slice(0, x.path.length))) {
      if (shares(info, name, winner, x.path, at.path)) out.push(`${where}: ended behind ${winner}`);
    }
  }
  for (const p of after[winner]) {
    const path = under(at.path, info.get(p).loops.length);
    if (!around.has(p) && info.get(p).loops.every((l) => around.has(l)) && !ended(p, path)) out.push(`${p}: had to end before ${winner}`);
  }
  for (const [name, r] of got) if (['Running', 'Waiting'].includes(r.status)) out.push(`${name}: still ${r.status}`);
  return out;
}
// Whether two records stand in the same iteration of every loop that is around both.
function shares(info, name, other, path, otherPath) {
  const a = info.get(name).loops, b = info.get(other).loops;
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return under(path, n) === under(otherPath, n);
}

/* --- Response --------------------------------------------------------------------------------- */

/** Predictions of a run with a caller, one for each Response that can have been the first to run: {status, records,
 * winner}; winner undefined: none ran. leaf as in predict; answers(x): the Response can be sent. */
export function* responses(actions, leaf, answers) {
  const names = [...every(actions)].filter(([, x]) => x.type === 'Response').map(([name]) => name), after = befores(actions);
  let some = false;
  for (const winner of names) {
    const executed = new Set();
    const does = (name, x, path, ctx) => {
      if (x.type !== 'Response') return leaf(name, x, path, ctx);
      executed.add(name);
      if (!answers(x)) return { status: 'Failed' }; // as BadRequest, or as Conflict behind the first: the rules say both
      return name === winner ? { status: 'Succeeded' } : { status: 'Failed', code: 'Conflict', error: 'Conflict' };
    };
    const want = predict({ actions }, does);
    const earlier = [...executed].some((n) => n !== winner && after[winner].has(n) && answers(find(actions, n)));
    if (!executed.has(winner) || !answers(find(actions, winner)) || earlier) continue;
    some = true;
    yield { ...want, winner };
  }
  if (!some) yield { ...predict({ actions }, (name, x, path, ctx) => (x.type === 'Response' ? { status: 'Failed', code: 'BadRequest' } : leaf(name, x, path, ctx))) };
}
/** The same run with nobody waiting for an answer: inputs are evaluated all the same (§3). */
export const unanswered = (actions, leaf, evaluates) => predict({ actions }, (name, x, path, ctx) => (x.type !== 'Response' ? leaf(name, x, path, ctx) : !evaluates(x) ? { status: 'Failed', code: 'BadRequest', error: 'InvalidTemplate' } : { status: 'Skipped', code: 'ActionResponseSkipped', error: 'ActionResponseSkipped', message: `The execution of template action '${name}' is skipped: the client application is not waiting for a response from service.` }));
const find = (actions, wanted) => [...every(actions)].find(([name]) => name === wanted)[1];

/* --- requests ---------------------------------------------------------------------------------- */

const names = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'NoContent', 400: 'BadRequest', 404: 'NotFound', 408: 'RequestTimeout', 409: 'Conflict', 418: '418', 429: 'TooManyRequests', 500: 'InternalServerError', 501: 'NotImplemented', 502: 'BadGateway', 503: 'ServiceUnavailable', 504: 'GatewayTimeout' };
export const statusName = (status) => names[status];

/** What a request with a retry policy comes to, whose server gives these answers one after another, the last for
 * ever (0: the connection is closed): {status, code, sent}. */
export function requested(policy, script) {
  const type = (policy?.type ?? 'default').toLowerCase(), count = type === 'none' ? 0 : type === 'default' ? 4 : Number(policy.count ?? 4);
  const again = (s) => s === 0 || s === 408 || s === 429 || s >= 500 || (policy?.httpStatusCodes ?? []).includes(s);
  let sent = 0, last;
  do { last = script[Math.min(sent++, script.length - 1)]; } while (sent <= count && again(last));
  const good = last >= 200 && last <= 299;
  return { status: good ? 'Succeeded' : 'Failed', code: last === 0 ? 'BadRequest' : statusName(last), sent };
}
