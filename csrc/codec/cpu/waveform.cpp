#include "codec/cpu/operations.h"
#include "codec/cpu/rows.h"
#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {
namespace {

constexpr std::int64_t part_samples = 256;  // about 5 us of work

}  // namespace

void waveform(const codec::Waveform& operation, const codec::Past& past, Isa isa, int threads) {
  codec::Layer sizes{};
  sizes.channels = operation.channels, sizes.taps = operation.taps, sizes.dilation = 1, sizes.stride = 1;
  const Tiles rows = join(sizes, operation.x, operation.batch, operation.steps, past, part_samples, 0, threads);
  parallel_for(static_cast<std::int64_t>(rows.tiles.size()), threads,
               [&](std::int64_t tile) { kernels(isa).waveform(operation, rows.tiles[tile]); });
}

}  // namespace qwen3tts::cpu
