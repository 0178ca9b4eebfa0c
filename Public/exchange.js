// A question with its answer on the page: what was asked and heard, what came of it, and what a person may do with either.

import { clipView, icon } from "./clipview.js";
import { fill } from "./markdown.js";
import { el } from "./page.js";

/** What a person can do about an error, by its status; 0 is a server that does not answer. */
function advice(status, hasEarlier) {
  if (status === 0) return "The server does not answer. See whether it runs, then try again.";
  if (status === 401 || status === 403) return "Enter a key above that may ask, then try again.";
  if (status === 413) return "Record less, choose a shorter file, or leave earlier turns out.";
  if (status === 415) return "Choose a sound file: WAV, FLAC, Ogg, MP3, M4A and others are heard.";
  if (status === 429) return "Many are asking; try again in a moment.";
  if (status === 503) return "The model is being loaded or the server is closing; try again in a moment.";
  if (status === 404) return "Choose another model below, then try again.";
  if (hasEarlier && (status === 400 || status === 422)) return "If the conversation has grown too long, ask without its earlier turns.";
  return "Edit the question, or try again.";
}

const act = (name, label, onclick) => el("button", { type: "button", className: "plain-button act", onclick, title: label, "aria-label": label }, icon(name));

/**
 * The elements of an exchange. `actions` are `retry()`, `retryAlone()`, `edit(text)`, `seconds(n)` for the clip's length; `later()` says how many
 * exchanges come behind it, `hasEarlier()` whether earlier turns were sent along. `update()` shows what has changed.
 */
export function exchangeView(exchange, number, actions) {
  const { question, answer } = exchange;
  const heard = el("p", { className: "heard" });
  const words = question.text ? el("div", { className: "words", textContent: question.text }) : null;
  const clip = question.clip ? clipView(question.clip, { onlength: actions.seconds }) : null;
  const editing = question.text ? act("edit", "Edit the question", edit) : null;
  const bubble = el("div", { className: "bubble" }, clip, words);
  const asked = el("div", { className: "asked" }, el("div", { className: "line" }, editing, bubble), heard);

  const thoughts = el("div", { className: "said" });
  const summary = el("summary", {}, "Reasoning");
  const reasoning = el("details", { className: "reasoning", hidden: true }, summary, thoughts);
  const said = el("div", { className: "said" });
  const waiting = el("p", { className: "waiting", hidden: true }, el("span", { className: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), el("span"));
  const trouble = el("div", { className: "trouble", hidden: true });
  const copy = act("copy", "Copy the answer", async () => {
    await navigator.clipboard.writeText(answer.text);
    copy.replaceChildren(icon("done"));
    actions.tell("Copied");
    setTimeout(() => copy.replaceChildren(icon("copy")), 1500);
  });
  const retry = act("retry", "Ask again", () => actions.retry());
  const facts = el("span", { className: "facts" });
  const below = el("div", { className: "below", hidden: true }, copy, retry, facts);
  const node = el("article", { className: "exchange", "aria-labelledby": `exchange-${number}` },
    el("h2", { id: `exchange-${number}`, className: "unseen", textContent: `Question ${number}` }),
    asked, el("div", { className: "answered" }, reasoning, waiting, said, trouble, below));
  let since = performance.now(), clock = 0;

  function edit() {
    const field = el("textarea", { className: "again", rows: 2, value: question.text, "aria-label": "Question, edited" });
    const lost = actions.later();
    const done = () => { form.replaceWith(bubble); editing.hidden = false; editing.focus(); };
    const form = el("form", {
      className: "editor",
      onsubmit: event => { event.preventDefault(); if (field.value.trim()) actions.edit(field.value.trim()); },
      onkeydown: event => {
        if (event.key === "Escape") { event.stopPropagation(); done(); }
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === field) { event.preventDefault(); form.requestSubmit(); }
      },
    }, field, el("div", { className: "row ends" },
      lost ? el("span", { className: "quiet", textContent: lost === 1 ? "The question behind it goes." : `The ${lost} questions behind it go.` }) : null,
      el("button", { type: "button", className: "small", textContent: "Cancel", onclick: done }),
      el("button", { className: "primary small", textContent: "Ask" })));
    bubble.replaceWith(form);
    editing.hidden = true;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  function showHeard() {
    const length = question.seconds ? `${question.seconds.toFixed(1)} s` : "";
    heard.hidden = !clip;
    heard.replaceChildren(...question.transcript
      ? [`Heard ${length}: `, el("q", { textContent: question.transcript })]
      : [[length && `${length} of sound`, question.transcript === undefined && answer.state === "done" ? "writing down what was heard …" : ""].filter(Boolean).join(", ")]);
  }

  function showWaiting() {
    const waits = answer.state === "waiting";
    waiting.hidden = !waits;
    clearTimeout(clock);
    if (!waits) return;
    const seconds = Math.floor((performance.now() - since) / 1000);
    waiting.lastChild.textContent = `${question.clip ? "Listening" : "Reading"} …${seconds >= 2 ? ` ${seconds} s` : ""}`;
    clock = setTimeout(showWaiting, 500);
  }

  function showError() {
    trouble.hidden = answer.state !== "failed";
    if (trouble.hidden) return;
    const hasEarlier = actions.hasEarlier();
    const button = (label, onclick) => el("button", { type: "button", className: "small", textContent: label, onclick });
    trouble.replaceChildren(
      el("p", { className: "error", textContent: answer.status === 0 ? "No answer came." : answer.error }),
      el("p", { textContent: advice(answer.status, hasEarlier) }),
      el("div", { className: "row" }, button("Try again", () => actions.retry()),
        hasEarlier && [400, 413, 422].includes(answer.status) ? button("Ask without earlier turns", () => actions.retryAlone()) : null,
        question.text ? button("Edit", edit) : null));
  }

  function update() {
    if (answer.state === "waiting" && !clock) since = performance.now();
    showHeard();
    showWaiting();
    showError();
    const done = answer.state === "done", text = answer.text ?? "";
    // The server parts what an answer announces at its end from what led to it.
    const { answer: final = null, reasoning: before = "" } = done ? answer.parts ?? {} : {};
    const thought = [answer.thought, before].filter(Boolean).join("\n\n");
    reasoning.hidden = !thought;
    summary.textContent = answer.state === "streaming" && !text ? "Reasoning …" : "Reasoning";
    if (thought) fill(thoughts, thought);
    said.classList.toggle("final", final !== null);
    fill(said, final ?? text);
    said.hidden = !said.hasChildNodes();
    below.hidden = !(done || answer.state === "stopped");
    copy.hidden = !text;
    retry.hidden = actions.later() > 0;
    facts.textContent = [answer.state === "stopped" ? "stopped" : "", answer.cut ? "cut at the longest answer (Settings)" : "", answer.facts].filter(Boolean).join(" · ");
    facts.title = answer.details ?? "";
  }

  update();
  return { node, update, edit };
}
