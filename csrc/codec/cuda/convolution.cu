// How a convolution is launched. Predicted for a frame of the released decoder on an H200 (132 multiprocessors, 4.3 TB/s, from L2
// 5.5), with 2.2 us for a launch and its first bytes, and 2 us for `finish`. A unit is 32 channels of a tap: 0.4 us for 64 x 96.
//
//   slots  rows               parts      products  launches  blocks    units     weights   time
//   1      few, 1 to 32       by warps   46        46        64-768    2-28      361 MB    0.20 ms: 0.1 of bytes, 0.1 of launches
//   1      many, 32 to 1920   by blocks  25        50        64-192    1-21      61 MB     0.16 ms: 0.1 of launches
//   64     many, 64 to 256    by blocks  42        84        48-688    2-28      240 MB    0.3 ms
//   64     many, to 122,880   in turn    29        29        172-1920  3-168     182 MB    2.3 ms: 13 KB a unit from L2
#include <algorithm>
#include <initializer_list>

#include "codec/cuda/convolution_kernel.cuh"
#include "codec/cuda/launch.cuh"
#include "codec/cuda/operations.cuh"

namespace qwen3tts::cuda {
namespace {

constexpr std::size_t most_shared = 99 << 10;  // of a block on sm_89 and sm_120; others have more
constexpr std::int64_t most_parts = FewRows::groups;
constexpr int few_rows = 32, few_tiles = 2;  // up to here the time is that of the weights' bytes, read once a tile of rows
constexpr std::int64_t enough_tiles = 128;   // one or so for each multiprocessor of the largest GPU
constexpr std::int64_t most_rows = 1 << 30;  // kernels count them in 32 bits
constexpr unsigned finish_threads = 128;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t parts(const codec::Layer& layer) { return std::min(most_parts, divide_up(layer.channels, chunk_channels)); }

// Blocks that share the parts of a tile of ManyRows: all that there are, where there would be too few blocks otherwise.
std::int64_t splits(const codec::Layer& layer, std::int64_t rows) {
  const std::int64_t tiles = divide_up(rows, ManyRows::rows) * divide_up(layer.columns, ManyRows::columns);
  return tiles < enough_tiles ? parts(layer) : 1;
}

bool aligned(std::initializer_list<const void*> pointers, std::size_t bytes) {
  return std::all_of(pointers.begin(), pointers.end(), [=](auto p) { return reinterpret_cast<std::uintptr_t>(p) % bytes == 0; });
}

Work work_of(const codec::Layer& layer, const codec::Signal& signal, const codec::Past& past, float* workspace) {
  Work work{};
  work.x = signal.x;
  work.weights = layer.weights;
  work.past = past;
  work.partials = workspace;
  work.past_rows = static_cast<int>(layer.past());
  // Rows that reach no others are rows of one entry: a tile holds them whatever the batch is.
  const bool apart = work.past_rows == 0 && layer.stride == 1;
  if (work.past_rows == 0) work.past.history = nullptr;
  work.batch = static_cast<int>(apart ? 1 : signal.batch);
  work.steps = static_cast<int>(apart ? signal.batch * signal.steps : signal.steps);
  work.channels = static_cast<int>(layer.channels);
  work.taps = static_cast<int>(layer.taps);
  work.dilation = static_cast<int>(layer.dilation);
  work.stride = static_cast<int>(layer.stride);
  work.parts = static_cast<int>(parts(layer));
  work.wide = layer.channels % 4 == 0 && aligned({signal.x, past.history}, sizeof(float4));
  const bool paired = layer.columns % 2 == 0 && aligned({signal.residual, signal.y, signal.activated, workspace}, sizeof(float2));
  work.output = {layer.bias, layer.alpha, layer.inv_beta, signal.residual, signal.y, signal.activated,
                 static_cast<int>(layer.columns), layer.activation, paired};
  return work;
}

template <class S>
std::size_t shared_bytes(const Work& work, int groups) {
  const std::int64_t rows = std::int64_t{1} * work.tile_entries * work.span;
  return (S::rows + (rows + 1) / 2 * 2) * sizeof(void*) + groups * sizeof(float) * S::ring(work.chunk_slots, rows);
}

// Gives the work the largest tiles for which its rows and the rings of so many groups fit. Returns whether there are any.
template <class S>
bool fit(Work& work, int groups) {
  work.tile_steps = std::min(work.steps, S::rows);
  work.tile_entries = std::min(work.batch, S::rows / work.tile_steps);
  work.chunk_slots = (S::stages - 2 + work.taps) / work.taps + 1;  // of the products, and of the stages that are on their way
  while (true) {
    work.span = (work.tile_steps - 1) * work.stride + (work.taps - 1) * work.dilation + 1;
    if (shared_bytes<S>(work, groups) <= most_shared) return true;
    int& side = work.tile_entries > 1 ? work.tile_entries : work.tile_steps;
    if (side == 1) return false;
    side = (side + 1) / 2;
  }
}

std::int64_t tiles(const Work& work) {
  return divide_up(work.steps, work.tile_steps) * divide_up(work.batch, work.tile_entries);
}

template <class S>
const char* launch_tiles(const Work& work, int groups, std::int64_t splits, void* stream) {
  const dim3 grid(tiles(work), divide_up(work.output.columns, S::columns), splits);
  return launch(convolve<S>, grid, groups * S::threads, shared_bytes<S>(work, groups), stream, work);
}

}  // namespace

std::int64_t workspace_elements(const codec::Layer& layer, std::int64_t rows) {
  const std::int64_t count = splits(layer, rows);
  return count == 1 ? 0 : count * rows * layer.columns;
}

const char* convolution(const codec::Layer& layer, const codec::Signal& signal, const codec::Past& past, float* workspace,
                        void* stream) {
  const std::int64_t rows = signal.batch * signal.steps;
  if (rows == 0) return nullptr;
  if (rows * layer.stride > most_rows) return "there are too many rows: split the signal";
  Work work = work_of(layer, signal, past, workspace);
  if (rows <= few_rows && fit<FewRows>(work, work.parts) && tiles(work) <= few_tiles)
    return launch_tiles<FewRows>(work, work.parts, 1, stream);
  if (!fit<ManyRows>(work, 1)) return "the inputs of one output do not fit shared memory: give fewer taps, or nearer ones";
  const std::int64_t count = splits(layer, rows);
  const char* error = launch_tiles<ManyRows>(work, 1, count, stream);
  if (error || count == 1) return error;
  const std::int64_t pairs = rows * divide_up(layer.columns, 2);
  return launch(finish, divide_up(pairs, finish_threads), finish_threads, 0, stream, work);
}

const char* residual_unit(const codec::Layer& dilated, const codec::Layer& pointwise, const codec::Signal& signal,
                          const codec::Past& past, float* hidden, float* workspace, void* stream) {
  const codec::Signal inner{signal.x, nullptr, nullptr, hidden, signal.batch, signal.steps};
  if (const char* error = convolution(dilated, inner, past, workspace, stream)) return error;
  const codec::Signal outer{hidden, signal.residual, signal.y, signal.activated, signal.batch, signal.steps};
  return convolution(pointwise, outer, codec::Past{}, workspace, stream);
}

}  // namespace qwen3tts::cuda
