#include "cpu/snake.h"

#include <algorithm>

#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {
namespace {

constexpr std::int64_t part_samples = 1 << 13;  // about 5 us of work
constexpr int parts_per_thread = 4;

}  // namespace

void snake(const Snake& layer, Isa isa, int threads) {
  const std::int64_t worthwhile = std::min(layer.rows, layer.rows * layer.channels / part_samples);
  const std::int64_t parts = std::clamp<std::int64_t>(worthwhile, 1, std::int64_t{threads} * parts_per_thread);
  parallel_for(parts, threads, [&](std::int64_t part) {
    kernels(isa).snake(layer, layer.rows * part / parts, layer.rows * (part + 1) / parts);
  });
}

}  // namespace qwen3tts::cpu
