#include "cpu/linear.h"

#include <algorithm>

#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {
namespace {

constexpr std::int64_t strip = 16;             // columns; a multiple of every kernel's tile
constexpr std::int64_t part_products = 1 << 16;  // about 5 us of work, several times what waking a worker costs
constexpr int parts_per_thread = 4;            // so that a core taken by another process delays the end by a part, not by half

}  // namespace

void linear(const Linear& layer, Isa isa, int threads) {
  const std::int64_t strips = (layer.n + strip - 1) / strip;
  const std::int64_t strip_products = std::max<std::int64_t>(1, layer.m * layer.k * strip);
  const std::int64_t worthwhile = strips / std::max<std::int64_t>(1, part_products / strip_products);
  const std::int64_t parts = std::clamp<std::int64_t>(worthwhile, 1, std::int64_t{threads} * parts_per_thread);
  parallel_for(parts, threads, [&](std::int64_t part) {
    const std::int64_t begin = strips * part / parts * strip;
    const std::int64_t end = std::min(strips * (part + 1) / parts * strip, layer.n);
    kernels(isa).linear(layer, begin, end);
  });
}

}  // namespace qwen3tts::cpu
