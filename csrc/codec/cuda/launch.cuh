// The one way to launch a kernel: a call that a host compiler takes as well, so that tests can run the kernels without a GPU.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

namespace qwen3tts::cuda {

// Queues kernel(arguments...) on `stream`, a cudaStream_t, with `shared` bytes of dynamic shared memory. An empty grid has nothing
// to do. Returns null, or what CUDA says went wrong; that error is then no longer there for the next to ask CUDA.
template <class... Parameters, class... Arguments>
const char* launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared, void* stream, Arguments... arguments) {
  constexpr std::size_t unasked_shared = 48 << 10;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return nullptr;
  cudaError_t error = cudaSuccess;
  if (shared > unasked_shared)
    error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = static_cast<cudaStream_t>(stream);
  if (error == cudaSuccess) error = cudaLaunchKernelEx(&config, kernel, std::move(arguments)...);
  if (error == cudaSuccess) return nullptr;
  cudaGetLastError();
  return cudaGetErrorString(error);
}

}  // namespace qwen3tts::cuda
