#include "codec/cpu/rows.h"

#include <algorithm>

#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {
namespace {

constexpr std::int64_t part_floats = 1 << 15;  // about 5 us of copying

void copy_rows(float* to, std::int64_t to_stride, const float* from, std::int64_t rows, std::int64_t channels) {
  for (std::int64_t row = 0; row < rows; ++row) std::copy_n(from + row * channels, channels, to + row * to_stride);
}

void zero_rows(float* to, std::int64_t to_stride, std::int64_t rows, std::int64_t channels) {
  for (std::int64_t row = 0; row < rows; ++row) std::fill_n(to + row * to_stride, channels, 0.0f);
}

// The past of one utterance: `rows` rows of history to read, null for zeros, and the half to write, null if nothing is kept.
struct History {
  const float* read = nullptr;
  float* write = nullptr;

  History(const codec::Past& past, std::int64_t lane, std::int64_t row_floats) {
    if (!past.history) return;
    const std::int64_t slot = past.slots.slots[lane];
    const std::int64_t frames = past.slots.progress[2 * slot], calls = past.slots.progress[2 * slot + 1];
    const auto half = [&](std::int64_t index) { return past.history + (index * past.slots.count + slot) * row_floats; };
    if (frames > 0) read = half(calls & 1);
    write = half(~calls & 1);
  }
};

// The last `rows` rows of history and signal go to the history's other half.
void keep(const History& history, const float* x, std::int64_t x_rows, std::int64_t rows, std::int64_t channels) {
  if (!history.write) return;
  const std::int64_t old = std::max<std::int64_t>(0, rows - x_rows);  // rows that stay in the past
  if (history.read)
    copy_rows(history.write, channels, history.read + (rows - old) * channels, old, channels);
  else
    zero_rows(history.write, channels, old, channels);
  copy_rows(history.write + old * channels, channels, x + (x_rows - (rows - old)) * channels, rows - old, channels);
}

void add_tiles(std::vector<Tile>& tiles, const Tile& all, std::int64_t output_stride, std::int64_t tile_rows) {
  const std::int64_t count = (all.rows + tile_rows - 1) / tile_rows;
  for (std::int64_t tile = 0; tile < count; ++tile) {  // of even sizes: a tile of few rows has too few sums to hide their latency
    const std::int64_t begin = all.rows * tile / count, end = all.rows * (tile + 1) / count;
    tiles.push_back({all.x + begin * output_stride, all.row_stride, all.first + begin, end - begin});
  }
}

}  // namespace

Tiles join(const codec::Layer& layer, const float* x, std::int64_t batch, std::int64_t steps, const codec::Past& past,
           std::int64_t tile_rows, std::int64_t row_padding, int threads) {
  const std::int64_t channels = layer.channels, past_rows = layer.past(), x_rows = steps * layer.stride;
  Tiles result;
  if (past_rows == 0) {
    add_tiles(result.tiles, {x, channels, 0, batch * steps}, layer.stride * channels, tile_rows);
    return result;
  }
  // Outputs that reach into the past, in whole tiles; the others read the signal where it lies.
  const std::int64_t reaching = (past_rows + layer.stride - 1) / layer.stride;
  const std::int64_t head = std::min(steps, (reaching + tile_rows - 1) / tile_rows * tile_rows);
  const std::int64_t row_stride = channels + row_padding, head_rows = head * layer.stride;
  const std::int64_t lane_floats = (past_rows + head_rows) * row_stride;
  result.joined.reset(new float[batch * lane_floats]);
  for (std::int64_t lane = 0; lane < batch; ++lane) {
    const Tile start{result.joined.get() + lane * lane_floats, row_stride, lane * steps, head};
    add_tiles(result.tiles, start, layer.stride * row_stride, tile_rows);
    const float* rest = x + (lane * x_rows + head_rows - past_rows) * channels;
    add_tiles(result.tiles, {rest, channels, lane * steps + head, steps - head}, layer.stride * channels, tile_rows);
  }
  const bool worthwhile = batch * (2 * past_rows + head_rows) * channels >= part_floats;
  parallel_for(batch, worthwhile ? threads : 1, [&](std::int64_t lane) {
    const History history(past, lane, past_rows * channels);
    const float* signal = x + lane * x_rows * channels;
    float* joined = result.joined.get() + lane * lane_floats;
    if (history.read)
      copy_rows(joined, row_stride, history.read, past_rows, channels);
    else
      zero_rows(joined, row_stride, past_rows, channels);
    copy_rows(joined + past_rows * row_stride, row_stride, signal, head_rows, channels);
    keep(history, signal, x_rows, past_rows, channels);
  });
  return result;
}

}  // namespace qwen3tts::cpu
