"""The public face: load a model, speak, stream, clone, encode, decode."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qwen3tts import codec
from qwen3tts.audio.files import read_audio
from qwen3tts.audio.mel import mel_spectrogram
from qwen3tts.audio.reference import check_reference, check_waveform
from qwen3tts.audio.resample import resample
from qwen3tts.backend import Machine, check_memory, resolve_backend, resolve_quantize, uses_graphs
from qwen3tts.checkpoint import Checkpoint, embedded_checkpoint, load_checkpoint, locate
from qwen3tts.device import free_memory, resolve_device, resolve_dtype
from qwen3tts.engine.build import build_engine
from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.engine import Engine
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import InputError, VoiceError
from qwen3tts.model.speaker_encoder import SpeakerEncoderWeights, embed_speaker
from qwen3tts.prepare import chunk_frames_of, prepare
from qwen3tts.stream import SpeechStream
from qwen3tts.text.prompt import check_text
from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.types import Audio, AudioChunk, SpeechRequest
from qwen3tts.voice import Voice

log = logging.getLogger("qwen3tts")

WHOLE_CHUNK_FRAMES = 25
"""Frames in a chunk when nobody waits for the first of them."""

REFERENCE_SILENCE_SECONDS = 0.5

AudioSource = str | Path | tuple[np.ndarray, int]
"""An audio file, or (samples (n,) or (n, channels), sample rate in Hz)."""


class TTS:
    """A loaded model. Its methods may be called from several threads; utterances in flight at once share the batch."""

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
        self._lock = threading.Lock()

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
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> TTS:
        """Load a model folder or a Hugging Face repository; None is $QWEN3TTS_MODEL or, without it, the embedded checkpoint.

        device: "auto", "cpu" or "cuda[:N]". dtype: of the weights, "float32", "bfloat16" or "float16"; None is float32 on a CPU
        (where arithmetic is float32 whatever the weights are stored in) and bfloat16 on a GPU. cuda_graphs: replay frames as CUDA
        graphs, where there are a GPU and Triton's kernels. quantize: None, "none" or "fp8". max_batch: utterances in flight.
        kv_positions: KV cache shared by them, in positions. backend: "torch", "triton", "sdpa" or "flash"; None is "triton" on an
        NVIDIA GPU and "torch" elsewhere. graph_buckets: batch sizes that graphs are captured for; None is a list up to max_batch.
        on_progress: called with what is done, how much of it, and how much there is. All is checked before a weight is read.
        Raises CheckpointError, DeviceError, InputError.
        """
        _check_whole("max_batch", max_batch)
        if kv_positions is not None:
            _check_whole("kv_positions", kv_positions)
        if graph_buckets is not None:
            _check_buckets(graph_buckets)
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
        streams = self._submit([self._prepare(_request(item, options), WHOLE_CHUNK_FRAMES) for item in requests])
        try:
            return [_whole(list(stream)) for stream in streams]
        finally:
            for stream in streams:
                stream.close()

    def stream(self, text: str, *, chunk_ms: float = 80, **options: Any) -> SpeechStream:
        """Speak a text in chunks as they are made; a chunk is the whole frames that cover `chunk_ms`.

        `options` as for `synthesize`. Every argument is checked here, before the first chunk. Closing the stream cancels.
        """
        frames = chunk_frames_of(chunk_ms, self.frame_seconds)
        return self._submit([self._prepare(_request(text, options), frames)])[0]

    async def astream(self, text: str, *, chunk_ms: float = 80, **options: Any) -> AsyncIterator[AudioChunk]:
        """`stream` for asyncio: the engine runs in a worker thread, the event loop stays free."""
        stream = self.stream(text, chunk_ms=chunk_ms, **options)
        try:
            while (chunk := await asyncio.to_thread(next, stream, None)) is not None:
                yield chunk
        finally:
            await asyncio.to_thread(stream.close)

    def clone_voice(
        self, audio: AudioSource, text: str | None = None, *, ref_silence: bool = True, name: str | None = None
    ) -> Voice:
        """Make a voice from 0.5 to 60 s of reference audio.

        text: what the reference says. With it, the model continues the reference (in-context cloning, closer to the voice);
        without it, only the speaker embedding is used. ref_silence: put 0.5 s of silence behind the reference, so that its last
        phoneme does not bleed into the first word; off is the official behaviour. Raises VoiceError, AudioError, TextError.
        """
        config = self.checkpoint.config
        if config.kind != "base":
            raise VoiceError(f"a {config.kind} model clones no voices: load a base model")
        if text is not None:
            check_text(text, "text of the reference")
        rate = config.speaker_encoder_config.sample_rate
        waveform, source_rate = _waveform(audio)
        reference = torch.from_numpy(check_reference(waveform, source_rate, rate))
        with torch.inference_mode():
            mel = mel_spectrogram(reference, rate, config.speaker_encoder_config.mel_dim)
            embedding = embed_speaker(self._speaker_encoder, config.speaker_encoder_config, mel)
        codes = None
        if text is not None:
            silence = np.zeros(round(REFERENCE_SILENCE_SECONDS * source_rate) if ref_silence else 0, np.float32)
            codes = self._encode(np.concatenate((waveform, silence)), source_rate)
        return Voice(speaker_embedding=embedding.numpy(), codes=codes, text=text, name=name)

    def encode(self, audio: AudioSource) -> np.ndarray:
        """The codec's codes of an audio: int64 (frames, 16), a frame for every 80 ms begun. Raises AudioError."""
        return self._encode(*_waveform(audio))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The waveform of codec codes (frames, 16): float32 (samples,) at `sample_rate`. Raises CodesError."""
        config, runner = self.checkpoint.codec_config.decoder_config, self.engine.codec
        checked = codec.check_codes(codes, config)
        state = codec.DecoderState(config, 1, self.device)
        alone = CodecRunner(config, runner.weights, state, runner.clock)
        with torch.inference_mode():
            return alone.run([checked.numpy()], [0]).samples[0].numpy()

    def _encode(self, waveform: np.ndarray, source_rate: int) -> np.ndarray:
        config = self.checkpoint.codec_config
        samples = torch.from_numpy(resample(waveform, source_rate, config.input_sample_rate))
        with torch.inference_mode():
            return codec.encode(self._codec_encoder, config, samples).numpy()

    def _prepare(self, request: SpeechRequest, chunk_frames: int) -> Utterance:
        return prepare(self.checkpoint, self.tokenizer, request, chunk_frames, self.engine.scheduler.pages.positions)

    def _submit(self, utterances: list[Utterance]) -> list[SpeechStream]:
        with self._lock:
            self.engine.submit(utterances)
        return [SpeechStream(self.engine, self._lock, utterance) for utterance in utterances]

    @cached_property
    def _speaker_encoder(self) -> SpeakerEncoderWeights:
        return SpeakerEncoderWeights.read(self.checkpoint.model, self.checkpoint.config.speaker_encoder_config)

    @cached_property
    def _codec_encoder(self) -> codec.EncoderWeights:
        return codec.EncoderWeights.read(self.checkpoint.read_codec(), self.checkpoint.codec_config)


def _check_whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name}={value!r} is out of range: give a whole number from 1")


def _check_buckets(graph_buckets: Sequence[int]) -> None:
    if not isinstance(graph_buckets, Sequence) or not graph_buckets:
        raise InputError(f"graph_buckets={graph_buckets!r} has no batch sizes: give a list such as [1, 2, 4], or cuda_graphs=False")
    for i, size in enumerate(graph_buckets):
        _check_whole(f"graph_buckets[{i}]", size)


def _request(item: str | Mapping[str, Any] | SpeechRequest, options: Mapping[str, Any]) -> SpeechRequest:
    if isinstance(item, SpeechRequest):
        return item
    given = {**options, **(item if isinstance(item, Mapping) else {"text": item})}
    known = {f.name for f in fields(SpeechRequest)}
    unknown = sorted(set(given) - known)
    if unknown or "text" not in given:
        raise InputError(
            f"a request has {'unknown options ' + ', '.join(unknown) if unknown else 'no text'}: give {', '.join(sorted(known))}"
        )
    return SpeechRequest(**given)


def _whole(chunks: list[AudioChunk]) -> Audio:
    last = chunks[-1]
    assert last.finish_reason is not None  # only the final chunk ends a stream
    return Audio(
        samples=np.concatenate([chunk.samples for chunk in chunks]),
        sample_rate=last.sample_rate,
        codes=np.concatenate([chunk.codes for chunk in chunks]),
        finish_reason=last.finish_reason,
        seed=last.seed,
    )


def _waveform(audio: AudioSource) -> tuple[np.ndarray, int]:
    """Mono float32 samples and their rate, of a file or an array."""
    if isinstance(audio, (str, Path)):
        return read_audio(audio)
    samples, rate = audio
    return check_waveform(samples, rate), rate
