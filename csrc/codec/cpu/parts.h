// The parts that the codec's operations are cut into: one thread works on one of them at a time.
#pragma once

#include <cstdint>

#include "codec/cpu/rows.h"
#include "codec/layer.h"
#include "codec/operations.h"

namespace qwen3tts::cpu {

constexpr std::int64_t part_rows = 96;  // of a convolution's part, at most: 12 KB of sums stay in the first cache

// One panel's columns of the outputs of tiles that follow each other.
struct ConvolutionPart {
  const codec::Layer& layer;
  const codec::Signal& signal;
  const Tile* begin;
  const Tile* end;
  std::int64_t panel;

  std::int64_t first() const { return begin->first; }
  std::int64_t rows() const { return end[-1].first + end[-1].rows - begin->first; }
};

// All steps of one utterance and one head of keys. cosines, sines (steps, head_dim / 2) of the utterance.
struct AttentionPart {
  const codec::WindowAttention& operation;
  const float* cosines;
  const float* sines;
  std::int64_t lane, kv_head, slot, position;
};

}  // namespace qwen3tts::cpu
