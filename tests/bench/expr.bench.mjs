// Compiled expressions beside jsonata and @n8n/tournament: one thread each, in turn.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { number, pairs, row, spreadOf } from './lib/measure.mjs';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

const what = { E1: 'toUpper(concat(...))', E2: 'if(greater(add(...)))', E3: 'length(...)', E4: 'an object of the three' };
const references = { jsonata: { least: 20 }, tournament: { least: 0.25, text: 'at least 0.25 (at most 4 times its time)' } };
const program = join(here, '../../build-bench/tests/bench/expr_bench');
const once = (args) => JSON.parse(execFileSync(args[0], args.slice(1), { encoding: 'utf8' }));

export async function run() {
  for (const [reference, bar] of Object.entries(references)) {
    const ours = [], theirs = [];
    for (let i = 0; i < 5; i++) {
      ours.push(once([program, '200']));
      theirs.push(once([process.execPath, join(here, 'expr-reference.mjs'), reference]));
    }
    for (const name of Object.keys(what)) {
      let i = 0, k = 0;
      const p = await pairs(() => ours[i++][name], () => theirs[k++][name], 5);
      row({
        measure: `evaluate ${name}, ${what[name]}`, ours: `${number(p.ours / 1e6)} M/s`, reference: `${number(p.theirs / 1e6)} M/s (${reference})`,
        value: p.ratio, spread: spreadOf(p), bar,
      });
    }
  }
}
