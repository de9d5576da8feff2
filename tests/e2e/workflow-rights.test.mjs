// With whose rights a workflow acts, and what its callers' browsers may be made to do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend, serve } from './lib/raccord.mjs';
import { definition, properties } from './lib/harbour.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const allow = ['--set', 'egress.allow=127.0.0.0/8,::1'];
const request = (actions, more = {}) => ({ definition: { $schema: schema, contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions, outputs: {}, ...more } });

// Calls GET /ships through a connection that the workflow names, and answers with what came.
const caller = (connector, connection) => ({
  ...request({
    List: { type: 'ApiConnection', inputs: { host: { connection: { referenceName: 'harbour' } }, method: 'get', path: '/ships', retryPolicy: { type: 'none' } } },
    Response: { type: 'Response', kind: 'Http', runAfter: { List: ['Succeeded', 'Failed'] }, inputs: { statusCode: 200, body: "@actions('List')" } },
  }),
  connectionReferences: { harbour: { api: { id: connector }, connection: { id: connection }, connectionName: connection } },
});

async function setup(t) {
  const calls = await backend(t, (req, res) => { res.writeHead(200, { 'content-type': 'application/json' }); res.end('{"value":[]}'); });
  const s = await serve(t, { args: allow });
  const ok = async (method, path, body, token = s.token) => {
    const r = await s.api(method, path, body, { token });
    assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${r.text}`);
    return r.json;
  };
  const person = async (name, role) => {
    await ok('POST', '/api/v1/users', { name, grants: [{ role }] });
    return (await ok('POST', '/api/v1/tokens', { user: name })).token;
  };
  const fire = async (name, token) => {
    const { value } = await ok('POST', `/api/v1/workflows/${name}/triggers/manual:callback`, {}, token);
    const r = await fetch(value, { method: 'POST' });
    return { status: r.status, headers: r.headers, text: await r.text() };
  };
  return { s, calls, ok, person, fire };
}

test('a version acts with the rights of who saved it, not of who owns the workflow', async (t) => {
  const { s, calls, ok, person, fire } = await setup(t);
  const mia = await person('mia', 'maker'), boss = await person('boss', 'administrator');
  const connector = (await ok('POST', '/api/v1/connectors', { definition: definition(`127.0.0.1:${calls.port}`), properties: properties() }, mia)).id;
  const connection = (await ok('POST', '/api/v1/connections', { connectorId: connector, parameterValues: { api_key: 'k' } }, mia)).id;
  await ok('PUT', '/api/v1/workflows/mine', caller(connector, connection), mia);
  let r = await fire('mine', mia);
  assert.match(r.text, /"Succeeded"/);
  assert.equal(calls.requests.length, 1);
  // an administrator may change it, though not so that it uses a connection that is Mia's alone
  assert.equal((await s.api('POST', `/api/v1/connections/${connection}:invoke`, { operationId: 'ListShips' }, { token: boss })).status, 403);
  await ok('PUT', '/api/v1/workflows/mine', { ...caller(connector, connection), kind: 'Stateful' }, boss);
  r = await fire('mine', boss);
  assert.doesNotMatch(r.text, /"Succeeded"/, 'the connection was used by somebody who may not');
  assert.match(r.text, /may not use the connection/);
  assert.equal(calls.requests.length, 1);
  // switching it off and on is no new version; saving it again is
  await ok('POST', '/api/v1/workflows/mine:disable', undefined, mia);
  await ok('POST', '/api/v1/workflows/mine:enable', undefined, mia);
  assert.doesNotMatch((await fire('mine', mia)).text, /"Succeeded"/);
  await ok('PUT', '/api/v1/workflows/mine', caller(connector, connection), mia);
  await ok('POST', '/api/v1/workflows/mine:disable', undefined, boss);
  await ok('POST', '/api/v1/workflows/mine:enable', undefined, boss);
  assert.match((await fire('mine', mia)).text, /"Succeeded"/);
  // and ends with the person
  await ok('PATCH', '/api/v1/users/mia', { disabled: true });
  r = await fire('mine', boss);
  assert.doesNotMatch(r.text, /"Succeeded"/);
  assert.match(r.text, /gone or disabled/);
  assert.equal(calls.requests.length, 2);
});

test('what a workflow answers cannot act in the name of this server', async (t) => {
  const { ok, fire } = await setup(t);
  for (const [type, tamed] of [['text/html', true], ['image/svg+xml', true], ['application/xhtml+xml; charset=utf-8', true], ['application/json', false], ['text/plain', false]]) {
    await ok('PUT', '/api/v1/workflows/page', request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, headers: { 'Content-Type': type, 'Content-Security-Policy': 'default-src *', 'Set-Cookie': 'a=b' }, body: '<script>alert(1)</script>' } } }));
    const r = await fire('page');
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers.get('set-cookie'), null);
    assert.equal(r.headers.get('content-security-policy'), tamed ? 'sandbox' : null, type);
    assert.equal(r.headers.get('x-content-type-options'), 'nosniff');
  }
  // what a browser would keep or do for the whole origin is not an author's to say, nor what ends at this hop
  const headers = { 'Clear-Site-Data': '"*"', 'Strict-Transport-Security': 'max-age=0', 'Alt-Svc': 'h2="evil.example:443"', NEL: '{"report_to":"x","max_age":9}', 'Report-To': '{"group":"x"}', 'Reporting-Endpoints': 'x="https://evil.example"', 'Service-Worker-Allowed': '/', Upgrade: 'x', Trailer: 'x', 'Set-Cookie2': 'a=b' };
  for (const more of [{ body: 'text' }, {}, { operationOptions: 'Asynchronous' }]) {
    const { operationOptions, ...inputs } = more;
    await ok('PUT', '/api/v1/workflows/page', request({ Response: { type: 'Response', kind: 'Http', ...(operationOptions ? { operationOptions } : {}), inputs: { statusCode: 200, headers: { ...headers, 'X-Own': 'kept', Location: '/elsewhere' }, ...inputs } } }));
    let r = await fire('page');
    for (let end = Date.now() + 20000; r.status === 202 && Date.now() < end;) { r = await fetch(r.headers.get('location')); await r.text(); }
    assert.equal(r.status, 200);
    assert.deepEqual(Object.keys(headers).filter((h) => r.headers.get(h) !== null), []);
    assert.equal(r.headers.get('x-own'), 'kept');
  }
});

test('values of secure parameters come out of no reading', async (t) => {
  const { s, ok, fire } = await setup(t);
  const secret = 'open-sesame-4711';
  const doc = { ...request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: "@equals(parameters('pw'), 'open-sesame-4711')" } } }, { parameters: { pw: { type: 'SecureString' }, plain: { type: 'String', defaultValue: 'seen' } } }) };
  doc.definition.actions.Response.inputs.body = "@length(parameters('pw'))";
  const w = await ok('PUT', '/api/v1/workflows/safe', { ...doc, parameters: { pw: { type: 'SecureString', value: secret }, plain: { value: 'visible' } } });
  assert.equal((await fire('safe')).text, String(secret.length));
  const run = (await ok('GET', '/api/v1/workflows/safe/runs')).value[0];
  const versions = (await ok('GET', '/api/v1/workflows/safe/versions')).value;
  const arm = '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/workflows';
  const paths = ['/api/v1/workflows', '/api/v1/workflows/safe', `/api/v1/workflows/${w.id}/versions`, `/api/v1/workflows/safe/versions/${versions[0].name}`, `/api/v1/runs/${run.id}?$expand=properties/actions,workflow/properties`,
    `/api/v1/workflows/safe/upgradedDefinition`, `${arm}?api-version=2016-06-01`, `${arm}/safe?api-version=2016-06-01`, `${arm}/safe/versions?api-version=2016-06-01`, `${arm}/safe/runs/${run.name}?api-version=2016-06-01&$expand=properties/actions,workflow/properties`, '/api/v1/audit'];
  for (const path of paths) {
    const r = await s.api('GET', path);
    assert.equal(r.status, 200, `${path}: ${r.text}`);
    assert.equal(r.text.includes(secret), false, path);
  }
  assert.equal(s.log().includes(secret), false);
  // a change that does not give it again keeps it
  await ok('PUT', '/api/v1/workflows/safe', doc);
  assert.equal((await fire('safe')).text, String(secret.length));
});

test('a parameter is secure too when its value alone says so, as in parameters.json', async (t) => {
  const { s, ok, fire } = await setup(t);
  const secret = 'open-sesame-4712';
  const doc = { ...request({ C: { type: 'Compose', inputs: "@concat('<', parameters('pw'), '>')" }, Response: { type: 'Response', kind: 'Http', runAfter: { C: ['Succeeded'] }, inputs: { statusCode: 200, body: "@length(parameters('pw'))" } } }), kind: 'Stateful' };
  const value = { pw: { type: 'SecureString', value: secret } };
  const told = async (what) => {
    const run = (await ok('GET', '/api/v1/workflows/safe/runs')).value[0];
    const versions = (await ok('GET', '/api/v1/workflows/safe/versions')).value;
    for (const path of ['/api/v1/workflows/safe', `/api/v1/workflows/safe/versions/${versions[0].name}`, `/api/v1/runs/${run.id}?$expand=properties/actions,workflow/properties`, `/api/v1/runs/${run.id}/actions/C/inputs`, `/api/v1/runs/${run.id}/actions/C/outputs`, `/api/v1/runs/${run.id}/actions/C/expressionTraces`])
      assert.equal((await s.api('GET', path)).text.includes(secret), false, `${what}: ${path}`);
  };
  const declared = (type) => ({ ...doc, definition: { ...doc.definition, parameters: { pw: { type } } } });
  for (const [what, given] of [['value', { ...doc, parameters: value }], ['file', { ...doc, files: { 'parameters.json': value } }], ['declared otherwise', { ...declared('String'), parameters: value }], ['value says otherwise', { ...declared('SecureString'), parameters: { pw: { type: 'String', value: secret } } }]]) {
    const made = await s.api('PUT', '/api/v1/workflows/safe', given);
    assert.ok(made.status < 300, made.text);
    assert.equal(made.text.includes(secret), false, what);
    assert.equal((await fire('safe')).text, String(secret.length), what);
    await told(what);
    // what is read can be written back, and keeps it
    const { definition, parameters, kind } = await ok('GET', '/api/v1/workflows/safe');
    assert.equal('value' in parameters.pw, false, what);
    await ok('PUT', '/api/v1/workflows/safe', { definition, parameters, kind });
    assert.equal((await fire('safe')).text, String(secret.length), what);
    await told(what);
    await ok('DELETE', '/api/v1/workflows/safe');
  }
});

test('deleting a connector names the workflows that call it, to those who may see them', async (t) => {
  const { s, calls, ok, person } = await setup(t);
  const boss = await person('boss', 'administrator');
  await ok('POST', '/api/v1/users', { name: 'mia', grants: [{ role: 'maker', group: 'default' }] });
  const mia = (await ok('POST', '/api/v1/tokens', { user: 'mia' })).token;
  await ok('PUT', '/api/v1/groups/harbour', {}, boss);
  const connector = (await ok('POST', '/api/v1/connectors', { definition: definition(`127.0.0.1:${calls.port}`), properties: properties() }, mia)).id;
  await ok('PUT', '/api/v1/workflows/tides?group=harbour', caller(connector, 'none'), boss);
  let seen = await ok('GET', `/api/v1/connectors/${connector}`, undefined, boss);
  assert.deepEqual([seen.connections, seen.workflows, seen.usedBy], [0, 1, ['tides']]);
  seen = await ok('GET', `/api/v1/connectors/${connector}`, undefined, mia);
  assert.deepEqual([seen.workflows, seen.usedBy], [1, []]);
  let r = await s.api('DELETE', `/api/v1/connectors/${connector}`, undefined, { token: boss });
  assert.equal(r.status, 409);
  assert.match(r.json.error.message, /deletes 0 connections made with it and breaks 1 workflow: tides\. Repeat with \?confirm=0/);
  r = await s.api('DELETE', `/api/v1/connectors/${connector}`, undefined, { token: mia });
  assert.doesNotMatch(r.text, /tides/);
  // the next version calls it no more
  await ok('PUT', '/api/v1/workflows/tides?group=harbour', request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200 }, runAfter: {} } }), boss);
  r = await s.api('DELETE', `/api/v1/connectors/${connector}`, undefined, { token: boss });
  assert.equal(r.status, 200, r.text);
});

test('who may not see a thing is told the same whether it is there or not', async (t) => {
  const { s, ok } = await setup(t);
  await ok('PUT', '/api/v1/groups/harbour', {});
  await ok('PUT', '/api/v1/groups/quay', {});
  await ok('POST', '/api/v1/users', { name: 'mia', grants: [{ role: 'maker', group: 'quay' }] });
  await ok('POST', '/api/v1/users', { name: 'rex', grants: [{ role: 'reader', group: 'harbour' }] });
  const mia = (await ok('POST', '/api/v1/tokens', { user: 'mia' })).token, rex = (await ok('POST', '/api/v1/tokens', { user: 'rex' })).token;
  const doc = request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200 } } });
  await ok('PUT', '/api/v1/workflows/there?group=harbour', doc);
  await ok('PUT', '/api/v1/integrationAccounts/there?group=harbour', {});
  await ok('PUT', '/api/v1/integrationAccounts/there/maps/there?group=harbour', { mapType: 'Xslt', content: '<x/>' });
  const arm = '/subscriptions/default/resourceGroups/harbour/providers/Microsoft.Logic';
  const version = '?api-version=2016-06-01';
  const requests = [
    ...['workflows/NAME', 'integrationAccounts/NAME', 'integrationAccounts/NAME/maps/NAME'].flatMap((p) => ['DELETE', 'GET', 'PUT', 'PATCH'].map((m) => [m, `${arm}/${p}${version}`, p.startsWith('workflows') ? { properties: doc } : { properties: {} }])),
    ...['workflows/NAME', 'integrationAccounts/NAME', 'integrationAccounts/NAME/maps/NAME'].flatMap((p) => ['DELETE', 'GET', 'PUT', 'PATCH'].map((m) => [m, `/api/v1/${p}?group=harbour`, p.startsWith('workflows') ? doc : {}])),
    ...['enable', 'listCallbackUrl', 'triggers/manual/run', 'runs/08584000000000000000/cancel', 'move'].map((p) => ['POST', `${arm}/workflows/NAME/${p}${version}`, {}]),
  ];
  const told = async (name, [method, path, body]) => {
    const r = await s.api(method, path.replaceAll('NAME', name), method === 'GET' || method === 'DELETE' ? undefined : body, { token: mia });
    return [r.status, r.text.replaceAll(name, 'NAME').replace(/"clientRequestId":"[^"]*"/, '')];
  };
  for (const x of requests) {
    const there = await told('there', x);
    assert.ok(there[0] >= 400, `${x[0]} ${x[1]}: ${there}`);
    assert.deepEqual(there, await told('nowhere', x), `${x[0]} ${x[1]}`);
  }
  // who sees the group is told: deleting what is not there is done already
  for (const p of ['workflows', 'integrationAccounts'])
    assert.equal((await s.api('DELETE', `${arm}/${p}/nowhere${version}`, undefined, { token: s.token })).status, 204);
  assert.equal((await s.api('DELETE', `${arm}/workflows/there${version}`, undefined, { token: rex })).status, 403);
});

test('the call of a child flow goes to the flow of whoever saved the caller', async (t) => {
  const { ok, person, fire } = await setup(t);
  const boss = await person('boss', 'administrator'), mia = await person('mia', 'maker');
  const guid = '3f2b1a44-5a0f-4c55-9e1c-7d3b2a1c0d9e';
  const child = (text) => request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: text } } });
  const caller = request({
    Child: { type: 'Workflow', inputs: { host: { workflowReferenceName: guid }, body: { secret: 'plans' } } },
    Response: { type: 'Response', kind: 'Http', runAfter: { Child: ['Succeeded', 'Failed'] }, inputs: { statusCode: 200, body: "@coalesce(actions('Child')?['outputs']?['body'], actions('Child')?['error']?['code'])" } },
  });
  await ok('PUT', `/api/v1/workflows/Child-${guid}`, child('mine'), boss);
  await ok('PUT', `/api/v1/workflows/Aardvark-${guid}`, child('taken over'), mia);
  await ok('PUT', '/api/v1/workflows/parent', caller, boss);
  assert.equal((await fire('parent', boss)).text, 'mine');
  // with one that could be meant, it is that one; with two of others, none is
  await ok('DELETE', `/api/v1/workflows/Child-${guid}`, undefined, boss);
  assert.equal((await fire('parent', boss)).text, 'taken over');
  await ok('PUT', `/api/v1/workflows/Bear-${guid}`, child('taken over too'), mia);
  assert.equal((await fire('parent', boss)).text, 'WorkflowNameIsNotUnique');
});

test('a nested call is held to the schema of the trigger it calls', async (t) => {
  const { s, ok, fire } = await setup(t);
  const child = (more) => ({ ...request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: 'ran' } } }, { triggers: { manual: { type: 'Request', kind: 'Http', inputs: { schema: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } }, ...more } } }) });
  const caller = (body) => request({
    Child: { type: 'Workflow', inputs: { host: { triggerName: 'manual', workflow: { id: 'child' } }, ...body } },
    Response: { type: 'Response', kind: 'Http', runAfter: { Child: ['Succeeded', 'Failed'] }, inputs: { statusCode: 200, body: "@actions('Child')" } },
  });
  const outcome = async (body) => {
    await ok('PUT', '/api/v1/workflows/parent', caller(body));
    const { status, code, error, outputs } = JSON.parse((await fire('parent')).text);
    return [status, code, error?.code ?? outputs?.body, error?.message];
  };
  const strict = { operationOptions: 'EnableSchemaValidation' };
  await ok('PUT', '/api/v1/workflows/child', child(strict));
  assert.deepEqual(await outcome({ body: { n: 7 } }), ['Succeeded', 'OK', 'ran', undefined]);
  for (const [body, why] of [[{ body: { n: 'seven' } }, /Expected Integer but got String/], [{ body: {} }, /Required properties are missing from object: n/], [{}, /Expected Object but got Null/]]) {
    const [status, code, error, message] = await outcome(body);
    assert.deepEqual([status, code, error], ['Failed', 'BadRequest', 'TriggerInputSchemaMismatch']);
    assert.match(message, why);
  }
  // the child's history tells of it, and no run began
  const { value: events } = await ok('GET', '/api/v1/workflows/child/triggers/manual/histories');
  assert.deepEqual(events.map((e) => [e.status, e.code ?? null, e.fired]).slice(0, 3), Array(3).fill(['Failed', 'TriggerInputSchemaMismatch', false]));
  assert.equal((await ok('GET', '/api/v1/workflows/child/runs')).value.length, 1);
  // who does not ask for it is not held to it
  await ok('PUT', '/api/v1/workflows/child', child({}));
  assert.deepEqual(await outcome({ body: {} }), ['Succeeded', 'OK', 'ran', undefined]);
  assert.ok(s.url);
});

test('which key is exchanged does not hang on the letter case it is asked for in', async (t) => {
  const { s, ok } = await setup(t);
  await ok('PUT', '/api/v1/workflows/w', request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200 } } }));
  await ok('PUT', '/api/v1/integrationAccounts/trade', {});
  await ok('PUT', '/api/v1/integrationAccounts/trade/maps/m', { mapType: 'Xslt', content: '<x/>' });
  const arm = '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic', version = '?api-version=2016-06-01';
  const urls = async (path) => Promise.all(['Primary', 'secondary'].map(async (keyType) => (await ok('POST', `${arm}/${path}${version}`, { KeyType: keyType })).value));
  const works = async (all, method) => Promise.all(all.map(async (u) => (await fetch(u, { method })).status < 300));
  for (const [thing, callback, method] of [['workflows/w', 'workflows/w/triggers/manual/listCallbackUrl', 'POST'], ['integrationAccounts/trade', 'integrationAccounts/trade/maps/m/listContentCallbackUrl', 'GET']]) {
    let before = await urls(callback);
    assert.deepEqual(await works(before, method), [true, true]);
    for (const [body, left] of [[{ KeyType: 'Secondary' }, [true, false]], [{ keyType: 'PRIMARY' }, [false, true]], [{ keytype: 'secondary' }, [true, false]], [{}, [false, true]]]) {
      before = await urls(callback);
      const r = await s.api('POST', `${arm}/${thing}/regenerateAccessKey${version}`, body);
      assert.equal(r.status, 200, `${JSON.stringify(body)}: ${r.text}`);
      assert.deepEqual(await works(before, method), left, JSON.stringify(body));
    }
    assert.equal((await s.api('POST', `${arm}/${thing}/regenerateAccessKey${version}`, { keyType: 'Third' })).status, 400);
  }
  // natively a word that is not understood is refused
  assert.equal((await s.api('POST', '/api/v1/workflows/w:regenerateKey', { KeyType: 'Secondary' })).status, 400);
});

test('a version saved with a narrowed token reaches no further than that token', async (t) => {
  const { s, calls, ok } = await setup(t);
  await ok('PUT', '/api/v1/groups/harbour', {});
  await ok('POST', '/api/v1/users', { name: 'ann', grants: [{ role: 'maker', group: 'default' }, { role: 'maker', group: 'harbour' }, { role: 'administrator', group: 'harbour' }] });
  const wide = (await ok('POST', '/api/v1/tokens', { user: 'ann' })).token;
  const narrow = (await ok('POST', '/api/v1/tokens', { user: 'ann', group: 'harbour' })).token;
  const less = (await ok('POST', '/api/v1/tokens', { user: 'ann', roles: ['maker'] })).token;
  const connector = (await ok('POST', '/api/v1/connectors', { definition: definition(`127.0.0.1:${calls.port}`), properties: properties() }, wide)).id;
  const connection = (await ok('POST', '/api/v1/connections', { connectorId: connector, parameterValues: { api_key: 'k' } }, wide)).id;
  assert.equal((await s.api('GET', `/api/v1/connections/${connection}`, undefined, { token: narrow })).status, 404);
  const child = await ok('PUT', '/api/v1/workflows/child', request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: 'reached' } } }), wide);
  const other = await ok('PUT', '/api/v1/workflows/other?group=harbour', request({ Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: 'reached' } } }));
  await ok('PUT', '/api/v1/integrationAccounts/default', {}, wide);
  await ok('PUT', '/api/v1/integrationAccounts/default/maps/m', { mapType: 'Xslt', content: '<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:template match="/"><o/></x:template></x:stylesheet>' }, wide);
  const nested = (id) => ({ N: { type: 'Workflow', inputs: { host: { triggerName: 'manual', workflow: { id } } } } });
  const list = { L: { type: 'ApiConnection', inputs: { host: { connection: { referenceName: 'harbour' } }, method: 'get', path: '/ships', retryPolicy: { type: 'none' } } } };
  const map = { M: { type: 'Xslt', inputs: { content: '<a/>', integrationAccount: { map: { name: 'm' } } } } };
  const outcome = async (actions, token, more = {}) => {
    const [name] = Object.keys(actions);
    await ok('PUT', '/api/v1/workflows/w?group=harbour', { ...request({ ...actions, Response: { type: 'Response', kind: 'Http', runAfter: { [name]: ['Succeeded', 'Failed'] }, inputs: { statusCode: 200, body: `@actions('${name}')['status']` } } }), ...more }, token);
    const { value } = await ok('POST', '/api/v1/workflows/w/triggers/manual:callback?group=harbour', {}, token);
    return (await fetch(value, { method: 'POST' })).text();
  };
  const references = { connectionReferences: { harbour: { api: { id: connector }, connection: { id: connection }, connectionName: connection } } };
  const account = { integrationAccount: { id: '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/integrationAccounts/default' } };
  for (const [actions, more] of [[list, references], [nested(child.id), {}], [map, account]]) {
    assert.equal(await outcome(actions, wide, more), 'Succeeded', JSON.stringify(actions));
    assert.equal(await outcome(actions, narrow, more), 'Failed', JSON.stringify(actions));
    assert.equal(await outcome(actions, less, more), 'Succeeded', JSON.stringify(actions));
  }
  // what she may do as an administrator only, a token for makers may not
  assert.equal(await outcome(nested(other.id), narrow), 'Succeeded');
  assert.equal(await outcome(nested(other.id), less), 'Failed');
  assert.equal(await outcome(nested(other.id), wide), 'Succeeded');
  // also after a restart: it stands with the version
  assert.equal(await outcome(nested(child.id), narrow), 'Failed');
});
