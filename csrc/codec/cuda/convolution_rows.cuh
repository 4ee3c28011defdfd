// The rows of a convolution: which of them a block makes, where their inputs lie, and the past that is kept for the next call.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "codec/cuda/convolution_output.cuh"
#include "codec/cuda/past.cuh"

namespace qwen3tts::cuda {

// One launch. A block's tile is tile_steps steps of each of tile_entries entries of the batch; the inputs that an entry's steps
// reach, `span` rows, go to shared memory, chunk_slots times 32 channels at once. Sums are made in `parts`, added in their order.
struct Work {
  const float *x, *weights;
  codec::Past past;
  Output output;
  float* partials;  // (parts, batch * steps, columns) where the blocks of gridDim.z share the parts
  int batch, steps, channels, taps, dilation, stride, past_rows;
  int tile_steps, tile_entries, span, chunk_slots, parts;
  bool wide;  // rows of channels are aligned to 16 bytes
};

__device__ __forceinline__ Joined signal_of(const Work& work, int entry) {
  return Joined(work.past, work.x, entry, work.past_rows, static_cast<std::int64_t>(work.steps) * work.stride, work.channels);
}

// Lists for a block's tile the row of the output that each of its rows is, or -1, and where each of the inputs of its entries lies,
// (tile_entries, span), or null for zeros. The tiles of an entry's steps come one after another, then the next entries.
__device__ __forceinline__ void list_rows(const Work& work, int rows, std::int64_t* outputs, const float** inputs) {
  const int across = (work.steps + work.tile_steps - 1) / work.tile_steps;
  const int first_entry = blockIdx.x / across * work.tile_entries, first_step = blockIdx.x % across * work.tile_steps;
  for (int i = threadIdx.x; i < rows; i += blockDim.x) {
    const int place = i / work.tile_steps, entry = first_entry + place, step = first_step + i % work.tile_steps;
    const bool inside = place < work.tile_entries && entry < work.batch && step < work.steps;
    outputs[i] = inside ? static_cast<std::int64_t>(entry) * work.steps + step : -1;
  }
  for (int i = threadIdx.x; i < work.tile_entries * work.span; i += blockDim.x) {
    const int entry = first_entry + i / work.span, row = first_step * work.stride + i % work.span - work.past_rows;
    inputs[i] = entry < work.batch && row < work.steps * work.stride ? signal_of(work, entry).row(row) : nullptr;
  }
}

// Keeps the past of every entry. All blocks share in it, whatever their tiles are: of many entries each block keeps some, of few
// each block a part of one.
__device__ __forceinline__ void keep_past(const Work& work) {
  if (!work.past.history) return;
  const int blocks = gridDim.x * gridDim.y * gridDim.z;
  const int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const int sharers = max(blocks / work.batch, 1);
  for (int i = block; i < sharers * work.batch; i += blocks) signal_of(work, i % work.batch).keep(i / work.batch, sharers);
}

}  // namespace qwen3tts::cuda
