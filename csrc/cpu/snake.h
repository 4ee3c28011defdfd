// Snake, the codec's activation: y = x + inv_beta[c] * sin(alpha[c] * x)^2, in one pass over the samples.
//
// In plain torch it is five passes; as sin^2 has the period pi, one reduction and a short odd polynomial do, with no quadrant.
#pragma once

#include <cstdint>

#include "cpu/isa.h"

namespace qwen3tts::cpu {

// x, y (batch, channels, length) contiguous, y may be x; alpha, inv_beta (channels). The phase alpha * x is rounded to float32.
struct Snake {
  const float* x;
  const float* alpha;
  const float* inv_beta;
  float* y;
  std::int64_t batch, channels, length;
};

void snake(const Snake& layer, Isa isa, int threads);

}  // namespace qwen3tts::cpu
