// Snake, the codec's activation: y = x + inv_beta[c] * sin(alpha[c] * x)^2, in one pass over the samples.
//
// In plain torch it is five passes. Here sin^2 is one polynomial on a quarter turn: after an odd number of them it is 1 - sin^2.
#pragma once

#include <cstdint>

#include "cpu/isa.h"

namespace qwen3tts::cpu {

// x, y (rows, channels) contiguous, y may be x; alpha, inv_beta (channels). The phase alpha * x is rounded to float32.
struct Snake {
  const float* x;
  const float* alpha;
  const float* inv_beta;
  float* y;
  std::int64_t rows, channels;
};

void snake(const Snake& layer, Isa isa, int threads);

}  // namespace qwen3tts::cpu
