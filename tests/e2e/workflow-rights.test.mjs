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
