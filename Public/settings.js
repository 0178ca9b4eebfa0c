// What a person has chosen for the answers, kept in this browser.

import { $ } from "./page.js";

const initial = { model: null, system: "", context: null, temperature: 0, topP: 1, maxTokens: 512, seed: null };

// The built-in model and what is trained from it: taught single questions, they take earlier turns for part of the new one.
const isSingle = () => $("model").value.includes("cord-nano");

let settings = { ...initial };
try { settings = { ...initial, ...JSON.parse(localStorage.getItem("ask") ?? "{}") }; } catch { /* As at first. */ }

export const chosen = () => settings;

/** Whether earlier turns are sent along: as chosen, and otherwise with every model but the built-in one. */
export const sendsEarlier = () => settings.context ?? !isSingle();

export function change(part) {
  settings = { ...settings, ...part };
  try { localStorage.setItem("ask", JSON.stringify(settings)); } catch { /* They last as long as the page. */ }
}

const numbers = { temperature: "temperature", topP: "top-p", maxTokens: "max-tokens", seed: "seed" };

function fill() {
  $("system").value = settings.system;
  $("context").checked = sendsEarlier();
  $("context-note").hidden = !isSingle();
  for (const [name, id] of Object.entries(numbers)) $(id).value = settings[name] ?? "";
}

export function showSettings() {
  fill();
  $("settings").showModal();
}

/** Says below the composer what goes with a question. */
export function showManner(hasEarlier) {
  $("manner").textContent = [
    hasEarlier ? sendsEarlier() ? "Earlier turns are sent along." : "Each question stands alone." : "", settings.system ? "With a system prompt." : "",
  ].filter(Boolean).join(" ");
}

$("system").addEventListener("input", () => change({ system: $("system").value.trim() }));
$("context").addEventListener("change", () => change({ context: $("context").checked }));
for (const [name, id] of Object.entries(numbers)) {
  // What is no number in range is not taken; the field says so.
  $(id).addEventListener("input", () => { if ($(id).validity.valid) change({ [name]: $(id).value === "" ? initial[name] : Number($(id).value) }); });
}
$("defaults").addEventListener("click", () => { change({ ...initial, model: settings.model }); fill(); });
