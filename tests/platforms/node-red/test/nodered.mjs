// A real Node-RED for a test: the package as npm packs it, installed into a user directory of its own, on a port of its own.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { answered, post } from '../../scenario/simulators.js';

const here = path.join(import.meta.dirname, '..');
const ENOUGH = 120_000; // milliseconds until what is waited for must have come

export async function start() {
  const folder = await mkdtemp(path.join(tmpdir(), 'shift-access-node-red-'));
  const npm = (...args) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const [packed] = JSON.parse(npm('pack', here, '--json'));
  await writeFile(path.join(folder, 'package.json'), '{ "name": "user-directory", "private": true }');
  npm('install', '--no-audit', '--no-fund', `./${packed.filename}`);
  const port = await freePort();
  const quiet = { telemetry: { enabled: false, updateNotification: false }, editorTheme: { tours: false } };
  const place = { uiHost: '127.0.0.1', uiPort: port, flowFile: 'flows.json' };
  const settings = { ...place, ...quiet, credentialSecret: 'of this test', debugMaxLength: 1_000_000 };
  await writeFile(path.join(folder, 'settings.js'), `module.exports = ${JSON.stringify(settings)};`);
  const child = spawn(path.join(here, 'node_modules/.bin/node-red'), ['--userDir', folder, '--settings', path.join(folder, 'settings.js')]);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (words) => (log += words));
  const url = `http://127.0.0.1:${port}`;
  const told = { debug: [], status: [] };
  await until(() => (child.exitCode === null ? log.includes('Started flows') : Promise.reject(new Error(log))));
  const socket = await listen(port, told);
  return {
    url,
    folder,
    log: () => log,
    deploy: async (flows) => {
      const starts = () => log.split('Started flows').length;
      const before = starts();
      const response = await fetch(`${url}/flows`, post(flows));
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      await until(() => starts() > before);
    },
    types: () => fetch(`${url}/nodes`, { headers: { accept: 'application/json' } }).then(answered),
    flows: () => fetch(`${url}/flows`).then(answered),
    /** Presses the button of an inject node, and gives what the debug node after it shows. */
    inject: async (button, debug) => {
      const before = told.debug.length;
      await fetch(`${url}/inject/${button}`, { method: 'POST' });
      const shown = await until(() => told.debug.slice(before).find(({ id }) => id === debug));
      return JSON.parse(shown.msg);
    },
    /** The status lines that a node has shown, oldest first. */
    statuses: (id) => told.status.filter(({ node }) => node === id).map(({ fill, text }) => `${fill}: ${text}`),
    stop: async () => {
      socket.close();
      child.kill();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

export async function until(look) {
  for (const end = Date.now() + ENOUGH; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error('what was waited for did not come');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** What the editor is told: the debug nodes and the status lines. */
async function listen(port, told) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/comms`);
  socket.addEventListener('message', ({ data }) => {
    for (const { topic, data: what } of [JSON.parse(data)].flat()) {
      if (topic === 'debug') told.debug.push(what);
      if (topic?.startsWith('status/')) told.status.push({ node: topic.slice(7), ...what });
    }
  });
  await once(socket, 'open');
  for (const subscribe of ['debug', 'status/#']) socket.send(JSON.stringify({ subscribe }));
  return socket;
}

/** The example flow, with a tenant of these simulators in it. */
export async function example({ connections, properties, mail }) {
  const flows = JSON.parse(await readFile(path.join(here, 'examples/who-is-clocked-in.json'), 'utf8'));
  const tenant = flows.find(({ type }) => type === 'shift-access-tenant');
  const secret = new Set(['client-secret', 'password', 'app-key']);
  const fields = Object.entries(connections).flatMap(([connection, settings]) =>
    Object.entries(settings).map(([name, value]) => [`${connection}-${name}`, value, secret.has(name)]),
  );
  const those = (which) => Object.fromEntries(fields.filter(([, , isSecret]) => isSecret === which).map(([name, value]) => [name, value]));
  const named = (prefix, values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}-${name}`, value]));
  Object.assign(tenant, those(false), named('property', properties), named('mail', mail), { credentials: those(true) });
  const has = (one, wanted) => Object.keys(wanted).every((key) => one[key] === wanted[key]);
  const node = (type, wanted = {}) => flows.find((one) => one.type === type && has(one, wanted)).id;
  return { flows, tenant: tenant.id, node };
}
