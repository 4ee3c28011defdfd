#include "cpu/kernels.h"

#ifdef __x86_64__
#ifndef __clang__  // GCC 12 warns of its own intrinsics: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl")
#endif

namespace qwen3tts::cpu {
namespace {

using Vec = __m512;
using Bits = std::uint32_t __attribute__((vector_size(64)));
constexpr int width = 16;
constexpr int tile_rows = 6;  // 6 x 4 sums, 6 inputs and a weight: 31 of 32 registers
constexpr int product_rows = 12;  // 12 x 2 sums, 2 weights and an input: 27 of 32 registers

inline Vec splat(float value) { return _mm512_set1_ps(value); }
inline Vec widen(__m256i bits, bfloat16) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16)); }
inline Vec widen(__m256i bits, float16) { return _mm512_cvtph_ps(bits); }

inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
template <class Half>
inline Vec load(const Half* p) {
  return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), Half{});
}

inline __mmask16 first(std::int64_t count) { return static_cast<__mmask16>((1u << count) - 1); }
inline Vec load_partial(const float* p, std::int64_t count) { return _mm512_maskz_loadu_ps(first(count), p); }
template <class Half>
inline Vec load_partial(const Half* p, std::int64_t count) {
  return widen(_mm256_maskz_loadu_epi16(first(count), p), Half{});
}

inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline void store_partial(float* p, Vec v, std::int64_t count) { _mm512_mask_storeu_ps(p, first(count), v); }

inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }

inline float sum(Vec v) {
  v += _mm512_shuffle_f32x4(v, v, 0x4e);
  v += _mm512_shuffle_f32x4(v, v, 0xb1);
  v += _mm512_permute_ps(v, 0x4e);
  v += _mm512_permute_ps(v, 0xb1);
  return _mm512_cvtss_f32(v);
}

#include "cpu/loops.inc"

}  // namespace

const Kernels avx512_kernels = all_loops;

}  // namespace qwen3tts::cpu

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
