// node expr-reference.mjs jsonata|tournament: evaluations a second of E1 to E4, as one JSON line.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.RACCORD_BENCH_PEERS, 'package.json'));
const context = { first: 'Ada', last: 'Lovelace', amount: 120, tax: 24.5, items: [{ sku: 'a', qty: 2 }, { sku: 'b', qty: 1 }, { sku: 'c', qty: 7 }], ok: true };
const languages = {
  async jsonata() {
    const { default: jsonata } = await import(require.resolve('jsonata'));
    const e = ["$uppercase(first & ' ' & last)", "amount + tax > 100 ? 'gold' : 'basic'", '$count(items)'];
    return [...e, `{"a": ${e[0]}, "b": ${e[1]}, "n": ${e[2]}}`].map((x) => { const c = jsonata(x); return () => c.evaluate(context); });
  },
  async tournament() {
    const { Tournament } = require('@n8n/tournament');
    const t = new Tournament(() => {});
    const e = ["(first + ' ' + last).toUpperCase()", "amount + tax > 100 ? 'gold' : 'basic'", 'items.length'];
    return [...e, `({a: ${e[0]}, b: ${e[1]}, n: ${e[2]}})`].map((x) => `{{ ${x} }}`).map((x) => () => t.execute(x, context));
  },
};
let sink; // so that nothing is optimized away
async function window(fn, ms) {
  let n = 0, spent;
  const asynchronous = fn() instanceof Promise, from = performance.now();
  do {
    if (asynchronous) for (let i = 0; i < 16; i++) sink = await fn();
    else for (let i = 0; i < 16; i++) sink = fn();
    n += 16;
  } while ((spent = performance.now() - from) < ms);
  return n / spent * 1000;
}
const rates = {};
for (const [i, fn] of (await languages[process.argv[2]]()).entries()) {
  await window(fn, 200);
  const r = [];
  for (let k = 0; k < 5; k++) r.push(await window(fn, 200));
  rates[`E${i + 1}`] = r.sort((x, y) => x - y)[2];
}
if (sink === undefined) throw new Error('nothing was evaluated');
console.log(JSON.stringify(rates));
