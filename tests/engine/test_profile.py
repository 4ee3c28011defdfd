"""Profiles: those that come along, files of one's own, and what is no profile."""

import re

import pytest

from qwen3tts.engine.profile import PROFILES, load_profile
from qwen3tts.errors import ConfigError, InputError

FIELDS = """
first_chunk_frames: 1
chunk_frames: 2
codec_batch: 4
prefill_tokens: 100
margin_seconds: 0.05
frames_per_prefill: 1
lead_seconds: 0.5
"""


def test_those_that_come_along_trade_first_audio_for_work():
    latency, balanced, throughput = map(load_profile, PROFILES)
    assert latency.chunk_frames <= balanced.chunk_frames <= throughput.chunk_frames
    assert latency.first_chunk_frames == 1
    assert latency.codec_batch <= balanced.codec_batch <= throughput.codec_batch
    assert latency.lead_seconds < balanced.lead_seconds < throughput.lead_seconds


def test_a_file_of_one_s_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FIELDS)
    assert load_profile(path).prefill_tokens == load_profile(str(path)).prefill_tokens == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("codec_batch: 4\n", ""), "lacks codec_batch"),
        (("codec_batch: 4", "codec_batch: 4\ncolour: red"), "has colour, unknown"),
        (("codec_batch: 4", "codec_batch: 0"), "codec_batch=0 is out of range"),
        (("codec_batch: 4", "codec_batch: true"), "codec_batch=True is out of range"),
        (("codec_batch: 4", "codec_batch: 1.5"), "codec_batch=1.5 is out of range"),
        (("lead_seconds: 0.5", "lead_seconds: .nan"), "lead_seconds=nan is out of range"),
        (("lead_seconds: 0.5", "lead_seconds: 0.01"), "lead_seconds=0.01 has to be more than margin_seconds=0.05"),
        ((FIELDS, "- a list"), "lacks"),
    ],
)
def test_what_is_no_profile_is_refused(tmp_path, change, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(FIELDS.replace(*change))
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_profile(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"{"])
def test_what_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "none.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="give latency, balanced, throughput or a YAML file"):
        load_profile(path)
