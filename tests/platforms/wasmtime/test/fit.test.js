// What the composite imports, and what still stands between it and platforms that cannot be installed from a registry: their worlds
// are read out of their crates. `fit.txt` is what is known; a platform that moves, or a part that asks for more, is seen here.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { target } from '../../scenario/simulators.js';

const here = (file) => path.join(import.meta.dirname, '..', file);
const compose = (...args) => execFileSync(path.join(target, 'compose/debug/compose'), args).toString();

/** What each platform's crates publish. */
const PLATFORMS = {
  'Spin 3.6 (world http-trigger of spin-sdk 5.2.0)': 'spin-sdk-5.2.0#http-trigger',
  'Spin 4.1 (that, and all worlds of spin-sdk 7.0.0)': 'spin-sdk-5.2.0+spin-sdk-7.0.0',
  'wasmCloud 1 (wasmcloud-runtime 0.12.0)': 'wasmcloud-runtime-0.12.0',
  'wasmCloud 2, as far as it is on crates.io (wash-runtime 0.1.0)': 'wash-runtime-0.1.0',
};
const folders = (names) => names.split('+').map((name) => here(`build/${name}`)).join('+');

test('the composite imports only WASI, and the same parts make the same bytes', async () => {
  for (const name of ['worker_status', 'standard', 'keyvalue']) {
    const imports = (await readFile(here(`build/${name}.txt`), 'utf8')).trim().split('\n');
    assert.deepEqual(imports.filter((line) => !/^(import wasi:|export wasi:http\/handler@0\.3\.0$)/.test(line)), [], name);
  }
  const parts = ['worker_status', 'wasi_filesystem_store', 'wasi_lent', 'wasi_front', 'wasi_config_files'];
  const files = parts.map((name) => path.join(target, `component/wasm32-wasip2/component/${name}.wasm`));
  compose('plug', here('build/again.wasm'), ...files);
  assert.ok((await readFile(here('build/again.wasm'))).equals(await readFile(here('build/worker_status.wasm'))));
});

test('what stands between it and other platforms is as it is known', async () => {
  const told = compose('fit', here('build/standard.wasm'), ...Object.entries(PLATFORMS).map(([name, names]) => `${name}=${folders(names)}`));
  console.log(told);
  // With settings from files nothing is left on Spin 4.1.
  const [title, names] = Object.entries(PLATFORMS)[1];
  assert.equal(compose('fit', here('build/worker_status.wasm'), `${title}=${folders(names)}`), `${title}\n  nothing stands between, by name\n`);
  if (process.env.UPDATE) await writeFile(here('fit.txt'), told);
  assert.equal(told, await readFile(here('fit.txt'), 'utf8'));
});
