// A platform on Node.js: loads a component that jco transpiled, and lends it the five interfaces (`lent/`) for one tenant.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { email } from './lent/email.js';
import { http } from './lent/http.js';
import { journal } from './lent/journal.js';
import { properties, typed } from './lent/properties.js';
import { storage } from './lent/storage.js';

const INTERFACES = ['http', 'storage', 'email', 'journal', 'properties'];

/** A component, from the folder that `jco transpile --instantiation async --no-component-error-wrapping` wrote. */
export async function load(folder) {
  const { instantiate } = await import(pathToFileURL(join(resolve(folder), 'component.js')));
  const compiled = new Map();
  const compile = (file) => {
    if (!compiled.has(file)) compiled.set(file, readFile(join(folder, file)).then((bytes) => WebAssembly.compile(bytes)));
    return compiled.get(file);
  };
  const instance = (lend) => {
    const lent = INTERFACES.map((name) => [`shift-access:plugin/${name}`, lend(name)]);
    return instantiate(compile, { ...wasi(), ...Object.fromEntries(lent) });
  };
  const { pack } = await instance(() => nothing);
  return { instance, description: pack.describe() };
}

/** No files, no network, and nothing of this process' environment, where secrets are wont to be. */
function wasi() {
  const all = new WASIShim({ sandbox: { preopens: {}, env: {}, args: [], enableNetwork: false } }).getImportObject();
  return Object.fromEntries(Object.entries(all).filter(([name]) => /^wasi:(cli|clocks|io|random)\//.test(name)));
}

/** What a pack says of itself it says without asking for anything. */
const nothing = new Proxy({}, { get: (_, name) => () => { throw new Error(`${name} is not lent here`); } });

/** The four interfaces that a tenant's calls share; the journal is each run's own. */
export const interfaces = (description, { name, connections, properties: given, mail, file }) => ({
  http: http(description, connections),
  storage: storage(file, name),
  email: email(file, name, mail),
  properties: properties(description, given),
});

/** One tenant with its connections, properties and keys. Every call has an instance of its own, and none outlives it. */
export function tenant(component, settings, lent = interfaces(component.description, settings)) {
  const { description, instance } = component;
  const ready = (run) => instance((name) => (name === 'journal' ? journal(run) : lent[name]));
  const call = (exported, method) => async (...args) => (await ready())[exported][method](...args);

  /** Runs a job to its end: `report` or `failure`, and what its journal says, which can be followed in `told`. */
  async function run(job, options = {}, told = {}) {
    const { jobs } = await ready(told);
    const described = description.jobs.find(({ name }) => name === job)?.options ?? [];
    const order = { name: job, run: randomUUID(), options: typed(described, options) };
    const ended = (how) => ({ ...told, id: order.run, ...how });
    return jobs.run(order).then((report) => ended({ report }), (error) => ended({ failure: error instanceof Error ? trap(error) : error }));
  }

  /** The failure of a plugin that could not speak for itself, in the words of its own catalogue. */
  function trap(error) {
    const { title, message, remedy } = description.errors.find(({ number }) => number === '50') ?? { title: 'The plugin failed' };
    const report = { counts: [], warnings: [], steps: [] };
    return { code: `${description.codePrefix}50`, title, message: `${message ?? title} (${error.message})`, remedy: remedy ?? '', report };
  }

  /** Every record, page after page. */
  async function records() {
    const all = [];
    for (let cursor; ; ) {
      const page = await call('roster', 'page')(undefined, cursor, 1000);
      all.push(...page.entries);
      if (!(cursor = page.cursor)) return all;
    }
  }

  return {
    description,
    check: async () => (await ready()).pack.check(lent.properties.all()),
    run,
    records,
    handle: call('listener', 'handle'),
    lookUp: call('listener', 'lookUp'),
    decide: call('access', 'decide'),
    explain: call('access', 'explain'),
    close: () => [lent.storage, lent.email].forEach((one) => one.close?.()),
  };
}
