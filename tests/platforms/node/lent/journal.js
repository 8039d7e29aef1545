// What a run says of itself: wit/journal.wit. It is kept with the run, as many notes of it as a history bears.

export function journal(run = {}) {
  Object.assign(run, { progress: undefined, counts: [], notes: [], leftOut: 0 });
  return {
    progress: (done, total, label) => { run.progress = { done, total, label }; },
    counts: (counts) => { run.counts = counts; },
    add: (note) => { if (run.notes.push(note) > 4000) run.leftOut += run.notes.splice(4000).length; },
  };
}
