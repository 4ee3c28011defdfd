"""`qwen3tts synth --dry-run`: what would be said, without a weight read."""

from __future__ import annotations

from qwen3tts.cli.console import print_json, print_line
from qwen3tts.types import SpeechRequest


def print_plan(request: SpeechRequest, model: str | None, json: bool) -> None:
    """Print the parts of a request's text: each utterance with its tokens, each pause with its length.

    Raises LanguageError and TextError.
    """
    # Torch takes seconds to import.
    from qwen3tts.checkpoint import load_checkpoint, locate
    from qwen3tts.recital import read_request
    from qwen3tts.text import Tokenizer, resolve_language
    from qwen3tts.text.reading import Speak

    folder = locate(model)
    resolve_language(load_checkpoint(folder).config, request.language)
    parts = list(read_request(request, Tokenizer.load(folder)))
    if json:
        rows = [{"text": p.text, "tokens": p.tokens} if isinstance(p, Speak) else {"pause_seconds": p.seconds} for p in parts]
        print_json({"parts": rows})
        return
    for part in parts:
        if isinstance(part, Speak):
            print_line(f"{part.tokens:>5} tokens  {' '.join(part.text.splitlines())}")
        else:
            print_line(f"{'pause':>12}  {part.seconds:g} s")
