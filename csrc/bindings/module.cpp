// The module qwen3tts._C: checks and dispatch, no arithmetic. Arrays come as addresses and sizes: one build serves every torch.
#include "bindings/module.h"

#include <pybind11/stl.h>
#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bindings/checks.h"
#include "cpu/isa.h"
#include "cpu/peak.h"

namespace py = pybind11;
namespace cpu = qwen3tts::cpu;

namespace {

std::vector<std::string> cpu_features() {
  std::vector<std::string> names;
  for (cpu::Isa isa : cpu::supported_isas()) names.emplace_back(cpu::name(isa));
  return names;
}

int cores() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

// Here and not in Python: it is asked before every call, and takes 2 us there.
int available_threads() {
  const char* given = std::getenv("OMP_NUM_THREADS");
  char* end = nullptr;
  const long number = given ? std::strtol(given, &end, 10) : 0;
  const bool valid = number > 0 && *end == '\0';
  return static_cast<int>(std::clamp<long>(valid ? number : cores(), 1, qwen3tts::bindings::most_threads));
}

double fma_rate(int threads, const std::string& isa_name) {
  const cpu::Isa isa = cpu::isa_from_name(isa_name);
  double rate = 0;
  qwen3tts::bindings::check_threads(threads);
  qwen3tts::bindings::without_gil([&] { rate = cpu::fma_rate(isa, threads); });
  return rate;
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
  module.doc() =
      "Operations in C++ and CUDA. An array is a tuple (address, elements) of contiguous elements, float32 where nothing else is\n"
      "said; the caller keeps it alive.";
  qwen3tts::bindings::define_linear(module);
  qwen3tts::bindings::define_layer(module);
  qwen3tts::bindings::define_codec(module);
#ifdef QWEN3TTS_CUDA
  qwen3tts::bindings::define_codec_cuda(module);
#endif
  module.def("cpu_features", &cpu_features, "The values of isa that this machine can run; the last is what \"auto\" takes.");
  module.def("available_threads", &available_threads,
             "$OMP_NUM_THREADS, as everywhere else, or one for each core that the process may use.");
  module.def("fma_rate", &fma_rate, arg("threads"), arg("isa") = "auto",
             "Multiplications and additions of float32 a second, with all operands in registers: what no operation can exceed.");
  module.def("build_info", &build_info, "compiler: its version; cuda: are GPU operations in; cuda_version: of nvcc, or None.");
}
