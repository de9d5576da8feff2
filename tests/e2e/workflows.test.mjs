// Workflows of a server: saved, called from outside, managed, their runs read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend, serve, temporary, until } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';

// A definition with a Request trigger whose Response says what `body` comes to.
export const echo = (body = "@triggerBody()", { inputs = {}, actions = {}, runAfter = {} } = {}) => ({
  definition: {
    $schema: schema, contentVersion: '1.0.0.0',
    triggers: { manual: { type: 'Request', kind: 'Http', inputs } },
    actions: { ...actions, Response: { type: 'Response', kind: 'Http', runAfter, inputs: { statusCode: 200, headers: { 'x-own': 'yes' }, body } } },
    outputs: {},
  },
});

const ok = (r, status = 200) => { assert.equal(r.status, status, r.text); return r.json; };

async function saved(s, name, document, query = '') {
  const r = await s.api('PUT', `/api/v1/workflows/${name}${query}`, document);
  assert.ok([200, 201].includes(r.status), r.text);
  return r.json;
}

const url = async (s, name, trigger = 'manual', body = {}) =>
  ok(await s.api('POST', `/api/v1/workflows/${name}/triggers/${trigger}:callback`, body)).value;

const post = async (to, body, headers = {}) => {
  const r = await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const text = await r.text();
  let json;
  try { json = JSON.parse(text); } catch { json = undefined; }
  return { status: r.status, headers: r.headers, text, json };
};

for (const kind of ['Stateful', 'Stateless']) {
  test(`a ${kind} workflow answers over its signed URL`, async (t) => {
    const s = await serve(t, { args: ['--set', 'workers=3'] });
    const w = await saved(s, 'hello', { ...echo("@concat('hello ', triggerBody()?['name'])"), kind });
    assert.match(w.id, /^[0-9a-f]{32}$/);
    const to = await url(s, 'hello');
    const all = await Promise.all(Array.from({ length: 24 }, (_, i) => post(to, { name: `w${i}` })));
    all.forEach((r, i) => { assert.equal(r.status, 200, r.text); assert.equal(r.text, `hello w${i}`); });
    const r = all[0];
    assert.equal(r.headers.get('x-own'), 'yes');
    assert.match(r.headers.get('x-ms-workflow-run-id'), /^\d{29}CU\d\d$/);
    assert.equal(r.headers.get('x-ms-workflow-name'), 'hello');
    assert.equal(r.headers.get('x-ms-workflow-id'), w.id);
    const runs = ok(await s.api('GET', '/api/v1/workflows/hello/runs')).value;
    assert.equal(runs.length, kind === 'Stateful' ? 24 : 0);
  });
}

test('history goes when its time has come; a workflow may say its own', async (t) => {
  const dir = temporary(t);
  let s = await serve(t, { dir });
  await saved(s, 'short', echo());
  await saved(s, 'long', { ...echo(), runtimeConfiguration: { lifetime: { unit: 'Day', count: 1 } } });
  for (const name of ['short', 'short', 'long']) ok(await post(await url(s, name), { a: 1 }));
  const runs = async (name) => ok(await s.api('GET', `/api/v1/workflows/${name}/runs`)).value.length;
  assert.equal(await runs('short') + await runs('long'), 3);
  await s.stop();
  s = await serve(t, { dir, args: ['--set', 'workflow.retention=2s', '--set', 'workflow.sweep=1s'] });
  await until('the history of "short" is gone', async () => await runs('short') === 0, { every: 200 });
  assert.equal(await runs('long'), 1);
});

// --- who may call ---------------------------------------------------------------------------------

test('signed URLs: what is accepted, and how the rest is refused', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=2'] });
  await saved(s, 'one', echo());
  await saved(s, 'two', echo());
  const to = new URL(await url(s, 'one')), other = new URL(await url(s, 'two'));
  const variant = (change) => { const u = new URL(to); change(u); return u.href; };
  const code = async (u, headers) => { const r = await post(u, {}, headers); return [r.status, r.json?.error?.code]; };
  assert.deepEqual(await code(to.href), [200, undefined]);
  assert.deepEqual(await code(variant((u) => u.searchParams.set('extra', '1'))), [200, undefined]);
  assert.deepEqual(await code(variant((u) => u.searchParams.delete('sig'))), [401, 'DirectApiAuthorizationRequired']);
  assert.deepEqual(await code(variant((u) => u.searchParams.set('sig', other.searchParams.get('sig')))), [401, 'AuthorizationFailed']);
  assert.deepEqual(await code(to.href, { authorization: `Bearer ${s.token}` }), [401, 'DirectApiRequestHasMoreThanOneAuthorization']);
  assert.deepEqual(await code(variant((u) => u.searchParams.delete('sig')), { authorization: 'Bearer x' }), [401, 'OpenAuthenticationPolicyNotFound']);
  assert.deepEqual(await code(variant((u) => u.searchParams.delete('api-version'))), [400, 'MissingApiVersionParameter']);
  assert.deepEqual(await code(variant((u) => { u.pathname = u.pathname.replace('/manual/', '/nobody/'); })), [403, 'AuthorizationFailed']);
  assert.deepEqual(await code(variant((u) => { u.pathname = u.pathname.replace(/[0-9a-f]{32}/, '0'.repeat(32)); })), [404, 'WorkflowNotFound']);
  assert.deepEqual(await code(await url(s, 'one', 'manual', { notAfter: '2001-01-01T00:00:00Z' })), [401, 'AuthorizationFailed']);
  assert.deepEqual(await code(await url(s, 'one', 'manual', { notAfter: '2101-01-01T00:00:00Z', keyType: 'Secondary' })), [200, undefined]);
  // a key exchanged ends what it signed, and nothing else
  const second = await url(s, 'one', 'manual', { keyType: 'Secondary' });
  assert.equal((await s.api('POST', '/api/v1/workflows/one:regenerateKey', { keyType: 'Primary' })).status, 204);
  assert.deepEqual(await code(to.href), [401, 'AuthorizationFailed']);
  assert.deepEqual(await code(second), [200, undefined]);
});

test('access control: addresses', async (t) => {
  const s = await serve(t);
  const list = (...v) => ({ triggers: { allowedCallerIpAddresses: v.map((addressRange) => ({ addressRange })) } });
  await saved(s, 'w', { ...echo(), accessControl: list('192.0.2.0/24') });
  const to = await url(s, 'w');
  assert.ok([401, 403].includes((await post(to, {})).status));
  await saved(s, 'w', { ...echo(), accessControl: list('127.0.0.0/8') });
  assert.equal((await post(to, {})).status, 200);
  await saved(s, 'w', { ...echo(), accessControl: { triggers: { allowedCallerIpAddresses: [] } } });
  assert.ok([401, 403].includes((await post(to, {})).status));
  const r = await s.api('PUT', '/api/v1/workflows/w', { ...echo(), accessControl: { triggers: { openAuthenticationPolicies: { policies: { p: { type: 'Basic', claims: [{ name: 'iss', value: 'https://sts.windows.net/x/' }] } } } } } });
  assert.deepEqual([r.status, r.json.error.code], [400, 'OnlyAADOAuthTypeSupported'], r.text);
});

test('what a loop reads of actions outside of it is not kept for each iteration', async (t) => {
  const s = await serve(t, { args: ['--set', 'workflow.run_bytes_max=24MiB'] });
  await saved(s, 'w', { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions: {
    Before: { type: 'Compose', inputs: { x: 'a' }, runAfter: {} },
    Each: { type: 'Foreach', foreach: '@range(1, 20000)', runAfter: { Before: ['Succeeded'] }, actions: {
      In: { type: 'Compose', inputs: "@concat(outputs('Before')['x'], triggerBody()?['y'])", runAfter: {} },
      Next: { type: 'Compose', inputs: "@concat(outputs('Before')['x'], outputs('In'))", runAfter: { In: ['Succeeded'] } } } },
    Reply: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: "@last(outputs('Next'))" }, runAfter: { Each: ['Succeeded'] } } } } });
  const r = await post(await url(s, 'w'), { y: 'b' });
  assert.deepEqual([r.status, r.text], [200, 'aab']);
});

test('workflow() names the workflow and its run as the profile names them', async (t) => {
  const s = await serve(t), definition = echo('@workflow()').definition;
  const told = async (name, document) => {
    const kept = await saved(s, name, document), r = await post(await url(s, name), {}), { id, ...w } = r.json;
    assert.deepEqual(w.run, { id: `${id}/runs/${r.headers.get('x-ms-workflow-run-id')}`, name: r.headers.get('x-ms-workflow-run-id'), type: 'Microsoft.Logic/workflows/runs' });
    delete w.run;
    return [kept, { id, ...w }];
  };
  const type = 'Microsoft.Logic/workflows', arm = '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/workflows';
  assert.deepEqual((await told('c', { definition, location: 'here', tags: { a: 'b' } }))[1], { id: `${arm}/c`, name: 'c', type, location: 'here', tags: { a: 'b' } });
  assert.deepEqual((await told('s', { definition, kind: 'Stateless' }))[1], { id: '/workflows/s', name: 's', type, location: 'local', tags: {} });
  const [flow, f] = await told('f', { properties: { displayName: 'A flow', definition, connectionReferences: {} } });
  assert.deepEqual(f, { id: `/workflows/${flow.id}`, name: flow.id, type, location: 'local', tags: { flowDisplayName: 'f', environmentName: 'default', logicAppName: flow.id, xrmWorkflowId: flow.id } });
});

// --- requests -------------------------------------------------------------------------------------

test('method, relative path, schema, body kinds, size', async (t) => {
  const s = await serve(t, { args: ['--set', 'http.body_bytes_max=100000'] });
  const inputs = { method: 'PUT', relativePath: 'orders/{id}', schema: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } };
  const doc = echo("@triggerOutputs()", { inputs });
  doc.definition.triggers.manual.operationOptions = 'EnableSchemaValidation';
  await saved(s, 'w', doc);
  const to = await url(s, 'w'), at = (path) => to.replace('orders/%7Bid%7D', path).replace('orders/{id}', path);
  const put = (u, body, type = 'application/json') => fetch(u, { method: 'PUT', body, headers: { 'content-type': type } });
  const good = await (await put(`${at('orders/a%20b')}&q=1&q=2`, '{"n":1}')).json();
  assert.deepEqual([good.relativePathParameters, good.queries, good.body], [{ id: 'a b' }, { q: '1,2' }, { n: 1 }]);
  const code = async (r) => [r.status, (await r.json()).error.code];
  assert.deepEqual(await code(await put(at('orders'), '{"n":1}')), [404, 'TriggerRelativePathMismatch']);
  assert.deepEqual(await code(await put(at('orders/1'), '{"n":"x"}')), [400, 'TriggerInputSchemaMismatch']);
  assert.deepEqual(await code(await fetch(at('orders/1'), { method: 'POST', body: '{}' })), [400, 'TriggerRequestMethodNotValid']);
  assert.deepEqual(await code(await put(at('orders/1'), 'x'.repeat(200000))), [413, 'RequestEntityTooLarge']);
  const refused = await until('the refusal in the history', async () => ok(await s.api('GET', '/api/v1/workflows/w/triggers/manual/histories')).value.find((h) => h.code === 'TriggerInputSchemaMismatch'));
  assert.deepEqual([refused.status, refused.fired], ['Failed', false]);
  await saved(s, 'any', echo("@triggerBody()"));
  const any = await url(s, 'any');
  const send = async (body, type) => { const r = await fetch(any, { method: 'POST', body, headers: { 'content-type': type } }); return [r.headers.get('content-type'), await r.text()]; };
  assert.deepEqual(await send('hé', 'text/plain; charset=utf-8'), ['text/plain; charset=utf-8', 'hé']);
  assert.deepEqual(await send('[1,2]', 'application/json'), ['application/json; charset=utf-8', '[1,2]']);
  assert.deepEqual(await send('\x01\x02', 'application/octet-stream'), ['application/octet-stream', '\x01\x02']);
});

test('a condition that says no, an array that is split', async (t) => {
  const s = await serve(t);
  const doc = { definition: { triggers: { manual: { type: 'Request', kind: 'Http', inputs: {}, splitOn: "@triggerBody()?['items']", conditions: [{ expression: "@greater(triggerBody(), 1)" }] } },
    actions: { C: { type: 'Compose', inputs: '@triggerBody()' } } } };
  await saved(s, 'w', doc);
  assert.equal((await post(await url(s, 'w'), { items: [1, 2, 3] })).status, 202);
  assert.equal(ok(await s.api('GET', '/api/v1/workflows/w/runs')).value.length, 2);
  const histories = ok(await s.api('GET', '/api/v1/workflows/w/triggers/manual/histories')).value;
  assert.deepEqual(histories.map((h) => h.status).sort(), ['Skipped', 'Succeeded', 'Succeeded']);
});

test('no answer, a late one, an asynchronous one', async (t) => {
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const doc = echo();
  doc.definition.actions = { If: { type: 'If', expression: "@equals(1, 2)", actions: { Response: { type: 'Response', inputs: { statusCode: 200 } } } } };
  await saved(s, 'none', doc);
  const none = await post(await url(s, 'none'), {});
  assert.deepEqual([none.status, none.json.error.code], [502, 'NoResponse']);
  const held = [], service = await backend(t, (req, res) => held.push(res));
  const later = echo("@triggerBody()", { actions: { Hold: { type: 'Http', inputs: { method: 'GET', uri: service.url } } }, runAfter: { Hold: ['Succeeded'] } });
  later.definition.actions.Response.operationOptions = 'Asynchronous';
  await saved(s, 'later', later);
  const r = await post(await url(s, 'later'), { a: 1 });
  assert.equal(r.status, 202);
  const location = r.headers.get('location');
  assert.match(location, /\/runs\/\w+\/operations\//);
  assert.equal(r.headers.get('retry-after'), '15');
  assert.equal((await fetch(location)).status, 202);
  (await until('the call of "Hold"', () => held[0])).end();
  const p = await until('the answer', async () => { const v = await fetch(location); return v.status !== 202 && v; });
  assert.equal(p.status, 200);
  assert.deepEqual(await p.json(), { a: 1 });
});

// --- managing -------------------------------------------------------------------------------------

test('saved is live on every worker with the next request', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=4'] });
  await saved(s, 'w', echo('0'));
  const to = await url(s, 'w');
  for (let n = 1; n <= 25; n++) {
    await saved(s, 'w', echo(`v${n}`));
    const seen = await Promise.all(Array.from({ length: 8 }, () => fetch(to, { method: 'POST', headers: { connection: 'close' } }).then((r) => r.text())));
    assert.deepEqual(seen, Array(8).fill(`v${n}`));
  }
  assert.equal((await s.api('POST', '/api/v1/workflows/w:disable')).status, 200);
  const off = await Promise.all(Array.from({ length: 8 }, () => fetch(to, { method: 'POST', headers: { connection: 'close' } }).then((r) => r.status)));
  assert.deepEqual(off, Array(8).fill(400));
});

test('secure parameters are never shown and survive a save without them; tags; parts', async (t) => {
  const s = await serve(t);
  const doc = echo("@length(parameters('key'))");
  doc.definition.parameters = { key: { type: 'SecureString' }, open: { type: 'String' } };
  doc.parameters = { key: { value: 'geheim' }, open: { value: 'o' } };
  const w = await saved(s, 'w', doc);
  const to = await url(s, 'w');
  assert.equal((await post(to, {})).text, '6');
  const got = await s.api('GET', '/api/v1/workflows/w');
  assert.ok(!got.text.includes('geheim'));
  assert.deepEqual(got.json.parameters, { key: { type: 'SecureString' }, open: { type: 'String', value: 'o' } });
  const back = await s.api('PUT', '/api/v1/workflows/w', got.json, { 'if-match': got.headers.get('etag') });
  assert.equal(back.status, 200, back.text);
  assert.equal((await post(to, {})).text, '6');
  assert.equal((await s.api('PUT', '/api/v1/workflows/w', got.json, { 'if-match': got.headers.get('etag') })).status, 412);
  const patched = ok(await s.api('PATCH', '/api/v1/workflows/w', { tags: { a: 'b' }, state: 'Disabled' }));
  assert.deepEqual([patched.tags, patched.state, patched.id], [{ a: 'b' }, 'Disabled', w.id]);
  assert.equal(ok(await s.api('GET', '/api/v1/workflows/w/versions')).value.length, 3);
  const moved = ok(await s.api('POST', '/api/v1/workflows/w:move', { name: 'x' }));
  assert.deepEqual([moved.name, moved.id], ['x', w.id]);
  assert.equal((await s.api('GET', '/api/v1/workflows/w')).status, 404);
  assert.equal((await s.api('GET', `/api/v1/workflows/${w.id}`)).status, 200);
});

test('pages and filters of runs', async (t) => {
  const s = await serve(t);
  const doc = echo("@triggerBody()", { actions: { Maybe: { type: 'Terminate', inputs: { runStatus: "@if(equals(triggerBody(), 1), 'Failed', 'Succeeded')" }, runAfter: { Response: ['Succeeded'] } } } });
  await saved(s, 'w', doc);
  const to = await url(s, 'w');
  for (let i = 0; i < 7; i++) await post(to, i, { 'x-ms-client-tracking-id': `t${i}` });
  const names = [];
  let next = '/api/v1/workflows/w/runs?$top=3', pages = 0;
  for (; next; pages++) {
    const r = ok(await s.api('GET', next));
    names.push(...r.value.map((x) => x.correlation.clientTrackingId));
    next = r.nextLink?.slice(s.url.length);
  }
  assert.deepEqual([pages, names], [3, ['t6', 't5', 't4', 't3', 't2', 't1', 't0']]);
  const filtered = async (f) => ok(await s.api('GET', `/api/v1/workflows/w/runs?$filter=${encodeURIComponent(f)}`)).value.map((x) => x.correlation.clientTrackingId);
  assert.deepEqual(await filtered("clientTrackingId eq 't3'"), ['t3']);
  assert.deepEqual(await filtered("status eq 'Failed'"), ['t1']);
  assert.equal((await filtered("(status eq 'Failed' or status eq 'Succeeded') and startTime ge 2020-01-01T00:00:00Z")).length, 7);
  assert.deepEqual(await filtered("startTime ge 2100-01-01T00:00:00Z and startTime ge 2020-01-01T00:00:00Z"), []);
  assert.deepEqual(await filtered("startTime le 2020-01-01T00:00:00Z and startTime le 2100-01-01T00:00:00Z"), []);
  for (const f of ['colour eq 1', "status eq 'Failed", "status ne 'x'", '(', "state eq 'Enabled'", "status eq 'Failed' and status eq 'Succeeded'"])
    assert.deepEqual((await s.api('GET', `/api/v1/workflows/w/runs?$filter=${encodeURIComponent(f)}`)).json.error.code, 'InvalidFilterInQuery', f);
  // a list is filtered by what it is made of, and refuses the rest
  const of = `/api/v1/runs/${ok(await s.api('GET', '/api/v1/workflows/w/runs?$top=1')).value[0].id}/actions`, at = '/api/v1/workflows/w/triggers';
  const list = async (path, f) => { const r = await s.api('GET', `${path}?$filter=${encodeURIComponent(f)}`); return r.json.value?.map((x) => x.name) ?? r.json.error.code; };
  assert.deepEqual((await list(of, "clientTrackingId eq 't6' and status eq 'Succeeded'")).sort(), ['Maybe', 'Response']);
  assert.deepEqual(await list(of, "clientTrackingId eq 't5'"), []);
  assert.equal(await list(of, "trigger eq 'manual'"), 'InvalidFilterInQuery');
  assert.deepEqual(await list(at, "state eq 'enabled'"), ['manual']);
  assert.deepEqual(await list(at, "state eq 'Disabled'"), []);
  assert.equal(await list(at, "clientTrackingId eq 't5'"), 'InvalidFilterInQuery');
  assert.equal((await list(`${at}/manual/histories`, "clientTrackingId eq 't5'")).length, 1);
  assert.equal(await list(`${at}/manual/histories`, "state eq 'Enabled'"), 'InvalidFilterInQuery');
  assert.equal(await list('/api/v1/workflows', "status eq 'Enabled'"), 'InvalidFilterInQuery');
  assert.equal((await s.api('GET', '/api/v1/workflows/w/runs?$top=0')).json.error.code, 'InvalidTopParameter');
});

test('runs survive kill -9; a timer fires after the restart', async (t) => {
  const dir = temporary(t);
  let s = await serve(t, { dir });
  await saved(s, 'w', { definition: { triggers: { manual: { type: 'Request', inputs: {} } }, actions: {
    W: { type: 'Wait', inputs: { interval: { count: 2, unit: 'Second' } } }, After: { type: 'Compose', inputs: '@triggerBody()', runAfter: { W: ['Succeeded'] } } } } });
  const r = await post(await url(s, 'w'), { a: 1 });
  assert.equal(r.status, 202);
  await s.kill();
  s = await serve(t, { dir });
  const name = r.headers.get('x-ms-workflow-run-id');
  const run = await until('the end of the run', async () => { const v = ok(await s.api('GET', `/api/v1/runs/${name}?workflow=w`)); return v.endTime && v; });
  assert.equal(run.status, 'Succeeded');
  const out = await s.api('GET', `/api/v1/runs/${run.id}/actions/After/outputs`);
  assert.deepEqual(out.json, { a: 1 });
});

test('a webhook action is called back once', async (t) => {
  const calls = [];
  const service = await backend(t, (req, res, body) => { calls.push(JSON.parse(body).url); res.end(); });
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8', '--set', 'workers=3'] });
  await saved(s, 'w', { definition: { triggers: { manual: { type: 'Request', inputs: {} } }, actions: {
    Hook: { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `${service.url}/sub`, body: { url: '@{listCallbackUrl()}' } } } },
    After: { type: 'Compose', inputs: "@body('Hook')", runAfter: { Hook: ['Succeeded'] } } } } });
  const started = await post(await url(s, 'w'), {});
  const back = await until('it subscribes', () => calls[0]);
  assert.equal((await post(back.replace(/sig=[^&]{6}/, 'sig=AAAAAA'), {})).status, 401);
  assert.equal((await post(back, { done: true })).status, 200);
  const name = started.headers.get('x-ms-workflow-run-id');
  const { id } = await until('the end of the run', async () => { const v = ok(await s.api('GET', `/api/v1/runs/${name}?workflow=w`)); return v.endTime && v; });
  assert.deepEqual((await s.api('GET', `/api/v1/runs/${id}/actions/After/outputs`)).json, { done: true });
  assert.ok([404, 409].includes((await post(back, {})).status));
});

test('saves at the same time undo nothing of each other', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=4'] });
  await saved(s, 'w', echo());
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) => s.api('PATCH', '/api/v1/workflows/w', i % 2 ? { tags: { last: `${i}` } } : { description: `d${i}` })));
  assert.deepEqual(all.map((r) => r.status), Array(8).fill(200), all.map((r) => r.text).join());
  const w = ok(await s.api('GET', '/api/v1/workflows/w'));
  assert.ok(w.tags.last && w.description, JSON.stringify(w));
  assert.equal(ok(await s.api('GET', '/api/v1/workflows/w/versions')).value.length, 9);
});

test('the Standard host: management, short ids, host keys, files', async (t) => {
  const s = await serve(t);
  const site = '/subscriptions/default/resourceGroups/default/providers/Microsoft.Web/sites/app/hostruntime';
  const base = '/runtime/webhooks/workflow/api/management', v = '?api-version=2018-11-01';
  const put = await s.api('PUT', `${site}/admin/vfs/w/workflow.json?relativepath=1`, { ...echo(), kind: 'Stateful' }, { 'if-match': '*' });
  assert.equal(put.status, 200, put.text);
  assert.deepEqual(ok(await s.api('GET', `${site}/admin/vfs/w/workflow.json?relativepath=1`)).kind, 'Stateful');
  // the files of an app come with each workflow; asked for by themselves, they say so
  for (const [file, hint] of [['connections.json', /"files": \{"connections.json"/], ['Parameters.json', /raccord workflow create FOLDER/], ['host.json', /raccord config --explain/], ['local.settings.json', /"files": \{"local.settings.json"/], ['Artifacts/Maps/a.xslt', /integrationAccounts\/NAME\/maps/], ['lib/x.dll', /raccord workflow create FOLDER/], ['w', /WORKFLOW\/workflow\.json/], ['', /management\/workflows/]])
    for (const method of ['GET', 'PUT']) {
      const r = await s.api(method, `${site}/admin/vfs/${file}?relativepath=1`, method === 'PUT' ? {} : undefined, { 'if-match': '*' });
      assert.deepEqual([r.status, r.json.error.code], [501, 'NotImplemented'], `${method} ${file}`);
      assert.match(r.json.error.message, hint);
    }
  const beside = { ...echo(), kind: 'Stateful', files: { 'parameters.json': { greeting: { type: 'String', value: 'hallo' } } } };
  beside.definition = { ...beside.definition, parameters: { greeting: { type: 'String' } } };
  assert.equal((await s.api('PUT', `${site}/admin/vfs/partners/workflow.json?relativepath=1`, beside)).status, 200);
  assert.equal(ok(await s.api('GET', '/api/v1/workflows/partners')).parameters.greeting.value, 'hallo');
  assert.equal((await s.api('DELETE', '/api/v1/workflows/partners')).status, 204);
  const list = ok(await s.api('GET', `${base}/workflows${v}`));
  assert.deepEqual(list.map((w) => [w.name, w.kind, w.isDisabled]), [['w', 'Stateful', false]]);
  assert.deepEqual(list[0].triggers, { manual: { type: 'Request', kind: 'Http' } });
  const { value } = ok(await s.api('POST', `${base}/workflows/w/triggers/manual/listCallbackUrl${v}`));
  assert.match(value, /\/api\/w\/triggers\/manual\/invoke\?/);
  const r = await post(value, { a: 1 });
  assert.deepEqual([r.status, r.json], [200, { a: 1 }]);
  const [run] = ok(await s.api('GET', `${base}/workflows/w/runs${v}`)).value;
  assert.equal(run.id, `/workflows/w/runs/${r.headers.get('x-ms-workflow-run-id')}`);
  assert.equal(run.type, 'workflows/runs');
  const actions = ok(await s.api('GET', `${site}${base}${run.id}/actions${v}`)).value;
  assert.deepEqual(actions.map((a) => [a.name, a.properties.status]), [['Response', 'Succeeded']]);
  assert.deepEqual(ok(await s.api('GET', `${base}${run.id}/timeline${v}`)).value.map((a) => a.id), [`${run.id}/actions/Response`]);
  const built = async (path) => ok(await s.api('GET', `${base}${path}`));
  const stateful = (await built(`/operations${v}&workflowKind=Stateful`)).value, stateless = (await built(`/operations${v}&workflowKind=Stateless`)).value;
  assert.ok(stateful.some((o) => o.properties.operationType === 'HttpWebhook') && !stateless.some((o) => o.properties.operationType === 'HttpWebhook'));
  assert.ok((await built(`/operationGroups${v}`)).value.some((g) => g.name === 'control'));
  const one = await built(`${stateful.find((o) => o.name === 'foreach').id}${v}&$expand=properties/manifest`);
  assert.deepEqual([one.properties.operationType, one.properties.api.name], ['Foreach', 'control']);
  assert.equal((await s.api('GET', `${site}${base}/operationGroups/control/operations/nobody${v}`)).status, 404);
  assert.equal((await s.api('GET', `${base}/workflows${v}&code=${s.token}`, undefined, { token: null })).status, 200);
  assert.equal((await s.api('GET', `${base}/workflows${v}`, undefined, { token: null, 'x-functions-key': s.token })).status, 200);
  assert.equal((await s.api('GET', `${base}/workflows${v}&code=x`, undefined, { token: null })).status, 401);
  assert.equal((await s.api('GET', `${base}/workflows`)).json.error.code, 'MissingApiVersionParameter');
  assert.equal((await s.api('GET', `${site.replace('default', 'nobody')}${base}/workflows${v}`)).json.error.code, 'SubscriptionNotFound');
  assert.equal((await s.api('GET', `/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/integrationAccounts/x/partners/y?api-version=2019-05-01`)).json.error.code, 'NotImplemented');
});

// --- what is not shown (secureData, secure parameters) -------------------------------------------

// Every text that can be reached from these paths by the links and names in what they answer.
async function everything(s, starts) {
  const seen = new Map(), left = [...starts];
  while (left.length > 0 && seen.size < 400) {
    const at = left.pop();
    if (seen.has(at)) continue;
    const r = at.startsWith('/') ? await s.api('GET', at) : await fetch(at).then(async (x) => ({ status: x.status, text: await x.text() }));
    seen.set(at, r);
    for (const [, link] of r.text.matchAll(/"uri":"(http[^"]+)"/g)) if (link.includes('/contents/')) left.push(link);
    let json;
    try { json = JSON.parse(r.text); } catch { continue; }
    const below = at.replace(/\?.*/, ''), query = at.replace(/^[^?]*/, '');
    for (const v of json.value ?? []) left.push(`${below}/${v.name}${query}`);
  }
  return seen;
}

test('secure data and secure parameters are in nothing that is shown, and flow all the same', async (t) => {
  const got = [];
  const service = await backend(t, (req, res) => { got.push(req.headers['x-key']); if (got.length === 1) res.writeHead(500); res.end('covert answer'); });
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const secure = (...properties) => ({ runtimeConfiguration: { secureData: { properties } } });
  const doc = echo("@concat(body('Get'), triggerBody(), parameters('key'))", { runAfter: { Each: ['Succeeded'] }, actions: {
    Get: { type: 'Http', inputs: { method: 'GET', uri: `@concat('${service.url}/', 'co', 'vert')`, headers: { 'x-key': "@parameters('key')" }, retryPolicy: { type: 'fixed', count: 1, interval: 'PT5S' } }, ...secure('inputs', 'outputs') },
    Copy: { type: 'Compose', inputs: "@body('Get')", runAfter: { Get: ['Succeeded'] } },
    Open: { type: 'Compose', inputs: { a: "@parameters('key')", open: 'overt' }, runAfter: { Copy: ['Succeeded'] } },
    Many: { type: 'Compose', inputs: "@createArray(parameters('key'), string(range(0, 9000)))", runAfter: { Open: ['Succeeded'] } },
    Kept: { type: 'InitializeVariable', inputs: { variables: [{ name: 'v', type: 'String', value: '' }] }, runAfter: { Many: ['Succeeded'] } },
    Keep: { type: 'SetVariable', inputs: { name: 'v', value: "@concat(body('Get'))" }, runAfter: { Kept: ['Succeeded'] } },
    // lengths may be shown; what they are the lengths of, in their expressions' parts, may not
    Parts: { type: 'Compose', inputs: { a: "@length(concat(variables('v'), '!'))", b: "@length(concat(parameters('key'), '!'))", c: "@empty(parameters('$connections'))" }, runAfter: { Keep: ['Succeeded'] } },
    Each: { type: 'Foreach', foreach: '@createArray(1, 2)', runAfter: { Parts: ['Succeeded'] }, actions: { In: { type: 'Compose', inputs: "@concat(body('Get'), item())" } } } } });
  Object.assign(doc.definition.triggers.manual, secure('outputs'));
  doc.definition.parameters = { key: { type: 'SecureString' }, $connections: { type: 'Object', defaultValue: { a: { connectionId: 'c' } } } };
  doc.definition.outputs = { said: { type: 'String', value: "@concat(body('Get'), '.')" }, copy: { type: 'String', value: "@outputs('Copy')" }, open: { type: 'Object', value: "@outputs('Open')" } };
  doc.parameters = { key: { value: 'covert key' } };
  await saved(s, 'w', doc);
  const answer = await post(await url(s, 'w'), 'covert body');
  assert.equal(answer.text, 'covert answercovert bodycovert key');
  assert.deepEqual(got, ['covert key', 'covert key']);
  const id = ok(await s.api('GET', '/api/v1/workflows/w/runs')).value[0].id, run = `/api/v1/runs/${id}`;
  const starts = ['/api/v1/workflows/w', run, '/api/v1/workflows/w/runs', '/api/v1/workflows/w/triggers/manual/histories', '/api/v1/workflows/w/versions'];
  for (const name of ['Get', 'Copy', 'Open', 'Many', 'Keep', 'Parts', 'Each', 'In', 'Response']) {
    starts.push(...['inputs', 'outputs', 'requests', 'expressionTraces', 'repetitions'].map((x) => `${run}/actions/${name}/${x}`));
    starts.push(...['000000', '000001'].flatMap((r) => ['inputs', 'outputs', 'expressionTraces', 'requests'].map((x) => `${run}/actions/${name}/repetitions/${r}/${x}`)));
  }
  const arm = '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/workflows/w', v = '?api-version=2019-05-01';
  const name = ok(await s.api('GET', `${arm}/runs${v}`)).value[0].name;
  starts.push(...['', '/runs', `/runs/${name}`, `/runs/${name}/actions`, '/triggers/manual/histories', `/runs/${name}/actions/In/repetitions`, `/runs/${name}/actions/Get/requestHistories`, '/versions'].map((x) => `${arm}${x}${v}`));
  const all = await everything(s, starts);
  for (const [at, r] of all) assert.ok(!r.text.includes('covert'), `${at}\n${r.text}`);
  assert.ok([...all].some(([at, r]) => at.includes('/contents/') && r.text.includes('overt') && r.text.includes('*sanitized*')));
  assert.ok([...all.values()].some((r) => r.text.startsWith('["*sanitized*","[0,')), 'a large value');
  assert.deepEqual(ok(await s.api('GET', `${arm}/runs/${name}/actions/Copy${v}`)).properties.outputsLink, { secureData: { properties: ['outputs'] } });
  assert.equal((await s.api('GET', `${run}/actions/Get/outputs`)).status, 403);
  const requests = ok(await s.api('GET', `${run}/actions/Get/requests`)).value;
  assert.equal(requests.length, 2);
  const inner = (x) => ('value' in x ? x.value : x.subexpressions.map(inner));
  assert.deepEqual(ok(await s.api('GET', `${run}/actions/Parts/expressionTraces`)).inputs.map((x) => [x.value, x.subexpressions.map(inner)]),
    [[14, [[[]]]], [11, [['*sanitized*']]], [false, [[]]]]);
});
