#include <algorithm>
#include <memory>

#include "codec/cpu/operations.h"
#include "codec/cpu/rows.h"
#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {
namespace {

constexpr std::int64_t row_padding = 16;            // floats: rows a power of two apart would share few sets of the cache
constexpr std::int64_t worthwhile_terms = 1 << 18;  // about 5 us of work
constexpr std::int64_t terms_of_a_load = 8;         // that take as long as a weight from memory
constexpr std::int64_t cached_weights = 1 << 19;    // floats, 2 MB

}  // namespace

std::int64_t panel_width(Isa isa) { return kernels(isa).panel_width; }

void convolution(const codec::Layer& layer, const codec::Signal& signal, const codec::Past& past, Isa isa, int threads) {
  const Kernels& kernel = kernels(isa);
  const Tiles rows = join(layer, signal.x, signal.batch, signal.steps, past, kernel.product_rows, row_padding, threads);
  const std::int64_t tiles = static_cast<std::int64_t>(rows.tiles.size());
  const std::int64_t blocks = (tiles * kernel.product_rows + part_rows - 1) / part_rows;
  const std::int64_t panels = (layer.columns + kernel.panel_width - 1) / kernel.panel_width;
  const std::int64_t weights = layer.taps * layer.channels * layer.columns;
  // Weights that a cache holds serve one block of rows after the other. Of larger ones each panel serves all rows, so that it comes
  // from memory once a call.
  const bool rows_first = weights <= cached_weights;
  const bool worthwhile = weights * std::max(signal.batch * signal.steps, terms_of_a_load) >= worthwhile_terms;
  parallel_for(blocks * panels, worthwhile ? threads : 1, [&](std::int64_t part) {
    const std::int64_t block = rows_first ? part / panels : part % blocks;
    const Tile* begin = rows.tiles.data() + tiles * block / blocks;
    const Tile* end = rows.tiles.data() + tiles * (block + 1) / blocks;
    kernel.convolution({layer, signal, begin, end, rows_first ? part % panels : part / blocks});
  });
}

void residual_unit(const codec::Layer& dilated, const codec::Layer& pointwise, const codec::Signal& signal, const codec::Past& past,
                   Isa isa, int threads) {
  const std::unique_ptr<float[]> hidden(new float[signal.batch * signal.steps * dilated.columns]);
  convolution(dilated, {signal.x, nullptr, nullptr, hidden.get(), signal.batch, signal.steps}, past, isa, threads);
  convolution(pointwise, {hidden.get(), signal.residual, signal.y, signal.activated, signal.batch, signal.steps}, {}, isa, threads);
}

}  // namespace qwen3tts::cpu
