// Makes the package: the platform of `../node`, the component as that made it, and the nodes, whose forms and help are drawn from
// what the pack says of itself. `node bundle.js COMPONENT` writes everything to `dist/`.

const fs = require('node:fs');
const path = require('node:path');

const dist = path.join(__dirname, 'dist');
const copy = (from, to) => fs.cpSync(path.join(__dirname, from), path.join(dist, to), { recursive: true });
const text = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

fs.rmSync(dist, { recursive: true, force: true });
copy('nodes', '.');
copy('icons', 'icons');
for (const file of ['platform.js', 'wire.js', 'lent']) copy(`../node/${file}`, `platform/${file}`);
fs.cpSync(process.argv[2], path.join(dist, 'component'), { recursive: true, filter: (file) => !/interfaces|\.d\.ts$/.test(file) });
for (const folder of ['platform', 'component']) fs.writeFileSync(path.join(dist, folder, 'package.json'), '{ "type": "module" }\n');

main();

async function main() {
  const { component } = await require('./dist/pack.js').ready;
  const { description } = component;
  fill('tenant', tenant(description));
  fill('job', {
    jobs: description.jobs.map(({ name }) => `<option value="${name}">${name}</option>`).join(''),
    'jobs-help': described(description.jobs),
  });
  fill('event', { 'fields-help': described(description.listener.fields) });
  fill('decision', { surfaces: description.surfaces.map(({ name, title }) => `<option value="${name}">${text(title)}</option>`).join('') });
}

function fill(node, values) {
  const file = path.join(dist, `${node}.html`);
  const filled = fs.readFileSync(file, 'utf8').replace(/<!--\{(.+?)\}-->|\/\*\{(.+?)\}\*\/ \{.*\}/g, (_, mark, code) => values[mark ?? code]);
  fs.writeFileSync(file, filled);
}

const described = (things) => things.map(({ name, summary }) => `<dt class="optional">${name}</dt><dd>${text(summary)}</dd>`).join('\n    ');

/** The form of a tenant: a heading for each connection, its settings, the properties, and the mail server. */
function tenant({ connections, properties }) {
  const fields = [
    { name: 'name', title: 'Name', summary: 'What the tenant is called here.', required: true },
    ...connections.flatMap(connection),
    { heading: 'Properties' },
    ...properties.map(property),
    { heading: 'Mail server' },
    { name: 'mail-host', title: 'Host', summary: 'Where mail is handed over; empty for no mail.' },
    { name: 'mail-port', title: 'Port', summary: 'Its port.', bounds: [1, 65535], value: 587 },
    { name: 'mail-tls', title: 'Protection', summary: 'TLS; none to this machine only.', words: ['starttls', 'implicit', 'none'], value: 'starttls' },
    { name: 'mail-sender', title: 'Sender', summary: 'The address that mail comes from.' },
    { name: 'mail-username', title: 'User name', summary: 'Who logs in, if anybody has to.' },
    { name: 'mail-password', title: 'Password', summary: 'The password of the mail server.', secret: true },
  ];
  const named = fields.filter(({ name }) => name);
  const plain = named.filter(({ secret }) => !secret);
  const of = ({ name, value = '', required, connection, scheme }) => [name, { value, ...(required && (scheme ? { connection, scheme } : { required })) }];
  const bound = ({ name, bounds: [least, most] }) => [name, { least: Number(least), most: Number(most) }];
  const drawn = {
    defaults: Object.fromEntries(plain.map(of)),
    credentials: Object.fromEntries(named.filter(({ secret }) => secret).map(({ name }) => [name, { type: 'password' }])),
    bounds: Object.fromEntries(plain.filter(({ bounds }) => bounds).map(bound)),
  };
  const help = named.map(({ title, summary }) => `<dt>${text(title)}</dt><dd>${text(summary)}</dd>`).join('\n  ');
  return { fields: JSON.stringify(drawn), rows: fields.map(row).join('\n    '), help: `<dl class="message-properties">\n  ${help}\n  </dl>` };
}

function connection({ name, title, settings, schemes }) {
  const ways = schemes.map((scheme) => scheme.name);
  const summary = schemes.map((scheme) => `${scheme.name}: ${scheme.summary}`).join(' ');
  const choice = { name: `${name}-authentication`, title: 'Login', summary, words: ways, value: ways[0] };
  return [
    { heading: title },
    { name: `${name}-url`, title: 'Address', summary: `The https: address of ${title}.`, required: true },
    ...(ways.length > 1 ? [choice] : []),
    ...settings.map((setting) => ({ ...setting, name: `${name}-${setting.name}`, value: setting.default, connection: name })),
  ];
}

function property({ name, title, summary, kind, default: usual, required }) {
  const field = { name: `property-${name}`, title, summary, required, value: usual && written(usual) };
  if (kind.tag === 'number') return { ...field, bounds: kind.val };
  if (kind.tag === 'choice') return { ...field, words: kind.val };
  return { ...field, kind: kind.tag };
}

/** A value as a person writes it. */
function written({ tag, val }) {
  if (tag === 'items') return val.join(', ');
  if (tag === 'table') return val.map((row) => row.join(' = ')).join('\n');
  return tag === 'number' ? Number(val) : val;
}

function row({ heading, name, title, summary, secret, words, bounds, kind, value = '', connection, scheme }) {
  if (heading) return `<h4>${text(heading)}</h4>`;
  const attributes = `id="node-config-input-${name}" title="${text(summary)}" placeholder="${text(String(value))}"`;
  const only = scheme ? ` data-connection="${connection}" data-scheme="${scheme}"` : '';
  const input = () => {
    if (words) return `<select ${attributes}>${words.map((word) => `<option value="${word}">${word}</option>`).join('')}</select>`;
    if (bounds) return `<input type="number" min="${bounds[0]}" max="${bounds[1]}" ${attributes}>`;
    if (kind === 'table') return `<textarea rows="3" ${attributes.replace('placeholder=""', 'placeholder="name = value"')}></textarea>`;
    return `<input type="${secret ? 'password' : kind === 'switch' ? 'checkbox' : 'text'}" ${attributes}>`;
  };
  return `<div class="form-row"${only}><label for="node-config-input-${name}">${text(title)}</label> ${input()}</div>`;
}
