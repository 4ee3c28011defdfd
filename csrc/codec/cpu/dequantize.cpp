#include <algorithm>

#include "codec/cpu/operations.h"

namespace qwen3tts::cpu {

void dequantize(const codec::Dequantize& operation) {
  const std::int64_t width = operation.width;
  for (std::int64_t row = 0; row < operation.rows; ++row) {
    const std::int64_t* codes = operation.codes + row * operation.books;
    float* first = operation.y + row * 2 * width;
    float* others = first + width;
    const auto vector = [&](std::int64_t book) { return operation.codebooks + (book * operation.size + codes[book]) * width; };
    std::copy_n(vector(0), width, first);
    std::fill_n(others, width, 0.0f);
    for (std::int64_t book = 1; book < operation.books; ++book)
      for (std::int64_t i = 0; i < width; ++i) others[i] += vector(book)[i];
  }
}

}  // namespace qwen3tts::cpu
