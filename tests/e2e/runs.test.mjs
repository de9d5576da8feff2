// `raccord workflow run` and `raccord runs` as a maker uses them: a run is watched, cancelled, done
// again; the tree reads from top to bottom; exit statuses are those of architecture §1.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backend, raccord, serve, temporary, until } from './lib/raccord.mjs';
import { client } from './lib/workflows.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';

test('a run of a server: shown, watched, cancelled, resubmitted', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=2'] });
  const cli = (...args) => raccord(args, { env: { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token } });
  const file = join(temporary(t), 'slow.json');
  writeFileSync(file, JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, triggers: { manual: { type: 'Request', inputs: {} } }, actions: {
    Last: { type: 'Compose', inputs: "@int(triggerBody()?['n'])", runAfter: { Nap: ['Succeeded'] } },
    Nap: { type: 'Wait', inputs: { interval: { count: "@triggerBody()['s']", unit: 'Second' } }, runAfter: { First: ['Succeeded'] } },
    First: { type: 'Compose', inputs: 1 },
    After: { type: 'Compose', inputs: 1, runAfter: { Last: ['Succeeded'] } },
  } } }));
  assert.equal((await cli('workflow', 'create', file)).status, 0);

  const failed = await cli('workflow', 'run', 'slow', '{"n": "x", "s": 1}');
  assert.equal(failed.status, 1);
  const [head, ...lines] = failed.stdout.trimEnd().split('\n');
  assert.match(head, /^[0-9a-f]{32}-\d{29}CU00 {2}Failed {2}1\.\d s: An action failed\. No dependent actions succeeded\.$/);
  assert.deepEqual(lines.map((l) => l.replace(/ {2}[\d.]+ m?s$/, '').slice(0, 40)), ['ok First  Succeeded', 'ok Nap  Succeeded', '!! Last  Failed (BadRequest)', '   Unable to process template language e', "   @int(triggerBody()?['n'])", '    ~~~~~~~~~~~~~~~~~~~~~~~~', '-- After  Skipped (ActionSkipped)']);
  const run = head.split(' ')[0];
  assert.equal((await cli('runs', 'show', run)).stdout, failed.stdout);
  assert.equal((await cli('runs', 'cancel', run)).status, 1);
  const again = await cli('runs', 'resubmit', run);
  assert.equal(again.status, 1);
  assert.ok(!again.stdout.startsWith(run));

  const open = (await cli('workflow', 'run', 'slow', '{"n": "1", "s": 600}', '--no-wait')).stdout.trim();
  const shown = await cli('runs', 'show', open);
  assert.equal(shown.status, 0);
  assert.match(shown.stdout, /Running\nok First {2}Succeeded\n\.\. Nap {2}(Running|Waiting)\n$/);
  const watched = cli('runs', 'watch', open);
  assert.equal((await cli('runs', 'cancel', open)).status, 0);
  const end = await watched;
  assert.equal(end.status, 1);
  assert.match(end.stdout, /Cancelled.*\nok First.*\nxx Nap {2}Cancelled.*\n-- Last {2}Skipped \(Cancelled\)\n-- After {2}Skipped/);
  const nobody = await cli('runs', 'show', 'nobody'), typo = await cli('workflow', 'run', 'slwo'), trigger = await cli('workflow', 'run', 'slow', '--trigger', 'manuel');
  assert.equal(nobody.status, 1);
  assert.match(nobody.stderr, /^raccord: nobody: There is no such run, .*\n {4}`raccord runs list WORKFLOW` lists those of a workflow\.\n$/);
  assert.match(typo.stderr, /^raccord: slwo: There is no such workflow, .*\n {4}`raccord workflow list` lists those you may see\.\n$/);
  assert.match(trigger.stderr, /^raccord: slow: There is no such trigger, .*\n {4}`raccord workflow triggers WORKFLOW` lists those it has\.\n$/);
  const since = await cli('runs', 'list', 'slow', '--since', 'yesterday');
  assert.equal(since.status, 2);
  assert.match(since.stderr, /--since takes a duration such as P1D, or a time such as .*, not yesterday/);
  assert.equal((await cli('runs', 'list', 'slow', '--since', '2026-01-01')).status, 0);
  assert.equal((await cli('runs', 'cancel')).status, 2);
  assert.equal((await raccord(['runs', 'list', 'slow', '--server', 'http://127.0.0.1:9'])).status, 3);
});

test('the expression that failed is shown with its place, by a server as by `raccord run`', async (t) => {
  const s = await serve(t), dir = temporary(t), file = join(dir, 'faults.json'), trigger = join(dir, 'trigger.json');
  const cli = (...args) => raccord(args, { env: { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token } });
  const chain = [
    ['Nested', { type: 'Compose', inputs: { list: [0, { x: "@concat('div(1, 0)', string(div(1, 0)), string(div(1, triggerBody()['n'])))" }] } }],
    ['Whole', { type: 'Compose', inputs: "at @{int('ä')} and @{int('b')}" }],
    ['Each', { type: 'Foreach', foreach: '@range(0, 2)', actions: { In: { type: 'Compose', inputs: '@div(1, sub(item(), 1))' } } }],
    ['Query', { type: 'Query', inputs: { from: '@range(0, 2)', where: '@equals(div(1, item()), 1)' } }],
    ['Loop', { type: 'Foreach', foreach: "@json('{')", actions: {} }],
    ['Until', { type: 'Until', expression: "@equals(int('u'), 1)", limit: { count: 2 }, actions: {} }],
    ['Secret', { type: 'Compose', inputs: "@int('hush')", runtimeConfiguration: { secureData: { properties: ['inputs'] } } }],
  ];
  const actions = Object.fromEntries(chain.map(([name, x], i) => [name, { ...x, runAfter: i ? { [chain[i - 1][0]]: ['Failed'] } : {} }]));
  writeFileSync(file, JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, triggers: { manual: { type: 'Request', inputs: {} } }, actions } }));
  writeFileSync(trigger, '{"body": {"n": 0}}');
  assert.equal((await cli('workflow', 'create', file)).status, 0);
  const remote = await cli('workflow', 'run', 'faults', '{"n": 0}'), local = await raccord(['run', file, '--trigger', trigger]);
  // Place, text and marks under each message; loops are listed differently.
  const faults = (text) => [...text.matchAll(/'\.\n((?: +in .*:\n)? +.*\n +~+)\n/g)].map(([, m]) => { const lines = m.split('\n'), indent = /^ */.exec(lines.at(-2))[0].length; return lines.map((l) => l.slice(l.startsWith(' '.repeat(indent)) ? indent : 0)); });
  const nested = "@concat('div(1, 0)', string(div(1, 0)), string(div(1, triggerBody()['n'])))";
  const marks = (text, part, from = 0) => ' '.repeat(text.indexOf(part, from)) + '~'.repeat(part.length);
  const want = [
    ['in inputs.list[1].x:', nested, marks(nested, 'div(1, 0)', 20)],
    ["at @{int('ä')} and @{int('b')}", marks("at @{int('ä')} and @{int('b')}", "int('ä')")],
    ['@div(1, sub(item(), 1))', ' ~~~~~~~~~~~~~~~~~~~~~~'],
    ['in inputs.where:', '@equals(div(1, item()), 1)', marks('@equals(div(1, item()), 1)', 'div(1, item())')],
  ];
  assert.deepEqual(faults(local.stdout), [...want, ['in foreach:', "@json('{')", " ~~~~~~~~~"], ['in expression:', "@equals(int('u'), 1)", "        ~~~~~~~~"]], local.stdout);
  assert.deepEqual(faults(remote.stdout), [...want, ['in foreach:', "@json('{')", " ~~~~~~~~~"], ['in expression:', "@equals(int('u'), 1)", ' ~~~~~~~~~~~~~~~~~~~']], remote.stdout);
  assert.doesNotMatch(remote.stdout + local.stdout, /hush/);
});

// [text, value?, parts?, 'error'?]: what a trace says, short.
const short = (list) => list.map(({ path, text, value, subexpressions, error }) => [path ? `${path}: ${text}` : text, ...(value === undefined ? [] : [value]),
  ...(subexpressions.length ? [{ parts: short(subexpressions) }] : []), ...(error ? [`!${error.code}`] : [])]);

test('expressions of a run, part by part: in loops, after retries, of the run done again, with the error where it arises', async (t) => {
  let asked = 0;
  const service = await backend(t, (req, res) => { res.writeHead(++asked === 1 ? 503 : 200, { 'content-type': 'application/json' }); res.end('{"n":7}'); });
  const s = await serve(t, { args: ['--set', 'workers=2', '--set', 'egress.allow=127.0.0.0/8'] });
  const { ok, ended } = client(s);
  const traces = async (run, action, repetition) => {
    const o = await ok('GET', `/runs/${run}/actions/${action}/${repetition ? `repetitions/${repetition}/` : ''}expressionTraces`);
    assert.equal(Object.keys(o).length, 1);
    return short(Object.values(o)[0]);
  };
  const after = (name) => ({ runAfter: { [name]: ['Succeeded'] } });
  await ok('POST', '/workflows?name=parts', { definition: { $schema: schema, triggers: { manual: { type: 'Request', inputs: {} } },
    actions: {
      V: { type: 'InitializeVariable', inputs: { variables: [{ name: 'v', type: 'Integer', value: 0 }] } },
      Ask: { type: 'Http', ...after('V'), inputs: { method: 'GET', uri: `@concat('${service.url}', '/', string(variables('v')))`, retryPolicy: { type: 'fixed', count: 2, interval: 'PT5S' } } },
      Loop: { type: 'Foreach', ...after('Ask'), foreach: "@triggerBody()['list']", operationOptions: 'Sequential', actions: {
        Up: { type: 'IncrementVariable', inputs: { name: 'v', value: '@item()' } },
        In: { type: 'Scope', ...after('Up'), actions: { Sum: { type: 'Compose', inputs: { at: "@add(variables('v'), mul(item(), body('Ask').n))" } } } },
        Until: { type: 'Until', ...after('In'), expression: "@equals(iterationIndexes('Until'), 1)", limit: { count: 5, timeout: 'PT1M' }, actions: { Count: { type: 'Compose', inputs: "@add(iterationIndexes('Until'), item())" } } } } },
      Choose: { type: 'If', ...after('Loop'), expression: { or: [{ equals: ["@length(result('Loop'))", 0] }, { greater: ["@variables('v')", 1] }, { equals: ["@int('x')", 1] }] },
        actions: { Big: { type: 'Compose', inputs: { now: "@if(true, 'a', utcNow())", random: "@length(concat(guid(), 'b'))" } } } },
      Fails: { type: 'Compose', ...after('Choose'), inputs: { fine: '@add(1, 2)', bad: "@concat('x', string(div(variables('v'), sub(length(triggerBody()['list']), 2))))", later: '@string(1)' } },
    } } });
  const run = (await ok('POST', '/workflows/parts:run', { list: [1, 2] })).id;
  assert.equal((await ended(run)).status, 'Failed');
  assert.equal(asked, 2);
  const uri = `@concat('${service.url}', '/', string(variables('v')))`;
  const sent = [[`uri: ${uri}`, `${service.url}/0`, { parts: [["string(variables('v'))", '0', { parts: [["variables('v')", 0]] }]] }]];
  assert.deepEqual(await traces(run, 'Ask'), sent);
  assert.deepEqual(await traces(run, 'Loop'), []);
  assert.deepEqual(await traces(run, 'Up', '000001'), [['value: @item()', 2]]);
  const sum = (v, item) => [["at: @add(variables('v'), mul(item(), body('Ask').n))", v + 7 * item,
    { parts: [["variables('v')", v], ["mul(item(), body('Ask').n)", 7 * item, { parts: [['item()', item], ["body('Ask').n", 7]] }]] }]];
  assert.deepEqual(await traces(run, 'Sum', '000000'), sum(1, 1));
  assert.deepEqual(await traces(run, 'Sum', '000001'), sum(3, 2));
  assert.deepEqual(await traces(run, 'Count', '000001-000001'), [["@add(iterationIndexes('Until'), item())", 3, { parts: [["iterationIndexes('Until')", 1], ['item()', 2]] }]]);
  const [[, value, { parts }]] = await traces(run, 'Choose');
  assert.equal(value, true);
  assert.deepEqual(parts.map(([text, v]) => [text, v]), [["equals(length(result('Loop')), 0)", false], ["greater(variables('v'), 1)", true], ["equals(int('x'), 1)", { parts: [["int('x')"]] }]]);
  assert.deepEqual(await traces(run, 'Big'), [["now: @if(true, 'a', utcNow())", 'a', { parts: [['utcNow()']] }],
    ["random: @length(concat(guid(), 'b'))", 37, { parts: [["concat(guid(), 'b')", { parts: [['guid()']] }]] }]]);
  const list = "length(triggerBody()['list'])", rest = `sub(${list}, 2)`, quotient = `div(variables('v'), ${rest})`;
  const failed = [['fine: @add(1, 2)'],
    [`bad: @concat('x', string(${quotient}))`, { parts: [[`string(${quotient})`, { parts: [[quotient, { parts: [["variables('v')", 3], [rest, 0, { parts: [[list, 2, { parts: [["triggerBody()['list']", [1, 2]]] }]] }]] }, '!InvalidTemplate']] }]] }, '!InvalidTemplate'],
    ['later: @string(1)']];
  assert.deepEqual(await traces(run, 'Fails'), failed);

  // done again, from the start and from the action that failed: what had run before is not run again
  const whole = (await ok('POST', `/runs/${run}:resubmit`, {})).id;
  await ended(whole);
  assert.deepEqual(await traces(whole, 'Sum', '000001'), sum(3, 2));
  assert.deepEqual(await traces(whole, 'Fails'), failed);
  const tail = (await ok('POST', `/runs/${run}:resubmit`, { actionsToResubmit: [{ name: 'Fails' }] })).id;
  await ended(tail);
  assert.equal(asked, 3);
  assert.deepEqual(await traces(tail, 'Fails'), failed);
  // variables of back then are not known here: no value of theirs that need not have been
  assert.deepEqual(await traces(tail, 'Ask'), [[`uri: ${uri}`, `${service.url}/0`]]);
  assert.deepEqual(await traces(tail, 'Count', '000001-000001'), [["@add(iterationIndexes('Until'), item())", 3, { parts: [["iterationIndexes('Until')", 1], ['item()', 2]] }]]);
});

test('lists of a run that is under way come to an end; what is not of a run is not found there', async (t) => {
  const held = [];
  const service = await backend(t, (req, res) => { if (req.url === '/go') res.end('x'); else held.push(res); });
  t.after(() => held.forEach((res) => res.end()));
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const get = async (path) => (await s.api('GET', path)).json;
  const triggers = { manual: { type: 'Request', inputs: {} }, other: { type: 'Request', inputs: {} } };
  assert.equal((await s.api('POST', '/api/v1/workflows?name=held', { definition: { $schema: schema, triggers, actions: { Loop: { type: 'Foreach', foreach: '@range(0, 12)',
    actions: { A: { type: 'Http', inputs: { method: 'GET', uri: `@concat('${service.url}', if(equals(mod(item(), 4), 1), '/go', '/held'))` } }, B: { type: 'Compose', inputs: '@item()', runAfter: { A: ['Succeeded'] } } } } } } })).status, 201);
  const run = `/api/v1/runs/${(await s.api('POST', '/api/v1/workflows/held/triggers/manual:run', {})).json.id}`;
  await until('nine calls are held, three are answered', async () => held.length === 9 && (await get(`${run}/actions/B/repetitions`)).value?.filter((x) => x.endTime).length === 3);
  const names = [];
  let pages = 0;
  for (let next = `${run}/actions/B/repetitions?$top=2`; next && pages < 20; pages++) {
    const page = await get(next);
    names.push(...page.value.map((x) => x.name));
    next = page.nextLink?.slice(s.url.length);
  }
  assert.deepEqual([pages, names], [6, ['000001', '000005', '000009']]);
  assert.deepEqual(await get(`${run}/actions/A/requests`), { value: [] });
  assert.equal((await s.api('GET', `${run}/actions/A/repetitions?$skiptoken=${Buffer.from('18446744073709551615').toString('base64url')}`)).status, 400);
  assert.equal((await s.api('GET', `${run}/actions/A/repetitions/000000/requests`)).status, 200);
  assert.equal((await s.api('GET', `${run}/actions/A/repetitions/000012/requests`)).status, 404);
  // an evaluation belongs to its trigger; a run is resubmitted from one action
  const name = run.split('-').at(-1), of = '/api/v1/workflows/held/triggers';
  assert.equal((await s.api('GET', `${of}/manual/histories/${name}`)).status, 200);
  for (const [method, path] of [['GET', `${of}/other/histories/${name}`], ['POST', `${of}/other/histories/${name}:resubmit`], ['POST', `${of}/nobody/histories/${name}:resubmit`]]) {
    const r = await s.api(method, path, method === 'POST' ? {} : undefined);
    assert.equal(r.status, 404, `${method} ${path} ${r.text}`);
  }
  assert.equal((await s.api('POST', `${run}:resubmit`, { actionsToResubmit: [{ name: 'Loop' }, { name: 'B' }] })).status, 400);
  assert.equal((await s.api('POST', `${run}:cancel`, {})).status, 204);
});

test('mistakes of a beginner are answered by what is wrong and what to do', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=2'] });
  const cli = (...args) => raccord(args, { env: { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token } });
  const file = join(temporary(t), 'one.json');
  const write = (more) => writeFileSync(file, JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, triggers: { manual: { type: 'Request', inputs: {} } }, actions: {
    A: { type: 'Compose', inputs: 1 }, B: { type: 'Compose', inputs: 1, ...more } } } }));
  const refused = async (status, said, ...args) => { const r = await cli(...args); assert.equal(r.status, status, r.stdout + r.stderr); assert.match(r.stderr, said); };
  write({});
  assert.equal((await cli('workflow', 'create', file)).status, 0);
  await refused(1, /AlreadyExists\)\n    `raccord workflow update NAME SRC` gives it a new version\./, 'workflow', 'create', file);
  await refused(1, /WorkflowNotFound/, 'workflow', 'update', 'won', file);
  await refused(1, /WorkflowNotFound/, 'workflow', 'show', 'won');
  assert.match((await cli('workflow', 'update', 'one', file)).stdout, /^one {2}Enabled/);
  await refused(2, /there is no status Faild; a run is Running, Waiting, Succeeded, Failed, Cancelled or TimedOut/, 'runs', 'list', 'one', '--status', 'Faild');
  assert.equal((await cli('runs', 'list', 'one', '--status', 'failed')).status, 0);
  await refused(2, /^raccord: WORKFLOW is missing\n/, 'runs', 'list');
  await refused(2, /^raccord: SRC is missing\n/, 'workflow', 'update', 'one');
  write({ runAfter: { A: ['Sucess'] } });
  await refused(1, /'Sucess' is not a status.*\n    Give one or more of Succeeded, Failed, Skipped and TimedOut\.\n/, 'workflow', 'update', 'one', file);
});

test('a connection that is not there is called by its name, also where several could be meant', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=2'] }), dir = temporary(t);
  const cli = (...args) => raccord(args, { env: { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token } });
  const put = (name, v) => { writeFileSync(join(dir, name), JSON.stringify(v)); return join(dir, name); };
  const api = put('api.json', { swagger: '2.0', info: { title: 'Tide', version: '1' }, host: 'tide.example', schemes: ['https'], paths: { '/x': { get: { operationId: 'X', responses: { 200: { description: 'ok' } } } } } });
  const connector = (await cli('connector', 'create', api)).stdout.split(' ')[0];
  for (const name of ['a', 'b']) assert.equal((await cli('connection', 'create', connector, '--name', name)).status, 0);
  const file = put('call.json', { definition: { triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: {
    Call: { type: 'OpenApiConnection', inputs: { host: { connectionName: 'tide', operationId: 'X' }, parameters: {} } } } },
  connectionReferences: { tide: { connectionName: 'sellf', id: '/providers/Microsoft.PowerApps/apis/shared_tide' } } });
  assert.equal((await cli('workflow', 'create', file)).status, 0);
  const r = await cli('workflow', 'run', 'call');
  assert.equal(r.status, 1, r.stderr);
  assert.match(r.stdout, /There is no connection 'sellf' that who saved the workflow may use, and 2 of shared_tide-[0-9a-f]+ could be meant: name the one to use in the workflow's connection references\./);
});
