// Every operation of npm @azure/arm-logic, and every field of every model it reads, held against what we
// answer: the client's own mappers say what a model has. A field that no answer of this walk carries
// must be in the list of those that mean nothing here, each with its reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, operationsOf, plain, watch } from './lib/arm.mjs';
import { backend, serve, until } from './lib/raccord.mjs';

const rg = 'default';
const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
const of = (triggers, actions, more = {}) => ({ $schema: schema, contentVersion: '1.0.0.0', triggers, actions, ...more });
const after = (name) => ({ [name]: ['Succeeded'] });
const never = { frequency: 'Day', interval: 1, startTime: '2060-01-01T00:00:00Z' };

const recurrence = { frequency: 'Month', interval: 1, startTime: '2050-01-01T00:00:00Z', endTime: '2061-01-01T00:00:00Z', timeZone: 'UTC', schedule: { monthDays: [1, 2] } };
const weekly = { ...never, frequency: 'Week', schedule: { weekDays: ['Monday'], hours: [3], minutes: [0] } };
const monthly = { ...never, frequency: 'Month', schedule: { monthlyOccurrences: [{ day: 'Monday', occurrence: 1 }] } };
const refused = { type: 'Http', inputs: { method: 'GET', uri: 'http://127.0.0.1:1/', retryPolicy: { type: 'fixed', count: 1, interval: 'PT5S' } }, runAfter: {} };
const access = { allowedCallerIpAddresses: [{ addressRange: '127.0.0.0/8' }], openAuthenticationPolicies: { policies: { p: { type: 'AAD', claims: [{ name: 'iss', value: 'https://sts.windows.net/x/' }] } } } };
const addresses = { outgoingIpAddresses: [{ address: '192.0.2.1' }], accessEndpointIpAddresses: [{ address: '192.0.2.2' }] };

const everything = (service) => of(
  { manual: { type: 'Request', kind: 'Http', inputs: { schema: { type: 'object' } }, correlation: { clientTrackingId: "@triggerBody()['who']" } },
    tick: { type: 'Recurrence', recurrence },
    week: { type: 'Recurrence', recurrence: weekly },
    occur: { type: 'Recurrence', recurrence: monthly },
    timer: { type: 'Recurrence', recurrence: { frequency: 'Day', interval: 1 } },
    look: { type: 'Http', inputs: { method: 'GET', uri: `${service}/items` }, recurrence: never },
    broken: { type: 'Http', inputs: { method: 'GET', uri: `${service}/gone`, retryPolicy: { type: 'none' } }, recurrence: never } },
  { Each: { type: 'Foreach', foreach: [1, 2], runAfter: {}, actions: {
      Ask: { type: 'Http', inputs: { method: 'POST', uri: `${service}/ask`, body: '@item()', retryPolicy: { type: 'fixed', count: 1, interval: 'PT5S' } }, trackedProperties: { item: "@action()['inputs']['body']" }, runAfter: {} },
      Lost: refused,
      Bad: { type: 'Compose', inputs: "@json('no')", runAfter: after('Ask') } } },
    Again: { type: 'Until', expression: '@equals(1, 1)', limit: { count: 3 }, runAfter: { Each: ['Failed'] }, actions: {
      Inner: { type: 'Foreach', foreach: [1], runAfter: {}, actions: { Deep: { type: 'Compose', inputs: 1, runAfter: {} } } } } },
    Flaky: { type: 'Http', inputs: { method: 'GET', uri: `${service}/flaky`, retryPolicy: { type: 'fixed', count: 2, interval: 'PT5S' } }, trackedProperties: { a: 1 }, runAfter: {} },
    Response: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: { a: 1 } }, trackedProperties: { answered: true }, runAfter: { Flaky: ['Succeeded'], Again: ['Succeeded', 'Failed'] } },
    Refused: refused,
    Fails: { type: 'Http', inputs: { method: 'GET', uri: `${service}/gone`, retryPolicy: { type: 'none' } }, runAfter: after('Response') } },
  { parameters: { p: { type: 'Int', defaultValue: 1, metadata: { d: 1 }, description: 'a number' } },
    outputs: { good: { type: 'Int', value: 3, metadata: { m: 1 }, description: 'three' }, bad: { type: 'String', value: "@string(json('no'))" } } });

// What no answer has, and why.
const meaningless = {
  '(IntegrationAccount|Workflow)\\.integrationServiceEnvironment': 'there is none (501)',
  'Workflow(Version)?\\.sku\\.plan': 'nothing is billed',
  'Workflow\\.identity\\.(tenantId|principalId)': 'an identity is an endpoint that gives tokens here, no principal',
  'Workflow\\.identity\\.userAssignedIdentities\\{\\}\\.(principalId|clientId)': 'nor is one of these',
  'IntegrationAccount(Map|Schema)\\.content': 'by contentLink, as of every value',
  'WorkflowRun\\.(trigger|response)\\.(inputs|outputs)': 'by link',
  'WorkflowRunActionRepetitionDefinition\\.(inputs|outputs)': 'by link',
  '.*Link\\.metadata': 'a link has nothing more to say (optional, §7.4)',
  'WorkflowRun\\.trigger\\.error': 'a trigger that failed started no run',
  'WorkflowRun\\.response\\.error': 'a Response that failed sent none',
  'WorkflowRun\\.response\\.outputsLink': 'a Response has inputs only (§3.3)',
  'WorkflowRun\\.response\\.scheduledTime': 'nobody schedules a Response',
  'WorkflowRun\\.trigger\\.trackedProperties': 'properties are tracked of actions (§4.13)',
  '.*\\.correlation\\.clientKeywords': 'nothing in a definition gives any',
  'ExpressionTraces\\.inputs\\[\\]\\.error\\.details': 'an expression has one error',
  '(Operation|WorkflowRunActionRepetitionDefinition|RequestHistory)(ListResult|Collection)\\.nextLink': 'they fit one page here',
  '(WorkflowRunActionRepetitionDefinition|RequestHistory)\\.(location|tags)': 'records of a run have no place of their own; the base of the model has',
};
// What answers tell besides.
const extra = ['IntegrationAccount.properties.createdTime', 'IntegrationAccount.properties.changedTime', 'WorkflowVersion.identity', 'WorkflowRunTrigger.originHistoryName',
  'WorkflowRunAction.properties.iterationCount', 'WorkflowRunAction.properties.canResubmit', 'WorkflowRunAction.properties.repetitionCount', 'Request.bodyLink', 'RequestHistoryProperties.error', 'ErrorProperties.source', 'ErrorProperties.clientRequestId'];
// Operations on what does not exist here.
const absent = /^integrationService|^integrationAccount(Partners|Agreements|Certificates|Sessions|Assemblies)\.|^integrationAccounts\.(listKeyVaultKeys|listCallbackUrl|logTrackingEvents)$/;

test('what the client reads, field by field', async (t) => {
  const met = new Set(); // the first request of each run fails
  const service = await backend(t, (req, res) => {
    const once = req.url + req.headers['x-ms-workflow-run-id'], first = !met.has(once);
    met.add(once);
    const status = req.url === '/gone' ? 404 : first && ['/flaky', '/ask'].includes(req.url) ? 503 : 200;
    res.writeHead(status, { 'content-type': 'application/json', 'x-ms-request-id': '0b1e1b0e-52fd-4f7d-9f5c-1bd5c9d1d4e8' });
    res.end('{"value":[1]}');
  });
  const s = await serve(t, { args: ['--set', 'egress.allow=127.0.0.0/8', '--set', 'workers=2'] });
  const client = plain(s), seen = watch(client), w = client.workflows, lists = new Set(), failed = [];

  // integration accounts
  const accounts = client.integrationAccounts;
  const account = await accounts.createOrUpdate(rg, 'trade', { location: 'westeurope', tags: { a: 'b' }, sku: { name: 'Standard' }, state: 'Enabled' });
  await accounts.update(rg, 'trade', { tags: { a: 'c' } });
  await accounts.createOrUpdate(rg, 'other', { location: 'westeurope', sku: { name: 'Free' } });
  await accounts.get(rg, 'trade');
  await all(accounts.listBySubscription());
  await all(accounts.listBySubscription({ top: 1 }));
  await all(accounts.listByResourceGroup(rg));
  const xslt = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>', xsd = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"/>';
  const both = { location: 'westeurope', tags: { a: 'b' }, metadata: { m: 1 }, contentType: 'application/xml' };
  for (const name of ['A', 'B']) {
    await client.integrationAccountMaps.createOrUpdate(rg, 'trade', name, { ...both, mapType: 'Xslt', content: xslt, parametersSchema: { ref: 'r' } });
    await client.integrationAccountSchemas.createOrUpdate(rg, 'trade', name, { ...both, schemaType: 'Xml', content: xsd, targetNamespace: 'urn:o', documentName: 'o', fileName: 'o.xsd' });
  }
  for (const [name, r] of Object.entries({ A: recurrence, B: weekly, C: monthly }))
    await client.integrationAccountBatchConfigurations.createOrUpdate(rg, 'trade', name, { location: 'westeurope', tags: { a: 'b' }, properties: { batchGroupName: 'all', releaseCriteria: { messageCount: 10, batchSize: 1000, recurrence: r }, metadata: { m: 1 } } });
  for (const group of ['Maps', 'Schemas', 'BatchConfigurations'].map((x) => `integrationAccount${x}`)) {
    await client[group].get(rg, 'trade', 'A');
    assert.deepEqual((await all(client[group].list(rg, 'trade'))).map((x) => x.name).slice(0, 2), ['A', 'B']);
  }

  // workflows and what is said about them
  const resource = { location: 'westeurope', tags: { a: 'b' }, definition: everything(service.url), parameters: { p: { type: 'Int', value: 2, metadata: { d: 1 }, description: 'a number' } },
    identity: { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { '/subscriptions/default/resourceGroups/default/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u': {} } }, integrationAccount: { id: account.id },
    endpointsConfiguration: { workflow: addresses, connector: addresses }, accessControl: { contents: access, workflowManagement: access, triggers: access, actions: access } };
  await w.createOrUpdate(rg, 'w', resource);
  await w.createOrUpdate(rg, 'w', { ...resource, tags: { a: 'c' } });
  await w.createOrUpdate(rg, 'x', { location: 'westeurope', definition: of({ manual: { type: 'Request', kind: 'Http', inputs: { method: 'POST', relativePath: 'a/{b}' } } }, { R: { type: 'Wait', inputs: { interval: { count: 1, unit: 'Hour' } }, runAfter: {} } }) });
  await w.validateByResourceGroup(rg, 'w', resource);
  await w.validateByLocation(rg, 'westeurope', 'w', resource);
  const { version } = await w.get(rg, 'w');
  await w.update(rg, 'w');
  await all(w.listBySubscription());
  await all(w.listByResourceGroup(rg));
  await all(client.workflowVersions.list(rg, 'w'));
  await client.workflowVersions.get(rg, 'w', version);
  await client.workflowVersionTriggers.listCallbackUrl(rg, 'w', version, 'manual');
  await client.workflowTriggers.getSchemaJson(rg, 'w', 'manual');
  const soon = new Date(Date.now() + 3600e3);
  await w.listCallbackUrl(rg, 'x', { notAfter: soon, keyType: 'Secondary' });
  await w.listSwagger(rg, 'w');
  await w.generateUpgradedDefinition(rg, 'w', { targetSchemaVersion: '2016-06-01' });
  await all(client.operations.list());

  // a run of everything, polls that fire and fail, a run that waits
  const { value } = await client.workflowTriggers.listCallbackUrl(rg, 'w', 'manual');
  await client.workflowTriggers.listCallbackUrl(rg, 'x', 'manual');
  for (let i = 0; i < 2; i++) assert.equal((await fetch(value, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"who":"me"}' })).status, 200);
  await client.workflowTriggers.run(rg, 'w', 'look');
  await client.workflowTriggers.run(rg, 'w', 'broken').catch((e) => assert.ok(e.statusCode >= 400));
  await client.workflowTriggers.run(rg, 'x', 'manual');
  const runs = await until('runs that end', async () => { const v = await all(client.workflowRuns.list(rg, 'w')); return v.length >= 4 && v.every((r) => r.endTime) && v; });
  const run = runs.find((r) => r.trigger.name === 'manual').name;
  assert.deepEqual((await all(client.workflowRuns.list(rg, 'w', { top: 1 }))).map((r) => r.name), runs.map((r) => r.name));
  for (const r of runs) await client.workflowRuns.get(rg, 'w', r.name);
  await client.workflowRunOperations.get(rg, 'w', run, '0');
  await all(client.workflowTriggers.list(rg, 'w'));
  for (const trigger of ['manual', 'timer', 'look', 'broken']) {
    await client.workflowTriggers.get(rg, 'w', trigger);
    for (const h of await all(client.workflowTriggerHistories.list(rg, 'w', trigger))) await client.workflowTriggerHistories.get(rg, 'w', trigger, h.name);
  }

  // what its actions did
  const actions = client.workflowRunActions;
  for (const a of await all(actions.list(rg, 'w', run))) {
    if (a.status === 'Failed') failed.push(a.name);
    await actions.get(rg, 'w', run, a.name);
    await all(actions.listExpressionTraces(rg, 'w', run, a.name));
    for (const r of await all(client.workflowRunActionRepetitions.list(rg, 'w', run, a.name))) {
      await client.workflowRunActionRepetitions.get(rg, 'w', run, a.name, r.name);
      await all(client.workflowRunActionRepetitions.listExpressionTraces(rg, 'w', run, a.name, r.name));
      for (const q of await all(client.workflowRunActionRepetitionsRequestHistories.list(rg, 'w', run, a.name, r.name))) await client.workflowRunActionRepetitionsRequestHistories.get(rg, 'w', run, a.name, r.name, q.name);
    }
    for (const r of await all(client.workflowRunActionScopeRepetitions.list(rg, 'w', run, a.name))) await client.workflowRunActionScopeRepetitions.get(rg, 'w', run, a.name, r.name);
    for (const q of await all(client.workflowRunActionRequestHistories.list(rg, 'w', run, a.name))) await client.workflowRunActionRequestHistories.get(rg, 'w', run, a.name, q.name);
  }

  // lists by pages and by filters
  for (const { url, value } of seen.pages.filter((p) => p.top && p.value.length > 1)) {
    const path = new URL(url), found = [];
    path.searchParams.set('$top', '1');
    for (let next = path.href; next;) {
      const r = await s.api('GET', next.slice(s.url.length));
      assert.equal(r.status, 200, `${next}: ${r.text}`);
      assert.ok(r.json.value.length <= 1, next);
      found.push(...r.json.value.map((x) => x.id));
      next = r.json.nextLink;
      assert.ok(!next || next.startsWith(`${s.url}/subscriptions/`), next);
      if (next) lists.add(path.pathname.split('/').at(-1));
    }
    assert.deepEqual(found, value.map((x) => x.id), url);
  }
  assert.deepEqual([...lists].sort(), ['actions', 'histories', 'integrationAccounts', 'maps', 'runs', 'schemas', 'triggers', 'versions', 'workflows']);
  for (const pages of [client.integrationAccountSchemas.list(rg, 'trade', { top: 1 }), w.listByResourceGroup(rg, { top: 1 }), client.workflowVersions.list(rg, 'w', { top: 1 }), client.workflowTriggers.list(rg, 'w', { top: 1 }), client.workflowTriggerHistories.list(rg, 'w', 'manual', { top: 1 })])
    assert.ok((await all(pages)).length > 1);
  const names = async (pages) => (await all(pages)).map((x) => x.name);
  await w.disable(rg, 'x');
  for (const [pages, expected] of [
    [w.listByResourceGroup(rg, { filter: "state eq 'Disabled'" }), ['x']],
    [client.workflowTriggers.list(rg, 'x', { filter: "state eq 'Enabled'" }), []],
    [client.workflowTriggers.list(rg, 'x', { filter: "state eq 'Disabled'", top: 1 }), ['manual']],
    [client.workflowTriggerHistories.list(rg, 'w', 'broken', { filter: "status eq 'Succeeded'" }), []],
    [client.workflowRuns.list(rg, 'w', { filter: "status eq 'Cancelled'" }), []],
    [actions.list(rg, 'w', run, { filter: "status eq 'Failed'", top: 1 }), failed],
    [client.integrationAccountMaps.list(rg, 'trade', { filter: "mapType eq 'Liquid'" }), []],
    [client.integrationAccountMaps.list(rg, 'trade', { filter: "mapType eq 'Xslt'", top: 1 }), ['A', 'B']],
    [client.integrationAccountSchemas.list(rg, 'trade', { filter: "schemaType eq 'NotSpecified'" }), []],
    [client.integrationAccountSchemas.list(rg, 'trade', { filter: "schemaType eq 'Xml'" }), ['A', 'B']],
  ]) assert.deepEqual(await names(pages), expected);
  assert.deepEqual((await all(client.workflowTriggerHistories.list(rg, 'w', 'broken', { filter: "status eq 'Failed'" }))).map((h) => h.fired), [false]);
  await assert.rejects(names(client.integrationAccountMaps.list(rg, 'trade', { filter: "colour eq 'red'" })), (e) => e.statusCode === 400 && e.code === 'InvalidFilterInQuery');

  // every id that was met is had under itself
  for (const id of seen.ids) {
    const r = await s.api('GET', `${id}?api-version=2019-05-01`);
    assert.deepEqual([r.status, r.json.id], [200, id], id);
  }

  // what changes things, and takes them away
  await client.workflowTriggers.reset(rg, 'w', 'look');
  await client.workflowTriggers.setState(rg, 'w', 'look', { source: { flowName: 'w', triggerName: 'look' } });
  await client.workflowTriggerHistories.resubmit(rg, 'w', 'manual', run);
  await w.enable(rg, 'x');
  await client.workflowTriggers.run(rg, 'x', 'manual');
  await client.workflowRuns.cancel(rg, 'x', (await all(client.workflowRuns.list(rg, 'x', { top: 1 })))[0].name);
  await w.regenerateAccessKey(rg, 'x', { keyType: 'Secondary' });
  await w.beginMoveAndWait(rg, 'x', { id: '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/workflows/y' });
  seen.called.add('workflows.beginMove');
  await w.delete(rg, 'y');
  for (const kind of ['Maps', 'Schemas']) {
    await client[`integrationAccount${kind}`].listContentCallbackUrl(rg, 'trade', 'A', { keyType: 'Primary', notAfter: soon });
    await client[`integrationAccount${kind}`].delete(rg, 'trade', 'A');
  }
  await client.integrationAccountBatchConfigurations.delete(rg, 'trade', 'A');
  await accounts.regenerateAccessKey(rg, 'trade', { keyType: 'Primary' });
  await accounts.delete(rg, 'other');
  await accounts.delete(rg, 'other');
  await client.integrationAccountMaps.delete(rg, 'trade', 'A');

  // what does not exist here says what to do instead
  const party = { qualifier: 'q', value: 'v' }, parts = [rg, 'trade', 'p'];
  const resources = { integrationAccountPartners: { partnerType: 'B2B', content: {} }, integrationAccountAssemblies: { properties: { assemblyName: 'a' } },
    integrationAccountAgreements: { agreementType: 'AS2', hostPartner: 'h', guestPartner: 'g', hostIdentity: party, guestIdentity: party, content: {} } };
  const bodies = { listContentCallbackUrl: {}, listKeyVaultKeys: { keyVault: {} }, listCallbackUrl: {}, logTrackingEvents: { sourceType: 's', events: [] }, beginCreateOrUpdate: {}, beginUpdate: {}, beginPut: {} };
  for (const operation of operationsOf(client).filter((o) => absent.test(o))) {
    const [group, method] = operation.split('.');
    const body = method === 'createOrUpdate' ? resources[group] ?? {} : bodies[method];
    const most = method === 'listBySubscription' ? 0 : method === 'listByResourceGroup' ? 1 : group === 'integrationAccounts' || (method === 'list' && !group.endsWith('ManagedApiOperations')) || /^integrationServiceEnvironment(s|NetworkHealth)$/.test(group) ? 2 : 3;
    const call = async () => { const v = client[group][method](...parts.slice(0, most), ...(body ? [body] : [])); return v[Symbol.asyncIterator] ? all(v) : v; };
    await assert.rejects(call(), (e) => {
      assert.deepEqual([e.statusCode, e.code], [501, 'NotImplemented'], `${operation}: ${e.stack}`);
      assert.match(e.message, /\b(Keep|Call|Give|Leave|Write|Use|have URLs)\b/, operation);
      return true;
    });
  }

  assert.deepEqual(operationsOf(client).filter((o) => !seen.called.has(o)), []);
  assert.deepEqual([...seen.wrong], []);
  assert.deepEqual([...seen.extra].filter((x) => !extra.includes(x)), []);
  const missing = seen.properties().filter((p) => !seen.seen.has(p)), excused = Object.keys(meaningless).map((k) => new RegExp(`^(${k})$`));
  assert.deepEqual(missing.filter((p) => !excused.some((k) => k.test(p))), [], 'fields that nothing has');
  assert.deepEqual(excused.filter((k) => !missing.some((p) => k.test(p))), [], 'excused, and there');
});
