// The codec on a GPU. All pointers are device memory. Every function queues its kernels on `stream`, a cudaStream_t, and returns
// null or what CUDA says went wrong with a launch. None allocates or waits, so that all of them can be captured in a graph.
//
// Slots and codes cannot be checked here: a code out of range is clamped, and several lanes may name one slot that is nobody's.
#pragma once

#include "codec/layer.h"
#include "codec/operations.h"

namespace qwen3tts::cuda {

// Floats that a layer's split sums need for so many rows (batch * steps) of output; 0 for one that is not split.
std::int64_t workspace_elements(const codec::Layer& layer, std::int64_t rows);

const char* convolution(const codec::Layer& layer, const codec::Signal& signal, const codec::Past& past, float* workspace,
                        void* stream);

// Of a signal whose x is the activated input and whose residual is the input: result = pointwise(dilated(x)) + residual.
// hidden: (batch, steps, dilated.columns). workspace: as large as the larger of both layers needs.
const char* residual_unit(const codec::Layer& dilated, const codec::Layer& pointwise, const codec::Signal& signal,
                          const codec::Past& past, float* hidden, float* workspace, void* stream);

const char* dequantize(const codec::Dequantize& operation, void* stream);
const char* rms_norm(const codec::RmsNorm& operation, void* stream);
const char* depthwise_norm(const codec::DepthwiseNorm& operation, const codec::Past& past, void* stream);
const char* window_attention(const codec::WindowAttention& operation, const codec::Slots& slots, void* stream);
const char* waveform(const codec::Waveform& operation, const codec::Past& past, void* stream);

}  // namespace qwen3tts::cuda
