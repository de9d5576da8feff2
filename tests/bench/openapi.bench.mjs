// Parse and check of the whole connector corpus beside two tools that read the same files.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { number, pairs, row, spreadOf } from './lib/measure.mjs';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

const dir = join(process.env.RACCORD_CORPUS, 'connectors');

// Files a second of `raccord validate -jN` over every folder: the whole process, start included.
async function raccordRate(folders, jobs) {
  const from = performance.now();
  const child = spawn(process.env.RACCORD, ['validate', `-j${jobs}`, '--set', 'connector.definition_bytes_max=2MiB', '--format', 'json', ...folders], { stdio: ['ignore', 'ignore', 'ignore'] });
  await once(child, 'exit');
  return folders.length / ((performance.now() - from) / 1000);
}

// The reference runs in a process of its own, so that neither disturbs the other's memory.
function referenceRate(tool) {
  return new Promise((ok, fail) => execFile(process.execPath, [join(here, 'lib/openapi-reference.mjs'), tool, dir],
    { maxBuffer: 1 << 26, timeout: 900000 }, (e, out) => (e ? fail(e) : ok(Number(out.trim().split('\n').at(-1))))));
}

export async function run() {
  const folders = readdirSync(dir).map((d) => join(dir, d));
  await raccordRate(folders, 1); // warms the page cache
  const deref = await pairs(() => raccordRate(folders, 1), () => referenceRate('dereference'));
  row({ measure: 'parse and check the connector corpus, one thread', ours: `${number(deref.ours)} files/s`, reference: `swagger-parser dereference ${number(deref.theirs)} files/s`, value: deref.ratio, spread: spreadOf(deref), bar: { least: 8 } });
  const lint = await pairs(() => raccordRate(folders, 1), () => referenceRate('redocly'));
  row({ measure: 'the same', ours: `${number(lint.ours)} files/s`, reference: `redocly lint ${number(lint.theirs)} files/s`, value: lint.ratio, spread: spreadOf(lint), bar: { least: 25 } });
  const four = await pairs(() => raccordRate(folders, 4), () => raccordRate(folders, 1), 15);
  row({ measure: `the same, -j4 beside -j1 (${cpus().length} cores)`, ours: `${number(four.ours)} files/s`, reference: `-j1 ${number(four.theirs)} files/s`, value: four.ratio, spread: spreadOf(four), bar: { least: 2.5 } });
}
