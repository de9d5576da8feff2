// Authorization policies of Request triggers: tokens of a real identity provider, and of one whose keys change.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { identity } from './lib/identity.mjs';
import { backend, raccord, serve, until } from './lib/raccord.mjs';

const ok = (r, status = 200) => { assert.equal(r.status, status, r.text); return r.json; };
const claims = (values) => Object.entries(values).map(([name, value]) => ({ name, value }));
const workflow = (policies) => ({
  definition: {
    $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0',
    triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } },
    actions: { Response: { type: 'Response', kind: 'Http', runAfter: {}, inputs: { statusCode: 200, body: 'let in' } } },
    outputs: {},
  },
  accessControl: { triggers: { openAuthenticationPolicies: { policies } } },
});
const policy = (values) => ({ p: { type: 'AAD', claims: claims(values) } });

// The address of the trigger without its signature, and a call of it: [status, error code or text].
async function door(s, name) {
  const signed = new URL(ok(await s.api('POST', `/api/v1/workflows/${name}/triggers/manual:callback`, {})).value);
  const bare = new URL(signed);
  for (const n of ['sp', 'sv', 'sig']) bare.searchParams.delete(n);
  const call = async (token, to = bare) => {
    const r = await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }, body: '{}' });
    const text = await r.text();
    let code;
    try { code = JSON.parse(text).error.code; } catch { code = text; }
    return [r.status, code];
  };
  return { signed, call };
}

test('a token of the identity provider that a policy names starts a workflow', async (t) => {
  const audience = 'https://raccord.quai.example';
  const id = await identity(t, { redirectUris: [], grants: ['client_credentials'], audience });
  const token = async (resource) => {
    const r = await fetch(`${id.url}/contoso/oauth2/v2.0/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'raccord', client_secret: 's3cret & more', scope: 'run', resource }) });
    assert.equal(r.status, 200);
    return (await r.json()).access_token;
  };
  const s = await serve(t, { args: ['--set', 'workers=2', '--set', 'egress.allow=127.0.0.0/8', '--set', `workflow.issuers=${id.url}`] });
  ok(await s.api('PUT', '/api/v1/workflows/w', workflow(policy({ iss: id.url, aud: audience }))), 201);
  const { signed, call } = await door(s, 'w');
  const good = await token(audience);
  assert.match(good, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  for (let i = 0; i < 6; i++) assert.deepEqual(await call(good), [200, 'let in']); // by both workers
  assert.deepEqual(await call(await token('https://other.quai.example')), [403, 'MisMatchingOAuthClaims']);
  const [head, body, signature] = good.split('.');
  const other = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url')), sub: 'mallory' })).toString('base64url');
  assert.deepEqual(await call(`${head}.${other}.${signature}`), [401, 'AuthorizationFailed']);
  assert.deepEqual(await call('x'), [401, 'AuthorizationFailed']);
  assert.deepEqual(await call(), [401, 'DirectApiAuthorizationRequired']);
  assert.deepEqual(await call(undefined, signed), [200, 'let in']);
  assert.deepEqual(await call(good, signed), [401, 'DirectApiRequestHasMoreThanOneAuthorization']);
  // the policy goes: so does the way in
  ok(await s.api('PUT', '/api/v1/workflows/w', workflow({})));
  assert.deepEqual(await call(good), [401, 'OpenAuthenticationPolicyNotFound']);
});

test('an issuer that the setting does not name is refused when the workflow is saved', async (t) => {
  const s = await serve(t, { args: ['--set', 'workflow.issuers=https://id.example/realms/'] });
  const r = await s.api('PUT', '/api/v1/workflows/w', workflow(policy({ iss: 'https://sts.windows.net/x/' })));
  assert.equal(r.status, 400, r.text);
  assert.match(r.text, /workflow\.issuers/);
  ok(await s.api('PUT', '/api/v1/workflows/w', workflow(policy({ iss: 'https://id.example/realms/a' }))), 201);
  const wrong = await raccord(['config', '--set', 'workflow.issuers=id.example']);
  assert.equal(wrong.status, 2, wrong.stdout);
  assert.match(wrong.stderr, /workflow\.issuers: "id\.example" is no http\(s\) URL/);
});

test('keys that change are fetched again; a document that speaks for somebody else is not believed', async (t) => {
  const pairs = [0, 1].map((i) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return { kid: `k${i}`, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: `k${i}`, use: 'sig', alg: 'RS256' } };
  });
  let keys = [pairs[0].jwk], speaksFor, down = false;
  const issuer = await backend(t, (req, res) => {
    if (down) { res.writeHead(503).end(); return; }
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify(req.url === '/keys' ? { keys } : { issuer: speaksFor ?? issuer.url, jwks_uri: `${issuer.url}/keys` }));
  });
  const token = ({ kid, privateKey }, exp = Date.now() / 1000 + 60) => {
    const text = [{ alg: 'RS256', kid }, { iss: issuer.url, exp }].map((v) => Buffer.from(JSON.stringify(v)).toString('base64url')).join('.');
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
  };
  const start = async () => {
    const s = await serve(t, { args: ['--set', 'workers=1', '--set', 'egress.allow=127.0.0.0/8', '--set', `workflow.issuers=${issuer.url}`] });
    ok(await s.api('PUT', '/api/v1/workflows/w', workflow(policy({ iss: issuer.url }))), 201);
    return (await door(s, 'w')).call;
  };
  const call = await start();
  assert.deepEqual(await call(token(pairs[0])), [200, 'let in']);
  assert.deepEqual(await call(token(pairs[0], Date.now() / 1000 - 3600)), [401, 'AuthorizationFailed']);
  assert.deepEqual(await call(token({ ...pairs[1], kid: 'k0' })), [401, 'AuthorizationFailed']);
  // A new key: taken within ten seconds, while the old one stays good through a failure of the provider.
  down = true;
  assert.deepEqual(await call(token(pairs[1])), [401, 'AuthorizationFailed']);
  assert.deepEqual(await call(token(pairs[0])), [200, 'let in']);
  down = false;
  keys = [pairs[1].jwk];
  await until('the new key is taken', async () => (await call(token(pairs[1])))[0] === 200, { every: 500 });
  assert.deepEqual(await call(token(pairs[1])), [200, 'let in']);
  assert.deepEqual(await call(token(pairs[0])), [401, 'AuthorizationFailed']);
  assert.ok(issuer.requests.length <= 12, `${issuer.requests.length} requests to the provider`);

  speaksFor = 'https://somebody.else.example';
  assert.deepEqual(await (await start())(token(pairs[1])), [401, 'AuthorizationFailed']);
});
