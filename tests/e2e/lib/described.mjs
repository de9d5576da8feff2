// Checks answers of the management API against its own description (swagger.json): a client of
// serve() whose api() fails the test when an answer does not fit what is declared.
import assert from 'node:assert/strict';

// The part of JSON Schema that schemas.json uses.
function problems(schema, v, definitions, at = '') {
  if (schema.$ref) return problems(definitions[schema.$ref.replace('#/definitions/', '')], v, definitions, at);
  if (v === null && schema['x-nullable']) return [];
  const kind = Array.isArray(v) ? 'array' : v === null ? 'null' : Number.isInteger(v) ? 'integer' : typeof v;
  if (schema.type && schema.type !== kind && !(schema.type === 'number' && kind === 'integer')) return [`${at}: ${kind}, not ${schema.type}`];
  if (schema.enum && !schema.enum.includes(v)) return [`${at}: ${JSON.stringify(v)} is none of ${schema.enum}`];
  if (kind === 'array') return v.flatMap((x, i) => problems(schema.items ?? {}, x, definitions, `${at}/${i}`));
  if (kind !== 'object') return [];
  const known = schema.properties ?? {};
  return [
    ...(schema.required ?? []).filter((k) => !(k in v)).map((k) => `${at}/${k} is missing`),
    ...Object.keys(v).filter((k) => schema.additionalProperties === false && !(k in known)).map((k) => `${at}/${k} is not declared`),
    ...Object.entries(v).filter(([k]) => k in known).flatMap(([k, x]) => problems(known[k], x, definitions, `${at}/${k}`)),
  ];
}

export function operations(doc) {
  return Object.entries(doc.paths).flatMap(([path, item]) => Object.entries(item).map(([method, op]) => ({
    path, method: method.toUpperCase(), op,
    match: new RegExp(`^${doc.basePath}${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\\\{\w+\\\}/g, '[^/:]+')}$`),
  })));
}

export async function described(server) {
  const doc = (await server.api('GET', '/api/v1/swagger.json', undefined, { token: null })).json;
  const table = operations(doc), seen = new Set(), plain = server.api;
  const api = async (method, path, body, headers) => {
    const res = await plain(method, path, body, headers);
    const row = table.find((r) => r.method === method && r.match.test(path.split('?')[0]));
    if (!row) { assert.ok([404, 405].includes(res.status), `${method} ${path} is not described and answers ${res.status}`); return res; }
    const declared = row.op.responses[res.status] ?? row.op.responses.default;
    assert.ok(res.status >= 400 || row.op.responses[res.status], `${row.op.operationId} answers ${res.status}, which is not declared`);
    if (res.status < 400) seen.add(row.op.operationId);
    if (declared.schema && declared.schema.format !== 'binary') {
      const bad = problems(declared.schema, res.json, doc.definitions);
      assert.deepEqual(bad, [], `${row.op.operationId} ${res.status}: ${res.text.slice(0, 400)}`);
    }
    return res;
  };
  return { doc, table, api, seen };
}
