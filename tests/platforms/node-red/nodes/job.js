// Runs a job for every message. Two of one job never run at once for a tenant.

const { answers, ready } = require('./pack.js');

module.exports = async (RED) => {
  const { wireRun } = await ready;

  function Job(config) {
    RED.nodes.createNode(this, config);
    const show = (fill, text) => this.status({ fill, shape: 'dot', text });
    const told = {
      set progress(now) {
        if (now) show('blue', `${now.done}${now.total === undefined ? '' : ` of ${now.total}`} ${now.label}`);
      },
    };

    answers(RED, this, config, async ({ platform, running }, message) => {
      if (running.has(config.job)) throw new Error(`${config.job} is running already`);
      running.add(config.job);
      show('blue', 'running');
      try {
        message.payload = wireRun(await platform.run(config.job, message.options, told));
      } finally {
        running.delete(config.job);
      }
      const { status, counts, steps, failure } = message.payload;
      if (failure) throw failure;
      const what = counts ? `${counts.members} members, ${counts.on_shift} on shift` : `${steps.length} steps`;
      show(status === 'COMPLETE' ? 'green' : 'yellow', what);
      return message;
    });
  }

  RED.nodes.registerType('shift-access-job', Job);
};
