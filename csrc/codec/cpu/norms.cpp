#include "codec/cpu/operations.h"
#include "codec/cpu/rows.h"
#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {
namespace {

constexpr std::int64_t part_elements = 1 << 14;  // of a norm: about 5 us of work
constexpr std::int64_t depthwise_rows = 8;       // of a part

}  // namespace

void rms_norm(const codec::RmsNorm& operation, Isa isa, int threads) {
  const std::int64_t parts = 1 + operation.rows * operation.channels / part_elements;
  parallel_for(parts, threads, [&](std::int64_t part) {
    kernels(isa).rms_norm(operation, operation.rows * part / parts, operation.rows * (part + 1) / parts);
  });
}

void depthwise_norm(const codec::DepthwiseNorm& operation, const codec::Past& past, Isa isa, int threads) {
  codec::Layer sizes{};
  sizes.channels = operation.channels, sizes.taps = operation.taps, sizes.dilation = 1, sizes.stride = 1;
  const Tiles rows = join(sizes, operation.x, operation.batch, operation.steps, past, depthwise_rows, 0, threads);
  parallel_for(static_cast<std::int64_t>(rows.tiles.size()), threads,
               [&](std::int64_t tile) { kernels(isa).depthwise_norm(operation, rows.tiles[tile]); });
}

}  // namespace qwen3tts::cpu
