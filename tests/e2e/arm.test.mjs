// The client that manages logic apps in Azure, npm @azure/arm-logic, against Raccord: over plain http
// with its bearer policy replaced (it refuses to send tokens without TLS), and over TLS through the
// nginx configuration we ship, with nothing but its endpoint changed.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogicManagementClient } from '@azure/arm-logic';
import { all, plain } from './lib/arm.mjs';
import { backend, freePort, root, serve, temporary, until } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';

const definition = (service) => ({
  $schema: schema, contentVersion: '1.0.0.0',
  parameters: { secret: { type: 'SecureString' }, factor: { type: 'Int', defaultValue: 2 } },
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: { method: 'POST', relativePath: 'orders/{id}', schema: { type: 'object' } } } },
  actions: {
    Double: { type: 'Foreach', foreach: "@triggerBody()['numbers']", runAfter: {},
      actions: { Times: { type: 'Compose', inputs: "@mul(item(), parameters('factor'))", runAfter: {} } } },
    Get: { type: 'Http', inputs: { method: 'GET', uri: `${service}/item` }, runAfter: { Double: ['Succeeded'] } },
    Response: { type: 'Response', kind: 'Http', runAfter: { Get: ['Succeeded'] },
      inputs: { statusCode: 201, body: { id: "@triggerOutputs()['relativePathParameters']['id']", numbers: "@outputs('Times')", item: "@body('Get')" } } },
  },
  outputs: { count: { type: 'Int', value: "@length(triggerBody()['numbers'])" } },
});

const waiting = { $schema: schema, contentVersion: '1.0.0.0',
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } },
  actions: { Later: { type: 'Wait', inputs: { interval: { count: 1, unit: 'Hour' } }, runAfter: {} }, After: { type: 'Compose', inputs: 1, runAfter: { Later: ['Succeeded'] } } } };

// Everything a maker does with the client, in one life of a workflow.
async function life(client, service, call) {
  const rg = 'default', name = 'orders';
  const w = client.workflows, resource = { location: 'westeurope', tags: { team: 'a' }, definition: definition(service), parameters: { secret: { value: 'geheim' } } };
  await assert.rejects(w.get(rg, name), (e) => e.statusCode === 404 && e.code === 'WorkflowNotFound');
  await assert.rejects(w.createOrUpdate(rg, name, { location: 'x', definition: { ...definition(service), actions: { A: { type: 'Compose', inputs: 1, runAfter: { Nobody: ['Succeeded'] } } } }, parameters: resource.parameters }),
    (e) => e.statusCode === 400 && e.code === 'InvalidTemplate');
  const made = await w.createOrUpdate(rg, name, resource);
  assert.equal(made.name, name);
  assert.equal(made.type, 'Microsoft.Logic/workflows');
  assert.equal(made.location, 'westeurope');
  assert.deepEqual(made.tags, { team: 'a' });
  assert.equal(made.state, 'Enabled');
  assert.equal(made.provisioningState, 'Succeeded');
  assert.match(made.accessEndpoint, /\/workflows\/[0-9a-f]{32}$/);
  assert.ok(made.createdTime instanceof Date && made.changedTime instanceof Date);
  assert.ok(!JSON.stringify(made).includes('geheim'));
  assert.equal(made.parameters.secret.type, 'SecureString');
  assert.deepEqual(made.definition.actions.Double, resource.definition.actions.Double);
  assert.equal((await w.get(rg, name)).version, made.version);
  assert.deepEqual((await all(w.listByResourceGroup(rg))).map((x) => x.name), [name]);
  assert.deepEqual((await all(w.listBySubscription({ top: 1 }))).map((x) => x.name), [name]);
  await w.validateByResourceGroup(rg, name, resource);
  await w.validateByLocation(rg, 'westeurope', name, resource);

  // called
  const url = await client.workflowTriggers.listCallbackUrl(rg, name, 'manual');
  assert.equal(url.method, 'POST');
  assert.equal(url.relativePath, 'orders/{id}');
  assert.deepEqual(url.relativePathParameters, ['id']);
  assert.equal(url.queries.sp, '/triggers/manual/run');
  assert.equal((await w.listCallbackUrl(rg, name, { keyType: 'Primary' })).value, url.value);
  const answer = await call(url.value.replace('{id}', '42'), { numbers: [1, 2, 3] });
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual(JSON.parse(answer.text), { id: '42', numbers: [2, 4, 6], item: { hello: 'world' } });

  // runs
  const runs = await all(client.workflowRuns.list(rg, name));
  assert.equal(runs.length, 1);
  assert.equal(runs[0].name, answer.run);
  assert.deepEqual((await (await call(runs[0].trigger.outputsLink.uri, undefined, 'GET').then((x) => JSON.parse(x.text)))).body, { numbers: [1, 2, 3] });
  const text = async (link) => JSON.parse((await call(link.uri, undefined, 'GET')).text);
  assert.deepEqual(await text(runs[0].trigger.inputsLink), resource.definition.triggers.manual.inputs);
  assert.match(runs[0].trigger.trackingId, /^[0-9a-f-]{36}$/);
  const run = await until('the run ends', async () => { const r = await client.workflowRuns.get(rg, name, answer.run); return r.endTime && r; });
  assert.equal(run.status, 'Succeeded');
  assert.equal(run.trigger.name, 'manual');
  assert.ok(run.trigger.outputsLink.uri.startsWith('http'));
  assert.equal(run.outputs.count.value, 3);
  assert.equal(run.response.name, 'Response');
  assert.equal(JSON.parse((await call(run.response.inputsLink.uri, undefined, 'GET')).text).statusCode, 201);
  assert.equal(run.response.trackingId, (await client.workflowRunActions.get(rg, name, run.name, 'Response')).trackingId);
  assert.ok(run.workflow.id.endsWith(`/versions/${made.version}`));
  assert.deepEqual(await all(client.workflowRuns.list(rg, name, { filter: "status eq 'Failed'" })), []);
  assert.equal((await all(client.workflowRuns.list(rg, name, { filter: `status eq 'Succeeded' and startTime ge ${new Date(Date.now() - 3600e3).toISOString()}` }))).length, 1);
  await assert.rejects(all(client.workflowRuns.list(rg, name, { filter: "colour eq 'red'" })), (e) => e.code === 'InvalidFilterInQuery');
  const out = await call(run.trigger.outputsLink.uri, undefined, 'GET');
  assert.deepEqual(JSON.parse(out.text).body, { numbers: [1, 2, 3] });

  // actions, repetitions, requests
  const actions = await all(client.workflowRunActions.list(rg, name, run.name));
  assert.deepEqual(actions.map((a) => [a.name, a.status]).sort(), [['Double', 'Succeeded'], ['Get', 'Succeeded'], ['Response', 'Succeeded'], ['Times', 'Succeeded']]);
  const get = await client.workflowRunActions.get(rg, name, run.name, 'Get');
  assert.equal(get.code, 'OK');
  assert.deepEqual(JSON.parse((await call(get.outputsLink.uri, undefined, 'GET')).text).body, { hello: 'world' });
  const repetitions = await all(client.workflowRunActionRepetitions.list(rg, name, run.name, 'Times'));
  assert.deepEqual(repetitions.map((r) => r.name), ['000000', '000001', '000002']);
  assert.deepEqual(repetitions[1].repetitionIndexes, [{ scopeName: 'Double', itemIndex: 1 }]);
  const one = await client.workflowRunActionRepetitions.get(rg, name, run.name, 'Times', '000002');
  assert.deepEqual(JSON.parse((await call(one.outputsLink.uri, undefined, 'GET')).text), 6);
  assert.equal((await all(client.workflowRunActionScopeRepetitions.list(rg, name, run.name, 'Double'))).length, 3);
  const requests = await all(client.workflowRunActionRequestHistories.list(rg, name, run.name, 'Get'));
  assert.equal(requests.length, 1);
  assert.equal(requests[0].properties.response.statusCode, 200);
  assert.equal((await client.workflowRunActionRequestHistories.get(rg, name, run.name, 'Get', requests[0].name)).name, requests[0].name);
  await all(client.workflowRunActions.listExpressionTraces(rg, name, run.name, 'Get'));

  // triggers and their history
  const triggers = await all(client.workflowTriggers.list(rg, name));
  assert.deepEqual(triggers.map((t) => [t.name, t.state]), [['manual', 'Enabled']]);
  await client.workflowTriggers.get(rg, name, 'manual');
  assert.deepEqual(JSON.parse((await client.workflowTriggers.getSchemaJson(rg, name, 'manual')).content), { type: 'object' });
  await client.workflowTriggers.reset(rg, name, 'manual');
  const histories = await all(client.workflowTriggerHistories.list(rg, name, 'manual'));
  assert.equal(histories.length, 1);
  assert.equal(histories[0].fired, true);
  assert.equal(histories[0].run.name, run.name);
  assert.equal((await client.workflowTriggerHistories.get(rg, name, 'manual', run.name)).status, 'Succeeded');

  // again, by hand, cancelled
  await client.workflowTriggerHistories.resubmit(rg, name, 'manual', run.name);
  const again = await until('the run of a resubmission', async () => {
    const v = await all(client.workflowRuns.list(rg, name));
    return v.length === 2 && v[0].status !== 'Running' && v[0];
  });
  assert.equal((await client.workflowRunActions.get(rg, name, again.name, 'Response')).status, 'Skipped');
  await w.createOrUpdate(rg, 'slow', { location: 'x', definition: waiting });
  await client.workflowTriggers.run(rg, 'slow', 'manual');
  const [open] = await until('a run that waits', async () => { const v = await all(client.workflowRuns.list(rg, 'slow')); return v.length === 1 && v; });
  assert.ok(['Running', 'Waiting'].includes(open.status));
  await client.workflowRuns.cancel(rg, 'slow', open.name);
  const ended = await until('a cancelled run', async () => { const r = await client.workflowRuns.get(rg, 'slow', open.name); return r.endTime && r; });
  assert.equal(ended.status, 'Cancelled');
  await assert.rejects(client.workflowRuns.cancel(rg, 'slow', open.name), (e) => e.statusCode === 409);

  // disabled, updated, versions
  await w.disable(rg, name);
  assert.equal((await w.get(rg, name)).state, 'Disabled');
  const refused = await call(url.value.replace('{id}', '42'), { numbers: [] });
  assert.equal(refused.status, 400);
  assert.equal(JSON.parse(refused.text).error.code, 'WorkflowTriggerIsNotEnabled');
  await w.enable(rg, name);
  const second = await w.createOrUpdate(rg, name, { ...resource, tags: { team: 'b' }, parameters: {} });
  assert.notEqual(second.version, made.version);
  const versions = await all(client.workflowVersions.list(rg, name));
  assert.deepEqual(versions.map((v) => v.name), [second.version, made.version]);
  assert.ok((await client.workflowVersions.get(rg, name, made.version)).definition.actions.Double);
  assert.ok((await client.workflowVersionTriggers.listCallbackUrl(rg, name, made.version, 'manual')).value);
  assert.equal((await w.update(rg, name)).version, second.version);
  assert.ok((await w.listSwagger(rg, name)).paths);
  assert.equal((await w.generateUpgradedDefinition(rg, name, { targetSchemaVersion: '2016-06-01' })).contentVersion, '1.0.0.0');
  await w.regenerateAccessKey(rg, name, { keyType: 'Primary' });
  assert.equal((await call(url.value.replace('{id}', '42'), { numbers: [] })).status, 401);
  assert.ok((await all(client.operations.list())).length > 10);

  await w.delete(rg, name);
  await w.delete(rg, name);
  await assert.rejects(w.get(rg, name), (e) => e.statusCode === 404);
  await w.delete(rg, 'slow');
}

const item = (t) => backend(t, (req, res) => { res.setHeader('content-type', 'application/json'); res.end('{"hello":"world"}'); });

const caller = (options = {}) => async (url, body, method = 'POST') => {
  const r = await fetch(url, { method, headers: body === undefined ? {} : { 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body), ...options });
  return { status: r.status, text: await r.text(), run: r.headers.get('x-ms-workflow-run-id') };
};

test('the life of a workflow over plain http, the bearer policy replaced', async (t) => {
  const service = await item(t);
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8', '--set', 'workers=3'] });
  await life(plain(s), service.url, caller());
});

// The calls of the client that the life above leaves out, and what they tell of loops, requests,
// expressions and several triggers.
test('integration accounts by the client: maps and schemas, and a run that uses them', async (t) => {
  const s = await serve(t), client = plain(s), rg = 'default';
  const account = await client.integrationAccounts.createOrUpdate(rg, 'trade', { location: 'westeurope', sku: { name: 'Standard' } });
  assert.equal(account.name, 'trade');
  assert.equal(account.sku.name, 'Standard');
  const content = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="sum(//n)"/></xsl:template></xsl:stylesheet>';
  const map = await client.integrationAccountMaps.createOrUpdate(rg, 'trade', 'Sum', { location: 'westeurope', mapType: 'Xslt', contentType: 'application/xml', content, metadata: {} });
  assert.equal(map.mapType, 'Xslt');
  assert.equal(map.contentLink.contentSize, content.length);
  assert.ok(map.createdTime instanceof Date);
  const xsd = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="o"><xs:complexType><xs:sequence><xs:element name="n" type="xs:int" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element></xs:schema>';
  const schemaMade = await client.integrationAccountSchemas.createOrUpdate(rg, 'trade', 'Order', { schemaType: 'Xml', contentType: 'application/xml', content: xsd });
  assert.equal(schemaMade.schemaType, 'Xml');
  assert.equal((await client.integrationAccountMaps.get(rg, 'trade', 'Sum')).name, 'Sum');
  assert.deepEqual((await all(client.integrationAccountMaps.list(rg, 'trade'))).map((x) => x.name), ['Sum']);
  assert.deepEqual((await all(client.integrationAccountSchemas.list(rg, 'trade'))).map((x) => x.name), ['Order']);
  assert.deepEqual((await all(client.integrationAccounts.listByResourceGroup(rg))).map((x) => x.name), ['trade']);
  assert.deepEqual((await all(client.integrationAccounts.listBySubscription())).map((x) => x.name), ['trade']);
  assert.equal((await client.integrationAccounts.update(rg, 'trade', { tags: { a: 'b' } })).tags.a, 'b');
  await client.workflows.createOrUpdate(rg, 'sums', { location: 'x', integrationAccount: { id: account.id }, definition: { $schema: schema, contentVersion: '1.0.0.0',
    triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } },
    actions: {
      Check: { type: 'XmlValidation', inputs: { content: '@triggerBody()', integrationAccount: { schema: { name: 'Order' } } }, runAfter: {} },
      Sum: { type: 'Xslt', inputs: { content: '@triggerBody()', integrationAccount: { map: { name: 'Sum' } } }, runAfter: { Check: ['Succeeded'] } },
      Answer: { type: 'Response', kind: 'Http', inputs: { body: "@body('Sum')" }, runAfter: { Sum: ['Succeeded'] } },
    } } });
  const { value } = await client.workflowTriggers.listCallbackUrl(rg, 'sums', 'manual');
  const answer = await fetch(value, { method: 'POST', headers: { 'content-type': 'application/xml' }, body: '<o><n>1</n><n>2</n></o>' });
  assert.deepEqual([answer.status, await answer.text()], [200, '3']);
  const criteria = { messageCount: 10, batchSize: 1000, recurrence: { frequency: 'Hour', interval: 2, timeZone: 'UTC' } };
  const batch = await client.integrationAccountBatchConfigurations.createOrUpdate(rg, 'trade', 'Orders', { location: 'westeurope', properties: { batchGroupName: 'all', releaseCriteria: criteria, metadata: { by: 'us' } } });
  assert.deepEqual([batch.name, batch.location, batch.properties.batchGroupName, batch.properties.metadata], ['Orders', 'westeurope', 'all', { by: 'us' }]);
  assert.deepEqual(JSON.parse(JSON.stringify(batch.properties.releaseCriteria)), criteria);
  assert.ok(batch.properties.createdTime instanceof Date);
  assert.equal(batch.type, 'Microsoft.Logic/integrationAccounts/batchConfigurations');
  assert.equal((await client.integrationAccountBatchConfigurations.get(rg, 'trade', 'Orders')).properties.releaseCriteria.messageCount, 10);
  assert.deepEqual((await all(client.integrationAccountBatchConfigurations.list(rg, 'trade'))).map((x) => x.name), ['Orders']);
  await client.integrationAccountBatchConfigurations.delete(rg, 'trade', 'Orders');
  await assert.rejects(client.integrationAccountBatchConfigurations.get(rg, 'trade', 'Orders'), (e) => e.statusCode === 404);
  await client.integrationAccountMaps.delete(rg, 'trade', 'Sum');
  await assert.rejects(client.integrationAccountMaps.get(rg, 'trade', 'Sum'), (e) => e.statusCode === 404);
  await client.integrationAccounts.delete(rg, 'trade');
  await assert.rejects(client.integrationAccountPartners.get(rg, 'trade', 'p'), (e) => e.statusCode === 501);
});

test('contents of an integration account by signed URLs, which end with their key and their time', async (t) => {
  const s = await serve(t), client = plain(s), rg = 'default';
  await client.integrationAccounts.createOrUpdate(rg, 'trade', { location: 'westeurope', sku: { name: 'Standard' } });
  const texts = { Maps: '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>', Schemas: '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>' };
  const got = async (url, headers = {}) => { const r = await fetch(url, { headers }); const text = await r.text(); return r.ok ? text : [r.status, JSON.parse(text).error.code]; };
  for (const [kind, content] of Object.entries(texts)) {
    const group = client[`integrationAccount${kind}`];
    const made = await group.createOrUpdate(rg, 'trade', 'A (1)', { location: 'x', contentType: 'application/xml', content, ...(kind === 'Maps' ? { mapType: 'Xslt' } : { schemaType: 'Xml' }) });
    for (const x of [made, await group.get(rg, 'trade', 'A (1)'), (await all(group.list(rg, 'trade')))[0]]) {
      assert.equal(await got(x.contentLink.uri), content);
      assert.ok(new URL(x.contentLink.uri).searchParams.get('se'), 'such a link ends');
    }
    const url = await group.listContentCallbackUrl(rg, 'trade', 'a (1)', {});
    assert.deepEqual([url.method, url.queries.sp, url.queries.se], ['GET', `/${kind.toLowerCase()}/A (1)/contents/Content/read`, undefined]);
    assert.ok(url.value.startsWith(`${url.basePath}?`));
    assert.equal(await got(url.value), content);
    assert.equal((await fetch(url.value, { method: 'HEAD' })).status, 200);
    assert.equal((await fetch(url.value, { method: 'POST' })).status, 405);
    assert.equal((await fetch(url.value)).headers.get('content-type'), 'application/xml');
    const end = Date.now() + 1500, brief = await group.listContentCallbackUrl(rg, 'trade', 'A (1)', { notAfter: new Date(end) });
    const second = await group.listContentCallbackUrl(rg, 'trade', 'A (1)', { keyType: 'Secondary', notAfter: new Date(Date.now() + 3600e3) });
    assert.notEqual(second.queries.sig, url.queries.sig);
    assert.equal(await got(second.value), content);
    // what is not signed, is no more, or is for another thing
    assert.deepEqual(await got(url.basePath), [401, 'DirectApiAuthorizationRequired']);
    assert.deepEqual(await got(url.basePath, { authorization: `Bearer ${s.token}` }), [401, 'DirectApiAuthorizationRequired']);
    assert.deepEqual(await got(url.value, { authorization: `Bearer ${s.token}` }), [401, 'DirectApiRequestHasMoreThanOneAuthorization']);
    assert.deepEqual(await got(url.value.replace(/sig=./, (x) => (x === 'sig=a' ? 'sig=b' : 'sig=a'))), [401, 'AuthorizationFailed']);
    assert.deepEqual(await got(url.value.replace(`/${kind.toLowerCase()}/`, kind === 'Maps' ? '/schemas/' : '/maps/')), [403, 'AuthorizationFailed']);
    assert.deepEqual(await got(url.value.replace('A%20', 'B%20')), [403, 'AuthorizationFailed']);
    assert.deepEqual(await got(url.value.replace(/integrationAccounts\/[0-9a-f]{8}/, 'integrationAccounts/00000000')), [404, 'NotFound']);
    const refused = await until('the end of its time', async () => { const r = await got(brief.value); return r !== content && r; });
    assert.ok(Date.now() >= end);
    assert.deepEqual(refused, [401, 'AuthorizationFailed']);
    assert.equal(await got(second.value), content);
    // exchanging the other key leaves it, exchanging its own ends it
    await client.integrationAccounts.regenerateAccessKey(rg, 'trade', { keyType: 'Secondary' });
    assert.equal(await got(url.value), content);
    assert.equal((await client.integrationAccounts.regenerateAccessKey(rg, 'trade', { keyType: 'Primary' })).sku.name, 'Standard');
    assert.deepEqual(await got(url.value), [401, 'AuthorizationFailed']);
    const again = await group.listContentCallbackUrl(rg, 'trade', 'A (1)', {});
    await group.delete(rg, 'trade', 'A (1)');
    assert.deepEqual(await got(again.value), [404, 'NotFound']);
    await assert.rejects(group.listContentCallbackUrl(rg, 'trade', 'A (1)', {}), (e) => e.statusCode === 404);
    await assert.rejects(group.listContentCallbackUrl(rg, 'trade', 'A (1)', { keyType: 'Third' }), (e) => e.statusCode === 400);
  }
  // who may only read cannot make one
  await s.api('POST', '/api/v1/users', { name: 'eva', grants: [{ role: 'reader' }] });
  const { json: reader } = await s.api('POST', '/api/v1/tokens', { user: 'eva' });
  await client.integrationAccountMaps.createOrUpdate(rg, 'trade', 'M', { location: 'x', contentType: 'application/xml', content: texts.Maps, mapType: 'Xslt' });
  for (const path of ['maps/M:callback', ':regenerateKey']) assert.equal((await s.api('POST', `/api/v1/integrationAccounts/trade${path.startsWith(':') ? '' : '/'}${path}`, {}, { token: reader.token })).status, 403, path);
  assert.equal(await got((await s.api('POST', '/api/v1/integrationAccounts/trade/maps/M:callback', {})).json.value), texts.Maps);
});

test('an integration account from before it had keys gets them when a URL is asked for, once', async (t) => {
  const dir = temporary(t), args = ['--set', 'workers=3'];
  const path = '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/integrationAccounts/old', v = '?api-version=2019-05-01';
  const before = await serve(t, { dir, args });
  await before.api('PUT', `${path}${v}`, { location: 'x', sku: { name: 'Free' } });
  await before.api('PUT', `${path}/maps/m${v}`, { properties: { mapType: 'Xslt', content: '<a/>' } });
  await before.stop();
  execFileSync('python3', ['-c', "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('update accounts set key1 = null, key2 = null'); c.commit()", join(dir, 'raccord.db')]);
  const s = await serve(t, { dir, args });
  const link = async () => (await s.api('GET', `${path}/maps/m${v}`)).json.properties.contentLink.uri;
  assert.match(await link(), /\/api\/v1\//);
  const urls = await Promise.all([1, 2, 3, 4, 5, 6].map(async () => (await s.api('POST', `${path}/maps/m/listContentCallbackUrl${v}`)).json.value));
  assert.equal(new Set(urls).size, 1);
  for (const url of [urls[0], await link()]) assert.equal(await (await fetch(url)).text(), '<a/>');
});

test('the rest of the client: repetitions, request bodies, traces, two triggers, moving', async (t) => {
  const service = await backend(t, (req, res) => {
    if (req.method === 'POST') { res.writeHead(202, { location: '/status', 'retry-after': '1', 'content-type': 'application/json' }); res.end('{"state":"begun"}'); return; }
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end('{"done":true}');
  });
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8', '--set', 'workers=2'] });
  const client = plain(s), rg = 'default', w = client.workflows;
  await w.createOrUpdate(rg, 'two', { location: 'x', definition: { $schema: schema, contentVersion: '1.0.0.0',
    triggers: {
      manual: { type: 'Request', kind: 'Http', inputs: {} },
      tick: { type: 'Recurrence', recurrence: { frequency: 'Month', interval: '1', startTime: '2030-01-01T00:00:00Z', schedule: { monthlyOccurrences: [{ dayOfWeek: 'Monday', occurrence: 1 }] } } },
    },
    actions: {
      Loop: { type: 'Foreach', foreach: [1, 2], operationOptions: 'Sequential', runAfter: {}, actions: {
        Long: { type: 'Http', inputs: { method: 'POST', uri: `${service.url}/long`, body: { item: '@item()' } }, runAfter: {} },
        Which: { type: 'If', expression: { equals: ['@item()', 1] }, actions: { One: { type: 'Compose', inputs: { a: 'one @{item()}', b: [1, "@add(1, item())"] }, runAfter: {} } }, runAfter: { Long: ['Succeeded'] } } } },
      Who: { type: 'Compose', inputs: "@trigger()['name']", runAfter: {} },
    } } });

  // each run and each evaluation stands with the trigger that fired
  const fire = async (trigger) => {
    await client.workflowTriggers.run(rg, 'two', trigger);
    return until(`a run of ${trigger}`, async () => { const v = await all(client.workflowTriggerHistories.list(rg, 'two', trigger)); return v.length && v[0].run.name; });
  };
  const ended = (name) => until('the run ends', async () => { const r = await client.workflowRuns.get(rg, 'two', name); return r.endTime && r; });
  for (const trigger of ['tick', 'manual']) {
    const run = await ended(await fire(trigger));
    assert.equal(run.trigger.name, trigger);
    const { outputsLink } = await client.workflowRunActions.get(rg, 'two', run.name, 'Who');
    assert.equal(await (await fetch(outputsLink.uri)).json(), trigger);
    const [fired] = await all(client.workflowTriggerHistories.list(rg, 'two', trigger));
    assert.equal(fired.outputsLink !== undefined, trigger === 'manual', 'a timer has no outputs');
    assert.equal(run.trigger.outputsLink !== undefined, trigger === 'manual');
  }
  const triggers = await all(client.workflowTriggers.list(rg, 'two'));
  assert.equal(triggers[0].status, 'Succeeded');
  assert.ok(triggers[0].lastExecutionTime instanceof Date);
  assert.deepEqual(triggers[1].recurrence.schedule.monthlyOccurrences, [{ day: 'Monday', occurrence: 1 }]);
  assert.strictEqual(triggers[1].recurrence.interval, 1);
  assert.deepEqual((await all(w.listByResourceGroup(rg, { filter: "trigger eq 'tick' and state eq 'Enabled'" }))).map((x) => x.name), ['two']);
  assert.deepEqual(await all(w.listByResourceGroup(rg, { filter: "trigger eq 'nobody'" })), []);

  // requests of a repetition, with what was sent and answered
  const [{ name: run }] = await all(client.workflowRuns.list(rg, 'two', { top: 1 }));
  const long = await client.workflowRunActions.get(rg, 'two', run, 'Long');
  assert.equal(long.trackingId, undefined); // a sum over repetitions is no single record
  const requests = await all(client.workflowRunActionRepetitionsRequestHistories.list(rg, 'two', run, 'Long', '000001'));
  const text = async (link) => link && JSON.parse(await (await fetch(link.uri)).text());
  assert.deepEqual(await Promise.all(requests.map(async ({ properties: p }) => [p.request.method, await text(p.request.bodyLink), p.response.statusCode, await text(p.response.bodyLink)])),
    [['POST', { item: 2 }, 202, { state: 'begun' }], ['GET', undefined, 200, { done: true }]]);
  const again = await client.workflowRunActionRepetitionsRequestHistories.get(rg, 'two', run, 'Long', '000001', requests[1].name);
  assert.equal(again.properties.request.uri, `${service.url}/status`);
  assert.equal((await fetch(requests[0].properties.request.bodyLink.uri.replace('RequestBody', 'ResponseBody'))).status, 403);

  // iterations, expressions
  assert.deepEqual((await client.workflowRunActionScopeRepetitions.get(rg, 'two', run, 'Loop', '000001')).repetitionIndexes, [{ scopeName: 'Loop', itemIndex: 1 }]);
  const traces = await all(client.workflowRunActionRepetitions.listExpressionTraces(rg, 'two', run, 'One', '000000'));
  assert.deepEqual(traces.map((x) => [x.path, x.text, x.value]), [['a', 'one @{item()}', 'one 1'], ['b[1]', '@add(1, item())', 2]]);
  for (const x of traces) assert.deepEqual(x.subexpressions, [{ text: 'item()', value: 1, subexpressions: [] }]);
  assert.equal((await client.workflowRunOperations.get(rg, 'two', run, '0')).status, 'Succeeded');

  // states and names
  await client.workflowTriggers.setState(rg, 'two', 'tick', { source: { flowName: 'two', triggerName: 'tick' } });
  await client.workflowTriggers.reset(rg, 'two', 'tick');
  const { version } = await w.get(rg, 'two');
  const bound = await client.workflowVersionTriggers.listCallbackUrl(rg, 'two', version, 'manual', { parameters: { keyType: 'Secondary', notAfter: new Date(Date.now() + 60e3) } });
  assert.ok(bound.queries.se && bound.queries.sp.includes(version));
  await w.beginMoveAndWait(rg, 'two', { id: '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/workflows/moved' });
  assert.equal((await w.get(rg, 'moved')).version, version);
  for (const [code, call] of [
    ['WorkflowNotFound', () => w.get(rg, 'two')],
    ['WorkflowRunNotFound', () => client.workflowRuns.get(rg, 'moved', '08584648327511354300630092291CU00')],
    ['WorkflowRunActionNotFound', () => client.workflowRunActions.get(rg, 'moved', run, 'Nobody')],
    ['WorkflowTriggerNotFound', () => client.workflowTriggers.get(rg, 'moved', 'nobody')],
    ['WorkflowTriggerHistoryNotFound', () => client.workflowTriggerHistories.get(rg, 'moved', 'manual', 'x')],
    ['WorkflowVersionNotFound', () => client.workflowVersions.get(rg, 'moved', 'x')],
    ['ResourceGroupNotFound', () => w.get('nobody', 'moved')],
  ]) await assert.rejects(call(), (e) => e.statusCode === 404 && e.code === code, code);
  await assert.rejects(all(client.workflowRuns.list(rg, 'moved', { top: 251 })), (e) => e.statusCode === 400 && e.code === 'InvalidTopParameter');
});

const nginx = process.env.PATH.split(':').map((d) => join(d, 'nginx')).find(existsSync);

// nginx with packaging/nginx.conf, only names, ports and files put in.
async function proxy(t, backendUrl, port) {
  const dir = temporary(t);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'fullchain.pem')], { stdio: 'ignore' });
  const site = readFileSync(join(root, 'packaging/nginx.conf'), 'utf8')
    .replaceAll('/etc/ssl/raccord/', `${dir}/`).replace('127.0.0.1:8080', new URL(backendUrl).host)
    .replace('listen 443', `listen 127.0.0.1:${port}`).replaceAll('raccord.example', 'localhost');
  mkdirSync(join(dir, 'tmp'));
  writeFileSync(join(dir, 'nginx.conf'), `daemon off; pid ${dir}/pid; error_log ${dir}/error.log; events {} http { access_log off;
    client_body_temp_path ${dir}/tmp/a; proxy_temp_path ${dir}/tmp/b; fastcgi_temp_path ${dir}/tmp/c; uwsgi_temp_path ${dir}/tmp/d; scgi_temp_path ${dir}/tmp/e;\n${site}\n}`);
  const child = spawn(nginx, ['-p', dir, '-c', join(dir, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (d) => { log += d; });
  t.after(() => child.kill());
  const ca = readFileSync(join(dir, 'fullchain.pem'), 'utf8');
  const { Agent, request } = await import('node:https');
  const agent = new Agent({ ca });
  const call = (url, body, method = 'POST') => new Promise((ok, fail) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const r = request(url, { agent, method, headers: text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, async (res) => {
      const chunks = [];
      for await (const c of res) chunks.push(c);
      ok({ status: res.statusCode, text: Buffer.concat(chunks).toString(), run: res.headers['x-ms-workflow-run-id'] });
    });
    r.on('error', fail);
    r.end(text);
  });
  await until(`nginx is up\n${log}`, async () => { try { return (await call(`https://localhost:${port}/healthz`, undefined, 'GET')).status === 200; } catch { return false; } });
  return { ca, call };
}

test('the life of a workflow over TLS through the shipped nginx configuration', { skip: nginx ? false : 'nginx is not installed' }, async (t) => {
  const service = await item(t);
  const port = await freePort(), behind = await freePort();
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8', '--set', 'workers=2', '--listen', `127.0.0.1:${behind}`, '--set', `public.url=https://localhost:${port}`] });
  const { ca, call } = await proxy(t, `http://127.0.0.1:${behind}`, port);
  const credential = { getToken: async () => ({ token: s.token, expiresOnTimestamp: Date.now() + 3600e3 }) };
  const client = new LogicManagementClient(credential, 'default', { endpoint: `https://localhost:${port}`, tlsOptions: { ca }, retryOptions: { maxRetries: 0 } });
  await life(client, service.url, call);
});
