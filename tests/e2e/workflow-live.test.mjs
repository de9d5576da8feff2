// What was answered holds for the next request, on whichever worker it arrives: a workflow is live when its PUT
// returns, in its new version, and so are its being disabled, its exchanged keys and its end.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { serve } from './lib/raccord.mjs';

const WORKERS = 4, CONNECTIONS = 16, WORKFLOWS = 6, ROUNDS = 12;

const answers = (n) => ({
  definition: {
    triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } },
    actions: { C: { type: 'Compose', inputs: n }, R: { type: 'Response', runAfter: { C: ['Succeeded'] }, inputs: { statusCode: 200, body: { n: "@outputs('C')" } } } },
  },
});

// One connection of its own, kept: it stays with the worker that accepted it.
function connection(t) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return (method, url, body, headers = {}) => new Promise((ok, fail) => {
    const req = request(url, { method, agent, headers: { 'content-type': 'application/json', ...headers } }, async (res) => {
      let text = '';
      for await (const d of res) text += d;
      ok({ status: res.statusCode, text });
    });
    req.on('error', fail);
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test('live when its PUT returns, gone when its DELETE does, on every worker', async (t) => {
  const s = await serve(t, { args: ['--set', `workers=${WORKERS}`] });
  const connections = Array.from({ length: CONNECTIONS }, () => connection(t));
  const bearer = { authorization: `Bearer ${s.token}` };
  let asked = 0;

  const life = async (name, k) => {
    const at = `${s.url}/api/v1/workflows/${name}`;
    let turn = k;
    const manage = async (method, rest, body) => {
      const r = await connections[turn++ % CONNECTIONS](method, `${at}${rest}`, body, bearer);
      assert.ok(r.status < 300, `${method} ${name}${rest}: ${r.status} ${r.text}`);
      return r.text ? JSON.parse(r.text) : null;
    };
    const callback = async () => (await manage('POST', '/triggers/manual:callback', {})).value;
    // all at once, and in turns one after the other: the first one after an answer is the one that matters
    const everywhere = async (url, want) => {
      const first = turn++ % CONNECTIONS;
      const one = async (c) => { const r = await c('POST', url, {}); asked++; assert.deepEqual([r.status, r.status === 200 ? JSON.parse(r.text).n : null], [want.status ?? 200, want.n ?? null], `${name}: ${r.text}`); };
      await one(connections[first]);
      await Promise.all(connections.map(one));
    };
    await manage('PUT', '', answers(0));
    let url = await callback();
    await everywhere(url, { n: 0 });
    for (let n = 1; n <= ROUNDS; n++) {
      await manage('PUT', '', answers(n));
      await everywhere(url, { n });
      if (n % 4 === 1) {
        await manage('POST', ':disable');
        await everywhere(url, { status: 400 });
        await manage('POST', ':enable');
        await everywhere(url, { n });
      }
      if (n % 4 === 2) {
        await manage('POST', ':regenerateKey', { keyType: 'Primary' });
        await everywhere(url, { status: 401 });
        url = await callback();
        await everywhere(url, { n });
      }
    }
    await manage('DELETE', '');
    await everywhere(url, { status: 404 });
    await manage('PUT', '', answers(99)); // another one of that name: its own URL
    await everywhere(await callback(), { n: 99 });
    await everywhere(url, { status: 404 });
  };
  await Promise.all(Array.from({ length: WORKFLOWS }, (_, k) => life(`w${k}`, k)));
  assert.ok(asked >= WORKFLOWS * ROUNDS * CONNECTIONS);
});
