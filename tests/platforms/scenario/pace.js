// How many events a second a platform deals with, a thousand about twenty workers in one list: what comes together about one is one
// look-up in the time system, and one record that is stored. The table of the README is printed from what is noted here (`table.js`).

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { target } from './simulators.js';

const EVENTS = 1000;
const folder = path.join(target, 'platforms');

/** Has a platform deal with many events about few workers, and notes how fast it was. `events(list)` ends when it has. */
export async function pace(name, version, platform) {
  const numbers = (await platform.records()).map(({ person_number: number }) => number).filter(Boolean);
  const list = (length, of) => Array.from({ length }, (_, at) => event(`${of}-${at}`, numbers[at % numbers.length]));
  await platform.events(list(numbers.length, 'warm'));
  const events = list(EVENTS, 'timed');
  const began = performance.now();
  await platform.events(events);
  const persecond = Math.round((1000 * EVENTS) / (performance.now() - began));
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `${name}.json`), JSON.stringify({ name, version, persecond }));
  return persecond;
}

const event = (id, number) => ({
  specversion: '1.0',
  id: `pace-${process.pid}-${id}`,
  source: '/simulator',
  type: 'com.ukg.punch',
  data: { person_number: number, at: new Date().toISOString(), direction: 'in' },
});

/** What was noted of a platform. */
export const noted = (name) => readFile(path.join(folder, `${name}.json`), 'utf8').then(JSON.parse, () => undefined);
