#include "bindings/codec_arguments.h"

#include <algorithm>
#include <vector>

namespace qwen3tts::bindings {
namespace {

codec::Slots read_slots(const Array& slots, const Array& progress, std::int64_t batch) {
  const std::int64_t count = elements({{"progress", progress.second}}, 2) / 2;
  return {pointer<std::int64_t>("slots", slots, elements({{"batch", batch}})),
          pointer<std::int64_t>("progress", progress, 2 * count), count};
}

codec::Past read_past(const OptionalPast& past, std::int64_t batch, std::int64_t rows, std::int64_t channels) {
  if (!past) return {nullptr, {nullptr, nullptr, 0}};
  const auto& [history, slots, progress] = *past;
  const codec::Slots places = read_slots(slots, progress, batch);
  const std::int64_t half = rows == 0 ? 0 : elements({{"count", places.count}, {"rows", rows}, {"channels", channels}});
  float* const rows_before = pointer<float>("history", history, 2 * half);
  return {half == 0 ? nullptr : rows_before, places};
}

}  // namespace

std::tuple<codec::Signal, codec::Past> read_convolution(const PackedLayer& packed, const Array& x, const OptionalArray& residual,
                                                        const OptionalArray& y, const OptionalArray& activated, std::int64_t batch,
                                                        std::int64_t steps, const OptionalPast& past) {
  const codec::Layer& layer = packed.layer;
  const std::int64_t inputs =
      elements({{"batch", batch}, {"steps", steps}, {"stride", layer.stride}, {"channels", layer.channels}});
  const std::int64_t outputs = elements({{"batch", batch}, {"steps", steps}, {"columns", layer.columns}});
  const std::int64_t activations = batch * steps * layer.activated_columns();
  if (!y && !activated) refuse("y", 0, "and activated are both left out: give one of them");
  return {codec::Signal{pointer<float>("x", x, inputs), pointer<float>("residual", residual, outputs),
                        pointer<float>("y", y, outputs), pointer<float>("activated", activated, activations), batch, steps},
          read_past(past, batch, layer.past(), layer.channels)};
}

std::tuple<codec::Signal, codec::Past> read_residual_unit(const PackedLayer& dilated, const PackedLayer& pointwise, const Array& x,
                                                          const Array& residual, const OptionalArray& y,
                                                          const OptionalArray& activated, std::int64_t batch, std::int64_t steps,
                                                          const OptionalPast& past) {
  const codec::Layer &first = dilated.layer, &second = pointwise.layer;
  if (first.stride != 1 || first.activation == codec::Activation::swiglu)
    refuse("dilated", first.stride, "has a stride, or pairs of columns: give one without");
  if (second.taps != 1) refuse("pointwise", second.taps, "taps are no linear layer: give one of a single tap");
  if (second.channels != first.columns)
    refuse("pointwise", second.channels, "channels are not what dilated gives: give " + std::to_string(first.columns));
  const std::int64_t inputs = elements({{"batch", batch}, {"steps", steps}, {"channels", first.channels}});
  elements({{"batch", batch}, {"steps", steps}, {"columns", first.columns}});
  auto [signal, unused] =
      read_convolution(pointwise, {x.first, batch * steps * second.channels}, residual, y, activated, batch, steps, {});
  signal.x = pointer<float>("x", x, inputs);
  return {signal, read_past(past, batch, first.past(), first.channels)};
}

std::tuple<codec::Dequantize> read_dequantize(const Array& codes, const Array& codebooks, const Array& y, std::int64_t rows,
                                              std::int64_t books, std::int64_t size, std::int64_t width) {
  return {codec::Dequantize{pointer<std::int64_t>("codes", codes, elements({{"rows", rows}, {"books", books}})),
                            pointer<float>("codebooks", codebooks, elements({{"books", books}, {"size", size}, {"width", width}})),
                            pointer<float>("y", y, 2 * elements({{"rows", rows}, {"width", width}})), rows, books, size, width}};
}

std::tuple<codec::RmsNorm> read_rms_norm(const Array& x, const Array& weight, const Array& y, std::int64_t rows,
                                         std::int64_t channels, float eps) {
  const std::int64_t size = elements({{"rows", rows}, {"channels", channels}});
  return {codec::RmsNorm{pointer<float>("x", x, size), pointer<float>("weight", weight, channels), pointer<float>("y", y, size),
                         rows, channels, eps}};
}

std::tuple<codec::DepthwiseNorm, codec::Past> read_depthwise_norm(const Array& x, const Array& weights, const Array& bias,
                                                                  const Array& scale, const Array& shift, const Array& y,
                                                                  std::int64_t batch, std::int64_t steps, std::int64_t channels,
                                                                  std::int64_t taps, float eps, const OptionalPast& past) {
  const std::int64_t size = elements({{"batch", batch}, {"steps", steps}, {"channels", channels}});
  return {codec::DepthwiseNorm{
              pointer<float>("x", x, size), pointer<float>("weights", weights, elements({{"taps", taps}, {"channels", channels}})),
              pointer<float>("bias", bias, channels), pointer<float>("scale", scale, channels),
              pointer<float>("shift", shift, channels), pointer<float>("y", y, size), batch, steps, channels, taps, eps},
          read_past(past, batch, taps - 1, channels)};
}

std::tuple<codec::WindowAttention, codec::Slots> read_window_attention(const Array& qkv, const Array& keys, const Array& values,
                                                                       const Array& frequencies, const Array& y, const Array& slots,
                                                                       const Array& progress, std::int64_t batch,
                                                                       std::int64_t steps, std::int64_t heads,
                                                                       std::int64_t kv_heads, std::int64_t head_dim,
                                                                       std::int64_t window) {
  elements({{"heads", heads}, {"kv_heads", kv_heads}, {"head_dim", head_dim}});
  if (heads % kv_heads != 0) refuse("heads", heads, "cannot share the keys evenly: give a multiple of kv_heads");
  if (head_dim % 2 != 0) refuse("head_dim", head_dim, "has no halves to rotate: give an even number");
  const codec::Slots places = read_slots(slots, progress, batch);
  const std::int64_t ring = elements({{"count", places.count}, {"window", window}, {"kv_heads", kv_heads}, {"head_dim", head_dim}});
  const std::int64_t joined =
      elements({{"batch", batch}, {"steps", steps}, {"heads", heads + 2 * kv_heads}, {"head_dim", head_dim}});
  return {codec::WindowAttention{pointer<float>("qkv", qkv, joined), pointer<float>("keys", keys, ring),
                                 pointer<float>("values", values, ring), pointer<float>("frequencies", frequencies, head_dim / 2),
                                 pointer<float>("y", y, batch * steps * heads * head_dim), batch, steps, heads, kv_heads, head_dim,
                                 window},
          places};
}

std::tuple<codec::Waveform, codec::Past> read_waveform(const Array& x, const Array& weights, const Array& bias,
                                                       const Array& samples, const Array& pcm, std::int64_t batch,
                                                       std::int64_t steps, std::int64_t channels, std::int64_t taps,
                                                       const OptionalPast& past) {
  const std::int64_t times = elements({{"batch", batch}, {"steps", steps}});
  return {codec::Waveform{pointer<float>("x", x, elements({{"batch", batch}, {"steps", steps}, {"channels", channels}})),
                          pointer<float>("weights", weights, elements({{"taps", taps}, {"channels", channels}})),
                          pointer<float>("bias", bias, 1), pointer<float>("samples", samples, times),
                          pointer<std::int16_t>("pcm", pcm, times), batch, steps, channels, taps},
          read_past(past, batch, taps - 1, channels)};
}

void check_codes(const codec::Dequantize& operation) {
  const std::int64_t* const end = operation.codes + operation.rows * operation.books;
  const std::int64_t* const wrong =
      std::find_if(operation.codes, end, [&](auto code) { return code < 0 || code >= operation.size; });
  if (wrong != end) refuse("codes", *wrong, "is no code: give 0 to " + std::to_string(operation.size - 1));
}

void check_slots(const codec::Slots& slots, std::int64_t batch) {
  std::vector<bool> named(slots.count);
  for (std::int64_t row = 0; row < batch; ++row) {
    const std::int64_t slot = slots.slots[row];
    if (slot < 0 || slot >= slots.count) refuse("slots", slot, "is no slot: give 0 to " + std::to_string(slots.count - 1));
    if (named[slot]) refuse("slots", slot, "stands there twice: give every slot once");
    named[slot] = true;
    const std::int64_t frames = slots.progress[2 * slot];
    if (frames < 0 || frames > most_elements)
      refuse("progress", frames, "is no number of frames: give 0 to " + std::to_string(most_elements));
  }
}

}  // namespace qwen3tts::bindings
