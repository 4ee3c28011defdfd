// What the cores could do at most, measured: benchmarks report their arithmetic as a share of it.
#pragma once

#include "cpu/isa.h"

namespace qwen3tts::cpu {

// FLOP/s, two for each lane of a multiply-add, of independent multiply-adds in the registers of `threads` threads. Takes 50 ms.
double fma_rate(Isa isa, int threads);

}  // namespace qwen3tts::cpu
