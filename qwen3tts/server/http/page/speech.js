// The server's two ways to speech as it is made. Each calls hear.start(sample rate in Hz) and then hear.audio(Uint8Array of 16-bit
// PCM), resolves at the end, and rejects with a SpeechError, or with an AbortError where `signal` said to stop.

export class SpeechError extends Error {
  // error: as the server tells it, in OpenAI's form.
  constructor(error) {
    super(error.message);
    this.param = error.param;
    this.code = error.code;
  }
}

function headers(key) {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

async function checked(response) {
  if (response.ok) return response;
  const type = response.headers.get("Content-Type") ?? "";
  const told = type.startsWith("application/json") ? (await response.json()).error : null;
  throw new SpeechError(told ?? { message: `the server answered ${response.status}`, code: String(response.status) });
}

// A JSON answer of the server's.
export async function ask(path, key) {
  return (await checked(await fetch(path, { headers: headers(key) }))).json();
}

// A text that is whole, by HTTP. request: the body of POST /v1/audio/speech.
export async function speakText(request, key, hear, signal) {
  const response = await checked(
    await fetch("/v1/audio/speech", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers(key) },
      body: JSON.stringify({ ...request, response_format: "pcm" }),
      signal,
    }),
  );
  hear.start(Number(response.headers.get("X-Sample-Rate")));
  const reader = response.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) hear.audio(piece.value);
}

// Base64url, as a subprotocol's name may hold no other characters.
function encoded(key) {
  return btoa(key).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// A text as it is typed, over the WebSocket: send(text) and end() while it speaks.
export class LiveText {
  constructor(request, key, hear, signal) {
    const url = new URL("/v1/audio/speech/ws", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url, key ? ["qwen3tts", `api-key.${encoded(key)}`] : ["qwen3tts"]);
    this.socket.binaryType = "arraybuffer";
    this.waiting = [{ type: "start", ...request }];
    this.socket.onopen = () => this.waiting.splice(0).forEach((message) => this.tell(message));
    this.done = this.listen(hear, signal).finally(() => this.socket.close());
  }

  listen(hear, signal) {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      socket.onclose = () => reject(new SpeechError({ message: "the server closed the connection, or asks for another API key" }));
      socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) return hear.audio(new Uint8Array(data));
        const message = JSON.parse(data);
        if (message.type === "started") hear.start(message.sample_rate);
        else if (message.type === "finished") resolve();
        else if (message.type === "error") reject(new SpeechError(message.error));
      };
    });
  }

  // What is said before the connection stands waits for it; after its end nobody listens.
  tell(message) {
    if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(message);
    else if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  send(text) {
    if (text) this.tell({ type: "text", text });
  }

  end() {
    this.tell({ type: "end" });
  }
}
