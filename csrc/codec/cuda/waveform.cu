// The last convolution. A frame is 1,920 samples of 7 * 96 products each, from 0.74 MB; 64 slots are 47 MB, 11 us of an H200's
// memory, and 3 us of its products. A warp takes four samples in a row, its lanes the channels, and each value that it reads
// serves as many of the four as it reaches: 10 + 7 loads for 28 products, 1.6 KB of the L1 cache a sample, 7 us at 64 slots. At
// one slot 480 warps do three channels a lane one after another, about 4 us.
#include "codec/cuda/launch.cuh"
#include "codec/cuda/operations.cuh"
#include "codec/cuda/past.cuh"
#include "codec/cuda/reduce.cuh"

namespace qwen3tts::cuda {
namespace {

constexpr unsigned warp_samples = 4, block_warps = 4;

__global__ void __launch_bounds__(block_warps* warp_threads) waveform_kernel(codec::Waveform o, codec::Past past) {
  const std::int64_t entry = blockIdx.y, channels = o.channels;
  const Joined joined(past, o.x, entry, o.taps - 1, o.steps, channels);
  joined.keep(blockIdx.x, gridDim.x);
  const unsigned lane = threadIdx.x % warp_threads;
  const std::int64_t begin = (std::int64_t{blockIdx.x} * block_warps + threadIdx.x / warp_threads) * warp_samples;

  float sums[warp_samples] = {};
  for (std::int64_t c = lane; c < channels; c += warp_threads) {
    const auto input = [&](std::int64_t t) {
      const float* row = t < o.steps ? joined.row(t) : nullptr;
      return row ? row[c] : 0.0f;
    };
    float inputs[warp_samples];  // of the samples at one tap
#pragma unroll
    for (unsigned i = 1; i < warp_samples; ++i) inputs[i] = input(begin - joined.rows + i - 1);
    for (std::int64_t tap = 0; tap < o.taps; ++tap) {
      const float weight = o.weights[tap * channels + c];
#pragma unroll
      for (unsigned i = 1; i < warp_samples; ++i) inputs[i - 1] = inputs[i];
      inputs[warp_samples - 1] = input(begin - joined.rows + tap + warp_samples - 1);
#pragma unroll
      for (unsigned i = 0; i < warp_samples; ++i) sums[i] = fmaf(weight, inputs[i], sums[i]);
    }
  }
#pragma unroll
  for (unsigned i = 0; i < warp_samples; ++i) {
    const float sample = fminf(fmaxf(warp_sum(sums[i]) + o.bias[0], -1.0f), 1.0f);
    if (lane != i || begin + i >= o.steps) continue;
    o.samples[entry * o.steps + begin + i] = sample;
    o.pcm[entry * o.steps + begin + i] = static_cast<std::int16_t>(fminf(rintf(sample * 32768.0f), 32767.0f));
  }
}

}  // namespace

const char* waveform(const codec::Waveform& operation, const codec::Past& past, void* stream) {
  constexpr unsigned block_samples = block_warps * warp_samples;
  const std::int64_t blocks = (operation.steps + block_samples - 1) / block_samples;
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(operation.batch));
  return launch(waveform_kernel, grid, block_warps * warp_threads, 0, stream, operation, past);
}

}  // namespace qwen3tts::cuda
