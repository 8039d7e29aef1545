// The platform as the conformance kit runs it: `node conform.js JOB SETTINGS`. Prints the job's report.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { relay } from './mail.js';
import { good, serve, settings } from './serve.js';

const [job, file] = process.argv.slice(2);
const given = JSON.parse(await readFile(file));
const mail = await relay(given.mail);
const served = await serve('probe', { given: settings({ ...given, mail: mail.settings }), folder: path.join(given.folder, given.tenant) });
try {
  console.log(JSON.stringify(good(await served.ask(`/jobs/${job}`, {}))));
} finally {
  await served.stop('SIGKILL');
  mail.stop();
}
