"""The codec: 16 codes a frame to 24 kHz sound, and back."""

from qwen3tts.codec.checks import check_codes
from qwen3tts.codec.decoder import DecoderWeights, decode
from qwen3tts.codec.encoder import EncoderWeights, encode
from qwen3tts.codec.state import DecoderState, check_slots

__all__ = [
    "DecoderState",
    "DecoderWeights",
    "EncoderWeights",
    "check_codes",
    "check_slots",
    "decode",
    "encode",
]
