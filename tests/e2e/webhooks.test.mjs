// Webhooks of connectors: the callback URL is put where the operation takes it, and the Location it answers
// with, relative ones too, is where the subscription is ended.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backend, serve, until } from './lib/raccord.mjs';
import { client, compose } from './lib/workflows.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';

// A service that subscribes, and a connector and a connection for it. The property that takes the URL is
// two levels deep, behind references.
async function world(t, location) {
  const asked = [];
  const service = await backend(t, (req, res, body) => {
    asked.push({ method: req.method, url: req.url, key: req.headers['x-key'], body: body.length > 0 ? JSON.parse(body) : null });
    if (req.method === 'DELETE') return res.writeHead(req.url.endsWith('/refused') ? 403 : 204).end();
    return res.writeHead(201, { 'content-type': 'application/json', ...(location ? { location } : {}) }).end('{"id":7}');
  });
  const definition = {
    swagger: '2.0', info: { title: 'Quai', version: '1' }, host: `127.0.0.1:${service.port}`, schemes: ['http'], basePath: '/v1',
    securityDefinitions: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } }, security: [{ key: [] }],
    paths: {
      '/hooks': {
        'x-ms-notification-content': { schema: { type: 'object' } },
        post: { operationId: 'OnArrival', 'x-ms-trigger': 'single', parameters: [{ name: 'subscription', in: 'body', required: true, schema: { $ref: '#/definitions/Subscription' } }], responses: { 201: { description: 'made' } } },
      },
      '/hooks/{id}': { delete: { operationId: 'Off', parameters: [{ name: 'id', in: 'path', required: true, type: 'string' }], responses: { 204: { description: 'gone' } } } },
    },
    definitions: {
      Subscription: { allOf: [{ type: 'object', properties: { quay: { type: 'string' }, delivery: { $ref: '#/definitions/Delivery' } } }] },
      Delivery: { type: 'object', 'x-ms-visibility': 'internal', required: ['url', 'mode'], properties: { mode: { type: 'string', default: 'push' }, url: { type: 'string', 'x-ms-notification-url': true } } },
    },
  };
  const properties = { properties: { iconBrandColor: '#123456', connectionParameters: { api_key: { type: 'securestring' } } } };
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const { ok } = client(s);
  const connector = (await ok('POST', '/connectors', { definition, properties })).id;
  const connection = (await ok('POST', '/connections', { connectorId: connector, parameterValues: { api_key: 'k1' } })).id;
  const references = { shared_quai: { api: { id: connector }, connection: { id: connection }, connectionName: connection } };
  const save = (name, triggers, actions) => ok('PUT', `/workflows/${name}`, { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers, actions }, connectionReferences: references });
  return { asked, s, ok, save };
}

const host = { apiId: '/providers/Microsoft.PowerApps/apis/shared_quai', connectionName: 'shared_quai', operationId: 'OnArrival' };
const manual = { manual: { type: 'Request', kind: 'Http', inputs: {} } };
const post = (url, body) => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

test('an OpenApiConnectionWebhook action: the URL is put in, the run goes on when it is called', async (t) => {
  const { asked, ok, save } = await world(t, 'hooks/7');
  await save('w', manual, {
    Hook: { type: 'OpenApiConnectionWebhook', inputs: { host, parameters: { 'subscription/quay': 'north' } } },
    After: compose("@body('Hook')", { Hook: ['Succeeded'] }),
  });
  const { id } = await ok('POST', '/workflows/w:run', {});
  const [first] = await until('a subscription', () => asked.length > 0 && asked);
  assert.deepEqual([first.method, first.url, first.key], ['POST', '/v1/hooks', 'k1']);
  const { url, ...rest } = first.body.delivery;
  assert.deepEqual([first.body.quay, rest], ['north', { mode: 'push' }]);
  assert.match(url, /\/actions\/Hook\/run\?.*sig=/);
  assert.equal((await post(url, { ship: 'Nordvik' })).status, 200);
  await until('the end', async () => (await ok('GET', `/runs/${id}`)).endTime);
  assert.deepEqual(await ok('GET', `/runs/${id}/actions/After/outputs`), { ship: 'Nordvik' });
  assert.equal(asked.length, 1, 'what was called back is not ended');
});

test('a webhook action that is not called back ends its subscription at a relative Location', async (t) => {
  for (const [location, want] of [['hooks/7', '/v1/hooks/7'], ['/v1/hooks/8?x=1', '/v1/hooks/8?x=1'], ['?id=9', '/v1/hooks?id=9']]) {
    const { asked, ok, save } = await world(t, location);
    await save('w', manual, {
      Hook: { type: 'ApiConnectionWebhook', limit: { timeout: 'PT1S' }, inputs: { host: { connection: { referenceName: 'shared_quai' } }, path: '/hooks', body: { quay: 'west' } } },
    });
    const { id } = await ok('POST', '/workflows/w:run', {});
    await until('the end', async () => (await ok('GET', `/runs/${id}`)).endTime);
    await until('the goodbye', () => asked.length === 2);
    assert.match(asked[0].body.delivery.url, /\/actions\/Hook\/run\?/); // nobody wrote it into the body
    assert.equal(asked[0].body.quay, 'west');
    assert.deepEqual([asked[1].method, asked[1].url, asked[1].key], ['DELETE', want, 'k1']);
  }
});

test('an OpenApiConnectionWebhook trigger subscribes, fires, and ends at a relative Location', async (t) => {
  const { asked, s, ok, save } = await world(t, 'hooks/7');
  await save('w', { t: { type: 'OpenApiConnectionWebhook', inputs: { host, parameters: { 'subscription/quay': 'north' } } } },
    { Seen: compose('@triggerBody()', {}) });
  const [first] = await until('a subscription', () => asked.length > 0 && asked);
  assert.match(first.body.delivery.url, /\/triggers\/t\/versions\/[^/]+\/run\?.*sig=/);
  assert.deepEqual([first.body.quay, first.body.delivery.mode], ['north', 'push']);
  assert.ok((await post(first.body.delivery.url, { ship: 'Ada' })).status < 300);
  const run = await until('a run', async () => (await ok('GET', '/workflows/w/runs')).value.find((r) => r.endTime));
  assert.deepEqual(await ok('GET', `/runs/${run.id}/actions/Seen/outputs`), { ship: 'Ada' });
  assert.ok((await s.api('DELETE', '/api/v1/workflows/w')).status < 300);
  await until('the goodbye', () => asked.length === 2);
  assert.deepEqual([asked[1].method, asked[1].url, asked[1].key], ['DELETE', '/v1/hooks/7', 'k1']);
});

test('what the author wrote into the property stays', async (t) => {
  const { asked, ok, save } = await world(t);
  await save('w', manual, { Hook: { type: 'OpenApiConnectionWebhook', limit: { timeout: 'PT1S' }, inputs: { host, parameters: { subscription: { delivery: { url: 'https://relay.example/?to=@{encodeURIComponent(listCallbackUrl())}' } } } } } });
  const { id } = await ok('POST', '/workflows/w:run', {});
  await until('the end', async () => (await ok('GET', `/runs/${id}`)).endTime);
  assert.match(asked[0].body.delivery.url, /^https:\/\/relay\.example\/\?to=http/);
});

// A Standard app whose connection has a URL of its own, which is no connector of this server.
async function remote(t, args = []) {
  const asked = [];
  const service = await backend(t, (req, res, body) => {
    asked.push({ method: req.method, url: req.url, key: req.headers.authorization, body: body.length > 0 ? JSON.parse(body) : null });
    if (req.method === 'DELETE') return res.writeHead(204).end();
    return res.writeHead(201, { 'content-type': 'application/json', location: 'hooks/7' }).end('{"id":7}');
  });
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8', ...args] });
  const save = async (name, triggers, actions, api = 'far') => {
    const r = await s.api('PUT', `/api/v1/workflows/${name}`, {
      kind: 'Stateful', definition: { $schema: schema, contentVersion: '1.0.0.0', triggers, actions },
      connections: { managedApiConnections: { far: { api: { id: `/subscriptions/s/managedApis/${api}` }, connection: { id: `/subscriptions/s/connections/${api}` },
        connectionRuntimeUrl: "@appsetting('far-url')", authentication: { type: 'Raw', scheme: 'Key', parameter: "@appsetting('far-key')" } } } },
      appSettings: { 'far-url': `http://127.0.0.1:${service.port}/r/far/`, 'far-key': 'k3y' } });
    assert.ok(r.status < 300, r.text);
  };
  const run = async (name) => {
    const { value } = (await s.api('POST', `/api/v1/workflows/${name}/triggers/manual:callback`, {})).json;
    assert.equal((await post(value, {})).status, 202);
    return until('the end of the run', async () => {
      const [r] = (await s.api('GET', `/api/v1/workflows/${name}/runs`)).json.value;
      return r && !['Running', 'Waiting'].includes(r.status) && r;
    });
  };
  return { asked, s, save, run };
}

const far = { connection: { referenceName: 'far' } };
const hook = { type: 'ApiConnectionWebhook', inputs: { host: far, path: '/hooks', body: { to: '@{listCallbackUrl()}' } } };

test('a webhook action of a connection with a URL of its own ends its subscription there, with that key', async (t) => {
  const { asked, save, run } = await remote(t);
  await save('w', manual, { Hook: { ...hook, limit: { timeout: 'PT1S' } } });
  await run('w');
  await until('the end of the subscription', () => asked.length === 2);
  assert.match(asked[0].body.to, /\/actions\/Hook\/run\?/);
  assert.deepEqual(asked.map((x) => [x.method, x.url, x.key]), [['POST', '/r/far/hooks', 'Key k3y'], ['DELETE', '/r/far/hooks/7', 'Key k3y']]);
});

test('so does a trigger', async (t) => {
  const { asked, s, save } = await remote(t);
  await save('w', { t: hook }, { Seen: compose('@triggerBody()', {}) });
  await until('the subscription', () => asked.length === 1);
  assert.equal((await post(asked[0].body.to, { n: 1 })).status, 202);
  assert.equal((await s.api('DELETE', '/api/v1/workflows/w')).status, 204);
  await until('its end', () => asked.length === 2);
  assert.deepEqual(asked.map((x) => [x.method, x.url, x.key]), [['POST', '/r/far/hooks', 'Key k3y'], ['DELETE', '/r/far/hooks/7', 'Key k3y']]);
});

test('an operation by its id needs the definition: a connection with a URL alone says so', async (t) => {
  const { asked, s, save, run } = await remote(t);
  const host = { apiId: '/subscriptions/s/managedApis/far', connection: { referenceName: 'far' }, operationId: 'OnArrival' };
  await save('w', manual, { Hook: { type: 'OpenApiConnectionWebhook', inputs: { host, parameters: {} } }, Get: { type: 'OpenApiConnection', inputs: { host: { ...host, operationId: 'GetShip' }, parameters: {} } } });
  const r = await run('w');
  for (const [name, operation] of [['Hook', 'OnArrival'], ['Get', 'GetShip']]) {
    const action = (await s.api('GET', `/api/v1/runs/${r.id}/actions/${name}`)).json;
    assert.equal(action.error.code, 'ConnectionNotFound');
    assert.match(action.error.message, new RegExp(`'${operation}'.*Register the connector 'far'`));
  }
  assert.deepEqual(asked, []);
});

test('workflow.preferRemote: a connector that is registered here is called by the URL of its connection', async (t) => {
  for (const [args, remotely] of [[[], false], [['--set', 'workflow.preferRemote=true'], true]]) {
    const { asked, s, save, run } = await remote(t, args);
    const here = [];
    const service = await backend(t, (req, res) => { here.push(`${req.method} ${req.url}`); res.writeHead(201, { location: '/v1/hooks/1' }).end(); });
    const definition = { swagger: '2.0', info: { title: 'Far', version: '1' }, host: `127.0.0.1:${service.port}`, schemes: ['http'], basePath: '/v1',
      paths: { '/hooks': { post: { operationId: 'On', parameters: [{ name: 'b', in: 'body', schema: { type: 'object' } }], responses: { 201: { description: 'made' } } } } } };
    definition.securityDefinitions = { key: { type: 'apiKey', in: 'header', name: 'X-Key' } };
    definition.security = [{ key: [] }];
    const registered = await s.api('POST', '/api/v1/connectors', { definition, properties: { properties: { iconBrandColor: '#123456', connectionParameters: { api_key: { type: 'securestring' } } } } });
    assert.equal(registered.status, 201, registered.text);
    const connector = registered.json.id;
    const made = await s.api('POST', '/api/v1/connections', { connectorId: connector, parameterValues: { api_key: 'k1' } });
    assert.equal(made.status, 201, made.text);
    await save('w', manual, { Hook: { ...hook, limit: { timeout: 'PT1S' } } }, connector);
    await run('w');
    await until('both requests', () => asked.length + here.length === 2);
    assert.equal(asked.length, remotely ? 2 : 0, JSON.stringify(here));
  }
});

test('a subscription that cannot be ended is told in the log, when its workflow and its run are gone, too', async (t) => {
  const asked = [];
  const service = await backend(t, (req, res) => { asked.push(req.url); res.writeHead(req.url.startsWith('/off') ? 400 : 201).end(); });
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const hook = (n) => ({ type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `${service.url}/on`, body: '@listCallbackUrl()' }, unsubscribe: { method: 'POST', uri: `${service.url}/off/${n}?key=hidden` } } });
  const put = (name, triggers, actions) => s.api('PUT', `/api/v1/workflows/${name}`, { definition: { $schema: schema, contentVersion: '1.0.0.0', triggers, actions } });
  assert.equal((await put('trigger', { hook: hook(1) }, { A: compose(1, {}) })).status, 201);
  assert.equal((await put('action', manual, { Wait: { ...hook(2), runAfter: {} } })).status, 201);
  const run = (await s.api('POST', '/api/v1/workflows/action:run', {})).json;
  await until('both subscribed', () => asked.length === 2);
  await until('the action waits', async () => (await s.api('GET', `/api/v1/runs/${run.id}/actions/Wait`)).json.status === 'Waiting');
  assert.equal((await s.api('DELETE', '/api/v1/workflows/trigger')).status, 204);
  assert.equal((await s.api('POST', `/api/v1/runs/${run.id}:cancel`)).status, 204);
  await until('both are told', () => s.log().split('\n').filter((l) => l.includes('subscription.not_ended') && l.includes('400')).length === 2);
  for (const what of ['"workflow":"trigger","where":"hook"', `${service.url}/off/2"`]) assert.ok(s.log().includes(what), s.log());
  assert.ok(!s.log().includes('hidden'), s.log());
  // and in a list, for whoever has to end them by hand
  const list = (await until('the list', async () => { const r = await s.api('GET', '/api/v1/audit?kind=subscription'); return r.json.value.length === 2 && r; })).json.value;
  assert.deepEqual(list.map((x) => [x.action, x.kind, x.detail]).sort(), [
    ['subscription.not_ended', 'subscription', 'Wait of action at ' + service.url + '/off/2: the answer was 400'],
    ['subscription.not_ended', 'subscription', 'hook of trigger: the answer was 400'],
  ]);
});

test('so is one of a connector whose action ended before it was called back', async (t) => {
  const { s, ok, save, asked } = await world(t, 'hooks/refused');
  await save('w', manual, { Hook: { type: 'ApiConnectionWebhook', limit: { timeout: 'PT1S' }, inputs: { host: { connection: { referenceName: 'shared_quai' } }, path: '/hooks', body: { quay: 'west' } } } });
  await ok('POST', '/workflows/w:run', {});
  await until('the goodbye', () => asked.length === 2);
  const [one] = await until('the list', async () => { const { value } = await ok('GET', '/audit?kind=subscription'); return value.length > 0 && value; });
  assert.match(one.detail, /^Hook of w at http.*\/v1\/hooks\/refused: the answer was 403$/);
});

// A service that keeps its subscriptions by their URLs, as many of each as were made.
async function registry(t) {
  const standing = [], ended = [];
  let hold = null;
  const service = await backend(t, (req, res, body) => {
    const { to } = JSON.parse(body);
    if (req.url === hold && hold === '/off') return ended.push(to);
    if (req.url === '/on') standing.push(to);
    else {
      ended.push(to);
      const at = standing.indexOf(to);
      if (at < 0) return res.writeHead(404).end();
      standing.splice(at, 1);
    }
    return hold === req.url ? undefined : res.writeHead(200).end();
  });
  const body = { to: '@{listCallbackUrl()}' };
  const hook = { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: `${service.url}/on`, body }, unsubscribe: { method: 'POST', uri: `${service.url}/off`, body } } };
  const definition = { $schema: schema, contentVersion: '1.0.0.0', triggers: { hook }, actions: { A: compose(1, {}) } };
  return { standing, ended, hold: (on) => { hold = on; }, definition };
}

test('a subscription is ended with the URL it was made with, whatever became of the key that signed it', async (t) => {
  const { standing, ended, definition } = await registry(t);
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  assert.equal((await s.api('PUT', '/api/v1/workflows/w', { definition })).status, 201);
  await until('a subscription', () => standing.length === 1);
  const [first] = standing;
  assert.ok((await s.api('POST', '/api/v1/workflows/w:regenerateKey', { keyType: 'Primary' })).status < 300);
  await until('its end', () => ended.length === 1);
  assert.deepEqual([ended[0], standing.length], [first, 1]);
  assert.notEqual(standing[0], first);
  assert.equal((await post(standing[0], {})).status, 202);
  assert.equal((await post(first, {})).status, 401);
  for (const file of ['raccord.db', 'raccord.db-wal']) assert.ok(!readFileSync(join(s.dir, file)).includes(new URL(standing[0]).searchParams.get('sig')), 'the URL is sealed');
  assert.ok((await s.api('DELETE', '/api/v1/workflows/w')).status < 300);
  await until('nothing stands', () => standing.length === 0);
  assert.equal(ended.length, 2);
});

test('a server that is killed while it subscribes leaves no second subscription', async (t) => {
  const { standing, hold, definition } = await registry(t);
  const args = ['--set', 'egress.allow=127.0.0.0/8'];
  let s = await serve(t, { args });
  hold('/on');
  assert.equal((await s.api('PUT', '/api/v1/workflows/w', { definition })).status, 201);
  await until('a subscription', () => standing.length === 1);
  await s.kill();
  hold(null);
  s = await serve(t, { args, dir: s.dir });
  await until('it stands', async () => (await s.api('GET', '/api/v1/workflows/w/triggers/hook')).json.status === 'Succeeded');
  assert.equal(standing.length, 1);
  await s.kill();
  s = await serve(t, { args, dir: s.dir });
  assert.equal((await post(standing[0].replace(/^http:..[^/]+/, s.url), {})).status, 202);
  assert.ok((await s.api('DELETE', '/api/v1/workflows/w')).status < 300);
  await until('nothing stands', () => standing.length === 0);
});

test('a trigger that is reset subscribes anew and ends what it had; what it had is nobody else\'s', async (t) => {
  const { standing, ended, definition } = await registry(t);
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  for (const name of ['w', 'x']) assert.equal((await s.api('PUT', `/api/v1/workflows/${name}`, { definition })).status, 201);
  await until('two subscriptions', () => standing.length === 2);
  const both = [...standing].sort();
  assert.ok((await s.api('POST', '/api/v1/workflows/w/triggers/hook:reset')).status < 300);
  await until('one less, one more', () => ended.length === 1 && standing.length === 2);
  assert.deepEqual([...standing].sort(), both);
  assert.equal((await s.api('POST', '/api/v1/workflows/w/triggers/hook:setState', { source: { flowName: 'x' } })).status, 400);
  for (const name of ['w', 'x']) assert.ok((await s.api('DELETE', `/api/v1/workflows/${name}`)).status < 300);
  await until('nothing stands', () => standing.length === 0);
  assert.equal(ended.length, 3);
});

test('a subscription of a version before the last is ended when the workflow is gone, too', async (t) => {
  const { standing, ended, hold, definition } = await registry(t);
  const args = ['--set', 'egress.allow=127.0.0.0/8'];
  let s = await serve(t, { args });
  assert.equal((await s.api('PUT', '/api/v1/workflows/w', { definition })).status, 201);
  await until('a subscription', () => standing.length === 1);
  hold('/off'); // nothing that ends is answered
  const later = { ...definition, triggers: { hook: { type: 'Recurrence', recurrence: { frequency: 'Day', interval: 1 } } } };
  assert.equal((await s.api('PUT', '/api/v1/workflows/w', { definition: later })).status, 200);
  await until('its end is asked for', () => ended.length === 1);
  assert.ok((await s.api('DELETE', '/api/v1/workflows/w')).status < 300);
  await s.kill();
  hold(null);
  s = await serve(t, { args, dir: s.dir });
  await until('nothing stands', () => standing.length === 0);
});
