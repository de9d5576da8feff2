// Every route of the management API for every role, for nobody, and for another tenant.
//
// The routes come from the server's own description; what each role may do is written down here,
// by the permission a route asks for, so that neither table can be wrong alone. Three relations to
// a thing count: it is one's own, it is shared (to use), it is somebody else's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './lib/raccord.mjs';
import { described, operations } from './lib/described.mjs';
import { definition, png, properties } from './lib/harbour.mjs';

const roles = ['reader', 'maker', 'certifier', 'administrator', 'operator'];

// permission -> role -> what the caller may do it with: 'all', 'own', 'shared' (and own), 'yes'
// (no thing involved), or nothing.
const may = {
  'connector.list': { reader: 'yes', maker: 'yes', certifier: 'yes', administrator: 'yes' },
  'connector.read': { reader: 'shared', maker: 'shared', certifier: 'all', administrator: 'all' },
  'connector.create': { maker: 'yes', administrator: 'yes' },
  'connector.edit': { maker: 'own', administrator: 'all' },
  'connector.delete': { maker: 'own', administrator: 'all' },
  'connector.share.view': { maker: 'own', administrator: 'all' },
  'connection.list': { reader: 'yes', maker: 'yes', administrator: 'yes' },
  'connection.read': { reader: 'own', maker: 'own', administrator: 'all' },
  'connection.create': { maker: 'shared', administrator: 'all' },
  'connection.edit': { maker: 'own', administrator: 'all' },
  'connection.delete': { maker: 'own', administrator: 'all' },
  'connection.use': { maker: 'own', administrator: 'own' },
  'workflow.list': { reader: 'yes', maker: 'yes', administrator: 'yes' },
  'workflow.read': { reader: 'all', maker: 'all', administrator: 'all' },
  'workflow.create': { maker: 'yes', administrator: 'yes' },
  'workflow.edit': { maker: 'own', administrator: 'all' },
  'workflow.run': { maker: 'own', administrator: 'all' },
  'artifact.list': { reader: 'yes', maker: 'yes', administrator: 'yes' },
  'artifact.read': { reader: 'all', maker: 'all', administrator: 'all' },
  'artifact.create': { maker: 'yes', administrator: 'yes' },
  'artifact.edit': { maker: 'own', administrator: 'all' },
  'group.list': { reader: 'yes', maker: 'yes', certifier: 'yes', administrator: 'yes', operator: 'yes' },
  'group.read': { reader: 'yes', maker: 'yes', certifier: 'yes', administrator: 'yes', operator: 'yes' },
  'group.edit': { administrator: 'yes' },
  'user.list': { administrator: 'yes' },
  'user.read': { reader: 'self', maker: 'self', certifier: 'self', administrator: 'yes', operator: 'self' },
  'user.edit': { administrator: 'yes' },
  'token.list': { reader: 'yes', maker: 'yes', certifier: 'yes', administrator: 'yes', operator: 'yes' },
  'token.create': { reader: 'self', maker: 'self', certifier: 'self', administrator: 'yes', operator: 'self' },
  'token.revoke': { reader: 'self', maker: 'self', certifier: 'self', administrator: 'yes', operator: 'self' },
  'audit.read': { administrator: 'yes' },
  'tenant.list': { operator: 'yes' },
  'tenant.edit': { operator: 'yes' },
  'signed-in': { reader: 'yes', maker: 'yes', certifier: 'yes', administrator: 'yes', operator: 'yes' },
};

// A workflow whose run has everything a path can name: a trigger, an action, repetitions.
const workflow = () => ({ definition: {
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } },
  actions: { Each: { type: 'Foreach', foreach: [1, 2], actions: { A: { type: 'Compose', inputs: '@item()' } } } },
} });

// What each operation is sent, so that only the permission decides.
const bodies = {
  CreateConnector: () => ({ definition: definition(), properties: properties() }),
  UpdateConnector: () => ({ displayName: 'Renamed' }),
  PutDefinition: () => definition(),
  PutProperties: () => properties(),
  PutIcon: () => png(),
  PutScript: () => 'x',
  ImportConnector: () => ({ definition: definition() }),
  ValidateConnector: () => ({}),
  PutSettings: () => ({ clientId: 'x' }),
  PutPermissions: (x) => ({ value: x.shares }),
  CreateConnection: (x) => ({ connectorId: x.connector, parameterValues: { api_key: 'k' } }),
  UpdateConnection: () => ({ displayName: 'Renamed' }),
  ConsentConnection: () => ({}),
  ConfirmConsent: () => ({ code: 'c', state: 's' }),
  InvokeOperation: () => ({ operationId: 'GetShip' }),
  DynamicConnection: () => ({ operationId: 'GetShip', parameter: 'id' }),
  CreateConnectionKey: () => ({}),
  CreateWorkflow: (x) => ({ ...workflow(), name: `w${x.n}` }),
  PutWorkflow: workflow,
  ValidateNewWorkflow: workflow,
  ValidateWorkflow: workflow,
  UpdateWorkflow: () => ({ tags: { a: 'b' } }),
  RunWorkflow: () => ({}),
  RunTrigger: () => ({}),
  MoveWorkflow: (x) => ({ name: `moved${x.n}` }),
  RegenerateWorkflowKey: () => ({}),
  GetTriggerCallback: () => ({}),
  GetVersionCallback: () => ({}),
  CopyTriggerState: (x) => ({ source: { flowName: x.workflow } }),
  ResubmitRun: () => ({}),
  PutIntegrationAccount: () => ({ location: 'x' }),
  UpdateIntegrationAccount: () => ({ tags: { a: 'b' } }),
  PutMap: () => ({ content: '<xsl/>' }),
  RegenerateIntegrationAccountKey: () => ({}),
  GetMapCallback: () => ({}),
  GetSchemaCallback: () => ({}),
  PutSchema: () => ({ content: '<xs/>' }),
  PutBatchConfiguration: () => ({ batchGroupName: 'g', releaseCriteria: { messageCount: 2 } }),
  CreateUser: (x) => ({ name: `u${x.n}` }),
  UpdateUser: () => ({ grants: [{ role: 'reader' }] }),
  CreateToken: (x) => (x.user ? { user: x.user } : {}),
  PutGroup: () => ({ location: 'x' }),
  CreateTenant: (x) => ({ name: `t${x.n}` }),
  Validate: () => ({ definition: definition() }),
};

async function setup(t) {
  const s = await serve(t);
  const admin = s.token;
  const ok = async (method, path, body, token = admin) => {
    const r = await s.api(method, path, body, { token });
    assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${r.text}`);
    return r.json;
  };
  let n = 0;
  const person = async (role) => {
    const name = `${role}${++n}`;
    const user = await ok('POST', '/api/v1/users', { name, grants: role === 'nothing' ? [] : [{ role }] });
    return { name, id: user.id, token: (await ok('POST', '/api/v1/tokens', { user: name })).token };
  };
  return { s, ok, person, next: () => ++n };
}

// Path parameters below a workflow and its run.
const below = { trigger: 'manual', action: 'A', repetition: '000000', request: 'x', operation: 'x', map: 'm', schema: 's', batch: 'b', batchId: '0' };
const place = (path, x) => path.replace('{connectorId}', x.connector).replace('{connectionId}', x.connection)
  .replace('{workflowId}', x.workflow).replace('{accountId}', x.account).replace('{runId}', x.run).replace('{version}', x.version).replace('{history}', x.history)
  .replace(/\{(trigger|action|repetition|request|operation|map|schema|batch|batchId)\}/g, (_, name) => below[name]);

// A connector and a connection made with it, or a workflow with a run, owned by `who` (which gets there as a maker).
async function things({ ok, next }, who, grants, kind = 'connector') {
  await ok('PATCH', `/api/v1/users/${who.name}`, { grants: [{ role: 'maker' }] });
  if (kind === 'account') {
    const { id } = await ok('PUT', `/api/v1/integrationAccounts/a${next()}`, {}, who.token);
    for (const below of ['maps/m', 'schemas/s']) await ok('PUT', `/api/v1/integrationAccounts/${id}/${below}`, { content: '<x/>' }, who.token);
    await ok('PUT', `/api/v1/integrationAccounts/${id}/batchConfigurations/b`, { batchGroupName: 'g', releaseCriteria: { messageCount: 2 } }, who.token);
    await ok('PATCH', `/api/v1/users/${who.name}`, { grants });
    return { account: id };
  }
  if (kind === 'workflow') {
    const w = await ok('POST', `/api/v1/workflows?name=w${next()}`, workflow(), who.token);
    const run = await ok('POST', `/api/v1/workflows/${w.id}:run`, {}, who.token);
    await ok('PATCH', `/api/v1/users/${who.name}`, { grants });
    return { workflow: w.id, version: w.version, run: run.id, history: run.name };
  }
  const connector = (await ok('POST', '/api/v1/connectors', { definition: definition(), properties: properties() }, who.token)).id;
  const connection = (await ok('POST', '/api/v1/connections', { connectorId: connector, parameterValues: { api_key: 'k' } }, who.token)).id;
  await ok('PATCH', `/api/v1/users/${who.name}`, { grants });
  return { connector, connection };
}

// Refused means 401, 403 or (what one may not even see) 404; anything else got past the door.
const refused = (r) => [401, 403].includes(r.status) || (r.status === 404 && /NotFound$/.test(r.json?.error?.code ?? '') && !/(Trigger|History|Repetition|Action)NotFound$/.test(r.json.error.code) && !/has no/.test(r.json.error.message));

test('every route is known here, and every permission is one of the table', async (t) => {
  const { s } = await setup(t);
  const { doc } = await described(s);
  for (const { op } of operations(doc)) {
    const p = op['x-raccord-permission'];
    assert.ok(p === 'anyone' || may[p], `${op.operationId} asks for ${p}, which the test does not know`);
    if (op.parameters?.some((x) => x.in === 'body')) assert.ok(bodies[op.operationId], `${op.operationId} has a body the test does not know`);
  }
});

for (const role of roles) {
  test(`what a ${role} may do`, async (t) => {
    const ctx = await setup(t);
    const { s, ok, person } = ctx;
    const { doc } = await described(s);
    const grants = [{ role }];
    for (const relation of ['own', 'shared', 'other']) {
      for (const { path, method, op } of operations(doc)) {
        const me = await person(role), owner = await person('maker');
        const kind = path.startsWith('/connectors') || op.operationId === 'CreateConnection' ? 'connector' : path.startsWith('/connections') ? 'connection' : /^\/(workflows|runs)\b/.test(path) ? 'workflow' : path.startsWith('/integrationAccounts') ? 'account' : 'none';
        const concerned = /\{(connector|connection|workflow|run|account)Id\}/.test(path) || op.operationId === 'CreateConnection';
        if (relation !== 'own' && !concerned && !/\{userName\}|\{tokenId\}/.test(path) && op.operationId !== 'CreateToken') continue;
        const who = relation === 'own' ? me : owner;
        const x = concerned ? await things(ctx, who, relation === 'own' ? grants : [{ role: 'maker' }], kind) : {};
        x.n = ctx.next();
        x.shares = [];
        if (relation === 'shared') {
          if (kind !== 'connector') continue;
          await ok('PUT', `/api/v1/connectors/${x.connector}/permissions`, { value: [{ principal: me.name, level: 'view' }] }, owner.token);
          x.shares = [{ principal: me.name, level: 'view' }, { principal: owner.name, level: 'view' }];
        }
        if (relation !== 'own') x.user = owner.name;
        const someToken = (await ok('POST', '/api/v1/tokens', {}, who.token)).id;
        const url = doc.basePath + place(path, x)
          .replace('{userName}', relation === 'own' ? me.name : owner.name).replace('{tokenId}', someToken).replace('{groupName}', 'default')
          + (method === 'DELETE' && path === '/connectors/{connectorId}' ? '?confirm=1' : '');
        const p = op['x-raccord-permission'], right = p === 'anyone' ? 'yes' : op.operationId === 'ListConnectorConnections' && may[p][role] ? may['connector.read'][role]
          : op.operationId === 'PutWorkflow' ? may['workflow.edit'][role] : op.operationId === 'PutIntegrationAccount' ? may['artifact.edit'][role] : may[p][role];
        const allowed = right === 'yes' || right === 'all' || (right === 'own' && relation === 'own')
          || (right === 'shared' && relation !== 'other') || (right === 'self' && relation === 'own');
        const r = await s.api(method, url, bodies[op.operationId]?.(x), { token: me.token });
        assert.ok(r.status < 500 || r.status === 501, `${op.operationId} ${relation}: ${r.status} ${r.text}`);
        if (allowed) assert.ok(!refused(r), `${role} may ${op.operationId} (${p}) with ${relation}, but got ${r.status} ${r.text}`);
        else assert.ok(refused(r), `${role} may not ${op.operationId} (${p}) with ${relation}, but got ${r.status} ${r.text}`);
      }
    }
  });
}

test('without a token, without a role, with a disabled user: nothing', async (t) => {
  const ctx = await setup(t);
  const { s, ok, person } = ctx;
  const { doc } = await described(s);
  const owner = await person('maker'), nobody = await person('nothing'), off = await person('administrator');
  await ok('PATCH', `/api/v1/users/${off.name}`, { disabled: true });
  const x = { ...await things(ctx, owner, [{ role: 'maker' }]), ...await things(ctx, owner, [{ role: 'maker' }], 'workflow'), ...await things(ctx, owner, [{ role: 'maker' }], 'account') };
  const free = ['signed-in', 'token.list', 'token.create', 'token.revoke', 'user.read', 'group.list', 'group.read'];
  for (const { path, method, op } of operations(doc)) {
    if (op['x-raccord-permission'] === 'anyone') continue;
    const url = doc.basePath + place(path, x).replace(/\{\w+\}/, 'default');
    const body = () => bodies[op.operationId]?.({ ...x, n: ctx.next(), shares: [] });
    for (const token of [null, off.token]) {
      const r = await s.api(method, url, body(), { token });
      assert.equal(r.status, 401, `${op.operationId}: ${r.status} ${r.text}`);
    }
    if (free.includes(op['x-raccord-permission'])) continue;
    const r = await s.api(method, url, body(), { token: nobody.token });
    assert.ok(refused(r), `${op.operationId} for somebody without a role: ${r.status} ${r.text}`);
  }
  const g = await fetch(`${s.url}/apim/${x.connector}/${x.connection}/ships`, { headers: { authorization: `Bearer ${nobody.token}` } });
  assert.equal(g.status, 404);
  assert.equal((await fetch(`${s.url}/apim/${x.connector}/${x.connection}/ships`)).status, 401);
});

test('another tenant: not even its administrator sees or touches anything', async (t) => {
  const ctx = await setup(t);
  const { s, ok, person } = ctx;
  const { doc } = await described(s);
  const other = await ok('POST', '/api/v1/tenants', { name: 'elsewhere' });
  assert.equal((await s.api('POST', '/api/v1/tenants', { name: 'Elsewhere' })).status, 409);
  assert.equal((await ok('GET', '/api/v1/tenants')).value.length, 2);
  const owner = await person('maker');
  const x = { ...await things(ctx, owner, [{ role: 'maker' }]), ...await things(ctx, owner, [{ role: 'maker' }], 'workflow'), ...await things(ctx, owner, [{ role: 'maker' }], 'account') };
  await ok('PATCH', `/api/v1/connectors/${x.connector}`, { audience: 'environment' });
  const key = (await ok('POST', `/api/v1/connections/${x.connection}:keys`, {}, owner.token)).connectionKey;
  const theirToken = (await ok('POST', '/api/v1/tokens', {}, owner.token)).id;
  for (const role of ['administrator', 'reader', 'maker', 'certifier']) {
    const user = await ok('POST', '/api/v1/users', { name: role, grants: [{ role }] }, other.token);
    const { token } = await ok('POST', '/api/v1/tokens', { user: role }, other.token);
    assert.ok(user.id);
    for (const { path, method, op } of operations(doc)) {
      if (!path.includes('{') && op.operationId !== 'CreateConnection') continue;
      if (path.includes('{groupName}')) continue;
      const url = doc.basePath + place(path, x)
        .replace('{userName}', owner.name).replace('{tokenId}', theirToken) + (method === 'DELETE' ? '?confirm=1' : '');
      const r = await s.api(method, url, bodies[op.operationId]?.({ ...x, n: 0, shares: [] }), { token });
      assert.ok([403, 404].includes(r.status), `${op.operationId} as ${role} of another tenant: ${r.status} ${r.text}`);
      assert.equal(r.text.includes(owner.id), false);
    }
    assert.equal((await fetch(`${s.url}/apim/${x.connector}/${x.connection}/ships`, { headers: { authorization: `Bearer ${token}` } })).status, 404);
    for (const list of ['connectors', 'connections', 'workflows', 'integrationAccounts']) {
      const r = await s.api('GET', `/api/v1/${list}`, undefined, { token });
      assert.ok(r.status === 403 || r.json.value.length === 0, `${list} as ${role}: ${r.text}`);
    }
  }
  for (const list of ['users', 'tokens', 'audit']) {
    const r = await s.api('GET', `/api/v1/${list}`, undefined, { token: other.token });
    // (what they themselves were denied is in their own trail, under the name they gave)
    for (const secret of list === 'audit' ? [owner.id] : [owner.id, owner.name, theirToken, x.connector]) assert.equal(r.text.includes(secret), false, `${list} shows ${secret}: ${r.text.slice(0, 600)}`);
  }
  // things of the same name live side by side, and a key opens its own tenant's connection only
  const mine = await ok('POST', '/api/v1/connectors', { definition: definition() }, other.token);
  assert.equal((await s.api('GET', `/api/v1/connectors/${mine.id}`)).status, 404);
  assert.equal((await fetch(`${s.url}/apim/${x.connector}/${x.connection}/ships`, { headers: { authorization: `Key ${key.replace(/^rck_[^_]+_/, `rck_${Buffer.from(other.id).toString('base64url')}_`)}` } })).status, 404);
  assert.equal((await ok('GET', `/api/v1/connectors/${x.connector}`)).displayName, 'Harbour');
});

test('a role for a group ends at the group; a narrowed token is narrow', async (t) => {
  const { s, ok } = await setup(t);
  await ok('PUT', '/api/v1/groups/dock', {});
  await ok('POST', '/api/v1/users', { name: 'ada', grants: [{ role: 'maker', group: 'dock' }] });
  const ada = (await ok('POST', '/api/v1/tokens', { user: 'ada' })).token;
  const create = (group, token) => s.api('POST', `/api/v1/connectors?group=${group}`, { definition: definition() }, { token });
  assert.equal((await create('dock', ada)).status, 201);
  assert.equal((await create('default', ada)).status, 403);
  assert.equal((await create('nowhere', ada)).status, 404);
  const mine = (await s.api('GET', '/api/v1/connectors', undefined, { token: ada })).json.value;
  assert.equal(mine.length, 1);
  // everyone with a role in the group sees it once its audience says so, others do not
  await ok('POST', '/api/v1/users', { name: 'bea', grants: [{ role: 'reader', group: 'dock' }] });
  await ok('POST', '/api/v1/users', { name: 'eve', grants: [{ role: 'reader', group: 'default' }] });
  const bea = (await ok('POST', '/api/v1/tokens', { user: 'bea' })).token, eve = (await ok('POST', '/api/v1/tokens', { user: 'eve' })).token;
  const path = `/api/v1/connectors/${mine[0].id}`;
  assert.equal((await s.api('GET', path, undefined, { token: bea })).status, 404);
  await ok('PATCH', path, { audience: 'environment' }, ada);
  assert.equal((await s.api('GET', path, undefined, { token: bea })).status, 200);
  assert.equal((await s.api('GET', path, undefined, { token: eve })).status, 404);
  assert.equal((await s.api('PATCH', path, { displayName: 'x' }, { token: bea })).status, 403);
  assert.equal((await s.api('GET', '/api/v1/connectors', undefined, { token: bea })).json.value.length, 1);
  assert.equal((await s.api('GET', '/api/v1/connectors', undefined, { token: eve })).json.value.length, 0);
  // narrowed tokens
  const reader = (await ok('POST', '/api/v1/tokens', { roles: ['administrator'], group: 'dock' })).token;
  assert.equal((await create('dock', reader)).status, 201);
  assert.equal((await create('default', reader)).status, 403);
  assert.equal((await s.api('GET', '/api/v1/users', undefined, { token: reader })).status, 403);
  // a token never grants more than its user holds and its creator may give
  assert.equal((await s.api('POST', '/api/v1/tokens', { roles: ['administrator'] }, { token: ada })).status, 403);
  assert.equal((await s.api('POST', '/api/v1/tokens', { user: 'admin' }, { token: ada })).status, 403);
  assert.equal((await s.api('POST', '/api/v1/tokens', { user: 'admin' }, { token: reader })).status, 403);
  assert.equal((await s.api('POST', '/api/v1/users', { name: 'm', grants: [{ role: 'operator' }] }, { token: bea })).status, 403);
  const narrow = await ok('POST', '/api/v1/tokens', { roles: ['operator'] });
  const more = await s.api('POST', '/api/v1/tokens', {}, { token: narrow.token });
  assert.equal(more.status, 201);
  assert.equal((await s.api('GET', '/api/v1/users', undefined, { token: more.json.token })).status, 403);
  const short = await ok('POST', '/api/v1/tokens', { expires: 'PT1H' });
  const child = await s.api('POST', '/api/v1/tokens', {}, { token: short.token });
  assert.ok(child.json.expiresTime <= short.expiresTime);
  const past = await s.api('POST', '/api/v1/tokens', { expires: '2001-01-01T00:00:00Z' });
  assert.equal(past.status, 400);
});

test('an administrator cannot take the installation from its operator, nor anybody lock a tenant', async (t) => {
  const { s, ok, person } = await setup(t);
  const boss = await person('administrator');
  const as = (method, path, body) => s.api(method, path, body, { token: boss.token });
  for (const body of [{ grants: [{ role: 'reader' }] }, { disabled: true }]) {
    const r = await as('PATCH', '/api/v1/users/admin', body);
    assert.equal(r.status, 403, r.text);
    assert.match(r.json.error.message, /operator/);
  }
  assert.equal((await as('DELETE', '/api/v1/users/admin')).status, 403);
  const { id } = await ok('POST', '/api/v1/tokens', {});
  assert.equal((await as('DELETE', `/api/v1/tokens/${id}`)).status, 403);
  // the operator may, and is told plainly where the last administrator would go
  assert.equal((await s.api('PATCH', `/api/v1/users/${boss.name}`, { grants: [{ role: 'maker' }] })).status, 200);
  const last = await s.api('PATCH', '/api/v1/users/admin', { grants: [{ role: 'operator' }] });
  assert.deepEqual([last.status, last.json.error.code], [409, 'Conflict'], last.text);
  assert.match(last.json.error.message, /without an administrator/);
  const bare = await s.api('PATCH', '/api/v1/users/admin', { grants: [{ role: 'administrator' }] });
  assert.equal(bare.status, 409, bare.text);
  assert.match(bare.json.error.message, /operator/);
});

test('a token narrowed to a group shows nothing of other groups', async (t) => {
  const { s, ok, person } = await setup(t);
  await ok('PUT', '/api/v1/groups/dock', {});
  const me = await person('maker');
  const c = await ok('POST', '/api/v1/connectors', { definition: definition(), properties: properties() }, me.token);
  const here = await ok('POST', '/api/v1/connections', { connectorId: c.id, parameterValues: { api_key: 'k' } }, me.token);
  await ok('POST', '/api/v1/connections', { connectorId: c.id, group: 'dock', parameterValues: { api_key: 'k' } }, me.token);
  assert.equal((await ok('GET', `/api/v1/connectors/${c.id}/connections`, undefined, me.token)).value.length, 2);
  const narrow = (await ok('POST', '/api/v1/tokens', { group: 'default' }, me.token)).token;
  assert.deepEqual((await ok('GET', `/api/v1/connectors/${c.id}/connections`, undefined, narrow)).value.map((x) => x.id), [here.id]);
  assert.deepEqual((await ok('GET', '/api/v1/connections', undefined, narrow)).value.map((x) => x.id), [here.id]);
  // not even when it asks for another group by name
  assert.equal((await s.api('GET', '/api/v1/connections?group=dock', undefined, { token: narrow })).status, 403);
});

test('names that look like the id of somebody else are refused', async (t) => {
  const { s } = await setup(t);
  const guid = '00000000-0000-0000-0000-000000000001';
  for (const [path, body] of [['/api/v1/users', { name: guid }], ['/api/v1/tenants', { name: guid }], ['/api/v1/tenants', { name: 'b', administrator: 'a b' }], ['/api/v1/users', { name: 'tab\there' }]]) {
    const r = await s.api('POST', path, body);
    assert.deepEqual([r.status, r.json.error.code], [400, 'InvalidInput'], `${path} ${JSON.stringify(body)}: ${r.text}`);
  }
  const r = await s.api('PUT', '/api/v1/groups/11111111-2222-3333-4444-555555555555', {});
  assert.equal(r.status, 400, r.text);
  assert.equal((await s.api('GET', '/api/v1/tenants')).json.value.length, 1);
});
