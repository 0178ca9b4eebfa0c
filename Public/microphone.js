// Recording in the composer: a level, a timer, a limit, and what to do with it.

import { clock } from "./clipview.js";
import { $ } from "./page.js";
import { startRecording } from "./wav.js";

const longest = 120;
let session = null, peaks = [], loudest = 0;

export const isRecording = () => session !== null;

/** Starts; `onend()` is called when the limit is reached. */
export async function record(onend) {
  peaks = [];
  loudest = 0;
  session = await startRecording({ limit: longest, onLevel, onLimit: onend });
  onLevel(0, 0);
  $("recording").hidden = false;
}

/** Ends; resolves to what `startRecording` gives. */
export async function finish() {
  const ending = session;
  session = null;
  $("recording").hidden = true;
  return ending.stop();
}

export async function discard() {
  const ending = session;
  session = null;
  $("recording").hidden = true;
  await ending?.cancel();
}

function onLevel(peak, seconds) {
  if (!session && seconds > 0) return;
  // 60 dB below full scale is the bottom.
  const level = Math.max(0, 1 + 20 * Math.log10(Math.max(peak, 1e-6)) / 60);
  const slot = Math.floor(seconds * 20);
  peaks[slot] = Math.max(peaks[slot] ?? 0, level);
  loudest = Math.max(loudest, peak);
  draw();
  $("level").setAttribute("aria-valuenow", Math.round(100 * level));
  const hint = loudest > 0.99 ? "too loud" : seconds > 2 && loudest < 0.01 ? "very quiet: is it the right microphone?" : `of ${clock(longest)}`;
  $("timer").textContent = `${clock(seconds)} ${hint}`;
}

/** The last seconds as bars, the newest at the right. */
function draw() {
  const canvas = $("level"), scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width) return;
  if (canvas.width !== Math.round(width * scale)) Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  const pen = canvas.getContext("2d"), count = Math.floor(width / 4);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = getComputedStyle(canvas).color;
  const shown = peaks.slice(-count);
  shown.forEach((level, index) => {
    const tall = Math.max(2, (level ?? 0) * height);
    pen.fillRect(width - 4 * (shown.length - index), (height - tall) / 2, 2, tall);
  });
}
