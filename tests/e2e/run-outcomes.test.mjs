// Random definitions with Terminate, Response, retries, limits of time and splitOn: every record of `raccord
// run`, and of a server with all its repetitions, is what spec workflows §3.3, §3.14 and §4 say. A failure
// prints its seed; RACCORD_SEEDS multiplies how many are tried.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backend, raccord, serve, temporary, until } from './lib/raccord.mjs';
import { client } from './lib/workflows.mjs';
import { profiles, schema } from './lib/definitions.mjs';
import { differences, every, requested, responses, terminated, unanswered } from './lib/outcomes.mjs';
import { dice, grow, predict } from './lib/statuses.mjs';

const times = Number(process.env.RACCORD_SEEDS ?? 1);
const results = ['Succeeded', 'Failed', 'TimedOut', 'Skipped', 'Cancelled', 'Failed'];
const pick = (r, list) => list[r(list.length)];

function plainLeaf(r, loop) {
  const kind = r(6);
  if (kind < 2) return { type: 'Compose', inputs: 1 };
  if (kind === 2) return { type: 'Compose', inputs: '@div(1,0)' };
  if (kind === 3 && loop) return { type: 'Compose', inputs: `@div(1, ${loop === 'each' ? 'item()' : `iterationIndexes('${loop}')`})`, zero: true };
  return { type: 'Http', inputs: { method: 'GET', uri: 'https://example.org' }, mock: pick(r, results) };
}
const runStatuses = ['Succeeded', 'Failed', 'Cancelled'];
const terminating = (inLoops) => (r, loop) => {
  if (r(9) > 0 || (loop && !inLoops)) return plainLeaf(r, loop);
  const runStatus = pick(r, runStatuses);
  return { type: 'Terminate', inputs: { runStatus, ...(runStatus === 'Failed' ? { runError: { code: `E${r(9)}`, message: 'm' } } : {}) } };
};
const responding = (r, loop, name) => {
  if (r(4) > 0 || loop) return plainLeaf(r, loop);
  return { type: 'Response', inputs: pick(r, [{ statusCode: '@add(300,1)' }, { statusCode: 200, body: '@div(1,0)' }, ...[200, 201, 202, 400, 404, 500].map((statusCode) => ({ statusCode, body: name }))]) };
};
const answers = (x) => x.inputs.statusCode !== '@add(300,1)' && x.inputs.body !== '@div(1,0)';
function does(name, x, path, { n }) {
  if (x.type === 'Terminate') return { status: 'Succeeded', code: 'NotSpecified' };
  if (x.mock) return { status: x.mock };
  return (x.zero ? n === 0 : x.inputs !== 1) ? { status: 'Failed', code: 'BadRequest', error: 'InvalidTemplate' } : { status: 'Succeeded', code: 'OK' };
}

// The definition without what is said to the evaluator alone; static: mocks as static results.
const staticResults = Object.fromEntries(results.map((x) => [x, { status: x, outputs: {} }]));
function authored(actions, fixed) {
  const plain = structuredClone(actions), mocks = {};
  for (const [name, x] of every(plain)) {
    if (x.mock && fixed) x.runtimeConfiguration = { staticResult: { name: x.mock, staticResultOptions: 'Enabled' } };
    else if (x.mock) mocks[name] = { status: x.mock };
    for (const k of ['mock', 'zero', 'stops', 'script']) delete x[k];
  }
  return [plain, mocks];
}
const trigger = { t: { type: 'Request', kind: 'Http', inputs: {} } };
const records = (run) => (name) => run.actions[name]?.repetitions ?? (run.actions[name] ? [{ ...run.actions[name], name: '' }] : []);

function command(t) {
  const dir = temporary(t), file = join(dir, 'w.json'), mocksFile = join(dir, 'm.json');
  return async (seed, document, mocks = {}, env = {}) => {
    writeFileSync(file, JSON.stringify(document));
    writeFileSync(mocksFile, JSON.stringify(mocks));
    const r = await raccord(['run', file, ...(Object.keys(mocks).length > 0 ? ['--mocks', mocksFile] : []), '--format', 'json', '--clock', '2026-01-05T10:00:00Z'], { env });
    assert.ok(r.stdout, `seed ${seed}: ${r.signal} ${r.stderr}`);
    return JSON.parse(r.stdout);
  };
}

async function server(t, args = []) {
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8', ...args] });
  const get = async (path) => { const r = await s.api('GET', `/api/v1${path}`); assert.ok([200, 404].includes(r.status), r.text); return r.json.value ?? []; };
  const save = async (document) => { const r = await s.api('PUT', '/api/v1/workflows/w', document); assert.ok(r.status <= 201, r.text); };
  const { ended } = client(s);
  const history = async (id, actions) => {
    const rows = new Map((await get(`/runs/${id}/actions?$top=250`)).map((x) => [x.name, x])), all = new Map();
    for (const [name, , loops] of every(actions)) all.set(name, loops.length > 0 ? await get(`/runs/${id}/actions/${encodeURIComponent(name)}/repetitions?$top=250`) : rows.has(name) ? [{ ...rows.get(name), name: '' }] : []);
    return (name) => all.get(name);
  };
  return { s, get, save, ended, history };
}
const small = (actions) => [...every(actions)].length <= 200; // one page

test('Terminate in scopes, branches and loops: what had ended stays, the rest is Cancelled or Skipped', async (t) => {
  const run = command(t);
  let ends = 0;
  for (let seed = 1; seed <= 120 * times; seed++) {
    const inLoops = seed % 2 === 0, actions = grow(dice(seed * 7919), terminating(inLoops)), want = predict({ actions }, does), [plain, mocks] = authored(actions);
    const [document] = profiles[inLoops ? 'solution' : 'standard']({ $schema: schema, triggers: trigger, actions: plain });
    const r = await run(seed, document, mocks), out = terminated(actions, want, r, records(r));
    ends += out !== undefined;
    assert.deepEqual((out ?? differences(actions, want, r.status, records(r))).slice(0, 4), [], `seed ${seed}`);
  }
  assert.ok(ends > 20 * times, `only ${ends} were ended`);
});

test('the history of a server has the same record of every repetition', async (t) => {
  const { s, save, ended, history } = await server(t);
  for (let seed = 1; seed <= 60 * times; seed++) {
    const inLoops = seed % 2 === 0, actions = grow(dice(seed * 104729), terminating(inLoops)), want = predict({ actions }, does);
    if (!small(actions)) continue;
    await save(profiles[inLoops ? 'solution' : 'standard']({ $schema: schema, staticResults, triggers: trigger, actions: authored(actions, true)[0] })[0]);
    const r = await ended((await s.api('POST', '/api/v1/workflows/w:run', {})).json.id), got = await history(r.id, actions);
    assert.deepEqual((terminated(actions, want, r, got) ?? differences(actions, want, r.status, got)).slice(0, 4), [], `seed ${seed}`);
  }
});

// The prediction that fits, of those for each Response that can have been the first.
function fitting(actions, wants, status, got, answered) {
  const all = wants.map((want) => {
    const out = differences(actions, want, status, got), [, x] = [...every(actions)].find(([n]) => n === want.winner) ?? [];
    if (JSON.stringify(answered) !== JSON.stringify(x ? [x.inputs.statusCode, want.winner] : undefined)) out.push(`answered ${JSON.stringify(answered)}, expected ${want.winner}`);
    return out;
  });
  return all.find((out) => out.length === 0) ?? all.flatMap((out) => out.slice(0, 3));
}

test('Responses: the first answers, the others conflict, none is none', async (t) => {
  const run = command(t);
  for (let seed = 1; seed <= 120 * times; seed++) {
    const actions = grow(dice(seed * 6007), responding), [plain, mocks] = authored(actions);
    const r = await run(seed, profiles.standard({ $schema: schema, triggers: trigger, actions: plain })[0], mocks);
    assert.deepEqual(fitting(actions, [...responses(actions, does, answers)], r.status, records(r), r.response && [r.response.statusCode, r.response.body]), [], `seed ${seed}`);
  }
});

test('a caller of a server gets that answer, or 502; with nobody waiting each Response is skipped', async (t) => {
  const { s, get, save, ended, history } = await server(t);
  for (let seed = 1; seed <= 40 * times; seed++) {
    const actions = grow(dice(seed * 15485863), responding);
    if (!small(actions)) continue;
    const some = [...every(actions)].some(([, x]) => x.type === 'Response');
    await save(profiles.standard({ $schema: schema, staticResults, triggers: trigger, actions: authored(actions, true)[0] })[0]);
    const { value } = (await s.api('POST', '/api/v1/workflows/w/triggers/t:callback', {})).json;
    const called = await fetch(value, { method: 'POST' }), text = await called.text();
    const r = await ended((await get('/workflows/w/runs'))[0].id), got = await history(r.id, actions);
    const wants = [...responses(actions, does, answers)];
    if (!some || wants.some((w) => !w.winner)) assert.equal(called.status, some ? 502 : 202, `seed ${seed}: ${text}`);
    assert.deepEqual(fitting(actions, wants, r.status, got, some && !/"NoResponse"/.test(text) ? [called.status, text] : undefined), [], `seed ${seed}`);
    const alone = await ended((await s.api('POST', '/api/v1/workflows/w:run', {})).json.id);
    assert.deepEqual(differences(actions, unanswered(actions, does, (x) => x.inputs.body !== '@div(1,0)'), alone.status, await history(alone.id, actions)).slice(0, 4), [], `seed ${seed}, nobody waiting`);
  }
});

/* --- requests ---------------------------------------------------------------------------------- */

// Answers /seed/place?s=500-0-200 one after another: 0 closes the connection, 1 never answers.
async function scripted(t) {
  const sent = new Map();
  const service = await backend(t, (req, res) => {
    const url = new URL(req.url, 'http://x'), at = sent.get(url.pathname) ?? [], script = url.searchParams.get('s').split('-').map(Number), status = script[Math.min(at.length, script.length - 1)];
    sent.set(url.pathname, [...at, Date.now()]);
    if (status === 0) { req.socket.destroy(); return; }
    if (status === 1) return;
    res.writeHead(status, { connection: 'close' });
    res.end();
  });
  return { sent, url: service.url };
}
const codes = [200, 200, 201, 202, 204, 400, 404, 408, 409, 429, 500, 502, 503, 504, 0], again = [500, 429, 0, 503];
const policies = [undefined, { type: 'none' }, { type: 'NONE' }, { type: 'default' }, { type: 'fixed', count: 1, interval: 'PT10S' }, { type: 'Fixed', count: 4, interval: 'PT10S' }, { type: 'fixed', count: '3', interval: 'PT5S' }, { type: 'fixed', count: 3, interval: 'PT1H', httpStatusCodes: [404, 409] }, { type: 'exponential', count: 2, interval: 'PT10S', minimumInterval: 'PT5S', maximumInterval: 'PT20S' }, { type: 'Exponential', count: 4, interval: 'PT7S' }];
const requesting = (r, loop) => {
  if (r(4) === 0) return plainLeaf(r, loop).type === 'Http' ? { type: 'Compose', inputs: 1 } : { type: 'Compose', inputs: r(3) ? 1 : '@div(1,0)' };
  const x = { type: 'Http', inputs: { method: 'GET', uri: '' }, script: loop ? [pick(r, [200, 404, 204])] : Array.from({ length: 1 + r(5) }, () => pick(r, r(2) ? codes : again)) };
  const policy = pick(r, policies), late = loop ? 9 : r(12);
  if (policy) x.inputs.retryPolicy = policy;
  if (late < 2) Object.assign(x, { inputs: { ...x.inputs, retryPolicy: { type: 'fixed', count: 3, interval: 'PT10S' } }, limit: { timeout: 'PT25S' } });
  else if (late === 2) Object.assign(x, { script: [1], limit: { timeout: 'PT1S' } });
  return x;
};
function sends(name, x, path, ctx) {
  if (x.type !== 'Http') return does(name, x, path, ctx);
  const late = (sent) => ({ status: 'TimedOut', code: 'ActionTimedOut', error: 'ActionTimedOut', message: `The execution of template action '${name}' is failed: the time limit '${x.limit.timeout}' was exceeded.`, sent });
  if (x.script[0] === 1) return late(1);
  const q = requested(x.inputs.retryPolicy, x.script);
  return x.limit && q.sent > 3 ? late(3) : q; // attempts at 0, 10 and 20 s
}

test('requests that are retried, and limits of time: what becomes of each, and how often it is sent', async (t) => {
  const run = command(t), { sent, url } = await scripted(t);
  for (let seed = 1; seed <= 40 * times; seed++) {
    const actions = grow(dice(seed * 3571), requesting, { depth: 3, size: 3 }), want = predict({ actions }, sends), places = new Map();
    for (const [name, x] of every(actions)) if (x.type === 'Http') { places.set(name, `/${seed}/${places.size}`); x.inputs.uri = `${url}${places.get(name)}?s=${x.script.join('-')}`; }
    const r = await run(seed, profiles.standard({ $schema: schema, triggers: trigger, actions: authored(actions)[0] })[0], {}, { RACCORD_EGRESS_ALLOW: '127.0.0.0/8' });
    const out = differences(actions, want, r.status, records(r));
    for (const [name, x, loops] of every(actions)) for (const w of loops.length > 0 ? [] : want.records[name]) if ((sent.get(places.get(name))?.length ?? 0) !== (w.sent ?? 0)) out.push(`${name}: sent ${sent.get(places.get(name))?.length ?? 0} times, expected ${w.sent ?? 0}; ${x.script} ${JSON.stringify(x.inputs.retryPolicy)}`);
    assert.deepEqual(out.slice(0, 4), [], `seed ${seed}`);
  }
});

test('a server keeps each attempt in history, and the delays between them', async (t) => {
  const { s, get, save, ended } = await server(t), { sent, url } = await scripted(t);
  const cases = { once: [[500, 200], 1], twice: [[503, 429, 201], 2], used: [[500], 2], other: [[500, 404], 1], none: [[400], 0], closed: [[0, 204], 1] };
  for (const kind of ['Stateful', 'Stateless']) {
    const interval = kind === 'Stateful' ? 5 : 1, actions = {};
    for (const [name, [script]] of Object.entries(cases)) actions[name] = { type: 'Http', inputs: { method: 'GET', uri: `${url}/${kind}/${name}?s=${script.join('-')}`, retryPolicy: { type: 'fixed', count: 2, interval: `PT${interval}S` } } };
    if (kind === 'Stateless') actions.R = { type: 'Response', runAfter: Object.fromEntries(Object.keys(cases).map((n) => [n, ['Succeeded', 'Failed']])), inputs: { statusCode: 200, body: Object.fromEntries(Object.keys(cases).map((n) => [n, `@actions('${n}')['status']`])) } };
    await save({ kind, definition: { $schema: schema, triggers: trigger, actions } });
    if (kind === 'Stateful') {
      const { id } = await ended((await s.api('POST', '/api/v1/workflows/w:run', {})).json.id);
      for (const a of await get(`/runs/${id}/actions`)) {
        const [script, n] = cases[a.name], last = script[Math.min(n, script.length - 1)];
        assert.deepEqual([a.name, a.retryHistory?.length ?? 0, a.status], [a.name, n, last < 300 ? 'Succeeded' : 'Failed']);
        const requests = await get(`/runs/${id}/actions/${a.name}/requests`);
        assert.deepEqual([a.name, requests.length], [a.name, n + 1]);
      }
    } else {
      const { value } = (await s.api('POST', '/api/v1/workflows/w/triggers/t:callback', {})).json, r = await fetch(value, { method: 'POST' });
      const said = await r.json();
      for (const [name, [script, n]] of Object.entries(cases)) assert.deepEqual([name, said[name]], [name, script[Math.min(n, script.length - 1)] < 300 ? 'Succeeded' : 'Failed']);
    }
    const late = Object.entries(cases).flatMap(([name, [, n]]) => {
      const at = sent.get(`/${kind}/${name}`);
      assert.deepEqual([name, at.length], [name, n + 1]);
      return at.slice(1).map((x, i) => x - at[i] - interval * 1000);
    });
    assert.ok(late.every((ms) => ms >= -50 && ms < 60000) && Math.min(...late) < 3000, `${late} ms late`); // a busy machine delays some of them
  }
});

/* --- loops in time ----------------------------------------------------------------------------- */

test('how many iterations run at once, and how many before the time is up', async (t) => {
  const run = command(t);
  const pause = (count) => ({ W: { type: 'Wait', inputs: { interval: { unit: 'Second', count } } } });
  for (let seed = 1; seed <= 40 * times; seed++) {
    const r = dice(seed * 2749), n = r(60), w = 1 + r(50), degree = 1 + r(50), form = r(4), inner = r(2);
    const more = form === 0 ? { operationOptions: 'sequential' } : form === 1 ? { runtimeConfiguration: { concurrency: { repetitions: degree } } } : {};
    const at = form === 0 ? 1 : form === 1 ? degree : form === 2 ? 20 : 1; // form 3: a flow
    const loop = { type: 'Foreach', foreach: Array.from({ length: n }, (_, i) => i), actions: inner ? { I: { type: 'Foreach', foreach: [1, 2, 3], actions: pause(w) } } : pause(w), ...more };
    const timeout = 1 + r(200), count = 1 + r(9), stops = r(9), fails = r(2);
    const until = { type: 'Until', expression: `@equals(iterationIndexes('U'),${stops})`, limit: { count, timeout: `PT${timeout}S` }, actions: { V: pause(w).W }, ...(fails ? { operationOptions: 'FailWhenLimitsReached' } : {}) };
    const got = await run(seed, profiles[form === 3 ? 'solution' : 'standard']({ $schema: schema, triggers: trigger, actions: { L: loop, U: until } })[0]);
    const ms = (a) => Date.parse(a.endTime) - Date.parse(a.startTime);
    assert.equal(ms(got.actions.L), Math.ceil(n / at) * w * 1000 * (inner && n > 0 ? 3 : 1), `seed ${seed}: ${n} items, ${at} at once`);
    const iterations = Math.min(count, stops + 1, Math.ceil(timeout / w));
    assert.deepEqual([got.actions.V.repetitions.length, ms(got.actions.U), got.actions.U.status], [iterations, iterations * w * 1000, iterations < stops + 1 && fails ? 'Failed' : 'Succeeded'], `seed ${seed}: every ${w} s, ${JSON.stringify(until.limit)}, stops at ${stops}`);
  }
});

/* --- splitOn ----------------------------------------------------------------------------------- */

test('splitOn: a run for each element, in order, each with its own outcome', async (t) => {
  const { s, get, save, ended, history } = await server(t);
  // leaves see the element: a number, here the n of the evaluator outside of loops
  const leaf = (r, loop) => (loop || r(3) ? plainLeaf(r, loop) : { type: 'Compose', inputs: `@div(1, mod(triggerBody(), ${2 + r(3)}))`, item: true });
  const element = (item) => (name, x, path, ctx) => (x.item ? (item % Number(/, (\d)\)\)$/.exec(x.inputs)[1]) === 0 ? { status: 'Failed', code: 'BadRequest', error: 'InvalidTemplate' } : { status: 'Succeeded', code: 'OK' }) : does(name, x, path, ctx));
  for (let seed = 1; seed <= 12 * times; seed++) {
    const r = dice(seed * 8191), actions = grow(r, leaf, { depth: 2, size: 3 }), plain = structuredClone(actions), condition = r(2) ? r(3) : undefined;
    for (const [, x] of every(plain)) delete x.item;
    const splitting = { t: { ...trigger.t, splitOn: "@triggerBody()?['value']", ...(condition === undefined ? {} : { conditions: [{ expression: `@not(equals(mod(triggerBody(), 3), ${condition}))` }] }) } };
    await s.api('DELETE', '/api/v1/workflows/w');
    await save(profiles.standard({ $schema: schema, staticResults, triggers: splitting, actions: authored(plain, true)[0] })[0]);
    const { value } = (await s.api('POST', '/api/v1/workflows/w/triggers/t:callback', {})).json;
    const items = Array.from({ length: r(7) }, () => r(20)), body = pick(r, [{ value: items, other: 1 }, { value: items }, { value: null }, {}, { value: 'x' }, { value: items }]);
    const called = await fetch(value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    const list = Array.isArray(body.value) ? body.value : [], fires = list.filter((i) => condition === undefined || i % 3 !== condition);
    assert.equal(called.status, 202, `seed ${seed}: ${await called.text()}`);
    const runs = await until(`seed ${seed}: ${fires.length} runs`, async () => { const v = await get('/workflows/w/runs?$top=250'); return v.length >= fires.length && v; }, { every: 10 });
    assert.equal(runs.length, fires.length, `seed ${seed}`);
    for (const [i, { id }] of runs.reverse().entries()) {
      const run = await ended(id), want = predict({ actions }, element(fires[i]));
      assert.deepEqual(differences(actions, want, run.status, await history(id, actions)).slice(0, 3), [], `seed ${seed}, element ${fires[i]} of ${JSON.stringify(fires)}`);
    }
    const told = await get('/workflows/w/triggers/t/histories?$top=250'), count = (status) => told.filter((h) => h.status === status).length;
    const skipped = body.value === 'x' ? 0 : list.length === 0 ? 1 : list.length - fires.length;
    assert.deepEqual([count('Succeeded'), count('Skipped'), count('Failed')], [fires.length, skipped, body.value === 'x' ? 1 : 0], `seed ${seed}: ${JSON.stringify(body)}`);
  }
});

test('a static result: its code, the name of its status code, or what its status is called', async (t) => {
  const run = command(t), outputs = {};
  const cases = { Named: [{ status: 'Failed', outputs: { statusCode: 'NotFound' } }, 'NotFound'], Number: [{ status: 'Succeeded', outputs: { statusCode: 201 } }, 'Created'], Said: [{ status: 'Failed', code: 'Odd', outputs: { statusCode: 'OK' }, error: { code: 'X', message: 'y' } }, 'Odd', 'X'], Good: [{ status: 'Succeeded', outputs }, 'OK'], Bad: [{ status: 'Failed', outputs }, 'BadRequest'], Late: [{ status: 'TimedOut', outputs }, 'ActionTimedOut'], Left: [{ status: 'Skipped', outputs }, 'ActionSkipped'], Gone: [{ status: 'Cancelled', outputs }, 'Cancelled'] };
  const actions = Object.fromEntries(Object.keys(cases).map((name) => [name, { type: 'Http', inputs: { method: 'GET', uri: 'https://example.org' }, runtimeConfiguration: { staticResult: { name, staticResultOptions: 'Enabled' } } }]));
  const r = await run(0, profiles.standard({ $schema: schema, staticResults: Object.fromEntries(Object.entries(cases).map(([name, [x]]) => [name, x])), triggers: trigger, actions })[0]);
  for (const [name, [x, code, error]] of Object.entries(cases)) assert.deepEqual([name, r.actions[name].status, r.actions[name].code, r.actions[name].error?.code], [name, x.status, code, error]);
});
