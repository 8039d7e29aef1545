// The very component of `cargo build`, on Node.js and on the reference host: the same story on the same simulators.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { tell } from '../../scenario/index.js';
import { pace } from '../../scenario/pace.js';
import { reference } from '../../scenario/reference.js';
import { start } from '../../scenario/simulators.js';
import { load, tenant } from '../platform.js';
import { wire, wireDecision, wireRun } from '../wire.js';

test('Node.js and the reference host come to the same, field by field', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shift-access-node-'));
  t.after(() => rm(folder, { recursive: true }));
  const simulators = await start('--reference');
  t.after(simulators.stop);
  const component = await load(path.join(import.meta.dirname, '../build/worker_status'));
  const acme = tenant(component, { name: simulators.tenant, ...simulators, file: path.join(folder, 'node.db') });
  t.after(acme.close);
  assert.deepEqual(await acme.check(), []);

  const chapters = await tell(simulators, [reference(simulators), onNode(acme)]);
  for (const [chapter, [expected, actual]] of Object.entries(chapters)) {
    await t.test(chapter, () => assert.deepEqual(actual, expected));
  }
  await t.test('events a second are noted, here and on the reference host', async () => {
    const { info } = await fetch(`${simulators.reference.url}/api/openapi.json`).then((response) => response.json());
    await pace('reference', info.version, reference(simulators));
    await pace('node', process.versions.node, onNode(acme));
  });
  // The story is one: the event changed exactly one record, and decisions go both ways.
  const changed = chapters['records after an event'][1].filter((record, at) => record.status !== chapters.records[1][at].status);
  assert.deepEqual(changed.map(({ user, status, source }) => [user, status, source.kind]), [['adiaz', 'off-shift', 'look-up']]);
  const verdicts = new Set(chapters.decisions[1].map(({ decision }) => decision));
  assert.deepEqual([...verdicts].sort(), ['allow', 'deny']);
  assert.equal(chapters.records[1].length, 23);
});

test('the five interfaces are under 300 lines of code', async () => {
  const folder = path.join(import.meta.dirname, '../lent');
  const files = await Promise.all((await readdir(folder)).map((file) => readFile(path.join(folder, file), 'utf8')));
  const code = files.flatMap((text) => text.split('\n')).filter((line) => !/^\s*(\/\/|\/\*\*|$)/.test(line));
  assert.equal(files.length, 5);
  assert.ok(code.length < 300, `${code.length} lines`);
});

function onNode(acme) {
  const bring = async (bodies) => {
    const events = bodies.map((body) => ({ id: body.id, run: randomUUID(), body: Buffer.from(JSON.stringify(body)) }));
    assert.deepEqual(new Set((await acme.handle(events)).map(({ tag }) => tag)), new Set(['done']));
  };
  return {
    run: async (job) => wireRun(await acme.run(job)),
    records: async () => wire(await acme.records()),
    event: (body) => bring([body]),
    events: bring,
    decide: async (questions) => (await acme.decide(questions)).map(wireDecision),
  };
}
