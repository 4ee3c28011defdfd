// The rows before a signal on a GPU; layer.h says what they are. Slots cannot be checked here and are clamped.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "codec/layer.h"

namespace qwen3tts::cuda {

__device__ inline std::int64_t slot_of(const codec::Slots& slots, std::int64_t entry) {
  const std::int64_t slot = slots.slots[entry];
  return slot < 0 ? 0 : slot < slots.count ? slot : slots.count - 1;
}

// The past of one batch entry: (rows, channels) each.
struct EntryPast {
  const float* read;  // ends where the signal begins; null: zeros
  float* write;       // for the next call; null: nothing is kept
};

__device__ inline EntryPast past_of(const codec::Past& past, std::int64_t entry, std::int64_t elements) {
  if (!past.history) return {nullptr, nullptr};
  const std::int64_t slot = slot_of(past.slots, entry), count = past.slots.count;
  const std::int64_t frames = past.slots.progress[2 * slot], half = past.slots.progress[2 * slot + 1] & 1;
  float* const history = past.history + slot * elements;
  return {frames > 0 ? history + half * count * elements : nullptr, history + (1 - half) * count * elements};
}

// One batch entry's signal x (steps, channels) with the rows before it.
struct Joined {
  const float* x;
  EntryPast past;
  std::int64_t rows, steps, channels;  // rows: of the past

  __device__ Joined(const codec::Past& of, const float* signals, std::int64_t entry, std::int64_t rows, std::int64_t steps,
                    std::int64_t channels)
      : x(signals + entry * steps * channels),
        past(past_of(of, entry, rows * channels)),
        rows(rows),
        steps(steps),
        channels(channels) {}

  // Row t in [-rows, steps), or null: zeros.
  __device__ const float* row(std::int64_t t) const {
    if (t >= 0) return x + t * channels;
    return past.read ? past.read + (rows + t) * channels : nullptr;
  }

  // Keeps the last rows for the next call. Each of `parts` blocks takes its share, with all its threads (in x).
  __device__ void keep(std::int64_t part, std::int64_t parts) const {
    if (!past.write) return;
    const std::int64_t elements = rows * channels, first = (steps - rows) * channels;  // first: of x; in the past if it is negative
    for (std::int64_t i = part * blockDim.x + threadIdx.x; i < elements; i += parts * blockDim.x) {
      const std::int64_t from = first + i;
      if (from >= 0)
        past.write[i] = x[from];
      else
        past.write[i] = past.read ? past.read[elements + from] : 0.0f;
    }
  }
};

}  // namespace qwen3tts::cuda
