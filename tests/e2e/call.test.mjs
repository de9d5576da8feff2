// raccord show and raccord call against a backend of our own: output contracts, exit statuses, bad backends.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { backend, data, freePort, raccord, raccordJson, temporary } from './lib/raccord.mjs';

const harbour = join(data, 'connectors/harbour');

// The harbour connector pointed at a backend: {dir, connection}.
function moved(t, port, change = (d) => d, properties) {
  const dir = join(temporary(t), 'c');
  mkdirSync(dir);
  const d = JSON.parse(readFileSync(join(harbour, 'apiDefinition.swagger.json')));
  writeFileSync(join(dir, 'apiDefinition.swagger.json'), JSON.stringify(change({ ...d, host: `127.0.0.1:${port}`, schemes: ['http'] })));
  writeFileSync(join(dir, 'apiProperties.json'), properties ? JSON.stringify(properties) : readFileSync(join(harbour, 'apiProperties.json')));
  const connection = join(dir, 'connection.json');
  writeFileSync(connection, JSON.stringify({ api_key: 'k-12345678' }));
  return { dir, connection };
}

const json = (res, status, body, headers = {}) => { res.writeHead(status, { 'content-type': 'application/json', ...headers }); res.end(JSON.stringify(body)); };

test('show: the document of the contract', async () => {
  const { status, json: v } = await raccordJson(['show', harbour]);
  assert.equal(status, 0);
  assert.deepEqual(Object.keys(v), ['source', 'kind', 'title', 'version', 'host', 'basePath', 'security', 'connectionParameters', 'operations']);
  assert.equal(v.source, harbour);
  assert.equal(v.title, 'Harbour');
  assert.equal(v.basePath, '/v2/');
  assert.equal(v.operations.length, 16);
  const ship = v.operations.find((o) => o.operationId === 'GetShip');
  assert.deepEqual(Object.keys(ship), ['operationId', 'method', 'path', 'summary', 'trigger', 'deprecated', 'visibility', 'parameters', 'responses']);
  assert.equal(ship.method.toUpperCase(), 'GET');
  const tenant = ship.parameters.find((p) => p.name === 'tenant');
  assert.deepEqual(tenant, { name: 'tenant', in: 'header', type: 'string', format: null, required: true, default: 'north', visibility: 'internal', dynamic: null });
  const one = await raccordJson(['show', harbour, 'PutFile']);
  assert.deepEqual(one.json.operations.map((o) => o.operationId), ['PutFile']);
});

test('show: text, and what is not there', async () => {
  const text = await raccord(['show', harbour]);
  assert.equal(text.status, 0);
  assert.match(text.stdout, /GET\s+\/ships\/\{id\}\s+GetShip\s+Get a ship/);
  const none = await raccord(['show', harbour, 'GetShips']);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /did you mean "GetShip"/);
  assert.equal((await raccord(['show', '/nowhere/at/all'])).status, 3);
  assert.equal((await raccord(['show'])).status, 2);
});

test('call: an answer, its headers, its status', async (t) => {
  const b = await backend(t, (req, res) => json(res, 200, { url: req.url, key: req.headers['x-harbour-key'] ?? null }));
  const { dir, connection } = moved(t, b.port);
  const text = await raccord(['call', dir, 'GetShip', 'id=7', 'fields=a,b', '--connection', connection]);
  assert.equal(text.status, 0, text.stderr);
  assert.deepEqual(JSON.parse(text.stdout), { url: '/v2/ships/7?fields=a,b&api-version=2026-01', key: 'k-12345678' });
  const { json: v } = await raccordJson(['call', dir, 'GetShip', 'id=7']);
  assert.equal(v.statusCode, 200);
  assert.equal(v.body.key, null);
  assert.equal(Object.entries(v.headers).find(([k]) => k.toLowerCase() === 'content-type')[1], 'application/json');
  assert.equal(b.requests[0].headers.accept, 'application/json, text/plain');
  assert.match(b.requests[0].headers['x-ms-client-request-id'], /^[0-9a-f-]{36}$/);
  assert.match(b.requests[0].headers['user-agent'], /^Raccord\//);
});

test('call: bodies on the wire', async (t) => {
  const b = await backend(t, (req, res) => json(res, 200, {}));
  const { dir } = moved(t, b.port);
  const sent = async (...args) => { const r = await raccord(['call', dir, ...args]); assert.equal(r.status, 0, r.stderr); return b.requests.at(-1); };
  let q = await sent('CreateCall', 'call={"quay":"Q","note":"é"}');
  assert.equal(q.body.toString(), '{"quay":"Q","note":"é","mode":"fast"}');
  assert.equal(q.headers['content-length'], String(Buffer.byteLength('{"quay":"Q","note":"é","mode":"fast"}')));
  q = await sent('PostForm', 'full name=A & B', 'tags=x,y');
  assert.equal(q.body.toString(), 'full+name=A+%26+B&tags=x&tags=y');
  assert.equal(q.headers['content-type'], 'application/x-www-form-urlencoded');
  const file = join(temporary(t), 'bytes.png');
  writeFileSync(file, Buffer.from([0x89, 0x50, 0, 255, 13, 10]));
  q = await sent('PutFile', `file=@${file}`, 'title=T "q"');
  const form = await new Response(q.body, { headers: { 'content-type': q.headers['content-type'] } }).formData();
  assert.equal(form.get('file').name, 'bytes.png');
  assert.equal(form.get('file').type, 'image/png');
  assert.deepEqual([...new Uint8Array(await form.get('file').arrayBuffer())], [0x89, 0x50, 0, 255, 13, 10]);
  assert.equal(form.get('title'), 'T "q"');
  q = await sent('PutImage', `body=@${file}`);
  assert.deepEqual([...q.body], [0x89, 0x50, 0, 255, 13, 10]);
  assert.equal(q.headers['content-type'], 'image/png');
  q = await sent('DeleteShip', 'id=1', 'body={"a":1}');
  assert.equal(q.method + q.body, 'DELETE{"a":1}');
});

test('call: kinds of answers', async (t) => {
  const answers = {
    1: (res) => json(res, 404, { message: 'no ship' }),
    2: (res) => { res.writeHead(200, { 'content-type': 'image/png' }); res.end(Buffer.from([1, 2, 255])); },
    3: (res) => { res.writeHead(200, { 'content-type': 'text/xml' }); res.end('<a>é</a>'); },
    4: (res) => { res.writeHead(204); res.end(); },
    5: (res) => { res.writeHead(200, { 'content-type': 'application/json' }); res.end('<html>'); },
    6: (res) => { res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }); res.end(gzipSync('{"z":1}')); },
    7: (res) => { res.writeHead(302, { location: '/v2/ships/4' }); res.end(); },
    8: (res) => { res.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }); res.end(); },
  };
  const b = await backend(t, (req, res) => answers[/ships\/(\d+)/.exec(req.url)[1]](res));
  const { dir } = moved(t, b.port);
  const call = (id) => raccordJson(['call', dir, 'GetShip', `id=${id}`]);
  const lost = await call(1);
  assert.equal(lost.status, 1);
  assert.deepEqual([lost.json.statusCode, lost.json.body], [404, { message: 'no ship' }]);
  assert.deepEqual((await call(2)).json.body, { '$content-type': 'image/png', $content: 'AQL/' });
  assert.deepEqual([...Buffer.from((await raccord(['call', dir, 'GetShip', 'id=2'], { encoding: null })).stdout)], [1, 2, 255]);
  assert.equal((await call(3)).json.body, '<a>é</a>');
  const empty = await call(4);
  assert.equal(empty.status, 0);
  assert.ok(!('body' in empty.json));
  const broken = await call(5);
  assert.equal(broken.status, 1);
  assert.equal(broken.json.error.code, 'BadBackendResponse');
  assert.deepEqual((await call(6)).json.body, { z: 1 });
  assert.equal((await call(7)).json.statusCode, 204);
  const denied = await call(8);
  assert.equal(denied.json.error.code, 'EgressDenied');
  assert.equal(denied.status, 4);
});

test('call: backends that are not there, slow, endless, or no HTTP', async (t) => {
  const gone = await raccordJson(['call', moved(t, await freePort()).dir, 'GetShip', 'id=1']);
  assert.equal(gone.status, 3);
  assert.equal(gone.json.error.code, 'BackendUnreachable');

  const slow = await backend(t, () => {});
  const late = await raccordJson(['call', moved(t, slow.port).dir, 'GetShip', 'id=1', '--set', 'egress.timeout=1s']);
  assert.equal(late.json.error.code, 'BackendTimeout');

  const endless = await backend(t, (req, res) => { res.writeHead(200, { 'content-type': 'text/plain' }); const more = () => { while (!res.destroyed && res.write('x'.repeat(65536))); if (!res.destroyed) res.once('drain', more); }; more(); });
  const much = await raccordJson(['call', moved(t, endless.port).dir, 'GetShip', 'id=1', '--set', 'egress.response_bytes_max=1000000']);
  assert.equal(much.json.error.code, 'BadBackendResponse');

  const noise = createServer((s) => s.end('this is not HTTP\r\n\r\n')).listen(0, '127.0.0.1');
  t.after(() => noise.close());
  await new Promise((ok) => noise.once('listening', ok));
  const bad = await raccordJson(['call', moved(t, noise.address().port).dir, 'GetShip', 'id=1']);
  assert.equal(bad.json.error.code, 'BadBackendResponse');

  const tls = await backend(t, (req, res) => json(res, 200, {}));
  const secure = moved(t, tls.port, (d) => ({ ...d, schemes: ['https'] }));
  assert.equal((await raccordJson(['call', secure.dir, 'GetShip', 'id=1'])).json.error.code, 'BackendUnreachable');
});

test('call --retry: what is worth it, as the answer asks', async (t) => {
  let n = 0;
  const b = await backend(t, (req, res) => (++n < 3 ? json(res, 503, {}, { 'retry-after': '0' }) : json(res, 200, { n })));
  const once = await raccordJson(['call', moved(t, b.port).dir, 'GetShip', 'id=1']);
  assert.equal(once.json.statusCode, 503);
  assert.equal(n, 1);
  assert.equal((await raccord(['call', moved(t, b.port).dir, 'GetShip', 'id=1', '--retry', 'many'])).status, 2);
});

test('call --batch: every line is answered', async (t) => {
  const b = await backend(t, (req, res) => json(res, 200, { at: req.url }));
  const { dir } = moved(t, b.port);
  const lines = [
    '{"id": 1, "source": "' + harbour + '", "operationId": "GetShip", "parameters": {"id": 1}, "connection": {"api_key": "k-12345678"}}',
    'not json',
    '{"id": {"any": "thing"}, "operationId": "GetShip"}',
    '{"id": "4", "source": "/nowhere", "operationId": "GetShip"}',
    '{"id": "5", "source": "' + harbour + '", "operationId": "GetShip", "parameters": {}}',
    '{"id": "6", "source": "' + harbour + '", "operationId": "GetShip", "parameters": {"id": 1}, "connection": {"set": "nope", "values": {}}}',
    '', '   ',
    '{"id": "7", "source": "' + harbour + '", "operationId": "PutNote", "parameters": {"body": "x"}}',
  ];
  const file = join(temporary(t), 'b.jsonl');
  writeFileSync(file, lines.join('\n'));
  const { status, json: out } = await raccordJson(['call', '--dry-run', '--batch', file], { jsonl: true });
  assert.equal(status, 1);
  assert.deepEqual(out.map((o) => o.id), [1, null, { any: 'thing' }, '4', '5', '6', '7']);
  assert.equal(out[0].request.headers['X-Harbour-Key'], '***');
  assert.deepEqual(Object.keys(out[0].request), ['method', 'url', 'headers']);
  for (const i of [1, 2, 3, 4, 5]) assert.deepEqual(Object.keys(out[i].error), ['code', 'message', 'pointer'], JSON.stringify(out[i]));
  assert.equal(out[4].error.pointer, '/id');
  assert.match(out[5].error.pointer, /^\/connection/);
  assert.equal(out[6].request.body, 'x');
  const shown = await raccordJson(['call', '--dry-run', '--show-secrets', '--batch', '-'], { jsonl: true, input: lines[0] });
  assert.equal(shown.status, 0);
  assert.equal(shown.json[0].request.headers['X-Harbour-Key'], 'k-12345678');
  const live = await raccordJson(['call', '--batch', '-'], { jsonl: true, input: JSON.stringify({ id: 1, source: dir, operationId: 'GetShip', parameters: { id: 3 } }) });
  assert.equal(live.json[0].response.body.at, '/v2/ships/3?api-version=2026-01');
});

test('call: a token is renewed ahead of its end and after a 401, and kept', async (t) => {
  let issued = 0;
  const b = await backend(t, (req, res, body) => {
    if (req.url === '/token') {
      const form = new URLSearchParams(body.toString());
      if (form.get('refresh_token') !== `r${issued}` || form.get('client_secret') !== 'shh') return json(res, 400, { error: 'invalid_grant' });
      issued++;
      return json(res, 200, { access_token: `a${issued}`, refresh_token: `r${issued}`, expires_in: 3600 });
    }
    if (req.headers.authorization !== `Bearer a${issued}`) return json(res, 401, { no: req.headers.authorization });
    return json(res, 200, { ok: req.headers.authorization });
  });
  const url = (path) => ({ value: `http://127.0.0.1:${b.port}${path}` });
  const { dir, connection } = moved(t, b.port, (d) => ({ ...d, securityDefinitions: { o: { type: 'oauth2', flow: 'accessCode', authorizationUrl: 'http://x', tokenUrl: 'http://x', scopes: {} } }, security: [{ o: [] }] }), {
    properties: { iconBrandColor: '#123456', connectionParameters: { token: { type: 'oauthSetting', oAuthSettings: { identityProvider: 'oauth2', clientId: 'me', scopes: [], redirectMode: 'Global',
      customParameters: { authorizationUrl: url('/auth'), tokenUrl: url('/token'), refreshUrl: url('/token') } } } } },
  });
  const keep = (token) => writeFileSync(connection, JSON.stringify({ token }));
  const env = { RACCORD_CLIENT_SECRET: 'shh' };
  const call = () => raccordJson(['call', dir, 'GetShip', 'id=1', '--connection', connection], { env });
  keep({ access_token: 'old', refresh_token: 'r0', expires_at: 1000 }); // expired: renewed before the call
  let r = await call();
  assert.deepEqual(r.json.body, { ok: 'Bearer a1' }, r.stderr);
  assert.equal(JSON.parse(readFileSync(connection)).token.refresh_token, 'r1');
  assert.equal((await call()).json.body.ok, 'Bearer a1'); // good for an hour: no renewal
  assert.equal(issued, 1);
  keep({ access_token: 'revoked', refresh_token: 'r1', expires_at: Math.floor(Date.now() / 1000) + 3000 }); // 401: renewed and sent once more
  r = await call();
  assert.deepEqual(r.json.body, { ok: 'Bearer a2' }, r.stderr);
  keep({ access_token: 'revoked', refresh_token: 'gone', expires_at: 1000 });
  r = await call();
  assert.equal(r.json.error.code, 'ConnectionUnauthenticated');
  assert.equal(r.status, 1);
  assert.ok(!r.stdout.includes('gone') && !r.stderr.includes('gone'), 'no secret in messages');
});

test('call: a side call that gets a 401 is renewed like the call itself', async (t) => {
  const seen = [];
  const b = await backend(t, (req, res) => {
    seen.push(`${req.method} ${req.url.split('?')[0]} ${req.headers.authorization ?? ''} ${req.headers['if-match'] ?? ''}`.trim());
    if (req.url === '/token') return json(res, 200, { access_token: 'new', refresh_token: 'r1', expires_in: 3600 });
    if (req.headers.authorization !== 'Bearer new') return json(res, 401, {});
    return json(res, 200, { etag: 'W7' });
  });
  const url = (path) => ({ value: `http://127.0.0.1:${b.port}${path}` });
  const { dir, connection } = moved(t, b.port, (d) => ({ ...d, securityDefinitions: { o: { type: 'oauth2', flow: 'accessCode', authorizationUrl: 'http://x', tokenUrl: 'http://x', scopes: {} } }, security: [{ o: [] }] }), {
    properties: { iconBrandColor: '#123456', connectionParameters: { token: { type: 'oauthSetting', oAuthSettings: { identityProvider: 'oauth2', clientId: 'me', scopes: [], redirectMode: 'Global',
      customParameters: { authorizationUrl: url('/auth'), tokenUrl: url('/token'), refreshUrl: url('/token') } } } },
    policyTemplateInstances: [{ templateId: 'setvaluefromurl', title: 'tag', parameters: { 'x-ms-apimTemplateParameter.parameterTemplate': "@headers('If-Match')",
      'x-ms-apimTemplateParameter.parameterValueUrl': '/tag', 'x-ms-apimTemplateParameter.parameterValuePathTemplate': '@body().etag' } }] },
  });
  const keep = (token) => writeFileSync(connection, JSON.stringify({ token }));
  const call = () => raccordJson(['call', dir, 'GetShip', 'id=1', '--connection', connection], { env: { RACCORD_CLIENT_SECRET: 'shh' } });
  keep({ access_token: 'revoked', refresh_token: 'r0', expires_at: Math.floor(Date.now() / 1000) + 3000 });
  const r = await call();
  assert.deepEqual(r.json.body, { etag: 'W7' }, r.stderr);
  assert.deepEqual(seen, ['GET /v2/tag Bearer revoked', 'POST /token', 'GET /v2/tag Bearer new', 'GET /v2/ships/1 Bearer new W7']);
  assert.equal(JSON.parse(readFileSync(connection)).token.refresh_token, 'r1');
  keep('revoked'); // nothing to renew it with: one request, and the call fails with that status
  seen.length = 0;
  assert.equal((await call()).json.error.code, 'PolicyFailed');
  assert.equal(seen.length, 1);
});

test('call: a redirect that is not followed is a failed call', async (t) => {
  const b = await backend(t, (req, res) => {
    res.writeHead(req.method === 'GET' ? 304 : 303, req.method === 'GET' ? {} : { location: '/v2/elsewhere' });
    res.end();
  });
  const { dir, connection } = moved(t, b.port);
  for (const [args, code] of [[['GetShip', 'id=1'], 304], [['PostTree', 'body={}'], 303]]) {
    const r = await raccordJson(['call', dir, ...args, '--connection', connection]);
    assert.equal(r.status, 1, r.stdout);
    assert.equal(r.json.statusCode, code);
    assert.match(r.stderr, new RegExp(`the backend answered ${code}`));
  }
  const lines = join(temporary(t), 'calls.jsonl');
  writeFileSync(lines, JSON.stringify({ id: 1, source: dir, operationId: 'GetShip', parameters: { id: '1' }, connection: { api_key: 'k-12345678' } }) + '\n');
  assert.equal((await raccord(['call', '--batch', lines])).status, 1);
});

test('a list within a list is a list with commas', async (t) => {
  const { dir, connection } = moved(t, 9, (d) => {
    d.paths['/secret'].get.parameters = ['pipes', 'multi'].map((collectionFormat) => ({ name: collectionFormat, in: 'query', type: 'array', collectionFormat, items: { type: 'array', items: { type: 'integer' } } }));
    return d;
  });
  const r = await raccordJson(['call', dir, 'NoDefault', 'pipes=[[1,2],[3]]', 'multi=[[4,5],[6]]', '--connection', connection, '--dry-run']);
  assert.equal(r.status, 0, r.stderr);
  assert.match(r.json.url, /\?pipes=1%2C2%7C3&multi=4%2C5&multi=6$/);
});

test('a dry run connects nowhere and says what it left undone', async (t) => {
  const pilot = join(data, 'connectors/pilot');
  const r = await raccordJson(['call', pilot, 'Side', 'id=7', '--dry-run']);
  assert.equal(r.status, 0, r.stderr);
  assert.match(r.stderr, /nothing is fetched in a dry run/);
  assert.ok(!('If-Match' in r.json.headers));
  void t;
});
