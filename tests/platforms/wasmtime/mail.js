// A mail API before a mail server, for tests: one message as JSON and it goes out by SMTP. HEAD reaches the server and sends nothing.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';

const nodemailer = createRequire(new URL('../node/package.json', import.meta.url))('nodemailer');

export const TOKEN = 'a-token-of-the-mail-api';

/** Starts it before this server, and gives the settings of the adapter. */
export async function relay({ host, port, sender, domains }) {
  const server = nodemailer.createTransport({ host, port, ignoreTLS: true });
  const answer = async (request) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return 401;
    if (request.method === 'HEAD') return server.verify().then(() => 204, () => 503);
    const message = JSON.parse(Buffer.concat(await request.toArray()));
    return server.sendMail(message).then(() => 202, ({ responseCode }) => (responseCode >= 500 ? 422 : 503));
  };
  const http = createServer(async (request, response) => response.writeHead(await answer(request).catch(() => 400)).end());
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const settings = { url: `http://127.0.0.1:${http.address().port}/messages`, token: TOKEN, sender, domains: domains?.join(',') };
  return { settings, stop: () => (http.closeAllConnections(), http.close()) };
}
