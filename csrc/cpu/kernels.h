// The inner loops, compiled once per instruction set: kernels_*.cpp defines a vector type and includes the same loops around it.
#pragma once

#include <cstdint>

#include "codec/cpu/parts.h"
#include "codec/operations.h"
#include "cpu/isa.h"
#include "cpu/linear.h"

namespace qwen3tts::cpu {

struct Kernels {
  std::int64_t panel_width;   // columns of a panel of weights
  std::int64_t product_rows;  // rows of a tile, at most
  // Columns [begin, end) of y, for all its rows.
  void (*linear)(const Linear& layer, std::int64_t begin, std::int64_t end);
  void (*convolution)(const ConvolutionPart& part);
  // Rows [begin, end).
  void (*rms_norm)(const codec::RmsNorm& operation, std::int64_t begin, std::int64_t end);
  void (*depthwise_norm)(const codec::DepthwiseNorm& operation, const Tile& tile);
  void (*waveform)(const codec::Waveform& operation, const Tile& tile);
  void (*window_attention)(const AttentionPart& part);
  // So many rounds of multiply-adds, round_flops each; returns their sum, that they are not in vain.
  float (*multiply_adds)(std::int64_t rounds);
  std::int64_t round_flops;
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
