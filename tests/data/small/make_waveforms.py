"""Write `waveforms.safetensors`: what the official decoder makes of the goldens' codes where rounding does not hide it.

The random decoders of the small checkpoints amplify rounding ten thousandfold, so that two float32 results, the official ones of
two processors among them, lie up to 1e-3 apart. So, for each golden NAME:

    NAME        in float64, which both float32 results round
    NAME.calm   in float32, by a decoder whose Snakes ripple e^2 times less, so that rounding stays small

both stored as float32. Needs the environment of `make_reference.py`: python make_waveforms.py
"""

import sys
import types
from pathlib import Path

import torch
import transformers  # noqa: F401 - before the stubs: it asks which packages are installed
from safetensors.torch import load_file, save_file

# The official package imports torchaudio for its 25 Hz tokenizer alone; nothing here runs it.
for name in ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["torchaudio.compliance"].kaldi = sys.modules["torchaudio.compliance.kaldi"]

from qwen_tts import Qwen3TTSModel  # noqa: E402
from qwen_tts.core.tokenizer_12hz import modeling_qwen3_tts_tokenizer_v2 as official  # noqa: E402

HERE = Path(__file__).parent


def rms_norm(self, x):
    """The official one computes in float32 whatever the model's type."""
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def decode(decoder, reference, codes):
    samples = decoder(torch.cat((reference, codes)).T[None])[0, 0]
    return samples[len(reference) * decoder.total_upsample :].float().contiguous()


@torch.no_grad()
def main() -> None:
    waveforms = {}
    exact_norm, official_norm = rms_norm, official.Qwen3TTSTokenizerV2DecoderRMSNorm.forward
    for folder in (HERE / kind for kind in ("custom_voice", "voice_design", "base")):
        tts = Qwen3TTSModel.from_pretrained(str(folder), dtype=torch.float32, device_map="cpu")
        decoder = tts.model.speech_tokenizer.model.decoder
        goldens = {path.stem: load_file(path) for path in sorted((folder / "golden").glob("*.safetensors"))}
        parts = {
            name: (golden["ref_codes"] if name.startswith("clone_icl") else golden["codes"][:0], golden["codes"])
            for name, golden in goldens.items()
        }
        official.Qwen3TTSTokenizerV2DecoderRMSNorm.forward = exact_norm
        decoder.double()
        waveforms |= {name: decode(decoder, *part) for name, part in parts.items()}
        official.Qwen3TTSTokenizerV2DecoderRMSNorm.forward = official_norm
        decoder.float()
        for name, parameter in decoder.named_parameters():
            if name.endswith(".beta"):
                parameter += 2
        waveforms |= {f"{name}.calm": decode(decoder, *part) for name, part in parts.items()}
    save_file(waveforms, HERE / "waveforms.safetensors")


if __name__ == "__main__":
    main()
