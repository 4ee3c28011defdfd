"""Long runs: full-size weights in little memory, and a thousand utterances that leave nothing behind."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qwen3tts import TTS, SamplingParams

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parent.parent
SPEAK = """
import sys
from bench.machine import peak_memory_mib
from qwen3tts import TTS
tts = TTS.load(sys.argv[1], device="cpu", dtype="bfloat16")
loaded = peak_memory_mib()
tts.synthesize("Hello there, how are you?", max_frames=3)
print(loaded, peak_memory_mib())
"""


def test_a_full_size_model_loads_and_speaks_in_the_size_of_its_files_and_a_quarter(tmp_path):
    folder = tmp_path / "full"
    subprocess.run([sys.executable, "-m", "bench.weights", "0.6B", str(folder)], check=True, cwd=ROOT)
    files = sum(path.stat().st_size for path in folder.rglob("*.safetensors")) / 2**20
    done = subprocess.run([sys.executable, "-c", SPEAK, str(folder)], check=True, capture_output=True, text=True, cwd=ROOT)
    loaded, spoken = map(float, done.stdout.split())
    assert loaded < 0.5 * files
    assert spoken < 1.25 * files


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_thousand_streams_every_fifth_hung_up_on_leave_nothing(small, becomes_free):
    tts = TTS.load(small / "custom_voice", device="cpu")
    expected = tts.synthesize("Hello", max_frames=6, sampling=SamplingParams(seed=1)).codes
    draw = random.Random(0)
    before = 0
    for i in range(125):
        streams = [tts.stream("Hello", max_frames=6, sampling=SamplingParams(seed=draw.randrange(9))) for _ in range(8)]
        for j, stream in enumerate(streams):
            if (8 * i + j) % 5 == 0:
                next(stream)
                stream.close()
            else:
                assert sum(len(chunk.codes) for chunk in stream) <= 6
        assert becomes_free(tts)
        if i == 25:
            before = resident_bytes()
    assert resident_bytes() < 1.03 * before
    assert np.array_equal(tts.synthesize("Hello", max_frames=6, sampling=SamplingParams(seed=1)).codes, expected)
