// Where the rows of a convolution come from: the signal itself, and before it what a slot remembers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "codec/layer.h"

namespace qwen3tts::cpu {

// Some outputs that follow each other. Input i of output r starts at x + (r * layer.stride + i * layer.dilation) * row_stride.
struct Tile {
  const float* x;
  std::int64_t row_stride;  // floats from one input row to the next
  std::int64_t first;       // of the outputs, among all batch * steps
  std::int64_t rows;
};

struct Tiles {
  std::unique_ptr<float[]> joined;  // the past and the rows that follow it, of each utterance
  std::vector<Tile> tiles;
};

// Cuts the outputs of a signal x (batch, steps * layer.stride, layer.channels) into tiles of at most `tile_rows`, and writes the
// history's other half. `joined` is copied with rows `row_padding` floats apart. Of the layer only the sizes count.
Tiles join(const codec::Layer& layer, const float* x, std::int64_t batch, std::int64_t steps, const codec::Past& past,
           std::int64_t tile_rows, std::int64_t row_padding, int threads);

}  // namespace qwen3tts::cpu
