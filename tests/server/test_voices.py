"""Stored voices: names, files, cloning once, and what cannot be a voice."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from qwen3tts import TTS, Voice
from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import BusyError, OutputError, VoiceError
from qwen3tts.server.voices import MOST_CLONES, SUFFIX, VoiceStore

RATE = 24_000


def recording(seed: int = 0, seconds: float = 0.6, format: str = "WAV") -> tuple[str, bytes]:
    """A file's name and its bytes."""
    noise = np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    memory = io.BytesIO()
    soundfile.write(memory, noise, RATE, format=format)
    return f"me.{format.lower()}", memory.getvalue()


def model_of(tts: TTS) -> AsyncTTS:
    model = AsyncTTS.of(tts)
    model.tts = tts
    return model


@pytest.fixture
def base(models: dict[str, TTS]) -> AsyncTTS:
    return model_of(models["base"])


@pytest.fixture
def within(base: AsyncTTS, tmp_path: Path) -> Iterator[Callable[[Callable[[VoiceStore], Awaitable[Any]]], Any]]:
    """Runs a function of a store whose folder stays, on an event loop of its own."""
    stores: list[VoiceStore] = []

    def run(do: Callable[[VoiceStore], Awaitable[Any]]) -> Any:
        async def in_loop() -> Any:
            stores.append(VoiceStore(tmp_path / "voices", base))
            return await do(stores[-1])

        return asyncio.run(in_loop())

    yield run
    for store in stores:
        store.close()


NAMES = ["me", "Зоя Иванова", "a%20b", "я" * 64, "\U0001f600"]


@pytest.mark.parametrize("name", NAMES)
def test_a_voice_keeps_its_name_on_disk(within, tmp_path: Path, name: str) -> None:
    added = within(lambda store: store.add(f"  {name} ", recording(), None))
    assert added.name == name
    (path,) = (tmp_path / "voices").iterdir()
    assert path.name.endswith(SUFFIX)

    async def look(store: VoiceStore) -> Voice | None:
        assert store.names() == [name]
        assert store.find("somebody else") is None
        return store.find(name)

    found = within(look)
    np.testing.assert_array_equal(found.speaker_embedding, added.speaker_embedding)
    assert found.name == name


def test_a_voice_is_that_of_the_library(within, models) -> None:
    name, data = recording()
    within(lambda store: store.add("me", (name, data), "What it says."))
    stored = within(lambda store: asyncio.sleep(0, store.find("me")))
    assert stored.text == "What it says."
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    direct = models["base"].clone_voice((samples, rate), "What it says.")
    np.testing.assert_array_equal(stored.speaker_embedding, direct.speaker_embedding)
    np.testing.assert_array_equal(stored.codes, direct.codes)


def test_one_spelling_of_a_name(within) -> None:
    composed, apart = "\u0439", "\u0438\u0306"

    async def do(store: VoiceStore) -> None:
        await store.add(apart, recording(), None)
        assert store.names() == [composed]
        assert store.find(composed) is store.find(f" {apart} ")
        with pytest.raises(VoiceError, match="is taken"):
            await store.add(composed, recording(), None)

    within(do)


@pytest.mark.parametrize(
    "name", ["", "  ", "a/b", "..", "a\nb", "a\0b", "\u202ea", "\ud800", "x" * 65, "default", "Default", "\U0001f600" * 64]
)
def test_names_that_cannot_be(within, tmp_path: Path, name: str) -> None:
    with pytest.raises(VoiceError, match=r"^name=.*: (give|choose)") as caught:
        # Nothing of the recording is looked at.
        within(lambda store: store.add(name, ("nothing", b""), None))
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "voices").iterdir()) == []


def test_a_name_that_is_taken(within) -> None:
    async def do(store: VoiceStore) -> None:
        first = await store.add("me", recording(0), None)
        with pytest.raises(VoiceError, match=r"^name='me' is taken"):
            await store.add("me", recording(1), None)
        assert store.find("me") is first
        both = await asyncio.gather(*(store.add("you", recording(seed), None) for seed in (2, 3)), return_exceptions=True)
        assert [isinstance(one, Voice) for one in both] == [True, False]
        assert isinstance(both[1], VoiceError)

    within(do)


def test_removing(within, tmp_path: Path) -> None:
    async def do(store: VoiceStore) -> None:
        await store.add("me", recording(), None)
        await store.add("you", recording(), None)
        await store.remove(" me ")
        assert store.find("me") is None and store.names() == ["you"]
        with pytest.raises(VoiceError, match=r"^name='me' is not a stored voice.*you"):
            await store.remove("me")
        await store.add("me", recording(), None)

    within(do)
    (tmp_path / "voices" / f"you{SUFFIX}").unlink()
    assert within(lambda store: asyncio.sleep(0, store.names())) == ["me"]


def test_in_memory(base) -> None:
    async def do() -> None:
        store = VoiceStore(None, base)
        await store.add("me", recording(), None)
        assert store.names() == ["me"]
        await store.remove("me")
        assert store.names() == []
        store.close()

    asyncio.run(do())


def test_the_same_recording_is_cloned_once(within) -> None:
    async def do(store: VoiceStore) -> None:
        first, second = await asyncio.gather(*(store.clone(recording(), "What it says.") for _ in range(2)))
        assert first is second
        assert await store.clone(("other name.wav", recording()[1]), "What it says.") is first
        assert await store.clone(recording(), "Something else.") is not first
        kept = await store.add("me", recording(), "What it says.")
        assert kept.codes is first.codes
        for seed in range(1, MOST_CLONES + 1):
            await store.clone(recording(seed), None)
        assert await store.clone(recording(), "What it says.") is not first

    within(do)


@contextmanager
def blocked(store: VoiceStore) -> Iterator[None]:
    """Nothing is cloned within the block."""
    end = threading.Event()
    store._thread.submit(end.wait)
    try:
        yield
    finally:
        end.set()


def test_a_caller_who_hangs_up_cancels_nobody_else(within) -> None:
    async def do(store: VoiceStore) -> None:
        with blocked(store):
            hasty, patient = (asyncio.ensure_future(store.clone(recording(), None)) for _ in range(2))
            await asyncio.sleep(0.01)
            hasty.cancel()
            await asyncio.wait({hasty})
        assert isinstance(await patient, Voice)
        assert hasty.cancelled()

    within(do)


def test_too_many_at_once(within) -> None:
    async def do(store: VoiceStore) -> None:
        with blocked(store):
            clones = {asyncio.ensure_future(store.clone(recording(seed), None)) for seed in range(MOST_CLONES + 1)}
            (refused,), waiting = await asyncio.wait(clones, return_when=asyncio.FIRST_COMPLETED)
            assert isinstance(refused.exception(), BusyError) and refused.exception().retry_after > 0
        assert all(isinstance(voice, Voice) for voice in await asyncio.gather(*waiting))
        # There is room again.
        assert isinstance(await store.clone(recording(99), None), Voice)

    within(do)


def test_files_that_are_no_voices_are_left_alone(within, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    within(lambda store: store.add("me", recording(), None))
    folder = tmp_path / "voices"
    good = (folder / f"me{SUFFIX}").read_bytes()
    Voice(np.ones(7, np.float32)).save(folder / f"stranger{SUFFIX}")
    bad = {"half": good[:100], "empty": b"", "junk": b"junk" * 100, "default": good, "a%2Fb": good}
    for name, content in bad.items():
        (folder / f"{name}{SUFFIX}").write_bytes(content)
    (folder / f"folder{SUFFIX}").mkdir()
    (folder / "notes.txt").write_text("of somebody")
    before = sorted(folder.iterdir())
    with caplog.at_level(logging.WARNING, "qwen3tts"):
        assert within(lambda store: asyncio.sleep(0, store.names())) == ["me"]
    skipped = [record.getMessage() for record in caplog.records if "skipped" in record.getMessage()]
    assert len(skipped) == len(bad) + 2
    for name in (*bad, "stranger", "folder"):
        assert any(f"{name}{SUFFIX}" in message for message in skipped)
    assert sorted(folder.iterdir()) == before


def test_a_voice_of_the_command_line_can_be_dropped_in(within, models, tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    models["base"].clone_voice((noise, RATE), name="another").save(tmp_path / "voices" / f"my own{SUFFIX}")

    async def do(store: VoiceStore) -> None:
        assert store.find("my own").name == "my own"
        await store.remove("my own")

    within(do)
    assert list((tmp_path / "voices").iterdir()) == []


def test_other_models_clone_nothing(models, tmp_path: Path, caplog: pytest.LogCaptureFixture, within) -> None:
    within(lambda store: store.add("me", recording(), None))

    async def do() -> None:
        store = VoiceStore(tmp_path / "voices", model_of(models["custom_voice"]))
        assert store.names() == []
        with pytest.raises(VoiceError, match="a custom_voice model clones no voices"):
            await store.clone(recording(), None)
        with pytest.raises(VoiceError, match=r"^name='Ryan' is that of a built-in voice"):
            await store.add("Ryan", recording(), None)
        store.close()

    asyncio.run(do())
    assert "a custom_voice model speaks with no stored voices" in caplog.text


def test_a_folder_that_cannot_be(base, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("of somebody")
    for folder in (tmp_path / "file", tmp_path / "file" / "voices"):
        with pytest.raises(OutputError, match=r"^voices=.* cannot be used: .*; give a folder"):
            VoiceStore(folder, base)


def test_a_folder_that_goes_away(within, tmp_path: Path) -> None:
    async def do(store: VoiceStore) -> None:
        (tmp_path / "voices").rmdir()
        with pytest.raises(OutputError, match="cannot write"):
            await store.add("me", recording(), None)
        assert store.names() == []
        (tmp_path / "voices").mkdir()
        await store.add("me", recording(), None)

    within(do)


def test_a_stored_voice_speaks(hosted_base) -> None:
    async def speak() -> int:
        voices = hosted_base.service.voices
        await voices.add("me", recording(), None)
        audio = await hosted_base.service.model.synthesize("Yes.", voice=voices.find("me"), max_frames=3)
        await voices.remove("me")
        return len(audio.codes)

    assert hosted_base.run(speak()) in (1, 2, 3)
