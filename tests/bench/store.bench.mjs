// The store: durable writes with 32 in flight beside one commit a write, on the same disk, in turn;
// turns of runs, one client's latency beside fdatasync, and a million waiting runs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { median, number, row } from './lib/measure.mjs';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

function runs() {
  const program = join(here, '../../build-bench/tests/bench/flow_store_bench');
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-'));
  try {
    const r = JSON.parse(execFileSync(program, [join(dir, 'data')], { encoding: 'utf8' }));
    const of = (f) => { const v = r.rounds.map(f); return { value: median(v), spread: `${number(Math.min(...v))} to ${number(Math.max(...v))}, ${v.length} rounds` }; };
    const turns = of((x) => x.turns), later = of((x) => x.p50_ms - x.over_p50_ms);
    const p50 = median(r.rounds.map((x) => x.p50_ms)), raw = median(r.rounds.map((x) => x.over_p50_ms));
    row({ measure: 'runs kept, 2 KB of journal each, 4 sessions with 16 in flight', ours: `${number(turns.value)}/s`, reference: '-', ...turns, bar: { least: 10000, unit: '/s', text: 'at least 10,000/s' } });
    row({ measure: 'the same, one client: p50 beyond that of `fdatasync` of 4 KiB', ours: `${number(p50)} ms`, reference: `${number(raw)} ms`, ...later, bar: { most: 1, unit: ' ms', text: 'at most 1 ms' } });
    row({ measure: `${r.waiting} waiting runs: memory (PSS) of the store`, ours: `${number(r.pss_kib / 1024)} MB`, reference: '-', value: r.pss_kib / 1024, bar: { most: 300, unit: ' MB', text: 'under 300 MB' } });
    row({ measure: 'the same: opening', ours: `${number(r.open_ms)} ms`, reference: '-', value: r.open_ms, bar: { most: 5000, unit: ' ms', text: 'under 5 s' } });
    row({ measure: `the same: finding ${r.due_n} that are due`, ours: `${number(r.due_ms)} ms`, reference: '-', value: r.due_ms, bar: { most: 1000, unit: ' ms', text: 'under 1 s' } });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export async function run() {
  runs();
  const program = join(here, '../../build-bench/tests/bench/store_bench');
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
