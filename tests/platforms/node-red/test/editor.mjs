// The editor, as a person sees it, in Chromium.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function look(t, red, flow) {
  const executablePath = PLACES.find((place) => place && existsSync(place));
  assert.ok(executablePath, 'there is no Chromium to look at the editor with; install it (on Debian: chromium), or say where in CHROMIUM');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(red.url);
  await page.waitForFunction((id) => globalThis.RED?.nodes?.node?.(id), flow.tenant, { timeout: 120_000 });

  await t.test('the editor has the nodes in its palette, and the flow without a complaint', async () => {
    const ours = '.red-ui-palette-node[data-palette-type^="shift-access"]';
    const palette = await page.$$eval(ours, (nodes) => nodes.map((node) => node.dataset.paletteType));
    assert.deepEqual(palette.sort(), ['shift-access-decision', 'shift-access-event', 'shift-access-job']);
    const ids = flow.flows.filter(({ type }) => type.startsWith('shift-access')).map(({ id }) => id);
    const invalid = await page.evaluate((ids) => ids.filter((id) => !globalThis.RED.nodes.node(id)?.valid), ids);
    assert.deepEqual(invalid, []);
    const image = (all) => all.map((icon) => getComputedStyle(icon).backgroundImage);
    const icons = await page.$$eval(`${ours} .red-ui-palette-icon`, image);
    assert.equal(icons.length, 3);
    for (const icon of icons) assert.match(icon, /icons\/node-red-contrib-shift-access\/shift-access\.svg/);
  });

  await t.test('the configuration node is drawn from the description, and shows no secret', async () => {
    await page.evaluate((id) => globalThis.RED.editor.editConfig('', 'shift-access-tenant', id), flow.tenant);
    await page.waitForSelector('#node-config-input-kronos-url', { state: 'visible' });
    const shown = (name) => page.$eval(`#node-config-input-${name}`, ({ value, type }) => ({ value, type }));
    assert.match((await shown('kronos-url')).value, /^http:\/\/127\.0\.0\.1:/);
    assert.deepEqual(await shown('kronos-password'), { value: '__PWRD__', type: 'password' });
    assert.equal((await shown('property-max-shift-hours')).type, 'number');
    assert.equal((await shown('property-authorize-unknown')).type, 'checkbox');
    assert.equal(await page.isVisible('#node-config-input-kronos-token-url'), false, 'it belongs to another login');
    await page.selectOption('#node-config-input-kronos-authentication', 'ukg');
    assert.equal(await page.isVisible('#node-config-input-kronos-token-url'), true);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/tenant.png` });
    await page.click('#node-config-dialog-cancel');
    await page.waitForSelector('#node-config-input-kronos-url', { state: 'detached' });
  });

  await t.test('every node has its help', async () => {
    for (const name of ['job', 'event', 'decision', 'tenant']) {
      const help = await page.evaluate((type) => globalThis.RED.nodes.getNodeHelp(type), `shift-access-${name}`);
      assert.ok(help.length > 300 && !/<!--/.test(help), `${name}: ${help}`);
    }
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/flow.png` });
  });

  await t.test('the editor raised no error', () => assert.deepEqual(errors, []));
}
