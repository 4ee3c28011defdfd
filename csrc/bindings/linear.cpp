#include "cpu/linear.h"

#include <pybind11/stl.h>

#include "bindings/checks.h"
#include "bindings/module.h"

namespace qwen3tts::bindings {
namespace {

cpu::WeightType weight_type_from_name(const std::string& name) {
  if (name == "float32") return cpu::WeightType::float32;
  if (name == "bfloat16") return cpu::WeightType::bfloat16;
  if (name == "float16") return cpu::WeightType::float16;
  throw pybind11::value_error("weight_dtype='" + name + "' is unknown: give float32, bfloat16 or float16");
}

void linear(const Array& x, const Array& w, const OptionalArray& bias, const Array& y, std::int64_t m, std::int64_t k,
            std::int64_t n, const std::string& weight_dtype, int threads, const std::string& isa_name) {
  const cpu::WeightType weight_type = weight_type_from_name(weight_dtype);
  const std::size_t weight_alignment = weight_type == cpu::WeightType::float32 ? alignof(float) : alignof(std::uint16_t);
  const cpu::Linear layer{pointer<float>("x", x, elements({{"m", m}, {"k", k}}, 0)),
                          pointer<void>("w", w, elements({{"n", n}, {"k", k}}, 0), weight_alignment),
                          pointer<float>("bias", bias, n),
                          pointer<float>("y", y, elements({{"m", m}, {"n", n}}, 0)),
                          m, k, n, weight_type};
  check_threads(threads);
  const cpu::Isa isa = cpu::isa_from_name(isa_name);
  without_gil([&] { cpu::linear(layer, isa, threads); });
}

}  // namespace

void define_linear(pybind11::module_& module) {
  using pybind11::arg;
  module.def("linear", &linear, arg("x"), arg("w"), arg("bias"), arg("y"), arg("m"), arg("k"), arg("n"), arg("weight_dtype"),
             arg("threads"), arg("isa") = "auto",
             "y (m, n) = x (m, k) @ w (n, k).T + bias (n), all float32 but w (weight_dtype).\n\n"
             "A row of y depends, bit for bit, on its row of x alone. Raises ValueError naming a bad argument.");
}

}  // namespace qwen3tts::bindings
