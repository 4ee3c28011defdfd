#include "bindings/layer.h"

#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/checks.h"
#include "bindings/module.h"
#include "codec/cpu/operations.h"
#ifdef QWEN3TTS_CUDA
#include "codec/cuda/operations.cuh"
#endif

namespace py = pybind11;

namespace qwen3tts::bindings {
namespace {

using codec::Activation;

constexpr std::int64_t most_past = 1 << 16;  // rows; a layer without a history makes so many of zeros

Activation activation_from_name(const std::string& name) {
  if (name == "none") return Activation::none;
  if (name == "snake") return Activation::snake;
  if (name == "elu") return Activation::elu;
  if (name == "gelu") return Activation::gelu;
  if (name == "swiglu") return Activation::swiglu;
  throw py::value_error("activation='" + name + "' is unknown: give none, snake, elu, gelu or swiglu");
}

std::optional<cpu::Isa> isa_of_layout(const std::string& layout) {
  std::string known;
  for (cpu::Isa isa : cpu::supported_isas()) {
    if (layout == cpu::name(isa)) return isa;
    known += std::string(known.empty() ? "" : ", ") + cpu::name(isa);
  }
#ifdef QWEN3TTS_CUDA
  if (layout == "cuda") return std::nullopt;
  known += ", cuda";
#endif
  throw py::value_error("layout='" + layout + "' cannot run here: give one of " + known);
}

std::int64_t round_up(std::int64_t value, std::int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

void check_form(const codec::Layer& layer) {
  elements({{"channels", layer.channels}, {"columns", layer.columns}, {"taps", layer.taps}});
  const std::int64_t reach = elements({{"taps", layer.taps}, {"dilation", layer.dilation}});
  if (reach - layer.dilation > most_past)
    refuse("dilation", layer.dilation,
           "reaches too far back: give taps and a dilation that reach at most " + std::to_string(most_past));
  elements({{"stride", layer.stride}});
  if (layer.past() < 0) refuse("stride", layer.stride, "leaves inputs out: give at most (taps - 1) * dilation + 1");
  if (layer.activation == Activation::swiglu && layer.columns % 2 != 0)
    refuse("columns", layer.columns, "are not pairs of gate and up: give an even number");
}

PackedLayer make_layer(const Array& weights, const OptionalArray& bias, const OptionalArray& alpha, const OptionalArray& inv_beta,
                       std::int64_t channels, std::int64_t columns, std::int64_t taps, std::int64_t dilation, std::int64_t stride,
                       const std::string& activation, const std::string& layout) {
  PackedLayer packed{
      {nullptr, nullptr, nullptr, nullptr, channels, columns, taps, dilation, stride, activation_from_name(activation)},
      isa_of_layout(layout)};
  codec::Layer& layer = packed.layer;
  check_form(layer);
  const std::int64_t panel = packed.isa ? cpu::panel_width(*packed.isa) : 8;
  const std::int64_t padded = packed.isa ? channels : round_up(channels, 32);
  layer.weights =
      pointer<float>("weights", weights, elements({{"taps", taps}, {"channels", padded}, {"columns", round_up(columns, panel)}}),
                     packed.isa ? alignof(float) : 16);
  layer.bias = pointer<float>("bias", bias, columns);
  layer.alpha = pointer<float>("alpha", alpha, columns);
  layer.inv_beta = pointer<float>("inv_beta", inv_beta, columns);
  const bool snake = layer.activation == Activation::snake;
  if (alpha.has_value() != snake) refuse("alpha", alpha.has_value(), "does not go with the activation: give it to snake alone");
  if (inv_beta.has_value() != snake)
    refuse("inv_beta", inv_beta.has_value(), "does not go with the activation: give it to snake alone");
  return packed;
}

#ifdef QWEN3TTS_CUDA
std::int64_t layer_workspace(const PackedLayer& layer, std::int64_t rows) {
  elements({{"rows", rows}, {"columns", layer.layer.columns}});
  return cuda::workspace_elements(layer.layer, rows);
}
#endif

std::int64_t panel_width(const std::string& isa) { return cpu::panel_width(cpu::isa_from_name(isa)); }

}  // namespace

void define_layer(py::module_& module) {
  using py::arg;
  // Local to the module, so that a module built otherwise can stand beside this one.
  py::class_<PackedLayer>(module, "Layer", py::module_local(),
                          "A causal convolution, checked once. The arrays have to outlive it.\n\n"
                          "weights: laid out as qwen3tts.native.packing does for the layout. bias, alpha, inv_beta: (columns).")
      .def(py::init(&make_layer), arg("weights"), arg("bias"), arg("alpha"), arg("inv_beta"), arg("channels"), arg("columns"),
           arg("taps"), arg("dilation"), arg("stride"), arg("activation"), arg("layout"));
  module.def("panel_width", &panel_width, arg("isa") = "auto", "Columns of a panel of a layer's weights on a CPU.");
#ifdef QWEN3TTS_CUDA
  module.def("layer_workspace", &layer_workspace, arg("layer"), arg("rows"),
             "Floats that a layer's split sums need on a GPU for so many rows of output, 0 if it is not split.");
#endif
}

}  // namespace qwen3tts::bindings
