// RMSNorm and the head of a ConvNeXt block, a block a row. Rows are few (1 to 4 a frame and slot) and short (2 to 4 KB): the time
// is a few waits for memory and the launch, 2 to 3 us each. 64 slots are at most 256 blocks of 28 KB each, from the L2 cache: 5
// us.
#include "codec/cuda/instructions.cuh"
#include "codec/cuda/launch.cuh"
#include "codec/cuda/operations.cuh"
#include "codec/cuda/past.cuh"
#include "codec/cuda/reduce.cuh"

namespace qwen3tts::cuda {
namespace {

__global__ void __launch_bounds__(most_threads) rms_norm_kernel(codec::RmsNorm o) {
  const float* x = o.x + blockIdx.x * o.channels;
  float* y = o.y + blockIdx.x * o.channels;
  float squares = 0.0f;
  for (std::int64_t c = threadIdx.x; c < o.channels; c += blockDim.x) squares = fmaf(x[c], x[c], squares);
  const float mean = block_sum(squares, dynamic_shared<float>()) / static_cast<float>(o.channels);
  const float scale = 1.0f / sqrtf(mean + o.eps);
  for (std::int64_t c = threadIdx.x; c < o.channels; c += blockDim.x) y[c] = x[c] * scale * o.weight[c];
}

// Shared memory: two sums of the block, then the row; a thread reads of the row what it has written alone.
__global__ void __launch_bounds__(most_threads) depthwise_norm_kernel(codec::DepthwiseNorm o, codec::Past past) {
  const std::int64_t step = blockIdx.x, entry = blockIdx.y, channels = o.channels;
  const Joined joined(past, o.x, entry, o.taps - 1, o.steps, channels);
  float* const sums = dynamic_shared<float>();
  float* const row = sums + 2 * warp_threads;

  float total = 0.0f;
  for (std::int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
    float value = o.bias[c];
#pragma unroll 7
    for (std::int64_t tap = 0; tap < o.taps; ++tap) {
      const float* input = joined.row(step + tap - joined.rows);
      value = fmaf(o.weights[tap * channels + c], input ? input[c] : 0.0f, value);
    }
    row[c] = value;
    total += value;
  }
  const float mean = block_sum(total, sums) / static_cast<float>(channels);
  float squares = 0.0f;
  for (std::int64_t c = threadIdx.x; c < channels; c += blockDim.x) squares = fmaf(row[c] - mean, row[c] - mean, squares);
  const float variance = block_sum(squares, sums + warp_threads) / static_cast<float>(channels);
  const float scale = 1.0f / sqrtf(variance + o.eps);
  float* y = o.y + (entry * o.steps + step) * channels;
  for (std::int64_t c = threadIdx.x; c < channels; c += blockDim.x) y[c] = fmaf((row[c] - mean) * scale, o.scale[c], o.shift[c]);
  joined.keep(step, o.steps);
}

}  // namespace

const char* rms_norm(const codec::RmsNorm& operation, void* stream) {
  return launch(rms_norm_kernel, static_cast<unsigned>(operation.rows), threads_for(operation.channels),
                warp_threads * sizeof(float), stream, operation);
}

const char* depthwise_norm(const codec::DepthwiseNorm& operation, const codec::Past& past, void* stream) {
  const dim3 grid(static_cast<unsigned>(operation.steps), static_cast<unsigned>(operation.batch));
  const std::size_t shared = (2 * warp_threads + operation.channels) * sizeof(float);
  return launch(depthwise_norm_kernel, grid, threads_for(operation.channels), shared, stream, operation, past);
}

}  // namespace qwen3tts::cuda
