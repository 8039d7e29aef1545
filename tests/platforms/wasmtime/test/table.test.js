// The README's table of platforms is the printed one. Events a second differ from one machine to the next, so they are left out here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inReadme, table } from '../../scenario/table.js';

test('the table in the README is the printed one: node tests/platforms/scenario/table.js --write', async () => {
  const stable = (text) => text.replace(/ [\d?]+ \|$/gm, ' |');
  const readme = await inReadme();
  assert.equal(stable(readme.table), stable(await table(readme.table)));
});
