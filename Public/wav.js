// Records the microphone as 16-bit mono WAV, which every server build hears; browsers' own recorders give WebM.

/** Starts to record; resolves to an object whose stop() resolves to a WAV Blob. */
export async function startRecording() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext();
  await context.audioWorklet.addModule("recorder-worklet.js");
  const source = context.createMediaStreamSource(stream);
  const tap = new AudioWorkletNode(context, "recorder", { numberOfInputs: 1, numberOfOutputs: 0 });
  const blocks = [];
  tap.port.onmessage = event => blocks.push(event.data);
  source.connect(tap);
  return {
    async stop() {
      source.disconnect();
      stream.getTracks().forEach(track => track.stop());
      // What the worklet posted last is still on its way.
      await new Promise(resolve => setTimeout(resolve, 50));
      const rate = context.sampleRate;
      await context.close();
      return wav(blocks, rate);
    },
  };
}

/** A WAV file of blocks of float samples. */
export function wav(blocks, rate) {
  const count = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (offset, string) => [...string].forEach((c, i) => view.setUint8(offset + i, c.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * count, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, 2 * count, true);
  let offset = 44;
  for (const block of blocks) {
    for (const sample of block) {
      view.setInt16(offset, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true);
      offset += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}
