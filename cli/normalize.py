"""`qwen3tts normalize`: a text as it would be read, without a model."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from qwen3tts.cli import options
from qwen3tts.cli.console import print_json, print_line
from qwen3tts.cli.files import read_text
from qwen3tts.text.edits import Edit, apply_edits, spans_of
from qwen3tts.text.languages import language_code
from qwen3tts.text.marks import Words, parse
from qwen3tts.types import Emoji

Lang = Annotated[str, typer.Option("--lang", metavar="ru|en|auto", help="Whose rules hold; auto goes by script.")]
Spans = Annotated[bool, typer.Option("--spans", help="Print each piece that changes: where it is, what it is, how it is read.")]


def normalize(
    text: options.Text,
    lang: Lang = "auto",
    emoji: options.EmojiAs = options.EmojiChoice.drop,
    marks: options.Marks = True,
    spans: Spans = False,
    json: options.Json = False,
) -> None:
    """Write out numbers, dates, money and other signs of a text, as `synth` reads them; marks stay as they are."""
    source = read_text(text)
    edits = _edits(source, lang, emoji.value, marks)
    result = apply_edits(source, edits)
    rows = [_row(source, edit, at.spoken_start) for edit, at in zip(edits, spans_of(edits), strict=True)]
    if json:
        print_json({"text": result, **({"spans": rows} if spans else {})})
        return
    print_line(result)
    for row in rows if spans else ():
        print_line(f"{row['start']:>6}-{row['end']:<6} {row['kind']:<12} {row['source']!r} -> {row['spoken']!r}")


def _edits(source: str, language: str, emoji: Emoji, marks: bool) -> list[Edit]:
    """What changes between the marks."""
    # Its rules take half a second to make ready, and `qwen3tts --help` needs none of them.
    from qwen3tts.text.normalize import normalize as normalize_words
    from qwen3tts.text.reading import language_at
    from qwen3tts.text.zones import zones

    pieces = parse(source) if marks else [Words(source, 0, len(source))]
    edits, code, worded = [], language_code(language), source
    for piece in pieces:
        # Words that SSML writes with entities stay as they are, or the marks around them would not be well formed any more.
        if isinstance(piece, Words) and source[piece.start : piece.end] == piece.text:
            here = code
            if any(map(str.isalpha, piece.text)):
                worded = piece.text
            elif code == "auto":
                here = language_at(zones(worded, code), len(worded) - 1)
            found = normalize_words(piece.text, here, emoji=emoji)
            edits += [
                Edit(piece.start + span.start, piece.start + span.end, span.kind, found.text[span.spoken_start : span.spoken_end])
                for span in found.spans
            ]
    return edits


def _row(source: str, edit: Edit, spoken_start: int) -> dict[str, Any]:
    return {
        "start": edit.start,
        "end": edit.end,
        "kind": edit.kind,
        "source": source[edit.start : edit.end],
        "spoken": edit.text,
        "spoken_start": spoken_start,
        "spoken_end": spoken_start + len(edit.text),
    }
