// A real authorization server (oidc-provider) laid out like Azure AD: /{tenant}/oauth2/v2.0/authorize|token,
// with a proxy in front that can misbehave on the token endpoint; an API that takes its tokens; and a browser
// that signs in: follows redirects with cookies and fills in the two forms.
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import Provider from 'oidc-provider';

const listen = async (t, handler) => {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); return new Promise((ok) => server.close(ok)); });
  return server.address().port;
};

const bodyOf = async (stream) => { const chunks = []; for await (const c of stream) chunks.push(c); return Buffer.concat(chunks); };

// The on-behalf-of grant as Azure AD has it; a person's token is their name here, and mallory's is for somebody else.
const onBehalfOf = (provider) => async (ctx) => {
  const { client, params } = ctx.oidc;
  const refuse = (status, error, error_description) => { ctx.status = status; ctx.body = { error, error_description }; };
  if (params.requested_token_use !== 'on_behalf_of') return refuse(400, 'invalid_request', 'requested_token_use');
  if (params.assertion !== 'ada') return refuse(400, 'invalid_grant', 'the assertion is not for this client');
  const grant = new provider.Grant({ clientId: client.clientId, accountId: params.assertion });
  const scope = `openid ${params.scope}`;
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const common = { accountId: params.assertion, client, grantId, scope, gty: 'refresh_token' };
  const access_token = await new provider.AccessToken(common).save();
  const refresh_token = await new provider.RefreshToken(common).save();
  ctx.body = { access_token, refresh_token, token_type: 'Bearer', expires_in: 5, scope: common.scope };
};

/* {url, provider, tokenRequests: [{grant, status, body}], mode, held}. `mode` is what the token endpoint does next:
 * ok, slow (answers after 1 s), 500, 429, html, no-expires, error-200, form, hold-before (does not even pass the request
 * on) and hold-after (passes it on, keeps the answer); `held` resolves when a request is being held. With `audience`, a
 * token asked for with `resource` is a signed one, for that audience. `accessSeconds`: the life of the tokens from now on. */
export async function identity(t, { redirectUris, tenant = 'contoso', accessSeconds = 5, grants = ['authorization_code', 'refresh_token'], auth = 'client_secret_post', scopes = [], exchange = false, audience }) {
  const it = { mode: 'ok', tokenRequests: [], tenant, accessSeconds };
  const hold = () => { it.held = new Promise((ok) => { it.onHeld = ok; }); };
  hold();
  let inner;
  const front = await listen(t, async (req, res) => {
    const token = req.url.startsWith(`/${tenant}/oauth2/v2.0/token`);
    const body = await bodyOf(req);
    const record = { grant: new URLSearchParams(body.toString()).get('grant_type'), body: body.toString() };
    const mode = token ? it.mode : 'ok';
    if (token) it.tokenRequests.push(record);
    const answer = (status, type, text) => { record.status = status; res.writeHead(status, { 'content-type': type }); res.end(text); };
    if (token && auth === 'client_secret_basic' && !req.headers.authorization) return answer(401, 'application/json', '{"error":"invalid_client"}');
    if (mode === '500') return answer(500, 'text/plain', 'Internal Server Error');
    if (mode === '429') { res.setHeader('retry-after', '7'); return answer(429, 'application/json', '{"error":"slow down"}'); }
    if (mode === 'html') return answer(200, 'text/html', '<!doctype html><html><body>Please sign in to the corporate proxy</body></html>');
    if (mode === 'error-200') return answer(200, 'application/json', '{"error":"invalid_grant","error_description":"said with a smile"}');
    if (mode === 'hold-before') { it.onHeld(); return; }
    const out = request({ host: '127.0.0.1', port: inner, method: req.method, path: req.url, headers: req.headers }, async (back) => {
      let reply = await bodyOf(back);
      record.status = back.statusCode;
      const headers = { ...back.headers };
      delete headers['content-length'];
      delete headers['transfer-encoding'];
      if (token && back.statusCode === 200 && (mode === 'no-expires' || mode === 'form')) {
        const { expires_in, ...rest } = JSON.parse(reply);
        reply = Buffer.from(mode === 'form' ? new URLSearchParams({ ...rest, expires_in }).toString() : JSON.stringify(rest));
        if (mode === 'form') headers['content-type'] = 'application/x-www-form-urlencoded';
      }
      if (mode === 'hold-after') { it.onHeld(); return; }
      if (mode === 'slow') await new Promise((ok) => setTimeout(ok, 1000));
      res.writeHead(back.statusCode, headers);
      res.end(reply);
    });
    out.on('error', () => res.destroy());
    out.end(body);
  });
  it.url = `http://127.0.0.1:${front}`;
  it.hold = hold;

  const base = `/${tenant}/oauth2/v2.0`;
  const provider = new Provider(it.url, {
    clients: [{
      client_id: 'raccord', client_secret: 's3cret & more', redirect_uris: redirectUris, grant_types: grants,
      response_types: grants.includes('authorization_code') ? ['code'] : [], token_endpoint_auth_method: auth,
    }],
    routes: { authorization: `${base}/authorize`, token: `${base}/token`, jwks: `${base}/keys`, userinfo: `${base}/me` },
    scopes: ['openid', 'offline_access', ...scopes],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    clockTolerance: 0,
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    ttl: { AccessToken: () => it.accessSeconds, ClientCredentials: () => it.accessSeconds, AuthorizationCode: 60, RefreshToken: 86400, Interaction: 600, Session: 600, Grant: 86400, IdToken: 60 },
    features: {
      clientCredentials: { enabled: true }, devInteractions: { enabled: true },
      // for `audience`, access tokens are signed ones
      resourceIndicators: { enabled: Boolean(audience), getResourceServerInfo: async (ctx, resource) => ({ audience: resource, scope: 'run', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }) },
    },
    findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    cookies: { keys: ['a test key'] },
  });
  provider.proxy = true;
  if (exchange) provider.registerGrantType('urn:ietf:params:oauth:grant-type:jwt-bearer', onBehalfOf(provider), ['assertion', 'requested_token_use', 'scope', 'resource']);
  it.provider = provider;
  it.errors = [];
  provider.on('server_error', (ctx, e) => it.errors.push(e));
  inner = await listen(t, provider.callback());
  it.valid = async (token) => (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
  return it;
}

// An API of one operation, GET /me, that takes the identity's access tokens. {url, port, calls, refuse: Set of tokens}.
export async function api(t, id) {
  const it = { calls: [], refuse: new Set() };
  it.port = await listen(t, async (req, res) => {
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
    const grant = token && !it.refuse.has(token) ? await id.valid(token) : undefined;
    it.calls.push({ token, status: grant ? 200 : 401 });
    res.writeHead(grant ? 200 : 401, { 'content-type': 'application/json' });
    res.end(JSON.stringify(grant ? { sub: grant.accountId ?? grant.clientId, scope: grant.scope } : { message: 'token not accepted' }));
  });
  it.url = `http://127.0.0.1:${it.port}`;
  return it;
}

// Opens link as a browser would and signs in. Answers {url, status, text} of the page on which it ends; `stopAt`: a URL
// prefix that is not fetched any more (then status is undefined).
export async function browse(link, { login = 'ada', stopAt } = {}) {
  const jar = new Map();
  let url = link, form;
  for (let i = 0; i < 30; i++) {
    if (stopAt && url.startsWith(stopAt)) return { url };
    const res = await fetch(url, {
      method: form ? 'POST' : 'GET', redirect: 'manual', body: form,
      headers: { cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; '), accept: 'text/html' },
    });
    for (const c of res.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(c);
      if (value) jar.set(name, value); else jar.delete(name);
    }
    form = undefined;
    if (res.status >= 300 && res.status < 400) { url = new URL(res.headers.get('location'), url).href; continue; }
    const text = await res.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
    if (res.status !== 200 || !action || !/name="prompt"/.test(text)) return { url, status: res.status, text };
    const prompt = /name="prompt" value="([^"]+)"/.exec(text)[1];
    form = new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'x' } : { prompt });
    url = new URL(action, url).href;
  }
  throw new Error(`no end after 30 pages: ${url}`);
}
