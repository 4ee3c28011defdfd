// The compiler's own vectors of four floats: SSE2 on any x86-64, NEON on aarch64.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "cpu/kernels.h"
#ifdef __aarch64__
#include <arm_neon.h>
#endif

namespace qwen3tts::cpu {
namespace {

using Vec = float __attribute__((vector_size(16)));
using Bits = std::uint32_t __attribute__((vector_size(16)));
using HalfBits = std::uint16_t __attribute__((vector_size(8)));
constexpr int width = 4;
constexpr int tile_rows = 2;  // 2 x 4 sums, 2 inputs and a weight: 11 of 16 registers, the others widen
#ifdef __aarch64__
constexpr int product_rows = 8;  // 8 x 2 sums, 2 weights and an input: 19 of 32 registers
#else
constexpr int product_rows = 4;  // 4 x 2 sums, 2 weights and an input: 11 of 16 registers, a product takes another
#endif

inline Vec splat(float value) { return Vec{value, value, value, value}; }
inline Vec widen(Bits bits, bfloat16) { return reinterpret_cast<Vec>(bits << 16); }
inline Vec widen(Bits bits, float16) {
  const Bits sign = (bits & 0x8000u) << 16;
  const Bits magnitude = bits & 0x7fffu;
  const Vec scaled = reinterpret_cast<Vec>(magnitude << 13) * splat(0x1p112f);  // exponent bias 15 to 127, subnormals too
  const Bits infinite = reinterpret_cast<Bits>(magnitude >= 0x7c00u) & 0x7f800000u;
  return reinterpret_cast<Vec>(reinterpret_cast<Bits>(scaled) | infinite | sign);
}

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class Half>
inline Vec load(const Half* p) {
  HalfBits bits;
  std::memcpy(&bits, p, sizeof bits);
  return widen(__builtin_convertvector(bits, Bits), Half{});
}

template <class Element>
inline Vec load_partial(const Element* p, std::int64_t count) {
  Element lanes[width] = {};
  std::memcpy(lanes, p, count * sizeof(Element));
  return load(lanes);
}

inline void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }
inline void store_partial(float* p, Vec v, std::int64_t count) { std::memcpy(p, &v, count * sizeof(float)); }

#ifdef __aarch64__
inline Vec multiply_add(Vec a, Vec b, Vec c) { return reinterpret_cast<Vec>(vfmaq_f32(c, a, b)); }
#else
inline Vec multiply_add(Vec a, Vec b, Vec c) { return a * b + c; }
#endif

inline float sum(Vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }

#include "cpu/loops.inc"

}  // namespace

const Kernels baseline_kernels = all_loops;

}  // namespace qwen3tts::cpu
