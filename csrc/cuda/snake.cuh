// Snake on the GPU: y = x + inv_beta[c] * sin(alpha[c] * x)^2, one read and one write of the samples.
#pragma once

#include <cstdint>

namespace qwen3tts::cuda {

// Device pointers: x, y (rows, channels) contiguous float32, y may be x; alpha, inv_beta (channels). stream: a
// cudaStream_t. rows * channels is below 2^31. Returns null, or what CUDA says went wrong with the launch.
const char* snake(const float* x, const float* alpha, const float* inv_beta, float* y, std::int64_t rows, std::int64_t channels,
                  void* stream);

}  // namespace qwen3tts::cuda
