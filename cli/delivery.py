"""An utterance on its way out: to a file or standard output, its codes to another file."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qwen3tts.audio.files import AudioWriter
from qwen3tts.cli.console import speech_progress
from qwen3tts.cli.files import write_codes
from qwen3tts.types import AudioChunk, FinishReason

if TYPE_CHECKING:
    from qwen3tts import SpeechStream


@dataclass(frozen=True)
class Delivered:
    """What was said.

    codes: int64 (frames, codebooks). seconds: of speech. first_audio, total: seconds from the request to the first chunk (None
    where nothing was said) and to the last.
    """

    codes: np.ndarray
    seconds: float
    first_audio: float | None
    total: float
    finish_reason: FinishReason | None
    seed: int


def deliver(
    stream: SpeechStream, started: float, writer: AudioWriter | None, live: bool, codes_file: str | None, most_seconds: float | None
) -> Delivered:
    """Speak a stream to its end and write it.

    started: time of the request, on `time.perf_counter`. live: write each chunk as it comes, not all at the end. codes_file: None
    writes none. most_seconds: the longest the speech can be, for the progress bar. Raises OutputError.
    """
    chunks: list[AudioChunk] = []
    arrivals: list[float] = []
    with nullcontext() if writer is None else writer:
        with stream, speech_progress(most_seconds) as add_seconds:
            for chunk in stream:
                arrivals.append(time.perf_counter() - started)
                chunks.append(chunk)
                add_seconds(len(chunk.samples) / chunk.sample_rate)
                if writer is not None and live:
                    writer.write(chunk.samples)
        samples = np.concatenate([chunk.samples for chunk in chunks])
        if writer is not None and not live:
            writer.write(samples)
        codes = np.concatenate([chunk.codes for chunk in chunks])
        # Before the audio appears under its name: where the codes cannot be written, neither does.
        if codes_file is not None:
            write_codes(codes_file, codes)
    last = chunks[-1]
    return Delivered(
        codes=codes,
        seconds=len(samples) / last.sample_rate,
        first_audio=arrivals[0] if len(codes) else None,
        total=arrivals[-1],
        finish_reason=last.finish_reason,
        seed=last.seed,
    )
