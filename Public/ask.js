// The page where one types or records a question and reads the streamed answer.

import { answer } from "./api.js";
import { $, clipPicker, el, fillModels } from "./page.js";

const conversation = $("conversation");
const clip = clipPicker();
$("clip").append(clip.node);
let asking = null;

function card(className, ...children) {
  conversation.querySelector(".hint")?.remove();
  const article = el("article", { className }, ...children);
  conversation.append(article);
  article.scrollIntoView({ block: "end" });
  return article;
}

async function ask() {
  const text = $("text").value.trim();
  const sound = clip.blob();
  if (!text && !sound) { $("text").focus(); return; }
  card("question",
    sound ? el("audio", { controls: true, src: URL.createObjectURL(sound) }) : null,
    text ? el("div", { textContent: text }) : null);
  const body = {
    model: $("model").value,
    temperature: Number($("temperature").value),
    top_p: Number($("top-p").value),
    max_tokens: Number($("max-tokens").value),
    text: text || null,
    audio: await clip.data(),
    seed: $("seed").value === "" ? null : Number($("seed").value),
  };
  clip.set(null);
  $("text").value = "";

  const reasoning = el("div", { className: "reasoning" });
  const final = el("p", { className: "final" });
  const facts = el("p", { className: "facts" });
  const shown = card("answer", reasoning, final, facts);
  asking = new AbortController();
  $("send").hidden = true;
  $("stop").hidden = false;
  const started = performance.now();
  let first = null;
  try {
    for await (const part of answer(body, asking.signal)) {
      first ??= performance.now() - started;
      if (part.object === "answer.chunk") {
        reasoning.textContent += part.text;
      } else {
        reasoning.textContent = part.answer === null ? part.text : part.reasoning;
        final.textContent = part.answer ?? "";
        facts.textContent = describe(part, first);
      }
    }
  } catch (error) {
    if (error.name === "AbortError") facts.textContent = "stopped";
    else shown.append(el("p", { className: "error", textContent: error.message }));
  } finally {
    asking = null;
    $("send").hidden = false;
    $("stop").hidden = true;
  }
}

function describe({ cord, usage }, first) {
  const heard = cord.audio.map(clip =>
    `heard ${clip.seconds.toFixed(1)} s at ${clip.sample_rate} Hz (${clip.audio_tokens} audio tokens)`);
  return [
    ...heard, `${usage.completion_tokens} tokens`, `first after ${Math.round(first)} ms`, `weights ${cord.weight_version}`,
  ].join(" · ");
}

async function watchHealth() {
  try {
    const response = await fetch("health");
    const { status } = await response.json().catch(() => ({ status: "unavailable" }));
    $("health").textContent = status === "ok" ? "" : status;
    if (response.ok && !$("model").options.length) await fillModels($("model"));
  } catch (error) {
    $("health").textContent = error.status ? error.message : "The server does not answer.";
  }
  setTimeout(watchHealth, 5000);
}

$("question").addEventListener("submit", event => { event.preventDefault(); if (!asking) ask(); });
$("text").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); if (!asking) ask(); }
});
$("stop").addEventListener("click", () => asking?.abort());
document.addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files[0]) clip.set(event.dataTransfer.files[0]);
});
document.addEventListener("keychange", () => fillModels($("model")).catch(() => {}));
watchHealth();
