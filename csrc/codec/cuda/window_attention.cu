// A block is one key's head of one batch entry, with the query heads that share it. At one slot a layer of the released decoder
// is 16 blocks that read 36 KB each and wait for memory some five times a step: about 4 us. 64 slots read 38 MB, 9 us at 4.3
// TB/s; with 32 registers a thread all their 1,024 blocks stand on an H200 at once.
#include "codec/cuda/instructions.cuh"
#include "codec/cuda/launch.cuh"
#include "codec/cuda/operations.cuh"
#include "codec/cuda/past.cuh"
#include "codec/cuda/reduce.cuh"

namespace qwen3tts::cuda {
namespace {

constexpr unsigned block_threads = 256;
constexpr unsigned score_lanes = 8;  // threads that share a score: they read whole sectors of 32 bytes
constexpr unsigned value_parts = 4;  // parts of the window that a sum of values is split into
constexpr std::int64_t most_frames = std::int64_t{1} << 40;  // of a slot; numbers that make no sense are clamped, as slots are

// What a block works on; all pointers are to its own key's head.
struct Head {
  const float* frequencies;
  float *keys, *values;             // of place 0
  std::int64_t stride;              // from one place to the next
  unsigned heads, kv_heads, group;  // group: query heads of the block
  unsigned dim, window;
  float* queries;  // shared (group, dim), rotated and scaled
  float* scores;   // shared (group, window)
  float* totals;   // shared (group)
  float* partial;  // shared (value_parts, group, dim)
};

std::size_t shared_bytes(const codec::WindowAttention& o) {
  return o.heads / o.kv_heads * ((1 + value_parts) * o.head_dim + o.window + 1) * sizeof(float);
}

__device__ Head head_of(const codec::WindowAttention& o, std::int64_t slot) {
  Head h;
  h.frequencies = o.frequencies;
  h.stride = o.kv_heads * o.head_dim;
  h.keys = o.keys + slot * o.window * h.stride + blockIdx.x * o.head_dim;
  h.values = o.values + slot * o.window * h.stride + blockIdx.x * o.head_dim;
  h.heads = static_cast<unsigned>(o.heads);
  h.kv_heads = static_cast<unsigned>(o.kv_heads);
  h.group = h.heads / h.kv_heads;
  h.dim = static_cast<unsigned>(o.head_dim);
  h.window = static_cast<unsigned>(o.window);
  h.queries = dynamic_shared<float>();
  h.scores = h.queries + h.group * h.dim;
  h.totals = h.scores + h.group * h.window;
  h.partial = h.totals + h.group;
  return h;
}

// Sine and cosine of an angle, which is brought into [-1, 1] half turns first: for angles without a bound sinf needs local memory.
__device__ void sine_and_cosine(float angle, float& sine, float& cosine) {
  constexpr double inverse_pi = 0.318309886183790671538;
  const double half_turns = angle * inverse_pi;
  sincospif(static_cast<float>(half_turns - 2.0 * rint(0.5 * half_turns)), &sine, &cosine);
}

// Rotates the step's queries and its key, which goes into the ring with its value. row: the step's (heads + 2 * kv_heads, dim).
__device__ void take_step(const Head& h, const float* row, std::int64_t position) {
  const unsigned half = h.dim / 2;
  const std::int64_t place = position % h.window * h.stride;
  const float* const queries = row + blockIdx.x * h.group * h.dim;
  const float* const key = row + (h.heads + blockIdx.x) * h.dim;
  const float* const value = key + h.kv_heads * h.dim;
  const float scale = 1.0f / sqrtf(static_cast<float>(h.dim));
  for (unsigned i = threadIdx.x; i < (h.group + 1) * half; i += block_threads) {
    const unsigned query = i / half, d = i % half;
    const bool is_key = query == h.group;
    const float* const from = is_key ? key : queries + query * h.dim;
    float* const to = is_key ? h.keys + place : h.queries + query * h.dim;
    const float factor = is_key ? 1.0f : scale;
    float sine, cosine;
    sine_and_cosine(__fmul_rn(static_cast<float>(position), h.frequencies[d]), sine, cosine);
    to[d] = (from[d] * cosine - from[d + half] * sine) * factor;
    to[d + half] = (from[d + half] * cosine + from[d] * sine) * factor;
  }
  for (unsigned d = threadIdx.x; d < h.dim; d += block_threads) h.values[place + d] = value[d];
}

// Of each query with the keys at the first `length` places.
__device__ void score(const Head& h, unsigned length) {
  const unsigned lane = threadIdx.x % score_lanes, count = h.group * length;
  for (unsigned begin = 0; begin < count; begin += block_threads / score_lanes) {
    const unsigned i = begin + threadIdx.x / score_lanes, query = i / length, place = i % length;
    float sum = 0.0f;
    if (i < count) {
#pragma unroll 8
      for (unsigned d = lane; d < h.dim; d += score_lanes)
        sum = fmaf(h.queries[query * h.dim + d], h.keys[place * h.stride + d], sum);
    }
    sum = warp_sum<score_lanes>(sum);  // all lanes of a warp take part, whether they have a score or not
    if (i < count && lane == 0) h.scores[query * h.window + place] = sum;
  }
}

// Scores to weights, of which totals holds the sum. A warp takes a query.
__device__ void weigh(const Head& h, unsigned length) {
  const unsigned lane = threadIdx.x % warp_threads;
  for (unsigned query = threadIdx.x / warp_threads; query < h.group; query += block_threads / warp_threads) {
    float* const scores = h.scores + query * h.window;
    float largest = scores[0];
    for (unsigned i = lane; i < length; i += warp_threads) largest = fmaxf(largest, scores[i]);
    largest = warp_max(largest);
    float total = 0.0f;
    for (unsigned i = lane; i < length; i += warp_threads) total += scores[i] = expf(scores[i] - largest);
    total = warp_sum(total);
    if (lane == 0) h.totals[query] = total;
  }
}

// Places i with i % value_parts == part go to a part's sum: whose they are depends on the position alone.
__device__ void sum_values(const Head& h, unsigned length, float* y) {
  const unsigned outputs = h.group * h.dim;
  for (unsigned i = threadIdx.x; i < value_parts * outputs; i += block_threads) {
    const unsigned query = i % outputs / h.dim, d = i % h.dim;
    float sum = 0.0f;
#pragma unroll 6
    for (unsigned place = i / outputs; place < length; place += value_parts)
      sum = fmaf(h.scores[query * h.window + place], h.values[place * h.stride + d], sum);
    h.partial[i] = sum;
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < outputs; i += block_threads) {
    float sum = 0.0f;
    for (unsigned part = 0; part < value_parts; ++part) sum += h.partial[part * outputs + i];
    y[i] = sum / h.totals[i / h.dim];
  }
}

__global__ void __launch_bounds__(block_threads) window_attention_kernel(codec::WindowAttention o, codec::Slots slots) {
  const std::int64_t slot = slot_of(slots, blockIdx.y);
  const std::int64_t first = min(max(slots.progress[2 * slot], std::int64_t{0}), most_frames);
  const Head h = head_of(o, slot);
  for (std::int64_t step = 0; step < o.steps; ++step) {
    const std::int64_t row = blockIdx.y * o.steps + step, position = first + step;
    const unsigned length = position < h.window ? static_cast<unsigned>(position) + 1 : h.window;
    take_step(h, o.qkv + row * (o.heads + 2 * o.kv_heads) * o.head_dim, position);
    __syncthreads();
    score(h, length);
    __syncthreads();
    weigh(h, length);
    __syncthreads();
    sum_values(h, length, o.y + (row * o.heads + blockIdx.x * h.group) * o.head_dim);
  }
}

}  // namespace

const char* window_attention(const codec::WindowAttention& operation, const codec::Slots& slots, void* stream) {
  const dim3 grid(static_cast<unsigned>(operation.kv_heads), static_cast<unsigned>(operation.batch));
  return launch(window_attention_kernel, grid, block_threads, shared_bytes(operation), stream, operation, slots);
}

}  // namespace qwen3tts::cuda
