// What follows the sums of a convolution: bias, residual, activation, and where the result goes. Columns are handled in pairs: the
// two neighbours that a thread has of a tensor-core tile, and gate and up of swiglu.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "codec/layer.h"

namespace qwen3tts::cuda {

struct Output {
  const float *bias, *alpha, *inv_beta, *residual;
  float *y, *activated;
  int columns;
  codec::Activation activation;
  bool paired;  // whether a pair of columns can be read and written as one: columns are even, arrays aligned
};

// sin(phase)^2 without sinf, which keeps the digits of a large argument in local memory. Two parts of pi / 2 with FMA reduce phases
// of up to 105615 to within 1e-10; the double's two are as good up to 2^53, and bring what is beyond into range in three passes.
__device__ __forceinline__ float sin_squared(float phase) {
  float turns = rintf(phase * 0.63661977f);
  float rest = fmaf(turns, -0x1.921fb4p+0f, phase);
  rest = fmaf(turns, -0x1.4442d2p-24f, rest);
  bool odd = __float2int_rn(turns) & 1;
  if (fabsf(phase) > 105615.0f) {
    double wide = phase;
    odd = false;
    for (int pass = 0; pass < 3; ++pass) {
      const double quarters = rint(wide * 0.6366197723675814);
      wide = fma(quarters, -0x1.921fb54442d18p+0, wide);
      wide = fma(quarters, -0x1.1a62633145c07p-54, wide);
      odd ^= quarters != 2.0 * rint(0.5 * quarters);
    }
    rest = static_cast<float>(wide);
  }
  // sin^2 on [-pi/4, pi/4] by Remez: off by 2e-10 at most.
  const float square = __fmul_rn(rest, rest);
  float tail = fmaf(0.00013409874f, square, -0.0031704546f);
  tail = fmaf(tail, square, 0.044443414f);
  tail = fmaf(tail, square, -0.33333325f);
  const float even = fmaf(__fmul_rn(square, square), tail, square);
  return odd ? 1.0f - even : even;
}

__device__ __forceinline__ float silu(float x) { return x / (1.0f + expf(-x)); }

// Of one column; not swiglu, which takes two.
__device__ __forceinline__ float activate(const Output& output, float x, int column) {
  switch (output.activation) {
    case codec::Activation::snake:
      return fmaf(__ldg(output.inv_beta + column), sin_squared(__fmul_rn(__ldg(output.alpha + column), x)), x);
    case codec::Activation::elu: return x > 0.0f ? x : expm1f(x);
    case codec::Activation::gelu: return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    default: return x;
  }
}

// The sums of `column` and the one after it, if there is one; column is even, and may lie past the last.
__device__ __forceinline__ void emit(const Output& output, std::int64_t row, int column, float2 result) {
  const int count = output.columns - column;
  if (count <= 0) return;
  const bool both = count > 1;
  const std::int64_t at = row * output.columns + column;
  if (output.bias) {
    result.x += __ldg(output.bias + column);
    if (both) result.y += __ldg(output.bias + column + 1);
  }
  if (output.residual) {
    const float* residual = output.residual + at;
    const float2 added = output.paired ? *reinterpret_cast<const float2*>(residual) : float2{residual[0], both ? residual[1] : 0};
    result.x += added.x;
    result.y += added.y;
  }
  const auto store = [&](float* to, float2 pair) {
    if (output.paired) {
      *reinterpret_cast<float2*>(to) = pair;
    } else {
      to[0] = pair.x;
      if (both) to[1] = pair.y;
    }
  };
  if (output.y) store(output.y + at, result);
  if (!output.activated) return;
  if (output.activation == codec::Activation::swiglu)
    output.activated[at / 2] = silu(result.x) * result.y;
  else
    store(output.activated + at, {activate(output, result.x, column), both ? activate(output, result.y, column + 1) : 0.0f});
}

// As emit, of sums that lie in parts, `stride` apart: they are added in their order.
__device__ __forceinline__ void emit_parts(const Output& output, std::int64_t row, int column, const float* sums,
                                           std::int64_t stride, int parts) {
  const bool both = column + 1 < output.columns;
  float2 result{0.0f, 0.0f};
  for (int part = 0; part < parts; ++part, sums += stride) {
    result.x += sums[0];
    if (both) result.y += sums[1];
  }
  emit(output, row, column, result);
}

}  // namespace qwen3tts::cuda
