// Draws the sound as it arrives: a bar for its peak in each stretch of time, in two colours up to the playback's place and after it.

const PEAKS_PER_SECOND = 100;
const SHORTEST_SPAN = 4; // seconds across the canvas, before the sound is longer
const BAR = 3; // CSS pixels, and the gap after it
const GAP = 2;

// A canvas that gets a size, its old one too, gets new memory.
function fit(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

export class Waveform {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  clear() {
    this.peaks = [];
    this.samples = 0;
    this.position = 0;
    this.draw();
  }

  // samples: Float32Array, at `rate` Hz.
  push(samples, rate) {
    for (const sample of samples) {
      const index = Math.floor((this.samples * PEAKS_PER_SECOND) / rate);
      this.peaks[index] = Math.max(this.peaks[index] ?? 0, Math.abs(sample));
      this.samples += 1;
    }
  }

  // position: seconds that were heard.
  draw(position = this.position) {
    this.position = position;
    const { canvas } = this;
    const scale = window.devicePixelRatio;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    fit(canvas, Math.round(width * scale), Math.round(height * scale));
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const [wave, played] = ["--wave", "--played"].map((name) => style.getPropertyValue(name));
    const bars = Math.floor((width + GAP) / (BAR + GAP));
    const span = Math.max(SHORTEST_SPAN, this.peaks.length / PEAKS_PER_SECOND);
    for (let bar = 0; bar < bars; bar += 1) {
      const peak = this.peakBetween((bar * span) / bars, ((bar + 1) * span) / bars);
      context.fillStyle = ((bar + 0.5) * span) / bars < position ? played : wave;
      // The root makes quiet speech visible.
      const size = Math.max(BAR, Math.sqrt(peak) * height);
      context.beginPath();
      context.roundRect(bar * (BAR + GAP), (height - size) / 2, BAR, size, BAR / 2);
      context.fill();
    }
  }

  // The largest peak from one second to another; 0 where there is no sound yet.
  peakBetween(from, to) {
    const start = Math.floor(from * PEAKS_PER_SECOND);
    const end = Math.max(start + 1, Math.floor(to * PEAKS_PER_SECOND));
    return this.peaks.slice(start, end).reduce((most, peak) => Math.max(most, peak), 0);
  }
}
