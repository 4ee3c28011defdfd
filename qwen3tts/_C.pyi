from typing import TypedDict

Array = tuple[int, int]
Past = tuple[Array, Array, Array]

class BuildInfo(TypedDict):
    compiler: str
    cuda: bool
    cuda_version: str | None

class Layer:
    def __init__(
        self,
        weights: Array,
        bias: Array | None,
        alpha: Array | None,
        inv_beta: Array | None,
        channels: int,
        columns: int,
        taps: int,
        dilation: int,
        stride: int,
        activation: str,
        layout: str,
    ) -> None: ...

def linear(
    x: Array,
    w: Array,
    bias: Array | None,
    y: Array,
    m: int,
    k: int,
    n: int,
    weight_dtype: str,
    threads: int,
    isa: str = "auto",
) -> None: ...
def convolution(
    layer: Layer,
    x: Array,
    residual: Array | None,
    y: Array | None,
    activated: Array | None,
    batch: int,
    steps: int,
    past: Past | None,
    threads: int,
) -> None: ...
def convolution_cuda(
    layer: Layer,
    x: Array,
    residual: Array | None,
    y: Array | None,
    activated: Array | None,
    batch: int,
    steps: int,
    past: Past | None,
    workspace: Array,
    stream: int,
) -> None: ...
def residual_unit(
    dilated: Layer,
    pointwise: Layer,
    x: Array,
    residual: Array,
    y: Array | None,
    activated: Array | None,
    batch: int,
    steps: int,
    past: Past | None,
    threads: int,
) -> None: ...
def residual_unit_cuda(
    dilated: Layer,
    pointwise: Layer,
    x: Array,
    residual: Array,
    y: Array | None,
    activated: Array | None,
    batch: int,
    steps: int,
    past: Past | None,
    hidden: Array,
    workspace: Array,
    stream: int,
) -> None: ...
def dequantize(codes: Array, codebooks: Array, y: Array, rows: int, books: int, size: int, width: int) -> None: ...
def dequantize_cuda(
    codes: Array, codebooks: Array, y: Array, rows: int, books: int, size: int, width: int, stream: int
) -> None: ...
def rms_norm(x: Array, weight: Array, y: Array, rows: int, channels: int, eps: float, threads: int, isa: str = "auto") -> None: ...
def rms_norm_cuda(x: Array, weight: Array, y: Array, rows: int, channels: int, eps: float, stream: int) -> None: ...
def depthwise_norm(
    x: Array,
    weights: Array,
    bias: Array,
    scale: Array,
    shift: Array,
    y: Array,
    batch: int,
    steps: int,
    channels: int,
    taps: int,
    eps: float,
    past: Past | None,
    threads: int,
    isa: str = "auto",
) -> None: ...
def depthwise_norm_cuda(
    x: Array,
    weights: Array,
    bias: Array,
    scale: Array,
    shift: Array,
    y: Array,
    batch: int,
    steps: int,
    channels: int,
    taps: int,
    eps: float,
    past: Past | None,
    stream: int,
) -> None: ...
def window_attention(
    qkv: Array,
    keys: Array,
    values: Array,
    frequencies: Array,
    y: Array,
    slots: Array,
    progress: Array,
    batch: int,
    steps: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    window: int,
    threads: int,
    isa: str = "auto",
) -> None: ...
def window_attention_cuda(
    qkv: Array,
    keys: Array,
    values: Array,
    frequencies: Array,
    y: Array,
    slots: Array,
    progress: Array,
    batch: int,
    steps: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    window: int,
    stream: int,
) -> None: ...
def waveform(
    x: Array,
    weights: Array,
    bias: Array,
    samples: Array,
    pcm: Array,
    batch: int,
    steps: int,
    channels: int,
    taps: int,
    past: Past | None,
    threads: int,
    isa: str = "auto",
) -> None: ...
def waveform_cuda(
    x: Array,
    weights: Array,
    bias: Array,
    samples: Array,
    pcm: Array,
    batch: int,
    steps: int,
    channels: int,
    taps: int,
    past: Past | None,
    stream: int,
) -> None: ...
def panel_width(isa: str = "auto") -> int: ...
def layer_workspace(layer: Layer, rows: int) -> int: ...
def cpu_features() -> list[str]: ...
def available_threads() -> int: ...
def fma_rate(threads: int, isa: str = "auto") -> float: ...
def build_info() -> BuildInfo: ...
