// The page where one asks by voice or in writing, and reads the answers of a conversation.

import { converse, transcribe } from "./api.js";
import { clipView, icon } from "./clipview.js";
import * as kept from "./conversations.js";
import { exchangeView } from "./exchange.js";
import * as markdown from "./markdown.js";
import { discard, finish, isRecording, record } from "./microphone.js";
import { $, date, el, fillModels } from "./page.js";
import { chosen, change, sendsEarlier, showManner, showSettings } from "./settings.js";

const examples = ["What is the sum of 17, 9 and 28?", "Which is the largest: 34, 71 or 58?", "What is 12 plus 30?"];

let conversations = [], current = null, views = new Map(), clip = null, asking = null, isPinned = true;

/* ---- the conversation ---- */

function show(conversation) {
  current = conversation;
  views = new Map();
  $("conversation").replaceChildren();
  if (!current.exchanges.length) showStart();
  for (const exchange of current.exchanges) add(exchange);
  isPinned = true;
  follow();
  showList();
  openSide(false);
}

function showStart() {
  $("conversation").replaceChildren(el("div", { id: "start" },
    el("h2", { textContent: "Ask by voice or in writing" }),
    el("p", { textContent: "Record a question, drop a sound file anywhere on this page, or begin with one of these." }),
    el("div", { className: "examples" }, examples.map(text =>
      el("button", { type: "button", textContent: text, onclick: () => ask({ text, clip: null }) })))));
}

function add(exchange) {
  $("start")?.remove();
  const place = () => current.exchanges.indexOf(exchange);
  const view = exchangeView(exchange, place() + 1, {
    tell,
    retry: () => again(exchange, exchange.question.text),
    retryAlone: () => again(exchange, exchange.question.text, true),
    edit: text => again(exchange, text),
    later: () => current.exchanges.length - 1 - place(),
    hasEarlier: () => place() > 0 && sendsEarlier(),
    seconds: seconds => { exchange.question.seconds ??= seconds; view.update(); },
  });
  views.set(exchange, view);
  $("conversation").append(view.node);
  return view;
}

function ask(question) {
  conversations = [current, ...conversations.filter(other => other !== current)];
  const exchange = { question, answer: { state: "waiting" } };
  current.exchanges.push(exchange);
  add(exchange);
  isPinned = true;
  follow();
  for (const view of views.values()) view.update();
  return run(current, exchange);
}

/** Asks a question anew, as it is now; what came behind it goes. */
function again(exchange, text, alone = false) {
  asking?.controller.abort();
  const place = current.exchanges.indexOf(exchange);
  for (const gone of current.exchanges.splice(place)) views.get(gone)?.node.remove();
  $("text").focus();
  return ask({ ...exchange.question, text, alone });
}

async function run(conversation, exchange) {
  const { question, answer } = exchange, controller = new AbortController();
  // Another conversation may be looked at meanwhile.
  const update = () => views.get(exchange)?.update();
  asking = { controller, conversation, exchange };
  showAsking();
  tell("The question is sent.");
  keep(conversation);
  showList();
  const { model, system, temperature, topP, maxTokens, seed } = chosen();
  const begun = performance.now();
  let first = null, drawn = 0;
  try {
    const earlier = sendsEarlier() && !question.alone ? conversation.exchanges : [exchange];
    const body = {
      messages: await kept.messages(earlier, system), temperature, top_p: topP, max_completion_tokens: maxTokens,
      ...model ? { model } : {}, ...seed === null ? {} : { seed },
    };
    for await (const chunk of converse(body, controller.signal)) {
      const [choice] = chunk.choices ?? [];
      const { content = "", reasoning_content: thought = "" } = choice?.delta ?? {};
      if (content || thought) {
        first ??= performance.now() - begun;
        answer.state = "streaming";
        answer.text = (answer.text ?? "") + content;
        answer.thought = (answer.thought ?? "") + (thought ?? "");
        // Markdown is read whole each time: ten times a second is smooth enough.
        if (performance.now() - drawn > 100) { update(); drawn = performance.now(); }
      }
      if (choice?.finish_reason === "length") answer.cut = true;
      if (chunk.cord) describe(exchange, chunk, first);
    }
    answer.state = "done";
    tell("The answer has come.");
  } catch (error) {
    if (error.name === "AbortError") {
      answer.state = "stopped";
      tell("Stopped.");
    } else {
      Object.assign(answer, { state: "failed", error: error.message, status: error.status ?? 0 });
      tell(`It failed: ${error.message}`);
    }
  } finally {
    update();
    // Whoever may ask again may also go away: by then it is kept.
    await keep(conversation);
    if (asking?.exchange === exchange) asking = null;
    showAsking();
  }
  if (question.clip && question.transcript === undefined && answer.state !== "failed") await hear(conversation, exchange, model);
}

/** Asks what was heard: the same model writes the clip down. */
async function hear(conversation, exchange, model) {
  exchange.question.transcript = await transcribe(exchange.question.clip, model).catch(() => null);
  views.get(exchange)?.update();
  await keep(conversation);
  showList();
}

/** What was deleted meanwhile is not kept; a browser without room for more says so. */
async function keep(conversation) {
  if (!conversations.includes(conversation)) return;
  await kept.save(conversation).catch(error => notice(`This conversation is not kept: ${error.message}`));
}

function describe({ question, answer }, { cord, usage, model }, first) {
  if (question.clip && cord.audio.length) question.seconds = cord.audio.at(-1).seconds;
  answer.model = model;
  answer.parts = cord.answers?.[0];
  const { total } = cord.timings;
  answer.facts = `${model} · ${total < 1 ? `${Math.round(1000 * total)} ms` : `${total.toFixed(1)} s`}`;
  answer.details = [
    `first words after ${Math.round(first ?? 0)} ms`, `${usage.prompt_tokens} tokens read`, `${usage.completion_tokens} written`,
    `weights ${cord.weight_version}`,
  ].join(", ");
}

/** What readers of the screen are told; the conversation itself would be read letter by letter. */
function tell(text) { $("told").textContent = text; }

function showAsking() {
  const isAsking = asking !== null;
  if (document.activeElement === $(isAsking ? "send" : "stop")) $("text").focus();
  $("send").hidden = isAsking;
  $("stop").hidden = !isAsking;
}

/* ---- keeping the newest in view ---- */

const scroller = $("scroller");
const rest = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;

function follow() {
  if (isPinned) scroller.scrollTop = scroller.scrollHeight;
  $("newest").hidden = isPinned || rest() < 80;
}

new ResizeObserver(follow).observe($("conversation"));
new ResizeObserver(follow).observe(scroller);
let height = 0;
scroller.addEventListener("scroll", () => {
  // What grows is followed; only a person's scrolling lets go.
  if (scroller.scrollHeight === height) isPinned = rest() < 40;
  height = scroller.scrollHeight;
  $("newest").hidden = isPinned;
});
$("newest").addEventListener("click", () => { isPinned = true; follow(); scroller.focus(); });

/* ---- the composer ---- */

function notice(text) { $("notice").textContent = text; }

function setClip(blob, note = "") {
  clip = blob;
  $("file").value = "";
  $("clip").hidden = !blob;
  const remove = el("button", { type: "button", className: "plain-button", "aria-label": "Remove the clip", title: "Remove the clip", onclick: () => { setClip(null); $("record").focus(); } }, icon("remove"));
  $("clip").replaceChildren(...blob ? [clipView(blob, { children: [remove] }), ...note ? [el("p", { className: "quiet", textContent: note })] : []] : []);
}

async function endRecording() {
  const { blob, trimmed, silent } = await finish();
  $("record").hidden = false;
  setClip(blob, silent ? "Nothing is heard in it. See whether it is the right microphone, and not muted." : trimmed > 0.5 ? `${trimmed.toFixed(1)} s of silence left out` : "");
  tell("Recorded.");
}

async function submit() {
  if (asking) return;
  if (isRecording()) await endRecording();
  const text = $("text").value.trim();
  if (!text && !clip) { $("text").focus(); return; }
  const question = { text, clip };
  notice("");
  setClip(null);
  $("text").value = "";
  grow();
  $("text").focus();
  await ask(question);
}

function grow() {
  const field = $("text");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, innerHeight / 3)}px`;
}

$("question").addEventListener("submit", event => { event.preventDefault(); submit(); });
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
});
$("stop").addEventListener("click", () => { asking?.controller.abort(); $("text").focus(); });
$("record").addEventListener("click", async () => {
  notice("");
  $("record").disabled = true;
  try {
    await record(endRecording);
    setClip(null);
    $("record").hidden = true;
    $("finish").focus();
    tell("Recording.");
  } catch (error) { notice(error.message); } finally { $("record").disabled = false; }
});
$("finish").addEventListener("click", async () => { await endRecording(); $("send").focus(); });
$("discard").addEventListener("click", cancelRecording);
async function cancelRecording() {
  await discard();
  $("record").hidden = false;
  $("record").focus();
}
$("file").addEventListener("change", () => setClip($("file").files[0] ?? null));
document.addEventListener("keydown", event => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (isRecording()) cancelRecording();
  else if (document.body.classList.contains("side-open")) openSide(false);
  else asking?.controller.abort();
});
document.addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files[0]) { setClip(event.dataTransfer.files[0]); $("text").focus(); }
});

/* ---- earlier conversations ---- */

function showList() {
  $("name").textContent = kept.title(current);
  const focused = document.activeElement?.closest("#list li")?.dataset.id;
  $("list").replaceChildren(...conversations.map(conversation => {
    const title = kept.title(conversation);
    return el("li", { "data-id": conversation.id },
      el("button", { type: "button", className: "title", "aria-current": conversation === current ? "true" : null, onclick: () => show(conversation) },
        el("span", { textContent: title }), el("small", { textContent: date(conversation.updated / 1000) })),
      el("button", { type: "button", className: "plain-button", title: "Delete", "aria-label": `Delete: ${title}`, onclick: () => forget(conversation) }, icon("remove")));
  }));
  if (focused) $("list").querySelector(`[data-id="${CSS.escape(focused)}"] .title`)?.focus();
  $("foot").hidden = !conversations.length;
  showManner(current.exchanges.length > 0);
}

function startNew() {
  show(kept.started());
  $("text").focus();
}

async function forget(conversation) {
  if (!await confirmed(`Delete “${kept.title(conversation)}” with its recordings?`, "Delete")) return;
  if (asking?.conversation === conversation) asking.controller.abort();
  conversations = conversations.filter(other => other !== conversation);
  await kept.remove(conversation.id);
  if (conversation === current) startNew(); else showList();
}

function confirmed(text, verb) {
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = verb;
  $("confirm").returnValue = "no";
  $("confirm").showModal();
  return new Promise(resolve => $("confirm").addEventListener("close", () => resolve($("confirm").returnValue === "yes"), { once: true }));
}

function openSide(isOpen) {
  document.body.classList.toggle("side-open", isOpen);
  $("menu").setAttribute("aria-expanded", isOpen);
  if (isOpen) $("new").focus();
}

$("new").addEventListener("click", startNew);
$("new-here").addEventListener("click", startNew);
$("menu").addEventListener("click", () => openSide(!document.body.classList.contains("side-open")));
$("talk").addEventListener("pointerdown", event => { if (!event.target.closest("#menu")) openSide(false); });
$("export").addEventListener("click", async () => {
  const link = el("a", { href: URL.createObjectURL(await kept.exported(conversations, chosen().system)), download: "cord-conversations.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
});
$("clear").addEventListener("click", async () => {
  if (!await confirmed(`Delete all ${conversations.length} conversations with their recordings?`, "Delete all")) return;
  asking?.controller.abort();
  conversations = [];
  await kept.clear();
  startNew();
});

/* ---- the start ---- */

async function watchHealth() {
  try {
    const response = await fetch("health");
    const { status } = await response.json().catch(() => ({ status: "unavailable" }));
    $("health").textContent = status === "ok" ? "" : status;
    if (response.ok && !$("model").options.length) await listModels();
  } catch (error) {
    $("health").textContent = error.status ? error.message : "The server does not answer.";
  }
  setTimeout(watchHealth, 5000);
}

async function listModels() {
  await fillModels($("model"));
  const { model } = chosen();
  if (model && [...$("model").options].some(option => option.value === model)) $("model").value = model;
  showManner(current.exchanges.length > 0);
}

$("model").addEventListener("focus", () => listModels().catch(() => {}));
$("model").addEventListener("change", () => { change({ model: $("model").value }); showManner(current.exchanges.length > 0); });
$("settings").addEventListener("close", () => showManner(current.exchanges.length > 0));
$("settings-open").addEventListener("click", showSettings);
document.addEventListener("keychange", () => listModels().catch(() => {}));

await markdown.ready;
conversations = await kept.load();
show(conversations[0] ?? kept.started());
watchHealth();
