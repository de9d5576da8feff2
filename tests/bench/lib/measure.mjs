// Pairs of measurements taken in turn, their ratio, and how a row of the table is written.
import { readFileSync, readdirSync } from 'node:fs';

export const median = (v) => { const s = [...v].sort((a, b) => a - b); return s.length % 2 ? s[s.length >> 1] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2; };
export const number = (x, digits = 3) => (x >= 100 ? x.toFixed(0) : x.toPrecision(digits));

// ours() and theirs() each return a figure; n pairs in turn. {ours, theirs, ratio, low, high}: ratio
// is ours/theirs, the median of the pairs, with the smallest and largest pair beside it.
export async function pairs(ours, theirs, n = 5) {
  const a = [], b = [], r = [];
  for (let i = 0; i < n; i++) {
    a.push(await ours());
    b.push(await theirs());
    r.push(a[i] / b[i]);
  }
  return { ours: median(a), theirs: median(b), ratio: median(r), low: Math.min(...r), high: Math.max(...r), n };
}

const rows = [];
// bar: {most: x} or {least: x}; value is the ratio (or the figure itself).
export function row({ measure, ours, reference, value, spread = '', bar }) {
  const ok = bar.most !== undefined ? value <= bar.most : value >= bar.least;
  const text = bar.text ?? (bar.most !== undefined ? `at most ${bar.most}` : `at least ${bar.least}`);
  rows.push([measure, ours, reference, `${number(value)}${bar.unit ?? 'x'}${spread ? ` (${spread})` : ''}`, text, ok ? 'met' : 'MISSED']);
  console.error(rows.at(-1).join(' | '));
}
export function print() {
  console.log('| measure | Raccord | reference, same run | value (smallest to largest pair) | bar | |\n|---|---|---|---|---|---|');
  for (const r of rows) console.log(`| ${r.join(' | ')} |`);
  return rows.every((r) => r[5] === 'met');
}
export const spreadOf = (p) => `${number(p.low)} to ${number(p.high)}, ${p.n} pairs`;

// User and system seconds a process (all its threads) has used, and of its children of that name.
export function cpuSeconds(pid) {
  const f = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const v = f.slice(f.lastIndexOf(')') + 2).split(' ');
  return (Number(v[11]) + Number(v[12])) / 100;
}
export function pssBytes(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024;
}
export function childrenOf(pid) {
  return readdirSync('/proc').filter((d) => /^\d+$/.test(d)).filter((d) => {
    try { return readFileSync(`/proc/${d}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(pid); } catch { return false; }
  }).map(Number);
}
