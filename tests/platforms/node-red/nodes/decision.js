// May this user open this now? The first output for yes, the second for no; both with the reason.

const { answers, ready } = require('./pack.js');

module.exports = async (RED) => {
  const { wireDecision } = await ready;

  function Decision(config) {
    RED.nodes.createNode(this, config);
    answers(RED, this, config, async ({ platform }, message) => {
      const asked = typeof message.payload === 'string' ? { user: message.payload } : (message.payload ?? {});
      const { user, surface = config.surface || undefined } = asked;
      if (typeof user !== 'string' || !user) throw new Error('the payload names no user');
      const [decision] = await platform.decide([{ user, surface }]);
      message.payload = wireDecision(decision);
      const text = `${user}: ${message.payload.decision} (${decision.reason})`;
      this.status({ fill: decision.allow ? 'green' : 'grey', shape: 'dot', text });
      return decision.allow ? [message, null] : [null, message];
    });
  }

  RED.nodes.registerType('shift-access-decision', Decision);
};
