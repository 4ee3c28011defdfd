// The page: its fields, what a click does, and the figures. Speech comes by speech.js, sounds by player.js, is drawn by waveform.js.

import { PcmReader, Player, wavFile } from "./player.js";
import { LiveText, SpeechError, ask, speakText } from "./speech.js";
import { Waveform } from "./waveform.js";

const element = (id) => document.getElementById(id);
const fields = Object.fromEntries(["text", "voice", "language", "seed", "instructions", "key", "live"].map((id) => [id, element(id)]));

// The field that an error's param means.
const FIELD_OF = { input: "text", text: "text", voice: "voice", language: "language", seed: "seed", instructions: "instructions" };

const waveform = new Waveform(element("waveform"));
let info = null; // GET /info
let context = null; // one AudioContext for all runs, since browsers allow few
let run = null; // what is being spoken or played

function say(status) {
  element("status").textContent = status;
}

function show(id, value) {
  element(id).textContent = value;
}

function showError(error) {
  element("error").textContent = error.message;
  element("error").hidden = false;
  const field = fields[FIELD_OF[error.param]];
  if (field) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }
}

function clearError() {
  element("error").hidden = true;
  for (const field of Object.values(fields)) field.removeAttribute("aria-invalid");
}

// How many seconds, in digits enough to tell runs apart.
const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)} s`;

// One run: a request, its sound, and its figures, from the click to the last sample heard.
class Run {
  constructor() {
    this.began = performance.now(); // at the click, or where one types at the first word
    this.isTyped = fields.live.checked;
    this.abort = new AbortController();
    this.player = new Player(context);
    this.reader = new PcmReader();
    this.pieces = [];
    this.first = null; // ms from the beginning to the first sound
    this.isDone = false; // all of it came
    waveform.clear();
    for (const id of ["first", "factor", "audio", "underruns"]) show(id, "–");
  }

  start(rate) {
    if (rate !== context.sampleRate) throw new SpeechError({ message: `the server speaks at ${rate} Hz now: load this page again` });
  }

  audio(bytes) {
    this.pieces.push(bytes);
    const samples = this.reader.read(bytes);
    if (!samples.length) return;
    this.player.play(samples);
    waveform.push(samples, context.sampleRate);
    const elapsed = performance.now() - this.began;
    if (this.first === null) {
      this.first = elapsed;
      show("first", `${elapsed.toFixed(0)} ms`);
      say("Speaking…");
    }
    // Who types sets the pace, and no factor says anything of the server.
    if (!this.isTyped) show("factor", (elapsed / 1000 / this.player.seconds).toFixed(2));
    show("audio", seconds(this.player.seconds));
    show("underruns", String(this.player.underruns));
  }

  stop() {
    this.abort.abort();
    this.player.stop();
  }

  // Draws until the last sample was heard.
  animate() {
    if (run !== this) return;
    waveform.draw(this.player.position);
    if (this.isDone && !this.player.isPlaying) finish(`Done: ${seconds(this.player.seconds)} of audio.`);
    else requestAnimationFrame(() => this.animate());
  }
}

function request() {
  const wanted = { language: fields.language.value };
  if (fields.voice.value) wanted.voice = fields.voice.value;
  if (fields.instructions.value.trim() && !element("instructions-field").hidden) wanted.instructions = fields.instructions.value;
  const seed = fields.seed.value.trim();
  // What JavaScript cannot hold as a number is left to the server to refuse.
  if (seed) wanted.seed = Number.isSafeInteger(Number(seed)) ? Number(seed) : seed;
  return wanted;
}

// Sends what is typed behind what was sent, whole words only, until `end` takes the rest.
function followTyping(live, current) {
  let sent = 0;
  const upTo = (end) => {
    if (!sent) current.began = performance.now();
    live.send(fields.text.value.slice(sent, end));
    sent = Math.max(sent, end);
  };
  const follow = () => upTo(fields.text.value.search(/\S*$/));
  fields.text.addEventListener("input", follow);
  follow();
  return () => {
    fields.text.removeEventListener("input", follow);
    upTo(fields.text.value.length);
    live.end();
  };
}

async function stream(current) {
  const key = fields.key.value;
  if (!current.isTyped) return speakText({ ...request(), model: info.name, input: fields.text.value }, key, current, current.abort.signal);
  const live = new LiveText(request(), key, current, current.abort.signal);
  current.end = followTyping(live, current);
  element("speak").textContent = "Finish";
  say("Listening to what you type…");
  return live.done.finally(current.end);
}

// Ctrl+Enter and the button: speak, or end a text that is spoken as it is typed.
async function speak() {
  if (run?.end) {
    run.end();
    element("speak").disabled = true;
    return;
  }
  run?.stop();
  clearError();
  // Browsers let sound begin within a click alone, so the context has to be there before the answer is.
  context ??= new AudioContext({ sampleRate: info.sample_rate });
  context.resume();
  const current = (run = new Run());
  element("save").hidden = true;
  element("stop").disabled = false;
  say("Waiting for the first sound…");
  current.animate();
  try {
    await stream(current);
    current.isDone = true;
    offerFile(current);
  } catch (error) {
    if (run !== current) return;
    current.stop();
    if (error.name !== "AbortError") showError(error);
    finish(error.name === "AbortError" ? "Stopped." : "Failed.");
  } finally {
    if (run === null || run === current) resetButton(current);
  }
}

function resetButton(current) {
  current.end = null;
  element("speak").textContent = "Speak";
  element("speak").disabled = false;
}

// All was heard, or nothing more will be.
function finish(status) {
  run = null;
  element("stop").disabled = true;
  say(status);
}

function stop() {
  const current = run;
  current.stop();
  if (current.isDone) finish("Stopped.");
}

function offerFile(current) {
  const link = element("save");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(wavFile(current.pieces, context.sampleRate));
  link.hidden = false;
}

function options(select, choices) {
  const chosen = select.value;
  select.replaceChildren(...choices.map(([value, label]) => new Option(label, value, false, value === chosen)));
}

// Fill the page with what the server has. It may want a key for that, and then has a field for it.
async function load() {
  const key = fields.key.value;
  element("speak").disabled = true;
  try {
    info = await ask("/info", key);
    const voices = (await ask("/v1/voices", key)).data;
    fillIn(voices);
    clearError();
    element("speak").disabled = false;
    say("Ready.");
  } catch (error) {
    if (error.code === "unavailable") return waitForServer();
    if (error.code === "invalid_api_key") element("key-field").hidden = false;
    if (error.code === "invalid_api_key" && !key) say("This server asks for an API key.");
    else showError(error);
  }
}

function waitForServer() {
  say("The server is starting…");
  setTimeout(load, 1000);
}

const capitalised = (name) => name.charAt(0).toUpperCase() + name.slice(1);

function fillIn(voices) {
  show("model", info.model);
  element("warning").textContent = info.warning ?? "";
  element("warning").hidden = !info.warning;
  element("instructions-field").hidden = !info.takes_instructions;
  fields.text.maxLength = info.max_text_length;
  element("voice-field").hidden = !voices.length;
  options(fields.voice, voices.map(({ name }) => [name, capitalised(name)]));
  options(fields.language, ["auto", ...info.languages.filter((name) => name !== "auto")].map((name) => [name, capitalised(name)]));
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  speak();
});
element("stop").addEventListener("click", stop);
fields.key.value = sessionStorage.getItem("key") ?? "";
fields.key.addEventListener("change", () => {
  sessionStorage.setItem("key", fields.key.value);
  load();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !element("speak").disabled) speak();
});
load();
