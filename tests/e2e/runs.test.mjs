// `raccord workflow run` and `raccord runs` as a maker uses them: a run is watched, cancelled, done
// again; the tree reads from top to bottom; exit statuses are those of architecture §1.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { raccord, serve, temporary } from './lib/raccord.mjs';

const schema = 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#';

test('a run of a server: shown, watched, cancelled, resubmitted', async (t) => {
  const s = await serve(t, { args: ['--set', 'workers=2'] });
  const cli = (...args) => raccord(args, { env: { RACCORD_SERVER: s.url, RACCORD_TOKEN: s.token } });
  const file = join(temporary(t), 'slow.json');
  writeFileSync(file, JSON.stringify({ kind: 'Stateful', definition: { $schema: schema, triggers: { manual: { type: 'Request', inputs: {} } }, actions: {
    Last: { type: 'Compose', inputs: "@int(triggerBody()?['n'])", runAfter: { Nap: ['Succeeded'] } },
    Nap: { type: 'Wait', inputs: { interval: { count: "@triggerBody()['s']", unit: 'Second' } }, runAfter: { First: ['Succeeded'] } },
    First: { type: 'Compose', inputs: 1 },
    After: { type: 'Compose', inputs: 1, runAfter: { Last: ['Succeeded'] } },
  } } }));
  assert.equal((await cli('workflow', 'create', file)).status, 0);

  const failed = await cli('workflow', 'run', 'slow', '{"n": "x", "s": 1}');
  assert.equal(failed.status, 1);
  const [head, ...lines] = failed.stdout.trimEnd().split('\n');
  assert.match(head, /^[0-9a-f]{32}-\d{29}CU00 {2}Failed {2}1\.\d s: An action failed\. No dependent actions succeeded\.$/);
  assert.deepEqual(lines.map((l) => l.replace(/ {2}[\d.]+ m?s$/, '').slice(0, 40)), ['ok First  Succeeded', 'ok Nap  Succeeded', '!! Last  Failed (BadRequest)', '   Unable to process template language e', '-- After  Skipped (ActionSkipped)']);
  const run = head.split(' ')[0];
  assert.equal((await cli('runs', 'show', run)).stdout, failed.stdout);
  assert.equal((await cli('runs', 'cancel', run)).status, 1);
  const again = await cli('runs', 'resubmit', run);
  assert.equal(again.status, 1);
  assert.ok(!again.stdout.startsWith(run));

  const open = (await cli('workflow', 'run', 'slow', '{"n": "1", "s": 600}', '--no-wait')).stdout.trim();
  const shown = await cli('runs', 'show', open);
  assert.equal(shown.status, 0);
  assert.match(shown.stdout, /Running\nok First {2}Succeeded\n\.\. Nap {2}(Running|Waiting)\n$/);
  const watched = cli('runs', 'watch', open);
  assert.equal((await cli('runs', 'cancel', open)).status, 0);
  const end = await watched;
  assert.equal(end.status, 1);
  assert.match(end.stdout, /Cancelled.*\nok First.*\nxx Nap {2}Cancelled.*\n-- Last {2}Skipped \(Cancelled\)\n-- After {2}Skipped/);
  assert.equal((await cli('runs', 'show', 'nobody')).status, 1);
  assert.equal((await cli('runs', 'cancel')).status, 2);
  assert.equal((await raccord(['runs', 'list', 'slow', '--server', 'http://127.0.0.1:9'])).status, 3);
});
