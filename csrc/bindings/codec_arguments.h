// The arguments of the codec's operations, read alike for a CPU and for a GPU: names, sizes and arrays to what codec/*.h take.
#pragma once

#include <tuple>

#include "bindings/checks.h"
#include "bindings/layer.h"
#include "codec/layer.h"
#include "codec/operations.h"

namespace qwen3tts::bindings {

using OptionalPast = std::optional<std::tuple<Array, Array, Array>>;  // history, slots, progress

// A convolution of the layer. x, residual, y, activated as in codec::Signal.
std::tuple<codec::Signal, codec::Past> read_convolution(const PackedLayer& layer, const Array& x, const OptionalArray& residual,
                                                        const OptionalArray& y, const OptionalArray& activated, std::int64_t batch,
                                                        std::int64_t steps, const OptionalPast& past);

// The same of two layers, of which the second is a linear one that takes what the first gives.
std::tuple<codec::Signal, codec::Past> read_residual_unit(const PackedLayer& dilated, const PackedLayer& pointwise, const Array& x,
                                                          const Array& residual, const OptionalArray& y,
                                                          const OptionalArray& activated, std::int64_t batch, std::int64_t steps,
                                                          const OptionalPast& past);

std::tuple<codec::Dequantize> read_dequantize(const Array& codes, const Array& codebooks, const Array& y, std::int64_t rows,
                                              std::int64_t books, std::int64_t size, std::int64_t width);

std::tuple<codec::RmsNorm> read_rms_norm(const Array& x, const Array& weight, const Array& y, std::int64_t rows,
                                         std::int64_t channels, float eps);

std::tuple<codec::DepthwiseNorm, codec::Past> read_depthwise_norm(const Array& x, const Array& weights, const Array& bias,
                                                                  const Array& scale, const Array& shift, const Array& y,
                                                                  std::int64_t batch, std::int64_t steps, std::int64_t channels,
                                                                  std::int64_t taps, float eps, const OptionalPast& past);

std::tuple<codec::WindowAttention, codec::Slots> read_window_attention(const Array& qkv, const Array& keys, const Array& values,
                                                                       const Array& frequencies, const Array& y, const Array& slots,
                                                                       const Array& progress, std::int64_t batch,
                                                                       std::int64_t steps, std::int64_t heads,
                                                                       std::int64_t kv_heads, std::int64_t head_dim,
                                                                       std::int64_t window);

std::tuple<codec::Waveform, codec::Past> read_waveform(const Array& x, const Array& weights, const Array& bias,
                                                       const Array& samples, const Array& pcm, std::int64_t batch,
                                                       std::int64_t steps, std::int64_t channels, std::int64_t taps,
                                                       const OptionalPast& past);

// What only a CPU can check, since only it can read them.
void check_codes(const codec::Dequantize& operation);
void check_slots(const codec::Slots& slots, std::int64_t batch);

}  // namespace qwen3tts::bindings
