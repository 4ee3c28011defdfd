// csrc/codec/cuda/instructions.cuh for the emulation: include paths put this file before it. What each does is said there.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace qwen3tts::cuda {

template <class Element>
Element* dynamic_shared() {
  return static_cast<Element*>(emulation::block.shared);
}

inline std::uint32_t to_tf32(float value) {
  const std::uint32_t bits = __float_as_uint(value);
  return isfinite(value) ? (bits + 0x1000u) & 0xffffe000u : bits;
}

// Like the hardware, cuts off mantissa bits that TF32 has not; where it adds eight products and the sum in its own order, here they
// are added in float64 and rounded once.
inline void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                     emulation::Site site = emulation::here()) {
  struct Fragments {
    std::uint32_t a[4], b[2];
  };
  const Fragments* lanes = emulation::exchange(Fragments{{a[0], a[1], a[2], a[3]}, {b0, b1}}, site);
  const auto number = [](std::uint32_t bits) { return static_cast<double>(__uint_as_float(bits & 0xffffe000u)); };
  const unsigned group = emulation::lane() / 4, place = emulation::lane() % 4;
  for (unsigned i = 0; i < 4; ++i) {
    double sum = d[i];
    for (unsigned k = 0; k < 8; ++k)
      sum += number(lanes[group * 4 + k % 4].a[k / 4 * 2 + i / 2]) * number(lanes[(place * 2 + i % 2) * 4 + k % 4].b[k / 4]);
    d[i] = static_cast<float>(sum);
  }
}

inline void copy_async16(void* shared, const void* global, bool valid) { emulation::copy_later(shared, global, valid); }
inline void copy_async_commit() { emulation::current().copies.emplace_back(); }

template <int pending>
void copy_async_wait() {
  emulation::finish_copies(pending);
}

}  // namespace qwen3tts::cuda
