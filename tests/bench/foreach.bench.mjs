// One Foreach over 100,000 items with a Compose: in `raccord run`, and in a server that keeps every
// repetition in its history. Time and the peak of resident memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, number, row } from './lib/measure.mjs';
import { createWorkflow, raccord, stop } from './lib/servers.mjs';

const items = Number(process.env.BENCH_ITEMS ?? 100000), rounds = Number(process.env.BENCH_PAIRS ?? 5);
const definition = {
  $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0',
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } },
  actions: {
    Each: { type: 'Foreach', foreach: `@range(1, ${items})`, actions: { Plus: { type: 'Compose', inputs: '@add(item(), 1)' } }, runAfter: {} },
    Reply: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: "@last(outputs('Plus'))" }, runAfter: { Each: ['Succeeded'] } },
  }, outputs: {},
};

// Largest resident memory so far, MB; 0: the process is gone.
function peakMb(pid) {
  try { return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024; } catch { return 0; }
}

async function command(file) {
  const from = performance.now(), child = spawn(process.env.RACCORD, ['run', file], { stdio: 'ignore' });
  let peak = 0;
  const watch = setInterval(() => { peak = Math.max(peak, peakMb(child.pid)); }, 2);
  const [status] = await once(child, 'exit');
  clearInterval(watch);
  if (status !== 0) throw new Error(`raccord run ended with ${status}`);
  return { ms: performance.now() - from, peak };
}

async function inServer(server, token, url) {
  const from = performance.now(), r = await fetch(url, { method: 'POST' }), ms = performance.now() - from;
  const last = await r.text(), run = r.headers.get('x-ms-workflow-run-id');
  if (r.status !== 200 || Number(last) !== items + 1) throw new Error(`the workflow answered ${r.status} ${last}`);
  const action = await (await fetch(`${server.url}/api/v1/runs/${run}/actions/Plus?workflow=each`, { headers: { authorization: `Bearer ${token}` } })).json();
  if (action.repetitionCount !== items) throw new Error(`the history has ${action.repetitionCount} repetitions of ${items}`);
  return ms;
}

const figures = (name, ms, peak, most) => {
  row({ measure: `a Foreach over ${items} items with Compose, ${name}`, ours: `${number(median(ms))} ms`, reference: '-', value: median(ms), spread: `${number(Math.min(...ms))} to ${number(Math.max(...ms))}, ${ms.length} runs`, bar: { most, unit: ' ms', text: `under ${most / 1000} s` } });
  row({ measure: 'the same: peak of resident memory', ours: `${number(peak)} MB`, reference: '-', value: peak, bar: { most: 300, unit: ' MB', text: 'below 300 MB' } });
};

export async function run() {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-')), file = join(dir, 'workflow.json');
  let server;
  try {
    writeFileSync(file, JSON.stringify({ definition }));
    const runs = [];
    for (let i = 0; i < rounds; i++) runs.push(await command(file));
    figures('`raccord run`', runs.map((x) => x.ms), Math.max(...runs.map((x) => x.peak)), 1000);
    server = await raccord(dir);
    const token = readFileSync(join(dir, 'data/admin.token'), 'utf8').trim();
    const url = await createWorkflow(server, token, 'each', definition, 'Stateful'), ms = [];
    for (let i = 0; i < rounds; i++) ms.push(await inServer(server, token, url));
    figures('in the server, durable, every repetition in history', ms, peakMb(server.child.pid), 5000);
  } finally {
    if (server) await stop(server);
    rmSync(dir, { recursive: true, force: true });
  }
}
