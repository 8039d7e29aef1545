// The configuration node: one tenant, with its connections, its properties and its own keys in the user directory.

const path = require('node:path');
const { ready, settings, words } = require('./pack.js');

module.exports = async (RED) => {
  const { component, interfaces, tenant } = await ready;
  const { description } = component;

  function Tenant(config) {
    RED.nodes.createNode(this, config);
    const file = path.join(RED.settings.userDir, 'shift-access.db');
    this.running = new Set();
    try {
      const given = { ...settings(description, config, this.credentials), name: this.id, file };
      this.platform = tenant(component, given, interfaces(description, given));
    } catch (error) {
      this.error(`the tenant ${config.name} is not configured: ${words(error)}`);
      return;
    }
    const tell = ({ severity, key, message, remedy }) => this[severity === 'error' ? 'error' : 'warn'](`${key}: ${message} ${remedy}`);
    this.platform.check().then((problems) => problems.forEach(tell), (error) => this.error(words(error)));
    this.on('close', () => this.platform.close());
  }

  const secretsOf = ({ name, settings }) => settings.filter(({ secret }) => secret).map((one) => `${name}-${one.name}`);
  const secrets = description.connections.flatMap(secretsOf);
  const credentials = Object.fromEntries([...secrets, 'mail-password'].map((name) => [name, { type: 'password' }]));
  RED.nodes.registerType('shift-access-tenant', Tenant, { credentials });
};
