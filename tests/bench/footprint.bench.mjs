// Size of the program; memory and start of a server in which the whole connector corpus is registered.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, number, pssBytes, row } from './lib/measure.mjs';

async function start(dir) {
  const from = performance.now();
  const child = spawn(process.env.RACCORD, ['serve', '--data', dir, '--listen', '127.0.0.1:0', '--format', 'json', '--set', 'connector.definition_bytes_max=2MiB'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const line = await new Promise((ok, fail) => {
    let text = '';
    child.stdout.on('data', (d) => { text += d; if (text.includes('\n')) ok(text); });
    child.on('exit', (c) => fail(new Error(`serve ended with ${c}`)));
  });
  return { child, ready: performance.now() - from, url: JSON.parse(line).url };
}
const stop = async (s) => { s.child.removeAllListeners('exit'); s.child.kill('SIGTERM'); await once(s.child, 'exit'); };
const wait = (ms) => new Promise((ok) => setTimeout(ok, ms));

export async function run() {
  const dir = mkdtempSync(join(tmpdir(), 'raccord-bench-'));
  try {
    const stripped = join(dir, 'raccord');
    copyFileSync(process.env.RACCORD, stripped);
    execFileSync('strip', [stripped]);
    const mb = statSync(stripped).size / 1e6;
    row({ measure: 'binary, stripped', ours: `${number(mb)} MB`, reference: '-', value: mb, bar: { most: 10, unit: ' MB', text: 'under 10 MB' } });

    const data = join(dir, 'data');
    let server = await start(data);
    const token = readFileSync(join(data, 'admin.token'), 'utf8').trim();
    const corpus = join(process.env.RACCORD_CORPUS, 'connectors');
    let registered = 0;
    for (const name of readdirSync(corpus)) {
      const form = new FormData();
      for (const [part, file] of [['definition', 'apiDefinition.swagger.json'], ['properties', 'apiProperties.json']])
        form.append(part, new Blob([readFileSync(join(corpus, name, file))]), file);
      const res = await fetch(`${server.url}/api/v1/connectors`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: form });
      await res.arrayBuffer();
      registered += res.status === 201;
    }
    await stop(server);
    const ready = [], pss = [];
    for (let i = 0; i < 5; i++) {
      server = await start(data);
      ready.push(server.ready);
      await wait(1000);
      pss.push(pssBytes(server.child.pid) / 1e6);
      await stop(server);
    }
    row({ measure: `idle memory (PSS), ${registered} connectors registered`, ours: `${number(median(pss))} MB`, reference: '-', value: median(pss), spread: `${number(Math.min(...pss))} to ${number(Math.max(...pss))}`, bar: { most: 60, unit: ' MB', text: 'under 60 MB' } });
    row({ measure: 'exec to the ready line, same', ours: `${number(median(ready))} ms`, reference: '-', value: median(ready), spread: `${number(Math.min(...ready))} to ${number(Math.max(...ready))}`, bar: { most: 300, unit: ' ms', text: 'under 300 ms' } });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
