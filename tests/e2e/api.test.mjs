// The native API over its whole life cycle; every answer is checked against the API's own
// description, and every operation of the description is used.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { backend, raccord, raccordJson, root, serve, temporary } from './lib/raccord.mjs';
import { described } from './lib/described.mjs';
import { definition, png, properties } from './lib/harbour.mjs';

const allow = ['--set', 'egress.allow=127.0.0.0/8,::1'];
const json = (res, body, status = 200, headers = {}) => { res.writeHead(status, { 'content-type': 'application/json', ...headers }); res.end(JSON.stringify(body)); };

// Files of a zip without compression or deflated: enough for our own.
function unzip(buf) {
  const out = {};
  for (let at = 0; buf.readUInt32LE(at) === 0x04034b50;) {
    const method = buf.readUInt16LE(at + 8), packed = buf.readUInt32LE(at + 18), n = buf.readUInt16LE(at + 26), x = buf.readUInt16LE(at + 28);
    const data = buf.subarray(at + 30 + n + x, at + 30 + n + x + packed);
    out[buf.toString('utf8', at + 30, at + 30 + n)] = method === 8 ? inflateRawSync(data) : data;
    at += 30 + n + x + packed;
  }
  return out;
}

test('every metric of the table is moved somewhere; writes move those of the store', async (t) => {
  const sources = readdirSync(join(root, 'src'), { recursive: true }).filter((f) => f.endsWith('.c')).map((f) => readFileSync(join(root, 'src', f), 'utf8')).join('\n');
  const ids = [...readFileSync(join(root, 'src/base/metrics.def'), 'utf8').matchAll(/^METRIC(?:_BY)?\((\w+),/gm)].map((m) => m[1]);
  assert.ok(ids.length > 20);
  assert.deepEqual(ids.filter((id) => !sources.includes(`RAC_METRIC_${id}`)), []);
  const s = await serve(t);
  const names = ['raccord_store_writes_total', 'raccord_store_commits_total', 'raccord_store_commit_seconds_count', 'raccord_store_errors_total'];
  const read = () => Promise.all(names.map((n) => s.metric(n)));
  const before = await read();
  assert.equal((await s.api('PUT', '/api/v1/groups/dock', {})).status, 200);
  const after = await read();
  for (let i = 0; i < 3; i++) assert.ok(after[i] > before[i], `${names[i]} stands at ${after[i]}`);
  assert.equal(after[3], 0);
});

test('the first start: ready line, token file, modes, health', async (t) => {
  const s = await serve(t);
  assert.equal(statSync(join(s.dir, 'admin.token')).mode & 0o777, 0o600);
  assert.match(s.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  for (const [path, text] of [['/healthz', 'ok\n'], ['/readyz', 'ready\n']]) {
    const r = await fetch(s.url + path);
    assert.equal(r.status, 200);
    assert.equal(await r.text(), text);
  }
  const metrics = await (await fetch(`${s.url}/metrics`)).text();
  assert.match(metrics, /^raccord_http_requests_total \d+$/m);
  assert.equal((await s.api('GET', '/api/v1/connectors', undefined, { token: null })).status, 401);
  assert.equal((await s.api('GET', '/api/v1/connectors', undefined, { token: 'rac_0000000000000000_x' })).status, 401);
  assert.equal((await s.api('GET', '/nowhere')).json.error.code, 'NotFound');
  assert.equal((await s.api('PUT', '/api/v1/connectors')).status, 405);
  assert.equal(s.log().includes(s.token), false);
  assert.equal(await s.stop(), 0);
});

test('ready line as text; a taken port and a taken directory are refused', async (t) => {
  const s = await serve(t);
  const port = new URL(s.url).port;
  const taken = await raccord(['serve', '--data', temporary(t), '--listen', `127.0.0.1:${port}`]);
  assert.equal(taken.status, 3);
  assert.match(taken.stderr, /in use/);
  const dir = await raccord(['serve', '--data', s.dir, '--listen', '127.0.0.1:0']);
  assert.equal(dir.status, 4);
  assert.match(dir.stderr, /raccord: cannot open .*:/);
  assert.equal((await raccord(['serve', '--listen', 'nonsense', '--data', temporary(t)])).status, 2);
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
});

test('life of a connector', async (t) => {
  const calls = await backend(t, (req, res) => {
    if (req.headers['x-key'] !== 'sesame') return json(res, { message: 'wrong key' }, 401);
    if (req.url.startsWith('/v1/ships/')) return json(res, { id: req.url.split('/')[3], name: 'Sterna' });
    if (req.method === 'POST') return json(res, { made: true }, 201);
    return json(res, { value: [{ id: 1 }, { id: 2 }] });
  });
  const s = await serve(t, { args: allow });
  const { api, doc, seen } = await described(s);
  const host = `127.0.0.1:${calls.port}`;

  // create: JSON
  let r = await api('POST', '/api/v1/connectors', { displayName: 'My harbour', definition: definition(host), properties: properties(), icon: png().toString('base64') });
  assert.equal(r.status, 201, r.text);
  const c = r.json, id = c.id;
  assert.match(id, /^shared_my-20harbour-[0-9a-f]{16}$/);
  assert.equal(r.headers.get('etag'), c.etag);
  assert.equal(r.headers.get('location'), `${s.url}/api/v1/connectors/${id}`);
  assert.equal(c.operations, 3);
  assert.equal(c.hasIcon, true);
  assert.ok(Array.isArray(c.findings));
  const path = `/api/v1/connectors/${id}`;

  // read
  r = await api('GET', path);
  assert.equal(r.json.displayName, 'My harbour');
  assert.equal(r.json.owner.name, 'admin');
  assert.equal((await api('GET', '/api/v1/connectors')).json.value.length, 1);
  assert.deepEqual((await api('GET', `${path}/definition`)).json, definition(host));
  assert.deepEqual((await api('GET', `${path}/properties`)).json, properties());
  const icon = await fetch(`${s.url}${path}/icon`, { headers: { authorization: `Bearer ${s.token}` } });
  assert.equal(icon.headers.get('content-type'), 'image/png');
  assert.deepEqual(Buffer.from(await icon.arrayBuffer()), png());
  await api('GET', `${path}/icon`);
  assert.equal((await api('GET', `${path}/script`)).status, 404);
  assert.deepEqual((await api('GET', `${path}/operations`)).json.value.map((o) => o.operationId), ['ListShips', 'AddShip', 'GetShip']);
  r = await api('GET', `${path}/operations?$top=2`);
  assert.equal(r.json.value.length, 2);
  r = await api('GET', r.json.nextLink.slice(s.url.length));
  assert.deepEqual(r.json.value.map((o) => o.operationId), ['GetShip']);
  assert.equal((await api('GET', `${path}/operations?$top=0`)).status, 400);

  // package: byte for byte
  const zip = await fetch(`${s.url}${path}/package`, { headers: { authorization: `Bearer ${s.token}` } });
  const files = unzip(Buffer.from(await zip.arrayBuffer()));
  assert.deepEqual(Object.keys(files).sort(), ['apiDefinition.swagger.json', 'apiProperties.json', 'icon.png']);
  assert.deepEqual(files['icon.png'], png());
  await api('GET', `${path}/package`);

  // connection
  assert.equal((await api('POST', '/api/v1/connections', { connectorId: id })).status, 400);
  assert.equal((await api('POST', '/api/v1/connections', { connectorId: id, parameterValues: { nonsense: 1 } })).json.error.details[0].code, 'RC-CONN-02');
  assert.equal((await api('POST', '/api/v1/connections', { connectorId: id, surprise: 1 })).json.error.code, 'InvalidRequestContent');
  r = await api('POST', '/api/v1/connections', { connectorId: id, displayName: 'Mine', parameterValues: { api_key: 'sesame' } });
  assert.equal(r.status, 201, r.text);
  assert.equal(r.json.overallStatus, 'Connected');
  assert.equal(r.text.includes('sesame'), false);
  assert.deepEqual(r.json.secrets, ['api_key']);
  const cid = r.json.id, cpath = `/api/v1/connections/${cid}`, runtime = r.json.runtimeUrl;
  assert.equal((await api('GET', cpath)).text.includes('sesame'), false);
  assert.equal((await api('GET', '/api/v1/connections')).json.value.length, 1);
  assert.equal((await api('GET', `${path}/connections`)).json.value[0].id, cid);
  assert.equal((await api('GET', path)).json.connections, 1);

  // use: by name
  r = await api('POST', `${cpath}:test`);
  assert.deepEqual([r.json.ok, r.json.tested, r.json.statusCode], [true, true, 200]);
  r = await api('POST', `${cpath}:invoke`, { operationId: 'GetShip', parameters: { id: 'a b/c' } });
  assert.equal(r.json.statusCode, 200);
  assert.deepEqual(r.json.body, { id: 'a%20b%2Fc', name: 'Sterna' });
  r = await api('POST', `${cpath}:invoke`, { operationId: 'AddShip', parameters: { ship: { name: 'x' } } });
  assert.equal(r.json.statusCode, 201);
  assert.deepEqual(JSON.parse(calls.requests.at(-1).body), { name: 'x' });
  r = await api('POST', `${cpath}:invoke`, { operationId: 'Getship' });
  assert.deepEqual([r.status, r.json.error.code], [404, 'OperationNotFound']);
  r = await api('POST', `${cpath}:invoke`, { operationId: 'GetShip' });
  assert.deepEqual([r.status, r.json.error.code, r.json.error.details[0].code], [400, 'InvalidInput', 'RC-RUN-01']);
  r = await api('POST', `${cpath}:dynamic`, { operationId: 'ListShips', parameter: 'flag' });
  assert.equal(r.status, 200, r.text);

  // use: raw
  const raw = (p, init = {}) => fetch(runtime + p, { ...init, headers: { authorization: `Bearer ${s.token}`, ...init.headers } });
  let g = await raw('/ships/7?x=1', { headers: { 'x-mine': 'yes', cookie: 'a=b' } });
  assert.equal(g.status, 200);
  assert.deepEqual(await g.json(), { id: '7?x=1', name: 'Sterna' });
  const sent = calls.requests.at(-1);
  assert.equal(sent.headers['x-key'], 'sesame');
  assert.equal(sent.headers['x-mine'], 'yes');
  assert.equal(sent.headers.authorization, undefined);
  assert.equal(sent.headers.cookie, undefined);
  g = await raw('/nothing');
  assert.equal(g.headers.get('x-ms-error-source'), 'raccord');
  assert.equal((await g.json()).error.code, 'OperationNotFound');
  r = await api('POST', `${cpath}:keys`, { expires: 'P1D' });
  const key = r.json.connectionKey;
  g = await fetch(`${r.json.runtimeUrl}/ships`, { headers: { authorization: `Key ${key}` } });
  assert.equal(g.status, 200);
  await g.text();
  assert.equal((await fetch(`${s.url}/api/v1/connectors`, { headers: { authorization: `Key ${key}` } })).status, 401);
  assert.equal((await fetch(`${runtime}/ships`, { headers: { authorization: `Key ${key.slice(0, -1)}x` } })).status, 404);
  assert.equal((await api('POST', `${cpath}:revokeKeys`)).status, 204);
  g = await fetch(`${runtime}/ships`, { headers: { authorization: `Key ${key}` } });
  assert.equal(g.status, 404);
  assert.equal((await g.json()).error.code, 'ConnectionNotFound');

  // a wrong secret: what is wrong is said, a new value mends it under the same id
  r = await api('PATCH', cpath, { parameterValues: { api_key: 'wrong' } });
  assert.equal(r.status, 200, r.text);
  r = await api('POST', `${cpath}:test`);
  assert.deepEqual([r.json.ok, r.json.statusCode, r.json.message], [false, 401, 'wrong key']);
  assert.equal((await api('GET', cpath)).json.overallStatus, 'Unauthenticated');
  r = await api('PATCH', cpath, { displayName: 'Renamed', parameterValues: { api_key: 'sesame' } });
  assert.deepEqual([r.json.displayName, r.json.overallStatus], ['Renamed', 'Connected']);
  assert.equal((await api('POST', `${cpath}:test`)).json.ok, true);

  // new revisions, each live at once; tags
  const tag = (await api('GET', path)).json.etag;
  const next = definition(host);
  next.paths['/ships/{id}'].delete = { operationId: 'DropShip', summary: 'Drop ship', description: 'Drops a ship.', parameters: next.paths['/ships/{id}'].get.parameters, responses: { 204: { description: 'Gone' } } };
  r = await api('PUT', `${path}/definition`, next, { 'if-match': tag });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.json.revision, 2);
  assert.equal(r.json.operations, 4);
  assert.equal((await api('POST', `${cpath}:invoke`, { operationId: 'DropShip', parameters: { id: '1' } })).json.statusCode, 200);
  r = await api('PUT', `${path}/definition`, next, { 'if-match': tag });
  assert.deepEqual([r.status, r.json.error.code], [412, 'PreconditionFailed']);
  assert.equal((await api('PUT', `${path}/properties`, properties({ publisher: 'Quai' }))).json.revision, 3);
  assert.equal((await api('PUT', `${path}/icon`, png(100))).json.revision, 4);
  assert.equal((await api('PUT', `${path}/script`, 'public class Script : ScriptBase {}')).json.hasScript, true);
  assert.equal((await api('GET', `${path}/script`)).text, 'public class Script : ScriptBase {}');
  assert.equal((await api('PUT', `${path}/script`, '')).json.hasScript, false);
  r = await api('PATCH', path, { displayName: 'Port', audience: 'environment' });
  assert.deepEqual([r.json.displayName, r.json.audience, r.json.revision], ['Port', 'environment', 6]);
  r = await api('PATCH', path, { properties: properties() });
  assert.equal(r.json.revision, 7);
  r = await api('GET', `${path}/revisions?$top=3`);
  assert.deepEqual(r.json.value.map((x) => [x.revision, x.live]), [[7, true], [6, false], [5, false]]);
  r = await api('GET', r.json.nextLink.slice(s.url.length));
  assert.deepEqual(r.json.value.map((x) => x.revision), [4, 3, 2]);
  assert.equal((await api('GET', `${path}/definition?revision=1`)).json.paths['/ships/{id}'].delete, undefined);
  assert.equal((await api('GET', cpath)).json.overallStatus, 'Connected');

  // another way of signing in: connections say so
  const other = properties({ connectionParameters: { username: { type: 'string' }, password: { type: 'securestring' } } });
  r = await api('PATCH', path, { definition: definition(host, { securityDefinitions: { basic: { type: 'basic' } }, security: [{ basic: [] }] }), properties: other });
  assert.equal(r.status, 200, r.text);
  r = await api('GET', cpath);
  assert.deepEqual([r.json.overallStatus, r.json.statuses[0].error.code], ['Error', 'AuthenticationChanged']);
  r = await api('PATCH', path, { definition: next, properties: properties() });

  // validate
  r = await api('POST', `${path}:validate`, {});
  assert.ok(['ok', 'warning'].includes(r.json.status));
  r = await api('POST', `${path}:validate`, { definition: { swagger: '2.0', paths: {} } });
  assert.equal(r.json.status, 'error');
  r = await api('POST', '/api/v1/validate', { definition: definition(), profile: 'certification' });
  assert.ok(r.json.findings.length > 0);

  // import: Postman, with its original kept
  const postman = { info: { name: 'P', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' }, item: [{ name: 'Get it', request: { method: 'GET', url: `http://${host}/v1/it` } }] };
  r = await api('POST', `${path}:import`, postman);
  assert.equal(r.status, 200, r.text);
  assert.deepEqual((await api('GET', `${path}/original`)).json, postman);
  assert.equal((await api('GET', `${path}/definition`)).json.swagger, '2.0');

  // delete: says what breaks
  r = await api('DELETE', path);
  assert.deepEqual([r.status, r.json.error.code], [409, 'ConfirmationRequired']);
  assert.match(r.json.error.message, /1 connection/);
  assert.equal((await api('DELETE', `${path}?confirm=2`)).status, 409);
  assert.equal((await api('DELETE', `${path}?confirm=1`, undefined, { 'if-match': tag })).status, 412);
  r = await api('DELETE', `${path}?confirm=1`);
  assert.deepEqual(r.json, { id, connectionsDeleted: 1 });
  assert.equal((await api('GET', path)).status, 404);
  assert.equal((await api('GET', cpath)).status, 404);
  assert.equal((await raw('/ships')).status, 404);

  // and back: revisions and sharing are there, connections are not
  assert.equal((await api('GET', '/api/v1/connectors?search=nothing-like-it&deleted=true')).json.value.length, 0);
  assert.equal((await api('GET', '/api/v1/connectors?deleted=perhaps')).status, 400);
  r = await api('GET', '/api/v1/connectors?deleted=true');
  assert.deepEqual(r.json.value.map((x) => x.id), [id]);
  assert.ok(r.json.value[0].deletedTime);
  r = await api('POST', `${path}:restore`);
  assert.equal(r.status, 200, r.text);
  assert.deepEqual([r.json.id, r.json.connections, r.json.deletedTime], [id, 0, undefined]);
  assert.equal((await api('GET', `${path}/definition?revision=1`)).json.paths['/ships/{id}'].delete, undefined);
  assert.equal((await api('GET', '/api/v1/connectors?deleted=true')).json.value.length, 0);
  r = await api('POST', `${path}:restore`);
  assert.deepEqual([r.status, r.json.error.code], [409, 'Conflict']);
  assert.equal((await api('POST', '/api/v1/connectors/shared_none-0000000000000000:restore')).json.error.code, 'ConnectorNotFound');
  assert.equal((await api('POST', '/api/v1/connections', { connectorId: id, parameterValues: { api_key: 'sesame' } })).status, 201);
  assert.equal((await api('DELETE', `${path}?confirm=1`)).status, 200);

  // identity
  assert.equal((await api('PUT', '/api/v1/groups/dock', { location: 'north' })).json.name, 'dock');
  assert.equal((await api('GET', '/api/v1/groups/dock')).json.location, 'north');
  assert.equal((await api('GET', '/api/v1/groups')).json.value.length, 2);
  r = await api('POST', '/api/v1/users', { name: 'ada', grants: [{ role: 'maker', group: 'dock' }, { role: 'reader' }] });
  assert.equal(r.status, 201, r.text);
  assert.equal((await api('POST', '/api/v1/users', { name: 'ADA' })).status, 409);
  assert.equal((await api('GET', '/api/v1/users/ada')).json.grants.length, 2);
  assert.equal((await api('PATCH', '/api/v1/users/ada', { grants: [{ role: 'reader' }] })).json.grants.length, 1);
  assert.equal((await api('GET', '/api/v1/users')).json.value.length, 2);
  r = await api('POST', '/api/v1/tokens', { user: 'ada', expires: 'P30D' });
  assert.equal(r.status, 201, r.text);
  const ada = r.json;
  assert.equal((await api('GET', '/api/v1/me', undefined, { token: ada.token })).json.name, 'ada');
  assert.equal((await api('GET', '/api/v1/tokens', undefined, { token: ada.token })).json.value.length, 1);
  assert.equal((await api('GET', '/api/v1/tokens')).text.includes(ada.token), false);
  assert.equal((await api('DELETE', `/api/v1/tokens/${ada.id}`)).status, 204);
  assert.equal((await api('GET', '/api/v1/me', undefined, { token: ada.token })).status, 401);
  assert.equal((await api('DELETE', '/api/v1/users/ada')).status, 204);
  assert.equal((await api('DELETE', '/api/v1/users/admin')).status, 409);

  r = await api('POST', '/api/v1/tenants', { name: 'second', administrator: 'boss' });
  assert.deepEqual([r.json.name, r.json.administrator], ['second', 'boss']);
  assert.equal((await api('GET', '/api/v1/tenants')).json.value.length, 2);
  assert.equal((await api('GET', '/api/v1/me', undefined, { token: r.json.token })).json.tenant, 'second');

  // OAuth settings, sharing, a connection deleted: on another connector
  r = await api('POST', '/api/v1/connectors?group=dock', { definition: definition(host), properties: properties({ connectionParameters: { token: { type: 'oauthSetting', oAuthSettings: { identityProvider: 'oauth2', scopes: ['read'], customParameters: { authorizationUrl: { value: `http://${host}/authorize` }, tokenUrl: { value: `http://${host}/token` }, refreshUrl: { value: `http://${host}/token` } } } } } }) });
  assert.equal(r.json.group, 'dock');
  const op = `/api/v1/connectors/${r.json.id}`;
  const con = (await api('POST', '/api/v1/connections', { connectorId: r.json.id })).json;
  assert.deepEqual([con.overallStatus, con.statuses[0].error.code], ['Unauthenticated', 'ConsentRequired']);
  r = await api('POST', `/api/v1/connections/${con.id}:consent`, {});
  assert.equal(r.json.error.details[0].code, 'RC-OA-02', r.text);
  r = await api('PUT', `${op}/settings`, { clientId: 'raccord', clientSecret: 'very secret' });
  assert.equal(r.json.value[0].clientId, 'raccord');
  assert.equal(r.json.value[0].secretStored, true);
  assert.equal((await api('GET', `${op}/settings`)).text.includes('very secret'), false);
  r = await api('POST', `/api/v1/connections/${con.id}:consent`, {});
  assert.equal(r.status, 200, r.text);
  const link = new URL(r.json.link);
  assert.equal(link.searchParams.get('client_id'), 'raccord');
  assert.ok(link.searchParams.get('code_challenge'));
  assert.ok(link.searchParams.get('redirect_uri').startsWith(`${s.url}/oauth/redirect/`));
  const page = await fetch(`${s.url}/oauth/redirect?state=nonsense&code=x&error_description=%3Cscript%3E`);
  assert.ok(page.status >= 400);
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  assert.equal((await page.text()).includes('<script>'), false);
  assert.equal((await api('POST', `/api/v1/connections/${con.id}:confirmConsent`, { code: 'x', state: 'y' })).status >= 400, true);
  await api('POST', '/api/v1/users', { name: 'bea', grants: [{ role: 'maker' }] });
  r = await api('PUT', `${op}/permissions`, { value: [{ principal: 'bea', level: 'view' }] });
  assert.deepEqual(r.json.value.map((p) => [p.principal, p.level]), [['admin', 'own'], ['bea', 'view']]);
  assert.equal((await api('GET', `${op}/permissions`)).json.value.length, 2);
  assert.equal((await api('DELETE', `/api/v1/connections/${con.id}`)).status, 204);
  assert.equal((await api('GET', `/api/v1/connections/${con.id}`)).status, 404);
  r = await api('GET', '/api/v1/audit?$top=5');
  assert.equal(r.json.value.length, 5);
  assert.ok(r.json.nextLink);
  assert.ok((await api('GET', '/api/v1/audit')).json.value.some((e) => e.action === 'connector.deleted'));
  await api('GET', '/api/v1/openapi.json');
  await api('GET', '/api/v1/swagger.json');

  // every operation described was answered with success at least once (workflows and runs: workflow-api.test.mjs, artifacts: artifacts.test.mjs)
  const missing = Object.values(doc.paths).flatMap((p) => Object.values(p)).filter((o) => !['workflows', 'runs', 'artifacts'].includes(o.tags[0])).map((o) => o.operationId).filter((o) => !seen.has(o) && o !== 'ConfirmConsent');
  assert.deepEqual(missing, []);
});

test('a connector from every form of source', async (t) => {
  const s = await serve(t, { args: allow });
  const files = await backend(t, (req, res) => {
    if (req.url === '/moved') { res.writeHead(302, { location: '/it.json' }); return res.end(); }
    if (req.url === '/it.json') return json(res, definition());
    res.writeHead(404); res.end();
  });
  const ok = async (body, headers, query = '') => {
    const r = await s.api('POST', `/api/v1/connectors${query}`, body, headers);
    assert.equal(r.status, 201, r.text);
    return r.json;
  };
  await ok({ url: `${files.url}/it.json` });
  await ok({ url: `${files.url}/moved`, displayName: 'Moved' });
  assert.equal((await s.api('POST', '/api/v1/connectors', { url: `${files.url}/none` })).json.error.code, 'ImportUnreachable');
  assert.equal((await s.api('POST', '/api/v1/connectors', { url: 'file:///etc/passwd' })).status, 400);
  await ok(JSON.stringify(definition()), { 'content-type': 'application/json' });
  await ok('swagger: "2.0"\ninfo: {title: Y, version: "1"}\nhost: a.example\npaths:\n  /x:\n    get:\n      operationId: GetX\n      responses: {200: {description: ok}}\n', { 'content-type': 'application/yaml' }, '?name=y.yaml');
  const three = await ok(JSON.stringify({ openapi: '3.0.0', info: { title: 'Three', version: '1' }, servers: [{ url: 'https://a.example/v1' }], paths: { '/x': { get: { operationId: 'GetX', responses: { 200: { description: 'ok' } } } } } }), {});
  assert.ok(three.findings);
  const form = new FormData();
  form.set('definition', new Blob([JSON.stringify(definition())]), 'apiDefinition.swagger.json');
  form.set('properties', new Blob([JSON.stringify(properties())]), 'apiProperties.json');
  form.set('icon', new Blob([png()]), 'icon.png');
  form.set('displayName', 'Formed');
  assert.equal((await ok(form)).displayName, 'Formed');
  // what the server itself hands out can be handed in
  const first = (await s.api('GET', '/api/v1/connectors?search=Formed')).json.value[0];
  const zip = await fetch(`${s.url}/api/v1/connectors/${first.id}/package`, { headers: { authorization: `Bearer ${s.token}` } });
  const again = await ok(new Uint8Array(await zip.arrayBuffer()), { 'content-type': 'application/zip' });
  assert.equal(again.hasIcon, true);
  for (const [what, bad] of [['an empty body', ''], ['broken JSON', '{"swagger": "2.0", '], ['text', 'hello'], ['a picture', png()], ['an unknown member', { definition: definition(), colour: 1 }], ['no definition', { displayName: 'x' }]]) {
    const r = await s.api('POST', '/api/v1/connectors', bad);
    assert.ok(r.status === 400, `${what}: ${r.status} ${r.text}`);
    assert.ok(r.json.error.message.length > 10);
  }
  // lists are paged
  const all = (await s.api('GET', '/api/v1/connectors')).json.value.map((c) => c.id);
  let seen = [], next = '/api/v1/connectors?$top=3';
  while (next) {
    const r = await s.api('GET', next);
    assert.ok(r.json.value.length <= 3);
    seen = seen.concat(r.json.value.map((c) => c.id));
    next = r.json.nextLink?.slice(s.url.length);
  }
  assert.deepEqual(seen, all);
});

test('Raccord is a connector of Raccord', async (t) => {
  const s = await serve(t, { args: allow });
  const doc = (await s.api('GET', '/api/v1/swagger.json')).json;
  let r = await s.api('POST', '/api/v1/connectors', doc);
  assert.equal(r.status, 201, r.text);
  assert.deepEqual(r.json.findings.filter((f) => f.severity === 'error'), []);
  const con = await s.api('POST', '/api/v1/connections', { connectorId: r.json.id, parameterValues: { api_key: `Bearer ${s.token}` } });
  assert.equal(con.status, 201, con.text);
  r = await s.api('POST', `/api/v1/connections/${con.json.id}:invoke`, { operationId: 'GetConnector', parameters: { connectorId: r.json.id } });
  assert.equal(r.json.statusCode, 200);
  assert.equal(r.json.body.displayName, 'Raccord');
  r = await s.api('POST', `/api/v1/connections/${con.json.id}:invoke`, { operationId: 'CreateUser', parameters: { body: { name: 'made-by-itself' } } });
  assert.equal(r.json.statusCode, 201);
  // the 3.0 form as well
  const three = (await s.api('GET', '/api/v1/openapi.json')).json;
  assert.equal((await s.api('POST', '/api/v1/connectors', three)).status, 201);
  const ids = (d) => Object.values(d.paths).flatMap((p) => Object.values(p).map((o) => o.operationId)).sort();
  assert.deepEqual(ids(three), ids(doc));
});

test('the gateway streams both ways', async (t) => {
  const big = 24 << 20;
  const back = await backend(t, async (req, res, body) => {
    if (req.url.endsWith('/big')) {
      res.writeHead(200, { 'content-type': 'application/octet-stream' });
      const part = Buffer.alloc(1 << 16, 7);
      for (let n = 0; n < big; n += part.length) if (!res.write(part)) await new Promise((ok) => res.once('drain', ok));
      return res.end();
    }
    json(res, { bytes: body.length, type: req.headers['content-type'] ?? null });
  });
  const s = await serve(t, { args: allow });
  const d = definition(`127.0.0.1:${back.port}`);
  d.paths['/big'] = { get: { operationId: 'Big', responses: { 200: { description: 'ok', schema: { type: 'string', format: 'binary' } } } }, put: { operationId: 'Put', parameters: [{ name: 'body', in: 'body', schema: { type: 'string', format: 'binary' } }], responses: { 200: { description: 'ok' } } } };
  d.paths['/put'] = { put: d.paths['/big'].put };
  delete d.paths['/big'].put;
  const c = (await s.api('POST', '/api/v1/connectors', { definition: d, properties: properties() })).json;
  const con = (await s.api('POST', '/api/v1/connections', { connectorId: c.id, parameterValues: { api_key: 'k' } })).json;
  const h = { authorization: `Bearer ${s.token}` };
  const r = await fetch(`${con.runtimeUrl}/big`, { headers: h });
  let n = 0;
  for await (const part of r.body) n += part.length;
  assert.equal(n, big);
  const up = await fetch(`${con.runtimeUrl}/put`, { method: 'PUT', headers: { ...h, 'content-type': 'application/octet-stream' }, body: Buffer.alloc(big, 1) });
  assert.deepEqual(await up.json(), { bytes: big, type: 'application/octet-stream' });
  const pss = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${s.child.pid}/status`, 'utf8'))[1]);
  if (!process.env.RACCORD?.includes('asan')) assert.ok(pss < 80 * 1024, `peak ${pss} KB for a body of ${big >> 10} KB`);
});

test('a backend does not speak for the origin', async (t) => {
  const theirs = { 'set-cookie': 'session=evil', 'clear-site-data': '"*"', 'strict-transport-security': 'max-age=1', 'alt-svc': 'h2="evil.example:443"', nel: '{}', 'report-to': '{}', 'service-worker-allowed': '/' };
  const page = '<script>alert(1)</script>';
  const back = await backend(t, (req, res) => { res.writeHead(200, { ...theirs, 'content-type': 'text/html', 'x-own': 'yes', etag: '"1"', 'content-length': page.length }); res.end(req.method === 'HEAD' ? '' : page); });
  const s = await serve(t, { args: allow });
  const d = definition(`127.0.0.1:${back.port}`);
  d.paths['/ships/{id}'].head = { ...d.paths['/ships/{id}'].get, operationId: 'HeadShip', 'x-ms-visibility': 'internal' };
  const c = (await s.api('POST', '/api/v1/connectors', { definition: d, properties: properties() })).json;
  const con = (await s.api('POST', '/api/v1/connections', { connectorId: c.id, parameterValues: { api_key: 'k' } })).json;
  const r = await fetch(`${con.runtimeUrl}/ships/7`, { headers: { authorization: `Bearer ${s.token}` } });
  assert.equal(r.status, 200);
  assert.equal(await r.text(), page);
  for (const name of Object.keys(theirs)) assert.equal(r.headers.get(name), null, name);
  assert.equal(r.headers.get('x-own'), 'yes');
  assert.equal(r.headers.get('etag'), '"1"');
  assert.equal(r.headers.get('content-security-policy'), 'sandbox');
  // HEAD says the length that GET has, over and over on one connection
  for (let i = 0; i < 3; i++) {
    const head = await fetch(`${con.runtimeUrl}/ships/7`, { method: 'HEAD', headers: { authorization: `Bearer ${s.token}` } });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), String(page.length));
    assert.equal(await head.text(), '');
  }
  // every request is timed once, whichever door it came through
  const metrics = await (await fetch(`${s.url}/metrics`)).text();
  const value = (name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)[1]);
  assert.equal(value('raccord_http_request_seconds_count'), value('raccord_http_requests_total'));
});

test('the commands', async (t) => {
  const back = await backend(t, (req, res) => json(res, req.url.includes('/ships/') ? { id: 7 } : { value: [] }));
  const s = await serve(t, { args: allow });
  const env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  const run = (...args) => raccord(args, { env });
  const ok = async (...args) => { const r = await raccordJson(args, { env }); assert.equal(r.status, 0, r.stderr); return r.json; };
  const { mkdirSync, writeFileSync, readdirSync } = await import('node:fs');
  const dir = join(temporary(t), 'harbour');
  mkdirSync(dir);
  writeFileSync(join(dir, 'apiDefinition.swagger.json'), JSON.stringify(definition(`127.0.0.1:${back.port}`)));
  writeFileSync(join(dir, 'apiProperties.json'), JSON.stringify(properties(), null, 1));
  writeFileSync(join(dir, 'icon.png'), png());
  writeFileSync(join(dir, 'notes.txt'), 'kept');
  const c = await ok('connector', 'create', dir, '--name', 'Docks');
  const id = c.id;
  const shown = await ok('connector', 'show', id);
  assert.equal(shown.displayName, 'Docks');
  const list = await run('connector', 'list');
  assert.match(list.stdout, /^ID +NAME/);
  assert.ok(list.stdout.includes(id));
  // back as it went in
  const out = join(temporary(t), 'copy');
  await ok('connector', 'download', id, '-o', out);
  assert.deepEqual(readdirSync(out).sort(), readdirSync(dir).sort());
  for (const f of readdirSync(dir)) assert.deepEqual(readFileSync(join(out, f)), readFileSync(join(dir, f)), f);
  assert.equal((await ok('connector', 'validate', id)).operations, 3);
  const con = await ok('connection', 'create', id, 'api_key=k');
  assert.equal((await ok('connection', 'test', con.id)).ok, true);
  assert.deepEqual((await ok('connection', 'invoke', con.id, 'GetShip', 'id=7')).body, { id: 7 });
  assert.deepEqual(JSON.parse((await run('connection', 'invoke', con.id, 'GetShip', '{"id": "7"}')).stdout), { id: 7 });
  assert.equal((await run('connection', 'invoke', con.id, 'Nope')).status, 1);
  assert.match((await run('connection', 'list')).stdout, /Connected/);
  assert.match((await run('connection', 'key', con.id)).stdout, /rck_/);
  await ok('connector', 'update', id, dir, '--name', 'Docks 2');
  assert.equal((await ok('connector', 'show', id)).revision, 2);
  const stale = await run('connector', 'update', id, dir, '--if-match', '"1"');
  assert.equal(stale.status, 1);
  assert.match(stale.stderr, /PreconditionFailed/);
  await run('user', 'create', 'ada', '--role', 'maker');
  assert.match((await run('user', 'list')).stdout, /ada +maker/);
  const token = await ok('token', 'create', '--user', 'ada', '--role', 'maker', '--expires', 'P1D');
  assert.equal((await raccord(['connector', 'list'], { env: { ...env, RACCORD_TOKEN: token.token } })).status, 0);
  assert.equal((await raccord(['user', 'list'], { env: { ...env, RACCORD_TOKEN: token.token } })).status, 4);
  await run('token', 'revoke', token.id);
  assert.equal((await raccord(['connector', 'list'], { env: { ...env, RACCORD_TOKEN: token.token } })).status, 4);
  // deleting says what goes with it
  const no = await run('connector', 'delete', id);
  assert.equal(no.status, 4);
  assert.match(no.stderr, /1 connection/);
  assert.equal((await run('connector', 'delete', id, '--confirm', '1')).status, 0);
  // errors in words
  assert.equal((await run('connector', 'show', 'nope')).status, 1);
  const away = await raccord(['connector', 'list'], { env: { RACCORD_SERVER: 'http://127.0.0.1:9' } });
  assert.equal(away.status, 3);
  assert.match(away.stderr, /cannot reach the server/);
  const none = await raccord(['connector', 'list'], { env: { RACCORD_SERVER: s.url } });
  assert.equal(none.status, 4);
  assert.match(none.stderr, /token/);
  // several at once: each gets its line, one wrong makes 1
  const broken = join(dir, 'notes.txt');
  const many = await raccord(['connector', 'create', dir, broken, dir, '--format', 'json'], { env });
  assert.equal(many.status, 1);
  assert.deepEqual(many.stdout.trim().split('\n').map((l) => JSON.parse(l).source), [dir, broken, dir]);
  // the administrator's token takes its file along
  const me = (await s.api('GET', '/api/v1/tokens')).json.value.find((x) => s.token.includes(x.id));
  const { existsSync } = await import('node:fs');
  assert.equal((await run('token', 'revoke', me.id)).status, 0);
  assert.equal(existsSync(join(s.dir, 'admin.token')), false);
});
