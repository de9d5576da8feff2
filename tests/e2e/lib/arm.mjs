// npm @azure/arm-logic against Raccord, and its own description of what it expects: the mappers of its
// models, its operations, and the lists of values in its types.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { LogicManagementClient } from '@azure/arm-logic';
import * as library from '@azure/arm-logic';

// Over plain http on loopback, with the bearer policy replaced (it refuses to send tokens without TLS).
export function plain(s) {
  const credential = { getToken: async () => ({ token: s.token, expiresOnTimestamp: Date.now() + 3600e3 }) };
  const client = new LogicManagementClient(credential, 'default', { endpoint: s.url, allowInsecureConnection: true, retryOptions: { maxRetries: 0 } });
  client.pipeline.removePolicy({ name: 'bearerTokenAuthenticationPolicy' });
  client.pipeline.addPolicy({ name: 'token', sendRequest: (request, next) => { request.headers.set('authorization', `Bearer ${s.token}`); return next(request); } });
  return client;
}

export const all = async (pages) => { const v = []; for await (const x of pages) v.push(x); return v; };

// class -> {property: name of its type}, from the declarations; a type with a list of values is named as
// the list is: Known<type>.
const declared = (() => {
  const text = readFileSync(createRequire(import.meta.url).resolve('@azure/arm-logic').replace(/dist\/.*/, 'types/arm-logic.d.ts'), 'utf8');
  const found = new Map();
  for (const [, name, parent, body] of text.matchAll(/^export declare interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}/gms)) {
    const members = Object.fromEntries([...body.matchAll(/^ {4}(?:readonly )?(\w+)\??: ([^;]+);/gm)].map(([, p, type]) => [p, type]));
    found.set(name, { parent, members });
  }
  return found;
})();
function valuesOf(model, property) {
  for (let d = declared.get(model); d; d = declared.get(d.parent)) {
    const known = library[`Known${d.members[property]?.replace('[]', '')}`];
    if (d.members[property]) return known && Object.values(known);
  }
  return undefined;
}

const isTime = (v) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$/.test(v) && !Number.isNaN(Date.parse(v));
const isGuid = (v) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(v);
const guids = ['trackingId', 'actionTrackingId', 'correlationId', 'principalId', 'tenantId', 'clientId', 'clientRequestId'];

// Where something stands: an element of a list is what it is outside of it, and levels of what nests do
// not count.
const plainly = (path) => path.replace(/^(\w+?)(Definition)?(ListResult|Collection)\.value\[\]/, '$1$2').replace(/(\.(subexpressions|details)\[\])+/g, '.$2[]');

// Holds the JSON of answers against the mappers. seen: "Model.property.property" met with a value; extra:
// what no mapper names; wrong: what is of another type, format or value than it should be; ids: every id met.
export class Comparison {
  seen = new Set();
  extra = new Set();
  wrong = new Set();
  ids = new Set();
  models = new Map();

  #say(path, why, v) { this.wrong.add(`${path}: ${why}: ${JSON.stringify(v)?.slice(0, 100)}`); }

  #scalar(type, v, path, name) {
    const kinds = { String: 'string', Number: 'number', Boolean: 'boolean', DateTime: 'string', Enum: 'string', Uuid: 'string' };
    if (kinds[type.name] && typeof v !== kinds[type.name]) return this.#say(path, `is no ${type.name}`, v);
    if (type.name === 'DateTime' && !isTime(v)) this.#say(path, 'is no time', v);
    if (type.name === 'Enum' && !type.allowedValues.includes(v)) this.#say(path, `is none of ${type.allowedValues}`, v);
    if (/Times?$/.test(name) && type.name === 'String' && !/^\d{4}-/.test(v)) this.#say(path, 'is no time', v);
    if (guids.includes(name) && !isGuid(v)) this.#say(path, 'is no GUID', v);
    return undefined;
  }

  // An id names what it is of, and by what name.
  #identity(v, path) {
    if (typeof v.id !== 'string' || !v.id.startsWith('/subscriptions/')) return;
    const [, provider, below] = /\/providers\/([^/]+)\/(.+)$/.exec(v.id) ?? [];
    const parts = below?.split('/').map(decodeURIComponent) ?? [];
    this.ids.add(v.id);
    if ('type' in v && v.type.toLowerCase() !== [provider, ...parts.filter((_, i) => i % 2 === 0)].join('/').toLowerCase()) this.#say(path, `is not the type of ${v.id}`, v.type);
    if ('name' in v && v.name !== parts.at(-1)) this.#say(path, `is not the name of ${v.id}`, v.name);
  }

  #composite(mapper, v, path, mappers) {
    const model = mapper.type.className, properties = mapper.type.modelProperties ?? mappers[model].type.modelProperties;
    if (v === null || typeof v !== 'object' || Array.isArray(v)) { this.#say(path, `is no ${model}`, v); return; }
    this.models.set(plainly(path), properties);
    this.#identity(v, path);
    const known = new Set();
    for (const [name, p] of Object.entries(properties)) {
      const keys = p.serializedName.split(/(?<!\\)\./).map((k) => k.replaceAll('\\.', '.'));
      const got = keys.reduce((o, k) => o?.[k], v);
      known.add(keys.join('.'));
      if (got === null) this.#say(`${path}.${name}`, 'is null', got);
      if (got === undefined || got === null) { if (p.required) this.#say(`${path}.${name}`, 'is required and absent'); continue; }
      this.seen.add(`${plainly(path)}.${name}`);
      const values = valuesOf(model, name);
      for (const one of values ? [got].flat() : []) if (!values.includes(one)) this.#say(`${path}.${name}`, `is none of ${values}`, one);
      this.value(p, got, `${path}.${name}`, mappers, name);
    }
    const flat = [...known].some((k) => k.startsWith('properties.'));
    for (const k of Object.keys(v)) if (!known.has(k) && !(flat && k === 'properties')) this.extra.add(`${model}.${k}`);
    for (const k of flat ? Object.keys(v.properties ?? {}) : []) if (!known.has(`properties.${k}`)) this.extra.add(`${model}.properties.${k}`);
  }

  value(mapper, v, path, mappers, name = '') {
    const { type } = mapper;
    if (type.name === 'Composite') this.#composite(mapper, v, path, mappers);
    else if (type.name === 'Sequence') { if (!Array.isArray(v)) this.#say(path, 'is no list', v); else v.forEach((x) => this.value(type.element, x, `${path}[]`, mappers)); }
    else if (type.name === 'Dictionary') { if (v === null || typeof v !== 'object' || Array.isArray(v)) this.#say(path, 'is no dictionary', v); else Object.values(v).forEach((x) => this.value(type.value, x, `${path}{}`, mappers)); }
    else this.#scalar(type, v, path, name);
  }

  // Every property of every model that was met, wherever it was met.
  properties() { return [...this.models].flatMap(([path, ps]) => Object.keys(ps).map((p) => `${path}.${p}`)); }
}

const isOperation = (name) => !/^_|Paging|^constructor$|AndWait$/.test(name);
export const operationsOf = (client) => Object.entries(client).filter(([, g]) => g?.client === client)
  .flatMap(([group, g]) => Object.getOwnPropertyNames(Object.getPrototypeOf(g)).filter(isOperation).map((m) => `${group}.${m}`));

// Sees every answer that client gets. answered: "METHOD path of the specification" -> statuses, pages: lists
// as asked for.
export function watch(client) {
  const c = new Comparison(), send = client.sendOperationRequest.bind(client);
  Object.assign(c, { answered: new Map(), called: new Set(), pages: [] });
  for (const name of operationsOf(client)) {
    const [group, method] = name.split('.'), g = client[group], own = g[method].bind(g);
    g[method] = (...args) => { c.called.add(name); return own(...args); };
  }
  client.sendOperationRequest = (args, spec) => send({ ...args, options: { ...args.options, onResponse: (raw, flat, error) => {
    const where = `${spec.httpMethod} ${spec.path}`;
    c.answered.set(where, (c.answered.get(where) ?? new Set()).add(raw.status));
    const mapper = (spec.responses[raw.status] ?? spec.responses.default)?.bodyMapper;
    if (spec.responses[raw.status] === undefined && !error) c.wrong.add(`${where}: ${raw.status} is no status of it`);
    if (mapper?.type.name === 'Composite' && (raw.status !== 202 || raw.bodyAsText)) c.value(mapper, JSON.parse(raw.bodyAsText), mapper.type.className, spec.serializer.modelMappers);
    else if (mapper === undefined && raw.bodyAsText) c.wrong.add(`${where}: a body where none is expected: ${raw.bodyAsText.slice(0, 100)}`);
    if (raw.status === 200 && spec.httpMethod === 'GET' && Array.isArray(raw.parsedBody?.value)) c.pages.push({ url: raw.request.url, value: JSON.parse(raw.bodyAsText).value, top: spec.queryParameters?.some((p) => p.mapper.serializedName === '$top') });
    args.options?.onResponse?.(raw, flat, error);
  } } }, spec);
  return c;
}
