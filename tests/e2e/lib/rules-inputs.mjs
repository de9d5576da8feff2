// Rules on inputs and members of actions (spec workflows §1.6, §3, §4.5 to §4.12, §5.1).
// What is expected: code and pointer of each finding, from the list of actions (or from the definition, with "!",
// or from the file, with "^"). A case without any is accepted.
import { all, C, S, F, everywhere, unlooped, inloop, schema } from './definitions.mjs';
const T = 'InvalidTemplate', MISS = 'WorkflowRunActionInputsMissingProperty', INV = 'WorkflowRunActionInputsInvalidProperty';
const ok = { type: 'Compose', inputs: 1 };
const after = (...n) => Object.fromEntries(n.map((x) => [x, ['Succeeded']]));
export const cases = [];
const bad = (name, x, want, more = {}) => cases.push({ name: 'bad ' + name, actions: { X: x }, want: want.map((w) => typeof w === 'string' ? [T, w] : w), ...more });
const good = (name, x, more = {}) => cases.push({ name: 'good ' + name, actions: { X: x }, ...more });
const miss = (p = '/X/inputs') => [MISS, p], inv = (p) => [INV, p];
const clone = structuredClone;
/** A sound action of a type; required: leave out each; each extra is refused. */
const conn = { connection: { name: "@parameters('$connections')['x']['connectionId']" } };
const $connections = { parameters: { $connections: { type: 'Object', defaultValue: {} } } };
const types = {
  Http: [{ method: 'GET', uri: 'https://h/x' }, ['method', 'uri'], { headers: { a: 'b' }, queries: { q: 1 }, cookie: 'a=b', body: { a: 1 }, authentication: { type: 'Basic', username: 'u', password: 'p' }, retryPolicy: { type: 'none' } }],
  ParseJson: [{ content: '@triggerBody()', schema: {} }, ['content', 'schema'], {}],
  Select: [{ from: [1], select: { a: '@item()' } }, ['from', 'select'], {}],
  Query: [{ from: [1], where: '@equals(item(),1)' }, ['from', 'where'], {}],
  Join: [{ from: [1], joinWith: ',' }, ['from', 'joinWith'], {}],
  Table: [{ from: [1], format: 'CSV' }, ['from', 'format'], { columns: [{ header: 'h', value: '@item()' }] }],
  Terminate: [{ runStatus: 'Failed' }, ['runStatus'], { runError: { code: 'x', message: 'y' } }],
  SendToBatch: [{ batchName: 'b', content: 'c', host: { triggerName: 't', workflow: { id: '/subscriptions/s/w' } } }, ['batchName', 'content', 'host'], { partitionName: 'p', messageId: 'm' }],
  JavaScriptCode: [{ code: 'return 1;' }, ['code'], { explicitDependencies: { includeTrigger: true } }],
  XmlValidation: [{ content: '<a/>', schema: { source: 'LogicApp', name: 's.xsd' } }, ['content'], {}],
  IntegrationAccountArtifactLookup: [{ artifactType: 'Map', artifactName: 'm' }, ['artifactType', 'artifactName'], {}],
};
const open = ['JavaScriptCode', 'XmlValidation', 'IntegrationAccountArtifactLookup'];
for (const [type, t] of Object.entries(types)) {
  const [inputs, required, optional] = t, where = type === 'Terminate' ? unlooped : everywhere;
  good(type, { type, inputs }, { places: where });
  good(type + ' whole', { type, inputs: { ...inputs, ...optional } }, { places: where });
  for (const r of required) { const i = clone(inputs); delete i[r]; bad(`${type} without ${r}`, { type, inputs: i }, [miss()], { places: where }); }
  if (!open.includes(type)) bad(`${type} with colour`, { type, inputs: { ...inputs, colour: 'red' } }, [inv('/X/inputs/colour')], { places: where });
  for (const [n, v] of [['text', 'x'], ['number', 1], ['list', []]]) bad(`${type} inputs ${n}`, { type, inputs: v }, ['/X/inputs'], { places: where });
  bad(`${type} inputs null`, { type, inputs: null }, [miss('/X')], { places: where });
  good(`${type} inputs of an expression`, { type, inputs: "@triggerBody()" }, { places: where });
}
good('Compose null', { type: 'Compose', inputs: null });
good('Compose anything', { type: 'Compose', inputs: { type: 'x', actions: { runAfter: 1 }, 'a/b': [null, { $: 1 }] } });
// Http
for (const m of [1, [], {}]) bad('Http method ' + JSON.stringify(m), { type: 'Http', inputs: { method: m, uri: 'https://h' } }, ['/X/inputs/method']);
for (const m of ['GET', 'get', 'PURGE', 'OPTIONS', '@triggerBody()', "@{triggerBody()}"]) good('Http method ' + m, { type: 'Http', inputs: { method: m, uri: 'https://h' } });
for (const u of ['ftp://h/x', 'https://', 'http:///x', 1, {}, 'https://a b/', 'https://h:port/']) bad('Http uri ' + JSON.stringify(u), { type: 'Http', inputs: { method: 'GET', uri: u } }, ['/X/inputs/uri']);
for (const u of ['http://h', 'HTTPS://H:80/x?y#z', "@triggerBody()", "@{triggerBody()}/x", "https://@{triggerBody()}.example.org/x", "https://h/@{triggerBody()}?q=a b", 'https://[::1]:8080/', 'https://hôte.example/é']) good('Http uri ' + u, { type: 'Http', inputs: { method: 'GET', uri: u } });
bad('Http headers list', { type: 'Http', inputs: { method: 'GET', uri: 'https://h', headers: [] } }, ['/X/inputs/headers']);
bad('Http headers text', { type: 'Http', inputs: { method: 'GET', uri: 'https://h', headers: 'x' } }, ['/X/inputs/headers']);
bad('Http queries list', { type: 'Http', inputs: { method: 'GET', uri: 'https://h', queries: ['a'] } }, ['/X/inputs/queries']);
good('Http headers expression', { type: 'Http', inputs: { method: 'GET', uri: 'https://h', headers: '@triggerBody()', queries: "@json('{}')", authentication: "@parameters('a')", retryPolicy: "@json('{}')" } }, { root: { parameters: { a: { type: 'SecureObject', defaultValue: {} } } } });
good('Http header values', { type: 'Http', inputs: { method: 'GET', uri: 'https://h', headers: { a: 1, b: true, c: null, d: '@triggerBody()' }, queries: { a: 1, b: [1], c: null } } });
const auth = (a) => ({ type: 'Http', inputs: { method: 'GET', uri: 'https://h', authentication: a } });
bad('auth text', auth('Basic'), ['/X/inputs/authentication']);
bad('auth list', auth([]), ['/X/inputs/authentication']);
bad('auth type unknown', auth({ type: 'Digest' }), ['/X/inputs/authentication/type']);
good('auth no type', auth({}));
for (const [type, members] of Object.entries({ Basic: ['username', 'password'], ClientCertificate: ['pfx'], Raw: ['value'], ActiveDirectoryOAuth: ['tenant', 'audience', 'clientId'] })) {
  const full = { type, ...Object.fromEntries(members.map((m) => [m, 'x'])), ...(type === 'ActiveDirectoryOAuth' ? { secret: 's' } : {}) };
  good('auth ' + type, auth(full)); good('auth case ' + type, auth({ ...full, type: type.toUpperCase() }));
  for (const m of members) { const a = clone(full); delete a[m]; bad(`auth ${type} without ${m}`, auth(a), [[MISS, '/X/inputs/authentication']]); }
}
bad('auth OAuth no secret', auth({ type: 'ActiveDirectoryOAuth', tenant: 't', audience: 'a', clientId: 'c' }), [[MISS, '/X/inputs/authentication']]);
good('auth OAuth pfx', auth({ type: 'ActiveDirectoryOAuth', authority: 'https://login.example', tenant: 't', audience: 'a', clientId: 'c', credentialType: 'Certificate', pfx: 'p', password: 'q' }));
good('auth None', auth({ type: 'None' }));
good('auth MSI', auth({ type: 'ManagedServiceIdentity' }));
good('auth MSI full', auth({ type: 'ManagedServiceIdentity', identity: '/subscriptions/s/x', audience: 'https://a' }));
good('auth Raw two', auth({ type: 'Raw', scheme: 'Bearer', parameter: 'x' }));
good('auth expression', auth("@triggerBody()"));
good('auth dynamic type', auth({ type: "@triggerBody()", whatever: 1 }));
const retry = (r) => ({ type: 'Http', inputs: { method: 'GET', uri: 'https://h', retryPolicy: r } });
const P = '/X/inputs/retryPolicy';
bad('retry text', retry('none'), [P]);
bad('retry list', retry([]), [P]);
bad('retry no type', retry({ count: 3 }), [P]);
bad('retry type unknown', retry({ type: 'linear', count: 3, interval: 'PT5S' }), [P + '/type']);
for (const c of [0, 91, -1, 1.5, 'x', null, true]) bad('retry count ' + JSON.stringify(c), retry({ type: 'fixed', count: c, interval: 'PT10S' }), [P + '/count']);
for (const c of [1, 90, '4', '@triggerBody()']) good('retry count ' + JSON.stringify(c), retry({ type: 'fixed', count: c, interval: 'PT10S' }));
for (const i of ['PT4S', 'P1DT1S', 'P2D', 'PT0S', '5', 5, 'soon', '00:00:10']) bad('retry interval ' + i, retry({ type: 'fixed', count: 3, interval: i }), [P + '/interval'], { profiles: all });
for (const i of ['PT5S', 'P1D', 'PT24H', 'PT90S', 'PT1M30S', '@triggerBody()', "PT@{triggerBody()}S"]) good('retry interval ' + i, retry({ type: 'exponential', count: 3, interval: i }));
bad('retry min > max', retry({ type: 'exponential', count: 3, interval: 'PT10S', minimumInterval: 'PT1H', maximumInterval: 'PT10M' }), [P + '/minimumInterval']);
good('retry min max', retry({ type: 'Exponential', count: 3, interval: 'PT10S', minimumInterval: 'PT5S', maximumInterval: 'P1D' }));
for (const t of ['none', 'None', 'DEFAULT', 'default']) good('retry ' + t, retry({ type: t }));
good('retry of a type by expression', retry({ type: "@triggerBody()" }));
good('retry codes', retry({ type: 'fixed', count: 2, interval: 'PT5S', httpStatusCodes: [404, 409] }));
for (const i of ['PT0.5S', 'PT61S', 'P1D']) bad('stateless retry ' + i, retry({ type: 'fixed', count: 3, interval: i }), [P + '/interval'], { profiles: ['stateless'] });
for (const i of ['PT1S', 'PT60S', 'PT1M']) good('stateless retry ' + i, retry({ type: 'fixed', count: 3, interval: i }), { profiles: ['stateless'] });
// connections
const api = (i) => ({ type: 'ApiConnection', inputs: i });
good('ApiConnection', api({ host: conn, method: 'get', path: '/a', queries: {}, headers: {}, body: 1, retryPolicy: { type: 'none' }, authentication: "@parameters('$authentication')" }), { root: { parameters: { $connections: { type: 'Object', defaultValue: {} }, $authentication: { type: 'SecureObject', defaultValue: {} } } } });
good('ApiConnection reference', api({ host: { connection: { referenceName: 'x' } }, method: 'get', path: '/a' }));
for (const m of ['host', 'method']) { const i = { host: conn, method: 'get', path: '/a' }; delete i[m]; bad('ApiConnection without ' + m, api(i), [miss()], { root: $connections }); }
bad('ApiConnection host empty', api({ host: {}, method: 'get', path: '/a' }), [[MISS, '/X/inputs/host']]);
bad('ApiConnection host text', api({ host: 'x', method: 'get', path: '/a' }), ['/X/inputs/host']);
bad('ApiConnection extra', api({ host: conn, method: 'get', path: '/a', colour: 1 }), [inv('/X/inputs/colour')], { root: $connections });
bad('ApiConnection path number', api({ host: conn, method: 'get', path: 1 }), ['/X/inputs/path'], { root: $connections });
const oac = (i, more) => ({ type: 'OpenApiConnection', inputs: i, ...more });
const host = { apiId: '/providers/Microsoft.PowerApps/apis/shared_x', connectionName: 'shared_x', operationId: 'Get' };
good('OpenApiConnection', oac({ host, parameters: { a: 1, 'b/c': '@triggerBody()' }, authentication: "@parameters('$authentication')", retryPolicy: { type: 'none' } }), { profiles: F, root: { parameters: { $connections: { type: 'Object', defaultValue: {} }, $authentication: { type: 'SecureObject', defaultValue: {} } } } });
good('OpenApiConnection raw auth', oac({ host, parameters: {}, authentication: { type: 'Raw', value: "@json(decodeBase64(triggerOutputs().headers['X-MS-APIM-Tokens']))['$ConnectionKey']" } }), { profiles: F });
good('OpenApiConnection no parameters', oac({ host }), { profiles: F });
for (const m of ['operationId']) { const h = { ...host }; delete h[m]; bad('OpenApiConnection host without ' + m, oac({ host: h, parameters: {} }), [[MISS, '/X/inputs/host']], { profiles: F }); }
bad('OpenApiConnection without host', oac({ parameters: {} }), [miss()]);
bad('OpenApiConnection parameters list', oac({ host, parameters: [] }), ['/X/inputs/parameters'], { profiles: F });
bad('OpenApiConnection extra', oac({ host, parameters: {}, method: 'get' }), [inv('/X/inputs/method')], { profiles: F });
// Response
const resp = (i, more = {}) => ({ type: 'Response', kind: 'Http', inputs: i, ...more });
for (const s of [199, 300, 302, 399, 600, 0, '302', 'OK', true, {}, [], 200.5]) bad('Response ' + JSON.stringify(s), resp({ statusCode: s }), ['/X/inputs/statusCode'], { places: unlooped });
for (const s of [200, 299, 400, 404, 599, '200', '@triggerBody()', "@{triggerBody()}"]) good('Response ' + s, resp({ statusCode: s }), { places: unlooped });
good('Response kinds', { type: 'Response', inputs: { statusCode: 200, headers: { a: 'b' }, body: { a: 1 }, schema: {} }, operationOptions: 'Asynchronous' }, { places: unlooped });
for (const k of ['Http', 'http', 'PowerApp', 'VirtualAgent']) good('Response kind ' + k, resp({ statusCode: 200 }, { kind: k }), { places: unlooped });
good('Response no status', resp({ body: 1 }), { places: unlooped });
bad('Response extra', resp({ statusCode: 200, colour: 1 }), [inv('/X/inputs/colour')], { places: unlooped });
bad('Response in loop', resp({ statusCode: 200 }), ['/X'], { places: inloop });
bad('Terminate in loop', { type: 'Terminate', inputs: { runStatus: 'Failed' } }, ['/X'], { places: inloop, profiles: [...C, ...S] });
good('Terminate in loop of a flow', { type: 'Terminate', inputs: { runStatus: 'Failed' } }, { places: inloop, profiles: F });
for (const t of [{ type: 'Recurrence', recurrence: { frequency: 'Day', interval: 1 } }, { type: 'SlidingWindow', recurrence: { frequency: 'Hour', interval: 1 } }, { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, recurrence: { frequency: 'Day', interval: 1 } }]) bad('Response with ' + t.type, resp({ statusCode: 200 }), [['InvalidResponseAction', '/X']], { places: unlooped, triggers: { t } });
good('Response with Manual', resp({ statusCode: 200 }), { places: unlooped, triggers: { t: { type: 'Manual' } } });
good('Response with HttpWebhook', resp({ statusCode: 200 }), { places: unlooped, triggers: { t: { type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: 'https://h', body: '@listCallbackUrl()' } } } } });
good('two Responses in parallel', { type: 'Scope', actions: { A: resp({ statusCode: 200 }), B: resp({ statusCode: 201 }) } }, { places: unlooped });
for (const s of ['Succeeded', 'Failed', 'Cancelled', 'failed', '@triggerBody()']) good('Terminate ' + s, { type: 'Terminate', inputs: { runStatus: s } }, { places: unlooped });
for (const s of ['Aborted', 'Skipped', '', 1]) bad('Terminate ' + JSON.stringify(s), { type: 'Terminate', inputs: { runStatus: s } }, ['/X/inputs/runStatus'], { places: unlooped });
for (const s of ['Succeeded', 'Cancelled']) bad('Terminate runError with ' + s, { type: 'Terminate', inputs: { runStatus: s, runError: { code: 'x' } } }, ['/X/inputs/runError'], { places: unlooped });
bad('Terminate runError text', { type: 'Terminate', inputs: { runStatus: 'Failed', runError: 'x' } }, ['/X/inputs/runError'], { places: unlooped });
// Wait
const wait = (i) => ({ type: 'Wait', inputs: i });
good('Wait interval', wait({ interval: { count: 1, unit: 'Second' } }));
good('Wait count expression', wait({ interval: { count: '@triggerBody()', unit: 'minute' } }));
good('Wait until', wait({ until: { timestamp: '2030-01-01T00:00:00Z' } }));
good('Wait zero', wait({ interval: { count: 0, unit: 'Hour' } }));
good('Wait minus', wait({ interval: { count: -5, unit: 'Hour' } }));
for (const u of ['Second', 'Minute', 'Hour', 'Day', 'Week', 'Month']) good('Wait ' + u, wait({ interval: { count: 2, unit: u } }));
bad('Wait both', wait({ interval: { count: 1, unit: 'Day' }, until: { timestamp: '2030-01-01T00:00:00Z' } }), [inv('/X/inputs/until')]);
bad('Wait none', wait({}), [miss()]);
bad('Wait unit', wait({ interval: { count: 1, unit: 'Fortnight' } }), ['/X/inputs/interval/unit']);
bad('Wait Year', wait({ interval: { count: 1, unit: 'Year' } }), ['/X/inputs/interval/unit']);
bad('Wait no unit', wait({ interval: { count: 1 } }), [[MISS, '/X/inputs/interval']]);
bad('Wait no count', wait({ interval: { unit: 'Day' } }), [[MISS, '/X/inputs/interval']]);
bad('Wait until empty', wait({ until: {} }), [[MISS, '/X/inputs/until']]);
bad('Wait timestamp', wait({ until: { timestamp: 'tomorrow' } }), ['/X/inputs/until/timestamp']);
bad('Wait count text', wait({ interval: { count: 'x', unit: 'Day' } }), ['/X/inputs/interval/count']);
bad('Wait count fraction', wait({ interval: { count: 1.5, unit: 'Day' } }), ['/X/inputs/interval/count']);
bad('Wait extra', wait({ interval: { count: 1, unit: 'Day' }, colour: 1 }), [inv('/X/inputs/colour')]);
// data
bad('Select from number', { type: 'Select', inputs: { from: 1, select: 1 } }, ['/X/inputs/from']);
bad('Select from object', { type: 'Select', inputs: { from: {}, select: 1 } }, ['/X/inputs/from']);
bad('Select from text', { type: 'Select', inputs: { from: 'abc', select: 1 } }, ['/X/inputs/from']);
bad('Query from text', { type: 'Query', inputs: { from: 'abc', where: '@true' } }, ['/X/inputs/from']);
bad('Query where object', { type: 'Query', inputs: { from: [], where: {} } }, ['/X/inputs/where']);
bad('Query where number', { type: 'Query', inputs: { from: [], where: 1 } }, ['/X/inputs/where']);
good('Select of text', { type: 'Select', inputs: { from: [], select: 'abc' } });
good('Select of a number', { type: 'Select', inputs: { from: [], select: 1 } });
bad('Join from object', { type: 'Join', inputs: { from: {}, joinWith: ',' } }, ['/X/inputs/from']);
good('Join long delimiter', { type: 'Join', inputs: { from: [], joinWith: ' and also ' } });
bad('Join with number', { type: 'Join', inputs: { from: [], joinWith: 1 } }, ['/X/inputs/joinWith']);
for (const f of ['CSV', 'HTML', 'csv', 'Html', '@triggerBody()']) good('Table ' + f, { type: 'Table', inputs: { from: [], format: f } });
bad('Table format', { type: 'Table', inputs: { from: [], format: 'XML' } }, ['/X/inputs/format']);
bad('Table columns object', { type: 'Table', inputs: { from: [], format: 'CSV', columns: {} } }, ['/X/inputs/columns']);
bad('Table column no value', { type: 'Table', inputs: { from: [], format: 'CSV', columns: [{ header: 'h' }] } }, [[MISS, '/X/inputs/columns/0']]);
bad('Table column text', { type: 'Table', inputs: { from: [], format: 'CSV', columns: ['h'] } }, ['/X/inputs/columns/0']);
good('Table column no header', { type: 'Table', inputs: { from: [], format: 'CSV', columns: [{ value: '@item()' }] } });
good('Table columns expression', { type: 'Table', inputs: { from: '@triggerBody()', format: 'HTML', columns: '@triggerBody()' } });
bad('ParseJson schema text', { type: 'ParseJson', inputs: { content: 1, schema: 'x' } }, ['/X/inputs/schema']);
bad('ParseJson schema list', { type: 'ParseJson', inputs: { content: 1, schema: [] } }, ['/X/inputs/schema']);
good('ParseJson constant', { type: 'ParseJson', inputs: { content: { a: 1 }, schema: { type: 'object' } } });
const expr = { AddToTime: { baseTime: '@utcNow()', interval: 1, timeUnit: 'Day' }, SubtractFromTime: { baseTime: '2020-01-01', interval: '@triggerBody()', timeUnit: 'Year' }, GetFutureTime: { interval: 1, timeUnit: 'Second' }, GetPastTime: { interval: 1, timeUnit: 'Month' }, CurrentTime: {}, ConvertTimeZone: { baseTime: '@utcNow()', sourceTimeZone: 'UTC', destinationTimeZone: 'Romance Standard Time' } };
for (const [kind, inputs] of Object.entries(expr)) {
  good('Expression ' + kind, { type: 'Expression', kind, inputs }); good('Expression kind case ' + kind, { type: 'expression', kind: kind.toLowerCase(), inputs });
  for (const m of Object.keys(inputs)) { const i = clone(inputs); delete i[m]; bad(`Expression ${kind} without ${m}`, { type: 'Expression', kind, inputs: i }, [miss()]); }
  if (kind !== 'CurrentTime') bad(`Expression ${kind} extra`, { type: 'Expression', kind, inputs: { ...inputs, colour: 1 } }, [inv('/X/inputs/colour')]);
  if (inputs.timeUnit) bad(`Expression ${kind} unit`, { type: 'Expression', kind, inputs: { ...inputs, timeUnit: 'Fortnight' } }, ['/X/inputs/timeUnit']);
}
bad('Expression kind', { type: 'Expression', kind: 'Guess', inputs: {} }, ['/X/kind']);
bad('Expression no kind', { type: 'Expression', inputs: {} }, ['/X']);
// control
bad('If no expression', { type: 'If', actions: {} }, ['/X']);
bad('If no actions', { type: 'If', expression: { equals: [1, 1] } }, ['/X']);
bad('If else empty', { type: 'If', expression: { equals: [1, 1] }, actions: {}, else: {} }, ['/X/else']);
for (const e of [1, []]) bad('If expression ' + JSON.stringify(e), { type: 'If', expression: e, actions: {} }, ['/X/expression']);
bad('If two keys', { type: 'If', expression: { equals: [1, 1], not: { equals: [1, 2] } }, actions: {} }, ['/X/expression']);
bad('If empty object', { type: 'If', expression: {}, actions: {} }, ['/X/expression']);
bad('If unknown key', { type: 'If', expression: { and: [{ sameAs: [1, 1] }] }, actions: {} }, ['/X/expression/and/0/sameAs']);
bad('If actions list', { type: 'If', expression: { equals: [1, 1] }, actions: [] }, ['/X/actions']);
bad('If else actions list', { type: 'If', expression: { equals: [1, 1] }, actions: {}, else: { actions: [] } }, ['/X/else/actions']);
bad('If else text', { type: 'If', expression: { equals: [1, 1] }, actions: {}, else: 'x' }, ['/X/else']);
for (const e of [{ and: [] }, { or: [] }, { AND: [{ Equals: ['@triggerBody()', null] }, { not: { contains: ['@triggerBody()', 'x'] } }, { or: [{ greater: ['@length(triggerBody())', 1] }, { empty: '@triggerBody()' }] }] }, { not: { equals: [1, 2] } }, { equals: [{ length: ['abc'] }, 3] }, { startsWith: ['a', 'b'] }, { and: { equals: [1, 1] } }, '@equals(1,1)', '@not(triggerBody())', { endsWith: ['a', '@{triggerBody()}'] }]) good('If ' + JSON.stringify(e), { type: 'If', expression: e, actions: {} });
good('If else null?', { type: 'If', expression: { equals: [1, 1] }, actions: {}, else: { actions: {} } });
bad('Foreach no foreach', { type: 'Foreach', actions: {} }, ['/X']);
bad('Foreach no actions', { type: 'Foreach', foreach: [] }, ['/X']);
for (const e of [1, true, {}]) bad('Foreach ' + JSON.stringify(e), { type: 'Foreach', foreach: e, actions: {} }, ['/X/foreach']);
bad('Foreach actions list', { type: 'Foreach', foreach: [], actions: [] }, ['/X/actions']);
for (const r of [0, 51, -1, 1.5, 'x']) bad('repetitions ' + JSON.stringify(r), { type: 'Foreach', foreach: [], actions: {}, runtimeConfiguration: { concurrency: { repetitions: r } } }, ['/X/runtimeConfiguration/concurrency/repetitions']);
for (const r of [1, 50, 20]) good('repetitions ' + r, { type: 'Foreach', foreach: [], actions: {}, runtimeConfiguration: { concurrency: { repetitions: r } } });
bad('Sequential with repetitions', { type: 'Foreach', foreach: [], actions: {}, operationOptions: 'sequential', runtimeConfiguration: { concurrency: { repetitions: 2 } } }, ['/X/runtimeConfiguration/concurrency/repetitions']);
good('Sequential', { type: 'Foreach', foreach: [], actions: {}, operationOptions: 'Sequential' });
for (const t of [ok, { type: 'Scope', actions: {} }, { type: 'Until', expression: '@true', limit: { count: 1 }, actions: {} }, { type: 'Http', inputs: { method: 'GET', uri: 'https://h' } }]) { bad(`repetitions on ${t.type}`, { ...t, runtimeConfiguration: { concurrency: { repetitions: 2 } } }, ['/X/runtimeConfiguration/concurrency/repetitions']); bad(`runs on ${t.type}`, { ...t, runtimeConfiguration: { concurrency: { runs: 2 } } }, ['/X/runtimeConfiguration/concurrency/runs']); bad(`waiting on ${t.type}`, { ...t, runtimeConfiguration: { concurrency: { maximumWaitingRuns: 20 } } }, ['/X/runtimeConfiguration/concurrency/maximumWaitingRuns']); }
bad('runs on Foreach', { type: 'Foreach', foreach: [], actions: {}, runtimeConfiguration: { concurrency: { runs: 2 } } }, ['/X/runtimeConfiguration/concurrency/runs']);
bad('Until no expression', { type: 'Until', limit: { count: 1 }, actions: {} }, ['/X']);
bad('Until no actions', { type: 'Until', expression: '@true', limit: { count: 1 } }, ['/X']);
bad('Until no limit', { type: 'Until', expression: '@true', actions: {} }, ['/X']);
bad('Until expression object', { type: 'Until', expression: { equals: [1, 1] }, limit: { count: 1 }, actions: {} }, ['/X/expression']);
for (const c of [0, 5001, -1, 1.5, 'x', true]) bad('Until count ' + JSON.stringify(c), { type: 'Until', expression: '@true', limit: { count: c }, actions: {} }, ['/X/limit/count']);
for (const t of ['1 hour', 'PT', 60, '01:00:00', true]) bad('Until timeout ' + JSON.stringify(t), { type: 'Until', expression: '@true', limit: { timeout: t }, actions: {} }, ['/X/limit/timeout']);
bad('Until limit text', { type: 'Until', expression: '@true', limit: 'PT1H', actions: {} }, ['/X/limit']);
for (const l of [{ count: 1 }, { count: 5000, timeout: 'PT1H' }, { timeout: 'P30D' }, { count: '5' }, { count: '@triggerBody()', timeout: '@triggerBody()' }, {}]) good('Until ' + JSON.stringify(l), { type: 'Until', expression: '@true', limit: l, actions: {}, operationOptions: 'FailWhenLimitsReached' });
bad('stateless Until 101', { type: 'Until', expression: '@true', limit: { count: 101 }, actions: {} }, ['/X/limit/count'], { profiles: ['stateless'] });
good('stateless Until 100', { type: 'Until', expression: '@true', limit: { count: 100, timeout: 'PT5M' }, actions: {} }, { profiles: ['stateless'] });
bad('Scope no actions', { type: 'Scope' }, ['/X']);
bad('Scope actions text', { type: 'Scope', actions: 'x' }, ['/X/actions']); 
const sw = (cases, more = {}) => ({ type: 'Switch', expression: '@triggerBody()', cases, ...more });
bad('Switch no expression', { type: 'Switch', cases: {} }, ['/X']);
bad('Switch no cases', { type: 'Switch', expression: 1 }, ['/X']);
bad('Switch cases list', sw([]), ['/X/cases']);
bad('Switch case text', sw({ A: 'x' }), ['/X/cases/A']);
bad('Switch case without case', sw({ A: { actions: {} } }), ['/X/cases/A']);
for (const c of [true, null, {}, [], 1.5]) bad('Switch case ' + JSON.stringify(c), sw({ A: { case: c, actions: {} } }), ['/X/cases/A/case']);
bad('Switch case expression', sw({ A: { case: '@triggerBody()', actions: {} } }), ['/X/cases/A/case']);
bad('Switch case interpolation', sw({ A: { case: 'a@{triggerBody()}', actions: {} } }), ['/X/cases/A/case']);
bad('Switch same case', sw({ A: { case: 'a', actions: {} }, B: { case: 'a', actions: {} } }), ['/X/cases/B/case']);
good('Switch case differs in letter case and type', sw({ A: { case: 'a', actions: {} }, B: { case: 'A', actions: {} }, D: { case: 1, actions: {} }, E: { case: '1', actions: {} }, G: { case: '', actions: {} }, H: { case: 'a@b', actions: {} } }));
bad('Switch default list', sw({}, { default: [] }), ['/X/default']);
bad('Switch default actions list', sw({}, { default: { actions: [] } }), ['/X/default/actions']);
good('Switch default bare', sw({ A: { case: 1, actions: {} } }, { default: { actions: {} } }));
good('Switch no cases at all', sw({}));
bad('Switch 26', sw(Object.fromEntries(Array.from({ length: 26 }, (_, i) => ['c' + i, { case: i, actions: {} }]))), ['/X/cases']);
good('Switch 25', sw(Object.fromEntries(Array.from({ length: 25 }, (_, i) => ['c' + i, { case: i, actions: {} }]))));
// runtimeConfiguration
bad('runtimeConfiguration text', { ...ok, runtimeConfiguration: 'x' }, ['/X/runtimeConfiguration']);
bad('concurrency text', { type: 'Foreach', foreach: [], actions: {}, runtimeConfiguration: { concurrency: 'x' } }, ['/X/runtimeConfiguration/concurrency']);
bad('secureData no properties', { ...ok, runtimeConfiguration: { secureData: {} } }, ['/X/runtimeConfiguration/secureData']);
bad('secureData properties text', { ...ok, runtimeConfiguration: { secureData: { properties: 'inputs' } } }, ['/X/runtimeConfiguration/secureData/properties']);
bad('secureData property', { ...ok, runtimeConfiguration: { secureData: { properties: ['inputs', 'body'] } } }, ['/X/runtimeConfiguration/secureData/properties/1']);
good('secureData', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { secureData: { properties: ['inputs', 'outputs'] } } });
bad('pagination no count', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { paginationPolicy: {} } }, ['/X/runtimeConfiguration/paginationPolicy']);
for (const c of [0, -1, 'x', 1.5, 100001]) bad('pagination ' + c, { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { paginationPolicy: { minimumItemCount: c } } }, ['/X/runtimeConfiguration/paginationPolicy/minimumItemCount']);
good('pagination', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { paginationPolicy: { minimumItemCount: 100000 } } });
good('chunked', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { contentTransfer: { transferMode: 'Chunked', uploadChunkSizeInMB: 10, downloadChunkSizeInMB: 10 } } });
bad('transfer mode', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { contentTransfer: { transferMode: 'Bits' } } }, ['/X/runtimeConfiguration/contentTransfer/transferMode']);
bad('chunked compose', { ...ok, runtimeConfiguration: { contentTransfer: { transferMode: 'Chunked' } } }, ['/X/runtimeConfiguration/contentTransfer']);
bad('chunked stateless', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { contentTransfer: { transferMode: 'Chunked' } } }, ['/X/runtimeConfiguration/contentTransfer'], { profiles: ['stateless'] });
const st = (s) => ({ root: { staticResults: s } }), http0 = { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, runtimeConfiguration: { staticResult: { name: 'HTTP0', staticResultOptions: 'Enabled' } } };
good('static result', http0, st({ HTTP0: { status: 'Succeeded', outputs: { statusCode: 'OK' } } }));
good('static result disabled', { ...http0, runtimeConfiguration: { staticResult: { name: 'HTTP0', staticResultOptions: 'Disabled' } } }, st({ HTTP0: { status: 'Failed', outputs: { errors: [{ message: 'm' }] }, error: { code: 'c', message: 'm' }, code: 'c' } }));
bad('static result unknown', http0, ['/X/runtimeConfiguration/staticResult/name'], st({ HTTP1: { status: 'Succeeded', outputs: {} } }));
bad('static result none', http0, ['/X/runtimeConfiguration/staticResult/name']);
bad('static option', { ...http0, runtimeConfiguration: { staticResult: { name: 'HTTP0', staticResultOptions: 'On' } } }, ['/X/runtimeConfiguration/staticResult/staticResultOptions'], st({ HTTP0: { status: 'Succeeded', outputs: {} } }));
bad('static no name', { ...http0, runtimeConfiguration: { staticResult: {} } }, ['/X/runtimeConfiguration/staticResult'], st({ HTTP0: { status: 'Succeeded', outputs: {} } }));
// limit
for (const t of ['10 s', 10, 'PT', '']) bad('limit.timeout ' + JSON.stringify(t), { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, limit: { timeout: t } }, ['/X/limit/timeout']);
for (const t of ['PT10S', 'P1D', 'P1DT1H', 'PT0.5S', '@triggerBody()']) good('limit.timeout ' + t, { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, limit: { timeout: t } });
bad('limit list', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, limit: [] }, ['/X/limit']);
bad('operationOptions number', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, operationOptions: 1 }, ['/X/operationOptions']);
good('operationOptions', { type: 'Http', inputs: { method: 'GET', uri: 'https://h' }, operationOptions: 'DisableAsyncPattern, suppressworkflowheaders DisableAsyncPattern' });
// workflow
good('Workflow C', { type: 'Workflow', inputs: { host: { workflow: { id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Logic/workflows/child' }, triggerName: 'manual' }, body: 1, headers: {}, queries: {}, retryPolicy: { type: 'none' } } });
good('Workflow S', { type: 'Workflow', inputs: { host: { workflow: { id: 'child' } } } }, { profiles: S });
good('Workflow F', { type: 'Workflow', inputs: { host: { workflowReferenceName: 'g' }, body: {} } }, { profiles: F });
bad('Workflow no host', { type: 'Workflow', inputs: { body: 1 } }, [miss()]);
bad('Workflow extra', { type: 'Workflow', inputs: { host: { workflow: { id: 'x' }, triggerName: 'm' }, colour: 1 } }, [inv('/X/inputs/colour')]);
// webhook
const hook = (i, m) => ({ type: 'HttpWebhook', inputs: i, ...m });
good('HttpWebhook', hook({ subscribe: { method: 'POST', uri: 'https://h', body: { u: '@{listCallbackUrl()}' }, headers: {}, queries: {}, authentication: { type: 'None' }, retryPolicy: { type: 'none' } }, unsubscribe: { method: 'DELETE', uri: 'https://h' } }, { limit: { timeout: 'PT1H' } }));
bad('HttpWebhook no subscribe', hook({ unsubscribe: { method: 'DELETE', uri: 'https://h' } }), [miss()]);
bad('HttpWebhook subscribe no uri', hook({ subscribe: { method: 'POST' } }), [[MISS, '/X/inputs/subscribe']]);
bad('HttpWebhook subscribe no method', hook({ subscribe: { uri: 'https://h' } }), [[MISS, '/X/inputs/subscribe']]);
bad('HttpWebhook stateless', hook({ subscribe: { method: 'POST', uri: 'https://h' } }), ['/X'], { profiles: ['stateless'] });
for (const u of ['https://[not-an-ip]/p', 'https://[::1', 'https://[]/', 'https://[1.2.3.4]/']) bad('uri ' + u, { type: 'Http', inputs: { method: 'GET', uri: u } }, ['/X/inputs/uri']);
for (const u of ['https://[::1]/p', 'http://[fe80::1%25eth0]:8080/', "https://[@{triggerBody()}]/"]) good('uri ' + u, { type: 'Http', inputs: { method: 'GET', uri: u } });
bad('kind', { type: 'Expression', kind: 'Guess', inputs: {} }, ['/X/kind']);
bad('no kind', { type: 'Expression', inputs: {} }, ['/X']);
good('IndexOf', { type: 'Expression', kind: 'IndexOf', inputs: { text: 'a', searchText: 'b' } });
bad('ChunkText', { type: 'ChunkText', inputs: { chunkingStrategy: 'TokenSize' } }, [[MISS, '/X/inputs']]);
bad('ParseDocument', { type: 'ParseDocument', inputs: {} }, [[MISS, '/X/inputs']]);
good('ChunkText', { type: 'ChunkText', inputs: { text: '@triggerBody()', Text: 1 } });
for (const e of [{ and: [{ sameAs: [1, 1] }] }, { or: [{ not: { sameAs: [1, 1] } }] }]) bad('If ' + JSON.stringify(e), { type: 'If', expression: e, actions: {} }, [e.and ? '/X/expression/and/0/sameAs' : '/X/expression/or/0/not/sameAs']);
bad('two keys', { type: 'If', expression: { and: [{ equals: [1, 1] }, { equals: [1, 1], less: [1, 2] }] }, actions: {} }, ['/X/expression/and/1']);
bad('empty', { type: 'If', expression: { and: [{}] }, actions: {} }, ['/X/expression/and/0']);
good('objects as values', { type: 'If', expression: { and: [{ equals: [{ a: 1, b: 2 }, { colour: 'red' }] }, { equals: [{}, '@triggerBody()'] }] }, actions: {} });
good('text in and', { type: 'If', expression: { and: ['@true', '@equals(1,1)'] }, actions: {} });
bad('null actions', { type: 'Scope', actions: null }, ['/X']);
bad('null else actions', { type: 'If', expression: '@true', actions: {}, else: { actions: null } }, ['/X/else']);
const am = (a) => ({ type: 'ApiManagement', inputs: { api: { id: 'x' }, method: 'GET', pathTemplate: { template: '/a' }, authentication: a } });
good('am', am({ type: 'None' }));
bad('am', am({ type: 'Basic', username: 'u' }), [[MISS, '/X/inputs/authentication']]);
