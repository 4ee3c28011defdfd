"""Everything this package raises on purpose.

Each message is one line that names the argument, what came and the remedy. `InputError` and its children mean wrong use or bad
input (exit code 2 on the command line); anything else that escapes is a fault of ours (exit code 1).
"""


class Qwen3TTSError(Exception):
    """Base class of every error that qwen3tts raises on purpose."""


class InputError(Qwen3TTSError, ValueError):
    """An argument is wrong: a bad text, setting or combination of options."""


class TextError(InputError):
    """The text is empty, blank, too long or not valid Unicode."""


class MarkError(TextError):
    """A mark in the text, `[pause:...]` or a tag of SSML, is unknown, unbalanced or badly written."""


class SpeakerError(InputError):
    """The speaker is unknown, or the model takes none."""


class LanguageError(InputError):
    """The language is not one that the model speaks."""


class InstructError(InputError):
    """An instruction was given to a model that takes none."""


class VoiceError(InputError):
    """A voice (a cloned one, or its file) is missing, unreadable or made for another model."""


class AudioError(InputError):
    """An audio file or waveform is missing, not audio, silent, too short or too long."""


class CodesError(InputError):
    """Codec codes have the wrong shape or type, or are out of range."""


class SamplingError(InputError):
    """A sampling setting is out of range."""


class CheckpointError(InputError):
    """A model folder is missing, incomplete, foreign or damaged."""


class ConfigError(CheckpointError):
    """A configuration file has a missing, unknown or unsupported value."""


class DeviceError(InputError):
    """The device, dtype or backend that was asked for cannot be had on this machine."""


class OutputError(InputError):
    """The output cannot be written."""


class CapacityError(InputError):
    """A request can never fit the memory reserved for it."""


class BusyError(Qwen3TTSError):
    """The line of waiting requests is full: nothing is wrong with the request, and it may succeed later.

    retry_after: seconds after which trying again makes sense.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(Qwen3TTSError):
    """The engine takes no requests: it is not ready yet, or it is shutting down."""
