// One story for every platform: the connection is tested, a batch runs, somebody punches out and an event tells it, and access is
// decided. Two platforms that tell it at once, on the same simulators, must come to the same, whoever they are.

/** Who punches on the way. */
const WHO = 'adiaz';
/** What differs between any two runs, and is no business of the platform's. */
const OWN = new Set(['observed_at', 'as_of', 'age_seconds', 'run', 'tenant']);

/**
 * Has every platform tell the story, and gives what each came to, in the order of the platforms.
 *
 * A platform has `run(job)`, `records()`, `event(body, user)` and `decide(questions)`, which answer in the words of the
 * reference host's API.
 */
export async function tell(simulators, platforms) {
  const each = async (ask) => {
    const answers = [];
    for (const platform of platforms) answers.push(comparable(await ask(platform)));
    return answers;
  };
  const chapters = { 'test-connection': await each((platform) => ran(platform, 'test-connection')) };
  chapters.batch = await each((platform) => ran(platform, 'batch'));
  chapters.records = await each((platform) => platform.records());
  const number = await simulators.punch(WHO, 'out');
  await each((platform) => platform.event(event(number), WHO));
  chapters['records after an event'] = await each((platform) => platform.records());
  const users = [...chapters.records[0].map(({ user }) => user), 'nobody'];
  const questions = users.flatMap((user) => ['people', 'apps', 'of-no-pack'].map((surface) => ({ user, surface })));
  chapters.decisions = await each((platform) => platform.decide(questions));
  return chapters;
}

async function ran(platform, job) {
  const { counts, warnings, steps, failure } = await platform.run(job);
  return { counts, warnings, steps, failure };
}

const event = (number) => ({
  specversion: '1.0',
  id: `punch-${number}`,
  source: '/simulator',
  type: 'com.ukg.punch',
  data: { person_number: number, at: new Date().toISOString(), direction: 'out' },
});

/** Field by field, without what is each platform's own. */
export function comparable(value) {
  if (Array.isArray(value)) return value.map(comparable);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !OWN.has(name)).map(([name, inner]) => [name, comparable(inner)]));
}
