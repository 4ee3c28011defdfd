// Kernels of which test_emulation.py knows what they do on a GPU, right ones and wrong ones. Functions return what launch returns.
#include "codec/cuda/instructions.cuh"
#include "codec/cuda/launch.cuh"

namespace qwen3tts::cuda {
namespace {

__global__ void places(int* y) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  y[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
}

__global__ void reversed(const float* x, float* y, bool with_barrier) {
  float* shared = dynamic_shared<float>();
  shared[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncthreads();
  y[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

// Shared memory that a warp writes again while the other one may still have to read it.
__global__ void reused(float* y, bool with_barrier) {
  float* shared = dynamic_shared<float>();
  shared[threadIdx.x] = 1.0f;
  __syncthreads();
  __syncwarp();
  y[threadIdx.x] = shared[(threadIdx.x + 32) % 64];
  if (with_barrier) __syncthreads();
  shared[threadIdx.x] = 2.0f;
}

__global__ void shuffles(const float* x, float* y) {
  float value = x[threadIdx.x];
  for (unsigned mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(~0u, value, mask);
  y[threadIdx.x] = value + __shfl_sync(~0u, x[threadIdx.x], 3) + __shfl_down_sync(~0u, x[threadIdx.x], 1);
}

__global__ void missing(bool some_return) {
  if (threadIdx.x == 5 && some_return) return;
  __syncthreads();
}

__global__ void mixed() {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
}

// x (16, 8), w (8, 8), y (16, 8).
__global__ void product(const float* x, const float* w, float* y, bool rounded) {
  const unsigned group = threadIdx.x / 4, place = threadIdx.x % 4;
  const auto tf32 = [&](float value) { return rounded ? to_tf32(value) : __float_as_uint(value); };
  float sums[4] = {};
  const std::uint32_t a[4] = {tf32(x[group * 8 + place]), tf32(x[(group + 8) * 8 + place]), tf32(x[group * 8 + place + 4]),
                              tf32(x[(group + 8) * 8 + place + 4])};
  mma_tf32(sums, a, tf32(w[place * 8 + group]), tf32(w[(place + 4) * 8 + group]));
  for (unsigned i = 0; i < 4; ++i) y[(group + i / 2 * 8) * 8 + place * 2 + i % 2] = sums[i];
}

// Two groups of copies of a thread's four floats, of which `pending` are not waited for; the second is of zeros.
template <int pending>
__global__ void copies(const float* x, float* y) {
  float* shared = dynamic_shared<float>();
  copy_async16(shared + threadIdx.x * 8, x + threadIdx.x * 4, true);
  copy_async_commit();
  copy_async16(shared + threadIdx.x * 8 + 4, nullptr, false);
  copy_async_commit();
  copy_async_wait<pending>();
  for (unsigned i = 0; i < 8; ++i) y[threadIdx.x * 8 + i] = shared[threadIdx.x * 8 + i];
}

}  // namespace

extern "C" {

const char* run_places(int* y) { return launch(places, dim3(3, 2, 2), dim3(16, 2, 3), 0, nullptr, y); }
const char* run_reversed(const float* x, float* y, int threads, bool with_barrier) {
  return launch(reversed, 1, threads, threads * sizeof(float), nullptr, x, y, with_barrier);
}
const char* run_reused(float* y, bool with_barrier) {
  return launch(reused, 1, 64, 64 * sizeof(float), nullptr, y, with_barrier);
}
const char* run_shuffles(const float* x, float* y) { return launch(shuffles, 1, 32, 0, nullptr, x, y); }
const char* run_missing(int blocks, int threads, int shared, bool some_return) {
  return launch(missing, blocks, threads, shared, nullptr, some_return);
}
const char* run_mixed() { return launch(mixed, 1, 64, 0, nullptr); }
const char* run_product(const float* x, const float* w, float* y, bool rounded) {
  return launch(product, 1, 32, 0, nullptr, x, w, y, rounded);
}
const char* run_copies(const float* x, float* y, int pending) {
  return launch(pending == 0 ? copies<0> : pending == 1 ? copies<1> : copies<2>, 1, 32, 32 * 8 * sizeof(float), nullptr, x, y);
}

}  // extern "C"

}  // namespace qwen3tts::cuda
