// Connections that sign in: a real authorization server, a browser, five-second tokens, rotation, replay, providers
// that misbehave, fifty calls at once, and a process that dies in the middle of a refresh.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, browse, identity } from './lib/identity.mjs';
import { serve, temporary } from './lib/raccord.mjs';

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
async function stage(t, { settings = generic, idOptions = {}, dir, client = true } = {}) {
  dir ??= temporary(t);
  const server = await serve(t, { dir, args: allow });
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

  const first = s.backend.calls.at(-1).token;
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
  assert.equal(s.refreshes(), 2);
  assert.equal(await s.server.metric('raccord_token_refreshes_total'), 2);
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
    idOptions: { grants: ['client_credentials'], auth: 'client_secret_basic' },
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
  await s.expired();
  assert.equal(ok(await s.call()).body.sub, 'ada');
  assert.equal(s.refreshes(), 1);
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
