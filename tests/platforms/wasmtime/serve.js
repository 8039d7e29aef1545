// A component under plain `wasmtime serve`, with a folder of settings and a folder to keep things in, and nothing else of this machine.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

const here = (file) => path.join(import.meta.dirname, 'build', file);

/** An instance serves as long as it is asked, since it holds tokens and what it read of the store. */
const REUSE = ['--max-instance-reuse-count', '1000000', '--idle-instance-timeout', '600s'];

/** Milliseconds until it must listen, which it does once the component is compiled, and until it must have answered. */
const [LISTENS, ANSWERS] = [120_000, 300_000];

/** It ends with whoever started it, however that ends: at the end of its standard input it is killed. */
const TIED = 'exec 3<&0; { read -r _; kill -9 $$; } <&3 >/dev/null 2>&1 & exec "$0" "$@" 3<&- </dev/null';

export const TOKEN = 'a-token-of-the-test';

/** Settings of a tenant under the names that the adapters have for them. */
export function settings({ tenant, connections, properties, mail }) {
  const rows = (prefix, of) => Object.entries(of).filter(([, value]) => value !== undefined).map(([name, value]) => [`${prefix}.${name}`, value]);
  const named = [
    ['tenant', tenant],
    ['api-token', TOKEN],
    ...Object.entries(connections).flatMap(([name, of]) => rows(`connections.${name}`, of)),
    ...Object.entries(properties).flatMap(([name, value]) => (typeof value === 'object' ? rows(`properties.${name}`, value) : [[`properties.${name}`, value]])),
    ...rows('mail', mail ?? {}),
  ];
  return Object.fromEntries(named.map(([name, value]) => [name, String(value)]));
}

/**
 * Serves `build/COMPONENT.wasm`. Settings are files, unless `onCommandLine`; `folder` is kept from one time to the next.
 */
export async function serve(component, { given, folder, onCommandLine = false, flags = REUSE }) {
  const [store, files] = ['store', 'settings'].map((name) => path.join(folder, name));
  await Promise.all([store, files].map((name) => mkdir(name, { recursive: true })));
  await Promise.all(Object.entries(onCommandLine ? {} : given).map(([name, value]) => writeFile(path.join(files, name), value, { mode: 0o600 })));
  const lent = onCommandLine
    ? ['-Sconfig', '-Skeyvalue', ...Object.entries(given).map(([name, value]) => `-Sconfig-var=${name}=${value}`)]
    : ['--dir', `${files}::/settings`];
  const args = ['serve', '-Scli', ...lent, '--dir', `${store}::/store`, ...flags, '--addr', '127.0.0.1:0', here(`${component}.wasm`)];
  const child = spawn('/bin/sh', ['-c', TIED, here('wasmtime'), ...args], { stdio: ['pipe', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const said = [];
  const late = setTimeout(() => child.kill('SIGKILL'), LISTENS);
  const url = await new Promise((found, failed) => {
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      const at = line.match(/^Serving HTTP on (http:\S+?)\/?$/);
      if (at) found(at[1]);
    });
    ended.then(() => failed(new Error(`wasmtime did not serve:\n${said.join('\n')}`)));
  });
  clearTimeout(late);
  const ask = async (where, body, headers = {}) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const sent = { authorization: `Bearer ${TOKEN}`, ...headers };
    const response = await fetch(url + where, { ...init, headers: sent, signal: AbortSignal.timeout(ANSWERS) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  };
  const version = execFileSync(here('wasmtime'), ['--version']).toString().trim().split(' ')[1];
  return { url, ask, said, args, version, stop: (signal = 'SIGTERM') => (child.kill(signal), ended) };
}

/** What was asked for, or what the answer says instead. */
export const good = ({ status, body }) => {
  if (status !== 200) throw new Error(`status ${status}: ${JSON.stringify(body)}`);
  return body;
};

/** The platform as the scenario knows it. */
export const platform = (served) => ({
  run: async (job) => good(await served.ask(`/jobs/${job}`, {})),
  async records() {
    const all = [];
    for (let next = ''; ; ) {
      const page = good(await served.ask(`/workers?limit=1000${next && `&cursor=${encodeURIComponent(next)}`}`));
      all.push(...page.items);
      if (!(next = page.next)) return all;
    }
  },
  event: (body) => bring(served, [body]),
  events: (bodies) => bring(served, bodies),
  async decide(questions) {
    const one = ({ user, surface }) => ({ subject: { type: 'user', id: user }, resource: { type: 'app', id: surface } });
    const { evaluations } = good(await served.ask('/access/v1/evaluations', { action: { name: 'open' }, evaluations: questions.map(one) }));
    return evaluations.map(({ decision, context }, at) => ({ ...questions[at], decision: decision ? 'allow' : 'deny', ...context }));
  },
});

async function bring(served, bodies) {
  const told = good(await served.ask('/events', bodies));
  if (told.some(({ disposition }) => disposition !== 'done')) throw new Error(JSON.stringify(told));
}
