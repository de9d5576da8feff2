// A million messages that wait in batches of a running server: its memory, its start, how late the
// first batch is when an occurrence releases all of them, and how long that takes. And how many
// messages a second SendToBatch commits.
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, number, pssBytes, row } from './lib/measure.mjs';
import { createWorkflow, raccord, stop } from './lib/servers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const waiting = Number(process.env.BENCH_MESSAGES ?? 1000000), seconds = Number(process.env.BENCH_SECONDS ?? 5);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const $schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';

// Tells how many messages each run got.
const receiver = (port, releaseCriteria) => ({
  $schema, contentVersion: '1.0.0.0', outputs: {},
  triggers: { manual: { type: 'Batch', inputs: { mode: 'Inline', configurations: { b: { releaseCriteria } } } } },
  actions: { Tell: { type: 'Http', runAfter: {}, inputs: { method: 'POST', uri: `http://127.0.0.1:${port}/`, body: { n: "@length(triggerBody()['items'])" } } } },
});
const sender = {
  $schema, contentVersion: '1.0.0.0', outputs: {},
  triggers: { manual: { type: 'Request', kind: 'Http', inputs: { schema: {} } } },
  actions: { Send: { type: 'SendToBatch', runAfter: {}, inputs: { batchName: 'b', content: '@triggerBody()', partitionName: "@triggerBody()['p']", host: { triggerName: 'manual', workflow: { id: 'collect' } } } } },
};

const save = async (server, token, definition) => {
  const r = await fetch(`${server.url}/api/v1/workflows/collect`, { method: 'PUT', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ definition }) });
  if (!r.ok) throw new Error(await r.text());
};
// Messages a second of 64 callers, each in a durable run of its own, which is committed before it is
// answered; into 64 partitions.
async function sendRate(dir, url) {
  const script = join(dir, 'send.lua');
  writeFileSync(script, `wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
request = function() n = n + 1; return wrk.format(nil, nil, nil, '{"p":"s' .. (n % 64) .. '","n":' .. n .. '}') end
`);
  const out = await new Promise((ok, fail) => execFile('wrk', ['-t2', '-c64', `-d${seconds}s`, '--timeout', '10s', '-s', script, url], (e, text) => (e ? fail(e) : ok(text))));
  if (/Non-2xx/.test(out)) throw new Error(out);
  return Number(/Requests\/sec:\s+(\S+)/.exec(out)[1]);
}

export async function run() {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-'));
  const got = [];
  const told = createServer((req, res) => {
    let text = '';
    req.on('data', (d) => { text += d; });
    req.on('end', () => { got.push({ at: Date.now(), n: JSON.parse(text).n }); res.end(); });
  }).listen(0, '127.0.0.1');
  await once(told, 'listening');
  const { port } = told.address();
  let server;
  try {
    server = await raccord(dir);
    const token = readFileSync(join(dir, 'data/admin.token'), 'utf8').trim();
    await save(server, token, receiver(port, { messageCount: 8000 }));
    await stop(server);
    server = undefined;
    execFileSync(join(here, '../../build-bench/tests/bench/flow_store_bench'), [join(dir, 'data'), String(waiting), 'messages']);
    const start = performance.now();
    server = await raccord(dir);
    const ready = performance.now() - start;
    await sleep(2000);
    const idle = pssBytes(server.child.pid) / 1e6;
    row({ measure: `${waiting} messages waiting in the 1000 partitions of a batch: exec to the ready line`, ours: `${number(ready)} ms`, reference: '-', value: ready, bar: { most: 5000, unit: ' ms', text: 'under 5 s' } });
    row({ measure: 'the same: memory (PSS), idle', ours: `${number(idle)} MB`, reference: '-', value: idle, bar: { most: 300, unit: ' MB', text: 'under 300 MB' } });
    const url = await createWorkflow(server, token, 'send', sender, 'Stateful'), rates = [];
    for (let i = 0; i < 5; i++) rates.push(await sendRate(dir, url));
    const rate = median(rates);
    row({ measure: 'the same: SendToBatch by 64 callers, a durable run each', ours: `${number(rate)}/s`, reference: '-', value: rate, spread: `${number(Math.min(...rates))} to ${number(Math.max(...rates))}`, bar: { least: 2000, unit: '/s', text: 'at least 2,000/s' } });
    const due = Math.ceil((Date.now() + 4000) / 1000) * 1000;
    await save(server, token, receiver(port, { recurrence: { frequency: 'Day', interval: 1, startTime: new Date(due).toISOString().slice(0, 19) + 'Z' } }));
    let most = 0;
    const all = () => got.reduce((a, x) => a + x.n, 0);
    while (all() < waiting && Date.now() < due + 300000) {
      await sleep(50);
      most = Math.max(most, pssBytes(server.child.pid) / 1e6);
    }
    if (all() < waiting) throw new Error(`${all()} of ${waiting} messages were released`);
    const first = got[0].at - due, last = got.at(-1).at - due;
    row({ measure: 'the same: an occurrence releases them, lateness of the first batch', ours: `${number(first)} ms`, reference: '-', value: first, bar: { most: 1000, unit: ' ms', text: 'within 1 s' } });
    row({ measure: `the same: until all ${got.length} batches have run`, ours: `${number(last / 1000)} s`, reference: '-', value: waiting / (last / 1000), bar: { least: 20000, unit: ' messages/s', text: 'at least 20,000/s' } });
    row({ measure: 'the same: memory (PSS) meanwhile, at most', ours: `${number(most)} MB`, reference: '-', value: most, bar: { most: 300, unit: ' MB', text: 'under 300 MB' } });
  } finally {
    if (server) await stop(server);
    told.closeAllConnections();
    told.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
