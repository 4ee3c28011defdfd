"""Voices that callers bring: cloned once, kept on disk under their names, ready to speak."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import re
import tempfile
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

import soundfile

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.audio.files import read_audio
from qwen3tts.audio.reference import MAX_SECONDS, MIN_SECONDS
from qwen3tts.errors import AudioError, BusyError, OutputError, UnavailableError, VoiceError
from qwen3tts.tts import TTS
from qwen3tts.voice import Voice

log = logging.getLogger("qwen3tts")

T = TypeVar("T")

SUFFIX = ".voice.safetensors"

LONGEST_NAME = 64
_LONGEST_FILE_NAME = 255 - len(SUFFIX)  # bytes that Linux leaves for a quoted name

MOST_CLONES = 16
"""Recordings whose voices are remembered, those that are being cloned among them."""

MOST_SAMPLES = 60 * 192_000 * 2
"""Of a recording, over all channels: 92 MB as float32. A compressed file of megabytes may hold hours."""

BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class _Stored:
    """A voice, and its file if it has one."""

    voice: Voice
    path: Path | None


class VoiceStore:
    """Stored voices by name, for one event loop. Cloning has a thread of its own, so that uploads hold up nothing else."""

    def __init__(self, folder: Path | None, model: AsyncTTS) -> None:
        """Read the voices of a folder, which is made where it is missing; None keeps voices in memory.

        A file that is damaged, of a name that cannot be or of a voice that the model cannot speak with is left alone, with a
        warning. Raises OutputError for a folder that cannot be.
        """
        self.folder, self.model = folder, model
        self._voices: dict[str, _Stored] = {}
        self._clones: dict[tuple[bytes, str | None], asyncio.Future[Voice]] = {}
        self._names_in_work: set[str] = set()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, "qwen3tts-voices")
        if folder is not None:
            self._read(folder)

    def names(self) -> list[str]:
        """Of all stored voices, in alphabetical order."""
        return sorted(self._voices)

    def find(self, name: str) -> Voice | None:
        """The stored voice of this name, or None."""
        stored = self._voices.get(_normal(name))
        return None if stored is None else stored.voice

    async def clone(self, reference: tuple[str, bytes], text: str | None) -> Voice:
        """A voice of a recording (file name, bytes) that is not kept; the last ones are remembered, not encoded again.

        text: what it says, or None. Raises VoiceError, AudioError and TextError, and BusyError where too many wait to be cloned.
        """
        name, data = reference
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).digest())
        key = digest, text
        clone = self._clones.pop(key, None)
        if clone is None:
            self._make_room()
            clone = self._work(partial(_clone, self.model.tts, name, data, text))
            clone.add_done_callback(partial(self._forget_failed, key))
        self._clones[key] = clone  # at the end: the others have not been asked for since
        # One caller who hangs up must not cancel the clone of another.
        return await asyncio.shield(clone)

    async def add(self, name: str, reference: tuple[str, bytes], text: str | None) -> Voice:
        """Clone a recording and keep it.

        Raises VoiceError for a name that is taken or cannot be, before anything is cloned; AudioError, TextError and BusyError as
        `clone`; OutputError where it cannot be written.
        """
        name = _normal(name)
        _check_name(name, self.model.tts)
        if self._closed:
            raise UnavailableError("the server is shutting down: try again later")
        if name in self._voices or name in self._names_in_work:
            raise VoiceError(f"name={name!r} is taken: choose another, or delete that voice first")
        self._names_in_work.add(name)
        try:
            voice = replace(await self.clone(reference, text), name=name)
            path = None if self.folder is None else self.folder / (_quoted(name) + SUFFIX)
            if path is not None:
                await self._work(partial(voice.save, path))
            self._voices[name] = _Stored(voice, path)
        finally:
            self._names_in_work.discard(name)
            if self._closed:
                self.close()
        return voice

    async def remove(self, name: str) -> None:
        """Forget a voice and delete its file. Raises VoiceError for a name that is not there, OutputError for a file that stays."""
        stored = self._voices.get(_normal(name))
        if stored is None:
            known = ", ".join(self.names()) or "there is none"
            raise VoiceError(f"name={name!r} is not a stored voice: give one of those ({known})")
        if stored.path is not None:
            try:
                stored.path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"cannot delete {stored.path}: {error.strerror}; check its permissions") from error
        del self._voices[_normal(name)]

    def close(self) -> None:
        """Take no more recordings. Those that are being cloned or written are finished, and then the thread ends."""
        self._closed = True
        if not self._names_in_work:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _work(self, job: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, job)

    def _make_room(self) -> None:
        """Forget the oldest clones until another can be remembered. Raises BusyError where all of them are being made."""
        made = [key for key, clone in self._clones.items() if clone.done()]
        surplus = len(self._clones) - MOST_CLONES + 1
        if surplus > len(made):
            raise BusyError(f"{len(self._clones)} recordings wait to be cloned: try again in {BUSY_SECONDS:g} s", BUSY_SECONDS)
        for key in made[: max(0, surplus)]:
            del self._clones[key]

    def _forget_failed(self, key: tuple[bytes, str | None], clone: asyncio.Future[Voice]) -> None:
        if clone.cancelled() or clone.exception() is not None:
            self._clones.pop(key, None)

    def _read(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A folder that cannot be written to is found out now, not by the first who brings a voice.
            with tempfile.TemporaryFile(dir=folder):
                pass
            paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
        except OSError as error:
            raise OutputError(f"voices={folder} cannot be used: {error.strerror or error}; give a folder to write to") from error
        for path in paths:
            name = _normal(unquote(path.name.removesuffix(SUFFIX)))
            try:
                _check_name(name, self.model.tts)
                if name in self._voices:
                    raise VoiceError(f"name={name!r} is taken: it is that of {self._voices[name].path} too")
                voice = Voice.load(path)
                _check_fit(voice, self.model.tts)
            except VoiceError as error:
                log.warning("skipped the voice file %s: %s", path, error)
                continue
            self._voices[name] = _Stored(replace(voice, name=name), path)


class _Upload(io.BytesIO):
    """A recording that messages call by its file's name."""

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name = name


def _clone(tts: TTS, name: str, data: bytes, text: str | None) -> Voice:
    if (kind := tts.checkpoint.config.kind) != "base":
        # Before it is read, as is its size: what comes compressed may fill the memory.
        raise VoiceError(f"a {kind} model clones no voices: load a base model")
    _check_size(data)
    shown = "".join(character for character in name if character.isprintable())[:LONGEST_NAME] or "of the upload"
    return tts.clone_voice(read_audio(_Upload(shown, data)), text)


def _check_size(data: bytes) -> None:
    """Raise AudioError for a recording that would take too much memory, by its header; what has none is refused when it is read."""
    try:
        info = soundfile.info(io.BytesIO(data))
    except (soundfile.SoundFileError, ValueError):
        return
    if info.frames > MAX_SECONDS * info.samplerate or info.frames * info.channels > MOST_SAMPLES:
        raise AudioError(
            f"reference audio holds {info.frames:,} samples in {info.channels} channels at {info.samplerate:,} Hz; "
            f"give {MIN_SECONDS:g} to {MAX_SECONDS:g} s of speech in one channel"
        )


def _normal(name: str) -> str:
    """One spelling of a name: stripped, accents composed."""
    return unicodedata.normalize("NFC", name.strip())


def _quoted(name: str) -> str:
    """A name as that of a file; `unquote` gives it back."""
    return re.sub(r"[^\w-]", lambda match: quote(match[0], safe=""), name)


def _check_name(name: str, tts: TTS) -> None:
    """Raise VoiceError for a name that no voice can have."""
    speakers = tts.checkpoint.config.speakers
    if not 1 <= len(name) <= LONGEST_NAME:
        raise VoiceError(f"name={name[: LONGEST_NAME + 1]!r} has {len(name)} characters: give 1 to {LONGEST_NAME}")
    if not name.isprintable() or "/" in name or not name.strip("."):
        raise VoiceError(f"name={name!r} cannot be a name: give printable characters, no slash, and not dots alone")
    if len(_quoted(name).encode()) > _LONGEST_FILE_NAME:
        raise VoiceError(f"name={name!r} is too long for the name of a file: give a shorter one")
    if name.lower() in ("default", *(speaker.lower() for speaker in speakers)):
        raise VoiceError(f"name={name!r} is that of a built-in voice: choose another")


def _check_fit(voice: Voice, tts: TTS) -> None:
    """Raise VoiceError for a voice that another model has made."""
    config = tts.checkpoint.config
    if config.kind != "base":
        raise VoiceError(f"a {config.kind} model speaks with no stored voices: load a base model")
    width = config.talker_config.hidden_size
    if voice.speaker_embedding.shape != (width,):
        raise VoiceError(f"it was made by a model of width {len(voice.speaker_embedding)}, this one has {width}: make it again")
