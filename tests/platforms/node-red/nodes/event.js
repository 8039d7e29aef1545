// Hands events of the time system to the pack: one or a list, as CloudEvents. What is put off is brought again.

const { randomUUID } = require('node:crypto');
const { answers, ready, words } = require('./pack.js');

/** How often an event is brought before it is given up. */
const TRIES = 20;

module.exports = async (RED) => {
  await ready;

  function Event(config) {
    RED.nodes.createNode(this, config);
    const waiting = new Set();

    const bring = async (platform, events, tries = 1) => {
      const run = randomUUID();
      const brought = events.map((event) => ({ id: String(event.id ?? randomUUID()), run, body: Buffer.from(JSON.stringify(event)) }));
      const ended = await platform.handle(brought);
      const count = (which) => ended.filter(({ tag }) => tag === which).length;
      const colour = count('reject') ? 'red' : count('retry') ? 'yellow' : 'green';
      this.status({ fill: colour, shape: 'dot', text: `${count('done')} done, ${count('retry')} put off, ${count('reject')} rejected` });
      const put = events.filter((_, at) => ended[at].tag === 'retry');
      const seconds = Math.min(...ended.filter(({ tag }) => tag === 'retry').map(({ val }) => val));
      if (put.length && tries < TRIES) again(platform, put, tries + 1, seconds);
      return ended.map(({ tag, val }, at) => ({ id: brought[at].id, disposition: tag, ...(tag === 'reject' ? val : {}) }));
    };

    const again = (platform, events, tries, seconds) => {
      const timer = setTimeout(() => {
        waiting.delete(timer);
        bring(platform, events, tries).catch((error) => this.error(words(error)));
      }, 1000 * seconds);
      waiting.add(timer);
    };

    answers(RED, this, config, async ({ platform }, message) => {
      const events = [message.payload].flat();
      if (!events.every((event) => event && typeof event === 'object')) throw new Error('the payload is no event, nor a list of events');
      message.payload = await bring(platform, events);
      const rejected = message.payload.filter(({ disposition }) => disposition === 'reject');
      rejected.forEach(({ id, message: why }) => this.warn(`the event ${id} is rejected: ${why}`));
      return message;
    });
    this.on('close', () => waiting.forEach(clearTimeout));
  }

  RED.nodes.registerType('shift-access-event', Event);
};
