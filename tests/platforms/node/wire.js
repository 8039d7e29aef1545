// What a plugin answers, in the JSON that the reference host prints: names with underscores, moments in RFC 3339, null for none.

const MOMENTS = new Set(['at', 'since', 'asOf', 'observedAt']);

export function wire(value, name) {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return MOMENTS.has(name) ? new Date(Number(value)).toISOString().replace('.000Z', 'Z') : Number(value);
  if (Array.isArray(value)) return value.map((item) => wire(item));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [underscored(key), wire(inner, key)]));
}

const underscored = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** How a run ended. Counts are null where nothing was counted. */
export function wireRun({ id, report, failure }) {
  const { counts, warnings, steps } = report ?? failure.report;
  const status = failure ? 'ERROR' : warnings.length ? 'COMPLETE_WARN' : 'COMPLETE';
  const named = counts.length ? Object.fromEntries(counts.map(({ name, value }) => [name, Number(value)])) : null;
  const { report: _, ...why } = failure ?? {};
  return { run: id, status, counts: named, warnings: wire(warnings), steps: wire(steps), failure: failure ? why : null };
}

/** A decision in one word. */
export const wireDecision = ({ allow, ...rest }) => ({ ...wire(rest), decision: allow ? 'allow' : 'deny' });
