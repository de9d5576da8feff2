// npm @azure/arm-logic against Raccord.
import { LogicManagementClient } from '@azure/arm-logic';

// Over plain http on loopback, with the bearer policy replaced (it refuses to send tokens without TLS).
export function plain(s) {
  const credential = { getToken: async () => ({ token: s.token, expiresOnTimestamp: Date.now() + 3600e3 }) };
  const client = new LogicManagementClient(credential, 'default', { endpoint: s.url, allowInsecureConnection: true, retryOptions: { maxRetries: 0 } });
  client.pipeline.removePolicy({ name: 'bearerTokenAuthenticationPolicy' });
  client.pipeline.addPolicy({ name: 'token', sendRequest: (request, next) => { request.headers.set('authorization', `Bearer ${s.token}`); return next(request); } });
  return client;
}

export const all = async (pages) => { const v = []; for await (const x of pages) v.push(x); return v; };
