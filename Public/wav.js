// Records the microphone as 16-bit mono WAV, which every server build hears; browsers' own recorders give WebM.
//
//     microphone ─ worklet ─ blocks ─ trimmed ─ wav        nothing on the way changes the sound's level or takes noise from it

// Speech models are trained on sound as it is: gates and gain control of the browser cut words off, and echo cancellation does with them.
const constraints = { channelCount: 1, autoGainControl: false, noiseSuppression: false, echoCancellation: false };

/**
 * Starts to record; resolves to an object whose `stop()` resolves to `{ blob, seconds, trimmed, silent }`: the WAV, its length, the seconds of
 * silence that were left out of it, and whether there is nothing else in it. `cancel()` lets go of the microphone.
 * `onLevel(peak, seconds)` is told of every block; at `limit` seconds `onLimit()` is called once, and nothing more is kept.
 */
export async function startRecording({ onLevel = () => {}, limit = Infinity, onLimit = () => {} } = {}) {
  if (!navigator.mediaDevices) throw new Error("This browser records only on https or localhost; choose a file instead.");
  const context = new AudioContext();
  let stream, source, tap;
  const close = async () => {
    stream?.getTracks().forEach(track => track.stop());
    if (context.state !== "closed") await context.close();
  };
  try {
    // Before the microphone is open: what is said while a module is loaded would be lost.
    await context.audioWorklet.addModule("recorder-worklet.js");
    tap = new AudioWorkletNode(context, "recorder", { numberOfInputs: 1, numberOfOutputs: 0 });
    stream = await navigator.mediaDevices.getUserMedia({ audio: constraints }).catch(error => { throw new Error(refusal(error)); });
    source = context.createMediaStreamSource(stream);
    context.resume();
  } catch (error) {
    await close();
    throw error;
  }
  const blocks = [], most = limit * context.sampleRate;
  let count = 0;
  const ended = new Promise(resolve => {
    tap.port.onmessage = ({ data }) => {
      if (data === null) { resolve(); return; }
      if (count >= most) return;
      blocks.push(data);
      count += data.length;
      onLevel(data.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0), count / context.sampleRate);
      if (count >= most) onLimit();
    };
  });
  source.connect(tap);
  return {
    async stop() {
      // What the worklet posted last is still on its way: it says when that has come.
      tap.port.postMessage(null);
      await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 500))]);
      const rate = context.sampleRate;
      await close();
      const { samples, silent } = trim(joined(blocks), rate);
      return { blob: wav(samples, rate), seconds: samples.length / rate, trimmed: (count - samples.length) / rate, silent };
    },
    cancel: close,
  };
}

function refusal({ name, message }) {
  if (name === "NotAllowedError") return "The microphone is not allowed here: allow it in the browser's settings of this page, or choose a file.";
  if (name === "NotFoundError") return "There is no microphone; choose a file instead.";
  if (name === "NotReadableError") return "Another program has the microphone.";
  return message;
}

function joined(blocks) {
  const samples = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let offset = 0;
  for (const block of blocks) { samples.set(block, offset); offset += block.length; }
  return samples;
}

/**
 * Samples without the silence before and behind what is said, but for a quarter of a second. Silence is what lies 35 dB below the loudest
 * frame of 20 ms, or within 6 dB of the quietest tenth where a room is louder than that (18 dB at most);
 * sound that never rises above −60 dB is all silence, and is left whole.
 */
export function trim(samples, rate) {
  const size = Math.round(rate / 50), levels = [];
  for (let start = 0; start + size <= samples.length; start += size) {
    let sum = 0;
    for (let i = start; i < start + size; i++) sum += samples[i] * samples[i];
    levels.push(Math.sqrt(sum / size));
  }
  const sorted = levels.toSorted((a, b) => a - b);
  const loudest = sorted.at(-1) ?? 0, floor = sorted[Math.floor(sorted.length / 10)] ?? 0;
  if (loudest < 1e-3) return { samples, silent: true };
  const threshold = Math.max(loudest * 10 ** (-35 / 20), Math.min(2 * floor, loudest / 8));
  const margin = Math.round(rate / 4);
  const first = Math.max(0, levels.findIndex(level => level > threshold) * size - margin);
  const last = Math.min(samples.length, (levels.findLastIndex(level => level > threshold) + 1) * size + margin);
  return { samples: samples.slice(first, last), silent: false };
}

/** A WAV file of float samples. */
export function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (offset, string) => [...string].forEach((c, i) => view.setUint8(offset + i, c.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * samples.length, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(44 + 2 * i, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true));
  return new Blob([view], { type: "audio/wav" });
}
