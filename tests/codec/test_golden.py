"""Against what the official implementation made, in float32 on a CPU."""

from __future__ import annotations

import pytest
import torch
from conftest_codec import SMALL, Decoder, load_codec
