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

__device__ float4 activate(float4 x, float4 alpha, float4 inv_beta) {
  return {activate(x.x, alpha.x, inv_beta.x), activate(x.y, alpha.y, inv_beta.y), activate(x.z, alpha.z, inv_beta.z),
          activate(x.w, alpha.w, inv_beta.w)};
}

// Pack: float, or float4 where the channels are a whole number of them. channels and count are in packs.
template <class Pack>
__global__ void snake_kernel(const Pack* x, const Pack* alpha, const Pack* inv_beta, Pack* y, unsigned channels, unsigned count) {
  for (unsigned i = blockIdx.x * block_threads + threadIdx.x; i < count; i += gridDim.x * block_threads) {
    const unsigned channel = i % channels;
    y[i] = activate(x[i], __ldg(alpha + channel), __ldg(inv_beta + channel));
  }
}

template <class Pack>
void launch(const float* x, const float* alpha, const float* inv_beta, float* y, unsigned rows, unsigned channels,
            cudaStream_t stream) {
  const unsigned packs = channels / (sizeof(Pack) / sizeof(float));
  const unsigned count = rows * packs;
  const unsigned blocks = std::min(most_blocks, (count + block_threads - 1) / block_threads);
  const auto pack = [](const float* p) { return reinterpret_cast<const Pack*>(p); };
  Pack* out = reinterpret_cast<Pack*>(y);
  snake_kernel<<<blocks, block_threads, 0, stream>>>(pack(x), pack(alpha), pack(inv_beta), out, packs, count);
}

bool fits_float4(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % sizeof(float4) == 0; }

}  // namespace

const char* snake(const float* x, const float* alpha, const float* inv_beta, float* y, std::int64_t rows, std::int64_t channels,
                  void* stream) {
  if (rows * channels == 0) return nullptr;
  const bool wide = channels % 4 == 0 && fits_float4(x) && fits_float4(alpha) && fits_float4(inv_beta) && fits_float4(y);
  (wide ? launch<float4> : launch<float>)(x, alpha, inv_beta, y, static_cast<unsigned>(rows), static_cast<unsigned>(channels),
                                          static_cast<cudaStream_t>(stream));
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace qwen3tts::cuda
