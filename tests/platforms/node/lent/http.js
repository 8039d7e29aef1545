// Calls to the systems a tenant is connected to: wit/http.wit. A connection is what the pack describes of it, with the settings
// that the administrator gave. The plugin names it; address, credentials and tokens never leave this file.

import pLimit from 'p-limit';

const TRIES = 4;
const PATIENCE = 60_000; // milliseconds that a request waits between its tries, in all
const LARGEST = 32 << 20; // bytes of an answer
const OURS = /^(authorization|host|cookie|connection|keep-alive|content-length|transfer-encoding|accept-encoding|te|trailer|upgrade|expect|proxy-.*)$/i;
const NOTHING_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'];

export function http(description, settings) {
  const configured = description.connections.filter(({ name }) => settings[name]);
  const connections = new Map(configured.map((described) => [described.name, connect(described, settings[described.name])]));
  return { send: async (request) => (connections.get(request.connection) ?? refuse('unknown-connection'))(request) };
}

function connect(described, given) {
  const settings = { ...Object.fromEntries(described.settings.map(({ name, default: usual }) => [name, usual])), ...given };
  const scheme = described.schemes.find(({ name }) => name === settings.authentication) ?? described.schemes[0];
  const base = encrypted(settings.url);
  const own = values(described.headers, settings);
  const timeout = 1000 * (settings['timeout-seconds'] ?? 60);
  const secrets = described.settings.filter(({ secret, name }) => secret && settings[name]).map(({ name }) => settings[name]);
  const requestId = ({ headers }) => (described.requestIdHeader && headers.get(described.requestIdHeader)) || undefined;
  const inTurn = pLimit(described.inFlight);
  let tokens = []; // the last two: a call that began with the one before may still be under way
  let login; // the promise of a token and its end

  async function send(request) {
    const call = {
      method: /^(?!connect$|trace$)[a-z]+$/i.test(request.method) ? request.method.toUpperCase() : refuse('not-granted', 'no such method'),
      url: address(base, request.path, request.query),
      headers: headers(own, request.headers),
      body: request.body.length ? request.body : undefined,
      timeout: Math.min(request.timeoutMs ?? timeout, timeout),
      largest: Math.min(Number(request.maxResponseBytes ?? LARGEST), LARGEST),
      tries: 1,
    };
    try {
      const answer = await inTurn(() => exchange(call, request.repeatSafe, { left: PATIENCE }));
      // In data a short secret could be any word: there only long ones and tokens are looked for.
      const hidden = answer.status < 300 ? secrets.filter(({ length }) => length >= 12) : secrets;
      const kept = [...answer.headers].filter(([name]) => !['set-cookie', 'content-encoding', 'content-length'].includes(name));
      return without([...hidden, ...tokens], { ...answer, headers: kept.map(([name, value]) => ({ name, value })) });
    } catch (error) {
      throw error instanceof Error ? error : without([...secrets, ...tokens], error);
    }
  }

  async function exchange(call, repeatSafe, patience) {
    for (let renewed = !scheme; ; renewed = true, call.tries += 1) {
      const used = scheme && (await token(patience));
      if (scheme) call.headers.set('authorization', `Bearer ${used}`);
      const answer = await persist(call, repeatSafe, isBusy, patience);
      if (answer.status === 429) throw throttled(answer);
      if (answer.status !== 401 || renewed || call.tries === TRIES) return answer;
      if (used === tokens[0]) login = undefined; // unless another call has renewed it meanwhile
    }
  }

  /** The token, renewed before its end. However many calls want one it is fetched once, and who waits shares a refusal. */
  async function token(patience) {
    const begun = (login ??= logIn(patience));
    const forget = () => { if (login === begun) login = undefined; };
    const { text, end } = await begun.catch((error) => (forget(), Promise.reject(error)));
    return Date.now() < end ? text : (forget(), token(patience));
  }

  async function logIn(patience) {
    const isJson = scheme.encoding === 'json';
    const url = scheme.token.tag === 'setting' ? encrypted(settings[scheme.token.val]) : new URL(scheme.token.val, base);
    const headers = new Headers({ accept: 'application/json', 'content-type': `application/${isJson ? 'json' : 'x-www-form-urlencoded'}` });
    if (scheme.basic) headers.set('authorization', `Basic ${btoa(scheme.basic.map((name) => settings[name]).join(':'))}`);
    for (const [name, value] of values(scheme.headers, settings)) headers.set(name, value);
    const parameters = values(scheme.parameters, settings);
    const body = isJson ? JSON.stringify(Object.fromEntries(parameters)) : String(new URLSearchParams(parameters));
    const asksToWait = (answer) => isBusy(answer) || (answer.status >= 400 && scheme.busyCode && said(answer).code === scheme.busyCode);
    const answer = await persist({ method: 'POST', url, headers, body, timeout, largest: 1 << 20, tries: 1 }, true, asksToWait, patience);
    const { json, code, text } = said(answer);
    if (asksToWait(answer)) throw throttled(answer);
    if (answer.status >= 500) refuse('unreachable', `${url.host} answered the login with status ${answer.status}: ${text}`);
    if (answer.status >= 300 || !json?.access_token) {
      refuse('credentials-refused', { status: answer.status, code, text, notJson: !json, requestId: requestId(answer) });
    }
    tokens = [json.access_token, ...tokens].slice(0, 2);
    const seconds = json.expires_in >= 1 ? Number(json.expires_in) : 300;
    return { text: json.access_token, end: Date.now() + 1000 * (seconds - Math.min(30, seconds / 10)) };
  }

  /** Sends a call until there is an answer to hand over. What timed out may still be running: it is not sent again. */
  async function persist(call, repeatSafe, asksToWait, patience) {
    for (; ; call.tries += 1) {
      const answer = await attempt(call);
      const waits = !answer.error && asksToWait(answer);
      const again = waits || answer.repeat === 'always' || (repeatSafe && (answer.repeat === 'if-safe' || [500, 502].includes(answer.status)));
      const asked = answer.error ? undefined : retryAfter(answer);
      const pause = asked === undefined ? 500 * 2 ** (call.tries - 1) * (0.75 + Math.random() / 2) : 1000 * asked;
      if (again && call.tries < TRIES && pause <= patience.left) {
        patience.left -= pause;
        await new Promise((done) => setTimeout(done, pause));
      } else if (answer.error) throw answer.error;
      else if (waits && pause > patience.left) throw throttled(answer);
      else return answer;
    }
  }

  const throttled = (answer) => ({ tag: 'throttled', val: { retryAfterSeconds: retryAfter(answer), requestId: requestId(answer) } });
  return send;
}

/** One try: an answer, or why there is none and when the call may be repeated. */
async function attempt({ url, timeout, largest, ...call }) {
  try {
    const response = await fetch(url, { ...call, redirect: 'manual', signal: AbortSignal.timeout(timeout) });
    const target = response.status >= 300 && URL.parse(response.headers.get('location') ?? url, url);
    if (target && target.origin !== url.origin) refuse('not-granted', `${url.host} redirects to ${target.host}; configure the address that answers`);
    const chunks = [];
    let left = largest;
    for await (const chunk of response.body ?? []) {
      if ((left -= chunk.length) < 0) refuse('too-large', BigInt(largest));
      chunks.push(chunk);
    }
    return { status: response.status, headers: response.headers, body: Buffer.concat(chunks) };
  } catch (error) {
    if (error.tag) return { error };
    if (error.name === 'TimeoutError') return { error: { tag: 'timeout' } };
    const { code, message } = error.cause ?? error;
    const repeat = NOTHING_SENT.includes(code) ? 'always' : /CERT|TLS|SSL|SIGNED/.test(code) ? 'never' : 'if-safe';
    return { error: { tag: 'unreachable', val: `${url.host}: ${message}` }, repeat };
  }
}

const refuse = (tag, val) => { throw { tag, val }; };
const isBusy = ({ status, headers }) => status === 429 || (status === 503 && headers.has('retry-after'));

/** The values of parameters, without those whose setting has none. */
const values = (parameters, settings) =>
  parameters.map(({ name, value: { tag, val } }) => [name, tag === 'literal' ? val : settings[val]]).filter(([, value]) => value);

/** Credentials travel encrypted, or not at all beyond this machine. */
function encrypted(text) {
  const isSafe = /^https:|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/i.test(text);
  return isSafe ? new URL(text) : refuse('not-granted', `the address ${text} does not begin with https:`);
}

function address(base, path, query) {
  const stays = /^\/(?!\/)[^?#\\\p{Cc}]*$/u.test(path) && !path.split('/').some((part) => /^(\.|%2e){1,2}$/i.test(part));
  if (!stays) refuse('not-granted', `the path ${JSON.stringify(path)} leaves the connection, or holds a query`);
  const url = new URL(path, base);
  url.search = query.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  return url;
}

function headers(own, given) {
  const all = new Headers(own);
  for (const { name, value } of given) {
    const isTheirs = !OURS.test(name) && !own.some(([ours]) => ours.toLowerCase() === name.toLowerCase());
    const fits = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
    if (!isTheirs || !fits) refuse('not-granted', `the header ${JSON.stringify(name)} is the platform's, or not well formed`);
    all.append(name, value);
  }
  return all;
}

/** What an endpoint says, as far as it is JSON. */
function said({ status, headers, body }) {
  let json;
  try { json = JSON.parse(body); } catch { /* a page, or nothing */ }
  const find = (...names) => names.map((name) => json?.[name]).find((text) => typeof text === 'string');
  const words = find('error_description', 'message', 'errorMessage', 'errorDescription', 'detail', 'error', 'errorCode');
  const none = headers.get('location') ? 'it redirects instead of answering' : `status ${status}, and no reason in JSON`;
  return { json, code: find('error', 'errorCode', 'code'), text: (words ?? none).slice(0, 300) };
}

/** How many seconds an answer asks to wait, where it says. */
function retryAfter({ headers }) {
  const text = headers.get('retry-after');
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** The same without these secrets, as they are and as an address, a form or JSON has them. */
function without(secrets, value) {
  const form = (secret) => String(new URLSearchParams({ '': secret })).slice(1);
  const written = secrets.flatMap((secret) => [secret, encodeURIComponent(secret), form(secret), JSON.stringify(secret).slice(1, -1)]);
  const forms = written.sort((a, b) => b.length - a.length); // of a secret that begins with another nothing is left over
  const walk = (part) => {
    if (typeof part === 'string') return forms.reduce((rest, form) => rest.replaceAll(form, '[secret]'), part);
    if (part instanceof Uint8Array) return forms.some((form) => part.includes(form)) ? Buffer.from(walk(part.toString())) : part;
    if (Array.isArray(part)) return part.map(walk);
    return part?.constructor === Object ? Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, walk(inner)])) : part;
  };
  return walk(value);
}
