// The vector instruction sets that the CPU operations are compiled for.
#pragma once

#include <string>
#include <vector>

namespace qwen3tts::cpu {

enum class Isa { baseline, avx2, avx512 };

// What this machine can run, the widest last.
std::vector<Isa> supported_isas();

const char* name(Isa isa);

// Throws std::invalid_argument for a name that is unknown or that this machine cannot run; "auto" is the widest.
Isa isa_from_name(const std::string& name);

}  // namespace qwen3tts::cpu
