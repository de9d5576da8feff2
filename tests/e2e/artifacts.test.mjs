// Integration accounts: maps and schemas on a server, natively, through the ARM adapter, in runs.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { described, operations } from './lib/described.mjs';
import { sanitized, serve, until } from './lib/raccord.mjs';
import { zip } from './lib/zip.mjs';

const ok = (r) => { assert.ok(r.status < 300, `${r.status} ${r.text}`); return r.json; };
const map = (body, version = '1.0') => `<xsl:stylesheet version="${version}" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">\n${body}</xsl:stylesheet>`;
const order = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="order"><xs:complexType><xs:sequence><xs:element name="n" type="xs:int" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element></xs:schema>';
const sum = map('<xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="sum(//n)"/></xsl:template>');
const flow = (actions, more = {}) => ({ definition: { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0', triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions }, ...more });
const A = '/api/v1/integrationAccounts';
const arm = (path, v = '2019-05-01') => `/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/integrationAccounts${path}?api-version=${v}`;
const check = { type: 'XmlValidation', inputs: { content: '@triggerBody()', integrationAccount: { schema: { name: 'Order' } } } };
const total = { type: 'Xslt', inputs: { content: '@triggerBody()', integrationAccount: { map: { name: 'Sum' } } }, runAfter: { Check: ['Succeeded'] } };
const answer = { type: 'Response', inputs: { body: "@body('Total')" }, runAfter: { Total: ['Succeeded'] } };

async function account(s, name, files = {}) {
  ok(await s.api('PUT', `${A}/${name}`, { location: 'here' }));
  for (const [path, content] of Object.entries(files)) ok(await s.api('PUT', `${A}/${name}/${path}`, { content }));
}
const url = async (s, w) => ok(await s.api('POST', `/api/v1/workflows/${w}/triggers/manual:callback`, {})).value;
const post = async (to, body) => { const r = await fetch(to, { method: 'POST', body, headers: { 'content-type': 'text/plain' } }); return { status: r.status, text: await r.text() }; };
const last = async (s, w) => { const [run] = ok(await s.api('GET', `/api/v1/workflows/${w}/runs`)).value; return ok(await s.api('GET', `/api/v1/runs/${run.id}?$expand=properties/actions`)); };

test('accounts, maps and schemas: made, listed, replaced, downloaded, deleted', async (t) => {
  const s = await serve(t);
  const made = await s.api('PUT', `${A}/trade`, { location: 'here', tags: { a: 'b' }, sku: { name: 'Standard' } });
  assert.equal(made.status, 201);
  assert.equal(made.json.location, 'here');
  assert.equal((await s.api('PUT', `${A}/trade`, { location: 'there' })).status, 200);
  assert.equal(ok(await s.api('PATCH', `${A}/trade`, { tags: { c: 'd' } })).location, 'there');
  assert.equal(ok(await s.api('GET', `${A}/${made.json.id}`)).name, 'trade');
  ok(await s.api('PUT', '/api/v1/groups/quay', {}));
  for (const group of ['quay', 'nowhere']) assert.equal((await s.api('GET', `${A}/${made.json.id}?group=${group}`)).status, 404, group);
  assert.deepEqual(ok(await s.api('GET', A)).value.map((x) => x.name), ['trade']);
  const one = await s.api('PUT', `${A}/trade/maps/Sum`, { content: sum, metadata: { by: 'us' } });
  assert.equal(one.status, 201);
  assert.equal(one.json.mapType, 'Xslt');
  assert.equal(one.json.contentLink.contentSize, sum.length);
  assert.deepEqual(one.json.metadata, { by: 'us' });
  const raw = await fetch(`${s.url}${A}/trade/schemas/Order`, { method: 'PUT', body: order, headers: { authorization: `Bearer ${s.token}`, 'content-type': 'application/xml' } });
  assert.equal(raw.status, 201);
  const content = await fetch(one.json.contentLink.uri, { headers: { authorization: `Bearer ${s.token}` } });
  assert.equal(await content.text(), sum);
  assert.equal(content.headers.get('content-type'), 'application/xml');
  assert.equal((await fetch(one.json.contentLink.uri)).status, 401);
  const tag = (await s.api('GET', `${A}/trade/maps/sum`)).headers.get('etag');
  const again = await s.api('PUT', `${A}/trade/maps/Sum`, { content: `${sum} ` });
  assert.equal(again.status, 200);
  assert.notEqual(again.json.contentLink.contentHash.value, one.json.contentLink.contentHash.value);
  assert.equal((await s.api('PUT', `${A}/trade/maps/Sum`, { content: sum }, { 'if-match': tag })).status, 412);
  assert.equal((await s.api('DELETE', `${A}/trade/maps/Sum`, undefined, { 'if-match': tag })).status, 412);
  for (let i = 0; i < 5; i++) ok(await s.api('PUT', `${A}/trade/maps/m${i}`, { content: sum }));
  let names = [], next = `${A}/trade/maps?$top=2`;
  while (next) { const page = ok(await s.api('GET', next)); names.push(...page.value.map((x) => x.name)); next = page.nextLink?.replace(s.url, ''); }
  assert.deepEqual(names, ['m0', 'm1', 'm2', 'm3', 'm4', 'Sum']);
  assert.equal((await s.api('DELETE', `${A}/trade/maps/m0`)).status, 204);
  assert.equal((await s.api('GET', `${A}/trade/maps/m0`)).status, 404);
  assert.equal((await s.api('DELETE', `${A}/trade`)).status, 204);
  assert.equal((await s.api('GET', `${A}/trade/schemas/Order`)).status, 404);
});

test('every operation answers as it is described', async (t) => {
  const s = await serve(t), { api, doc, seen } = await described(s);
  const go = async (method, path, body) => { const r = await api(method, `${A}${path}`, body); assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${r.text}`); };
  await go('PUT', '/trade', { location: 'here' });
  await go('PATCH', '/trade', { tags: { a: 'b' } });
  for (const path of ['', '/trade']) await go('GET', path);
  for (const [below, content] of [['maps/Sum', sum], ['schemas/Order', order]]) {
    await go('PUT', `/trade/${below}`, { content, metadata: { a: 1 } });
    for (const path of [below.split('/')[0], below, `${below}/content`]) await go('GET', `/trade/${path}`);
    await go('POST', `/trade/${below}:callback`, { keyType: 'Secondary' });
    await go('DELETE', `/trade/${below}`);
  }
  await go('PUT', '/trade/batchConfigurations/Orders', { batchGroupName: 'all', releaseCriteria: { messageCount: 5, recurrence: { frequency: 'Hour', interval: 1 } }, metadata: { a: 1 } });
  for (const path of ['batchConfigurations', 'batchConfigurations/Orders']) await go('GET', `/trade/${path}`);
  await go('DELETE', '/trade/batchConfigurations/Orders');
  await go('POST', '/trade:regenerateKey', { keyType: 'Primary' });
  await go('DELETE', '/trade');
  const missing = operations(doc).filter((o) => o.op.tags.includes('artifacts')).map((o) => o.op.operationId).filter((id) => !seen.has(id));
  assert.deepEqual(missing, []);
});

test('what is refused', async (t) => {
  const s = await serve(t, { args: ['--set', 'workflow.artifact_bytes_max=2KiB'] });
  await account(s, 'trade');
  const put = async (path, body) => { const r = await s.api('PUT', `${A}/trade/${path}`, body); return [r.status, r.json.error.code]; };
  assert.deepEqual(await put('maps/a', { content: 'x'.repeat(3000) }), [413, 'RequestTooLarge']);
  assert.deepEqual(await put('maps/a', { content: '' }), [400, 'InvalidRequestContent']);
  assert.deepEqual(await put('maps/a', { contentLink: { uri: 'http://127.0.0.1/' } }), [400, 'InvalidRequestContent']);
  assert.deepEqual(await put('maps/a', { content: sum, mapType: 'Cobol' }), [400, 'InvalidInput']);
  assert.deepEqual(await put('maps/a', { content: sum, contentType: 'a\nb: c' }), [400, 'InvalidInput']);
  assert.deepEqual(await put('maps/%2e%2e%2fa', { content: sum }), [400, 'InvalidInput']);
  assert.deepEqual(await put(`maps/${'a'.repeat(81)}`, { content: sum }), [400, 'InvalidInput']);
  const batch = async (releaseCriteria, batchGroupName = 'g') => { const r = await s.api('PUT', `${A}/trade/batchConfigurations/b`, { properties: { batchGroupName, releaseCriteria } }); return [r.status, r.json.error?.message ?? 'taken']; };
  const every = (frequency, interval) => ({ recurrence: { frequency, interval } });
  for (const [criteria, said, group] of [[undefined, /needs 'releaseCriteria'/], [{}, /at least one/], [{ messageCount: 0 }, /'messageCount' is not a whole number from 1 to 8000/], [{ messageCount: 8001 }, /8000/], [{ batchSize: 83886081 }, /'batchSize' is not a whole number from 1 to 83886080/], [every('Second', 59), /shorter than 60 seconds/], [every('Fortnight', 1), /recurrence is not valid/], [{ messageCount: 1 }, /batchGroupName/, '']]) {
    const [status, message] = await batch(criteria, group);
    assert.equal(status, 400, JSON.stringify(criteria));
    assert.match(message, said);
  }
  for (const criteria of [{ messageCount: 8000 }, { batchSize: 83886080 }, every('Second', 60), every('Minute', 1)]) assert.ok((await batch(criteria))[0] < 300);
  assert.equal((await s.api('PUT', `${A}/nowhere/maps/a`, { content: sum })).status, 404);
  assert.equal((await s.api('PUT', `${A}/11111111-2222-3333-4444-555555555555`, {})).status, 404);
});

test('the ARM adapter: the shapes of the management API', async (t) => {
  const s = await serve(t);
  const made = await s.api('PUT', arm('/trade'), { location: 'here', sku: { name: 'Standard' }, properties: { state: 'Enabled' } });
  assert.equal(made.status, 201);
  assert.deepEqual(made.json.sku, { name: 'Standard' });
  assert.equal(made.json.id, '/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/integrationAccounts/trade');
  const m = ok(await s.api('PUT', arm('/trade/maps/Sum'), { location: 'here', properties: { mapType: 'Xslt', contentType: 'application/xml', content: sum, metadata: {} } }));
  assert.equal(m.type, 'Microsoft.Logic/integrationAccounts/maps');
  assert.equal(m.location, 'here');
  assert.equal(m.properties.mapType, 'Xslt');
  assert.equal(m.properties.contentLink.contentSize, sum.length);
  assert.equal(m.properties.content, undefined);
  const x = ok(await s.api('PUT', arm('/trade/schemas/Order'), { properties: { schemaType: 'Xml', contentType: 'application/xml', content: order, targetNamespace: 'urn:o' } }));
  assert.equal(x.properties.targetNamespace, 'urn:o');
  assert.deepEqual(ok(await s.api('GET', arm('/trade/maps'))).value.map((v) => v.name), ['Sum']);
  assert.deepEqual(ok(await s.api('GET', arm(''))).value.map((v) => v.name), ['trade']);
  assert.deepEqual(ok(await s.api('GET', '/subscriptions/default/providers/Microsoft.Logic/integrationAccounts?api-version=2019-05-01')).value.map((v) => v.name), ['trade']);
  assert.equal(ok(await s.api('PATCH', arm('/trade'), { tags: { a: 'b' } })).tags.a, 'b');
  for (const other of ['partners/p', 'agreements', 'sessions', 'certificates/c']) assert.equal((await s.api('GET', arm(`/trade/${other}`))).status, 501);
  for (const path of ['/trade/maps/Sum', '/trade']) assert.ok((await s.api('DELETE', arm(path))).status < 300);
  assert.equal((await s.api('GET', arm('/trade'))).json.error.code, 'NotFound');
});

test('runs use them: of the account the workflow names, else of the one called default', async (t) => {
  const s = await serve(t);
  await account(s, 'default', { 'maps/Sum.xslt': sum, 'schemas/Order.xsd': order });
  await account(s, 'other', { 'maps/Sum': map('<xsl:output method="text"/><xsl:template match="/">other</xsl:template>'), 'schemas/Order': order });
  ok(await s.api('PUT', '/api/v1/workflows/plain', flow({ Check: check, Total: total, Answer: answer })));
  const id = ok(await s.api('GET', `${A}/other`)).id;
  for (const [name, account] of [['linked', arm('/other').split('?')[0]], ['byid', id], ['byname', 'other'], ['lost', 'nowhere']])
    ok(await s.api('PUT', `/api/v1/workflows/${name}`, flow({ Check: check, Total: total, Answer: answer }, { integrationAccount: { id: account } })));
  const text = '<order><n>1</n><n>2</n></order>';
  assert.deepEqual(await post(await url(s, 'plain'), text), { status: 200, text: '3' });
  for (const w of ['linked', 'byid', 'byname']) assert.deepEqual(await post(await url(s, w), text), { status: 200, text: 'other' });
  assert.equal((await post(await url(s, 'lost'), text)).status, 502);
  assert.match((await last(s, 'lost')).actions.Check.error.message, /no integration account 'nowhere'/);
  assert.equal((await post(await url(s, 'plain'), '<order><n>x</n></order>')).status, 502);
  const failed = (await last(s, 'plain')).actions.Check;
  assert.equal(failed.code, 'XmlValidationFailed');
  assert.match(failed.error.message, /content, line 1: .*'x' is not a valid value/);
  // the next request finds what was put, and the loop is never held up
  ok(await s.api('PUT', `${A}/default/maps/Sum.xslt`, { content: map('<xsl:output method="text"/><xsl:template match="/">new</xsl:template>') }));
  assert.equal((await post(await url(s, 'plain'), text)).text, 'new');
  const many = await Promise.all(Array.from({ length: 60 }, async () => (await post(await url(s, 'plain'), text)).text));
  assert.deepEqual(new Set(many), new Set(['new']));
});

test('another tenant has nothing of it; nor has a workflow whose author may not read the account', async (t) => {
  const s = await serve(t);
  await account(s, 'default', { 'maps/Sum': sum, 'schemas/Order': order });
  const account_id = ok(await s.api('GET', `${A}/default`)).id;
  const other = ok(await s.api('POST', '/api/v1/tenants', { name: 'elsewhere' }));
  const as = (method, path, body) => s.api(method, path, body, { token: other.token });
  ok(await as('PUT', '/api/v1/workflows/theirs', flow({ Check: check, Total: total, Answer: answer }, { integrationAccount: { id: account_id } })));
  const theirs = ok(await as('POST', '/api/v1/workflows/theirs/triggers/manual:callback', {})).value;
  assert.equal((await post(theirs, '<order><n>1</n></order>')).status, 502);
  ok(await s.api('PUT', '/api/v1/groups/dock', {}));
  ok(await s.api('POST', '/api/v1/users', { name: 'ada', grants: [{ role: 'maker', group: 'dock' }] }));
  const ada = ok(await s.api('POST', '/api/v1/tokens', { user: 'ada' })).token;
  ok(await s.api('PUT', '/api/v1/workflows/hers?group=dock', flow({ Check: check, Total: total, Answer: answer }, { integrationAccount: { id: account_id } }), { token: ada }));
  const hers = ok(await s.api('POST', '/api/v1/workflows/hers/triggers/manual:callback?group=dock', {}, { token: ada })).value;
  assert.equal((await post(hers, '<order><n>1</n></order>')).status, 502);
});

test('the folder of an app brings its maps and schemas along', async (t) => {
  const { raccord, temporary } = await import('./lib/raccord.mjs');
  const s = await serve(t), dir = join(temporary(t), 'Trade app');
  const files = {}, file = (name, v) => { mkdirSync(dirname(join(dir, name)), { recursive: true }); writeFileSync(join(dir, name), files[name] = typeof v === 'string' ? v : JSON.stringify(v)); };
  file('host.json', {});
  file('Artifacts/Maps/.gitkeep', '');
  file('Sum/workflow.json', flow({ Check: { ...check, inputs: { content: '@triggerBody()', schema: { source: 'LogicApp', name: 'Order.xsd' } } }, Total: { ...total, inputs: { content: '@triggerBody()', map: { source: 'LogicApp', name: 'Sum' } } }, Answer: answer }, { kind: 'Stateful' }));
  file('Artifacts/Maps/Sum.xslt', sum);
  file('Artifacts/Maps/old.liquid', '{{ a }}');
  file('Artifacts/Schemas/Order.xsd', order);
  const env = { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token };
  writeFileSync(`${dir}.zip`, zip(files));
  for (const args of [['create', dir], ['update', 'Sum', join(dir, 'Sum')], ['update', 'Sum', `${dir}.zip`]]) {
    const r = await raccord(['workflow', ...args], { env });
    assert.equal(r.status, 0, r.stderr);
    assert.match(r.stderr, /3 maps and schemas in integration account Trade_app/);
  }
  assert.deepEqual(ok(await s.api('GET', `${A}/Trade_app/maps`)).value.map((x) => [x.name, x.mapType]), [['old.liquid', 'Liquid'], ['Sum.xslt', 'Xslt']]);
  assert.deepEqual(await post(await url(s, 'Sum'), '<order><n>1</n><n>2</n></order>'), { status: 200, text: '3' });
});

// Children of a process, by the kernel's own list.
const read = (path) => { try { return readFileSync(path, 'utf8'); } catch { return ''; } }; // a thread may end meanwhile
const children = (pid) => readdirSync(`/proc/${pid}/task`).flatMap((tid) => read(`/proc/${pid}/task/${tid}/children`).split(' ').filter(Boolean).map(Number));

test('a child that is killed in the middle costs its action, and nobody else anything', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=1', '--set', 'sandbox.timeout=10m'] });
  const endless = map('<xsl:template match="/">' + '<xsl:for-each select="//i">'.repeat(7) + '<xsl:if test="count(//i) = 0">x</xsl:if>' + '</xsl:for-each>'.repeat(7) + '</xsl:template>');
  await account(s, 'default', { 'maps/Sum': endless, 'maps/Good': sum, 'schemas/Order': order });
  const only = (name) => ({ Total: { ...total, inputs: { content: '@triggerBody()', integrationAccount: { map: { name } } }, runAfter: {} }, Answer: answer });
  ok(await s.api('PUT', '/api/v1/workflows/endless', flow(only('Sum'))));
  ok(await s.api('PUT', '/api/v1/workflows/good', flow(only('Good'))));
  const stuck = post(await url(s, 'endless'), `<o>${'<i/>'.repeat(60)}</o>`), good = await url(s, 'good');
  const pids = await until('a child', () => { const v = children(s.child.pid); return v.length > 0 && v; });
  // confined: no new privileges, a filter of system calls, nothing open but its socket, no variables
  await until('it is confined', () => (sanitized() ? /NoNewPrivs:\s*1/ : /NoNewPrivs:\s*1[^]*Seccomp:\s*2/).test(readFileSync(`/proc/${pids[0]}/status`, 'utf8')));
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  assert.equal((await stuck).status, 502);
  assert.equal((await last(s, 'endless')).actions.Total.error.code, 'TransformProcessEnded');
  assert.deepEqual(await post(good, '<o><n>4</n></o>'), { status: 200, text: '4' });
});

test('a server that is killed takes its children along, and does the work again', async (t) => {
  const args = ['--set', 'workers=1', '--set', 'sandbox.timeout=10m'];
  const s = await serve(t, { args });
  const endless = map('<xsl:output method="text"/><xsl:template match="/">' + '<xsl:for-each select="//i">'.repeat(7) + '<xsl:if test="count(//i) = 0">x</xsl:if>' + '</xsl:for-each>'.repeat(7) + '</xsl:template>');
  await account(s, 'default', { 'maps/Sum': endless });
  ok(await s.api('PUT', '/api/v1/workflows/w', flow({ Total: { ...total, runAfter: {} } })));
  assert.equal((await post(await url(s, 'w'), `<o>${'<i/>'.repeat(60)}</o>`)).status, 202);
  const pids = await until('a child', () => { const v = children(s.child.pid); return v.length > 0 && v; });
  const gone = () => pids.every((pid) => { try { return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '); } catch { return true; } });
  await new Promise((r) => setTimeout(r, 200));
  assert.ok(!gone());
  await s.kill();
  await until('no child outlives its server', gone);
  const again = await serve(t, { dir: s.dir, args });
  await account(again, 'default', { 'maps/Sum': sum });
  // the map was looked up when the run went on; whichever it found, cancelling ends the work at once
  const [run] = ok(await again.api('GET', '/api/v1/workflows/w/runs')).value;
  assert.equal(run.status, 'Running');
  ok(await again.api('POST', `/api/v1/runs/${run.id}:cancel`));
  await until('no child is left', () => children(again.child.pid).length === 0);
  assert.equal(ok(await again.api('GET', `/api/v1/runs/${run.id}`)).status, 'Cancelled');
});

test('partners and agreements are not kept: the API says so of each kind, a look-up before and when it is reached', async (t) => {
  const s = await serve(t);
  const arm = (path) => `/subscriptions/default/resourceGroups/default/providers/Microsoft.Logic/integrationAccounts/trade/${path}?api-version=2019-05-01`;
  for (const kind of ['partners', 'agreements', 'certificates', 'assemblies', 'sessions'])
    for (const [method, path] of [['GET', kind], ['GET', `${kind}/x`], ['PUT', `${kind}/x`], ['DELETE', `${kind}/x`], ['POST', `${kind}/x/listContentCallbackUrl`]]) {
      const r = await s.api(method, arm(path), method === 'PUT' ? {} : undefined);
      assert.deepEqual([r.status, r.json.error.code], [501, 'NotImplemented'], `${method} ${path}`);
      assert.match(r.json.error.message, /maps/);
    }
  const saved = await s.api('PUT', '/api/v1/workflows/looks', { definition: { $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0',
    triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } },
    actions: { Find: { type: 'IntegrationAccountArtifactLookup', inputs: { artifactType: 'Partner', artifactName: 'Contoso' }, runAfter: {} },
      Answer: { type: 'Response', inputs: { statusCode: 200, body: "@actions('Find')['error']" }, runAfter: { Find: ['Failed'] } } } } });
  assert.equal(saved.status, 201, saved.text);
  const [finding] = saved.json.findings;
  assert.deepEqual([finding.code, finding.severity, finding.pointer], ['WorkflowActionTypeNotSupported', 'warning', '/definition/actions/Find/inputs/artifactType']);
  assert.match(finding.message, /Give what it would find as a parameter/);
  const { value } = (await s.api('POST', '/api/v1/workflows/looks/triggers/manual:callback', {})).json;
  const answer = await (await fetch(value, { method: 'POST' })).json();
  assert.equal(answer.code, 'ArtifactNotFound');
  assert.match(answer.message, /'Partner'.*Give what it would find as a parameter/);
});
