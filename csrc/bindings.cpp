// The module qwen3tts._C: checks and dispatch, no arithmetic. Arrays come as addresses and sizes: one build serves every torch.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cpu/isa.h"
#include "cpu/linear.h"
#include "cpu/snake.h"
#ifdef QWEN3TTS_CUDA
#include "cuda/snake.cuh"
#endif

namespace py = pybind11;
namespace cpu = qwen3tts::cpu;

namespace {

using Named = std::pair<const char*, std::int64_t>;

constexpr std::int64_t most_elements = std::int64_t{1} << 40;
constexpr std::int64_t most_cuda_elements = (std::int64_t{1} << 31) - 1;
constexpr int most_threads = 256;

[[noreturn]] void refuse(const Named& argument, const std::string& remedy) {
  throw py::value_error(std::string(argument.first) + "=" + std::to_string(argument.second) + " " + remedy);
}

// The number of elements of an array of these sizes.
std::int64_t check_sizes(std::initializer_list<Named> sizes, std::int64_t most = most_elements) {
  std::int64_t product = 1;
  for (const Named& size : sizes) {
    if (size.second < 0) refuse(size, "is negative: give the array's size");
    if (size.second > most / std::max<std::int64_t>(product, 1))
      refuse(size, "makes an array of over " + std::to_string(most) + " elements: split it");
    product *= size.second;
  }
  return product;
}

void check_address(const char* name, std::uintptr_t address, std::int64_t elements) {
  if (elements > 0 && address == 0) refuse({name, 0}, "is null: give the address of the array's first element");
}

void check_threads(int threads) {
  if (threads < 1 || threads > most_threads)
    refuse({"threads", threads}, "is out of range: give 1 to " + std::to_string(most_threads));
}

cpu::WeightType weight_type_from_name(const std::string& name) {
  if (name == "float32") return cpu::WeightType::float32;
  if (name == "bfloat16") return cpu::WeightType::bfloat16;
  if (name == "float16") return cpu::WeightType::float16;
  throw py::value_error("weight_dtype='" + name + "' is unknown: give float32, bfloat16 or float16");
}

template <class Element>
Element* pointer(std::uintptr_t address) {
  return reinterpret_cast<Element*>(address);
}

// Not py::gil_scoped_release: once the interpreter has ended, taking the GIL back unwinds a daemon thread, and no destructor may
// let that through.
template <class Work>
void without_gil(const Work& work) {
  PyThreadState* state = PyEval_SaveThread();
  try {
    work();
  } catch (...) {
    PyEval_RestoreThread(state);
    throw;
  }
  PyEval_RestoreThread(state);
}

void linear(std::uintptr_t x_ptr, std::uintptr_t w_ptr, std::uintptr_t bias_ptr, std::uintptr_t y_ptr, std::int64_t m,
            std::int64_t k, std::int64_t n, const std::string& weight_dtype, int threads, const std::string& isa_name) {
  check_address("x_ptr", x_ptr, check_sizes({{"m", m}, {"k", k}}));
  check_address("w_ptr", w_ptr, check_sizes({{"n", n}, {"k", k}}));
  check_address("y_ptr", y_ptr, check_sizes({{"m", m}, {"n", n}}));
  check_threads(threads);
  const cpu::Isa isa = cpu::isa_from_name(isa_name);
  const cpu::Linear layer{pointer<float>(x_ptr), pointer<void>(w_ptr), pointer<float>(bias_ptr), pointer<float>(y_ptr),
                          m, k, n, weight_type_from_name(weight_dtype)};
  without_gil([&] { cpu::linear(layer, isa, threads); });
}

void check_snake(std::uintptr_t x_ptr, std::uintptr_t alpha_ptr, std::uintptr_t inv_beta_ptr, std::uintptr_t y_ptr,
                 std::int64_t elements, std::int64_t channels) {
  check_address("x_ptr", x_ptr, elements);
  check_address("alpha_ptr", alpha_ptr, channels);
  check_address("inv_beta_ptr", inv_beta_ptr, channels);
  check_address("y_ptr", y_ptr, elements);
}

void snake(std::uintptr_t x_ptr, std::uintptr_t alpha_ptr, std::uintptr_t inv_beta_ptr, std::uintptr_t y_ptr,
           std::int64_t rows, std::int64_t channels, int threads, const std::string& isa_name) {
  const std::int64_t elements = check_sizes({{"rows", rows}, {"channels", channels}});
  check_snake(x_ptr, alpha_ptr, inv_beta_ptr, y_ptr, elements, channels);
  check_threads(threads);
  const cpu::Isa isa = cpu::isa_from_name(isa_name);
  const cpu::Snake layer{pointer<float>(x_ptr), pointer<float>(alpha_ptr), pointer<float>(inv_beta_ptr), pointer<float>(y_ptr),
                         rows, channels};
  without_gil([&] { cpu::snake(layer, isa, threads); });
}

#ifdef QWEN3TTS_CUDA
void snake_cuda(std::uintptr_t x_ptr, std::uintptr_t alpha_ptr, std::uintptr_t inv_beta_ptr, std::uintptr_t y_ptr,
                std::int64_t rows, std::int64_t channels, std::uintptr_t stream) {
  const std::int64_t elements = check_sizes({{"rows", rows}, {"channels", channels}}, most_cuda_elements);
  check_snake(x_ptr, alpha_ptr, inv_beta_ptr, y_ptr, elements, channels);
  const char* error = qwen3tts::cuda::snake(pointer<float>(x_ptr), pointer<float>(alpha_ptr), pointer<float>(inv_beta_ptr),
                                            pointer<float>(y_ptr), rows, channels, pointer<void>(stream));
  if (error) throw std::runtime_error(std::string("snake_cuda: ") + error);
}
#endif

std::vector<std::string> cpu_features() {
  std::vector<std::string> names;
  for (cpu::Isa isa : cpu::supported_isas()) names.emplace_back(cpu::name(isa));
  return names;
}

py::dict build_info() {
  py::dict info;
  info["compiler"] = __VERSION__;
#ifdef QWEN3TTS_CUDA
  info["cuda"] = true;
  info["cuda_version"] = QWEN3TTS_CUDA;
#else
  info["cuda"] = false;
  info["cuda_version"] = py::none();
#endif
  return info;
}

}  // namespace

PYBIND11_MODULE(_C, module) {
  using py::arg;
  module.doc() = "Operations in C++ and CUDA on arrays given by address; the caller keeps them alive, contiguous and large enough.";
  module.def("linear", &linear, arg("x_ptr"), arg("w_ptr"), arg("bias_ptr"), arg("y_ptr"), arg("m"), arg("k"), arg("n"),
             arg("weight_dtype"), arg("threads"), arg("isa") = "auto",
             "y (m, n) = x (m, k) @ w (n, k).T + bias (n), all float32 but w (weight_dtype); bias_ptr=0 is no bias.\n\n"
             "A row of y depends, bit for bit, on its row of x alone. Raises ValueError naming a bad argument.");
  module.def("snake", &snake, arg("x_ptr"), arg("alpha_ptr"), arg("inv_beta_ptr"), arg("y_ptr"), arg("rows"), arg("channels"),
             arg("threads"), arg("isa") = "auto",
             "y = x + inv_beta[c] * sin(alpha[c] * x)^2 on float32 (rows, channels); y may be x.\n\n"
             "Raises ValueError naming a bad argument.");
#ifdef QWEN3TTS_CUDA
  module.def("snake_cuda", &snake_cuda, arg("x_ptr"), arg("alpha_ptr"), arg("inv_beta_ptr"), arg("y_ptr"), arg("rows"),
             arg("channels"), arg("stream"),
             "snake on device arrays, queued on a cudaStream_t given as an integer.\n\n"
             "Raises ValueError naming a bad argument, RuntimeError with CUDA's own words.");
#endif
  module.def("cpu_features", &cpu_features, "The values of isa that this machine can run; the last is what \"auto\" takes.");
  module.def("build_info", &build_info, "compiler: its version; cuda: are GPU operations in; cuda_version: of nvcc, or None.");
}
