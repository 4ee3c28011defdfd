"""Text that is still being written: spoken from its first word on, with the codes of the whole."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from qwen3tts import SamplingParams
from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import SpeakerError, TextError
from qwen3tts.text.languages import resolve_language

SHORT = "Hello there, my dear friend, how are you today?"


async def pieces(*texts, after=None):
    for text in texts:
        yield text
        await asyncio.sleep(0)
    if after is not None:
        await after


async def read(stream):
    return [chunk async for chunk in stream]


def codes_of(chunks):
    return np.concatenate([chunk.codes for chunk in chunks])


def letters(text):
    return list(text)


def words(text):
    return [word + " " for word in text.split(" ")]


@pytest.mark.parametrize("cut", [letters, words, lambda text: [text], lambda text: ["", text[:9], "", text[9:], "  "]])
@pytest.mark.parametrize("seed", [3, 4])
def test_any_pieces_are_spoken_like_the_whole(tts, cut, seed, becomes_free):
    options = {"sampling": SamplingParams(seed=seed), "max_frames": 12}
    whole = tts.synthesize(SHORT, text_feed="step", **options)
    assert len(whole.codes) == 12

    async def speak():
        return await read(tts.astream(pieces(*cut(SHORT)), **options))

    chunks = asyncio.run(speak())
    assert np.array_equal(codes_of(chunks), whole.codes)
    assert np.array_equal(np.concatenate([chunk.samples for chunk in chunks]), whole.samples)
    assert [chunk.is_final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].finish_reason == whole.finish_reason
    assert [chunk.start for chunk in chunks] == list(np.cumsum([0, *(len(chunk.samples) for chunk in chunks[:-1])]))
    assert becomes_free(tts)


@pytest.mark.parametrize("cut", [letters, words])
def test_numbers_in_pieces_are_read_like_the_whole(tts, cut):
    text = "Only 12 of 25 came, and $5 were paid on January 5, 2024, by Dr. Smith."
    options = {"sampling": SamplingParams(seed=3), "max_frames": 40}
    whole = tts.synthesize(text, text_feed="step", **options)

    async def speak(**more):
        return codes_of(await read(tts.astream(pieces(*cut(text)), **options, **more)))

    assert np.array_equal(asyncio.run(speak()), whole.codes)
    assert not np.array_equal(asyncio.run(speak(normalize=False)), whole.codes)


def test_the_official_codes_come_out_word_by_word(goldens, models):
    [golden] = [golden for golden in goldens if golden.name == "ru_vivian_streaming_text"]
    meta, tts = golden.meta, models[golden.kind]

    async def speak():
        options = {"speaker": meta["speaker"], "language": resolve_language(tts.checkpoint.config, meta["language"])}
        stream = tts.astream(
            pieces(*letters(meta["text"])), sampling=SamplingParams(greedy=True), max_frames=golden.max_frames, **options
        )
        return codes_of(await read(stream))

    assert np.array_equal(asyncio.run(speak()), golden.tensors["codes"].numpy())


def test_speech_begins_before_the_sentence_ends(tts, becomes_free):
    async def speak():
        more = asyncio.Event()
        stream = tts.astream(pieces("Hello there, my ", "dear ", after=more.wait()), sampling=SamplingParams(seed=3), max_frames=12)
        heard = [await anext(stream) for _ in range(2)]
        assert not more.is_set()
        more.set()
        return heard + await read(stream)

    assert len(asyncio.run(speak())) > 2
    assert becomes_free(tts)


def test_a_frame_waits_for_its_word_and_others_do_not(tts, becomes_free):
    async def speak():
        never = asyncio.Event()
        stream = tts.astream(pieces("Hello there, ", after=never.wait()), sampling=SamplingParams(seed=3), max_frames=60)
        heard = []
        with pytest.raises(asyncio.TimeoutError):
            while True:
                heard.append(await asyncio.wait_for(anext(stream), 1))
        other = await tts.asynthesize("Hello", max_frames=3)
        await stream.aclose()
        return heard, other

    heard, other = asyncio.run(speak())
    assert 0 < sum(len(chunk.codes) for chunk in heard) < 60
    assert len(other.codes) <= 3
    assert becomes_free(tts)


def test_an_utterance_whose_words_stay_away_ends_and_gives_its_place_back(tts, becomes_free):
    async def speak():
        more = asyncio.Event()

        async def written():
            yield "Hello there, "
            await more.wait()
            yield "my friend. "

        stream = tts.astream(written(), sampling=SamplingParams(seed=3), max_frames=80)
        heard = []
        reader = asyncio.create_task(read(stream))
        while not tts.load_state().running:
            await asyncio.sleep(0.01)
        while tts.load_state().running:
            await asyncio.sleep(0.01)
        more.set()
        heard = await reader
        return heard

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qwen3tts.written.PAUSE_SECONDS", 0.5)
        chunks = asyncio.run(speak())
    assert chunks[-1].is_final
    assert len(codes_of(chunks)) > 2
    assert becomes_free(tts)


def test_a_long_text_is_several_utterances_and_loses_no_word(tts, becomes_free):
    sentence = "This is a sentence of quite a few words, and it has an end. "
    before, after = "<|im_start|>assistant\n", "<|im_end|>\n<|im_start|>assistant\n"
    encoded = []
    encode = type(tts.tokenizer).encode

    async def speak():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(tts.tokenizer), "encode", lambda self, text: encoded.append(text) or encode(self, text))
            return await read(tts.astream(pieces(*words(sentence * 3)), sampling=SamplingParams(seed=4), max_frames=300))

    chunks = asyncio.run(speak())
    first_words = [text.removeprefix(before).removesuffix(after) for text in encoded if text.startswith(before)]
    assert first_words == ["A word.", "This", "This", "This"]  # the first is the check of the arguments
    spoken = [text.removeprefix(before).removesuffix(after) for text in encoded if text != after]
    assert " ".join(word.strip() for word in spoken[1:]) == (sentence * 3).strip()
    assert [chunk.finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert becomes_free(tts)


@pytest.mark.parametrize("text_feed", ["full", None])
def test_what_needs_whole_sentences_waits_for_them(models, text_feed):
    tts = models["custom_voice"] if text_feed == "full" else models["base"]
    options = {"sampling": SamplingParams(seed=5), "max_frames": 6, "text_feed": text_feed}
    if text_feed is None:
        rate = tts.sample_rate
        options["voice"] = tts.clone_voice((np.sin(np.arange(rate) / 20).astype(np.float32), rate), text="A tone.")
    whole = tts.synthesize("One and two.", **options)

    async def speak():
        return codes_of(await read(tts.astream(pieces(*letters("One and two.")), **options)))

    assert np.array_equal(asyncio.run(speak()), whole.codes)


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ((), TextError, "blank"),
        (("  ", "\n"), TextError, "blank"),
        (("a ", 5), TextError, "piece of int"),
        (("\ud800",), TextError, "text"),
    ],
)
def test_bad_pieces_are_refused(tts, texts, error, message, becomes_free):
    async def speak():
        await read(tts.astream(pieces(*texts), max_frames=2))

    with pytest.raises(error, match=message):
        asyncio.run(speak())
    assert becomes_free(tts)


def test_arguments_are_checked_before_a_word_is_read(tts):
    async def speak():
        tts.astream(pieces("Hello"), speaker="nobody")

    with pytest.raises(SpeakerError):
        asyncio.run(speak())


def test_a_writer_that_fails_is_heard(tts, becomes_free):
    async def broken():
        yield "Hello there, "
        raise OSError("the writer is gone")

    async def speak():
        await read(tts.astream(broken(), max_frames=20))

    with pytest.raises(OSError, match="the writer is gone"):
        asyncio.run(speak())
    assert becomes_free(tts)


def test_limits_hold_for_the_whole_text(tts, becomes_free):
    async def speak(**options):
        never = asyncio.Event()
        return await read(
            tts.astream(pieces("Hello there, my friend ", after=never.wait()), sampling=SamplingParams(seed=3), **options)
        )

    assert asyncio.run(speak(timeout=0.5))[-1].finish_reason == "timeout"
    chunks = asyncio.run(speak(max_frames=2))
    assert len(codes_of(chunks)) == 2
    assert chunks[-1].finish_reason == "length"
    assert becomes_free(tts)


def test_a_model_as_an_async_context():
    async def speak():
        async with AsyncTTS.load(device="cpu", max_batch=2) as tts:
            audio = await tts.synthesize("Hello", max_frames=3, sampling=SamplingParams(seed=1))
            chunks = await read(tts.stream("Hello", max_frames=3, sampling=SamplingParams(seed=1)))
            assert tts.tts.load_state().pages_used == 0
            return audio.codes, codes_of(chunks)

    whole, streamed = asyncio.run(speak())
    assert np.array_equal(whole, streamed)
