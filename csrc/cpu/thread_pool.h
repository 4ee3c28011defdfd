// A persistent fork-join pool. A frame makes hundreds of calls of tens of microseconds each, so workers spin for a moment after a
// job and then sleep: a call costs a microsecond or two, and an idle engine costs nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace qwen3tts::cpu {

// Runs run(context, part) for every part in [0, parts) on at most `threads` threads, the caller among them, and returns when all
// are done. Safe to call from several threads at once (one gets the workers, the others work alone) and after fork. `run` must
// neither throw nor call parallel_for.
void parallel_for(std::int64_t parts, int threads, void (*run)(const void* context, std::int64_t part), const void* context);

template <class Function>
void parallel_for(std::int64_t parts, int threads, const Function& function) {
  parallel_for(
      parts, threads, [](const void* context, std::int64_t part) { (*static_cast<const Function*>(context))(part); },
      std::addressof(function));
}

}  // namespace qwen3tts::cpu
