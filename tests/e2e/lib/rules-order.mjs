// Rules on names, order, expressions, references and variables (spec workflows §1.4 to §1.7, §3.8).
// What is expected: code and pointer of each finding, from the list of actions (or from the definition, with "!",
// or from the file, with "^"). A case without any is accepted.
import { all, C, S, F, everywhere, unlooped, schema } from './definitions.mjs';
const T = 'InvalidTemplate', MISS = 'WorkflowRunActionInputsMissingProperty', INV = 'WorkflowRunActionInputsInvalidProperty', VAR = 'InvalidVariableOperation', TRI = 'WorkflowTriggerInputsInvalidProperty', REC = 'InvalidRecurrence';
const ok = { type: 'Compose', inputs: 1 };
const compose = (inputs, runAfter) => ({ type: 'Compose', inputs, ...(runAfter ? { runAfter } : {}) });
const after = (...n) => Object.fromEntries(n.map((x) => [x, ['Succeeded']]));
export const cases = [];
const bad = (name, actions, want, more = {}) => cases.push({ name: 'bad ' + name, actions, want: want.map((w) => typeof w === 'string' ? [T, w] : w), ...more });
const good = (name, actions, more = {}) => cases.push({ name: 'good ' + name, actions, ...more });
const X = (b) => ({ X: b });
// structure
bad('action array', X([]), ['/X']);
bad('action null', X(null), ['/X']);
bad('action text', X('Compose'), ['/X']);
bad('type missing', X({ inputs: 1 }), ['/X']);
bad('type number', X({ type: 1, inputs: 1 }), ['/X/type']);
good('type unknown is a warning', X({ type: 'Frobnicate', inputs: 1 }));
good('types in any case', { X: { type: 'cOMPOSE', inputs: 1 }, Y: { type: 'PARSEJSON', inputs: { content: '@triggerBody()', schema: {} } }, Z: { type: 'HTTP', inputs: { method: 'get', uri: 'https://h' } } });
good('members in any case', { X: { Type: 'Compose', Inputs: 1, RunAfter: {} }, Y: { type: 'Compose', inputs: 1, runafter: { X: ['SUCCEEDED'] }, RuntimeConfiguration: { SecureData: { Properties: ['inputs'] } } } });
bad('description number', X({ ...ok, description: 1 }), ['/X/description']);
bad('description 257', X({ ...ok, description: 'd'.repeat(257) }), ['/X/description']);
good('description 256', X({ ...ok, description: 'd'.repeat(256) }));
good('description 256 astral', X({ ...ok, description: '😀'.repeat(128) }));
good('extra members of an action', X({ ...ok, metadata: { operationMetadataId: 'g' }, correlation: {}, foo: 1 }));
// names
for (const c of '<>%&\\?/:') { const n = 'a' + c + 'b'; bad('name ' + c, { [n]: ok }, ['/' + n.replace(/~/g, '~0').replace(/\//g, '~1')], { profiles: [...C, ...S] }); good('flow name ' + c, { [n]: ok }, { profiles: F }); }
bad('name tab', { 'a\tb': ok }, ['/a\tb'], { profiles: [...C, ...S] });
bad('name dot end', { 'a.': ok }, ['/a.'], { profiles: [...C, ...S] });
bad('name empty', { '': ok }, ['/']);
bad('name 81', { ['n'.repeat(81)]: ok }, ['/' + 'n'.repeat(81)]);
good('name 80', { ['n'.repeat(80)]: ok });
good('name 80 é', { ['é'.repeat(80)]: ok });
good('name 80 日', { ['日'.repeat(80)]: ok });
good('names with signs', { "a'b": ok, 'a b': ok, 'a.b': ok, 'a*b|"c"': ok, 'a#b@c(d)': ok, 'a~b': ok, '.a': ok });
good('quote in reference', { "it's": ok, B: compose("@outputs('it''s')", after("it's")) });
bad('duplicate nested', { X: ok, Y: { type: 'Scope', actions: { x: ok } } }, ['/Y/actions/x']);
bad('name of the trigger', { MANUAL: ok }, ['/MANUAL']);
bad('name of a box', { Q: { type: 'Scope', actions: { q: ok } } }, ['/Q/actions/q']);
good('same in cases is a duplicate, not same as case name', { Sw: { type: 'Switch', expression: 1, cases: { A: { case: 1, actions: { B: ok } }, B: { case: 2, actions: { A: ok } } } } });
// runAfter
bad('runAfter unknown', X(compose(1, after('Gone'))), ['/X/runAfter/Gone']);
bad('runAfter trigger', X(compose(1, after('manual'))), ['/X/runAfter/manual']);
bad('runAfter self', X(compose(1, after('X'))), ['/X/runAfter']);
bad('runAfter cousin', { X: { type: 'Scope', actions: { I: ok } }, Y: compose(1, after('I')) }, ['/Y/runAfter/I']);
bad('runAfter uncle', { U: ok, X: { type: 'Scope', actions: { I: compose(1, after('U')) } } }, ['/X/actions/I/runAfter/U']);
bad('runAfter parent', { X: { type: 'Scope', actions: { I: compose(1, after('X')) } } }, ['/X/actions/I/runAfter/X']);
bad('runAfter other branch', { X: { type: 'If', expression: { equals: [1, 1] }, actions: { I: ok }, else: { actions: { J: compose(1, after('I')) } } } }, ['/X/else/actions/J/runAfter/I']);
bad('runAfter other case', { X: { type: 'Switch', expression: 1, cases: { A: { case: 1, actions: { I: ok } }, B: { case: 2, actions: { J: compose(1, after('I')) } } }, default: { actions: {} } } }, ['/X/cases/B/actions/J/runAfter/I']);
bad('runAfter case and default', { X: { type: 'Switch', expression: 1, cases: { A: { case: 1, actions: { I: ok } } }, default: { actions: { J: compose(1, after('I')) } } } }, ['/X/default/actions/J/runAfter/I']);
bad('runAfter empty list', { A: ok, X: compose(1, { A: [] }) }, ['/X/runAfter/A']);
bad('runAfter text', { A: ok, X: compose(1, { A: 'Succeeded' }) }, ['/X/runAfter/A']);
bad('runAfter null', { A: ok, X: compose(1, { A: null }) }, ['/X/runAfter/A']);
bad('runAfter array', { A: ok, X: compose(1, ['A']) }, ['/X/runAfter']);
bad('runAfter status unknown', { A: ok, X: compose(1, { A: ['Succeeded', 'Done'] }) }, ['/X/runAfter/A/1']);
bad('runAfter status number', { A: ok, X: compose(1, { A: [1] }) }, ['/X/runAfter/A/0']);
bad('runAfter status expression', { A: ok, X: compose(1, { A: ["@parameters('p')"] }) }, ['/X/runAfter/A/0']);
good('runAfter all statuses', { A: ok, X: compose(1, { a: ['Succeeded', 'FAILED', 'skipped', 'TimedOut', 'TIMEDOUT', 'Aborted', 'Cancelled', 'Faulted', 'Ignored', 'Paused', 'Running', 'Suspended', 'Waiting'] }) });
good('runAfter null is none', X({ ...ok, runAfter: {} }));
bad('cycle 2', { A: compose(1, after('B')), B: compose(1, after('A')) }, ['/A/runAfter', '/B/runAfter']);
bad('cycle 3 beside sound', { Z: ok, A: compose(1, { C: ['Failed'] }), B: compose(1, after('A', 'Z')), C: compose(1, after('B')), D: compose(1, after('C')) }, ['/A/runAfter', '/B/runAfter', '/C/runAfter']);
good('diamond', { A: ok, B: compose("@outputs('A')", after('A')), Cc: compose("@outputs('A')", after('A')), D: compose("@concat(outputs('B'),outputs('Cc'),outputs('A'))", after('B', 'Cc')) });
good('references through statuses', { A: ok, B: compose(1, { A: ['Failed'] }), D: compose("@outputs('A')", { B: ['Skipped'] }) });
// expressions
for (const [n, e] of Object.entries({ unclosed: "@concat('a'", text: "@concat('a)", double: '@concat("a")', trailing: "@add(1,2) x", comma: '@add(1,,2)', lastcomma: '@add(1,2,)', brace: "@{concat('a'}", operators: '@1 + 2', unknown: '@nonsense(1)', few: '@add(1)', many: '@add(1,2,3)', none: '@utcNow', accessor: "@outputs('A')?", bracket: "@triggerBody()['a'", dotnum: '@triggerBody().1', path: '@triggerBody()..a', interpolated: "x @{add(1} y", two: "@{1}@{add(}" })) {
  bad('expression ' + n, X(compose({ list: [0, { text: e }] })), ['/X/inputs/list/1/text']);
}
for (const [n, e] of Object.entries({ escaped: '@@concat(', escapedin: 'mail@example.com @@{x', at: 'a@b', plain: 'concat(', nullsafe: "@triggerBody()?['a']?['b']?.c", index: '@triggerBody()[0][1]', quotes: "@concat('it''s @{x}', '@{')", nested: "@{concat('a}b', '{')}", spaces: "@ triggerBody ( ) ", newline: "@concat(\n'a',\n'b')", interp: "a@{triggerBody()}b@{utcNow()}", lit: '@true', num: '@1', neg: '@-1', dbl: '@1.5e3', nul: '@null', str: "@'x'", caseless: "@ConCat('a', TRIGGERBODY())", accessorcall: "@triggerBody()['a'][concat('b','c')]", trailingspace: "@triggerBody()  " }))
  good('expression ' + n, X(compose({ a: [e] })));
bad('expression of 8,193', X(compose('@concat(' + "'" + 'x'.repeat(8194 - 11) + "')")), ['/X/inputs']);
good('expression of 8,192', X(compose('@concat(' + "'" + 'x'.repeat(8193 - 11) + "')")));
good('long text no expression', X(compose('x'.repeat(20000))));
good('long text around a short expression', X(compose('x'.repeat(20000) + '@{utcNow()}')));
bad('interpolation 8193', X(compose("a @{concat('" + 'x'.repeat(8192) + "')} b")), ['/X/inputs']);
// expressions in every member
bad('syntax in If string', X({ type: 'If', expression: '@equals(1', actions: {} }), ['/X/expression']);
bad('syntax in If object', X({ type: 'If', expression: { or: [{ not: { equals: [1, '@x('] } }] }, actions: {} }), ['/X/expression/or/0/not/equals/1']);
bad('syntax in foreach', X({ type: 'Foreach', foreach: '@x(', actions: {} }), ['/X/foreach']);
bad('syntax in until', X({ type: 'Until', expression: '@x(', limit: { count: 1 }, actions: {} }), ['/X/expression']);
bad('syntax in switch', X({ type: 'Switch', expression: '@x(', cases: {} }), ['/X/expression']);
bad('syntax in select', X({ type: 'Select', inputs: { from: [], select: { a: '@x(' } } }), ['/X/inputs/select/a']);
bad('syntax in where', X({ type: 'Query', inputs: { from: [], where: '@x(' } }), ['/X/inputs/where']);
bad('syntax in tracked', X({ ...ok, trackedProperties: { a: '@x(' } }), ['/X/trackedProperties/a']);
// references
bad('unknown action', X(compose("@body('Gone')")), ['/X/inputs']);
for (const f of ['actions', 'outputs', 'body', 'actionOutputs', 'actionBody', 'result']) bad('unknown in ' + f, X(compose({ a: `@{${f}('Gone')}` })), ['/X/inputs/a']);
for (const f of ["formDataValue('Gone','k')", "formDataMultiValues('Gone','k')", "multipartBody('Gone',0)"]) bad('unknown in ' + f, X(compose('@' + f)), ['/X/inputs']);
bad('not on the path', { A: ok, X: compose("@outputs('A')") }, ['/X/inputs']);
bad('behind', { X: compose("@outputs('A')"), A: compose(1, after('X')) }, ['/X/inputs']);
bad('self', X(compose("@outputs('X')")), ['/X/inputs']);
bad('own scope result', X({ type: 'Scope', actions: { I: compose("@result('X')") } }), ['/X/actions/I/inputs']);
bad('two unknown in one text', X(compose("@concat(body('G1'), body('G2'))")), ['/X/inputs']);
bad('inside scope not on path', { A: { type: 'Scope', actions: { I: ok } }, X: compose("@outputs('I')") }, ['/X/inputs']);
bad('sibling branch reference', X({ type: 'If', expression: { equals: [1, 1] }, actions: { I: ok }, else: { actions: { J: compose("@outputs('I')") } } }), ['/X/else/actions/J/inputs']);
bad('condition reads own branch', X({ type: 'If', expression: { equals: ["@outputs('I')", 1] }, actions: { I: ok } }), ['/X/expression/equals/0']);
bad('foreach reads own body', X({ type: 'Foreach', foreach: "@outputs('I')", actions: { I: ok } }), ['/X/foreach']);
bad('switch reads own case', X({ type: 'Switch', expression: "@outputs('I')", cases: { A: { case: 1, actions: { I: ok } } } }), ['/X/expression']);
good('reference into branch', { A: { type: 'If', expression: { equals: [1, 1] }, actions: { I: ok }, else: { actions: { J: ok } } }, X: compose("@coalesce(outputs('I'),outputs('J'))", after('A')) });
good('reference into case', { A: { type: 'Switch', expression: 1, cases: { A1: { case: 1, actions: { I: ok } } }, default: { actions: { J: ok } } }, X: compose("@coalesce(outputs('I'),outputs('J'))", after('A')) });
good('scope status', { A: { type: 'Scope', actions: { I: ok } }, X: compose("@concat(actions('A').status, result('A'))", after('A')) });
good('reference before the container', { A: ok, X: { type: 'Scope', runAfter: after('A'), actions: { I: compose("@outputs('A')"), J: { type: 'If', expression: { equals: ["@outputs('A')", 1] }, actions: { K: compose("@outputs('A')") } } } } });
good('reference through scope chain', { A: ok, B: { type: 'Scope', runAfter: after('A'), actions: { I: ok } }, X: { type: 'Scope', runAfter: after('B'), actions: { J: compose("@concat(outputs('A'),outputs('I'))") } } });
good('trigger functions', X(compose("@concat(trigger().name,triggerBody(),triggerOutputs(),triggerFormDataValue('a'),triggerFormDataMultiValues('a'),triggerMultipartBody(0),workflow().name,guid(),utcNow())")));
good('until expression reads body', X({ type: 'Until', expression: "@equals(outputs('I'),1)", limit: { count: 2 }, actions: { I: ok } }));
good('until limit with expression', X({ type: 'Until', expression: '@equals(1,1)', limit: { count: '@triggerBody()', timeout: "@{triggerBody()}" }, actions: {} }));
bad('nested foreach from outside', { A: { type: 'Foreach', foreach: [1], actions: { B: { type: 'Foreach', foreach: [1], actions: { I: ok } } } }, X: compose("@outputs('I')", after('A')) }, ['/X/inputs']);
bad('nested foreach through scopes', { A: { type: 'Foreach', foreach: [1], actions: { S: { type: 'Scope', actions: { B: { type: 'Foreach', foreach: [1], actions: { S2: { type: 'If', expression: { equals: [1, 1] }, actions: { I: ok } } } } } } } }, X: { type: 'Scope', runAfter: after('A'), actions: { Y: compose("@body('I')") } } }, ['/X/actions/Y/inputs'], { places: ['root', 'scope', 'until', 'no', 'case'] });
good('one foreach from outside', { A: { type: 'Foreach', foreach: [1], actions: { S: { type: 'Scope', actions: { I: ok } } } }, X: compose("@outputs('I')", after('A')) });
good('until in foreach from outside', { A: { type: 'Foreach', foreach: [1], actions: { B: { type: 'Until', expression: '@equals(1,1)', limit: { count: 1 }, actions: { I: ok } } } }, X: compose("@outputs('I')", after('A')) });
good('inner loop from the outer', X({ type: 'Foreach', foreach: [1], actions: { B: { type: 'Foreach', foreach: [1], actions: { I: ok } }, Cc: compose("@outputs('I')", after('B')) } }));
// context
bad('item at large', X(compose('@item()')), ['/X/inputs'], { places: unlooped });
good('item in loops', X(compose('@item()')), { places: ['foreach', 'deeploop'] });
bad('item in Until', X(compose('@item()')), ['/X/inputs'], { places: ['until'] });
bad('item in If at large', X({ type: 'If', expression: { equals: ['@item()', 1] }, actions: {} }), ['/X/expression/equals/0'], { places: unlooped });
for (const [n, b] of Object.entries({ select: { type: 'Select', inputs: { from: [1], select: { a: '@item()' } } }, query: { type: 'Query', inputs: { from: [1], where: '@equals(item(),1)' } }, table: { type: 'Table', inputs: { from: [1], format: 'CSV', columns: [{ header: 'h', value: '@item()' }] } } })) good('item in ' + n, X(b));
bad('item in from', X({ type: 'Select', inputs: { from: '@item()', select: 1 } }), ['/X/inputs/from'], { places: unlooped });
bad('items unknown', X(compose("@items('Gone')")), ['/X/inputs']);
bad('items of a scope', { A: { type: 'Scope', actions: { X: compose("@items('A')") } } }, ['/A/actions/X/inputs']);
bad('items of a loop behind', { A: { type: 'Foreach', foreach: [1], actions: {} }, X: compose("@items('A')", after('A')) }, ['/X/inputs']);
bad('items of an until', { A: { type: 'Until', expression: '@equals(1,1)', limit: { count: 1 }, actions: { X: compose("@items('A')") } } }, ['/A/actions/X/inputs'], {});
bad('items in own foreach', { A: { type: 'Foreach', foreach: "@items('A')", actions: {} } }, ['/A/foreach']);
good('items of the loop', { A: { type: 'foreach', foreach: [1], actions: { B: { type: 'Foreach', foreach: [2], actions: { X: compose("@concat(items('a'),items('B'))") } } } } });
bad('iterationIndexes of a foreach', { A: { type: 'Foreach', foreach: [1], actions: { X: compose("@iterationIndexes('A')") } } }, ['/A/actions/X/inputs']);
bad('iterationIndexes unknown', X(compose("@iterationIndexes('Gone')")), ['/X/inputs']);
good('iterationIndexes', { A: { type: 'Until', expression: "@equals(iterationIndexes('A'),1)", limit: { count: 3 }, actions: { X: compose("@iterationIndexes('A')") } } });
bad('action() in inputs', X(compose('@action()')), ['/X/inputs']);
good('action() in until', X({ type: 'Until', expression: "@equals(action().status,'x')", limit: { count: 1 }, actions: {} }));
good('action() in tracked', X({ ...ok, trackedProperties: { a: "@action().inputs", b: "@{action()?['outputs']}", c: '@workflow().name', d: '@trigger().name' } }));
bad('tracked reads others', { A: ok, X: { ...compose(1, after('A')), trackedProperties: { a: "@outputs('A')" } } }, ['/X/trackedProperties/a']);
bad('tracked reads variables', X({ ...ok, trackedProperties: { a: "@variables('v')" } }), ['/X/trackedProperties/a'], { before: { Init: { type: 'InitializeVariable', inputs: { variables: [{ name: 'v', type: 'string' }] } } } });
bad('tracked reads triggerBody', X({ ...ok, trackedProperties: { a: '@triggerBody()' } }), ['/X/trackedProperties/a']);
bad('tracked reads item', X({ ...ok, trackedProperties: { a: '@item()' } }), ['/X/trackedProperties/a']);
bad('tracked text', X({ ...ok, trackedProperties: 'x' }), ['/X/trackedProperties']);
bad('tracked too long', X({ ...ok, trackedProperties: { a: 'x'.repeat(8000) } }), ['/X/trackedProperties']);
bad('listCallbackUrl in compose', X(compose('@listCallbackUrl()')), ['/X/inputs']);
bad('listCallbackUrl in http', X({ type: 'Http', inputs: { method: 'POST', uri: 'https://h', body: '@listCallbackUrl()' } }), ['/X/inputs/body']);
good('listCallbackUrl in webhook', X({ type: 'HttpWebhook', inputs: { subscribe: { method: 'POST', uri: 'https://h', body: '@listCallbackUrl()' }, unsubscribe: { method: 'DELETE', uri: 'https://h/@{action().outputs.x}' } } }));
good('listCallbackUrl in connection webhook', X({ type: 'ApiConnectionWebhook', inputs: { host: { connection: { name: "@parameters('$connections')['x']['connectionId']" } }, path: '/hook', body: { url: '@{listCallbackUrl()}' } } }), { profiles: C, root: { parameters: { $connections: { type: 'Object', defaultValue: {} } } } });
bad('appsetting', X(compose("@appsetting('K')")), ['/X/inputs']);
bad('unknown parameter', X(compose("@parameters('gone')")), ['/X/inputs'], { profiles: [...C, ...F] });
good('parameter', X(compose("@parameters('P')")), { root: { parameters: { p: { type: 'String', defaultValue: 'x' } } } });
// result
bad('result of a compose', { A: ok, X: compose("@result('A')", after('A')) }, ['/X/inputs']);
good('result of every container', { A: { type: 'Scope', actions: {} }, B: { type: 'Foreach', foreach: [], actions: {}, runAfter: after('A') }, D: { type: 'If', expression: { equals: [1, 1] }, actions: {}, runAfter: after('B') }, E: { type: 'Switch', expression: 1, cases: {}, runAfter: after('D') }, G: { type: 'Until', expression: '@equals(1,1)', limit: { count: 1 }, actions: {}, runAfter: after('E') }, X: compose("@concat(result('A'),result('B'),result('D'),result('E'),result('G'))", after('G')) });
// variables
const init = (t = 'string', n = 'v') => ({ Init: { type: 'InitializeVariable', inputs: { variables: [{ name: n, type: t }] } } });
bad('variable none', X(compose("@variables('v')")), [[VAR, '/X/inputs']]);
good('variable', X(compose("@variables('V')")), { before: init() });
bad('set unknown', X({ type: 'SetVariable', inputs: { name: 'v', value: 1 } }), [[VAR, '/X/inputs/name']]);
for (const t of ['AppendToArrayVariable', 'AppendToStringVariable']) bad(t + ' unknown', X({ type: t, inputs: { name: 'v', value: 'x' } }), [[VAR, '/X/inputs/name']]);
for (const [t, ty] of [['AppendToArrayVariable', 'array'], ['AppendToStringVariable', 'string'], ['SetVariable', 'object'], ['SetVariable', 'string'], ['SetVariable', 'integer']]) {
  bad(`${t} self ${ty}`, X({ type: t, inputs: { name: 'V', value: "@variables('v')" } }), [[INV, '/X/inputs/value']], { before: init(ty) });
  bad(`${t} self deep ${ty}`, X({ type: t, inputs: { name: 'v', value: { a: ["x @{variables('V')}"] } } }), [[INV, '/X/inputs/value/a/0']], { before: init(ty) });
  good(`${t} other ${ty}`, X({ type: t, inputs: { name: 'v', value: "@variables('w')" } }), { before: { ...init(ty), I2: { type: 'InitializeVariable', inputs: { variables: [{ name: 'w', type: ty }] }, runAfter: after('Init') } } });
}
for (const t of ['IncrementVariable', 'DecrementVariable']) {
  good(t + ' self', X({ type: t, inputs: { name: 'v', value: "@variables('w')" } }), { before: { ...init('integer'), I2: { type: 'InitializeVariable', inputs: { variables: [{ name: 'w', type: 'Float' }] }, runAfter: after('Init') } } });
  good(t + ' no value', X({ type: t, inputs: { name: 'v' } }), { before: init('float') });
  for (const ty of ['string', 'boolean', 'array', 'object']) bad(`${t} of ${ty}`, X({ type: t, inputs: { name: 'v', value: 1 } }), [[VAR, '/X/inputs/name']], { before: init(ty) });
}
for (const ty of ['string', 'integer', 'float', 'object', 'boolean']) bad('append array to ' + ty, X({ type: 'AppendToArrayVariable', inputs: { name: 'v', value: 1 } }), [[VAR, '/X/inputs/name']], { before: init(ty) });
for (const ty of ['array', 'integer', 'float', 'object', 'boolean']) bad('append string to ' + ty, X({ type: 'AppendToStringVariable', inputs: { name: 'v', value: 'x' } }), [[VAR, '/X/inputs/name']], { before: init(ty) });
bad('init inside', X(init().Init), [['InvalidVariableInitialization', '/X']], { places: everywhere.filter((p) => p !== 'root') });
const many = (n) => Array.from({ length: n }, (_, i) => ({ name: 'v' + i, type: 'string' }));
bad('init two', X({ type: 'InitializeVariable', inputs: { variables: many(2) } }), [[INV, '/X/inputs/variables']], { places: ['root'], profiles: [...C, ...F] });
good('init 20', X({ type: 'InitializeVariable', inputs: { variables: many(20) } }), { places: ['root'], profiles: S });
bad('init 21', X({ type: 'InitializeVariable', inputs: { variables: many(21) } }), [[INV, '/X/inputs/variables']], { places: ['root'], profiles: S });
good('init flat', X({ type: 'InitializeVariable', inputs: { name: 'v', type: 'Integer', value: 1 } }), { places: ['root'] });
for (const [t, v] of [['String', 'x'], ['string', null], ['Integer', 1], ['Integer', '@triggerBody()'], ['Float', 1], ['Float', 1.5], ['Boolean', false], ['Array', []], ['Array', null], ['Object', {}], ['Object', null], ['INTEGER', 3], ['string', "@{triggerBody()}"]]) good(`init ${t} ${JSON.stringify(v)}`, X({ type: 'InitializeVariable', inputs: { variables: [{ name: 'v', type: t, value: v }] } }), { places: ['root'] });
bad('init no name', X({ type: 'InitializeVariable', inputs: { variables: [{ type: 'string' }] } }), [[MISS, '/X/inputs/variables/0']], { places: ['root'] });
bad('init no type', X({ type: 'InitializeVariable', inputs: { variables: [{ name: 'v' }] } }), [[MISS, '/X/inputs/variables/0']], { places: ['root'] });
bad('init bad type', X({ type: 'InitializeVariable', inputs: { variables: [{ name: 'v', type: 'text' }] } }), ['/X/inputs/variables/0/type'], { places: ['root'] });
bad('init not on the path', { ...init(), X: compose("@variables('v')") }, [[VAR, '/X/inputs']], { places: ['root'] });
bad('init parallel to a scope', { ...init(), S: { type: 'Scope', actions: { X: { type: 'SetVariable', inputs: { name: 'v', value: 'x' } } } } }, [[VAR, '/S/actions/X/inputs/name']], { places: ['root'] });
bad('condition before init', { ...init(), S: { type: 'If', expression: { and: [{ equals: ["@variables('v')", 1] }] }, actions: {} } }, [[VAR, '/S/expression/and/0/equals/0']], { places: ['root'] });
for (const t of ['SetVariable', 'AppendToArrayVariable', 'AppendToStringVariable']) { bad(t + ' no value', X({ type: t, inputs: { name: 'v' } }), [[MISS, '/X/inputs']], { before: init(t === 'AppendToArrayVariable' ? 'array' : 'string') }); bad(t + ' extra', X({ type: t, inputs: { name: 'v', value: 'x', kind: 1 } }), [[INV, '/X/inputs/kind']], { before: init(t === 'AppendToArrayVariable' ? 'array' : 'string') }); bad(t + ' no name', X({ type: t, inputs: { value: 'x' } }), [[MISS, '/X/inputs']]); bad(t + ' name number', X({ type: t, inputs: { name: 1, value: 'x' } }), ['/X/inputs/name']); }
