// The linear layer: y[m, n] = sum_k x[m, k] * w[n, k] + bias[n], in float32 whatever the weights are stored in.
//
// One stream speaks with m = 1, and then time is weight bytes over memory bandwidth: each weight is read once per call, converted
// in registers, and used for every row of x.
//
// Every y[m, n] is summed in an order that k and the instruction set alone decide. So a row's result is the same bit for bit
// whatever rows stand beside it and however many threads work: a batch gives each row what it gets alone.
#pragma once

#include <cstdint>

#include "cpu/isa.h"

namespace qwen3tts::cpu {

struct bfloat16 {
  std::uint16_t bits;
};

struct float16 {
  std::uint16_t bits;
};

enum class WeightType { float32, bfloat16, float16 };

// x (m, k), w (n, k), y (m, n), bias (n) or null; all contiguous, with no alignment beyond an element's: weights are mapped files.
struct Linear {
  const float* x;
  const void* w;
  const float* bias;
  float* y;
  std::int64_t m, k, n;
  WeightType weight_type;
};

void linear(const Linear& layer, Isa isa, int threads);

}  // namespace qwen3tts::cpu
