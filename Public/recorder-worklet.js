// Posts each block of the first channel to the page, and at the end what says that none is left.
registerProcessor("recorder", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.isOpen = true;
    this.port.onmessage = () => { this.isOpen = false; this.port.postMessage(null); };
  }

  process(inputs) {
    const channel = inputs[0][0];
    if (channel && this.isOpen) this.port.postMessage(channel.slice());
    return this.isOpen;
  }
});
