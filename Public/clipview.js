// A clip to look at and to play: a button, the shape of the sound, and its seconds.

import { el, svg } from "./page.js";

export const icon = name => svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `icons.svg#${name}` }));

export const clock = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

const bars = 56;
let playing = null;

/** Elements for a Blob; `onlength(seconds)` is told once how long it is, where this browser can decode it. */
export function clipView(blob, { onlength = () => {}, children = [] } = {}) {
  const audio = el("audio", { src: URL.createObjectURL(blob), preload: "metadata" });
  const shape = svg("svg", { class: "shape", viewBox: `0 0 ${bars * 3} 24`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const time = el("span", { className: "timer", textContent: "–:––" });
  const place = el("input", { type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": "Place in the clip" });
  const button = el("button", { type: "button", className: "round", onclick: toggle });
  const note = el("p", { className: "quiet", hidden: true, textContent: "This browser cannot play it; the server may hear it nevertheless." });
  let seconds = 0, moving = 0;

  function toggle() {
    if (!audio.paused) { audio.pause(); return; }
    playing?.pause();
    playing = audio;
    audio.play().catch(() => { note.hidden = false; });
  }
  function tell() {
    button.replaceChildren(icon(audio.paused ? "play" : "pause"));
    button.setAttribute("aria-label", `${audio.paused ? "Play" : "Pause"} the clip`);
    cancelAnimationFrame(moving);
    if (!audio.paused) move();
  }
  function move() {
    const share = seconds ? audio.currentTime / seconds : 0;
    place.value = share;
    [...shape.children].forEach((bar, index) => bar.classList.toggle("played", share > 0 && index < share * bars));
    if (seconds) time.textContent = clock(audio.paused && share === 0 ? Math.max(1, Math.round(seconds)) : audio.currentTime);
    if (!audio.paused) moving = requestAnimationFrame(move);
  }
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, tell);
  audio.addEventListener("ended", () => { audio.currentTime = 0; move(); });
  place.addEventListener("input", () => { audio.currentTime = place.value * seconds; move(); });
  tell();
  measured(blob).then(sound => {
    seconds = sound.seconds;
    onlength(seconds);
    shape.replaceChildren(...sound.peaks.map((peak, index) =>
      svg("rect", { x: index * 3, width: 2, y: 12 - 11 * peak, height: Math.max(1, 22 * peak), rx: 1 })));
    move();
  }, () => { shape.replaceChildren(...Array.from({ length: bars }, (_, index) => svg("rect", { x: index * 3, width: 2, y: 11.5, height: 1 }))); });
  const view = el("div", { className: "clip-view" }, button, el("div", { className: "wave" }, shape, place), time, audio, ...children);
  return el("div", { className: "clip-box" }, view, note);
}

/** A clip's seconds, and how loud each of its parts is beside the loudest. */
async function measured(blob) {
  const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(await blob.arrayBuffer());
  const samples = sound.getChannelData(0), size = Math.max(1, Math.floor(samples.length / bars));
  const peaks = Array.from({ length: bars }, (_, bar) =>
    samples.subarray(bar * size, (bar + 1) * size).reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
  const loudest = Math.max(...peaks, 1e-3);
  return { seconds: sound.duration, peaks: peaks.map(peak => peak / loudest) };
}
