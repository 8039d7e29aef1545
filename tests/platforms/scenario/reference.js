// The reference host as a platform of the scenario, through the API that it serves.

import { createHmac } from 'node:crypto';
import { answered, enough, post } from './simulators.js';

const ENOUGH = 120_000; // milliseconds until what is waited for must have come

export function reference({ tenant, reference: { url, token }, hook }) {
  const ask = async (path, init = {}) => {
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
    return answered(await fetch(url + path, { ...init, headers, signal: enough() }));
  };
  const api = `/api/v1/tenants/${tenant}`;
  const until = async (look) => {
    for (const end = Date.now() + ENOUGH; Date.now() < end; await new Promise((done) => setTimeout(done, 100))) {
      const seen = await look();
      if (seen) return seen;
    }
    throw new Error('what was waited for did not come');
  };

  async function run(job) {
    const begun = await ask(`${api}/jobs/${job}/runs`, post({}));
    return until(async () => {
      const seen = await ask(`${api}/runs/${begun.run}`);
      return seen.status !== 'INPROCESS' && seen;
    });
  }

  async function records() {
    const page = await ask(`${api}/workers?limit=1000`);
    return page.items;
  }

  /** Posts an event as the time system would, and waits until the record of its worker was read anew. */
  async function event(body, user) {
    await bring(body);
    await until(async () => (await ask(`${api}/workers/${user}`)).source.kind === 'look-up');
  }

  async function bring(body) {
    const text = JSON.stringify(body);
    const signature = createHmac('sha256', hook.secret).update(text).digest('hex');
    await answered(await fetch(`${url}/hooks/${tenant}`, { method: 'POST', headers: { [hook.header]: signature }, body: text, signal: enough() }));
  }

  /** Posts many, and waits until none of them waits any more. */
  async function events(bodies) {
    await bring(bodies);
    const waiting = /^shift_access_inbox_waiting_events\{.*\} (\d+)$/m;
    await until(async () => (await (await fetch(`${url}/metrics`, { signal: enough() })).text()).match(waiting)?.[1] === '0');
  }

  async function decide(questions) {
    const one = ({ user, surface }) => ({ subject: { type: 'user', id: user }, resource: { type: 'app', id: surface } });
    const all = post({ action: { name: 'open' }, evaluations: questions.map(one) });
    const { evaluations } = await ask(`/tenants/${tenant}/access/v1/evaluations`, all);
    return evaluations.map(({ decision, context }, at) => ({ ...questions[at], decision: decision ? 'allow' : 'deny', ...context }));
  }

  return { run, records, event, events, decide };
}
