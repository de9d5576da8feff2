// Dynamic values through a server: the list of a body property, page by page, and an API that refuses.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backend, root, serve } from './lib/raccord.mjs';

test('values of a property come through the connection', async (t) => {
  const read = (f) => JSON.parse(readFileSync(join(root, 'examples/tugs', f), 'utf8'));
  const api = await backend(t, (req, res) => {
    const page = new URL(req.url, 'http://x').searchParams.get('page');
    const allowed = req.headers['x-tug-key'] === 'tug-1';
    res.writeHead(allowed ? 200 : 403, { 'content-type': 'application/json' });
    res.end(JSON.stringify(!allowed ? { error: { message: 'no such key' } }
      : page ? { value: [{ code: 'B', name: 'Bertha' }] } : { value: [{ code: 'A', name: 'Ada' }], nextLink: `http://127.0.0.1:${api.port}/v1/tugs?page=2` }));
  });
  const server = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const definition = { ...read('apiDefinition.swagger.json'), host: `127.0.0.1:${api.port}`, schemes: ['http'] };
  const connector = (await server.api('POST', '/api/v1/connectors', { definition, properties: read('apiProperties.json') })).json.id;
  const connect = async (api_key) => (await server.api('POST', '/api/v1/connections', { connectorId: connector, parameterSet: 'key', parameterValues: { api_key } })).json.id;
  const ask = { operationId: 'OrderTug', parameter: 'body', path: '/tug', kind: 'values', parameters: {} };

  const good = await server.api('POST', `/api/v1/connections/${await connect('tug-1')}:dynamic`, ask);
  assert.equal(good.status, 200, good.text);
  assert.deepEqual(good.json.value, [{ value: 'A', displayName: 'Ada' }, { value: 'B', displayName: 'Bertha' }]);
  assert.deepEqual(api.requests.map((r) => r.url), ['/v1/tugs', '/v1/tugs?page=2']);

  const bad = await server.api('POST', `/api/v1/connections/${await connect('wrong')}:dynamic`, ask);
  assert.match(bad.text, /no such key/);
  assert.doesNotMatch(bad.text, /"A"/);
});

test('the spelling of 2017, operationID, names the operation too', async (t) => {
  const { definition, properties } = await import('./lib/harbour.mjs');
  const api = await backend(t, (req, res) => { res.writeHead(200, { 'content-type': 'application/json' }); res.end('{"value":[{"flag":"FR"}]}'); });
  const server = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8'] });
  const d = definition(`127.0.0.1:${api.port}`, { 'x-ms-capabilities': { testConnection: { operationID: 'ListShips' } } });
  d.paths['/ships/{id}'].get.parameters[0]['x-ms-dynamic-values'] = { operationID: 'ListShips', 'value-collection': 'value', 'value-path': 'flag' };
  const made = await server.api('POST', '/api/v1/connectors', { definition: d, properties: properties() });
  const { id } = (await server.api('POST', '/api/v1/connections', { connectorId: made.json.id, parameterValues: { api_key: 'k' } })).json;
  const r = await server.api('POST', `/api/v1/connections/${id}:dynamic`, { operationId: 'GetShip', parameter: 'id', kind: 'values', parameters: {} });
  assert.deepEqual(r.json.value, [{ value: 'FR', displayName: 'FR' }]);
  assert.equal((await server.api('POST', `/api/v1/connections/${id}:test`)).json.operationId, 'ListShips');
});
