from typing import TypedDict

class BuildInfo(TypedDict):
    compiler: str
    cuda: bool
    cuda_version: str | None

def linear(
    x_ptr: int,
    w_ptr: int,
    bias_ptr: int,
    y_ptr: int,
    m: int,
    k: int,
    n: int,
    weight_dtype: str,
    threads: int,
    isa: str = "auto",
) -> None: ...
def snake(
    x_ptr: int,
    alpha_ptr: int,
    inv_beta_ptr: int,
    y_ptr: int,
    rows: int,
    channels: int,
    threads: int,
    isa: str = "auto",
) -> None: ...
def snake_cuda(
    x_ptr: int,
    alpha_ptr: int,
    inv_beta_ptr: int,
    y_ptr: int,
    rows: int,
    channels: int,
    stream: int,
) -> None: ...
def cpu_features() -> list[str]: ...
def build_info() -> BuildInfo: ...
