"""Write `waveforms_float64.safetensors`: the goldens' codes through the official decoder in float64, stored as float32.

The random decoders of the small checkpoints amplify rounding ten thousandfold, so that two float32 results, the official ones of
two processors among them, lie up to 1e-3 apart. This is what both of them round. Needs the environment of `make_reference.py`:

    python make_waveforms_float64.py
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


@torch.no_grad()
def main() -> None:
    official.Qwen3TTSTokenizerV2DecoderRMSNorm.forward = rms_norm
    waveforms = {}
    for folder in (HERE / kind for kind in ("custom_voice", "voice_design", "base")):
        tts = Qwen3TTSModel.from_pretrained(str(folder), dtype=torch.float32, device_map="cpu")
        decoder = tts.model.speech_tokenizer.model.decoder.double()
        for path in sorted((folder / "golden").glob("*.safetensors")):
            golden = load_file(path)
            codes = golden["codes"]
            reference = golden["ref_codes"] if path.stem.startswith("clone_icl") else codes[:0]
            samples = decoder(torch.cat((reference, codes)).T[None])[0, 0]
            waveforms[path.stem] = samples[len(reference) * decoder.total_upsample :].float().contiguous()
    save_file(waveforms, HERE / "waveforms_float64.safetensors")


if __name__ == "__main__":
    main()
