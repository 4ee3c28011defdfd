// The codec's operations on a GPU: arrays are device memory, stream is a cudaStream_t as an integer.
#ifdef QWEN3TTS_CUDA
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>

#include "bindings/codec_arguments.h"
#include "bindings/module.h"
#include "codec/cuda/operations.cuh"

namespace py = pybind11;

namespace qwen3tts::bindings {
namespace {

constexpr const char* on_gpu =
    "The operation without _cuda on device arrays, queued on a stream. Raises RuntimeError with CUDA's words.";

// Runs work(stream) without the GIL; what it returns is null or CUDA's words.
template <class Work>
void queue(const char* name, std::uintptr_t stream, const Work& work) {
  const char* error = nullptr;
  without_gil([&] { error = work(reinterpret_cast<void*>(stream)); });
  if (error) throw std::runtime_error(std::string(name) + ": " + error);
}

void check_layout(const PackedLayer& layer, const char* name) {
  if (layer.isa) throw py::value_error(std::string(name) + "=Layer is laid out for a CPU: give one that is packed for a GPU");
}

void convolution(const PackedLayer& layer, const Array& x, const OptionalArray& residual, const OptionalArray& y,
                 const OptionalArray& activated, std::int64_t batch, std::int64_t steps, const OptionalPast& arrays,
                 const Array& workspace, std::uintptr_t stream) {
  check_layout(layer, "layer");
  const auto [signal, past] = read_convolution(layer, x, residual, y, activated, batch, steps, arrays);
  const std::int64_t needed = cuda::workspace_elements(layer.layer, batch * steps);
  float* const sums = pointer<float>("workspace", workspace, needed);
  queue("convolution_cuda", stream,
        [&, &signal = signal, &past = past](void* queue) { return cuda::convolution(layer.layer, signal, past, sums, queue); });
}

void residual_unit(const PackedLayer& dilated, const PackedLayer& pointwise, const Array& x, const Array& residual,
                   const OptionalArray& y, const OptionalArray& activated, std::int64_t batch, std::int64_t steps,
                   const OptionalPast& arrays, const Array& hidden_array, const Array& workspace, std::uintptr_t stream) {
  check_layout(dilated, "dilated");
  check_layout(pointwise, "pointwise");
  const auto [signal, past] = read_residual_unit(dilated, pointwise, x, residual, y, activated, batch, steps, arrays);
  const std::int64_t rows = batch * steps;
  const std::int64_t needed =
      std::max(cuda::workspace_elements(dilated.layer, rows), cuda::workspace_elements(pointwise.layer, rows));
  float* const sums = pointer<float>("workspace", workspace, needed);
  float* const hidden = pointer<float>("hidden", hidden_array, rows * dilated.layer.columns);
  queue("residual_unit_cuda", stream, [&, &signal = signal, &past = past](void* queue) {
    return cuda::residual_unit(dilated.layer, pointwise.layer, signal, past, hidden, sums, queue);
  });
}

// Defines name(what `read` takes, stream).
template <class... Parts, class... Arguments, class Run, class... Names>
void define(py::module_& module, const char* name, std::tuple<Parts...> (*read)(Arguments...), Run* run, const Names&... names) {
  const auto call = [=](Arguments... arguments, std::uintptr_t stream) {
    const std::tuple<Parts...> parts = read(arguments...);
    queue(name, stream, [&](void* queue) { return std::apply([&](const Parts&... each) { return run(each..., queue); }, parts); });
  };
  module.def(name, call, names..., py::arg("stream"), on_gpu);
}

}  // namespace

void define_codec_cuda(py::module_& module) {
  using py::arg;
  module.def("convolution_cuda", &convolution, arg("layer"), arg("x"), arg("residual"), arg("y"), arg("activated"), arg("batch"),
             arg("steps"), arg("past"), arg("workspace"), arg("stream"), on_gpu);
  module.def("residual_unit_cuda", &residual_unit, arg("dilated"), arg("pointwise"), arg("x"), arg("residual"), arg("y"),
             arg("activated"), arg("batch"), arg("steps"), arg("past"), arg("hidden"), arg("workspace"), arg("stream"), on_gpu);
  define(module, "dequantize_cuda", read_dequantize, cuda::dequantize, arg("codes"), arg("codebooks"), arg("y"), arg("rows"),
         arg("books"), arg("size"), arg("width"));
  define(module, "rms_norm_cuda", read_rms_norm, cuda::rms_norm, arg("x"), arg("weight"), arg("y"), arg("rows"), arg("channels"),
         arg("eps"));
  define(module, "depthwise_norm_cuda", read_depthwise_norm, cuda::depthwise_norm, arg("x"), arg("weights"), arg("bias"),
         arg("scale"), arg("shift"), arg("y"), arg("batch"), arg("steps"), arg("channels"), arg("taps"), arg("eps"), arg("past"));
  define(module, "window_attention_cuda", read_window_attention, cuda::window_attention, arg("qkv"), arg("keys"), arg("values"),
         arg("frequencies"), arg("y"), arg("slots"), arg("progress"), arg("batch"), arg("steps"), arg("heads"), arg("kv_heads"),
         arg("head_dim"), arg("window"));
  define(module, "waveform_cuda", read_waveform, cuda::waveform, arg("x"), arg("weights"), arg("bias"), arg("samples"), arg("pcm"),
         arg("batch"), arg("steps"), arg("channels"), arg("taps"), arg("past"));
}

}  // namespace qwen3tts::bindings
#endif
