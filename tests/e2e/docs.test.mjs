// Every command shown in the README and the guides runs, and prints what the page says it prints.
//
// A ```console block holds `$ command` lines, each followed by its output. In the output `…` stands
// for anything within a line and a line `…` for any number of lines. The commands of a page run one
// after the other in one shell, in a folder where build/ and examples/ are those of the repository.
// 8080 stands for a free port. A server's log lines and the durations of runs are not part of a page:
// what took under a millisecond has none, on a slower machine the same line ends in `  1 ms`. `make`, `git clone` and `sudo` are not run: CI itself is their test.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { binary, freePort, root, temporary } from './lib/raccord.mjs';

const pages = ['README.md', ...(existsSync(join(root, 'docs/guide')) ? readdirSync(join(root, 'docs/guide')) : []).filter((f) => f.endsWith('.md')).map((f) => `docs/guide/${f}`)];

export function commands(text) {
  const list = [];
  for (const [, block] of text.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    let current;
    for (const line of block.replace(/\n$/, '').split('\n')) {
      if (line.startsWith('$ ')) list.push(current = { command: line.slice(2), expect: [] });
      else if (line.startsWith('> ') && current.expect.length === 0) current.command += `\n${line.slice(2)}`;
      else current?.expect.push(line);
    }
  }
  return list;
}

const durations = / {2}(?:\d+ min \d+ s|\d+\.\d s|\d+ ms)(?= |$)/gm;

const escape = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

export function matches(output, expect) {
  const lines = expect.map((l) => (l.trim() === '…' ? '(?:.*\n)*?' : `${l.split('…').map(escape).join('.*')}\n`));
  return new RegExp(`^${lines.join('')}$`).test(output === '' || output.endsWith('\n') ? output : `${output}\n`);
}

// One shell for a page: run(command) -> {output, status}.
function shell(cwd, port) {
  const child = spawn('bash', ['--norc', '--noprofile'], { cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${dirname(binary)}:${process.env.PATH}`, HOME: cwd, NO_COLOR: '1', LC_ALL: 'C', RACCORD_SERVER: '', RACCORD_TOKEN: '', RACCORD_LISTEN: `127.0.0.1:${port}` } });
  let text = '';
  let wake = () => {};
  child.stdout.on('data', (d) => { text += d; wake(); });
  child.stdin.write('exec 2>&1; unset RACCORD_SERVER RACCORD_TOKEN\n');
  let n = 0;
  return {
    async run(command, timeout = 300000) {
      const mark = `__end_${++n}__`;
      text = '';
      child.stdin.write(`${command}\nprintf '\\n%s %s\\n' ${mark} "$?"\n`);
      const limit = Date.now() + timeout;
      for (;;) {
        const m = new RegExp(`\\n?^${mark} (\\d+)$`, 'm').exec(text);
        if (m) return { output: text.slice(0, m.index), status: Number(m[1]) };
        if (Date.now() > limit) throw new Error(`no end of: ${command}\n${text}`);
        await new Promise((ok) => { wake = ok; setTimeout(ok, 200); });
      }
    },
    // A server started with & says it is ready some time later.
    async settle(pattern, timeout = 120000) {
      const limit = Date.now() + timeout;
      while (!pattern.test(text) && Date.now() < limit) await new Promise((ok) => { wake = ok; setTimeout(ok, 100); });
      return text;
    },
    stop() { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* gone */ } },
  };
}

test('the comparison of outputs can fail', () => {
  assert.ok(matches('a 1\nb\nc\n', ['a …', '…', 'c']));
  assert.ok(!matches('a 1\nb\nd\n', ['a …', '…', 'c']));
  assert.ok(!matches('x\n', []));
  assert.equal('ok Book  Succeeded  12 ms\nok A  Failed  1.2 s  2 retries\nin 3 ms'.replace(durations, ''), 'ok Book  Succeeded\nok A  Failed  2 retries\nin 3 ms');
  assert.deepEqual(commands('```console\n$ a \\\n> b\nout\n$ c\n```\n').map((c) => c.command), ['a \\\nb', 'c']);
});

for (const page of pages) {
  const list = commands(readFileSync(join(root, page), 'utf8')).filter((c) => !/^(make|git clone|sudo|cd raccord)\b/.test(c.command));
  if (list.length === 0) continue;
  test(`${page}: ${list.length} commands`, async (t) => {
    const dir = temporary(t), port = String(await freePort());
    for (const name of ['examples', 'tests']) if (existsSync(join(root, name))) symlinkSync(join(root, name), join(dir, name));
    symlinkSync(dirname(binary), join(dir, 'build'));
    const sh = shell(dir, port);
    t.after(() => sh.stop());
    for (const { command, expect } of list) {
      const background = /&\s*$/.test(command);
      let { output } = await sh.run(command.replaceAll('8080', port));
      if (background && expect.length > 0) output += await sh.settle(/^ready .*$/m);
      output = output.replaceAll(port, '8080').replace(durations, '').replace(/^\[\d+\] \d+\n/gm, '').replace(/^\{"time":.*\n?/gm, '').replace(/^__end_\d+__ \d+\n/gm, '').replace(/^\n+|\n+$/g, '');
      const wanted = expect.join('\n').replace(/^\n+|\n+$/g, '').split('\n');
      assert.ok(matches(output && `${output}\n`, wanted[0] === '' && wanted.length === 1 ? [] : wanted),
        `${page}: $ ${command}\n--- printed\n${output}\n--- the page says\n${wanted.join('\n')}`);
    }
  });
}
