// The README's table of platforms is the printed one. Versions and events a second are those of the machine where it was written, and
// differ from what ran here, if anything did: they are left out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inReadme, table } from '../../scenario/table.js';

test('the table in the README is the printed one: node tests/platforms/scenario/table.js --write', async () => {
  const stable = (text) => text.split('\n').map((line) => line.split(' | ').toSpliced(1, 1).slice(0, -1).join(' | '));
  const readme = await inReadme();
  assert.deepEqual(stable(readme.table), stable(await table(readme.table)));
});
