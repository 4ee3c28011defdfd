// What the codec's operations take. Signals are (batch, time, channels), float32 and contiguous: the inputs of one output of a
// convolution are a few contiguous rows, and linear layers, transposed convolutions and convolutions are one operation.
#pragma once

#include <cstdint>

namespace qwen3tts::codec {

// What follows the sums. swiglu: columns come in pairs (gate, up), and half as many silu(gate) * up go out.
enum class Activation { none, snake, elu, gelu, swiglu };

// A causal convolution, apart from its signal. Output t is bias + the sum over taps i of w[i] . input[t * stride + i * dilation],
// where input is the past rows followed by the signal's. One tap is a linear layer. A transposed convolution by s has two taps and
// s times the columns: its outputs s * t ... s * t + s - 1 are row t, and what overlaps is carried as the one input that makes it.
struct Layer {
  const float* weights;  // laid out for where it runs: panels on a CPU, fragments on a GPU
  const float* bias;     // (columns), or null
  const float* alpha;    // (columns), of snake alone
  const float* inv_beta;
  std::int64_t channels, columns, taps, dilation, stride;
  Activation activation;

  // Rows before the signal that the first output reaches.
  std::int64_t past() const { return (taps - 1) * dilation + 1 - stride; }
  std::int64_t activated_columns() const { return activation == Activation::swiglu ? columns / 2 : columns; }
};

// Which utterances a call goes on with, and where they stand.
struct Slots {
  const std::int64_t* slots;     // (batch), distinct, in [0, count)
  const std::int64_t* progress;  // (count, 2): frames and calls that each slot has had
  std::int64_t count;
};

// Rows that come before a signal: history (2, count, rows, channels). A call reads the half of the slot's calls & 1, as zeros where
// the slot has had no frame, and writes the other half: a block that still reads never meets one that writes. Null history: zeros
// before the signal, and nothing is kept; then the slots are not looked at.
struct Past {
  float* history;
  Slots slots;
};

// x (batch, steps * stride, channels). With result = sums + bias + residual (each if there is one): y, if not null, gets it,
// activated, if not null, the layer's activation of it. residual, y (batch, steps, columns); activated (batch, steps,
// activated_columns).
struct Signal {
  const float* x;
  const float* residual;
  float* y;
  float* activated;
  std::int64_t batch, steps;
};

}  // namespace qwen3tts::codec
