// The platform as the conformance kit runs it: `node conform.js [--broken FAULT] JOB SETTINGS`. Prints the job's report.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { interfaces, load, tenant } from './platform.js';
import { broken } from './test/broken.js';
import { wireRun } from './wire.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { broken: { type: 'string' } } });
const [job, file] = positionals;
const given = JSON.parse(await readFile(file));
const settings = { ...given, name: given.tenant, file: join(given.folder, 'node.db') };
const probe = await load(join(import.meta.dirname, 'build/platform_probe'));
const lent = interfaces(probe.description, settings);
const platform = tenant(probe, settings, values.broken ? broken[values.broken].break(lent, settings) : lent);
console.log(JSON.stringify(wireRun(await platform.run(job))));
platform.close();
