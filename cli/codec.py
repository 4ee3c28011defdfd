"""`qwen3tts codec`: audio to codes and back."""

from __future__ import annotations

from typing import Annotated

import typer

from qwen3tts.audio.files import AudioWriter, read_audio
from qwen3tts.cli import options
from qwen3tts.cli.console import held_warnings
from qwen3tts.cli.files import audio_target, check_writable, read_codes, write_codes
from qwen3tts.cli.loading import load_model

app = typer.Typer(help="Audio to codes and back.")


@app.command()
def encode(
    audio: Annotated[str, typer.Argument(metavar="AUDIO", help="A WAV, FLAC, OGG, Opus or MP3 file, at any rate.")],
    output: options.TargetFile,
    model: options.Model = None,
) -> None:
    """Turn audio into codes: int64 (frames, 16), as a .npy file."""
    source = read_audio(audio)
    check_writable(output)
    with held_warnings():
        tts, _ = load_model(model)
        codes = tts.encode(source)
    write_codes(output, codes)


@app.command()
def decode(
    codes: Annotated[str, typer.Argument(metavar="CODES", help="A .npy file of integers, (frames, 16).")],
    output: options.TargetFile,
    format: options.Format = None,
    model: options.Model = None,
) -> None:
    """Turn codes into audio."""
    source = read_codes(codes)
    target, chosen_format = audio_target(output, format)
    with held_warnings():
        tts, _ = load_model(model)
        samples = tts.decode(source)
    with AudioWriter(target, tts.sample_rate, chosen_format) as writer:
        writer.write(samples)
