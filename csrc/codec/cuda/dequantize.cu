// A block a row. A frame at one slot is one row of 16 vectors, 16 KB: the time is two waits for memory, a code and then its vector,
// about 2 us with the launch. 64 slots are 64 blocks on an H200's 132 multiprocessors and take the same.
#include "codec/cuda/launch.cuh"
#include "codec/cuda/operations.cuh"
#include "codec/cuda/reduce.cuh"

namespace qwen3tts::cuda {
namespace {

__global__ void dequantize_kernel(codec::Dequantize o) {
  const std::int64_t row = blockIdx.x;
  const auto vector = [&](std::int64_t book) {
    const std::int64_t code = o.codes[row * o.books + book];
    return o.codebooks + (book * o.size + (code < 0 ? 0 : code < o.size ? code : o.size - 1)) * o.width;
  };
  float* y = o.y + row * 2 * o.width;
  for (std::int64_t i = threadIdx.x; i < o.width; i += blockDim.x) {
    y[i] = vector(0)[i];
    float sum = 0.0f;
#pragma unroll 5  // loads that are on their way together
    for (std::int64_t book = 1; book < o.books; ++book) sum += vector(book)[i];
    y[o.width + i] = sum;
  }
}

}  // namespace

const char* dequantize(const codec::Dequantize& operation, void* stream) {
  return launch(dequantize_kernel, static_cast<unsigned>(operation.rows), threads_for(operation.width), 0, stream, operation);
}

}  // namespace qwen3tts::cuda
