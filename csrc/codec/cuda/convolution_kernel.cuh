// A convolution as products of TF32 tiles on tensor cores, with float32 sums.
//
// The sum of an output: within a part the chunks of 32 channels in their order, of each its taps, of each tap eight channels at a
// time; then the parts in their order. The layer alone decides on the parts. So the rows of a call share nothing but the time they
// take, and whether the parts are made by a thread in turn, by the warps of a block or by blocks is free: the result is the same
// bit for bit.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "codec/cuda/convolution_rows.cuh"
#include "codec/cuda/instructions.cuh"

namespace qwen3tts::cuda {

constexpr int chunk_channels = 32;
constexpr int block_columns = 8;                   // of a tile of the instruction
constexpr int block_weights = 16 * block_columns;  // floats of 16 channels
constexpr int row_pitch = chunk_channels + 4;      // the 8 rows x 4 channels of a fragment lie in 32 banks

// A group of warps_m * warps_n warps makes a tile of rows x columns, each warp m times 16 rows by n times 8 columns. A block has up
// to `groups` groups: they make other parts of the same tile. Weights come in `stages` ahead of the products. Registers are kept
// down so that a multiprocessor holds `blocks` blocks.
template <int m_, int n_, int warps_m_, int warps_n, int stages_, int groups_, int blocks_>
struct Shape {
  static constexpr int m = m_, n = n_, warps_m = warps_m_, stages = stages_, groups = groups_, blocks = blocks_;
  static constexpr int threads = 32 * warps_m * warps_n;
  static constexpr int rows = 16 * m * warps_m;
  static constexpr int column_blocks = n * warps_n;
  static constexpr int columns = block_columns * column_blocks;
  static constexpr int stage_weights = chunk_channels * columns;

  // Floats of a group's ring.
  static __host__ __device__ std::int64_t ring(int chunk_slots, std::int64_t staged_rows) {
    return stages * stage_weights + chunk_slots * staged_rows * row_pitch;
  }
  // Only the threads of a group share a ring.
  static __device__ __forceinline__ void sync() {
    if constexpr (threads == 32)
      __syncwarp();
    else
      __syncthreads();
  }
};

// Few rows stream the weights: each of up to 8 warps takes 8 columns through a part of its own, and the block adds them up. 24 KB
// are on their way in each block, which is what a multiprocessor's share of an H200's bandwidth, 32 bytes/ns, needs at a latency of
// 0.75 us.
using FewRows = Shape<1, 1, 1, 1, 4, 8, 3>;
// Many rows: 64 x 96, the columns of the released decoder's narrowest layers and a divisor of most. For 8 instructions a warp reads
// 16 times 128 bytes of shared memory, 2 cycles each, and the tensor cores take nearly as long. Sums of a part and of all are 64
// registers: more (6 times 8 columns) spill, or leave no second block to work while the first waits.
using ManyRows = Shape<2, 4, 2, 3, 3, 1, 2>;

// The group's ring of weights and rows, a stage for each tap of each chunk. `chunk`, `tap`, `stage` and `slot` are of what comes
// next.
template <class S>
struct Ring {
  const Work& work;
  const float* const* rows;  // addresses of the staged rows
  int staged_rows;
  float *weights, *chunks;  // (stages, stage_weights), (chunk_slots, staged_rows, row_pitch)
  int chunk, end, tap, stage, slot;

  __device__ __forceinline__ void stage_weights() const {
    constexpr int vectors = S::column_blocks * 32;  // of 16 channels
    const int blocks = (work.output.columns + block_columns - 1) / block_columns, first = blockIdx.y * S::column_blocks;
    const int thread = threadIdx.x % S::threads;
    const std::int64_t at = (static_cast<std::int64_t>(chunk) * work.taps + tap) * 2 * blocks + first;
    const float* from = work.weights + at * block_weights + 4 * thread;
    float* to = weights + stage * S::stage_weights + 4 * thread;
#pragma unroll
    for (int half = 0; half < 2; ++half, from += blocks * block_weights, to += 4 * vectors) {
#pragma unroll
      for (int i = 0; i < vectors; i += S::threads) copy_async16(to + 4 * i, from + 4 * i, first + (i + thread) / 32 < blocks);
    }
  }

  __device__ __forceinline__ void stage_rows() const {
#pragma unroll 1  // once a chunk: not worth the registers
    for (int i = threadIdx.x % S::threads; i < staged_rows * (chunk_channels / 4); i += S::threads) {
      const int row = i / (chunk_channels / 4), offset = i % (chunk_channels / 4) * 4;
      const int channel = chunk * chunk_channels + offset;
      const float* from = rows[row];
      float* to = chunks + (slot * staged_rows + row) * row_pitch + offset;
      if (work.wide) {
        const bool valid = from && channel < work.channels;
        copy_async16(to, valid ? from + channel : work.x, valid);
      } else {
        for (int k = 0; k < 4; ++k) to[k] = from && channel + k < work.channels ? from[channel + k] : 0.0f;
      }
    }
  }

  // Past the end a group of no copies, so that waiting for all groups but the last few means the same all along.
  __device__ __forceinline__ void stage_next() {
    if (chunk < end) {
      stage_weights();
      if (tap == 0) stage_rows();
      if (++tap == work.taps) {
        tap = 0;
        ++chunk;
        slot = slot + 1 < work.chunk_slots ? slot + 1 : 0;
      }
    }
    stage = stage + 1 < S::stages ? stage + 1 : 0;
    copy_async_commit();
  }
};

// Adds 32 channels of a tap. rows: of the chunk, from the tap's on; at: offsets of the thread's two rows of each 16; weights: the
// thread's of the first 16 channels and the warp's first 8 columns.
template <class S>
__device__ __forceinline__ void multiply(const float* rows, const int (&at)[S::m][2], const float4* weights,
                                         float (&sums)[S::m][S::n][4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float4 b[S::n];
#pragma unroll
    for (int n = 0; n < S::n; ++n) b[n] = weights[(half * S::column_blocks + n) * 32];
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      const float* k = rows + half * 16 + step * 8;
#pragma unroll
      for (int m = 0; m < S::m; ++m) {
        const std::uint32_t a[4] = {to_tf32(k[at[m][0]]), to_tf32(k[at[m][1]]), to_tf32(k[at[m][0] + 4]), to_tf32(k[at[m][1] + 4])};
#pragma unroll
        for (int n = 0; n < S::n; ++n)
          mma_tf32(sums[m][n], a, __float_as_uint(step ? b[n].z : b[n].x), __float_as_uint(step ? b[n].w : b[n].y));
      }
    }
  }
}

// total = the sums of parts [first, last), in their order.
template <class S>
__device__ __forceinline__ void sum_parts(const Work& work, Ring<S>& ring, int first, int last, float (&total)[S::m][S::n][4]) {
  const int chunks = (work.channels + chunk_channels - 1) / chunk_channels;
  const int lane = threadIdx.x % 32, warp = threadIdx.x % S::threads / 32;
  const int first_row = warp % S::warps_m * 16 * S::m, first_block = warp / S::warps_m * S::n;
  int at[S::m][2];
#pragma unroll
  for (int i = 0; i < 2 * S::m; ++i) {
    const int row = first_row + 8 * i + lane / 4;
    const int staged = row / work.tile_steps * work.span + row % work.tile_steps * work.stride;
    at[i / 2][i % 2] = (row < work.tile_steps * work.tile_entries ? staged : 0) * row_pitch + lane % 4;
  }
  const bool idle = first_row >= work.tile_steps * work.tile_entries;
  ring.chunk = chunks * first / work.parts;
  ring.end = chunks * last / work.parts;
  for (int i = 1; i < S::stages; ++i) ring.stage_next();
  keep_past(work);
  int slot = 0;
  for (int part = first; part < last; ++part) {
    float sums[S::m][S::n][4] = {};
    for (int chunk = chunks * part / work.parts; chunk < chunks * (part + 1) / work.parts; ++chunk) {
      for (int tap = 0; tap < work.taps; ++tap) {
        copy_async_wait<S::stages - 2>();
        S::sync();
        ring.stage_next();  // after which ring.stage is the oldest there is, this unit's
        const float* rows = ring.chunks + (slot * ring.staged_rows + tap * work.dilation) * row_pitch;
        const float* weights = ring.weights + ring.stage * S::stage_weights + (first_block * 32 + lane) * 4;
        if (!idle) multiply<S>(rows, at, reinterpret_cast<const float4*>(weights), sums);
      }
      slot = slot + 1 < work.chunk_slots ? slot + 1 : 0;
    }
#pragma unroll
    for (int i = 0; i < S::m * S::n * 4; ++i) {
      const int m = i / 4 / S::n, n = i / 4 % S::n;
      total[m][n][i % 4] += sums[m][n][i % 4];
    }
  }
}

// Ends with the block's tile. It goes through shared memory, a tile for each group, so that a warp has neighbouring columns of one
// row, and the code of an activation is there once. Where other blocks have other parts, it goes to the partials, for `finish`.
template <class S>
__device__ __forceinline__ void emit_tile(const Work& work, const std::int64_t* rows, const float (&sums)[S::m][S::n][4],
                                          float* memory) {
  constexpr int pitch = S::columns + 8;  // 4 rows x 4 pairs of a store lie in 32 banks
  constexpr int size = S::rows * pitch;
  const int groups = blockDim.x / S::threads, lane = threadIdx.x % 32, warp = threadIdx.x % S::threads / 32;
  __syncthreads();  // the rings lie there
  float* own = memory + threadIdx.x / S::threads * size + (warp % S::warps_m * 16 * S::m + lane / 4) * pitch +
               warp / S::warps_m * S::n * block_columns + 2 * (lane % 4);
#pragma unroll
  for (int i = 0; i < 2 * S::m * S::n; ++i) {
    const float* pair = sums[i / 2 / S::n][i / 2 % S::n] + i % 2 * 2;
    float* to = own + (i / 2 / S::n * 16 + i % 2 * 8) * pitch + i / 2 % S::n * block_columns;
    *reinterpret_cast<float2*>(to) = {pair[0], pair[1]};
  }
  __syncthreads();
  const std::int64_t before = static_cast<std::int64_t>(blockIdx.z) * work.batch * work.steps;
  Output partial{};
  partial.y = work.partials;
  partial.columns = work.output.columns;
  partial.paired = work.output.paired;
  for (int i = threadIdx.x; i < S::rows * S::columns / 2; i += blockDim.x) {
    const int column = i % (S::columns / 2) * 2;
    const std::int64_t row = rows[i / (S::columns / 2)];
    const float* from = memory + i / (S::columns / 2) * pitch + column;
    if (row < 0) continue;
    if (gridDim.z == 1)
      emit_parts(work.output, row, blockIdx.y * S::columns + column, from, size, groups);
    else
      emit_parts(partial, before + row, blockIdx.y * S::columns + column, from, size, groups);
  }
}

// Grid: (tiles of rows, tiles of columns, parts or 1). The groups of all blocks of a tile share its parts out.
template <class S>
__global__ void __launch_bounds__(S::groups* S::threads, S::blocks) convolve(const Work work) {
  const int staged_rows = work.tile_entries * work.span;
  std::int64_t* outputs = dynamic_shared<std::int64_t>();
  const float** inputs = reinterpret_cast<const float**>(outputs + S::rows);
  float* memory = reinterpret_cast<float*>(inputs + (staged_rows + 1) / 2 * 2);
  list_rows(work, S::rows, outputs, inputs);
  __syncthreads();
  const int group = threadIdx.x / S::threads, sharer = blockIdx.z * (blockDim.x / S::threads) + group;
  const int sharers = blockDim.x / S::threads * gridDim.z;
  float* weights = memory + group * S::ring(work.chunk_slots, staged_rows);
  Ring<S> ring{work, inputs, staged_rows, weights, weights + S::stages * S::stage_weights, 0, 0, 0, 0, 0};
  float sums[S::m][S::n][4] = {};
  sum_parts<S>(work, ring, work.parts * sharer / sharers, work.parts * (sharer + 1) / sharers, sums);
  emit_tile<S>(work, outputs, sums, memory);
}

// The end of a convolution whose parts lie in its partials; a thread for each pair of columns.
__global__ void finish(const Work work) {
  const Output& output = work.output;
  const int pairs = (output.columns + 1) / 2, index = blockIdx.x * blockDim.x + threadIdx.x, rows = work.batch * work.steps;
  const int row = index / pairs, column = index % pairs * 2;
  if (row >= rows) return;
  const std::int64_t size = static_cast<std::int64_t>(rows) * output.columns;
  const float* sums = work.partials + static_cast<std::int64_t>(row) * output.columns + column;
  emit_parts(output, row, column, sums, size, work.parts);
}

}  // namespace qwen3tts::cuda
