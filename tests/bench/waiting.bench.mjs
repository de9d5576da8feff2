// A million runs that wait in the store of a running server: its memory, its start, and how late
// 10,000 timers are that fall due in the same minute, from the due time to the arrival of the HTTP
// request that follows the Wait. And a start from nothing to the first answered workflow call.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, number, pssBytes, row } from './lib/measure.mjs';
import { createWorkflow, freePort, raccord, stop } from './lib/servers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const waiting = Number(process.env.BENCH_WAITING ?? 1000000), timers = Number(process.env.BENCH_TIMERS ?? 10000);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const definition = (actions) => ({
  $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0',
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: { schema: {} } } }, actions, outputs: {},
});

const post = (url, body) => new Promise((ok, fail) => {
  const q = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (res) => { res.resume(); res.on('end', () => ok(res.statusCode)); });
  q.on('error', fail);
  q.end(body);
});

// Milliseconds each of n timers was late; they are due evenly over a minute, made in an order of chance.
async function lateness(server, token, n) {
  const late = [];
  const told = createServer((req, res) => {
    const now = Date.now();
    let text = '';
    req.on('data', (d) => { text += d; });
    req.on('end', () => { late.push(now - Date.parse(JSON.parse(text).at)); res.end(); });
  }).listen(0, '127.0.0.1');
  await once(told, 'listening');
  const url = await createWorkflow(server, token, 'timers', definition({
    Until: { type: 'Wait', inputs: { until: { timestamp: "@triggerBody()?['at']" } }, runAfter: {} },
    Tell: { type: 'Http', inputs: { method: 'POST', uri: `http://127.0.0.1:${told.address().port}/`, body: '@triggerBody()' }, runAfter: { Until: ['Succeeded'] } },
  }), 'Stateful');
  const from = Date.now() + 10000 + 4 * n; // all are made before the first is due
  const due = Array.from({ length: n }, (_, i) => from + Math.floor(60000 * i / n)).sort(() => Math.random() - 0.5);
  let next = 0;
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (next < n) {
      const status = await post(url, JSON.stringify({ at: new Date(due[next++]).toISOString() }));
      if (status !== 202) throw new Error(`the workflow answered ${status}`);
    }
  }));
  if (Date.now() > from) throw new Error('the timers were not made in time');
  while (late.length < n && Date.now() < from + 180000) await sleep(200);
  told.closeAllConnections();
  told.close();
  if (late.length !== n) throw new Error(`${n - late.length} timers did not fire`);
  return late.sort((a, b) => a - b);
}

async function million() {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-'));
  let server;
  try {
    execFileSync(join(here, '../../build-bench/tests/bench/flow_store_bench'), [join(dir, 'data'), String(waiting), 'leave']);
    execFileSync(process.env.RACCORD, ['token', 'recover', '--data', join(dir, 'data')]);
    const start = performance.now();
    server = await raccord(dir);
    const ready = performance.now() - start, token = readFileSync(join(dir, 'data/admin.token'), 'utf8').trim();
    await sleep(2000);
    const pss = pssBytes(server.child.pid) / 1e6;
    row({ measure: `${waiting} waiting runs in the store: exec to the ready line`, ours: `${number(ready)} ms`, reference: '-', value: ready, bar: { most: 5000, unit: ' ms', text: 'under 5 s' } });
    row({ measure: 'the same: memory (PSS), idle', ours: `${number(pss)} MB`, reference: '-', value: pss, bar: { most: 300, unit: ' MB', text: 'under 300 MB' } });
    const late = await lateness(server, token, timers), at = (p) => late[Math.min(late.length - 1, Math.floor(p * late.length))];
    row({ measure: `the same: ${timers} timers due over one minute, lateness of the latest`, ours: `${number(late.at(-1))} ms`, reference: '-', value: late.at(-1), spread: `p50 ${number(at(0.5))}, p99 ${number(at(0.99))}`, bar: { most: 1000, unit: ' ms', text: 'within 1 s' } });
    const after = pssBytes(server.child.pid) / 1e6;
    row({ measure: 'the same: memory (PSS), after them', ours: `${number(after)} MB`, reference: '-', value: after, bar: { most: 300, unit: ' MB', text: 'under 300 MB' } });
  } finally {
    if (server) await stop(server);
    rmSync(dir, { recursive: true, force: true });
  }
}

// A process that has just been executed, asked until it answers.
async function firstAnswer() {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-'));
  try {
    const port = await freePort();
    let server = await raccord(dir, {}, port);
    const token = readFileSync(join(dir, 'data/admin.token'), 'utf8').trim();
    const url = await createWorkflow(server, token, 'first', definition({
      Reply: { type: 'Response', kind: 'Http', inputs: { statusCode: 200, body: '@triggerBody()' }, runAfter: {} },
    }), 'Stateful');
    await stop(server);
    const ms = [];
    for (let i = 0; i < 9; i++) {
      const start = performance.now(), starting = raccord(dir, {}, port);
      for (let status = 0; status !== 200;) {
        try { status = await post(url, '{"name":"Ada"}'); } catch { await sleep(2); }
        if (performance.now() - start > 20000) throw new Error(`no answer: ${status}`);
      }
      ms.push(performance.now() - start);
      server = await starting;
      await stop(server);
    }
    row({ measure: 'exec to the first answered workflow call, durable', ours: `${number(median(ms))} ms`, reference: '-', value: median(ms), spread: `${number(Math.min(...ms))} to ${number(Math.max(...ms))}, ${ms.length} starts`, bar: { most: 300, unit: ' ms', text: 'under 300 ms' } });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function run() {
  await firstAnswer();
  await million();
  agent.destroy();
}
