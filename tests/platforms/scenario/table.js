// The README's table of platforms: `node table.js` prints what stands there and what was noted by the tests, `node table.js --write` puts
// it into the README. Each row's platform told the story of `index.js` and came to the same as the reference host, or its test failed.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { noted } from './pace.js';
import { repository } from './simulators.js';

const [START, END] = ['<!-- platforms -->\n', '<!-- /platforms -->'];
const README = path.join(repository, 'README.md');

const PLATFORMS = [
  {
    name: 'reference',
    title: 'the reference host',
    command: './test',
    works: 'all of it',
    lacks: '–',
  },
  {
    name: 'node',
    title: 'Node.js, by jco',
    command: 'tests/platforms/node/run',
    works: 'all five interfaces in [under 300 lines](tests/platforms/node/lent), every promise of the conformance kit',
    lacks: 'limits on processor time and memory, the look at resolved addresses: a worker thread a tenant would be needed',
  },
  {
    name: 'node-red',
    title: 'Node-RED',
    command: 'tests/platforms/node-red/run',
    works: '[nodes](tests/platforms/node-red/README.md) for tenant, job, event and decision, tried in a real one and looked at in Chromium',
    lacks: 'as Node.js',
  },
  {
    name: 'wasmtime',
    title: '`wasmtime serve`, and nothing else',
    command: 'tests/platforms/wasmtime/run',
    works: 'one component that imports only WASI: jobs, events, decisions and records as routes, mail by an HTTP API, storage in an opened folder, every promise of the kit',
    lacks: 'schedules, queue and history (the caller\'s); limits but the host\'s own; resolved addresses are not shown; storage over its `wasi:keyvalue`, which has no compare-and-swap and forgets',
  },
];

/** The table; what was not noted keeps its place of `before`. */
export async function table(before = '') {
  const rows = await Promise.all(PLATFORMS.map(async ({ name, title, command, works, lacks }) => {
    const known = before.split('\n').find((line) => line.startsWith(`| ${title} |`))?.split(' | ');
    const { version, persecond } = (await noted(name)) ?? { version: known?.[1], persecond: known?.at(-1).replace(' |', '') };
    return `| ${title} | ${version ?? '?'} | \`${command}\` | ${works} | ${lacks} | ${persecond ?? '?'} |`;
  }));
  return ['| platform | version | its test | what works | what does not, and why | events/s |', '|---|---|---|---|---|---|', ...rows, ''].join('\n');
}

/** The table in the README, and what stands around it. */
export async function inReadme() {
  const text = await readFile(README, 'utf8');
  const [from, to] = [text.indexOf(START) + START.length, text.indexOf(END)];
  return { before: text.slice(0, from), table: text.slice(from, to), after: text.slice(to) };
}

if (import.meta.filename === process.argv[1]) {
  const readme = await inReadme();
  const now = await table(readme.table);
  if (process.argv.includes('--write')) await writeFile(README, readme.before + now + readme.after);
  console.log(now);
}
