"""`qwen3tts synth`: text in, speech out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from qwen3tts.audio.files import AudioWriter, read_audio
from qwen3tts.cli import options
from qwen3tts.cli.console import held_warnings, print_json
from qwen3tts.cli.delivery import Delivered, deliver
from qwen3tts.cli.files import STANDARD_STREAM, audio_target, check_writable, read_text
from qwen3tts.cli.loading import load_model
from qwen3tts.cli.plan import print_plan
from qwen3tts.errors import InputError
from qwen3tts.text import check_text
from qwen3tts.types import SamplingParams, SpeechRequest
from qwen3tts.voice import Voice

if TYPE_CHECKING:
    from qwen3tts import TTS

STREAMED_CHUNK_MS = 80.0
WHOLE_CHUNK_MS = 2000.0
"""Where nobody waits for the first chunk: few of them, and still a progress bar that moves."""

_NEEDS = (
    ("ref_text", "ref_audio"),
    ("ref_silence", "ref_audio"),
    ("chunk_ms", "stream"),
    ("stream", "output"),
    ("format", "output"),
)
_OF_THE_MODEL = ("model", "device", "dtype", "cuda_graphs", "quantize", "backend")
_OF_THE_REQUEST = ("max_frames", "text_feed", "normalize", "marks", "emoji", "max_chunk_tokens")
_EXCLUDES = (("dry_run", "output"), ("dry_run", "save_codes"), ("ref_audio", "voice"), ("greedy", "temperature"))


def synth(
    context: typer.Context,
    text: options.Text,
    output: options.Output = None,
    format: options.Format = None,
    stream: options.Stream = False,
    chunk_ms: options.ChunkMs = None,
    save_codes: options.SaveCodes = None,
    stats: options.Stats = None,
    dry_run: options.DryRun = False,
    speaker: options.Speaker = None,
    language: options.Language = "auto",
    instruct: options.Instruct = None,
    ref_audio: options.RefAudio = None,
    ref_text: options.RefText = None,
    ref_silence: options.RefSilence = None,
    voice: options.VoiceFile = None,
    seed: options.Seed = None,
    greedy: options.Greedy = False,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    repetition_penalty: options.RepetitionPenalty = None,
    max_frames: options.MaxFrames = None,
    text_feed: options.TextFeed = None,
    normalize: options.Normalize = True,
    marks: options.Marks = True,
    emoji: options.EmojiAs = options.EmojiChoice.drop,
    max_chunk_tokens: options.MaxChunkTokens = 256,
    model: options.Model = None,
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    backend: options.Backend = None,
    cuda_graphs: options.CudaGraphs = None,
    quantize: options.Quantize = "none",
) -> None:
    """Speak a text into a file, or as raw PCM16 on standard output."""
    _check_combinations(context.params)
    request = SpeechRequest(
        *(read_text(text), speaker, language, instruct),
        sampling=SamplingParams(seed, greedy, temperature, top_k, top_p, repetition_penalty),
        **{name: context.params[name] for name in _OF_THE_REQUEST},
    )
    if dry_run:
        print_plan(request, model, stats is not None)
        return
    reference = _Reference(ref_audio, ref_text, ref_silence, voice)
    _speak(request, reference, context.params)


@dataclass(frozen=True)
class _Reference:
    """Whose voice: a recording and what it says, or a saved voice."""

    audio: str | None
    text: str | None
    silence: bool | None
    saved: str | None


def _speak(request: SpeechRequest, reference: _Reference, given: Mapping[str, Any]) -> None:
    """Speak a request into what the options ask for; all files are looked at before the model is loaded."""
    known_voice = None if reference.saved is None else Voice.load(reference.saved)
    recording = None if reference.audio is None else _read_reference(reference.audio, reference.text)
    output, stream, save_codes, most_frames = (given[name] for name in ("output", "stream", "save_codes", "max_frames"))
    target, chosen_format = (None, "") if output is None else audio_target(output, given["format"])
    if save_codes is not None:
        check_writable(save_codes)
    with held_warnings():
        tts, load_seconds = load_model(**{name: given[name] for name in _OF_THE_MODEL})
        if recording is not None:
            known_voice = tts.clone_voice(recording, reference.text, ref_silence=reference.silence is not False)
        started = time.perf_counter()
        chunk_ms = given["chunk_ms"] or (STREAMED_CHUNK_MS if stream else WHOLE_CHUNK_MS)
        speech = tts.stream(replace(request, voice=known_voice), chunk_ms=chunk_ms)
    writer = None if target is None else AudioWriter(target, tts.sample_rate, chosen_format)
    most_seconds = None if most_frames is None else most_frames * tts.frame_seconds
    delivered = deliver(speech, started, writer, stream, save_codes, most_seconds)
    if given["stats"] is not None:
        figures = {"text_characters": len(request.text), "load_ms": load_seconds * 1000, **_figures(delivered, tts)}
        print_json(figures, on_standard_error=output == STANDARD_STREAM)


def _check_combinations(parameters: Mapping[str, Any]) -> None:
    """Raise InputError for options that are missing, contradict each other or come with a later version."""
    # A flag that is off counts as not given, and so does a temperature of 0, which is what --greedy says.
    given = {name for name, value in parameters.items() if value not in (None, False)}
    if not given & {"output", "save_codes", "dry_run"}:
        raise InputError("--output is missing: give -o FILE.wav, or -o - for raw PCM16 on standard output")
    for name, needed in _NEEDS:
        if name in given and needed not in given:
            raise InputError(f"{_option(name)} was given without {_option(needed)}: give both, or leave it out")
    for name, other in _EXCLUDES:
        if {name, other} <= given:
            raise InputError(f"{_option(name)} and {_option(other)} contradict each other: leave one out")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _read_reference(ref_audio: str, ref_text: str | None) -> tuple[np.ndarray, int]:
    """Samples of the recording to clone, and their rate in Hz."""
    if ref_text is not None:
        check_text(ref_text, "--ref-text")
    return read_audio(ref_audio)


def _figures(delivered: Delivered, tts: TTS) -> dict[str, Any]:
    """For --stats: times in milliseconds; nothing said has neither a first audio nor a real-time factor."""
    # Torch takes seconds to import.
    from qwen3tts.bench.machine import peak_memory_mib

    return {
        "frames": delivered.frames,
        "audio_seconds": delivered.seconds,
        "first_audio_ms": None if delivered.first_audio is None else delivered.first_audio * 1000,
        "total_ms": delivered.total * 1000,
        "real_time_factor": delivered.total / delivered.seconds if delivered.seconds else None,
        "finish_reason": delivered.finish_reason,
        "seed": delivered.seed,
        "sample_rate": tts.sample_rate,
        "model": str(tts.checkpoint.folder),
        "device": str(tts.device),
        "dtype": str(tts.dtype).removeprefix("torch."),
        "backend": tts.backend,
        "quantize": tts.quantize or "none",
        "weight_error": tts.engine.weight_error,
        "peak_memory_mib": peak_memory_mib(),
    }
