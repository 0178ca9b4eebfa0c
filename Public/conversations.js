// What was asked and answered, kept in this browser (IndexedDB) with its recordings.
//
//     conversation {id, title, updated, exchanges: [exchange]}
//     exchange     {question: {text, clip: Blob or null, seconds, transcript}, answer: {state, text, parts, thought, model, facts, error, status}}
//
// An answer's state is "waiting", "streaming", "done", "stopped" or "failed".

import { base64 } from "./api.js";

const request = action => new Promise((resolve, reject) => {
  action.onsuccess = () => resolve(action.result);
  action.onerror = () => reject(action.error);
});

// A browser that keeps nothing, as in some private windows, still talks: what is said lasts as long as the page.
const database = (async () => {
  try {
    const opening = indexedDB.open("cord", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("conversations", { keyPath: "id" });
    return await request(opening);
  } catch { return null; }
})();

async function store(mode) {
  return (await database)?.transaction("conversations", mode).objectStore("conversations");
}

/** Changes what is kept; resolves when that lasts. A request that succeeded is undone where the page goes before its transaction has ended. */
async function change(action) {
  const kept = await store("readwrite");
  if (!kept) return;
  action(kept);
  await new Promise((resolve, reject) => {
    kept.transaction.oncomplete = resolve;
    kept.transaction.onabort = () => reject(kept.transaction.error);
  });
}

/** All conversations, the newest first. What was being answered when the page went away was interrupted. */
export async function load() {
  const kept = await store("readonly");
  const conversations = kept ? await request(kept.getAll()) : [];
  for (const { answer } of conversations.flatMap(({ exchanges }) => exchanges)) {
    if (answer.state === "waiting" || answer.state === "streaming") {
      Object.assign(answer, { state: "failed", error: "The page was closed before the answer had come." });
    }
  }
  return conversations.sort((a, b) => b.updated - a.updated);
}

export async function save(conversation) {
  conversation.updated = Date.now();
  await change(kept => kept.put(conversation));
}

export const remove = id => change(kept => kept.delete(id));

export const clear = () => change(kept => kept.clear());

export function started() {
  return { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, title: "", updated: Date.now(), exchanges: [] };
}

/** What a conversation is called: its first words, or what was heard first. */
export function title({ exchanges }) {
  const question = exchanges[0]?.question;
  return (question?.text || question?.transcript || (question?.clip ? "A spoken question" : "New conversation")).slice(0, 80);
}

/** Questions and answers as chat completions take them: those that came to an end, and the one that is asked last. */
export async function messages(exchanges, system) {
  const last = exchanges.at(-1);
  const said = exchanges.slice(0, -1).filter(({ answer }) => answer.text && (answer.state === "done" || answer.state === "stopped"));
  const turns = [];
  if (system) turns.push({ role: "system", content: system });
  for (const { question, answer } of [...said, last]) {
    turns.push({ role: "user", content: await content(question) });
    if (answer !== last.answer) turns.push({ role: "assistant", content: answer.text });
  }
  return turns;
}

async function content({ text, clip }) {
  if (!clip) return text;
  const sound = { type: "input_audio", input_audio: { data: await base64(clip), format: clip.type.split("/")[1]?.slice(0, 32) || "wav" } };
  return text ? [sound, { type: "text", text }] : [sound];
}

/** Conversations as a file: the turns of each as chat completions take them, with the answers. */
export async function exported(conversations, system) {
  const list = await Promise.all(conversations.map(async conversation => ({
    title: title(conversation),
    updated: new Date(conversation.updated).toISOString(),
    messages: [
      ...system ? [{ role: "system", content: system }] : [],
      ...(await Promise.all(conversation.exchanges.map(async ({ question, answer }) => [
        { role: "user", content: await content(question) },
        ...answer.text ? [{ role: "assistant", content: answer.text, ...answer.thought ? { reasoning_content: answer.thought } : {} }] : [],
      ]))).flat(),
    ],
  })));
  return new Blob([JSON.stringify({ conversations: list }, null, 1)], { type: "application/json" });
}
