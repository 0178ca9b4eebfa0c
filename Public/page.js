// What the console's pages share: elements, numbers, charts, clips, the state of the server.

import { base64, get, hasKey, save, show } from "./api.js";
import { startRecording } from "./wav.js";

export const $ = id => document.getElementById(id);

/** An element with properties, `on…` listeners and `aria-…` or `data-…` attributes, and children. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat().filter(child => child !== undefined && child !== null));
  return node;
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const percent = share => share === undefined || share === null ? "–" : `${(100 * share).toFixed(1)} %`;
export const fixed = (value, digits = 3) => value === undefined || value === null ? "–" : value.toFixed(digits);
export const signed = (points, digits = 1) => (points > 0 ? "+" : "") + points.toFixed(digits).replace("-", "−");
export const probability = p => p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`;
export const date = seconds => new Date(1000 * seconds).toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const range = ([low, high]) => `[${low.toFixed(1)}, ${high.toFixed(1)}]`.replaceAll("-", "−");
/** The ends of a paired interval, or why there is none. */
export const ends = paired => paired.interval ? range([paired.interval.lower, paired.interval.upper]) : `no interval: ${paired.interval_left_out}`;
export const size = bytes => bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;

export function tile(name, value, note = "") {
  return el("div", { className: "tile" }, el("span", { textContent: name }), el("strong", { textContent: value }), el("small", { textContent: note }));
}

export function badge(text) {
  const good = ["succeeded", "in force", "promoted"].includes(text), bad = ["failed", "cancelled"].includes(text);
  return el("span", { className: `badge ${good ? "good" : bad ? "bad" : ""}`, textContent: text });
}

/** Runs an action of a button or form: it rests meanwhile, and what goes wrong is told beside it. */
export async function act(control, notice, action) {
  notice.textContent = "";
  control.disabled = true;
  try { await action(); } catch (error) { notice.textContent = error.message; } finally { control.disabled = false; }
}

/** A link to what the server makes of a report. Where a key is needed to read it, a page opens in a tab and the rest is saved as a file. */
export function pageLink(path, label, name) {
  return el("a", {
    href: path, textContent: label, target: "_blank", rel: "noopener",
    onclick: event => {
      if (!hasKey()) return;
      event.preventDefault();
      const done = name.endsWith(".html") ? show(path) : save(path, name);
      done.catch(error => { $("health").textContent = error.message; });
    },
  });
}

/** What a model is of, how long it hears, its licence and what it was held against, in a line. */
function aboutModel({ family, dtype }) {
  if (!family) return "";
  const sound = family.longest_clip_seconds > 0
    ? `clips of up to ${family.longest_clip_seconds} s, ${fixed(family.audio_tokens_per_second, 1)} tokens a second` : "text alone";
  return `${family.name} in ${dtype}: ${sound}; ${family.licence}; held against ${family.held_against}`;
}

/** Fills a select with the served models and weight versions; keeps what was chosen. */
export async function fillModels(select) {
  const chosen = select.value;
  const { data } = await get("v1/models");
  select.replaceChildren(...data.map(model => el("option", {
    value: model.id, textContent: model.id, title: aboutModel(model), selected: model.id === chosen,
  })));
  select.title = data[0] ? aboutModel(data[0]) : "";
}

/** Calls `load` now, when the key changes, and every few seconds while the page is seen; tells the server's state. */
export function keepFresh(load, seconds = 5) {
  let busy = false;
  const turn = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      await load();
      $("health").textContent = "";
    } catch (error) {
      $("health").textContent = error.status ? error.message : "The server does not answer.";
    } finally { busy = false; }
  };
  turn();
  setInterval(turn, 1000 * seconds);
  document.addEventListener("keychange", turn);
  return turn;
}

/** What `load` gives, asked again when it is older than some seconds or after `forget()`: for what changes seldom. */
export function lately(load, seconds = 30) {
  let known = null, at = 0;
  const ask = async () => {
    if (!known || performance.now() - at > 1000 * seconds) {
      at = performance.now();
      known = load().catch(error => { known = null; throw error; });
    }
    return known;
  };
  return Object.assign(ask, { forget() { known = null; } });
}

/** A place for one clip: from a file, the microphone or `clip.set(blob)`. `clip.blob()` and `clip.data()`, in base64, give it, or null. */
export function clipPicker() {
  let blob = null, session = null;
  const player = el("audio", { controls: true, hidden: true });
  const notice = el("span", { className: "notice", role: "alert" });
  const remove = el("button", { type: "button", hidden: true, textContent: "✕", "aria-label": "Remove the clip", onclick: () => set(null) });
  const set = value => {
    blob = value;
    if (player.src) URL.revokeObjectURL(player.src);
    player.hidden = remove.hidden = !blob;
    if (blob) player.src = URL.createObjectURL(blob); else file.value = "";
  };
  const label = el("span", { textContent: "Record" });
  const record = el("button", {
    type: "button", "aria-pressed": "false",
    onclick: async () => {
      notice.textContent = "";
      try {
        if (session) {
          const ending = session;
          session = null;
          record.setAttribute("aria-pressed", "false");
          label.textContent = "Record";
          set((await ending.stop()).blob);
        } else {
          session = await startRecording();
          record.setAttribute("aria-pressed", "true");
          label.textContent = "Stop";
        }
      } catch (error) { notice.textContent = error.message; }
    },
  }, el("span", { className: "dot" }), label);
  const file = el("input", {
    type: "file", accept: "audio/*,.flac,.ogg,.opus,.wav,.mp3,.aiff,.webm,.mp4,.m4a,.mov,.3gp,.aac,.caf,.amr,.au,.w64", "aria-label": "Sound file",
    onchange: () => set(file.files[0] ?? null),
  });
  return {
    node: el("div", { className: "clip" }, file, record, player, remove, notice),
    set, blob: () => blob, data: async () => blob ? base64(blob) : null,
  };
}

/** A value with its interval on a line from `low` to `high`. */
export function intervalMark(value, [from, to], style, low, high) {
  const x = v => 4 + 92 * (Math.min(Math.max(v, low), high) - low) / (high - low);
  const mark = svg("svg", { class: "interval", viewBox: "0 0 100 12", preserveAspectRatio: "none", role: "img", "aria-label": `${value.toFixed(1)} [${from.toFixed(1)}, ${to.toFixed(1)}]` });
  if (low < 0) mark.append(svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: 12, "vector-effect": "non-scaling-stroke" }));
  const group = svg("g", { class: style });
  group.append(svg("line", { x1: x(from), x2: x(to), y1: 6, y2: 6, "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" }));
  group.append(svg("rect", { x: x(value) - 1, y: 2.5, width: 2, height: 7, stroke: "none" }));
  mark.append(group);
  return mark;
}
