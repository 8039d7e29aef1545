// What a host cannot keep is refused, and what is set wrong is told, all of it at once.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { start } from '../../scenario/simulators.js';
import { serve, settings } from '../serve.js';

async function folder(t) {
  const made = await mkdtemp(path.join(tmpdir(), 'shift-access-wasmtime-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

test('over wasi:keyvalue, what its draft cannot promise is refused and not done by halves', async (t) => {
  const simulators = await start();
  t.after(simulators.stop);
  // wasmtime ends a setting on its command line at a comma.
  const given = settings({ ...simulators, properties: { 'user-groups': 'Store 12 Hourly' }, mail: undefined });
  const served = await serve('keyvalue', { given, folder: await folder(t), onCommandLine: true });
  t.after(() => served.stop());

  const run = await served.ask('/jobs/batch', {});
  assert.equal(run.status, 503);
  assert.match(run.body.detail, /cannot be kept from running twice at once: .*has no compare-and-swap/);
  const number = await simulators.punch('adiaz', 'out');
  const event = { id: 'e', type: 't', data: { person_number: number, at: new Date().toISOString(), direction: 'out' } };
  const told = await served.ask('/events', event);
  assert.notDeepEqual([told.status, told.body[0]?.disposition], [200, 'done'], JSON.stringify(told.body));
  // Reads are answered: nothing is there, and nothing was written by halves.
  const asked = { subject: { type: 'user', id: 'adiaz' }, action: { name: 'open' }, resource: { type: 'app', id: 'people' } };
  const decided = await served.ask('/access/v1/evaluation', asked);
  assert.deepEqual([decided.body.decision, decided.body.context?.reason], [false, 'no-record'], JSON.stringify(decided.body));
});

test('settings that are wrong are told all at once, and nothing runs with them', async (t) => {
  const given = { 'api-token': 't', 'connections.kronos.url': 'http://far.example', 'properties.interval-minutes': '1', 'mail.colour': 'red', tenent: 'x' };
  const served = await serve('worker_status', { given, folder: await folder(t) });
  t.after(() => served.stop());
  const { status, body } = await served.ask('/healthz', undefined, { authorization: 'Bearer t' });
  assert.equal(status, 503);
  const stranger = await served.ask('/healthz');
  assert.deepEqual([stranger.status, stranger.body.problems], [503, undefined]);
  const keys = body.problems.map((problem) => problem.split(':')[0]).sort();
  for (const key of ['connections.kronos.url', 'connections.kronos.client-id', 'properties.user-groups', 'properties.interval-minutes', 'mail.colour', 'tenent']) {
    assert.ok(keys.includes(key), `${key} is not among ${keys.join()}`);
    assert.ok(served.said.some((line) => line.includes(key)), `${key} is not on standard error`);
  }
  assert.equal((await served.ask('/jobs/batch', {}, { authorization: 'Bearer t' })).status, 503);
});
