// Ten platforms with a fault each, so that the conformance kit can be seen to find it: which interface it is looked for in, and the
// promise that must be told as broken.

const change = (lent, name, functions) => ({ ...lent, [name]: { ...lent[name], ...functions } });

export const broken = {
  'lost write': {
    looksAt: 'storage',
    promise: 'values come in the order asked, none where there is none',
    break: (lent) => change(lent, 'storage', {
      commit: (writes) => lent.storage.commit(writes.length > 1 ? writes.slice(1) : writes),
    }),
  },
  'stale read': {
    looksAt: 'storage',
    promise: 'a revision changes with every write',
    break(lent) {
      const seen = new Map();
      const once = async (key) => {
        if (!seen.has(key)) seen.set(key, (await lent.storage.get([key]))[0]);
        return seen.get(key);
      };
      return change(lent, 'storage', { get: (keys) => Promise.all(keys.map(once)) });
    },
  },
  'precondition ignored': {
    looksAt: 'storage',
    promise: '`absent` fails on a key that is there',
    break: (lent) => change(lent, 'storage', {
      commit: (writes) => lent.storage.commit(writes.map((write) => ({ ...write, condition: { tag: 'any' } }))),
    }),
  },
  'half a commit': {
    looksAt: 'storage',
    promise: 'one condition that fails keeps the whole commit out',
    break: (lent) => change(lent, 'storage', {
      async commit(writes) {
        const outcome = await lent.storage.commit(writes);
        if (outcome.tag === 'conflict') await lent.storage.commit(writes.filter(({ key }) => !outcome.val.includes(key)));
        return outcome;
      },
    }),
  },
  'cursor repeats': {
    looksAt: 'storage',
    promise: 'a scan brings every key of the prefix once, in order',
    break(lent) {
      let last;
      const scan = async (prefix, cursor, limit) => {
        const page = await lent.storage.scan(prefix, cursor, limit);
        if (cursor) page.entries.unshift(last);
        last = page.entries.at(-1);
        return page;
      };
      return change(lent, 'storage', { scan });
    },
  },
  'secret handed over': {
    looksAt: 'http',
    promise: 'no secret of a connection and no token is in what a plugin can see',
    break: (lent, { connections }) => change(lent, 'properties', {
      all: () => [...lent.properties.all(), { name: 'password', value: { tag: 'text', val: connections.main.password } }],
    }),
  },
  'redirect followed': {
    looksAt: 'http',
    promise: 'nothing is sent to where a redirect leads',
    break: (lent) => change(lent, 'http', {
      send: (request) => lent.http.send(request).catch(async (error) => {
        const target = /redirects to ([^;]+);/.exec(error.val)?.[1];
        if (!target) throw error;
        const { status } = await fetch(`http://${target}/`);
        return { status, headers: [], body: new Uint8Array() };
      }),
    }),
  },
  'mail sent twice': {
    looksAt: 'email',
    promise: 'each message reaches the mail server exactly once',
    break: (lent) => change(lent, 'email', {
      async send(message) {
        const receipt = await lent.email.send(message);
        if (receipt === 'duplicate') await lent.email.send({ ...message, idempotencyKey: `${message.idempotencyKey} again` });
        return receipt;
      },
    }),
  },
  'time limit ignored': {
    looksAt: 'http',
    promise: "the time limit of a call goes before the connection's own, where it is less",
    break: (lent) => change(lent, 'http', { send: (request) => lent.http.send({ ...request, timeoutMs: undefined }) }),
  },
  'wrong error': {
    looksAt: 'http',
    promise: 'a connection that breaks every time is unreachable',
    break: (lent) => change(lent, 'http', {
      send: (request) => lent.http.send(request).catch((error) => {
        throw error.tag === 'unreachable' ? { tag: 'other', val: error.val } : error;
      }),
    }),
  },
};
