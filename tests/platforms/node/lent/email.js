// Mail through the platform's one mail server: wit/email.wit. What was accepted is remembered by its key for a week, beside the
// tenant's keys and out of their reach.

import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import nodemailer from 'nodemailer';

const ADDRESS = /^([^<>@,;"\p{Cc}]*<[^<>@,;:"\s]+@[^<>@,;:"\s]+>|[^<>@,;:"\s]+@[^<>@,;:"\s]+)$/u;
const UNDONE = { send: async () => refuse('not-granted', 'the platform has no mail server'), reach: async () => UNDONE.send() };

export function email(file, tenant, mail) {
  if (!mail) return UNDONE;
  const { host, port, tls, username, password, sender, domains } = mail;
  const safety = { secure: tls === 'implicit', requireTLS: tls === 'starttls', disableFileAccess: true, disableUrlAccess: true };
  const server = nodemailer.createTransport({ host, port, auth: username && { user: username, pass: password }, ...safety });
  const db = new DatabaseSync(file, { timeout: 10_000 });
  db.exec(`CREATE TABLE IF NOT EXISTS mails (tenant TEXT, key TEXT, at INTEGER, PRIMARY KEY (tenant, key));
    DELETE FROM mails WHERE at < unixepoch() - 7 * 86400`);
  const sent = db.prepare('SELECT 1 FROM mails WHERE tenant = ? AND key = ?');
  const remember = db.prepare('INSERT OR REPLACE INTO mails VALUES (?, ?, unixepoch())');
  const underWay = new Map(); // by key, so that of many at once one is sent

  async function send(message) {
    const key = checked(message, domains).idempotencyKey;
    while (underWay.has(key)) await underWay.get(key).catch(() => {});
    if (sent.get(tenant, key)) return 'duplicate';
    underWay.set(key, handOver(message, key).finally(() => underWay.delete(key)));
    return underWay.get(key).then(() => 'accepted');
  }

  async function handOver({ to, subject, text, html }, key) {
    const messageId = `<${hash('sha256', `${tenant} ${key}`).slice(0, 32)}@${domain(sender)}>`;
    await server.sendMail({ from: sender, to, subject, text, html, messageId }).catch(sort);
    remember.run(tenant, key);
  }

  return { send, reach: async () => void (await server.verify().catch(sort)), close: () => db.close() };
}

const refuse = (tag, val) => { throw { tag, val }; };
const domain = (address) => address.replace(/.*@|>$/g, '');

function checked(message, domains) {
  const { to, subject, text, html, idempotencyKey: key } = message;
  if (!to.length || to.length > 50 || !to.every((address) => ADDRESS.test(address))) refuse('invalid', 'a recipient is no mail address');
  if (/\p{Cc}/u.test(subject) || subject.length > 250) refuse('invalid', 'the subject is not one line of at most 250 characters');
  if (!key || key.length > 256 || text.length + (html ?? '').length > 1 << 20) refuse('invalid', 'the key or the text is too long');
  const stranger = to.find((address) => domains && !domains.includes(domain(address)));
  return stranger ? refuse('not-granted', `mail to ${domain(stranger)} is not granted`) : message;
}

/** A server that answers 5xx has refused for good; anything else may go well later. */
const sort = ({ code, responseCode, message }) =>
  refuse(code === 'EAUTH' || responseCode >= 500 ? 'refused' : 'unreachable', message);
