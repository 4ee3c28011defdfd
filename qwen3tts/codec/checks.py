"""What a caller may pass to the codec, checked once, before any of it runs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from qwen3tts.codec.state import DecoderState, check_slots
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.errors import CodesError


def check_codes(codes: np.ndarray | Tensor, config: CodecDecoderConfig) -> Tensor:
    """Codes of one utterance, (frames, num_quantizers) of any integer type -> the same as an int64 tensor.

    Raises CodesError where the shape, the type or a code is wrong.
    """
    if not isinstance(codes, (np.ndarray, Tensor)):
        raise CodesError(f"codes is a {type(codes).__name__}: give an array of shape (frames, {config.num_quantizers})")
    if len(codes.shape) != 2 or codes.shape[1] != config.num_quantizers or not codes.shape[0]:
        raise CodesError(f"codes has the shape {tuple(codes.shape)}: give (frames, {config.num_quantizers}), one frame or more")
    if not _is_integer(codes):
        raise CodesError(f"codes holds {codes.dtype}: give integers")
    wrong = (codes < 0) | (codes >= config.codebook_size)
    if wrong.any():
        frame, book = (int(i[0]) for i in wrong.nonzero()) if isinstance(wrong, np.ndarray) else wrong.nonzero()[0].tolist()
        raise CodesError(
            f"codes has {int(codes[frame, book])} at frame {frame}, codebook {book}: codes go from 0 to {config.codebook_size - 1}"
        )
    return codes.to(torch.int64) if isinstance(codes, Tensor) else torch.from_numpy(np.array(codes, dtype=np.int64, order="C"))


def _is_integer(codes: np.ndarray | Tensor) -> bool:
    if isinstance(codes, np.ndarray):
        return codes.dtype.kind in "iu"
    return not (codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool)


def check_call(codes: Tensor, slots: Tensor, config: CodecDecoderConfig, state: DecoderState) -> None:
    """What goes into `decode`. Tensors on a GPU are not read: shapes, types and devices have to do there. Raises CodesError."""
    books, device = config.num_quantizers, state.device
    if codes.dim() != 3 or codes.shape[2] != books or not codes.shape[0] or not codes.shape[1]:
        raise CodesError(f"codes has the shape {tuple(codes.shape)}: give (slots, frames, {books}), one or more of each")
    if slots.shape != codes.shape[:1]:
        raise CodesError(f"slots has the shape {tuple(slots.shape)}: give ({codes.shape[0]},), one for each row of codes")
    for name, tensor in (("codes", codes), ("slots", slots)):
        if tensor.dtype != torch.int64:
            raise CodesError(f"{name} holds {tensor.dtype}: give torch.int64")
        if tensor.device != device:
            raise CodesError(f"{name} is on {tensor.device}, and the state is on {device}: bring both to one device")
    if device.type == "cpu":
        check_slots(slots.tolist(), state)
        check_codes(codes.flatten(0, 1), config)
