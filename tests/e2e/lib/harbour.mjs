// A small connector of our own for tests: an API key, path parameters, paging, a policy, a test
// operation. definition(host) and properties are fresh objects, to be changed at will.
export const definition = (host = '127.0.0.1:9', extra = {}) => ({
  swagger: '2.0',
  info: { title: 'Harbour', description: 'Ships and quays.', version: '1.0', contact: { name: 'Office', url: 'https://quai.example', email: 'a@quai.example' } },
  host, basePath: '/v1', schemes: ['http'], consumes: ['application/json'], produces: ['application/json'],
  paths: {
    '/ships': {
      get: {
        operationId: 'ListShips', summary: 'List ships', description: 'Lists ships.',
        parameters: [{ name: 'flag', in: 'query', type: 'string', description: 'Flag.', 'x-ms-summary': 'Flag' }],
        responses: { 200: { description: 'OK', schema: { type: 'object', properties: { value: { type: 'array', items: { type: 'object' } } } } } },
      },
      post: {
        operationId: 'AddShip', summary: 'Add ship', description: 'Adds a ship.',
        parameters: [{ name: 'ship', in: 'body', required: true, schema: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, tons: { type: 'integer' } } } }],
        responses: { 201: { description: 'Created', schema: { type: 'object' } } },
      },
    },
    '/ships/{id}': {
      get: {
        operationId: 'GetShip', summary: 'Get ship', description: 'Gets a ship.',
        parameters: [{ name: 'id', in: 'path', required: true, type: 'string', description: 'Id.', 'x-ms-summary': 'Id' }],
        responses: { 200: { description: 'OK', schema: { type: 'object' } } },
      },
    },
  },
  securityDefinitions: { api_key: { type: 'apiKey', in: 'header', name: 'X-Key' } },
  security: [{ api_key: [] }],
  'x-ms-capabilities': { testConnection: { operationId: 'ListShips', parameters: {} } },
  ...extra,
});

export const properties = (extra = {}) => ({
  properties: {
    iconBrandColor: '#1b5e7a', capabilities: ['actions'],
    connectionParameters: {
      api_key: { type: 'securestring', uiDefinition: { displayName: 'Key', constraints: { required: 'true' } } },
    },
    ...extra,
  },
});

// 64x64 PNG of one colour, made here.
import { deflateSync } from 'node:zlib';
const crcTable = Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c >>> 0; });
const crc = (b) => { let c = 0xffffffff; for (const x of b) c = crcTable[(c ^ x) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0; };
export function png(size = 64, colour = [27, 94, 122]) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(8);
    out.writeUInt32BE(data.length, 0); out.writeUInt32BE(crc(body), 4);
    return Buffer.concat([out.subarray(0, 4), body, out.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0); head.writeUInt32BE(size, 4); head[8] = 8; head[9] = 2;
  const row = Buffer.concat([Buffer.from([0]), Buffer.concat(Array(size).fill(Buffer.from(colour)))]);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.concat(Array(size).fill(row)))), chunk('IEND', Buffer.alloc(0))]);
}
