"""Prompt embeddings against the official prefill inputs."""

import torch

from qwen3tts.checkpoint import load_checkpoint
from qwen3tts.model.prompt import embed_prompt, embed_text
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights
from qwen3tts.prepare import prepare
from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.types import SpeechRequest
from qwen3tts.voice import Voice


def request_of(golden):
    meta, tensors = golden.meta, golden.tensors
    voice = None
    if golden.kind == "base":
        codes = tensors["ref_codes"].numpy() if "ref_codes" in tensors else None
        voice = Voice(tensors["speaker_embedding"].numpy(), codes, meta.get("ref_text"))
    return SpeechRequest(
        meta["text"],
        speaker=meta.get("speaker"),
        language=meta["language"],
        instruct=meta.get("instruct"),
        voice=voice,
        text_feed=golden.text_feed,
    )


@torch.inference_mode()
def test_prefill_and_trailing_text_equal_the_official_inputs(golden):
    checkpoint, tensors = load_checkpoint(golden.folder), golden.tensors
    config = checkpoint.config.talker_config
    talker = TalkerWeights.read(checkpoint.model, config, torch.float32)
    predictor = CodePredictorWeights.read(checkpoint.model, config.code_predictor_config, torch.float32)
    utterance = prepare(checkpoint, Tokenizer.load(golden.folder), request_of(golden), 1, 4096)

    got = embed_prompt(
        talker, predictor, utterance.prompt, tensors.get("speaker_embedding"), tensors.get("ref_codes"), torch.float32
    )
    torch.testing.assert_close(got, tensors["talker_prefill"], rtol=0, atol=1e-5)

    steps = tensors["talker_step_inputs"]
    pad = embed_text(talker, [checkpoint.config.tts_pad_token_id], torch.float32)
    text = torch.cat((embed_text(talker, utterance.prompt.trailing_text_ids, torch.float32), pad.expand(len(steps), -1)))
    tables = (talker.codec_embedding, *predictor.codec_embeddings)
    codes = sum(table[tensors["codes"][:, book]] for book, table in enumerate(tables))
    n = min(len(codes), len(steps))
    torch.testing.assert_close(codes[:n] + text[:n], steps[:n], rtol=0, atol=1e-5)
