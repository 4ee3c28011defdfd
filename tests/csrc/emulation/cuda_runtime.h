// Stands in for CUDA's header where a host compiler builds the kernels for tests: what they use of CUDA, and no more.
//
// Blocks run one after another, and a block's threads as fibers: a thread runs until it has to wait for its warp, and a warp
// until it has to wait for its block. What a GPU would leave to chance is made to show instead: a warp is as far ahead of the
// others as it can be; shared memory is NaN until it is written, and so is the target of a copy until it is waited for; a barrier
// that some thread never comes to, threads that wait at different places and launches that not every GPU takes are errors. With
// QWEN3TTS_EMULATION=reverse in the environment threads and blocks run from the last to the first: a result that changes with it
// comes of a race.
#pragma once

#include <math.h>
#include <stdlib.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// There is no __shared__: kernels take their shared memory from dynamic_shared().
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct alignas(8) float2 {
  float x, y;
};

struct alignas(16) float4 {
  float x, y, z, w;
};

inline dim3 gridDim, blockDim, blockIdx, threadIdx;

using cudaError_t = const char*;  // what is wrong
constexpr cudaError_t cudaSuccess = nullptr;
using cudaStream_t = struct Stream*;

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
};

namespace emulation {

constexpr unsigned warp_threads = 32;
constexpr std::size_t stack_bytes = 128 << 10;
constexpr std::size_t most_shared = 99 << 10;  // of a block on sm_89 and sm_120; others have more

struct Site {
  const char* file;
  int line;
};

constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }

struct Barrier {
  unsigned threads, arrived = 0, generation = 0;
  Site site{};
};

struct Warp {
  Barrier barrier{warp_threads};
  alignas(16) char values[2][warp_threads * 32];  // of an exchange and the one before it, which some lanes may still read
};

struct Copy {
  void* shared;
  const void* global;
  bool valid;
};

struct Thread {
  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[stack_bytes]};
  bool done;
  std::deque<std::vector<Copy>> copies;  // groups; the last is still open
};

struct Block {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  Barrier barrier;
  void* shared;
  std::function<void()> kernel;
  ucontext_t host;
  unsigned running, live, waits;  // waits: turns in a row that found a thread still waiting
  bool reverse;
  std::string error;
};

inline Block block;

inline unsigned lane() { return block.running % warp_threads; }
inline Thread& current() { return block.threads[block.running]; }

[[noreturn]] inline void fail(std::string error) {
  block.error = std::move(error);
  setcontext(&block.host);
  abort();
}

inline std::string name(Site site) { return std::string(site.file) + ":" + std::to_string(site.line); }

// The next thread that has not returned, in the order of the launch, or the host where all have. within: of a warp's or of all.
inline ucontext_t* next(unsigned within) {
  if (block.live == 0) return &block.host;
  const unsigned first = block.running / within * within;
  do block.running = first + (block.running - first + (block.reverse ? within - 1 : 1)) % within;
  while (current().done);
  const unsigned i = block.running;
  threadIdx = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
  return &current().context;
}

inline void wait(Barrier& barrier, Site site) {
  if (barrier.arrived == 0) barrier.site = site;
  if (barrier.site.line != site.line || std::strcmp(barrier.site.file, site.file) != 0)
    fail("threads wait at " + name(barrier.site) + " and at " + name(site));
  const unsigned generation = barrier.generation;
  block.waits = 0;
  if (++barrier.arrived == barrier.threads) {
    barrier.arrived = 0;
    ++barrier.generation;
    return;
  }
  while (barrier.generation == generation) {
    if (++block.waits > block.live + warp_threads) fail("threads wait for ever at " + name(site));
    ucontext_t* self = &current().context;
    swapcontext(self, next(barrier.threads));
  }
  block.waits = 0;
}

// Every lane of the warp gives a value and gets all 32, which stay until its next exchange but one.
template <class Value>
const Value* exchange(const Value& value, Site site) {
  static_assert(sizeof(Value) <= 32 && std::is_trivially_copyable_v<Value>);
  Warp& warp = block.warps[block.running / warp_threads];
  Value* values = reinterpret_cast<Value*>(warp.values[warp.barrier.generation % 2]);
  values[lane()] = value;
  wait(warp.barrier, site);
  return values;
}

inline void copy_later(void* shared, const void* global, bool valid) {
  if (reinterpret_cast<std::uintptr_t>(shared) % 16 || reinterpret_cast<std::uintptr_t>(global) % 16) fail("a copy is not aligned");
  std::memset(shared, 0xff, 16);
  current().copies.back().push_back({shared, global, valid});
}

inline void finish_copies(std::size_t pending) {
  for (auto& groups = current().copies; groups.size() > pending + 1; groups.pop_front())
    for (const Copy& copy : groups.front())
      copy.valid ? std::memcpy(copy.shared, copy.global, 16) : std::memset(copy.shared, 0, 16);
}

inline void run_thread() {
  block.kernel();
  block.waits = 0;
  current().done = true;
  --block.live;
  setcontext(next(block.threads.size()));
}

inline void run_block(std::size_t shared_bytes) {
  const std::unique_ptr<char[]> shared(new char[shared_bytes]);
  std::memset(shared.get(), 0xff, shared_bytes);
  block.shared = shared.get();
  block.live = block.threads.size();
  block.running = block.reverse ? 0 : block.live - 1;
  block.barrier = {block.live};
  block.warps.assign(block.live / warp_threads, Warp{});
  for (Thread& thread : block.threads) {
    thread.done = false;
    thread.copies.assign(1, {});
    getcontext(&thread.context);
    thread.context.uc_stack = {thread.stack.get(), 0, stack_bytes};
    makecontext(&thread.context, run_thread, 0);
  }
  swapcontext(&block.host, next(block.threads.size()));
}

inline cudaError_t run(const cudaLaunchConfig_t& config, std::function<void()> kernel) {
  const dim3 grid = config.gridDim, threads = config.blockDim;
  const std::size_t blocks = std::size_t{1} * grid.x * grid.y * grid.z, block_threads = threads.x * threads.y * threads.z;
  if (blocks == 0 || grid.x >> 31 || grid.y >> 16 || grid.z >> 16) return "a grid of no size that CUDA takes";
  if (block_threads == 0 || block_threads % warp_threads || block_threads > 1024) return "blocks are not of 1 to 32 whole warps";
  if (config.dynamicSmemBytes > most_shared) return "more shared memory than every GPU has";
  gridDim = grid, blockDim = threads;
  const char* order = getenv("QWEN3TTS_EMULATION");
  block.reverse = order && std::strcmp(order, "reverse") == 0;
  block.kernel = std::move(kernel);
  block.error.clear();
  block.threads.resize(block_threads);
  for (std::size_t i = 0; i < blocks && block.error.empty(); ++i) {
    const std::size_t index = block.reverse ? blocks - 1 - i : i;
    blockIdx = dim3(index % grid.x, index / grid.x % grid.y, index / grid.x / grid.y);
    run_block(config.dynamicSmemBytes);
  }
  return block.error.empty() ? cudaSuccess : block.error.c_str();
}

}  // namespace emulation

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), Arguments&&... arguments) {
  return emulation::run(*config, [&] { kernel(static_cast<Parameters>(arguments)...); });
}

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };

template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel*, cudaFuncAttribute, int) {
  return cudaSuccess;
}

inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t error) { return error; }

inline void __syncthreads(emulation::Site site = emulation::here()) { emulation::wait(emulation::block.barrier, site); }
inline void __syncwarp(unsigned = ~0u, emulation::Site site = emulation::here()) { emulation::exchange(0, site); }

template <class Value>
Value __shfl_sync(unsigned, Value value, unsigned lane, int = 32, emulation::Site site = emulation::here()) {
  return emulation::exchange(value, site)[lane % 32];
}

template <class Value>
Value __shfl_xor_sync(unsigned, Value value, unsigned mask, int = 32, emulation::Site site = emulation::here()) {
  return emulation::exchange(value, site)[emulation::lane() ^ mask];
}

template <class Value>
Value __shfl_down_sync(unsigned, Value value, unsigned delta, int = 32, emulation::Site site = emulation::here()) {
  return emulation::exchange(value, site)[std::min(emulation::lane() + delta, 31u)];
}

template <class Value>
Value __ldg(const Value* p) {
  return *p;
}

using std::max;
using std::min;

inline float __fmul_rn(float a, float b) { return a * b; }
inline void sincospif(float half_turns, float* sine, float* cosine) {
  *sine = static_cast<float>(sin(M_PI * half_turns));
  *cosine = static_cast<float>(cos(M_PI * half_turns));
}
inline int __float2int_rn(float value) { return static_cast<int>(lrintf(value)); }

inline std::uint32_t __float_as_uint(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float __uint_as_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
