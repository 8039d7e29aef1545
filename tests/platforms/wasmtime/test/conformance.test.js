// The conformance kit under plain `wasmtime serve`: the probe in place of the plugin, with the same adapters.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { target } from '../../scenario/simulators.js';

const conformance = (...args) =>
  new Promise((done) => {
    execFile(path.join(target, 'debug/conformance'), args, (error, out, err) => {
      const lines = out.trim().split('\n');
      done({ code: error ? error.code : 0, lines, failed: lines.filter((line) => !line.startsWith('ok ')), err });
    });
  });

const promises = ({ lines }) => lines.map((line) => line.replace(/^ok /, ''));

test('the adapters keep every promise under wasmtime serve', async () => {
  const here = await conformance(process.execPath, path.join(import.meta.dirname, '../conform.js'));
  assert.deepEqual([here.failed, here.code], [[], 0], here.err);
  assert.deepEqual(promises(here), promises(await conformance('--reference')));
});
