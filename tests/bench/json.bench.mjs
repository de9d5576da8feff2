// The JSON parser and printer beside jansson: one thread, one process, pairs taken in turn there.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { number, row } from './lib/measure.mjs';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

const bars = { 'parse an OpenAPI description': 10, 'parse and print a message': 6 };

// The description of the corpus that is nearest to 1 MB, or none: then the program makes one.
function description() {
  const dir = join(process.env.RACCORD_CORPUS ?? '', 'openapi');
  if (!existsSync(dir)) return [];
  const off = (f) => Math.abs(statSync(join(dir, f)).size - (1 << 20));
  const [file] = readdirSync(dir).filter((f) => f.endsWith('.json')).sort((a, b) => off(a) - off(b));
  return file ? [join(dir, file)] : [];
}

export async function run() {
  const program = join(here, '../../build-bench/tests/bench/json_bench');
  if (!existsSync(program)) throw new Error('json_bench is not built: libjansson-dev is missing');
  for (const line of execFileSync(program, description(), { encoding: 'utf8' }).trim().split('\n')) {
    const r = JSON.parse(line);
    row({
      measure: `${r.test}, ${number(r.bytes / 1000)} KB`, ours: `${r.ours_mb_s} MB/s`, reference: `${r.jansson_mb_s} MB/s (jansson)`,
      value: r.ratio, spread: `${number(Math.min(...r.ratios))} to ${number(Math.max(...r.ratios))}, ${r.ratios.length} pairs`,
      bar: { least: bars[r.test] },
    });
  }
}
