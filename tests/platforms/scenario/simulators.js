// The simulators of this repository (tests/src/bin/simulators.rs), started for a test: a small company, its time system, its
// directory and its mail server, and beside them, if asked for, the reference host that serves the same company.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export const repository = path.resolve(import.meta.dirname, '../../..');
export const target = path.resolve(repository, process.env.CARGO_TARGET_DIR ?? 'target');

/** Starts them, and gives what they say of themselves; `stop` ends them. */
export async function start(...args) {
  const child = spawn(path.join(target, 'debug/simulators'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const said = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(() => undefined)]);
  if (!said) throw new Error('the simulators did not start; build them: cargo build --workspace --bins');
  const told = JSON.parse(said[0]);
  const control = async (where, body) => answered(await fetch(told.control + where, { ...(body && post(body)), signal: enough() }));
  return {
    ...told,
    /** Somebody punches now, `in` or `out`; gives the person's number. */
    punch: async (user, direction) => (await control('/punches', { user, direction })).person_number,
    /** What the mail server was given. */
    mails: () => control('/mails'),
    stop: () => (child.stdin.end(), ended),
  };
}

/** No answer takes longer. */
export const enough = () => AbortSignal.timeout(120_000);

export const post = (body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

export async function answered(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
