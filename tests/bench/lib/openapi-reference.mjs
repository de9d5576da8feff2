// node openapi-reference.mjs dereference|redocly DIR: files a second of a warm pass.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [tool, dir] = process.argv.slice(2);
const require = createRequire(join(process.env.RACCORD_BENCH_PEERS, 'package.json'));
const files = readdirSync(dir).map((d) => join(dir, d, 'apiDefinition.swagger.json'))
  .map((f) => { try { return [f, readFileSync(f, 'utf8').replace(/^\uFEFF/, '')]; } catch { return undefined; } }).filter(Boolean);
const load = async (m) => import(require.resolve(m));
let one;
if (tool === 'dereference') {
  const m = await load('@apidevtools/swagger-parser');
  const Parser = m.default?.default ?? m.default;
  one = (file, text) => Parser.dereference(JSON.parse(text), { resolve: { external: false, file: false, http: false } });
} else {
  const core = await load('@redocly/openapi-core');
  const config = await core.createConfig({ extends: ['recommended'] });
  one = (file, text) => core.lintFromString({ source: text, absoluteRef: file, config });
}
async function pass(seconds) {
  const from = performance.now();
  let n = 0;
  for (const [file, text] of files) {
    if (performance.now() - from > seconds * 1000) break;
    try { await one(file, text); } catch { /* a refusal takes its time as well */ }
    n++;
  }
  return n / ((performance.now() - from) / 1000);
}
await pass(tool === 'redocly' ? 10 : 30);
console.log(await pass(tool === 'redocly' ? 40 : 60));
process.exit(0);
