// Workflows of a server as tests drive them: small definitions, and runs followed to their end.
import assert from 'node:assert/strict';
import { until } from './raccord.mjs';

export const compose = (inputs, runAfter = {}) => ({ type: 'Compose', inputs, runAfter });
export const pause = (count) => ({ type: 'Wait', inputs: { interval: { unit: 'Second', count } } });
// What a workflow is saved as: a Request trigger and these actions.
export const document = (actions, more = {}) => ({ definition: { triggers: { manual: { type: 'Request', kind: 'Http', inputs: {} } }, actions, ...more } });

const open = (run) => ['Running', 'Waiting'].includes(run.status);

// Paths are those below /api/v1. A run that has ended comes with its actions by name.
export function client(s) {
  const ok = async (method, path, body) => {
    const r = await s.api(method, `/api/v1${path}`, body);
    assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${r.text}`);
    return r.json;
  };
  const start = async (name, actions, more) => {
    await ok('PUT', `/workflows/${name}`, document(actions, more));
    return (await ok('POST', `/workflows/${name}:run`, {})).id;
  };
  const ended = async (id) => {
    const run = await until(`the end of ${id}`, async () => { const v = await ok('GET', `/runs/${id}`); return !open(v) && v; });
    const rows = (await ok('GET', `/runs/${id}/actions`)).value;
    return { ...run, actions: Object.fromEntries(rows.map((a) => [a.name, a])) };
  };
  const run = async (name, actions, more) => ended(await start(name, actions, more));
  const running = async (name) => (await ok('GET', `/workflows/${name}/runs`)).value.filter(open);
  return { ok, start, ended, run, running };
}
