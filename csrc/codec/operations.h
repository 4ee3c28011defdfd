// What the codec's smaller operations take; float32 and contiguous but where it says otherwise. See layer.h for Past and Slots.
#pragma once

#include <cstdint>

namespace qwen3tts::codec {

// y (rows, 2 * width): the vector of a row's first code, and the sum of the vectors of its others, in their order.
// codes (rows, books); codebooks (books, size, width). A GPU clamps codes to [0, size); on a CPU the caller has checked them.
struct Dequantize {
  const std::int64_t* codes;
  const float* codebooks;
  float* y;
  std::int64_t rows, books, size, width;
};

// y = x / sqrt(mean(x^2) + eps) * weight, over rows of x (rows, channels).
struct RmsNorm {
  const float* x;
  const float* weight;
  float* y;
  std::int64_t rows, channels;
  float eps;
};

// The head of a ConvNeXt block: y = LayerNorm(causal depthwise convolution of x) * scale + shift. x, y (batch, steps, channels);
// weights (taps, channels); bias, scale, shift (channels). Its past has taps - 1 rows.
struct DepthwiseNorm {
  const float* x;
  const float* weights;
  const float* bias;
  const float* scale;
  const float* shift;
  float* y;
  std::int64_t batch, steps, channels, taps;
  float eps;
};

// Attention of each step to itself and the window - 1 positions before it, with RoPE (split halves). qkv (batch, steps, heads + 2 *
// kv_heads, head_dim): queries, keys, values; keys, values (count, window, kv_heads, head_dim) of one layer, a ring: position p
// lies at p % window, its key rotated. frequencies (head_dim / 2); y (batch, steps, heads, head_dim). The first step is at position
// progress[slot].frames. Steps go one after another, so that none overwrites what one before it reads.
struct WindowAttention {
  const float* qkv;
  float* keys;
  float* values;
  const float* frequencies;
  float* y;
  std::int64_t batch, steps, heads, kv_heads, head_dim, window;
};

// The last convolution, to one channel, and the clamp: samples (batch, steps) in [-1, 1], and the same as pcm, clamp(rint(sample *
// 32768)). x (batch, steps, channels); weights (taps, channels); bias (1). Its past has taps - 1 rows.
struct Waveform {
  const float* x;
  const float* weights;
  const float* bias;
  float* samples;
  std::int16_t* pcm;
  std::int64_t batch, steps, channels, taps;
};

}  // namespace qwen3tts::codec
