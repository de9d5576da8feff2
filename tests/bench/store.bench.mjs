// The store: durable writes with 32 in flight beside one commit a write, on the same disk, in turn.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, number, row } from './lib/measure.mjs';

export async function run() {
  const program = join(import.meta.dirname, '../../build-bench/tests/bench/store_bench');
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-'));
  try {
    const r = JSON.parse(execFileSync(program, [join(dir, 'data')], { encoding: 'utf8' }));
    const ratios = r.pairs.map(([single, group]) => group / single);
    row({
      measure: 'durable writes, 32 in flight', ours: `${number(median(r.pairs.map((p) => p[1])))}/s`,
      reference: `${number(median(r.pairs.map((p) => p[0])))}/s (one commit a write)`,
      value: median(ratios), spread: `${number(Math.min(...ratios))} to ${number(Math.max(...ratios))}, ${ratios.length} pairs`,
      bar: { least: 5 },
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
