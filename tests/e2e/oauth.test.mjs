// Connections that sign in: a real authorization server, a browser, five-second tokens, rotation, replay, providers
// that misbehave, fifty calls at once, and a process that dies in the middle of a refresh.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { api, browse, identity } from './lib/identity.mjs';
import { backend, sanitized, serve, temporary } from './lib/raccord.mjs';

const allow = ['--set', 'egress.allow=127.0.0.0/8'];
const REDIRECT = (server) => `${server.url}/oauth/redirect`;

const definition = (port) => ({
  swagger: '2.0',
  info: { title: 'Harbour office', version: '1.0', description: 'Who am I' },
  host: `127.0.0.1:${port}`, basePath: '/', schemes: ['http'],
  securityDefinitions: { oauth2_auth: { type: 'oauth2', flow: 'accessCode', authorizationUrl: 'https://id.example/a', tokenUrl: 'https://id.example/t', scopes: {} } },
  security: [{ oauth2_auth: [] }],
  paths: { '/me': { get: { operationId: 'WhoAmI', summary: 'Who am I', responses: { 200: { description: 'ok', schema: { type: 'object', properties: { sub: { type: 'string' } } } } } } } },
});
const properties = (settings) => ({
  properties: {
    iconBrandColor: '#1b5e7a', capabilities: ['actions'],
    connectionParameters: { token: { type: 'oauthSetting', oAuthSettings: { redirectMode: 'Global', ...settings } } },
  },
});
const generic = (id, more = {}) => ({
  identityProvider: 'oauth2', clientId: '[[DUMMY]]', scopes: ['openid', 'offline_access'],
  customParameters: {
    authorizationUrl: { value: `${id.url}/${id.tenant}/oauth2/v2.0/authorize` },
    tokenUrl: { value: `${id.url}/${id.tenant}/oauth2/v2.0/token` }, refreshUrl: { value: `${id.url}/${id.tenant}/oauth2/v2.0/token` }, ...more,
  },
});

const ok = (r, status) => { assert.equal(r.status, status ?? 200, r.text); return r.json; };

// A server with a connector and a connection that nobody has signed in to yet.
async function stage(t, { settings = generic, idOptions = {}, dir, client = true, args = [] } = {}) {
  dir ??= temporary(t);
  const server = await serve(t, { dir, args: [...allow, ...args] });
  const id = await identity(t, { redirectUris: [REDIRECT(server)], ...idOptions });
  const backend = await api(t, id);
  const s = { server, id, backend, dir };
  const made = ok(await server.api('POST', '/api/v1/connectors', { definition: definition(backend.port), properties: properties(settings(id)) }), 201);
  s.connector = made.id;
  if (client) ok(await server.api('PUT', `/api/v1/connectors/${s.connector}/settings`, { clientId: 'raccord', clientSecret: 's3cret & more' }));
  s.connection = ok(await server.api('POST', '/api/v1/connections', { connectorId: s.connector, displayName: 'mine' }), 201).id;
  s.status = async () => ok(await s.server.api('GET', `/api/v1/connections/${s.connection}`));
  s.consent = (body = {}) => s.server.api('POST', `/api/v1/connections/${s.connection}:consent`, body);
  s.call = () => s.server.api('POST', `/api/v1/connections/${s.connection}:invoke`, { operationId: 'WhoAmI', parameters: {} });
  s.signIn = async () => {
    const end = await browse(ok(await s.consent()).link);
    assert.equal(end.status, 200, end.text);
    return end;
  };
  // Until the access token that the API saw last is not valid any more.
  s.expired = async () => {
    const token = s.backend.calls.at(-1).token;
    while (await s.id.valid(token)) await new Promise((r) => setTimeout(r, 100));
  };
  s.refreshes = () => s.id.tokenRequests.filter((r) => r.grant === 'refresh_token').length;
  return s;
}

test('consent, PKCE, five-second tokens, rotation and replay', async (t) => {
  const s = await stage(t, { client: false });
  let r = await s.consent();
  assert.equal(r.status, 400);
  assert.equal(r.json.error.details[0].code, 'RC-OA-02');
  assert.match(r.json.error.message, /raccord connector update CONNECTOR --client-id/);
  ok(await s.server.api('PUT', `/api/v1/connectors/${s.connector}/settings`, { clientId: 'raccord', clientSecret: 's3cret & more' }));

  assert.equal((await s.status()).overallStatus, 'Unauthenticated');
  r = await s.call();
  assert.equal(r.status, 401);
  assert.equal(r.json.error.code, 'ConnectionUnauthenticated');
  assert.match(r.json.error.message, /sign in/i);

  const end = await s.signIn(); // the provider insists on PKCE
  assert.match(end.text, /Signed in/);
  assert.equal((await s.status()).overallStatus, 'Connected');
  let me = ok(await s.call());
  assert.deepEqual([me.statusCode, me.body.sub], [200, 'ada']);

  // The redirect address opened again: state and code are used up.
  const again = await browse(end.url);
  assert.equal(again.status, 400);
  assert.equal((await s.status()).overallStatus, 'Connected');

  const first = s.backend.calls.at(-1).token, before = s.refreshes(); // 0, but for a machine on which five seconds have passed
  const tokens = new Set([first]);
  const refresh = new Set();
  for (let i = 0; i < 2; i++) {
    await s.expired();
    me = ok(await s.call());
    assert.equal(me.statusCode, 200);
    tokens.add(s.backend.calls.at(-1).token);
    refresh.add(new URLSearchParams(s.id.tokenRequests.at(-1).body).get('refresh_token'));
  }
  assert.equal(tokens.size, 3);
  assert.equal(refresh.size, 2, 'a rotated refresh token replaces the old one');
  assert.equal(s.refreshes(), before + 2);
  assert.equal(await s.server.metric('raccord_token_refreshes_total'), before + 2);
  assert.deepEqual(s.id.errors, []);

  // Somebody replays a used refresh token: the provider ends the grant, and the connection says so.
  await fetch(`${s.id.url}/contoso/oauth2/v2.0/token`, {
    method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: [...refresh][0], client_id: 'raccord', client_secret: 's3cret & more' }),
  });
  r = await s.call();
  assert.equal(r.status, 401, r.text);
  const status = await s.status();
  assert.equal(status.overallStatus, 'Unauthenticated');
  assert.match(status.statuses[0].error.message, /invalid_grant.*Sign in again/s);
  assert.equal(await s.server.metric('raccord_token_refresh_errors_total'), 1);
  await s.signIn();
  assert.equal((await s.status()).overallStatus, 'Connected');
  assert.equal(ok(await s.call()).statusCode, 200);
  assert.doesNotMatch(s.server.log(), /s3cret/);
});

test('fifty calls at once make one refresh, and one refresh cures fifty refusals', async (t) => {
  const s = await stage(t);
  await s.signIn();
  ok(await s.call());
  for (const expire of [() => s.expired(), () => s.backend.refuse.add(s.backend.calls.at(-1).token)]) {
    await expire();
    const before = s.refreshes();
    s.id.mode = 'slow';
    s.id.accessSeconds = 3600; // what is renewed now stays good
    const all = await Promise.all(Array.from({ length: 50 }, () => s.call()));
    s.id.mode = 'ok';
    for (const r of all) assert.equal(ok(r).statusCode, 200);
    assert.equal(s.refreshes(), before + 1);
  }
});

test('a provider that misbehaves', async (t) => {
  const s = await stage(t);
  await s.signIn();
  ok(await s.call());
  await s.expired();
  for (const [mode, http, code] of [['500', 502, 'BadBackendResponse'], ['429', 429, 'RateLimited'], ['html', 502, 'BadBackendResponse']]) {
    s.id.mode = mode;
    const r = await s.call();
    assert.equal(r.status, http, `${mode}: ${r.text}`);
    assert.equal(r.json.error.code, code);
    if (mode === '429') assert.equal(r.headers.get('retry-after'), '7');
    assert.equal((await s.status()).overallStatus, 'Connected', mode);
  }
  s.id.mode = 'slow';
  assert.equal(ok(await s.call()).statusCode, 200);
  await s.expired();
  s.id.mode = 'form';
  assert.equal(ok(await s.call()).statusCode, 200);
  await s.expired();
  s.id.mode = 'no-expires';
  assert.equal(ok(await s.call()).statusCode, 200);
  await s.expired();
  s.id.mode = 'ok'; // nobody knows when that token ends: the API's 401 says it, once
  const before = s.backend.calls.length;
  assert.equal(ok(await s.call()).statusCode, 200);
  assert.deepEqual(s.backend.calls.slice(before).map((c) => c.status), [401, 200]);
  await s.expired();
  s.id.mode = 'error-200';
  const r = await s.call();
  assert.equal(r.status, 401);
  assert.equal(r.json.error.details?.[0]?.code ?? r.json.error.code, 'invalid_grant');
  const status = await s.status();
  assert.equal(status.overallStatus, 'Unauthenticated');
  assert.match(status.statuses[0].error.message, /said with a smile/);
});

test('kill -9 before the provider saw the refresh: the old token still works', async (t) => {
  const s = await stage(t);
  await s.signIn();
  ok(await s.call());
  await s.expired();
  s.id.mode = 'hold-before';
  const lost = s.call().catch(() => undefined);
  await s.id.held;
  await s.server.kill();
  await lost;
  s.id.mode = 'ok';
  s.server = await serve(t, { dir: s.dir, args: allow });
  assert.equal(ok(await s.call()).statusCode, 200);
  assert.equal((await s.status()).overallStatus, 'Connected');
});

test('kill -9 after the provider rotated: the connection says what happened', async (t) => {
  const s = await stage(t);
  await s.signIn();
  ok(await s.call());
  await s.expired();
  s.id.mode = 'hold-after';
  const lost = s.call().catch(() => undefined);
  await s.id.held;
  await s.server.kill();
  await lost;
  s.id.mode = 'ok';
  s.server = await serve(t, { dir: s.dir, args: allow });
  const r = await s.call();
  assert.equal(r.status, 401, r.text);
  const status = await s.status();
  assert.equal(status.overallStatus, 'Unauthenticated');
  assert.match(status.statuses[0].error.message, /Raccord stopped while this sign-in was being renewed/);
});

test('azure ad: authority, tenant and resource become the v2.0 endpoints and scopes', async (t) => {
  const resource = 'api://harbour';
  const s = await stage(t, {
    idOptions: { scopes: [`${resource}/.default`, `${resource}/Quay.Read`] },
    settings: (id) => ({
      identityProvider: 'aad', scopes: ['openid', 'Quay.Read'],
      customParameters: { loginUri: { value: id.url }, tenantId: { value: id.tenant }, resourceUri: { value: resource }, enableOnbehalfOfLogin: { value: 'false' } },
    }),
  });
  const link = new URL(ok(await s.consent()).link);
  assert.equal(link.pathname, '/contoso/oauth2/v2.0/authorize');
  assert.equal(link.searchParams.get('scope'), `openid ${resource}/Quay.Read offline_access`);
  assert.equal(link.searchParams.get('code_challenge_method'), 'S256');
  await s.signIn();
  assert.equal(ok(await s.call()).body.sub, 'ada');
});

test('client credentials: no consent, one token for many calls', async (t) => {
  const s = await stage(t, {
    idOptions: { grants: ['client_credentials'], auth: 'client_secret_basic', accessSeconds: 3600 },
    settings: (id) => ({ ...generic(id, { grantType: { value: 'client_credentials' } }), scopes: [] }),
  });
  assert.equal((await s.consent()).json.error.details[0].code, 'NoConsentNeeded');
  const all = await Promise.all(Array.from({ length: 10 }, () => s.call()));
  for (const r of all) assert.equal(ok(r).body.sub, 'raccord');
  // the body was refused with invalid_client, the header was taken
  assert.deepEqual(s.id.tokenRequests.map((r) => r.status), [401, 200]);
});

test('on behalf of a person: their token is exchanged, then refreshed', async (t) => {
  const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const s = await stage(t, {
    idOptions: { grants: ['authorization_code', 'refresh_token', grant], scopes: ['https://harbour.example/.default'], exchange: true },
    settings: (id) => ({
      identityProvider: 'aad', clientId: '', scopes: [],
      customParameters: { loginUri: { value: id.url }, tenantId: { value: id.tenant }, resourceUri: { value: 'https://harbour.example' }, enableOnbehalfOfLogin: { value: 'true' } },
    }),
  });
  const make = async (assertion) => {
    const made = ok(await s.server.api('POST', '/api/v1/connections', { connectorId: s.connector, displayName: 'ada', parameterValues: { token: { assertion } } }), 201);
    s.connection = made.id;
  };
  await make('ada');
  assert.equal((await s.status()).overallStatus, 'Connected');
  const me = ok(await s.call());
  assert.deepEqual([me.statusCode, me.body.sub], [200, 'ada']);
  const asked = new URLSearchParams(s.id.tokenRequests.at(-1).body);
  assert.deepEqual(['grant_type', 'assertion', 'requested_token_use', 'scope'].map((k) => asked.get(k)),
    [grant, 'ada', 'on_behalf_of', 'https://harbour.example/.default offline_access']);
  const before = s.refreshes();
  await s.expired();
  assert.equal(ok(await s.call()).body.sub, 'ada');
  assert.equal(s.refreshes(), before + 1);
  assert.doesNotMatch(JSON.stringify(await s.status()), /assertion/);
  // a token that the provider does not take
  await make('mallory');
  const r = await s.call();
  assert.equal(r.status, 401);
  assert.match((await s.status()).statuses[0].error.message, /not for this client/);
  assert.equal((await s.status()).overallStatus, 'Unauthenticated');
  assert.deepEqual(s.id.errors, []);
});

test('states: another person, another connection, an error from the provider', async (t) => {
  const s = await stage(t);
  const end = await browse(ok(await s.consent()).link, { stopAt: REDIRECT(s.server) });
  const code = new URL(end.url).searchParams.get('code');
  const other = await browse(`${REDIRECT(s.server)}?code=${code}&state=AAAAAAAAAAAAAAAAAAAAAA`);
  assert.equal(other.status, 400);
  const state = new URL(ok(await s.consent()).link).searchParams.get('state');
  const denied = await browse(`${REDIRECT(s.server)}?error=access_denied&error_description=%3Cb%3Eno%3C%2Fb%3E&state=${state}`);
  assert.ok(denied.status >= 400);
  assert.match(denied.text, /declined/);
  assert.doesNotMatch(denied.text, /<b>/);
  assert.equal((await s.status()).overallStatus, 'Unauthenticated');
  const done = await browse(end.url); // the first one is still good
  assert.equal(done.status, 200);
  assert.equal((await s.status()).overallStatus, 'Connected');
});

test('a sign-in by device goes on while the provider fails; times are the provider\'s, within bounds', async (t) => {
  let answer = { status: 400, body: { error: 'authorization_pending' } };
  const asked = [];
  const id = await backend(t, (req, res, body) => {
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    asked.push({ url: req.url, form });
    const device = { device_code: 'the-device-code', user_code: 'WDJB-MJHT', verification_uri: 'https://id.example/device', expires_in: 1800, interval: 7 };
    const { status, body: out } = req.url === '/device' ? { status: 200, body: device } : answer;
    res.writeHead(status, { 'content-type': typeof out === 'string' ? 'text/html' : 'application/json' });
    res.end(typeof out === 'string' ? out : JSON.stringify(out));
  });
  const server = await serve(t, { args: allow });
  const connector = ok(await server.api('POST', '/api/v1/connectors', {
    definition: definition(1),
    properties: properties({ identityProvider: 'oauth2', clientId: 'raccord', scopes: ['s'], customParameters: { grantType: { value: 'device_code' }, tokenUrl: { value: `${id.url}/token` }, authorizationUrl: { value: `${id.url}/a` }, deviceAuthorizationUrl: { value: `${id.url}/device` } } }),
  }), 201).id;
  const made = async () => ok(await server.api('POST', '/api/v1/connections', { connectorId: connector }), 201).id;
  const connection = await made(), other = await made();
  const from = Date.now(), link = ok(await server.api('POST', `/api/v1/connections/${connection}:consent`, {})), to = Date.now();
  assert.equal(link.link, 'https://id.example/device');
  assert.equal(link.userCode, 'WDJB-MJHT');
  assert.equal(link.interval, 7);
  const end = Date.parse(link.expiresTime);
  assert.ok(end >= Math.floor(from / 1000) * 1000 + 1800e3 && end <= to + 1800e3, link.expiresTime);
  const ask = (c = connection) => server.api('POST', `/api/v1/connections/${c}:confirmConsent`, { state: link.state });
  for (const [status, body, code, wait] of [
    [400, { error: 'authorization_pending' }, 'authorization_pending', '7'],
    [503, 'down for maintenance', 'invalid_response', '7'],
    [200, '<!doctype html><title>Proxy</title>', 'invalid_response', '7'],
    [400, { error: 'slow_down' }, 'slow_down', '12'],
  ]) {
    answer = { status, body };
    const r = await ask();
    assert.ok(r.status >= 400, r.text);
    assert.equal(r.json.error.details[0].code, code, r.text);
    assert.equal(r.headers.get('retry-after'), wait, r.text);
    assert.equal(asked.at(-1).form.device_code, 'the-device-code');
  }
  answer = { status: 200, body: { access_token: 'A1', token_type: 'Bearer', expires_in: '1e300' } };
  assert.equal(ok(await ask()).overallStatus, 'Connected');
  assert.equal((await ask()).json.error.details[0].code, 'ConsentStateInvalid');
  // a state asked for with another connection is not taken for that one
  const second = ok(await server.api('POST', `/api/v1/connections/${connection}:consent`, {}));
  const r = await server.api('POST', `/api/v1/connections/${other}:confirmConsent`, { state: second.state });
  assert.equal(r.json.error.details[0].code, 'ConsentStateInvalid', r.text);
  assert.equal(ok(await server.api('GET', `/api/v1/connections/${other}`)).overallStatus, 'Unauthenticated');
});

test('what the address of the redirect page says is text, in the page and in the status', async (t) => {
  const s = await stage(t);
  const state = new URL(ok(await s.consent()).link).searchParams.get('state');
  const words = `<img src=x onerror=alert(1)>"&'\r\nSet-Cookie: a=b\r\n\u202e${'x'.repeat(5000)}`;
  const page = await fetch(`${s.server.url}/oauth/redirect?${new URLSearchParams({ state, error: '<b>\nno', error_description: words })}`);
  assert.ok(page.status >= 400);
  const text = await page.text();
  assert.match(text, /&lt;img src=x onerror=alert\(1\)&gt;&quot;&amp;'  Set-Cookie: a=b/);
  assert.doesNotMatch(text, /<img|<b>|\u202e/);
  assert.ok(text.length < 3000);
  assert.equal(page.headers.get('set-cookie'), null);
  const { code, message } = (await s.status()).statuses[0].error;
  assert.equal(code, '<b> no');
  assert.match(message, /<img src=x onerror=alert\(1\)>"&'  Set-Cookie: a=b   x+\)/);
  assert.ok(message.length < 700);
});

test('tokens that came with other values are forgotten', async (t) => {
  const s = await stage(t);
  await s.signIn();
  assert.equal(ok(await s.call()).statusCode, 200);
  ok(await s.server.api('PATCH', `/api/v1/connections/${s.connection}`, { parameterValues: { token: null } }));
  assert.equal((await s.status()).overallStatus, 'Unauthenticated');
  const before = [s.backend.calls.length, s.id.tokenRequests.length];
  const r = await s.call();
  assert.equal(r.status, 401, r.text);
  assert.deepEqual([s.backend.calls.length, s.id.tokenRequests.length], before);
  await s.signIn();
  assert.equal(ok(await s.call()).statusCode, 200);
});

// How often each text stands in the writable memory of a process; undefined where that may not be read.
function inMemory(pid, texts) {
  let fd;
  try { fd = openSync(`/proc/${pid}/mem`, 'r'); } catch { return undefined; }
  const found = Object.fromEntries(Object.keys(texts).map((k) => [k, 0]));
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const m = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    const from = m ? parseInt(m[1], 16) : 0, n = m ? parseInt(m[2], 16) - from : 0;
    if (n === 0 || n > 1 << 28) continue;
    const b = Buffer.alloc(n);
    try { readSync(fd, b, 0, n, from); } catch { continue; }
    for (const [k, v] of Object.entries(texts)) for (let i = -1; (i = b.indexOf(v, i + 1)) >= 0;) found[k]++;
  }
  closeSync(fd);
  return found;
}

test('what a sign-in and a refresh were made with does not stay in memory', { skip: sanitized() && 'a sanitizer keeps what is freed' }, async (t) => {
  const s = await stage(t, { args: ['--set', 'workers=1'] });
  await s.signIn();
  ok(await s.call());
  await s.expired();
  ok(await s.call()); // refreshes
  ok(await s.call()); // what was kept of the connection is read again
  const [exchange, refresh] = s.id.tokenRequests.map((r) => new URLSearchParams(r.body));
  const texts = {
    verifier: exchange.get('code_verifier'), code: exchange.get('code'),
    'old refresh token': refresh.get('refresh_token'), 'old access token': s.backend.calls[0].token,
    'client secret, as sent': 's3cret%20%26%20more',
  };
  for (const v of Object.values(texts)) assert.ok(v.length > 10);
  const found = inMemory(s.server.child.pid, texts);
  if (found === undefined) { t.diagnostic('the memory of the server may not be read here'); return; }
  assert.deepEqual(found, Object.fromEntries(Object.keys(texts).map((k) => [k, 0])));
});
