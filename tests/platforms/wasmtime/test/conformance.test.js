// The conformance kit under plain `wasmtime serve`: the probe in place of the plugin, with the same adapters.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
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

test('wasmtime ends with whoever started it, also where that is killed, as the kit does with a job that takes too long', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shift-access-wasmtime-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const starts = `const { serve } = await import(${JSON.stringify(new URL('../serve.js', import.meta.url))});
    console.log((await serve('probe', { given: {}, folder: ${JSON.stringify(folder)} })).url);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', starts], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = await once(createInterface(child.stdout), 'line');
  child.kill('SIGKILL');
  const refused = () => fetch(url, { signal: AbortSignal.timeout(1000) }).then(() => false, ({ cause }) => cause?.code === 'ECONNREFUSED');
  for (const end = Date.now() + 30_000; !(await refused()); ) assert.ok(Date.now() < end, 'it goes on');
});
