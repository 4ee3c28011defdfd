"""The prompt's layout against the embeddings that the official implementation prefills with and steps on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from qwen3tts.config import ModelConfig
from qwen3tts.errors import InputError, InstructError, LanguageError, SpeakerError, TextError, VoiceError
from qwen3tts.text import Tokenizer, build_prompt, check_text, default_text_feed
from qwen3tts.types import NO_TOKEN, Prompt

SMALL = Path(__file__).parents[1] / "data" / "small"
CASES = sorted(path for path in SMALL.glob("*/golden/*.json"))
TOLERANCE = 1e-5


def config_of(kind: str) -> ModelConfig:
    return ModelConfig.read(json.loads((SMALL / kind / "config.json").read_text()), kind)


def tokenizer_of(kind: str) -> Tokenizer:
    return Tokenizer.load(SMALL / kind)


def prompt_of(kind: str, case: dict, golden: dict[str, Tensor]) -> Prompt:
    in_context = "ref_codes" in golden
    return build_prompt(
        config_of(kind),
        tokenizer_of(kind),
        case["text"],
        speaker=case.get("speaker"),
        language=case["language"],
        instruct=case.get("instruct"),
        reference_text=case.get("ref_text"),
        reference_frames=len(golden["ref_codes"]) if in_context else 0,
        speaker_embedding="speaker_embedding" in golden,
        text_feed={None: None, True: "full", False: "step"}[case.get("non_streaming_mode")],
    )


class Embeddings:
    """The rows that a prompt's ids stand for, in plain torch."""

    def __init__(self, kind: str) -> None:
        self.weights = {
            name.removeprefix("talker."): tensor for name, tensor in load_file(SMALL / kind / "model.safetensors").items()
        }

    def text(self, ids: tuple[int, ...]) -> Tensor:
        w = self.weights
        rows = w["model.text_embedding.weight"][list(ids)]
        rows = F.silu(F.linear(rows, w["text_projection.linear_fc1.weight"], w["text_projection.linear_fc1.bias"]))
        return F.linear(rows, w["text_projection.linear_fc2.weight"], w["text_projection.linear_fc2.bias"])

    def codec(self, token: int) -> Tensor:
        return self.weights["model.codec_embedding.weight"][token]

    def frames(self, codes: Tensor) -> Tensor:
        tables = [self.weights["model.codec_embedding.weight"]]
        tables += [self.weights[f"code_predictor.model.codec_embedding.{i}.weight"] for i in range(codes.shape[1] - 1)]
        return sum(table[codes[:, i]] for i, table in enumerate(tables))

    def prefill(self, prompt: Prompt, golden: dict[str, Tensor]) -> Tensor:
        rows = []
        for text, codec in zip(prompt.text_ids, prompt.codec_ids, strict=True):
            row = torch.zeros(self.weights["model.norm.weight"].shape)
            row = row if text == NO_TOKEN else row + self.text((text,))[0]
            rows.append(row if codec == NO_TOKEN else row + self.codec(codec))
        x = torch.stack(rows)
        if prompt.speaker_position is not None:
            x[prompt.speaker_position] += golden["speaker_embedding"]
        if prompt.reference_frames:
            x[-prompt.reference_frames :] += self.frames(golden["ref_codes"])
        return x


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_layout_is_the_official_one(path: Path) -> None:
    kind, case, golden = path.parts[-3], json.loads(path.read_text()), load_file(path.with_suffix(".safetensors"))
    config, embeddings, prompt = config_of(kind), Embeddings(kind), prompt_of(kind, case, golden)

    template = f"<|im_start|>assistant\n{case['text']}<|im_end|>\n<|im_start|>assistant\n"
    assert list(tokenizer_of(kind).encode(template)) == golden["text_ids"].tolist()
    torch.testing.assert_close(embeddings.prefill(prompt, golden), golden["talker_prefill"], atol=TOLERANCE, rtol=0)

    frames = len(golden["codes"])
    pads = (config.tts_pad_token_id,) * max(0, frames - len(prompt.trailing_text_ids))
    fed = embeddings.text((prompt.trailing_text_ids + pads)[:frames])
    steps = golden["talker_step_inputs"][:frames] - embeddings.frames(golden["codes"])
    torch.testing.assert_close(fed, steps, atol=TOLERANCE, rtol=0)


def test_all_goldens_are_there() -> None:
    assert len(CASES) == 7


def test_in_context_reference_longer_and_shorter_than_the_text() -> None:
    """A token a step, what does not fit beside the reference trails; where the text ends first, the text pad fills."""
    config, tokenizer = config_of("base"), tokenizer_of("base")

    def lay_out(frames: int) -> Prompt:
        return build_prompt(config, tokenizer, "Hi.", reference_text="Hi.", reference_frames=frames, speaker_embedding=True)

    short = lay_out(1)
    spoken = short.text_ids[-2:] + short.trailing_text_ids
    assert len(spoken) > 4 and spoken[-1] == config.tts_eos_token_id
    assert lay_out(3).trailing_text_ids == spoken[4:]
    even, long = lay_out(len(spoken) - 1), lay_out(len(spoken) + 3)
    assert even.trailing_text_ids == long.trailing_text_ids == ()
    assert even.text_ids[-len(spoken) :] == spoken
    assert long.text_ids == even.text_ids + (config.tts_pad_token_id,) * 4


@pytest.mark.parametrize(
    ("speaker", "language", "tag"),
    [
        ("dylan", "chinese", "beijing_dialect"),
        ("dylan", None, "beijing_dialect"),
        ("dylan", "english", "english"),
        ("ryan", "zh", "chinese"),
        ("ryan", None, None),
    ],
)
def test_dialect_speaker_overrides_chinese_and_auto(speaker: str, language: str | None, tag: str | None) -> None:
    config = config_of("custom_voice")
    talker = config.talker_config
    prompt = build_prompt(config, tokenizer_of("custom_voice"), "Hello", speaker=speaker, language=language)
    codes = [code for code in prompt.codec_ids if code != NO_TOKEN]
    if tag is None:
        assert codes[:3] == [talker.codec_nothink_id, talker.codec_think_bos_id, talker.codec_think_eos_id]
    else:
        think = [talker.codec_think_id, talker.codec_think_bos_id, talker.codec_language_id[tag], talker.codec_think_eos_id]
        assert codes[:4] == think
    assert codes[3 if tag is None else 4] == talker.spk_id[speaker]


def test_first_speaker_where_none_is_named() -> None:
    config, tokenizer = config_of("custom_voice"), tokenizer_of("custom_voice")
    assert build_prompt(config, tokenizer, "Hello") == build_prompt(config, tokenizer, "Hello", speaker="Vivian")


def test_empty_instruct_is_none() -> None:
    config, tokenizer = config_of("voice_design"), tokenizer_of("voice_design")
    assert build_prompt(config, tokenizer, "Hello", instruct="") == build_prompt(config, tokenizer, "Hello")
    assert len(build_prompt(config, tokenizer, "Hello", instruct="Calm.")) > len(build_prompt(config, tokenizer, "Hello"))


@pytest.mark.parametrize(("kind", "feed"), [("custom_voice", "full"), ("voice_design", "full"), ("base", "step")])
def test_default_text_feed(kind: str, feed: str) -> None:
    assert default_text_feed(config_of(kind)) == feed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text is empty"),
        (" \n\t", "text is blank"),
        ("a" * 10_001, "10,001 characters"),
        ("a\ud800", "lone surrogate, U\\+D800, at character 1"),
        (b"bytes", "text is bytes"),
        (None, "text is NoneType"),
    ],
)
def test_bad_text(text: str, message: str) -> None:
    with pytest.raises(TextError, match=message):
        check_text(text)
    with pytest.raises(TextError, match=message):
        build_prompt(config_of("custom_voice"), tokenizer_of("custom_voice"), text)


def test_longest_text() -> None:
    check_text("a" * 10_000)


@pytest.mark.parametrize(
    ("kind", "arguments", "error", "message"),
    [
        ("custom_voice", {"speaker": "nobody"}, SpeakerError, "vivian, ryan, dylan"),
        ("custom_voice", {"language": "klingon"}, LanguageError, "auto, chinese"),
        ("custom_voice", {"text_feed": "half"}, InputError, "text_feed='half'.*full, step"),
        ("custom_voice", {"speaker_embedding": True}, VoiceError, "load a base model"),
        ("custom_voice", {"instruct": " "}, TextError, "instruct is blank"),
        ("voice_design", {"instruct": "\udc00"}, TextError, "instruct has a lone surrogate"),
        ("voice_design", {"speaker": "ryan"}, SpeakerError, "no built-in speakers"),
        ("base", {}, VoiceError, "voice is missing"),
        ("base", {"speaker_embedding": True, "speaker": "ryan"}, SpeakerError, "no built-in speakers"),
        ("base", {"speaker_embedding": True, "instruct": "Slowly."}, InstructError, "takes none"),
        ("base", {"speaker_embedding": True, "reference_frames": 3}, VoiceError, "both or neither"),
        ("base", {"speaker_embedding": True, "reference_text": "Hi."}, VoiceError, "both or neither"),
        ("base", {"speaker_embedding": True, "reference_text": " ", "reference_frames": 3}, TextError, "reference_text is blank"),
    ],
)
def test_what_a_model_cannot_follow(kind: str, arguments: dict, error: type[InputError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        build_prompt(config_of(kind), tokenizer_of(kind), "Hello", **arguments)
    assert "\n" not in str(caught.value)


def test_small_custom_voice_model_takes_no_instruct() -> None:
    small = dataclasses.replace(config_of("custom_voice"), tts_model_size="0b6")
    with pytest.raises(InstructError, match="0b6 custom_voice"):
        build_prompt(small, tokenizer_of("custom_voice"), "Hello", instruct="Slowly.")
