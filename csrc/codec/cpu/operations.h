// The codec on a CPU. Every sum has one order, which the sizes of a layer and the instruction set alone decide: an output is the
// same bit for bit however its signal is cut into calls, whoever shares the call, and however many threads work.
#pragma once

#include "codec/layer.h"
#include "codec/operations.h"
#include "cpu/isa.h"

namespace qwen3tts::cpu {

// Columns of a panel: weights are (panels, taps * channels, panel_width), the last panel filled up with zeros.
std::int64_t panel_width(Isa isa);

void convolution(const codec::Layer& layer, const codec::Signal& signal, const codec::Past& past, Isa isa, int threads);

// Of a signal whose x is the activated input and whose residual is the input: result = pointwise(dilated(x)) + residual.
void residual_unit(const codec::Layer& dilated, const codec::Layer& pointwise, const codec::Signal& signal, const codec::Past& past,
                   Isa isa, int threads);

void dequantize(const codec::Dequantize& operation);
void rms_norm(const codec::RmsNorm& operation, Isa isa, int threads);
void depthwise_norm(const codec::DepthwiseNorm& operation, const codec::Past& past, Isa isa, int threads);
void window_attention(const codec::WindowAttention& operation, const codec::Slots& slots, Isa isa, int threads);
void waveform(const codec::Waveform& operation, const codec::Past& past, Isa isa, int threads);

}  // namespace qwen3tts::cpu
