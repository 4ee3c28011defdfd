"""The console command: its commands, its exit codes, and the one line for what went wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

import qwen3tts
from qwen3tts.cli import codec, show, voice
from qwen3tts.cli.console import print_line, print_note
from qwen3tts.cli.normalize import normalize
from qwen3tts.cli.serve import serve
from qwen3tts.cli.synth import synth
from qwen3tts.errors import Qwen3TTSError

FAULT, USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(add_completion=False, help="Text to speech with the Qwen3-TTS 12 Hz models.")
app.command()(synth)
app.command()(normalize)
app.command()(show.tokenize)
app.command()(show.info)
app.command()(serve)
app.add_typer(voice.app, name="voice")
app.add_typer(codec.app, name="codec")


@app.command(add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def bench(context: typer.Context) -> None:
    """Measure latency on this machine; the options are those of `python -m bench.latency`."""
    # Torch takes seconds to import.
    from qwen3tts.bench import latency

    raise typer.Exit(latency.main(context.args))


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"qwen3tts {qwen3tts.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; None takes the program's own arguments.

    Returns the exit code: 0 done, 2 wrong use or bad input (one line on standard error), 1 a fault of ours (with a traceback), 130
    interrupted.
    """
    # typer carries its own click or imports the other one, by version; what their users do wrong derives from this base in both.
    usage_errors = typer.BadParameter.__bases__
    try:
        return typer.main.get_command(app).main(arguments, prog_name="qwen3tts", standalone_mode=False) or 0
    except usage_errors as error:
        path = error.ctx.command_path if error.ctx else "qwen3tts"
        print_note("error", f"{error.format_message().rstrip('.')}: see `{path} --help`")
        return USAGE
    except Qwen3TTSError as error:
        # A reader that has had enough is no error.
        if isinstance(error.__cause__, BrokenPipeError):
            return 0
        print_note("error", str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        print_note("fault", "this is an error in qwen3tts itself: please report the lines above")
        return FAULT


def run() -> None:
    """The console command `qwen3tts`: `main`, and out."""
    code = main()
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        # It has been reported where it was written; the interpreter would try once more as it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
