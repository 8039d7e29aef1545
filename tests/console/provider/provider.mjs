// An OpenID Connect provider for the tests: oidc-provider as it comes, with its pages for signing in and agreeing.
//
// It reads one line of JSON from stdin: { client: { id, secret, back }, accounts: { NAME: { claims } }, inToken } and prints its
// issuer. It ends when stdin does.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const lines = createInterface({ input: process.stdin });
const told = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
process.stdin.on("end", () => process.exit(0));

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: told.client.id, client_secret: told.client.secret, redirect_uris: [told.client.back] }],
  // Whether claims stand in the ID token, or are told only to who asks for them.
  conformIdTokenClaims: !told.inToken,
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email"], groups: ["groups"] },
  scopes: ["openid", "profile", "email", "groups"],
  pkce: { required: () => true },
  cookies: { keys: ["only for tests"] },
  async findAccount(_, id) {
    const claims = told.accounts[id];
    return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) };
  },
});
server.on("request", provider.callback());
console.log(issuer);
