// The only script of the console. Everything that is only read works without it.
//
// data-live="URL"   the element's content is replaced by the HTML of each message of that stream (server-sent events);
//                   an event `end` closes the stream, and its data, if any, is the page to go on to.
// data-busy="TEXT"  on a form: once it is sent, its buttons rest and the one that was pressed says TEXT.
// data-ask="TEXT"   on a form: asks before it is sent.
// data-local        on a time: it is told in the zone of this browser.
"use strict";

function follow(element) {
  const stream = new EventSource(element.dataset.live);
  stream.onmessage = (message) => {
    const held = element.contains(document.activeElement) ? document.activeElement.id : "";
    element.innerHTML = message.data;
    watchForms(element);
    if (held) document.getElementById(held)?.focus();
  };
  stream.addEventListener("end", (message) => {
    stream.close();
    if (message.data.startsWith("/console")) location.assign(message.data);
  });
  addEventListener("pagehide", () => stream.close());
}

function watchForm(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.ask && !confirm(form.dataset.ask)) {
      event.preventDefault();
      return;
    }
    if (form.dataset.busy === undefined) return;
    const pressed = event.submitter;
    // After the browser has put the form together: a button that rests is no part of it.
    setTimeout(() => {
      form.setAttribute("aria-busy", "true");
      for (const button of form.querySelectorAll("button")) button.disabled = true;
      if (pressed && form.dataset.busy) pressed.textContent = form.dataset.busy;
    });
  });
}

function watchForms(within) {
  for (const form of within.querySelectorAll("form[data-busy], form[data-ask]")) watchForm(form);
}

// Back in the history, a form that was sent can be sent again.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

for (const time of document.querySelectorAll("time[data-local]")) {
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "long" });
}

watchForms(document);
for (const element of document.querySelectorAll("[data-live]")) follow(element);
