// Each rule of spec workflows §1.6, and each member table of §2 and §3: definitions that break it, at the
// root and inside of scopes, loops, branches and cases, are refused at the member at fault; others that come
// close to it are accepted. In every form of a file.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { raccord, temporary } from './lib/raccord.mjs';
import { documents } from './lib/definitions.mjs';
import { cases as order } from './lib/rules-order.mjs';
import { cases as inputs } from './lib/rules-inputs.mjs';
import { cases as root } from './lib/rules-root.mjs';

const whole = process.env.RACCORD_RULES === 'all'; // every case in every place of every form: 50,000 files

/** A case in every place of one form, and in one place of every form; which ones goes around. */
function some(c, i) {
  const list = [...documents(c)];
  if (whole) return list;
  const profiles = [...new Set(list.map((x) => x.profile))], places = [...new Set(list.map((x) => x.place))];
  return list.filter((x) => x.profile === profiles[i % profiles.length] || x.place === places[i % places.length]);
}

for (const [name, cases] of Object.entries({ order, inputs, root })) {
  test(`rules: ${name}`, async (t) => {
    const dir = temporary(t), list = cases.flatMap(some), unlike = [];
    for (let from = 0; from < list.length; from += 400) {
      const part = list.slice(from, from + 400);
      const files = part.map((x, i) => { const file = join(dir, `${i}.json`); writeFileSync(file, JSON.stringify(x.document)); return file; });
      const r = await raccord(['validate', '--format', 'json', '-j', '2', ...files]);
      assert.equal(r.signal, null, r.stderr);
      for (const [i, line] of r.stdout.trim().split('\n').entries()) {
        const row = JSON.parse(line), x = part[i];
        const got = [...new Set(row.findings.filter((f) => f.severity === 'error').map((f) => `${f.code} ${f.pointer}`))].sort();
        if (JSON.stringify(got) !== JSON.stringify(x.want.sort())) unlike.push({ name: x.name, got, want: x.want });
      }
    }
    assert.deepEqual(unlike.slice(0, 5), [], `${unlike.length} of ${list.length}`);
    t.diagnostic(`${cases.length} cases, ${list.length} definitions`);
  });
}
