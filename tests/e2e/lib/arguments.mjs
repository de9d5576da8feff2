// Arguments for any operation of an OpenAPI 2.0 definition: valid, varied, and the same for the same seed.
import { readFileSync } from 'node:fs';

// A small, fast generator (mulberry32); seeded by text so that each operation has its own stream.
export function random(seedText) {
  let seed = 2166136261;
  for (const c of String(seedText)) seed = Math.imul(seed ^ c.codePointAt(0), 16777619);
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    int: (lo, hi) => lo + Math.floor(next() * (hi - lo + 1)),
    chance: (p) => next() < p,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

// JSON as the corpus has it: byte-order mark, comments, trailing commas, raw control characters, Latin-1.
export function readDefinition(path) {
  const bytes = readFileSync(path);
  let text = new TextDecoder('utf-8').decode(bytes).replace(/^\uFEFF/, '');
  try { return JSON.parse(text); } catch { /* leniently */ }
  let out = '', inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inString) {
      if (c === '\\') { out += c + text[++i]; continue; }
      if (c === '"') inString = false;
      out += c < ' ' ? '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0') : c;
      continue;
    }
    if (c === '"') inString = true;
    if (c === '/' && text[i + 1] === '/') { while (i < text.length && text[i] !== '\n') i++; continue; }
    if (c === '/' && text[i + 1] === '*') { i = text.indexOf('*/', i + 2) + 1; continue; }
    if (c === ',') {
      const rest = /^(\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)*[}\]]/.exec(text.slice(i + 1, i + 4000));
      if (rest) continue;
    }
    out += /[\u2000-\u200b\u3000\u00a0]/.test(c) ? ' ' : c;
  }
  return JSON.parse(out);
}

export function deref(root, node) {
  for (let hops = 0; node && typeof node === 'object' && typeof node.$ref === 'string' && hops < 50; hops++) {
    const { $ref, ...beside } = node;
    let target = root;
    for (const step of $ref.replace(/^#\//, '').split('/')) {
      const key = decodeURIComponent(step.replace(/%(?![0-9a-f]{2})/gi, '%25')).replace(/~1/g, '/').replace(/~0/g, '~');
      target = target?.[key] ?? target?.[step];
    }
    if (!target) return {};
    node = { ...target, ...('required' in beside && !Array.isArray(target.required) ? { required: beside.required } : {}),
      ...('default' in beside ? { default: beside.default } : {}), ...('enum' in beside ? { enum: beside.enum } : {}),
      ...('readOnly' in beside ? { readOnly: beside.readOnly } : {}) };
    if (Array.isArray(beside.required)) node.required = [...(target.required ?? []), ...beside.required];
  }
  return node ?? {};
}

const methods = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'];

// Every operation: {id, method, path, operation, item, parameters} with parameters merged and resolved.
export function* operations(root) {
  for (const [path, item] of Object.entries(root.paths ?? {})) {
    if (!item || typeof item !== 'object') continue;
    for (const method of Object.keys(item)) {
      const operation = item[method];
      if (!methods.includes(method.toLowerCase()) || !operation || typeof operation !== 'object') continue;
      const parameters = [];
      for (const list of [operation.parameters, item.parameters])
        for (const p of Array.isArray(list) ? list : Object.values(list ?? {})) {
          const resolved = deref(root, p);
          if (resolved.name !== undefined && resolved.in && !parameters.some((q) => q.name === resolved.name && q.in === resolved.in))
            parameters.push(resolved);
        }
      yield { id: operation.operationId, method: method.toLowerCase(), path, operation, item, parameters };
    }
  }
}

const words = ['quay', 'North berth', 'crane-7', 'été', 'a/b', 'x&y=z', '100%', "l'ancre", 'mast+sail', 'sea "calm"', 'β', 'tide;low', 'ship, boat', '#12', '~salt'];
const visibility = (node) => String(node['x-ms-visibility'] ?? '').toLowerCase();

function text(node, r) {
  const stamp = () => new Date(Date.UTC(r.int(2001, 2030), r.int(0, 11), r.int(1, 28), r.int(0, 23), r.int(0, 59), r.int(0, 59)));
  let s;
  switch (String(node.format ?? '').toLowerCase()) {
    case 'date-time': return stamp().toISOString().replace('.000', '');
    case 'date-no-tz': return stamp().toISOString().slice(0, 19);
    case 'date': return stamp().toISOString().slice(0, 10);
    case 'uuid': case 'guid': return '00000000-0000-4000-8000-' + String(r.int(1, 999999999999)).padStart(12, '0');
    case 'email': return `mate${r.int(1, 99)}@quai.example`;
    case 'uri': case 'url': return `https://quai.example/${r.int(1, 99)}?a=b`;
    case 'byte': return Buffer.from(r.pick(words)).toString('base64');
    case 'time': return '12:34:56Z';
    case 'ipv4': return '192.0.2.7';
    case 'hostname': return 'quai.example';
    case 'duration': return 'P1DT2H';
    default: s = r.pick(words);
  }
  if (Number.isInteger(node.minLength)) while ([...s].length < node.minLength && node.minLength < 5000) s += r.pick(['a', 'b', 'c']);
  if (Number.isInteger(node.maxLength)) s = [...s].slice(0, Math.max(1, node.maxLength)).join('');
  return s;
}

function number(node, r, whole) {
  let lo = typeof node.minimum === 'number' ? node.minimum + (node.exclusiveMinimum ? 1 : 0) : 1;
  let hi = typeof node.maximum === 'number' ? node.maximum - (node.exclusiveMaximum ? 1 : 0) : Math.max(lo, 0) + 1000;
  if (hi < lo) lo = hi;
  if (whole) return r.int(Math.ceil(lo), Math.max(Math.ceil(lo), Math.floor(hi)));
  return Math.round((lo + r.next() * (hi - lo)) * 100) / 100;
}

export function typeOf(node) {
  if (Array.isArray(node.type)) return node.type.find((t) => t !== 'null') ?? 'string';
  if (typeof node.type === 'string') return node.type.toLowerCase();
  if (node.properties || node.allOf) return 'object';
  return node.items ? 'array' : undefined;
}

function members(root, schema, out = { properties: {}, required: new Set(), extra: undefined }, depth = 0) {
  schema = deref(root, schema);
  if (depth > 12) return out;
  for (const [k, v] of Object.entries(schema.properties ?? {})) out.properties[k] ??= v;
  if (Array.isArray(schema.required)) for (const k of schema.required) out.required.add(k);
  out.extra ??= schema.additionalProperties;
  for (const part of Array.isArray(schema.allOf) ? schema.allOf : []) members(root, part, out, depth + 1);
  return out;
}

const fits = (type, v) => type === undefined || (type === 'integer' ? Number.isInteger(v) : type === 'array' ? Array.isArray(v)
  : type === 'object' ? v !== null && typeof v === 'object' && !Array.isArray(v) : typeof v === type);

// A value of a schema. options.sparse leaves optional properties out; options.defaults leaves required
// ones that have a default to whoever builds the request.
export function value(root, schema, r, options = {}, depth = 0) {
  const node = deref(root, schema), type = typeOf(node);
  const given = (Array.isArray(node.enum) ? node.enum : []).filter((v) => v !== null && v !== '');
  if (given.length) return r.pick(given);
  const sample = node.default ?? node['x-ms-test-value'] ?? node['x-example'] ?? node.example;
  if (node.pattern && type === 'string' && typeof sample === 'string') return sample;
  switch (type) {
    case 'integer': return number(node, r, true);
    case 'number': return number(node, r, false);
    case 'boolean': return r.chance(0.5);
    case 'null': return null;
    case 'array': {
      const n = depth > 5 ? 0 : Math.min(Math.max(node.minItems ?? 0, r.int(1, 3)), node.maxItems ?? 3);
      const list = Array.from({ length: n }, () => value(root, node.items ?? {}, r, options, depth + 1));
      return node.uniqueItems ? [...new Map(list.map((v) => [JSON.stringify(v), v])).values()] : list;
    }
    case 'object': {
      const { properties, required, extra } = members(root, node), o = {};
      for (const [name, p] of Object.entries(properties)) {
        const q = deref(root, p);
        if (q.readOnly) continue;
        if (!required.has(name) && (depth > 3 || options.sparse || visibility(q) === 'internal' || r.chance(0.3))) continue;
        if (required.has(name) && options.defaults && q.default !== undefined && q.default !== null) continue;
        if (depth > 8) continue;
        o[name] = value(root, p, r, options, depth + 1);
      }
      if (extra && typeof extra === 'object' && depth < 4) o['extra ' + r.int(1, 9)] = value(root, extra, r, options, depth + 1);
      return o;
    }
    case undefined: return sample ?? (depth > 3 ? 'anything' : r.pick(['anything', 7, true, { any: 'thing' }, ['any', 'thing']]));
    default: return text(node, r);
  }
}

// Headers that say what a body is have few sensible values, and all of them travel as ASCII.
function headerValue(root, p, r, options) {
  const name = p.name.trim().toLowerCase();
  if (name === 'content-type' || name === 'accept') return p.default ?? 'application/json';
  if (name === 'authorization') return p.default ?? 'Bearer quay';
  const v = value(root, p, r, options);
  return typeof v === 'string' ? v.replace(/[^ -~]/g, 'x') : v;
}

// {name: value} for an operation. Files are envelopes. options as above; internal parameters with a
// default are left out, as every form does.
export function argumentsFor(root, op, r, options = {}) {
  const out = {};
  for (const p of op.parameters) {
    const hidden = visibility(p) === 'internal';
    if (!p.required && p.in !== 'path' && (hidden || options.sparse || r.chance(0.35))) continue;
    if (hidden && p.default !== undefined) continue;
    if (p.required && options.defaults && p.default !== undefined && p.default !== null) continue;
    if (p.in === 'body') out[p.name] = value(root, p.schema ?? {}, r, options);
    else if (p.type === 'file')
      out[p.name] = { '$content-type': 'text/plain', $content: Buffer.from(r.pick(words)).toString('base64') };
    else if (p.in === 'header' && !p.enum) out[p.name] = headerValue(root, p, r, options);
    else out[p.name] = value(root, p, r, options);
  }
  return out;
}
