"""The talker and the code predictor against the official implementation's goldens, teacher-forced so that errors cannot hide."""

import torch

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.checkpoint import load_checkpoint
from qwen3tts.model.code_predictor import predict_codes
from qwen3tts.model.talker import codec_logits, prefill, talker_step
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights


def read(checkpoint):
    config = checkpoint.config.talker_config
    talker = TalkerWeights.read(checkpoint.model, config, torch.float32)
    predictor = CodePredictorWeights.read(checkpoint.model, config.code_predictor_config, torch.float32)
    return config, talker, predictor


def run(config, talker, inputs, prompt):
    """Hidden states of the last prompt position and of every step after it; pages in reverse, as an allocator may hand them out."""
    cache = PagedKV.allocate(config, 12, torch.float32, torch.device("cpu"))
    table = torch.arange(11, 0, -1)
    prefill(talker, config, inputs[: prompt - 1], torch.arange(prompt - 1), cache.keys, cache.values, table)
    return torch.cat(
        [
            talker_step(talker, config, inputs[i : i + 1], torch.tensor([i]), cache.keys, cache.values, table[None])
            for i in range(prompt - 1, len(inputs))
        ]
    )


@torch.inference_mode()
def test_logits_and_codes_equal_the_official_ones(golden):
    config, talker, predictor = read(load_checkpoint(golden.folder))
    tensors = golden.tensors
    inputs = torch.cat((tensors["talker_prefill"], tensors["talker_step_inputs"]))
    hidden = run(config, talker, inputs, len(tensors["talker_prefill"]))
    torch.testing.assert_close(codec_logits(talker, hidden), tensors["talker_logits"], rtol=0, atol=1e-4)

    codes = tensors["codes"]
    n = len(codes)
    embedding = talker.codec_embedding[codes[:, 0]]
    predictor_config = config.code_predictor_config
    got = predict_codes(predictor, predictor_config, hidden[:n], codes[:, 0], embedding, lambda logits, _: logits.argmax(-1))
    assert torch.equal(got, codes)


@torch.inference_mode()
def test_frames_computed_together_equal_frames_computed_alone(small):
    config, talker, predictor = read(load_checkpoint(small / "custom_voice"))
    hidden, code0 = torch.randn(5, config.hidden_size), torch.arange(5)
    logits = []

    def draw(scores, _book):
        logits.append(scores)
        return scores.argmax(-1)

    def predict(rows):
        logits.clear()
        embedding = talker.codec_embedding[code0[rows]]
        predict_codes(predictor, config.code_predictor_config, hidden[rows], code0[rows], embedding, draw)
        return torch.stack(logits)

    together = predict(slice(0, 5))
    for i in range(5):
        assert torch.equal(together[:, i : i + 1], predict(slice(i, i + 1)))
