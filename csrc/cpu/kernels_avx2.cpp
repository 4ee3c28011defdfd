#include "cpu/kernels.h"

#ifdef __x86_64__
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

namespace qwen3tts::cpu {
namespace {

using Vec = __m256;
using Bits = std::uint32_t __attribute__((vector_size(32)));
constexpr int width = 8;
constexpr int tile_rows = 3;  // 3 x 4 sums, 3 inputs and a weight: 16 of 16 registers
constexpr int product_rows = 6;  // 6 x 2 sums, 2 weights and an input: 15 of 16 registers

inline Vec splat(float value) { return _mm256_set1_ps(value); }
inline Vec widen(__m128i bits, bfloat16) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)); }
inline Vec widen(__m128i bits, float16) { return _mm256_cvtph_ps(bits); }

inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
template <class Half>
inline Vec load(const Half* p) {
  return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), Half{});
}

template <class Element>
inline Vec load_partial(const Element* p, std::int64_t count) {
  Element lanes[width] = {};
  std::memcpy(lanes, p, count * sizeof(Element));
  return load(lanes);
}

inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
inline void store_partial(float* p, Vec v, std::int64_t count) {
  float lanes[width];
  store(lanes, v);
  std::memcpy(p, lanes, count * sizeof(float));
}

inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }

inline float sum(Vec v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#include "cpu/loops.inc"

}  // namespace

const Kernels avx2_kernels = all_loops;

}  // namespace qwen3tts::cpu

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
