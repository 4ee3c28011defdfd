// Plays PCM as it arrives, without a gap.
//
// Each piece becomes an AudioBufferSourceNode that starts at the very sample where the piece before it ends. The context runs at the
// sample rate of the speech, so no piece is resampled by itself and no seam can be heard. An AudioWorklet would do as well, but
// browsers have it only on HTTPS and localhost, and a server on a home network has neither.

// Seconds from the arrival of the first piece to its playback: a few of the blocks that sound is rendered in.
const LEAD = 0.03;

// The same after an underrun: one longer pause is better than one at each piece.
const LEAD_AFTER_UNDERRUN = 0.3;

export class Player {
  constructor(context) {
    this.context = context;
    this.underruns = 0;
    this.seconds = 0; // of sound that came
    this.origin = null; // the context's time at which the sound's second 0 was played, had there been no pause
    this.sources = new Set();
  }

  // samples: Float32Array in [-1, 1], at the context's rate.
  play(samples) {
    const { context } = this;
    const late = this.origin === null || this.origin + this.seconds < context.currentTime;
    if (late) {
      const lead = this.origin === null ? LEAD : LEAD_AFTER_UNDERRUN;
      if (this.origin !== null) this.underruns += 1;
      this.origin = context.currentTime + lead - this.seconds;
    }
    const buffer = context.createBuffer(1, samples.length, context.sampleRate);
    buffer.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start(this.origin + this.seconds);
    source.onended = () => this.sources.delete(source);
    this.sources.add(source);
    this.seconds += samples.length / context.sampleRate;
  }

  // Seconds of sound that were heard so far.
  get position() {
    if (this.origin === null) return 0;
    return Math.min(Math.max(this.context.currentTime - this.origin, 0), this.seconds);
  }

  get isPlaying() {
    return this.origin !== null && this.context.currentTime < this.origin + this.seconds;
  }

  stop() {
    for (const source of this.sources) source.stop();
    this.sources.clear();
  }
}

// 16-bit little-endian PCM, cut anywhere, to samples in [-1, 1].
export class PcmReader {
  constructor() {
    this.rest = new Uint8Array(0);
  }

  // bytes: Uint8Array. Returns Float32Array; half a sample at the end waits for its other half.
  read(bytes) {
    const all = new Uint8Array(this.rest.length + bytes.length);
    all.set(this.rest);
    all.set(bytes, this.rest.length);
    const view = new DataView(all.buffer);
    const samples = new Float32Array(all.length >> 1);
    for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(2 * i, true) / 32768;
    this.rest = all.slice(2 * samples.length);
    return samples;
  }
}

// Pieces of 16-bit PCM (Uint8Array) at `rate` Hz as a WAV file.
export function wavFile(pieces, rate) {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const view = new DataView(new ArrayBuffer(44));
  const name = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  name(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  name(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // one channel
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  name(36, "data");
  view.setUint32(40, size, true);
  return new Blob([view, ...pieces], { type: "audio/wav" });
}
