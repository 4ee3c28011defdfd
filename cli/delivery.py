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
from qwen3tts.types import FinishReason

if TYPE_CHECKING:
    from qwen3tts import SpeechStream


@dataclass(frozen=True)
class Delivered:
    """What was said.

    frames, seconds: of speech, pauses among the seconds. first_audio, total: seconds from the request to the first chunk (None
    where nothing was said) and to the last.
    """

    frames: int
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
    # Of a stream nothing is kept but what has to be: it may be a book.
    sound: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    frames = samples = 0
    first_audio = None
    with nullcontext() if writer is None else writer:
        with stream, speech_progress(most_seconds) as add_seconds:
            for chunk in stream:
                arrived = time.perf_counter() - started
                if first_audio is None and len(chunk.codes):
                    first_audio = arrived
                frames, samples = frames + len(chunk.codes), samples + len(chunk.samples)
                add_seconds(len(chunk.samples) / chunk.sample_rate)
                if writer is not None and live:
                    writer.write(chunk.samples)
                elif writer is not None:
                    sound.append(chunk.samples)
                if codes_file is not None:
                    codes.append(chunk.codes)
        for piece in sound:
            writer.write(piece)
        # Before the audio appears under its name: where the codes cannot be written, neither does.
        if codes_file is not None:
            write_codes(codes_file, np.concatenate(codes))
    return Delivered(frames, samples / chunk.sample_rate, first_audio, arrived, chunk.finish_reason, chunk.seed)
