"""The public face: load a model, speak, stream, clone, encode, decode."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qwen3tts import codec
from qwen3tts.backend import Machine, check_memory, resolve_backend, resolve_quantize, uses_graphs
from qwen3tts.checkpoint import Checkpoint, embedded_checkpoint, load_checkpoint, locate
from qwen3tts.cloning import AudioSource, Encoders
from qwen3tts.device import free_memory, resolve_device, resolve_dtype
from qwen3tts.engine.build import build_engine
from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.engine import Engine
from qwen3tts.engine.loop import EngineLoop
from qwen3tts.engine.profile import load_profile
from qwen3tts.errors import InputError
from qwen3tts.prepare import chunk_frames_of, speech_request
from qwen3tts.recital import Recital
from qwen3tts.stream import AsyncSpeechStream, SpeechStream, join
from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.types import Audio, EngineLoad, SpeechRequest
from qwen3tts.voice import Voice
from qwen3tts.written import AsyncSpeech, WrittenStream

log = logging.getLogger("qwen3tts")

WHOLE_CHUNK_FRAMES = 25
"""Frames in a chunk when nobody waits for the first of them."""


class TTS:
    """A loaded model. Its methods may be called from several threads; utterances in flight at once share the batch.

    The engine runs on a thread of its own from the first utterance until `close`, or until nobody holds this object any more.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        tokenizer: Tokenizer,
        engine: Engine,
        device: torch.device,
        dtype: torch.dtype,
        backend: str,
        quantize: str | None,
    ) -> None:
        self.checkpoint, self.tokenizer, self.engine = checkpoint, tokenizer, engine
        self.device, self.dtype, self.backend, self.quantize = device, dtype, backend, quantize
        self._loop, self._encoders = EngineLoop(engine), Encoders(checkpoint)

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        device: str = "auto",
        dtype: str | None = None,
        cuda_graphs: bool = True,
        quantize: str | None = None,
        max_batch: int = 8,
        kv_positions: int | None = None,
        backend: str | None = None,
        graph_buckets: Sequence[int] | None = None,
        profile: str | Path = "latency",
        queue: int | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> TTS:
        """Load a model folder or a Hugging Face repository; None is $QWEN3TTS_MODEL or, without it, the embedded checkpoint.

        device: "auto", "cpu" or "cuda[:N]". dtype: of the weights, "float32", "bfloat16" or "float16"; None is float32 on a CPU
        (where arithmetic is float32 whatever the weights are stored in) and bfloat16 on a GPU. cuda_graphs: replay frames as CUDA
        graphs, where there are a GPU and Triton's kernels. quantize: None, "none" or "fp8". max_batch: utterances in flight.
        kv_positions: KV cache shared by them, in positions. backend: "torch", "triton", "sdpa" or "flash"; None is "triton" on an
        NVIDIA GPU and "torch" elsewhere. graph_buckets: batch sizes that graphs are captured for; None is a list up to max_batch.
        profile: "latency", "balanced", "throughput" or a YAML file with the fields of `engine.profile.Profile`. queue: utterances
        that may wait for a place in the batch; None is no limit. on_progress: called with what is done, how much of it, and how
        much there is. All is checked before a weight is read. Raises CheckpointError, DeviceError, InputError.
        """
        _check_sizes(max_batch, kv_positions, queue, graph_buckets)
        tuning = load_profile(profile)
        place = resolve_device(device)
        weights_dtype = resolve_dtype(dtype, place)
        machine = Machine.of(place, flash=backend == "flash")
        resolved = resolve_backend(backend, machine, weights_dtype)
        weights_format = resolve_quantize(quantize, machine, resolved)
        folder = locate(model)
        checkpoint = load_checkpoint(folder)
        if place.type == "cuda":
            check_memory(checkpoint, place, weights_dtype, weights_format, kv_positions, free_memory(place))
        tokenizer = Tokenizer.load(folder)
        if folder == embedded_checkpoint():
            log.warning("The embedded checkpoint has random weights and makes noise, not speech: give a model to hear a voice.")
        engine = build_engine(
            checkpoint,
            place,
            weights_dtype,
            max_batch,
            kv_positions,
            backend=resolved,
            cuda_graphs=uses_graphs(cuda_graphs, machine, resolved),
            quantize=weights_format,
            graph_buckets=graph_buckets,
            profile=tuning,
            queue=queue,
            progress=on_progress,
        )
        if engine.weight_error is not None:
            log.info(
                "quantize=%r: weights are off by %.2f %% of their size (root mean square)", quantize, engine.weight_error * 100
            )
        return cls(checkpoint, tokenizer, engine, place, weights_dtype, resolved.name, weights_format)

    @property
    def sample_rate(self) -> int:
        """Of all audio that comes out, in Hz."""
        return self.checkpoint.codec_config.output_sample_rate

    @property
    def frame_seconds(self) -> float:
        """Duration of a frame in seconds."""
        return self.checkpoint.codec_config.frame_seconds

    def synthesize(self, text: str, **options: Any) -> Audio:
        """Speak a text. `options`: the other fields of `SpeechRequest` (speaker, language, instruct, voice, sampling and so on)."""
        return self.synthesize_many([text], **options)[0]

    def synthesize_many(self, requests: Iterable[str | Mapping[str, Any] | SpeechRequest], **options: Any) -> list[Audio]:
        """Speak several texts side by side; each comes out as it would alone, in the order given.

        A request is a text, a mapping of `SpeechRequest`'s fields, or a SpeechRequest; `options` hold for the first two where
        they give none of their own. All are checked before any is spoken.
        """
        recitals = [self._recital(speech_request(item, options), WHOLE_CHUNK_FRAMES, listening=False) for item in requests]
        streams = [SpeechStream(self._loop, recital) for recital in recitals]
        # Side by side: the next utterance of a text is submitted when its last one is read.
        with ThreadPoolExecutor(self.engine.scheduler.rows) as readers:
            try:
                self._loop.submit([recital.first for recital in recitals])
                return list(readers.map(lambda stream: join(list(stream)), streams))
            finally:
                for stream in streams:
                    stream.close()

    def stream(self, text: str | SpeechRequest, *, chunk_ms: float | None = 80, **options: Any) -> SpeechStream:
        """Speak a text, or a request, in chunks as they are made.

        A chunk is the whole frames that cover `chunk_ms`, None is the profile's choice; a pause is no frame, and its chunks have no
        codes. `options` as for `synthesize`. Every argument is checked here, before the first chunk. Closing the stream cancels.
        """
        recital = self._recital(speech_request(text, options), chunk_frames_of(chunk_ms, self.frame_seconds))
        stream = SpeechStream(self._loop, recital)
        self._loop.submit([recital.first])
        return stream

    def astream(self, text: str | AsyncIterable[str], *, chunk_ms: float | None = 80, **options: Any) -> AsyncSpeech:
        """`stream` for asyncio: the event loop stays free.

        text: a text, or its pieces as somebody writes them, an LLM say; the speech then begins before the text ends, see
        `WrittenStream`.
        """
        frames = chunk_frames_of(chunk_ms, self.frame_seconds)
        if not isinstance(text, str):
            return WrittenStream(self._loop, self.checkpoint, self.tokenizer, text, speech_request("A word.", options), frames)
        recital = self._recital(speech_request(text, options), frames)
        stream = AsyncSpeechStream(self._loop, recital)
        self._loop.submit([recital.first])
        return stream

    async def asynthesize(self, text: str, **options: Any) -> Audio:
        """`synthesize` for asyncio."""
        recital = self._recital(speech_request(text, options), WHOLE_CHUNK_FRAMES, listening=False)
        stream = AsyncSpeechStream(self._loop, recital)
        self._loop.submit([recital.first])
        return join([chunk async for chunk in stream])

    def load_state(self) -> EngineLoad:
        """How much the engine has to do."""
        return self._loop.load()

    def on_frame(self, observe: Callable[[float], None]) -> None:
        """Have a function called with the seconds of every step of the engine, on its thread; it has to return at once."""
        self._loop.on_frame.append(observe)

    def close(self) -> None:
        """Cancel what is not spoken and end the engine's thread; nothing can be spoken afterwards."""
        self._loop.close()

    def clone_voice(
        self, audio: AudioSource, text: str | None = None, *, ref_silence: bool = True, name: str | None = None
    ) -> Voice:
        """Make a voice from 0.5 to 60 s of reference audio.

        text: what the reference says. With it, the model continues the reference (in-context cloning, closer to the voice);
        without it, only the speaker embedding is used. ref_silence: put 0.5 s of silence behind the reference, so that its last
        phoneme does not bleed into the first word; off is the official behaviour. Raises VoiceError, AudioError, TextError.
        """
        return self._encoders.clone_voice(audio, text, ref_silence, name)

    def encode(self, audio: AudioSource) -> np.ndarray:
        """The codec's codes of an audio: int64 (frames, 16), a frame for every 80 ms begun. Raises AudioError."""
        return self._encoders.encode(audio)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The waveform of codec codes (frames, 16): float32 (samples,) at `sample_rate`. Raises CodesError."""
        config, runner = self.checkpoint.codec_config.decoder_config, self.engine.codec
        checked = codec.check_codes(codes, config)
        state = codec.DecoderState(config, 1, self.device)
        alone = CodecRunner(config, runner.weights, state, runner.clock)
        with torch.inference_mode():
            return alone.run([checked.numpy()], [0]).samples[0].numpy()

    def _recital(self, request: SpeechRequest, chunk_frames: int | None, listening: bool = True) -> Recital:
        return Recital(self.checkpoint, self.tokenizer, request, chunk_frames, self._loop.positions, listening)


def _check_sizes(max_batch: int, kv_positions: int | None, queue: int | None, graph_buckets: Sequence[int] | None) -> None:
    """Raise InputError unless all that is given of them is of the right kind."""
    _check_whole("max_batch", max_batch)
    for name, value in (("kv_positions", kv_positions), ("queue", queue)):
        if value is not None:
            _check_whole(name, value)
    if graph_buckets is not None:
        _check_buckets(graph_buckets)


def _check_whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name}={value!r} is out of range: give a whole number from 1")


def _check_buckets(graph_buckets: Sequence[int]) -> None:
    if not isinstance(graph_buckets, Sequence) or not graph_buckets:
        raise InputError(f"graph_buckets={graph_buckets!r} has no batch sizes: give a list such as [1, 2, 4], or cuda_graphs=False")
    for i, size in enumerate(graph_buckets):
        _check_whole(f"graph_buckets[{i}]", size)
