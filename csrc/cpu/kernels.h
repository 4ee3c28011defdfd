// The inner loops, compiled once per instruction set: kernels_*.cpp defines a vector type and includes the same loops around it.
#pragma once

#include <cstdint>

#include "cpu/isa.h"
#include "cpu/linear.h"
#include "cpu/snake.h"

namespace qwen3tts::cpu {

struct Kernels {
  // Columns [begin, end) of y, for all its rows.
  void (*linear)(const Linear& layer, std::int64_t begin, std::int64_t end);
  // Rows [begin, end) of the batch * channels rows.
  void (*snake)(const Snake& layer, std::int64_t begin, std::int64_t end);
};

extern const Kernels baseline_kernels;
#ifdef __x86_64__
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif

inline const Kernels& kernels(Isa isa) {
#ifdef __x86_64__
  if (isa == Isa::avx512) return avx512_kernels;
  if (isa == Isa::avx2) return avx2_kernels;
#endif
  static_cast<void>(isa);
  return baseline_kernels;
}

}  // namespace qwen3tts::cpu
