// The table of docs/benchmarks.md: every section measures Raccord beside its reference.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { print } from './lib/measure.mjs';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

const sections = process.argv.length > 2 ? process.argv.slice(2) : ['json', 'expr', 'openapi', 'store', 'http', 'workflow', 'foreach', 'waiting', 'batches', 'footprint'];
for (const name of sections) {
  const file = join(here, `${name}.bench.mjs`);
  if (!existsSync(file)) throw new Error(`there is no section ${name}`);
  await (await import(file)).run();
}
process.exitCode = print() ? 0 : 1;
