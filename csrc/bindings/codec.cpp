// The codec's operations on a CPU.
#include <pybind11/stl.h>

#include "bindings/codec_arguments.h"
#include "bindings/module.h"
#include "codec/cpu/operations.h"

namespace py = pybind11;

namespace qwen3tts::bindings {
namespace {

cpu::Isa isa_of(const PackedLayer& layer, const char* name) {
  if (!layer.isa) throw py::value_error(std::string(name) + "=Layer is laid out for a GPU: give one that is packed for this CPU");
  return *layer.isa;
}

void convolution(const PackedLayer& layer, const Array& x, const OptionalArray& residual, const OptionalArray& y,
                 const OptionalArray& activated, std::int64_t batch, std::int64_t steps, const OptionalPast& arrays, int threads) {
  const auto [signal, past] = read_convolution(layer, x, residual, y, activated, batch, steps, arrays);
  if (past.history) check_slots(past.slots, batch);
  check_threads(threads);
  const cpu::Isa isa = isa_of(layer, "layer");
  without_gil([&, &signal = signal, &past = past] { cpu::convolution(layer.layer, signal, past, isa, threads); });
}

void residual_unit(const PackedLayer& dilated, const PackedLayer& pointwise, const Array& x, const Array& residual,
                   const OptionalArray& y, const OptionalArray& activated, std::int64_t batch, std::int64_t steps,
                   const OptionalPast& arrays, int threads) {
  const auto [signal, past] = read_residual_unit(dilated, pointwise, x, residual, y, activated, batch, steps, arrays);
  if (past.history) check_slots(past.slots, batch);
  check_threads(threads);
  const cpu::Isa isa = isa_of(dilated, "dilated");
  if (isa != isa_of(pointwise, "pointwise"))
    throw py::value_error("pointwise=Layer is laid out otherwise than dilated: give two layers of one layout");
  without_gil(
      [&, &signal = signal, &past = past] { cpu::residual_unit(dilated.layer, pointwise.layer, signal, past, isa, threads); });
}

void dequantize(const Array& codes, const Array& codebooks, const Array& y, std::int64_t rows, std::int64_t books,
                std::int64_t size, std::int64_t width) {
  const auto [operation] = read_dequantize(codes, codebooks, y, rows, books, size, width);
  check_codes(operation);
  without_gil([&, &operation = operation] { cpu::dequantize(operation); });
}

void check_contents(const codec::RmsNorm&) {}
void check_contents(const codec::WindowAttention& operation, const codec::Slots& slots) { check_slots(slots, operation.batch); }
template <class Operation>
void check_contents(const Operation& operation, const codec::Past& past) {
  if (past.history) check_slots(past.slots, operation.batch);
}

// Defines name(what `read` takes, threads, isa): what has been read is checked, and run without the GIL.
template <class... Parts, class... Arguments, class Run, class... Names>
void define(py::module_& module, const char* name, std::tuple<Parts...> (*read)(Arguments...), Run* run, const char* doc,
            const Names&... names) {
  const auto call = [=](Arguments... arguments, int threads, const std::string& isa_name) {
    const std::tuple<Parts...> parts = read(arguments...);
    std::apply([](const Parts&... each) { check_contents(each...); }, parts);
    check_threads(threads);
    const cpu::Isa isa = cpu::isa_from_name(isa_name);
    without_gil([&] { std::apply([&](const Parts&... each) { run(each..., isa, threads); }, parts); });
  };
  module.def(name, call, names..., py::arg("threads"), py::arg("isa") = "auto", doc);
}

}  // namespace

void define_codec(py::module_& module) {
  using py::arg;
  module.def(
      "convolution", &convolution, arg("layer"), arg("x"), arg("residual"), arg("y"), arg("activated"), arg("batch"), arg("steps"),
      arg("past"), arg("threads"),
      "The layer of x (batch, steps * stride, channels), and of the rows before it in past, (history, slots, progress) or None.\n\n"
      "y: sums + bias + residual; activated: the layer's activation of it; one of both may be None. See csrc/codec/layer.h.");
  module.def("residual_unit", &residual_unit, arg("dilated"), arg("pointwise"), arg("x"), arg("residual"), arg("y"),
             arg("activated"), arg("batch"), arg("steps"), arg("past"), arg("threads"),
             "pointwise(dilated(x)) + residual to y and, through pointwise's activation, to activated.");
  module.def("dequantize", &dequantize, arg("codes"), arg("codebooks"), arg("y"), arg("rows"), arg("books"), arg("size"),
             arg("width"), "y (rows, 2 * width): the vector of a row's first code, then the sum of the others'. codes: int64.");
  define(module, "rms_norm", read_rms_norm, cpu::rms_norm, "y = x / sqrt(mean(x^2) + eps) * weight for each row.", arg("x"),
         arg("weight"), arg("y"), arg("rows"), arg("channels"), arg("eps"));
  define(module, "depthwise_norm", read_depthwise_norm, cpu::depthwise_norm,
         "y = LayerNorm(causal depthwise convolution of x) * scale + shift.", arg("x"), arg("weights"), arg("bias"), arg("scale"),
         arg("shift"), arg("y"), arg("batch"), arg("steps"), arg("channels"), arg("taps"), arg("eps"), arg("past"));
  define(module, "window_attention", read_window_attention, cpu::window_attention,
         "Attention of each step to the window that ends with it; keys and values are rings of one layer.", arg("qkv"), arg("keys"),
         arg("values"), arg("frequencies"), arg("y"), arg("slots"), arg("progress"), arg("batch"), arg("steps"), arg("heads"),
         arg("kv_heads"), arg("head_dim"), arg("window"));
  define(module, "waveform", read_waveform, cpu::waveform,
         "Causal convolution to one channel, clamped to [-1, 1]: samples, and pcm as int16.", arg("x"), arg("weights"), arg("bias"),
         arg("samples"), arg("pcm"), arg("batch"), arg("steps"), arg("channels"), arg("taps"), arg("past"));
}

}  // namespace qwen3tts::bindings
