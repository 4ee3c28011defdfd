"""`qwen3tts voice`: make, show and list voices."""

from __future__ import annotations

from typing import Annotated

import typer

from qwen3tts.audio.files import read_audio
from qwen3tts.cli import options
from qwen3tts.cli.console import held_warnings, print_json, print_line, print_note
from qwen3tts.cli.files import check_writable
from qwen3tts.cli.loading import load_model
from qwen3tts.text import check_text
from qwen3tts.voice import Voice

app = typer.Typer(help="Make, show and list voices.")


@app.command()
def create(
    recording: Annotated[str, typer.Argument(metavar="REF", help="0.5 to 60 s of the voice, as WAV, FLAC, OGG, Opus or MP3.")],
    output: options.TargetFile,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="What the recording says: brings the clone closer.")] = None,
    ref_silence: options.RefSilence = True,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="A name for people to read.")] = None,
    model: options.Model = None,
) -> None:
    """Clone a voice from a recording into a file for `synth --voice` (base models)."""
    if text is not None:
        check_text(text, "--text")
    audio = read_audio(recording)
    check_writable(output)
    with held_warnings():
        tts, _ = load_model(model)
        voice = tts.clone_voice(audio, text, ref_silence=ref_silence, name=name)
    voice.save(output)


@app.command()
def show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A voice file.")],
    json: options.Json = False,
) -> None:
    """Say what is in a voice file."""
    voice = Voice.load(file)
    facts = {
        "name": voice.name,
        "cloning": "in context" if voice.in_context else "speaker embedding",
        "frames": voice.frames,
        "text": voice.text,
        "width": len(voice.speaker_embedding),
    }
    if json:
        print_json(facts)
        return
    for key, value in facts.items():
        print_line(f"{key:<8} {'-' if value is None else value}")


@app.command("list")
def list_speakers(model: options.Model = None) -> None:
    """List a model's built-in speakers, and the dialect of those who have one."""
    # Torch takes seconds to import.
    from qwen3tts.checkpoint import load_checkpoint, locate

    config = load_checkpoint(locate(model)).config
    for speaker in config.speakers:
        dialect = config.talker_config.spk_is_dialect.get(speaker)
        print_line(f"{speaker} ({dialect})" if dialect else speaker)
    if not config.speakers:
        print_note("note", f"a {config.kind} model has no built-in speakers")
