#include "cpu/isa.h"

#include <stdexcept>

namespace qwen3tts::cpu {

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas{Isa::baseline};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) isas.push_back(Isa::avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    isas.push_back(Isa::avx512);
#endif
  return isas;
}

const char* name(Isa isa) {
  switch (isa) {
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    default: return "baseline";
  }
}

Isa isa_from_name(const std::string& wanted) {
  static const std::vector<Isa> isas = supported_isas();
  if (wanted == "auto") return isas.back();
  std::string known = "auto";
  for (Isa isa : isas) {
    if (wanted == name(isa)) return isa;
    known += std::string(", ") + name(isa);
  }
  throw std::invalid_argument("isa='" + wanted + "' cannot run on this machine: give one of " + known);
}

}  // namespace qwen3tts::cpu
