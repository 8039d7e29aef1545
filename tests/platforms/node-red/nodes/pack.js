// The component, loaded once for every node, and the settings of a tenant as the nodes of the editor hold them.

const path = require('node:path');

/** The platform on Node.js, and the component loaded by it. */
exports.ready = (async () => {
  const platform = await import('./platform/platform.js');
  const wire = await import('./platform/wire.js');
  return { ...platform, ...wire, component: await platform.load(path.join(__dirname, 'component')) };
})();

/** What the configuration node holds, as the platform wants it. Fields are named as `bundle.js` draws them. */
exports.settings = ({ connections, properties }, config, credentials = {}) => ({
  connections: Object.fromEntries(
    connections.map((one) => [one.name, connection(one, config, credentials)]).filter(([, { url }]) => url),
  ),
  properties: given(properties.map(({ name, kind }) => [name, property(kind, config[`property-${name}`])])),
  mail: config['mail-host'] ? mail(config, credentials) : undefined,
});

const given = (pairs) => Object.fromEntries(pairs.filter(([, value]) => value !== undefined && value !== '' && value !== null));

function connection({ name, settings }, config, credentials) {
  const plain = ['url', 'authentication', ...settings.filter(({ secret }) => !secret).map((setting) => setting.name)];
  const secret = settings.filter((setting) => setting.secret).map((setting) => setting.name);
  const read = (from) => (setting) => [setting, from[`${name}-${setting}`]];
  return given([...plain.map(read(config)), ...secret.map(read(credentials))]);
}

/** A table is written a line an entry, `name = value`. */
function property({ tag }, text) {
  if (tag !== 'table' || !text) return text;
  const rows = text.split('\n').map((line) => /^(.*?)=(.*)$/.exec(line)).filter(Boolean);
  return Object.fromEntries(rows.map(([, name, value]) => [name.trim(), value.trim()]));
}

function mail(config, credentials) {
  const [host, tls, sender, username] = ['host', 'tls', 'sender', 'username'].map((name) => config[`mail-${name}`]);
  return { host, port: Number(config['mail-port']), tls, sender, username, password: credentials['mail-password'] };
}

/** What went wrong, in words: an error of JavaScript, of the contract, or a failure of the pack. */
exports.words = (error) => {
  if (error.code && error.title) return `${error.code} ${error.title}: ${error.message.replace(/\.$/, '')}. ${error.remedy}`;
  return error.tag ? `${error.tag}: ${error.val}` : error.message;
};

/** Has a node answer every message for its tenant: what `answer` gives is sent on, and what it throws can be caught. */
exports.answers = (RED, node, config, answer) => {
  node.on('input', async (message, send, done) => {
    const tenant = RED.nodes.getNode(config.tenant);
    try {
      if (!tenant?.platform) throw new Error('no tenant is configured');
      send(await answer(tenant, message));
      done();
    } catch (error) {
      node.status({ fill: 'red', shape: 'ring', text: error.title ? `${error.code} ${error.title}` : exports.words(error) });
      done(exports.words(error));
    }
  });
};
