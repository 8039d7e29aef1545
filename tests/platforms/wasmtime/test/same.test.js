// The component and the adapters under plain `wasmtime serve`, and the reference host: the same story on the same simulators.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { tell } from '../../scenario/index.js';
import { pace } from '../../scenario/pace.js';
import { reference } from '../../scenario/reference.js';
import { start } from '../../scenario/simulators.js';
import { relay } from '../mail.js';
import { platform, serve, settings } from '../serve.js';

test('wasmtime serve and the reference host come to the same, field by field', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shift-access-wasmtime-'));
  t.after(() => rm(folder, { recursive: true }));
  const simulators = await start('--reference');
  t.after(simulators.stop);
  const mail = await relay(simulators.mail);
  t.after(mail.stop);
  const given = settings({ ...simulators, mail: mail.settings });
  let served = await serve('worker_status', { given, folder });
  const first = served;
  t.after(() => served.stop());
  assert.equal((await served.ask('/healthz')).status, 200, JSON.stringify(await served.ask('/healthz')));

  const chapters = await tell(simulators, [reference(simulators), platform(served)]);
  for (const [chapter, [expected, actual]] of Object.entries(chapters)) {
    await t.test(chapter, () => assert.deepEqual(actual, expected));
  }
  const changed = chapters['records after an event'][1].filter((record, at) => record.status !== chapters.records[1][at].status);
  assert.deepEqual(changed.map(({ user, status, source }) => [user, status, source.kind]), [['adiaz', 'off-shift', 'look-up']]);
  assert.equal(chapters.records[1].length, 23);

  await t.test('what was stored is there after a kill', async () => {
    await served.stop('SIGKILL');
    served = await serve('worker_status', { given, folder });
    const { observed_at, age_seconds, ...after } = (await platform(served).records())[0];
    const expected = chapters['records after an event'][1][0];
    assert.deepEqual([after.user, after.status, after.reason], [expected.user, expected.status, expected.reason]);
    assert.equal((await platform(served).records()).length, 23);
  });

  await t.test('nobody asks without the token, and what cannot be done is a problem document', async () => {
    const without = await served.ask('/workers', undefined, { authorization: 'Bearer another' });
    assert.deepEqual([without.status, without.body.title], [401, 'Unauthorized']);
    assert.equal((await served.ask('/jobs/none', {})).status, 404);
    assert.equal((await served.ask('/jobs/batch')).status, 405);
    assert.equal((await served.ask('/events', { no: 'id' })).status, 400);
    assert.equal((await served.ask('/access/v1/evaluation', { subject: {} })).status, 400);
    assert.equal((await served.ask('/events', { id: 'x', data: 'y'.repeat(2 << 20) })).status, 413);
    const one = await served.ask('/access/v1/evaluation', {
      subject: { type: 'user', id: 'ADIAZ' }, action: { name: 'open' }, resource: { type: 'app', id: 'people' },
    });
    assert.deepEqual([one.status, one.body.decision, one.body.context.status], [200, false, 'off-shift']);
  });

  await t.test('of two runs of one job at once, in two processes, one is made', async () => {
    const other = await serve('worker_status', { given, folder });
    t.after(() => other.stop());
    const answers = await Promise.all([served, other].flatMap((one) => [one.ask('/jobs/batch', {}), one.ask('/jobs/batch', {})]));
    const told = answers.map(({ status }) => status);
    assert.ok(told.includes(200) && told.every((status) => [200, 409].includes(status)), told.join());
    assert.ok(told.includes(409), told.join());
    const [here, there] = await Promise.all([served, other].map((one) => platform(one).records()));
    assert.deepEqual(here.map(({ user, source }) => [user, source]), there.map(({ user, source }) => [user, source]));
  });

  await t.test('events a second are noted', async () => {
    await pace('wasmtime', served.version, platform(served));
  });

  await t.test('no secret is in what it says, nor on its command line', async () => {
    const shown = [...first.said, ...first.args, ...served.said].join('\n');
    assert.ok(shown.includes('workers read'), 'the journal is on standard error');
    for (const { 'client-secret': secret, password } of Object.values(simulators.connections)) {
      for (const word of [secret, password].filter(Boolean)) assert.ok(!shown.includes(word), 'a secret is shown');
    }
  });
});
