// The page where one types or records a question and reads the streamed answer.

import { base64, chat } from "./api.js";
import { $, fillModels } from "./page.js";
import { startRecording } from "./wav.js";

const conversation = $("conversation");
let clip = null;
let recording = null;
let asking = null;

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function card(className) {
  conversation.querySelector(".hint")?.remove();
  const article = element("article", className);
  conversation.append(article);
  article.scrollIntoView({ block: "end" });
  return article;
}

function setClip(blob) {
  if ($("clip-player").src) URL.revokeObjectURL($("clip-player").src);
  clip = blob;
  $("clip").hidden = !blob;
  if (blob) $("clip-player").src = URL.createObjectURL(blob); else $("clip-player").removeAttribute("src");
}

/** The last sentence stands out where it gives the answer. */
function showAnswer(reasoning, final, text) {
  const match = text.match(/^(.*?)((?:the |so the )?(?:final )?answer is\b[^\n]*)$/is);
  reasoning.textContent = match ? match[1] : text;
  final.textContent = match ? match[2] : "";
}

async function ask() {
  const text = $("text").value.trim();
  if (!text && !clip) { $("text").focus(); return; }
  const question = card("question");
  const content = [];
  if (clip) {
    const player = element("audio");
    player.controls = true;
    player.src = URL.createObjectURL(clip);
    question.append(player);
    content.push({ type: "input_audio", input_audio: { data: await base64(clip), format: clip.name?.split(".").pop() ?? "wav" } });
  }
  if (text) {
    question.append(element("div", "", text));
    content.push({ type: "text", text });
  }
  setClip(null);
  $("text").value = "";

  const answer = card("answer");
  const reasoning = answer.appendChild(element("div", "reasoning"));
  const final = answer.appendChild(element("p", "final"));
  const facts = answer.appendChild(element("p", "facts"));
  const body = {
    model: $("model").value,
    messages: [{ role: "user", content }],
    temperature: Number($("temperature").value),
    top_p: Number($("top-p").value),
    max_tokens: Number($("max-tokens").value),
  };
  if ($("seed").value !== "") body.seed = Number($("seed").value);

  asking = new AbortController();
  $("send").hidden = true;
  $("stop").hidden = false;
  const started = performance.now();
  let first = null;
  let whole = "";
  try {
    for await (const chunk of chat(body, asking.signal)) {
      const piece = chunk.choices[0]?.delta?.content;
      if (piece) {
        first ??= performance.now() - started;
        whole += piece;
        showAnswer(reasoning, final, whole);
      }
      if (chunk.usage || chunk.cord) facts.textContent = describe(chunk, first, facts.textContent);
    }
  } catch (error) {
    if (error.name === "AbortError") facts.textContent = "stopped";
    else answer.append(element("p", "error", error.message));
  } finally {
    asking = null;
    $("send").hidden = false;
    $("stop").hidden = true;
  }
}

function describe(chunk, first, before) {
  const parts = [];
  for (const heard of chunk.cord?.audio ?? []) {
    parts.push(`heard ${heard.seconds.toFixed(1)} s at ${heard.sample_rate} Hz (${heard.audio_tokens} audio tokens)`);
  }
  if (chunk.usage) parts.push(`${chunk.usage.completion_tokens} tokens`);
  if (first !== null) parts.push(`first after ${Math.round(first)} ms`);
  if (chunk.cord?.weight_version) parts.push(`weights ${chunk.cord.weight_version}`);
  return parts.join(" · ") || before;
}

async function toggleRecording() {
  if (recording) {
    const session = recording;
    recording = null;
    $("record").setAttribute("aria-pressed", "false");
    $("record-label").textContent = "Record";
    setClip(await session.stop());
    return;
  }
  if (!navigator.mediaDevices) {
    card("answer").append(element("p", "error", "This browser records only on https or localhost. Choose a sound file instead."));
    return;
  }
  try {
    recording = await startRecording();
    $("record").setAttribute("aria-pressed", "true");
    $("record-label").textContent = "Done";
  } catch (error) {
    card("answer").append(element("p", "error", `The microphone cannot be used: ${error.message}`));
  }
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
$("record").addEventListener("click", toggleRecording);
$("clip-remove").addEventListener("click", () => setClip(null));
$("file").addEventListener("change", event => { if (event.target.files[0]) setClip(event.target.files[0]); event.target.value = ""; });
document.addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files[0]) setClip(event.dataTransfer.files[0]);
});
document.addEventListener("keychange", () => fillModels($("model")).catch(() => {}));
watchHealth();
