// Definitions of workflows around a few actions: in every form a file can have, and in every place of a
// definition where actions can stand.
export const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';
export const request = { manual: { type: 'Request', kind: 'Http', inputs: {} } };

/** [document, pointer of the definition in it]; extra: values of parameters, more members of the resource. */
export const profiles = {
  bare: (d) => [{ ...d }, ''],
  consumption: (d, x = {}) => [{ definition: d, parameters: x.values ?? {} }, '/definition'],
  arm: (d, x = {}) => [{ type: 'Microsoft.Logic/workflows', name: 'w', location: 'l', properties: { state: 'Enabled', definition: d, parameters: x.values ?? {}, ...x.resource } }, '/properties/definition'],
  template: (d, x) => [{ $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', contentVersion: '1.0.0.0', resources: [{ apiVersion: '2019-05-01', ...profiles.arm(d, x)[0] }] }, '/resources/0/properties/definition'],
  standard: (d) => [{ kind: 'Stateful', definition: d }, '/definition'],
  stateless: (d) => [{ kind: 'Stateless', definition: d }, '/definition'],
  legacy: (d) => [{ name: 'f', id: '/providers/Microsoft.Flow/flows/f', type: 'Microsoft.Flow/flows', properties: { apiId: '/providers/Microsoft.PowerApps/apis/shared_logicflows', displayName: 'F', definition: d, connectionReferences: { shared_x: { connectionName: 'x', id: '/providers/Microsoft.PowerApps/apis/shared_x' } }, flowFailureAlertSubscribed: false } }, '/properties/definition'],
  solution: (d) => [{ properties: { connectionReferences: { shared_x: { runtimeSource: 'embedded', connection: {}, api: { name: 'shared_x' } } }, definition: d, templateName: null }, schemaVersion: '1.0.0.0' }, '/properties/definition'],
};
export const C = ['bare', 'consumption', 'arm', 'template'], S = ['standard'], F = ['legacy', 'solution'];
export const all = [...C, ...S, ...F];

const none = { N: { type: 'Compose', inputs: 1 } };
/** [list of actions with those inside, pointer of the inner list from the outer one]. */
export const places = {
  root: (a) => [a, ''],
  scope: (a) => [{ Box: { type: 'Scope', actions: a } }, '/Box/actions'],
  foreach: (a) => [{ Box: { type: 'Foreach', foreach: [1], actions: a } }, '/Box/actions'],
  until: (a) => [{ Box: { type: 'Until', expression: '@equals(1,1)', limit: { count: 2, timeout: 'PT1H' }, actions: a } }, '/Box/actions'],
  yes: (a) => [{ Box: { type: 'If', expression: { equals: [1, 1] }, actions: a } }, '/Box/actions'],
  no: (a, other = none) => [{ Box: { type: 'If', expression: '@equals(1,1)', actions: other, else: { actions: a } } }, '/Box/else/actions'],
  case: (a) => [{ Box: { type: 'Switch', expression: '@triggerBody()', cases: { 'Case 1': { case: 'a', actions: {} }, 'Case/2': { case: 'b', actions: a } }, default: { actions: {} } } }, '/Box/cases/Case~12/actions'],
  default: (a, other = none) => [{ Box: { type: 'Switch', expression: '@triggerBody()', cases: { One: { case: 1, actions: other } }, default: { actions: a } } }, '/Box/default/actions'],
  deep: (a) => nest(a, ['default', 'no', 'scope', 'yes']),
  deeploop: (a) => nest(a, ['no', 'until', 'scope', 'foreach']),
};
function nest(actions, kinds) {
  let pointer = '';
  for (const kind of kinds) {
    const [{ Box }, inner] = places[kind](actions, {});
    actions = { [`Box${kind}`]: Box };
    pointer = inner.replace('/Box/', `/Box${kind}/`) + pointer;
  }
  return [actions, pointer];
}
export const everywhere = Object.keys(places);
export const inloop = ['foreach', 'until', 'deeploop'], unlooped = everywhere.filter((p) => !inloop.includes(p));

/** The documents of a case: {name, document, want}. A case has actions (to put in places, behind those of
 * `before`) or members of the definition (root, triggers), and says which profiles it is of. */
export function* documents(c) {
  for (const profile of c.profiles ?? all) {
    for (const place of c.actions ? c.places ?? everywhere : ['-']) {
      const d = { $schema: schema, contentVersion: '1.0.0.0', parameters: {}, triggers: structuredClone(c.triggers ?? request), actions: {}, outputs: {} };
      let at = '/actions';
      if (c.actions) {
        const [actions, pointer] = places[place](structuredClone(c.actions)), before = Object.keys(c.before ?? {});
        at += pointer;
        for (const x of before.length > 0 ? Object.values(actions) : []) if (Object.keys(x.runAfter ?? {}).length === 0) x.runAfter = Object.fromEntries(before.map((k) => [k, ['Succeeded']]));
        d.actions = { ...structuredClone(c.before ?? {}), ...actions };
      }
      Object.assign(d, structuredClone(c.root ?? {}));
      for (const k of c.drop ?? []) delete d[k];
      const [document, base] = profiles[profile](d, c.extra ?? {});
      c.change?.(document);
      const absolute = (p) => p[0] === '^' ? p.slice(1) : p[0] === '!' ? base + p.slice(1) : base + at + p;
      yield { name: `${c.name} (${profile}, ${place})`, profile, place, document, want: (c.want ?? []).map(([code, p]) => `${code} ${absolute(p)}`) };
    }
  }
}
