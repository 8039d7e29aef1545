// The nodes in a real Node-RED: the example flow comes in through its admin API, and tells the same story as the reference host.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { tell } from '../../scenario/index.js';
import { pace } from '../../scenario/pace.js';
import { reference } from '../../scenario/reference.js';
import { answered, post, start as simulate } from '../../scenario/simulators.js';
import { load, tenant } from '../../node/platform.js';
import { wire } from '../../node/wire.js';
import { look } from './editor.mjs';
import { example, start, until } from './nodered.mjs';

test('Node-RED', async (t) => {
  const simulators = await simulate('--reference');
  t.after(simulators.stop);
  const red = await start();
  t.after(red.stop);
  const flow = await example(simulators);
  await red.deploy(flow.flows);
  const [batch, tests] = ['batch', 'test-connection'].map((job) => flow.node('shift-access-job', { job }));

  await t.test('the package is loaded without an error', async () => {
    const sets = (await red.types()).filter(({ module }) => module === 'node-red-contrib-shift-access');
    assert.deepEqual(sets.flatMap(({ types }) => types).sort(), ['decision', 'event', 'job', 'tenant'].map((name) => `shift-access-${name}`));
    assert.deepEqual(sets.map(({ err, enabled }) => [err, enabled]), sets.map(() => [undefined, true]));
  });

  await t.test('secrets are credentials: neither the API nor a file nor the log shows one', async () => {
    const files = await Promise.all(['flows.json', 'flows_cred.json'].map((file) => readFile(path.join(red.folder, file), 'utf8')));
    const shown = [JSON.stringify(await red.flows()), ...files, red.log()].join('\n');
    assert.ok(shown.includes(simulators.connections.kronos['client-id']), 'what is no secret is there');
    for (const { 'client-secret': secret, password, 'app-key': key } of Object.values(simulators.connections)) {
      for (const word of [secret, password, key].filter(Boolean)) assert.ok(!shown.includes(JSON.stringify(word).slice(1, -1)), word);
    }
  });

  const component = await load(path.join(import.meta.dirname, '../dist/component'));
  const stored = tenant(component, { name: flow.tenant, connections: {}, properties: {}, file: path.join(red.folder, 'shift-access.db') });
  t.after(stored.close);
  const onNodeRed = {
    run: (job) => {
      const button = flow.flows.find(({ wires }) => wires?.flat().includes(job === 'batch' ? batch : tests)).id;
      return red.inject(button, flow.node('debug', { name: job === 'batch' ? 'batch' : 'connection test' }));
    },
    records: async () => wire(await stored.records()),
    event: async (body) => {
      const response = await fetch(`${red.url}/shift-access/punches`, post(body));
      assert.deepEqual([response.status, await response.text()], [202, JSON.stringify([{ id: body.id, disposition: 'done' }])]);
    },
    events: async (bodies) => {
      const told = await answered(await fetch(`${red.url}/shift-access/punches`, post(bodies)));
      assert.deepEqual(new Set(told.map(({ disposition }) => disposition)), new Set(['done']));
    },
    decide: (questions) => {
      const ask = (question) => fetch(`${red.url}/shift-access/may?${new URLSearchParams(question)}`).then(answered);
      return Promise.all(questions.map(ask));
    },
  };
  const chapters = await tell(simulators, [reference(simulators), onNodeRed]);
  for (const [chapter, [expected, actual]] of Object.entries(chapters)) {
    await t.test(`as on the reference host: ${chapter}`, () => assert.deepEqual(actual, expected));
  }
  assert.deepEqual(new Set(chapters.decisions[1].map(({ decision }) => decision)), new Set(['allow', 'deny']));

  await t.test('status lines tell how far a job is, how it ended, and what became of an event', async () => {
    const shown = await until(() => red.statuses(batch).at(-1)?.includes('members') && red.statuses(batch));
    assert.equal(shown.at(-1), 'yellow: 23 members, 9 on shift');
    assert.ok(shown.some((line) => line === 'blue: 23 of 23 workers read'), shown.join('\n'));
    assert.equal(red.statuses(tests).at(-1), 'green: 12 steps');
    assert.equal(red.statuses(flow.node('shift-access-event')).at(-1), 'green: 1 done, 0 put off, 0 rejected');
  });

  await t.test('what cannot be read is answered and told', async () => {
    await fetch(`${red.url}/shift-access/punches`, post({ id: 'x', data: { at: 'yesterday' } })).then((response) => response.text());
    await until(() => red.statuses(flow.node('shift-access-event')).at(-1) === 'red: 0 done, 0 put off, 1 rejected');
  });

  await t.test('events a second are noted', async () => {
    const { version } = JSON.parse(await readFile(path.join(import.meta.dirname, '../node_modules/node-red/package.json'), 'utf8'));
    await pace('node-red', version, onNodeRed);
  });

  await look(t, red, flow);

  await t.test('a run that fails is caught, and says what to do', async () => {
    const wrong = structuredClone(flow.flows);
    wrong.find(({ id }) => id === flow.tenant)['property-user-groups'] = 'No Such Group';
    await red.deploy(wrong);
    const { message } = await red.inject(flow.flows.find(({ wires }) => wires?.flat().includes(batch)).id, flow.node('debug', { name: 'failures' }));
    assert.match(message, /^HWBS-WS22 Group not found: .*No Such Group.*\. Copy the name/s);
    await until(() => red.statuses(batch).at(-1) === 'red: HWBS-WS22 Group not found');
  });

  await t.test('without a tenant there is an answer too', async () => {
    const wrong = structuredClone(flow.flows);
    wrong.find(({ id }) => id === flow.tenant)['kronos-url'] = 'http://far.example';
    await red.deploy(wrong);
    const response = await fetch(`${red.url}/shift-access/may?user=adiaz`);
    assert.deepEqual([response.status, await response.text()], [503, 'no tenant is configured']);
    assert.match(red.log(), /the tenant acme is not configured: not-granted: the address http:\/\/far\.example does not begin with https:/);
  });
});
