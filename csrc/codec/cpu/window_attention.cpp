#include <cmath>
#include <memory>

#include "codec/cpu/operations.h"
#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

namespace qwen3tts::cpu {

void window_attention(const codec::WindowAttention& operation, const codec::Slots& slots, Isa isa, int threads) {
  const std::int64_t half = operation.head_dim / 2, angles = operation.steps * half;
  const auto position = [&](std::int64_t lane) { return slots.progress[2 * slots.slots[lane]]; };
  const std::unique_ptr<float[]> waves(new float[2 * operation.batch * angles]);
  float* cosines = waves.get();
  float* sines = cosines + operation.batch * angles;
  for (std::int64_t lane = 0; lane < operation.batch; ++lane)
    for (std::int64_t i = 0; i < angles; ++i) {
      const float angle = static_cast<float>(position(lane) + i / half) * operation.frequencies[i % half];
      cosines[lane * angles + i] = std::cos(angle);
      sines[lane * angles + i] = std::sin(angle);
    }
  parallel_for(operation.batch * operation.kv_heads, threads, [&](std::int64_t part) {
    const std::int64_t lane = part / operation.kv_heads;
    kernels(isa).window_attention({operation, cosines + lane * angles, sines + lane * angles, lane, part % operation.kv_heads,
                                   slots.slots[lane], position(lane)});
  });
}

}  // namespace qwen3tts::cpu
