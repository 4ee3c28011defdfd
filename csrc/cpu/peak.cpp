#include "cpu/peak.h"

#include <chrono>
#include <numeric>
#include <vector>

#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {
namespace {

constexpr std::int64_t rounds = 1 << 16;  // between looks at the clock: about 0.2 ms
constexpr std::chrono::duration<double> enough{0.05};

}  // namespace

double fma_rate(Isa isa, int threads) {
  using Clock = std::chrono::steady_clock;
  const Kernels& kernel = kernels(isa);
  std::vector<double> rates(threads);
  parallel_for(threads, threads, [&](std::int64_t thread) {
    volatile float sink = 0.0f;  // without it the sums are in vain, and the compiler drops them
    const Clock::time_point start = Clock::now();
    std::chrono::duration<double> elapsed{};
    for (double flops = static_cast<double>(rounds * kernel.round_flops); elapsed < enough; rates[thread] += flops) {
      sink = kernel.multiply_adds(rounds);
      elapsed = Clock::now() - start;
    }
    static_cast<void>(sink);
    rates[thread] /= elapsed.count();
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace qwen3tts::cpu
