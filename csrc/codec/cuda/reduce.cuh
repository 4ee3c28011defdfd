// Sums and maxima over a warp and over a block, of one order each, whichever thread asks.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

namespace qwen3tts::cuda {

constexpr unsigned warp_threads = 32;
constexpr unsigned most_threads = 512;  // of these blocks: twice as many would have 64 registers each, which is too few for some
constexpr unsigned every_lane = ~0u;

// Threads of a block that work on so many elements: one for each, as far as a block goes.
inline unsigned threads_for(std::int64_t elements) {
  const std::int64_t warps = (elements + warp_threads - 1) / warp_threads;
  return static_cast<unsigned>(std::clamp<std::int64_t>(warps * warp_threads, warp_threads, most_threads));
}

// Every lane of each group of `lanes` (a power of two) gets the sum over its group.
template <unsigned lanes = warp_threads>
__device__ inline float warp_sum(float value) {
#pragma unroll
  for (unsigned mask = lanes / 2; mask > 0; mask /= 2) value += __shfl_xor_sync(every_lane, value, mask);
  return value;
}

__device__ inline float warp_max(float value) {
#pragma unroll
  for (unsigned mask = warp_threads / 2; mask > 0; mask /= 2) value = fmaxf(value, __shfl_xor_sync(every_lane, value, mask));
  return value;
}

// Every thread of the block gets the sum. shared: a float for each warp, that nobody touches until the next barrier.
__device__ inline float block_sum(float value, float* shared) {
  value = warp_sum(value);
  const unsigned lane = threadIdx.x % warp_threads;
  if (lane == 0) shared[threadIdx.x / warp_threads] = value;
  __syncthreads();
  return warp_sum(lane < blockDim.x / warp_threads ? shared[lane] : 0.0f);
}

}  // namespace qwen3tts::cuda
