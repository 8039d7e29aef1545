// The conformance kit on the reference host and on Node.js, and on ten platforms with a fault that it must find.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { target } from '../../scenario/simulators.js';
import { load, tenant } from '../platform.js';
import { wireRun } from '../wire.js';
import { broken } from './broken.js';

const NODE = [process.execPath, path.join(import.meta.dirname, '../conform.js')];

/** The lines of the kit. */
const conformance = (...args) =>
  new Promise((done) => {
    execFile(path.join(target, 'debug/conformance'), args, (error, out, err) => {
      const lines = out.trim().split('\n');
      done({ code: error ? error.code : 0, lines, failed: lines.filter((line) => !line.startsWith('ok ')), err });
    });
  });

const promises = ({ lines }) => lines.map((line) => line.replace(/^ok /, ''));

test('the reference host and Node.js keep every promise', async (t) => {
  const [reference, node] = [await conformance('--reference'), await conformance(...NODE)];
  for (const [name, ran] of Object.entries({ reference, node })) {
    await t.test(name, () => assert.deepEqual([ran.failed, ran.code], [[], 0], ran.err));
  }
  assert.ok(promises(node).length > 70, `${promises(node).length} promises`);
  assert.deepEqual(promises(node), promises(reference));
});

test('a plugin that traps ends its own run, and no other', async (t) => {
  const probe = await load(path.join(import.meta.dirname, '../build/platform_probe'));
  const platform = tenant(probe, { name: 'probe', connections: {}, properties: {}, file: ':memory:' });
  t.after(platform.close);
  const [trapped, kept] = await Promise.all([platform.run('trap'), platform.run('storage')]);
  assert.equal(wireRun(trapped).failure.code, 'PROBE-50');
  assert.deepEqual(wireRun(kept).steps.filter(({ outcome }) => outcome !== 'passed'), []);
});

for (const [fault, { looksAt, promise }] of Object.entries(broken)) {
  test(`the kit finds: ${fault}`, async () => {
    const { code, failed } = await conformance('--only', looksAt, ...NODE, '--broken', fault);
    assert.ok(failed.some((line) => line.startsWith(`FAIL ${looksAt}: ${promise} (`)), failed.join('\n'));
    assert.equal(code, 1);
  });
}
