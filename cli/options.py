"""Every option that a command takes, by the name the commands give it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Annotated

import typer

from qwen3tts.backend import backend_named, check_format
from qwen3tts.device import check_device, check_dtype

MODEL, VOICE, TEXT, SAMPLING, OUTPUT = "Model", "Voice", "Text and length", "Sampling", "Output"


class TextFeedChoice(str, Enum):
    """How the talker reads the text."""

    full = "full"
    step = "step"


class EmojiChoice(str, Enum):
    """What becomes of emoji."""

    drop = "drop"
    name = "name"


class StatsFormat(str, Enum):
    """How figures are printed."""

    json = "json"


def _checked(check: Callable[[str], object]) -> Callable[[str | None], str | None]:
    """A callback that has a name checked as the command line is read: torch takes seconds to import, wrong use is told at once."""

    def callback(name: str | None) -> str | None:
        if name is not None:
            check(name)
        return name

    return callback


Text = Annotated[str, typer.Argument(metavar="TEXT", help="The text; @FILE reads it from a file, - from standard input.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

Model = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|REPO",
        help="A model's folder or Hugging Face repository; else $QWEN3TTS_MODEL, else the embedded voice.",
        rich_help_panel=MODEL,
    ),
]
Device = Annotated[
    str,
    typer.Option(metavar="auto|cpu|cuda[:N]", callback=_checked(check_device), help="Where to compute.", rich_help_panel=MODEL),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="float32|bfloat16|float16",
        callback=_checked(check_dtype),
        help="Of the weights; else float32 on a CPU, bfloat16 on a GPU.",
        rich_help_panel=MODEL,
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(
        metavar="torch|triton|sdpa|flash",
        callback=_checked(backend_named),
        help="Plain torch, or Triton kernels, these also with torch's or flash-attn's attention for the prompt; else triton on an "
        "NVIDIA GPU, torch elsewhere.",
        rich_help_panel=MODEL,
    ),
]
CudaGraphs = Annotated[
    bool | None,
    typer.Option(
        "--cuda-graphs/--no-cuda-graphs",
        help="Replay frames as CUDA graphs; else where there are an NVIDIA GPU and Triton kernels.",
        rich_help_panel=MODEL,
    ),
]
Quantize = Annotated[
    str,
    typer.Option(
        metavar="none|int8|int4|fp8",
        callback=_checked(check_format),
        help="Format of the weights; fp8 on GPUs from compute capability 8.9 on, int8 and int4 with a later version.",
        rich_help_panel=MODEL,
    ),
]

Speaker = Annotated[
    str | None, typer.Option(metavar="NAME", help="A built-in speaker; else the model's first.", rich_help_panel=VOICE)
]
Language = Annotated[
    str, typer.Option(metavar="NAME|auto", help="As the model names it, or a code like en.", rich_help_panel=VOICE)
]
Instruct = Annotated[str | None, typer.Option(metavar="TEXT", help="How to say it, in words.", rich_help_panel=VOICE)]
RefAudio = Annotated[
    str | None, typer.Option(metavar="FILE", help="Clone the voice in this recording (base models).", rich_help_panel=VOICE)
]
RefText = Annotated[
    str | None, typer.Option(metavar="TEXT", help="What the recording says: brings the clone closer.", rich_help_panel=VOICE)
]
RefSilence = Annotated[
    bool | None,
    typer.Option(
        "--ref-silence/--no-ref-silence",
        help="Put 0.5 s of silence behind the recording, so that its end does not bleed into the speech; on by default.",
        rich_help_panel=VOICE,
    ),
]
VoiceFile = Annotated[
    str | None, typer.Option("--voice", metavar="FILE", help="Speak with a saved voice (base models).", rich_help_panel=VOICE)
]

Seed = Annotated[int | None, typer.Option(help="The same seed gives the same speech; else a fresh one.", rich_help_panel=SAMPLING)]
Greedy = Annotated[bool, typer.Option("--greedy", help="Always take the likeliest code.", rich_help_panel=SAMPLING)]
Temperature = Annotated[float | None, typer.Option(help="0 is greedy.", rich_help_panel=SAMPLING)]
TopK = Annotated[int | None, typer.Option(help="Draw from the K likeliest codes; 0 from all.", rich_help_panel=SAMPLING)]
TopP = Annotated[
    float | None, typer.Option(help="Draw from the likeliest codes of this probability together.", rich_help_panel=SAMPLING)
]
RepetitionPenalty = Annotated[float | None, typer.Option(help="1 is none.", rich_help_panel=SAMPLING)]
MaxFrames = Annotated[
    int | None,
    typer.Option(min=1, help="At most so many frames of 80 ms; else a limit that grows with the text.", rich_help_panel=TEXT),
]
TextFeed = Annotated[
    TextFeedChoice | None,
    typer.Option(
        help="Read the text whole before speaking, or a token a frame; else as the model's kind does.", rich_help_panel=TEXT
    ),
]
Normalize = Annotated[
    bool,
    typer.Option(
        "--normalize/--no-normalize",
        help="Read numbers, dates, money, abbreviations and signs as words, in Russian and English.",
        rich_help_panel=TEXT,
    ),
]
Marks = Annotated[
    bool,
    typer.Option("--marks/--no-marks", help="Take [pause:400ms] and SSML for what they are.", rich_help_panel=TEXT),
]
EmojiAs = Annotated[EmojiChoice, typer.Option("--emoji", help="Leave emoji out, or name them.", rich_help_panel=TEXT)]
MaxChunkTokens = Annotated[
    int,
    typer.Option(min=1, help="Longer texts are spoken in parts of so many tokens at most.", rich_help_panel=TEXT),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be said, in which parts, and speak nothing.", rich_help_panel=TEXT),
]

Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to; - is raw PCM16 on standard output.", rich_help_panel=OUTPUT),
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="wav|flac|ogg|mp3|opus|pcm", help="Else by the file's suffix.", rich_help_panel=OUTPUT),
]
Stream = Annotated[bool, typer.Option("--stream", help="Write the speech as it is made.", rich_help_panel=OUTPUT)]
ChunkMs = Annotated[
    float | None,
    typer.Option(
        min=1, max=60_000, help="Milliseconds of speech written at once; a frame of 80 by default.", rich_help_panel=OUTPUT
    ),
]
SaveCodes = Annotated[
    str | None, typer.Option(metavar="FILE.npy", help="Write the codes too: int64 (frames, 16).", rich_help_panel=OUTPUT)
]
Stats = Annotated[
    StatsFormat | None,
    typer.Option(help="Print figures on standard output, or on standard error beside -o -.", rich_help_panel=OUTPUT),
]

TargetFile = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)]
