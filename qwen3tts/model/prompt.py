"""From a prompt's integers to the talker's input embeddings; the layout itself is `qwen3tts.text.prompt`'s."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from qwen3tts.kernels.embedding import frame_embedding_reference
from qwen3tts.model.transfer import to_device
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights
from qwen3tts.native import linear
from qwen3tts.types import NO_TOKEN, Prompt


def embed_text(weights: TalkerWeights, ids: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Text rows: embedding and projection of n ids, (n, hidden); official `text_projection(text_embedding(ids))`."""
    index = to_device(ids, torch.int64, weights.text_embedding.device)
    rows = weights.text_embedding[index].to(dtype)
    return linear(F.silu(linear(rows, weights.text_fc1, weights.text_fc1_bias)), weights.text_fc2, weights.text_fc2_bias)


def code_tables(talker: TalkerWeights, predictor: CodePredictorWeights) -> tuple[Tensor, ...]:
    """The embedding table of each codebook, all of the talker's width."""
    return (talker.codec_embedding, *predictor.codec_embeddings)


def embed_prompt(
    talker: TalkerWeights,
    predictor: CodePredictorWeights,
    prompt: Prompt,
    speaker_embedding: Tensor | None,
    reference_codes: Tensor | None,
    dtype: torch.dtype,
) -> Tensor:
    """The talker's inputs for a whole prompt: (positions, hidden).

    speaker_embedding: (hidden,) where the prompt has a speaker position. reference_codes: int64 (reference_frames,
    num_code_groups), on the talker's device.
    """
    table, device = talker.codec_embedding, talker.codec_embedding.device
    text, codec = (
        to_device([i for i, token in enumerate(ids) if token != NO_TOKEN], torch.int64, device)
        for ids in (prompt.text_ids, prompt.codec_ids)
    )
    codec_ids = to_device([token for token in prompt.codec_ids if token != NO_TOKEN], torch.int64, device)
    x = torch.zeros(len(prompt), table.shape[1], dtype=dtype, device=device)
    x[text] = embed_text(talker, [token for token in prompt.text_ids if token != NO_TOKEN], dtype)
    x[codec] += table[codec_ids].to(dtype)
    if prompt.speaker_position is not None and speaker_embedding is not None:
        x[prompt.speaker_position] += speaker_embedding.to(x)
    if prompt.reference_frames and reference_codes is not None:
        x[-prompt.reference_frames :] += frame_embedding_reference(reference_codes, code_tables(talker, predictor), dtype)
    return x
