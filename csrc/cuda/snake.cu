#include <cuda_runtime.h>

#include <algorithm>

#include "cuda/snake.cuh"

namespace qwen3tts::cuda {
namespace {

constexpr unsigned block_threads = 256;
constexpr unsigned most_blocks = 4096;  // 30 or so for each multiprocessor of the largest GPU: enough to even out their finish

__device__ float activate(float x, float alpha, float inv_beta) {
  const float sine = sinf(__fmul_rn(alpha, x));
  return x + inv_beta * (sine * sine);
}

__device__ float4 activate(float4 x, float alpha, float inv_beta) {
  return {activate(x.x, alpha, inv_beta), activate(x.y, alpha, inv_beta), activate(x.z, alpha, inv_beta),
          activate(x.w, alpha, inv_beta)};
}

// Pack: float, or float4 where a row is a whole number of them. length and count are in packs.
template <class Pack>
__global__ void snake_kernel(const Pack* x, const float* alpha, const float* inv_beta, Pack* y, unsigned channels, unsigned length,
                             unsigned count) {
  for (unsigned i = blockIdx.x * block_threads + threadIdx.x; i < count; i += gridDim.x * block_threads) {
    const unsigned channel = i / length % channels;
    y[i] = activate(x[i], __ldg(alpha + channel), __ldg(inv_beta + channel));
  }
}

template <class Pack>
void launch(const float* x, const float* alpha, const float* inv_beta, float* y, unsigned rows, unsigned channels, unsigned length,
            cudaStream_t stream) {
  const unsigned packs = length / (sizeof(Pack) / sizeof(float));
  const unsigned count = rows * packs;
  const unsigned blocks = std::min(most_blocks, (count + block_threads - 1) / block_threads);
  snake_kernel<<<blocks, block_threads, 0, stream>>>(reinterpret_cast<const Pack*>(x), alpha, inv_beta, reinterpret_cast<Pack*>(y),
                                                     channels, packs, count);
}

bool fits_float4(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % sizeof(float4) == 0; }

}  // namespace

const char* snake(const float* x, const float* alpha, const float* inv_beta, float* y, std::int64_t batch, std::int64_t channels,
                  std::int64_t length, void* stream) {
  if (batch * channels * length == 0) return nullptr;
  const bool wide = length % 4 == 0 && fits_float4(x) && fits_float4(y);
  (wide ? launch<float4> : launch<float>)(x, alpha, inv_beta, y, static_cast<unsigned>(batch * channels),
                                          static_cast<unsigned>(channels), static_cast<unsigned>(length),
                                          static_cast<cudaStream_t>(stream));
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace qwen3tts::cuda
