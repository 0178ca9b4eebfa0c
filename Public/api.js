// The server's interface, as far as the page uses it.

import "./frame.js";

const keyField = document.getElementById("key");
keyField.value = sessionStorage.getItem("key") ?? "";
keyField.addEventListener("change", () => {
  sessionStorage.setItem("key", keyField.value);
  document.dispatchEvent(new Event("keychange"));
});

/** An answer other than 2xx, with the server's own words. */
export class ServerError extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `The server answered with status ${status}.`);
    this.status = status;
  }
}

/** fetch with the key; throws ServerError for anything but success. */
export async function request(path, options = {}) {
  const headers = new Headers(options.headers);
  if (keyField.value) headers.set("Authorization", `Bearer ${keyField.value}`);
  const response = await fetch(path, { ...options, headers });
  if (!response.ok) {
    if (response.status === 401 || response.status === 403) document.getElementById("key-field").hidden = false;
    throw new ServerError(response.status, await response.json().catch(() => null));
  }
  return response;
}

/** The JSON at a path. */
export async function get(path) {
  return (await request(path)).json();
}

/** Posts JSON and gives the answer's; null posts nothing. */
export async function post(path, body = null, signal) {
  const content = body === null ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await request(path, { method: "POST", signal, ...content })).json();
}

/** Uploads a file; gives the server's file object. */
export async function upload(file, purpose) {
  const form = new FormData();
  form.append("purpose", purpose);
  form.append("file", file, file.name);
  return (await request("v1/files", { method: "POST", body: form })).json();
}

/** True where requests carry a key, so that a plain link would be refused. */
export function hasKey() {
  return keyField.value !== "";
}

/** Fetches a path with the key and saves it as a file. */
export async function save(path, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (await request(path)).blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Opens a page of the server's in a tab, fetched with the key, which a link cannot send. */
export async function show(path) {
  // Before anything is waited for: browsers open tabs only while the click lasts.
  const tab = open("", "_blank");
  if (!tab) throw new Error("This browser opened no tab; allow pop-ups of this page.");
  try {
    const page = await (await request(path)).blob();
    tab.opener = null;
    // The address is never revoked, so that the tab can be loaded again while this page is there.
    tab.location = URL.createObjectURL(page);
  } catch (error) {
    tab.close();
    throw error;
  }
}

/** Streams the answer to a conversation, as chat completions tell it: yields its chunks. */
export async function* converse(body, signal) {
  yield* events(await request("v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  }));
}

/** What is said in a clip, written down by a model. */
export async function transcribe(clip, model) {
  const form = new FormData();
  form.append("file", clip, clip.name ?? "clip.wav");
  if (model) form.append("model", model);
  return (await (await request("v1/audio/transcriptions", { method: "POST", body: form })).json()).text;
}

/** Server-sent events: yields each one's data as an object, until the end mark. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    pending += value;
    let end;
    while ((end = pending.indexOf("\n\n")) >= 0) {
      const event = pending.slice(0, end);
      pending = pending.slice(end + 2);
      const data = event.split("\n").filter(line => line.startsWith("data:")).map(line => line.slice(5).trim()).join("\n");
      if (data === "[DONE]") return;
      if (!data) continue;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ServerError(500, chunk);
      yield chunk;
    }
  }
}

/** A Blob's bytes in base64. */
export async function base64(blob) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(",") + 1);
}
