// kill -9 at random moments under load, and on again: no acknowledged trigger is lost, every run
// comes to its end, and what was recorded of an action stays as it was, once.
// RACCORD_KILL_ROUNDS: how many times (6); RACCORD_SEED: of the moments.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend, serve, temporary, until } from './lib/raccord.mjs';

const rounds = Number(process.env.RACCORD_KILL_ROUNDS ?? 6);
const seed = Number(process.env.RACCORD_SEED ?? Date.now() % 1000000);
let state = seed;
const random = () => { state = (state * 1103515245 + 12345) % 2147483648; return state / 2147483648; };
const wait = (ms) => new Promise((ok) => setTimeout(ok, ms));

const definition = (actions) => ({ definition: {
  $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0',
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions, outputs: {},
} });
const compose = (inputs, after) => ({ type: 'Compose', inputs, runAfter: after ? { [after]: ['Succeeded'] } : {} });

// One turn; several turns with a call and a timer; a loop whose repetitions are history as well.
const workflows = (url) => ({
  quick: [definition({ Double: compose("@mul(triggerBody()?['n'], 2)"), Reply: { type: 'Response', kind: 'Http', runAfter: { Double: ['Succeeded'] }, inputs: { statusCode: 200, body: "@outputs('Double')" } } }), ['Double', 'Reply']],
  steps: [definition({
    First: compose('@guid()'),
    Call: { type: 'Http', inputs: { method: 'GET', uri: `${url}/item` }, runAfter: { First: ['Succeeded'] } },
    Wait: { type: 'Wait', inputs: { interval: { unit: 'Second', count: 1 } }, runAfter: { Call: ['Succeeded'] } },
    Last: compose("@concat(outputs('First'), body('Call'))", 'Wait'),
  }), ['Call', 'First', 'Last', 'Wait']],
  loop: [definition({
    Each: { type: 'Foreach', foreach: '@range(0, 12)', actions: { Item: compose("@item()") }, runAfter: {} },
    Wait: { type: 'Wait', inputs: { interval: { unit: 'Second', count: 1 } }, runAfter: { Each: ['Succeeded'] } },
    Sum: compose("@length(outputs('Item'))", 'Wait'),
  }), ['Each', 'Item', 'Sum', 'Wait']],
});

const ok = (r, status = 200) => { assert.equal(r.status, status, r.text); return r.json; };

async function list(s, path) {
  const all = [];
  for (let next = path; next;) {
    const page = ok(await s.api('GET', next.replace(s.url, '')));
    all.push(...page.value);
    next = page.nextLink;
  }
  return all;
}
const runsOf = (s, name) => list(s, `/api/v1/workflows/${name}/runs?$top=250`);
const actionsOf = (s, id) => list(s, `/api/v1/runs/${id}/actions?$top=250`);
const recorded = ({ status, code, startTime, endTime, trackingId }) => JSON.stringify({ status, code, startTime, endTime, trackingId });

// Clients that go on until the server is gone. acked: name -> run; seen: what was recorded of some.
async function load(s, urls, ids, acked, seen) {
  let sent = 0;
  const client = async (name) => {
    for (;;) {
      try {
        sent++;
        const r = await fetch(urls[name], { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ n: sent }) });
        await r.arrayBuffer();
        if (r.status === 429 || r.status === 503) { await wait(50); continue; }
        assert.ok([200, 202].includes(r.status), `${name}: ${r.status}`);
        acked.push([name, r.headers.get('x-ms-workflow-run-id')]);
        if (name !== 'quick') await wait(20);
      } catch (e) {
        if (e instanceof assert.AssertionError) throw e;
        return;
      }
    }
  };
  const watcher = async () => {
    while (s.child.signalCode === null) {
      const some = acked.filter(([name]) => name !== 'quick');
      const [name, run] = some[Math.floor(random() * some.length)] ?? [];
      try {
        if (name) for (const a of await actionsOf(s, `${ids[name]}-${run}`)) if (a.endTime) seen.set(`${name}/${run}/${a.name}`, recorded(a));
      } catch (e) {
        if (e instanceof assert.AssertionError) throw e;
        return;
      }
      await wait(10);
    }
  };
  await Promise.all([...Array(6).fill('quick'), ...Array(3).fill('steps'), ...Array(3).fill('loop')].map(client).concat(watcher()));
  return sent;
}

async function settled(s) {
  let open;
  const check = async () => {
    open = [];
    for (const name of ['quick', 'steps', 'loop'])
      open.push(...ok(await s.api('GET', `/api/v1/workflows/${name}/runs?$filter=${encodeURIComponent("(status eq 'Running' or status eq 'Waiting')")}`)).value);
    return open.length === 0;
  };
  await until('the end of every run', check, { every: 200 }).catch((e) => assert.fail(`${e.message}: ${JSON.stringify(open.slice(0, 3))}`));
}

test('kill -9 under load, again and again', { timeout: 600000 + rounds * 120000 }, async (t) => {
  const dir = temporary(t), item = await backend(t, (req, res) => setTimeout(() => res.end('"item"'), 5));
  const all = workflows(item.url), urls = {}, ids = {};
  const args = ['--set', 'workers=3', '--set', 'egress.allow=127.0.0.0/8'];
  t.diagnostic(`seed ${seed}`);
  for (let round = 0; round < rounds; round++) {
    let s = await serve(null, { dir, args });
    for (const [name, [document]] of Object.entries(all)) {
      if (round === 0) ids[name] = ok(await s.api('PUT', `/api/v1/workflows/${name}`, document), 201).id;
      urls[name] = ok(await s.api('POST', `/api/v1/workflows/${name}/triggers/manual:callback`, {})).value;
    }
    const acked = [], seen = new Map();
    const killed = wait(200 + random() * 2300).then(() => s.child.kill('SIGKILL'));
    const sent = await load(s, urls, ids, acked, seen);
    await killed;
    await s.kill();
    assert.doesNotMatch(s.log(), /Sanitizer|runtime error:|raccord: bug:/);

    s = await serve(null, { dir, args });
    await settled(s);
    let total = 0;
    for (const [name, [, actions]] of Object.entries(all)) {
      const runs = new Map((await runsOf(s, name)).map((r) => [r.name, r.status]));
      total += runs.size;
      const mine = acked.filter(([n]) => n === name).map(([, run]) => run);
      assert.equal(new Set(mine).size, mine.length);
      for (const run of mine) assert.equal(runs.get(run), 'Succeeded', `round ${round}: ${name} ${run}`);
      for (const run of mine.slice(-25)) {
        const got = await actionsOf(s, `${ids[name]}-${run}`);
        assert.deepEqual(got.map((a) => a.name).sort(), actions, `round ${round}: ${name} ${run}`);
        for (const a of got) {
          assert.equal(a.status, 'Succeeded');
          const before = seen.get(`${name}/${run}/${a.name}`);
          if (before) assert.equal(recorded(a), before, `round ${round}: ${name} ${run} ${a.name}`);
        }
      }
    }
    t.diagnostic(`round ${round}: ${acked.length} acknowledged of ${sent}, ${seen.size} records compared, ${total} runs in all`);
    await s.stop();
    assert.doesNotMatch(s.log(), /Sanitizer|runtime error:|raccord: bug:/);
  }
});
