// Triggers of connectors whose policy polls (pollingtrigger): the service only lists, newest first, and what
// is new since the poll before is worked out here, whichever form the trigger of the workflow has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend, serve, until } from './lib/raccord.mjs';
import { client, compose } from './lib/workflows.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const host = { apiId: '/providers/Microsoft.PowerApps/apis/shared_log', connectionName: 'shared_log', operationId: 'OnEntry' };

// A service with entries, two on a page, and a connector and a connection for it.
async function world(t) {
  const entries = [{ at: 1 }], asked = [];
  const service = await backend(t, (req, res) => {
    const url = new URL(req.url, 'http://x'), q = url.searchParams, page = Number(q.get('page') ?? 0);
    asked.push(req.url);
    if (entries.broken === page) return res.writeHead(500).end();
    const found = entries.filter((x) => x.at > Number(q.get('since'))).reverse(), rest = found.slice(page * 2 + 2);
    q.set('page', page + 1);
    res.writeHead(200, { 'content-type': 'application/json' });
    return res.end(JSON.stringify({ list: { items: found.slice(page * 2, page * 2 + 2) }, ...(rest.length ? { next: `${url.pathname}?${q}` } : {}) }));
  });
  const definition = {
    swagger: '2.0', info: { title: 'Log', version: '1' }, host: `127.0.0.1:${service.port}`, schemes: ['http'], basePath: '/v1',
    securityDefinitions: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } }, security: [{ key: [] }],
    paths: { '/entries': { get: { operationId: 'OnEntry', 'x-ms-trigger': 'batch', parameters: [{ name: 'since', in: 'query', type: 'string', default: '0' }], responses: { 200: { description: 'ok' } } } } },
  };
  const policy = { templateId: 'pollingtrigger', title: 'new entries', type: 'PollingTrigger', parameters: {
    'x-ms-apimTemplateParameter.triggerConfig': { since: '@{triggerBody().list.items[0].at}', sort: 'desc', 'x-ms-triggerConfig-nextLink': 'next' },
    'x-ms-apimTemplateParameter.triggerDataPath': '@triggerBody().list.items',
    'x-ms-apimTemplate-operationName': ['OnEntry'] } };
  const properties = { properties: { iconBrandColor: '#123456', connectionParameters: { api_key: { type: 'securestring' } }, policyTemplateInstances: [policy] } };
  const args = ['--set', 'egress.allow=127.0.0.0/8'];
  let s = await serve(t, { args });
  const ok = (...request) => client(s).ok(...request);
  const restart = async () => { await s.kill(); s = await serve(t, { args, dir: s.dir }); };
  const connector = (await ok('POST', '/connectors', { definition, properties })).id;
  const connection = (await ok('POST', '/connections', { connectorId: connector, parameterValues: { api_key: 'k1' } })).id;
  const references = { shared_log: { api: { id: connector }, connection: { id: connection }, connectionName: connection } };
  const save = (inputs, type = 'OpenApiConnection') => ok('PUT', '/workflows/w', { connectionReferences: references, definition: { $schema: schema, contentVersion: '1.0.0.0',
    triggers: { t: { type, inputs, recurrence: { frequency: 'Second', interval: 1 }, splitOn: "@triggerBody()?['list']?['items']" } }, actions: { Seen: compose("@triggerBody()?['at']") } } });
  const seen = async () => {
    const { value } = await ok('GET', '/workflows/w/runs');
    return Promise.all(value.filter((r) => r.endTime).map((r) => ok('GET', `/runs/${r.id}/actions/Seen/outputs`)));
  };
  return { entries, asked, restart, ok, save, seen };
}

const forms = {
  'an operation': [{ host, parameters: { since: '0' } }],
  'method and path': [{ host: { connection: { referenceName: 'shared_log' } }, method: 'get', path: '/entries', queries: { since: '0' } }, 'ApiConnection'],
};

for (const [form, trigger] of Object.entries(forms))
  test(`a policy polls by ${form}: what is there at first starts nothing, what comes starts a run each, once`, async (t) => {
    const { entries, asked, ok, save, seen } = await world(t);
    await save(...trigger);
    await until('two polls', () => asked.length >= 2);
    assert.deepEqual(await seen(), []);
    assert.equal(asked[0], '/v1/entries?since=0');
    assert.deepEqual([...new URL(asked[1], 'http://x').searchParams].sort(), [['since', '1'], ['sort', 'desc']]);
    entries.push({ at: 2 }, { at: 3 }, { at: 4 }, { at: 5 }, { at: 6 }); // three pages
    await until('a run for each', async () => (await seen()).length >= 5);
    assert.deepEqual((await seen()).sort(), [2, 3, 4, 5, 6]);
    const from = asked.length;
    await until('two more polls', () => asked.length >= from + 2);
    assert.match(asked.at(-1), /since=6/);
    entries.push({ at: 7 });
    await until('one more', async () => (await seen()).length >= 6);
    assert.deepEqual((await seen()).sort(), [2, 3, 4, 5, 6, 7]);
    const { value } = await ok('GET', '/workflows/w/triggers/t/histories');
    assert.equal(value.find((h) => !h.fired).status, 'Skipped');
    assert.doesNotMatch(JSON.stringify(value), /x-ms-trigger-seen/);
  });

test('a page that fails loses nothing, a restart repeats nothing', async (t) => {
  const w = await world(t), { entries, asked, ok, save, seen } = w;
  await save({ ...forms['an operation'][0], retryPolicy: { type: 'none' } });
  await until('two polls', () => asked.length >= 2);
  entries.broken = 1;
  entries.push({ at: 2 }, { at: 3 }, { at: 4 });
  await until('a failed poll', async () => (await ok('GET', '/workflows/w/triggers/t/histories')).value.some((h) => h.status === 'Failed'));
  assert.deepEqual(await seen(), []);
  entries.broken = undefined;
  await until('all of it', async () => (await seen()).length >= 3);
  const from = asked.length;
  await w.restart();
  await until('two more polls', () => asked.length >= from + 2);
  assert.deepEqual((await seen()).sort(), [2, 3, 4]);
});
