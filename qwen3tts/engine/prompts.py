"""An utterance's prompt on the device, and its row's first state."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.engine.rows import Rows
from qwen3tts.engine.utterance import Utterance
from qwen3tts.model.prompt import embed_prompt, embed_text
from qwen3tts.model.transfer import to_device
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights


def embed_utterance(talker: TalkerWeights, predictor: CodePredictorWeights, rows: Rows, utterance: Utterance) -> Tensor:
    """Give an utterance its row; returns the inputs of all positions of its prompt but the last: (positions - 1, hidden).

    Of the weights only embeddings and the text projection are read.
    """
    dtype, device, prompt = rows.pad.dtype, rows.pad.device, utterance.prompt
    speaker, reference = (
        None if array is None else to_device(torch.from_numpy(array), kind, device)
        for array, kind in ((utterance.speaker_embedding, dtype), (utterance.reference_codes, torch.int64))
    )
    x = embed_prompt(talker, predictor, prompt, speaker, reference, dtype)
    text = embed_text(talker, _fitting(utterance, len(prompt), prompt.trailing_text_ids), dtype)
    rows.start(utterance.row, len(x) - 1, x[-1], text, utterance.pages, utterance.sampling)
    return x[:-1]


def embed_more_text(talker: TalkerWeights, rows: Rows, utterance: Utterance, start: int, text_ids: Sequence[int]) -> None:
    """Add to the text that a row is fed, from position `start` on."""
    text = embed_text(talker, _fitting(utterance, start, text_ids), rows.pad.dtype)
    rows.add_text(utterance.row, start, text, utterance.pages)


def _fitting(utterance: Utterance, start: int, text_ids: Sequence[int]) -> Sequence[int]:
    """The text that its pages have room for; no frame will need the rest."""
    return text_ids[: max(0, len(utterance.pages) * PAGE_SIZE - start)]
